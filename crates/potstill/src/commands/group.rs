//! A run, or the seeds of one configuration, in a comparison.

use crate::config::{Origin, read_toml};
use crate::error::Error;
use crate::jobs::STUDENT_DISTILLED;
use crate::metrics::{Axis, Curve, History, across, catalogue};
use crate::report::Series;
use crate::run::{asked_axis, name_of, read_summary, seed_runs};
use crate::store::{RunDir, StoreError, names, runs_in};
use crate::train::statistics::{Center, Estimate};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use toml::Table;

/// Depth to which folders of runs are searched.
pub(super) const DEPTH_MAX: usize = 4;

/// One run, or the seeds of one configuration.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) path: PathBuf,
    /// Its name in tables and legends.
    pub(super) label: String,
    pub(super) algorithm: String,
    pub(super) on: String,
    pub(super) config: Table,
    pub(super) config_text: String,
    /// The configured number of seeds.
    pub(super) seeds: usize,
    pub(super) runs: Vec<Member>,
    /// Remarks: seeds of different lengths, and curves that are lost.
    pub(super) notes: Vec<String>,
}

/// A run of a group.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) path: PathBuf,
    pub(super) seed: u64,
    /// The summary, if it is finished.
    summary: Option<Value>,
    history: History,
    /// The reason for which there are no curves.
    lost: Option<String>,
    /// Its length, as its configuration has it: `2000 steps`.
    length: Option<String>,
}

impl Group {
    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        let dir = RunDir::open(path)?;
        let origin = Origin::File(path.join(names::CONFIG).display().to_string());
        let config_text = dir.read_text(names::CONFIG)?;
        let config = read_toml(&config_text, origin)?;
        let text = |key: &str| config.get(key).and_then(toml::Value::as_str).map(str::to_owned);
        let count = config.get("seeds").and_then(toml::Value::as_integer);
        let runs = if count.is_some() { seed_runs(path) } else { vec![path.to_owned()] };
        let runs = runs.into_iter().map(Member::read).collect::<Result<Vec<_>, Error>>()?;
        let lost = runs.iter().filter_map(|run| run.lost.as_ref());
        let mut notes: Vec<String> = lost.map(|reason| format!("no curve: {reason}")).collect();
        let lengths: BTreeSet<&str> = runs.iter().filter_map(|run| run.length.as_deref()).collect();
        if lengths.len() > 1 {
            let lengths = lengths.into_iter().collect::<Vec<_>>().join(", ");
            notes.push(format!("the seeds of {} have different lengths: {lengths}", path.display()));
        }
        Ok(Self {
            path: path.to_owned(),
            label: path.display().to_string(),
            algorithm: text("algorithm").or_else(|| text("command")).unwrap_or_default(),
            on: text("env").or_else(|| text("data").map(|data| name_of(&data))).unwrap_or_default(),
            seeds: count.map_or(1, |count| usize::try_from(count).unwrap_or_default()),
            runs,
            notes,
            config,
            config_text,
        })
    }

    pub(super) fn finished(&self) -> usize {
        self.runs.iter().filter(|run| run.summary.is_some()).count()
    }

    /// A number of every finished run's summary; of a distillation's, of its student.
    pub(super) fn values(&self, key: &str) -> Vec<f64> {
        let value =
            |summary: &Value| summary[key].as_f64().or_else(|| summary[STUDENT_DISTILLED][key].as_f64());
        self.runs.iter().filter_map(|run| value(run.summary.as_ref()?)).collect()
    }

    pub(super) fn first(&self, key: &str) -> Value {
        self.runs
            .iter()
            .find_map(|run| run.summary.as_ref())
            .map_or(Value::Null, |summary| summary[key].clone())
    }

    pub(super) fn axis(&self) -> Axis {
        asked_axis(&self.config)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.runs.iter().flat_map(|run| run.history.names())
    }

    /// The curves of a metric: of the finished runs, or of all if none is finished.
    pub(super) fn curves(&self, metric: &str) -> Vec<&Curve> {
        let none_finished = self.finished() == 0;
        let runs = self.runs.iter().filter(|run| none_finished || run.summary.is_some());
        runs.filter_map(|run| run.history.curve(metric)).collect()
    }

    /// The end of a metric's line, if it ends long before the last of the seeds does.
    pub(super) fn cut(&self, metric: &str, axis: Axis) -> Option<f64> {
        let ends: Vec<f64> = self.curves(metric).iter().filter_map(|c| Some(axis.of(&c.last()?))).collect();
        let (first, last) = (ends.iter().copied().reduce(f64::min)?, ends.iter().copied().reduce(f64::max)?);
        (first < 0.95 * last).then_some(first)
    }

    /// The line of a metric: the curve of one run, or the center over seeds with its interval.
    pub(super) fn series(&self, metric: &str, axis: Axis, center: Center, smooth: usize) -> Option<Series> {
        let name = self.label.clone();
        let curves = self.curves(metric);
        if let [one] = curves[..] {
            let points = match smooth {
                0 | 1 => one.line(axis),
                window => one.smoothed(window).iter().map(|p| (axis.of(p), p.value)).collect(),
            };
            return Some(Series { name, points, band: Vec::new() });
        }
        let places = across(&curves, axis, smooth);
        let estimates: Vec<Estimate> = places
            .iter()
            .map(|place| center.estimate(&place.values).within(catalogue::range(metric)))
            .collect();
        let points: Vec<(f64, f64)> =
            places.iter().zip(&estimates).map(|(place, estimate)| (place.x, estimate.value)).collect();
        let band =
            estimates.iter().map(|estimate| estimate.interval).collect::<Option<_>>().unwrap_or_default();
        (!points.is_empty()).then_some(Series { name, points, band })
    }
}

impl Member {
    fn read(path: PathBuf) -> Result<Self, Error> {
        let dir = RunDir::open(&path)?;
        let summary = if dir.is_finished()? { Some(read_summary(&dir)?) } else { None };
        let (history, lost) = match History::read(&dir) {
            Ok(history) => (history, None),
            Err(error @ StoreError::Damaged { .. }) => (History::default(), Some(error.to_string())),
            // Not begun.
            Err(_) if !dir.has(names::METRICS) => (History::default(), None),
            Err(error) => return Err(error.into()),
        };
        let config: Table = dir.read_text(names::CONFIG)?.parse().unwrap_or_default();
        let seed = config.get("seed").and_then(toml::Value::as_integer).unwrap_or_default() as u64;
        let length = |key: &str| config.get(key).map(|number| format!("{number} {key}"));
        let length = length("steps").or_else(|| length("episodes"));
        Ok(Self { path, seed, summary, history, lost, length })
    }
}

/// Runs and folders of seeds as they are named, and for each other folder the runs in it, by name. What the program
/// itself has written beside runs, as `runs/*` names it, is left out.
pub(super) fn expanded(paths: &[PathBuf]) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for path in paths {
        let found = runs_in(path, DEPTH_MAX);
        // What else has no runs is kept, so that opening it says why it is none.
        if !found.is_empty() {
            all.extend(found);
        } else if !is_beside_runs(path) {
            all.push(path.clone());
        }
    }
    if all.is_empty() { paths.to_vec() } else { all }
}

/// Returns true for a file or folder that the program writes beside runs.
fn is_beside_runs(path: &Path) -> bool {
    const KINDS: [&str; 11] =
        ["csv", "gif", "html", "json", "jsonl", "lock", "log", "pdf", "png", "svg", "toml"];
    if path.is_file() {
        let kind = path.extension().and_then(|kind| kind.to_str());
        return kind.is_some_and(|kind| KINDS.contains(&kind) || kind == "safetensors");
    }
    // Checkpoints, a reproduction, and what a run leaves that was killed before it had a configuration.
    path.is_dir()
        && (path.ends_with(names::CHECKPOINTS)
            || path.join("raw.csv").is_file()
            || RunDir::check_free(path).is_ok())
}

/// The paths without the folders that all begin with.
pub(super) fn labels(paths: &[PathBuf]) -> Vec<String> {
    let parts: Vec<Vec<String>> = paths
        .iter()
        .map(|path| path.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect())
        .collect();
    let shortest = parts.iter().map(Vec::len).min().unwrap_or(0);
    let common = (0..shortest.saturating_sub(1))
        .take_while(|&i| parts.iter().all(|part| part[i] == parts[0][i]))
        .count();
    let label = |(path, part): (&PathBuf, &Vec<String>)| match common {
        0 => path.display().to_string(),
        _ => part[common..].join("/"),
    };
    paths.iter().zip(&parts).map(label).collect()
}

/// The keys that all configurations have, with their values, where these differ.
pub(super) fn differences(configs: &[&Table]) -> Vec<(String, Vec<String>)> {
    // Seeds are counted, and algorithm and environment have columns of their own.
    const TOLD: [&str; 6] = ["seed", "seeds", "algorithm", "env", "data", "command"];
    let Some((first, others)) = configs.split_first() else { return Vec::new() };
    let keys = first.keys().filter(|key| !TOLD.contains(&key.as_str()));
    let values = |key: &String| -> Option<Vec<String>> {
        let values: Vec<&toml::Value> =
            configs.iter().map(|config| config.get(key)).collect::<Option<_>>()?;
        let text = |value: &toml::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        (!others.is_empty() && values.iter().any(|value| *value != values[0]))
            .then(|| values.into_iter().map(text).collect())
    };
    keys.filter_map(|key| Some((key.clone(), values(key)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_leave_out_what_all_begin_with() {
        let check = |paths: &[&str], expected: &[&str]| {
            let paths: Vec<PathBuf> = paths.iter().map(PathBuf::from).collect();
            assert_eq!(labels(&paths), expected, "{paths:?}");
        };
        check(&["runs/sarsa", "runs/q"], &["sarsa", "q"]);
        check(&["runs/a/x", "runs/b/x", "runs/b/y/z"], &["a/x", "b/x", "b/y/z"]);
        check(&["runs/a"], &["a"]);
        check(&["a", "a"], &["a", "a"]);
        check(&["/abs/a", "rel/a"], &["/abs/a", "rel/a"]);
        check(&[], &[]);
    }

    #[test]
    fn differing_keys_are_those_that_all_have() {
        let table = |text: &str| text.parse::<Table>().unwrap();
        let (a, b) = (
            table("seed = 1\nalpha = 0.1\nbeta = 1\nname = 'x'"),
            table("seed = 2\nalpha = 0.5\nname = 'x'"),
        );
        assert_eq!(differences(&[&a, &b]), [("alpha".to_owned(), vec!["0.1".to_owned(), "0.5".to_owned()])]);
        assert_eq!(differences(&[&a]), []);
    }
}
