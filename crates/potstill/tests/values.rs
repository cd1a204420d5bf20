//! Learned values of deep agents in a small environment, against exact values: those of the optimal policy, and the fixed
//! points of updates that have others.

use potstill::agent::Agent;
use potstill::core::{Pcg64, Streams};
use potstill::deep::{
    C51Config, Dqn, DqnConfig, IqnConfig, Objective, Pqn, PqnConfig, QrDqnConfig, TaskSpec,
};
use potstill::env::registry::find;
use potstill::env::{Autoreset, FeatureEnv, TransitionModel};
use potstill::experience::{Steps, Transition};
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

/// The values of a network, `states x actions`.
fn values(model: &Model) -> Vec<f64> {
    let Model::Network(network) = model else { panic!("a network") };
    let (mut means, mut workspace) = (Vec::new(), Workspace::default());
    let of = |state: usize| {
        let mut one_hot = [0.0; 9];
        one_hot[state] = 1.0;
        network.means(1, network.predict(&one_hot, &mut workspace), &mut means);
        means.iter().map(|&q| f64::from(q)).collect::<Vec<_>>()
    };
    (0..9).flat_map(of).collect()
}

/// The largest distance of values over the states that are not terminal.
fn distance(values: &[f64], exact: &[f64]) -> f64 {
    let pairs = (0..9).filter(|&state| state != 5 && state != 8).flat_map(|state| state * 4..state * 4 + 4);
    pairs.map(|i| (values[i] - exact[i]).abs()).fold(0.0, f64::max)
}

/// The largest error of a network's values.
fn error(model: &Model) -> f64 {
    distance(&values(model), &exact())
}

fn plain() -> DqnConfig {
    DqnConfig {
        net_arch: "mlp:32,32".parse().unwrap(),
        learning_rate: "linear:0.003:0:run".parse().unwrap(),
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
    }
}

#[test]
fn every_objective_and_switch_finds_the_exact_values() {
    let plain = plain();
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
        ("ten copies", Objective::MEAN, with(|c| (c.num_envs, c.train_freq, c.gradient_steps) = (10, 1, 5))),
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

/// The expected return of a pair, if what follows is worth `v`.
fn backup(model: &TransitionModel, v: &dyn Fn(usize) -> f64, pair: usize) -> f64 {
    let outcomes = model.outcomes(pair / 4, pair % 4).iter();
    outcomes.map(|o| o.probability * (o.reward + if o.terminated { 0.0 } else { GAMMA * v(o.next) })).sum()
}

/// The fixed point of n-step targets of random behaviour: n - 1 steps of it, then the best action.
fn of_n_steps(model: &TransitionModel, n: u64) -> Vec<f64> {
    let mut q = vec![0.0; 36];
    for _ in 0..500 {
        let best = |row: &[f64]| row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mut v: Vec<f64> = q.chunks(4).map(best).collect();
        for _ in 1..n {
            let mean =
                |s: usize| (0..4).map(|a| backup(model, &|next| v[next], s * 4 + a)).sum::<f64>() / 4.0;
            v = (0..9).map(mean).collect();
        }
        q = (0..36).map(|pair| backup(model, &|next| v[next], pair)).collect();
    }
    q
}

/// The fixed point of Munchausen's targets.
fn of_munchausen(model: &TransitionModel, alpha: f64, tau: f64) -> Vec<f64> {
    let mut q = vec![0.0; 36];
    for _ in 0..3000 {
        // `tau ln pi` of every pair, and the soft values.
        let logs = |row: &[f64]| {
            let best = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let soft = best + tau * row.iter().map(|q| ((q - best) / tau).exp()).sum::<f64>().ln();
            row.iter().map(move |q| q - soft).collect::<Vec<_>>()
        };
        let logs: Vec<f64> = q.chunks(4).flat_map(logs).collect();
        let rows = q.chunks(4).zip(logs.chunks(4));
        let v: Vec<f64> =
            rows.map(|(q, l)| q.iter().zip(l).map(|(q, l)| (l / tau).exp() * (q - l)).sum()).collect();
        let of = |pair: usize| alpha * logs[pair].clamp(-1.0, 0.0) + backup(model, &|next| v[next], pair);
        q = (0..36).map(of).collect();
    }
    q
}

#[test]
fn updates_with_other_fixed_points_find_those() {
    // Windows that a time limit cuts would be shorter.
    let endless = "FrozenLake-v1:desc=SFF/FFH/FFG,max_episode_steps=1000";
    let model = find(endless).unwrap().make_states().unwrap().model().unwrap();
    // The errors of sampling are multiplied by 1 / (1 - alpha).
    let munchausen =
        DqnConfig { munchausen: true, munchausen_alpha: 0.5, munchausen_temperature: 0.1, ..plain() };
    let cases = [
        ("two steps", DqnConfig { n_step: 2, ..plain() }, of_n_steps(&model, 2), 0.05),
        ("five steps, double", DqnConfig { n_step: 5, double: true, ..plain() }, of_n_steps(&model, 5), 0.05),
        ("munchausen", munchausen, of_munchausen(&model, 0.5, 0.1), 0.15),
    ];
    let found = parallel_map(cases.len(), 2, |i| {
        let streams = Streams::new(1);
        let task = TaskSpec::new(9, 4, STEPS, streams);
        let agent =
            Dqn::with(Objective::MEAN, (cases[i].1.clone(), OptimizerConfig::default()), &task).unwrap();
        let env = find(&format!("{endless},one_hot=true")).unwrap().make_features().unwrap();
        let mut trainer = Trainer::new(agent, env, streams);
        while trainer.steps() < STEPS {
            trainer.advance().unwrap();
        }
        values(&trainer.model())
    });
    for ((name, _, own, bound), found) in cases.iter().zip(&found) {
        let (to_own, to_optimal) = (distance(found, own), distance(found, &exact()));
        println!("{name}: {to_own:.3} from its own fixed point, {to_optimal:.3} from the optimal values");
        assert!(to_own < *bound && to_own < to_optimal, "{name}: {to_own}, {to_optimal}");
    }
}

/// A learner that explores by noise acts on its own values: it visits what is good, and its returns of three steps are nearly those
/// of the optimal policy.
#[test]
fn learners_that_explore_by_noise_find_the_value_of_the_start() {
    let rainbow = DqnConfig {
        double: true,
        dueling: true,
        prioritized: true,
        prioritized_alpha: 0.5,
        n_step: 3,
        noisy: true,
        gradient_steps: 1,
        ..plain()
    };
    let noisy = DqnConfig { noisy: true, gradient_steps: 1, ..plain() };
    let objective = C51Config { n_atoms: 21, v_min: 0.0, v_max: 1.0 }.objective();
    for (name, objective, config) in [("rainbow", objective, rainbow), ("noisy", Objective::MEAN, noisy)] {
        let streams = Streams::new(1);
        let task = TaskSpec::new(9, 4, STEPS, streams);
        let agent = Dqn::with(objective, (config, OptimizerConfig::default()), &task).unwrap();
        let mut trainer = Trainer::new(agent, pond(), streams);
        while trainer.steps() < STEPS {
            trainer.advance().unwrap();
        }
        let start = |q: &[f64]| q[..4].iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let (found, exact) = (start(&values(&trainer.model())), start(&exact()));
        println!("{name}: {found:.3} of {exact:.3}");
        assert!((found - exact).abs() < 0.05, "{name}: {found} {exact}");
    }
}

/// Of one state: action 0 ends with a reward of 1 by a chance of 3/4, else -1, action 1 with one half.
fn gambled(objective: Objective) -> Dqn {
    const UPDATES: u64 = 5000;
    let config = DqnConfig {
        net_arch: "mlp:32".parse().unwrap(),
        learning_rate: "linear:0.005:0:run".parse().unwrap(),
        buffer_size: UPDATES,
        learning_starts: 100,
        batch_size: 32,
        train_freq: 1,
        gradient_steps: 1,
        target_update_interval: 50,
        ..DqnConfig::default()
    };
    let task = TaskSpec::new(1, 2, UPDATES, Streams::new(1));
    let mut agent = Dqn::with(objective, (config, OptimizerConfig::default()), &task).unwrap();
    let mut rng = Pcg64::new(3);
    for i in 0..UPDATES as usize {
        let gamble = if rng.below(4) < 3 { 1.0 } else { -1.0 };
        let step = Transition {
            observation: &[1.0][..],
            action: &(i % 2),
            reward: if i % 2 == 0 { gamble } else { 0.5 },
            next_observation: &[1.0][..],
            terminated: true,
            // A step that ends both ways is terminal.
            truncated: i % 3 == 0,
        };
        let due = agent.observe(&Steps::of(&step)).unwrap();
        (0..due).for_each(|_| _ = agent.update().unwrap());
    }
    agent
}

#[test]
fn distributions_are_those_of_the_returns() {
    let mut workspace = Workspace::default();
    let close = |what: &str, got: &[f32], expected: &[f32], bound: f32| {
        assert!(got.iter().zip(expected).all(|(g, e)| (g - e).abs() < bound), "{what}: {got:?}");
    };

    let agent = gambled(C51Config { n_atoms: 5, v_min: -2.0, v_max: 2.0 }.objective());
    let mut atoms = agent.online().predict(&[1.0], &mut workspace).to_vec();
    atoms.chunks_mut(5).for_each(|row| potstill::nn::loss::softmax(1.0, row));
    // Atoms at -2, -1, 0, 1 and 2; one half lies between two.
    close("c51", &atoms, &[0.0, 0.25, 0.0, 0.75, 0.0, 0.0, 0.0, 0.5, 0.5, 0.0], 0.05);

    let agent = gambled(QrDqnConfig { n_quantiles: 8, kappa: 0.01 }.objective());
    let quantiles = agent.online().predict(&[1.0], &mut workspace);
    let gamble = [-1.0, -1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0];
    close("qr-dqn", &quantiles[..8], &gamble, 0.2);
    close("qr-dqn", &quantiles[8..], &[0.5; 8], 0.1);

    let few = IqnConfig { kappa: 0.01, n_taus: 8, n_target_taus: 1, n_cosines: 16 };
    let agent = gambled(few.objective());
    let taus = [0.05, 0.1, 0.4, 0.6, 0.9];
    let both = agent.online().forward_at(&[1.0], &taus, &mut workspace);
    let of = |action: usize| both.iter().skip(action).step_by(2).copied().collect::<Vec<f32>>();
    close("iqn", &of(0), &[-1.0, -1.0, 1.0, 1.0, 1.0], 0.2);
    close("iqn", &of(1), &[0.5; 5], 0.1);
}
