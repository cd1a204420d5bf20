//! Planning on an exact model, as a job.

use super::job::{Job, Outcome, Recorder};
use super::settings::PlanConfig;
use crate::config::Settings;
use crate::error::Error;
use crate::metrics::Record;
use crate::model::Model;
use crate::planning::{
    ExploringConfig, ModifiedConfig, Planner, PlanningConfig, PolicyIteration, ValueIteration,
};
use crate::train::TrainError;
use potstill_core::{Restorable, Snapshot, SnapshotError};
use potstill_env::TransitionModel;
use serde_json::json;
use std::sync::Arc;

/// A planner, whichever.
pub(super) type BoxPlanner = Box<dyn Planner>;

/// Makes one; the settings that all share come beside its own.
pub(super) type MakePlanner<S> = fn(Arc<TransitionModel>, &PlanningConfig, S) -> BoxPlanner;

/// What is done with a planner whose settings are only known by its name.
pub(super) trait WithPlanner {
    /// What comes of it.
    type Output;

    /// Does it; `S` are the planner's own settings.
    fn with<S: Settings>(self, make: MakePlanner<S>) -> Self::Output;
}

/// Finds the planner of this name, which is one of the catalogue's.
pub(super) fn with_planner<W: WithPlanner>(name: &str, work: W) -> W::Output {
    match name {
        "value-iteration" => work.with::<ExploringConfig>(|model, config, own| {
            Box::new(ValueIteration::new(model, config).exploring(&own))
        }),
        "policy-iteration" => {
            work.with::<()>(|model, config, ()| Box::new(PolicyIteration::new(model, config)))
        }
        "modified-policy-iteration" => work.with::<ModifiedConfig>(|model, config, own| {
            Box::new(PolicyIteration::modified(model, config, &own))
        }),
        other => unreachable!("{other} is no planner of the catalogue"),
    }
}

/// A planner at work.
pub(super) struct Planning {
    pub(super) algorithm: &'static str,
    /// The environment's id.
    pub(super) env: String,
    pub(super) run: PlanConfig,
    pub(super) tolerance: f64,
    pub(super) max_sweeps: u64,
    pub(super) planner: BoxPlanner,
}

impl Job for Planning {
    fn steps(&self) -> u64 {
        self.planner.sweeps()
    }

    fn is_over(&self) -> bool {
        self.planner.is_done()
    }

    fn advance(&mut self, until: u64, record: &mut Recorder<'_>) -> Result<(), Error> {
        while !self.planner.is_done() && self.planner.sweeps() < until {
            if self.planner.sweeps() >= self.max_sweeps {
                let (sweeps, residual) = (self.planner.sweeps(), self.planner.residual());
                return Err(TrainError::NotConverged { sweeps, residual }.into());
            }
            self.planner.sweep();
            let step = self.planner.sweeps();
            if step.is_multiple_of(self.run.log_interval) || self.planner.is_done() {
                let values = vec![
                    ("planning/iterations", self.planner.iterations() as f64),
                    ("planning/residual", self.planner.residual()),
                    ("planning/start_value", self.planner.start_value()),
                ];
                record(&Record { step, values })?;
            }
        }
        Ok(())
    }

    fn progress(&self) -> (u64, u64, String) {
        // By the digits that are right; only shown.
        let digits = |size: f64| (-size.log10()).clamp(0.0, 300.0) as u64;
        let (residual, total) = (self.planner.residual(), digits(self.tolerance).max(1));
        (digits(residual).min(total), total, format!("residual {residual:.1e}"))
    }

    fn score(&self) -> Option<f64> {
        None
    }

    fn finish(&mut self) -> Result<Outcome, Error> {
        let summary = json!({
            "command": "train",
            "algorithm": self.algorithm,
            "env": self.env,
            "seed": self.run.seed,
            "start_value": self.planner.start_value(),
            "iterations": self.planner.iterations(),
            "sweeps": self.planner.sweeps(),
            "residual": self.planner.residual(),
        });
        Ok(Outcome { model: Model::Table(self.planner.values().q()), summary, visits: None })
    }
}

impl Restorable for Planning {
    fn snapshot(&self) -> Snapshot {
        self.planner.snapshot()
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        self.planner.restore(snapshot)
    }
}
