//! The time at which two moving shapes touch: conservative advancement.

use super::distance::{Pair, SimplexCache, distance, support};
use super::maths::{Sweep, Vec2, max};
use super::{LINEAR_SLOP, POLYGON_RADIUS};

/// Box2D's limit of vertices of a polygon as pybox2d sets it, which is also a limit of iterations here.
const PUSH_BACKS: usize = 16;

/// Shapes and their motion.
struct Motion<'a> {
    a: &'a [Vec2],
    b: &'a [Vec2],
    sweep_a: Sweep,
    sweep_b: Sweep,
}

impl<'a> Motion<'a> {
    fn at(&self, t: f32) -> Pair<'a> {
        let (xf_a, xf_b) = (self.sweep_a.transform(t), self.sweep_b.transform(t));
        Pair { a: self.a, b: self.b, xf_a, xf_b }
    }
}

/// The axis along which shapes are separated.
enum Separation {
    /// From a vertex of `a` to one of `b`.
    Points { axis: Vec2 },
    /// The normal of an edge of `a`, and the edge's middle.
    FaceA { axis: Vec2, local_point: Vec2 },
    /// The normal of an edge of `b`, and the edge's middle.
    FaceB { axis: Vec2, local_point: Vec2 },
}

impl Separation {
    fn new(cache: &SimplexCache, pair: &Pair<'_>) -> Self {
        let ([a1, a2, _], [b1, b2, _]) = (cache.a, cache.b);
        if cache.count == 1 {
            let (point_a, point_b) = (pair.xf_a.apply(pair.a[a1]), pair.xf_b.apply(pair.b[b1]));
            return Separation::Points { axis: (point_b - point_a).normalised() };
        }
        if a1 == a2 {
            let (b1, b2) = (pair.b[b1], pair.b[b2]);
            let axis = (b2 - b1).cross_scalar(1.0).normalised();
            let local_point = (b1 + b2) * 0.5;
            let s = (pair.xf_a.apply(pair.a[a1]) - pair.xf_b.apply(local_point)).dot(pair.xf_b.q.apply(axis));
            return Separation::FaceB { axis: if s < 0.0 { -axis } else { axis }, local_point };
        }
        let (a1, a2) = (pair.a[a1], pair.a[a2]);
        let axis = (a2 - a1).cross_scalar(1.0).normalised();
        let local_point = (a1 + a2) * 0.5;
        let s = (pair.xf_b.apply(pair.b[b1]) - pair.xf_a.apply(local_point)).dot(pair.xf_a.q.apply(axis));
        Separation::FaceA { axis: if s < 0.0 { -axis } else { axis }, local_point }
    }

    /// The vertices of `a` and `b` that are deepest along the axis; 0 for the shape that has the axis.
    fn deepest(&self, pair: &Pair<'_>) -> (usize, usize) {
        let (qa, qb) = (pair.xf_a.q, pair.xf_b.q);
        match *self {
            Separation::Points { axis } => {
                (support(pair.a, qa.invert(axis)), support(pair.b, qb.invert(-axis)))
            }
            Separation::FaceA { axis, .. } => (0, support(pair.b, qb.invert(-qa.apply(axis)))),
            Separation::FaceB { axis, .. } => (support(pair.a, qa.invert(-qb.apply(axis))), 0),
        }
    }

    /// The separation of these vertices along the axis.
    fn evaluate(&self, pair: &Pair<'_>, (a, b): (usize, usize)) -> f32 {
        let (xf_a, xf_b) = (&pair.xf_a, &pair.xf_b);
        match *self {
            Separation::Points { axis } => (xf_b.apply(pair.b[b]) - xf_a.apply(pair.a[a])).dot(axis),
            Separation::FaceA { axis, local_point } => {
                (xf_b.apply(pair.b[b]) - xf_a.apply(local_point)).dot(xf_a.q.apply(axis))
            }
            Separation::FaceB { axis, local_point } => {
                (xf_a.apply(pair.a[a]) - xf_b.apply(local_point)).dot(xf_b.q.apply(axis))
            }
        }
    }
}

/// The fraction of the motion at which the shapes touch; `None` if they do not, overlap from the start, or
/// the search fails.
pub(super) fn time_of_impact(a: &[Vec2], sweep_a: &Sweep, b: &[Vec2], sweep_b: &Sweep) -> Option<f32> {
    // Large angles lose precision.
    let motion = Motion { a, b, sweep_a: sweep_a.normalised(), sweep_b: sweep_b.normalised() };
    let radius = POLYGON_RADIUS + POLYGON_RADIUS;
    let target = max(LINEAR_SLOP, radius - 3.0 * LINEAR_SLOP);
    let tolerance = 0.25 * LINEAR_SLOP;
    let mut t1 = 0.0;
    let mut cache = SimplexCache::default();
    for _ in 0..20 {
        let pair = motion.at(t1);
        let distance = distance(&pair, &mut cache);
        if distance <= 0.0 {
            return None;
        }
        if distance < target + tolerance {
            return Some(t1);
        }
        let separation = Separation::new(&cache, &pair);
        // The deepest points are resolved one after the other.
        let mut t2 = 1.0;
        for _ in 0..PUSH_BACKS {
            let pair2 = motion.at(t2);
            let vertices = separation.deepest(&pair2);
            let mut s2 = separation.evaluate(&pair2, vertices);
            if s2 > target + tolerance {
                return None;
            }
            if s2 > target - tolerance {
                t1 = t2;
                break;
            }
            let mut s1 = separation.evaluate(&pair, vertices);
            if s1 < target - tolerance {
                return None;
            }
            if s1 <= target + tolerance {
                return Some(t1);
            }
            // A root of the separation less the target: secant and bisection in turn.
            let (mut a1, mut a2) = (t1, t2);
            for i in 0..50 {
                let t = if i % 2 == 1 { a1 + (target - s1) * (a2 - a1) / (s2 - s1) } else { 0.5 * (a1 + a2) };
                let s = separation.evaluate(&motion.at(t), vertices);
                if (s - target).abs() < tolerance {
                    t2 = t;
                    break;
                }
                if s > target {
                    (a1, s1) = (t, s);
                } else {
                    (a2, s2) = (t, s);
                }
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::shape::Polygon;
    use super::*;

    #[test]
    fn a_falling_square_touches_the_ground_when_its_skin_does() {
        let ground = [Vec2::new(-5.0, 0.0), Vec2::new(5.0, 0.0)];
        let square = Polygon::rectangle(1.0, 1.0);
        let still = Sweep::default();
        let time = |from: f32, to: f32| {
            let (c0, c) = (Vec2::new(0.0, from), Vec2::new(0.0, to));
            time_of_impact(&ground, &still, square.vertices(), &Sweep { c0, c, ..still })
        };
        // The lower side begins 4 above the ground and falls 8: it is 0.005 above at 3.995 / 8, to 0.00125
        // / 8.
        let met = time(5.0, -3.0).unwrap();
        assert!((met - 0.499_375).abs() < 0.000_16, "{met}");
        assert_eq!(time(5.0, 3.0), None);
        // It touches already, and overlaps already.
        assert_eq!(time(1.004, -3.0), Some(0.0));
        assert_eq!(time(0.5, -3.0), None);
    }
}
