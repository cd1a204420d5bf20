//! Reinforcement-learning environments with Gymnasium's semantics, native and without allocation in a step.
//!
//! | module | contents |
//! |---|---|
//! | [`space`] | spaces, and observations and actions as rows of numbers |
//! | [`guarded`] | time limit and order of calls, as Gymnasium's `make` adds them |
//! | [`vector`] | vector environments |
//! | [`model`] | exact models for planners, and environments defined by their model |
//! | [`scene`] | rendering |
//! | [`state_map`] | tables of states, as books draw them |
//! | [`wrappers`] | wrappers |
//! | [`check`] | tests that an environment follows the API |
//! | [`registry`] | the environments by their id, with their options |
//! | [`replayed`] | environments outside of this program |
//! | [`trace`] | recorded episodes |
//! | [`toy_text`], [`classic_control`] | Gymnasium's environments |
//! | [`book`] | environments of Sutton and Barto's book |
//! | [`gridworld`] | gridworlds from maps of your own |
//! | [`box2d_envs`] | Gymnasium's landers and walkers of rigid bodies |
//! | [`arcade`] | five small arcade games |
//!
//! ```
//! use potstill_env::{Env, registry};
//! let mut env = registry::find("CartPole-v1")?.make_features().unwrap();
//! let mut observation = [0.0; 4];
//! env.reset(Some(42), &mut observation);
//! let outcome = env.step(&1, &mut observation)?;
//! assert_eq!((outcome.reward, outcome.terminated, outcome.truncated), (1.0, false, false));
//! # Ok::<(), potstill_env::EnvError>(())
//! ```
#![forbid(unsafe_code)]

#[macro_use]
mod forward;

pub mod arcade;
pub mod book;
mod box2d;
pub mod box2d_envs;
pub mod check;
pub mod classic_control;
pub mod gridworld;
pub mod guarded;
pub mod model;
mod model_env;
pub mod registry;
pub mod replayed;
pub mod scene;
pub mod space;
pub mod state_map;
pub mod toy_text;
pub mod trace;
pub mod vector;
pub mod wrappers;

pub use classic_control::acrobot::Acrobot;
pub use classic_control::cart_pole::CartPole;
pub use classic_control::linear_quadratic::LinearQuadratic;
pub use classic_control::mountain_car::{MountainCar, MountainCarContinuous};
pub use classic_control::pendulum::Pendulum;
pub use guarded::Guarded;
pub use model::{ModelOutcome, TransitionModel};
pub use model_env::{ModelEnv, Painter};
pub use registry::{BoxEnv, ControlEnv, FeatureEnv, PlaneEnv, StateEnv};
pub use scene::{Paint, Scene, Shape};
pub use space::{Row, Space};
pub use state_map::StateMap;
pub use vector::{Autoreset, Batch, VecEnv};

use potstill_core::Restorable;
use std::sync::Arc;
use thiserror::Error;

/// The result of one step, in addition to the observation.
///
/// *Terminated* and *truncated* are separate because learning needs the difference: after a terminal state
/// the return is 0, while a truncated episode would have continued, and a learner must bootstrap from its
/// last observation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// The reward of this step.
    pub reward: f64,
    /// The step reached a terminal state of the Markov decision process.
    pub terminated: bool,
    /// The episode was ended from outside, by a time limit. Both flags are true where the limit's last step
    /// reaches a terminal state.
    pub truncated: bool,
}

impl Outcome {
    /// Returns true if the episode is over, for either reason.
    pub fn done(&self) -> bool {
        self.terminated || self.truncated
    }
}

/// A sequential decision problem with Gymnasium's `reset` and `step`.
///
/// Observations are written into the caller's buffer: `usize` for discrete states, `[f32]` or `[u8]` of the
/// space's length for arrays.
pub trait Env: Restorable + Send {
    /// `usize` for discrete states, `[f32]` for a box, `[u8]` for zeros and ones.
    type Observation: Row + ?Sized;
    /// `usize` for a discrete action space, `[f32]` for a box.
    type Action: Row + ?Sized;

    /// The observation space.
    fn observation_space(&self) -> Space;

    /// The action space.
    fn action_space(&self) -> Space;

    /// Starts an episode. A seed restarts the environment's random stream; with `None` it continues (a stream
    /// that was never seeded is that of seed 0).
    fn reset(&mut self, seed: Option<u64>, observation: &mut Self::Observation);

    /// Takes one step. `observation` becomes the state after it, also on the last step of an episode.
    ///
    /// # Errors
    /// If the action is outside its space, or no episode is running. The environment is then unchanged.
    fn step(
        &mut self,
        action: &Self::Action,
        observation: &mut Self::Observation,
    ) -> Result<Outcome, EnvError>;

    /// The reward of the last step as it was before it was changed for learning, such as [clipped](wrappers::ClipReward);
    /// `None`, at any time, if rewards are not changed. Returns are reported of these, and learners see those of the steps.
    fn raw_reward(&self) -> Option<f64> {
        None
    }

    /// Returns true if the step that has just failed changed nothing, so that a saved state can try it again.
    fn is_retriable(&self) -> bool {
        false
    }

    /// Restarts the random stream from this seed and keeps the state: a planner that simulates in a copy must
    /// not see the random numbers of the original.
    fn reseed(&mut self, seed: u64);

    /// The exact model, if there is one.
    fn model(&self) -> Option<Arc<TransitionModel>> {
        None
    }

    /// Returns true if transitions or starts are random; without an exact model they count as random.
    fn is_stochastic(&self) -> bool {
        self.model().is_none_or(|model| model.is_stochastic())
    }

    /// Tables of the states, by which values and policies are drawn; none if the [scenes](Self::scene_of) are a
    /// grid, or states have no such order.
    fn state_maps(&self) -> Vec<StateMap> {
        Vec::new()
    }

    /// A rendering of the current state, if there is one.
    fn scene(&self) -> Option<Scene> {
        None
    }

    /// A rendering of the state of an observation, if the observation determines it.
    fn scene_of(&self, _: &Self::Observation) -> Option<Scene> {
        None
    }
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
        action: &Self::Action,
        observation: &mut Self::Observation,
    ) -> Result<Outcome, EnvError> {
        (**self).step(action, observation)
    }

    fn raw_reward(&self) -> Option<f64> {
        (**self).raw_reward()
    }

    fn is_retriable(&self) -> bool {
        (**self).is_retriable()
    }

    fn reseed(&mut self, seed: u64) {
        (**self).reseed(seed);
    }

    fn model(&self) -> Option<Arc<TransitionModel>> {
        (**self).model()
    }

    fn is_stochastic(&self) -> bool {
        (**self).is_stochastic()
    }

    fn state_maps(&self) -> Vec<StateMap> {
        (**self).state_maps()
    }

    fn scene(&self) -> Option<Scene> {
        (**self).scene()
    }

    fn scene_of(&self, observation: &Self::Observation) -> Option<Scene> {
        (**self).scene_of(observation)
    }
}

/// An error of a call to an environment.
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
    /// Not one action per copy of a vector environment.
    #[error("{got} actions for {expected} environments")]
    Actions {
        /// The number of actions given.
        got: usize,
        /// The number of copies.
        expected: usize,
    },
    /// The numbers given to a vector environment are not those of whole actions.
    #[error(
        "{got} numbers for {copies} environments with actions of {width} numbers: give {copies} x {width}"
    )]
    ActionNumbers {
        /// The count of numbers given.
        got: usize,
        /// The number of copies.
        copies: usize,
        /// The count of numbers in one action.
        width: usize,
    },
    /// There is no environment with this id.
    #[error("there is no environment `{id}`")]
    Unknown {
        /// The id.
        id: String,
    },
    /// An environment that cannot be constructed with these options.
    #[error("{id}: {reason}")]
    Option {
        /// The environment's id.
        id: String,
        /// The wrong option, the reason, and its range.
        reason: String,
    },
    /// An environment that cannot be registered.
    #[error("the environment `{id}` cannot be registered: {reason}")]
    Registration {
        /// Its id.
        id: String,
        /// The reason.
        reason: String,
    },
    /// An environment that panicked, or gave an observation outside of its space. A user's environment that
    /// cannot go on returns it as well.
    #[error("the environment failed: {reason}")]
    Failed {
        /// The reason.
        reason: String,
    },
}
