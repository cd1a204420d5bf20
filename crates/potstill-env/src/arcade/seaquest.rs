//! `MinAtar/Seaquest-v1`: a submarine shoots fish and submarines, rescues divers and must surface for air.
//!
//! ```
//! use potstill_env::arcade::{Arcade, seaquest::Seaquest};
//! use potstill_env::Env;
//!
//! let (mut env, mut planes) = (Arcade::<Seaquest>::new(0.0, true, false), [0; 1000]);
//! env.reset(Some(1), &mut planes);
//! // Bow, stern and ten tenths of air.
//! assert_eq!(planes.iter().filter(|&&square| square == 1).count(), 12);
//! # env.step(&0, &mut planes)?;
//! # Ok::<(), potstill_env::EnvError>(())
//! ```
//!
//! # Action space
//!
//! `Discrete(6)`: 0 none, 1 left, 2 up, 3 right, 4 down, 5 fire.
//!
//! # Observation space
//!
//! `MultiBinary(10, 10, 10)`: `(row * 10 + column) * 10 + channel`.
//!
//! | channel | meaning |
//! |---|---|
//! | 0 | bow of the player's submarine |
//! | 1 | its stern |
//! | 2 | shot of the player |
//! | 3 | trail: the square behind a fish, submarine or diver |
//! | 4 | shot of an enemy |
//! | 5 | fish |
//! | 6 | enemy submarine |
//! | 7 | air left, in tenths, on the lowest row |
//! | 8 | divers aboard, on the lowest row |
//! | 9 | diver |
//!
//! # Rewards
//!
//! 1 for each fish or submarine shot; surfacing with six divers gives the air left, in tenths. Surfacing
//! fills the tank and takes one diver off.
//!
//! # Starting state
//!
//! The player's submarine at the surface, full of air, alone in the sea.
//!
//! # Episode end
//!
//! Terminates when an enemy or its shot meets the player, when the air runs out, and when surfacing without a
//! diver. There is no time limit.
//!
//! # Options
//!
//! Those of [all arcade games](crate::arcade).
//!
//! # Source
//!
//! MinAtar 1.0.15 (Young and Tian 2019): games of equal seeds are equal.

use super::game::{self, Game, LAST, List, MOVES, Move, Planes, Played, Visit};
use crate::Paint;
use crate::registry::Entry;
use potstill_core::Pcg64;

const AIR: i32 = 200;
const DIVERS_MAX: i32 = 6;
/// The lowest row to dive to; below it are the gauges.
const DEEPEST: i32 = 8;
const COOL_DOWN: i32 = 5;
const SPAWN_INTERVAL: i32 = 20;
const DIVER_SPAWN_INTERVAL: i32 = 30;
const MOVE_INTERVAL: i32 = 5;
const MOVE_INTERVAL_MIN: i32 = 2;
const DIVER_MOVE_INTERVAL: i32 = 5;
const SHOT_INTERVAL: i32 = 10;
/// Limit that is never reached: at the fastest one thing enters in each step and needs 30 to cross; before
/// that they are slower, but fewer.
const THINGS_MAX: usize = 64;

/// A thing that crosses the sea.
#[derive(Clone, Copy, Debug, Default)]
struct Thing {
    column: i32,
    row: i32,
    /// 1 to the right, -1 to the left.
    direction: i32,
    /// Steps until it moves.
    timer: i32,
    /// Steps until it shoots, if it does.
    shot_timer: i32,
}

impl Thing {
    fn position(&self) -> (i32, i32) {
        (self.column, self.row)
    }

    fn is_out(&self) -> bool {
        !(0..=LAST).contains(&self.column)
    }
}

type Things = List<Thing, THINGS_MAX>;

/// The state of a game.
#[derive(Clone, Debug, Default)]
pub struct Seaquest {
    /// Column and row of the bow.
    boat: (i32, i32),
    /// 1 to the right, -1 to the left.
    heading: i32,
    air: i32,
    /// Below 0 after surfacing with six.
    divers_aboard: i32,
    shots: Things,
    enemy_shots: Things,
    fish: Things,
    submarines: Things,
    divers: Things,
    spawn_interval: i32,
    spawn_timer: i32,
    diver_spawn_timer: i32,
    move_interval: i32,
    ramps: i32,
    cool_down: i32,
    is_up: i32,
}

/// A thing that enters at an edge, in a random row.
fn newcomer(direction: i32, rng: &mut Pcg64) -> Thing {
    let column = if direction > 0 { 0 } else { LAST };
    Thing { column, row: 1 + rng.integer(8) as i32, direction, ..Thing::default() }
}

impl Seaquest {
    fn spawn(&mut self, rng: &mut Pcg64) {
        if self.spawn_timer == 0 {
            let direction = if rng.unit() < 0.5 { 1 } else { -1 };
            let is_submarine = rng.unit() < 1.0 / 3.0;
            let timer = self.move_interval;
            let enemy = Thing { timer, shot_timer: SHOT_INTERVAL, ..newcomer(direction, rng) };
            // Two things never move towards each other in one row.
            let meets = |other: &Thing| other.row == enemy.row && other.direction != enemy.direction;
            if !self.fish.items().iter().chain(self.submarines.items()).any(meets) {
                if is_submarine { &mut self.submarines } else { &mut self.fish }.push(enemy);
            }
            self.spawn_timer = self.spawn_interval;
        }
        if self.diver_spawn_timer == 0 {
            let direction = if rng.unit() < 0.5 { 1 } else { -1 };
            self.divers.push(Thing { timer: DIVER_MOVE_INTERVAL, ..newcomer(direction, rng) });
            self.diver_spawn_timer = DIVER_SPAWN_INTERVAL;
        }
    }

    fn steer(&mut self, chosen: Move) {
        if chosen == Move::Fire && self.cool_down == 0 {
            self.cool_down = COOL_DOWN;
            let (column, row) = self.boat;
            self.shots.push(Thing { column, row, direction: self.heading, ..Thing::default() });
        }
        let (right, down) = chosen.direction();
        self.boat = ((self.boat.0 + right).clamp(0, LAST), (self.boat.1 + down).clamp(0, DEEPEST));
        if right != 0 {
            self.heading = right;
        }
    }

    fn move_shots(&mut self, played: &mut Played) {
        for i in (0..self.shots.len).rev() {
            let shot = &mut self.shots.items[i];
            shot.column += shot.direction;
            let shot = *shot;
            if shot.is_out() {
                self.shots.remove(i);
            } else if self.fish.take(|fish| fish.position() == shot.position())
                || self.submarines.take(|submarine| submarine.position() == shot.position())
            {
                self.shots.remove(i);
                played.reward += 1;
            }
        }
    }

    fn move_divers(&mut self) {
        for i in (0..self.divers.len).rev() {
            let room = self.divers_aboard < DIVERS_MAX;
            let diver = &mut self.divers.items[i];
            let mut is_gone = false;
            if diver.position() == self.boat && room {
                self.divers_aboard += 1;
                is_gone = true;
            } else if diver.timer == 0 {
                diver.timer = DIVER_MOVE_INTERVAL;
                diver.column += diver.direction;
                if diver.is_out() {
                    is_gone = true;
                } else if diver.position() == self.boat && room {
                    self.divers_aboard += 1;
                    is_gone = true;
                }
            } else {
                diver.timer -= 1;
            }
            if is_gone {
                self.divers.remove(i);
            }
        }
    }

    fn move_submarines(&mut self, played: &mut Played) {
        for i in (0..self.submarines.len).rev() {
            let submarine = &mut self.submarines.items[i];
            played.terminated |= submarine.position() == self.boat;
            let mut is_gone = false;
            if submarine.timer == 0 {
                submarine.timer = self.move_interval;
                submarine.column += submarine.direction;
                let at = submarine.position();
                if submarine.is_out() {
                    is_gone = true;
                } else if at == self.boat {
                    played.terminated = true;
                } else if self.shots.take(|shot| shot.position() == at) {
                    is_gone = true;
                    played.reward += 1;
                }
            } else {
                submarine.timer -= 1;
            }
            if submarine.shot_timer == 0 {
                submarine.shot_timer = SHOT_INTERVAL;
                self.enemy_shots.push(Thing { timer: 0, shot_timer: 0, ..*submarine });
            } else {
                submarine.shot_timer -= 1;
            }
            if is_gone {
                self.submarines.remove(i);
            }
        }
    }

    fn move_enemy_shots(&mut self, played: &mut Played) {
        for i in (0..self.enemy_shots.len).rev() {
            let shot = &mut self.enemy_shots.items[i];
            played.terminated |= shot.position() == self.boat;
            shot.column += shot.direction;
            if shot.is_out() {
                self.enemy_shots.remove(i);
            } else {
                played.terminated |= shot.position() == self.boat;
            }
        }
    }

    fn move_fish(&mut self, played: &mut Played) {
        for i in (0..self.fish.len).rev() {
            let fish = &mut self.fish.items[i];
            played.terminated |= fish.position() == self.boat;
            if fish.timer > 0 {
                fish.timer -= 1;
                continue;
            }
            fish.timer = self.move_interval;
            fish.column += fish.direction;
            let at = fish.position();
            if fish.is_out() {
                self.fish.remove(i);
            } else if at == self.boat {
                played.terminated = true;
            } else if self.shots.take(|shot| shot.position() == at) {
                self.fish.remove(i);
                played.reward += 1;
            }
        }
    }

    fn breathe(&mut self, ramping: bool, played: &mut Played) {
        played.terminated |= self.air <= 0;
        if self.boat.1 > 0 {
            self.air -= 1;
            self.is_up = 0;
        } else if self.is_up == 0 {
            if self.divers_aboard == 0 {
                played.terminated = true;
            } else {
                played.reward += self.surface(ramping);
            }
        }
    }

    fn surface(&mut self, ramping: bool) -> i32 {
        self.is_up = 1;
        let mut reward = 0;
        if self.divers_aboard == DIVERS_MAX {
            self.divers_aboard = 0;
            reward = self.air * 10 / AIR;
        }
        self.air = AIR;
        self.divers_aboard -= 1;
        if ramping && (self.spawn_interval > 1 || self.move_interval > MOVE_INTERVAL_MIN) {
            if self.move_interval > MOVE_INTERVAL_MIN && self.ramps % 2 == 1 {
                self.move_interval -= 1;
            }
            if self.spawn_interval > 1 {
                self.spawn_interval -= 1;
            }
            self.ramps += 1;
        }
        reward
    }
}

impl Game for Seaquest {
    const CHANNELS: &'static [Paint] = &[
        Paint::Agent,
        Paint::Agent,
        Paint::Aid,
        Paint::Faint,
        Paint::Danger,
        Paint::Danger,
        Paint::Danger,
        Paint::Ink,
        Paint::Goal,
        Paint::Goal,
    ];
    const MOVES: &'static [Move] = &Move::ALL;

    fn start(&mut self, _: &mut Pcg64) {
        *self = Self {
            boat: (5, 0),
            heading: -1,
            air: AIR,
            spawn_interval: SPAWN_INTERVAL,
            spawn_timer: SPAWN_INTERVAL,
            diver_spawn_timer: DIVER_SPAWN_INTERVAL,
            move_interval: MOVE_INTERVAL,
            is_up: 1,
            ..Self::default()
        };
    }

    fn step(&mut self, chosen: Move, ramping: bool, rng: &mut Pcg64) -> Played {
        let mut played = Played::default();
        self.spawn(rng);
        self.steer(chosen);
        self.move_shots(&mut played);
        self.move_divers();
        self.move_submarines(&mut played);
        self.move_enemy_shots(&mut played);
        self.move_fish(&mut played);
        for timer in [&mut self.spawn_timer, &mut self.diver_spawn_timer, &mut self.cool_down] {
            *timer = (*timer - 1).max(0);
        }
        self.breathe(ramping, &mut played);
        played
    }

    fn draw(&self, planes: &mut Planes<'_>) {
        planes.set(self.boat.0, self.boat.1, 0);
        planes.set_within(self.boat.0 - self.heading, self.boat.1, 1);
        (0..self.air * 10 / AIR).for_each(|column| planes.set(column, LAST, 7));
        (LAST - self.divers_aboard..LAST).for_each(|column| planes.set(column, LAST, 8));
        for (things, channel, has_trail) in [
            (&self.shots, 2, false),
            (&self.enemy_shots, 4, false),
            (&self.fish, 5, true),
            (&self.submarines, 6, true),
            (&self.divers, 9, true),
        ] {
            for thing in things.items() {
                planes.set(thing.column, thing.row, channel);
                if has_trail {
                    planes.set_within(thing.column - thing.direction, thing.row, 3);
                }
            }
        }
    }

    fn numbers(&mut self, visit: &mut Visit<'_>) {
        visit(&mut self.boat.0, 0..=LAST);
        visit(&mut self.boat.1, 0..=DEEPEST);
        visit(&mut self.heading, -1..=1);
        visit(&mut self.air, -1..=AIR);
        visit(&mut self.divers_aboard, -1..=DIVERS_MAX);
        for things in
            [&mut self.shots, &mut self.enemy_shots, &mut self.fish, &mut self.submarines, &mut self.divers]
        {
            things.numbers(visit, |thing, visit| {
                visit(&mut thing.column, 0..=LAST);
                visit(&mut thing.row, 0..=DEEPEST);
                visit(&mut thing.direction, -1..=1);
                visit(&mut thing.timer, 0..=MOVE_INTERVAL);
                visit(&mut thing.shot_timer, 0..=SHOT_INTERVAL);
            });
        }
        visit(&mut self.spawn_interval, 1..=SPAWN_INTERVAL);
        visit(&mut self.spawn_timer, 0..=SPAWN_INTERVAL);
        visit(&mut self.diver_spawn_timer, 0..=DIVER_SPAWN_INTERVAL);
        visit(&mut self.move_interval, MOVE_INTERVAL_MIN..=MOVE_INTERVAL);
        visit(&mut self.ramps, 0..=SPAWN_INTERVAL);
        visit(&mut self.cool_down, 0..=COOL_DOWN);
        visit(&mut self.is_up, 0..=1);
    }
}

pub(crate) fn entry() -> Entry {
    game::entry::<Seaquest>(
        "MinAtar/Seaquest-v1",
        "rescue divers, shoot, and come up for air",
        MOVES,
        include_str!("seaquest.rs"),
    )
}
