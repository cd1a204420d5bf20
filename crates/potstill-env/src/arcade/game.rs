//! Common parts of the five games: moves, planes, and the environment of a game.

use crate::registry::{Entry, Factory, Kind, Options};
use crate::{Env, EnvError, Outcome, Paint, Scene, Space};
use potstill_core::snapshot::Codec;
use potstill_core::{Pcg64, Snapshot, SnapshotError, Value, snapshot};
use std::fmt;
use std::ops::RangeInclusive;

/// Squares along a side.
pub const SIDE: usize = 10;
/// The last row or column.
pub(super) const LAST: i32 = SIDE as i32 - 1;

/// An action of a player.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// Nothing.
    None,
    /// Go left.
    Left,
    /// Go up.
    Up,
    /// Go right.
    Right,
    /// Go down.
    Down,
    /// Shoot.
    Fire,
}

impl Move {
    /// All moves, in the order of their numbers in the full action set.
    pub const ALL: [Move; 6] = [Move::None, Move::Left, Move::Up, Move::Right, Move::Down, Move::Fire];

    /// Columns to the right and rows down.
    pub(super) fn direction(self) -> (i32, i32) {
        match self {
            Move::Left => (-1, 0),
            Move::Up => (0, -1),
            Move::Right => (1, 0),
            Move::Down => (0, 1),
            Move::None | Move::Fire => (0, 0),
        }
    }
}

/// The result of a step of a game.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Played {
    /// The reward.
    pub reward: i32,
    /// `true` if the game is over.
    pub terminated: bool,
}

/// Visits a number of a game's state, with the range it must be in.
pub type Visit<'a> = dyn FnMut(&mut i32, RangeInclusive<i32>) + 'a;

/// The rules of one game.
pub trait Game: Clone + Default + fmt::Debug + Send + Sync + 'static {
    /// Planes of an observation, each with its meaning for the player.
    const CHANNELS: &'static [Paint];
    /// The moves that have an effect, and none.
    const MOVES: &'static [Move];

    /// A new game.
    fn start(&mut self, rng: &mut Pcg64);

    /// One step.
    fn step(&mut self, chosen: Move, ramping: bool, rng: &mut Pcg64) -> Played;

    /// Sets every square that is not empty.
    fn draw(&self, planes: &mut Planes<'_>);

    /// Every number of the state, always in the same order.
    fn numbers(&mut self, visit: &mut Visit<'_>);
}

/// Planes of zeros, to be drawn on.
pub struct Planes<'a> {
    squares: &'a mut [u8],
    channels: usize,
}

impl Planes<'_> {
    /// Sets one square of one plane.
    #[inline]
    pub(super) fn set(&mut self, column: i32, row: i32, channel: usize) {
        self.squares[(row as usize * SIDE + column as usize) * self.channels + channel] = 1;
    }

    /// Sets one square if it is on the board.
    #[inline]
    pub(super) fn set_within(&mut self, column: i32, row: i32, channel: usize) {
        if (0..=LAST).contains(&column) {
            self.set(column, row, channel);
        }
    }
}

/// A game to be played: with sticky actions, and harder with time if it can be.
#[derive(Clone, Debug)]
pub struct Arcade<G> {
    game: G,
    sticky_action_prob: f64,
    ramping: bool,
    moves: &'static [Move],
    last: Move,
    rng: Pcg64,
}

impl<G: Game> Arcade<G> {
    /// A game. The full action set has six moves in every game; else there are those that do something.
    pub fn new(sticky_action_prob: f64, ramping: bool, full_action_set: bool) -> Self {
        let moves = if full_action_set { &Move::ALL } else { G::MOVES };
        let (game, last, rng) = (G::default(), Move::None, Pcg64::new(0));
        Self { game, sticky_action_prob, ramping, moves, last, rng }
    }

    fn draw(&self, squares: &mut [u8]) {
        squares.fill(0);
        self.game.draw(&mut Planes { squares, channels: G::CHANNELS.len() });
    }
}

impl<G: Game> Env for Arcade<G> {
    type Observation = [u8];
    type Action = usize;

    fn observation_space(&self) -> Space {
        Space::MultiBinary { shape: vec![SIDE, SIDE, G::CHANNELS.len()] }
    }

    fn action_space(&self) -> Space {
        Space::Discrete { n: self.moves.len() }
    }

    fn reset(&mut self, seed: Option<u64>, observation: &mut [u8]) {
        if let Some(seed) = seed {
            self.rng = Pcg64::new(seed);
            self.last = Move::None;
        }
        self.game.start(&mut self.rng);
        self.draw(observation);
    }

    fn step(&mut self, &action: &usize, observation: &mut [u8]) -> Result<Outcome, EnvError> {
        let Some(&chosen) = self.moves.get(action) else {
            return Err(EnvError::Action { action: action.to_string(), space: self.action_space() });
        };
        if self.rng.unit() >= self.sticky_action_prob {
            self.last = chosen;
        }
        let Played { reward, terminated } = self.game.step(self.last, self.ramping, &mut self.rng);
        self.draw(observation);
        Ok(Outcome { reward: f64::from(reward), terminated, truncated: false })
    }

    fn reseed(&mut self, seed: u64) {
        self.rng = Pcg64::new(seed);
    }

    fn scene(&self) -> Option<Scene> {
        let mut squares = vec![0; SIDE * SIDE * G::CHANNELS.len()];
        self.draw(&mut squares);
        let mut scene = Scene::grid(SIDE, SIDE, |_, _| (Paint::Ground, ' '));
        // Trails and other hints are drawn below the things that they belong to.
        for hint in [true, false] {
            for (place, channels) in squares.chunks(G::CHANNELS.len()).enumerate() {
                for (_, paint) in channels.iter().zip(G::CHANNELS).filter(|(set, _)| **set == 1) {
                    if (*paint == Paint::Faint) == hint {
                        let (x, y) = ((place % SIDE) as f64, (place / SIDE) as f64);
                        scene.rectangle(*paint, (x, y), (1.0, 1.0));
                        let sign = match paint {
                            Paint::Danger => "x",
                            Paint::Goal => "+",
                            Paint::Aid => "|",
                            _ => continue,
                        };
                        scene.text(Paint::Ink, (x + 0.5, y + 0.5), sign, 0.6);
                    }
                }
            }
        }
        Some(scene)
    }
}

snapshot! {
    impl[G: Game] Restorable for Arcade<G> {
        saved: game as "numbers" via Numbers, last via Number, rng;
        built: sticky_action_prob, ramping, moves;
    }
}

/// The codec of a game: its numbers, one after the other.
struct Numbers;

impl<G: Game> Codec<G> for Numbers {
    fn save(&self, game: &G, name: &str, snapshot: &mut Snapshot) {
        let mut numbers = Vec::new();
        // The visitor may write, so it gets a copy.
        game.clone().numbers(&mut |number, _| numbers.push(f64::from(*number)));
        snapshot.insert(name, Value::F64s(numbers));
    }

    fn load(&self, game: &mut G, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        let mut restored = G::default();
        let mut saved = snapshot.array(name)?.iter();
        let mut wrong = None;
        restored.numbers(&mut |number, range| match saved.next() {
            Some(&value) if value.fract() == 0.0 && range.contains(&(value as i32)) => *number = value as i32,
            other => wrong = wrong.take().or(Some(format!("{other:?} is not in {range:?}"))),
        });
        if let Some(reason) = wrong.or_else(|| saved.next().map(|_| "there are too many".to_owned())) {
            return Err(SnapshotError::invalid(name, reason));
        }
        *game = restored;
        Ok(())
    }
}

/// The codec of a move: its place among all.
struct Number;

impl Codec<Move> for Number {
    fn save(&self, chosen: &Move, name: &str, snapshot: &mut Snapshot) {
        snapshot.insert(name, Value::U64(*chosen as u64));
    }

    fn load(&self, chosen: &mut Move, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        *chosen = Move::ALL[snapshot.index(name, Move::ALL.len())?];
        Ok(())
    }
}

/// Things on the board, in the order in which they came: at most `N`.
#[derive(Clone, Debug)]
pub(super) struct List<T, const N: usize> {
    pub(super) items: [T; N],
    pub(super) len: usize,
}

impl<T: Copy + Default, const N: usize> Default for List<T, N> {
    fn default() -> Self {
        Self { items: [T::default(); N], len: 0 }
    }
}

impl<T: Copy, const N: usize> List<T, N> {
    pub(super) fn items(&self) -> &[T] {
        &self.items[..self.len]
    }

    /// Adds one at the end, if there is room.
    pub(super) fn push(&mut self, item: T) {
        if self.len < N {
            self.items[self.len] = item;
            self.len += 1;
        }
    }

    pub(super) fn remove(&mut self, i: usize) {
        self.items.copy_within(i + 1..self.len, i);
        self.len -= 1;
    }

    /// Removes the first item that fits; returns true if there was one.
    pub(super) fn take(&mut self, fits: impl Fn(&T) -> bool) -> bool {
        let found = self.items().iter().position(fits);
        if let Some(i) = found {
            self.remove(i);
        }
        found.is_some()
    }

    /// Visits the length, then each item.
    pub(super) fn numbers(&mut self, visit: &mut Visit<'_>, mut each: impl FnMut(&mut T, &mut Visit<'_>)) {
        let mut len = self.len as i32;
        visit(&mut len, 0..=N as i32);
        self.len = len as usize;
        for item in &mut self.items[..self.len] {
            each(item, visit);
        }
    }
}

/// The full action set of the arcade games.
pub(crate) const MOVES: &[&str] = &["none", "left", "up", "right", "down", "fire"];

/// The entry of a game, whose options are those of the family.
pub(super) fn entry<G: Game>(
    id: &'static str,
    summary: &'static str,
    actions: &'static [&'static str],
    documentation: &'static str,
) -> Entry {
    Entry::new(id, summary, kind::<G>)
        .documented(documentation)
        .options_of(include_str!("mod.rs"))
        .actions(actions)
        .full_actions(MOVES)
}

/// A game with its options.
fn kind<G: Game>(options: &mut Options<'_>) -> Result<Kind, String> {
    let sticky = options.number("sticky_action_prob", 0.1, 0.0..=1.0)?;
    let ramping = options.flag("difficulty_ramping", true)?;
    let full = options.flag("full_action_set", false)?;
    Ok(Kind::Planes(Factory::trusted(move || Arcade::<G>::new(sticky, ramping, full))))
}
