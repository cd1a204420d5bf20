//! Properties of every algorithm: one seed gives one run, two seeds two; a run that is restored in the middle ends as
//! the uninterrupted one; and the result of a seed is pinned by a hash.

mod golden;
#[macro_use]
mod suite;

use potstill::algorithm::{ALGORITHMS, Algorithm, Builder};
use potstill::core::{Restorable, Streams};
use potstill::data::Dataset;
use potstill::distill::{ClassifierTrainer, FitConfig, PolicyDistillConfig, PolicyDistiller, SoftTargets};
use potstill::env::registry::find;
use potstill::export::safetensors;
use potstill::model::Model;
use potstill::nn::NetworkSpec;
use std::sync::Arc;
use suite::{model_fingerprint, steps, work};

/// Runs beyond the smoke runs: the name of a hash, the algorithm, and settings.
#[rustfmt::skip]
const PINNED: &[(&str, &str, &str)] = &[
    ("q-learning", "q-learning", "env=CliffWalking-v1 steps=3000"),
    ("q-learning-boltzmann", "q-learning", "env=CliffWalking-v1 steps=3000 exploration=boltzmann epsilon=1/n"),
    ("q-learning-ucb", "q-learning", "env=CliffWalking-v1 steps=3000 exploration=ucb epsilon=1/n"),
    ("sarsa", "sarsa", "env=CliffWalking-v1 steps=3000"),
    ("expected-sarsa", "expected-sarsa", "env=CliffWalking-v1 steps=3000"),
    ("double-q-learning", "double-q-learning", "env=CliffWalking-v1 steps=3000"),
    ("speedy-q-learning", "speedy-q-learning", "env=CliffWalking-v1 steps=3000"),
    ("r-learning", "r-learning", "env=CliffWalking-v1 steps=3000"),
    ("n-step-sarsa", "n-step-sarsa", "env=CliffWalking-v1 steps=3000"),
    ("n-step-off-policy-sarsa", "off-policy-n-step-sarsa", "env=CliffWalking-v1 steps=3000"),
    ("n-step-tree-backup", "tree-backup", "env=CliffWalking-v1 steps=3000"),
    ("sarsa-lambda-accumulating", "sarsa-lambda", "env=CliffWalking-v1 steps=3000 alpha=0.1 traces=accumulating"),
    ("sarsa-lambda-replacing", "sarsa-lambda", "env=CliffWalking-v1 steps=3000 alpha=0.1 traces=replacing"),
    ("sarsa-lambda-dutch", "sarsa-lambda", "env=CliffWalking-v1 steps=3000 alpha=0.1 traces=dutch"),
    ("watkins-q-lambda", "q-lambda", "env=CliffWalking-v1 steps=3000 alpha=0.1"),
    ("td-prediction", "td-prediction", "env=CliffWalking-v1 steps=3000"),
    ("td-lambda-prediction", "td-lambda-prediction", "env=CliffWalking-v1 steps=3000 lambda=0.8"),
    ("monte-carlo-prediction", "monte-carlo-prediction", "env=FrozenLake-v1 steps=3000"),
    ("monte-carlo", "monte-carlo", "env=FrozenLake-v1 steps=3000 epsilon=0.5"),
    ("monte-carlo-off-policy", "off-policy-monte-carlo", "env=FrozenLake-v1 steps=3000 epsilon=0.5"),
    ("dyna-q", "dyna-q", "env=DynaMaze steps=2000 planning_steps=10"),
    ("dyna-q-plus", "dyna-q-plus", "env=DynaMaze steps=2000 planning_steps=10 kappa=0.01"),
    ("prioritized-sweeping", "prioritized-sweeping", "env=DynaMaze steps=2000"),
    ("mcts", "mcts", "env=DynaMaze steps=300 simulations=20 gamma=0.95"),
    ("value-iteration", "value-iteration", "env=FrozenLake8x8-v1 gamma=0.95"),
    ("policy-iteration", "policy-iteration", "env=FrozenLake8x8-v1 gamma=0.95"),
    ("modified-policy-iteration", "modified-policy-iteration", "env=FrozenLake8x8-v1 gamma=0.95 evaluation_sweeps=4"),
    ("dqn-hard-target", "dqn", "env=CartPole-v1 steps=1500 net_arch=mlp:16 learning_starts=100 train_freq=8 gradient_steps=4 target_update_interval=30 buffer_size=500"),
    ("dqn-soft-target", "dqn", "env=CartPole-v1 steps=1500 net_arch=mlp:16 learning_starts=100 train_freq=8 gradient_steps=4 target_update_interval=30 buffer_size=500 tau=0.1"),
    ("dqn-munchausen", "dqn", "env=CartPole-v1 steps=900 net_arch=mlp:12,16 learning_starts=100 train_freq=8 gradient_steps=2 target_update_interval=30 buffer_size=300 batch_size=16 munchausen=true"),
    ("rainbow-mean", "dqn", "env=CartPole-v1 steps=900 net_arch=mlp:12,16 learning_starts=100 train_freq=8 gradient_steps=2 target_update_interval=30 buffer_size=300 batch_size=16 double=true dueling=true prioritized=true n_step=3 noisy=true learning_rate=linear:0.003:0:900 normalize_observations=true"),
    ("c51", "c51", "env=CartPole-v1 steps=900 net_arch=mlp:12,16 learning_starts=100 train_freq=8 gradient_steps=2 target_update_interval=30 buffer_size=300 batch_size=16 n_atoms=11 v_min=0 v_max=50"),
    ("c51-rainbow", "c51", "env=CartPole-v1 steps=900 net_arch=mlp:12,16 learning_starts=100 train_freq=8 gradient_steps=2 target_update_interval=30 buffer_size=300 batch_size=16 n_atoms=11 v_min=0 v_max=50 double=true dueling=true prioritized=true n_step=3 noisy=true learning_rate=linear:0.003:0:900 normalize_observations=true"),
    ("qr-dqn", "qr-dqn", "env=CartPole-v1 steps=900 net_arch=mlp:12,16 learning_starts=100 train_freq=8 gradient_steps=2 target_update_interval=30 buffer_size=300 batch_size=16 n_quantiles=7"),
    ("qr-dqn-rainbow", "qr-dqn", "env=CartPole-v1 steps=900 net_arch=mlp:12,16 learning_starts=100 train_freq=8 gradient_steps=2 target_update_interval=30 buffer_size=300 batch_size=16 n_quantiles=7 double=true dueling=true prioritized=true n_step=3 noisy=true learning_rate=linear:0.003:0:900 normalize_observations=true"),
    ("iqn", "iqn", "env=CartPole-v1 steps=900 net_arch=mlp:12,16 learning_starts=100 train_freq=8 gradient_steps=2 target_update_interval=30 buffer_size=300 batch_size=16 n_taus=4 n_target_taus=3 n_cosines=8"),
    ("iqn-rainbow", "iqn", "env=CartPole-v1 steps=900 net_arch=mlp:12,16 learning_starts=100 train_freq=8 gradient_steps=2 target_update_interval=30 buffer_size=300 batch_size=16 n_taus=4 n_target_taus=3 n_cosines=8 double=true dueling=true prioritized=true n_step=3 noisy=true learning_rate=linear:0.003:0:900 normalize_observations=true"),
    ("vec-dqn", "dqn", "env=Acrobot-v1 steps=1600 net_arch=mlp:16 learning_starts=100 train_freq=2 gradient_steps=1 buffer_size=500 target_update_interval=10 num_envs=8"),
    ("vec-pqn", "pqn", "env=CartPole-v1:max_episode_steps=30 steps=1600 net_arch=mlp:16:layernorm num_envs=8 num_steps=12 num_minibatches=4"),
    ("vec-dqn-planes", "dqn", "env=MinAtar/Breakout-v1 steps=1600 net_arch=cnn:4x3,12 learning_starts=100 train_freq=10 gradient_steps=1 buffer_size=400 target_update_interval=10 num_envs=8 n_step=3"),
];

fn check(name: &str, algorithm: &'static Algorithm, settings: &str) {
    let make = |seed: u64| work(algorithm, settings, seed, 1);
    let mut whole = make(1);
    let is_planner = matches!(algorithm.builder, Builder::Model(_));
    let steps = steps(algorithm, settings);
    whole.until(steps);
    for interrupted_at in [0, 1, steps / 3, steps / 2 + 7, steps - 1] {
        let mut first = make(1);
        first.until(interrupted_at);
        // Another seed and some steps: no state of the new object may remain after restoring.
        let mut second = make(2);
        second.until(7);
        second.restore(&first.snapshot()).unwrap();
        second.until(steps);
        assert!(second.snapshot() == whole.snapshot(), "{name}: interrupted at {interrupted_at}");
        assert!(second.model() == whole.model(), "{name}: interrupted at {interrupted_at}");
    }
    // The run itself is pinned: a change that moves it must be meant.
    golden::check(name, model_fingerprint(&safetensors::write(&whole.model())));
    let mut other = make(2);
    other.until(steps);
    assert!(is_planner || other.snapshot() != whole.snapshot(), "{name}: another seed");
}

/// The names of the hashes of an algorithm's smoke runs.
fn smoke_name(algorithm: &Algorithm, index: usize) -> String {
    format!("{}-smoke-{}", algorithm.name, index + 1)
}

fn check_algorithm(algorithm: &'static Algorithm) {
    assert!(!algorithm.smoke.is_empty(), "{} has no smoke run", algorithm.name);
    for (i, settings) in algorithm.smoke.iter().enumerate() {
        check(&smoke_name(algorithm, i), algorithm, settings);
    }
    for (name, _, settings) in PINNED.iter().filter(|(_, pinned, _)| *pinned == algorithm.name) {
        check(name, algorithm, settings);
    }
}

families! { check_algorithm }

#[test]
fn no_golden_hash_is_left_over() {
    let smoke = ALGORITHMS.iter().flat_map(|a| (0..a.smoke.len()).map(|i| smoke_name(a, i)));
    let pinned = PINNED.iter().map(|&(name, algorithm, _)| {
        assert!(Algorithm::find(algorithm).is_ok(), "{name}: {algorithm}");
        name.to_owned()
    });
    let students = ["policy-distillation", "classifier-distillation"].map(str::to_owned);
    golden::check_names(&smoke.chain(pinned).chain(students).collect::<Vec<_>>());
}
/// Trains a student whole, and in two parts with everything in between put away and taken back.
fn check_student<T: Restorable>(
    make: impl Fn(u64) -> T,
    step: impl Fn(&mut T),
    model: impl Fn(&T) -> Model,
    (steps, name): (usize, &str),
) {
    let run = |trainer: &mut T, steps: usize| (0..steps).for_each(|_| step(trainer));
    let mut whole = make(1);
    run(&mut whole, steps);
    for interrupted_at in [0, 1, steps / 3, steps / 2 + 7, steps - 1] {
        let mut first = make(1);
        run(&mut first, interrupted_at);
        let mut second = make(1);
        // No later state of the new object may remain after restoring.
        run(&mut second, 5);
        second.restore(&first.snapshot()).unwrap();
        run(&mut second, steps - interrupted_at);
        assert!(second.snapshot() == whole.snapshot(), "interrupted at {interrupted_at}");
    }
    golden::check(name, model_fingerprint(&safetensors::write(&model(&whole))));
    let mut other = make(2);
    run(&mut other, steps);
    assert!(other.snapshot() != whole.snapshot(), "another seed");
}

#[test]
fn policy_distillation() {
    let config = PolicyDistillConfig {
        transfer_states: 600,
        rounds: 4,
        gradient_steps: 200,
        ..PolicyDistillConfig::default()
    };
    let make = |seed| {
        let spec: NetworkSpec = "mlp:24".parse().unwrap();
        let teacher = spec.build(4, 2, &mut Streams::new(9).stream("teacher"));
        let env = find("CartPole-v1").unwrap().make_features().unwrap();
        PolicyDistiller::new(config.clone(), &"mlp:6".parse().unwrap(), teacher, env, Streams::new(seed))
    };
    let step = |distiller: &mut PolicyDistiller| _ = distiller.step().unwrap();
    check_student(
        make,
        step,
        |distiller| Model::Network(distiller.student().clone()),
        (200, "policy-distillation"),
    );
}

#[test]
fn supervised_distillation() {
    let data = Arc::new(Dataset::digits().split(1600, &mut Streams::new(1).stream("split")).0);
    let make = |seed| {
        let spec: NetworkSpec = "mlp:24".parse().unwrap();
        let teacher = spec.build(64, 10, &mut Streams::new(9).stream("teacher"));
        let config = FitConfig { jitter_pixels: 1, ..FitConfig::default() };
        let soft = SoftTargets::frozen(teacher, 2.0, 0.5);
        let student = "mlp:6".parse().unwrap();
        ClassifierTrainer::new(config, &student, data.clone(), Some(soft), Streams::new(seed))
    };
    let step = |trainer: &mut ClassifierTrainer| _ = trainer.step().unwrap();
    check_student(
        make,
        step,
        |trainer| Model::Network(trainer.student().clone()),
        (60, "classifier-distillation"),
    );
}
