//! `CartPole-v1`: balance a pole on a cart (Barto, Sutton and Anderson 1983), with Gymnasium's constants.
//!
//! Observation: cart position (m), cart velocity (m/s), pole angle (rad), pole angular velocity (rad/s). Actions: 0 pushes
//! left, 1 right, with 10 N for 0.02 s. Each step gives 1; the episode terminates when the cart leaves +-2.4 m or the
//! pole +-12 degrees.
//!
//! ```
//! use potstill_env::{CartPole, Env};
//!
//! let (mut env, mut observation) = (CartPole::default(), [0.0; 4]);
//! env.reset(Some(1), &mut observation);
//! assert!(observation.iter().all(|x| x.abs() <= 0.05));
//! assert_eq!(env.step(1, &mut observation)?.reward, 1.0);
//! # Ok::<(), potstill_env::EnvError>(())
//! ```

use crate::{Env, EnvError, Outcome, Space};
use potstill_core::{Pcg64, State, StateError, Stateful, Value, math};

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
#[derive(Clone, Debug)]
pub struct CartPole {
    /// Position, velocity, angle, angular velocity; double precision inside, as in Gymnasium.
    physics: [f64; 4],
    rng: Pcg64,
}

impl Default for CartPole {
    fn default() -> Self {
        Self { physics: [0.0; 4], rng: Pcg64::new(0) }
    }
}

impl CartPole {
    fn observe(&self, observation: &mut [f32]) {
        for (seen, &actual) in observation.iter_mut().zip(&self.physics) {
            *seen = actual as f32;
        }
    }
}

impl Env for CartPole {
    type Observation = [f32];
    type Action = usize;

    fn observation_space(&self) -> Space {
        let high =
            vec![(POSITION_LIMIT * 2.0) as f32, f32::INFINITY, (ANGLE_LIMIT * 2.0) as f32, f32::INFINITY];
        Space::Box { low: high.iter().map(|x| -x).collect(), high }
    }

    fn action_space(&self) -> Space {
        Space::Discrete { n: 2 }
    }

    fn reset(&mut self, seed: Option<u64>, observation: &mut [f32]) {
        if let Some(seed) = seed {
            self.rng = Pcg64::new(seed);
        }
        for value in &mut self.physics {
            *value = self.rng.uniform(-0.05, 0.05);
        }
        self.observe(observation);
    }

    fn step(&mut self, action: usize, observation: &mut [f32]) -> Result<Outcome, EnvError> {
        let force = match action {
            0 => -FORCE,
            1 => FORCE,
            _ => return Err(EnvError::Action { action: action.to_string(), space: self.action_space() }),
        };
        let [x, x_dot, theta, theta_dot] = self.physics;
        let (cos, sin) = (math::cos(theta), math::sin(theta));
        let temp = (force + POLE_MASS_LENGTH * (theta_dot * theta_dot) * sin) / TOTAL_MASS;
        let theta_acc =
            (GRAVITY * sin - cos * temp) / (LENGTH * (4.0 / 3.0 - POLE_MASS * (cos * cos) / TOTAL_MASS));
        let x_acc = temp - POLE_MASS_LENGTH * theta_acc * cos / TOTAL_MASS;
        let x = x + STEP_SECONDS * x_dot;
        let theta = theta + STEP_SECONDS * theta_dot;
        self.physics = [x, x_dot + STEP_SECONDS * x_acc, theta, theta_dot + STEP_SECONDS * theta_acc];
        self.observe(observation);
        let terminated = x.abs() > POSITION_LIMIT || theta.abs() > ANGLE_LIMIT;
        Ok(Outcome { reward: 1.0, terminated, truncated: false })
    }
}

impl Stateful for CartPole {
    fn state(&self) -> State {
        State::new().with("physics", Value::F64s(self.physics.to_vec())).with_part("rng", &self.rng)
    }

    fn restore(&mut self, state: &State) -> Result<(), StateError> {
        self.physics.copy_from_slice(state.f64s("physics", 4)?);
        state.restore_part("rng", &mut self.rng)
    }
}
