//! Equations of training targets: pure functions on numbers and slices, named as in the literature.
//!
//! ```
//! use potstill::targets::{soft_targets, step_towards, td_target};
//!
//! // Sutton and Barto 2018, equation 6.8: from Q(s, a) = 4 half way to 1 + 0.9 * 10.
//! assert_eq!(step_towards(4.0, td_target(1.0, 0.9, false, 10.0), 0.5), 7.0);
//! // No bootstrap after a terminal state.
//! assert_eq!(td_target(1.0, 0.9, true, 10.0), 1.0);
//! assert_eq!(soft_targets(4.0, &[2.0, 2.0], 2), [0.5, 0.5]);
//! ```

mod advantages;
mod distributional;
mod munchausen;
mod shape;
mod soft;
mod td;

pub use advantages::advantages;
pub use distributional::{Support, categorical_projection, quantile_targets};
pub use munchausen::{Munchausen, MunchausenValues, munchausen};
pub use soft::{mean_gap, soft_targets};
pub use td::{
    LambdaDecay, Segment, argmax, bellman_double, bellman_max, bellman_values, lambda_returns, step_towards,
    td_target,
};

/// The largest of the values.
///
/// # Panics
/// If there is none.
pub fn max<V: Copy + Into<f64>>(values: &[V]) -> f64 {
    assert!(!values.is_empty(), "a state without actions");
    values.iter().map(|&v| v.into()).fold(f64::NEG_INFINITY, f64::max)
}
