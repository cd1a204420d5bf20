//! Losses. Each returns its value, averaged over the batch, and writes its gradient with respect to the
//! network's outputs.
//!
//! Outputs, logits and their gradients are `samples x outputs`, row by row. Values are summed in double precision, and
//! so are softmaxes and divergences, which cancel near their minimum and at high temperatures: what is finite agrees with
//! double precision to a millionth.
//!
//! ```
//! use potstill_nn::loss::cross_entropy;
//!
//! let mut gradient = [0.0; 2];
//! let loss = cross_entropy(&[0.0, 0.0], &[1], &mut gradient);
//! assert!((loss - 2.0_f32.ln()).abs() < 1e-6);
//! assert!((gradient[0] - 0.5).abs() < 1e-6 && (gradient[1] + 0.5).abs() < 1e-6);
//! ```
//!
//! The losses of distillation, `v` the teacher's logits and `z` the student's, `p = softmax(v / T)`, `q = softmax(z / T)`; all are means over
//! the samples and sums over the classes:
//!
//! | function | value | source |
//! |---|---|---|
//! | [`temperature_kl`], [`distillation`] | `T^2 KL(p \|\| q)`, and with `1 - alpha` of the labels' cross-entropy | Hinton, Vinyals and Dean 2015 |
//! | [`reverse_kl`] | `T^2 KL(q \|\| p)` | Gu et al. 2024 |
//! | [`symmetric_kl`] | `T^2 (KL(p \|\| q) + KL(q \|\| p)) / 2` | Jeffreys 1946 |
//! | [`uniform_kl`] | `T^2 KL(1 / C \|\| q)`: label smoothing | Szegedy et al. 2016 |
//! | [`soft_cross_entropy`] | `-sum m ln q` of given probabilities | Hinton, Vinyals and Dean 2015 |
//! | [`logit_mse`] | `sum (z - v)^2 / 2` | Ba and Caruana 2014 |
//! | [`decoupled_kl`] | `T^2 (alpha TCKD + beta NCKD)` | Zhao et al. 2022 |
//! | [`relation_loss`] | `1 - r` of rows and of columns of `p` and `q` | Huang et al. 2022 |
//! | [`standardise`] | z-scores of logits, before any of these | Sun et al. 2024 |
//! | [`hint`] | `sum (u - r)^2 / 2` of units of hidden layers | Romero et al. 2015 |
//! | [`attention_transfer`] | `sum (a - b)^2 / 2` of maps of length 1 | Zagoruyko and Komodakis 2017 |
//! | [`teacher_values`], [`gaussian_cross_entropy`] | regression on a teacher's values, with their uncertainty | Nix and Weigend 1994 |

mod chosen;
mod decoupled;
mod directions;
mod features;
mod logits;
mod relations;
mod scratch;
mod shape;
mod soft;
mod softmax;
mod values;

pub use chosen::{Chosen, Layout, QuantileOutputs, Regression, categorical_at, quantile_at, regression_at};
pub use decoupled::{Decoupled, decoupled_kl};
pub use directions::{reverse_kl, symmetric_kl, uniform_kl};
pub use features::{attention_transfer, hint};
pub use logits::{Centring, logit_mse, standardise, standardise_backward};
pub use relations::{Relations, relation_loss};
pub use scratch::Scratch;
pub use soft::{
    Blend, Terms, blend_labels, cross_entropy, distillation, distillation_terms, log_probabilities,
    soft_cross_entropy, temperature_kl,
};
pub use softmax::{softmax, softmax_mean};
pub use values::{Uncertainty, gaussian_cross_entropy, teacher_values};
