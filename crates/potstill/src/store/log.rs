//! Files that grow while a run goes on, and are cut back to a checkpoint when it is resumed.

use super::manifest::FileMark;
use super::{RunDir, StoreError};

/// Bytes kept in memory before they are written.
const BUFFER_BYTES: usize = 16 * 1024;

/// A file that grows.
#[derive(Debug)]
pub struct Log {
    name: String,
    buffer: Vec<u8>,
    bytes: u64,
    /// CRC-32C of everything so far, on disk and in memory.
    checksum: u32,
}

impl Log {
    /// Starts a log, empty.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn create(dir: &RunDir, name: &str) -> Result<Self, StoreError> {
        let path = dir.path().join(name);
        dir.on("create", &path, |disk| disk.write(&path, b""))?;
        Ok(Self { name: name.to_owned(), buffer: Vec::new(), bytes: 0, checksum: 0 })
    }

    /// Goes on with a log as it was at a checkpoint; what came after is cut off.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn resume(dir: &RunDir, mark: &FileMark) -> Result<Self, StoreError> {
        let path = dir.path().join(&mark.name);
        dir.on("cut back", &path, |disk| disk.truncate(&path, mark.bytes))?;
        Ok(Self { name: mark.name.clone(), buffer: Vec::new(), bytes: mark.bytes, checksum: mark.checksum() })
    }

    /// Adds to the end.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn add(&mut self, dir: &RunDir, bytes: &[u8]) -> Result<(), StoreError> {
        self.buffer.extend_from_slice(bytes);
        self.bytes += bytes.len() as u64;
        self.checksum = crc32c::crc32c_append(self.checksum, bytes);
        if self.buffer.len() < BUFFER_BYTES { Ok(()) } else { self.flush(dir) }
    }

    /// Writes what is still in memory.
    ///
    /// # Errors
    /// If the disk refuses.
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

    /// How far it is, after writing what is still in memory.
    ///
    /// # Errors
    /// If somebody else has changed the file, or the disk refuses.
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
