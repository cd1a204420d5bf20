//! Losses. Each returns its value, averaged over the batch, and writes its gradient with respect to the
//! network's outputs.
//!
//! Outputs, logits and their gradients are `samples x outputs`, row by row. Values are summed in double precision, and
//! so are softmaxes and divergences, which cancel near their minimum and at high temperatures: what is finite agrees with
//! double precision to a millionth.
//!
//! ```
//! use potstill_nn::loss::cross_entropy;
//!
//! let mut gradient = [0.0; 2];
//! let loss = cross_entropy(&[0.0, 0.0], &[1], &mut gradient);
//! assert!((loss - 2.0_f32.ln()).abs() < 1e-6);
//! assert!((gradient[0] - 0.5).abs() < 1e-6 && (gradient[1] + 0.5).abs() < 1e-6);
//! ```

use crate::log_softmax::{Divergence, LogSoftmax};
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
    fn at(self, e: f32) -> (f64, f32) {
        let wide = f64::from(e);
        match self {
            Regression::SquaredError => (wide * wide, 2.0 * e),
            Regression::Huber { delta } if e.abs() <= delta => (0.5 * wide * wide, e),
            Regression::Huber { delta } => {
                let line = f64::from(delta) * (wide.abs() - 0.5 * f64::from(delta));
                (line, delta.copysign(e))
            }
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
/// If the lengths do not agree, there is no sample, or an index is not one of an output.
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
    let mut total = 0.0_f64;
    for (i, (&index, &target)) in chosen.indices.iter().zip(targets).enumerate() {
        assert!(index < width, "index {index} of {width} outputs");
        let error = outputs[i * width + index] - target;
        let (value, slope) = kind.at(error);
        let weight = chosen.weight(i);
        total += f64::from(weight) * value;
        errors[i] = error.abs();
        d_outputs[i * width + index] = weight * slope * scale;
    }
    (total / samples as f64) as f32
}

/// Cross-entropy of the chosen distribution of each sample, a softmax over `atoms` logits, with a target
/// distribution: `-sum m ln p` (Bellemare, Dabney and Munos 2017, Algorithm 1). Outputs are `samples x
/// choices x atoms`, targets `samples x atoms`. `errors` becomes the divergence `sum m ln(m / p)` of each
/// sample, which does not count what no `p` could mend.
///
/// # Panics
/// If the lengths do not agree, there is no sample, or an index is not one of a choice.
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
    d_logits.fill(0.0);
    let mut total = 0.0;
    for (i, (&index, target)) in chosen.indices.iter().zip(targets.chunks_exact(atoms)).enumerate() {
        assert!((index + 1) * atoms <= width, "choice {index} of {width} logits");
        let place = i * width + index * atoms..i * width + (index + 1) * atoms;
        let weight = f64::from(chosen.weight(i));
        let p = LogSoftmax::new(1.0, &logits[place.clone()]);
        let (mut loss, mut entropy) = (0.0, 0.0);
        for ((d, log_p), &m) in d_logits[place].iter_mut().zip(p.logs()).zip(target) {
            let m = f64::from(m);
            // What has no mass costs nothing, however improbable it is.
            if m > 0.0 {
                loss -= m * log_p;
                entropy -= m * math::ln_f64(m);
            }
            *d = (weight * (math::exp_f64(log_p) - m) / samples as f64) as f32;
        }
        errors[i] = (loss - entropy).max(0.0) as f32;
        total += weight * loss;
    }
    (total / samples as f64) as f32
}

/// Outputs that are quantiles, and what they are the quantiles of.
#[derive(Clone, Copy, Debug)]
pub struct QuantileOutputs<'a> {
    /// All outputs, `samples x outputs`.
    pub outputs: &'a [f32],
    /// The probability of each quantile, 0 to 1: one per sample and quantile, or one per quantile.
    pub taus: &'a [f32],
    /// The places of the quantiles among the outputs of a sample.
    pub layout: Layout,
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
/// less the quantile. `kappa` is above 0, targets are `samples x n`. `errors` becomes that sum for each sample,
/// without weights.
///
/// # Panics
/// If the lengths do not agree, or `kappa` is not above 0.
pub fn quantile_at(
    kappa: f32,
    quantiles: QuantileOutputs<'_>,
    chosen: Chosen<'_>,
    targets: &[f32],
    errors: &mut [f32],
    d_outputs: &mut [f32],
) -> f32 {
    assert!(kappa > 0.0, "kappa is {kappa}");
    let QuantileOutputs { outputs, taus, layout: Layout { parts: quantiles, choice, part } } = quantiles;
    let (samples, width) = chosen.shape(outputs, errors, d_outputs);
    let (_, count) = shape(targets, samples);
    assert!(taus.len() == quantiles || taus.len() == samples * quantiles, "one probability per quantile");
    let scale = 1.0 / (samples * count) as f32;
    d_outputs.fill(0.0);
    let mut total = 0.0_f64;
    for (i, (&index, targets)) in chosen.indices.iter().zip(targets.chunks_exact(count)).enumerate() {
        let taus = if taus.len() == quantiles { taus } else { &taus[i * quantiles..][..quantiles] };
        let weight = chosen.weight(i);
        let mut loss = 0.0_f64;
        for (q, &tau) in taus.iter().enumerate() {
            let place = i * width + index * choice + q * part;
            let (value, slope) = quantile_huber(kappa, tau, outputs[place], targets);
            loss += f64::from(value);
            d_outputs[place] = weight * scale * slope;
        }
        errors[i] = (loss / count as f64) as f32;
        total += f64::from(weight) * loss;
    }
    (total / (samples * count) as f64) as f32
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
                // The slope, from -1 to 1, so that neither a small nor a large kappa is squared. Within kappa both
                // terms are u^2 / 2.
                let slope = inverse * near;
                values[lane] += share * slope * (u - 0.5 * near);
                gradients[lane] -= share * slope;
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
    let (samples, classes) = same_shape(teacher, student, labels.len(), d_student);
    let (alpha, temperature) = (f64::from(blend.alpha), f64::from(blend.temperature));
    let rows = teacher.chunks_exact(classes).zip(student.chunks_exact(classes)).zip(labels);
    let mut total = 0.0;
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
    }
    (total / samples as f64) as f32
}

/// `x` times a weight; 0 where that is 0, whatever `x`.
fn weighed(weight: f64, x: f64) -> f64 {
    if weight == 0.0 { 0.0 } else { weight * x }
}

/// `softmax(logits / temperature)` of one row of logits, in its place; the temperature is above 0.
pub fn softmax(temperature: f32, row: &mut [f32]) {
    let highest = highest(row);
    let mut sum = 0.0_f64;
    for z in &mut *row {
        *z = math::exp((*z - highest) / temperature);
        sum += f64::from(*z);
    }
    row.iter_mut().for_each(|p| *p = (f64::from(*p) / sum) as f32);
}

/// The mean of the values `low, low + gap, ...`, one for each logit, under the softmax of one row of logits.
pub fn softmax_mean(logits: &[f32], low: f32, gap: f32) -> f32 {
    let highest = highest(logits);
    let (mut sum, mut weighted) = (0.0, 0.0);
    for (i, &z) in logits.iter().enumerate() {
        let weight = f64::from(math::exp(z - highest));
        sum += weight;
        weighted += weight * i as f64;
    }
    (f64::from(low) + f64::from(gap) * (weighted / sum)) as f32
}

fn highest(logits: &[f32]) -> f32 {
    logits.iter().copied().fold(f32::NEG_INFINITY, f32::max)
}

/// Checks that teacher, student and gradient have one shape; returns samples and classes.
fn same_shape(teacher: &[f32], student: &[f32], samples: usize, d_student: &[f32]) -> (usize, usize) {
    let lengths = (teacher.len(), d_student.len());
    assert_eq!(lengths, (student.len(), student.len()), "teacher and student of one shape");
    shape(student, samples)
}

fn shape(outputs: &[f32], samples: usize) -> (usize, usize) {
    let whole = samples > 0 && !outputs.is_empty() && outputs.len().is_multiple_of(samples);
    assert!(whole, "{} outputs for {samples} samples", outputs.len());
    (samples, outputs.len() / samples)
}
