//! A measured result: its claims, its figures, and its runs.

use super::finished::Finished;
use crate::error::Error;
use crate::report::{Block, GridChart, LineChart, Page, Series, Table};
use crate::run::{Observer, watched_map};
use crate::train::TrainError;
use crate::train::statistics::{Center, Estimate};
use potstill_core::Streams;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// A request to reproduce a result.
#[derive(Clone, Debug, Default)]
pub struct ReproduceRequest {
    /// The name of the result.
    pub name: String,
    /// Runs of each algorithm, instead of the result's own number.
    pub runs: Option<u64>,
    /// The seed of the first run.
    pub seed: u64,
    /// Threads to use. Results do not depend on their number.
    pub threads: usize,
    /// The data to measure on, of results that need some.
    pub data: Option<String>,
    /// A small version of a result that is measured on data: fewer samples and epochs.
    pub quick: bool,
    /// The folder to create.
    pub out: Option<PathBuf>,
}

/// One number of a result.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// Its description.
    pub what: String,
    /// Lowest and highest value expected; equal for an exact one.
    pub expected: (f64, f64),
    /// The source of the expected value.
    pub from: &'static str,
    /// The measured value over runs.
    pub measured: Estimate,
    /// True if the value itself must be in the range, not only overlap it with its interval.
    pub is_reach: bool,
    /// The values that it was measured from, one per seed; NaN for a run that has none. Empty for a computed number.
    pub values: Vec<f64>,
}

/// A number of every run.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// One value per seed; NaN for a run that has none.
    pub values: Vec<f64>,
}

impl Claim {
    /// Returns true if the measured interval overlaps the expected range. Of fewer than three runs, which have no
    /// interval, the value itself must be in the range.
    pub fn agrees(&self) -> bool {
        // Computed values are exact up to rounding. One side of the range may be unbounded.
        let rounding = |bound: f64| if bound.is_finite() { 1e-9 * bound.abs() } else { 0.0 };
        let (low, high) = self.expected;
        let (low, high) = (low - rounding(low), high + rounding(high));
        match self.measured.interval {
            Some((from, to)) if !self.is_reach => from <= high && to >= low,
            _ => (low..=high).contains(&self.measured.value),
        }
    }

    /// The claim about a number that lies between two bounds: so does its interval.
    #[must_use]
    pub fn within(self, bounds: (f64, f64)) -> Self {
        Self { measured: self.measured.within(bounds), ..self }
    }

    /// Returns true if nothing is expected: it is a measurement that nobody has published.
    pub fn is_open(&self) -> bool {
        self.expected == (f64::NEG_INFINITY, f64::INFINITY)
    }

    /// The verdict as a word.
    pub fn verdict(&self) -> &'static str {
        match self.agrees() {
            _ if self.is_open() => "measured",
            true => "agrees",
            false => "differs",
        }
    }
}

/// A measured result.
#[derive(Clone, Debug, PartialEq)]
pub struct Reproduction {
    /// Its name.
    pub name: &'static str,
    /// The publication.
    pub source: &'static str,
    /// The setting of the measurement.
    pub setting: String,
    /// Runs of each algorithm.
    pub runs: usize,
    /// The seed of the first run; the others follow it.
    pub seed: u64,
    /// The numbers.
    pub claims: Vec<Claim>,
    /// Further numbers of each run, beside those that claims were measured from.
    pub beside: Vec<Column>,
    /// The figures, with the expected values.
    pub charts: Vec<LineChart>,
    /// Maps of values and policies.
    pub maps: Vec<GridChart>,
    /// A remark.
    pub note: &'static str,
    /// The data that the command takes, as it is written in its usage, since its place differs from machine to machine; and `--quick`.
    pub data: Option<String>,
    /// The folder that was created.
    pub out: PathBuf,
}

/// The runs of a measurement.
pub(super) struct Runs<'a> {
    pub(super) request: &'a ReproduceRequest,
    pub(super) observer: &'a dyn Observer,
    pub(super) count: usize,
    pub(super) finished: &'a Finished<'a>,
}

impl Runs<'_> {
    /// The words about a quick version in a setting.
    pub(super) fn quick_words(&self) -> &'static str {
        match self.request.quick {
            true => {
                "; the quick version, on some of the images and with few epochs, which only shows the direction"
            }
            false => "",
        }
    }

    /// One run for each seed.
    pub(super) fn of<T: Send>(
        &self,
        what: &str,
        run: impl Fn(Streams) -> Result<T, TrainError> + Sync,
    ) -> Result<Vec<T>, Error> {
        let Self { request, observer, count, .. } = *self;
        let results = watched_map(observer, what, count, request.threads, |i| {
            if observer.stop_requested() {
                return Err(Error::Abandoned);
            }
            Ok(run(Streams::new(request.seed.wrapping_add(i as u64)))?)
        });
        results.into_iter().collect()
    }

    /// A claim about the mean over runs. A run without a value (NaN) does not count.
    ///
    /// # Panics
    /// If no run has a value.
    pub(super) fn claim(
        &self,
        what: impl Into<String>,
        expected: (f64, f64),
        from: &'static str,
        values: Vec<f64>,
    ) -> Claim {
        let there: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
        let measured = Center::Mean.estimate(&there);
        Claim { what: what.into(), expected, from, measured, is_reach: false, values }
    }
}

impl Claim {
    /// A claim about a number that is computed, not drawn.
    pub(super) fn computed(
        what: impl Into<String>,
        expected: (f64, f64),
        from: &'static str,
        value: f64,
    ) -> Self {
        let measured = Estimate::exact(value);
        Self { what: what.into(), expected, from, measured, is_reach: false, values: Vec::new() }
    }
}

/// Two standard errors about a mean.
pub(super) fn about(mean: f64, standard_error: f64) -> (f64, f64) {
    (mean - 2.0 * standard_error, mean + 2.0 * standard_error)
}

/// The mean at each index over runs of equal length.
pub(crate) fn mean_curve(runs: &[Vec<f64>]) -> Vec<f64> {
    let length = runs.iter().map(Vec::len).min().unwrap_or(0);
    (0..length).map(|i| runs.iter().map(|run| run[i]).sum::<f64>() / runs.len() as f64).collect()
}

pub(super) fn series(name: &str, points: Vec<(f64, f64)>) -> Series {
    Series { name: name.to_owned(), points, band: Vec::new() }
}

impl Reproduction {
    /// Returns true if every claim agrees.
    pub fn agrees(&self) -> bool {
        self.claims.iter().all(Claim::agrees)
    }

    /// The command that measures it again, to the same bytes. Data are named as in the command's usage.
    pub fn command(&self) -> String {
        let data = self.data.as_ref().map(|data| format!(" --data {data}")).unwrap_or_default();
        format!("potstill reproduce {} --runs {} --seed {}{data}", self.name, self.runs, self.seed)
    }

    /// The summary for machines. The numbers of each run are in `raw.csv`.
    pub fn json(&self) -> Value {
        let claims = self.claims.iter().map(|claim| {
            let (low, high) = claim.expected;
            let Estimate { value, interval } = claim.measured;
            json!({
                "what": claim.what,
                // JSON has no infinity.
                "expected": if low == high { json!(low) } else { json!([low, high].map(|x| x.is_finite().then_some(x))) },
                "expected_from": claim.from,
                "measured": value,
                "ci95": interval,
                "verdict": claim.verdict(),
            })
        });
        json!({
            "command": "reproduce",
            "repeat": self.command(),
            "name": self.name,
            "source": self.source,
            "setting": self.setting,
            "runs": self.runs,
            "seed": self.seed,
            "claims": claims.collect::<Vec<_>>(),
            "verdict": if self.agrees() { "agrees" } else { "differs" },
            "out": self.out.display().to_string(),
        })
    }

    /// The table of measured and expected values.
    pub fn table(&self) -> Table {
        let number = |x: f64| match x.abs() {
            size if size >= 100.0 => format!("{x:.1}"),
            size if size >= 1.0 => format!("{x:.2}"),
            _ => format!("{x:.3}"),
        };
        let rows = self.claims.iter().map(|claim| {
            let Estimate { value, interval } = claim.measured;
            let measured = match interval {
                None => format!("{} (no interval)", number(value)),
                Some((low, high)) if low == high => number(value),
                Some((low, high)) => format!("{} [{}, {}]", number(value), number(low), number(high)),
            };
            let expected = match claim.expected {
                (low, high) if low == high => number(low),
                (f64::NEG_INFINITY, f64::INFINITY) => "-".to_owned(),
                (low, f64::INFINITY) => format!("{} or more", number(low)),
                (low, high) => format!("{} to {}", number(low), number(high)),
            };
            vec![claim.what.clone(), measured, expected, claim.from.to_owned(), claim.verdict().to_owned()]
        });
        let head = ["", "measured", "expected", "from", "verdict"];
        Table { head: head.map(str::to_owned).to_vec(), rows: rows.collect() }
    }

    /// The result as a page.
    pub fn page(&self) -> Page {
        Page {
            title: format!("{}: {}", self.name, self.source),
            lead: self.setting.clone(),
            blocks: std::iter::once(Block::Table(self.table()))
                .chain(self.charts.iter().cloned().map(Block::Lines))
                .chain(self.maps.iter().cloned().map(Block::Grid))
                .chain([Block::Text(self.note.to_owned())])
                .collect(),
        }
    }
}

/// A placeholder for the folder.
pub(super) fn nowhere() -> PathBuf {
    Path::new("").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_reached_must_be() {
        let check = |expected: (f64, f64), is_reach: bool, [low, value, high]: [f64; 3], agrees: bool| {
            let measured = Estimate { value, interval: Some((low, high)) };
            let claim = Claim { is_reach, measured, ..Claim::computed("a number", expected, "here", value) };
            assert_eq!(claim.agrees(), agrees, "{expected:?}, {is_reach}, {low} to {value} to {high}");
        };
        check((17.0, f64::INFINITY), true, [10.0, 16.9, 20.0], false);
        check((17.0, f64::INFINITY), true, [10.0, 17.0, 20.0], true);
        check((-80.0, 0.0), true, [-90.0, -80.1, -70.0], false);
        check((-80.0, 0.0), true, [-90.0, -79.9, -70.0], true);
        check((13.0, 13.0), false, [13.0 - 1e-12; 3], true);
        check((13.0, 13.0), false, [13.001; 3], false);
        check((1.0, 2.0), false, [1.9, 2.5, 3.0], true);
        check((1.0, 2.0), false, [2.1, 2.5, 3.0], false);
        let few = |value| Claim {
            measured: Estimate { value, interval: None },
            ..Claim::computed("", (1.0, 2.0), "", value)
        };
        assert!(few(1.5).agrees() && !few(2.5).agrees());
    }
}
