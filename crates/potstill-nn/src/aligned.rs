//! Numbers that begin on a cache line.

use crate::lanes::WIDTH;
use potstill_core::snapshot::Field;
use potstill_core::{Snapshot, SnapshotError, Value};
use std::ops::{Deref, DerefMut};

/// Bytes of a cache line, and of sixteen numbers.
const LINE: usize = 64;

/// Numbers of which the first begins a cache line, so that no sixteen lie across two when they are taken one
/// after the other: parameters, their gradient, and an optimiser's moments. Otherwise a slice.
///
/// ```
/// use potstill_nn::Aligned;
///
/// let mut numbers = Aligned::zeros(100);
/// assert_eq!(numbers.as_ptr().align_offset(64), 0);
/// numbers[99] = 1.0;
/// assert_eq!(numbers.iter().sum::<f32>(), 1.0);
/// ```
#[derive(Debug, Default)]
pub struct Aligned {
    /// With room before and behind.
    all: Vec<f32>,
    first: usize,
    length: usize,
}

impl Aligned {
    /// Zeros, `length` of them.
    pub fn zeros(length: usize) -> Self {
        let all = vec![0.0; length + WIDTH - 1];
        // An interpreter such as Miri may refuse to tell addresses; only speed is lost then.
        let first = all.as_ptr().align_offset(LINE).min(WIDTH - 1);
        Self { all, first, length }
    }
}

impl Deref for Aligned {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.all[self.first..][..self.length]
    }
}

impl DerefMut for Aligned {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.all[self.first..][..self.length]
    }
}

impl Clone for Aligned {
    /// Its numbers have another place to begin.
    fn clone(&self) -> Self {
        let mut clone = Self::zeros(self.length);
        clone.copy_from_slice(self);
        clone
    }
}

impl PartialEq for Aligned {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Field for Aligned {
    fn save(&self, name: &str, snapshot: &mut Snapshot) {
        snapshot.insert(name, Value::F32s(self.to_vec()));
    }

    fn load(&mut self, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        let length = self.len();
        self.copy_from_slice(snapshot.f32s(name, length)?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_copy_begins_a_line() {
        let mut numbers: Vec<Aligned> = (0..40).map(Aligned::zeros).collect();
        numbers.iter_mut().for_each(|numbers| numbers.fill(2.5));
        let copies = numbers.clone();
        assert_eq!(numbers, copies);
        for (length, numbers) in numbers.iter().chain(&copies).enumerate() {
            assert_eq!((numbers.len(), numbers.as_ptr().align_offset(LINE)), (length % 40, 0));
        }
    }
}
