//! `MountainCar-v0` and `MountainCarContinuous-v0`: rock a weak car out of a valley (Moore 1990; Sutton and
//! Barto 2018, Example 10.1), with Gymnasium's constants.
//!
//! ```
//! use potstill_env::{Env, MountainCar};
//!
//! let (mut env, mut observation) = (MountainCar::default(), [0.0; 2]);
//! env.reset(Some(1), &mut observation);
//! assert!((-0.6..-0.4).contains(&observation[0]) && observation[1] == 0.0);
//! assert_eq!(env.step(&2, &mut observation)?.reward, -1.0);
//! # Ok::<(), potstill_env::EnvError>(())
//! ```
//!
//! # Action space
//!
//! `MountainCar-v0`: `Discrete(3)`, accelerate 0 to the left, 1 not at all, 2 to the right.
//! `MountainCarContinuous-v0`: `Box(1)`, a force from -1 to 1.
//!
//! # Observation space
//!
//! `Box(2)`.
//!
//! | number | meaning | lowest | highest |
//! |---|---|---|---|
//! | 0 | position | -1.2 | 0.6 |
//! | 1 | velocity | -0.07 | 0.07 |
//!
//! # Rewards
//!
//! `MountainCar-v0`: -1 for each step. `MountainCarContinuous-v0`: -0.1 times the square of the force for
//! each step, and 100 for reaching the goal.
//!
//! # Starting state
//!
//! A position uniformly from -0.6 to -0.4, at rest.
//!
//! # Episode end
//!
//! Terminates at the goal, at 0.5 (`MountainCarContinuous-v0`: 0.45), with at least the velocity
//! `goal_velocity`. Truncates after 200 steps (`MountainCarContinuous-v0`: 999).
//!
//! # Options
//!
//! | option | meaning | default | example |
//! |---|---|---|---|
//! | `goal_velocity` | the velocity needed at the goal: -1 to 1 | `0` | `0.02` |
//!
//! # Source
//!
//! Gymnasium 1.4, `MountainCar-v0` and `MountainCarContinuous-v0`: equal to 1e-9, apart from fewer than five
//! roundings to single precision per million numbers. The continuous car's state is kept in single precision,
//! as there.

use super::dynamics::{Dynamics, Moved, Single};
use crate::registry::{Entry, Factory, Kind};
use crate::{Paint, Scene, Space};
use potstill_core::{Pcg64, math};

const POSITION: (f64, f64) = (-1.2, 0.6);
const SPEED_MAX: f64 = 0.07;
const GRAVITY: f64 = 0.0025;

/// The car with three actions; without a time limit of its own (`MountainCar-v0` adds 200 steps).
pub type MountainCar = Single<MountainCarRules, 2, 2>;

/// The car with a force; without a time limit of its own (`MountainCarContinuous-v0` adds 999 steps).
pub type MountainCarContinuous = Single<MountainCarContinuousRules, 3, 2>;

/// The dynamics of the car with three actions.
#[derive(Clone, Copy, Debug, Default)]
pub struct MountainCarRules {
    /// The velocity needed at the goal.
    pub goal_velocity: f64,
}

/// The dynamics of the car with a force.
#[derive(Clone, Copy, Debug, Default)]
pub struct MountainCarContinuousRules {
    /// The velocity needed at the goal.
    pub goal_velocity: f64,
}

fn observation_space() -> Space {
    let speed = SPEED_MAX as f32;
    Space::Box { low: vec![POSITION.0 as f32, -speed], high: vec![POSITION.1 as f32, speed] }
}

fn start(rng: &mut Pcg64) -> [f64; 2] {
    [rng.uniform(-0.6, -0.4), 0.0]
}

/// The next position and velocity, with a speed limit and a wall at the left end.
#[inline(always)]
fn moved(position: f64, velocity: f64) -> [f64; 2] {
    let velocity = velocity.clamp(-SPEED_MAX, SPEED_MAX);
    let position = (position + velocity).clamp(POSITION.0, POSITION.1);
    let stopped = (position == POSITION.0) & (velocity < 0.0);
    [position, if stopped { 0.0 } else { velocity }]
}

fn scene([position, _]: [f64; 2], goal: f64) -> Scene {
    let height = |x: f64| 0.25 + 0.45 * (1.0 - math::sin(3.0 * x));
    let place = |x: f64| (x - POSITION.0, height(x));
    let mut scene = Scene::new(POSITION.1 - POSITION.0, 1.2);
    let hill: Vec<_> = (0..=60).map(|i| place(POSITION.0 + 0.03 * f64::from(i))).collect();
    scene.line(Paint::Ink, &hill, 0.02);
    let (x, y) = place(goal);
    scene.line(Paint::Goal, &[(x, y), (x, y - 0.2)], 0.02);
    scene.rectangle(Paint::Goal, (x, y - 0.2), (0.1, 0.07));
    let (x, y) = place(position);
    scene.circle(Paint::Agent, (x, y - 0.04), 0.05);
    scene
}

const GOAL: f64 = 0.5;

impl Dynamics<2, 2> for MountainCarRules {
    type Action = usize;

    fn observation_space(&self) -> Space {
        observation_space()
    }

    fn action_space(&self) -> Space {
        Space::Discrete { n: 3 }
    }

    fn start(&self, rng: &mut Pcg64) -> [f64; 2] {
        start(rng)
    }

    #[inline(always)]
    fn step(&self, [position, velocity]: [f64; 2], &action: &usize) -> Moved<2> {
        let push = (f64::from(action as u32) - 1.0) * 0.001;
        let velocity = velocity + (push + math::cos(3.0 * position) * -GRAVITY);
        let state = moved(position, velocity);
        Moved { state, reward: -1.0, terminated: (state[0] >= GOAL) & (state[1] >= self.goal_velocity) }
    }

    #[inline(always)]
    fn observe(&self, state: [f64; 2]) -> [f32; 2] {
        state.map(|x| x as f32)
    }

    fn scene(&self, state: [f64; 2]) -> Scene {
        scene(state, GOAL)
    }
}

const CONTINUOUS_GOAL: f64 = 0.45;

/// The third number of the state is 1 before the first step, then 0: Gymnasium starts in double precision and
/// continues in single.
impl Dynamics<3, 2> for MountainCarContinuousRules {
    type Action = [f32];

    fn observation_space(&self) -> Space {
        observation_space()
    }

    fn action_space(&self) -> Space {
        Space::Box { low: vec![-1.0], high: vec![1.0] }
    }

    fn start(&self, rng: &mut Pcg64) -> [f64; 3] {
        let [position, velocity] = start(rng);
        [position, velocity, 1.0]
    }

    #[inline(always)]
    fn step(&self, [position, velocity, fresh]: [f64; 3], action: &[f32]) -> Moved<3> {
        let force = action[0];
        let is_fresh = fresh == 1.0;
        let triple = if is_fresh { 3.0 * position } else { f64::from(3.0 * position as f32) };
        // NumPy computes a single-precision number with a Python number in single precision.
        let push = force * 0.0015_f32 - (GRAVITY * math::cos(triple)) as f32;
        let wide = moved(position, velocity + f64::from(push));
        let single = moved_single(position as f32, velocity as f32 + push);
        let [position, velocity] = if is_fresh { wide } else { single };
        let terminated = (position as f32 >= CONTINUOUS_GOAL as f32) & (velocity >= self.goal_velocity);
        let cost = f64::from(force) * f64::from(force) * 0.1;
        Moved {
            state: [f64::from(position as f32), f64::from(velocity as f32), 0.0],
            reward: (if terminated { 100.0 } else { 0.0 }) - cost,
            terminated,
        }
    }

    #[inline(always)]
    fn observe(&self, [position, velocity, _]: [f64; 3]) -> [f32; 2] {
        [position as f32, velocity as f32]
    }

    fn scene(&self, [position, velocity, _]: [f64; 3]) -> Scene {
        scene([position, velocity], CONTINUOUS_GOAL)
    }
}

/// As [`moved`], in single precision.
#[inline(always)]
fn moved_single(position: f32, velocity: f32) -> [f64; 2] {
    let velocity = velocity.clamp(-SPEED_MAX as f32, SPEED_MAX as f32);
    let position = (position + velocity).clamp(POSITION.0 as f32, POSITION.1 as f32);
    let stopped = (position == POSITION.0 as f32) & (velocity < 0.0);
    [f64::from(position), f64::from(if stopped { 0.0 } else { velocity })]
}

pub(crate) fn entry() -> Entry {
    Entry::new("MountainCar-v0", "rock a weak car out of a valley", |options| {
        let goal_velocity = options.number("goal_velocity", 0.0, -1.0..=1.0)?;
        Ok(Kind::Features(Factory::of_trusted_dynamics(MountainCarRules { goal_velocity })))
    })
    .documented(include_str!("mountain_car.rs"))
    .actions(&["left", "none", "right"])
    .time_limit(200)
    .reward_threshold(-110.0)
}

pub(crate) fn continuous_entry() -> Entry {
    Entry::new("MountainCarContinuous-v0", "rock a weak car out of a valley with any force", |options| {
        let goal_velocity = options.number("goal_velocity", 0.0, -1.0..=1.0)?;
        Ok(Kind::Control(Factory::of_trusted_dynamics(MountainCarContinuousRules { goal_velocity })))
    })
    .documented(include_str!("mountain_car.rs"))
    .time_limit(999)
    .reward_threshold(90.0)
}
