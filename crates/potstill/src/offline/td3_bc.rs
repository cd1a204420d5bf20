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
pub type Td3BcSettings = (Td3BcConfig, (Td3Config, (Td3BcShared, OfflineOptimizer)));

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

/// The networks of TD3+BC.
#[derive(Clone, Debug)]
pub struct Td3BcLearner {
    config: Td3Config,
    alpha: f64,
    /// `pi` and `pi'`.
    policy: DeterministicPolicy,
    /// `Q_1`, `Q_2` and `Q'_1`, `Q'_2`.
    critics: Critics<2>,
    /// The stream of the noise on target actions.
    smoothing: Pcg64,
    y: Vec<f32>,
}

snapshot! {
    impl Restorable for Td3BcLearner {
        saved: policy via Flat, critics via Flat, smoothing;
        built: config, alpha, y;
    }
}

impl OfflineLearner for Td3BcLearner {
    type Actions = [f32];
    type Settings = Td3BcSettings;

    fn shared((_, (_, (Td3BcShared(config), _))): &Td3BcSettings) -> &OfflineConfig {
        config
    }

    fn optimizer((_, (_, (_, OfflineOptimizer(optimizer)))): &Td3BcSettings) -> &OptimizerConfig {
        optimizer
    }

    fn critic_ends(task: &TaskSpec) -> Ends {
        critic_ends(task)
    }

    fn new(settings: &Td3BcSettings, task: &TaskSpec) -> Self {
        let (shared, optimizer) = (Self::shared(settings), Self::optimizer(settings));
        let (Td3BcConfig { alpha }, (config, _)) = settings.clone();
        let lag = (config.policy_delay, shared.tau);
        let mut rng = task.streams.stream("initialisation");
        Self {
            policy: DeterministicPolicy::new(&shared.net_arch, optimizer, lag, task, &mut rng),
            critics: Critics::new(shared.critic_arch(), optimizer, Some(lag), task, &mut rng),
            smoothing: task.streams.stream("policy"),
            alpha,
            config,
            y: Vec::new(),
        }
    }

    fn learn(&mut self, batch: &Batch<[f32]>, rates: Rates) -> Result<Measurements, LearnError> {
        let Self { config, alpha, policy, critics, smoothing, y } = self;
        let Td3Config { policy_delay, target_noise, target_noise_clip } = *config;
        let Batch { observations: s, actions: a, returns: r, discounts, next_observations: s_next, .. } =
            batch;
        // a~ = pi'(s') + eps, eps ~ clip(N(0, sigma), -c, c)
        let next_actions = policy.next_actions(s_next);
        smooth(next_actions, target_noise, target_noise_clip, smoothing);
        // y = r + gamma min_i Q'_i(s', a~)
        bellman_values(r, discounts, critics.target_values(s_next, next_actions), y);
        let step = critics.step(rates.critic, batch, y, 1.0)?;
        if critics.updates().is_multiple_of(policy_delay) {
            // max mean lambda Q_1(s, pi(s)) - (pi(s) - a)^2, the square averaged over components
            let beta = r.len() as f64 / a.len() as f64;
            policy.ascend_near(
                rates.policy,
                s,
                critics,
                Anchor { actions: a, count: 1, alpha: *alpha, beta },
            )?;
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
