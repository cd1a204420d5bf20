//! Learned values of deep agents in a small environment, against exact values.

use potstill::core::Streams;
use potstill::deep::{
    C51Config, Dqn, DqnConfig, IqnConfig, Objective, Pqn, PqnConfig, QrDqnConfig, TaskSpec,
};
use potstill::env::registry::find;
use potstill::env::{Autoreset, FeatureEnv};
use potstill::model::Model;
use potstill::nn::Workspace;
use potstill::optimizer::OptimizerConfig;
use potstill::planning::{Planner, PlanningConfig, ValueIteration};
use potstill::train::{Trainer, Training, VecTrainer, parallel_map};

/// A slippery pond of three by three: 9 states, one-hot.
const POND: &str = "FrozenLake-v1:desc=SFF/FFH/FFG,max_episode_steps=20";
const GAMMA: f64 = 0.9;
const STEPS: u64 = 20_000;

fn pond() -> FeatureEnv {
    find(&format!("{POND},one_hot=true")).unwrap().make_features().unwrap()
}

/// The optimal values of all pairs, `states x actions`.
fn exact() -> Vec<f64> {
    let model = find(POND).unwrap().make_states().unwrap().model().unwrap();
    let mut planner =
        ValueIteration::new(model, &PlanningConfig { gamma: GAMMA, ..PlanningConfig::default() });
    while !planner.is_done() {
        planner.sweep();
    }
    planner.values().q().values().to_vec()
}

/// The largest error of a network's values over the states that are not terminal.
fn error(model: &Model) -> f64 {
    let Model::Network(network) = model else { panic!("a network") };
    let exact = exact();
    let (mut means, mut workspace) = (Vec::new(), Workspace::default());
    let mut worst = 0.0_f64;
    for state in (0..9).filter(|&state| state != 5 && state != 8) {
        let mut one_hot = [0.0; 9];
        one_hot[state] = 1.0;
        network.means(1, network.predict(&one_hot, &mut workspace), &mut means);
        for a in 0..4 {
            worst = worst.max((f64::from(means[a]) - exact[state * 4 + a]).abs());
        }
    }
    worst
}

#[test]
fn every_objective_and_switch_finds_the_exact_values() {
    let plain = DqnConfig {
        net_arch: "mlp:32,32".parse().unwrap(),
        learning_rate: "linear:0.003:0:20000".parse().unwrap(),
        gamma: GAMMA,
        buffer_size: STEPS,
        learning_starts: 500,
        batch_size: 64,
        train_freq: 4,
        gradient_steps: 2,
        target_update_interval: 200,
        // Random behaviour visits everything; the values are those of another policy.
        exploration_final_eps: 1.0,
        ..DqnConfig::default()
    };
    let support = C51Config { n_atoms: 51, v_min: 0.0, v_max: 1.0 }.objective();
    let quantiles = QrDqnConfig { n_quantiles: 32, kappa: 0.01 }.objective();
    let implicit = IqnConfig { kappa: 0.01, ..IqnConfig::default() }.objective();
    let with = |change: fn(&mut DqnConfig)| {
        let mut config = plain.clone();
        change(&mut config);
        config
    };
    let cases = [
        ("dqn", Objective::MEAN, plain.clone()),
        ("double", Objective::MEAN, with(|c| c.double = true)),
        ("dueling", Objective::MEAN, with(|c| c.dueling = true)),
        ("prioritized", Objective::MEAN, with(|c| (c.prioritized, c.prioritized_beta) = (true, 1.0))),
        ("soft teacher", Objective::MEAN, with(|c| (c.tau, c.target_update_interval) = (0.02, 4))),
        ("ten copies", Objective::MEAN, with(|c| c.num_envs = 10)),
        ("normalised", Objective::MEAN, with(|c| c.normalize_observations = true)),
        ("c51", support.clone(), plain.clone()),
        ("c51, double, dueling", support.clone(), with(|c| (c.double, c.dueling) = (true, true))),
        ("qr-dqn", quantiles, plain.clone()),
        ("iqn", implicit, plain.clone()),
    ];
    let errors = parallel_map(cases.len(), 2, |i| {
        let (_, objective, config) = &cases[i];
        let streams = Streams::new(1);
        let task = TaskSpec::new(9, 4, STEPS, streams);
        let agent =
            Dqn::with(objective.clone(), (config.clone(), OptimizerConfig::default()), &task).unwrap();
        if config.num_envs == 1 {
            trained(Trainer::new(agent, pond(), streams))
        } else {
            let id = format!("{POND},one_hot=true");
            let envs =
                find(&id).unwrap().make_vec_features(config.num_envs as usize, Autoreset::SameStep).unwrap();
            trained(VecTrainer::new(agent, envs, streams))
        }
    });
    for ((name, ..), error) in cases.iter().zip(&errors) {
        println!("{name}: {error:.3}");
    }
    // Most see the same 20,000 steps, whose frequencies are off by so much that values are by 0.05; the values go up to 1.
    for ((name, ..), error) in cases.iter().zip(errors) {
        assert!(error < 0.08, "{name}: {error}");
    }
}

fn trained<T: Training>(mut trainer: T) -> f64 {
    while trainer.steps() < STEPS {
        trainer.advance().unwrap();
    }
    error(&trainer.model())
}

/// With lambda 0 its data may come from any policy, so that it finds the same.
#[test]
fn pqn_finds_the_exact_values() {
    let config = PqnConfig {
        net_arch: "mlp:32:layernorm".parse().unwrap(),
        learning_rate: "linear:0.01:0:200000".parse().unwrap(),
        num_envs: 32,
        num_steps: 32,
        num_minibatches: 8,
        update_epochs: 2,
        gamma: GAMMA,
        lambda: 0.0,
        exploration_final_eps: 1.0,
        ..PqnConfig::default()
    };
    let streams = Streams::new(1);
    let agent = Pqn::new((config, OptimizerConfig::default()), &TaskSpec::new(9, 4, 200_000, streams));
    let id = format!("{POND},one_hot=true");
    let envs = find(&id).unwrap().make_vec_features(32, Autoreset::SameStep).unwrap();
    let mut trainer = VecTrainer::new(agent, envs, streams);
    while trainer.steps() < 200_000 {
        trainer.advance().unwrap();
    }
    let error = error(&trainer.model());
    println!("pqn: {error:.3}");
    assert!(error < 0.05, "{error}");
}
