//! ReBRAC (Tarasov, Kurenkov, Nikulin and Kolesnikov 2023): TD3+BC with the distance from recorded actions in the critics' targets too,
//! and deeper, normalised networks.
//!
//! Equations 2 and 3: `y = r + gamma (min_i Q'_i(s', a~) - beta_2 |a~ - a'_recorded|^2)`, where `a'_recorded` was taken after the
//! transition; the policy follows the mean of `lambda min_i Q_i(s, pi(s)) - beta_1 |pi(s) - a|^2`, with `lambda = 1 / mean |min_i
//! Q_i(s, pi(s))|`. Off-policy, offline, model-free.
//!
//! Differences from the paper: where an episode was cut off, no action was recorded after its last transition, and
//! the target has no penalty.
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::deep::TaskSpec;
//! use potstill::env::Space;
//! use potstill::offline::{OfflineLearner, RebracLearner, RebracSettings};
//!
//! let action_space = Space::uniform(2, -1.0, 1.0);
//! let task = TaskSpec { action_space, ..TaskSpec::new(3, 2, 1000, Streams::new(1)) };
//! let learner = RebracLearner::new(&RebracSettings::default(), &task);
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
    /// The hyperparameters of ReBRAC, beside TD3's.
    pub struct RebracConfig {
        /// Weight of the distance from recorded actions in the policy's loss, which the paper tunes for each data set.
        /// Source: Tarasov et al. 2023, appendix
        actor_bc: f64 = 0.01, in NotNegative;
        /// Weight of the distance in the critics' targets, which the paper tunes for each data set. Source: Tarasov et
        /// al. 2023, appendix
        critic_bc: f64 = 0.01, in NotNegative;
    }
}

other_defaults! {
    /// The shared keys with the networks, the step size and the batches of the paper.
    RebracShared: OfflineConfig = OfflineConfig {
        learning_rate: 1e-3.into(),
        batch_size: 1024,
        net_arch: "mlp:256,256,256".parse().expect("a network"),
        critic_net_arch: Some("mlp:256,256,256:layernorm".parse().expect("a network")),
        ..OfflineConfig::default()
    }
}

/// All settings of ReBRAC.
pub type RebracSettings = <RebracLearner as OfflineLearner>::Settings;

/// The networks of ReBRAC.
pub type RebracLearner = NearTd3<RebracConfig>;

/// The ReBRAC agent.
pub type Rebrac = Offline<RebracLearner>;

/// The descriptor.
pub const ALGORITHM: Algorithm = Algorithm {
    name: "rebrac",
    family: "offline",
    policy: Some(PolicyKind::Off),
    data: DataKind::Offline,
    is_model_based: Some(false),
    summary: "TD3+BC that stays near to recorded actions in its targets too, for a box of actions",
    source: "Tarasov et al. 2023, equations 2 and 3",
    file: file!(),
    builder: Builder::Control(|| recipe(Rebrac::learning)),
    presets: &[],
    smoke: &["env=Pendulum-v1:max_episode_steps=70 data=random:400 steps=300 net_arch=mlp:8 \
         critic_net_arch=mlp:8:layernorm batch_size=16 eval_freq=100 eval_episodes=2 actor_bc=0.1 critic_bc=0.2"],
};

impl Nearness for RebracConfig {
    type Shared = RebracShared;
    const NEEDS_NEXT_ACTIONS: bool = true;

    fn shared(RebracShared(shared): &RebracShared) -> &OfflineConfig {
        shared
    }

    /// `lambda min_i Q_i(s, pi(s)) - beta_1 |pi(s) - a|^2`.
    fn anchor<'a>(&self, batch: &'a Batch<[f32]>) -> Anchor<'a> {
        Anchor { actions: &batch.actions, count: 2, alpha: 1.0, beta: self.actor_bc }
    }

    /// `min_i Q'_i(s', a~) - beta_2 |a~ - a'|^2`, where an action `a'` was recorded.
    fn penalise(&self, values: &mut [f32], next_actions: &[f32], batch: &Batch<[f32]>) {
        let width = next_actions.len() / values.len();
        let pairs = next_actions.chunks_exact(width).zip(batch.next_actions.chunks_exact(width));
        for ((value, (own, recorded)), has) in values.iter_mut().zip(pairs).zip(&batch.has_next_action) {
            if *has {
                let distance: f64 =
                    own.iter().zip(recorded).map(|(a, b)| f64::from(a - b) * f64::from(a - b)).sum();
                *value -= (self.critic_bc * distance) as f32;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_penalised_where_an_action_was_recorded() {
        let mut batch = Batch::<[f32]>::default();
        batch.next_actions = vec![0.5, -0.5, 0.25, 0.75];
        batch.has_next_action = vec![true, false];
        let mut values = [1.0, 2.0];
        // |(-0.5, 0.5)|^2 = 0.5, a tenth of it.
        let config = RebracConfig { critic_bc: 0.1, ..RebracConfig::default() };
        config.penalise(&mut values, &[0.0, 0.0, 1.0, -1.0], &batch);
        assert_eq!(values, [0.95, 2.0]);
    }
}
