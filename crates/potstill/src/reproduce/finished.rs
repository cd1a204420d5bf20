//! The runs of a long measurement that are finished, kept in its folder so that a measurement that was stopped continues with the others.

use crate::error::Error;
use crate::store::{RunDir, StoreError};
use serde_json::{Map, Value};
use std::sync::{Mutex, PoisonError};

/// The file in the folder; it is removed when the measurement is complete.
pub(super) const FILE: &str = "finished-runs.json";

/// The entry of the program's version.
const VERSION: &str = "potstill";

/// The finished runs of a measurement, by name.
pub(super) struct Finished<'a> {
    dir: &'a RunDir,
    runs: Mutex<Map<String, Value>>,
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
        Ok(Self { dir, runs: Mutex::new(runs) })
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

    /// The number of finished runs.
    pub(super) fn count(&self) -> usize {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}
