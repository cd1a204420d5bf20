//! The world: ground and bodies, their contacts and joints, and its steps.

use super::body::{Body, BodyDef};
use super::collide::collide;
use super::contact::Contact;
use super::impact::time_of_impact;
use super::island::Island;
use super::joint::{RevoluteJoint, RevoluteJointDef};
use super::maths::Vec2;
use super::shape::{Aabb, Shape};
use super::{EPSILON, maths};

/// The margin by which a body's box is enlarged (m), and the displacements of a step by which it is
/// enlarged ahead.
const AABB_EXTENSION: f32 = 0.1;
const AABB_MULTIPLIER: f32 = 2.0;
/// The most sub-steps of a contact in a step.
const SUB_STEPS_MAX: u32 = 8;
/// The most contacts of the island of a sub-step.
const SUB_STEP_CONTACTS_MAX: usize = 32;
/// Contacts for which there is room from the start, and contacts and bodies of an island: twice as many as
/// walkers and landers were seen to have.
const CONTACTS: usize = 64;
const ISLAND: usize = 32;

/// Duration and iterations of a step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimeStep {
    pub(crate) dt: f32,
    pub(crate) velocity_iterations: u32,
    pub(crate) position_iterations: u32,
}

/// A shape of a body.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fixture {
    pub(super) body: usize,
    pub(super) shape: Shape,
    pub(super) friction: f32,
}

/// The begin or the end of a contact of a dynamic body with the ground.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Touch {
    /// The place of the body.
    pub(crate) body: usize,
    /// `true` if the contact begins.
    pub(crate) begins: bool,
}

/// Bodies in a plane with gravity.
///
/// The fixtures of the ground come first, then dynamic bodies with one fixture each; these touch the
/// ground, and never each other.
#[derive(Clone, Debug)]
pub struct World {
    pub(super) gravity: Vec2,
    pub(super) bodies: Vec<Body>,
    pub(super) fixtures: Vec<Fixture>,
    /// Bodies and fixtures of the ground.
    pub(super) ground_bodies: usize,
    pub(super) grounds: usize,
    /// The enlarged boxes of all fixtures.
    pub(super) boxes: Vec<Aabb>,
    /// `true` for each fixture whose box has changed since pairs were looked for.
    pub(super) moved: Vec<bool>,
    pub(super) joints: Vec<RevoluteJoint>,
    /// In the order in which they came; Box2D's lists go from the last to the first.
    pub(super) contacts: Vec<Contact>,
    /// The reciprocal of the last step's duration; 0 before the first.
    pub(super) inv_dt: f32,
    /// Begins and ends of contacts in the last step, in their order.
    pub(super) touches: Vec<Touch>,
    pub(super) island: Island,
    pub(super) stack: Vec<usize>,
}

impl World {
    /// An empty world with room for so many fixtures and joints.
    pub(crate) fn new(gravity: Vec2, fixtures: usize, joints: usize) -> Self {
        let bodies = fixtures;
        Self {
            gravity,
            bodies: Vec::with_capacity(bodies),
            fixtures: Vec::with_capacity(fixtures),
            ground_bodies: 0,
            grounds: 0,
            boxes: Vec::with_capacity(fixtures),
            moved: Vec::with_capacity(fixtures),
            joints: Vec::with_capacity(joints),
            contacts: Vec::with_capacity(CONTACTS),
            inv_dt: 0.0,
            touches: Vec::with_capacity(ISLAND),
            island: Island::with_capacity(ISLAND, ISLAND, joints),
            stack: Vec::with_capacity(ISLAND),
        }
    }

    /// Removes everything.
    pub(crate) fn clear(&mut self) {
        self.bodies.clear();
        self.fixtures.clear();
        (self.ground_bodies, self.grounds) = (0, 0);
        self.boxes.clear();
        self.moved.clear();
        self.joints.clear();
        self.contacts.clear();
        self.inv_dt = 0.0;
        self.touches.clear();
    }

    /// Adds a body of the ground, without a shape yet; returns its place.
    pub(crate) fn add_ground(&mut self) -> usize {
        self.bodies.push(Body::ground());
        self.ground_bodies = self.bodies.len();
        self.ground_bodies - 1
    }

    /// Adds a shape to a body of the ground.
    ///
    /// # Panics
    /// If there is a dynamic body already.
    pub(crate) fn add_ground_fixture(&mut self, body: usize, shape: Shape, friction: f32) {
        assert_eq!(self.grounds, self.fixtures.len(), "the ground comes before dynamic bodies");
        self.add_fixture(Fixture { body, shape, friction });
        self.grounds += 1;
    }

    /// Adds a dynamic body; returns its place.
    pub(crate) fn add_body(&mut self, def: &BodyDef) -> usize {
        let body = self.bodies.len();
        self.bodies.push(Body::dynamic(def, self.fixtures.len()));
        self.add_fixture(Fixture { body, shape: Shape::Polygon(def.polygon), friction: def.friction });
        body
    }

    fn add_fixture(&mut self, fixture: Fixture) {
        let bounds = fixture.shape.bounds(&self.bodies[fixture.body].xf);
        self.boxes.push(bounds.extended(AABB_EXTENSION));
        self.moved.push(true);
        self.fixtures.push(fixture);
    }

    /// Adds a joint; returns its place.
    pub(crate) fn add_joint(&mut self, def: &RevoluteJointDef) -> usize {
        self.joints.push(RevoluteJoint::new(def, &self.bodies));
        self.joints.len() - 1
    }

    /// The position of a body's origin.
    pub(crate) fn position(&self, body: usize) -> Vec2 {
        self.bodies[body].xf.p
    }

    pub(crate) fn angle(&self, body: usize) -> f32 {
        self.bodies[body].sweep.a
    }

    pub(crate) fn velocity(&self, body: usize) -> Vec2 {
        self.bodies[body].v
    }

    pub(crate) fn angular_velocity(&self, body: usize) -> f32 {
        self.bodies[body].w
    }

    pub(crate) fn is_awake(&self, body: usize) -> bool {
        self.bodies[body].is_awake
    }

    /// The vertices of a dynamic body.
    pub(crate) fn outline(&self, body: usize) -> impl Iterator<Item = Vec2> {
        let body = &self.bodies[body];
        self.fixtures[body.fixture].shape.vertices().iter().map(|&vertex| body.xf.apply(vertex))
    }

    /// The angle of a joint, from that at which it was made.
    pub(crate) fn joint_angle(&self, joint: usize) -> f32 {
        let joint = &self.joints[joint];
        let (a, b) = (&self.bodies[joint.def.body_a], &self.bodies[joint.def.body_b]);
        b.sweep.a - a.sweep.a - joint.reference_angle
    }

    pub(crate) fn joint_speed(&self, joint: usize) -> f32 {
        let joint = &self.joints[joint];
        self.bodies[joint.def.body_b].w - self.bodies[joint.def.body_a].w
    }

    /// Sets speed and torque of a motor, which wakes its bodies.
    pub(crate) fn set_motor(&mut self, joint: usize, speed: f32, max_torque: f32) {
        let def = &mut self.joints[joint].def;
        (def.motor_speed, def.max_motor_torque) = (speed, max_torque);
        let (a, b) = (def.body_a, def.body_b);
        self.bodies[a].set_awake(true);
        self.bodies[b].set_awake(true);
    }

    pub(crate) fn apply_force_to_centre(&mut self, body: usize, force: Vec2) {
        let body = &mut self.bodies[body];
        body.set_awake(true);
        body.force += force;
    }

    pub(crate) fn apply_torque(&mut self, body: usize, torque: f32) {
        let body = &mut self.bodies[body];
        body.set_awake(true);
        body.torque += torque;
    }

    pub(crate) fn apply_linear_impulse(&mut self, body: usize, impulse: Vec2, point: Vec2) {
        let body = &mut self.bodies[body];
        body.set_awake(true);
        body.v += impulse * body.inv_mass;
        body.w += body.inv_inertia * (point - body.sweep.c).cross(impulse);
    }

    /// Moves everything by a step.
    pub(crate) fn step(&mut self, step: &TimeStep) {
        self.begin(step);
        self.island.solve_velocities(step.velocity_iterations);
        self.finish(step);
    }

    /// The first part of a step: up to the velocities of the first island.
    pub(super) fn begin(&mut self, step: &TimeStep) {
        self.touches.clear();
        // Fixtures that are new.
        if self.inv_dt == 0.0 {
            self.find_contacts();
        }
        self.update_contacts();
        self.bodies[self.ground_bodies..].iter_mut().for_each(|body| body.in_island = false);
        self.joints.iter_mut().for_each(|joint| joint.in_island = false);
        self.begin_island(step);
    }

    /// The last part of a step: from the solved velocities of the first island on.
    pub(super) fn finish(&mut self, step: &TimeStep) {
        while !self.island.bodies.is_empty() {
            let Self { bodies, contacts, joints, island, .. } = self;
            island.finish(step.dt, step.position_iterations, bodies, contacts, joints);
            self.begin_island(step);
            self.island.solve_velocities(step.velocity_iterations);
        }
        for body in (self.ground_bodies..self.bodies.len()).rev() {
            if self.bodies[body].in_island {
                self.synchronise_fixture(body);
            }
        }
        self.find_contacts();
        self.solve_impacts(step);
        self.inv_dt = 1.0 / step.dt;
        for body in &mut self.bodies[self.ground_bodies..] {
            (body.force, body.torque) = (Vec2::ZERO, 0.0);
        }
    }

    /// Begins and ends of contacts in the last step, in their order.
    pub(crate) fn touches(&self) -> &[Touch] {
        &self.touches
    }

    /// Adds the contacts of boxes that have begun to overlap, in the order of the fixtures' numbers.
    fn find_contacts(&mut self) {
        let Self { fixtures, boxes, moved, contacts, bodies, grounds, .. } = self;
        let dynamic = *grounds..fixtures.len();
        let mut around: Option<Aabb> = None;
        for b in dynamic.clone().filter(|&b| moved[b]) {
            around = Some(around.map_or(boxes[b], |around| around.around(&boxes[b])));
        }
        let Some(around) = around else { return };
        for a in 0..*grounds {
            if !boxes[a].overlaps(&around) {
                continue;
            }
            for b in dynamic.clone() {
                let is_new = || !contacts.iter().any(|contact| contact.a == a && contact.b == b);
                if moved[b] && boxes[a].overlaps(&boxes[b]) && is_new() {
                    let (first, second) = (&fixtures[a], &fixtures[b]);
                    let friction = (first.friction * second.friction).sqrt();
                    contacts.push(Contact::new(a, b, first.body, second.body, friction));
                    bodies[second.body].set_awake(true);
                }
            }
        }
        moved.fill(false);
    }

    /// Updates the contacts of bodies that are awake, and removes those whose boxes no longer overlap.
    fn update_contacts(&mut self) {
        for place in (0..self.contacts.len()).rev() {
            let contact = &self.contacts[place];
            let Contact { a, b, body_b, .. } = *contact;
            if !self.bodies[body_b].is_awake {
                continue;
            }
            if self.boxes[a].overlaps(&self.boxes[b]) {
                self.update_contact(place);
                continue;
            }
            if contact.is_touching {
                self.touches.push(Touch { body: body_b, begins: false });
            }
            if contact.manifold.count > 0 {
                self.bodies[body_b].set_awake(true);
            }
            self.contacts.remove(place);
        }
    }

    /// Computes the points of a contact; those that it had before keep their impulses.
    fn update_contact(&mut self, place: usize) {
        let contact = &mut self.contacts[place];
        let old = contact.manifold;
        contact.is_enabled = true;
        let was_touching = contact.is_touching;
        let Shape::Polygon(polygon) = &self.fixtures[contact.b].shape else { return };
        let (xf_a, xf_b) = (self.bodies[contact.body_a].xf, self.bodies[contact.body_b].xf);
        collide(&self.fixtures[contact.a].shape, &xf_a, polygon, &xf_b, &mut contact.manifold);
        let Self { contacts, bodies, .. } = self;
        let contact = &mut contacts[place];
        let is_touching = contact.manifold.count > 0;
        for point in &mut contact.manifold.points[..contact.manifold.count] {
            if let Some(before) = old.points[..old.count].iter().find(|before| before.id == point.id) {
                point.normal_impulse = before.normal_impulse;
                point.tangent_impulse = before.tangent_impulse;
            }
        }
        contact.is_touching = is_touching;
        if is_touching != was_touching {
            bodies[contact.body_b].set_awake(true);
            self.touches.push(Touch { body: contact.body_b, begins: is_touching });
        }
    }

    /// Finds the next island of bodies that are awake, which is empty if there is none, and prepares it.
    fn begin_island(&mut self, step: &TimeStep) {
        let Self { bodies, contacts, joints, island, stack, .. } = self;
        island.clear();
        // Box2D's list of bodies begins with the last.
        let is_free = |&body: &usize| bodies[body].is_awake && !bodies[body].in_island;
        let Some(seed) = (self.ground_bodies..bodies.len()).rev().find(is_free) else { return };
        stack.push(seed);
        bodies[seed].in_island = true;
        while let Some(place) = stack.pop() {
            island.add_body(place, bodies);
            bodies[place].set_awake(true);
            for (i, contact) in contacts.iter().enumerate().rev() {
                if contact.body_b == place && contact.is_enabled && contact.is_touching {
                    island.contact_places.push(i);
                }
            }
            for (i, joint) in joints.iter_mut().enumerate().rev() {
                let (a, b) = (joint.def.body_a, joint.def.body_b);
                if joint.in_island || (a != place && b != place) {
                    continue;
                }
                island.joint_places.push(i);
                joint.in_island = true;
                let other = if a == place { b } else { a };
                if !bodies[other].in_island {
                    stack.push(other);
                    bodies[other].in_island = true;
                }
            }
        }
        island.begin((step.dt, self.inv_dt * step.dt), self.gravity, bodies, contacts, joints);
    }

    /// Enlarges a body's box if the body has left it.
    fn synchronise_fixture(&mut self, body: usize) {
        let body = &self.bodies[body];
        let before = maths::Transform::about(body.sweep.c0, body.sweep.a0, body.sweep.local_centre);
        let shape = &self.fixtures[body.fixture].shape;
        let swept = shape.bounds(&before).around(&shape.bounds(&body.xf));
        if self.boxes[body.fixture].contains(&swept) {
            return;
        }
        let mut enlarged = swept.extended(AABB_EXTENSION);
        let d = (body.xf.p - before.p) * AABB_MULTIPLIER;
        let to = if d.x < 0.0 { &mut enlarged.lower } else { &mut enlarged.upper };
        to.x += d.x;
        let to = if d.y < 0.0 { &mut enlarged.lower } else { &mut enlarged.upper };
        to.y += d.y;
        self.boxes[body.fixture] = enlarged;
        self.moved[body.fixture] = true;
    }

    /// Stops bodies at the first time of the step at which they touch the ground, one after the other, and
    /// moves each over the rest of the step without the velocity that made it touch.
    fn solve_impacts(&mut self, step: &TimeStep) {
        for contact in &mut self.contacts {
            (contact.impact, contact.impacts) = (None, 0);
        }
        while let Some((place, alpha)) = self.first_impact() {
            let Contact { body_a, body_b, .. } = self.contacts[place];
            let backups = [self.bodies[body_a].sweep, self.bodies[body_b].sweep];
            self.bodies[body_a].advance(alpha);
            self.bodies[body_b].advance(alpha);
            self.update_contact(place);
            let contact = &mut self.contacts[place];
            contact.impact = None;
            contact.impacts += 1;
            if !contact.is_touching {
                contact.is_enabled = false;
                for (body, backup) in [body_a, body_b].into_iter().zip(backups) {
                    self.bodies[body].sweep = backup;
                    self.bodies[body].synchronise_transform();
                }
                continue;
            }
            self.solve_sub_step(step, place, alpha);
            self.find_contacts();
        }
        for contact in &self.contacts {
            self.bodies[contact.body_a].sweep.alpha0 = 0.0;
        }
        for body in &mut self.bodies[self.ground_bodies..] {
            body.sweep.alpha0 = 0.0;
        }
    }

    /// The contact that touches first in what is left of the step, and when.
    fn first_impact(&mut self) -> Option<(usize, f32)> {
        let (mut first, mut least) = (None, 1.0);
        for (place, contact) in self.contacts.iter_mut().enumerate().rev() {
            if !contact.is_enabled || contact.impacts > SUB_STEPS_MAX {
                continue;
            }
            let alpha = match contact.impact {
                Some(alpha) => alpha,
                None => {
                    if !self.bodies[contact.body_b].is_awake {
                        continue;
                    }
                    // Both sweeps onto the same interval.
                    let (a, b) = (contact.body_a, contact.body_b);
                    let (alpha_a, alpha_b) = (self.bodies[a].sweep.alpha0, self.bodies[b].sweep.alpha0);
                    let mut alpha0 = alpha_a;
                    if alpha_a < alpha_b {
                        alpha0 = alpha_b;
                        self.bodies[a].sweep.advance(alpha0);
                    } else if alpha_b < alpha_a {
                        self.bodies[b].sweep.advance(alpha0);
                    }
                    let time = time_of_impact(
                        self.fixtures[contact.a].shape.vertices(),
                        &self.bodies[a].sweep,
                        self.fixtures[contact.b].shape.vertices(),
                        &self.bodies[b].sweep,
                    );
                    let alpha = time.map_or(1.0, |beta| maths::min(alpha0 + (1.0 - alpha0) * beta, 1.0));
                    contact.impact = Some(alpha);
                    alpha
                }
            };
            if alpha < least {
                (first, least) = (Some(place), alpha);
            }
        }
        first.filter(|_| 1.0 - 10.0 * EPSILON >= least).map(|place| (place, least))
    }

    /// Solves a contact and the others of its body from the fraction `alpha` of the step on.
    fn solve_sub_step(&mut self, step: &TimeStep, place: usize, alpha: f32) {
        let body = self.contacts[place].body_b;
        let mut island = std::mem::take(&mut self.island);
        island.clear();
        self.bodies[body].set_awake(true);
        island.add_body(body, &mut self.bodies);
        island.contact_places.push(place);
        for i in (0..self.contacts.len()).rev() {
            if island.contact_places.len() == SUB_STEP_CONTACTS_MAX {
                break;
            }
            if i == place || self.contacts[i].body_b != body {
                continue;
            }
            let ground = self.contacts[i].body_a;
            let backup = self.bodies[ground].sweep;
            self.bodies[ground].advance(alpha);
            self.update_contact(i);
            if self.contacts[i].is_touching {
                island.contact_places.push(i);
            } else {
                self.bodies[ground].sweep = backup;
            }
        }
        let dt = (1.0 - alpha) * step.dt;
        island.solve_sub_step(dt, step.velocity_iterations, &mut self.bodies, &self.contacts);
        self.island = island;
        self.synchronise_fixture(body);
        for contact in self.contacts.iter_mut().filter(|contact| contact.body_b == body) {
            contact.impact = None;
        }
    }

    /// The fraction of a ray at which it first meets the ground, which lies within `shapes`; 1 if it does
    /// not.
    pub(crate) fn ray_cast(&self, p1: Vec2, p2: Vec2, shapes: impl Iterator<Item = usize>) -> f32 {
        let mut fraction = 1.0;
        for ground in shapes {
            let fixture = &self.fixtures[ground];
            let xf = &self.bodies[fixture.body].xf;
            if let Some(nearer) = fixture.shape.ray_cast(p1, p2, fraction, xf) {
                fraction = nearer;
            }
        }
        fraction
    }
}

#[cfg(test)]
mod tests {
    use super::super::shape::Polygon;
    use super::*;
    use potstill_core::Restorable;

    /// A square of 2 m whose lower side begins this high above the ground.
    fn drop_from(height: f32) -> (World, usize) {
        let mut world = World::new(Vec2::new(0.0, -10.0), 2, 0);
        let ground = world.add_ground();
        world.add_ground_fixture(ground, Shape::Edge([Vec2::new(-9.0, 0.0), Vec2::new(9.0, 0.0)]), 0.5);
        let (position, polygon) = (Vec2::new(0.0, height + 1.0), Polygon::rectangle(1.0, 1.0));
        let square = world.add_body(&BodyDef { position, angle: 0.0, polygon, density: 1.0, friction: 0.5 });
        (world, square)
    }

    /// Steps a world; returns the contacts that begin, as true, and that end.
    fn step(world: &mut World) -> Vec<bool> {
        world.step(&TimeStep { dt: 0.02, velocity_iterations: 8, position_iterations: 3 });
        world.touches().iter().map(|touch| touch.begins).collect()
    }

    #[test]
    fn a_body_falls_rests_and_sleeps() {
        let (mut world, square) = drop_from(1.0);
        let mut touches = Vec::new();
        for _ in 0..10 {
            touches.extend(step(&mut world));
        }
        // v = g t, and symplectic Euler's s = g t (t + dt) / 2.
        assert!((world.velocity(square).y + 2.0).abs() < 1e-5);
        assert!((world.position(square).y - (2.0 - 10.0 * 0.2 * 0.22 / 2.0)).abs() < 1e-5);
        for _ in 0..100 {
            touches.extend(step(&mut world));
        }
        assert_eq!(touches, [true]);
        assert!(!world.is_awake(square));
        // The skins are 0.02 thick together, and may overlap by the slop of 0.005.
        let above = world.position(square).y - 1.0;
        assert!((0.0..=0.02).contains(&above), "{above}");
    }

    #[test]
    fn a_body_that_is_too_fast_for_a_step_does_not_fall_through() {
        let (mut world, square) = drop_from(1.0);
        step(&mut world);
        world.bodies[square].v = Vec2::new(0.0, -99.0);
        for _ in 0..5 {
            step(&mut world);
            assert!(world.position(square).y > 0.98, "{:?}", world.position(square));
        }
    }

    #[test]
    fn a_snapshot_with_contacts_that_cannot_be_is_refused() {
        let (mut world, _) = drop_from(0.0);
        step(&mut world);
        assert_eq!(world.contacts.len(), 1);
        let (mut other, square) = drop_from(0.0);
        other.restore(&world.snapshot()).unwrap();
        assert_eq!(other.snapshot(), world.snapshot());
        world.contacts[0].a = 1;
        let refused = other.restore(&world.snapshot()).unwrap_err();
        assert_eq!(refused.to_string(), "`contacts`: there is no contact of 1 and 1");
        world.contacts[0].a = 0;
        world.bodies[square].w = f32::NAN;
        let refused = other.restore(&world.snapshot()).unwrap_err();
        assert_eq!(refused.to_string(), "`bodies`: NaN is not finite");
    }
}
