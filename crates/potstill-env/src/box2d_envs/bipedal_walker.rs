//! `BipedalWalker-v3` and `BipedalWalkerHardcore-v3`: walk on two legs of two parts each, over uneven
//! ground, or over stumps, stairs and pits.
//!
//! ```
//! use potstill_env::box2d_envs::bipedal_walker::BipedalWalker;
//! use potstill_env::Env;
//!
//! let (mut env, mut observation) = (BipedalWalker::default(), [0.0; 24]);
//! env.reset(Some(1), &mut observation);
//! // The first ray of the lidar goes straight down: 5.33 m, of which the hull is high above the ground.
//! assert!((0.3..0.6).contains(&observation[14]));
//! assert!(env.step(&[0.0; 4], &mut observation).is_ok());
//! # Ok::<(), potstill_env::EnvError>(())
//! ```
//!
//! # Action space
//!
//! `Box(4)`, from -1 to 1: the torques of the first leg's hip and knee and of the second's, in 80 N m, for
//! 0.02 s. A motor turns at most with 4 rad/s in a hip and 6 rad/s in a knee.
//!
//! # Observation space
//!
//! `Box(24)`. The place is not observed.
//!
//! | number | meaning | lowest | highest |
//! |---|---|---|---|
//! | 0 | angle of the hull (rad) | -pi | pi |
//! | 1 | angular velocity of the hull (25 rad/s) | -5 | 5 |
//! | 2 | horizontal velocity (8.3 m/s) | -5 | 5 |
//! | 3 | vertical velocity (12.5 m/s) | -5 | 5 |
//! | 4, 9 | angle of a hip (rad) | -pi | pi |
//! | 5, 10 | angular velocity of a hip (4 rad/s) | -5 | 5 |
//! | 6, 11 | angle of a knee plus 1 (rad) | -pi | pi |
//! | 7, 12 | angular velocity of a knee (6 rad/s) | -5 | 5 |
//! | 8, 13 | 1 while the leg is on the ground | 0 | 5 |
//! | 14 to 23 | distances to the ground along ten rays (5.33 m), from straight down to 77 degrees forward | -1 | 1 |
//!
//! # Rewards
//!
//! The change of a potential, 130/30 for each metre forward and -5 times the absolute angle of the hull;
//! less 0.028 times each absolute torque (in the unit above). The last step has -100 instead for a fall,
//! and for a walk beyond the left end.
//!
//! # Starting state
//!
//! Above flat ground, with a random force of up to 5 N; the ground is random.
//!
//! # Episode end
//!
//! Terminates when the hull touches the ground, when it is to the left of the ground, and when it has
//! passed 88.7 m. Truncates after 1600 steps (`BipedalWalkerHardcore-v3`: 2000).
//!
//! # Options
//!
//! | option | meaning | default | example |
//! |---|---|---|---|
//! | `hardcore` | the ground has stumps, stairs and pits: `true` or `false` | `false` | `true` |
//!
//! # Source
//!
//! Gymnasium 1.4, `BipedalWalker-v3`, on Box2D 2.3: every number of the first episode of a seed is equal to
//! the last bit. In Gymnasium later episodes of one instance begin in the world of the earlier ones, whose
//! contacts have another order.

use super::simulated::{Flags, HEIGHT, SCALE, STEPS_PER_SECOND, WIDTH, outline, touch_ground};
use super::{Simulated, Task};
use crate::box2d::{BodyDef, Polygon, RevoluteJointDef, Shape, Vec2, World, vec2};
use crate::registry::{Entry, Factory, Kind};
use crate::{Paint, Scene, Space};
use potstill_core::snapshot::Codec;
use potstill_core::{Pcg64, Restorable, Snapshot, SnapshotError, Value, math, snapshot};

const MOTORS_TORQUE: f32 = 80.0;
const SPEED_HIP: f32 = 4.0;
const SPEED_KNEE: f32 = 6.0;
const INITIAL_FORCE: f64 = 5.0;
const HULL: [(f64, f64); 5] = [(-30.0, 9.0), (6.0, 9.0), (34.0, 1.0), (34.0, -8.0), (-30.0, -8.0)];
const LEG_DOWN: f64 = -8.0 / SCALE;
const LEG_WIDTH: f64 = 8.0 / SCALE;
const LEG_HEIGHT: f64 = 34.0 / SCALE;
/// The horizontal distance of two points of the ground.
const STEP: f64 = 14.0 / SCALE;
/// Points of the ground.
const LENGTH: usize = 200;
const GROUND_HEIGHT: f64 = HEIGHT / 4.0;
/// The longest stretch of grass, and the flat ground at both ends, in points.
const GRASS: u32 = 10;
const START: usize = 20;
const FRICTION: f32 = 2.5;
const RAYS: usize = 10;
const LIDAR_RANGE: f64 = 160.0 / SCALE;
/// More rectangles than fit on the ground.
const OBSTACLES_MAX: usize = LENGTH;
/// Rectangles for which there is room from the start.
const OBSTACLES: usize = 64;

/// The walker; without a time limit of its own (`BipedalWalker-v3` adds 1600 steps).
pub type BipedalWalker = Simulated<Walker>;

/// The task of walking.
#[derive(Clone, Debug)]
pub struct Walker {
    is_hardcore: bool,
    ground: Ground,
    world: World,
    /// The torques of this step.
    torques: [f32; 4],
    /// Lower legs on the ground.
    landed: [bool; 2],
    has_fallen: bool,
    /// The potential of the step before.
    shaping: f64,
    /// The directions of the lidar's rays, times their length.
    rays: [(f64, f64); RAYS],
}

/// The ground: heights of its points, and rectangles, each left, right, bottom and top.
#[derive(Clone, Debug)]
struct Ground {
    heights: Vec<f64>,
    obstacles: Vec<f64>,
}

/// A stretch of the ground.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stretch {
    Grass,
    Stump,
    Stairs,
    Pit,
}

impl Ground {
    fn flat() -> Self {
        Self { heights: vec![GROUND_HEIGHT; LENGTH], obstacles: Vec::with_capacity(4 * OBSTACLES) }
    }

    fn rectangle(&mut self, left: f64, right: f64, bottom: f64, top: f64) {
        self.obstacles.extend([left, right, bottom, top]);
    }

    /// Draws a ground.
    fn generate(&mut self, is_hardcore: bool, rng: &mut Pcg64) {
        self.heights.clear();
        self.obstacles.clear();
        let (mut stretch, mut begins) = (Stretch::Grass, false);
        let (mut y, mut slope, mut original_y) = (GROUND_HEIGHT, 0.0, 0.0);
        // Points that are left of the stretch.
        let mut left = START as f64;
        let (mut stair_steps, mut stair_width, mut stair_height) = (0.0, 0.0, 0.0);
        for i in 0..LENGTH {
            let x = i as f64 * STEP;
            match (stretch, begins) {
                (Stretch::Grass, false) => {
                    let sign = if y < GROUND_HEIGHT { 1.0 } else { -f64::from(u8::from(y > GROUND_HEIGHT)) };
                    slope = 0.8 * slope + 0.01 * sign;
                    if i > START {
                        slope += rng.uniform(-1.0, 1.0) / SCALE;
                    }
                    y += slope;
                }
                (Stretch::Grass, true) => {}
                (Stretch::Pit, true) => {
                    left = f64::from(3 + rng.integer(2));
                    self.rectangle(x, x + STEP, y - 4.0 * STEP, y);
                    self.rectangle(x + STEP * left, x + STEP + STEP * left, y - 4.0 * STEP, y);
                    left += 2.0;
                    original_y = y;
                }
                (Stretch::Pit, false) => {
                    y = original_y;
                    if left > 1.0 {
                        y -= 4.0 * STEP;
                    }
                }
                (Stretch::Stump, true) => {
                    left = f64::from(1 + rng.integer(2));
                    self.rectangle(x, x + left * STEP, y, y + left * STEP);
                }
                (Stretch::Stump, false) => {}
                (Stretch::Stairs, true) => {
                    stair_height = if rng.unit() > 0.5 { 1.0 } else { -1.0 };
                    stair_width = f64::from(4 + rng.integer(1));
                    let steps = 3 + rng.integer(2);
                    stair_steps = f64::from(steps);
                    original_y = y;
                    for s in (0..steps).map(f64::from) {
                        self.rectangle(
                            x + (s * stair_width) * STEP,
                            x + ((1.0 + s) * stair_width) * STEP,
                            y + (-1.0 + s * stair_height) * STEP,
                            y + (s * stair_height) * STEP,
                        );
                    }
                    left = stair_steps * stair_width;
                }
                (Stretch::Stairs, false) => {
                    let s = stair_steps * stair_width - left - stair_height;
                    y = original_y + (s / stair_width * stair_height) * STEP;
                }
            }
            begins = false;
            self.heights.push(y);
            left -= 1.0;
            if left == 0.0 {
                left = f64::from(GRASS / 2 + rng.integer(GRASS / 2));
                stretch = if stretch == Stretch::Grass && is_hardcore {
                    [Stretch::Stump, Stretch::Stairs, Stretch::Pit][rng.integer(3) as usize]
                } else {
                    Stretch::Grass
                };
                begins = true;
            }
        }
    }

    /// An end of an edge.
    fn point(&self, i: usize) -> (f64, f64) {
        (i as f64 * STEP, self.heights[i])
    }

    /// The corners of a rectangle.
    fn corners(rectangle: &[f64]) -> [Vec2; 4] {
        let [left, right, bottom, top] = [rectangle[0], rectangle[1], rectangle[2], rectangle[3]];
        [vec2(left, top), vec2(right, top), vec2(right, bottom), vec2(left, bottom)]
    }
}

/// The places of the bodies after the ground's.
const HULL_BODY: usize = 0;
const LOWER_LEGS: [usize; 2] = [2, 4];

/// Builds the ground and the walker on it, in a fresh world.
fn build(world: &mut World, ground: &Ground) {
    world.clear();
    for rectangle in ground.obstacles.chunks_exact(4) {
        let body = world.add_ground();
        let polygon = Polygon::hull(&Ground::corners(rectangle));
        world.add_ground_fixture(body, Shape::Polygon(polygon), FRICTION);
    }
    for i in 0..LENGTH - 1 {
        let body = world.add_ground();
        let ends = [i, i + 1].map(|i| ground.point(i)).map(|(x, y)| vec2(x, y));
        world.add_ground_fixture(body, Shape::Edge(ends), FRICTION);
    }
    let (x, y) = (STEP * START as f64 / 2.0, GROUND_HEIGHT + 2.0 * LEG_HEIGHT);
    let corners = HULL.map(|(x, y)| vec2(x / SCALE, y / SCALE));
    let hull = world.add_body(&BodyDef {
        position: vec2(x, y),
        angle: 0.0,
        polygon: Polygon::hull(&corners),
        density: 5.0,
        friction: 0.1,
    });
    for side in [-1.0, 1.0_f64] {
        let part = |y: f64, width: f64| {
            let half = vec2(width / 2.0, LEG_HEIGHT / 2.0);
            BodyDef {
                position: vec2(x, y),
                angle: (side * 0.05) as f32,
                polygon: Polygon::rectangle(half.x, half.y),
                density: 1.0,
                friction: 0.2,
            }
        };
        let joint = |body_a, body_b, anchor_a: f64, angles, speed| RevoluteJointDef {
            body_a,
            body_b,
            local_anchor_a: vec2(0.0, anchor_a),
            local_anchor_b: vec2(0.0, LEG_HEIGHT / 2.0),
            angles,
            motor_speed: speed,
            max_motor_torque: MOTORS_TORQUE,
        };
        let leg = world.add_body(&part(y - LEG_HEIGHT / 2.0 - LEG_DOWN, LEG_WIDTH));
        world.add_joint(&joint(hull, leg, LEG_DOWN, (-0.8, 1.1), side as f32));
        let lower = world.add_body(&part(y - LEG_HEIGHT * 3.0 / 2.0 - LEG_DOWN, 0.8 * LEG_WIDTH));
        world.add_joint(&joint(leg, lower, -LEG_HEIGHT / 2.0, (-1.6, -0.1), 1.0));
    }
}

impl Walker {
    /// The task on ground without obstacles, or with them.
    pub fn new(is_hardcore: bool) -> Self {
        let ground = Ground::flat();
        let obstacles = if is_hardcore { OBSTACLES } else { 0 };
        let mut world = World::new(vec2(0.0, -10.0), LENGTH - 1 + obstacles + 5, 4);
        build(&mut world, &ground);
        let rays = std::array::from_fn(|i| {
            let (sin, cos) = math::sin_cos(1.5 * i as f64 / 10.0);
            (sin * LIDAR_RANGE, cos * LIDAR_RANGE)
        });
        Self {
            is_hardcore,
            ground,
            world,
            torques: [0.0; 4],
            landed: [false; 2],
            has_fallen: false,
            shaping: 0.0,
            rays,
        }
    }

    /// The place of the first dynamic body, and the number of shapes of the ground.
    fn grounds(&self) -> usize {
        self.ground.obstacles.len() / 4 + LENGTH - 1
    }

    /// The shapes of the ground that a ray from the hull may meet.
    fn shapes_below(&self, from: f64, to: f64) -> impl Iterator<Item = usize> {
        let obstacles = self.ground.obstacles.len() / 4;
        let place = |x: f64| (x / STEP).clamp(1.0, (LENGTH - 3) as f64) as usize;
        // One edge more to either side, whatever the rounding.
        let edges = place(from).saturating_sub(1)..place(to) + 2;
        (0..obstacles).chain(edges.map(move |edge| obstacles + edge))
    }
}

impl Default for Walker {
    fn default() -> Self {
        Self::new(false)
    }
}

impl Task for Walker {
    type Action = [f32];

    fn observation_space(&self) -> Space {
        let pi = std::f32::consts::PI;
        let leg = [pi, 5.0, pi, 5.0];
        let mut high = vec![pi, 5.0, 5.0, 5.0];
        let mut low: Vec<f32> = high.iter().map(|x| -x).collect();
        for _ in 0..2 {
            high.extend(leg);
            high.push(5.0);
            low.extend(leg.map(|x| -x));
            low.push(-0.0);
        }
        high.extend([1.0; RAYS]);
        low.extend([-1.0; RAYS]);
        Space::Box { low, high }
    }

    fn action_space(&self) -> Space {
        Space::Box { low: vec![-1.0; 4], high: vec![1.0; 4] }
    }

    fn start(&mut self, rng: &mut Pcg64) {
        self.ground.generate(self.is_hardcore, rng);
        // Gymnasium draws clouds: ten, of 11 numbers each.
        for _ in 0..LENGTH / 20 * 11 {
            rng.unit();
        }
        build(&mut self.world, &self.ground);
        (self.landed, self.has_fallen, self.shaping) = ([false; 2], false, 0.0);
        let force = rng.uniform(-INITIAL_FORCE, INITIAL_FORCE);
        self.world.apply_force_to_centre(self.grounds() + HULL_BODY, vec2(force, 0.0));
        self.act(&[0.0; 4], rng);
    }

    fn act(&mut self, action: &[f32], _: &mut Pcg64) {
        self.torques.copy_from_slice(action);
        for (joint, &torque) in action.iter().enumerate() {
            let speed = if joint % 2 == 0 { SPEED_HIP } else { SPEED_KNEE };
            let sign = if torque > 0.0 { 1.0 } else { -f32::from(u8::from(torque < 0.0)) };
            self.world.set_motor(joint, speed * sign, MOTORS_TORQUE * torque.abs());
        }
    }

    fn world(&mut self) -> &mut World {
        &mut self.world
    }

    fn observe(&mut self, observation: &mut [f32]) -> (f64, bool) {
        let hull = self.grounds() + HULL_BODY;
        let legs = LOWER_LEGS.map(|leg| self.grounds() + leg);
        self.has_fallen |= touch_ground(&self.world, hull, legs, &mut self.landed);
        let world = &self.world;
        let (position, velocity) = (world.position(hull), world.velocity(hull));
        let (x, y) = (f64::from(position.x), f64::from(position.y));
        let angle = f64::from(world.angle(hull));
        let mut state = [0.0; 24 - RAYS];
        state[0] = angle;
        state[1] = 2.0 * f64::from(world.angular_velocity(hull)) / STEPS_PER_SECOND;
        state[2] = 0.3 * f64::from(velocity.x) * WIDTH / STEPS_PER_SECOND;
        state[3] = 0.3 * f64::from(velocity.y) * HEIGHT / STEPS_PER_SECOND;
        for (leg, part) in state[4..].chunks_exact_mut(5).enumerate() {
            let (hip, knee) = (2 * leg, 2 * leg + 1);
            part[0] = f64::from(world.joint_angle(hip));
            part[1] = f64::from(world.joint_speed(hip)) / f64::from(SPEED_HIP);
            part[2] = f64::from(world.joint_angle(knee)) + 1.0;
            part[3] = f64::from(world.joint_speed(knee)) / f64::from(SPEED_KNEE);
            part[4] = f64::from(u8::from(self.landed[leg]));
        }
        for (to, number) in observation.iter_mut().zip(state) {
            *to = number as f32;
        }
        for (to, (dx, dy)) in observation[24 - RAYS..].iter_mut().zip(self.rays) {
            let end = vec2(x + dx, y - dy);
            *to = world.ray_cast(position, end, self.shapes_below(x, f64::from(end.x)));
        }
        let shaping = 130.0 * x / SCALE - 5.0 * angle.abs();
        // NumPy computes a number of double precision less one of single precision in single precision.
        let mut reward = (shaping - self.shaping) as f32;
        self.shaping = shaping;
        let cost = (0.000_35 * 80.0_f64) as f32;
        for torque in self.torques {
            reward -= cost * torque.abs();
        }
        let has_lost = self.has_fallen || x < 0.0;
        let has_won = x > (LENGTH - GRASS as usize) as f64 * STEP;
        (if has_lost { -100.0 } else { f64::from(reward) }, has_lost || has_won)
    }

    fn scene(&self) -> Scene {
        let mut scene = Scene::new(WIDTH, HEIGHT);
        let first = self.grounds();
        let hull = self.world.position(first + HULL_BODY);
        let left = f64::from(hull.x) - WIDTH / 5.0;
        let seen = |x: f64| (left..=left + WIDTH).contains(&x);
        let points: Vec<_> = (0..LENGTH)
            .map(|i| self.ground.point(i))
            .filter(|point| seen(point.0))
            .map(|(x, y)| (x - left, (HEIGHT - y).clamp(0.0, HEIGHT)))
            .collect();
        scene.line(Paint::Ink, &points, 0.1);
        for rectangle in self.ground.obstacles.chunks_exact(4) {
            if seen(rectangle[0]) || seen(rectangle[1]) {
                outline(&mut scene, Paint::Ink, Ground::corners(rectangle).into_iter(), left);
            }
        }
        let (flag_x, flag_y) = (STEP * 3.0 - left, HEIGHT - GROUND_HEIGHT);
        if seen(STEP * 3.0) {
            scene.line(Paint::Goal, &[(flag_x, flag_y), (flag_x, flag_y - 50.0 / SCALE)], 0.06);
        }
        for body in first..first + 5 {
            outline(&mut scene, Paint::Agent, self.world.outline(body), left);
        }
        scene
    }
}

snapshot! {
    impl Restorable for Walker {
        saved: ground, landed via Flags, has_fallen, shaping, world via Rebuilt::on(ground);
        built: is_hardcore, torques, rays;
    }
}

/// Heights, and rectangles with their number.
impl Restorable for Ground {
    fn snapshot(&self) -> Snapshot {
        Snapshot::new()
            .with("heights", Value::F64s(self.heights.clone()))
            .with("obstacles", Value::F64s(self.obstacles.clone()))
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        let heights = snapshot.f64s("heights", LENGTH)?;
        let obstacles = snapshot.array("obstacles")?;
        // As wide, as high and as near as they can be on the ground, so that a rectangle has an area.
        let is_rectangle = |numbers: &[f64]| match *numbers {
            [left, right, bottom, top] => {
                let is_near = numbers.iter().all(|number| number.abs() < 1000.0);
                is_near && right - left > 0.1 && top - bottom > 0.1
            }
            _ => false,
        };
        if obstacles.len() > 4 * OBSTACLES_MAX || !obstacles.chunks(4).all(is_rectangle) {
            return Err(SnapshotError::invalid("obstacles", "they are not rectangles on the ground"));
        }
        if heights.iter().any(|height| !height.is_finite()) {
            return Err(SnapshotError::invalid("heights", "a height is not finite"));
        }
        self.heights.copy_from_slice(heights);
        self.obstacles.clear();
        self.obstacles.extend_from_slice(obstacles);
        Ok(())
    }
}

/// The codec of a world that is built again from its ground before it is restored.
struct Rebuilt<'a>(&'a Ground);

impl<'a> Rebuilt<'a> {
    fn on(ground: &'a Ground) -> Self {
        Self(ground)
    }
}

impl Codec<World> for Rebuilt<'_> {
    fn save(&self, world: &World, name: &str, snapshot: &mut Snapshot) {
        snapshot.insert(name, Value::Tree(world.snapshot()));
    }

    fn load(&self, world: &mut World, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        build(world, self.0);
        snapshot.restore_part(name, world)
    }
}

pub(crate) fn entries() -> Vec<Entry> {
    let walker = |id, summary, is_hardcore, limit| {
        let entry = Entry::new(id, summary, move |options| {
            let is_hardcore = options.flag("hardcore", is_hardcore)?;
            Ok(Kind::Control(Factory::of_task(move || Walker::new(is_hardcore))))
        });
        let entry = entry.controls(&["hip 1", "knee 1", "hip 2", "knee 2"]);
        entry.documented(include_str!("bipedal_walker.rs")).time_limit(limit).reward_threshold(300.0)
    };
    vec![
        walker("BipedalWalker-v3", "walk on two legs", false, 1600),
        walker("BipedalWalkerHardcore-v3", "walk on two legs over obstacles", true, 2000)
            .with_default("hardcore", "true", "false"),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::TIME_STEP;
    use super::*;

    #[test]
    fn hardcore_ground_has_all_obstacles_and_room_for_them() {
        let mut ground = Ground::flat();
        let (mut most, mut widths) = (0, [false; 3]);
        for seed in 0..2000 {
            ground.generate(true, &mut Pcg64::new(seed));
            most = most.max(ground.obstacles.len() / 4);
            for rectangle in ground.obstacles.chunks_exact(4) {
                let steps = (rectangle[1] - rectangle[0]) / STEP;
                // A stump of one or two, or the side of a pit; a stair.
                for (seen, width) in widths.iter_mut().zip([1.0, 2.0, 4.0_f64]) {
                    *seen |= (steps - width).abs() < 1e-9;
                }
            }
        }
        assert_eq!(widths, [true; 3]);
        assert!((20..=OBSTACLES).contains(&most), "{most}");
    }

    #[test]
    fn a_snapshot_with_other_ground_is_refused() {
        let mut walker = Walker::new(true);
        walker.start(&mut Pcg64::new(1));
        walker.world.step(&TIME_STEP);
        let mut other = Walker::new(true);
        other.restore(&walker.snapshot()).unwrap();
        assert_eq!(other.snapshot(), walker.snapshot());
        let good = walker.ground.obstacles.clone();
        for wrong in [vec![1.0, 1.0, 0.0, 1.0], vec![f64::NAN, 2.0, 0.0, 1.0], vec![0.0; 3]] {
            walker.ground.obstacles = wrong;
            let refused = other.restore(&walker.snapshot()).unwrap_err();
            assert_eq!(refused.to_string(), "`ground.obstacles`: they are not rectangles on the ground");
        }
        walker.ground.obstacles = good;
        walker.ground.heights[3] = f64::INFINITY;
        assert!(other.restore(&walker.snapshot()).is_err());
    }
}
