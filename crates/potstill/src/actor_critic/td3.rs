//! TD3 (Fujimoto, van Hoof and Meger 2018): DDPG with two critics, whose smaller value is the target, targets
//! at smoothed actions, and a policy that is updated less often than its critics.
//!
//! Algorithm 1: act by `a = pi(s) + noise`; sample a minibatch; `a~ = pi'(s') + eps`, with `eps` normal and
//! clipped to `[-c, c]`; `y = r + gamma min_i Q'_i(s', a~)`; regress both critics to `y`; every `d`-th time
//! update the policy along the mean of `grad_a Q_1(s, a) grad pi(s)` at `a = pi(s)`, and move all target
//! networks by `tau`. Off-policy, online, model-free.
//!
//! Differences from the paper:
//! - Batches of 256, where the paper has 100. Its networks of 400-300 and its step size of 0.001 are here;
//!   its published code has had 256-256 and 0.0003 since.
//! - The paper's targets are actions within the environment's bounds; here `target_noise` and its clip are in
//!   units of half the width of the box.
//! - Random actions for `learning_starts` steps, 100 by default; the paper has 10,000 or 1,000.
//! - A truncated episode bootstraps from its true final observation, as in the paper's code.
//!
//! ```
//! use potstill::actor_critic::{Td3, Td3Settings};
//! use potstill::core::Streams;
//! use potstill::deep::TaskSpec;
//! use potstill::env::Space;
//!
//! let action_space = Space::uniform(2, -1.0, 1.0);
//! let task = TaskSpec { action_space, ..TaskSpec::new(3, 2, 1000, Streams::new(1)) };
//! let agent = Td3::new(&Td3Settings::default(), &task)?;
//! // The critics begin apart, and their target networks as they are.
//! let [first, second] = agent.learner().critics();
//! assert!(first != second && first == agent.learner().targets()[1]);
//! # Ok::<(), potstill::experience::ReplayError>(())
//! ```

use super::critics::Critics;
use super::ddpg::DdpgConfig;
use super::deterministic::{Anchor, DeterministicPolicy};
use super::noise::NoiseConfig;
use super::off_policy::{OffPolicy, OffPolicyConfig, OffPolicyLearner, OffPolicyOptimizer, Rates};
use crate::agent::{LearnError, Measurements};
use crate::algorithm::{Algorithm, Builder, DataKind, PolicyKind, Preset, recipe};
use crate::config::settings;
use crate::deep::TaskSpec;
use crate::experience::Batch;
use crate::metrics::catalogue;
use crate::optimizer::OptimizerConfig;
use crate::targets::bellman_values;
use potstill_core::snapshot::Flat;
use potstill_core::{Pcg64, Snapshot, snapshot};
use potstill_nn::{Network, NetworkSpec};

settings! {
    /// The hyperparameters that TD3 has and DDPG has not.
    pub struct Td3Config {
        /// Gradient steps of the critics for each one of the policy and each move of the target networks.
        /// Source: Fujimoto et al. 2018, section 6.1
        policy_delay: u64 = 2, in StepCount;
        /// Standard deviation of the noise on the actions of targets; half the width of the box is 1. Source:
        /// Fujimoto et al. 2018, section 6.1
        target_noise: f64 = 0.2, in NotNegative;
        /// Largest magnitude of that noise. Source: Fujimoto et al. 2018, section 6.1
        target_noise_clip: f64 = 0.5, in NotNegative, needs Above("target_noise", 0);
    }
}

/// All settings of TD3.
pub type Td3Settings = (Td3Config, (DdpgConfig, (NoiseConfig, OffPolicyOptimizer)));

/// The TD3 agent.
pub type Td3 = OffPolicy<Td3Learner>;

/// The descriptor.
pub const ALGORITHM: Algorithm = Algorithm {
    name: "td3",
    family: "actor-critic",
    policy: Some(PolicyKind::Off),
    data: DataKind::Both,
    is_model_based: Some(false),
    summary: "DDPG with twin critics, smoothed targets and a delayed policy, for a box of actions",
    source: "Fujimoto et al. 2018, Algorithm 1",
    file: file!(),
    builder: Builder::Control(|| recipe(Td3::learning)),
    presets: &[
        Preset { name: "zoo", text: include_str!("../../presets/td3-zoo.toml") },
        Preset { name: "cleanrl", text: include_str!("../../presets/td3-cleanrl.toml") },
    ],
    smoke: &[
        "env=Pendulum-v1:max_episode_steps=70 steps=400 net_arch=mlp:8 learning_starts=50 batch_size=16 \
         buffer_size=150 train_freq=3 gradient_steps=0 tau=0.1 policy_delay=3 eval_freq=150 \
         eval_episodes=2",
        "env=MountainCarContinuous-v0:max_episode_steps=60 steps=240 net_arch=mlp:8 learning_starts=60 \
         batch_size=16 buffer_size=200 num_envs=2 target_noise=0.4 learning_rate=0.01 optimizer=rmsprop \
         max_grad_norm=1 noise_type=none eval_freq=0",
    ],
};

/// The networks of TD3.
#[derive(Clone, Debug)]
pub struct Td3Learner {
    config: Td3Config,
    /// `pi` and `pi'`.
    policy: DeterministicPolicy,
    /// `Q_1`, `Q_2` and `Q'_1`, `Q'_2`.
    critics: Critics<2>,
    /// The stream of the noise on target actions.
    smoothing: Pcg64,
    y: Vec<f32>,
}

snapshot! {
    impl Restorable for Td3Learner {
        saved: policy via Flat, critics via Flat, smoothing;
        built: config, y;
    }
}

impl Td3Learner {
    /// Networks of these forms, policy and critics, that have learned nothing; the targets move by `tau`.
    pub(crate) fn of(
        config: Td3Config,
        (policy, critics): (&NetworkSpec, &NetworkSpec),
        tau: f64,
        optimizer: &OptimizerConfig,
        task: &TaskSpec,
    ) -> Self {
        let lag = (config.policy_delay, tau);
        let mut rng = task.streams.stream("initialisation");
        Self {
            policy: DeterministicPolicy::new(policy, optimizer, lag, task, &mut rng),
            critics: Critics::new(critics, optimizer, Some(lag), task, &mut rng),
            smoothing: task.streams.stream("policy"),
            config,
            y: Vec::new(),
        }
    }

    /// An update whose values of next actions `adjust` changes, given those actions, and whose policy stays
    /// near to an anchor, if there is one.
    ///
    /// # Errors
    /// If a loss or a gradient is not finite.
    pub(crate) fn learn_near(
        &mut self,
        batch: &Batch<[f32]>,
        rates: Rates,
        adjust: impl FnOnce(&mut [f32], &[f32]),
        near: Option<Anchor<'_>>,
    ) -> Result<Measurements, LearnError> {
        let Self { config, policy, critics, smoothing, y } = self;
        let Td3Config { policy_delay, target_noise, target_noise_clip } = *config;
        let Batch { observations: s, returns: r, discounts, next_observations: s_next, .. } = batch;
        // a~ = pi'(s') + eps, eps ~ clip(N(0, sigma), -c, c)
        let next_actions = policy.next_actions(s_next);
        smooth(next_actions, target_noise, target_noise_clip, smoothing);
        // y = r + gamma min_i Q'_i(s', a~)
        let next_values = critics.target_values(s_next, next_actions);
        adjust(next_values, next_actions);
        bellman_values(r, discounts, next_values, y);
        // theta_i = argmin 1/N sum (y - Q_i(s, a))^2
        let step = critics.step(rates.critic, batch, y, 1.0)?;
        // If t mod d: grad J = 1/N sum grad_a Q_1(s, a) grad pi(s), a = pi(s)
        if critics.updates().is_multiple_of(policy_delay) {
            match near {
                None => policy.ascend(rates.policy, s, critics)?,
                Some(near) => policy.ascend_near(rates.policy, s, critics, near)?,
            }
        }
        // theta' = tau theta + (1 - tau) theta', on the same steps
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

    /// The outputs of the policy's network.
    pub(crate) fn outputs(&mut self, observations: &[f32]) -> &[f32] {
        self.policy.outputs(observations)
    }

    /// The policy's network: outputs before the hyperbolic tangent.
    pub fn policy_network(&self) -> &Network {
        self.policy.network()
    }

    /// The critics' networks, of a state and an action side by side.
    pub fn critics(&self) -> [&Network; 2] {
        [0, 1].map(|i| self.critics.network(i))
    }

    /// The target networks of the policy and of the critics.
    pub fn targets(&self) -> [&Network; 3] {
        let [first, second] = [0, 1].map(|i| self.critics.target(i).network());
        [self.policy.target().network(), first, second]
    }
}

/// Adds normal noise, clipped, to actions of targets (equation 14), which stay from -1 to 1.
fn smooth(units: &mut [f32], deviation: f64, clip: f64, rng: &mut Pcg64) {
    for unit in units {
        let noise = (deviation * rng.normal()).clamp(-clip, clip);
        *unit = (*unit + noise as f32).clamp(-1.0, 1.0);
    }
}

impl OffPolicyLearner for Td3Learner {
    type Settings = Td3Settings;
    const OUTPUTS: usize = 1;

    fn shared((_, (DdpgConfig(config), _)): &Td3Settings) -> &OffPolicyConfig {
        config
    }

    fn noise((_, (_, (noise, _))): &Td3Settings) -> NoiseConfig {
        noise.clone()
    }

    fn optimizer((_, (_, (_, OffPolicyOptimizer(optimizer)))): &Td3Settings) -> &OptimizerConfig {
        optimizer
    }

    fn new(settings: &Td3Settings, task: &TaskSpec) -> Self {
        let (config, optimizer) = (Self::shared(settings), Self::optimizer(settings));
        Self::of(settings.0.clone(), (&config.net_arch, config.critic_arch()), config.tau, optimizer, task)
    }

    fn act(&mut self, observations: &[f32], _: &mut Pcg64, units: &mut [f32]) {
        self.policy.act(observations, units);
    }

    fn learn(&mut self, batch: &Batch<[f32]>, rates: Rates) -> Result<Measurements, LearnError> {
        self.learn_near(batch, rates, |_, _| {}, None)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smoothed_actions_by_hand() {
        let mut numbers = Pcg64::new(3);
        let z: Vec<f64> = (0..4).map(|_| numbers.normal()).collect();
        let mut units = [0.0, 0.9, -0.9, 0.2];
        let before = units;
        smooth(&mut units, 2.0, 0.5, &mut Pcg64::new(3));
        for ((unit, before), z) in units.iter().zip(before).zip(z) {
            let expected = (f64::from(before) + (2.0 * z).clamp(-0.5, 0.5)).clamp(-1.0, 1.0);
            assert!((f64::from(*unit) - expected).abs() < 1e-6, "{unit} {expected}");
        }
    }
}
