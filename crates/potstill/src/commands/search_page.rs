//! The result of a search in words, tables and charts.

use super::compare::family_page;
use super::search::{number, of_student};
use crate::error::Error;
use crate::metrics::catalogue::{Better, Column, RETURN_LAST_100, Score};
use crate::report::{Block, GridChart, LineChart, Page, Series, Square, Table};
use crate::run::{Reader, lead, run_page};
use crate::store::RunDir;
use crate::words::counted;
use serde_json::Value;
use std::path::Path;

/// Rows of the table in a terminal.
const ROWS: usize = 12;

/// A finished search.
struct Search<'a> {
    result: &'a Value,
    keys: Vec<&'a str>,
    /// The combinations: the chosen one, then the others from the best to the worst.
    points: Vec<&'a Value>,
    /// The key of the score that one was chosen by, and its column.
    by: &'a str,
    column: Column,
}

/// Characters up to which a number is written in full.
const NUMBER_MAX: usize = 12;

fn word(value: &Value) -> String {
    match (value.as_str(), value.as_f64()) {
        (Some(text), _) => text.to_owned(),
        // One that was proposed has all digits.
        (None, Some(x)) if value.is_f64() && value.to_string().len() > NUMBER_MAX => significant(x),
        _ => value.to_string(),
    }
}

/// A number with four significant digits.
fn significant(x: f64) -> String {
    let exponential = format!("{x:.3e}");
    let exponent = exponential.split_once('e').and_then(|(_, exponent)| exponent.parse::<i32>().ok());
    match exponent {
        Some(exponent @ -4..=3) => format!("{x:.*}", (3 - exponent) as usize),
        _ => exponential,
    }
}

/// The words for values of several keys.
fn pairs(keys: &[&str], values: &Value) -> String {
    keys.iter().map(|key| format!("{key}={}", word(&values[*key]))).collect::<Vec<_>>().join(", ")
}

impl<'a> Search<'a> {
    fn new(result: &'a Value) -> Option<Self> {
        let by = result["chosen"]["by"].as_str()?;
        let score = Score::find(by)?;
        let list = |key: &str| result[key].as_array().map_or(&[][..], Vec::as_slice);
        let mut search = Self {
            result,
            keys: list("keys").iter().filter_map(Value::as_str).collect(),
            points: list("sweep").iter().collect(),
            by,
            column: score.column?,
        };
        let chosen = &result["chosen"]["run"];
        let mut points = std::mem::take(&mut search.points);
        points.retain(|point| search.score(point).is_finite());
        points.sort_by(|a, b| {
            let order = search.score(a).total_cmp(&search.score(b));
            let order = if score.better == Better::Higher { order.reverse() } else { order };
            (b["run"] == *chosen).cmp(&(a["run"] == *chosen)).then(order)
        });
        search.points = points;
        Some(search)
    }

    /// The score of a combination, or its mean over seeds.
    fn score(&self, point: &Value) -> f64 {
        number(&point["summary"][self.by]).unwrap_or(f64::NAN)
    }

    fn shown(&self, score: f64) -> String {
        format!("{:.*}", self.column.decimals, self.column.factor * score)
    }

    /// The title of the score: that of test samples, but of those of the validation part.
    fn title(&self) -> String {
        match self.result["chosen"]["validation_samples"].is_null() {
            true => self.column.title.to_owned(),
            false => self.column.title.replacen("test", "validation", 1),
        }
    }

    fn sentence(&self) -> String {
        let chosen = &self.result["chosen"];
        let on = chosen["validation_samples"].as_u64();
        let on = on.map_or(String::new(), |samples| {
            format!(" on {} of the training part", counted(samples, "sample"))
        });
        let new = match self.result["winner"]["seeds"].as_u64() {
            Some(seeds) => counted(seeds, "new seed"),
            None => "a new seed".to_owned(),
        };
        let whole = if on.is_empty() { "" } else { " and the whole training part" };
        format!(
            "Chosen among {} by {}{on}: {} ({}{}). The result is of {new}{whole}.{}",
            self.candidates(),
            // In a table the column of returns stands before it.
            if self.by == RETURN_LAST_100 { "return while learning".to_owned() } else { self.title() },
            pairs(&self.keys, &chosen["values"]),
            self.shown(chosen["score"].as_f64().unwrap_or(f64::NAN)),
            self.tie(),
            self.savings(),
        )
    }

    /// The words for what was chosen among.
    fn candidates(&self) -> String {
        let tune = &self.result["tune"];
        let Some(trials) = tune["trials"].as_array() else {
            return counted(self.points.len(), "combination");
        };
        let number = |key: &str| tune[key].as_u64().unwrap_or_default();
        let others =
            [("pruned", "stopped early"), ("failed", "failed")].map(|(key, words)| (number(key), words));
        let others: Vec<String> = others
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, words)| format!("{count} {words}"))
            .collect();
        match others.as_slice() {
            [] => counted(trials.len(), "trial"),
            others => format!(
                "{} finished of {} ({})",
                number("finished"),
                counted(trials.len(), "trial"),
                others.join(", ")
            ),
        }
    }

    /// The share of the evaluations that a search with pruning has run.
    fn savings(&self) -> String {
        let tune = &self.result["tune"];
        match (tune["evaluations"].as_u64(), tune["evaluations_without_pruning"].as_u64()) {
            (Some(taken), Some(all)) if tune["prune"] != "none" && all > 0 => {
                let share = 100.0 * taken as f64 / all as f64;
                format!(
                    " Pruning ({}) has run {taken} of {all} evaluations, {share:.0} %.",
                    word(&tune["prune"])
                )
            }
            _ => String::new(),
        }
    }

    /// The words for a choice that has not the best score; none for the best one.
    fn tie(&self) -> String {
        let (Some(chosen), Some(score)) = (self.points.first(), Score::find(self.by)) else {
            return String::new();
        };
        let scores = self.points.iter().map(|point| self.score(point));
        let is_higher = score.better == Better::Higher;
        let best = scores
            .reduce(if is_higher { f64::max } else { f64::min })
            .filter(|best| *best != self.score(chosen));
        best.map_or_else(String::new, |best| {
            format!(
                ", of those within one standard error of the fewest, {}, the lowest NLL",
                self.shown(best)
            )
        })
    }

    /// The combinations, the chosen one first, at most so many.
    fn table(&self, most: usize) -> Table {
        let costs = [("nll", "NLL", 3), ("parameters", "parameters", 0), ("bytes", "bytes", 0)];
        let costs: Vec<_> = costs
            .into_iter()
            .filter(|(key, ..)| self.points.iter().any(|point| of_student(&point["summary"], key).is_some()))
            .collect();
        let is_tune = self.result["tune"].is_object();
        let mut head: Vec<String> = is_tune.then(|| "trial".to_owned()).into_iter().collect();
        head.extend(self.keys.iter().map(|key| (*key).to_owned()));
        head.push(self.title());
        head.extend(costs.iter().map(|(_, title, _)| (*title).to_owned()));
        let row = |point: &&Value| {
            let mut row: Vec<String> = is_tune.then(|| word(&point["run"])).into_iter().collect();
            row.extend(self.keys.iter().map(|key| word(&point["values"][*key])));
            row.push(self.shown(self.score(point)));
            let number = |key: &str| of_student(&point["summary"], key);
            row.extend(costs.iter().map(|(key, _, decimals)| {
                number(key).map_or(String::new(), |number| format!("{number:.decimals$}"))
            }));
            row
        };
        Table { head, rows: self.points.iter().take(most).map(row).collect() }
    }

    /// The values of a key, in the order in which they were given.
    fn values(&self, key: &str) -> Vec<&'a Value> {
        let mut values = Vec::new();
        for point in self.result["sweep"].as_array().into_iter().flatten() {
            let value = &point["values"][key];
            if !value.is_null() && !values.contains(&value) {
                values.push(value);
            }
        }
        values.sort_by(|a, b| a.as_f64().partial_cmp(&b.as_f64()).unwrap_or(std::cmp::Ordering::Equal));
        values
    }

    /// The score at each temperature and alpha, with the other keys as chosen; none if not both have several values.
    fn map(&self) -> Option<GridChart> {
        let (temperatures, alphas) = (self.values("temperature"), self.values("alpha"));
        if temperatures.len() < 2 || alphas.len() < 2 {
            return None;
        }
        let others: Vec<&str> =
            self.keys.iter().copied().filter(|key| !["temperature", "alpha"].contains(key)).collect();
        let chosen = &self.result["chosen"]["values"];
        let square = |alpha: &Value, temperature: &Value| {
            let is_at = |point: &&&Value| {
                let values = &point["values"];
                values["alpha"] == *alpha
                    && values["temperature"] == *temperature
                    && others.iter().all(|key| values[*key] == chosen[*key])
            };
            let score = self.points.iter().find(is_at).map(|point| self.column.factor * self.score(point));
            Square { value: score, ..Square::default() }
        };
        let squares =
            alphas.iter().flat_map(|alpha| temperatures.iter().map(|temperature| square(alpha, temperature)));
        let of = if others.is_empty() { String::new() } else { format!(", {}", pairs(&others, chosen)) };
        Some(GridChart {
            title: format!("{} by temperature and alpha{of}", self.title()),
            columns: temperatures.len(),
            squares: squares.collect(),
            is_count: false,
            row_names: alphas.iter().map(|alpha| word(alpha)).collect(),
            column_names: temperatures.iter().map(|temperature| word(temperature)).collect(),
            labels: ["alpha".to_owned(), "temperature".to_owned()],
        })
    }

    /// The score of each finished trial, and the best one so far, in the order of their proposals; none of another search.
    fn progress(&self) -> Option<LineChart> {
        let trials = self.result["tune"]["trials"].as_array()?;
        let is_higher = Score::find(self.by)?.better == Better::Higher;
        let scored =
            trials.iter().enumerate().filter_map(|(i, trial)| Some((i as f64, trial["score"].as_f64()?)));
        let points: Vec<(f64, f64)> = scored.map(|(i, score)| (i, self.column.factor * score)).collect();
        if points.len() < 2 {
            return None;
        }
        let mut best = points[0].1;
        let so_far = points.iter().map(|(i, score)| {
            best = if is_higher { best.max(*score) } else { best.min(*score) };
            (*i, best)
        });
        let so_far = so_far.collect();
        let series = |name: &str, points| Series { name: name.to_owned(), points, band: Vec::new() };
        Some(LineChart {
            title: "Progress of the search".to_owned(),
            x_label: "trial".to_owned(),
            y_label: self.title(),
            series: vec![series("finished trials", points), series("best so far", so_far)],
            y_range: None,
        })
    }

    /// The trials that were stopped early or failed; none if all were run to their end.
    fn stopped(&self) -> Option<Table> {
        let trials = self.result["tune"]["trials"].as_array()?;
        let stopped = trials.iter().filter(|trial| trial["state"] != "finished");
        let row = |trial: &Value| {
            let keys = self.keys.iter().map(|key| word(&trial["values"][*key]));
            let best = trial["best_evaluation"].as_f64().map_or(String::new(), |best| self.shown(best));
            let rest = [word(&trial["state"]), word(&trial["evaluations"]), best];
            [word(&trial["run"])].into_iter().chain(keys).chain(rest).collect()
        };
        let rows: Vec<Vec<String>> = stopped.map(row).collect();
        let head = ["trial"].into_iter().chain(self.keys.iter().copied());
        let head = head.chain(["state", "evaluations", "best evaluation"]).map(str::to_owned).collect();
        (!rows.is_empty()).then_some(Table { head, rows })
    }

    /// The best score of each student against the size of its file; none if there are not several.
    fn sizes(&self) -> Option<LineChart> {
        let students = self.values("student");
        let mut points: Vec<(f64, f64)> = students
            .iter()
            .filter_map(|student| {
                // The points are in order.
                let best = self.points.iter().find(|point| point["values"]["student"] == **student)?;
                let bytes = of_student(&best["summary"], "bytes")?;
                Some(((bytes / 1024.0).log2(), self.column.factor * self.score(best)))
            })
            .collect();
        if points.len() < 2 {
            return None;
        }
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        Some(LineChart {
            title: "Quality against size: each student with its best other values".to_owned(),
            x_label: "size of the model file, log2 of KiB".to_owned(),
            y_label: self.title(),
            series: vec![Series { name: "students".to_owned(), points, band: Vec::new() }],
            y_range: None,
        })
    }
}

/// The choice of a search in a sentence, and its best combinations; none of another result.
///
/// ```
/// use potstill::commands::search_words;
/// use serde_json::json;
///
/// let point = |student: &str, error: f64| {
///     json!({ "run": student, "values": { "student": student }, "summary": { "test_error": error } })
/// };
/// let chosen = json!({ "run": "mlp:8", "values": { "student": "mlp:8" }, "by": "test_error", "score": 0.1, "validation_samples": 50 });
/// let sweep = json!([point("mlp:4", 0.2), point("mlp:8", 0.1)]);
/// let (sentence, table) =
///     search_words(&json!({ "keys": ["student"], "sweep": sweep, "chosen": chosen, "winner": {} })).unwrap();
/// assert_eq!(
///     sentence,
///     "Chosen among 2 combinations by validation error, % on 50 samples of the training part: student=mlp:8 (10.00). \
///      The result is of a new seed and the whole training part."
/// );
/// // The chosen one stands first.
/// assert_eq!(table.rows, [["mlp:8", "10.00"], ["mlp:4", "20.00"]]);
/// ```
pub fn search_words(result: &Value) -> Option<(String, Table)> {
    let search = Search::new(result)?;
    Some((search.sentence(), search.table(ROWS)))
}

/// The page of a finished search: its winner, and the choice.
pub(super) fn page(winner: &Path, result: &Value) -> Result<Page, Error> {
    let dir = RunDir::open(winner)?;
    let mut page = match result["winner"]["seeds"].is_null() {
        true => run_page(&dir, Reader::Anywhere),
        false => family_page(winner)?,
    };
    let Some(search) = Search::new(result) else { return Ok(page) };
    page.title = format!("Search: {}", pairs(&search.keys, &result["chosen"]["values"]));
    if let Some(lead) = lead(&result["winner"]) {
        page.lead = lead;
    }
    let mut blocks = vec![Block::Heading("Choice".to_owned()), Block::Text(search.sentence())];
    blocks.extend(search.map().map(Block::Grid));
    blocks.extend(search.sizes().map(Block::Lines));
    blocks.extend(search.progress().map(Block::Lines));
    blocks.push(Block::Table(search.table(usize::MAX)));
    if let Some(stopped) = search.stopped() {
        blocks.push(Block::Text("Trials that were stopped early, or failed:".to_owned()));
        blocks.push(Block::Table(stopped));
    }
    blocks.push(Block::Heading("Result of the chosen combination".to_owned()));
    page.blocks.splice(0..0, blocks);
    Ok(page)
}
