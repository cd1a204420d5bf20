//! The environment of a task with rigid bodies.

use crate::box2d::{TimeStep, Vec2, World};
use crate::{Env, EnvError, Guarded, Outcome, Paint, Row, Scene, Space};
use potstill_core::snapshot::Codec;
use potstill_core::{Pcg64, Restorable, Snapshot, SnapshotError, Value, snapshot};
use std::fmt;

pub(super) const STEPS_PER_SECOND: f64 = 50.0;
/// Pixels of Gymnasium's image per metre, the unit of its shapes.
pub(super) const SCALE: f64 = 30.0;
/// The image in metres.
pub(super) const WIDTH: f64 = 600.0 / SCALE;
pub(super) const HEIGHT: f64 = 400.0 / SCALE;
/// The step of all worlds.
pub(crate) const TIME_STEP: TimeStep =
    TimeStep { dt: (1.0 / STEPS_PER_SECOND) as f32, velocity_iterations: 180, position_iterations: 60 };

/// Notes the legs on the ground after a step; returns true if the hull has touched it.
pub(super) fn touch_ground(world: &World, hull: usize, legs: [usize; 2], landed: &mut [bool; 2]) -> bool {
    let mut has_touched = false;
    for touch in world.touches() {
        has_touched |= touch.body == hull && touch.begins;
        for (landed, leg) in landed.iter_mut().zip(legs) {
            if touch.body == leg {
                *landed = touch.begins;
            }
        }
    }
    has_touched
}

/// Draws the outline of a body in a world whose left edge lies at `left`, as far as it is within the frame.
pub(super) fn outline(scene: &mut Scene, paint: Paint, vertices: impl Iterator<Item = Vec2>, left: f64) {
    let (width, height) = (scene.width, scene.height);
    let within = |v: Vec2| {
        let (x, y) = (f64::from(v.x) - left, height - f64::from(v.y));
        (x.clamp(0.0, width), y.clamp(0.0, height))
    };
    let mut points: Vec<_> = vertices.map(within).collect();
    points.extend(points.first().copied());
    scene.line(paint, &points, 0.1);
}

/// A task with rigid bodies.
pub trait Task: Restorable + Clone + fmt::Debug + Send + Sync + 'static {
    /// `usize` for discrete actions, `[f32]` for engines and motors.
    type Action: Row + ?Sized;

    /// The observation space.
    fn observation_space(&self) -> Space;

    /// The action space.
    fn action_space(&self) -> Space;

    /// Begins an episode, whose first observation is made after a step of the world.
    fn start(&mut self, rng: &mut Pcg64);

    /// Applies an action of the space to the world, which then makes a step.
    fn act(&mut self, action: &Self::Action, rng: &mut Pcg64);

    /// The world.
    fn world(&mut self) -> &mut World;

    /// Observes the world after a step; returns the reward, and true if the state is terminal.
    fn observe(&mut self, observation: &mut [f32]) -> (f64, bool);

    /// The rendering of the state.
    fn scene(&self) -> Scene;
}

/// A task as an environment, without a time limit.
#[derive(Clone, Debug)]
pub struct Simulated<T> {
    task: T,
    action_space: Space,
    rng: Pcg64,
}

impl<T: Task> Simulated<T> {
    /// The environment of a task.
    pub fn new(task: T) -> Self {
        Self { action_space: task.action_space(), task, rng: Pcg64::new(0) }
    }

    /// Begins an episode, up to the step of the world.
    pub(crate) fn start(&mut self, seed: Option<u64>) {
        if let Some(seed) = seed {
            self.rng = Pcg64::new(seed);
        }
        self.task.start(&mut self.rng);
    }

    /// Applies an action of the space, up to the step of the world.
    pub(crate) fn act(&mut self, action: &T::Action) {
        self.task.act(action, &mut self.rng);
    }

    /// Observes the world after its step.
    pub(crate) fn observe(&mut self, observation: &mut [f32]) -> Outcome {
        let (reward, terminated) = self.task.observe(observation);
        Outcome { reward, terminated, truncated: false }
    }
}

impl<T: Task> AsMut<World> for Guarded<Simulated<T>> {
    fn as_mut(&mut self) -> &mut World {
        self.env_mut().task.world()
    }
}

impl<T: Task + Default> Default for Simulated<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T: Task> Env for Simulated<T> {
    type Observation = [f32];
    type Action = T::Action;

    fn observation_space(&self) -> Space {
        self.task.observation_space()
    }

    fn action_space(&self) -> Space {
        self.action_space.clone()
    }

    fn reset(&mut self, seed: Option<u64>, observation: &mut [f32]) {
        self.start(seed);
        self.task.world().step(&TIME_STEP);
        self.observe(observation);
    }

    fn step(&mut self, action: &T::Action, observation: &mut [f32]) -> Result<Outcome, EnvError> {
        if !action.is_in(&self.action_space) {
            return Err(EnvError::Action { action: action.text(), space: self.action_space() });
        }
        self.act(action);
        self.task.world().step(&TIME_STEP);
        Ok(self.observe(observation))
    }

    fn reseed(&mut self, seed: u64) {
        self.rng = Pcg64::new(seed);
    }

    fn scene(&self) -> Option<Scene> {
        Some(self.task.scene())
    }
}

snapshot! {
    impl[T: Task] Restorable for Simulated<T> {
        saved: task, rng;
        built: action_space;
    }
}

/// The codec of an array of flags: bytes, 0 or 1.
pub(super) struct Flags;

impl<const N: usize> Codec<[bool; N]> for Flags {
    fn save(&self, flags: &[bool; N], name: &str, snapshot: &mut Snapshot) {
        snapshot.insert(name, Value::U8s(flags.map(u8::from).to_vec()));
    }

    fn load(&self, flags: &mut [bool; N], name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        let bytes = snapshot.u8s(name, N)?;
        flags.iter_mut().zip(bytes).for_each(|(flag, &byte)| *flag = byte != 0);
        Ok(())
    }
}
