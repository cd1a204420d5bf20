//! Contacts: pairs of a fixture of the ground and one of a dynamic body whose enlarged boxes overlap.

use super::collide::Manifold;

/// A contact.
#[derive(Clone, Copy, Debug)]
pub(super) struct Contact {
    /// The fixture of the ground.
    pub(super) a: usize,
    /// The fixture of the dynamic body.
    pub(super) b: usize,
    pub(super) body_a: usize,
    pub(super) body_b: usize,
    pub(super) friction: f32,
    pub(super) manifold: Manifold,
    pub(super) is_touching: bool,
    pub(super) is_enabled: bool,
    /// The fraction of the step at which the fixtures touch, if it has been computed.
    pub(super) impact: Option<f32>,
    /// Sub-steps of this step.
    pub(super) impacts: u32,
}

impl Contact {
    pub(super) fn new(a: usize, b: usize, body_a: usize, body_b: usize, friction: f32) -> Self {
        let manifold = Manifold::default();
        let (is_touching, is_enabled) = (false, true);
        Self { a, b, body_a, body_b, friction, manifold, is_touching, is_enabled, impact: None, impacts: 0 }
    }
}
