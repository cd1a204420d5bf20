//! `potstill export`.

use crate::config::ConfigError;
use crate::error::Error;
use crate::export::{EXPORTERS, Exporter, find};
use crate::run::{Observer, model_with_origin, usage};
use crate::store::{RunDir, write_new_file};
use serde_json::{Value, json};
use std::path::PathBuf;

/// The model of a run, and its destination.
#[derive(Clone, Debug)]
pub struct ExportRequest {
    /// The run directory.
    pub run: PathBuf,
    /// The name of the format, one of [`EXPORTERS`].
    pub to: String,
    /// The file to write; it must not exist.
    pub out: PathBuf,
}

/// Exports the model of a run to a file.
///
/// # Errors
/// If the format is unknown or cannot hold the model, if the folder is not a finished run, or if the file exists or
/// cannot be written.
pub fn export(request: &ExportRequest, observer: &dyn Observer) -> Result<Value, Error> {
    let ExportRequest { run, to, out } = request;
    let names = EXPORTERS.map(Exporter::name);
    let exporter = find(to).ok_or_else(|| ConfigError::unknown("format", to, None, names))?;
    let (name, extension) = (exporter.name(), exporter.extension());
    if out.extension().is_none_or(|ending| ending != extension) {
        return Err(usage(format!(
            "--out {}: the name of a {name} file ends in .{extension}",
            out.display()
        )));
    }
    let (model, about) = model_with_origin(&RunDir::open_model(run)?)?;
    exporter.takes(&model).map_err(|reason| usage(format!("--to {name}: {}: {reason}", run.display())))?;
    let bytes = exporter.write(&model, &about);
    write_new_file(out, &bytes)?;
    exporter.warnings(&model).iter().for_each(|warning| observer.warn(warning));
    Ok(json!({
        "command": "export",
        "run": run.display().to_string(),
        "format": name,
        "parameters": model.parameters(),
        "bytes": bytes.len(),
        "out": out.display().to_string(),
    }))
}
