//! Recorded transitions that a network learns from offline.

use super::actions::Actions;
use super::checks::{bad, find_env, usage};
use super::data_file::refused;
use super::sources::peek;
use crate::agent::Agent;
use crate::algorithm::{Algorithm, DataKind, PolicyKind};
use crate::config::{Layer, Origin};
use crate::data::Recording;
use crate::error::Error;
use crate::jobs::{EvalConfig, OfflineData};
use crate::store;
use crate::train::TrainError;
use potstill_core::{Streams, written};
use potstill_env::registry::Spec;
use std::path::Path;
use toml::{Table, Value};

/// Recorded episodes of an environment with features.
pub(super) struct Recorded<A: Actions + ?Sized> {
    file: String,
    recording: Recording<[f32], A>,
    /// The values of settings that follow from the data.
    values: Table,
}

impl<A: Actions + ?Sized> Recorded<A> {
    /// The data of these settings, if the algorithm learns from any.
    ///
    /// # Errors
    /// If they cannot be read, are missing, or the algorithm cannot learn from them.
    pub(super) fn read(algorithm: &Algorithm, layers: &[Layer]) -> Result<Option<Self>, Error> {
        let name = algorithm.name;
        let Some(file) = peek(layers, "data") else {
            return match algorithm.data {
                DataKind::Offline => Err(usage(format!(
                    "`{name}` learns from recorded episodes: give --data FILE (from potstill play --env ID --record FILE), or --data random:STEPS"
                ))),
                DataKind::Online | DataKind::Both => Ok(None),
            };
        };
        if algorithm.data == DataKind::Online {
            let why = match algorithm.policy {
                Some(PolicyKind::On) => "is on-policy: it learns from what it does itself",
                _ => "learns while it acts",
            };
            return Err(usage(format!(
                "`{name}` {why}, not from --data; offline algorithms do, such as cql (see `potstill algos`)"
            )));
        }
        let refuse = |reason: String| refused("--data", file, reason);
        if let Some(words) = file.strip_prefix(RANDOM) {
            let (steps, seed) =
                random(words).ok_or_else(|| refuse("write random:STEPS or random:STEPS:SEED".to_owned()))?;
            let env =
                peek(layers, "env").ok_or_else(|| refuse("name the environment (--env ID)".to_owned()))?;
            let spec = find_env(env)?;
            let env = A::single(&spec).ok_or_else(|| {
                refuse(format!("`{name}` learns from features, and actions of another kind than {env} has"))
            })?;
            let recording = Recording::at_random(&spec.id, env, steps, Streams::new(seed))
                .map_err(|(step, source)| TrainError::Env { step, source })?;
            return Ok(Some(Self { file: file.to_owned(), recording, values: Table::new() }));
        }
        let bytes = store::read_file(Path::new(file))?;
        let text = std::str::from_utf8(&bytes).map_err(|_| refuse("it is no text".to_owned()))?;
        let recording = Recording::parse(text).map_err(refuse)?;
        let crc = i64::from(crc32c::crc32c(&bytes));
        let known = layers.iter().rev().find_map(|layer| layer.values.get("data_crc32c"));
        if known.is_some_and(|known| known.as_integer() != Some(crc)) {
            return Err(refuse("it is not the file that the run was begun with".to_owned()));
        }
        let mut values = Table::from_iter([("data_crc32c".to_owned(), Value::Integer(crc))]);
        if peek(layers, "env").is_none() {
            values.insert("env".to_owned(), recording.env.clone().into());
        }
        // The run may be resumed from another folder.
        if let Some(path) = std::path::absolute(file).ok().as_deref().and_then(Path::to_str) {
            values.insert("data".to_owned(), path.into());
        }
        Ok(Some(Self { file: file.to_owned(), recording, values }))
    }

    /// The layer of values that follow from the data.
    pub(super) fn layer(&self) -> Layer {
        Layer { origin: Origin::Program("of the data"), values: self.values.clone() }
    }

    /// Refuses data of other spaces than the environment's, or with numbers outside of them, and keeps the
    /// episodes that are to be learned from.
    pub(super) fn check(
        mut self,
        spec: &Spec,
        settings: &OfflineData,
        episodes: Option<u64>,
    ) -> Result<Self, Error> {
        if episodes.is_some() {
            let reason =
                "there are no episodes of its own in a run on recorded data; give steps, which are updates";
            return Err(bad("episodes", reason.to_owned()));
        }
        let refuse = |reason: String| refused("--data", &self.file, reason);
        let (observations, actions) = (spec.observation_space(), spec.action_space());
        let (theirs, ours) = (
            (&self.recording.observation_space, &self.recording.action_space),
            (observations.to_string(), actions.to_string()),
        );
        if theirs != (&ours.0, &ours.1) {
            let (of, id) = (&self.recording.env, &spec.id);
            return Err(refuse(format!(
                "it was recorded in {of} ({}, {}); {id} has {}, {}",
                theirs.0, theirs.1, ours.0, ours.1
            )));
        }
        self.recording.check(&observations, &actions).map_err(refuse)?;
        self.recording.keep_top(settings.top_fraction);
        Ok(self)
    }

    /// The number of transitions.
    pub(super) fn transitions(&self) -> u64 {
        self.recording.steps() as u64
    }

    /// The number of episodes, and the mean of their returns.
    pub(super) fn summary(&self) -> (usize, f64) {
        let episodes = self.recording.episodes.len();
        (episodes, self.recording.returns().sum::<f64>() / episodes as f64)
    }

    /// Lets an agent store all transitions.
    ///
    /// # Errors
    /// If a reward is not finite.
    pub(super) fn store(&self, agent: &mut dyn Agent<Observation = [f32], Action = A>) -> Result<(), Error> {
        let mut step = 0;
        self.recording
            .each_transition(|steps| {
                step += 1;
                agent.store(steps)
            })
            .map_err(|source| TrainError::Learn { step, source }.into())
    }
}

/// The beginning of data that are made by uniformly random actions.
const RANDOM: &str = "random:";

/// The number of steps of such data, and the seed, which is 0 unless given.
fn random(words: &str) -> Option<(u64, u64)> {
    let (steps, seed) = words.split_once(':').unwrap_or((words, "0"));
    Some((written::whole(steps).filter(|steps| *steps > 0)?, written::whole(seed)?))
}

/// The settings of a run of a network that are not the algorithm's: those of evaluations, and of recorded data if it
/// learns from any.
pub(super) fn deep_settings(algorithm: &Algorithm) -> (EvalConfig, Option<OfflineData>) {
    (EvalConfig::default(), (algorithm.data != DataKind::Online).then(OfflineData::default))
}

/// The environment of the data of these settings, if there are any.
///
/// # Errors
/// If they cannot be read, or the algorithm cannot learn from them.
pub(super) fn recorded_env(algorithm: &Algorithm, layers: &[Layer]) -> Result<Option<String>, Error> {
    // The kind of the actions does not matter for what stands in the first line.
    let Some(file) =
        peek(layers, "data").filter(|file| algorithm.data != DataKind::Online && !file.starts_with(RANDOM))
    else {
        return Recorded::<usize>::read(algorithm, layers).map(|_| None);
    };
    let bytes = store::read_file(Path::new(file))?;
    let head = bytes.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let head: serde_json::Value = serde_json::from_slice(head).unwrap_or_default();
    Ok(head["env"].as_str().map(str::to_owned))
}
