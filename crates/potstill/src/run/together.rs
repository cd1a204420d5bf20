//! Several runs watched as one: their steps are counted together.

use super::observer::Observer;
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
    progress: Mutex<Progress>,
}

/// The progress of all runs.
#[derive(Default)]
struct Progress {
    /// Units done and to be done by each run that has begun.
    parts: Vec<Option<(u64, u64)>>,
    finished: usize,
    /// Warnings that were told.
    warned: BTreeSet<String>,
    /// Units of all runs together, as announced.
    total: u64,
}

impl<'a> Together<'a> {
    /// So many runs, on so many threads.
    pub(crate) fn new(observer: &'a dyn Observer, what: &'a str, count: usize, threads: usize) -> Self {
        let progress = Progress { parts: vec![None; count], ..Progress::default() };
        Self { observer, what, count, threads, progress: Mutex::new(progress) }
    }

    /// A [`parallel_map`] of runs; each is given the observer that it reports to.
    pub(crate) fn map<T: Send>(&self, f: impl Fn(usize, &dyn Observer) -> T + Sync) -> Vec<T> {
        let results = parallel_map(self.count, self.threads, |i| {
            let result = f(i, &Part { whole: self, index: i });
            self.finish(i);
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

    /// Tells a warning that several runs have in common once.
    fn warn(&self, message: &str) {
        if self.progress().warned.insert(message.to_owned()) {
            self.observer.warn(message);
        }
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
    fn warn(&self, message: &str) {
        self.whole.warn(message);
    }

    fn begin(&self, _: &str, total: u64) {
        self.whole.begin(self.index, total);
    }

    fn advance(&self, done: u64, note: &str) {
        self.whole.advance(self.index, done, note);
    }

    fn record(&self, record: &Record) {
        self.whole.observer.record_of(self.index as u64, record);
    }

    fn record_of(&self, source: u64, record: &Record) {
        // Runs within runs: each has a number of its own.
        self.whole.observer.record_of(self.index as u64 * 100_000 + source, record);
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
        fn begin(&self, what: &str, total: u64) {
            self.0.lock().unwrap().push(format!("begin {what} {total}"));
        }
        fn advance(&self, done: u64, note: &str) {
            self.0.lock().unwrap().push(format!("{done} {note}"));
        }
        fn end(&self) {
            self.0.lock().unwrap().push("end".to_owned());
        }
        fn warn(&self, message: &str) {
            self.0.lock().unwrap().push(format!("warning: {message}"));
        }
    }

    #[test]
    fn the_steps_of_all_runs_are_counted() {
        let log = Log::default();
        let results = Together::new(&log, "seeds", 3, 1).map(|i, part| {
            // The first had been finished by an earlier process.
            if i > 0 {
                part.warn("exploration goes back");
                part.begin("a run", 100);
                part.advance(50, "return 1.0");
                part.end();
            }
            i
        });
        assert_eq!(results, [0, 1, 2]);
        let expected = [
            "warning: exploration goes back",
            "begin seeds 300",
            "150 1 of 3 done  return 1.0",
            "200 2 of 3 done",
            "250 2 of 3 done  return 1.0",
            "300 3 of 3 done",
            "end",
        ];
        assert_eq!(*log.0.lock().unwrap(), expected);
    }
}
