//! Reinforcement-learning environments with Gymnasium's semantics, native and without allocation in a step.
//!
//! | module | what is there |
//! |---|---|
//! | [`space`] | what an observation or an action can be |
//! | [`guarded`] | what Gymnasium's `make` puts around an environment: time limit and order of calls |
//! | [`registry`] | the environments by their Gymnasium id |
//! | [`cliff_walking`] | `CliffWalking-v1` |
//! | [`cart_pole`] | `CartPole-v1` |
//!
//! ```
//! use potstill_env::{Env, registry};
//! let mut env = registry::find("CartPole-v1").unwrap().make_features().unwrap();
//! let mut observation = [0.0; 4];
//! env.reset(Some(42), &mut observation);
//! let outcome = env.step(1, &mut observation)?;
//! assert_eq!((outcome.reward, outcome.terminated, outcome.truncated), (1.0, false, false));
//! # Ok::<(), potstill_env::EnvError>(())
//! ```
#![forbid(unsafe_code)]

pub mod cart_pole;
pub mod cliff_walking;
pub mod guarded;
pub mod registry;
pub mod space;

pub use cart_pole::CartPole;
pub use cliff_walking::CliffWalking;
pub use guarded::Guarded;
pub use registry::{BoxEnv, FeatureEnv, StateEnv};
pub use space::{Observation, Space};

use potstill_core::Stateful;
use thiserror::Error;

/// What one step gave, beside the observation.
///
/// *Terminated* and *truncated* are apart because learning needs them apart: after a terminal state there is no more
/// return, while a truncated episode would have gone on, and a learner must bootstrap from its last observation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// The reward of this step.
    pub reward: f64,
    /// The step reached a terminal state of the Markov decision process.
    pub terminated: bool,
    /// The episode was cut from outside, by a time limit. Never true together with `terminated` for a [`Guarded`]
    /// environment unless both fall on one step.
    pub truncated: bool,
}

impl Outcome {
    /// Whether the episode is over, for either reason.
    pub fn done(&self) -> bool {
        self.terminated || self.truncated
    }
}

/// A sequential decision problem with Gymnasium's `reset` and `step`.
///
/// Observations are written into the caller's buffer: `usize` for a discrete space, `[f32]` of the space's length for a box.
pub trait Env: Stateful + Send {
    /// `usize` for a discrete observation space, `[f32]` for a box.
    type Observation: Observation + ?Sized;
    /// `usize` for a discrete action space.
    type Action;

    /// All observations that the environment can give.
    fn observation_space(&self) -> Space;

    /// All actions that the environment takes.
    fn action_space(&self) -> Space;

    /// Starts an episode. A seed restarts the environment's random stream; `None` goes on with it (a stream never
    /// seeded is that of seed 0).
    fn reset(&mut self, seed: Option<u64>, observation: &mut Self::Observation);

    /// Takes one step. `observation` becomes the state after it, also on the last step of an episode.
    ///
    /// # Errors
    /// If the action is outside its space, or no episode is running. The environment is then unchanged.
    fn step(
        &mut self,
        action: Self::Action,
        observation: &mut Self::Observation,
    ) -> Result<Outcome, EnvError>;
}

impl<E: Env + ?Sized> Env for Box<E> {
    type Observation = E::Observation;
    type Action = E::Action;

    fn observation_space(&self) -> Space {
        (**self).observation_space()
    }

    fn action_space(&self) -> Space {
        (**self).action_space()
    }

    fn reset(&mut self, seed: Option<u64>, observation: &mut Self::Observation) {
        (**self).reset(seed, observation);
    }

    fn step(
        &mut self,
        action: Self::Action,
        observation: &mut Self::Observation,
    ) -> Result<Outcome, EnvError> {
        (**self).step(action, observation)
    }
}

/// A call that an environment refuses.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum EnvError {
    /// The action is not in the action space.
    #[error("action {action} is outside the action space {space}")]
    Action {
        /// The action given.
        action: String,
        /// The environment's action space.
        space: Space,
    },
    /// `step` before the first `reset`.
    #[error("step before reset: call reset first")]
    NotReset,
    /// `step` after the episode's end.
    #[error("step after the end of the episode: call reset first")]
    EpisodeOver,
}
