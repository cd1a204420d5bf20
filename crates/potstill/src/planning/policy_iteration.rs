//! Policy iteration (Howard 1960; Sutton and Barto 2018, box of section 4.3) and modified policy iteration
//! (Puterman and Shin 1978): alternates between evaluating a policy and making it greedy, until it is stable.
//! Model-based, offline.
//!
//! Policy iteration evaluates until the values converge, modified policy iteration for a few sweeps; with one
//! sweep it is value iteration.
//!
//! Differences from the book: the first policy is uniformly random, under which every episode that can end
//! does, so that its values are finite also with gamma 1. An action is replaced only by one that is better by
//! more than rounding, so that the policy does not alternate between equals for ever.
//!
//! ```
//! use potstill::env::registry::find;
//! use potstill::planning::{Planner, PlanningConfig, PolicyIteration};
//!
//! let model = find("Taxi-v4")?.make_states().unwrap().model().unwrap();
//! let mut planner = PolicyIteration::new(model, &PlanningConfig::default());
//! while !planner.is_done() {
//!     planner.sweep();
//! }
//! assert!((planner.start_value() - 7.93).abs() < 1e-9 && planner.iterations() < 5);
//! # Ok::<(), potstill::env::EnvError>(())
//! ```

use super::{Planner, PlanningConfig, StateValues};
use crate::algorithm::{Algorithm, Builder, DataKind, Task, recipe};
use crate::config::{ConfigError, settings};
use potstill_core::snapshot;
use potstill_core::snapshot::below;
use potstill_env::TransitionModel;
use std::sync::Arc;

settings! {
    /// Policy evaluation of modified policy iteration.
    pub struct ModifiedConfig {
        /// Sweeps between improvements. Source: Puterman and Shin 1978 leave it open; a handful does most of the work
        evaluation_sweeps: u64 = 5, in AtLeastOne;
    }
}

/// The descriptor of policy-iteration.
pub const POLICY_ITERATION: Algorithm = Algorithm {
    name: "policy-iteration",
    family: "planning",
    policy: None,
    data: DataKind::Offline,
    is_model_based: Some(true),
    summary: "alternate policy evaluation and improvement on an exact model",
    source: "Howard 1960; Sutton and Barto 2018, section 4.3",
    file: file!(),
    builder: Builder::Model(|| recipe(build)),
    presets: &[],
    smoke: &["env=FrozenLake-v1"],
};

/// The descriptor of modified-policy-iteration.
pub const MODIFIED: Algorithm = Algorithm {
    name: "modified-policy-iteration",
    family: "planning",
    policy: None,
    data: DataKind::Offline,
    is_model_based: Some(true),
    summary: "policy iteration with a few sweeps of evaluation only",
    source: "Puterman and Shin 1978",
    file: file!(),
    builder: Builder::Model(|| recipe(build_modified)),
    presets: &[],
    smoke: &["env=FrozenLake8x8-v1 gamma=0.99 evaluation_sweeps=3 log_interval=2"],
};

fn build(
    config: &PlanningConfig,
    task: &Task<'_>,
) -> Result<(PlanningConfig, Box<dyn Planner>), ConfigError> {
    let model = task.exact_model()?;
    task.check_discount(config.gamma)?;
    let planner = PolicyIteration::new(model, config);
    Ok((config.clone(), Box::new(planner)))
}

fn build_modified(
    (config, own): &(PlanningConfig, ModifiedConfig),
    task: &Task<'_>,
) -> Result<(PlanningConfig, Box<dyn Planner>), ConfigError> {
    let model = task.exact_model()?;
    task.check_discount(config.gamma)?;
    let planner = PolicyIteration::modified(model, config, own);
    Ok((config.clone(), Box::new(planner)))
}

/// Policy iteration, modified or not.
#[derive(Clone, Debug)]
pub struct PolicyIteration {
    values: StateValues,
    tolerance: f64,
    /// Sweeps of one policy evaluation; `None` until it converges.
    evaluation_sweeps: Option<u64>,
    /// An action per state; the number of actions stands for the uniform policy.
    policy: Vec<usize>,
    /// Sweeps since the last improvement.
    evaluated: u64,
    improvements: u64,
    sweeps: u64,
    residual: f64,
    is_stable: bool,
}

/// The value of a state under this action, or under the uniform policy if `action` is the number of actions.
fn action_value(values: &StateValues, action: usize, state: usize) -> f64 {
    let actions = values.model.actions();
    if action < actions {
        values.backup(state, action)
    } else {
        values.backups(state).iter().sum::<f64>() / actions as f64
    }
}

impl PolicyIteration {
    /// Policy iteration.
    pub fn new(model: Arc<TransitionModel>, config: &PlanningConfig) -> Self {
        let policy = vec![model.actions(); model.states()];
        Self {
            values: StateValues::new(model, config.gamma),
            tolerance: config.tolerance,
            evaluation_sweeps: None,
            policy,
            evaluated: 0,
            improvements: 0,
            sweeps: 0,
            residual: f64::INFINITY,
            is_stable: false,
        }
    }

    /// Modified policy iteration.
    pub fn modified(model: Arc<TransitionModel>, config: &PlanningConfig, own: &ModifiedConfig) -> Self {
        Self { evaluation_sweeps: Some(own.evaluation_sweeps), ..Self::new(model, config) }
    }

    fn evaluate(&mut self) {
        let policy = &self.policy;
        self.residual = self.values.sweep(|values, state| action_value(values, policy[state], state));
        self.evaluated += 1;
    }

    fn improve(&mut self) {
        let mut changed = false;
        // The largest change that a greedy backup would still make.
        self.residual = 0.0;
        let rounding = 10.0 * self.values.scaled_tolerance(self.tolerance);
        for &state in self.values.reachable_states() {
            let (best, value) = self.values.best(state);
            let current = action_value(&self.values, self.policy[state], state);
            self.residual = self.residual.max((value - self.values.v[state]).abs());
            if self.policy[state] >= self.values.model.actions() || value > current + rounding {
                changed |= self.policy[state] != best;
                self.policy[state] = best;
            }
        }
        self.evaluated = 0;
        self.improvements += 1;
        self.is_stable = match self.evaluation_sweeps {
            None => !changed,
            Some(_) => self.residual <= self.values.scaled_tolerance(self.tolerance),
        };
    }
}

impl Planner for PolicyIteration {
    fn sweep(&mut self) {
        let is_evaluated = match self.evaluation_sweeps {
            None => self.evaluated > 0 && self.residual <= self.values.scaled_tolerance(self.tolerance),
            Some(sweeps) => self.evaluated >= sweeps,
        };
        if is_evaluated {
            self.improve();
        } else {
            self.evaluate();
        }
        self.sweeps += 1;
    }

    fn sweeps(&self) -> u64 {
        self.sweeps
    }

    fn iterations(&self) -> u64 {
        self.improvements
    }

    fn residual(&self) -> f64 {
        self.residual
    }

    fn is_done(&self) -> bool {
        self.is_stable
    }

    fn values(&self) -> &StateValues {
        &self.values
    }
}

snapshot! {
    impl Restorable for PolicyIteration {
        saved: values as "v", policy via below(values.model.actions() + 1), evaluated, improvements, sweeps, residual, is_stable;
        built: tolerance, evaluation_sweeps;
    }
}
