//! The equations that make training targets: pure functions on numbers and slices, named as in the literature.

pub mod soft;
pub mod td;

pub use soft::{mean_gap, soft_targets};
pub use td::{bellman_max, step_towards, td_target};

/// The largest of the values.
///
/// # Panics
/// If there is none.
pub fn max<V: Copy + Into<f64>>(values: &[V]) -> f64 {
    assert!(!values.is_empty(), "a state without actions");
    values.iter().map(|&v| v.into()).fold(f64::NEG_INFINITY, f64::max)
}
