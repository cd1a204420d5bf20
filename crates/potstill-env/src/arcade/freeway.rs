//! `MinAtar/Freeway-v1`: bring a chicken across eight lanes of cars.
//!
//! ```
//! use potstill_env::arcade::{Arcade, freeway::Freeway};
//! use potstill_env::Env;
//!
//! let (mut env, mut planes) = (Arcade::<Freeway>::new(0.0, true, false), [0; 700]);
//! env.reset(Some(1), &mut planes);
//! assert_eq!(planes[(9 * 10 + 4) * 7], 1);
//! # env.step(&0, &mut planes)?;
//! # Ok::<(), potstill_env::EnvError>(())
//! ```
//!
//! # Action space
//!
//! `Discrete(3)`: 0 none, 1 up, 2 down; the chicken moves at most once in three steps.
//!
//! # Observation space
//!
//! `MultiBinary(10, 10, 7)`: `(row * 10 + column) * 7 + channel`.
//!
//! | channel | meaning |
//! |---|---|
//! | 0 | chicken |
//! | 1 | car |
//! | 2 to 6 | the square behind a car that moves once in 1 to 5 steps |
//!
//! # Rewards
//!
//! 1 for each crossing, after which the cars have other speeds.
//!
//! # Starting state
//!
//! The chicken on the lowest row; speeds and directions of the cars are random.
//!
//! # Episode end
//!
//! Terminates with step 2,501. A chicken that is hit goes back to the lowest row. There is no time limit.
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

const LANES: usize = 8;
/// The chicken's column.
const COLUMN: i32 = 4;
/// Steps between two moves of the chicken.
const REST: i32 = 3;
const STEPS: i32 = 2500;
/// Steps between two moves of the slowest car.
const SLOWEST: i32 = 5;

/// A car in its lane.
#[derive(Clone, Copy, Debug, Default)]
struct Car {
    column: i32,
    /// Steps until it moves.
    timer: i32,
    /// Steps between two moves; negative to the left.
    pace: i32,
}

/// The state of a game.
#[derive(Clone, Copy, Debug, Default)]
pub struct Freeway {
    row: i32,
    cars: [Car; LANES],
    rest: i32,
    steps_left: i32,
}

impl Freeway {
    /// Draws new speeds and directions; the cars keep their positions.
    fn other_cars(&mut self, rng: &mut Pcg64) {
        for car in &mut self.cars {
            car.pace = 1 + rng.integer(SLOWEST as u32) as i32;
            car.timer = car.pace;
        }
        for car in &mut self.cars {
            car.pace *= if rng.unit() < 0.5 { -1 } else { 1 };
        }
    }
}

impl Game for Freeway {
    const CHANNELS: &'static [Paint] =
        &[Paint::Agent, Paint::Danger, Paint::Faint, Paint::Faint, Paint::Faint, Paint::Faint, Paint::Faint];
    const MOVES: &'static [Move] = &[Move::None, Move::Up, Move::Down];

    fn start(&mut self, rng: &mut Pcg64) {
        *self = Self { row: LAST, cars: [Car::default(); LANES], rest: REST, steps_left: STEPS };
        self.other_cars(rng);
    }

    fn step(&mut self, chosen: Move, _: bool, rng: &mut Pcg64) -> Played {
        let mut played = Played::default();
        let down = chosen.direction().1;
        if down != 0 && self.rest == 0 {
            self.rest = REST;
            self.row = (self.row + down).clamp(0, LAST);
        }
        if self.row == 0 {
            played.reward = 1;
            self.other_cars(rng);
            self.row = LAST;
        }
        for (lane, car) in (1..).zip(&mut self.cars) {
            let hit = |column: i32, row: i32| (column, lane) == (COLUMN, row);
            if hit(car.column, self.row) {
                self.row = LAST;
            }
            if car.timer > 0 {
                car.timer -= 1;
                continue;
            }
            car.timer = car.pace.abs();
            // Off one side and in on the other.
            car.column = (car.column + car.pace.signum()).rem_euclid(LAST + 1);
            if hit(car.column, self.row) {
                self.row = LAST;
            }
        }
        self.rest = (self.rest - 1).max(0);
        self.steps_left -= 1;
        played.terminated = self.steps_left < 0;
        played
    }

    fn draw(&self, planes: &mut Planes<'_>) {
        planes.set(COLUMN, self.row, 0);
        for (lane, car) in (1..).zip(&self.cars) {
            planes.set(car.column, lane, 1);
            let behind = (car.column - car.pace.signum()).rem_euclid(LAST + 1);
            planes.set(behind, lane, 1 + car.pace.unsigned_abs() as usize);
        }
    }

    fn numbers(&mut self, visit: &mut Visit<'_>) {
        visit(&mut self.row, 0..=LAST);
        for car in &mut self.cars {
            visit(&mut car.column, 0..=LAST);
            visit(&mut car.timer, 0..=SLOWEST);
            visit(&mut car.pace, -SLOWEST..=SLOWEST);
        }
        visit(&mut self.rest, 0..=REST);
        visit(&mut self.steps_left, -1..=STEPS);
    }
}

pub(crate) fn entry() -> Entry {
    game::entry::<Freeway>(
        "MinAtar/Freeway-v1",
        "cross a road with eight lanes",
        &["none", "up", "down"],
        include_str!("freeway.rs"),
    )
}
