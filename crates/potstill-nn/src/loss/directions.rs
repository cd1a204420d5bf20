//! The other directions of the Kullback-Leibler divergence, and the divergence from a uniform teacher.
//!
//! ```
//! use potstill_nn::loss::{reverse_kl, symmetric_kl};
//!
//! // Teacher [2/3, 1/3], student [1/2, 1/2]: KL(student || teacher) = ln(9/8) / 2 = 0.058892, and with the forward
//! // direction's 0.056633 the mean of both is 0.057762.
//! let (teacher, student, mut gradient) = ([2_f32.ln(), 0.0], [0.0, 0.0], [0.0; 2]);
//! assert!((reverse_kl(1.0, &teacher, &student, 1, &mut gradient) - 0.058_892).abs() < 1e-6);
//! // q (ln(q / p) - KL) = 1/2 (ln(3/4) - 0.058892).
//! assert!((gradient[0] + 0.173_287).abs() < 1e-6);
//! assert!((symmetric_kl(1.0, &teacher, &student, 1, &mut gradient) - 0.057_762).abs() < 1e-6);
//! ```

use super::scratch::Scratch;
use super::shape::{mean_of_rows, same_shape};
use super::soft::temperature_kl;
use crate::log_softmax::{Divergence, LogSoftmax};

/// `T^2 KL(q || p)` with `p = softmax(teacher / T)`, `q = softmax(student / T)`: the reverse direction, which keeps the
/// student from what its teacher excludes (Gu, Dong, Wei and Huang 2024, section 2.2). The mean over the samples, and
/// its gradient with respect to the student's logits, `q_i (u_i - sum_j q_j u_j)` with `u = student - teacher`; all are
/// `samples x classes`.
///
/// A teacher's probability of 0 (a logit of minus infinity), from which this divergence is infinite, counts as `2^-126`
/// of the largest one at temperature 1.
///
/// # Panics
/// If the lengths do not agree, or there is no sample.
pub fn reverse_kl(
    temperature: f32,
    teacher: &[f32],
    student: &[f32],
    samples: usize,
    d_student: &mut [f32],
) -> f32 {
    let (samples, classes) = same_shape(teacher, student, samples, d_student);
    let wide = f64::from(temperature);
    mean_of_rows(classes, teacher, student, d_student, |teacher, student, d_row| {
        let (p, q) = (LogSoftmax::bounded(wide, teacher), LogSoftmax::new(wide, student));
        let divergence = Divergence::of(q, p);
        for (j, d) in d_row.iter_mut().enumerate() {
            *d = (wide * divergence.first_gradient(j) / samples as f64) as f32;
        }
        wide * wide * divergence.value()
    })
}

/// `T^2 (KL(p || q) + KL(q || p)) / 2`, the mean of both directions: half of Jeffreys' divergence (Jeffreys 1946), so that it has the
/// size of one of them. Arguments, result and probabilities of 0 as in [`reverse_kl`].
///
/// # Panics
/// If the lengths do not agree, or there is no sample.
pub fn symmetric_kl(
    temperature: f32,
    teacher: &[f32],
    student: &[f32],
    samples: usize,
    d_student: &mut [f32],
) -> f32 {
    let (samples, classes) = same_shape(teacher, student, samples, d_student);
    let wide = f64::from(temperature);
    mean_of_rows(classes, teacher, student, d_student, |teacher, student, d_row| {
        let (p, q) = (LogSoftmax::bounded(wide, teacher), LogSoftmax::new(wide, student));
        let (forward, reverse) = (Divergence::of(p, q), Divergence::of(q, p));
        for (j, d) in d_row.iter_mut().enumerate() {
            let gradient = 0.5 * (forward.element(j).1 + reverse.first_gradient(j));
            *d = (wide * gradient / samples as f64) as f32;
        }
        0.5 * wide * wide * (forward.value() + reverse.value())
    })
}

/// `T^2 KL(u || softmax(student / T))` with the uniform distribution `u`: the divergence from a teacher that knows
/// nothing, which is the control of every distillation. In a blend with the labels' cross-entropy at `T = 1` it is label
/// smoothing by `alpha` (Szegedy et al. 2016, section 7), up to a constant.
///
/// # Panics
/// If the lengths do not agree, or there is no sample.
pub fn uniform_kl(
    temperature: f32,
    student: &[f32],
    samples: usize,
    scratch: &mut Scratch,
    d_student: &mut [f32],
) -> f32 {
    scratch.zeros.resize(student.len(), 0.0);
    temperature_kl(temperature, &scratch.zeros, student, samples, d_student)
}
