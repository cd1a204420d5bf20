//! Munchausen targets: the reward gets a share of the policy's log-probability.

use super::shape::{assert_pairs, width};
use potstill_core::math::{exp_f64, ln_1p_f64};

/// The hyperparameters of Munchausen-DQN (Vieillard, Pietquin and Geist 2020, table 1 of the appendix).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Munchausen {
    /// The weight alpha of the scaled log-policy, 0 to 1.
    pub alpha: f32,
    /// The temperature tau of the policy, and the weight of its entropy, above 0 and in units of the return.
    pub temperature: f32,
    /// The lower bound l_0 of the log-policy times the temperature, below 0.
    pub clip: f32,
}

/// Action values that targets are computed from, each `samples x actions`.
#[derive(Clone, Copy, Debug)]
pub struct MunchausenValues<'a> {
    /// The target network's at the states.
    pub here: &'a [f32],
    /// The target network's at the next states.
    pub next: &'a [f32],
    /// Those whose softmax is the next policy: the target network's, or with double Q-learning the student's.
    pub next_policy: &'a [f32],
}

/// The policy `softmax(q / tau)` of a state, by `tau ln pi(a) = (q(a) - max q) - tau ln sum exp((q - max q) / tau)`
/// (Vieillard, Pietquin and Geist 2020, appendix B.1): in double precision, since a policy at a low temperature depends on
/// digits that single precision does not have beside large values.
struct SoftPolicy<'a> {
    values: &'a [f32],
    temperature: f64,
    highest: f64,
    /// `tau ln sum exp((q - max q) / tau)`.
    soft: f64,
}

impl<'a> SoftPolicy<'a> {
    fn new(values: &'a [f32], temperature: f64) -> Self {
        let highest = f64::from(values.iter().copied().fold(f32::NEG_INFINITY, f32::max));
        let weights = values.iter().map(|&v| exp_f64((f64::from(v) - highest) / temperature));
        let soft = temperature * ln_1p_f64(weights.sum::<f64>() - 1.0);
        Self { values, temperature, highest, soft }
    }

    /// `tau ln pi(a)`.
    fn log(&self, action: usize) -> f64 {
        f64::from(self.values[action]) - self.highest - self.soft
    }

    /// `pi(a)`.
    fn probability(&self, action: usize) -> f64 {
        exp_f64(self.log(action) / self.temperature)
    }
}

/// Munchausen-DQN's targets (Vieillard, Pietquin and Geist 2020, equation 2): `r + alpha [tau ln pi(a|s)] +
/// gamma sum_a' pi(a'|s') (Q(s', a') - tau ln pi(a'|s'))`. Rewards, discounts (0 after a terminal state) and actions are
/// one per sample.
///
/// # Panics
/// If the lengths do not agree, or an action is none.
pub fn munchausen(
    rule: Munchausen,
    rewards: &[f32],
    discounts: &[f32],
    actions: &[usize],
    values: MunchausenValues<'_>,
    targets: &mut Vec<f32>,
) {
    assert_pairs(rewards, discounts);
    assert_eq!(actions.len(), rewards.len(), "one action per reward");
    let MunchausenValues { here, next, next_policy } = values;
    assert_eq!([next.len(), next_policy.len()], [here.len(); 2], "values of one shape");
    let choices = width(here, rewards.len());
    let temperature = f64::from(rule.temperature);
    let next = next.chunks_exact(choices).zip(next_policy.chunks_exact(choices));
    let rows = here.chunks_exact(choices).zip(next);
    targets.clear();
    for (((&reward, &discount), &action), (here, (next, chooser))) in
        rewards.iter().zip(discounts).zip(actions).zip(rows)
    {
        let log = SoftPolicy::new(here, temperature).log(action);
        let bonus = f64::from(rule.alpha) * log.clamp(f64::from(rule.clip), 0.0);
        let mut target = f64::from(reward) + bonus;
        if discount != 0.0 {
            let policy = SoftPolicy::new(chooser, temperature);
            let soft = |(a, &q): (usize, &f32)| policy.probability(a) * (f64::from(q) - policy.log(a));
            target += f64::from(discount) * next.iter().enumerate().map(soft).sum::<f64>();
        }
        targets.push(target as f32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_low_temperature_is_the_maximum_and_ties_are_shared() {
        let check = |temperature: f32, q: [f32; 2], expected: f32| {
            let rule = Munchausen { alpha: 0.9, temperature, clip: -1.0 };
            let mut targets = Vec::new();
            let values = MunchausenValues { here: &q, next: &q, next_policy: &q };
            munchausen(rule, &[0.0], &[1.0], &[0], values, &mut targets);
            assert!((targets[0] - expected).abs() <= 1e-6 * expected.abs(), "{temperature}: {targets:?}");
        };
        // One half of 100 twice; the entropy and the bonus are below a millionth.
        check(1e-6, [100.0, 100.0], 100.0);
        check(1e-30, [100.0, 100.0], 100.0);
        check(1e-30, [1e6, -1e6], 1e6);
        // 1e30 ln 2 of entropy; the bonus is cut off at -1.
        check(1e30, [3.0, 5.0], 6.931_472e29);
    }
}
