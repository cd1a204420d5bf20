//! `potstill data`: data before training.

use super::episodes::description;
use crate::data::{DataFrame, Values};
use crate::error::Error;
use crate::run::{OpenData, Opened};
use serde_json::{Value, json};
use std::collections::HashMap;

/// A data source as it is read: of samples rows, columns, what is missing, and the classes; of recorded episodes their
/// returns, lengths, endings and actions.
///
/// # Errors
/// If it cannot be read.
pub fn show_data(source: &str) -> Result<Value, Error> {
    match Opened::open("--data", source)? {
        Opened::Samples(data) => samples(source, &data),
        Opened::Episodes(data) => Ok(description(source, &data)),
    }
}

/// Samples in numbers.
fn samples(source: &str, data: &OpenData) -> Result<Value, Error> {
    let (frame, options) = (data.rows(), data.options());
    let named = [&options.label, &options.target, &options.id, &options.text, &options.inputs];
    for name in named.into_iter().flatten().chain(&options.drop) {
        frame.find(name).map_err(|reason| data.refused(reason))?;
    }
    let label = options.label.as_deref().unwrap_or("label");
    let role = |name: &String| {
        let learned = [("label", &options.label), ("target", &options.target), ("id", &options.id)];
        let roles = learned.into_iter().chain([("text", &options.text), ("inputs", &options.inputs)]);
        let found = roles.clone().find(|(_, column)| column.as_ref() == Some(name)).map(|(role, _)| role);
        found.or_else(|| options.drop.contains(name).then_some("drop"))
    };
    let columns: Vec<Value> = frame
        .columns()
        .iter()
        .map(|column| {
            let values = &column.values;
            let kind = match values {
                Values::Words(words) if Some(&column.name) == data.options().text.as_ref() => {
                    format!("texts, {} of them different", words.levels().len())
                }
                values => values.kind(),
            };
            let example = (0..frame.rows()).find_map(|row| values.text(row));
            let range = match values {
                Values::Numbers(numbers) => {
                    let present = || numbers.iter().copied().filter(|x| !x.is_nan());
                    let lowest = present().fold(f64::INFINITY, f64::min);
                    (lowest.is_finite()).then(|| json!([lowest, present().fold(f64::NEG_INFINITY, f64::max)]))
                }
                _ => None,
            };
            json!({
                "name": column.name,
                "kind": kind,
                "role": role(&column.name),
                "missing": values.missing(),
                "example": example,
                "range": range,
            })
        })
        .collect();
    let mut result = json!({
        "command": "data show",
        "data": source,
        "rows": frame.rows(),
        "test_rows": data.test_rows().map(DataFrame::rows),
        "columns": columns,
        "warnings": data.doubts(),
    });
    if let Some(column) = frame.columns().iter().find(|column| column.name == label) {
        let mut counts: Vec<(String, u64)> = Vec::new();
        let mut known = HashMap::new();
        for class in (0..frame.rows()).filter_map(|row| column.values.text(row)) {
            let at = *known.entry(class.clone()).or_insert_with(|| {
                counts.push((class, 0));
                counts.len() - 1
            });
            counts[at].1 += 1;
        }
        counts.sort_by(|(a, n), (b, m)| m.cmp(n).then_with(|| a.cmp(b)));
        result["classes"] = counts.iter().map(|(name, rows)| json!({ "name": name, "rows": rows })).collect();
    }
    Ok(result)
}
