//! Revolute joints: two bodies share a point, with a motor, and limits of the angle.

use super::body::Body;
use super::maths::{Mat22, Rot, Vec2, Vec3, clamp, cross, reciprocal};
use super::{ANGULAR_SLOP, LINEAR_SLOP, PI};

/// The largest angular correction of an iteration (rad): 8 degrees.
const ANGULAR_CORRECTION_MAX: f32 = 8.0 / 180.0 * PI;

/// A revolute joint with a motor and limits, to be made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RevoluteJointDef {
    pub(crate) body_a: usize,
    pub(crate) body_b: usize,
    /// The joint's point in the frame of body `a`.
    pub(crate) local_anchor_a: Vec2,
    /// The joint's point in the frame of body `b`.
    pub(crate) local_anchor_b: Vec2,
    /// The smallest and the largest angle of `b` relative to `a`, counted from that at which they are made.
    pub(crate) angles: (f32, f32),
    pub(crate) motor_speed: f32,
    pub(crate) max_motor_torque: f32,
}

/// The limit at which a joint is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Limit {
    Inactive,
    Lower,
    Upper,
}

/// Position and angle of a body while constraints are solved.
#[derive(Clone, Copy, Debug)]
pub(super) struct Position {
    pub(super) c: Vec2,
    pub(super) a: f32,
}

/// Velocity and angular velocity of a body while constraints are solved.
#[derive(Clone, Copy, Debug)]
pub(super) struct Velocity {
    pub(super) v: Vec2,
    pub(super) w: f32,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct RevoluteJoint {
    pub(super) def: RevoluteJointDef,
    pub(super) reference_angle: f32,
    /// The accumulated impulses of point and limit, then that of the motor.
    pub(super) impulse: Vec3,
    pub(super) motor_impulse: f32,
    pub(super) limit: Limit,
    /// `true` if the island that is being made has the joint.
    pub(super) in_island: bool,
    // The rest is computed anew in each step.
    index_a: usize,
    index_b: usize,
    /// Anchors relative to the centres of mass, in the bodies' frames.
    local_a: Vec2,
    local_b: Vec2,
    /// The same, turned.
    r_a: Vec2,
    r_b: Vec2,
    inv_mass: [f32; 2],
    inv_inertia: [f32; 2],
    ex: Vec3,
    ey: Vec3,
    ez: Vec3,
    motor_mass: f32,
}

impl RevoluteJoint {
    pub(super) fn new(def: &RevoluteJointDef, bodies: &[Body]) -> Self {
        let (a, b) = (&bodies[def.body_a], &bodies[def.body_b]);
        // As pybox2d computes it, in double precision.
        let reference_angle = (f64::from(b.sweep.a) - f64::from(a.sweep.a)) as f32;
        let (zero, zero3) = (Vec2::ZERO, Vec3::default());
        Self {
            def: *def,
            reference_angle,
            impulse: zero3,
            motor_impulse: 0.0,
            limit: Limit::Inactive,
            in_island: false,
            index_a: 0,
            index_b: 0,
            local_a: zero,
            local_b: zero,
            r_a: zero,
            r_b: zero,
            inv_mass: [0.0; 2],
            inv_inertia: [0.0; 2],
            ex: zero3,
            ey: zero3,
            ez: zero3,
            motor_mass: 0.0,
        }
    }

    /// Prepares the velocity iterations, and applies the impulses of the last step.
    pub(super) fn init_velocity(
        &mut self,
        bodies: &[Body],
        positions: &[Position],
        velocities: &mut [Velocity],
        dt_ratio: f32,
    ) {
        let (a, b) = (&bodies[self.def.body_a], &bodies[self.def.body_b]);
        (self.index_a, self.index_b) = (a.island_index, b.island_index);
        self.inv_mass = [a.inv_mass, b.inv_mass];
        self.inv_inertia = [a.inv_inertia, b.inv_inertia];
        self.local_a = self.def.local_anchor_a - a.sweep.local_centre;
        self.local_b = self.def.local_anchor_b - b.sweep.local_centre;
        let ([m_a, m_b], [i_a, i_b]) = (self.inv_mass, self.inv_inertia);
        let (angle_a, angle_b) = (positions[self.index_a].a, positions[self.index_b].a);
        let r_a = Rot::new(angle_a).apply(self.local_a);
        let r_b = Rot::new(angle_b).apply(self.local_b);
        (self.r_a, self.r_b) = (r_a, r_b);

        self.ex.x = m_a + m_b + r_a.y * r_a.y * i_a + r_b.y * r_b.y * i_b;
        self.ey.x = -r_a.y * r_a.x * i_a - r_b.y * r_b.x * i_b;
        self.ez.x = -r_a.y * i_a - r_b.y * i_b;
        self.ex.y = self.ey.x;
        self.ey.y = m_a + m_b + r_a.x * r_a.x * i_a + r_b.x * r_b.x * i_b;
        self.ez.y = r_a.x * i_a + r_b.x * i_b;
        self.ex.z = self.ez.x;
        self.ey.z = self.ez.y;
        self.ez.z = i_a + i_b;
        self.motor_mass = 1.0 / (i_a + i_b);

        let angle = angle_b - angle_a - self.reference_angle;
        let (lower, upper) = self.def.angles;
        let limit = if angle <= lower {
            Limit::Lower
        } else if angle >= upper {
            Limit::Upper
        } else {
            Limit::Inactive
        };
        if limit == Limit::Inactive || limit != self.limit {
            self.impulse.z = 0.0;
        }
        self.limit = limit;

        self.impulse.x *= dt_ratio;
        self.impulse.y *= dt_ratio;
        self.impulse.z *= dt_ratio;
        self.motor_impulse *= dt_ratio;
        let p = Vec2::new(self.impulse.x, self.impulse.y);
        let a = &mut velocities[self.index_a];
        a.v -= p * m_a;
        a.w -= i_a * (r_a.cross(p) + self.motor_impulse + self.impulse.z);
        let b = &mut velocities[self.index_b];
        b.v += p * m_b;
        b.w += i_b * (r_b.cross(p) + self.motor_impulse + self.impulse.z);
    }

    pub(super) fn solve_velocity(&mut self, velocities: &mut [Velocity], dt: f32) {
        let (Velocity { v: mut v_a, w: mut w_a }, Velocity { v: mut v_b, w: mut w_b }) =
            (velocities[self.index_a], velocities[self.index_b]);
        let ([m_a, m_b], [i_a, i_b]) = (self.inv_mass, self.inv_inertia);
        let (r_a, r_b) = (self.r_a, self.r_b);

        // The motor.
        let c_dot = w_b - w_a - self.def.motor_speed;
        let old = self.motor_impulse;
        let max_impulse = dt * self.def.max_motor_torque;
        self.motor_impulse = clamp(old + -self.motor_mass * c_dot, -max_impulse, max_impulse);
        let impulse = self.motor_impulse - old;
        w_a -= i_a * impulse;
        w_b += i_b * impulse;

        let c_dot = v_b + cross(w_b, r_b) - v_a - cross(w_a, r_a);
        if self.limit == Limit::Inactive {
            let impulse = self.solve22(-c_dot);
            self.impulse.x += impulse.x;
            self.impulse.y += impulse.y;
            v_a -= impulse * m_a;
            w_a -= i_a * r_a.cross(impulse);
            v_b += impulse * m_b;
            w_b += i_b * r_b.cross(impulse);
        } else {
            let mut impulse = self.solve33(Vec3::new(c_dot.x, c_dot.y, w_b - w_a));
            impulse = Vec3::new(-impulse.x, -impulse.y, -impulse.z);
            let new = self.impulse.z + impulse.z;
            let pulls = if self.limit == Limit::Lower { new < 0.0 } else { new > 0.0 };
            if pulls {
                let rhs = -c_dot + Vec2::new(self.ez.x, self.ez.y) * self.impulse.z;
                let reduced = self.solve22(rhs);
                impulse = Vec3::new(reduced.x, reduced.y, -self.impulse.z);
                self.impulse.x += reduced.x;
                self.impulse.y += reduced.y;
                self.impulse.z = 0.0;
            } else {
                self.impulse.x += impulse.x;
                self.impulse.y += impulse.y;
                self.impulse.z += impulse.z;
            }
            let p = Vec2::new(impulse.x, impulse.y);
            v_a -= p * m_a;
            w_a -= i_a * (r_a.cross(p) + impulse.z);
            v_b += p * m_b;
            w_b += i_b * (r_b.cross(p) + impulse.z);
        }
        velocities[self.index_a] = Velocity { v: v_a, w: w_a };
        velocities[self.index_b] = Velocity { v: v_b, w: w_b };
    }

    #[inline(always)]
    fn solve22(&self, b: Vec2) -> Vec2 {
        let columns = Mat22 { ex: Vec2::new(self.ex.x, self.ex.y), ey: Vec2::new(self.ey.x, self.ey.y) };
        columns.solve(b)
    }

    #[inline(always)]
    fn solve33(&self, b: Vec3) -> Vec3 {
        let (ex, ey, ez) = (self.ex, self.ey, self.ez);
        let det = reciprocal(ex.dot(ey.cross(ez)));
        Vec3::new(det * b.dot(ey.cross(ez)), det * ex.dot(b.cross(ez)), det * ex.dot(ey.cross(b)))
    }

    /// Corrects the positions; returns true if they were within the tolerances.
    pub(super) fn solve_position(&self, positions: &mut [Position]) -> bool {
        let (Position { c: mut c_a, a: mut a_a }, Position { c: mut c_b, a: mut a_b }) =
            (positions[self.index_a], positions[self.index_b]);
        let ([m_a, m_b], [i_a, i_b]) = (self.inv_mass, self.inv_inertia);
        let mut angular_error = 0.0;
        if self.limit != Limit::Inactive {
            let angle = a_b - a_a - self.reference_angle;
            let (lower, upper) = self.def.angles;
            let c;
            if self.limit == Limit::Lower {
                let beyond = angle - lower;
                angular_error = -beyond;
                c = clamp(beyond + ANGULAR_SLOP, -ANGULAR_CORRECTION_MAX, 0.0);
            } else {
                let beyond = angle - upper;
                angular_error = beyond;
                c = clamp(beyond - ANGULAR_SLOP, 0.0, ANGULAR_CORRECTION_MAX);
            }
            let impulse = -self.motor_mass * c;
            a_a -= i_a * impulse;
            a_b += i_b * impulse;
        }
        let r_a = Rot::new(a_a).apply(self.local_a);
        let r_b = Rot::new(a_b).apply(self.local_b);
        let c = c_b + r_b - c_a - r_a;
        let position_error = c.length();
        let off_diagonal = -i_a * r_a.x * r_a.y - i_b * r_b.x * r_b.y;
        let k = Mat22 {
            ex: Vec2::new(m_a + m_b + i_a * r_a.y * r_a.y + i_b * r_b.y * r_b.y, off_diagonal),
            ey: Vec2::new(off_diagonal, m_a + m_b + i_a * r_a.x * r_a.x + i_b * r_b.x * r_b.x),
        };
        let impulse = -k.solve(c);
        c_a -= impulse * m_a;
        a_a -= i_a * r_a.cross(impulse);
        c_b += impulse * m_b;
        a_b += i_b * r_b.cross(impulse);
        positions[self.index_a] = Position { c: c_a, a: a_a };
        positions[self.index_b] = Position { c: c_b, a: a_b };
        position_error <= LINEAR_SLOP && angular_error <= ANGULAR_SLOP
    }
}
