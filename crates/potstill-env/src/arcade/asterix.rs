//! `MinAtar/Asterix-v1`: gather gold and keep away from enemies that cross the board in eight lanes.
//!
//! ```
//! use potstill_env::arcade::{Arcade, asterix::Asterix};
//! use potstill_env::Env;
//!
//! let (mut env, mut planes) = (Arcade::<Asterix>::new(0.0, true, false), [0; 400]);
//! env.reset(Some(1), &mut planes);
//! // The player in the middle.
//! assert_eq!(planes[(5 * 10 + 5) * 4], 1);
//! # env.step(&0, &mut planes)?;
//! # Ok::<(), potstill_env::EnvError>(())
//! ```
//!
//! # Action space
//!
//! `Discrete(5)`: 0 none, 1 left, 2 up, 3 right, 4 down.
//!
//! # Observation space
//!
//! `MultiBinary(10, 10, 4)`: `(row * 10 + column) * 4 + channel`.
//!
//! | channel | meaning |
//! |---|---|
//! | 0 | player |
//! | 1 | enemy |
//! | 2 | trail: the square behind an enemy or gold |
//! | 3 | gold |
//!
//! # Rewards
//!
//! 1 for each piece of gold.
//!
//! # Starting state
//!
//! The player in the middle, no enemy and no gold; directions and lanes of those that come are random.
//!
//! # Episode end
//!
//! Terminates when the player meets an enemy. There is no time limit.
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

/// Lanes are rows 1 to 8.
const LANES: usize = 8;
const RAMP_INTERVAL: i32 = 100;
const SPAWN_INTERVAL: i32 = 10;
const MOVE_INTERVAL: i32 = 5;

/// A thing that crosses the board in a lane.
#[derive(Clone, Copy, Debug, Default)]
struct Thing {
    is_there: i32,
    column: i32,
    /// 1 to the right, -1 to the left.
    direction: i32,
    is_gold: i32,
}

/// The state of a game.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asterix {
    /// Column and row.
    player: (i32, i32),
    lanes: [Thing; LANES],
    spawn_interval: i32,
    spawn_timer: i32,
    move_interval: i32,
    move_timer: i32,
    ramp_timer: i32,
    ramps: i32,
}

impl Asterix {
    fn spawn(&mut self, rng: &mut Pcg64) {
        let direction = if rng.unit() < 0.5 { 1 } else { -1 };
        let is_gold = i32::from(rng.unit() < 1.0 / 3.0);
        let free = self.lanes.iter().filter(|thing| thing.is_there == 0).count() as u32;
        if free == 0 {
            return;
        }
        let chosen = rng.integer(free) as usize;
        let column = if direction > 0 { 0 } else { LAST };
        let mut free = self.lanes.iter_mut().filter(|thing| thing.is_there == 0);
        if let Some(lane) = free.nth(chosen) {
            *lane = Thing { is_there: 1, column, direction, is_gold };
        }
    }

    /// Resolves a collision of the player with the thing in a lane, if they are on one square.
    fn collide(&mut self, lane: usize, played: &mut Played) {
        let thing = &mut self.lanes[lane];
        if thing.is_there == 1 && (thing.column, lane as i32 + 1) == self.player {
            if thing.is_gold == 1 {
                thing.is_there = 0;
                played.reward += 1;
            } else {
                played.terminated = true;
            }
        }
    }

    fn ramp(&mut self) {
        if self.spawn_interval <= 1 && self.move_interval <= 1 {
            return;
        }
        if self.ramp_timer >= 0 {
            self.ramp_timer -= 1;
            return;
        }
        if self.move_interval > 1 && self.ramps % 2 == 1 {
            self.move_interval -= 1;
        }
        if self.spawn_interval > 1 {
            self.spawn_interval -= 1;
        }
        self.ramps += 1;
        self.ramp_timer = RAMP_INTERVAL;
    }
}

impl Game for Asterix {
    const CHANNELS: &'static [Paint] = &[Paint::Agent, Paint::Danger, Paint::Faint, Paint::Goal];
    const MOVES: &'static [Move] = &[Move::None, Move::Left, Move::Up, Move::Right, Move::Down];

    fn start(&mut self, _: &mut Pcg64) {
        *self = Self {
            player: (5, 5),
            lanes: [Thing::default(); LANES],
            spawn_interval: SPAWN_INTERVAL,
            spawn_timer: SPAWN_INTERVAL,
            move_interval: MOVE_INTERVAL,
            move_timer: MOVE_INTERVAL,
            ramp_timer: RAMP_INTERVAL,
            ramps: 0,
        };
    }

    fn step(&mut self, chosen: Move, ramping: bool, rng: &mut Pcg64) -> Played {
        if self.spawn_timer == 0 {
            self.spawn(rng);
            self.spawn_timer = self.spawn_interval;
        }
        let (right, down) = chosen.direction();
        self.player = ((self.player.0 + right).clamp(0, LAST), (self.player.1 + down).clamp(1, LANES as i32));
        let mut played = Played::default();
        for lane in 0..LANES {
            self.collide(lane, &mut played);
        }
        if self.move_timer == 0 {
            self.move_timer = self.move_interval;
            for lane in 0..LANES {
                let thing = &mut self.lanes[lane];
                thing.column += thing.direction;
                if !(0..=LAST).contains(&thing.column) {
                    *thing = Thing::default();
                }
                self.collide(lane, &mut played);
            }
        }
        self.spawn_timer -= 1;
        self.move_timer -= 1;
        if ramping {
            self.ramp();
        }
        played
    }

    fn draw(&self, planes: &mut Planes<'_>) {
        planes.set(self.player.0, self.player.1, 0);
        for (row, thing) in (1..).zip(&self.lanes).filter(|(_, thing)| thing.is_there == 1) {
            planes.set(thing.column, row, if thing.is_gold == 1 { 3 } else { 1 });
            planes.set_within(thing.column - thing.direction, row, 2);
        }
    }

    fn numbers(&mut self, visit: &mut Visit<'_>) {
        visit(&mut self.player.0, 0..=LAST);
        visit(&mut self.player.1, 1..=LANES as i32);
        for thing in &mut self.lanes {
            visit(&mut thing.is_there, 0..=1);
            visit(&mut thing.column, 0..=LAST);
            visit(&mut thing.direction, -1..=1);
            visit(&mut thing.is_gold, 0..=1);
        }
        visit(&mut self.spawn_interval, 1..=SPAWN_INTERVAL);
        visit(&mut self.spawn_timer, 0..=SPAWN_INTERVAL);
        visit(&mut self.move_interval, 1..=MOVE_INTERVAL);
        visit(&mut self.move_timer, 0..=MOVE_INTERVAL);
        visit(&mut self.ramp_timer, -1..=RAMP_INTERVAL);
        visit(&mut self.ramps, 0..=SPAWN_INTERVAL + MOVE_INTERVAL);
    }
}

pub(crate) fn entry() -> Entry {
    game::entry::<Asterix>(
        "MinAtar/Asterix-v1",
        "gather gold, and keep away from enemies",
        &["none", "left", "up", "right", "down"],
        include_str!("asterix.rs"),
    )
}
