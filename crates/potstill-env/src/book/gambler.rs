//! `Gambler`: bets on the flips of a coin until there is 100 or nothing (Sutton and Barto 2018, Example 4.3 and
//! figure 4.3).
//!
//! ```
//! use potstill_env::{Env, book::gambler};
//!
//! let (mut env, mut capital) = (gambler::env(0.4), 0);
//! env.reset(Some(1), &mut capital);
//! let before = capital;
//! let outcome = env.step(&0, &mut capital)?;
//! assert_eq!(before.abs_diff(capital), 1);
//! assert_eq!(outcome.reward, if capital == 100 { 1.0 } else { 0.0 });
//! # Ok::<(), potstill_env::EnvError>(())
//! ```
//!
//! # Action space
//!
//! `Discrete(50)`: a stake of `action + 1`. A stake above the capital, or above what is
//! missing to 100, is lowered to that.
//!
//! # Observation space
//!
//! `Discrete(101)`: the capital.
//!
//! # Rewards
//!
//! 1 for reaching 100, 0 otherwise: the value of a capital is the probability of winning from there.
//!
//! # Starting state
//!
//! Any capital from 1 to 99, each with the same probability.
//!
//! # Episode end
//!
//! Terminates with 0 and with 100. There is no time limit.
//!
//! # Options
//!
//! | option | meaning | default | example |
//! |---|---|---|---|
//! | `p_h` | the probability of heads, by which a stake is won: 0 to 1 | `0.4` | `0.55` |
//!
//! # Source
//!
//! The book; it is not in Gymnasium. Differences: the book also allows a stake of 0, which repeats the state
//! for ever and so is as good as the best in every state; and it gives no starting state.

use super::numbers::NUMBERS;
use crate::registry::{Entry, Kind};
use crate::{ModelEnv, ModelOutcome, Paint, Scene, StateMap, TransitionModel};
use std::sync::Arc;

/// The capital that wins.
pub const GOAL: usize = 100;
/// The largest stake.
pub const STAKE_MAX: usize = 50;

/// The stake of an action with this capital, neither 0 nor [`GOAL`].
pub fn stake(capital: usize, action: usize) -> usize {
    (action + 1).min(capital).min(GOAL - capital)
}

/// The bets, with a probability of heads. There is no time limit.
///
/// # Panics
/// If `p_h` is not a probability.
pub fn env(p_h: f64) -> ModelEnv {
    assert!((0.0..=1.0).contains(&p_h), "a probability");
    let start = (1..GOAL).map(|capital| (1.0 / (GOAL - 1) as f64, capital)).collect();
    let model = TransitionModel::new(GOAL + 1, STAKE_MAX, start, |capital, action| {
        if capital == 0 || capital == GOAL {
            return vec![ModelOutcome::certain(capital, 0.0, true)];
        }
        let stake = stake(capital, action);
        let (won, lost) = (capital + stake, capital - stake);
        let reward = if won == GOAL { 1.0 } else { 0.0 };
        vec![
            ModelOutcome { probability: p_h, next: won, reward, terminated: won == GOAL },
            ModelOutcome { probability: 1.0 - p_h, next: lost, reward: 0.0, terminated: lost == 0 },
        ]
    });
    ModelEnv::new(model, Arc::new(scene)).with_state_maps(Arc::new(state_maps))
}

/// Tens by units.
fn state_maps() -> Vec<StateMap> {
    let tens: Vec<usize> = (0..10).map(|ten| 10 * ten).collect();
    let units: Vec<usize> = (0..10).collect();
    let state_of = |ten: usize, unit: usize| (ten + unit > 0).then_some(ten + unit);
    vec![StateMap::new(("capital", &tens), ("and", &units), state_of)]
}

/// The capital on its way to 100.
fn scene(capital: usize) -> Scene {
    let mut scene = Scene::new(20.0, 4.0);
    scene.rectangle(Paint::Faint, (0.0, 1.5), (20.0, 1.0));
    scene.rectangle(Paint::Aid, (0.0, 1.5), (0.2 * capital as f64, 1.0));
    scene.text(Paint::Agent, (0.2 * capital as f64, 2.0), capital.to_string(), 1.0);
    scene.text(Paint::Goal, (19.0, 0.8), "100", 1.0);
    scene
}

pub(crate) fn entry() -> Entry {
    Entry::new("Gambler", "bet on a coin until there is 100 or nothing", |options| {
        Ok(Kind::states(env(options.number("p_h", 0.4, 0.0..=1.0)?)))
    })
    .documented(include_str!("gambler.rs"))
    .actions(NUMBERS.split_at(STAKE_MAX).0)
}
