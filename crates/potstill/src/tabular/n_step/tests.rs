//! Tests of the n-step methods against returns by hand.

use super::*;
use crate::experience::Transition;

/// A walk through three states with two actions, rewards 1, 2, 4, and initial values `Q(s, a) = 10 s +
/// a`.
fn walk(kind: NStepKind, n: u64, epsilon: f64, last: (bool, bool)) -> Vec<f64> {
    let config =
        TabularConfig { gamma: 0.5, epsilon: epsilon.into(), alpha: 1.0.into(), ..TabularConfig::default() };
    let mut agent = NStep::new(kind, (config, NStepConfig { n }), 4, 2, Streams::new(0));
    agent.probability = agent.behaviour.probabilities(0, &[0.0, 1.0])[1];
    agent.q = QTable::from_values(
        2,
        (0..4).flat_map(|s| [10.0 * f64::from(s), 10.0 * f64::from(s) + 1.0]).collect(),
    );
    for (state, reward) in [(0_usize, 1.0), (1, 2.0), (2, 4.0)] {
        let is_last = state == 2;
        let step = Transition {
            observation: &state,
            action: &1,
            reward,
            next_observation: &(state + 1),
            terminated: is_last && last.0,
            truncated: is_last && last.1,
        };
        agent.observe(&Steps::of(&step)).unwrap();
        // The walk takes action 1, the greedy one, whatever was drawn.
        agent.next_action = (!is_last).then_some(1);
        agent.probability = agent.behaviour.probabilities(0, &[0.0, 1.0])[1];
    }
    assert!(agent.window.is_empty(), "nothing is left of an episode");
    agent.q.values().to_vec()
}

#[test]
fn returns_by_hand() {
    let check = |kind, n, last, expected: [f64; 3]| {
        // With epsilon 0 the policies are greedy, and action 1 is the greedy one everywhere.
        let values = walk(kind, n, 0.0, last);
        for (state, expected) in expected.into_iter().enumerate() {
            assert!((values[2 * state + 1] - expected).abs() < 1e-12, "{kind:?} {n} {last:?}: {values:?}");
        }
    };
    let (terminated, truncated) = ((true, false), (false, true));
    for kind in [NStepKind::Sarsa, NStepKind::OffPolicySarsa, NStepKind::TreeBackup] {
        // 1 + 0.5 * 2 + 0.25 * 21; 2 + 0.5 * 4; 4
        check(kind, 2, terminated, [7.25, 4.0, 4.0]);
        // After truncation the value of the last observation, 31: 2 + 0.5 * 4 + 0.25 * 31; 4 + 0.5 * 31
        check(kind, 2, truncated, [7.25, 11.75, 19.5]);
        // `n` beyond the episode: the whole return.
        check(kind, 9, terminated, [3.0, 4.0, 4.0]);
    }
    // One step ahead: 1 + 0.5 * 11, 2 + 0.5 * 21, 4.
    check(NStepKind::Sarsa, 1, terminated, [6.5, 12.5, 4.0]);
}

/// An episode longer than [`WINDOW_MAX`], against the definitions, which take a time in proportion to its square: equations 7.1,
/// 7.9 and 7.16, with all values as they are at its end.
#[test]
fn a_long_episode_is_learned_in_one_pass() {
    const STEPS: usize = 2 * WINDOW_MAX;
    for (kind, terminated) in [NStepKind::Sarsa, NStepKind::OffPolicySarsa, NStepKind::TreeBackup]
        .into_iter()
        .flat_map(|kind| [(kind, true), (kind, false)])
    {
        // Each step has a state of its own, so that no update changes the return of another.
        let config =
            TabularConfig { gamma: 0.99, epsilon: 0.5.into(), alpha: 1.0.into(), ..TabularConfig::default() };
        let n = NStepConfig { n: 1_000_000 };
        let mut agent = NStep::new(kind, (config, n), STEPS + 1, 2, Streams::new(0));
        let mut rng = Streams::new(1).stream("values");
        let values: Vec<f64> = (0..2 * (STEPS + 1)).map(|_| rng.uniform(-1.0, 1.0)).collect();
        agent.q = QTable::from_values(2, values.clone());
        let mut taken = Vec::new();
        for state in 0..STEPS {
            let mut action = [0];
            agent.act(&[state], &mut action);
            let is_last = state + 1 == STEPS;
            let step = Transition {
                observation: &state,
                action: &action[0],
                reward: (state % 7) as f64 - 3.0,
                next_observation: &(state + 1),
                terminated: is_last && terminated,
                truncated: is_last && !terminated,
            };
            if is_last {
                // The action that is drawn in the last state is not to be seen from outside; both have one value.
                agent.q.set(STEPS, 0, 0.25);
                agent.q.set(STEPS, 1, 0.25);
            }
            agent.observe(&Steps::of(&step)).unwrap();
            taken.push(action[0]);
        }
        let greedy = |state: usize| usize::from(values[2 * state + 1] > values[2 * state]);
        let end = if terminated { 0.0 } else { 0.25 };
        for first in [0, 1, STEPS / 2, STEPS - 2, STEPS - 1] {
            let (mut g, mut discount, mut is_followed) = (0.0, 1.0, true);
            let mut rho = 1.0;
            for state in first..STEPS {
                let is_greedy = taken[state] == greedy(state);
                if state > first && kind == NStepKind::OffPolicySarsa {
                    rho *= if is_greedy { 1.0 / 0.75 } else { 0.0 };
                }
                if state > first && kind == NStepKind::TreeBackup && !is_greedy {
                    // The greedy target policy leaves the path here.
                    g += discount * values[2 * state + greedy(state)];
                    is_followed = false;
                    break;
                }
                g += discount * ((state % 7) as f64 - 3.0);
                discount *= 0.99;
            }
            if is_followed {
                g += discount * end;
            }
            if kind == NStepKind::OffPolicySarsa && !terminated {
                // Half of the actions in the last state are greedy: their values are equal.
                rho *= 0.5 / 0.5;
            }
            let old = values[2 * first + taken[first]];
            let expected = old + rho * (g - old);
            let found = agent.q.row(first)[taken[first]];
            let what = format!("{kind:?}, terminated {terminated}, step {first}: {found} and {expected}");
            assert!((found - expected).abs() <= 1e-9 * (1.0 + expected.abs()), "{what}");
        }
        assert!(agent.window.is_empty());
    }
}

/// A pair that is visited twice before its first update still has the mean of its returns.
#[test]
fn a_step_size_of_one_by_n_makes_means() {
    let config =
        TabularConfig { alpha: "1/n".parse().unwrap(), initial_value: 50.0, ..TabularConfig::default() };
    let mut agent = NStep::new(NStepKind::Sarsa, (config, NStepConfig { n: 9 }), 2, 1, Streams::new(0));
    for (reward, terminated) in [(1.0, false), (2.0, false), (4.0, true)] {
        let (observation, next_observation) = (&0, &0);
        let step =
            Transition { observation, action: &0, reward, next_observation, terminated, truncated: false };
        agent.observe(&Steps::of(&step)).unwrap();
    }
    // 7, 6 and 4; the initial 50 has no weight left.
    assert!((agent.q.row(0)[0] - 17.0 / 3.0).abs() < 1e-12, "{:?}", agent.q);
}

#[test]
fn weights_and_trees_by_hand() {
    // Behaviour: action 1 with 0.75, target: always.
    let values = walk(NStepKind::OffPolicySarsa, 2, 0.5, (true, false));
    // rho = (1 / 0.75)^2 for the first, as A_1 and A_2 count; for the second A_2 alone; 1 for the last.
    let rho = 1.0 / 0.75;
    assert!((values[1] - (1.0 + rho * rho * (7.25 - 1.0))).abs() < 1e-12, "{values:?}");
    assert!((values[3] - (11.0 + rho * (4.0 - 11.0))).abs() < 1e-12, "{values:?}");
    assert_eq!(values[5], 4.0);
}
