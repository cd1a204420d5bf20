//! `LunarLander-v3` and `LunarLanderContinuous-v3`: land on a pad between hills of the moon.
//!
//! ```
//! use potstill_env::box2d_envs::lunar_lander::LunarLander;
//! use potstill_env::Env;
//!
//! let (mut env, mut observation) = (LunarLander::default(), [0.0; 8]);
//! env.reset(Some(1), &mut observation);
//! // It begins near the middle, and no leg is on the ground.
//! assert!(observation[0].abs() < 0.02 && observation[6..] == [0.0, 0.0]);
//! assert!(env.step(&2, &mut observation).is_ok() && env.step(&4, &mut observation).is_err());
//! # Ok::<(), potstill_env::EnvError>(())
//! ```
//!
//! # Action space
//!
//! `LunarLander-v3`: `Discrete(4)`: 0 nothing, 1 left engine, 2 main engine, 3 right engine, each at full
//! power for 0.02 s: to the left, up and to the right.
//!
//! `LunarLanderContinuous-v3`: `Box(2)`, from -1 to 1. The main engine is off up to 0 and has 50 % to 100 %
//! of its power from 0 to 1; the left engine has 50 % to 100 % from -0.5 to -1, the right one from 0.5 to
//! 1, and between them both are off.
//!
//! # Observation space
//!
//! `Box(8)`. Distances are in m; the world is 20 m wide and 13.3 m high.
//!
//! | number | meaning | lowest | highest |
//! |---|---|---|---|
//! | 0 | distance to the right of the pad (10 m) | -2.5 | 2.5 |
//! | 1 | height above the pad (6.7 m) | -2.5 | 2.5 |
//! | 2 | horizontal velocity (5 m/s) | -10 | 10 |
//! | 3 | vertical velocity (7.5 m/s) | -10 | 10 |
//! | 4 | angle (rad) | -2 pi | 2 pi |
//! | 5 | angular velocity (2.5 rad/s) | -10 | 10 |
//! | 6 | 1 while the right leg is on the ground | 0 | 1 |
//! | 7 | 1 while the left leg is on the ground | 0 | 1 |
//!
//! # Rewards
//!
//! The change of a potential, -100 times the distance from the pad, -100 times the velocity, -100 times the
//! absolute angle (in the units above) and 10 for each leg on the ground; less 0.3 for the main engine and
//! 0.03 for a side engine, times their power. The last step has -100 for a crash or a flight beyond the
//! edges and 100 for a landing instead.
//!
//! # Starting state
//!
//! In the middle of the upper edge, with a random force of up to 1000 N in both directions; the hills are
//! random, the pad is flat.
//!
//! # Episode end
//!
//! Terminates when the hull touches the ground, when the lander is 10 m or more to either side, and when it
//! has come to rest. Truncates after 1000 steps.
//!
//! # Options
//!
//! | option | meaning | default | example |
//! |---|---|---|---|
//! | `gravity` | the vertical acceleration (m/s^2): between -12 and 0 | `-10` | `-5` |
//! | `enable_wind` | wind while no leg is on the ground: `true` or `false` | `false` | `true` |
//! | `wind_power` | the largest force of the wind (N): 0 to 20 | `15` | `10` |
//! | `turbulence_power` | the largest torque of the wind (N m): 0 to 2 | `1.5` | `1` |
//!
//! # Source
//!
//! Gymnasium 1.4, `LunarLander-v3`, on Box2D 2.3: episodes of equal seeds are equal to the last bit.

use super::simulated::{Flags, HEIGHT, SCALE, STEPS_PER_SECOND, WIDTH, outline, touch_ground};
use super::{Simulated, Task};
use crate::box2d::{BodyDef, Polygon, RevoluteJointDef, Shape, World, vec2};
use crate::classic_control::dynamics::Numbers;
use crate::registry::{Entry, Factory, Kind, Options};
use crate::{Paint, Row, Scene, Space};
use potstill_core::snapshot::Codec;
use potstill_core::{Pcg64, Restorable, Snapshot, SnapshotError, Value, math, snapshot};
use std::f64::consts::PI;
use std::fmt;
use std::marker::PhantomData;

const PAD_HEIGHT: f64 = HEIGHT / 4.0;
const MAIN_ENGINE_POWER: f64 = 13.0;
const SIDE_ENGINE_POWER: f64 = 0.6;
const INITIAL_FORCE: f64 = 1000.0;
const HULL: [(f64, f64); 6] =
    [(-14.0, 17.0), (-17.0, 0.0), (-17.0, -10.0), (17.0, -10.0), (17.0, 0.0), (14.0, 17.0)];
const LEG_AWAY: f64 = 20.0;
const LEG_DOWN: f64 = 18.0;
const LEG_HALF_WIDTH: f64 = 2.0;
const LEG_HALF_HEIGHT: f64 = 8.0;
const LEG_SPRING_TORQUE: f64 = 40.0;
const SIDE_ENGINE_HEIGHT: f64 = 14.0;
const SIDE_ENGINE_AWAY: f64 = 12.0;
const MAIN_ENGINE_DOWN: f64 = 4.0;
/// Corners of the surface.
const CORNERS: usize = 11;
/// The wind begins at a time up to this, positive or negative.
const WIND_START: u32 = 9999;

/// The places of bodies: the ground, then these.
const LANDER: usize = 1;
const LEGS: [usize; 2] = [2, 3];

/// The lander with its engines on or off; without a time limit of its own (`LunarLander-v3` adds 1000 steps).
pub type LunarLander = Simulated<Lander<Switches>>;

/// The lander with engines of variable power; without a time limit of its own.
pub type LunarLanderContinuous = Simulated<Lander<Throttles>>;

/// The powers of the engines, from 0 to 1, and the side of the side engine: -1 left, 1 right.
#[derive(Clone, Copy, Debug, Default)]
pub struct Thrust {
    main: f64,
    side: f64,
    direction: f64,
}

/// The way in which actions control the engines.
pub trait Controls: Clone + fmt::Debug + Send + Sync + 'static {
    /// `usize` or `[f32]`.
    type Action: Row + ?Sized;

    /// The action space.
    fn space() -> Space;

    /// The powers of the engines.
    fn thrust(action: &Self::Action) -> Thrust;
}

/// Engines are on or off, one at a time.
#[derive(Clone, Copy, Debug)]
pub struct Switches;

impl Controls for Switches {
    type Action = usize;

    fn space() -> Space {
        Space::Discrete { n: 4 }
    }

    fn thrust(&action: &usize) -> Thrust {
        match action {
            1 => Thrust { side: 1.0, direction: -1.0, ..Thrust::default() },
            2 => Thrust { main: 1.0, ..Thrust::default() },
            3 => Thrust { side: 1.0, direction: 1.0, ..Thrust::default() },
            _ => Thrust::default(),
        }
    }
}

/// Both engines have a throttle.
#[derive(Clone, Copy, Debug)]
pub struct Throttles;

impl Controls for Throttles {
    type Action = [f32];

    fn space() -> Space {
        Space::Box { low: vec![-1.0; 2], high: vec![1.0; 2] }
    }

    fn thrust(action: &[f32]) -> Thrust {
        let (main, side) = (f64::from(action[0]), f64::from(action[1]));
        let mut thrust = Thrust::default();
        if main > 0.0 {
            thrust.main = (main.clamp(0.0, 1.0) + 1.0) * 0.5;
        }
        if side.abs() > 0.5 {
            (thrust.side, thrust.direction) = (side.abs().clamp(0.5, 1.0), side.signum());
        }
        thrust
    }
}

/// The options of the lander.
#[derive(Clone, Copy, Debug)]
pub struct Moon {
    /// The vertical acceleration, m/s^2: between -12 and 0.
    pub gravity: f64,
    /// The largest force and torque of the wind, if there is wind.
    pub wind: Option<(f64, f64)>,
}

impl Default for Moon {
    fn default() -> Self {
        Self { gravity: -10.0, wind: None }
    }
}

/// The task of landing.
#[derive(Clone, Debug)]
pub struct Lander<C> {
    moon: Moon,
    /// Heights of the corners of the surface.
    surface: [f64; CORNERS],
    world: World,
    /// The powers of the engines in this step.
    thrust: Thrust,
    /// Legs on the ground.
    landed: [bool; 2],
    has_crashed: bool,
    /// The potential of the step before.
    shaping: f64,
    /// The times of the wind's force and torque.
    wind_index: f64,
    torque_index: f64,
    controls: PhantomData<C>,
}

impl<C: Controls> Default for Lander<C> {
    fn default() -> Self {
        Self::new(Moon::default())
    }
}

/// The horizontal place of a corner.
fn corner_x(i: usize) -> f64 {
    WIDTH / (CORNERS - 1) as f64 * i as f64
}

/// Builds the surface and the lander above it, in a fresh world.
fn build(world: &mut World, surface: &[f64; CORNERS]) {
    world.clear();
    let ground = world.add_ground();
    world.add_ground_fixture(ground, Shape::Edge([vec2(0.0, 0.0), vec2(WIDTH, 0.0)]), 0.2);
    for i in 0..CORNERS - 1 {
        let ends = [i, i + 1].map(|i| vec2(corner_x(i), surface[i]));
        world.add_ground_fixture(ground, Shape::Edge(ends), 0.1);
    }
    let (x, y) = (WIDTH / 2.0, HEIGHT);
    let hull = HULL.map(|(x, y)| vec2(x / SCALE, y / SCALE));
    let lander = world.add_body(&BodyDef {
        position: vec2(x, y),
        angle: 0.0,
        polygon: Polygon::hull(&hull),
        density: 5.0,
        friction: 0.1,
    });
    for side in [-1.0, 1.0] {
        let half = vec2(LEG_HALF_WIDTH / SCALE, LEG_HALF_HEIGHT / SCALE);
        let leg = world.add_body(&BodyDef {
            position: vec2(x - side * LEG_AWAY / SCALE, y),
            angle: (side * 0.05) as f32,
            polygon: Polygon::rectangle(half.x, half.y),
            density: 1.0,
            friction: 0.2,
        });
        let (lower, upper) = if side < 0.0 { (0.9 - 0.5, 0.9) } else { (-0.9, -0.9 + 0.5) };
        world.add_joint(&RevoluteJointDef {
            body_a: lander,
            body_b: leg,
            local_anchor_a: vec2(0.0, 0.0),
            local_anchor_b: vec2(side * LEG_AWAY / SCALE, LEG_DOWN / SCALE),
            angles: (lower as f32, upper as f32),
            motor_speed: (0.3 * side) as f32,
            max_motor_torque: LEG_SPRING_TORQUE as f32,
        });
    }
}

impl<C: Controls> Lander<C> {
    /// The task on a moon.
    pub fn new(moon: Moon) -> Self {
        let world = World::new(vec2(0.0, moon.gravity), 1 + CORNERS + 3, 2);
        let mut lander = Self {
            moon,
            surface: [PAD_HEIGHT; CORNERS],
            world,
            thrust: Thrust::default(),
            landed: [false; 2],
            has_crashed: false,
            shaping: 0.0,
            wind_index: 0.0,
            torque_index: 0.0,
            controls: PhantomData,
        };
        build(&mut lander.world, &lander.surface);
        lander
    }

    /// Blows, unless a leg is on the ground.
    fn blow(&mut self) {
        let Some((wind_power, turbulence_power)) = self.moon.wind else { return };
        if self.landed != [false; 2] {
            return;
        }
        // Never periodic.
        let gust = |index: f64| math::tanh_f64(math::sin(0.02 * index) + math::sin(PI * 0.01 * index));
        let force = gust(self.wind_index) * wind_power;
        self.wind_index += 1.0;
        self.world.apply_force_to_centre(LANDER, vec2(force, 0.0));
        let torque = gust(self.torque_index) * turbulence_power;
        self.torque_index += 1.0;
        self.world.apply_torque(LANDER, torque as f32);
    }

    /// Fires the engines; the dispersion of their jets is drawn in any case.
    fn fire(&mut self, thrust: Thrust, rng: &mut Pcg64) {
        self.thrust = thrust;
        let (sin, cos) = math::sin_cos(f64::from(self.world.angle(LANDER)));
        let (tip, side) = ((sin, cos), (-cos, sin));
        let dispersion = [rng.uniform(-1.0, 1.0) / SCALE, rng.uniform(-1.0, 1.0) / SCALE];
        let position = self.world.position(LANDER);
        let (x, y) = (f64::from(position.x), f64::from(position.y));
        if thrust.main > 0.0 {
            let down = MAIN_ENGINE_DOWN / SCALE + 2.0 * dispersion[0];
            let ox = tip.0 * down + side.0 * dispersion[1];
            let oy = -tip.1 * down - side.1 * dispersion[1];
            let impulse = vec2(-ox * MAIN_ENGINE_POWER * thrust.main, -oy * MAIN_ENGINE_POWER * thrust.main);
            self.world.apply_linear_impulse(LANDER, impulse, vec2(x + ox, y + oy));
        }
        if thrust.side > 0.0 {
            let away = 3.0 * dispersion[1] + thrust.direction * SIDE_ENGINE_AWAY / SCALE;
            let ox = tip.0 * dispersion[0] + side.0 * away;
            let oy = -tip.1 * dispersion[0] - side.1 * away;
            // 17 where the engine's height would be expected: Gymnasium's.
            let point = vec2(x + ox - tip.0 * 17.0 / SCALE, y + oy + tip.1 * SIDE_ENGINE_HEIGHT / SCALE);
            let impulse = vec2(-ox * SIDE_ENGINE_POWER * thrust.side, -oy * SIDE_ENGINE_POWER * thrust.side);
            self.world.apply_linear_impulse(LANDER, impulse, point);
        }
    }
}

impl<C: Controls> Task for Lander<C> {
    type Action = C::Action;

    fn observation_space(&self) -> Space {
        let turns = 2.0 * std::f32::consts::PI;
        Space::Box {
            low: vec![-2.5, -2.5, -10.0, -10.0, -turns, -10.0, -0.0, -0.0],
            high: vec![2.5, 2.5, 10.0, 10.0, turns, 10.0, 1.0, 1.0],
        }
    }

    fn action_space(&self) -> Space {
        C::space()
    }

    fn start(&mut self, rng: &mut Pcg64) {
        let mut heights: [f64; CORNERS + 1] = std::array::from_fn(|_| rng.uniform(0.0, HEIGHT / 2.0));
        heights[CORNERS / 2 - 2..=CORNERS / 2 + 2].fill(PAD_HEIGHT);
        self.surface = std::array::from_fn(|i| {
            // Python's index -1 is the last.
            let before = heights[if i == 0 { CORNERS } else { i - 1 }];
            0.33 * (before + heights[i] + heights[i + 1])
        });
        build(&mut self.world, &self.surface);
        (self.landed, self.has_crashed, self.shaping) = ([false; 2], false, 0.0);
        let force = [0; 2].map(|_| rng.uniform(-INITIAL_FORCE, INITIAL_FORCE));
        self.world.apply_force_to_centre(LANDER, vec2(force[0], force[1]));
        if self.moon.wind.is_some() {
            let mut index = || f64::from(rng.integer(2 * WIND_START)) - f64::from(WIND_START);
            (self.wind_index, self.torque_index) = (index(), index());
        }
        self.blow();
        self.fire(Thrust::default(), rng);
    }

    fn act(&mut self, action: &C::Action, rng: &mut Pcg64) {
        self.blow();
        self.fire(C::thrust(action), rng);
    }

    fn world(&mut self) -> &mut World {
        &mut self.world
    }

    fn observe(&mut self, observation: &mut [f32]) -> (f64, bool) {
        let Self { world, landed, .. } = self;
        self.has_crashed |= touch_ground(world, LANDER, LEGS, landed);
        let (position, velocity) = (world.position(LANDER), world.velocity(LANDER));
        let state = [
            (f64::from(position.x) - WIDTH / 2.0) / (WIDTH / 2.0),
            (f64::from(position.y) - (PAD_HEIGHT + LEG_DOWN / SCALE)) / (HEIGHT / 2.0),
            f64::from(velocity.x) * (WIDTH / 2.0) / STEPS_PER_SECOND,
            f64::from(velocity.y) * (HEIGHT / 2.0) / STEPS_PER_SECOND,
            f64::from(world.angle(LANDER)),
            20.0 * f64::from(world.angular_velocity(LANDER)) / STEPS_PER_SECOND,
            f64::from(u8::from(landed[0])),
            f64::from(u8::from(landed[1])),
        ];
        for (to, number) in observation.iter_mut().zip(state) {
            *to = number as f32;
        }
        let length = |x: f64, y: f64| math::sqrt_f64(x * x + y * y);
        let shaping =
            -100.0 * length(state[0], state[1]) - 100.0 * length(state[2], state[3]) - 100.0 * state[4].abs()
                + 10.0 * state[6]
                + 10.0 * state[7];
        let mut reward = shaping - self.shaping;
        self.shaping = shaping;
        reward -= self.thrust.main * 0.30;
        reward -= self.thrust.side * 0.03;
        if !world.is_awake(LANDER) {
            return (100.0, true);
        }
        if self.has_crashed || state[0].abs() >= 1.0 {
            return (-100.0, true);
        }
        (reward, false)
    }

    fn scene(&self) -> Scene {
        let mut scene = Scene::new(WIDTH, HEIGHT);
        let surface: Vec<_> = (0..CORNERS).map(|i| (corner_x(i), HEIGHT - self.surface[i])).collect();
        scene.line(Paint::Ink, &surface, 0.1);
        for i in [CORNERS / 2 - 1, CORNERS / 2 + 1] {
            let (x, y) = surface[i];
            scene.line(Paint::Goal, &[(x, y), (x, y - 50.0 / SCALE)], 0.06);
            scene.rectangle(Paint::Goal, (x, y - 50.0 / SCALE), (25.0 / SCALE, 10.0 / SCALE));
        }
        for body in LEGS.into_iter().chain([LANDER]) {
            outline(&mut scene, Paint::Agent, self.world.outline(body), 0.0);
        }
        scene
    }
}

snapshot! {
    impl[C: Controls] Restorable for Lander<C> {
        saved: surface via Numbers, landed via Flags, has_crashed, shaping, wind_index, torque_index,
            world via Rebuilt(*surface);
        built: moon, thrust, controls;
    }
}

/// The codec of a world that is built again from its surface before it is restored.
struct Rebuilt([f64; CORNERS]);

impl Codec<World> for Rebuilt {
    fn save(&self, world: &World, name: &str, snapshot: &mut Snapshot) {
        snapshot.insert(name, Value::Tree(world.snapshot()));
    }

    fn load(&self, world: &mut World, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        build(world, &self.0);
        snapshot.restore_part(name, world)
    }
}

pub(crate) fn entries() -> Vec<Entry> {
    let discrete = Entry::new("LunarLander-v3", "land on a pad on the moon", |options| {
        let moon = moon(options)?;
        Ok(Kind::Features(Factory::of_task(move || Lander::<Switches>::new(moon))))
    });
    let throttles = "land on a pad on the moon, with throttles";
    let continuous = Entry::new("LunarLanderContinuous-v3", throttles, |options| {
        let moon = moon(options)?;
        Ok(Kind::Control(Factory::of_task(move || Lander::<Throttles>::new(moon))))
    });
    let discrete = discrete.actions(&["none", "left", "up", "right"]);
    let continuous = continuous.controls(&["main engine", "side engines"]);
    [discrete, continuous]
        .map(|entry| {
            entry.documented(include_str!("lunar_lander.rs")).time_limit(1000).reward_threshold(200.0)
        })
        .into()
}

/// The moon with its options.
fn moon(options: &mut Options<'_>) -> Result<Moon, String> {
    let gravity = options.number("gravity", -10.0, -12.0..=0.0)?;
    if gravity <= -12.0 || gravity >= 0.0 {
        return Err(format!("gravity={gravity}: write a number between -12 and 0, without both"));
    }
    let is_windy = options.flag("enable_wind", false)?;
    let wind_power = options.number("wind_power", 15.0, 0.0..=20.0)?;
    let turbulence_power = options.number("turbulence_power", 1.5, 0.0..=2.0)?;
    Ok(Moon { gravity, wind: is_windy.then_some((wind_power, turbulence_power)) })
}
