//! Classic control: environments whose state is a few numbers and whose step is a pure function of them.
//!
//! An environment implements [`Dynamics`] once. [`Single`] makes an environment of them,
//! [`Lanes`](crate::vector::Lanes) many in structure-of-arrays form, which the compiler turns into vector
//! instructions.
//!
//! ```
//! use potstill_env::classic_control::{Dynamics, cart_pole::CartPoleRules};
//!
//! // An upright pole falls to the left when the cart is pushed to the right.
//! let moved = CartPoleRules::default().step([0.0; 4], &1);
//! assert!(moved.state[3] < 0.0 && moved.reward == 1.0 && !moved.terminated);
//! ```

pub mod acrobot;
pub mod cart_pole;
pub(crate) mod dynamics;
pub mod linear_quadratic;
pub mod mountain_car;
pub mod pendulum;

pub use dynamics::{Dynamics, Moved, Single};

use crate::registry::Entry;

/// The environments of this family in the registry.
pub(crate) fn entries() -> Vec<Entry> {
    vec![
        acrobot::entry(),
        cart_pole::entry(),
        mountain_car::entry(),
        mountain_car::continuous_entry(),
        pendulum::entry(),
        linear_quadratic::entry(),
    ]
}
