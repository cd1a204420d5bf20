//! Losses on logits themselves, and the standardisation of logits before another loss.
//!
//! ```
//! use potstill_nn::loss::{Centring, logit_mse, standardise};
//!
//! // (1 + 9) / 2; about their mean of 2 the differences are 1 and -1: (1 + 1) / 2.
//! let (teacher, student, mut gradient) = ([0.0, 0.0], [3.0, 1.0], [0.0; 2]);
//! assert_eq!(logit_mse(Centring::None, &teacher, &student, 1, &mut gradient), 5.0);
//! assert_eq!(logit_mse(Centring::Mean, &teacher, &student, 1, &mut gradient), 1.0);
//! assert_eq!(gradient, [1.0, -1.0]);
//!
//! let mut scores = Vec::new();
//! standardise(&[3.0, 1.0, -1.0, 1.0], 1, &mut scores);
//! // Mean 1, deviation root of 2.
//! assert!((scores[0] - 2_f32.sqrt()).abs() < 1e-6 && scores[1] == 0.0);
//! ```

use super::shape::{mean_of_rows, same_shape, shape};
use potstill_core::math::sqrt_f64;

/// The part of the differences of logits that [`logit_mse`] counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Centring {
    /// All of it.
    None,
    /// The differences less their mean over the classes, which no softmax feels.
    Mean,
}

/// `1/2 sum_j (z_j - v_j)^2` of student's logits `z` and teacher's `v`, summed over the classes (Ba and Caruana 2014, equation 1), or
/// of the differences less their mean over the classes. The mean over the samples, and its gradient with respect to the student's
/// logits, `z - v`; all are `samples x classes`.
///
/// The paper's logits are not centred. Centred, it is `C` times the limit of the temperature's divergence for high `T`
/// (Hinton, Vinyals and Dean 2015, section 2.1), which divides by the number of classes `C` where this loss does not. A teacher's logit of minus infinity, that
/// of a probability of 0, counts as `ln 2^-126` below the row's highest.
///
/// # Panics
/// If the lengths do not agree, or there is no sample.
pub fn logit_mse(
    centring: Centring,
    teacher: &[f32],
    student: &[f32],
    samples: usize,
    d_student: &mut [f32],
) -> f32 {
    let (samples, classes) = same_shape(teacher, student, samples, d_student);
    mean_of_rows(classes, teacher, student, d_student, |teacher, student, d_row| {
        let least = least(teacher);
        let difference = |i: usize| f64::from(student[i]) - f64::from(raised(teacher[i], least));
        let mean = match centring {
            Centring::None => 0.0,
            Centring::Mean => (0..classes).map(difference).sum::<f64>() / classes as f64,
        };
        let mut total = 0.0;
        for (i, d) in d_row.iter_mut().enumerate() {
            let error = difference(i) - mean;
            total += 0.5 * error * error;
            *d = (error / samples as f64) as f32;
        }
        total
    })
}

/// The logit that stands for minus infinity in a row that has one; minus infinity in others.
fn least(row: &[f32]) -> f32 {
    /// `ln 2^-126`, the logarithm of the smallest normal number.
    const LEAST: f32 = -126.0 * std::f32::consts::LN_2;
    if row.contains(&f32::NEG_INFINITY) {
        row.iter().copied().fold(f32::NEG_INFINITY, f32::max) + LEAST
    } else {
        f32::NEG_INFINITY
    }
}

fn raised(z: f32, least: f32) -> f32 {
    if z == f32::NEG_INFINITY { least } else { z }
}

/// Added to the deviation of a row of logits, as in the authors' program: a row that is constant becomes 0.
const DEVIATION_MIN: f64 = 1e-7;

/// The z-scores `(z - mean) / (deviation + 1e-7)` of each row of logits, `samples x classes`, into `scores` (Sun et al. 2024, Algorithm 1).
/// A softmax of them at temperature `T` is that of the logits at `T` times their deviation: each sample has its own temperature, and
/// the student need not reach the size of its teacher's logits.
///
/// The deviation is the root of the mean square, as in the paper; the authors' program divides by `C - 1`. A logit of minus infinity, that of
/// a probability of 0, counts as `ln 2^-126` below the row's highest.
///
/// # Panics
/// If there are not whole samples.
pub fn standardise(logits: &[f32], samples: usize, scores: &mut Vec<f32>) {
    let (_, classes) = shape(logits, samples);
    scores.clear();
    for row in logits.chunks_exact(classes) {
        let Spread { mean, deviation, least } = Spread::of(row);
        let score = |&z: &f32| ((f64::from(raised(z, least)) - mean) / (deviation + DEVIATION_MIN)) as f32;
        scores.extend(row.iter().map(score));
    }
}

/// Turns the gradient with respect to the [standardised](standardise) logits into that with respect to the logits, in its place: `(g -
/// mean(g) - s mean(g s)) / deviation`, with the scores `s`.
///
/// # Panics
/// If the lengths do not agree.
pub fn standardise_backward(logits: &[f32], samples: usize, gradient: &mut [f32]) {
    let (_, classes) = shape(logits, samples);
    assert_eq!(logits.len(), gradient.len(), "one gradient per logit");
    for (row, g) in logits.chunks_exact(classes).zip(gradient.chunks_exact_mut(classes)) {
        let Spread { mean, deviation, .. } = Spread::of(row);
        let scale = deviation + DEVIATION_MIN;
        let centred = |z: f32| f64::from(z) - mean;
        let pairs = || row.iter().zip(&*g).map(|(&z, &g)| (centred(z), f64::from(g)));
        let mean_g = pairs().map(|(_, g)| g).sum::<f64>() / classes as f64;
        // Of `s` times the derivative of the deviation, which is `(z - mean) / (C deviation)`.
        let along = pairs().map(|(z, g)| z / scale * g).sum::<f64>() / classes as f64;
        for (&z, g) in row.iter().zip(g.iter_mut()) {
            let unit = if deviation > 0.0 { centred(z) / deviation } else { 0.0 };
            *g = ((f64::from(*g) - mean_g - along * unit) / scale) as f32;
        }
    }
}

/// Mean and deviation of a row of logits, and the logit that stands for minus infinity.
struct Spread {
    mean: f64,
    deviation: f64,
    least: f32,
}

impl Spread {
    fn of(row: &[f32]) -> Self {
        let least = least(row);
        let wide = || row.iter().map(|&z| f64::from(raised(z, least)));
        let mean = wide().sum::<f64>() / row.len() as f64;
        let squares: f64 = wide().map(|z| (z - mean) * (z - mean)).sum();
        Self { mean, deviation: sqrt_f64(squares / row.len() as f64), least }
    }
}
