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

use crate::registry::Entry;

/// The environments of this family in the registry.
pub(crate) fn entries() -> Vec<Entry> {
    vec![
        blackjack::entry(),
        cliff_walking::entry(),
        cliff_walking::slippery_entry(),
        frozen_lake::entry(),
        frozen_lake::entry_8x8(),
        taxi::entry(),
    ]
}
