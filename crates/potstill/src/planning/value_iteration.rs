//! Value iteration (Bellman 1957): `V(s) <- max_a sum p (r + gamma V(s'))` for all states until the values
//! converge (Sutton and Barto 2018, box of section 4.4). Model-based, offline.
//!
//! With an epsilon above 0 it finds the optimal epsilon-soft policy: `V(s) <- (1 - epsilon) max_a q(s, a) +
//! epsilon mean_a q(s, a)`, an upper bound on the return of an epsilon-greedy learner while it explores.
//!
//! Differences from the book: none. Values are updated in place, within the sweep.
//!
//! ```
//! use potstill::env::registry::find;
//! use potstill::planning::{EpsilonSoftConfig, Planner, PlanningConfig, ValueIteration};
//!
//! let model = find("CliffWalking-v1")?.make_states().unwrap().model().unwrap();
//! let planner = ValueIteration::new(model, &PlanningConfig::default());
//! let mut planner = planner.epsilon_soft(&EpsilonSoftConfig { epsilon: 0.1 });
//! while !planner.is_done() {
//!     planner.sweep();
//! }
//! // -13 without exploration.
//! assert!((planner.start_value() - -20.707_677).abs() < 1e-6);
//! # Ok::<(), potstill::env::EnvError>(())
//! ```

use super::{Planner, PlanningConfig, StateValues};
use crate::algorithm::{Algorithm, Builder, DataKind, Task, recipe};
use crate::config::{ConfigError, settings};
use crate::policy::Policy;
use potstill_core::snapshot;
use potstill_env::TransitionModel;
use std::sync::Arc;

settings! {
    /// Exploration of the optimal policy.
    pub struct EpsilonSoftConfig {
        /// Probability of a uniformly random action; 0 for the optimal policy. Source: Sutton and Barto 2018,
        /// section 5.4
        epsilon: f64 = 0.0, in Unit;
    }
}

/// The descriptor.
pub const ALGORITHM: Algorithm = Algorithm {
    name: "value-iteration",
    family: "planning",
    policy: None,
    data: DataKind::Offline,
    is_model_based: Some(true),
    summary: "sweep over an exact model until the optimal values converge",
    source: "Bellman 1957; Sutton and Barto 2018, section 4.4",
    file: file!(),
    builder: Builder::Model(|| recipe(build)),
    presets: &[],
    smoke: &["env=FrozenLake8x8-v1 gamma=0.99", "env=FrozenLake-v1 epsilon=0.1"],
};

fn build(
    (config, own): &(PlanningConfig, EpsilonSoftConfig),
    task: &Task<'_>,
) -> Result<(PlanningConfig, Box<dyn Planner>), ConfigError> {
    let model = task.exact_model()?;
    task.check_discount(config.gamma)?;
    let planner = ValueIteration::new(model, config).epsilon_soft(own);
    Ok((config.clone(), Box::new(planner)))
}

/// Value iteration.
#[derive(Clone, Debug)]
pub struct ValueIteration {
    values: StateValues,
    tolerance: f64,
    sweeps: u64,
    residual: f64,
}

impl ValueIteration {
    /// Starts from values of 0.
    pub fn new(model: Arc<TransitionModel>, config: &PlanningConfig) -> Self {
        let values = StateValues::new(model, config.gamma);
        let (tolerance, residual) = (config.tolerance, f64::INFINITY);
        Self { values, tolerance, sweeps: 0, residual }
    }

    /// Searches among the epsilon-soft policies.
    #[must_use]
    pub fn epsilon_soft(mut self, own: &EpsilonSoftConfig) -> Self {
        if own.epsilon > 0.0 {
            self.values.policy = Policy::EpsilonGreedy { epsilon: own.epsilon };
        }
        self
    }
}

impl Planner for ValueIteration {
    fn sweep(&mut self) {
        self.residual = self.values.sweep(StateValues::improved);
        self.sweeps += 1;
    }

    fn sweeps(&self) -> u64 {
        self.sweeps
    }

    fn iterations(&self) -> u64 {
        self.sweeps
    }

    fn residual(&self) -> f64 {
        self.residual
    }

    fn is_done(&self) -> bool {
        self.residual <= self.values.scaled_tolerance(self.tolerance)
    }

    fn values(&self) -> &StateValues {
        &self.values
    }
}

snapshot! {
    impl Restorable for ValueIteration {
        saved: values as "v", sweeps, residual;
        built: tolerance;
    }
}
