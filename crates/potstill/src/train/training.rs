//! Training as callbacks see it, in one environment or in many copies.

use super::error::TrainError;
use super::evaluation::{Evaluation, Evaluator, evaluate_unless};
use super::last_step::{EpisodeEnd, LastStep, NEVER, Stop};
use super::player::Actors;
use crate::agent::{Agent, Measurements};
use crate::data::OfflineDataset;
use crate::model::{Actor, Model, ModelActor};
use potstill_core::{Restorable, Streams};
use std::ops::ControlFlow;

/// The type of a training's observations.
pub type ObservationOf<T> = <<T as Training>::Agent as Agent>::Observation;
/// The type of its actions.
pub type ActionOf<T> = <<T as Training>::Agent as Agent>::Action;

/// Training that advances step by step, in one environment or in many copies.
pub trait Training: Restorable + Send {
    /// The learner.
    type Agent: Agent;

    /// The learner.
    fn agent(&self) -> &Self::Agent;

    /// The learner, to be changed before anything was learned.
    fn agent_mut(&mut self) -> &mut Self::Agent;

    /// Takes one step in every copy, and makes the updates that are then due; or makes those that a step before it has left.
    /// Returns true if there were any, and `None` if it was stopped before the step was complete: the next call, also of a restored
    /// copy, goes on from there.
    ///
    /// # Errors
    /// If the environment or the agent fails. The run ends there.
    fn advance_unless(&mut self, stop: &Stop<'_>) -> Result<Option<bool>, TrainError>;

    /// Returns true if a step that the environment refused has changed nothing, so that the state can be gone on from.
    fn is_between_steps(&self) -> bool {
        false
    }

    /// Lets actors step the copies of the environment of a run with this `config.toml` and these streams, from now on.
    ///
    /// # Errors
    /// If there is one environment alone, the learner does not go with actors, or they do not start; the reason.
    fn step_elsewhere(&mut self, _: Box<dyn Actors>, _: &str, _: Streams) -> Result<(), String> {
        Err("it learns in one environment, not in copies that actors could step; give num_envs, or train ppo or dqn".to_owned())
    }

    /// The last step, and what is still to be done of it.
    fn last_step(&self) -> &LastStep;

    /// The last step, to be changed by [`run`](Training::run).
    fn last_step_mut(&mut self) -> &mut LastStep;

    /// Takes one step in every copy, and makes the updates that are then due; returns true if there were any.
    ///
    /// # Errors
    /// As [`advance_unless`](Training::advance_unless).
    fn advance(&mut self) -> Result<bool, TrainError> {
        Ok(self.advance_unless(NEVER)?.is_some_and(|updated| updated))
    }

    /// The measurements of the last updates, each the mean over the updates of its step.
    fn measured(&self) -> &Measurements {
        &self.last_step().measured
    }

    /// The episodes that ended with the last step.
    fn ended(&self) -> &[EpisodeEnd] {
        &self.last_step().ended
    }

    /// Steps so far, of all copies together.
    fn steps(&self) -> u64;

    /// Finished episodes.
    fn episodes(&self) -> u64;

    /// A copy of the model as learned so far.
    fn model(&self) -> Model {
        self.agent().model()
    }

    /// Measurements of the present moment, for the log.
    fn diagnostics(&self) -> Measurements {
        self.agent().diagnostics()
    }

    /// Records the episodes from now on, as those of an environment with this id.
    ///
    /// # Errors
    /// If nothing is played; the reason.
    fn record(&mut self, _: &str) -> Result<(), String> {
        Err("nothing is played in a run on recorded data".to_owned())
    }

    /// The recorded episodes, the running ones cut off; `None` if none are recorded.
    ///
    /// # Errors
    /// If a number of a running one is not in its space; the reason.
    fn recording(&self) -> Option<Result<OfflineDataset, String>> {
        None
    }

    /// Takes steps until there are `until` in all, or a callback breaks. Calls the callback after each, and
    /// evaluates the greedy policy as often as the evaluator asks for.
    ///
    /// # Errors
    /// If the environment or the agent fails. The run ends there.
    fn run(
        &mut self,
        until: u64,
        evaluator: Option<&Evaluator<ObservationOf<Self>, ActionOf<Self>>>,
        callback: &mut impl Callback<Self>,
    ) -> Result<RunEnd, TrainError>
    where
        Self: Sized,
        for<'a> ModelActor<'a>: Actor<ObservationOf<Self>, ActionOf<Self>>,
    {
        self.run_unless(NEVER, until, evaluator, callback)
    }

    /// The same as [`run`](Training::run), but returns within a short time after a stop request, also from the middle of a
    /// step's updates or of an evaluation. Another call, also of a restored copy, goes on from there.
    ///
    /// # Errors
    /// As [`run`](Training::run).
    fn run_unless(
        &mut self,
        stop: &Stop<'_>,
        until: u64,
        evaluator: Option<&Evaluator<ObservationOf<Self>, ActionOf<Self>>>,
        callback: &mut impl Callback<Self>,
    ) -> Result<RunEnd, TrainError>
    where
        Self: Sized,
        for<'a> ModelActor<'a>: Actor<ObservationOf<Self>, ActionOf<Self>>,
    {
        while self.steps() < until || !self.last_step().is_complete() {
            let mut updated = false;
            if !self.last_step().is_to_be_evaluated {
                match self.advance_unless(stop)? {
                    None => return Ok(RunEnd::Asked),
                    Some(made) => updated = made,
                }
                let update = updated.then(|| *self.measured());
                // All callbacks are called, even if an earlier one has broken.
                let mut broken = callback.on_step(self, update.as_ref()).is_break();
                if let Some(update) = &update {
                    broken |= callback.on_update(self, update).is_break();
                }
                for i in 0..self.ended().len() {
                    let episode = self.ended()[i];
                    broken |= callback.on_episode(self, &episode).is_break();
                }
                let before = self.last_step().before;
                let is_due = evaluator.is_some_and(|evaluator| {
                    let is_last = |last| !self.ended().is_empty() && self.episodes() >= last;
                    evaluator.is_due(before, self.steps()) || evaluator.last_episode.is_some_and(is_last)
                });
                let last = self.last_step_mut();
                (last.has_broken, last.is_to_be_evaluated) = (broken, is_due);
            }
            if let Some(evaluator) = evaluator.filter(|_| self.last_step().is_to_be_evaluated) {
                let model = self.model();
                let actor = || ModelActor::greedy(&model);
                let Some(evaluation) = evaluate_unless(stop, evaluator.protocol, &evaluator.make_env, actor)?
                else {
                    return Ok(RunEnd::Asked);
                };
                self.last_step_mut().is_to_be_evaluated = false;
                let broken = callback.on_evaluation(self, &evaluation).is_break();
                self.last_step_mut().has_broken |= broken;
            }
            if self.last_step().has_broken {
                return Ok(RunEnd::Stopped);
            }
            // Steps without updates are short, but for a few learners that look far back.
            if (updated || self.steps().is_multiple_of(8)) && stop() {
                return Ok(RunEnd::Asked);
            }
        }
        Ok(RunEnd::Reached)
    }
}

/// The end of a [`run`](Training::run).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// The number of steps is reached.
    Reached,
    /// A callback ended the run.
    Stopped,
    /// It was asked to stop, perhaps in the middle of a step.
    Asked,
}

/// Methods that [`Training::run`] calls on its events; each may end the run with [`ControlFlow::Break`].
pub trait Callback<T: Training> {
    /// After every step, with the measurements of the updates that followed it.
    fn on_step(&mut self, _: &T, _: Option<&Measurements>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    /// After the last step of an episode.
    fn on_episode(&mut self, _: &T, _: &EpisodeEnd) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    /// After an update.
    fn on_update(&mut self, _: &T, _: &Measurements) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    /// After an evaluation.
    fn on_evaluation(&mut self, _: &T, _: &Evaluation) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// A callback that does nothing.
impl<T: Training> Callback<T> for () {}
