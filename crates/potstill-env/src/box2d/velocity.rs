//! Velocity constraints: the arithmetic of a velocity iteration, on numbers alone, so that a loop over the
//! worlds in [lanes](super::lanes) becomes vector code. Divisions and products that do not depend on the
//! velocities are done once in a step.

use super::lanes::in_lanes;
use super::maths::{Mat22, Vec2, Vec3, clamp, cross, max, reciprocal};

in_lanes! {
    /// Velocity and angular velocity of a body while constraints are solved.
    pub(super) struct Velocity as VelocityColumns {
        v: Vec2,
        w: f32,
    }
}

impl Velocity {
    pub(super) fn bits(self) -> [u32; 3] {
        [self.v.x, self.v.y, self.w].map(f32::to_bits)
    }
}

in_lanes! {
    /// The accumulated impulses of a joint.
    pub(super) struct JointImpulse as JointImpulseColumns {
        /// Of the point and, last, of the limit.
        point: Vec3,
        motor: f32,
    }
}

in_lanes! {
    /// The velocity constraints of a revolute joint: motor, limit and point.
    pub(super) struct JointConstraint as JointColumns {
        /// Anchors relative to the centres of mass.
        r: [Vec2; 2],
        inv_mass: [f32; 2],
        inv_inertia: [f32; 2],
        motor_speed: f32,
        motor_mass: f32,
        max_motor_impulse: f32,
        /// The direction in which the limit pushes: 1 at the lower, -1 at the upper one, 0 between them.
        limit: f32,
        /// The columns of the matrix of point and limit, and the cross product of the last two.
        ex: Vec3,
        ey: Vec3,
        ez: Vec3,
        ey_ez: Vec3,
        /// The reciprocals of the determinants of the point's part and of the whole.
        inv_det22: f32,
        inv_det33: f32,
    }
}

impl JointConstraint {
    /// Computes what follows from the matrix.
    pub(super) fn with_determinants(mut self) -> Self {
        self.ey_ez = self.ey.cross(self.ez);
        self.inv_det22 = reciprocal(self.ex.x * self.ey.y - self.ey.x * self.ex.y);
        self.inv_det33 = reciprocal(self.ex.dot(self.ey_ez));
        self
    }

    /// One iteration.
    #[inline(always)]
    pub(super) fn solve(&self, total: &mut JointImpulse, a: &mut Velocity, b: &mut Velocity) {
        let ([m_a, m_b], [i_a, i_b], [r_a, r_b]) = (self.inv_mass, self.inv_inertia, self.r);

        // The motor.
        let c_dot = b.w - a.w - self.motor_speed;
        let old = total.motor;
        total.motor = clamp(old + -self.motor_mass * c_dot, -self.max_motor_impulse, self.max_motor_impulse);
        let impulse = total.motor - old;
        a.w -= i_a * impulse;
        b.w += i_b * impulse;

        // The point, with the limit if it pushes.
        let c_dot = b.v + cross(b.w, r_b) - a.v - cross(a.w, r_a);
        let (p, turn);
        if self.limit == 0.0 {
            // A sum with -0 is the other number, whatever its sign.
            (p, turn) = (self.solve22(-c_dot), -0.0);
        } else {
            let both = -self.solve33(Vec3::new(c_dot.x, c_dot.y, b.w - a.w));
            let pulls = self.limit * (total.point.z + both.z) < 0.0;
            let without = self.solve22(-c_dot + Vec2::new(self.ez.x, self.ez.y) * total.point.z);
            p = if pulls { without } else { Vec2::new(both.x, both.y) };
            turn = if pulls { -total.point.z } else { both.z };
        }
        total.point.x += p.x;
        total.point.y += p.y;
        total.point.z += turn;
        a.v -= p * m_a;
        a.w -= i_a * (r_a.cross(p) + turn);
        b.v += p * m_b;
        b.w += i_b * (r_b.cross(p) + turn);
    }

    #[inline(always)]
    fn solve22(&self, b: Vec2) -> Vec2 {
        let (det, ex, ey) = (self.inv_det22, self.ex, self.ey);
        Vec2::new(det * (ey.y * b.x - ey.x * b.y), det * (ex.x * b.y - ex.y * b.x))
    }

    #[inline(always)]
    fn solve33(&self, b: Vec3) -> Vec3 {
        let (det, ex, ey, ez) = (self.inv_det33, self.ex, self.ey, self.ez);
        Vec3::new(det * b.dot(self.ey_ez), det * ex.dot(b.cross(ez)), det * ex.dot(ey.cross(b)))
    }
}

in_lanes! {
    /// The accumulated impulses of both points of a contact, along its normal and its tangent.
    pub(super) struct ContactImpulse as ContactImpulseColumns {
        normal: [f32; 2],
        tangent: [f32; 2],
    }
}

in_lanes! {
    /// A point of a contact constraint.
    pub(super) struct ContactPoint as ContactPointColumns {
        /// The point relative to the body's centre of mass.
        r: Vec2,
        /// The velocity of the ground there: zeros, whose signs Box2D computes.
        ground: Vec2,
        normal_mass: f32,
        tangent_mass: f32,
    }
}

in_lanes! {
    /// The velocity constraints of a contact of a body with the ground: no approach along the normal,
    /// friction along the tangent. Restitution is 0 in all environments, and so is the bias of the velocity.
    pub(super) struct ContactConstraint as ContactColumns {
        inv_mass: f32,
        inv_inertia: f32,
        friction: f32,
        normal: Vec2,
        points: [ContactPoint; 2],
        /// Points that are solved: 0 without a contact, 1 or 2.
        count: f32,
        /// The matrix of both points' normals, and its inverse.
        k: Mat22,
        normal_mass: Mat22,
    }
}

impl ContactImpulse {
    pub(super) fn bits(self) -> [u32; 4] {
        [self.normal[0], self.normal[1], self.tangent[0], self.tangent[1]].map(f32::to_bits)
    }
}

impl ContactConstraint {
    /// Applies the impulses of the last step.
    pub(super) fn warm_start(&self, total: &ContactImpulse, body: &mut Velocity) {
        let tangent = self.normal.cross_scalar(1.0);
        for (i, point) in self.points.iter().enumerate().take(self.count as usize) {
            let p = self.normal * total.normal[i] + tangent * total.tangent[i];
            body.w += self.inv_inertia * point.r.cross(p);
            body.v += p * self.inv_mass;
        }
    }

    /// One iteration.
    #[inline(always)]
    pub(super) fn solve(&self, total: &mut ContactImpulse, body: &mut Velocity) {
        let (m, i, normal) = (self.inv_mass, self.inv_inertia, self.normal);
        let [p1, p2] = &self.points;
        // Friction first, because no overlap matters more.
        if self.count > 0.0 {
            self.rub(p1, total.normal[0], &mut total.tangent[0], body);
        }
        if self.count > 1.0 {
            self.rub(p2, total.normal[1], &mut total.tangent[1], body);
        }
        // Then the normals; both points are solved as one block.
        let old = Vec2::new(total.normal[0], total.normal[1]);
        let vn1 = p1.velocity(body).dot(normal);
        let (mut is_solved, mut new) = (self.count > 0.0, old);
        if self.count > 1.0 {
            let vn2 = p2.velocity(body).dot(normal);
            (is_solved, new) = self.block(Vec2::new(vn1, vn2) - self.k.times(old));
        } else {
            let lambda = -p1.normal_mass * vn1;
            new.x = max(old.x + lambda, 0.0);
        }
        let d = new - old;
        let (mut p, p_second) = (normal * d.x, normal * d.y);
        let mut turn = p1.r.cross(p);
        if self.count > 1.0 {
            p += p_second;
            turn += p2.r.cross(p_second);
        }
        if is_solved {
            body.v += p * m;
            body.w += i * turn;
            total.normal = [new.x, new.y];
        }
    }

    /// The friction of a point.
    #[inline(always)]
    fn rub(&self, point: &ContactPoint, normal_impulse: f32, total: &mut f32, body: &mut Velocity) {
        let tangent = self.normal.cross_scalar(1.0);
        let vt = point.velocity(body).dot(tangent);
        let lambda = point.tangent_mass * (-vt);
        let max_friction = self.friction * normal_impulse;
        let new = clamp(*total + lambda, -max_friction, max_friction);
        let p = tangent * (new - *total);
        *total = new;
        body.v += p * self.inv_mass;
        body.w += self.inv_inertia * point.r.cross(p);
    }

    /// The normal impulses of both points: those for which no point approaches, none pulls, and none pushes
    /// that separates; false if rounding leaves no such impulses. The first of the four cases of the
    /// complementarity problem that has a solution.
    #[inline(always)]
    fn block(&self, b: Vec2) -> (bool, Vec2) {
        let k = &self.k;
        let both = -self.normal_mass.times(b);
        let first = -self.points[0].normal_mass * b.x;
        let second = -self.points[1].normal_mass * b.y;
        if (both.x >= 0.0) & (both.y >= 0.0) {
            (true, both)
        } else if (first >= 0.0) & (k.ex.y * first + b.y >= 0.0) {
            (true, Vec2::new(first, 0.0))
        } else if (second >= 0.0) & (k.ey.x * second + b.x >= 0.0) {
            (true, Vec2::new(0.0, second))
        } else {
            ((b.x >= 0.0) & (b.y >= 0.0), Vec2::ZERO)
        }
    }
}

impl ContactPoint {
    /// The velocity of a body relative to the ground in this point.
    #[inline(always)]
    fn velocity(&self, body: &Velocity) -> Vec2 {
        body.v + cross(body.w, self.r) - self.ground
    }
}
