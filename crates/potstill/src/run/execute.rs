//! Executes a prepared run in its directory: checkpoints, records, results.

use super::checks::bad;
use super::episodes::EpisodesOut;
use super::judgement::judgement;
use super::latency::{costs, costs_of_teacher};
use super::observer::Observer;
use super::prepared::PreparedRun;
use super::report;
use super::summary::with_out;
use crate::agent::LearnError;
use crate::error::Error;
use crate::export::safetensors;
use crate::jobs::{Compared, Job, MODEL, Outcome, StoreConfig, TEACHER};
use crate::metrics::{History, JsonLines, Record, Sink, TensorBoard, catalogue};
use crate::model::Model;
use crate::store::{Checkpoint, FileMark, Manifest, RunDir, StoreError, names, snapshot_file};
use crate::train::{Stop, TrainError};
use potstill_core::Snapshot;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Steps between checks of the stop signal.
const SLICE_STEPS: u64 = 64;
/// Time between progress reports, and between writes of records.
const TICK: Duration = Duration::from_millis(200);
/// Time between checkpoints, if it is not given in steps.
const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(30);

/// Writes the configuration of a run before its work begins, after which it can be resumed.
///
/// # Errors
/// If the disk cannot be written.
pub(crate) fn create(dir: &RunDir, plan: &PreparedRun) -> Result<(), Error> {
    dir.write(names::CONFIG, plan.config.as_bytes())?;
    keep_copy(dir, plan)
}

/// Copies another run's model into the run, which then needs nothing outside its directory.
///
/// # Errors
/// If the disk cannot be written.
pub(crate) fn keep_copy(dir: &RunDir, plan: &PreparedRun) -> Result<(), Error> {
    if let Some((name, model)) = &plan.copy {
        dir.write(name, model)?;
    }
    dir.seal(&[names::CONFIG, names::TEACHER, names::BEHAVIOUR], false)?;
    Ok(())
}

/// Notes in the manifest that the configuration alone does not reproduce the run, and why.
///
/// # Errors
/// If the disk cannot be written.
pub(crate) fn note_irreproducible(dir: &RunDir, reason: &str) -> Result<(), Error> {
    let mut manifest = dir.manifest()?;
    manifest.about.insert("not_reproducible".to_owned(), json!(reason));
    Ok(dir.write(names::MANIFEST, &manifest.write())?)
}

/// Replaces the configuration of a run by one under which its checkpoints are still valid.
///
/// # Errors
/// If the disk cannot be written.
pub(crate) fn extend(dir: &RunDir, plan: &PreparedRun) -> Result<(), Error> {
    let mut manifest = dir.manifest()?;
    let mut earlier = earlier_configs(&manifest);
    earlier.push(config_crc(dir)?);
    manifest.about.insert(EARLIER.to_owned(), json!(earlier));
    manifest.about.insert("finished".to_owned(), json!(false));
    manifest.files.retain(|file| names::COPIES.contains(&&*file.name) || file.name == names::CONFIG);
    dir.write(names::MANIFEST, &manifest.write())?;
    Ok(dir.rewrite(names::CONFIG, plan.config.as_bytes())?)
}

/// The key of the checksums of earlier configurations in a manifest.
const EARLIER: &str = "earlier_configs_crc32c";

fn earlier_configs(manifest: &Manifest) -> Vec<u32> {
    let list = manifest.about.get(EARLIER).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(|crc| u32::try_from(crc.as_u64()?).ok()).collect()
}

fn config_crc(dir: &RunDir) -> Result<u32, Error> {
    Ok(crc32c::crc32c(&dir.read(names::CONFIG)?))
}

/// Restores a job from a checkpoint.
///
/// # Errors
/// If the checkpoint was made under another configuration, or by a program whose environment has other state.
pub(crate) fn restore(dir: &RunDir, job: &mut dyn Job, checkpoint: &Checkpoint) -> Result<(), Error> {
    let step = checkpoint.step;
    let other = |reason: String, remedy: &str| StoreError::Damaged {
        path: dir.path().join(names::CONFIG),
        reason,
        remedy: remedy.to_owned(),
    };
    let config = config_crc(dir)?;
    let known = checkpoint.config.is_none_or(|made| made == config);
    if !known && !earlier_configs(&dir.manifest()?).iter().any(|earlier| Some(*earlier) == checkpoint.config)
    {
        let reason = format!("is not what the checkpoint of step {step} was made under");
        return Err(other(reason, "put back the configuration that the run was begun with, or begin another run from its state (potstill train ALGO --from RUN --keep state)").into());
    }
    let fits = job.restore(&checkpoint.state);
    let remedy = "resume it with the program that began it, whose environment has the same state";
    fits.map_err(|error| other(format!("does not fit the checkpoint of step {step}: {error}"), remedy).into())
}

/// Does the work of a run that was [created](create), from its newest checkpoint on, and returns its summary.
///
/// # Errors
/// If the work fails or is stopped; a checkpoint is then saved. If a checkpoint is damaged; with `fallback`
/// an older one is used.
pub(crate) fn execute(
    dir: &RunDir,
    plan: PreparedRun,
    fallback: bool,
    observer: &dyn Observer,
) -> Result<Value, Error> {
    let PreparedRun { config, place, store, mut job, start, warnings, .. } = plan;
    let started = Instant::now();
    let checkpoint = newest_or_first(dir, (&*job, start), fallback, observer)?;
    let mut sinks = Sinks::open(dir, checkpoint.as_ref())?;
    let mut seconds_before = 0.0;
    if let Some(checkpoint) = &checkpoint {
        restore(dir, &mut *job, checkpoint)?;
        seconds_before = checkpoint.seconds;
        // The last process may have ended before this.
        Checkpoint::prune(dir, store.checkpoints_kept as usize)?;
    }
    dir.remove(names::FAILURE)?;
    dir.remove(names::FAILURE_BATCH)?;
    dir.remove(names::POLICY_SO_FAR)?;
    dir.remove(names::PRUNED)?;

    if let Some(about) = job.about() {
        observer.remark(about);
    }
    for warning in job.warning().into_iter().chain(warnings.iter().map(String::as_str)) {
        observer.warn(warning);
    }
    let (done, total, note) = job.progress();
    observer.begin(&report::title(&config.parse().unwrap_or_default()), total);
    observer.advance(done, &note);
    if checkpoint.is_some() {
        show_history(dir, observer);
    }
    let mut saver = Saver {
        dir,
        store: &store,
        config: config_crc(dir)?,
        running: None,
        saved: checkpoint.map(|c| c.step),
    };
    // A stop request stays, however an observer answers when it is asked again.
    let asked = AtomicBool::new(false);
    let stop = || {
        asked.load(Ordering::Relaxed) || {
            let asks = observer.stop_requested();
            asked.fetch_or(asks, Ordering::Relaxed);
            asks
        }
    };
    let seconds = || seconds_before + started.elapsed().as_secs_f64();
    let worked = work(dir, &mut *job, (&mut sinks, &mut saver), (observer, &stop), seconds);
    let finished = worked.and_then(|()| {
        let ended_early = !job.is_over();
        let stop = || stop() && !observer.is_enough();
        let Some(mut outcome) = job.finish(&stop)? else {
            keep_policy(dir, &*job)?;
            return Err(interrupted(dir, &*job, saver.saved));
        };
        if ended_early {
            outcome.summary[catalogue::ENDED_EARLY] = json!(true);
        }
        if outcome.model.is_finite() { Ok(outcome) } else { Err(TrainError::Model.into()) }
    });
    observer.end();
    let Outcome { model, mut summary, visits, mut compared } = match finished {
        Ok(outcome) => outcome,
        Err(Error::Train(error)) => {
            sinks.flush(dir)?;
            saver.wait()?;
            return Err(failed(dir, error, &place, saver.saved)?);
        }
        // Files have been written: the error is not the user's input any more.
        Err(Error::Store(error)) => return Err(Error::Disk(error)),
        Err(error) => return Err(error),
    };
    summary["parameters"] = json!(model.parameters());
    if let Some(remark) = judgement(&summary, &config, &History::read_unchecked(dir)) {
        summary["remark"] = json!(remark);
    }
    if let Some(compared) = &mut compared {
        add_costs(&mut summary, compared);
    }
    summary[catalogue::SECONDS] = json!(seconds_before + started.elapsed().as_secs_f64());
    let quality = compared.map(|compared| compared.quality);
    let recording = job.recording().map_err(|reason| bad("record", reason))?;
    if let Some((place, data)) = recording {
        EpisodesOut::write_once("record", place, &data)?;
    }
    write_results(dir, &model, &summary, (visits, quality))?;
    Ok(with_out(summary, dir))
}

/// Adds the size and the speed of each classifier to its numbers.
fn add_costs(summary: &mut Value, compared: &mut Compared) {
    if let Some(teacher) = &mut compared.teacher {
        for (key, cost) in costs_of_teacher(teacher).as_object().into_iter().flatten() {
            summary[TEACHER][key.as_str()] = cost.clone();
        }
    }
    for (key, predictor) in &compared.models {
        let about = if *key == MODEL { &mut *summary } else { &mut summary[*key] };
        for (key, cost) in costs(predictor, &compared.samples).as_object().into_iter().flatten() {
            about[key.as_str()] = cost.clone();
        }
    }
}

/// The checkpoint that a run goes on from: its newest, or a first one of the state that it starts from; none of a run
/// that starts from nothing.
fn newest_or_first(
    dir: &RunDir,
    (job, start): (&dyn Job, Option<Snapshot>),
    fallback: bool,
    observer: &dyn Observer,
) -> Result<Option<Checkpoint>, Error> {
    if let Some(newest) = Checkpoint::newest(dir, fallback)? {
        put_lost_logs_aside(dir, &newest, observer)?;
        return Ok(Some(newest));
    }
    if let Some(state) = start {
        let config = Some(config_crc(dir)?);
        let first = Checkpoint { step: job.steps(), state, config, ..Checkpoint::default() };
        first.save(dir, usize::MAX)?;
        return Ok(Some(first));
    }
    if has_begun(dir) {
        let run = dir.path().display();
        observer.warn(&format!("there is no checkpoint in {run}: the run begins again at step 0"));
    }
    Ok(None)
}

/// Shows the records of earlier processes, if they are wanted. What cannot be read is not shown.
fn show_history(dir: &RunDir, observer: &dyn Observer) {
    if observer.wants_history() {
        dir.lines_unchecked(names::METRICS, |line| {
            if let Some(record) = Record::parse(line) {
                observer.record(&record);
            }
        });
    }
}

/// Writes the results of a run, which is then finished.
fn write_results(
    dir: &RunDir,
    model: &Model,
    summary: &Value,
    (visits, quality): (Option<Vec<u64>>, Option<Value>),
) -> Result<(), Error> {
    dir.write(names::MODEL, &safetensors::write(model))?;
    dir.write(names::SUMMARY, format!("{summary:#}\n").as_bytes())?;
    if let Some(visits) = visits {
        dir.write(names::VISITS, format!("{}\n", json!({ "visits": visits })).as_bytes())?;
    }
    if let Some(quality) = quality {
        dir.write(names::QUALITY, format!("{quality}\n").as_bytes())?;
    }
    dir.write(names::REPORT, report::run_page(dir, report::Reader::Anywhere).html().as_bytes())?;
    // Written last: it marks the run as finished.
    let files = [
        names::CONFIG,
        names::TEACHER,
        names::BEHAVIOUR,
        names::METRICS,
        names::EVENTS,
        names::MODEL,
        names::VISITS,
        names::QUALITY,
        names::SUMMARY,
        names::REPORT,
    ];
    Ok(dir.seal(&files, true)?)
}

/// The error of a run that was asked to stop.
fn interrupted(dir: &RunDir, job: &dyn Job, saved: Option<u64>) -> Error {
    Error::Interrupted { run: dir.path().to_owned(), step: job.steps(), saved }
}

/// Writes the policy in which a run was stopped.
fn keep_policy(dir: &RunDir, job: &dyn Job) -> Result<(), Error> {
    if let Some(model) = job.policy().filter(Model::is_finite) {
        dir.write(names::POLICY_SO_FAR, &safetensors::write(&model))?;
    }
    Ok(())
}

/// Returns true if there are records of an earlier process's work.
fn has_begun(dir: &RunDir) -> bool {
    let records = std::fs::metadata(dir.path().join(names::METRICS));
    dir.has(names::CHECKPOINTS) || records.is_ok_and(|about| about.len() > 0)
}

/// Tells of logs that are lost, and makes room for new ones.
fn put_lost_logs_aside(dir: &RunDir, checkpoint: &Checkpoint, observer: &dyn Observer) -> Result<(), Error> {
    for (name, reason) in &checkpoint.lost {
        let (path, step) = (dir.path().join(name), checkpoint.step);
        observer.warn(&format!(
            "{} {reason}: the run goes on from step {step}, where its curves begin anew",
            path.display()
        ));
        if name == names::EVENTS {
            // It only repeats the metrics, and TensorBoard would read it under any name.
            dir.remove(name)?;
        } else {
            dir.put_aside(name)?;
        }
    }
    Ok(())
}

/// Runs a job until it is complete, with a checkpoint whenever one is due and a last one at the end.
fn work(
    dir: &RunDir,
    job: &mut dyn Job,
    (sinks, saver): (&mut Sinks, &mut Saver<'_>),
    (observer, stop): (&dyn Observer, &Stop<'_>),
    seconds: impl Fn() -> f64,
) -> Result<(), Error> {
    let freq = saver.store.checkpoint_freq;
    let (mut told, mut saved) = (Instant::now(), Instant::now());
    while !job.is_over() {
        let steps = job.steps();
        // Checkpoints fall on multiples of their frequency, independently of slices.
        let next = freq.filter(|&freq| freq > 0).map_or(u64::MAX, |freq| (steps / freq + 1) * freq);
        let advanced = job.advance(next.min(steps + SLICE_STEPS), stop, &mut |record: &Record| {
            observer.record(record);
            sinks.record(dir, record)
        });
        // The environment may be mended, and the run resumed.
        let can_go_on = match &advanced {
            Err(Error::Train(TrainError::Env { .. })) => job.is_between_steps(),
            // The evaluation is begun again, and so are actors.
            Err(Error::Train(TrainError::Play(_) | TrainError::Actors { .. })) => true,
            _ => false,
        };
        if can_go_on {
            let kept = saver.save_last(job, sinks, seconds()).and_then(|()| keep_policy(dir, job));
            if let Err(error) = kept {
                observer.warn(&format!("the run was not saved before it failed: {error}"));
            }
        }
        advanced?;
        if stop() && !job.is_over() {
            saver.save_last(job, sinks, seconds())?;
            sinks.flush(dir)?;
            if observer.is_enough() && job.policy().is_some() {
                return Ok(());
            }
            keep_policy(dir, job)?;
            return Err(interrupted(dir, job, saver.saved));
        }
        let due = freq.map_or_else(|| saved.elapsed() >= CHECKPOINT_INTERVAL, |_| job.steps() >= next);
        if due && !job.is_over() {
            saver.save(job, sinks, seconds())?;
            saved = Instant::now();
        }
        if told.elapsed() >= TICK {
            let (done, _, note) = job.progress();
            observer.advance(done, &note);
            sinks.flush(dir)?;
            told = Instant::now();
        }
    }
    saver.save_last(job, sinks, seconds())?;
    sinks.flush(dir)
}

/// Saves one checkpoint at a time in a separate thread; only the copy of the state is made on the training
/// thread.
struct Saver<'a> {
    dir: &'a RunDir,
    store: &'a StoreConfig,
    /// The CRC-32C of the configuration.
    config: u32,
    running: Option<JoinHandle<Result<(), StoreError>>>,
    /// The step of the newest checkpoint, which may still be being written.
    saved: Option<u64>,
}

impl Saver<'_> {
    fn save(&mut self, job: &dyn Job, sinks: &mut Sinks, seconds: f64) -> Result<(), Error> {
        self.wait()?;
        let checkpoint = Checkpoint {
            step: job.steps(),
            state: job.snapshot(),
            logs: sinks.marks(self.dir)?,
            lost: Vec::new(),
            score: job.score(),
            seconds,
            config: Some(self.config),
        };
        self.saved = Some(checkpoint.step);
        let (dir, kept) = (self.dir.clone(), self.store.checkpoints_kept as usize);
        self.running = Some(std::thread::spawn(move || checkpoint.save(&dir, kept)));
        Ok(())
    }

    /// Saves the state in which the work ends, and waits for it; not one that is saved already, such as that of a run that is
    /// stopped again in the middle of the step that it went on from, and none if there are no checkpoints.
    fn save_last(&mut self, job: &dyn Job, sinks: &mut Sinks, seconds: f64) -> Result<(), Error> {
        if self.store.checkpoint_freq != Some(0) && self.saved != Some(job.steps()) {
            self.save(job, sinks, seconds)?;
        }
        self.wait()
    }

    fn wait(&mut self) -> Result<(), Error> {
        match self.running.take().map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(saved)) => Ok(saved?),
            Some(Err(panic)) => std::panic::resume_unwind(panic),
        }
    }
}

impl Drop for Saver<'_> {
    fn drop(&mut self) {
        // After another error: the running save completes, but its result is dropped.
        if let Some(running) = self.running.take() {
            let _ = running.join();
        }
    }
}

/// All sinks on disk.
struct Sinks(Vec<Box<dyn Sink>>);

impl Sinks {
    /// Creates the files, or truncates them to a checkpoint.
    fn open(dir: &RunDir, checkpoint: Option<&Checkpoint>) -> Result<Self, Error> {
        let mark = |name: &str| -> Option<&FileMark> { checkpoint?.logs.iter().find(|log| log.name == name) };
        let jsonl = JsonLines::open(dir, mark(names::METRICS))?;
        let events = TensorBoard::open(dir, mark(names::EVENTS))?;
        Ok(Self(vec![Box::new(jsonl), Box::new(events)]))
    }

    fn record(&mut self, dir: &RunDir, record: &Record) -> Result<(), Error> {
        self.0.iter_mut().try_for_each(|sink| sink.record(dir, record)).map_err(Error::from)
    }

    fn flush(&mut self, dir: &RunDir) -> Result<(), Error> {
        self.0.iter_mut().try_for_each(|sink| sink.flush(dir)).map_err(Error::from)
    }

    fn marks(&mut self, dir: &RunDir) -> Result<Vec<FileMark>, Error> {
        self.0.iter_mut().map(|sink| sink.mark(dir)).collect::<Result<_, _>>().map_err(Error::from)
    }
}

/// Writes the reason for which training stopped, and the batch with the number that is not finite.
fn failed(dir: &RunDir, error: TrainError, place: &str, saved: Option<u64>) -> Result<Error, Error> {
    let about = json!({ "error": error.to_string(), "place": place, "checkpoint_step": saved });
    dir.write(names::FAILURE, format!("{about:#}\n").as_bytes())?;
    if let TrainError::Learn { source: LearnError::NotFinite { batch, .. }, .. } = &error {
        dir.write(names::FAILURE_BATCH, &snapshot_file::write(batch))?;
    }
    Ok(Error::Failed { run: dir.path().to_owned(), place: place.to_owned(), source: Box::new(error) })
}

/// Works in a new directory; removes it after an error before the run has begun.
pub(crate) fn discard_on_error(dir: &RunDir, work: impl FnOnce() -> Result<(), Error>) -> Result<(), Error> {
    work().inspect_err(|_| dir.clone().discard())
}
