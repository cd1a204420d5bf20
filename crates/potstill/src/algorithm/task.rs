//! The task that an algorithm is built for.

use crate::config::ConfigError;
use crate::data::Recording;
use crate::planning::can_terminate;
use crate::policy::{Behaviour, ExplorationRule};
use potstill_core::Streams;
use potstill_env::registry::Spec;
use potstill_env::{Env, TransitionModel};
use std::sync::Arc;

/// The source of the actions that an agent learns from.
#[derive(Clone, Debug, Default)]
pub enum BehaviourSource {
    /// The agent's own behaviour policy, on the values that it learns.
    #[default]
    Own,
    /// Its behaviour policy on the action values of another agent, `states x actions`.
    Values(Vec<f64>),
    /// Recorded episodes, which a tabular agent follows.
    Recording(Arc<Recording>),
    /// So many recorded transitions, which a network learns from offline.
    Transitions(u64),
}

/// The environment and the circumstances of a run.
#[derive(Clone, Debug)]
pub struct Task<'a> {
    /// The algorithm's name, for messages.
    pub algorithm: &'static str,
    /// The environment.
    pub spec: &'a Spec,
    /// Steps of the whole run, of all copies of the environment together, if their number is given.
    pub steps: Option<u64>,
    /// Steps that schedules are relative to, if they are not those of the run.
    pub schedule_steps: Option<u64>,
    /// The random streams of the run.
    pub streams: Streams,
    /// Threads to compute on. Results do not depend on their number.
    pub threads: usize,
    /// The source of the actions.
    pub source: BehaviourSource,
}

impl<'a> Task<'a> {
    /// A task of unknown length, on one thread.
    pub fn new(algorithm: &'static str, spec: &'a Spec, streams: Streams) -> Self {
        let source = BehaviourSource::Own;
        Self { algorithm, spec, steps: None, schedule_steps: None, streams, threads: 1, source }
    }

    /// The number of recorded transitions that are learned from offline; `None` if the agent acts.
    pub fn transitions(&self) -> Option<u64> {
        match self.source {
            BehaviourSource::Transitions(count) => Some(count),
            _ => None,
        }
    }

    /// The number of observations.
    ///
    /// # Panics
    /// If they are not discrete.
    pub fn states(&self) -> usize {
        self.spec.observation_space().discrete().expect("discrete observations")
    }

    /// The number of actions.
    ///
    /// # Panics
    /// If they are not discrete.
    pub fn actions(&self) -> usize {
        self.spec.action_space().discrete().expect("discrete actions")
    }

    /// The exact model of the environment, if it has one.
    pub fn model(&self) -> Option<Arc<TransitionModel>> {
        self.spec.make_states()?.model()
    }

    /// The exact model of the environment.
    ///
    /// # Errors
    /// If it has none.
    pub fn exact_model(&self) -> Result<Arc<TransitionModel>, ConfigError> {
        self.model().ok_or_else(|| {
            let (name, id) = (self.algorithm, &self.spec.id);
            ConfigError::Usage(format!(
                "`{name}` needs an exact model; {id} does not provide one, but q-learning and others learn without"
            ))
        })
    }

    /// Refuses `gamma` = 1 in an environment that never ends, where returns are infinite.
    ///
    /// # Errors
    /// If `gamma` is 1 and no episode can end.
    pub fn check_discount(&self, gamma: f64) -> Result<(), ConfigError> {
        if gamma < 1.0 {
            return Ok(());
        }
        match self.model() {
            Some(model) if !can_terminate(&model) => {
                let id = &self.spec.id;
                let reason = format!(
                    "must be below 1 in {id}, which never ends: its returns would be infinite; or learn with r-learning"
                );
                Err(ConfigError::value("gamma", reason))
            }
            _ => Ok(()),
        }
    }

    /// The behaviour policy of a run in which the agent by itself would act by `own`.
    pub fn behaviour(&self, own: Behaviour) -> Behaviour {
        match &self.source {
            BehaviourSource::Own | BehaviourSource::Transitions(_) => own,
            BehaviourSource::Values(values) => own.with_values(values),
            BehaviourSource::Recording(recording) => {
                let (states, actions) = (self.states(), self.actions());
                let rule = ExplorationRule::recorded(recording.pairs().collect(), states, actions);
                Behaviour::new(rule, states, actions, self.streams)
            }
        }
    }
}
