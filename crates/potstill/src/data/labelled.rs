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

use potstill_core::{Pcg64, Stored};
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
    pub inputs: Stored<f32>,
    /// The text of each sample; empty if they are numbers.
    pub texts: Vec<Arc<str>>,
    /// The class of each labelled sample, which stand before the others; empty of a regression.
    pub labels: Vec<usize>,
    /// The scaled value of each labelled sample that a regression learns; empty of classes.
    pub values: Vec<f32>,
}

impl Dataset {
    /// The number of samples.
    pub fn len(&self) -> usize {
        if self.is_texts() { self.texts.len() } else { self.inputs.len() / self.features }
    }

    /// The number of samples with a label, or with a number to learn.
    pub fn labelled(&self) -> usize {
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

    /// The same samples with the means of texts, `samples x features`, as inputs.
    ///
    /// # Panics
    /// If their number is another.
    #[must_use]
    pub fn embedded(&self, features: usize, means: Vec<f32>) -> Self {
        assert_eq!(features * self.texts.len(), means.len(), "a mean of each text");
        let (labels, values) = (self.labels.clone(), self.values.clone());
        Self {
            shape: [1, 1, features],
            features,
            inputs: means.into(),
            texts: Vec::new(),
            labels,
            values,
            ..*self
        }
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

    /// Appends samples without labels: their inputs, or their texts.
    ///
    /// # Panics
    /// If the inputs are not those of whole samples.
    pub fn append_unlabelled(&mut self, inputs: &[f32], texts: Vec<Arc<str>>) {
        assert!(inputs.is_empty() || inputs.len().is_multiple_of(self.features), "inputs of whole samples");
        self.inputs.extend_from_slice(inputs);
        self.texts.extend(texts);
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
    ///
    /// # Panics
    /// If an index is beyond them.
    pub(crate) fn select(&self, indices: &[usize]) -> Self {
        let mut inputs = Stored::below(self.inputs.limit());
        inputs.reserve(indices.len() * self.features);
        indices.iter().for_each(|&i| inputs.extend_from_slice(self.input(i)));
        Self {
            inputs,
            texts: picked(&self.texts, indices),
            labels: picked(&self.labels, indices),
            values: picked(&self.values, indices),
            ..*self
        }
    }
}

/// The elements at these indices, as far as there are any.
fn picked<T: Clone>(all: &[T], indices: &[usize]) -> Vec<T> {
    indices.iter().filter_map(|&i| all.get(i)).cloned().collect()
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
}
