//! `potstill tune`.

use super::report::with_report;
use super::resume::resume_point;
use super::train::{TrainRequest, check_data, named, preset, take_seeds};
use super::tuner::{Options, Tuner};
use crate::algorithm::{Algorithm, Builder};
use crate::config::Layer;
use crate::error::Error;
use crate::run::{Observer, Sources, check_out, peek, prepare_train, train_head, usage};
use crate::tuning::{Pruner, Sampler};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// A request to search settings of an algorithm.
#[derive(Clone, Debug)]
pub struct TuneRequest {
    /// The algorithm's name; if empty, that of the configuration file.
    pub algorithm: String,
    /// A preset's name, or `none` for the plain defaults; the first with values for the environment if it is
    /// not given.
    pub preset: Option<String>,
    /// The sources of values that are not searched.
    pub sources: Sources,
    /// The keys that are searched, each as `KEY=RANGE`: `log:A:B`, `uniform:A:B`, `int:A:B`, `int-log:A:B` or
    /// `a|b|c`.
    pub search: Vec<String>,
    /// The number of trials.
    pub trials: u64,
    /// Trials that are proposed at once. More can run side by side; fewer learn from more.
    pub round: u64,
    /// The source of proposals.
    pub sampler: Sampler,
    /// The rule by which trials are stopped early.
    pub prune: Pruner,
    /// New seeds with which the best trial is run again.
    pub winner_seeds: u64,
    /// The folder to create.
    pub out: Option<PathBuf>,
    /// Threads to use. Results do not depend on their number.
    pub threads: usize,
}

impl Default for TuneRequest {
    fn default() -> Self {
        Self {
            algorithm: String::new(),
            preset: None,
            sources: Sources::default(),
            search: Vec::new(),
            trials: 32,
            round: 8,
            sampler: Sampler::Tpe,
            prune: Pruner::None,
            winner_seeds: 5,
            out: None,
            threads: 1,
        }
    }
}

/// Searches settings, runs the best ones again with new seeds, and returns the result: trials, choice and
/// winner.
///
/// # Errors
/// If the request is invalid (nothing is then left behind), or all trials fail, or it is stopped (it can then be
/// resumed).
pub fn tune(request: &TuneRequest, observer: &dyn Observer) -> Result<Value, Error> {
    check_out(request.out.as_deref())?;
    let TuneRequest { algorithm, sources, .. } = request;
    let (name, sources) = (algorithm.clone(), sources.clone());
    let algorithm = Algorithm::find(&named(&TrainRequest {
        algorithm: name,
        sources: sources.clone(),
        ..TrainRequest::default()
    })?)?;
    let mut layers = sources.layers(&train_head(algorithm.name))?;
    let preset = preset(algorithm, request.preset.as_deref(), &layers)?;
    if take_seeds(&mut layers)?.is_some_and(|seeds| seeds > 1) {
        return Err(usage(
            "a trial has one seed; --winner-seeds N runs the best trial again with N new ones",
        ));
    }
    check_data(algorithm, &layers)?;
    if peek(&layers, "record").is_some() {
        return Err(usage("--record is for one run: the trials would write to one place"));
    }
    let is_of_network =
        !matches!(algorithm.builder, Builder::States(_) | Builder::Model(_) | Builder::Labels(_));
    // Without the searched values, of which some may be needed: their refusals are told with their keys.
    let all: Vec<Layer> = preset.iter().chain(&layers).cloned().collect();
    let plan = peek(&layers, "data").filter(|_| is_of_network);
    let plan = plan.and_then(|_| prepare_train(algorithm, &all, request.threads, None).ok());
    match plan {
        Some(plan) if !plan.job.is_scored() => {
            return Err(usage(
                "a search chooses by returns, and these trials measure none: give --env ID, and eval_freq above 0",
            ));
        }
        Some(_) => observer.warn(
            "the trials are chosen among by returns in the environment: with them the search has learned online",
        ),
        None => {}
    }
    let options = Options {
        trials: request.trials,
        round: request.round,
        sampler: request.sampler,
        pruner: request.prune,
        winner_seeds: request.winner_seeds,
    };
    let tuner = Tuner::asked(algorithm, preset, &layers, options, &request.search)?;
    let threads = request.threads;
    let resume = |run: &Path, observer: &dyn Observer| resume_point(run, threads, false, observer);
    with_report(tuner.begin(request.out.as_deref(), threads, &resume, observer)?)
}
