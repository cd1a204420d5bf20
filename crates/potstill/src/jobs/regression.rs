//! The job of training a regression on labels, or on labels and a teacher's values.

use super::control::{Control, ControlState};
use super::supervised::Parts;
use super::{Job, Outcome, Recorder};
use crate::data::{Dataset, Preprocessing};
use crate::distill::regression::{self, rmse, rmse_of};
use crate::distill::{ClassifierTrainer, FitConfig, ValueTargets};
use crate::error::Error;
use crate::metrics::{Record, catalogue};
use crate::model::Model;
use crate::optimizer::OptimizerConfig;
use crate::train::{Stop, TrainError};
use potstill_core::{Streams, snapshot};
use potstill_nn::{NetworkSpec, Workers};
use serde_json::{Value as Json, json};
use std::sync::Arc;

/// The key of the error of a student of labels alone.
pub(crate) const LABELS_TEST_RMSE: &str = "labels_test_rmse";

/// The teacher of a student's values.
pub(crate) struct TaughtValues {
    /// Its path, as the user gave it.
    pub(crate) name: String,
    /// Its scaled values of the training samples, with their uncertainty.
    pub(crate) targets: ValueTargets,
    /// Its scaled values of the samples to test on; none if it has not answered these.
    pub(crate) test: Option<Vec<f32>>,
    /// Its parameters, if they are known.
    pub(crate) parameters: Option<usize>,
    /// True if a student of labels alone is trained beside.
    pub(crate) has_control: bool,
}

/// Training of a regression.
pub(crate) struct RegressionJob {
    fit: FitConfig,
    seed: u64,
    trainer: ClassifierTrainer,
    train: Arc<Dataset>,
    test: Arc<Dataset>,
    preprocessing: Arc<Preprocessing>,
    teacher: Option<TaughtValues>,
    control: Option<Control>,
    /// The root of the mean squared error on the test samples after the last epoch, in the unit of the values.
    test_rmse: f64,
}

impl RegressionJob {
    pub(crate) fn new(
        Parts { train, test, preprocessing, .. }: Parts,
        seed: u64,
        spec: &NetworkSpec,
        (fit, optimizer): (FitConfig, OptimizerConfig),
        teacher: Option<TaughtValues>,
    ) -> Self {
        let configs = (fit.clone(), optimizer);
        let has_control = teacher.as_ref().is_some_and(|teacher| teacher.has_control);
        let control = has_control.then(|| Control::new(configs.clone(), spec, &train, seed));
        let mut trainer = ClassifierTrainer::with(configs, spec, train.clone(), None, Streams::new(seed));
        if let Some(teacher) = &teacher {
            trainer = trainer.with_values(teacher.targets.clone());
        }
        Self { fit, seed, trainer, train, test, preprocessing, teacher, control, test_rmse: f64::INFINITY }
    }

    /// Computes passes with these threads. Results do not depend on their number.
    #[must_use]
    pub(crate) fn with_threads(mut self, threads: usize) -> Self {
        let workers = Workers::new(threads);
        self.control = self.control.map(|control| control.with_workers(workers.clone()));
        self.trainer = self.trainer.with_workers(workers);
        self
    }

    /// The unit of a scaled value: the standard deviation of the training samples.
    fn unit(&self) -> f64 {
        self.preprocessing.value(1.0) - self.preprocessing.value(0.0)
    }
}

impl Job for RegressionJob {
    fn steps(&self) -> u64 {
        self.trainer.steps()
    }

    fn start_from(&mut self, model: &Model) -> Result<(), String> {
        if let Some(control) = &mut self.control {
            control.trainer.start_from(model)?;
        }
        self.trainer.start_from(model)
    }

    fn is_over(&self) -> bool {
        self.trainer.epochs() >= self.fit.epochs
    }

    fn advance(&mut self, until: u64, stop: &Stop<'_>, record: &mut Recorder<'_>) -> Result<(), Error> {
        let total = self.fit.total_steps(self.train.len());
        let mut stops = false;
        while self.trainer.steps() < until && !self.is_over() && !stops {
            let step = self.trainer.steps() + 1;
            let epoch = self.trainer.step().map_err(|source| TrainError::Learn { step, source })?;
            if let Some(control) = &mut self.control {
                control.follow(step, total).map_err(|source| TrainError::Learn { step, source })?;
            }
            stops = stop();
            let Some(loss) = epoch else { continue };
            let test = self.trainer.embedded(&self.test);
            self.test_rmse = self.unit() * rmse(self.trainer.student(), &test);
            let mut values = vec![
                (catalogue::EPOCHS, self.trainer.epochs() as f64),
                (catalogue::LOSS, loss),
                (catalogue::EVAL_TEST_RMSE, self.test_rmse),
            ];
            if let Some([soft, hard]) = self.trainer.terms() {
                values.extend([(catalogue::SOFT_LOSS, soft), (catalogue::HARD_LOSS, hard)]);
            }
            let unit = self.unit();
            if let Some(control) = &mut self.control {
                control.test(&self.test);
                values.extend([
                    (catalogue::EVAL_TEST_RMSE_LABELS, unit * control.test_error),
                    (catalogue::LOSS_LABELS, control.loss),
                ]);
            }
            values.extend(self.trainer.measured());
            record(&Record { step, values })?;
        }
        Ok(())
    }

    fn progress(&self) -> (u64, u64, String) {
        (self.trainer.epochs(), self.fit.epochs, format!("test error {:.4} (RMS)", self.test_rmse))
    }

    fn score(&self) -> Option<f64> {
        (self.trainer.epochs() > 0).then_some(-self.test_rmse)
    }

    fn finish(&mut self, _: &Stop<'_>) -> Result<Option<Outcome>, Error> {
        let [train, test] = [&self.train, &self.test].map(|data| self.trainer.embedded(data));
        let student = self.trainer.student();
        let fitted = FittedValues {
            seed: self.seed,
            length: ("epochs", self.fit.epochs),
            data: [&self.train, &self.test],
            unit: self.unit(),
            held_out: self.fit.validation_samples,
            errors: [rmse(student, &train), rmse(student, &test)],
        };
        let of_labels = self.control.as_mut().map(|control| {
            control.test(&self.test);
            control.test_error
        });
        let summary = fitted.summary(self.teacher.as_ref(), of_labels);
        let model = Model::Predictor(self.trainer.predictor(&self.preprocessing));
        Ok(Some(Outcome { model, summary, visits: None, compared: None }))
    }
}

/// The result of a regression.
pub(super) struct FittedValues<'a> {
    pub(super) seed: u64,
    /// The unit and the number of what was done.
    pub(super) length: (&'static str, u64),
    /// Samples to train and to test on.
    pub(super) data: [&'a Dataset; 2],
    /// The unit of a scaled value.
    pub(super) unit: f64,
    /// Samples that are held out to choose by.
    pub(super) held_out: u64,
    /// The roots of the mean squared errors on both, of scaled values.
    pub(super) errors: [f64; 2],
}

impl FittedValues<'_> {
    /// The summary of a run, perhaps with a teacher and the error on the test samples of a student of labels alone.
    pub(super) fn summary(&self, teacher: Option<&TaughtValues>, of_labels: Option<f64>) -> Json {
        let Self { seed, length, data: [train, test], unit, held_out, errors } = *self;
        let [train_rmse, test_rmse] = errors.map(|error| unit * error);
        let of_mean = unit * deviation(&test.values);
        let mut summary = json!({
            "command": "train",
            "algorithm": regression::ALGORITHM.name,
            "seed": seed,
            (length.0): length.1,
            "train_samples": train.labelled(),
            "test_samples": test.len(),
            "train_rmse": train_rmse,
            (catalogue::TEST_RMSE): test_rmse,
            "mean_rmse": of_mean,
            // 1 less the share of the test samples' variance that is left.
            "r_squared": 1.0 - (test_rmse / of_mean) * (test_rmse / of_mean),
        });
        if held_out > 0 {
            summary["validation_samples"] = json!(held_out);
        }
        let unlabelled = train.len() - train.labelled();
        if unlabelled > 0 {
            summary["unlabelled_samples"] = json!(unlabelled);
        }
        if let Some(TaughtValues { name, test: theirs, parameters, .. }) = teacher {
            summary["command"] = json!("distill");
            summary["algorithm"] = json!("teacher values");
            summary["teacher"] = json!(name);
            if let Some(parameters) = parameters {
                summary["teacher_parameters"] = json!(parameters);
            }
            if let Some(theirs) = theirs {
                summary["teacher_test_rmse"] = json!(unit * rmse_of(theirs, &test.values));
            }
            if let Some(error) = of_labels {
                summary[LABELS_TEST_RMSE] = json!(unit * error);
            }
        }
        summary
    }
}

/// The standard deviation of values: the error of their mean.
pub(crate) fn deviation(values: &[f32]) -> f64 {
    let mean = values.iter().map(|&x| f64::from(x)).sum::<f64>() / values.len() as f64;
    rmse_of(&vec![mean as f32; values.len()], values)
}

snapshot! {
    impl Restorable for RegressionJob {
        saved: trainer, test_rmse, control via ControlState;
        built: fit, seed, train, test, preprocessing, teacher;
    }
}
