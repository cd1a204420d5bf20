//! A search of settings in rounds: trials, their pruning, and the runs of the best one with new seeds.
//!
//! Its folder has `tune.toml`, from which it is continued, `study.json` with the trials so far, a run
//! `trial-N/` for each, and `journal.log` for Optuna. It is looked at as other [searches](super::search).

use super::search::{self, ResumePoint, WinnerRuns};
use super::trial::{TrialRun, hold, trial_name};
use crate::algorithm::{Algorithm, Builder};
use crate::config::{ConfigError, Layer, Origin, Settings, read_toml};
use crate::error::Error;
use crate::run::{
    Observer, Together, Work, asked_axis, center_over_seeds, discard_on_error, paused, summary_of, usage,
};
use crate::store::{self, RunDir, StoreError, names};
use crate::tuning::{Domain, Journal, Parameter, Plan, Pruner, Round, Sampler, Space, State, Study, Trial};
use crate::words::counted;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;
use std::time::SystemTime;
use toml::{Table, Value as Toml};

/// Keys of which a search has one value, since they say how trials are measured.
const MEASURES: [&str; 5] =
    ["eval_freq", "eval_episodes", "stop_at_return", "checkpoint_freq", "checkpoints_kept"];
/// Keys of the length of a run.
const LENGTHS: [&str; 3] = ["steps", "episodes", "epochs"];
/// Most trials of a search.
const TRIALS_MAX: u64 = 10_000;
/// Most new seeds of the best trial.
const SEEDS_MAX: u64 = 1000;
/// The options of a search.
#[derive(Clone, Copy, Debug)]
pub(super) struct Options {
    pub(super) trials: u64,
    pub(super) round: u64,
    pub(super) sampler: Sampler,
    pub(super) pruner: Pruner,
    pub(super) winner_seeds: u64,
}

/// A search of settings.
pub(super) struct Tuner {
    algorithm: &'static Algorithm,
    options: Options,
    space: Space,
    /// The name and the values of its preset.
    preset: Option<(String, Table)>,
    /// The other settings that all trials share.
    settings: Table,
    /// All of these, with those that hold samples out to choose by.
    layers: Vec<Layer>,
    /// Samples to choose by; 0 where episodes are played.
    validation: u64,
}

impl Tuner {
    /// The search that a request asks for.
    pub(super) fn asked(
        algorithm: &'static Algorithm,
        preset: Option<Layer>,
        layers: &[Layer],
        options: Options,
        search: &[String],
    ) -> Result<Self, Error> {
        let space = Space::parse(search).map_err(usage)?;
        let limits = [
            ("--trials", options.trials, TRIALS_MAX),
            ("--round", options.round, TRIALS_MAX),
            ("--winner-seeds", options.winner_seeds, SEEDS_MAX),
        ];
        for (flag, number, most) in limits {
            if !(1..=most).contains(&number) {
                return Err(usage(format!("{flag} {number}: write a whole number from 1 to {most}")));
            }
        }
        let mut settings = Table::new();
        for layer in layers {
            for Parameter { key, .. } in space.parameters() {
                let is_asked = matches!(layer.origin, Origin::CommandLine | Origin::Set);
                if is_asked && layer.values.contains_key(key) {
                    return Err(usage(format!(
                        "`{key}` has a value ({}) and a --search; leave one out",
                        layer.origin
                    )));
                }
            }
            settings.extend(layer.values.clone());
        }
        settings.retain(|key, _| space.parameters().iter().all(|parameter| parameter.key != *key));
        let settings = settings.into_iter();
        let settings =
            settings.map(|(key, value)| (key.clone(), search::with_whole_path(&key, value))).collect();
        let preset = preset.map(|Layer { origin, values }| match origin {
            Origin::Preset(name) => (name, values),
            other => (other.to_string(), values),
        });
        let tuner = Self { algorithm, options, space, preset, settings, layers: Vec::new(), validation: 0 };
        let tuner = tuner.with_layers();
        tuner.check()?;
        tuner.with_validation()
    }

    /// The search with the layers that all trials share.
    fn with_layers(self) -> Self {
        let preset = self.preset.clone().map(|(name, values)| Layer { origin: Origin::Preset(name), values });
        let settings = Layer { origin: Origin::Program("of the search"), values: self.settings.clone() };
        Self { layers: preset.into_iter().chain([settings]).collect(), ..self }
    }

    /// Holds samples out to choose by.
    fn with_validation(mut self) -> Result<Self, Error> {
        let (validation, layers) = search::validation_part(self.work(), &self.layers)?;
        self.validation = validation;
        // With checksums of the data, so that a search that is continued learns from the same.
        self.settings.extend(layers.iter().flat_map(|layer| layer.values.clone()));
        self.layers.extend(layers);
        Ok(self)
    }

    fn work(&self) -> Work {
        Work::Train(self.algorithm)
    }

    /// Checks that the algorithm can be searched, and every key with its range.
    fn check(&self) -> Result<(), Error> {
        let name = self.algorithm.name;
        if matches!(self.algorithm.builder, Builder::Model(_)) || self.algorithm.family == "prediction" {
            return Err(usage(format!(
                "`{name}` has no score to choose by: it learns no policy from experience"
            )));
        }
        let mut settings = self.work().settings(&self.layers)?;
        let has_evaluations = self.is_of_data() || settings.get("eval_freq").is_some();
        if self.options.pruner != Pruner::None && !has_evaluations {
            return Err(usage(format!(
                "`{name}` has no evaluations while it learns, by which trials could be stopped early; leave --prune out"
            )));
        }
        for parameter in self.space.parameters() {
            self.check_parameter(&mut *settings, parameter)?;
        }
        Ok(())
    }

    fn check_parameter(&self, settings: &mut dyn Settings, parameter: &Parameter) -> Result<(), Error> {
        let Parameter { key, domain, text } = parameter;
        if key == "seed" {
            let advice = "--winner-seeds N runs the best trial again with N new ones";
            return Err(usage(format!("a search has one `seed`, not several; {advice}")));
        }
        search::check_key(key)?;
        if MEASURES.contains(&&**key) {
            return Err(usage(format!("a search has one `{key}`: trials are compared as they are measured")));
        }
        if self.options.pruner.has_rungs() && LENGTHS.contains(&&**key) {
            let pruner = self.options.pruner;
            return Err(usage(format!(
                "`{key}` is not searched with --prune {pruner}, which compares trials of one length"
            )));
        }
        let origin = Some(Origin::Program("--search"));
        let keys = settings.keys();
        let Some(known) = keys.iter().find(|known| known.name == *key) else {
            return Err(ConfigError::unknown("key", key, origin, keys.iter().map(|known| known.name)).into());
        };
        let wrong = |reason: String| -> Result<(), Error> {
            Err(ConfigError::Value { key: key.clone(), origin: origin.clone(), reason }.into())
        };
        if known.kind == "integer" && matches!(domain, Domain::Float { .. }) {
            return wrong(format!("expected whole numbers, int:A:B or int-log:A:B, got `{text}`"));
        }
        let mut distinct = BTreeSet::new();
        for value in domain.samples() {
            let value = domain.setting(value);
            match settings.set(key, &value) {
                Some(Err(reason)) => return wrong(reason),
                None => return wrong("is no key".to_owned()),
                Some(Ok(())) => {}
            }
            if !distinct.insert(search::canonical(settings, key, &value)) {
                return wrong("one value is given twice".to_owned());
            }
        }
        Ok(())
    }

    /// Returns true if trials learn from data, and are chosen by validation errors.
    fn is_of_data(&self) -> bool {
        matches!(self.algorithm.builder, Builder::Labels(_))
    }

    /// The settings of a trial.
    fn trial(&self, values: &[f64]) -> Vec<Layer> {
        let own = Layer { origin: Origin::Program("proposed"), values: self.space.table(values) };
        self.layers.iter().cloned().chain([own]).collect()
    }

    /// A search without trials, after the settings of one were resolved.
    fn study(&self, config: &str) -> Result<Study, Error> {
        let Options { trials, round, sampler, pruner, .. } = self.options;
        let config: Table = config.parse().map_err(|_| usage("the configuration does not parse"))?;
        let number =
            |key: &str| config.get(key).and_then(Toml::as_integer).and_then(|n| usize::try_from(n).ok());
        let evaluations = if self.is_of_data() {
            // A decision tree has one.
            Some(number("epochs").unwrap_or(1))
        } else {
            match (number("steps"), number("eval_freq")) {
                (_, Some(0)) => Some(0),
                (Some(steps), Some(freq)) => Some(steps.div_ceil(freq)),
                _ => None,
            }
        };
        if evaluations == Some(0) && pruner != Pruner::None {
            return Err(usage(format!("eval_freq=0: --prune {pruner} stops trials by their evaluations")));
        }
        if evaluations.is_none() && pruner.has_rungs() {
            return Err(usage(format!(
                "--prune {pruner} needs a length in --steps, of which it takes parts"
            )));
        }
        Ok(Study::new(Plan {
            space: self.space.clone(),
            sampler,
            pruner,
            trials: trials as usize,
            round: round as usize,
            evaluations: evaluations.unwrap_or_default(),
            seed: number("seed").unwrap_or_default() as u64,
            maximizes: !self.is_of_data(),
        }))
    }

    /// Checks every end and every choice, creates the folder and searches.
    pub(super) fn begin(
        &self,
        out: Option<&Path>,
        threads: usize,
        resume: &ResumePoint<'_>,
        observer: &dyn Observer,
    ) -> Result<Value, Error> {
        let mut first = None;
        for values in self.space.samples() {
            if observer.stop_requested() {
                return Err(Error::Abandoned);
            }
            let layers = self.trial(&values);
            let prepared = self.work().prepare(&layers, 1)?;
            if self.validation > 0 {
                // The best one learns from more rows.
                self.work().prepare(&search::again(&layers, Table::new(), 1, self.validation), 1)?;
            }
            first.get_or_insert((prepared.name, prepared.config));
        }
        let (name, config) = first.expect("a space has a sample");
        let mut study = self.study(&config)?;
        let name = name.rsplit_once("-seed").map_or(name.clone(), |(name, _)| format!("{name}-tune"));
        let dir = RunDir::create(out, &name)?;
        discard_on_error(&dir, || Ok(dir.write(names::TUNE, self.text().as_bytes())?))?;
        self.execute(&dir, &mut study, (threads, resume), observer)
    }

    /// Continues the search in its folder.
    pub(super) fn resume(
        &self,
        folder: &Path,
        threads: usize,
        resume: &ResumePoint<'_>,
        observer: &dyn Observer,
    ) -> Result<Value, Error> {
        let dir = RunDir::recover(folder)?;
        let first = self.space.samples().swap_remove(0);
        let mut study = self.study(&self.work().prepare(&self.trial(&first), 1)?.config)?;
        restore(&mut study, folder)?;
        self.execute(&dir, &mut study, (threads, resume), observer)
    }

    /// The text of [`names::TUNE`].
    fn text(&self) -> String {
        let Options { trials, round, sampler, pruner, winner_seeds } = self.options;
        let search =
            self.space.parameters().iter().map(|parameter| format!("{}={}", parameter.key, parameter.text));
        let tune = Table::from_iter([
            ("algorithm".to_owned(), self.algorithm.name.into()),
            ("trials".to_owned(), Toml::Integer(trials as i64)),
            ("round".to_owned(), Toml::Integer(round as i64)),
            ("sampler".to_owned(), sampler.to_string().into()),
            ("prune".to_owned(), pruner.to_string().into()),
            ("winner_seeds".to_owned(), Toml::Integer(winner_seeds as i64)),
            // A list, since proposals depend on the order of keys.
            ("search".to_owned(), Toml::Array(search.map(Toml::String).collect())),
        ]);
        let mut text =
            "# A search of settings in rounds of trials. `potstill resume` continues it.\n".to_owned();
        let mut table = |name: &str, values: &Table| {
            text += &format!("\n[{name}]\n");
            for (key, value) in values {
                text += &format!("{key} = {value}\n");
            }
        };
        table("tune", &tune);
        if let Some((name, values)) = &self.preset {
            table("preset", &Table::from_iter([("name".to_owned(), Toml::String(name.clone()))]));
            table("preset.values", values);
        }
        table("settings", &self.settings);
        text
    }

    /// The search in a folder, to be looked at: what it learns from is not opened.
    fn read(folder: &Path) -> Result<Option<Self>, Error> {
        let path = folder.join(names::TUNE);
        if folder.join(names::CONFIG).is_file() || !path.is_file() {
            return Ok(None);
        }
        let origin = Origin::File(path.display().to_string());
        let mut file = read_toml(&store::read_text(&path)?, origin)?;
        let wrong = |what: &str| {
            usage(format!("{} has no right `{what}`; copy it from a backup, or search again", path.display()))
        };
        let mut table = |name: &str| file.remove(name).and_then(|table| table.as_table().cloned());
        let tune = table("tune").ok_or_else(|| wrong("tune"))?;
        let text = |key: &str| tune.get(key).and_then(Toml::as_str).ok_or_else(|| wrong(key));
        let number = |key: &str| {
            let number = tune.get(key).and_then(Toml::as_integer).and_then(|n| u64::try_from(n).ok());
            number.filter(|number| (1..=TRIALS_MAX).contains(number)).ok_or_else(|| wrong(key))
        };
        let options = Options {
            trials: number("trials")?,
            round: number("round")?,
            sampler: text("sampler")?.parse().map_err(|_| wrong("sampler"))?,
            pruner: text("prune")?.parse().map_err(|_| wrong("prune"))?,
            winner_seeds: number("winner_seeds")?,
        };
        let search = tune.get("search").and_then(Toml::as_array).ok_or_else(|| wrong("search"))?;
        let search: Vec<String> = search.iter().filter_map(|text| text.as_str().map(str::to_owned)).collect();
        let preset = table("preset").and_then(|preset| {
            let values = preset.get("values").and_then(Toml::as_table).cloned().unwrap_or_default();
            Some((preset.get("name")?.as_str()?.to_owned(), values))
        });
        let tuner = Self {
            algorithm: Algorithm::find(text("algorithm")?)?,
            options,
            space: Space::parse(&search).map_err(|_| wrong("search"))?,
            preset,
            settings: table("settings").unwrap_or_default(),
            layers: Vec::new(),
            validation: 0,
        };
        Ok(Some(tuner.with_layers()))
    }

    /// The search in a folder, to go on with; none if there is none.
    pub(super) fn open(folder: &Path) -> Result<Option<Self>, Error> {
        let Some(tuner) = Self::read(folder)? else { return Ok(None) };
        tuner.check()?;
        tuner.with_validation().map(Some)
    }

    fn execute(
        &self,
        dir: &RunDir,
        study: &mut Study,
        (threads, resume): (usize, &ResumePoint<'_>),
        observer: &dyn Observer,
    ) -> Result<Value, Error> {
        let journal =
            Mutex::new(Journal::open(dir, &study_name(dir), study.plan().maximizes, SystemTime::now)?);
        while let Some(round) = study.advance() {
            save(dir, study, &journal)?;
            self.run_round(dir, study, &round, &journal, (threads, resume), observer)?;
        }
        save(dir, study, &journal)?;
        let points = self.finished_points(dir.path(), study)?;
        if points.is_empty() {
            let reason = study.trials().iter().find_map(|trial| trial.error.clone()).unwrap_or_default();
            let (folder, trials) = (dir.path().to_owned(), study.trials().len());
            return Err(Error::Fruitless { folder, trials, reason });
        }
        let mut result = self.told(dir.path(), study, &points);
        let values = named(&points);
        self.winner().run(dir, &values, &mut result, (threads, resume), observer)?;
        Ok(result)
    }

    /// Runs the trials of a round to where they pause, and takes in what they have scored.
    fn run_round(
        &self,
        dir: &RunDir,
        study: &mut Study,
        round: &Round,
        journal: &Mutex<Journal>,
        (threads, resume): (usize, &ResumePoint<'_>),
        observer: &dyn Observer,
    ) -> Result<(), Error> {
        let count = round.trials.len();
        let last = study.trials().len();
        let (name, all) = (self.work().name(), study.plan().trials);
        let title = format!("{name}, {} at once, {last} of {all} proposed", counted(count, "trial"));
        let within = (threads / count).max(1);
        let together = Together::new(observer, &title, count, threads);
        let outcomes = together.map(|i, part| {
            let number = round.trials[i];
            let run = TrialRun::new((dir, number), &round.pause, journal, part);
            run.go(&study.trials()[number], |path, watch| {
                let layers = self.trial(&study.trials()[number].values);
                search::begin_or_resume(self.work(), &layers, None, path, (within, resume), watch)
            })
        });
        let mut told = Vec::with_capacity(count);
        for (number, outcome) in round.trials.iter().zip(outcomes) {
            told.push(outcome.map(|(evaluations, ending)| {
                study.end(*number, evaluations, ending, &round.pause);
                json!({})
            }));
        }
        save(dir, study, journal)?;
        if let Some(error) = paused(dir, &told, "trials of the round") {
            return Err(error);
        }
        told.into_iter().find_map(Result::err).map_or(Ok(()), Err)
    }

    /// The runs of the best trial.
    fn winner(&self) -> WinnerRuns<'_> {
        WinnerRuns {
            work: self.work(),
            layers: &self.layers,
            validation: self.validation,
            seeds_before: 1,
            seeds: (self.options.winner_seeds > 1).then_some(self.options.winner_seeds),
        }
    }

    /// The names, values and summaries of finished trials.
    fn finished_points(&self, folder: &Path, study: &Study) -> Result<Vec<(String, Table, Value)>, Error> {
        let finished = study.trials().iter().enumerate().filter(|(_, trial)| trial.state == State::Finished);
        let point = |(number, trial): (usize, &Trial)| {
            let name = trial_name(number);
            let summary = summary_of(&folder.join(&name))?;
            Ok((name, self.space.table(&trial.values), summary))
        };
        finished.map(point).collect()
    }

    /// The result of its trials.
    fn told(&self, folder: &Path, study: &Study, points: &[(String, Table, Value)]) -> Value {
        let keys: Vec<&str> = self.space.parameters().iter().map(|parameter| &*parameter.key).collect();
        let trials = study.trials().iter().enumerate().map(|(number, trial)| {
            json!({
                "run": trial_name(number),
                "values": self.space.table(&trial.values),
                "state": trial.state.word(),
                "evaluations": trial.evaluations.len(),
                "best_evaluation": study.best(trial),
                "score": trial.score,
                "error": trial.error,
            })
        });
        let trials: Vec<Value> = trials.collect();
        let plan = study.plan();
        // Pruning has saved nothing of trials that failed.
        let run = study.trials().iter().filter(|trial| trial.state != State::Failed);
        let taken: usize = run.clone().map(|trial| trial.evaluations.len()).sum();
        let whole = plan.evaluations * run.count();
        let head = self.work().head().into_iter().map(|(key, value)| (key.to_owned(), value));
        json!({
            "command": self.work().command(),
            "algorithm": self.algorithm.name,
            "preset": self.preset.as_ref().map(|(name, _)| name),
            "seeds": null,
            "keys": keys,
            "center": center_over_seeds(asked_axis(&self.settings), &head.collect()).name(),
            "tune": {
                "sampler": plan.sampler.to_string(),
                "prune": plan.pruner.to_string(),
                "round": plan.round,
                "finished": study.count(State::Finished),
                "pruned": study.count(State::Pruned),
                "failed": study.count(State::Failed),
                "evaluations": taken,
                "evaluations_without_pruning": (whole > 0).then_some(whole),
                "trials": trials,
            },
            "sweep": points
                .iter()
                .map(|(name, values, summary)| json!({ "run": name, "values": values, "summary": summary }))
                .collect::<Vec<Value>>(),
            "out": folder.display().to_string(),
        })
    }

    /// The result of the finished search in a folder; none if it is none, or not finished.
    ///
    /// # Errors
    /// If its settings do not parse, or a file cannot be read.
    pub(super) fn finished(folder: &Path) -> Result<Option<Value>, Error> {
        let Some(mut tuner) = Self::read(folder)? else { return Ok(None) };
        let winner = folder.join(names::WINNER);
        if !winner.join(names::SUMMARY).is_file() {
            return Ok(None);
        }
        // The settings of any trial say how many samples were held out, and how long it was to be.
        let configs =
            (0..tuner.options.trials as usize).map(|i| folder.join(trial_name(i)).join(names::CONFIG));
        let Some(config) = configs.into_iter().find(|config| config.is_file()) else { return Ok(None) };
        let config = store::read_text(&config)?;
        let held_out =
            config.parse::<Table>().ok().and_then(|config| config.get(search::VALIDATION)?.as_integer());
        tuner.validation = held_out.unwrap_or_default() as u64;
        let mut study = tuner.study(&config)?;
        restore(&mut study, folder)?;
        let points = tuner.finished_points(folder, &study)?;
        let mut result = tuner.told(folder, &study, &points);
        tuner.winner().told(folder, &named(&points), &mut result)?;
        Ok(Some(result))
    }
}

/// The name of a search in its journal: that of its folder.
fn study_name(dir: &RunDir) -> String {
    let name = dir.path().file_name().map(|name| name.to_string_lossy().into_owned());
    name.unwrap_or_else(|| "potstill".to_owned())
}

/// Names and values of trials.
fn named(points: &[(String, Table, Value)]) -> Vec<(&str, &Table)> {
    points.iter().map(|(name, values, _)| (&**name, values)).collect()
}

/// Takes in the trials of a search that was begun.
fn restore(study: &mut Study, folder: &Path) -> Result<(), Error> {
    let path = folder.join(names::STUDY);
    if !path.is_file() {
        return Ok(());
    }
    study.restore(&store::read_text(&path)?).map_err(|reason| {
        let remedy = "copy it from a backup, or search again".to_owned();
        StoreError::Damaged { path, reason, remedy }.into()
    })
}

/// Saves the trials, marks those that were stopped early, and tells the journal.
fn save(dir: &RunDir, study: &Study, journal: &Mutex<Journal>) -> Result<(), Error> {
    dir.write(names::STUDY, format!("{:#}\n", study.json()).as_bytes())?;
    for (number, trial) in study.trials().iter().enumerate().filter(|(_, trial)| trial.state == State::Pruned)
    {
        let path = dir.path().join(trial_name(number));
        // One that was begun, and was not run to its end since by itself.
        let is_marked = [names::PRUNED, names::SUMMARY].iter().any(|name| path.join(name).is_file());
        if path.join(names::CONFIG).is_file() && !is_marked {
            let about =
                json!({ "evaluations": trial.evaluations.len(), "best_evaluation": study.best(trial) });
            RunDir::open(&path)?.write(names::PRUNED, format!("{about}\n").as_bytes())?;
        }
    }
    Ok(hold(journal).tell(dir, study)?)
}
