//! The buffers of a pass.

use crate::lanes::Level;
use crate::linear::Panel;
use crate::masks::Masks;
use crate::workers::Workers;

/// The buffers that a pass over a batch fills, reused from batch to batch so that a step allocates nothing.
#[derive(Clone, Debug)]
pub struct Workspace {
    pub(crate) level: Level,
    pub(crate) workers: Workers,
    /// Samples of the last forward pass, and probabilities of each.
    pub(crate) samples: usize,
    pub(crate) taus: usize,
    pub(crate) panels: Vec<Panel>,
    pub(crate) single: Vec<[f32; 1]>,
    pub(crate) outputs: Vec<f32>,
    pub(crate) tau_values: Vec<f32>,
    /// The masks of the last forward pass.
    pub(crate) masks: Masks,
    /// Is true if batch normalisations of the last forward pass took the moments of its batch.
    pub(crate) is_batch: bool,
    /// Of each batch normalisation: the means and the factors that it took; the means, and one over the
    /// deviations, of the batch; mean and variance for the running statistics; the gradient with respect to
    /// gains and biases.
    pub(crate) norms: Vec<f32>,
    pub(crate) batch_norms: Vec<f32>,
    pub(crate) moments: Vec<f32>,
    pub(crate) d_norms: Vec<f32>,
    /// The outputs of a prediction in parts.
    pub(crate) gathered: Vec<f32>,
    /// The sum of squares of each piece of the gradient.
    pub(crate) squares: Vec<f64>,
}

impl Default for Workspace {
    fn default() -> Self {
        Self::new(Workers::default())
    }
}

impl Workspace {
    /// A workspace whose passes are shared by these threads.
    pub fn new(workers: Workers) -> Self {
        Self::at(Level::best(), workers)
    }

    /// A workspace whose products use the instructions of this level.
    pub fn at(level: Level, workers: Workers) -> Self {
        Self {
            level,
            workers,
            samples: 0,
            taus: 0,
            panels: Vec::new(),
            single: Vec::new(),
            outputs: Vec::new(),
            tau_values: Vec::new(),
            masks: Masks::default(),
            is_batch: false,
            norms: Vec::new(),
            batch_norms: Vec::new(),
            moments: Vec::new(),
            d_norms: Vec::new(),
            gathered: Vec::new(),
            squares: Vec::new(),
        }
    }

    /// The outputs of the last pass.
    pub fn outputs(&self) -> &[f32] {
        &self.outputs
    }

    /// The threads.
    pub fn workers(&self) -> &Workers {
        &self.workers
    }
}

/// The beginning of a buffer, which grows to it.
pub(crate) fn sized<T: Copy + Default>(buffer: &mut Vec<T>, length: usize) -> &mut [T] {
    if buffer.len() < length {
        buffer.resize(length, T::default());
    }
    &mut buffer[..length]
}
