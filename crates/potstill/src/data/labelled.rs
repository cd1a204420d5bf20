//! Labelled images, and the handwritten digits that come with the crate.
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::data::Dataset;
//!
//! let digits = Dataset::digits();
//! assert_eq!((digits.len(), digits.features, digits.classes), (1797, 64, 10));
//! let (train, test) = digits.split(500, &mut Streams::new(0).stream("split"));
//! assert_eq!((train.len(), test.len()), (1297, 500));
//! ```

use potstill_core::Pcg64;
use potstill_nn::{Ends, NetworkSpec};
use std::sync::Arc;

/// Labelled samples: `samples x features` values, or a text, and one label each.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// Height, width and channels of a sample; `[1, 1, features]` if it is no image.
    pub shape: [usize; 3],
    /// Values per sample; 0 of texts.
    pub features: usize,
    /// The number of classes; labels are below it. None of a regression.
    pub classes: usize,
    /// `samples x features`.
    pub inputs: Vec<f32>,
    /// The text of each sample; empty if they are numbers.
    pub texts: Vec<Arc<str>>,
    /// The class of each sample; empty of a regression.
    pub labels: Vec<usize>,
    /// The scaled value of each sample that a regression learns; empty of classes.
    pub values: Vec<f32>,
}

impl Dataset {
    /// The number of samples.
    pub fn len(&self) -> usize {
        self.labels.len() + self.values.len()
    }

    /// Returns true if there is no sample.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns true if the samples are texts.
    pub fn is_texts(&self) -> bool {
        !self.texts.is_empty()
    }

    /// The same samples with the means of texts, `samples x width`, as inputs.
    ///
    /// # Panics
    /// If their number is another.
    #[must_use]
    pub fn embedded(&self, means: Vec<f32>) -> Self {
        let features = means.len() / self.len();
        assert_eq!(features * self.len(), means.len(), "a mean of each sample");
        let (labels, values) = (self.labels.clone(), self.values.clone());
        Self { shape: [1, 1, features], features, inputs: means, texts: Vec::new(), labels, values, ..*self }
    }

    /// One sample.
    pub fn input(&self, index: usize) -> &[f32] {
        &self.inputs[index * self.features..][..self.features]
    }

    /// The ends of a network of this form on these samples: images keep their shape where a network begins with convolutions.
    pub fn ends(&self, spec: &NetworkSpec) -> Ends {
        match spec.stages.is_empty() {
            true => Ends::new(self.features, self.classes.max(1)),
            false => Ends::new(self.shape, self.classes.max(1)),
        }
    }

    /// Splits at random into `test` samples to test on and the rest to train on: `(train, test)`.
    ///
    /// # Panics
    /// If nothing is left to train on.
    pub fn split(&self, test: usize, rng: &mut Pcg64) -> (Self, Self) {
        assert!(test < self.len(), "something to train on");
        let mut order: Vec<usize> = (0..self.len()).collect();
        rng.shuffle(&mut order);
        let (test, train) = order.split_at(test);
        (self.select(train), self.select(test))
    }

    /// The samples at these indices, in their order.
    pub(crate) fn select(&self, indices: &[usize]) -> Self {
        Self {
            inputs: indices.iter().flat_map(|&i| self.input(i)).copied().collect(),
            texts: picked(&self.texts, indices),
            labels: picked(&self.labels, indices),
            values: picked(&self.values, indices),
            ..*self
        }
    }
}

/// The elements at these indices; none of none.
fn picked<T: Clone>(all: &[T], indices: &[usize]) -> Vec<T> {
    if all.is_empty() { Vec::new() } else { indices.iter().map(|&i| all[i].clone()).collect() }
}

/// Shifts an image of rows of `width` pixels by `right` and `down` pixels into `moved`, which has its size; the border is
/// filled with 0.
///
/// # Panics
/// If the image is not of whole rows, or `moved` has another size.
pub fn shift(image: &[f32], width: usize, right: isize, down: isize, moved: &mut [f32]) {
    assert!(
        width > 0 && image.len().is_multiple_of(width) && moved.len() == image.len(),
        "an image of whole rows"
    );
    let height = image.len() / width;
    for row in 0..height {
        for column in 0..width {
            let from = (row.checked_add_signed(-down), column.checked_add_signed(-right));
            moved[row * width + column] = match from {
                (Some(r), Some(c)) if r < height && c < width => image[r * width + c],
                _ => 0.0,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_split_loses_and_repeats_nothing() {
        let digits = Dataset::digits();
        let (train, test) = digits.split(500, &mut Pcg64::new(1));
        assert_eq!((train.len(), test.len()), (1297, 500));
        let sorted = |sets: &[&Dataset]| {
            let mut rows: Vec<(usize, Vec<u32>)> = sets
                .iter()
                .flat_map(|d| {
                    (0..d.len()).map(|i| (d.labels[i], d.input(i).iter().map(|x| x.to_bits()).collect()))
                })
                .collect();
            rows.sort();
            rows
        };
        assert_eq!(sorted(&[&train, &test]), sorted(&[&digits]));
    }

    #[test]
    fn shift_moves_right_and_down() {
        let image = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let check = |by: (isize, isize), expected: [f32; 6]| {
            let mut moved = [9.0; 6];
            shift(&image, 3, by.0, by.1, &mut moved);
            assert_eq!(moved, expected);
        };
        check((0, 0), image);
        check((1, 0), [0.0, 1.0, 2.0, 0.0, 4.0, 5.0]);
        check((-1, 1), [0.0, 0.0, 0.0, 2.0, 3.0, 0.0]);
    }
}
