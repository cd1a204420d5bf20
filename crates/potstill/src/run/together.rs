//! Several runs watched as one: their steps are counted together.

use super::observer::{Observer, RunSource};
use crate::error::Error;
use crate::metrics::Record;
use crate::train::parallel_map;
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Several runs of about the same length, shown as one.
pub(crate) struct Together<'a> {
    observer: &'a dyn Observer,
    what: &'a str,
    count: usize,
    threads: usize,
    /// The first of the seeds that the runs have, if they differ by them.
    first_seed: Option<u64>,
    progress: Mutex<Progress>,
}

/// The progress of all runs.
#[derive(Default)]
struct Progress {
    /// Units done and to be done by each run that has begun.
    parts: Vec<Option<(u64, u64)>>,
    finished: usize,
    /// Remarks and warnings that were told.
    told: BTreeSet<String>,
    /// Units of all runs together, as announced.
    total: u64,
}

impl<'a> Together<'a> {
    /// So many runs, on so many threads.
    pub(crate) fn new(observer: &'a dyn Observer, what: &'a str, count: usize, threads: usize) -> Self {
        let progress = Progress { parts: vec![None; count], ..Progress::default() };
        Self { observer, what, count, threads, first_seed: None, progress: Mutex::new(progress) }
    }

    /// Runs with the seeds from this one on.
    pub(crate) fn of_seeds(self, first: u64) -> Self {
        Self { first_seed: Some(first), ..self }
    }

    /// A [`parallel_map`] of runs; each is given the observer that it reports to.
    pub(crate) fn map<T: Send>(
        &self,
        f: impl Fn(usize, &dyn Observer) -> Result<T, Error> + Sync,
    ) -> Vec<Result<T, Error>> {
        let results = parallel_map(self.count, self.threads, |i| {
            let result = f(i, &Part { whole: self, index: i });
            if !matches!(result, Err(Error::Interrupted { .. })) {
                self.finish(i);
            }
            result
        });
        if self.progress().total > 0 {
            self.observer.end();
        }
        results
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        // Another thread's panic leaves the counts usable.
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns true for a remark or a warning that no other run has told: what concerns the folder of one run has its
    /// path.
    fn is_news(&self, message: &str) -> bool {
        self.progress().told.insert(message.to_owned())
    }

    fn begin(&self, index: usize, total: u64) {
        let mut progress = self.progress();
        progress.parts[index] = Some((0, total));
        // The first run that begins tells the length of all.
        if progress.total == 0 {
            progress.total = total.saturating_mul(self.count as u64).max(1);
            self.observer.begin(self.what, progress.total);
        }
    }

    fn advance(&self, index: usize, done: u64, note: &str) {
        let mut progress = self.progress();
        if let Some(part) = &mut progress.parts[index] {
            part.0 = done;
        }
        self.tell(&progress, note);
    }

    fn finish(&self, index: usize) {
        let mut progress = self.progress();
        progress.finished += 1;
        // A run that had finished before, or stopped early at its goal, leaves nothing to do.
        progress.parts[index] = Some((1, 1));
        if progress.total > 0 {
            self.tell(&progress, "");
        }
    }

    fn tell(&self, progress: &Progress, note: &str) {
        let share = |(done, total): &(u64, u64)| *done as f64 / (*total).max(1) as f64;
        let shares: f64 = progress.parts.iter().flatten().map(share).sum();
        let done = shares / self.count as f64 * progress.total as f64;
        let (finished, count) = (progress.finished, self.count);
        let joint = if note.is_empty() { "" } else { "  " };
        self.observer.advance(
            (done.round() as u64).min(progress.total),
            &format!("{finished} of {count} done{joint}{note}"),
        );
    }
}

/// One of several runs.
struct Part<'a> {
    whole: &'a Together<'a>,
    index: usize,
}

impl Observer for Part<'_> {
    fn remark(&self, about: &str) {
        if self.whole.is_news(about) {
            self.whole.observer.remark(about);
        }
    }

    fn warn(&self, warning: &str) {
        if self.whole.is_news(warning) {
            self.whole.observer.warn(warning);
        }
    }

    fn begin(&self, _: &str, total: u64) {
        self.whole.begin(self.index, total);
    }

    fn advance(&self, done: u64, note: &str) {
        self.whole.advance(self.index, done, note);
    }

    fn record(&self, record: &Record) {
        self.record_of(RunSource::default(), record);
    }

    fn record_of(&self, within: RunSource, record: &Record) {
        let index = self.index as u64;
        let source = match self.whole.first_seed {
            Some(first) => RunSource { seed: Some(first + index), ..within },
            None => RunSource { part: Some(index), ..within },
        };
        self.whole.observer.record_of(source, record);
    }

    fn wants_history(&self) -> bool {
        self.whole.observer.wants_history()
    }

    fn end(&self) {}

    fn stop_requested(&self) -> bool {
        self.whole.observer.stop_requested()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Log(Mutex<Vec<String>>);

    impl Observer for Log {
        fn remark(&self, about: &str) {
            self.0.lock().unwrap().push(format!("remark: {about}"));
        }
        fn warn(&self, warning: &str) {
            self.0.lock().unwrap().push(format!("warning: {warning}"));
        }
        fn record(&self, _: &Record) {}
        fn record_of(&self, source: RunSource, _: &Record) {
            self.0.lock().unwrap().push(format!("record of {:?} {:?}", source.part, source.seed));
        }
        fn begin(&self, what: &str, total: u64) {
            self.0.lock().unwrap().push(format!("begin {what} {total}"));
        }
        fn advance(&self, done: u64, note: &str) {
            self.0.lock().unwrap().push(format!("{done} {note}"));
        }
        fn end(&self) {
            self.0.lock().unwrap().push("end".to_owned());
        }
    }

    #[test]
    fn the_steps_of_all_runs_are_counted() {
        let log = Log::default();
        let results = Together::new(&log, "seeds", 3, 1).map(|i, part| {
            // The first had been finished by an earlier process.
            if i > 0 {
                part.remark("four actions");
                part.warn("nothing is learned");
                part.warn(&format!("run {i} begins again"));
                part.begin("a run", 100);
                part.advance(50, "return 1.0");
                part.end();
            }
            Ok(i)
        });
        assert_eq!(results.into_iter().collect::<Result<Vec<_>, _>>().unwrap(), [0, 1, 2]);
        let expected = [
            "remark: four actions",
            "warning: nothing is learned",
            "warning: run 1 begins again",
            "begin seeds 300",
            "150 1 of 3 done  return 1.0",
            "200 2 of 3 done",
            "warning: run 2 begins again",
            "250 2 of 3 done  return 1.0",
            "300 3 of 3 done",
            "end",
        ];
        assert_eq!(*log.0.lock().unwrap(), expected);
    }
    #[test]
    fn an_interrupted_run_is_not_done() {
        let log = Log::default();
        let stopped = || Error::Interrupted { run: "run".into(), step: 25, saved: Some(25) };
        Together::new(&log, "seeds", 2, 1).map(|i, part| {
            part.begin("a run", 100);
            part.advance(25, "");
            if i == 0 { Ok(()) } else { Err(stopped()) }
        });
        let expected = ["begin seeds 200", "25 0 of 2 done", "100 1 of 2 done", "125 1 of 2 done", "end"];
        assert_eq!(*log.0.lock().unwrap(), expected);
    }

    #[test]
    fn a_record_tells_the_combination_and_the_seed() {
        let log = Log::default();
        let record = Record { step: 1, values: Vec::new() };
        Together::new(&log, "combinations", 2, 1).map(|_, outer| {
            Together::new(outer, "seeds", 2, 1).of_seeds(7).map(|_, inner| {
                inner.record(&record);
                Ok(())
            });
            outer.record(&record);
            Ok(())
        });
        let sources = [(0, Some(7)), (0, Some(8)), (0, None), (1, Some(7)), (1, Some(8)), (1, None)];
        assert_eq!(
            *log.0.lock().unwrap(),
            sources.map(|(part, seed)| format!("record of {:?} {seed:?}", Some(part)))
        );
    }
}
