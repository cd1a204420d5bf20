//! The control of a distillation: a student of the same form, seed and samples that learns from the labels alone, in step with the
//! distilled one.

use crate::agent::LearnError;
use crate::data::Dataset;
use crate::distill::classifier::error_rate;
use crate::distill::regression::rmse;
use crate::distill::{ClassifierTrainer, FitConfig};
use crate::optimizer::OptimizerConfig;
use potstill_core::snapshot::Codec;
use potstill_core::{Restorable, Snapshot, SnapshotError, Streams, Value, snapshot};
use potstill_nn::{NetworkSpec, Workers};
use std::sync::Arc;

/// A student of labels alone.
pub(super) struct Control {
    pub(super) trainer: ClassifierTrainer,
    /// Gradient steps of its whole training.
    total: u64,
    /// Its mean loss in its last epoch.
    pub(super) loss: f64,
    /// Its error on the test samples after the last epoch: 0 to 1, or the root of the mean square of scaled values.
    pub(super) test_error: f64,
}

impl Control {
    /// A control that has not begun, of the samples with labels among those that the other student learns.
    pub(super) fn new(
        (fit, optimizer): (FitConfig, OptimizerConfig),
        spec: &NetworkSpec,
        train: &Arc<Dataset>,
        seed: u64,
    ) -> Self {
        let labelled: Vec<usize> = (0..train.labelled()).collect();
        let data =
            if labelled.len() < train.len() { Arc::new(train.select(&labelled)) } else { train.clone() };
        let total = fit.total_steps(labelled.len());
        let trainer = ClassifierTrainer::with((fit, optimizer), spec, data, None, Streams::new(seed));
        Self { trainer, total, loss: 0.0, test_error: 1.0 }
    }

    /// The same, with these threads for its passes.
    pub(super) fn with_workers(self, workers: Workers) -> Self {
        Self { trainer: self.trainer.with_workers(workers), ..self }
    }

    /// Trains until the same share of its training is done as of the other student's, `done` of `total` steps: rows
    /// without labels give that one more of them.
    pub(super) fn follow(&mut self, done: u64, total: u64) -> Result<(), LearnError> {
        let wide = u128::from;
        while wide(self.trainer.steps()) * wide(total) < wide(done) * wide(self.total) {
            if let Some(loss) = self.trainer.step()? {
                self.loss = loss;
            }
        }
        Ok(())
    }

    /// Measures its error on the test samples.
    pub(super) fn test(&mut self, test: &Arc<Dataset>) {
        let test = self.trainer.embedded(test);
        let measure = if test.classes == 0 { rmse } else { error_rate };
        self.test_error = measure(self.trainer.student(), &test);
    }
}

snapshot! {
    impl Restorable for Control {
        saved: trainer, loss, test_error;
        built: total;
    }
}

/// The codec of a control. A run that was begun without one goes on without one.
pub(super) struct ControlState;

impl Codec<Option<Control>> for ControlState {
    fn save(&self, control: &Option<Control>, name: &str, snapshot: &mut Snapshot) {
        if let Some(control) = control {
            snapshot.insert(name, Value::Tree(control.snapshot()));
        }
    }

    fn load(
        &self,
        control: &mut Option<Control>,
        name: &str,
        snapshot: &Snapshot,
    ) -> Result<(), SnapshotError> {
        match control {
            Some(own) if snapshot.contains(name) => own.restore(snapshot.tree(name)?),
            _ => {
                *control = None;
                Ok(())
            }
        }
    }
}
