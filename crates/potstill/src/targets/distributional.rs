//! Targets of distributional learning.

use super::shape::{assert_pairs, width};

/// The support of a categorical distribution: evenly spaced values from `low` to `high` (Bellemare, Dabney
/// and Munos 2017, section 4).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Support {
    /// The number of atoms, at least 2.
    pub atoms: usize,
    /// The lowest value, in units of the discounted return.
    pub low: f32,
    /// The highest value, above the lowest.
    pub high: f32,
}

impl Support {
    /// The distance between neighbouring atoms.
    pub fn gap(&self) -> f32 {
        (self.high - self.low) / (self.atoms - 1) as f32
    }
}

/// The distribution of `G + discount Z` projected onto the support of `Z`: the probability of each shifted
/// atom is split between its two nearest neighbours by their distance (Bellemare, Dabney and Munos 2017,
/// Algorithm 1). `probabilities` and `targets` are `samples x atoms`. Returns the clipped mass: the mean over
/// samples of the probability that lies beyond the ends of the support, and is counted at them.
///
/// # Panics
/// If the lengths do not agree.
pub fn categorical_projection(
    support: Support,
    returns: &[f32],
    discounts: &[f32],
    probabilities: &[f32],
    targets: &mut Vec<f32>,
) -> f64 {
    let (atoms, low, high) = (support.atoms, f64::from(support.low), f64::from(support.high));
    assert_pairs(returns, discounts);
    assert_eq!(probabilities.len(), returns.len() * atoms, "one distribution per sample");
    // In double precision: of thousands of atoms single precision does not place the last exactly enough.
    let gap = (high - low) / (atoms - 1) as f64;
    targets.clear();
    targets.resize(probabilities.len(), 0.0);
    // More than rounding of single precision.
    let (beyond_low, beyond_high) = (low - 1e-3 * gap, high + 1e-3 * gap);
    let mut clipped = 0.0;
    let rows = probabilities.chunks_exact(atoms).zip(targets.chunks_exact_mut(atoms));
    for ((&sum, &discount), (probabilities, target)) in returns.iter().zip(discounts).zip(rows) {
        let (sum, discount) = (f64::from(sum), f64::from(discount));
        for (j, &p) in probabilities.iter().enumerate() {
            let p = f64::from(p);
            let moved = sum + discount * (low + gap * j as f64);
            if moved < beyond_low || moved > beyond_high {
                clipped += p;
            }
            let moved = moved.clamp(low, high);
            // Rounding must not exceed the last atom.
            let b = ((moved - low) / gap).clamp(0.0, (atoms - 1) as f64);
            let (lower, upper) = (b.floor(), b.ceil());
            if lower == upper {
                target[lower as usize] += p as f32;
            } else {
                target[lower as usize] += (p * (upper - b)) as f32;
                target[upper as usize] += (p * (b - lower)) as f32;
            }
        }
    }
    clipped / returns.len().max(1) as f64
}

/// `G + discount theta` for each quantile of the next state's distribution; after a terminal state all are `G`. `quantiles` and `targets` are
/// `samples x n`, returns and discounts one per sample (Dabney et al. 2018, equation 13).
///
/// # Panics
/// If the lengths do not agree.
pub fn quantile_targets(returns: &[f32], discounts: &[f32], quantiles: &[f32], targets: &mut Vec<f32>) {
    assert_pairs(returns, discounts);
    let count = width(quantiles, returns.len());
    targets.clear();
    for ((&sum, &discount), row) in returns.iter().zip(discounts).zip(quantiles.chunks_exact(count)) {
        targets.extend(row.iter().map(|&theta| if discount == 0.0 { sum } else { sum + discount * theta }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn atoms_move_by_hand() {
        let support = Support { atoms: 5, low: -2.0, high: 2.0 };
        let check = |sum: f32, discount: f32, p: [f32; 5], expected: [f32; 5]| {
            let mut targets = Vec::new();
            categorical_projection(support, &[sum], &[discount], &p, &mut targets);
            assert_eq!(targets, expected);
        };
        let clipped = |sums: &[f32], discount: f32, p: &[f32]| {
            categorical_projection(support, sums, &vec![discount; sums.len()], p, &mut Vec::new())
        };
        // The two highest atoms move to 2.5 and 3.5; half a sample of two; a terminal return beyond the end.
        assert_eq!(clipped(&[1.5], 1.0, &[0.125, 0.0, 0.25, 0.5, 0.125]), 0.625);
        assert_eq!(clipped(&[0.0, 4.5], 1.0, &[1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]), 0.5);
        assert_eq!((clipped(&[9.0], 0.0, &[0.2; 5]) * 1e6).round(), 1e6);
        assert_eq!(clipped(&[2.0], 0.0, &[0.2; 5]), 0.0);
        // The identity.
        check(0.0, 1.0, [0.1, 0.2, 0.3, 0.4, 0.0], [0.1, 0.2, 0.3, 0.4, 0.0]);
        // All mass at the return, half way between two atoms.
        check(0.5, 0.0, [0.0, 0.25, 0.0, 0.0, 0.75], [0.0, 0.0, 0.5, 0.5, 0.0]);
        // Mass beyond the support stays at its end.
        check(3.0, 1.0, [0.5, 0.0, 0.0, 0.0, 0.5], [0.0, 0.0, 0.0, 0.5, 0.5]);
        // -2 and 2 shrink to 0 and 2, with a quarter of the mass each.
        check(1.0, 0.5, [0.5, 0.0, 0.0, 0.0, 0.5], [0.0, 0.0, 0.5, 0.0, 0.5]);
        check(0.25, 0.5, [1.0, 0.0, 0.0, 0.0, 0.0], [0.0, 0.75, 0.25, 0.0, 0.0]);
    }

    #[test]
    fn quantiles_move_by_hand() {
        let mut targets = Vec::new();
        quantile_targets(&[1.0, 2.0], &[0.5, 0.0], &[2.0, 4.0, f32::NAN, 1.0], &mut targets);
        assert_eq!(targets, [2.0, 3.0, 2.0, 2.0]);
    }
}
