//! Maps of gridworlds, as text.

use crate::registry::Options;
use crate::registry::id::rows;
use std::collections::BTreeMap;

/// The longest side of a map.
const SIDE_MAX: usize = 256;
/// The largest reward, and the strongest wind.
const REWARD_MAX: f64 = 1e9;
const WIND_MAX: i64 = 9;

/// The keys of the settings of a map.
const SETTINGS: [&str; 10] = [
    "step_reward",
    "goal_reward",
    "hole_reward",
    "cliff_reward",
    "wind_columns",
    "wind_rows",
    "stochastic_wind",
    "kings_moves",
    "is_slippery",
    "success_rate",
];

/// A map and its rules; see [the module](crate::gridworld) for the squares.
#[derive(Clone, Debug, PartialEq)]
pub struct Gridworld {
    /// Rows of squares, all of one length.
    pub map: Vec<Vec<u8>>,
    /// The rewards of letters that are neither of the map's own.
    pub letters: BTreeMap<u8, f64>,
    /// The reward of a step onto ground.
    pub step_reward: f64,
    /// The reward of a step onto a goal, if it is another one.
    pub goal_reward: Option<f64>,
    /// The reward of a step into a hole, if it is another one.
    pub hole_reward: Option<f64>,
    /// The reward of a step into the cliff.
    pub cliff_reward: f64,
    /// The squares that the wind of each column lifts; empty for none.
    pub wind_columns: Vec<i64>,
    /// The squares that the wind of each row blows to the right; empty for none.
    pub wind_rows: Vec<i64>,
    /// `true` if a wind varies by one square.
    pub stochastic_wind: bool,
    /// `true` if there are diagonal steps.
    pub kings_moves: bool,
    /// `true` if a step may go to either side.
    pub is_slippery: bool,
    /// The probability that it does not, on slippery ground.
    pub success_rate: f64,
}

impl Gridworld {
    /// A map from its lines, separated by line ends or `/`, or a list of them.
    ///
    /// # Errors
    /// If a square or a setting is wrong, with its row and column, or the map lacks a start or an end.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (settings, rows): (Vec<&str>, Vec<&str>) =
            rows(text)?.into_iter().partition(|line| line.contains('='));
        let mut world = Self {
            map: squares(&rows)?,
            letters: BTreeMap::new(),
            step_reward: -1.0,
            goal_reward: None,
            hole_reward: None,
            cliff_reward: -100.0,
            wind_columns: Vec::new(),
            wind_rows: Vec::new(),
            stochastic_wind: false,
            kings_moves: false,
            is_slippery: false,
            success_rate: 1.0 / 3.0,
        };
        let mut pairs: Vec<(&str, &str)> = Vec::new();
        for line in settings {
            let (key, value) = line.split_once('=').expect("it has one");
            let (key, value) = (key.trim(), value.trim());
            if pairs.iter().any(|(other, _)| *other == key) {
                return Err(format!("`{key}` is set twice"));
            }
            match key.as_bytes() {
                _ if SETTINGS.contains(&key) => {}
                &[letter] if letter.is_ascii_alphabetic() && !b"SFGHC".contains(&letter) => {
                    world.letters.insert(letter, reward(key, value)?);
                    continue;
                }
                _ => {
                    let known = SETTINGS.join(", ");
                    return Err(format!(
                        "there is no setting `{key}`; there is {known}, and the reward of a letter that is not S, F, G, H or C"
                    ));
                }
            }
            pairs.push((key, value));
        }
        world.set(&mut Options::of(pairs))?;
        world.check_squares()?;
        Ok(world)
    }

    /// Takes the settings from options.
    pub(super) fn set(&mut self, options: &mut Options<'_>) -> Result<(), String> {
        let rewards = -REWARD_MAX..=REWARD_MAX;
        self.step_reward = options.number("step_reward", self.step_reward, rewards.clone())?;
        self.cliff_reward = options.number("cliff_reward", self.cliff_reward, rewards)?;
        for (key, own) in [("goal_reward", &mut self.goal_reward), ("hole_reward", &mut self.hole_reward)] {
            if let Some(text) = options.take(key) {
                *own = Some(reward(key, text)?);
            }
        }
        let (rows, columns) = (self.map.len(), self.map[0].len());
        for (key, own, expected) in
            [("wind_columns", &mut self.wind_columns, columns), ("wind_rows", &mut self.wind_rows, rows)]
        {
            if let Some(text) = options.take(key) {
                *own = wind(key, text, expected)?;
            }
        }
        self.stochastic_wind = options.flag("stochastic_wind", self.stochastic_wind)?;
        self.kings_moves = options.flag("kings_moves", self.kings_moves)?;
        self.is_slippery = options.flag("is_slippery", self.is_slippery)?;
        self.success_rate = options.number("success_rate", self.success_rate, 0.0..=1.0)?;
        Ok(())
    }

    /// Checks that every letter is known, and that there is a start and an end.
    fn check_squares(&self) -> Result<(), String> {
        for (r, row) in self.map.iter().enumerate() {
            for (c, square) in row.iter().enumerate() {
                if square.is_ascii_alphabetic()
                    && !b"SFGHC".contains(square)
                    && !self.letters.contains_key(square)
                {
                    let (row, column, letter) = (r + 1, c + 1, char::from(*square));
                    return Err(format!(
                        "row {row} column {column} is '{letter}'; give it a reward in a line of its own ({letter}=-5), or write . ground, S start, # wall, G goal, H hole, C cliff, 1 to 9 costs"
                    ));
                }
            }
        }
        let has = |is: &dyn Fn(u8) -> bool| self.map.iter().flatten().any(|square| is(*square));
        if !has(&|square| square == b'S') {
            return Err("the map has no start (S)".to_owned());
        }
        if !has(&Self::is_end) {
            return Err(
                "the map has no end: a goal (G), a hole (H) or a capital with a reward of its own".to_owned()
            );
        }
        Ok(())
    }
}

/// The squares of the rows.
fn squares(rows: &[&str]) -> Result<Vec<Vec<u8>>, String> {
    let width = rows.first().map_or(0, |row| row.chars().count());
    if rows.is_empty() || rows.len() > SIDE_MAX || width > SIDE_MAX {
        let (height, most) = (rows.len(), SIDE_MAX);
        return Err(format!("a map has 1 to {most} rows and columns, this has {height} x {width}"));
    }
    for (r, row) in rows.iter().enumerate() {
        let is_square = |c: char| c.is_ascii_alphabetic() || ".#123456789".contains(c);
        if let Some((c, letter)) = row.chars().enumerate().find(|(_, letter)| !is_square(*letter)) {
            return Err(format!(
                "row {} column {} is {letter:?}; squares are . ground, S start, # wall, G goal, H hole, C cliff, 1 to 9 costs, and letters with a reward of their own",
                r + 1,
                c + 1
            ));
        }
        if row.len() != width {
            return Err(format!("row {} has {} squares, row 1 has {width}", r + 1, row.len()));
        }
    }
    Ok(rows.iter().map(|row| row.bytes().collect()).collect())
}

fn reward(key: &str, text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| number.abs() <= REWARD_MAX);
    number.ok_or_else(|| format!("{key}={text}: write a number from -{REWARD_MAX} to {REWARD_MAX}"))
}

/// The wind of each row or column.
fn wind(key: &str, text: &str, expected: usize) -> Result<Vec<i64>, String> {
    let of_which = key.trim_start_matches("wind_");
    let number = |word: &str| word.trim().parse().ok().filter(|squares: &i64| squares.abs() <= WIND_MAX);
    let squares: Option<Vec<i64>> = text.split(':').map(number).collect();
    let squares = squares.ok_or_else(|| {
        format!("{key}={text}: write a whole number from -{WIND_MAX} to {WIND_MAX} for each of the {of_which}, such as 0:1:1:0")
    })?;
    match squares.len() {
        n if n == expected => Ok(squares),
        n => Err(format!("{key}={text}: it has {n} numbers, the map {expected} {of_which}")),
    }
}
