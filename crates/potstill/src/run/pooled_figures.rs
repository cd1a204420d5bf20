//! The figures of classifiers over the seeds of a folder: test samples of all seeds together.

use super::quality_blocks::quality_blocks;
use super::summary::{seed_runs, summary_of};
use crate::error::Error;
use crate::report::Block;
use crate::store::{RunDir, StoreError, names};
use serde_json::{Value, json};
use std::path::Path;

/// The blocks of the classifiers in a folder of seeds: numbers with intervals over seeds, figures of the
/// finished seeds together; none of other runs.
///
/// # Errors
/// If a summary or a file of figures is damaged, or cannot be read.
pub(crate) fn family_blocks(folder: &Path) -> Result<Vec<Block>, Error> {
    let mut figures = Vec::new();
    for seed in seed_runs(folder) {
        let dir = RunDir::open(&seed)?;
        if dir.is_finished()? && dir.has(names::QUALITY) {
            let read = serde_json::from_str(&dir.read_text(names::QUALITY)?);
            figures.push(read.map_err(|error| StoreError::Damaged {
                path: seed.join(names::QUALITY),
                reason: format!("is no JSON ({error})"),
                remedy: "copy it from a backup, or train the seed again".to_owned(),
            })?);
        }
    }
    match pooled(&figures) {
        Some(figures) => Ok(quality_blocks(&summary_of(folder)?, &figures)),
        None => Ok(Vec::new()),
    }
}

/// The figures of several seeds as one: bins and confusion matrices of all test samples together, listed rows
/// of the first seed. None without figures, or if seeds have other classes or models.
fn pooled(figures: &[Value]) -> Option<Value> {
    let (mut all, others) = (figures.first()?.clone(), &figures[1..]);
    let keys = |figures: &Value| -> Vec<Value> {
        figures["models"].as_array().into_iter().flatten().map(|model| model["key"].clone()).collect()
    };
    if others.iter().any(|other| other["classes"] != all["classes"] || keys(other) != keys(&all)) {
        return None;
    }
    for (place, model) in all["models"].as_array_mut().into_iter().flatten().enumerate() {
        for other in others.iter().map(|other| &other["models"][place]) {
            for bins in ["reliability", "calibrated"] {
                let pairs = model[bins].as_array_mut().into_iter().flatten();
                for (own, theirs) in pairs.zip(other[bins].as_array().into_iter().flatten()) {
                    *own = joined(own, theirs);
                }
            }
            let cells = model["confusion"].as_array_mut().into_iter().flatten();
            for (own, theirs) in cells.zip(other["confusion"].as_array().into_iter().flatten()) {
                *own = json!(own.as_u64().unwrap_or_default() + theirs.as_u64().unwrap_or_default());
            }
        }
    }
    all["seeds"] = json!(figures.len());
    Some(all)
}

/// A bin of the samples of two: their number, mean confidence, and share of right ones.
fn joined(own: &Value, theirs: &Value) -> Value {
    let count = |bin: &Value| bin[0].as_u64().unwrap_or_default();
    let all = count(own) + count(theirs);
    let mean = |place: usize| {
        let sum = |bin: &Value| count(bin) as f64 * bin[place].as_f64().unwrap_or_default();
        if all == 0 { 0.0 } else { (sum(own) + sum(theirs)) / all as f64 }
    };
    json!([all, mean(1), mean(2)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seed(classes: [&str; 2], bins: &Value, confusion: [u64; 4]) -> Value {
        let key = "student_distilled";
        let model = json!({ "key": key, "reliability": bins, "calibrated": bins, "confusion": confusion });
        json!({ "classes": classes, "models": [model], "rows": [{ "row": 7 }] })
    }

    #[test]
    fn seeds_are_weighted_by_their_samples() {
        let classes = ["no", "yes"];
        let one = seed(classes, &json!([[0, 0.0, 0.0], [10, 0.9, 1.0]]), [5, 1, 0, 4]);
        let two = seed(classes, &json!([[2, 0.25, 0.5], [30, 0.7, 0.6]]), [10, 0, 2, 20]);
        let all = pooled(&[one.clone(), two]).unwrap();
        let model = &all["models"][0];
        // (10 x 0.9 + 30 x 0.7) / 40 and (10 x 1 + 30 x 0.6) / 40.
        assert_eq!(model["reliability"], json!([[2, 0.25, 0.5], [40, 0.75, 0.7]]));
        assert_eq!(model["calibrated"], model["reliability"]);
        assert_eq!(model["confusion"], json!([15, 1, 2, 24]));
        assert_eq!((&all["seeds"], &all["rows"]), (&json!(2), &json!([{ "row": 7 }])));
        let strange = seed(["no", "perhaps"], &json!([]), [1, 1, 1, 1]);
        assert_eq!((pooled(&[one, strange]), pooled(&[])), (None, None));
    }
}
