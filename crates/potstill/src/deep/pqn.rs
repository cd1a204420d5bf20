//! PQN (Gallici et al. 2024): Q-learning without replay and without a target network, from many copies of the
//! environment.
//!
//! Algorithm 1: every copy acts epsilon-greedily for a number of steps; the lambda-returns of these, `G_t =
//! r_t + gamma (lambda G_{t+1} + (1 - lambda) max_a Q(s_{t+1}, a))`, are computed once; then some epochs of
//! minibatches regress `Q(s_t, a_t)` to them. Layer normalisation keeps it stable (section 3). On-policy
//! data, and an off-policy target; online, model-free.
//!
//! Differences from the paper:
//! - Adam instead of RAdam by default; the squared error, as CleanRL's, and not half of it, as the paper's
//!   code, which only matters if gradients are clipped.
//! - Layer normalisation after a convolution is over all of its units, the paper's code's over the channels of each
//!   point. Its other choices (Flax's epsilon and initial weights, planes over 255) are in the preset `purejaxql`.
//! - A truncated episode bootstraps from `max_a Q` of its true final observation; the paper's code treats
//!   truncation as termination.
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::deep::{Pqn, PqnConfig, TaskSpec};
//! use potstill::optimizer::OptimizerConfig;
//! use potstill::env::{Autoreset, registry::find};
//! use potstill::train::{Training, VecTrainer};
//!
//! let config = PqnConfig { num_envs: 4, num_steps: 8, num_minibatches: 2, ..PqnConfig::default() };
//! let streams = Streams::new(1);
//! let agent = Pqn::new((config, OptimizerConfig::default()), &TaskSpec::new(4, 2, 1000, streams));
//! let envs = find("CartPole-v1")?.make_vec_features(4, Autoreset::SameStep).unwrap();
//! let mut trainer = VecTrainer::new(agent, envs, streams);
//! // Seven steps of four copies without an update; one with the eighth.
//! let updates: Vec<bool> = (0..8).map(|_| trainer.advance().unwrap()).collect();
//! assert_eq!((updates[6], updates[7], trainer.steps()), (false, true, 32));
//! # Ok::<(), potstill::env::EnvError>(())
//! ```

use super::task::{PASS_BYTES_MAX, TaskSpec, check_pass, size, warning};
use super::update::mean_chosen;
use crate::agent::{Agent, LearnError, Measurements, not_finite};
use crate::algorithm::{Algorithm, Builder, DataKind, Learning, PolicyKind, Preset, Task, recipe};
use crate::config::{ConfigError, refuse_batch_norm, settings};
use crate::experience::Steps;
use crate::metrics::catalogue;
use crate::model::Model;
use crate::optimizer::{GuardedStep, OptimizerConfig};
use crate::policy::{Policy, Schedule};
use crate::targets::{self, LambdaDecay, Segment};
use potstill_core::snapshot::{Codec, Counter, Flat, OfLength, below};
use potstill_core::{Pcg64, Snapshot, SnapshotError, Value, snapshot};
use potstill_nn::loss::{Chosen, Regression, regression_at};
use potstill_nn::{Ends, Network, NetworkSpec, Workspace};

settings! {
    /// The hyperparameters of PQN.
    pub struct PqnConfig {
        /// Step size of the optimiser, a number or a schedule over steps of the environment (those before the
        /// transitions of the update). Source: purejaxql, pqn_cartpole
        learning_rate: Schedule = 1e-4, in NotNegative;
        /// Copies of the environment. Source: purejaxql, pqn_cartpole
        num_envs: u64 = 32, in Copies;
        /// Steps of each copy between updates. Source: purejaxql, pqn_cartpole
        num_steps: u64 = 64, in Copies;
        /// Minibatches of an epoch. Source: purejaxql, pqn_cartpole
        num_minibatches: u64 = 16, in Copies;
        /// Epochs of an update over the collected transitions. Source: purejaxql, pqn_cartpole
        update_epochs: u64 = 4, in StepCount;
        /// Discount. Source: purejaxql, pqn_cartpole
        gamma: f64 = 0.99, in Unit;
        /// Decay lambda of the returns: 0 for one step, 1 for the whole episode. Source: purejaxql,
        /// pqn_cartpole
        lambda: f64 = 0.95, in Unit;
        /// Fraction of the run over which the exploration rate falls. Source: purejaxql, pqn_cartpole
        exploration_fraction: f64 = 0.2, in Unit, needs Lacks("net_arch", ":noisy");
        /// Probability of exploring at the start. Source: purejaxql, pqn_cartpole
        exploration_initial_eps: f64 = 1.0, in Unit, needs Lacks("net_arch", ":noisy"), needs Above("exploration_fraction", 0);
        /// Probability of exploring after that. Source: purejaxql, pqn_cartpole
        exploration_final_eps: f64 = 0.2, in Unit, needs Lacks("net_arch", ":noisy");
        /// Network architecture. Source: purejaxql, pqn_cartpole
        net_arch: NetworkSpec = "mlp:256,256:layernorm", in Any;
    }
}

/// The descriptor.
pub const ALGORITHM: Algorithm = Algorithm {
    name: "pqn",
    family: "deep",
    policy: Some(PolicyKind::Off),
    data: DataKind::Online,
    is_model_based: Some(false),
    summary: "Q-learning from many copies at a time, without replay or target network",
    source: "Gallici et al. 2024, Algorithm 1",
    file: file!(),
    builder: Builder::Features(|| recipe(build)),
    presets: &[
        Preset { name: "purejaxql", text: include_str!("../../presets/pqn-purejaxql.toml") },
        Preset { name: "cleanrl", text: include_str!("../../presets/pqn-cleanrl.toml") },
    ],
    smoke: &[
        "env=CartPole-v1 steps=1200 net_arch=mlp:16:layernorm num_envs=4 num_steps=16 \
         num_minibatches=2 update_epochs=2 eval_freq=400 eval_episodes=2 optimizer=radam",
        "env=Acrobot-v1 steps=300 net_arch=mlp:8 num_envs=1 num_steps=32 num_minibatches=4 eval_freq=150 \
         eval_episodes=2",
    ],
};

/// The PQN agent.
#[derive(Clone, Debug)]
pub struct Pqn {
    config: PqnConfig,
    actions: usize,
    epsilon: Schedule,
    network: Network,
    optimizer: GuardedStep,
    steps: u64,
    exploration: Pcg64,
    shuffle: Pcg64,
    rollout: Rollout,
    acting: Workspace,
    learning: Workspace,
    running: Running,
    scratch: Scratch,
}

/// Transitions since the last update, `steps x copies`.
#[derive(Clone, Debug, Default)]
struct Rollout {
    /// Steps between updates.
    steps: usize,
    copies: usize,
    features: usize,
    /// The number of actions that can be taken.
    choices: usize,
    /// Steps so far.
    length: usize,
    observations: Vec<f32>,
    actions: Vec<usize>,
    rewards: Vec<f32>,
    /// `max_a Q` of each observation.
    values: Vec<f32>,
    /// `max_a Q` of the final observation of truncated episodes.
    cut_values: Vec<f32>,
    terminated: Vec<bool>,
    truncated: Vec<bool>,
}

snapshot! {
    impl Restorable for Rollout {
        // Between `act` and `observe` there are values for one step more than there are steps.
        saved: length via below(*steps + 1), observations via OfLength(*length * *copies * *features),
            actions via below(*choices).of_length(*length * *copies), rewards via OfLength(*length * *copies),
            values via OfLength(*length * *copies), cut_values via OfLength(*length * *copies),
            terminated via OfLength(*length * *copies), truncated via OfLength(*length * *copies);
        built: steps, copies, features, choices;
    }
}

/// The learning from a complete rollout, minibatch by minibatch.
#[derive(Clone, Debug, Default)]
struct Running {
    /// Minibatches so far, of all epochs; 0 before and after.
    made: u64,
    /// The lambda-return of each transition, `steps x copies`.
    targets: Vec<f32>,
    /// The order of the transitions in the epoch.
    order: Vec<usize>,
}

/// The codec of learning from that many transitions, which is saved only between two minibatches.
struct IfRunning(usize);

impl Codec<Running> for IfRunning {
    fn save(&self, running: &Running, name: &str, snapshot: &mut Snapshot) {
        if running.made > 0 {
            let order = running.order.iter().map(|&i| i as u64).collect();
            let branch = Snapshot::new()
                .with("made", Value::U64(running.made))
                .with("targets", Value::F32s(running.targets.clone()))
                .with("order", Value::U64s(order));
            snapshot.insert(name, Value::Tree(branch));
        }
    }

    fn load(&self, running: &mut Running, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        *running = Running::default();
        if snapshot.contains(name) {
            let branch = snapshot.tree(name)?;
            running.made = branch.counter("made")?;
            running.targets = branch.f32s("targets", self.0)?.to_vec();
            running.order = branch.indices("order", self.0, self.0)?;
        }
        Ok(())
    }
}

#[derive(Clone, Debug, Default)]
struct Scratch {
    /// `max_a Q` of the last observation of each copy.
    last: Vec<f32>,
    observations: Vec<f32>,
    chosen: Vec<usize>,
    wanted: Vec<f32>,
    errors: Vec<f32>,
    d_outputs: Vec<f32>,
    /// Rewards and values of one copy.
    column: [Vec<f32>; 3],
    ends: [Vec<bool>; 2],
}

impl PqnConfig {
    /// Inputs and outputs of the network.
    pub fn ends(&self, task: &TaskSpec) -> Ends {
        Ends::new(task.inputs, task.actions)
    }

    /// Transitions of an update.
    pub fn collected(&self) -> u64 {
        self.num_envs * self.num_steps
    }
}

fn build(
    (config, optimizer): &(PqnConfig, OptimizerConfig),
    task: &Task<'_>,
) -> Result<Learning<usize>, ConfigError> {
    let collected = config.collected();
    let warning = warning(task, config.num_envs, collected, "num_envs x num_steps");
    let task = TaskSpec::of(task, &config.net_arch)?;
    config.check(optimizer, &task)?;
    let about =
        format!("no replay: {collected} transitions at a time, {}", size(config.rollout_bytes(&task)));
    let copies = Some(config.num_envs as usize);
    let agent = Box::new(Pqn::new((config.clone(), optimizer.clone()), &task));
    Ok(Learning { agent, copies, about: Some(about), warning })
}

impl PqnConfig {
    /// The memory of the transitions of an update, in bytes.
    fn rollout_bytes(&self, task: &TaskSpec) -> u64 {
        self.collected().saturating_mul(4 * task.inputs.count() as u64 + 34)
    }

    /// Refuses settings that go neither together nor with the task.
    fn check(&self, optimizer: &OptimizerConfig, task: &TaskSpec) -> Result<(), ConfigError> {
        let (spec, ends) = (&self.net_arch, self.ends(task));
        refuse_batch_norm("net_arch", spec)?;
        optimizer.check(("net_arch", spec, &ends), self.learning_rate)?;
        let (collected, parts) = (self.collected(), self.num_minibatches);
        for (key, samples) in [("num_minibatches", collected / parts), ("num_envs", self.num_envs)] {
            check_pass(key, samples, (spec, &ends, 1))?;
        }
        let bytes = self.rollout_bytes(task);
        let (key, reason) = if bytes > PASS_BYTES_MAX {
            let taken = size(bytes);
            ("num_steps", format!("{collected} transitions at a time take {taken}; give fewer"))
        } else if spec.noisy {
            ("net_arch", format!("{spec}: pqn explores with epsilon, and has no use for noise"))
        } else if !collected.is_multiple_of(parts) {
            let transitions = format!("num_envs x num_steps = {collected} transitions");
            ("num_minibatches", format!("must divide what is collected, {transitions}, got {parts}"))
        } else {
            return Ok(());
        };
        Err(ConfigError::value(key, reason))
    }
}

impl Pqn {
    /// A PQN agent.
    ///
    /// # Panics
    /// If the network does not fit its inputs and outputs, or the minibatches are not of equal size.
    pub fn new((config, optimizer): (PqnConfig, OptimizerConfig), task: &TaskSpec) -> Self {
        let TaskSpec { actions, total_steps, streams, .. } = *task;
        assert!(config.collected().is_multiple_of(config.num_minibatches), "minibatches of one size");
        let mut rng = streams.stream("initialisation");
        let ends = config.ends(task);
        let network = config.net_arch.initialised(&ends, optimizer.initialisation(), &mut rng);
        Self {
            actions,
            epsilon: task.exploration(
                config.exploration_initial_eps,
                config.exploration_final_eps,
                config.exploration_fraction,
            ),
            optimizer: GuardedStep::new(&optimizer, network.parameters().len()),
            network,
            steps: 0,
            exploration: streams.stream("exploration"),
            shuffle: streams.stream("shuffle"),
            rollout: Rollout {
                steps: config.num_steps as usize,
                copies: config.num_envs as usize,
                features: ends.inputs.count(),
                choices: actions,
                ..Rollout::default()
            },
            acting: Workspace::new(task.workers.clone()),
            learning: Workspace::new(task.workers.clone()),
            running: Running::default(),
            scratch: Scratch::default(),
            config: PqnConfig { learning_rate: config.learning_rate.of_run(total_steps), ..config },
        }
    }

    /// The network.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// A complete rollout is one that is being learned from.
    fn check_running(&mut self) -> Result<(), SnapshotError> {
        let (is_complete, made) = (self.rollout.length == self.rollout.steps, self.running.made);
        if is_complete == (made > 0) && made < self.config.update_epochs * self.config.num_minibatches {
            return Ok(());
        }
        Err(SnapshotError::invalid("update", format!("{made} minibatches of an update are impossible here")))
    }

    fn epsilon(&self) -> f64 {
        self.epsilon.at(self.steps, 1)
    }

    /// Computes the lambda-returns of the collected transitions.
    fn returns(&mut self) {
        let copies = self.config.num_envs as usize;
        let Rollout { length, rewards, values, cut_values, terminated, truncated, .. } = &self.rollout;
        let Scratch { last, column: [reward, next, returns], ends: [ended, cut], .. } = &mut self.scratch;
        let Running { targets, order, .. } = &mut self.running;
        let decay = LambdaDecay { gamma: self.config.gamma as f32, lambda: self.config.lambda as f32 };
        targets.resize(length * copies, 0.0);
        order.clear();
        order.extend(0..targets.len());
        returns.resize(*length, 0.0);
        for copy in 0..copies {
            for list in [&mut *reward, next] {
                list.clear();
            }
            ended.clear();
            cut.clear();
            for i in (0..*length).map(|t| t * copies + copy) {
                reward.push(rewards[i]);
                ended.push(terminated[i]);
                cut.push(truncated[i]);
                let following = values.get(i + copies).copied().unwrap_or(last[copy]);
                next.push(if truncated[i] { cut_values[i] } else { following });
            }
            let segment = Segment { rewards: reward, next_values: next, terminated: ended, truncated: cut };
            targets::lambda_returns(segment, decay, returns);
            returns.iter().enumerate().for_each(|(t, &g)| targets[t * copies + copy] = g);
        }
    }

    /// Trains on the next minibatch, and returns its measurements.
    fn minibatch(&mut self) -> Result<Measurements, LearnError> {
        let parts = self.config.num_minibatches;
        let features = self.network.inputs();
        // Of the k-th of K updates, k from 0, a line to 0 over the run leaves 1 - k / K.
        let rate = self.config.learning_rate.at(self.steps.saturating_sub(self.config.collected()), 1);
        let Running { made, targets, order } = &mut self.running;
        let Scratch { observations, chosen, wanted, errors, d_outputs, .. } = &mut self.scratch;
        let size = targets.len() / parts as usize;
        errors.resize(size, 0.0);
        d_outputs.resize(size * self.actions, 0.0);
        let part = *made % parts;
        if part == 0 {
            // Another epoch.
            self.shuffle.shuffle(order);
        }
        observations.clear();
        chosen.clear();
        wanted.clear();
        for &i in &order[part as usize * size..][..size] {
            observations.extend_from_slice(&self.rollout.observations[i * features..][..features]);
            chosen.push(self.rollout.actions[i]);
            wanted.push(targets[i]);
        }
        let q = self.network.forward(observations, &mut self.learning);
        let mean_q = mean_chosen(q, chosen, self.actions);
        let kind = Regression::SquaredError;
        let indices = Chosen { indices: chosen, weights: &[] };
        let loss = regression_at(kind, q, indices, wanted, errors, d_outputs);
        let seen = [("observation", &**observations), ("target", wanted)];
        self.optimizer.step(rate, &mut self.network, d_outputs, &mut self.learning, loss, &seen)?;
        *made += 1;
        Ok(Measurements::of(catalogue::LOSS, f64::from(loss))
            .with(catalogue::Q_VALUES, mean_q)
            .with(catalogue::GRADIENT_NORM, self.optimizer.gradient_norm()))
    }
}

impl Agent for Pqn {
    type Observation = [f32];
    type Action = usize;

    fn act(&mut self, observations: &[f32], actions: &mut [usize]) {
        let behaviour = Policy::EpsilonGreedy { epsilon: self.epsilon() };
        let q = self.network.predict(observations, &mut self.acting);
        let rollout = &mut self.rollout;
        // A second call before `observe` replaces the values of the first.
        rollout.values.truncate(rollout.length * actions.len());
        for (action, q) in actions.iter_mut().zip(q.chunks_exact(self.actions)) {
            *action = behaviour.sample(q, &mut self.exploration);
            rollout.values.push(q[targets::argmax(q)]);
        }
    }

    fn observe(&mut self, steps: &Steps<'_, [f32]>) -> Result<u64, LearnError> {
        let rollout = &mut self.rollout;
        let (start, features) = (rollout.rewards.len(), self.network.inputs());
        rollout.observations.extend_from_slice(steps.observations);
        rollout.actions.extend_from_slice(steps.actions);
        rollout.rewards.extend(steps.rewards.iter().map(|&reward| reward as f32));
        if let Some(error) = not_finite(&[("reward", &rollout.rewards[start..])]) {
            return Err(error);
        }
        rollout.terminated.extend_from_slice(steps.terminated);
        rollout.truncated.extend_from_slice(steps.truncated);
        for (copy, next) in steps.next_observations.chunks_exact(features).enumerate() {
            let is_cut = steps.truncated[copy] && !steps.terminated[copy];
            rollout.cut_values.push(if is_cut {
                let q = self.network.predict(next, &mut self.acting);
                q[targets::argmax(q)]
            } else {
                0.0
            });
        }
        rollout.length += 1;
        self.steps += steps.copies() as u64;
        if rollout.length < self.config.num_steps as usize {
            return Ok(0);
        }
        // After the end of an episode this is the true final observation, whose value is not needed again.
        let q = self.network.predict(steps.next_observations, &mut self.acting);
        let last = &mut self.scratch.last;
        last.clear();
        last.extend(q.chunks_exact(self.actions).map(|q| q[targets::argmax(q)]));
        self.returns();
        Ok(self.config.update_epochs * self.config.num_minibatches)
    }

    fn update(&mut self) -> Result<Measurements, LearnError> {
        if self.rollout.length < self.config.num_steps as usize {
            return Err(LearnError::NothingObserved);
        }
        let measured = self.minibatch()?;
        if self.running.made < self.config.update_epochs * self.config.num_minibatches {
            return Ok(measured);
        }
        self.running.made = 0;
        let Rollout {
            length, observations, actions, rewards, values, cut_values, terminated, truncated, ..
        } = &mut self.rollout;
        *length = 0;
        for list in [observations, rewards, values, cut_values] {
            list.clear();
        }
        actions.clear();
        terminated.clear();
        truncated.clear();
        Ok(measured)
    }

    fn model(&self) -> Model {
        Model::Network(self.network.clone())
    }

    fn start_from(&mut self, model: &Model) -> Result<(), String> {
        model.copy_to_network(&mut self.network)
    }

    fn diagnostics(&self) -> Measurements {
        Measurements::of(catalogue::EXPLORATION_RATE, self.epsilon())
            .with(catalogue::LEARNING_RATE, self.config.learning_rate.at(self.steps, 1))
            .with(catalogue::N_UPDATES, self.optimizer.updates() as f64)
    }
}

snapshot! {
    impl Restorable for Pqn {
        saved: rollout via Flat, steps via Counter, network, optimizer as "optimiser", exploration, shuffle,
            running as "update" via IfRunning(config.collected() as usize);
        built: config, actions, epsilon, acting, learning, scratch;
        then: Self::check_running;
    }
}
