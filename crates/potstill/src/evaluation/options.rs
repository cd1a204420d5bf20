//! The settings of an evaluation, and the errors that end it.

use crate::model::Model;
use crate::train::TrainError;
use potstill_core::Streams;
use potstill_core::math::exp_f64;
use potstill_nn::NetworkSpec;
use std::fmt;
use thiserror::Error;

/// Fits of values apart from those to samples of the bootstrap: to all episodes, and to each half.
pub(super) const FITS: u64 = 3;

/// The settings of the regressions.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedQConfig {
    /// The architecture of the networks.
    pub net_arch: NetworkSpec,
    /// Updates of a fit.
    pub updates: u64,
    /// Transitions per update.
    pub batch_size: usize,
    /// The first step size.
    pub learning_rate: f64,
    /// Polyak coefficient of the target network.
    pub tau: f32,
}

impl FittedQConfig {
    /// The settings for a discount: the longer the horizon, the more updates, from 2,000 to 100,000.
    pub fn new(gamma: f64) -> Self {
        let net_arch = "mlp:64,64:layernorm".parse().expect("it is a network");
        let updates = (100.0 / (1.0 - gamma)).clamp(2000.0, 100_000.0).round() as u64;
        Self { net_arch, updates, batch_size: 256, learning_rate: 1e-3, tau: 0.05 }
    }

    /// Updates of behaviour cloning with the same network.
    pub fn cloning_updates(&self) -> u64 {
        self.updates.div_ceil(CLONING)
    }

    /// The share of a value that is still to come after all updates, if the target network is all that holds
    /// it back: a constant error of values shrinks by `tau (1 - gamma)` in an update.
    pub fn missing_share(&self, gamma: f64) -> f64 {
        exp_f64(-(self.updates as f64) * f64::from(self.tau) * (1.0 - gamma))
    }
}

/// Updates of fitted Q evaluation for one of cloning.
const CLONING: u64 = 4;

/// Sees the progress of an evaluation: called now and then with the updates of fits and the samples of the
/// bootstrap that were just made, from several threads. The evaluation ends if it returns true.
#[derive(Clone, Copy)]
pub struct Watch<'a>(pub &'a (dyn Fn(u64) -> bool + Sync));

/// Updates between two looks at a watch.
const LOOK: u64 = 50;

impl Watch<'_> {
    /// Tells the watch of work that is done.
    ///
    /// # Errors
    /// If the evaluation is to end.
    pub(super) fn done(&self, units: u64) -> Result<(), EvaluationError> {
        if (self.0)(units) { Err(EvaluationError::Stopped) } else { Ok(()) }
    }

    /// The same after an update, the number of which begins at 0.
    pub(super) fn after(&self, update: u64) -> Result<(), EvaluationError> {
        if (update + 1).is_multiple_of(LOOK) { self.done(LOOK) } else { Ok(()) }
    }
}

impl fmt::Debug for Watch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

/// The settings of an evaluation.
#[derive(Clone, Debug)]
pub struct EvaluationOptions<'a> {
    /// Discount of the returns.
    pub gamma: f64,
    /// Samples of the bootstrap.
    pub replicates: u64,
    /// Samples of the bootstrap to which networks are fitted again.
    pub fits: u64,
    /// The settings of these fits.
    pub fitted_q: FittedQConfig,
    /// Random streams.
    pub streams: Streams,
    /// Threads to use. Results do not depend on their number.
    pub threads: usize,
    /// Sees the progress, and may end the evaluation.
    pub watch: Watch<'a>,
}

impl EvaluationOptions<'_> {
    /// The defaults for a discount.
    pub fn new(gamma: f64, streams: Streams) -> Self {
        let watch = Watch(&|_| false);
        let fitted_q = FittedQConfig::new(gamma);
        Self { gamma, replicates: 1000, fits: 10, fitted_q, streams, threads: 1, watch }
    }

    /// The units of work that a [watch](Watch) is told of for a model, those that only some data need left
    /// out.
    pub fn work(&self, model: &Model) -> u64 {
        match model {
            Model::Table(_) => self.replicates,
            _ => {
                let fits = (FITS + self.fits) * self.fitted_q.updates;
                fits + 2 * self.fitted_q.cloning_updates() + self.replicates
            }
        }
    }
}

/// The reason for which there is no evaluation.
#[derive(Debug, Error)]
pub enum EvaluationError {
    /// The data cannot be used: the reason.
    #[error("{0}")]
    Data(String),
    /// A network could not be fitted.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// The [watch](Watch) has ended it.
    #[error("the evaluation was stopped")]
    Stopped,
}
