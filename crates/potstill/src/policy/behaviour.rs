//! The behaviour policy of a tabular learner: its exploration rule, its values, and its visit counts.
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::policy::{Behaviour, ExplorationRule};
//!
//! // Upper confidence bounds: every action of a state once, then by value and rarity.
//! let mut behaviour = Behaviour::new(ExplorationRule::Ucb { c: 2.0 }, 1, 3, Streams::new(1));
//! let mut tried = Vec::new();
//! for _ in 0..3 {
//!     let action = behaviour.act(0, &[0.0; 3]);
//!     behaviour.record_visit(0, action);
//!     tried.push(action);
//! }
//! tried.sort();
//! assert_eq!(tried, [0, 1, 2]);
//! ```

use super::{Policy, Schedule, draw, greedy};
use crate::config::words;
use potstill_core::math::ln_f64;
use potstill_core::{Pcg64, Snapshot, SnapshotError, Streams, snapshot};
use std::sync::Arc;

words! {
    /// The exploration of a behaviour policy.
    pub enum Exploration: "epsilon-greedy, boltzmann, ucb or uniform" {
        /// A random action with probability epsilon, else a greedy one.
        EpsilonGreedy = "epsilon-greedy",
        /// The softmax of the values.
        Boltzmann = "boltzmann",
        /// The highest upper confidence bound.
        Ucb = "ucb",
        /// Uniformly random actions.
        Uniform = "uniform",
    }
}

/// The rule that selects actions.
#[derive(Clone, Debug, PartialEq)]
pub enum ExplorationRule {
    /// [`Policy::EpsilonGreedy`] with a schedule.
    EpsilonGreedy {
        /// The probability of exploring; `n` counts the visits of the state.
        epsilon: Schedule,
    },
    /// [`Policy::Softmax`] with a schedule.
    Boltzmann {
        /// The temperature; `n` counts the visits of the state.
        temperature: Schedule,
    },
    /// The highest `Q(s, a) + c sqrt(ln N(s) / N(s, a))`, untried actions first (Auer et al. 2002; Sutton and Barto 2018, equation 2.10, in
    /// each state).
    Ucb {
        /// The weight of the confidence bound, in units of the return.
        c: f64,
    },
    /// Fixed probabilities, `states x actions`, independent of the values.
    Given(Arc<[f64]>),
    /// Recorded actions, repeated in a cycle. In a state other than the recorded one (after the last step of
    /// a truncated episode) it draws from the frequencies of the recorded actions there.
    Recorded {
        /// State and action of each step.
        steps: Arc<[(usize, usize)]>,
        /// The frequencies of actions, `states x actions`; uniform in states that were not visited.
        frequencies: Arc<[f64]>,
    },
}

impl ExplorationRule {
    /// A rule that repeats these pairs of state and action.
    ///
    /// # Panics
    /// If there are none, or a state or action is out of range.
    pub fn recorded(steps: Vec<(usize, usize)>, states: usize, actions: usize) -> Self {
        assert!(!steps.is_empty(), "something was done");
        let mut frequencies = vec![0.0; states * actions];
        for &(state, action) in &steps {
            frequencies[state * actions + action] += 1.0;
        }
        for row in frequencies.chunks_exact_mut(actions) {
            let sum: f64 = row.iter().sum();
            row.iter_mut().for_each(|n| *n = if sum > 0.0 { *n / sum } else { 1.0 / actions as f64 });
        }
        ExplorationRule::Recorded { steps: steps.into(), frequencies: frequencies.into() }
    }
}

/// An exploration rule with its visit counts and its random stream.
#[derive(Clone, Debug)]
pub struct Behaviour {
    rule: ExplorationRule,
    /// Fixed values to act on instead of the learner's, `states x actions`.
    values: Option<Arc<[f64]>>,
    actions: usize,
    steps: u64,
    /// `N(s, a)`.
    visits: Vec<u64>,
    rng: Pcg64,
}

impl Behaviour {
    /// A behaviour policy with the random stream `exploration`.
    pub fn new(rule: ExplorationRule, states: usize, actions: usize, streams: Streams) -> Self {
        let visits = vec![0; states * actions];
        Self { rule, values: None, actions, steps: 0, visits, rng: streams.stream("exploration") }
    }

    /// Acts on these fixed values, `states x actions`, instead of the learner's.
    ///
    /// # Panics
    /// If their number differs.
    #[must_use]
    pub fn with_values(mut self, values: &[f64]) -> Self {
        assert_eq!(values.len(), self.visits.len());
        self.values = Some(values.into());
        self
    }

    /// Draws an action in `state`; `values` are the learner's action values there.
    pub fn act(&mut self, state: usize, values: &[f64]) -> usize {
        let first = state * self.actions;
        let values = match &self.values {
            None => values,
            Some(others) => &others[first..][..self.actions],
        };
        match &self.rule {
            // The most common rules, without a detour.
            ExplorationRule::EpsilonGreedy { epsilon: Schedule::Constant(1.0) } => {
                self.rng.below(self.actions)
            }
            ExplorationRule::EpsilonGreedy { epsilon: Schedule::Constant(epsilon) } => {
                Policy::EpsilonGreedy { epsilon: *epsilon }.sample(values, &mut self.rng)
            }
            ExplorationRule::Given(probabilities) => {
                draw(&probabilities[first..][..self.actions], &mut self.rng)
            }
            ExplorationRule::Recorded { steps, frequencies } => {
                match steps[(self.steps % steps.len() as u64) as usize] {
                    (next, action) if next == state => action,
                    _ => draw(&frequencies[first..][..self.actions], &mut self.rng),
                }
            }
            ExplorationRule::Ucb { c } => greedy(&self.bounds(*c, state, values), &mut self.rng),
            _ => self.policy(state).sample(values, &mut self.rng),
        }
    }

    /// The probability of each action in `state`; `values` are the learner's action values there.
    pub fn probabilities(&self, state: usize, values: &[f64]) -> Vec<f64> {
        let first = state * self.actions;
        let values = self.values.as_deref().map_or(values, |others| &others[first..][..self.actions]);
        match &self.rule {
            ExplorationRule::Given(probabilities)
            | ExplorationRule::Recorded { frequencies: probabilities, .. } => {
                probabilities[first..][..self.actions].to_vec()
            }
            ExplorationRule::Ucb { c } => Policy::Greedy.probabilities(&self.bounds(*c, state, values)),
            _ => self.policy(state).probabilities(values),
        }
    }

    /// The expectation of the learner's action values under this policy.
    pub fn state_value(&self, state: usize, values: &[f64]) -> f64 {
        self.probabilities(state, values).iter().zip(values).map(|(p, q)| p * q).sum()
    }

    fn policy(&self, state: usize) -> Policy {
        let now = |schedule: Schedule| {
            let n = if schedule.counts() { 1 + self.row(state).iter().sum::<u64>() } else { 1 };
            schedule.at(self.steps, n)
        };
        match self.rule {
            ExplorationRule::EpsilonGreedy { epsilon } => Policy::EpsilonGreedy { epsilon: now(epsilon) },
            ExplorationRule::Boltzmann { temperature } => Policy::Softmax { temperature: now(temperature) },
            ExplorationRule::Ucb { .. } | ExplorationRule::Given(_) | ExplorationRule::Recorded { .. } => {
                unreachable!("no policy of the values alone")
            }
        }
    }

    fn row(&self, state: usize) -> &[u64] {
        &self.visits[state * self.actions..][..self.actions]
    }

    fn bounds(&self, c: f64, state: usize, values: &[f64]) -> Vec<f64> {
        let row = self.row(state);
        let log = ln_f64(row.iter().sum::<u64>().max(1) as f64);
        let bound = |(&n, &value): (&u64, &f64)| match n {
            0 => f64::INFINITY,
            n => value + c * (log / n as f64).sqrt(),
        };
        row.iter().zip(values).map(bound).collect()
    }

    /// Counts a visit of `state` with `action`.
    #[inline]
    pub fn record_visit(&mut self, state: usize, action: usize) {
        self.steps += 1;
        self.visits[state * self.actions + action] += 1;
    }

    /// Steps so far.
    #[inline]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Restores checkpoints of potstill 0.1's first algorithms, which held only the generator.
    fn restore_generator(&mut self, _: &str, learner: &Snapshot) -> Result<(), SnapshotError> {
        self.steps = 0;
        self.visits.fill(0);
        learner.restore_part("exploration", &mut self.rng)
    }

    /// The number of states.
    pub fn states(&self) -> usize {
        self.visits.len() / self.actions
    }

    /// Visit counts `N(s, a)`, `states x actions`.
    pub fn visits(&self) -> &[u64] {
        &self.visits
    }
}

snapshot! {
    impl Restorable for Behaviour {
        saved: steps, visits, rng;
        built: rule, values, actions;
        absent: Self::restore_generator;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn behaviour(rule: ExplorationRule) -> Behaviour {
        Behaviour::new(rule, 2, 2, Streams::new(3))
    }

    #[test]
    fn probabilities_by_hand() {
        let check = |behaviour: &Behaviour, expected: [f64; 2]| {
            let found = behaviour.probabilities(1, &[1.0, 0.0]);
            assert!(found.iter().zip(expected).all(|(p, e)| (p - e).abs() < 1e-6), "{found:?}");
            let (mut acting, mut taken) = (behaviour.clone(), 0.0);
            (0..10_000).for_each(|_| taken += acting.act(1, &[1.0, 0.0]) as f64 / 10_000.0);
            // Five standard deviations of ten thousand draws are 0.025.
            assert!((taken - expected[1]).abs() < 0.025, "{taken} {expected:?}");
        };
        let harmonic = Schedule::Harmonic { power: 1.0 };
        let mut counted = behaviour(ExplorationRule::EpsilonGreedy { epsilon: harmonic });
        check(&counted, [0.5, 0.5]);
        (0..3).for_each(|_| counted.record_visit(1, 0));
        counted.record_visit(0, 1);
        // The fourth visit of state 1: epsilon 1/4.
        check(&counted, [0.875, 0.125]);
        // Fixed values.
        check(&counted.clone().with_values(&[9.0, 0.0, 0.0, 9.0]), [0.125, 0.875]);
        check(&behaviour(ExplorationRule::Given([0.5, 0.5, 0.2, 0.8].into())), [0.2, 0.8]);
        check(
            &behaviour(ExplorationRule::recorded(vec![(0, 1), (1, 0), (1, 0), (1, 0), (1, 1)], 2, 2)),
            [0.75, 0.25],
        );
        let temperature = Schedule::linear(1.0, 0.5, 4.0);
        let mut softer = behaviour(ExplorationRule::Boltzmann { temperature });
        (0..4).for_each(|_| softer.record_visit(0, 0));
        // softmax([2, 0])
        check(&softer, [0.880_797, 0.119_203]);
    }

    #[test]
    fn bounds_by_hand() {
        let mut behaviour = behaviour(ExplorationRule::Ucb { c: 1.0 });
        for (action, times) in [(0, 4), (1, 1)] {
            (0..times).for_each(|_| behaviour.record_visit(0, action));
        }
        // sqrt(ln 5 / 4) = 0.634, sqrt(ln 5) = 1.269
        let bounds = behaviour.bounds(1.0, 0, &[0.5, 0.0]);
        assert!((bounds[0] - 1.134_318).abs() < 1e-6 && (bounds[1] - 1.268_636).abs() < 1e-6, "{bounds:?}");
        assert_eq!(behaviour.act(0, &[0.5, 0.0]), 1);
        assert_eq!(behaviour.probabilities(0, &[0.7, 0.0]), [1.0, 0.0]);
    }
}
