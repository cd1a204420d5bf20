//! Whole runs: the commands as functions.
#![allow(clippy::needless_pass_by_value, reason = "a value of Python is extracted as an owned one")]
#![allow(clippy::too_many_arguments, reason = "the arguments are those of the command")]

use crate::errors::{Class, caught, of_run};
use crate::watched::watched;
use potstill::commands::{
    DistillRequest, EvaluateOfflineRequest, EvaluateRequest, ExportRequest, RecordedByRequest, ResumeRequest,
    RunKind, TrainRequest, TuneRequest, check_settings, evaluate_unless, run_kinds,
};
use potstill::config::toml_value;
use potstill::policy::Policy;
use potstill::run::{Budget, ImportedPolicy, Observer, Sources};
use potstill::tuning::Domain;
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use std::path::PathBuf;
use toml::{Table, Value};

/// The threads to use: as many as asked for, or one per core.
pub(crate) fn threads_of(threads: Option<usize>) -> PyResult<usize> {
    match threads {
        None => Ok(std::thread::available_parallelism().map_or(1, usize::from)),
        Some(count @ 1..=1024) => Ok(count),
        Some(count) => {
            Err(Class::Input.with(format!("threads={count}: write a whole number from 1 to 1024")))
        }
    }
}

/// The number of seeds of a request.
fn seeds_of(seeds: Option<u64>) -> PyResult<Option<u64>> {
    match seeds {
        Some(count) if !(1..=100_000).contains(&count) => {
            Err(Class::Input.with(format!("seeds={count}: write a whole number from 1 to 100000")))
        }
        seeds => Ok(seeds),
    }
}

/// The settings of a JSON object. Text is read as that of a flag, unless its key is one of texts.
pub(crate) fn settings_of(json: &str, includes: impl Fn(&RunKind) -> bool) -> PyResult<Table> {
    let object: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(json).map_err(|error| Class::Input.with(error.to_string()))?;
    let kinds = run_kinds();
    let is_text = |name: &str| {
        let mut keys = kinds.iter().filter(|kind| includes(kind)).flat_map(|kind| &kind.keys);
        keys.any(|(key, _)| key.name == name && key.kind == "text")
    };
    let settings = object.into_iter().map(|(name, value)| {
        let value = to_toml(&name, value)?;
        Ok(match value {
            Value::String(text) if !is_text(&name) => (name, toml_value(&text)),
            value => (name, value),
        })
    });
    settings.collect()
}

/// A value of JSON as one of TOML.
fn to_toml(name: &str, value: serde_json::Value) -> PyResult<Value> {
    use serde_json::Value as Json;
    Ok(match value {
        Json::Bool(flag) => Value::Boolean(flag),
        Json::Number(number) => match number.as_i64() {
            Some(whole) => Value::Integer(whole),
            None => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => Value::String(text),
        Json::Array(values) => {
            Value::Array(values.into_iter().map(|value| to_toml(name, value)).collect::<PyResult<_>>()?)
        }
        Json::Null | Json::Object(_) => {
            return Err(
                Class::Input.with(format!("{name}: write a number, a flag, a text, or a list of them"))
            );
        }
    })
}

/// A result of a run as JSON.
pub(crate) fn text_of(result: &serde_json::Value) -> String {
    result.to_string()
}

/// Trains; the arguments are those of the command, settings as a JSON object. Returns the summary as JSON.
#[pyfunction]
pub(crate) fn train(
    py: Python<'_>,
    algorithm: String,
    settings: &str,
    preset: Option<String>,
    config: Option<PathBuf>,
    seeds: Option<u64>,
    out: Option<PathBuf>,
    threads: Option<usize>,
    callback: Option<Py<PyAny>>,
) -> PyResult<String> {
    let flags = settings_of(settings, |kind| kind.name == algorithm)?;
    let request = TrainRequest {
        algorithm,
        preset,
        sources: Sources { config, flags, set: Vec::new() },
        seeds: seeds_of(seeds)?,
        out,
        threads: threads_of(threads)?,
    };
    watched(py, callback, |watcher| potstill::commands::train(&request, watcher))
        .map(|result| text_of(&result))
}

/// Refuses settings of an algorithm, a JSON object, that it does not have, and values that they cannot have.
#[pyfunction]
pub(crate) fn check_train(algorithm: &str, settings: &str) -> PyResult<()> {
    caught(|| {
        let settings = settings_of(settings, |kind| kind.name == algorithm)?;
        check_settings(algorithm, settings).map_err(|error| of_run(&error.into()))
    })
}

/// The keys of an algorithm; empty if there is no such algorithm.
#[pyfunction]
pub(crate) fn keys_of(algorithm: &str) -> Vec<&'static str> {
    let kinds = run_kinds().into_iter().filter(|kind| kind.name == algorithm);
    kinds.flat_map(|kind| kind.keys).map(|(key, _)| key.name).collect()
}

/// Refuses an environment whose spaces are not those of a finished run.
#[pyfunction]
pub(crate) fn check_environment(py: Python<'_>, run: PathBuf, env: &str) -> PyResult<()> {
    caught(|| py.detach(|| potstill::run::check_environment(&run, env)).map_err(|error| of_run(&error)))
}

/// Writes a policy that another program has learned, the bytes of a model file, as a finished run; `about` is a JSON object for
/// its summary. Returns the summary as JSON.
#[pyfunction]
pub(crate) fn import_policy(
    py: Python<'_>,
    out: Option<PathBuf>,
    algorithm: &str,
    env: &str,
    seed: u64,
    model: Vec<u8>,
    about: &str,
) -> PyResult<String> {
    caught(|| {
        let about = serde_json::from_str(about).map_err(|error| Class::Input.with(error.to_string()))?;
        let policy = ImportedPolicy { algorithm, env, seed, model: &model, about: &about };
        let summary = py.detach(|| potstill::run::import_policy(out.as_deref(), &policy));
        summary.map(|summary| text_of(&summary)).map_err(|error| of_run(&error))
    })
}

/// The values of a searched setting, as the command writes them: `float` or `int`, the lowest, the highest and if they are
/// spread by their logarithms; or `choice` and the values.
#[pyfunction]
pub(crate) fn search_domain(py: Python<'_>, text: &str) -> PyResult<Py<PyAny>> {
    match text.parse().map_err(|reason: String| Class::Input.with(reason))? {
        Domain::Float { low, high, log } => ("float", low, high, log).into_py_any(py),
        Domain::Integer { low, high, log } => ("int", low, high, log).into_py_any(py),
        Domain::Choice(values) => ("choice", values).into_py_any(py),
    }
}

/// Searches settings; the arguments are those of the command, settings as a JSON object. Returns the result as JSON.
#[pyfunction]
pub(crate) fn tune(
    py: Python<'_>,
    algorithm: String,
    settings: &str,
    search: Vec<String>,
    counts: (u64, u64, u64),
    words: (String, String),
    preset: Option<String>,
    config: Option<PathBuf>,
    out: Option<PathBuf>,
    threads: Option<usize>,
) -> PyResult<String> {
    let flags = settings_of(settings, |kind| kind.name == algorithm)?;
    let ((trials, round, winner_seeds), (sampler, prune)) = (counts, words);
    let request = TuneRequest {
        algorithm,
        preset,
        sources: Sources { config, flags, set: Vec::new() },
        search,
        trials,
        round,
        sampler: sampler.parse().map_err(|reason| Class::Input.with(format!("sampler: {reason}")))?,
        prune: prune.parse().map_err(|reason| Class::Input.with(format!("prune: {reason}")))?,
        winner_seeds,
        out,
        threads: threads_of(threads)?,
    };
    watched(py, None, |watcher| potstill::commands::tune(&request, watcher)).map(|result| text_of(&result))
}

/// Distils; the arguments are those of the command, settings as a JSON object. Returns the summary as JSON.
#[pyfunction]
pub(crate) fn distill(
    py: Python<'_>,
    settings: &str,
    config: Option<PathBuf>,
    seeds: Option<u64>,
    budget: Option<&str>,
    out: Option<PathBuf>,
    threads: Option<usize>,
    callback: Option<Py<PyAny>>,
) -> PyResult<String> {
    let flags = settings_of(settings, RunKind::distils)?;
    let budget = budget.map(str::parse::<Budget>).transpose();
    let request = DistillRequest {
        sources: Sources { config, flags, set: Vec::new() },
        seeds: seeds_of(seeds)?,
        budget: budget.map_err(|reason| Class::Input.with(format!("budget: {reason}")))?,
        out,
        threads: threads_of(threads)?,
    };
    watched(py, callback, |watcher| potstill::commands::distill(&request, watcher))
        .map(|result| text_of(&result))
}

/// Continues a run. Returns the summary as JSON.
#[pyfunction]
pub(crate) fn resume(
    py: Python<'_>,
    run: PathBuf,
    steps: Option<u64>,
    seeds: Option<u64>,
    keep_schedules: bool,
    fallback: bool,
    threads: Option<usize>,
    callback: Option<Py<PyAny>>,
) -> PyResult<String> {
    let threads = threads_of(threads)?;
    let request = ResumeRequest { run, steps, seeds: seeds_of(seeds)?, keep_schedules, fallback, threads };
    watched(py, callback, |watcher| potstill::commands::resume(&request, watcher))
        .map(|result| text_of(&result))
}

/// Evaluates a run. Returns the measures as JSON.
#[pyfunction]
pub(crate) fn evaluate(
    py: Python<'_>,
    run: PathBuf,
    env: Option<String>,
    episodes: u64,
    seed: u64,
    threads: Option<usize>,
) -> PyResult<String> {
    let request = EvaluateRequest { run, env, episodes, seed, threads: threads_of(threads)? };
    // Stopped by a signal, which is raised in place of a result.
    watched(py, None, |watcher| evaluate_unless(&|| watcher.stop_requested(), &request))
        .map(|result| text_of(&result.unwrap_or_default()))
}

/// Estimates the value of a run's policy from recorded episodes. Returns the result as JSON.
#[pyfunction]
pub(crate) fn evaluate_offline(
    py: Python<'_>,
    run: PathBuf,
    data: String,
    policy: (Option<f64>, Option<f64>),
    behaviour: Option<String>,
    behaviour_policy: (Option<f64>, Option<f64>),
    gamma: Option<f64>,
    updates: Option<u64>,
    accept_if: Option<&str>,
    truth_episodes: Option<u64>,
    seed: u64,
    threads: Option<usize>,
) -> PyResult<String> {
    let behaviour =
        RecordedByRequest::of(behaviour.map(PathBuf::from), behaviour_policy.0, behaviour_policy.1);
    if updates == Some(0) || truth_episodes == Some(0) {
        return Err(
            Class::Input.with("updates and compare_with_truth: write a number of 1 or above".to_owned())
        );
    }
    let gate = accept_if.map(str::parse).transpose();
    let request = EvaluateOfflineRequest {
        run,
        data,
        policy: Policy::softened(policy.0, policy.1)
            .map_err(|reason| Class::Input.with(format!("epsilon and temperature: {reason}")))?,
        behaviour: behaviour.map_err(|error| of_run(&error.into()))?,
        gamma,
        updates,
        accept_if: gate.map_err(|reason: String| Class::Input.with(format!("accept_if: {reason}")))?,
        truth_episodes,
        seed,
        threads: threads_of(threads)?,
    };
    watched(py, None, |watcher| potstill::commands::evaluate_offline(&request, watcher))
        .map(|result| text_of(&result))
}

/// Writes the model of a run to a file, in the format of its ending. Returns what was written as JSON.
#[pyfunction]
pub(crate) fn export(py: Python<'_>, run: PathBuf, out: PathBuf) -> PyResult<String> {
    let request = ExportRequest { run, to: None, out };
    watched(py, None, |watcher| potstill::commands::export(&request, watcher)).map(|result| text_of(&result))
}
