//! CrossQ (Bhatt et al. 2024): SAC without target networks, whose critics are normalised by batches.
//!
//! Section 3 of "CrossQ: batch normalization in deep reinforcement learning for greater sample efficiency and
//! simplicity": act by `a ~ pi(.|s)`; sample a minibatch; with `a' ~ pi(.|s')` pass `(s, a)` and `(s', a')`
//! through each critic as one batch, so that batch normalisation takes the moments of both; regress the first
//! half to `y = r + gamma (min_i Q_i(s', a') - alpha ln pi(a'|s'))` with the second half as constants; every
//! third time update policy and temperature as in [SAC](super::sac). Critics are wide and learn without a
//! lag, with Adam's first moment at 0.5. Off-policy, online, model-free.
//!
//! `batchrenorm` in `net_arch` and `critic_net_arch` puts batch renormalisation before each layer. Training
//! passes take the moments of their batch; acting, next actions and the critics that the policy ascends take
//! running statistics. Models have them in their weights.
//!
//! Differences from the paper:
//! - Critics of 1024-1024, where the paper has 2048-2048, and random actions for 100 steps, where it has
//!   5,000: SBX, the implementation that goes on from the authors' code.
//! - Batch renormalisation is that of Ioffe 2017; in the authors' code epsilon has a part in the corrections
//!   too, which differs where a variance is near it.
//! - The temperature's logarithm is what descends, with itself as the factor (SBX), with the same `beta1` as
//!   the networks; the authors' has 0.9.
//! - Logarithms of deviations are clamped, from -20 to 2, as in the authors' code.
//! - A truncated episode bootstraps from its true final observation.
//!
//! ```
//! use potstill::actor_critic::{CrossQ, CrossQSettings};
//! use potstill::core::Streams;
//! use potstill::deep::TaskSpec;
//! use potstill::env::Space;
//!
//! let action_space = Space::uniform(2, -1.0, 1.0);
//! let task = TaskSpec { action_space, ..TaskSpec::new(3, 2, 1000, Streams::new(1)) };
//! let agent = CrossQ::new(&CrossQSettings::default(), &task)?;
//! // Running means and variances of the inputs, a state and an action, and of two hidden layers.
//! assert_eq!(agent.learner().critics()[0].statistics().len(), 2 * (5 + 1024 + 1024));
//! assert_eq!(agent.learner().policy_network().spec().to_string(), "mlp:256,256:batchrenorm");
//! # Ok::<(), potstill::experience::ReplayError>(())
//! ```

use super::critics::Critics;
use super::noise::{NoiseConfig, NoiseKind};
use super::off_policy::{OffPolicy, OffPolicyConfig, OffPolicyLearner, Rates};
use super::sac::{SacConfig, Temperature};
use super::stochastic::StochasticPolicy;
use crate::agent::{LearnError, Measurements};
use crate::algorithm::{Algorithm, Builder, DataKind, PolicyKind, Preset, Unused, recipe_without};
use crate::config::{ConfigError, Need, other_defaults, refuse_batch_norm, settings};
use crate::deep::TaskSpec;
use crate::experience::Batch;
use crate::metrics::catalogue;
use crate::optimizer::{InitKind, OptimizerConfig};
use crate::targets::bellman_values;
use potstill_core::snapshot::Flat;
use potstill_core::{Pcg64, snapshot};
use potstill_nn::{Network, NetworkSpec};

settings! {
    /// The hyperparameter that CrossQ has and SAC has not.
    pub struct CrossQConfig {
        /// Gradient steps of the critics for each one of the policy and the temperature. Source: the code of
        /// Bhatt et al. 2024
        policy_delay: u64 = 3, in StepCount;
    }
}

other_defaults! {
    /// The hyperparameters that CrossQ shares with SAC, with SBX's defaults.
    CrossQShared: OffPolicyConfig = OffPolicyConfig {
        learning_rate: 1e-3.into(),
        net_arch: "mlp:256,256:batchrenorm".parse().expect("a network"),
        critic_net_arch: Some("mlp:1024,1024:batchrenorm".parse().expect("a network")),
        ..OffPolicyConfig::default()
    }
}

other_defaults! {
    /// The keys of the optimisers and the initial weights, which are Flax's as in the code of Bhatt et al.
    /// 2024.
    CrossQOptimizer: OptimizerConfig = OptimizerConfig {
        beta1: 0.5,
        initialization: InitKind::LecunNormal,
        max_grad_norm: f64::INFINITY,
        ..OptimizerConfig::default()
    }
}

/// All settings of CrossQ.
pub type CrossQSettings = (CrossQConfig, (SacConfig, (CrossQShared, CrossQOptimizer)));

/// The CrossQ agent.
pub type CrossQ = OffPolicy<CrossQLearner>;

/// The key that the shared agent has for target networks.
const NO_TARGETS: Unused = &[("tau", &[Need::Never("there are no target networks")])];

/// The descriptor.
pub const ALGORITHM: Algorithm = Algorithm {
    name: "crossq",
    family: "actor-critic",
    policy: Some(PolicyKind::Off),
    data: DataKind::Both,
    is_model_based: Some(false),
    summary: "SAC without target networks: wide critics, normalised by batches, for a box of actions",
    source: "Bhatt et al. 2024, section 3",
    file: file!(),
    builder: Builder::Control(|| recipe_without(NO_TARGETS, CrossQ::learning)),
    presets: &[Preset { name: "zoo", text: include_str!("../../presets/crossq-zoo.toml") }],
    smoke: &[
        "env=Pendulum-v1:max_episode_steps=70 steps=400 net_arch=mlp:8:batchrenorm=40 \
         critic_net_arch=mlp:12,8:batchrenorm=100 learning_starts=50 batch_size=16 buffer_size=150 train_freq=4 \
         gradient_steps=3 eval_freq=150 eval_episodes=2",
        "env=MountainCarContinuous-v0:max_episode_steps=60 steps=240 net_arch=mlp:8:layernorm \
         critic_net_arch=mlp:12:tanh:batchrenorm learning_starts=60 batch_size=16 buffer_size=200 num_envs=2 \
         ent_coef=0.1 policy_delay=2 gradient_steps=0 learning_rate=linear:0.01:0:run eval_freq=0",
    ],
};

/// The networks of CrossQ, and its temperature.
#[derive(Clone, Debug)]
pub struct CrossQLearner {
    policy_delay: u64,
    /// `pi`.
    policy: StochasticPolicy,
    /// `Q_1` and `Q_2`.
    critics: Critics<2>,
    temperature: Temperature,
    /// Loss and entropy of the last gradient step of the policy, which are measured until the next.
    actor_loss: f64,
    entropy: f64,
    y: Vec<f32>,
}

snapshot! {
    impl Restorable for CrossQLearner {
        saved: policy via Flat, critics via Flat, temperature via Flat, actor_loss as "policy_loss",
            entropy as "policy_entropy";
        built: policy_delay, y;
    }
}

impl CrossQLearner {
    /// The policy's network, with the heads `mean` and `log_std`.
    pub fn policy_network(&self) -> &Network {
        self.policy.network()
    }

    /// The critics' networks, of a state and an action side by side.
    pub fn critics(&self) -> [&Network; 2] {
        [0, 1].map(|i| self.critics.network(i))
    }

    /// The weight of the entropy.
    pub fn temperature(&self) -> f64 {
        self.temperature.alpha()
    }
}

impl OffPolicyLearner for CrossQLearner {
    type Settings = CrossQSettings;
    const OUTPUTS: usize = 2;
    const JOINT_BATCHES: u64 = 2;

    fn shared((_, (_, (CrossQShared(config), _))): &CrossQSettings) -> &OffPolicyConfig {
        config
    }

    fn noise(_: &CrossQSettings) -> NoiseConfig {
        NoiseConfig { noise_type: NoiseKind::None, ..NoiseConfig::default() }
    }

    fn optimizer((_, (_, (_, CrossQOptimizer(optimizer)))): &CrossQSettings) -> &OptimizerConfig {
        optimizer
    }

    /// Critics without renormalisation would chase themselves; a policy may do without.
    fn check_normalisation(config: &OffPolicyConfig) -> Result<(), ConfigError> {
        let critic = config.critic_arch();
        if critic.batch_renorm.is_none() {
            let batch_renorm = Some(NetworkSpec::WARM_UP);
            let with = NetworkSpec {
                hidden: critic.hidden.clone(),
                activation: critic.activation,
                batch_renorm,
                ..NetworkSpec::mlp(&[])
            };
            let reason = format!(
                "{critic}: crossq has no target networks, and needs critics with batch renormalisation; write {with}"
            );
            return Err(ConfigError::value(config.critic_key(), reason));
        }
        let policy = &config.net_arch;
        if policy.batch_renorm.is_none() {
            return refuse_batch_norm("net_arch", policy);
        }
        if config.batch_size < 2 {
            let reason =
                format!("{policy} is normalised by batches, which needs at least 2 transitions, got 1");
            return Err(ConfigError::value("batch_size", reason));
        }
        Ok(())
    }

    fn check(settings: &CrossQSettings, task: &TaskSpec) -> Result<(), ConfigError> {
        settings.1.0.deviations().check(&Self::shared(settings).net_arch, task)
    }

    fn new(settings: &CrossQSettings, task: &TaskSpec) -> Self {
        let (own, (of_sac, _)) = settings;
        let (config, optimizer) = (Self::shared(settings), Self::optimizer(settings));
        let mut rng = task.streams.stream("initialisation");
        Self {
            policy_delay: own.policy_delay,
            policy: StochasticPolicy::new(
                (&config.net_arch, config.num_envs),
                of_sac.deviations(),
                optimizer,
                task,
                &mut rng,
            ),
            critics: Critics::new(config.critic_arch(), optimizer, None, task, &mut rng),
            temperature: Temperature::new(of_sac, optimizer, task.action_space.features()),
            actor_loss: 0.0,
            entropy: 0.0,
            y: Vec::new(),
        }
    }

    fn act(&mut self, observations: &[f32], rng: &mut Pcg64, units: &mut [f32]) {
        self.policy.act(observations, rng, units);
    }

    fn learn(&mut self, batch: &Batch<[f32]>, rates: Rates) -> Result<Measurements, LearnError> {
        let Self { policy_delay, policy, critics, temperature, actor_loss, entropy, y } = self;
        policy.end_rollout();
        let Batch { observations: s, returns: r, discounts, next_observations: s_next, .. } = batch;
        let alpha = temperature.alpha();
        // [Q_i(s, a), Q_i(s', a')] = Q_i([s, s'], [a, a']), a' ~ pi(.|s')
        let (next_actions, log_probs) = policy.draw_next(s_next);
        let values = critics.joint_values(batch, next_actions);
        // y = r + gamma (min_i Q_i(s', a') - alpha ln pi(a'|s'))
        values.iter_mut().zip(log_probs).for_each(|(v, log_prob)| *v -= alpha as f32 * log_prob);
        bellman_values(r, discounts, values, y);
        // J_Q = 1/2 sum_i mean (Q_i(s, a) - y)^2
        let step = critics.joint_step(rates.critic, batch, y, 0.5)?;
        // If t mod d: J_pi = mean (alpha ln pi(a|s) - min_i Q_i(s, a)), a ~ pi(.|s), and the temperature
        if critics.updates().is_multiple_of(*policy_delay) {
            let mean_log_prob = policy.draw(s);
            *actor_loss = policy.ascend(rates.policy, alpha, s, critics)?;
            *entropy = -mean_log_prob;
            temperature.step(rates.critic, mean_log_prob)?;
        }
        let measured = Measurements::of(catalogue::CRITIC_LOSS, step.loss)
            .with(catalogue::Q_VALUES, step.mean_value)
            .with(catalogue::ENT_COEF, alpha)
            .with(catalogue::GRADIENT_NORM, step.gradient_norm);
        Ok(match critics.updates() < *policy_delay {
            true => measured,
            false => measured.with(catalogue::ACTOR_LOSS, *actor_loss).with(catalogue::ENTROPY, *entropy),
        })
    }

    fn updates(&self) -> u64 {
        self.critics.updates()
    }

    fn lag(&self) -> Option<(u64, f64)> {
        self.critics.lag()
    }

    fn policy(&self) -> Network {
        self.policy.deterministic()
    }

    fn copy_policy(&mut self, policy: &Network) -> Result<(), String> {
        self.policy.copy_deterministic(policy)
    }
}
