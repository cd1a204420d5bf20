//! The report of a run, made from the files of its directory.

use super::data_file::name_of;
use super::headline::lead;
use super::policy_maps::map_blocks;
use super::quality_blocks::quality_blocks;
use crate::export::safetensors;
use crate::metrics::catalogue::{Chart, EXPLAINED, METRICS, Metric, Score, by_chart};
use crate::metrics::{Axis, History};
use crate::model::Model;
use crate::report::{Block, LineChart, Page, Series, Table, extent};
use crate::store::{RunDir, names};
use crate::words::capital;
use potstill_env::registry;
use serde_json::Value;
use std::path::Path;

/// The curves of a run, as far as it has records of them.
pub(crate) fn curves(history: &History, axis: Axis) -> Vec<LineChart> {
    let chart = |(chart, metrics): (&Chart, Vec<&Metric>)| {
        let series: Vec<Series> = metrics
            .iter()
            .filter_map(|metric| {
                let points = history.curve(metric.name).map_or(Vec::new(), |curve| curve.line(axis));
                Some(Series { name: metric.line?.label.to_owned(), points, band: Vec::new() })
            })
            .filter(|series| !series.points.is_empty())
            .collect();
        over_time(chart.title, chart.unit, axis, series)
    };
    by_chart(METRICS.iter()).into_iter().filter_map(chart).collect()
}

/// The curves of a run, each followed by a sentence on its lines.
fn explained_curves(history: &History, axis: Axis) -> Vec<Block> {
    let charts = by_chart(METRICS.iter()).into_iter().filter_map(|(chart, metrics)| {
        let shown =
            |metric: &&&Metric| history.curve(metric.name).is_some_and(|curve| !curve.line(axis).is_empty());
        let drawn: Vec<&Metric> = metrics.iter().filter(shown).copied().collect();
        let lines = drawn.iter().filter_map(|metric| Some((metric.line?.label, metric.definition)));
        let sentence: Vec<String> =
            lines.map(|(label, definition)| format!("{}: {definition}", capital(label))).collect();
        (!drawn.is_empty()).then(|| (chart.title, sentence.join(" ")))
    });
    let sentences: Vec<(&str, String)> = charts.collect();
    let sentence_of =
        |title: &str| sentences.iter().find(|(known, _)| *known == title).map(|(_, words)| words.clone());
    curves(history, axis)
        .into_iter()
        .flat_map(|chart| {
            let sentence = sentence_of(&chart.title).map(Block::Text);
            [Some(Block::Lines(chart)), sentence].into_iter().flatten()
        })
        .collect()
}

/// A configuration without the folders of this machine: a path from the root is shown by its last name.
pub(crate) fn without_folders(config: &str) -> String {
    let line = |line: &str| {
        let path = line.split_once(" = \"").and_then(|(_, rest)| Some(rest.split_once('"')?.0));
        match path.filter(|path| Path::new(path).is_absolute()) {
            // The comment stays where it was.
            Some(path) => {
                let (name, gone) = (last_name(path), path.chars().count());
                let blanks = " ".repeat(gone.saturating_sub(name.chars().count()));
                line.replacen(path, &name, 1).replacen("  # ", &format!("  {blanks}# "), 1)
            }
            None => line.to_owned(),
        }
    };
    config.lines().map(|text| line(text) + "\n").collect()
}

fn last_name(path: &str) -> String {
    Path::new(path).file_name().map_or_else(|| path.to_owned(), |name| name.to_string_lossy().into_owned())
}

/// The axis that a run was asked for by: episodes, or steps.
pub(crate) fn asked_axis(config: &toml::Table) -> Axis {
    if config.contains_key("episodes") && !config.contains_key("steps") {
        Axis::Episodes
    } else {
        Axis::Steps
    }
}

/// A chart of metrics over the course of a run; none without a line.
pub(crate) fn over_time(title: &str, y_label: &str, axis: Axis, series: Vec<Series>) -> Option<LineChart> {
    let y_range = Some(shown_range(&series)?);
    let (title, x_label, y_label) = (title.to_owned(), axis.label().to_owned(), y_label.to_owned());
    Some(LineChart { title, x_label, y_label, y_range, series })
}

/// The range of the y axis that contains nearly all points of every line, so that a few outliers do not
/// flatten the rest. None without a line.
fn shown_range(series: &[Series]) -> Option<(f64, f64)> {
    let ranges = series.iter().filter_map(range_of);
    let (low, high) = ranges.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))?;
    Some(extent([low, high].into_iter()))
}

/// The range of a line and its band, without outliers far beyond the line's 5 % and 95 % points; of up to twenty
/// points all.
fn range_of(series: &Series) -> Option<(f64, f64)> {
    let sorted = |values: &mut dyn Iterator<Item = f64>| {
        let mut values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
        values.sort_unstable_by(f64::total_cmp);
        values
    };
    let line = sorted(&mut series.points.iter().map(|point| point.1));
    let (first, last) = (*line.first()?, *line.last()?);
    let low = line[((line.len() - 1) as f64 * 0.05).floor() as usize];
    let high = line[((line.len() - 1) as f64 * 0.95).ceil() as usize];
    let widths = sorted(&mut series.band.iter().map(|(from, to)| to - from));
    let lowest = series.band.iter().map(|band| band.0).filter(|v| v.is_finite()).fold(first, f64::min);
    let highest = series.band.iter().map(|band| band.1).filter(|v| v.is_finite()).fold(last, f64::max);
    // A flat line has room for most of its band.
    let room = (high - low).max(widths.get(widths.len() / 2).copied().unwrap_or(0.0));
    Some((lowest.max(low - room), highest.min(high + room)))
}

/// The reader of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    /// The user at this terminal.
    Here,
    /// Whoever is handed the file: no folders of this machine, and words for each key.
    Anywhere,
}

/// The page of a run. It may be made before the manifest lists the files that it shows.
pub(crate) fn run_page(dir: &RunDir, reader: Reader) -> Page {
    let text = |name: &str| {
        let bytes = dir.read_unchecked(name).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let mut summary: Value = serde_json::from_str(&text(names::SUMMARY)).unwrap_or_default();
    let lead = lead(&summary);
    if lead.is_some() {
        // It has the remark.
        summary.as_object_mut().map(|entries| entries.remove("remark"));
    }
    let quality = serde_json::from_str(&text(names::QUALITY)).unwrap_or_default();
    let mut blocks = quality_blocks(&summary, &quality);
    if !blocks.is_empty() {
        blocks.push(Block::Heading("Run".to_owned()));
    }
    blocks.push(Block::Table(summary_table(&summary, reader)));
    let meanings = explanations(&summary);
    if reader == Reader::Anywhere && !meanings.is_empty() {
        blocks.push(Block::Text(meanings));
    }
    blocks.extend(rules(dir));
    let config = text(names::CONFIG);
    let table = config.parse().unwrap_or_default();
    blocks.extend(explained_curves(&History::read_unchecked(dir), asked_axis(&table)));
    blocks.extend(maps(dir, &table));
    let title = title(&table);
    blocks.push(Block::Heading("Configuration".to_owned()));
    blocks.push(Block::Plain(match reader {
        Reader::Here => config,
        Reader::Anywhere => without_folders(&config),
    }));
    let failure: Value = serde_json::from_str(&text(names::FAILURE)).unwrap_or_default();
    let lead = lead.unwrap_or_else(|| match failure["error"].as_str() {
        Some(error) => format!("This run has failed: {error}"),
        None => "This run is not finished.".to_owned(),
    });
    Page { title, lead, blocks }
}

/// Levels of a tree whose rules are shown.
const LEVELS: usize = 4;

/// The rules of a run's decision tree, its first levels.
fn rules(dir: &RunDir) -> Vec<Block> {
    let model = dir.read_unchecked(names::MODEL).ok().and_then(|bytes| safetensors::read(&bytes).ok());
    let Some(Model::Predictor(predictor)) = model else { return Vec::new() };
    match predictor.rules(LEVELS) {
        Some(lines) => vec![Block::Heading("Rules".to_owned()), Block::Plain(lines.join("\n") + "\n")],
        None => Vec::new(),
    }
}

/// The maps of a run's table, if its environment is a grid.
fn maps(dir: &RunDir, config: &toml::Table) -> Vec<Block> {
    let id = config.get("env").and_then(toml::Value::as_str);
    let model = dir.read_unchecked(names::MODEL).ok().and_then(|bytes| safetensors::read(&bytes).ok());
    let (Some(id), Some(Model::Table(table))) = (id, model) else { return Vec::new() };
    let Ok(spec) = registry::find(id) else {
        let id = registry::in_short(id);
        return vec![Block::Text(format!(
            "Maps of values and visits are left out: this program does not have the environment {id}; the one that \
             registers it draws them (potstill report)."
        ))];
    };
    let visits = dir.read_unchecked(names::VISITS).ok().and_then(|bytes| {
        let value: Value = serde_json::from_slice(&bytes).ok()?;
        value["visits"].as_array()?.iter().map(Value::as_u64).collect::<Option<Vec<u64>>>()
    });
    map_blocks(&spec, &table, visits.as_deref())
}

/// The title of a run.
pub(crate) fn title(config: &toml::Table) -> String {
    let text = |key: &str| config.get(key).and_then(toml::Value::as_str);
    let seed = config.get("seed").and_then(toml::Value::as_integer).unwrap_or_default();
    // Of data the name of the file is enough: its folder is one of this machine.
    let on = text("env").map(registry::in_short).or(text("data").map(name_of));
    let on = on.unwrap_or_else(|| "?".to_owned());
    match (text("algorithm"), text("student")) {
        (Some(algorithm), _) => format!("{algorithm} on {on}, seed {seed}"),
        (None, Some(student)) => format!("{student} distilled from {on}, seed {seed}"),
        (None, None) => format!("{on}, seed {seed}"),
    }
}

/// The meaning of each key of a summary that does not tell it itself.
fn explanations(summary: &Value) -> String {
    let meaning = |key: &str| {
        let own = EXPLAINED.iter().find(|(known, _)| *known == key).map(|(_, meaning)| *meaning);
        own.or_else(|| Score::find(key).map(|score| score.definition))
    };
    let keys = summary.as_object().into_iter().flatten().filter(|(_, value)| value.is_number());
    let sentences =
        keys.filter_map(|(key, _)| Some(format!("{}: {}", capital(&key.replace('_', " ")), meaning(key)?)));
    sentences.collect::<Vec<_>>().join(" ")
}

/// A flat JSON object as a table of two columns.
fn summary_table(summary: &Value, reader: Reader) -> Table {
    let rows = summary.as_object().into_iter().flatten().filter(|(_, value)| !value.is_object()).map(
        |(key, value)| {
            let shown = match value {
                Value::String(text) if reader == Reader::Anywhere && Path::new(text).is_absolute() => {
                    last_name(text)
                }
                Value::String(text) => text.clone(),
                Value::Number(number) if number.is_f64() => {
                    // Zero has no sign.
                    let text = format!("{:.4}", number.as_f64().unwrap_or_default() + 0.0);
                    text.trim_end_matches('0').trim_end_matches('.').to_owned()
                }
                other => other.to_string(),
            };
            vec![key.replace('_', " "), shown]
        },
    );
    Table { head: vec!["".to_owned(), "value".to_owned()], rows: rows.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_handed_to_others_names_no_folder() {
        let config =
            "teacher = \"/home/me/runs/pole\"  # command line\nenv = \"CartPole-v1\"  # a/b\nseed = 1\n";
        let expected =
            "teacher = \"pole\"                # command line\nenv = \"CartPole-v1\"  # a/b\nseed = 1\n";
        assert_eq!(without_folders(config), expected);
    }

    #[test]
    fn keys_are_explained() {
        let summary = serde_json::json!({ "algorithm": "dqn", "best_return": 9.5, "seed": 1 });
        let expected = "Best return: Mean return of the evaluation that selected the model.";
        assert_eq!(explanations(&summary), expected);
        let table = summary_table(&serde_json::json!({ "a": -61.56, "b": 18.0, "c": -0.0 }), Reader::Here);
        let shown: Vec<&str> = table.rows.iter().map(|row| &*row[1]).collect();
        assert_eq!(shown, ["-61.56", "18", "0"]);
    }

    #[test]
    fn maps_that_cannot_be_drawn_are_told() {
        let root = tempfile::tempdir().unwrap();
        let dir = RunDir::create(Some(&root.path().join("run")), "run").unwrap();
        let table = Model::Table(crate::model::QTable::new(48, 4, 0.0));
        dir.write(names::MODEL, &safetensors::write(&table)).unwrap();
        let blocks = |id: &str| maps(&dir, &toml::Table::from_iter([("env".to_owned(), id.into())]));
        assert!(matches!(blocks("CliffWalking-v1")[..], [Block::Grid(_)]));
        let [Block::Text(line)] = &blocks("Marsh-v0")[..] else { panic!("one line") };
        assert!(
            line.starts_with("Maps of values and visits are left out: this program does not have"),
            "{line}"
        );
        assert!(line.contains("Marsh-v0"));
    }

    #[test]
    fn a_figure_is_followed_by_a_sentence() {
        let history = History::parse("{\"step\":1,\"train/loss\":0.5}\n{\"step\":2,\"train/loss\":0.25}\n");
        let blocks = explained_curves(&history, Axis::Steps);
        let [Block::Lines(chart), Block::Text(sentence)] = &blocks[..] else { panic!("{blocks:?}") };
        assert_eq!(chart.title, "Loss");
        assert_eq!(sentence, "Loss: Mean loss of the gradient steps since the previous record.");
    }

    #[test]
    fn few_points_are_all_shown_and_outliers_of_many_told() {
        let check = |ys: &[f64], band: &[(f64, f64)], range: (f64, f64), beyond: &str| {
            let points = ys.iter().enumerate().map(|(x, &y)| (x as f64, y)).collect();
            let series = Series { name: "a".to_owned(), points, band: band.to_vec() };
            let chart = over_time("Return", "return", Axis::Steps, vec![series]).unwrap();
            assert_eq!((chart.y_range, chart.beyond().as_str()), (Some(range), beyond), "{ys:?}");
        };
        check(&[26.85, 73.4], &[], (26.85, 73.4), "");
        check(&[137.0], &[], (137.0 - 13.7, 137.0 + 13.7), "");
        check(&[10.0, 20.0], &[(5.0, 12.0), (18.0, 40.0)], (5.0, 40.0), "");
        // Of a flat line with bands of 2, but one of 200, the wide one leaves the picture.
        let flat: Vec<(f64, f64)> =
            (0..50).map(|i| if i == 7 { (-99.0, 101.0) } else { (0.0, 2.0) }).collect();
        check(&[1.0; 50], &flat, (-1.0, 3.0), "");
        let mut many: Vec<f64> = (0..100).map(f64::from).collect();
        many[0] = -5000.0;
        // From 4 to 95, and as much again on either side.
        check(&many, &[], (-87.0, 99.0), "1 point is below -87");
        assert!(over_time("Return", "return", Axis::Steps, Vec::new()).is_none());
    }
}
