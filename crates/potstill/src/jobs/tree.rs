//! The job of growing a decision tree on labels, or on labels and a teacher.

use super::comparison::{Answered, Comparison, FittedClasses, Taught};
use super::judged::calibration_rows;
use super::regression::{FittedValues, TaughtValues};
use super::supervised::Parts;
use super::{Compared, Job, Outcome, Recorder};
use crate::config::TreeSpec;
use crate::data::{Column, Dataset, Preprocessing};
use crate::distill::classifier::differences;
use crate::distill::regression::rmse_of;
use crate::distill::{TreeGrower, TreeTargets};
use crate::error::Error;
use crate::metrics::{Record, catalogue};
use crate::model::{DecisionTree, Model, Predictor};
use crate::targets::argmax;
use crate::train::Stop;
use potstill_core::snapshot::Codec;
use potstill_core::{Restorable, Snapshot, SnapshotError, Value, snapshot};
use serde_json::{Value as Json, json};
use std::sync::Arc;

/// Splits after which only every power of two is recorded.
const RECORDED: u64 = 256;

/// The teacher of a tree, with which it is compared.
pub(crate) enum TreeTeacher {
    /// Of classes.
    Classes(Taught),
    /// Of the values of a regression.
    Values(TaughtValues),
}

/// A tree that grows.
struct Growth {
    grower: TreeGrower,
    /// True if there is nothing left to split.
    is_over: bool,
}

impl Growth {
    fn new(spec: TreeSpec, data: &Arc<Dataset>, targets: TreeTargets) -> Self {
        Self { grower: TreeGrower::new(spec, Arc::clone(data), targets), is_over: false }
    }

    /// Grows to this number of splits, if there are as many. Returns false if it was stopped before.
    fn grow_to(&mut self, splits: u64, stop: &Stop<'_>) -> bool {
        while !self.is_over && self.grower.splits() < splits {
            match self.grower.grow(stop) {
                Some(has_grown) => self.is_over = !has_grown,
                None => return false,
            }
        }
        true
    }

    /// The error on samples: the share of wrong classes, or the root of the mean squared error of scaled values.
    fn error(&self, data: &Dataset) -> f64 {
        let labelled = &data.inputs[..data.labelled() * data.features];
        let answers = self.grower.tree().predict(labelled);
        if data.classes == 0 {
            return rmse_of(&answers, &data.values);
        }
        let named: Vec<usize> = answers.chunks_exact(data.classes).map(argmax).collect();
        differences(&named, &data.labels) as f64 / data.labels.len() as f64
    }
}

/// Growth of a decision tree.
pub(crate) struct TreeJob {
    seed: u64,
    tree: Growth,
    /// A tree of the same form on the labels alone.
    control: Option<Growth>,
    /// Splits of the larger of both.
    steps: u64,
    train: Arc<Dataset>,
    test: Arc<Dataset>,
    /// The rows of the data that the test samples are; none if they stand apart.
    test_rows: Vec<usize>,
    /// Columns of these as they were, to be shown.
    shown: Vec<Column>,
    preprocessing: Arc<Preprocessing>,
    teacher: Option<TreeTeacher>,
    /// Samples that are held out to choose by.
    held_out: u64,
    /// The error on the test samples at the last record.
    test_error: f64,
}

impl TreeJob {
    /// A tree of one leaf, for these targets of the training samples, beside so many that are held out to choose by.
    pub(crate) fn new(
        Parts { train, test, preprocessing, rows: (_, test_rows), shown, .. }: Parts,
        (seed, held_out): (u64, u64),
        spec: TreeSpec,
        targets: TreeTargets,
        teacher: Option<TreeTeacher>,
    ) -> Self {
        let has_control = match &teacher {
            Some(TreeTeacher::Classes(taught)) => taught.has_control,
            Some(TreeTeacher::Values(taught)) => taught.has_control,
            None => false,
        };
        let control = has_control.then(|| Growth::new(spec, &train, TreeTargets::of_labels(&train)));
        let tree = Growth::new(spec, &train, targets);
        Self {
            seed,
            tree,
            control,
            steps: 0,
            train,
            test,
            test_rows,
            shown,
            preprocessing,
            teacher,
            held_out,
            test_error: f64::INFINITY,
        }
    }

    fn predictor(&self, tree: &DecisionTree) -> Predictor {
        Predictor::of_tree(tree.clone(), Arc::clone(&self.preprocessing))
            .expect("the preprocessing of its data")
    }

    /// The unit of an error: that of the data for values, 1 for classes.
    fn unit(&self) -> f64 {
        match self.train.classes {
            0 => self.preprocessing.value(1.0) - self.preprocessing.value(0.0),
            _ => 1.0,
        }
    }

    /// Measures the trees so far.
    fn record(&mut self) -> Record {
        self.test_error = self.unit() * self.tree.error(&self.test);
        let (name, of_labels) = match self.train.classes {
            0 => (catalogue::EVAL_TEST_RMSE, catalogue::EVAL_TEST_RMSE_LABELS),
            _ => (catalogue::EVAL_TEST_ERROR, catalogue::EVAL_TEST_ERROR_LABELS),
        };
        let mut values = vec![(name, self.test_error)];
        if let Some(control) = &self.control {
            values.push((of_labels, self.unit() * control.error(&self.test)));
        }
        Record { step: self.steps, values }
    }

    fn compare(&mut self, summary: &mut Json) -> Compared {
        let fitted_on = self.train.select(&calibration_rows(&self.train));
        let answered = |growth: &Growth| {
            let tree = growth.grower.tree();
            let [test, fitted_on] = [&*self.test, &fitted_on].map(|data| tree.predict(&data.inputs));
            Answered { predictor: self.predictor(tree), test, fitted_on }
        };
        let (own, labels) = (answered(&self.tree), self.control.as_ref().map(answered));
        let comparison = Comparison {
            preprocessing: &self.preprocessing,
            test: &self.test,
            test_rows: &self.test_rows,
            shown: &self.shown,
            fitted_labels: &fitted_on.labels,
            teacher: match &mut self.teacher {
                Some(TreeTeacher::Classes(taught)) => Some(taught),
                _ => None,
            },
        };
        comparison.compare(own, labels, summary)
    }
}

impl Job for TreeJob {
    fn steps(&self) -> u64 {
        self.steps
    }

    fn start_from(&mut self, _: &Model) -> Result<(), String> {
        Err("a tree is grown from nothing".to_owned())
    }

    fn is_over(&self) -> bool {
        self.tree.is_over && self.control.as_ref().is_none_or(|control| control.is_over)
    }

    fn advance(&mut self, until: u64, stop: &Stop<'_>, record: &mut Recorder<'_>) -> Result<(), Error> {
        while self.steps < until && !self.is_over() && !stop() {
            let next = self.steps + 1;
            let is_done = self.tree.grow_to(next, stop)
                && self.control.as_mut().is_none_or(|control| control.grow_to(next, stop));
            if !is_done {
                return Ok(());
            }
            let of_control = self.control.as_ref().map_or(0, |control| control.grower.splits());
            if self.tree.grower.splits().max(of_control) < next {
                continue;
            }
            self.steps = next;
            if next <= RECORDED || next.is_power_of_two() {
                let measured = self.record();
                record(&measured)?;
            }
        }
        Ok(())
    }

    fn progress(&self) -> (u64, u64, String) {
        let note = match self.train.classes {
            0 => format!("test error {:.4} (RMS)", self.test_error),
            _ => format!("test error {:.2} %", 100.0 * self.test_error),
        };
        (self.steps, self.tree.grower.splits_max().max(self.steps), note)
    }

    fn score(&self) -> Option<f64> {
        (self.steps > 0).then_some(-self.test_error)
    }

    fn finish(&mut self, _: &Stop<'_>) -> Result<Option<Outcome>, Error> {
        let (mut summary, compared) = if self.train.classes == 0 {
            let fitted = FittedValues {
                seed: self.seed,
                length: ("splits", self.tree.grower.splits()),
                data: [&self.train, &self.test],
                unit: self.unit(),
                held_out: self.held_out,
                errors: [self.tree.error(&self.train), self.tree.error(&self.test)],
            };
            let teacher = match &self.teacher {
                Some(TreeTeacher::Values(taught)) => Some(taught),
                _ => None,
            };
            let of_labels = self.control.as_ref().map(|control| control.error(&self.test));
            (fitted.summary(teacher, of_labels), None)
        } else {
            let fitted = FittedClasses {
                seed: self.seed,
                epochs: None,
                data: [&self.train, &self.test],
                held_out: self.held_out,
                errors: [self.tree.error(&self.train), self.tree.error(&self.test)],
                is_taught: self.teacher.is_some(),
            };
            let mut summary = fitted.summary();
            let compared = self.compare(&mut summary);
            (summary, Some(compared))
        };
        let tree = self.tree.grower.tree();
        (summary["leaves"], summary["depth"]) = (json!(tree.leaves()), json!(tree.depth()));
        let model = Model::Predictor(self.predictor(tree));
        Ok(Some(Outcome { model, summary, visits: None, compared }))
    }
}

/// The codec of a tree's growth.
struct Grown;

impl Codec<Growth> for Grown {
    fn save(&self, growth: &Growth, name: &str, snapshot: &mut Snapshot) {
        snapshot.insert(name, Value::Tree(growth.grower.snapshot()));
    }

    fn load(&self, growth: &mut Growth, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        growth.is_over = false;
        growth.grower.restore(snapshot.tree(name)?)
    }
}

impl Codec<Option<Growth>> for Grown {
    fn save(&self, growth: &Option<Growth>, name: &str, snapshot: &mut Snapshot) {
        if let Some(growth) = growth {
            self.save(growth, name, snapshot);
        }
    }

    fn load(
        &self,
        growth: &mut Option<Growth>,
        name: &str,
        snapshot: &Snapshot,
    ) -> Result<(), SnapshotError> {
        growth.as_mut().map_or(Ok(()), |growth| self.load(growth, name, snapshot))
    }
}

snapshot! {
    impl Restorable for TreeJob {
        saved: tree via Grown, control via Grown, steps, test_error;
        built: seed, train, test, test_rows, shown, preprocessing, teacher, held_out;
    }
}
