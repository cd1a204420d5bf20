//! The products: a convolution, and a dense layer as a convolution over an image of one point.
//!
//! Sixteen samples lie side by side: a *panel* holds, for each unit of a layer, one row of sixteen numbers,
//! the points of an image one after the other, and at each point its channels. So the forward pass and the
//! gradient with respect to the inputs need no packing, no transposed weights and no copies of image patches:
//! a tile multiplies a row by as many weights as there are registers for. Only the gradient with respect to
//! the weights, which sums over samples, needs one operand transposed.
//!
//! A single sample is computed with sixteen outputs side by side instead, from the same weights, which lie
//! one row per input.
//!
//! Letters: `x` inputs, `y` outputs, `w` weights, `b` biases, `d_` the gradient of the loss with respect to
//! what follows; `s` counts samples of a row, `r` rows of a tile, `o` outputs, `k` numbers of a patch. `x` is
//! `points x channels` rows of sixteen samples, `y` is `points x outputs` rows, `w` is `patch x outputs`.
//!
//! One output is one chain of fused multiply-adds in the order of the contracted index, whatever the tile,
//! the processor or the way.

use crate::lanes::{Lanes, Row, WIDTH, lanes};
use potstill_core::wide;
use std::ops::Range;

/// The shape of a layer whose outputs are weighted sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Linear {
    pub(crate) height: usize,
    pub(crate) width: usize,
    /// Channels of the input.
    pub(crate) channels: usize,
    /// Height and width of a patch.
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    /// Channels of the output.
    pub(crate) outputs: usize,
}

impl Linear {
    pub(crate) fn dense(inputs: usize, outputs: usize) -> Self {
        Self { height: 1, width: 1, channels: inputs, kernel: 1, stride: 1, outputs }
    }

    pub(crate) fn out_height(&self) -> usize {
        (self.height - self.kernel) / self.stride + 1
    }

    pub(crate) fn out_width(&self) -> usize {
        (self.width - self.kernel) / self.stride + 1
    }

    /// Points of the output.
    pub(crate) fn points(&self) -> usize {
        self.out_height() * self.out_width()
    }

    /// Rows of the weights: numbers of a patch, in the order (row, column, channel).
    pub(crate) fn patch(&self) -> usize {
        self.kernel * self.kernel * self.channels
    }

    /// Numbers of a patch that lie one after the other in an image.
    fn run(&self) -> usize {
        self.kernel * self.channels
    }

    /// The first row of the patch of a point.
    #[inline(always)]
    fn corner(&self, y: usize, x: usize) -> usize {
        (y * self.stride * self.width + x * self.stride) * self.channels
    }

    /// Multiply-adds of a forward pass of one sample.
    pub(crate) fn multiply_adds(&self) -> usize {
        self.points() * self.patch() * self.outputs
    }

    /// Outputs, rounded up to whole rows.
    pub(crate) fn padded(&self) -> usize {
        self.outputs.next_multiple_of(WIDTH)
    }
}

/// Calls `$tile::<S, R>` with `R` rows at a time from `$from` to `$to`: as many as there are registers for,
/// then fewer.
macro_rules! tiles {
    ($lanes:ident, $from:ident in $range:expr, $tile:ident($($arg:expr),*)) => {{
        let range: std::ops::Range<usize> = $range;
        let mut $from = range.start;
        if $lanes::MANY {
            while $from + 16 <= range.end {
                $tile::<$lanes, 16>($($arg),*);
                $from += 16;
            }
            while $from + 8 <= range.end {
                $tile::<$lanes, 8>($($arg),*);
                $from += 8;
            }
        } else {
            while $from + 6 <= range.end {
                $tile::<$lanes, 6>($($arg),*);
                $from += 6;
            }
        }
        while $from + 4 <= range.end {
            $tile::<$lanes, 4>($($arg),*);
            $from += 4;
        }
        while $from + 2 <= range.end {
            $tile::<$lanes, 2>($($arg),*);
            $from += 2;
        }
        while $from < range.end {
            $tile::<$lanes, 1>($($arg),*);
            $from += 1;
        }
    }};
}

/// Weights, in numbers, that are used for all outputs before the next ones: they stay in the cache meanwhile.
const BLOCK: usize = 1 << 16;

lanes! {
    /// `y = biases + weights^T · x` for a panel.
    pub(crate) fn forward<S>(layer: &Linear, weights: &[f32], biases: &[f32], x: &[Row], y: &mut [Row]) {
        let run = layer.run();
        let block = (BLOCK / layer.outputs).max(WIDTH);
        for point_y in 0..layer.out_height() {
            for point_x in 0..layer.out_width() {
                let point = point_y * layer.out_width() + point_x;
                let x = &x[layer.corner(point_y, point_x)..];
                let y = &mut y[point * layer.outputs..][..layer.outputs];
                if run * layer.kernel <= block {
                    let all = (0..layer.kernel, 0..run);
                    tiles!(S, output in 0..layer.outputs, forward_tile(layer, output, weights, Some(biases), &all, x, y));
                    continue;
                }
                let mut start = Some(biases);
                for row in 0..layer.kernel {
                    for from in (0..run).step_by(block) {
                        let part = (row..row + 1, from..run.min(from + block));
                        tiles!(S, output in 0..layer.outputs, forward_tile(layer, output, weights, start, &part, x, y));
                        start = None;
                    }
                }
            }
        }
    }
}

/// `R` outputs, from `first` on, of some rows of the patch at the beginning of `x`, and of each row a range:
/// begun with the biases, or added to what is there.
#[inline(always)]
fn forward_tile<S: Lanes, const R: usize>(
    layer: &Linear,
    first: usize,
    weights: &[f32],
    biases: Option<&[f32]>,
    (rows, range): &(Range<usize>, Range<usize>),
    x: &[Row],
    y: &mut [Row],
) {
    let (run, outputs) = (layer.run(), layer.outputs);
    let y: &mut [Row; R] = y[first..].first_chunk_mut().expect("rows of the outputs");
    let mut sums = [S::splat(0.0); R];
    if let Some(biases) = biases {
        let biases: &[f32; R] = biases[first..].first_chunk().expect("biases of the outputs");
        for r in 0..R {
            sums[r] = S::splat(biases[r]);
        }
    } else {
        for r in 0..R {
            sums[r] = S::load(&y[r]);
        }
    }
    let (from, length) = (range.start, range.len());
    for row in rows.clone() {
        let x = &x[row * layer.width * layer.channels + from..][..length];
        let weights = &weights[(row * run + from) * outputs + first..];
        for k in 0..length {
            let column: &[f32; R] = weights[k * outputs..].first_chunk().expect("a row of weights");
            let x = S::load(&x[k]);
            for r in 0..R {
                sums[r] = S::splat(column[r]).mul_add(x, sums[r]);
            }
        }
    }
    for r in 0..R {
        sums[r].store(&mut y[r]);
    }
}

lanes! {
    /// `d_x = weights · d_y` for a panel, added to what is there if `adds`.
    pub(crate) fn backward<S>(layer: &Linear, weights: &[f32], d_y: &[Row], adds: bool, d_x: &mut [Row]) {
        for y in 0..layer.height {
            for x in 0..layer.width {
                let d_x = &mut d_x[(y * layer.width + x) * layer.channels..][..layer.channels];
                tiles!(S, channel in 0..layer.channels, backward_tile(layer, (y, x), channel, weights, d_y, adds, d_x));
            }
        }
    }
}

/// `R` channels, from `first` on, of one point of the input.
#[inline(always)]
fn backward_tile<S: Lanes, const R: usize>(
    layer: &Linear,
    (y, x): (usize, usize),
    first: usize,
    weights: &[f32],
    d_y: &[Row],
    adds: bool,
    d_x: &mut [Row],
) {
    let Linear { channels, kernel, stride, outputs, .. } = *layer;
    let (height, width) = (layer.out_height(), layer.out_width());
    let mut sums = [S::splat(0.0); R];
    if adds {
        for r in 0..R {
            sums[r] = S::load(&d_x[first + r]);
        }
    }
    for row in 0..kernel.min(y + 1) {
        let point_y = (y - row) / stride;
        if !(y - row).is_multiple_of(stride) || point_y >= height {
            continue;
        }
        for column in 0..kernel.min(x + 1) {
            let point_x = (x - column) / stride;
            if !(x - column).is_multiple_of(stride) || point_x >= width {
                continue;
            }
            let d_y = &d_y[(point_y * width + point_x) * outputs..][..outputs];
            let tap = (row * kernel + column) * channels + first;
            let mut taps = [&weights[..0]; R];
            for r in 0..R {
                taps[r] = &weights[(tap + r) * outputs..][..outputs];
            }
            for o in 0..outputs {
                let d_y = S::load(&d_y[o]);
                for r in 0..R {
                    sums[r] = S::splat(taps[r][o]).mul_add(d_y, sums[r]);
                }
            }
        }
    }
    for r in 0..R {
        sums[r].store(&mut d_x[first + r]);
    }
}

/// Sixteen samples on their way through a network.
#[derive(Clone, Debug, Default)]
pub(crate) struct Panel {
    pub(crate) samples: usize,
    /// A row for each unit: of the trunk, then for each probability of what follows.
    pub(crate) values: Vec<Row>,
    /// The gradient with respect to each value.
    pub(crate) gradients: Vec<Row>,
    /// Gradients of the outputs of linear operations, [transposed](transpose_gradients).
    pub(crate) transposed: Vec<Row>,
    /// Two sums for each channel of a batch normalisation, and a buffer for them.
    pub(crate) sums: Vec<f64>,
    pub(crate) lanes: Vec<Row>,
}

/// The places of an operation's inputs and transposed gradients in all panels: the samples that a gradient is
/// summed over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Summed<'a> {
    pub(crate) panels: &'a [Panel],
    /// Probabilities per sample: how often the operation is done for each panel.
    pub(crate) taus: usize,
    /// The first row of its inputs, and rows to that of the next tau.
    pub(crate) inputs: (usize, usize),
    /// The first row of its transposed gradients, and rows to that of the next tau.
    pub(crate) gradients: (usize, usize),
}

lanes! {
    /// The gradient with respect to the weights of the rows from `first` on, as many as `d_weights` holds.
    pub(crate) fn weight_gradient<S>(layer: &Linear, over: Summed<'_>, first: usize, d_weights: &mut [f32]) {
        let run = layer.run();
        let end = first + d_weights.len() / layer.outputs;
        let mut from = first;
        while from < end {
            // The rows of a tile lie one after the other in an image.
            let (row, start) = (from / run, from % run);
            let length = (run - start).min(end - from);
            let d_weights = &mut d_weights[(from - first) * layer.outputs..][..length * layer.outputs];
            for column in (0..layer.outputs).step_by(WIDTH) {
                tiles!(S, k in 0..length, weight_tile(layer, over, (row, start, k, column), d_weights));
            }
            from += length;
        }
    }
}

/// `R` rows and sixteen columns of the gradient.
#[inline(always)]
fn weight_tile<S: Lanes, const R: usize>(
    layer: &Linear,
    over: Summed<'_>,
    (row, start, k, column): (usize, usize, usize, usize),
    d_weights: &mut [f32],
) {
    let points = layer.points();
    let block = column / WIDTH * points * WIDTH;
    let offset = row * layer.width * layer.channels + start + k;
    let mut sums = [S::splat(0.0); R];
    for panel in over.panels {
        let (mut inputs, mut gradients) = (over.inputs.0 + offset, over.gradients.0 + block);
        for _ in 0..over.taus {
            let (from, to) = (&panel.values[inputs..], &panel.transposed[gradients..][..points * WIDTH]);
            (inputs, gradients) = (inputs + over.inputs.1, gradients + over.gradients.1);
            for y in 0..layer.out_height() {
                for x in 0..layer.out_width() {
                    let from: &[Row; R] =
                        from[layer.corner(y, x)..].first_chunk().expect("a patch of the picture");
                    let to: &[Row; WIDTH] =
                        to[(y * layer.out_width() + x) * WIDTH..].first_chunk().expect("rows of a point");
                    for s in 0..panel.samples.min(WIDTH) {
                        let gradient = S::load(&to[s]);
                        for r in 0..R {
                            sums[r] = S::splat(from[r][s]).mul_add(gradient, sums[r]);
                        }
                    }
                }
            }
        }
    }
    for r in 0..R {
        let d_weights = &mut d_weights[(k + r) * layer.outputs..][..layer.outputs][column..];
        if let Some(row) = d_weights.first_chunk_mut() {
            sums[r].store(row);
        } else {
            let mut row = [0.0; WIDTH];
            sums[r].store(&mut row);
            d_weights.iter_mut().zip(row).for_each(|(d_weight, x)| *d_weight = x);
        }
    }
}

lanes! {
    /// The gradient with respect to the biases.
    pub(crate) fn bias_gradient<S>(layer: &Linear, over: Summed<'_>, d_biases: &mut [f32]) {
        let points = layer.points();
        for (block, d_biases) in d_biases.chunks_mut(WIDTH).enumerate() {
            let (mut sum, one) = (S::splat(0.0), S::splat(1.0));
            for panel in over.panels {
                for tau in 0..over.taus {
                    let gradients = &panel.transposed[over.gradients.0 + tau * over.gradients.1..];
                    for point in 0..points {
                        for gradient in &gradients[(block * points + point) * WIDTH..][..panel.samples] {
                            sum = S::load(gradient).mul_add(one, sum);
                        }
                    }
                }
            }
            let mut sums = [0.0; WIDTH];
            sum.store(&mut sums);
            d_biases.copy_from_slice(&sums[..d_biases.len()]);
        }
    }
}

/// Rows of samples to rows of outputs: for each sixteen outputs, point and sample, one row. Outputs beyond
/// the last are 0.
pub(crate) fn transpose_gradients(layer: &Linear, d_y: &[Row], transposed: &mut [Row]) {
    let points = layer.points();
    wide::run(
        #[inline(always)]
        || {
            for (point, d_y) in d_y.chunks_exact(layer.outputs).enumerate() {
                for (block, rows) in d_y.chunks(WIDTH).enumerate() {
                    let mut from = [[0.0; WIDTH]; WIDTH];
                    from[..rows.len()].copy_from_slice(rows);
                    let to: &mut [Row; WIDTH] = transposed[(block * points + point) * WIDTH..]
                        .first_chunk_mut()
                        .expect("rows of a point");
                    for i in 0..WIDTH {
                        for j in 0..WIDTH {
                            to[j][i] = from[i][j];
                        }
                    }
                }
            }
        },
    );
}

lanes! {
    /// `y = biases + weights^T · x` for one sample, sixteen outputs side by side.
    pub(crate) fn forward_one<S>(layer: &Linear, weights: &[f32], biases: &[f32], x: &[f32], y: &mut [f32]) {
        for point_y in 0..layer.out_height() {
            for point_x in 0..layer.out_width() {
                let point = point_y * layer.out_width() + point_x;
                let x = &x[layer.corner(point_y, point_x)..];
                let y = &mut y[point * layer.outputs..][..layer.outputs];
                let mut from = 0;
                while from + 4 * WIDTH <= layer.outputs {
                    one_tile::<S, 4>(layer, from, weights, biases, x, y);
                    from += 4 * WIDTH;
                }
                while from + WIDTH <= layer.outputs {
                    one_tile::<S, 1>(layer, from, weights, biases, x, y);
                    from += WIDTH;
                }
                if from == layer.outputs {
                    continue;
                }
                if layer.outputs > WIDTH {
                    // The last row reaches back over the one before it; it computes the same there.
                    one_tile::<S, 1>(layer, layer.outputs - WIDTH, weights, biases, x, y);
                } else {
                    one_narrow(layer, weights, biases, x, y);
                }
            }
        }
    }
}

/// `V` rows of outputs, from `first` on.
#[inline(always)]
fn one_tile<S: Lanes, const V: usize>(
    layer: &Linear,
    first: usize,
    weights: &[f32],
    biases: &[f32],
    x: &[f32],
    y: &mut [f32],
) {
    let (run, outputs) = (layer.run(), layer.outputs);
    let mut sums = [S::splat(0.0); V];
    let biases = biases[first..].as_chunks::<WIDTH>().0;
    for v in 0..V {
        sums[v] = S::load(&biases[v]);
    }
    for row in 0..layer.kernel {
        let x = &x[row * layer.width * layer.channels..][..run];
        let weights = &weights[row * run * outputs + first..];
        for k in 0..run {
            let (row, x) = (&weights[k * outputs..][..V * WIDTH], S::splat(x[k]));
            for v in 0..V {
                let weights: &Row = row[v * WIDTH..].first_chunk().expect("a row of weights");
                sums[v] = x.mul_add(S::load(weights), sums[v]);
            }
        }
    }
    let y = y[first..].as_chunks_mut::<WIDTH>().0;
    for v in 0..V {
        sums[v].store(&mut y[v]);
    }
}

/// Fewer outputs than a row holds.
#[inline(always)]
fn one_narrow(layer: &Linear, weights: &[f32], biases: &[f32], x: &[f32], y: &mut [f32]) {
    let run = layer.run();
    y.copy_from_slice(biases);
    for row in 0..layer.kernel {
        let x = &x[row * layer.width * layer.channels..][..run];
        let weights = &weights[row * run * layer.outputs..][..run * layer.outputs];
        for (k, weights) in weights.chunks_exact(y.len()).enumerate() {
            for o in 0..y.len() {
                y[o] = x[k].mul_add(weights[o], y[o]);
            }
        }
    }
}
