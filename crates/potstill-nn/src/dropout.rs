//! Dropout (Srivastava et al. 2014; Hinton et al. 2012): each input and each hidden unit of a training pass is
//! left out with a probability, and what is left is scaled up by one over the probability of staying ("inverted
//! dropout"), so that expected values are those of a pass without it.
//!
//! A pass with dropout is one that a backward pass follows: [`Network::forward_dropout`]. Predictions have none.
//! In a network that takes probabilities (an implicit distribution) only the layers before these come in have it.

use crate::lanes::{Row, WIDTH};
use crate::network::Network;
use crate::plan::{Kind, Part};
use crate::workspace::Workspace;
use potstill_core::{Pcg64, wide};
use std::ops::Range;

/// The probabilities of leaving out an input and a hidden unit, each 0 or above and below 1.
///
/// ```
/// use potstill_core::Pcg64;
/// use potstill_nn::{Dropout, NetworkSpec, Workspace};
///
/// let mut network = "mlp".parse::<NetworkSpec>()?.build(1, 1, &mut Pcg64::new(1));
/// network.update_parameters(|parameters| parameters.copy_from_slice(&[3.0, 0.0]));
/// let (mut workspace, mut rng) = (Workspace::default(), Pcg64::new(2));
/// let dropout = Dropout { inputs: 0.25, hidden: 0.0 };
/// // Three times 1, or three times 4/3 with probability 3/4.
/// let outputs = network.forward_dropout(&[1.0; 1000], dropout, &mut rng, &mut workspace);
/// assert!(outputs.iter().all(|&y| y == 0.0 || y == 4.0));
/// assert!((outputs.iter().sum::<f32>() / 1000.0 - 3.0).abs() < 0.2);
/// # Ok::<(), potstill_nn::spec::SpecError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Dropout {
    /// The probability of leaving out an input.
    pub inputs: f64,
    /// The probability of leaving out a unit of a hidden layer, after its nonlinearity.
    pub hidden: f64,
}

impl Dropout {
    /// Returns true if nothing is left out.
    pub fn is_off(self) -> bool {
        self.inputs == 0.0 && self.hidden == 0.0
    }
}

/// Which of its sixteen samples a unit is kept in, a bit for each.
type Kept = u16;

/// The masks of the last pass.
#[derive(Clone, Debug, Default)]
pub(crate) struct Masks {
    /// For each panel its inputs, then the units of its hidden layers, as far as they have dropout; empty if the
    /// pass had none.
    kept: Vec<Kept>,
    /// Masks of a panel, and those of its inputs among them.
    each: usize,
    inputs: usize,
    /// The factors of what is kept.
    input_scale: f32,
    hidden_scale: f32,
}

/// The masks of one panel.
#[derive(Clone, Copy)]
pub(crate) struct PanelMasks<'a> {
    inputs: &'a [Kept],
    hidden: &'a [Kept],
    input_scale: f32,
    hidden_scale: f32,
}

/// The rows of the hidden layers of a part, in the order of their masks.
fn hidden_layers(part: &Part) -> impl Iterator<Item = Range<usize>> {
    part.ops.iter().filter(|op| matches!(op.kind, Kind::Activation(_))).map(|op| op.to.clone())
}

impl Masks {
    /// Forgets the masks: the pass has none.
    pub(crate) fn clear(&mut self) {
        self.kept.clear();
    }

    /// Draws masks for so many samples.
    fn draw(&mut self, network: &Network, dropout: Dropout, samples: usize, rng: &mut Pcg64) {
        self.kept.clear();
        let count = |probability: f64, units: usize| if probability > 0.0 { units } else { 0 };
        self.inputs = count(dropout.inputs, network.inputs());
        let hidden = hidden_layers(&network.plan().trunk).map(|rows| rows.len()).sum();
        self.each = self.inputs + count(dropout.hidden, hidden);
        self.input_scale = (1.0 / (1.0 - dropout.inputs)) as f32;
        self.hidden_scale = (1.0 / (1.0 - dropout.hidden)) as f32;
        self.kept.reserve(samples.div_ceil(WIDTH) * self.each + 4);
        for _ in 0..samples.div_ceil(WIDTH) {
            let first = self.kept.len();
            draw_bits(1.0 - dropout.inputs, self.inputs, rng, &mut self.kept);
            draw_bits(1.0 - dropout.hidden, first + self.each - self.kept.len(), rng, &mut self.kept);
        }
    }

    /// The masks of a panel, if the pass has any.
    pub(crate) fn of_panel(&self, panel: usize) -> Option<PanelMasks<'_>> {
        if self.kept.is_empty() {
            return None;
        }
        let (inputs, hidden) = self.kept[panel * self.each..][..self.each].split_at(self.inputs);
        let Self { input_scale, hidden_scale, .. } = *self;
        Some(PanelMasks { inputs, hidden, input_scale, hidden_scale })
    }
}

impl PanelMasks<'_> {
    /// Leaves out inputs, or their gradients.
    pub(crate) fn drop_inputs(&self, rows: &mut [Row]) {
        if !self.inputs.is_empty() {
            leave_out(self.inputs, self.input_scale, rows);
        }
    }

    /// Leaves out units of the layer whose rows begin at `first` in `part`, or their gradients.
    pub(crate) fn drop_units(&self, part: &Part, first: usize, rows: &mut [Row]) {
        if !self.hidden.is_empty() {
            let before: usize =
                hidden_layers(part).take_while(|other| other.start < first).map(|r| r.len()).sum();
            leave_out(&self.hidden[before..][..rows.len()], self.hidden_scale, rows);
        }
    }

    /// The factor of the units that are kept.
    pub(crate) fn hidden_scale(&self) -> f32 {
        if self.hidden.is_empty() { 1.0 } else { self.hidden_scale }
    }
}

/// Multiplies what is kept by `scale`, and sets the rest to 0.
fn leave_out(kept: &[Kept], scale: f32, rows: &mut [Row]) {
    wide::run(
        #[inline(always)]
        || {
            for (kept, row) in kept.iter().zip(rows) {
                for s in 0..WIDTH {
                    row[s] = if kept >> s & 1 == 1 { row[s] * scale } else { 0.0 };
                }
            }
        },
    );
}

/// The gradient with respect to the input of a tanh whose outputs `y` were left out or multiplied by `scale`
/// afterwards: where they were left out, `d_y` is 0.
pub(crate) fn scaled_tanh_backward(scale: f32, y: &[f32], d_y: &[f32], d_x: &mut [f32]) {
    wide::run(
        #[inline(always)]
        || {
            for ((d_x, &d_y), &y) in d_x.iter_mut().zip(d_y).zip(y) {
                let y = y / scale;
                *d_x = d_y * (1.0 - y * y);
            }
        },
    );
}

/// Appends `count` masks, each bit of which is 1 with this probability, exact to 2^-32. Sixty-four bits are
/// compared with the probability at a time, from their first binary digit on, until all differ from it: a
/// probability of a half takes one random word.
fn draw_bits(probability: f64, count: usize, rng: &mut Pcg64, masks: &mut Vec<Kept>) {
    const DIGITS: u32 = 32;
    let threshold = (probability * 4_294_967_296.0).round() as u64;
    let end = masks.len() + count;
    while masks.len() < end {
        let (mut below, mut equal) = (if threshold >> DIGITS == 1 { u64::MAX } else { 0 }, u64::MAX);
        let mut rest = threshold & ((1 << DIGITS) - 1);
        let mut digit = DIGITS;
        // What is still equal when only zeros are left is not below.
        while rest != 0 && equal != 0 {
            digit -= 1;
            let random = rng.next_u64();
            if rest >> digit & 1 == 1 {
                below |= equal & !random;
                equal &= random;
                rest &= !(1 << digit);
            } else {
                equal &= !random;
            }
        }
        let four = [below as Kept, (below >> 16) as Kept, (below >> 32) as Kept, (below >> 48) as Kept];
        masks.extend_from_slice(&four[..(end - masks.len()).min(4)]);
    }
}

impl Network {
    /// The outputs as [`forward`](Network::forward) gives them, with dropout: masks are drawn from `rng` before
    /// the pass, the same ones for any number of threads, and [`backward`](Network::backward) uses them again.
    /// [Activations](Network::activations) of hidden layers are those after dropout.
    pub fn forward_dropout<'w>(
        &self,
        batch: &[f32],
        dropout: Dropout,
        rng: &mut Pcg64,
        workspace: &'w mut Workspace,
    ) -> &'w [f32] {
        if dropout.is_off() {
            return self.forward(batch, workspace);
        }
        let mut masks = std::mem::take(&mut workspace.masks);
        masks.draw(self, dropout, batch.len() / self.inputs(), rng);
        self.forward_masked(batch, masks, workspace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{NetworkSpec, Workers, loss};

    fn network(spec: &str, inputs: impl Into<crate::Inputs>, outputs: usize) -> Network {
        spec.parse::<NetworkSpec>().unwrap().build(inputs, outputs, &mut Pcg64::new(3))
    }

    fn noise(length: usize, rng: &mut Pcg64) -> Vec<f32> {
        (0..length).map(|_| rng.uniform(-1.0, 1.0) as f32).collect()
    }

    #[test]
    fn bits_have_their_probability() {
        for probability in [0.5, 0.8, 0.25, 0.3, 0.999, 1.0, 0.01] {
            let (mut masks, mut rng) = (Vec::new(), Pcg64::new(7));
            draw_bits(probability, 20_001, &mut rng, &mut masks);
            assert_eq!(masks.len(), 20_001);
            let bits = 16.0 * 20_001.0;
            // Each of the sixteen samples, within five standard errors.
            for s in 0..16 {
                let ones = masks.iter().filter(|&mask| mask >> s & 1 == 1).count() as f64 / 20_001.0;
                let error = (probability * (1.0 - probability) / 20_001.0_f64).sqrt();
                assert!((ones - probability).abs() <= 5.0 * error, "{probability} {s}: {ones}");
            }
            // Neighbouring units agree as often as independent ones: p^2 + (1 - p)^2.
            let pairs = masks.windows(2).map(|pair| (!(pair[0] ^ pair[1])).count_ones());
            let agree = f64::from(pairs.sum::<u32>()) / (bits - 16.0);
            let expected = probability * probability + (1.0 - probability) * (1.0 - probability);
            assert!((agree - expected).abs() < 5e-3, "{probability}: {agree}");
        }
    }

    #[test]
    fn a_half_takes_one_word_for_four_masks() {
        let (mut masks, mut rng, mut other) = (Vec::new(), Pcg64::new(7), Pcg64::new(7));
        draw_bits(0.5, 5, &mut rng, &mut masks);
        let [first, second] = [!other.next_u64(), !other.next_u64()];
        // Below a half is a first binary digit of 0.
        let word = |word: u64, i: u32| (word >> (16 * i)) as u16;
        assert_eq!(masks, [word(first, 0), word(first, 1), word(first, 2), word(first, 3), word(second, 0)]);
        assert_eq!(rng, other);
    }

    #[test]
    fn two_units_by_hand() {
        // y = 1 relu(2 x) + 10 relu(3 x) + 0.5 at x = 1 with a half of the units: 2 y_1 + 20 y_2 of what is kept.
        let mut net = network("mlp:2", 1, 1);
        net.update_parameters(|p| p.copy_from_slice(&[2.0, 3.0, 0.0, 0.0, 1.0, 10.0, 0.5]));
        let (mut workspace, mut rng) = (Workspace::default(), Pcg64::new(1));
        let dropout = Dropout { inputs: 0.0, hidden: 0.5 };
        let outputs = net.forward_dropout(&[1.0; 64], dropout, &mut rng, &mut workspace).to_vec();
        for possible in [0.5, 4.5, 60.5, 64.5] {
            assert!(outputs.contains(&possible), "{possible} is not in {outputs:?}");
        }
        assert!(outputs.iter().all(|y| [0.5, 4.5, 60.5, 64.5].contains(y)));
        // The gradient of each output: 2 relu(2), 2 relu(3) where they are kept, 1 for the bias.
        let mut gradient = vec![0.0; 7];
        net.backward(&[1.0; 64], &mut workspace, &mut gradient);
        let kept = |ys: [f32; 2]| outputs.iter().filter(|y| ys.contains(y)).count() as f32;
        let (first, second) = (kept([4.5, 64.5]), kept([60.5, 64.5]));
        assert_eq!(
            gradient,
            [2.0 * first, 20.0 * second, 2.0 * first, 20.0 * second, 4.0 * first, 6.0 * second, 64.0]
        );
    }

    #[test]
    fn the_expected_output_is_that_without_dropout() {
        let net = network("mlp", 20, 3);
        let x = noise(20, &mut Pcg64::new(5));
        let expected = net.predict(&x, &mut Workspace::default()).to_vec();
        let (mut workspace, mut rng, mut sums) = (Workspace::default(), Pcg64::new(6), [0.0_f64; 3]);
        let batch: Vec<f32> = x.iter().copied().cycle().take(20 * 500).collect();
        for _ in 0..40 {
            let dropout = Dropout { inputs: 0.2, hidden: 0.5 };
            let outputs = net.forward_dropout(&batch, dropout, &mut rng, &mut workspace);
            outputs.chunks_exact(3).for_each(|row| (0..3).for_each(|o| sums[o] += f64::from(row[o])));
        }
        // The deviation of one output is about 0.3: five standard errors of 20,000 are 0.01.
        for (sum, expected) in sums.iter().zip(expected) {
            assert!((sum / 20_000.0 - f64::from(expected)).abs() < 0.01, "{sum} {expected}");
        }
    }

    #[test]
    fn predictions_and_passes_without_dropout_are_as_before() {
        let net = network("mlp:17,9:tanh", 12, 4);
        let batch = noise(12 * 37, &mut Pcg64::new(5));
        let mut workspace = Workspace::default();
        let expected = net.forward(&batch, &mut workspace).to_vec();
        let dropout = Dropout { inputs: 0.3, hidden: 0.4 };
        let mut rng = Pcg64::new(6);
        assert_ne!(net.forward_dropout(&batch, dropout, &mut rng, &mut workspace), expected);
        let drawn = rng.clone();
        assert_eq!(net.predict(&batch, &mut workspace), expected);
        assert_eq!(net.predict(&batch[..24], &mut workspace), &expected[..8]);
        assert_eq!(net.forward_dropout(&batch, Dropout::default(), &mut rng, &mut workspace), expected);
        // Nothing is drawn when it is off.
        assert_eq!(rng, drawn);
    }

    #[test]
    fn gradients_are_those_of_the_same_masks() {
        let dropout = Dropout { inputs: 0.2, hidden: 0.5 };
        for (spec, shape) in [
            ("mlp:9,7", [1, 1, 12]),
            ("mlp:9,7:tanh", [1, 1, 12]),
            ("mlp:9,7:gelu:layernorm", [1, 1, 12]),
            ("mlp:9,6:silu:dueling", [1, 1, 12]),
            ("cnn:3x2,max2,8:tanh", [5, 5, 2]),
        ] {
            let (net, inputs) = (network(spec, shape, 3), shape.iter().product::<usize>());
            let batch = noise(21 * inputs, &mut Pcg64::new(5));
            let weights = noise(21 * 3, &mut Pcg64::new(8));
            // The loss is a weighted sum of the outputs, the masks always those of one state of the generator.
            let loss = |net: &Network, batch: &[f32]| {
                let mut workspace = Workspace::default();
                let outputs = net.forward_dropout(batch, dropout, &mut Pcg64::new(11), &mut workspace);
                outputs.iter().zip(&weights).map(|(y, w)| f64::from(*y) * f64::from(*w)).sum::<f64>()
            };
            let mut workspace = Workspace::default();
            net.forward_dropout(&batch, dropout, &mut Pcg64::new(11), &mut workspace);
            let (mut gradient, mut d_batch) = (vec![0.0; net.parameters().len()], vec![0.0; batch.len()]);
            net.backward_from((&*weights).into(), &mut workspace, Some(&mut gradient), Some(&mut d_batch));
            // Single precision and kinks: a small step, and the median of the relative errors.
            let step = 4e-3_f32;
            let check = |what: &str, count: usize, got: &[f32], moved: &dyn Fn(usize, f32) -> f64| {
                let scale = got.iter().fold(0.0_f32, |most, g| most.max(g.abs()));
                let errors = (0..count).map(|i| {
                    let slope = (moved(i, step) - moved(i, -step)) / (2.0 * f64::from(step));
                    (slope - f64::from(got[i])).abs() / f64::from(scale)
                });
                let mut errors: Vec<f64> = errors.collect();
                errors.sort_by(f64::total_cmp);
                let most = errors[errors.len() * 9 / 10];
                assert!(most < 5e-3, "{spec}, {what}: {most}");
            };
            check("parameters", gradient.len(), &gradient, &|i, by| {
                let mut net = net.clone();
                net.update_parameters(|p| p[i] += by);
                loss(&net, &batch)
            });
            check("inputs", inputs * 2, &d_batch, &|i, by| {
                let mut batch = batch.clone();
                batch[i] += by;
                loss(&net, &batch)
            });
        }
    }

    #[test]
    fn every_number_of_threads_gives_the_same_bits() {
        let net = network("mlp:200,200", 100, 10);
        let batch = noise(100 * 128, &mut Pcg64::new(5));
        let labels: Vec<usize> = (0..128).map(|i| i % 10).collect();
        let gradient = |threads| {
            let (mut workspace, mut rng) = (Workspace::new(Workers::new(threads)), Pcg64::new(4));
            let dropout = Dropout { inputs: 0.2, hidden: 0.5 };
            let logits = net.forward_dropout(&batch, dropout, &mut rng, &mut workspace);
            let (mut d_logits, mut gradient) = (vec![0.0; logits.len()], vec![0.0; net.parameters().len()]);
            loss::cross_entropy(logits, &labels, &mut d_logits);
            net.backward(&d_logits, &mut workspace, &mut gradient);
            gradient.iter().map(|g| g.to_bits()).collect::<Vec<_>>()
        };
        let alone = gradient(1);
        assert!((2..4).all(|threads| gradient(threads) == alone));
    }
}
