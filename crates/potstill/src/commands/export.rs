//! `potstill export`.

use crate::config::ConfigError;
use crate::error::Error;
use crate::export::{EXPORTERS, Exporter, find};
use crate::run::{learned_model, usage};
use crate::store::{RunDir, write_new_file};
use serde_json::{Value, json};
use std::path::PathBuf;

/// A model to export.
#[derive(Clone, Debug)]
pub struct ExportRequest {
    /// The run directory.
    pub run: PathBuf,
    /// The name of the format.
    pub to: String,
    /// The file to write, which must not be there yet.
    pub out: PathBuf,
}

/// Writes the model of a run to a file in another format.
///
/// # Errors
/// If there is no such format or it cannot hold the model, if the folder is no finished run, or if the file is there
/// already or cannot be written.
pub fn export(request: &ExportRequest) -> Result<Value, Error> {
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
    let model = learned_model(&RunDir::open(run)?)?;
    exporter.takes(&model).map_err(|reason| usage(format!("--to {name}: {}: {reason}", run.display())))?;
    let bytes = exporter.write(&model);
    write_new_file(out, &bytes)?;
    Ok(json!({
        "command": "export",
        "run": run.display().to_string(),
        "format": name,
        "parameters": model.parameters(),
        "bytes": bytes.len(),
        "out": out.display().to_string(),
    }))
}
