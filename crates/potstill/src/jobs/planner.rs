//! The job of planning on an exact model.

use super::settings::PlanConfig;
use super::{Job, Outcome, Recorder};
use crate::error::Error;
use crate::metrics::{Record, catalogue};
use crate::model::Model;
use crate::planning::Planner;
use crate::train::{Stop, TrainError};
use potstill_core::snapshot;
use potstill_core::snapshot::Flat;
use serde_json::json;

/// Planning in progress.
pub(crate) struct PlannerJob {
    pub(crate) algorithm: &'static str,
    /// The environment's id.
    pub(crate) env: String,
    pub(crate) run: PlanConfig,
    pub(crate) tolerance: f64,
    pub(crate) max_sweeps: u64,
    pub(crate) planner: Box<dyn Planner>,
}

impl Job for PlannerJob {
    fn steps(&self) -> u64 {
        self.planner.sweeps()
    }

    fn is_over(&self) -> bool {
        self.planner.is_done()
    }

    fn advance(&mut self, until: u64, stop: &Stop<'_>, record: &mut Recorder<'_>) -> Result<(), Error> {
        while !self.planner.is_done() && self.planner.sweeps() < until {
            if self.planner.sweeps() >= self.max_sweeps {
                let (sweeps, residual) = (self.planner.sweeps(), self.planner.residual());
                return Err(TrainError::NotConverged { sweeps, residual }.into());
            }
            self.planner.sweep();
            let step = self.planner.sweeps();
            if step.is_multiple_of(self.run.log_interval) || self.planner.is_done() {
                let values = vec![
                    (catalogue::PLANNING_ITERATIONS, self.planner.iterations() as f64),
                    (catalogue::PLANNING_RESIDUAL, self.planner.residual()),
                    (catalogue::PLANNING_START_VALUE, self.planner.start_value()),
                ];
                record(&Record { step, values })?;
            }
            if stop() {
                break;
            }
        }
        Ok(())
    }

    fn progress(&self) -> (u64, u64, String) {
        // Progress by the number of correct digits; for display only.
        let digits = |size: f64| (-size.log10()).clamp(0.0, 300.0) as u64;
        let (residual, total) = (self.planner.residual(), digits(self.tolerance).max(1));
        (digits(residual).min(total), total, format!("residual {residual:.1e}"))
    }

    fn score(&self) -> Option<f64> {
        None
    }

    fn finish(&mut self, stop: &Stop<'_>) -> Result<Option<Outcome>, Error> {
        let Some(q) = self.planner.values().q_unless(stop) else { return Ok(None) };
        let summary = json!({
            "command": "train",
            "algorithm": self.algorithm,
            "env": self.env,
            "seed": self.run.seed,
            (catalogue::START_VALUE): self.planner.start_value(),
            "iterations": self.planner.iterations(),
            "sweeps": self.planner.sweeps(),
            "residual": self.planner.residual(),
        });
        Ok(Some(Outcome { model: Model::Table(q), summary, visits: None, compared: None }))
    }
}

snapshot! {
    impl Restorable for PlannerJob {
        saved: planner via Flat;
        built: algorithm, env, run, tolerance, max_sweeps;
    }
}
