//! Flags, rewards and metadata of an episode, which both layouts have.

use super::super::super::content::Content;
use super::super::OfflineDataset;
use super::super::raw::Raw;
use super::form::{NotFinite, python_json};
use serde_json::{Map, Value, json};
use std::io;

/// The file that describes a data set, or an episode.
pub(super) const METADATA: &str = "metadata.json";

/// The names of the columns, or of the arrays, of an episode.
pub(super) const COLUMNS: [&str; 5] = ["observations", "actions", "rewards", "terminations", "truncations"];

/// A function that takes the path of a file in the folder of a data set, and its contents.
pub type Put<'a> = dyn FnMut(&str, &[u8]) -> io::Result<()> + 'a;

/// The metadata in a file of a folder.
pub(super) fn metadata(folder: &dyn Content, file: &str) -> Result<Map<String, Value>, String> {
    let told = |reason: String| format!("{file}: {reason}");
    let bytes = folder.file(file).bytes().map_err(|error| told(format!("it cannot be read: {error}")))?;
    let text = std::str::from_utf8(&bytes).map_err(|error| told(format!("it is no text: {error}")))?;
    match python_json(text, NotFinite::Null) {
        Ok(Value::Object(metadata)) => Ok(metadata),
        Ok(_) => Err(told("it is no JSON object".to_owned())),
        Err(error) => Err(told(format!("it is no JSON: {error}"))),
    }
}

/// Appends the rewards of so many steps to a data set, and their flags to those of the episode.
pub(super) fn append_ends(
    rewards: &Raw<'_>,
    flags: &[Raw<'_>; 2],
    steps: usize,
    data: &mut OfflineDataset,
    ends: &mut Vec<[bool; 2]>,
) {
    rewards.for_each(0..steps, |reward| data.rewards.push(reward));
    let first = ends.len();
    ends.resize(first + steps, [false; 2]);
    for (which, flags) in flags.iter().enumerate() {
        let mut at = first;
        flags.for_each(0..steps, |flag| {
            ends[at][which] = flag != 0.0;
            at += 1;
        });
    }
}

/// Ends an episode with the flags of its steps, of which only the last one's may be set.
pub(super) fn end_episode(
    ends: &[[bool; 2]],
    seed: Option<u64>,
    data: &mut OfflineDataset,
) -> Result<(), String> {
    let flags = ends.last().copied().unwrap_or_default();
    let before = &ends[..ends.len().saturating_sub(1)];
    if let Some(step) = before.iter().position(|flags| flags.contains(&true)) {
        let (episode, step) = (data.episodes.len() + 1, step + 1);
        return Err(format!(
            "episode {episode}, step {step}: it ends there, but has {} steps; end each episode at its first flag",
            ends.len()
        ));
    }
    data.end_episode(flags, seed)
}

/// The metadata of an episode: its number, steps, seed, and statistics of its rewards.
pub(super) fn episode_metadata(data: &OfflineDataset, episode: usize) -> Vec<(&'static str, Value)> {
    let record = data.episodes[episode];
    let rewards = &data.rewards[record.range()];
    let (count, sum) = (rewards.len() as f64, rewards.iter().sum::<f64>());
    let variance = rewards.iter().map(|reward| (reward - sum / count).powi(2)).sum::<f64>() / count;
    let largest = rewards.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let least = rewards.iter().copied().fold(f64::INFINITY, f64::min);
    let mut about = vec![("id", json!(episode)), ("total_steps", json!(record.steps))];
    about.extend(record.seed.map(|seed| ("seed", json!(seed))));
    let statistics = [
        ("rewards_sum", sum),
        ("rewards_mean", sum / count),
        ("rewards_std", variance.sqrt()),
        ("rewards_max", largest),
        ("rewards_min", least),
    ];
    about.extend(statistics.map(|(name, x)| (name, json!(x))));
    about
}
