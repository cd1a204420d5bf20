//! Several worlds side by side: a velocity iteration waits for the result of the one before, so that one
//! world leaves most of a processor idle. Here each world has a lane of vectors, in which it does the same
//! operations in the same order as alone, and has the same bits.

use super::island::Island;
use super::velocity::{
    ContactColumns, ContactConstraint, ContactImpulse, ContactImpulseColumns, JointColumns, JointConstraint,
    JointImpulse, JointImpulseColumns, Velocity, VelocityColumns,
};
use super::world::{TimeStep, World};
use potstill_core::wide;

/// Worlds that lie side by side, and lanes of a vector: work for a vector in which no world has a contact is
/// left out.
const LANES: usize = 16;
const VECTOR: usize = 8;
/// Bodies and joints, and contacts, for which there is room from the start.
const BODIES: usize = 8;
const CONTACTS: usize = 32;

/// Numbers that lie in columns of one lane for each world.
pub(super) trait InLanes: Sized {
    /// A column for each number.
    type Columns;

    fn load(columns: &Self::Columns, lane: usize) -> Self;

    fn store(&self, columns: &mut Self::Columns, lane: usize);
}

impl InLanes for f32 {
    type Columns = [f32; LANES];

    #[inline(always)]
    fn load(columns: &Self::Columns, lane: usize) -> Self {
        columns[lane]
    }

    #[inline(always)]
    fn store(&self, columns: &mut Self::Columns, lane: usize) {
        columns[lane] = *self;
    }
}

impl<T: InLanes> InLanes for [T; 2] {
    type Columns = [T::Columns; 2];

    #[inline(always)]
    fn load([first, second]: &Self::Columns, lane: usize) -> Self {
        [T::load(first, lane), T::load(second, lane)]
    }

    #[inline(always)]
    fn store(&self, [first, second]: &mut Self::Columns, lane: usize) {
        self[0].store(first, lane);
        self[1].store(second, lane);
    }
}

/// Declares a struct of numbers and that of their columns; or, with `impl`, the latter alone.
macro_rules! in_lanes {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident as $columns:ident {
            $($(#[$field_meta:meta])* $field:ident: $type:ty,)+
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default)]
        $vis struct $name {
            $($(#[$field_meta])* $vis $field: $type,)+
        }

        $crate::box2d::lanes::in_lanes! { impl $name as $columns { $($field: $type,)+ } }
    };
    (impl $name:ident as $columns:ident { $($field:ident: $type:ty,)+ }) => {
        #[derive(Clone, Debug, Default)]
        pub(super) struct $columns {
            $($field: <$type as $crate::box2d::lanes::InLanes>::Columns,)+
        }

        impl $crate::box2d::lanes::InLanes for $name {
            type Columns = $columns;

            #[inline(always)]
            fn load(columns: &Self::Columns, lane: usize) -> Self {
                Self { $($field: $crate::box2d::lanes::InLanes::load(&columns.$field, lane),)+ }
            }

            #[inline(always)]
            fn store(&self, columns: &mut Self::Columns, lane: usize) {
                $($crate::box2d::lanes::InLanes::store(&self.$field, &mut columns.$field, lane);)+
            }
        }
    };
}
pub(super) use in_lanes;

/// A joint of each world.
#[derive(Clone, Debug, Default)]
struct Joint {
    /// The places of its bodies in the islands.
    bodies: [usize; 2],
    constraint: JointColumns,
    total: JointImpulseColumns,
}

/// A contact of each world, or of some, with the same body.
#[derive(Clone, Debug, Default)]
struct Contact {
    body: usize,
    /// The vectors in which a world has the contact.
    vectors: [bool; LANES / VECTOR],
    constraint: ContactColumns,
    total: ContactImpulseColumns,
}

/// The place of a body's contacts in [`IslandLanes::contacts`]: as many as the world with the most has.
#[derive(Clone, Copy, Debug, Default)]
struct Contacts {
    first: usize,
    count: usize,
}

/// Islands of several worlds with the same joints.
#[derive(Clone, Debug)]
pub(crate) struct IslandLanes {
    velocities: Vec<VelocityColumns>,
    joints: Vec<Joint>,
    /// By body.
    contacts: Vec<Contact>,
    contacts_of: Vec<Contacts>,
}

impl IslandLanes {
    /// Room for islands of landers and walkers.
    pub(crate) fn new() -> Self {
        Self {
            velocities: Vec::with_capacity(BODIES),
            joints: Vec::with_capacity(BODIES),
            contacts: Vec::with_capacity(CONTACTS),
            contacts_of: Vec::with_capacity(BODIES),
        }
    }

    /// Moves worlds by a step, as [`World::step`] moves one.
    pub(crate) fn step<W: AsMut<World>>(&mut self, step: &TimeStep, worlds: &mut [W]) {
        for worlds in worlds.chunks_mut(LANES) {
            if let [world] = worlds {
                world.as_mut().step(step);
                continue;
            }
            worlds.iter_mut().for_each(|world| world.as_mut().begin(step));
            self.solve_velocities(step.velocity_iterations, worlds);
            worlds.iter_mut().for_each(|world| world.as_mut().finish(step));
        }
    }

    /// Solves the velocities of the worlds' islands: together if they have the joints of the first one,
    /// otherwise alone.
    fn solve_velocities<W: AsMut<World>>(&mut self, iterations: u32, worlds: &mut [W]) {
        self.take_shape(&worlds[0].as_mut().island);
        for world in &mut *worlds {
            let island = &mut world.as_mut().island;
            match self.fits(island) {
                true => self.reserve_contacts(island),
                false => island.solve_velocities(iterations),
            }
        }
        self.place_contacts();
        for (lane, world) in worlds.iter_mut().enumerate() {
            self.load(lane, &world.as_mut().island);
        }
        self.iterate(iterations);
        for (lane, world) in worlds.iter_mut().enumerate() {
            self.store(lane, &mut world.as_mut().island);
        }
    }

    /// Takes the bodies and joints of an island.
    fn take_shape(&mut self, island: &Island) {
        self.velocities.clear();
        self.velocities.resize_with(island.velocities.len(), Default::default);
        self.contacts_of.clear();
        self.contacts_of.resize_with(island.velocities.len(), Default::default);
        self.joints.clear();
        let joints = island.joints.iter();
        self.joints.extend(joints.map(|joint| Joint { bodies: joint.bodies, ..Joint::default() }));
    }

    /// Returns true if an island has these bodies and joints.
    fn fits(&self, island: &Island) -> bool {
        island.velocities.len() == self.velocities.len()
            && island.joints.len() == self.joints.len()
            && island.joints.iter().zip(&self.joints).all(|(joint, ours)| joint.bodies == ours.bodies)
    }

    fn reserve_contacts(&mut self, island: &Island) {
        for contacts in island.contacts_by_body() {
            let count = &mut self.contacts_of[contacts[0].body].count;
            *count = contacts.len().max(*count);
        }
    }

    fn place_contacts(&mut self) {
        self.contacts.clear();
        for (body, contacts) in self.contacts_of.iter_mut().enumerate() {
            contacts.first = self.contacts.len();
            let empty = || Contact { body, ..Contact::default() };
            self.contacts.resize_with(contacts.first + contacts.count, empty);
        }
    }

    fn load(&mut self, lane: usize, island: &Island) {
        if !self.fits(island) {
            return;
        }
        for (to, velocity) in self.velocities.iter_mut().zip(&island.velocities) {
            velocity.store(to, lane);
        }
        for (to, joint) in self.joints.iter_mut().zip(&island.joints) {
            joint.constraint.store(&mut to.constraint, lane);
            joint.total.store(&mut to.total, lane);
        }
        for contacts in island.contacts_by_body() {
            let first = self.contacts_of[contacts[0].body].first;
            for (to, contact) in self.contacts[first..].iter_mut().zip(contacts) {
                to.vectors[lane / VECTOR] = true;
                contact.constraint.store(&mut to.constraint, lane);
                contact.total.store(&mut to.total, lane);
            }
        }
    }

    fn store(&self, lane: usize, island: &mut Island) {
        if !self.fits(island) {
            return;
        }
        for (from, velocity) in self.velocities.iter().zip(&mut island.velocities) {
            *velocity = Velocity::load(from, lane);
        }
        for (from, joint) in self.joints.iter().zip(&mut island.joints) {
            joint.total = JointImpulse::load(&from.total, lane);
        }
        for contacts in island.contacts_by_body_mut() {
            let first = self.contacts_of[contacts[0].body].first;
            for (from, contact) in self.contacts[first..].iter().zip(contacts) {
                contact.total = ContactImpulse::load(&from.total, lane);
            }
        }
    }

    fn iterate(&mut self, iterations: u32) {
        let Self { velocities, joints, contacts, .. } = self;
        wide::run_widest(
            #[inline(always)]
            || {
                for _ in 0..iterations {
                    for Joint { bodies, constraint, total } in &mut *joints {
                        if let Ok([a, b]) = velocities.get_disjoint_mut(*bodies) {
                            solve_joint(constraint, total, a, b);
                        }
                    }
                    for Contact { body, vectors, constraint, total } in &mut *contacts {
                        solve_contact(vectors, constraint, total, &mut velocities[*body]);
                    }
                }
            },
        );
    }
}

/// Solves a joint in all lanes.
#[inline(always)]
fn solve_joint(
    constraint: &JointColumns,
    total: &mut JointImpulseColumns,
    a: &mut VelocityColumns,
    b: &mut VelocityColumns,
) {
    for lane in 0..LANES {
        let (mut impulse, constraint) =
            (JointImpulse::load(total, lane), JointConstraint::load(constraint, lane));
        let (mut velocity_a, mut velocity_b) = (Velocity::load(a, lane), Velocity::load(b, lane));
        constraint.solve(&mut impulse, &mut velocity_a, &mut velocity_b);
        impulse.store(total, lane);
        velocity_a.store(a, lane);
        velocity_b.store(b, lane);
    }
}

/// Solves a contact in all lanes that have one.
#[inline(always)]
fn solve_contact(
    vectors: &[bool; LANES / VECTOR],
    constraint: &ContactColumns,
    total: &mut ContactImpulseColumns,
    body: &mut VelocityColumns,
) {
    // Numbers, not an iterator of the flags, so that the compiler knows that lanes are in bounds.
    for vector in (0..LANES / VECTOR).filter(|&vector| vectors[vector]) {
        for lane in 0..VECTOR {
            let lane = vector * VECTOR + lane;
            let (mut impulse, mut velocity) = (ContactImpulse::load(total, lane), Velocity::load(body, lane));
            ContactConstraint::load(constraint, lane).solve(&mut impulse, &mut velocity);
            impulse.store(total, lane);
            velocity.store(body, lane);
        }
    }
}
