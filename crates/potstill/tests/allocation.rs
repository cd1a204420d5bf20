//! No step of training allocates, in the environment or in its networks, once its buffers have their size.

mod suite;

use potstill::algorithm::{ALGORITHMS, Algorithm, Builder};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};
use suite::{Work, work};

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: every call is forwarded to the system's allocator unchanged; counting touches nothing but a number.
#[expect(unsafe_code, reason = "an allocator that counts, for this test alone")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller upholds the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: `pointer` came from `System` by way of `alloc` above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Steps of a beginning, in which buffers get their size, and of each stretch that is counted.
const STEPS: u64 = 2000;

/// Allocations of all threads in three stretches of steps.
fn allocations(work: &mut dyn Work) -> [u64; 3] {
    work.until(STEPS);
    [2, 3, 4].map(|n| {
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        work.until(n * STEPS);
        ALLOCATIONS.load(Ordering::Relaxed) - before
    })
}

/// One test in this file, since the count is of all threads.
#[test]
fn a_step_of_training_allocates_nothing() {
    assert_ne!(ALLOCATIONS.load(Ordering::Relaxed), 0, "the counter counts");
    // A tabular agent may make a list of its probabilities where it takes an expectation over them.
    let for_features = |a: &&&Algorithm| matches!(a.builder, Builder::Features(_) | Builder::Control(_));
    for algorithm in ALGORITHMS.iter().filter(for_features) {
        for (settings, threads) in
            algorithm.smoke.iter().flat_map(|settings| [1_u64, 2].map(|threads| (settings, threads)))
        {
            let mut work = work(algorithm, settings, 1, threads as usize);
            let counts = allocations(&mut *work);
            // A thread of the pool may start late, once.
            let most = threads - 1;
            assert!(
                counts.iter().sum::<u64>() <= most,
                "{} {settings}, {threads} threads: {counts:?}",
                algorithm.name
            );
        }
    }
}
