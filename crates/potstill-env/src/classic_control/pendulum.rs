//! `Pendulum-v1`: swing a pendulum up and keep it there, with Gymnasium's constants.
//!
//! ```
//! use potstill_env::{Env, Pendulum};
//!
//! let (mut env, mut observation) = (Pendulum::default(), [0.0; 3]);
//! env.reset(Some(1), &mut observation);
//! assert!(env.step(&[2.0], &mut observation)?.reward <= 0.0);
//! assert!(env.step(&[2.5], &mut observation).is_err());
//! # Ok::<(), potstill_env::EnvError>(())
//! ```
//!
//! # Action space
//!
//! `Box(1)`: a torque from -2 to 2 N m, for 0.05 s.
//!
//! # Observation space
//!
//! `Box(3)`.
//!
//! | number | meaning | lowest | highest |
//! |---|---|---|---|
//! | 0 | cosine of the angle from upright | -1 | 1 |
//! | 1 | sine of the angle from upright | -1 | 1 |
//! | 2 | angular velocity (rad/s) | -8 | 8 |
//!
//! # Rewards
//!
//! `-(angle^2 + 0.1 velocity^2 + 0.001 torque^2)`, the angle between -pi and pi.
//!
//! # Starting state
//!
//! An angle uniformly from -pi to pi, an angular velocity uniformly from -1 to 1.
//!
//! # Episode end
//!
//! No state is terminal. Truncates after 200 steps.
//!
//! # Options
//!
//! | option | meaning | default | example |
//! |---|---|---|---|
//! | `g` | the acceleration of gravity (m/s^2): -1000000 to 1000000 | `10` | `9.81` |
//!
//! # Source
//!
//! Gymnasium 1.4, `Pendulum-v1`: equal to 1e-9, apart from fewer than five roundings to single precision per
//! million numbers.

use super::dynamics::{Dynamics, Moved, Single};
use crate::registry::{Entry, Factory, Kind};
use crate::{Paint, Scene, Space};
use potstill_core::{Pcg64, math};
use std::f64::consts::PI;

const SPEED_MAX: f64 = 8.0;
const TORQUE_MAX: f32 = 2.0;
const STEP_SECONDS: f64 = 0.05;

/// The pendulum; without a time limit of its own (`Pendulum-v1` adds 200 steps).
pub type Pendulum = Single<PendulumRules, 2, 3>;

/// The dynamics of the pendulum. The state is its angle, any number of turns, and its angular velocity.
#[derive(Clone, Copy, Debug)]
pub struct PendulumRules {
    /// The acceleration of gravity, m/s^2.
    pub g: f64,
}

impl Default for PendulumRules {
    fn default() -> Self {
        Self { g: 10.0 }
    }
}

/// The angle within half a turn from upright; exact, as every remainder is.
#[inline(always)]
fn normalised(angle: f64) -> f64 {
    (angle + PI).rem_euclid(2.0 * PI) - PI
}

impl Dynamics<2, 3> for PendulumRules {
    type Action = [f32];

    fn observation_space(&self) -> Space {
        let high = vec![1.0, 1.0, SPEED_MAX as f32];
        Space::Box { low: high.iter().map(|x| -x).collect(), high }
    }

    fn action_space(&self) -> Space {
        Space::Box { low: vec![-TORQUE_MAX], high: vec![TORQUE_MAX] }
    }

    fn start(&self, rng: &mut Pcg64) -> [f64; 2] {
        [rng.uniform(-PI, PI), rng.uniform(-1.0, 1.0)]
    }

    #[inline(always)]
    fn step(&self, [angle, speed]: [f64; 2], torque: &[f32]) -> Moved<2> {
        let torque = torque[0];
        let tilt = normalised(angle);
        // NumPy computes terms of a single-precision torque in single precision.
        let cost = tilt * tilt + 0.1 * (speed * speed) + f64::from(0.001_f32 * (torque * torque));
        let acceleration = 3.0 * self.g / 2.0 * math::sin(angle) + f64::from(3.0 * torque);
        let speed = (speed + acceleration * STEP_SECONDS).clamp(-SPEED_MAX, SPEED_MAX);
        Moved { state: [angle + speed * STEP_SECONDS, speed], reward: -cost, terminated: false }
    }

    #[inline(always)]
    fn observe(&self, [angle, speed]: [f64; 2]) -> [f32; 3] {
        let (sin, cos) = math::sin_cos(angle);
        [cos as f32, sin as f32, speed as f32]
    }

    fn scene(&self, [angle, _]: [f64; 2]) -> Scene {
        let (middle, length) = ((1.2, 1.2), 1.0);
        let mut scene = Scene::new(2.4, 2.4);
        let tip = (middle.0 - length * math::sin(angle), middle.1 - length * math::cos(angle));
        scene.line(Paint::Goal, &[(1.2, 0.0), (1.2, 0.1)], 0.04);
        scene.line(Paint::Agent, &[middle, tip], 0.16);
        scene.circle(Paint::Ink, middle, 0.06);
        scene
    }
}

pub(crate) fn entry() -> Entry {
    Entry::new("Pendulum-v1", "swing a pendulum up and keep it there", |options| {
        let g = options.number("g", 10.0, -1e6..=1e6)?;
        Ok(Kind::Control(Factory::of_trusted_dynamics(PendulumRules { g })))
    })
    .documented(include_str!("pendulum.rs"))
    .time_limit(200)
}
