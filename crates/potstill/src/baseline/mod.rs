//! Policies that do not learn, as baselines for learners.
//!
//! ```
//! use potstill::baseline::RandomLinear;
//! use potstill::core::Streams;
//! use potstill::env::registry::find;
//! use potstill::train::{Trainer, Training};
//!
//! let streams = Streams::new(1);
//! let env = find("Pendulum-v1").unwrap().make_control().unwrap();
//! let agent = RandomLinear::new(3, &potstill::env::Env::action_space(&env), streams);
//! let mut trainer = Trainer::new(agent, env, streams);
//! trainer.run(400, None, &mut ())?;
//! assert_eq!(trainer.episodes(), 2);
//! # Ok::<(), potstill::train::TrainError>(())
//! ```

pub mod random_linear;

pub use random_linear::{RandomLinear, RandomLinearConfig};
