//! The trait of what acts.

use potstill_core::Pcg64;

/// A policy with the memory that it needs to act.
pub trait Actor<O: ?Sized, A: ?Sized = usize> {
    /// Writes the action for this observation.
    fn act(&mut self, observation: &O, action: &mut A, rng: &mut Pcg64);
}
