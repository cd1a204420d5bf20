//! Append-only files, which are truncated to a checkpoint when a run is resumed.

use super::manifest::FileMark;
use super::{RunDir, StoreError};

/// Bytes that are buffered before they are written.
const BUFFER_BYTES: usize = 16 * 1024;

/// An append-only file.
#[derive(Debug)]
pub struct Log {
    name: String,
    buffer: Vec<u8>,
    bytes: u64,
    /// CRC-32C of all contents so far, on disk and in the buffer.
    checksum: u32,
}

impl Log {
    /// Creates an empty log.
    ///
    /// # Errors
    /// If the disk cannot be written.
    pub fn create(dir: &RunDir, name: &str) -> Result<Self, StoreError> {
        let path = dir.path().join(name);
        dir.on("create", &path, |disk| disk.write(&path, b""))?;
        Ok(Self { name: name.to_owned(), buffer: Vec::new(), bytes: 0, checksum: 0 })
    }

    /// Opens a log, truncated to its length at a checkpoint.
    ///
    /// # Errors
    /// If the disk cannot be read or written.
    pub fn resume(dir: &RunDir, mark: &FileMark) -> Result<Self, StoreError> {
        let path = dir.path().join(&mark.name);
        dir.on("cut back", &path, |disk| disk.truncate(&path, mark.bytes))?;
        Ok(Self { name: mark.name.clone(), buffer: Vec::new(), bytes: mark.bytes, checksum: mark.checksum() })
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// If the disk cannot be written.
    pub fn add(&mut self, dir: &RunDir, bytes: &[u8]) -> Result<(), StoreError> {
        self.buffer.extend_from_slice(bytes);
        self.bytes += bytes.len() as u64;
        self.checksum = crc32c::crc32c_append(self.checksum, bytes);
        if self.buffer.len() < BUFFER_BYTES { Ok(()) } else { self.flush(dir) }
    }

    /// Writes the buffer.
    ///
    /// # Errors
    /// If the disk cannot be written.
    pub fn flush(&mut self, dir: &RunDir) -> Result<(), StoreError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let path = dir.path().join(&self.name);
        dir.on("write", &path, |disk| disk.append(&path, &self.buffer))
            .map_err(|error| error.needing(self.buffer.len()))?;
        self.buffer.clear();
        Ok(())
    }

    /// Writes the buffer, and returns the length and checksum.
    ///
    /// # Errors
    /// If another process has changed the file, or the disk cannot be written.
    pub fn mark(&mut self, dir: &RunDir) -> Result<FileMark, StoreError> {
        self.flush(dir)?;
        let path = dir.path().join(&self.name);
        let found = dir.on("read", &path, |disk| disk.bytes(&path))?;
        if found != self.bytes {
            return Err(StoreError::Damaged {
                path,
                reason: format!("has {found} bytes, but {} were written", self.bytes),
                remedy: "something else changes the files of this run".to_owned(),
            });
        }
        Ok(FileMark::growing(&self.name, self.bytes, self.checksum))
    }
}
