//! Environments of Sutton and Barto's book (2nd edition, 2018) that Gymnasium does not have.
//!
//! ```
//! use potstill_env::{Env, book::dyna_maze};
//!
//! let (mut env, mut state) = (dyna_maze::env(), 0);
//! env.reset(None, &mut state);
//! assert_eq!(state, dyna_maze::START);
//! ```

pub mod access_control;
pub mod bandit;
pub mod car_rental;
pub mod dyna_maze;
pub mod gambler;
pub mod maximization_bias;
mod numbers;
pub mod random_walk;
pub mod short_corridor;
pub mod small_gridworld;
pub mod windy_gridworld;

use crate::registry::Entry;

/// The environments of this family in the registry.
pub(crate) fn entries() -> Vec<Entry> {
    vec![
        access_control::entry(),
        bandit::entry(),
        car_rental::entry(),
        dyna_maze::entry(),
        gambler::entry(),
        random_walk::entry(),
        short_corridor::entry(),
        small_gridworld::entry(),
        windy_gridworld::entry(),
    ]
}
