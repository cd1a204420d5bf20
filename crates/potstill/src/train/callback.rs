//! Callbacks on the events of a run, and the schedule of its evaluations.

use super::{EpisodeEnd, Evaluation, Protocol, Training};
use crate::agent::Measurements;
use potstill_env::{BoxEnv, Row};
use std::ops::ControlFlow;

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

    /// After an update that is to be reported.
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

/// When, and by which episodes, an agent is evaluated while it learns. It does not change what is learned.
pub struct Evaluator<O: Row + ?Sized, A: Row + ?Sized = usize> {
    /// Steps between evaluations.
    pub every: u64,
    /// The last step of the run, on which it is evaluated too.
    pub last_step: Option<u64>,
    /// The episodes.
    pub protocol: Protocol,
    /// An environment to play them in.
    pub make_env: Box<dyn Fn() -> BoxEnv<O, A> + Send + Sync>,
}

impl<O: Row + ?Sized, A: Row + ?Sized> Evaluator<O, A> {
    /// Whether an evaluation follows a step, or one of several copies: the steps before it, and after.
    pub fn is_due(&self, before: u64, after: u64) -> bool {
        before / self.every < after / self.every
            || self.last_step.is_some_and(|last| before < last && last <= after)
    }
}
