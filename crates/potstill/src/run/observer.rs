//! Observers of a run.

use crate::metrics::Record;
use crate::train::parallel_map;
use std::sync::atomic::{AtomicU64, Ordering};

/// One of several runs that are watched as one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunSource {
    /// The number of the combination of a sweep, or of the part of a round of trials, from 0.
    pub part: Option<u64>,
    /// The seed, of several seeds.
    pub seed: Option<u64>,
}

/// Receives the progress of a run, and decides if it should stop. Implementations choose the display.
pub trait Observer: Sync {
    /// A remark before the work begins.
    fn remark(&self, about: &str);
    /// A warning.
    fn warn(&self, warning: &str);
    /// The start of work of `total` units.
    fn begin(&self, what: &str, total: u64);
    /// The number of units done so far, and a remark on the results.
    fn advance(&self, done: u64, note: &str);
    /// A record of metrics.
    fn record(&self, record: &Record);
    /// A record of one of several runs that are watched as one.
    fn record_of(&self, _source: RunSource, record: &Record) {
        self.record(record);
    }
    /// Returns true if the records of the part of a run that earlier processes did are to be shown too.
    fn wants_history(&self) -> bool {
        false
    }
    /// The end of the work.
    fn end(&self);
    /// Returns true if the run should save a checkpoint and stop. It is asked often, also between two updates and
    /// from the threads of an evaluation.
    fn stop_requested(&self) -> bool {
        false
    }
    /// Returns true if a run that is stopped ends with its results so far, as if its steps were done: what was wanted is
    /// reached. It is asked when a stop is requested. Runs that learn no policy step by step are stopped all the same.
    fn is_enough(&self) -> bool {
        false
    }
}

/// A [`parallel_map`] with progress: each result is one unit.
pub(crate) fn watched_map<T: Send>(
    observer: &dyn Observer,
    what: &str,
    count: usize,
    threads: usize,
    f: impl Fn(usize) -> T + Sync,
) -> Vec<T> {
    observer.begin(what, count as u64);
    let finished = AtomicU64::new(0);
    let results = parallel_map(count, threads, |i| {
        let result = f(i);
        observer.advance(1 + finished.fetch_add(1, Ordering::Relaxed), "");
        result
    });
    observer.end();
    results
}

/// An observer that displays nothing and never stops.
#[derive(Clone, Copy, Debug)]
pub struct Quiet;

impl Observer for Quiet {
    fn remark(&self, _: &str) {}
    fn warn(&self, _: &str) {}
    fn record(&self, _: &Record) {}
    fn begin(&self, _: &str, _: u64) {}
    fn advance(&self, _: u64, _: &str) {}
    fn end(&self) {}
}
