//! DQN (Mnih et al. 2015): Q-learning with a network, a replay buffer and a target network; and the agent
//! that its variants share.
//!
//! Algorithm 1: act epsilon-greedily on `Q(s, a; theta)`; store the transition; sample a minibatch from the replay; regress
//! `Q(s, a; theta)` to `y = r + gamma max_a' Q(s', a'; theta-)`, `y = r` after a terminal state; every `C` steps
//! `theta- = theta`. Off-policy, online, model-free.
//!
//! Each extension has a switch of its own:
//!
//! | key | effect | paper |
//! |---|---|---|
//! | `double` | the online network selects the next action, the target network evaluates it | van Hasselt, Guez and Silver 2016 |
//! | `dueling` | the output is the sum of a state value and of the actions' advantages | Wang et al. 2016 |
//! | `prioritized` | replay samples by TD error, with importance-sampling weights | Schaul et al. 2016 |
//! | `n_step` | n-step returns before the bootstrap | Sutton 1988; Hessel et al. 2018 |
//! | `noisy` | noise on the weights explores, instead of epsilon | Fortunato et al. 2018 |
//! | `munchausen` | a soft policy, and a bonus of its log-probability of the action taken | Vieillard, Pietquin and Geist 2020 |
//!
//! Differences from the papers:
//! - Adam instead of RMSProp by default, and a multilayer perceptron on features instead of convolutions on
//!   frames, as in Stable-Baselines3, whose names and order of events (collect `train_freq` steps, then make
//!   `gradient_steps` updates) the hyperparameters follow.
//! - With several copies of the environment, the clocks are Stable-Baselines3's: `train_freq` counts the steps of each copy,
//!   `learning_starts` those of all together, and a refresh of the target network comes every
//!   `max(target_update_interval / num_envs, 1)` steps of each. There one draw makes all copies explore or none, here each
//!   has its own; and there a falling step size is that after the steps that an update follows, here that before them.
//! - The Huber loss for the paper's "error clipping" (Methods, p. 7), which has the same gradient.
//! - A truncated episode bootstraps from its true final observation; the paper's games have no time limit
//!   during training.
//! - With `tau` below 1 the teacher moves by `theta- += tau (theta - theta-)` (Lillicrap et al. 2016) instead of copying.
//! - Importance-sampling weights are divided by the largest of their batch, not of the whole buffer.
//! - With `munchausen` and n-step returns, only the first reward has the bonus; with `double`, the next
//!   policy is the online network's.
//! - The online network's noise of a gradient step is shared by action selection in `double` and by learning;
//!   all copies of the environment share the noise of a step.
//! - Adam's epsilon is PyTorch's, here and in the agents of other papers, unless `optimizer_eps` is given.
//! - The gradient of the dueling streams is not scaled by `1 / sqrt(2)` where they join (Wang et al. 2016,
//!   section 4.2).
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::deep::{Dqn, DqnConfig};
//!
//! let config = DqnConfig { net_arch: "mlp:32".parse()?, double: true, ..DqnConfig::default() };
//! let agent = Dqn::new(config, 4, 2, 50_000, Streams::new(1));
//! // At first target and online network are equal.
//! assert_eq!(agent.target().distance(agent.online()), Some(0.0));
//! # Ok::<(), potstill::nn::spec::SpecError>(())
//! ```

use super::normalizer::{Normalizer, SCALED_ALREADY};
use super::objective::Objective;
use super::task::{TaskSpec, check_pass, size, warning};
use super::update::{Update, UpdateBuffers};
use crate::agent::{Agent, LearnError, Measurements, checked_rewards};
use crate::algorithm::{Algorithm, Builder, DataKind, Learning, PolicyKind, Preset, Task, recipe};
use crate::config::{ConfigError, refuse_batch_norm, settings};
use crate::experience::{ActionShape, Batch, ReplayBuffer, ReplayConfig, ReplayError, Steps};
use crate::metrics::catalogue;
use crate::model::Model;
use crate::optimizer::{GuardedStep, OptimizerConfig};
use crate::policy::{Policy, Schedule, Span};
use crate::targets::{self, Munchausen, MunchausenValues};
use crate::teacher::Teacher;
use potstill_core::snapshot::{Codec, Counter, Field, IfPresent};
use potstill_core::{Pcg64, Snapshot, SnapshotError, Streams, Value, snapshot};
use potstill_nn::loss::{Chosen, Regression, regression_at};
use potstill_nn::{Ends, Network, NetworkSpec, Workspace};

settings! {
    /// The hyperparameters of DQN, with Stable-Baselines3's names. A number becomes a schedule by `into`, and
    /// text a network by `parse`: `learning_rate: 1e-3.into()`, `net_arch: "mlp:64".parse()?`.
    pub struct DqnConfig {
        /// Step size of the optimiser, a number or a schedule over steps of the environment (those before the
        /// `train_freq` steps of each copy that an update follows). Source: Stable-Baselines3
        learning_rate: Schedule = 1e-4, in NotNegative;
        /// Capacity of the replay buffer, in transitions. Source: Stable-Baselines3
        buffer_size: u64 = 1_000_000, in AtLeastOne;
        /// Steps of uniformly random behaviour before learning, of all copies together. Source:
        /// Stable-Baselines3
        learning_starts: u64 = 100, in Any;
        /// Transitions per gradient step. Source: Stable-Baselines3
        batch_size: u64 = 32, in Batch;
        /// Discount. Source: Stable-Baselines3
        gamma: f64 = 0.99, in Unit;
        /// Steps of each copy of the environment between updates. Source: Stable-Baselines3
        train_freq: u64 = 4, in AtLeastOne;
        /// Gradient steps of an update; 0 for as many as there were steps of all copies since the last. Source:
        /// Stable-Baselines3, where -1 means that
        gradient_steps: u64 = 1, in Count;
        /// Steps of all copies between refreshes of the target network, rounded down to whole steps of each, of which
        /// there is at least one. Source: Stable-Baselines3
        target_update_interval: u64 = 10_000, in AtLeastOne;
        /// Polyak coefficient of a refresh: 1 copies the online network. Source: Mnih et al. 2015, Algorithm
        /// 1
        tau: f64 = 1.0, in PositiveUnit;
        /// Fraction of the run over which the exploration rate falls. Source: Stable-Baselines3
        exploration_fraction: f64 = 0.1, in Unit, needs Is("noisy", &["false"]), needs Lacks("net_arch", ":noisy");
        /// Probability of exploring at the start. Source: Mnih et al. 2015, Extended Data Table 1
        exploration_initial_eps: f64 = 1.0, in Unit, needs Is("noisy", &["false"]), needs Lacks("net_arch", ":noisy"), needs Above("exploration_fraction", 0);
        /// Probability of exploring after that. Source: Stable-Baselines3
        exploration_final_eps: f64 = 0.05, in Unit, needs Is("noisy", &["false"]), needs Lacks("net_arch", ":noisy");
        /// Network architecture, such as mlp:256,256, mlp:64,64:tanh:layernorm or cnn:16x3,128. Source:
        /// Stable-Baselines3
        net_arch: NetworkSpec = "mlp:64,64", in Any;
        /// Threshold of the Huber loss between quadratic and linear, of objectives that learn means; 0 for
        /// the squared error. Source: Mnih et al. 2015, Methods
        huber_delta: f64 = 1.0, in NotNegative;
        /// Selects the next action with the online network (double DQN). Source: van Hasselt, Guez and Silver
        /// 2016
        double: bool = false, in Any;
        /// Splits the network into state value and advantages (dueling). Source: Wang et al. 2016
        dueling: bool = false, in Any;
        /// Samples the replay buffer by TD error (prioritized replay). Source: Schaul et al. 2016
        prioritized: bool = false, in Any;
        /// Exponent of TD errors as priorities. Source: Schaul et al. 2016, table 3, proportional
        prioritized_alpha: f64 = 0.6, in Unit, needs Is("prioritized", &["true"]);
        /// Exponent of importance-sampling weights at the start; it rises to 1 over the run. Source: Schaul
        /// et al. 2016, table 3
        prioritized_beta: f64 = 0.4, in Unit, needs Is("prioritized", &["true"]);
        /// Rewards in a return before it bootstraps. Source: Mnih et al. 2015
        n_step: u64 = 1, in StepCount;
        /// Explores by noise on the weights instead of epsilon (noisy networks). Source: Fortunato et al. 2018
        noisy: bool = false, in Any;
        /// Adds the scaled log-policy to rewards, and its entropy to targets (Munchausen). Source: Vieillard,
        /// Pietquin and Geist 2020
        munchausen: bool = false, in Any;
        /// Weight alpha of the scaled log-policy. Source: Vieillard, Pietquin and Geist 2020, table 1
        munchausen_alpha: f64 = 0.9, in Unit, needs Is("munchausen", &["true"]);
        /// Temperature tau of the policy. Source: Vieillard, Pietquin and Geist 2020, table 1
        munchausen_temperature: f64 = 0.03, in Positive, needs Is("munchausen", &["true"]);
        /// Lower bound of the log-policy times the temperature: this far below 0. Source: Vieillard, Pietquin
        /// and Geist 2020, table 1
        munchausen_clip: f64 = 1.0, in Positive, needs Is("munchausen", &["true"]);
        /// Normalises observations by their running mean and standard deviation, which is at least a tenth of the
        /// largest distance from the mean. The saved model has the last of these in its first layer, and takes raw
        /// observations. Source: Stable-Baselines3's VecNormalize, which clips at 10 deviations instead
        normalize_observations: bool = false, in Any;
        /// Copies of the environment, stepped together
        num_envs: u64 = 1, in Copies;
        /// Gigabytes of observations beyond which they are stored in a file (in TMPDIR, or /var/tmp). A
        /// checkpoint still needs a copy in memory. Source: what many machines have to spare
        memory_limit: f64 = 4.0, in NotNegative;
    }
}

/// The descriptor.
pub const ALGORITHM: Algorithm = Algorithm {
    name: "dqn",
    family: "deep",
    policy: Some(PolicyKind::Off),
    data: DataKind::Both,
    is_model_based: Some(false),
    summary: "Q-learning with a network, a replay buffer and a target network as teacher",
    source: "Mnih et al. 2015, Algorithm 1",
    file: file!(),
    builder: Builder::Features(|| recipe(build)),
    presets: &[
        Preset { name: "zoo", text: include_str!("../../presets/dqn-zoo.toml") },
        Preset { name: "cleanrl", text: include_str!("../../presets/dqn-cleanrl.toml") },
        Preset { name: "minatar", text: include_str!("../../presets/dqn-minatar.toml") },
    ],
    smoke: &[
        "env=CartPole-v1 steps=1300 net_arch=mlp:16 learning_starts=100 train_freq=8 \
         gradient_steps=4 buffer_size=500 target_update_interval=30 eval_freq=400 \
         eval_episodes=2",
        "env=CartPole-v1 steps=1200 net_arch=mlp:9,8:tanh:layernorm learning_starts=100 \
         train_freq=8 gradient_steps=2 buffer_size=400 target_update_interval=10 \
         eval_freq=400 eval_episodes=2 double=true prioritized=true n_step=3 noisy=true dueling=true \
         normalize_observations=true learning_rate=linear:0.01:0:1200 optimizer=radam",
        "env=Acrobot-v1 steps=900 net_arch=mlp:16 learning_starts=100 train_freq=6 \
         gradient_steps=0 buffer_size=301 target_update_interval=30 eval_freq=0 munchausen=true num_envs=3 \
         optimizer=rmsprop clip_grad_value=0.5",
        "env=MinAtar/Breakout-v1:frame_stack=2 steps=600 net_arch=cnn:4x3,16 \
         learning_starts=100 train_freq=4 gradient_steps=1 buffer_size=300 \
         target_update_interval=10 eval_freq=0 num_envs=2 memory_limit=0 tau=0.1 optimizer=sgd",
        "env=MinAtar/Freeway-v1 steps=300 net_arch=cnn:4x3,max2,16 learning_starts=100 \
         train_freq=4 gradient_steps=1 buffer_size=300 target_update_interval=10 eval_freq=0 \
         initialization=orthogonal",
        "env=CartPole-v1 data=random:400 steps=300 net_arch=mlp:8 batch_size=16 train_freq=1 \
         target_update_interval=1 tau=0.05 prioritized=true n_step=2 eval_freq=100 eval_episodes=2",
    ],
};

fn build(
    (config, optimizer): &(DqnConfig, OptimizerConfig),
    task: &Task<'_>,
) -> Result<Learning<usize>, ConfigError> {
    Dqn::learning(Objective::MEAN, (config.clone(), optimizer.clone()), task)
}

impl DqnConfig {
    /// The network architecture, with the switches that change it.
    pub fn network(&self) -> NetworkSpec {
        let mut spec = self.net_arch.clone();
        spec.dueling |= self.dueling;
        spec.noisy |= self.noisy;
        spec
    }

    /// The Munchausen hyperparameters, if it is switched on.
    fn munchausen(&self) -> Option<Munchausen> {
        self.munchausen.then_some(Munchausen {
            alpha: self.munchausen_alpha as f32,
            temperature: self.munchausen_temperature as f32,
            clip: -self.munchausen_clip as f32,
        })
    }

    /// Inputs and outputs of the network for an objective.
    pub fn ends(&self, objective: &Objective, task: &TaskSpec) -> Ends {
        Ends { inputs: task.inputs, choices: task.actions, head: objective.head() }
    }

    /// Refuses settings that go neither together nor with the task.
    fn check(
        &self,
        objective: &Objective,
        optimizer: &OptimizerConfig,
        task: &TaskSpec,
    ) -> Result<(), ConfigError> {
        let (spec, ends) = (self.network(), self.ends(objective, task));
        refuse_batch_norm("net_arch", &spec)?;
        optimizer.check(("net_arch", &spec, &ends), self.learning_rate)?;
        for (key, samples) in [("batch_size", self.batch_size), ("num_envs", self.num_envs)] {
            check_pass(key, samples, (&spec, &ends, objective.taus()))?;
        }
        let Self { buffer_size, batch_size, n_step, num_envs, .. } = *self;
        let (key, reason) = if buffer_size < batch_size {
            ("buffer_size", format!("must hold at least a batch of {batch_size}, got {buffer_size}"))
        } else if buffer_size / num_envs < n_step {
            let needed = format!("{n_step} steps of each of {num_envs} copies at least");
            ("buffer_size", format!("must hold {needed}, got {buffer_size}"))
        } else if self.munchausen && objective.distribution().is_some() {
            ("munchausen", "is a target of means, and is for dqn only".to_owned())
        } else if self.normalize_observations && !spec.stages.is_empty() {
            ("normalize_observations", "is for features; images are on one scale already".to_owned())
        } else {
            return Ok(());
        };
        Err(ConfigError::value(key, reason))
    }

    /// The configuration of a run on this many recorded transitions, if there are any: all of them are kept, and each
    /// step is an update.
    fn of_data(self, transitions: Option<u64>) -> Self {
        let Some(buffer_size) = transitions else { return self };
        Self { buffer_size, learning_starts: 0, train_freq: 1, gradient_steps: 1, num_envs: 1, ..self }
    }

    /// Steps of all copies between updates: `train_freq` of each.
    fn round(&self) -> u64 {
        self.train_freq.saturating_mul(self.num_envs)
    }

    /// Steps of all copies between refreshes of the target network: whole steps of each.
    fn refresh_interval(&self) -> u64 {
        (self.target_update_interval / self.num_envs).max(1) * self.num_envs
    }

    /// The configuration of the replay buffer.
    pub fn replay(&self, task: &TaskSpec) -> ReplayConfig {
        ReplayConfig {
            capacity: usize::try_from(self.buffer_size).unwrap_or(usize::MAX),
            copies: self.num_envs as usize,
            features: task.inputs.count(),
            frames: task.frames,
            is_bytes: task.is_bytes,
            actions: ActionShape::Discrete { n: task.actions },
            n_step: self.n_step as usize,
            gamma: self.gamma,
            alpha: self.prioritized.then_some(self.prioritized_alpha),
            keep_terminal: false,
            is_data: task.data.is_some(),
            memory_limit: (self.memory_limit * 1e9) as u64,
        }
    }
}

/// The loss of a TD error by the key `huber_delta`.
pub(crate) fn td_loss(huber_delta: f64) -> Regression {
    match huber_delta {
        0.0 => Regression::SquaredError,
        delta => Regression::Huber { delta: delta as f32 },
    }
}

/// An agent that learns action values, or their distributions, from replay.
#[derive(Clone, Debug)]
pub struct Dqn {
    config: DqnConfig,
    objective: Objective,
    actions: usize,
    /// The exponent of importance-sampling weights, over the run.
    beta: Schedule,
    /// The exploration rate, over the fraction of the run.
    epsilon: Schedule,
    /// `Q(., .; theta)`.
    online: Network,
    /// `Q(., .; theta-)`.
    target: Teacher,
    optimizer: GuardedStep,
    replay: ReplayBuffer,
    /// Running mean and variance of all observations, with `normalize_observations`.
    moments: Option<Normalizer>,
    steps: u64,
    exploration: Pcg64,
    sampling: Pcg64,
    noise: Pcg64,
    taus: Pcg64,
    acting: Acting,
    buffers: UpdateBuffers,
}

/// Buffers for acting.
#[derive(Clone, Debug, Default)]
struct Acting {
    workspace: Workspace,
    observations: Vec<f32>,
    values: Vec<f32>,
}

impl Dqn {
    /// An agent that learns means, for a run of `total_steps` steps with observations of `features` numbers.
    ///
    /// # Panics
    /// If there is not enough memory for the buffer.
    pub fn new(
        config: DqnConfig,
        features: usize,
        actions: usize,
        total_steps: u64,
        streams: Streams,
    ) -> Self {
        let task = TaskSpec::new(features, actions, total_steps, streams);
        let optimizer = OptimizerConfig::default();
        Self::with(Objective::MEAN, (config, optimizer), &task).expect("room for the buffer")
    }

    /// An agent that learns `objective`, after all checks of its settings.
    ///
    /// # Errors
    /// If the settings go neither together nor with the task.
    pub(super) fn learning(
        objective: Objective,
        (config, optimizer): (DqnConfig, OptimizerConfig),
        task: &Task<'_>,
    ) -> Result<Learning<usize>, ConfigError> {
        let config = config.of_data(task.transitions());
        // The end of the first round after `learning_starts`.
        let first = (config.learning_starts / config.round() + 1).saturating_mul(config.round());
        let warning = warning(task, config.num_envs, first, "learning_starts and train_freq");
        let task = TaskSpec::of(task, &config.net_arch)?;
        config.check(&objective, &optimizer, &task)?;
        let (bytes, in_file) = config.replay(&task).memory();
        let place = if in_file { ", observations in a file" } else { "" };
        let kind = if task.data.is_some() { "data" } else { "replay" };
        let about = format!("{kind}: {} transitions, {}{place}", config.buffer_size, size(bytes));
        let copies = (config.num_envs > 1).then_some(config.num_envs as usize);
        let agent = Self::with(objective, (config, optimizer), &task)
            .map_err(|error| ConfigError::value("buffer_size", error.to_string()))?;
        Ok(Learning { agent: Box::new(agent), copies, about: Some(about), warning })
    }

    /// An agent that learns `objective`.
    ///
    /// # Errors
    /// If there is not enough memory for the buffer.
    ///
    /// # Panics
    /// If the network does not fit its inputs and outputs.
    pub fn with(
        objective: Objective,
        (config, optimizer): (DqnConfig, OptimizerConfig),
        task: &TaskSpec,
    ) -> Result<Self, ReplayError> {
        let TaskSpec { actions, total_steps, streams, .. } = *task;
        let ends = config.ends(&objective, task);
        let mut rng = streams.stream("initialisation");
        let online = config.network().initialised(&ends, optimizer.initialisation(), &mut rng);
        let target = Teacher::target_network(&online, config.refresh_interval(), config.tau as f32);
        Ok(Self {
            actions,
            beta: Schedule::Linear { from: config.prioritized_beta, to: 1.0, over: Span::Run(1.0) }
                .of_run(total_steps),
            epsilon: task.exploration(
                config.exploration_initial_eps,
                config.exploration_final_eps,
                config.exploration_fraction,
            ),
            target: target.with_workers(task.workers.clone()),
            optimizer: GuardedStep::new(&optimizer, online.parameters().len()),
            online,
            replay: ReplayBuffer::new(config.replay(task))?,
            moments: config.normalize_observations.then(|| Normalizer::new(ends.inputs.count())),
            steps: 0,
            exploration: streams.stream("exploration"),
            sampling: streams.stream("replay"),
            noise: streams.stream("noise"),
            taus: streams.stream("taus"),
            acting: Acting { workspace: Workspace::new(task.workers.clone()), ..Acting::default() },
            buffers: UpdateBuffers::new(&task.workers),
            objective,
            config: DqnConfig { learning_rate: config.learning_rate.of_run(total_steps), ..config },
        })
    }

    /// The online network, which is the student.
    pub fn online(&self) -> &Network {
        &self.online
    }

    /// The target network, which is the teacher.
    pub fn target(&self) -> &Teacher {
        &self.target
    }

    /// The present exploration rate.
    fn epsilon(&self) -> f64 {
        let exploring = self.steps < self.config.learning_starts;
        match (exploring, self.online.is_noisy()) {
            (true, _) => 1.0,
            // Noisy networks explore by their noise.
            (false, true) => 0.0,
            (false, false) => self.epsilon.at(self.steps, 1),
        }
    }

    fn distributional(&mut self) -> Update<'_> {
        let Self { online, target, buffers, taus, config, .. } = self;
        Update { online, target, buffers, double: config.double, taus }
    }

    /// The step size of an update: that before the steps which it follows, so that a line to 0 over the run leaves
    /// some of it to the last update.
    fn learning_rate(&self) -> f64 {
        self.config.learning_rate.at(self.steps.saturating_sub(self.config.round()), 1)
    }

    /// Samples a minibatch of transitions `(s, a, G, s', discount)`: `G` is the reward, or the discounted sum
    /// of `n_step` rewards, and the discount `gamma^k` for `k` rewards, or 0 after a terminal state. Draws new noise of
    /// a noisy network.
    fn sample(&mut self) {
        let beta = self.beta.at(self.steps, 1);
        let batch = &mut self.buffers.batch;
        self.replay.sample_weighted(self.config.batch_size as usize, beta, &mut self.sampling, batch);
        if let Some(moments) = &self.moments {
            moments.normalize(&mut batch.observations);
            moments.normalize(&mut batch.next_observations);
        }
        if self.online.is_noisy() {
            self.online.draw_noise(&mut self.noise);
            self.target.draw_noise(&mut self.noise);
        }
    }

    /// Computes targets `y` and the loss of `Q(s, a; theta)`; the gradient with respect to `Q(s, .; theta)` is left in the buffers.
    fn loss(&mut self) -> f32 {
        let Self { config, online, target, buffers, .. } = self;
        buffers.select_next(online, config.double);
        let UpdateBuffers { workspace, batch, q_select, q_next, y, td_errors, d_outputs, .. } = buffers;
        let Batch { observations: s, actions: a, returns: g, next_observations: s_next, .. } = &*batch;
        let (discount, weights) = (&batch.discounts, &batch.weights);
        q_next.clear();
        q_next.extend_from_slice(target.outputs(s_next));
        match (config.munchausen(), config.double) {
            // y = G + discount max_a' Q(s', a'; theta-)
            (None, false) => targets::bellman_max(g, discount, q_next, y),
            // y = G + discount Q(s', argmax_a' Q(s', a'; theta); theta-)
            (None, true) => targets::bellman_double(g, discount, q_next, q_select, y),
            (Some(rule), double) => {
                let next_policy = if double { &*q_select } else { &*q_next };
                let values = MunchausenValues { here: target.outputs(s), next: q_next, next_policy };
                targets::munchausen(rule, g, discount, a, values, y);
            }
        }
        let q = online.forward(s, workspace);
        d_outputs.resize(q.len(), 0.0);
        regression_at(td_loss(config.huber_delta), q, Chosen { indices: a, weights }, y, td_errors, d_outputs)
    }
}

impl Agent for Dqn {
    type Observation = [f32];
    type Action = usize;

    fn act(&mut self, observations: &[f32], actions: &mut [usize]) {
        let epsilon = self.epsilon();
        if epsilon == 1.0 {
            actions.iter_mut().for_each(|action| *action = self.exploration.below(self.actions));
            return;
        }
        if self.online.is_noisy() {
            self.online.draw_noise(&mut self.noise);
        }
        let Acting { workspace, observations: seen, values } = &mut self.acting;
        let mut observations = observations;
        if let Some(moments) = &self.moments {
            seen.clear();
            seen.extend_from_slice(observations);
            moments.normalize(seen);
            observations = seen;
        }
        let outputs = self.online.predict(observations, workspace);
        self.online.means(actions.len(), outputs, values);
        for (action, q) in actions.iter_mut().zip(values.chunks_exact(self.actions)) {
            *action = Policy::EpsilonGreedy { epsilon }.sample(q, &mut self.exploration);
        }
    }

    fn observe(&mut self, steps: &Steps<'_, [f32]>) -> Result<u64, LearnError> {
        self.store(steps)?;
        Ok(self.tick())
    }

    fn store(&mut self, steps: &Steps<'_, [f32]>) -> Result<(), LearnError> {
        checked_rewards(steps.rewards)?;
        if let Some(moments) = &mut self.moments {
            moments.observe(steps.observations);
        }
        self.replay.push(steps);
        Ok(())
    }

    fn tick(&mut self) -> u64 {
        let before = self.steps;
        let taken = self.config.num_envs;
        self.steps += taken;
        // Every C steps theta- = theta, before the updates that follow them.
        self.target.tick(taken, &self.online);
        let DqnConfig { learning_starts, gradient_steps, .. } = self.config;
        let round = self.config.round();
        let is_due = self.steps / round > before / round;
        if !is_due || self.steps <= learning_starts || self.replay.is_empty() {
            return 0;
        }
        if gradient_steps == 0 { round } else { gradient_steps }
    }

    /// Lines 11 to 14 of Algorithm 1.
    fn update(&mut self) -> Result<Measurements, LearnError> {
        if self.replay.is_empty() {
            return Err(LearnError::NothingObserved);
        }
        self.sample();
        self.buffers.td_errors.resize(self.config.batch_size as usize, 0.0);
        let loss = match self.objective.clone().distribution() {
            None => self.loss(),
            Some(distribution) => distribution.loss(self.distributional()),
        };
        let q = self.buffers.mean_q(&self.online);
        // theta <- theta - alpha dL/dtheta, refused if a number is not finite.
        let alpha = self.learning_rate();
        let UpdateBuffers { workspace, batch, y, td_errors, d_outputs, .. } = &mut self.buffers;
        let arrays: [(&str, &[f32]); 5] = [
            ("observation", &batch.observations),
            ("reward", &batch.returns),
            ("next observation", &batch.next_observations),
            ("target network's parameter", self.target.network().parameters()),
            ("target", y),
        ];
        self.optimizer.step(alpha, &mut self.online, d_outputs, workspace, loss, &arrays)?;
        self.replay.set_priorities(batch, td_errors);
        let measured = Measurements::of(catalogue::LOSS, f64::from(loss))
            .with(catalogue::Q_VALUES, q)
            .with(catalogue::GRADIENT_NORM, self.optimizer.gradient_norm());
        Ok(match self.buffers.clipped_mass {
            Some(mass) => measured.with(catalogue::TRAIN_CLIPPED_MASS, mass),
            None => measured,
        })
    }

    fn model(&self) -> Model {
        let mut network = self.online.clone();
        network.zero_noise();
        if let Some(moments) = &self.moments {
            network.fold_input_scaling(moments.mean(), &moments.deviations().collect::<Vec<_>>());
        }
        Model::Network(network)
    }

    fn start_from(&mut self, model: &Model) -> Result<(), String> {
        if self.moments.is_some() {
            return Err(SCALED_ALREADY.to_owned());
        }
        model.copy_to_network(&mut self.online)?;
        self.target.copy_from(&self.online);
        Ok(())
    }

    fn diagnostics(&self) -> Measurements {
        let drift = self.target.drift(&self.online).unwrap_or_default();
        Measurements::of(catalogue::EXPLORATION_RATE, self.epsilon())
            .with(catalogue::TEACHER_STALENESS, self.target.age() as f64)
            .with(catalogue::TEACHER_DISTANCE, drift)
            .with(catalogue::LEARNING_RATE, self.config.learning_rate.at(self.steps, 1))
            .with(catalogue::N_UPDATES, self.optimizer.updates() as f64)
    }
}

/// The codec of a target network: checkpoints of format 1 hold a scale beside it, which is 1 here.
struct Format1;

impl Codec<Teacher> for Format1 {
    fn save(&self, target: &Teacher, name: &str, snapshot: &mut Snapshot) {
        let branch = potstill_core::Restorable::snapshot(target).with("scale", Value::F64(1.0));
        snapshot.insert(name, Value::Tree(branch));
    }

    fn load(&self, target: &mut Teacher, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        target.load(name, snapshot)
    }
}

snapshot! {
    impl Restorable for Dqn {
        saved: steps via Counter, online as "student", target as "teacher" via Format1, optimizer as "optimiser", replay, exploration, sampling,
            noise via IfPresent, taus via IfPresent, moments;
        built: config, objective, actions, beta, epsilon, acting, buffers;
    }
}
