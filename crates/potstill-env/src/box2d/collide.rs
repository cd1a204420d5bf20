//! Manifolds: the points in which an edge or a polygon of the ground touches a polygon.

use super::maths::{Transform, Vec2, min};
use super::shape::{Polygon, Shape, VERTICES_MAX};
use super::{ANGULAR_SLOP, POLYGON_RADIUS};

/// A point of contact.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ManifoldPoint {
    /// In the frame of the body that has not the reference face.
    pub(super) local_point: Vec2,
    pub(super) normal_impulse: f32,
    pub(super) tangent_impulse: f32,
    pub(super) id: Id,
}

/// The features that make a point of contact, by which it is found again in the next step: index of the
/// first and of the second shape, type of the first and of the second feature.
pub(super) type Id = [u8; 4];

const VERTEX: u8 = 0;
const FACE: u8 = 1;

/// The points of contact of two shapes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Manifold {
    pub(super) points: [ManifoldPoint; 2],
    pub(super) count: usize,
    /// The normal of the reference face, in the frame of its body.
    pub(super) local_normal: Vec2,
    /// A point of the reference face.
    pub(super) local_point: Vec2,
    /// `true` if the second shape has the reference face.
    pub(super) face_b: bool,
}

#[derive(Clone, Copy, Default)]
struct ClipVertex {
    v: Vec2,
    id: Id,
}

/// The part of a segment behind a line; `None` if it is less than two points.
fn clip(segment: [ClipVertex; 2], normal: Vec2, offset: f32, vertex_a: usize) -> Option<[ClipVertex; 2]> {
    let [first, second] = segment;
    let distance0 = normal.dot(first.v) - offset;
    let distance1 = normal.dot(second.v) - offset;
    let (mut clipped, mut count) = ([ClipVertex::default(); 2], 0);
    if distance0 <= 0.0 {
        clipped[count] = first;
        count += 1;
    }
    if distance1 <= 0.0 {
        clipped[count] = second;
        count += 1;
    }
    if distance0 * distance1 < 0.0 {
        let fraction = distance0 / (distance0 - distance1);
        let v = first.v + (second.v - first.v) * fraction;
        clipped[count] = ClipVertex { v, id: [vertex_a as u8, first.id[1], VERTEX, FACE] };
        count += 1;
    }
    (count == 2).then_some(clipped)
}

/// The manifold of a shape of the ground and a polygon, whose impulses are 0.
pub(super) fn collide(a: &Shape, xf_a: &Transform, b: &Polygon, xf_b: &Transform, manifold: &mut Manifold) {
    manifold.count = 0;
    match a {
        Shape::Edge(edge) => collide_edge(*edge, xf_a, b, xf_b, manifold),
        Shape::Polygon(a) => collide_polygons(a, xf_a, b, xf_b, manifold),
    }
}

/// An axis of least penetration: the separation along it, and the edge of the polygon, or the ground's.
#[derive(Clone, Copy)]
struct Axis {
    edge_b: Option<usize>,
    separation: f32,
}

fn collide_edge(
    [v1, v2]: [Vec2; 2],
    xf_a: &Transform,
    b: &Polygon,
    xf_b: &Transform,
    manifold: &mut Manifold,
) {
    // Everything in the frame of the edge.
    let xf = xf_a.inverse_times(xf_b);
    let centroid = xf.apply(b.centroid);
    let edge = (v2 - v1).normalised();
    let normal1 = Vec2::new(edge.y, -edge.x);
    let is_front = normal1.dot(centroid - v1) >= 0.0;
    let (normal, limit) = if is_front { (normal1, -normal1) } else { (-normal1, normal1) };
    let (mut vertices, mut normals) = ([Vec2::ZERO; VERTICES_MAX], [Vec2::ZERO; VERTICES_MAX]);
    for i in 0..b.count {
        vertices[i] = xf.apply(b.vertices()[i]);
        normals[i] = xf.q.apply(b.normals()[i]);
    }
    let (vertices, normals) = (&vertices[..b.count], &normals[..b.count]);
    let radius = 2.0 * POLYGON_RADIUS;

    let mut separation = f32::MAX;
    for &vertex in vertices {
        let s = normal.dot(vertex - v1);
        if s < separation {
            separation = s;
        }
    }
    if separation > radius {
        return;
    }
    let edge_axis = Axis { edge_b: None, separation };
    let polygon_axis = polygon_separation([v1, v2], vertices, normals, normal, limit, radius);
    let axis = match polygon_axis {
        Some(axis) if axis.separation > radius => return,
        // Hysteresis against jitter.
        Some(axis) if axis.separation > 0.98 * separation + 0.001 => axis,
        _ => edge_axis,
    };

    // The incident edge, to be clipped, and the reference face.
    let incident;
    let (i1, i2, face1, face2, face_normal);
    match axis.edge_b {
        None => {
            let mut best = 0;
            let mut best_value = normal.dot(normals[0]);
            for (i, n) in normals.iter().enumerate().skip(1) {
                let value = normal.dot(*n);
                if value < best_value {
                    (best_value, best) = (value, i);
                }
            }
            incident =
                [best, b.after(best)].map(|i| ClipVertex { v: vertices[i], id: [0, i as u8, FACE, VERTEX] });
            (i1, i2, face1, face2, face_normal) =
                if is_front { (0, 1, v1, v2, normal1) } else { (1, 0, v2, v1, -normal1) };
        }
        Some(index) => {
            incident = [v1, v2].map(|v| ClipVertex { v, id: [0, index as u8, VERTEX, FACE] });
            (i1, i2) = (index, b.after(index));
            (face1, face2, face_normal) = (vertices[i1], vertices[i2], normals[i1]);
        }
    }
    let side1 = Vec2::new(face_normal.y, -face_normal.x);
    let side2 = -side1;
    let Some(clipped) = clip(incident, side1, side1.dot(face1), i1) else { return };
    let Some(clipped) = clip(clipped, side2, side2.dot(face2), i2) else { return };

    manifold.face_b = axis.edge_b.is_some();
    (manifold.local_normal, manifold.local_point) = match axis.edge_b {
        None => (face_normal, face1),
        Some(index) => (b.normals()[index], b.vertices()[index]),
    };
    for point in clipped {
        if face_normal.dot(point.v - face1) <= radius {
            let [a, b, type_a, type_b] = point.id;
            let (local_point, id) = match axis.edge_b {
                None => (xf.invert(point.v), point.id),
                Some(_) => (point.v, [b, a, type_b, type_a]),
            };
            manifold.points[manifold.count] = ManifoldPoint { local_point, id, ..Default::default() };
            manifold.count += 1;
        }
    }
}

/// The axis of the polygon's edge that separates most; `None` if no edge may be one.
fn polygon_separation(
    [v1, v2]: [Vec2; 2],
    vertices: &[Vec2],
    normals: &[Vec2],
    normal: Vec2,
    limit: Vec2,
    radius: f32,
) -> Option<Axis> {
    let mut axis = None;
    let mut separation = -f32::MAX;
    for (i, (&vertex, &outward)) in vertices.iter().zip(normals).enumerate() {
        let n = -outward;
        let s = min(n.dot(vertex - v1), n.dot(vertex - v2));
        if s > radius {
            return Some(Axis { edge_b: Some(i), separation: s });
        }
        // Without neighbours of the edge both limits of the normal are the same.
        if (n - limit).dot(normal) < -ANGULAR_SLOP {
            continue;
        }
        if s > separation {
            separation = s;
            axis = Some(Axis { edge_b: Some(i), separation });
        }
    }
    axis
}

/// The separation of an edge of `a` and `b`.
fn edge_separation(a: &Polygon, xf_a: &Transform, edge: usize, b: &Polygon, xf_b: &Transform) -> f32 {
    let normal_world = xf_a.q.apply(a.normals()[edge]);
    let normal = xf_b.q.invert(normal_world);
    let (mut index, mut least) = (0, f32::MAX);
    for (i, vertex) in b.vertices().iter().enumerate() {
        let dot = vertex.dot(normal);
        if dot < least {
            (least, index) = (dot, i);
        }
    }
    let (v1, v2) = (xf_a.apply(a.vertices()[edge]), xf_b.apply(b.vertices()[index]));
    (v2 - v1).dot(normal_world)
}

/// The edge of `a` with the largest separation from `b`, and that.
fn max_separation(a: &Polygon, xf_a: &Transform, b: &Polygon, xf_b: &Transform) -> (usize, f32) {
    let d = xf_b.apply(b.centroid) - xf_a.apply(a.centroid);
    let local = xf_a.q.invert(d);
    let (mut edge, mut most) = (0, -f32::MAX);
    for (i, normal) in a.normals().iter().enumerate() {
        let dot = normal.dot(local);
        if dot > most {
            (most, edge) = (dot, i);
        }
    }
    let separation = |edge| edge_separation(a, xf_a, edge, b, xf_b);
    let before = |edge: usize| if edge >= 1 { edge - 1 } else { a.count - 1 };
    let s = separation(edge);
    let (previous, next) = (before(edge), a.after(edge));
    let (s_previous, s_next) = (separation(previous), separation(next));
    let (backward, mut best, mut best_separation) = if s_previous > s && s_previous > s_next {
        (true, previous, s_previous)
    } else if s_next > s {
        (false, next, s_next)
    } else {
        return (edge, s);
    };
    loop {
        let edge = if backward { before(best) } else { a.after(best) };
        let s = separation(edge);
        if s > best_separation {
            (best, best_separation) = (edge, s);
        } else {
            return (best, best_separation);
        }
    }
}

fn incident_edge(
    p1: &Polygon,
    xf1: &Transform,
    edge: usize,
    p2: &Polygon,
    xf2: &Transform,
) -> [ClipVertex; 2] {
    let normal = xf2.q.invert(xf1.q.apply(p1.normals()[edge]));
    let (mut index, mut least) = (0, f32::MAX);
    for (i, other) in p2.normals().iter().enumerate() {
        let dot = normal.dot(*other);
        if dot < least {
            (least, index) = (dot, i);
        }
    }
    [index, p2.after(index)]
        .map(|i| ClipVertex { v: xf2.apply(p2.vertices()[i]), id: [edge as u8, i as u8, FACE, VERTEX] })
}

fn collide_polygons(a: &Polygon, xf_a: &Transform, b: &Polygon, xf_b: &Transform, manifold: &mut Manifold) {
    let radius = POLYGON_RADIUS + POLYGON_RADIUS;
    let (edge_a, separation_a) = max_separation(a, xf_a, b, xf_b);
    if separation_a > radius {
        return;
    }
    let (edge_b, separation_b) = max_separation(b, xf_b, a, xf_a);
    if separation_b > radius {
        return;
    }
    let face_b = separation_b > 0.98 * separation_a + 0.001;
    let (p1, xf1, edge, p2, xf2) =
        if face_b { (b, xf_b, edge_b, a, xf_a) } else { (a, xf_a, edge_a, b, xf_b) };
    let incident = incident_edge(p1, xf1, edge, p2, xf2);
    let (i1, i2) = (edge, p1.after(edge));
    let (v11, v12) = (p1.vertices()[i1], p1.vertices()[i2]);
    let local_tangent = (v12 - v11).normalised();
    let local_normal = local_tangent.cross_scalar(1.0);
    let plane_point = (v11 + v12) * 0.5;
    let tangent = xf1.q.apply(local_tangent);
    let normal = tangent.cross_scalar(1.0);
    let (v11, v12) = (xf1.apply(v11), xf1.apply(v12));
    let front = normal.dot(v11);
    let side1 = -tangent.dot(v11) + radius;
    let side2 = tangent.dot(v12) + radius;
    let Some(clipped) = clip(incident, -tangent, side1, i1) else { return };
    let Some(clipped) = clip(clipped, tangent, side2, i2) else { return };

    manifold.face_b = face_b;
    (manifold.local_normal, manifold.local_point) = (local_normal, plane_point);
    for point in clipped {
        if normal.dot(point.v) - front <= radius {
            let [first, second, type_first, type_second] = point.id;
            let id = if face_b { [second, first, type_second, type_first] } else { point.id };
            let local_point = xf2.invert(point.v);
            manifold.points[manifold.count] = ManifoldPoint { local_point, id, ..Default::default() };
            manifold.count += 1;
        }
    }
}
