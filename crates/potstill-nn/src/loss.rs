//! Losses. Each returns its value, averaged over the batch, and writes its gradient with respect to the
//! network's outputs.
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

use potstill_core::{math, wide};

/// The loss of the error `e = output - target` of a regression.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Regression {
    /// `e^2`.
    SquaredError,
    /// Huber (1964): `e^2 / 2` within `delta` of 0, `delta (|e| - delta / 2)` beyond.
    Huber {
        /// The error beyond which the parabola becomes a line.
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

/// The outputs that a loss is about, one choice of several for each sample, and the weights of the samples.
#[derive(Clone, Copy, Debug)]
pub struct Chosen<'a> {
    /// The choice, for each sample.
    pub indices: &'a [usize],
    /// The weight of each sample; empty if all are 1.
    pub weights: &'a [f32],
}

impl Chosen<'_> {
    fn weight(&self, sample: usize) -> f32 {
        if self.weights.is_empty() { 1.0 } else { self.weights[sample] }
    }

    /// Checks the lengths; returns samples and outputs of a sample.
    fn shape(&self, outputs: &[f32], errors: &[f32], d_outputs: &[f32]) -> (usize, usize) {
        let (samples, width) = shape(outputs, self.indices.len());
        assert_eq!(
            (errors.len(), d_outputs.len()),
            (samples, outputs.len()),
            "one error per sample, one gradient per output"
        );
        assert!(self.weights.is_empty() || self.weights.len() == samples, "one weight per sample");
        (samples, width)
    }
}

/// Regression of one chosen output per sample to a target; the other outputs have gradient 0. `errors`
/// becomes the absolute error of each sample, without weights.
///
/// # Panics
/// If the lengths do not agree, or an index is not one of an output.
pub fn regression_at(
    kind: Regression,
    outputs: &[f32],
    chosen: Chosen<'_>,
    targets: &[f32],
    errors: &mut [f32],
    d_outputs: &mut [f32],
) -> f32 {
    let (samples, width) = chosen.shape(outputs, errors, d_outputs);
    assert_eq!(targets.len(), samples, "one target per sample");
    let scale = 1.0 / samples as f32;
    d_outputs.fill(0.0);
    let mut total = 0.0;
    for (i, (&index, &target)) in chosen.indices.iter().zip(targets).enumerate() {
        assert!(index < width, "index {index} of {width} outputs");
        let error = outputs[i * width + index] - target;
        let (value, slope) = kind.at(error);
        let weight = chosen.weight(i);
        total += weight * value;
        errors[i] = error.abs();
        d_outputs[i * width + index] = weight * slope * scale;
    }
    total * scale
}

/// Cross-entropy of the chosen distribution of each sample, a softmax over `atoms` logits, with a target
/// distribution: `-sum m ln p` (Bellemare, Dabney and Munos 2017, Algorithm 1). Outputs are `samples x
/// choices x atoms`, targets `samples x atoms`. `errors` becomes the divergence `sum m ln(m / p)` of each
/// sample, which does not count what no `p` could mend.
///
/// # Panics
/// If the lengths do not agree, or an index is not one of a choice.
pub fn categorical_at(
    atoms: usize,
    logits: &[f32],
    chosen: Chosen<'_>,
    targets: &[f32],
    errors: &mut [f32],
    d_logits: &mut [f32],
) -> f32 {
    let (samples, width) = chosen.shape(logits, errors, d_logits);
    assert_eq!(targets.len(), samples * atoms, "one target distribution per sample");
    let scale = 1.0 / samples as f32;
    d_logits.fill(0.0);
    let mut total = 0.0;
    for (i, (&index, target)) in chosen.indices.iter().zip(targets.chunks_exact(atoms)).enumerate() {
        assert!((index + 1) * atoms <= width, "choice {index} of {width} logits");
        let place = i * width + index * atoms..i * width + (index + 1) * atoms;
        let weight = chosen.weight(i);
        let (highest, log_sum) = log_sum_exp(1.0, &logits[place.clone()]);
        let (mut loss, mut entropy) = (0.0, 0.0);
        for ((d, &z), &m) in d_logits[place.clone()].iter_mut().zip(&logits[place]).zip(target) {
            let log_p = z - highest - log_sum;
            loss -= m * log_p;
            entropy -= if m > 0.0 { m * math::ln(m) } else { 0.0 };
            *d = weight * scale * (math::exp(log_p) - m);
        }
        errors[i] = (loss - entropy).max(0.0);
        total += weight * loss;
    }
    total * scale
}

/// The places of distributions, one for each choice, among the outputs of a sample.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// Numbers of a distribution: its quantiles, or its atoms' logits.
    pub parts: usize,
    /// From a choice to the next.
    pub choice: usize,
    /// From a number of a distribution to the next.
    pub part: usize,
}

/// Quantile regression with the Huber loss (Dabney et al. 2018, equation 10): of each chosen distribution,
/// the sum over its quantiles of the mean over targets of `|tau - [u < 0]| huber(u) / kappa`, `u` the target
/// less the quantile. `taus` are one per sample and quantile, or one per quantile; targets `samples x n`.
/// `errors` becomes that sum for each sample, without weights.
///
/// # Panics
/// If the lengths do not agree.
pub fn quantile_at(
    kappa: f32,
    layout: Layout,
    (outputs, taus): (&[f32], &[f32]),
    chosen: Chosen<'_>,
    targets: &[f32],
    errors: &mut [f32],
    d_outputs: &mut [f32],
) -> f32 {
    let (samples, width) = chosen.shape(outputs, errors, d_outputs);
    let Layout { parts: quantiles, choice, part } = layout;
    let (_, count) = shape(targets, samples);
    assert!(taus.len() == quantiles || taus.len() == samples * quantiles, "one probability per quantile");
    let scale = 1.0 / (samples * count) as f32;
    d_outputs.fill(0.0);
    let mut total = 0.0;
    for (i, (&index, targets)) in chosen.indices.iter().zip(targets.chunks_exact(count)).enumerate() {
        let taus = if taus.len() == quantiles { taus } else { &taus[i * quantiles..][..quantiles] };
        let weight = chosen.weight(i);
        let mut loss = 0.0;
        for (q, &tau) in taus.iter().enumerate() {
            let place = i * width + index * choice + q * part;
            let (value, slope) = quantile_huber(kappa, tau, outputs[place], targets);
            loss += value;
            d_outputs[place] = weight * scale * slope;
        }
        errors[i] = loss / count as f32;
        total += weight * loss;
    }
    total * scale
}

/// Value and slope, in the quantile, of the loss of one quantile, summed over targets in eight lanes: a fixed
/// order that fills vectors.
fn quantile_huber(kappa: f32, tau: f32, quantile: f32, targets: &[f32]) -> (f32, f32) {
    const LANES: usize = 8;
    let (mut values, mut gradients) = ([0.0_f32; LANES], [0.0_f32; LANES]);
    let (chunks, rest) = targets.as_chunks::<LANES>();
    let inverse = 1.0 / kappa;
    wide::run(
        #[inline(always)]
        || {
            let mut add = |lane: usize, target: f32| {
                let u = target - quantile;
                let share = if u < 0.0 { 1.0 - tau } else { tau };
                let near = u.clamp(-kappa, kappa);
                // Within kappa both terms are u^2 / 2.
                values[lane] += share * inverse * (near * u - 0.5 * near * near);
                gradients[lane] -= share * inverse * near;
            };
            for chunk in chunks {
                for lane in 0..LANES {
                    add(lane, chunk[lane]);
                }
            }
            for (lane, &target) in rest.iter().enumerate() {
                add(lane, target);
            }
        },
    );
    (values.iter().sum(), gradients.iter().sum())
}

/// Cross-entropy of the softmax of the logits with class labels: `-ln softmax(z)_label`.
///
/// # Panics
/// If the lengths do not agree, or a label is not a class.
pub fn cross_entropy(logits: &[f32], labels: &[usize], d_logits: &mut [f32]) -> f32 {
    d_logits.fill(0.0);
    add_cross_entropy(1.0, logits, labels, d_logits)
}

/// `T^2 KL(softmax(teacher / T) || softmax(student / T))`, with its gradient with respect to the student's
/// logits.
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
    d_student.fill(0.0);
    add_temperature_kl(1.0, temperature, teacher, student, samples, d_student)
}

/// The shares of the teacher and the labels in [`distillation`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Blend {
    /// The weight of the soft targets, 0 to 1.
    pub alpha: f32,
    /// The temperature of both softmaxes of the soft term; the hard term is at temperature 1.
    pub temperature: f32,
}

/// `alpha T^2 KL(teacher_T || student_T) + (1 - alpha) CE(labels)` (Hinton, Vinyals and Dean 2015, section
/// 2).
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

/// `softmax(logits / temperature)` of one row, in its place.
pub fn softmax(temperature: f32, row: &mut [f32]) {
    let highest = highest(row);
    let mut sum = 0.0;
    for z in &mut *row {
        *z = math::exp((*z - highest) / temperature);
        sum += *z;
    }
    row.iter_mut().for_each(|p| *p /= sum);
}

/// The mean of the values `low, low + gap, ...` under the softmax of the logits.
pub fn softmax_mean(logits: &[f32], low: f32, gap: f32) -> f32 {
    let highest = highest(logits);
    let (mut sum, mut weighted) = (0.0, 0.0);
    for (i, &z) in logits.iter().enumerate() {
        let weight = math::exp(z - highest);
        sum += weight;
        weighted += weight * (low + gap * i as f32);
    }
    weighted / sum
}

fn highest(logits: &[f32]) -> f32 {
    logits.iter().copied().fold(f32::NEG_INFINITY, f32::max)
}

/// The highest logit and `ln sum exp((z - highest) / temperature)`.
pub(crate) fn log_sum_exp(temperature: f32, logits: &[f32]) -> (f32, f32) {
    let highest = highest(logits);
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
