//! The parts that the results on MNIST share: the images, a teacher whose training can be stopped, students whose numbers are kept.

use super::result::{Column, Runs, series};
use crate::data::{Dataset, Preprocessing};
use crate::distill::classifier::{ClassifierTrainer, differences, predictions};
use crate::distill::{FitConfig, SoftTargets, SoftTargetsConfig, Source};
use crate::error::Error;
use crate::optimizer::{OptimizerConfig, OptimizerKind};
use crate::policy::Schedule;
use crate::report::LineChart;
use crate::run::{OpenData, usage, watched_map};
use crate::train::TrainError;
use potstill_core::{Restorable, Streams};
use potstill_nn::{Network, NetworkSpec, Workers};
use serde_json::json;
use std::sync::Arc;

/// The data, as it is written in a command.
pub(super) const DATA: &str = "mnist:FOLDER";
/// Classes.
pub(super) const CLASSES: usize = 10;
/// Training images of a quick version.
const QUICK_IMAGES: usize = 6000;
/// Epochs of a quick version.
const QUICK_EPOCHS: u64 = 6;
/// Epochs between the states of a teacher that are kept.
const KEPT_EPOCHS: u64 = 5;

/// Training and test images.
pub(super) struct Images {
    pub(super) train: Arc<Dataset>,
    pub(super) test: Arc<Dataset>,
}

impl Images {
    /// The images that the request names; of a quick version some of the training images.
    pub(super) fn open(runs: &Runs<'_>) -> Result<Self, Error> {
        let given = runs.request.data.as_deref().unwrap_or_default();
        let data = OpenData::open(given)?;
        let test = data
            .test_rows()
            .ok_or_else(|| data.refused("it has no test part, such as the two t10k files of MNIST"))?;
        let all = |rows: usize| (0..rows).collect::<Vec<usize>>();
        let of_train = all(data.rows().rows());
        let fitted = Preprocessing::fit(data.rows(), &of_train, data.options())
            .map_err(|reason| data.refused(reason))?;
        let used = of_train.len().min(if runs.request.quick { QUICK_IMAGES } else { usize::MAX });
        let labelled = |frame, rows: &[usize]| {
            fitted.labelled(frame, rows).map(Arc::new).map_err(|reason| data.refused(reason))
        };
        let images = Self {
            train: labelled(data.rows(), &of_train[..used])?,
            test: labelled(test, &all(test.rows()))?,
        };
        if images.train.classes != CLASSES || images.train.shape[0] * images.train.shape[1] == 1 {
            return Err(data.refused("it has not images of ten classes, as MNIST has"));
        }
        Ok(images)
    }
}

/// A network with its training.
#[derive(Clone)]
pub(super) struct Recipe {
    pub(super) network: &'static str,
    pub(super) fit: FitConfig,
    pub(super) optimizer: OptimizerConfig,
}

/// Minibatches of 128 and a step size that falls in a line to 0.
fn fit(epochs: u64, learning_rate: f64) -> FitConfig {
    let schedule = format!("linear:{learning_rate}:0:run").parse::<Schedule>().expect("a schedule");
    FitConfig { epochs, batch_size: 128, learning_rate: schedule, ..FitConfig::default() }
}

impl Recipe {
    /// Hinton's teacher: two layers of 1200 units, dropout, max-norm, images shifted by up to two pixels. Of Adam and of
    /// gradient descent with momentum, with step sizes of 0.0005 to 0.002 and 0.02 to 0.5, this had the fewest errors on
    /// 10,000 training images that were held out, after 20 epochs.
    pub(super) fn teacher(runs: &Runs<'_>) -> Self {
        let fit = FitConfig {
            dropout: 0.5,
            input_dropout: 0.2,
            max_norm: 3.5,
            jitter_pixels: 2,
            ..fit(runs.epochs(TEACHER_EPOCHS), TEACHER_RATE)
        };
        Self { network: "mlp:1200,1200", fit, optimizer: OptimizerConfig::student() }
    }

    /// A network without any regularisation, by gradient descent with a momentum of 0.9.
    pub(super) fn plain(network: &'static str, epochs: u64, learning_rate: f64) -> Self {
        let optimizer =
            OptimizerConfig { optimizer: OptimizerKind::Sgd, momentum: 0.9, ..OptimizerConfig::student() };
        Self { network, fit: fit(epochs, learning_rate), optimizer }
    }

    /// The same with soft targets, by Adam: at a high temperature their gradient is a small share of that of the labels, and
    /// gradient descent with steps that suit it is unstable where both agree. Of step sizes from 0.0005 to 0.002, and of
    /// 0.03 to 0.3 by gradient descent, 0.001 had the fewest errors on 10,000 training images that were held out.
    pub(super) fn taught(network: &'static str, epochs: u64) -> Self {
        Self { network, fit: fit(epochs, TAUGHT_RATE), optimizer: OptimizerConfig::student() }
    }

    pub(super) fn spec(&self) -> NetworkSpec {
        self.network.parse().expect("a network")
    }

    /// The trainer of a network on these images.
    fn trainer(&self, data: &Arc<Dataset>, soft: Option<SoftTargets>, seed: u64) -> ClassifierTrainer {
        let keys = (self.fit.clone(), self.optimizer.clone());
        ClassifierTrainer::with(keys, &self.spec(), data.clone(), soft, Streams::new(seed))
    }
}

const TEACHER_EPOCHS: u64 = 300;
const TEACHER_RATE: f64 = 0.001;
const TAUGHT_RATE: f64 = 0.001;

impl Runs<'_> {
    /// The number of epochs of a quick version, or the usual one.
    pub(super) fn epochs(&self, usual: u64) -> u64 {
        if self.request.quick { QUICK_EPOCHS } else { usual }
    }

    /// The numbers of a run, measured or kept from before.
    pub(super) fn kept(
        &self,
        name: &str,
        measure: impl FnOnce() -> Result<Vec<f64>, Error>,
    ) -> Result<Vec<f64>, Error> {
        let numbers = |kept: serde_json::Value| {
            kept.as_array().map(|all| all.iter().filter_map(serde_json::Value::as_f64).collect::<Vec<_>>())
        };
        if let Some(kept) = self.finished.get(name).and_then(numbers) {
            return Ok(kept);
        }
        let measured = measure()?;
        self.finished.add(name.to_owned(), json!(measured))?;
        Ok(measured)
    }

    /// The numbers of a run for each seed, measured side by side or kept.
    pub(super) fn of_seeds(
        &self,
        what: &str,
        measure: impl Fn(u64) -> Result<Vec<f64>, Error> + Sync,
    ) -> Result<Vec<Vec<f64>>, Error> {
        let Self { request, observer, count, .. } = *self;
        let results = watched_map(observer, what, count, request.threads, |i| {
            let seed = request.seed.wrapping_add(i as u64);
            self.kept(&format!("{what}, seed {seed}"), || measure(seed))
        });
        results.into_iter().collect()
    }

    /// A student after its training.
    pub(super) fn student(
        &self,
        recipe: &Recipe,
        data: &Arc<Dataset>,
        soft: Option<SoftTargets>,
        seed: u64,
    ) -> Result<Network, Error> {
        let mut trainer = recipe.trainer(data, soft, seed);
        while trainer.epochs() < recipe.fit.epochs {
            if self.observer.stop_requested() {
                return Err(Error::Abandoned);
            }
            epoch(&mut trainer)?;
        }
        Ok(trainer.student().clone())
    }

    /// The teacher of a recipe and the first seed. Its training is kept in the folder every few epochs, and when it is stopped; a
    /// state that is there already is continued, or is the teacher.
    pub(super) fn teacher(&self, recipe: &Recipe, data: &Arc<Dataset>) -> Result<Network, Error> {
        let (epochs, seed) = (recipe.fit.epochs, self.request.seed);
        let name = format!("teacher, {epochs} epochs, {} images, seed {seed}", data.len());
        let file = format!("teacher-{epochs}-epochs-{}-images-seed-{seed}.snapshot", data.len());
        let mut trainer = recipe.trainer(data, None, seed).with_workers(Workers::new(self.request.threads));
        if let Some(state) = self.finished.state(&file)? {
            trainer
                .restore(&state)
                .map_err(|reason| usage(format!("{file}: {reason}; remove it to train again")))?;
        }
        self.observer.begin("teacher", epochs);
        while trainer.epochs() < epochs {
            let is_stopped = self.observer.stop_requested();
            if !is_stopped {
                epoch(&mut trainer)?;
                self.observer.advance(trainer.epochs(), "");
            }
            if is_stopped || trainer.epochs().is_multiple_of(KEPT_EPOCHS) || trainer.epochs() == epochs {
                self.finished.keep_state(&file, &trainer.snapshot())?;
                self.finished.add(name.clone(), json!([trainer.epochs()]))?;
            }
            if is_stopped {
                return Err(Error::Abandoned);
            }
        }
        self.observer.end();
        Ok(trainer.student().clone())
    }
}

fn epoch(trainer: &mut ClassifierTrainer) -> Result<f64, Error> {
    let step = trainer.steps() + 1;
    trainer.epoch().map_err(|source| TrainError::Learn { step, source }.into())
}

/// Misclassified images.
pub(super) fn errors(network: &Network, data: &Dataset) -> f64 {
    differences(&predictions(network, &data.inputs), &data.labels) as f64
}

/// Soft targets of recorded logits.
pub(super) fn soft(logits: &[f32], temperature: f64, alpha: f64) -> SoftTargets {
    let config = SoftTargetsConfig {
        temperature: temperature.into(),
        alpha: alpha.into(),
        ..SoftTargetsConfig::default()
    };
    SoftTargets::new(Source::recorded(CLASSES, logits.to_vec()), config)
}

/// A number of each run.
pub(super) fn column(all: &[Vec<f64>], place: usize) -> Vec<f64> {
    all.iter().map(|run| run[place]).collect()
}

/// The values of `top` divided by those of `bottom`, run by run.
pub(super) fn ratios(top: &[f64], bottom: &[f64]) -> Vec<f64> {
    top.iter().zip(bottom).map(|(a, b)| a / b.max(1.0)).collect()
}

/// Numbers of each run, as columns of the table.
pub(super) fn beside(columns: &[(&str, Vec<f64>)]) -> Vec<Column> {
    let column =
        |(name, values): &(&str, Vec<f64>)| Column { name: (*name).to_owned(), values: values.clone() };
    columns.iter().map(column).collect()
}

/// A chart of the errors of each run.
pub(super) fn errors_by_run(title: &str, columns: &[(&str, Vec<f64>)]) -> Vec<LineChart> {
    let points = |values: &[f64]| values.iter().enumerate().map(|(i, &y)| (i as f64, y)).collect();
    vec![LineChart {
        title: title.to_owned(),
        x_label: "run".to_owned(),
        y_label: "errors".to_owned(),
        series: columns.iter().map(|(name, values)| series(name, points(values))).collect(),
        y_range: None,
    }]
}
