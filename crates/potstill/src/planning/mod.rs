//! Planning: from a model of the world, given or learned, to values.
//!
//! | what | from which model |
//! |---|---|
//! | [`ValueIteration`], [`PolicyIteration`] (also modified) | the exact one, in sweeps over all states |
//! | [`DynaQ`] (also Dyna-Q+), [`PrioritizedSweeping`] | one that is learned while acting |
//! | [`Mcts`] | copies of the environment, from where it is |
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
pub use reachability::{can_terminate, reachable};
pub use value_iteration::{EpsilonSoftConfig, ValueIteration};

use crate::config::{Key, Settings, settings};
use crate::model::QTable;
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
        /// The planner is done when no value moves by more, in units of the largest value if that is above 1. Source: a thousand times what rounding does
        tolerance: f64 = 1e-13, in Positive;
        /// Sweeps after which it gives up
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

/// Something that comes nearer to the best values, sweep by sweep.
pub trait Planner: Restorable + Send {
    /// One sweep over all states.
    fn sweep(&mut self);

    /// Sweeps made.
    fn sweeps(&self) -> u64;

    /// What the literature counts: sweeps of value iteration, improvements of policy iteration.
    fn iterations(&self) -> u64;

    /// The most that a value moved in the last sweep.
    fn residual(&self) -> f64;

    /// Whether the values are as good as was asked for.
    fn is_done(&self) -> bool;

    /// What is known of the values.
    fn values(&self) -> &StateValues;

    /// The value of where episodes start, by its distribution.
    fn start_value(&self) -> f64 {
        self.values().start_value()
    }
}

/// The values of a model's states.
#[derive(Clone, Debug)]
pub struct StateValues {
    model: Arc<TransitionModel>,
    gamma: f64,
    /// The states that can be met, in their order. Elsewhere the model may say things that mean nothing, as after an end.
    reachable: Vec<usize>,
    v: Vec<f64>,
}

impl StateValues {
    /// All 0.
    pub fn new(model: Arc<TransitionModel>, gamma: f64) -> Self {
        let (reachable, v) = (reachable(&model), vec![0.0; model.states()]);
        Self { model, gamma, reachable, v }
    }

    /// The states that can be met, in their order.
    pub fn reachable_states(&self) -> &[usize] {
        &self.reachable
    }

    /// The right side of the Bellman equation: the sum over outcomes of `p (r + gamma V(s'))`.
    #[inline]
    pub fn backup(&self, state: usize, action: usize) -> f64 {
        let worth = |next: usize| self.gamma * self.v[next];
        let outcomes = self.model.outcomes(state, action).iter();
        outcomes.map(|o| o.probability * if o.terminated { o.reward } else { o.reward + worth(o.next) }).sum()
    }

    /// The backups of all actions.
    pub fn backups(&self, state: usize) -> Vec<f64> {
        (0..self.model.actions()).map(|action| self.backup(state, action)).collect()
    }

    /// The best action of a state and what it is worth; of equals the first.
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

    /// Gives each state that can be met a value, one after the other, and says by how much the values moved at most.
    fn sweep(&mut self, value_of: impl Fn(&Self, usize) -> f64) -> f64 {
        let mut moved: f64 = 0.0;
        for i in 0..self.reachable.len() {
            let state = self.reachable[i];
            let value = value_of(self, state);
            moved = moved.max((std::mem::replace(&mut self.v[state], value) - value).abs());
        }
        moved
    }

    /// The action values that follow.
    pub fn q(&self) -> QTable {
        let mut q = QTable::new(self.model.states(), self.model.actions(), 0.0);
        for &state in &self.reachable {
            (0..self.model.actions()).for_each(|action| q.set(state, action, self.backup(state, action)));
        }
        q
    }

    /// What a tolerance allows values of this size to move by.
    fn scaled_tolerance(&self, tolerance: f64) -> f64 {
        tolerance * self.v.iter().fold(1.0, |size: f64, v| size.max(v.abs()))
    }

    /// The mean over the start distribution.
    pub fn start_value(&self) -> f64 {
        self.model.start().iter().map(|&(p, state)| p * self.v[state]).sum()
    }
}

/// Saved as its values; the rest is the model's.
impl Field for StateValues {
    fn save(&self, name: &str, snapshot: &mut Snapshot) {
        self.v.save(name, snapshot);
    }

    fn load(&mut self, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        self.v.load(name, snapshot)
    }
}
