//! Environments of users: faults in them become errors that say what happened.

use crate::{Autoreset, Batch, Env, EnvError, Outcome, Row, Scene, Space, TransitionModel, VecEnv};
use potstill_core::{Restorable, Snapshot, SnapshotError, Value};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Runs a user's code. A panic, which the panic hook has reported with its place, becomes the error.
pub(super) fn caught<T>(name: &str, run: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|payload| format!("{name} panicked: {}", message(&*payload)))
}

fn message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a message")
}

/// An environment whose panics, and observations outside of a discrete space, are errors, and which refuses
/// actions outside of their space. What a `reset` does wrong is told by the next step.
#[derive(Clone, Debug)]
pub(super) struct Checked<E> {
    env: E,
    observations: Space,
    actions: Space,
    fault: Option<String>,
}

impl<E: Env> Checked<E> {
    pub(super) fn new(env: E) -> Self {
        Self { observations: env.observation_space(), actions: env.action_space(), env, fault: None }
    }

    /// A number that is in no table, and a plane that is not of zeros and ones, would be an error elsewhere. A
    /// box is only a hint, as in Gymnasium.
    fn check(&self, observation: &E::Observation) -> Result<(), String> {
        let is_box = matches!(self.observations, Space::Box { .. });
        if is_box || observation.is_in(&self.observations) {
            return Ok(());
        }
        let how = observation.outside(&self.observations).unwrap_or_default();
        Err(format!("an observation is outside of its space {}: {how}", self.observations))
    }
}

impl<E: Env> Env for Checked<E> {
    type Observation = E::Observation;
    type Action = E::Action;

    forward!(observation_space);
    forward!(action_space);

    fn reset(&mut self, seed: Option<u64>, observation: &mut Self::Observation) {
        let reset = caught("its reset", || self.env.reset(seed, observation));
        self.fault = reset.and_then(|()| self.check(observation)).err();
        if self.fault.is_some() {
            // Of any space, until the next step tells the fault.
            observation.as_mut_slice().fill(Default::default());
        }
    }

    fn step(
        &mut self,
        action: &Self::Action,
        observation: &mut Self::Observation,
    ) -> Result<Outcome, EnvError> {
        if let Some(reason) = &self.fault {
            return Err(EnvError::Failed { reason: reason.clone() });
        }
        if !action.is_in(&self.actions) {
            return Err(EnvError::Action { action: action.text(), space: self.actions.clone() });
        }
        let stepped = caught("its step", || self.env.step(action, observation));
        let checked = match stepped {
            Ok(Ok(outcome)) => self.check(observation).map(|()| outcome),
            Ok(Err(refused)) => return Err(refused),
            Err(panic) => Err(panic),
        };
        checked.map_err(|reason| {
            self.fault = Some(reason.clone());
            EnvError::Failed { reason }
        })
    }

    /// A fault is none that could be tried again.
    fn is_retriable(&self) -> bool {
        self.fault.is_none() && self.env.is_retriable()
    }

    forward!(reseed);
    forward!(raw_reward);
    forward!(model);
    forward!(is_stochastic);
    forward!(scene);
    forward!(scene_of);
}

/// As the environment itself: a fault ends the run, and is not saved.
impl<E: Env> Restorable for Checked<E> {
    fn snapshot(&self) -> Snapshot {
        let state = self.env.snapshot();
        // A branch without values leaves no trace in a file.
        if state.iter().next().is_none() { state.with("is_stateless", Value::Bool(true)) } else { state }
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        self.fault = None;
        self.env.restore(snapshot)
    }
}

/// Copies whose panics are errors.
pub(super) struct CheckedVec<V> {
    envs: V,
    fault: Option<String>,
}

impl<V: VecEnv> CheckedVec<V> {
    pub(super) fn new(envs: V) -> Self {
        Self { envs, fault: None }
    }
}

impl<V: VecEnv> VecEnv for CheckedVec<V> {
    type Element = V::Element;
    type Action = V::Action;

    fn single_observation_space(&self) -> Space {
        self.envs.single_observation_space()
    }

    fn single_action_space(&self) -> Space {
        self.envs.single_action_space()
    }

    fn autoreset(&self) -> Autoreset {
        self.envs.autoreset()
    }

    fn reset(&mut self, seed: Option<u64>) -> &Batch<Self::Element> {
        let reset = caught("its reset", || {
            self.envs.reset(seed);
        });
        self.fault = reset.err();
        self.envs.batch()
    }

    fn step(
        &mut self,
        actions: &[<Self::Action as Row>::Element],
    ) -> Result<&Batch<Self::Element>, EnvError> {
        if self.fault.is_none() {
            match caught("its step", || self.envs.step(actions).map(|_| ())) {
                Ok(stepped) => stepped?,
                Err(panic) => self.fault = Some(panic),
            }
        }
        match &self.fault {
            None => Ok(self.envs.batch()),
            Some(reason) => Err(EnvError::Failed { reason: reason.clone() }),
        }
    }

    fn batch(&self) -> &Batch<Self::Element> {
        self.envs.batch()
    }
}

impl<V: VecEnv> Restorable for CheckedVec<V> {
    fn snapshot(&self) -> Snapshot {
        self.envs.snapshot()
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        self.fault = None;
        self.envs.restore(snapshot)
    }
}
