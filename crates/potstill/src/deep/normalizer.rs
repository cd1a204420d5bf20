//! Normalisation of observations by what has been seen, as a scaling that can be folded into a network.

use potstill_core::snapshot::Flat;
use potstill_core::{Snapshot, SnapshotError, snapshot};
use potstill_env::wrappers::RunningMoments;

/// No observation seen so far is more deviations from the mean: the limit at which Stable-Baselines3 clips.
const DEVIATIONS_MAX: f64 = 10.0;

/// The refusal to start from a model where observations are normalised.
pub(crate) const SCALED_ALREADY: &str =
    "a model has its input scaling in its weights, and this run would scale again";

/// Running means and deviations of observations. Where a feature was constant for long its deviation is almost nothing,
/// and the first movement would be hundreds of deviations: so a deviation is at least a tenth of the largest distance
/// from the mean, and 1 while there is none.
#[derive(Clone, Debug)]
pub(crate) struct Normalizer {
    moments: RunningMoments,
    lowest: Vec<f64>,
    highest: Vec<f64>,
}

impl Normalizer {
    pub(crate) fn new(features: usize) -> Self {
        let (lowest, highest) = (vec![f64::INFINITY; features], vec![f64::NEG_INFINITY; features]);
        Self { moments: RunningMoments::new(features), lowest, highest }
    }

    /// Takes in observations, `samples x features`.
    pub(crate) fn observe(&mut self, observations: &[f32]) {
        self.moments.observe(observations);
        for observation in observations.chunks_exact(self.lowest.len()) {
            for ((&x, lowest), highest) in observation.iter().zip(&mut self.lowest).zip(&mut self.highest) {
                *lowest = lowest.min(f64::from(x));
                *highest = highest.max(f64::from(x));
            }
        }
    }

    /// The means that are subtracted.
    pub(crate) fn mean(&self) -> &[f64] {
        self.moments.mean()
    }

    /// The deviations that are divided by.
    pub(crate) fn deviations(&self) -> impl Iterator<Item = f64> + '_ {
        let ranges = self.lowest.iter().zip(&self.highest).zip(self.mean());
        self.moments.variance().iter().zip(ranges).map(|(variance, ((lowest, highest), mean))| {
            let distance = (highest - mean).max(mean - lowest);
            match lowest == highest {
                true => 1.0,
                // The guard of Gymnasium and Stable-Baselines3 against division by 0.
                false => (variance + 1e-8).sqrt().max(distance / DEVIATIONS_MAX),
            }
        })
    }

    /// Normalises observations, `samples x features`.
    pub(crate) fn normalize(&self, observations: &mut [f32]) {
        for observation in observations.chunks_exact_mut(self.lowest.len()) {
            for ((x, mean), deviation) in observation.iter_mut().zip(self.mean()).zip(self.deviations()) {
                *x = ((f64::from(*x) - mean) / deviation) as f32;
            }
        }
    }

    /// Accepts checkpoints without ranges: one that binds nothing stands for them.
    fn accept_absence(&mut self, _: &str, _: &Snapshot) -> Result<(), SnapshotError> {
        let moments = self.moments.mean().iter().zip(self.moments.variance());
        (self.lowest, self.highest) =
            moments.map(|(m, v)| (m - v.sqrt() - 1e-4, m + v.sqrt() + 1e-4)).unzip();
        Ok(())
    }
}

snapshot! {
    impl Restorable for Normalizer {
        saved: moments via Flat, lowest, highest;
        absent: Self::accept_absence;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feature_that_was_constant_moves_by_no_more_than_ten_deviations() {
        let mut seen = Normalizer::new(2);
        let alternating = |i: u64| if i.is_multiple_of(2) { 1.0 } else { -1.0 };
        (0..100_000).for_each(|i| seen.observe(&[5.0, alternating(i)]));
        let normalized = |seen: &Normalizer, x: [f32; 2]| {
            let mut x = x;
            seen.normalize(&mut x);
            x
        };
        // Not divided while it has not moved; the other has mean 0 and deviation 1.
        let first = normalized(&seen, [6.0, 1.0]);
        assert!((first[0] - 1.0).abs() < 1e-4 && (first[1] - 1.0).abs() < 1e-4, "{first:?}");
        seen.observe(&[6.0, 1.0]);
        let moved = normalized(&seen, [6.0, 1.0]);
        assert!((moved[0] - 10.0).abs() < 1e-3 && (moved[1] - 1.0).abs() < 1e-4, "{moved:?}");
    }
}
