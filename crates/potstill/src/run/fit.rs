//! Fitting in memory: a student of rows that a program holds, and of a teacher's answers to them, without a run directory.
//!
//! It learns what a run of `potstill distill` on the same rows and recorded answers learns, to the bit.
//!
//! ```
//! use potstill::config::read_toml;
//! use potstill::model::Model;
//! use potstill::run::{FitRequest, Lesson, Quiet, fit};
//!
//! let rows: Vec<f32> = (0..64).map(|i| i as f32).collect();
//! let request = FitRequest {
//!     shape: [1, 1, 1],
//!     rows,
//!     lesson: Lesson::Classes {
//!         classes: vec!["low".to_owned(), "high".to_owned()],
//!         labels: (0..64).map(|i| usize::from(i >= 32)).collect(),
//!         answers: None,
//!     },
//!     weights: Vec::new(),
//!     settings: read_toml("student = 'tree:1'", potstill::config::Origin::CommandLine)?,
//!     threads: 1,
//! };
//! let Model::Predictor(student) = fit(request, &Quiet)?.model else { unreachable!("of rows") };
//! assert_eq!(student.rules(1).unwrap(), ["X[0] <= 31.5: low (98 %)", "X[0] > 31.5: high (98 %)"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use super::checks::{bad, usage};
use super::idle_keys::idle_keys;
use super::labels::{check_student, first, no_better_than_majority, no_better_than_mean, tree_targets};
use super::lessons::ANSWERED_ONCE;
use super::observer::Observer;
use crate::config::{Layer, Origin, Resolved, Settings, StudentSpec, TreeSpec, resolve};
use crate::data::preprocessing::Target;
use crate::data::{Column, DataFrame, Dataset, Preprocessing, Values};
use crate::distill::{
    AnswerKind, Answers, ClassifierTrainer, DivergenceKind, FitConfig, Samples, SoftTargets, Source,
    TreeGrower, TreeTargets, ValueTargets,
};
use crate::error::Error;
use crate::export::{About, Purpose};
use crate::jobs::{ClassFit, ValueFit, calibration_rows};
use crate::model::{Model, Predictor};
use crate::optimizer::StudentOptimizer;
use crate::train::TrainError;
use crate::words::counted;
use potstill_core::Streams;
use potstill_nn::Workers;
use std::sync::Arc;
use toml::Table;

/// The names of the inputs and of the labels in the model.
const ROWS: &str = "X";
const LABELS: &str = "label";
/// Keys of a split, which is not made here.
const OF_SPLIT: [&str; 3] = ["test_samples", "validation_samples", "split_seed"];

/// Rows, and what a student learns of them.
#[derive(Clone, Debug)]
pub struct FitRequest {
    /// Height, width and channels of a row that is an image; `[1, 1, n]` of `n` numbers, each of which is scaled to a mean of 0
    /// and a deviation of 1 over the labelled rows.
    pub shape: [usize; 3],
    /// `rows x numbers`; those with a label stand before the others.
    pub rows: Vec<f32>,
    /// The labels, and a teacher's answers.
    pub lesson: Lesson,
    /// The weight of each labelled row, above 0; empty if all count the same.
    pub weights: Vec<f64>,
    /// `student`, `seed`, and the settings of `potstill distill` for its losses, its training and its optimiser.
    pub settings: Table,
    /// The number of threads; no result depends on it.
    pub threads: usize,
}

/// The labels of rows, and a teacher's answers to all of them.
#[derive(Clone, Debug)]
pub enum Lesson {
    /// Classes.
    Classes {
        /// Their names, in the order of the student's outputs.
        classes: Vec<String>,
        /// The class of each labelled row.
        labels: Vec<usize>,
        /// The answers to all rows, `rows x classes`.
        answers: Option<(AnswerKind, Vec<f64>)>,
    },
    /// Numbers.
    Values {
        /// The number of each labelled row.
        labels: Vec<f64>,
        /// The answers to all rows.
        answers: Option<Vec<f64>>,
    },
}

/// A fitted student.
#[derive(Clone, Debug)]
pub struct Fitted {
    /// The student behind the scaling of its rows.
    pub model: Model,
    /// The meaning of its outputs, for an export.
    pub about: About,
    /// The mean loss of each epoch, without weights of rows; empty of a tree.
    pub losses: Vec<f64>,
}

/// Fits a student. Warnings are the observer's, and so is the wish to stop, of which nothing is kept.
///
/// # Errors
/// If a setting is wrong, or rows, labels, weights and answers do not fit each other or hold a number that is not finite; if
/// a loss or a gradient is not finite; if it was stopped.
pub fn fit(request: FitRequest, observer: &dyn Observer) -> Result<Fitted, Error> {
    let FitRequest { shape, rows, lesson, weights, settings, threads } = request;
    if let Some(key) = OF_SPLIT.into_iter().find(|key| settings.contains_key(*key)) {
        return Err(bad(key, "all rows are learned here; split them before, and leave it out".to_owned()));
    }
    let given = Given { shape, rows, weights, threads, observer };
    match lesson {
        Lesson::Classes { classes, labels, answers } => {
            fit_classes(given, settings, (classes, labels), answers)
        }
        Lesson::Values { labels, answers } => fit_values(given, settings, &labels, answers),
    }
}

/// The rows of a request, and the means to learn them.
struct Given<'a> {
    shape: [usize; 3],
    rows: Vec<f32>,
    weights: Vec<f64>,
    threads: usize,
    observer: &'a dyn Observer,
}

impl Given<'_> {
    fn warn(&self, warning: Option<String>) {
        warning.into_iter().for_each(|warning| self.observer.warn(&warning));
    }

    fn resolved<S: Settings + Default>(&self, values: Table) -> Result<S, Error> {
        let resolved: Resolved<S> = resolve(&[Layer { origin: Origin::CommandLine, values }])?;
        self.warn(idle_keys(&resolved));
        Ok(resolved.settings)
    }

    /// The rows as a network takes them, still without their labels, of which there are so many.
    fn encoded(&mut self, target: Target, labelled: usize) -> Result<(Dataset, Arc<Preprocessing>), Error> {
        let (shape, width) = (self.shape, self.shape.iter().product::<usize>());
        if width == 0 || self.rows.is_empty() || !self.rows.len().is_multiple_of(width) {
            let [height, width, channels] = shape;
            let numbers = counted(self.rows.len(), "number");
            return Err(usage(format!("X: {numbers} are no rows of {height} x {width} x {channels}")));
        }
        let count = self.rows.len() / width;
        if labelled == 0 || labelled > count {
            let (labels, rows) = (counted(labelled, "label"), counted(count, "row"));
            return Err(usage(format!("y: {labels} for {rows}; each row of X needs one")));
        }
        let values = Values::Arrays { shape, numbers: std::mem::take(&mut self.rows).into() };
        let frame = DataFrame::new(vec![Column::new(ROWS, values)]).map_err(usage)?;
        let all: Vec<usize> = (0..count).collect();
        let preprocessing = Preprocessing::of_target(&frame, &all[..labelled], target).map_err(usage)?;
        let data = Dataset {
            shape,
            features: width,
            classes: preprocessing.classes().len(),
            inputs: preprocessing.encode(&frame, &all).map_err(usage)?.into(),
            texts: Vec::new(),
            labels: Vec::new(),
            values: Vec::new(),
        };
        Ok((data, Arc::new(preprocessing)))
    }

    /// Refuses rows without a label that no teacher has answered, and answers to rows that change.
    fn check_answers(&self, data: &Dataset, fit: &FitConfig, has_answers: bool) -> Result<(), Error> {
        if !has_answers && data.labelled() < data.len() {
            return Err(usage("rows without a label need the answers of a teacher, and there is none"));
        }
        match has_answers && fit.changes().are_any() {
            true => Err(usage(format!("the teacher: {ANSWERED_ONCE}"))),
            false => Ok(()),
        }
    }

    /// The weights of the labelled rows relative to their mean; empty if they are equal.
    fn relative_weights(&self, labelled: usize, fit: &FitConfig) -> Result<Vec<f32>, Error> {
        let weights = &self.weights;
        if weights.is_empty() {
            return Ok(Vec::new());
        }
        if weights.len() != labelled {
            let (found, labels) = (counted(weights.len(), "weight"), counted(labelled, "label"));
            return Err(usage(format!("sample_weight: {found} for {labels}")));
        }
        if let Some(row) = weights.iter().position(|weight| !(weight.is_finite() && *weight > 0.0)) {
            let weight = weights[row];
            return Err(usage(format!("sample_weight: row {} has {weight}; weights are above 0", row + 1)));
        }
        if weights.iter().all(|weight| *weight == weights[0]) {
            return Ok(Vec::new());
        }
        if fit.mixup > 0.0 {
            return Err(bad("mixup", "rows of different weights are not mixed; leave it at 0".to_owned()));
        }
        // Relative to the largest, their sum does not overflow.
        let largest = weights.iter().copied().fold(0.0, f64::max);
        let mean = weights.iter().map(|weight| weight / largest).sum::<f64>() / labelled as f64;
        Ok(weights.iter().map(|weight| (weight / largest / mean) as f32).collect())
    }

    /// Trains a network to its end.
    fn train(
        &self,
        mut trainer: ClassifierTrainer,
        epochs: u64,
        weights: Vec<f32>,
    ) -> Result<(ClassifierTrainer, Vec<f64>), Error> {
        self.warn(trainer.idle_term());
        trainer = trainer.with_workers(Workers::new(self.threads));
        if !weights.is_empty() {
            trainer = trainer.with_weights(weights);
        }
        let mut losses = Vec::new();
        self.observer.begin("fit", epochs);
        while trainer.epochs() < epochs {
            if self.observer.stop_requested() {
                return Err(Error::Abandoned);
            }
            let step = trainer.steps() + 1;
            if let Some(loss) = trainer.step().map_err(|source| TrainError::Learn { step, source })? {
                losses.push(loss);
                self.observer.advance(trainer.epochs(), "");
            }
        }
        self.observer.end();
        Ok((trainer, losses))
    }

    /// Grows a tree to its end.
    fn grow(
        &self,
        form: TreeSpec,
        data: Arc<Dataset>,
        targets: TreeTargets,
        preprocessing: Arc<Preprocessing>,
    ) -> Result<Predictor, Error> {
        let mut grower = TreeGrower::new(form, data, targets);
        while grower.grow(&|| self.observer.stop_requested()).ok_or(Error::Abandoned)? {}
        Ok(Predictor::of_tree(grower.tree().clone(), preprocessing).expect("the preprocessing of its data"))
    }
}

impl Fitted {
    fn new(predictor: Predictor, purpose: Purpose, seed: u64, losses: Vec<f64>) -> Self {
        let metadata = [("command", "fit".to_owned()), ("seed", seed.to_string())];
        let metadata = metadata.map(|(key, value)| (key.to_owned(), value)).to_vec();
        Self { model: Model::Predictor(predictor), about: About { purpose, metadata }, losses }
    }
}

fn fit_classes(
    mut given: Given<'_>,
    settings: Table,
    (classes, labels): (Vec<String>, Vec<usize>),
    answers: Option<(AnswerKind, Vec<f64>)>,
) -> Result<Fitted, Error> {
    let (run, (soft, (fit, StudentOptimizer(optimizer)))) = given.resolved::<ClassFit>(settings)?;
    soft.check()?;
    let count = classes.len();
    if let Some(label) = labels.iter().find(|&&label| label >= count) {
        return Err(usage(format!("y: the label {label} is none of {}", counted(count, "class"))));
    }
    let target = Target::of_classes(LABELS, classes.clone()).map_err(usage)?;
    let (data, preprocessing) = given.encoded(target, labels.len())?;
    let data = Arc::new(Dataset { labels, ..data });
    given.check_answers(&data, &fit, answers.is_some())?;
    check_student(("student", &run.student), &data, &fit, &optimizer)?;
    let weights = given.relative_weights(data.labelled(), &fit)?;
    if !weights.is_empty() && soft.divergence == DivergenceKind::Dist {
        let reason = "dist compares the rows of a minibatch with each other; rows of different weights need another one";
        return Err(bad("divergence", reason.to_owned()));
    }
    let mut source = None;
    if let Some((kind, numbers)) = answers {
        let wrong = |reason: String| usage(format!("the teacher's answers: {reason}"));
        if numbers.len() != data.len() * count {
            let (numbers, rows) = (counted(numbers.len(), "number"), counted(data.len(), "row"));
            return Err(wrong(format!("{numbers} for {rows} of {}", counted(count, "class"))));
        }
        let answers = Answers::new(kind, classes, numbers).map_err(wrong)?;
        given.warn(answers.rounding());
        let mut answered = Source::recorded(count, answers.logits(preprocessing.classes()).map_err(wrong)?);
        let rows = calibration_rows(&data);
        let known: Vec<usize> = rows.iter().map(|&row| data.labels[row]).collect();
        let logits = answered.logits(Samples { inputs: &[], indices: &rows });
        given.warn(no_better_than_majority(count, logits, &known));
        source = Some(answered);
    }
    match &run.student {
        StudentSpec::Tree(form) => {
            let targets = match &mut source {
                None => TreeTargets::of_labels(&data),
                Some(source) => tree_targets(source, &data, first(soft.alpha)),
            };
            let tree = given.grow(*form, data, targets.weighed(&weights), preprocessing)?;
            Ok(Fitted::new(tree, Purpose::Classes, run.seed, Vec::new()))
        }
        StudentSpec::Network(form) => {
            let epochs = fit.epochs;
            let soft = source.map(|source| SoftTargets::new(source, soft));
            let trainer = ClassifierTrainer::with((fit, optimizer), form, data, soft, Streams::new(run.seed));
            let (trainer, losses) = given.train(trainer, epochs, weights)?;
            Ok(Fitted::new(trainer.predictor(&preprocessing), Purpose::Classes, run.seed, losses))
        }
    }
}

fn fit_values(
    mut given: Given<'_>,
    settings: Table,
    labels: &[f64],
    answers: Option<Vec<f64>>,
) -> Result<Fitted, Error> {
    let (run, (soft, (fit, StudentOptimizer(optimizer)))) = given.resolved::<ValueFit>(settings)?;
    if let Some(row) = labels.iter().position(|label| !label.is_finite()) {
        return Err(usage(format!("y: row {} has {}", row + 1, labels[row])));
    }
    let (data, preprocessing) = given.encoded(Target::of_values(LABELS, labels), labels.len())?;
    let scaled = |values: &[f64]| values.iter().map(|&value| preprocessing.scaled_value(value)).collect();
    let data = Arc::new(Dataset { values: scaled(labels), ..data });
    given.check_answers(&data, &fit, answers.is_some())?;
    check_student(("student", &run.student), &data, &fit, &optimizer)?;
    let weights = given.relative_weights(data.labelled(), &fit)?;
    let mut taught: Option<Vec<f32>> = None;
    if let Some(values) = answers {
        if values.len() != data.len() {
            let (values, rows) = (counted(values.len(), "number"), counted(data.len(), "row"));
            return Err(usage(format!("the teacher's answers: {values} for {rows}")));
        }
        let values = taught.insert(scaled(&values));
        if let Some(row) = values.iter().position(|value| !value.is_finite()) {
            let reason = "is not finite, or too far from the labels for single precision";
            return Err(usage(format!("the teacher's answers: that to row {} {reason}", row + 1)));
        }
        given.warn(no_better_than_mean(values, &data.values));
    }
    match &run.student {
        StudentSpec::Tree(form) => {
            let targets = match &taught {
                None => TreeTargets::of_labels(&data),
                Some(values) => TreeTargets::of_values(&data, values, first(soft.alpha)),
            };
            let tree = given.grow(*form, data, targets.weighed(&weights), Arc::clone(&preprocessing))?;
            Ok(Fitted::new(tree, Purpose::Values, run.seed, Vec::new()))
        }
        StudentSpec::Network(form) => {
            let epochs = fit.epochs;
            let mut trainer =
                ClassifierTrainer::with((fit, optimizer), form, data, None, Streams::new(run.seed));
            if let Some(values) = taught {
                let noise = soft.teacher_noise as f32;
                trainer = trainer.with_values(ValueTargets::new(values, Vec::new(), soft.alpha, noise));
            }
            let (trainer, losses) = given.train(trainer, epochs, weights)?;
            Ok(Fitted::new(trainer.predictor(&preprocessing), Purpose::Values, run.seed, losses))
        }
    }
}
