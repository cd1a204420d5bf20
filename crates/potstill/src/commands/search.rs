//! A search: a sweep that chooses. Combinations are compared by a validation part, held out of the training part, or by
//! evaluations of a policy, never by the test; the best one is run again with new seeds, on the whole training part, and only
//! of these runs anything is claimed.

use crate::config::{Layer, Origin, Settings};
use crate::data::DataFrame;
use crate::error::Error;
use crate::jobs::STUDENT_DISTILLED;
use crate::metrics::catalogue::{Better, Score, TEST_ERROR};
use crate::run::{
    Observer, Work, absolute_place, as_it_is, create, discard_on_error, execute, find_environment, paused,
    split_of, summary_of, train_seeds, usage,
};
use crate::store::{RunDir, names};
use serde_json::{Value, json};
use std::cmp::Ordering;
use std::path::Path;
use toml::{Table, Value as Toml};

/// The key of the samples that a search chooses by.
pub(super) const VALIDATION: &str = "validation_samples";
/// Keys of which a search has one value: of others its runs were not measured on the same.
const UNSEARCHED: [&str; 8] =
    ["seed", VALIDATION, "split_seed", "test_samples", "data", "test", "unlabelled", "env"];

/// Continues the run in a folder.
pub(super) type ResumePoint<'a> = dyn Fn(&Path, &dyn Observer) -> Result<Value, Error> + Sync + 'a;

/// The combination that a search has chosen.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Choice {
    /// The name of its folder.
    pub(super) label: String,
    /// The key of the score that it was chosen by, and the score's mean over its seeds.
    pub(super) by: &'static str,
    pub(super) score: f64,
}

/// A number of a summary, or its mean over seeds.
pub(super) fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value["mean"].as_f64())
}

/// A number of the classifier that was trained.
pub(super) fn of_student(summary: &Value, key: &str) -> Option<f64> {
    number(&summary[STUDENT_DISTILLED][key]).or_else(|| number(&summary[key]))
}

impl Choice {
    /// The best of finished combinations by the first score of comparisons; of equal ones that with the lowest negative
    /// log-likelihood, then the fewest parameters, then the first. Errors of classes count as equal within one standard
    /// error of the lowest share (Breiman et al. 1984), which a few samples more or fewer decide. One whose score is not
    /// finite is not chosen.
    ///
    /// # Errors
    /// If none has a score.
    pub(super) fn of(points: &Value) -> Result<Self, Error> {
        let points = points.as_array().map_or(&[][..], Vec::as_slice);
        let score = |point: &Value, key: &str| number(&point["summary"][key]);
        let has = |key: &str| points.iter().any(|point| score(point, key).is_some());
        let by = Score::compared().map(|(key, _)| key).find(|key| has(key));
        let by = by.ok_or_else(|| usage("no combination has a score; nothing is chosen"))?;
        let is_higher_better = Score::find(by).is_some_and(|score| score.better == Better::Higher);
        let cost_of = |point: &Value| {
            let score = score(point, by).unwrap_or(f64::NAN);
            if is_higher_better { -score } else { score }
        };
        let lowest = points.iter().map(cost_of).filter(|cost| cost.is_finite()).reduce(f64::min);
        let within = lowest.map_or(f64::NAN, |lowest| lowest + standard_error(by, lowest, points));
        let cost = |point: &Value| {
            let (cost, student) = (cost_of(point), |key| of_student(&point["summary"], key));
            let nll = student("nll").filter(|nll| nll.is_finite());
            [
                if cost <= within && nll.is_some() { lowest.unwrap_or(cost) } else { cost },
                nll.unwrap_or(f64::INFINITY),
                student("parameters").unwrap_or(0.0),
            ]
        };
        let order = |a: &&Value, b: &&Value| {
            let pairs = cost(a).into_iter().zip(cost(b));
            pairs.map(|(a, b)| a.total_cmp(&b)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
        };
        let scored = points.iter().filter(|point| score(point, by).is_some());
        let best = scored.min_by(order).expect("one has the score");
        let label = best["run"].as_str().unwrap_or_default().to_owned();
        Ok(Self { label, by, score: score(best, by).unwrap_or_default() })
    }

    /// The choice of another of the combinations, by the same score; none if it has not the score.
    pub(super) fn of_run(&self, points: &Value, label: &str) -> Option<Self> {
        let point = points.as_array()?.iter().find(|point| point["run"] == label)?;
        Some(Self { label: label.to_owned(), by: self.by, score: number(&point["summary"][self.by])? })
    }
}

/// The standard error of a share of errors on the validation part, with two more that are wrong and two that are right (Agresti
/// and Coull 1998): no error in a few samples is no certainty. 0 of other scores.
fn standard_error(by: &str, share: f64, points: &[Value]) -> f64 {
    let samples = points.iter().find_map(|point| number(&point["summary"]["validation_samples"]));
    match samples.filter(|samples| by == TEST_ERROR && *samples > 0.0) {
        Some(samples) => {
            let share = (share * samples + 2.0) / (samples + 4.0);
            (share * (1.0 - share) / samples).max(0.0).sqrt()
        }
        None => 0.0,
    }
}

/// The settings of the runs of chosen values with new seeds: those behind the seeds of the search.
pub(super) fn again(layers: &[Layer], mut chosen: Table, seeds: u64, validation: u64) -> Vec<Layer> {
    let seed = layers.iter().rev().find_map(|layer| layer.values.get("seed")?.as_integer()).unwrap_or(0);
    chosen.insert("seed".to_owned(), Toml::Integer(seed.saturating_add(seeds as i64)));
    if validation > 0 {
        chosen.insert(VALIDATION.to_owned(), Toml::Integer(0));
    }
    [layers, &[Layer { origin: Origin::Program("chosen"), values: chosen }]].concat()
}

/// Checks that an unfinished run of the chosen combination that is there already has the chosen values, by a comparison of
/// values of a key.
///
/// # Errors
/// If it is of another combination, which was the best before one that had failed was finished.
pub(super) fn check_winner(
    path: &Path,
    chosen: &Table,
    is_same: &mut dyn FnMut(&str, &Toml, &Toml) -> bool,
) -> Result<(), Error> {
    if !path.join(names::CONFIG).is_file() || path.join(names::SUMMARY).is_file() {
        return Ok(());
    }
    let config: Table = RunDir::open(path)?.read_text(names::CONFIG)?.parse().unwrap_or_default();
    let mut is_other =
        |key: &str, ours: &Toml| config.get(key).is_some_and(|theirs| !is_same(key, theirs, ours));
    match chosen.iter().find(|(key, value)| is_other(key, value)) {
        None => Ok(()),
        Some((key, value)) => Err(usage(format!(
            "{} is of another combination than the best one now, which has {key}={value}; remove it, and `potstill resume` makes it \
             anew",
            path.display()
        ))),
    }
}

/// Refuses a key of which a search has one value.
///
/// # Errors
/// If it is one.
pub(super) fn check_key(key: &str) -> Result<(), Error> {
    if !UNSEARCHED.contains(&key) {
        return Ok(());
    }
    let advice = if key == "seed" { "; --seeds N repeats each combination" } else { "" };
    Err(usage(format!("a search has one `{key}`, not several{advice}")))
}

/// The number of samples that a search holds out of the training part to choose by, and the settings that say so; 0 where
/// episodes are played instead.
///
/// # Errors
/// If data or teacher cannot be read, or the settings hold out none.
pub(super) fn validation_part(work: Work, layers: &[Layer]) -> Result<(u64, Vec<Layer>), Error> {
    let Some((usual, sums)) = work.searched(layers)? else { return Ok((0, Vec::new())) };
    let is_given = layers.iter().any(|layer| layer.values.contains_key(VALIDATION));
    let samples = if is_given { split_of(layers).validation_samples } else { usual };
    if samples == 0 {
        return Err(usage(format!(
            "`{VALIDATION}` is 0, but a search chooses by them and never by the test"
        )));
    }
    let values = Table::from_iter([(VALIDATION.to_owned(), Toml::Integer(samples as i64))]);
    Ok((samples, vec![sums, Layer { origin: Origin::Program("of a search"), values }]))
}

/// A setting as the file of a search has it: a path from the root, since the search may be continued from another folder.
pub(super) fn with_whole_path(key: &str, value: Toml) -> Toml {
    let is_dataset = |place: &str| DataFrame::by_name(place).is_some();
    let is_place = matches!(key, "from" | "behaviour" | "data" | "test" | "unlabelled");
    match value.as_str() {
        Some(place) if is_place && !is_dataset(place) => absolute_place(place).into(),
        _ => value,
    }
}

/// A value as it is understood: `100k` and `1e5` are one.
pub(super) fn canonical(settings: &mut dyn Settings, key: &str, value: &Toml) -> String {
    let understood = match value.as_str() {
        Some(text) if key == "env" => find_environment(text, &[]).ok().map(|spec| spec.id.into()),
        _ => settings.set(key, value).and_then(Result::ok).and_then(|()| settings.get(key)),
    };
    understood.unwrap_or_else(|| value.clone()).to_string()
}

/// One run, or a folder of seeds, with these settings: begun, or continued.
///
/// # Errors
/// As a run; if it is asked to stop before.
pub(super) fn begin_or_resume(
    work: Work,
    layers: &[Layer],
    seeds: Option<u64>,
    path: &Path,
    (threads, resume): (usize, &ResumePoint<'_>),
    observer: &dyn Observer,
) -> Result<Value, Error> {
    if observer.stop_requested() {
        return as_it_is(path);
    }
    if path.join(names::CONFIG).is_file() {
        return resume(path, observer);
    }
    if let Some(seeds) = seeds {
        return train_seeds(work, layers.to_vec(), seeds, Some(path), threads, observer);
    }
    let plan = work.prepare(layers, threads)?;
    let run = RunDir::create(Some(path), &plan.name)?;
    discard_on_error(&run, || create(&run, &plan))?;
    execute(&run, plan, false, observer)
}

/// The runs with new seeds of the values that a search chooses.
pub(super) struct WinnerRuns<'a> {
    pub(super) work: Work,
    /// The settings that all runs of the search share.
    pub(super) layers: &'a [Layer],
    /// Samples to choose by, or 0.
    pub(super) validation: u64,
    /// The seeds that the search has used.
    pub(super) seeds_before: u64,
    /// New seeds; one, in a run that is no folder of seeds, if none.
    pub(super) seeds: Option<u64>,
}

/// Values under the name of their folder.
type Named<'a> = (&'a str, &'a Table);

impl WinnerRuns<'_> {
    /// Chooses among the finished runs of a result, runs the chosen values again, and adds both to the result.
    ///
    /// # Errors
    /// If nothing can be chosen, or the runs fail or are stopped.
    pub(super) fn run(
        &self,
        dir: &RunDir,
        points: &[Named<'_>],
        result: &mut Value,
        (threads, resume): (usize, &ResumePoint<'_>),
        observer: &dyn Observer,
    ) -> Result<(), Error> {
        let path = dir.path().join(names::WINNER);
        let choice = self.choice(&path, points, &result["sweep"])?;
        let (_, chosen) =
            points.iter().find(|(label, _)| *label == choice.label).expect("one of them is chosen");
        let layers = again(self.layers, (*chosen).clone(), self.seeds_before, self.validation);
        check_winner(&path, chosen, &mut self.same_values())?;
        let winner = [begin_or_resume(self.work, &layers, self.seeds, &path, (threads, resume), observer)];
        if let Some(error) = paused(dir, &winner, "runs of the chosen combination") {
            return Err(error);
        }
        let [winner] = winner;
        add(result, &choice, self.validation, winner?);
        Ok(())
    }

    /// Adds choice and winner of a finished search to its result.
    ///
    /// # Errors
    /// If a summary cannot be read.
    pub(super) fn told(&self, folder: &Path, points: &[Named<'_>], result: &mut Value) -> Result<(), Error> {
        let winner = folder.join(names::WINNER);
        let choice = self.choice(&winner, points, &result["sweep"])?;
        add(result, &choice, self.validation, summary_of(&winner)?);
        Ok(())
    }

    /// The choice among finished combinations: that of the winner, if it is finished, however it was chosen.
    fn choice(&self, winner: &Path, points: &[Named<'_>], told: &Value) -> Result<Choice, Error> {
        let choice = Choice::of(told)?;
        if !winner.join(names::SUMMARY).is_file() {
            return Ok(choice);
        }
        let config: Table = RunDir::open(winner)?.read_text(names::CONFIG)?.parse().unwrap_or_default();
        let mut is_same = self.same_values();
        let mut has = |values: &Table| {
            values.iter().all(|(key, ours)| config.get(key).is_some_and(|theirs| is_same(key, theirs, ours)))
        };
        let of_winner = points.iter().find(|(_, values)| has(values));
        Ok(of_winner.and_then(|(label, _)| choice.of_run(told, label)).unwrap_or(choice))
    }

    /// A comparison of two values of a key, however they are written; of numbers alone, where the teacher that says which
    /// keys there are is gone.
    fn same_values(&self) -> impl FnMut(&str, &Toml, &Toml) -> bool + use<> {
        let mut settings = self.work.settings(self.layers).ok();
        let number = |value: &Toml| value.as_float().or_else(|| value.as_integer().map(|x| x as f64));
        move |key: &str, a: &Toml, b: &Toml| match &mut settings {
            Some(settings) => canonical(&mut **settings, key, a) == canonical(&mut **settings, key, b),
            None => a == b || number(a).is_some_and(|a| Some(a) == number(b)),
        }
    }
}

/// Adds choice and winner to the result of a sweep that held so many samples out to choose by.
pub(super) fn add(result: &mut Value, choice: &Choice, validation: u64, winner: Value) {
    let points = result["sweep"].as_array().map_or(&[][..], Vec::as_slice);
    let values = points.iter().find(|point| point["run"] == choice.label.as_str());
    let values = values.map_or(Value::Null, |point| point["values"].clone());
    result["chosen"] = json!({
        "run": choice.label,
        "values": values,
        "by": choice.by,
        "score": choice.score,
        "validation_samples": (validation > 0).then_some(validation),
    });
    result["winner"] = winner;
}

/// The settings of the combinations of a distillation of classes: no control, which the choice does not need.
pub(super) fn without_control() -> Layer {
    let values = Table::from_iter([("control".to_owned(), Toml::Boolean(false))]);
    Layer { origin: Origin::Program("of a search"), values }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_is_chosen_by_the_first_score() {
        let check = |points: Value, expected: Option<(&str, &str, f64)>| {
            let choice = Choice::of(&points).ok();
            let told = choice.as_ref().map(|choice| (&*choice.label, choice.by, choice.score));
            assert_eq!(told, expected);
        };
        let point = |label: &str, summary: Value| json!({ "run": label, "summary": summary });
        let error = |label: &str, error: f64, nll: f64, parameters: u64| {
            let student = json!({ "nll": nll, "parameters": parameters });
            point(label, json!({ "test_error": error, "student_distilled": student }))
        };
        check(json!([error("a", 0.2, 1.0, 5), error("b", 0.1, 2.0, 9)]), Some(("b", "test_error", 0.1)));
        // Equal errors: by likelihood, then by size, then the first.
        check(json!([error("a", 0.1, 1.0, 5), error("b", 0.1, 0.9, 9)]), Some(("b", "test_error", 0.1)));
        check(json!([error("a", 0.1, 0.9, 9), error("b", 0.1, 0.9, 5)]), Some(("b", "test_error", 0.1)));
        check(json!([error("a", 0.1, 0.9, 5), error("b", 0.1, 0.9, 5)]), Some(("a", "test_error", 0.1)));
        // Of 100 samples, errors of 10 % have a standard error of 3 points: within it the likelihood decides.
        let validated = |label: &str, error: f64, nll: Value| {
            let student = json!({ "nll": nll });
            point(
                label,
                json!({ "test_error": error, "validation_samples": 100, "student_distilled": student }),
            )
        };
        let three = |error: f64, nll: Value| {
            json!([
                validated("a", 0.10, json!(0.5)),
                validated("b", error, nll),
                validated("c", 0.25, json!(0.1))
            ])
        };
        check(three(0.125, json!(0.4)), Some(("b", "test_error", 0.125)));
        check(three(0.135, json!(0.4)), Some(("a", "test_error", 0.10)));
        check(three(0.125, json!(0.6)), Some(("a", "test_error", 0.10)));
        check(three(0.125, Value::Null), Some(("a", "test_error", 0.10)));
        let unlikely = json!([validated("a", 0.10, Value::Null), validated("b", 0.10, json!(0.5))]);
        check(unlikely, Some(("b", "test_error", 0.10)));
        // No error of 100 is as good as one.
        let none = json!([validated("a", 0.0, json!(0.5)), validated("b", 0.01, json!(0.1))]);
        check(none, Some(("b", "test_error", 0.01)));
        // Returns are better when they are higher, and means over seeds are scores.
        let returns =
            |label: &str, mean: f64| point(label, json!({ "mean_return": { "mean": mean, "iqm": -mean } }));
        check(json!([returns("a", -9.0), returns("b", -7.0)]), Some(("b", "mean_return", -7.0)));
        let rmse = |label: &str, rmse: f64| point(label, json!({ "test_rmse": rmse }));
        check(json!([rmse("a", 2.0), rmse("b", 3.0)]), Some(("a", "test_rmse", 2.0)));
        // A score that is not finite is none.
        check(
            json!([point("a", json!({ "test_rmse": null })), rmse("b", 3.0)]),
            Some(("b", "test_rmse", 3.0)),
        );
        check(json!([point("a", json!({}))]), None);
        check(json!([]), None);
    }
}
