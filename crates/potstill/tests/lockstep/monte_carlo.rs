//! First-visit Monte Carlo control, and off-policy Monte Carlo control with weighted importance sampling (Sutton and Barto
//! 2018, boxes of sections 5.4 and 5.7) in lock step.

use crate::table::{ACTIONS, STATES, Table, World, act, assert_same, epsilon_greedy, observe};
use potstill::core::Streams;
use potstill::tabular::{MonteCarlo, MonteCarloKind, TabularConfig};

const GAMMA: f64 = 0.9;

/// A step: `S_t`, `A_t`, `R_{t+1}` and `b(A_t | S_t)`.
type Step = (usize, usize, f64, f64);

fn episode(agent: &mut MonteCarlo, world: &mut World, q: &Table, epsilon: f64) -> Vec<Step> {
    let (mut state, mut steps) = (world.start(), Vec::new());
    loop {
        let action = act(agent, state);
        let outcome @ (next, reward, is_over) = world.step(state, action);
        steps.push((state, action, reward, epsilon_greedy(&q[state], epsilon)[action]));
        observe(agent, state, action, outcome);
        if is_over {
            return steps;
        }
        state = next;
    }
}

fn agent(kind: MonteCarloKind, epsilon: f64, seed: u64) -> MonteCarlo {
    let config = TabularConfig { gamma: GAMMA, epsilon: epsilon.into(), ..TabularConfig::default() };
    MonteCarlo::new(kind, &config, STATES, ACTIONS, Streams::new(seed))
}

fn check_on_policy(epsilon: f64, seed: u64) {
    let mut agent = agent(MonteCarloKind::OnPolicy, epsilon, seed);
    let mut world = World::new(2, 300 + seed);
    let mut q: Table = [[0.0; ACTIONS]; STATES];
    let mut returns = vec![Vec::new(); STATES * ACTIONS];
    for _ in 0..150 {
        let steps = episode(&mut agent, &mut world, &q, epsilon);
        let mut g = 0.0;
        for (t, &(s, a, r, _)) in steps.iter().enumerate().rev() {
            g = GAMMA * g + r;
            if !steps[..t].iter().any(|earlier| (earlier.0, earlier.1) == (s, a)) {
                let list: &mut Vec<f64> = &mut returns[s * ACTIONS + a];
                list.push(g);
                q[s][a] = list.iter().sum::<f64>() / list.len() as f64;
            }
        }
        assert_same(agent.q().values(), &q, &format!("on-policy, epsilon = {epsilon}, seed {seed}"));
    }
}

fn check_off_policy(epsilon: f64, seed: u64) {
    let mut agent = agent(MonteCarloKind::OffPolicy, epsilon, seed);
    let mut world = World::new(2, 400 + seed);
    let (mut q, mut c): (Table, Table) = ([[0.0; ACTIONS]; STATES], [[0.0; ACTIONS]; STATES]);
    for _ in 0..150 {
        let steps = episode(&mut agent, &mut world, &q, epsilon);
        let (mut g, mut w) = (0.0, 1.0);
        for &(s, a, r, b) in steps.iter().rev() {
            g = GAMMA * g + r;
            c[s][a] += w;
            q[s][a] += w / c[s][a] * (g - q[s][a]);
            let best = (0..ACTIONS).fold(0, |best, k| if q[s][k] > q[s][best] { k } else { best });
            if a != best {
                break;
            }
            w /= b;
        }
        assert_same(agent.q().values(), &q, &format!("off-policy, epsilon = {epsilon}, seed {seed}"));
    }
}

#[test]
fn monte_carlo_boxes() {
    for epsilon in [0.2, 0.7] {
        for seed in 0..6 {
            check_on_policy(epsilon, seed);
            check_off_policy(epsilon, seed);
        }
    }
}
