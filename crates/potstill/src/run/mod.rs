//! Whole runs, from a request to a run directory: what the command line starts, for library users too.
//!
//! A request becomes a `plan`: settings, and a `job` that can stop after any step. `execute` carries a plan out in a run
//! directory: it makes checkpoints, keeps records, and goes on where an earlier process stopped.
//!
//! ```
//! use potstill::run::{Quiet, Sources, TrainRequest, train};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let root = tempfile::tempdir()?;
//! let request = TrainRequest {
//!     algorithm: "q-learning".to_owned(),
//!     sources: Sources { set: vec!["env=CliffWalking-v1".to_owned(), "episodes=500".to_owned()], ..Sources::default() },
//!     out: Some(root.path().join("walk")),
//!     threads: 1,
//!     ..TrainRequest::default()
//! };
//! let summary = train(&request, &Quiet)?;
//! assert_eq!(summary["episodes"], 500);
//! assert!(root.path().join("walk/model.safetensors").is_file());
//! # Ok(())
//! # }
//! ```

mod bench;
mod bench_deep;
mod catalogue;
mod compare;
mod deep;
mod distil;
mod distilling;
mod evaluate;
mod execute;
mod fitting;
mod job;
mod keys;
mod learning;
mod list;
mod maps;
mod page;
mod plan;
mod planning;
mod resume;
mod seeds;
mod settings;
mod tabular;
mod train;
mod world;

pub use bench::{BenchRequest, bench_env, bench_tabular};
pub use bench_deep::{WORKLOADS, bench_dqn};
pub use catalogue::{ALGORITHMS, Algorithm, DataKind, Learns, PolicyKind};
pub use compare::{Comparison, page, report};
pub use distil::{DistilRequest, distil};
pub use evaluate::{EvaluateRequest, evaluate};
pub use keys::{config_file, config_schema};
pub use list::{RunEntry, RunState, list};
pub use resume::{ResumeRequest, resume};
pub use seeds::summary_of;
pub use settings::{DataConfig, DistilConfig, EvalConfig, PlanConfig, RunConfig, SourceConfig, StoreConfig};
pub use train::{TrainRequest, train};
pub use world::{Play, PlayedStep, check_world, play_at_random, play_run, trace_actions, trace_env, world};

pub(crate) use distil::teacher_layer;
pub(crate) use evaluate::{Subject, evaluate_policy};
pub(crate) use execute::{begin, carry_out};
pub(crate) use page::curves;
pub(crate) use plan::{Plan, plan_distil, plan_train};
#[cfg(test)]
pub(crate) use world::first_scene;

use crate::config::{self, ConfigError, Layer, Origin};
use crate::error::Error;
use crate::metrics::Record;
use crate::store;
use crate::train::parallel_map;
use potstill_env::EnvError;
use potstill_env::registry::{self, Spec};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use toml::{Table, Value};

/// Told how far a run is, and asked whether it should stop. Implementations decide what to show.
pub trait Observer: Sync {
    /// Something that is worth knowing before work begins.
    fn remark(&self, _: &str) {}
    /// Something that the user would not expect.
    fn warn(&self, _: &str) {}
    /// Work of `total` units begins.
    fn begin(&self, what: &str, total: u64);
    /// So many units are done, and this can be said of them.
    fn advance(&self, done: u64, note: &str);
    /// Something was measured.
    fn record(&self, _: &Record) {}
    /// The work is over.
    fn end(&self);
    /// Whether the run should save itself and stop.
    fn stop_requested(&self) -> bool {
        false
    }
}

/// [`parallel_map`] that is watched: each result is one unit done.
pub(crate) fn watched_map<T: Send>(
    observer: &dyn Observer,
    what: &str,
    count: usize,
    threads: usize,
    f: impl Fn(usize) -> T + Sync,
) -> Vec<T> {
    observer.begin(what, count as u64);
    let finished = AtomicU64::new(0);
    let results = parallel_map(count, threads, |i| {
        let result = f(i);
        observer.advance(1 + finished.fetch_add(1, Ordering::Relaxed), "");
        result
    });
    observer.end();
    results
}

/// Shows nothing and stops nothing.
#[derive(Clone, Copy, Debug)]
pub struct Quiet;

impl Observer for Quiet {
    fn begin(&self, _: &str, _: u64) {}
    fn advance(&self, _: u64, _: &str) {}
    fn end(&self) {}
}

/// Where values come from, beside the defaults: a file, flags of their own, and `--set`.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The file given with `--config`.
    pub config: Option<std::path::PathBuf>,
    /// Values of flags of their own, by key.
    pub flags: Table,
    /// `key=value`, as written.
    pub set: Vec<String>,
}

impl Sources {
    /// The layers over the defaults, lowest first. `head` names the keys of a run's `config.toml` that are no settings, with the
    /// values they must have if the file has them.
    fn layers(&self, head: &[(&str, Value)]) -> Result<Vec<Layer>, Error> {
        let mut layers = Vec::new();
        if let Some(path) = &self.config {
            let origin = Origin::File(path.display().to_string());
            let mut values = config::read_toml(&store::read_text(path)?, origin.clone())?;
            for (key, expected) in head {
                match values.remove(*key) {
                    None => {}
                    Some(found) if found == *expected => {}
                    Some(found) => {
                        let reason = format!("is {found}, but the command line says {expected}");
                        return Err(ConfigError::Value {
                            key: (*key).to_owned(),
                            origin: Some(origin),
                            reason,
                        }
                        .into());
                    }
                }
            }
            layers.push(Layer { origin, values });
        }
        layers.push(Layer { origin: Origin::CommandLine, values: self.flags.clone() });
        let mut values = Table::new();
        for pair in &self.set {
            let (key, value) = pair
                .split_once('=')
                .ok_or_else(|| ConfigError::Usage(format!("--set {pair}: write --set key=value")))?;
            values.insert(key.trim().to_owned(), config::toml_value(value.trim()));
        }
        layers.push(Layer { origin: Origin::Set, values });
        for layer in &mut layers {
            if let Some(Value::String(id)) = layer.values.get_mut("env") {
                *id = world::with_files(id)?;
            }
        }
        Ok(layers)
    }
}

/// The value of a key in the highest layer that has it, as text.
fn peek<'a>(layers: &'a [Layer], key: &str) -> Option<&'a str> {
    layers.iter().rev().find_map(|layer| layer.values.get(key)).and_then(Value::as_str)
}

fn find_env(id: &str) -> Result<Spec, ConfigError> {
    registry::find(id).map_err(|error| match error {
        EnvError::Unknown { id } => ConfigError::unknown("environment", &id, None, registry::ids()),
        other => ConfigError::Usage(other.to_string()),
    })
}

fn usage(message: impl Into<String>) -> Error {
    ConfigError::Usage(message.into()).into()
}

/// Fails early if the output folder cannot be used, before any work is done.
fn check_out(out: Option<&Path>) -> Result<(), Error> {
    out.map_or(Ok(()), store::RunDir::check_free).map_err(Error::from)
}
