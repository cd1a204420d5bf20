//! The result of a sweep in words: the best combination, and a table of all.

use potstill::metrics::catalogue::{Better, Column, Score};
use potstill::report::Table;
use serde_json::Value;
use std::collections::BTreeMap;

/// A finished sweep.
struct Sweep<'a> {
    keys: Vec<&'a str>,
    points: &'a [Value],
    /// The center over seeds, with its interval, by their names in a summary.
    center: (&'static str, &'static str),
}

/// The best combination, and the keys that differ with the scores of each combination.
pub(crate) fn words(result: &Value) -> String {
    let list = |key: &str| result[key].as_array().map_or(&[][..], Vec::as_slice);
    let center = if result["center"] == "IQM" { ("iqm", "ci95") } else { ("mean", "mean_ci95") };
    let keys = list("keys").iter().filter_map(Value::as_str).collect();
    let sweep = Sweep { keys, points: list("sweep"), center };
    let scores: Vec<_> = Score::compared()
        .filter(|(key, _)| sweep.points.iter().any(|point| sweep.number(point, key).is_some()))
        .collect();
    // By the first score, the most informative one.
    let best = scores.first().and_then(|score| sweep.best(*score));
    let best = best.map_or_else(String::new, |best| format!("{best}\n\n"));
    format!("{best}{}", sweep.table(&scores).text().trim_end())
}

/// The words for the numbers of a sweep of folders of seeds.
pub(crate) fn over_seeds(result: &Value) -> &'static str {
    match result["center"].as_str() {
        Some("IQM") => " (interquartile means over seeds, with 95 % intervals)",
        Some(_) => " (means over seeds, with 95 % intervals)",
        None => "",
    }
}

impl Sweep<'_> {
    fn number(&self, point: &Value, key: &str) -> Option<f64> {
        let value = &point["summary"][key];
        value.as_f64().or_else(|| value[self.center.0].as_f64())
    }

    fn cell(&self, point: &Value, (key, column): (&str, Column)) -> String {
        let shown = |value: f64| shown(value, column);
        let bounds = &point["summary"][key][self.center.1];
        let center = self.number(point, key).map_or_else(|| "-".to_owned(), shown);
        match (bounds[0].as_f64(), bounds[1].as_f64()) {
            (Some(low), Some(high)) => format!("{center} [{}, {}]", shown(low), shown(high)),
            _ => center,
        }
    }

    fn table(&self, scores: &[(&'static str, Column)]) -> Table {
        let rows = self.points.iter().map(|point| {
            let values = self.keys.iter().map(|key| word(&point["values"][*key]));
            values.chain(scores.iter().map(|score| self.cell(point, *score))).collect()
        });
        let keys = self.keys.iter().map(|key| (*key).to_owned());
        let head = keys.chain(scores.iter().map(|(_, column)| column.title.to_owned()));
        Table { head: head.collect(), rows: rows.collect() }
    }

    /// The sentence on the best combination. Seeds are no values to choose from: their mean counts.
    fn best(&self, (key, column): (&'static str, Column)) -> Option<String> {
        let chosen: Vec<&str> = self.keys.iter().copied().filter(|key| *key != "seed").collect();
        let mut groups: Vec<(String, Vec<&Value>)> = Vec::new();
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        for point in self.points.iter().filter(|point| self.number(point, key).is_some()) {
            let values = chosen.iter().map(|key| format!("{key}={}", word(&point["values"][*key])));
            let name = values.collect::<Vec<_>>().join(",");
            let place = *places.entry(name.clone()).or_insert(groups.len());
            if place == groups.len() {
                groups.push((name, Vec::new()));
            }
            groups[place].1.push(point);
        }
        let mean = |points: &[&Value]| {
            let values: Vec<f64> = points.iter().filter_map(|point| self.number(point, key)).collect();
            values.iter().sum::<f64>() / values.len() as f64
        };
        let told = |points: &[&Value]| match points {
            [one] => self.cell(one, (key, column)),
            many => format!("{} (mean of {} seeds)", shown(mean(many), column), many.len()),
        };
        let title = column.title;
        if chosen.is_empty() {
            return Some(format!("{title}: {}", told(&groups.first()?.1)));
        }
        let is_lower = Score::find(key).is_some_and(|score| score.better == Better::Lower);
        let order = |points: &[&Value]| if is_lower { -mean(points) } else { mean(points) };
        let top = groups.iter().map(|(_, points)| order(points)).max_by(f64::total_cmp)?;
        let best: Vec<_> = groups.iter().filter(|(_, points)| order(points) == top).collect();
        let told = told(&best.first()?.1);
        if best.len() == groups.len() && groups.len() > 1 {
            return Some(format!("{title}: {told}, the same with every combination"));
        }
        let names: Vec<&str> = best.iter().map(|(name, _)| name.as_str()).collect();
        Some(match names[..] {
            [a] => format!("best {title}: {told}, with {a}"),
            [a, b] => format!("best {title}: {told}, with {a} and with {b}"),
            [a, ..] => format!("best {title}: {told}, with {a} and {} others", names.len() - 1),
            [] => return None,
        })
    }
}

fn shown(value: f64, column: Column) -> String {
    format!("{:.*}", column.decimals, value * column.factor)
}

fn word(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_best_is_told_unless_there_is_none() {
        let check = |keys: &[&str], points: &[(Value, f64)], expected: &str| {
            let points: Vec<Value> = points
                .iter()
                .map(|(values, mean)| json!({ "values": values, "summary": { "mean_return": mean } }))
                .collect();
            let words = words(&json!({ "keys": keys, "sweep": points }));
            assert_eq!(words.lines().next(), Some(expected));
        };
        let alpha = |alpha: f64| json!({ "alpha": alpha });
        check(&["alpha"], &[(alpha(0.1), 9.0), (alpha(0.5), 9.5)], "best return: 9.5, with alpha=0.5");
        check(
            &["alpha"],
            &[(alpha(0.1), 9.3), (alpha(0.5), 9.3)],
            "return: 9.3, the same with every combination",
        );
        check(
            &["alpha"],
            &[(alpha(0.1), 9.3), (alpha(0.5), 9.3), (alpha(1.0), 1.0)],
            "best return: 9.3, with alpha=0.1 and with alpha=0.5",
        );
        // Seeds are no values to choose from.
        let seed = |seed: u64| json!({ "seed": seed });
        check(&["seed"], &[(seed(1), 9.0), (seed(2), 10.0)], "return: 9.5 (mean of 2 seeds)");
        let both = |alpha: f64, seed: u64| json!({ "alpha": alpha, "seed": seed });
        check(
            &["alpha", "seed"],
            &[(both(0.1, 1), 0.0), (both(0.1, 2), 10.0), (both(0.5, 1), 6.0), (both(0.5, 2), 6.0)],
            "best return: 6.0 (mean of 2 seeds), with alpha=0.5",
        );
    }

    #[test]
    fn the_center_over_seeds_is_that_of_comparisons() {
        let summary = json!({ "mean_return": { "mean": 1.0, "mean_ci95": [0.0, 2.0], "iqm": 1.5, "ci95": [1.0, 2.0] } });
        let point = json!({ "values": { "alpha": 0.1 }, "summary": summary });
        for (center, expected) in [("IQM", "1.5 [1.0, 2.0]"), ("mean", "1.0 [0.0, 2.0]")] {
            let words = words(&json!({ "keys": ["alpha"], "sweep": [point], "center": center }));
            assert!(words.lines().last().unwrap().contains(expected), "{words}");
        }
    }
}
