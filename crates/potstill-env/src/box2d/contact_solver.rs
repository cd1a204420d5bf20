//! Contact constraints: no approach along the normal, friction along the tangent; both points of a manifold
//! are solved as one block.

use super::body::Body;
use super::collide::{Manifold, ManifoldPoint};
use super::contact::Contact;
use super::joint::{Position, Velocity};
use super::maths::{Mat22, Transform, Vec2, clamp, cross, max, min};
use super::{LINEAR_SLOP, POLYGON_RADIUS};

/// The largest linear correction of an iteration (m).
const LINEAR_CORRECTION_MAX: f32 = 0.2;
/// The share of an overlap that an iteration removes, in a step and in a sub-step.
const BAUMGARTE: f32 = 0.2;
const SUB_STEP_BAUMGARTE: f32 = 0.75;
/// A block of two points with a larger condition number is solved as one point.
const CONDITION_MAX: f32 = 1000.0;

/// A point of a contact constraint.
#[derive(Clone, Copy, Debug, Default)]
struct Point {
    r_a: Vec2,
    r_b: Vec2,
    normal_impulse: f32,
    tangent_impulse: f32,
    normal_mass: f32,
    tangent_mass: f32,
}

/// The constraint of one contact. Restitution is 0 in all environments, and so is the bias of the velocity.
#[derive(Clone, Copy, Debug)]
pub(super) struct Constraint {
    contact: usize,
    index_a: usize,
    index_b: usize,
    inv_mass: [f32; 2],
    inv_inertia: [f32; 2],
    local_centre: [Vec2; 2],
    friction: f32,
    manifold: Manifold,
    /// Points whose velocity is solved: fewer than the manifold has if those are almost one.
    count: usize,
    points: [Point; 2],
    normal: Vec2,
    k: Mat22,
    normal_mass: Mat22,
}

impl Constraint {
    /// `dt_ratio` scales the impulses of the last step; 0 forgets them.
    pub(super) fn new(place: usize, contact: &Contact, bodies: &[Body], dt_ratio: f32) -> Self {
        let (a, b) = (&bodies[contact.body_a], &bodies[contact.body_b]);
        let manifold = contact.manifold;
        let points = manifold.points.map(|point| Point {
            normal_impulse: dt_ratio * point.normal_impulse,
            tangent_impulse: dt_ratio * point.tangent_impulse,
            ..Point::default()
        });
        Self {
            contact: place,
            index_a: a.island_index,
            index_b: b.island_index,
            inv_mass: [a.inv_mass, b.inv_mass],
            inv_inertia: [a.inv_inertia, b.inv_inertia],
            local_centre: [a.sweep.local_centre, b.sweep.local_centre],
            friction: contact.friction,
            manifold,
            count: manifold.count,
            points,
            normal: Vec2::ZERO,
            k: Mat22::default(),
            normal_mass: Mat22::default(),
        }
    }

    /// Computes what depends on positions.
    pub(super) fn init_velocity(&mut self, positions: &[Position]) {
        let ([m_a, m_b], [i_a, i_b]) = (self.inv_mass, self.inv_inertia);
        let (a, b) = (positions[self.index_a], positions[self.index_b]);
        let xf_a = Transform::about(a.c, a.a, self.local_centre[0]);
        let xf_b = Transform::about(b.c, b.a, self.local_centre[1]);
        let (normal, points) = world_manifold(&self.manifold, &xf_a, &xf_b);
        self.normal = normal;
        let tangent = normal.cross_scalar(1.0);
        for (constraint, point) in self.points.iter_mut().zip(points).take(self.count) {
            constraint.r_a = point - a.c;
            constraint.r_b = point - b.c;
            let mass = |axis| {
                let (rn_a, rn_b) = (constraint.r_a.cross(axis), constraint.r_b.cross(axis));
                let k = m_a + m_b + i_a * rn_a * rn_a + i_b * rn_b * rn_b;
                if k > 0.0 { 1.0 / k } else { 0.0 }
            };
            (constraint.normal_mass, constraint.tangent_mass) = (mass(normal), mass(tangent));
        }
        if self.count == 2 {
            let [p1, p2] = &self.points;
            let (rn1_a, rn1_b) = (p1.r_a.cross(normal), p1.r_b.cross(normal));
            let (rn2_a, rn2_b) = (p2.r_a.cross(normal), p2.r_b.cross(normal));
            let k11 = m_a + m_b + i_a * rn1_a * rn1_a + i_b * rn1_b * rn1_b;
            let k22 = m_a + m_b + i_a * rn2_a * rn2_a + i_b * rn2_b * rn2_b;
            let k12 = m_a + m_b + i_a * rn1_a * rn2_a + i_b * rn1_b * rn2_b;
            if k11 * k11 < CONDITION_MAX * (k11 * k22 - k12 * k12) {
                self.k = Mat22 { ex: Vec2::new(k11, k12), ey: Vec2::new(k12, k22) };
                self.normal_mass = self.k.inverse();
            } else {
                self.count = 1;
            }
        }
    }

    /// Applies the impulses of the last step.
    pub(super) fn warm_start(&self, velocities: &mut [Velocity]) {
        let ([m_a, m_b], [i_a, i_b]) = (self.inv_mass, self.inv_inertia);
        let (mut a, mut b) = (velocities[self.index_a], velocities[self.index_b]);
        let tangent = self.normal.cross_scalar(1.0);
        for point in &self.points[..self.count] {
            let p = self.normal * point.normal_impulse + tangent * point.tangent_impulse;
            a.w -= i_a * point.r_a.cross(p);
            a.v -= p * m_a;
            b.w += i_b * point.r_b.cross(p);
            b.v += p * m_b;
        }
        velocities[self.index_a] = a;
        velocities[self.index_b] = b;
    }

    pub(super) fn solve_velocity(&mut self, velocities: &mut [Velocity]) {
        let ([m_a, m_b], [i_a, i_b]) = (self.inv_mass, self.inv_inertia);
        let (mut a, mut b) = (velocities[self.index_a], velocities[self.index_b]);
        let normal = self.normal;
        let tangent = normal.cross_scalar(1.0);
        let relative = |a: &Velocity, b: &Velocity, point: &Point| {
            b.v + cross(b.w, point.r_b) - a.v - cross(a.w, point.r_a)
        };
        // Friction first, because no overlap matters more.
        for point in &mut self.points[..self.count] {
            let vt = relative(&a, &b, point).dot(tangent);
            let lambda = point.tangent_mass * (-vt);
            let max_friction = self.friction * point.normal_impulse;
            let new = clamp(point.tangent_impulse + lambda, -max_friction, max_friction);
            let p = tangent * (new - point.tangent_impulse);
            point.tangent_impulse = new;
            a.v -= p * m_a;
            a.w -= i_a * point.r_a.cross(p);
            b.v += p * m_b;
            b.w += i_b * point.r_b.cross(p);
        }
        if self.count == 1 {
            let point = &mut self.points[0];
            let vn = relative(&a, &b, point).dot(normal);
            let lambda = -point.normal_mass * vn;
            let new = max(point.normal_impulse + lambda, 0.0);
            let p = normal * (new - point.normal_impulse);
            point.normal_impulse = new;
            a.v -= p * m_a;
            a.w -= i_a * point.r_a.cross(p);
            b.v += p * m_b;
            b.w += i_b * point.r_b.cross(p);
        } else {
            let [p1, p2] = &mut self.points;
            let impulses = Vec2::new(p1.normal_impulse, p2.normal_impulse);
            let vn1 = relative(&a, &b, p1).dot(normal);
            let vn2 = relative(&a, &b, p2).dot(normal);
            let rhs = Vec2::new(vn1, vn2) - self.k.times(impulses);
            // The first of the four cases of the complementarity problem that has a solution.
            let solved = block(&self.k, &self.normal_mass, [p1.normal_mass, p2.normal_mass], rhs);
            if let Some(x) = solved {
                let d = x - impulses;
                let (i1, i2) = (normal * d.x, normal * d.y);
                a.v -= (i1 + i2) * m_a;
                a.w -= i_a * (p1.r_a.cross(i1) + p2.r_a.cross(i2));
                b.v += (i1 + i2) * m_b;
                b.w += i_b * (p1.r_b.cross(i1) + p2.r_b.cross(i2));
                (p1.normal_impulse, p2.normal_impulse) = (x.x, x.y);
            }
        }
        velocities[self.index_a] = a;
        velocities[self.index_b] = b;
    }

    /// Keeps the impulses for the next step.
    pub(super) fn store(&self, contacts: &mut [Contact]) {
        let to = &mut contacts[self.contact].manifold.points;
        for (to, from) in to.iter_mut().zip(&self.points[..self.count]) {
            (to.normal_impulse, to.tangent_impulse) = (from.normal_impulse, from.tangent_impulse);
        }
    }

    /// Pushes the bodies apart; returns the smallest separation that was seen, at most `least`. In a
    /// sub-step only the two bodies that made it move.
    pub(super) fn solve_position(
        &self,
        positions: &mut [Position],
        least: f32,
        sub_step: Option<(usize, usize)>,
    ) -> f32 {
        let ([mut m_a, mut m_b], [mut i_a, mut i_b]) = (self.inv_mass, self.inv_inertia);
        let mut baumgarte = BAUMGARTE;
        if let Some((first, second)) = sub_step {
            baumgarte = SUB_STEP_BAUMGARTE;
            if self.index_a != first && self.index_a != second {
                (m_a, i_a) = (0.0, 0.0);
            }
            if self.index_b != first && self.index_b != second {
                (m_b, i_b) = (0.0, 0.0);
            }
        }
        let (mut a, mut b) = (positions[self.index_a], positions[self.index_b]);
        let mut least = least;
        for point in &self.manifold.points[..self.manifold.count] {
            let xf_a = Transform::about(a.c, a.a, self.local_centre[0]);
            let xf_b = Transform::about(b.c, b.a, self.local_centre[1]);
            let (normal, point, separation) = separation(&self.manifold, point, &xf_a, &xf_b);
            let (r_a, r_b) = (point - a.c, point - b.c);
            least = min(least, separation);
            let c = clamp(baumgarte * (separation + LINEAR_SLOP), -LINEAR_CORRECTION_MAX, 0.0);
            let (rn_a, rn_b) = (r_a.cross(normal), r_b.cross(normal));
            let k = m_a + m_b + i_a * rn_a * rn_a + i_b * rn_b * rn_b;
            let impulse = if k > 0.0 { -c / k } else { 0.0 };
            let p = normal * impulse;
            a.c -= p * m_a;
            a.a -= i_a * r_a.cross(p);
            b.c += p * m_b;
            b.a += i_b * r_b.cross(p);
        }
        positions[self.index_a] = a;
        positions[self.index_b] = b;
        least
    }
}

/// The normal impulses of both points: those for which no point approaches, none pulls, and none pushes
/// that separates. `None` if rounding leaves no such impulses.
fn block(k: &Mat22, inverse: &Mat22, [mass1, mass2]: [f32; 2], b: Vec2) -> Option<Vec2> {
    let x = -inverse.times(b);
    if x.x >= 0.0 && x.y >= 0.0 {
        return Some(x);
    }
    let x = -mass1 * b.x;
    if x >= 0.0 && k.ex.y * x + b.y >= 0.0 {
        return Some(Vec2::new(x, 0.0));
    }
    let y = -mass2 * b.y;
    if y >= 0.0 && k.ey.x * y + b.x >= 0.0 {
        return Some(Vec2::new(0.0, y));
    }
    (b.x >= 0.0 && b.y >= 0.0).then_some(Vec2::ZERO)
}

/// The normal from the ground to the body, and the points between both skins.
fn world_manifold(manifold: &Manifold, xf_a: &Transform, xf_b: &Transform) -> (Vec2, [Vec2; 2]) {
    let (face, other) = if manifold.face_b { (xf_b, xf_a) } else { (xf_a, xf_b) };
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
fn separation(
    manifold: &Manifold,
    point: &ManifoldPoint,
    xf_a: &Transform,
    xf_b: &Transform,
) -> (Vec2, Vec2, f32) {
    let (face, other) = if manifold.face_b { (xf_b, xf_a) } else { (xf_a, xf_b) };
    let normal = face.q.apply(manifold.local_normal);
    let plane_point = face.apply(manifold.local_point);
    let clip_point = other.apply(point.local_point);
    let separation = (clip_point - plane_point).dot(normal) - POLYGON_RADIUS - POLYGON_RADIUS;
    (if manifold.face_b { -normal } else { normal }, clip_point, separation)
}
