//! `Gridworld-v0`: a gridworld from a map of your own: walls, cliffs, holes, goals, costs, and wind.
//!
//! A map is text, in a file (`Gridworld-v0:desc=@maze.txt`) or on one line with `/` between its lines. Lines
//! with an `=` are settings, lines that begin with `;` are comments, and the others are the rows of the map:
//!
//! ```text
//! ; The windy cliff. The wind lifts the agent in the third and fourth column.
//! step_reward = -1
//! wind_columns = 0:0:1:1:0:0
//! m = -5
//! ......
//! ..##..
//! .m..m.
//! SCCCCG
//! ```
//!
//! | square | meaning |
//! |---|---|
//! | `.` or `F` | ground |
//! | `S` | ground on which an episode may start; of several, each is as likely |
//! | `#` | wall; a step against it leads nowhere, as one against the edge |
//! | `G` | goal, which ends the episode |
//! | `H` | hole, which ends the episode |
//! | `C` | cliff: a step into it leads back to a start |
//! | `1` to `9` | ground that costs so much: a step onto it has the reward -1 to -9 |
//! | another small letter | ground with a reward of its own, in a line such as `m=-5` |
//! | another capital | an end with a reward of its own, in a line such as `A=10` |
//!
//! ```
//! use potstill_env::{Env, gridworld::Gridworld};
//!
//! let world = Gridworld::parse("step_reward=-1/m=-5/S.m/#.G")?;
//! let (mut env, mut state) = (world.env()?, 0);
//! env.reset(None, &mut state);
//! let rewards: Vec<f64> = [2, 1, 1, 2].map(|action| env.step(&action, &mut state).unwrap().reward).to_vec();
//! // Against the wall, onto the ground, onto the costly square, to the goal.
//! assert_eq!((rewards, state), (vec![-1.0, -1.0, -5.0, -1.0], 5));
//! assert_eq!(Gridworld::parse("S.x/..G").unwrap_err().split(';').next(), Some("row 1 column 3 is 'x'"));
//! # Ok::<(), String>(())
//! ```
//!
//! # Action space
//!
//! `Discrete(4)`: 0 up, 1 right, 2 down, 3 left; with king's moves `Discrete(8)`: also 4 up right, 5 down
//! right, 6 down left, 7 up left. On slippery ground a step may go to either side of its direction, at a right
//! angle.
//!
//! The wind of the column and of the row that are left is added to the step. The agent then goes its squares
//! along the row, then those along the column, up to the first wall or edge; only the square on which it ends
//! counts.
//!
//! # Observation space
//!
//! `Discrete(rows * columns)`: `row * columns + column`, from the upper left corner, walls included.
//!
//! # Rewards
//!
//! The reward of the square on which a step ends: `step_reward` for ground, `goal_reward`, `hole_reward` and
//! `cliff_reward`, -1 to -9 for a digit, and those of your own letters.
//!
//! # Starting state
//!
//! A start square of the map, each with the same probability.
//!
//! # Episode end
//!
//! Terminates on a goal, a hole or a capital of your own. There is no time limit; `max_episode_steps` gives
//! one.
//!
//! # Options
//!
//! | option | meaning | default | example |
//! |---|---|---|---|
//! | `desc` | the map: its lines separated by `/`, or `@` and a file | the world below | `SCCG/....` |
//! | `step_reward` | the reward of a step onto ground: a number | that of the map, or -1 | `0` |
//! | `goal_reward` | the reward of a step onto a goal: a number | that of the map, or that of ground | `1` |
//! | `hole_reward` | the reward of a step into a hole: a number | that of the map, or that of ground | `-10` |
//! | `cliff_reward` | the reward of a step into the cliff: a number | that of the map, or -100 | `-50` |
//! | `wind_columns` | the squares that the wind of each column lifts, `:` between them; downwards if negative | that of the map, or none | `0:1:1:0` |
//! | `wind_rows` | the squares that the wind of each row blows to the right; to the left if negative | that of the map, or none | `0:1:0` |
//! | `stochastic_wind` | where it blows, a wind is one square less, as many or one more, with probability 1/3 each: `true` or `false` | that of the map, or false | `true` |
//! | `kings_moves` | diagonal steps as well: `true` or `false` | that of the map, or false | `true` |
//! | `is_slippery` | a step may go to either side: `true` or `false` | that of the map, or false | `true` |
//! | `success_rate` | the probability that it does not, on slippery ground: 0 to 1 | that of the map, or 1/3 | `0.8` |
//!
//! All but `desc` may stand in the map as well, one in a line; an option takes precedence over the line.
//!
//! # Source
//!
//! Maps of the cliff walk, the frozen lake, the windy gridworld and the maze of this crate are the environments
//! of these names, transition by transition. The default is the 4 x 3 world of Russell and Norvig (Artificial
//! Intelligence, figure 17.1), where a step costs 0.04 and the ends are worth 1 and -1:
//!
//! ```text
//! step_reward = -0.04
//! goal_reward = 0.96
//! hole_reward = -1.04
//! is_slippery = true
//! success_rate = 0.8
//! ...G
//! .#.H
//! S...
//! ```

mod map;

use crate::registry::{Entry, Kind};
use crate::{ModelEnv, ModelOutcome, Paint, Scene, TransitionModel};
pub use map::Gridworld;
use std::sync::Arc;

/// The 4 x 3 world of Russell and Norvig: the start in the lower left corner, the goal in the upper right
/// one, a pit below it, and a wall.
pub const DEFAULT: &str =
    "step_reward=-0.04/goal_reward=0.96/hole_reward=-1.04/is_slippery=true/success_rate=0.8/...G/.#.H/S...";

/// Outcomes that a model may hold.
const OUTCOMES_MAX: usize = 4_000_000;

/// By action: squares down, squares to the right.
const MOVES: [(i64, i64); 8] = [(-1, 0), (0, 1), (1, 0), (0, -1), (-1, 1), (1, 1), (1, -1), (-1, -1)];

/// The change of a wind, with its probability.
const GUSTS: [(i64, f64); 3] = [(-1, 1.0 / 3.0), (0, 1.0 / 3.0), (1, 1.0 / 3.0)];
const STEADY: [(i64, f64); 1] = [(0, 1.0)];

impl Gridworld {
    /// The number of columns.
    fn columns(&self) -> usize {
        self.map[0].len()
    }

    fn square(&self, state: usize) -> u8 {
        self.map[state / self.columns()][state % self.columns()]
    }

    fn is_end(square: u8) -> bool {
        square.is_ascii_uppercase() && !matches!(square, b'S' | b'F' | b'C')
    }

    /// The reward of a step that ends on a square.
    fn reward(&self, square: u8) -> f64 {
        match square {
            b'.' | b'F' | b'S' => self.step_reward,
            b'G' => self.goal_reward.unwrap_or(self.step_reward),
            b'H' => self.hole_reward.unwrap_or(self.step_reward),
            b'C' => self.cliff_reward,
            b'1'..=b'9' => -f64::from(square - b'0'),
            letter => self.letters.get(&letter).copied().unwrap_or_default(),
        }
    }

    /// The directions of a step, with their probabilities.
    fn directions(&self, action: usize) -> Vec<(usize, f64)> {
        if !self.is_slippery {
            return vec![(action, 1.0)];
        }
        // Straight moves turn into straight ones, diagonal ones into diagonal ones.
        let turned = |quarters: usize| action / 4 * 4 + (action + quarters) % 4;
        let aside = (1.0 - self.success_rate) / 2.0;
        vec![(turned(3), aside), (action, self.success_rate), (turned(1), aside)]
    }

    /// The square to which so many squares down and to the right lead.
    fn landing(&self, (mut row, mut column): (usize, usize), (down, right): (i64, i64)) -> usize {
        let is_free = |row: usize, column: usize| {
            self.map.get(row).and_then(|row| row.get(column)).is_some_and(|square| *square != b'#')
        };
        for _ in 0..right.unsigned_abs() {
            let next = column.wrapping_add_signed(right.signum() as isize);
            column = if is_free(row, next) { next } else { column };
        }
        for _ in 0..down.unsigned_abs() {
            let next = row.wrapping_add_signed(down.signum() as isize);
            row = if is_free(next, column) { next } else { row };
        }
        row * self.columns() + column
    }

    /// The outcomes of an action on a square that is no end.
    fn outcomes(&self, state: usize, action: usize, starts: &[usize]) -> Vec<ModelOutcome> {
        let (row, column) = (state / self.columns(), state % self.columns());
        let wind = |squares: &[i64], i: usize| squares.get(i).copied().unwrap_or(0);
        let (lift, push) = (wind(&self.wind_columns, column), wind(&self.wind_rows, row));
        let gusts =
            |wind: i64| -> &[(i64, f64)] { if self.stochastic_wind && wind != 0 { &GUSTS } else { &STEADY } };
        let mut outcomes = Vec::new();
        for (direction, p) in self.directions(action) {
            let (down, right) = MOVES[direction];
            for (lift, p) in gusts(lift).iter().map(|(gust, q)| (lift + gust, p * q)) {
                for (push, probability) in gusts(push).iter().map(|(gust, q)| (push + gust, p * q)) {
                    let next = self.landing((row, column), (down - lift, right + push));
                    let square = self.square(next);
                    let reward = self.reward(square);
                    let terminated = Self::is_end(square);
                    if square == b'C' {
                        let probability = probability / starts.len() as f64;
                        let back = |&next| ModelOutcome { probability, next, reward, terminated };
                        outcomes.extend(starts.iter().map(back));
                    } else {
                        outcomes.push(ModelOutcome { probability, next, reward, terminated });
                    }
                }
            }
        }
        outcomes
    }

    /// The exact model.
    ///
    /// # Errors
    /// If it is too large, or no way leads from a start to an end.
    pub fn model(&self) -> Result<TransitionModel, String> {
        let (rows, columns) = (self.map.len(), self.columns());
        let (states, actions) = (rows * columns, if self.kings_moves { 8 } else { 4 });
        let starts: Vec<usize> = (0..states).filter(|&state| self.square(state) == b'S').collect();
        let has_cliff = self.map.iter().flatten().any(|square| *square == b'C');
        let winds = [&self.wind_columns, &self.wind_rows].into_iter().filter(|wind| !wind.is_empty()).count();
        let of_each = if self.is_slippery { 3 } else { 1 }
            * if self.stochastic_wind { 3_usize.pow(winds as u32) } else { 1 }
            * if has_cliff { starts.len() } else { 1 };
        if states * actions * of_each > OUTCOMES_MAX {
            return Err(format!(
                "{states} squares with {actions} actions of up to {of_each} outcomes are too many; at most {OUTCOMES_MAX} outcomes are held"
            ));
        }
        let start = starts.iter().map(|&state| (1.0 / starts.len() as f64, state)).collect();
        let model = TransitionModel::new(states, actions, start, |state, action| match self.square(state) {
            // Never acted on.
            square if square == b'#' || square == b'C' || Self::is_end(square) => {
                vec![ModelOutcome::certain(state, 0.0, true)]
            }
            _ => self.outcomes(state, action, &starts),
        });
        match self.stuck(&model, &starts) {
            None => Ok(model),
            Some(state) => Err(format!(
                "no way leads from the start in row {} column {} to a square that ends the episode",
                state / columns + 1,
                state % columns + 1
            )),
        }
    }

    /// A start from which no end can be reached.
    fn stuck(&self, model: &TransitionModel, starts: &[usize]) -> Option<usize> {
        let mut before = vec![Vec::new(); model.states()];
        for state in (0..model.states()).filter(|&state| !Self::is_end(self.square(state))) {
            for action in 0..model.actions() {
                let outcomes =
                    model.outcomes(state, action).iter().filter(|outcome| outcome.probability > 0.0);
                outcomes.for_each(|outcome| before[outcome.next].push(state));
            }
        }
        let ends = (0..model.states()).filter(|&state| Self::is_end(self.square(state)));
        let mut frontier: Vec<usize> = ends.collect();
        let mut leads_to_end = vec![false; model.states()];
        while let Some(state) = frontier.pop() {
            if !std::mem::replace(&mut leads_to_end[state], true) {
                frontier.append(&mut before[state]);
            }
        }
        starts.iter().copied().find(|&state| !leads_to_end[state])
    }

    /// The environment, without a time limit.
    ///
    /// # Errors
    /// As for [`model`](Gridworld::model).
    pub fn env(self) -> Result<ModelEnv, String> {
        let model = self.model()?;
        Ok(ModelEnv::new(model, Arc::new(move |state| self.scene(state))))
    }

    fn scene(&self, state: usize) -> Scene {
        let (rows, columns) = (self.map.len(), self.columns());
        Scene::grid(rows, columns, |row, column| self.look(row, column))
            .with_agent(state / columns, state % columns)
    }

    /// The look of a square.
    fn look(&self, row: usize, column: usize) -> (Paint, char) {
        let square = self.map[row][column];
        let letter = char::from(square);
        match square {
            b'#' => (Paint::Ink, ' '),
            b'G' => (Paint::Goal, letter),
            b'C' | b'H' => (Paint::Danger, letter),
            b'S' => (Paint::Ground, letter),
            b'.' | b'F' => {
                let wind = |squares: &[i64], i: usize| squares.get(i).copied().unwrap_or(0);
                let (lift, push) = (wind(&self.wind_columns, column), wind(&self.wind_rows, row));
                // One arrow in each column or row that has a wind.
                let sign = match (lift.signum(), push.signum()) {
                    (1, _) if row + 1 == self.map.len() => '^',
                    (-1, _) if row == 0 => 'v',
                    (_, 1) if column == 0 => '>',
                    (_, -1) if column + 1 == self.columns() => '<',
                    _ => ' ',
                };
                (if (lift, push) == (0, 0) { Paint::Ground } else { Paint::Faint }, sign)
            }
            _ if Self::is_end(square) => {
                (if self.reward(square) < 0.0 { Paint::Danger } else { Paint::Goal }, letter)
            }
            _ => (if self.reward(square) < self.step_reward { Paint::Faint } else { Paint::Aid }, letter),
        }
    }
}

/// The environments of this family in the registry.
pub(crate) fn entries() -> Vec<Entry> {
    let entry = Entry::new("Gridworld-v0", "cross a gridworld of your own map", |options| {
        let mut world = Gridworld::parse(options.take("desc").unwrap_or(DEFAULT))
            .map_err(|error| format!("desc: {error}"))?;
        world.set(options)?;
        Ok(Kind::states(world.env().map_err(|error| format!("desc: {error}"))?))
    });
    let names = &["up", "right", "down", "left", "up right", "down right", "down left", "up left"];
    vec![entry.documented(include_str!("mod.rs")).actions(names)]
}
