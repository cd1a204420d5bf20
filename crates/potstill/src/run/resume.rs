//! `potstill resume`.

use super::evaluate::Subject;
use super::execute::{carry_out, extend, keep_copy, restore};
use super::plan::{Plan, plan_distil, plan_train};
use super::seeds::{Family, read_summary};
use super::{Algorithm, Observer, peek, usage};
use crate::config::{ConfigError, Layer, Origin, read_toml};
use crate::error::Error;
use crate::store::{Checkpoint, RunDir, StoreError, names};
use serde_json::Value;
use std::path::{Path, PathBuf};
use toml::{Table, Value as Toml};

/// Which run to go on with.
#[derive(Clone, Debug, Default)]
pub struct ResumeRequest {
    /// The run directory, or a folder of seeds.
    pub run: PathBuf,
    /// A new number of steps, to train a run further than it was to go.
    pub steps: Option<u64>,
    /// Pass over damaged checkpoints.
    pub fallback: bool,
    /// Threads to use. The result does not depend on it.
    pub threads: usize,
}

/// Goes on with a run from its newest checkpoint, to the result that it would have had without the stop. A finished run is left
/// as it is.
///
/// # Errors
/// If the folder is no run, another process works in it, something in it is damaged, or training fails or is stopped.
pub fn resume(request: &ResumeRequest, observer: &dyn Observer) -> Result<Value, Error> {
    let dir = RunDir::reopen(&request.run)?;
    let recipe = Recipe::read(&dir)?;
    match (recipe.seeds, recipe.algorithm) {
        (Some(count), Some(algorithm)) => {
            if request.steps.is_some() {
                return Err(usage("--steps is for one run, not for a folder of seeds"));
            }
            let family = Family { algorithm, layers: recipe.layers, count, threads: request.threads };
            let start = family.start(&dir.read_text(names::CONFIG)?)?;
            family.carry_out(&dir, start, request.fallback, observer)
        }
        _ => go_on(&dir, recipe, request, observer),
    }
}

/// What a run's `config.toml` says.
pub(super) struct Recipe {
    algorithm: Option<&'static Algorithm>,
    seeds: Option<u64>,
    layers: Vec<Layer>,
}

impl Recipe {
    pub(super) fn read(dir: &RunDir) -> Result<Self, Error> {
        let path = dir.path().join(names::CONFIG);
        let origin = Origin::File(path.display().to_string());
        let mut values = read_toml(&dir.read_text(names::CONFIG)?, origin.clone())?;
        let mut take = |key: &str| values.remove(key).and_then(|value| value.as_str().map(str::to_owned));
        let (command, algorithm) = (take("command"), take("algorithm"));
        let algorithm = algorithm.map(|name| Algorithm::find(&name)).transpose()?;
        let seeds = values.remove("seeds").and_then(|seeds| u64::try_from(seeds.as_integer()?).ok());
        if !matches!((command.as_deref(), algorithm), (Some("train"), Some(_)) | (Some("distill"), None)) {
            let reason = "is not `train` with an algorithm, nor `distill`".to_owned();
            return Err(ConfigError::Value { key: "command".to_owned(), origin: Some(origin), reason }.into());
        }
        Ok(Self { algorithm, seeds, layers: vec![Layer { origin, values }] })
    }

    fn plan(&self, dir: &RunDir, threads: usize) -> Result<Plan, Error> {
        match self.algorithm {
            Some(algorithm) => plan_train(algorithm, &self.layers, threads, Some(dir)),
            None => {
                let kept = keeps(dir, names::TEACHER)?;
                let subject = match peek(&self.layers, "teacher") {
                    // Killed before it could keep its teacher.
                    Some(run) if !kept => Subject::load(&RunDir::open(Path::new(run))?)?,
                    _ => Subject::load_copy(dir, names::TEACHER)?,
                };
                plan_distil(subject, &self.layers, threads)
            }
        }
    }
}

/// Whether a run has this copy, or had it.
pub(super) fn keeps(dir: &RunDir, name: &str) -> Result<bool, Error> {
    Ok(dir.has(name) || dir.manifest()?.file(name).is_some())
}

/// Goes on with one run.
pub(super) fn go_on(
    dir: &RunDir,
    mut recipe: Recipe,
    request: &ResumeRequest,
    observer: &dyn Observer,
) -> Result<Value, Error> {
    if let Some(steps) = request.steps {
        further(dir, &mut recipe, steps, request)?;
    } else if dir.is_finished()? {
        match dir.verify() {
            Ok(()) => return read_summary(dir),
            Err(StoreError::Damaged { .. }) if request.fallback => {}
            Err(error) => return Err(error.into()),
        }
    }
    let plan = recipe.plan(dir, request.threads)?;
    if plan.copy.as_ref().is_some_and(|(name, _)| !dir.has(name)) {
        keep_copy(dir, &plan)?;
    }
    carry_out(dir, plan, request.fallback, observer)
}

/// Makes the run one of more steps, if there is something left to do then.
fn further(dir: &RunDir, recipe: &mut Recipe, steps: u64, request: &ResumeRequest) -> Result<(), Error> {
    let run = dir.path().display();
    if recipe.layers[0].values.get("steps").is_none() {
        return Err(usage(format!("{run} does not run for a number of steps")));
    }
    let number = i64::try_from(steps).map_err(|_| usage("--steps must be below 2^63"))?;
    let values = Table::from_iter([("steps".to_owned(), Toml::Integer(number))]);
    // Said in config.toml: what depends on the number of steps, such as the exploration schedule, was another one before.
    recipe.layers.push(Layer { origin: Origin::Program("resume --steps, after fewer"), values });
    let plan = recipe.plan(dir, request.threads)?;
    if let Some(checkpoint) = Checkpoint::newest(dir, request.fallback)? {
        let mut job = recipe.plan(dir, request.threads)?.job;
        restore(dir, &mut *job, &checkpoint)?;
        if job.is_over() {
            let done = checkpoint.step;
            return Err(usage(format!(
                "{run} has done {done} steps, or what it was to reach; --steps {steps} leaves nothing to do"
            )));
        }
    }
    extend(dir, &plan)
}
