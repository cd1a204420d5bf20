//! Copy `i` of many behaves as a single environment, in both autoreset modes, and continues from a snapshot.

mod oracle;
mod point_mass;

use oracle::Oracle;
use potstill_core::{Pcg64, Restorable, Streams};
use potstill_env::registry::{self, Factory, Spec, Visitor, find};
use potstill_env::space::Element;
use potstill_env::vector::{SyncVec, VecSteps, join_states, split_state};
use potstill_env::wrappers::{FrameStack, NormalizeReward, OneHot, StickyActions, VecNormalize};
use potstill_env::{Autoreset, Batch, Env, EnvError, Guarded, Row, VecEnv};
use serde_json::{Value, json};
use std::borrow::{Borrow, BorrowMut};

const STEPS: usize = 250;

fn all() -> impl Iterator<Item = Spec> {
    registry::all().chain(point_mass::specs(90))
}

/// Compares copies with single environments of the same seeds.
struct Alone {
    copies: usize,
    autoreset: Autoreset,
}

impl Visitor for Alone {
    /// The number of episodes that ended.
    type Output = usize;

    fn visit<O: Row + ?Sized + 'static, A: Row + ?Sized + 'static>(self, factory: &Factory<O, A>) -> usize {
        let Alone { copies, autoreset } = self;
        let mut many = factory.many(copies, autoreset);
        let space = many.single_action_space();
        let (mut rng, width) = (Pcg64::new(copies as u64), space.features());
        let observations = many.single_observation_space();
        let mut ones: Vec<_> =
            (0..copies).map(|_| (factory.one(), O::buffer(&observations), false)).collect();
        many.reset(Some(100));
        for (i, (env, observation, _)) in ones.iter_mut().enumerate() {
            env.reset(Some(100 + i as u64), observation.borrow_mut());
            let alone: &O = (*observation).borrow();
            assert_eq!(many.batch().observation(i), alone.as_slice());
        }
        let mut ended = 0;
        for _ in 0..STEPS {
            let actions = A::sample_rows(copies, &space, &mut rng);
            let batch = many.step(&actions).unwrap();
            for (i, (env, observation, is_over)) in ones.iter_mut().enumerate() {
                let place = format!("copy {i} of {copies}, {autoreset:?}");
                if std::mem::replace(is_over, false) && autoreset == Autoreset::NextStep {
                    env.reset(None, observation.borrow_mut());
                    assert_eq!((batch.rewards[i], batch.done(i)), (0.0, false), "{place}");
                } else {
                    let outcome = env
                        .step(A::from_slice(&actions[i * width..][..width]), observation.borrow_mut())
                        .unwrap();
                    assert_eq!(batch.rewards[i], outcome.reward, "{place}");
                    assert_eq!(batch.terminated[i], outcome.terminated, "{place}");
                    assert_eq!(batch.truncated[i], outcome.truncated, "{place}");
                    *is_over = outcome.done();
                    ended += usize::from(outcome.done());
                    let alone: &O = (*observation).borrow();
                    assert_eq!(
                        batch.final_observation(i),
                        outcome.done().then(|| alone.as_slice()),
                        "{place}"
                    );
                    if outcome.done() && autoreset == Autoreset::SameStep {
                        env.reset(None, observation.borrow_mut());
                    }
                }
                let alone: &O = (*observation).borrow();
                assert_eq!(batch.observation(i), alone.as_slice(), "{place}");
            }
        }
        ended
    }
}

#[test]
fn a_copy_does_what_one_does_alone() {
    // Episodes also end by truncation.
    let registered = registry::all().map(|spec| find(&format!("{}:max_episode_steps=90", spec.id)).unwrap());
    for spec in registered.chain(point_mass::specs(90)) {
        for autoreset in [Autoreset::NextStep, Autoreset::SameStep] {
            for copies in [1, 3, 16, 17, 64, 100] {
                let ended = spec.visit(Alone { copies, autoreset });
                assert!(ended >= copies, "{} {ended}", spec.id);
            }
        }
    }
}

/// Parts of a batch equal the whole, wherever it is split, so that threads can share the copies.
struct Parts(Autoreset);

impl Visitor for Parts {
    type Output = ();

    fn visit<O: Row + ?Sized + 'static, A: Row + ?Sized + 'static>(self, factory: &Factory<O, A>) {
        let Parts(autoreset) = self;
        let mut whole = factory.many(37, autoreset);
        let (mut left, mut right) = (factory.many(20, autoreset), factory.many(17, autoreset));
        let (space, mut rng) = (whole.single_action_space(), Pcg64::new(4));
        let width = space.features();
        whole.reset(Some(5));
        left.reset(Some(5));
        right.reset(Some(25));
        for _ in 0..STEPS {
            let actions = A::sample_rows(37, &space, &mut rng);
            let batch = whole.step(&actions).unwrap();
            let (first, second) =
                (left.step(&actions[..20 * width]).unwrap(), right.step(&actions[20 * width..]).unwrap());
            assert_eq!(batch.observations, [&first.observations[..], &second.observations[..]].concat());
            assert_eq!(batch.rewards, [&first.rewards[..], &second.rewards[..]].concat());
            assert_eq!(batch.terminated, [&first.terminated[..], &second.terminated[..]].concat());
            assert_eq!(batch.truncated, [&first.truncated[..], &second.truncated[..]].concat());
            // So are their states.
            let state = whole.snapshot();
            assert!(join_states(&[left.snapshot(), right.snapshot()]).unwrap() == state);
            let parts = split_state(&state, &[20, 17]).unwrap();
            left.restore(&parts[0]).unwrap();
            right.restore(&parts[1]).unwrap();
        }
        assert!(split_state(&whole.snapshot(), &[20, 16]).is_err());
    }
}

/// Steps that were sent are those that were taken.
struct Sent;

impl Visitor for Sent {
    type Output = ();

    fn visit<O: Row + ?Sized + 'static, A: Row + ?Sized + 'static>(self, factory: &Factory<O, A>) {
        let mut whole = factory.many(9, Autoreset::SameStep);
        let (mut left, mut right) =
            (factory.many(5, Autoreset::SameStep), factory.many(4, Autoreset::SameStep));
        let (space, mut rng) = (whole.single_action_space(), Pcg64::new(4));
        let (features, width) = (whole.batch().features(), space.features());
        let mut batch = whole.reset(Some(5)).clone();
        left.reset(Some(5));
        right.reset(Some(10));
        let mut sent = [VecSteps::new(5, features, width), VecSteps::new(4, features, width)];
        let actions: Vec<_> = (0..STEPS).map(|_| A::sample_rows(9, &space, &mut rng)).collect();
        for actions in &actions {
            let (first, second) = actions.split_at(5 * width);
            sent[0].push(first, left.step(first).unwrap());
            sent[1].push(second, right.step(second).unwrap());
        }
        let mut read = [5, 4].into_iter().zip(&sent).map(|(copies, sent)| {
            VecSteps::<O::Element, A::Element>::read(&sent.snapshot(), (copies, features, width)).unwrap()
        });
        let (mut first, mut second) = (read.next().unwrap(), read.next().unwrap());
        for actions in &actions {
            let found = [first.take(0, &mut batch), second.take(5, &mut batch)].concat();
            assert!(found == *actions);
            let expected = whole.step(actions).unwrap();
            assert_eq!(batch.observations, expected.observations);
            assert_eq!((&batch.terminated, &batch.truncated), (&expected.terminated, &expected.truncated));
            for i in 0..9 {
                assert_eq!(batch.final_observation(i), expected.final_observation(i));
                assert_eq!(
                    (batch.rewards[i], batch.raw_reward(i)),
                    (expected.rewards[i], expected.raw_reward(i))
                );
            }
        }
        assert_eq!((first.left(), second.left()), (0, 0));
    }
}

#[test]
fn steps_that_were_sent_are_those_that_were_taken() {
    all().for_each(|spec| spec.visit(Sent));
    let clipped = find("CartPole-v1:clip_reward=0:0.5").unwrap();
    clipped.visit(Sent);
    let mut sent = VecSteps::new(1, 4, 1);
    let mut pole = clipped.make_vec_features(1, Autoreset::SameStep).unwrap();
    pole.reset(Some(1));
    sent.push(&[0_usize], pole.step(&[0]).unwrap());
    for wrong in [(2, 4, 1), (1, 3, 1), (1, 4, 2)] {
        assert!(VecSteps::<f32, usize>::read(&sent.snapshot(), wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn parts_are_the_whole() {
    for autoreset in [Autoreset::NextStep, Autoreset::SameStep] {
        all().for_each(|spec| spec.visit(Parts(autoreset)));
    }
}

/// Actions that must be refused without a change of state.
struct Refused;

impl Visitor for Refused {
    type Output = ();

    fn visit<O: Row + ?Sized + 'static, A: Row + ?Sized + 'static>(self, factory: &Factory<O, A>) {
        let mut envs = factory.many(20, Autoreset::NextStep);
        let space = envs.single_action_space();
        let (width, valid) = (space.features(), A::sample_rows(20, &space, &mut Pcg64::new(1)));
        assert_eq!(envs.step(&valid).unwrap_err(), EnvError::NotReset);
        envs.reset(None);
        let before = envs.snapshot();
        let error = envs.step(&valid[width..]).unwrap_err();
        assert_eq!(error.to_string(), "19 actions for 20 environments");
        for invalid in A::invalid(&space) {
            let row: &A = invalid.borrow();
            let actions = [&valid[..13 * width], row.as_slice(), &valid[14 * width..]].concat();
            match envs.step(&actions) {
                Err(EnvError::Action { .. }) if row.as_slice().len() == width => {}
                Err(EnvError::Actions { .. } | EnvError::ActionNumbers { .. })
                    if row.as_slice().len() != width => {}
                other => panic!("{} gave {other:?}", row.text()),
            }
        }
        assert!(envs.snapshot() == before);
    }
}

#[test]
fn a_refused_step_changes_nothing() {
    all().for_each(|spec| spec.visit(Refused));
}

fn continues<V: VecEnv>(make: impl Fn() -> V, name: &str) {
    let mut envs = make();
    let (space, mut rng) = (envs.single_action_space(), Pcg64::new(8));
    let copies = envs.num_envs();
    let mut draw = || V::Action::sample_rows(copies, &space, &mut rng);
    envs.reset(Some(3));
    for _ in 0..40 {
        let mut copy = make();
        copy.restore(&envs.snapshot()).unwrap();
        for _ in 0..5 {
            let actions = draw();
            assert!(envs.step(&actions).unwrap() == copy.step(&actions).unwrap(), "{name}");
        }
        assert!(envs.snapshot() == copy.snapshot(), "{name}");
    }
}

struct Continues;

impl Visitor for Continues {
    type Output = ();

    fn visit<O: Row + ?Sized + 'static, A: Row + ?Sized + 'static>(self, factory: &Factory<O, A>) {
        for autoreset in [Autoreset::NextStep, Autoreset::SameStep] {
            continues(|| factory.many(19, autoreset), "copies");
        }
    }
}

#[test]
fn a_snapshot_in_flight_continues_identically() {
    all().for_each(|spec| spec.visit(Continues));
    // Wrapped once, wrapped many times, and wrapped as a whole.
    let cliff = || {
        let spec = find("CliffWalkingSlippery-v1:max_episode_steps=40").unwrap();
        StickyActions::new(FrameStack::new(OneHot::new(spec.make_states().unwrap()), 2), 0.3)
    };
    continues(|| SyncVec::new(5, Autoreset::SameStep, || NormalizeReward::new(cliff(), 0.9)), "wrapped");
    let poles = || find("CartPole-v1").unwrap().make_vec_features(6, Autoreset::SameStep).unwrap();
    continues(|| VecNormalize::new(poles(), 0.99), "normalised");
}

#[test]
fn frozen_moments_stay() {
    let poles = || find("CartPole-v1").unwrap().make_vec_features(4, Autoreset::NextStep).unwrap();
    let mut envs = VecNormalize::new(poles(), 0.99);
    envs.reset(Some(1));
    for _ in 0..50 {
        envs.step(&[0, 1, 0, 1]).unwrap();
    }
    // The normalisation learned in training, in a separate evaluation.
    let mut evaluated = VecNormalize::new(poles(), 0.99);
    evaluated.restore(&envs.snapshot()).unwrap();
    evaluated.freeze(true);
    for _ in 0..20 {
        evaluated.step(&[1, 1, 0, 0]).unwrap();
    }
    assert_eq!(evaluated.moments(), envs.moments());
    envs.step(&[1, 1, 0, 0]).unwrap();
    assert_ne!(evaluated.moments(), envs.moments());
}

/// A user's own environment takes part through `SyncVec`.
#[test]
fn any_environment_can_be_copied() {
    let env = || Guarded::new(potstill_env::CartPole::default(), Some(5));
    let mut envs = SyncVec::new(2, Autoreset::NextStep, env);
    envs.reset(Some(0));
    let truncated: Vec<bool> = (0..6).map(|_| envs.step(&[0, 1]).unwrap().truncated[0]).collect();
    assert_eq!(truncated, [false, false, false, false, true, false]);
}

#[test]
#[ignore = "needs Gymnasium: run `cargo xtask test`"]
fn autoreset_is_that_of_gymnasium() {
    let mut gymnasium = Oracle::start("gymnasium/trace.py");
    for id in ["CartPole-v1", "CliffWalkingSlippery-v1", "FrozenLake-v1", "MountainCarContinuous-v0"] {
        for (autoreset, theirs) in [(Autoreset::NextStep, "NEXT_STEP"), (Autoreset::SameStep, "SAME_STEP")] {
            let spec = find(&format!("{id}:max_episode_steps=15")).unwrap();
            for seed in 0..10 {
                spec.visit(AsGymnasium { gymnasium: &mut gymnasium, id, seed, autoreset, theirs });
            }
        }
    }
}

struct AsGymnasium<'a> {
    gymnasium: &'a mut Oracle,
    id: &'a str,
    seed: u64,
    autoreset: Autoreset,
    theirs: &'a str,
}

impl Visitor for AsGymnasium<'_> {
    type Output = ();

    fn visit<O: Row + ?Sized + 'static, A: Row + ?Sized + 'static>(self, factory: &Factory<O, A>) {
        let AsGymnasium { gymnasium, id, seed, autoreset, theirs } = self;
        let mut envs = factory.many(4, autoreset);
        let (space, mut rng) = (envs.single_action_space(), Streams::new(seed).stream("actions"));
        let rows: Vec<_> = (0..60).map(|_| A::sample_rows(4, &space, &mut rng)).collect();
        let numbers: Vec<Vec<f64>> =
            rows.iter().map(|row| row.iter().map(|number| number.wide()).collect()).collect();
        let request = json!({
            "env": id, "options": { "max_episode_steps": 15 }, "vector": theirs, "seed": seed, "actions": numbers,
        });
        let expected = gymnasium.ask(&request);
        let wide = |row: &[O::Element]| -> Value {
            json!(row.iter().map(|number| number.wide()).collect::<Vec<f64>>())
        };
        let same = |batch: &Batch<O::Element>, theirs: &Value, place: &str| {
            for i in 0..batch.len() {
                assert_eq!(wide(batch.observation(i)), theirs["observations"][i], "{place}, copy {i}");
            }
        };
        same(envs.reset(Some(seed)), &expected[0], "reset");
        for (t, actions) in rows.iter().enumerate() {
            let batch = envs.step(actions).unwrap();
            let (theirs, place) =
                (&expected[t + 1], format!("{id} {autoreset:?} seed {seed} step {}", t + 1));
            same(batch, theirs, &place);
            assert_eq!(json!(batch.rewards), theirs["rewards"], "{place}");
            assert_eq!(json!(batch.terminated), theirs["terminated"], "{place}");
            assert_eq!(json!(batch.truncated), theirs["truncated"], "{place}");
            for i in 0..4 {
                let ours = batch.final_observation(i).map(&wide);
                assert_eq!(json!(ours), theirs["final_observations"][i], "{place}, copy {i}");
            }
        }
    }
}
