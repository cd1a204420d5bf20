//! `potstill runs`: lists runs with status, score and time.

use crate::config::{Origin, read_toml};
use crate::error::Error;
use crate::metrics::catalogue::{SECONDS, Score};
use crate::run::{asked_axis, center_over_seeds, read_summary, seed_runs};
use crate::store::{self, Checkpoint, Occupation, RunDir, names};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// The status of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunStatus {
    /// A process works on it.
    Running,
    /// It is finished.
    Finished,
    /// It was stopped, and saved a checkpoint.
    Stopped,
    /// Its search has stopped it early, and it saved a checkpoint.
    Pruned,
    /// Its process crashed.
    Crashed,
    /// Training failed, because a number is not finite.
    Failed,
    /// A file in it is damaged.
    Damaged,
}

impl RunStatus {
    /// The status in one word.
    pub fn word(self) -> &'static str {
        match self {
            RunStatus::Running => "running",
            RunStatus::Finished => "finished",
            RunStatus::Stopped => "stopped",
            RunStatus::Pruned => "pruned",
            RunStatus::Crashed => "crashed",
            RunStatus::Failed => "failed",
            RunStatus::Damaged => "damaged",
        }
    }

    /// Returns true if `potstill resume` can continue it.
    pub fn is_resumable(self) -> bool {
        matches!(self, RunStatus::Stopped | RunStatus::Pruned | RunStatus::Crashed | RunStatus::Failed)
    }
}

/// One run in a folder.
#[derive(Clone, Debug)]
pub struct RunEntry {
    /// Its path.
    pub path: PathBuf,
    /// Its status.
    pub state: RunStatus,
    /// The algorithm.
    pub algorithm: String,
    /// The environment or dataset.
    pub on: String,
    /// Finished seeds and their total, for a folder of seeds.
    pub seeds: Option<(usize, u64)>,
    /// The steps so far, as of the newest checkpoint.
    pub step: Option<u64>,
    /// Mean return or test error, with its name.
    pub score: Option<(&'static str, f64)>,
    /// Seconds of work, as of the newest checkpoint.
    pub seconds: Option<f64>,
    /// The reason for which it cannot be read, if it is damaged.
    pub problem: Option<String>,
}

impl RunEntry {
    /// The entry of a folder before any of its files is read.
    fn at(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            state: RunStatus::Damaged,
            algorithm: String::new(),
            on: String::new(),
            seeds: None,
            step: None,
            score: None,
            seconds: None,
            problem: None,
        }
    }

    /// The entry as JSON.
    pub fn json(&self) -> Value {
        json!({
            "run": self.path.display().to_string(),
            "state": self.state.word(),
            "resumable": self.state.is_resumable(),
            "algorithm": self.algorithm,
            "on": self.on,
            "seeds": self.seeds.map(|(finished, all)| json!({ "finished": finished, "all": all })),
            "step": self.step,
            "score": self.score.map(|(name, value)| json!({ "name": name, "value": value })),
            "seconds": self.seconds,
            "problem": self.problem,
        })
    }
}

/// All runs in a folder and its subfolders, by path, without those within a run.
///
/// # Errors
/// If the folder does not exist.
pub fn list(folder: &Path) -> Result<Vec<RunEntry>, Error> {
    let mut entries = Vec::new();
    walk(folder, &mut Vec::new(), &mut entries)?;
    entries.sort_by(|a, b| store::by_name(&a.path, &b.path));
    Ok(entries)
}

/// Lists the runs below a folder; `within` are the folders around it, to one of which a link may lead back.
fn walk(folder: &Path, within: &mut Vec<PathBuf>, entries: &mut Vec<RunEntry>) -> Result<(), Error> {
    if folder.join(names::CONFIG).is_file() {
        let mut entry = RunEntry::at(folder);
        match fill(&mut entry) {
            // Damage to one run must not hide the others.
            Err(error) => entry.problem = Some(error.to_string()),
            Ok(state) => entry.state = state,
        }
        entries.push(entry);
        return Ok(());
    }
    // A folder that cannot be resolved cannot be listed either, which is told.
    let place = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    if within.contains(&place) {
        return Ok(());
    }
    let folders = store::folders(folder)?;
    within.push(place);
    for path in folders {
        if let Err(error) = walk(&path, within, entries) {
            entries.push(RunEntry { problem: Some(error.to_string()), ..RunEntry::at(&path) });
        }
    }
    within.pop();
    Ok(())
}

fn fill(entry: &mut RunEntry) -> Result<RunStatus, Error> {
    let dir = RunDir::open(&entry.path)?;
    let origin = Origin::File(entry.path.join(names::CONFIG).display().to_string());
    let config = read_toml(&dir.read_text(names::CONFIG)?, origin)?;
    let text = |key: &str| config.get(key).and_then(toml::Value::as_str).map(str::to_owned);
    entry.algorithm = text("algorithm").or_else(|| text("command")).unwrap_or_default();
    entry.on = text("env").or_else(|| text("data")).unwrap_or_default();
    let finished = dir.is_finished()?;
    if let Some(all) = config.get("seeds").and_then(toml::Value::as_integer) {
        let runs = seed_runs(&entry.path);
        let finished = |run: &&PathBuf| RunDir::open(run).and_then(|run| run.is_finished()).unwrap_or(false);
        entry.seeds = Some((runs.iter().filter(finished).count(), u64::try_from(all).unwrap_or_default()));
    }
    if finished {
        let summary = read_summary(&dir)?;
        // Those of the seeds as they are now: one may have gone further than the others.
        let seeds = seed_runs(&entry.path);
        let seeds = seeds.iter().map(|run| read_summary(&RunDir::open(run)?));
        let seeds = seeds.collect::<Result<Vec<Value>, _>>()?;
        let center = center_over_seeds(asked_axis(&config), &config);
        let number = |key: &str| {
            let values: Option<Vec<f64>> = seeds.iter().map(|summary| summary[key].as_f64()).collect();
            let over_seeds = values.filter(|values| !values.is_empty());
            summary[key].as_f64().or_else(|| over_seeds.map(|values| center.of(&values)))
        };
        entry.score = Score::compared().find_map(|(key, _)| Some((key, number(key)?)));
        entry.step = summary["steps"].as_u64();
        entry.seconds = number(SECONDS);
    } else if let Some(newest) = Checkpoint::peek(&dir)? {
        entry.step = Some(newest.step);
        // Of learners from data the checkpoint has the error with its sign changed, which is no result yet.
        let score = newest.score.filter(|_| config.contains_key("env"));
        entry.score = score.map(|score| ("newest evaluation", score));
        entry.seconds = Some(newest.seconds);
    }
    Ok(match dir.occupation()? {
        Occupation::Running => RunStatus::Running,
        _ if finished => RunStatus::Finished,
        _ if dir.has(names::FAILURE) || has_failed_seeds(&dir) => RunStatus::Failed,
        _ if dir.has(names::PRUNED) => RunStatus::Pruned,
        Occupation::Crashed => RunStatus::Crashed,
        Occupation::Released => RunStatus::Stopped,
    })
}

/// Returns true if the summary of a folder of seeds lists failed ones.
fn has_failed_seeds(dir: &RunDir) -> bool {
    read_summary(dir).is_ok_and(|summary| !summary["failed"].is_null())
}
