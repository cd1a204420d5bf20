//! `Corridor-v0`: find the exit of a dark and slippery corridor.
//!
//! # Action space
//!
//! `Discrete(2)`: 0 left, 1 right. With the probability `slip` a step goes the other way.
//!
//! # Observation space
//!
//! `Discrete(length)`: the square, from the left.
//!
//! # Rewards
//!
//! -1 for each step.
//!
//! # Starting state
//!
//! The square in the middle.
//!
//! # Episode end
//!
//! Terminates at the exit, the last square. Truncates after 1000 steps.
//!
//! # Options
//!
//! | option | meaning | default | example |
//! |---|---|---|---|
//! | `length` | squares: 3 to 1000 | `11` | `21` |
//! | `slip` | the probability of a step the other way: 0 to 0.5 | `0.1` | `0` |
//!
//! # Source
//!
//! This program.

use potstill::core::snapshot::below;
use potstill::core::{Pcg64, snapshot};
use potstill::env::registry::{Entry, Factory};
use potstill::env::{Env, EnvError, Outcome, Paint, Scene, Space};

struct Corridor {
    length: usize,
    slip: f64,
    place: usize,
    rng: Pcg64,
}

impl Corridor {
    fn new(length: usize, slip: f64) -> Self {
        Self { length, slip, place: length / 2, rng: Pcg64::new(0) }
    }
}

impl Env for Corridor {
    type Observation = usize;
    type Action = usize;

    fn observation_space(&self) -> Space {
        Space::Discrete { n: self.length }
    }

    fn action_space(&self) -> Space {
        Space::Discrete { n: 2 }
    }

    fn reset(&mut self, seed: Option<u64>, observation: &mut usize) {
        // A seed begins the random stream anew; without one it goes on.
        if let Some(seed) = seed {
            self.rng = Pcg64::new(seed);
        }
        self.place = self.length / 2;
        *observation = self.place;
    }

    fn step(&mut self, &action: &usize, observation: &mut usize) -> Result<Outcome, EnvError> {
        if action > 1 {
            return Err(EnvError::Action { action: action.to_string(), space: self.action_space() });
        }
        let slips = self.rng.unit() < self.slip;
        let is_right = (action == 1) != slips;
        self.place = if is_right { self.place + 1 } else { self.place.saturating_sub(1) };
        *observation = self.place;
        Ok(Outcome { reward: -1.0, terminated: self.place + 1 == self.length, truncated: false })
    }

    fn reseed(&mut self, seed: u64) {
        self.rng = Pcg64::new(seed);
    }

    fn scene(&self) -> Option<Scene> {
        self.scene_of(&self.place)
    }

    // A grid whose square follows from the state: reports draw maps of values on it.
    fn scene_of(&self, &place: &usize) -> Option<Scene> {
        let square = |_, column| match column + 1 == self.length {
            true => (Paint::Goal, 'G'),
            false => (Paint::Ground, ' '),
        };
        Some(Scene::grid(1, self.length, square).with_agent(0, place))
    }
}

// Every field is either saved or given by the constructor; one that is in neither list does not compile.
snapshot! {
    impl Restorable for Corridor {
        saved: place via below(*length), rng;
        built: length, slip;
    }
}

pub(crate) fn entry() -> Entry {
    Entry::new("Corridor-v0", "find the exit of a corridor", |options| {
        let length = options.whole("length", 3..=1000)?.unwrap_or(11) as usize;
        let slip = options.number("slip", 0.1, 0.0..=0.5)?;
        Ok(Factory::new(move || Corridor::new(length, slip)))
    })
    .documented(include_str!("corridor.rs"))
    .actions(&["left", "right"])
    .time_limit(1000)
}
