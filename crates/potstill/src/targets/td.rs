//! Temporal-difference targets.

/// `r + gamma * v`, or `r` alone after a terminal state: the right side of the Bellman equation for one sample.
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

/// DQN's targets (Mnih et al. 2015, Algorithm 1): for each sample `r`, or `r + gamma max_a Q(s', a)` unless terminal.
/// `next_values` is `samples x actions`.
pub fn bellman_max(
    rewards: &[f32],
    terminated: &[bool],
    gamma: f32,
    next_values: &[f32],
    targets: &mut Vec<f32>,
) {
    let actions = next_values.len() / rewards.len();
    targets.clear();
    targets.extend(rewards.iter().zip(terminated).zip(next_values.chunks_exact(actions)).map(
        |((&reward, &terminated), values)| {
            let best = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            if terminated { reward } else { reward + gamma * best }
        },
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_by_hand() {
        assert_eq!(td_target(-1.0, 0.9, false, -10.0), -10.0);
        assert_eq!(td_target(-1.0, 0.9, true, -10.0), -1.0);
        assert_eq!(step_towards(2.0, 4.0, 0.25), 2.5);
        let mut targets = Vec::new();
        bellman_max(
            &[1.0, 1.0, -2.0],
            &[false, true, false],
            0.5,
            &[2.0, 4.0, 9.0, 9.0, -3.0, -1.0],
            &mut targets,
        );
        assert_eq!(targets, [3.0, 1.0, -2.5]);
    }
}
