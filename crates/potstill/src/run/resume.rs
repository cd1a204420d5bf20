//! Continues a stopped run from its `config.toml` and its newest checkpoint.

use super::checks::{env_of_run, usage};
use super::execute::{execute, extend, keep_copy, restore};
use super::observer::Observer;
use super::origins::Origins;
use super::prepare::{prepare_distillation, prepare_train};
use super::prepared::PreparedRun;
use super::sources::peek;
use super::subject::{Subject, has_copy};
use super::summary::read_summary;
use super::teachers::Teacher;
use super::work::Work;
use crate::algorithm::{Algorithm, setbacks};
use crate::config::{ConfigError, Layer, Origin, read_toml};
use crate::error::Error;
use crate::metrics::catalogue;
use crate::model::Model;
use crate::store::{Checkpoint, RunDir, StoreError, names};
use crate::train::Actors;
use crate::words::counted;
use potstill_env::registry::Spec;
use serde_json::Value;
use toml::{Table, Value as Toml};

/// Options of a continuation.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Continuation {
    /// A new number of steps, to train a run beyond its original length.
    pub(crate) steps: Option<u64>,
    /// With more steps, keep schedules relative to the former number.
    pub(crate) keep_schedules: bool,
    /// Skip damaged checkpoints.
    pub(crate) fallback: bool,
    /// Threads to use. Results do not depend on their number.
    pub(crate) threads: usize,
    /// True for a seed among others: a number of steps that leaves nothing to do is then no error.
    pub(crate) is_seed: bool,
}

/// The contents of a run's `config.toml`.
pub(crate) struct Recipe {
    pub(crate) work: Work,
    pub(crate) seeds: Option<u64>,
    pub(crate) layers: Vec<Layer>,
    pub(crate) origins: Origins,
}

impl Recipe {
    pub(crate) fn read(dir: &RunDir) -> Result<Self, Error> {
        let path = dir.path().join(names::CONFIG);
        let origin = Origin::File(path.display().to_string());
        let text = dir.read_text(names::CONFIG)?;
        let mut values = read_toml(&text, origin.clone())?;
        let origins = Origins { file: origin.clone(), text };
        let mut take = |key: &str| values.remove(key).and_then(|value| value.as_str().map(str::to_owned));
        let (command, algorithm) = (take("command"), take("algorithm"));
        let algorithm = algorithm.map(|name| Algorithm::find(&name)).transpose()?;
        let seeds = values.remove("seeds").and_then(|seeds| u64::try_from(seeds.as_integer()?).ok());
        let work = match (command.as_deref(), algorithm) {
            (Some("train"), Some(algorithm)) => Work::Train(algorithm),
            (Some("distill"), None) => Work::Distill,
            _ => {
                let reason = "is not `train` with an algorithm, nor `distill`".to_owned();
                let key = "command".to_owned();
                return Err(ConfigError::Value { key, origin: Some(origin), reason }.into());
            }
        };
        if let Some(id) = values.get("env").and_then(Toml::as_str) {
            env_of_run(dir.path(), id)?;
        }
        Ok(Self { work, seeds, layers: vec![Layer { origin, values }], origins })
    }

    fn plan(&self, dir: &RunDir, threads: usize) -> Result<PreparedRun, Error> {
        let plan = match self.work {
            Work::Train(algorithm) => prepare_train(algorithm, &self.layers, threads, Some(dir)),
            Work::Distill => {
                let kept = has_copy(dir, names::TEACHER)?;
                let teacher = match peek(&self.layers, "teacher") {
                    // A file of answers, or killed before it could copy its teacher.
                    Some(teacher) if !kept => Teacher::open(teacher)?,
                    _ => Subject::load_copy(dir, names::TEACHER)?.into(),
                };
                prepare_distillation(teacher, &self.layers, threads, Some(dir))
            }
        }?;
        Ok(self.origins.put_back(plan))
    }
}

/// The policy of a run as it was at the checkpoint of a step, and its environment.
pub(crate) fn policy_at(dir: &RunDir, step: u64) -> Result<(Model, Spec), Error> {
    let steps = Checkpoint::steps(dir)?;
    let run = dir.path().display();
    if !steps.contains(&step) {
        let has = match &steps[..] {
            [] => "it has none".to_owned(),
            steps => format!("it has {}", steps.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")),
        };
        let advice = "to keep more, train with checkpoint_freq=N and checkpoints_kept=N";
        return Err(usage(format!("{run} has no checkpoint of step {step}; {has} ({advice})")));
    }
    let recipe = Recipe::read(dir)?;
    let mut plan = recipe.plan(dir, 1)?;
    restore(dir, &mut *plan.job, &Checkpoint::at(dir, step)?)?;
    match (plan.job.policy(), peek(&recipe.layers, "env")) {
        (Some(model), Some(id)) => Ok((model, env_of_run(dir.path(), id)?)),
        _ => Err(usage(format!("{run} learned no policy step by step; --checkpoint is for one that did"))),
    }
}

/// Continues one run.
pub(crate) fn continue_run(
    dir: &RunDir,
    mut recipe: Recipe,
    continuation: Continuation,
    actors: Option<Box<dyn Actors>>,
    observer: &dyn Observer,
) -> Result<Value, Error> {
    let raised = match continuation.steps {
        Some(steps) => raise_steps(dir, &mut recipe, steps, continuation)?,
        None => None,
    };
    if let Some(warning) = raised {
        warning.iter().for_each(|warning| observer.warn(warning));
    } else if dir.is_finished()?
        && !read_summary(dir).is_ok_and(|summary| summary[catalogue::ENDED_EARLY] == true)
    {
        match dir.verify() {
            Ok(()) => return read_summary(dir),
            Err(StoreError::Damaged { .. }) if continuation.fallback => {}
            Err(error) => return Err(error.into()),
        }
    }
    let mut plan = recipe.plan(dir, continuation.threads)?;
    if let Some(actors) = actors {
        plan.step_elsewhere(actors)?;
    }
    if plan.copy.as_ref().is_some_and(|(name, _)| !dir.has(name)) {
        keep_copy(dir, &plan)?;
    }
    execute(dir, plan, continuation.fallback, observer)
}

/// Raises the number of steps of a run, if that leaves work to do, and returns a warning if schedules go back; `None` if nothing is
/// left to do for a seed among others.
fn raise_steps(
    dir: &RunDir,
    recipe: &mut Recipe,
    steps: u64,
    continuation: Continuation,
) -> Result<Option<Option<String>>, Error> {
    let run = dir.path().display();
    let more = more_steps(dir, &recipe.layers, steps, continuation.keep_schedules)?;
    let schedules = recipe.plan(dir, continuation.threads)?.schedules;
    recipe.layers.push(more);
    let plan = recipe.plan(dir, continuation.threads)?;
    let mut warning = None;
    if let Some(checkpoint) = Checkpoint::newest(dir, continuation.fallback)? {
        let mut job = recipe.plan(dir, continuation.threads)?.job;
        restore(dir, &mut *job, &checkpoint)?;
        if job.is_over() && continuation.is_seed {
            recipe.layers.pop();
            return Ok(None);
        }
        if job.is_over() {
            let done = counted(checkpoint.step, "step");
            return Err(usage(format!(
                "{run} has done {done}, or reached its goal; --steps {steps} leaves nothing to do"
            )));
        }
        warning = setbacks(&schedules, &plan.schedules, checkpoint.step);
    }
    extend(dir, &plan)?;
    Ok(Some(warning))
}

/// The setting of a new number of steps.
pub(crate) fn more_steps(
    dir: &RunDir,
    layers: &[Layer],
    steps: u64,
    keep_schedules: bool,
) -> Result<Layer, Error> {
    let Some(before) = layers[0].values.get("steps").cloned() else {
        return Err(usage(format!("{} does not run for a number of steps", dir.path().display())));
    };
    let number = i64::try_from(steps).map_err(|_| usage("--steps must be below 2^63"))?;
    let mut values = Table::from_iter([("steps".to_owned(), Toml::Integer(number))]);
    if keep_schedules && !layers[0].values.contains_key("schedule_steps") {
        values.insert("schedule_steps".to_owned(), before);
    }
    // Noted in config.toml: values that depend on the number of steps, such as the exploration schedule,
    // differed before.
    Ok(Layer { origin: Origin::Program("resume --steps, after fewer"), values })
}
