//! The shape that all algorithms share. The training loop drives them through it and knows none by name.

use crate::experience::Transition;
use crate::model::Model;
use potstill_core::Stateful;
use potstill_env::Observation;
use thiserror::Error;

/// Something that acts and learns from what came of it.
pub trait Agent: Stateful + Send {
    /// `usize` for discrete observations, `[f32]` for features.
    type Observation: Observation + ?Sized;

    /// An action of the behaviour policy.
    fn act(&mut self, observation: &Self::Observation) -> usize;

    /// Learns from a step. `Some` if parameters changed and there is something to report.
    ///
    /// # Errors
    /// If a number went bad.
    fn learn(&mut self, transition: &Transition<'_, Self::Observation>)
    -> Result<Option<Update>, LearnError>;

    /// What has been learned so far, as it would be saved.
    fn model(&self) -> Model;
}

/// What an update of a network did.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Update {
    /// The mean loss over the gradient steps of the update.
    pub loss: f64,
    /// The probability of exploring.
    pub epsilon: f64,
    /// Ticks since the teacher was refreshed.
    pub teacher_staleness: u64,
    /// The Euclidean distance between the parameters of teacher and student.
    pub teacher_distance: f64,
}

/// Learning that cannot go on.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum LearnError {
    /// A loss that is not a number.
    #[error("the loss is {loss} (learning rate too high, or rewards out of scale?)")]
    NotFinite {
        /// The loss.
        loss: f64,
    },
}
