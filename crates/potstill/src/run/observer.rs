//! Who watches a run.

use crate::metrics::Record;
use crate::train::parallel_map;
use std::sync::atomic::{AtomicU64, Ordering};

/// Told how far a run is, and asked whether it should stop. Implementations decide what to show.
pub trait Observer: Sync {
    /// Something that is worth knowing before work begins.
    fn remark(&self, _: &str) {}
    /// Something that the user would not expect.
    fn warn(&self, _: &str) {}
    /// Work of `total` units begins.
    fn begin(&self, what: &str, total: u64);
    /// So many units are done, and this can be said of them.
    fn advance(&self, done: u64, note: &str);
    /// Something was measured.
    fn record(&self, _: &Record) {}
    /// The work is over.
    fn end(&self);
    /// Whether the run should save itself and stop.
    fn stop_requested(&self) -> bool {
        false
    }
}

/// [`parallel_map`] that is watched: each result is one unit done.
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

/// Shows nothing and stops nothing.
#[derive(Clone, Copy, Debug)]
pub struct Quiet;

impl Observer for Quiet {
    fn begin(&self, _: &str, _: u64) {}
    fn advance(&self, _: u64, _: &str) {}
    fn end(&self) {}
}
