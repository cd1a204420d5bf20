//! Losses on the units of hidden layers: hints and attention maps.
//!
//! ```
//! use potstill_nn::loss::{Scratch, attention_transfer, hint};
//!
//! let mut gradient = [0.0; 2];
//! // (1 + 4) / 2.
//! assert_eq!(hint(&[1.0, 0.0], &[0.0, 2.0], 1, &mut gradient), 2.5);
//! assert_eq!(gradient, [-1.0, 2.0]);
//!
//! // Two points of one channel. Sums of squares [9, 16] / sqrt(337) and [1, 0]: 1 - 9 / sqrt(337).
//! let value =
//!     attention_transfer(2, &[3.0, 4.0], &[1.0, 0.0], 1, &mut Scratch::default(), &mut gradient);
//! assert!((value - 0.509_739).abs() < 1e-6);
//! ```

use super::scratch::Scratch;
use super::shape::{mean_of_rows, same_shape, shape};
use potstill_core::math::sqrt_f64;

/// FitNets' hint: `1/2 sum_j (u_j - r_j)^2` of the units `u` of a hidden layer of the teacher, and a regressor's
/// predictions `r` of them from a hidden layer of the student (Romero et al. 2015, equation 3). The mean over the
/// samples, summed over the units, and its gradient with respect to the predictions; all are `samples x units`.
///
/// The regressor is a network without hidden layers, whose gradients with respect to its parameters and to the student's units
/// [`backward_from`](crate::Network::backward_from) computes.
///
/// # Panics
/// If the lengths do not agree, or there is no sample.
pub fn hint(teacher: &[f32], predictions: &[f32], samples: usize, d_predictions: &mut [f32]) -> f32 {
    let (samples, units) = same_shape(teacher, predictions, samples, d_predictions);
    mean_of_rows(units, teacher, predictions, d_predictions, |teacher, predictions, d_row| {
        let mut total = 0.0;
        for ((d, &r), &u) in d_row.iter_mut().zip(predictions).zip(teacher) {
            let error = f64::from(r) - f64::from(u);
            total += 0.5 * error * error;
            *d = (error / samples as f64) as f32;
        }
        total
    })
}

/// A map is not divided by less than this length, as in PyTorch's `normalize`.
const LENGTH_MIN: f64 = 1e-12;

/// Attention transfer: `1/2 |a_student - a_teacher|^2`, where `a` is a map over the points of an image, the sum over the channels of
/// the squares of a hidden layer, divided by its Euclidean length (Zagoruyko and Komodakis 2017, section 3.1, with the map
/// `F_sum^2`). The mean over the samples, and its gradient with respect to the student's units. Units are `samples x points x
/// channels`; the number of channels of the teacher may be another.
///
/// Differences from the paper: the square of the distance, as in the authors' program, which takes the mean over the points where
/// this is half the sum. The map of a layer without activity is 0.
///
/// # Panics
/// If the lengths do not agree, or there is no sample.
pub fn attention_transfer(
    points: usize,
    teacher: &[f32],
    student: &[f32],
    samples: usize,
    scratch: &mut Scratch,
    d_student: &mut [f32],
) -> f32 {
    let (_, of_teacher) = shape(teacher, samples);
    let (samples, of_student) = shape(student, samples);
    assert_eq!(student.len(), d_student.len(), "one gradient per unit");
    let are_whole = points > 0 && of_teacher.is_multiple_of(points) && of_student.is_multiple_of(points);
    assert!(are_whole, "{of_teacher} and {of_student} units at {points} points");
    let channels = of_student / points;
    scratch.wide.resize(2 * points, 0.0);
    let (a, b) = scratch.wide.split_at_mut(points);
    let b = &mut b[..points];
    let rows = teacher.chunks_exact(of_teacher).zip(student.chunks_exact(of_student));
    let mut total = 0.0;
    for ((teacher, student), d_row) in rows.zip(d_student.chunks_exact_mut(of_student)) {
        attention_map(teacher, b);
        let length = attention_map(student, a);
        let along: f64 = a.iter().zip(&*b).map(|(a, b)| (a - b) * a).sum();
        total += 0.5 * a.iter().zip(&*b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
        let units = student.chunks_exact(channels).zip(d_row.chunks_exact_mut(channels));
        for ((units, d), (a, b)) in units.zip(a.iter().zip(&*b)) {
            // A map that is shorter than the least length is only scaled.
            let turned = if length > LENGTH_MIN { a - b - a * along } else { a - b };
            let of_map = turned / length.max(LENGTH_MIN) / samples as f64;
            d.iter_mut().zip(units).for_each(|(d, &x)| *d = (2.0 * f64::from(x) * of_map) as f32);
        }
    }
    (total / samples as f64) as f32
}

/// Writes the map of a sample, of Euclidean length 1; returns the length before.
fn attention_map(units: &[f32], map: &mut [f64]) -> f64 {
    let channels = units.len() / map.len();
    for (point, units) in map.iter_mut().zip(units.chunks_exact(channels)) {
        *point = units.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
    }
    let length = sqrt_f64(map.iter().map(|q| q * q).sum());
    map.iter_mut().for_each(|q| *q /= length.max(LENGTH_MIN));
    length
}
