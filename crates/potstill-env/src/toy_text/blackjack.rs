//! `Blackjack-v1`: come closer to 21 than the dealer, and not beyond (Sutton and Barto 2018, Example 5.1).
//! Cards come from an endless deck.
//!
//! ```
//! use potstill_env::{Env, toy_text::blackjack::Blackjack};
//!
//! let (mut env, mut observation) = (Blackjack::new(false, true), 0);
//! env.reset(Some(1), &mut observation);
//! let [sum, card, ace] = env.observation_space().parts(observation)[..] else { unreachable!() };
//! assert!((4..=21).contains(&sum) && (1..=10).contains(&card) && ace <= 1);
//! assert!(env.step(&0, &mut observation)?.terminated);
//! # Ok::<(), potstill_env::EnvError>(())
//! ```
//!
//! # Action space
//!
//! `Discrete(2)`: 0 stick, 1 hit.
//!
//! # Observation space
//!
//! `Tuple(32, 11, 2)`, numbered; [`Space::parts`] takes it apart.
//!
//! | part | meaning | values |
//! |---|---|---|
//! | 0 | the player's sum | 0 to 31 |
//! | 1 | the dealer's open card, 1 an ace | 1 to 10 |
//! | 2 | whether the player has an ace that counts 11 | 0, 1 |
//!
//! # Rewards
//!
//! 1 for a game won, -1 for one lost, 0 for a draw, all at the end; 1.5 for a game won by a dealt 21 with
//! `natural`.
//!
//! # Starting state
//!
//! Two cards for the player and two for the dealer, one of which is open.
//!
//! # Episode end
//!
//! Terminates when the player sticks or exceeds 21. There is no time limit.
//!
//! # Options
//!
//! | option | meaning | default | example |
//! |---|---|---|---|
//! | `sab` | Sutton and Barto's rule: a dealt 21 wins against any that the dealer draws: `true` or `false` | `true` | `false` |
//! | `natural` | a game won by a dealt 21 gives 1.5; ignored with `sab`: `true` or `false` | `false` | `true` |
//!
//! Both rules depend on whether a sum of 21 was dealt or drawn, which the observation does not tell. The
//! observations are then not Markov and there is no exact model; without both (`Blackjack-v1:sab=false`)
//! there is one.
//!
//! # Source
//!
//! Gymnasium 1.4, `Blackjack-v1`: trajectories of equal seeds are equal.

use crate::registry::{Entry, Kind};
use crate::{Env, EnvError, ModelOutcome, Outcome, Paint, Scene, Space, StateMap, TransitionModel};
use potstill_core::snapshot::{Codec, below};
use potstill_core::{Pcg64, Snapshot, SnapshotError, Value, snapshot};
use std::sync::{Arc, LazyLock};

/// The value of each of the thirteen cards, an ace 1.
const DECK: [u64; 13] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 10, 10];

/// The cards of a hand, as far as they matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Hand {
    /// The sum with every ace as 1.
    hard: u64,
    has_ace: bool,
    cards: u64,
}

impl Hand {
    fn with(self, card: u64) -> Self {
        Self { hard: self.hard + card, has_ace: self.has_ace || card == 1, cards: self.cards + 1 }
    }

    fn usable_ace(self) -> bool {
        self.has_ace && self.hard + 10 <= 21
    }

    fn sum(self) -> u64 {
        self.hard + if self.usable_ace() { 10 } else { 0 }
    }

    fn is_bust(self) -> bool {
        self.sum() > 21
    }

    /// A dealt 21.
    fn is_natural(self) -> bool {
        self.cards == 2 && self.sum() == 21
    }

    fn score(self) -> u64 {
        if self.is_bust() { 0 } else { self.sum() }
    }

    /// The number of the observation.
    fn seen_with(self, open_card: u64) -> usize {
        (self.sum() as usize * 11 + open_card as usize) * 2 + usize::from(self.usable_ace())
    }
}

/// The reward of a finished game.
fn compare(player: u64, dealer: u64) -> f64 {
    match player.cmp(&dealer) {
        std::cmp::Ordering::Less => -1.0,
        std::cmp::Ordering::Equal => 0.0,
        std::cmp::Ordering::Greater => 1.0,
    }
}

/// A table with one player and the dealer.
#[derive(Clone, Debug)]
pub struct Blackjack {
    /// A game won by a dealt 21 gives 1.5. Ignored with `sab`.
    natural: bool,
    /// Sutton and Barto's rule for a dealt 21.
    sab: bool,
    player: Hand,
    dealer: Hand,
    open_card: u64,
    rng: Pcg64,
}

impl Blackjack {
    /// A table with or without the two rules for a dealt 21.
    pub fn new(natural: bool, sab: bool) -> Self {
        let (player, dealer) = (Hand::default(), Hand::default());
        Self { natural, sab, player, dealer, open_card: 1, rng: Pcg64::new(0) }
    }
}

fn draw(rng: &mut Pcg64) -> u64 {
    DECK[rng.integer(13) as usize]
}

impl Env for Blackjack {
    type Observation = usize;
    type Action = usize;

    fn observation_space(&self) -> Space {
        Space::Tuple { sizes: vec![32, 11, 2] }
    }

    fn action_space(&self) -> Space {
        Space::Discrete { n: 2 }
    }

    fn reset(&mut self, seed: Option<u64>, observation: &mut usize) {
        if let Some(seed) = seed {
            self.rng = Pcg64::new(seed);
        }
        let rng = &mut self.rng;
        self.open_card = draw(rng);
        self.dealer = Hand::default().with(self.open_card).with(draw(rng));
        self.player = Hand::default().with(draw(rng)).with(draw(rng));
        // Gymnasium draws a suit, and a face for a ten, to show.
        rng.integer(4);
        if self.open_card == 10 {
            rng.integer(3);
        }
        *observation = self.player.seen_with(self.open_card);
    }

    /// Keeps the dealer's hidden card.
    fn reseed(&mut self, seed: u64) {
        self.rng = Pcg64::new(seed);
    }

    fn step(&mut self, &action: &usize, observation: &mut usize) -> Result<Outcome, EnvError> {
        let (reward, terminated) = match action {
            0 => {
                while self.dealer.sum() < 17 {
                    self.dealer = self.dealer.with(draw(&mut self.rng));
                }
                let (player, dealer) = (self.player, self.dealer);
                let reward = compare(player.score(), dealer.score());
                let reward = match player.is_natural() {
                    true if self.sab && !dealer.is_natural() => 1.0,
                    true if !self.sab && self.natural && reward == 1.0 => 1.5,
                    _ => reward,
                };
                (reward, true)
            }
            1 => {
                self.player = self.player.with(draw(&mut self.rng));
                if self.player.is_bust() { (-1.0, true) } else { (0.0, false) }
            }
            _ => return Err(EnvError::Action { action: action.to_string(), space: self.action_space() }),
        };
        *observation = self.player.seen_with(self.open_card);
        Ok(Outcome { reward, terminated, truncated: false })
    }

    fn model(&self) -> Option<Arc<TransitionModel>> {
        static MODEL: LazyLock<Arc<TransitionModel>> = LazyLock::new(|| Arc::new(model()));
        (!self.sab && !self.natural).then(|| MODEL.clone())
    }

    /// As the book's figures 5.1 and 5.2: the sum upwards, the dealer's card to the right.
    fn state_maps(&self) -> Vec<StateMap> {
        let cards = ["A", "2", "3", "4", "5", "6", "7", "8", "9", "10"];
        let map = |title, lowest: usize, ace: usize| {
            let sums: Vec<usize> = (lowest..=21).rev().collect();
            let open = |card: &str| cards.iter().position(|known| *known == card).map(|i| i + 1);
            let state_of = |sum: usize, card: &str| Some((sum * 11 + open(card)?) * 2 + ace);
            StateMap::new(("the player's sum", &sums), ("the dealer's card", &cards), state_of).titled(title)
        };
        vec![map("no usable ace", 4, 0), map("usable ace", 12, 1)]
    }

    fn scene(&self) -> Option<Scene> {
        let mut scene = Scene::new(12.0, 4.0);
        scene.text(Paint::Ink, (6.0, 1.0), format!("dealer {}", self.open_card), 1.0);
        let ace = if self.player.usable_ace() { ", an ace as 11" } else { "" };
        scene.text(Paint::Agent, (6.0, 3.0), format!("player {}{ace}", self.player.sum()), 1.0);
        Some(scene)
    }
}

/// The probability of each final score of the dealer (0 beyond 21) from a hand.
fn dealer_scores(hand: Hand, probability: f64, scores: &mut [f64; 22]) {
    if hand.sum() >= 17 {
        scores[hand.score() as usize] += probability;
        return;
    }
    for card in DECK {
        dealer_scores(hand.with(card), probability / 13.0, scores);
    }
}

/// The exact model of the game without special rules for a dealt 21.
fn model() -> TransitionModel {
    let scores: Vec<[f64; 22]> = (0..11)
        .map(|open| {
            let mut scores = [0.0; 22];
            dealer_scores(Hand::default().with(open), 1.0, &mut scores);
            scores
        })
        .collect();
    let mut start = vec![0.0; 704];
    for open in DECK {
        for (first, second) in DECK.iter().flat_map(|&a| DECK.map(|b| (a, b))) {
            start[Hand::default().with(first).with(second).seen_with(open)] += 1.0 / 2197.0;
        }
    }
    let start = start.into_iter().enumerate().filter(|(_, p)| *p > 0.0).map(|(s, p)| (p, s)).collect();
    TransitionModel::new(704, 2, start, |state, action| {
        let (sum, open, usable) = (state as u64 / 22, state / 2 % 11, state % 2 == 1);
        let hand = match usable {
            true => Hand { hard: sum.saturating_sub(10), has_ace: true, cards: 0 },
            false => Hand { hard: sum, has_ace: false, cards: 0 },
        };
        // An impossible hand: the sum is over 21, or an ace would count 11 in a sum below 12.
        if sum > 21 || open == 0 || (usable && sum < 12) {
            return vec![ModelOutcome::certain(state, 0.0, true)];
        }
        if action == 0 {
            let mut outcomes: Vec<ModelOutcome> = Vec::new();
            for reward in [-1.0, 0.0, 1.0] {
                let wins = (0..22).filter(|&score| compare(hand.score(), score) == reward);
                let probability = wins.map(|score| scores[open][score as usize]).sum();
                outcomes.push(ModelOutcome { probability, next: state, reward, terminated: true });
            }
            outcomes.retain(|outcome| outcome.probability > 0.0);
            return outcomes;
        }
        let mut outcomes: Vec<ModelOutcome> = Vec::new();
        for card in DECK {
            let hand = hand.with(card);
            let (next, terminated) = (hand.seen_with(open as u64), hand.is_bust());
            match outcomes.iter_mut().find(|outcome| outcome.next == next) {
                Some(outcome) => outcome.probability += 1.0 / 13.0,
                None => {
                    let reward = if terminated { -1.0 } else { 0.0 };
                    outcomes.push(ModelOutcome { probability: 1.0 / 13.0, next, reward, terminated });
                }
            }
        }
        outcomes
    })
}

snapshot! {
    impl Restorable for Blackjack {
        saved: player via Cards, dealer via Cards, open_card via below(11), rng;
        built: natural, sab;
    }
}

/// A hand is saved as its hard sum, whether it has an ace, and the number of its cards.
struct Cards;

impl Codec<Hand> for Cards {
    fn save(&self, hand: &Hand, name: &str, snapshot: &mut Snapshot) {
        snapshot.insert(name, Value::U64s(vec![hand.hard, u64::from(hand.has_ace), hand.cards]));
    }

    fn load(&self, hand: &mut Hand, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        *hand = match snapshot.u64s(name, 3)? {
            // More than 31 is no hand.
            &[hard @ ..=31, ace @ ..=1, cards @ ..=31] => Hand { hard, has_ace: ace == 1, cards },
            _ => return Err(SnapshotError::invalid(name, "no hand of cards")),
        };
        Ok(())
    }
}

pub(crate) fn entry() -> Entry {
    Entry::new("Blackjack-v1", "come closer to 21 than the dealer", |options| {
        let (natural, sab) = (options.flag("natural", false)?, options.flag("sab", true)?);
        Ok(Kind::states(Blackjack::new(natural, sab)))
    })
    .documented(include_str!("blackjack.rs"))
    .actions(&["stick", "hit"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dealer_s_final_scores() {
        // Griffin 1999, "The Theory of Blackjack": a dealer that stands on every 17 and shows a 6 busts with
        // 0.4232 (endless deck).
        let check = |open, bust: f64| {
            let mut scores = [0.0; 22];
            dealer_scores(Hand::default().with(open), 1.0, &mut scores);
            assert!((scores[0] - bust).abs() < 5e-4, "{open}: {}", scores[0]);
            assert!((scores.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        };
        check(6, 0.4232);
        check(5, 0.4164);
    }
}
