//! `potstill resume`.

use super::report::with_report;
use super::sweep::Sweep;
use super::tuner::Tuner;
use crate::error::Error;
use crate::run::{Continuation, Observer, Recipe, continue_family, continue_run, usage};
use crate::store::RunDir;
use crate::train::Actors;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// A request to continue a run.
#[derive(Clone, Debug, Default)]
pub struct ResumeRequest {
    /// The run directory, a folder of seeds, or that of a search.
    pub run: PathBuf,
    /// A new number of steps, to train a run beyond its original length.
    pub steps: Option<u64>,
    /// A new number of seeds of a folder of seeds.
    pub seeds: Option<u64>,
    /// With more steps, keep schedules relative to the former number, so that they do not go back.
    pub keep_schedules: bool,
    /// Skip damaged checkpoints.
    pub fallback: bool,
    /// Threads to use. Results do not depend on their number.
    pub threads: usize,
}

/// Continues a run from its newest checkpoint, with the same result as without the interruption. A finished
/// run is left as it is.
///
/// # Errors
/// If the folder is not a run, another process works in it, a file in it is damaged, or training fails or is
/// stopped.
pub fn resume(request: &ResumeRequest, observer: &dyn Observer) -> Result<Value, Error> {
    resume_with(request, None, observer)
}

/// Continues a run, whose environments actors step from now on. A run in rounds goes on as without them.
///
/// # Errors
/// As [`resume`], and if the run has no copies that actors could step, or they fail.
pub fn resume_with_actors(
    request: &ResumeRequest,
    actors: Box<dyn Actors>,
    observer: &dyn Observer,
) -> Result<Value, Error> {
    resume_with(request, Some(actors), observer)
}

fn resume_with(
    request: &ResumeRequest,
    actors: Option<Box<dyn Actors>>,
    observer: &dyn Observer,
) -> Result<Value, Error> {
    let check = |is_one: bool| match is_one || actors.is_none() {
        true => Ok(()),
        false => Err(usage("actors are for one run, not for several")),
    };
    let (threads, fallback) = (request.threads, request.fallback);
    let point = |run: &Path, observer: &dyn Observer| resume_point(run, threads, fallback, observer);
    if let Some(sweep) = Sweep::open(&request.run)? {
        check(false)?;
        if request.steps.is_some() {
            return Err(usage("--steps is for one run, not for a sweep"));
        }
        return sweep.resume(&request.run, threads, &point, observer);
    }
    if let Some(tuner) = Tuner::open(&request.run)? {
        check(false)?;
        if request.steps.is_some() || request.seeds.is_some() {
            return Err(usage("--steps and --seeds are for one run, not for a search"));
        }
        return with_report(tuner.resume(&request.run, threads, &point, observer)?);
    }
    let dir = RunDir::reopen(&request.run)?;
    let recipe = Recipe::read(&dir)?;
    check(recipe.seeds.is_none())?;
    let ResumeRequest { steps, seeds, keep_schedules, fallback, threads, .. } = *request;
    let continuation = Continuation { steps, keep_schedules, fallback, threads, is_seed: false };
    match recipe.seeds {
        Some(_) => {
            let result = continue_family(&dir, recipe, (seeds, continuation), observer)?;
            // Its lock.
            drop(dir);
            with_report(result)
        }
        _ if seeds.is_some() => Err(usage("--seeds is for a folder of seeds, not for one run")),
        _ => continue_run(&dir, recipe, continuation, actors, observer),
    }
}

/// Continues a run of a sweep.
pub(super) fn resume_point(
    run: &Path,
    threads: usize,
    fallback: bool,
    observer: &dyn Observer,
) -> Result<Value, Error> {
    let request = ResumeRequest { run: run.to_owned(), fallback, threads, ..ResumeRequest::default() };
    resume(&request, observer)
}
