//! A copy that is reseeded keeps its state and has a random stream of its own.

mod point_mass;

use potstill_core::{Pcg64, Streams};
use potstill_env::registry::{self, Factory, Visitor, find};
use potstill_env::{Env, Row};
use std::borrow::{Borrow, BorrowMut};

/// Compares two copies, reseeded with these seeds in mid-episode, from there on.
struct SameFuture(u64, u64);

impl Visitor for SameFuture {
    type Output = bool;

    fn visit<O: Row + ?Sized + 'static, A: Row + ?Sized + 'static>(self, factory: &Factory<O, A>) -> bool {
        let (mut one, mut other) = (factory.one(), factory.one());
        let (observations, actions) = (one.observation_space(), one.action_space());
        let mut rng: Pcg64 = Streams::new(3).stream("actions");
        let (mut seen, mut seen_by_other) = (O::buffer(&observations), O::buffer(&observations));
        one.reset(Some(1), seen.borrow_mut());
        let _ = one.step(A::sample(&actions, &mut rng).borrow(), seen.borrow_mut());
        other.reset(Some(2), seen_by_other.borrow_mut());
        other.restore(&one.snapshot()).unwrap();
        seen_by_other.clone_from(&seen);
        one.reseed(self.0);
        other.reseed(self.1);
        // Longer than any episode: some environments draw nothing but their starts.
        for _ in 0..2500 {
            let action = A::sample(&actions, &mut rng);
            let told = one.step(action.borrow(), seen.borrow_mut());
            if told != other.step(action.borrow(), seen_by_other.borrow_mut()) || seen != seen_by_other {
                return false;
            }
            if told.map_or(true, |outcome| outcome.done()) {
                one.reset(None, seen.borrow_mut());
                other.reset(None, seen_by_other.borrow_mut());
            }
        }
        true
    }
}

#[test]
fn the_same_seed_brings_the_same_future() {
    for spec in registry::all().chain(point_mass::specs(200)) {
        assert!(spec.visit(SameFuture(7, 7)), "{}", spec.id);
        // In a stochastic environment another seed gives another future.
        assert_eq!(spec.visit(SameFuture(7, 8)), !spec.stochastic, "{}", spec.id);
    }
    for id in [
        "CliffWalking-v1:sticky_actions=0.5",
        "FrozenLake-v1:one_hot=true,frame_stack=2",
        "CartPole-v1:bins=3",
    ] {
        let spec = find(id).unwrap();
        assert!(spec.visit(SameFuture(7, 7)) && !spec.visit(SameFuture(7, 8)), "{id}");
    }
}
