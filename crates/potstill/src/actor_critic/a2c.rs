//! A2C (Mnih et al. 2016, without its threads): one gradient step of policy and critic from each short rollout of many copies.
//!
//! Algorithm S3 with copies that are stepped together: all copies act for `n_steps` steps; then one step ascends
//! `E[A ln pi(a|s)] - c1 (V - G)^2 + c2 H`, with the advantages `A` of the n-step returns (`gae_lambda` 1). On-policy,
//! online, model-free. It is PPO with one epoch of one minibatch, whose advantages are not normalised (Huang et al. 2022,
//! "A2C is a special case of PPO"): a test holds both to the same bits.
//!
//! Differences from the paper:
//! - Copies wait for each other, so that a run is repeatable; the paper's threads did not.
//! - RMSprop as PyTorch's: the mean square begins at 0, and epsilon stands outside of the root. Two networks of one form
//!   (one with `shared_trunk`, as the paper's), orthogonal weights: Stable-Baselines3's defaults.
//! - An episode that is truncated bootstraps from the value of its true final observation.
//!
//! ```
//! use potstill::actor_critic::{A2c, A2cConfig, A2cOptimizer};
//! use potstill::core::Streams;
//! use potstill::deep::TaskSpec;
//! use potstill::env::{Autoreset, registry::find};
//! use potstill::train::{Training, VecTrainer};
//!
//! let streams = Streams::new(1);
//! let config = A2cConfig { num_envs: 4, ..A2cConfig::default() };
//! let agent = A2c::<usize>::new((config, A2cOptimizer::default().0), &TaskSpec::new(4, 2, 1000, streams));
//! let envs = find("CartPole-v1")?.make_vec_features(4, Autoreset::SameStep).unwrap();
//! let mut trainer = VecTrainer::new(agent, envs, streams);
//! let updates: Vec<bool> = (0..10).map(|_| trainer.advance().unwrap()).collect();
//! assert_eq!(updates.iter().filter(|updated| **updated).count(), 2);
//! # Ok::<(), potstill::env::EnvError>(())
//! ```

use super::actions::PolicyActions;
use super::networks::{ActorCritic, Coefficients, Minibatch, refuse_noise, squared_error};
use super::normalization::{Normalized, check_normalization};
use super::rollout::Estimates;
use super::state_noise::Deviations;
use super::trunk::{check_shared_trunk, critic_ends};
use crate::agent::{Agent, LearnError, Measurements};
use crate::algorithm::{Algorithm, Builder, DataKind, Learning, PolicyKind, Preset, Task, recipe};
use crate::config::{ConfigError, other_defaults, refuse_batch_norm, settings};
use crate::deep::TaskSpec;
use crate::deep::task::{check_pass, warning};
use crate::experience::{ElementOf, Steps};
use crate::metrics::catalogue;
use crate::model::Model;
use crate::optimizer::{InitKind, OptimizerConfig, OptimizerKind};
use crate::policy::Schedule;
use crate::targets::LambdaDecay;
use potstill_core::snapshot;
use potstill_core::snapshot::{Counter, Flat};
use potstill_nn::{Network, NetworkSpec};

settings! {
    /// The hyperparameters of A2C.
    pub struct A2cConfig {
        /// Step size of the optimiser, a number or a schedule over steps of the environment (those before the transitions of the
        /// update). Source: Stable-Baselines3
        learning_rate: Schedule = 7e-4, in NotNegative;
        /// Copies of the environment. Source: Stable-Baselines3
        num_envs: u64 = 1, in Copies;
        /// Steps of each copy between updates. Source: Stable-Baselines3
        n_steps: u64 = 5, in Copies;
        /// Discount. Source: Stable-Baselines3
        gamma: f64 = 0.99, in Unit;
        /// Decay lambda of the advantage estimates: 0 for the TD error, 1 for the return minus the value. Source:
        /// Stable-Baselines3
        gae_lambda: f64 = 1.0, in Unit;
        /// Subtracts the mean of the advantages, and divides by their deviation. Source: Stable-Baselines3
        normalize_advantage: bool = false, in Any;
        /// Weight of the entropy, which is maximised. Source: Stable-Baselines3
        ent_coef: f64 = 0.0, in NotNegative;
        /// Weight of the critic's mean squared error. Source: Stable-Baselines3
        vf_coef: f64 = 0.5, in NotNegative;
        /// Normalises observations by their running mean and standard deviation, which is at least a tenth of the largest distance
        /// from the mean. The saved model has the last of these in its first layer, and takes raw observations. Source: Stable-Baselines3's
        /// VecNormalize, which clips at 10 deviations instead
        normalize_observations: bool = false, in Any;
        /// Divides rewards by the running standard deviation of the discounted returns, and clips them at 10. Source: Stable-Baselines3's
        /// VecNormalize
        normalize_rewards: bool = false, in Any;
        /// Logarithm of the initial standard deviation of the actions in a box, or of the parameters of use_sde. Source:
        /// Stable-Baselines3
        log_std_init: f64 = 0.0, in LogDeviation;
        /// Explores a box of actions by noise that is a random linear function of the activations of the policy's last hidden layer
        /// (gSDE), the same for a rollout, in place of noise that is independent in each step. Source: Raffin et al. 2022
        use_sde: bool = false, in Any;
        /// Steps of each copy after which that function is drawn anew within a rollout too. Source: Raffin et al. 2022, section 3
        sde_sample_freq: Option<u64> = None, in AtLeastOne, needs Is("use_sde", &["true"]);
        /// Architecture of the policy's network, and of the critic's. Source: Stable-Baselines3
        net_arch: NetworkSpec = "mlp:64,64:tanh", in Any;
        /// Makes policy and critic two heads on the hidden layers of one network of net_arch, which learn from both losses, in
        /// place of two networks. Source: Stable-Baselines3, where images have true and numbers false
        shared_trunk: bool = false, in Any;
    }
}

other_defaults! {
    /// The keys of the optimiser and the initial weights, with the defaults of A2C.
    A2cOptimizer: OptimizerConfig = OptimizerConfig {
        optimizer: OptimizerKind::Rmsprop,
        momentum: 0.99,
        centered: false,
        optimizer_eps: 1e-5,
        max_grad_norm: 0.5,
        initialization: InitKind::Orthogonal,
        ..OptimizerConfig::default()
    }
}

/// The descriptor.
pub const ALGORITHM: Algorithm = Algorithm {
    name: "a2c",
    family: "actor-critic",
    policy: Some(PolicyKind::On),
    data: DataKind::Online,
    is_model_based: Some(false),
    summary: "advantage actor-critic: one gradient step from each short rollout of many copies",
    source: "Mnih et al. 2016, Algorithm S3",
    file: file!(),
    builder: Builder::Policy(|| recipe(build::<usize>), || recipe(build::<[f32]>)),
    presets: &[Preset { name: "zoo", text: include_str!("../../presets/a2c-zoo.toml") }],
    smoke: &[
        "env=CartPole-v1 steps=600 net_arch=mlp:8:tanh num_envs=4 ent_coef=0.01 eval_freq=200 eval_episodes=2",
        "env=Pendulum-v1 steps=300 net_arch=mlp:8 num_envs=2 n_steps=8 normalize_advantage=true \
         normalize_observations=true normalize_rewards=true eval_freq=150 eval_episodes=2",
        "env=Pendulum-v1 steps=300 net_arch=mlp:8 shared_trunk=true num_envs=2 n_steps=8 use_sde=true log_std_init=-1.0 \
         eval_freq=150 eval_episodes=2",
    ],
};

fn build<A: PolicyActions + ?Sized>(
    (config, A2cOptimizer(optimizer)): &(A2cConfig, A2cOptimizer),
    task: &Task<'_>,
) -> Result<Learning<A>, ConfigError> {
    let collected = config.collected();
    let warning = warning(task, config.num_envs, collected, "num_envs x n_steps");
    let task = TaskSpec::of(task, &config.net_arch)?;
    config.check(optimizer, &task)?;
    let copies = Some(config.num_envs as usize);
    let agent = Box::new(A2c::<A>::new((config.clone(), optimizer.clone()), &task));
    Ok(Learning { agent, copies, about: None, warning })
}

impl A2cConfig {
    /// Transitions of an update.
    pub fn collected(&self) -> u64 {
        self.num_envs * self.n_steps
    }

    fn deviations(&self) -> Deviations {
        Deviations::new(self.log_std_init, self.use_sde, self.sde_sample_freq)
    }

    /// Refuses settings that go neither together nor with the task.
    fn check(&self, optimizer: &OptimizerConfig, task: &TaskSpec) -> Result<(), ConfigError> {
        let (spec, ends) = (&self.net_arch, critic_ends(task));
        refuse_batch_norm("net_arch", spec)?;
        check_normalization(self.normalize_observations, spec)?;
        self.deviations().check(spec, task)?;
        check_shared_trunk(self.shared_trunk, spec)?;
        optimizer.check(("net_arch", spec, &ends), self.learning_rate)?;
        check_pass("n_steps", self.collected(), (spec, &ends, 1))?;
        refuse_noise(ALGORITHM.name, spec)?;
        if self.normalize_advantage && self.collected() == 1 {
            let reason = "a single advantage cannot be normalised; give more n_steps";
            return Err(ConfigError::value("normalize_advantage", reason));
        }
        Ok(())
    }
}

/// The A2C agent, for choices (`usize`) or actions of a box (`[f32]`).
#[derive(Clone, Debug)]
pub struct A2c<A: PolicyActions + ?Sized> {
    config: A2cConfig,
    networks: ActorCritic<A>,
    steps: u64,
    explained_variance: f64,
    estimates: Estimates,
    batch: Minibatch<A>,
    /// All transitions, in their order.
    order: Vec<usize>,
}

impl<A: PolicyActions + ?Sized> A2c<A> {
    /// An A2C agent.
    ///
    /// # Panics
    /// If the network does not fit the task, or the space of its actions is of another kind.
    pub fn new((config, optimizer): (A2cConfig, OptimizerConfig), task: &TaskSpec) -> Self {
        let normalized = Normalized {
            observations: config.normalize_observations,
            rewards: config.normalize_rewards,
            gamma: config.gamma,
        };
        let form = (&config.net_arch, config.deviations(), normalized);
        Self {
            networks: ActorCritic::new(
                form,
                config.shared_trunk,
                &optimizer,
                (config.n_steps, config.num_envs),
                task,
            ),
            steps: 0,
            explained_variance: 0.0,
            estimates: Estimates::default(),
            batch: Minibatch::default(),
            order: (0..config.collected() as usize).collect(),
            config: A2cConfig { learning_rate: config.learning_rate.of_run(task.total_steps), ..config },
        }
    }

    /// The policy's network: logits of the choices, or means of the components of an action. With a shared trunk they
    /// are the head `policy` of a network that has the head `value` too.
    pub fn policy(&self) -> &Network {
        self.networks.policy()
    }

    /// The critic's network: the value of a state. With a shared trunk it is that of the policy, with the head `value`.
    pub fn critic(&self) -> &Network {
        self.networks.critic()
    }

    /// The step that the schedule is at: those before the transitions of the update.
    fn learning_rate(&self) -> f64 {
        self.config.learning_rate.at(self.steps.saturating_sub(self.config.collected()), 1)
    }
}

/// Minus the mean of `A ln pi(a|s)`, and its gradient with respect to the log-probabilities.
fn policy_gradient(log_probs: &[f32], advantages: &[f32], d_log_probs: &mut [f32]) -> f32 {
    let n = advantages.len() as f32;
    let mut sum = 0.0;
    for ((log_prob, advantage), d) in log_probs.iter().zip(advantages).zip(d_log_probs) {
        sum += advantage * log_prob;
        *d = -advantage / n;
    }
    -sum / n
}

impl<A: PolicyActions + ?Sized> Agent for A2c<A> {
    type Observation = [f32];
    type Action = A;

    fn act(&mut self, observations: &[f32], actions: &mut [ElementOf<A>]) {
        self.networks.act(observations, actions);
    }

    fn observe(&mut self, steps: &Steps<'_, [f32], A>) -> Result<u64, LearnError> {
        let decay = LambdaDecay { gamma: self.config.gamma as f32, lambda: self.config.gae_lambda as f32 };
        let is_complete = self.networks.observe(steps, decay, &mut self.estimates)?;
        self.steps += steps.copies() as u64;
        if is_complete {
            self.explained_variance = self.estimates.explained_variance();
        }
        Ok(u64::from(is_complete))
    }

    fn update(&mut self) -> Result<Measurements, LearnError> {
        if !self.networks.rollout.is_complete() {
            return Err(LearnError::NothingObserved);
        }
        let (config, learning_rate) = (&self.config, self.learning_rate());
        self.batch.gather(&self.networks.rollout, &self.estimates, &self.order);
        if config.normalize_advantage {
            self.batch.normalize_advantages();
        }
        let losses = self.networks.step(
            learning_rate,
            &mut self.batch,
            Coefficients { entropy: config.ent_coef as f32, critic: config.vf_coef as f32 },
            &mut |batch, d_log_probs| Some(policy_gradient(&batch.log_probs, &batch.advantages, d_log_probs)),
            &mut |batch, values, d_values| squared_error(values, &batch.returns, d_values),
        )?;
        self.networks.rollout.clear();
        Ok(self.networks.measured(losses.expect("its loss asks for a step")))
    }

    fn model(&self) -> Model {
        self.networks.model()
    }

    fn start_from(&mut self, model: &Model) -> Result<(), String> {
        self.networks.start_from(model)
    }

    fn fixed_steps(&self) -> Option<u64> {
        self.networks.fixed_steps()
    }

    fn learns_values(&self) -> bool {
        false
    }

    fn diagnostics(&self) -> Measurements {
        Measurements::of(catalogue::LEARNING_RATE, self.learning_rate())
            .with(catalogue::EXPLAINED_VARIANCE, self.explained_variance)
            .with(catalogue::N_UPDATES, self.networks.optimizer().updates() as f64)
    }
}

snapshot! {
    impl[A: PolicyActions + ?Sized] Restorable for A2c<A> {
        saved: networks via Flat, steps via Counter, explained_variance;
        built: config, estimates, batch, order;
    }
}
