//! `DynaMaze`: a maze of 6 x 9 squares (Sutton and Barto 2018, Example 8.1).
//!
//! ```
//! use potstill_env::{Env, book::dyna_maze};
//!
//! let (mut env, mut state) = (dyna_maze::env(), 0);
//! env.reset(None, &mut state);
//! for action in [2, 2, 1, 1, 1, 1, 0, 1, 1, 1, 1, 0, 0] {
//!     env.step(&action, &mut state)?;
//! }
//! assert_eq!(state, 17);
//! assert_eq!(env.step(&0, &mut state)?.reward, 1.0);
//! # Ok::<(), potstill_env::EnvError>(())
//! ```
//!
//! # Action space
//!
//! `Discrete(4)`: 0 up, 1 right, 2 down, 3 left. A step against a wall or the edge leads nowhere.
//!
//! # Observation space
//!
//! `Discrete(54)`: `row * 9 + column`.
//!
//! | state | meaning |
//! |---|---|
//! | 18 | start |
//! | 8 | goal |
//!
//! # Rewards
//!
//! 1 for reaching the goal, 0 otherwise.
//!
//! # Starting state
//!
//! Always 18. The shortest way has 14 steps.
//!
//! # Episode end
//!
//! Terminates at the goal. There is no time limit.
//!
//! # Options
//!
//! Only the [general ones](crate::registry::GENERAL_OPTIONS).
//!
//! # Source
//!
//! The book; it is not in Gymnasium.

use crate::registry::{Entry, Kind};
use crate::{ModelEnv, ModelOutcome, Paint, Scene, TransitionModel};
use std::sync::Arc;

/// Rows of the maze.
pub const ROWS: usize = 6;
/// Columns of the maze.
pub const COLUMNS: usize = 9;
/// The state in which an episode starts.
pub const START: usize = 2 * COLUMNS;
/// The goal, the upper right corner.
pub const GOAL: usize = COLUMNS - 1;
const WALLS: [(usize, usize); 7] = [(1, 2), (2, 2), (3, 2), (4, 5), (0, 7), (1, 7), (2, 7)];

/// The maze. It has no time limit.
pub fn env() -> ModelEnv {
    let model = TransitionModel::new(ROWS * COLUMNS, 4, vec![(1.0, START)], |state, action| {
        let (row, column) = (state / COLUMNS, state % COLUMNS);
        let to = match action {
            0 => (row.saturating_sub(1), column),
            1 => (row, (column + 1).min(COLUMNS - 1)),
            2 => ((row + 1).min(ROWS - 1), column),
            _ => (row, column.saturating_sub(1)),
        };
        let (row, column) = if WALLS.contains(&to) { (row, column) } else { to };
        let next = row * COLUMNS + column;
        let arrived = next == GOAL;
        vec![ModelOutcome::certain(next, if arrived { 1.0 } else { 0.0 }, arrived)]
    });
    ModelEnv::new(model, Arc::new(scene))
}

fn scene(state: usize) -> Scene {
    Scene::grid(ROWS, COLUMNS, |row, column| match row * COLUMNS + column {
        GOAL => (Paint::Goal, 'G'),
        START => (Paint::Ground, 'S'),
        _ if WALLS.contains(&(row, column)) => (Paint::Ink, ' '),
        _ => (Paint::Ground, ' '),
    })
    .with_agent(state / COLUMNS, state % COLUMNS)
}

pub(crate) fn entry() -> Entry {
    Entry::new("DynaMaze", "find the way through a maze", |_| Ok(Kind::states(env())))
        .documented(include_str!("dyna_maze.rs"))
        .actions(&["up", "right", "down", "left"])
}
