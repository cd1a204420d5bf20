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
//!   is not done here.
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
use super::state_noise::{Deviations, LOG_STD as PARAMETERS, StateFeatures, StateNoise, draw};
use crate::agent::{LearnError, Measurements, not_finite};
use crate::algorithm::{Algorithm, Builder, DataKind, PolicyKind, Preset, recipe};
use crate::config::{Auto, ConfigError, settings};
use crate::deep::TaskSpec;
use crate::experience::Batch;
use crate::metrics::catalogue;
use crate::optimizer::{GuardedStep, OptimizerConfig};
use crate::targets::bellman_values;
use potstill_core::math::{exp, exp_f64, ln_f64};
use potstill_core::snapshot::Flat;
use potstill_core::{Pcg64, snapshot};
use potstill_nn::distributions::{GaussianGradients, SquashedGaussian};
use potstill_nn::kernels::tanh;
use potstill_nn::{Interface, Network, Optimiser, Upstream, Workers, Workspace};

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
        log_std_init: f64 = -3.0, in Finite, needs Is("use_sde", &["true"]);
    }
}

impl SacConfig {
    fn deviations(&self) -> Deviations {
        let Self { use_sde, sde_sample_freq, .. } = *self;
        Deviations { log_std_init: self.log_std_init as f32, of_state: use_sde, sample_freq: sde_sample_freq }
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
    data: DataKind::Online,
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
        "env=Pendulum-v1:max_episode_steps=70 steps=300 net_arch=mlp:12,8 critic_net_arch=mlp:8 learning_starts=40 \
         batch_size=16 buffer_size=150 train_freq=8 gradient_steps=2 num_envs=2 use_sde=true sde_sample_freq=3 \
         log_std_init=-1.0 eval_freq=150 eval_episodes=2",
        "env=Pendulum-v1:max_episode_steps=70 steps=400 net_arch=mlp:8 learning_starts=50 batch_size=16 \
         buffer_size=150 train_freq=4 gradient_steps=2 tau=0.1 eval_freq=150 eval_episodes=2",
        "env=MountainCarContinuous-v0:max_episode_steps=60 steps=240 net_arch=mlp:8:layernorm \
         critic_net_arch=mlp:12 learning_starts=60 batch_size=16 buffer_size=200 num_envs=2 ent_coef=0.1 \
         gradient_steps=0 learning_rate=linear:0.01:0:run eval_freq=0",
    ],
};

/// The range of the logarithms of deviations.
const LOG_STD: (f32, f32) = (-20.0, 2.0);
/// The heads of the policy's network.
const HEADS: [&str; 2] = ["mean", "log_std"];

/// Actions that a policy has drawn, `samples x components`.
#[derive(Clone, Debug, Default)]
struct Drawn {
    log_std: Vec<f32>,
    noise: Vec<f32>,
    /// Normal numbers, whose hyperbolic tangents are the actions.
    u: Vec<f32>,
    actions: Vec<f32>,
    /// One for each sample.
    log_probs: Vec<f32>,
    /// The states that noise depends on, if it does.
    states: Option<StateFeatures>,
}

impl Drawn {
    /// Draws an action for each sample from the outputs of a policy's network: all means, then all
    /// deviations.
    fn draw(&mut self, outputs: &[f32], components: usize, rng: &mut Pcg64) {
        let Self { log_std, noise, u, actions, log_probs, .. } = self;
        let (mean, raw) = outputs.split_at(outputs.len() / 2);
        log_std.clear();
        log_std.extend(raw.iter().map(|x| x.clamp(LOG_STD.0, LOG_STD.1)));
        for list in [noise, u, actions] {
            list.resize(mean.len(), 0.0);
        }
        log_probs.resize(mean.len() / components, 0.0);
        let of = SquashedGaussian::new(mean, log_std, components);
        of.sample(rng, &mut self.noise, &mut self.u, &mut self.actions);
        of.log_prob(&self.u, log_probs);
    }

    /// The same from means alone, with noise by a random function of the states that the last forward pass was
    /// through, or by one for each.
    fn draw_by(&mut self, policy: &Network, workspace: &Workspace, theta: &[f32], components: usize) {
        let Self { log_std, noise, u, actions, log_probs, states } = self;
        let (mean, states) = (workspace.outputs(), states.as_mut().expect("noise of states"));
        states.read(policy, workspace, mean.len() / components);
        states.noise(policy, theta, noise);
        log_std.clone_from(&states.log_std);
        u.clear();
        u.extend(mean.iter().zip(&*noise).map(|(mean, noise)| mean + noise));
        actions.resize(mean.len(), 0.0);
        tanh(u, actions);
        // In standard deviations.
        noise.iter_mut().zip(&*log_std).for_each(|(noise, log_std)| *noise *= exp(-log_std));
        log_probs.resize(mean.len() / components, 0.0);
        SquashedGaussian::new(mean, log_std, components).log_prob(u, log_probs);
    }

    /// The gradients of the same loss after [`draw_by`](Self::draw_by) one function: with respect to the means,
    /// the parameters of the noise, and the features of the states.
    fn gradient_by(
        &self,
        (policy, theta): (&Network, &[f32]),
        d_actions: &[f32],
        d_log_prob: f32,
        scratch: &mut Gradient,
    ) {
        let Gradient { outputs: d_mean, log_probs: d_log_probs, log_std, noise, free, features } = scratch;
        for (list, length) in
            [(&mut *d_mean, d_actions.len()), (log_std, d_actions.len()), (d_log_probs, self.log_probs.len())]
        {
            list.clear();
            list.resize(length, 0.0);
        }
        d_log_probs.fill(d_log_prob);
        let components = d_actions.len() / self.log_probs.len();
        let of = SquashedGaussian::new(d_actions, &self.log_std, components);
        let mut gradients = GaussianGradients { mean: d_mean, log_std };
        of.add_sample_gradients((&self.noise, &self.u), d_actions, d_log_probs, &mut gradients);
        // ln N(u; mean, s) = -z^2 / 2 - ln s with z = noise / s, which are no longer independent.
        noise.clear();
        for (((d_u, z), s), d_s) in d_mean.iter().zip(&self.noise).zip(&self.log_std).zip(&mut *log_std) {
            noise.push(d_u - d_log_prob * z * exp(-s));
            *d_s = d_log_prob * (z * z - 1.0);
        }
        let states = self.states.as_ref().expect("noise of states");
        states.gradients(policy, log_std, (theta, noise), (free, features));
    }

    /// The mean logarithm of the actions' densities.
    fn mean_log_prob(&self) -> f64 {
        self.log_probs.iter().map(|&x| f64::from(x)).sum::<f64>() / self.log_probs.len() as f64
    }

    /// The gradient with respect to the outputs that the actions were drawn from, of a loss with these
    /// gradients with respect to the actions, and the same one with respect to each logarithm of a density.
    fn gradient(&self, outputs: &[f32], d_actions: &[f32], d_log_prob: f32, scratch: &mut Gradient) {
        let (mean, raw) = outputs.split_at(outputs.len() / 2);
        let Gradient { outputs: d_outputs, log_probs: d_log_probs, .. } = scratch;
        d_outputs.clear();
        d_outputs.resize(outputs.len(), 0.0);
        d_log_probs.clear();
        d_log_probs.resize(self.log_probs.len(), d_log_prob);
        let (d_mean, d_log_std) = d_outputs.split_at_mut(mean.len());
        let components = mean.len() / self.log_probs.len();
        let of = SquashedGaussian::new(mean, &self.log_std, components);
        let mut gradients = GaussianGradients { mean: d_mean, log_std: d_log_std };
        of.add_sample_gradients((&self.noise, &self.u), d_actions, d_log_probs, &mut gradients);
        // What is clamped does not move.
        for (d, x) in d_log_std.iter_mut().zip(raw) {
            if !(LOG_STD.0..=LOG_STD.1).contains(x) {
                *d = 0.0;
            }
        }
    }
}

/// Gradients of the policy's loss.
#[derive(Clone, Debug, Default)]
struct Gradient {
    outputs: Vec<f32>,
    log_probs: Vec<f32>,
    /// With noise of states: with respect to the deviations, the noise, its parameters and the features.
    log_std: Vec<f32>,
    noise: Vec<f32>,
    free: Vec<f32>,
    features: Vec<f32>,
}

/// The weight of the entropy.
#[derive(Clone, Debug)]
struct Temperature {
    /// Its value, if it is fixed.
    fixed: f64,
    learned: Option<Learned>,
    target_entropy: f64,
}

/// A temperature that is learned.
#[derive(Clone, Debug)]
struct Learned {
    log: [f32; 1],
    optimiser: Optimiser,
}

snapshot! {
    impl Restorable for Learned {
        saved: log, optimiser;
    }
}

snapshot! {
    impl Restorable for Temperature {
        saved: learned as "temperature";
        built: fixed, target_entropy;
    }
}

impl Temperature {
    fn new(config: &SacConfig, optimizer: &OptimizerConfig, components: usize) -> Self {
        let (fixed, learned) = match config.ent_coef {
            Auto::Number(alpha) => (alpha, None),
            Auto::Auto => {
                let log = [ln_f64(config.ent_coef_init) as f32];
                (0.0, Some(Learned { log, optimiser: Optimiser::new(optimizer.rule(), 1) }))
            }
        };
        let target_entropy = match config.target_entropy {
            Auto::Auto => -(components as f64),
            Auto::Number(entropy) => entropy,
        };
        Self { fixed, learned, target_entropy }
    }

    fn alpha(&self) -> f64 {
        self.learned.as_ref().map_or(self.fixed, |learned| exp_f64(f64::from(learned.log[0])))
    }

    /// A gradient step of the logarithm along `-ln alpha (ln pi(a|s) + H)`, from the mean of `ln pi(a|s)`.
    ///
    /// # Errors
    /// If that is not finite.
    fn step(&mut self, learning_rate: f64, mean_log_prob: f64) -> Result<(), LearnError> {
        let gradient = -(mean_log_prob + self.target_entropy) as f32;
        if let Some(error) = not_finite(&[("log-probability", &[gradient])]) {
            return Err(error);
        }
        if let Some(Learned { log, optimiser }) = &mut self.learned {
            optimiser.step(learning_rate, log, &[gradient], &Workers::default());
        }
        Ok(())
    }
}

/// The networks of SAC, and its temperature.
#[derive(Clone, Debug)]
pub struct SacLearner {
    /// `pi`.
    policy: Network,
    policy_optimizer: GuardedStep,
    /// `Q_1`, `Q_2` and `Q'_1`, `Q'_2`.
    critics: Critics<2>,
    temperature: Temperature,
    /// The stream of actions that are drawn while learning.
    drawing: Pcg64,
    /// Noise that depends on the state, if that explores.
    state_noise: Option<StateNoise>,
    /// The random function of an update.
    theta: Vec<f32>,
    components: usize,
    acting: (Workspace, Drawn),
    learning: (Workspace, Drawn),
    next: (Workspace, Drawn),
    y: Vec<f32>,
    d_actions: Vec<f32>,
    gradient: Gradient,
}

snapshot! {
    impl Restorable for SacLearner {
        saved: policy, policy_optimizer, critics via Flat, temperature via Flat, drawing, state_noise;
        built: theta, components, acting, learning, next, y, d_actions, gradient;
    }
}

impl SacLearner {
    /// The policy's network, with the heads `mean` and `log_std`.
    pub fn policy_network(&self) -> &Network {
        &self.policy
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
        let components = task.action_space.features();
        let mut rng = task.streams.stream("initialisation");
        let deviations = settings.0.deviations();
        let interface = match deviations.of_state {
            false => Interface::of_heads(task.inputs.count(), &HEADS.map(|head| (head, components))),
            true => Interface::of_heads(task.inputs.count(), &[(HEADS[0], components)]).with_free(
                PARAMETERS,
                deviations.each(&config.net_arch) * components,
                deviations.log_std_init,
            ),
        };
        let policy = config.net_arch.initialised(interface, optimizer.initialisation(), &mut rng);
        let states = StateFeatures::new(deviations, &policy);
        let pass =
            || (Workspace::new(task.workers.clone()), Drawn { states: states.clone(), ..Drawn::default() });
        Self {
            policy_optimizer: GuardedStep::new(optimizer, policy.parameters().len()),
            critics: Critics::new(config.critic_arch(), optimizer, (1, config.tau), task, &mut rng),
            temperature: Temperature::new(&settings.0, optimizer, components),
            drawing: task.streams.stream("policy"),
            state_noise: StateNoise::new(deviations, &policy, config.num_envs as usize),
            theta: vec![0.0; policy.free_parameters(PARAMETERS).map_or(0, <[f32]>::len)],
            components,
            acting: pass(),
            learning: pass(),
            next: pass(),
            y: Vec::new(),
            d_actions: Vec::new(),
            gradient: Gradient::default(),
            policy,
        }
    }

    fn act(&mut self, observations: &[f32], rng: &mut Pcg64, units: &mut [f32]) {
        let (workspace, drawn) = &mut self.acting;
        match &mut self.state_noise {
            None => drawn.draw(self.policy.predict(observations, workspace), self.components, rng),
            Some(noise) => {
                self.policy.forward(observations, workspace);
                drawn.draw_by(&self.policy, workspace, noise.tick(&self.policy, rng), self.components);
            }
        }
        units.copy_from_slice(&drawn.actions);
    }

    fn learn(&mut self, batch: &Batch<[f32]>, rates: Rates) -> Result<Measurements, LearnError> {
        let Self { policy, policy_optimizer, critics, temperature, drawing, theta, components, .. } = self;
        let (learning, here) = &mut self.learning;
        let (workspace, next) = &mut self.next;
        let Batch { observations: s, returns: r, discounts, next_observations: s_next, .. } = batch;
        // a ~ pi(.|s); the temperature before its step is that of the losses.
        policy.forward(s, learning);
        match &mut self.state_noise {
            None => here.draw(learning.outputs(), *components, drawing),
            Some(noise) => {
                noise.end_rollout();
                draw(policy, drawing, theta);
                here.draw_by(policy, learning, theta, *components);
            }
        }
        let (alpha, mean_log_prob) = (temperature.alpha(), here.mean_log_prob());
        temperature.step(rates.critic, mean_log_prob)?;
        // y = r + gamma (min_i Q'_i(s', a') - alpha ln pi(a'|s')), a' ~ pi(.|s')
        match here.states.is_some() {
            false => next.draw(policy.predict(s_next, workspace), *components, drawing),
            true => {
                policy.forward(s_next, workspace);
                next.draw_by(policy, workspace, theta, *components);
            }
        }
        let values = critics.target_values(s_next, &next.actions);
        values.iter_mut().zip(&next.log_probs).for_each(|(v, log_prob)| *v -= alpha as f32 * log_prob);
        bellman_values(r, discounts, values, &mut self.y);
        // J_Q = 1/2 sum_i mean (Q_i(s, a) - y)^2
        let step = critics.step(rates.critic, batch, &self.y, 0.5)?;
        // J_pi = mean (alpha ln pi(a|s) - min_i Q_i(s, a))
        let value = critics.ascent(2, s, &here.actions, &mut self.d_actions);
        let actor_loss = alpha * mean_log_prob - value;
        let d_log_prob = (alpha / here.log_probs.len() as f64) as f32;
        let gradient = &mut self.gradient;
        let tap = here.states.as_ref().map(|states| states.tap);
        match tap {
            None => here.gradient(learning.outputs(), &self.d_actions, d_log_prob, gradient),
            Some(_) => here.gradient_by((policy, theta), &self.d_actions, d_log_prob, gradient),
        }
        let seen: [(&str, &[f32]); 4] = [
            ("observation", s),
            ("action", &here.actions),
            ("log-probability", &here.log_probs),
            ("action's gradient", &self.d_actions),
        ];
        let Gradient { outputs, free, features, .. } = &*gradient;
        let taps = tap.map(|tap| (tap, &**features));
        let upstream = Upstream { outputs, free, taps: taps.as_slice() };
        policy_optimizer.step_with(
            rates.policy,
            (policy, None),
            upstream,
            learning,
            actor_loss as f32,
            &seen,
        )?;
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

    fn lag(&self) -> (u64, f64) {
        (self.critics.target(0).age(), self.critics.drift())
    }

    /// The hidden layers with the means.
    fn policy(&self) -> Network {
        self.policy.of_head(HEADS[0])
    }

    /// Deviations begin anew.
    fn copy_policy(&mut self, policy: &Network) {
        self.policy.copy_to_head(HEADS[0], policy);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optimizer::OptimizerKind;

    /// The gradient of a loss that depends on the actions and their densities, against differences of that
    /// loss; where a deviation is clamped it does not move.
    #[test]
    fn gradients_are_differences() {
        let (samples, components) = (3, 2);
        let outputs = [0.3, -0.8, 1.2, 0.1, -0.4, 0.6, -0.5, 0.2, -1.0, 2.5, 0.7, -21.0_f32];
        let weights = [0.7, -1.1, 0.4, 0.9, -0.3, 0.5_f32];
        let alpha = 0.3;
        let draw = |outputs: &[f32]| {
            let mut drawn = Drawn::default();
            drawn.draw(outputs, components, &mut Pcg64::new(5));
            drawn
        };
        let noise = draw(&outputs).noise;
        // The same in double precision.
        let loss = |outputs: &[f64]| {
            let (mean, raw) = outputs.split_at(samples * components);
            let of = |i: usize| {
                let log_std = raw[i].clamp(-20.0, 2.0);
                let z = f64::from(noise[i]);
                let a = (mean[i] + log_std.exp() * z).tanh();
                let log_prob = -0.5 * z * z - log_std - (1.0 - a * a).ln();
                f64::from(weights[i]) * a + alpha * log_prob
            };
            (0..samples * components).map(of).sum::<f64>()
        };
        let mut scratch = Gradient::default();
        draw(&outputs).gradient(&outputs, &weights, alpha as f32, &mut scratch);
        let wide = outputs.map(f64::from);
        for (i, d) in scratch.outputs.iter().enumerate() {
            let at = |step: f64| {
                let mut moved = wide;
                moved[i] += step;
                loss(&moved)
            };
            let difference = (at(1e-6) - at(-1e-6)) / 2e-6;
            assert!((f64::from(*d) - difference).abs() < 2e-5, "{i}: {d} {difference}");
        }
        // 2.5 and -21 lie beyond the range.
        assert_eq!([scratch.outputs[9], scratch.outputs[11]], [0.0; 2]);
    }

    /// The same of actions whose noise depends on the state: with respect to the parameters of all layers and of
    /// the noise.
    #[test]
    fn gradients_of_noise_of_states_are_differences() {
        let (samples, components) = (3, 2);
        let config = SacConfig { use_sde: true, log_std_init: -0.7, ..SacConfig::default() };
        let shared =
            OffPolicyConfig { net_arch: "mlp:4:tanh".parse().unwrap(), ..OffPolicyConfig::default() };
        let settings = (config, (shared, OffPolicyOptimizer::default()));
        let action_space = potstill_env::Space::uniform(components, -1.0, 1.0);
        let task = TaskSpec { action_space, ..TaskSpec::new(3, 2, 100, potstill_core::Streams::new(1)) };
        let mut learner = SacLearner::new(&settings, &task);
        let x = [0.3, -0.8, 1.2, 0.1, -0.4, 0.6, -0.5, 0.2, -1.0_f32];
        let weights = [0.7, -1.1, 0.4, 0.9, -0.3, 0.5_f32];
        let alpha = 0.3;
        // The random function is exp(log_std) z with this z.
        let z: Vec<f32> = (0..8).map(|i| 0.3 * i as f32 - 1.1).collect();
        let theta = |policy: &Network| -> Vec<f32> {
            let log_std = policy.free_parameters(PARAMETERS).unwrap();
            z.iter().zip(log_std).map(|(z, s)| z * exp(*s)).collect()
        };
        let (workspace, drawn) = &mut learner.learning;
        let mut loss = |policy: &Network, drawn: &mut Drawn| {
            policy.forward(&x, workspace);
            drawn.draw_by(policy, workspace, &theta(policy), components);
            let of_actions = drawn.actions.iter().zip(&weights).map(|(a, w)| f64::from(a * w)).sum::<f64>();
            of_actions + alpha * drawn.log_probs.iter().map(|&l| f64::from(l)).sum::<f64>()
        };
        let policy = learner.policy.clone();
        let mut differences = Vec::new();
        const STEP: f32 = 1.0 / 128.0;
        for i in 0..policy.parameters().len() {
            let mut at = |by: f32| {
                let mut moved = policy.clone();
                moved.update_parameters(|p| p[i] += by);
                loss(&moved, drawn)
            };
            differences.push((at(STEP) - at(-STEP)) / f64::from(2.0 * STEP));
        }
        loss(&policy, drawn);
        let mut found = Gradient::default();
        drawn.gradient_by((&policy, &theta(&policy)), &weights, alpha as f32, &mut found);
        let taps = [(drawn.states.as_ref().unwrap().tap, &*found.features)];
        let upstream = Upstream { outputs: &found.outputs, free: &found.free, taps: &taps };
        let mut gradient = vec![0.0; policy.parameters().len()];
        policy.forward(&x, workspace);
        policy.backward_from(upstream, workspace, Some(&mut gradient), None);
        assert_eq!(found.outputs.len(), samples * components);
        for (i, (d, difference)) in gradient.iter().zip(differences).enumerate() {
            assert!((f64::from(*d) - difference).abs() < 2e-3, "{i}: {d} {difference}");
        }
    }

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
