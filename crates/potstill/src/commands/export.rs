//! `potstill export`.

use crate::config::ConfigError;
use crate::error::Error;
use crate::export::{About, EXPORTERS, Exporter, find};
use crate::model::Model;
use crate::run::{Observer, model_with_origin, usage};
use crate::store::{RunDir, write_new_file};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

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
    let exporter = exporter_of(to, out)?;
    let (model, about) = model_with_origin(&RunDir::open_model(run)?)?;
    exporter
        .takes(&model)
        .map_err(|reason| usage(format!("--to {}: {}: {reason}", exporter.name(), run.display())))?;
    let bytes = write(exporter, (&model, &about), out, observer)?;
    Ok(json!({
        "command": "export",
        "run": run.display().to_string(),
        "format": exporter.name(),
        "parameters": model.parameters(),
        "bytes": bytes,
        "out": out.display().to_string(),
    }))
}

/// Exports a model that is no run's to a file that must not exist, in a format by its name.
///
/// # Errors
/// As [`export`].
pub fn export_model(
    (model, about): (&Model, &About),
    to: &str,
    out: &Path,
    observer: &dyn Observer,
) -> Result<(), Error> {
    let exporter = exporter_of(to, out)?;
    exporter.takes(model).map_err(|reason| usage(format!("--to {}: {reason}", exporter.name())))?;
    write(exporter, (model, about), out, observer).map(|_| ())
}

/// The format for a file of this name.
fn exporter_of(to: &str, out: &Path) -> Result<&'static dyn Exporter, Error> {
    let names = EXPORTERS.map(Exporter::name);
    let exporter = find(to).ok_or_else(|| ConfigError::unknown("format", to, None, names))?;
    let (name, extension) = (exporter.name(), exporter.extension());
    if out.extension().is_none_or(|ending| ending != extension) {
        return Err(usage(format!(
            "--out {}: the name of a {name} file ends in .{extension}",
            out.display()
        )));
    }
    Ok(exporter)
}

/// Writes a model that the format takes; returns the number of bytes.
fn write(
    exporter: &dyn Exporter,
    (model, about): (&Model, &About),
    out: &Path,
    observer: &dyn Observer,
) -> Result<usize, Error> {
    let bytes = exporter.write(model, about);
    write_new_file(out, &bytes)?;
    exporter.warnings(model).iter().for_each(|warning| observer.warn(warning));
    Ok(bytes.len())
}
