//! Destinations of records: the trait, and `metrics.jsonl`.

use super::Record;
use crate::store::{FileMark, Log, RunDir, StoreError, names};
use serde_json::{Map, Value};

/// A destination of records.
pub trait Sink: Send {
    /// Writes a record.
    ///
    /// # Errors
    /// If it cannot be written.
    fn record(&mut self, dir: &RunDir, record: &Record) -> Result<(), StoreError>;

    /// Writes buffered records.
    ///
    /// # Errors
    /// If they cannot be written.
    fn flush(&mut self, dir: &RunDir) -> Result<(), StoreError>;

    /// The length of its file, to which a resumed run truncates it.
    ///
    /// # Errors
    /// If another process has changed the file, or it cannot be written.
    fn mark(&mut self, dir: &RunDir) -> Result<FileMark, StoreError>;
}

/// `metrics.jsonl`: one JSON object per line.
#[derive(Debug)]
pub struct JsonLines {
    log: Log,
}

impl JsonLines {
    /// Creates the file, or truncates it to a mark.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub fn open(dir: &RunDir, mark: Option<&FileMark>) -> Result<Self, StoreError> {
        Ok(Self { log: open_log(dir, names::METRICS, mark)? })
    }
}

pub(super) fn open_log(dir: &RunDir, name: &str, mark: Option<&FileMark>) -> Result<Log, StoreError> {
    match mark {
        Some(mark) => Log::resume(dir, mark),
        None => Log::create(dir, name),
    }
}

impl Sink for JsonLines {
    fn record(&mut self, dir: &RunDir, record: &Record) -> Result<(), StoreError> {
        let mut object = Map::new();
        object.insert("step".to_owned(), record.step.into());
        for &(name, value) in &record.values {
            object.insert(name.to_owned(), number(value));
        }
        self.log.add(dir, format!("{}\n", Value::Object(object)).as_bytes())
    }

    fn flush(&mut self, dir: &RunDir) -> Result<(), StoreError> {
        self.log.flush(dir)
    }

    fn mark(&mut self, dir: &RunDir) -> Result<FileMark, StoreError> {
        self.log.mark(dir)
    }
}

/// A number as JSON: counts without a decimal point; null for a number that JSON cannot represent.
fn number(value: f64) -> Value {
    let exact = value as i64;
    if exact as f64 == value && exact.unsigned_abs() < 1 << 53 { exact.into() } else { value.into() }
}
