//! Runs of agents for features, in one environment or in many copies.

use super::actions::Actions;
use super::checks::{bad, check_playable, env_and_length, usage};
use super::idle_keys::idle_keys;
use super::prepared::PreparedRun;
use super::sources::peek;
use super::transitions::{Recorded, deep_settings};
use crate::agent::Agent;
use crate::algorithm::{Algorithm, BehaviourSource, Constructor, Learning, Recipe, Task};
use crate::config::{Layer, resolve_onto};
use crate::error::Error;
use crate::jobs::{Acts, EvalConfig, Job, ReinforcementJob, RunConfig, StoreConfig};
use crate::model::{Actor, ModelActor};
use crate::train::{OfflineTrainer, Play, Player, Trainer, Training, VecTrainer};
use potstill_core::Streams;
use potstill_env::registry::Spec;
use toml::Value;

/// A run of an algorithm for features, before it is prepared.
pub(super) struct PrepareFeatures<'a> {
    pub(super) algorithm: &'static Algorithm,
    pub(super) head: &'a [(&'a str, Value)],
    pub(super) layers: &'a [Layer],
    pub(super) threads: usize,
}

impl PrepareFeatures<'_> {
    /// Returns true if an algorithm for both kinds of actions has discrete ones in this run.
    pub(super) fn has_choices(&self, choices: Constructor<Learning<usize>>) -> Result<bool, Error> {
        let others = deep_settings(self.algorithm);
        let defaults = ((RunConfig::default(), (others, choices())), StoreConfig::default());
        // Data are read here only for the name of their environment.
        let of_data = match peek(self.layers, "env") {
            Some(_) => None,
            None => Recorded::read(self.algorithm, self.layers)?.as_ref().map(Recorded::layer),
        };
        let layers: Vec<Layer> = self.layers.iter().cloned().chain(of_data).collect();
        let ((run, _), _) = resolve_onto(defaults, &layers)?.settings;
        Ok(env_and_length(self.algorithm, &run)?.action_space().discrete().is_some())
    }

    /// The run.
    pub(super) fn prepare<A: Actions + ?Sized>(
        self,
        new: Constructor<Learning<A>>,
    ) -> Result<PreparedRun, Error>
    where
        for<'a> ModelActor<'a>: Actor<[f32], A>,
    {
        let name = self.algorithm.name;
        let Built {
            learning: Learning { agent, copies, about, warning },
            start,
            config,
            warnings,
            store,
            settings,
        } = self.build(new)?;
        let start = Start { about, warning, ..start };
        let RunConfig { seed, steps, schedule_steps, .. } = start.run;
        let (on, streams) = (start.spec.name().to_owned(), Streams::new(seed));
        let spec = &start.spec;
        let job = match copies {
            None if matches!(start.acts, Acts::Data { .. }) => start.job(OfflineTrainer::new(agent))?,
            None => {
                let env = A::single(spec).expect("checked: features");
                start.job(Trainer::new(agent, env, streams))?
            }
            Some(copies) => match A::copies(spec, copies) {
                Some(envs) => start.job(VecTrainer::new(agent, envs, streams))?,
                None => {
                    let envs = A::byte_copies(spec, copies).expect("checked: features");
                    start.job(VecTrainer::new(agent, envs, streams))?
                }
            },
        };
        let prepared = PreparedRun::of(name, (&on, seed), config, store, job);
        Ok(prepared.with_warnings(warnings).with_schedules(&settings, schedule_steps, steps))
    }

    /// The actor of so many copies of the run's environment, from `first` on.
    pub(super) fn player<A: Actions + ?Sized>(
        self,
        new: Constructor<Learning<A>>,
        (first, count): (usize, usize),
    ) -> Result<Box<dyn Play>, Error> {
        let Built { learning: Learning { agent, copies, .. }, start, .. } = self.build(new)?;
        let copies = copies.unwrap_or(1);
        if count == 0 || first.checked_add(count).is_none_or(|end| end > copies) {
            return Err(usage(format!(
                "{count} copies from {first} on are not among the {copies} of the run"
            )));
        }
        let spec = &start.spec;
        Ok(match A::copies(spec, count) {
            Some(envs) => Box::new(Player::new(agent, envs, first, copies)),
            None => {
                let envs = A::byte_copies(spec, count).expect("checked: features");
                Box::new(Player::new(agent, envs, first, copies))
            }
        })
    }

    /// The learner of the run.
    fn build<A: Actions + ?Sized>(self, new: Constructor<Learning<A>>) -> Result<Built<A>, Error> {
        let Self { algorithm, head, layers, threads } = self;
        let recorded = Recorded::read(algorithm, layers)?;
        let of_data = recorded.as_ref().map(Recorded::layer);
        let layers: Vec<Layer> = layers.iter().cloned().chain(of_data).collect();
        let defaults = |eval| {
            ((RunConfig::default(), ((eval, deep_settings(algorithm).1), new())), StoreConfig::default())
        };
        // The length of the run, on which the default of eval_freq depends.
        let ((run, _), _) = resolve_onto(defaults(EvalConfig::default()), &layers)?.settings;
        let spec = env_and_length(algorithm, &run)?;
        let eval = if spec.is_playable() { EvalConfig::of_run(run.steps) } else { EvalConfig::never() };
        let resolved = resolve_onto(defaults(eval), &layers)?;
        let config = resolved.to_toml(head);
        let mut warnings: Vec<String> = idle_keys(&resolved).into_iter().collect();
        let ((run, ((eval, data), settings)), store) = resolved.settings;
        if recorded.is_none() || eval.eval_freq > 0 {
            check_playable(&spec)?;
        }
        let recorded = match (recorded, &data) {
            (Some(recorded), Some(data)) => Some(recorded.check(&spec, data, run.episodes)?),
            _ => None,
        };
        let RunConfig { steps, schedule_steps, .. } = run;
        let streams = Streams::new(run.seed);
        let mut task = Task { steps, schedule_steps, threads, ..Task::new(algorithm.name, &spec, streams) };
        if let Some(recorded) = &recorded {
            task.source = BehaviourSource::Transitions(recorded.transitions());
        }
        let mut learning = settings.build(&task)?;
        let acts = match &recorded {
            None => Acts::Learner,
            Some(recorded) => {
                recorded.store(&mut *learning.agent)?;
                warnings.extend(recorded.warnings(&spec));
                let (episodes, mean_return) = recorded.summary();
                let starts = if spec.is_playable() { Vec::new() } else { recorded.first_observations() };
                Acts::Data { transitions: recorded.transitions(), episodes, mean_return, starts }
            }
        };
        let start =
            Start { name: algorithm.name, spec, run, eval, threads, about: None, warning: None, acts };
        Ok(Built { learning, start, config, warnings, store, settings })
    }
}

/// A learner with the circumstances of its run.
struct Built<A: ?Sized + 'static> {
    learning: Learning<A>,
    start: Start,
    config: String,
    warnings: Vec<String>,
    store: StoreConfig,
    settings: Box<dyn Recipe<Learning<A>>>,
}

/// The circumstances of a run.
struct Start {
    name: &'static str,
    spec: Spec,
    run: RunConfig,
    eval: EvalConfig,
    threads: usize,
    about: Option<String>,
    warning: Option<String>,
    acts: Acts,
}

impl Start {
    fn job<A, T>(self, trainer: T) -> Result<Box<dyn Job>, Error>
    where
        A: Actions + ?Sized,
        T: Training<Agent: Agent<Observation = [f32], Action = A>> + 'static,
        for<'a> ModelActor<'a>: Actor<[f32], A>,
    {
        let Self { name, spec, run, eval, threads, about, warning, acts } = self;
        let maker = spec.clone();
        let make_env = move || A::single(&maker).expect("checked: features");
        let job = ReinforcementJob::new(name, trainer, make_env, spec, run, Some(eval), threads);
        let job = job.about(about, warning).acting(acts);
        Ok(Box::new(job.recording_if_asked().map_err(|reason| bad("record", reason))?))
    }
}
