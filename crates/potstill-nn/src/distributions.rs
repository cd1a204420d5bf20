//! Distributions over actions, a row of parameters for each sample of a batch: sampling, log-probabilities,
//! entropies, divergences, and their gradients with respect to the parameters.
//!
//! | distribution | parameters | as in |
//! |---|---|---|
//! | [`Categorical`] | logits | `torch.distributions.Categorical` |
//! | [`DiagonalGaussian`] | means, logarithms of standard deviations | `Independent(Normal)` |
//! | [`SquashedGaussian`] | the same, before the hyperbolic tangent | `TransformedDistribution` with `TanhTransform` |
//!
//! [`StateDependentNoise`] makes deviations of the features of a state.
//!
//! A distribution borrows its parameters and allocates nothing. Methods that begin with `add_` take a weight
//! for each sample, the gradient of the loss with respect to what the method is about, and *add* the gradient
//! with respect to the parameters, so that the terms of a loss can be written one after the other.
//!
//! ```
//! use potstill_nn::distributions::Categorical;
//!
//! let logits = [0.0, 0.0, 3.0_f32.ln(), 0.0];
//! let policy = Categorical::new(&logits, 2);
//! let mut log_probs = [0.0; 2];
//! policy.log_prob(&[1, 0], &mut log_probs);
//! assert!((log_probs[0] - 0.5_f32.ln()).abs() < 1e-6 && (log_probs[1] - 0.75_f32.ln()).abs() < 1e-6);
//! // The loss is minus the sum of the log-probabilities.
//! let mut d_logits = [0.0; 4];
//! policy.add_log_prob_gradient(&[1, 0], &[-1.0, -1.0], &mut d_logits);
//! assert!((d_logits[0] - 0.5).abs() < 1e-6 && (d_logits[2] + 0.25).abs() < 1e-6);
//! ```

mod categorical;
mod gaussian;
mod squashed;
mod state_dependent;

pub use categorical::Categorical;
pub use gaussian::{DiagonalGaussian, GaussianGradients};
pub use squashed::SquashedGaussian;
pub use state_dependent::StateDependentNoise;
