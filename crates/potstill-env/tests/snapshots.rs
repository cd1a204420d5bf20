//! A snapshot taken at any step of an episode continues as the original does.

use potstill_core::{Pcg64, Stateful};
use potstill_env::registry::REGISTRY;
use potstill_env::{Env, Observation};
use std::borrow::BorrowMut;

fn check<O: Observation + ?Sized>(make: impl Fn() -> Box<dyn Env<Observation = O, Action = usize>>) {
    let actions = make().action_space().discrete().unwrap();
    let mut rng = Pcg64::new(7);
    let (mut env, mut copy) = (make(), make());
    let mut observation = O::buffer(&env.observation_space());
    let mut seen = observation.clone();
    for episode in 0..10 {
        env.reset((episode == 0).then_some(3), observation.borrow_mut());
        for _ in 0..100 {
            copy.restore(&env.state()).unwrap();
            let action = rng.below(actions);
            let outcome = env.step(action, observation.borrow_mut()).unwrap();
            assert_eq!(copy.step(action, seen.borrow_mut()).unwrap(), outcome);
            assert_eq!(seen, observation);
            assert_eq!(copy.state(), env.state());
            if outcome.done() {
                break;
            }
        }
        // The random stream goes on too: the next start is the same.
        copy.restore(&env.state()).unwrap();
        env.reset(None, observation.borrow_mut());
        copy.reset(None, seen.borrow_mut());
        assert_eq!(seen, observation);
    }
}

#[test]
fn every_environment_continues_identically() {
    for spec in &REGISTRY {
        if spec.make_states().is_some() {
            check(|| spec.make_states().unwrap());
        } else {
            check(|| spec.make_features().unwrap());
        }
    }
}
