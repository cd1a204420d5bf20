//! The sources of a run's settings.

use super::checks::with_files;
use crate::config::{self, ConfigError, Layer, Origin};
use crate::error::Error;
use crate::store;
use toml::{Table, Value};

/// The sources of values above the defaults: a file, flags of their own, and `--set`.
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
    /// The layers above the defaults, lowest first. `head` has the keys of a run's `config.toml` that are not
    /// settings, with the values that they must have if the file has them.
    pub(crate) fn layers(&self, head: &[(&str, Value)]) -> Result<Vec<Layer>, Error> {
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
                *id = with_files(id)?;
            }
        }
        Ok(layers)
    }
}

/// The value of a key in the highest layer that has it, as text.
pub(crate) fn peek<'a>(layers: &'a [Layer], key: &str) -> Option<&'a str> {
    layers.iter().rev().find_map(|layer| layer.values.get(key)).and_then(Value::as_str)
}
