//! A large piece of memory, or of a file that takes its place.
//!
//! ```
//! use potstill_core::Pages;
//!
//! let mut pages = Pages::in_file(1 << 20)?;
//! pages[12_345] = 7;
//! assert_eq!((pages[12_345], pages[0], pages.len()), (7, 0, 1 << 20));
//! # Ok::<(), std::io::Error>(())
//! ```

use fs4::FileExt;
use memmap2::MmapMut;
use std::io;
use std::ops::{Deref, DerefMut};
use std::path::PathBuf;

/// Bytes, at first 0. In memory they take no room before they are written; a file has its room on the disk from the beginning.
#[derive(Debug)]
pub struct Pages(Kind);

#[derive(Debug)]
enum Kind {
    Memory(MmapMut),
    File(MmapMut),
    None,
}

/// Where files that take the place of memory are made: `TMPDIR`, or else `/var/tmp`, since `/tmp` is often memory.
pub fn temporary_folder() -> PathBuf {
    let on_disk = PathBuf::from("/var/tmp");
    if std::env::var_os("TMPDIR").is_none() && on_disk.is_dir() { on_disk } else { std::env::temp_dir() }
}

impl Pages {
    /// Bytes in memory.
    ///
    /// # Errors
    /// If there are not so many to be had.
    pub fn in_memory(length: usize) -> io::Result<Self> {
        Ok(Self(if length == 0 { Kind::None } else { Kind::Memory(MmapMut::map_anon(length)?) }))
    }

    /// Bytes in a file without a name, which goes when they do. The system keeps in memory what it has room for.
    ///
    /// # Errors
    /// If there is no such file to be had, or not so much room on the disk.
    pub fn in_file(length: usize) -> io::Result<Self> {
        if length == 0 {
            return Ok(Self(Kind::None));
        }
        let file = tempfile::tempfile_in(temporary_folder())?;
        // With all its blocks: a hole that cannot be filled later would kill the process.
        file.allocate(length as u64)?;
        // SAFETY: the file has no name, so that nobody else can change it.
        #[expect(unsafe_code, reason = "another process could change a mapped file that has a name")]
        let map = unsafe { MmapMut::map_mut(&file) }?;
        Ok(Self(Kind::File(map)))
    }

    /// Whether they are in a file.
    pub fn is_file(&self) -> bool {
        matches!(self.0, Kind::File(_))
    }
}

impl Deref for Pages {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match &self.0 {
            Kind::Memory(map) | Kind::File(map) => map,
            Kind::None => &[],
        }
    }
}

impl DerefMut for Pages {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        match &mut self.0 {
            Kind::Memory(map) | Kind::File(map) => map,
            Kind::None => &mut [],
        }
    }
}

impl Clone for Pages {
    /// A copy in memory.
    ///
    /// # Panics
    /// If there is not so much.
    fn clone(&self) -> Self {
        let mut copy = Self::in_memory(self.len()).expect("memory for a copy");
        copy.copy_from_slice(self);
        copy
    }
}
