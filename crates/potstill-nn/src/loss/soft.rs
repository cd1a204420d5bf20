//! Cross-entropy with labels, and with a teacher's soft targets beside them (Hinton, Vinyals and Dean 2015).

use super::shape::{mean_of_rows, same_shape, shape, weighed};
use crate::log_softmax::{Divergence, LogSoftmax};
use potstill_core::math::{exp_f64, ln_f64};

/// Cross-entropy of the softmax of the logits with class labels: `-ln softmax(z)_label`.
///
/// # Panics
/// If the lengths do not agree, there is no sample, or a label is not a class.
pub fn cross_entropy(logits: &[f32], labels: &[usize], d_logits: &mut [f32]) -> f32 {
    let (samples, classes) = shape(logits, labels.len());
    assert_eq!(d_logits.len(), logits.len(), "one gradient per logit");
    let mut total = 0.0;
    let rows = logits.chunks_exact(classes).zip(labels);
    for ((row, &label), d_row) in rows.zip(d_logits.chunks_exact_mut(classes)) {
        assert!(label < classes, "label {label} of {classes} classes");
        let p = LogSoftmax::new(1.0, row);
        total -= p.log(label);
        for (j, d) in d_row.iter_mut().enumerate() {
            *d = (p.less_label(j, label) / samples as f64) as f32;
        }
    }
    (total / samples as f64) as f32
}

/// `T^2 KL(softmax(teacher / T) || softmax(student / T))`, with its gradient with respect to the student's
/// logits, at any temperature above 0. For high ones it tends to half the mean squared difference of the centred logits
/// (Hinton, Vinyals and Dean 2015, section 2.1).
///
/// The factor `T^2` keeps the size of the gradient from falling with `1 / T^2` (Hinton, Vinyals and Dean
/// 2015, section 2).
///
/// # Panics
/// If the lengths do not agree.
pub fn temperature_kl(
    temperature: f32,
    teacher: &[f32],
    student: &[f32],
    samples: usize,
    d_student: &mut [f32],
) -> f32 {
    let (samples, classes) = same_shape(teacher, student, samples, d_student);
    let wide = f64::from(temperature);
    let rows = teacher.chunks_exact(classes).zip(student.chunks_exact(classes));
    let mut total = 0.0;
    for ((teacher, student), d_row) in rows.zip(d_student.chunks_exact_mut(classes)) {
        let divergence = Divergence::new(wide, teacher, student);
        for (j, d) in d_row.iter_mut().enumerate() {
            let (value, gradient) = divergence.element(j);
            total += value;
            *d = (wide * gradient / samples as f64) as f32;
        }
    }
    (wide * wide * total / samples as f64) as f32
}

/// The shares of the teacher and the labels in [`distillation`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Blend {
    /// The weight of the soft targets, 0 to 1.
    pub alpha: f32,
    /// The temperature of both softmaxes of the soft term; the hard term is at temperature 1.
    pub temperature: f32,
}

/// The value of a blended loss and of its parts, each averaged over the batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Terms {
    /// The weighted sum of the two parts.
    pub total: f32,
    /// The divergence from the teacher, without its weight.
    pub soft: f64,
    /// The cross-entropy of the labels, without its weight.
    pub hard: f64,
}

/// `alpha T^2 KL(teacher_T || student_T) + (1 - alpha) CE(labels)` (Hinton, Vinyals and Dean 2015, section
/// 2).
///
/// # Panics
/// If the lengths do not agree, there is no sample, or a label is not a class.
pub fn distillation(
    blend: Blend,
    teacher: &[f32],
    student: &[f32],
    labels: &[usize],
    d_student: &mut [f32],
) -> f32 {
    distillation_terms(blend, teacher, student, labels, d_student).total
}

/// The same as [`distillation`], with the values of both terms.
///
/// # Panics
/// As [`distillation`].
pub fn distillation_terms(
    blend: Blend,
    teacher: &[f32],
    student: &[f32],
    labels: &[usize],
    d_student: &mut [f32],
) -> Terms {
    let (samples, classes) = same_shape(teacher, student, labels.len(), d_student);
    let (alpha, temperature) = (f64::from(blend.alpha), f64::from(blend.temperature));
    let rows = teacher.chunks_exact(classes).zip(student.chunks_exact(classes)).zip(labels);
    let [mut total, mut all_soft, mut all_hard] = [0.0; 3];
    for (((teacher, student), &label), d_row) in rows.zip(d_student.chunks_exact_mut(classes)) {
        assert!(label < classes, "label {label} of {classes} classes");
        let (soft, hard) = (Divergence::new(temperature, teacher, student), LogSoftmax::new(1.0, student));
        let mut divergence = 0.0;
        for (j, d) in d_row.iter_mut().enumerate() {
            let (value, gradient) = soft.element(j);
            divergence += value;
            let blended = alpha * temperature * gradient + (1.0 - alpha) * hard.less_label(j, label);
            *d = (blended / samples as f64) as f32;
        }
        // A term without weight may be infinite.
        total +=
            weighed(alpha, temperature * temperature * divergence) - weighed(1.0 - alpha, hard.log(label));
        all_soft += temperature * temperature * divergence;
        all_hard -= hard.log(label);
    }
    let samples = samples as f64;
    Terms { total: (total / samples) as f32, soft: all_soft / samples, hard: all_hard / samples }
}

/// `alpha` times a divergence plus `1 - alpha` times the cross-entropy of the labels. `soft` is the divergence, and
/// `d_student` its gradient, which becomes that of the sum.
///
/// # Panics
/// If the lengths do not agree, there is no sample, or a label is not a class.
pub fn blend_labels(
    alpha: f32,
    soft: f32,
    student: &[f32],
    labels: &[usize],
    d_student: &mut [f32],
) -> Terms {
    let (samples, classes) = same_shape(student, student, labels.len(), d_student);
    let (alpha, soft, samples) = (f64::from(alpha), f64::from(soft), samples as f64);
    let mut hard = 0.0;
    let rows = student.chunks_exact(classes).zip(labels);
    for ((row, &label), d_row) in rows.zip(d_student.chunks_exact_mut(classes)) {
        assert!(label < classes, "label {label} of {classes} classes");
        let p = LogSoftmax::new(1.0, row);
        hard -= p.log(label) / samples;
        for (j, d) in d_row.iter_mut().enumerate() {
            *d = (weighed(alpha, f64::from(*d)) + (1.0 - alpha) * p.less_label(j, label) / samples) as f32;
        }
    }
    Terms { total: (weighed(alpha, soft) + weighed(1.0 - alpha, hard)) as f32, soft, hard }
}

/// Cross-entropy of the softmax of the logits with given probabilities, `-sum_j m_j ln softmax(z)_j`: soft targets that were
/// recorded, or votes (Hinton, Vinyals and Dean 2015, section 2, at `T = 1`). The mean over the samples, and its gradient
/// with respect to the logits, `softmax(z) sum_k m_k - m`; both are `samples x classes`. A probability of 0 costs nothing,
/// however improbable the class is to the student. For another temperature use [`temperature_kl`], whose teacher's logits are the
/// [logarithms](log_probabilities) of the probabilities.
///
/// # Panics
/// If the lengths do not agree, or there is no sample.
pub fn soft_cross_entropy(
    probabilities: &[f32],
    logits: &[f32],
    samples: usize,
    d_logits: &mut [f32],
) -> f32 {
    let (samples, classes) = same_shape(probabilities, logits, samples, d_logits);
    mean_of_rows(classes, probabilities, logits, d_logits, |targets, logits, d_row| {
        let q = LogSoftmax::new(1.0, logits);
        let mass: f64 = targets.iter().map(|&m| f64::from(m)).sum();
        let mut total = 0.0;
        for ((d, log_q), &m) in d_row.iter_mut().zip(q.logs()).zip(targets) {
            let m = f64::from(m);
            if m != 0.0 {
                total -= m * log_q;
            }
            *d = ((mass * exp_f64(log_q) - m) / samples as f64) as f32;
        }
        total
    })
}

/// Turns probabilities into logits, their natural logarithms, in their place; that of 0 is minus infinity, which every loss of a
/// teacher's logits accepts.
pub fn log_probabilities(probabilities: &mut [f32]) {
    for p in probabilities {
        *p = if *p == 0.0 { f32::NEG_INFINITY } else { ln_f64(f64::from(*p)) as f32 };
    }
}
