//! `Bandit`: one of many arms is pulled (Sutton and Barto 2018, chapter 2: the ten-armed testbed).
//!
//! A pull is an episode, so that the target of every method is the reward, whatever its discount: with
//! `alpha=1/n` a tabular learner makes sample averages, with `initial_value=5` it is optimistic, and with
//! `exploration=ucb` it has upper confidence bounds.
//!
//! ```
//! use potstill_env::{Env, book::bandit::Bandit};
//!
//! let (mut env, mut state) = (Bandit::new(10, 3, 0.0, 0.0), 7);
//! env.reset(Some(1), &mut state);
//! assert_eq!(state, 0);
//! let best = (0..10).max_by(|&a, &b| env.values()[a].total_cmp(&env.values()[b])).unwrap();
//! assert!(env.step(&best, &mut state)?.terminated);
//! # Ok::<(), potstill_env::EnvError>(())
//! ```
//!
//! # Action space
//!
//! `Discrete(arms)`.
//!
//! # Observation space
//!
//! `Discrete(1)`.
//!
//! # Rewards
//!
//! Normally distributed about the value of the arm, with variance 1. The values themselves were drawn with
//! variance 1 about `mean`, by the number of the problem: they belong to the environment, and no reset changes
//! them.
//!
//! # Starting state
//!
//! The only one. A reset with a seed also takes the values of a nonstationary problem back to their beginning;
//! without, they go on from where they are.
//!
//! # Episode end
//!
//! Terminates after each pull.
//!
//! # Options
//!
//! | option | meaning | default | example |
//! |---|---|---|---|
//! | `arms` | the number of arms: 2 to 100 | `10` | `20` |
//! | `problem` | the number of the problem in the testbed: a whole number | `0` | `7` |
//! | `mean` | the mean of the arms' values, 4 in figure 2.5: a number | `0` | `4` |
//! | `walk` | the standard deviation of a step of each arm's value, after every pull; then all values begin at `mean`. 0.01 in exercise 2.5: a number | `0` | `0.01` |
//!
//! # Source
//!
//! The book; it is not in Gymnasium.

use super::numbers::NUMBERS;
use crate::registry::{Entry, Kind};
use crate::{Env, EnvError, Outcome, Space};
use potstill_core::{Pcg64, Streams, snapshot};

/// A bandit of many arms.
#[derive(Clone, Debug)]
pub struct Bandit {
    /// The values before the first pull.
    first: Vec<f64>,
    /// The standard deviation of a step of each value.
    walk: f64,
    values: Vec<f64>,
    rng: Pcg64,
}

impl Bandit {
    /// A problem of the testbed, by its number: `arms` values about `mean`, which take random steps of the
    /// standard deviation `walk`.
    ///
    /// # Panics
    /// If there is no arm.
    pub fn new(arms: usize, problem: u64, mean: f64, walk: f64) -> Self {
        assert!(arms > 0, "a bandit has an arm");
        let mut rng = Streams::new(problem).stream("arms");
        let value = |_| if walk > 0.0 { mean } else { mean + rng.normal() };
        let first: Vec<f64> = (0..arms).map(value).collect();
        Self { values: first.clone(), first, walk, rng: Pcg64::new(0) }
    }

    /// The expected reward of each arm at present.
    pub fn values(&self) -> &[f64] {
        &self.values
    }
}

impl Env for Bandit {
    type Observation = usize;
    type Action = usize;

    fn observation_space(&self) -> Space {
        Space::Discrete { n: 1 }
    }

    fn action_space(&self) -> Space {
        Space::Discrete { n: self.values.len() }
    }

    fn reset(&mut self, seed: Option<u64>, observation: &mut usize) {
        if let Some(seed) = seed {
            self.rng = Pcg64::new(seed);
            self.values.copy_from_slice(&self.first);
        }
        *observation = 0;
    }

    #[inline]
    fn step(&mut self, &arm: &usize, observation: &mut usize) -> Result<Outcome, EnvError> {
        let Some(value) = self.values.get(arm) else {
            return Err(EnvError::Action { action: arm.to_string(), space: self.action_space() });
        };
        let reward = value + self.rng.normal();
        if self.walk > 0.0 {
            self.values.iter_mut().for_each(|value| *value += self.walk * self.rng.normal());
        }
        *observation = 0;
        Ok(Outcome { reward, terminated: true, truncated: false })
    }

    fn reseed(&mut self, seed: u64) {
        self.rng = Pcg64::new(seed);
    }
}

snapshot! {
    impl Restorable for Bandit {
        saved: values, rng;
        built: first, walk;
    }
}

pub(crate) fn entry() -> Entry {
    Entry::new("Bandit", "pull one of ten arms with unknown rewards", |options| {
        let arms = options.whole("arms", 2..=NUMBERS.len() as u64)?.unwrap_or(10) as usize;
        let problem = options.whole("problem", 0..=u64::MAX)?.unwrap_or(0);
        let mean = options.number("mean", 0.0, -1e6..=1e6)?;
        let walk = options.number("walk", 0.0, 0.0..=1e6)?;
        Ok(Kind::states(Bandit::new(arms, problem, mean, walk)))
    })
    .documented(include_str!("bandit.rs"))
    .actions(&NUMBERS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rewards_and_values_have_their_means_and_variances() {
        let moments = |numbers: &[f64]| {
            let n = numbers.len() as f64;
            let mean = numbers.iter().sum::<f64>() / n;
            (mean, numbers.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n)
        };
        // Ten thousand values about 4, then ten thousand rewards of one arm: five standard errors.
        let values: Vec<f64> =
            (0..1000).flat_map(|problem| Bandit::new(10, problem, 4.0, 0.0).first).collect();
        let (mean, variance) = moments(&values);
        assert!((mean - 4.0).abs() < 0.05 && (variance - 1.0).abs() < 0.071, "{mean} {variance}");
        let mut env = Bandit::new(10, 5, 0.0, 0.0);
        env.reset(Some(1), &mut 0);
        let rewards: Vec<f64> = (0..10_000).map(|_| env.step(&3, &mut 0).unwrap().reward).collect();
        let (mean, variance) = moments(&rewards);
        assert!((mean - env.first[3]).abs() < 0.05 && (variance - 1.0).abs() < 0.071, "{mean} {variance}");
        assert_eq!(env.values, env.first);
    }

    #[test]
    fn a_walk_begins_equal_and_spreads_with_the_square_root_of_time() {
        let squares = (0..200).map(|seed| {
            let mut env = Bandit::new(10, 0, 1.0, 0.01);
            env.reset(Some(seed), &mut 0);
            assert_eq!(env.values, [1.0; 10]);
            for _ in 0..100 {
                env.step(&0, &mut 0).unwrap();
                env.reset(None, &mut 0);
            }
            env.values.iter().map(|value| (value - 1.0) * (value - 1.0)).sum::<f64>() / 10.0
        });
        // 100 steps of 0.01: a variance of 0.01; two thousand values, five standard errors.
        let variance = squares.sum::<f64>() / 200.0;
        assert!((variance - 0.01).abs() < 0.0016, "{variance}");
    }
}
