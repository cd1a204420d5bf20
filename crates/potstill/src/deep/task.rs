//! What a deep agent must know of its task before it is built.

use potstill_core::Streams;
use potstill_nn::{Inputs, Workers};

/// The spaces of an environment, the length of the run, its seeds and its threads.
#[derive(Clone, Debug)]
pub struct TaskSpec {
    /// The shape of an observation.
    pub inputs: Inputs,
    /// Frames that an observation is a stack of.
    pub frames: usize,
    /// Whether all numbers of an observation are whole, from 0 to 255.
    pub is_bytes: bool,
    /// The number of actions.
    pub actions: usize,
    /// Steps of the whole run, of all copies together.
    pub total_steps: u64,
    /// The random streams of the run.
    pub streams: Streams,
    /// Threads to compute on. Nothing depends on their number.
    pub workers: Workers,
}

impl TaskSpec {
    /// A task with vectors of features, on one thread.
    pub fn new(features: usize, actions: usize, total_steps: u64, streams: Streams) -> Self {
        let inputs = Inputs::from(features);
        let workers = Workers::default();
        Self { inputs, frames: 1, is_bytes: false, actions, total_steps, streams, workers }
    }
}
