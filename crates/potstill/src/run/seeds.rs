//! Several seeds of one configuration: a folder with one run each, and statistics over them.

use super::checks::{check_out, usage};
use super::classifiers::{SAME_MODEL, add_over_seeds};
use super::curves::mean_records;
use super::execute::{create, discard_on_error, execute, extend};
use super::judgement::judgement;
use super::observer::Observer;
use super::origins::Origins;
use super::pause::{as_it_is, paused};
use super::prepared::PreparedRun;
use super::report::asked_axis;
use super::resume::{Continuation, Recipe, continue_run, more_steps};
use super::spread::spread;
use super::summary::with_out;
use super::together::Together;
use super::work::Work;
use crate::config::{Layer, Origin};
use crate::error::Error;
use crate::jobs::LABELS_TEST_RMSE;
use crate::metrics::History;
use crate::metrics::catalogue::{SCORES, UNTRAINED};
use crate::store::{RunDir, StoreError, names};
use crate::train::statistics::mean;
use crate::words::counted;
use serde_json::{Value, json};
use std::path::Path;
use toml::{Table, Value as Toml};

pub(crate) fn train_seeds(
    work: Work,
    layers: Vec<Layer>,
    count: u64,
    out: Option<&Path>,
    threads: usize,
    observer: &dyn Observer,
) -> Result<Value, Error> {
    let family = Family { work, layers, count, threads, origins: None };
    let first = family.first()?;
    let start = family.start(&first.config)?;
    if let Some(out) = out.filter(|out| is_family(out)) {
        return grow(&family, &first, start, out, observer);
    }
    check_out(out)?;
    let dir = RunDir::create(out, &first.name)?;
    discard_on_error(&dir, || {
        dir.write(names::CONFIG, first.config.as_bytes())?;
        dir.seal(&[names::CONFIG], false)?;
        Ok(())
    })?;
    family.execute(&dir, start, Continuation::default(), observer)
}

/// Returns true if there is a folder of seeds.
pub(crate) fn is_family(path: &Path) -> bool {
    RunDir::open(path).and_then(|dir| dir.read_text(names::CONFIG)).is_ok_and(|text| {
        let config: Table = text.parse().unwrap_or_default();
        config.contains_key("seeds")
    })
}

/// Adds seeds to a folder that was begun with the same settings and fewer of them.
fn grow(
    family: &Family,
    first: &PreparedRun,
    start: u64,
    out: &Path,
    observer: &dyn Observer,
) -> Result<Value, Error> {
    let settings = |text: &str| -> Table {
        let mut table: Table = text.parse().unwrap_or_default();
        table.remove("seeds");
        table
    };
    let known = Recipe::read(&RunDir::open(out)?)?.seeds.unwrap_or_default();
    if family.count <= known {
        return Err(StoreError::NotEmpty { path: out.to_owned() }.into());
    }
    let (theirs, ours) = (settings(&RunDir::open(out)?.read_text(names::CONFIG)?), settings(&first.config));
    let differs = |key: &&String| theirs.get(*key) != ours.get(*key);
    if let Some(key) = ours.keys().chain(theirs.keys()).find(differs) {
        let word = |table: &Table| table.get(key).map_or("not set".to_owned(), Toml::to_string);
        let (out, theirs, ours) = (out.display(), word(&theirs), word(&ours));
        return Err(usage(format!(
            "{out} is a folder of {} with other settings: `{key}` is {theirs} there, {ours} here; choose \
             another --out",
            counted(known, "seed")
        )));
    }
    let dir = RunDir::reopen(out)?;
    extend(&dir, first)?;
    family.execute(&dir, start, Continuation::default(), observer)
}

/// Continues a folder of seeds, with further seeds, or each to a new number of steps.
pub(crate) fn continue_family(
    dir: &RunDir,
    recipe: Recipe,
    (seeds, continuation): (Option<u64>, Continuation),
    observer: &dyn Observer,
) -> Result<Value, Error> {
    let (known, run) = (recipe.seeds.unwrap_or_default(), dir.path().display());
    let mut layers = recipe.layers;
    if let Some(fewer) = seeds.filter(|seeds| *seeds < known) {
        let known = counted(known, "seed");
        return Err(usage(format!("{run} has {known}; --seeds {fewer} leaves nothing to do")));
    }
    if let Some(steps) = continuation.steps {
        layers.push(more_steps(dir, &layers, steps, continuation.keep_schedules)?);
    }
    let (count, threads) = (seeds.unwrap_or(known), continuation.threads);
    let family = Family { work: recipe.work, layers, count, threads, origins: Some(recipe.origins) };
    let first = family.first()?;
    let start = family.start(&first.config)?;
    if count != known || continuation.steps.is_some() {
        extend(dir, &first)?;
    }
    family.execute(dir, start, continuation, observer)
}

/// Scores beside those of a student, in the summaries of policies and of regressions.
const TEACHERS: [&str; 6] = [
    "teacher_mean_return",
    "teacher_test_rmse",
    LABELS_TEST_RMSE,
    "mean_rmse",
    "agreement",
    "action_distance",
];

/// Runs that differ only in their seed.
pub(crate) struct Family {
    pub(crate) work: Work,
    pub(crate) layers: Vec<Layer>,
    pub(crate) count: u64,
    pub(crate) threads: usize,
    /// The origins of the values of a folder that is continued.
    pub(crate) origins: Option<Origins>,
}

impl Family {
    /// The run of the first seed; its configuration, with the number of seeds, is that of the folder.
    fn first(&self) -> Result<PreparedRun, Error> {
        let seeds = ("seeds", Toml::Integer(self.count as i64));
        let plan = self.work.prepare_with(seeds, &self.layers, 1)?;
        Ok(self.with_origins(plan))
    }

    fn with_origins(&self, plan: PreparedRun) -> PreparedRun {
        match &self.origins {
            Some(origins) => origins.put_back(plan),
            None => plan,
        }
    }

    fn plan(&self, seed: u64) -> Result<PreparedRun, Error> {
        let mut layers = self.layers.clone();
        let values = Table::from_iter([("seed".to_owned(), Toml::Integer(seed as i64))]);
        layers.push(Layer { origin: Origin::Program("one of --seeds"), values });
        // Each seed runs on one thread; seeds run in parallel.
        let plan = self.work.prepare(&layers, 1)?;
        Ok(self.with_origins(plan))
    }

    /// The first seed, if the last does not overflow.
    pub(crate) fn start(&self, config: &str) -> Result<u64, Error> {
        let table: Table = config.parse().map_err(|_| usage("the configuration does not parse"))?;
        let start = table.get("seed").and_then(Toml::as_integer).unwrap_or_default() as u64;
        match start.checked_add(self.count) {
            Some(end) if end <= i64::MAX as u64 => Ok(start),
            _ => Err(usage(format!("{} seeds from {start} on go beyond {}", self.count, i64::MAX))),
        }
    }

    /// Runs or resumes every seed that is not finished.
    pub(crate) fn execute(
        &self,
        dir: &RunDir,
        start: u64,
        continuation: Continuation,
        observer: &dyn Observer,
    ) -> Result<Value, Error> {
        let (name, count) = (self.work.name(), self.count);
        let what = format!("{name}, seeds {start} to {}", start + count.saturating_sub(1));
        let together = Together::new(observer, &what, count as usize, self.threads).of_seeds(start);
        let outcomes = together.map(|i, part| self.one(dir, start + i as u64, continuation, part));
        if let Some(error) = paused(dir, &outcomes, "seeds") {
            return Err(error);
        }
        let (mut summaries, mut failures) = (Vec::new(), Vec::new());
        for (seed, outcome) in (start..).zip(outcomes) {
            match outcome {
                Ok(summary) => summaries.push(summary),
                Err(error @ Error::Failed { .. }) => failures.push((seed, error)),
                Err(error) => return Err(error),
            }
        }
        let mut summary = over_seeds(start, &summaries);
        summary["seeds"] = json!(self.count);
        let metrics = self.mean_metrics(dir, start)?;
        let (config, history) = (dir.read_text(names::CONFIG)?, History::parse(&metrics));
        if let Some(remark) = judgement(&means(&summaries), &config, &history) {
            summary["remark"] = json!(remark);
        }
        if !failures.is_empty() {
            let list =
                failures.iter().map(|(seed, error)| json!({ "seed": seed, "error": error.to_string() }));
            summary["failed"] = list.collect();
        }
        dir.write(names::METRICS, metrics.as_bytes())?;
        dir.write(names::SUMMARY, format!("{summary:#}\n").as_bytes())?;
        dir.seal(&[names::CONFIG, names::METRICS, names::SUMMARY], failures.is_empty())?;
        match failures.into_iter().next() {
            None => Ok(with_out(summary, dir)),
            Some((_, error)) => Err(error),
        }
    }

    /// The curves over seeds.
    fn mean_metrics(&self, dir: &RunDir, start: u64) -> Result<String, Error> {
        let seeds = start..start + self.count;
        let read = |seed| Ok(History::read(&dir.nested(&format!("seed-{seed}"))?)?);
        let histories: Vec<History> = seeds.map(read).collect::<Result<_, Error>>()?;
        let config = dir.read_text(names::CONFIG)?.parse().unwrap_or_default();
        Ok(mean_records(&histories, asked_axis(&config)))
    }

    fn one(
        &self,
        dir: &RunDir,
        seed: u64,
        continuation: Continuation,
        observer: &dyn Observer,
    ) -> Result<Value, Error> {
        if observer.stop_requested() {
            return as_it_is(&dir.path().join(format!("seed-{seed}")));
        }
        let nested = dir.nested(&format!("seed-{seed}"))?;
        if nested.has(names::CONFIG) {
            // Its own configuration applies: it may have been extended beyond the others.
            let recipe = Recipe::read(&nested)?;
            let goal = recipe.layers[0].values.get("steps").and_then(Toml::as_integer).unwrap_or_default();
            let steps = continuation.steps.filter(|steps| goal < *steps as i64);
            let continuation = Continuation { steps, threads: 1, is_seed: true, ..continuation };
            return continue_run(&nested, recipe, continuation, None, observer);
        }
        let plan = self.plan(seed)?;
        create(&nested, &plan)?;
        execute(&nested, plan, continuation.fallback, observer)
    }
}

/// The summary of the first seed, with the mean over the seeds of every number that all have.
fn means(summaries: &[Value]) -> Value {
    let mut all = summaries.first().cloned().unwrap_or_default();
    for (key, value) in all.as_object_mut().into_iter().flatten().filter(|(key, _)| *key != "seed") {
        let values: Vec<f64> =
            summaries.iter().filter_map(|summary| summary[key.as_str()].as_f64()).collect();
        if values.len() == summaries.len() {
            *value = json!(mean(&values));
        }
    }
    // One seed that has learned nothing says nothing of the others.
    let untrained = all[UNTRAINED].clone();
    if !untrained.is_null() && summaries.iter().any(|summary| summary[UNTRAINED] != untrained) {
        all[UNTRAINED] = Value::Null;
    }
    all
}

/// Mean, interquartile mean and interval over the seeds of every number that all summaries have.
fn over_seeds(first: u64, summaries: &[Value]) -> Value {
    let same = |key: &str| summaries.first().map(|summary| summary[key].clone()).unwrap_or_default();
    let mut all = json!({
        "command": same("command"), "algorithm": same("algorithm"), "env": same("env"), "seed": first
    });
    for key in ["test_samples", "validation_samples"] {
        let samples = same(key);
        if samples.is_u64() && summaries.iter().all(|summary| summary[key] == samples) {
            all[key] = samples;
        }
    }
    for key in SCORES.iter().map(|score| score.key).chain(TEACHERS) {
        let values: Vec<f64> = summaries.iter().filter_map(|summary| summary[key].as_f64()).collect();
        if !values.is_empty() && values.len() == summaries.len() {
            all[key] = spread(key, &values);
        }
    }
    add_over_seeds(&mut all, summaries);
    if are_copies(summaries) {
        all[SAME_MODEL] = json!(true);
        without_intervals(&mut all);
    }
    all
}

/// Returns true if seeds have trained the same model, as those of a decision tree do, which draws nothing: a likelihood or an
/// error of numbers is the same to all digits.
pub(crate) fn are_copies(summaries: &[Value]) -> bool {
    let of = |summary: &Value| {
        let places = ["/student_distilled/nll", "/nll", "/test_rmse"];
        places.iter().find_map(|place| summary.pointer(place)?.as_f64())
    };
    let first = summaries.first().and_then(of);
    summaries.len() > 1 && first.is_some() && summaries.iter().all(|summary| of(summary) == first)
}

/// Takes the intervals out of statistics: copies of one model tell nothing of chance.
pub(crate) fn without_intervals(value: &mut Value) {
    for (key, value) in value.as_object_mut().into_iter().flatten() {
        match key.as_str() {
            "ci95" | "mean_ci95" => *value = Value::Null,
            _ => without_intervals(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_of_one_model_have_no_interval() {
        let check = |nll: [f64; 3], is_copy: bool| {
            let summaries = nll.map(|nll| json!({ "test_error": 0.25, "nll": nll, "seed": 1 }));
            let all = over_seeds(0, &summaries);
            assert_eq!(all[SAME_MODEL] == true, is_copy, "{all}");
            assert_eq!(all["test_error"]["mean_ci95"].is_null(), is_copy, "{all}");
            assert_eq!(all["test_error"]["mean"], 0.25);
        };
        check([0.5, 0.5, 0.5], true);
        check([0.5, 0.5, 0.6], false);
    }

    #[test]
    fn a_folder_is_judged_by_its_means() {
        let check = |returns: [f64; 2], expected: Option<&str>| {
            let summaries = returns.map(|mean| {
                json!({ "algorithm": "dqn", "env": "MountainCar-v0", "seed": 3, "mean_return": mean, "best_step": null })
            });
            let remark = judgement(&means(&summaries), "gamma = 0.98  # preset zoo", &History::default());
            assert_eq!(remark.as_deref(), expected, "{returns:?}");
        };
        let tail = "more steps or other values may help: see potstill config dqn";
        let random = "mean return -200.0 is no better than -200.0 of random actions";
        check([-200.0, -200.0], Some(&format!("{random}; {tail}")));
        let solved = "mean return -120.0 is below -110, where MountainCar-v0 counts as solved";
        check([-140.0, -100.0], Some(&format!("{solved}; {tail}")));
        check([-105.0, -100.0], None);
        let of_all = |untrained: [Value; 2]| {
            let summaries = untrained.map(|untrained| json!({ "steps": 9, "untrained": untrained }));
            means(&summaries)["untrained"].clone()
        };
        assert_eq!(of_all([json!("run"), json!("run")]), json!("run"));
        assert_eq!(of_all([json!("run"), Value::Null]), Value::Null);
        assert_eq!(of_all([json!("best"), json!("run")]), Value::Null);
        assert_eq!(means(&[]), Value::Null);
    }
}
