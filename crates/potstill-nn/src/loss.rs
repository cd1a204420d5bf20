//! Losses. Each returns its value, averaged over the batch, and writes its gradient in the network's outputs.
//!
//! Outputs, logits and their gradients are `samples x outputs`, row by row.
//!
//! ```
//! use potstill_nn::loss::cross_entropy;
//!
//! let mut gradient = [0.0; 2];
//! let loss = cross_entropy(&[0.0, 0.0], &[1], &mut gradient);
//! assert!((loss - 2.0_f32.ln()).abs() < 1e-6);
//! assert!((gradient[0] - 0.5).abs() < 1e-6 && (gradient[1] + 0.5).abs() < 1e-6);
//! ```

use potstill_core::math;

/// What is done to the error `e = output - target` of a regression.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Regression {
    /// `e^2`.
    SquaredError,
    /// Huber (1964): `e^2 / 2` within `delta` of 0, `delta (|e| - delta / 2)` beyond.
    Huber {
        /// Where the parabola becomes a line.
        delta: f32,
    },
}

impl Regression {
    /// Value and derivative at error `e`.
    fn at(self, e: f32) -> (f32, f32) {
        match self {
            Regression::SquaredError => (e * e, 2.0 * e),
            Regression::Huber { delta } if e.abs() <= delta => (0.5 * e * e, e),
            Regression::Huber { delta } => (delta * (e.abs() - 0.5 * delta), delta.copysign(e)),
        }
    }
}

/// Regression of one chosen output per sample to a target; the other outputs have gradient 0.
///
/// # Panics
/// If the lengths do not agree, or an index is not one of an output.
pub fn regression_at(
    kind: Regression,
    outputs: &[f32],
    indices: &[usize],
    targets: &[f32],
    d_outputs: &mut [f32],
) -> f32 {
    let (samples, width) = shape(outputs, indices.len());
    assert_eq!(
        (targets.len(), d_outputs.len()),
        (samples, outputs.len()),
        "one target per sample, one gradient per output"
    );
    let scale = 1.0 / samples as f32;
    d_outputs.fill(0.0);
    let mut total = 0.0;
    for (i, (&index, &target)) in indices.iter().zip(targets).enumerate() {
        assert!(index < width, "index {index} of {width} outputs");
        let (value, slope) = kind.at(outputs[i * width + index] - target);
        total += value;
        d_outputs[i * width + index] = slope * scale;
    }
    total * scale
}

/// Cross-entropy of the softmax of the logits with class labels: `-ln softmax(z)_label`.
///
/// # Panics
/// If the lengths do not agree, or a label is not a class.
pub fn cross_entropy(logits: &[f32], labels: &[usize], d_logits: &mut [f32]) -> f32 {
    d_logits.fill(0.0);
    add_cross_entropy(1.0, logits, labels, d_logits)
}

/// `T^2 KL(softmax(teacher / T) || softmax(student / T))`, with its gradient in the student's logits.
///
/// The factor `T^2` keeps the size of the gradient from falling with `1 / T^2` (Hinton, Vinyals and Dean 2015, section 2).
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
    d_student.fill(0.0);
    add_temperature_kl(1.0, temperature, teacher, student, samples, d_student)
}

/// How [`distillation`] mixes the teacher's word with the labels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Blend {
    /// The weight of the soft targets, 0 to 1.
    pub alpha: f32,
    /// The temperature of both softmaxes of the soft term; the hard term is at temperature 1.
    pub temperature: f32,
}

/// `alpha T^2 KL(teacher_T || student_T) + (1 - alpha) CE(labels)` (Hinton, Vinyals and Dean 2015, section 2).
///
/// # Panics
/// If the lengths do not agree, or a label is not a class.
pub fn distillation(
    blend: Blend,
    teacher: &[f32],
    student: &[f32],
    labels: &[usize],
    d_student: &mut [f32],
) -> f32 {
    d_student.fill(0.0);
    let soft = add_temperature_kl(blend.alpha, blend.temperature, teacher, student, labels.len(), d_student);
    soft + add_cross_entropy(1.0 - blend.alpha, student, labels, d_student)
}

/// `softmax(logits / temperature)` of one row.
pub fn softmax(temperature: f32, logits: &[f32], probabilities: &mut [f32]) {
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for (p, &z) in probabilities.iter_mut().zip(logits) {
        *p = math::exp((z - highest) / temperature);
        sum += *p;
    }
    for p in probabilities {
        *p /= sum;
    }
}

/// The highest logit and `ln sum exp((z - highest) / temperature)`.
fn log_sum_exp(temperature: f32, logits: &[f32]) -> (f32, f32) {
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = logits.iter().map(|&z| math::exp((z - highest) / temperature)).sum();
    (highest, math::ln(sum))
}

fn add_cross_entropy(weight: f32, logits: &[f32], labels: &[usize], d_logits: &mut [f32]) -> f32 {
    let (samples, classes) = shape(logits, labels.len());
    assert_eq!(d_logits.len(), logits.len(), "one gradient per logit");
    let scale = weight / samples as f32;
    let mut total = 0.0;
    for (i, &label) in labels.iter().enumerate() {
        assert!(label < classes, "label {label} of {classes} classes");
        let row = &logits[i * classes..][..classes];
        let (highest, log_sum) = log_sum_exp(1.0, row);
        total += log_sum - (row[label] - highest);
        for (j, (d, &z)) in d_logits[i * classes..].iter_mut().zip(row).enumerate() {
            let p = math::exp(z - highest - log_sum);
            *d += scale * (p - if j == label { 1.0 } else { 0.0 });
        }
    }
    total * scale
}

fn add_temperature_kl(
    weight: f32,
    temperature: f32,
    teacher: &[f32],
    student: &[f32],
    samples: usize,
    d_student: &mut [f32],
) -> f32 {
    let (samples, classes) = shape(student, samples);
    assert_eq!(
        (teacher.len(), d_student.len()),
        (student.len(), student.len()),
        "teacher and student of one shape"
    );
    let scale = weight / samples as f32;
    let mut total = 0.0;
    for i in 0..samples {
        let (t_row, s_row) = (&teacher[i * classes..][..classes], &student[i * classes..][..classes]);
        let (t_highest, t_log_sum) = log_sum_exp(temperature, t_row);
        let (s_highest, s_log_sum) = log_sum_exp(temperature, s_row);
        for ((d, &t), &s) in d_student[i * classes..].iter_mut().zip(t_row).zip(s_row) {
            let t_log = (t - t_highest) / temperature - t_log_sum;
            let s_log = (s - s_highest) / temperature - s_log_sum;
            let p = math::exp(t_log);
            // p ln p tends to 0 with p; a probability that underflows must not meet an infinite logarithm.
            total += if p == 0.0 { 0.0 } else { p * (t_log - s_log) };
            *d += scale * temperature * (math::exp(s_log) - p);
        }
    }
    total * scale * temperature * temperature
}

fn shape(outputs: &[f32], samples: usize) -> (usize, usize) {
    assert!(
        samples > 0 && outputs.len().is_multiple_of(samples),
        "{} outputs for {samples} samples",
        outputs.len()
    );
    (samples, outputs.len() / samples)
}
