//! `Acrobot-v1`: swing the free end of two links above a line by a torque at the joint between them (Sutton
//! 1996), in the version of Sutton and Barto's book, with Gymnasium's constants.
//!
//! ```
//! use potstill_env::{Acrobot, Env};
//!
//! let (mut env, mut observation) = (Acrobot::default(), [0.0; 6]);
//! env.reset(Some(1), &mut observation);
//! // It hangs down, almost at rest.
//! assert!(observation[0] > 0.99 && observation[2] > 0.99);
//! assert_eq!(env.step(&0, &mut observation)?.reward, -1.0);
//! # Ok::<(), potstill_env::EnvError>(())
//! ```
//!
//! # Action space
//!
//! `Discrete(3)`: a torque of -1, 0 or 1 N m for 0.2 s, integrated by one Runge-Kutta step.
//!
//! # Observation space
//!
//! `Box(6)`. The first angle is 0 when the link hangs down, the second is relative to the first.
//!
//! | number | meaning | lowest | highest |
//! |---|---|---|---|
//! | 0 | cosine of the first angle | -1 | 1 |
//! | 1 | sine of the first angle | -1 | 1 |
//! | 2 | cosine of the second angle | -1 | 1 |
//! | 3 | sine of the second angle | -1 | 1 |
//! | 4 | angular velocity of the first link (rad/s) | -4 pi | 4 pi |
//! | 5 | angular velocity of the second link (rad/s) | -9 pi | 9 pi |
//!
//! # Rewards
//!
//! -1 for each step, 0 for the one that reaches the line.
//!
//! # Starting state
//!
//! Angles and angular velocities uniformly from -0.1 to 0.1.
//!
//! # Episode end
//!
//! Terminates when the free end is above the line, at the height of one link above the fixed joint. Truncates
//! after 500 steps.
//!
//! # Options
//!
//! Only the [general ones](crate::registry::GENERAL_OPTIONS).
//!
//! # Source
//!
//! Gymnasium 1.4, `Acrobot-v1`: equal to 1e-9 for 100 steps, apart from roundings to single precision; then
//! the system is chaotic.

use super::dynamics::{Dynamics, Moved, Single};
use crate::registry::{Entry, Factory, Kind};
use crate::{Paint, Scene, Space};
use potstill_core::{Pcg64, math};
use std::f64::consts::PI;

const STEP_SECONDS: f64 = 0.2;
const SPEEDS_MAX: [f64; 2] = [4.0 * PI, 9.0 * PI];

/// The two links; without a time limit of their own (`Acrobot-v1` adds 500 steps).
pub type Acrobot = Single<AcrobotRules, 4, 6>;

/// The dynamics of the two links. The state is both angles and both angular velocities.
#[derive(Clone, Copy, Debug, Default)]
pub struct AcrobotRules;

/// The derivatives of angles and velocities: the equations of motion with masses, lengths and moments of
/// inertia of 1 and centres of mass in the middle of the links, in the order of Gymnasium's operations.
#[inline(always)]
fn derivative([theta1, theta2, speed1, speed2]: [f64; 4], torque: f64) -> [f64; 4] {
    const G: f64 = 9.8;
    let (sin2, cos2) = math::sin_cos(theta2);
    let d1 = 0.25 + (1.25 + cos2) + 1.0 + 1.0;
    let d2 = (0.25 + 0.5 * cos2) + 1.0;
    let phi2 = 0.5 * G * math::cos(theta1 + theta2 - PI / 2.0);
    let phi1 = -0.5 * (speed2 * speed2) * sin2 - speed2 * speed1 * sin2
        + 1.5 * G * math::cos(theta1 - PI / 2.0)
        + phi2;
    let acceleration2 =
        (torque + d2 / d1 * phi1 - 0.5 * (speed1 * speed1) * sin2 - phi2) / (1.25 - d2 * d2 / d1);
    let acceleration1 = -(d2 * acceleration2 + phi1) / d1;
    [speed1, speed2, acceleration1, acceleration2]
}

/// One step of the classic fourth-order method (Runge 1895, Kutta 1901).
#[inline(always)]
fn runge_kutta(state: [f64; 4], torque: f64) -> [f64; 4] {
    let ahead = |slope: [f64; 4], time: f64| {
        let [a, b, c, d] = state;
        [a + time * slope[0], b + time * slope[1], c + time * slope[2], d + time * slope[3]]
    };
    let half = STEP_SECONDS / 2.0;
    let k1 = derivative(state, torque);
    let k2 = derivative(ahead(k1, half), torque);
    let k3 = derivative(ahead(k2, half), torque);
    let k4 = derivative(ahead(k3, STEP_SECONDS), torque);
    let mut next = state;
    for i in 0..4 {
        next[i] += STEP_SECONDS / 6.0 * (k1[i] + 2.0 * k2[i] + 2.0 * k3[i] + k4[i]);
    }
    next
}

/// The angle within half a turn either way. Two turns are more than one step can add.
#[inline(always)]
fn wrapped(angle: f64) -> f64 {
    let mut angle = angle;
    for _ in 0..3 {
        angle = if angle > PI { angle - 2.0 * PI } else { angle };
        angle = if angle < -PI { angle + 2.0 * PI } else { angle };
    }
    angle
}

impl Dynamics<4, 6> for AcrobotRules {
    type Action = usize;

    fn observation_space(&self) -> Space {
        let high = vec![1.0, 1.0, 1.0, 1.0, SPEEDS_MAX[0] as f32, SPEEDS_MAX[1] as f32];
        Space::Box { low: high.iter().map(|x| -x).collect(), high }
    }

    fn action_space(&self) -> Space {
        Space::Discrete { n: 3 }
    }

    fn start(&self, rng: &mut Pcg64) -> [f64; 4] {
        // Gymnasium starts in single precision and continues in double.
        std::array::from_fn(|_| f64::from(rng.uniform(-0.1, 0.1) as f32))
    }

    #[inline(always)]
    fn step(&self, state: [f64; 4], &action: &usize) -> Moved<4> {
        let torque = f64::from(action as u32) - 1.0;
        let [theta1, theta2, speed1, speed2] = runge_kutta(state, torque);
        let (theta1, theta2) = (wrapped(theta1), wrapped(theta2));
        let speed1 = speed1.clamp(-SPEEDS_MAX[0], SPEEDS_MAX[0]);
        let speed2 = speed2.clamp(-SPEEDS_MAX[1], SPEEDS_MAX[1]);
        let terminated = -math::cos(theta1) - math::cos(theta2 + theta1) > 1.0;
        Moved {
            state: [theta1, theta2, speed1, speed2],
            reward: if terminated { 0.0 } else { -1.0 },
            terminated,
        }
    }

    #[inline(always)]
    fn observe(&self, [theta1, theta2, speed1, speed2]: [f64; 4]) -> [f32; 6] {
        let ((sin1, cos1), (sin2, cos2)) = (math::sin_cos(theta1), math::sin_cos(theta2));
        [cos1 as f32, sin1 as f32, cos2 as f32, sin2 as f32, speed1 as f32, speed2 as f32]
    }

    fn scene(&self, [theta1, theta2, ..]: [f64; 4]) -> Scene {
        let mut scene = Scene::new(4.4, 4.4);
        let hinge = (2.2, 2.2);
        let joint = (hinge.0 + math::sin(theta1), hinge.1 + math::cos(theta1));
        let end = (joint.0 + math::sin(theta1 + theta2), joint.1 + math::cos(theta1 + theta2));
        scene.line(Paint::Goal, &[(0.0, 1.2), (4.4, 1.2)], 0.04);
        scene.line(Paint::Ink, &[hinge, joint], 0.16);
        scene.line(Paint::Agent, &[joint, end], 0.16);
        scene.circle(Paint::Faint, hinge, 0.1);
        scene.circle(Paint::Faint, joint, 0.1);
        scene
    }
}

pub(crate) fn entry() -> Entry {
    Entry::new("Acrobot-v1", "swing the end of two links over a line", |_| {
        Ok(Kind::Features(Factory::of_trusted_dynamics(AcrobotRules)))
    })
    .documented(include_str!("acrobot.rs"))
    .actions(&["left", "none", "right"])
    .time_limit(500)
    .reward_threshold(-100.0)
}
