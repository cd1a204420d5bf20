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
    /// The name of the format, one of [`EXPORTERS`]; without one that of the file's ending.
    pub to: Option<String>,
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
    let exporter = exporter_of(to.as_deref(), out)?;
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

/// Exports a model that is no run's to a file that must not exist, in the format of its ending.
///
/// # Errors
/// As [`export`].
pub fn export_model(
    (model, about): (&Model, &About),
    out: &Path,
    observer: &dyn Observer,
) -> Result<(), Error> {
    let exporter = exporter_of(None, out)?;
    exporter.takes(model).map_err(|reason| usage(format!("--to {}: {reason}", exporter.name())))?;
    write(exporter, (model, about), out, observer).map(|_| ())
}

/// The format of a name, or of the ending of a file, which is that of the format.
fn exporter_of(to: Option<&str>, out: &Path) -> Result<&'static dyn Exporter, Error> {
    let ends =
        |exporter: &&dyn Exporter| out.extension().is_some_and(|ending| ending == exporter.extension());
    let Some(name) = to else {
        let endings = EXPORTERS.map(|exporter| format!(".{}", exporter.extension())).join(" or ");
        let wrong = || usage(format!("--out {}: the name of the file ends in {endings}", out.display()));
        return EXPORTERS.into_iter().find(ends).ok_or_else(wrong);
    };
    let names = EXPORTERS.map(Exporter::name);
    let exporter = find(name).ok_or_else(|| ConfigError::unknown("format", name, None, names))?;
    if !ends(&exporter) {
        let (path, name, ending) = (out.display(), exporter.name(), exporter.extension());
        return Err(usage(format!("--out {path}: a file of the format {name} ends in .{ending}")));
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
