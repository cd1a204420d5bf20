//! What every run must do, whatever it trains: stopped anywhere and resumed, it ends as if it had never been stopped.

use potstill::Error;
use potstill::commands::{DistillRequest, ResumeRequest, TrainRequest, distill, resume, train};
use potstill::config::Settings;
use potstill::metrics::History;
use potstill::metrics::catalogue::{self, METRICS, SCORES, Score};
use potstill::optimizer::OptimizerConfig;
use potstill::run::{ALGORITHMS, Observer, Quiet, Sources};
use potstill::store::{FileMark, Manifest};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use tempfile::TempDir;

/// One kind of run: what is typed, in words, and how many steps it takes.
struct Case {
    command: &'static str,
    settings: &'static str,
}

/// Every algorithm, and both kinds of distillation.
const CASES: [Case; 41] = [
    Case { command: "q-learning", settings: "env=CliffWalking-v1 episodes=60" },
    Case { command: "sarsa", settings: "env=CliffWalking-v1 episodes=60 log_interval=3" },
    Case {
        command: "dqn",
        settings: "env=CartPole-v1 steps=1300 net_arch=mlp:16 learning_starts=100 train_freq=8 gradient_steps=4 \
                   buffer_size=500 target_update_interval=30 eval_freq=400 eval_episodes=2",
    },
    Case {
        command: "classifier",
        settings: "data=digits net_arch=mlp:12 epochs=40 test_samples=1500 jitter_pixels=1",
    },
    Case {
        command: "distill",
        settings: "teacher=dqn student=mlp:4 env=CartPole-v1 rounds=4 transfer_states=600 gradient_steps=300",
    },
    Case { command: "distill", settings: "teacher=classifier student=mlp:4 data=digits epochs=40" },
    Case { command: "expected-sarsa", settings: "env=CliffWalking-v1 steps=1500" },
    Case { command: "double-q-learning", settings: "env=CliffWalking-v1 steps=1500 alpha=1/n^0.8" },
    Case { command: "n-step-sarsa", settings: "env=WindyGridworld steps=1500 n=7 alpha=1/n^0.6" },
    Case {
        command: "off-policy-n-step-sarsa",
        settings: "env=FrozenLake-v1 steps=1500 n=3 epsilon=0.5 log_interval=40",
    },
    Case { command: "tree-backup", settings: "env=Taxi-v4 steps=1500 n=5" },
    Case {
        command: "sarsa-lambda",
        settings: "env=CliffWalkingSlippery-v1:max_episode_steps=200 steps=1500 alpha=1/n^0.9 traces=replacing",
    },
    Case { command: "q-lambda", settings: "env=DynaMaze steps=1500 gamma=0.95" },
    Case { command: "monte-carlo", settings: "env=Blackjack-v1 steps=1500 log_interval=100" },
    Case {
        command: "off-policy-monte-carlo",
        settings: "env=FrozenLake-v1 steps=1500 epsilon=0.5 log_interval=40",
    },
    Case {
        command: "speedy-q-learning",
        settings: "env=FrozenLake-v1 steps=1500 gamma=0.9 exploration=ucb log_interval=40",
    },
    Case { command: "r-learning", settings: "env=AccessControl steps=1500 beta=1/n exploration=boltzmann" },
    Case { command: "td-prediction", settings: "env=CliffWalking-v1 steps=1500 alpha=1/n^0.7" },
    Case {
        command: "td-lambda-prediction",
        settings: "env=FrozenLake-v1 steps=1500 lambda=0.7 log_interval=40",
    },
    Case { command: "monte-carlo-prediction", settings: "env=FrozenLake-v1 steps=1500 log_interval=40" },
    Case { command: "dyna-q", settings: "env=DynaMaze steps=1500 alpha=1/n^0.6" },
    Case { command: "dyna-q-plus", settings: "env=DynaMaze steps=1500 epsilon=linear:1:0.1:900" },
    Case { command: "prioritized-sweeping", settings: "env=DynaMaze steps=1500 epsilon=1/n" },
    Case {
        command: "random-linear",
        settings: "env=Pendulum-v1 steps=700 eval_freq=300 eval_episodes=2 log_interval=1",
    },
    Case {
        command: "random-linear",
        settings: "env=MountainCarContinuous-v0:sticky_actions=0.2,max_episode_steps=90 steps=700 eval_freq=300 \
                   eval_episodes=2 num_envs=3",
    },
    Case { command: "mcts", settings: "env=FrozenLake-v1 steps=1000 simulations=8" },
    Case { command: "value-iteration", settings: "env=FrozenLake8x8-v1 gamma=0.99" },
    Case { command: "policy-iteration", settings: "env=FrozenLake-v1" },
    Case {
        command: "modified-policy-iteration",
        settings: "env=FrozenLake8x8-v1 gamma=0.99 evaluation_sweeps=3 log_interval=2",
    },
    Case {
        command: "dqn",
        settings: "env=CartPole-v1 steps=1200 net_arch=mlp:9,8:tanh:layernorm learning_starts=100 train_freq=8 \
                   gradient_steps=2 buffer_size=400 eval_freq=400 eval_episodes=2 double=true prioritized=true n_step=3 \
                   noisy=true dueling=true normalize_observations=true learning_rate=linear:0.01:0:1200 optimizer=radam",
    },
    Case {
        command: "dqn",
        settings: "env=Acrobot-v1 steps=900 net_arch=mlp:16 learning_starts=100 train_freq=6 gradient_steps=0 \
                   buffer_size=301 eval_freq=0 munchausen=true num_envs=3 optimizer=rmsprop clip_grad_value=0.5",
    },
    Case {
        command: "dqn",
        settings: "env=MinAtar/Breakout-v1:frame_stack=2 steps=600 net_arch=cnn:4x3,16 learning_starts=100 train_freq=4 \
                   gradient_steps=1 buffer_size=300 eval_freq=0 num_envs=2 memory_limit=0 tau=0.1 optimizer=sgd",
    },
    Case {
        command: "dqn",
        settings: "env=MinAtar/Freeway-v1 steps=300 net_arch=cnn:4x3,max2,16 learning_starts=100 train_freq=4 \
                   gradient_steps=1 buffer_size=300 eval_freq=0 initialization=orthogonal",
    },
    Case {
        command: "c51",
        settings: "env=CartPole-v1 steps=900 net_arch=mlp:16 learning_starts=100 train_freq=8 gradient_steps=2 \
                   buffer_size=400 eval_freq=300 eval_episodes=2 n_atoms=11 v_min=0 v_max=50",
    },
    Case {
        command: "qr-dqn",
        settings: "env=CartPole-v1 steps=900 net_arch=mlp:16 learning_starts=100 train_freq=8 gradient_steps=2 \
                   buffer_size=400 eval_freq=300 eval_episodes=2 n_quantiles=8 num_envs=2 double=true",
    },
    Case {
        command: "iqn",
        settings: "env=CartPole-v1 steps=700 net_arch=mlp:12,16 learning_starts=100 train_freq=8 gradient_steps=2 \
                   buffer_size=400 eval_freq=350 eval_episodes=2 n_taus=4 n_target_taus=3 n_cosines=8",
    },
    Case {
        command: "rainbow",
        settings: "env=CartPole-v1 steps=700 net_arch=mlp:12,16 learning_starts=100 train_freq=8 gradient_steps=2 \
                   buffer_size=400 eval_freq=350 eval_episodes=2 n_atoms=11 v_min=0 v_max=50",
    },
    Case {
        command: "pqn",
        settings: "env=CartPole-v1 steps=1200 net_arch=mlp:16:layernorm num_envs=4 num_steps=16 num_minibatches=2 \
                   update_epochs=2 eval_freq=400 eval_episodes=2 optimizer=radam",
    },
    Case {
        command: "classifier",
        settings: "data=digits net_arch=mlp:12 epochs=40 test_samples=1500 learning_rate=linear:0.01:0:380 \
                   optimizer=rmsprop initialization=orthogonal",
    },
    Case {
        command: "distill",
        settings: "teacher=dqn student=mlp:4 env=CartPole-v1 rounds=4 transfer_states=600 gradient_steps=300 \
                   learning_rate=exponential:0.01:0.001:100 optimizer=adamw clip_grad_value=0.01",
    },
    Case {
        command: "distill",
        settings: "teacher=classifier student=mlp:4 data=digits epochs=40 learning_rate=linear:0.01:0:380 \
                   optimizer=sgd nesterov=true max_grad_norm=0.5",
    },
];

/// Starts a run in `out`; teachers are beside it.
fn start(
    root: &Path,
    case: &Case,
    out: &str,
    more: &str,
    threads: usize,
    observer: &dyn Observer,
) -> Result<Value, Error> {
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let set =
        words(case.settings).into_iter().chain(words(more)).map(|pair| match pair.strip_prefix("teacher=") {
            Some(teacher) => format!("teacher={}", root.join(teacher).display()),
            None => pair,
        });
    let sources = Sources { set: set.collect(), ..Sources::default() };
    let out = Some(root.join(out));
    match case.command {
        "distill" => distill(&DistillRequest { sources, out, threads }, observer),
        algorithm => {
            let request = TrainRequest {
                algorithm: algorithm.to_owned(),
                sources,
                out,
                threads,
                ..TrainRequest::default()
            };
            train(&request, observer)
        }
    }
}

/// Wishes to stop when it has been asked so many times.
struct StopAfter {
    questions: AtomicU64,
}

impl StopAfter {
    fn new(questions: u64) -> Self {
        Self { questions: AtomicU64::new(questions) }
    }
}

impl Observer for StopAfter {
    fn begin(&self, _: &str, _: u64) {}
    fn advance(&self, _: u64, _: &str) {}
    fn end(&self) {}
    fn stop_requested(&self) -> bool {
        self.questions.fetch_sub(1, Ordering::Relaxed) <= 1
    }
}

/// The files of two runs that must be equal, byte for byte.
fn assert_same(root: &Path, a: &str, b: &str, files: &[&str]) {
    for file in files {
        let read =
            |run: &str| fs::read(root.join(run).join(file)).unwrap_or_else(|e| panic!("{run}/{file}: {e}"));
        assert!(read(a) == read(b), "{a}/{file} and {b}/{file} differ");
    }
}

const RESULTS: [&str; 2] = ["model.safetensors", "metrics.jsonl"];

/// The state in the last checkpoint of a run.
fn last_state(root: &Path, run: &str) -> String {
    let names = fs::read_dir(root.join(run).join("checkpoints")).unwrap();
    let steps =
        names.filter_map(|entry| entry.unwrap().file_name().to_str()?.strip_prefix("step-")?.parse().ok());
    format!("checkpoints/step-{}/state.safetensors", steps.max().unwrap_or(0_u64))
}

fn resumed(root: &Path, run: &str, observer: &dyn Observer) -> Result<Value, Error> {
    resume(&ResumeRequest { run: root.join(run), threads: 2, ..ResumeRequest::default() }, observer)
}

fn check(case: &Case) {
    let root = TempDir::new().unwrap();
    let root = root.path();
    if let Some(teacher) = CASES.iter().find(|c| case.settings.contains(&format!("teacher={}", c.command))) {
        start(root, teacher, teacher.command, "checkpoint_freq=0", 1, &Quiet).unwrap();
    }
    // Without any checkpoint, and with many: the same run.
    start(root, case, "whole", "checkpoint_freq=0", 1, &Quiet).unwrap();
    assert!(!root.join("whole/checkpoints").exists());
    start(root, case, "saved", "checkpoint_freq=37", 4, &Quiet).unwrap();
    assert_same(root, "whole", "saved", &RESULTS);
    let state = last_state(root, "saved");

    for questions in [1, 2, 3, 5, 8] {
        let run = format!("stopped-{questions}");
        let error = start(root, case, &run, "checkpoint_freq=37", 1, &StopAfter::new(questions)).unwrap_err();
        assert!(matches!(error, Error::Interrupted { .. }), "{error}");
        assert_eq!(error.exit_code(), 130);
        assert!(!root.join(&run).join("model.safetensors").exists());
        // Once more, then to the end.
        let error = resumed(root, &run, &StopAfter::new(2));
        assert!(matches!(error, Err(Error::Interrupted { .. }) | Ok(_)));
        let summary = resumed(root, &run, &Quiet).unwrap();
        assert_same(root, "whole", &run, &RESULTS);
        assert_same(root, "saved", &run, &[&state]);
        // To resume a finished run is to read its summary.
        let mut again = resumed(root, &run, &Quiet).unwrap();
        assert_eq!(again["seconds"].as_f64().map(f64::is_finite), Some(true));
        again["seconds"] = summary["seconds"].clone();
        assert_eq!(again, summary);
    }

    // Stopped before it could save anything: config.toml is enough.
    let error = start(root, case, "unsaved", "checkpoint_freq=0", 1, &StopAfter::new(2)).unwrap_err();
    assert!(error.to_string().contains("not saved"), "{error}");
    resumed(root, "unsaved", &Quiet).unwrap();
    assert_same(root, "whole", "unsaved", &RESULTS);
}

/// Every name that a run writes is in the catalogue, and every entry of the catalogue is written by some run.
#[test]
fn every_metric_is_in_the_catalogue() {
    let root = TempDir::new().unwrap();
    let root = root.path();
    let mut written = BTreeSet::from([catalogue::FPS.to_owned()]);
    let mut scores = BTreeSet::new();
    for (case, more) in [
        ("q-learning", "seeds=2"),
        ("dqn", ""),
        ("classifier", ""),
        ("distill", ""),
        ("r-learning", ""),
        ("policy-iteration", ""),
    ] {
        let case = CASES.iter().find(|c| c.command == case).unwrap();
        let summary = start(root, case, case.command, more, 1, &Quiet).unwrap();
        let metrics = fs::read_to_string(root.join(case.command).join("metrics.jsonl")).unwrap();
        written.extend(History::parse(&metrics).names().into_iter().map(str::to_owned));
        scores.extend(summary.as_object().unwrap().keys().filter(|key| Score::find(key).is_some()).cloned());
    }
    let known: BTreeSet<String> = METRICS.iter().map(|metric| metric.name.to_owned()).collect();
    assert_eq!(written, known);
    let known: BTreeSet<String> = SCORES.iter().map(|score| score.key.to_owned()).collect();
    assert_eq!(scores, known);
}

#[test]
fn every_algorithm_is_here() {
    for algorithm in &ALGORITHMS {
        assert!(CASES.iter().any(|case| case.command == algorithm.name), "{}", algorithm.name);
    }
}

#[test]
fn q_learning() {
    check(&CASES[0]);
}

#[test]
fn other_algorithms() {
    CASES[6..].iter().for_each(check);
}

/// Worlds whose state is more than a place: streams, hands, hidden moods, games, what wrappers remember.
#[test]
fn worlds_with_more_state() {
    for (command, settings) in [
        ("q-learning", "env=Taxi-v4:is_rainy=true,fickle_passenger=true,sticky_actions=0.1 steps=1500"),
        ("sarsa", "env=Blackjack-v1 steps=1500 log_interval=50"),
        (
            "dqn",
            "env=Seaquest:frame_stack=2,max_episode_steps=300 steps=450 net_arch=mlp:4 learning_starts=100 train_freq=50 gradient_steps=2 \
             buffer_size=200 eval_freq=200 eval_episodes=1",
        ),
    ] {
        check(&Case { command, settings });
    }
}

#[test]
fn sarsa() {
    check(&CASES[1]);
}

#[test]
fn dqn() {
    check(&CASES[2]);
}

#[test]
fn classifier() {
    check(&CASES[3]);
}

#[test]
fn policy_distillation() {
    check(&CASES[4]);
}

#[test]
fn supervised_distillation() {
    check(&CASES[5]);
}

#[test]
fn a_folder_of_seeds_is_resumed_where_it_was() {
    let root = TempDir::new().unwrap();
    let root = root.path();
    let request = |out: &str| TrainRequest {
        algorithm: "sarsa".to_owned(),
        sources: Sources {
            set: ["env=CliffWalking-v1", "episodes=100", "seed=3"].map(str::to_owned).to_vec(),
            ..Sources::default()
        },
        seeds: Some(4),
        out: Some(root.join(out)),
        threads: 2,
        ..TrainRequest::default()
    };
    let mut whole = train(&request("whole"), &Quiet).unwrap();
    train(&request("stopped"), &StopAfter::new(60)).unwrap_err();
    let mut summary = resumed(root, "stopped", &Quiet).unwrap();
    for seed in 3..7 {
        assert_same(root, &format!("whole/seed-{seed}"), &format!("stopped/seed-{seed}"), &RESULTS);
    }
    for summary in [&mut whole, &mut summary] {
        summary["seconds"] = Value::Null;
        summary["out"] = Value::Null;
    }
    assert_eq!(whole, summary);
    assert_eq!(whole["seeds"], 4);
}

#[test]
fn a_run_can_go_further_than_it_was_to() {
    let root = TempDir::new().unwrap();
    let root = root.path();
    start(root, &CASES[0], "short", "", 1, &Quiet).unwrap();
    let case = Case { command: "q-learning", settings: "env=CliffWalking-v1 steps=3000" };
    start(root, &case, "long", "", 1, &Quiet).unwrap();
    let case = Case { command: "q-learning", settings: "env=CliffWalking-v1 steps=1000" };
    start(root, &case, "further", "", 1, &Quiet).unwrap();
    let request = ResumeRequest { run: root.join("further"), steps: Some(3000), ..ResumeRequest::default() };
    resume(&request, &Quiet).unwrap();
    assert_same(root, "long", "further", &RESULTS);
    let request = ResumeRequest { run: root.join("short"), ..request };
    let error = resume(&request, &Quiet).unwrap_err();
    assert!(error.to_string().ends_with("does not run for a number of steps"), "{error}");
}

#[test]
fn one_process_at_a_time() {
    let root = TempDir::new().unwrap();
    let root = root.path();
    start(root, &CASES[0], "run", "checkpoint_freq=37", 1, &StopAfter::new(1)).unwrap_err();
    let held = potstill::store::RunDir::reopen(&root.join("run")).unwrap();
    let error = resumed(root, "run", &Quiet).unwrap_err();
    assert!(error.to_string().contains("is in use by another process (process "), "{error}");
    assert_eq!(error.exit_code(), 2);
    drop(held);
    resumed(root, "run", &Quiet).unwrap();
}

/// Keys of the optimiser: settings under which each matters, and a value that is not its default.
const OPTIMIZER_KEYS: [(&str, &str); 10] = [
    ("", "learning_rate=linear:0.01:0:9"),
    ("", "optimizer=sgd"),
    ("", "optimizer_eps=0.1"),
    ("optimizer=adamw", "weight_decay=0.5"),
    ("optimizer=sgd learning_rate=0.1", "momentum=0.1"),
    ("optimizer=rmsprop", "centered=false"),
    ("optimizer=sgd learning_rate=0.1", "nesterov=true"),
    ("", "max_grad_norm=0.01"),
    ("", "clip_grad_value=0.001"),
    ("", "initialization=xavier"),
];

#[test]
fn every_key_of_the_optimiser_has_an_effect_on_every_student() {
    let root = TempDir::new().unwrap();
    let root = root.path();
    let tried: BTreeSet<_> = OPTIMIZER_KEYS.iter().filter_map(|(_, pair)| pair.split('=').next()).collect();
    let keys = OptimizerConfig::keys().into_iter().map(|key| key.name).chain(["learning_rate"]).collect();
    assert_eq!(tried, keys);
    for teacher in [&CASES[2], &CASES[3]] {
        start(root, teacher, teacher.command, "checkpoint_freq=0", 1, &Quiet).unwrap();
    }
    let students = [
        ("classifier", "data=digits net_arch=mlp:12 epochs=1 test_samples=1500"),
        (
            "distill",
            "teacher=dqn student=mlp:4 env=CartPole-v1 rounds=1 transfer_states=60 gradient_steps=20 temperature=1",
        ),
        ("distill", "teacher=classifier student=mlp:4 data=digits epochs=1"),
    ];
    for (i, (command, settings)) in students.into_iter().enumerate() {
        let case = Case { command, settings };
        let model = |out: &str, more: &str| {
            let out = format!("student-{i}-{out}");
            start(root, &case, &out, &format!("checkpoint_freq=0 {more}"), 1, &Quiet).unwrap();
            fs::read(root.join(out).join("model.safetensors")).unwrap()
        };
        let plain: BTreeSet<&str> = OPTIMIZER_KEYS.iter().map(|(base, _)| *base).collect();
        let plain: BTreeMap<_, _> = plain
            .into_iter()
            .enumerate()
            .map(|(j, base)| (base, model(&format!("plain-{j}"), base)))
            .collect();
        for (j, (base, pair)) in OPTIMIZER_KEYS.iter().enumerate() {
            assert!(
                model(&j.to_string(), &format!("{base} {pair}")) != plain[base],
                "{settings} {base} {pair}"
            );
        }
    }
}

/// Runs of students that were begun before the keys of the optimiser were theirs.
#[test]
fn a_student_without_keys_of_the_optimiser_goes_on() {
    let root = TempDir::new().unwrap();
    let root = root.path();
    for case in [&CASES[3], &CASES[4], &CASES[5]] {
        let root = root.join(case.settings.len().to_string());
        if let Some(teacher) =
            CASES.iter().find(|c| case.settings.contains(&format!("teacher={}", c.command)))
        {
            start(&root, teacher, teacher.command, "checkpoint_freq=0", 1, &Quiet).unwrap();
        }
        start(&root, case, "whole", "checkpoint_freq=0", 1, &Quiet).unwrap();
        start(&root, case, "old", "checkpoint_freq=0", 1, &StopAfter::new(2)).unwrap_err();
        let config = root.join("old/config.toml");
        let text = fs::read_to_string(&config).unwrap();
        let is_new = |line: &str| {
            OptimizerConfig::keys().iter().any(|key| line.starts_with(&format!("{} =", key.name)))
        };
        let old: Vec<&str> = text.lines().filter(|line| !is_new(line)).collect();
        // Two of the keys are not set.
        assert_eq!(old.len() + OptimizerConfig::keys().len() - 2, text.lines().count());
        let old = old.join("\n") + "\n";
        fs::write(&config, &old).unwrap();
        // The manifest knows what was written.
        let path = root.join("old/manifest.json");
        let mut manifest = Manifest::read(&fs::read(&path).unwrap()).unwrap();
        let mark = manifest.files.iter_mut().find(|mark| mark.name == "config.toml").unwrap();
        *mark = FileMark::whole("config.toml", old.as_bytes());
        fs::write(&path, manifest.write()).unwrap();
        resumed(&root, "old", &Quiet).unwrap();
        assert_same(&root, "whole", "old", &RESULTS);
    }
}

/// FNV-1a, as in the conformance suite.
fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &b| (hash ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() { copy(&from, &to) } else { _ = fs::copy(from, to).unwrap() }
    }
}

/// Runs that were killed under a format that this program writes no more, or still writes: they go on for ever.
#[test]
fn checkpoints_of_every_format_are_read() {
    let root = TempDir::new().unwrap();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/checkpoints");
    for (format, run, step, golden) in [
        ("format-1", "q-learning", 1000, 0x44b4_5cc6_d4c4_2f35),
        ("format-1", "dqn", 600, 0xa357_a594_f6d7_6d64),
        // Begun before a student had the keys of the optimiser.
        ("format-1", "classifier", 10, 0xac73_9ad5_d12f_03d1),
    ] {
        let out = root.path().join(format).join(run);
        copy(&fixtures.join(format).join(run), &out);
        let dir = potstill::store::RunDir::open(&out).unwrap();
        let checkpoint = potstill::store::Checkpoint::newest(&dir, false).unwrap().unwrap();
        assert_eq!(checkpoint.step, step);
        resumed(root.path(), &format!("{format}/{run}"), &Quiet).unwrap();
        let model = fingerprint(&fs::read(out.join("model.safetensors")).unwrap());
        assert_eq!(model, golden, "{format} {run}: {model:#018x}");
    }
}

#[test]
fn to_watch_a_run_does_not_change_it() {
    let root = TempDir::new().unwrap();
    let root = root.path();
    let trainer = |out: &str, more: &str, threads| {
        start(root, &CASES[2], out, more, threads, &Quiet).unwrap();
        let bytes = fs::read(root.join(out).join(last_state(root, out))).unwrap();
        potstill::store::snapshot_file::read(&bytes).unwrap().tree("trainer").unwrap().clone()
    };
    let expected = trainer("plain", "", 1);
    for (i, (more, threads)) in [
        ("", 2),
        ("", 4),
        ("eval_freq=0", 1),
        ("eval_freq=100 eval_episodes=5", 2),
        ("log_interval=7", 1),
        ("checkpoint_freq=10 checkpoints_kept=1", 4),
    ]
    .into_iter()
    .enumerate()
    {
        assert!(trainer(&format!("watched-{i}"), more, threads) == expected, "{more}, {threads} threads");
    }
}

/// All files below a folder with what they hold, but for the lock, which says who looked last.
fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            all.extend(contents(&path));
        } else if entry.file_name() != "run.lock" {
            all.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
    all.sort();
    all
}

/// Refused with these words, and nothing is changed.
fn refused(root: &Path, request: &ResumeRequest, expected: &str) {
    let before = contents(root);
    let error = resume(request, &Quiet).unwrap_err();
    assert!(error.to_string().contains(expected), "{error}");
    assert_eq!(error.exit_code(), 2, "{error}");
    assert!(contents(root) == before, "{expected}: something was changed");
}

#[test]
fn what_cannot_be_gone_on_with_is_left_alone() {
    let root = TempDir::new().unwrap();
    let root = root.path();
    let request = |run: &str| ResumeRequest { run: root.join(run), threads: 1, ..ResumeRequest::default() };
    let fallback = |run: &str| ResumeRequest { fallback: true, ..request(run) };

    // A number of steps that leaves nothing to do.
    let case = Case { command: "q-learning", settings: "env=CliffWalking-v1 steps=1000" };
    start(root, &case, "done", "", 1, &Quiet).unwrap();
    let fewer = ResumeRequest { steps: Some(500), ..request("done") };
    refused(root, &fewer, "has done 1000 steps, or what it was to reach; --steps 500 leaves nothing to do");
    let case = Case { settings: "env=CartPole-v1 steps=2000 net_arch=mlp:8 stop_at_return=1", ..CASES[2] };
    start(root, &case, "reached", "eval_freq=500 eval_episodes=2", 1, &Quiet).unwrap();
    let more = ResumeRequest { steps: Some(9000), ..request("reached") };
    refused(root, &more, "has done 500 steps, or what it was to reach");

    // A configuration that is not the one of the state, even if nothing tells of it but the checkpoint.
    start(root, &CASES[0], "edited", "checkpoint_freq=37", 1, &StopAfter::new(3)).unwrap_err();
    let config = root.join("edited/config.toml");
    let text = fs::read_to_string(&config).unwrap();
    assert!(text.contains("seed = 0"));
    fs::write(&config, text.replace("seed = 0", "seed = 5")).unwrap();
    refused(root, &request("edited"), "edited/config.toml is damaged between byte 0 and");
    fs::remove_file(root.join("edited/manifest.json")).unwrap();
    refused(root, &fallback("edited"), "edited/config.toml is not what the checkpoint of step ");

    // Checkpoints of a later program.
    start(root, &CASES[0], "later", "checkpoint_freq=37", 1, &StopAfter::new(9)).unwrap_err();
    for entry in fs::read_dir(root.join("later/checkpoints")).unwrap().map(Result::unwrap) {
        let manifest = entry.path().join("manifest.json");
        let text = fs::read_to_string(&manifest).unwrap().replace("\"format\":1", "\"format\":2");
        let body = &text[..text.len() - ",\"crc32c\":\"01234567\"}".len()];
        let crc = crc32c::crc32c(body.as_bytes());
        fs::write(&manifest, format!("{body},\"crc32c\":\"{crc:08x}\"}}")).unwrap();
    }
    for request in [request("later"), fallback("later")] {
        refused(root, &request, "has format 2, written by potstill 0.1.0; potstill 0.1.0 reads format 1");
    }

    // A seed that has lost its configuration, and only that.
    let seeds = TrainRequest {
        algorithm: "sarsa".to_owned(),
        sources: Sources {
            set: vec!["env=CliffWalking-v1".to_owned(), "episodes=20".to_owned()],
            ..Sources::default()
        },
        seeds: Some(3),
        out: Some(root.join("family")),
        threads: 1,
        ..TrainRequest::default()
    };
    train(&seeds, &Quiet).unwrap();
    let config = root.join("family/seed-1/config.toml");
    let text = fs::read(&config).unwrap();
    fs::remove_file(&config).unwrap();
    refused(root, &fallback("family"), "family/seed-1/config.toml is missing");
    fs::write(&config, text).unwrap();

    // Damage in a finished seed is found, and made good on request.
    let model = root.join("family/seed-2/model.safetensors");
    let whole = fs::read(&model).unwrap();
    let mut damaged = whole.clone();
    damaged[700] ^= 1;
    fs::write(&model, damaged).unwrap();
    refused(root, &request("family"), "family/seed-2/model.safetensors is damaged between byte 0 and");
    resume(&fallback("family"), &Quiet).unwrap();
    assert!(fs::read(&model).unwrap() == whole);
}

#[test]
fn a_lost_event_file_costs_no_checkpoint() {
    let root = TempDir::new().unwrap();
    let root = root.path();
    start(root, &CASES[2], "whole", "checkpoint_freq=100", 1, &Quiet).unwrap();
    start(root, &CASES[2], "lost", "checkpoint_freq=100", 1, &StopAfter::new(15)).unwrap_err();
    let dir = potstill::store::RunDir::open(&root.join("lost")).unwrap();
    let step = potstill::store::Checkpoint::peek(&dir).unwrap().unwrap().step;
    assert!(step >= 700);
    fs::remove_file(root.join("lost/events.out.tfevents.potstill")).unwrap();
    let error = resumed(root, "lost", &Quiet).unwrap_err().to_string();
    assert!(error.contains("events.out.tfevents.potstill is missing; `potstill resume"), "{error}");
    let request =
        ResumeRequest { run: root.join("lost"), fallback: true, threads: 1, ..ResumeRequest::default() };
    resume(&request, &Quiet).unwrap();
    assert_same(root, "whole", "lost", &RESULTS);
    assert!(
        !fs::read_dir(root.join("lost/checkpoints")).unwrap().any(|entry| entry
            .unwrap()
            .file_name()
            .to_str()
            .unwrap()
            .starts_with("damaged"))
    );
}

/// Removes a file of the run at the first record.
struct Meddler<'a>(std::path::PathBuf, &'a AtomicU64);

impl Observer for Meddler<'_> {
    fn begin(&self, _: &str, _: u64) {}
    fn advance(&self, _: u64, _: &str) {}
    fn end(&self) {}
    fn record(&self, _: &potstill::metrics::Record) {
        if self.1.fetch_add(1, Ordering::Relaxed) == 0 {
            fs::remove_file(&self.0).unwrap();
        }
    }
}

#[test]
fn a_file_that_is_removed_under_a_run_is_missed() {
    let root = TempDir::new().unwrap();
    let root = root.path();
    let meddler = AtomicU64::new(0);
    let meddler = Meddler(root.join("run/metrics.jsonl"), &meddler);
    let error = start(root, &CASES[2], "run", "checkpoint_freq=100", 1, &meddler).unwrap_err();
    assert!(error.to_string().starts_with("cannot "), "{error}");
    assert_eq!(error.exit_code(), 1);
    assert!(!root.join("run/model.safetensors").exists());
}
