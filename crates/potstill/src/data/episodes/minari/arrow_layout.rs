//! The Arrow layout: a folder for each episode, with a file of its columns and its metadata.

use super::super::super::content::Content;
use super::super::OfflineDataset;
use super::super::Rows;
use super::super::arrow::{self, Column, Written, WrittenValues};
use super::super::raw::{NumberKind, Raw};
use super::form::{Form, FormKind};
use super::steps::{COLUMNS, METADATA, Put, append_ends, end_episode, episode_metadata, metadata};
use serde_json::{Map, Value};
use std::io;

/// Reads the episodes of the Arrow layout.
pub(super) fn read(
    folder: &dyn Content,
    episodes: u64,
    forms: &[Form; 2],
    data: &mut OfflineDataset,
) -> Result<(), String> {
    for episode in 0..episodes {
        let about = metadata(folder, &format!("{episode}/{METADATA}"))?;
        let file = format!("{episode}/part-0.arrow");
        let told = |reason: String| format!("{file}: {reason}");
        let bytes =
            folder.file(&file).bytes().map_err(|error| told(format!("it cannot be read: {error}")))?;
        let mut ends = Vec::new();
        let batches = arrow::read(&bytes, COLUMNS).map_err(told)?;
        let count = batches.len();
        for (i, [observations, actions, rest @ ..]) in batches.into_iter().enumerate() {
            // Only the last row of the last batch is padding.
            let (rows, padding) = (observations.rows(), usize::from(i + 1 == count));
            let steps = rows.checked_sub(padding).ok_or_else(|| told("it has no rows".to_owned()))?;
            let append = |name: &str, form: &Form, column: Column<'_>, count: usize, rows: &mut Rows| {
                let columns = column.into_parts(form.width());
                let appended = columns.and_then(|columns| form.append(&columns, count, rows));
                appended.map_err(|reason| told(format!("column `{name}`: {reason}")))
            };
            append("observations", &forms[0], observations, rows, &mut data.observations)?;
            append("actions", &forms[1], actions, steps, &mut data.actions)?;
            let [rewards, terminations, truncations] = rest.map(|column| match column {
                Column::Numbers(raw, 1) if raw.count() >= steps => Ok(raw),
                _ => Err(told("its columns have different lengths".to_owned())),
            });
            append_ends(&rewards?, &[terminations?, truncations?], steps, data, &mut ends);
        }
        end_episode(&ends, about.get("seed").and_then(Value::as_u64), data).map_err(told)?;
    }
    Ok(())
}

/// Writes the episodes of the Arrow layout.
pub(super) fn write(data: &OfflineDataset, forms: &[Form; 2], put: &mut Put<'_>) -> io::Result<()> {
    for (i, episode) in data.episodes.iter().enumerate() {
        let observations = forms[0].columns(&data.observations, data.observation_range(i), 0);
        let actions = forms[1].columns(&data.actions, data.action_range(i), 1);
        let mut rewards = Vec::with_capacity(8 * (episode.steps + 1));
        data.rewards[episode.range()]
            .iter()
            .chain(&[0.0])
            .for_each(|x| rewards.extend_from_slice(&x.to_le_bytes()));
        let rewards = Raw::new(NumberKind::Float { bytes: 8 }, rewards);
        let flags = [episode.terminated, episode.truncated].map(|flag| {
            let mut flags = vec![0; episode.steps + 1];
            flags[episode.steps - 1] = u8::from(flag);
            Raw::new(NumberKind::Bool, flags)
        });
        let [observations_name, actions_name, rewards_name, terminations, truncations] = COLUMNS;
        let plain = |name, raw| Written { name, list: None, values: WrittenValues::Numbers(raw) };
        let columns = [
            forms[0].written(observations_name, &observations),
            forms[1].written(actions_name, &actions),
            plain(rewards_name, &rewards),
            plain(terminations, &flags[0]),
            plain(truncations, &flags[1]),
        ];
        put(&format!("{i}/part-0.arrow"), &arrow::write(&columns, episode.steps + 1))?;
        let about: Map<String, Value> =
            episode_metadata(data, i).into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        put(&format!("{i}/{METADATA}"), Value::Object(about).to_string().as_bytes())?;
    }
    Ok(())
}

impl Form {
    /// The Arrow column of the columns of a range.
    fn written<'a>(&self, name: &'a str, columns: &'a [Raw<'a>]) -> Written<'a> {
        let list = match &self.kind {
            FormKind::Discrete { .. } | FormKind::Tuple { .. } => None,
            FormKind::MultiDiscrete { .. } | FormKind::Array { .. } => Some(self.width()),
        };
        let values = match &self.kind {
            FormKind::Tuple { .. } => WrittenValues::Struct(
                columns.iter().enumerate().map(|(i, raw)| (i.to_string(), raw)).collect(),
            ),
            _ => WrittenValues::Numbers(&columns[0]),
        };
        Written { name, list, values }
    }
}
