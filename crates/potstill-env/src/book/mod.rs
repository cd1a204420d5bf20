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
pub mod random_walk;
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
        small_gridworld::entry(),
        windy_gridworld::entry(),
    ]
}

/// Names of actions that are numbers, from 1.
#[rustfmt::skip]
static NUMBERS: [&str; 100] = [
    "1", "2", "3", "4", "5", "6", "7", "8", "9", "10",
    "11", "12", "13", "14", "15", "16", "17", "18", "19", "20",
    "21", "22", "23", "24", "25", "26", "27", "28", "29", "30",
    "31", "32", "33", "34", "35", "36", "37", "38", "39", "40",
    "41", "42", "43", "44", "45", "46", "47", "48", "49", "50",
    "51", "52", "53", "54", "55", "56", "57", "58", "59", "60",
    "61", "62", "63", "64", "65", "66", "67", "68", "69", "70",
    "71", "72", "73", "74", "75", "76", "77", "78", "79", "80",
    "81", "82", "83", "84", "85", "86", "87", "88", "89", "90",
    "91", "92", "93", "94", "95", "96", "97", "98", "99", "100",
];
