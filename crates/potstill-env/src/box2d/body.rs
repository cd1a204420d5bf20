//! Bodies: a state of motion, a mass, and forces.

use super::maths::{Sweep, Transform, Vec2};
use super::shape::Polygon;

/// A dynamic body to be made, of one polygon.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyDef {
    /// The origin of the polygon.
    pub(crate) position: Vec2,
    /// In radians.
    pub(crate) angle: f32,
    /// The shape, about the origin.
    pub(crate) polygon: Polygon,
    /// Mass of a unit of area.
    pub(crate) density: f32,
    /// The coefficient of friction.
    pub(crate) friction: f32,
}

/// A body: ground, which never moves, or dynamic.
#[derive(Clone, Copy, Debug)]
pub(super) struct Body {
    pub(super) is_awake: bool,
    /// `true` if the island that is being made has the body.
    pub(super) in_island: bool,
    /// The place in that island.
    pub(super) island_index: usize,
    /// The fixture of a dynamic body.
    pub(super) fixture: usize,
    pub(super) xf: Transform,
    pub(super) sweep: Sweep,
    pub(super) v: Vec2,
    pub(super) w: f32,
    pub(super) force: Vec2,
    pub(super) torque: f32,
    pub(super) inv_mass: f32,
    pub(super) inv_inertia: f32,
    pub(super) sleep_seconds: f32,
}

impl Body {
    /// A body that never moves, at the origin.
    pub(super) fn ground() -> Self {
        Self {
            is_awake: true,
            in_island: false,
            island_index: 0,
            fixture: 0,
            xf: Transform::IDENTITY,
            sweep: Sweep::default(),
            v: Vec2::ZERO,
            w: 0.0,
            force: Vec2::ZERO,
            torque: 0.0,
            inv_mass: 0.0,
            inv_inertia: 0.0,
            sleep_seconds: 0.0,
        }
    }

    pub(super) fn dynamic(def: &BodyDef, fixture: usize) -> Self {
        let xf = Transform::about(def.position, def.angle, Vec2::ZERO);
        let (mass, centre, inertia) = def.polygon.mass(def.density);
        let inv_mass = 1.0 / mass;
        let local_centre = (Vec2::ZERO + centre * mass) * inv_mass;
        let inertia = inertia - mass * local_centre.dot(local_centre);
        let c = xf.apply(local_centre);
        let sweep = Sweep { local_centre, c0: c, c, a0: def.angle, a: def.angle, alpha0: 0.0 };
        let inv_inertia = 1.0 / inertia;
        Self { fixture, xf, sweep, inv_mass, inv_inertia, ..Self::ground() }
    }

    pub(super) fn set_awake(&mut self, is_awake: bool) {
        if is_awake {
            if !self.is_awake {
                self.is_awake = true;
                self.sleep_seconds = 0.0;
            }
        } else {
            self.is_awake = false;
            self.sleep_seconds = 0.0;
            (self.v, self.w) = (Vec2::ZERO, 0.0);
            (self.force, self.torque) = (Vec2::ZERO, 0.0);
        }
    }

    #[inline]
    pub(super) fn synchronise_transform(&mut self) {
        self.xf = Transform::about(self.sweep.c, self.sweep.a, self.sweep.local_centre);
    }

    /// Moves the body to the fraction `alpha` of the step.
    pub(super) fn advance(&mut self, alpha: f32) {
        self.sweep.advance(alpha);
        self.sweep.c = self.sweep.c0;
        self.sweep.a = self.sweep.a0;
        self.synchronise_transform();
    }
}
