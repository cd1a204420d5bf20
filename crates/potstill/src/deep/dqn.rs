//! DQN (Mnih et al. 2015): Q-learning with a network, a replay buffer, and a delayed copy of the network as teacher.
//!
//! Algorithm 1: act epsilon-greedily on `Q(s, a; theta)`; store the transition; sample a minibatch from the replay; regress
//! `Q(s, a; theta)` to `y = r + gamma max_a' Q(s', a'; theta-)`, `y = r` after a terminal state; every `C` steps
//! `theta- = theta`. Off-policy, online, model-free.
//!
//! Differences from the paper:
//! - Adam instead of RMSProp, and a multilayer perceptron on features instead of convolutions on frames, as in
//!   Stable-Baselines3, whose names and order of events (collect `train_freq` steps, then make `gradient_steps` updates)
//!   the hyperparameters follow.
//! - The Huber loss for the paper's "error clipping" (Methods, p. 7), which has the same gradient.
//! - A truncated episode bootstraps from its true final observation; the paper's games have no time limit to learn through.
//! - With `tau` below 1 the teacher moves by `theta- += tau (theta - theta-)` (Lillicrap et al. 2016) instead of copying.
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::deep::{Dqn, DqnConfig};
//!
//! let config = DqnConfig { net_arch: "mlp:32".parse()?, ..DqnConfig::default() };
//! let agent = Dqn::new(config, 4, 2, 50_000, Streams::new(1));
//! // At first the target network is the student.
//! assert_eq!(agent.teacher().distance(agent.student()), Some(0.0));
//! # Ok::<(), potstill::nn::spec::SpecError>(())
//! ```

use crate::agent::{Agent, GRADIENT_NORM_MAX, LearnError, Update, bad_step, not_finite};
use crate::config::settings;
use crate::experience::{Batch, ReplayBuffer, Transition};
use crate::model::Model;
use crate::policy::{Policy, Schedule};
use crate::teacher::{Clock, Refresh, Teacher};
use potstill_core::{Pcg64, State, StateError, Stateful, Streams, Value};
use potstill_nn::loss::{Chosen, Regression, regression_at};
use potstill_nn::optim::clip_norm;
use potstill_nn::{Network, NetworkSpec, Optimiser, Rule, Workspace};

settings! {
    /// The hyperparameters of DQN, with Stable-Baselines3's names.
    pub struct DqnConfig {
        /// Adam's step size. Source: RL-Zoo, CartPole-v1
        learning_rate: f64 = 2.3e-3, in Positive;
        /// Transitions kept for replay. Source: RL-Zoo, CartPole-v1
        buffer_size: u64 = 100_000, in AtLeastOne;
        /// Steps of uniformly random behaviour before learning. Source: RL-Zoo, CartPole-v1
        learning_starts: u64 = 1000, in Any;
        /// Transitions per gradient step. Source: RL-Zoo, CartPole-v1
        batch_size: u64 = 64, in Batch;
        /// Discount. Source: RL-Zoo, CartPole-v1
        gamma: f64 = 0.99, in Unit;
        /// Steps in the environment between updates. Source: RL-Zoo, CartPole-v1
        train_freq: u64 = 256, in AtLeastOne;
        /// Gradient steps of an update. Source: RL-Zoo, CartPole-v1
        gradient_steps: u64 = 128, in AtLeastOne;
        /// Steps in the environment between refreshes of the teacher. Source: RL-Zoo, CartPole-v1
        target_update_interval: u64 = 10, in AtLeastOne;
        /// How far a refresh moves the teacher: 1 copies the student. Source: Mnih et al. 2015, Algorithm 1
        tau: f64 = 1.0, in PositiveUnit;
        /// Part of the run over which exploration falls. Source: RL-Zoo, CartPole-v1
        exploration_fraction: f64 = 0.16, in Unit;
        /// Probability of exploring at the start. Source: Mnih et al. 2015, Extended Data Table 1
        exploration_initial_eps: f64 = 1.0, in Unit;
        /// Probability of exploring after that. Source: RL-Zoo, CartPole-v1
        exploration_final_eps: f64 = 0.04, in Unit;
        /// Hidden layers of the network. Source: RL-Zoo, CartPole-v1
        net_arch: NetworkSpec = "mlp:256,256", in Any;
        /// Where the Huber loss turns from a parabola into a line; 0 for the squared error. Source: Mnih et al. 2015, Methods
        huber_delta: f64 = 1.0, in NotNegative;
        /// Longest gradient. Source: Stable-Baselines3
        max_grad_norm: f64 = 10.0, in Positive;
    }
}

/// A DQN learner.
#[derive(Clone, Debug)]
pub struct Dqn {
    config: DqnConfig,
    actions: usize,
    /// Relative to the steps of the whole run.
    epsilon: Schedule,
    student: Network,
    teacher: Teacher,
    optimiser: Optimiser,
    replay: ReplayBuffer,
    steps: u64,
    exploration: Pcg64,
    sampling: Pcg64,
    scratch: Scratch,
}

/// Buffers reused from update to update.
#[derive(Clone, Debug, Default)]
struct Scratch {
    acting: Workspace,
    learning: Workspace,
    batch: Batch,
    targets: Vec<f32>,
    d_outputs: Vec<f32>,
    gradient: Vec<f32>,
}

impl Dqn {
    /// A learner for a run of `total_steps` steps with observations of `features` numbers.
    pub fn new(
        config: DqnConfig,
        features: usize,
        actions: usize,
        total_steps: u64,
        streams: Streams,
    ) -> Self {
        let student = config.net_arch.build(features, actions, &mut streams.stream("initialisation"));
        let refresh = Refresh::Every {
            n: config.target_update_interval,
            tau: config.tau as f32,
            clock: Clock::EnvStep,
        };
        Self {
            actions,
            epsilon: Schedule::Linear {
                from: config.exploration_initial_eps,
                to: config.exploration_final_eps,
                over: config.exploration_fraction * total_steps as f64,
            },
            teacher: Teacher::target_network(&student, refresh, config.gamma as f32),
            optimiser: Optimiser::new(Rule::adam(config.learning_rate), student.parameters().len()),
            student,
            replay: ReplayBuffer::new(config.buffer_size as usize, features, actions),
            steps: 0,
            exploration: streams.stream("exploration"),
            sampling: streams.stream("replay"),
            scratch: Scratch::default(),
            config,
        }
    }

    /// The network that learns.
    pub fn student(&self) -> &Network {
        &self.student
    }

    /// The target network.
    pub fn teacher(&self) -> &Teacher {
        &self.teacher
    }

    fn behaviour(&self) -> Policy {
        let exploring = self.steps < self.config.learning_starts;
        Policy::EpsilonGreedy { epsilon: if exploring { 1.0 } else { self.epsilon.at(self.steps, 1) } }
    }

    /// One gradient step on a minibatch; returns its loss.
    fn gradient_step(&mut self) -> Result<f64, LearnError> {
        let Scratch { learning, batch, targets, d_outputs, gradient, .. } = &mut self.scratch;
        self.replay.sample(self.config.batch_size as usize, &mut self.sampling, batch);
        self.teacher.bellman(&batch.rewards, &batch.terminated, &batch.next_observations, targets);

        let q = self.student.forward(&batch.observations, learning);
        let kind = match self.config.huber_delta {
            0.0 => Regression::SquaredError,
            delta => Regression::Huber { delta: delta as f32 },
        };
        d_outputs.resize(q.len(), 0.0);
        let chosen = Chosen { indices: &batch.actions, weights: &[] };
        let mut errors = vec![0.0; batch.actions.len()];
        let loss = regression_at(kind, q, chosen, targets, &mut errors, d_outputs);

        gradient.resize(self.student.parameters().len(), 0.0);
        self.student.backward(d_outputs, learning, gradient);
        let norm = clip_norm(gradient, self.config.max_grad_norm);
        if !(loss.is_finite() && norm < GRADIENT_NORM_MAX) {
            return Err(bad_step(
                norm,
                &[
                    ("observation", &batch.observations),
                    ("reward", &batch.rewards),
                    ("next observation", &batch.next_observations),
                    ("parameter", self.student.parameters()),
                    ("target network's parameter", self.teacher.network().map_or(&[], Network::parameters)),
                    ("target", targets),
                    ("loss", &[loss]),
                    ("gradient", gradient),
                ],
            ));
        }
        let optimiser = &mut self.optimiser;
        self.student.change(|p| optimiser.step(1.0, p, gradient, learning.workers()));
        self.teacher.tick(Clock::GradStep, &self.student);
        Ok(f64::from(loss))
    }
}

impl Agent for Dqn {
    type Observation = [f32];

    fn act(&mut self, observation: &[f32]) -> usize {
        let behaviour = self.behaviour();
        if behaviour == (Policy::EpsilonGreedy { epsilon: 1.0 }) {
            return self.exploration.below(self.actions);
        }
        let q = self.student.predict(observation, &mut self.scratch.acting);
        behaviour.sample(q, &mut self.exploration)
    }

    fn learn(&mut self, step: &Transition<'_, [f32]>) -> Result<Option<Update>, LearnError> {
        // What is finite as f64 may not be as f32.
        if let Some(error) = not_finite(&[("reward", &[step.reward as f32])]) {
            return Err(error);
        }
        self.replay.push(step);
        self.steps += 1;
        self.teacher.tick(Clock::EnvStep, &self.student);
        let DqnConfig { learning_starts, train_freq, gradient_steps, .. } = self.config;
        if self.steps <= learning_starts || !self.steps.is_multiple_of(train_freq) {
            return Ok(None);
        }
        let mut loss = 0.0;
        for _ in 0..gradient_steps {
            loss += self.gradient_step()? / gradient_steps as f64;
        }
        let Policy::EpsilonGreedy { epsilon } = self.behaviour() else {
            unreachable!("DQN behaves epsilon-greedily")
        };
        Ok(Some(Update {
            loss,
            epsilon,
            teacher_staleness: self.teacher.staleness(),
            teacher_distance: self.teacher.distance(&self.student).unwrap_or_default(),
        }))
    }

    fn model(&self) -> Model {
        Model::Network(self.student.clone())
    }
}

impl Stateful for Dqn {
    fn state(&self) -> State {
        State::new()
            .with("steps", Value::U64(self.steps))
            .with_part("student", &self.student)
            .with_part("teacher", &self.teacher)
            .with_part("optimiser", &self.optimiser)
            .with_part("replay", &self.replay)
            .with_part("exploration", &self.exploration)
            .with_part("sampling", &self.sampling)
    }

    fn restore(&mut self, state: &State) -> Result<(), StateError> {
        self.steps = state.u64("steps")?;
        state.restore_part("student", &mut self.student)?;
        state.restore_part("teacher", &mut self.teacher)?;
        state.restore_part("optimiser", &mut self.optimiser)?;
        state.restore_part("replay", &mut self.replay)?;
        state.restore_part("exploration", &mut self.exploration)?;
        state.restore_part("sampling", &mut self.sampling)
    }
}
