//! A large block of memory, or of a file in its place.
//!
//! Files need the feature `disk`, which is on by default. Without it there is only memory, and no code that
//! accesses a disk.
//!
//! ```
//! use potstill_core::Pages;
//!
//! let mut pages = Pages::in_memory(1 << 20)?;
//! pages[12_345] = 7;
//! assert_eq!((pages[12_345], pages[0], pages.len()), (7, 0, 1 << 20));
//! assert_eq!(Pages::in_file(1 << 20).is_ok(), cfg!(feature = "disk"));
//! # Ok::<(), std::io::Error>(())
//! ```

use std::io;
use std::ops::{Deref, DerefMut};

/// Bytes that use no memory before they are written.
#[cfg(feature = "disk")]
use memmap2::MmapMut as Memory;
/// Bytes on the heap.
#[cfg(not(feature = "disk"))]
type Memory = Vec<u8>;

/// Bytes, at first 0. In memory, with the feature `disk`, pages are allocated when they are written; a file
/// is allocated on the disk from the beginning.
#[derive(Debug)]
pub struct Pages(Kind);

#[derive(Debug)]
enum Kind {
    Memory(Memory),
    #[cfg(feature = "disk")]
    File(memmap2::MmapMut),
    None,
}

/// The folder for files in place of memory: `TMPDIR`, or else `/var/tmp`, since `/tmp` is often in memory.
#[cfg(feature = "disk")]
pub fn temporary_folder() -> std::path::PathBuf {
    let on_disk = std::path::PathBuf::from("/var/tmp");
    if std::env::var_os("TMPDIR").is_none() && on_disk.is_dir() { on_disk } else { std::env::temp_dir() }
}

/// No folder: there is no disk.
#[cfg(not(feature = "disk"))]
pub fn temporary_folder() -> std::path::PathBuf {
    "no folder".into()
}

#[cfg(feature = "disk")]
fn zeros(length: usize) -> io::Result<Memory> {
    Memory::map_anon(length)
}

#[cfg(not(feature = "disk"))]
fn zeros(length: usize) -> io::Result<Memory> {
    let mut bytes = Memory::new();
    bytes.try_reserve_exact(length).map_err(|error| io::Error::new(io::ErrorKind::OutOfMemory, error))?;
    bytes.resize(length, 0);
    Ok(bytes)
}

impl Pages {
    /// Allocates bytes in memory.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn in_memory(length: usize) -> io::Result<Self> {
        Ok(Self(if length == 0 { Kind::None } else { Kind::Memory(zeros(length)?) }))
    }

    /// Allocates bytes in an unnamed file, which is removed with the value. The system caches as much of it
    /// in memory as it can.
    ///
    /// # Errors
    /// If there is no such file, or not enough room on the disk.
    #[cfg(feature = "disk")]
    pub fn in_file(length: usize) -> io::Result<Self> {
        use fs4::FileExt;

        if length == 0 {
            return Ok(Self(Kind::None));
        }
        let file = tempfile::tempfile_in(temporary_folder())?;
        // With all its blocks: a hole that cannot be filled later would kill the process.
        file.allocate(length as u64)?;
        // SAFETY: the file has no name, so no other process can change it.
        #[expect(unsafe_code, reason = "another process could change a mapped file that has a name")]
        let map = unsafe { memmap2::MmapMut::map_mut(&file) }?;
        Ok(Self(Kind::File(map)))
    }

    /// Refuses: a file needs the feature `disk`.
    ///
    /// # Errors
    /// Always, of the kind [`io::ErrorKind::Unsupported`].
    #[cfg(not(feature = "disk"))]
    pub fn in_file(length: usize) -> io::Result<Self> {
        let message = format!(
            "{length} bytes in a file: potstill-core was built without a disk; build it with the feature `disk`, or keep \
             them in memory"
        );
        Err(io::Error::new(io::ErrorKind::Unsupported, message))
    }

    /// Returns true if the bytes are in a file.
    pub fn is_file(&self) -> bool {
        match self.0 {
            #[cfg(feature = "disk")]
            Kind::File(_) => true,
            Kind::Memory(_) | Kind::None => false,
        }
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for u8 {}
    impl Sealed for u32 {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
    impl Sealed for usize {}
}

/// Numbers without padding, of which every pattern of bits is one.
pub trait Plain:
    sealed::Sealed + Copy + Default + PartialEq + std::fmt::Debug + Send + Sync + 'static
{
}

impl Plain for u8 {}
impl Plain for u32 {}
impl Plain for f32 {}
impl Plain for f64 {}
impl Plain for usize {}

impl Pages {
    /// The bytes of a file as numbers, in the order of bytes of this machine; those of a part of a number at the end are left out.
    ///
    /// # Panics
    /// If they are not aligned, which bytes on the heap, of a build without a disk, need not be.
    #[inline]
    pub fn as_numbers<T: Plain>(&self) -> &[T] {
        // SAFETY: every pattern of bits is a number of this type.
        #[expect(unsafe_code, reason = "bytes are seen as numbers")]
        let (before, numbers, _) = unsafe { self.align_to::<T>() };
        assert!(before.is_empty(), "pages begin at a multiple of every size");
        numbers
    }

    /// The same numbers, to be changed.
    ///
    /// # Panics
    /// As [`as_numbers`](Self::as_numbers).
    pub fn as_numbers_mut<T: Plain>(&mut self) -> &mut [T] {
        // SAFETY: every pattern of bits is a number of this type, and every number has a pattern of bytes.
        #[expect(unsafe_code, reason = "bytes are seen as numbers")]
        let (before, numbers, _) = unsafe { self.align_to_mut::<T>() };
        assert!(before.is_empty(), "pages begin at a multiple of every size");
        numbers
    }
}

impl Deref for Pages {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match &self.0 {
            Kind::Memory(bytes) => bytes,
            #[cfg(feature = "disk")]
            Kind::File(map) => map,
            Kind::None => &[],
        }
    }
}

impl DerefMut for Pages {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        match &mut self.0 {
            Kind::Memory(bytes) => bytes,
            #[cfg(feature = "disk")]
            Kind::File(map) => map,
            Kind::None => &mut [],
        }
    }
}

impl Clone for Pages {
    /// Copies the bytes into memory.
    ///
    /// # Panics
    /// If there is not enough memory.
    fn clone(&self) -> Self {
        let mut copy = Self::in_memory(self.len()).expect("memory for a copy");
        copy.copy_from_slice(self);
        copy
    }
}
