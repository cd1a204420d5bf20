//! Contacts of an island: what their velocity constraints need, and their position constraints.

use super::body::Body;
use super::collide::{Manifold, ManifoldPoint};
use super::contact::Contact;
use super::joint::Position;
use super::maths::{Mat22, Transform, Vec2, clamp, cross, min};
use super::velocity::{ContactConstraint, ContactImpulse, ContactPoint, Velocity};
use super::{LINEAR_SLOP, POLYGON_RADIUS};

/// The largest linear correction of an iteration (m).
const LINEAR_CORRECTION_MAX: f32 = 0.2;
/// The share of an overlap that an iteration removes, in a step and in a sub-step.
pub(super) const BAUMGARTE: f32 = 0.2;
pub(super) const SUB_STEP_BAUMGARTE: f32 = 0.75;
/// A block of two points with a larger condition number is solved as one point.
const CONDITION_MAX: f32 = 1000.0;

/// A contact of an island: its constraints of velocity and of position.
#[derive(Clone, Copy, Debug)]
pub(super) struct IslandContact {
    /// The place among the contacts of the world.
    place: usize,
    /// The place of the dynamic body in the island. The ground is in none: it never moves.
    pub(super) body: usize,
    pub(super) constraint: ContactConstraint,
    pub(super) total: ContactImpulse,
    local_centre: Vec2,
    manifold: Manifold,
}

impl IslandContact {
    /// Computes what depends on positions. `dt_ratio` scales the impulses of the last step; 0 forgets them.
    pub(super) fn new(
        place: usize,
        contact: &Contact,
        bodies: &[Body],
        positions: &[Position],
        dt_ratio: f32,
    ) -> Self {
        let body = &bodies[contact.body_b];
        let (m, i) = (body.inv_mass, body.inv_inertia);
        let (manifold, position) = (contact.manifold, positions[body.island_index]);
        let local_centre = body.sweep.local_centre;
        let xf = Transform::about(position.c, position.a, local_centre);
        let (normal, points) = world_manifold(&manifold, &xf);
        let tangent = normal.cross_scalar(1.0);
        let mut constraint = ContactConstraint {
            inv_mass: m,
            inv_inertia: i,
            friction: contact.friction,
            normal,
            count: manifold.count as f32,
            ..ContactConstraint::default()
        };
        let mut total = ContactImpulse::default();
        for (j, &point) in points.iter().enumerate().take(manifold.count) {
            let r = point - position.c;
            let mass = |axis| {
                let rn = r.cross(axis);
                let k = m + i * rn * rn;
                if k > 0.0 { 1.0 / k } else { 0.0 }
            };
            let (normal_mass, tangent_mass) = (mass(normal), mass(tangent));
            constraint.points[j] = ContactPoint { r, ground: cross(0.0, point), normal_mass, tangent_mass };
            total.normal[j] = dt_ratio * manifold.points[j].normal_impulse;
            total.tangent[j] = dt_ratio * manifold.points[j].tangent_impulse;
        }
        if manifold.count == 2 {
            let [rn1, rn2] = constraint.points.map(|point| point.r.cross(normal));
            let k11 = m + i * rn1 * rn1;
            let k22 = m + i * rn2 * rn2;
            let k12 = m + i * rn1 * rn2;
            if k11 * k11 < CONDITION_MAX * (k11 * k22 - k12 * k12) {
                constraint.k = Mat22 { ex: Vec2::new(k11, k12), ey: Vec2::new(k12, k22) };
                constraint.normal_mass = constraint.k.inverse();
            } else {
                // The points are almost one.
                constraint.count = 1.0;
            }
        }
        Self { place, body: body.island_index, constraint, total, local_centre, manifold }
    }

    /// Applies the impulses of the last step.
    pub(super) fn warm_start(&self, velocities: &mut [Velocity]) {
        self.constraint.warm_start(&self.total, &mut velocities[self.body]);
    }

    /// A velocity iteration; returns true if it changed an impulse.
    pub(super) fn solve_velocity(&mut self, velocities: &mut [Velocity]) -> bool {
        let (mut velocity, mut total) = (velocities[self.body], self.total);
        self.constraint.solve(&mut total, &mut velocity);
        velocities[self.body] = velocity;
        std::mem::replace(&mut self.total, total).bits() != total.bits()
    }

    /// Keeps the impulses for the next step.
    pub(super) fn store(&self, contacts: &mut [Contact]) {
        let to = contacts[self.place].manifold.points.iter_mut().take(self.constraint.count as usize);
        for (j, to) in to.enumerate() {
            (to.normal_impulse, to.tangent_impulse) = (self.total.normal[j], self.total.tangent[j]);
        }
    }

    /// Pushes the body out of the ground; returns the smallest separation that was seen, at most `least`.
    pub(super) fn solve_position(&self, positions: &mut [Position], least: f32, baumgarte: f32) -> f32 {
        let ContactConstraint { inv_mass: m, inv_inertia: i, .. } = self.constraint;
        let mut body = positions[self.body];
        let mut least = least;
        for point in &self.manifold.points[..self.manifold.count] {
            let xf = Transform::about(body.c, body.a, self.local_centre);
            let (normal, point, separation) = separation(&self.manifold, point, &xf);
            let r = point - body.c;
            least = min(least, separation);
            let c = clamp(baumgarte * (separation + LINEAR_SLOP), -LINEAR_CORRECTION_MAX, 0.0);
            let rn = r.cross(normal);
            let k = m + i * rn * rn;
            let impulse = if k > 0.0 { -c / k } else { 0.0 };
            let p = normal * impulse;
            body.c += p * m;
            body.a += i * r.cross(p);
        }
        positions[self.body] = body;
        least
    }
}

/// The normal from the ground to the body, and the points between both skins.
fn world_manifold(manifold: &Manifold, xf: &Transform) -> (Vec2, [Vec2; 2]) {
    let ground = &Transform::IDENTITY;
    let (face, other) = if manifold.face_b { (xf, ground) } else { (ground, xf) };
    let normal = face.q.apply(manifold.local_normal);
    let plane_point = face.apply(manifold.local_point);
    let points = manifold.points.map(|point| {
        let clip_point = other.apply(point.local_point);
        let on_face = clip_point + normal * (POLYGON_RADIUS - (clip_point - plane_point).dot(normal));
        let on_other = clip_point - normal * POLYGON_RADIUS;
        (on_face + on_other) * 0.5
    });
    (if manifold.face_b { -normal } else { normal }, points)
}

/// Normal, point and separation of a point of contact.
fn separation(manifold: &Manifold, point: &ManifoldPoint, xf: &Transform) -> (Vec2, Vec2, f32) {
    let ground = &Transform::IDENTITY;
    let (face, other) = if manifold.face_b { (xf, ground) } else { (ground, xf) };
    let normal = face.q.apply(manifold.local_normal);
    let plane_point = face.apply(manifold.local_point);
    let clip_point = other.apply(point.local_point);
    let separation = (clip_point - plane_point).dot(normal) - POLYGON_RADIUS - POLYGON_RADIUS;
    (if manifold.face_b { -normal } else { normal }, clip_point, separation)
}
