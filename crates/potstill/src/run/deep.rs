//! The deep algorithms by name: which settings each has, and what is made of them.

use super::catalogue::Algorithm;
use super::checks::{bad, check_ends, env_and_length, usage};
use super::prepared::PreparedRun;
use crate::agent::Agent;
use crate::config::{Layer, Settings, resolve};
use crate::deep::{
    C51Config, Dqn, DqnConfig, IqnConfig, Objective, Pqn, PqnConfig, QrDqnConfig, RainbowConfig, TaskSpec,
};
use crate::error::Error;
use crate::experience::ReplayError;
use crate::jobs::{EvalConfig, Job, ReinforcementJob, RunConfig, StoreConfig};
use crate::optimizer::{InitKind, OptimizerConfig};
use crate::train::{Trainer, VecTrainer};
use potstill_core::Streams;
use potstill_env::registry::Spec;
use potstill_env::{Autoreset, FeatureEnv, Space};
use potstill_nn::{Ends, Inputs, NetworkSpec, TAUS, Workers};
use toml::Value;

/// What learns, with its settings.
#[derive(Clone, Debug)]
pub(crate) enum Deep {
    /// From replay.
    Replay(Objective, DqnConfig, OptimizerConfig),
    /// From what it has just done.
    Pqn(PqnConfig, OptimizerConfig),
}

/// Makes it of its settings, or says which of them are wrong, and why.
pub(crate) type MakeDeep<S> = fn(S) -> Result<Deep, (&'static str, String)>;

/// What is done with an algorithm whose settings are only known by its name.
pub(crate) trait WithDeep {
    /// What comes of it.
    type Output;

    /// Does it; `S` are the algorithm's settings.
    fn with<S: Settings>(self, make: MakeDeep<S>) -> Self::Output;
}

type OfDqn<C, S> = (C, (S, OptimizerConfig));

/// Finds the algorithm of this name, which is one of the catalogue's.
pub(crate) fn with_deep<W: WithDeep>(name: &str, work: W) -> W::Output {
    match name {
        "dqn" => work.with::<(DqnConfig, OptimizerConfig)>(|(dqn, optimizer)| {
            Ok(Deep::Replay(Objective::Mean, dqn, optimizer))
        }),
        "c51" => work.with::<OfDqn<DqnConfig, C51Config>>(|(dqn, (c51, optimizer))| {
            Ok(Deep::Replay(categorical(&c51)?, dqn, optimizer))
        }),
        "rainbow" => {
            work.with::<OfDqn<RainbowConfig, C51Config>>(|(RainbowConfig(dqn), (c51, optimizer))| {
                Ok(Deep::Replay(categorical(&c51)?, dqn, optimizer))
            })
        }
        "qr-dqn" => work.with::<OfDqn<DqnConfig, QrDqnConfig>>(|(dqn, (own, optimizer))| {
            Ok(Deep::Replay(Objective::Quantiles(own.quantiles()), dqn, optimizer))
        }),
        "iqn" => work.with::<OfDqn<DqnConfig, IqnConfig>>(|(dqn, (own, optimizer))| {
            Ok(Deep::Replay(Objective::Implicit(own.implicit()), dqn, optimizer))
        }),
        "pqn" => work.with::<(PqnConfig, OptimizerConfig)>(|(pqn, optimizer)| Ok(Deep::Pqn(pqn, optimizer))),
        other => unreachable!("{other} is no deep algorithm of the catalogue"),
    }
}

fn categorical(c51: &C51Config) -> Result<Objective, (&'static str, String)> {
    let support = c51.support();
    if !(support.gap() > 0.0 && support.gap().is_finite()) {
        let (low, high) = (c51.v_min, c51.v_max);
        return Err(("v_max", format!("must be above v_min, {low}, in single precision, got {high}")));
    }
    Ok(Objective::Categorical(support))
}

/// What an agent is to see of an environment: its planes as a picture if the network is to look at one, else features.
fn inputs(spec: &Spec, net_arch: &NetworkSpec) -> Inputs {
    let space = spec.observation_space();
    let picture = match &space {
        Space::MultiBinary { shape } if !net_arch.stages.is_empty() => match shape[..] {
            [height, width, channels] => Some(Inputs { frames: 1, height, width, channels }),
            [frames, height, width, channels] => Some(Inputs { frames, height, width, channels }),
            _ => None,
        },
        _ => None,
    };
    picture.unwrap_or_else(|| space.features().into())
}

/// What a forward and a backward pass may take.
const PASS_BYTES_MAX: u64 = 1 << 33;
/// Units of a layer that orthogonal weights are computed for in seconds.
const ORTHOGONAL_MAX: usize = 2048;

impl Deep {
    /// Where it is to learn.
    pub(crate) fn world(&self, spec: &Spec, (steps, seed, threads): (u64, u64, usize)) -> TaskSpec {
        let net_arch = match self {
            Deep::Replay(_, dqn, _) => &dqn.net_arch,
            Deep::Pqn(pqn, _) => &pqn.net_arch,
        };
        let space = spec.observation_space();
        TaskSpec {
            inputs: inputs(spec, net_arch),
            frames: spec.frames(),
            is_bytes: matches!(space, Space::MultiBinary { .. }),
            actions: spec.action_space().discrete().expect("checked: discrete actions"),
            total_steps: steps,
            streams: Streams::new(seed),
            // More threads than cores would only wait for each other.
            workers: Workers::new(threads.min(std::thread::available_parallelism().map_or(1, usize::from))),
        }
    }

    /// The form of its network, and its ends.
    fn network(&self, world: &TaskSpec) -> (NetworkSpec, Ends) {
        match self {
            Deep::Replay(objective, dqn, _) => (dqn.network(), dqn.ends(objective, world)),
            Deep::Pqn(pqn, _) => (pqn.net_arch.clone(), pqn.ends(world)),
        }
    }

    /// Copies of the environment.
    fn copies(&self) -> u64 {
        match self {
            Deep::Replay(_, dqn, _) => dqn.num_envs,
            Deep::Pqn(pqn, _) => pqn.num_envs,
        }
    }

    /// Whether all this goes together.
    pub(crate) fn check(&self, world: &TaskSpec) -> Result<(), Error> {
        let (spec, ends) = self.network(world);
        check_ends("net_arch", &spec, &ends)?;
        let (rate, batch, taus) = match self {
            Deep::Replay(Objective::Implicit(implicit), dqn, _) => {
                (dqn.learning_rate, dqn.batch_size, implicit.taus.max(implicit.target_taus).max(TAUS))
            }
            Deep::Replay(_, dqn, _) => (dqn.learning_rate, dqn.batch_size, 1),
            Deep::Pqn(pqn, _) => (pqn.learning_rate, pqn.collected() / pqn.num_minibatches, 1),
        };
        let (Deep::Replay(_, _, optimizer) | Deep::Pqn(_, optimizer)) = self;
        let widest = spec.hidden.iter().copied().max().unwrap_or(0);
        if optimizer.initialization == InitKind::Orthogonal && widest > ORTHOGONAL_MAX {
            let reason = format!(
                "orthogonal takes too long for more than {ORTHOGONAL_MAX} units of a layer, got {widest}"
            );
            return Err(bad("initialization", reason));
        }
        if rate.counts() {
            let reason =
                format!("{rate} counts updates of one number; give a number or linear:FROM:TO:STEPS");
            return Err(bad("learning_rate", reason));
        }
        let too_many = |samples: u64| {
            let bytes = spec.pass_bytes(&ends, samples as usize, taus).ok().flatten();
            bytes.is_none_or(|bytes| bytes as u64 > PASS_BYTES_MAX)
        };
        let parts = if let Deep::Pqn(..) = self { "num_minibatches" } else { "batch_size" };
        for (key, samples) in [(parts, batch), ("num_envs", self.copies())] {
            if too_many(samples) {
                let limit = size(PASS_BYTES_MAX);
                return Err(bad(key, format!("{samples} samples at a time need more than {limit} here")));
            }
        }
        match self {
            Deep::Replay(objective, dqn, _) => {
                let DqnConfig { buffer_size, batch_size, n_step, num_envs, .. } = *dqn;
                if buffer_size < batch_size {
                    let reason = format!("must hold at least a batch of {batch_size}, got {buffer_size}");
                    return Err(bad("buffer_size", reason));
                }
                if buffer_size / num_envs < n_step {
                    let reason = format!(
                        "must hold {n_step} steps of each of {num_envs} copies at least, got {buffer_size}"
                    );
                    return Err(bad("buffer_size", reason));
                }
                if dqn.munchausen && *objective != Objective::Mean {
                    let reason = "is a target of means, and goes with dqn alone".to_owned();
                    return Err(bad("munchausen", reason));
                }
                if dqn.normalize_observations && !spec.stages.is_empty() {
                    let reason = "is for features; pictures have one scale already".to_owned();
                    return Err(bad("normalize_observations", reason));
                }
            }
            Deep::Pqn(pqn, _) => {
                let (collected, parts) = (pqn.collected(), pqn.num_minibatches);
                let bytes = collected.saturating_mul(4 * world.inputs.count() as u64 + 34);
                if bytes > PASS_BYTES_MAX {
                    let reason =
                        format!("{collected} transitions at a time take {}; give fewer", size(bytes));
                    return Err(bad("num_steps", reason));
                }
                if spec.noisy {
                    let reason = format!("{spec}: pqn explores with epsilon, and has no use for noise");
                    return Err(bad("net_arch", reason));
                }
                if !collected.is_multiple_of(parts) {
                    let reason = format!(
                        "must divide what is collected, num_envs x num_steps = {collected} transitions, got {parts}"
                    );
                    return Err(bad("num_minibatches", reason));
                }
            }
        }
        Ok(())
    }

    /// What is to be said of its memory before it begins.
    fn about(&self, world: &TaskSpec) -> String {
        match self {
            Deep::Replay(_, dqn, _) => {
                let config = dqn.replay(world);
                let (bytes, in_file) = config.memory();
                let place = if in_file { ", observations in a file" } else { "" };
                format!("replay: {} transitions, {}{place}", dqn.buffer_size, size(bytes))
            }
            Deep::Pqn(pqn, _) => {
                let collected = pqn.collected();
                let bytes = collected * (4 * world.inputs.count() as u64 + 34);
                format!("no replay: {collected} transitions at a time, {}", size(bytes))
            }
        }
    }

    /// That a run of so many steps is over before it has learned, if it is.
    fn warning(&self, steps: u64) -> Option<String> {
        let (first, why) = match self {
            Deep::Replay(_, dqn, _) => {
                // The first multiple of `train_freq` after `learning_starts`.
                let first = (dqn.learning_starts / dqn.train_freq + 1).saturating_mul(dqn.train_freq);
                (first, "learning_starts and train_freq")
            }
            Deep::Pqn(pqn, _) => (pqn.collected(), "num_envs x num_steps"),
        };
        // Copies are stepped together.
        (steps.next_multiple_of(self.copies()) < first).then(|| {
            format!("nothing is learned in {steps} steps: the first update is at step {first} ({why})")
        })
    }
}

/// Bytes in the unit that suits them.
fn size(bytes: u64) -> String {
    let units = [(1e9, "GB"), (1e6, "MB"), (1e3, "kB")];
    let (unit, name) = units.into_iter().find(|(unit, _)| bytes as f64 >= *unit).unwrap_or((1.0, "bytes"));
    format!("{:.1} {name}", bytes as f64 / unit)
}

/// Plans a run of a deep algorithm.
pub(crate) struct PrepareDeep<'a> {
    pub(crate) algorithm: &'a Algorithm,
    pub(crate) head: &'a [(&'a str, Value)],
    pub(crate) layers: &'a [Layer],
    pub(crate) threads: usize,
}

impl WithDeep for PrepareDeep<'_> {
    type Output = Result<PreparedRun, Error>;

    fn with<S: Settings>(self, make: MakeDeep<S>) -> Self::Output {
        let Self { algorithm, head, layers, threads } = self;
        let resolved = resolve::<((RunConfig, (EvalConfig, S)), StoreConfig)>(layers)?;
        let config = resolved.to_toml(head);
        let ((run, (eval, settings)), store) = resolved.settings;
        let spec = env_and_length(algorithm, &run)?;
        let (None, Some(steps)) = (run.episodes, run.steps) else {
            let name = algorithm.name;
            return Err(usage(format!(
                "`{name}` needs --steps N (its exploration schedule is relative to them)"
            )));
        };
        let deep = make(settings).map_err(|(key, reason)| bad(key, reason))?;
        let world = deep.world(&spec, (steps, run.seed, threads));
        deep.check(&world)?;
        let (about, warning) = (deep.about(&world), deep.warning(steps));
        let (seed, on) = (run.seed, spec.name().to_owned());
        let room = |error: ReplayError| bad("buffer_size", error.to_string());
        let start = Start { name: algorithm.name, spec, run, eval, threads, about, warning };
        let copies = deep.copies();
        let job: Box<dyn Job> = match deep {
            Deep::Replay(objective, dqn, optimizer) => {
                let agent = Dqn::with(objective, (dqn, optimizer), &world).map_err(room)?;
                if copies == 1 {
                    let env = start.env();
                    let streams = Streams::new(seed);
                    let trainer = Trainer::new(agent, env(), streams);
                    Box::new(start.learning(trainer))
                } else {
                    start.in_copies(agent, copies)
                }
            }
            Deep::Pqn(pqn, optimizer) => start.in_copies(Pqn::new((pqn, optimizer), &world), copies),
        };
        Ok(PreparedRun::of(algorithm, (&on, seed), config, store, job))
    }
}

/// What a run is begun with.
struct Start {
    name: &'static str,
    spec: Spec,
    run: RunConfig,
    eval: EvalConfig,
    threads: usize,
    about: String,
    warning: Option<String>,
}

impl Start {
    fn env(&self) -> impl Fn() -> FeatureEnv + Send + Sync + use<> {
        let spec = self.spec.clone();
        move || spec.make_features().expect("checked: features")
    }

    fn learning<T: crate::train::Training<Observation = [f32], Action = usize>>(
        self,
        trainer: T,
    ) -> ReinforcementJob<T> {
        let env = self.env();
        let Self { name, spec, run, eval, threads, about, warning } = self;
        ReinforcementJob::new(name, trainer, env, spec, run, Some(eval), threads).about(about, warning)
    }

    fn in_copies<A: Agent<Observation = [f32], Action = usize> + 'static>(
        self,
        agent: A,
        copies: u64,
    ) -> Box<dyn Job> {
        let (copies, streams) = (copies as usize, Streams::new(self.run.seed));
        if let Some(envs) = self.spec.make_vec_features(copies, Autoreset::SameStep) {
            return Box::new(self.learning(VecTrainer::new(agent, envs, streams)));
        }
        let envs = self.spec.make_vec_planes(copies, Autoreset::SameStep).expect("checked: features");
        Box::new(self.learning(VecTrainer::new(agent, envs, streams)))
    }
}
