//! Exploration by noise of states (Raffin et al. 2022) in lock step: A2C whose policy has one hidden layer, against
//! differences of the loss in double precision.

use crate::experience::Noise;
use crate::network::{doubles, plain_sgd};
use potstill::actor_critic::{A2c, A2cConfig};
use potstill::agent::Agent;
use potstill::core::Streams;
use potstill::deep::TaskSpec;
use potstill::env::Space;
use potstill::experience::Steps;
use std::f64::consts::PI;

const FEATURES: usize = 3;
const HIDDEN: usize = 4;
const WIDTH: usize = 2;
const COPIES: usize = 5;
const RATE: f64 = 0.3;
const ENTROPY: f64 = 0.07;
const LAYERS: usize = (FEATURES + 1) * HIDDEN + (HIDDEN + 1) * WIDTH;

/// Hidden units and outputs of `mlp:4:tanh`; parameters lie layer by layer, a row for each input, then the biases.
fn forward(p: &[f64], x: &[f32], outputs: usize) -> (Vec<f64>, Vec<f64>) {
    let layer = |p: &[f64], x: &[f64], width: usize| -> Vec<f64> {
        let sum = |o: usize| x.iter().enumerate().map(|(i, x)| x * p[i * width + o]).sum::<f64>();
        (0..width).map(|o| sum(o) + p[x.len() * width + o]).collect()
    };
    let x: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
    let (first, second) = p.split_at((FEATURES + 1) * HIDDEN);
    let hidden: Vec<f64> = layer(first, &x, HIDDEN).into_iter().map(f64::tanh).collect();
    let outputs = layer(second, &hidden, outputs);
    (hidden, outputs)
}

/// A transition that ends an episode.
struct Sample {
    x: Vec<f32>,
    action: Vec<f64>,
    advantage: f64,
    /// The features before the update, through which deviations do not learn.
    features: Vec<f64>,
}

/// `-mean(A ln N(a; mean, s^2) + c H)` with `s_c^2 = sum_j phi_j^2 exp(2 log_std_jc) + 1e-6`.
fn loss(p: &[f64], samples: &[Sample]) -> f64 {
    let (layers, log_std) = p.split_at(LAYERS);
    let of = |sample: &Sample| {
        let (_, mean) = forward(layers, &sample.x, WIDTH);
        let component = |c: usize| {
            let share = |(j, phi): (usize, &f64)| phi * phi * (2.0 * log_std[j * WIDTH + c]).exp();
            let variance = sample.features.iter().enumerate().map(share).sum::<f64>() + 1e-6;
            let log =
                -0.5 * (sample.action[c] - mean[c]).powi(2) / variance - 0.5 * (2.0 * PI * variance).ln();
            let entropy = 0.5 * (2.0 * PI * variance).ln() + 0.5;
            sample.advantage * log + ENTROPY * entropy
        };
        (0..WIDTH).map(component).sum::<f64>()
    };
    -samples.iter().map(of).sum::<f64>() / samples.len() as f64
}

#[test]
fn deviations_learn_and_their_features_do_not() {
    let config = A2cConfig {
        learning_rate: RATE.into(),
        num_envs: COPIES as u64,
        n_steps: 1,
        ent_coef: ENTROPY,
        log_std_init: -0.5,
        use_sde: true,
        net_arch: "mlp:4:tanh".parse().unwrap(),
        ..A2cConfig::default()
    };
    let streams = Streams::new(3);
    let action_space = Space::uniform(WIDTH, -1000.0, 1000.0);
    let task = TaskSpec { action_space, ..TaskSpec::new(FEATURES, WIDTH, 1000, streams) };
    let mut agent = A2c::<[f32]>::new((config, plain_sgd()), &task);
    let mut world = Noise::new(FEATURES, COPIES, 8);
    for update in 0..20 {
        let (policy, critic) = (doubles(agent.policy().parameters()), doubles(agent.critic().parameters()));
        let mut actions = vec![0.0; COPIES * WIDTH];
        agent.act(&world.flat(), &mut actions);
        let step = world.step(&[0; COPIES]);
        let Steps { observations, rewards, next_observations, .. } = step.steps();
        let (terminated, truncated) = (&[true; COPIES][..], &[false; COPIES][..]);
        let steps =
            Steps { observations, actions: &actions, rewards, next_observations, terminated, truncated };
        assert_eq!(agent.observe(&steps).unwrap(), 1);
        let sample = |copy: usize| {
            let x = observations[copy * FEATURES..][..FEATURES].to_vec();
            let advantage = rewards[copy] - forward(&critic, &x, 1).1[0];
            let (features, _) = forward(&policy, &x, WIDTH);
            Sample { action: doubles(&actions[copy * WIDTH..][..WIDTH]), x, advantage, features }
        };
        let samples: Vec<Sample> = (0..COPIES).map(sample).collect();
        agent.update().unwrap();
        for (i, after) in agent.policy().parameters().iter().enumerate() {
            let at = |by: f64| {
                let mut moved = policy.clone();
                moved[i] += by;
                loss(&moved, &samples)
            };
            let expected = policy[i] - RATE * (at(1e-5) - at(-1e-5)) / 2e-5;
            let difference = (f64::from(*after) - expected).abs();
            assert!(difference < 1e-4 * expected.abs().max(1.0), "update {update}, {i}: {after} {expected}");
        }
    }
}

/// The noise of a state is the same for a rollout, and another in the next one or after `sde_sample_freq` steps.
#[test]
fn the_same_state_has_the_same_noise_until_it_is_drawn_anew() {
    let actions = |sample_freq: Option<u64>| -> Vec<Vec<f32>> {
        let config = A2cConfig {
            learning_rate: 0.0.into(),
            n_steps: 4,
            use_sde: true,
            sde_sample_freq: sample_freq,
            net_arch: "mlp:4:tanh".parse().unwrap(),
            ..A2cConfig::default()
        };
        let action_space = Space::uniform(WIDTH, -1000.0, 1000.0);
        let task = TaskSpec { action_space, ..TaskSpec::new(FEATURES, WIDTH, 1000, Streams::new(3)) };
        let mut agent = A2c::<[f32]>::new((config, plain_sgd()), &task);
        let x = [0.4, -0.3, 0.9];
        let step = |_| {
            let mut actions = vec![0.0; WIDTH];
            agent.act(&x, &mut actions);
            let (terminated, truncated) = (&[false][..], &[false][..]);
            let steps = Steps {
                observations: &x,
                actions: &actions,
                rewards: &[1.0],
                next_observations: &x,
                terminated,
                truncated,
            };
            for _ in 0..agent.observe(&steps).unwrap() {
                agent.update().unwrap();
            }
            actions
        };
        (0..8).map(step).collect()
    };
    let check = |sample_freq: Option<u64>, drawn_at: &[usize]| {
        let actions = actions(sample_freq);
        for t in 1..8 {
            assert_eq!(
                actions[t] != actions[t - 1],
                drawn_at.contains(&t),
                "{sample_freq:?}, {t}: {actions:?}"
            );
        }
    };
    check(None, &[4]);
    check(Some(4), &[4]);
    check(Some(3), &[3, 4, 7]);
    check(Some(1), &[1, 2, 3, 4, 5, 6, 7]);
}
