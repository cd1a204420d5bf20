//! The masks of dropout: a bit for each unit and sample, drawn before a pass, and their use in panels.

use crate::lanes::{Row, WIDTH};
use crate::plan::{Kind, Part};
use potstill_core::{Pcg64, wide};
use std::ops::Range;

/// The samples, of sixteen, in which a unit is kept: a bit for each.
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
    part.ops.iter().filter(|op| matches!(op.kind, Kind::Activation(..))).map(|op| op.to.clone())
}

impl Masks {
    /// Forgets the masks: the pass has none.
    pub(crate) fn clear(&mut self) {
        self.kept.clear();
    }

    /// Draws masks for so many samples of a part with so many inputs, of which, and of whose hidden units, these shares
    /// are left out.
    pub(crate) fn draw(&mut self, part: &Part, inputs: usize, samples: usize, of: [f64; 2], rng: &mut Pcg64) {
        self.kept.clear();
        let count = |probability: f64, units: usize| if probability > 0.0 { units } else { 0 };
        self.inputs = count(of[0], inputs);
        let hidden = hidden_layers(part).map(|rows| rows.len()).sum();
        self.each = self.inputs + count(of[1], hidden);
        [self.input_scale, self.hidden_scale] = of.map(|probability| (1.0 / (1.0 - probability)) as f32);
        self.kept.reserve(samples.div_ceil(WIDTH) * self.each + 4);
        for _ in 0..samples.div_ceil(WIDTH) {
            let first = self.kept.len();
            draw_bits(1.0 - of[0], self.inputs, rng, &mut self.kept);
            draw_bits(1.0 - of[1], first + self.each - self.kept.len(), rng, &mut self.kept);
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
