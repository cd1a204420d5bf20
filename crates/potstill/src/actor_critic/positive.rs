//! A positive number that is learned: its logarithm descends.

use crate::optimizer::OptimizerConfig;
use potstill_core::math::{exp_f64, ln_f64};
use potstill_core::snapshot;
use potstill_nn::{Optimiser, Workers};

/// A positive number with the optimiser of its logarithm.
#[derive(Clone, Debug)]
pub(crate) struct Positive {
    log: [f32; 1],
    optimiser: Optimiser,
}

snapshot! {
    impl Restorable for Positive {
        saved: log, optimiser;
    }
}

impl Positive {
    pub(crate) fn new(value: f64, optimizer: &OptimizerConfig) -> Self {
        Self { log: [ln_f64(value) as f32], optimiser: Optimiser::new(optimizer.rule(), 1) }
    }

    pub(crate) fn value(&self) -> f64 {
        exp_f64(f64::from(self.log[0]))
    }

    /// A gradient step of the logarithm.
    pub(crate) fn step(&mut self, learning_rate: f64, gradient: f32) {
        self.optimiser.step(learning_rate, &mut self.log, &[gradient], &Workers::default());
    }
}
