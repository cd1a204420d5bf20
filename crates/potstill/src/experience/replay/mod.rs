//! Experience replay (Lin 1992; Mnih et al. 2015): a ring of transitions, sampled uniformly or by priority
//! (Schaul et al. 2016), with one-step or n-step returns.
//!
//! | file | content |
//! |---|---|
//! | `config.rs` | configuration and memory use |
//! | `frames.rs` | observations, each frame stored once |
//! | `actions.rs` | storage of actions |
//! | `buffer.rs` | the ring: storage, sampling, n-step returns, priorities |
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
//! // A truncated episode bootstraps from its last observation.
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
