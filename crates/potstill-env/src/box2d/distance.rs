//! The distance of two convex shapes without their skins (Gilbert, Johnson and Keerthi 1988).

use super::EPSILON;
use super::maths::{Transform, Vec2};

/// The vertices of the last simplex, with which the next search begins.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SimplexCache {
    metric: f32,
    pub(super) count: usize,
    pub(super) a: [usize; 3],
    pub(super) b: [usize; 3],
}

/// The vertex that lies farthest in a direction.
#[inline]
pub(super) fn support(vertices: &[Vec2], d: Vec2) -> usize {
    let (mut best, mut best_value) = (0, vertices[0].dot(d));
    for (i, vertex) in vertices.iter().enumerate().skip(1) {
        let value = vertex.dot(d);
        if value > best_value {
            (best, best_value) = (i, value);
        }
    }
    best
}

#[derive(Clone, Copy, Debug, Default)]
struct SimplexVertex {
    /// Supports of both shapes, and their difference.
    wa: Vec2,
    wb: Vec2,
    w: Vec2,
    /// The barycentric coordinate of the closest point.
    coordinate: f32,
    a: usize,
    b: usize,
}

/// Two shapes and where they are.
#[derive(Clone, Copy)]
pub(super) struct Pair<'a> {
    pub(super) a: &'a [Vec2],
    pub(super) b: &'a [Vec2],
    pub(super) xf_a: Transform,
    pub(super) xf_b: Transform,
}

impl Pair<'_> {
    fn vertex(&self, a: usize, b: usize, coordinate: f32) -> SimplexVertex {
        let (wa, wb) = (self.xf_a.apply(self.a[a]), self.xf_b.apply(self.b[b]));
        SimplexVertex { wa, wb, w: wb - wa, coordinate, a, b }
    }
}

struct Simplex {
    v: [SimplexVertex; 3],
    count: usize,
}

impl Simplex {
    fn read(cache: &SimplexCache, pair: &Pair<'_>) -> Self {
        let mut simplex = Self { v: [SimplexVertex::default(); 3], count: cache.count };
        for i in 0..cache.count {
            simplex.v[i] = pair.vertex(cache.a[i], cache.b[i], 0.0);
        }
        // A simplex that has changed much is flushed.
        if simplex.count > 1 {
            let (before, now) = (cache.metric, simplex.metric());
            if now < 0.5 * before || 2.0 * before < now || now < EPSILON {
                simplex.count = 0;
            }
        }
        if simplex.count == 0 {
            simplex.v[0] = pair.vertex(0, 0, 1.0);
            simplex.count = 1;
        }
        simplex
    }

    fn write(&self, cache: &mut SimplexCache) {
        cache.metric = self.metric();
        cache.count = self.count;
        for i in 0..self.count {
            (cache.a[i], cache.b[i]) = (self.v[i].a, self.v[i].b);
        }
    }

    fn metric(&self) -> f32 {
        let [v1, v2, v3] = &self.v;
        match self.count {
            1 => 0.0,
            2 => (v1.w - v2.w).length(),
            _ => (v2.w - v1.w).cross(v3.w - v1.w),
        }
    }

    fn search_direction(&self) -> Vec2 {
        let [v1, v2, _] = &self.v;
        if self.count == 1 {
            return -v1.w;
        }
        let e12 = v2.w - v1.w;
        // The side of the line on which the origin lies.
        if e12.cross(-v1.w) > 0.0 { super::maths::cross(1.0, e12) } else { e12.cross_scalar(1.0) }
    }

    /// The distance of the closest points.
    fn distance(&self) -> f32 {
        let [v1, v2, _] = &self.v;
        let (a, b) = match self.count {
            1 => (v1.wa, v1.wb),
            2 => {
                (v1.wa * v1.coordinate + v2.wa * v2.coordinate, v1.wb * v1.coordinate + v2.wb * v2.coordinate)
            }
            _ => return 0.0,
        };
        (a - b).length()
    }

    fn solve2(&mut self) {
        let (w1, w2) = (self.v[0].w, self.v[1].w);
        let e12 = w2 - w1;
        let d12_2 = -w1.dot(e12);
        if d12_2 <= 0.0 {
            self.keep_one(0);
            return;
        }
        let d12_1 = w2.dot(e12);
        if d12_1 <= 0.0 {
            self.keep_one(1);
            return;
        }
        self.keep_two(0, 1, d12_1, d12_2);
    }

    fn solve3(&mut self) {
        let [w1, w2, w3] = self.v.map(|v| v.w);
        let e12 = w2 - w1;
        let (d12_1, d12_2) = (w2.dot(e12), -w1.dot(e12));
        let e13 = w3 - w1;
        let (d13_1, d13_2) = (w3.dot(e13), -w1.dot(e13));
        let e23 = w3 - w2;
        let (d23_1, d23_2) = (w3.dot(e23), -w2.dot(e23));
        let n123 = e12.cross(e13);
        let d123_1 = n123 * w2.cross(w3);
        let d123_2 = n123 * w3.cross(w1);
        let d123_3 = n123 * w1.cross(w2);
        if d12_2 <= 0.0 && d13_2 <= 0.0 {
            self.keep_one(0);
        } else if d12_1 > 0.0 && d12_2 > 0.0 && d123_3 <= 0.0 {
            self.keep_two(0, 1, d12_1, d12_2);
        } else if d13_1 > 0.0 && d13_2 > 0.0 && d123_2 <= 0.0 {
            self.keep_two(0, 2, d13_1, d13_2);
        } else if d12_1 <= 0.0 && d23_2 <= 0.0 {
            self.keep_one(1);
        } else if d13_1 <= 0.0 && d23_1 <= 0.0 {
            self.keep_one(2);
        } else if d23_1 > 0.0 && d23_2 > 0.0 && d123_1 <= 0.0 {
            // The third vertex becomes the first.
            self.keep_two(2, 1, d23_2, d23_1);
        }
        // Otherwise the origin lies inside of the triangle.
    }

    fn keep_one(&mut self, i: usize) {
        self.v[0] = SimplexVertex { coordinate: 1.0, ..self.v[i] };
        self.count = 1;
    }

    fn keep_two(&mut self, i: usize, j: usize, d_i: f32, d_j: f32) {
        let inverse = 1.0 / (d_i + d_j);
        let (first, second) = (self.v[i], self.v[j]);
        self.v[0] = SimplexVertex { coordinate: d_i * inverse, ..first };
        self.v[1] = SimplexVertex { coordinate: d_j * inverse, ..second };
        self.count = 2;
    }
}

/// The distance of two shapes; the cache is read, and written.
pub(super) fn distance(pair: &Pair<'_>, cache: &mut SimplexCache) -> f32 {
    let mut simplex = Simplex::read(cache, pair);
    for _ in 0..20 {
        let saved = simplex.v.map(|v| (v.a, v.b));
        let saved = &saved[..simplex.count];
        match simplex.count {
            1 => {}
            2 => simplex.solve2(),
            _ => simplex.solve3(),
        }
        if simplex.count == 3 {
            break;
        }
        let d = simplex.search_direction();
        if d.length_squared() < EPSILON * EPSILON {
            break;
        }
        let a = support(pair.a, pair.xf_a.q.invert(-d));
        let b = support(pair.b, pair.xf_b.q.invert(d));
        simplex.v[simplex.count] = pair.vertex(a, b, 0.0);
        if saved.contains(&(a, b)) {
            break;
        }
        simplex.count += 1;
    }
    simplex.write(cache);
    simplex.distance()
}
