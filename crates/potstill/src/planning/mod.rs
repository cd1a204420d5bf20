//! Planning: action values from a model of the environment, given or learned.
//!
//! | algorithm | its model |
//! |---|---|
//! | [`ValueIteration`], [`PolicyIteration`] (also modified) | the exact model, in sweeps over all states |
//! | [`DynaQ`] (also Dyna-Q+), [`PrioritizedSweeping`] | a model that is learned from experience |
//! | [`Mcts`] | copies of the environment, from its present state |
//!
//! ```
//! use potstill::env::registry::find;
//! use potstill::planning::{Planner, PlanningConfig, ValueIteration};
//!
//! let model = find("FrozenLake-v1")?.make_states().unwrap().model().unwrap();
//! let config = PlanningConfig { gamma: 0.99, ..PlanningConfig::default() };
//! let mut planner = ValueIteration::new(model, &config);
//! while !planner.is_done() {
//!     planner.sweep();
//! }
//! assert!((planner.start_value() - 0.542_025_932).abs() < 1e-8);
//! # Ok::<(), potstill::env::EnvError>(())
//! ```

pub mod dyna_q;
pub mod mcts;
pub mod policy_iteration;
pub mod prioritized_sweeping;
mod reachability;
pub mod value_iteration;

pub use dyna_q::{DynaPlusConfig, DynaQ, PlanningStepsConfig};
pub use mcts::{Mcts, MctsConfig};
pub use policy_iteration::{ModifiedConfig, PolicyIteration};
pub use prioritized_sweeping::{PrioritizedSweeping, PrioritizedSweepingConfig};
use reachability::has_endless_rewards;
pub use reachability::{can_terminate, reachable};
pub use value_iteration::{EpsilonSoftConfig, ValueIteration};

use crate::config::{Key, Settings, settings};
use crate::model::QTable;
use crate::policy::Policy;
use crate::tabular::TabularConfig;
use potstill_core::snapshot::Field;
use potstill_core::{Restorable, Snapshot, SnapshotError};
use potstill_env::TransitionModel;
use std::sync::Arc;

settings! {
    /// The settings of planners that sweep over an exact model.
    pub struct PlanningConfig {
        /// Discount. Source: 1, undiscounted, as the episodes of Sutton and Barto 2018, chapter 6
        gamma: f64 = 1.0, in Unit;
        /// Largest change of a value in a sweep at which the planner is done, in units of the largest value
        /// if that is above 1. Source: a thousand times the rounding error
        tolerance: f64 = 1e-13, in Positive;
        /// Sweeps after which the planner gives up
        max_sweeps: u64 = 1_000_000, in AtLeastOne;
    }
}

/// The settings of tabular learners, with the defaults of the book's mazes.
#[derive(Clone, Debug, PartialEq)]
pub struct MazeConfig(pub TabularConfig);

impl Default for MazeConfig {
    fn default() -> Self {
        Self(TabularConfig { alpha: 0.1.into(), gamma: 0.95, ..TabularConfig::default() })
    }
}

impl Settings for MazeConfig {
    fn keys(&self) -> Vec<Key> {
        let help = |key: Key| match key.name {
            "alpha" => {
                " Step size alpha, a number or a schedule; 1/n counts the updates of the value. Source: Sutton and Barto 2018, Example 8.1"
            }
            "gamma" => " Discount. Source: Sutton and Barto 2018, Example 8.1",
            _ => key.help,
        };
        self.0.keys().into_iter().map(|key| Key { help: help(key), ..key }).collect()
    }

    fn set(&mut self, key: &str, value: &toml::Value) -> Option<Result<(), String>> {
        self.0.set(key, value)
    }

    fn get(&self, key: &str) -> Option<toml::Value> {
        self.0.get(key)
    }
}

/// An algorithm that improves state values by sweeps over all states.
pub trait Planner: Restorable + Send {
    /// Sweeps over all states once.
    fn sweep(&mut self);

    /// Sweeps so far.
    fn sweeps(&self) -> u64;

    /// Iterations as the literature counts them: sweeps of value iteration, improvements of policy iteration.
    fn iterations(&self) -> u64;

    /// The largest change of a value in the last sweep.
    fn residual(&self) -> f64;

    /// Returns true once the values are within the tolerance.
    fn is_done(&self) -> bool;

    /// The state values so far.
    fn values(&self) -> &StateValues;

    /// The expected value of the start state.
    fn start_value(&self) -> f64 {
        self.values().start_value()
    }
}

/// State values of an exact model.
#[derive(Clone, Debug)]
pub struct StateValues {
    model: Arc<TransitionModel>,
    gamma: f64,
    /// Reachable states, in ascending order, which are swept.
    reachable: Vec<usize>,
    /// The policy whose values are the fixed point: greedy or epsilon-greedy.
    policy: Policy,
    v: Vec<f64>,
}

/// Sweeps over states that no episode reaches, after which their values are given up.
const UNREACHED_SWEEPS_MAX: usize = 20_000;

impl StateValues {
    /// Values of 0.
    pub fn new(model: Arc<TransitionModel>, gamma: f64) -> Self {
        let (reachable, v) = (reachable(&model), vec![0.0; model.states()]);
        Self { model, gamma, reachable, policy: Policy::Greedy, v }
    }

    /// The states that can be reached before the end of an episode, in ascending order.
    pub fn reachable_states(&self) -> &[usize] {
        &self.reachable
    }

    /// The values of all states; 0 where no episode comes.
    pub fn v(&self) -> &[f64] {
        &self.v
    }

    /// The expected return of an action, the right side of the Bellman equation: the sum over outcomes of `p
    /// (r + gamma V(s'))`.
    #[inline]
    pub fn backup(&self, state: usize, action: usize) -> f64 {
        let worth = |next: usize| self.gamma * self.v[next];
        let outcomes = self.model.outcomes(state, action).iter();
        outcomes.map(|o| o.probability * if o.terminated { o.reward } else { o.reward + worth(o.next) }).sum()
    }

    /// The backup of each action.
    pub fn backups(&self, state: usize) -> Vec<f64> {
        (0..self.model.actions()).map(|action| self.backup(state, action)).collect()
    }

    /// The greedy action of a state, the first of equals, and its value.
    pub fn best(&self, state: usize) -> (usize, f64) {
        let mut best = (0, f64::NEG_INFINITY);
        for action in 0..self.model.actions() {
            let value = self.backup(state, action);
            if value > best.1 {
                best = (action, value);
            }
        }
        best
    }

    /// Assigns a new value to each reachable state in turn, and returns the largest change.
    fn sweep(&mut self, value_of: impl Fn(&Self, usize) -> f64) -> f64 {
        let mut moved: f64 = 0.0;
        for i in 0..self.reachable.len() {
            let state = self.reachable[i];
            let value = value_of(self, state);
            moved = moved.max((std::mem::replace(&mut self.v[state], value) - value).abs());
        }
        moved
    }

    /// The value of a state under the policy of the fixed point.
    fn improved(&self, state: usize) -> f64 {
        match self.policy {
            Policy::Greedy => self.best(state).1,
            policy => policy.state_value(&self.backups(state)),
        }
    }

    /// The action values that follow from the state values. States that no episode reaches are not swept; their values
    /// follow from the others by the same equation, as if an episode began there, or are 0 where it has no solution.
    pub fn q(&self) -> QTable {
        self.q_unless(&|| false).unwrap_or_else(|| self.q_of(&self.reachable))
    }

    /// The same as [`q`](Self::q), or `None` after a stop request.
    pub fn q_unless(&self, stop: &(dyn Fn() -> bool + Sync)) -> Option<QTable> {
        if self.reachable.len() == self.model.states()
            || self.gamma == 1.0 && has_endless_rewards(&self.model)
        {
            return Some(self.q_of(&self.reachable));
        }
        let mut all = self.clone();
        all.reachable =
            (0..self.model.states()).filter(|s| self.reachable.binary_search(s).is_err()).collect();
        for _ in 0..UNREACHED_SWEEPS_MAX {
            if stop() {
                return None;
            }
            if all.sweep(Self::improved) <= all.scaled_tolerance(PlanningConfig::default().tolerance) {
                return Some(all.q_of(&(0..self.model.states()).collect::<Vec<_>>()));
            }
        }
        Some(self.q_of(&self.reachable))
    }

    /// The action values of some states; 0 for others.
    fn q_of(&self, states: &[usize]) -> QTable {
        let mut q = QTable::new(self.model.states(), self.model.actions(), 0.0);
        for &state in states {
            (0..self.model.actions()).for_each(|action| q.set(state, action, self.backup(state, action)));
        }
        q
    }

    /// The tolerance in units of the values: times the largest value, if that is above 1.
    fn scaled_tolerance(&self, tolerance: f64) -> f64 {
        tolerance * self.v.iter().fold(1.0, |size: f64, v| size.max(v.abs()))
    }

    /// The mean of the values over the start distribution.
    pub fn start_value(&self) -> f64 {
        self.model.start().iter().map(|&(p, state)| p * self.v[state]).sum()
    }
}

/// Saved as its values; the rest belongs to the model.
impl Field for StateValues {
    fn save(&self, name: &str, snapshot: &mut Snapshot) {
        self.v.save(name, snapshot);
    }

    fn load(&mut self, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        self.v.load(name, snapshot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use potstill_env::ModelOutcome;

    /// The values of a model with one action, after enough sweeps.
    fn planned(gamma: f64, outcomes: &[(usize, f64, bool)]) -> StateValues {
        let model = TransitionModel::new(outcomes.len(), 1, vec![(1.0, 0)], |state, _| {
            let (next, reward, terminated) = outcomes[state];
            vec![ModelOutcome::certain(next, reward, terminated)]
        });
        let mut values = StateValues::new(Arc::new(model), gamma);
        for _ in 0..outcomes.len() {
            values.sweep(StateValues::improved);
        }
        values
    }

    #[test]
    fn states_that_no_episode_reaches_have_the_values_that_they_would() {
        // An episode is state 0 alone; 1 leads to it, 2 and 3 to each other.
        let check = |gamma: f64, rewards: [f64; 2], is_stopped: bool, expected: Option<[f64; 4]>| {
            let outcomes = [(0, 5.0, true), (0, -1.0, false), (3, rewards[0], false), (2, rewards[1], false)];
            let q = planned(gamma, &outcomes).q_unless(&|| is_stopped);
            let close = |q: &QTable, values: [f64; 4]| {
                q.values().iter().zip(values).all(|(found, value)| (found - value).abs() < 1e-9)
            };
            let is_right = match (&q, expected) {
                (Some(q), Some(values)) => close(q, values),
                (found, wanted) => found.is_none() && wanted.is_none(),
            };
            assert!(is_right, "{gamma} {rewards:?}: {q:?}");
        };
        check(1.0, [0.0, 0.0], false, Some([5.0, 4.0, 0.0, 0.0]));
        check(0.5, [-3.0, -3.0], false, Some([5.0, 1.5, -6.0, -6.0]));
        // Without an end and undiscounted the values have no limit, which is known without a sweep.
        check(1.0, [-1.0, -1.0], true, Some([5.0, 0.0, 0.0, 0.0]));
        check(1.0, [1.0, 2.0], true, Some([5.0, 0.0, 0.0, 0.0]));
        check(1.0, [0.0, 0.0], true, None);
        check(0.5, [-3.0, -3.0], true, None);
    }
}
