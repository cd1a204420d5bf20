//! Keys that were given and have no effect are told before a run begins.

use potstill::commands::{DistillRequest, TrainRequest, distill, train};
use potstill::run::{Observer, Quiet, Sources};
use std::sync::Mutex;

/// Keeps warnings.
#[derive(Default)]
struct Listener(Mutex<Vec<String>>);

impl Observer for Listener {
    fn begin(&self, _: &str, _: u64) {}
    fn advance(&self, _: u64, _: &str) {}
    fn end(&self) {}
    fn warn(&self, message: &str) {
        self.0.lock().unwrap().push(message.to_owned());
    }
}

#[test]
fn a_key_without_effect_is_told() {
    let root = tempfile::tempdir().unwrap();
    let check = |name: &str, settings: &str, expected: &[&str]| {
        let common = "env=CartPole-v1 steps=300 net_arch=mlp:4 learning_starts=100 train_freq=100 gradient_steps=1 buffer_size=400";
        let set = common.split(' ').chain(settings.split(' ')).map(str::to_owned).collect();
        let request = TrainRequest {
            algorithm: "dqn".to_owned(),
            sources: Sources { set, ..Sources::default() },
            out: Some(root.path().join(name)),
            threads: 1,
            ..TrainRequest::default()
        };
        let listener = Listener::default();
        train(&request, &listener).unwrap();
        assert_eq!(*listener.0.lock().unwrap(), expected, "{settings}");
    };
    check(
        "goal",
        "eval_freq=0 stop_at_return=100",
        &["`stop_at_return` has no effect with eval_freq=0; it needs eval_freq=2500"],
    );
    check("evaluated", "eval_freq=300 eval_episodes=1 stop_at_return=1000", &[]);
    check(
        "replay",
        "eval_freq=0 prioritized_beta=0.5 noisy=true exploration_final_eps=0.1",
        &["`prioritized_beta` has no effect with prioritized=false; it needs prioritized=true; \
           `exploration_final_eps` has no effect with noisy=true; it needs noisy=false"],
    );
    check("switched", "eval_freq=0 prioritized=true prioritized_beta=0.5 exploration_final_eps=0.1", &[]);
    check(
        "optimizer",
        "eval_freq=0 nesterov=true",
        &["`nesterov` has no effect with optimizer=adam; it needs optimizer=sgd"],
    );
    check("descent", "eval_freq=0 optimizer=sgd nesterov=true momentum=0.5", &[]);
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
    train(&teacher, &Quiet).unwrap();
    let check = |name: &str, settings: &str, expected: &[&str]| {
        let common =
            format!("teacher={} student=mlp:4 data=digits epochs=1", root.path().join("teacher").display());
        let sources = Sources { set: words(&format!("{common} {settings}")), ..Sources::default() };
        let listener = Listener::default();
        let out = Some(root.path().join(name));
        distill(&DistillRequest { sources, out, threads: 1 }, &listener).unwrap();
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
    check("faint", "alpha=0.0001", &["the teacher has 0."]);
    check("labels", "alpha=0.9999", &["the labels have 0."]);
}
