//! Columns of observations and actions.

use potstill_core::Stored;
use potstill_env::space::Element;
use potstill_env::{Row, Space};
use std::any::Any;
use std::ops::Range;

/// Observations or actions, row after row, in the numbers of their space.
#[derive(Clone, Debug, PartialEq)]
pub enum Rows {
    /// Numbers of elements, one a row.
    Indices(Stored<usize>),
    /// Vectors of a box.
    Floats(Stored<f32>),
    /// Arrays of zeros and ones, or images.
    Bytes(Stored<u8>),
}

impl Rows {
    /// No rows of a space, of which at most so many bytes are held in memory.
    pub(super) fn of(space: &Space, memory_bytes: usize) -> Self {
        match space {
            Space::Discrete { .. } | Space::Tuple { .. } => Self::Indices(Stored::below(memory_bytes)),
            Space::Box { .. } => Self::Floats(Stored::below(memory_bytes)),
            Space::MultiBinary { .. } | Space::Image { .. } => Self::Bytes(Stored::below(memory_bytes)),
        }
    }

    /// All numbers, if they are of this type.
    pub fn typed<T: Element>(&self) -> Option<&[T]> {
        let numbers: &dyn Any = match self {
            Self::Indices(numbers) => numbers,
            Self::Floats(numbers) => numbers,
            Self::Bytes(numbers) => numbers,
        };
        numbers.downcast_ref::<Stored<T>>().map(Stored::as_slice)
    }

    /// The same, to be appended to.
    pub(super) fn typed_mut<T: Element>(&mut self) -> Option<&mut Stored<T>> {
        let numbers: &mut dyn Any = match self {
            Self::Indices(numbers) => numbers,
            Self::Floats(numbers) => numbers,
            Self::Bytes(numbers) => numbers,
        };
        numbers.downcast_mut()
    }

    /// The count of numbers, of all rows together.
    pub fn numbers(&self) -> usize {
        match self {
            Self::Indices(numbers) => numbers.len(),
            Self::Floats(numbers) => numbers.len(),
            Self::Bytes(numbers) => numbers.len(),
        }
    }

    /// Appends the nearest number of their type; `None` if there is none, as for a fraction among indices.
    pub(super) fn push(&mut self, number: f64) -> Option<()> {
        match self {
            Self::Indices(numbers) => numbers.push(usize::narrow(number)?),
            // Not a number, and infinite ones, are found with their place when the episode ends.
            Self::Floats(numbers) => numbers.push(number as f32),
            Self::Bytes(numbers) => numbers.push(u8::narrow(number)?),
        }
        Some(())
    }

    /// Removes the numbers from a place on.
    pub(super) fn truncate(&mut self, numbers: usize) {
        match self {
            Self::Indices(indices) => indices.resize(numbers, 0),
            Self::Floats(floats) => floats.resize(numbers, 0.0),
            Self::Bytes(bytes) => bytes.resize(numbers, 0),
        }
    }

    /// Appends a range of the numbers of others of the same kind.
    pub(super) fn extend(&mut self, others: &Self, range: Range<usize>) {
        match (self, others) {
            (Self::Indices(numbers), Self::Indices(others)) => numbers.extend_from_slice(&others[range]),
            (Self::Floats(numbers), Self::Floats(others)) => numbers.extend_from_slice(&others[range]),
            (Self::Bytes(numbers), Self::Bytes(others)) => numbers.extend_from_slice(&others[range]),
            _ => unreachable!("the spaces are equal"),
        }
    }

    /// A number in double precision.
    pub(super) fn number(&self, at: usize) -> f64 {
        match self {
            Self::Indices(numbers) => numbers[at].wide(),
            Self::Floats(numbers) => numbers[at].wide(),
            Self::Bytes(numbers) => numbers[at].wide(),
        }
    }

    /// The first place in a range with a number that is not finite.
    pub(super) fn first_not_finite(&self, range: Range<usize>) -> Option<usize> {
        let Self::Floats(numbers) = self else { return None };
        let part = &numbers[range.clone()];
        // Most ranges have none, which a sum says faster than a search.
        let sum: f32 = part.iter().map(|x| x * 0.0).sum();
        if sum == 0.0 { None } else { part.iter().position(|x| !x.is_finite()).map(|at| range.start + at) }
    }

    /// The reason why a row is not in a space; `None` if it is.
    pub(super) fn outside(&self, row: Range<usize>, space: &Space) -> Option<String> {
        match self {
            Self::Indices(numbers) => numbers[row.start].outside(space),
            Self::Floats(numbers) if <[f32]>::is_in(&numbers[row.clone()], space) => None,
            Self::Floats(numbers) => numbers[row].outside(space),
            Self::Bytes(numbers) => numbers[row].outside(space),
        }
    }

    /// Calls `take` with the bytes of all numbers, little-endian, for a checksum.
    #[cfg(feature = "disk")]
    pub(super) fn for_each_part(&self, take: &mut dyn FnMut(&[u8])) {
        match self {
            Self::Indices(numbers) => numbers.iter().for_each(|&x| take(&(x as u64).to_le_bytes())),
            Self::Floats(numbers) => numbers.iter().for_each(|x| take(&x.to_le_bytes())),
            Self::Bytes(numbers) => take(numbers),
        }
    }
}
