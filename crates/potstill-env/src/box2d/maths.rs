//! Vectors, rotations, transforms, sweeps and small matrices.

use super::PI;
use super::lanes::in_lanes;
use super::sine::sin_cos;
use std::ops::{Add, AddAssign, Mul, Neg, Sub, SubAssign};

/// A vector of the plane.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Vec2 {
    pub(crate) x: f32,
    pub(crate) y: f32,
}

/// A vector from numbers in double precision, each rounded.
pub(crate) fn vec2(x: f64, y: f64) -> Vec2 {
    Vec2::new(x as f32, y as f32)
}

impl Vec2 {
    pub(super) const ZERO: Vec2 = Vec2::new(0.0, 0.0);

    #[inline(always)]
    pub(crate) const fn new(x: f32, y: f32) -> Self {
        Self { x, y }
    }

    #[inline(always)]
    pub(super) fn dot(self, other: Vec2) -> f32 {
        self.x * other.x + self.y * other.y
    }

    /// The third coordinate of the cross product.
    #[inline(always)]
    pub(super) fn cross(self, other: Vec2) -> f32 {
        self.x * other.y - self.y * other.x
    }

    /// The cross product with a vector of this length along the third axis.
    #[inline(always)]
    pub(super) fn cross_scalar(self, s: f32) -> Vec2 {
        Vec2::new(s * self.y, -s * self.x)
    }

    #[inline(always)]
    pub(super) fn length_squared(self) -> f32 {
        self.x * self.x + self.y * self.y
    }

    #[inline(always)]
    pub(super) fn length(self) -> f32 {
        self.length_squared().sqrt()
    }

    /// The vector scaled to length 1; a vector of almost no length is left alone.
    pub(super) fn normalised(self) -> Vec2 {
        let length = self.length();
        if length < super::EPSILON { self } else { self * (1.0 / length) }
    }

    pub(super) fn lower(self, other: Vec2) -> Vec2 {
        Vec2::new(min(self.x, other.x), min(self.y, other.y))
    }

    pub(super) fn upper(self, other: Vec2) -> Vec2 {
        Vec2::new(max(self.x, other.x), max(self.y, other.y))
    }
}

in_lanes! { impl Vec2 as Vec2Columns { x: f32, y: f32, } }

impl Add for Vec2 {
    type Output = Vec2;
    #[inline(always)]
    fn add(self, other: Vec2) -> Vec2 {
        Vec2::new(self.x + other.x, self.y + other.y)
    }
}

impl Sub for Vec2 {
    type Output = Vec2;
    #[inline(always)]
    fn sub(self, other: Vec2) -> Vec2 {
        Vec2::new(self.x - other.x, self.y - other.y)
    }
}

impl Neg for Vec2 {
    type Output = Vec2;
    #[inline(always)]
    fn neg(self) -> Vec2 {
        Vec2::new(-self.x, -self.y)
    }
}

impl Mul<f32> for Vec2 {
    type Output = Vec2;
    #[inline(always)]
    fn mul(self, s: f32) -> Vec2 {
        Vec2::new(s * self.x, s * self.y)
    }
}

impl AddAssign for Vec2 {
    #[inline(always)]
    fn add_assign(&mut self, other: Vec2) {
        *self = *self + other;
    }
}

impl SubAssign for Vec2 {
    #[inline(always)]
    fn sub_assign(&mut self, other: Vec2) {
        *self = *self - other;
    }
}

/// The cross product of a vector of length `s` along the third axis with `a`.
#[inline(always)]
pub(super) fn cross(s: f32, a: Vec2) -> Vec2 {
    Vec2::new(-s * a.y, s * a.x)
}

/// The smaller number; of equal ones, such as zeros of both signs, the second, as in Box2D.
#[inline(always)]
pub(super) fn min(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

/// The larger number; of equal ones the second.
#[inline(always)]
pub(super) fn max(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

#[inline(always)]
pub(super) fn clamp(a: f32, low: f32, high: f32) -> f32 {
    max(low, min(a, high))
}

/// A rotation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rot {
    pub(super) s: f32,
    pub(super) c: f32,
}

impl Rot {
    pub(super) const IDENTITY: Rot = Rot { s: 0.0, c: 1.0 };

    #[inline]
    pub(super) fn new(angle: f32) -> Self {
        let (s, c) = sin_cos(angle);
        Self { s, c }
    }

    #[inline(always)]
    pub(super) fn apply(self, v: Vec2) -> Vec2 {
        Vec2::new(self.c * v.x - self.s * v.y, self.s * v.x + self.c * v.y)
    }

    #[inline(always)]
    pub(super) fn invert(self, v: Vec2) -> Vec2 {
        Vec2::new(self.c * v.x + self.s * v.y, -self.s * v.x + self.c * v.y)
    }
}

/// A rotation, then a translation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Transform {
    pub(super) p: Vec2,
    pub(super) q: Rot,
}

impl Transform {
    pub(super) const IDENTITY: Transform = Transform { p: Vec2::ZERO, q: Rot::IDENTITY };

    /// The transform of a body whose centre of mass lies at `c`.
    #[inline]
    pub(super) fn about(c: Vec2, angle: f32, local_centre: Vec2) -> Self {
        let q = Rot::new(angle);
        Self { p: c - q.apply(local_centre), q }
    }

    #[inline(always)]
    pub(super) fn apply(&self, v: Vec2) -> Vec2 {
        let x = (self.q.c * v.x - self.q.s * v.y) + self.p.x;
        let y = (self.q.s * v.x + self.q.c * v.y) + self.p.y;
        Vec2::new(x, y)
    }

    #[inline(always)]
    pub(super) fn invert(&self, v: Vec2) -> Vec2 {
        self.q.invert(v - self.p)
    }

    /// The transform from the frame of `other` to that of `self`.
    pub(super) fn inverse_times(&self, other: &Transform) -> Transform {
        let (q, r) = (self.q, other.q);
        let q = Rot { s: q.c * r.s - q.s * r.c, c: q.c * r.c + q.s * r.s };
        Transform { p: self.q.invert(other.p - self.p), q }
    }
}

/// The motion of a body over a step: its centre of mass and angle at the fraction `alpha0`, and at the end.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sweep {
    pub(super) local_centre: Vec2,
    pub(super) c0: Vec2,
    pub(super) c: Vec2,
    pub(super) a0: f32,
    pub(super) a: f32,
    pub(super) alpha0: f32,
}

impl Sweep {
    /// The transform at a fraction of the way from `alpha0` to the end.
    pub(super) fn transform(&self, beta: f32) -> Transform {
        let p = self.c0 * (1.0 - beta) + self.c * beta;
        let angle = (1.0 - beta) * self.a0 + beta * self.a;
        Transform::about(p, angle, self.local_centre)
    }

    pub(super) fn advance(&mut self, alpha: f32) {
        let beta = (alpha - self.alpha0) / (1.0 - self.alpha0);
        self.c0 = self.c0 * (1.0 - beta) + self.c * beta;
        self.a0 = (1.0 - beta) * self.a0 + beta * self.a;
        self.alpha0 = alpha;
    }

    /// The same sweep with its angles less whole turns.
    pub(super) fn normalised(mut self) -> Self {
        let turn = 2.0 * PI;
        let d = turn * (self.a0 / turn).floor();
        self.a0 -= d;
        self.a -= d;
        self
    }
}

/// A 2 x 2 matrix by its columns.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mat22 {
    pub(super) ex: Vec2,
    pub(super) ey: Vec2,
}

in_lanes! { impl Mat22 as Mat22Columns { ex: Vec2, ey: Vec2, } }

impl Mat22 {
    #[inline(always)]
    pub(super) fn times(&self, v: Vec2) -> Vec2 {
        Vec2::new(self.ex.x * v.x + self.ey.x * v.y, self.ex.y * v.x + self.ey.y * v.y)
    }

    pub(super) fn inverse(&self) -> Mat22 {
        let (a, b, c, d) = (self.ex.x, self.ey.x, self.ex.y, self.ey.y);
        let det = reciprocal(a * d - b * c);
        Mat22 { ex: Vec2::new(det * d, -det * c), ey: Vec2::new(-det * b, det * a) }
    }

    /// The solution `x` of `self * x = b`.
    #[inline(always)]
    pub(super) fn solve(&self, b: Vec2) -> Vec2 {
        let (a11, a12, a21, a22) = (self.ex.x, self.ey.x, self.ex.y, self.ey.y);
        let det = reciprocal(a11 * a22 - a12 * a21);
        Vec2::new(det * (a22 * b.x - a12 * b.y), det * (a11 * b.y - a21 * b.x))
    }
}

/// The reciprocal of a determinant; 0 of 0.
#[inline(always)]
pub(super) fn reciprocal(det: f32) -> f32 {
    if det == 0.0 { det } else { 1.0 / det }
}

/// A vector with a third coordinate, for constraints of a point and an angle.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Vec3 {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) z: f32,
}

in_lanes! { impl Vec3 as Vec3Columns { x: f32, y: f32, z: f32, } }

impl Neg for Vec3 {
    type Output = Vec3;
    #[inline(always)]
    fn neg(self) -> Vec3 {
        Vec3::new(-self.x, -self.y, -self.z)
    }
}

impl Vec3 {
    #[inline(always)]
    pub(super) fn new(x: f32, y: f32, z: f32) -> Self {
        Self { x, y, z }
    }

    #[inline(always)]
    pub(super) fn dot(self, b: Vec3) -> f32 {
        self.x * b.x + self.y * b.y + self.z * b.z
    }

    #[inline(always)]
    pub(super) fn cross(self, b: Vec3) -> Vec3 {
        Vec3::new(self.y * b.z - self.z * b.y, self.z * b.x - self.x * b.z, self.x * b.y - self.y * b.x)
    }
}
