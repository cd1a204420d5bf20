//! Statistics over seeds and episodes.
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::train::statistics::{bootstrap, interquartile_mean};
//!
//! // One bad seed of eight moves the mean, not the interquartile mean.
//! let returns = [500.0, 498.0, 500.0, 499.0, 500.0, 497.0, 500.0, 9.0];
//! let estimate = bootstrap(&returns, interquartile_mean, &mut Streams::new(0).stream("bootstrap"));
//! assert!((estimate.value - 499.25).abs() < 1.0 && estimate.low <= estimate.value && estimate.value <= estimate.high);
//! ```

use potstill_core::Pcg64;

/// The arithmetic mean.
///
/// # Panics
/// If there is no value.
pub fn mean(values: &[f64]) -> f64 {
    assert!(!values.is_empty(), "the mean of nothing");
    values.iter().sum::<f64>() / values.len() as f64
}

/// The standard deviation of a sample (divisor `n - 1`); 0 for a single value.
pub fn standard_deviation(values: &[f64]) -> f64 {
    let center = mean(values);
    let squares: f64 = values.iter().map(|v| (v - center) * (v - center)).sum();
    if values.len() > 1 { (squares / (values.len() - 1) as f64).sqrt() } else { 0.0 }
}

/// The interquartile mean: the mean of the middle half, without a quarter of the values at each end (Agarwal
/// et al. 2021). If the number of values is not a multiple of four, the values at the limits count in part.
pub fn interquartile_mean(values: &[f64]) -> f64 {
    assert!(!values.is_empty(), "the mean of nothing");
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let n = sorted.len() as f64;
    let (low, high) = (n / 4.0, n * 3.0 / 4.0);
    let weighted = sorted.iter().enumerate().map(|(i, v)| {
        let weight = ((i + 1) as f64).min(high) - (i as f64).max(low);
        v * weight.max(0.0)
    });
    weighted.sum::<f64>() / (high - low)
}

/// A statistic and its 95 % confidence interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The statistic of the sample.
    pub value: f64,
    /// The 2.5 % percentile of its bootstrap distribution.
    pub low: f64,
    /// The 97.5 % percentile.
    pub high: f64,
}

/// A statistic with its 95 % percentile bootstrap interval (Efron 1979), from 2,000 resamples.
///
/// # Panics
/// If there is no value.
pub fn bootstrap(values: &[f64], statistic: fn(&[f64]) -> f64, rng: &mut Pcg64) -> Estimate {
    const RESAMPLES: usize = 2000;
    let mut resample = vec![0.0; values.len()];
    let mut results: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            resample.iter_mut().for_each(|slot| *slot = values[rng.below(values.len())]);
            statistic(&resample)
        })
        .collect();
    results.sort_unstable_by(f64::total_cmp);
    Estimate {
        value: statistic(values),
        low: results[RESAMPLES / 40],
        high: results[RESAMPLES - 1 - RESAMPLES / 40],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        assert_eq!(mean(&[1.0, 2.0, 6.0]), 3.0);
        assert_eq!(standard_deviation(&[1.0, 2.0, 6.0]), 7.0_f64.sqrt());
        assert_eq!(standard_deviation(&[5.0]), 0.0);
        assert_eq!(interquartile_mean(&[100.0, 1.0, 2.0, -50.0]), 1.5);
        // Six values: the middle three weigh 1/2, 1, 1, 1/2.
        assert_eq!(interquartile_mean(&[0.0, 1.0, 2.0, 4.0, 7.0, 9.0]), (0.5 + 2.0 + 4.0 + 3.5) / 3.0);
        assert_eq!(interquartile_mean(&[3.0]), 3.0);
    }

    #[test]
    fn the_interval_covers_the_truth_as_often_as_it_says() {
        let mut covered = 0;
        for seed in 0..400 {
            let mut rng = Pcg64::new(seed);
            let sample: Vec<f64> = (0..40).map(|_| rng.unit()).collect();
            let estimate = bootstrap(&sample, mean, &mut rng);
            covered += u32::from(estimate.low <= 0.5 && 0.5 <= estimate.high);
        }
        // 95 % of 400 is 380; the percentile bootstrap of 40 values covers a little less, and four deviations are 17.
        assert!((355..=397).contains(&covered), "{covered}");
    }
}
