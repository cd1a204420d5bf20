//! PQN (Gallici et al. 2024, Algorithm 1) in lock step, with the lambda-returns of the forward view.

use crate::experience::{Noise, Step};
use crate::network::{Form, Net, argmax, plain_sgd};
use potstill::agent::Agent;
use potstill::core::Streams;
use potstill::deep::{Pqn, PqnConfig, TaskSpec};

const FEATURES: usize = 3;
const ACTIONS: usize = 3;
const COPIES: usize = 4;
const STEPS: usize = 6;
const UPDATES: usize = 8;
const GAMMA: f64 = 0.9;
const RATE: f64 = 0.05;

/// The lambda-return of a copy's step `t`: the mixture of n-step returns within the rollout, each of which stops at an
/// end (Sutton and Barto 2018, equation 12.3).
fn lambda_return(rollout: &[Step], copy: usize, t: usize, lambda: f64, value: impl Fn(&[f32]) -> f64) -> f64 {
    let (mut total, mut weight, mut sum, mut discount) = (0.0, 1.0, 0.0, 1.0);
    for (k, step) in rollout.iter().enumerate().skip(t) {
        sum += discount * step.rewards[copy];
        discount *= GAMMA;
        let next = &step.next_observations[copy * FEATURES..][..FEATURES];
        let g = sum + if step.terminated[copy] { 0.0 } else { discount * value(next) };
        if step.terminated[copy] || step.truncated[copy] || k + 1 == rollout.len() {
            return total + weight * g;
        }
        total += weight * (1.0 - lambda) * g;
        weight *= lambda;
    }
    unreachable!("the last step returns")
}

fn check(lambda: f64, seed: u64) {
    let total = (COPIES * STEPS * UPDATES) as u64;
    let config = PqnConfig {
        learning_rate: format!("linear:{RATE}:0:run").parse().unwrap(),
        num_envs: COPIES as u64,
        num_steps: STEPS as u64,
        num_minibatches: 3,
        update_epochs: 2,
        gamma: GAMMA,
        lambda,
        net_arch: "mlp".parse().unwrap(),
        ..PqnConfig::default()
    };
    let optimizer = plain_sgd();
    let streams = Streams::new(seed);
    let mut agent = Pqn::new((config, optimizer), &TaskSpec::new(FEATURES, ACTIONS, total, streams));
    let mut net = Net::new(Form::Linear, false, (FEATURES, ACTIONS, 1), agent.network().parameters());
    let mut shuffle = streams.stream("shuffle");
    let mut world = Noise::new(FEATURES, COPIES, seed + 5);
    for update in 0..UPDATES {
        let mut rollout = Vec::new();
        for t in 1..=STEPS {
            let mut actions = vec![0; COPIES];
            agent.act(&world.flat(), &mut actions);
            let step = world.step(&actions);
            let due = agent.observe(&step.steps()).unwrap();
            // A call for each minibatch of both epochs.
            assert_eq!(due, if t == STEPS { 6 } else { 0 });
            rollout.push(step);
        }
        let before = agent.network().parameters().to_vec();
        (0..6).for_each(|_| _ = agent.update().unwrap());
        assert!(agent.network().parameters() != before, "lambda {lambda}: update {update} moved nothing");
        let value = |x: &[f32]| {
            let q = net.forward(x);
            q[argmax(&q)]
        };
        let count = STEPS * COPIES;
        let of = |i: usize| lambda_return(&rollout, i % COPIES, i / COPIES, lambda, value);
        let targets: Vec<f64> = (0..count).map(of).collect();
        // The k-th of K updates, k from 0.
        let rate = RATE * (1.0 - update as f64 / UPDATES as f64);
        let mut order: Vec<usize> = (0..count).collect();
        for _ in 0..2 {
            shuffle.shuffle(&mut order);
            for minibatch in order.chunks(count / 3) {
                let mut gradient = vec![0.0; net.p.len()];
                for &i in minibatch {
                    let (step, copy) = (&rollout[i / COPIES], i % COPIES);
                    let x = &step.observations[copy * FEATURES..][..FEATURES];
                    let mut d = vec![0.0; ACTIONS];
                    let error = net.forward(x)[step.actions[copy]] - targets[i];
                    d[step.actions[copy]] = 2.0 * error / minibatch.len() as f64;
                    net.add_gradient(x, &d, &mut gradient);
                }
                net.descend(rate, &gradient);
            }
        }
        net.assert_is(
            agent.network().parameters(),
            &format!("lambda {lambda}, seed {seed}, update {update}"),
        );
    }
}

#[test]
fn pqn_with_a_step_size_that_falls_to_nothing_after_the_last_update() {
    for lambda in [0.0, 0.65, 1.0] {
        (0..4).for_each(|seed| check(lambda, seed));
    }
}
