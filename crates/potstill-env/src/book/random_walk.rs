//! `RandomWalk`: a row of states with an end on either side (Sutton and Barto 2018, Examples 6.2, 7.1 and
//! 9.1).
//!
//! Under the uniformly random policy, the one that prediction evaluates by default, it is the book's random
//! walk; with a choice of actions it is a small task of control as well.
//!
//! ```
//! use potstill_env::{Env, book::random_walk};
//!
//! let (mut env, mut state) = (random_walk::env(&random_walk::RandomWalk::default()), 0);
//! env.reset(None, &mut state);
//! assert_eq!(state, 2);
//! env.step(&1, &mut state)?;
//! env.step(&1, &mut state)?;
//! let end = env.step(&1, &mut state)?;
//! assert_eq!((end.reward, end.terminated, state), (1.0, true, 6));
//! # Ok::<(), potstill_env::EnvError>(())
//! ```
//!
//! # Action space
//!
//! `Discrete(2)`: 0 left, 1 right.
//!
//! # Observation space
//!
//! `Discrete(states + 2)`.
//!
//! | state | meaning |
//! |---|---|
//! | 0 to `states - 1` | the row, from left to right; A to E in the book |
//! | `states` | the left end |
//! | `states + 1` | the right end |
//!
//! An action leads one state further, or by up to `reach` states, each number with the same probability; a
//! step beyond the row leads to its end.
//!
//! # Rewards
//!
//! `right_reward` at the right end, `left_reward` at the left one, 0 otherwise. By default the value of a state
//! is the probability of arriving at the right end: 1/6 to 5/6.
//!
//! # Starting state
//!
//! The middle; of an even number of states the one before it, 500 of 1,000 in the book's count.
//!
//! # Episode end
//!
//! Terminates at either end. There is no time limit.
//!
//! # Options
//!
//! | option | meaning | default | example |
//! |---|---|---|---|
//! | `states` | the number of states between the ends: 1 to 10,000 | `5` | `19` |
//! | `reach` | the longest step: 1 to `states` | `1` | `2` |
//! | `left_reward` | the reward at the left end: a number | `0` | `-1` |
//! | `right_reward` | the reward at the right end: a number | `1` | `10` |
//!
//! Example 7.1 is `RandomWalk:states=19,left_reward=-1`, Example 9.1
//! `RandomWalk:states=1000,reach=100,left_reward=-1`.
//!
//! # Source
//!
//! The book; it is not in Gymnasium.

use crate::registry::{Entry, Kind};
use crate::{ModelEnv, ModelOutcome, Paint, Scene, TransitionModel};
use std::sync::Arc;

/// The most squares in a row of the rendering.
const COLUMNS_MAX: usize = 25;

/// The walk's form.
#[derive(Clone, Debug, PartialEq)]
pub struct RandomWalk {
    /// The number of states between the ends.
    pub states: usize,
    /// The longest step.
    pub reach: usize,
    /// The reward at the left end.
    pub left_reward: f64,
    /// The reward at the right end.
    pub right_reward: f64,
}

impl Default for RandomWalk {
    fn default() -> Self {
        Self { states: 5, reach: 1, left_reward: 0.0, right_reward: 1.0 }
    }
}

impl RandomWalk {
    /// The outcomes of an action, the end once with the probability of all steps that lead there.
    fn outcomes(&self, state: usize, action: usize) -> Vec<ModelOutcome> {
        let Self { states, reach, left_reward, right_reward } = *self;
        if state >= states {
            return vec![ModelOutcome::certain(state, 0.0, true)];
        }
        let (room, end, reward) = match action {
            0 => (state, states, left_reward),
            _ => (states - 1 - state, states + 1, right_reward),
        };
        let inside = reach.min(room);
        let step = |length: usize| ModelOutcome {
            probability: 1.0 / reach as f64,
            next: if action == 0 { state - length } else { state + length },
            reward: 0.0,
            terminated: false,
        };
        let mut outcomes: Vec<ModelOutcome> = (1..=inside).map(step).collect();
        if inside < reach {
            let probability = (reach - inside) as f64 / reach as f64;
            outcomes.push(ModelOutcome { probability, next: end, reward, terminated: true });
        }
        outcomes
    }
}

/// The walk. It has no time limit.
pub fn env(walk: &RandomWalk) -> ModelEnv {
    let states = walk.states;
    let model = TransitionModel::new(states + 2, 2, vec![(1.0, (states - 1) / 2)], |state, action| {
        walk.outcomes(state, action)
    });
    ModelEnv::new(model, Arc::new(move |state| scene(states, state)))
}

/// The row between its ends, in lines of up to 25 squares.
fn scene(states: usize, state: usize) -> Scene {
    let squares = states + 2;
    let columns = squares.min(COLUMNS_MAX);
    let place = match state {
        _ if state == states => 0,
        _ if state > states => squares - 1,
        _ => state + 1,
    };
    Scene::grid(squares.div_ceil(columns), columns, |row, column| match row * columns + column {
        0 => (Paint::Danger, 'L'),
        square if square + 1 == squares => (Paint::Goal, 'R'),
        square if square < squares => (Paint::Ground, ' '),
        _ => (Paint::Ink, ' '),
    })
    .with_agent(place / columns, place % columns)
}

pub(crate) fn entry() -> Entry {
    Entry::new("RandomWalk", "walk along a row of states to one of its ends", |options| {
        let states = options.whole("states", 1..=10_000)?.unwrap_or(5);
        let walk = RandomWalk {
            states: states as usize,
            reach: options.whole("reach", 1..=states)?.unwrap_or(1) as usize,
            left_reward: options.number("left_reward", 0.0, -1e6..=1e6)?,
            right_reward: options.number("right_reward", 1.0, -1e6..=1e6)?,
        };
        Ok(Kind::states(env(&walk)))
    })
    .documented(include_str!("random_walk.rs"))
    .actions(&["left", "right"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_by_hand() {
        let walk = RandomWalk { states: 10, reach: 4, left_reward: -1.0, right_reward: 2.0 };
        let check = |state: usize, action: usize, expected: &[(f64, usize, f64, bool)]| {
            let found: Vec<_> = walk
                .outcomes(state, action)
                .iter()
                .map(|o| (o.probability, o.next, o.reward, o.terminated))
                .collect();
            assert_eq!(found, expected, "{state} {action}");
        };
        check(1, 0, &[(0.25, 0, 0.0, false), (0.75, 10, -1.0, true)]);
        check(0, 0, &[(1.0, 10, -1.0, true)]);
        check(8, 1, &[(0.25, 9, 0.0, false), (0.75, 11, 2.0, true)]);
        let quarter = |next| (0.25, next, 0.0, false);
        check(5, 1, &[quarter(6), quarter(7), quarter(8), quarter(9)]);
    }
}
