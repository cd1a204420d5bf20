//! Whole runs, from a request to a run directory: what the command line starts, for library users too.

mod catalogue;
mod distil;
mod evaluate;
mod train;

pub use catalogue::{ALGORITHMS, Algorithm, Learns};
pub use distil::{DistilConfig, DistilRequest, distil};
pub use evaluate::{EvaluateRequest, evaluate};
pub use train::{DataConfig, EvalConfig, RunConfig, TrainRequest, train};

pub(crate) use distil::distil_policy;
pub(crate) use evaluate::{Subject, evaluate_policy};
pub(crate) use train::{RunOutcome, carry_out, keep_or_discard, learn_dqn};

use crate::config::{self, ConfigError, Layer, Origin, Resolved, Settings};
use crate::error::Error;
use crate::store;
use potstill_env::registry::{self, REGISTRY, Spec};
use std::path::Path;
use toml::{Table, Value};

/// Told how far a run is. Implementations decide whether to show it.
pub trait Progress: Sync {
    /// Work of `total` units begins.
    fn begin(&self, what: &str, total: u64);
    /// So many units are done, and this can be said of them.
    fn advance(&self, done: u64, note: &str);
    /// The work is over.
    fn end(&self);
}

/// Shows nothing.
#[derive(Clone, Copy, Debug)]
pub struct Quiet;

impl Progress for Quiet {
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
    fn layers(&self, head: &[(&'static str, &str)]) -> Result<Vec<Layer>, Error> {
        let mut layers = Vec::new();
        if let Some(path) = &self.config {
            let origin = Origin::File(path.display().to_string());
            let mut values = config::read_toml(&store::read_text(path)?, origin.clone())?;
            for (key, expected) in head {
                match values.remove(*key) {
                    None => {}
                    Some(Value::String(found)) if found == *expected => {}
                    Some(found) => {
                        let reason = format!("is {found}, but the command line says `{expected}`");
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
        Ok(layers)
    }
}

/// The `config.toml` of settings that the program chose itself.
pub(crate) fn config_text<S: Settings>(settings: &S, head: &[(&str, &str)]) -> String {
    Resolved::chosen(settings.clone()).to_toml(head)
}

/// The value of a key in the highest layer that has it, as text.
fn peek<'a>(layers: &'a [Layer], key: &str) -> Option<&'a str> {
    layers.iter().rev().find_map(|layer| layer.values.get(key)).and_then(Value::as_str)
}

fn find_env(id: &str) -> Result<&'static Spec, ConfigError> {
    registry::find(id)
        .ok_or_else(|| ConfigError::unknown("environment", id, None, REGISTRY.iter().map(|s| s.id)))
}

/// Fails early if the output folder cannot be used, before any work is done.
fn check_out(out: Option<&Path>) -> Result<(), Error> {
    out.map_or(Ok(()), store::RunDir::check_free).map_err(Error::from)
}
