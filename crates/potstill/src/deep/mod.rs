//! Deep value learning: one paper per file.
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::deep::{Dqn, DqnConfig};
//! use potstill::env::registry::find;
//! use potstill::train::{Trainer, Training};
//!
//! let streams = Streams::new(1);
//! // A number becomes a schedule by `into`, and text a network by `parse`.
//! let config =
//!     DqnConfig { learning_rate: 1e-3.into(), net_arch: "mlp:16".parse()?, ..DqnConfig::default() };
//! let env = find("CartPole-v1").unwrap().make_features().unwrap();
//! let mut trainer = Trainer::new(Dqn::new(config, 4, 2, 2000, streams), env, streams);
//! while trainer.steps() < 2000 {
//!     let event = trainer.step()?;
//!     assert!(!event.updated || trainer.measured().iter().all(|(_, loss)| loss.is_finite()));
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod c51;
pub mod dqn;
pub mod iqn;
mod normalizer;
mod objective;
pub mod pqn;
pub mod qr_dqn;
pub mod rainbow;
pub(crate) mod task;
mod update;

pub use c51::C51Config;
pub use dqn::{Dqn, DqnConfig};
pub use iqn::IqnConfig;
pub(crate) use normalizer::{Normalizer, SCALED_ALREADY};
pub use objective::Objective;
pub use pqn::{Pqn, PqnConfig};
pub use qr_dqn::QrDqnConfig;
pub use rainbow::RainbowConfig;
pub use task::TaskSpec;
