//! Disk access: run directories, checkpoints, logs; files are written completely or not at all.
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
mod data_file;
pub mod disk;
mod error;
mod lock;
mod log;
mod manifest;
mod minari;
mod order;
mod pieces;
#[cfg(test)]
mod simulated;
pub mod snapshot_file;
mod sums;
mod user_file;

pub use checkpoint::Checkpoint;
pub use data_file::DataFile;
pub use error::StoreError;
pub use log::Log;
pub use manifest::{FileMark, Manifest, ManifestError};
pub(crate) use minari::is_path;
pub use minari::minari_folder;
pub use order::by_name;
pub(crate) use user_file::read_part_within;
pub use user_file::{
    PieceError, check_output, make_folder, read_file, read_text, write_file, write_new_file,
    write_new_folder, write_pieces,
};

use crate::shell;
use crate::words::counted;
use disk::{Disk, RealDisk};
use error::io_error;
use lock::Lock;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The names of the files in a run directory.
pub mod names {
    /// The resolved configuration of the run.
    pub const CONFIG: &str = "config.toml";
    /// The list of files with their checksums.
    pub const MANIFEST: &str = "manifest.json";
    /// The metrics, one JSON object per line.
    pub const METRICS: &str = "metrics.jsonl";
    /// The metrics for TensorBoard.
    pub const EVENTS: &str = "events.out.tfevents.potstill";
    /// The learned model.
    pub const MODEL: &str = "model.safetensors";
    /// The teacher that a student learns from.
    pub const TEACHER: &str = "teacher.safetensors";
    /// The model of the behaviour policy, if it is another run's.
    pub const BEHAVIOUR: &str = "behaviour.safetensors";
    /// Copies of other runs' models.
    pub const COPIES: [&str; 2] = [TEACHER, BEHAVIOUR];
    /// Visit counts `N(s, a)`, `states x actions`.
    pub const VISITS: &str = "visits.json";
    /// Figures of the quality of a run's classifiers.
    pub const QUALITY: &str = "quality.json";
    /// The results.
    pub const SUMMARY: &str = "summary.json";
    /// The results as a page with charts.
    pub const REPORT: &str = "report.html";
    /// The folder of checkpoints.
    pub const CHECKPOINTS: &str = "checkpoints";
    /// The state in a checkpoint.
    pub const STATE: &str = "state.safetensors";
    /// The reason for which training stopped, if a number is not finite.
    pub const FAILURE: &str = "failure.json";
    /// The policy with which training was stopped or has failed.
    pub const POLICY_SO_FAR: &str = "policy_so_far.safetensors";
    /// The batch with the number that is not finite.
    pub const FAILURE_BATCH: &str = "failure.safetensors";
    /// The description of a sweep, in the folder of its runs.
    pub const SWEEP: &str = "sweep.toml";
    /// The description of a search in rounds, in the folder of its trials.
    pub const TUNE: &str = "tune.toml";
    /// The trials of a search in rounds.
    pub const STUDY: &str = "study.json";
    /// The journal of a search in rounds, for Optuna.
    pub const JOURNAL: &str = "journal.log";
    /// The mark of a run that its search has stopped early.
    pub const PRUNED: &str = "pruned.json";
    /// The runs with new seeds of the combination that a search has chosen.
    pub const WINNER: &str = "winner";
    /// Locked by the process that works in the directory.
    pub const LOCK: &str = "run.lock";
}

/// Returns true for the name of a file that is being written, or was when a process died.
fn is_temporary(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(".tmp")
}

/// The subfolders of a folder, and links to folders, by name; without links to itself and to folders that it is in.
///
/// # Errors
/// If the folder does not exist, or cannot be read.
pub fn folders(path: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let entries = fs::read_dir(path).map_err(io_error("list", path))?;
    let paths = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<PathBuf>>>();
    let mut paths = paths.map_err(io_error("list", path))?;
    let own = fs::canonicalize(path).map_err(io_error("list", path))?;
    let is_around = |path: &Path| fs::canonicalize(path).is_ok_and(|other| own.starts_with(other));
    paths.retain(|path| path.is_dir() && !is_around(path));
    paths.sort_by(|a, b| by_name(a, b));
    Ok(paths)
}

/// The runs in a folder that is none itself, down to this depth, by name.
pub(crate) fn runs_in(folder: &Path, depth: usize) -> Vec<PathBuf> {
    if folder.join(names::CONFIG).is_file() {
        return vec![folder.to_owned()];
    }
    let within = if depth == 0 { Vec::new() } else { folders(folder).unwrap_or_default() };
    within.iter().flat_map(|folder| runs_in(folder, depth - 1)).collect()
}

/// The directory of one run.
#[derive(Clone, Debug)]
pub struct RunDir {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    /// The folders that were created for it, outermost first.
    made: Vec<PathBuf>,
    lock: Option<Arc<Lock>>,
}

impl RunDir {
    /// Creates and locks a run directory at `out`, or at `runs/NAME`, `runs/NAME-2`, ... without `out`.
    ///
    /// # Errors
    /// If `out` exists and is not an empty folder, or cannot be created.
    pub fn create(out: Option<&Path>, name: &str) -> Result<Self, StoreError> {
        if let Some(out) = out {
            return Self::claim(out);
        }
        for n in 1_u32.. {
            let path = Path::new("runs").join(if n == 1 { name.to_owned() } else { format!("{name}-{n}") });
            match Self::claim(&path) {
                // Another process's, perhaps since a moment ago.
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
            // Otherwise the run's own name could be lost in a power cut.
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            RealDisk.sync(folder).map_err(io_error("create", path))?;
        }
        let lock = Some(Arc::new(Lock::take(path)?));
        // Another process may have been faster, and finished by now.
        Self::check_free(path)?;
        let dir = Self { disk: disk::real(), path: path.to_owned(), made, lock };
        Checkpoint::sweep(&dir)?;
        Ok(dir)
    }

    /// Checks that a run can be created here. The remains of a run that was killed before it wrote its
    /// configuration do not count.
    ///
    /// # Errors
    /// If the path exists and is not an empty folder.
    pub fn check_free(path: &Path) -> Result<(), StoreError> {
        let nothing = |name: &str| name == names::LOCK || is_temporary(name);
        match RealDisk.list(path) {
            Ok(names) if names.iter().all(|name| nothing(name)) => Ok(()),
            Ok(_) => Err(StoreError::NotEmpty { path: path.to_owned() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => match fs::read_link(path) {
                Ok(target) => Err(StoreError::Dangling { path: path.to_owned(), target }),
                Err(_) => Ok(()),
            },
            Err(error) => Err(io_error("use", path)(error)),
        }
    }

    /// Opens a run to read it.
    ///
    /// # Errors
    /// If the folder has no configuration.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let reason = |reason: String| StoreError::NotARun { path: path.to_owned(), reason };
        if !path.is_dir() {
            return Err(reason(
                if path.exists() { "it is a file" } else { "there is nothing there" }.to_owned(),
            ));
        }
        if !path.join(names::CONFIG).is_file() {
            return Err(reason(match &runs_in(path, 2)[..] {
                [] => format!("it has no {}", names::CONFIG),
                runs @ [one, ..] => {
                    let runs = counted(runs.len(), "run");
                    format!("it is a folder of {runs}; name one, such as {}", one.display())
                }
            }));
        }
        Ok(Self { disk: disk::real(), path: path.to_owned(), made: Vec::new(), lock: None })
    }

    /// Opens a run to read its model: of a search, that of the combination that it has chosen, unless that has several seeds.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_model(path: &Path) -> Result<Self, StoreError> {
        let winner = path.join(names::WINNER);
        let is_search = [names::SWEEP, names::TUNE].iter().any(|name| path.join(name).is_file());
        if !is_search || !winner.join(names::CONFIG).is_file() {
            return Self::open(path);
        }
        let is_seed =
            |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("seed-"));
        let mut seeds = folders(&winner)?.into_iter().filter(is_seed);
        match (seeds.next(), seeds.next()) {
            (Some(only), None) => Self::open(&only),
            _ => Self::open(&winner),
        }
    }

    /// Opens a run to continue it: takes the lock, and removes the remains of a crash.
    ///
    /// # Errors
    /// If the folder has no configuration, or another process works in it.
    pub fn reopen(path: &Path) -> Result<Self, StoreError> {
        Self::open(path)?;
        Self::recover(path)
    }

    /// Opens a folder of work without a configuration that was stopped, to continue it: takes the lock, and removes the
    /// remains of a crash.
    ///
    /// # Errors
    /// If another process works in it.
    pub(crate) fn recover(path: &Path) -> Result<Self, StoreError> {
        let lock = Some(Arc::new(Lock::take(path)?));
        let dir = Self { disk: disk::real(), path: path.to_owned(), made: Vec::new(), lock };
        Checkpoint::sweep(&dir)?;
        Ok(dir)
    }

    /// Opens a run with its lock, so that no other process writes it, but changes nothing.
    ///
    /// # Errors
    /// If the folder has no configuration, or another process works in it.
    pub fn hold(path: &Path) -> Result<Self, StoreError> {
        let mut dir = Self::open(path)?;
        dir.lock = Some(Arc::new(Lock::hold(path)?));
        Ok(dir)
    }

    /// The path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A run directory within this one: created, or reopened if it exists.
    ///
    /// # Errors
    /// If it cannot be created.
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

    /// Returns true if a file or folder of this name exists.
    pub fn has(&self, name: &str) -> bool {
        self.disk.list(&self.path).is_ok_and(|names| names.iter().any(|found| found == name))
    }

    /// The state of the directory, if this process does not hold its lock.
    ///
    /// # Errors
    /// If the disk cannot be read.
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

    /// Makes a file durable, or the folder for an empty name.
    fn sync(&self, name: &str) -> Result<(), StoreError> {
        let path = if name.is_empty() { self.path.clone() } else { self.path.join(name) };
        self.on("write", &path, |disk| disk.sync(&path))
    }

    /// Writes a file atomically: a reader, also after a crash, sees all of it or nothing.
    ///
    /// # Errors
    /// If the disk cannot be written.
    pub fn write(&self, name: &str, contents: &[u8]) -> Result<(), StoreError> {
        let path = self.path.join(name);
        let temporary = self.path.join(format!(".{name}.tmp"));
        self.write_durably(&temporary, contents)
            .and_then(|()| self.on("write", &path, |disk| disk.rename(&temporary, &path)))
            .inspect_err(|_| {
                // Removes the half-written file; the first error is the one to report.
                let _ = self.disk.remove(&temporary);
            })?;
        self.sync("")
    }

    /// Removes a file if it exists.
    ///
    /// # Errors
    /// If the disk cannot be written.
    pub fn remove(&self, name: &str) -> Result<(), StoreError> {
        let path = self.path.join(name);
        if self.has(name) { self.on("remove", &path, |disk| disk.remove(&path)) } else { Ok(()) }
    }

    /// Writes the checksums of these files to the manifest, so that damage can be detected.
    ///
    /// # Errors
    /// If the disk cannot be read or written.
    pub fn seal(&self, files: &[&str], finished: bool) -> Result<(), StoreError> {
        // Further data of the manifest is kept.
        let mut manifest = Manifest { about: self.manifest()?.about, ..Manifest::default() };
        // Not every run has these; the others must exist.
        let may_lack =
            |name: &str| [names::VISITS, names::QUALITY].contains(&name) || names::COPIES.contains(&name);
        for name in files.iter().filter(|name| !may_lack(name) || self.has(name)) {
            manifest.files.push(self.mark(name)?);
        }
        manifest.about.insert("finished".to_owned(), finished.into());
        self.write(names::MANIFEST, &manifest.write())
    }

    /// Rewrites a file of the manifest. A crash in between leaves it unlisted, not wrong.
    ///
    /// # Errors
    /// If the disk cannot be written.
    pub fn rewrite(&self, name: &str, contents: &[u8]) -> Result<(), StoreError> {
        let mut manifest = self.manifest()?;
        manifest.files.retain(|file| file.name != name);
        self.write(names::MANIFEST, &manifest.write())?;
        self.write(name, contents)?;
        manifest.files.push(FileMark::whole(name, contents));
        self.write(names::MANIFEST, &manifest.write())
    }

    /// The manifest of the directory; empty if the run was stopped before it had one.
    ///
    /// # Errors
    /// If it is damaged, or the disk cannot be read.
    pub fn manifest(&self) -> Result<Manifest, StoreError> {
        if !self.has(names::MANIFEST) {
            return Ok(Manifest::default());
        }
        let path = self.path.join(names::MANIFEST);
        Manifest::read(&self.read_unchecked(names::MANIFEST)?).map_err(|error| match error {
            ManifestError::Damaged(reason) => StoreError::Damaged {
                path,
                reason,
                remedy: "without it no file of the run can be trusted; to continue regardless, remove it"
                    .to_owned(),
            },
            ManifestError::Format(reason) => StoreError::Format { path, reason },
        })
    }

    /// Returns true if the run is finished.
    ///
    /// # Errors
    /// If the manifest is damaged, or the disk cannot be read.
    pub fn is_finished(&self) -> Result<bool, StoreError> {
        Ok(self.manifest()?.about.get("finished").and_then(serde_json::Value::as_bool) == Some(true))
    }

    /// Reads a file that is not in the manifest yet.
    ///
    /// # Errors
    /// If it does not exist or cannot be read.
    pub fn read_unchecked(&self, name: &str) -> Result<Vec<u8>, StoreError> {
        let path = self.path.join(name);
        self.on("read", &path, |disk| disk.read(&path))
    }

    /// Reads a file if it exists.
    fn read_if_there(&self, path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
        match self.disk.read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            read => read.map(Some).map_err(io_error("read", path)),
        }
    }

    /// A damaged file of the run, with what can be done about it.
    fn damaged(&self, name: &str, reason: String) -> StoreError {
        StoreError::Damaged { path: self.path.join(name), reason, remedy: self.remedy(name) }
    }

    /// The remedy for a damaged or missing file.
    fn remedy(&self, name: &str) -> String {
        let again = format!("`potstill resume {} --fallback`", shell::path(&self.path));
        let has_state = Checkpoint::steps(self).is_ok_and(|steps| !steps.is_empty());
        let from = if has_state { "from the last checkpoint" } else { "in a training from the start" };
        match name {
            names::METRICS | names::EVENTS if has_state => {
                format!("{again} makes a new one, which begins at the last checkpoint")
            }
            names::MODEL
            | names::VISITS
            | names::QUALITY
            | names::SUMMARY
            | names::REPORT
            | names::METRICS
            | names::EVENTS => format!("{again} makes it again {from}"),
            _ => "copy it from a backup, or train again".to_owned(),
        }
    }

    /// Renames a damaged file, so that another can be made.
    ///
    /// # Errors
    /// If the disk cannot be written.
    pub fn put_aside(&self, name: &str) -> Result<(), StoreError> {
        let (path, aside) = (self.path.join(name), self.path.join(format!("damaged-{name}")));
        if self.has(name) { self.on("put aside", &path, |disk| disk.rename(&path, &aside)) } else { Ok(()) }
    }

    /// Reads a file and compares it with the manifest.
    ///
    /// # Errors
    /// If it does not exist, is damaged, or cannot be read.
    pub fn read(&self, name: &str) -> Result<Vec<u8>, StoreError> {
        let manifest = self.manifest()?;
        let mark = manifest.file(name);
        let Some(mark) = mark else { return self.read_unchecked(name) };
        let contents = self.read_if_there(&self.path.join(name))?;
        let contents = contents.ok_or_else(|| self.damaged(name, "is missing".to_owned()))?;
        mark.check(&contents).map_err(|reason| match name == names::CONFIG && is_toml(&contents) {
            true => StoreError::Damaged {
                path: self.path.join(name),
                reason: "was changed after it was written".to_owned(),
                remedy: way_on(&self.path),
            },
            false => self.damaged(name, reason),
        })?;
        Ok(contents)
    }

    /// Reads a text file; bytes that are not UTF-8 become replacement characters, which a parser refuses.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_text(&self, name: &str) -> Result<String, StoreError> {
        self.read(name).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Reads every file of the manifest and compares it.
    ///
    /// # Errors
    /// On the first file that is missing or damaged.
    pub fn verify(&self) -> Result<(), StoreError> {
        self.manifest()?.files.iter().try_for_each(|mark| self.check(mark))
    }

    /// The bytes of a finished run's model.
    ///
    /// # Errors
    /// If the run is not finished, or as [`read`](Self::read).
    pub fn model(&self) -> Result<Vec<u8>, StoreError> {
        if !self.has(names::MODEL) && !self.is_finished()? {
            return Err(StoreError::Unfinished { path: self.path.clone(), missing: names::MODEL });
        }
        self.read(names::MODEL)
    }

    /// Removes the run, after an error before it had results.
    pub fn discard(self) {
        // A folder that cannot be removed could not be written either; the original error says so.
        if self.made.contains(&self.path) {
            let _ = fs::remove_dir_all(&self.path);
        } else if let Ok(names) = RealDisk.list(&self.path) {
            for name in names {
                let _ = RealDisk.remove(&self.path.join(name));
            }
        }
        // Parent folders are removed too, unless they have other contents.
        for folder in self.made.iter().rev().filter(|folder| **folder != self.path) {
            let _ = fs::remove_dir(folder);
        }
    }
}

pub use lock::Occupation;

/// A sentence on a run whose files cannot be checked: it has results or checkpoints, but no list of checksums.
pub fn unchecked(run: &Path) -> Option<String> {
    let has = |name: &str| run.join(name).exists();
    let is_run = has(names::CONFIG) && (has(names::MODEL) || has(names::SUMMARY) || has(names::CHECKPOINTS));
    (is_run && !has(names::MANIFEST)).then(|| {
        let remedy = match has(names::CHECKPOINTS) {
            true => format!("; `potstill resume {}` writes it again", shell::path(run)),
            false => String::new(),
        };
        let manifest = run.join(names::MANIFEST);
        format!("{} is missing: damage to the files of the run is not found{remedy}", manifest.display())
    })
}

/// Returns true for a configuration that can be read, and so was edited rather than damaged.
fn is_toml(contents: &[u8]) -> bool {
    std::str::from_utf8(contents)
        .is_ok_and(|text| text.parse::<toml::Table>().is_ok_and(|table| table.len() > 1))
}

/// The ways to go on with an edited configuration.
fn way_on(run: &Path) -> String {
    let (config, run) = (shell::path(&run.join(names::CONFIG)), shell::path(run));
    format!(
        "a run keeps the settings that it was begun with. To run these: potstill train --config {config} --out \
         NEW; to go on from what it has learned: potstill train ALGO --from {run} --set KEY=VALUE"
    )
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
