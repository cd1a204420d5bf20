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

use memmap2::MmapMut;
use std::io;
use std::ops::{Deref, DerefMut};
use std::path::PathBuf;

/// Bytes, at first 0. They take no room before they are written.
#[derive(Debug)]
pub struct Pages(Kind);

#[derive(Debug)]
enum Kind {
    Memory(Vec<u8>),
    File(MmapMut),
}

/// Where files that take the place of memory are made: `TMPDIR`, or else `/var/tmp`, since `/tmp` is often memory.
pub fn temporary_folder() -> PathBuf {
    let on_disk = PathBuf::from("/var/tmp");
    if std::env::var_os("TMPDIR").is_none() && on_disk.is_dir() { on_disk } else { std::env::temp_dir() }
}

impl Pages {
    /// Bytes in memory.
    pub fn in_memory(length: usize) -> Self {
        Self(Kind::Memory(vec![0; length]))
    }

    /// Bytes in a file without a name, which goes when they do. The system keeps in memory what it has room for.
    ///
    /// # Errors
    /// If there is no such file to be had.
    pub fn in_file(length: usize) -> io::Result<Self> {
        let file = tempfile::tempfile_in(temporary_folder())?;
        file.set_len(length as u64)?;
        if length == 0 {
            return Ok(Self::in_memory(0));
        }
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
            Kind::Memory(bytes) => bytes,
            Kind::File(map) => map,
        }
    }
}

impl DerefMut for Pages {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        match &mut self.0 {
            Kind::Memory(bytes) => bytes,
            Kind::File(map) => map,
        }
    }
}

impl Clone for Pages {
    /// A copy in memory.
    fn clone(&self) -> Self {
        Self(Kind::Memory(self.to_vec()))
    }
}
