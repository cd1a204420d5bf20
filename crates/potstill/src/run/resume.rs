//! `potstill resume`.

use super::evaluate::Subject;
use super::execute::{begin, carry_out};
use super::plan::{Plan, plan_distil, plan_train};
use super::seeds::{Family, summary_of};
use super::{Algorithm, Observer, usage};
use crate::config::{ConfigError, Layer, Origin, read_toml};
use crate::error::Error;
use crate::store::{RunDir, names};
use serde_json::Value;
use std::path::PathBuf;
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
    let path = dir.path().join(names::CONFIG);
    let origin = Origin::File(path.display().to_string());
    let mut values = read_toml(&dir.read_text(names::CONFIG)?, origin.clone())?;
    let mut take = |key: &str| values.remove(key).and_then(|value| value.as_str().map(str::to_owned));
    let (command, algorithm) = (take("command"), take("algorithm"));
    let seeds = values.remove("seeds");
    let mut layers = vec![Layer { origin: origin.clone(), values }];
    if let Some(steps) = request.steps {
        if layers[0].values.get("steps").is_none() {
            return Err(usage(format!("{} does not run for a number of steps", request.run.display())));
        }
        let steps = i64::try_from(steps).map_err(|_| usage("--steps must be below 2^63"))?;
        let values = Table::from_iter([("steps".to_owned(), Toml::Integer(steps))]);
        layers.push(Layer { origin: Origin::CommandLine, values });
    }
    let algorithm = algorithm.map(|name| Algorithm::find(&name)).transpose()?;
    if let (Some("train"), Some(algorithm), Some(seeds)) = (command.as_deref(), algorithm, seeds) {
        let count = seeds.as_integer().and_then(|n| u64::try_from(n).ok()).unwrap_or_default();
        if request.steps.is_some() {
            return Err(usage("--steps is for one run, not for a folder of seeds"));
        }
        let family = Family { algorithm, layers, count, threads: request.threads };
        let start = family.start(&dir.read_text(names::CONFIG)?)?;
        return family.carry_out(&dir, start, request.fallback, observer);
    }
    if dir.is_finished()? && request.steps.is_none() {
        match dir.verify() {
            Ok(()) => return summary_of(&dir),
            Err(_) if request.fallback => {}
            Err(error) => return Err(error.into()),
        }
    }
    let plan: Plan = match (command.as_deref(), algorithm) {
        (Some("train"), Some(algorithm)) => plan_train(algorithm, &layers, request.threads)?,
        (Some("distill"), None) => plan_distil(Subject::load_teacher(&dir)?, &layers, request.threads)?,
        _ => {
            let reason = "is not `train` with an algorithm, nor `distill`".to_owned();
            return Err(ConfigError::Value { key: "command".to_owned(), origin: Some(origin), reason }.into());
        }
    };
    if request.steps.is_some() {
        // The run is another one now, and says so before it goes on.
        begin(&dir, &plan)?;
    }
    carry_out(&dir, plan, request.fallback, observer)
}
