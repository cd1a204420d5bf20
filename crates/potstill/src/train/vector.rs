//! Training of one agent in many copies of an environment.

use super::error::TrainError;
use super::last_step::{EpisodeEnd, IfStopped, LastStep, Stop};
use super::step::check_finite;
use super::training::Training;
use crate::agent::{Agent, Measurements};
use crate::experience::{ElementOf, Ending, Steps};
use crate::model::Model;
use potstill_core::snapshot::Counter;
use potstill_core::{SnapshotError, Streams, snapshot};
use potstill_env::registry::BoxVecEnv;
use potstill_env::space::Element;
use potstill_env::{Autoreset, Outcome, Row};

/// One agent in many copies of an environment, all stepped together. A step of the run is one step of one
/// copy.
///
/// `T` is the element type of the environments' observations: bytes reach the agent as `f32`.
pub struct VecTrainer<A: Agent, T = f32> {
    agent: A,
    envs: BoxVecEnv<T, A::Action>,
    observations: Vec<f32>,
    next_observations: Vec<f32>,
    /// `copies x width`.
    actions: Vec<ElementOf<A::Action>>,
    steps: u64,
    episodes: u64,
    /// The undiscounted return of each copy's running episode so far.
    returns: Vec<f64>,
    lengths: Vec<u64>,
    last: LastStep,
}

impl<A: Agent<Observation = [f32]>, T: Element + Into<f32>> VecTrainer<A, T> {
    /// Starts the first episodes of an agent in copies of an environment.
    ///
    /// # Panics
    /// If the autoreset mode does not start a new episode in the step that ends the one before.
    pub fn new(agent: A, mut envs: BoxVecEnv<T, A::Action>, streams: Streams) -> Self {
        assert_eq!(envs.autoreset(), Autoreset::SameStep, "episodes follow each other without a gap");
        let batch = envs.reset(Some(streams.seed_for("environment", 0)));
        let observations: Vec<f32> = batch.observations.iter().map(|&x| x.into()).collect();
        let copies = batch.len();
        let width = envs.single_action_space().features();
        Self {
            agent,
            next_observations: observations.clone(),
            observations,
            actions: vec![ElementOf::<A::Action>::default(); copies * width],
            steps: 0,
            episodes: 0,
            returns: vec![0.0; copies],
            lengths: vec![0; copies],
            last: LastStep::of_copies(copies),
            envs,
        }
    }

    /// The agent.
    pub fn agent(&self) -> &A {
        &self.agent
    }

    /// Reads the observations to act on from restored environments.
    fn read_observations(&mut self) -> Result<(), SnapshotError> {
        let batch = &self.envs.batch().observations;
        self.observations.iter_mut().zip(batch).for_each(|(to, &x)| *to = x.into());
        Ok(())
    }

    /// Acts, steps every copy, and lets the agent observe the steps.
    fn begin_step(&mut self) -> Result<(), TrainError> {
        let step = self.steps + 1;
        // The first observation of an episode.
        let features = self.observations.len() / self.returns.len();
        for (i, first) in self.observations.chunks_exact(features).enumerate() {
            if self.lengths[i] == 0 {
                let action = || format!("none, at a reset, in copy {i}");
                check_finite((step, self.episodes + 1), action, 0.0, first)?;
            }
        }
        self.agent.act(&self.observations, &mut self.actions);
        let batch = self.envs.step(&self.actions).map_err(|source| TrainError::Env { step, source })?;
        // The next observations, with the true final one where an episode ended.
        let widen =
            |row: &mut [f32], from: &[T]| row.iter_mut().zip(from).for_each(|(to, &x)| *to = x.into());
        widen(&mut self.next_observations, &batch.observations);
        for (i, row) in self.next_observations.chunks_exact_mut(features).enumerate() {
            if let Some(last) = batch.final_observation(i) {
                widen(row, last);
            }
        }
        let batch = self.envs.batch();
        let width = self.actions.len() / batch.len();
        for (i, next) in self.next_observations.chunks_exact(features).enumerate() {
            let action = || {
                let row = A::Action::from_slice(&self.actions[i * width..][..width]);
                format!("{} in copy {i}", row.text())
            };
            let at = (step + i as u64, self.episodes + 1);
            check_finite(at, action, batch.rewards[i], next)?;
            check_finite(at, action, batch.raw_reward(i), next)?;
        }
        let steps = Steps {
            observations: &self.observations,
            actions: &self.actions,
            rewards: &batch.rewards,
            next_observations: &self.next_observations,
            terminated: &batch.terminated,
            truncated: &batch.truncated,
        };
        let before = self.steps;
        self.steps += batch.len() as u64;
        let step = self.steps;
        let due = self.agent.observe(&steps).map_err(|source| TrainError::Learn { step, source })?;
        self.last.begin(before, due);
        for i in 0..batch.len() {
            self.returns[i] += batch.raw_reward(i);
            self.lengths[i] += 1;
            let (terminated, truncated) = (batch.terminated[i], batch.truncated[i]);
            if let Some(ending) = Ending::of(Outcome { reward: 0.0, terminated, truncated }) {
                let (episode_return, steps) =
                    (std::mem::take(&mut self.returns[i]), std::mem::take(&mut self.lengths[i]));
                self.last.ended.push(EpisodeEnd { episode_return, steps, ending });
            }
        }
        self.episodes += self.last.ended.len() as u64;
        widen(&mut self.observations, &batch.observations);
        Ok(())
    }
}

impl<A: Agent<Observation = [f32]>, T: Element + Into<f32>> Training for VecTrainer<A, T> {
    type Observation = [f32];
    type Action = A::Action;

    fn advance_unless(&mut self, stop: &Stop<'_>) -> Result<Option<bool>, TrainError> {
        if self.last.left == 0 {
            self.begin_step()?;
        }
        let step = self.steps;
        let is_complete = self.last.update(&mut self.agent, stop);
        let is_complete = is_complete.map_err(|source| TrainError::Learn { step, source })?;
        Ok(is_complete.then_some(self.last.due > 0))
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
    impl[A: Agent<Observation = [f32]>, T: Element + Into<f32>] Restorable for VecTrainer<A, T> {
        saved: agent, envs, steps via Counter, episodes, returns, lengths,
            last as "unfinished" via IfStopped;
        built: observations, next_observations, actions;
        then: Self::read_observations;
    }
}
