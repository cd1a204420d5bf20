//! `FrozenLake-v1` and `FrozenLake8x8-v1`: cross a frozen lake without falling into a hole.
//!
//! ```
//! use potstill_env::{Env, toy_text::frozen_lake::{Lake, parse_map}};
//!
//! let map = parse_map("SF/HG").unwrap();
//! let (mut env, mut state) = (Lake { is_slippery: false, ..Lake::new(map) }.env(), 0);
//! env.reset(Some(1), &mut state);
//! env.step(&2, &mut state)?;
//! assert_eq!(env.step(&1, &mut state)?.reward, 1.0);
//! assert!(parse_map("SX/HG").is_err());
//! # Ok::<(), potstill_env::EnvError>(())
//! ```
//!
//! # Action space
//!
//! `Discrete(4)`: 0 left, 1 down, 2 right, 3 up.
//!
//! # Observation space
//!
//! `Discrete(rows * columns)`: `row * columns + column`.
//!
//! | letter of the map | square |
//! |---|---|
//! | S | start |
//! | F | frozen |
//! | H | hole |
//! | G | goal |
//!
//! # Rewards
//!
//! 1 for reaching the goal, 0 otherwise, unless `reward_schedule` says otherwise.
//!
//! # Starting state
//!
//! A start square of the map, each with the same probability.
//!
//! # Episode end
//!
//! Terminates at the goal and in a hole. Truncates after 100 steps, after 200 in `FrozenLake8x8-v1`.
//!
//! # Options
//!
//! | option | meaning | default | example |
//! |---|---|---|---|
//! | `is_slippery` | a step goes to either side with half of the rest of `success_rate` each: `true` or `false` | `true` | `false` |
//! | `success_rate` | the probability that it goes where it was meant to, on slippery ice: 0 to 1 | 1/3 | `0.8` |
//! | `map_name` | `4x4` or `8x8` | `4x4` | `8x8` |
//! | `desc` | a map: its rows separated by `/`, or `@` and a file | | `SFFF/FHFH/FFFH/HFFG` |
//! | `size` | the side of a generated map: 2 to 256 | | `8` |
//! | `frozen` | the probability that a square of a generated map is frozen: 0 to 1 | `0.8` | `0.9` |
//! | `map_seed` | the seed of a generated map | `0` | `7` |
//! | `reward_schedule` | rewards of goal, hole and other squares: three numbers | `1:0:0` | `10:-5:-0.1` |
//!
//! # Source
//!
//! Gymnasium 1.4, `FrozenLake-v1` and `FrozenLake8x8-v1`: trajectories of equal seeds, models and generated
//! maps are equal.

use crate::registry::id::rows;
use crate::registry::{Entry, Kind, OWN_MAPS, Options};
use crate::{ModelEnv, ModelOutcome, Paint, Scene, TransitionModel};
use potstill_core::Pcg64;
use std::sync::Arc;

/// The longest side of a map.
const SIDE_MAX: usize = 256;
/// Squares that are drawn before giving up on a valid map.
const DRAWS_MAX: usize = 20_000_000;

/// The map of `FrozenLake-v1`.
pub const MAP_4X4: &str = "SFFF/FHFH/FFFH/HFFG";
/// The map of `FrozenLake8x8-v1`.
pub const MAP_8X8: &str = "SFFFFFFF/FFFFFFFF/FFFHFFFF/FFFFFHFF/FFFHFFFF/FHHFFFHF/FHFFHFHF/FFFHFFFG";

/// Rows of squares: `S` start, `F` frozen, `H` hole, `G` goal. All rows are of one length.
pub type Map = Vec<Vec<u8>>;

/// A map from its rows, separated by `/` or by line ends, or a list as in Gymnasium: `["SF","FG"]`.
///
/// # Errors
/// If there is another letter, the rows differ in length, or there is no start, no goal, or too much of it
/// all; with row and column.
pub fn parse_map(text: &str) -> Result<Map, String> {
    let rows = rows(text)?;
    let width = rows.first().map_or(0, |row| row.chars().count());
    if rows.is_empty() || rows.len() > SIDE_MAX || width > SIDE_MAX {
        let (height, most) = (rows.len(), SIDE_MAX);
        return Err(format!("a map has 1 to {most} rows and columns, this has {height} x {width}"));
    }
    let mut map = Map::new();
    for (r, row) in rows.iter().enumerate() {
        if let Some((c, letter)) = row.chars().enumerate().find(|(_, letter)| !"SFHG".contains(*letter)) {
            let place = format!("row {} column {}", r + 1, c + 1);
            let hint = if "#.".contains(letter) { OWN_MAPS } else { "" };
            return Err(format!(
                "{place} is {letter:?}; a map is made of S (start), F (frozen), H (hole), G (goal){hint}"
            ));
        }
        if row.len() != width {
            return Err(format!("row {} has {} squares, row 1 has {width}", r + 1, row.len()));
        }
        map.push(row.bytes().collect());
    }
    for (letter, name) in [(b'S', "start (S)"), (b'G', "goal (G)")] {
        if !map.iter().flatten().any(|square| *square == letter) {
            return Err(format!("the map has no {name}"));
        }
    }
    Ok(map)
}

/// A random map with a way from the start, in the upper left corner, to the goal, in the lower right one;
/// Gymnasium's `generate_random_map(size, frozen, seed)`.
///
/// # Errors
/// If no map with a way has come up.
///
/// # Panics
/// If `size` is not from 2 to 256.
pub fn generate_map(size: usize, frozen: f64, seed: u64) -> Result<Map, String> {
    assert!((2..=SIDE_MAX).contains(&size));
    let mut rng = Pcg64::new(seed);
    // NumPy draws from the running sum of the probabilities, divided by its end.
    let frozen_below = frozen / (frozen + (1.0 - frozen));
    let tries = DRAWS_MAX / (size * size);
    for _ in 0..tries {
        let mut map: Map = (0..size)
            .map(|_| (0..size).map(|_| if rng.unit() < frozen_below { b'F' } else { b'H' }).collect())
            .collect();
        map[0][0] = b'S';
        map[size - 1][size - 1] = b'G';
        if has_a_way(&map) {
            return Ok(map);
        }
    }
    Err(format!(
        "of {tries} maps of side {size} with {frozen} of the squares frozen, none has a way to the goal"
    ))
}

fn has_a_way(map: &Map) -> bool {
    let side = map.len();
    let (mut seen, mut frontier) = (vec![false; side * side], vec![(0, 0)]);
    while let Some((r, c)) = frontier.pop() {
        if map[r][c] == b'G' {
            return true;
        }
        if map[r][c] == b'H' || std::mem::replace(&mut seen[r * side + c], true) {
            continue;
        }
        let steps = [(r + 1, c), (r, c + 1), (r.wrapping_sub(1), c), (r, c.wrapping_sub(1))];
        frontier.extend(steps.into_iter().filter(|&(r, c)| r < side && c < side));
    }
    false
}

/// A lake and its rules.
#[derive(Clone, Debug)]
pub struct Lake {
    /// The squares.
    pub map: Map,
    /// `true` if a step may go to either side.
    pub is_slippery: bool,
    /// The probability that it does not, on slippery ice.
    pub success_rate: f64,
    /// The rewards of the goal, a hole, and any other square.
    pub reward_schedule: [f64; 3],
}

impl Lake {
    /// A map with Gymnasium's rules.
    pub fn new(map: Map) -> Self {
        Self { map, is_slippery: true, success_rate: 1.0 / 3.0, reward_schedule: [1.0, 0.0, 0.0] }
    }

    /// The environment, without a time limit.
    pub fn env(self) -> ModelEnv {
        let (rows, columns) = (self.map.len(), self.map[0].len());
        let square = |state: usize| self.map[state / columns][state % columns];
        let starts: Vec<usize> = (0..rows * columns).filter(|&state| square(state) == b'S').collect();
        let start = starts.iter().map(|&state| (1.0 / starts.len() as f64, state)).collect();
        let model = TransitionModel::new(rows * columns, 4, start, |state, action| {
            if matches!(square(state), b'G' | b'H') {
                return vec![ModelOutcome::certain(state, 0.0, true)];
            }
            let outcome = |direction: usize, probability: f64| {
                let (row, column) = (state / columns, state % columns);
                let (row, column) = match direction % 4 {
                    0 => (row, column.saturating_sub(1)),
                    1 => ((row + 1).min(rows - 1), column),
                    2 => (row, (column + 1).min(columns - 1)),
                    _ => (row.saturating_sub(1), column),
                };
                let [goal, hole, other] = self.reward_schedule;
                let (reward, terminated) = match self.map[row][column] {
                    b'G' => (goal, true),
                    b'H' => (hole, true),
                    _ => (other, false),
                };
                ModelOutcome { probability, next: row * columns + column, reward, terminated }
            };
            if !self.is_slippery {
                return vec![outcome(action, 1.0)];
            }
            let aside = (1.0 - self.success_rate) / 2.0;
            vec![outcome(action + 3, aside), outcome(action, self.success_rate), outcome(action + 1, aside)]
        });
        let map = self.map;
        ModelEnv::new(
            model,
            Arc::new(move |state| {
                Scene::grid(rows, columns, |row, column| match map[row][column] {
                    b'S' => (Paint::Ground, 'S'),
                    b'H' => (Paint::Danger, 'H'),
                    b'G' => (Paint::Goal, 'G'),
                    _ => (Paint::Ground, ' '),
                })
                .with_agent(state / columns, state % columns)
            }),
        )
    }
}

pub(crate) fn entry() -> Entry {
    Entry::new("FrozenLake-v1", "cross a frozen lake, 4 x 4", |options| kind(options, MAP_4X4))
        .documented(include_str!("frozen_lake.rs"))
        .actions(&["left", "down", "right", "up"])
        .time_limit(100)
        .reward_threshold(0.70)
}

pub(crate) fn entry_8x8() -> Entry {
    Entry::new("FrozenLake8x8-v1", "cross a frozen lake, 8 x 8", |options| kind(options, MAP_8X8))
        .documented(include_str!("frozen_lake.rs"))
        .with_default("map_name", "8x8", "4x4")
        .actions(&["left", "down", "right", "up"])
        .time_limit(200)
        .reward_threshold(0.85)
}

fn kind(options: &mut Options<'_>, map: &str) -> Result<Kind, String> {
    let size = options.whole("size", 2..=256)?;
    let frozen = options.number("frozen", 0.8, 0.0..=1.0)?;
    let map_seed = options.whole("map_seed", 0..=u64::MAX)?.unwrap_or(0);
    let map = match (options.take("map_name"), options.take("desc"), size) {
        (None, None, None) => parse_map(map)?,
        (Some("4x4"), None, None) => parse_map(MAP_4X4)?,
        (Some("8x8"), None, None) => parse_map(MAP_8X8)?,
        (Some(other), None, None) => return Err(format!("map_name={other}: there is 4x4 and 8x8")),
        (None, Some(rows), None) => parse_map(rows).map_err(|reason| format!("desc: {reason}"))?,
        (None, None, Some(size)) => generate_map(size as usize, frozen, map_seed)?,
        _ => return Err("give one of map_name, desc and size".to_owned()),
    };
    let mut lake = Lake::new(map);
    lake.is_slippery = options.flag("is_slippery", true)?;
    lake.success_rate = options.number("success_rate", lake.success_rate, 0.0..=1.0)?;
    if let Some(text) = options.take("reward_schedule") {
        let rewards: Option<Vec<f64>> = text
            .split(':')
            .map(|reward| reward.parse().ok().filter(|reward: &f64| reward.is_finite()))
            .collect();
        lake.reward_schedule = rewards
            .and_then(|rewards| rewards.try_into().ok())
            .ok_or_else(|| format!("reward_schedule={text}: write three numbers, such as 1:0:0"))?;
    }
    Ok(Kind::states(lake.env()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_map_is_told_where() {
        let check = |text: &str, expected: &str| {
            let error = parse_map(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        };
        check("", "this has 0 x 0");
        check("SFF/FXF/FFG", "row 2 column 2 is 'X'");
        check("SFF/FF/FFG", "row 2 has 2 squares, row 1 has 3");
        check("FFF/FFG", "no start (S)");
        check("SFF/FFF", "no goal (G)");
        check("SÄG", "row 1 column 2 is 'Ä'");
        check(&"SG".repeat(200), "this has 1 x 400");
        assert!(generate_map(8, 0.0, 1).unwrap_err().contains("none has a way"));
    }

    #[test]
    fn a_map_from_a_file_is_that_of_one_line() {
        assert_eq!(parse_map("SFFF\r\nFHFH\nFFFH\n\nHFFG\n").unwrap(), parse_map(MAP_4X4).unwrap());
        let list = "[\"SFFF\",\"FHFH\",\"FFFH\",\"HFFG\"]";
        assert_eq!(parse_map(list).unwrap(), parse_map(MAP_4X4).unwrap());
    }
}
