//! A trial in a round of a search: its run is watched, and stopped where it pauses.

use crate::error::Error;
use crate::metrics::Record;
use crate::metrics::catalogue::{EVAL_MEAN_REWARD, EVAL_TEST_ERROR, EVAL_TEST_RMSE, Score};
use crate::run::Observer;
use crate::store::{RunDir, names};
use crate::tuning::{Ending, Journal, Pause, Trial};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The metrics that are evaluations.
const EVALUATIONS: [&str; 3] = [EVAL_MEAN_REWARD, EVAL_TEST_ERROR, EVAL_TEST_RMSE];

/// The name of a trial's folder.
pub(super) fn trial_name(number: usize) -> String {
    format!("trial-{number}")
}

/// Locks a mutex, also after another thread's panic, which leaves both the journal and the evaluations
/// usable.
pub(super) fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The score of a summary: the first one of comparisons.
fn score_of(summary: &Value) -> Option<f64> {
    Score::compared().find_map(|(key, _)| summary[key].as_f64())
}

/// A trial's part in a round: it watches its run, and has it pause.
pub(super) struct TrialRun<'a> {
    dir: &'a RunDir,
    number: usize,
    pause: &'a Pause,
    journal: &'a Mutex<Journal>,
    /// The score of each evaluation, by the step.
    seen: Mutex<BTreeMap<u64, f64>>,
    pauses: AtomicBool,
    inner: &'a dyn Observer,
}

/// The evaluations of a trial, and how its part ended.
pub(super) type Outcome = (BTreeMap<u64, f64>, Ending);

impl<'a> TrialRun<'a> {
    /// The part of trial `number` of the search in a folder.
    pub(super) fn new(
        (dir, number): (&'a RunDir, usize),
        pause: &'a Pause,
        journal: &'a Mutex<Journal>,
        inner: &'a dyn Observer,
    ) -> Self {
        let (seen, pauses) = (Mutex::default(), AtomicBool::new(false));
        Self { dir, number, pause, journal, seen, pauses, inner }
    }

    /// Runs the trial to where it pauses.
    pub(super) fn go(
        &self,
        trial: &Trial,
        run: impl FnOnce(&Path, &dyn Observer) -> Result<Value, Error>,
    ) -> Result<Outcome, Error> {
        let path = self.dir.path().join(trial_name(self.number));
        // Those of earlier rounds, and of a process that was stopped within this one.
        let mut seen = trial.evaluations.clone();
        if path.join(names::CONFIG).is_file() {
            RunDir::open(&path)?.lines_unchecked(names::METRICS, |line| {
                let evaluation = Record::parse(line).as_ref().and_then(evaluation);
                seen.extend(evaluation);
            });
        }
        *hold(&self.seen) = seen;
        if self.is_at_pause() {
            return Ok((self.seen_until_pause(), Ending::Paused));
        }
        let ending = match run(&path, self) {
            Ok(summary) => match score_of(&summary) {
                Some(score) => Ending::Finished(score),
                None => Ending::Failed("its result has no finite score".to_owned()),
            },
            Err(Error::Interrupted { .. }) if self.pauses.load(Ordering::Relaxed) => Ending::Paused,
            Err(error @ (Error::Failed { .. } | Error::Train(_) | Error::Config(_))) => {
                Ending::Failed(error.to_string())
            }
            Err(error) => return Err(error),
        };
        Ok((self.seen_until_pause(), ending))
    }

    fn is_at_pause(&self) -> bool {
        self.pause.after(hold(&self.seen).values().copied()).is_some()
    }

    /// The evaluations up to the one after which it pauses.
    fn seen_until_pause(&self) -> BTreeMap<u64, f64> {
        let seen = hold(&self.seen);
        let count = self.pause.after(seen.values().copied()).unwrap_or(seen.len());
        seen.iter().take(count).map(|(step, score)| (*step, *score)).collect()
    }
}

/// The step and the score of an evaluation; none of another record.
fn evaluation(record: &Record) -> Option<(u64, f64)> {
    let of = |(name, _): &&(&str, f64)| EVALUATIONS.contains(name);
    record.values.iter().find(of).map(|(_, score)| (record.step, *score))
}

impl Observer for TrialRun<'_> {
    fn remark(&self, about: &str) {
        self.inner.remark(about);
    }

    fn warn(&self, warning: &str) {
        self.inner.warn(warning);
    }

    fn begin(&self, what: &str, total: u64) {
        self.inner.begin(what, total);
    }

    fn advance(&self, done: u64, note: &str) {
        self.inner.advance(done, note);
    }

    fn record(&self, record: &Record) {
        self.inner.record(record);
        let Some((step, score)) = evaluation(record) else { return };
        hold(&self.seen).insert(step, score);
        // A line that cannot be written now is told at the end of the round, where the error is.
        let _ = hold(self.journal).evaluation(self.dir, self.number, step, score);
        if self.is_at_pause() {
            self.pauses.store(true, Ordering::Relaxed);
        }
    }

    fn wants_history(&self) -> bool {
        self.inner.wants_history()
    }

    fn end(&self) {
        self.inner.end();
    }

    fn stop_requested(&self) -> bool {
        self.pauses.load(Ordering::Relaxed) || self.inner.stop_requested()
    }
}
