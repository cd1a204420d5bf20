//! How a run is made: one loop for every algorithm, evaluation apart from it, statistics over seeds.
//!
//! The loop is a stepper: each call of [`Trainer::step`] takes one step in the environment and tells what happened.
//! [`Training::run`] takes many, evaluates the agent on the way, and tells a [`Callback`], which may stop it. [`VecTrainer`] does the same with
//! many copies of the environment at a time.
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::env::registry::find;
//! use potstill::tabular::{QLearning, TabularConfig};
//! use potstill::train::{Callback, EpisodeEnd, Trainer, Training};
//! use std::ops::ControlFlow;
//!
//! /// Stops after the first episode that does not fall off the cliff.
//! struct UntilSafe;
//!
//! impl Callback<Trainer<QLearning>> for UntilSafe {
//!     fn on_episode(&mut self, _: &Trainer<QLearning>, episode: &EpisodeEnd) -> ControlFlow<()> {
//!         if episode.episode_return > -100.0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
//!     }
//! }
//!
//! let streams = Streams::new(1);
//! let agent = QLearning::new(TabularConfig::default(), 48, 4, streams);
//! let env = find("CliffWalking-v1").unwrap().make_states().unwrap();
//! let mut trainer = Trainer::new(agent, env, streams);
//! trainer.run(100_000, None, &mut UntilSafe)?;
//! assert!(trainer.episodes() < 200);
//! # Ok::<(), potstill::train::TrainError>(())
//! ```

mod callback;
mod evaluation;
mod parallel;
pub mod statistics;
mod vector;

pub use callback::{Callback, Evaluator};
pub use evaluation::{Evaluation, Protocol, evaluate};
pub use parallel::parallel_map;
pub use vector::VecTrainer;

use crate::agent::{Agent, LearnError, Measurements};
use crate::experience::{Ending, Steps, Transition};
use crate::model::{Actor, Model, ModelActor};
use potstill_core::{Restorable, Snapshot, SnapshotError, Streams, Value};
use potstill_env::{BoxEnv, Env, EnvError, Row};
use std::borrow::{Borrow, BorrowMut};
use std::ops::ControlFlow;
use thiserror::Error;

/// One agent in one environment, from the first step to the last.
pub struct Trainer<A: Agent> {
    agent: A,
    env: BoxEnv<A::Observation, A::Action>,
    action: <A::Action as ToOwned>::Owned,
    observation: <A::Observation as ToOwned>::Owned,
    next_observation: <A::Observation as ToOwned>::Owned,
    steps: u64,
    episodes: u64,
    /// Of the episode that is running.
    episode_return: f64,
    episode_steps: u64,
    /// The episode that ended with the last step.
    ended: Option<EpisodeEnd>,
}

/// The events of one step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Event {
    /// The episode that ended with it.
    pub episode: Option<EpisodeEnd>,
    /// The measurements of the updates that the agent made after it, each the mean over these updates.
    pub update: Option<Measurements>,
}

/// An episode that ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EpisodeEnd {
    /// The undiscounted return.
    pub episode_return: f64,
    /// Its length.
    pub steps: u64,
    /// How it ended.
    pub ending: Ending,
}

/// Training that cannot go on.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum TrainError {
    /// The environment refused a step.
    #[error("step {step}: the environment refused: {source}")]
    Env {
        /// The step, from 1.
        step: u64,
        /// Why.
        source: EnvError,
    },
    /// The environment refused a step of an episode that was played without learning.
    #[error("playing an episode: the environment refused: {0}")]
    Play(EnvError),
    /// The environment gave a reward that is not finite.
    #[error("step {step}, episode {episode}: after action {action} the environment gave the reward {reward}")]
    Reward {
        /// The step, from 1.
        step: u64,
        /// The episode, from 1.
        episode: u64,
        /// The action before it, and in which copy of the environment, if there are several.
        action: String,
        /// The reward.
        reward: f64,
    },
    /// The environment gave an observation that is not finite.
    #[error(
        "step {step}, episode {episode}: after action {action} the environment gave the observation {observation}"
    )]
    Observation {
        /// The step, from 1.
        step: u64,
        /// The episode, from 1.
        episode: u64,
        /// The action before it, and in which copy of the environment, if there are several.
        action: String,
        /// The observation.
        observation: String,
    },
    /// The learner could not learn from a step.
    #[error("step {step}: {source}")]
    Learn {
        /// The step, from 1.
        step: u64,
        /// Why.
        source: LearnError,
    },
    /// A planner has come no nearer to its end than this.
    #[error(
        "the values still move by {residual:e} after {sweeps} sweeps; give a larger --set tolerance or max_sweeps, or a gamma below 1"
    )]
    NotConverged {
        /// The sweeps made.
        sweeps: u64,
        /// The most that a value moved in the last.
        residual: f64,
    },
    /// What was learned is not finite.
    #[error("the end: the model holds a value that is not finite")]
    Model,
}

/// Lets an agent observe a step and make the updates that are then due; returns the mean of each measurement over these updates.
fn learn<A: Agent>(
    agent: &mut A,
    steps: &Steps<'_, A::Observation, A::Action>,
) -> Result<Option<Measurements>, LearnError> {
    let due = agent.observe(steps)?;
    if due == 0 {
        return Ok(None);
    }
    let mut means = Measurements::default();
    for _ in 0..due {
        agent.update()?.iter().for_each(|(name, value)| means.add(name, value / due as f64));
    }
    Ok(Some(means))
}

/// Refuses a reward or an observation that is not finite. `at` is the step and the episode.
fn check_finite<O: Row + ?Sized>(
    at: (u64, u64),
    action: impl Fn() -> String,
    reward: f64,
    observation: &O,
) -> Result<(), TrainError> {
    let (step, episode) = at;
    if !reward.is_finite() {
        return Err(TrainError::Reward { step, episode, action: action(), reward });
    }
    if !observation.is_finite() {
        let observation = format!("{:?}", observation.as_slice());
        return Err(TrainError::Observation { step, episode, action: action(), observation });
    }
    Ok(())
}

impl<A: Agent> Trainer<A> {
    /// Puts an agent into an environment and starts its first episode.
    pub fn new(agent: A, mut env: BoxEnv<A::Observation, A::Action>, streams: Streams) -> Self {
        let space = env.observation_space();
        let mut observation = A::Observation::buffer(&space);
        env.reset(Some(streams.seed_for("environment", 0)), observation.borrow_mut());
        Self {
            agent,
            action: A::Action::buffer(&env.action_space()),
            env,
            next_observation: A::Observation::buffer(&space),
            observation,
            steps: 0,
            episodes: 0,
            episode_return: 0.0,
            episode_steps: 0,
            ended: None,
        }
    }

    /// The agent.
    pub fn agent(&self) -> &A {
        &self.agent
    }

    /// Steps taken.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Episodes finished.
    pub fn episodes(&self) -> u64 {
        self.episodes
    }

    /// One step: act, step, learn; then a new episode if this one is over.
    ///
    /// # Errors
    /// If the environment or the agent cannot go on. The run ends there.
    pub fn step(&mut self) -> Result<Event, TrainError> {
        let step = self.steps + 1;
        let refused = |source| TrainError::Learn { step, source };
        let at = (step, self.episodes + 1);
        if self.episode_steps == 0 {
            check_finite(at, || "none, at a reset,".to_owned(), 0.0, self.observation.borrow())?;
        }
        self.agent.search(&self.env).map_err(refused)?;
        let observation: &A::Observation = self.observation.borrow();
        let action: &mut A::Action = self.action.borrow_mut();
        self.agent.act(observation.as_slice(), action.as_mut_slice());
        let outcome = self
            .env
            .step(action, self.next_observation.borrow_mut())
            .map_err(|source| TrainError::Env { step, source })?;
        let text = || A::Action::text(self.action.borrow());
        check_finite(at, text, outcome.reward, self.next_observation.borrow())?;
        self.steps = step;
        self.episode_return += outcome.reward;
        self.episode_steps += 1;
        let transition = Transition {
            observation: self.observation.borrow(),
            action: self.action.borrow(),
            reward: outcome.reward,
            next_observation: self.next_observation.borrow(),
            terminated: outcome.terminated,
            truncated: outcome.truncated,
        };
        let update = learn(&mut self.agent, &Steps::of(&transition)).map_err(refused)?;
        std::mem::swap(&mut self.observation, &mut self.next_observation);
        let episode = Ending::of(outcome).map(|ending| {
            let ended = EpisodeEnd { episode_return: self.episode_return, steps: self.episode_steps, ending };
            self.episodes += 1;
            (self.episode_return, self.episode_steps) = (0.0, 0);
            self.env.reset(None, self.observation.borrow_mut());
            ended
        });
        Ok(Event { episode, update })
    }
}

impl<A: Agent> Trainer<A> {
    /// Takes steps until so many episodes have ended, and tells how.
    ///
    /// # Errors
    /// If the environment or the agent cannot go on. The run ends there.
    pub fn run_episodes(&mut self, count: usize) -> Result<Vec<EpisodeEnd>, TrainError> {
        let mut ended = Vec::with_capacity(count);
        while ended.len() < count {
            ended.extend(self.step()?.episode);
        }
        Ok(ended)
    }
}

/// Training that advances step by step, in one environment or in many copies.
pub trait Training: Restorable + Send {
    /// The observations that the agent acts on.
    type Observation: Row + ?Sized;
    /// The actions that it takes.
    type Action: Row + ?Sized;

    /// Takes one step in every copy, and makes the updates that are then due; returns the mean of each of their measurements.
    ///
    /// # Errors
    /// If the environment or the agent cannot go on. The run ends there.
    fn advance(&mut self) -> Result<Option<Measurements>, TrainError>;

    /// The episodes that ended with the last step.
    fn ended(&self) -> &[EpisodeEnd];

    /// Steps taken, of all copies together.
    fn steps(&self) -> u64;

    /// Episodes finished.
    fn episodes(&self) -> u64;

    /// A copy of the model as learned so far.
    fn model(&self) -> Model;

    /// Measurements of the present moment, for the log ([`Agent::diagnostics`]).
    fn diagnostics(&self) -> Measurements;

    /// Visit counts `N(s, a)`, `states x actions`, of learners that count them.
    fn visits(&self) -> Option<&[u64]>;

    /// Results beside the model, for the summary of a run ([`Agent::results`]).
    fn results(&self) -> Measurements;

    /// Takes steps until so many have been taken in all, or a callback breaks; tells the callback of each, and evaluates the greedy
    /// policy where the evaluator says.
    ///
    /// # Errors
    /// If the environment or the agent cannot go on. The run ends there.
    fn run(
        &mut self,
        until: u64,
        evaluator: Option<&Evaluator<Self::Observation, Self::Action>>,
        callback: &mut impl Callback<Self>,
    ) -> Result<ControlFlow<()>, TrainError>
    where
        Self: Sized,
        for<'a> ModelActor<'a>: Actor<Self::Observation, Self::Action>,
    {
        while self.steps() < until {
            let before = self.steps();
            let update = self.advance()?;
            // Every one is told, also if an earlier one has broken.
            let mut stop = callback.on_step(self, update.as_ref()).is_break();
            if let Some(update) = &update {
                stop |= callback.on_update(self, update).is_break();
            }
            for i in 0..self.ended().len() {
                let episode = self.ended()[i];
                stop |= callback.on_episode(self, &episode).is_break();
            }
            if let Some(evaluator) = evaluator.filter(|evaluator| evaluator.is_due(before, self.steps())) {
                let model = self.model();
                let evaluation =
                    evaluate(evaluator.protocol, &evaluator.make_env, || ModelActor::greedy(&model))?;
                stop |= callback.on_evaluation(self, &evaluation).is_break();
            }
            if stop {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

impl<A: Agent> Training for Trainer<A> {
    type Observation = A::Observation;
    type Action = A::Action;

    fn advance(&mut self) -> Result<Option<Measurements>, TrainError> {
        let Event { episode, update } = self.step()?;
        self.ended = episode;
        Ok(update)
    }

    fn ended(&self) -> &[EpisodeEnd] {
        self.ended.as_slice()
    }

    fn steps(&self) -> u64 {
        self.steps
    }

    fn episodes(&self) -> u64 {
        self.episodes
    }

    fn model(&self) -> Model {
        self.agent.model()
    }

    fn diagnostics(&self) -> Measurements {
        self.agent.diagnostics()
    }

    fn visits(&self) -> Option<&[u64]> {
        self.agent.visits()
    }

    fn results(&self) -> Measurements {
        self.agent.results()
    }
}

impl<A: Agent> Restorable for Trainer<A> {
    fn snapshot(&self) -> Snapshot {
        Snapshot::new()
            .with_part("agent", &self.agent)
            .with_part("env", &self.env)
            .with("observation", self.observation.borrow().to_value())
            .with("steps", Value::U64(self.steps))
            .with("episodes", Value::U64(self.episodes))
            .with("episode_return", Value::F64(self.episode_return))
            .with("episode_steps", Value::U64(self.episode_steps))
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        snapshot.restore_part("agent", &mut self.agent)?;
        snapshot.restore_part("env", &mut self.env)?;
        self.observation.borrow_mut().read(snapshot, "observation")?;
        self.steps = snapshot.u64("steps")?;
        self.episodes = snapshot.u64("episodes")?;
        self.episode_return = snapshot.f64("episode_return")?;
        self.episode_steps = snapshot.u64("episode_steps")?;
        Ok(())
    }
}
