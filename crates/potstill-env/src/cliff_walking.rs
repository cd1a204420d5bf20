//! `CliffWalking-v1`: a 4 x 12 grid with a cliff along its lower edge (Sutton and Barto 2018, Example 6.6).
//!
//! State `row * 12 + column`, start 36, goal 47. Actions 0 up, 1 right, 2 down, 3 left. Every step gives -1; a step into
//! the cliff (states 37 to 46) gives -100 and puts the walker back on the start without ending the episode.
//!
//! ```
//! use potstill_env::{CliffWalking, Env};
//!
//! let (mut env, mut state) = (CliffWalking::default(), 0);
//! env.reset(None, &mut state);
//! assert_eq!(state, 36);
//! // To the right lies the cliff.
//! assert_eq!(env.step(1, &mut state)?.reward, -100.0);
//! assert_eq!(state, 36);
//! # Ok::<(), potstill_env::EnvError>(())
//! ```

use crate::{Env, EnvError, Outcome, Space};
use potstill_core::{State, StateError, Stateful, Value};

/// The cliff walk. It has no time limit and draws no random number.
#[derive(Clone, Debug)]
pub struct CliffWalking {
    state: usize,
}

impl CliffWalking {
    /// Rows of the grid.
    pub const ROWS: usize = 4;
    /// Columns of the grid.
    pub const COLUMNS: usize = 12;
    /// The start, the lower left corner.
    pub const START: usize = 36;
    /// The goal, the lower right corner.
    pub const GOAL: usize = 47;

    /// Whether a state is part of the cliff.
    pub fn is_cliff(state: usize) -> bool {
        (Self::START + 1..Self::GOAL).contains(&state)
    }
}

impl Default for CliffWalking {
    fn default() -> Self {
        Self { state: Self::START }
    }
}

impl Env for CliffWalking {
    type Observation = usize;
    type Action = usize;

    fn observation_space(&self) -> Space {
        Space::Discrete { n: Self::ROWS * Self::COLUMNS }
    }

    fn action_space(&self) -> Space {
        Space::Discrete { n: 4 }
    }

    fn reset(&mut self, _seed: Option<u64>, observation: &mut usize) {
        self.state = Self::START;
        *observation = self.state;
    }

    fn step(&mut self, action: usize, observation: &mut usize) -> Result<Outcome, EnvError> {
        let (row, column) = (self.state / Self::COLUMNS, self.state % Self::COLUMNS);
        let (row, column) = match action {
            0 => (row.saturating_sub(1), column),
            1 => (row, (column + 1).min(Self::COLUMNS - 1)),
            2 => ((row + 1).min(Self::ROWS - 1), column),
            3 => (row, column.saturating_sub(1)),
            _ => return Err(EnvError::Action { action: action.to_string(), space: self.action_space() }),
        };
        let landed = row * Self::COLUMNS + column;
        let fell = Self::is_cliff(landed);
        self.state = if fell { Self::START } else { landed };
        *observation = self.state;
        let reward = if fell { -100.0 } else { -1.0 };
        Ok(Outcome { reward, terminated: landed == Self::GOAL, truncated: false })
    }
}

impl Stateful for CliffWalking {
    fn state(&self) -> State {
        State::new().with("state", Value::U64(self.state as u64))
    }

    fn restore(&mut self, state: &State) -> Result<(), StateError> {
        self.state = state.index("state", Self::ROWS * Self::COLUMNS)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_walks_of_the_book() {
        let check = |actions: &str, rewards: f64, end: usize, terminated: bool| {
            let mut env = CliffWalking::default();
            let (mut s, mut total, mut last) = (0, 0.0, false);
            env.reset(None, &mut s);
            for action in actions.chars() {
                let outcome = env.step("URDL".find(action).unwrap(), &mut s).unwrap();
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
