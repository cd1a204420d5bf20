//! Augmentation: random changes of training images, and mixtures of samples.
//!
//! | key | change | source |
//! |---|---|---|
//! | `jitter_pixels` | a shift by up to so many pixels each way, the border filled with 0: the same as a random crop of the image after padding it with so many zeros | Hinton et al. 2015, section 3; He et al. 2016, section 4.2 |
//! | `horizontal_flip` | left and right exchanged with probability 1/2 | He et al. 2016, section 4.2 |
//! | `mixup` | `lambda x_i + (1 - lambda) x_j` with the loss `lambda L(y_i) + (1 - lambda) L(y_j)`; `j` from a permutation of the minibatch, one `lambda` of `Beta(alpha, alpha)` for all of it | Zhang et al. 2018, equation 2 and its program |
//!
//! A live teacher sees the changed inputs. Recorded answers are of the samples as they are, and refused.
//!
//! ```
//! use potstill::distill::augmentation::{flip, shift};
//!
//! let (image, mut moved) = ([1.0, 2.0, 3.0, 4.0], [0.0; 4]);
//! // Two rows of two pixels, one channel.
//! shift(&image, [2, 2, 1], 1, 0, &mut moved);
//! assert_eq!(moved, [0.0, 1.0, 0.0, 3.0]);
//! flip(&mut moved, [2, 2, 1]);
//! assert_eq!(moved, [1.0, 0.0, 3.0, 0.0]);
//! ```

use potstill_core::snapshot::OnlyIf;
use potstill_core::{Pcg64, Streams, math, snapshot};

/// The kinds of changes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Changes {
    /// The largest shift, in pixels, 0 for none.
    pub jitter_pixels: usize,
    /// Exchanges left and right of half of the images.
    pub horizontal_flip: bool,
    /// The alpha of mixup, 0 for none.
    pub mixup: f64,
}

impl Changes {
    /// Returns true if inputs differ from epoch to epoch.
    pub fn are_any(self) -> bool {
        self.jitter_pixels > 0 || self.draws()
    }

    /// Returns true if there are others than shifts.
    fn draws(self) -> bool {
        self.horizontal_flip || self.mixup > 0.0
    }
}

/// The random changes of a training's samples.
#[derive(Clone, Debug)]
pub struct Augmentation {
    changes: Changes,
    jitter: Pcg64,
    /// Of flips and mixtures.
    random: Pcg64,
    /// The samples that those of the last minibatch are mixed with, and the share of the sample itself.
    partners: Vec<usize>,
    share: f32,
    before: Vec<f32>,
}

impl Augmentation {
    /// These changes, with their streams.
    pub fn new(changes: Changes, streams: &Streams) -> Self {
        Self {
            changes,
            jitter: streams.stream("jitter"),
            random: streams.stream("augmentation"),
            partners: Vec::new(),
            share: 1.0,
            before: Vec::new(),
        }
    }

    /// Copies a sample of this height, width and channels into `row`, changed at random.
    pub fn copy(&mut self, sample: &[f32], shape: [usize; 3], row: &mut [f32]) {
        if self.changes.jitter_pixels == 0 {
            row.copy_from_slice(sample);
        } else {
            let pixels = self.changes.jitter_pixels;
            let mut by = || self.jitter.below(2 * pixels + 1) as isize - pixels as isize;
            let (right, down) = (by(), by());
            shift(sample, shape, right, down, row);
        }
        if self.changes.horizontal_flip && self.random.below(2) == 1 {
            flip(row, shape);
        }
    }

    /// Mixes the samples of a minibatch, `samples x features`, with each other, if mixup is on.
    pub fn mix(&mut self, samples: usize, inputs: &mut [f32]) {
        if self.changes.mixup == 0.0 {
            return;
        }
        let share = beta(self.changes.mixup, &mut self.random);
        self.partners.clear();
        self.partners.extend(0..samples);
        self.random.shuffle(&mut self.partners);
        self.share = share as f32;
        self.before.clear();
        self.before.extend_from_slice(inputs);
        let features = inputs.len() / samples;
        for (row, &partner) in inputs.chunks_exact_mut(features).zip(&self.partners) {
            let other = &self.before[partner * features..][..features];
            row.iter_mut()
                .zip(other)
                .for_each(|(x, other)| *x = self.share * *x + (1.0 - self.share) * other);
        }
    }

    /// The labels of the last minibatch's partners, and the share of a sample's own label; `None` without mixup.
    pub fn mixed_labels(&self, labels: &[usize]) -> Option<(Vec<usize>, f32)> {
        let others = || self.partners.iter().map(|&partner| labels[partner]).collect();
        (self.changes.mixup > 0.0).then(|| (others(), self.share))
    }
}

snapshot! {
    impl Restorable for Augmentation {
        saved: jitter, random as "augmentation" via OnlyIf(changes.draws());
        built: changes, partners, share, before;
    }
}

/// Shifts an image of `[height, width, channels]` by `right` and `down` pixels into `moved`, which has its size; the border
/// is filled with 0.
///
/// # Panics
/// If one of the images has another size.
pub fn shift(image: &[f32], shape: [usize; 3], right: isize, down: isize, moved: &mut [f32]) {
    let [height, width, channels] = shape;
    let size = height * width * channels;
    assert!(size > 0 && (image.len(), moved.len()) == (size, size), "two images of {shape:?}");
    moved.fill(0.0);
    // Columns of the image that are still in it.
    let (first, last) =
        ((-right).clamp(0, width as isize), (width as isize - right).clamp(0, width as isize));
    if first >= last {
        return;
    }
    let (from, count) = (first as usize, (last - first) as usize);
    let to = (first + right) as usize;
    for row in 0..height {
        let Some(source) = row.checked_add_signed(-down).filter(|&source| source < height) else { continue };
        let source = &image[(source * width + from) * channels..][..count * channels];
        moved[(row * width + to) * channels..][..count * channels].copy_from_slice(source);
    }
}

/// Exchanges left and right of an image of `[height, width, channels]`.
///
/// # Panics
/// If the image has another size.
pub fn flip(image: &mut [f32], shape: [usize; 3]) {
    let [height, width, channels] = shape;
    assert!(image.len() == height * width * channels && channels > 0, "an image of {shape:?}");
    for row in image.chunks_exact_mut(width * channels) {
        for column in 0..width / 2 {
            let (left, right) = row.split_at_mut((width - 1 - column) * channels);
            left[column * channels..][..channels].swap_with_slice(&mut right[..channels]);
        }
    }
}

/// A number of the distribution `Beta(alpha, alpha)`: `G_1 / (G_1 + G_2)` of two numbers of a gamma distribution, by their
/// logarithms, so that no alpha gives 0 / 0.
fn beta(alpha: f64, rng: &mut Pcg64) -> f64 {
    let (first, second) = (ln_gamma_variate(alpha, rng), ln_gamma_variate(alpha, rng));
    1.0 / (1.0 + math::exp_f64(second - first))
}

/// The logarithm of a number of the gamma distribution of this shape (Marsaglia and Tsang 2000, with their section 6 for
/// shapes below 1).
fn ln_gamma_variate(shape: f64, rng: &mut Pcg64) -> f64 {
    // In (0, 1].
    let ln_unit = |rng: &mut Pcg64| math::ln_f64(1.0 - rng.unit());
    if shape < 1.0 {
        return ln_unit(rng) / shape + ln_gamma_variate(shape + 1.0, rng);
    }
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = rng.normal();
        let base = 1.0 + c * x;
        if base <= 0.0 {
            continue;
        }
        let v = base * base * base;
        let ln_v = math::ln_f64(v);
        if ln_unit(rng) < 0.5 * x * x + d - d * v + d * ln_v {
            return math::ln_f64(d) + ln_v;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shift_moves_whole_pixels_right_and_down() {
        let image: Vec<f32> = (1..=12).map(|i| i as f32).collect();
        let check = |shape: [usize; 3], by: (isize, isize), expected: &[f32]| {
            let mut moved = vec![9.0; expected.len()];
            shift(&image[..expected.len()], shape, by.0, by.1, &mut moved);
            assert_eq!(moved, expected, "{shape:?} {by:?}");
        };
        check([2, 3, 1], (0, 0), &image[..6]);
        check([2, 3, 1], (1, 0), &[0.0, 1.0, 2.0, 0.0, 4.0, 5.0]);
        check([2, 3, 1], (-1, 1), &[0.0, 0.0, 0.0, 2.0, 3.0, 0.0]);
        check([2, 3, 1], (3, 0), &[0.0; 6]);
        check([2, 3, 1], (-9, 0), &[0.0; 6]);
        check([2, 3, 1], (0, -2), &[0.0; 6]);
        // Colours stay together.
        check([2, 2, 3], (1, 0), &[0.0, 0.0, 0.0, 1.0, 2.0, 3.0, 0.0, 0.0, 0.0, 7.0, 8.0, 9.0]);
        check([2, 2, 3], (-1, -1), &[10.0, 11.0, 12.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn flip_exchanges_columns() {
        let check = |shape: [usize; 3], expected: &[f32]| {
            let mut image: Vec<f32> = (1..=expected.len()).map(|i| i as f32).collect();
            flip(&mut image, shape);
            assert_eq!(image, expected, "{shape:?}");
        };
        check([2, 3, 1], &[3.0, 2.0, 1.0, 6.0, 5.0, 4.0]);
        check([1, 2, 3], &[4.0, 5.0, 6.0, 1.0, 2.0, 3.0]);
        check([3, 1, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    }

    #[test]
    fn shares_have_the_moments_of_a_beta_distribution() {
        // Mean 1/2, variance 1 / (4 (2 alpha + 1)).
        for alpha in [0.2_f64, 1.0, 4.0, 50.0] {
            let mut rng = Pcg64::new(1);
            let shares: Vec<f64> = (0..40_000).map(|_| beta(alpha, &mut rng)).collect();
            assert!(shares.iter().all(|share| (0.0..=1.0).contains(share)));
            let mean = shares.iter().sum::<f64>() / 4e4;
            let variance = shares.iter().map(|x| (x - 0.5) * (x - 0.5)).sum::<f64>() / 4e4;
            let expected = 1.0 / (4.0 * (2.0 * alpha + 1.0));
            // Five standard errors of the mean; the variance's is below 1 % of it.
            assert!((mean - 0.5).abs() < 5.0 * (expected / 4e4).sqrt(), "{alpha}: {mean}");
            assert!((variance / expected - 1.0).abs() < 0.04, "{alpha}: {variance} {expected}");
        }
        for alpha in [1e-30, 1e-3, 1e30] {
            let share = beta(alpha, &mut Pcg64::new(2));
            assert!((0.0..=1.0).contains(&share), "{alpha}: {share}");
        }
    }

    #[test]
    fn a_mixture_is_of_two_samples_and_their_labels() {
        let changes = Changes { mixup: 1.0, ..Changes::default() };
        let mut augmentation = Augmentation::new(changes, &Streams::new(3));
        // Sample i is 2^i in its first feature, 1 in its second.
        let mut inputs: Vec<f32> = (0..6).flat_map(|i| [f32::from(1_u8 << i), 1.0]).collect();
        augmentation.mix(6, &mut inputs);
        let labels = [0, 1, 2, 3, 4, 5];
        let (others, share) = augmentation.mixed_labels(&labels).unwrap();
        let mut sorted = others.clone();
        sorted.sort_unstable();
        assert!(sorted == labels && others != labels && share > 0.0 && share < 1.0);
        for (i, other) in others.iter().enumerate() {
            let expected = share * f32::from(1_u8 << i) + (1.0 - share) * f32::from(1_u8 << other);
            assert!((inputs[2 * i] - expected).abs() < 1e-5 && (inputs[2 * i + 1] - 1.0).abs() < 1e-6);
        }
    }

    #[test]
    fn half_of_the_images_are_flipped() {
        let changes = Changes { horizontal_flip: true, ..Changes::default() };
        let mut augmentation = Augmentation::new(changes, &Streams::new(3));
        let mut row = [0.0; 2];
        let flipped = (0..1000).filter(|_| {
            augmentation.copy(&[1.0, 2.0], [1, 2, 1], &mut row);
            row == [2.0, 1.0]
        });
        // Five deviations of 1000 coins.
        let flipped = flipped.count();
        assert!((420..580).contains(&flipped), "{flipped}");
    }
}
