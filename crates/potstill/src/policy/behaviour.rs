//! The behaviour policy of a learner with numbered states: how it explores, on whose values, and what it has met.
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::policy::{Behaviour, ExplorationRule};
//!
//! // Upper confidence bounds: in each state every action once, then by value and by how seldom it was tried.
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
    /// How a learner explores.
    pub enum Exploration: "epsilon-greedy, boltzmann, ucb or uniform" {
        /// Now and then any action.
        EpsilonGreedy = "epsilon-greedy",
        /// The softmax of the values.
        Boltzmann = "boltzmann",
        /// Upper confidence bounds.
        Ucb = "ucb",
        /// Any action, always.
        Uniform = "uniform",
    }
}

/// What an action is chosen by.
#[derive(Clone, Debug, PartialEq)]
pub enum ExplorationRule {
    /// [`Policy::EpsilonGreedy`] with an epsilon that may change.
    EpsilonGreedy {
        /// The probability of exploring; `n` counts the visits of the state.
        epsilon: Schedule,
    },
    /// [`Policy::Softmax`] with a temperature that may change.
    Boltzmann {
        /// The temperature; `n` counts the visits of the state.
        temperature: Schedule,
    },
    /// The highest `Q(s, a) + c sqrt(ln N(s) / N(s, a))`, untried actions first (Auer et al. 2002; Sutton and Barto 2018, equation 2.10, in
    /// each state).
    Ucb {
        /// How much what is seldom tried is worth, in the unit of the return.
        c: f64,
    },
    /// These probabilities, `states x actions`, whatever the values.
    Given(Arc<[f64]>),
    /// What was done before, again and again: the state and action of each step. Where it is asked of another state than the one that is next (after the
    /// last step of a truncated episode), it acts by how often each action was taken there.
    Recorded {
        /// State and action of each step.
        steps: Arc<[(usize, usize)]>,
        /// The frequencies, `states x actions`; uniform where nobody came.
        frequencies: Arc<[f64]>,
    },
}

impl ExplorationRule {
    /// What was done in these steps.
    ///
    /// # Panics
    /// If there are none, or a state or action is not below its number.
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

/// A rule with what it has to remember.
#[derive(Clone, Debug)]
pub struct Behaviour {
    rule: ExplorationRule,
    /// Whose values it acts on, if they are not the learner's own: `states x actions`.
    values: Option<Arc<[f64]>>,
    actions: usize,
    steps: u64,
    /// `N(s, a)`.
    visits: Vec<u64>,
    rng: Pcg64,
}

impl Behaviour {
    /// A rule for so many states and actions, with the stream `exploration`.
    pub fn new(rule: ExplorationRule, states: usize, actions: usize, streams: Streams) -> Self {
        let visits = vec![0; states * actions];
        Self { rule, values: None, actions, steps: 0, visits, rng: streams.stream("exploration") }
    }

    /// Acts on these values, `states x actions`, instead of the learner's.
    ///
    /// # Panics
    /// If there are not as many.
    #[must_use]
    pub fn with_values(mut self, values: &[f64]) -> Self {
        assert_eq!(values.len(), self.visits.len());
        self.values = Some(values.into());
        self
    }

    /// An action in `state`, of which the learner holds these values.
    pub fn act(&mut self, state: usize, values: &[f64]) -> usize {
        let first = state * self.actions;
        let values = match &self.values {
            None => values,
            Some(others) => &others[first..][..self.actions],
        };
        match &self.rule {
            // What most learners do, without a detour.
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

    /// The probability of each action in `state`, of which the learner holds these values.
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

    /// The sum over actions of their probability times the learner's value.
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

    /// Remembers that `action` was taken in `state`.
    #[inline]
    pub fn record_visit(&mut self, state: usize, action: usize) {
        self.steps += 1;
        self.visits[state * self.actions + action] += 1;
    }

    /// Steps taken.
    #[inline]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Restores from checkpoints of potstill 0.1's first algorithms, which had only the generator and counted nothing.
    fn restore_generator(&mut self, _: &str, learner: &Snapshot) -> Result<(), SnapshotError> {
        self.steps = 0;
        self.visits.fill(0);
        learner.restore_part("exploration", &mut self.rng)
    }

    /// The number of states.
    pub fn states(&self) -> usize {
        self.visits.len() / self.actions
    }

    /// How often each action was taken in each state, `states x actions`.
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
        // The fourth meeting of state 1: epsilon 1/4.
        check(&counted, [0.875, 0.125]);
        // Another's values.
        check(&counted.clone().with_values(&[9.0, 0.0, 0.0, 9.0]), [0.125, 0.875]);
        check(&behaviour(ExplorationRule::Given([0.5, 0.5, 0.2, 0.8].into())), [0.2, 0.8]);
        check(
            &behaviour(ExplorationRule::recorded(vec![(0, 1), (1, 0), (1, 0), (1, 0), (1, 1)], 2, 2)),
            [0.75, 0.25],
        );
        let temperature = Schedule::Linear { from: 1.0, to: 0.5, over: 4.0 };
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
