//! `potstill data munge`: more rows for a transfer set.

use crate::data::{DataFrame, Values, preprocessing::possible_inputs};
use crate::distill::munge::{Munge, MungeConfig};
use crate::error::Error;
use crate::metrics::quoted;
use crate::run::{Observer, OpenData, place_of, usage, watched_map};
use crate::store::{check_output, write_file};
use potstill_core::Streams;
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::PathBuf;

/// The most values of a table that is made.
const VALUES_MAX: u64 = 1 << 28;

/// A request for more rows.
#[derive(Clone, Debug)]
pub struct MungeRequest {
    /// The table.
    pub data: String,
    /// The number of rows to make.
    pub size: u64,
    /// The parameters of the algorithm.
    pub config: MungeConfig,
    /// The rows that are held out for the test, as of a run on the same data; the usual number if not given.
    pub test_samples: Option<u64>,
    /// The seed of the split.
    pub split_seed: u64,
    /// The seed of what is drawn.
    pub seed: u64,
    /// The CSV file to write.
    pub out: PathBuf,
    /// Threads to use. Results do not depend on their number.
    pub threads: usize,
}

/// Writes new rows, made of the training rows of a table by [`Munge`], as a CSV file with the columns of its inputs: for `--unlabelled`.
///
/// # Errors
/// If the table cannot be read or has other values than numbers and words, the parameters are beyond their ranges, or the file cannot be
/// written.
pub fn munge(request: &MungeRequest, observer: &dyn Observer) -> Result<Value, Error> {
    let MungeConfig { swap_probability, local_variance, .. } = request.config;
    if !(0.0..=1.0).contains(&swap_probability) {
        return Err(usage(format!("--swap-probability {swap_probability}: write a number from 0 to 1")));
    }
    if !(local_variance > 0.0 && local_variance.is_finite()) {
        return Err(usage(format!("--local-variance {local_variance}: write a number above 0")));
    }
    check_output(&request.out, &[place_of(&request.data)])?;
    let data = OpenData::open(&request.data)?;
    let wrong = |reason: String| usage(format!("{}: {reason}", request.data));
    let (frame, options) = (data.rows(), data.options());
    let columns = possible_inputs(frame, options).map_err(wrong)?;
    if columns.len() as u64 * request.size > VALUES_MAX {
        let most = VALUES_MAX / columns.len() as u64;
        return Err(usage(format!("--size {}: write a whole number up to {most}", request.size)));
    }
    let rows = data.training_rows(request.test_samples, request.split_seed)?;
    let table = Munge::new(frame, &rows, &columns, options.fills_missing == Some(true)).map_err(wrong)?;
    let nearest = watched_map(observer, "neighbours", table.blocks(), request.threads, |block| {
        if observer.stop_requested() { Vec::new() } else { table.nearest(block) }
    });
    if observer.stop_requested() {
        return Err(Error::Abandoned);
    }
    let streams = Streams::new(request.seed);
    let made = table.rows(&nearest.concat(), request.size as usize, &request.config, &streams);
    let made = made.map_err(wrong)?;
    write_file(&request.out, csv(&made, options.id.as_deref()).as_bytes())?;
    Ok(json!({
        "command": "data munge",
        "data": request.data,
        "training_rows": rows.len(),
        "rows": made.rows(),
        "columns": made.columns().len(),
        "out": request.out.display().to_string(),
    }))
}

/// The rows, with names of their own if those of the data have names.
fn csv(frame: &DataFrame, id: Option<&str>) -> String {
    let names = id.into_iter().chain(frame.columns().iter().map(|column| column.name.as_str()));
    let mut text = names.map(quoted).collect::<Vec<_>>().join(",") + "\n";
    for row in 0..frame.rows() {
        if id.is_some() {
            let _ = write!(text, "munge-{},", row + 1);
        }
        for (i, column) in frame.columns().iter().enumerate() {
            text.push_str(if i == 0 { "" } else { "," });
            match &column.values {
                Values::Numbers(numbers) => _ = write!(text, "{}", numbers[row]),
                values => text.push_str(&values.text(row).as_deref().map_or_else(String::new, quoted)),
            }
        }
        text.push('\n');
    }
    text
}
