//! Training of one agent in many copies of an environment.

use super::elsewhere::Elsewhere;
use super::error::TrainError;
use super::last_step::{EpisodeEnd, IfStopped, LastStep, Stop};
use super::player::Actors;
use super::step::check_finite;
use super::training::Training;
use crate::agent::Agent;
use crate::data::OfflineDataset;
use crate::data::episodes::EpisodeRecorder;
use crate::experience::{ElementOf, Ending, Steps};
use potstill_core::snapshot::{Codec, Counter};
use potstill_core::{Restorable, Snapshot, SnapshotError, Streams, Value, snapshot};
use potstill_env::registry::BoxVecEnv;
use potstill_env::space::Element;
use potstill_env::{Autoreset, EnvError, Outcome, Row};

/// One agent in many copies of an environment, all stepped together. A step of the run is one step of one
/// copy.
///
/// `T` is the element type of the environments' observations: bytes reach the agent as `f32`.
pub struct VecTrainer<A: Agent, T = f32> {
    agent: A,
    envs: BoxVecEnv<T, A::Action>,
    /// Actors that step the copies in place of `envs`, which are then in an earlier state.
    elsewhere: Option<Elsewhere<T, A::Action>>,
    /// The actions since the state of the copies that actors have begun from, `steps x copies x width`.
    taken: Vec<ElementOf<A::Action>>,
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
    recorder: Option<EpisodeRecorder<[f32], A::Action>>,
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
            elsewhere: None,
            taken: Vec::new(),
            next_observations: observations.clone(),
            observations,
            actions: vec![ElementOf::<A::Action>::default(); copies * width],
            steps: 0,
            episodes: 0,
            returns: vec![0.0; copies],
            lengths: vec![0; copies],
            last: LastStep::of_copies(copies),
            recorder: None,
            envs,
        }
    }

    /// The agent.
    pub fn agent(&self) -> &A {
        &self.agent
    }

    /// Lets actors step the copies of a run with this `config.toml`, from now on.
    ///
    /// # Errors
    /// If the learner does not go with them, or they do not start; the reason.
    fn step_elsewhere(
        &mut self,
        actors: Box<dyn Actors>,
        config: &str,
        streams: Streams,
    ) -> Result<(), String> {
        let width = self.actions.len() / self.returns.len();
        let place = (&self.envs.snapshot(), self.envs.batch(), width);
        self.elsewhere = Some(Elsewhere::new(actors, (config, streams), &self.agent, place)?);
        Ok(())
    }

    /// Takes the steps since the restored state of the environments, and reads the observations to act on.
    fn go_on(&mut self) -> Result<(), SnapshotError> {
        for actions in self.taken.chunks(self.actions.len()) {
            let stepped = self.envs.step(actions).map(|_| ());
            stepped.map_err(|error| SnapshotError::invalid(TAKEN, error.to_string()))?;
        }
        self.taken.clear();
        if let Some(elsewhere) = &mut self.elsewhere {
            elsewhere.begin_from(&self.envs.snapshot(), self.steps)?;
        }
        let batch = &self.envs.batch().observations;
        self.observations.iter_mut().zip(batch).for_each(|(to, &x)| *to = x.into());
        Ok(())
    }

    /// Acts, steps every copy, and lets the agent observe the steps. Returns false, with nothing changed, if it was stopped while
    /// actors were waited for.
    fn begin_step(&mut self, stop: &Stop<'_>) -> Result<bool, TrainError> {
        let step = self.steps + 1;
        // The first observation of an episode.
        let features = self.observations.len() / self.returns.len();
        for (i, first) in self.observations.chunks_exact(features).enumerate() {
            if self.lengths[i] == 0 {
                let action = || format!("none, at a reset, in copy {i}");
                check_finite((step, self.episodes + 1), action, 0.0, first)?;
            }
        }
        let batch = match &mut self.elsewhere {
            None => {
                self.agent.act(&self.observations, &mut self.actions);
                self.envs.step(&self.actions).map_err(|source| TrainError::Env { step, source })?
            }
            Some(elsewhere) => {
                if elsewhere.is_empty() {
                    let failed = |reason| TrainError::Actors { step, reason };
                    if !elsewhere.collect(&self.agent, stop).map_err(failed)? {
                        return Ok(false);
                    }
                    self.taken.clear();
                    elsewhere.play_ahead(&self.agent).map_err(failed)?;
                }
                if elsewhere.is_exact() {
                    self.agent.act(&self.observations, &mut self.actions);
                }
                let failed = |reason| TrainError::Env { step, source: EnvError::Failed { reason } };
                elsewhere.step(&mut self.actions).map_err(failed)?;
                self.taken.extend_from_slice(&self.actions);
                elsewhere.batch()
            }
        };
        // The next observations, with the true final one where an episode ended.
        let widen =
            |row: &mut [f32], from: &[T]| row.iter_mut().zip(from).for_each(|(to, &x)| *to = x.into());
        widen(&mut self.next_observations, &batch.observations);
        for (i, row) in self.next_observations.chunks_exact_mut(features).enumerate() {
            if let Some(last) = batch.final_observation(i) {
                widen(row, last);
            }
        }
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
        if let Some(recorder) = &mut self.recorder {
            let failed = |reason| TrainError::Env { step, source: EnvError::Failed { reason } };
            recorder.observe(&steps).map_err(failed)?;
        }
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
        Ok(true)
    }
}

impl<A: Agent<Observation = [f32]>, T: Element + Into<f32>> Training for VecTrainer<A, T> {
    type Agent = A;

    fn agent(&self) -> &A {
        &self.agent
    }

    fn agent_mut(&mut self) -> &mut A {
        &mut self.agent
    }

    fn advance_unless(&mut self, stop: &Stop<'_>) -> Result<Option<bool>, TrainError> {
        if self.last.left == 0 && !self.begin_step(stop)? {
            return Ok(None);
        }
        let step = self.steps;
        let is_complete = self.last.update(&mut self.agent, stop);
        let is_complete = is_complete.map_err(|source| TrainError::Learn { step, source })?;
        Ok(is_complete.then_some(self.last.due > 0))
    }

    fn record(&mut self, id: &str) -> Result<(), String> {
        let (observations, actions) = (self.envs.single_observation_space(), self.envs.single_action_space());
        self.recorder = Some(EpisodeRecorder::new(id, observations, actions));
        Ok(())
    }

    fn recording(&self) -> Option<Result<OfflineDataset, String>> {
        self.recorder.as_ref().map(EpisodeRecorder::finished)
    }

    fn step_elsewhere(
        &mut self,
        actors: Box<dyn Actors>,
        config: &str,
        streams: Streams,
    ) -> Result<(), String> {
        VecTrainer::step_elsewhere(self, actors, config, streams)
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
    impl[A: Agent<Observation = [f32]>, T: Element + Into<f32>] Restorable for VecTrainer<A, T> {
        saved: agent, envs via BeforeActors(elsewhere.as_ref()), taken via IfTaken(actions.len()),
            steps via Counter, episodes, returns, lengths, last as "unfinished" via IfStopped, recorder;
        built: elsewhere, observations, next_observations, actions;
        then: Self::go_on;
    }
}

/// The codec of environments, whose state is that which actors have begun from if these step them.
struct BeforeActors<'a, T, A: Row + ?Sized>(Option<&'a Elsewhere<T, A>>);

impl<T: Element, A: Row + ?Sized> Codec<BoxVecEnv<T, A>> for BeforeActors<'_, T, A> {
    fn save(&self, envs: &BoxVecEnv<T, A>, name: &str, snapshot: &mut Snapshot) {
        let state = self.0.map(|elsewhere| elsewhere.state().expect("parts of one environment"));
        snapshot.insert(name, Value::Tree(state.unwrap_or_else(|| envs.snapshot())));
    }

    fn load(&self, envs: &mut BoxVecEnv<T, A>, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        snapshot.restore_part(name, envs)
    }
}

/// The name of the actions since the state of the environments.
const TAKEN: &str = "taken";

/// The codec of the actions of whole steps, with so many numbers each, which are saved only if there are any.
struct IfTaken(usize);

impl<E: Element> Codec<Vec<E>> for IfTaken {
    fn save(&self, taken: &Vec<E>, name: &str, snapshot: &mut Snapshot) {
        if !taken.is_empty() {
            snapshot.insert(name, E::to_value(taken));
        }
    }

    fn load(&self, taken: &mut Vec<E>, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        taken.clear();
        let numbers = match snapshot.iter().find(|(known, _)| *known == name).map(|(_, value)| value) {
            None => return Ok(()),
            Some(Value::U64s(numbers)) => numbers.len(),
            Some(Value::F32s(numbers)) => numbers.len(),
            Some(_) => return Err(SnapshotError::invalid(name, "is no array of actions")),
        };
        if numbers % self.0 != 0 {
            return Err(SnapshotError::invalid(
                name,
                format!("{numbers} numbers are not those of whole steps"),
            ));
        }
        taken.resize(numbers, E::default());
        E::read(taken, snapshot, name)
    }
}
