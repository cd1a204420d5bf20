//! TD3+BC (Fujimoto and Gu 2021): TD3 from recorded transitions, whose policy stays near to the recorded actions.
//!
//! Section 4: the critics are TD3's; the policy follows the mean of `lambda Q_1(s, pi(s)) - (pi(s) - a)^2` (equation 3),
//! with `lambda = alpha / mean |Q_1(s, pi(s))|` (equation 5); observations are scaled by the mean and the standard deviation
//! of the data. Off-policy, offline, model-free.
//!
//! Differences from the paper: the mean of `|Q_1|` is over the actions of the policy, as in its code.
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::deep::TaskSpec;
//! use potstill::env::Space;
//! use potstill::offline::{OfflineLearner, Td3BcLearner, Td3BcSettings};
//!
//! let action_space = Space::uniform(2, -1.0, 1.0);
//! let task = TaskSpec { action_space, ..TaskSpec::new(3, 2, 1000, Streams::new(1)) };
//! let learner = Td3BcLearner::new(&Td3BcSettings::default(), &task);
//! // A number for each component of the action.
//! assert_eq!(learner.policy().outputs(), 2);
//! ```

use super::agent::{Offline, OfflineConfig, OfflineLearner};
use super::near_td3::{NearTd3, Nearness};
use crate::actor_critic::deterministic::Anchor;
use crate::algorithm::{Algorithm, Builder, DataKind, PolicyKind, recipe};
use crate::config::{other_defaults, settings};
use crate::experience::Batch;

settings! {
    /// The hyperparameters of TD3+BC, beside TD3's.
    pub struct Td3BcConfig {
        /// Weight of the value against the distance from recorded actions. Source: Fujimoto and Gu 2021, section 5
        alpha: f64 = 2.5, in NotNegative;
    }
}

other_defaults! {
    /// The shared keys, with observations that are scaled by the data.
    Td3BcShared: OfflineConfig = OfflineConfig { normalize_observations: true, ..OfflineConfig::default() }
}

/// All settings of TD3+BC.
pub type Td3BcSettings = <Td3BcLearner as OfflineLearner>::Settings;

/// The networks of TD3+BC.
pub type Td3BcLearner = NearTd3<Td3BcConfig>;

/// The TD3+BC agent.
pub type Td3Bc = Offline<Td3BcLearner>;

/// The descriptor.
pub const ALGORITHM: Algorithm = Algorithm {
    name: "td3-bc",
    family: "offline",
    policy: Some(PolicyKind::Off),
    data: DataKind::Offline,
    is_model_based: Some(false),
    summary: "TD3 whose policy stays near to recorded actions, for a box of actions",
    source: "Fujimoto and Gu 2021, section 4",
    file: file!(),
    builder: Builder::Control(|| recipe(Td3Bc::learning)),
    presets: &[],
    smoke: &[
        "env=Pendulum-v1:max_episode_steps=70 data=random:400 steps=300 net_arch=mlp:8 batch_size=16 \
         eval_freq=100 eval_episodes=2",
        "env=MountainCarContinuous-v0 data=random:1200 steps=150 net_arch=mlp:8 batch_size=16 eval_freq=0 \
         normalize_observations=false policy_delay=3 alpha=1 max_grad_norm=1",
    ],
};

impl Nearness for Td3BcConfig {
    type Shared = Td3BcShared;
    const NEEDS_NEXT_ACTIONS: bool = false;

    fn shared(Td3BcShared(shared): &Td3BcShared) -> &OfflineConfig {
        shared
    }

    /// `lambda Q_1(s, pi(s)) - (pi(s) - a)^2`, the square averaged over components.
    fn anchor<'a>(&self, batch: &'a Batch<[f32]>) -> Anchor<'a> {
        let beta = batch.returns.len() as f64 / batch.actions.len() as f64;
        Anchor { actions: &batch.actions, count: 1, alpha: self.alpha, beta }
    }
}
