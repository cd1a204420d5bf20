//! The quality of a classifier on labelled samples, from its logits: error, likelihood, calibration, confusion, and the samples on
//! which two classifiers differ most.
//!
//! | measure | definition |
//! |---|---|
//! | error | share of samples whose highest logit is not the label's |
//! | NLL | mean of `-ln p(label)`, natural logarithm |
//! | Brier score | mean of the squared distance of the probabilities from the label's one-hot vector, 0 to 2 |
//! | ECE | `sum_m n_m / n abs(accuracy_m - confidence_m)` over 15 bins of equal width of the highest probability (Guo et al. 2017, equation 3) |
//! | temperature | the `T` for which `softmax(z / T)` has the lowest NLL (Guo et al. 2017, section 4.2), to be fitted on samples that are no test samples |
//! | total variation | half the sum of the absolute differences of two rows of probabilities, 0 to 1 |
//!
//! Everything is computed in double precision with the logarithm of the sum of exponentials.
//!
//! ```
//! use potstill::distill::quality::Judged;
//!
//! // Two samples of two classes; the second is taken for the first class.
//! let judged = Judged::new(2, &[2.0, 0.0, 1.0, 0.0], &[0, 1]);
//! assert_eq!((judged.error(), judged.confusion()), (0.5, vec![1, 0, 1, 0]));
//! // ln(1 + e^-2) and ln(1 + e).
//! assert!((judged.nll(1.0) - (0.126_928 + 1.313_262) / 2.0).abs() < 1e-6);
//! ```

use crate::targets::argmax;
use potstill_core::math::{exp_f64, ln_f64};

/// Bins of the highest probability.
pub const BINS: usize = 15;
/// The range of fitted temperatures.
pub const TEMPERATURES: (f64, f64) = (0.01, 100.0);
/// The relative change of `1 / T` at which Newton's method has converged, and the most steps.
const PRECISION: f64 = 1e-12;
const STEPS_MAX: usize = 100;

/// The logits of labelled samples.
#[derive(Clone, Copy, Debug)]
pub struct Judged<'a> {
    classes: usize,
    logits: &'a [f32],
    labels: &'a [usize],
}

/// The samples whose highest probability lies in one interval.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bin {
    /// The number of samples.
    pub count: usize,
    /// Their mean highest probability; 0 without any.
    pub confidence: f64,
    /// The share that is classified rightly; 0 without any.
    pub accuracy: f64,
}

/// The probabilities of a row of logits at a temperature, written to `probabilities`; returns the logarithm of their sum of
/// exponentials relative to the highest logit.
fn softmax(row: &[f32], temperature: f64, probabilities: &mut Vec<f64>) -> f64 {
    let highest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    probabilities.clear();
    probabilities.extend(row.iter().map(|&z| exp_f64((f64::from(z) - f64::from(highest)) / temperature)));
    let sum: f64 = probabilities.iter().sum();
    probabilities.iter_mut().for_each(|p| *p /= sum);
    ln_f64(sum)
}

/// The mean highest probability of rows of logits, `samples x classes`; none without a row.
pub fn mean_confidence(classes: usize, logits: &[f32]) -> Option<f64> {
    let mut probabilities = Vec::with_capacity(classes);
    let highest = logits.chunks_exact(classes).map(|row| {
        softmax(row, 1.0, &mut probabilities);
        probabilities.iter().copied().fold(0.0, f64::max)
    });
    let (count, sum) = highest.fold((0_usize, 0.0), |(count, sum), p| (count + 1, sum + p));
    (count > 0).then(|| sum / count as f64)
}

impl<'a> Judged<'a> {
    /// The logits of samples, `samples x classes`, and their labels.
    ///
    /// # Panics
    /// If there is no sample, the lengths do not agree, or a label is no class.
    pub fn new(classes: usize, logits: &'a [f32], labels: &'a [usize]) -> Self {
        assert!(!labels.is_empty() && logits.len() == labels.len() * classes, "logits of labelled samples");
        assert!(labels.iter().all(|&label| label < classes), "labels of classes");
        Self { classes, logits, labels }
    }

    /// The rows of logits with their labels.
    fn rows(&self) -> impl Iterator<Item = (&'a [f32], usize)> {
        self.logits.chunks_exact(self.classes).zip(self.labels.iter().copied())
    }

    /// The mean over the samples of a function of logits and label.
    fn mean(&self, of: impl FnMut((&'a [f32], usize)) -> f64) -> f64 {
        self.rows().map(of).sum::<f64>() / self.labels.len() as f64
    }

    /// The class of the highest logit of each sample; the first of equals.
    pub fn predictions(&self) -> Vec<usize> {
        self.rows().map(|(row, _)| argmax(row)).collect()
    }

    /// The share of wrongly classified samples, 0 to 1.
    pub fn error(&self) -> f64 {
        self.mean(|(row, label)| f64::from(argmax(row) != label))
    }

    /// The negative log-likelihood per sample at a temperature, in nats; infinite if a label has a probability of 0.
    pub fn nll(&self, temperature: f64) -> f64 {
        let mut probabilities = Vec::with_capacity(self.classes);
        self.mean(|(row, label)| {
            let highest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let log_sum = softmax(row, temperature, &mut probabilities);
            log_sum - (f64::from(row[label]) - f64::from(highest)) / temperature
        })
    }

    /// The Brier score at a temperature, 0 to 2.
    pub fn brier(&self, temperature: f64) -> f64 {
        let mut probabilities = Vec::with_capacity(self.classes);
        self.mean(|(row, label)| {
            softmax(row, temperature, &mut probabilities);
            let miss =
                |(class, p): (usize, &f64)| (p - f64::from(class == label)) * (p - f64::from(class == label));
            probabilities.iter().enumerate().map(miss).sum()
        })
    }

    /// The bins of the reliability diagram at a temperature: bin `m` has the probabilities above `m / 15` up to `(m + 1) / 15`.
    pub fn reliability(&self, temperature: f64) -> [Bin; BINS] {
        let mut bins = [Bin::default(); BINS];
        let mut probabilities = Vec::with_capacity(self.classes);
        for (row, label) in self.rows() {
            softmax(row, temperature, &mut probabilities);
            let chosen = argmax(row);
            let confidence = probabilities[chosen];
            let place = ((confidence * BINS as f64).ceil() as usize).clamp(1, BINS) - 1;
            let bin = &mut bins[place];
            bin.count += 1;
            bin.confidence += confidence;
            bin.accuracy += f64::from(chosen == label);
        }
        for bin in bins.iter_mut().filter(|bin| bin.count > 0) {
            bin.confidence /= bin.count as f64;
            bin.accuracy /= bin.count as f64;
        }
        bins
    }

    /// The number of samples of each class that were taken for each class, `classes x classes`: a row per label.
    pub fn confusion(&self) -> Vec<u64> {
        let mut counts = vec![0; self.classes * self.classes];
        self.rows().for_each(|(row, label)| counts[label * self.classes + argmax(row)] += 1);
        counts
    }

    /// The temperature with the lowest NLL on these samples, within [`TEMPERATURES`]. The NLL is convex in `1 / T`; Newton's method
    /// finds the root of its derivative, within an interval that each step narrows.
    pub fn best_temperature(&self) -> f64 {
        let (cold, hot) = TEMPERATURES;
        let (mut low, mut high) = (1.0 / hot, 1.0 / cold);
        if self.slope(high).0 <= 0.0 {
            return cold;
        }
        if self.slope(low).0 >= 0.0 {
            return hot;
        }
        let mut inverse = 1.0;
        for _ in 0..STEPS_MAX {
            let (slope, curvature) = self.slope(inverse);
            if slope > 0.0 {
                high = inverse;
            } else {
                low = inverse;
            }
            let newton = inverse - slope / curvature;
            // Where Newton's step leaves the interval, its middle in logarithms.
            let next = if newton > low && newton < high { newton } else { (low * high).sqrt() };
            let is_found = (next - inverse).abs() <= PRECISION * inverse;
            inverse = next;
            if is_found {
                break;
            }
        }
        1.0 / inverse
    }

    /// The first and the second derivative of the NLL with respect to `1 / T`: the mean difference of the expected logit from the
    /// label's, and the mean variance of the logits.
    fn slope(&self, inverse: f64) -> (f64, f64) {
        let mut probabilities = Vec::with_capacity(self.classes);
        let (mut slope, mut curvature) = (0.0, 0.0);
        for (row, label) in self.rows() {
            softmax(row, 1.0 / inverse, &mut probabilities);
            let (mut mean, mut square) = (0.0, 0.0);
            for (p, &z) in probabilities.iter().zip(row).filter(|(p, _)| **p > 0.0) {
                let above = f64::from(z) - f64::from(row[label]);
                mean += p * above;
                square += p * above * above;
            }
            slope += mean;
            curvature += square - mean * mean;
        }
        let count = self.labels.len() as f64;
        (slope / count, curvature / count)
    }
}

/// The expected calibration error of the bins of some samples, 0 to 1.
pub fn calibration_error(bins: &[Bin]) -> f64 {
    let count: usize = bins.iter().map(|bin| bin.count).sum();
    let gaps = bins.iter().map(|bin| bin.count as f64 * (bin.accuracy - bin.confidence).abs());
    gaps.sum::<f64>() / count.max(1) as f64
}

/// The total variation between the probabilities of two classifiers for each sample, from logits `samples x classes`.
///
/// # Panics
/// If the lengths do not agree.
pub fn total_variations(classes: usize, first: &[f32], second: &[f32]) -> Vec<f64> {
    assert_eq!(first.len(), second.len(), "logits of the same samples");
    let (mut p, mut q) = (Vec::with_capacity(classes), Vec::with_capacity(classes));
    let of_row = |(a, b): (&[f32], &[f32])| {
        softmax(a, 1.0, &mut p);
        softmax(b, 1.0, &mut q);
        p.iter().zip(&q).map(|(p, q)| (p - q).abs()).sum::<f64>() / 2.0
    };
    first.chunks_exact(classes).zip(second.chunks_exact(classes)).map(of_row).collect()
}

/// The probabilities of a row of logits at a temperature.
pub fn probabilities(row: &[f32], temperature: f64) -> Vec<f64> {
    let mut probabilities = Vec::with_capacity(row.len());
    softmax(row, temperature, &mut probabilities);
    probabilities
}

/// The places of the largest of some numbers, the largest first; the first of equals.
pub fn largest(numbers: &[f64], count: usize) -> Vec<usize> {
    let mut places: Vec<usize> = (0..numbers.len()).collect();
    places.sort_by(|&a, &b| numbers[b].total_cmp(&numbers[a]));
    places.truncate(count);
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn numbers(value: &Value) -> Vec<f64> {
        value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
    }

    fn close(found: f64, expected: &Value, tolerance: f64) {
        let expected = expected.as_f64().unwrap();
        assert!((found - expected).abs() <= tolerance, "{found}, not {expected}");
    }

    #[test]
    fn measures_are_those_of_numpy_and_scikit_learn() {
        let cases: Vec<Value> =
            serde_json::from_str(include_str!("../../../../testdata/numpy/quality.json")).unwrap();
        assert_eq!(cases.len(), 3);
        for case in cases {
            let classes = case["classes"].as_u64().unwrap() as usize;
            let logits: Vec<f32> = numbers(&case["logits"]).into_iter().map(|z| z as f32).collect();
            let labels: Vec<usize> = numbers(&case["labels"]).into_iter().map(|c| c as usize).collect();
            let judged = Judged::new(classes, &logits, &labels);
            let check = |temperature: f64, expected: &Value, tolerance: f64| {
                let bins = judged.reliability(temperature);
                close(judged.nll(temperature), &expected["nll"], tolerance);
                close(judged.brier(temperature), &expected["brier"], tolerance);
                close(calibration_error(&bins), &expected["ece"], tolerance);
                for (bin, row) in bins.iter().zip(expected["bins"].as_array().unwrap()) {
                    assert_eq!(bin.count as u64, row[0].as_u64().unwrap());
                    close(bin.confidence, &row[1], tolerance);
                    close(bin.accuracy, &row[2], tolerance);
                }
            };
            close(judged.error(), &case["plain"]["error"], 0.0);
            close(mean_confidence(classes, &logits).unwrap(), &case["plain"]["confidence"], 1e-14);
            check(1.0, &case["plain"], 1e-14);
            // SciPy's minimum is exact to the root of the precision.
            close(judged.best_temperature(), &case["temperature"], 1e-6);
            check(case["temperature"].as_f64().unwrap(), &case["scaled"], 1e-14);
            let confusion: Vec<u64> = numbers(&case["confusion"]).into_iter().map(|n| n as u64).collect();
            assert_eq!(judged.confusion(), confusion);
            if !case["distances_to_reversed"].is_null() {
                let reversed: Vec<f32> = logits.iter().rev().copied().collect();
                let found = total_variations(classes, &logits, &reversed);
                let expected = case["distances_to_reversed"].as_array().unwrap();
                found.iter().zip(expected).for_each(|(found, expected)| close(*found, expected, 1e-7));
            }
        }
    }

    #[test]
    fn no_logits_give_nan() {
        let check = |logits: &[f32], labels: &[usize], nll: f64, temperature: f64| {
            let judged = Judged::new(2, logits, labels);
            assert_eq!((judged.nll(1.0), judged.best_temperature()), (nll, temperature), "{logits:?}");
            assert!(
                calibration_error(&judged.reliability(1.0)).is_finite() && judged.brier(1e-6).is_finite()
            );
        };
        let (coldest, hottest) = TEMPERATURES;
        // All right: the sharper, the likelier. All wrong: the flatter.
        check(&[3e38, -3e38], &[0], 0.0, coldest);
        check(&[0.0, f32::NEG_INFINITY], &[0], 0.0, coldest);
        check(&[0.0, 1000.0], &[0], 1000.0, hottest);
        // The first of equals.
        assert_eq!(Judged::new(2, &[1.0, 1.0], &[0]).error(), 0.0);
        assert_eq!(mean_confidence(2, &[]), None);
    }

    #[test]
    fn the_largest_come_first() {
        assert_eq!(largest(&[0.5, 2.0, 0.5, 1.0], 3), [1, 3, 0]);
        assert_eq!(largest(&[], 3), [0_usize; 0]);
    }
}
