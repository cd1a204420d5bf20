//! Runs of agents for discrete observations, which may learn from recordings or act on another run's values.

use super::checks::{bad, check_playable, env_and_length, usage};
use super::data_file::refused;
use super::episodes::OpenEpisodes;
use super::idle_keys::idle_keys;
use super::prepared::PreparedRun;
use super::sources::peek;
use super::subject::{Subject, has_copy};
use crate::algorithm::{Algorithm, BehaviourSource, Constructor, DataKind, PolicyKind, TabularAgent, Task};
use crate::config::{Layer, Origin, resolve_onto};
use crate::data::{OfflineDataset, RecordedEnv, Recording};
use crate::error::Error;
use crate::export::safetensors;
use crate::jobs::{Acts, ReinforcementJob, RunConfig, SourceConfig, StoreConfig};
use crate::model::Model;
use crate::store::{RunDir, names};
use crate::train::Trainer;
use potstill_core::Streams;
use potstill_env::StateEnv;
use potstill_env::registry::Spec;
use std::path::Path;
use std::sync::Arc;
use toml::{Table, Value};

/// A run of an algorithm for discrete observations, before it is prepared.
pub(super) struct PrepareTabular<'a> {
    pub(super) algorithm: &'a Algorithm,
    pub(super) head: &'a [(&'a str, Value)],
    pub(super) layers: &'a [Layer],
    pub(super) threads: usize,
    pub(super) dir: Option<&'a RunDir>,
}

/// Passes over a recording, if neither steps nor episodes are given.
const PASSES: u64 = 10;

impl PrepareTabular<'_> {
    /// The recording to learn from, and the layers with the values that follow from it.
    fn recording(&self) -> Result<Option<(OfflineDataset, Vec<Layer>)>, Error> {
        let Some(file) = peek(self.layers, "data") else { return Ok(None) };
        let name = self.algorithm.name;
        if self.algorithm.data == DataKind::Online {
            let why = match self.algorithm.policy {
                Some(PolicyKind::On) => "is on-policy: it learns from what it does itself",
                _ => "learns while it acts",
            };
            return Err(usage(format!(
                "`{name}` {why}, not from --data; off-policy algorithms do, such as q-learning (see `potstill algos`)"
            )));
        }
        if peek(self.layers, "behaviour").is_some() {
            return Err(usage(
                "give `data` or `behaviour`, not both: recorded actions have a behaviour policy of their own",
            ));
        }
        let learner = format!("`{name}` learns from episodes");
        let episodes = OpenEpisodes::open("--data", file, &learner)?;
        let (recording, crc) = (episodes.data, episodes.checksum);
        let mut values = Table::new();
        if peek(self.layers, "env").is_none() && !recording.env().is_empty() {
            values.insert("env".to_owned(), recording.env().into());
        }
        let given = |key: &str| self.layers.iter().any(|layer| layer.values.contains_key(key));
        if !given("steps") && !given("episodes") {
            let episodes = PASSES * recording.episodes().len() as u64;
            values.insert("episodes".to_owned(), Value::Integer(episodes as i64));
        }
        let crc = i64::from(crc);
        let known = self.layers.iter().rev().find_map(|layer| layer.values.get("data_crc32c"));
        if known.is_some_and(|known| known.as_integer() != Some(crc)) {
            return Err(refused("--data", file, "it is not the file that the run was begun with"));
        }
        values.insert("data_crc32c".to_owned(), Value::Integer(crc));
        // The run may be resumed from another folder.
        values.insert("data".to_owned(), episodes.source.into());
        let mut layers = self.layers.to_vec();
        layers.push(Layer { origin: Origin::Program("of the data"), values });
        Ok(Some((recording, layers)))
    }

    /// The action values of another run, whose policy acts: model file and values.
    fn other(&self, run: &str, spec: &Spec) -> Result<(Vec<u8>, Vec<f64>), Error> {
        let subject = match self.dir {
            Some(dir) if has_copy(dir, names::BEHAVIOUR)? => Subject::load_copy(dir, names::BEHAVIOUR)?,
            _ => Subject::load(&RunDir::open_model(Path::new(run))?)?,
        };
        let shape = (spec.observation_space().discrete(), spec.action_space().discrete());
        match subject {
            Subject::Policy { model, .. } => match &model {
                Model::Table(table) if (Some(table.states()), Some(table.actions())) == shape => {
                    Ok((safetensors::write(&model), table.values().to_vec()))
                }
                _ => {
                    let (name, (states, actions)) =
                        (spec.name(), (spec.observation_space(), spec.action_space()));
                    Err(bad(
                        "behaviour",
                        format!("{run} learned no action values for {name} ({states}, {actions})"),
                    ))
                }
            },
            Subject::Classifier { .. } => {
                Err(bad("behaviour", format!("{run} learned a classifier, no policy")))
            }
        }
    }

    /// The episodes of a data set, if they are of the environment's spaces.
    fn checked(&self, data: &OfflineDataset, spec: &Spec) -> Result<Recording, Error> {
        let file = peek(self.layers, "data").unwrap_or_default();
        let told = |reason: String| refused("--data", file, reason);
        data.check(&spec.id, &spec.observation_space(), &spec.action_space()).map_err(told)?;
        Recording::of(data).map_err(told)
    }

    /// The run.
    pub(super) fn prepare(self, new: Constructor<TabularAgent>) -> Result<PreparedRun, Error> {
        let (data, layers) = match self.recording()? {
            Some((data, layers)) => (Some(data), layers),
            None => (None, self.layers.to_vec()),
        };
        let defaults = ((RunConfig::default(), (SourceConfig::default(), new())), StoreConfig::default());
        let resolved = resolve_onto(defaults, &layers)?;
        let (config, idle) = (resolved.to_toml(self.head), idle_keys(&resolved));
        let ((run, (source, settings)), store) = resolved.settings;
        let spec = env_and_length(self.algorithm, &run)?;
        check_playable(&spec)?;
        let recording = data.map(|data| self.checked(&data, &spec)).transpose()?.map(Arc::new);
        let (seed, on, streams) = (run.seed, spec.name().to_owned(), Streams::new(run.seed));
        let RunConfig { steps, schedule_steps, .. } = run;
        let mut task = Task { steps, schedule_steps, ..Task::new(self.algorithm.name, &spec, streams) };
        let mut copy = None;
        if let Some(run) = &source.behaviour {
            let (file, values) = self.other(run, &spec)?;
            copy = Some((names::BEHAVIOUR, file));
            task.source = BehaviourSource::Values(values);
        }
        if let Some(recording) = &recording {
            task.source = BehaviourSource::Recording(recording.clone());
        }
        let acts = match (&recording, &source.behaviour) {
            (Some(recording), _) => Acts::Recording(recording.episodes.len()),
            (None, Some(run)) => Acts::Run(run.clone()),
            (None, None) => Acts::Learner,
        };
        let agent = settings.build(&task)?;
        let maker = spec.clone();
        let make_env = move || -> StateEnv {
            match &recording {
                Some(recording) => {
                    let (observations, actions) = (maker.observation_space(), maker.action_space());
                    Box::new(RecordedEnv::new(recording.clone(), observations, actions))
                }
                None => maker.make_states().expect("checked: discrete observations"),
            }
        };
        let trainer = Trainer::new(agent, make_env(), streams);
        let name = self.algorithm.name;
        let job = ReinforcementJob::new(name, trainer, make_env, spec, run, None, self.threads);
        let job = job.acting(acts).recording_if_asked().map_err(|reason| bad("record", reason))?;
        let job = Box::new(job);
        let prepared =
            PreparedRun::of(self.algorithm.name, (&on, seed), config, store, job).with_warning(idle);
        Ok(PreparedRun { copy, ..prepared.with_schedules(&settings, schedule_steps, steps) })
    }
}
