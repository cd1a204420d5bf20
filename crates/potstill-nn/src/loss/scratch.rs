//! Buffers of losses that need them.

/// Buffers that a loss reuses from batch to batch.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    pub(super) wide: Vec<f64>,
    pub(super) zeros: Vec<f32>,
}
