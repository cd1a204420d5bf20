//! PPO (Schulman et al. 2017, Algorithm 1) in lock step, with advantages of the forward view: sums of TD errors up to an end.

use crate::experience::{Noise, Step};
use crate::network::{Form, Net, doubles, plain_sgd, softmax};
use potstill::actor_critic::{PolicyActions, Ppo, PpoConfig};
use potstill::agent::Agent;
use potstill::core::Streams;
use potstill::deep::TaskSpec;
use potstill::env::Space;
use potstill::experience::Steps;
use potstill::optimizer::OptimizerConfig;
use std::f64::consts::PI;

const FEATURES: usize = 3;
const WIDTH: usize = 3;
/// Units of a shared trunk.
const UNITS: usize = 4;
const COPIES: usize = 4;
const STEPS: usize = 6;
const COUNT: usize = COPIES * STEPS;
/// The last minibatch of an epoch has 6.
const BATCH: usize = 9;
const EPOCHS: usize = 2;
const UPDATES: usize = 8;
const GAMMA: f64 = 0.9;
const RATE: f64 = 0.5;
const CLIP: (f64, f64) = (0.3, 0.1);
const CLIP_VALUES: f64 = 0.2;
const ENTROPY: f64 = 0.05;
const CRITIC: f64 = 0.7;
const NORM: f64 = 0.4;

/// A stochastic policy in double precision.
trait Naive: PolicyActions {
    fn space() -> Space;

    /// The logarithm of the probability, and its gradient with respect to outputs and deviations.
    fn naive_log_prob(outputs: &[f64], log_std: &[f64], action: &[f64]) -> (f64, Vec<f64>, Vec<f64>);

    /// The gradient of the entropy, the same.
    fn naive_entropy_gradient(outputs: &[f64], log_std: &[f64]) -> (Vec<f64>, Vec<f64>);
}

impl Naive for usize {
    fn space() -> Space {
        Space::Discrete { n: WIDTH }
    }

    fn naive_log_prob(outputs: &[f64], _: &[f64], action: &[f64]) -> (f64, Vec<f64>, Vec<f64>) {
        let p = softmax(outputs);
        let action = action[0] as usize;
        let d = (0..WIDTH).map(|i| f64::from(u8::from(i == action)) - p[i]).collect();
        (p[action].ln(), d, Vec::new())
    }

    fn naive_entropy_gradient(outputs: &[f64], _: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let p = softmax(outputs);
        let entropy = -p.iter().map(|p| p * p.ln()).sum::<f64>();
        (p.iter().map(|p| -p * (p.ln() + entropy)).collect(), Vec::new())
    }
}

impl Naive for [f32] {
    fn space() -> Space {
        Space::uniform(WIDTH, -1000.0, 1000.0)
    }

    fn naive_log_prob(outputs: &[f64], log_std: &[f64], action: &[f64]) -> (f64, Vec<f64>, Vec<f64>) {
        let z: Vec<f64> = (0..WIDTH).map(|i| (action[i] - outputs[i]) / log_std[i].exp()).collect();
        let log = (0..WIDTH).map(|i| -0.5 * z[i] * z[i] - log_std[i] - 0.5 * (2.0 * PI).ln()).sum();
        let of_mean = (0..WIDTH).map(|i| z[i] / log_std[i].exp()).collect();
        (log, of_mean, z.iter().map(|z| z * z - 1.0).collect())
    }

    fn naive_entropy_gradient(_: &[f64], _: &[f64]) -> (Vec<f64>, Vec<f64>) {
        (vec![0.0; WIDTH], vec![1.0; WIDTH])
    }
}

/// A policy and a critic of one layer each, and the deviations of a normal policy. Both may be on the hyperbolic
/// tangents of one hidden layer.
struct Program {
    trunk: Option<Net>,
    policy: Net,
    log_std: Vec<f64>,
    critic: Net,
}

/// A transition, with its quantities before the update.
struct Sample {
    x: Vec<f32>,
    action: Vec<f64>,
    log_prob: f64,
    value: f64,
    advantage: f64,
    gain: f64,
}

impl Program {
    fn of<A: Naive + ?Sized>(agent: &Ppo<A>, is_shared: bool) -> Self {
        let inputs = if is_shared { UNITS } else { FEATURES };
        let [of_trunk, of_policy, of_critic, free] = Self::parameters(agent, is_shared);
        Self {
            trunk: is_shared.then(|| Net::new(Form::Linear, false, (FEATURES, UNITS, 1), of_trunk)),
            policy: Net::new(Form::Linear, false, (inputs, WIDTH, 1), of_policy),
            log_std: doubles(free),
            critic: Net::new(Form::Linear, false, (inputs, 1, 1), of_critic),
        }
    }

    /// The agent's parameters of the trunk, the policy and the critic, and the free ones. In one network they lie in this
    /// order.
    fn parameters<A: Naive + ?Sized>(agent: &Ppo<A>, is_shared: bool) -> [&[f32]; 4] {
        let policy = agent.policy().parameters();
        if !is_shared {
            let (layers, free) = policy.split_at((FEATURES + 1) * WIDTH);
            return [&[], layers, agent.critic().parameters(), free];
        }
        assert_eq!(agent.critic(), agent.policy());
        let (trunk, rest) = policy.split_at((FEATURES + 1) * UNITS);
        let (policy, rest) = rest.split_at((UNITS + 1) * WIDTH);
        let (critic, free) = rest.split_at(UNITS + 1);
        [trunk, policy, critic, free]
    }

    fn assert_is<A: Naive + ?Sized>(&self, agent: &Ppo<A>, what: &str) {
        let [trunk, policy, critic, free] = Self::parameters(agent, self.trunk.is_some());
        if let Some(ours) = &self.trunk {
            ours.assert_is(trunk, &format!("{what}, trunk"));
        }
        self.policy.assert_is(policy, &format!("{what}, policy"));
        self.critic.assert_is(critic, &format!("{what}, critic"));
        for (theirs, ours) in free.iter().zip(&self.log_std) {
            assert!((f64::from(*theirs) - ours).abs() < 2e-4, "{what}: {theirs} {ours}");
        }
    }

    /// The inputs of policy and critic.
    fn features(&self, x: &[f32]) -> Vec<f64> {
        match &self.trunk {
            None => doubles(x),
            Some(trunk) => trunk.forward(x).into_iter().map(f64::tanh).collect(),
        }
    }

    fn outputs(&self, x: &[f32]) -> Vec<f64> {
        self.policy.outputs(&self.features(x), 0.0)
    }

    fn value(&self, x: &[f32]) -> f64 {
        self.critic.outputs(&self.features(x), 0.0)[0]
    }

    /// The advantage of a copy's step `t`: TD errors, each weighed by a power of gamma lambda, up to an end.
    fn advantage(&self, rollout: &[Step], copy: usize, t: usize, lambda: f64) -> f64 {
        let (mut sum, mut weight) = (0.0, 1.0);
        for step in &rollout[t..] {
            let at = copy * FEATURES..(copy + 1) * FEATURES;
            let next =
                if step.terminated[copy] { 0.0 } else { self.value(&step.next_observations[at.clone()]) };
            sum += weight * (step.rewards[copy] + GAMMA * next - self.value(&step.observations[at]));
            weight *= GAMMA * lambda;
            if step.terminated[copy] || step.truncated[copy] {
                break;
            }
        }
        sum
    }

    /// One step along the gradient of a minibatch.
    fn step<A: Naive + ?Sized>(&mut self, samples: &[&Sample], rate: f64, clip: f64) {
        let n = samples.len() as f64;
        let mean = samples.iter().map(|sample| sample.advantage).sum::<f64>() / n;
        let squares = samples.iter().map(|sample| (sample.advantage - mean).powi(2)).sum::<f64>();
        let deviation = (squares / (n - 1.0)).sqrt() + 1e-8;
        let mut of_policy = vec![0.0; self.policy.p.len()];
        let mut of_log_std = vec![0.0; self.log_std.len()];
        let mut of_critic = vec![0.0; self.critic.p.len()];
        let mut of_trunk = vec![0.0; self.trunk.as_ref().map_or(0, |trunk| trunk.p.len())];
        for sample in samples {
            let (features, outputs) = (self.features(&sample.x), self.outputs(&sample.x));
            let (log_prob, d_outputs, d_log_std) = A::naive_log_prob(&outputs, &self.log_std, &sample.action);
            let advantage = (sample.advantage - mean) / deviation;
            let ratio = (log_prob - sample.log_prob).exp();
            let is_clipped =
                (advantage > 0.0 && ratio > 1.0 + clip) || (advantage < 0.0 && ratio < 1.0 - clip);
            let weight = if is_clipped { 0.0 } else { -ratio * advantage / n };
            let (e_outputs, e_log_std) = A::naive_entropy_gradient(&outputs, &self.log_std);
            let both = |d: &[f64], e: &[f64]| -> Vec<f64> {
                d.iter().zip(e).map(|(d, e)| weight * d - ENTROPY / n * e).collect()
            };
            let d = both(&d_outputs, &e_outputs);
            let mut d_features = self.policy.add_gradients(&features, 0.0, &d, &mut of_policy);
            of_log_std.iter_mut().zip(both(&d_log_std, &e_log_std)).for_each(|(sum, d)| *sum += d);
            let value = self.value(&sample.x);
            let near = sample.value + (value - sample.value).clamp(-CLIP_VALUES, CLIP_VALUES);
            let is_free = (value - sample.value).abs() <= CLIP_VALUES
                || (value - sample.gain).powi(2) >= (near - sample.gain).powi(2);
            let d = if is_free { CRITIC * 2.0 * (value - sample.gain) / n } else { 0.0 };
            let of_value = self.critic.add_gradients(&features, 0.0, &[d], &mut of_critic);
            if let Some(trunk) = &self.trunk {
                for ((d, of_value), y) in d_features.iter_mut().zip(of_value).zip(&features) {
                    *d = (*d + of_value) * (1.0 - y * y);
                }
                trunk.add_gradient(&sample.x, &d_features, &mut of_trunk);
            }
        }
        let all = of_policy.iter().chain(&of_log_std).chain(&of_critic).chain(&of_trunk);
        let norm = all.map(|g| g * g).sum::<f64>().sqrt();
        let rate = rate * (NORM / (norm + 1e-6)).min(1.0);
        self.policy.descend(rate, &of_policy);
        self.critic.descend(rate, &of_critic);
        if let Some(trunk) = &mut self.trunk {
            trunk.descend(rate, &of_trunk);
        }
        self.log_std.iter_mut().zip(&of_log_std).for_each(|(s, g)| *s -= rate * g);
    }
}

fn check<A: Naive + ?Sized>(lambda: f64, seed: u64, is_shared: bool) {
    let total = (COUNT * UPDATES) as u64;
    let config = PpoConfig {
        learning_rate: format!("linear:{RATE}:0:run").parse().unwrap(),
        num_envs: COPIES as u64,
        n_steps: STEPS as u64,
        batch_size: BATCH as u64,
        n_epochs: EPOCHS as u64,
        gamma: GAMMA,
        gae_lambda: lambda,
        clip_range: format!("linear:{}:{}:run", CLIP.0, CLIP.1).parse().unwrap(),
        clip_range_vf: Some(CLIP_VALUES),
        ent_coef: ENTROPY,
        vf_coef: CRITIC,
        log_std_init: -0.5,
        net_arch: if is_shared { format!("mlp:{UNITS}:tanh") } else { "mlp".to_owned() }.parse().unwrap(),
        shared_trunk: is_shared,
        ..PpoConfig::default()
    };
    let optimizer = OptimizerConfig { max_grad_norm: NORM, ..plain_sgd() };
    let streams = Streams::new(seed);
    let task = TaskSpec { action_space: A::space(), ..TaskSpec::new(FEATURES, WIDTH, total, streams) };
    let mut agent = Ppo::<A>::new((config, optimizer), &task);
    let mut shuffle = streams.stream("shuffle");
    let mut world = Noise::new(FEATURES, COPIES, seed + 5);
    let width = A::space().features();
    for update in 0..UPDATES {
        // From the agent's parameters: rounding may not decide later on which side of a clip range a ratio is.
        let mut program = Program::of(&agent, is_shared);
        let (mut rollout, mut drawn) = (Vec::new(), Vec::new());
        for t in 1..=STEPS {
            let mut actions = vec![A::Element::default(); COPIES * width];
            agent.act(&world.flat(), &mut actions);
            let step = world.step(&[0; COPIES]);
            let Steps { observations, rewards, next_observations, terminated, truncated, .. } = step.steps();
            let steps =
                Steps { observations, actions: &actions, rewards, next_observations, terminated, truncated };
            let due = agent.observe(&steps).unwrap();
            assert_eq!(due, if t == STEPS { 6 } else { 0 });
            rollout.push(step);
            drawn.push(actions);
        }
        let sample = |i: usize| {
            let (t, copy) = (i / COPIES, i % COPIES);
            let x = rollout[t].observations[copy * FEATURES..][..FEATURES].to_vec();
            let action = A::from_slice(&drawn[t][copy * width..][..width]).numbers();
            let (log_prob, ..) = A::naive_log_prob(&program.outputs(&x), &program.log_std, &action);
            let (value, advantage) = (program.value(&x), program.advantage(&rollout, copy, t, lambda));
            Sample { x, action, log_prob, value, advantage, gain: advantage + value }
        };
        let samples: Vec<Sample> = (0..COUNT).map(sample).collect();
        // The k-th of K updates, k from 0.
        let done = update as f64 / UPDATES as f64;
        let (rate, clip) = (RATE * (1.0 - done), CLIP.0 + (CLIP.1 - CLIP.0) * done);
        let mut order: Vec<usize> = (0..COUNT).collect();
        for epoch in 0..EPOCHS {
            shuffle.shuffle(&mut order);
            for (part, minibatch) in order.chunks(BATCH).enumerate() {
                let before = agent.policy().parameters().to_vec();
                agent.update().unwrap();
                let what =
                    format!("lambda {lambda}, seed {seed}, update {update}, epoch {epoch}, part {part}");
                assert!(agent.policy().parameters() != before, "{what} moved nothing");
                let minibatch: Vec<&Sample> = minibatch.iter().map(|&i| &samples[i]).collect();
                program.step::<A>(&minibatch, rate, clip);
                program.assert_is(&agent, &what);
            }
        }
    }
}

#[test]
fn ppo_with_truncation_clipping_and_a_last_minibatch_that_is_smaller() {
    for lambda in [0.0, 0.9, 1.0] {
        for seed in 0..4 {
            check::<usize>(lambda, seed, false);
            check::<[f32]>(lambda, seed, false);
        }
    }
}

/// The hidden layer learns from the sum of both losses, the critic's times `vf_coef`, by one norm of the whole gradient.
#[test]
fn ppo_whose_policy_and_critic_are_heads_of_one_network() {
    for lambda in [0.0, 0.9] {
        for seed in 0..4 {
            check::<usize>(lambda, seed, true);
            check::<[f32]>(lambda, seed, true);
        }
    }
}
