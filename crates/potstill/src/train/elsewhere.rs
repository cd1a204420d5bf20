//! The learner's side of actors: steps that were taken elsewhere, in place of those of its own copies.

use super::last_step::Stop;
use super::player::{ActBy, Actors, answer, envs_of, first_part, order};
use crate::agent::Agent;
use crate::metrics::catalogue;
use crate::model::Model;
use potstill_core::{Pcg64, Snapshot, SnapshotError, Streams};
use potstill_env::space::Element;
use potstill_env::vector::{VecSteps, join_states, split_state};
use potstill_env::{Batch, Row};

/// The copies of a run that actors step.
pub(super) struct Elsewhere<T, A: Row + ?Sized> {
    actors: Box<dyn Actors>,
    streams: Streams,
    /// The copies of each actor.
    counts: Vec<usize>,
    /// Numbers of an action.
    width: usize,
    /// The parts before the steps that are at hand, and after them.
    before: Vec<Snapshot>,
    after: Vec<Snapshot>,
    steps: Vec<VecSteps<T, A::Element>>,
    /// True if orders were sent, and the answers have not come.
    is_ordered: bool,
    batch: Batch<T>,
}

/// Refuses a learner whose copies cannot be stepped by actors.
fn check(agent: &impl Agent, ahead: Option<u64>) -> Result<(), String> {
    match (ahead, agent.model()) {
        (Some(_), Model::Network(network)) if agent.learns_values() && !network.is_noisy() => Ok(()),
        (Some(_), _) => Err(
            "actors play ahead by action values and a rate of exploration, as dqn has them; without them \
             give rounds"
                .to_owned(),
        ),
        (None, _) if agent.fixed_steps().is_some() => Ok(()),
        (None, _) => Err("in rounds the policy is the same for many steps: train ppo or a2c, without \
             normalize_observations, or let actors play ahead"
            .to_owned()),
    }
}

impl<T: Element, A: Row + ?Sized> Elsewhere<T, A> {
    /// Starts actors for the copies of a run, which are in this state after `batch`.
    pub(super) fn new(
        mut actors: Box<dyn Actors>,
        (config, streams): (&str, Streams),
        agent: &impl Agent,
        (state, batch, width): (&Snapshot, &Batch<T>, usize),
    ) -> Result<Self, String> {
        check(agent, actors.ahead())?;
        let counts = actors.start(config, batch.len())?;
        if counts.contains(&0) || counts.iter().sum::<usize>() != batch.len() {
            return Err(format!(
                "actors with {counts:?} copies have not the {} copies of the run",
                batch.len()
            ));
        }
        let batch = batch.clone();
        let (before, after, steps) = (Vec::new(), Vec::new(), Vec::new());
        let mut new = Self { actors, streams, counts, width, before, after, steps, is_ordered: false, batch };
        new.begin_from(state, 0).map_err(|error| error.to_string())?;
        Ok(new)
    }

    /// Begins from another state of the copies, after so many steps of the run.
    pub(super) fn begin_from(&mut self, state: &Snapshot, steps: u64) -> Result<(), SnapshotError> {
        let mut first = steps;
        self.after.clear();
        for (state, &count) in split_state(state, &self.counts)?.into_iter().zip(&self.counts) {
            // One stream for each actor, others after each beginning.
            let stream: Option<Pcg64> =
                self.actors.ahead().map(|_| self.streams.indexed("exploration", first + 1));
            self.after.push(first_part(state, stream.as_ref()));
            first += count as u64;
        }
        self.before.clone_from(&self.after);
        self.steps.clear();
        self.is_ordered = false;
        Ok(())
    }

    /// Returns true if the learner acts, in every step, as its actors have.
    pub(super) fn is_exact(&self) -> bool {
        self.actors.ahead().is_none()
    }

    /// Returns true if no step is at hand.
    pub(super) fn is_empty(&self) -> bool {
        self.steps.first().is_none_or(|steps| steps.left() == 0)
    }

    /// The state of the copies before the steps that are at hand.
    pub(super) fn state(&self) -> Result<Snapshot, SnapshotError> {
        let parts: Result<Vec<Snapshot>, _> = self.before.iter().map(|part| envs_of(part).cloned()).collect();
        join_states(&parts?)
    }

    fn send(&mut self, agent: &impl Agent) -> Result<(), String> {
        let model;
        let (steps, by) = match self.actors.ahead() {
            None => (agent.fixed_steps().unwrap_or(1).max(1), ActBy::Learner(agent.snapshot())),
            Some(steps) => {
                model = agent.model();
                let Model::Network(network) = &model else { unreachable!("checked: a network of values") };
                let epsilon = agent.diagnostics().get(catalogue::EXPLORATION_RATE).unwrap_or_default();
                (steps, ActBy::Values(network, epsilon))
            }
        };
        self.is_ordered = true;
        self.actors.order(self.after.iter().map(|part| order(steps, part, &by)).collect())
    }

    /// Waits for steps. Returns false if it was stopped, with nothing changed.
    pub(super) fn collect(&mut self, agent: &impl Agent, stop: &Stop<'_>) -> Result<bool, String> {
        if !self.is_ordered {
            self.send(agent)?;
        }
        let answers = loop {
            match self.actors.answers()? {
                Some(answers) => break answers,
                None if stop() => return Ok(false),
                None => {}
            }
        };
        let features = self.batch.features();
        let mut after = Vec::with_capacity(answers.len());
        self.steps.clear();
        for (found, &count) in answers.iter().zip(&self.counts) {
            let (steps, part) = answer(found, (count, features, self.width))
                .map_err(|error| format!("an answer does not fit: {error}"))?;
            self.steps.push(steps);
            after.push(part);
        }
        let lengths: Vec<usize> = self.steps.iter().map(VecSteps::left).collect();
        if lengths.len() != self.counts.len()
            || lengths.iter().any(|length| *length == 0 || *length != lengths[0])
        {
            return Err(format!("the answers have {lengths:?} steps"));
        }
        self.before = std::mem::replace(&mut self.after, after);
        self.is_ordered = false;
        Ok(true)
    }

    /// Has the actors play ahead, while the steps at hand are learned from, if they do.
    pub(super) fn play_ahead(&mut self, agent: &impl Agent) -> Result<(), String> {
        if self.is_exact() || self.is_ordered { Ok(()) } else { self.send(agent) }
    }

    /// Takes the next step. In rounds the actions must be those of the actors; else they become these.
    pub(super) fn step(&mut self, actions: &mut [A::Element]) -> Result<(), String> {
        let (mut first, is_exact) = (0, self.is_exact());
        for (steps, &count) in self.steps.iter_mut().zip(&self.counts) {
            let found = steps.take(first, &mut self.batch);
            let own = &mut actions[first * self.width..(first + count) * self.width];
            if is_exact && found != own {
                return Err(format!(
                    "an actor has acted otherwise in copies {first} to {} than the learner would: is it the same version of \
                     potstill?",
                    first + count - 1
                ));
            }
            own.copy_from_slice(found);
            first += count;
        }
        Ok(())
    }

    /// The result of the last step.
    pub(super) fn batch(&self) -> &Batch<T> {
        &self.batch
    }
}
