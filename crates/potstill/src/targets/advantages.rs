//! Advantages.

use super::td::{LambdaDecay, Segment};

/// Generalised advantage estimates of a part of an episode (Schulman et al. 2016, equation 16, in its recursive form):
/// `A_t = delta_t + gamma lambda A_{t+1}` with the TD error `delta_t = r + gamma v' - v`. The recursion starts anew
/// where an episode ends: with `r - v` into a terminal state, with `r + gamma v' - v` at truncation and after the last
/// step. `values` are those of the states, `segment.next_values` of the states that follow, both one per step.
/// Lambda 0 is the TD error, lambda 1 the return minus the value.
///
/// # Panics
/// If the lengths differ.
pub fn advantages(segment: Segment<'_>, values: &[f32], decay: LambdaDecay, advantages: &mut [f32]) {
    let (Segment { rewards, next_values, terminated, truncated }, LambdaDecay { gamma, lambda }) =
        (segment, decay);
    let lengths = [values.len(), next_values.len(), terminated.len(), truncated.len(), advantages.len()];
    assert_eq!(lengths, [rewards.len(); 5], "two values, an end and an advantage per reward");
    let mut after = 0.0;
    for t in (0..rewards.len()).rev() {
        let is_end = terminated[t] || truncated[t];
        let bootstrap = if terminated[t] { 0.0 } else { gamma * next_values[t] };
        let delta = rewards[t] + bootstrap - values[t];
        after = if is_end { delta } else { delta + gamma * lambda * after };
        advantages[t] = after;
    }
}

#[cfg(test)]
mod tests {
    use super::super::td::lambda_returns;
    use super::*;

    const REWARDS: [f32; 3] = [1.0, 2.0, 4.0];
    const NEXT_VALUES: [f32; 3] = [8.0, 16.0, 32.0];

    fn found(terminated: &[bool], truncated: &[bool], values: &[f32], lambda: f32) -> [f32; 3] {
        let segment = Segment { rewards: &REWARDS, next_values: &NEXT_VALUES, terminated, truncated };
        let mut advantages = [f32::NAN; 3];
        super::advantages(segment, values, LambdaDecay { gamma: 0.5, lambda }, &mut advantages);
        advantages
    }

    #[test]
    fn advantages_by_hand() {
        let never = &[false; 3];
        let second = &[false, true, false];
        let values = &[3.0, 8.0, 16.0];
        // TD errors: 1 + 4 - 3, 2 + 8 - 8, 4 + 16 - 16.
        assert_eq!(found(never, never, values, 0.0), [2.0, 2.0, 4.0]);
        assert_eq!(found(never, never, values, 1.0), [4.0, 4.0, 4.0]);
        assert_eq!(found(never, never, values, 0.5), [2.75, 3.0, 4.0]);
        // Into a terminal state the second is 2 - 8; at truncation it bootstraps, and the third does not reach it.
        assert_eq!(found(second, never, values, 1.0), [-1.0, -6.0, 4.0]);
        assert_eq!(found(never, second, values, 1.0), [3.0, 2.0, 4.0]);
        // Termination counts before truncation.
        assert_eq!(found(second, second, values, 1.0), [-1.0, -6.0, 4.0]);
    }

    #[test]
    fn advantages_and_values_are_lambda_returns() {
        // Values of a state that follows are those of the next step, but behind an end.
        let (terminated, truncated) = ([false, false, true], [true, false, false]);
        let values = [5.0, 8.0, 16.0];
        for lambda in [0.0, 0.25, 1.0] {
            let segment = Segment {
                rewards: &REWARDS,
                next_values: &[8.0, 16.0, 99.0],
                terminated: &terminated,
                truncated: &truncated,
            };
            let decay = LambdaDecay { gamma: 0.5, lambda };
            let (mut returns, mut advantages) = ([0.0; 3], [0.0; 3]);
            lambda_returns(segment, decay, &mut returns);
            super::advantages(segment, &values, decay, &mut advantages);
            assert_eq!([0, 1, 2].map(|t| advantages[t] + values[t]), returns, "{lambda}");
        }
    }
}
