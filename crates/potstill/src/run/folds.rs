//! Out-of-fold answers: each training row is answered by a network that has not learned it.
//!
//! A teacher that has memorised its training rows gives them nearly one-hot answers, which say little more than their labels. The training rows
//! are cut into `K` parts at random; for each a network of the run's settings and seed learns the others, and answers it
//! (Wolpert 1992, stacked generalisation).

use super::checks::usage;
use super::datasets::{DataSources, OpenData};
use super::observer::{Observer, watched_map};
use super::resume::Recipe;
use crate::config::{StudentSpec, resolve};
use crate::distill::classifier::{self, ClassifierSettings, logits};
use crate::distill::{ClassifierTrainer, StudentForm};
use crate::error::Error;
use crate::jobs::{DataConfig, StoreConfig};
use crate::model::Predictor;
use crate::optimizer::StudentOptimizer;
use crate::store::RunDir;
use crate::train::TrainError;
use potstill_core::Streams;
use potstill_nn::Workspace;
use std::collections::HashSet;
use std::sync::Arc;

/// A classifier's out-of-fold answers to its training rows, and its own to the rows that it held out.
pub(crate) struct OutOfFold {
    /// The run's data.
    pub(crate) data: OpenData,
    pub(crate) classes: Vec<String>,
    /// `rows x classes`, in the order of the data.
    pub(crate) logits: Vec<f32>,
}

impl OutOfFold {
    /// Trains `folds` networks with the settings of a finished run of a classifier. `model` is the run's own.
    ///
    /// # Errors
    /// If the run is none of a classifier on labels, its data has changed, or a training fails.
    pub(crate) fn of_run(
        dir: &RunDir,
        model: &Predictor,
        folds: usize,
        threads: usize,
        observer: &dyn Observer,
    ) -> Result<Self, Error> {
        let recipe = Recipe::read(dir)?;
        if recipe.work.name() != classifier::ALGORITHM.name {
            let run = dir.path().display();
            return Err(usage(format!(
                "{run} is no run of `train classifier`; its answers cannot be made out of fold"
            )));
        }
        let (data, layers) = DataSources::open(&recipe.layers, &[])?;
        let resolved = resolve::<((DataConfig, ClassifierSettings), StoreConfig)>(&layers)?;
        let ((run, (fit, StudentOptimizer(optimizer))), _) = resolved.settings;
        let StudentSpec::Network(form) = &run.net_arch else {
            return Err(usage(format!(
                "{} is a tree; answers out of fold are made of networks",
                dir.path().display()
            )));
        };
        let parts = data.parts(&fit, None)?;
        let count = parts.train.len();
        if !(2..=count).contains(&folds) {
            return Err(usage(format!("--folds must be from 2 to the {count} training rows")));
        }
        let mut order: Vec<usize> = (0..count).collect();
        Streams::new(run.seed).stream("folds").shuffle(&mut order);
        let ends = |fold: usize| (fold * count / folds, (fold + 1) * count / folds);
        let form_of = StudentForm::new(form, &parts.train).map_err(usage)?;
        for fold in 0..folds {
            let (begin, end) = ends(fold);
            let others = [&order[..begin], &order[end..]].concat();
            fit.check(&form_of, &parts.train.select(&others))?;
        }
        let answers = watched_map(observer, "out-of-fold answers", folds, threads, |fold| {
            let (begin, end) = ends(fold);
            let others = [&order[..begin], &order[end..]].concat();
            let settings = (fit.clone(), optimizer.clone());
            let others = Arc::new(parts.train.select(&others));
            let mut trainer = ClassifierTrainer::with(settings, form, others, None, Streams::new(run.seed));
            while trainer.epochs() < fit.epochs {
                let step = trainer.steps() + 1;
                trainer.step().map_err(|source| TrainError::Learn { step, source })?;
            }
            let rest = trainer.embedded(&Arc::new(parts.train.select(&order[begin..end])));
            Ok(logits(trainer.student(), &rest.inputs))
        });
        let classes = parts.preprocessing.classes().to_vec();
        let width = classes.len();
        let mut all = vec![0.0; data.data().rows().rows() * width];
        let mut put = |row: usize, logits: &[f32]| all[row * width..][..width].copy_from_slice(logits);
        for (fold, answers) in answers.into_iter().enumerate() {
            let answers: Vec<f32> = answers.map_err(|error: Error| error)?;
            let (begin, end) = ends(fold);
            for (&sample, logits) in order[begin..end].iter().zip(answers.chunks_exact(width)) {
                put(parts.rows.0[sample], logits);
            }
        }
        // The run's own network has learned none of the others: those that it was tested or validated on.
        let learned: HashSet<usize> = parts.rows.0.iter().copied().collect();
        let others: Vec<usize> =
            (0..data.data().rows().rows()).filter(|row| !learned.contains(row)).collect();
        if !others.is_empty() {
            let inputs = model.inputs(data.data().rows(), &others);
            let inputs = inputs.map_err(|reason| data.data().refused(reason))?;
            let answers = model.answers(&inputs, &mut Workspace::default());
            for (&row, logits) in others.iter().zip(answers.chunks_exact(width)) {
                put(row, logits);
            }
        }
        Ok(Self { data: data.into_data(), classes, logits: all })
    }
}
