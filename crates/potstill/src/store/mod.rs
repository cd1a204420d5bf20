//! The only door to disk: run directories and files written whole or not at all.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// The names of the files in a run directory.
pub mod names {
    /// Every value of the run, resolved.
    pub const CONFIG: &str = "config.toml";
    /// One JSON object per line.
    pub const METRICS: &str = "metrics.jsonl";
    /// What was learned.
    pub const MODEL: &str = "model.safetensors";
    /// What came out.
    pub const SUMMARY: &str = "summary.json";
    /// What came out, to look at.
    pub const REPORT: &str = "report.html";
}

/// A path that is not what it should be, or a disk that refuses.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The output folder holds something already.
    #[error("{} exists and is not empty; choose another --out or remove it", .path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// The folder is no run.
    #[error("{} is not a run directory: {reason}", .path.display())]
    NotARun {
        /// The folder.
        path: PathBuf,
        /// What is missing.
        reason: String,
    },
    /// The operating system refused.
    #[error("cannot {action} {}: {source}", .path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

impl StoreError {
    /// Whether the path given is at fault and not the disk.
    pub fn is_input(&self) -> bool {
        match self {
            StoreError::NotEmpty { .. } | StoreError::NotARun { .. } => true,
            StoreError::Io { source, .. } => {
                matches!(
                    source.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::PermissionDenied
                )
            }
        }
    }
}

fn io_error<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> StoreError + 'a {
    move |source| StoreError::Io { action, path: path.to_owned(), source }
}

/// The folder that holds one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunDir {
    path: PathBuf,
    /// Whether the folder was there, empty, before the run.
    found: bool,
}

impl RunDir {
    /// Makes a new run directory at `out`, or at `runs/NAME`, `runs/NAME-2`, ... if there is no `out`.
    ///
    /// # Errors
    /// If `out` exists and is no empty folder, or cannot be made.
    pub fn create(out: Option<&Path>, name: &str) -> Result<Self, StoreError> {
        let path = match out {
            Some(out) => out.to_owned(),
            None => (1_u32..)
                .map(|n| Path::new("runs").join(if n == 1 { name.to_owned() } else { format!("{name}-{n}") }))
                .find(|path| !path.exists())
                .expect("some number is free"),
        };
        Self::check_free(&path)?;
        let found = path.exists();
        fs::create_dir_all(&path).map_err(io_error("create", &path))?;
        Ok(Self { path, found })
    }

    /// Whether a run can be made here, without making it.
    ///
    /// # Errors
    /// If the path exists and is no empty folder.
    pub fn check_free(path: &Path) -> Result<(), StoreError> {
        match fs::read_dir(path) {
            Ok(mut entries) => match entries.next() {
                None => Ok(()),
                Some(_) => Err(StoreError::NotEmpty { path: path.to_owned() }),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(io_error("use", path)(error)),
        }
    }

    /// A finished run.
    ///
    /// # Errors
    /// If there is no folder with a configuration and a model.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let reason = |reason: String| StoreError::NotARun { path: path.to_owned(), reason };
        if !path.is_dir() {
            return Err(reason(
                if path.exists() { "it is a file" } else { "there is nothing there" }.to_owned(),
            ));
        }
        for name in [names::CONFIG, names::MODEL] {
            if !path.join(name).is_file() {
                return Err(reason(format!("it has no {name}")));
            }
        }
        Ok(Self { path: path.to_owned(), found: true })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A run directory within this one.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn nested(&self, name: &str) -> Result<Self, StoreError> {
        Self::create(Some(&self.path.join(name)), name)
    }

    /// Writes a file so that a reader sees it whole or not at all.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn write(&self, name: &str, contents: &[u8]) -> Result<(), StoreError> {
        let path = self.path.join(name);
        let temporary = self.path.join(format!(".{name}.tmp"));
        let written = fs::File::create(&temporary).and_then(|mut file| {
            file.write_all(contents)?;
            file.sync_all()
        });
        written.and_then(|()| fs::rename(&temporary, &path)).map_err(|error| {
            // What is half-written goes; the first error is the one to tell.
            let _ = fs::remove_file(&temporary);
            io_error("write", &path)(error)
        })
    }

    /// Reads a file.
    ///
    /// # Errors
    /// If it is not there or the disk refuses.
    pub fn read(&self, name: &str) -> Result<Vec<u8>, StoreError> {
        let path = self.path.join(name);
        fs::read(&path).map_err(io_error("read", &path))
    }

    /// Reads a text file; bytes that are no UTF-8 become question marks, for a parser to stumble over.
    ///
    /// # Errors
    /// If it is not there or the disk refuses.
    pub fn read_text(&self, name: &str) -> Result<String, StoreError> {
        self.read(name).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Starts a file of one JSON object per line.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn log(&self, name: &str) -> Result<Log, StoreError> {
        let path = self.path.join(name);
        let file = fs::File::create(&path).map_err(io_error("create", &path))?;
        Ok(Log { path, writer: Some(BufWriter::new(file)) })
    }

    /// Removes the run, after work that failed before there was anything worth keeping.
    pub fn discard(self) {
        // A folder that cannot be removed could not be written either; the error that led here says so.
        let _ = fs::remove_dir_all(&self.path);
        if self.found {
            let _ = fs::create_dir(&self.path);
        }
    }
}

/// A file of one JSON object per line.
#[derive(Debug)]
pub struct Log {
    path: PathBuf,
    writer: Option<BufWriter<fs::File>>,
}

impl Log {
    /// A log that keeps nothing.
    pub fn none() -> Self {
        Self { path: PathBuf::new(), writer: None }
    }

    /// Adds one line.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn line(&mut self, object: &serde_json::Value) -> Result<(), StoreError> {
        match &mut self.writer {
            Some(writer) => writeln!(writer, "{object}").map_err(io_error("write", &self.path)),
            None => Ok(()),
        }
    }

    /// Writes what is still in memory.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn finish(mut self) -> Result<(), StoreError> {
        match &mut self.writer {
            Some(writer) => writer.flush().map_err(io_error("write", &self.path)),
            None => Ok(()),
        }
    }
}

/// Reads a file that a user named.
///
/// # Errors
/// If it is not there or the disk refuses.
pub fn read_text(path: &Path) -> Result<String, StoreError> {
    fs::read_to_string(path).map_err(io_error("read", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_occupied_folder_is_refused_and_left_alone() {
        let root = tempfile::tempdir().unwrap();
        let run = root.path().join("a/run");
        let made = RunDir::create(Some(&run), "x").unwrap();
        assert!(RunDir::create(Some(&run), "x").is_ok(), "an empty folder is free");
        made.write("notes.txt", b"mine").unwrap();
        let error = RunDir::create(Some(&run), "x").unwrap_err();
        assert!(error.to_string().ends_with("exists and is not empty; choose another --out or remove it"));
        assert_eq!(made.read("notes.txt").unwrap(), b"mine");
        assert!(error.is_input());
    }

    #[test]
    fn a_discarded_run_leaves_what_was_there_before() {
        let root = tempfile::tempdir().unwrap();
        let (new, empty) = (root.path().join("new"), root.path().join("empty"));
        fs::create_dir(&empty).unwrap();
        for path in [&new, &empty] {
            let run = RunDir::create(Some(path), "x").unwrap();
            run.write("a", b"a").unwrap();
            run.nested("b").unwrap().write("c", b"c").unwrap();
            run.discard();
        }
        assert!(!new.exists());
        assert_eq!(fs::read_dir(&empty).unwrap().count(), 0);
    }

    #[test]
    fn a_write_replaces_the_whole_file_and_leaves_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        let run = RunDir::create(Some(root.path()), "x").unwrap();
        run.write("a", b"long contents").unwrap();
        run.write("a", b"short").unwrap();
        assert_eq!(run.read("a").unwrap(), b"short");
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_no_run_is_named() {
        let root = tempfile::tempdir().unwrap();
        let check = |path: &Path, expected: &str| {
            assert!(RunDir::open(path).unwrap_err().to_string().ends_with(expected));
        };
        check(&root.path().join("nowhere"), "is not a run directory: there is nothing there");
        check(root.path(), "is not a run directory: it has no config.toml");
        fs::write(root.path().join("file"), "").unwrap();
        check(&root.path().join("file"), "is not a run directory: it is a file");
    }
}
