//! The shape that all algorithms share. The training loop drives them through it and knows none by name.
//!
//! ```
//! use potstill::agent::Agent;
//! use potstill::core::Streams;
//! use potstill::experience::Transition;
//! use potstill::tabular::{QLearning, TabularConfig};
//!
//! let mut agent = QLearning::new(TabularConfig::default(), 2, 2, Streams::new(1));
//! let action = agent.act(&0);
//! agent.learn(&Transition {
//!     observation: &0,
//!     action,
//!     reward: 1.0,
//!     next_observation: &1,
//!     terminated: true,
//!     truncated: false,
//! })?;
//! // Half of the way from 0 to the reward.
//! assert_eq!(agent.q().row(0)[action], 0.5);
//! # Ok::<(), potstill::agent::LearnError>(())
//! ```

use crate::experience::{Steps, Transition};
use crate::model::Model;
use potstill_core::{Restorable, Snapshot, Value};
use potstill_env::{BoxEnv, EnvError, Observation};
use thiserror::Error;

/// Something that acts and learns from what came of it.
pub trait Agent: Restorable + Send {
    /// `usize` for discrete observations, `[f32]` for features.
    type Observation: Observation + ?Sized;

    /// An action of the behaviour policy.
    fn act(&mut self, observation: &Self::Observation) -> usize;

    /// Learns from a step. `Some` if parameters changed and there is something to report.
    ///
    /// # Errors
    /// If a number went bad.
    fn learn(&mut self, transition: &Transition<'_, Self::Observation>)
    -> Result<Option<Update>, LearnError>;

    /// What has been learned so far, as it would be saved.
    fn model(&self) -> Model;

    /// Looks ahead from where the environment is, before it acts there: for who plans with copies of it.
    ///
    /// # Errors
    /// If a copy refused a step.
    fn plan(&mut self, _: &BoxEnv<Self::Observation>) -> Result<(), LearnError> {
        Ok(())
    }

    /// How often each action was taken in each state, `states x actions`, if that is counted.
    fn visits(&self) -> Option<&[u64]> {
        None
    }

    /// Numbers beside the model that are worth telling.
    fn notes(&self) -> Vec<(&'static str, f64)> {
        Vec::new()
    }

    /// How it stands with exploration and the teacher, where there are such.
    fn standing(&self) -> Standing {
        Standing::default()
    }
}

/// Something that acts in many copies of an environment at a time, and learns from what came of it.
pub trait VecAgent: Restorable + Send {
    /// An action of the behaviour policy for each copy; observations are `copies x features`.
    fn act_in_all(&mut self, observations: &[f32], actions: &mut [usize]);

    /// Learns from a step of every copy. `Some` if parameters changed.
    ///
    /// # Errors
    /// If a number went bad.
    fn learn_from_all(&mut self, steps: &Steps<'_>) -> Result<Option<Update>, LearnError>;

    /// What has been learned so far, as it would be saved.
    fn learned(&self) -> Model;

    /// How it stands with exploration and the teacher.
    fn stands(&self) -> Standing;
}

/// An agent for many copies is one for a single copy too.
macro_rules! alone {
    ($agent:ty) => {
        impl $crate::agent::Agent for $agent {
            type Observation = [f32];

            fn act(&mut self, observation: &[f32]) -> usize {
                let mut action = [0];
                $crate::agent::VecAgent::act_in_all(self, observation, &mut action);
                action[0]
            }

            fn learn(
                &mut self,
                transition: &$crate::experience::Transition<'_, [f32]>,
            ) -> Result<Option<$crate::agent::Update>, $crate::agent::LearnError> {
                let steps = $crate::experience::Steps::of(transition);
                $crate::agent::VecAgent::learn_from_all(self, &steps)
            }

            fn model(&self) -> $crate::model::Model {
                $crate::agent::VecAgent::learned(self)
            }

            fn standing(&self) -> $crate::agent::Standing {
                $crate::agent::VecAgent::stands(self)
            }
        }
    };
}
pub(crate) use alone;

impl<A: Agent + ?Sized> Agent for Box<A> {
    type Observation = A::Observation;

    fn act(&mut self, observation: &Self::Observation) -> usize {
        (**self).act(observation)
    }

    fn learn(
        &mut self,
        transition: &Transition<'_, Self::Observation>,
    ) -> Result<Option<Update>, LearnError> {
        (**self).learn(transition)
    }

    fn model(&self) -> Model {
        (**self).model()
    }

    fn plan(&mut self, env: &BoxEnv<Self::Observation>) -> Result<(), LearnError> {
        (**self).plan(env)
    }

    fn visits(&self) -> Option<&[u64]> {
        (**self).visits()
    }

    fn notes(&self) -> Vec<(&'static str, f64)> {
        (**self).notes()
    }

    fn standing(&self) -> Standing {
        (**self).standing()
    }
}

/// What an update of a network did.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Update {
    /// The mean loss over the gradient steps of the update.
    pub loss: f64,
}

/// How it stands with a learner.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Standing {
    /// The probability of exploring.
    pub epsilon: f64,
    /// Ticks since the teacher was refreshed, and the Euclidean distance between its parameters and the student's; none where there is no
    /// teacher.
    pub teacher: Option<(u64, f64)>,
}

/// Learning that cannot go on.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum LearnError {
    /// A number went bad. The parameters are as they were before it.
    #[error("{culprit} (learning rate too high, or rewards or inputs out of scale?)")]
    NotFinite {
        /// What is not finite, with its place.
        culprit: String,
        /// What was being learned from, for inspection.
        batch: Snapshot,
    },
    /// An episode that is learned from as a whole does not end.
    #[error(
        "an episode of {steps} steps has not ended, and it is learned from only then; give a time limit, such as --env ID:max_episode_steps=1000"
    )]
    Endless {
        /// Its steps so far.
        steps: usize,
    },
    /// An environment that was to be learned in refused a step.
    #[error("the environment refused: {0}")]
    Env(#[from] EnvError),
}

/// The longest episode that is held to be learned from as a whole.
pub const EPISODE_STEPS_MAX: usize = 1_000_000;

/// The longest gradient that Adam can square in single precision.
pub const GRADIENT_NORM_MAX: f64 = 1e18;

/// The error that names the first value that is not finite among arrays given in the order in which they depend on each other. The
/// arrays go along, so that they can be inspected.
pub fn not_finite(arrays: &[(&str, &[f32])]) -> Option<LearnError> {
    let (name, values, i) = arrays
        .iter()
        .find_map(|(name, values)| values.iter().position(|v| !v.is_finite()).map(|i| (name, values, i)))?;
    let place = if values.len() == 1 { String::new() } else { format!(" {i} of {}", values.len()) };
    Some(LearnError::NotFinite {
        culprit: format!("{name}{place} is {}", values[i]),
        batch: inspected(arrays),
    })
}

/// The error of a gradient step that must not be made: what [`not_finite`] finds, or else the gradient's length.
pub fn bad_step(gradient_norm: f64, arrays: &[(&str, &[f32])]) -> LearnError {
    not_finite(arrays).unwrap_or_else(|| LearnError::NotFinite {
        culprit: format!("the gradient's norm is {gradient_norm:e}"),
        batch: inspected(arrays),
    })
}

/// Refuses a target that a table would be spoiled by.
///
/// # Errors
/// If it is not finite.
pub fn checked_target(target: f64) -> Result<f64, LearnError> {
    if target.is_finite() {
        return Ok(target);
    }
    let batch = Snapshot::new().with("target", Value::F64(target));
    Err(LearnError::NotFinite { culprit: format!("target is {target}"), batch })
}

/// Refuses an episode that is longer than is held to be learned from as a whole.
///
/// # Errors
/// If it is.
pub fn checked_length(steps: usize) -> Result<(), LearnError> {
    if steps > EPISODE_STEPS_MAX {
        return Err(LearnError::Endless { steps: EPISODE_STEPS_MAX });
    }
    Ok(())
}

fn inspected(arrays: &[(&str, &[f32])]) -> Snapshot {
    let name = |name: &str| name.replace([' ', '\''], "_");
    arrays
        .iter()
        .fold(Snapshot::new(), |state, (n, values)| state.with(&name(n), Value::F32s(values.to_vec())))
}
