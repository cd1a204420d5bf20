//! `MinAtar/Breakout-v1`: break three rows of bricks with a ball and a paddle.
//!
//! ```
//! use potstill_env::arcade::{Arcade, breakout::Breakout};
//! use potstill_env::Env;
//!
//! let (mut env, mut planes) = (Arcade::<Breakout>::new(0.0, true, false), [0; 400]);
//! env.reset(Some(1), &mut planes);
//! // The ball falls from the fourth row.
//! for _ in 0..5 {
//!     assert!(!env.step(&0, &mut planes)?.terminated);
//! }
//! # Ok::<(), potstill_env::EnvError>(())
//! ```
//!
//! # Action space
//!
//! `Discrete(3)`: 0 none, 1 left, 2 right.
//!
//! # Observation space
//!
//! `MultiBinary(10, 10, 4)`: `(row * 10 + column) * 4 + channel`.
//!
//! | channel | meaning |
//! |---|---|
//! | 0 | paddle |
//! | 1 | ball |
//! | 2 | trail: the square where the ball was before |
//! | 3 | brick |
//!
//! # Rewards
//!
//! 1 for each brick. The wall is built again when all bricks are broken.
//!
//! # Starting state
//!
//! A whole wall and a ball that falls from the left or the right edge, each with probability 1/2.
//!
//! # Episode end
//!
//! Terminates when the paddle misses the ball. There is no time limit.
//!
//! # Options
//!
//! Those of [all arcade games](crate::arcade).
//!
//! # Source
//!
//! MinAtar 1.0.15 (Young and Tian 2019): games of equal seeds are equal.

use super::game::{self, Game, LAST, Move, Planes, Played, Visit};
use crate::Paint;
use crate::registry::Entry;
use potstill_core::Pcg64;

/// Rows 1 to 3, ten bits each.
const WALL: i32 = (1 << 30) - 1;

/// The state of a game.
#[derive(Clone, Copy, Debug, Default)]
pub struct Breakout {
    paddle: i32,
    /// Column and row.
    ball: (i32, i32),
    /// The square of the ball in the step before.
    trail: (i32, i32),
    /// Columns to the right and rows down of its movement in a step, each 1 or -1.
    flight: (i32, i32),
    /// By row and column, from row 1 on.
    bricks: i32,
    /// 1 while the ball is among bricks: it breaks no other before it has left them.
    among_bricks: i32,
}

fn brick(column: i32, row: i32) -> i32 {
    if (1..=3).contains(&row) { 1 << ((row - 1) * 10 + column) } else { 0 }
}

impl Game for Breakout {
    const CHANNELS: &'static [Paint] = &[Paint::Agent, Paint::Goal, Paint::Faint, Paint::Ink];
    const MOVES: &'static [Move] = &[Move::None, Move::Left, Move::Right];

    fn start(&mut self, rng: &mut Pcg64) {
        let from_right = rng.integer(2) == 1;
        let ball = if from_right { (LAST, 3) } else { (0, 3) };
        let flight = (if from_right { -1 } else { 1 }, 1);
        *self = Self { paddle: 4, ball, trail: ball, flight, bricks: WALL, among_bricks: 0 };
    }

    fn step(&mut self, chosen: Move, _: bool, _: &mut Pcg64) -> Played {
        self.paddle = (self.paddle + chosen.direction().0).clamp(0, LAST);
        self.trail = self.ball;
        let (mut column, mut row) = (self.ball.0 + self.flight.0, self.ball.1 + self.flight.1);
        let mut played = Played::default();
        if !(0..=LAST).contains(&column) {
            column = column.clamp(0, LAST);
            self.flight.0 = -self.flight.0;
        }
        let mut among_bricks = 0;
        if row < 0 {
            row = 0;
            self.flight.1 = -self.flight.1;
        } else if self.bricks & brick(column, row) != 0 {
            among_bricks = 1;
            if self.among_bricks == 0 {
                self.bricks &= !brick(column, row);
                played.reward = 1;
                row = self.trail.1;
                self.flight.1 = -self.flight.1;
            }
        } else if row == LAST {
            if self.bricks == 0 {
                self.bricks = WALL;
            }
            if self.ball.0 == self.paddle {
                // From above: up again.
                self.flight.1 = -self.flight.1;
                row = self.trail.1;
            } else if column == self.paddle {
                // From the side: back where it came from.
                self.flight = (-self.flight.0, -self.flight.1);
                row = self.trail.1;
            } else {
                played.terminated = true;
            }
        }
        self.among_bricks = among_bricks;
        self.ball = (column, row);
        played
    }

    fn draw(&self, planes: &mut Planes<'_>) {
        planes.set(self.paddle, LAST, 0);
        planes.set(self.ball.0, self.ball.1, 1);
        planes.set(self.trail.0, self.trail.1, 2);
        for row in 1..=3 {
            for column in 0..=LAST {
                if self.bricks & brick(column, row) != 0 {
                    planes.set(column, row, 3);
                }
            }
        }
    }

    fn numbers(&mut self, visit: &mut Visit<'_>) {
        for place in
            [&mut self.paddle, &mut self.ball.0, &mut self.ball.1, &mut self.trail.0, &mut self.trail.1]
        {
            visit(place, 0..=LAST);
        }
        visit(&mut self.flight.0, -1..=1);
        visit(&mut self.flight.1, -1..=1);
        visit(&mut self.bricks, 0..=WALL);
        visit(&mut self.among_bricks, 0..=1);
    }
}

pub(crate) fn entry() -> Entry {
    game::entry::<Breakout>(
        "MinAtar/Breakout-v1",
        "break bricks with a ball",
        &["none", "left", "right"],
        include_str!("breakout.rs"),
    )
}
