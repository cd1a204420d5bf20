//! Time limit and order of calls: Gymnasium's `TimeLimit` and `OrderEnforcing`, which its `make` adds.
//!
//! ```
//! use potstill_env::{Env, EnvError, Guarded, toy_text::cliff_walking};
//!
//! let mut env = Guarded::new(cliff_walking::env(false), Some(1));
//! let mut state = 0;
//! assert_eq!(env.step(&0, &mut state), Err(EnvError::NotReset));
//! env.reset(None, &mut state);
//! assert!(env.step(&0, &mut state)?.truncated);
//! assert_eq!(env.step(&0, &mut state), Err(EnvError::EpisodeOver));
//! # Ok::<(), EnvError>(())
//! ```

use crate::{Env, EnvError, Outcome, Scene, Space, TransitionModel};
use potstill_core::snapshot::Codec;
use potstill_core::{Snapshot, SnapshotError, Value, snapshot};
use std::sync::Arc;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    New,
    Running,
    Over,
}

/// An environment that truncates at its time limit and refuses steps outside an episode.
///
/// Stricter than Gymnasium in one place: a step after the end is an error here, a warning or nothing there.
#[derive(Clone, Debug)]
pub struct Guarded<E> {
    env: E,
    time_limit_steps: Option<u64>,
    elapsed_steps: u64,
    phase: Phase,
}

impl<E: Env> Guarded<E> {
    /// Guards `env`; an episode is truncated after `time_limit_steps` steps, if there is a limit.
    pub fn new(env: E, time_limit_steps: Option<u64>) -> Self {
        assert_ne!(time_limit_steps, Some(0), "an episode has at least one step");
        Self { env, time_limit_steps, elapsed_steps: 0, phase: Phase::New }
    }

    /// The environment, whose episodes and steps in parts are told to [`begin`](Self::begin) and
    /// [`count`](Self::count).
    pub(crate) fn env_mut(&mut self) -> &mut E {
        &mut self.env
    }

    /// Begins an episode.
    pub(crate) fn begin(&mut self) {
        self.elapsed_steps = 0;
        self.phase = Phase::Running;
    }

    /// Counts a step, and truncates the episode at the time limit.
    pub(crate) fn count(&mut self, outcome: &mut Outcome) {
        self.elapsed_steps += 1;
        // As in Gymnasium, both flags are set when the limit falls on a terminal step.
        outcome.truncated |= self.time_limit_steps.is_some_and(|limit| self.elapsed_steps >= limit);
        if outcome.done() {
            self.phase = Phase::Over;
        }
    }
}

impl<E: Env> Env for Guarded<E> {
    type Observation = E::Observation;
    type Action = E::Action;

    forward!(observation_space);
    forward!(action_space);

    fn reset(&mut self, seed: Option<u64>, observation: &mut Self::Observation) {
        self.env.reset(seed, observation);
        self.begin();
    }

    fn step(
        &mut self,
        action: &Self::Action,
        observation: &mut Self::Observation,
    ) -> Result<Outcome, EnvError> {
        match self.phase {
            Phase::New => return Err(EnvError::NotReset),
            Phase::Over => return Err(EnvError::EpisodeOver),
            Phase::Running => {}
        }
        let mut outcome = self.env.step(action, observation)?;
        self.count(&mut outcome);
        Ok(outcome)
    }

    fn is_retriable(&self) -> bool {
        self.env.is_retriable()
    }

    forward!(reseed);
    forward!(raw_reward);
    forward!(model);
    forward!(is_stochastic);
    forward!(scene);
    forward!(scene_of);
}

snapshot! {
    impl[E: Env] Restorable for Guarded<E> {
        saved: env, elapsed_steps, phase via PhaseNumber;
        built: time_limit_steps;
    }
}

/// A phase is saved as its number.
struct PhaseNumber;

impl Codec<Phase> for PhaseNumber {
    fn save(&self, phase: &Phase, name: &str, snapshot: &mut Snapshot) {
        snapshot.insert(name, Value::U64(*phase as u64));
    }

    fn load(&self, phase: &mut Phase, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        *phase = [Phase::New, Phase::Running, Phase::Over][snapshot.index(name, 3)?];
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toy_text::cliff_walking;
    use potstill_core::Restorable;

    #[test]
    fn truncates_at_the_limit_and_enforces_order() {
        let mut env = Guarded::new(cliff_walking::env(false), Some(3));
        let mut s = 0;
        assert_eq!(env.step(&0, &mut s), Err(EnvError::NotReset));
        env.reset(Some(0), &mut s);
        let ends: Vec<_> =
            (0..3).map(|_| env.step(&0, &mut s).unwrap()).map(|o| (o.terminated, o.truncated)).collect();
        assert_eq!(ends, [(false, false), (false, false), (false, true)]);
        assert_eq!(env.step(&0, &mut s), Err(EnvError::EpisodeOver));
        env.reset(None, &mut s);
        assert!(env.step(&0, &mut s).is_ok());
    }

    #[test]
    fn a_refused_action_changes_nothing() {
        let mut env = Guarded::new(cliff_walking::env(false), Some(3));
        let mut s = 0;
        env.reset(Some(0), &mut s);
        let before = env.snapshot();
        let error = env.step(&4, &mut s).unwrap_err();
        assert_eq!(error.to_string(), "action 4 is outside the action space Discrete(4)");
        assert_eq!((env.snapshot(), s), (before, 36));
    }
}
