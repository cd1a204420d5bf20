//! Batch normalisation of rows of samples (Ioffe and Szegedy 2015): of each channel over points and samples.
//!
//! Batch renormalisation (Ioffe 2017, Algorithm 1) corrects what a training pass takes towards the running
//! statistics, `y = (x - mean) / deviation * r + d` with `r = deviation / running deviation` and `d = (mean -
//! running mean) / running deviation`, clipped and without a gradient of their own. Constants and warm-up, in
//! which `r = 1` and `d = 0`, are those of CrossQ's authors (Bhatt et al. 2024). Differences from Ioffe 2017:
//! the running variance is averaged, not the deviation, and the bounds of `r` and `d` hold at once after the
//! warm-up, where the paper relaxes them.
//!
//! Letters: `x` inputs, `y` outputs, `d_` the gradient of the loss with respect to what follows; `c` counts channels,
//! `s` samples of a row. Sums run over the points and samples of a panel, then over the panels in their order, so that
//! no number of threads changes a bit of them.

use crate::lanes::{Row, WIDTH};
use crate::linear::Panel;
use crate::plan::{BatchNorm, Op};
use crate::workspace::sized;
use potstill_core::wide;
use std::ops::Range;

/// Bounds of the corrections of batch renormalisation: `r` from `1 / R_MAX` to `R_MAX`, `d` from `-D_MAX` to
/// `D_MAX`.
const R_MAX: f64 = 3.0;
const D_MAX: f64 = 5.0;

impl BatchNorm {
    /// The number that is added to a variance: PyTorch's, or CrossQ's.
    pub(crate) fn epsilon(&self) -> f64 {
        if self.is_renorm { 1e-3 } else { 1e-5 }
    }

    /// The share of a batch in the running statistics, as above.
    pub(crate) fn momentum(&self) -> f64 {
        if self.is_renorm { 0.01 } else { 0.1 }
    }

    /// One over the deviation of this variance.
    pub(crate) fn scale(&self, variance: f64) -> f32 {
        (1.0 / (variance + self.epsilon()).sqrt()) as f32
    }
}

/// Points whose terms are added up in single precision, before their sum is added in double.
const POINTS: usize = 64;

/// The sum over points and samples of what `term` gives for a row of a channel, for each channel.
#[inline(always)]
fn sum_channels(
    rows: usize,
    samples: usize,
    lanes: &mut [Row],
    sums: &mut [f64],
    term: impl Fn(usize, usize) -> Row,
) {
    let channels = lanes.len();
    sums.fill(0.0);
    for first in (0..rows).step_by(POINTS * channels) {
        lanes.fill([0.0; WIDTH]);
        for point in (first..rows.min(first + POINTS * channels)).step_by(channels) {
            for c in 0..channels {
                let term = term(point + c, c);
                for s in 0..WIDTH {
                    lanes[c][s] += term[s];
                }
            }
        }
        for (sum, lanes) in sums.iter_mut().zip(&*lanes) {
            *sum += lanes[..samples].iter().map(|&x| f64::from(x)).sum::<f64>();
        }
    }
}

/// The rows of an operation's inputs, and the number of them for a channel.
struct Place {
    from: Range<usize>,
    points: usize,
}

impl Place {
    fn of(op: &Op, norm: &BatchNorm) -> Self {
        Self { from: op.from.clone(), points: op.from.len() / norm.channels }
    }
}

/// Writes the means of a panel's channels, and the sums of squared distances from these, to its sums.
pub(crate) fn measure(panel: &mut Panel, op: &Op, norm: &BatchNorm) {
    let Panel { samples, values, sums, lanes, .. } = panel;
    let (channels, Place { from, points }) = (norm.channels, Place::of(op, norm));
    let (x, count) = (&values[from], (points * *samples) as f64);
    let (means, squares) = sized(sums, 2 * channels).split_at_mut(channels);
    let lanes = sized(lanes, 2 * channels);
    let (lanes, centres) = lanes.split_at_mut(channels);
    wide::run(
        #[inline(always)]
        || {
            sum_channels(
                x.len(),
                *samples,
                lanes,
                means,
                #[inline(always)]
                |row, _| x[row],
            );
            for (mean, centre) in means.iter_mut().zip(&mut *centres) {
                // Distances are from a number in single precision, and its rounding is no error of the mean.
                *centre = [(*mean / count) as f32; WIDTH];
            }
            let centres = &*centres;
            sum_channels(
                x.len(),
                *samples,
                lanes,
                squares,
                #[inline(always)]
                |row, c| {
                    let mut square = [0.0; WIDTH];
                    for s in 0..WIDTH {
                        square[s] = (x[row][s] - centres[c][s]) * (x[row][s] - centres[c][s]);
                    }
                    square
                },
            );
            for ((mean, square), centre) in means.iter_mut().zip(squares).zip(centres) {
                *mean /= count;
                let off = *mean - f64::from(centre[0]);
                *square = (*square - count * off * off).max(0.0);
            }
        },
    );
}

/// The numbers that a training pass leaves of each batch normalisation.
pub(crate) struct Moments<'a> {
    /// Before it, means and one over the deviations of the running statistics; behind it those that it
    /// normalises by.
    pub(crate) norms: &'a mut [f32],
    /// Means and one over the deviations of the batch.
    pub(crate) batch: &'a mut [f32],
    /// Means and variances for the running statistics.
    pub(crate) running: &'a mut [f32],
}

/// Joins the moments of panels (Chan, Golub and LeVeque 1983). `corrects` if a renormalisation is behind its
/// warm-up.
pub(crate) fn join(panels: &[Panel], op: &Op, norm: &BatchNorm, corrects: bool, moments: Moments<'_>) {
    let (channels, Place { points, .. }) = (norm.channels, Place::of(op, norm));
    let Moments { norms, batch, running } = moments;
    let [norms, batch, running] = [norms, batch, running].map(|all| &mut all[norm.stats..][..2 * channels]);
    for c in 0..channels {
        let (mut count, mut mean, mut square) = (0.0, 0.0, 0.0);
        for panel in panels {
            let (own, own_mean) = ((panel.samples * points) as f64, panel.sums[c]);
            let off = own_mean - mean;
            mean += off * own / (count + own);
            square += panel.sums[channels + c] + off * off * count * own / (count + own);
            count += own;
        }
        assert!(count > 1.0, "batch normalisation of more than one number in each channel");
        let variance = square / count;
        (batch[c], batch[channels + c]) = (mean as f32, norm.scale(variance));
        // PyTorch keeps the unbiased variance, CrossQ the biased one.
        let kept = if norm.is_renorm { variance } else { square / (count - 1.0) };
        (running[c], running[channels + c]) = (mean as f32, kept as f32);
        let (of_mean, of_scale) = (f64::from(norms[c]), f64::from(norms[channels + c]));
        (norms[c], norms[channels + c]) = (batch[c], batch[channels + c]);
        if corrects && norm.is_renorm {
            let deviation = (variance + norm.epsilon()).sqrt();
            let r = (deviation * of_scale).clamp(1.0 / R_MAX, R_MAX);
            let d = ((mean - of_mean) * of_scale).clamp(-D_MAX, D_MAX);
            // (x - mean) / deviation * r + d, as a difference and a factor.
            norms[c] = (mean - d * deviation / r) as f32;
            norms[channels + c] = (r / deviation) as f32;
        }
    }
}

/// `(x - mean) / deviation * gain + bias` of each channel.
pub(crate) fn apply<const L: usize>(x: &[[f32; L]], norms: &[f32], parameters: &[f32], y: &mut [[f32; L]]) {
    let channels = norms.len() / 2;
    let ((means, scales), (gains, biases)) = (norms.split_at(channels), parameters.split_at(channels));
    wide::run(
        #[inline(always)]
        || {
            for (x, y) in x.chunks_exact(channels).zip(y.chunks_exact_mut(channels)) {
                for c in 0..channels {
                    let factor = scales[c] * gains[c];
                    for s in 0..L {
                        y[c][s] = (x[c][s] - means[c]) * factor + biases[c];
                    }
                }
            }
        },
    );
}

/// Writes a panel's share of the gradient with respect to gains, then biases, to its sums; its gradient with respect to
/// the outputs is there.
pub(crate) fn measure_gradient(panel: &mut Panel, op: &Op, norm: &BatchNorm, norms: &[f32]) {
    let Panel { samples, values, gradients, sums, lanes, .. } = panel;
    let channels = norm.channels;
    let (x, d_y) = (&values[op.from.clone()], &gradients[op.to.clone()]);
    let (means, scales) = norms[norm.stats..][..2 * channels].split_at(channels);
    let (of_gains, of_biases) = sized(sums, 2 * channels).split_at_mut(channels);
    let lanes = sized(lanes, channels);
    wide::run(
        #[inline(always)]
        || {
            sum_channels(
                x.len(),
                *samples,
                lanes,
                of_gains,
                #[inline(always)]
                |row, c| {
                    let mut term = [0.0; WIDTH];
                    for s in 0..WIDTH {
                        term[s] = d_y[row][s] * ((x[row][s] - means[c]) * scales[c]);
                    }
                    term
                },
            );
            sum_channels(
                x.len(),
                *samples,
                lanes,
                of_biases,
                #[inline(always)]
                |row, _| d_y[row],
            );
        },
    );
}

/// Adds up the shares of panels.
pub(crate) fn join_gradients(panels: &[Panel], norm: &BatchNorm, d_norms: &mut [f32]) {
    for (i, d) in d_norms[norm.stats..][..2 * norm.channels].iter_mut().enumerate() {
        *d = panels.iter().map(|panel| panel.sums[i]).sum::<f64>() as f32;
    }
}

/// The numbers of batch normalisations for a backward pass.
#[derive(Clone, Copy)]
pub(crate) struct Taken<'a> {
    /// Means and factors that the forward pass normalised by.
    pub(crate) norms: &'a [f32],
    /// Means and one over the deviations of its batch.
    pub(crate) batch: &'a [f32],
    /// The gradients with respect to gains and biases.
    pub(crate) d_norms: &'a [f32],
    /// The number of samples of the batch; none where running statistics were taken, which do not depend on
    /// the inputs.
    pub(crate) samples: Option<usize>,
}

/// The gradient with respect to the inputs.
pub(crate) fn backward(
    x: &[Row],
    (norm, taken): (&BatchNorm, Taken<'_>),
    gains: &[f32],
    d_y: &[Row],
    d_x: &mut [Row],
) {
    let channels = norm.channels;
    let share = taken.samples.map_or(0.0, |samples| 1.0 / (samples * x.len() / channels) as f32);
    let [(means, scales), (centres, batch_scales), (of_gains, of_biases)] =
        [taken.norms, taken.batch, taken.d_norms]
            .map(|all| all[norm.stats..][..2 * channels].split_at(channels));
    wide::run(
        #[inline(always)]
        || {
            let points = x.chunks_exact(channels).zip(d_y.chunks_exact(channels));
            for ((x, d_y), d_x) in points.zip(d_x.chunks_exact_mut(channels)) {
                for c in 0..channels {
                    let factor = scales[c] * gains[c];
                    // The corrections of a renormalisation; 1 and 0 without.
                    let (r, d) = (scales[c] / batch_scales[c], (centres[c] - means[c]) * scales[c]);
                    let along = share * ((of_gains[c] - d * of_biases[c]) / r) * batch_scales[c];
                    let mean = share * of_biases[c];
                    for s in 0..WIDTH {
                        d_x[c][s] = factor * (d_y[c][s] - mean - (x[c][s] - centres[c]) * along);
                    }
                }
            }
        },
    );
}
