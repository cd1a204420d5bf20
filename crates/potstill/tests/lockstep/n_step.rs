//! The boxes of n-step SARSA, off-policy n-step SARSA and n-step tree backup (Sutton and Barto 2018, sections 7.2, 7.3
//! and 7.5) in lock step, with the arrays of whole episodes.

use crate::table::{ACTIONS, STATES, Table, World, act, assert_same, epsilon_greedy, observe};
use potstill::core::Streams;
use potstill::tabular::{NStep, NStepConfig, NStepKind, TabularConfig};

const GAMMA: f64 = 0.9;
const ALPHA: f64 = 0.3;

/// One episode: `S_t`, `A_t`, `R_t` and `b(A_t | S_t)`, and its end `T` once that is known.
struct Episode {
    s: Vec<usize>,
    a: Vec<usize>,
    r: Vec<f64>,
    b: Vec<f64>,
    end: usize,
}

/// The update of time `tau` in a box, made at time `t`.
fn update(
    kind: NStepKind,
    n: usize,
    q: &mut Table,
    Episode { s, a, r, b, end }: &Episode,
    tau: usize,
    t: usize,
) {
    let target_policy = |q: &Table, k: usize| epsilon_greedy(&q[s[k]], 0.0);
    let until = tau.saturating_add(n).min(*end);
    let mut rho = 1.0;
    let g = if kind == NStepKind::TreeBackup {
        let mut g = if t + 1 >= *end {
            r[*end]
        } else {
            let pi = target_policy(q, t + 1);
            r[t + 1] + GAMMA * (0..ACTIONS).map(|k| pi[k] * q[s[t + 1]][k]).sum::<f64>()
        };
        for k in (tau + 1..=t.min(end.saturating_sub(1))).rev() {
            let pi = target_policy(q, k);
            let others = (0..ACTIONS).filter(|&other| other != a[k]).map(|other| pi[other] * q[s[k]][other]);
            g = r[k] + GAMMA * others.sum::<f64>() + GAMMA * pi[a[k]] * g;
        }
        g
    } else {
        let mut g: f64 = (tau + 1..=until).map(|i| GAMMA.powi((i - tau - 1) as i32) * r[i]).sum();
        if tau + n < *end {
            g += GAMMA.powi(n as i32) * q[s[tau + n]][a[tau + n]];
        }
        if kind == NStepKind::OffPolicySarsa {
            for i in tau + 1..=(tau + n).min(end.saturating_sub(1)) {
                rho *= target_policy(q, i)[a[i]] / b[i];
            }
        }
        g
    };
    let value = &mut q[s[tau]][a[tau]];
    *value += ALPHA * rho * (g - *value);
}

fn check(kind: NStepKind, n: usize, epsilon: f64, seed: u64) {
    let what = format!("{kind:?}, n = {n}, epsilon = {epsilon}, seed {seed}");
    let config = TabularConfig {
        alpha: ALPHA.into(),
        gamma: GAMMA,
        epsilon: epsilon.into(),
        ..TabularConfig::default()
    };
    let look = NStepConfig { n: n as u64 };
    let mut agent = NStep::new(kind, (config, look), STATES, ACTIONS, Streams::new(seed));
    let mut world = World::new(2, 100 + seed);
    let mut q: Table = [[0.0; ACTIONS]; STATES];
    for _ in 0..40 {
        let mut state = world.start();
        let mut action = act(&mut agent, state);
        let first = epsilon_greedy(&q[state], epsilon)[action];
        let mut episode =
            Episode { s: vec![state], a: vec![action], r: vec![0.0], b: vec![first], end: usize::MAX };
        for t in 0.. {
            let outcome @ (next, reward, is_over) = world.step(state, action);
            let before = q;
            observe(&mut agent, state, action, outcome);
            episode.r.push(reward);
            episode.s.push(next);
            if is_over {
                episode.end = t + 1;
            } else {
                action = act(&mut agent, next);
                episode.a.push(action);
                episode.b.push(epsilon_greedy(&before[next], epsilon)[action]);
            }
            if t + 1 >= n {
                update(kind, n, &mut q, &episode, t + 1 - n, t);
            }
            if is_over {
                // The loop of the box goes on until tau = T - 1.
                ((t + 2).saturating_sub(n)..t + 1)
                    .for_each(|tau| update(kind, n, &mut q, &episode, tau, tau + n - 1));
            }
            assert_same(agent.q().values(), &q, &what);
            if is_over {
                break;
            }
            state = next;
        }
    }
}

#[test]
fn n_step_boxes() {
    for kind in [NStepKind::Sarsa, NStepKind::OffPolicySarsa, NStepKind::TreeBackup] {
        for n in [1, 2, 3, 5, 8] {
            for epsilon in [0.1, 0.5, 1.0] {
                (0..3).for_each(|seed| check(kind, n, epsilon, seed));
            }
        }
    }
}
