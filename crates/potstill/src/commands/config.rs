//! `potstill config`: every key with its meaning and its range.

use crate::algorithm::{ALGORITHMS, Algorithm};
use crate::config::{ConfigError, Key, Layer, Origin, Settings, resolve_onto};
use crate::jobs::{ClassDistillation, PolicyDistillation, ValueDistillation};
use crate::run::train_settings;
use serde_json::{Map, Value, json};
use toml::Table;

/// Keys whose default follows from the length of the run.
const FOLLOWING: [&str; 1] = ["eval_freq"];

/// Keys with their defaults.
type Keys = Vec<(Key, Option<toml::Value>)>;

/// A kind of run: an algorithm, or a kind of distillation.
#[derive(Clone, Debug)]
pub struct RunKind {
    /// The algorithm's name, or `distill-policy`, `distill-classifier` or `distill-regression`.
    pub name: &'static str,
    /// The keys above the settings in its configuration file.
    head: Vec<(&'static str, &'static str)>,
    /// Its settings with their defaults; none where nothing is set.
    pub keys: Keys,
}

impl RunKind {
    /// Returns true if it distils a teacher.
    pub fn distils(&self) -> bool {
        self.head.len() == 1
    }
}

fn of(defaults: &dyn Settings) -> Keys {
    defaults.keys().into_iter().map(|key| (key, defaults.get(key.name))).collect()
}

/// All kinds of runs.
pub fn run_kinds() -> Vec<RunKind> {
    let mut kinds: Vec<_> = ALGORITHMS.iter().map(|algorithm| training_kind(algorithm)).collect();
    let head = || vec![("command", "distill")];
    let (policy, classifier, regression) = (
        of(&PolicyDistillation::default()),
        of(&ClassDistillation::default()),
        of(&ValueDistillation::default()),
    );
    kinds.push(RunKind { name: "distill-policy", head: head(), keys: policy });
    kinds.push(RunKind { name: "distill-classifier", head: head(), keys: classifier });
    kinds.push(RunKind { name: "distill-regression", head: head(), keys: regression });
    kinds
}

fn training_kind(algorithm: &Algorithm) -> RunKind {
    let head = vec![("command", "train"), ("algorithm", algorithm.name)];
    RunKind { name: algorithm.name, head, keys: of(&*train_settings(algorithm)) }
}

/// Refuses settings of an algorithm that it does not have, and values that these cannot have. What depends on the environment is
/// checked when a run begins, and lists of values, which are a sweep, are too.
///
/// # Errors
/// With the first of these, and if there is no such algorithm.
pub fn check_settings(algorithm: &str, settings: Table) -> Result<(), ConfigError> {
    let values = settings.into_iter().filter(|(_, value)| !value.is_array()).collect();
    let layer = Layer { origin: Origin::CommandLine, values };
    resolve_onto(train_settings(Algorithm::find(algorithm)?), &[layer]).map(|_| ())
}

/// A configuration file with every key, its default and its meaning; keys without a default of their own are
/// commented out.
///
/// # Errors
/// If there is no such algorithm.
pub fn config_file(name: &str) -> Result<String, ConfigError> {
    let kinds = run_kinds();
    let Some(RunKind { head, keys, .. }) = kinds.iter().find(|kind| kind.name == name) else {
        if ["distill", "distil", "distillation", "student"].contains(&name) {
            let words = "`distill` has three kinds of configuration: `potstill config distill-policy`, for a student of a \
                         policy, `potstill config distill-classifier` and `potstill config distill-regression`";
            return Err(ConfigError::Usage(words.to_owned()));
        }
        return Err(ConfigError::unknown("algorithm", name, None, kinds.iter().map(|kind| kind.name)));
    };
    let words: Vec<&str> = head.iter().map(|(_, word)| *word).collect();
    let mut text = format!("# Settings of {name}. Use: potstill {} --config FILE\n", words.join(" "));
    for (key, value) in head {
        text += &format!("{key} = \"{value}\"\n");
    }
    for (key, default) in keys {
        let range = key.range.words();
        let range = if range.is_empty() { String::new() } else { format!(", {range}") };
        text += &format!("\n# {}\n# ({}{range})\n", key.help.trim(), key.kind);
        match default {
            // A default that follows from others is not fixed by a file.
            Some(value) if FOLLOWING.contains(&key.name) => text += &format!("# {} = {value}\n", key.name),
            Some(value) => text += &format!("{} = {value}\n", key.name),
            None => text += &format!("# {} =\n", key.name),
        }
    }
    Ok(text)
}

/// A JSON schema of the configuration files of all algorithms, for editors.
pub fn config_schema() -> Value {
    let kinds = run_kinds().into_iter().map(|RunKind { name, head, keys }| {
        let mut properties = Map::new();
        for (key, value) in &head {
            properties.insert((*key).to_owned(), json!({ "const": value }));
        }
        for (key, default) in keys {
            let mut property = json!({ "description": key.help.trim(), "type": json_type(key.kind) });
            // JSON has no infinity.
            if let Some(default) = default.map(|default| json!(default)).filter(|default| !default.is_null()) {
                property["default"] = default;
            }
            let (low, high) = key.range.bounds();
            if let Some(low) = low {
                property["minimum"] = bound(key.kind, low);
            }
            if let Some(high) = high {
                property["maximum"] = bound(key.kind, high);
            }
            properties.insert(key.name.to_owned(), property);
        }
        if head.len() > 1 {
            let seeds = json!({ "description": "Seeds to run, from `seed` on", "type": "integer", "minimum": 1, "maximum": 100_000 });
            properties.insert("seeds".to_owned(), seeds);
        }
        json!({
            "title": name,
            "type": "object",
            "properties": properties,
            "required": head.iter().map(|(key, _)| *key).collect::<Vec<_>>(),
            "additionalProperties": false,
        })
    });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A configuration of potstill",
        "anyOf": kinds.collect::<Vec<_>>(),
    })
}

fn json_type(kind: &str) -> Value {
    match kind {
        "number" => json!("number"),
        "integer" => json!("integer"),
        "true or false" => json!("boolean"),
        "number or schedule" | "number or auto" => json!(["number", "string"]),
        _ => json!("string"),
    }
}

fn bound(kind: &str, bound: f64) -> Value {
    if kind == "integer" { json!(bound as u64) } else { json!(bound) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Layer, Origin, read_toml, resolve};
    use crate::deep::DqnConfig;

    #[test]
    fn every_file_reads_back_as_the_defaults() {
        for RunKind { name, head, keys } in run_kinds() {
            let text = config_file(name).unwrap();
            let mut table = read_toml(&text, Origin::Set).unwrap();
            head.iter()
                .for_each(|(key, value)| assert_eq!(table.remove(*key).unwrap().as_str(), Some(*value)));
            let is_written = |(key, default): &&(Key, _)| {
                key.name != "eval_freq" && Option::<toml::Value>::is_some(default)
            };
            assert_eq!(table.len(), keys.iter().filter(is_written).count(), "{name}");
            for (key, default) in keys {
                let default = default.filter(|_| key.name != "eval_freq");
                assert_eq!(table.get(key.name).cloned(), default, "{name} {}", key.name);
                assert!(text.contains(&format!("{} =", key.name)));
                assert!(!key.help.trim().is_empty(), "{}", key.name);
            }
        }
        let values = read_toml(&config_file("dqn").unwrap(), Origin::Set).unwrap();
        let values =
            values.into_iter().filter(|(key, _)| DqnConfig::default().keys().iter().any(|k| k.name == key));
        let layer = Layer { origin: Origin::Set, values: values.collect() };
        assert_eq!(resolve::<DqnConfig>(&[layer]).unwrap().settings, DqnConfig::default());
    }

    #[test]
    fn the_schema_knows_every_key_and_range() {
        let schema = config_schema();
        let dqn = schema["anyOf"].as_array().unwrap().iter().find(|kind| kind["title"] == "dqn").unwrap();
        let property = |key: &str| dqn["properties"][key].clone();
        assert_eq!(property("gamma")["maximum"], 1.0);
        assert_eq!(property("batch_size")["minimum"], 1);
        assert_eq!(property("net_arch")["default"], "mlp:64,64");
        assert_eq!(property("command")["const"], "train");
        assert_eq!(dqn["additionalProperties"], false);
    }

    #[test]
    fn an_unknown_name_is_told_the_nearest() {
        let error = config_file("distill-polcy").unwrap_err().to_string();
        assert_eq!(error, "unknown algorithm `distill-polcy`; did you mean `distill-policy`?");
        let error = config_file("distill").unwrap_err().to_string();
        assert!(
            error.contains("config distill-policy") && error.contains("config distill-classifier"),
            "{error}"
        );
    }
}
