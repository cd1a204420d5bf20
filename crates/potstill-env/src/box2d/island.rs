//! Islands: dynamic bodies that are joined, with their contacts with the ground; their constraints are solved
//! together.

use super::LINEAR_SLOP;
use super::PI;
use super::body::Body;
use super::contact::Contact;
use super::contact_solver::{BAUMGARTE, IslandContact, SUB_STEP_BAUMGARTE};
use super::joint::{IslandJoint, Position, RevoluteJoint};
use super::maths::{Vec2, min};
use super::velocity::Velocity;

/// The largest movement of a step (m), and the largest rotation (rad).
const TRANSLATION_MAX: f32 = 2.0;
const ROTATION_MAX: f32 = 0.5 * PI;
/// A body sleeps after this time below these velocities (m/s and rad/s).
const SECONDS_TO_SLEEP: f32 = 0.5;
const SLEEP_VELOCITY: f32 = 0.01;
const SLEEP_ANGULAR_VELOCITY: f32 = 2.0 / 180.0 * PI;
/// Position iterations of a sub-step.
const SUB_STEP_POSITION_ITERATIONS: u32 = 20;

/// Bodies with their contacts and joints: their places in the world, and their solution.
#[derive(Clone, Debug, Default)]
pub(super) struct Island {
    pub(super) bodies: Vec<usize>,
    pub(super) contact_places: Vec<usize>,
    pub(super) joint_places: Vec<usize>,
    positions: Vec<Position>,
    /// Positions before an iteration.
    before: Vec<Position>,
    pub(super) velocities: Vec<Velocity>,
    pub(super) joints: Vec<IslandJoint>,
    /// In the order of their bodies.
    pub(super) contacts: Vec<IslandContact>,
}

impl Island {
    pub(super) fn with_capacity(bodies: usize, contacts: usize, joints: usize) -> Self {
        Self {
            bodies: Vec::with_capacity(bodies),
            contact_places: Vec::with_capacity(contacts),
            joint_places: Vec::with_capacity(joints),
            positions: Vec::with_capacity(bodies),
            before: Vec::with_capacity(bodies),
            velocities: Vec::with_capacity(bodies),
            joints: Vec::with_capacity(joints),
            contacts: Vec::with_capacity(contacts),
        }
    }

    pub(super) fn clear(&mut self) {
        self.bodies.clear();
        self.contact_places.clear();
        self.joint_places.clear();
        self.positions.clear();
        self.velocities.clear();
        self.joints.clear();
        self.contacts.clear();
    }

    pub(super) fn add_body(&mut self, place: usize, bodies: &mut [Body]) {
        bodies[place].island_index = self.bodies.len();
        self.bodies.push(place);
    }

    /// Applies forces and the impulses of the last step, times `dt_ratio`, and prepares the velocity
    /// iterations of a step of `h` seconds.
    pub(super) fn begin(
        &mut self,
        (h, dt_ratio): (f32, f32),
        gravity: Vec2,
        bodies: &mut [Body],
        contacts: &[Contact],
        joints: &[RevoluteJoint],
    ) {
        for &place in &self.bodies {
            let b = &mut bodies[place];
            (b.sweep.c0, b.sweep.a0) = (b.sweep.c, b.sweep.a);
            let v = b.v + (gravity + b.force * b.inv_mass) * h;
            let w = b.w + h * b.inv_inertia * b.torque;
            self.positions.push(Position { c: b.sweep.c, a: b.sweep.a });
            self.velocities.push(Velocity { v, w });
        }
        self.make_contacts(bodies, contacts, dt_ratio);
        let Self { joint_places, positions, velocities, joints: constraints, .. } = self;
        self.contacts.iter().for_each(|contact| contact.warm_start(velocities));
        for &place in joint_places.iter() {
            constraints.push(IslandJoint::new(
                place,
                &joints[place],
                bodies,
                positions,
                velocities,
                (h, dt_ratio),
            ));
        }
    }

    /// The velocity iterations.
    pub(super) fn solve_velocities(&mut self, iterations: u32) {
        let Self { velocities, joints, contacts, .. } = self;
        for _ in 0..iterations {
            joints.iter_mut().for_each(|joint| joint.solve_velocity(velocities));
            for contact in &mut *contacts {
                contact.solve_velocity(velocities);
            }
        }
    }

    /// Moves the bodies by their velocities, and corrects their positions.
    pub(super) fn finish(
        &mut self,
        h: f32,
        position_iterations: u32,
        bodies: &mut [Body],
        contacts: &mut [Contact],
        joints: &mut [RevoluteJoint],
    ) {
        self.joints.iter().for_each(|joint| joint.store(joints));
        self.contacts.iter().for_each(|contact| contact.store(contacts));
        self.integrate(h);
        let mut is_solved = false;
        for _ in 0..position_iterations {
            self.before.clone_from(&self.positions);
            let contacts_solved = self.separate(BAUMGARTE) >= -3.0 * LINEAR_SLOP;
            let mut joints_solved = true;
            for joint in &self.joints {
                joints_solved &= joint.solve_position(&mut self.positions);
            }
            if contacts_solved && joints_solved {
                is_solved = true;
                break;
            }
            // An error at a limit may stay above the tolerance by a rounding.
            let bits = |position: &Position| position.bits();
            if self.positions.iter().map(bits).eq(self.before.iter().map(bits)) {
                break;
            }
        }
        self.write_back(bodies);
        self.sleep(h, is_solved, bodies);
    }

    /// Moves the body of touching contacts over the rest of a step.
    pub(super) fn solve_sub_step(
        &mut self,
        dt: f32,
        velocity_iterations: u32,
        bodies: &mut [Body],
        contacts: &[Contact],
    ) {
        for &place in &self.bodies {
            let b = &bodies[place];
            self.positions.push(Position { c: b.sweep.c, a: b.sweep.a });
            self.velocities.push(Velocity { v: b.v, w: b.w });
        }
        // Impulses do not last: they are not those of a whole step.
        self.make_contacts(bodies, contacts, 0.0);
        for _ in 0..SUB_STEP_POSITION_ITERATIONS {
            if self.separate(SUB_STEP_BAUMGARTE) >= -1.5 * LINEAR_SLOP {
                break;
            }
        }
        for (&place, position) in self.bodies.iter().zip(&self.positions) {
            let sweep = &mut bodies[place].sweep;
            (sweep.c0, sweep.a0) = (position.c, position.a);
        }
        self.make_contacts(bodies, contacts, 0.0);
        let Self { velocities, contacts, .. } = self;
        for _ in 0..velocity_iterations {
            let before = velocities[0].bits();
            let mut changes = false;
            for contact in &mut *contacts {
                changes |= contact.solve_velocity(velocities);
            }
            // Without joints an iteration soon changes nothing, and no later one does.
            if !changes && velocities[0].bits() == before {
                break;
            }
        }
        self.integrate(dt);
        self.write_back(bodies);
    }

    /// The contacts of each body that has any.
    pub(super) fn contacts_by_body(&self) -> impl Iterator<Item = &[IslandContact]> {
        self.contacts.chunk_by(|a, b| a.body == b.body)
    }

    /// The same, to be changed.
    pub(super) fn contacts_by_body_mut(&mut self) -> impl Iterator<Item = &mut [IslandContact]> {
        self.contacts.chunk_by_mut(|a, b| a.body == b.body)
    }

    fn make_contacts(&mut self, bodies: &[Body], contacts: &[Contact], dt_ratio: f32) {
        let Self { contact_places, positions, .. } = self;
        let make = |&place: &usize| IslandContact::new(place, &contacts[place], bodies, positions, dt_ratio);
        self.contacts.clear();
        self.contacts.extend(contact_places.iter().map(make));
    }

    /// An iteration of the contacts' positions; returns the smallest separation, at most 0.
    fn separate(&mut self, baumgarte: f32) -> f32 {
        let Self { contacts, positions, .. } = self;
        contacts.iter().fold(0.0, |least, contact| contact.solve_position(positions, least, baumgarte))
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
