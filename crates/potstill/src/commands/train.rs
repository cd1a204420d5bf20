//! `potstill train`.

use super::report::with_report;
use super::resume::resume_point;
use super::sweep::Sweep;
use crate::algorithm::Algorithm;
use crate::config::{Layer, Origin, read_toml};
use crate::error::Error;
use crate::run::{
    EpisodesOut, Observer, Sources, Work, absolute_place, check_out, create, discard_on_error, execute,
    is_family, note_irreproducible, peek, prepare_train, train_head, train_seeds, train_settings, usage,
};
use crate::store::{self, RunDir};
use crate::train::Actors;
use potstill_env::registry;
use serde_json::Value;
use std::path::PathBuf;

/// The reason why a configuration does not reproduce a run.
const PLAYED_AHEAD: &str = "actors played ahead of the learner, by its model some steps before";

/// A request to train an algorithm.
#[derive(Clone, Debug, Default)]
pub struct TrainRequest {
    /// The algorithm's name; if empty, that of the configuration file.
    pub algorithm: String,
    /// A preset's name, or `none` for the plain defaults; the first with values for the environment if it is not
    /// given.
    pub preset: Option<String>,
    /// The sources of values.
    pub sources: Sources,
    /// The number of seeds to run; one, or that of the configuration file, by default.
    pub seeds: Option<u64>,
    /// The run directory to create.
    pub out: Option<PathBuf>,
    /// Threads to use. Results do not depend on their number.
    pub threads: usize,
}

/// Trains, and returns the summary that is also written to the run directory.
///
/// # Errors
/// If the request is invalid (nothing is then left behind), or training fails or is stopped (it can then be
/// resumed).
pub fn train(request: &TrainRequest, observer: &dyn Observer) -> Result<Value, Error> {
    train_with(request, None, observer)
}

/// Trains with actors, which step the copies of the environment. In rounds the run directory is that of a training without them, to
/// the bit; if they play ahead, its manifest says that its configuration alone does not reproduce it.
///
/// # Errors
/// As [`train()`], and if the run has no copies that actors could step, or they fail.
pub fn train_with_actors(
    request: &TrainRequest,
    actors: Box<dyn Actors>,
    observer: &dyn Observer,
) -> Result<Value, Error> {
    train_with(request, Some(actors), observer)
}

fn train_with(
    request: &TrainRequest,
    actors: Option<Box<dyn Actors>>,
    observer: &dyn Observer,
) -> Result<Value, Error> {
    let algorithm = Algorithm::find(&named(request)?)?;
    let is_to_grow = request.seeds.is_some() && request.out.as_deref().is_some_and(is_family);
    if !is_to_grow {
        check_out(request.out.as_deref())?;
    }
    let mut layers = request.sources.layers(&train_head(algorithm.name))?;
    let preset = preset(algorithm, request.preset.as_deref(), &layers)?;
    let named = preset.as_ref().map(|layer| layer.origin.clone());
    layers.splice(0..0, preset);
    let seeds = take_seeds(&mut layers)?;
    check_data(algorithm, &layers)?;
    let records = take_record_place(&mut layers)?;
    let asked = Sweep::asked(Work::Train(algorithm), &layers, request.seeds.or(seeds))?;
    let is_one = asked.is_none() && request.seeds.or(seeds).is_none_or(|seeds| seeds == 1);
    if actors.is_some() && !is_one {
        return Err(usage("actors are for one run, not for several"));
    }
    if records && !is_one {
        return Err(usage("--record is for one run: several would write to one place"));
    }
    if let Some(sweep) = asked {
        let (out, threads) = (request.out.as_deref(), request.threads);
        let summary = sweep.begin(
            out,
            threads,
            &|run, observer| resume_point(run, threads, false, observer),
            observer,
        )?;
        return Ok(with_preset(summary, named));
    }
    match request.seeds.or(seeds) {
        None | Some(1) => {
            let mut plan = prepare_train(algorithm, &layers, request.threads, None)?;
            let is_ahead = actors.as_ref().is_some_and(|actors| actors.ahead().is_some());
            if let Some(actors) = actors {
                plan.step_elsewhere(actors)?;
            }
            let dir = RunDir::create(request.out.as_deref(), &plan.name)?;
            discard_on_error(&dir, || {
                create(&dir, &plan)?;
                if is_ahead { note_irreproducible(&dir, PLAYED_AHEAD) } else { Ok(()) }
            })?;
            execute(&dir, plan, false, observer)
        }
        Some(count) => {
            let (work, out) = (Work::Train(algorithm), request.out.as_deref());
            with_report(train_seeds(work, layers, count, out, request.threads, observer)?)
        }
    }
}

/// Names the preset in the summary of a sweep.
fn with_preset(mut summary: Value, origin: Option<Origin>) -> Value {
    if let Some(Origin::Preset(name)) = origin {
        summary["preset"] = name.into();
    }
    summary
}

/// The values of the preset of a run, lowest of its layers: the named one, or else the first with values for the
/// environment, unless the run is on data.
pub(super) fn preset(
    algorithm: &Algorithm,
    name: Option<&str>,
    layers: &[Layer],
) -> Result<Option<Layer>, Error> {
    let env = peek(layers, "env").unwrap_or_default();
    // The environment's name without options.
    let env = registry::find(env).map_or_else(|_| env.to_owned(), |spec| spec.name().to_owned());
    let name = match name {
        Some("none") => None,
        Some(name) => Some(name),
        // Presets were tuned for learning while acting.
        None if peek(layers, "data").is_some() => None,
        None => algorithm.default_preset(&env),
    };
    Ok(name.map(|name| algorithm.preset(name, &env)).transpose()?)
}

/// The name of the algorithm: as requested, or of the configuration file.
pub(super) fn named(request: &TrainRequest) -> Result<String, Error> {
    let Some(path) = request.sources.config.as_ref().filter(|_| request.algorithm.is_empty()) else {
        return Ok(request.algorithm.clone());
    };
    let origin = Origin::File(path.display().to_string());
    let config = read_toml(&store::read_text(path)?, origin)?;
    let name = config.get("algorithm").and_then(toml::Value::as_str).map(str::to_owned);
    name.ok_or_else(|| {
        usage(format!("which algorithm? {} names none; give ALGO (see `potstill algos`)", path.display()))
    })
}

/// Refuses data where an algorithm has no use for any.
pub(super) fn check_data(algorithm: &Algorithm, layers: &[Layer]) -> Result<(), Error> {
    let name = algorithm.name;
    let takes_data = train_settings(algorithm).keys().iter().any(|key| key.name == "data");
    match peek(layers, "data") {
        Some(data) if !takes_data => Err(usage(format!(
            "--data {data}: `{name}` learns while it acts, in --env ID; cql, iql, bc, td3-bc and dqn learn from recorded \
             episodes, of discrete observations q-learning, and a classifier from a dataset (train classifier --data \
             digits)"
        ))),
        _ => Ok(()),
    }
}

/// Checks that episodes can be written to the place that the settings name, if they do, and makes it
/// absolute: the run may be resumed from another folder.
fn take_record_place(layers: &mut [Layer]) -> Result<bool, Error> {
    let Some(place) = peek(layers, "record").map(str::to_owned) else { return Ok(false) };
    EpisodesOut::open("--record", &place, &[])?;
    for layer in layers.iter_mut().filter(|layer| layer.values.contains_key("record")) {
        layer.values.insert("record".to_owned(), absolute_place(&place).into());
    }
    Ok(true)
}

/// The number of seeds in a configuration file, which is not a setting of a run.
pub(super) fn take_seeds(layers: &mut [Layer]) -> Result<Option<u64>, Error> {
    let mut seeds = None;
    for layer in layers {
        if let Some(value) = layer.values.remove("seeds") {
            let count =
                value.as_integer().and_then(|n| u64::try_from(n).ok()).filter(|n| (1..=100_000).contains(n));
            seeds =
                Some(count.ok_or_else(|| usage(format!("`seeds` must be from 1 to 100000, got {value}")))?);
        }
    }
    Ok(seeds)
}
