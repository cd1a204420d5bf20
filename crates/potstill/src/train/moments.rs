//! Means and deviations of samples.

/// The arithmetic mean.
///
/// # Panics
/// If there is no value.
pub fn mean(values: &[f64]) -> f64 {
    assert!(!values.is_empty(), "the mean of nothing");
    let sum: f64 = values.iter().sum();
    if sum.is_finite() {
        return sum / values.len() as f64;
    }
    // The sum of huge values overflows where their mean does not.
    values.iter().map(|v| v / values.len() as f64).sum()
}

/// The standard deviation of a sample (divisor `n - 1`); 0 for a single value, NaN if one of several is NaN or infinite.
///
/// # Panics
/// If there is no value.
pub fn standard_deviation(values: &[f64]) -> f64 {
    let center = mean(values);
    if values.len() < 2 {
        return 0.0;
    }
    if values.iter().any(|v| !v.is_finite()) {
        return f64::NAN;
    }
    let squared =
        |unit: f64| values.iter().map(|v| ((v - center) / unit) * ((v - center) / unit)).sum::<f64>();
    let root = |squares: f64| (squares / (values.len() - 1) as f64).sqrt();
    let squares = squared(1.0);
    if squares.is_normal() {
        return root(squares);
    }
    // Squares of tiny deviations vanish, and those of huge ones overflow.
    let largest = values.iter().map(|v| (v - center).abs()).fold(0.0, f64::max);
    if largest == 0.0 || !largest.is_finite() { largest } else { largest * root(squared(largest)) }
}

/// The interquartile mean: the mean of the middle half, without a quarter of the values at each end (Agarwal
/// et al. 2021). If the number of values is not a multiple of four, the values at the limits count in part.
///
/// # Panics
/// If there is no value.
pub fn interquartile_mean(values: &[f64]) -> f64 {
    assert!(!values.is_empty(), "the mean of nothing");
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let n = sorted.len() as f64;
    let (low, high) = (n / 4.0, n * 3.0 / 4.0);
    let weights = (0..sorted.len()).map(|i| ((i + 1) as f64).min(high) - (i as f64).max(low));
    // Values without weight are left out: one that is not finite would make the sum NaN.
    let counted: Vec<(f64, f64)> = sorted.iter().copied().zip(weights).filter(|(_, w)| *w > 0.0).collect();
    let sum: f64 = counted.iter().map(|(v, weight)| v * weight).sum();
    if sum.is_finite() {
        return sum / (high - low);
    }
    counted.iter().map(|(v, weight)| v * (weight / (high - low))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        assert_eq!(mean(&[1.0, 2.0, 6.0]), 3.0);
        assert_eq!(mean(&[1e308, 1e308]), 1e308);
        assert_eq!(standard_deviation(&[1.0, 2.0, 6.0]), 7.0_f64.sqrt());
        assert_eq!(standard_deviation(&[5.0]), 0.0);
        assert_eq!(standard_deviation(&[1e-200, 3e-200]), 2.0_f64.sqrt() * 1e-200);
        assert_eq!(standard_deviation(&[1e200, -1e200]), 2.0_f64.sqrt() * 1e200);
        for wrong in [f64::NAN, f64::INFINITY] {
            assert!(standard_deviation(&[1.0, 2.0, wrong]).is_nan());
        }
        assert_eq!(interquartile_mean(&[100.0, 1.0, 2.0, -50.0]), 1.5);
        // Six values: the middle three weigh 1/2, 1, 1, 1/2.
        assert_eq!(interquartile_mean(&[3.0]), 3.0);
        assert_eq!(interquartile_mean(&[f64::NEG_INFINITY, 1.0, 2.0, f64::INFINITY]), 1.5);
    }
}
