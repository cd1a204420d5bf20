//! Policies over action values. Behaviour policy and target policy are values of one type, so that an
//! algorithm is on-policy or off-policy by its arguments.
//!
//! ```
//! use potstill::policy::Policy;
//!
//! let values = [1.0, 3.0];
//! assert_eq!(Policy::Greedy.probabilities(&values), [0.0, 1.0]);
//! assert_eq!(Policy::EpsilonGreedy { epsilon: 0.5 }.probabilities(&values), [0.25, 0.75]);
//! assert_eq!(Policy::EpsilonGreedy { epsilon: 0.5 }.state_value(&values), 2.5);
//! ```

mod behaviour;
mod schedule;

pub use behaviour::{Behaviour, Exploration, ExplorationRule};
pub use schedule::{Schedule, Span, StepSizes};

use crate::targets;
use potstill_core::Pcg64;
use potstill_core::math::exp_f64;
use std::fmt;

/// A distribution over actions, given the values of all actions in a state.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Policy {
    /// An action of the highest value; ties are broken uniformly.
    Greedy,
    /// With probability `epsilon` any action uniformly, else a greedy one (Sutton and Barto 2018, section 2.2).
    EpsilonGreedy {
        /// The probability of exploring, 0 to 1.
        epsilon: f64,
    },
    /// The softmax of the values at a temperature: Boltzmann exploration.
    Softmax {
        /// The temperature, above 0; towards 0 the policy becomes greedy.
        temperature: f64,
    },
}

impl Policy {
    /// The policy with this probability of a random action, or with its softmax at this temperature; greedy
    /// without both.
    ///
    /// # Errors
    /// If both are given, or one is not in its range: the reason.
    ///
    /// ```
    /// use potstill::policy::Policy;
    ///
    /// assert_eq!(Policy::softened(Some(0.1), None), Ok(Policy::EpsilonGreedy { epsilon: 0.1 }));
    /// assert!(Policy::softened(Some(0.1), Some(1.0)).is_err() && Policy::softened(None, Some(0.0)).is_err());
    /// ```
    pub fn softened(epsilon: Option<f64>, temperature: Option<f64>) -> Result<Self, String> {
        match (epsilon, temperature) {
            (None, None) => Ok(Self::Greedy),
            (Some(epsilon), None) if (0.0..=1.0).contains(&epsilon) => Ok(Self::EpsilonGreedy { epsilon }),
            (Some(epsilon), None) => Err(format!("a probability is from 0 to 1, got {epsilon}")),
            (None, Some(temperature)) if temperature.is_finite() && temperature > 0.0 => {
                Ok(Self::Softmax { temperature })
            }
            (None, Some(temperature)) => Err(format!("a temperature is above 0, got {temperature}")),
            (Some(_), Some(_)) => Err("give one of them".to_owned()),
        }
    }

    /// Draws an action.
    ///
    /// # Panics
    /// If there is no action.
    pub fn sample<V: Copy + Into<f64>>(self, values: &[V], rng: &mut Pcg64) -> usize {
        match self {
            Policy::Greedy => greedy(values, rng),
            Policy::EpsilonGreedy { epsilon } => {
                if rng.unit() < epsilon {
                    rng.below(values.len())
                } else {
                    greedy(values, rng)
                }
            }
            Policy::Softmax { .. } => draw(&self.probabilities(values), rng),
        }
    }

    /// The probability of each action.
    ///
    /// # Panics
    /// If there is no action.
    pub fn probabilities<V: Copy + Into<f64>>(self, values: &[V]) -> Vec<f64> {
        let best = targets::max(values);
        match self {
            Policy::Greedy => {
                let ties = values.iter().filter(|&&v| v.into() == best).count() as f64;
                values.iter().map(|&v| if v.into() == best { 1.0 / ties } else { 0.0 }).collect()
            }
            Policy::EpsilonGreedy { epsilon } => {
                let uniform = epsilon / values.len() as f64;
                let greedy = Policy::Greedy.probabilities(values);
                greedy.iter().map(|p| uniform + (1.0 - epsilon) * p).collect()
            }
            Policy::Softmax { temperature } => {
                let weights: Vec<f64> =
                    values.iter().map(|&v| exp_f64((v.into() - best) / temperature)).collect();
                let sum: f64 = weights.iter().sum();
                weights.iter().map(|w| w / sum).collect()
            }
        }
    }

    /// The value of a state under this policy: the sum over actions of probability times value; the maximum if greedy.
    ///
    /// # Panics
    /// If there is no action.
    pub fn state_value<V: Copy + Into<f64>>(self, values: &[V]) -> f64 {
        match self {
            Policy::Greedy => targets::max(values),
            _ => self.probabilities(values).iter().zip(values).map(|(p, &v)| p * v.into()).sum(),
        }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Greedy => f.write_str("greedy"),
            Self::EpsilonGreedy { epsilon } => write!(f, "epsilon-greedy, epsilon {epsilon}"),
            Self::Softmax { temperature } => write!(f, "softmax, temperature {temperature}"),
        }
    }
}

/// Draws an action with these probabilities.
fn draw(probabilities: &[f64], rng: &mut Pcg64) -> usize {
    let mut rest = rng.unit();
    let found = probabilities.iter().position(|p| {
        rest -= p;
        rest < 0.0
    });
    // Rounding may leave a sliver of the unit interval after the last action; one of probability 0 is never taken.
    found.or_else(|| probabilities.iter().rposition(|&p| p > 0.0)).unwrap_or(0)
}

/// Draws an action of the highest value; a random number is used only to break a tie.
fn greedy<V: Copy + Into<f64>>(values: &[V], rng: &mut Pcg64) -> usize {
    assert!(!values.is_empty(), "a state without actions");
    let (mut best, mut first, mut count) = (f64::NEG_INFINITY, 0, 0);
    for (action, &value) in values.iter().enumerate() {
        let value = value.into();
        if value > best || (count == 0 && value == best) {
            (best, first, count) = (value, action, 1);
        } else if value == best {
            count += 1;
        }
    }
    match count {
        // All values are NaN: no action is better than another.
        0 => rng.below(values.len()),
        1 => first,
        _ => {
            let tie = rng.below(count);
            let mut ties = (first..values.len()).filter(|&action| values[action].into() == best);
            ties.nth(tie).expect("as many as were counted")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_are_exact_and_samples_follow_them() {
        let check = |policy: Policy, values: &[f64], expected: &[f64]| {
            let probabilities = policy.probabilities(values);
            for (p, e) in probabilities.iter().zip(expected) {
                assert!((p - e).abs() < 1e-12, "{policy:?} {probabilities:?}");
            }
            let (mut rng, mut counts) = (Pcg64::new(5), vec![0.0; values.len()]);
            for _ in 0..40_000 {
                counts[policy.sample(values, &mut rng)] += 1.0;
            }
            for (count, e) in counts.iter().zip(expected) {
                // Five standard deviations.
                let spread = 5.0 * (40_000.0 * e * (1.0 - e)).sqrt();
                assert!((count - 40_000.0 * e).abs() <= spread, "{policy:?} {counts:?}");
            }
        };
        check(Policy::Greedy, &[1.0, 3.0, 2.0], &[0.0, 1.0, 0.0]);
        check(Policy::Greedy, &[3.0, 1.0, 3.0], &[0.5, 0.0, 0.5]);
        check(
            Policy::EpsilonGreedy { epsilon: 0.1 },
            &[0.0, -1.0, -2.0, -3.0],
            &[0.925, 0.025, 0.025, 0.025],
        );
        check(Policy::EpsilonGreedy { epsilon: 1.0 }, &[5.0, 0.0], &[0.5, 0.5]);
        // softmax([0, 2 ln 2] / 2) = [1/3, 2/3]
        check(Policy::Softmax { temperature: 2.0 }, &[0.0, 1.386_294_361_119_890_6], &[1.0 / 3.0, 2.0 / 3.0]);
        check(Policy::Softmax { temperature: 0.001 }, &[-1e6, 1e6], &[0.0, 1.0]);
    }

    #[test]
    fn the_value_of_a_state_is_an_expectation() {
        let check = |policy: Policy, expected: f64| {
            assert!((policy.state_value(&[1.0, 3.0]) - expected).abs() < 1e-12);
        };
        check(Policy::Greedy, 3.0);
        check(Policy::EpsilonGreedy { epsilon: 0.5 }, 2.5);
    }
}
