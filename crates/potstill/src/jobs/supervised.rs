//! The job of training a classifier on labels, or on labels and a teacher.

use super::{Job, Outcome, Recorder};
use crate::data::{Dataset, Preprocessing};
use crate::distill::classifier::{self, agreement_of, differences, error_rate, predictions};
use crate::distill::{ClassifierTrainer, FitConfig, SoftTargets};
use crate::error::Error;
use crate::metrics::{Record, catalogue};
use crate::model::Model;
use crate::optimizer::OptimizerConfig;
use crate::targets::argmax;
use crate::train::{Stop, TrainError};
use potstill_core::{Streams, snapshot};
use potstill_nn::NetworkSpec;
use serde_json::json;
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
}

/// The teacher of a student, with which it is compared.
pub(crate) struct Taught {
    /// Its path, as the user gave it.
    pub(crate) name: String,
    /// The logits of the samples to test on, `samples x classes`; none if it has not answered these.
    pub(crate) logits: Option<Vec<f32>>,
    /// Its parameters, if they are known.
    pub(crate) parameters: Option<usize>,
}

/// Training of a classifier.
pub(crate) struct SupervisedJob {
    fit: FitConfig,
    seed: u64,
    trainer: ClassifierTrainer,
    train: Arc<Dataset>,
    test: Arc<Dataset>,
    preprocessing: Arc<Preprocessing>,
    teacher: Option<Taught>,
    warning: Option<String>,
    /// The error on the test samples after the last epoch, 0 to 1.
    test_error: f64,
}

impl SupervisedJob {
    pub(crate) fn new(
        Parts { train, test, preprocessing, .. }: Parts,
        seed: u64,
        spec: &NetworkSpec,
        (fit, optimizer): (FitConfig, OptimizerConfig),
        soft_targets: Option<SoftTargets>,
        teacher: Option<Taught>,
    ) -> Self {
        let configs = (fit.clone(), optimizer);
        let mut trainer =
            ClassifierTrainer::with(configs, spec, train.clone(), soft_targets, Streams::new(seed));
        let warning = trainer.idle_term();
        Self { fit, seed, trainer, train, test, preprocessing, teacher, warning, test_error: 1.0 }
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
        self.trainer.start_from(model)
    }

    fn is_over(&self) -> bool {
        self.trainer.epochs() >= self.fit.epochs
    }

    fn advance(&mut self, until: u64, stop: &Stop<'_>, record: &mut Recorder<'_>) -> Result<(), Error> {
        let mut stops = false;
        while self.trainer.steps() < until && !self.is_over() && !stops {
            let step = self.trainer.steps() + 1;
            let epoch = self.trainer.step().map_err(|source| TrainError::Learn { step, source })?;
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
            values.extend(self.trainer.measured());
            record(&Record { step, values })?;
        }
        Ok(())
    }

    fn progress(&self) -> (u64, u64, String) {
        let note = format!("test error {:.2} %", 100.0 * self.test_error);
        (self.trainer.epochs(), self.fit.epochs, note)
    }

    fn score(&self) -> Option<f64> {
        (self.trainer.epochs() > 0).then_some(-self.test_error)
    }

    fn finish(&mut self, _: &Stop<'_>) -> Result<Option<Outcome>, Error> {
        let [train, test] = [&self.train, &self.test].map(|data| self.trainer.embedded(data));
        let student = self.trainer.student();
        let mut summary = json!({
            "command": "train",
            "algorithm": classifier::ALGORITHM.name,
            "seed": self.seed,
            "epochs": self.fit.epochs,
            "train_samples": self.train.labels.len(),
            "test_samples": self.test.len(),
            "train_error": error_rate(student, &train),
            (catalogue::TEST_ERROR): error_rate(student, &test),
            "majority_error": majority_error(&self.train, &self.test),
            "classes": self.preprocessing.classes().len(),
        });
        let unlabelled = self.train.len() - self.train.labels.len();
        if unlabelled > 0 {
            summary["unlabelled_samples"] = json!(unlabelled);
        }
        if let Some(Taught { name, logits, parameters }) = &self.teacher {
            summary["command"] = json!("distill");
            summary["algorithm"] = json!("soft targets");
            summary["teacher"] = json!(name);
            if let Some(parameters) = parameters {
                summary["teacher_parameters"] = json!(parameters);
            }
            if let Some(logits) = logits {
                let theirs: Vec<usize> = logits.chunks_exact(self.test.classes).map(argmax).collect();
                let ours = predictions(student, &test.inputs);
                let wrong = differences(&theirs, &self.test.labels);
                summary["teacher_test_error"] = json!(wrong as f64 / theirs.len() as f64);
                summary["agreement"] = json!(agreement_of(&theirs, &ours));
            }
        }
        let model = Model::Predictor(self.trainer.predictor(&self.preprocessing));
        Ok(Some(Outcome { model, summary, visits: None }))
    }
}

/// The test error of a classifier that always names the most frequent class of the training samples, 0 to 1.
fn majority_error(train: &Dataset, test: &Dataset) -> f64 {
    let mut counts = vec![0_u64; train.classes];
    train.labels.iter().for_each(|&label| counts[label] += 1);
    let most = counts.iter().copied().max().and_then(|most| counts.iter().position(|&count| count == most));
    let wrong = test.labels.iter().filter(|&&label| Some(label) != most).count();
    wrong as f64 / test.len() as f64
}

snapshot! {
    impl Restorable for SupervisedJob {
        saved: trainer, test_error;
        built: fit, seed, train, test, preprocessing, teacher, warning;
    }
}
