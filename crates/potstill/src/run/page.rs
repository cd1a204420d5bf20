//! The report of a run: a function of what lies in its directory.

use super::maps::maps as maps_of;
use crate::export::safetensors;
use crate::metrics::{History, thinned};
use crate::model::Model;
use crate::report::{Block, GridChart, LineChart, Page, Series, Table};
use crate::store::{RunDir, names};
use potstill_env::registry;
use serde_json::Value;

/// Title, y label, and the measurements that share a chart with their names in it.
type ChartForm = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

const CHARTS: [ChartForm; 7] = [
    (
        "Return",
        "return",
        &[
            ("rollout/ep_rew_mean", "while learning, mean of 100 episodes"),
            ("eval/mean_reward", "evaluation"),
        ],
    ),
    ("Length of episodes", "steps", &[("rollout/ep_len_mean", "mean of 100 episodes")]),
    ("Planning", "value", &[("planning/start_value", "value of the start")]),
    ("Test error", "error", &[("eval/test_error", "test error")]),
    ("Loss", "loss", &[("train/loss", "loss")]),
    (
        "How far the student moves from its teacher, the target network, before that is refreshed",
        "distance",
        &[("teacher/distance", "distance")],
    ),
    (
        "How old the teacher is: steps since it was refreshed",
        "steps",
        &[("teacher/staleness", "at the ends of episodes")],
    ),
];

/// The curves of a run, as far as it has them.
pub(crate) fn curves(history: &History) -> Vec<LineChart> {
    let chart = |(title, y_label, lines): ChartForm| {
        let series: Vec<Series> = lines
            .iter()
            .map(|(name, label)| Series {
                name: (*label).to_owned(),
                points: thinned(&history.series(name)),
                band: Vec::new(),
            })
            .filter(|series| !series.points.is_empty())
            .collect();
        over_steps(title, y_label, series)
    };
    CHARTS.into_iter().filter_map(chart).collect()
}

/// A chart of what was measured in the course of a run; none without a line.
pub(super) fn over_steps(title: &str, y_label: &str, series: Vec<Series>) -> Option<LineChart> {
    (!series.is_empty()).then(|| LineChart {
        title: title.to_owned(),
        x_label: "step".to_owned(),
        y_label: y_label.to_owned(),
        y_range: Some(shown_range(&series)),
        series,
    })
}

/// The part of the y axis in which most of the points of every line lie: a few at the start of learning must not flatten all the others.
fn shown_range(series: &[Series]) -> (f64, f64) {
    let ranges = series.iter().map(range_of);
    ranges.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))).unwrap_or((0.0, 1.0))
}

fn range_of(series: &Series) -> (f64, f64) {
    let mut values: Vec<f64> = series.points.iter().map(|p| p.1).filter(|v| v.is_finite()).collect();
    values.sort_unstable_by(f64::total_cmp);
    let (Some(lowest), Some(highest)) = (values.first(), values.last()) else { return (0.0, 1.0) };
    let at = |share: f64| values[((values.len() - 1) as f64 * share) as usize];
    let (low, high) = (at(0.05), at(0.95));
    let room = (high - low).max(1e-9);
    (lowest.max(low - room), highest.min(high + room).max(low + 1e-9))
}

/// A run's page. It may be made before the manifest knows the files that it shows.
pub(super) fn page(dir: &RunDir) -> Page {
    let text = |name: &str| {
        let bytes = dir.read_unchecked(name).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let summary: Value = serde_json::from_str(&text(names::SUMMARY)).unwrap_or_default();
    let mut blocks = vec![Block::Table(summary_table(&summary))];
    blocks.extend(curves(&History::parse(&text(names::METRICS))).into_iter().map(Block::Lines));
    let config = text(names::CONFIG);
    let table = config.parse().unwrap_or_default();
    blocks.extend(maps(dir, &table).into_iter().map(Block::Grid));
    let title = title(&table);
    blocks.push(Block::Heading("Configuration".to_owned()));
    blocks.push(Block::Plain(config));
    Page { title, lead: "A run of potstill.".to_owned(), blocks }
}

/// The maps of what a run has learned, if it is a table and its world a grid.
fn maps(dir: &RunDir, config: &toml::Table) -> Vec<GridChart> {
    let spec = config.get("env").and_then(toml::Value::as_str).and_then(|id| registry::find(id).ok());
    let model = dir.read_unchecked(names::MODEL).ok().and_then(|bytes| safetensors::read(&bytes).ok());
    let (Some(spec), Some(Model::Table(table))) = (spec, model) else { return Vec::new() };
    let visits = dir.read_unchecked(names::VISITS).ok().and_then(|bytes| {
        let value: Value = serde_json::from_slice(&bytes).ok()?;
        value["visits"].as_array()?.iter().map(Value::as_u64).collect::<Option<Vec<u64>>>()
    });
    maps_of(&spec, &table, visits.as_deref())
}

/// What a run is, for people.
pub(super) fn title(config: &toml::Table) -> String {
    let text = |key: &str| config.get(key).and_then(toml::Value::as_str);
    let seed = config.get("seed").and_then(toml::Value::as_integer).unwrap_or_default();
    let on = text("env").or(text("data")).unwrap_or("?");
    match (text("algorithm"), text("student")) {
        (Some(algorithm), _) => format!("{algorithm} on {on}, seed {seed}"),
        (None, Some(student)) => format!("{student} distilled from {on}, seed {seed}"),
        (None, None) => format!("{on}, seed {seed}"),
    }
}

/// A flat JSON object as a table of two columns.
fn summary_table(summary: &Value) -> Table {
    let rows = summary.as_object().into_iter().flatten().filter(|(_, value)| !value.is_object()).map(
        |(key, value)| {
            let shown = match value {
                Value::String(text) => text.clone(),
                Value::Number(number) if number.is_f64() => {
                    format!("{:.4}", number.as_f64().unwrap_or_default())
                }
                other => other.to_string(),
            };
            vec![key.replace('_', " "), shown]
        },
    );
    Table { head: vec!["".to_owned(), "value".to_owned()], rows: rows.collect() }
}
