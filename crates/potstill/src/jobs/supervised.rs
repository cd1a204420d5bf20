//! The job of training a classifier on labels, or on labels and a teacher.

use super::comparison::{Answered, Comparison, FittedClasses, Taught};
use super::control::{Control, ControlState};
use super::judged::calibration_rows;
use super::{Compared, Job, Outcome, Recorder};
use crate::data::{Column, Dataset, Preprocessing};
use crate::distill::classifier::{error_rate, logits};
use crate::distill::{ClassifierTrainer, FitConfig, HintConfig, SoftTargets};
use crate::error::Error;
use crate::metrics::{Record, catalogue};
use crate::model::{Model, Predictor};
use crate::optimizer::OptimizerConfig;
use crate::train::{Stop, TrainError};
use potstill_core::{Streams, snapshot};
use potstill_nn::{Network, NetworkSpec, Workers};
use serde_json::Value as Json;
use std::sync::Arc;

/// Encoded samples to train and to test on.
pub(crate) struct Parts {
    pub(crate) train: Arc<Dataset>,
    pub(crate) test: Arc<Dataset>,
    /// The rows of the data that these are; none to test on if they are apart.
    pub(crate) rows: (Vec<usize>, Vec<usize>),
    /// The rows without labels that are trained on behind the others.
    pub(crate) unlabelled: Vec<usize>,
    /// The preprocessing that encoded them.
    pub(crate) preprocessing: Arc<Preprocessing>,
    /// Columns of the test rows as they were, to be shown.
    pub(crate) shown: Vec<Column>,
}

/// Training of a classifier.
pub(crate) struct SupervisedJob {
    fit: FitConfig,
    seed: u64,
    trainer: ClassifierTrainer,
    train: Arc<Dataset>,
    test: Arc<Dataset>,
    /// The rows of the data that the test samples are; none if they stand apart.
    test_rows: Vec<usize>,
    /// Columns of these as they were, to be shown.
    shown: Vec<Column>,
    preprocessing: Arc<Preprocessing>,
    teacher: Option<Taught>,
    control: Option<Control>,
    warning: Option<String>,
    /// The error on the test samples after the last epoch, 0 to 1.
    test_error: f64,
}

impl SupervisedJob {
    pub(crate) fn new(
        Parts { train, test, preprocessing, rows: (_, test_rows), shown, .. }: Parts,
        seed: u64,
        spec: &NetworkSpec,
        (fit, optimizer): (FitConfig, OptimizerConfig),
        soft_targets: Option<SoftTargets>,
        teacher: Option<Taught>,
    ) -> Self {
        let configs = (fit.clone(), optimizer);
        let has_control = teacher.as_ref().is_some_and(|teacher| teacher.has_control);
        let control = has_control.then(|| Control::new(configs.clone(), spec, &train, seed));
        let mut trainer =
            ClassifierTrainer::with(configs, spec, train.clone(), soft_targets, Streams::new(seed));
        let warning = trainer.idle_term();
        let test_error = 1.0;
        Self {
            fit,
            seed,
            trainer,
            train,
            test,
            test_rows,
            shown,
            preprocessing,
            teacher,
            control,
            warning,
            test_error,
        }
    }

    /// Lets the student imitate hidden layers of a teacher's network.
    ///
    /// # Errors
    /// As [`ClassifierTrainer::with_hints`].
    pub(crate) fn with_hints(
        self,
        config: &HintConfig,
        teacher: Network,
        optimizer: &OptimizerConfig,
    ) -> Result<Self, String> {
        let streams = Streams::new(self.seed);
        Ok(Self { trainer: self.trainer.with_hints(config, teacher, optimizer, streams)?, ..self })
    }

    /// Computes passes with these threads. Results do not depend on their number.
    #[must_use]
    pub(crate) fn with_threads(mut self, threads: usize) -> Self {
        let workers = Workers::new(threads);
        self.control = self.control.map(|control| control.with_workers(workers.clone()));
        self.trainer = self.trainer.with_workers(workers);
        self
    }

    /// Notes the answers of a student that is its own teacher, as they are at the end.
    fn ask_itself(&mut self, fitted_on: &Dataset) {
        let (Some(network), Some(taught)) = (self.trainer.own_teacher(), &mut self.teacher) else { return };
        taught.logits = Some(logits(network, &self.test.inputs));
        taught.calibration = logits(network, &fitted_on.inputs);
        taught.parameters = Some(network.parameters().len());
        taught.predictor = Predictor::new(network.clone(), Arc::clone(&self.preprocessing)).ok();
    }

    /// The classifiers of the run, measured: their numbers go into the summary.
    fn compare(&mut self, summary: &mut Json) -> Compared {
        let fitted_on = Arc::new(self.train.select(&calibration_rows(&self.train)));
        self.ask_itself(&fitted_on);
        let answers = |trainer: &mut ClassifierTrainer| {
            let [test, fitted_on] = [&self.test, &fitted_on].map(|data| trainer.embedded(data));
            [test, fitted_on].map(|data| logits(trainer.student(), &data.inputs))
        };
        let [test, calibration] = answers(&mut self.trainer);
        let own =
            Answered { predictor: self.trainer.predictor(&self.preprocessing), test, fitted_on: calibration };
        let labels = self.control.as_mut().map(|control| {
            let [test, fitted_on] = answers(&mut control.trainer);
            Answered { predictor: control.trainer.predictor(&self.preprocessing), test, fitted_on }
        });
        let comparison = Comparison {
            preprocessing: &self.preprocessing,
            test: &self.test,
            test_rows: &self.test_rows,
            shown: &self.shown,
            fitted_labels: &fitted_on.labels,
            teacher: self.teacher.as_mut(),
        };
        comparison.compare(own, labels, summary)
    }
}

impl Job for SupervisedJob {
    fn steps(&self) -> u64 {
        self.trainer.steps()
    }

    fn warning(&self) -> Option<&str> {
        self.warning.as_deref()
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
        let mut stops = false;
        let total = self.fit.total_steps(self.train.len());
        while self.trainer.steps() < until && !self.is_over() && !stops {
            let step = self.trainer.steps() + 1;
            let epoch = self.trainer.step().map_err(|source| TrainError::Learn { step, source })?;
            if let Some(control) = &mut self.control {
                control.follow(step, total).map_err(|source| TrainError::Learn { step, source })?;
            }
            stops = stop();
            let Some(loss) = epoch else { continue };
            let test = self.trainer.embedded(&self.test);
            self.test_error = error_rate(self.trainer.student(), &test);
            let mut values = vec![
                (catalogue::EPOCHS, self.trainer.epochs() as f64),
                (catalogue::LOSS, loss),
                (catalogue::EVAL_TEST_ERROR, self.test_error),
            ];
            if let Some([soft, hard]) = self.trainer.terms() {
                values.extend([(catalogue::SOFT_LOSS, soft), (catalogue::HARD_LOSS, hard)]);
            }
            values.extend(self.trainer.hint_loss().map(|loss| (catalogue::HINT_LOSS, loss)));
            if let Some(control) = &mut self.control {
                control.test(&self.test);
                values.extend([
                    (catalogue::EVAL_TEST_ERROR_LABELS, control.test_error),
                    (catalogue::LOSS_LABELS, control.loss),
                ]);
            }
            values.extend(self.trainer.measured());
            record(&Record { step, values })?;
        }
        Ok(())
    }

    fn progress(&self) -> (u64, u64, String) {
        let labels = self
            .control
            .as_ref()
            .map_or(String::new(), |control| format!(", of labels only {:.2} %", 100.0 * control.test_error));
        let note = format!("test error {:.2} %{labels}", 100.0 * self.test_error);
        (self.trainer.epochs(), self.fit.epochs, note)
    }

    fn score(&self) -> Option<f64> {
        (self.trainer.epochs() > 0).then_some(-self.test_error)
    }

    fn finish(&mut self, _: &Stop<'_>) -> Result<Option<Outcome>, Error> {
        let [train, test] = [&self.train, &self.test].map(|data| self.trainer.embedded(data));
        let student = self.trainer.student();
        let fitted = FittedClasses {
            seed: self.seed,
            epochs: Some(self.fit.epochs),
            data: [&self.train, &self.test],
            held_out: self.fit.validation_samples,
            errors: [error_rate(student, &train), error_rate(student, &test)],
            is_taught: self.teacher.is_some(),
        };
        let mut summary = fitted.summary();
        let compared = Some(self.compare(&mut summary));
        let model = Model::Predictor(self.trainer.predictor(&self.preprocessing));
        Ok(Some(Outcome { model, summary, visits: None, compared }))
    }
}

snapshot! {
    impl Restorable for SupervisedJob {
        saved: trainer, test_error, control via ControlState;
        built: fit, seed, train, test, test_rows, shown, preprocessing, teacher, warning;
    }
}
