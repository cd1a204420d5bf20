//! `potstill train`.

use super::evaluate::evaluate_policy;
use super::{Algorithm, Learns, Progress, Quiet, Sources, check_out, find_env, peek};
use crate::agent::Agent;
use crate::config::{ConfigError, Layer, Resolved, Settings, presets, resolve, settings};
use crate::deep::{Dqn, DqnConfig};
use crate::distill::classifier::error_rate;
use crate::distill::{ClassifierTrainer, FitConfig, SoftTargets};
use crate::error::Error;
use crate::experience::Dataset;
use crate::experience::dataset::DATASETS;
use crate::export::safetensors;
use crate::model::Model;
use crate::report::{Block, LineChart, Page, Series, Table};
use crate::store::{Log, RunDir, names};
use crate::tabular::{QLearning, Sarsa, TabularConfig};
use crate::train::{Event, Protocol, Trainer, parallel_map, statistics};
use potstill_core::Streams;
use potstill_env::registry::Spec;
use potstill_nn::{Network, NetworkSpec};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::Instant;

/// What to train.
#[derive(Clone, Debug, Default)]
pub struct TrainRequest {
    /// The algorithm's name.
    pub algorithm: String,
    /// A preset's name.
    pub preset: Option<String>,
    /// Where values come from.
    pub sources: Sources,
    /// How many seeds to run, from the seed on.
    pub seeds: u64,
    /// The run directory to make.
    pub out: Option<PathBuf>,
    /// Threads to use. The result does not depend on it.
    pub threads: usize,
}

settings! {
    /// The keys of every reinforcement-learning run.
    pub struct RunConfig {
        /// The environment
        env: Option<String> = (), in Any;
        /// The seed of all random streams
        seed: u64 = 0, in Any;
        /// Steps in the environment
        steps: Option<u64> = (), in AtLeastOne;
        /// Episodes
        episodes: Option<u64> = (), in AtLeastOne;
    }
}

settings! {
    /// How often and how long a deep agent is evaluated while it trains.
    pub struct EvalConfig {
        /// Steps between evaluations; 0 for none. The best model is kept
        eval_freq: u64 = 2500, in Any;
        /// Episodes of an evaluation
        eval_episodes: u64 = 20, in AtLeastOne;
        /// Stop when an evaluation reaches this mean return
        stop_at_return: Option<f64> = (), in Finite;
    }
}

settings! {
    /// The keys of every run on a dataset.
    pub struct DataConfig {
        /// The dataset
        data: Option<String> = (), in Any;
        /// The seed of all random streams
        seed: u64 = 0, in Any;
        /// Hidden layers of the network
        net_arch: NetworkSpec = "mlp:400,400", in Any;
    }
}

/// A finished run: what to save, what to say, what to draw.
#[derive(Clone, Debug)]
pub(crate) struct RunOutcome {
    pub(crate) model: Model,
    pub(crate) summary: Value,
    /// Name, x label, y label, points.
    pub(crate) curves: Vec<LineChart>,
}

/// Trains, and returns the summary that is also written to the run directory.
///
/// # Errors
/// If the request cannot be run (nothing is then left behind), or training fails.
pub fn train(request: &TrainRequest, progress: &dyn Progress) -> Result<Value, Error> {
    let algorithm = Algorithm::find(&request.algorithm)?;
    check_out(request.out.as_deref())?;
    let layers = request.layers()?;
    match algorithm.learns {
        Learns::States => {
            let resolved = resolve::<(RunConfig, TabularConfig)>(&layers)?;
            let spec = checked_env(algorithm, &resolved.settings.0)?;
            let runner =
                |settings: &(RunConfig, TabularConfig), log: &mut Log, _, progress: &dyn Progress| {
                    learn_table(algorithm, spec, settings, log, progress)
                };
            request.run(&resolved, |s| &mut s.0.seed, spec.id, runner, progress)
        }
        Learns::Features => {
            let resolved = resolve::<(RunConfig, (EvalConfig, DqnConfig))>(&layers)?;
            let spec = checked_env(algorithm, &resolved.settings.0)?;
            if resolved.settings.0.episodes.is_some() || resolved.settings.0.steps.is_none() {
                let name = algorithm.name;
                return Err(usage(format!(
                    "`{name}` needs --steps N (its exploration schedule is relative to them)"
                )));
            }
            let runner = |settings: &(RunConfig, (EvalConfig, DqnConfig)),
                          log: &mut Log,
                          threads,
                          progress: &dyn Progress| {
                let (run, (eval, config)) = settings;
                learn_dqn(spec, run, eval, config, log, threads, progress)
            };
            request.run(&resolved, |s| &mut s.0.seed, spec.id, runner, progress)
        }
        Learns::Labels => {
            let resolved = resolve::<(DataConfig, FitConfig)>(&layers)?;
            let data = checked_data(resolved.settings.0.data.as_deref(), &resolved.settings.1)?;
            let runner = |settings: &(DataConfig, FitConfig), log: &mut Log, _, progress: &dyn Progress| {
                let (run, fit) = settings;
                fit_classifier(&data, run.seed, &run.net_arch, fit, None, log, progress)
            };
            let name = resolved.settings.0.data.clone().unwrap_or_default();
            request.run(&resolved, |s| &mut s.0.seed, &name, runner, progress)
        }
    }
}

pub(super) fn usage(message: impl Into<String>) -> Error {
    ConfigError::Usage(message.into()).into()
}

fn checked_env(algorithm: &Algorithm, run: &RunConfig) -> Result<&'static Spec, Error> {
    let id =
        run.env.as_deref().ok_or_else(|| usage("which environment? give --env ID (see `potstill envs`)"))?;
    let spec = find_env(id)?;
    let (fits, needs) = match algorithm.learns {
        Learns::States => (spec.make_states().is_some(), "discrete observations"),
        _ => (spec.make_features().is_some(), "observations with features"),
    };
    if !fits {
        let (name, space) = (algorithm.name, spec.observation_space());
        return Err(usage(format!("`{name}` needs {needs}; those of {id} are {space}")));
    }
    match (run.steps, run.episodes) {
        (None, None) => Err(usage("how long? give --steps N or --episodes N")),
        (Some(_), Some(_)) => Err(usage("give --steps or --episodes, not both")),
        _ => Ok(spec),
    }
}

/// The dataset of a run, if its split leaves something to train on.
pub(super) fn checked_data(name: Option<&str>, fit: &FitConfig) -> Result<Dataset, Error> {
    let name = name.ok_or_else(|| usage(format!("which dataset? give --data {}", DATASETS.join("|"))))?;
    let data = Dataset::by_name(name).ok_or_else(|| ConfigError::unknown("dataset", name, None, DATASETS))?;
    if fit.test_samples >= data.len() as u64 {
        let reason = format!("must leave something to train on, but the dataset has {} samples", data.len());
        return Err(ConfigError::Value { key: "test_samples".to_owned(), origin: None, reason }.into());
    }
    Ok(data)
}

impl TrainRequest {
    fn head(&self) -> [(&'static str, &str); 2] {
        [("command", "train"), ("algorithm", &self.algorithm)]
    }

    fn layers(&self) -> Result<Vec<Layer>, Error> {
        let mut layers = self.sources.layers(&self.head())?;
        if let Some(preset) = &self.preset {
            let env = peek(&layers, "env").unwrap_or_default().to_owned();
            layers.insert(0, presets::find(&self.algorithm, preset, &env)?);
        }
        Ok(layers)
    }

    /// One run directory for one seed; for several a folder with one run each and what they have in common.
    fn run<S: Settings + Send + Sync>(
        &self,
        resolved: &Resolved<S>,
        seed: fn(&mut S) -> &mut u64,
        on: &str,
        runner: impl Fn(&S, &mut Log, usize, &dyn Progress) -> Result<RunOutcome, Error> + Sync,
        progress: &dyn Progress,
    ) -> Result<Value, Error> {
        let first = *seed(&mut resolved.settings.clone());
        if first.checked_add(self.seeds).is_none_or(|end| end > i64::MAX as u64) {
            return Err(usage(format!("{} seeds from {first} on go beyond {}", self.seeds, i64::MAX)));
        }
        let name = format!("{}-{on}-seed{first}", self.algorithm);
        let one = |dir: &RunDir, seed_value: u64, threads: usize, progress: &dyn Progress| {
            let mut resolved = resolved.clone();
            *seed(&mut resolved.settings) = seed_value;
            let config = resolved.to_toml(&self.head());
            let title = format!("{} on {on}, seed {seed_value}", self.algorithm);
            carry_out(dir, &config, &title, |log| runner(&resolved.settings, log, threads, progress))
        };
        let dir = RunDir::create(self.out.as_deref(), &name)?;
        if self.seeds <= 1 {
            return keep_or_discard(&dir, |dir| one(dir, first, self.threads, progress));
        }
        keep_or_discard(&dir, |dir| {
            progress.begin("seeds", self.seeds);
            let finished = std::sync::atomic::AtomicU64::new(0);
            let summaries = parallel_map(self.seeds as usize, self.threads, |i| {
                let value = first + i as u64;
                let nested = dir.nested(&format!("seed-{value}"))?;
                let summary = one(&nested, value, 1, &Quiet);
                let finished = 1 + finished.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                progress.advance(finished, "");
                summary
            });
            progress.end();
            let summaries = summaries.into_iter().collect::<Result<Vec<_>, Error>>()?;
            let summary = over_seeds(&self.algorithm, on, first, &summaries);
            dir.write(names::SUMMARY, format!("{summary:#}\n").as_bytes())?;
            Ok(with_out(summary, dir))
        })
    }
}

/// Runs in a new directory; if that fails, nothing is left of it.
pub(crate) fn keep_or_discard<T>(
    dir: &RunDir,
    work: impl FnOnce(&RunDir) -> Result<T, Error>,
) -> Result<T, Error> {
    work(dir).inspect_err(|_| dir.clone().discard())
}

/// Does the work of one run and fills its directory.
pub(crate) fn carry_out(
    dir: &RunDir,
    config: &str,
    title: &str,
    work: impl FnOnce(&mut Log) -> Result<RunOutcome, Error>,
) -> Result<Value, Error> {
    let started = Instant::now();
    dir.write(names::CONFIG, config.as_bytes())?;
    let mut log = dir.log(names::METRICS)?;
    let RunOutcome { model, mut summary, curves } = work(&mut log)?;
    log.finish()?;
    summary["parameters"] = json!(model.parameters());
    summary["seconds"] = json!(started.elapsed().as_secs_f64());
    dir.write(names::MODEL, &safetensors::write(&model))?;
    dir.write(names::SUMMARY, format!("{summary:#}\n").as_bytes())?;
    let mut blocks = vec![Block::Table(summary_table(&summary))];
    blocks.extend(curves.into_iter().map(Block::Lines));
    blocks.push(Block::Heading("Configuration".to_owned()));
    blocks.push(Block::Plain(config.to_owned()));
    let page = Page { title: title.to_owned(), lead: "A run of potstill.".to_owned(), blocks };
    dir.write(names::REPORT, page.html().as_bytes())?;
    Ok(with_out(summary, dir))
}

fn with_out(mut summary: Value, dir: &RunDir) -> Value {
    summary["out"] = json!(dir.path().display().to_string());
    summary
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

/// Mean, interquartile mean and interval over the seeds of every number that the summaries share.
fn over_seeds(algorithm: &str, on: &str, first: u64, summaries: &[Value]) -> Value {
    let mut all = json!({ "command": "train", "algorithm": algorithm, "on": on, "seed": first, "seeds": summaries.len() });
    for key in ["mean_return_last_100", "best_return", "test_error", "seconds"] {
        let values: Vec<f64> = summaries.iter().filter_map(|summary| summary[key].as_f64()).collect();
        if values.len() == summaries.len() {
            let mut rng = Streams::new(first).stream("bootstrap");
            let mean = statistics::bootstrap(&values, statistics::mean, &mut rng);
            let iqm = statistics::bootstrap(&values, statistics::interquartile_mean, &mut rng);
            all[key] = json!({
                "mean": mean.value, "mean_low": mean.low, "mean_high": mean.high,
                "iqm": iqm.value, "iqm_low": iqm.low, "iqm_high": iqm.high,
            });
        }
    }
    all
}

/// The mean over the newest hundred, as Stable-Baselines3's `rollout/ep_rew_mean`.
#[derive(Default)]
struct Recent {
    values: VecDeque<f64>,
}

impl Recent {
    fn push(&mut self, value: f64) {
        if self.values.len() == 100 {
            self.values.pop_front();
        }
        self.values.push_back(value);
    }

    fn mean(&self) -> Option<f64> {
        (!self.values.is_empty()).then(|| self.values.iter().sum::<f64>() / self.values.len() as f64)
    }
}

/// Drives a trainer to its end, telling a caller of every event.
fn drive<A: Agent>(
    trainer: &mut Trainer<A>,
    run: &RunConfig,
    mut on_event: impl FnMut(&Trainer<A>, &Event) -> Result<bool, Error>,
) -> Result<(), Error> {
    loop {
        let event = trainer.step()?;
        let over = run.steps.is_some_and(|steps| trainer.steps() >= steps)
            || run.episodes.is_some_and(|episodes| trainer.episodes() >= episodes);
        if !on_event(trainer, &event)? || over {
            return Ok(());
        }
    }
}

fn learn_table(
    algorithm: &Algorithm,
    spec: &'static Spec,
    (run, config): &(RunConfig, TabularConfig),
    log: &mut Log,
    progress: &dyn Progress,
) -> Result<RunOutcome, Error> {
    let streams = Streams::new(run.seed);
    let states = spec.observation_space().discrete().expect("checked: discrete observations");
    let actions = spec.action_space().discrete().expect("checked: discrete actions");
    match algorithm.name {
        "q-learning" => {
            let agent = QLearning::new(config.clone(), states, actions, streams);
            run_table(algorithm, spec, agent, run, streams, log, progress)
        }
        "sarsa" => {
            let agent = Sarsa::new(config.clone(), states, actions, streams);
            run_table(algorithm, spec, agent, run, streams, log, progress)
        }
        other => unreachable!("{other} is no tabular algorithm of the catalogue"),
    }
}

fn run_table<A: Agent<Observation = usize>>(
    algorithm: &Algorithm,
    spec: &'static Spec,
    agent: A,
    run: &RunConfig,
    streams: Streams,
    log: &mut Log,
    progress: &dyn Progress,
) -> Result<RunOutcome, Error> {
    let env = spec.make_states().expect("checked: discrete observations");
    let mut trainer = Trainer::new(agent, env, streams);
    let (mut recent, mut curve) = (Recent::default(), Vec::new());
    let total = run.episodes.or(run.steps).expect("checked: one of them");
    progress.begin(&format!("{} on {}", algorithm.name, spec.id), total);
    drive(&mut trainer, run, |trainer, event| {
        if let Some(episode) = event.episode {
            recent.push(episode.episode_return);
            curve.push((trainer.episodes() as f64, episode.episode_return));
            log.line(&json!({
                "step": trainer.steps(),
                "episode": trainer.episodes(),
                "rollout/ep_rew": episode.episode_return,
                "rollout/ep_len": episode.steps,
                "rollout/ep_rew_mean": recent.mean(),
            }))?;
            if trainer.episodes().is_multiple_of(64) {
                let done = if run.episodes.is_some() { trainer.episodes() } else { trainer.steps() };
                progress.advance(done, &format!("return {:.1}", recent.mean().unwrap_or_default()));
            }
        }
        Ok(true)
    })?;
    progress.end();
    let summary = json!({
        "command": "train",
        "algorithm": algorithm.name,
        "env": spec.id,
        "seed": run.seed,
        "steps": trainer.steps(),
        "episodes": trainer.episodes(),
        "mean_return_last_100": recent.mean(),
    });
    let curves = vec![returns_chart("episode", curve)];
    Ok(RunOutcome { model: trainer.agent().model(), summary, curves })
}

fn returns_chart(x_label: &str, points: Vec<(f64, f64)>) -> LineChart {
    LineChart {
        title: "Return while learning".to_owned(),
        x_label: x_label.to_owned(),
        y_label: "return".to_owned(),
        series: vec![Series { name: "return".to_owned(), points, band: Vec::new() }],
        y_range: None,
    }
}

/// Trains a DQN; keeps the best evaluated model if there are evaluations, else the last.
pub(crate) fn learn_dqn(
    spec: &'static Spec,
    run: &RunConfig,
    eval: &EvalConfig,
    config: &DqnConfig,
    log: &mut Log,
    threads: usize,
    progress: &dyn Progress,
) -> Result<RunOutcome, Error> {
    if config.buffer_size < config.batch_size {
        let reason =
            format!("must hold at least a batch of {}, got {}", config.batch_size, config.buffer_size);
        return Err(ConfigError::Value { key: "buffer_size".to_owned(), origin: None, reason }.into());
    }
    let streams = Streams::new(run.seed);
    let total = run.steps.expect("checked: DQN runs for a number of steps");
    let features = spec.observation_space().features();
    let actions = spec.action_space().discrete().expect("checked: discrete actions");
    let agent = Dqn::new(config.clone(), features, actions, total, streams);
    let env = spec.make_features().expect("checked: features");
    let mut trainer = Trainer::new(agent, env, streams);
    let (mut recent, mut lengths) = (Recent::default(), Recent::default());
    let (mut curve, mut evaluations, mut distances) = (Vec::new(), Vec::new(), Vec::new());
    let mut best: Option<(f64, u64, Network)> = None;
    progress.begin(&format!("dqn on {}", spec.id), total);
    drive(&mut trainer, run, |trainer, event| {
        let step = trainer.steps();
        if let Some(episode) = event.episode {
            recent.push(episode.episode_return);
            lengths.push(episode.steps as f64);
            curve.push((step as f64, episode.episode_return));
        }
        if let Some(update) = event.update {
            distances.push((step as f64, update.teacher_distance));
            log.line(&json!({
                "step": step,
                "rollout/ep_rew_mean": recent.mean(),
                "rollout/ep_len_mean": lengths.mean(),
                "rollout/exploration_rate": update.epsilon,
                "train/loss": update.loss,
                "teacher/staleness": update.teacher_staleness,
                "teacher/distance": update.teacher_distance,
            }))?;
            progress.advance(step, &format!("return {:.1}", recent.mean().unwrap_or_default()));
        }
        if eval.eval_freq == 0 || !step.is_multiple_of(eval.eval_freq) {
            return Ok(true);
        }
        let protocol =
            Protocol { episodes: eval.eval_episodes as usize, streams, purpose: "validation", threads };
        let student = trainer.agent().student();
        let evaluation = evaluate_policy(&Model::Network(student.clone()), spec, protocol)?;
        let mean = evaluation.mean_return();
        evaluations.push((step as f64, mean));
        log.line(
            &json!({ "step": step, "eval/mean_reward": mean, "eval/std_reward": evaluation.std_return() }),
        )?;
        if best.as_ref().is_none_or(|(score, ..)| mean > *score) {
            best = Some((mean, step, student.clone()));
        }
        Ok(eval.stop_at_return.is_none_or(|goal| mean < goal))
    })?;
    progress.end();
    let summary = json!({
        "command": "train",
        "algorithm": "dqn",
        "env": spec.id,
        "seed": run.seed,
        "steps": trainer.steps(),
        "episodes": trainer.episodes(),
        "mean_return_last_100": recent.mean(),
        "best_return": best.as_ref().map(|best| best.0),
        "best_step": best.as_ref().map(|best| best.1),
    });
    let mut returns = returns_chart("step", curve);
    if !evaluations.is_empty() {
        returns.series.push(Series { name: "evaluation".to_owned(), points: evaluations, band: Vec::new() });
    }
    let distance = LineChart {
        title: "How far the student has moved from its teacher, the target network".to_owned(),
        x_label: "step".to_owned(),
        y_label: "distance".to_owned(),
        series: vec![Series { name: "distance".to_owned(), points: distances, band: Vec::new() }],
        y_range: None,
    };
    let network = best.map_or_else(|| trainer.agent().student().clone(), |best| best.2);
    Ok(RunOutcome { model: Model::Network(network), summary, curves: vec![returns, distance] })
}

/// Fits a classifier to labels, or to labels and a teacher.
pub(crate) fn fit_classifier(
    data: &Dataset,
    seed: u64,
    spec: &NetworkSpec,
    fit: &FitConfig,
    soft_targets: Option<SoftTargets>,
    log: &mut Log,
    progress: &dyn Progress,
) -> Result<RunOutcome, Error> {
    let (train, test) =
        data.split(fit.test_samples as usize, &mut Streams::new(fit.split_seed).stream("split"));
    let mut trainer = ClassifierTrainer::new(fit.clone(), spec, &train, soft_targets, Streams::new(seed));
    let (mut losses, mut errors) = (Vec::new(), Vec::new());
    progress.begin("epochs", fit.epochs);
    while trainer.epochs() < fit.epochs {
        let loss = trainer.epoch();
        let epoch = trainer.epochs();
        if !loss.is_finite() {
            let source = crate::agent::LearnError::NotFinite { loss };
            return Err(crate::train::TrainError::Learn { step: epoch, source }.into());
        }
        let test_error = error_rate(trainer.student(), &test);
        losses.push((epoch as f64, loss));
        errors.push((epoch as f64, test_error));
        log.line(&json!({ "epoch": epoch, "train/loss": loss, "eval/test_error": test_error }))?;
        progress.advance(epoch, &format!("test error {:.2} %", 100.0 * test_error));
    }
    progress.end();
    let student = trainer.student().clone();
    let summary = json!({
        "command": "train",
        "algorithm": "classifier",
        "seed": seed,
        "epochs": fit.epochs,
        "train_samples": train.len(),
        "test_samples": test.len(),
        "train_error": error_rate(&student, &train),
        "test_error": error_rate(&student, &test),
    });
    let chart = |title: &str, y_label: &str, points| LineChart {
        title: title.to_owned(),
        x_label: "epoch".to_owned(),
        y_label: y_label.to_owned(),
        series: vec![Series { name: y_label.to_owned(), points, band: Vec::new() }],
        y_range: None,
    };
    let curves =
        vec![chart("Loss on the training samples", "loss", losses), chart("Test error", "error", errors)];
    Ok(RunOutcome { model: Model::Network(student), summary, curves })
}
