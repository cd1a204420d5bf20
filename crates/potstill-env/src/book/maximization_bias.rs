//! The example of the maximum's bias (Sutton and Barto 2018, Example 6.7 and figure 6.5).
//!
//! State 0, where episodes start, has two actions: 0 left, to state 1, and 1 right, to the end; both give 0. State 1 has ten, all to the end, each with a reward from a normal
//! distribution with mean -0.1 and variance 1. So left is worth -0.1, but the best of ten noisy estimates is above 0 for long.
//!
//! It has no id in the registry: its states have different numbers of actions, which no action space says.
//!
//! ```
//! use potstill_env::{Env, book::maximization_bias::MaximizationBias};
//!
//! let (mut env, mut state) = (MaximizationBias::default(), 9);
//! env.reset(Some(1), &mut state);
//! assert!(!env.step(&0, &mut state)?.terminated);
//! assert_eq!(state, 1);
//! assert!(env.step(&7, &mut state)?.terminated);
//! # Ok::<(), potstill_env::EnvError>(())
//! ```

use crate::{Env, EnvError, Outcome, Space};
use potstill_core::snapshot::below;
use potstill_core::{Pcg64, snapshot};

/// The number of actions in each of the states.
pub const CHOICES: [usize; 2] = [2, 10];

/// The example.
#[derive(Clone, Debug)]
pub struct MaximizationBias {
    state: usize,
    rng: Pcg64,
}

impl Default for MaximizationBias {
    fn default() -> Self {
        Self { state: 0, rng: Pcg64::new(0) }
    }
}

/// A number of the standard normal distribution: the polar method (Marsaglia and Bray 1964), without its second number.
fn normal(rng: &mut Pcg64) -> f64 {
    loop {
        let (x, y) = (rng.uniform(-1.0, 1.0), rng.uniform(-1.0, 1.0));
        let s = x * x + y * y;
        if s > 0.0 && s < 1.0 {
            return x * (-2.0 * potstill_core::math::ln_f64(s) / s).sqrt();
        }
    }
}

impl Env for MaximizationBias {
    type Observation = usize;
    type Action = usize;

    fn observation_space(&self) -> Space {
        Space::Discrete { n: CHOICES.len() }
    }

    /// The larger of the two.
    fn action_space(&self) -> Space {
        Space::Discrete { n: CHOICES[1] }
    }

    fn reset(&mut self, seed: Option<u64>, observation: &mut usize) {
        if let Some(seed) = seed {
            self.rng = Pcg64::new(seed);
        }
        self.state = 0;
        *observation = 0;
    }

    fn step(&mut self, &action: &usize, observation: &mut usize) -> Result<Outcome, EnvError> {
        let n = CHOICES[self.state];
        if action >= n {
            return Err(EnvError::Action { action: action.to_string(), space: Space::Discrete { n } });
        }
        let goes_left = self.state == 0 && action == 0;
        let reward = if self.state == 0 { 0.0 } else { normal(&mut self.rng) - 0.1 };
        self.state = usize::from(goes_left);
        *observation = self.state;
        Ok(Outcome { reward, terminated: !goes_left, truncated: false })
    }

    fn reseed(&mut self, seed: u64) {
        self.rng = Pcg64::new(seed);
    }
}

snapshot! {
    impl Restorable for MaximizationBias {
        saved: state via below(CHOICES.len()), rng;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rewards_are_normal() {
        let mut rng = Pcg64::new(1);
        let draws: Vec<f64> = (0..100_000).map(|_| normal(&mut rng)).collect();
        let moment = |k: i32| draws.iter().map(|x| x.powi(k)).sum::<f64>() / draws.len() as f64;
        // Mean 0, variance 1, no skew, kurtosis 3; five standard errors.
        assert!(moment(1).abs() < 0.016 && (moment(2) - 1.0).abs() < 0.023);
        assert!(moment(3).abs() < 0.062 && (moment(4) - 3.0).abs() < 0.16);
    }
}
