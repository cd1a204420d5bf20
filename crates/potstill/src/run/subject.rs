//! The learned policy or classifier of an earlier run, read from its directory.

use super::checks::{env_of_run, find_env, usage};
use super::data_file::name_of;
use super::datasets::TrainedOn;
use super::summary::seed_runs;
use crate::algorithm::Algorithm;
use crate::config::{ConfigError, Origin, Settings, read_toml};
use crate::distill::FitConfig;
use crate::error::Error;
use crate::export::safetensors::{self, ModelError};
use crate::export::{About, Purpose};
use crate::metrics::catalogue;
use crate::model::{Model, Predictor};
use crate::shell;
use crate::store::{RunDir, names};
use crate::words::counted;
use potstill_env::Space;
use potstill_env::registry::Spec;
use std::path::Path;
use toml::Table;

/// A learned model, with its environment or dataset.
#[derive(Clone, Debug)]
pub(crate) enum Subject {
    /// A policy for an environment.
    Policy { model: Model, spec: Spec },
    /// A classifier, with the data that it was trained on.
    Classifier { predictor: Predictor, data: TrainedOn },
}

impl Subject {
    /// Reads the model of a finished run.
    pub(crate) fn load(dir: &RunDir) -> Result<Self, Error> {
        Self::read(dir, names::MODEL, &model_file(dir)?, None)
    }

    /// Reads the model of a finished run, a policy for this environment in place of the one that it was
    /// trained in.
    pub(crate) fn load_for(dir: &RunDir, env: Option<&Spec>) -> Result<Self, Error> {
        match Self::read(dir, names::MODEL, &model_file(dir)?, env)? {
            Subject::Classifier { .. } if env.is_some() => Err(usage(format!(
                "{} learned a classifier, no policy; --env is for policies",
                dir.path().display()
            ))),
            subject => Ok(subject),
        }
    }

    /// Reads a run's copy of another run's model, under this name: the teacher of a distillation run.
    pub(crate) fn load_copy(dir: &RunDir, name: &str) -> Result<Self, Error> {
        let model = dir.read(name)?;
        Self::read(dir, name, &model, None)
    }

    fn read(dir: &RunDir, name: &str, model: &[u8], other: Option<&Spec>) -> Result<Self, Error> {
        let path = dir.path().join(names::CONFIG);
        let origin = Origin::File(path.display().to_string());
        let config = read_toml(&dir.read_text(names::CONFIG)?, origin.clone())?;
        let misfit = |reason: String| Error::Model {
            path: dir.path().join(name),
            source: ModelError::Misfit { reason },
        };
        let model = read_model(dir, name, model)?;
        let text = |key: &str| match config.get(key) {
            None => Ok(None),
            Some(toml::Value::String(text)) => Ok(Some(text.as_str())),
            Some(value) => {
                let (key, origin) = (key.to_owned(), Some(origin.clone()));
                let reason = format!("expected text, got {} `{value}`", value.type_str());
                Err(ConfigError::Value { key, origin, reason })
            }
        };
        match (text("env")?, text("data")?) {
            (Some(id), _) => {
                let spec = match other {
                    Some(other) => other.clone(),
                    None => env_of_run(dir.path(), id)?,
                };
                if matches!(&model, Model::Table(table) if table.actions() == 1) {
                    let run = dir.path().display();
                    return Err(usage(format!(
                        "{run} has evaluated a policy and learned none of its own; see its values with potstill show {}",
                        shell::path(dir.path())
                    )));
                }
                check_shape(&model, &spec).map_err(misfit)?;
                Ok(Subject::Policy { model, spec })
            }
            (None, Some(source)) => {
                let fit = fit_config(&config, &origin)?;
                let checksum = config.get("data_crc32c").and_then(toml::Value::as_integer);
                let data = TrainedOn {
                    source: source.to_owned(),
                    test: text("test")?.map(str::to_owned),
                    checksum: checksum.and_then(|sum| u32::try_from(sum).ok()),
                    fit,
                };
                let predictor = match model {
                    Model::Predictor(predictor) => predictor,
                    // A file of before its preprocessing was in it.
                    Model::Network(network) => {
                        let predictor = Predictor::new(network, data.parts(None)?.preprocessing);
                        predictor.map_err(|_| misfit(format!("it is no classifier of {source}")))?
                    }
                    _ => return Err(misfit(format!("it is no classifier of {source}"))),
                };
                Ok(Subject::Classifier { predictor, data })
            }
            (None, None) => {
                Err(usage(format!("{} names neither an environment nor a dataset", path.display())))
            }
        }
    }
}

/// The model of a finished run, and the CRC-32C of its file.
pub(super) fn learned(dir: &RunDir) -> Result<(Model, u32), Error> {
    let bytes = model_file(dir)?;
    Ok((read_model(dir, names::MODEL, &bytes)?, crc32c::crc32c(&bytes)))
}

/// The policy in which a run was stopped or has failed, with its origin; of another run, [its model](model_with_origin).
///
/// # Errors
/// As [`model_with_origin`].
pub fn model_so_far(dir: &RunDir) -> Result<(Model, About), Error> {
    let name = names::POLICY_SO_FAR;
    if !dir.has(name) {
        return model_with_origin(dir);
    }
    let bytes = dir.read_unchecked(name)?;
    with_origin(dir, (read_model(dir, name, &bytes)?, crc32c::crc32c(&bytes)))
}

/// The model of a finished run, and the meaning of its outputs with the keys and values that an exported file has of the run.
///
/// # Errors
/// If the folder is not a finished run, or a file in it is damaged.
pub fn model_with_origin(dir: &RunDir) -> Result<(Model, About), Error> {
    with_origin(dir, learned(dir)?)
}

fn with_origin(dir: &RunDir, (model, checksum): (Model, u32)) -> Result<(Model, About), Error> {
    let path = dir.path().join(names::CONFIG);
    let config = read_toml(&dir.read_text(names::CONFIG)?, Origin::File(path.display().to_string()))?;
    let of_config = ["command", "algorithm", "env", "data", "seed"].into_iter().filter_map(|key| {
        let value = config.get(key)?;
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        // A path is one of this machine: the name is enough.
        Some((key.to_owned(), if key == "data" { name_of(&text) } else { text }))
    });
    let mut metadata: Vec<(String, String)> = of_config.collect();
    metadata.push(("model_crc32c".to_owned(), format!("{checksum:08x}")));
    let summary = dir.has(names::SUMMARY).then(|| dir.read_text(names::SUMMARY)).transpose()?;
    let summary = serde_json::from_str(&summary.unwrap_or_default()).unwrap_or_default();
    Ok((model, About { purpose: purpose(&config, &summary), metadata }))
}

/// The meaning of the outputs of a run's model, also if its settings were edited since.
pub(super) fn learned_purpose(dir: &RunDir) -> Purpose {
    let config = dir.read_unchecked(names::CONFIG).unwrap_or_default();
    let config = String::from_utf8_lossy(&config).parse().unwrap_or_default();
    let summary = dir.read_unchecked(names::SUMMARY).unwrap_or_default();
    purpose(&config, &serde_json::from_slice(&summary).unwrap_or_default())
}

/// The meaning of the outputs of the network that a run with this configuration and this summary has trained.
fn purpose(config: &Table, summary: &serde_json::Value) -> Purpose {
    let text = |key: &str| config.get(key).and_then(toml::Value::as_str).unwrap_or_default();
    if config.contains_key("data") && !config.contains_key("env") {
        return Purpose::Classes;
    }
    let learns_policy = match text("command") {
        // Its student learns probabilities, or the distances of its teacher's outputs.
        "distill" => true,
        // Whoever learns values tells that of the start.
        _ => Algorithm::find(text("algorithm")).is_ok() && summary.get(catalogue::START_VALUE).is_none(),
    };
    if learns_policy { Purpose::Policy } else { Purpose::Values }
}

/// The bytes of a finished run's model.
fn model_file(dir: &RunDir) -> Result<Vec<u8>, Error> {
    let seeds = seed_runs(dir.path());
    if let Some(seed) = seeds.first() {
        let (run, seed, seeds) = (dir.path().display(), seed.display(), counted(seeds.len(), "seed"));
        return Err(usage(format!("{run} is a folder of {seeds}; name one, such as {seed}")));
    }
    Ok(dir.model()?)
}

fn read_model(dir: &RunDir, name: &str, bytes: &[u8]) -> Result<Model, Error> {
    safetensors::read(bytes).map_err(|source| Error::Model { path: dir.path().join(name), source })
}

/// The keys of [`FitConfig`] in a run's configuration.
fn fit_config(config: &Table, origin: &Origin) -> Result<FitConfig, Error> {
    let mut fit = FitConfig::default();
    for key in FitConfig::default().keys() {
        if let Some(Err(reason)) = config.get(key.name).and_then(|value| fit.set(key.name, value)) {
            return Err(ConfigError::Value {
                key: key.name.to_owned(),
                origin: Some(origin.clone()),
                reason,
            }
            .into());
        }
    }
    Ok(fit)
}

/// Checks that a model fits the spaces of an environment; the error is the reason.
pub(super) fn check_shape(model: &Model, spec: &Spec) -> Result<(), String> {
    let (observations, actions) = (spec.observation_space(), spec.action_space());
    let (inputs, outputs, discrete) = match model {
        Model::Table(table) => (table.states(), table.actions(), true),
        Model::Linear(linear) => (linear.coder().bounds().len(), linear.actions(), false),
        Model::Network(network) => (network.inputs(), network.ends().choices, false),
        Model::Predictor(_) => return Err("it is a classifier, no policy".to_owned()),
        Model::Control(policy) => {
            let bounds = Space::Box { low: policy.low().to_vec(), high: policy.high().to_vec() };
            // Bounds of recorded actions may be narrower.
            let is_within = match &actions {
                Space::Box { low, high } => {
                    let side = |ours: &[f32], theirs: &[f32], within: fn(&f32, &f32) -> bool| {
                        ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(x, y)| within(x, y))
                    };
                    side(policy.low(), low, f32::ge) && side(policy.high(), high, f32::le)
                }
                _ => false,
            };
            if policy.network().inputs() != observations.features() || !is_within {
                let (id, inputs) = (&spec.id, policy.network().inputs());
                return Err(format!(
                    "it maps {inputs} to {bounds}, but {id} has observations {observations} and actions {actions}"
                ));
            }
            return Ok(());
        }
    };
    let wanted = observations.discrete().unwrap_or(observations.features());
    if discrete != observations.discrete().is_some()
        || inputs != wanted
        || Some(outputs) != actions.discrete()
    {
        let id = &spec.id;
        return Err(format!(
            "it maps {inputs} to {outputs}, but {id} has observations {observations} and actions {actions}"
        ));
    }
    Ok(())
}

/// Checks that the model of a finished run fits an environment, in which it is to go on; of a run that is not finished nothing
/// is known.
///
/// # Errors
/// If the folder is no run, there is no such environment, or its spaces are others.
pub fn check_environment(run: &Path, id: &str) -> Result<(), Error> {
    let dir = RunDir::open(run)?;
    if !dir.is_finished()? {
        return Ok(());
    }
    let spec = find_env(id)?;
    let (model, _) = learned(&dir)?;
    let source =
        |reason| Error::Model { path: dir.path().join(names::MODEL), source: ModelError::Misfit { reason } };
    check_shape(&model, &spec).map_err(source)
}

/// Returns true if a run has this copy, or had it.
pub(crate) fn has_copy(dir: &RunDir, name: &str) -> Result<bool, Error> {
    Ok(dir.has(name) || dir.manifest()?.file(name).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outputs_of_a_network_have_the_meaning_that_was_learned() {
        let check = |config: &str, expected: Purpose| {
            let values = serde_json::json!({ "start_value": 20.0 });
            let summary = if expected == Purpose::Values { values } else { serde_json::json!({}) };
            assert_eq!(purpose(&config.parse().unwrap(), &summary), expected, "{config}");
        };
        check("command = 'train'\nalgorithm = 'classifier'\ndata = 'digits'", Purpose::Classes);
        check("command = 'distill'\ndata = 'digits'", Purpose::Classes);
        check("command = 'train'\nalgorithm = 'dqn'\nenv = 'CartPole-v1'", Purpose::Values);
        check("command = 'train'\nalgorithm = 'ppo'\nenv = 'CartPole-v1'", Purpose::Policy);
        check(
            "command = 'train'\nalgorithm = 'bc'\nenv = 'CartPole-v1'\ndata = 'pole.jsonl'",
            Purpose::Policy,
        );
        check(
            "command = 'train'\nalgorithm = 'cql'\nenv = 'CartPole-v1'\ndata = 'pole.jsonl'",
            Purpose::Values,
        );
        check("command = 'distill'\nenv = 'CartPole-v1'\ndivergence = 'kl'", Purpose::Policy);
        check("command = 'distill'\nenv = 'CartPole-v1'\ndivergence = 'mse'", Purpose::Policy);
    }
}
