//! `MinAtar/SpaceInvaders-v1`: a cannon shoots at aliens that come nearer and shoot back.
//!
//! ```
//! use potstill_env::arcade::{Arcade, space_invaders::SpaceInvaders};
//! use potstill_env::Env;
//!
//! let (mut env, mut planes) = (Arcade::<SpaceInvaders>::new(0.0, true, false), [0; 600]);
//! env.reset(Some(1), &mut planes);
//! // 24 aliens, each with its direction, and the cannon.
//! assert_eq!(planes.iter().filter(|&&square| square == 1).count(), 24 * 2 + 1);
//! # env.step(&0, &mut planes)?;
//! # Ok::<(), potstill_env::EnvError>(())
//! ```
//!
//! # Action space
//!
//! `Discrete(4)`: 0 none, 1 left, 2 right, 3 fire.
//!
//! # Observation space
//!
//! `MultiBinary(10, 10, 6)`: `(row * 10 + column) * 6 + channel`.
//!
//! | channel | meaning |
//! |---|---|
//! | 0 | cannon |
//! | 1 | alien |
//! | 2 | alien, while they move left |
//! | 3 | alien, while they move right |
//! | 4 | shot of the cannon |
//! | 5 | shot of an alien |
//!
//! # Rewards
//!
//! 1 for each alien shot. The fewer aliens, the faster they are; with `difficulty_ramping` each wave is
//! faster than the one before.
//!
//! # Starting state
//!
//! Four rows of six aliens that move left, and the cannon at the bottom.
//!
//! # Episode end
//!
//! Terminates when an alien or a shot of one reaches the cannon. There is no time limit.
//!
//! # Options
//!
//! Those of [all arcade games](crate::arcade).
//!
//! # Source
//!
//! MinAtar 1.0.15 (Young and Tian 2019): games of equal seeds are equal.

use super::game::{self, Game, LAST, Move, Planes, Played, SIDE, Visit};
use crate::Paint;
use crate::registry::Entry;
use potstill_core::Pcg64;

/// Steps between two shots of the cannon.
const COOL_DOWN: i32 = 5;
/// Steps between two moves of the aliens, at most, at first.
const MOVE_INTERVAL: i32 = 12;
const MOVE_INTERVAL_MIN: i32 = 6;
/// Steps between two shots of the aliens.
const SHOT_INTERVAL: i32 = 10;
/// Four rows of six.
const WAVE: i32 = 0b00_1111_1100;
const WAVE_ROWS: usize = 4;
const LEFT_EDGE: i32 = 1;
const RIGHT_EDGE: i32 = 1 << LAST;

/// Rows of ten bits, the lowest for column 0.
type Board = [i32; SIDE];

/// The state of a game.
#[derive(Clone, Copy, Debug, Default)]
pub struct SpaceInvaders {
    cannon: i32,
    shots: Board,
    alien_shots: Board,
    aliens: Board,
    /// 1 to the right, -1 to the left.
    direction: i32,
    move_interval: i32,
    move_timer: i32,
    alien_shot_timer: i32,
    cool_down: i32,
}

fn wave() -> Board {
    let mut board = Board::default();
    board[..WAVE_ROWS].fill(WAVE);
    board
}

impl SpaceInvaders {
    fn move_aliens(&mut self) -> bool {
        let cannon = 1 << self.cannon;
        let mut hit = self.aliens[SIDE - 1] & cannon != 0;
        if self.move_timer == 0 {
            let count = self.aliens.iter().map(|row| row.count_ones() as i32).sum::<i32>();
            self.move_timer = count.min(self.move_interval);
            let edge = if self.direction < 0 { LEFT_EDGE } else { RIGHT_EDGE };
            if self.aliens.iter().any(|row| row & edge != 0) {
                self.direction = -self.direction;
                hit |= self.aliens[SIDE - 1] != 0;
                self.aliens.rotate_right(1);
            } else {
                for row in &mut self.aliens {
                    *row = if self.direction < 0 { *row >> 1 } else { *row << 1 };
                }
            }
            hit |= self.aliens[SIDE - 1] & cannon != 0;
        }
        hit
    }

    /// Lets the lowest alien of the column nearest to the cannon, the left one of two, shoot.
    fn shoot_back(&mut self) {
        let shoots = |column: i32| self.aliens.iter().rposition(|row| row >> column & 1 == 1);
        let nearest = (0..=LAST)
            .filter_map(|column| Some((column, shoots(column)?)))
            .min_by_key(|(c, _)| (c - self.cannon).abs());
        if let Some((column, row)) = nearest {
            self.alien_shots[row] |= 1 << column;
        }
    }
}

impl Game for SpaceInvaders {
    const CHANNELS: &'static [Paint] =
        &[Paint::Agent, Paint::Danger, Paint::Faint, Paint::Faint, Paint::Aid, Paint::Ink];
    const MOVES: &'static [Move] = &[Move::None, Move::Left, Move::Right, Move::Fire];

    fn start(&mut self, _: &mut Pcg64) {
        *self = Self {
            cannon: 5,
            aliens: wave(),
            direction: -1,
            move_interval: MOVE_INTERVAL,
            move_timer: MOVE_INTERVAL,
            alien_shot_timer: SHOT_INTERVAL,
            ..Self::default()
        };
    }

    fn step(&mut self, chosen: Move, ramping: bool, _: &mut Pcg64) -> Played {
        if chosen == Move::Fire && self.cool_down == 0 {
            self.shots[SIDE - 1] |= 1 << self.cannon;
            self.cool_down = COOL_DOWN;
        }
        self.cannon = (self.cannon + chosen.direction().0).clamp(0, LAST);
        self.shots.rotate_left(1);
        self.shots[SIDE - 1] = 0;
        self.alien_shots.rotate_right(1);
        self.alien_shots[0] = 0;
        let is_shot = self.alien_shots[SIDE - 1] & (1 << self.cannon) != 0;
        let mut played = Played { reward: 0, terminated: self.move_aliens() | is_shot };
        if self.alien_shot_timer == 0 {
            self.alien_shot_timer = SHOT_INTERVAL;
            self.shoot_back();
        }
        for (aliens, shots) in self.aliens.iter_mut().zip(&mut self.shots) {
            let hits = *aliens & *shots;
            (*aliens, *shots) = (*aliens ^ hits, *shots ^ hits);
            played.reward += hits.count_ones() as i32;
        }
        self.cool_down = (self.cool_down - 1).max(0);
        self.move_timer -= 1;
        self.alien_shot_timer -= 1;
        if self.aliens == Board::default() {
            if ramping && self.move_interval > MOVE_INTERVAL_MIN {
                self.move_interval -= 1;
            }
            self.aliens = wave();
        }
        played
    }

    fn draw(&self, planes: &mut Planes<'_>) {
        planes.set(self.cannon, LAST, 0);
        let heading = if self.direction < 0 { 2 } else { 3 };
        for row in 0..SIDE {
            let mut set = |mut bits: i32, channels: &[usize]| {
                while bits != 0 {
                    channels.iter().for_each(|c| planes.set(bits.trailing_zeros() as i32, row as i32, *c));
                    bits &= bits - 1;
                }
            };
            set(self.aliens[row], &[1, heading]);
            set(self.shots[row], &[4]);
            set(self.alien_shots[row], &[5]);
        }
    }

    fn numbers(&mut self, visit: &mut Visit<'_>) {
        visit(&mut self.cannon, 0..=LAST);
        for board in [&mut self.shots, &mut self.alien_shots, &mut self.aliens] {
            board.iter_mut().for_each(|row| visit(row, 0..=(1 << SIDE) - 1));
        }
        visit(&mut self.direction, -1..=1);
        visit(&mut self.move_interval, MOVE_INTERVAL_MIN..=MOVE_INTERVAL);
        // A wave that was shot with none left to move waits for the timer to come round.
        visit(&mut self.move_timer, -1..=MOVE_INTERVAL);
        visit(&mut self.alien_shot_timer, 0..=SHOT_INTERVAL);
        visit(&mut self.cool_down, 0..=COOL_DOWN);
    }
}

pub(crate) fn entry() -> Entry {
    game::entry::<SpaceInvaders>(
        "MinAtar/SpaceInvaders-v1",
        "shoot aliens before they arrive",
        &["none", "left", "right", "fire"],
        include_str!("space_invaders.rs"),
    )
}
