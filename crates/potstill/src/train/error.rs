//! The errors of training.

use crate::agent::LearnError;
use potstill_env::EnvError;
use thiserror::Error;

/// An error that ends training.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum TrainError {
    /// The environment refused a step, or failed.
    #[error("step {step}: {}", refusal(.source))]
    Env {
        /// The step, from 1.
        step: u64,
        /// The reason.
        source: EnvError,
    },
    /// The environment refused a step of an episode that was played without learning, or failed.
    #[error("playing an episode: {}", refusal(.0))]
    Play(EnvError),
    /// The environment gave a reward that is not finite.
    #[error("step {step}, episode {episode}: after action {action} the environment gave the reward {reward}")]
    Reward {
        /// The step, from 1.
        step: u64,
        /// The episode, from 1.
        episode: u64,
        /// The action before it, and the copy of the environment, if there are several.
        action: String,
        /// The reward.
        reward: f64,
    },
    /// The environment gave an observation that is not finite.
    #[error(
        "step {step}, episode {episode}: after action {action} the environment gave the observation {observation}"
    )]
    Observation {
        /// The step, from 1.
        step: u64,
        /// The episode, from 1.
        episode: u64,
        /// The action before it, and the copy of the environment, if there are several.
        action: String,
        /// The observation.
        observation: String,
    },
    /// Actors, which step the copies of the environment, failed before a step.
    #[error("step {step}: the actors failed: {reason}")]
    Actors {
        /// The step, from 1.
        step: u64,
        /// The reason.
        reason: String,
    },
    /// The learner failed in a step.
    #[error("step {step}: {source}")]
    Learn {
        /// The step, from 1.
        step: u64,
        /// The reason.
        source: LearnError,
    },
    /// A planner did not converge within its sweeps.
    #[error(
        "the values still change by {residual:e} after {sweeps} sweeps; give a larger --set tolerance or max_sweeps, or a gamma below 1"
    )]
    NotConverged {
        /// The sweeps so far.
        sweeps: u64,
        /// The largest change of a value in the last.
        residual: f64,
    },
    /// The learned model is not finite.
    #[error("the end: the model holds a value that is not finite")]
    Model,
}

fn refusal(error: &EnvError) -> String {
    match error {
        EnvError::Failed { .. } => error.to_string(),
        refused => format!("the environment refused: {refused}"),
    }
}
