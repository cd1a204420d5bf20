//! Wrappers that change observations, actions or rewards. Each is an environment again, with all of its
//! state.
//!
//! | wrapper | effect |
//! |---|---|
//! | [`Guarded`](crate::Guarded) | time limit and order of calls |
//! | [`EpisodeStatistics`] | return and length of episodes |
//! | [`FrameStack`] | the last observations, one after the other |
//! | [`NormalizeObservation`], [`NormalizeReward`], [`VecNormalize`] | running moments, to be frozen for evaluation |
//! | [`ClipReward`] | rewards within bounds for learners; returns are of the raw ones |
//! | [`ActionRepeat`] | an action for several steps |
//! | [`StickyActions`] | the last action repeated with some probability |
//! | [`Discretize`] | features as discrete states: boxes |
//! | [`OneHot`], [`Features`] | discrete states, or planes of zeros and ones, as features |
//!
//! ```
//! use potstill_env::wrappers::{EpisodeStatistics, FrameStack};
//! use potstill_env::{Env, registry::find};
//!
//! let pole = find("CartPole-v1")?.make_features().unwrap();
//! let mut env = EpisodeStatistics::new(FrameStack::new(pole, 3));
//! let mut observation = [0.0; 12];
//! env.reset(Some(1), &mut observation);
//! // At the start the first observation is repeated for those before it.
//! assert_eq!(observation[..4], observation[8..]);
//! while !env.step(&0, &mut observation)?.done() {}
//! assert_eq!(env.last_episode(), Some((10.0, 10)));
//! # Ok::<(), potstill_env::EnvError>(())
//! ```

mod actions;
mod frame_stack;
mod normalize;
mod observations;
mod rewards;

pub use actions::{ActionRepeat, StickyActions};
pub use frame_stack::FrameStack;
pub use normalize::{NormalizeObservation, NormalizeReward, ReturnScale, RunningMoments, VecNormalize};
pub use observations::{Discretize, Features, OneHot};
pub use rewards::{ClipReward, EpisodeStatistics};
