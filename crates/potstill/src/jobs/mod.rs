//! Work that becomes a run: it advances in steps, can stop after any of them, and can be saved and restored; a restored
//! copy continues bit for bit.
//!
//! What a job is told to do are settings, each with a default:
//!
//! ```
//! use potstill::config::Settings;
//! use potstill::jobs::{EvalConfig, RunConfig};
//!
//! let mut run = RunConfig::default();
//! assert!(run.set("steps", &5000.into()).unwrap().is_ok());
//! assert_eq!((run.steps, run.seed, run.log_interval), (Some(5000), 0, 1));
//! assert_eq!(EvalConfig::default().eval_freq, 2500);
//! ```

mod planner;
mod policy_distillation;
mod reinforcement;
mod settings;
mod supervised;

pub(crate) use planner::PlannerJob;
pub(crate) use policy_distillation::PolicyDistillationJob;
pub(crate) use reinforcement::ReinforcementJob;
pub use settings::{DataConfig, DistilConfig, EvalConfig, PlanConfig, RunConfig, SourceConfig, StoreConfig};
pub(crate) use supervised::SupervisedJob;

use crate::error::Error;
use crate::metrics::Record;
use crate::model::{Model, ModelActor};
use crate::train::{Evaluation, Protocol, evaluate as play_episodes};
use potstill_core::{Restorable, Snapshot, SnapshotError, Value};
use potstill_env::registry::Spec;
use serde_json::Value as Json;
use std::collections::VecDeque;

/// Takes the records of a job.
pub(crate) type Recorder<'a> = dyn FnMut(&Record) -> Result<(), Error> + 'a;

/// Work that becomes a run.
pub(crate) trait Job: Restorable + Send {
    /// Steps done: in the environment, or of the optimiser where nobody acts.
    fn steps(&self) -> u64;

    /// What is to be said before it begins.
    fn about(&self) -> Option<&str> {
        None
    }

    /// What the user may not expect of it.
    fn warning(&self) -> Option<&str> {
        None
    }

    /// Whether there is nothing left to do.
    fn is_over(&self) -> bool;

    /// Goes on until so many steps are done, or it is over.
    ///
    /// # Errors
    /// If the work cannot go on.
    fn advance(&mut self, until: u64, record: &mut Recorder<'_>) -> Result<(), Error>;

    /// How much is done of how much, in the unit that the user gave, and a word on how it goes.
    fn progress(&self) -> (u64, u64, String);

    /// The newest evaluation, higher is better.
    fn score(&self) -> Option<f64>;

    /// What came out.
    ///
    /// # Errors
    /// If the last evaluation fails.
    fn finish(&mut self) -> Result<Outcome, Error>;
}

/// Plays the greedy policy of a model that fits the environment.
pub(crate) fn evaluate_policy(model: &Model, spec: &Spec, protocol: Protocol) -> Result<Evaluation, Error> {
    let actor = || ModelActor::greedy(model);
    let evaluation = match model {
        Model::Table(_) => play_episodes::<usize, usize, _>(
            protocol,
            || spec.make_states().expect("a table is for states"),
            actor,
        ),
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

/// What came out of a job: what to save and what to say.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) model: Model,
    pub(crate) summary: Json,
    /// How often each action was taken in each state, if that was counted.
    pub(crate) visits: Option<Vec<u64>>,
}

/// The mean over the newest hundred, as Stable-Baselines3's `rollout/ep_rew_mean`.
#[derive(Clone, Debug, Default)]
pub(super) struct Recent {
    values: VecDeque<f64>,
}

impl Recent {
    pub(super) fn push(&mut self, value: f64) {
        if self.values.len() == 100 {
            self.values.pop_front();
        }
        self.values.push_back(value);
    }

    pub(super) fn mean(&self) -> Option<f64> {
        (!self.values.is_empty()).then(|| self.values.iter().sum::<f64>() / self.values.len() as f64)
    }
}

impl Restorable for Recent {
    fn snapshot(&self) -> Snapshot {
        Snapshot::new()
            .with("len", Value::U64(self.values.len() as u64))
            .with("values", Value::F64s(self.values.iter().copied().collect()))
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        let len = snapshot.index("len", 101)?;
        self.values = snapshot.f64s("values", len)?.iter().copied().collect();
        Ok(())
    }
}

/// The state of a number that may not be known yet.
pub(super) fn optional_state(number: Option<f64>) -> Snapshot {
    let state = Snapshot::new().with("known", Value::Bool(number.is_some()));
    state.with("value", Value::F64(number.unwrap_or_default()))
}

/// Reads what [`optional_state`] wrote.
pub(super) fn restored_optional(state: &Snapshot) -> Result<Option<f64>, SnapshotError> {
    Ok(state.bool("known")?.then_some(state.f64("value")?))
}

/// The best of what was evaluated.
#[derive(Clone, Debug)]
pub(super) struct Best {
    pub(super) score: f64,
    pub(super) step: u64,
    pub(super) model: Model,
}

/// The state of a best that may not be there yet.
pub(super) fn best_state(best: Option<&Best>) -> Snapshot {
    let state = Snapshot::new().with("known", Value::Bool(best.is_some()));
    match best {
        None => state,
        Some(Best { score, step, model }) => {
            state.with("score", Value::F64(*score)).with("step", Value::U64(*step)).with_part("model", model)
        }
    }
}

/// Reads what [`best_state`] wrote; `model` is one of the same form.
pub(super) fn restored_best(state: &Snapshot, mut model: Model) -> Result<Option<Best>, SnapshotError> {
    if !state.bool("known")? {
        return Ok(None);
    }
    state.restore_part("model", &mut model)?;
    Ok(Some(Best { score: state.f64("score")?, step: state.u64("step")?, model }))
}
