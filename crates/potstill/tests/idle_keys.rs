//! Keys that were given and have no effect are told before a run begins.

use potstill::commands::{TrainRequest, train};
use potstill::run::{Observer, Sources};
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
