//! The parts of a step that single and vector training share.

use super::error::TrainError;
use crate::agent::{Agent, LearnError, Measurements};
use crate::experience::Steps;
use potstill_env::Row;

/// Lets an agent observe a step and make the updates that are then due. Returns true if there were any;
/// `measured` is then the mean of each measurement over them.
#[inline]
pub(super) fn learn<A: Agent>(
    agent: &mut A,
    steps: &Steps<'_, A::Observation, A::Action>,
    measured: &mut Measurements,
) -> Result<bool, LearnError> {
    let due = agent.observe(steps)?;
    if due == 0 {
        return Ok(false);
    }
    *measured = Measurements::default();
    for _ in 0..due {
        agent.update()?.iter().for_each(|(name, value)| measured.add(name, value / due as f64));
    }
    Ok(true)
}

/// Refuses a reward or an observation that is not finite. `at` is the step and the episode.
pub(super) fn check_finite<O: Row + ?Sized>(
    at: (u64, u64),
    action: impl Fn() -> String,
    reward: f64,
    observation: &O,
) -> Result<(), TrainError> {
    let (step, episode) = at;
    if !reward.is_finite() {
        return Err(TrainError::Reward { step, episode, action: action(), reward });
    }
    if !observation.is_finite() {
        let observation = format!("{:?}", observation.as_slice());
        return Err(TrainError::Observation { step, episode, action: action(), observation });
    }
    Ok(())
}
