//! Reads records back, for tables and plots.

use crate::store::{RunDir, StoreError, names};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::fmt::Write;

/// All records of a run, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    records: Vec<Map<String, Value>>,
}

impl History {
    /// Reads the records of a run, without a last line that a crash cut off.
    ///
    /// # Errors
    /// If the file is damaged, or cannot be read.
    pub fn read(dir: &RunDir) -> Result<Self, StoreError> {
        Ok(Self::parse(&dir.read_text(names::METRICS)?))
    }

    /// Parses the lines of a log; lines that are not JSON objects are skipped.
    pub fn parse(text: &str) -> Self {
        Self { records: text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect() }
    }

    /// Every recorded name, in the order of first appearance.
    pub fn names(&self) -> Vec<&str> {
        let mut seen = BTreeSet::new();
        let names = self.records.iter().flat_map(Map::keys).map(String::as_str);
        names.filter(|name| *name != "step" && seen.insert(*name)).collect()
    }

    /// The `(step, value)` pairs of one name.
    pub fn series(&self, name: &str) -> Vec<(f64, f64)> {
        let point =
            |record: &Map<String, Value>| Some((record.get("step")?.as_f64()?, record.get(name)?.as_f64()?));
        self.records.iter().filter_map(point).collect()
    }

    /// Comma-separated values with one column per name; missing values are empty.
    pub fn csv(&self) -> String {
        let names = self.names();
        let mut text = format!("step,{}\n", names.join(","));
        for record in &self.records {
            let cell = |name: &str| {
                record.get(name).filter(|v| !v.is_null()).map_or(String::new(), Value::to_string)
            };
            let cells: Vec<String> = names.iter().map(|name| cell(name)).collect();
            let _ = writeln!(text, "{},{}", cell("step"), cells.join(","));
        }
        text
    }
}

/// Points in a drawn curve; more cannot be seen, and make large files.
const POINTS_MAX: usize = 1000;

/// Thins out a curve to about a thousand points, each the last of its interval.
pub fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let share = points.len().div_ceil(POINTS_MAX).max(1);
    points.chunks(share).filter_map(|chunk| chunk.last().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_curve_keeps_its_end() {
        let points: Vec<(f64, f64)> = (0..2500).map(|i| (f64::from(i), 0.5)).collect();
        let few = thinned(&points);
        assert_eq!((few.len(), few[0].0, few.last().unwrap().0), (834, 2.0, 2499.0));
        assert_eq!(thinned(&points[..1000]), points[..1000]);
        assert_eq!(thinned(&[]), []);
    }

    #[test]
    fn series_and_columns() {
        let text =
            "{\"step\":1,\"a\":0.5}\n{\"step\":2,\"b\":-1}\nnonsense\n{\"step\":3,\"a\":null,\"b\":2}\n{\"st";
        let history = History::parse(text);
        assert_eq!(history.names(), ["a", "b"]);
        assert_eq!(history.series("a"), [(1.0, 0.5)]);
        assert_eq!(history.series("b"), [(2.0, -1.0), (3.0, 2.0)]);
        assert_eq!(history.csv(), "step,a,b\n1,0.5,\n2,,-1\n3,,2\n");
    }
}
