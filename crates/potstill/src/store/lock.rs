//! The lock that prevents two processes from writing one run.
//!
//! An operating system's lock on a file, which is released whenever its process ends, in whatever way. The
//! file itself stays: it names the holder of the lock, and is emptied by a process that ends regularly. A
//! file with a name, but without a lock, is the sign of a crash.

use super::{StoreError, io_error, names};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A held lock.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    /// True if the file names this process, and is to be emptied.
    works: bool,
}

/// The state of a run directory by its lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occupation {
    /// A process holds the lock.
    Running,
    /// The last process ended regularly.
    Released,
    /// The last process crashed.
    Crashed,
}

fn file(run: &Path) -> PathBuf {
    run.join(names::LOCK)
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    // The holder's name is helpful, but not necessary.
    let _ = file.read_to_string(&mut text);
    text.trim().to_owned()
}

/// Attempts to take the lock while another process only inspects it.
const ATTEMPTS: u32 = 20;

impl Lock {
    /// Takes the lock to work in the directory.
    pub(super) fn take(run: &Path) -> Result<Self, StoreError> {
        let mut lock = Self::hold(run)?;
        let name = format!("process {}\n", std::process::id());
        let written = lock
            .file
            .set_len(0)
            .and_then(|()| lock.file.rewind())
            .and_then(|()| lock.file.write_all(name.as_bytes()));
        written.map_err(io_error("lock", &file(run)))?;
        lock.works = true;
        Ok(lock)
    }

    /// Takes the lock without naming the holder.
    pub(super) fn hold(run: &Path) -> Result<Self, StoreError> {
        let path = file(run);
        let mut options = OpenOptions::new();
        let mut file = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(io_error("lock", &path))?;
        for look in 1.. {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if look < ATTEMPTS => {
                    // Another process may hold it for a moment, to inspect it.
                    std::thread::sleep(Duration::from_millis(5));
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(StoreError::Locked { path: run.to_owned(), holder: holder(&mut file) });
                }
                Err(TryLockError::Error(source)) => return Err(io_error("lock", &path)(source)),
            }
        }
        Ok(Self { file, works: false })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if self.works {
            // If it cannot be emptied, the run looks crashed, and can still be resumed.
            let _ = self.file.set_len(0);
        }
    }
}

pub(super) fn occupation(run: &Path) -> Result<Occupation, StoreError> {
    let path = file(run);
    let mut file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Occupation::Released),
        Err(error) => return Err(io_error("read", &path)(error)),
    };
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Ok(Occupation::Running),
        Err(TryLockError::Error(source)) => Err(io_error("read", &path)(source)),
        Ok(()) => Ok(if holder(&mut file).is_empty() { Occupation::Released } else { Occupation::Crashed }),
    }
}
