//! Regression on the values of a teacher, and on its uncertainty.
//!
//! ```
//! use potstill_nn::loss::{Regression, Uncertainty, gaussian_cross_entropy, teacher_values};
//!
//! let mut gradient = [0.0; 2];
//! let sure = Uncertainty { variances: &[], noise: 1.0 };
//! // 1 + 9.
//! let value =
//!     teacher_values(Regression::SquaredError, &[0.0, 0.0], sure, &[1.0, 3.0], 1, &mut gradient);
//! assert_eq!(value, 10.0);
//! // Weights 1 / (1 + 1) and 1 / (3 + 1), relative to 1 / 1: 1 / 2 + 9 / 4.
//! let unsure = Uncertainty { variances: &[1.0, 3.0], noise: 1.0 };
//! let value =
//!     teacher_values(Regression::SquaredError, &[0.0, 0.0], unsure, &[1.0, 3.0], 1, &mut gradient);
//! assert_eq!((value, gradient), (2.75, [1.0, 1.5]));
//! // A mean of 1 with variance 1, for a teacher's 3 with variance 2: (0 + (2 + 4) / 1) / 2.
//! let value = gaussian_cross_entropy(&[3.0], &[2.0], &[1.0, 0.0], 1, &mut gradient);
//! assert_eq!((value, gradient), (3.0, [-2.0, -2.5]));
//! ```

use super::chosen::Regression;
use super::shape::{same_shape, shape};
use potstill_core::math::exp_f64;

/// The uncertainty of a teacher's values.
#[derive(Clone, Copy, Debug)]
pub struct Uncertainty<'a> {
    /// The variance of each value, 0 or above; empty if all are 0.
    pub variances: &'a [f32],
    /// The variance `s` of what a student would miss of a sure teacher, above 0. In units of the values, squared.
    pub noise: f32,
}

impl Uncertainty<'_> {
    /// `s / (variance + s)`, 0 to 1.
    fn weight(&self, i: usize) -> f64 {
        let noise = f64::from(self.noise);
        self.variances.get(i).map_or(1.0, |&variance| noise / (f64::from(variance) + noise))
    }
}

/// Regression of a student's outputs on a teacher's values, each weighed by `s / (sigma^2 + s)` with the teacher's variance `sigma^2`:
/// the mean over the samples of the sum over the outputs, and its gradient with respect to the outputs; values, variances and
/// outputs are `samples x outputs`.
///
/// With the squared error it is, times `1 / (2 s)` and up to a constant, the negative logarithm of the Gaussian likelihood of values with known
/// variances `sigma^2 + s` (weighted least squares; Aitken 1936). A sure value has weight 1.
///
/// # Panics
/// If the lengths do not agree, there is no sample, or the noise is not above 0.
pub fn teacher_values(
    kind: Regression,
    values: &[f32],
    uncertainty: Uncertainty<'_>,
    outputs: &[f32],
    samples: usize,
    d_outputs: &mut [f32],
) -> f32 {
    let (samples, _) = same_shape(values, outputs, samples, d_outputs);
    let Uncertainty { variances, noise } = uncertainty;
    assert!(variances.is_empty() || variances.len() == values.len(), "one variance per value");
    assert!(noise > 0.0, "the noise is {noise}");
    let mut total = 0.0;
    for (i, ((d, &output), &value)) in d_outputs.iter_mut().zip(outputs).zip(values).enumerate() {
        let (loss, slope) = kind.at(output - value);
        let weight = uncertainty.weight(i);
        total += weight * loss;
        *d = (weight * f64::from(slope) / samples as f64) as f32;
    }
    (total / samples as f64) as f32
}

/// A logarithm of a variance below this counts as this: its inverse is still a number of single precision.
const LOG_VARIANCE_MIN: f64 = -60.0;

/// The cross-entropy of the student's Gaussian with the teacher's, `1/2 (ln s^2 + (sigma^2 + (m - mu)^2) / s^2)`, up to the constant `ln(2 pi) /
/// 2`: the student learns the teacher's mean `mu` and its variance `sigma^2`. With a variance of 0 it is the negative
/// logarithm of the likelihood of a value (Nix and Weigend 1994). Means and variances are `samples x values`; the student's outputs are
/// `samples x values x 2`, a mean `m` and the logarithm `ln s^2` of a variance for each value. The mean over the samples, summed over the
/// values, and its gradient with respect to the outputs. A logarithm below -60 counts as -60.
///
/// # Panics
/// If the lengths do not agree, or there is no sample.
pub fn gaussian_cross_entropy(
    means: &[f32],
    variances: &[f32],
    outputs: &[f32],
    samples: usize,
    d_outputs: &mut [f32],
) -> f32 {
    let (samples, _) = shape(means, samples);
    let lengths = (variances.len(), outputs.len(), d_outputs.len());
    assert_eq!(lengths, (means.len(), 2 * means.len(), 2 * means.len()), "two outputs per value");
    let pairs = outputs.as_chunks::<2>().0.iter().zip(d_outputs.as_chunks_mut::<2>().0);
    let mut total = 0.0;
    for (([mean, log_variance], [d_mean, d_log_variance]), (&mu, &variance)) in
        pairs.zip(means.iter().zip(variances))
    {
        let (error, log_variance) = (f64::from(*mean) - f64::from(mu), f64::from(*log_variance));
        let log_variance = log_variance.max(LOG_VARIANCE_MIN);
        let precision = exp_f64(-log_variance);
        let squares = (f64::from(variance) + error * error) * precision;
        total += 0.5 * (log_variance + squares);
        *d_mean = (error * precision / samples as f64) as f32;
        *d_log_variance = (0.5 * (1.0 - squares) / samples as f64) as f32;
    }
    (total / samples as f64) as f32
}
