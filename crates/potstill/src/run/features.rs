//! Runs of agents for features, in one environment or in many copies.

use super::checks::env_and_length;
use super::idle_keys::idle_keys;
use super::prepared::PreparedRun;
use crate::algorithm::{Algorithm, Constructor, Learning, Task};
use crate::config::{Layer, resolve_onto};
use crate::error::Error;
use crate::jobs::{EvalConfig, Job, ReinforcementJob, RunConfig, StoreConfig};
use crate::model::{Actor, ModelActor};
use crate::train::{Trainer, Training, VecTrainer};
use potstill_core::Streams;
use potstill_env::registry::{BoxVecEnv, Spec};
use potstill_env::{Autoreset, BoxEnv, Row};
use toml::Value;

/// A run of an algorithm for features, before it is prepared.
pub(super) struct PrepareFeatures<'a> {
    pub(super) algorithm: &'static Algorithm,
    pub(super) head: &'a [(&'a str, Value)],
    pub(super) layers: &'a [Layer],
    pub(super) threads: usize,
}

/// Environments with features whose actions are of this kind.
pub(super) trait Actions: Row + 'static {
    /// One environment.
    fn single(spec: &Spec) -> Option<BoxEnv<[f32], Self>>;

    /// Copies with observations in single precision.
    fn copies(spec: &Spec, copies: usize) -> Option<BoxVecEnv<f32, Self>>;

    /// Copies with observations in bytes.
    fn byte_copies(spec: &Spec, copies: usize) -> Option<BoxVecEnv<u8, Self>>;
}

impl Actions for usize {
    fn single(spec: &Spec) -> Option<BoxEnv<[f32], Self>> {
        spec.make_features()
    }

    fn copies(spec: &Spec, copies: usize) -> Option<BoxVecEnv<f32, Self>> {
        spec.make_vec_features(copies, Autoreset::SameStep)
    }

    fn byte_copies(spec: &Spec, copies: usize) -> Option<BoxVecEnv<u8, Self>> {
        spec.make_vec_planes(copies, Autoreset::SameStep)
    }
}

impl Actions for [f32] {
    fn single(spec: &Spec) -> Option<BoxEnv<[f32], Self>> {
        spec.make_control()
    }

    fn copies(spec: &Spec, copies: usize) -> Option<BoxVecEnv<f32, Self>> {
        spec.make_vec_control(copies, Autoreset::SameStep)
    }

    fn byte_copies(_: &Spec, _: usize) -> Option<BoxVecEnv<u8, Self>> {
        None
    }
}

impl PrepareFeatures<'_> {
    /// The run of an algorithm for both kinds of actions: that of the environment.
    pub(super) fn prepare_policy(
        self,
        choices: Constructor<Learning<usize>>,
        control: Constructor<Learning<[f32]>>,
    ) -> Result<PreparedRun, Error> {
        let defaults = ((RunConfig::default(), (EvalConfig::default(), choices())), StoreConfig::default());
        let ((run, _), _) = resolve_onto(defaults, self.layers)?.settings;
        match env_and_length(self.algorithm, &run)?.action_space().discrete() {
            Some(_) => self.prepare(choices),
            None => self.prepare(control),
        }
    }

    /// The run.
    pub(super) fn prepare<A: Actions + ?Sized>(
        self,
        new: Constructor<Learning<A>>,
    ) -> Result<PreparedRun, Error>
    where
        for<'a> ModelActor<'a>: Actor<[f32], A>,
    {
        let Self { algorithm, head, layers, threads } = self;
        let defaults = |eval| ((RunConfig::default(), (eval, new())), StoreConfig::default());
        // The length of the run, on which the default of eval_freq depends.
        let ((RunConfig { steps, .. }, _), _) =
            resolve_onto(defaults(EvalConfig::default()), layers)?.settings;
        let resolved = resolve_onto(defaults(EvalConfig::of_run(steps)), layers)?;
        let config = resolved.to_toml(head);
        let idle = idle_keys(&resolved);
        let ((run, (eval, settings)), store) = resolved.settings;
        let spec = env_and_length(algorithm, &run)?;
        let (seed, on, streams) = (run.seed, spec.name().to_owned(), Streams::new(run.seed));
        let RunConfig { steps, schedule_steps, .. } = run;
        let task = Task { steps, schedule_steps, threads, ..Task::new(algorithm.name, &spec, streams) };
        let Learning { agent, copies, about, warning } = settings.build(&task)?;
        let start = Start { name: algorithm.name, spec, run, eval, threads, about, warning };
        let spec = &start.spec;
        let job = match copies {
            None => {
                let env = A::single(spec).expect("checked: features");
                start.job(Trainer::new(agent, env, streams))
            }
            Some(copies) => match A::copies(spec, copies) {
                Some(envs) => start.job(VecTrainer::new(agent, envs, streams)),
                None => {
                    let envs = A::byte_copies(spec, copies).expect("checked: features");
                    start.job(VecTrainer::new(agent, envs, streams))
                }
            },
        };
        let prepared = PreparedRun::of(algorithm.name, (&on, seed), config, store, job);
        Ok(prepared.with_warning(idle).with_schedules(&settings, schedule_steps, steps))
    }
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
}

impl Start {
    fn job<A, T>(self, trainer: T) -> Box<dyn Job>
    where
        A: Actions + ?Sized,
        T: Training<Observation = [f32], Action = A> + 'static,
        for<'a> ModelActor<'a>: Actor<[f32], A>,
    {
        let Self { name, spec, run, eval, threads, about, warning } = self;
        let maker = spec.clone();
        let make_env = move || A::single(&maker).expect("checked: features");
        let job = ReinforcementJob::new(name, trainer, make_env, spec, run, Some(eval), threads);
        Box::new(job.about(about, warning))
    }
}
