//! The agent that DDPG, TD3, SAC and CrossQ share: it acts in a bounded box, keeps what it sees in a replay
//! buffer, and makes the updates of its algorithm from minibatches of that.
//!
//! Actions are numbers from -1 to 1 inside, in replay and networks, and are scaled into the environment's box
//! outside, as in Stable-Baselines3. Order of events and clocks are those of [`Dqn`](crate::deep::Dqn): steps
//! of `train_freq` are counted for each copy, `learning_starts` for all together.
//!
//! ```
//! use potstill::actor_critic::{Sac, SacSettings};
//! use potstill::core::Streams;
//! use potstill::deep::TaskSpec;
//! use potstill::env::registry::find;
//! use potstill::train::{Trainer, Training};
//!
//! let pendulum = find("Pendulum-v1").unwrap();
//! let streams = Streams::new(1);
//! let task = TaskSpec { action_space: pendulum.action_space(), ..TaskSpec::new(3, 1, 120, streams) };
//! let mut settings = SacSettings::default();
//! settings.1.0.net_arch = "mlp:16".parse()?;
//! let agent = Sac::new(&settings, &task).unwrap();
//! let mut trainer = Trainer::new(agent, pendulum.make_control().unwrap(), streams);
//! while trainer.steps() < 120 {
//!     trainer.advance().unwrap();
//! }
//! // Random actions for a hundred steps, then an update after each.
//! assert_eq!(trainer.agent().updates(), 20);
//! # Ok::<(), potstill::nn::spec::SpecError>(())
//! ```

use super::critics::critic_ends;
use super::noise::{ActionNoise, NoiseConfig};
use crate::agent::{Agent, LearnError, Measurements, checked_rewards};
use crate::algorithm::{Learning, Task};
use crate::config::{ConfigError, Settings, other_defaults, refuse_batch_norm, settings, words};
use crate::deep::TaskSpec;
use crate::deep::task::{check_pass, size, warning};
use crate::experience::{ActionShape, Batch, ReplayBuffer, ReplayConfig, ReplayError, Steps};
use crate::metrics::catalogue;
use crate::model::{Bound, ControlPolicy, Model, from_unit, to_unit};
use crate::optimizer::OptimizerConfig;
use crate::policy::Schedule;
use potstill_core::snapshot::{Counter, Flat};
use potstill_core::{Pcg64, Restorable, Snapshot, snapshot};
use potstill_env::Space;
use potstill_nn::{Ends, Network, NetworkSpec};

words! {
    /// The unit of `train_freq`.
    pub enum TrainUnit: "step or episode" {
        /// Steps of each copy of the environment.
        Step = "step",
        /// Episodes of all copies together.
        Episode = "episode",
    }
}

settings! {
    /// The hyperparameters of learners of actions in a box from replay, with Stable-Baselines3's names and
    /// its defaults of SAC.
    pub struct OffPolicyConfig {
        /// Step size of the optimisers, a number or a schedule over steps of the environment (those before
        /// the `train_freq` steps of each copy that an update follows). Source: Stable-Baselines3
        learning_rate: Schedule = 3e-4, in NotNegative;
        /// Step size of the critics, and of a temperature, if it is another. Source: CleanRL
        critic_learning_rate: Option<Schedule> = None, in NotNegative;
        /// Capacity of the replay buffer, in transitions. Source: Stable-Baselines3
        buffer_size: u64 = 1_000_000, in AtLeastOne;
        /// Steps of uniformly random actions before learning, of all copies together. Source:
        /// Stable-Baselines3
        learning_starts: u64 = 100, in Any;
        /// Transitions per gradient step. Source: Stable-Baselines3
        batch_size: u64 = 256, in Batch;
        /// Discount. Source: Stable-Baselines3
        gamma: f64 = 0.99, in Unit;
        /// Polyak coefficient of the target networks. Source: Stable-Baselines3
        tau: f64 = 0.005, in PositiveUnit;
        /// Steps of each copy of the environment, or episodes, between updates. Source: Stable-Baselines3
        train_freq: u64 = 1, in AtLeastOne;
        /// Unit of train_freq. Source: Stable-Baselines3
        train_freq_unit: TrainUnit = TrainUnit::Step, in Any;
        /// Gradient steps of an update; 0 for as many as there were steps of all copies since the last.
        /// Source: Stable-Baselines3, where -1 means that
        gradient_steps: u64 = 1, in Count;
        /// Architecture of the policy's network, and of the critics'. Source: Stable-Baselines3
        net_arch: NetworkSpec = "mlp:256,256", in Any;
        /// Architecture of the critics' networks, if it is another
        critic_net_arch: Option<NetworkSpec> = None, in Any;
        /// Copies of the environment, stepped together
        num_envs: u64 = 1, in Copies;
        /// Gigabytes of observations beyond which they are stored in a file (in TMPDIR, or /var/tmp). A
        /// checkpoint still needs a copy in memory. Source: what many machines have to spare
        memory_limit: f64 = 4.0, in NotNegative;
    }
}

other_defaults! {
    /// The keys of the optimisers and the initial weights, without a limit of the gradient's norm, as in
    /// Stable-Baselines3.
    OffPolicyOptimizer: OptimizerConfig = OptimizerConfig {
        max_grad_norm: f64::INFINITY,
        ..OptimizerConfig::default()
    }
}

impl OffPolicyConfig {
    /// The architecture of the critics' networks.
    pub fn critic_arch(&self) -> &NetworkSpec {
        self.critic_net_arch.as_ref().unwrap_or(&self.net_arch)
    }

    /// The configuration of a run on this many recorded transitions, if there are any: all of them are kept, and each
    /// step is an update.
    fn of_data(self, transitions: Option<u64>) -> Self {
        let Some(buffer_size) = transitions else { return self };
        let train_freq_unit = TrainUnit::Step;
        let (learning_starts, train_freq, gradient_steps, num_envs) = (0, 1, 1, 1);
        Self { buffer_size, learning_starts, train_freq, train_freq_unit, gradient_steps, num_envs, ..self }
    }

    /// Steps of all copies between updates, if these are counted in steps.
    fn round(&self) -> u64 {
        self.train_freq.saturating_mul(self.num_envs)
    }

    fn replay<L: OffPolicyLearner>(&self, task: &TaskSpec) -> ReplayConfig {
        ReplayConfig {
            capacity: usize::try_from(self.buffer_size).unwrap_or(usize::MAX),
            copies: self.num_envs as usize,
            features: task.inputs.count(),
            frames: task.frames,
            is_bytes: task.is_bytes,
            actions: ActionShape::Continuous { width: task.action_space.features() },
            n_step: 1,
            gamma: self.gamma,
            alpha: None,
            keep_terminal: L::JOINT_BATCHES > 1,
            is_data: task.data.is_some(),
            memory_limit: (self.memory_limit * 1e9) as u64,
        }
    }

    /// The key that decides the form of the critics.
    pub(super) fn critic_key(&self) -> &'static str {
        if self.critic_net_arch.is_some() { "critic_net_arch" } else { "net_arch" }
    }

    /// Refuses settings of a learner that go neither together nor with the task.
    fn check<L: OffPolicyLearner>(
        &self,
        optimizer: &OptimizerConfig,
        task: &TaskSpec,
    ) -> Result<(), ConfigError> {
        if task.is_bytes {
            let reason = "has networks of features here, and the observations are images: ppo and a2c learn from those";
            return Err(ConfigError::value("net_arch", format!("{} {reason}", self.net_arch)));
        }
        let policy = Ends::new(task.inputs.count(), L::OUTPUTS * task.action_space.features());
        let rate = self.critic_learning_rate.unwrap_or(self.learning_rate);
        L::check_normalisation(self)?;
        let networks = [
            ("net_arch", &self.net_arch, policy, self.learning_rate, 1),
            (self.critic_key(), self.critic_arch(), critic_ends(task), rate, L::JOINT_BATCHES),
        ];
        for (key, spec, ends, rate, batches) in &networks {
            if spec.noisy || spec.dueling {
                let reason =
                    format!("{spec}: noise on weights and dueling are for values of discrete actions");
                return Err(ConfigError::value(key, reason));
            }
            optimizer.check((key, spec, ends), *rate)?;
            let samples = [("batch_size", batches * self.batch_size), ("num_envs", self.num_envs)];
            for (key, samples) in samples {
                check_pass(key, samples, (spec, ends, 1))?;
            }
        }
        let Self { buffer_size, batch_size, num_envs, .. } = *self;
        if buffer_size < batch_size.max(num_envs) {
            let needed = batch_size.max(num_envs);
            let reason = format!(
                "must hold at least {needed} transitions, a batch and a step of each copy, got {buffer_size}"
            );
            return Err(ConfigError::value("buffer_size", reason));
        }
        Ok(())
    }
}

/// Step sizes of an update.
#[derive(Clone, Copy, Debug)]
pub struct Rates<T = f64> {
    /// Of the policy.
    pub policy: T,
    /// Of the critics.
    pub critic: T,
}

/// The part of an agent that is an algorithm's own: its networks, how it acts, and its update.
pub trait OffPolicyLearner: Restorable + std::fmt::Debug + Send + Sized + 'static {
    /// Its settings, with those that all share.
    type Settings: Settings + Clone + Default;
    /// Outputs of the policy's network for a component of an action.
    const OUTPUTS: usize;
    /// Minibatches that pass through the critics together: 2 with the next states, whose batch normalisations
    /// see those of terminal states too.
    const JOINT_BATCHES: u64 = 1;

    /// The settings that all share.
    fn shared(settings: &Self::Settings) -> &OffPolicyConfig;

    /// The noise on actions.
    fn noise(settings: &Self::Settings) -> NoiseConfig;

    /// The keys of the optimisers.
    fn optimizer(settings: &Self::Settings) -> &OptimizerConfig;

    /// Refuses settings of its own that go neither together nor with the task.
    ///
    /// # Errors
    /// With the key and the reason.
    fn check(_: &Self::Settings, _: &TaskSpec) -> Result<(), ConfigError> {
        Ok(())
    }

    /// Refuses normalisations in the networks that the algorithm has no use for.
    ///
    /// # Errors
    /// If a network has one; the message names the key.
    fn check_normalisation(config: &OffPolicyConfig) -> Result<(), ConfigError> {
        refuse_batch_norm("net_arch", &config.net_arch)?;
        refuse_batch_norm(config.critic_key(), config.critic_arch())
    }

    /// A learner that has learned nothing.
    fn new(settings: &Self::Settings, task: &TaskSpec) -> Self;

    /// Writes an action for each observation, with components from -1 to 1.
    fn act(&mut self, observations: &[f32], rng: &mut Pcg64, units: &mut [f32]);

    /// The update of a minibatch, whose actions are from -1 to 1.
    ///
    /// # Errors
    /// If a loss or a gradient is not finite; that network is unchanged, and those that the update has not
    /// come to.
    fn learn(&mut self, batch: &Batch<[f32]>, rates: Rates) -> Result<Measurements, LearnError>;

    /// Gradient steps of the critics so far.
    fn updates(&self) -> u64;

    /// The age of the critics' target networks, and their drift, if there are any.
    fn lag(&self) -> Option<(u64, f64)>;

    /// The deterministic policy: outputs whose hyperbolic tangent is the action.
    fn policy(&self) -> Network;

    /// Takes over a deterministic policy of the same form.
    ///
    /// # Errors
    /// If its weights have taken in what the networks here do apart.
    fn copy_policy(&mut self, policy: &Network) -> Result<(), String>;

    /// Takes over saved critics, as [`Agent::take_over_critics`].
    fn take_over_critics(&mut self, _: &Snapshot, _: &NetworkSpec) -> bool {
        false
    }
}

/// An agent that learns a policy for a bounded box of actions from replay.
#[derive(Debug)]
pub struct OffPolicy<L> {
    config: OffPolicyConfig,
    learner: L,
    noise: ActionNoise,
    replay: ReplayBuffer<[f32]>,
    space: Space,
    steps: u64,
    /// Steps before those that are being collected for the next update, and before those of the last.
    began: u64,
    began_last: u64,
    /// Episodes that have ended since the last update.
    ended: u64,
    exploration: Pcg64,
    sampling: Pcg64,
    batch: Batch<[f32]>,
    /// Actions of a step, from -1 to 1.
    units: Vec<f32>,
}

snapshot! {
    impl[L: OffPolicyLearner] Restorable for OffPolicy<L> {
        saved: learner via Flat, noise via Flat, replay, steps via Counter, began via Counter,
            began_last via Counter, ended via Counter, exploration, sampling;
        built: config, space, batch, units;
    }
}

/// The lowest and the highest values of a box.
///
/// # Panics
/// If the space is none.
pub(crate) fn bounds(space: &Space) -> (&[f32], &[f32]) {
    let Space::Box { low, high } = space else { panic!("a box of actions, not {space}") };
    (low, high)
}

impl<L: OffPolicyLearner> OffPolicy<L> {
    /// The agent after all checks of its settings.
    ///
    /// # Errors
    /// If the settings go neither together nor with the task.
    pub(super) fn learning(settings: &L::Settings, task: &Task<'_>) -> Result<Learning<[f32]>, ConfigError> {
        let config = L::shared(settings).clone().of_data(task.transitions());
        check_bounds(task)?;
        let first = match config.train_freq_unit {
            TrainUnit::Step => (config.learning_starts / config.round() + 1).saturating_mul(config.round()),
            TrainUnit::Episode => config.learning_starts.saturating_add(1),
        };
        let warning = warning(task, config.num_envs, first, "learning_starts and train_freq");
        let task = TaskSpec::of(task, &config.net_arch)?;
        config.check::<L>(L::optimizer(settings), &task)?;
        L::check(settings, &task)?;
        let (bytes, in_file) = config.replay::<L>(&task).memory();
        let place = if in_file { ", observations in a file" } else { "" };
        let kind = if task.data.is_some() { "data" } else { "replay" };
        let about = format!("{kind}: {} transitions, {}{place}", config.buffer_size, size(bytes));
        let copies = (config.num_envs > 1).then_some(config.num_envs as usize);
        let agent = Self::new(settings, &task)
            .map_err(|error| ConfigError::value("buffer_size", error.to_string()))?;
        Ok(Learning { agent: Box::new(agent), copies, about: Some(about), warning })
    }

    /// An agent with these settings.
    ///
    /// # Errors
    /// If there is not enough memory for the buffer.
    ///
    /// # Panics
    /// If the space of actions is not a bounded box, or a network does not fit.
    pub fn new(settings: &L::Settings, task: &TaskSpec) -> Result<Self, ReplayError> {
        let TaskSpec { action_space, total_steps, streams, .. } = task;
        let (low, high) = bounds(action_space);
        assert!(low.iter().zip(high).all(|(low, high)| (high - low).is_finite()), "a bounded box");
        let config = L::shared(settings).clone().of_data(task.data);
        let of_run = |schedule: Schedule| schedule.of_run(*total_steps);
        let copies = config.num_envs as usize;
        Ok(Self {
            learner: L::new(settings, task),
            noise: ActionNoise::new(L::noise(settings), copies, low.len()),
            replay: ReplayBuffer::new(config.replay::<L>(task))?,
            space: action_space.clone(),
            steps: 0,
            began: 0,
            began_last: 0,
            ended: 0,
            exploration: streams.stream("exploration"),
            sampling: streams.stream("replay"),
            batch: Batch::default(),
            units: Vec::new(),
            config: OffPolicyConfig {
                learning_rate: of_run(config.learning_rate),
                critic_learning_rate: config.critic_learning_rate.map(of_run),
                ..config
            },
        })
    }

    /// The networks.
    pub fn learner(&self) -> &L {
        &self.learner
    }

    /// Gradient steps of the critics so far.
    pub fn updates(&self) -> u64 {
        self.learner.updates()
    }

    /// The step sizes after so many steps.
    fn rates(&self, steps: u64) -> Rates {
        let OffPolicyConfig { learning_rate, critic_learning_rate, .. } = self.config;
        Rates {
            policy: learning_rate.at(steps, 1),
            critic: critic_learning_rate.unwrap_or(learning_rate).at(steps, 1),
        }
    }
}

/// Replaces the content of `units` by the numbers from -1 to 1 that stand for actions of a box.
pub(crate) fn to_units(space: &Space, actions: &[f32], units: &mut Vec<f32>) {
    let (low, high) = bounds(space);
    units.clear();
    for action in actions.chunks_exact(low.len()) {
        let bounds = low.iter().zip(high);
        units.extend(action.iter().zip(bounds).map(|(&a, (&low, &high))| to_unit(a, low, high)));
    }
}

/// Replaces numbers from -1 to 1 by the actions of a box that they stand for.
pub(crate) fn from_units(space: &Space, units: &mut [f32]) {
    let (low, high) = bounds(space);
    for action in units.chunks_exact_mut(low.len()) {
        let bounds = low.iter().zip(high);
        action.iter_mut().zip(bounds).for_each(|(a, (&low, &high))| *a = from_unit(*a, low, high));
    }
}

/// Refuses a box of actions that has no scale.
pub(crate) fn check_bounds(task: &Task<'_>) -> Result<(), ConfigError> {
    let space = task.spec.action_space();
    let (low, high) = bounds(&space);
    let unbounded = low.iter().zip(high).position(|(low, high)| !(high - low).is_finite());
    unbounded.map_or(Ok(()), |i| {
        let (name, id) = (task.algorithm, &task.spec.id);
        Err(ConfigError::Usage(format!(
            "`{name}` needs actions within bounds; component {i} of those of {id} is from {} to {}",
            low[i], high[i]
        )))
    })
}

impl<L: OffPolicyLearner> Agent for OffPolicy<L> {
    type Observation = [f32];
    type Action = [f32];

    fn act(&mut self, observations: &[f32], actions: &mut [f32]) {
        let Self { learner, noise, exploration, .. } = self;
        if self.steps < self.config.learning_starts {
            actions.iter_mut().for_each(|unit| *unit = exploration.uniform(-1.0, 1.0) as f32);
        } else {
            learner.act(observations, exploration, actions);
            noise.add(exploration, actions);
        }
        from_units(&self.space, actions);
    }

    fn observe(&mut self, steps: &Steps<'_, [f32], [f32]>) -> Result<u64, LearnError> {
        self.store(steps)?;
        for (copy, (&terminated, &truncated)) in steps.terminated.iter().zip(steps.truncated).enumerate() {
            if terminated || truncated {
                self.noise.reset(copy);
                self.ended += 1;
            }
        }
        Ok(self.tick())
    }

    fn store(&mut self, steps: &Steps<'_, [f32], [f32]>) -> Result<(), LearnError> {
        checked_rewards(steps.rewards)?;
        to_units(&self.space, steps.actions, &mut self.units);
        self.replay.push(&Steps { actions: &self.units, ..*steps });
        Ok(())
    }

    fn tick(&mut self) -> u64 {
        self.steps += self.config.num_envs;
        let is_due = match self.config.train_freq_unit {
            TrainUnit::Step => self.steps - self.began >= self.config.round(),
            TrainUnit::Episode => self.ended >= self.config.train_freq,
        };
        if !is_due {
            return 0;
        }
        let collected = self.steps - self.began;
        (self.began_last, self.began, self.ended) = (self.began, self.steps, 0);
        let OffPolicyConfig { learning_starts, gradient_steps, .. } = self.config;
        if self.steps <= learning_starts {
            return 0;
        }
        if gradient_steps == 0 { collected } else { gradient_steps }
    }

    fn update(&mut self) -> Result<Measurements, LearnError> {
        if self.replay.is_empty() {
            return Err(LearnError::NothingObserved);
        }
        self.replay.sample(self.config.batch_size as usize, &mut self.sampling, &mut self.batch);
        let rates = self.rates(self.began_last);
        self.learner.learn(&self.batch, rates)
    }

    fn model(&self) -> Model {
        Model::Control(ControlPolicy::new(self.learner.policy(), &self.space))
    }

    fn start_from(&mut self, model: &Model) -> Result<(), String> {
        let (Model::Control(own), Model::Control(theirs)) = (self.model(), model) else {
            return Err(model.misfit(&self.model()));
        };
        let parts = |policy: &ControlPolicy| {
            let network = policy.network();
            (policy.low().to_vec(), policy.high().to_vec(), network.spec().clone(), *network.ends())
        };
        if parts(&own) != parts(theirs) || theirs.bound() != Bound::Squashed {
            return Err(model.misfit(&self.model()));
        }
        self.learner.copy_policy(theirs.network())
    }

    fn take_over_critics(&mut self, saved: &Snapshot, spec: &NetworkSpec) -> bool {
        self.learner.take_over_critics(saved, spec)
    }

    fn learns_values(&self) -> bool {
        false
    }

    fn diagnostics(&self) -> Measurements {
        let rate = self.rates(self.steps).policy;
        let measured = match self.learner.lag() {
            Some((age, drift)) => Measurements::of(catalogue::TEACHER_STALENESS, age as f64)
                .with(catalogue::TEACHER_DISTANCE, drift)
                .with(catalogue::LEARNING_RATE, rate),
            None => Measurements::of(catalogue::LEARNING_RATE, rate),
        };
        measured.with(catalogue::N_UPDATES, self.updates() as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actor_critic::{CrossQ, CrossQSettings, Ddpg, DdpgSettings, Sac, SacSettings};
    use crate::experience::Transition;
    use potstill_core::Streams;

    fn task(high: f32) -> TaskSpec {
        let action_space = Space::uniform(2, -1.0, high);
        TaskSpec { action_space, ..TaskSpec::new(3, 2, 1000, Streams::new(1)) }
    }

    fn settings() -> (DdpgSettings, SacSettings) {
        let (mut ddpg, mut sac) = (DdpgSettings::default(), SacSettings::default());
        for config in [&mut ddpg.0.0, &mut sac.1.0] {
            config.net_arch = "mlp:6".parse().unwrap();
            (config.buffer_size, config.batch_size, config.learning_starts) = (300, 4, 5);
        }
        (ddpg, sac)
    }

    #[test]
    fn a_policy_is_taken_over_and_one_of_another_box_is_refused() {
        let (ddpg, sac) = settings();
        let other_streams = TaskSpec { streams: Streams::new(2), ..task(1.0) };
        let model = Ddpg::new(&ddpg, &other_streams).unwrap().model();
        let (mut same, mut soft) =
            (Ddpg::new(&ddpg, &task(1.0)).unwrap(), Sac::new(&sac, &task(1.0)).unwrap());
        assert!(same.model() != model && soft.model() != model);
        // Both are outputs before a hyperbolic tangent.
        same.start_from(&model).unwrap();
        soft.start_from(&model).unwrap();
        assert!(same.model() == model && soft.model() == model);
        assert_eq!(same.learner().targets()[0], same.learner().policy_network());
        // CrossQ's policy too, if it is not normalised by batches: a model has that in its weights.
        let mut own = CrossQSettings::default();
        let config = &mut own.1.1.0.0;
        (config.net_arch, config.buffer_size) = ("mlp:6".parse().unwrap(), 300);
        config.critic_net_arch = Some("mlp:6:batchrenorm".parse().unwrap());
        let mut plain = CrossQ::new(&own, &task(1.0)).unwrap();
        plain.start_from(&model).unwrap();
        assert!(plain.model() == model);
        own.1.1.0.0.net_arch = "mlp:6:batchrenorm".parse().unwrap();
        let reason = CrossQ::new(&own, &task(1.0)).unwrap().start_from(&model).unwrap_err();
        assert!(reason.starts_with("a model has batch normalisation in its weights"), "{reason}");
        let reason = Ddpg::new(&ddpg, &task(2.0)).unwrap().start_from(&model).unwrap_err();
        assert!(reason.starts_with("it has learned a policy for a box of 2 actions"), "{reason}");
    }

    #[test]
    fn updates_are_due_by_steps_or_by_episodes() {
        let due = |change: fn(&mut OffPolicyConfig)| -> Vec<u64> {
            let (mut ddpg, _) = settings();
            change(&mut ddpg.0.0);
            let mut agent = Ddpg::new(&ddpg, &task(1.0)).unwrap();
            let step = |t: u64| {
                let step = Transition {
                    observation: &[0.1, 0.2, 0.3][..],
                    action: &[0.5, -0.5][..],
                    reward: 1.0,
                    next_observation: &[0.2, 0.3, 0.4][..],
                    terminated: t % 4 == 2,
                    truncated: t % 4 == 2,
                };
                agent.observe(&Steps::of(&step)).unwrap()
            };
            (0..12).map(step).collect()
        };
        // Five steps of random actions come first.
        assert_eq!(due(|_| {}), [0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1]);
        let every_third = |config: &mut OffPolicyConfig| (config.train_freq, config.gradient_steps) = (3, 0);
        assert_eq!(due(every_third), [0, 0, 0, 0, 0, 3, 0, 0, 3, 0, 0, 3]);
        // Episodes end after steps 3, 7 and 11; the first is before the sixth step.
        let by_episode = |config: &mut OffPolicyConfig| {
            (config.train_freq_unit, config.gradient_steps) = (TrainUnit::Episode, 0);
        };
        assert_eq!(due(by_episode), [0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 4, 0]);
    }

    #[test]
    fn actions_are_those_of_the_box_and_kept_as_units() {
        let (ddpg, _) = settings();
        let mut agent = Ddpg::new(&ddpg, &task(3.0)).unwrap();
        let step = Transition {
            observation: &[0.1, 0.2, 0.3][..],
            action: &[1.0, 3.0][..],
            reward: 1.0,
            next_observation: &[0.2, 0.3, 0.4][..],
            terminated: false,
            truncated: false,
        };
        agent.observe(&Steps::of(&step)).unwrap();
        let mut batch = Batch::default();
        agent.replay.sample(1, &mut Pcg64::new(1), &mut batch);
        assert_eq!(batch.actions, [0.0, 1.0]);
        let mut actions = vec![0.0; 2000];
        agent.act(&[0.0; 3000], &mut actions);
        assert!(actions.iter().all(|a| (-1.0..=3.0).contains(a)));
        let mean = actions.iter().sum::<f32>() / 2000.0;
        // Uniform from -1 to 3; the standard error is 4 / sqrt(12 x 2000) = 0.026.
        assert!((mean - 1.0).abs() < 0.13, "{mean}");
    }
}
