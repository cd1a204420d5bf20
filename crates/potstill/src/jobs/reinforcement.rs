//! The job of an agent that learns in an environment.

use super::settings::{EvalConfig, RunConfig};
use super::{Best, BestLike, IfKnown, Job, Outcome, Recent, Recorder, evaluate_policy_unless};
use crate::agent::Agent;
use crate::agent::Measurements;
use crate::data::OfflineDataset;
use crate::error::Error;
use crate::metrics::{Record, catalogue};
use crate::model::{Actor, Model, ModelActor};
use crate::targets;
use crate::train::{
    ActionOf, Actors, ByName, Callback, EpisodeEnd, Evaluation, Evaluator, ObservationOf, Protocol, Stop,
    Training,
};
use potstill_core::snapshot::{Codec, Field, Flat, IfPresent};
use potstill_core::{Snapshot, SnapshotError, Streams, snapshot};
use potstill_env::registry::{Spec, id};
use potstill_env::{BoxEnv, Env, Space};
use potstill_nn::{Network, NetworkSpec, Workspace};
use serde_json::json;
use std::ops::ControlFlow;

/// Episodes of the final evaluation, apart from those that selected the model.
const COMPARISON: usize = 100;

/// Training of an agent, with evaluations.
pub(crate) struct ReinforcementJob<T: Training> {
    algorithm: &'static str,
    spec: Spec,
    run: RunConfig,
    threads: usize,
    trainer: T,
    evaluator: Option<Evaluator<ObservationOf<T>, ActionOf<T>>>,
    acts: Acts,
    /// A remark before the work begins.
    about: Option<String>,
    /// A warning before the work begins.
    warning: Option<String>,
    /// The mean return of an evaluation at which the run stops.
    goal: Option<f64>,
    statistics: RunStatistics,
    best: Option<Best>,
}

/// The source of the actions.
pub(crate) enum Acts {
    /// The learner.
    Learner,
    /// A recording of this many episodes, whose returns are none of the learner's.
    Recording(usize),
    /// The policy of another run.
    Run(String),
    /// Nothing: recorded transitions are learned from, without acting.
    Data {
        /// Their number.
        transitions: u64,
        /// The episodes that they are of.
        episodes: usize,
        /// The mean return of these.
        mean_return: f64,
        /// Their first observations, row after row, if the environment is not at hand.
        starts: Vec<f32>,
    },
}

/// Updates from recorded data between lines of the log, times `log_interval`.
const LOGGED_UPDATES: u64 = 100;

/// The results so far.
#[derive(Default)]
struct RunStatistics {
    returns: Recent,
    lengths: Recent,
    updates: Updates,
    score: Option<f64>,
    goal_reached: bool,
    /// The clipped mass of the last record; 0 if there is none.
    clipped_mass: f64,
}

snapshot! {
    impl Restorable for RunStatistics {
        saved: returns, lengths, updates, score via IfKnown, goal_reached, clipped_mass via IfPresent;
    }
}

/// The updates since the last record.
#[derive(Clone, Copy, Debug, Default)]
struct Updates {
    count: u64,
    /// The sums of their measurements.
    sums: Measurements,
}

/// Saves the loss as a number, as checkpoints of every format have it, and all measurements by their names unless it is the only one.
struct LossFirst;

/// The branch of several measurements.
const MEASURED: &str = "measured";

impl Codec<Measurements> for LossFirst {
    fn save(&self, sums: &Measurements, name: &str, snapshot: &mut Snapshot) {
        let loss = sums.get(catalogue::LOSS).unwrap_or_default();
        loss.save(name, snapshot);
        // A loss of 0 alone stands for no measurement.
        let others = sums.iter().any(|(name, _)| name != catalogue::LOSS);
        if others || (loss == 0.0 && sums.get(catalogue::LOSS).is_some()) {
            ByName.save(sums, MEASURED, snapshot);
        }
    }

    fn load(&self, sums: &mut Measurements, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        let loss = snapshot.f64(name)?;
        *sums = if loss == 0.0 { Measurements::default() } else { Measurements::of(catalogue::LOSS, loss) };
        if snapshot.contains(MEASURED) { ByName.load(sums, MEASURED, snapshot) } else { Ok(()) }
    }
}

snapshot! {
    impl Restorable for Updates {
        saved: count, sums as "loss" via LossFirst;
    }
}

/// Records the events of a part of the run.
struct Watch<'a, 'r> {
    run: &'a RunConfig,
    acts: &'a Acts,
    goal: Option<f64>,
    statistics: &'a mut RunStatistics,
    best: &'a mut Option<Best>,
    record: &'a mut Recorder<'r>,
    /// The error of a record that could not be written.
    failed: Option<Error>,
}

impl Watch<'_, '_> {
    fn record(&mut self, step: u64, values: Vec<(&'static str, f64)>) -> ControlFlow<()> {
        match (self.record)(&Record { step, values }) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                self.failed = Some(error);
                ControlFlow::Break(())
            }
        }
    }
}

impl RunStatistics {
    /// Adds what was learned since the last record: first behaviour, then learning, then diagnostics.
    fn add_learned<T: Training>(&mut self, trainer: &T, values: &mut Vec<(&'static str, f64)>) {
        let Updates { count, sums } = std::mem::take(&mut self.updates);
        if count == 0 {
            return;
        }
        let now = trainer.diagnostics();
        let acts = |(name, _): &(&str, f64)| name.starts_with("rollout/");
        values.extend(now.iter().filter(acts));
        values.extend(sums.iter().map(|(name, sum)| (name, sum / count as f64)));
        self.clipped_mass = sums.get(catalogue::TRAIN_CLIPPED_MASS).unwrap_or_default() / count as f64;
        values.extend(now.iter().filter(|measured| !acts(measured)));
    }
}

impl<T: Training> Callback<T> for Watch<'_, '_> {
    fn on_step(&mut self, trainer: &T, update: Option<&Measurements>) -> ControlFlow<()> {
        if let Some(update) = update {
            let Updates { count, sums } = &mut self.statistics.updates;
            *count += 1;
            update.iter().for_each(|(name, value)| sums.add(name, value));
        }
        let interval = LOGGED_UPDATES.saturating_mul(self.run.log_interval);
        if !matches!(self.acts, Acts::Data { .. }) || !trainer.steps().is_multiple_of(interval) {
            return ControlFlow::Continue(());
        }
        let mut values = Vec::new();
        // Without the exploration of an agent that does not act.
        self.statistics.add_learned(trainer, &mut values);
        values.retain(|(name, _)| !name.starts_with("rollout/"));
        self.record(trainer.steps(), values)
    }

    fn on_episode(&mut self, trainer: &T, episode: &EpisodeEnd) -> ControlFlow<()> {
        let RunStatistics { returns, lengths, .. } = &mut *self.statistics;
        returns.push(episode.episode_return);
        lengths.push(episode.steps as f64);
        let over = self.run.episodes.is_some_and(|episodes| trainer.episodes() >= episodes);
        if trainer.episodes().is_multiple_of(self.run.log_interval) {
            let mut values = vec![(catalogue::EPISODES, trainer.episodes() as f64)];
            if !matches!(self.acts, Acts::Recording(_)) {
                values.extend([
                    (catalogue::EP_REW, episode.episode_return),
                    (catalogue::EP_LEN, episode.steps as f64),
                    (catalogue::EP_REW_MEAN, returns.mean().unwrap_or_default()),
                    (catalogue::EP_LEN_MEAN, lengths.mean().unwrap_or_default()),
                ]);
            }
            self.statistics.add_learned(trainer, &mut values);
            self.record(trainer.steps(), values)?;
        }
        if over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn on_evaluation(&mut self, trainer: &T, evaluation: &Evaluation) -> ControlFlow<()> {
        let (mean, step) = (evaluation.mean_return(), trainer.steps());
        // Of equal ones the latest, which has learned most. From data the latest of all: a choice by its return would
        // learn from the environment.
        let is_offline = matches!(self.acts, Acts::Data { .. });
        if self.best.as_ref().is_none_or(|best| is_offline || mean >= best.score) {
            let is_untrained = is_untrained(trainer);
            *self.best = Some(Best { score: mean, step, model: trainer.model(), is_untrained });
        }
        self.statistics.score = Some(mean);
        self.statistics.goal_reached = self.goal.is_some_and(|goal| mean >= goal);
        self.record(
            step,
            vec![(catalogue::EVAL_MEAN_REWARD, mean), (catalogue::EVAL_STD_REWARD, evaluation.std_return())],
        )?;
        if self.statistics.goal_reached { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

/// Returns true if an agent counts its updates, and has made none.
fn is_untrained<T: Training>(trainer: &T) -> bool {
    trainer.diagnostics().get(catalogue::N_UPDATES) == Some(0.0)
}

impl<T: Training> ReinforcementJob<T> {
    /// Starts training; `make_env` makes environments for evaluations.
    pub(crate) fn new(
        algorithm: &'static str,
        trainer: T,
        make_env: impl Fn() -> BoxEnv<ObservationOf<T>, ActionOf<T>> + Send + Sync + 'static,
        spec: Spec,
        run: RunConfig,
        eval: Option<EvalConfig>,
        threads: usize,
    ) -> Self {
        let streams = Streams::new(run.seed);
        let eval = eval.filter(|eval| eval.eval_freq > 0);
        let goal = eval.as_ref().and_then(|eval| eval.stop_at_return);
        let evaluator = eval.map(|eval| Evaluator {
            every: eval.eval_freq,
            last_step: run.steps,
            last_episode: run.episodes,
            protocol: Protocol {
                episodes: eval.eval_episodes as usize,
                streams,
                purpose: "validation",
                threads,
            },
            make_env: Box::new(make_env),
        });
        let (about, warning, statistics, best) = (None, None, RunStatistics::default(), None);
        let acts = Acts::Learner;
        Self {
            algorithm,
            spec,
            run,
            threads,
            trainer,
            evaluator,
            acts,
            about,
            warning,
            goal,
            statistics,
            best,
        }
    }

    /// Records the episodes, if the settings name a place for them.
    ///
    /// # Errors
    /// If nothing is played, or observations are images; the reason.
    pub(crate) fn recording_if_asked(mut self) -> Result<Self, String> {
        if self.run.record.is_some() {
            if matches!(self.spec.observation_space(), Space::Image { .. }) {
                return Err("images are not recorded".to_owned());
            }
            if matches!(self.acts, Acts::Data { .. } | Acts::Recording(_)) {
                return Err("nothing is played in a run on recorded data".to_owned());
            }
            self.trainer.record(&self.spec.id)?;
        }
        Ok(self)
    }

    /// Sets the source of the actions.
    pub(crate) fn acting(self, acts: Acts) -> Self {
        Self { acts, ..self }
    }

    /// Adds the model's estimate of the return of an episode to a summary, if it has values.
    fn add_start_value(&self, model: &Model, summary: &mut serde_json::Value) {
        let value = match (&self.acts, model) {
            (Acts::Data { starts, .. }, Model::Network(network)) if !starts.is_empty() => {
                let rows = starts.chunks_exact(network.inputs());
                let count = rows.len() as f64;
                Some(rows.map(largest_value(network)).sum::<f64>() / count)
            }
            _ if !self.spec.is_playable() => None,
            _ => start_value(model, &self.spec, self.run.seed),
        };
        if let Some(value) = value.filter(|_| self.trainer.agent().learns_values()) {
            summary[catalogue::START_VALUE] = json!(value);
        }
    }

    /// Sets the remark and the warning.
    pub(crate) fn about(self, about: Option<String>, warning: Option<String>) -> Self {
        Self { about, warning, ..self }
    }
}

impl<T: Training> Job for ReinforcementJob<T>
where
    for<'a> ModelActor<'a>: Actor<ObservationOf<T>, ActionOf<T>>,
{
    fn about(&self) -> Option<&str> {
        self.about.as_deref()
    }

    fn policy(&self) -> Option<Model> {
        Some(self.trainer.model())
    }

    fn warning(&self) -> Option<&str> {
        self.warning.as_deref()
    }

    fn steps(&self) -> u64 {
        self.trainer.steps()
    }

    fn start_from(&mut self, model: &Model) -> Result<(), String> {
        self.trainer.agent_mut().start_from(model)
    }

    fn is_scored(&self) -> bool {
        self.evaluator.is_some() || !matches!(self.acts, Acts::Data { .. })
    }

    fn take_over_critics(&mut self, saved: &Snapshot, spec: &NetworkSpec) -> bool {
        self.trainer.agent_mut().take_over_critics(saved, spec)
    }

    fn recording(&self) -> Result<Option<(&str, OfflineDataset)>, String> {
        let data = self.trainer.recording().transpose()?;
        Ok(self.run.record.as_deref().zip(data))
    }

    fn learns_values(&self) -> bool {
        self.trainer.agent().learns_values()
    }

    fn step_elsewhere(&mut self, actors: Box<dyn Actors>, config: &str) -> Result<(), String> {
        self.trainer.step_elsewhere(actors, config, Streams::new(self.run.seed))
    }

    fn is_over(&self) -> bool {
        let is_reached = self.statistics.goal_reached
            || self.run.steps.is_some_and(|steps| self.trainer.steps() >= steps)
            || self.run.episodes.is_some_and(|episodes| self.trainer.episodes() >= episodes);
        is_reached && self.trainer.last_step().is_complete()
    }

    fn advance(&mut self, until: u64, stop: &Stop<'_>, record: &mut Recorder<'_>) -> Result<(), Error> {
        let until = self.run.steps.map_or(until, |steps| until.min(steps));
        let (run, goal, statistics, best) = (&self.run, self.goal, &mut self.statistics, &mut self.best);
        let mut watch = Watch { run, acts: &self.acts, goal, statistics, best, record, failed: None };
        self.trainer.run_unless(stop, until, self.evaluator.as_ref(), &mut watch)?;
        watch.failed.map_or(Ok(()), Err)
    }

    fn is_between_steps(&self) -> bool {
        self.trainer.is_between_steps()
    }

    fn progress(&self) -> (u64, u64, String) {
        let own = self.statistics.returns.mean().filter(|_| !matches!(self.acts, Acts::Recording(_)));
        let note = own.map(|mean| format!("return {mean:.1}")).unwrap_or_default();
        match self.run.episodes {
            Some(episodes) => (self.trainer.episodes(), episodes, note),
            None => (self.trainer.steps(), self.run.steps.unwrap_or_default(), note),
        }
    }

    fn score(&self) -> Option<f64> {
        self.statistics.score
    }

    fn finish(&mut self, stop: &Stop<'_>) -> Result<Option<Outcome>, Error> {
        let mut summary = json!({
            "command": "train",
            "algorithm": self.algorithm,
            "env": self.spec.id,
            "seed": self.run.seed,
            "steps": self.trainer.steps(),
            "episodes": self.trainer.episodes(),
        });
        match &self.acts {
            Acts::Recording(episodes) => summary[catalogue::RECORDED_EPISODES] = json!(episodes),
            Acts::Data { transitions, episodes, mean_return, .. } => {
                summary.as_object_mut().expect("an object").remove("episodes");
                summary[catalogue::RECORDED_EPISODES] = json!(episodes);
                summary[catalogue::TRANSITIONS] = json!(transitions);
                summary[catalogue::RECORDED_RETURN] = json!(mean_return);
            }
            acts => {
                summary[catalogue::RETURN_LAST_100] = json!(self.statistics.returns.mean());
                summary[catalogue::STEPS_LAST_100] = json!(self.statistics.lengths.mean());
                if let Acts::Run(run) = acts {
                    summary[catalogue::BEHAVIOUR] = json!(run);
                }
            }
        }
        if self.statistics.clipped_mass > 0.0 {
            summary[catalogue::CLIPPED_MASS] = json!(self.statistics.clipped_mass);
        }
        let untrained = match &self.best {
            _ if is_untrained(&self.trainer) => Some(catalogue::UNTRAINED_RUN),
            Some(best) if best.is_untrained => Some(catalogue::UNTRAINED_BEST),
            _ => None,
        };
        if let Some(untrained) = untrained {
            summary[catalogue::UNTRAINED] = json!(untrained);
        }
        let Some(Best { score, step, model, .. }) = &self.best else {
            let model = self.trainer.model();
            self.add_start_value(&model, &mut summary);
            for (name, value) in self.trainer.agent().results().iter() {
                summary[name] = json!(value);
            }
            return Ok(Some(Outcome {
                model,
                summary,
                visits: self.trainer.agent().visits().map(<[u64]>::to_vec),
                compared: None,
            }));
        };
        // The best model was selected by its score, which is therefore biased upwards; new episodes are not.
        let streams = Streams::new(self.run.seed);
        let protocol =
            Protocol { episodes: COMPARISON, streams, purpose: "comparison", threads: self.threads };
        let evaluate = |model: &Model| evaluate_policy_unless(stop, model, &self.spec, protocol);
        let Some(evaluation) = evaluate(model)? else { return Ok(None) };
        // The same episodes with the last model, if it is another one.
        let last = self.trainer.model();
        let of_last = if last == *model {
            evaluation.mean_return()
        } else {
            let Some(evaluation) = evaluate(&last)? else { return Ok(None) };
            evaluation.mean_return()
        };
        self.add_start_value(model, &mut summary);
        if !matches!(self.acts, Acts::Data { .. }) {
            summary["best_return"] = json!(score);
            summary["best_step"] = json!(step);
        }
        summary["last_return"] = json!(of_last);
        summary[catalogue::MEAN_RETURN] = json!(evaluation.mean_return());
        summary["std_return"] = json!(evaluation.std_return());
        Ok(Some(Outcome { model: model.clone(), summary, visits: None, compared: None }))
    }
}

/// The largest action value of a network at an observation.
fn largest_value(network: &Network) -> impl FnMut(&[f32]) -> f64 {
    let (mut workspace, mut means) = (Workspace::default(), Vec::new());
    move |observation| {
        network.means(1, network.predict(observation, &mut workspace), &mut means);
        targets::max(&means)
    }
}

/// Start states in the mean of the learned value, if the start distribution is unknown: fewer in environments outside of
/// this program, whose resets may take long.
fn starts(spec: &Spec) -> u64 {
    if id::namespace(&spec.id).is_some() { 20 } else { 1000 }
}

/// A model's estimate of the return of an episode: its largest action value in a start state, averaged over
/// the start distribution; `None` for a policy without values.
fn start_value(model: &Model, spec: &Spec, seed: u64) -> Option<f64> {
    let (streams, starts) = (Streams::new(seed), starts(spec));
    let reset = |i: u64| Some(streams.seed_for("starts", i));
    Some(match model {
        Model::Control(_) | Model::Predictor(_) => return None,
        Model::Table(table) => {
            let mut env = spec.make_states().expect("a table is for states");
            let best = |state: usize| targets::max(table.row(state));
            match env.model() {
                Some(model) => model.start().iter().map(|&(p, state)| p * best(state)).sum(),
                None => {
                    let mut state = 0;
                    let mut value = |i| {
                        env.reset(reset(i), &mut state);
                        best(state)
                    };
                    (0..starts).map(&mut value).sum::<f64>() / starts as f64
                }
            }
        }
        Model::Linear(linear) => {
            let mut env = spec.make_features().expect("a linear model is for features");
            let mut observation = vec![0.0; linear.coder().bounds().len()];
            let (mut active, mut values) = (vec![0; linear.coder().tilings()], vec![0.0; linear.actions()]);
            let mut value = |i| {
                env.reset(reset(i), &mut observation);
                linear.values(&observation, &mut active, &mut values);
                targets::max(&values)
            };
            (0..starts).map(&mut value).sum::<f64>() / starts as f64
        }
        Model::Network(network) => {
            let mut env = spec.make_features().expect("a network is for features");
            let (mut observation, mut largest) = (vec![0.0; network.inputs()], largest_value(network));
            let mut value = |i| {
                env.reset(reset(i), &mut observation);
                largest(&observation)
            };
            (0..starts).map(&mut value).sum::<f64>() / starts as f64
        }
    })
}

snapshot! {
    impl[T: Training] Restorable for ReinforcementJob<T> {
        saved: trainer, statistics via Flat, best via BestLike(|| trainer.model());
        built: algorithm, spec, run, threads, evaluator, acts, about, warning, goal;
    }
}
