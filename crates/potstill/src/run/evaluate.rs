//! `potstill eval`.

use super::plan::checked_data;
use super::{find_env, usage};
use crate::config::{ConfigError, Origin, Settings, read_toml};
use crate::distill::FitConfig;
use crate::distill::classifier::error_rate;
use crate::error::Error;
use crate::export::safetensors::{self, ModelError};
use crate::model::{Model, ModelActor};
use crate::store::{RunDir, names};
use crate::train::{Evaluation, Protocol, evaluate as play_episodes, statistics};
use potstill_core::Streams;
use potstill_env::Space;
use potstill_env::registry::Spec;
use potstill_nn::Network;
use serde_json::{Value, json};
use std::path::PathBuf;
use toml::Table;

/// What to evaluate.
#[derive(Clone, Debug)]
pub struct EvaluateRequest {
    /// The run directory.
    pub run: PathBuf,
    /// Episodes to play.
    pub episodes: u64,
    /// The seed of the episodes.
    pub seed: u64,
    /// Threads to use. The result does not depend on it.
    pub threads: usize,
}

/// What a run learned, and on what.
#[derive(Clone, Debug)]
pub(crate) enum Subject {
    /// A policy for an environment.
    Policy { model: Model, spec: Spec },
    /// A classifier for a dataset, with the split it was trained on.
    Classifier { network: Network, data: String, fit: FitConfig },
}

impl Subject {
    /// What a finished run learned.
    pub(crate) fn load(dir: &RunDir) -> Result<Self, Error> {
        let seeds = super::compare::seeds(dir.path());
        if let Some(seed) = seeds.first() {
            let (run, seed) = (dir.path().display(), seed.display());
            return Err(usage(format!(
                "{run} is a folder of {} seeds; name one, such as {seed}",
                seeds.len()
            )));
        }
        let model = dir.model()?;
        Self::read(dir, names::MODEL, &model)
    }

    /// What a run has a copy of, under this name: a distillation run of its teacher.
    pub(super) fn load_copy(dir: &RunDir, name: &str) -> Result<Self, Error> {
        let model = dir.read(name)?;
        Self::read(dir, name, &model)
    }

    fn read(dir: &RunDir, name: &str, model: &[u8]) -> Result<Self, Error> {
        let path = dir.path().join(names::CONFIG);
        let origin = Origin::File(path.display().to_string());
        let config = read_toml(&dir.read_text(names::CONFIG)?, origin.clone())?;
        let model_path = dir.path().join(name);
        let misfit =
            |reason: String| Error::Model { path: model_path.clone(), source: ModelError::Misfit { reason } };
        let model =
            safetensors::read(model).map_err(|source| Error::Model { path: model_path.clone(), source })?;
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
                let spec = find_env(id)?;
                if matches!(&model, Model::Table(table) if table.actions() == 1) {
                    let run = dir.path().display();
                    return Err(usage(format!(
                        "{run} has judged a policy and learned none of its own; see its values with potstill show {run}"
                    )));
                }
                check_shape(&model, &spec).map_err(misfit)?;
                Ok(Subject::Policy { model, spec })
            }
            (None, Some(data)) => {
                let fit = fit_config(&config, &origin)?;
                let shape = checked_data(Some(data), &fit)?;
                match model {
                    Model::Network(network)
                        if (network.inputs(), network.outputs()) == (shape.features, shape.classes) =>
                    {
                        Ok(Subject::Classifier { network, data: data.to_owned(), fit })
                    }
                    _ => Err(misfit(format!("it is no classifier of {data}"))),
                }
            }
            (None, None) => {
                Err(usage(format!("{} names neither an environment nor a dataset", path.display())))
            }
        }
    }
}

/// The keys of [`FitConfig`] among a run's.
fn fit_config(config: &Table, origin: &Origin) -> Result<FitConfig, Error> {
    let mut fit = FitConfig::default();
    for key in FitConfig::keys() {
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

/// Whether a model can act in an environment; if not, why.
fn check_shape(model: &Model, spec: &Spec) -> Result<(), String> {
    let (observations, actions) = (spec.observation_space(), spec.action_space());
    let (inputs, outputs, discrete) = match model {
        Model::Table(table) => (table.states(), table.actions(), true),
        Model::Network(network) => (network.inputs(), network.ends().choices, false),
        Model::Control(policy) => {
            let bounds = Space::Box { low: policy.low().to_vec(), high: policy.high().to_vec() };
            if (policy.network().inputs(), &bounds) != (observations.features(), &actions) {
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

/// Plays the greedy policy of a model that fits the environment.
pub(crate) fn evaluate_policy(model: &Model, spec: &Spec, protocol: Protocol) -> Result<Evaluation, Error> {
    let actor = || ModelActor::greedy(model);
    let evaluation = match model {
        Model::Table(_) => {
            play_episodes::<usize, usize, _>(protocol, || spec.make_states().expect("a table is for states"), actor)
        }
        Model::Network(_) => {
            let make_env = || spec.make_features().expect("a network is for features");
            play_episodes::<[f32], usize, _>(protocol, make_env, actor)
        }
        Model::Control(_) => {
            let make_env = || spec.make_control().expect("a control policy is for a box of actions");
            play_episodes::<[f32], [f32], _>(protocol, make_env, actor)
        }
    };
    Ok(evaluation?)
}

/// Evaluates a run: a policy over episodes, a classifier over its test samples.
///
/// # Errors
/// If the folder is no run, or its files are damaged or do not fit together.
pub fn evaluate(request: &EvaluateRequest) -> Result<Value, Error> {
    let dir = RunDir::open(&request.run)?;
    match Subject::load(&dir)? {
        Subject::Policy { model, spec } => {
            if request.episodes == 0 {
                return Err(usage("--episodes must be 1 or above, got 0"));
            }
            let protocol = Protocol {
                episodes: request.episodes as usize,
                streams: Streams::new(request.seed),
                purpose: "evaluation",
                threads: request.threads,
            };
            let evaluation = evaluate_policy(&model, &spec, protocol)?;
            let mut rng = protocol.streams.stream("bootstrap");
            let interval = statistics::bootstrap(&evaluation.returns, statistics::mean, &mut rng);
            let lengths: Vec<f64> = evaluation.steps.iter().map(|&steps| steps as f64).collect();
            Ok(json!({
                "command": "eval",
                "run": request.run.display().to_string(),
                "env": spec.id,
                "seed": request.seed,
                "episodes": request.episodes,
                "mean_return": interval.value,
                "mean_return_low": interval.low,
                "mean_return_high": interval.high,
                "std_return": evaluation.std_return(),
                "mean_steps": statistics::mean(&lengths),
                "truncated": evaluation.truncated,
                "parameters": model.parameters(),
            }))
        }
        Subject::Classifier { network, data, fit } => {
            let (_, test) = checked_data(Some(&data), &fit)?
                .split(fit.test_samples as usize, &mut Streams::new(fit.split_seed).stream("split"));
            Ok(json!({
                "command": "eval",
                "run": request.run.display().to_string(),
                "data": data,
                "test_samples": test.len(),
                "test_error": error_rate(&network, &test),
                "parameters": network.parameters().len(),
            }))
        }
    }
}
