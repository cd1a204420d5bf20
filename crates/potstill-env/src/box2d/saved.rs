//! Snapshots of a world between two steps. Shapes, masses and anchors are not in them: the world is built
//! again before it is restored.

use super::body::Body;
use super::collide::{Manifold, ManifoldPoint};
use super::contact::Contact;
use super::joint::{Limit, RevoluteJoint};
use super::maths::{Vec2, Vec3};
use super::shape::Aabb;
use super::velocity::JointImpulse;
use super::world::World;
use potstill_core::snapshot::Codec;
use potstill_core::{Snapshot, SnapshotError, Value, snapshot};

snapshot! {
    impl Restorable for World {
        saved: inv_dt, bodies via Bodies(*ground_bodies), boxes via Boxes(*grounds), joints via Joints, contacts via Contacts;
        built: gravity, fixtures, ground_bodies, grounds, moved, touches, island, stack;
        then: Self::rejoin;
    }
}

impl World {
    /// Checks the contacts' fixtures, and finds what can be computed.
    fn rejoin(&mut self) -> Result<(), SnapshotError> {
        for contact in &mut self.contacts {
            if contact.a >= self.grounds || !(self.grounds..self.fixtures.len()).contains(&contact.b) {
                let reason = format!("there is no contact of {} and {}", contact.a, contact.b);
                return Err(SnapshotError::invalid("contacts", reason));
            }
            let (a, b) = (&self.fixtures[contact.a], &self.fixtures[contact.b]);
            (contact.body_a, contact.body_b) = (a.body, b.body);
            contact.friction = (a.friction * b.friction).sqrt();
        }
        let is_new = self.inv_dt == 0.0;
        self.moved.fill(is_new);
        self.touches.clear();
        Ok(())
    }
}

/// Finite numbers of single precision.
fn numbers<'a>(snapshot: &'a Snapshot, name: &str, length: usize) -> Result<&'a [f32], SnapshotError> {
    let numbers = snapshot.f32s(name, length)?;
    match numbers.iter().find(|number| !number.is_finite()) {
        None => Ok(numbers),
        Some(number) => Err(SnapshotError::invalid(name, format!("{number} is not finite"))),
    }
}

/// Dynamic bodies, after those of the ground: 8 numbers each.
struct Bodies(usize);

impl Codec<Vec<Body>> for Bodies {
    fn save(&self, bodies: &Vec<Body>, name: &str, snapshot: &mut Snapshot) {
        let row = |b: &Body| {
            let awake = f32::from(u8::from(b.is_awake));
            [b.sweep.c.x, b.sweep.c.y, b.sweep.a, b.v.x, b.v.y, b.w, b.sleep_seconds, awake]
        };
        let rows = bodies[self.0..].iter().flat_map(row).collect();
        snapshot.insert(name, Value::F32s(rows));
    }

    fn load(&self, bodies: &mut Vec<Body>, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        let bodies = &mut bodies[self.0..];
        let rows = numbers(snapshot, name, bodies.len() * 8)?;
        for (b, row) in bodies.iter_mut().zip(rows.chunks(8)) {
            b.sweep.c = Vec2::new(row[0], row[1]);
            b.sweep.a = row[2];
            (b.sweep.c0, b.sweep.a0) = (b.sweep.c, b.sweep.a);
            b.v = Vec2::new(row[3], row[4]);
            b.w = row[5];
            b.sleep_seconds = row[6];
            b.is_awake = row[7] != 0.0;
            (b.force, b.torque) = (Vec2::ZERO, 0.0);
            b.synchronise_transform();
        }
        Ok(())
    }
}

/// The boxes of dynamic bodies, after those of the ground: 4 numbers each.
struct Boxes(usize);

impl Codec<Vec<Aabb>> for Boxes {
    fn save(&self, boxes: &Vec<Aabb>, name: &str, snapshot: &mut Snapshot) {
        let row = |b: &Aabb| [b.lower.x, b.lower.y, b.upper.x, b.upper.y];
        snapshot.insert(name, Value::F32s(boxes[self.0..].iter().flat_map(row).collect()));
    }

    fn load(&self, boxes: &mut Vec<Aabb>, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        let boxes = &mut boxes[self.0..];
        let rows = numbers(snapshot, name, boxes.len() * 4)?;
        for (to, row) in boxes.iter_mut().zip(rows.chunks(4)) {
            *to = Aabb { lower: Vec2::new(row[0], row[1]), upper: Vec2::new(row[2], row[3]) };
        }
        Ok(())
    }
}

/// The impulses of joints, 4 numbers each and the number of the limit.
struct Joints;

const LIMITS: [Limit; 3] = [Limit::Inactive, Limit::Lower, Limit::Upper];

impl Codec<Vec<RevoluteJoint>> for Joints {
    fn save(&self, joints: &Vec<RevoluteJoint>, name: &str, snapshot: &mut Snapshot) {
        let row = |j: &RevoluteJoint| {
            let limit = LIMITS.iter().position(|limit| *limit == j.limit).unwrap_or(0);
            [j.total.point.x, j.total.point.y, j.total.point.z, j.total.motor, limit as f32]
        };
        snapshot.insert(name, Value::F32s(joints.iter().flat_map(row).collect()));
    }

    fn load(
        &self,
        joints: &mut Vec<RevoluteJoint>,
        name: &str,
        snapshot: &Snapshot,
    ) -> Result<(), SnapshotError> {
        let rows = numbers(snapshot, name, joints.len() * 5)?;
        for (joint, row) in joints.iter_mut().zip(rows.chunks(5)) {
            joint.total = JointImpulse { point: Vec3::new(row[0], row[1], row[2]), motor: row[3] };
            let limit = LIMITS.iter().enumerate().find(|(i, _)| *i as f32 == row[4]);
            joint.limit = *limit.ok_or_else(|| SnapshotError::invalid(name, format!("limit {}", row[4])))?.1;
        }
        Ok(())
    }
}

/// Contacts: their number, whole numbers, and numbers of single precision.
struct Contacts;

/// Fixtures, flags, points, and the ids of the points.
const WHOLES: usize = 6;
/// Both points with their impulses, normal and point of the reference face.
const REALS: usize = 12;
/// More contacts than any world has.
const CONTACTS_MAX: usize = 1 << 16;

impl Codec<Vec<Contact>> for Contacts {
    fn save(&self, contacts: &Vec<Contact>, name: &str, snapshot: &mut Snapshot) {
        let flag = |is_set: bool, bit: u32| u64::from(is_set) << bit;
        let wholes = |c: &Contact| {
            let flags = flag(c.is_touching, 0) | flag(c.is_enabled, 1) | flag(c.manifold.face_b, 2);
            let [first, second] = c.manifold.points.map(|point| u64::from(u32::from_le_bytes(point.id)));
            [c.a as u64, c.b as u64, flags, c.manifold.count as u64, first, second]
        };
        let reals = |c: &Contact| {
            let Manifold { points: [p, q], local_normal: n, local_point: l, .. } = c.manifold;
            let [p, q] =
                [p, q].map(|p| [p.local_point.x, p.local_point.y, p.normal_impulse, p.tangent_impulse]);
            [p, q, [n.x, n.y, l.x, l.y]].into_iter().flatten()
        };
        snapshot.insert(name, Value::U64(contacts.len() as u64));
        snapshot.insert("contact_features", Value::U64s(contacts.iter().flat_map(wholes).collect()));
        snapshot.insert("contact_points", Value::F32s(contacts.iter().flat_map(reals).collect()));
    }

    fn load(
        &self,
        contacts: &mut Vec<Contact>,
        name: &str,
        snapshot: &Snapshot,
    ) -> Result<(), SnapshotError> {
        let count = snapshot.index(name, CONTACTS_MAX)?;
        let wholes = snapshot.u64s("contact_features", count * WHOLES)?;
        let reals = numbers(snapshot, "contact_points", count * REALS)?;
        contacts.clear();
        for (whole, real) in wholes.chunks(WHOLES).zip(reals.chunks(REALS)) {
            let &[a, b, flags, points, first, second] = whole else { continue };
            if points > 2 {
                return Err(SnapshotError::invalid("contact_features", format!("{points} points")));
            }
            // Places that are too large for this machine are no fixtures either.
            let place = |place: u64| usize::try_from(place).unwrap_or(usize::MAX);
            let mut contact = Contact::new(place(a), place(b), 0, 0, 0.0);
            contact.is_touching = flags & 1 != 0;
            contact.is_enabled = flags & 2 != 0;
            let point = |id: u64, row: &[f32]| ManifoldPoint {
                local_point: Vec2::new(row[0], row[1]),
                normal_impulse: row[2],
                tangent_impulse: row[3],
                id: (id as u32).to_le_bytes(),
            };
            contact.manifold = Manifold {
                points: [point(first, &real[..4]), point(second, &real[4..8])],
                count: points as usize,
                local_normal: Vec2::new(real[8], real[9]),
                local_point: Vec2::new(real[10], real[11]),
                face_b: flags & 4 != 0,
            };
            contacts.push(contact);
        }
        Ok(())
    }
}
