//! Soft targets: the softmax of a teacher's outputs at a temperature.

use potstill_nn::loss;

/// `softmax(logits / T)` for each row of `classes` logits, `T` above 0 (Hinton, Vinyals and Dean 2015, equation 1).
pub fn soft_targets(temperature: f32, logits: &[f32], classes: usize) -> Vec<f32> {
    let mut targets = logits.to_vec();
    targets.chunks_exact_mut(classes).for_each(|row| loss::softmax(temperature, row));
    targets
}

/// The mean over rows of the distance between the best and the second best value, `samples x actions`; 0 where there is no
/// second.
///
/// Action values are on the scale of the rewards, so temperatures are given in units of this gap.
///
/// # Panics
/// If there is no value, or there are not `actions` for each sample.
pub fn mean_gap(values: &[f32], actions: usize) -> f32 {
    let is_whole = actions > 0 && !values.is_empty() && values.len().is_multiple_of(actions);
    assert!(is_whole, "{} values of {actions} actions", values.len());
    if actions == 1 {
        return 0.0;
    }
    let gaps = values.chunks_exact(actions).map(|row| {
        let (best, second) = row.iter().fold((f32::NEG_INFINITY, f32::NEG_INFINITY), |(best, second), &v| {
            if v > best { (v, best) } else { (best, second.max(v)) }
        });
        f64::from(best) - f64::from(second)
    });
    // Finite also for the largest values.
    ((gaps.sum::<f64>() / (values.len() / actions) as f64) as f32).min(f32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_higher_temperature_softens() {
        // Odds of 1 : 16 at T = 1 are 1 : 4 at T = 2 and 1 : 2 at T = 4.
        let logits = [0.0, 2.772_588_7];
        for (temperature, expected) in [(1.0, 16.0 / 17.0), (2.0, 4.0 / 5.0), (4.0, 2.0 / 3.0)] {
            let targets = soft_targets(temperature, &logits, 2);
            assert!((targets[1] - expected).abs() < 1e-6, "{temperature}: {targets:?}");
        }
    }

    #[test]
    fn the_gap_is_between_the_two_best() {
        assert_eq!(mean_gap(&[1.0, 5.0, 3.0, 7.0, 7.0, 0.0], 3), 1.0);
        assert_eq!(mean_gap(&[1.0, 5.0], 1), 0.0);
        assert_eq!(mean_gap(&[3e38, -3e38], 2), f32::MAX);
    }
}
