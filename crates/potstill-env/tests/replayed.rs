//! Environments outside of this program are restored by replaying their episode, or say that they were not.

use potstill_core::{Pcg64, Restorable};
use potstill_env::registry::{Entry, find, register, resolve_namespace};
use potstill_env::replayed::{Constructed, Foreign};
use potstill_env::space::{Numbers, NumbersMut};
use potstill_env::{Env, EnvError, FeatureEnv, Outcome, Space};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Seeded,
    /// Its random numbers depend on no seed.
    Unseeded,
    FailsInReset,
    FailsInStep,
}

/// A walk of random steps; an episode ends beyond 3.
struct Walk {
    rng: Pcg64,
    place: f32,
    kind: Kind,
    losses: Arc<AtomicU64>,
}

static UNSEEDED: AtomicU64 = AtomicU64::new(1);

impl Walk {
    fn draw(&mut self) -> f32 {
        match self.kind {
            Kind::Unseeded => UNSEEDED.fetch_add(1, Ordering::Relaxed) as f32 / 1_000.0,
            _ => self.rng.uniform(-1.0, 1.0) as f32,
        }
    }
}

fn write(place: f32, observation: NumbersMut<'_>) {
    match observation {
        NumbersMut::Floats(row) => row[0] = place,
        other => panic!("{other:?}"),
    }
}

impl Foreign for Walk {
    fn reset(&mut self, seed: Option<u64>, observation: NumbersMut<'_>) -> Result<(), String> {
        if self.kind == Kind::FailsInReset {
            return Err("it has no start".to_owned());
        }
        if let Some(seed) = seed {
            self.rng = Pcg64::new(seed);
        }
        self.place = self.draw();
        write(self.place, observation);
        Ok(())
    }

    fn step(&mut self, action: Numbers<'_>, observation: NumbersMut<'_>) -> Result<Outcome, String> {
        let Numbers::Index(action) = action else { return Err(format!("{action:?} is no index")) };
        self.place += action as f32 + self.draw();
        write(self.place, observation);
        if self.kind == Kind::FailsInStep {
            return Err("it fell off".to_owned());
        }
        Ok(Outcome { reward: f64::from(self.place), terminated: self.place > 3.0, truncated: false })
    }

    fn random_state(&mut self) -> Result<Vec<u8>, String> {
        Ok(self.rng.snapshot().iter().flat_map(|(_, value)| format!("{value:?};").into_bytes()).collect())
    }

    fn set_random_state(&mut self, state: &[u8]) -> Result<(), String> {
        // The generator goes on from its seed until it is in that state.
        let mut rng = Pcg64::new(0);
        for _ in 0..10_000 {
            std::mem::swap(&mut self.rng, &mut rng);
            let is_there = self.random_state()? == state;
            if is_there {
                return Ok(());
            }
            std::mem::swap(&mut self.rng, &mut rng);
            rng.unit();
        }
        Err("no such state".to_owned())
    }

    fn reseed(&mut self, seed: u64) -> Result<(), String> {
        self.rng = Pcg64::new(seed);
        Ok(())
    }

    fn warn(&self, _: &str) {
        self.losses.fetch_add(1, Ordering::Relaxed);
    }
}

/// Registers a walk, and returns its losses.
fn walk(id: &str, kind: Kind) -> Arc<AtomicU64> {
    let losses = Arc::new(AtomicU64::new(0));
    let counted = losses.clone();
    let entry = Entry::of_foreign(id, move |_| {
        let env = Walk { rng: Pcg64::new(9), place: 0.0, kind, losses: counted.clone() };
        Ok(Constructed {
            env: Box::new(env),
            observations: Space::uniform(1, f32::NEG_INFINITY, f32::INFINITY),
            actions: Space::Discrete { n: 2 },
        })
    });
    register(entry).unwrap();
    losses
}

fn make(id: &str) -> FeatureEnv {
    find(id).unwrap().make_features().unwrap()
}

/// Steps to the `count`-th, with a reset after each end; returns what was seen.
fn play(env: &mut FeatureEnv, count: usize) -> Vec<f32> {
    let mut row = [0.0];
    (0..count)
        .map(|i| {
            if env.step(&usize::from(i % 5 == 4), &mut row).unwrap().done() {
                env.reset(None, &mut row);
            }
            row[0]
        })
        .collect()
}

#[test]
fn a_restored_walk_goes_on_where_it_was() {
    let losses = walk("python:Walk", Kind::Seeded);
    let mut whole = make("python:Walk");
    // Seed 0, with which the walk finds its states again.
    whole.reset(Some(0), &mut [0.0]);
    for steps in [0, 1, 7, 40] {
        play(&mut whole, steps);
        let mut restored = make("python:Walk");
        restored.restore(&whole.snapshot()).unwrap();
        let expected = play(&mut whole, 60);
        assert_eq!(play(&mut restored, 60), expected, "after {steps} steps");
    }
    assert_eq!(losses.load(Ordering::Relaxed), 0);
}

#[test]
fn a_walk_that_is_not_repeated_is_closed_by_a_truncation_at_its_last_observation() {
    let losses = walk("python:Unseeded", Kind::Unseeded);
    let mut env = make("python:Unseeded");
    let mut row = [0.0];
    env.reset(Some(0), &mut row);
    env.step(&0, &mut row).unwrap();
    let last = row;
    let mut restored = make("python:Unseeded");
    restored.restore(&env.snapshot()).unwrap();
    assert_eq!(losses.load(Ordering::Relaxed), 1);
    let closing = restored.step(&1, &mut row).unwrap();
    assert_eq!((row, closing), (last, Outcome { reward: 0.0, terminated: false, truncated: true }));
    assert_eq!(restored.step(&1, &mut row), Err(EnvError::EpisodeOver));
    restored.reset(None, &mut row);
    assert!(!restored.step(&0, &mut row).unwrap().done());
}

#[test]
fn a_failure_is_told_by_the_step_with_its_reason() {
    let check = |id: &str, kind: Kind, reason: &str| {
        walk(id, kind);
        let mut env = make(id);
        env.reset(Some(0), &mut [0.0]);
        let failed = EnvError::Failed { reason: reason.to_owned() };
        assert_eq!(env.step(&0, &mut [0.0]), Err(failed.clone()));
        assert_eq!(env.step(&0, &mut [0.0]), Err(failed), "again");
    };
    check("python:NoStart", Kind::FailsInReset, "it has no start");
    check("python:FallsOff", Kind::FailsInStep, "it fell off");
    register(Entry::of_foreign("python:Broken", |_| Err("no licence".to_owned()))).unwrap();
    assert_eq!(find("python:Broken").unwrap_err().to_string(), "python:Broken: no licence");
}

#[test]
fn a_namespace_is_resolved_by_the_program_that_has_a_way_to_it() {
    let error = find("gym:Nowhere-v0").unwrap_err().to_string();
    assert_eq!(error, "gym:Nowhere-v0: this program does not reach environments of `gym:`");
    resolve_namespace("gym:", |name| match name {
        "package:Walk-v0" => Ok(Entry::of_foreign("gym:package:Walk-v0", |options| {
            assert_eq!(options, [("speed".to_owned(), "2".to_owned())]);
            Err("constructed".to_owned())
        })),
        _ => Err(format!("no {name}")),
    });
    let check = |id: &str, expected: &str| assert_eq!(find(id).unwrap_err().to_string(), expected);
    check("gym:Walk-v0", "gym:Walk-v0: no Walk-v0");
    check("gym:package:Walk-v0:speed=2", "gym:package:Walk-v0: constructed");
}
