//! `Docking-v0`: bring a drifting craft to rest at a dock.
//!
//! # Action space
//!
//! `Discrete(3)`: 0 thrust to the left, 1 none, 2 to the right.
//!
//! # Observation space
//!
//! `Box(2)`.
//!
//! | number | meaning | lowest | highest |
//! |---|---|---|---|
//! | 0 | place, with the dock at 0 | -1 | 1 |
//! | 1 | velocity | -0.2 | 0.2 |
//!
//! # Rewards
//!
//! Minus the distance from the dock after each step.
//!
//! # Starting state
//!
//! A place uniformly from -0.9 to 0.9, at rest.
//!
//! # Episode end
//!
//! Truncates after 60 steps.

use potstill::core::{Pcg64, snapshot};
use potstill::env::registry::{Entry, Factory};
use potstill::env::{Env, EnvError, Outcome, Paint, Scene, Space};

const FASTEST: f32 = 0.2;

struct Docking {
    place: f32,
    velocity: f32,
    rng: Pcg64,
}

impl Docking {
    fn new() -> Self {
        Self { place: 0.0, velocity: 0.0, rng: Pcg64::new(0) }
    }
}

impl Env for Docking {
    type Observation = [f32];
    type Action = usize;

    // The shape of a box is the length of its bounds.
    fn observation_space(&self) -> Space {
        Space::Box { low: vec![-1.0, -FASTEST], high: vec![1.0, FASTEST] }
    }

    fn action_space(&self) -> Space {
        Space::Discrete { n: 3 }
    }

    fn reset(&mut self, seed: Option<u64>, observation: &mut [f32]) {
        if let Some(seed) = seed {
            self.rng = Pcg64::new(seed);
        }
        (self.place, self.velocity) = (self.rng.uniform(-0.9, 0.9) as f32, 0.0);
        observation.copy_from_slice(&[self.place, self.velocity]);
    }

    fn step(&mut self, &action: &usize, observation: &mut [f32]) -> Result<Outcome, EnvError> {
        if action > 2 {
            return Err(EnvError::Action { action: action.to_string(), space: self.action_space() });
        }
        self.velocity = (self.velocity + 0.02 * (action as f32 - 1.0)).clamp(-FASTEST, FASTEST);
        self.place = (self.place + self.velocity).clamp(-1.0, 1.0);
        observation.copy_from_slice(&[self.place, self.velocity]);
        Ok(Outcome { reward: f64::from(-self.place.abs()), terminated: false, truncated: false })
    }

    fn reseed(&mut self, seed: u64) {
        self.rng = Pcg64::new(seed);
    }

    fn scene(&self) -> Option<Scene> {
        let mut scene = Scene::new(2.0, 0.5);
        scene.rectangle(Paint::Goal, (0.97, 0.1), (0.06, 0.3));
        scene.circle(Paint::Agent, (1.0 + f64::from(self.place), 0.25), 0.06);
        Some(scene)
    }
}

snapshot! {
    impl Restorable for Docking {
        saved: place, velocity, rng;
    }
}

pub(crate) fn entry() -> Entry {
    Entry::new("Docking-v0", "bring a drifting craft to rest at a dock", |_| Ok(Factory::new(Docking::new)))
        .documented(include_str!("docking.rs"))
        .actions(&["left", "none", "right"])
        .time_limit(60)
        .reward_threshold(-6.0)
}
