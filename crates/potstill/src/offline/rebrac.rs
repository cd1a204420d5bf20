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

use super::agent::{Offline, OfflineConfig, OfflineLearner, OfflineOptimizer};
use crate::actor_critic::critics::{Critics, critic_ends};
use crate::actor_critic::deterministic::{Anchor, DeterministicPolicy};
use crate::actor_critic::off_policy::Rates;
use crate::actor_critic::td3::{Td3Config, smooth};
use crate::agent::{LearnError, Measurements};
use crate::algorithm::{Algorithm, Builder, DataKind, PolicyKind, recipe};
use crate::config::{other_defaults, settings};
use crate::deep::TaskSpec;
use crate::experience::Batch;
use crate::metrics::catalogue;
use crate::optimizer::OptimizerConfig;
use crate::targets::bellman_values;
use potstill_core::snapshot::Flat;
use potstill_core::{Pcg64, snapshot};
use potstill_nn::{Ends, Network};

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
pub type RebracSettings = (RebracConfig, (Td3Config, (RebracShared, OfflineOptimizer)));

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

/// The networks of ReBRAC.
#[derive(Clone, Debug)]
pub struct RebracLearner {
    config: Td3Config,
    own: RebracConfig,
    /// `pi` and `pi'`.
    policy: DeterministicPolicy,
    /// `Q_1`, `Q_2` and `Q'_1`, `Q'_2`.
    critics: Critics<2>,
    /// The stream of the noise on target actions.
    smoothing: Pcg64,
    y: Vec<f32>,
}

snapshot! {
    impl Restorable for RebracLearner {
        saved: policy via Flat, critics via Flat, smoothing;
        built: config, own, y;
    }
}

/// Subtracts `beta |a~ - a'|^2` from the values of next actions, where an action `a'` was recorded.
fn penalise(values: &mut [f32], beta: f64, next_actions: &[f32], batch: &Batch<[f32]>) {
    let width = next_actions.len() / values.len();
    let pairs = next_actions.chunks_exact(width).zip(batch.next_actions.chunks_exact(width));
    for ((value, (own, recorded)), has) in values.iter_mut().zip(pairs).zip(&batch.has_next_action) {
        if *has {
            let distance: f64 =
                own.iter().zip(recorded).map(|(a, b)| f64::from(a - b) * f64::from(a - b)).sum();
            *value -= (beta * distance) as f32;
        }
    }
}

impl OfflineLearner for RebracLearner {
    type Actions = [f32];
    type Settings = RebracSettings;
    const NEEDS_NEXT_ACTIONS: bool = true;

    fn shared((_, (_, (RebracShared(config), _))): &RebracSettings) -> &OfflineConfig {
        config
    }

    fn optimizer((_, (_, (_, OfflineOptimizer(optimizer)))): &RebracSettings) -> &OptimizerConfig {
        optimizer
    }

    fn critic_ends(task: &TaskSpec) -> Ends {
        critic_ends(task)
    }

    fn new(settings: &RebracSettings, task: &TaskSpec) -> Self {
        let (shared, optimizer) = (Self::shared(settings), Self::optimizer(settings));
        let (own, (config, _)) = settings.clone();
        let lag = (config.policy_delay, shared.tau);
        let mut rng = task.streams.stream("initialisation");
        Self {
            policy: DeterministicPolicy::new(&shared.net_arch, optimizer, lag, task, &mut rng),
            critics: Critics::new(shared.critic_arch(), optimizer, Some(lag), task, &mut rng),
            smoothing: task.streams.stream("policy"),
            own,
            config,
            y: Vec::new(),
        }
    }

    fn learn(&mut self, batch: &Batch<[f32]>, rates: Rates) -> Result<Measurements, LearnError> {
        let Self { config, own, policy, critics, smoothing, y } = self;
        let Td3Config { policy_delay, target_noise, target_noise_clip } = *config;
        let Batch { observations: s, actions: a, returns: r, discounts, next_observations: s_next, .. } =
            batch;
        // a~ = pi'(s') + eps, eps ~ clip(N(0, sigma), -c, c)
        let next_actions = policy.next_actions(s_next);
        smooth(next_actions, target_noise, target_noise_clip, smoothing);
        // y = r + gamma (min_i Q'_i(s', a~) - beta_2 |a~ - a'|^2)
        let values = critics.target_values(s_next, next_actions);
        penalise(values, own.critic_bc, next_actions, batch);
        bellman_values(r, discounts, values, y);
        let step = critics.step(rates.critic, batch, y, 1.0)?;
        if critics.updates().is_multiple_of(policy_delay) {
            // max mean lambda min_i Q_i(s, pi(s)) - beta_1 |pi(s) - a|^2
            let near = Anchor { actions: a, count: 2, alpha: 1.0, beta: own.actor_bc };
            policy.ascend_near(rates.policy, s, critics, near)?;
        }
        critics.tick();
        policy.tick();
        let measured = Measurements::of(catalogue::CRITIC_LOSS, step.loss)
            .with(catalogue::Q_VALUES, step.mean_value)
            .with(catalogue::GRADIENT_NORM, step.gradient_norm);
        Ok(match policy.loss() {
            Some(loss) => measured.with(catalogue::ACTOR_LOSS, loss),
            None => measured,
        })
    }

    fn outputs(&mut self, observations: &[f32]) -> &[f32] {
        self.policy.outputs(observations)
    }

    fn policy(&self) -> Network {
        self.policy.network().clone()
    }

    fn copy_policy(&mut self, policy: &Network) {
        self.policy.copy_from(policy);
    }

    fn updates(&self) -> u64 {
        self.critics.updates()
    }

    fn lag(&self) -> Option<(u64, f64)> {
        self.critics.lag()
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
        penalise(&mut values, 0.1, &[0.0, 0.0, 1.0, -1.0], &batch);
        assert_eq!(values, [0.95, 2.0]);
    }
}
