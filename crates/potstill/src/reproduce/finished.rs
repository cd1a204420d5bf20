//! The runs of a long measurement that are finished, kept in its folder so that a measurement that was stopped continues with the others.

use crate::error::Error;
use crate::store::{RunDir, StoreError, snapshot_file};
use potstill_core::Snapshot;
use serde_json::{Map, Value};
use std::sync::{Mutex, PoisonError};

/// The file in the folder; it is removed when the measurement is complete.
pub(super) const FILE: &str = "finished-runs.json";

/// The numbers of each run of a complete measurement.
pub(super) const RAW: &str = "raw.csv";

/// The entry of the program's version.
const VERSION: &str = "potstill";

/// The finished runs of a measurement, by name.
pub(super) struct Finished<'a> {
    dir: &'a RunDir,
    runs: Mutex<Map<String, Value>>,
    /// The numbers of a complete measurement, to be written again from them.
    pub(super) raw: Option<RawTable>,
}

/// A `raw.csv`.
pub(super) struct RawTable {
    names: Vec<String>,
    /// The seed and the numbers of each run.
    rows: Vec<(u64, Vec<f64>)>,
}

impl RawTable {
    fn parse(text: &str) -> Self {
        let (head, rows) = text.split_once('\n').unwrap_or((text, ""));
        let names =
            head.strip_prefix("seed,\"").and_then(|names| names.strip_suffix('"')).unwrap_or_default();
        let names = names.split("\",\"");
        let row = |row: &str| {
            let mut cells = row.split(',');
            let seed = cells.next()?.parse().ok()?;
            Some((seed, cells.map(|cell| cell.parse().unwrap_or(f64::NAN)).collect()))
        };
        Self {
            names: names.map(|name| name.replace("\"\"", "\"")).collect(),
            rows: rows.lines().filter_map(row).collect(),
        }
    }

    /// The numbers of a seed in the columns whose names begin with this, with the rest of their names.
    pub(super) fn numbers(&self, seed: u64, prefix: &str) -> Vec<(&str, f64)> {
        let Some((_, row)) = self.rows.iter().find(|(of, _)| *of == seed) else { return Vec::new() };
        let named = self.names.iter().zip(row);
        named.filter_map(|(name, value)| Some((name.strip_prefix(prefix)?, *value))).collect()
    }
}

impl<'a> Finished<'a> {
    /// The runs that are in the folder.
    ///
    /// # Errors
    /// If the file cannot be read or is no JSON object.
    pub(super) fn read(dir: &'a RunDir) -> Result<Self, Error> {
        let damaged = |reason: String| StoreError::Damaged {
            path: dir.path().join(FILE),
            reason,
            remedy: "remove the folder to measure again".to_owned(),
        };
        let mut runs: Map<String, Value> = if dir.has(FILE) {
            let bytes = dir.read_unchecked(FILE)?;
            serde_json::from_slice(&bytes)
                .map_err(|error| damaged(format!("is not a JSON object: {error}")))?
        } else {
            Map::new()
        };
        // Numbers of another version would be mixed with those of this one.
        let version = Value::from(env!("CARGO_PKG_VERSION"));
        if let Some(other) = runs.shift_remove(VERSION).filter(|other| *other != version) {
            return Err(damaged(format!("is of potstill {other}, this is {version}")).into());
        }
        let raw =
            if dir.has(FILE) || !dir.has(RAW) { None } else { Some(RawTable::parse(&dir.read_text(RAW)?)) };
        Ok(Self { dir, runs: Mutex::new(runs), raw })
    }

    /// The result of a run, if it is finished.
    pub(super) fn get(&self, name: &str) -> Option<Value> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Keeps the result of a run.
    ///
    /// # Errors
    /// If the disk cannot be written.
    pub(super) fn add(&self, name: String, result: Value) -> Result<(), Error> {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        runs.insert(name, result);
        let mut file = runs.clone();
        file.insert(VERSION.to_owned(), env!("CARGO_PKG_VERSION").into());
        let text = serde_json::to_string(&file).expect("names and numbers are JSON");
        Ok(self.dir.write(FILE, text.as_bytes())?)
    }

    /// A state that was kept in a file of the folder, if it is there.
    ///
    /// # Errors
    /// If the file cannot be read or is damaged.
    pub(super) fn state(&self, file: &str) -> Result<Option<Snapshot>, Error> {
        if !self.dir.has(file) {
            return Ok(None);
        }
        let damaged = |reason: String| StoreError::Damaged {
            path: self.dir.path().join(file),
            reason,
            remedy: "remove it to train again".to_owned(),
        };
        let bytes = self.dir.read_unchecked(file)?;
        Ok(Some(snapshot_file::read(&bytes).map_err(damaged)?))
    }

    /// Keeps a state in a file of the folder, also after the measurement.
    ///
    /// # Errors
    /// If the disk cannot be written.
    pub(super) fn keep_state(&self, file: &str, state: &Snapshot) -> Result<(), Error> {
        Ok(self.dir.write(file, &snapshot_file::write(state))?)
    }

    /// Returns true if the folder is to be removed after an error: nothing in it is worth keeping.
    pub(super) fn is_empty(&self) -> bool {
        self.count() == 0 && self.raw.is_none()
    }

    /// The number of finished runs.
    pub(super) fn count(&self) -> usize {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_raw_table_is_read_by_the_names_of_its_columns() {
        let table = RawTable::parse("seed,\"a, b: mean (last 1)\",\"a, b: \"\"x\"\"\"\n7,.25,\n8,-.5,3\n");
        assert_eq!(table.numbers(8, "a, b: "), [("mean (last 1)", -0.5), ("\"x\"", 3.0)]);
        assert!(table.numbers(7, "a, b: \"x")[0].1.is_nan() && table.numbers(9, "a").is_empty());
    }
}
