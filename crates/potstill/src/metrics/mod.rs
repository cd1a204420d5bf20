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
//! ```

mod across;
pub mod catalogue;
mod curve;
#[cfg(feature = "disk")]
mod history;
#[cfg(feature = "disk")]
mod hparams;
#[cfg(feature = "disk")]
mod record_line;
#[cfg(feature = "disk")]
mod sink;
#[cfg(feature = "disk")]
mod table;
#[cfg(feature = "disk")]
mod tensorboard;
#[cfg(feature = "disk")]
mod wire;

#[cfg(feature = "disk")]
pub(crate) use table::{WideTable, quoted};
#[cfg(feature = "disk")]
pub use {
    history::History,
    sink::{JsonLines, Sink},
    table::{LongTable, csv},
    tensorboard::TensorBoard,
};

pub use across::{Across, across};
pub use curve::{Axis, Curve, Point};

/// The metrics of one step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    /// The step of the run.
    pub step: u64,
    /// Name and value, in the order in which they are shown.
    pub values: Vec<(&'static str, f64)>,
}

impl Record {
    /// The record of a line of `metrics.jsonl`, without names that the catalogue does not have; none for another line.
    #[cfg(feature = "disk")]
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line).ok()?;
        let step = object.get("step")?.as_u64()?;
        let value = |(name, value): (&String, &serde_json::Value)| {
            Some((catalogue::Metric::find(name)?.name, value.as_f64()?))
        };
        Some(Self { step, values: object.iter().filter_map(value).collect() })
    }

    /// The value of this name, if recorded.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.values.iter().find(|(found, _)| *found == name).map(|(_, value)| *value)
    }
}
