//! Gymnasium's toy texts: small environments with discrete states.
//!
//! ```
//! use potstill_env::{Env, toy_text::cliff_walking};
//!
//! let (mut env, mut state) = (cliff_walking::env(false), 0);
//! env.reset(None, &mut state);
//! assert_eq!(state, cliff_walking::START);
//! ```

pub mod blackjack;
pub mod cliff_walking;
pub mod frozen_lake;
pub mod taxi;

use crate::registry::entry::Entry;

/// The environments of this family in the registry.
pub(crate) static ENTRIES: &[&Entry] = &[
    &blackjack::ENTRY,
    &cliff_walking::ENTRY,
    &cliff_walking::SLIPPERY_ENTRY,
    &frozen_lake::ENTRY,
    &frozen_lake::ENTRY_8X8,
    &taxi::ENTRY,
];
