//! The control of a distillation: a student of the same form, seed and samples that learns from the labels alone, in step with the
//! distilled one.

use crate::agent::LearnError;
use crate::data::Dataset;
use crate::distill::ClassifierTrainer;
use crate::distill::classifier::error_rate;
use potstill_core::snapshot::Codec;
use potstill_core::{Restorable, Snapshot, SnapshotError, Value, snapshot};
use potstill_nn::Workers;
use std::sync::Arc;

/// A student of labels alone.
pub(super) struct Control {
    pub(super) trainer: ClassifierTrainer,
    /// Gradient steps of its whole training.
    total: u64,
    /// Its mean loss in its last epoch.
    pub(super) loss: f64,
    /// Its error on the test samples after the last epoch, 0 to 1.
    pub(super) test_error: f64,
}

impl Control {
    /// A control that has not begun, and the number of gradient steps that it takes in all.
    pub(super) fn new(trainer: ClassifierTrainer, total: u64) -> Self {
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
        self.test_error = error_rate(self.trainer.student(), &test);
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
