//! Embedding bags: the mean of some rows of a table, with gradients and optimiser steps of the touched rows alone.
//!
//! A bag is a list of rows, with repetitions; its output is the mean of these rows, PyTorch's `EmbeddingBag(mode="mean")`,
//! and zeros of an empty bag. The gradient of a minibatch has entries for the rows that occur in it, and so has the step:
//! [`SparseOptimiser`] is PyTorch's `SparseAdam`, whose moments of other rows stay as they are, or `SGD` without momentum.
//!
//! ```
//! use potstill_nn::embedding::{EmbeddingBag, SparseGradient, SparseOptimiser, SparseRule};
//!
//! let mut table = EmbeddingBag::zeroed(4, 2);
//! table.parameters_mut().copy_from_slice(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
//! let mut mean = [0.0; 2];
//! table.mean(&[1, 3, 3], &mut mean);
//! assert_eq!(mean, [14.0 / 3.0, 17.0 / 3.0]);
//!
//! let mut gradient = SparseGradient::new(&table);
//! gradient.add(&[1, 3, 3], &[3.0, -6.0]);
//! assert_eq!((gradient.rows(), gradient.values()), (&[1, 3][..], &[1.0, -2.0, 2.0, -4.0][..]));
//! let mut sgd = SparseOptimiser::new(SparseRule::Sgd, &table);
//! sgd.step(0.5, 1.0, &mut table, &gradient);
//! assert_eq!(table.parameters(), [0.0, 1.0, 1.5, 4.0, 4.0, 5.0, 5.0, 9.0]);
//! ```

use crate::aligned::Aligned;
use crate::kernels::{self, AdamStep};
use crate::optim::Rule;
use potstill_core::{Pcg64, snapshot};

/// Lists of rows of a table, one after the other: the bags of some samples.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bags {
    rows: Vec<u32>,
    /// The end of each bag in `rows`.
    ends: Vec<usize>,
}

impl Bags {
    /// Appends a row to the bag that is being filled.
    pub fn push(&mut self, row: u32) {
        self.rows.push(row);
    }

    /// Ends the bag that is being filled.
    pub fn end(&mut self) {
        self.ends.push(self.rows.len());
    }

    /// The number of bags.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Returns true if there is no bag.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The rows of a bag.
    ///
    /// # Panics
    /// If there is no such bag.
    pub fn bag(&self, index: usize) -> &[u32] {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.rows[start..self.ends[index]]
    }
}

/// A table whose output for a bag is the mean of its rows.
#[derive(Clone, Debug, PartialEq)]
pub struct EmbeddingBag {
    width: usize,
    /// `rows x width`.
    parameters: Aligned,
}

impl EmbeddingBag {
    /// A table of zeros.
    ///
    /// # Panics
    /// If a side is 0, or the rows are more than 2^32.
    pub fn zeroed(rows: usize, width: usize) -> Self {
        assert!(rows > 0 && width > 0 && u32::try_from(rows).is_ok(), "{rows} rows of {width}");
        Self { width, parameters: Aligned::zeros(rows * width) }
    }

    /// A table of numbers uniform within 0.01 of 0: small, so that rows which training has not touched add next to nothing, and
    /// not 0, where a hidden layer of ReLUs without biases has no gradient. (fastText begins within `1 / width`, PyTorch with
    /// standard normal numbers.)
    ///
    /// # Panics
    /// As [`zeroed`](Self::zeroed).
    pub fn initialised(rows: usize, width: usize, rng: &mut Pcg64) -> Self {
        let mut table = Self::zeroed(rows, width);
        table.parameters.iter_mut().for_each(|p| *p = rng.uniform(-0.01, 0.01) as f32);
        table
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.parameters.len() / self.width
    }

    /// Numbers of a row, and of an output.
    pub fn width(&self) -> usize {
        self.width
    }

    /// All numbers, `rows x width`.
    pub fn parameters(&self) -> &[f32] {
        &self.parameters
    }

    /// All numbers, `rows x width`.
    pub fn parameters_mut(&mut self) -> &mut [f32] {
        &mut self.parameters
    }

    /// The mean of these rows; zeros of none.
    ///
    /// # Panics
    /// If there is no such row, or `mean` has another width.
    pub fn mean(&self, bag: &[u32], mean: &mut [f32]) {
        mean.fill(0.0);
        bag.iter().for_each(|&row| self.add(row, mean));
        divide(mean, bag.len());
    }

    /// Adds a row to a sum.
    ///
    /// # Panics
    /// If there is no such row, or the sum has another width.
    pub fn add(&self, row: u32, sum: &mut [f32]) {
        assert_eq!(sum.len(), self.width, "a sum of a row's width");
        let row = &self.parameters[row as usize * self.width..][..self.width];
        sum.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
    }
}

snapshot! {
    impl Restorable for EmbeddingBag {
        saved: parameters;
        built: width;
    }
}

/// Divides the sum of so many rows by their number; zeros of none stay.
pub fn divide(sum: &mut [f32], count: usize) {
    if count > 1 {
        sum.iter_mut().for_each(|x| *x /= count as f32);
    }
}

/// The gradient of a loss with respect to the rows that occur in a minibatch.
#[derive(Clone, Debug)]
pub struct SparseGradient {
    width: usize,
    /// One more than the place of each row in `rows`, 0 of the others.
    places: Vec<u32>,
    rows: Vec<u32>,
    /// `rows x width`.
    values: Vec<f32>,
    /// The share of each row of a bag.
    share: Vec<f32>,
}

impl SparseGradient {
    /// The gradient 0, with room for all rows of a table, so that nothing is allocated later.
    pub fn new(table: &EmbeddingBag) -> Self {
        Self {
            width: table.width,
            places: vec![0; table.rows()],
            rows: Vec::with_capacity(table.rows()),
            values: Vec::with_capacity(table.parameters.len()),
            share: vec![0.0; table.width],
        }
    }

    /// The rows with a gradient, in the order in which they occurred.
    pub fn rows(&self) -> &[u32] {
        &self.rows
    }

    /// The gradient of each of these rows, `rows x width`.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The same, to be clipped.
    pub fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }

    /// Sets the gradient to 0. The time depends on the rows that have one.
    pub fn clear(&mut self) {
        self.rows.drain(..).for_each(|row| self.places[row as usize] = 0);
        self.values.clear();
    }

    /// Adds the gradient with respect to the rows of a bag, given that with respect to their mean.
    ///
    /// # Panics
    /// If there is no such row, or the gradient has another width.
    pub fn add(&mut self, bag: &[u32], d_mean: &[f32]) {
        self.share.copy_from_slice(d_mean);
        divide(&mut self.share, bag.len());
        for &row in bag {
            let place = &mut self.places[row as usize];
            if *place == 0 {
                self.rows.push(row);
                *place = self.rows.len() as u32;
                self.values.resize(self.rows.len() * self.width, 0.0);
            }
            let values = &mut self.values[(*place as usize - 1) * self.width..][..self.width];
            values.iter_mut().zip(&self.share).for_each(|(value, share)| *value += share);
        }
    }
}

/// The rule that makes a step of a sparse gradient.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SparseRule {
    /// A step along the gradient.
    Sgd,
    /// PyTorch's `SparseAdam`: a step of Adam (Kingma and Ba 2015) on the rows that have a gradient. Moments of the other rows
    /// do not decay, whereas all rows share the count of steps; `epsilon` is added before the bias is corrected.
    Adam {
        /// Decay of the first moment.
        beta1: f64,
        /// Decay of the second moment.
        beta2: f64,
        /// Added to the denominator.
        epsilon: f64,
    },
}

impl SparseRule {
    /// The sparse form of a rule, of those that have one: Adam without weight decay, and SGD without momentum.
    pub fn of(rule: Rule) -> Option<Self> {
        match rule {
            Rule::Sgd { momentum: 0.0, .. } => Some(Self::Sgd),
            Rule::Adam { beta1, beta2, epsilon, weight_decay: 0.0 } => {
                Some(Self::Adam { beta1, beta2, epsilon })
            }
            _ => None,
        }
    }
}

/// A rule and its moments of a table's gradients.
#[derive(Clone, Debug)]
pub struct SparseOptimiser {
    rule: SparseRule,
    first: Aligned,
    second: Aligned,
    /// `beta^t` as running products.
    beta1_power: f64,
    beta2_power: f64,
}

impl SparseOptimiser {
    /// An optimiser of a table that has made no step.
    pub fn new(rule: SparseRule, table: &EmbeddingBag) -> Self {
        let length = if rule == SparseRule::Sgd { 0 } else { table.parameters.len() };
        Self {
            rule,
            first: Aligned::zeros(length),
            second: Aligned::zeros(length),
            beta1_power: 1.0,
            beta2_power: 1.0,
        }
    }

    /// Moves the rows that have a gradient one step against it, times `shrink`, a factor from 0 to 1.
    ///
    /// # Panics
    /// If the gradient is of another table.
    pub fn step(
        &mut self,
        learning_rate: f64,
        shrink: f32,
        table: &mut EmbeddingBag,
        gradient: &SparseGradient,
    ) {
        let width = table.width;
        assert_eq!(
            (gradient.width, gradient.places.len()),
            (width, table.rows()),
            "a gradient of this table"
        );
        let rows = gradient.rows.iter().zip(gradient.values.chunks_exact(width));
        match self.rule {
            SparseRule::Sgd => {
                let rate = learning_rate as f32;
                for (&row, values) in rows {
                    let parameters = &mut table.parameters[row as usize * width..][..width];
                    parameters.iter_mut().zip(values).for_each(|(p, g)| *p -= rate * (shrink * g));
                }
            }
            SparseRule::Adam { beta1, beta2, epsilon } => {
                self.beta1_power *= beta1;
                self.beta2_power *= beta2;
                let scale = 1.0 / (1.0 - self.beta2_power).sqrt();
                let step = AdamStep {
                    rate: (learning_rate / (1.0 - self.beta1_power)) as f32,
                    beta1: beta1 as f32,
                    beta2: beta2 as f32,
                    scale: scale as f32,
                    epsilon: (epsilon * scale) as f32,
                    keep: 1.0,
                    shrink,
                };
                for (&row, values) in rows {
                    let place = row as usize * width..(row as usize + 1) * width;
                    let (m, v) = (&mut self.first[place.clone()], &mut self.second[place.clone()]);
                    kernels::adam(step, &mut table.parameters[place], values, m, v);
                }
            }
        }
    }
}

snapshot! {
    impl Restorable for SparseOptimiser {
        saved: first, second, beta1_power, beta2_power;
        built: rule;
    }
}
