//! Value iteration (Bellman 1957): `V(s) <- max_a sum p (r + gamma V(s'))` for all states until nothing moves (Sutton and Barto 2018, box of
//! section 4.4). Model-based, offline.
//!
//! Differences from the book: none. New values are used at once, within the sweep.

use super::{Planner, PlanningConfig, StateValues};
use potstill_core::{State, StateError, Stateful, Value};
use potstill_env::TransitionModel;
use std::sync::Arc;

/// Value iteration.
#[derive(Clone, Debug)]
pub struct ValueIteration {
    values: StateValues,
    tolerance: f64,
    sweeps: u64,
    residual: f64,
}

impl ValueIteration {
    /// Begins with values of 0.
    pub fn new(model: Arc<TransitionModel>, config: &PlanningConfig) -> Self {
        let values = StateValues::new(model, config.gamma);
        Self { values, tolerance: config.tolerance, sweeps: 0, residual: f64::INFINITY }
    }
}

impl Planner for ValueIteration {
    fn sweep(&mut self) {
        self.residual = 0.0;
        for i in 0..self.values.met().len() {
            let state = self.values.met()[i];
            let (_, best) = self.values.best(state);
            self.residual = self.residual.max(self.values.set(state, best));
        }
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
        self.residual <= self.values.allowed(self.tolerance)
    }

    fn values(&self) -> &StateValues {
        &self.values
    }
}

impl Stateful for ValueIteration {
    fn state(&self) -> State {
        State::new()
            .with("v", Value::F64s(self.values.v.clone()))
            .with("sweeps", Value::U64(self.sweeps))
            .with("residual", Value::F64(self.residual))
    }

    fn restore(&mut self, state: &State) -> Result<(), StateError> {
        let states = self.values.v.len();
        self.values.v.copy_from_slice(state.f64s("v", states)?);
        self.sweeps = state.u64("sweeps")?;
        self.residual = state.f64("residual")?;
        Ok(())
    }
}
