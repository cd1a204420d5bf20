//! A snapshot taken at any step of an episode and restored into a fresh instance continues as the original
//! does.

mod point_mass;

use potstill_core::{Pcg64, Restorable};
use potstill_env::registry::{self, Factory, Visitor};
use potstill_env::{Env, Row};
use std::borrow::{Borrow, BorrowMut};

const EPISODES: usize = 100;

struct Snapshots;

impl Visitor for Snapshots {
    type Output = usize;

    fn visit<O: Row + ?Sized + 'static, A: Row + ?Sized + 'static>(self, factory: &Factory<O, A>) -> usize {
        let (mut rng, mut steps) = (Pcg64::new(7), 0);
        let mut env = factory.one();
        let (observations, actions) = (env.observation_space(), env.action_space());
        let mut observation = O::buffer(&observations);
        let mut seen = observation.clone();
        for episode in 0..EPISODES {
            env.reset((episode == 0).then_some(3), observation.borrow_mut());
            // Random walks along the cliff have no end of their own.
            for _ in 0..2000 {
                let mut copy = factory.one();
                copy.restore(&env.snapshot()).unwrap();
                let action = A::sample(&actions, &mut rng);
                let outcome = env.step(action.borrow(), observation.borrow_mut()).unwrap();
                assert_eq!(copy.step(action.borrow(), seen.borrow_mut()).unwrap(), outcome);
                assert_eq!(seen, observation);
                assert_eq!(copy.snapshot(), env.snapshot());
                steps += 1;
                if outcome.done() {
                    break;
                }
            }
            // The random stream continues too: the next start is the same.
            let mut copy = factory.one();
            copy.restore(&env.snapshot()).unwrap();
            env.reset(None, observation.borrow_mut());
            copy.reset(None, seen.borrow_mut());
            assert_eq!(seen, observation);
        }
        steps
    }
}

#[test]
fn every_environment_continues_identically() {
    for spec in registry::all().chain(point_mass::specs(200)) {
        let steps = spec.visit(Snapshots);
        println!("{}: {EPISODES} episodes, {steps} snapshots", spec.id);
        assert!(steps >= EPISODES);
    }
}
