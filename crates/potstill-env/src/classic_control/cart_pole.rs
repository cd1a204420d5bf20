//! `CartPole-v1`: balance a pole on a cart (Barto, Sutton and Anderson 1983), with Gymnasium's constants.
//!
//! ```
//! use potstill_env::{CartPole, Env};
//!
//! let (mut env, mut observation) = (CartPole::default(), [0.0; 4]);
//! env.reset(Some(1), &mut observation);
//! assert!(observation.iter().all(|x| x.abs() <= 0.05));
//! assert_eq!(env.step(&1, &mut observation)?.reward, 1.0);
//! # Ok::<(), potstill_env::EnvError>(())
//! ```
//!
//! # Action space
//!
//! `Discrete(2)`: 0 pushes left, 1 right, with 10 N for 0.02 s.
//!
//! # Observation space
//!
//! `Box(4)`. The bounds are twice those at which an episode ends.
//!
//! | number | meaning | lowest | highest |
//! |---|---|---|---|
//! | 0 | cart position (m) | -4.8 | 4.8 |
//! | 1 | cart velocity (m/s) | none | none |
//! | 2 | pole angle (rad) | -0.419 | 0.419 |
//! | 3 | pole angular velocity (rad/s) | none | none |
//!
//! # Rewards
//!
//! 1 for each step; with `sutton_barto_reward` 0 for each step and -1 for the one that ends the episode.
//!
//! # Starting state
//!
//! All four numbers uniformly from -0.05 to 0.05.
//!
//! # Episode end
//!
//! Terminates when the cart leaves -2.4 to 2.4 m or the pole -12 to 12 degrees. Truncates after 500 steps.
//!
//! # Options
//!
//! | option | meaning | default | example |
//! |---|---|---|---|
//! | `sutton_barto_reward` | the rewards of the book: 0 for each step and -1 for a fall: `true` or `false` | `false` | `true` |
//!
//! # Source
//!
//! Gymnasium 1.4, `CartPole-v1`: equal to 1e-9, apart from fewer than five roundings to single precision per
//! million numbers.

use super::dynamics::{Dynamics, Moved, Single};
use crate::registry::{Entry, Factory, Kind};
use crate::{Paint, Scene, Space};
use potstill_core::{Pcg64, math};

const GRAVITY: f64 = 9.8;
const CART_MASS: f64 = 1.0;
const POLE_MASS: f64 = 0.1;
const TOTAL_MASS: f64 = POLE_MASS + CART_MASS;
/// Half of the pole.
const LENGTH: f64 = 0.5;
const POLE_MASS_LENGTH: f64 = POLE_MASS * LENGTH;
const FORCE: f64 = 10.0;
const STEP_SECONDS: f64 = 0.02;
const ANGLE_LIMIT: f64 = 12.0 * 2.0 * std::f64::consts::PI / 360.0;
const POSITION_LIMIT: f64 = 2.4;

/// The cart and its pole; without a time limit of its own (`CartPole-v1` adds 500 steps).
pub type CartPole = Single<CartPoleRules, 4, 4>;

/// The dynamics of cart and pole. The state is the observation before rounding.
#[derive(Clone, Copy, Debug, Default)]
pub struct CartPoleRules {
    /// 0 for each step and -1 for a fall, as in the book, instead of 1 for each step.
    pub sutton_barto_reward: bool,
}

impl Dynamics<4, 4> for CartPoleRules {
    type Action = usize;

    fn observation_space(&self) -> Space {
        let high =
            vec![(POSITION_LIMIT * 2.0) as f32, f32::INFINITY, (ANGLE_LIMIT * 2.0) as f32, f32::INFINITY];
        Space::Box { low: high.iter().map(|x| -x).collect(), high }
    }

    fn action_space(&self) -> Space {
        Space::Discrete { n: 2 }
    }

    fn start(&self, rng: &mut Pcg64) -> [f64; 4] {
        std::array::from_fn(|_| rng.uniform(-0.05, 0.05))
    }

    #[inline(always)]
    fn step(&self, [x, x_dot, theta, theta_dot]: [f64; 4], &action: &usize) -> Moved<4> {
        let force = if action == 1 { FORCE } else { -FORCE };
        let (sin, cos) = math::sin_cos(theta);
        let temp = (force + POLE_MASS_LENGTH * (theta_dot * theta_dot) * sin) / TOTAL_MASS;
        let theta_acc =
            (GRAVITY * sin - cos * temp) / (LENGTH * (4.0 / 3.0 - POLE_MASS * (cos * cos) / TOTAL_MASS));
        let x_acc = temp - POLE_MASS_LENGTH * theta_acc * cos / TOTAL_MASS;
        let x = x + STEP_SECONDS * x_dot;
        let theta = theta + STEP_SECONDS * theta_dot;
        let terminated = (x.abs() > POSITION_LIMIT) | (theta.abs() > ANGLE_LIMIT);
        let fallen = if terminated { -1.0 } else { 0.0 };
        Moved {
            state: [x, x_dot + STEP_SECONDS * x_acc, theta, theta_dot + STEP_SECONDS * theta_acc],
            reward: if self.sutton_barto_reward { fallen } else { 1.0 },
            terminated,
        }
    }

    #[inline(always)]
    fn observe(&self, state: [f64; 4]) -> [f32; 4] {
        state.map(|x| x as f32)
    }

    fn scene(&self, [x, _, theta, _]: [f64; 4]) -> Scene {
        // In metres, the track in the middle of the height.
        let (width, height) = (2.0 * POSITION_LIMIT, 1.6);
        let (at, track) = (x + POSITION_LIMIT, 1.3);
        let mut scene = Scene::new(width, height);
        scene.line(Paint::Faint, &[(0.0, track), (width, track)], 0.02);
        scene.rectangle(Paint::Ink, (at - 0.25, track - 0.15), (0.5, 0.3));
        let tip = (at + 2.0 * LENGTH * math::sin(theta), track - 0.15 - 2.0 * LENGTH * math::cos(theta));
        scene.line(Paint::Agent, &[(at, track - 0.15), tip], 0.08);
        scene.circle(Paint::Faint, (at, track - 0.15), 0.05);
        scene
    }
}

pub(crate) fn entry() -> Entry {
    Entry::new("CartPole-v1", "keep a pole upright on a cart", |options| {
        let sutton_barto_reward = options.flag("sutton_barto_reward", false)?;
        Ok(Kind::Features(Factory::of_trusted_dynamics(CartPoleRules { sutton_barto_reward })))
    })
    .documented(include_str!("cart_pole.rs"))
    .actions(&["left", "right"])
    .time_limit(500)
    .reward_threshold(475.0)
}
