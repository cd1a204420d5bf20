//! Training: one loop for every algorithm, evaluation apart from it, statistics over seeds.
//!
//! The loop is a stepper: each call of [`Trainer::step`] takes one step in the environment and returns its
//! events. [`Training::run`] takes many steps, evaluates the agent in between, and calls a [`Callback`],
//! which may stop it. [`VecTrainer`] does the same with many copies of the environment at a time, and
//! [`OfflineTrainer`] without one, from recorded transitions.
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::env::registry::find;
//! use potstill::tabular::{QLearning, TabularConfig};
//! use potstill::train::{Callback, EpisodeEnd, RunEnd, Trainer, Training};
//! use std::ops::ControlFlow;
//!
//! /// Stops after the first episode that does not fall off the cliff.
//! struct UntilSafe;
//!
//! impl Callback<Trainer<QLearning>> for UntilSafe {
//!     fn on_episode(&mut self, _: &Trainer<QLearning>, episode: &EpisodeEnd) -> ControlFlow<()> {
//!         if episode.episode_return > -100.0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
//!     }
//! }
//!
//! let streams = Streams::new(1);
//! let agent = QLearning::new(TabularConfig::default(), 48, 4, streams);
//! let env = find("CliffWalking-v1").unwrap().make_states().unwrap();
//! let mut trainer = Trainer::new(agent, env, streams);
//! let end = trainer.run(100_000, None, &mut UntilSafe)?;
//! assert_eq!(end, RunEnd::Stopped);
//! assert!(trainer.episodes() < 200);
//! # Ok::<(), potstill::train::TrainError>(())
//! ```

pub mod comparison;
mod elsewhere;
mod error;
mod evaluation;
mod interval;
mod last_step;
mod moments;
mod offline;
mod parallel;
mod player;
mod single;
pub mod statistics;
mod step;
mod training;
mod vector;

pub use error::TrainError;
#[cfg(feature = "disk")]
pub(crate) use evaluation::evaluate_unless;
pub use evaluation::{Evaluation, Evaluator, Protocol, evaluate};
#[cfg(feature = "disk")]
pub(crate) use last_step::ByName;
pub use last_step::{EpisodeEnd, LastStep, Stop};
pub use offline::OfflineTrainer;
pub use parallel::parallel_map;
pub use player::{Actors, Play, Player};
pub use single::{Event, Trainer};
pub use training::{ActionOf, Callback, ObservationOf, RunEnd, Training};
pub use vector::VecTrainer;
