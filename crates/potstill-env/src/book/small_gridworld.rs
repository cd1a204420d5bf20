//! `SmallGridworld`: a grid of 4 x 4 squares, of which two corners are the end (Sutton and Barto 2018, Example
//! 4.1 and figure 4.1).
//!
//! ```
//! use potstill_env::{Env, book::small_gridworld};
//!
//! let (mut env, mut state) = (small_gridworld::env(), 0);
//! // Episodes until one starts below and to the right of the upper left corner.
//! while state != 5 {
//!     env.reset(None, &mut state);
//! }
//! let (up, left) = (env.step(&0, &mut state)?, env.step(&3, &mut state)?);
//! assert_eq!((up.reward + left.reward, left.terminated, state), (-2.0, true, 0));
//! # Ok::<(), potstill_env::EnvError>(())
//! ```
//!
//! # Action space
//!
//! `Discrete(4)`: 0 up, 1 right, 2 down, 3 left. A step against the edge leads nowhere.
//!
//! # Observation space
//!
//! `Discrete(16)`: `row * 4 + column`. 0 and 15, the upper left and the lower right corner, are the end; in the
//! book they are one state that is shown in two places.
//!
//! # Rewards
//!
//! -1 for each step.
//!
//! # Starting state
//!
//! Any but the end, each with the same probability.
//!
//! # Episode end
//!
//! Terminates in the corners 0 and 15. There is no time limit.
//!
//! # Options
//!
//! Only the [general ones](crate::registry::GENERAL_OPTIONS).
//!
//! # Source
//!
//! The book; it is not in Gymnasium. The book gives no starting state.

use crate::registry::{Entry, Kind};
use crate::{ModelEnv, ModelOutcome, Paint, Scene, TransitionModel};
use std::sync::Arc;

/// Rows and columns of the grid.
pub const SIDE: usize = 4;
/// The number of squares.
pub const STATES: usize = SIDE * SIDE;

fn is_end(state: usize) -> bool {
    state == 0 || state == STATES - 1
}

/// The grid. It has no time limit.
pub fn env() -> ModelEnv {
    let inside = (1..STATES - 1).map(|state| (1.0 / (STATES - 2) as f64, state)).collect();
    let model = TransitionModel::new(STATES, 4, inside, |state, action| {
        let (row, column) = (state / SIDE, state % SIDE);
        let (row, column) = match action {
            0 => (row.saturating_sub(1), column),
            1 => (row, (column + 1).min(SIDE - 1)),
            2 => ((row + 1).min(SIDE - 1), column),
            _ => (row, column.saturating_sub(1)),
        };
        let next = row * SIDE + column;
        vec![ModelOutcome::certain(next, -1.0, is_end(next))]
    });
    ModelEnv::new(model, Arc::new(scene))
}

fn scene(state: usize) -> Scene {
    Scene::grid(SIDE, SIDE, |row, column| match is_end(row * SIDE + column) {
        true => (Paint::Goal, 'G'),
        false => (Paint::Ground, ' '),
    })
    .with_agent(state / SIDE, state % SIDE)
}

pub(crate) fn entry() -> Entry {
    Entry::new("SmallGridworld", "reach one of two corners of a small grid", |_| Ok(Kind::states(env())))
        .documented(include_str!("small_gridworld.rs"))
        .actions(&["up", "right", "down", "left"])
}
