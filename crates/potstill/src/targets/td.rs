//! Temporal-difference targets.

use super::shape::{assert_pairs, width};

/// The TD target `r + gamma * v`, or `r` alone after a terminal state: the right side of the Bellman equation
/// for one sample.
///
/// With `v = max_a Q(s', a)` it is Q-learning's (Watkins 1989; Sutton and Barto 2018, equation 6.8), with
/// `v = Q(s', a')` SARSA's (equation 6.7), with `v = sum_a pi(a|s') Q(s', a)` Expected SARSA's (equation 6.9).
/// Truncation is no argument: a truncated step bootstraps like any other.
pub fn td_target(reward: f64, gamma: f64, terminated: bool, value: f64) -> f64 {
    if terminated { reward } else { reward + gamma * value }
}

/// `estimate + alpha * (target - estimate)`.
pub fn step_towards(estimate: f64, target: f64, alpha: f64) -> f64 {
    estimate + alpha * (target - estimate)
}

/// `return + discount * value`, or the return alone if the discount is 0: after a terminal state the value is
/// arbitrary, possibly NaN.
fn bootstrapped(sum: f32, discount: f32, value: f32) -> f32 {
    if discount == 0.0 { sum } else { sum + discount * value }
}

/// DQN's targets (Mnih et al. 2015, Algorithm 1): for each sample `G + discount max_a Q(s', a)`. `G` is a reward, or the discounted sum of
/// several; the discount is 0 after a terminal state. `next_values` is `samples x actions`.
///
/// # Panics
/// If the lengths do not agree.
pub fn bellman_max(returns: &[f32], discounts: &[f32], next_values: &[f32], targets: &mut Vec<f32>) {
    assert_pairs(returns, discounts);
    let actions = width(next_values, returns.len());
    targets.clear();
    targets.extend(returns.iter().zip(discounts).zip(next_values.chunks_exact(actions)).map(
        |((&sum, &discount), values)| {
            let best = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            bootstrapped(sum, discount, best)
        },
    ));
}

/// Double DQN's targets (van Hasselt, Guez and Silver 2016, equation 4): `G + discount Q(s', argmax_a Q_student(s', a))`.
/// `next_values` are the teacher's and `student_values` the student's at the next states, `samples x actions`.
///
/// # Panics
/// If the lengths do not agree.
pub fn bellman_double(
    returns: &[f32],
    discounts: &[f32],
    next_values: &[f32],
    student_values: &[f32],
    targets: &mut Vec<f32>,
) {
    assert_pairs(returns, discounts);
    assert_eq!(student_values.len(), next_values.len(), "values of one shape");
    let actions = width(next_values, returns.len());
    let rows = next_values.chunks_exact(actions).zip(student_values.chunks_exact(actions));
    targets.clear();
    targets.extend(returns.iter().zip(discounts).zip(rows).map(|((&sum, &discount), (values, students))| {
        bootstrapped(sum, discount, values[argmax(students)])
    }));
}

/// The targets of a critic whose next value is a number of its own (Lillicrap et al. 2016; Fujimoto et al. 2018): for
/// each sample `G + discount V(s')`.
///
/// # Panics
/// If the lengths do not agree.
pub fn bellman_values(returns: &[f32], discounts: &[f32], next_values: &[f32], targets: &mut Vec<f32>) {
    assert_pairs(returns, discounts);
    assert_eq!(next_values.len(), returns.len(), "a next value for each sample");
    targets.clear();
    let samples = returns.iter().zip(discounts).zip(next_values);
    targets.extend(samples.map(|((&sum, &discount), &value)| bootstrapped(sum, discount, value)));
}

/// The index of the first of the largest values; NaN is skipped.
pub fn argmax(values: &[f32]) -> usize {
    let (mut best, mut highest) = (0, f32::NEG_INFINITY);
    for (i, &value) in values.iter().enumerate() {
        if value > highest {
            (best, highest) = (i, value);
        }
    }
    best
}

/// Steps that follow each other, one number or flag per step; episodes may end among them.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'a> {
    /// The rewards.
    pub rewards: &'a [f32],
    /// The values of the states that follow.
    pub next_values: &'a [f32],
    /// True after steps into a terminal state.
    pub terminated: &'a [bool],
    /// True after steps at which an episode was cut.
    pub truncated: &'a [bool],
}

/// The discount and the decay of lambda-returns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LambdaDecay {
    /// The discount gamma, 0 to 1.
    pub gamma: f32,
    /// The weight lambda of the rest of an episode against the value of the next state, 0 to 1.
    pub lambda: f32,
}

/// The lambda-returns of a part of an episode (Sutton and Barto 2018, equation 12.2, in its recursive form
/// 12.18): `G_t = r + gamma ((1 - lambda) v' + lambda G_{t+1})`, with `v'` the value of the next state. The
/// recursion starts anew where an episode ends: with `r` after a terminal state, with `r + gamma v'` after
/// truncation and after the last step. `returns` has one place per step.
///
/// # Panics
/// If the lengths differ.
pub fn lambda_returns(segment: Segment<'_>, decay: LambdaDecay, returns: &mut [f32]) {
    let (Segment { rewards, next_values, terminated, truncated }, LambdaDecay { gamma, lambda }) =
        (segment, decay);
    let lengths = [next_values.len(), terminated.len(), truncated.len(), returns.len()];
    assert_eq!(lengths, [rewards.len(); 4], "one value, end and return per reward");
    let mut after = None;
    for t in (0..rewards.len()).rev() {
        let rest = match after {
            Some(after) if !truncated[t] => (1.0 - lambda) * next_values[t] + lambda * after,
            _ => next_values[t],
        };
        returns[t] = bootstrapped(rewards[t], if terminated[t] { 0.0 } else { gamma }, rest);
        after = Some(returns[t]);
    }
}

#[cfg(test)]
mod tests {
    use super::super::distributional::quantile_targets;
    use super::*;

    #[test]
    fn targets_by_hand() {
        assert_eq!(td_target(-1.0, 0.9, false, -10.0), -10.0);
        assert_eq!(td_target(-1.0, 0.9, true, -10.0), -1.0);
        assert_eq!(step_towards(2.0, 4.0, 0.25), 2.5);
        let mut targets = Vec::new();
        let (next, students) = ([2.0, 4.0, 9.0, f32::NAN, -3.0, -1.0], [5.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
        bellman_max(&[1.0, 1.0, -2.0], &[0.5, 0.0, 0.5], &next, &mut targets);
        assert_eq!(targets, [3.0, 1.0, -2.5]);
        bellman_double(&[1.0, 1.0, -2.0], &[0.5, 0.0, 0.25], &next, &students, &mut targets);
        assert_eq!(targets, [2.0, 1.0, -2.25]);
        bellman_values(&[1.0, 1.0, -2.0], &[0.5, 0.0, 0.25], &[4.0, f32::NAN, -8.0], &mut targets);
        assert_eq!(targets, [3.0, 1.0, -4.0]);
    }

    #[test]
    fn lambda_returns_by_hand() {
        let check = |(terminated, truncated): (&[bool], &[bool]), lambda: f32, expected: [f32; 3]| {
            let mut returns = [0.0; 3];
            let (rewards, next_values) = (&[1.0, 2.0, 4.0], &[8.0, 16.0, 32.0]);
            let segment = Segment { rewards, next_values, terminated, truncated };
            lambda_returns(segment, LambdaDecay { gamma: 0.5, lambda }, &mut returns);
            assert_eq!(returns, expected);
        };
        let never: &[bool] = &[false; 3];
        let second: &[bool] = &[false, true, false];
        // One step: r + v' / 2.
        check((never, never), 0.0, [5.0, 10.0, 20.0]);
        // All rewards: 4 + 16, 2 + 10, 1 + 6.
        check((never, never), 1.0, [7.0, 12.0, 20.0]);
        // Half of each: 2 + (16 + 20) / 4, 1 + (8 + 11) / 4.
        check((never, never), 0.5, [5.75, 11.0, 20.0]);
        check((second, never), 1.0, [2.0, 2.0, 20.0]);
        // Truncation bootstraps: 2 + 16 / 2, then 1 + 10 / 2.
        check((never, second), 1.0, [6.0, 10.0, 20.0]);
    }

    #[test]
    fn lists_of_other_lengths_are_refused() {
        let check = |work: &dyn Fn(&mut Vec<f32>), expected: &str| {
            let work = std::panic::AssertUnwindSafe(|| work(&mut Vec::new()));
            let panic = std::panic::catch_unwind(work).unwrap_err();
            let text = panic.downcast_ref::<String>().unwrap();
            assert!(text.contains(expected), "{text}");
        };
        check(&|y| bellman_max(&[1.0, 2.0], &[0.5], &[0.0; 4], y), "one discount per return");
        check(&|y| bellman_max(&[1.0, 2.0], &[0.5; 2], &[0.0; 3], y), "3 numbers for 2 samples");
        check(&|y| bellman_max(&[1.0, 2.0], &[0.5; 2], &[], y), "0 numbers for 2 samples");
        check(&|y| bellman_double(&[1.0], &[0.5], &[0.0; 4], &[0.0; 2], y), "values of one shape");
        check(&|y| quantile_targets(&[1.0, 2.0], &[0.5], &[0.0; 4], y), "one discount per return");
        // No sample has no target.
        let mut targets = vec![9.0];
        bellman_max(&[], &[], &[], &mut targets);
        assert!(targets.is_empty());
    }
}
