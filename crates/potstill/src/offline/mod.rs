//! Offline learning of networks: from recorded transitions alone, without acting. One paper per file.
//!
//! | algorithm | actions | it stays near the data by |
//! |---|---|---|
//! | [`bc`] | discrete, box | imitation, and nothing else |
//! | [`bcq`] | discrete | actions that the data are likely to have |
//! | [`cql`] | discrete, box | lower values of actions that were not recorded |
//! | [`fqi`] | discrete | nothing: its regressions are value iteration on the data |
//! | [`iql`] | discrete, box | values of recorded actions alone, and weighted imitation |
//! | [`td3_bc`] | box | the distance of the policy from recorded actions |
//! | [`rebrac`] | box | the same distance, in the critics' targets too |
//!
//! DQN, QR-DQN and the other learners from replay learn from recorded transitions too (`--data`), without any care for
//! which actions were recorded: they are the controls. All are trained by an
//! [`OfflineTrainer`](crate::train::OfflineTrainer), whose step is one update.
//!
//! ```
//! use potstill::agent::Agent;
//! use potstill::core::Streams;
//! use potstill::deep::TaskSpec;
//! use potstill::experience::{Steps, Transition};
//! use potstill::offline::{Bc, BcSettings};
//! use potstill::train::{OfflineTrainer, Training};
//!
//! // Action 1 was taken where the observation is positive.
//! let task = TaskSpec { data: Some(2), ..TaskSpec::new(1, 2, 200, Streams::new(1)) };
//! let mut agent = Bc::<usize>::new(&BcSettings::default(), &task)?;
//! for (x, action) in [(-1.0, 0), (1.0, 1)] {
//!     let observation = &[x][..];
//!     agent.store(&Steps::of(&Transition {
//!         observation,
//!         action: &action,
//!         reward: 0.0,
//!         next_observation: observation,
//!         terminated: true,
//!         truncated: false,
//!     })).unwrap();
//! }
//! let mut trainer = OfflineTrainer::new(agent);
//! trainer.run(200, None, &mut ()).unwrap();
//! assert!(trainer.measured().get("train/loss").unwrap() < 0.1);
//! # Ok::<(), potstill::experience::ReplayError>(())
//! ```

pub mod agent;
pub mod bc;
pub mod bcq;
mod choice_critics;
mod control_cql;
pub mod cql;
mod cql_config;
pub mod fqi;
mod imitation;
pub mod iql;
mod learned;
mod near_td3;
pub mod rebrac;
pub mod td3_bc;

pub use agent::{Offline, OfflineActions, OfflineConfig, OfflineLearner, OfflineOptimizer};
pub use bc::{Bc, BcConfig, BcLearner, BcSettings};
pub use bcq::{Bcq, BcqConfig, BcqLearner, BcqSettings};
pub use control_cql::ControlCqlLearner;
pub use cql::{ControlCql, Cql, CqlLearner};
pub use cql_config::{CqlConfig, CqlSettings};
pub use fqi::{Fqi, FqiConfig, FqiLearner, FqiSettings};
pub use iql::{Iql, IqlConfig, IqlLearner, IqlSettings};
pub use rebrac::{Rebrac, RebracConfig, RebracLearner, RebracSettings};
pub use td3_bc::{Td3Bc, Td3BcConfig, Td3BcLearner, Td3BcSettings};

pub(crate) use learned::Learned;
