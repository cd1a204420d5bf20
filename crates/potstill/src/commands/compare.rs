//! `potstill compare` and `potstill plot`: several runs, each of one or several seeds, in one table and one
//! figure.

use crate::config::{Origin, read_toml};
use crate::error::Error;
use crate::metrics::catalogue::{Column, Metric, SECONDS, Score, key_metrics};
use crate::metrics::{History, thinned};
use crate::report::{Block, LineChart, Page, Series, Table};
use crate::run::{estimate, over_steps, read_summary, seed_runs, spread, usage};
use crate::store::{self, RunDir, StoreError, names};
use crate::train::statistics::{self, Estimate};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Points of a curve over seeds.
const GRID: usize = 100;

/// A comparison of runs.
#[derive(Clone, Debug)]
pub struct Comparison {
    groups: Vec<Group>,
}

/// One run, or the seeds of one configuration.
#[derive(Clone, Debug)]
struct Group {
    name: String,
    algorithm: String,
    on: String,
    /// The configured number of seeds.
    seeds: usize,
    summaries: Vec<Value>,
    histories: Vec<History>,
    /// What a reader of the numbers should know.
    notes: Vec<String>,
}

impl Comparison {
    /// Reads runs and folders of seeds.
    ///
    /// # Errors
    /// If a folder is neither, or a file in it is damaged.
    pub fn read(runs: &[PathBuf]) -> Result<Self, Error> {
        Ok(Self { groups: runs.iter().map(|run| Group::read(run)).collect::<Result<_, Error>>()? })
    }

    /// Remarks: seeds of different lengths, and curves that are lost.
    pub fn notes(&self) -> impl Iterator<Item = &str> {
        self.groups.iter().flat_map(|group| group.notes.iter().map(String::as_str))
    }

    /// The scores: interquartile mean and mean over seeds, with 95 % bootstrap intervals.
    pub fn json(&self) -> Value {
        let groups = self.groups.iter().map(|group| {
            let mut object = Map::new();
            object.insert("run".to_owned(), json!(group.name));
            object.insert("algorithm".to_owned(), json!(group.algorithm));
            object.insert("on".to_owned(), json!(group.on));
            object.insert("seeds".to_owned(), json!(group.seeds));
            object.insert("finished".to_owned(), json!(group.summaries.len()));
            object.insert("parameters".to_owned(), group.first("parameters"));
            for key in Score::compared().map(|(key, _)| key).chain([SECONDS]) {
                let values = group.values(key);
                if !values.is_empty() {
                    object.insert(key.to_owned(), spread(&values));
                }
            }
            Value::Object(object)
        });
        json!({ "command": "compare", "runs": groups.collect::<Vec<_>>(), "notes": self.notes().collect::<Vec<_>>() })
    }

    /// The table, with one row per run: the interquartile mean, and over several seeds its interval.
    pub fn table(&self) -> Table {
        let scores: Vec<_> = Score::compared()
            .filter(|(key, _)| self.groups.iter().any(|g| !g.values(key).is_empty()))
            .collect();
        let mut head: Vec<String> = ["run", "algorithm", "on", "seeds"].map(str::to_owned).to_vec();
        head.extend(scores.iter().map(|score| score.1.title.to_owned()));
        head.extend(["parameters", SECONDS].map(str::to_owned));
        let rows = self.groups.iter().map(|group| {
            let finished = group.summaries.len();
            let seeds = match group.seeds {
                all if all == finished => all.to_string(),
                all => format!("{finished} of {all}"),
            };
            let mut row = vec![group.name.clone(), group.algorithm.clone(), group.on.clone(), seeds];
            row.extend(scores.iter().map(|&(key, Column { factor, decimals, .. })| {
                let values: Vec<f64> = group.values(key).iter().map(|v| v * factor).collect();
                cell(&values, decimals)
            }));
            row.push(group.first("parameters").as_u64().map_or("-".to_owned(), |n| n.to_string()));
            let seconds = group.values(SECONDS);
            row.push(if seconds.is_empty() {
                "-".to_owned()
            } else {
                format!("{:.1}", statistics::mean(&seconds))
            });
            row
        });
        Table { head, rows: rows.collect() }
    }

    /// The names of all metrics that some run recorded.
    pub fn metrics(&self) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        for name in self.groups.iter().flat_map(|group| &group.histories).flat_map(History::names) {
            if !all.iter().any(|known| known == name) {
                all.push(name.to_owned());
            }
        }
        all
    }

    /// The runs' curves of one metric; `None` if no run has it.
    pub fn chart(&self, metric: &str) -> Option<LineChart> {
        let (title, y_label) = Metric::find(metric)
            .filter(|metric| metric.is_key)
            .map_or((metric, metric), |metric| (metric.title, metric.unit));
        let series: Vec<Series> = self.groups.iter().filter_map(|group| group.curve(metric)).collect();
        over_steps(title, y_label, series)
    }

    /// The charts of the key metrics that the runs have.
    pub fn charts(&self) -> Vec<LineChart> {
        key_metrics().filter_map(|metric| self.chart(metric.name)).collect()
    }

    /// The comparison as a page.
    pub fn page(&self) -> Page {
        let mut blocks = vec![
            Block::Table(self.table()),
            Block::Text("Over several seeds: interquartile means with 95 % bootstrap intervals.".to_owned()),
        ];
        blocks.extend(self.charts().into_iter().map(Block::Lines));
        blocks.extend(self.notes().map(|note| Block::Text(format!("Note: {note}."))));
        let title = self.groups.iter().map(|group| group.name.as_str()).collect::<Vec<_>>().join(" and ");
        Page { title, lead: "Runs of potstill.".to_owned(), blocks }
    }

    /// All records as comma-separated values; with several runs the first column names the run.
    fn csv(&self) -> Result<String, Error> {
        let histories: Vec<(&str, &History)> =
            self.groups.iter().flat_map(|g| g.histories.iter().map(|h| (g.name.as_str(), h))).collect();
        match histories.as_slice() {
            [(_, history)] => Ok(history.csv()),
            _ => Err(usage("a .csv file is for one run; name one")),
        }
    }

    /// Writes an image, a page or a table, depending on the extension of `out`.
    ///
    /// # Errors
    /// If the extension is unknown, the runs do not have the metric, or the disk cannot be written.
    pub fn plot(&self, out: &Path, metric: Option<&str>) -> Result<(), Error> {
        let chart = || match metric {
            Some(metric) => self.chart(metric).ok_or_else(|| {
                let known = self.metrics();
                crate::config::ConfigError::unknown("metric", metric, None, known.iter().map(String::as_str))
                    .into()
            }),
            None => self.charts().into_iter().next().ok_or_else(|| usage("the runs have no records yet")),
        };
        let contents = match out.extension().and_then(|extension| extension.to_str()) {
            Some("svg") => chart()?.svg_file().into_bytes(),
            Some("png") => chart()?.png(2.0),
            Some("html") => self.page().html().into_bytes(),
            Some("csv") => self.csv()?.into_bytes(),
            _ => {
                let out = out.display();
                return Err(usage(format!("--out {out}: the name must end in .svg, .png, .html or .csv")));
            }
        };
        Ok(store::write_file(out, &contents)?)
    }
}

fn cell(values: &[f64], decimals: usize) -> String {
    match values {
        [] => "-".to_owned(),
        [one] => format!("{one:.decimals$}"),
        several => {
            let Estimate { value, low, high } = estimate(several, statistics::interquartile_mean);
            format!("{value:.decimals$} [{low:.decimals$}, {high:.decimals$}]")
        }
    }
}

/// The length of a run, as its configuration has it: `2000 steps`.
fn length_of(dir: &RunDir) -> Result<Option<String>, Error> {
    let origin = Origin::File(dir.path().join(names::CONFIG).display().to_string());
    let config = read_toml(&dir.read_text(names::CONFIG)?, origin)?;
    let length = |key: &str| config.get(key).map(|number| format!("{number} {key}"));
    Ok(length("steps").or_else(|| length("episodes")))
}

impl Group {
    fn read(path: &Path) -> Result<Self, Error> {
        let dir = RunDir::open(path)?;
        let origin = Origin::File(path.join(names::CONFIG).display().to_string());
        let config = read_toml(&dir.read_text(names::CONFIG)?, origin)?;
        let text = |key: &str| config.get(key).and_then(toml::Value::as_str).map(str::to_owned);
        let mut group = Self {
            name: path.display().to_string(),
            algorithm: text("algorithm").or_else(|| text("command")).unwrap_or_default(),
            on: text("env").or_else(|| text("data")).unwrap_or_default(),
            seeds: 1,
            summaries: Vec::new(),
            histories: Vec::new(),
            notes: Vec::new(),
        };
        let mut lengths = BTreeSet::new();
        let runs = match config.get("seeds").and_then(toml::Value::as_integer) {
            Some(count) => {
                group.seeds = usize::try_from(count).unwrap_or_default();
                seed_runs(path)
            }
            None => vec![path.to_owned()],
        };
        for run in runs {
            let dir = RunDir::open(&run)?;
            if dir.is_finished()? {
                group.summaries.push(read_summary(&dir)?);
            }
            match History::read(&dir) {
                Ok(history) => group.histories.push(history),
                Err(error @ StoreError::Damaged { .. }) => group.notes.push(format!("no curve: {error}")),
                // Not begun.
                Err(_) if !dir.has(names::METRICS) => {}
                Err(error) => return Err(error.into()),
            }
            lengths.extend(length_of(&dir)?);
        }
        if lengths.len() > 1 {
            let lengths = lengths.into_iter().collect::<Vec<_>>().join(", ");
            group.notes.push(format!("the seeds of {} have different lengths: {lengths}", group.name));
        }
        Ok(group)
    }

    fn values(&self, key: &str) -> Vec<f64> {
        self.summaries.iter().filter_map(|summary| summary[key].as_f64()).collect()
    }

    fn first(&self, key: &str) -> Value {
        self.summaries.first().map_or(Value::Null, |summary| summary[key].clone())
    }

    /// The curve of one run; over several seeds the interquartile mean and its interval.
    fn curve(&self, metric: &str) -> Option<Series> {
        let all: Vec<Vec<(f64, f64)>> =
            self.histories.iter().map(|h| h.series(metric)).filter(|points| !points.is_empty()).collect();
        let name = self.name.clone();
        match all.as_slice() {
            [] => None,
            [one] => Some(Series { name, points: thinned(one), band: Vec::new() }),
            several => {
                let first = several.iter().map(|points| points[0].0).fold(f64::INFINITY, f64::min);
                let last = several.iter().map(|points| points[points.len() - 1].0).fold(0.0, f64::max);
                let (mut points, mut band) = (Vec::new(), Vec::new());
                for i in 0..=GRID {
                    let x = first + (last - first) * i as f64 / GRID as f64;
                    // The latest value of each seed at this step.
                    let values: Vec<f64> = several
                        .iter()
                        .filter_map(|points| points[..points.partition_point(|p| p.0 <= x)].last())
                        .map(|point| point.1)
                        .collect();
                    if !values.is_empty() {
                        let Estimate { value, low, high } = estimate(&values, statistics::interquartile_mean);
                        points.push((x, value));
                        band.push((low, high));
                    }
                }
                Some(Series { name, points, band })
            }
        }
    }
}
