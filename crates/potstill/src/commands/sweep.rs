//! A sweep: one run, or one folder of seeds, for each combination of several values of keys.
//!
//! Its folder has `sweep.toml`, from which it is continued, and `KEY=VALUE,KEY=VALUE/` for each combination. On data,
//! and of a distillation, it is a [search](super::search).

use super::search::{self, ResumePoint, WinnerRuns};
use crate::algorithm::{Algorithm, Builder};
use crate::config::{ConfigError, Layer, Origin, Settings, read_toml, toml_value};
use crate::error::Error;
use crate::metrics::Axis;
use crate::run::{
    Observer, Together, Work, asked_axis, center_over_seeds, check_out, discard_on_error, find_environment,
    paused, summary_of, usage,
};
use crate::store::{self, RunDir, names};
use crate::words::counted;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use toml::{Table, Value as Toml};

/// Most combinations of one sweep.
const POINTS_MAX: usize = 10_000;
/// Longest name of a folder, in characters.
const LABEL_MAX: usize = 120;

/// Settings of which some have several values.
pub(super) struct Sweep {
    work: Work,
    /// The settings that all runs share.
    layers: Vec<Layer>,
    axes: Vec<Swept>,
    seeds: Option<u64>,
    /// Samples to choose by, held out of the training part; none of a sweep that chooses nothing, and 0 of the
    /// distillation of a policy, which is evaluated.
    validation: Option<u64>,
    /// True if its combinations leave out a control, which the choice does not need.
    omits_control: bool,
}

/// A key with its values.
struct Swept {
    key: String,
    origin: Origin,
    values: Vec<Toml>,
}

/// One combination of values.
struct Point {
    label: String,
    values: Table,
    layers: Vec<Layer>,
}

impl Sweep {
    /// The sweep that settings ask for; none if every key has one value.
    pub(super) fn asked(work: Work, layers: &[Layer], seeds: Option<u64>) -> Result<Option<Self>, Error> {
        let may_be_several =
            |value: &Toml| value.is_array() || value.as_str().is_some_and(|text| text.contains(','));
        if !layers.iter().flat_map(|layer| layer.values.values()).any(may_be_several) {
            return Ok(None);
        }
        let mut settings = work.settings(layers)?;
        let keys: BTreeSet<&String> = layers.iter().flat_map(|layer| layer.values.keys()).collect();
        let mut axes = Vec::new();
        for key in keys {
            let Some(layer) = layers.iter().rev().find(|layer| layer.values.contains_key(key)) else {
                continue;
            };
            let several = several(&mut *settings, key, &layer.values[key]);
            let several = several.map_err(|reason| ConfigError::Value {
                key: key.clone(),
                origin: Some(layer.origin.clone()),
                reason,
            })?;
            let Some(values) = several else { continue };
            if values.is_empty() {
                return Err(usage(format!("`{key}` ({}): a sweep needs a value", layer.origin)));
            }
            let distinct: BTreeSet<String> =
                values.iter().map(|value| search::canonical(&mut *settings, key, value)).collect();
            if distinct.len() < values.len() {
                return Err(usage(format!("`{key}` ({}): one value is given twice", layer.origin)));
            }
            axes.push(Swept { key: key.clone(), origin: layer.origin.clone(), values });
        }
        if axes.is_empty() {
            return Ok(None);
        }
        let points = axes.iter().try_fold(1_usize, |points, axis| points.checked_mul(axis.values.len()));
        if points.is_none_or(|points| points > POINTS_MAX) {
            return Err(usage(format!("a sweep has at most {POINTS_MAX} combinations of values")));
        }
        let mut layers = layers.to_vec();
        for layer in &mut layers {
            layer.values.retain(|key, _| axes.iter().all(|axis| axis.key != *key));
        }
        let mut sweep = Self { work, layers, axes, seeds, validation: None, omits_control: false };
        sweep.validate()?;
        sweep.omits_control = sweep.validation.is_some() && settings.get("control").is_some();
        Ok(Some(sweep))
    }

    /// Holds samples out to choose by, if this is a search.
    fn validate(&mut self) -> Result<(), Error> {
        let is_of_data = |work| match work {
            Work::Train(algorithm) => matches!(algorithm.builder, Builder::Labels(_)),
            Work::Distill => true,
        };
        if !is_of_data(self.work) {
            return Ok(());
        }
        self.axes.iter().try_for_each(|axis| search::check_key(&axis.key))?;
        let (samples, layers) = search::validation_part(self.work, &self.layers)?;
        self.validation = Some(samples);
        self.layers.extend(layers);
        Ok(())
    }

    /// The sweep in a folder, to go on with; none if there is none.
    pub(super) fn open(folder: &Path) -> Result<Option<Self>, Error> {
        let Some((work, seeds, layer)) = written(folder)? else { return Ok(None) };
        let origin = layer.origin.clone();
        let sweep = Self::asked(work, &[layer], seeds)?;
        sweep.map(Some).ok_or_else(|| usage(format!("{origin} has no key with several values")))
    }

    /// The sweep in a folder, to be looked at: what it learns from is not opened.
    fn read(folder: &Path) -> Result<Option<Self>, Error> {
        let Some((work, seeds, Layer { origin, values })) = written(folder)? else { return Ok(None) };
        let several = values.iter().filter_map(|(key, value)| Some((key, value.as_array()?)));
        let axis = |(key, values): (&String, &Vec<Toml>)| Swept {
            key: key.clone(),
            origin: origin.clone(),
            values: values.clone(),
        };
        let axes = several.map(axis).collect();
        let held_out =
            values.get(search::VALIDATION).and_then(Toml::as_integer).map(|samples| samples as u64);
        let validation = held_out.or_else(|| matches!(work, Work::Distill).then_some(0));
        let layers = vec![Layer { origin, values }];
        Ok(Some(Self { work, layers, axes, seeds, validation, omits_control: false }))
    }

    /// The axis that its runs are asked for by.
    fn axis(&self) -> Axis {
        let keys = self.layers.iter().flat_map(|layer| layer.values.clone());
        asked_axis(
            &keys.chain(self.axes.iter().map(|axis| (axis.key.clone(), Toml::Boolean(true)))).collect(),
        )
    }

    /// The text of [`names::SWEEP`].
    fn text(&self) -> String {
        let mut table = Table::new();
        for layer in &self.layers {
            table.extend(layer.values.clone());
        }
        for axis in &self.axes {
            table.insert(axis.key.clone(), Toml::Array(axis.values.clone()));
        }
        let mut text =
            "# A sweep: a run for each combination of the values in lists. `potstill resume` continues it.\n"
                .to_owned();
        for (key, value) in self.work.head() {
            text += &format!("{key} = {value}\n");
        }
        if let Some(seeds) = self.seeds {
            text += &format!("seeds = {seeds}\n");
        }
        for (key, value) in table {
            text += &format!("{key} = {}\n", search::with_whole_path(&key, value));
        }
        text
    }

    /// All combinations; the values of the last key change fastest.
    fn points(&self) -> Vec<Point> {
        let control = self.omits_control.then(search::without_control);
        let layers = self.layers.iter().cloned().chain(control).collect();
        let mut points = vec![Point { label: String::new(), values: Table::new(), layers }];
        for axis in &self.axes {
            points = points
                .iter()
                .flat_map(|point| axis.values.iter().map(move |value| point.with(axis, value)))
                .collect();
        }
        let mut taken = BTreeSet::new();
        for (i, point) in points.iter_mut().enumerate() {
            if point.label.chars().count() > LABEL_MAX || !taken.insert(point.label.clone()) {
                point.label =
                    point.label.chars().take(LABEL_MAX).collect::<String>() + &format!("~{}", i + 1);
                taken.insert(point.label.clone());
            }
        }
        points
    }

    /// The settings of the first combination, and for each further value those that differ from them by it: every
    /// value once.
    fn samples(&self) -> impl Iterator<Item = Vec<Layer>> + '_ {
        let layers = |changed: Option<(usize, &Toml)>| -> Vec<Layer> {
            let own = self.axes.iter().enumerate().map(|(i, axis)| {
                let value =
                    changed.filter(|(place, _)| *place == i).map_or(&axis.values[0], |(_, value)| value);
                axis.layer(value)
            });
            self.layers.iter().cloned().chain(own).collect()
        };
        let axes = self.axes.iter().enumerate();
        let changed = axes.flat_map(|(i, axis)| axis.values[1..].iter().map(move |value| (i, value)));
        std::iter::once(None).chain(changed.map(Some)).map(layers)
    }

    /// Checks every value, creates the folder and runs all combinations.
    pub(super) fn begin(
        &self,
        out: Option<&Path>,
        threads: usize,
        resume: &ResumePoint<'_>,
        observer: &dyn Observer,
    ) -> Result<Value, Error> {
        check_out(out)?;
        let mut name = String::new();
        for layers in self.samples() {
            if observer.stop_requested() {
                return Err(Error::Abandoned);
            }
            name = self.work.prepare(&layers, 1)?.name;
            // The chosen one learns from more rows.
            if let Some(validation) = self.validation.filter(|samples| *samples > 0) {
                self.work.prepare(&search::again(&layers, Table::new(), 1, validation), 1)?;
            }
        }
        let name = name.rsplit_once("-seed").map_or(name.clone(), |(name, _)| format!("{name}-sweep"));
        let dir = RunDir::create(out, &name)?;
        discard_on_error(&dir, || Ok(dir.write(names::SWEEP, self.text().as_bytes())?))?;
        self.execute(&dir, threads, resume, observer)
    }

    /// Continues the sweep in its folder.
    pub(super) fn resume(
        &self,
        folder: &Path,
        threads: usize,
        resume: &ResumePoint<'_>,
        observer: &dyn Observer,
    ) -> Result<Value, Error> {
        self.execute(&RunDir::recover(folder)?, threads, resume, observer)
    }

    fn execute(
        &self,
        dir: &RunDir,
        threads: usize,
        resume: &ResumePoint<'_>,
        observer: &dyn Observer,
    ) -> Result<Value, Error> {
        let points = self.points();
        let keys: Vec<&str> = self.axes.iter().map(|axis| axis.key.as_str()).collect();
        let count = counted(points.len(), "combination");
        let title = format!("{}, {count} of {}", self.work.name(), keys.join(" and "));
        // Seeds of a combination run side by side, and combinations as far as threads are left.
        let within = self.seeds.map_or(1, |seeds| threads.min(seeds as usize)).max(1);
        let together = Together::new(observer, &title, points.len(), threads.div_ceil(within));
        let outcomes = together.map(|i, part| {
            let (point, path) = (&points[i], dir.path().join(&points[i].label));
            search::begin_or_resume(self.work, &point.layers, self.seeds, &path, (within, resume), part)
        });
        if let Some(error) = paused(dir, &outcomes, "combinations") {
            return Err(error);
        }
        // In the order in which folders are listed.
        let mut outcomes: Vec<_> = points.iter().zip(outcomes).collect();
        outcomes.sort_by(|a, b| store::by_name(a.0.label.as_ref(), b.0.label.as_ref()));
        let (finished, failed) = sorted(outcomes)?;
        let mut result = self.told(dir.path(), &keys, &finished);
        if !failed.is_empty() {
            result["failed"] = failed.into();
        }
        if let Some(runs) = self.winner() {
            let values: Vec<_> = points.iter().map(|point| (&*point.label, &point.values)).collect();
            runs.run(dir, &values, &mut result, (threads, resume), observer)?;
        }
        Ok(result)
    }

    /// The runs of the combination that it chooses; none if it chooses none.
    fn winner(&self) -> Option<WinnerRuns<'_>> {
        self.validation.map(|validation| WinnerRuns {
            work: self.work,
            layers: &self.layers,
            validation,
            seeds_before: self.seeds.unwrap_or(1),
            seeds: self.seeds,
        })
    }

    /// The result of its combinations.
    fn told(&self, folder: &Path, keys: &[&str], finished: &[Value]) -> Value {
        json!({
            "command": self.work.command(),
            "algorithm": self.work.name(),
            "seeds": self.seeds,
            "keys": keys,
            "center": self.seeds.map(|_| {
                let head = self.work.head().into_iter().map(|(key, value)| (key.to_owned(), value));
                center_over_seeds(self.axis(), &head.collect()).name()
            }),
            "sweep": finished,
            "out": folder.display().to_string(),
        })
    }

    /// The result of the finished search in a folder; none if it is no search, or not finished.
    ///
    /// # Errors
    /// If its settings do not parse, or a summary cannot be read.
    pub(super) fn finished(folder: &Path) -> Result<Option<Value>, Error> {
        let Some(sweep) = Self::read(folder)? else { return Ok(None) };
        let Some(runs) = sweep.winner() else { return Ok(None) };
        if !folder.join(names::WINNER).join(names::SUMMARY).is_file() {
            return Ok(None);
        }
        let mut points: Vec<Point> = sweep.points();
        points.retain(|point| folder.join(&point.label).join(names::SUMMARY).is_file());
        points.sort_by(|a, b| store::by_name(a.label.as_ref(), b.label.as_ref()));
        let of_point = |point: &Point| Ok(told_point(point, &summary_of(&folder.join(&point.label))?));
        let finished: Vec<Value> = points.iter().map(of_point).collect::<Result<_, Error>>()?;
        let keys: Vec<&str> = sweep.axes.iter().map(|axis| axis.key.as_str()).collect();
        let mut result = sweep.told(folder, &keys, &finished);
        let values: Vec<_> = points.iter().map(|point| (&*point.label, &point.values)).collect();
        runs.told(folder, &values, &mut result)?;
        Ok(Some(result))
    }
}

/// The work, the number of seeds and the settings of the sweep in a folder; none if there is none.
fn written(folder: &Path) -> Result<Option<(Work, Option<u64>, Layer)>, Error> {
    let path = folder.join(names::SWEEP);
    if folder.join(names::CONFIG).is_file() || !path.is_file() {
        return Ok(None);
    }
    let origin = Origin::File(path.display().to_string());
    let mut values = read_toml(&store::read_text(&path)?, origin.clone())?;
    let mut text = |key: &str| values.remove(key).and_then(|name| name.as_str().map(str::to_owned));
    let work = match (text("command").as_deref(), text("algorithm")) {
        (Some("distill"), None) => Work::Distill,
        (_, name) => Work::Train(Algorithm::find(&name.unwrap_or_default())?),
    };
    let seeds = values.remove("seeds").and_then(|seeds| u64::try_from(seeds.as_integer()?).ok());
    Ok(Some((work, seeds, Layer { origin, values })))
}

/// A finished combination.
fn told_point(point: &Point, summary: &Value) -> Value {
    json!({ "run": point.label, "values": point.json(), "summary": summary })
}

/// The combinations that were finished, and those that failed.
///
/// # Errors
/// If the disk failed, or all combinations did.
fn sorted(outcomes: Vec<(&Point, Result<Value, Error>)>) -> Result<(Vec<Value>, Vec<Value>), Error> {
    let (mut finished, mut failed, mut first) = (Vec::new(), Vec::new(), None);
    for (point, outcome) in outcomes {
        match outcome {
            Ok(summary) => finished.push(told_point(point, &summary)),
            Err(error @ (Error::Failed { .. } | Error::Train(_) | Error::Config(_))) => {
                failed
                    .push(json!({ "run": point.label, "values": point.json(), "error": error.to_string() }));
                first.get_or_insert(error);
            }
            Err(error) => return Err(error),
        }
    }
    match first {
        Some(error) if finished.is_empty() => Err(error),
        _ => Ok((finished, failed)),
    }
}

impl Swept {
    /// The settings that one of its values is.
    fn layer(&self, value: &Toml) -> Layer {
        let values = Table::from_iter([(self.key.clone(), value.clone())]);
        Layer { origin: self.origin.clone(), values }
    }
}

/// The longest number of a label without an exponent.
const NUMBER_MAX: usize = 12;

impl Point {
    /// Its values as JSON.
    fn json(&self) -> Map<String, Value> {
        self.values.iter().map(|(key, value)| (key.clone(), json!(value))).collect()
    }

    fn with(&self, axis: &Swept, value: &Toml) -> Self {
        let word = match value {
            Toml::String(text) => text.clone(),
            // 1e30 has thirty zeros.
            Toml::Float(x) if value.to_string().len() > NUMBER_MAX => format!("{x:e}"),
            value => value.to_string(),
        };
        let word: String =
            word.chars().map(|c| if c.is_control() || r#"/\"#.contains(c) { '_' } else { c }).collect();
        let joint = if self.label.is_empty() { "" } else { "," };
        let layer = axis.layer(value);
        let mut values = self.values.clone();
        values.extend(layer.values.clone());
        let layers = self.layers.iter().cloned().chain([layer]).collect();
        Self { label: format!("{}{joint}{}={word}", self.label, axis.key), values, layers }
    }
}

/// The values of a key that has several: a list, or text with commas that is no value as a whole but in parts. The
/// error is the reason for which one of several numbers is none.
pub(super) fn several(
    settings: &mut dyn Settings,
    key: &str,
    value: &Toml,
) -> Result<Option<Vec<Toml>>, String> {
    let text = match value {
        Toml::Array(values) => return Ok(Some(values.clone())),
        Toml::String(text) => text.trim(),
        _ => return Ok(None),
    };
    let kind = settings.keys().into_iter().find(|known| known.name == key).map_or("", |known| known.kind);
    let mut is_valid = |text: &str| match key {
        "env" => find_environment(text, &[]).is_ok(),
        _ => matches!(settings.set(key, &toml_value(text)), Some(Ok(()))),
    };
    if !text.contains(',') || is_valid(text) {
        return Ok(None);
    }
    let text = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let parts: Vec<&str> = text.split(',').map(str::trim).collect();
    let mut values = Vec::new();
    let mut rest = &parts[..];
    while !rest.is_empty() {
        // The longest run of parts that is a value: `mlp:64,64,mlp:8` is two networks.
        let Some(length) = (1..=rest.len()).rev().find(|&length| is_valid(&rest[..length].join(","))) else {
            let numbers = ["number", "integer", "number or schedule", "number or auto", "true or false"];
            let is_number = numbers.contains(&kind);
            return match settings.set(key, &toml_value(rest[0])) {
                Some(Err(reason)) if is_number => Err(reason),
                _ => Ok(None),
            };
        };
        let (now, after) = rest.split_at(length);
        let word = now.join(",");
        values.push(if key == "env" { Toml::String(word) } else { toml_value(&word) });
        rest = after;
    }
    Ok((values.len() > 1).then_some(values))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::train_settings;

    #[test]
    fn commas_separate_values_where_the_whole_is_none() {
        let check = |algorithm: &str, key: &str, text: &str, expected: Option<&[&str]>| {
            let mut settings = train_settings(Algorithm::find(algorithm).unwrap());
            let values = several(&mut *settings, key, &toml_value(text)).unwrap();
            let words = values.map(|values| values.iter().map(Toml::to_string).collect::<Vec<_>>());
            let expected =
                expected.map(|words| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
            assert_eq!(words, expected, "{key}={text}");
        };
        check("dqn", "learning_rate", "1e-3,1e-4", Some(&["0.001", "0.0001"]));
        check("dqn", "learning_rate", "[1e-3, 1e-4]", Some(&["0.001", "0.0001"]));
        check("dqn", "learning_rate", "1e-3", None);
        check("dqn", "net_arch", "mlp:64,64", None);
        check("dqn", "net_arch", "mlp:64,64,mlp:8", Some(&["\"mlp:64,64\"", "\"mlp:8\""]));
        check("dqn", "double", "yes,no", Some(&["\"yes\"", "\"no\""]));
        check("dqn", "buffer_size", "10k,1e5", Some(&["\"10k\"", "100000.0"]));
        check("sarsa", "alpha", "0.1,1/n,1/n^0.8", Some(&["0.1", "\"1/n\"", "\"1/n^0.8\""]));
        check("sarsa", "env", "FrozenLake-v1:is_slippery=false,map_name=8x8", None);
        check("sarsa", "env", "CliffWalking-v1,Taxi-v4", Some(&["\"CliffWalking-v1\"", "\"Taxi-v4\""]));
        check("sarsa", "env", "NoSuch-v0,Taxi-v4", None);
        check("sarsa", "gama", "1,2", None);
        let mut settings = train_settings(Algorithm::find("sarsa").unwrap());
        let wrong = several(&mut *settings, "alpha", &toml_value("0.1,7"));
        assert_eq!(wrong, Err("must be above 0 (1e-30) and up to 1, got 7".to_owned()));
    }

    #[test]
    fn combinations_have_a_folder_each() {
        let values = read_toml("alpha = [0.1, '1/n']\nepsilon = [0, 0.1]\ngamma = 0.9", Origin::Set).unwrap();
        let layer = Layer { origin: Origin::Set, values };
        let sweep =
            Sweep::asked(Work::Train(Algorithm::find("sarsa").unwrap()), &[layer], None).unwrap().unwrap();
        let labels: Vec<String> = sweep.points().into_iter().map(|point| point.label).collect();
        assert_eq!(
            labels,
            ["alpha=0.1,epsilon=0", "alpha=0.1,epsilon=0.1", "alpha=1_n,epsilon=0", "alpha=1_n,epsilon=0.1"]
        );
        assert!(sweep.points().iter().all(|point| point.layers[0].values["gamma"].as_float() == Some(0.9)));
        let again = "alpha = [0.1, \"1/n\"]\nepsilon = [0, 0.1]\ngamma = 0.9\n";
        assert!(sweep.text().ends_with(again), "{}", sweep.text());
    }
    fn sweep(algorithm: &str, settings: &str) -> Result<Option<Sweep>, Error> {
        let layer = Layer { origin: Origin::Set, values: read_toml(settings, Origin::Set).unwrap() };
        Sweep::asked(Work::Train(Algorithm::find(algorithm).unwrap()), &[layer], None)
    }

    #[test]
    fn equal_values_are_refused_however_they_are_written() {
        let check = |settings: &str, is_refused: bool| {
            let refused = sweep("dqn", settings).err().map(|error| error.to_string());
            assert_eq!(refused.is_some_and(|words| words.ends_with("one value is given twice")), is_refused);
        };
        check("buffer_size = ['100k', 1e5]", true);
        check("learning_rate = '1e-3,0.001'", true);
        check("env = ['CartPole-v1', 'CartPole-v1']", true);
        check("buffer_size = ['100k', 2e5]", false);
        check("net_arch = 'mlp:64,64,mlp:64'", false);
    }

    #[test]
    fn every_value_is_checked_once() {
        let sweep = sweep("sarsa", "alpha = [0.1, 0.2, 0.3]\nepsilon = [0, 0.1]").unwrap().unwrap();
        let values = |layers: Vec<Layer>| {
            ["alpha", "epsilon"].map(|key| {
                let value = layers.iter().find_map(|layer| layer.values.get(key)).unwrap();
                value.as_float().or(value.as_integer().map(|value| value as f64)).unwrap()
            })
        };
        let samples: Vec<[f64; 2]> = sweep.samples().map(values).collect();
        assert_eq!(samples, [[0.1, 0.0], [0.2, 0.0], [0.3, 0.0], [0.1, 0.1]]);
    }
}
