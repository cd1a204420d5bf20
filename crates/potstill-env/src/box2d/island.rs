//! Islands: bodies that touch or are joined, whose constraints are solved together.

use super::body::Body;
use super::contact::Contact;
use super::contact_solver::Constraint;
use super::joint::{Position, RevoluteJoint, Velocity};
use super::maths::{Vec2, min};
use super::{LINEAR_SLOP, PI};

/// The largest movement of a step (m), and the largest rotation (rad).
const TRANSLATION_MAX: f32 = 2.0;
const ROTATION_MAX: f32 = 0.5 * PI;
/// A body sleeps after this time below these velocities (m/s and rad/s).
const SECONDS_TO_SLEEP: f32 = 0.5;
const SLEEP_VELOCITY: f32 = 0.01;
const SLEEP_ANGULAR_VELOCITY: f32 = 2.0 / 180.0 * PI;
/// Position iterations of a sub-step.
const SUB_STEP_POSITION_ITERATIONS: u32 = 20;

/// Times and iterations of a step.
#[derive(Clone, Copy, Debug)]
pub(super) struct TimeStep {
    pub(super) dt: f32,
    /// The ratio to the step before.
    pub(super) dt_ratio: f32,
    pub(super) velocity_iterations: u32,
    pub(super) position_iterations: u32,
}

/// Places of bodies, contacts and joints, and the buffers of their solution.
#[derive(Clone, Debug, Default)]
pub(super) struct Island {
    pub(super) bodies: Vec<usize>,
    pub(super) contacts: Vec<usize>,
    pub(super) joints: Vec<usize>,
    positions: Vec<Position>,
    velocities: Vec<Velocity>,
    constraints: Vec<Constraint>,
}

impl Island {
    pub(super) fn with_capacity(bodies: usize, contacts: usize, joints: usize) -> Self {
        Self {
            bodies: Vec::with_capacity(bodies),
            contacts: Vec::with_capacity(contacts),
            joints: Vec::with_capacity(joints),
            positions: Vec::with_capacity(bodies),
            velocities: Vec::with_capacity(bodies),
            constraints: Vec::with_capacity(contacts),
        }
    }

    pub(super) fn clear(&mut self) {
        self.bodies.clear();
        self.contacts.clear();
        self.joints.clear();
    }

    pub(super) fn add_body(&mut self, place: usize, bodies: &mut [Body]) {
        bodies[place].island_index = self.bodies.len();
        self.bodies.push(place);
    }

    /// Moves the bodies over a step.
    pub(super) fn solve(
        &mut self,
        step: &TimeStep,
        gravity: Vec2,
        bodies: &mut [Body],
        contacts: &mut [Contact],
        joints: &mut [RevoluteJoint],
    ) {
        let h = step.dt;
        self.positions.clear();
        self.velocities.clear();
        for &place in &self.bodies {
            let b = &mut bodies[place];
            (b.sweep.c0, b.sweep.a0) = (b.sweep.c, b.sweep.a);
            let (mut v, mut w) = (b.v, b.w);
            if b.is_dynamic {
                v += (gravity + b.force * b.inv_mass) * h;
                w += h * b.inv_inertia * b.torque;
            }
            self.positions.push(Position { c: b.sweep.c, a: b.sweep.a });
            self.velocities.push(Velocity { v, w });
        }
        self.make_constraints(bodies, contacts, step.dt_ratio);
        let Self { positions, velocities, constraints, .. } = self;
        constraints.iter_mut().for_each(|constraint| constraint.init_velocity(positions));
        constraints.iter().for_each(|constraint| constraint.warm_start(velocities));
        for &joint in &self.joints {
            joints[joint].init_velocity(bodies, positions, velocities, step.dt_ratio);
        }
        for _ in 0..step.velocity_iterations {
            for &joint in &self.joints {
                joints[joint].solve_velocity(velocities, h);
            }
            constraints.iter_mut().for_each(|constraint| constraint.solve_velocity(velocities));
        }
        constraints.iter().for_each(|constraint| constraint.store(contacts));
        self.integrate(h);

        let mut is_solved = false;
        for _ in 0..step.position_iterations {
            let Self { positions, constraints, .. } = self;
            let separate = |least, constraint: &Constraint| constraint.solve_position(positions, least, None);
            let contacts_solved = constraints.iter().fold(0.0, separate) >= -3.0 * LINEAR_SLOP;
            let mut joints_solved = true;
            for &joint in &self.joints {
                joints_solved &= joints[joint].solve_position(positions);
            }
            if contacts_solved && joints_solved {
                is_solved = true;
                break;
            }
        }
        self.write_back(bodies);
        self.sleep(h, is_solved, bodies);
    }

    /// Moves two bodies that touch over the rest of a step; `first` and `second` are their places in the
    /// island.
    pub(super) fn solve_sub_step(
        &mut self,
        dt: f32,
        velocity_iterations: u32,
        (first, second): (usize, usize),
        bodies: &mut [Body],
        contacts: &[Contact],
    ) {
        self.positions.clear();
        self.velocities.clear();
        for &place in &self.bodies {
            let b = &bodies[place];
            self.positions.push(Position { c: b.sweep.c, a: b.sweep.a });
            self.velocities.push(Velocity { v: b.v, w: b.w });
        }
        self.make_constraints(bodies, contacts, 0.0);
        let Self { positions, velocities, constraints, .. } = self;
        for _ in 0..SUB_STEP_POSITION_ITERATIONS {
            let separate = |least, constraint: &Constraint| {
                constraint.solve_position(positions, least, Some((first, second)))
            };
            if constraints.iter().fold(0.0, separate) >= -1.5 * LINEAR_SLOP {
                break;
            }
        }
        for index in [first, second] {
            let sweep = &mut bodies[self.bodies[index]].sweep;
            (sweep.c0, sweep.a0) = (positions[index].c, positions[index].a);
        }
        // Impulses do not last: they are not those of a whole step.
        constraints.iter_mut().for_each(|constraint| constraint.init_velocity(positions));
        for _ in 0..velocity_iterations {
            constraints.iter_mut().for_each(|constraint| constraint.solve_velocity(velocities));
        }
        self.integrate(dt);
        self.write_back(bodies);
    }

    fn make_constraints(&mut self, bodies: &[Body], contacts: &[Contact], dt_ratio: f32) {
        self.constraints.clear();
        for &place in &self.contacts {
            self.constraints.push(Constraint::new(place, &contacts[place], bodies, dt_ratio));
        }
    }

    /// Moves positions by velocities, which are limited.
    fn integrate(&mut self, h: f32) {
        for (position, velocity) in self.positions.iter_mut().zip(&mut self.velocities) {
            let Velocity { mut v, mut w } = *velocity;
            let translation = v * h;
            if translation.dot(translation) > TRANSLATION_MAX * TRANSLATION_MAX {
                v = v * (TRANSLATION_MAX / translation.length());
            }
            let rotation = h * w;
            if rotation * rotation > ROTATION_MAX * ROTATION_MAX {
                w *= ROTATION_MAX / rotation.abs();
            }
            position.c += v * h;
            position.a += h * w;
            *velocity = Velocity { v, w };
        }
    }

    fn write_back(&self, bodies: &mut [Body]) {
        for ((&place, position), velocity) in self.bodies.iter().zip(&self.positions).zip(&self.velocities) {
            let body = &mut bodies[place];
            (body.sweep.c, body.sweep.a) = (position.c, position.a);
            (body.v, body.w) = (velocity.v, velocity.w);
            body.synchronise_transform();
        }
    }

    /// Puts the bodies to sleep if all have been at rest for long enough.
    fn sleep(&self, h: f32, is_solved: bool, bodies: &mut [Body]) {
        let mut least_seconds = f32::MAX;
        for &place in &self.bodies {
            let b = &mut bodies[place];
            if !b.is_dynamic {
                continue;
            }
            if b.w * b.w > SLEEP_ANGULAR_VELOCITY * SLEEP_ANGULAR_VELOCITY
                || b.v.dot(b.v) > SLEEP_VELOCITY * SLEEP_VELOCITY
            {
                b.sleep_seconds = 0.0;
                least_seconds = 0.0;
            } else {
                b.sleep_seconds += h;
                least_seconds = min(least_seconds, b.sleep_seconds);
            }
        }
        if least_seconds >= SECONDS_TO_SLEEP && is_solved {
            self.bodies.iter().for_each(|&place| bodies[place].set_awake(false));
        }
    }
}
