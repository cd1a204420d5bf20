//! Policy gradient: a policy that is learned itself, with a critic beside it. One paper per file.
//!
//! - On-policy, [A2C](a2c) and [PPO](ppo) learn from what the policy has just done: a softmax over choices,
//!   or a normal distribution over the numbers of a box, which draws its actions while learning.
//! - Off-policy, [DDPG](ddpg), [TD3](td3), [SAC](sac) and [CrossQ](crossq) learn from replay, for actions of
//!   a bounded box alone: the policy follows the gradient of its critics, which take the action as an input.
//!
//! The model that is evaluated and exported takes the most probable action, or the mean.
//!
//! ```
//! use potstill::actor_critic::{Ppo, PpoConfig, PpoOptimizer};
//! use potstill::core::Streams;
//! use potstill::deep::TaskSpec;
//! use potstill::env::{Autoreset, registry::find};
//! use potstill::train::{Training, VecTrainer};
//!
//! let config = PpoConfig { num_envs: 8, n_steps: 32, batch_size: 64, n_epochs: 4, ..PpoConfig::default() };
//! let streams = Streams::new(1);
//! let agent = Ppo::<usize>::new((config, PpoOptimizer::default().0), &TaskSpec::new(4, 2, 2048, streams));
//! let envs = find("CartPole-v1")?.make_vec_features(8, Autoreset::SameStep).unwrap();
//! let mut trainer = VecTrainer::new(agent, envs, streams);
//! while trainer.steps() < 2048 {
//!     trainer.advance().unwrap();
//! }
//! assert!(trainer.measured().iter().all(|(_, x)| x.is_finite()));
//! # Ok::<(), potstill::env::EnvError>(())
//! ```

pub mod a2c;
mod actions;
pub(crate) mod critics;
pub mod crossq;
pub mod ddpg;
pub(crate) mod deterministic;
mod networks;
mod noise;
mod normalization;
pub mod off_policy;
pub mod one_step;
pub(crate) mod positive;
pub mod ppo;
pub mod reinforce;
mod rollout;
pub mod sac;
mod state_noise;
pub(crate) mod stochastic;
pub mod td3;
mod trunk;

pub use a2c::{A2c, A2cConfig, A2cOptimizer};
pub use actions::{DistributionGradients, Distributions, PolicyActions};
pub use crossq::{CrossQ, CrossQConfig, CrossQOptimizer, CrossQSettings, CrossQShared};
pub use ddpg::{Ddpg, DdpgConfig, DdpgSettings};
pub use noise::{NoiseConfig, NoiseKind};
pub use off_policy::{OffPolicy, OffPolicyConfig, OffPolicyLearner, OffPolicyOptimizer, TrainUnit};
pub use one_step::{OneStepActorCritic, OneStepConfig};
pub use ppo::{Ppo, PpoConfig, PpoOptimizer};
pub use reinforce::{Reinforce, ReinforceConfig, ReinforceOptimizer};
pub use sac::{Sac, SacConfig, SacSettings};
pub use td3::{Td3, Td3Config, Td3Settings};
