//! Losses of one output, or one distribution, of several for each sample: what learns action values.

use super::shape::shape;
use crate::log_softmax::LogSoftmax;
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
    pub(super) fn at(self, e: f32) -> (f64, f32) {
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
