//! Intervals by the bootstrap over episodes (Efron 1979; for off-policy evaluation Hanna, Stone and Niekum
//! 2017).
//!
//! An episode is drawn with replacement as often as there are episodes, and the estimates are made again from
//! the sample: on tables behaviour and values too. With networks these stay as they are, so that intervals of
//! importance sampling and of doubly robust estimates leave their uncertainty out. The interval is from the
//! 2.5 % to the 97.5 % quantile of the estimates. Streams: `bootstrap`, one for each sample.

use super::options::{EvaluationError, EvaluationOptions};
use crate::train::parallel_map;
use potstill_core::Streams;

/// The fewest episodes, or effective episodes, with an interval.
pub const EPISODES_MIN: usize = 10;

/// A sample of as many indices, with replacement.
pub(super) fn resampled(count: usize, streams: Streams, replicate: u64) -> Vec<usize> {
    let mut rng = streams.indexed("bootstrap", replicate);
    (0..count).map(|_| rng.below(count)).collect()
}

/// The percentile interval of each estimate over [samples](EvaluationOptions::replicates) of `count`
/// episodes; none of one that is not finite in some sample, nor of fewer than [`EPISODES_MIN`] episodes.
///
/// # Errors
/// If the watch ends it.
pub fn intervals(
    count: usize,
    options: &EvaluationOptions<'_>,
    estimate: impl Fn(&[usize]) -> Vec<f64> + Sync,
) -> Result<Vec<Option<(f64, f64)>>, EvaluationError> {
    let all = parallel_map(options.replicates as usize, options.threads, |i| {
        options.watch.done(1)?;
        Ok(estimate(&resampled(count, options.streams, i as u64)))
    });
    let all = all.into_iter().collect::<Result<Vec<Vec<f64>>, EvaluationError>>()?;
    let estimates = all.first().map_or(0, Vec::len);
    let interval = |i: usize| {
        let values: Vec<f64> = all.iter().map(|values| values[i]).collect();
        (count >= EPISODES_MIN).then(|| percentiles(values)).flatten()
    };
    Ok((0..estimates).map(interval).collect())
}

/// The 2.5 % and 97.5 % quantiles of values; none if one is not finite.
fn percentiles(mut values: Vec<f64>) -> Option<(f64, f64)> {
    if values.is_empty() || values.iter().any(|value| !value.is_finite()) {
        return None;
    }
    values.sort_unstable_by(f64::total_cmp);
    let quantile = |share: f64| {
        let at = share * (values.len() - 1) as f64;
        let (below, part) = (at as usize, at.fract());
        let above = (below + 1).min(values.len() - 1);
        values[below] + part * (values[above] - values[below])
    };
    Some((quantile(0.025), quantile(0.975)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_numpy() {
        // numpy.quantile(range(101), [.025, .975]).
        assert_eq!(percentiles((0..101).rev().map(f64::from).collect()), Some((2.5, 97.5)));
        assert_eq!(percentiles(vec![1.0, f64::NAN]), None);
    }

    #[test]
    fn intervals_of_a_mean_are_those_of_its_standard_error() {
        // 0 to 99: deviation 28.87, standard error 2.887, 1.96 of which are 5.66.
        let mean = |sample: &[usize]| vec![sample.iter().sum::<usize>() as f64 / sample.len() as f64];
        let of = |count: usize, replicates: u64, threads: usize| {
            let options = EvaluationOptions::new(1.0, Streams::new(1));
            intervals(count, &EvaluationOptions { replicates, threads, ..options }, mean).unwrap()
        };
        let (low, high) = of(100, 4000, 2)[0].unwrap();
        assert!((low - (49.5 - 5.66)).abs() < 0.4 && (high - (49.5 + 5.66)).abs() < 0.4, "{low} {high}");
        assert_eq!(of(100, 50, 1), of(100, 50, 2));
        assert_eq!(of(9, 50, 1), [None]);
    }
}
