//! Policies that another program has learned, as finished runs.

use super::checks::find_env;
use super::prepared::folder_name;
use super::subject::check_shape;
use super::summary::with_out;
use crate::algorithm::Algorithm;
use crate::error::Error;
use crate::export::safetensors::{self, ModelError};
use crate::store::{RunDir, names};
use serde_json::{Map, Value, json};
use std::path::Path;
use toml::Table;

/// A policy that another program has learned.
#[derive(Clone, Debug)]
pub struct ImportedPolicy<'a> {
    /// The algorithm that it was learned by, one of [`ALGORITHMS`](crate::algorithm::ALGORITHMS), which says whether discrete
    /// actions have values or logits.
    pub algorithm: &'a str,
    /// The environment that it acts in.
    pub env: &'a str,
    /// Its seed there.
    pub seed: u64,
    /// The bytes of a model file ([`safetensors`]).
    pub model: &'a [u8],
    /// Further keys and values of the summary, such as the program and the steps.
    pub about: &'a Map<String, Value>,
}

/// Writes a policy as a finished run, which everything that takes one takes; it cannot be resumed. Returns its summary.
///
/// # Errors
/// If the algorithm or the environment is unknown, the model does not fit it, or the folder cannot be written.
pub fn import_policy(out: Option<&Path>, policy: &ImportedPolicy<'_>) -> Result<Value, Error> {
    let algorithm = Algorithm::find(policy.algorithm)?;
    let spec = find_env(policy.env)?;
    let of_model = |source| Error::Model { path: names::MODEL.into(), source };
    let model = safetensors::read(policy.model).map_err(of_model)?;
    check_shape(&model, &spec).map_err(|reason| of_model(ModelError::Misfit { reason }))?;
    let mut config = Table::new();
    config.insert("command".to_owned(), "import".into());
    config.insert("algorithm".to_owned(), algorithm.name.into());
    config.insert("env".to_owned(), spec.id.clone().into());
    config.insert("seed".to_owned(), i64::try_from(policy.seed).unwrap_or_default().into());
    let mut summary = json!({
        "command": "import", "algorithm": algorithm.name, "env": spec.id, "seed": policy.seed,
        "parameters": model.parameters(),
    });
    for (key, value) in policy.about {
        summary[key] = value.clone();
    }
    let dir = RunDir::create(out, &folder_name(algorithm.name, spec.name(), policy.seed))?;
    dir.write(names::CONFIG, config.to_string().as_bytes())?;
    dir.write(names::MODEL, &safetensors::write(&model))?;
    dir.write(names::SUMMARY, format!("{summary:#}\n").as_bytes())?;
    dir.seal(&[names::CONFIG, names::MODEL, names::SUMMARY], true)?;
    Ok(with_out(summary, &dir))
}
