//! What the store asks of a disk, so that a simulated one can stand in and fail where a real one might.
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
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A disk. What is written is durable only after `sync` of the file and of the folder that holds its name.
pub trait Disk: Debug + Send + Sync {
    /// Makes a folder.
    ///
    /// # Errors
    /// If there is something of that name, or the disk refuses.
    fn create_dir(&self, path: &Path) -> io::Result<()>;

    /// Makes a file with these contents, or replaces it.
    ///
    /// # Errors
    /// If the disk refuses; the file may then hold a part.
    fn write(&self, path: &Path, contents: &[u8]) -> io::Result<()>;

    /// Adds to the end of a file.
    ///
    /// # Errors
    /// If there is none, or the disk refuses; a part may then have been added.
    fn append(&self, path: &Path, contents: &[u8]) -> io::Result<()>;

    /// Cuts a file off after so many bytes.
    ///
    /// # Errors
    /// If the disk refuses.
    fn truncate(&self, path: &Path, bytes: u64) -> io::Result<()>;

    /// Makes a file's contents, or a folder's names, durable.
    ///
    /// # Errors
    /// If the disk refuses.
    fn sync(&self, path: &Path) -> io::Result<()>;

    /// Gives a file or folder another name, in one step. A file of that name is replaced.
    ///
    /// # Errors
    /// If the disk refuses.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file, or a folder with all that is in it.
    ///
    /// # Errors
    /// If the disk refuses.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// The contents of a file.
    ///
    /// # Errors
    /// If there is none, or the disk refuses.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// The length of a file.
    ///
    /// # Errors
    /// If there is none, or the disk refuses.
    fn bytes(&self, path: &Path) -> io::Result<u64>;

    /// The names in a folder, sorted.
    ///
    /// # Errors
    /// If there is none, or the disk refuses.
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

    fn bytes(&self, path: &Path) -> io::Result<u64> {
        fs::metadata(path).map(|about| about.len())
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        // A name that is no UTF-8 is none of ours; shown as it can be, it matches nothing that we look for.
        let names = fs::read_dir(path)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
        let mut names = names.collect::<io::Result<Vec<String>>>()?;
        names.sort();
        Ok(names)
    }
}

/// A disk that comes to a halt in the middle of its n-th change, so that a test can kill the process there.
#[derive(Debug)]
struct PausingDisk {
    left: AtomicU64,
}

/// Names the change to halt at. For tests.
const PAUSE_VARIABLE: &str = "POTSTILL_PAUSE_AT";

/// The operating system's disk, which halts where a test says.
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
            eprintln!("paused");
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
            // Of a folder one file is gone, the others are still there.
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
