//! One agent in one environment.

use super::error::TrainError;
use super::last_step::{EpisodeEnd, IfStopped, LastStep, NEVER, Stop};
use super::step::check_finite;
use super::training::Training;
use crate::agent::Agent;
use crate::data::OfflineDataset;
use crate::data::episodes::EpisodeRecorder;
use crate::experience::{Ending, Steps, Transition};
use potstill_core::snapshot::{Codec, IfPresent};
use potstill_core::{Snapshot, SnapshotError, Streams, snapshot};
use potstill_env::{BoxEnv, Env, EnvError, Row};
use std::borrow::{Borrow, BorrowMut};
use std::marker::PhantomData;

/// Training of one agent in one environment.
pub struct Trainer<A: Agent> {
    agent: A,
    env: BoxEnv<A::Observation, A::Action>,
    action: <A::Action as ToOwned>::Owned,
    /// True if the action was drawn, and the environment has not taken it.
    has_pending_action: bool,
    observation: <A::Observation as ToOwned>::Owned,
    next_observation: <A::Observation as ToOwned>::Owned,
    steps: u64,
    episodes: u64,
    /// True if the rewards of which returns are reported are not those of the steps.
    has_raw_rewards: bool,
    /// The undiscounted return of the running episode so far.
    episode_return: f64,
    episode_steps: u64,
    last: LastStep,
    recorder: Option<EpisodeRecorder<A::Observation, A::Action>>,
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
            has_pending_action: false,
            has_raw_rewards: env.raw_reward().is_some(),
            env,
            next_observation: A::Observation::buffer(&space),
            observation,
            steps: 0,
            episodes: 0,
            episode_return: 0.0,
            episode_steps: 0,
            last: LastStep::of_copies(1),
            recorder: None,
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
    #[inline]
    pub fn step(&mut self) -> Result<Event, TrainError> {
        let updated = self.advance_unless(NEVER)?.is_some_and(|updated| updated);
        Ok(Event { episode: self.last.ended.first().copied(), updated })
    }

    /// Acts, steps, and lets the agent observe the step. Returns false, with nothing changed, if a search before it was stopped.
    #[inline]
    fn begin_step(&mut self, stop: &Stop<'_>) -> Result<bool, TrainError> {
        let step = self.steps + 1;
        let refused = |source| TrainError::Learn { step, source };
        let at = (step, self.episodes + 1);
        if self.episode_steps == 0 {
            check_finite(at, || "none, at a reset,".to_owned(), 0.0, self.observation.borrow())?;
        }
        if !self.has_pending_action {
            while !self.agent.search(&self.env).map_err(refused)? {
                if stop() {
                    return Ok(false);
                }
            }
            let observation: &A::Observation = self.observation.borrow();
            self.agent.act(observation.as_slice(), self.action.borrow_mut().as_mut_slice());
        }
        // The step may be tried again, by a run that is resumed with a mended environment.
        self.has_pending_action = true;
        let outcome = self
            .env
            .step(self.action.borrow(), self.next_observation.borrow_mut())
            .map_err(|source| TrainError::Env { step, source })?;
        self.has_pending_action = false;
        let text = || A::Action::text(self.action.borrow());
        check_finite(at, text, outcome.reward, self.next_observation.borrow())?;
        let mut raw_reward = outcome.reward;
        if self.has_raw_rewards {
            raw_reward = self.env.raw_reward().unwrap_or(raw_reward);
            check_finite(at, text, raw_reward, self.next_observation.borrow())?;
        }
        self.steps = step;
        self.episode_return += raw_reward;
        self.episode_steps += 1;
        let transition = Transition {
            observation: self.observation.borrow(),
            action: self.action.borrow(),
            reward: outcome.reward,
            next_observation: self.next_observation.borrow(),
            terminated: outcome.terminated,
            truncated: outcome.truncated,
        };
        if let Some(recorder) = &mut self.recorder {
            let failed = |reason| TrainError::Env { step, source: EnvError::Failed { reason } };
            recorder.observe(&Steps::of(&transition)).map_err(failed)?;
        }
        let due = self.agent.observe(&Steps::of(&transition)).map_err(refused)?;
        self.last.begin(step - 1, due);
        std::mem::swap(&mut self.observation, &mut self.next_observation);
        if let Some(ending) = Ending::of(outcome) {
            let (episode_return, steps) = (self.episode_return, self.episode_steps);
            self.last.ended.push(EpisodeEnd { episode_return, steps, ending });
            self.episodes += 1;
            (self.episode_return, self.episode_steps) = (0.0, 0);
            self.env.reset(None, self.observation.borrow_mut());
        }
        Ok(true)
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
    type Agent = A;

    fn agent(&self) -> &A {
        &self.agent
    }

    fn agent_mut(&mut self) -> &mut A {
        &mut self.agent
    }

    #[inline]
    fn advance_unless(&mut self, stop: &Stop<'_>) -> Result<Option<bool>, TrainError> {
        if self.last.left == 0 && !self.begin_step(stop)? {
            return Ok(None);
        }
        let step = self.steps;
        let refused = |source| TrainError::Learn { step, source };
        let is_complete = self.last.update(&mut self.agent, stop).map_err(refused)?;
        Ok(is_complete.then_some(self.last.due > 0))
    }

    fn is_between_steps(&self) -> bool {
        self.env.is_retriable()
    }

    fn record(&mut self, id: &str) -> Result<(), String> {
        let (observations, actions) = (self.env.observation_space(), self.env.action_space());
        self.recorder = Some(EpisodeRecorder::new(id, observations, actions));
        Ok(())
    }

    fn recording(&self) -> Option<Result<OfflineDataset, String>> {
        self.recorder.as_ref().map(EpisodeRecorder::finished)
    }

    fn last_step(&self) -> &LastStep {
        &self.last
    }

    fn last_step_mut(&mut self) -> &mut LastStep {
        &mut self.last
    }

    fn steps(&self) -> u64 {
        self.steps
    }

    fn episodes(&self) -> u64 {
        self.episodes
    }
}

snapshot! {
    impl[A: Agent] Restorable for Trainer<A> {
        saved: agent, env, observation via Numbers::<A::Observation>(PhantomData), steps, episodes, episode_return,
            episode_steps, last as "unfinished" via IfStopped, has_pending_action via IfPresent,
            action via NumbersIfPresent::<A::Action>(PhantomData), recorder;
        built: next_observation, has_raw_rewards;
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

/// The same codec, for a value that checkpoints of earlier versions do not have.
struct NumbersIfPresent<R: ?Sized>(PhantomData<R>);

impl<R: Row + ?Sized> Codec<R::Owned> for NumbersIfPresent<R> {
    fn save(&self, row: &R::Owned, name: &str, snapshot: &mut Snapshot) {
        Numbers::<R>(PhantomData).save(row, name, snapshot);
    }

    fn load(&self, row: &mut R::Owned, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        if snapshot.contains(name) {
            Numbers::<R>(PhantomData).load(row, name, snapshot)?;
        }
        Ok(())
    }
}
