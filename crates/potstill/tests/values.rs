//! Learned values of deep agents in a small environment, against exact values: those of the optimal policy, and the fixed
//! points of updates that have others.

use potstill::actor_critic::{OffPolicyConfig, OffPolicyOptimizer, Sac, SacConfig};
use potstill::agent::Agent;
use potstill::config::Auto;
use potstill::core::{Pcg64, Streams};
use potstill::deep::{
    C51Config, Dqn, DqnConfig, IqnConfig, Objective, Pqn, PqnConfig, QrDqnConfig, TaskSpec,
};
use potstill::env::registry::find;
use potstill::env::{Autoreset, FeatureEnv, Space, TransitionModel};
use potstill::experience::{Steps, Transition};
use potstill::model::Model;
use potstill::nn::{Network, Workspace};
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

/// A problem whose action is the next state, both from -1 to 1, with a reward of `-(a - x)^2 - (x - 0.5)^2`: steps are
/// dear, and so is the distance from 0.5. Actions have a weight of their entropy of 0.1, and nothing ever ends.
mod moves {
    pub(super) const ALPHA: f64 = 0.1;
    pub(super) const GAMMA: f64 = 0.8;
    /// Points of a grid over states, and over actions.
    const POINTS: usize = 801;

    pub(super) fn reward(x: f64, a: f64) -> f64 {
        -(a - x) * (a - x) - (x - 0.5) * (x - 0.5)
    }

    /// The exact solution on the grid: `V(x) = alpha ln int exp(Q(x, a) / alpha) da`, `Q(x, a) = r + gamma V(a)`, by soft
    /// value iteration with the trapezoidal rule.
    pub(super) struct Solution {
        values: Vec<f64>,
    }

    /// The mean and the standard deviation of the optimal policy in a state, and its entropy.
    pub(super) struct Optimal {
        pub(super) mean: f64,
        pub(super) deviation: f64,
        pub(super) entropy: f64,
    }

    fn point(i: usize) -> f64 {
        2.0 * i as f64 / (POINTS - 1) as f64 - 1.0
    }

    fn weight(i: usize) -> f64 {
        let is_end = i == 0 || i == POINTS - 1;
        if is_end { 1.0 / (POINTS - 1) as f64 } else { 2.0 / (POINTS - 1) as f64 }
    }

    impl Solution {
        pub(super) fn new() -> Self {
            let mut solution = Self { values: vec![0.0; POINTS] };
            // 0.8^80 is 2e-8.
            for _ in 0..80 {
                solution.values = (0..POINTS).map(|i| solution.value(point(i))).collect();
            }
            solution
        }

        fn backup(&self, x: f64, i: usize) -> f64 {
            reward(x, point(i)) + GAMMA * self.values[i]
        }

        pub(super) fn value(&self, x: f64) -> f64 {
            let highest = (0..POINTS).map(|i| self.backup(x, i)).fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 =
                (0..POINTS).map(|i| weight(i) * ((self.backup(x, i) - highest) / ALPHA).exp()).sum();
            highest + ALPHA * sum.ln()
        }

        /// `Q(x, a)`.
        pub(super) fn action_value(&self, x: f64, a: f64) -> f64 {
            reward(x, a) + GAMMA * self.value(a)
        }

        pub(super) fn optimal(&self, x: f64) -> Optimal {
            let value = self.value(x);
            let density = |i: usize| ((self.backup(x, i) - value) / ALPHA).exp();
            let expected = |f: &dyn Fn(usize) -> f64| -> f64 {
                (0..POINTS).map(|i| weight(i) * density(i) * f(i)).sum()
            };
            let mean = expected(&point);
            let variance = expected(&|i| (point(i) - mean) * (point(i) - mean));
            Optimal { mean, deviation: variance.sqrt(), entropy: -expected(&|i| density(i).ln()) }
        }
    }
}

/// The mean and the standard deviation of the actions of a policy with the heads `mean` and `log_std`, and their entropy:
/// sums over 2,001 quantiles of the normal number, from -5 to 5 deviations.
fn drawn(policy: &Network, x: f64) -> moves::Optimal {
    let mut workspace = Workspace::default();
    let outputs = policy.predict(&[x as f32], &mut workspace);
    let (mean, log_std) = (f64::from(outputs[0]), f64::from(outputs[1]));
    let nodes: Vec<(f64, f64)> =
        (-1000..=1000).map(|i| f64::from(i) / 200.0).map(|z| (z, (-0.5 * z * z).exp())).collect();
    let sum: f64 = nodes.iter().map(|(_, w)| w).sum();
    let expected = |f: &dyn Fn(f64, f64) -> f64| -> f64 {
        nodes.iter().map(|&(z, w)| w / sum * f(z, (mean + log_std.exp() * z).tanh())).sum()
    };
    let center = expected(&|_, a| a);
    let variance = expected(&|_, a| (a - center) * (a - center));
    // The density of a is that of z over the derivative of a with respect to z.
    let half_log_tau = 0.5 * (2.0 * std::f64::consts::PI).ln();
    let entropy = expected(&|z, a| 0.5 * z * z + half_log_tau + log_std + (1.0 - a * a).ln());
    moves::Optimal { mean: center, deviation: variance.sqrt(), entropy }
}

/// The soft-optimal values by an independent program (NumPy, 2,001 points): V(-0.8), V(0), V(0.4), and Q.
#[test]
fn soft_value_iteration_is_that_of_another_program() {
    let solution = moves::Solution::new();
    for (x, value) in [(-0.8, -3.118_406), (0.0, -0.880_364), (0.4, -0.507_467), (0.8, -0.632_795)] {
        assert!((solution.value(x) - value).abs() < 1e-5, "V({x}) = {}", solution.value(x));
    }
    for (x, a, value) in [(-0.5, 0.5, -2.393_601), (0.0, 0.0, -0.954_292), (0.5, 0.5, -0.393_601)] {
        assert!((solution.action_value(x, a) - value).abs() < 1e-5, "Q({x}, {a})");
    }
    for (x, mean, deviation, entropy) in
        [(-0.8, -0.079_506, 0.149_286, -0.482_953), (0.0, 0.277_040, 0.149_261, -0.483_122)]
    {
        let found = solution.optimal(x);
        let distances = [found.mean - mean, found.deviation - deviation, found.entropy - entropy];
        assert!(distances.iter().all(|d| d.abs() < 1e-5), "{x}: {distances:?}");
    }
}

/// The largest errors of action values of both critics over a grid of pairs, and of the policy's means, deviations and
/// entropies over one of states, after SAC with a fixed temperature.
fn errors_of_sac(solution: &moves::Solution, alpha: f64, seed: u64) -> [f64; 4] {
    const STEPS: u64 = 6000;
    let shared = OffPolicyConfig {
        learning_rate: "linear:0.003:0:run".parse().unwrap(),
        buffer_size: STEPS,
        learning_starts: 500,
        batch_size: 128,
        gamma: moves::GAMMA,
        tau: 0.02,
        net_arch: "mlp:32,32:tanh".parse().unwrap(),
        ..OffPolicyConfig::default()
    };
    let config = SacConfig { ent_coef: Auto::Number(alpha), ..SacConfig::default() };
    let action_space = Space::uniform(1, -1.0, 1.0);
    let task = TaskSpec { action_space, ..TaskSpec::new(1, 1, STEPS, Streams::new(seed)) };
    let mut agent = Sac::new(&(config, (shared, OffPolicyOptimizer::default())), &task).unwrap();
    let mut rng = Pcg64::new(seed + 7);
    for i in 0..STEPS {
        let x = [rng.uniform(-1.0, 1.0) as f32];
        let mut a = [0.0];
        agent.act(&x, &mut a);
        // The critics see all actions, not only those of the policy.
        if i % 2 == 0 {
            a = [rng.uniform(-1.0, 1.0) as f32];
        }
        let step = Transition {
            observation: &x[..],
            action: &a[..],
            reward: moves::reward(f64::from(x[0]), f64::from(a[0])),
            next_observation: &a[..],
            terminated: false,
            // Bootstraps all the same.
            truncated: true,
        };
        let due = agent.observe(&Steps::of(&step)).unwrap();
        (0..due).for_each(|_| _ = agent.update().unwrap());
    }
    let (mut errors, mut workspace) = ([0.0_f64; 4], Workspace::default());
    let grid = || (0..9).map(|i| f64::from(i) / 5.0 - 0.8);
    for x in grid() {
        for a in grid() {
            for critic in agent.learner().critics() {
                let value = critic.predict(&[x as f32, a as f32], &mut workspace)[0];
                errors[0] = errors[0].max((f64::from(value) - solution.action_value(x, a)).abs());
            }
        }
        let (found, optimal) = (drawn(agent.learner().policy_network(), x), solution.optimal(x));
        errors[1] = errors[1].max((found.mean - optimal.mean).abs());
        errors[2] = errors[2].max((found.deviation - optimal.deviation).abs());
        errors[3] = errors[3].max((found.entropy - optimal.entropy).abs());
    }
    errors
}

/// The critics are the soft-optimal action values, from -6 to 0, and the policy has the mean, the deviation and the entropy
/// of the optimal one, which is nearly a squashed normal one: the best of those has values that are lower by 0.01 to 0.02,
/// means by at most 0.008 and deviations by at most 0.005.
#[test]
fn sac_finds_the_soft_optimal_values_and_policy() {
    // Four seeds have at most 0.078, 0.017, 0.006 and 0.083. Without the entropy of the next action, -0.48, values would
    // be higher by 0.8 / (1 - 0.8) x 0.1 x 0.48 = 0.19.
    const BOUNDS: [f64; 4] = [0.12, 0.03, 0.015, 0.13];
    let solution = moves::Solution::new();
    let cases = [(moves::ALPHA, 0), (moves::ALPHA, 1), (moves::ALPHA, 2), (moves::ALPHA, 3), (0.2, 0)];
    let all = parallel_map(cases.len(), 2, |i| errors_of_sac(&solution, cases[i].0, cases[i].1));
    for ((alpha, seed), errors) in cases.iter().zip(&all) {
        println!("temperature {alpha}, seed {seed}: {errors:.4?}");
    }
    let is_within = |errors: &[f64; 4]| -> [bool; 4] { std::array::from_fn(|i| errors[i] < BOUNDS[i]) };
    for errors in &all[..4] {
        assert_eq!(is_within(errors), [true; 4], "{errors:?}");
    }
    // Twice the temperature has a deviation of 0.21 in place of 0.15, and an entropy of -0.14 in place of -0.48.
    let other = is_within(&all[4]);
    assert!(!other[2] && !other[3], "{:?}", all[4]);
}
