//! A list of numbers in memory, or, above a limit, in a file in its place.
//!
//! ```
//! use potstill_core::Stored;
//!
//! let mut numbers = Stored::below(1 << 16);
//! (0..1000).for_each(|i| numbers.push(f64::from(i)));
//! assert!(!numbers.is_file());
//! (1000..100_000).for_each(|i| numbers.push(f64::from(i)));
//! assert_eq!(numbers.is_file(), cfg!(feature = "disk"));
//! assert_eq!((numbers.len(), numbers[99_999]), (100_000, 99_999.0));
//! assert_eq!(Stored::from(vec![1_u8, 2]).as_slice(), [1, 2]);
//! ```

use crate::pages::{Pages, Plain};
use std::fmt;
use std::ops::{Deref, DerefMut};

/// The fewest bytes of a file.
const FILE_MIN: usize = 1 << 16;

/// A list of numbers. What it holds does not depend on where it is: in memory up to a limit, and above it in an unnamed file,
/// of which the system caches as much in memory as it can. Where no file can be made, it stays in memory.
pub struct Stored<T: Plain> {
    kind: Kind<T>,
    /// The most bytes in memory.
    limit: usize,
}

enum Kind<T: Plain> {
    Memory(Vec<T>),
    File { pages: Pages, length: usize },
}

impl<T: Plain> Stored<T> {
    /// No numbers yet, of which at most so many bytes are held in memory.
    pub fn below(limit_bytes: usize) -> Self {
        Self { kind: Kind::Memory(Vec::new()), limit: limit_bytes }
    }

    /// The limit in bytes.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Returns true if the numbers are in a file.
    pub fn is_file(&self) -> bool {
        matches!(self.kind, Kind::File { .. })
    }

    /// The numbers.
    pub fn as_slice(&self) -> &[T] {
        match &self.kind {
            Kind::Memory(numbers) => numbers,
            Kind::File { pages, length } => &pages.as_numbers()[..*length],
        }
    }

    /// Makes room for so many more.
    pub fn reserve(&mut self, more: usize) {
        let needed = self.len().saturating_add(more);
        let bytes = needed.saturating_mul(size_of::<T>());
        match &mut self.kind {
            Kind::Memory(numbers) if bytes <= self.limit => {
                // Twice as many as before, but not more than the limit.
                let doubled = numbers.capacity().saturating_mul(2).min(self.limit / size_of::<T>());
                numbers.reserve_exact(needed.max(doubled) - numbers.len());
            }
            Kind::File { pages, .. } if pages.len() >= bytes => {}
            _ => self.move_to_file(needed),
        }
    }

    /// Moves the numbers into a file with room for so many, or at least twice as many as there are.
    fn move_to_file(&mut self, needed: usize) {
        let count = needed.max(self.len().saturating_mul(2));
        match Pages::in_file(count.saturating_mul(size_of::<T>()).max(FILE_MIN)) {
            Ok(mut pages) => {
                let length = self.len();
                pages.as_numbers_mut()[..length].copy_from_slice(self);
                self.kind = Kind::File { pages, length };
            }
            Err(_) => {
                let mut numbers = self.to_vec();
                numbers.reserve(needed - numbers.len());
                *self = Self { kind: Kind::Memory(numbers), limit: usize::MAX };
            }
        }
    }

    /// Appends a number.
    #[inline]
    pub fn push(&mut self, number: T) {
        match &mut self.kind {
            Kind::Memory(numbers) if numbers.len() < numbers.capacity() => numbers.push(number),
            _ => self.extend_from_slice(&[number]),
        }
    }

    /// Appends numbers.
    pub fn extend_from_slice(&mut self, more: &[T]) {
        let has_room = match &self.kind {
            Kind::Memory(numbers) => numbers.capacity() - numbers.len() >= more.len(),
            Kind::File { pages, length } => pages.as_numbers::<T>().len() - length >= more.len(),
        };
        if !has_room {
            self.reserve(more.len());
        }
        match &mut self.kind {
            Kind::Memory(numbers) => numbers.extend_from_slice(more),
            Kind::File { pages, length } => {
                pages.as_numbers_mut()[*length..][..more.len()].copy_from_slice(more);
                *length += more.len();
            }
        }
    }

    /// Brings the list to a length: appends a number as often as needed, or removes what is behind it.
    pub fn resize(&mut self, length: usize, number: T) {
        match &mut self.kind {
            Kind::Memory(numbers) if length <= numbers.len() => numbers.truncate(length),
            Kind::File { length: own, .. } if length <= *own => *own = length,
            _ => {
                self.reserve(length - self.len());
                (self.len()..length).for_each(|_| self.push(number));
            }
        }
    }
}

impl<T: Plain> Default for Stored<T> {
    fn default() -> Self {
        Self::below(usize::MAX)
    }
}

impl<T: Plain> From<Vec<T>> for Stored<T> {
    /// The same numbers, in memory.
    fn from(numbers: Vec<T>) -> Self {
        Self { kind: Kind::Memory(numbers), limit: usize::MAX }
    }
}

impl<T: Plain> FromIterator<T> for Stored<T> {
    fn from_iter<I: IntoIterator<Item = T>>(numbers: I) -> Self {
        numbers.into_iter().collect::<Vec<T>>().into()
    }
}

impl<T: Plain> Extend<T> for Stored<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, numbers: I) {
        numbers.into_iter().for_each(|number| self.push(number));
    }
}

impl<T: Plain> Deref for Stored<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        self.as_slice()
    }
}

impl<T: Plain> DerefMut for Stored<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        match &mut self.kind {
            Kind::Memory(numbers) => numbers,
            Kind::File { pages, length } => &mut pages.as_numbers_mut()[..*length],
        }
    }
}

impl<T: Plain> Clone for Stored<T> {
    fn clone(&self) -> Self {
        let mut copy = Self::below(self.limit);
        copy.extend_from_slice(self);
        copy
    }
}

impl<T: Plain> PartialEq for Stored<T> {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl<T: Plain> fmt::Debug for Stored<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_slice().fmt(f)
    }
}
