//! REINFORCE (Williams 1992; Sutton and Barto 2018, boxes of sections 13.3 and 13.4): Monte Carlo policy gradient.
//!
//! An episode is played; then for its steps `t`, with `G_t` the discounted return from there on and `delta = G_t - v(S_t)`:
//!
//! - `w <- w + alpha_w delta grad v(S_t)`
//! - `theta <- theta + alpha gamma^t delta grad ln pi(A_t|S_t)`
//!
//! Without a baseline `v` is 0. On-policy, online, model-free. Tables are linear networks (`net_arch=mlp`) of a number
//! for each state (`--env ID:one_hot=true`).
//!
//! Differences from the book:
//! - The parameters move once, after the episode, by the sum of these steps, unless `batch_size=1` is asked for; and by Adam,
//!   unless `optimizer=sgd` is, whose step size is the book's `alpha`.
//! - `gamma^t` weighs the steps only with `discount_states`: implementations leave it out, and then the gradient is that
//!   of no objective (Nota and Thomas 2020), but late steps of long episodes are learned from.
//! - The return of an episode that is truncated ends with the baseline's value of its final observation, without a
//!   baseline with nothing.
//!
//! ```
//! use potstill::actor_critic::{Reinforce, ReinforceConfig, ReinforceOptimizer};
//! use potstill::core::Streams;
//! use potstill::deep::TaskSpec;
//! use potstill::env::registry::find;
//! use potstill::train::Trainer;
//!
//! let streams = Streams::new(1);
//! let config = (ReinforceConfig::default(), ReinforceOptimizer::default().0);
//! let agent = Reinforce::<usize>::new(config, &TaskSpec::new(4, 2, 1000, streams));
//! let env = find("CartPole-v1")?.make_features().unwrap();
//! let mut trainer = Trainer::new(agent, env, streams);
//! trainer.run_episodes(3).unwrap();
//! assert_eq!(trainer.agent().updates(), 3);
//! # Ok::<(), potstill::env::EnvError>(())
//! ```

use super::actions::PolicyActions;
use super::networks::{ActorCritic, Coefficients, Minibatch, refuse_noise};
use super::normalization::{Normalized, check_normalization};
use super::rollout::explained_variance;
use super::state_noise::Deviations;
use super::trunk::critic_ends;
use crate::agent::{Agent, LearnError, Measurements};
use crate::algorithm::{Algorithm, Builder, DataKind, Learning, PolicyKind, Task, recipe};
use crate::config::{ConfigError, other_defaults, refuse_batch_norm, settings};
use crate::deep::TaskSpec;
use crate::experience::{ElementOf, Steps};
use crate::metrics::catalogue;
use crate::model::Model;
use crate::optimizer::{InitKind, OptimizerConfig};
use crate::policy::Schedule;
use potstill_core::snapshot::{Counter, Flat};
use potstill_core::{SnapshotError, snapshot};
use potstill_nn::{Network, NetworkSpec};

/// The longest episode, in steps: both networks see it in one pass.
pub const STEPS_MAX: u64 = 100_000;

settings! {
    /// The hyperparameters of REINFORCE.
    pub struct ReinforceConfig {
        /// Step size of the optimiser, a number or a schedule over steps of the environment; of gradient descent alpha of the
        /// box. Source: with Adam and this network the best of 0.001 to 0.03 on CartPole
        learning_rate: Schedule = 3e-3, in NotNegative;
        /// Steps of an episode in a gradient step, in their order, if not all; 1 is the box of the book. Source: all, as implementations have it
        batch_size: Option<u64> = None, in StepCount;
        /// Discount. Source: Stable-Baselines3's A2C
        gamma: f64 = 0.99, in Unit;
        /// Subtraction of a learned value of the state from the returns. Source: Sutton and Barto 2018, section 13.4
        baseline: bool = true, in Any;
        /// Weight of step t by gamma^t, as in the box. Source: false, as implementations have it
        discount_states: bool = false, in Any;
        /// Weight of the entropy, which is maximised. Source: 0, Sutton and Barto 2018
        ent_coef: f64 = 0.0, in NotNegative;
        /// Weight of the baseline's loss: its step size, in step sizes of the policy. Source: 1
        vf_coef: f64 = 1.0, in NotNegative, needs Is("baseline", &["true"]);
        /// Normalises observations by their running mean and standard deviation, which is at least a tenth of the largest distance
        /// from the mean. The saved model has the last of these in its first layer, and takes raw observations. Source: Stable-Baselines3's
        /// VecNormalize, which clips at 10 deviations instead
        normalize_observations: bool = false, in Any;
        /// Divides rewards by the running standard deviation of the discounted returns, and clips them at 10. Source: Stable-Baselines3's
        /// VecNormalize
        normalize_rewards: bool = false, in Any;
        /// Logarithm of the initial standard deviation of the actions in a box. Source: Stable-Baselines3's A2C
        log_std_init: f64 = 0.0, in LogDeviation;
        /// Architecture of the policy's network, and of the baseline's; `mlp` is linear. Source: Stable-Baselines3's A2C
        net_arch: NetworkSpec = "mlp:64,64:tanh", in Any;
    }
}

other_defaults! {
    /// The keys of the optimiser and the initial weights, with the defaults of REINFORCE.
    ReinforceOptimizer: OptimizerConfig = OptimizerConfig {
        // The book's steps have none.
        momentum: 0.0,
        max_grad_norm: f64::INFINITY,
        initialization: InitKind::Orthogonal,
        ..OptimizerConfig::default()
    }
}

/// The descriptor.
pub const ALGORITHM: Algorithm = Algorithm {
    name: "reinforce",
    family: "actor-critic",
    policy: Some(PolicyKind::On),
    data: DataKind::Online,
    is_model_based: Some(false),
    summary: "Monte Carlo policy gradient, with or without a baseline",
    source: "Williams 1992; Sutton and Barto 2018, sections 13.3 and 13.4",
    file: file!(),
    builder: Builder::Policy(|| recipe(build::<usize>), || recipe(build::<[f32]>)),
    presets: &[],
    smoke: &[
        "env=CartPole-v1 steps=600 net_arch=mlp:8:tanh eval_freq=200 eval_episodes=2",
        "env=ShortCorridor:one_hot=true,max_episode_steps=100 steps=600 net_arch=mlp optimizer=sgd learning_rate=0.001 \
         baseline=false discount_states=true batch_size=1",
        "env=Pendulum-v1 steps=500 net_arch=mlp:8 ent_coef=0.01 eval_freq=250 eval_episodes=2",
    ],
};

fn build<A: PolicyActions + ?Sized>(
    (config, ReinforceOptimizer(optimizer)): &(ReinforceConfig, ReinforceOptimizer),
    task: &Task<'_>,
) -> Result<Learning<A>, ConfigError> {
    let task = TaskSpec::of(task, &config.net_arch)?;
    config.check(optimizer, &task)?;
    let agent = Box::new(Reinforce::<A>::new((config.clone(), optimizer.clone()), &task));
    Ok(Learning { agent, copies: None, about: None, warning: None })
}

impl ReinforceConfig {
    /// Refuses settings that go neither together nor with the task.
    fn check(&self, optimizer: &OptimizerConfig, task: &TaskSpec) -> Result<(), ConfigError> {
        let spec = &self.net_arch;
        refuse_batch_norm("net_arch", spec)?;
        check_normalization(self.normalize_observations, spec)?;
        Deviations::constant(self.log_std_init).check(spec, task)?;
        optimizer.check(("net_arch", spec, &critic_ends(task)), self.learning_rate)?;
        refuse_noise(ALGORITHM.name, spec)
    }
}

/// The REINFORCE agent, for choices (`usize`) or actions of a box (`[f32]`).
#[derive(Clone, Debug)]
pub struct Reinforce<A: PolicyActions + ?Sized> {
    config: ReinforceConfig,
    networks: ActorCritic<A>,
    steps: u64,
    /// Minibatches of the last episode that were learned from.
    made: u64,
    /// The weight of the next minibatch's first step.
    discount: f64,
    explained_variance: f64,
    /// The returns of the episode; empty until they are needed.
    returns: Vec<f32>,
    batch: Minibatch<A>,
    /// Buffers: the values of a minibatch, and `gamma^t`, or 1, of its steps.
    values: Vec<f32>,
    weights: Vec<f32>,
}

impl<A: PolicyActions + ?Sized> Reinforce<A> {
    /// A REINFORCE agent.
    ///
    /// # Panics
    /// If the network does not fit the task, or the space of its actions is of another kind.
    pub fn new((config, optimizer): (ReinforceConfig, OptimizerConfig), task: &TaskSpec) -> Self {
        let normalized = Normalized {
            observations: config.normalize_observations,
            rewards: config.normalize_rewards,
            gamma: config.gamma,
        };
        let form = (&config.net_arch, Deviations::constant(config.log_std_init), normalized);
        Self {
            networks: ActorCritic::new(form, false, &optimizer, (STEPS_MAX, 1), task),
            steps: 0,
            made: 0,
            discount: 1.0,
            explained_variance: 0.0,
            returns: Vec::new(),
            batch: Minibatch::default(),
            values: Vec::new(),
            weights: Vec::new(),
            config: ReinforceConfig {
                learning_rate: config.learning_rate.of_run(task.total_steps),
                ..config
            },
        }
    }

    /// The policy's network: logits of the choices, or means of the components of an action.
    pub fn policy(&self) -> &Network {
        self.networks.policy()
    }

    /// Gradient steps so far.
    pub fn updates(&self) -> u64 {
        self.networks.optimizer().updates()
    }

    /// The step that the schedule is at: those before the last episode.
    fn learning_rate(&self) -> f64 {
        self.config.learning_rate.at(self.steps.saturating_sub(self.networks.rollout.length as u64), 1)
    }

    /// An episode that is over is one that is being learned from.
    fn check_minibatches(&mut self) -> Result<(), SnapshotError> {
        self.returns.clear();
        let is_over = self.networks.rollout.is_over();
        if is_over == (self.made > 0) && (self.made == 0 || self.made < self.minibatches()) {
            return Ok(());
        }
        Err(SnapshotError::invalid("made", format!("{} minibatches are impossible here", self.made)))
    }

    /// The minibatches of the episode.
    fn minibatches(&self) -> u64 {
        let length = self.networks.rollout.length as u64;
        self.config.batch_size.map_or(1, |size| length.div_ceil(size))
    }

    /// Gathers the next minibatch, with the advantages of its actions over the present baseline.
    fn gather(&mut self) {
        let Self { config, networks, returns, batch, values, weights, discount, .. } = self;
        let length = networks.rollout.length;
        if returns.len() != length {
            networks.rollout.returns(config.gamma as f32, returns);
        }
        let size = config.batch_size.map_or(length, |size| size as usize);
        let first = self.made as usize * size;
        let steps: Vec<usize> = (first..length.min(first + size)).collect();
        batch.gather_steps(&networks.rollout, returns, &steps);
        batch.advantages.clone_from(&batch.returns);
        if config.baseline {
            networks.values(&batch.observations, values);
            batch.advantages.iter_mut().zip(&*values).for_each(|(advantage, value)| *advantage -= value);
            self.explained_variance = explained_variance(&batch.returns, values);
        }
        let gamma = if config.discount_states { config.gamma } else { 1.0 };
        weights.clear();
        for _ in &steps {
            weights.push(*discount as f32);
            *discount *= gamma;
        }
    }
}

/// Minus `sum_t w_t A_t ln pi(a_t|s_t)`, and its gradient with respect to the log-probabilities.
fn policy_gradient<A: PolicyActions + ?Sized>(
    batch: &Minibatch<A>,
    weights: &[f32],
    d_log_probs: &mut [f32],
) -> f32 {
    let mut sum = 0.0;
    for (t, d) in d_log_probs.iter_mut().enumerate() {
        let weight = weights[t] * batch.advantages[t];
        sum += weight * batch.log_probs[t];
        *d = -weight;
    }
    -sum
}

/// Half the sum of `(v - G)^2`, and its gradient with respect to the values.
fn baseline_error(values: &[f32], returns: &[f32], d_values: &mut [f32]) -> f32 {
    let mut sum = 0.0;
    for ((value, target), d) in values.iter().zip(returns).zip(d_values) {
        *d = value - target;
        sum += *d * *d / 2.0;
    }
    sum
}

impl<A: PolicyActions + ?Sized> Agent for Reinforce<A> {
    type Observation = [f32];
    type Action = A;

    fn act(&mut self, observations: &[f32], actions: &mut [ElementOf<A>]) {
        self.networks.act(observations, actions);
    }

    fn observe(&mut self, steps: &Steps<'_, [f32], A>) -> Result<u64, LearnError> {
        let is_over = self.networks.observe_episode(steps, self.config.baseline)?;
        self.steps += 1;
        Ok(if is_over { self.minibatches() } else { 0 })
    }

    fn update(&mut self) -> Result<Measurements, LearnError> {
        if !self.networks.rollout.is_over() {
            return Err(LearnError::NothingObserved);
        }
        self.gather();
        let (config, learning_rate) = (&self.config, self.learning_rate());
        let critic = if config.baseline { config.vf_coef as f32 } else { 0.0 };
        // Of the sum over the steps, as the other terms are.
        let entropy = config.ent_coef as f32 * self.weights.len() as f32;
        let losses = self.networks.step(
            learning_rate,
            &mut self.batch,
            Coefficients { entropy, critic },
            &mut |batch, d_log_probs| Some(policy_gradient(batch, &self.weights, d_log_probs)),
            &mut |batch, values, d_values| baseline_error(values, &batch.returns, d_values),
        )?;
        self.made += 1;
        if self.made == self.minibatches() {
            (self.made, self.discount) = (0, 1.0);
            self.networks.rollout.clear();
            self.returns.clear();
        }
        Ok(self.networks.measured(losses.expect("its loss asks for a step")))
    }

    fn model(&self) -> Model {
        self.networks.model()
    }

    fn start_from(&mut self, model: &Model) -> Result<(), String> {
        self.networks.start_from(model)
    }

    fn learns_values(&self) -> bool {
        false
    }

    fn diagnostics(&self) -> Measurements {
        Measurements::of(catalogue::LEARNING_RATE, self.learning_rate())
            .with(catalogue::EXPLAINED_VARIANCE, self.explained_variance)
            .with(catalogue::N_UPDATES, self.updates() as f64)
    }
}

snapshot! {
    impl[A: PolicyActions + ?Sized] Restorable for Reinforce<A> {
        saved: networks via Flat, steps via Counter, made via Counter, discount, explained_variance;
        built: config, returns, batch, values, weights;
        then: Self::check_minibatches;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experience::Transition;
    use crate::optimizer::OptimizerKind;
    use potstill_core::Streams;
    use potstill_nn::Ends;

    /// An agent of linear networks without weights on one number, by gradient descent with a step size of 0.5.
    fn agent(baseline: bool, discount_states: bool) -> Reinforce<usize> {
        let net_arch: NetworkSpec = "mlp".parse().unwrap();
        let config = ReinforceConfig {
            learning_rate: 0.5.into(),
            gamma: 0.5,
            baseline,
            discount_states,
            net_arch: net_arch.clone(),
            ..ReinforceConfig::default()
        };
        let optimizer = OptimizerConfig {
            optimizer: OptimizerKind::Sgd,
            momentum: 0.0,
            ..ReinforceOptimizer::default().0
        };
        let mut agent = Reinforce::new((config, optimizer), &TaskSpec::new(1, 2, 100, Streams::new(3)));
        agent.start_from(&Model::Network(net_arch.zeroed(&Ends::new(1, 2)))).unwrap();
        agent
    }

    /// Plays an episode of observations of 1 with these rewards; the actions.
    fn play(agent: &mut Reinforce<usize>, rewards: &[f64], terminated: bool) -> Vec<usize> {
        let (one, mut drawn) = ([1.0_f32], Vec::new());
        for (t, &reward) in rewards.iter().enumerate() {
            let mut action = [0];
            agent.act(&one, &mut action);
            let is_last = t + 1 == rewards.len();
            let step = Transition {
                observation: &one[..],
                action: &action[0],
                reward,
                next_observation: &one[..],
                terminated: is_last && terminated,
                truncated: is_last && !terminated,
            };
            assert_eq!(agent.observe(&Steps::of(&step)).unwrap(), u64::from(is_last));
            drawn.push(action[0]);
        }
        agent.update().unwrap();
        drawn
    }

    #[test]
    fn steps_by_hand() {
        let check = |discount_states: bool, weights: [f64; 3]| {
            let mut agent = agent(false, discount_states);
            let actions = play(&mut agent, &[2.0, 4.0, 8.0], true);
            // G = 2 + 0.5 (4 + 0.5 8), 4 + 0.5 8, 8; grad ln pi of the first choice is 1/2 or -1/2.
            let returns = [6.0, 8.0, 8.0];
            let gradient: f64 = (0..3).map(|t| weights[t] * returns[t] * [0.5, -0.5][actions[t]]).sum();
            let expected = [gradient, -gradient, gradient, -gradient].map(|g| (0.5 * g) as f32);
            assert_eq!(agent.policy().parameters(), expected, "{actions:?}");
        };
        check(false, [1.0; 3]);
        check(true, [1.0, 0.5, 0.25]);
    }

    #[test]
    fn the_return_of_a_truncated_episode_goes_on_with_the_baseline() {
        let mut agent = agent(true, false);
        agent.networks.set_critic(&[1.0, 1.0]);
        let actions = play(&mut agent, &[3.0, 4.0], false);
        // The baseline is 2: G = 3 + 0.5 (4 + 0.5 2) and 4 + 0.5 2; advantages of 3.5 and 3.
        let gradient: f32 = actions.iter().zip([3.5, 3.0]).map(|(&a, g)| g * [0.5, -0.5][a]).sum();
        assert_eq!(agent.policy().parameters()[0], 0.5 * gradient, "{actions:?}");
        // The sum of the errors is 6.5, half of it for each of two parameters of the baseline.
        assert_eq!(agent.networks.critic().parameters(), [4.25, 4.25]);
    }
}
