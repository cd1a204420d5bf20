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
    /// The state of its random numbers is not accessible.
    Unseen,
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
        if self.kind == Kind::Unseen {
            return Ok(Vec::new());
        }
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
    // Of seed 0, the walk finds its states again.
    for (id, kind, seed) in [("python:Walk", Kind::Seeded, 0), ("python:Unseen", Kind::Unseen, 7)] {
        let losses = walk(id, kind);
        let mut whole = make(id);
        whole.reset(Some(seed), &mut [0.0]);
        for steps in [0, 1, 7, 40] {
            play(&mut whole, steps);
            let mut restored = make(id);
            restored.restore(&whole.snapshot()).unwrap();
            let expected = play(&mut whole, 60);
            assert_eq!(play(&mut restored, 60), expected, "{id} after {steps} steps");
        }
        assert_eq!(losses.load(Ordering::Relaxed), 0);
    }
}

#[test]
fn episodes_of_an_unseen_generator_differ() {
    walk("python:Hidden", Kind::Unseen);
    let mut env = make("python:Hidden");
    let mut starts = [[0.0]; 3];
    for (i, start) in starts.iter_mut().enumerate() {
        env.reset((i == 0).then_some(5), start);
    }
    assert!(starts[0] != starts[1] && starts[1] != starts[2] && starts[0] != starts[2], "{starts:?}");
}

/// An image of two rows and three columns, all of whose points are the number of steps.
struct Screen(u8);

impl Screen {
    fn show(&self, observation: NumbersMut<'_>) -> Result<(), String> {
        let NumbersMut::Bytes(image) = observation else {
            return Err(format!("{observation:?} is no image"));
        };
        image.fill(self.0);
        Ok(())
    }
}

impl Foreign for Screen {
    fn reset(&mut self, _: Option<u64>, observation: NumbersMut<'_>) -> Result<(), String> {
        self.0 = 250;
        self.show(observation)
    }

    fn step(&mut self, _: Numbers<'_>, observation: NumbersMut<'_>) -> Result<Outcome, String> {
        self.0 += 1;
        self.show(observation)?;
        Ok(Outcome { reward: 1.0, terminated: false, truncated: false })
    }

    fn random_state(&mut self) -> Result<Vec<u8>, String> {
        Ok(Vec::new())
    }

    fn set_random_state(&mut self, _: &[u8]) -> Result<(), String> {
        Ok(())
    }

    fn reseed(&mut self, _: u64) -> Result<(), String> {
        Ok(())
    }

    fn warn(&self, _: &str) {}
}

#[test]
fn images_are_bytes_in_stacks_and_features_where_actions_are_a_box() {
    for (id, actions) in
        [("python:Screen", Space::Discrete { n: 2 }), ("python:Canvas", Space::uniform(1, -1.0, 1.0))]
    {
        let entry = Entry::of_foreign(id, move |_| {
            let observations = Space::Image { frames: 1, height: 2, width: 3, channels: 1 };
            Ok(Constructed { env: Box::new(Screen(0)), observations, actions: actions.clone() })
        });
        register(entry).unwrap();
    }
    let stacked = find("python:Screen:frame_stack=2").unwrap();
    assert_eq!(
        (stacked.observation_space().to_string().as_str(), stacked.frames()),
        ("Image(2, 2, 3, 1)", 2)
    );
    let (mut env, mut image) = (stacked.make_planes().unwrap(), [0; 12]);
    env.reset(Some(1), &mut image);
    env.step(&1, &mut image).unwrap();
    assert_eq!(image, [250, 250, 250, 250, 250, 250, 251, 251, 251, 251, 251, 251]);
    let mut restored = stacked.make_planes().unwrap();
    restored.restore(&env.snapshot()).unwrap();
    restored.step(&0, &mut image).unwrap();
    assert_eq!((image[0], image[6]), (251, 252));

    let drawn = find("python:Canvas:frame_stack=2").unwrap();
    assert_eq!(drawn.observation_space().to_string(), "Image(2, 2, 3, 1)");
    let (mut env, mut image) = (drawn.make_control().unwrap(), [0.0; 12]);
    env.reset(Some(1), &mut image);
    env.step(&[0.5], &mut image).unwrap();
    assert_eq!((image[0], image[6]), (250.0, 251.0));
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
