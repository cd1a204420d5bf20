//! Deep value learning: one paper per file.

pub mod dqn;

pub use dqn::{Dqn, DqnConfig};
