//! `Catch-v0`: catch a ball that falls through a grid of 8 x 5 squares with a paddle.
//!
//! # Action space
//!
//! `Discrete(3)`: 0 left, 1 none, 2 right.
//!
//! # Observation space
//!
//! `MultiBinary(8, 5, 2)`: `(row * 5 + column) * 2 + channel`.
//!
//! | channel | meaning |
//! |---|---|
//! | 0 | ball |
//! | 1 | paddle, on the lowest row |
//!
//! # Rewards
//!
//! 1 for a ball that is caught, -1 for one that is not.
//!
//! # Starting state
//!
//! The ball on any square of the uppermost row, the paddle in the middle.
//!
//! # Episode end
//!
//! Terminates when the ball has reached the lowest row, after 7 steps.
//!
//! # Source
//!
//! Mnih et al. 2014 ("Recurrent models of visual attention", section 4.2), smaller.

use potstill::core::snapshot::below;
use potstill::core::{Pcg64, snapshot};
use potstill::env::registry::{Entry, Factory};
use potstill::env::{Env, EnvError, Outcome, Paint, Scene, Space};

const ROWS: usize = 8;
const COLUMNS: usize = 5;

struct Catch {
    row: usize,
    column: usize,
    paddle: usize,
    rng: Pcg64,
}

impl Catch {
    fn new() -> Self {
        Self { row: 0, column: 0, paddle: COLUMNS / 2, rng: Pcg64::new(0) }
    }

    fn draw(&self, planes: &mut [u8]) {
        planes.fill(0);
        planes[(self.row * COLUMNS + self.column) * 2] = 1;
        planes[((ROWS - 1) * COLUMNS + self.paddle) * 2 + 1] = 1;
    }
}

impl Env for Catch {
    type Observation = [u8];
    type Action = usize;

    fn observation_space(&self) -> Space {
        Space::MultiBinary { shape: vec![ROWS, COLUMNS, 2] }
    }

    fn action_space(&self) -> Space {
        Space::Discrete { n: 3 }
    }

    fn reset(&mut self, seed: Option<u64>, observation: &mut [u8]) {
        if let Some(seed) = seed {
            self.rng = Pcg64::new(seed);
        }
        (self.row, self.column, self.paddle) = (0, self.rng.below(COLUMNS), COLUMNS / 2);
        self.draw(observation);
    }

    fn step(&mut self, &action: &usize, observation: &mut [u8]) -> Result<Outcome, EnvError> {
        if action > 2 {
            return Err(EnvError::Action { action: action.to_string(), space: self.action_space() });
        }
        self.paddle = (self.paddle + action).saturating_sub(1).min(COLUMNS - 1);
        self.row += 1;
        self.draw(observation);
        let terminated = self.row + 1 == ROWS;
        let reward = match (terminated, self.paddle == self.column) {
            (false, _) => 0.0,
            (true, true) => 1.0,
            (true, false) => -1.0,
        };
        Ok(Outcome { reward, terminated, truncated: false })
    }

    fn reseed(&mut self, seed: u64) {
        self.rng = Pcg64::new(seed);
    }

    fn scene(&self) -> Option<Scene> {
        let ball = |row, column| match (row, column) == (self.row, self.column) {
            true => (Paint::Goal, 'o'),
            false => (Paint::Ground, ' '),
        };
        Some(Scene::grid(ROWS, COLUMNS, ball).with_agent(ROWS - 1, self.paddle))
    }
}

snapshot! {
    impl Restorable for Catch {
        saved: row via below(ROWS), column via below(COLUMNS), paddle via below(COLUMNS), rng;
    }
}

pub(crate) fn entry() -> Entry {
    Entry::new("Catch-v0", "catch a falling ball", |_| Ok(Factory::new(Catch::new)))
        .documented(include_str!("catch.rs"))
        .actions(&["left", "none", "right"])
        .reward_threshold(0.9)
}
