//! Threads that share the work of a pass over a network.
//!
//! A pass takes tens of microseconds, less than it takes to start a thread or to wake one, so the helpers
//! wait for the next piece of work by looking at a counter for a while before they sleep. Beside other work a
//! helper costs more than it helps; [`HelpersInUse`] leaves it out for as long. What the work computes must not
//! depend on the thread of a part.

#![expect(
    unsafe_code,
    reason = "parts of slices and a borrowed closure are given to threads that outlive the call"
)]

use crate::apart::Apart;
use crate::helpers::{HelpersInUse, is_late};
use crate::lanes::{WIDTH, claim};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Number of times that a thread looks for a change before it lets others run: some microseconds.
const LOOKS: u32 = 500;
/// Number of times that a helper lets others run before it sleeps.
const YIELDS: u32 = 500;

/// Numbers of a block: what is claimed ahead of it arrives before it is needed, and is still there.
const BLOCK: usize = 16 * WIDTH;

/// Threads that help the calling one.
///
/// ```
/// use potstill_nn::Workers;
///
/// let workers = Workers::new(2);
/// assert_eq!(workers.threads(), 2);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Workers {
    team: Option<Arc<Team>>,
}

#[derive(Debug)]
struct Team {
    shared: Arc<Shared>,
    helpers: Vec<JoinHandle<()>>,
    /// Held while a piece of work is done.
    busy: Mutex<HelpersInUse>,
}

/// The state that the threads share.
#[derive(Debug)]
struct Shared {
    work: Mutex<Option<Work>>,
    /// Grows with every piece of work.
    round: AtomicU32,
    /// Helpers that are called to it: those with the lowest numbers.
    called: AtomicUsize,
    /// Helpers at work, and whether more may come in.
    gate: AtomicU32,
    /// The next part of each thread's share.
    next: Vec<Counter>,
    /// The end of each thread's share: the first part of the next one's.
    ends: Vec<AtomicUsize>,
    failed: AtomicBool,
    /// Set by a helper that has waited too long for the last part of the calling thread.
    caller_is_late: AtomicBool,
    asleep: AtomicU32,
    over: AtomicBool,
}

/// A number on a cache line of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Counter(AtomicUsize);

/// Set in the gate while it is open.
const OPEN: u32 = 1 << 31;

/// A closure whose borrow has been hidden.
#[derive(Clone, Copy)]
struct Work(*const (dyn Fn(usize) + Sync));

impl std::fmt::Debug for Work {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("work")
    }
}

// SAFETY: the closure is `Sync`, and only called while `Workers::run`, which borrows it, has not returned.
unsafe impl Send for Work {}

impl Shared {
    /// Computes parts until there are no more: first those of this thread's own share, whose data it has had
    /// before, then what others have not begun. Returns the longest time of a part, if there was one.
    fn work(&self, work: Work, thread: usize) -> Option<Duration> {
        let (mut longest, mut begun) = (None, Instant::now());
        let threads = self.called.load(Ordering::Relaxed) + 1;
        for owner in (0..threads).map(|k| (thread + k) % threads) {
            let end = self.ends[owner].load(Ordering::Relaxed);
            loop {
                let part = self.next[owner].0.fetch_add(1, Ordering::Relaxed);
                if part >= end {
                    break;
                }
                // SAFETY: the gate is open or this thread is inside, so `run` still waits and its closure lives.
                let call = unsafe { &*work.0 };
                call(part);
                let now = Instant::now();
                longest = longest.max(Some(now - begun));
                begun = now;
            }
        }
        longest
    }

    /// The loop of a helper thread.
    fn help(&self, thread: usize) {
        let mut seen = 0;
        while !self.over.load(Ordering::Acquire) {
            seen = self.wait(thread, seen);
            let enter = |gate: u32| (gate & OPEN != 0).then_some(gate + 1);
            if self.gate.fetch_update(Ordering::AcqRel, Ordering::Acquire, enter).is_ok() {
                let work = *self.work.lock().expect("no panic while it is locked");
                let worked = work.map(|work| catch_unwind(AssertUnwindSafe(|| self.work(work, thread))));
                if let Some(Err(_)) = worked {
                    self.failed.store(true, Ordering::Release);
                }
                self.gate.fetch_sub(1, Ordering::AcqRel);
                if let Some(Ok(longest)) = worked {
                    self.watch(seen, longest);
                }
            }
        }
    }

    /// Waits until this helper is called to a round after the one that it has seen, or all is over: the round.
    fn wait(&self, thread: usize, seen: u32) -> u32 {
        let is_called = || {
            let is_new = self.round.load(Ordering::SeqCst) != seen;
            is_new && thread <= self.called.load(Ordering::Relaxed) || self.over.load(Ordering::SeqCst)
        };
        for looks in 0..LOOKS + YIELDS {
            if is_called() {
                return self.round.load(Ordering::Acquire);
            }
            relax(looks);
        }
        self.asleep.fetch_add(1, Ordering::SeqCst);
        while !is_called() {
            std::thread::park();
        }
        self.asleep.fetch_sub(1, Ordering::SeqCst);
        self.round.load(Ordering::Acquire)
    }

    /// Watches whether the calling thread ends a round in time, in which the longest part of this helper took so long.
    fn watch(&self, round: u32, longest: Option<Duration>) {
        if longest.is_none() {
            return;
        }
        let done = Instant::now();
        let is_open = || self.gate.load(Ordering::Acquire) & OPEN != 0;
        let mut looks = 0;
        while is_open() && self.round.load(Ordering::Acquire) == round {
            relax(looks);
            looks += 1;
            if is_late(done.elapsed(), longest) {
                self.caller_is_late.store(true, Ordering::Relaxed);
                break;
            }
        }
    }
}

/// Lets a moment pass; after the first [`LOOKS`] a thread that needs this very core may run.
fn relax(looks: u32) {
    if looks < LOOKS { std::hint::spin_loop() } else { std::thread::yield_now() }
}

impl Team {
    /// Takes it for a piece of work, if it has none.
    fn lock(&self) -> Option<MutexGuard<'_, HelpersInUse>> {
        match self.busy.try_lock() {
            Ok(guard) => Some(guard),
            // Work that panicked has left nothing behind that the next could stumble over.
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        self.shared.round.fetch_add(1, Ordering::SeqCst);
        for helper in self.helpers.drain(..) {
            helper.thread().unpark();
            let _ = helper.join();
        }
    }
}

impl Workers {
    /// The calling thread and `threads - 1` helpers. If the system has no more threads to give there are
    /// fewer.
    pub fn new(threads: usize) -> Self {
        if threads < 2 {
            return Self::default();
        }
        let shared = Arc::new(Shared {
            work: Mutex::new(None),
            round: AtomicU32::new(0),
            called: AtomicUsize::new(0),
            gate: AtomicU32::new(0),
            next: (0..threads).map(|_| Counter::default()).collect(),
            ends: (0..threads).map(|_| AtomicUsize::new(0)).collect(),
            failed: AtomicBool::new(false),
            caller_is_late: AtomicBool::new(false),
            asleep: AtomicU32::new(0),
            over: AtomicBool::new(false),
        });
        let helper = |i: usize| {
            let shared = shared.clone();
            std::thread::Builder::new().name(format!("helper-{i}")).spawn(move || shared.help(i)).ok()
        };
        let helpers: Vec<_> = (1..threads).filter_map(helper).collect();
        let busy = Mutex::new(HelpersInUse::new(helpers.len()));
        Self { team: Some(Arc::new(Team { shared, helpers, busy })) }
    }

    /// Number of threads, the calling one included.
    pub fn threads(&self) -> usize {
        1 + self.team.as_ref().map_or(0, |team| team.helpers.len())
    }

    /// Calls `work` once for each part, in any order, on any thread. A helper that calls it inside a part does all parts
    /// alone.
    pub(crate) fn run(&self, parts: usize, work: &(dyn Fn(usize) + Sync)) {
        self.run_shares(parts, |thread, threads| thread * parts / threads, work);
    }

    /// The same; `first` returns the first part in the share of a thread, of so many threads.
    fn run_shares(&self, parts: usize, first: impl Fn(usize, usize) -> usize, work: &(dyn Fn(usize) + Sync)) {
        let team = self.team.as_ref().filter(|_| parts > 1);
        let Some((team, mut in_use)) = team.and_then(|team| Some((team, team.lock()?))) else {
            (0..parts).for_each(work);
            return;
        };
        let (shared, begun) = (&*team.shared, Instant::now());
        if shared.caller_is_late.swap(false, Ordering::Relaxed) {
            in_use.back_off(begun);
        }
        let helpers = in_use.called(begun, parts);
        if helpers == 0 {
            (0..parts).for_each(work);
            return;
        }
        let call: *const (dyn Fn(usize) + Sync) = work;
        // SAFETY: only the borrow's length is forgotten. It is over when `run` returns, and the closure is not called any more.
        let call = unsafe {
            std::mem::transmute::<*const (dyn Fn(usize) + Sync + '_), *const (dyn Fn(usize) + Sync)>(call)
        };
        let work = Work(call);
        *shared.work.lock().expect("no panic while it is locked") = Some(work);
        let threads = helpers + 1;
        for (thread, (next, end)) in shared.next.iter().zip(&shared.ends).take(threads).enumerate() {
            next.0.store(first(thread, threads), Ordering::Relaxed);
            end.store(
                if thread + 1 == threads { parts } else { first(thread + 1, threads) },
                Ordering::Relaxed,
            );
        }
        shared.called.store(helpers, Ordering::Relaxed);
        shared.gate.store(OPEN, Ordering::Release);
        shared.round.fetch_add(1, Ordering::SeqCst);
        if shared.asleep.load(Ordering::SeqCst) > 0 {
            team.helpers[..helpers].iter().for_each(|helper| helper.thread().unpark());
        }
        let mine = catch_unwind(AssertUnwindSafe(|| shared.work(work, 0)));
        // A helper that is not in by now has nothing left to do.
        shared.gate.fetch_and(!OPEN, Ordering::AcqRel);
        if shared.gate.load(Ordering::Acquire) != 0 {
            let done = Instant::now();
            let mut looks = 0;
            while shared.gate.load(Ordering::Acquire) != 0 {
                relax(looks);
                looks = looks.saturating_add(1);
            }
            if mine.as_ref().is_ok_and(|longest| is_late(done.elapsed(), *longest)) {
                in_use.back_off(Instant::now());
            }
        }
        let failed = shared.failed.swap(false, Ordering::AcqRel);
        if let Err(panic) = mine {
            resume_unwind(panic);
        }
        assert!(!failed, "a helper panicked");
    }

    /// Calls `work` for every item.
    pub(crate) fn for_each<T: Send>(&self, items: &mut [T], work: impl Fn(usize, &mut T) + Sync) {
        let count = items.len();
        let items = Apart::new(items);
        self.run(count, &|i| {
            // SAFETY: each item is one part, and each part is done once.
            let item = unsafe { items.range(i..i + 1) };
            work(i, &mut item[0]);
        });
    }

    /// Calls `work` for groups of neighbouring items, with the place of each group's first: one for each thread,
    /// unless these would be larger than `most`.
    pub(crate) fn for_each_group<T: Send>(
        &self,
        most: usize,
        items: &mut [T],
        work: impl Fn(usize, &mut [T]) + Sync,
    ) {
        let count = items.len();
        let each = count.div_ceil(self.threads()).clamp(1, most);
        let items = Apart::new(items);
        self.run(count.div_ceil(each), &|i| {
            let first = i * each;
            // SAFETY: the groups are apart, and each is one part, which is done once.
            let group = unsafe { items.range(first..count.min(first + each)) };
            work(first, group);
        });
    }

    /// Calls `work` for every range between two bounds, and to the note beside each.
    ///
    /// # Panics
    /// If the bounds do not rise, or reach beyond the end, or there is not a note for each range.
    pub(crate) fn for_each_range<T: Send, N: Send>(
        &self,
        items: &mut [T],
        notes: &mut [N],
        bounds: &[usize],
        work: impl Fn(usize, &mut [T], &mut N) + Sync,
    ) {
        assert!(bounds.is_sorted() && bounds.last().is_none_or(|&end| end <= items.len()), "rising bounds");
        assert_eq!(notes.len() + 1, bounds.len().max(1), "a note for each range");
        let (items, notes) = (Apart::new(items), Apart::new(notes));
        let (Some(start), Some(end)) = (bounds.first(), bounds.last()) else { return };
        // Shares of one size, not of as many ranges.
        let first = |thread: usize, threads: usize| {
            bounds
                .partition_point(|&bound| bound < start + (end - start) * thread / threads)
                .min(bounds.len() - 1)
        };
        self.run_shares(bounds.len() - 1, first, &|i| {
            // SAFETY: the bounds rise, so the ranges of the parts are apart, and each part is done once.
            let range = unsafe { items.range(bounds[i]..bounds[i + 1]) };
            // SAFETY: as above, of the notes.
            let note = unsafe { notes.range(i..i + 1) };
            work(i, range, &mut note[0]);
        });
    }

    /// Calls `work` for three slices of one length, block by block at the same places: a piece to each
    /// thread, unless it would be shorter than `least`. Lines of the first slice, which other threads may
    /// have read, are claimed two blocks ahead.
    pub(crate) fn for_each_block(
        &self,
        least: usize,
        slices: [&mut [f32]; 3],
        work: impl Fn(Range<usize>, [&mut [f32]; 3]) + Sync,
    ) {
        let length = slices[0].len();
        assert!(slices.iter().all(|slice| slice.len() == length), "slices of one length");
        // Of whole rows, so that no piece begins within a cache line.
        let each = length.div_ceil(self.threads()).max(least).next_multiple_of(WIDTH);
        let pieces = length.div_ceil(each);
        let slices = slices.map(Apart::new);
        self.run(pieces, &|i| {
            let (start, end) = (i * each, length.min((i + 1) * each));
            let block = |n: usize| (start + n * BLOCK).min(end)..(start + (n + 1) * BLOCK).min(end);
            let claim_block = |n: usize| {
                if pieces > 1 {
                    // SAFETY: the pieces are apart, each is done once, and this borrow of a block is over before the next.
                    claim(unsafe { slices[0].range(block(n)) });
                }
            };
            claim_block(0);
            claim_block(1);
            for n in 0..(end - start).div_ceil(BLOCK) {
                claim_block(n + 2);
                // SAFETY: as above.
                let blocks = slices.each_ref().map(|slice| unsafe { slice.range(block(n)) });
                work(block(n), blocks);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU64;

    #[test]
    fn every_part_is_done_once_whatever_the_threads() {
        for threads in [1, 2, 3, 7] {
            let workers = Workers::new(threads);
            for round in 0..2000 {
                let parts = round % 9;
                let done: Vec<AtomicU64> = (0..parts).map(|_| AtomicU64::new(0)).collect();
                workers.run(parts, &|i| {
                    done[i].fetch_add(1, Ordering::Relaxed);
                });
                assert!(done.iter().all(|count| count.load(Ordering::Relaxed) == 1));
            }
        }
    }

    #[test]
    fn ranges_are_given_out_whole() {
        let mut numbers = vec![0; 100];
        let mut notes = [0; 4];
        let bounds = [3, 10, 10, 64, 99];
        Workers::new(2).for_each_range(&mut numbers, &mut notes, &bounds, |i, range, note| {
            range.fill(i + 1);
            *note = range.len();
        });
        assert_eq!(notes, [7, 0, 54, 35]);
        let count = |n: usize| numbers.iter().filter(|&&x| x == n).count();
        assert_eq!([count(0), count(1), count(2), count(3), count(4)], [4, 7, 0, 54, 35]);
    }

    #[test]
    fn blocks_are_done_once_and_at_one_place() {
        for threads in [1, 2, 3, 5] {
            let workers = Workers::new(threads);
            for length in [0, 1, 15, 16, 255, 256, 257, 4095, 4097, 20_003] {
                let mut slices = [1.0, 2.0, 3.0].map(|x| vec![x; length]);
                let [a, b, c] = &mut slices;
                workers.for_each_block(64, [a, b, c], |range, [a, b, c]| {
                    assert_eq!([a.len(), b.len(), c.len()], [range.len(); 3]);
                    for (k, place) in range.enumerate() {
                        (a[k], b[k], c[k]) = (a[k] + place as f32, b[k] + place as f32, c[k] + place as f32);
                    }
                });
                for (slice, first) in slices.iter().zip([1.0, 2.0, 3.0]) {
                    assert!(slice.iter().enumerate().all(|(place, &x)| x == first + place as f32));
                }
            }
        }
    }

    #[test]
    fn helpers_that_slept_come_back() {
        let workers = Workers::new(2);
        for _ in 0..3 {
            let mut items = [0; 64];
            workers.for_each(&mut items, |i, item| *item = i);
            assert!(items.iter().enumerate().all(|(i, &item)| i == item));
            std::thread::sleep(std::time::Duration::from_millis(30));
        }
    }

    #[test]
    fn a_late_helper_is_left_out_and_every_part_is_done() {
        let workers = Workers::new(2);
        let caller = std::thread::current().id();
        let team = workers.team.as_ref().unwrap();
        // A helper that is kept from working inside a part, until it is not called any more.
        while team.lock().unwrap().called(Instant::now(), 2) == 1 {
            workers.run(2, &|_| {
                let is_helper = std::thread::current().id() != caller;
                std::thread::sleep(std::time::Duration::from_millis(if is_helper { 20 } else { 1 }));
            });
        }
        let done = AtomicU64::new(0);
        let helped = AtomicBool::new(false);
        while !helped.load(Ordering::Relaxed) {
            workers.run(4, &|_| {
                std::thread::sleep(std::time::Duration::from_micros(100));
                done.fetch_add(1, Ordering::Relaxed);
                helped.fetch_or(std::thread::current().id() != caller, Ordering::Relaxed);
            });
        }
        // The helper has been tried again, and no part was lost.
        assert_eq!(done.load(Ordering::Relaxed) % 4, 0);
    }

    #[test]
    #[should_panic(expected = "part 3")]
    fn a_panic_comes_out() {
        Workers::new(1).run(4, &|i| assert!(i < 3, "part {i}"));
    }

    #[test]
    fn a_panic_of_any_thread_comes_out_and_the_rest_goes_on() {
        let workers = Workers::new(2);
        let failed = catch_unwind(AssertUnwindSafe(|| workers.run(64, &|i| assert!(i != 40, "part {i}"))));
        assert!(failed.is_err());
        // With the helper, not alone.
        assert!(workers.team.as_ref().and_then(|team| team.lock()).is_some());
        let mut items = [0; 64];
        workers.for_each(&mut items, |i, item| *item = i);
        assert_eq!(items[63], 63);
    }
}
