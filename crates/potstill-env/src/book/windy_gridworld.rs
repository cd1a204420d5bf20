//! `WindyGridworld`: a grid of 7 x 10 squares with a wind from below (Sutton and Barto 2018, Example 6.5;
//! Exercises 6.9 and 6.10).
//!
//! ```
//! use potstill_env::{Env, book::windy_gridworld};
//!
//! let (mut env, mut state) = (windy_gridworld::env(false, false), 0);
//! env.reset(None, &mut state);
//! for _ in 0..9 {
//!     env.step(&1, &mut state)?;
//! }
//! // Blown to the upper edge.
//! assert_eq!(state, 9);
//! # Ok::<(), potstill_env::EnvError>(())
//! ```
//!
//! # Action space
//!
//! `Discrete(4)`: 0 up, 1 right, 2 down, 3 left; with king's moves `Discrete(8)`: also 4 up right, 5 down
//! right, 6 down left, 7 up left. The wind of the column that is left lifts the agent by 0, 1 or 2 squares.
//!
//! # Observation space
//!
//! `Discrete(70)`: `row * 10 + column`.
//!
//! | state | meaning |
//! |---|---|
//! | 30 | start |
//! | 37 | goal |
//!
//! # Rewards
//!
//! -1 for each step.
//!
//! # Starting state
//!
//! Always 30.
//!
//! # Episode end
//!
//! Terminates at the goal. There is no time limit.
//!
//! # Options
//!
//! | option | meaning | default | example |
//! |---|---|---|---|
//! | `kings_moves` | diagonal steps as well: `true` or `false` | `false` | `true` |
//! | `stochastic_wind` | wind lifts one square less, as many or one more, with probability 1/3 each: `true` or `false` | `false` | `true` |
//!
//! # Source
//!
//! The book; it is not in Gymnasium.

use crate::registry::{Entry, Kind};
use crate::{ModelEnv, ModelOutcome, Paint, Scene, TransitionModel};
use std::sync::Arc;

/// Rows of the grid.
pub const ROWS: usize = 7;
/// Columns of the grid.
pub const COLUMNS: usize = 10;
/// The state in which an episode starts.
pub const START: usize = 3 * COLUMNS;
/// The goal.
pub const GOAL: usize = 3 * COLUMNS + 7;
/// The squares that the wind of each column lifts.
const WIND: [isize; COLUMNS] = [0, 0, 0, 1, 1, 1, 2, 2, 1, 0];
/// By action: rows down, columns to the right.
const MOVES: [(isize, isize); 8] = [(-1, 0), (0, 1), (1, 0), (0, -1), (-1, 1), (1, 1), (1, -1), (-1, -1)];

/// The grid. It has no time limit.
pub fn env(kings_moves: bool, stochastic_wind: bool) -> ModelEnv {
    let actions = if kings_moves { 8 } else { 4 };
    let model = TransitionModel::new(ROWS * COLUMNS, actions, vec![(1.0, START)], |state, action| {
        let (row, column) = ((state / COLUMNS) as isize, (state % COLUMNS) as isize);
        let wind = WIND[column as usize];
        let gusts: &[isize] = if stochastic_wind && wind > 0 { &[-1, 0, 1] } else { &[0] };
        let outcome = |gust: &isize| {
            let (down, right) = MOVES[action];
            let row = (row + down - wind - gust).clamp(0, ROWS as isize - 1) as usize;
            let column = (column + right).clamp(0, COLUMNS as isize - 1) as usize;
            let next = row * COLUMNS + column;
            ModelOutcome {
                probability: 1.0 / gusts.len() as f64,
                next,
                reward: -1.0,
                terminated: next == GOAL,
            }
        };
        gusts.iter().map(outcome).collect()
    });
    ModelEnv::new(model, Arc::new(scene))
}

fn scene(state: usize) -> Scene {
    Scene::grid(ROWS, COLUMNS, |row, column| match row * COLUMNS + column {
        GOAL => (Paint::Goal, 'G'),
        START => (Paint::Ground, 'S'),
        _ if WIND[column] > 0 => (Paint::Faint, if row + 1 == ROWS { '^' } else { ' ' }),
        _ => (Paint::Ground, ' '),
    })
    .with_agent(state / COLUMNS, state % COLUMNS)
}

pub(crate) fn entry() -> Entry {
    Entry::new("WindyGridworld", "cross a grid with a wind from below", |options| {
        let kings_moves = options.flag("kings_moves", false)?;
        Ok(Kind::states(env(kings_moves, options.flag("stochastic_wind", false)?)))
    })
    .documented(include_str!("windy_gridworld.rs"))
    .actions(&["up", "right", "down", "left", "up right", "down right", "down left", "up left"])
}
