//! What a caller may see of a run, and where it may stop it.

use super::{EpisodeEnd, Evaluation, Event, Protocol, Trainer};
use crate::agent::{Agent, Update};
use potstill_env::{BoxEnv, Observation};
use std::ops::ControlFlow;

/// Told what happens while [`Trainer::run`] goes on; each method may end it with [`ControlFlow::Break`].
pub trait Callback<A: Agent> {
    /// After every step.
    fn on_step(&mut self, _: &Trainer<A>, _: &Event) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    /// After the last step of an episode.
    fn on_episode(&mut self, _: &Trainer<A>, _: &EpisodeEnd) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    /// After an update that is to be reported.
    fn on_update(&mut self, _: &Trainer<A>, _: &Update) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    /// After an evaluation.
    fn on_evaluation(&mut self, _: &Trainer<A>, _: &Evaluation) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// Sees nothing and stops nothing.
impl<A: Agent> Callback<A> for () {}

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
    /// Whether an evaluation follows this step.
    pub fn is_due(&self, step: u64) -> bool {
        step.is_multiple_of(self.every) || self.last_step == Some(step)
    }
}
