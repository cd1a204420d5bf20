//! No step of a vector environment allocates, whatever the environment and the mode.

mod point_mass;

use potstill_core::Pcg64;
use potstill_env::registry::{self, Factory, Visitor};
use potstill_env::{Autoreset, Row};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call is forwarded to the system's allocator unchanged; counting touches nothing but a number of this thread.
#[expect(unsafe_code, reason = "an allocator that counts, for this test alone")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
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

struct Steps(Autoreset);

impl Visitor for Steps {
    type Output = u64;

    fn visit<O: Row + ?Sized + 'static, A: Row + ?Sized + 'static>(self, factory: &Factory<O, A>) -> u64 {
        let mut envs = factory.many(50, self.0);
        let (space, mut rng) = (envs.single_action_space(), Pcg64::new(1));
        let rows: Vec<_> = (0..200).map(|_| A::sample_rows(50, &space, &mut rng)).collect();
        envs.reset(Some(1));
        let before = ALLOCATIONS.get();
        for row in &rows {
            envs.step(row).unwrap();
        }
        ALLOCATIONS.get() - before
    }
}

#[test]
fn a_step_allocates_nothing() {
    assert_ne!(ALLOCATIONS.get(), 0, "the counter counts");
    for spec in registry::all().chain(point_mass::specs(200)) {
        for autoreset in [Autoreset::NextStep, Autoreset::SameStep] {
            assert_eq!(spec.visit(Steps(autoreset)), 0, "{} {autoreset:?}", spec.id);
        }
    }
}
