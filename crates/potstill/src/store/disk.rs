//! The disk operations of the store, as a trait, so that a simulated disk can replace the real one and fail
//! on purpose.
//!
//! ```
//! use potstill::store::disk::{Disk, RealDisk};
//!
//! # fn main() -> std::io::Result<()> {
//! let root = tempfile::tempdir()?;
//! let path = root.path().join("log");
//! RealDisk.write(&path, b"one\n")?;
//! RealDisk.append(&path, b"two\n")?;
//! RealDisk.sync(&path)?;
//! assert_eq!(RealDisk.bytes(&path)?, 8);
//! assert_eq!(RealDisk.list(root.path())?, ["log"]);
//! # Ok(())
//! # }
//! ```

use std::fmt::Debug;
use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A disk. Written contents are durable only after `sync` of the file and of the folder that contains its
/// name.
pub trait Disk: Debug + Send + Sync {
    /// Creates a folder.
    ///
    /// # Errors
    /// If the name exists, or the disk cannot be written.
    fn create_dir(&self, path: &Path) -> io::Result<()>;

    /// Creates a file with these contents, or replaces it.
    ///
    /// # Errors
    /// If the disk cannot be written; the file may then contain a part.
    fn write(&self, path: &Path, contents: &[u8]) -> io::Result<()>;

    /// Appends to a file.
    ///
    /// # Errors
    /// If the file does not exist, or the disk cannot be written; a part may then have been appended.
    fn append(&self, path: &Path, contents: &[u8]) -> io::Result<()>;

    /// Truncates a file to a number of bytes.
    ///
    /// # Errors
    /// If the disk cannot be written.
    fn truncate(&self, path: &Path, bytes: u64) -> io::Result<()>;

    /// Makes a file's contents, or a folder's names, durable.
    ///
    /// # Errors
    /// If the disk cannot be written.
    fn sync(&self, path: &Path) -> io::Result<()>;

    /// Renames a file or folder atomically. A file of the new name is replaced.
    ///
    /// # Errors
    /// If the disk cannot be written.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file, or a folder with its contents.
    ///
    /// # Errors
    /// If the disk cannot be written.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// The contents of a file.
    ///
    /// # Errors
    /// If the file does not exist, or cannot be read.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// The contents of a file, to be read in pieces.
    ///
    /// # Errors
    /// If the file does not exist, or cannot be read.
    fn open(&self, path: &Path) -> io::Result<Box<dyn Read>> {
        Ok(Box::new(io::Cursor::new(self.read(path)?)))
    }

    /// The length of a file.
    ///
    /// # Errors
    /// If the file does not exist, or cannot be read.
    fn bytes(&self, path: &Path) -> io::Result<u64>;

    /// The names in a folder, sorted.
    ///
    /// # Errors
    /// If the folder does not exist, or cannot be read.
    fn list(&self, path: &Path) -> io::Result<Vec<String>>;
}

/// The operating system's disk.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        fs::create_dir(path)
    }

    fn write(&self, path: &Path, contents: &[u8]) -> io::Result<()> {
        fs::write(path, contents)
    }

    fn append(&self, path: &Path, contents: &[u8]) -> io::Result<()> {
        fs::OpenOptions::new().append(true).open(path)?.write_all(contents)
    }

    fn truncate(&self, path: &Path, bytes: u64) -> io::Result<()> {
        fs::OpenOptions::new().write(true).open(path)?.set_len(bytes)
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        fs::File::open(path)?.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        if fs::symlink_metadata(path)?.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Read>> {
        Ok(Box::new(fs::File::open(path)?))
    }

    fn bytes(&self, path: &Path) -> io::Result<u64> {
        fs::metadata(path).map(|about| about.len())
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        // A name that is not UTF-8 was not written by this program; its lossy form matches no name of ours.
        let names = fs::read_dir(path)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
        let mut names = names.collect::<io::Result<Vec<String>>>()?;
        names.sort();
        Ok(names)
    }
}

/// A disk that halts in the middle of its n-th change, so that a test can kill the process there.
#[derive(Debug)]
struct PausingDisk {
    left: AtomicU64,
}

/// The environment variable with the change to halt at. For tests.
const PAUSE_VARIABLE: &str = "POTSTILL_PAUSE_AT";

/// The operating system's disk, which halts as tests ask for.
pub(super) fn real() -> Arc<dyn Disk> {
    let n = std::env::var(PAUSE_VARIABLE).ok().and_then(|n| n.parse().ok());
    match n {
        None => Arc::new(RealDisk),
        Some(n) => Arc::new(PausingDisk { left: AtomicU64::new(n) }),
    }
}

impl PausingDisk {
    /// Counts a change; halts at the last, after `half` of it.
    fn count(&self, half: impl FnOnce()) {
        if self.left.fetch_sub(1, Ordering::SeqCst) == 0 {
            half();
            // A closed stderr must not keep it from halting.
            let _ = writeln!(io::stderr(), "paused");
            loop {
                std::thread::park();
            }
        }
    }
}

impl Disk for PausingDisk {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.count(|| {});
        RealDisk.create_dir(path)
    }

    fn write(&self, path: &Path, contents: &[u8]) -> io::Result<()> {
        self.count(|| _ = RealDisk.write(path, &contents[..contents.len() / 2]));
        RealDisk.write(path, contents)
    }

    fn append(&self, path: &Path, contents: &[u8]) -> io::Result<()> {
        self.count(|| _ = RealDisk.append(path, &contents[..contents.len() / 2]));
        RealDisk.append(path, contents)
    }

    fn truncate(&self, path: &Path, bytes: u64) -> io::Result<()> {
        self.count(|| {});
        RealDisk.truncate(path, bytes)
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        self.count(|| {});
        RealDisk.sync(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.count(|| {});
        RealDisk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.count(|| {
            // One file of a folder is removed, the others still exist.
            if let Some(name) = RealDisk.list(path).ok().and_then(|names| names.into_iter().next()) {
                let _ = RealDisk.remove(&path.join(name));
            }
        });
        RealDisk.remove(path)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        RealDisk.read(path)
    }

    fn bytes(&self, path: &Path) -> io::Result<u64> {
        RealDisk.bytes(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        RealDisk.list(path)
    }
}
