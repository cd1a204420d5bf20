//! `Push-v0`: push a mass to the origin by a force.
//!
//! # Action space
//!
//! `Box(1)`: a force from -1 to 1.
//!
//! # Observation space
//!
//! `Box(2)`.
//!
//! | number | meaning | lowest | highest |
//! |---|---|---|---|
//! | 0 | place | -1 | 1 |
//! | 1 | velocity | -1 | 1 |
//!
//! # Rewards
//!
//! Minus the distance from the origin after each step.
//!
//! # Starting state
//!
//! A place uniformly from -1 to 1, at rest.
//!
//! # Episode end
//!
//! Terminates within 0.05 of the origin. Truncates after 100 steps.

use potstill::core::Pcg64;
use potstill::env::classic_control::{Dynamics, Moved};
use potstill::env::registry::{Entry, Factory};
use potstill::env::{Paint, Scene, Space};

/// A state of two numbers, and a step that is a pure function of them: copies are stepped side by side, and
/// snapshots come by themselves.
#[derive(Clone, Debug)]
struct Push;

impl Dynamics<2, 2> for Push {
    type Action = [f32];

    fn observation_space(&self) -> Space {
        Space::Box { low: vec![-1.0; 2], high: vec![1.0; 2] }
    }

    fn action_space(&self) -> Space {
        Space::Box { low: vec![-1.0], high: vec![1.0] }
    }

    fn start(&self, rng: &mut Pcg64) -> [f64; 2] {
        [rng.uniform(-1.0, 1.0), 0.0]
    }

    #[inline(always)]
    fn step(&self, [place, velocity]: [f64; 2], force: &[f32]) -> Moved<2> {
        let velocity = (velocity + 0.1 * f64::from(force[0])).clamp(-1.0, 1.0);
        let place = (place + 0.1 * velocity).clamp(-1.0, 1.0);
        Moved { state: [place, velocity], reward: -place.abs(), terminated: place.abs() < 0.05 }
    }

    #[inline(always)]
    fn observe(&self, state: [f64; 2]) -> [f32; 2] {
        state.map(|x| x as f32)
    }

    fn scene(&self, [place, _]: [f64; 2]) -> Scene {
        let mut scene = Scene::new(2.0, 0.5);
        scene.circle(Paint::Goal, (1.0, 0.25), 0.05);
        scene.circle(Paint::Agent, (1.0 + place, 0.25), 0.1);
        scene
    }
}

pub(crate) fn entry() -> Entry {
    Entry::new("Push-v0", "push a mass to the origin", |_| Ok(Factory::of_dynamics(Push)))
        .documented(include_str!("push.rs"))
        .time_limit(100)
}
