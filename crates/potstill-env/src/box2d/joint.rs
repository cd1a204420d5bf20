//! Revolute joints: two bodies share a point, with a motor, and limits of the angle.

use super::body::Body;
use super::maths::{Mat22, Rot, Vec2, Vec3, clamp};
use super::velocity::{JointConstraint, JointImpulse, Velocity};
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

impl Limit {
    /// The direction in which the limit pushes.
    fn direction(self) -> f32 {
        match self {
            Limit::Inactive => 0.0,
            Limit::Lower => 1.0,
            Limit::Upper => -1.0,
        }
    }
}

/// Position and angle of a body while constraints are solved.
#[derive(Clone, Copy, Debug)]
pub(super) struct Position {
    pub(super) c: Vec2,
    pub(super) a: f32,
}

impl Position {
    pub(super) fn bits(self) -> [u32; 3] {
        [self.c.x, self.c.y, self.a].map(f32::to_bits)
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct RevoluteJoint {
    pub(super) def: RevoluteJointDef,
    pub(super) reference_angle: f32,
    pub(super) total: JointImpulse,
    pub(super) limit: Limit,
    /// `true` if the island that is being made has the joint.
    pub(super) in_island: bool,
}

impl RevoluteJoint {
    pub(super) fn new(def: &RevoluteJointDef, bodies: &[Body]) -> Self {
        let (a, b) = (&bodies[def.body_a], &bodies[def.body_b]);
        // As pybox2d computes it, in double precision.
        let reference_angle = (f64::from(b.sweep.a) - f64::from(a.sweep.a)) as f32;
        let (total, limit) = (JointImpulse::default(), Limit::Inactive);
        Self { def: *def, reference_angle, total, limit, in_island: false }
    }
}

/// A joint of an island: both its constraints.
#[derive(Clone, Copy, Debug)]
pub(super) struct IslandJoint {
    /// The place among the joints of the world.
    place: usize,
    /// The places of its bodies in the island.
    pub(super) bodies: [usize; 2],
    pub(super) constraint: JointConstraint,
    pub(super) total: JointImpulse,
    /// Anchors relative to the centres of mass, in the bodies' frames.
    local: [Vec2; 2],
    reference_angle: f32,
    angles: (f32, f32),
    limit: Limit,
}

impl IslandJoint {
    /// Prepares the velocity iterations of a step of `h` seconds, and applies the impulses of the last step
    /// to the velocities.
    pub(super) fn new(
        place: usize,
        joint: &RevoluteJoint,
        bodies: &[Body],
        positions: &[Position],
        velocities: &mut [Velocity],
        (h, dt_ratio): (f32, f32),
    ) -> Self {
        let RevoluteJoint { def, reference_angle, mut total, .. } = *joint;
        let (a, b) = (&bodies[def.body_a], &bodies[def.body_b]);
        let (m_a, m_b, i_a, i_b) = (a.inv_mass, b.inv_mass, a.inv_inertia, b.inv_inertia);
        let local = [def.local_anchor_a - a.sweep.local_centre, def.local_anchor_b - b.sweep.local_centre];
        let (angle_a, angle_b) = (positions[a.island_index].a, positions[b.island_index].a);
        let r_a = Rot::new(angle_a).apply(local[0]);
        let r_b = Rot::new(angle_b).apply(local[1]);

        let xx = m_a + m_b + r_a.y * r_a.y * i_a + r_b.y * r_b.y * i_b;
        let xy = -r_a.y * r_a.x * i_a - r_b.y * r_b.x * i_b;
        let xz = -r_a.y * i_a - r_b.y * i_b;
        let yy = m_a + m_b + r_a.x * r_a.x * i_a + r_b.x * r_b.x * i_b;
        let yz = r_a.x * i_a + r_b.x * i_b;
        let zz = i_a + i_b;

        let angle = angle_b - angle_a - reference_angle;
        let (lower, upper) = def.angles;
        let limit = if angle <= lower {
            Limit::Lower
        } else if angle >= upper {
            Limit::Upper
        } else {
            Limit::Inactive
        };
        if limit == Limit::Inactive || limit != joint.limit {
            total.point.z = 0.0;
        }
        total.point.x *= dt_ratio;
        total.point.y *= dt_ratio;
        total.point.z *= dt_ratio;
        total.motor *= dt_ratio;
        let p = Vec2::new(total.point.x, total.point.y);
        let velocity = &mut velocities[a.island_index];
        velocity.v -= p * m_a;
        velocity.w -= i_a * (r_a.cross(p) + total.motor + total.point.z);
        let velocity = &mut velocities[b.island_index];
        velocity.v += p * m_b;
        velocity.w += i_b * (r_b.cross(p) + total.motor + total.point.z);

        let constraint = JointConstraint {
            r: [r_a, r_b],
            inv_mass: [m_a, m_b],
            inv_inertia: [i_a, i_b],
            motor_speed: def.motor_speed,
            motor_mass: 1.0 / zz,
            max_motor_impulse: h * def.max_motor_torque,
            limit: limit.direction(),
            ex: Vec3::new(xx, xy, xz),
            ey: Vec3::new(xy, yy, yz),
            ez: Vec3::new(xz, yz, zz),
            ..JointConstraint::default()
        };
        let constraint = constraint.with_determinants();
        let bodies = [a.island_index, b.island_index];
        Self { place, bodies, constraint, total, local, reference_angle, angles: def.angles, limit }
    }

    pub(super) fn solve_velocity(&mut self, velocities: &mut [Velocity]) {
        let [index_a, index_b] = self.bodies;
        let (mut a, mut b) = (velocities[index_a], velocities[index_b]);
        self.constraint.solve(&mut self.total, &mut a, &mut b);
        (velocities[index_a], velocities[index_b]) = (a, b);
    }

    /// Keeps impulses and limit for the next step.
    pub(super) fn store(&self, joints: &mut [RevoluteJoint]) {
        let to = &mut joints[self.place];
        (to.total, to.limit) = (self.total, self.limit);
    }

    /// Corrects the positions; returns true if they were within the tolerances.
    pub(super) fn solve_position(&self, positions: &mut [Position]) -> bool {
        let (Position { c: mut c_a, a: mut a_a }, Position { c: mut c_b, a: mut a_b }) =
            (positions[self.bodies[0]], positions[self.bodies[1]]);
        let JointConstraint { inv_mass: [m_a, m_b], inv_inertia: [i_a, i_b], motor_mass, .. } =
            self.constraint;
        let mut angular_error = 0.0;
        if self.limit != Limit::Inactive {
            let angle = a_b - a_a - self.reference_angle;
            let (lower, upper) = self.angles;
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
            let impulse = -motor_mass * c;
            a_a -= i_a * impulse;
            a_b += i_b * impulse;
        }
        let r_a = Rot::new(a_a).apply(self.local[0]);
        let r_b = Rot::new(a_b).apply(self.local[1]);
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
        positions[self.bodies[0]] = Position { c: c_a, a: a_a };
        positions[self.bodies[1]] = Position { c: c_b, a: a_b };
        position_error <= LINEAR_SLOP && angular_error <= ANGULAR_SLOP
    }
}
