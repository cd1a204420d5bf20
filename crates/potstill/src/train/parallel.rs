//! Parallel maps with results that do not depend on the number of threads.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::Builder;

/// `[work(0), work(1), ..., work(count - 1)]`, computed on up to `threads` threads.
///
/// Each result must depend on its index alone.
///
/// # Panics
/// If `work` panics.
pub fn parallel_map<T: Send>(count: usize, threads: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let threads = threads.clamp(1, count.max(1));
    if threads == 1 {
        return (0..count).map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<Option<T>>> = Mutex::new((0..count).map(|_| None).collect());
    let work_on = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= count {
                break;
            }
            let result = work(index);
            done.lock().expect("no worker panicked while storing")[index] = Some(result);
        }
    };
    std::thread::scope(|scope| {
        // Where there are no threads to be had, this one does it all.
        let helpers: Vec<_> =
            (1..threads).map_while(|_| Builder::new().spawn_scoped(scope, work_on).ok()).collect();
        work_on();
        drop(helpers);
    });
    let done = done.into_inner().expect("no worker panicked while storing");
    done.into_iter().map(|result| result.expect("every index was worked on")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_whatever_the_threads() {
        for threads in [0, 1, 2, 7] {
            assert_eq!(parallel_map(5, threads, |i| i * i), [0, 1, 4, 9, 16]);
            assert!(parallel_map(0, threads, |i| i).is_empty());
        }
    }
}
