//! Teacher, student of labels and distilled student, measured beside each other: numbers for the summary, figures for the report.

use super::judged::{Candidate, Judge, MODEL, STUDENT_DISTILLED, STUDENT_LABELS, TEACHER};
use super::{Compared, Timed};
use crate::data::{Column, Dataset, Preprocessing};
use crate::distill::classifier;
use crate::metrics::catalogue;
use crate::model::Predictor;
use serde_json::{Value as Json, json};
use std::sync::Arc;

/// The teacher of a student, with which it is compared.
pub(crate) struct Taught {
    /// Its path, as the user gave it.
    pub(crate) name: String,
    /// The logits of the samples to test on, `samples x classes`; none if it has not answered these.
    pub(crate) logits: Option<Vec<f32>>,
    /// The logits of the [samples that temperatures are fitted on](calibration_rows).
    pub(crate) calibration: Vec<f32>,
    /// Its parameters, if they are known.
    pub(crate) parameters: Option<usize>,
    /// Its network, if it takes the student's inputs.
    pub(crate) predictor: Option<Predictor>,
    /// The measurement of its time, if it does not.
    pub(crate) timed: Option<Timed>,
    /// The temperature of the soft targets at the beginning.
    pub(crate) temperature: f64,
    /// True if a student of labels alone is trained beside.
    pub(crate) has_control: bool,
}

/// A classifier of the run with its logits.
pub(super) struct Answered {
    pub(super) predictor: Predictor,
    /// Of the test samples.
    pub(super) test: Vec<f32>,
    /// Of the samples that temperatures are fitted on.
    pub(super) fitted_on: Vec<f32>,
}

/// The common parts of a comparison.
pub(super) struct Comparison<'a> {
    pub(super) preprocessing: &'a Preprocessing,
    pub(super) test: &'a Arc<Dataset>,
    /// The rows of the data that the test samples are; none if they stand apart.
    pub(super) test_rows: &'a [usize],
    /// Columns of these as they were, to be shown.
    pub(super) shown: &'a [Column],
    /// The labels of the samples that temperatures are fitted on.
    pub(super) fitted_labels: &'a [usize],
    pub(super) teacher: Option<&'a mut Taught>,
}

impl Comparison<'_> {
    /// Measures the run's own classifier, its teacher and a student of labels; the numbers go into the summary.
    pub(super) fn compare(self, own: Answered, labels: Option<Answered>, summary: &mut Json) -> Compared {
        let judge = Judge {
            classes: self.preprocessing.classes(),
            test: self.test,
            rows: self.test_rows,
            shown: self.shown,
            fitted_labels: self.fitted_labels,
            teacher: self.teacher.as_deref().and_then(|teacher| teacher.logits.as_deref()),
        };
        let mut figures = Vec::new();
        let mut measure = |key: &'static str, test: &[f32], fitted_on: &[f32]| {
            let (numbers, figure) = judge.measure(&Candidate { key, test, fitted_on });
            figures.push(figure);
            numbers
        };
        let mut models = Vec::new();
        let Answered { predictor, test, fitted_on } = own;
        if let Some(Taught { name, logits, calibration: theirs, parameters, predictor: network, .. }) =
            self.teacher.as_deref()
        {
            let mut about =
                logits.as_ref().map_or_else(|| json!({}), |logits| measure(TEACHER, logits, theirs));
            about["run"] = json!(name);
            about["parameters"] = json!(parameters);
            summary[TEACHER] = about;
            models.extend(network.clone().map(|predictor| (TEACHER, predictor)));
            if let Some(labels) = labels {
                summary[STUDENT_LABELS] = measure(STUDENT_LABELS, &labels.test, &labels.fitted_on);
                models.push((STUDENT_LABELS, labels.predictor));
            }
            summary[STUDENT_DISTILLED] = measure(STUDENT_DISTILLED, &test, &fitted_on);
            models.push((STUDENT_DISTILLED, predictor));
        } else {
            let numbers = measure(MODEL, &test, &fitted_on);
            // Its agreement is with a teacher.
            let known = numbers.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
            known.for_each(|(key, value)| summary[key.as_str()] = value.clone());
            models.push((MODEL, predictor));
        }
        let temperature = self.teacher.as_deref().map_or(1.0, |teacher| teacher.temperature);
        let quality = json!({
            "classes": self.preprocessing.classes(),
            "calibration_samples": self.fitted_labels.len(),
            "is_apart": self.test_rows.is_empty(),
            "models": figures,
            "rows": judge.listed(&test),
            "soft_targets": judge.soft_targets(&test, temperature),
        });
        let timed = self.teacher.and_then(|teacher| teacher.timed.take());
        Compared { quality, models, teacher: timed, samples: Arc::clone(self.test) }
    }
}

/// A classifier after its training, as its summary begins.
pub(super) struct FittedClasses<'a> {
    pub(super) seed: u64,
    /// Passes over the training samples; none of a tree.
    pub(super) epochs: Option<u64>,
    /// Samples to train and to test on.
    pub(super) data: [&'a Dataset; 2],
    /// Samples that were held out to choose by.
    pub(super) held_out: u64,
    /// The errors on these samples, 0 to 1.
    pub(super) errors: [f64; 2],
    /// True if it had a teacher.
    pub(super) is_taught: bool,
}

impl FittedClasses<'_> {
    pub(super) fn summary(&self) -> Json {
        let [train, test] = self.data;
        let (command, algorithm) = match self.is_taught {
            true => ("distill", "soft targets"),
            false => ("train", classifier::ALGORITHM.name),
        };
        let mut summary = json!({ "command": command, "algorithm": algorithm, "seed": self.seed });
        if let Some(epochs) = self.epochs {
            summary["epochs"] = json!(epochs);
        }
        summary["train_samples"] = json!(train.labels.len());
        summary["test_samples"] = json!(test.len());
        summary["train_error"] = json!(self.errors[0]);
        summary[catalogue::TEST_ERROR] = json!(self.errors[1]);
        summary["majority_error"] = json!(majority_error(train, test));
        summary["classes"] = json!(train.classes);
        if self.held_out > 0 {
            summary["validation_samples"] = json!(self.held_out);
        }
        let unlabelled = train.len() - train.labels.len();
        if unlabelled > 0 {
            summary["unlabelled_samples"] = json!(unlabelled);
        }
        summary
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
