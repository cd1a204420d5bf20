//! Training as callbacks see it, in one environment or in many copies.

use super::error::TrainError;
use super::evaluation::{Evaluation, Evaluator, evaluate};
use crate::agent::Measurements;
use crate::experience::Ending;
use crate::model::{Actor, Model, ModelActor};
use potstill_core::Restorable;
use potstill_env::Row;
use std::ops::ControlFlow;

/// A finished episode.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EpisodeEnd {
    /// The undiscounted return.
    pub episode_return: f64,
    /// Its length.
    pub steps: u64,
    /// The reason of its end.
    pub ending: Ending,
}

/// Training that advances step by step, in one environment or in many copies.
pub trait Training: Restorable + Send {
    /// The type of observations.
    type Observation: Row + ?Sized;
    /// The type of actions.
    type Action: Row + ?Sized;

    /// Takes one step in every copy, and makes the updates that are then due; returns true if there were any.
    ///
    /// # Errors
    /// If the environment or the agent fails. The run ends there.
    fn advance(&mut self) -> Result<bool, TrainError>;

    /// The measurements of the last updates, each the mean over the updates of its step.
    fn measured(&self) -> &Measurements;

    /// The episodes that ended with the last step.
    fn ended(&self) -> &[EpisodeEnd];

    /// Steps so far, of all copies together.
    fn steps(&self) -> u64;

    /// Finished episodes.
    fn episodes(&self) -> u64;

    /// A copy of the model as learned so far.
    fn model(&self) -> Model;

    /// Takes over the parameters of a model ([`Agent::start_from`](crate::agent::Agent::start_from)).
    ///
    /// # Errors
    /// If its shape is another.
    fn start_from(&mut self, model: &Model) -> Result<(), String>;

    /// Measurements of the present moment, for the log ([`Agent::diagnostics`](crate::agent::Agent::diagnostics)).
    fn diagnostics(&self) -> Measurements;

    /// Visit counts `N(s, a)`, `states x actions`, of learners that count them.
    fn visits(&self) -> Option<&[u64]>;

    /// Returns true if the numbers of the model are estimated returns ([`Agent::learns_values`](crate::agent::Agent::learns_values)).
    fn learns_values(&self) -> bool;

    /// Results beside the model, for the summary of a run ([`Agent::results`](crate::agent::Agent::results)).
    fn results(&self) -> Measurements;

    /// Takes steps until there are `until` in all, or a callback breaks. Calls the callback after each, and
    /// evaluates the greedy policy as often as the evaluator asks for.
    ///
    /// # Errors
    /// If the environment or the agent fails. The run ends there.
    fn run(
        &mut self,
        until: u64,
        evaluator: Option<&Evaluator<Self::Observation, Self::Action>>,
        callback: &mut impl Callback<Self>,
    ) -> Result<RunEnd, TrainError>
    where
        Self: Sized,
        for<'a> ModelActor<'a>: Actor<Self::Observation, Self::Action>,
    {
        while self.steps() < until {
            let before = self.steps();
            let updated = self.advance()?;
            let update = updated.then(|| *self.measured());
            // All callbacks are called, even if an earlier one has broken.
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
                return Ok(RunEnd::Stopped);
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
