//! The errors of the disk and of paths, each with its remedy.

use crate::shell;
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// A wrong path, a damaged file, or a disk error.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The output folder exists and is not empty.
    #[error("{} exists and is not empty; choose another --out or remove it", .path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// The output file exists already.
    #[error("{} exists; choose another --out or remove it", .path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The path of a file to write is a folder.
    #[error("{} is a folder; name a file", .path.display())]
    IsFolder {
        /// The folder.
        path: PathBuf,
    },
    /// The path of a file to write is one that is read, or lies in a folder that is.
    #[error("{} is there and is read from; choose another place to write to", .path.display())]
    IsInput {
        /// The file.
        path: PathBuf,
    },
    /// The path leads nowhere.
    #[error("{} is a link to {}, which does not exist; remove the link or create that folder", .path.display(), .target.display())]
    Dangling {
        /// The link.
        path: PathBuf,
        /// Its target.
        target: PathBuf,
    },
    /// A file is no text.
    #[error("{} {reason}", .path.display())]
    NoText {
        /// The file.
        path: PathBuf,
        /// The reason, with what to do.
        reason: String,
    },
    /// The folder is not a run directory.
    #[error("{} is not a run directory: {reason}", .path.display())]
    NotARun {
        /// The folder.
        path: PathBuf,
        /// The missing file.
        reason: String,
    },
    /// The run has no results yet.
    #[error("{} has no {missing}: the run is not finished; `potstill resume {}` continues it", .path.display(), shell::path(.path))]
    Unfinished {
        /// The run.
        path: PathBuf,
        /// The file.
        missing: &'static str,
    },
    /// Another process works in the run directory.
    #[error("{} is in use by another process ({holder}); wait for it or stop it", .path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
        /// The process.
        holder: String,
    },
    /// A file is damaged.
    #[error("{} {reason}; {remedy}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The reason, with the position.
        reason: String,
        /// The remedy.
        remedy: String,
    },
    /// A file is intact, but of an unknown format.
    #[error("{} {reason}; use a program that does, or train again", .path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Both versions.
        reason: String,
    },
    /// The disk is full.
    #[error("cannot write {}: the disk is full ({needed} bytes needed, {free} free); make room, then resume the run or repeat the command", .path.display())]
    Full {
        /// The file.
        path: PathBuf,
        /// Bytes to be written.
        needed: usize,
        /// Bytes free.
        free: u64,
    },
    /// The operating system reported an error.
    #[error("cannot {action} {}: {source}", .path.display())]
    Io {
        /// The operation.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

impl StoreError {
    /// Returns true if the user's input is at fault, and not the disk.
    pub fn is_input(&self) -> bool {
        match self {
            StoreError::Full { .. } => false,
            StoreError::Io { source, .. } => {
                matches!(
                    source.kind(),
                    io::ErrorKind::NotFound
                        | io::ErrorKind::NotADirectory
                        | io::ErrorKind::PermissionDenied
                        | io::ErrorKind::ReadOnlyFilesystem
                        | io::ErrorKind::InvalidFilename
                        | io::ErrorKind::InvalidInput
                        | io::ErrorKind::IsADirectory
                        | io::ErrorKind::AlreadyExists
                )
            }
            _ => true,
        }
    }

    /// Adds the number of bytes to the error of a write.
    pub(super) fn needing(self, needed: usize) -> Self {
        match self {
            StoreError::Io { path, source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                let free = path.parent().map_or(0, |folder| fs4::available_space(folder).unwrap_or(0));
                StoreError::Full { path, needed, free }
            }
            other => other,
        }
    }
}

/// The error of an operation on a path, from the system's.
pub(super) fn io_error<'a>(
    action: &'static str,
    path: &'a Path,
) -> impl FnOnce(io::Error) -> StoreError + 'a {
    move |source| StoreError::Io { action, path: path.to_owned(), source }
}
