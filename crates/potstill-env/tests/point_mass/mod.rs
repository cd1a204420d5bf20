//! A user's own environment with actions of three numbers: a point mass in a box, pushed towards a goal by a force.
//!
//! The state is the position, from -1 to 1, and the velocity of a mass of 1 in three dimensions, and the observation is both of them.
//! The reward is minus the distance to the goal, the origin; the episode terminates within 0.1 of it.

use potstill_core::Pcg64;
use potstill_env::classic_control::{Dynamics, Moved, Single};
use potstill_env::registry::{Factory, Spec};
use potstill_env::{Paint, Scene, Space};

#[derive(Clone, Debug)]
pub(crate) struct PointMass;

impl Dynamics<6, 6> for PointMass {
    type Action = [f32];

    const ACTION_WIDTH: usize = 3;

    fn observation_space(&self) -> Space {
        Space::Box { low: vec![-1.0; 6], high: vec![1.0; 6] }
    }

    fn action_space(&self) -> Space {
        Space::Box { low: vec![-1.0, -2.0, -3.0], high: vec![1.0, 2.0, 3.0] }
    }

    fn start(&self, rng: &mut Pcg64) -> [f64; 6] {
        std::array::from_fn(|i| if i < 3 { rng.uniform(-1.0, 1.0) } else { 0.0 })
    }

    #[inline(always)]
    fn step(&self, mut state: [f64; 6], force: &[f32]) -> Moved<6> {
        for i in 0..3 {
            state[i + 3] = (state[i + 3] + 0.1 * f64::from(force[i])).clamp(-1.0, 1.0);
            state[i] = (state[i] + 0.1 * state[i + 3]).clamp(-1.0, 1.0);
        }
        let distance = (state[0] * state[0] + state[1] * state[1] + state[2] * state[2]).sqrt();
        Moved { state, reward: -distance, terminated: distance < 0.1 }
    }

    #[inline(always)]
    fn observe(&self, state: [f64; 6]) -> [f32; 6] {
        state.map(|x| x as f32)
    }

    fn scene(&self, [x, y, ..]: [f64; 6]) -> Scene {
        let mut scene = Scene::new(2.0, 2.0);
        scene.circle(Paint::Goal, (1.0, 1.0), 0.1);
        scene.circle(Paint::Agent, (1.0 + x, 1.0 + y), 0.05);
        scene
    }
}

/// The environment with copies that are stepped side by side, and with copies stepped one by one.
pub(crate) fn specs(time_limit_steps: u64) -> [Spec; 2] {
    let spec = |id: &str, factory: Factory<[f32], [f32]>| {
        Spec::custom(id, "push a point mass to the origin", &[], Some(time_limit_steps), factory)
    };
    let single = || Single::new(PointMass);
    [spec("PointMass", Factory::of_dynamics(PointMass)), spec("PointMass one by one", Factory::new(single))]
}
