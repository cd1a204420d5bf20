//! Parts of a slice that different threads change.

#![expect(unsafe_code, reason = "parts of a slice are given to threads that outlive the call")]

use std::marker::PhantomData;
use std::ops::Range;

/// A slice whose parts are given to different threads.
pub(crate) struct Apart<'a, T> {
    start: *mut T,
    length: usize,
    borrow: PhantomData<&'a mut [T]>,
}

// SAFETY: it stands for an exclusive borrow, parts of which are handed out once each.
unsafe impl<T: Send> Sync for Apart<'_, T> {}

impl<'a, T> Apart<'a, T> {
    /// The parts of this slice.
    pub(crate) fn new(slice: &'a mut [T]) -> Self {
        Self { start: slice.as_mut_ptr(), length: slice.len(), borrow: PhantomData }
    }

    /// The part in a range.
    ///
    /// # Panics
    /// If the range reaches beyond the slice.
    ///
    /// # Safety
    /// Ranges in use at the same time must be apart.
    #[expect(clippy::mut_from_ref, reason = "the ranges are apart")]
    pub(crate) unsafe fn range(&self, range: Range<usize>) -> &mut [T] {
        assert!(range.start <= range.end && range.end <= self.length, "a range of the slice");
        // SAFETY: within the slice.
        let start = unsafe { self.start.add(range.start) };
        // SAFETY: within the slice, and by the caller's promise no other borrow has it.
        unsafe { std::slice::from_raw_parts_mut(start, range.len()) }
    }
}
