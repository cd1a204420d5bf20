//! PPO (Schulman et al. 2017): policy gradient that takes several epochs of minibatches from each rollout, with a clipped
//! ratio of probabilities, so that no sample pulls the policy far from the one that acted.
//!
//! Algorithm 1: all copies act for `n_steps` steps; advantages are estimated once (equation 11); then `n_epochs` of
//! minibatches ascend `L = E[min(r A, clip(r, 1 - e, 1 + e) A)] - c1 (V - G)^2 + c2 H` (equations 7 and 9), with
//! `r = pi(a|s) / pi_old(a|s)`. On-policy, online, model-free.
//!
//! Differences from the paper, and from its published implementations (Huang et al. 2022, "The 37 implementation details
//! of proximal policy optimization", by their numbers):
//! - 1, 2, 6, 7, 11: copies act together, weights are orthogonal (gains of the root of 2, 0.01 and 1), epochs are of
//!   shuffled minibatches, in which advantages are normalised, and one norm of the gradient of both networks is limited.
//! - 3: Adam's epsilon is 1e-5. 4: the step size is a key, and may fall: `linear:3e-4:0:run`; `clip_range` too.
//! - 5: an episode that is truncated bootstraps from the value of its true final observation, as in
//!   Stable-Baselines3; the original treats truncation as termination.
//! - 8 to 10: the critic's loss is the mean squared error times `vf_coef`, half of it in the original; it is clipped if
//!   `clip_range_vf` is given. `ent_coef` weighs the entropy.
//! - 12: clip fraction, KL and explained variance are recorded.
//! - 13: two networks of one form; `shared_trunk` makes two heads of one, as in CleanRL's agents of images.
//! - Continuous actions: a normal distribution with a deviation for each component that is a free parameter, or noise
//!   that depends on the state (`use_sde`); the density is that of the drawn action, and the box clips it for the
//!   environment alone. `normalize_observations` and `normalize_rewards` are keys.
//! - `target_kl` ends an update before the step that would go beyond 1.5 times of it, as in Stable-Baselines3.
//! - A last minibatch that is smaller than the others is learned from, as in Stable-Baselines3.
//! - Schedules are over the steps before the transitions of an update, so that the last update has a step size above 0.
//!
//! ```
//! use potstill::actor_critic::{Ppo, PpoConfig, PpoOptimizer};
//! use potstill::core::Streams;
//! use potstill::deep::TaskSpec;
//! use potstill::env::{Autoreset, registry::find};
//! use potstill::train::{Training, VecTrainer};
//!
//! let config = PpoConfig { num_envs: 4, n_steps: 8, batch_size: 16, n_epochs: 2, ..PpoConfig::default() };
//! let streams = Streams::new(1);
//! let agent = Ppo::<usize>::new((config, PpoOptimizer::default().0), &TaskSpec::new(4, 2, 1000, streams));
//! let envs = find("CartPole-v1")?.make_vec_features(4, Autoreset::SameStep).unwrap();
//! let mut trainer = VecTrainer::new(agent, envs, streams);
//! // Seven steps of four copies without an update; four minibatches with the eighth.
//! let updates: Vec<bool> = (0..8).map(|_| trainer.advance().unwrap()).collect();
//! assert_eq!((updates[6], updates[7], trainer.agent().updates()), (false, true, 4));
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
use crate::deep::task::{PASS_BYTES_MAX, check_pass, leftover, size, warning};
use crate::experience::{ElementOf, Steps};
use crate::metrics::catalogue;
use crate::model::Model;
use crate::optimizer::{InitKind, OptimizerConfig};
use crate::policy::Schedule;
use crate::targets::LambdaDecay;
use potstill_core::math::exp;
use potstill_core::snapshot::{Codec, Counter, Flat};
use potstill_core::{Pcg64, Snapshot, SnapshotError, Value, snapshot};
use potstill_nn::{Network, NetworkSpec};

settings! {
    /// The hyperparameters of PPO.
    pub struct PpoConfig {
        /// Step size of the optimiser, a number or a schedule over steps of the environment (those before the transitions of the
        /// update). Source: Stable-Baselines3
        learning_rate: Schedule = 3e-4, in NotNegative;
        /// Copies of the environment. Source: Stable-Baselines3
        num_envs: u64 = 1, in Copies;
        /// Steps of each copy between updates. Source: Stable-Baselines3
        n_steps: u64 = 2048, in Copies;
        /// Transitions of a minibatch; the last of an epoch may have fewer. Source: Stable-Baselines3
        batch_size: u64 = 64, in Batch;
        /// Epochs of an update over the collected transitions. Source: Stable-Baselines3
        n_epochs: u64 = 10, in StepCount;
        /// Discount. Source: Stable-Baselines3
        gamma: f64 = 0.99, in Unit;
        /// Decay lambda of the advantage estimates: 0 for the TD error, 1 for the return minus the value. Source:
        /// Stable-Baselines3
        gae_lambda: f64 = 0.95, in Unit;
        /// Distance from 1 at which ratios of probabilities are clipped, a number or a schedule like that of learning_rate. Source:
        /// Schulman et al. 2017, section 6.1
        clip_range: Schedule = 0.2, in NotNegative;
        /// Distance at which the critic's values are clipped from those before the update, if they are. Source: the code of
        /// Schulman et al. 2017, which used 0.2
        clip_range_vf: Option<f64> = None, in Positive;
        /// Subtracts the mean of a minibatch's advantages, and divides by their deviation. Source: Stable-Baselines3
        normalize_advantage: bool = true, in Any;
        /// Weight of the entropy, which is maximised. Source: Stable-Baselines3
        ent_coef: f64 = 0.0, in NotNegative;
        /// Weight of the critic's mean squared error. Source: Stable-Baselines3
        vf_coef: f64 = 0.5, in NotNegative;
        /// Estimated divergence KL(old || new), in nats, beyond 1.5 times of which an update ends, if it does. Source:
        /// Stable-Baselines3
        target_kl: Option<f64> = None, in Positive;
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
    /// The keys of the optimiser and the initial weights, with the defaults of PPO.
    PpoOptimizer: OptimizerConfig = OptimizerConfig {
        optimizer_eps: 1e-5,
        max_grad_norm: 0.5,
        initialization: InitKind::Orthogonal,
        ..OptimizerConfig::default()
    }
}

/// The descriptor.
pub const ALGORITHM: Algorithm = Algorithm {
    name: "ppo",
    family: "actor-critic",
    policy: Some(PolicyKind::On),
    data: DataKind::Online,
    is_model_based: Some(false),
    summary: "proximal policy optimisation: epochs of minibatches, with clipped ratios of probabilities",
    source: "Schulman et al. 2017, Algorithm 1",
    file: file!(),
    builder: Builder::Policy(|| recipe(build::<usize>), || recipe(build::<[f32]>)),
    presets: &[
        Preset { name: "zoo", text: include_str!("../../presets/ppo-zoo.toml") },
        Preset { name: "cleanrl", text: include_str!("../../presets/ppo-cleanrl.toml") },
    ],
    smoke: &[
        "env=CartPole-v1 steps=1200 net_arch=mlp:8:tanh num_envs=4 n_steps=32 batch_size=48 n_epochs=2 \
         clip_range_vf=0.2 ent_coef=0.01 learning_rate=linear:0.01:0:run eval_freq=400 eval_episodes=2",
        "env=Pendulum-v1 steps=600 net_arch=mlp:8 n_steps=64 batch_size=32 n_epochs=3 target_kl=0.001 \
         learning_rate=0.01 eval_freq=300 eval_episodes=2",
        "env=Pendulum-v1 steps=600 net_arch=mlp:8:tanh num_envs=2 n_steps=50 batch_size=40 n_epochs=2 use_sde=true \
         sde_sample_freq=7 log_std_init=-1.0 learning_rate=0.01 eval_freq=300 eval_episodes=2",
        "env=CartPole-v1 steps=600 net_arch=mlp:8:tanh shared_trunk=true num_envs=4 n_steps=32 batch_size=48 n_epochs=2 \
         clip_range_vf=0.2 ent_coef=0.01 normalize_observations=true learning_rate=0.01 eval_freq=200 eval_episodes=2",
    ],
};

fn build<A: PolicyActions + ?Sized>(
    (config, PpoOptimizer(optimizer)): &(PpoConfig, PpoOptimizer),
    task: &Task<'_>,
) -> Result<Learning<A>, ConfigError> {
    let collected = config.collected();
    let warning = warning(task, config.num_envs, collected, "num_envs x n_steps");
    let rest = leftover(task, collected).map_or(String::new(), |rest| format!("; {rest}"));
    let task = TaskSpec::of(task, &config.net_arch)?;
    config.check(optimizer, &task)?;
    let about = format!("{collected} transitions at a time, {}{rest}", size(config.rollout_bytes(&task)));
    let copies = Some(config.num_envs as usize);
    let agent = Box::new(Ppo::<A>::new((config.clone(), optimizer.clone()), &task));
    Ok(Learning { agent, copies, about: Some(about), warning })
}

impl PpoConfig {
    /// Transitions of an update.
    pub fn collected(&self) -> u64 {
        self.num_envs * self.n_steps
    }

    /// Minibatches of an update.
    fn minibatches(&self) -> u64 {
        self.n_epochs * self.collected().div_ceil(self.batch_size)
    }

    /// The memory of the transitions of an update, in bytes.
    fn rollout_bytes(&self, task: &TaskSpec) -> u64 {
        let numbers = task.inputs.count() + task.action_space.features() + 6;
        self.collected().saturating_mul(4 * numbers as u64 + 2)
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
        check_pass("batch_size", self.batch_size.min(self.collected()), (spec, &ends, 1))?;
        check_pass("num_envs", self.num_envs, (spec, &ends, 1))?;
        let bytes = self.rollout_bytes(task);
        let collected = self.collected();
        let last = collected % self.batch_size;
        if bytes > PASS_BYTES_MAX {
            let reason = format!("{collected} transitions at a time take {}; give fewer", size(bytes));
            return Err(ConfigError::value("n_steps", reason));
        }
        refuse_noise(ALGORITHM.name, spec)?;
        if self.normalize_advantage && (last == 1 || self.batch_size == 1) {
            let reason = format!(
                "num_envs x n_steps = {collected} transitions leave a minibatch of one, whose advantage cannot be normalised; give another, or normalize_advantage = false"
            );
            return Err(ConfigError::value("batch_size", reason));
        }
        Ok(())
    }
}

/// The PPO agent, for choices (`usize`) or actions of a box (`[f32]`).
#[derive(Clone, Debug)]
pub struct Ppo<A: PolicyActions + ?Sized> {
    config: PpoConfig,
    networks: ActorCritic<A>,
    steps: u64,
    shuffle: Pcg64,
    update: Update,
    /// Of the critic before the latest update.
    explained_variance: f64,
    batch: Minibatch<A>,
}

/// The learning from a complete rollout, minibatch by minibatch.
#[derive(Clone, Debug, Default)]
struct Update {
    /// Minibatches so far, of all epochs; 0 before and after.
    made: u64,
    /// True if the divergence has ended it.
    is_over: bool,
    estimates: Estimates,
    /// The order of the transitions in the epoch.
    order: Vec<usize>,
    /// The sums of the measurements of the gradient steps, and the number of these.
    sums: [f64; MEASURED.len()],
    steps: u64,
}

/// The measurements of a gradient step.
const MEASURED: [&str; 7] = [
    catalogue::LOSS,
    catalogue::POLICY_LOSS,
    catalogue::VALUE_LOSS,
    catalogue::ENTROPY,
    catalogue::APPROX_KL,
    catalogue::CLIP_FRACTION,
    catalogue::GRADIENT_NORM,
];

/// The codec of learning from that many transitions, which is saved only between two minibatches.
struct IfRunning(usize);

impl Codec<Update> for IfRunning {
    fn save(&self, update: &Update, name: &str, snapshot: &mut Snapshot) {
        if update.made > 0 {
            let Update { made, is_over, estimates, order, sums, steps } = update;
            let branch = Snapshot::new()
                .with("made", Value::U64(*made))
                .with("is_over", Value::Bool(*is_over))
                .with("order", Value::U64s(order.iter().map(|&i| i as u64).collect()))
                .with("sums", Value::F64s(sums.to_vec()))
                .with("steps", Value::U64(*steps))
                .with_part("estimates", estimates);
            snapshot.insert(name, Value::Tree(branch));
        }
    }

    fn load(&self, update: &mut Update, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        *update = Update::default();
        if snapshot.contains(name) {
            let branch = snapshot.tree(name)?;
            update.made = branch.counter("made")?;
            update.is_over = branch.bool("is_over")?;
            update.order = branch.indices("order", self.0, self.0)?;
            update.sums.copy_from_slice(branch.f64s("sums", MEASURED.len())?);
            update.steps = branch.counter("steps")?;
            update.estimates = Estimates::of_length(self.0);
            branch.restore_part("estimates", &mut update.estimates)?;
        }
        Ok(())
    }
}

/// The clipped surrogate objective of a minibatch.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Surrogate {
    /// Minus the objective, equation 7.
    loss: f32,
    /// An estimate of KL(old || new): the mean of `r - 1 - ln r` (Schulman 2020).
    approx_kl: f64,
    /// The share of ratios that are further than the clip range from 1.
    clip_fraction: f64,
}

/// Minus the mean of `min(r A, clip(r, 1 - e, 1 + e) A)`, and its gradient with respect to the log-probabilities.
fn clipped_surrogate(
    log_probs: &[f32],
    old_log_probs: &[f32],
    advantages: &[f32],
    clip_range: f32,
    d_log_probs: &mut [f32],
) -> Surrogate {
    let n = advantages.len() as f32;
    let (mut sum, mut divergence, mut clipped) = (0.0, 0.0, 0);
    let samples = log_probs.iter().zip(old_log_probs).zip(advantages).zip(d_log_probs);
    for (((new, old), advantage), d) in samples {
        let log_ratio = new - old;
        let ratio = exp(log_ratio);
        let bounded = ratio.clamp(1.0 - clip_range, 1.0 + clip_range);
        let (free, limited) = (ratio * advantage, bounded * advantage);
        sum += free.min(limited);
        // The derivative of the ratio with respect to its logarithm is the ratio.
        *d = if free <= limited { -free / n } else { 0.0 };
        divergence += f64::from(ratio) - 1.0 - f64::from(log_ratio);
        clipped += u32::from((ratio - 1.0).abs() > clip_range);
    }
    Surrogate {
        loss: -sum / n,
        approx_kl: divergence / f64::from(n),
        clip_fraction: f64::from(clipped) / f64::from(n),
    }
}

/// The mean of the larger of `(v - G)^2` and `(v' - G)^2`, with `v'` clipped to within `range` of the value before the
/// update, and its gradient with respect to the values.
fn clipped_squared_error(
    values: &[f32],
    old_values: &[f32],
    returns: &[f32],
    range: f32,
    d_values: &mut [f32],
) -> f32 {
    let n = values.len() as f32;
    let mut sum = 0.0;
    for (((v, old), g), d) in values.iter().zip(old_values).zip(returns).zip(d_values) {
        let (free, change) = ((v - g) * (v - g), v - old);
        let clipped = old + change.clamp(-range, range) - g;
        // Within the range both are the same but for rounding.
        let is_free = change.abs() <= range || free >= clipped * clipped;
        sum += if is_free { free } else { clipped * clipped };
        *d = if is_free { 2.0 * (v - g) / n } else { 0.0 };
    }
    sum / n
}

impl<A: PolicyActions + ?Sized> Ppo<A> {
    /// A PPO agent.
    ///
    /// # Panics
    /// If the network does not fit the task, or the space of its actions is of another kind.
    pub fn new((config, optimizer): (PpoConfig, OptimizerConfig), task: &TaskSpec) -> Self {
        let (learning_rate, clip_range) =
            (config.learning_rate.of_run(task.total_steps), config.clip_range.of_run(task.total_steps));
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
            shuffle: task.streams.stream("shuffle"),
            update: Update::default(),
            explained_variance: 0.0,
            batch: Minibatch::default(),
            config: PpoConfig { learning_rate, clip_range, ..config },
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

    /// Gradient steps so far.
    pub fn updates(&self) -> u64 {
        self.networks.optimizer().updates()
    }

    /// The step that schedules are at: those before the transitions of the running update.
    fn schedule_step(&self) -> u64 {
        self.steps.saturating_sub(self.config.collected())
    }

    /// A complete rollout is one that is being learned from.
    fn check_update(&mut self) -> Result<(), SnapshotError> {
        let made = self.update.made;
        if self.networks.rollout.is_complete() == (made > 0) && made < self.config.minibatches() {
            return Ok(());
        }
        Err(SnapshotError::invalid("update", format!("{made} minibatches of an update are impossible here")))
    }

    /// Trains on the next minibatch, and returns the measurements; none if the divergence ends the update.
    fn minibatch(&mut self) -> Result<Option<[f64; MEASURED.len()]>, LearnError> {
        let (config, at) = (&self.config, self.schedule_step());
        let (learning_rate, clip_range) =
            (config.learning_rate.at(at, 1), config.clip_range.at(at, 1) as f32);
        let (size, count) = (config.batch_size as usize, self.networks.rollout.size());
        let Update { made, estimates, order, .. } = &mut self.update;
        let first = *made as usize % count.div_ceil(size) * size;
        // Another epoch; a minibatch of all transitions has them in their order.
        if first == 0 && size < count {
            self.shuffle.shuffle(order);
        }
        self.batch.gather(&self.networks.rollout, estimates, &order[first..count.min(first + size)]);
        if config.normalize_advantage {
            self.batch.normalize_advantages();
        }
        let mut surrogate = None;
        let losses = self.networks.step(
            learning_rate,
            &mut self.batch,
            Coefficients { entropy: config.ent_coef as f32, critic: config.vf_coef as f32 },
            &mut |batch, d_log_probs| {
                let Minibatch { log_probs, old_log_probs, advantages, .. } = batch;
                let found = clipped_surrogate(log_probs, old_log_probs, advantages, clip_range, d_log_probs);
                surrogate = Some(found);
                let goes_on = config.target_kl.is_none_or(|target| found.approx_kl <= 1.5 * target);
                goes_on.then_some(found.loss)
            },
            &mut |batch, values, d_values| match config.clip_range_vf {
                None => squared_error(values, &batch.returns, d_values),
                Some(range) => {
                    let range = range as f32;
                    clipped_squared_error(values, &batch.old_values, &batch.returns, range, d_values)
                }
            },
        )?;
        Ok(losses.zip(surrogate).map(|(losses, surrogate)| {
            [
                f64::from(losses.total),
                f64::from(losses.policy),
                f64::from(losses.critic),
                f64::from(losses.entropy),
                surrogate.approx_kl,
                surrogate.clip_fraction,
                self.networks.optimizer().gradient_norm(),
            ]
        }))
    }
}

impl<A: PolicyActions + ?Sized> Agent for Ppo<A> {
    type Observation = [f32];
    type Action = A;

    fn act(&mut self, observations: &[f32], actions: &mut [ElementOf<A>]) {
        self.networks.act(observations, actions);
    }

    fn observe(&mut self, steps: &Steps<'_, [f32], A>) -> Result<u64, LearnError> {
        let decay = LambdaDecay { gamma: self.config.gamma as f32, lambda: self.config.gae_lambda as f32 };
        let is_complete = self.networks.observe(steps, decay, &mut self.update.estimates)?;
        self.steps += steps.copies() as u64;
        if !is_complete {
            return Ok(0);
        }
        self.explained_variance = self.update.estimates.explained_variance();
        let order = &mut self.update.order;
        order.clear();
        order.extend(0..self.networks.rollout.size());
        Ok(self.config.minibatches())
    }

    /// Once the divergence has ended an update, the calls that are left change nothing.
    fn update(&mut self) -> Result<Measurements, LearnError> {
        if !self.networks.rollout.is_complete() {
            return Err(LearnError::NothingObserved);
        }
        let measured = match self.update.is_over {
            true => None,
            false => self.minibatch()?,
        };
        let Update { made, is_over, sums, steps, .. } = &mut self.update;
        *made += 1;
        let measured = match measured {
            Some(measured) => {
                sums.iter_mut().zip(measured).for_each(|(sum, x)| *sum += x);
                *steps += 1;
                measured
            }
            // The mean of the gradient steps, which leaves it the mean of all calls.
            None => {
                *is_over = true;
                sums.map(|sum| sum / *steps as f64)
            }
        };
        if *made == self.config.minibatches() {
            (*made, *is_over, *steps) = (0, false, 0);
            sums.fill(0.0);
            self.networks.rollout.clear();
        }
        let mut all = Measurements::default();
        MEASURED.iter().zip(measured).for_each(|(name, x)| all.add(name, x));
        Ok(all)
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
        let at = self.schedule_step();
        Measurements::of(catalogue::LEARNING_RATE, self.config.learning_rate.at(at, 1))
            .with(catalogue::CLIP_RANGE, self.config.clip_range.at(at, 1))
            .with(catalogue::EXPLAINED_VARIANCE, self.explained_variance)
            .with(catalogue::N_UPDATES, self.updates() as f64)
    }
}

snapshot! {
    impl[A: PolicyActions + ?Sized] Restorable for Ppo<A> {
        saved: networks via Flat, steps via Counter, shuffle,
            update via IfRunning(config.collected() as usize), explained_variance;
        built: config, batch;
        then: Self::check_update;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actor_critic::{A2c, A2cConfig, A2cOptimizer};
    use crate::train::{Training, VecTrainer};
    use potstill_core::{Restorable, Streams};
    use potstill_env::{Autoreset, registry::find};

    #[test]
    fn surrogates_by_hand() {
        // Ratios of 1.5 and 0.5 with a clip range of 0.25.
        let (up, down) = (1.5_f32.ln(), 0.5_f32.ln());
        let check = |log_ratio: f32, advantage: f32, loss: f32, gradient: f32, clip_fraction: f64| {
            let mut d = [f32::NAN];
            let found = clipped_surrogate(&[log_ratio - 2.0], &[-2.0], &[advantage], 0.25, &mut d);
            assert!((found.loss - loss).abs() < 1e-6 && (d[0] - gradient).abs() < 1e-6, "{found:?} {d:?}");
            assert_eq!(found.clip_fraction, clip_fraction);
            let r = f64::from(log_ratio).exp();
            assert!((found.approx_kl - (r - 1.0 - r.ln())).abs() < 1e-6, "{found:?}");
        };
        // Better actions that are already more probable gain nothing more; worse ones that are, lose.
        check(up, 2.0, -2.5, 0.0, 1.0);
        check(up, -2.0, 3.0, 3.0, 1.0);
        check(down, 2.0, -1.0, -1.0, 1.0);
        check(down, -2.0, 1.5, 0.0, 1.0);
        check(0.0, 2.0, -2.0, -2.0, 0.0);
        check(0.0, -2.0, 2.0, 2.0, 0.0);
        // The mean over a minibatch.
        let mut d = [f32::NAN; 2];
        let found = clipped_surrogate(&[0.0, up], &[0.0; 2], &[2.0, 2.0], 0.25, &mut d);
        assert_eq!((found.loss, d, found.clip_fraction), (-2.25, [-1.0, 0.0], 0.5));
    }

    #[test]
    fn errors_of_the_critic_by_hand() {
        let check = |value: f32, old: f32, loss: f32, gradient: f32| {
            let mut d = [f32::NAN];
            assert_eq!((clipped_squared_error(&[value], &[old], &[4.0], 0.5, &mut d), d), (loss, [gradient]));
        };
        // Within the range it is the squared error; beyond it the larger of both errors, which has no gradient if it is the clipped one.
        check(3.25, 3.0, 0.5625, -1.5);
        check(5.0, 3.0, 1.0, 2.0);
        check(4.0, 3.0, 0.25, 0.0);
        let mut d = [f32::NAN; 2];
        assert_eq!((squared_error(&[3.0, 5.5], &[4.0; 2], &mut d), d), (1.625, [-1.0, 1.5]));
    }

    /// Huang et al. 2022, "A2C is a special case of PPO".
    #[test]
    fn one_epoch_of_one_minibatch_is_a2c_to_the_bit() {
        fn check<A: PolicyActions + ?Sized>(
            task: &TaskSpec,
            envs: impl Fn() -> potstill_env::registry::BoxVecEnv<f32, A>,
        ) {
            let optimizer = A2cOptimizer::default().0;
            let a2c = A2cConfig {
                num_envs: 4,
                learning_rate: 0.01.into(),
                ent_coef: 0.01,
                net_arch: "mlp:8:tanh".parse().unwrap(),
                ..A2cConfig::default()
            };
            let ppo = PpoConfig {
                num_envs: 4,
                learning_rate: 0.01.into(),
                ent_coef: 0.01,
                net_arch: "mlp:8:tanh".parse().unwrap(),
                n_steps: 5,
                batch_size: 20,
                n_epochs: 1,
                gae_lambda: 1.0,
                normalize_advantage: false,
                ..PpoConfig::default()
            };
            let mut a2c =
                VecTrainer::new(A2c::<A>::new((a2c, optimizer.clone()), task), envs(), task.streams);
            let mut ppo = VecTrainer::new(Ppo::<A>::new((ppo, optimizer), task), envs(), task.streams);
            for step in 0..200 {
                a2c.advance().unwrap();
                ppo.advance().unwrap();
                let parts = |snapshot: &Snapshot| {
                    let agent = snapshot.tree("agent").unwrap();
                    ["policy", "critic"].map(|part| agent.tree(part).unwrap().clone())
                };
                assert!(parts(&a2c.snapshot()) == parts(&ppo.snapshot()), "step {step}");
            }
        }
        let streams = Streams::new(7);
        let pole = find("CartPole-v1").unwrap();
        check::<usize>(&TaskSpec::new(4, 2, 1000, streams), || {
            pole.make_vec_features(4, Autoreset::SameStep).unwrap()
        });
        let pendulum = find("Pendulum-v1").unwrap();
        let task = TaskSpec { action_space: pendulum.action_space(), ..TaskSpec::new(3, 1, 1000, streams) };
        check::<[f32]>(&task, || pendulum.make_vec_control(4, Autoreset::SameStep).unwrap());
    }
}
