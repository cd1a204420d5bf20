//! SARSA(lambda) with accumulating and replacing traces, true online SARSA(lambda) with dutch ones (Sutton and Barto 2018,
//! boxes of sections 12.7 and 12.8, with a table) and Watkins's Q(lambda) (section 12.10) in lock step.

use crate::table::{ACTIONS, STATES, Table, World, act, assert_same, largest, observe};
use potstill::core::Streams;
use potstill::tabular::{Lambda, LambdaConfig, LambdaKind, TabularConfig};

const GAMMA: f64 = 0.9;
const ALPHA: f64 = 0.2;
const INITIAL: f64 = 0.5;

fn check(kind: LambdaKind, lambda: f64, epsilon: f64, seed: u64) {
    let what = format!("{kind:?}, lambda = {lambda}, epsilon = {epsilon}, seed {seed}");
    let config = TabularConfig {
        alpha: ALPHA.into(),
        gamma: GAMMA,
        epsilon: epsilon.into(),
        initial_value: INITIAL,
        ..TabularConfig::default()
    };
    let mut agent = Lambda::new(kind, (config, LambdaConfig { lambda }), STATES, ACTIONS, Streams::new(seed));
    let mut world = World::new(2, 200 + seed);
    let mut q: Table = [[INITIAL; ACTIONS]; STATES];
    for _ in 0..40 {
        let mut z: Table = [[0.0; ACTIONS]; STATES];
        let mut q_old = 0.0;
        let mut s = world.start();
        let mut a = act(&mut agent, s);
        loop {
            let outcome @ (next, reward, is_over) = world.step(s, a);
            observe(&mut agent, s, a, outcome);
            let next_action = if is_over { 0 } else { act(&mut agent, next) };
            let next_value = if is_over { 0.0 } else { q[next][next_action] };
            let target = match kind {
                LambdaKind::Watkins if !is_over => largest(&q[next]),
                _ => next_value,
            };
            let explores = !is_over && q[next][next_action] < largest(&q[next]);
            let (value, trace) = (q[s][a], z[s][a]);
            let delta = reward + GAMMA * target - value;
            z.iter_mut().flatten().for_each(|z| *z *= GAMMA * lambda);
            match kind {
                LambdaKind::Accumulating => z[s][a] += 1.0,
                LambdaKind::Dutch => z[s][a] += 1.0 - ALPHA * GAMMA * lambda * trace,
                LambdaKind::Replacing | LambdaKind::Watkins => z[s][a] = 1.0,
            }
            let correction = if kind == LambdaKind::Dutch { value - q_old } else { 0.0 };
            let pairs = q.iter_mut().flatten().zip(z.iter().flatten());
            pairs.for_each(|(q, z)| *q += ALPHA * (delta + correction) * z);
            q[s][a] -= ALPHA * correction;
            q_old = next_value;
            if kind == LambdaKind::Watkins && explores {
                z = [[0.0; ACTIONS]; STATES];
            }
            assert_same(agent.q().values(), &q, &what);
            if is_over {
                break;
            }
            (s, a) = (next, next_action);
        }
    }
}

#[test]
fn eligibility_traces() {
    for kind in [LambdaKind::Accumulating, LambdaKind::Replacing, LambdaKind::Dutch, LambdaKind::Watkins] {
        for lambda in [0.0, 0.5, 0.9, 1.0] {
            for epsilon in [0.1, 0.6] {
                (0..3).for_each(|seed| check(kind, lambda, epsilon, seed));
            }
        }
    }
}
