//! The trait of policies in use.

use potstill_core::Pcg64;

/// A policy with its buffers.
pub trait Actor<O: ?Sized, A: ?Sized = usize> {
    /// Writes the action for this observation.
    fn act(&mut self, observation: &O, action: &mut A, rng: &mut Pcg64);
}
