//! `potstill data` for recorded episodes: `show`, `convert`, `split`, `merge` and `filter`.

use crate::data::OfflineDataset;
use crate::data::episodes::{EpisodeFilter, Spread, Statistics};
use crate::error::Error;
use crate::run::{EpisodesOut, OpenEpisodes, place_of, usage};
use crate::words::counted;
use potstill_core::Streams;
use potstill_env::Space;
use serde_json::{Value, json};
use std::path::Path;

/// Words for other data.
const LEARNER: &str = "this is for recorded episodes";

/// Episodes in numbers.
pub(super) fn description(source: &str, data: &OfflineDataset) -> Value {
    let Statistics {
        returns,
        lengths,
        terminated,
        truncated,
        cut_off,
        action_counts,
        action_entropy,
        action_moments,
    } = Statistics::of(data);
    let spread = |Spread { mean, quantiles: [least, low, median, high, greatest] }| json!({ "mean": mean, "min": least, "q25": low, "median": median, "q75": high, "max": greatest });
    let seeds = data.episodes().iter().filter(|episode| episode.seed.is_some()).count();
    let mut about = json!({
        "command": "data show",
        "data": source,
        "env": data.env(),
        "episodes": data.episodes().len(),
        "steps": data.steps(),
        "observation_space": space(data.observation_space()),
        "action_space": space(data.action_space()),
        "returns": spread(returns),
        "lengths": spread(lengths),
        "terminated": terminated,
        "truncated": truncated,
        "cut_off": cut_off,
        "seeds": seeds,
        "crc32c": format!("{:08x}", data.checksum()),
        "metadata": data.metadata,
    });
    let actions = [
        ("action_counts", json!(action_counts)),
        ("action_entropy", json!(action_entropy)),
        ("action_moments", json!(action_moments)),
    ];
    for (key, value) in actions.into_iter().filter(|(_, value)| !value.is_null()) {
        about[key] = value;
    }
    let outside = data.check(data.env(), data.observation_space(), data.action_space());
    about["warnings"] = outside.err().into_iter().collect();
    about
}

/// A space with the bounds of a box, where `null` is none.
fn space(space: &Space) -> Value {
    match space {
        Space::Box { low, high } => json!({ "space": space.to_string(), "low": low, "high": high }),
        _ => json!({ "space": space.to_string() }),
    }
}

/// Opens data sets, and a place to write to that is none of them.
fn opened<'a>(
    sources: &[String],
    outs: &'a [String],
) -> Result<(Vec<OfflineDataset>, Vec<EpisodesOut<'a>>), Error> {
    if let Some(out) = outs.iter().enumerate().find_map(|(i, out)| outs[..i].contains(out).then_some(out)) {
        return Err(usage(format!("--out {out}: it is named twice, and each part needs a place of its own")));
    }
    let read: Vec<&Path> = sources.iter().map(|source| place_of(source)).collect();
    let outs = outs.iter().map(|out| EpisodesOut::open("--out", out, &read)).collect::<Result<_, _>>()?;
    let data = sources.iter().map(|source| Ok(OpenEpisodes::open("--data", source, LEARNER)?.data));
    Ok((data.collect::<Result<_, Error>>()?, outs))
}

/// The result of a command that has written data sets.
fn written(command: &str, outs: &[String], parts: &[OfflineDataset]) -> Value {
    let part = |(out, data): (&String, &OfflineDataset)| {
        let mean = data.returns().sum::<f64>() / data.episodes().len() as f64;
        json!({ "out": out, "episodes": data.episodes().len(), "steps": data.steps(), "mean_return": mean })
    };
    let parts: Vec<Value> = outs.iter().zip(parts).map(part).collect();
    match &parts[..] {
        [only] => {
            let mut result = json!({ "command": command });
            only.as_object().into_iter().flatten().for_each(|(key, value)| result[key] = value.clone());
            result
        }
        _ => json!({ "command": command, "parts": parts }),
    }
}

/// Writes a data set in another format.
///
/// If it cannot be read or written.
pub fn convert_data(source: &str, out: &str) -> Result<Value, Error> {
    let outs = [out.to_owned()];
    let (data, to) = opened(&[source.to_owned()], &outs)?;
    to[0].write(&data[0])?;
    Ok(written("data convert", &outs, &data))
}

/// Writes parts of a data set with these shares of its episodes, which are drawn by a seed.
///
/// If there are not as many places as shares, a part would be empty, or one cannot be written.
pub fn split_data(source: &str, shares: &[f64], seed: u64, outs: &[String]) -> Result<Value, Error> {
    if shares.len() != outs.len() {
        let (shares, places) = (counted(shares.len(), "share"), counted(outs.len(), "place"));
        return Err(usage(format!("--shares has {shares}, --out {places}; give --out once for each share")));
    }
    let (data, to) = opened(&[source.to_owned()], outs)?;
    let parts = data[0].split(shares, &mut Streams::new(seed).stream("split"));
    let parts = parts.map_err(|reason| usage(format!("--shares: {reason}")))?;
    to.iter().zip(&parts).try_for_each(|(to, part)| to.write(part))?;
    Ok(written("data split", outs, &parts))
}

/// Writes several data sets of one environment as one.
///
/// If they do not fit together, or cannot be written.
pub fn merge_data(sources: &[String], out: &str) -> Result<Value, Error> {
    let outs = [out.to_owned()];
    let (data, to) = opened(sources, &outs)?;
    let merged = [OfflineDataset::merge(&data).map_err(usage)?];
    to[0].write(&merged[0])?;
    Ok(written("data merge", &outs, &merged))
}

/// Writes the episodes of a data set that a filter keeps.
///
/// If it keeps none, or they cannot be written.
pub fn filter_data(source: &str, filter: &EpisodeFilter, out: &str) -> Result<Value, Error> {
    if let Some(top) = filter.top.filter(|top| top.is_nan() || *top <= 0.0 || *top > 1.0) {
        return Err(usage(format!("--top {top}: write a share above 0 and at most 1")));
    }
    let outs = [out.to_owned()];
    let (data, to) = opened(&[source.to_owned()], &outs)?;
    let kept = filter.kept(&data[0]);
    if kept.is_empty() {
        return Err(usage(format!(
            "{source}: no episode is left; `potstill data show` has their returns and lengths"
        )));
    }
    let filtered = [data[0].select(&kept)];
    to[0].write(&filtered[0])?;
    Ok(written("data filter", &outs, &filtered))
}
