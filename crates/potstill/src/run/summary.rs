//! Summaries of finished runs: of one run, of the runs in a folder of seeds, and statistics over seeds.

use crate::error::Error;
use crate::metrics::catalogue::Score;
use crate::store::{self, RunDir, names};
use crate::train::statistics::Center;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

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
    summary["out"] = json!(dir.path().display().to_string());
    summary
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

/// Mean and interquartile mean of a score over seeds, with 95 % intervals, which are null for fewer than three
/// seeds and stay in the range of the score; `ci95` is that of the interquartile mean.
pub(crate) fn spread(key: &str, values: &[f64]) -> Value {
    let of = |center: Center| match Score::find(key) {
        Some(score) => center.estimate(values).within(score.range()),
        None => center.estimate(values),
    };
    let (iqm, mean) = (of(Center::Iqm), of(Center::Mean));
    json!({ "mean": mean.value, "mean_ci95": mean.interval, "iqm": iqm.value, "ci95": iqm.interval })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_stays_in_the_range_of_its_score() {
        // Unclipped, the mean's interval of three such errors begins below 0.
        let errors = [0.0, 0.02, 0.9];
        let check = |key: &str, is_clipped: bool| {
            let spread = spread(key, &errors);
            for interval in ["mean_ci95", "ci95"] {
                let (low, high) =
                    (spread[interval][0].as_f64().unwrap(), spread[interval][1].as_f64().unwrap());
                assert_eq!((low >= 0.0, high <= 1.0), (is_clipped, is_clipped), "{key}: {low} to {high}");
            }
        };
        check("test_error", true);
        check("return_last_100", false);
    }
}
