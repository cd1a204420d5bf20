//! The only door to disk: run directories, checkpoints, logs; files written whole or not at all.
//!
//! ```
//! use potstill::core::{Snapshot, Value};
//! use potstill::store::{Checkpoint, RunDir};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let root = tempfile::tempdir()?;
//! let dir = RunDir::create(Some(&root.path().join("run")), "run")?;
//! let state = Snapshot::new().with("weights", Value::F32s(vec![0.5, -1.0]));
//! Checkpoint { step: 10, state, ..Checkpoint::default() }.save(&dir, 2)?;
//! let newest = Checkpoint::newest(&dir, false)?.expect("it was saved");
//! assert_eq!(newest.state.f32s("weights", 2)?, [0.5, -1.0]);
//! # Ok(())
//! # }
//! ```

mod checkpoint;
#[cfg(test)]
mod damage;
pub mod disk;
mod lock;
mod log;
mod manifest;
#[cfg(test)]
mod simulated;
pub mod snapshot_file;

pub use checkpoint::Checkpoint;
pub use log::Log;
pub use manifest::{FileMark, Manifest, ManifestError};

use disk::{Disk, RealDisk};
use lock::Lock;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error;

/// The names of the files in a run directory.
pub mod names {
    /// Every value of the run, resolved.
    pub const CONFIG: &str = "config.toml";
    /// What files there are, with their checksums.
    pub const MANIFEST: &str = "manifest.json";
    /// One JSON object per line.
    pub const METRICS: &str = "metrics.jsonl";
    /// The same for TensorBoard.
    pub const EVENTS: &str = "events.out.tfevents.potstill";
    /// What was learned.
    pub const MODEL: &str = "model.safetensors";
    /// What the student learns from.
    pub const TEACHER: &str = "teacher.safetensors";
    /// Whose policy acts, if that is another run's.
    pub const BEHAVIOUR: &str = "behaviour.safetensors";
    /// Copies of what other runs learned, which a run may need.
    pub const COPIES: [&str; 2] = [TEACHER, BEHAVIOUR];
    /// How often each action was taken in each state.
    pub const VISITS: &str = "visits.json";
    /// What came out.
    pub const SUMMARY: &str = "summary.json";
    /// What came out, to look at.
    pub const REPORT: &str = "report.html";
    /// The folder of checkpoints.
    pub const CHECKPOINTS: &str = "checkpoints";
    /// The state in a checkpoint.
    pub const STATE: &str = "state.safetensors";
    /// Why training stopped, if numbers went bad.
    pub const FAILURE: &str = "failure.json";
    /// The numbers that went bad.
    pub const FAILURE_BATCH: &str = "failure.safetensors";
    /// Held by the process that works in the directory.
    pub const LOCK: &str = "run.lock";
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
    /// A file that would be written is there already.
    #[error("{} exists; choose another --out or remove it", .path.display())]
    Exists {
        /// The file.
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
    /// The run has no result yet.
    #[error("{} has no {missing}: the run is not finished; `potstill resume {}` goes on with it", .path.display(), .path.display())]
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
        /// Who it is.
        holder: String,
    },
    /// A file is not as it was written.
    #[error("{} {reason}; {remedy}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong, with its place.
        reason: String,
        /// What can be done.
        remedy: String,
    },
    /// A file is whole, but of a format that this program does not read.
    #[error("{} {reason}; use a program that does, or train again", .path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Both versions.
        reason: String,
    },
    /// There is no room.
    #[error("cannot write {}: the disk is full ({needed} bytes needed, {free} free); make room and resume the run", .path.display())]
    Full {
        /// On what.
        path: PathBuf,
        /// The size of what was to be written.
        needed: usize,
        /// What is left.
        free: u64,
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
    /// Whether what was given is at fault and not the disk.
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
                )
            }
            _ => true,
        }
    }

    /// The error of a write of so many bytes.
    fn needing(self, needed: usize) -> Self {
        match self {
            StoreError::Io { path, source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                let free = path.parent().map_or(0, |folder| fs4::available_space(folder).unwrap_or(0));
                StoreError::Full { path, needed, free }
            }
            other => other,
        }
    }
}

/// What is being written, or was when a process died.
fn is_temporary(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(".tmp")
}

/// The folders in a folder, by name; links are not followed.
///
/// # Errors
/// If there is no such folder, or the disk refuses.
pub fn folders(path: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let names = RealDisk.list(path).map_err(io_error("list", path))?;
    let paths = names.into_iter().map(|name| path.join(name));
    Ok(paths.filter(|path| fs::symlink_metadata(path).is_ok_and(|about| about.is_dir())).collect())
}

fn io_error<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> StoreError + 'a {
    move |source| StoreError::Io { action, path: path.to_owned(), source }
}

/// The folder that holds one run.
#[derive(Clone, Debug)]
pub struct RunDir {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    /// The folders that were made for it, outermost first.
    made: Vec<PathBuf>,
    lock: Option<Arc<Lock>>,
}

impl RunDir {
    /// Makes a new run directory at `out`, or at `runs/NAME`, `runs/NAME-2`, ... if there is no `out`, and locks it.
    ///
    /// # Errors
    /// If `out` exists and is no empty folder, or cannot be made.
    pub fn create(out: Option<&Path>, name: &str) -> Result<Self, StoreError> {
        if let Some(out) = out {
            return Self::claim(out);
        }
        for n in 1_u32.. {
            let path = Path::new("runs").join(if n == 1 { name.to_owned() } else { format!("{name}-{n}") });
            match Self::claim(&path) {
                // Somebody else's, perhaps since a moment ago.
                Err(StoreError::NotEmpty { .. } | StoreError::Locked { .. }) => {}
                made => return made,
            }
        }
        unreachable!("some number is free")
    }

    fn claim(path: &Path) -> Result<Self, StoreError> {
        Self::check_free(path)?;
        let mut made: Vec<PathBuf> = path
            .ancestors()
            .take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists())
            .map(Path::to_owned)
            .collect();
        made.reverse();
        fs::create_dir_all(path).map_err(io_error("create", path))?;
        for folder in made.iter().filter_map(|folder| folder.parent()) {
            // Else the run's own name could be lost in a power cut.
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            RealDisk.sync(folder).map_err(io_error("create", path))?;
        }
        let lock = Some(Arc::new(Lock::take(path)?));
        // Another process may have been faster, and done by now.
        Self::check_free(path)?;
        let dir = Self { disk: disk::real(), path: path.to_owned(), made, lock };
        Checkpoint::sweep(&dir)?;
        Ok(dir)
    }

    /// Whether a run can be made here, without making it. What a run leaves that was killed before it could say what it is counts
    /// as nothing.
    ///
    /// # Errors
    /// If the path exists and is no empty folder.
    pub fn check_free(path: &Path) -> Result<(), StoreError> {
        let nothing = |name: &str| name == names::LOCK || is_temporary(name);
        match RealDisk.list(path) {
            Ok(names) if names.iter().all(|name| nothing(name)) => Ok(()),
            Ok(_) => Err(StoreError::NotEmpty { path: path.to_owned() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(io_error("use", path)(error)),
        }
    }

    /// A run, to be read.
    ///
    /// # Errors
    /// If there is no folder with a configuration.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let reason = |reason: String| StoreError::NotARun { path: path.to_owned(), reason };
        if !path.is_dir() {
            return Err(reason(
                if path.exists() { "it is a file" } else { "there is nothing there" }.to_owned(),
            ));
        }
        if !path.join(names::CONFIG).is_file() {
            return Err(reason(format!("it has no {}", names::CONFIG)));
        }
        Ok(Self { disk: disk::real(), path: path.to_owned(), made: Vec::new(), lock: None })
    }

    /// A run, to be gone on with: locked, and swept of what a crash left.
    ///
    /// # Errors
    /// If there is no folder with a configuration, or another process works in it.
    pub fn reopen(path: &Path) -> Result<Self, StoreError> {
        let mut dir = Self::open(path)?;
        dir.lock = Some(Arc::new(Lock::take(path)?));
        Checkpoint::sweep(&dir)?;
        Ok(dir)
    }

    /// A run, held so that no other process writes it, but left as it is.
    ///
    /// # Errors
    /// If there is no folder with a configuration, or another process works in it.
    pub fn hold(path: &Path) -> Result<Self, StoreError> {
        let mut dir = Self::open(path)?;
        dir.lock = Some(Arc::new(Lock::hold(path)?));
        Ok(dir)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A run directory within this one: made, or reopened if there is a run already.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn nested(&self, name: &str) -> Result<Self, StoreError> {
        let path = self.path.join(name);
        if path.join(names::CONFIG).is_file() {
            return Self::reopen(&path);
        }
        Self::claim(&path).map_err(|error| match error {
            StoreError::NotEmpty { path } => StoreError::Damaged {
                path: path.join(names::CONFIG),
                reason: "is missing".to_owned(),
                remedy: "copy it from a backup, or remove the folder to train it again".to_owned(),
            },
            other => other,
        })
    }

    /// Whether there is a file or folder of this name.
    pub fn has(&self, name: &str) -> bool {
        self.disk.list(&self.path).is_ok_and(|names| names.iter().any(|found| found == name))
    }

    /// What another process is doing here, if this one does not hold the lock.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn occupation(&self) -> Result<Occupation, StoreError> {
        lock::occupation(&self.path)
    }

    fn on<T>(
        &self,
        action: &'static str,
        path: &Path,
        work: impl FnOnce(&dyn Disk) -> io::Result<T>,
    ) -> Result<T, StoreError> {
        work(&*self.disk).map_err(io_error(action, path))
    }

    fn write_durably(&self, path: &Path, contents: &[u8]) -> Result<(), StoreError> {
        self.on("write", path, |disk| disk.write(path, contents).and_then(|()| disk.sync(path)))
            .map_err(|error| error.needing(contents.len()))
    }

    /// Makes a file durable, or with an empty name the folder.
    fn sync(&self, name: &str) -> Result<(), StoreError> {
        let path = if name.is_empty() { self.path.clone() } else { self.path.join(name) };
        self.on("write", &path, |disk| disk.sync(&path))
    }

    /// Writes a file so that a reader, also after a crash, sees it whole or not at all.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn write(&self, name: &str, contents: &[u8]) -> Result<(), StoreError> {
        let path = self.path.join(name);
        let temporary = self.path.join(format!(".{name}.tmp"));
        self.write_durably(&temporary, contents)
            .and_then(|()| self.on("write", &path, |disk| disk.rename(&temporary, &path)))
            .inspect_err(|_| {
                // What is half-written goes; the first error is the one to tell.
                let _ = self.disk.remove(&temporary);
            })?;
        self.sync("")
    }

    /// Removes a file, if it is there.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn remove(&self, name: &str) -> Result<(), StoreError> {
        let path = self.path.join(name);
        if self.has(name) { self.on("remove", &path, |disk| disk.remove(&path)) } else { Ok(()) }
    }

    /// Writes down what these files hold, so that damage to them will be seen.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn seal(&self, files: &[&str], finished: bool) -> Result<(), StoreError> {
        // What else is remembered of the run stays.
        let mut manifest = Manifest { about: self.manifest()?.about, ..Manifest::default() };
        // Not every run has these; all else must be there.
        let may_lack = |name: &str| name == names::VISITS || names::COPIES.contains(&name);
        for name in files.iter().filter(|name| !may_lack(name) || self.has(name)) {
            manifest.files.push(FileMark::whole(name, &self.read_unchecked(name)?));
        }
        manifest.about.insert("finished".to_owned(), finished.into());
        self.write(names::MANIFEST, &manifest.write())
    }

    /// Writes a file that the manifest knows again. A crash in between leaves it unknown, not wrong.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn rewrite(&self, name: &str, contents: &[u8]) -> Result<(), StoreError> {
        let mut manifest = self.manifest()?;
        manifest.files.retain(|file| file.name != name);
        self.write(names::MANIFEST, &manifest.write())?;
        self.write(name, contents)?;
        manifest.files.push(FileMark::whole(name, contents));
        self.write(names::MANIFEST, &manifest.write())
    }

    /// The directory's own manifest; empty if the run was stopped before there was one.
    ///
    /// # Errors
    /// If it is damaged, or the disk refuses.
    pub fn manifest(&self) -> Result<Manifest, StoreError> {
        if !self.has(names::MANIFEST) {
            return Ok(Manifest::default());
        }
        let path = self.path.join(names::MANIFEST);
        Manifest::read(&self.read_unchecked(names::MANIFEST)?).map_err(|error| match error {
            ManifestError::Damaged(reason) => StoreError::Damaged {
                path,
                reason,
                remedy: "without it no file of the run can be trusted; to go on regardless, remove it"
                    .to_owned(),
            },
            ManifestError::Format(reason) => StoreError::Format { path, reason },
        })
    }

    /// Whether the run came to its end.
    ///
    /// # Errors
    /// If the manifest is damaged, or the disk refuses.
    pub fn is_finished(&self) -> Result<bool, StoreError> {
        Ok(self.manifest()?.about.get("finished").and_then(serde_json::Value::as_bool) == Some(true))
    }

    /// Reads a file that the manifest does not know yet.
    ///
    /// # Errors
    /// If it is not there or the disk refuses.
    pub fn read_unchecked(&self, name: &str) -> Result<Vec<u8>, StoreError> {
        let path = self.path.join(name);
        self.on("read", &path, |disk| disk.read(&path))
    }

    /// Reads a file that must be there: that it is not is damage.
    fn read_or_damaged(&self, path: &Path) -> Result<Vec<u8>, StoreError> {
        self.disk.read(path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => StoreError::Damaged {
                path: path.to_owned(),
                reason: "is missing".to_owned(),
                remedy: String::new(),
            },
            _ => io_error("read", path)(source),
        })
    }

    /// Reads a file and checks it against the manifest.
    ///
    /// # Errors
    /// If it is not there, not as it was written, or the disk refuses.
    pub fn read(&self, name: &str) -> Result<Vec<u8>, StoreError> {
        let manifest = self.manifest()?;
        let mark = manifest.file(name);
        let path = self.path.join(name);
        let contents = if mark.is_some() { self.read_or_damaged(&path)? } else { self.read_unchecked(name)? };
        if let Some(mark) = mark {
            mark.check(&contents).map_err(|reason| StoreError::Damaged {
                path: self.path.join(name),
                reason,
                remedy: remedy(name, &self.path),
            })?;
        }
        Ok(contents)
    }

    /// Reads a text file; bytes that are no UTF-8 become question marks, for a parser to stumble over.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_text(&self, name: &str) -> Result<String, StoreError> {
        self.read(name).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Reads every file that the manifest lists and checks it.
    ///
    /// # Errors
    /// On the first that is missing or not as it was written.
    pub fn verify(&self) -> Result<(), StoreError> {
        for mark in self.manifest()?.files {
            self.read(&mark.name)?;
        }
        Ok(())
    }

    /// The model of a finished run.
    ///
    /// # Errors
    /// If the run is not finished, or as [`read`](Self::read).
    pub fn model(&self) -> Result<Vec<u8>, StoreError> {
        if !self.has(names::MODEL) {
            return Err(StoreError::Unfinished { path: self.path.clone(), missing: names::MODEL });
        }
        self.read(names::MODEL)
    }

    /// Removes the run, after work that failed before there was anything worth keeping.
    pub fn discard(self) {
        // A folder that cannot be removed could not be written either; the error that led here says so.
        if self.made.contains(&self.path) {
            let _ = fs::remove_dir_all(&self.path);
        } else if let Ok(names) = RealDisk.list(&self.path) {
            for name in names {
                let _ = RealDisk.remove(&self.path.join(name));
            }
        }
        // Folders on the way to it go too, unless somebody has put something there.
        for folder in self.made.iter().rev().filter(|folder| **folder != self.path) {
            let _ = fs::remove_dir(folder);
        }
    }
}

pub use lock::Occupation;

/// What can be done about a damaged file.
fn remedy(name: &str, run: &Path) -> String {
    match name {
        names::CONFIG => "copy it from a backup, or train again".to_owned(),
        names::MODEL | names::VISITS | names::SUMMARY | names::REPORT | names::METRICS | names::EVENTS => {
            format!("`potstill resume {} --fallback` makes it again from the last checkpoint", run.display())
        }
        _ => "copy it from a backup, or train again".to_owned(),
    }
}

/// Writes a file that a user named, whole or not at all.
///
/// # Errors
/// If the disk refuses.
pub fn write_file(path: &Path, contents: &[u8]) -> Result<(), StoreError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = path.with_file_name(format!(".{name}.tmp"));
    fs::write(&temporary, contents).and_then(|()| fs::rename(&temporary, path)).map_err(|error| {
        // What is half-written goes; the first error is the one to tell.
        let _ = fs::remove_file(&temporary);
        io_error("write", path)(error).needing(contents.len())
    })
}

/// Writes a new file that a user named, whole or not at all.
///
/// # Errors
/// If there is something of that name, or the disk refuses.
pub fn write_new_file(path: &Path, contents: &[u8]) -> Result<(), StoreError> {
    match fs::symlink_metadata(path) {
        Ok(_) => Err(StoreError::Exists { path: path.to_owned() }),
        Err(_) => write_file(path, contents),
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
        fs::create_dir_all(&run).unwrap();
        let made = RunDir::create(Some(&run), "x").unwrap();
        made.write("notes.txt", b"mine").unwrap();
        let error = RunDir::create(Some(&run), "x").unwrap_err();
        assert!(error.to_string().ends_with("exists and is not empty; choose another --out or remove it"));
        assert_eq!(made.read("notes.txt").unwrap(), b"mine");
        assert!(error.is_input());
    }

    #[test]
    fn a_new_file_replaces_nothing() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("pole.safetensors");
        write_new_file(&path, b"one").unwrap();
        let error = write_new_file(&path, b"two").unwrap_err();
        assert!(error.to_string().ends_with("pole.safetensors exists; choose another --out or remove it"));
        assert!(error.is_input());
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(RealDisk.list(root.path()).unwrap(), ["pole.safetensors"]);
    }

    #[test]
    fn of_many_who_want_one_folder_one_gets_it() {
        let root = tempfile::tempdir().unwrap();
        let run = root.path().join("a/b/run");
        let made: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..16).map(|_| scope.spawn(|| RunDir::create(Some(&run), "x").ok())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        // All are kept until all have tried: an empty folder that its owner has left is free again.
        assert_eq!(made.iter().flatten().count(), 1);
    }

    #[test]
    fn a_discarded_run_leaves_what_was_there_before() {
        let root = tempfile::tempdir().unwrap();
        let (new, empty) = (root.path().join("new/deeper/run"), root.path().join("empty"));
        fs::create_dir(&empty).unwrap();
        for path in [&new, &empty] {
            let run = RunDir::create(Some(path), "x").unwrap();
            run.write("a", b"a").unwrap();
            run.nested("b").unwrap().write("c", b"c").unwrap();
            run.discard();
        }
        assert!(!root.path().join("new").exists());
        assert_eq!(fs::read_dir(&empty).unwrap().count(), 0);
    }

    #[test]
    fn a_write_replaces_the_whole_file_and_leaves_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        let run = RunDir::create(Some(root.path()), "x").unwrap();
        run.write("a", b"long contents").unwrap();
        run.write("a", b"short").unwrap();
        assert_eq!(run.read("a").unwrap(), b"short");
        assert_eq!(RealDisk.list(root.path()).unwrap(), ["a", names::LOCK]);
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
