//! One agent in one environment.

use super::error::TrainError;
use super::step::{check_finite, learn};
use super::training::{EpisodeEnd, Training};
use crate::agent::{Agent, Measurements};
use crate::experience::{Ending, Steps, Transition};
use crate::model::Model;
use potstill_core::snapshot::Codec;
use potstill_core::{Snapshot, SnapshotError, Streams, snapshot};
use potstill_env::{BoxEnv, Env, Row};
use std::borrow::{Borrow, BorrowMut};
use std::marker::PhantomData;

/// Training of one agent in one environment.
pub struct Trainer<A: Agent> {
    agent: A,
    env: BoxEnv<A::Observation, A::Action>,
    action: <A::Action as ToOwned>::Owned,
    observation: <A::Observation as ToOwned>::Owned,
    next_observation: <A::Observation as ToOwned>::Owned,
    steps: u64,
    episodes: u64,
    /// The undiscounted return of the running episode so far.
    episode_return: f64,
    episode_steps: u64,
    /// The episode that ended with the last step.
    ended: Option<EpisodeEnd>,
    /// The measurements of the last updates.
    measured: Measurements,
}

/// The events of one step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Event {
    /// The episode that ended with it.
    pub episode: Option<EpisodeEnd>,
    /// True if the agent made updates after it; their measurements are [`Training::measured`].
    pub updated: bool,
}

impl<A: Agent> Trainer<A> {
    /// Starts the first episode of an agent in an environment.
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
            measured: Measurements::default(),
        }
    }

    /// The agent.
    pub fn agent(&self) -> &A {
        &self.agent
    }

    /// Steps so far.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Finished episodes.
    pub fn episodes(&self) -> u64 {
        self.episodes
    }

    /// Takes one step: act, step, learn; then a new episode if this one has ended.
    ///
    /// # Errors
    /// If the environment or the agent fails. The run ends there.
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
        let updated = learn(&mut self.agent, &Steps::of(&transition), &mut self.measured).map_err(refused)?;
        std::mem::swap(&mut self.observation, &mut self.next_observation);
        let episode = Ending::of(outcome).map(|ending| {
            let ended = EpisodeEnd { episode_return: self.episode_return, steps: self.episode_steps, ending };
            self.episodes += 1;
            (self.episode_return, self.episode_steps) = (0.0, 0);
            self.env.reset(None, self.observation.borrow_mut());
            ended
        });
        Ok(Event { episode, updated })
    }
}

impl<A: Agent> Trainer<A> {
    /// Takes steps until `count` episodes have ended, and returns these.
    ///
    /// # Errors
    /// If the environment or the agent fails. The run ends there.
    pub fn run_episodes(&mut self, count: usize) -> Result<Vec<EpisodeEnd>, TrainError> {
        let mut ended = Vec::with_capacity(count);
        while ended.len() < count {
            ended.extend(self.step()?.episode);
        }
        Ok(ended)
    }
}

impl<A: Agent> Training for Trainer<A> {
    type Observation = A::Observation;
    type Action = A::Action;

    fn advance(&mut self) -> Result<bool, TrainError> {
        let Event { episode, updated } = self.step()?;
        self.ended = episode;
        Ok(updated)
    }

    fn measured(&self) -> &Measurements {
        &self.measured
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

    fn start_from(&mut self, model: &Model) -> Result<(), String> {
        self.agent.start_from(model)
    }

    fn diagnostics(&self) -> Measurements {
        self.agent.diagnostics()
    }

    fn visits(&self) -> Option<&[u64]> {
        self.agent.visits()
    }

    fn learns_values(&self) -> bool {
        self.agent.learns_values()
    }

    fn results(&self) -> Measurements {
        self.agent.results()
    }
}

snapshot! {
    impl[A: Agent] Restorable for Trainer<A> {
        saved: agent, env, observation via Numbers::<A::Observation>(PhantomData), steps, episodes, episode_return,
            episode_steps;
        built: action, next_observation, ended, measured;
    }
}

/// The codec of a value of a space: its number, or its numbers.
struct Numbers<R: ?Sized>(PhantomData<R>);

impl<R: Row + ?Sized> Codec<R::Owned> for Numbers<R> {
    fn save(&self, row: &R::Owned, name: &str, snapshot: &mut Snapshot) {
        snapshot.insert(name, row.borrow().to_value());
    }

    fn load(&self, row: &mut R::Owned, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        row.borrow_mut().read(snapshot, name)
    }
}
