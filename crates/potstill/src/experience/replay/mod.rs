//! Experience replay (Lin 1992; Mnih et al. 2015): a ring of transitions, sampled uniformly or by priority (Schaul et al. 2016), with returns of
//! one step or more.
//!
//! | file | what is there |
//! |---|---|
//! | `config.rs` | sizes and kinds, and the memory that they take |
//! | `frames.rs` | observations, each kept once, as stacks of frames |
//! | `actions.rs` | how actions are stored |
//! | `buffer.rs` | the ring: storing, sampling, returns of several steps, priorities |
//! | `snapshot.rs` | saving and restoring |
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::experience::{Batch, ReplayBuffer, ReplayConfig, Steps, Transition};
//!
//! let mut replay: ReplayBuffer = ReplayBuffer::new(ReplayConfig::new(1000, 1, 2))?;
//! for reward in [1.0, 2.0] {
//!     let (observation, next_observation) = (&[0.0_f32][..], &[1.0_f32][..]);
//!     replay.push(&Steps::of(&Transition { observation, action: &1, reward, next_observation, terminated: false, truncated: true }));
//! }
//! let mut batch = Batch::default();
//! replay.sample(8, &mut Streams::new(1).stream("replay"), &mut batch);
//! assert_eq!((batch.returns.len(), batch.next_observations.len()), (8, 8));
//! // A truncated episode has a value after it.
//! assert!(batch.discounts.iter().all(|&discount| discount == 0.99));
//! # Ok::<(), potstill::experience::ReplayError>(())
//! ```

mod actions;
mod buffer;
mod config;
mod frames;
mod snapshot;
#[cfg(test)]
mod tests;

pub use actions::StoredAction;
pub use buffer::{Batch, ReplayBuffer};
pub use config::{ActionShape, ReplayConfig, ReplayError};
