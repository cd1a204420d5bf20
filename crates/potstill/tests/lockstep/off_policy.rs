//! DDPG (Lillicrap et al. 2016), TD3 (Fujimoto et al. 2018), SAC (Haarnoja et al. 2018) and CrossQ (Bhatt et
//! al. 2024) in lock step with a program in double precision: its replay is a list, and its gradients are
//! central differences of the losses as the papers have them.

use crate::experience::{Noise, Step};
use crate::network::plain_sgd;
use crate::renorm::{Mode, average, pass};
use potstill::actor_critic::{
    CrossQ, CrossQConfig, CrossQOptimizer, CrossQShared, Ddpg, DdpgConfig, NoiseConfig, NoiseKind,
    OffPolicyConfig, OffPolicyOptimizer, Sac, SacConfig, Td3, Td3Config, TrainUnit,
};
use potstill::agent::Agent;
use potstill::config::Auto;
use potstill::core::{Pcg64, Streams};
use potstill::deep::TaskSpec;
use potstill::env::Space;
use potstill::experience::Steps;
use potstill::optimizer::OptimizerConfig;
use std::f64::consts::PI;

const FEATURES: usize = 3;
const WIDTH: usize = 2;
const UNITS: usize = 4;
const LOW: [f32; WIDTH] = [-2.0, 0.5];
const HIGH: [f32; WIDTH] = [2.0, 3.5];
const TOTAL: u64 = 240;
/// Steps of the central differences.
const EPSILON: f64 = 1e-5;
const LOG_STD: (f64, f64) = (-20.0, 2.0);

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Ddpg,
    Td3 {
        delay: u64,
        noise: f64,
        clip: f64,
    },
    Sac {
        alpha: Option<f64>,
        target_entropy: f64,
    },
    /// With the batches of a warm-up.
    CrossQ {
        delay: u64,
        warm_up: u64,
    },
}

impl Kind {
    fn is_stochastic(self) -> bool {
        matches!(self, Kind::Sac { .. } | Kind::CrossQ { .. })
    }
}

/// The outputs of a network of one hidden layer of hyperbolic tangents; heads have their layers one after the
/// other.
fn forward(p: &[f64], x: &[f64], heads: &[usize]) -> Vec<Vec<f64>> {
    let mut rest = p;
    let mut layer = |x: &[f64], outputs: usize| -> Vec<f64> {
        let (own, behind) = rest.split_at((x.len() + 1) * outputs);
        rest = behind;
        let product = |o: usize| x.iter().enumerate().map(|(i, x)| x * own[i * outputs + o]).sum::<f64>();
        (0..outputs).map(|o| own[x.len() * outputs + o] + product(o)).collect()
    };
    let hidden: Vec<f64> = layer(x, UNITS).iter().map(|y| y.tanh()).collect();
    let outputs = heads.iter().map(|&outputs| layer(&hidden, outputs)).collect();
    assert!(rest.is_empty(), "all parameters");
    outputs
}

fn value(p: &[f64], x: &[f64], action: &[f64]) -> f64 {
    forward(p, &[x, action].concat(), &[1])[0][0]
}

/// The actions of a deterministic policy.
fn actions(p: &[f64], x: &[f64]) -> Vec<f64> {
    forward(p, x, &[WIDTH])[0].iter().map(|y| y.tanh()).collect()
}

/// An action that a stochastic policy makes of normal numbers, and the logarithm of its density.
fn draw(p: &[f64], x: &[f64], noise: &[f64]) -> (Vec<f64>, f64) {
    squashed(&forward(p, x, &[WIDTH, WIDTH]).concat(), noise)
}

/// The same from means, then logarithms of deviations.
fn squashed(outputs: &[f64], noise: &[f64]) -> (Vec<f64>, f64) {
    let (mut action, mut log_prob) = (Vec::new(), 0.0);
    for i in 0..WIDTH {
        let log_std = outputs[WIDTH + i].clamp(LOG_STD.0, LOG_STD.1);
        let tanh = (outputs[i] + log_std.exp() * noise[i]).tanh();
        log_prob += -0.5 * noise[i].powi(2) - log_std - 0.5 * (2.0 * PI).ln() - (1.0 - tanh * tanh).ln();
        action.push(tanh);
    }
    (action, log_prob)
}

/// The gradient of a loss by central differences.
fn gradient(p: &[f64], loss: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    let mut moved = p.to_vec();
    (0..p.len())
        .map(|i| {
            let mut at = |x: f64| {
                moved[i] = x;
                loss(&moved)
            };
            let difference = at(p[i] + EPSILON) - at(p[i] - EPSILON);
            moved[i] = p[i];
            difference / (2.0 * EPSILON)
        })
        .collect()
}

fn descend(p: &mut [f64], rate: f64, gradient: &[f64]) {
    p.iter_mut().zip(gradient).for_each(|(p, g)| *p -= rate * g);
}

/// The factor that makes a gradient no longer than the largest norm.
fn shrink(gradients: &[Vec<f64>], largest: f64) -> f64 {
    let norm = gradients.iter().flatten().map(|g| g * g).sum::<f64>().sqrt();
    (largest / (norm + 1e-6)).min(1.0)
}

fn wide(numbers: &[f32]) -> Vec<f64> {
    numbers.iter().map(|&x| f64::from(x)).collect()
}

/// A stored transition.
#[derive(Clone)]
struct Row {
    x: Vec<f64>,
    action: Vec<f64>,
    reward: f64,
    next: Vec<f64>,
    terminated: bool,
}

struct Program {
    kind: Kind,
    config: OffPolicyConfig,
    noise: NoiseConfig,
    norm: f64,
    policy: Vec<f64>,
    policy_target: Vec<f64>,
    critics: Vec<Vec<f64>>,
    targets: Vec<Vec<f64>>,
    /// Running statistics of the policy and of each critic (CrossQ).
    statistics: Vec<Vec<f64>>,
    log_alpha: f64,
    rows: Vec<Row>,
    process: Vec<f64>,
    exploration: Pcg64,
    sampling: Pcg64,
    drawing: Pcg64,
    steps: u64,
    updates: u64,
    /// Steps of each copy, and episodes, since the last update; the steps of all before those.
    calls: u64,
    episodes: u64,
    before: u64,
}

impl Program {
    /// The actions of all copies, from -1 to 1.
    fn act(&mut self, observations: &[Vec<f32>]) -> Vec<f64> {
        if self.steps < self.config.learning_starts {
            return (0..observations.len() * WIDTH).map(|_| self.exploration.uniform(-1.0, 1.0)).collect();
        }
        if let Kind::CrossQ { .. } = self.kind {
            let outputs = self.outputs(&observations.iter().map(|x| wide(x)).collect::<Vec<_>>());
            let mut of = |outputs: &Vec<f64>| {
                let noise: Vec<f64> = (0..WIDTH).map(|_| self.exploration.normal()).collect();
                squashed(outputs, &noise).0
            };
            return outputs.iter().flat_map(&mut of).collect();
        }
        if let Kind::Sac { .. } = self.kind {
            let mut of = |x: &Vec<f32>| {
                let noise: Vec<f64> = (0..WIDTH).map(|_| self.exploration.normal()).collect();
                draw(&self.policy, &wide(x), &noise).0
            };
            return observations.iter().flat_map(&mut of).collect();
        }
        let greedy: Vec<f64> = observations.iter().flat_map(|x| actions(&self.policy, &wide(x))).collect();
        let NoiseConfig { noise_type, noise_std, ou_theta, ou_dt } = self.noise;
        let noisy = greedy.iter().zip(&mut self.process).map(|(action, x)| match noise_type {
            NoiseKind::None => *action,
            NoiseKind::Normal => (action + noise_std * self.exploration.normal()).clamp(-1.0, 1.0),
            NoiseKind::Ou => {
                *x += -ou_theta * *x * ou_dt + noise_std * ou_dt.sqrt() * self.exploration.normal();
                (action + *x).clamp(-1.0, 1.0)
            }
        });
        noisy.collect()
    }

    /// Stores a step; returns the number of gradient steps that follow (Stable-Baselines3's `learn` and
    /// `collect_rollouts`).
    fn observe(&mut self, step: &Step, actions: &[f64]) -> u64 {
        let copies = step.rewards.len();
        for copy in 0..copies {
            let at = copy * FEATURES..(copy + 1) * FEATURES;
            self.rows.push(Row {
                x: wide(&step.observations[at.clone()]),
                action: actions[copy * WIDTH..][..WIDTH].to_vec(),
                reward: step.rewards[copy],
                next: wide(&step.next_observations[at]),
                terminated: step.terminated[copy],
            });
            if step.terminated[copy] || step.truncated[copy] {
                self.process[copy * WIDTH..][..WIDTH].fill(0.0);
                self.episodes += 1;
            }
        }
        self.steps += copies as u64;
        self.calls += 1;
        let done = match self.config.train_freq_unit {
            TrainUnit::Step => self.calls,
            TrainUnit::Episode => self.episodes,
        };
        if done < self.config.train_freq {
            return 0;
        }
        let collected = self.calls * copies as u64;
        self.before = self.steps - collected;
        (self.calls, self.episodes) = (0, 0);
        match self.config.gradient_steps {
            _ if self.steps <= self.config.learning_starts => 0,
            0 => collected,
            some => some,
        }
    }

    fn update(&mut self) {
        let size = self.config.batch_size as usize;
        let rows: Vec<Row> =
            (0..size).map(|_| self.rows[self.sampling.below(self.rows.len())].clone()).collect();
        let share = self.before as f64 / TOTAL as f64;
        // Linear from its first value to 0 over the run, of the critics alone.
        let rate = self.config.learning_rate.at(self.before, 1);
        let critic_rate = self.config.critic_learning_rate.map_or(rate, |_| 0.1 * (1.0 - share));
        if let Kind::CrossQ { .. } = self.kind {
            return self.update_crossq(&rows, rate, critic_rate);
        }
        let mut normal = |count: usize| -> Vec<f64> { (0..count).map(|_| self.drawing.normal()).collect() };
        let is_sac = matches!(self.kind, Kind::Sac { .. });
        let here = if is_sac { normal(size * WIDTH) } else { Vec::new() };
        let there = match self.kind {
            Kind::Ddpg => Vec::new(),
            _ => normal(size * WIDTH),
        };
        let mut alpha = self.log_alpha.exp();
        if let Kind::Sac { alpha: fixed, target_entropy } = self.kind {
            alpha = fixed.unwrap_or(alpha);
            let logs = rows.iter().zip(here.chunks(WIDTH)).map(|(row, z)| draw(&self.policy, &row.x, z).1);
            let mean = logs.sum::<f64>() / size as f64;
            // The loss is -ln alpha (ln pi + H).
            self.log_alpha -= critic_rate * -(mean + target_entropy);
        }
        let y: Vec<f64> = (0..size)
            .map(|k| {
                let row = &rows[k];
                let (next, bonus) = match self.kind {
                    Kind::Ddpg => (actions(&self.policy_target, &row.next), 0.0),
                    Kind::Td3 { noise, clip, .. } => {
                        let mut next = actions(&self.policy_target, &row.next);
                        for (a, z) in next.iter_mut().zip(&there[k * WIDTH..]) {
                            *a = (*a + (noise * z).clamp(-clip, clip)).clamp(-1.0, 1.0);
                        }
                        (next, 0.0)
                    }
                    Kind::CrossQ { .. } => unreachable!("it has an update of its own"),
                    Kind::Sac { .. } => {
                        let (next, log_prob) = draw(&self.policy, &row.next, &there[k * WIDTH..][..WIDTH]);
                        (next, -alpha * log_prob)
                    }
                };
                let values = self.targets.iter().map(|p| value(p, &row.next, &next));
                let least = values.fold(f64::INFINITY, f64::min);
                row.reward + if row.terminated { 0.0 } else { self.config.gamma * (least + bonus) }
            })
            .collect();
        let weight = if is_sac { 0.5 } else { 1.0 };
        let of_critic = |p: &Vec<f64>| {
            gradient(p, |p| {
                let error = |k: usize| (value(p, &rows[k].x, &rows[k].action) - y[k]).powi(2);
                weight * (0..size).map(error).sum::<f64>() / size as f64
            })
        };
        let gradients: Vec<Vec<f64>> = self.critics.iter().map(of_critic).collect();
        let factor = shrink(&gradients, self.norm);
        for (p, gradient) in self.critics.iter_mut().zip(&gradients) {
            descend(p, critic_rate * factor, gradient);
        }
        self.updates += 1;
        let delay = if let Kind::Td3 { delay, .. } = self.kind { delay } else { 1 };
        if !self.updates.is_multiple_of(delay) {
            return;
        }
        let of_policy = gradient(&self.policy, |p| {
            let loss = |k: usize| match self.kind {
                Kind::Sac { .. } => {
                    let (action, log_prob) = draw(p, &rows[k].x, &here[k * WIDTH..][..WIDTH]);
                    let values = self.critics.iter().map(|q| value(q, &rows[k].x, &action));
                    alpha * log_prob - values.fold(f64::INFINITY, f64::min)
                }
                _ => -value(&self.critics[0], &rows[k].x, &actions(p, &rows[k].x)),
            };
            (0..size).map(loss).sum::<f64>() / size as f64
        });
        let of_policy = [of_policy];
        descend(&mut self.policy, rate * shrink(&of_policy, self.norm), &of_policy[0]);
        let tau = self.config.tau;
        let lag = |target: &mut Vec<f64>, p: &[f64]| {
            target.iter_mut().zip(p).for_each(|(t, p)| *t = tau * p + (1.0 - tau) * *t);
        };
        self.targets.iter_mut().zip(&self.critics).for_each(|(target, p)| lag(target, p));
        lag(&mut self.policy_target, &self.policy);
    }
}

/// States and actions side by side.
fn pairs<'a>(rows: impl Iterator<Item = (&'a Vec<f64>, &'a Vec<f64>)>) -> Vec<Vec<f64>> {
    rows.map(|(x, action)| [&x[..], &action[..]].concat()).collect()
}

impl Program {
    /// The policy's outputs by running statistics.
    fn outputs(&self, batch: &[Vec<f64>]) -> Vec<Vec<f64>> {
        pass((&self.policy, &self.statistics[0]), (UNITS, &[WIDTH, WIDTH]), batch, Mode::Frozen).0
    }

    /// Bhatt et al. 2024, section 3, with the order of SBX.
    fn update_crossq(&mut self, rows: &[Row], rate: f64, critic_rate: f64) {
        let Kind::CrossQ { delay, warm_up } = self.kind else { unreachable!() };
        let (size, alpha, critic, policy) =
            (rows.len(), self.log_alpha.exp(), (UNITS, &[1][..]), (UNITS, &[WIDTH, WIDTH][..]));
        let mean = |terms: &mut dyn Iterator<Item = f64>| terms.sum::<f64>() / size as f64;
        let xs: Vec<Vec<f64>> = rows.iter().map(|row| row.x.clone()).collect();
        let nexts: Vec<Vec<f64>> = rows.iter().map(|row| row.next.clone()).collect();
        let noise: Vec<f64> = (0..size * WIDTH).map(|_| self.drawing.normal()).collect();
        let drawn: Vec<(Vec<f64>, f64)> =
            self.outputs(&nexts).iter().zip(noise.chunks(WIDTH)).map(|(out, z)| squashed(out, z)).collect();
        let mut joint = pairs(rows.iter().map(|row| (&row.x, &row.action)));
        joint.extend(pairs(nexts.iter().zip(drawn.iter().map(|(action, _)| action))));
        let corrects = self.updates >= warm_up;
        let first: Vec<_> = (0..2)
            .map(|i| {
                let (mut held, of) = (Vec::new(), (&self.critics[i][..], &self.statistics[1 + i][..]));
                let (values, moments) = pass(of, critic, &joint, Mode::Batch(&mut held, corrects));
                (held, values, moments)
            })
            .collect();
        let y: Vec<f64> = (0..size)
            .map(|k| {
                let least = first[0].1[size + k][0].min(first[1].1[size + k][0]);
                let next = self.config.gamma * (least - alpha * drawn[k].1);
                rows[k].reward + if rows[k].terminated { 0.0 } else { next }
            })
            .collect();
        let gradients: Vec<Vec<f64>> = (0..2)
            .map(|i| {
                gradient(&self.critics[i], |p| {
                    let (of, mut held) = ((p, &self.statistics[1 + i][..]), first[i].0.clone());
                    let values = pass(of, critic, &joint, Mode::Batch(&mut held, corrects)).0;
                    mean(&mut (0..size).map(|k| 0.5 * (values[k][0] - y[k]).powi(2)))
                })
            })
            .collect();
        let factor = shrink(&gradients, self.norm);
        for i in 0..2 {
            descend(&mut self.critics[i], critic_rate * factor, &gradients[i]);
            average(&mut self.statistics[1 + i], &first[i].2);
        }
        let corrects = self.updates / delay >= warm_up;
        self.updates += 1;
        if !self.updates.is_multiple_of(delay) {
            return;
        }
        let noise: Vec<f64> = (0..size * WIDTH).map(|_| self.drawing.normal()).collect();
        let draw = |outputs: &[Vec<f64>]| -> Vec<(Vec<f64>, f64)> {
            outputs.iter().zip(noise.chunks(WIDTH)).map(|(out, z)| squashed(out, z)).collect()
        };
        let mut held = Vec::new();
        let of = (&self.policy[..], &self.statistics[0][..]);
        let (outputs, moments) = pass(of, policy, &xs, Mode::Batch(&mut held, corrects));
        let mean_log_prob = mean(&mut draw(&outputs).iter().map(|(_, log_prob)| *log_prob));
        let of_policy = [gradient(&self.policy, |p| {
            let (of, mut held) = ((p, &self.statistics[0][..]), held.clone());
            let here = draw(&pass(of, policy, &xs, Mode::Batch(&mut held, corrects)).0);
            let pairs = pairs(xs.iter().zip(here.iter().map(|(action, _)| action)));
            let values = [0, 1]
                .map(|i| pass((&self.critics[i], &self.statistics[1 + i]), critic, &pairs, Mode::Frozen).0);
            mean(&mut (0..size).map(|k| alpha * here[k].1 - values[0][k][0].min(values[1][k][0])))
        })];
        descend(&mut self.policy, rate * shrink(&of_policy, self.norm), &of_policy[0]);
        average(&mut self.statistics[0], &moments);
        self.log_alpha -= critic_rate * -(mean_log_prob - WIDTH as f64);
    }
}

/// The agent's parameters: policy, its target if it has one, critics, their targets, or the running
/// statistics of all; and the temperature.
type Parts = (Vec<Vec<f32>>, f64);

fn assert_is(theirs: &[f32], ours: &[f64], what: &str) {
    assert_eq!(theirs.len(), ours.len(), "{what}");
    for (i, (theirs, ours)) in theirs.iter().zip(ours).enumerate() {
        assert!((f64::from(*theirs) - ours).abs() < 3e-4, "{what}: parameter {i} is {theirs}, and {ours}");
    }
}

fn run<A: Agent<Observation = [f32], Action = [f32]>>(
    agent: &mut A,
    parts: impl Fn(&A) -> Parts,
    mut program: Program,
    (seed, what): (u64, &str),
) {
    let copies = program.config.num_envs as usize;
    let (first, _) = parts(agent);
    let count = if matches!(program.kind, Kind::Ddpg) { 1 } else { 2 };
    let is_stochastic = program.kind.is_stochastic();
    let first: Vec<Vec<f64>> = first.iter().map(|p| wide(p)).collect();
    program.policy = first[0].clone();
    program.policy_target = first[0].clone();
    let behind = if is_stochastic { 1 } else { 2 };
    program.critics = first[behind..behind + count].to_vec();
    match program.kind {
        Kind::CrossQ { .. } => program.statistics = first[behind + count..].to_vec(),
        _ => program.targets = program.critics.clone(),
    }
    let mut world = Noise::new(FEATURES, copies, seed + 5);
    let mut updates = 0;
    while program.steps < TOTAL {
        let mut drawn = vec![0.0; copies * WIDTH];
        agent.act(&world.flat(), &mut drawn);
        let units = program.act(&world.observations);
        let what = format!("{what}, seed {seed}, step {}", program.steps);
        for (i, (theirs, unit)) in drawn.iter().zip(&units).enumerate() {
            let (low, high) = (f64::from(LOW[i % WIDTH]), f64::from(HIGH[i % WIDTH]));
            let ours = low + (high - low) * (unit + 1.0) / 2.0;
            assert!((f64::from(*theirs) - ours).abs() < 1e-3, "{what}: action {theirs}, and {ours}");
        }
        let step = world.step(&vec![0; copies]);
        let Steps { observations, rewards, next_observations, terminated, truncated, .. } = step.steps();
        let steps =
            Steps { observations, actions: &drawn, rewards, next_observations, terminated, truncated };
        let due = agent.observe(&steps).unwrap();
        assert_eq!(due, program.observe(&step, &units), "{what}");
        for _ in 0..due {
            agent.update().unwrap();
            program.update();
            let (theirs, alpha) = parts(agent);
            let mut ours = vec![&program.policy];
            if !is_stochastic {
                ours.push(&program.policy_target);
            }
            ours.extend(program.critics.iter().chain(&program.targets).chain(&program.statistics));
            assert_eq!(theirs.len(), ours.len());
            for (i, (theirs, ours)) in theirs.iter().zip(ours).enumerate() {
                assert_is(theirs, ours, &format!("{what}, network {i}"));
            }
            if let Kind::Sac { alpha: None, .. } | Kind::CrossQ { .. } = program.kind {
                assert!((alpha - program.log_alpha.exp()).abs() < 1e-3, "{what}: temperature {alpha}");
            }
        }
        updates += due;
    }
    assert!(updates > 20, "{what}: {updates} updates");
}

/// Settings that a case changes, and the largest norm of a gradient.
fn check(
    kind: Kind,
    seed: u64,
    change: impl Fn(&mut OffPolicyConfig, &mut NoiseConfig, &mut f64),
    what: &str,
) {
    let mut config = OffPolicyConfig {
        learning_rate: 0.05.into(),
        buffer_size: 1000,
        learning_starts: 30,
        batch_size: 8,
        gamma: 0.9,
        tau: 0.1,
        train_freq: 4,
        gradient_steps: 1,
        net_arch: format!("mlp:{UNITS}:tanh").parse().unwrap(),
        ..OffPolicyConfig::default()
    };
    let (mut noise, mut norm) = (NoiseConfig { noise_std: 0.3, ..NoiseConfig::default() }, 1e9);
    if let Kind::CrossQ { warm_up, .. } = kind {
        config.net_arch = format!("mlp:{UNITS}:tanh:batchrenorm={warm_up}").parse().unwrap();
    }
    change(&mut config, &mut noise, &mut norm);
    let optimizer = OffPolicyOptimizer(OptimizerConfig { max_grad_norm: norm, ..plain_sgd() });
    let streams = Streams::new(seed);
    let action_space = Space::Box { low: LOW.to_vec(), high: HIGH.to_vec() };
    let task = TaskSpec { action_space, ..TaskSpec::new(FEATURES, WIDTH, TOTAL, streams) };
    let [exploration, sampling, drawing] =
        ["exploration", "replay", "policy"].map(|name| streams.stream(name));
    let program = Program {
        kind,
        config: config.clone(),
        noise: noise.clone(),
        norm,
        policy: Vec::new(),
        policy_target: Vec::new(),
        critics: Vec::new(),
        targets: Vec::new(),
        statistics: Vec::new(),
        log_alpha: 0.5_f64.ln(),
        rows: Vec::new(),
        process: vec![0.0; config.num_envs as usize * WIDTH],
        exploration,
        sampling,
        drawing,
        steps: 0,
        updates: 0,
        calls: 0,
        episodes: 0,
        before: 0,
    };
    let list = |networks: &[&potstill::nn::Network]| -> Vec<Vec<f32>> {
        networks.iter().map(|network| network.parameters().to_vec()).collect()
    };
    match kind {
        Kind::Ddpg => {
            let mut agent = Ddpg::new(&(DdpgConfig(config), (noise, optimizer)), &task).unwrap();
            let parts = |agent: &Ddpg| {
                let (learner, [policy, critic]) = (agent.learner(), agent.learner().targets());
                (list(&[learner.policy_network(), policy, learner.critic(), critic]), 0.0)
            };
            run(&mut agent, parts, program, (seed, what));
        }
        Kind::Td3 { delay, noise: target_noise, clip } => {
            let own = Td3Config { policy_delay: delay, target_noise, target_noise_clip: clip };
            let mut agent = Td3::new(&(own, (DdpgConfig(config), (noise, optimizer))), &task).unwrap();
            let parts = |agent: &Td3| {
                let (learner, [policy, first, second]) = (agent.learner(), agent.learner().targets());
                let [a, b] = learner.critics();
                (list(&[learner.policy_network(), policy, a, b, first, second]), 0.0)
            };
            run(&mut agent, parts, program, (seed, what));
        }
        Kind::Sac { alpha, target_entropy } => {
            let own = SacConfig {
                ent_coef: alpha.map_or(Auto::Auto, Auto::Number),
                ent_coef_init: 0.5,
                target_entropy: match target_entropy {
                    -2.0 => Auto::Auto,
                    other => Auto::Number(other),
                },
            };
            let mut agent = Sac::new(&(own, (config, optimizer)), &task).unwrap();
            let parts = |agent: &Sac| {
                let learner = agent.learner();
                let ([a, b], [first, second]) = (learner.critics(), learner.targets());
                (list(&[learner.policy_network(), a, b, first, second]), learner.temperature())
            };
            run(&mut agent, parts, program, (seed, what));
        }
        Kind::CrossQ { delay, .. } => {
            let of_sac = SacConfig { ent_coef_init: 0.5, ..SacConfig::default() };
            let OffPolicyOptimizer(optimizer) = optimizer;
            let shared = (CrossQShared(config), CrossQOptimizer(optimizer));
            let settings = (CrossQConfig { policy_delay: delay }, (of_sac, shared));
            let mut agent = CrossQ::new(&settings, &task).unwrap();
            let parts = |agent: &CrossQ| {
                let learner = agent.learner();
                let [a, b] = learner.critics();
                let networks = [learner.policy_network(), a, b];
                let statistics = networks.iter().map(|network| network.statistics().to_vec());
                ([list(&networks), statistics.collect()].concat(), learner.temperature())
            };
            run(&mut agent, parts, program, (seed, what));
        }
    }
}

fn check_all(kind: Kind) {
    for seed in 0..3 {
        check(kind, seed, |_, _, _| {}, "plain");
        let copies = |config: &mut OffPolicyConfig, noise: &mut NoiseConfig, _: &mut f64| {
            (config.num_envs, config.train_freq, config.gradient_steps) = (3, 2, 0);
            (config.critic_learning_rate, noise.noise_type) =
                (Some("linear:0.1:0:run".parse().unwrap()), NoiseKind::Ou);
            (noise.noise_std, noise.ou_dt) = (0.4, 0.5);
        };
        check(kind, seed, copies, "copies");
        let episodes = |config: &mut OffPolicyConfig, noise: &mut NoiseConfig, norm: &mut f64| {
            (config.num_envs, config.train_freq_unit, config.train_freq) = (2, TrainUnit::Episode, 3);
            (config.gradient_steps, noise.noise_type, *norm) = (3, NoiseKind::None, 0.2);
        };
        check(kind, seed, episodes, "episodes");
    }
}

#[test]
fn ddpg_over_terminations_truncations_and_both() {
    check_all(Kind::Ddpg);
}

#[test]
fn td3_over_terminations_truncations_and_both() {
    check_all(Kind::Td3 { delay: 2, noise: 0.2, clip: 0.5 });
    check_all(Kind::Td3 { delay: 3, noise: 1.0, clip: 0.3 });
}

#[test]
fn sac_over_terminations_truncations_and_both() {
    check_all(Kind::Sac { alpha: None, target_entropy: -2.0 });
    check_all(Kind::Sac { alpha: Some(0.2), target_entropy: 0.0 });
    check_all(Kind::Sac { alpha: None, target_entropy: 0.5 });
}

#[test]
fn crossq_over_terminations_truncations_and_both() {
    check_all(Kind::CrossQ { delay: 3, warm_up: 8 });
    check_all(Kind::CrossQ { delay: 1, warm_up: 0 });
    check_all(Kind::CrossQ { delay: 2, warm_up: 1000 });
}
