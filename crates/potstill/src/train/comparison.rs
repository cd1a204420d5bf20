//! Comparisons of two samples of scores, and the distribution of one (Agarwal et al. 2021).
//!
//! ```
//! use potstill::train::comparison::{performance_profile, probability_of_improvement};
//!
//! let (new, old) = ([12.0, 15.0, 14.0, 19.0, 13.0], [11.0, 12.5, 10.0, 13.5, 9.0]);
//! let improvement = probability_of_improvement(&new, &old);
//! // 22 of the 25 pairs are improvements.
//! assert_eq!(improvement.value, 0.88);
//! assert!(improvement.interval.unwrap().0 > 0.44);
//!
//! let profile = performance_profile(&new);
//! // Four of five scores are above 12.
//! assert_eq!((profile[0].score, profile[0].above.value), (12.0, 0.8));
//! ```

use super::interval::{VALUES_MIN, student_quantile};
use super::statistics::Estimate;

/// The probability that a score of the first sample is above one of the second, ties counted half: the statistic of
/// Mann and Whitney over the number of pairs.
///
/// Its 95 % interval is Newcombe's fifth method (2006), which inverts the variance of Hanley and McNeil, with
/// Student's quantile for the number of values; none if a sample has fewer than three. It covers 93 % and more from
/// three values a side up, also of skewed scores and where one sample is above all of the other.
///
/// # Panics
/// If a sample is empty.
pub fn probability_of_improvement(first: &[f64], second: &[f64]) -> Estimate {
    assert!(!first.is_empty() && !second.is_empty(), "a sample without scores");
    let mut sorted = second.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    // Numbers of scores below, and of those below or equal.
    let halves = first.iter().map(|score| {
        sorted.partition_point(|other| other < score) + sorted.partition_point(|other| other <= score)
    });
    let (m, n) = (first.len() as f64, second.len() as f64);
    let value = halves.sum::<usize>() as f64 / (2.0 * m * n);
    if first.len().min(second.len()) < VALUES_MIN {
        return Estimate { value, interval: None };
    }
    let t = student_quantile(first.len() + second.len() - 2);
    let deviation = |p: f64| {
        let tails = 1.0 + ((m + n) / 2.0 - 1.0) * ((1.0 - p) / (2.0 - p) + p / (1.0 + p));
        t * (p * (1.0 - p) * tails / (m * n)).sqrt()
    };
    let low = bisect(0.0, value, |p| value - p <= deviation(p));
    let high = bisect(value, 1.0, |p| p - value > deviation(p));
    Estimate { value, interval: Some((low, high)) }
}

/// The place between two numbers from which on a condition holds.
fn bisect(mut low: f64, mut high: f64, holds: impl Fn(f64) -> bool) -> f64 {
    if holds(low) {
        return low;
    }
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if holds(middle) { high = middle } else { low = middle }
    }
    high
}

/// A point of a performance profile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProfilePoint {
    /// A score.
    pub score: f64,
    /// The share of scores above it.
    pub above: Estimate,
}

/// The share of scores above each score that occurs, in ascending order. Below the first score the share is 1.
///
/// Each share has the exact binomial interval of Clopper and Pearson (1934), which covers at least 95 %; none of fewer
/// than three scores. NaN is left out.
pub fn performance_profile(scores: &[f64]) -> Vec<ProfilePoint> {
    let mut sorted: Vec<f64> = scores.iter().copied().filter(|score| !score.is_nan()).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let n = sorted.len();
    let mut points = Vec::new();
    for (i, &score) in sorted.iter().enumerate() {
        if sorted.get(i + 1) != Some(&score) {
            points.push(ProfilePoint { score, above: share_above(n - 1 - i, n) });
        }
    }
    points
}

/// The share `count` of `n` scores, with its interval as in [`performance_profile`].
pub(crate) fn share_above(count: usize, n: usize) -> Estimate {
    let interval = (n >= VALUES_MIN).then(|| binomial_interval(count, n));
    Estimate { value: count as f64 / n as f64, interval }
}

/// The 95 % interval of a share of which `count` of `n` were seen.
fn binomial_interval(count: usize, n: usize) -> (f64, f64) {
    let low = if count == 0 { 0.0 } else { bisect(0.0, 1.0, |p| at_least(count, n, p) >= 0.025) };
    let high = if count == n { 1.0 } else { bisect(0.0, 1.0, |p| 1.0 - at_least(count + 1, n, p) <= 0.025) };
    (low, high)
}

/// The probability of at least `count` successes of `n`, each of probability `p`.
fn at_least(count: usize, n: usize, p: f64) -> f64 {
    // Sums outwards from the likeliest number, whose probability is 1 before the total is divided out.
    let mode = (((n + 1) as f64 * p) as usize).min(n);
    let (mut total, mut upper) = (0.0, 0.0);
    let mut add = |k: usize, weight: f64| {
        total += weight;
        if k >= count {
            upper += weight;
        }
        weight > 1e-18
    };
    let mut weight = 1.0;
    for k in mode..=n {
        if !add(k, weight) {
            break;
        }
        weight *= (n - k) as f64 * p / ((k + 1) as f64 * (1.0 - p).max(f64::MIN_POSITIVE));
    }
    weight = 1.0;
    for k in (1..=mode).rev() {
        weight *= k as f64 * (1.0 - p) / ((n - k + 1) as f64 * p.max(f64::MIN_POSITIVE));
        if !add(k - 1, weight) {
            break;
        }
    }
    upper / total
}

#[cfg(test)]
mod tests {
    use super::*;
    use potstill_core::Pcg64;

    #[test]
    fn binomial_intervals_are_those_of_the_tables() {
        // Clopper and Pearson, from tables of the beta distribution; of none and all by hand: 1 - 0.025^(1/n).
        for (count, n, low, high) in [
            (0, 3, 0.0, 0.707_598),
            (3, 3, 0.292_402, 1.0),
            (2, 10, 0.025_211, 0.556_095),
            (5, 10, 0.187_086, 0.812_914),
            (0, 500, 0.0, 0.007_351),
        ] {
            let (from, to) = binomial_interval(count, n);
            assert!((from - low).abs() < 1e-5 && (to - high).abs() < 1e-5, "{count} of {n}: {from} {to}");
        }
    }

    #[test]
    fn profiles_and_ties_by_hand() {
        let profile = performance_profile(&[2.0, 1.0, 2.0, 5.0, f64::NAN]);
        let shares: Vec<(f64, f64)> = profile.iter().map(|point| (point.score, point.above.value)).collect();
        assert_eq!(shares, [(1.0, 0.75), (2.0, 0.25), (5.0, 0.0)]);
        assert_eq!(profile[2].above.interval.unwrap().0, 0.0);
        assert_eq!(performance_profile(&[1.0, 2.0])[0].above.interval, None);
        // 1 beats nothing and ties once; 3 beats both.
        assert_eq!(
            probability_of_improvement(&[1.0, 3.0], &[1.0, 2.0]),
            Estimate { value: 0.625, interval: None }
        );
        // From a second program of the same equations, in NumPy.
        let check = |first: &[f64], second: &[f64], low: f64, high: f64| {
            let found = probability_of_improvement(first, second).interval.unwrap();
            assert!((found.0 - low).abs() < 1e-6 && (found.1 - high).abs() < 1e-6, "{found:?}");
        };
        check(&[4.0, 5.0, 6.0], &[1.0, 2.0, 3.0], 0.336_576, 1.0);
        check(&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0], 0.0, 0.663_424);
        check(&[12.0, 15.0, 14.0, 19.0, 13.0], &[11.0, 12.5, 10.0, 13.5, 9.0], 0.441_904, 0.983_274);
    }

    #[test]
    fn the_interval_of_an_improvement_covers_it() {
        // P(z > -shift / sqrt(2)) for normal scores; of exponential ones, of which one scale is f times the other,
        // f / (1 + f).
        type Draw = fn(&mut Pcg64) -> f64;
        let normal = |shift: fn(f64) -> f64, expected: f64| (shift, expected, (|rng| rng.normal()) as Draw);
        let exponential: Draw = |rng| -potstill_core::math::ln_f64(1.0 - rng.unit());
        for (change, expected, draw) in [
            normal(|z| z, 0.5),
            normal(|z| z + 1.0, 0.760_250),
            normal(|z| z + 2.0, 0.921_350),
            (|x| 3.0 * x, 0.75, exponential),
        ] {
            for (m, n) in [(3, 3), (5, 5), (3, 10), (20, 20)] {
                let mut rng = Pcg64::new(11);
                let covered = (0..2000).filter(|_| {
                    let first: Vec<f64> = (0..m).map(|_| change(draw(&mut rng))).collect();
                    let second: Vec<f64> = (0..n).map(|_| draw(&mut rng)).collect();
                    let (low, high) = probability_of_improvement(&first, &second).interval.unwrap();
                    low <= expected && expected <= high
                });
                let share = covered.count() as f64 / 2000.0;
                assert!(share >= 0.93, "{m} and {n} at {expected}: {share}");
            }
        }
    }
}
