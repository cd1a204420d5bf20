//! Work that becomes a run: it advances in steps, can stop after any of them, and can be saved and restored; a restored
//! copy continues bit for bit.
//!
//! The settings of jobs, with their defaults:
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

mod comparison;
mod control;
mod judged;
mod planner;
mod policy_distillation;
mod regression;
mod reinforcement;
mod settings;
mod supervised;
mod timed;
mod tree;

pub(crate) use comparison::Taught;
pub(crate) use judged::{MODEL, STUDENT_DISTILLED, STUDENT_LABELS, TEACHER, calibration_rows};
pub(crate) use planner::PlannerJob;
pub(crate) use policy_distillation::{PolicyDistillationJob, RecordedStates};
pub(crate) use regression::{LABELS_TEST_RMSE, RegressionJob, TaughtValues, deviation};
pub(crate) use reinforcement::{Acts, ReinforcementJob};
pub(crate) use settings::{ClassDistillation, ClassFit, PolicyDistillation, ValueDistillation, ValueFit};
pub use settings::{
    ControlConfig, DataConfig, DistilConfig, EvalConfig, Keep, OfflineData, PlanConfig, RunConfig,
    SourceConfig, StoreConfig, StudentConfig,
};
pub(crate) use supervised::{Parts, SupervisedJob};
pub(crate) use timed::Timed;
pub(crate) use tree::{TreeJob, TreeTeacher};

use crate::data::{Dataset, OfflineDataset};
use crate::error::Error;
use crate::metrics::Record;
use crate::model::{Model, ModelActor, Predictor};
use crate::train::{Actors, Evaluation, Protocol, Stop, evaluate_unless};
use potstill_core::snapshot::{Codec, Counted, Flat, IfPresent};
use potstill_core::{Restorable, Snapshot, SnapshotError, Value, snapshot};
use potstill_env::registry::Spec;
use potstill_nn::NetworkSpec;
use serde_json::Value as Json;
use std::collections::VecDeque;
use std::sync::Arc;

/// A consumer of a job's records.
pub(crate) type Recorder<'a> = dyn FnMut(&Record) -> Result<(), Error> + 'a;

/// Work that becomes a run.
pub(crate) trait Job: Restorable + Send {
    /// Steps so far: of the environment, or of the optimiser if there is none.
    fn steps(&self) -> u64;

    /// A remark for the user before the work begins.
    fn about(&self) -> Option<&str> {
        None
    }

    /// A warning for the user before the work begins.
    fn warning(&self) -> Option<&str> {
        None
    }

    /// Takes over the parameters of a model, before the work begins.
    ///
    /// # Errors
    /// If its shape is another, or the work has no parameters to start from; the reason says which.
    fn start_from(&mut self, _: &Model) -> Result<(), String> {
        Err("a planner starts from nothing but the model of its environment".to_owned())
    }

    /// Returns true if its summary will have a score by which runs are compared.
    fn is_scored(&self) -> bool {
        true
    }

    /// Takes over saved critics of an architecture, before the work begins; false if it has no such critics.
    fn take_over_critics(&mut self, _: &Snapshot, _: &NetworkSpec) -> bool {
        false
    }

    /// Returns true if the outputs of its model are estimated returns.
    fn learns_values(&self) -> bool {
        false
    }

    /// The place that the episodes of training are to be written to, and these; none if they are not
    /// recorded.
    ///
    /// # Errors
    /// If a number of a running episode is not in its space; the reason.
    fn recording(&self) -> Result<Option<(&str, OfflineDataset)>, String> {
        Ok(None)
    }

    /// The policy so far; none of work that learns no policy step by step.
    fn policy(&self) -> Option<Model> {
        None
    }

    /// Lets actors step the copies of the environment of a run with this `config.toml`, from now on.
    ///
    /// # Errors
    /// If the work has no such copies, or they do not start; the reason.
    fn step_elsewhere(&mut self, _: Box<dyn Actors>, _: &str) -> Result<(), String> {
        Err("there is no environment that actors could step".to_owned())
    }

    /// Returns true if the work is complete.
    fn is_over(&self) -> bool;

    /// Works until `until` steps are done, or the work is complete, or shortly after a stop request. What is then left in
    /// the middle of a step is part of the state.
    ///
    /// # Errors
    /// If the work fails.
    fn advance(&mut self, until: u64, stop: &Stop<'_>, record: &mut Recorder<'_>) -> Result<(), Error>;

    /// Returns true if the state after an error of the environment is that before the step, and can be gone on from.
    fn is_between_steps(&self) -> bool {
        false
    }

    /// Progress and total, in the user's unit (steps, episodes or epochs), and a remark on the results so
    /// far.
    fn progress(&self) -> (u64, u64, String);

    /// The score of the newest evaluation; higher is better.
    fn score(&self) -> Option<f64>;

    /// Evaluates the result; `None` if it was stopped, which changes nothing.
    ///
    /// # Errors
    /// If the last evaluation fails.
    fn finish(&mut self, stop: &Stop<'_>) -> Result<Option<Outcome>, Error>;
}

/// Evaluates the greedy policy of a model in an environment.
pub(crate) fn evaluate_policy(model: &Model, spec: &Spec, protocol: Protocol) -> Result<Evaluation, Error> {
    Ok(evaluate_policy_unless(&|| false, model, spec, protocol)?.expect("nothing stops it"))
}

/// Evaluates the greedy policy of a model in an environment; `None` if it was stopped before the end.
pub(crate) fn evaluate_policy_unless(
    stop: &Stop<'_>,
    model: &Model,
    spec: &Spec,
    protocol: Protocol,
) -> Result<Option<Evaluation>, Error> {
    let actor = || ModelActor::greedy(model);
    let evaluation = match model {
        Model::Table(_) => evaluate_unless::<usize, usize, _>(
            stop,
            protocol,
            || spec.make_states().expect("a table is for states"),
            actor,
        ),
        Model::Linear(_) | Model::Network(_) | Model::Predictor(_) => {
            let make_env = || spec.make_features().expect("it is for features");
            evaluate_unless::<[f32], usize, _>(stop, protocol, make_env, actor)
        }
        Model::Control(_) => {
            let make_env = || spec.make_control().expect("a control policy is for a box of actions");
            evaluate_unless::<[f32], [f32], _>(stop, protocol, make_env, actor)
        }
    };
    Ok(evaluation?)
}

/// The outcome of a job.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) model: Model,
    pub(crate) summary: Json,
    /// Visit counts `N(s, a)`, `states x actions`, if they were recorded.
    pub(crate) visits: Option<Vec<u64>>,
    /// Classifiers that were measured.
    pub(crate) compared: Option<Compared>,
}

/// The classifiers of a run, with the figures of its report.
#[derive(Debug)]
pub(crate) struct Compared {
    /// Figures of their quality.
    pub(crate) quality: Json,
    /// The classifiers whose costs can be measured, by their keys in the summary.
    pub(crate) models: Vec<(&'static str, Predictor)>,
    /// The teacher, if it is none of these and can be measured.
    pub(crate) teacher: Option<Timed>,
    /// Samples to measure them with.
    pub(crate) samples: Arc<Dataset>,
}

/// The mean of the last hundred values, as Stable-Baselines3's `rollout/ep_rew_mean`.
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
        let (count, sum) = (self.values.len() as f64, self.values.iter().sum::<f64>());
        // The sum of huge values overflows where their mean does not.
        let mean = || if sum.is_finite() { sum / count } else { self.values.iter().map(|v| v / count).sum() };
        (count > 0.0).then(mean)
    }
}

snapshot! {
    impl Restorable for Recent {
        saved: values via Counted { count: "len", limit: 101, width: 1 };
    }
}

/// The codec of an optional number.
pub(super) struct IfKnown;

impl Codec<Option<f64>> for IfKnown {
    fn save(&self, number: &Option<f64>, name: &str, snapshot: &mut Snapshot) {
        let branch = Snapshot::new().with("known", Value::Bool(number.is_some()));
        snapshot.insert(name, Value::Tree(branch.with("value", Value::F64(number.unwrap_or_default()))));
    }

    fn load(&self, number: &mut Option<f64>, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        let branch = snapshot.tree(name)?;
        *number = branch.bool("known")?.then_some(branch.f64("value")?);
        Ok(())
    }
}

/// The best evaluated model so far.
#[derive(Clone, Debug)]
pub(super) struct Best {
    pub(super) score: f64,
    pub(super) step: u64,
    pub(super) model: Model,
    /// True if the agent had made no update by then.
    pub(super) is_untrained: bool,
}

snapshot! {
    impl Restorable for Best {
        saved: model, score, step, is_untrained via IfPresent;
    }
}

/// The codec of an optional best, given a model of the same architecture.
pub(super) struct BestLike<F>(pub(super) F);

impl<F: Fn() -> Model> Codec<Option<Best>> for BestLike<F> {
    fn save(&self, best: &Option<Best>, name: &str, snapshot: &mut Snapshot) {
        let mut branch = Snapshot::new().with("known", Value::Bool(best.is_some()));
        if let Some(best) = best {
            Flat.save(best, name, &mut branch);
        }
        snapshot.insert(name, Value::Tree(branch));
    }

    fn load(&self, best: &mut Option<Best>, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        let branch = snapshot.tree(name)?;
        *best = None;
        if branch.bool("known")? {
            let mut known = Best { score: 0.0, step: 0, model: (self.0)(), is_untrained: false };
            known.restore(branch)?;
            *best = Some(known);
        }
        Ok(())
    }
}
