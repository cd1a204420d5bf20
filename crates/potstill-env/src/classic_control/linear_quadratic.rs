//! `LinearQuadratic`: bring a cart without friction to the origin and to rest, at a quadratic cost. The optimal policy and
//! its value are known exactly, which makes it a test of algorithms for continuous actions.
//!
//! ```
//! use potstill_env::{Env, LinearQuadratic};
//!
//! let (mut env, mut observation) = (LinearQuadratic::default(), [0.0; 2]);
//! env.reset(Some(1), &mut observation);
//! let [x, v] = observation.map(f64::from);
//! let step = env.step(&[1.0], &mut observation)?;
//! assert!((step.reward + x * x + 0.1 * v * v + 0.1).abs() < 1e-6);
//! # Ok::<(), potstill_env::EnvError>(())
//! ```
//!
//! # Action space
//!
//! `Box(1)`: an acceleration from -6 to 6, for a tenth of the unit of time. The optimal policy stays between -5.1 and
//! 5.1.
//!
//! # Observation space
//!
//! `Box(2)`.
//!
//! | number | meaning | lowest | highest |
//! |---|---|---|---|
//! | 0 | position | -infinity | infinity |
//! | 1 | velocity | -infinity | infinity |
//!
//! # Rewards
//!
//! `-(position^2 + 0.1 velocity^2 + 0.1 acceleration^2)`, of the state before the step.
//!
//! # Starting state
//!
//! Position and velocity uniformly from -1 to 1.
//!
//! # Episode end
//!
//! No state is terminal. Truncates after 100 steps.
//!
//! # Options
//!
//! None.
//!
//! # Source
//!
//! The linear-quadratic regulator (Anderson and Moore 2007, chapter 2) of a double integrator: `x' = A x + B u` with `A = [[1, 0.1], [0,
//! 1]]`, `B = [0.005, 0.1]`. With a discount of 0.99 the solution of Riccati's equation is `P = [[8.727515571,
//! 3.039094141], [3.039094141, 2.674803001]]`: the value of a state is `-x' P x`, and the optimal acceleration `-(2.652718362
//! position + 2.422848294 velocity)`. The mean value of the start is -3.800772857.

use super::dynamics::{Dynamics, Moved, Single};
use crate::registry::{Entry, Factory, Kind};
use crate::{Paint, Scene, Space};
use potstill_core::Pcg64;

const ACCELERATION_MAX: f32 = 6.0;
const STEP: f64 = 0.1;

/// The cart; without a time limit of its own (`LinearQuadratic` adds 100 steps).
pub type LinearQuadratic = Single<LinearQuadraticRules, 2, 2>;

/// The dynamics of the cart. The state is its position and its velocity.
#[derive(Clone, Copy, Debug, Default)]
pub struct LinearQuadraticRules;

impl Dynamics<2, 2> for LinearQuadraticRules {
    type Action = [f32];

    fn observation_space(&self) -> Space {
        Space::uniform(2, f32::NEG_INFINITY, f32::INFINITY)
    }

    fn action_space(&self) -> Space {
        Space::uniform(1, -ACCELERATION_MAX, ACCELERATION_MAX)
    }

    fn start(&self, rng: &mut Pcg64) -> [f64; 2] {
        [rng.uniform(-1.0, 1.0), rng.uniform(-1.0, 1.0)]
    }

    #[inline(always)]
    fn step(&self, [position, velocity]: [f64; 2], action: &[f32]) -> Moved<2> {
        let u = f64::from(action[0]);
        let cost = position * position + 0.1 * velocity * velocity + 0.1 * u * u;
        let state = [position + STEP * velocity + 0.5 * STEP * STEP * u, velocity + STEP * u];
        Moved { state, reward: -cost, terminated: false }
    }

    #[inline(always)]
    fn observe(&self, state: [f64; 2]) -> [f32; 2] {
        state.map(|x| x as f32)
    }

    fn scene(&self, [position, _]: [f64; 2]) -> Scene {
        let mut scene = Scene::new(4.0, 1.0);
        let x = 2.0 + position.clamp(-1.8, 1.8);
        scene.line(Paint::Ink, &[(0.1, 0.7), (3.9, 0.7)], 0.03);
        scene.line(Paint::Goal, &[(2.0, 0.6), (2.0, 0.8)], 0.05);
        scene.circle(Paint::Agent, (x, 0.58), 0.12);
        scene
    }
}

pub(crate) fn entry() -> Entry {
    Entry::new("LinearQuadratic", "bring a cart to rest at the origin, at a quadratic cost", |_| {
        Ok(Kind::Control(Factory::of_trusted_dynamics(LinearQuadraticRules)))
    })
    .documented(include_str!("linear_quadratic.rs"))
    .time_limit(100)
}
