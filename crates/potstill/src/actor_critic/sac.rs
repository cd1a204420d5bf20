//! SAC (Haarnoja et al. 2018): a stochastic policy that maximises the value of its actions and its own
//! entropy, with twin critics and a temperature that is learned.
//!
//! Algorithm 1 of "Soft actor-critic algorithms and applications": act by `a ~ pi(.|s)`, the hyperbolic
//! tangent of a normal number; sample a minibatch; with `a' ~ pi(.|s')` regress both critics to
//! `y = r + gamma (min_i Q'_i(s', a') - alpha ln pi(a'|s'))` (equations 5 and 6); update the policy along
//! `alpha ln pi(a|s) - min_i Q_i(s, a)` with `a` drawn as a function of noise (equation 9); update the
//! temperature `alpha` along `-alpha (ln pi(a|s) + H)` with the target entropy `H` (equation 18); move the
//! target networks by `tau`. Off-policy, online, model-free.
//!
//! Differences from the paper:
//! - The temperature's logarithm is what descends, with itself as the factor in place of `alpha`, and its
//!   step comes first; the losses have the temperature before it, and the policy meets the critics after
//!   theirs: Stable-Baselines3.
//! - Logarithms of deviations are clamped, from -20 to 2, as in the paper's code.
//! - The density is that of actions from -1 to 1, whatever the box: the scale would add a constant to every
//!   entropy.
//! - Random actions for `learning_starts` steps.
//! - With `use_sde` noise depends on the state (Raffin et al. 2022): deviations are those of a random function of
//!   the last hidden layer, and features learn through them too. Stable-Baselines3 also limits means to 2, which
//!   is not done here, and draws `a` and `a'` by one function, here by two.
//! - A truncated episode bootstraps from its true final observation.
//!
//! ```
//! use potstill::actor_critic::{Sac, SacSettings};
//! use potstill::core::Streams;
//! use potstill::deep::TaskSpec;
//! use potstill::env::Space;
//!
//! let action_space = Space::uniform(2, -1.0, 1.0);
//! let task = TaskSpec { action_space, ..TaskSpec::new(3, 2, 1000, Streams::new(1)) };
//! let agent = Sac::new(&SacSettings::default(), &task)?;
//! // A mean and a deviation for each component; the temperature begins as 1.
//! assert_eq!(agent.learner().policy_network().outputs(), 4);
//! assert_eq!(agent.learner().temperature(), 1.0);
//! # Ok::<(), potstill::experience::ReplayError>(())
//! ```

use super::critics::Critics;
use super::noise::{NoiseConfig, NoiseKind};
use super::off_policy::{OffPolicy, OffPolicyConfig, OffPolicyLearner, OffPolicyOptimizer, Rates};
use super::positive::Positive;
use super::state_noise::Deviations;
use super::stochastic::StochasticPolicy;
use crate::agent::{LearnError, Measurements, not_finite};
use crate::algorithm::{Algorithm, Builder, DataKind, PolicyKind, Preset, recipe};
use crate::config::{Auto, ConfigError, settings};
use crate::deep::TaskSpec;
use crate::experience::Batch;
use crate::metrics::catalogue;
use crate::optimizer::OptimizerConfig;
use crate::targets::bellman_values;
use potstill_core::snapshot::Flat;
use potstill_core::{Pcg64, Snapshot, snapshot};
use potstill_nn::{Network, NetworkSpec};

settings! {
    /// The hyperparameters of SAC beside those that all learners from replay share.
    pub struct SacConfig {
        /// Temperature: the weight of the entropy; auto learns it. Source: Haarnoja et al. 2018b, section 5
        ent_coef: Auto = Auto::Auto, in NotNegative;
        /// Temperature at the start. Source: Stable-Baselines3
        ent_coef_init: f64 = 1.0, in Positive, needs Is("ent_coef", &["auto"]);
        /// Entropy that the temperature is to hold, in nats, of actions from -1 to 1; auto is minus the
        /// number of components of an action. Source: Haarnoja et al. 2018b, appendix D
        target_entropy: Auto = Auto::Auto, in Finite, needs Is("ent_coef", &["auto"]);
        /// Explores by noise that is a random linear function of the activations of the policy's last hidden
        /// layer (gSDE), the same between updates, in place of noise that is independent in each step. Source:
        /// Raffin et al. 2022
        use_sde: bool = false, in Any;
        /// Steps of each copy after which that function is drawn anew between updates too. Source: Raffin et
        /// al. 2022, section 3
        sde_sample_freq: Option<u64> = None, in AtLeastOne, needs Is("use_sde", &["true"]);
        /// Logarithm of the initial standard deviation of that function's weights. Source: Stable-Baselines3
        log_std_init: f64 = -3.0, in LogDeviation, needs Is("use_sde", &["true"]);
    }
}

impl SacConfig {
    pub(crate) fn deviations(&self) -> Deviations {
        Deviations::new(self.log_std_init, self.use_sde, self.sde_sample_freq)
    }
}

/// All settings of SAC.
pub type SacSettings = (SacConfig, (OffPolicyConfig, OffPolicyOptimizer));

/// The SAC agent.
pub type Sac = OffPolicy<SacLearner>;

/// The descriptor.
pub const ALGORITHM: Algorithm = Algorithm {
    name: "sac",
    family: "actor-critic",
    policy: Some(PolicyKind::Off),
    data: DataKind::Both,
    is_model_based: Some(false),
    summary: "soft actor-critic: a stochastic policy of high entropy with twin critics, for a box of actions",
    source: "Haarnoja et al. 2018, 2018b, Algorithm 1",
    file: file!(),
    builder: Builder::Control(|| recipe(Sac::learning)),
    presets: &[
        Preset { name: "zoo", text: include_str!("../../presets/sac-zoo.toml") },
        Preset { name: "cleanrl", text: include_str!("../../presets/sac-cleanrl.toml") },
    ],
    smoke: &[
        "env=Pendulum-v1:max_episode_steps=70 steps=400 net_arch=mlp:8 learning_starts=50 batch_size=16 \
         buffer_size=150 train_freq=4 gradient_steps=2 tau=0.1 eval_freq=150 eval_episodes=2",
        "env=MountainCarContinuous-v0:max_episode_steps=60 steps=240 net_arch=mlp:8:layernorm \
         critic_net_arch=mlp:12 learning_starts=60 batch_size=16 buffer_size=200 num_envs=2 ent_coef=0.1 \
         gradient_steps=0 learning_rate=linear:0.01:0:run eval_freq=0",
        "env=Pendulum-v1:max_episode_steps=70 steps=300 net_arch=mlp:12,8 critic_net_arch=mlp:8 learning_starts=40 \
         batch_size=16 buffer_size=150 train_freq=8 gradient_steps=2 num_envs=2 use_sde=true sde_sample_freq=3 \
         log_std_init=-1.0 eval_freq=150 eval_episodes=2",
    ],
};

/// The weight of the entropy.
#[derive(Clone, Debug)]
pub(crate) struct Temperature {
    /// Its value, if it is fixed.
    fixed: f64,
    learned: Option<Positive>,
    target_entropy: f64,
}

snapshot! {
    impl Restorable for Temperature {
        saved: learned as "temperature";
        built: fixed, target_entropy;
    }
}

impl Temperature {
    pub(crate) fn new(config: &SacConfig, optimizer: &OptimizerConfig, components: usize) -> Self {
        let (fixed, learned) = match config.ent_coef {
            Auto::Number(alpha) => (alpha, None),
            Auto::Auto => (0.0, Some(Positive::new(config.ent_coef_init, optimizer))),
        };
        let target_entropy = match config.target_entropy {
            Auto::Auto => -(components as f64),
            Auto::Number(entropy) => entropy,
        };
        Self { fixed, learned, target_entropy }
    }

    pub(crate) fn alpha(&self) -> f64 {
        self.learned.as_ref().map_or(self.fixed, Positive::value)
    }

    /// A gradient step of the logarithm along `-ln alpha (ln pi(a|s) + H)`, from the mean of `ln pi(a|s)`.
    ///
    /// # Errors
    /// If that is not finite.
    pub(crate) fn step(&mut self, learning_rate: f64, mean_log_prob: f64) -> Result<(), LearnError> {
        let gradient = -(mean_log_prob + self.target_entropy) as f32;
        if let Some(error) = not_finite(&[("log-probability", &[gradient])]) {
            return Err(error);
        }
        if let Some(learned) = &mut self.learned {
            learned.step(learning_rate, gradient);
        }
        Ok(())
    }
}

/// The networks of SAC, and its temperature.
#[derive(Clone, Debug)]
pub struct SacLearner {
    /// `pi`.
    policy: StochasticPolicy,
    /// `Q_1`, `Q_2` and `Q'_1`, `Q'_2`.
    critics: Critics<2>,
    temperature: Temperature,
    y: Vec<f32>,
}

snapshot! {
    impl Restorable for SacLearner {
        saved: policy via Flat, critics via Flat, temperature via Flat;
        built: y;
    }
}

impl SacLearner {
    /// The policy's network, with the heads `mean` and `log_std`.
    pub fn policy_network(&self) -> &Network {
        self.policy.network()
    }

    /// The critics' networks, of a state and an action side by side.
    pub fn critics(&self) -> [&Network; 2] {
        [0, 1].map(|i| self.critics.network(i))
    }

    /// The target networks of the critics.
    pub fn targets(&self) -> [&Network; 2] {
        [0, 1].map(|i| self.critics.target(i).network())
    }

    /// The weight of the entropy.
    pub fn temperature(&self) -> f64 {
        self.temperature.alpha()
    }
}

impl OffPolicyLearner for SacLearner {
    type Settings = SacSettings;
    const OUTPUTS: usize = 2;

    fn shared((_, (config, _)): &SacSettings) -> &OffPolicyConfig {
        config
    }

    fn noise(_: &SacSettings) -> NoiseConfig {
        NoiseConfig { noise_type: NoiseKind::None, ..NoiseConfig::default() }
    }

    fn optimizer((_, (_, OffPolicyOptimizer(optimizer))): &SacSettings) -> &OptimizerConfig {
        optimizer
    }

    fn check(settings: &SacSettings, task: &TaskSpec) -> Result<(), ConfigError> {
        settings.0.deviations().check(&Self::shared(settings).net_arch, task)
    }

    fn new(settings: &SacSettings, task: &TaskSpec) -> Self {
        let (config, optimizer) = (Self::shared(settings), Self::optimizer(settings));
        let lag = Some((1, config.tau));
        let mut rng = task.streams.stream("initialisation");
        Self {
            policy: StochasticPolicy::new(
                (&config.net_arch, config.num_envs),
                settings.0.deviations(),
                optimizer,
                task,
                &mut rng,
            ),
            critics: Critics::new(config.critic_arch(), optimizer, lag, task, &mut rng),
            temperature: Temperature::new(&settings.0, optimizer, task.action_space.features()),
            y: Vec::new(),
        }
    }

    fn act(&mut self, observations: &[f32], rng: &mut Pcg64, units: &mut [f32]) {
        self.policy.act(observations, rng, units);
    }

    fn learn(&mut self, batch: &Batch<[f32]>, rates: Rates) -> Result<Measurements, LearnError> {
        let Self { policy, critics, temperature, y } = self;
        policy.end_rollout();
        let Batch { observations: s, returns: r, discounts, next_observations: s_next, .. } = batch;
        // a ~ pi(.|s); the temperature before its step is that of the losses.
        let (mean_log_prob, alpha) = (policy.draw(s), temperature.alpha());
        temperature.step(rates.critic, mean_log_prob)?;
        // y = r + gamma (min_i Q'_i(s', a') - alpha ln pi(a'|s')), a' ~ pi(.|s')
        let (next_actions, log_probs) = policy.draw_next(s_next);
        let values = critics.target_values(s_next, next_actions);
        values.iter_mut().zip(log_probs).for_each(|(v, log_prob)| *v -= alpha as f32 * log_prob);
        bellman_values(r, discounts, values, y);
        // J_Q = 1/2 sum_i mean (Q_i(s, a) - y)^2
        let step = critics.step(rates.critic, batch, y, 0.5)?;
        // J_pi = mean (alpha ln pi(a|s) - min_i Q_i(s, a))
        let actor_loss = policy.ascend(rates.policy, alpha, s, critics)?;
        // Q'_i = tau Q_i + (1 - tau) Q'_i
        critics.tick();
        Ok(Measurements::of(catalogue::CRITIC_LOSS, step.loss)
            .with(catalogue::ACTOR_LOSS, actor_loss)
            .with(catalogue::Q_VALUES, step.mean_value)
            .with(catalogue::ENTROPY, -mean_log_prob)
            .with(catalogue::ENT_COEF, alpha)
            .with(catalogue::GRADIENT_NORM, step.gradient_norm))
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

    /// Deviations begin anew.
    fn copy_policy(&mut self, policy: &Network) -> Result<(), String> {
        self.policy.copy_deterministic(policy)
    }

    fn take_over_critics(&mut self, saved: &Snapshot, spec: &NetworkSpec) -> bool {
        self.critics.take_over(saved, spec)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optimizer::OptimizerKind;

    #[test]
    fn temperatures_by_hand() {
        let sgd =
            OptimizerConfig { optimizer: OptimizerKind::Sgd, momentum: 0.0, ..OptimizerConfig::default() };
        let learned = SacConfig { ent_coef_init: 0.5, ..SacConfig::default() };
        let mut temperature = Temperature::new(&learned, &sgd, 3);
        assert!((temperature.alpha() - 0.5).abs() < 1e-7);
        // Entropy of 1 above the target of -3: ln alpha falls by 0.1 x (1 + 3).
        temperature.step(0.1, -1.0).unwrap();
        assert!((temperature.alpha().ln() - (0.5_f64.ln() - 0.4)).abs() < 1e-6);
        // Entropy of -5, below it: it rises by 0.1 x 2.
        temperature.step(0.1, 5.0).unwrap();
        assert!((temperature.alpha().ln() - (0.5_f64.ln() - 0.2)).abs() < 1e-6);
        let before = temperature.alpha();
        let error = temperature.step(0.1, f64::NAN).unwrap_err().to_string();
        assert!(error.starts_with("log-probability is NaN") && temperature.alpha() == before, "{error}");
        let target = SacConfig { target_entropy: Auto::Number(0.5), ..learned };
        assert_eq!(Temperature::new(&target, &sgd, 3).target_entropy, 0.5);
        let mut fixed =
            Temperature::new(&SacConfig { ent_coef: Auto::Number(0.2), ..SacConfig::default() }, &sgd, 3);
        fixed.step(0.1, 9.0).unwrap();
        assert_eq!(fixed.alpha(), 0.2);
    }
}
