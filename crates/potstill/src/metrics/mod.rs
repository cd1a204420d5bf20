//! Metrics of a running run: records, and the sinks that write them.
//!
//! Names follow Stable-Baselines3: `rollout/ep_rew_mean`, `train/loss`, `eval/mean_reward`, `time/episodes`.
//! Metrics that depend on the clock (`time/fps`) go to TensorBoard and the display only, so that
//! `metrics.jsonl` is the same for the same run, byte for byte.
//!
//! ```
//! use potstill::metrics::History;
//!
//! let history = History::parse("{\"step\":10,\"train/loss\":0.5}\n{\"step\":20,\"train/loss\":0.25}\n");
//! assert_eq!(history.series("train/loss"), [(10.0, 0.5), (20.0, 0.25)]);
//! assert_eq!(history.csv(), "step,train/loss\n10,0.5\n20,0.25\n");
//! ```

pub mod catalogue;
mod history;
mod tensorboard;

pub use history::{History, thinned};
pub use tensorboard::TensorBoard;

use crate::store::{FileMark, Log, RunDir, StoreError, names};
use serde_json::{Map, Value};

/// The metrics of one step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    /// The step of the run.
    pub step: u64,
    /// Name and value, in the order in which they are shown.
    pub values: Vec<(&'static str, f64)>,
}

impl Record {
    /// The value of this name, if recorded.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.values.iter().find(|(found, _)| *found == name).map(|(_, value)| *value)
    }
}

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

fn open_log(dir: &RunDir, name: &str, mark: Option<&FileMark>) -> Result<Log, StoreError> {
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
