//! The parts of a step that single and vector training share.

use super::error::TrainError;
use potstill_env::Row;

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
