//! Shapes: edges and convex polygons; their masses, bounding boxes and intersections with rays.

use super::maths::{Transform, Vec2};
use super::{EPSILON, POLYGON_RADIUS};

/// The most vertices of a polygon.
pub(super) const VERTICES_MAX: usize = 6;

/// A convex polygon: vertices against the clock, the outward normal of the edge that begins at each, and
/// the centroid.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Polygon {
    pub(super) count: usize,
    vertices: [Vec2; VERTICES_MAX],
    normals: [Vec2; VERTICES_MAX],
    pub(super) centroid: Vec2,
}

impl Polygon {
    /// A rectangle about the origin.
    pub(crate) fn rectangle(half_width: f32, half_height: f32) -> Self {
        let (x, y) = (half_width, half_height);
        let (mut vertices, mut normals) = ([Vec2::ZERO; VERTICES_MAX], [Vec2::ZERO; VERTICES_MAX]);
        let corners = [Vec2::new(-x, -y), Vec2::new(x, -y), Vec2::new(x, y), Vec2::new(-x, y)];
        vertices[..4].copy_from_slice(&corners);
        let outward = [Vec2::new(0.0, -1.0), Vec2::new(1.0, 0.0), Vec2::new(0.0, 1.0), Vec2::new(-1.0, 0.0)];
        normals[..4].copy_from_slice(&outward);
        Self { count: 4, vertices, normals, centroid: Vec2::ZERO }
    }

    /// The convex hull of points, which has an area.
    ///
    /// # Panics
    /// If there are more than [`VERTICES_MAX`] points, or the hull has no area.
    pub(crate) fn hull(points: &[Vec2]) -> Self {
        let mut first = 0;
        for (i, point) in points.iter().enumerate() {
            let rightmost = points[first];
            if point.x > rightmost.x || (point.x == rightmost.x && point.y < rightmost.y) {
                first = i;
            }
        }
        // Gift wrapping.
        let (mut vertices, mut count, mut last) = ([Vec2::ZERO; VERTICES_MAX], 0, first);
        loop {
            vertices[count] = points[last];
            count += 1;
            let mut next = 0;
            for (j, &point) in points.iter().enumerate().skip(1) {
                if next == last {
                    next = j;
                    continue;
                }
                let (r, v) = (points[next] - points[last], point - points[last]);
                let c = r.cross(v);
                if c < 0.0 || (c == 0.0 && v.length_squared() > r.length_squared()) {
                    next = j;
                }
            }
            last = next;
            if next == first {
                break;
            }
        }
        let mut normals = [Vec2::ZERO; VERTICES_MAX];
        for i in 0..count {
            let edge = vertices[(i + 1) % count] - vertices[i];
            normals[i] = edge.cross_scalar(1.0).normalised();
        }
        let centroid = centroid(&vertices[..count]);
        Self { count, vertices, normals, centroid }
    }

    #[inline(always)]
    pub(crate) fn vertices(&self) -> &[Vec2] {
        &self.vertices[..self.count]
    }

    #[inline(always)]
    pub(super) fn normals(&self) -> &[Vec2] {
        &self.normals[..self.count]
    }

    /// The place of the vertex after this one.
    #[inline(always)]
    pub(super) fn after(&self, i: usize) -> usize {
        if i + 1 < self.count { i + 1 } else { 0 }
    }

    /// Mass, centre of mass, and rotational inertia about the origin.
    pub(super) fn mass(&self, density: f32) -> (f32, Vec2, f32) {
        let (mut centre, mut area, mut inertia) = (Vec2::ZERO, 0.0, 0.0);
        // A reference point inside of the polygon.
        let mut s = Vec2::ZERO;
        for &vertex in self.vertices() {
            s += vertex;
        }
        s = s * (1.0 / self.count as f32);
        let third = 1.0 / 3.0_f32;
        for i in 0..self.count {
            let e1 = self.vertices[i] - s;
            let e2 = self.vertices[self.after(i)] - s;
            let d = e1.cross(e2);
            let triangle = 0.5 * d;
            area += triangle;
            centre += (e1 + e2) * (triangle * third);
            let x2 = e1.x * e1.x + e2.x * e1.x + e2.x * e2.x;
            let y2 = e1.y * e1.y + e2.y * e1.y + e2.y * e2.y;
            inertia += (0.25 * third * d) * (x2 + y2);
        }
        let mass = density * area;
        centre = centre * (1.0 / area);
        let shifted = centre + s;
        (mass, shifted, density * inertia + mass * (shifted.dot(shifted) - centre.dot(centre)))
    }
}

fn centroid(vertices: &[Vec2]) -> Vec2 {
    let (mut c, mut area) = (Vec2::ZERO, 0.0);
    let (origin, third) = (Vec2::ZERO, 1.0 / 3.0_f32);
    for (i, &p2) in vertices.iter().enumerate() {
        let p3 = vertices[(i + 1) % vertices.len()];
        let triangle = 0.5 * (p2 - origin).cross(p3 - origin);
        area += triangle;
        c += (origin + p2 + p3) * (triangle * third);
    }
    assert!(area > EPSILON, "a polygon has an area");
    c * (1.0 / area)
}

/// The shape of a fixture.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// A line from one point to another, hit from both sides.
    Edge([Vec2; 2]),
    /// A convex polygon.
    Polygon(Polygon),
}

impl Shape {
    #[inline(always)]
    pub(super) fn vertices(&self) -> &[Vec2] {
        match self {
            Shape::Edge(ends) => ends,
            Shape::Polygon(polygon) => polygon.vertices(),
        }
    }

    /// The box around the shape and its skin.
    pub(super) fn bounds(&self, xf: &Transform) -> Aabb {
        let vertices = self.vertices();
        let first = xf.apply(vertices[0]);
        let (mut lower, mut upper) = (first, first);
        for &vertex in &vertices[1..] {
            let v = xf.apply(vertex);
            lower = lower.lower(v);
            upper = upper.upper(v);
        }
        let r = Vec2::new(POLYGON_RADIUS, POLYGON_RADIUS);
        Aabb { lower: lower - r, upper: upper + r }
    }

    /// The fraction of a ray at which it meets the shape, if that is at most `max_fraction`.
    pub(super) fn ray_cast(&self, p1: Vec2, p2: Vec2, max_fraction: f32, xf: &Transform) -> Option<f32> {
        let (p1, p2) = (xf.q.invert(p1 - xf.p), xf.q.invert(p2 - xf.p));
        let d = p2 - p1;
        match self {
            Shape::Edge([v1, v2]) => {
                let r = *v2 - *v1;
                let normal = Vec2::new(r.y, -r.x).normalised();
                let numerator = normal.dot(*v1 - p1);
                let denominator = normal.dot(d);
                if denominator == 0.0 {
                    return None;
                }
                let t = numerator / denominator;
                if t < 0.0 || max_fraction < t {
                    return None;
                }
                let q = p1 + d * t;
                let rr = r.dot(r);
                if rr == 0.0 {
                    return None;
                }
                let s = (q - *v1).dot(r) / rr;
                (0.0..=1.0).contains(&s).then_some(t)
            }
            Shape::Polygon(polygon) => {
                let (mut lower, mut upper, mut enters) = (0.0, max_fraction, false);
                for (&normal, &vertex) in polygon.normals().iter().zip(polygon.vertices()) {
                    let numerator = normal.dot(vertex - p1);
                    let denominator = normal.dot(d);
                    if denominator == 0.0 {
                        if numerator < 0.0 {
                            return None;
                        }
                    } else if denominator < 0.0 && numerator < lower * denominator {
                        lower = numerator / denominator;
                        enters = true;
                    } else if denominator > 0.0 && numerator < upper * denominator {
                        upper = numerator / denominator;
                    }
                    if upper < lower {
                        return None;
                    }
                }
                enters.then_some(lower)
            }
        }
    }
}

/// A box along the axes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Aabb {
    pub(super) lower: Vec2,
    pub(super) upper: Vec2,
}

impl Aabb {
    #[inline(always)]
    pub(super) fn overlaps(&self, other: &Aabb) -> bool {
        let (d1, d2) = (other.lower - self.upper, self.lower - other.upper);
        !(d1.x > 0.0 || d1.y > 0.0 || d2.x > 0.0 || d2.y > 0.0)
    }

    pub(super) fn contains(&self, other: &Aabb) -> bool {
        self.lower.x <= other.lower.x
            && self.lower.y <= other.lower.y
            && other.upper.x <= self.upper.x
            && other.upper.y <= self.upper.y
    }

    /// The box around both.
    pub(super) fn around(&self, other: &Aabb) -> Aabb {
        Aabb { lower: self.lower.lower(other.lower), upper: self.upper.upper(other.upper) }
    }

    /// The box enlarged by this length to all sides.
    pub(super) fn extended(&self, length: f32) -> Aabb {
        let r = Vec2::new(length, length);
        Aabb { lower: self.lower - r, upper: self.upper + r }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hull_leaves_inner_points_out_and_turns_against_the_clock() {
        let points = [(0.0, 0.0), (1.0, 0.5), (2.0, 0.0), (2.0, 1.0), (0.0, 1.0), (1.0, 1.0)];
        let hull = Polygon::hull(&points.map(|(x, y)| Vec2::new(x, y)));
        let expected = [(2.0, 0.0), (2.0, 1.0), (0.0, 1.0), (0.0, 0.0)].map(|(x, y)| Vec2::new(x, y));
        assert_eq!(hull.vertices(), expected);
        assert_eq!(hull.normals()[0], Vec2::new(1.0, -0.0));
        assert_eq!(hull.centroid, Vec2::new(1.0, 0.5));
    }

    #[test]
    fn the_mass_of_a_rectangle_is_that_of_the_formula() {
        // Mass 3 * 4 * 2; inertia m (w^2 + h^2) / 12 = 24 * (16 + 4) / 12.
        let (mass, centre, inertia) = Polygon::rectangle(2.0, 1.0).mass(3.0);
        assert_eq!((mass, centre), (24.0, Vec2::ZERO));
        assert!((inertia - 40.0).abs() < 1e-5, "{inertia}");
    }

    #[test]
    fn a_ray_meets_a_shape_where_it_enters() {
        let shapes = [
            Shape::Edge([Vec2::new(2.0, -1.0), Vec2::new(2.0, 1.0)]),
            Shape::Polygon(Polygon::hull(
                &[(2.0, -1.0), (3.0, -1.0), (3.0, 1.0), (2.0, 1.0)].map(|(x, y)| Vec2::new(x, y)),
            )),
        ];
        let check = |to: (f32, f32), max_fraction: f32, expected: Option<f32>| {
            for shape in &shapes {
                let met =
                    shape.ray_cast(Vec2::ZERO, Vec2::new(to.0, to.1), max_fraction, &Transform::IDENTITY);
                assert_eq!(met, expected, "{to:?} {max_fraction}");
            }
        };
        check((8.0, 0.0), 1.0, Some(0.25));
        check((8.0, 2.0), 1.0, Some(0.25));
        check((8.0, 0.0), 0.2, None);
        check((8.0, 8.0), 1.0, None);
        check((-8.0, 0.0), 1.0, None);
    }
}
