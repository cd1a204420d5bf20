//! Gymnasium's Box2D environments: landers and walkers of rigid bodies.
//!
//! Every episode begins in a fresh world; so does Gymnasium's lander, while its walkers keep traces of the
//! episode before.
//!
//! ```
//! use potstill_env::{Env, registry::find};
//!
//! let mut env = find("LunarLander-v3")?.make_features().unwrap();
//! let mut observation = [0.0; 8];
//! env.reset(Some(1), &mut observation);
//! // Without its engines the lander falls.
//! let before = observation[3];
//! env.step(&0, &mut observation)?;
//! assert!(observation[3] < before);
//! # Ok::<(), potstill_env::EnvError>(())
//! ```

pub mod bipedal_walker;
pub mod lunar_lander;
mod simulated;

pub(crate) use simulated::TIME_STEP;
pub use simulated::{Simulated, Task};

use crate::registry::Entry;

/// The environments of this family in the registry.
pub(crate) fn entries() -> Vec<Entry> {
    let mut entries = lunar_lander::entries();
    entries.extend(bipedal_walker::entries());
    entries
}
