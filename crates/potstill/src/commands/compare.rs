//! `potstill compare`: several runs, each of one or several seeds, in one table and one figure.

use super::group::{Group, differences, expanded, labels};
use crate::config::ConfigError;
use crate::error::Error;
use crate::metrics::Axis;
use crate::metrics::catalogue::{
    Better, Column, EP_REW, EP_REW_MEAN, MEAN_RETURN, Metric, SECONDS, START_VALUE, Score, TRANSITIONS,
    key_metrics, range,
};
use crate::report::{Block, LineChart, Page, Series, Size, Table};
use crate::run::{
    center_over_seeds, family_blocks, lead, over_time, spread, summary_of, usage, without_folders,
};
use crate::train::comparison::{performance_profile, probability_of_improvement, share_above};
use crate::train::statistics::{Center, Estimate, mean};
use crate::words;
use potstill_env::registry::in_short;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

/// Columns of differing keys in a table.
const KEYS_MAX: usize = 5;
/// Columns of characters up to which a table has further keys.
const WIDTH_MAX: usize = 150;
/// Runs up to which all pairs are compared; of more, each with the first.
const PAIRED_MAX: usize = 4;

/// The column of the value of the start.
const VALUE_COLUMN: Column = Column { title: "value of the start", factor: 1.0, decimals: 4 };

/// The manner in which runs are shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct View {
    /// The axis of curves [default: episodes if all runs were asked for by episodes, else steps].
    pub axis: Option<Axis>,
    /// The center over seeds [default: the mean over an axis of episodes and of what learns from data, else
    /// the interquartile mean].
    pub center: Option<Center>,
    /// Each curve's values as means over this many; 0 and 1 leave them as they are.
    pub smooth: usize,
    /// The title of a chart, instead of its own.
    pub title: Option<String>,
    /// The size of a chart.
    pub size: Option<Size>,
    /// The range of a chart's vertical axis.
    pub y_range: Option<(f64, f64)>,
}

/// The digits after the decimal point that show two significant digits of the spread of values, or of the values
/// if they are equal; at most four.
fn decimals_of(values: &[f64]) -> usize {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let scale = if high > low { high - low } else { high.abs() };
    let mut decimals = 0;
    let mut shown = scale;
    while decimals < 4 && shown.is_finite() && shown > 0.0 && shown < 10.0 {
        (decimals, shown) = (decimals + 1, shown * 10.0);
    }
    // Of equal whole numbers no digit behind the point says anything.
    if high == low && high.fract() == 0.0 { 0 } else { decimals }
}

/// A comparison of runs.
#[derive(Clone, Debug)]
pub struct Comparison {
    pub(super) groups: Vec<Group>,
    pub(super) view: View,
}

impl Comparison {
    /// Reads runs, folders of seeds, and folders of either.
    ///
    /// # Errors
    /// If a folder is none of these, or a file in it is damaged.
    pub fn read(runs: &[PathBuf]) -> Result<Self, Error> {
        let paths = expanded(runs);
        let mut groups = paths.iter().map(|run| Group::read(run)).collect::<Result<Vec<_>, Error>>()?;
        for (group, label) in groups.iter_mut().zip(labels(&paths)) {
            group.label = label;
        }
        Ok(Self { groups, view: View::default() })
    }

    /// The same runs, shown in another manner.
    #[must_use]
    pub fn with(self, view: View) -> Self {
        Self { view, ..self }
    }

    /// The axis of the curves.
    pub fn axis(&self) -> Axis {
        let asked = || {
            let by_episodes = self.groups.iter().all(|group| group.axis() == Axis::Episodes);
            if by_episodes { Axis::Episodes } else { Axis::Steps }
        };
        self.view.axis.unwrap_or_else(asked)
    }

    /// The center over seeds.
    pub fn center(&self) -> Center {
        let is_mean = |group: &Group| center_over_seeds(self.axis(), &group.config) == Center::Mean;
        let usual = || if self.groups.iter().all(is_mean) { Center::Mean } else { Center::Iqm };
        self.view.center.unwrap_or_else(usual)
    }

    /// The scores over seeds with 95 % intervals, probabilities of improvement and performance profiles.
    pub fn json(&self) -> Value {
        let groups = self.groups.iter().map(|group| {
            let mut object = Map::new();
            object.insert("run".to_owned(), json!(group.path.display().to_string()));
            object.insert("label".to_owned(), json!(group.label));
            object.insert("algorithm".to_owned(), json!(group.algorithm));
            object.insert("on".to_owned(), json!(group.on));
            object.insert("seeds".to_owned(), json!(group.seeds));
            object.insert("finished".to_owned(), json!(group.finished()));
            object.insert("parameters".to_owned(), group.first("parameters"));
            for key in self.scores().into_iter().map(|(key, _)| key).chain([SECONDS]) {
                let values = group.values(key);
                if !values.is_empty() {
                    object.insert(key.to_owned(), spread(key, &values));
                }
            }
            Value::Object(object)
        });
        let path = |i: usize| self.groups[i].path.display().to_string();
        let improvements = self.improvements(usize::MAX).into_iter().map(|(i, j, estimate)| {
            json!({ "first": path(i), "second": path(j), "value": estimate.value, "ci95": estimate.interval })
        });
        let keys = differences(&self.configs()).into_iter().map(|(key, values)| (key, json!(values)));
        let mut all = json!({
            "command": "compare",
            "runs": groups.collect::<Vec<_>>(),
            "differing": keys.collect::<Map<_, _>>(),
            "notes": self.groups.iter().flat_map(|group| &group.notes).collect::<Vec<_>>(),
        });
        if let Some(score) = self.main_score() {
            all["score"] = json!(score.key);
            all["probability_of_improvement"] = improvements.collect();
            all["performance_profiles"] = self.profiles_json(score);
        }
        all
    }

    fn configs(&self) -> Vec<&toml::Table> {
        self.groups.iter().map(|group| &group.config).collect()
    }

    /// The table, with one row per run: the differing keys, and the center of each score, over several seeds with its
    /// interval.
    pub fn table(&self) -> Table {
        self.table_with(self.keys_shown())
    }

    /// The differing keys that the table shows: as many as fit.
    fn keys_shown(&self) -> usize {
        let width =
            |keys: &usize| self.table_with(*keys).text().lines().map(|line| line.chars().count()).max();
        (1..=KEYS_MAX).rev().find(|keys| width(keys) <= Some(WIDTH_MAX)).unwrap_or(0)
    }

    fn table_with(&self, keys: usize) -> Table {
        let scores = self.scores();
        let mut columns: Vec<(String, Vec<String>)> = Vec::new();
        let mut add = |title: &str, cell: &dyn Fn(&Group) -> String| {
            columns.push((title.to_owned(), self.groups.iter().map(cell).collect()));
        };
        add("run", &|group| group.label.clone());
        if !self.is_same(|group| &group.algorithm) {
            add("algorithm", &|group| group.algorithm.clone());
        }
        if !self.is_same(|group| &group.on) {
            add("on", &|group| group.on.clone());
        }
        columns.extend(differences(&self.configs()).into_iter().take(keys));
        let mut add = |title: &str, cell: &dyn Fn(&Group) -> String| {
            columns.push((title.to_owned(), self.groups.iter().map(cell).collect()));
        };
        add("seeds", &|group| match (group.seeds, group.finished()) {
            (all, finished) if all == finished => all.to_string(),
            (all, finished) => format!("{finished} of {all}"),
        });
        for (key, Column { title, factor, decimals }) in scores {
            let of = |group: &Group| -> Vec<f64> { group.values(key).iter().map(|v| v * factor).collect() };
            let all: Vec<f64> = self.groups.iter().flat_map(of).collect();
            let decimals = decimals.max(decimals_of(&all));
            add(title, &|group| {
                let values = of(group);
                match values[..] {
                    [] => "-".to_owned(),
                    [one] => format!("{one:.decimals$}"),
                    _ => {
                        let (low, high) = range(key);
                        self.center().estimate(&values).within((low * factor, high * factor)).text(decimals)
                    }
                }
            });
        }
        add("parameters", &|group| {
            group.first("parameters").as_u64().map_or("-".to_owned(), |n| n.to_string())
        });
        add(SECONDS, &|group| match group.values(SECONDS) {
            none if none.is_empty() => "-".to_owned(),
            seconds => format!("{:.1}", mean(&seconds)),
        });
        let rows =
            (0..self.groups.len()).map(|i| columns.iter().map(|(_, cells)| cells[i].clone()).collect());
        Table { head: columns.iter().map(|(title, _)| title.clone()).collect(), rows: rows.collect() }
    }

    /// The scores that some run has, the most informative first; if there is no other, the learned value of the start.
    fn scores(&self) -> Vec<(&'static str, Column)> {
        let has = |key: &str| self.groups.iter().any(|group| !group.values(key).is_empty());
        let scores: Vec<_> = Score::compared().filter(|(key, _)| has(key)).collect();
        match scores[..] {
            // What is learned from data may be far too high, and without an environment nothing contradicts it.
            [] if has(START_VALUE) && !has(TRANSITIONS) => vec![(START_VALUE, VALUE_COLUMN)],
            _ => scores,
        }
    }

    /// Returns true if several runs have the same text.
    fn is_same(&self, of: impl Fn(&Group) -> &String) -> bool {
        self.groups.len() > 1 && self.groups.iter().all(|group| of(group) == of(&self.groups[0]))
    }

    /// The sentences below the table: what its numbers are, and what was left out.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        match (self.is_same(|group| &group.algorithm), self.is_same(|group| &group.on)) {
            (true, true) => {
                notes.push(format!("All: {} on {}.", self.groups[0].algorithm, self.groups[0].on));
            }
            (true, false) => notes.push(format!("All: {}.", self.groups[0].algorithm)),
            (false, true) => notes.push(format!("All on {}.", self.groups[0].on)),
            (false, false) => {}
        }
        let more = differences(&self.configs()).len().saturating_sub(self.keys_shown());
        if more > 0 {
            let keys = if more == 1 { "key differs" } else { "keys differ" };
            notes.push(format!("{more} more {keys} (--json lists them)."));
        }
        if self.groups.iter().any(|group| group.finished() > 1) {
            let center = if self.center() == Center::Mean { "means" } else { "interquartile means" };
            notes.push(format!("Over seeds: {center} with 95 % intervals, from three seeds on."));
        }
        for (key, Column { title, factor, .. }) in self.scores() {
            let Some(score) = Score::find(key) else { continue };
            let best = if key == MEAN_RETURN {
                " It is the best evaluated model where a run keeps one."
            } else {
                ""
            };
            let unit = if factor == 100.0 { ", in percent" } else { ", 0 to 1" };
            let definition = score.definition.replace(", 0 to 1", unit);
            notes.push(format!("{title}: {}{best}", lower_first(&definition)));
        }
        let validated = |group: &&Group| group.first("validation_samples").is_number();
        let validated: Vec<String> =
            self.groups.iter().filter(validated).map(|group| group.label.clone()).collect();
        if !validated.is_empty() {
            notes.push(format!(
                "Measured on a validation part, not on the test: {}.",
                words::in_short(&validated, 4)
            ));
        }
        notes.extend(self.groups.iter().filter_map(|group| {
            let (finished, read) = (group.finished(), group.runs.len());
            (0 < finished && finished < read.max(group.seeds))
                .then(|| format!("{}: curves of the {finished} finished seeds.", group.label))
        }));
        let axis = self.axis();
        notes.extend(self.groups.iter().filter_map(|group| {
            let cut = key_metrics().find_map(|metric| group.cut(metric.name, axis))?;
            let label = &group.label;
            let unit = axis.label();
            Some(format!(
                "{label}: curves end at {unit} {cut}, the last {unit} that all of its seeds have a record of."
            ))
        }));
        notes.extend(self.groups.iter().flat_map(|group| group.notes.iter().map(|note| format!("{note}."))));
        notes
    }

    /// The names of all metrics that some run recorded.
    pub fn metrics(&self) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        for name in self.groups.iter().flat_map(Group::names) {
            if !all.iter().any(|known| known == name) {
                all.push(name.to_owned());
            }
        }
        all
    }

    /// The runs' curves of one metric; `None` if no run has it.
    pub fn chart(&self, metric: &str) -> Option<LineChart> {
        let (title, y_label) =
            Metric::find(metric).map_or((metric, metric), |metric| (metric.title, metric.unit));
        let (axis, center) = (self.axis(), self.center());
        let series =
            self.groups.iter().filter_map(|group| group.series(metric, axis, center, self.view.smooth));
        let title = format!("{title}{}{}", self.over_seeds(metric), self.smoothing());
        over_time(&title, y_label, axis, series.collect())
    }

    /// The words for the center over seeds in a title.
    fn over_seeds(&self, metric: &str) -> String {
        let counts: Vec<usize> =
            self.groups.iter().map(|group| group.curves(metric).len()).filter(|count| *count > 0).collect();
        let center = self.center();
        match counts.iter().max() {
            None | Some(0 | 1) => String::new(),
            Some(most) if counts.iter().all(|count| count == most) => format!(", {center} of {most} seeds"),
            Some(_) => format!(", {center} over seeds"),
        }
    }

    fn smoothing(&self) -> String {
        match self.view.smooth {
            0 | 1 => String::new(),
            window => format!(", over the last {window} points"),
        }
    }

    /// The comparisons of the runs on each environment or dataset.
    pub fn by_place(&self) -> Vec<Self> {
        let mut parts: Vec<Self> = Vec::new();
        for group in &self.groups {
            match parts.iter_mut().find(|part| part.groups[0].on == group.on) {
                Some(part) => part.groups.push(group.clone()),
                None => parts.push(Self { groups: vec![group.clone()], view: self.view.clone() }),
            }
        }
        parts
    }

    /// The charts of each environment or dataset, with its name if there are several.
    fn charts_by_place(&self) -> Vec<LineChart> {
        let parts = self.by_place();
        let of_part = |part: &Self| {
            let on = in_short(&part.groups[0].on);
            let named = |chart: LineChart| match parts.len() {
                1 => chart,
                _ => LineChart { title: format!("{on}: {}", chart.title), ..chart },
            };
            part.charts().into_iter().map(named).collect::<Vec<_>>()
        };
        parts.iter().flat_map(of_part).collect()
    }

    /// The charts of the key metrics that the runs have. Over an axis of episodes, seeds give a mean for each episode,
    /// as in textbooks, which says more than means of the last hundred.
    pub fn charts(&self) -> Vec<LineChart> {
        let has_seeds = self.groups.iter().all(|group| group.curves(EP_REW).len() > 1);
        let of_episodes = has_seeds && self.axis() == Axis::Episodes;
        let shown = |name| if name == EP_REW_MEAN && of_episodes { EP_REW } else { name };
        key_metrics().filter_map(|metric| self.chart(shown(metric.name))).collect()
    }

    /// The first chart of the runs, or that of a metric.
    ///
    /// # Errors
    /// If no run has the metric, or any records.
    pub(super) fn main_chart(&self, metric: Option<&str>) -> Result<LineChart, Error> {
        let chart = match metric {
            Some(metric) => self.chart(metric).ok_or_else(|| self.without(metric))?,
            None => {
                let charts = self.charts();
                let known =
                    key_metrics().find(|metric| self.metrics().iter().any(|name| name == metric.name));
                charts.into_iter().next().ok_or_else(|| match known {
                    Some(metric) => self.without(metric.name),
                    None => usage("the runs have no records yet"),
                })?
            }
        };
        let title = self.view.title.clone().unwrap_or(chart.title);
        Ok(LineChart { title, y_range: self.view.y_range.or(chart.y_range), ..chart })
    }

    /// The reason for which there is no curve of a metric.
    fn without(&self, metric: &str) -> Error {
        let known = self.metrics();
        let names = known.iter().map(String::as_str);
        match (known.iter().any(|name| name == metric), self.axis()) {
            (false, _) => ConfigError::unknown("metric", metric, None, names).into(),
            (true, Axis::Steps) => usage(format!(
                "no step of {metric} is common to all seeds: some seeds end before others begin; try --axis episodes"
            )),
            (true, Axis::Episodes) => {
                usage(format!("no episode of {metric} is common to all seeds; try --axis steps"))
            }
        }
    }

    /// The score that all runs have, the most informative first.
    fn main_score(&self) -> Option<&'static Score> {
        let has = |key: &&str| self.groups.iter().all(|group| group.values(key).len() > 1);
        self.scores().into_iter().map(|(key, _)| key).find(|key| has(key)).and_then(Score::find)
    }

    /// The probability that a run of one group is better than one of another, for pairs of groups: all pairs if there are
    /// few groups, else each with the first.
    fn improvements(&self, paired_max: usize) -> Vec<(usize, usize, Estimate)> {
        let Some(score) = self.main_score() else { return Vec::new() };
        let values: Vec<Vec<f64>> = self.groups.iter().map(|group| group.values(score.key)).collect();
        let firsts = if values.len() <= paired_max { values.len() } else { 1 };
        let pairs = (0..firsts).flat_map(|i| (i + 1..values.len()).map(move |j| (i, j)));
        let better = |i: usize, j: usize| match score.better {
            Better::Lower => probability_of_improvement(&values[j], &values[i]),
            _ => probability_of_improvement(&values[i], &values[j]),
        };
        pairs.map(|(i, j)| (i, j, better(i, j))).collect()
    }

    /// The probabilities that a seed of one run is better than a seed of another; `None` without several seeds of several runs.
    pub fn improvement_table(&self) -> Option<Table> {
        let label = |i: usize| self.groups[i].label.clone();
        let rows: Vec<Vec<String>> = self
            .improvements(PAIRED_MAX)
            .into_iter()
            .map(|(i, j, estimate)| vec![label(i), label(j), estimate.text(2)])
            .collect();
        let head = ["first", "second", "P(first is better)"].map(str::to_owned).to_vec();
        (!rows.is_empty()).then_some(Table { head, rows })
    }

    /// The performance profiles (Agarwal et al. 2021): the share of seeds whose score is above each value. `None` without
    /// several seeds of every run.
    pub fn profiles(&self) -> Option<LineChart> {
        let score = self.main_score()?;
        let Column { title, factor, .. } = score.column.unwrap_or(VALUE_COLUMN);
        let values: Vec<Vec<f64>> = self
            .groups
            .iter()
            .map(|group| group.values(score.key).iter().map(|value| value * factor).collect())
            .collect();
        let all = values.iter().flatten().copied();
        let (low, high) = crate::report::extent(all);
        let series =
            self.groups.iter().zip(&values).map(|(group, scores)| steps(&group.label, scores, (low, high)));
        Some(LineChart {
            title: "Performance profile: share of seeds above".to_owned(),
            x_label: title.to_owned(),
            y_label: "share".to_owned(),
            series: series.collect(),
            y_range: Some((0.0, 1.0)),
        })
    }

    fn profiles_json(&self, score: &Score) -> Value {
        let profile = |group: &Group| {
            let points = performance_profile(&group.values(score.key)).into_iter().map(|point| {
                json!({ "score": point.score, "above": point.above.value, "ci95": point.above.interval })
            });
            json!({ "run": group.path.display().to_string(), "points": points.collect::<Vec<_>>() })
        };
        self.groups.iter().map(profile).collect()
    }

    /// The comparison as a page.
    pub fn page(&self) -> Page {
        let mut blocks = vec![Block::Table(self.table()), Block::Text(self.notes().join(" "))];
        blocks.extend(self.charts_by_place().into_iter().map(Block::Lines));
        if let (Some(profiles), Some(score)) = (self.profiles(), self.main_score()) {
            blocks.push(Block::Heading("Over seeds".to_owned()));
            let title = score.column.unwrap_or(VALUE_COLUMN).title;
            blocks.extend(self.improvement_table().map(Block::Table));
            let pairs = if self.groups.len() > 1 {
                "the probability that a seed of the first run is better than one of the second, ties counted half, and "
            } else {
                ""
            };
            blocks.push(Block::Text(format!(
                "Of {title}: {pairs}the share of seeds above each value, with 95 % intervals."
            )));
            blocks.push(Block::Lines(profiles));
        }
        if let [group] = &self.groups[..] {
            blocks.push(Block::Heading("Configuration".to_owned()));
            blocks.push(Block::Plain(without_folders(&group.config_text)));
        }
        let labels: Vec<&str> = self.groups.iter().map(|group| group.label.as_str()).collect();
        let title = if labels.len() > 4 { format!("{} runs", labels.len()) } else { labels.join(" and ") };
        let lead = match &self.groups[..] {
            [group] => summary_of(&group.path).ok().and_then(|summary| lead(&summary)),
            _ => None,
        };
        let lead = lead.unwrap_or_else(|| "Runs of potstill.".to_owned());
        Page { title, lead, blocks }
    }
}

/// The page of a folder of seeds: the measures of its classifiers, then scores and curves over seeds.
pub(super) fn family_page(folder: &Path) -> Result<Page, Error> {
    let mut page = Comparison::read(&[folder.to_owned()])?.page();
    let mut blocks = family_blocks(folder)?;
    if !blocks.is_empty() {
        blocks.push(Block::Heading("Seeds".to_owned()));
        page.blocks.splice(0..0, blocks);
    }
    Ok(page)
}

/// A performance profile as a line of stairs, with its band.
fn steps(name: &str, scores: &[f64], (low, high): (f64, f64)) -> Series {
    let (mut points, mut band) = (Vec::new(), Vec::new());
    let profile = performance_profile(scores);
    let mut before = share_above(scores.len(), scores.len());
    let mut add = |x: f64, estimate: Estimate| {
        points.push((x, estimate.value));
        band.extend(estimate.interval);
    };
    add(low, before);
    for point in profile {
        add(point.score, before);
        add(point.score, point.above);
        before = point.above;
    }
    add(high, before);
    Series { name: name.to_owned(), points, band }
}

/// A sentence with a small first letter.
fn lower_first(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map_or(String::new(), |first| first.to_lowercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_show_the_spread() {
        let check = |values: &[f64], expected: usize| assert_eq!(decimals_of(values), expected, "{values:?}");
        check(&[0.7, 0.4], 2);
        check(&[0.7], 2);
        check(&[0.712, 0.71], 4);
        check(&[-13.0, -17.5], 1);
        check(&[480.0, 500.0], 0);
        check(&[500.0, 500.0], 0);
        check(&[1.0], 0);
        check(&[0.0, 1e-9], 4);
        check(&[], 0);
        check(&[f64::INFINITY, 1.0], 0);
    }
}
