//! `CliffWalking-v1` and `CliffWalkingSlippery-v1`: a 4 x 12 grid with a cliff along its lower edge (Sutton
//! and Barto 2018, Example 6.6).
//!
//! ```
//! use potstill_env::{Env, toy_text::cliff_walking};
//!
//! let (mut env, mut state) = (cliff_walking::env(false), 0);
//! env.reset(None, &mut state);
//! assert_eq!(state, 36);
//! // To the right lies the cliff.
//! assert_eq!(env.step(&1, &mut state)?.reward, -100.0);
//! assert_eq!(state, 36);
//! # Ok::<(), potstill_env::EnvError>(())
//! ```
//!
//! # Action space
//!
//! `Discrete(4)`: 0 up, 1 right, 2 down, 3 left.
//!
//! # Observation space
//!
//! `Discrete(48)`: `row * 12 + column`.
//!
//! | state | meaning |
//! |---|---|
//! | 36 | start |
//! | 37 to 46 | cliff, never occupied |
//! | 47 | goal |
//!
//! # Rewards
//!
//! -1 for each step; -100 for a step into the cliff, which leads back to the start.
//!
//! # Starting state
//!
//! Always 36.
//!
//! # Episode end
//!
//! Terminates at the goal. There is no time limit.
//!
//! # Options
//!
//! | option | meaning | default | example |
//! |---|---|---|---|
//! | `is_slippery` | a step goes where it was meant to, or to either side, with probability 1/3 each: `true` or `false` | `false` | `true` |
//!
//! It is `true` for `CliffWalkingSlippery-v1`.
//!
//! # Source
//!
//! Gymnasium 1.4, `CliffWalking-v1` and `CliffWalkingSlippery-v1`: trajectories of equal seeds and the models
//! are equal.

use crate::registry::{Entry, Kind, Options};
use crate::{ModelEnv, ModelOutcome, Paint, Scene, TransitionModel};
use std::sync::Arc;

/// Rows of the grid.
pub const ROWS: usize = 4;
/// Columns of the grid.
pub const COLUMNS: usize = 12;
/// The start, the lower left corner.
pub const START: usize = 36;
/// The goal, the lower right corner.
pub const GOAL: usize = 47;

/// Returns true if a state is part of the cliff.
pub fn is_cliff(state: usize) -> bool {
    (START + 1..GOAL).contains(&state)
}

/// The cliff walk. It has no time limit.
pub fn env(is_slippery: bool) -> ModelEnv {
    let model = TransitionModel::new(ROWS * COLUMNS, 4, vec![(1.0, START)], |state, action| {
        let directions = match is_slippery {
            true => vec![(action + 3) % 4, action, (action + 1) % 4],
            false => vec![action],
        };
        let probability = 1.0 / directions.len() as f64;
        let outcome = |direction| {
            let (row, column) = (state / COLUMNS, state % COLUMNS);
            let (row, column) = match direction {
                0 => (row.saturating_sub(1), column),
                1 => (row, (column + 1).min(COLUMNS - 1)),
                2 => ((row + 1).min(ROWS - 1), column),
                _ => (row, column.saturating_sub(1)),
            };
            let landed = row * COLUMNS + column;
            match is_cliff(landed) {
                true => ModelOutcome { probability, next: START, reward: -100.0, terminated: false },
                false => ModelOutcome { probability, next: landed, reward: -1.0, terminated: landed == GOAL },
            }
        };
        directions.into_iter().map(outcome).collect()
    });
    ModelEnv::new(model, Arc::new(scene))
}

fn scene(state: usize) -> Scene {
    Scene::grid(ROWS, COLUMNS, |row, column| match row * COLUMNS + column {
        cell if is_cliff(cell) => (Paint::Danger, 'C'),
        GOAL => (Paint::Goal, 'G'),
        START => (Paint::Ground, 'S'),
        _ => (Paint::Ground, ' '),
    })
    .with_agent(state / COLUMNS, state % COLUMNS)
}

pub(crate) fn entry() -> Entry {
    Entry::new("CliffWalking-v1", "walk along a cliff to the goal", |options| kind(options, false))
        .documented(include_str!("cliff_walking.rs"))
        .actions(&["up", "right", "down", "left"])
}

pub(crate) fn slippery_entry() -> Entry {
    Entry::new("CliffWalkingSlippery-v1", "walk along a cliff on slippery ground", |options| {
        kind(options, true)
    })
    .documented(include_str!("cliff_walking.rs"))
    .with_default("is_slippery", "true", "false")
    .actions(&["up", "right", "down", "left"])
}

fn kind(options: &mut Options<'_>, is_slippery: bool) -> Result<Kind, String> {
    Ok(Kind::states(env(options.flag("is_slippery", is_slippery)?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Env;

    #[test]
    fn the_walks_of_the_book() {
        let check = |actions: &str, rewards: f64, end: usize, terminated: bool| {
            let mut env = env(false);
            let (mut s, mut total, mut last) = (0, 0.0, false);
            env.reset(None, &mut s);
            for action in actions.chars() {
                let outcome = env.step(&"URDL".find(action).unwrap(), &mut s).unwrap();
                (total, last) = (total + outcome.reward, outcome.terminated);
            }
            assert_eq!((total, s, last), (rewards, end, terminated), "{actions}");
        };
        check("URRRRRRRRRRRD", -13.0, 47, true);
        check("UUURRRRRRRRRRRDDD", -17.0, 47, true);
        check("R", -100.0, 36, false);
        check("URRD", -103.0, 36, false);
        check("LLDD", -4.0, 36, false);
        check("UUUU", -4.0, 0, false);
    }
}
