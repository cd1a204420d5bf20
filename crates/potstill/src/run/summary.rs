//! Summaries of finished runs: of one run, of the runs in a folder of seeds, and statistics over seeds.

use super::origins::preset_of;
use super::report::asked_axis;
use crate::algorithm::Algorithm;
use crate::error::Error;
use crate::metrics::Axis;
use crate::store::{self, RunDir, names};
use crate::train::statistics::Center;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use toml::Table;

/// The summary of a finished run, or of a folder of seeds; empty before its end.
///
/// # Errors
/// If the folder is not a run, or its summary is damaged.
pub fn summary_of(run: &Path) -> Result<Value, Error> {
    let dir = RunDir::open(run)?;
    if dir.has(names::SUMMARY) { read_summary(&dir) } else { Ok(json!({})) }
}

/// The summary of a finished run.
pub(crate) fn read_summary(dir: &RunDir) -> Result<Value, Error> {
    let text = dir.read_text(names::SUMMARY)?;
    let summary = serde_json::from_str(&text).unwrap_or_else(|_| json!({}));
    Ok(with_out(summary, dir))
}

pub(crate) fn with_out(mut summary: Value, dir: &RunDir) -> Value {
    let config = dir.read_unchecked(names::CONFIG).unwrap_or_default();
    if let Some(preset) = preset_of(&String::from_utf8_lossy(&config)) {
        summary["preset"] = json!(preset);
    }
    if summary["seeds"].is_number() {
        let config = String::from_utf8_lossy(&config).parse().unwrap_or_default();
        summary["center"] = json!(center_over_seeds(asked_axis(&config), &config).name());
    }
    summary["out"] = json!(dir.path().display().to_string());
    summary
}

/// The center over seeds, if none is asked for: the mean of distillations and supervised learning, whose
/// paired differences are of means, and of runs of episodes, as in textbooks; the interquartile mean of runs
/// of steps (Agarwal et al. 2021).
pub(crate) fn center_over_seeds(axis: Axis, config: &Table) -> Center {
    let text = |key: &str| config.get(key).and_then(toml::Value::as_str);
    let algorithm = text("algorithm").and_then(|name| Algorithm::find(name).ok());
    let is_supervised = algorithm.is_some_and(|algorithm| algorithm.family == "supervised");
    match axis {
        Axis::Steps if !is_supervised && text("command") != Some("distill") => Center::Iqm,
        _ => Center::Mean,
    }
}

/// The runs in a folder of seeds, by seed.
pub(crate) fn seed_runs(folder: &Path) -> Vec<PathBuf> {
    let seed =
        |path: &Path| -> Option<u64> { path.file_name()?.to_str()?.strip_prefix("seed-")?.parse().ok() };
    // A folder that cannot be listed has no seeds to show; opening it reports the error.
    let mut runs: Vec<(u64, PathBuf)> = store::folders(folder)
        .unwrap_or_default()
        .into_iter()
        .filter_map(|path| Some((seed(&path)?, path)))
        .filter(|(_, path)| path.join(names::CONFIG).is_file())
        .collect();
    runs.sort();
    runs.into_iter().map(|(_, path)| path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_means_and_returns_over_steps_interquartile_means() {
        let check = |config: &str, expected: Center| {
            let config: Table = config.parse().unwrap();
            assert_eq!(center_over_seeds(asked_axis(&config), &config), expected, "{config}");
        };
        check("command = 'distill'\ndata = 'digits'\nepochs = 60", Center::Mean);
        check("command = 'distill'\nenv = 'CartPole-v1'", Center::Mean);
        check("algorithm = 'classifier'\ndata = 'digits'", Center::Mean);
        check("algorithm = 'sarsa'\nepisodes = 500", Center::Mean);
        check("algorithm = 'dqn'\nsteps = 500", Center::Iqm);
    }
}
