//! Recorded transitions that a network learns from offline.

use super::actions::Actions;
use super::checks::{bad, check_playable, find_env, usage};
use super::data_file::{RANDOM, refused};
use super::episodes::OpenEpisodes;
use super::sources::peek;
use crate::agent::Agent;
use crate::algorithm::{Algorithm, DataKind, PolicyKind};
use crate::config::{Layer, Origin};
use crate::data::OfflineDataset;
use crate::data::episodes::{EpisodeFilter, EpisodeRecord, EpisodeRecorder};
use crate::error::Error;
use crate::experience::Steps;
use crate::jobs::{EvalConfig, OfflineData};
use crate::train::TrainError;
use crate::words::counted;
use potstill_core::{Streams, written};
use potstill_env::registry::{self, Spec};
use potstill_env::{BoxEnv, Env, EnvError, Row};
use toml::{Table, Value};

/// Recorded episodes of an environment with features.
pub(super) struct Recorded {
    file: String,
    data: OfflineDataset,
    /// True if the data have no bounds of actions.
    is_unbounded: bool,
    /// The reason for which the environment that they name is not at hand.
    not_at_hand: Option<EnvError>,
    /// The values of settings that follow from the data.
    values: Table,
}

impl Recorded {
    /// The data of these settings, if the algorithm learns from any.
    ///
    /// # Errors
    /// If they cannot be read, are missing, or the algorithm cannot learn from them.
    pub(super) fn read(algorithm: &Algorithm, layers: &[Layer]) -> Result<Option<Self>, Error> {
        let name = algorithm.name;
        let Some(file) = peek(layers, "data") else {
            return match algorithm.data {
                DataKind::Offline => Err(usage(format!(
                    "`{name}` learns from recorded episodes: give --data FILE (from potstill play --env ID --record \
                     FILE), or --data random:STEPS"
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
            let asked = random(words);
            let (steps, seed) = asked.ok_or_else(|| refuse(RANDOM_FORM.to_owned()))?;
            let env =
                peek(layers, "env").ok_or_else(|| refuse("name the environment (--env ID)".to_owned()))?;
            let data = play_at_random(&find_env(env)?, steps, seed)?;
            let values = Table::new();
            let is_unbounded = false;
            return Ok(data.map(|data| Self {
                file: file.to_owned(),
                data,
                is_unbounded,
                not_at_hand: None,
                values,
            }));
        }
        let OpenEpisodes { data, checksum, source, .. } =
            OpenEpisodes::open("--data", file, &format!("`{name}` learns from episodes"))?;
        let crc = i64::from(checksum);
        let known = layers.iter().rev().find_map(|layer| layer.values.get("data_crc32c"));
        if known.is_some_and(|known| known.as_integer() != Some(crc)) {
            return Err(refuse("it is not the data that the run was begun with".to_owned()));
        }
        let mut values = Table::from_iter([("data_crc32c".to_owned(), Value::Integer(crc))]);
        let mut not_at_hand = None;
        if peek(layers, "env").is_none() {
            let found = registry::find(data.env());
            let env = if found.is_ok() { data.env().to_owned() } else { data.recorded_env() };
            values.insert("env".to_owned(), env.into());
            // That it is not known says enough.
            not_at_hand = found.err().filter(|error| !matches!(error, EnvError::Unknown { .. }));
        }
        // The run may be resumed from another folder.
        values.insert("data".to_owned(), source.into());
        let is_unbounded = data.has_unbounded_actions();
        Ok(Some(Self { file: file.to_owned(), data, is_unbounded, not_at_hand, values }))
    }

    /// The layer of values that follow from the data.
    pub(super) fn layer(&self) -> Layer {
        Layer { origin: Origin::Program("of the data"), values: self.values.clone() }
    }

    /// Refuses data of other spaces than the environment's, or with numbers outside of them, and keeps the
    /// episodes that are to be learned from.
    pub(super) fn check(
        self,
        spec: &Spec,
        settings: &OfflineData,
        episodes: Option<u64>,
    ) -> Result<Self, Error> {
        if episodes.is_some() {
            let reason =
                "there are no episodes of its own in a run on recorded data; give steps, which are updates";
            return Err(bad("episodes", reason.to_owned()));
        }
        let data = self
            .data
            .in_environment(&spec.id, &spec.observation_space(), &spec.action_space())
            .map_err(|reason| refused("--data", &self.file, reason))?;
        if settings.top_fraction >= 1.0 {
            return Ok(Self { data, ..self });
        }
        let best = EpisodeFilter { top: Some(settings.top_fraction), ..EpisodeFilter::default() };
        let data = data.select(&best.kept(&data));
        Ok(Self { data, ..self })
    }

    /// The number of transitions.
    pub(super) fn transitions(&self) -> u64 {
        self.data.steps() as u64
    }

    /// The first observations of all episodes, row after row.
    pub(super) fn first_observations(&self) -> Vec<f32> {
        let observations = self.data.observations().typed::<f32>().unwrap_or_default();
        let width = self.data.observation_space().features();
        let first = |(i, episode): (usize, &EpisodeRecord)| {
            observations.iter().skip((episode.first_step + i) * width).take(width)
        };
        self.data.episodes().iter().enumerate().flat_map(first).copied().collect()
    }

    /// Remarks on data that little can be learned from, whose ends have to be understood, or whose
    /// environment is not at hand.
    pub(super) fn warnings(&self, spec: &Spec) -> Vec<String> {
        let (episodes, rewards) = (self.data.episodes(), self.data.rewards());
        let terminated = episodes.iter().filter(|episode| episode.terminated).count();
        let mut warnings = Vec::new();
        if !spec.is_playable() {
            let env = match (self.data.env(), &self.not_at_hand) {
                ("", _) => "names no environment".to_owned(),
                (env, None) => format!("environment {env} is not at hand"),
                (_, Some(reason)) => format!("its environment is not at hand ({reason})"),
            };
            warnings.push(format!(
                "{env}: no returns are measured; estimate them with potstill evaluate-offline, or give --env ID"
            ));
            if self.is_unbounded {
                warnings.push("bounds of actions are not known: the recorded extremes are taken".to_owned());
            }
        }
        if episodes.len() == 1 {
            warnings.push("has one episode: little of what it leaves out can be told from it".to_owned());
        }
        if terminated == 0 {
            let of = counted(episodes.len(), "episode");
            warnings
                .push(format!("none of {of} terminated: values go on behind the last observation of each"));
        }
        // With terminal states, the length of an episode is what counts.
        if rewards.iter().all(|reward| *reward == rewards[0]) && (terminated == 0 || rewards[0] == 0.0) {
            warnings.push(format!("all rewards are {}: no policy is better than another", rewards[0]));
        }
        warnings.into_iter().map(|reason| format!("--data {}: {reason}", self.file)).collect()
    }

    /// The number of episodes, and the mean of their returns.
    pub(super) fn summary(&self) -> (usize, f64) {
        let episodes = self.data.episodes().len();
        (episodes, self.data.returns().sum::<f64>() / episodes as f64)
    }

    /// Lets an agent store all transitions.
    ///
    /// # Errors
    /// If they are of other types than it learns from, or a reward is too large.
    pub(super) fn store<A: Actions + ?Sized>(
        &self,
        agent: &mut dyn Agent<Observation = [f32], Action = A>,
    ) -> Result<(), Error> {
        let transitions = self.data.transitions::<[f32], A>().ok_or_else(|| {
            let (observations, actions) = (self.data.observation_space(), self.data.action_space());
            refused(
                "--data",
                &self.file,
                format!("it has observations in {observations} and actions in {actions}"),
            )
        })?;
        for step in 0..transitions.len() {
            let stored = agent.store(&Steps::of(&transitions.get(step)));
            stored.map_err(|source| TrainError::Learn { step: step as u64 + 1, source })?;
        }
        Ok(())
    }
}

/// The form of data that are made by uniformly random actions.
const RANDOM_FORM: &str = "write random:STEPS or random:STEPS:SEED";

/// The number of steps of such data, and the seed, which is 0 unless given.
fn random(words: &str) -> Option<(u64, u64)> {
    let (steps, seed) = words.split_once(':').unwrap_or((words, "0"));
    Some((written::whole(steps).filter(|steps| *steps > 0)?, written::whole(seed)?))
}

/// Such data; none of an environment without features, which is refused for that.
fn play_at_random(spec: &Spec, steps: u64, seed: u64) -> Result<Option<OfflineDataset>, Error> {
    let of = (spec, steps, seed);
    Ok(match (spec.make_features(), spec.make_control()) {
        (Some(env), _) => Some(at_random(of, env)?),
        (None, Some(env)) => Some(at_random(of, env)?),
        (None, None) => None,
    })
}

/// So many steps of uniformly random actions, the last episode of which is cut off.
fn at_random<O: Row + ?Sized, A: Row + ?Sized>(
    (spec, steps, seed): (&Spec, u64, u64),
    mut env: BoxEnv<O, A>,
) -> Result<OfflineDataset, Error> {
    check_playable(spec)?;
    let streams = Streams::new(seed);
    let mut recorder = EpisodeRecorder::new(&spec.id, env.observation_space(), env.action_space());
    recorder
        .play_at_random(&mut env, streams.seed_for("environment", 0), steps, streams.stream("actions"))
        .map_err(|(step, source)| TrainError::Env { step, source })?;
    Ok(recorder.into_data())
}

/// The episodes of a source for a policy of an environment, of any spaces. `learner` says for other data
/// what they are for.
///
/// # Errors
/// If they cannot be read, or are of other spaces.
pub(crate) fn recorded_episodes(
    (option, given): (&'static str, &str),
    spec: &Spec,
    learner: &str,
) -> Result<OfflineDataset, Error> {
    let refuse = |reason: String| refused(option, given, reason);
    if let Some(words) = given.strip_prefix(RANDOM) {
        let (steps, seed) = random(words).ok_or_else(|| refuse(RANDOM_FORM.to_owned()))?;
        let data = match spec.make_states() {
            Some(env) => Some(at_random((spec, steps, seed), env)?),
            None => play_at_random(spec, steps, seed)?,
        };
        return data.ok_or_else(|| refuse(format!("{} has neither states nor features", spec.id)));
    }
    let data = OpenEpisodes::open(option, given, learner)?.data;
    data.in_environment(&spec.id, &spec.observation_space(), &spec.action_space()).map_err(refuse)
}

/// The settings of a run of a network that are not the algorithm's: those of evaluations, and of recorded
/// data if it learns from any.
pub(super) fn deep_settings(algorithm: &Algorithm) -> (EvalConfig, Option<OfflineData>) {
    (EvalConfig::default(), (algorithm.data != DataKind::Online).then(OfflineData::default))
}
