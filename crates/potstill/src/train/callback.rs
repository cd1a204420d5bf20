//! What a caller may see of a run, and where it may stop it.

use super::{EpisodeEnd, Evaluation, Protocol, Training};
use crate::agent::Update;
use potstill_env::{BoxEnv, Observation};
use std::ops::ControlFlow;

/// Told what happens while [`Training::run`] goes on; each method may end it with [`ControlFlow::Break`].
pub trait Callback<T: Training> {
    /// After every step, with what the learner made of it.
    fn on_step(&mut self, _: &T, _: Option<&Update>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    /// After the last step of an episode.
    fn on_episode(&mut self, _: &T, _: &EpisodeEnd) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    /// After an update that is to be reported.
    fn on_update(&mut self, _: &T, _: &Update) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    /// After an evaluation.
    fn on_evaluation(&mut self, _: &T, _: &Evaluation) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// Sees nothing and stops nothing.
impl<T: Training> Callback<T> for () {}

/// When, and by which episodes, an agent is evaluated while it learns. It does not change what is learned.
pub struct Evaluator<O: Observation + ?Sized> {
    /// Steps between evaluations.
    pub every: u64,
    /// The last step of the run, on which it is evaluated too.
    pub last_step: Option<u64>,
    /// The episodes.
    pub protocol: Protocol,
    /// An environment to play them in.
    pub make_env: Box<dyn Fn() -> BoxEnv<O> + Send + Sync>,
}

impl<O: Observation + ?Sized> Evaluator<O> {
    /// Whether an evaluation follows a step, or one of several copies: the steps before it, and after.
    pub fn is_due(&self, before: u64, after: u64) -> bool {
        before / self.every < after / self.every
            || self.last_step.is_some_and(|last| before < last && last <= after)
    }
}
