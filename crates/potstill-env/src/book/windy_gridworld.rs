//! `WindyGridworld`: a grid of 7 x 10 squares with a wind from below (Sutton and Barto 2018, Example 6.5; Exercises 6.9 and 6.10).
//!
//! State `row * 10 + column`, start 30, goal 37. Actions 0 up, 1 right, 2 down, 3 left; with king's moves also 4 up right, 5 down right, 6 down left, 7 up
//! left. Each step gives -1. The wind of the column that is left lifts the walker by 0, 1 or 2 squares; a stochastic wind, where there is one, by
//! one less, as many, or one more, with a third of the probability each.
//!
//! ```
//! use potstill_env::{Env, book::windy_gridworld};
//!
//! let (mut env, mut state) = (windy_gridworld::world(false, false), 0);
//! env.reset(None, &mut state);
//! for _ in 0..9 {
//!     env.step(&1, &mut state)?;
//! }
//! // Blown to the upper edge.
//! assert_eq!(state, 9);
//! # Ok::<(), potstill_env::EnvError>(())
//! ```

use crate::registry::{Entry, Kind};
use crate::{ModelEnv, ModelOutcome, Paint, Scene, TransitionModel};
use std::sync::Arc;

/// Rows of the grid.
pub const ROWS: usize = 7;
/// Columns of the grid.
pub const COLUMNS: usize = 10;
/// Where an episode starts.
pub const START: usize = 3 * COLUMNS;
/// Where it ends.
pub const GOAL: usize = 3 * COLUMNS + 7;
/// How many squares the wind of each column lifts.
const WIND: [isize; COLUMNS] = [0, 0, 0, 1, 1, 1, 2, 2, 1, 0];
/// By action: rows down, columns to the right.
const MOVES: [(isize, isize); 8] = [(-1, 0), (0, 1), (1, 0), (0, -1), (-1, 1), (1, 1), (1, -1), (-1, -1)];

/// The grid. It has no time limit.
pub fn world(kings_moves: bool, stochastic_wind: bool) -> ModelEnv {
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

pub(crate) static ENTRY: Entry = Entry {
    id: "WindyGridworld",
    summary: "cross a grid with a wind from below",
    actions: &["up", "right", "down", "left", "up right", "down right", "down left", "up left"],
    options: &[
        ("kings_moves", "diagonal steps as well: true or false"),
        ("stochastic_wind", "the wind varies by one square: true or false"),
    ],
    time_limit_steps: None,
    reward_threshold: None,
    make: |options| {
        let kings_moves = options.flag("kings_moves", false)?;
        Ok(Kind::states(world(kings_moves, options.flag("stochastic_wind", false)?)))
    },
};
