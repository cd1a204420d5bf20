//! Munchausen targets: the reward gets a share of the policy's log-probability.

use potstill_core::math;

/// The hyperparameters of Munchausen-DQN (Vieillard, Pietquin and Geist 2020, table 1 of the appendix).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Munchausen {
    /// The weight alpha of the scaled log-policy.
    pub alpha: f32,
    /// The temperature tau of the policy, and the weight of its entropy.
    pub temperature: f32,
    /// The lower bound l_0 of the log-policy times the temperature, below 0.
    pub clip: f32,
}

/// The soft maximum `tau ln sum exp(q / tau)`, so that `tau ln pi(a) = q(a) - soft maximum` for `pi =
/// softmax(q / tau)`; computed without overflow (Vieillard, Pietquin and Geist 2020, appendix B.1).
fn soft_maximum(values: &[f32], temperature: f32) -> f32 {
    let best = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = values.iter().map(|v| math::exp((v - best) / temperature)).sum();
    best + temperature * math::ln(sum)
}

/// Munchausen-DQN's targets (Vieillard, Pietquin and Geist 2020, equation 2): `r + alpha [tau ln pi(a|s)] +
/// gamma sum_a' pi(a'|s') (Q(s', a') - tau ln pi(a'|s'))`. Values are the target network's, `samples x
/// actions`, at the state and at the next; the next policy is that of a third list, which is the second, or
/// with double Q-learning the student's.
pub fn munchausen(
    rule: Munchausen,
    rewards: &[f32],
    discounts: &[f32],
    actions: &[usize],
    (values, next_values, next_choosers): (&[f32], &[f32], &[f32]),
    targets: &mut Vec<f32>,
) {
    let choices = values.len() / rewards.len();
    let next = next_values.chunks_exact(choices).zip(next_choosers.chunks_exact(choices));
    let rows = values.chunks_exact(choices).zip(next);
    targets.clear();
    for (((&reward, &discount), &action), (row, (next, chooser))) in
        rewards.iter().zip(discounts).zip(actions).zip(rows)
    {
        let log = row[action] - soft_maximum(row, rule.temperature);
        let bonus = rule.alpha * log.clamp(rule.clip, 0.0);
        // The sum over actions of pi (q - tau ln pi).
        let most = soft_maximum(chooser, rule.temperature);
        let value: f32 = next
            .iter()
            .zip(chooser)
            .map(|(q, c)| math::exp((c - most) / rule.temperature) * (q - (c - most)))
            .sum();
        targets.push(reward + bonus + if discount == 0.0 { 0.0 } else { discount * value });
    }
}
