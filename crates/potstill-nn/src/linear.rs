//! The products: a convolution, and a dense layer as a convolution over an image of one point.
//!
//! Sixteen samples lie side by side: a *panel* holds, for each unit of a layer, one row of sixteen numbers,
//! the points of an image one after the other, and at each point its channels. So the forward pass and the
//! gradient with respect to the inputs need no packing, no transposed weights and no copies of image patches:
//! a tile multiplies the rows of some panels by as many weights as there are registers for. Only the gradient
//! with respect to the weights, which sums over samples, needs one operand transposed.
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

use crate::lanes::{Lanes, Row, WIDTH, lanes, prefetch};
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

/// Rows of the largest tile of so many columns, by the registers that there are.
const fn rows_of_tile(many_registers: bool, columns: usize) -> usize {
    match (many_registers, columns) {
        (true, 1) => 16,
        (true, 2 | 3) => 8,
        _ => 6,
    }
}

/// Calls `$tile` with `R` rows at a time over a range: as many as there are registers for beside `$columns`
/// columns, then fewer.
macro_rules! tiles {
    ($lanes:ident, $columns:expr, $from:ident in $range:expr, $tile:ident($($arg:expr),*)) => {{
        let range: std::ops::Range<usize> = $range;
        let mut $from = range.start;
        let most = const { rows_of_tile($lanes::MANY, $columns) };
        if most >= 16 {
            while $from + 16 <= range.end {
                $tile::<$lanes, 16, { $columns }>($($arg),*);
                $from += 16;
            }
        }
        if most >= 8 {
            while $from + 8 <= range.end {
                $tile::<$lanes, 8, { $columns }>($($arg),*);
                $from += 8;
            }
        }
        if most == 6 {
            while $from + 6 <= range.end {
                $tile::<$lanes, 6, { $columns }>($($arg),*);
                $from += 6;
            }
        }
        while $from + 4 <= range.end {
            $tile::<$lanes, 4, { $columns }>($($arg),*);
            $from += 4;
        }
        while $from + 2 <= range.end {
            $tile::<$lanes, 2, { $columns }>($($arg),*);
            $from += 2;
        }
        while $from < range.end {
            $tile::<$lanes, 1, { $columns }>($($arg),*);
            $from += 1;
        }
    }};
}

/// Calls `$work` with four, two or one of some panels at a time, or with one if there are few registers.
macro_rules! in_groups {
    ($lanes:ident, $panels:expr, $work:ident($($arg:expr),*)) => {{
        let mut rest: &mut [Panel] = $panels;
        if $lanes::MANY {
            let (fours, after) = rest.as_chunks_mut::<4>();
            for group in fours {
                $work::<$lanes, 4>(group, $($arg),*);
            }
            let (twos, after) = after.as_chunks_mut::<2>();
            for group in twos {
                $work::<$lanes, 2>(group, $($arg),*);
            }
            rest = after;
        }
        for group in rest.as_chunks_mut::<1>().0 {
            $work::<$lanes, 1>(group, $($arg),*);
        }
    }};
}

/// Weights, in numbers, that are used for all outputs of all panels before the next ones: they stay in the cache
/// meanwhile.
const BLOCK: usize = 1 << 16;

/// Some rows of a patch, and of each a range.
type Block = (Range<usize>, Range<usize>);

lanes! {
    /// `y = biases + weights^T · x` for some panels, in whose values `x` and `y` begin at these rows.
    pub(crate) fn forward<S>(
        layer: &Linear,
        used: (&[f32], &[f32]),
        panels: &mut [Panel],
        places: (usize, usize),
    ) {
        let (weights, biases) = used;
        let run = layer.run();
        let block = (BLOCK / layer.outputs).max(WIDTH);
        if run * layer.kernel <= block {
            let all = (0..layer.kernel, 0..run);
            in_groups!(S, panels, forward_block(layer, (weights, &[]), Some(biases), &all, places));
            return;
        }
        let mut start = Some(biases);
        for row in 0..layer.kernel {
            for from in (0..run).step_by(block) {
                let end = run.min(from + block);
                let part = (row..row + 1, from..end);
                let after = &weights[(row * run + end) * layer.outputs..];
                let next = &after[..after.len().min(block * layer.outputs)];
                in_groups!(S, &mut *panels, forward_block(layer, (weights, next), start, &part, places));
                start = None;
            }
        }
    }
}

/// Inputs and outputs of a layer in a panel.
type InOut<'a> = (&'a [Row], &'a mut [Row]);

/// A block of each patch for `P` panels: begun with the biases, or added to what is there. The weights of the
/// next block are fetched meanwhile.
#[inline(always)]
fn forward_block<S: Lanes, const P: usize>(
    panels: &mut [Panel; P],
    layer: &Linear,
    (weights, next): (&[f32], &[f32]),
    biases: Option<&[f32]>,
    block: &Block,
    (x, y): (usize, usize),
) {
    let mut rows: [InOut<'_>; P] = panels.each_mut().map(|panel| {
        let (before, after) = panel.values.split_at_mut(y);
        (&before[x..], after)
    });
    for point_y in 0..layer.out_height() {
        for point_x in 0..layer.out_width() {
            let point = point_y * layer.out_width() + point_x;
            let places = (layer.corner(point_y, point_x), point * layer.outputs);
            let start = (weights, biases, next);
            tiles!(S, P, output in 0..layer.outputs, forward_tile(layer, output, start, block, places, &mut rows));
        }
    }
}

/// `R` outputs of a point, from `first` on, for `P` panels.
#[inline(always)]
fn forward_tile<S: Lanes, const R: usize, const P: usize>(
    layer: &Linear,
    first: usize,
    (weights, biases, next): (&[f32], Option<&[f32]>, &[f32]),
    (rows, range): &Block,
    (corner, point): (usize, usize),
    panels: &mut [InOut<'_>; P],
) {
    let (run, outputs) = (layer.run(), layer.outputs);
    if !next.is_empty() {
        let place = |output: usize| next.len() * output / outputs;
        prefetch(&next[place(first)..place(first + R)]);
    }
    let mut sums = [[S::splat(0.0); P]; R];
    if let Some(biases) = biases {
        let biases: &[f32; R] = biases[first..].first_chunk().expect("biases of the outputs");
        for r in 0..R {
            sums[r] = [S::splat(biases[r]); P];
        }
    } else {
        for p in 0..P {
            let y: &[Row; R] = panels[p].1[point + first..].first_chunk().expect("rows of the outputs");
            for r in 0..R {
                sums[r][p] = S::load(&y[r]);
            }
        }
    }
    let (from, length) = (range.start, range.len());
    for row in rows.clone() {
        let offset = corner + row * layer.width * layer.channels + from;
        let mut x = [&[][..]; P];
        for p in 0..P {
            x[p] = &panels[p].0[offset..][..length];
        }
        let weights = &weights[(row * run + from) * outputs + first..];
        for k in 0..length {
            let column: &[f32; R] = weights[k * outputs..].first_chunk().expect("a row of weights");
            let mut x_k = [S::splat(0.0); P];
            for p in 0..P {
                x_k[p] = S::load(&x[p][k]);
            }
            for r in 0..R {
                let weight = S::splat(column[r]);
                for p in 0..P {
                    sums[r][p] = weight.mul_add(x_k[p], sums[r][p]);
                }
            }
        }
    }
    for p in 0..P {
        let y: &mut [Row; R] = panels[p].1[point + first..].first_chunk_mut().expect("rows of the outputs");
        for r in 0..R {
            sums[r][p].store(&mut y[r]);
        }
    }
}

/// Outputs of a dense layer whose gradients are used for all inputs before the next ones: they stay in the nearest
/// cache meanwhile.
const OUTPUTS: usize = 128;

lanes! {
    /// `d_x = weights · d_y` for some panels, in whose gradients `d_y` and `d_x` begin at these rows; added to
    /// what is there if `adds`.
    pub(crate) fn backward<S>(
        layer: &Linear,
        weights: &[f32],
        panels: &mut [Panel],
        places: (usize, usize),
        adds: bool,
    ) {
        let Linear { outputs, kernel, .. } = *layer;
        // A sum goes through the outputs of one point of the outputs after the other.
        let block = if kernel == 1 { OUTPUTS } else { outputs };
        for from in (0..outputs).step_by(block) {
            let (some, adds) = (from..outputs.min(from + block), adds || from > 0);
            in_groups!(S, &mut *panels, backward_block(layer, weights, &some, places, adds));
        }
    }
}

/// The part of some outputs in the gradient with respect to the inputs, for `P` panels.
#[inline(always)]
fn backward_block<S: Lanes, const P: usize>(
    panels: &mut [Panel; P],
    layer: &Linear,
    weights: &[f32],
    some: &Range<usize>,
    (d_y, d_x): (usize, usize),
    adds: bool,
) {
    let mut rows: [InOut<'_>; P] = panels.each_mut().map(|panel| {
        let (before, after) = panel.gradients.split_at_mut(d_y);
        (&*after, &mut before[d_x..])
    });
    for y in 0..layer.height {
        for x in 0..layer.width {
            tiles!(S, P, channel in 0..layer.channels, backward_tile(layer, (y, x), channel, weights, some, adds, &mut rows));
        }
    }
}

/// `R` channels, from `first` on, of one point of the input, for `P` panels.
#[inline(always)]
fn backward_tile<S: Lanes, const R: usize, const P: usize>(
    layer: &Linear,
    (y, x): (usize, usize),
    first: usize,
    weights: &[f32],
    some: &Range<usize>,
    adds: bool,
    panels: &mut [InOut<'_>; P],
) {
    let Linear { channels, kernel, stride, outputs, .. } = *layer;
    let (height, width) = (layer.out_height(), layer.out_width());
    let place = (y * layer.width + x) * channels + first;
    let mut sums = [[S::splat(0.0); P]; R];
    if adds {
        for p in 0..P {
            let d_x: &[Row; R] = panels[p].1[place..].first_chunk().expect("rows of the channels");
            for r in 0..R {
                sums[r][p] = S::load(&d_x[r]);
            }
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
            let mut d_y = [&[][..]; P];
            for p in 0..P {
                d_y[p] = &panels[p].0[(point_y * width + point_x) * outputs + some.start..][..some.len()];
            }
            let tap = (row * kernel + column) * channels + first;
            let mut taps = [&weights[..0]; R];
            for r in 0..R {
                taps[r] = &weights[(tap + r) * outputs + some.start..][..some.len()];
            }
            for o in 0..some.len() {
                let mut d_y_o = [S::splat(0.0); P];
                for p in 0..P {
                    d_y_o[p] = S::load(&d_y[p][o]);
                }
                for r in 0..R {
                    let weight = S::splat(taps[r][o]);
                    for p in 0..P {
                        sums[r][p] = weight.mul_add(d_y_o[p], sums[r][p]);
                    }
                }
            }
        }
    }
    for p in 0..P {
        let d_x: &mut [Row; R] = panels[p].1[place..].first_chunk_mut().expect("rows of the channels");
        for r in 0..R {
            sums[r][p].store(&mut d_x[r]);
        }
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

/// Panels that the tiles of a gradient sum over one after the other, so that all tiles find them in the
/// cache.
const PANELS: usize = 32;

lanes! {
    /// The gradient with respect to the weights of the rows from `first` on, as many as `d_weights` holds.
    pub(crate) fn weight_gradient<S>(layer: &Linear, over: Summed<'_>, first: usize, d_weights: &mut [f32]) {
        let (mut left, mut goes_on) = (over.panels, false);
        loop {
            let (panels, rest) = left.split_at(PANELS.min(left.len()));
            weight_sums::<S>(layer, (Summed { panels, ..over }, goes_on), first, d_weights);
            if rest.is_empty() {
                return;
            }
            (left, goes_on) = (rest, true);
        }
    }
}

/// The sums over some panels; they go on from those that `d_weights` has.
#[inline(always)]
fn weight_sums<S: Lanes>(layer: &Linear, over: (Summed<'_>, bool), first: usize, d_weights: &mut [f32]) {
    let run = layer.run();
    let end = first + d_weights.len() / layer.outputs;
    let mut from = first;
    while from < end {
        // The rows of a tile lie one after the other in an image.
        let (row, start) = (from / run, from % run);
        let length = (run - start).min(end - from);
        let d_weights = &mut d_weights[(from - first) * layer.outputs..][..length * layer.outputs];
        let blocks = layer.outputs.div_ceil(WIDTH);
        let mut block = 0;
        if S::MANY {
            while block + 3 <= blocks {
                tiles!(S, 3, k in 0..length, weight_tile(layer, over, (row, start, k, block), d_weights));
                block += 3;
            }
        }
        while block < blocks {
            tiles!(S, 1, k in 0..length, weight_tile(layer, over, (row, start, k, block), d_weights));
            block += 1;
        }
        from += length;
    }
}

/// `R` rows and `C` times sixteen columns of the gradient.
#[inline(always)]
fn weight_tile<S: Lanes, const R: usize, const C: usize>(
    layer: &Linear,
    (over, goes_on): (Summed<'_>, bool),
    (row, start, k, first): (usize, usize, usize, usize),
    d_weights: &mut [f32],
) {
    let points = layer.points();
    let offset = row * layer.width * layer.channels + start + k;
    let mut sums = [[S::splat(0.0); C]; R];
    if goes_on {
        for r in 0..R {
            let d_weights = &d_weights[(k + r) * layer.outputs..][..layer.outputs];
            for c in 0..C {
                let d_weights = &d_weights[(first + c) * WIDTH..];
                let mut row = [0.0; WIDTH];
                row.iter_mut().zip(d_weights).for_each(|(x, d_weight)| *x = *d_weight);
                sums[r][c] = S::load(&row);
            }
        }
    }
    for panel in over.panels {
        let (mut inputs, mut gradients) = (over.inputs.0 + offset, over.gradients.0 + first * points * WIDTH);
        for _ in 0..over.taus {
            let from = &panel.values[inputs..];
            let mut blocks = [&[][..]; C];
            for c in 0..C {
                blocks[c] = &panel.transposed[gradients + c * points * WIDTH..][..points * WIDTH];
            }
            (inputs, gradients) = (inputs + over.inputs.1, gradients + over.gradients.1);
            for y in 0..layer.out_height() {
                for x in 0..layer.out_width() {
                    let from: &[Row; R] =
                        from[layer.corner(y, x)..].first_chunk().expect("a patch of the picture");
                    let point = (y * layer.out_width() + x) * WIDTH;
                    let mut to = [&[[0.0; WIDTH]; WIDTH]; C];
                    for c in 0..C {
                        to[c] = blocks[c][point..].first_chunk().expect("rows of a point");
                    }
                    for s in 0..panel.samples.min(WIDTH) {
                        let mut gradient = [S::splat(0.0); C];
                        for c in 0..C {
                            gradient[c] = S::load(&to[c][s]);
                        }
                        for r in 0..R {
                            let input = S::splat(from[r][s]);
                            for c in 0..C {
                                sums[r][c] = input.mul_add(gradient[c], sums[r][c]);
                            }
                        }
                    }
                }
            }
        }
    }
    for r in 0..R {
        let d_weights = &mut d_weights[(k + r) * layer.outputs..][..layer.outputs];
        for c in 0..C {
            let d_weights = &mut d_weights[(first + c) * WIDTH..];
            if let Some(row) = d_weights.first_chunk_mut() {
                sums[r][c].store(row);
            } else {
                let mut row = [0.0; WIDTH];
                sums[r][c].store(&mut row);
                d_weights.iter_mut().zip(row).for_each(|(d_weight, x)| *d_weight = x);
            }
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
