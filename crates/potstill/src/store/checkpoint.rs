//! Checkpoints: the whole state of a run, saved so that after a crash at any moment either the old or the new
//! one is intact.
//!
//! A checkpoint is a folder `checkpoints/step-N` of two files, the state and the manifest that makes damage
//! detectable. It is written under a temporary name, made durable (files, then folder), renamed atomically,
//! and the new name is made durable. Logs are not copied: the manifest has their lengths, to which a resumed
//! run truncates them.

use super::manifest::ManifestError;
use super::manifest::{FileMark, Manifest};
use super::{RunDir, StoreError, is_temporary, names, snapshot_file};
use crate::shell;
use potstill_core::Snapshot;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

/// The state of a run after some step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checkpoint {
    /// The step.
    pub step: u64,
    /// Everything that the future of the run depends on.
    pub state: Snapshot,
    /// The length of each log.
    pub logs: Vec<FileMark>,
    /// Logs that have been lost since: name, and what is wrong with them. They are records of the past, which the future of the run
    /// does not depend on.
    pub lost: Vec<(String, String)>,
    /// The score of the newest evaluation; the checkpoint with the highest is kept.
    pub score: Option<f64>,
    /// Seconds of work so far.
    pub seconds: f64,
    /// The CRC-32C of the configuration under which it was made, if known.
    pub config: Option<u32>,
}

fn folder(step: u64) -> String {
    format!("step-{step}")
}

/// The name of a folder that is being written or removed; a later start removes it.
fn hidden(step: u64) -> String {
    format!(".step-{step}.tmp")
}

impl Checkpoint {
    /// Saves the checkpoint, then removes all but the newest `kept` and the best. Slow: it waits for the
    /// disk.
    ///
    /// # Errors
    /// If the disk cannot be written. Earlier checkpoints are unchanged.
    pub fn save(&self, dir: &RunDir, kept: usize) -> Result<(), StoreError> {
        for log in &self.logs {
            dir.sync(&log.name)?;
        }
        let root = dir.path().join(names::CHECKPOINTS);
        if !dir.has(names::CHECKPOINTS) {
            dir.on("create", &root, |disk| disk.create_dir(&root))?;
            dir.sync("")?;
        }
        let (temporary, target) = (root.join(hidden(self.step)), root.join(folder(self.step)));
        let state = snapshot_file::write(&self.state);
        let mut about = Map::new();
        about.insert("step".to_owned(), json!(self.step));
        about.insert("score".to_owned(), json!(self.score));
        about.insert("seconds".to_owned(), json!(self.seconds));
        about.insert("config_crc32c".to_owned(), json!(self.config));
        let mut files = vec![FileMark::whole(names::STATE, &state)];
        files.extend(self.logs.iter().cloned());
        let manifest = Manifest { files, about }.write();
        // Left by an earlier process; usually there is nothing.
        let _ = dir.disk.remove(&temporary);
        let written = dir
            .on("create", &temporary, |disk| disk.create_dir(&temporary))
            .and_then(|()| dir.write_durably(&temporary.join(names::STATE), &state))
            .and_then(|()| dir.write_durably(&temporary.join(names::MANIFEST), &manifest))
            .and_then(|()| dir.on("write", &temporary, |disk| disk.sync(&temporary)));
        if let Err(error) = written {
            // Removes the half-written folder; the first error is the one to report.
            let _ = dir.disk.remove(&temporary);
            return Err(error);
        }
        dir.on("write", &target, |disk| disk.rename(&temporary, &target))?;
        dir.on("write", &root, |disk| disk.sync(&root))?;
        Self::prune(dir, kept)
    }

    /// The steps of all checkpoints, oldest first.
    ///
    /// # Errors
    /// If the disk cannot be read.
    pub fn steps(dir: &RunDir) -> Result<Vec<u64>, StoreError> {
        let root = dir.path().join(names::CHECKPOINTS);
        if !dir.has(names::CHECKPOINTS) {
            return Ok(Vec::new());
        }
        let names = dir.on("read", &root, |disk| disk.list(&root))?;
        let mut steps: Vec<u64> =
            names.iter().filter_map(|name| name.strip_prefix("step-")?.parse().ok()).collect();
        steps.sort_unstable();
        Ok(steps)
    }

    /// The newest checkpoint, or none if the run was stopped before its first. With `fallback`, damaged ones
    /// are skipped, and renamed.
    ///
    /// # Errors
    /// If a file is damaged, with its name and a remedy; or if the disk cannot be read.
    pub fn newest(dir: &RunDir, fallback: bool) -> Result<Option<Self>, StoreError> {
        let mut steps = Self::steps(dir)?;
        let mut problem = None;
        let mut passed = Vec::new();
        let found = loop {
            let Some(step) = steps.pop() else { break None };
            match load(dir, step) {
                Ok(checkpoint) => break Some(checkpoint),
                Err(StoreError::Damaged { path, reason, .. }) => {
                    passed.push(step);
                    problem.get_or_insert((path, reason));
                }
                // A checkpoint of a newer format is not damaged.
                Err(error) => return Err(error),
            }
        };
        let Some((path, reason)) = problem else { return Ok(found) };
        if !fallback {
            let run = shell::path(dir.path());
            let from = found.map_or("the start".to_owned(), |checkpoint| format!("step {}", checkpoint.step));
            let remedy = format!("`potstill resume {run} --fallback` continues from {from}");
            return Err(StoreError::Damaged { path, reason, remedy });
        }
        let root = dir.path().join(names::CHECKPOINTS);
        for step in passed {
            let (path, aside) = (root.join(folder(step)), root.join(format!("damaged-{}", folder(step))));
            // A checkpoint that was renamed before.
            let _ = dir.disk.remove(&aside);
            dir.on("put aside", &path, |disk| disk.rename(&path, &aside))?;
        }
        Ok(found)
    }

    /// The checkpoint of a step.
    ///
    /// # Errors
    /// If there is none, a file of it is damaged, or the disk cannot be read.
    pub fn at(dir: &RunDir, step: u64) -> Result<Self, StoreError> {
        load(dir, step)
    }

    /// Step, score and seconds of the newest checkpoint, without its state.
    ///
    /// # Errors
    /// If its manifest is damaged, or the disk cannot be read.
    pub fn peek(dir: &RunDir) -> Result<Option<Self>, StoreError> {
        let Some(step) = Self::steps(dir)?.pop() else { return Ok(None) };
        read_manifest(dir, step).map(|manifest| Some(about(step, &manifest)))
    }

    /// Removes all checkpoints but the newest `kept` and the best.
    ///
    /// # Errors
    /// If the disk cannot be written.
    pub fn prune(dir: &RunDir, kept: usize) -> Result<(), StoreError> {
        let mut steps = Self::steps(dir)?;
        let old = steps.len().saturating_sub(kept.max(1));
        // A manifest that cannot be read has no score; the damage is reported when the checkpoint is loaded.
        let score = |step: u64| {
            read_manifest(dir, step)
                .ok()
                .and_then(|manifest| manifest.about.get("score").and_then(Value::as_f64))
        };
        let best = steps
            .iter()
            .filter_map(|&step| Some((score(step)?, step)))
            .max_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)))
            .map(|(_, step)| step);
        steps.truncate(old);
        let root = dir.path().join(names::CHECKPOINTS);
        for step in steps.into_iter().filter(|&step| Some(step) != best) {
            // Renamed first: a folder under its own name is always complete.
            let (path, doomed) = (root.join(folder(step)), root.join(hidden(step)));
            dir.on("remove", &path, |disk| disk.rename(&path, &doomed))?;
            dir.on("remove", &path, |disk| disk.remove(&doomed))?;
        }
        Ok(())
    }

    /// Removes the remains of interrupted saves.
    ///
    /// # Errors
    /// If the disk cannot be written.
    pub fn sweep(dir: &RunDir) -> Result<(), StoreError> {
        for folder in ["", names::CHECKPOINTS] {
            let root = dir.path().join(folder);
            if !folder.is_empty() && !dir.has(folder) {
                continue;
            }
            for name in dir.on("read", &root, |disk| disk.list(&root))? {
                if is_temporary(&name) {
                    let path = root.join(name);
                    dir.on("remove", &path, |disk| disk.remove(&path))?;
                }
            }
        }
        Ok(())
    }
}

fn damaged(dir: &RunDir, path: PathBuf, reason: String) -> StoreError {
    let remedy =
        format!("`potstill resume {} --fallback` continues from an earlier one", shell::path(dir.path()));
    StoreError::Damaged { path, reason, remedy }
}

/// Reads a file of a checkpoint, whose absence is damage.
fn read(dir: &RunDir, path: &Path) -> Result<Vec<u8>, StoreError> {
    dir.read_if_there(path)?.ok_or_else(|| damaged(dir, path.to_owned(), "is missing".to_owned()))
}

fn read_manifest(dir: &RunDir, step: u64) -> Result<Manifest, StoreError> {
    let path = dir.path().join(names::CHECKPOINTS).join(folder(step)).join(names::MANIFEST);
    Manifest::read(&read(dir, &path)?).map_err(|error| match error {
        ManifestError::Damaged(reason) => damaged(dir, path, reason),
        ManifestError::Format(reason) => StoreError::Format { path, reason },
    })
}

/// The checkpoint of a manifest, without the state.
fn about(step: u64, manifest: &Manifest) -> Checkpoint {
    let about = |key: &str| manifest.about.get(key).unwrap_or(&Value::Null);
    Checkpoint {
        step,
        score: about("score").as_f64(),
        seconds: about("seconds").as_f64().unwrap_or_default(),
        config: about("config_crc32c").as_u64().and_then(|crc| u32::try_from(crc).ok()),
        ..Checkpoint::default()
    }
}

fn load(dir: &RunDir, step: u64) -> Result<Checkpoint, StoreError> {
    let folder = dir.path().join(names::CHECKPOINTS).join(folder(step));
    let manifest = read_manifest(dir, step)?;
    let said = manifest.about.get("step").unwrap_or(&Value::Null);
    if said.as_u64() != Some(step) {
        return Err(damaged(dir, folder.join(names::MANIFEST), format!("is that of step {said}")));
    }
    let mut checkpoint = about(step, &manifest);
    let mut state = None;
    for mark in &manifest.files {
        if mark.name == names::STATE {
            let path = folder.join(names::STATE);
            let contents = read(dir, &path)?;
            let checked = mark.check(&contents).and_then(|()| snapshot_file::read(&contents));
            state = Some(checked.map_err(|reason| damaged(dir, path, reason))?);
            continue;
        }
        // In pieces: a log may be longer than memory.
        match dir.check(mark) {
            Ok(()) => checkpoint.logs.push(mark.clone()),
            Err(StoreError::Damaged { reason, .. }) => checkpoint.lost.push((mark.name.clone(), reason)),
            Err(error) => return Err(error),
        }
    }
    checkpoint.state = state.ok_or_else(|| {
        damaged(dir, folder.join(names::MANIFEST), format!("does not list {}", names::STATE))
    })?;
    Ok(checkpoint)
}
