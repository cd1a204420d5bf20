//! Keys that were given and have no effect are told before a run begins.

use potstill::commands::{DistillRequest, TrainRequest, distill, play_at_random, train};
use potstill::run::{Observer, Sources, find_environment};
use std::path::Path;
use std::sync::Mutex;

/// Keeps warnings.
#[derive(Default)]
struct Listener(Mutex<Vec<String>>);

impl Observer for Listener {
    fn remark(&self, _: &str) {}
    fn record(&self, _: &potstill::metrics::Record) {}
    fn begin(&self, _: &str, _: u64) {}
    fn advance(&self, _: u64, _: &str) {}
    fn end(&self) {}
    fn warn(&self, message: &str) {
        self.0.lock().unwrap().push(message.to_owned());
    }
}

const POLE: &str = "env=CartPole-v1 steps=300 net_arch=mlp:4 learning_starts=100 train_freq=100 buffer_size=400 eval_episodes=1";
const LAKE: &str = "env=FrozenLake-v1 episodes=2";
const DIGITS: &str = "data=digits net_arch=mlp:4 epochs=1 test_samples=1500";

/// Records an episode of random actions.
fn record(path: &Path) {
    let mut game = play_at_random(&find_environment("FrozenLake-v1", &[]).unwrap());
    game.record();
    game.reset(1);
    while !game.step(None).unwrap().outcome.done() {}
    let mut file = std::fs::File::create(path).unwrap();
    potstill::data::episodes::write_lines(game.recording().unwrap(), &mut file).unwrap();
}

#[test]
fn a_key_without_effect_is_told() {
    let root = tempfile::tempdir().unwrap();
    let (walks, count) = (root.path().join("walks.jsonl"), Mutex::new(0));
    record(&walks);
    // Returns the run.
    let check = |algorithm: &str, common: &str, settings: &str, expected: &[&str]| {
        *count.lock().unwrap() += 1;
        let run = root.path().join(format!("run-{}", count.lock().unwrap()));
        let set = common.split(' ').chain(settings.split_whitespace()).map(str::to_owned).collect();
        let (sources, out) = (Sources { set, ..Sources::default() }, Some(run.clone()));
        let listener = Listener::default();
        let done = match algorithm {
            "distill" => {
                distill(&DistillRequest { sources, out, threads: 1, ..DistillRequest::default() }, &listener)
            }
            _ => {
                let algorithm = algorithm.to_owned();
                train(
                    &TrainRequest { algorithm, sources, out, threads: 1, ..TrainRequest::default() },
                    &listener,
                )
            }
        };
        done.unwrap();
        let mut told = listener.0.lock().unwrap().clone();
        // Of teachers that have hardly learned.
        told.retain(|warning| !warning.starts_with("the teacher is right on"));
        assert_eq!(told, expected, "{algorithm} {settings}");
        run.display().to_string()
    };

    check(
        "dqn",
        POLE,
        "eval_freq=0 stop_at_return=100",
        &["`eval_episodes` has no effect with eval_freq=0; it needs eval_freq above 0; \
         `stop_at_return` has no effect with eval_freq=0; it needs eval_freq above 0"],
    );
    let pole = check("dqn", POLE, "eval_freq=300 stop_at_return=1000", &[]);
    check(
        "dqn",
        POLE,
        "prioritized_beta=0.5 noisy=true exploration_final_eps=0.1",
        &["`exploration_final_eps` has no effect with noisy=true; it needs noisy=false; \
         `prioritized_beta` has no effect with prioritized=false; it needs prioritized=true"],
    );
    check("dqn", POLE, "prioritized=true prioritized_beta=0.5 exploration_final_eps=0.1 huber_delta=2", &[]);
    check(
        "dqn",
        POLE,
        "nesterov=true",
        &["`nesterov` has no effect with optimizer=adam; it needs optimizer=sgd"],
    );
    check("dqn", POLE, "optimizer=sgd nesterov=true momentum=0.5", &[]);
    check(
        "dqn",
        POLE,
        "optimizer=sgd nesterov=true momentum=0 optimizer_eps=0.1",
        &[
            "`optimizer_eps` has no effect with optimizer=sgd; it needs optimizer=adam or adamw or radam or rmsprop; \
         `nesterov` has no effect with momentum=0.0; it needs momentum above 0",
        ],
    );
    check(
        "dqn",
        POLE,
        "exploration_initial_eps=0.5 exploration_fraction=0",
        &[
            "`exploration_initial_eps` has no effect with exploration_fraction=0.0; it needs exploration_fraction above 0",
        ],
    );
    check(
        "dqn",
        POLE,
        &format!("from={pole} initialization=orthogonal"),
        &["`initialization` has no effect with from"],
    );
    for algorithm in ["c51", "qr-dqn", "iqn", "rainbow"] {
        check(
            algorithm,
            POLE,
            "huber_delta=2",
            &["`huber_delta` has no effect: the loss is that of a distribution"],
        );
    }
    check(
        "c51",
        POLE,
        "munchausen_alpha=0.5",
        &["`munchausen_alpha` has no effect: munchausen is a target of means"],
    );

    let lake = check("q-learning", LAKE, "epsilon=0.2 initial_value=1", &[]);
    check(
        "q-learning",
        LAKE,
        "ucb_c=1 exploration=boltzmann epsilon=0.2 temperature=2",
        &["`epsilon` has no effect with exploration=boltzmann; it needs exploration=epsilon-greedy; \
         `ucb_c` has no effect with exploration=boltzmann; it needs exploration=ucb"],
    );
    check(
        "q-learning",
        LAKE,
        &format!("data={} epsilon=0.2 exploration=ucb", walks.display()),
        &["`exploration` has no effect with data; `epsilon` has no effect with data"],
    );
    check(
        "q-learning",
        LAKE,
        &format!("from={lake} initial_value=1"),
        &["`initial_value` has no effect with from"],
    );
    check(
        "q-learning",
        LAKE,
        "schedule_steps=100 checkpoint_freq=0 checkpoints_kept=3",
        &[
            "`schedule_steps` has no effect with constant settings; it needs a setting that is relative to the run, \
         such as linear:FROM:TO:run; \
         `checkpoints_kept` has no effect with checkpoint_freq=0; it needs checkpoint_freq above 0",
        ],
    );
    check("q-learning", LAKE, "schedule_steps=100 epsilon=linear:1:0:run", &[]);
    check("dqn", POLE, "schedule_steps=500", &[]);
    check(
        "sarsa-lambda",
        LAKE,
        "lambda=0 traces=replacing",
        &["`traces` has no effect with lambda=0.0; it needs lambda above 0"],
    );
    check(
        "r-learning",
        "env=AccessControl steps=9",
        "gamma=0.9",
        &["`gamma` has no effect: values are relative to the average reward"],
    );
    for algorithm in ["monte-carlo", "off-policy-monte-carlo", "monte-carlo-prediction"] {
        check(algorithm, LAKE, "alpha=0.1", &["`alpha` has no effect: the values are means of returns"]);
    }
    let pendulum = "env=Pendulum-v1 steps=40 eval_episodes=1 learning_starts=30 batch_size=4 critic_net_arch=mlp:4:batchrenorm";
    check("crossq", pendulum, "tau=0.1", &["`tau` has no effect: there are no target networks"]);
    check("crossq", pendulum, "beta1=0.9 net_arch=mlp:4:batchrenorm", &[]);
    check(
        "sac",
        "env=Pendulum-v1 steps=40 eval_episodes=1 learning_starts=30 batch_size=4 net_arch=mlp:4",
        "optimizer=rmsprop beta1=0.5",
        &["`beta1` has no effect with optimizer=rmsprop; it needs optimizer=adam or adamw or radam"],
    );
    check(
        "speedy-q-learning",
        LAKE,
        "alpha=0.1",
        &["`alpha` has no effect: step sizes are one over the number of rounds"],
    );
    check(
        "dyna-q-plus",
        LAKE,
        "planning_steps=0 kappa=0.1",
        &["`kappa` has no effect with planning_steps=0; it needs planning_steps above 0"],
    );
    for algorithm in ["td-prediction", "n-step-td-prediction", "gradient-monte-carlo"] {
        check(algorithm, LAKE, "epsilon=0.1", &["`epsilon` has no effect without behaviour"]);
    }
    check("td-prediction", LAKE, &format!("epsilon=0.1 behaviour={lake}"), &[]);
    check(
        "value-iteration",
        "env=FrozenLake-v1",
        "seed=3",
        &["`seed` has no effect: planning is deterministic"],
    );

    let digits = check(
        "classifier",
        DIGITS,
        "weight_decay=0.1",
        &["`weight_decay` has no effect with optimizer=adam; it needs optimizer=adamw"],
    );
    check(
        "classifier",
        "data=digits net_arch=tree:3 test_samples=1500",
        "epochs=3 dropout=0.5 split_seed=1 seed=2",
        &["`epochs` has no effect with net_arch=tree:3; it is of networks; \
         `dropout` has no effect with net_arch=tree:3; it is of networks"],
    );
    check(
        "distill",
        &format!("teacher={digits} data=digits student=tree:2 test_samples=1500"),
        "alpha=0.5 temperature=2 control=false",
        &["`temperature` has no effect with student=tree:2; it is of networks"],
    );
    let labels = format!("teacher={digits} data=digits student=mlp:2 epochs=1 test_samples=1500");
    check(
        "distill",
        &labels,
        "alpha=0 temperature=2 momentum=0.5",
        &["`temperature` has no effect with alpha=0.0; it needs alpha above 0; \
         `momentum` has no effect with optimizer=adam; it needs optimizer=rmsprop or sgd"],
    );
    check("distill", &labels, "alpha=0.5 temperature=2", &[]);
    let policy = format!("teacher={pole} env=CartPole-v1 student=mlp:2 gradient_steps=4 transfer_states=40");
    check(
        "distill",
        &policy,
        "rounds=1 teacher_plays=0.2",
        &["`teacher_plays` has no effect with rounds=1; it needs rounds above 1"],
    );
    check("distill", &policy, "rounds=2 teacher_plays=0.2", &[]);
}

/// Keys of other divergences, and a term of the loss that vanishes beside the other.
#[test]
fn what_has_no_effect_on_a_student_is_told() {
    let root = tempfile::tempdir().unwrap();
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect();
    let teacher = TrainRequest {
        algorithm: "classifier".to_owned(),
        sources: Sources { set: words("data=digits net_arch=mlp:12 epochs=8"), ..Sources::default() },
        out: Some(root.path().join("teacher")),
        threads: 1,
        ..TrainRequest::default()
    };
    train(&teacher, &potstill::run::Quiet).unwrap();
    let check = |name: &str, settings: &str, expected: &[&str]| {
        let common =
            format!("teacher={} student=mlp:4 data=digits epochs=1", root.path().join("teacher").display());
        let sources = Sources { set: words(&format!("{common} {settings}")), ..Sources::default() };
        let listener = Listener::default();
        let out = Some(root.path().join(name));
        distill(&DistillRequest { sources, out, threads: 1, ..DistillRequest::default() }, &listener)
            .unwrap();
        let told = listener.0.lock().unwrap();
        assert_eq!(told.len(), expected.len(), "{settings}: {told:?}");
        assert!(told.iter().zip(expected).all(|(told, part)| told.contains(part)), "{settings}: {told:?}");
    };
    check("plain", "temperature=2 alpha=0.5", &[]);
    check("decoupled", "divergence=decoupled decoupled_others=2 standardise_logits=true alpha=0.5", &[]);
    check(
        "others",
        "decoupled_others=2 dist_intra=0.5",
        &["`decoupled_others` has no effect with divergence=kl; it needs divergence=decoupled; \
           `dist_intra` has no effect with divergence=kl; it needs divergence=dist"],
    );
    check(
        "logits",
        "divergence=logit-mse temperature=2 alpha=0.5",
        &["`temperature` has no effect with divergence=logit-mse; it needs divergence=kl"],
    );
    check(
        "hints",
        "hint_weight=2 attention_weight=3",
        &["`hint_weight` has no effect without hint; `attention_weight` has no effect without attention"],
    );
    check("hinted", "hint=1:1 hint_weight=2", &[]);
    check("faint", "alpha=0.0001", &["the teacher has 0."]);
    check("labels", "alpha=0.9999", &["the labels have 0."]);
}
