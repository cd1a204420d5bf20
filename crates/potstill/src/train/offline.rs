//! Offline training: updates from recorded transitions, without an environment.

use super::error::TrainError;
use super::last_step::{IfStopped, LastStep, Stop};
use super::training::Training;
use crate::agent::Agent;
use potstill_core::snapshot;

/// Offline training of one agent, which has [stored](Agent::store) recorded transitions. A step is a
/// [tick](Agent::tick) of its clocks, with the updates that are then due: one, for most agents.
///
/// ```
/// use potstill::agent::Agent;
/// use potstill::core::Streams;
/// use potstill::deep::{Dqn, DqnConfig};
/// use potstill::experience::{Steps, Transition};
/// use potstill::train::{OfflineTrainer, Training};
///
/// let config = DqnConfig { learning_starts: 0, batch_size: 2, train_freq: 1, ..DqnConfig::default() };
/// let mut agent = Dqn::new(config, 1, 2, 100, Streams::new(1));
/// let (observation, next_observation) = (&[0.5_f32][..], &[1.0_f32][..]);
/// agent.store(&Steps::of(&Transition {
///     observation,
///     action: &1,
///     reward: 1.0,
///     next_observation,
///     terminated: true,
///     truncated: false,
/// }))?;
/// let mut trainer = OfflineTrainer::new(agent);
/// trainer.run(100, None, &mut ()).unwrap();
/// assert_eq!((trainer.steps(), trainer.episodes()), (100, 0));
/// # Ok::<(), potstill::agent::LearnError>(())
/// ```
pub struct OfflineTrainer<A: Agent> {
    agent: A,
    steps: u64,
    last: LastStep,
}

impl<A: Agent> OfflineTrainer<A> {
    /// Starts training of an agent from the transitions that it has stored.
    pub fn new(agent: A) -> Self {
        Self { agent, steps: 0, last: LastStep::of_copies(0) }
    }

    /// The agent.
    pub fn agent(&self) -> &A {
        &self.agent
    }
}

impl<A: Agent> Training for OfflineTrainer<A> {
    type Agent = A;

    fn agent(&self) -> &A {
        &self.agent
    }

    fn agent_mut(&mut self) -> &mut A {
        &mut self.agent
    }

    fn advance_unless(&mut self, stop: &Stop<'_>) -> Result<Option<bool>, TrainError> {
        if self.last.left == 0 {
            let due = self.agent.tick();
            self.last.begin(self.steps, due);
            self.steps += 1;
        }
        let step = self.steps;
        let refused = |source| TrainError::Learn { step, source };
        let is_complete = self.last.update(&mut self.agent, stop).map_err(refused)?;
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
        0
    }
}

snapshot! {
    impl[A: Agent] Restorable for OfflineTrainer<A> {
        saved: agent, steps, last as "unfinished" via IfStopped;
    }
}
