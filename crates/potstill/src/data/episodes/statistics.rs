//! The numbers that describe a data set of episodes.

use super::{OfflineDataset, Rows};
use potstill_core::math::ln_f64;

/// A few numbers that stand for many.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// Their mean.
    pub mean: f64,
    /// The least, the quartiles with linear interpolation, and the greatest.
    pub quantiles: [f64; 5],
}

impl Spread {
    /// The spread of numbers.
    ///
    /// If there are none.
    pub fn of(mut numbers: Vec<f64>) -> Self {
        numbers.sort_by(f64::total_cmp);
        let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
        let quantile = |quarters: usize| {
            let at = (numbers.len() - 1) as f64 * quarters as f64 / 4.0;
            let (low, part) = (at as usize, at.fract());
            let high = (low + 1).min(numbers.len() - 1);
            numbers[low] + part * (numbers[high] - numbers[low])
        };
        Self { mean, quantiles: [0, 1, 2, 3, 4].map(quantile) }
    }
}

/// A description of a data set.
#[derive(Clone, Debug, PartialEq)]
pub struct Statistics {
    /// The undiscounted returns of the episodes.
    pub returns: Spread,
    /// The steps of the episodes.
    pub lengths: Spread,
    /// Episodes that terminated.
    pub terminated: usize,
    /// Episodes that were truncated and did not terminate.
    pub truncated: usize,
    /// Episodes with neither flag.
    pub cut_off: usize,
    /// Of indices, the count of each action.
    pub action_counts: Option<Vec<u64>>,
    /// Of indices, the entropy of the actions of all steps together, in nats: 0 if there is one alone,
    /// `ln(n)` if all `n` are as frequent.
    pub action_entropy: Option<f64>,
    /// Of vectors, the mean and the standard deviation of each component of the actions.
    pub action_moments: Option<Vec<[f64; 2]>>,
}

/// The most actions that are counted one by one.
const ACTIONS_MAX: usize = 1 << 16;

impl Statistics {
    /// The statistics of a data set.
    ///
    /// If it has no episode.
    pub fn of(data: &OfflineDataset) -> Self {
        let count = |is: &dyn Fn(bool, bool) -> bool| {
            data.episodes.iter().filter(|episode| is(episode.terminated, episode.truncated)).count()
        };
        let counts = match (&data.actions, data.action_space.discrete()) {
            (Rows::Indices(actions), Some(n)) if n <= ACTIONS_MAX => {
                let mut counts = vec![0; n];
                actions.iter().for_each(|&action| counts[action] += 1);
                Some(counts)
            }
            _ => None,
        };
        Self {
            returns: Spread::of(data.returns().collect()),
            lengths: Spread::of(data.episodes.iter().map(|episode| episode.steps as f64).collect()),
            terminated: count(&|terminated, _| terminated),
            truncated: count(&|terminated, truncated| truncated && !terminated),
            cut_off: count(&|terminated, truncated| !terminated && !truncated),
            action_entropy: counts.as_deref().map(entropy),
            action_counts: counts,
            action_moments: match &data.actions {
                Rows::Floats(actions) => Some(moments(actions, data.action_space.features())),
                Rows::Indices(_) | Rows::Bytes(_) => None,
            },
        }
    }
}

/// The entropy of the distribution with these counts, in nats.
fn entropy(counts: &[u64]) -> f64 {
    let total: f64 = counts.iter().map(|&count| count as f64).sum();
    let shares = counts.iter().filter(|&&count| count > 0).map(|&count| count as f64 / total);
    // Not -0 where one action is the only one.
    shares.map(|share| -share * ln_f64(share)).sum::<f64>().max(0.0)
}

/// The mean and the standard deviation of each component of rows.
fn moments(rows: &[f32], width: usize) -> Vec<[f64; 2]> {
    let count = (rows.len() / width) as f64;
    let component = |i: usize| {
        let numbers = || rows.iter().skip(i).step_by(width).map(|&x| f64::from(x));
        let mean = numbers().sum::<f64>() / count;
        [mean, (numbers().map(|x| (x - mean) * (x - mean)).sum::<f64>() / count).sqrt()]
    };
    (0..width).map(component).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experience::Trajectory;
    use potstill_env::Space;

    #[test]
    fn spreads_are_those_of_numpy() {
        // numpy.quantile([3, 1, 2, 10], [0, .25, .5, .75, 1]).
        let spread = Spread::of(vec![3.0, 1.0, 2.0, 10.0]);
        assert_eq!(spread, Spread { mean: 4.0, quantiles: [1.0, 1.75, 2.5, 4.75, 10.0] });
        assert_eq!(Spread::of(vec![2.0]).quantiles, [2.0; 5]);
    }

    #[test]
    fn actions_and_endings_are_counted() {
        let mut data = OfflineDataset::new("E", Space::Discrete { n: 2 }, Space::Discrete { n: 3 });
        for (actions, flags) in [([0, 2], [true, true]), ([0, 2], [false, true]), ([2, 2], [false, false])] {
            let mut walk: Trajectory<usize> = Trajectory::starting_at(0);
            actions.into_iter().for_each(|action| walk.push(action, 0.5, 1));
            data.push(&walk, flags, None).unwrap();
        }
        let statistics = Statistics::of(&data);
        assert_eq!((statistics.terminated, statistics.truncated, statistics.cut_off), (1, 1, 1));
        assert_eq!(statistics.action_counts, Some(vec![2, 0, 4]));
        // -(1/3 ln(1/3) + 2/3 ln(2/3)).
        assert!((statistics.action_entropy.unwrap() - 0.636_514_168_294_813).abs() < 1e-12);
        assert_eq!(statistics.returns, Spread { mean: 1.0, quantiles: [1.0; 5] });
        assert_eq!(entropy(&[5, 0]), 0.0);
        assert_eq!(moments(&[1.0, 5.0, 3.0, 5.0], 2), [[2.0, 1.0], [5.0, 0.0]]);
    }
}
