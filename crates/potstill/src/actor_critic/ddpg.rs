//! DDPG (Lillicrap et al. 2016): a deterministic policy that follows the gradient of a learned action value,
//! with replay and target networks.
//!
//! Algorithm 1: act by `a = mu(s) + noise`; store the transition; sample a minibatch from the replay; regress
//! `Q(s, a)` to `y = r + gamma Q'(s', mu'(s'))`, `y = r` after a terminal state; update the policy along the
//! mean of `grad_a Q(s, a) grad_theta mu(s)` at `a = mu(s)`; `theta' = tau theta + (1 - tau) theta'` for both
//! target networks. Off-policy, online, model-free.
//!
//! Differences from the paper:
//! - Normal noise by default instead of a process of Ornstein and Uhlenbeck, which is `noise_type=ou`. With
//!   the paper's step of time, `ou_dt=1`, its deviation is `noise_std=0.2`.
//! - One step size, no penalty of the critic's weights, no batch normalisation, and PyTorch's initial
//!   weights: networks and values of Stable-Baselines3. The paper's critic takes the action in at its second
//!   layer.
//! - Random actions for `learning_starts` steps, without noise on them.
//! - A truncated episode bootstraps from its true final observation.
//!
//! ```
//! use potstill::actor_critic::{Ddpg, DdpgSettings};
//! use potstill::core::Streams;
//! use potstill::deep::TaskSpec;
//! use potstill::env::Space;
//!
//! let action_space = Space::uniform(2, -1.0, 1.0);
//! let task = TaskSpec { action_space, ..TaskSpec::new(3, 2, 1000, Streams::new(1)) };
//! let agent = Ddpg::new(&DdpgSettings::default(), &task)?;
//! // 3 features; then as many numbers as an action has.
//! assert_eq!(agent.learner().policy_network().outputs(), 2);
//! assert_eq!(agent.learner().critic().inputs(), 5);
//! # Ok::<(), potstill::experience::ReplayError>(())
//! ```

use super::critics::Critics;
use super::deterministic::DeterministicPolicy;
use super::noise::NoiseConfig;
use super::off_policy::{OffPolicy, OffPolicyConfig, OffPolicyLearner, OffPolicyOptimizer, Rates};
use crate::agent::{LearnError, Measurements};
use crate::algorithm::{Algorithm, Builder, DataKind, PolicyKind, Preset, recipe};
use crate::config::other_defaults;
use crate::deep::TaskSpec;
use crate::experience::Batch;
use crate::metrics::catalogue;
use crate::optimizer::OptimizerConfig;
use crate::targets::bellman_values;
use potstill_core::snapshot::Flat;
use potstill_core::{Pcg64, Snapshot, snapshot};
use potstill_nn::{Network, NetworkSpec};

other_defaults! {
    /// The hyperparameters of DDPG and those that TD3 shares with it, with Stable-Baselines3's defaults.
    DdpgConfig: OffPolicyConfig = OffPolicyConfig {
        learning_rate: 1e-3.into(),
        net_arch: "mlp:400,300".parse().expect("a network"),
        ..OffPolicyConfig::default()
    }
}

/// All settings of DDPG.
pub type DdpgSettings = (DdpgConfig, (NoiseConfig, OffPolicyOptimizer));

/// The DDPG agent.
pub type Ddpg = OffPolicy<DdpgLearner>;

/// The descriptor.
pub const ALGORITHM: Algorithm = Algorithm {
    name: "ddpg",
    family: "actor-critic",
    policy: Some(PolicyKind::Off),
    data: DataKind::Both,
    is_model_based: Some(false),
    summary: "a deterministic policy that follows the gradient of its critic, for a box of actions",
    source: "Lillicrap et al. 2016, Algorithm 1",
    file: file!(),
    builder: Builder::Control(|| recipe(Ddpg::learning)),
    presets: &[
        Preset { name: "zoo", text: include_str!("../../presets/ddpg-zoo.toml") },
        Preset { name: "cleanrl", text: include_str!("../../presets/ddpg-cleanrl.toml") },
    ],
    smoke: &[
        "env=Pendulum-v1:max_episode_steps=70 steps=400 net_arch=mlp:8 learning_starts=50 batch_size=16 \
         buffer_size=150 train_freq=4 gradient_steps=2 tau=0.1 eval_freq=150 eval_episodes=2",
        "env=MountainCarContinuous-v0:max_episode_steps=60 steps=300 net_arch=mlp:8:tanh \
         critic_net_arch=mlp:12:layernorm learning_starts=60 batch_size=16 buffer_size=200 num_envs=3 \
         train_freq=1 train_freq_unit=episode gradient_steps=5 noise_type=ou noise_std=0.5 \
         critic_learning_rate=linear:0.01:0:run eval_freq=0",
    ],
};

/// The networks of DDPG.
#[derive(Clone, Debug)]
pub struct DdpgLearner {
    /// `mu` and `mu'`.
    policy: DeterministicPolicy,
    /// `Q` and `Q'`.
    critics: Critics<1>,
    y: Vec<f32>,
}

snapshot! {
    impl Restorable for DdpgLearner {
        saved: policy via Flat, critics via Flat;
        built: y;
    }
}

impl DdpgLearner {
    /// The policy's network: outputs before the hyperbolic tangent.
    pub fn policy_network(&self) -> &Network {
        self.policy.network()
    }

    /// The critic's network, of a state and an action side by side.
    pub fn critic(&self) -> &Network {
        self.critics.network(0)
    }

    /// The target networks of policy and critic.
    pub fn targets(&self) -> [&Network; 2] {
        [self.policy.target().network(), self.critics.target(0).network()]
    }
}

impl OffPolicyLearner for DdpgLearner {
    type Settings = DdpgSettings;
    const OUTPUTS: usize = 1;

    fn shared((DdpgConfig(config), _): &DdpgSettings) -> &OffPolicyConfig {
        config
    }

    fn noise((_, (noise, _)): &DdpgSettings) -> NoiseConfig {
        noise.clone()
    }

    fn optimizer((_, (_, OffPolicyOptimizer(optimizer))): &DdpgSettings) -> &OptimizerConfig {
        optimizer
    }

    fn new(settings: &DdpgSettings, task: &TaskSpec) -> Self {
        let (config, optimizer) = (Self::shared(settings), Self::optimizer(settings));
        let (lag, mut rng) = ((1, config.tau), task.streams.stream("initialisation"));
        Self {
            policy: DeterministicPolicy::new(&config.net_arch, optimizer, lag, task, &mut rng),
            critics: Critics::new(config.critic_arch(), optimizer, Some(lag), task, &mut rng),
            y: Vec::new(),
        }
    }

    fn act(&mut self, observations: &[f32], _: &mut Pcg64, units: &mut [f32]) {
        self.policy.act(observations, units);
    }

    /// Lines 12 to 16 of Algorithm 1.
    fn learn(&mut self, batch: &Batch<[f32]>, rates: Rates) -> Result<Measurements, LearnError> {
        let Self { policy, critics, y } = self;
        let Batch { observations: s, returns: r, discounts, next_observations: s_next, .. } = batch;
        // y = r + gamma Q'(s', mu'(s'))
        let next_values = critics.target_values(s_next, policy.next_actions(s_next));
        bellman_values(r, discounts, next_values, y);
        // L = 1/N sum (y - Q(s, a))^2
        let step = critics.step(rates.critic, batch, y, 1.0)?;
        // grad J = 1/N sum grad_a Q(s, a) grad mu(s), a = mu(s)
        policy.ascend(rates.policy, s, critics)?;
        // theta' = tau theta + (1 - tau) theta'
        critics.tick();
        policy.tick();
        Ok(Measurements::of(catalogue::CRITIC_LOSS, step.loss)
            .with(catalogue::ACTOR_LOSS, policy.loss().unwrap_or_default())
            .with(catalogue::Q_VALUES, step.mean_value)
            .with(catalogue::GRADIENT_NORM, step.gradient_norm))
    }

    fn updates(&self) -> u64 {
        self.critics.updates()
    }

    fn lag(&self) -> Option<(u64, f64)> {
        self.critics.lag()
    }

    fn policy(&self) -> Network {
        self.policy.network().clone()
    }

    fn copy_policy(&mut self, policy: &Network) -> Result<(), String> {
        self.policy.copy_from(policy);
        Ok(())
    }

    fn take_over_critics(&mut self, saved: &Snapshot, spec: &NetworkSpec) -> bool {
        self.critics.take_over(saved, spec)
    }
}
