//! The operations that are no products, over rows of sixteen samples or of one; and the ways into panels and
//! out of them.
//!
//! Letters: `x` inputs, `y` outputs, each a row of samples for every unit; `d_` the gradient of the loss with
//! respect to what follows; `s` counts the samples of a row, `c` channels or choices.

use crate::lanes::{Row, WIDTH};
use crate::plan::{Pad, Pool};
use potstill_core::{math, wide};
use std::ops::Range;

/// One sample to rows of one, as far as they go.
pub(crate) fn copy(sample: &[f32], rows: &mut [[f32; 1]]) {
    let rows = rows.as_flattened_mut();
    rows.copy_from_slice(&sample[..rows.len()]);
}

/// Samples that begin `stride` apart to rows of sixteen, as far as they go; what is missing is 0.
pub(crate) fn pack_strided(samples: &[f32], stride: usize, rows: &mut [Row]) {
    const BLOCK: usize = 16;
    let count = samples.len().div_ceil(stride).min(WIDTH);
    wide::run(
        #[inline(always)]
        || {
            for (b, rows) in rows.chunks_mut(BLOCK).enumerate() {
                if let (WIDTH, Some(rows)) = (count, rows.first_chunk_mut::<BLOCK>()) {
                    // Through registers, without bounds inside.
                    let mut block = [[0.0; BLOCK]; WIDTH];
                    for (s, row) in block.iter_mut().enumerate() {
                        row.copy_from_slice(&samples[s * stride + b * BLOCK..][..BLOCK]);
                    }
                    for i in 0..BLOCK {
                        for s in 0..WIDTH {
                            rows[i][s] = block[s][i];
                        }
                    }
                } else {
                    for (i, row) in rows.iter_mut().enumerate() {
                        *row = [0.0; WIDTH];
                        for s in 0..count {
                            row[s] = samples[s * stride + b * BLOCK + i];
                        }
                    }
                }
            }
        },
    );
}

/// Rows of sixteen to samples that begin `stride` apart, as many as there is room for.
pub(crate) fn unpack(rows: &[Row], stride: usize, samples: &mut [f32]) {
    for (s, sample) in samples.chunks_mut(stride).enumerate() {
        for (x, row) in sample.iter_mut().zip(rows) {
            *x = row[s];
        }
    }
}

/// Adds samples that begin `stride` apart to rows of sixteen.
pub(crate) fn add_strided(samples: &[f32], stride: usize, rows: &mut [Row]) {
    for (s, sample) in samples.chunks(stride).enumerate() {
        for (x, row) in sample.iter().zip(&mut *rows) {
            row[s] += x;
        }
    }
}

/// Divides inputs by a number; 1 leaves them alone.
pub(crate) fn divide<const L: usize>(rows: &mut [[f32; L]], divisor: u32) {
    if divisor != 1 {
        rows.as_flattened_mut().iter_mut().for_each(|x| *x /= divisor as f32);
    }
}

/// The mean of each sample's units, and one over their deviation.
pub(crate) fn norm_stats<const L: usize>(x: &[[f32; L]], epsilon: f32, stats: &mut [[f32; L]]) {
    wide::run(
        #[inline(always)]
        || {
            let count = x.len() as f32;
            let (mut mean, mut square) = ([0.0; L], [0.0; L]);
            for x in x {
                for s in 0..L {
                    mean[s] += x[s];
                }
            }
            for s in 0..L {
                mean[s] /= count;
            }
            for x in x {
                for s in 0..L {
                    square[s] += (x[s] - mean[s]) * (x[s] - mean[s]);
                }
            }
            for s in 0..L {
                square[s] = 1.0 / (square[s] / count + epsilon).sqrt();
            }
            (stats[0], stats[1]) = (mean, square);
        },
    );
}

/// Layer normalisation: `(x - mean) / deviation * gain + bias`; gains, then biases.
pub(crate) fn norm<const L: usize>(
    x: &[[f32; L]],
    stats: &[[f32; L]; 2],
    parameters: &[f32],
    y: &mut [[f32; L]],
) {
    let (gains, biases) = parameters.split_at(x.len());
    wide::run(
        #[inline(always)]
        || {
            for (((x, y), gain), bias) in x.iter().zip(y).zip(gains).zip(biases) {
                for s in 0..L {
                    y[s] = (x[s] - stats[0][s]) * stats[1][s] * gain + bias;
                }
            }
        },
    );
}

/// The gradient with respect to the input of a layer normalisation.
pub(crate) fn norm_backward(x: &[Row], stats: &[Row], gains: &[f32], d_y: &[Row], d_x: &mut [Row]) {
    let (mean, scale) = (stats[0], stats[1]);
    wide::run(
        #[inline(always)]
        || {
            let count = x.len() as f32;
            let (mut sum, mut product) = ([0.0; WIDTH], [0.0; WIDTH]);
            for ((x, d_y), gain) in x.iter().zip(d_y).zip(gains) {
                for s in 0..WIDTH {
                    let gradient = d_y[s] * gain;
                    sum[s] += gradient;
                    product[s] += gradient * ((x[s] - mean[s]) * scale[s]);
                }
            }
            for s in 0..WIDTH {
                sum[s] /= count;
                product[s] /= count;
            }
            for (((x, d_y), d_x), gain) in x.iter().zip(d_y).zip(d_x).zip(gains) {
                for s in 0..WIDTH {
                    let normal = (x[s] - mean[s]) * scale[s];
                    d_x[s] = scale[s] * (d_y[s] * gain - sum[s] - normal * product[s]);
                }
            }
        },
    );
}

/// The gradient with respect to gains and biases of a layer normalisation: first over panels, sample by
/// sample of each, then over these.
pub(crate) fn norm_gradient<'a>(
    panels: &(impl Iterator<Item = (&'a [Row], &'a [Row], &'a [Row])> + Clone),
    gradient: &mut [f32],
) {
    const BLOCK: usize = 16;
    let (d_gains, d_biases) = gradient.split_at_mut(gradient.len() / 2);
    let blocks = d_gains.chunks_mut(BLOCK).zip(d_biases.chunks_mut(BLOCK));
    for (b, (d_gains, d_biases)) in blocks.enumerate() {
        let (mut gains, mut biases) = ([[0.0; WIDTH]; BLOCK], [[0.0; WIDTH]; BLOCK]);
        let place = b * BLOCK..b * BLOCK + d_gains.len();
        // Gradients of samples that are not there are 0.
        for (x, stats, d_y) in panels.clone() {
            let (x, d_y) = (&x[place.clone()], &d_y[place.clone()]);
            add_norm_gradient(x, (&stats[0], &stats[1]), d_y, &mut gains, &mut biases);
        }
        for (sum, rows) in [(d_gains, &gains), (d_biases, &biases)] {
            sum.iter_mut().zip(rows).for_each(|(sum, row)| *sum = row.iter().sum());
        }
    }
}

/// Adds what one panel gives.
fn add_norm_gradient(
    x: &[Row],
    (mean, scale): (&Row, &Row),
    d_y: &[Row],
    gains: &mut [Row],
    biases: &mut [Row],
) {
    wide::run(
        #[inline(always)]
        || {
            for (((x, d_y), gain), bias) in x.iter().zip(d_y).zip(gains).zip(biases) {
                for s in 0..WIDTH {
                    gain[s] += d_y[s] * ((x[s] - mean[s]) * scale[s]);
                    bias[s] += d_y[s];
                }
            }
        },
    );
}

/// An image with zeros around it.
pub(crate) fn pad<const L: usize>(pad: &Pad, x: &[[f32; L]], y: &mut [[f32; L]]) {
    y.fill([0.0; L]);
    for (from, to) in pad.lines() {
        y[to].copy_from_slice(&x[from]);
    }
}

/// The gradient with respect to the image, added to what is there if `adds`; that of the zeros is left out.
pub(crate) fn pad_backward(pad: &Pad, d_y: &[Row], adds: bool, d_x: &mut [Row]) {
    for (from, to) in pad.lines() {
        match adds {
            true => add(&d_y[to], &mut d_x[from]),
            false => d_x[from].copy_from_slice(&d_y[to]),
        }
    }
}

/// `y += x`.
pub(crate) fn add<const L: usize>(x: &[[f32; L]], y: &mut [[f32; L]]) {
    for (x, y) in x.as_flattened().iter().zip(y.as_flattened_mut()) {
        *y += x;
    }
}

impl Pad {
    /// The rows of each line of the image, and their places between the zeros.
    fn lines(&self) -> impl Iterator<Item = (Range<usize>, Range<usize>)> {
        let Self { height, width, channels, padding } = *self;
        let (line, padded) = (width * channels, (width + 2 * padding) * channels);
        (0..height).map(move |y| {
            let to = (y + padding) * padded + padding * channels;
            (y * line..(y + 1) * line, to..to + line)
        })
    }
}

impl Pool {
    /// The first row of the window of each point of the output.
    fn corners(&self) -> impl Iterator<Item = usize> {
        let Self { width, channels, window: [rows, columns], out_height, out_width, .. } = *self;
        (0..out_height * out_width)
            .map(move |point| (point / out_width * rows * width + point % out_width * columns) * channels)
    }

    /// The rows of a window, from its corner.
    fn places(&self) -> impl Iterator<Item = usize> {
        let Self { width, channels, window: [rows, columns], .. } = *self;
        (0..rows * columns).map(move |i| (i / columns * width + i % columns) * channels)
    }

    /// The share of each point in a mean.
    fn share(&self) -> f32 {
        1.0 / (self.window[0] * self.window[1]) as f32
    }
}

/// The largest, or the mean, of each window.
pub(crate) fn pool<const L: usize>(pool: &Pool, x: &[[f32; L]], y: &mut [[f32; L]]) {
    let share = pool.share();
    for (corner, y) in pool.corners().zip(y.chunks_exact_mut(pool.channels)) {
        for (c, y) in y.iter_mut().enumerate() {
            *y = if pool.is_max { x[corner + c] } else { [0.0; L] };
            for place in pool.places() {
                let x = &x[corner + place + c];
                for s in 0..L {
                    // NaN is taken over, so that it is seen.
                    let larger = if x[s] > y[s] || x[s].is_nan() { x[s] } else { y[s] };
                    y[s] = if pool.is_max { larger } else { y[s] + x[s] * share };
                }
            }
        }
    }
}

/// The gradient goes to the first largest, or to all in equal parts.
pub(crate) fn pool_backward(pool: &Pool, x: &[Row], y: &[Row], d_y: &[Row], d_x: &mut [Row]) {
    let share = pool.share();
    d_x.fill([0.0; WIDTH]);
    for (point, corner) in pool.corners().enumerate() {
        for c in 0..pool.channels {
            let (y, d_y) = (&y[point * pool.channels + c], &d_y[point * pool.channels + c]);
            let mut found = [false; WIDTH];
            for place in pool.places() {
                let (x, d_x) = (&x[corner + place + c], &mut d_x[corner + place + c]);
                for s in 0..WIDTH {
                    let is_it = x[s] == y[s] && !found[s];
                    found[s] |= is_it;
                    d_x[s] = match (pool.is_max, is_it) {
                        (false, _) => d_y[s] * share,
                        (true, true) => d_y[s],
                        (true, false) => 0.0,
                    };
                }
            }
        }
    }
}

/// `q_c = v + a_c - mean of a` for each atom (Wang et al. 2016, equation 9).
pub(crate) fn dueling<const L: usize>(choices: usize, atoms: usize, x: &[[f32; L]], y: &mut [[f32; L]]) {
    let (value, advantages) = x.split_at(atoms);
    for atom in 0..atoms {
        let mut base = [0.0; L];
        for c in 0..choices {
            for s in 0..L {
                base[s] += advantages[c * atoms + atom][s];
            }
        }
        for s in 0..L {
            base[s] = value[atom][s] - base[s] / choices as f32;
        }
        for c in 0..choices {
            for s in 0..L {
                y[c * atoms + atom][s] = advantages[c * atoms + atom][s] + base[s];
            }
        }
    }
}

/// The gradient with respect to value and advantages.
pub(crate) fn dueling_backward(choices: usize, atoms: usize, d_y: &[Row], d_x: &mut [Row]) {
    let (d_value, d_advantages) = d_x.split_at_mut(atoms);
    for atom in 0..atoms {
        let mut sum = [0.0; WIDTH];
        for c in 0..choices {
            for s in 0..WIDTH {
                sum[s] += d_y[c * atoms + atom][s];
            }
        }
        d_value[atom] = sum;
        for c in 0..choices {
            for s in 0..WIDTH {
                let gradient = d_y[c * atoms + atom][s];
                d_advantages[c * atoms + atom][s] = gradient - sum[s] / choices as f32;
            }
        }
    }
}

/// The product, unit by unit.
pub(crate) fn mix<const L: usize>(x: &[[f32; L]], before: &[[f32; L]], y: &mut [[f32; L]]) {
    for ((x, before), y) in x.iter().zip(before).zip(y) {
        for s in 0..L {
            y[s] = x[s] * before[s];
        }
    }
}

/// The gradient with respect to both factors; it is added to that of the second, which has been multiplied by
/// other first ones.
pub(crate) fn mix_backward(
    (x, before): (&[Row], &[Row]),
    d_y: &[Row],
    (d_x, d_before): (&mut [Row], &mut [Row]),
) {
    let factors = x.iter().zip(before);
    for (((x, before), d_y), (d_x, d_before)) in factors.zip(d_y).zip(d_x.iter_mut().zip(d_before)) {
        for s in 0..WIDTH {
            d_x[s] = d_y[s] * before[s];
            d_before[s] += d_y[s] * x[s];
        }
    }
}

/// `cos(pi i tau)` for `i = 0, 1, ...` (Dabney et al. 2018b, equation 4), by the recurrence of Chebyshev's
/// polynomials.
pub(crate) fn cosines<const L: usize>(taus: &[f32; L], rows: &mut [[f32; L]]) {
    let Some((first, rest)) = rows.split_first_mut() else { return };
    *first = [1.0; L];
    let (mut before, mut now) = ([1.0; L], [0.0; L]);
    for s in 0..L {
        now[s] = math::sin_cos(std::f64::consts::PI * f64::from(taus[s])).1;
    }
    let twice = now.map(|c| 2.0 * c);
    for row in rest {
        for s in 0..L {
            row[s] = now[s] as f32;
            (before[s], now[s]) = (now[s], twice[s] * now[s] - before[s]);
        }
    }
}

/// Adds noise to a row of weights: `deviation * factor of the input * factor of the output`.
pub(crate) fn apply_noise(row: &mut [f32], deviations: &[f32], of_input: f32, of_outputs: &[f32]) {
    for ((w, deviation), of_output) in row.iter_mut().zip(deviations).zip(of_outputs) {
        *w += deviation * (of_input * of_output);
    }
}

/// The gradient with respect to a row of deviations, from that with respect to the means.
pub(crate) fn deviations(d_means: &[f32], of_input: f32, of_outputs: &[f32], d_deviations: &mut [f32]) {
    for ((d_mean, d_deviation), of_output) in d_means.iter().zip(d_deviations).zip(of_outputs) {
        *d_deviation = d_mean * (of_input * of_output);
    }
}
