//! Regression: a network learns numbers, from labels, from a teacher's [values](super::values), or from both.
//!
//! Differences from the papers: none publishes values for tables; the defaults are those of the [classifier](super::classifier).
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::data::Dataset;
//! use potstill::distill::{ClassifierTrainer, FitConfig, regression::rmse};
//! use std::sync::Arc;
//!
//! let x: Vec<f32> = (0..64).map(|i| i as f32 / 32.0 - 1.0).collect();
//! let values = x.iter().map(|x| x * x).collect();
//! let (texts, labels) = (Vec::new(), Vec::new());
//! let data = Dataset { shape: [1, 1, 1], features: 1, classes: 0, inputs: x.into(), texts, labels, values };
//! let config = FitConfig { learning_rate: 0.01.into(), ..FitConfig::default() };
//! let data = Arc::new(data);
//! let mut trainer = ClassifierTrainer::new(config, &"mlp:16".parse()?, data.clone(), None, Streams::new(1));
//! for _ in 0..100 {
//!     trainer.epoch()?;
//! }
//! assert!(rmse(trainer.student(), &data) < 0.1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use super::classifier::ClassifierSettings;
use crate::algorithm::{Algorithm, Builder, DataKind};
use crate::data::Dataset;
use potstill_nn::{Network, Workspace};

/// The descriptor.
pub const ALGORITHM: Algorithm = Algorithm {
    name: "regression",
    family: "supervised",
    policy: None,
    data: DataKind::Offline,
    is_model_based: None,
    summary: "train a network on numbers, as a teacher for distillation",
    source: "least squares and Adam (Kingma and Ba 2015)",
    file: file!(),
    builder: Builder::Labels(|| Box::new(ClassifierSettings::default())),
    presets: &[],
    smoke: &["data=digits:target=label net_arch=mlp:12 epochs=10 test_samples=1500"],
};

/// The root of the mean squared error of a network's outputs for the labelled samples, in units of the scaled values.
///
/// # Panics
/// If the samples are of classes.
pub fn rmse(network: &Network, data: &Dataset) -> f64 {
    assert!(!data.values.is_empty(), "samples with numbers to learn");
    let labelled = &data.inputs[..data.values.len() * data.features];
    rmse_of(network.predict(labelled, &mut Workspace::default()), &data.values)
}

/// The root of the mean squared difference of two lists.
pub(crate) fn rmse_of(outputs: &[f32], values: &[f32]) -> f64 {
    let square = |(a, b): (&f32, &f32)| (f64::from(*a) - f64::from(*b)) * (f64::from(*a) - f64::from(*b));
    let sum: f64 = outputs.iter().zip(values).map(square).sum();
    (sum / values.len() as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_is_the_root_of_the_mean_square() {
        assert_eq!(rmse_of(&[1.0, 2.0], &[4.0, -2.0]), 12.5_f64.sqrt());
    }
}
