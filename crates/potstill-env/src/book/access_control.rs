//! `AccessControl`: a queue before ten servers (Sutton and Barto 2018, Example 10.2; 1998, Example 6.7).
//!
//! ```
//! use potstill_env::{Env, book::access_control};
//!
//! let (mut env, mut state) = (access_control::env(), 0);
//! env.reset(Some(1), &mut state);
//! assert_eq!(state / 4, 10);
//! let pays = [1.0, 2.0, 4.0, 8.0][state % 4];
//! assert_eq!(env.step(&1, &mut state)?.reward, pays);
//! # Ok::<(), potstill_env::EnvError>(())
//! ```
//!
//! # Action space
//!
//! `Discrete(2)`: 0 reject, 1 accept the customer at the head of the queue.
//!
//! # Observation space
//!
//! `Discrete(44)`: `free servers * 4 + priority`.
//!
//! | part | meaning | values |
//! |---|---|---|
//! | free servers | servers that are not busy | 0 to 10 |
//! | priority | of the customer, with rewards of 1, 2, 4 or 8 | 0 to 3 |
//!
//! An accepted customer takes a server; with no free server every customer is rejected. Then each busy server
//! becomes free with probability 0.06, and the next customer comes, of each priority with the same
//! probability.
//!
//! # Rewards
//!
//! The payment of an accepted customer, 0 for a rejected one. The best average reward is 2.7476 per step.
//!
//! # Starting state
//!
//! All servers free, a customer of any priority.
//!
//! # Episode end
//!
//! None: the task is continuing.
//!
//! # Options
//!
//! Only the [general ones](crate::registry::GENERAL_OPTIONS).
//!
//! # Source
//!
//! The book; it is not in Gymnasium.

use crate::registry::{Entry, Kind};
use crate::{ModelEnv, ModelOutcome, Paint, Scene, TransitionModel};
use std::sync::Arc;

/// All servers.
pub const SERVERS: usize = 10;
/// The payment of a customer, by priority.
const PAY: [f64; 4] = [1.0, 2.0, 4.0, 8.0];
/// The probability that a busy server becomes free in a step.
const FREED: f64 = 0.06;

/// The probability of each number of busy servers becoming free: a binomial distribution.
fn freed(busy: usize) -> Vec<f64> {
    let mut probabilities = vec![1.0];
    for _ in 0..busy {
        let mut more = vec![0.0; probabilities.len() + 1];
        for (k, p) in probabilities.iter().enumerate() {
            more[k] += p * (1.0 - FREED);
            more[k + 1] += p * FREED;
        }
        probabilities = more;
    }
    probabilities
}

/// The queue. It has no time limit.
pub fn env() -> ModelEnv {
    let start = (0..PAY.len()).map(|priority| (0.25, SERVERS * PAY.len() + priority)).collect();
    let model = TransitionModel::new((SERVERS + 1) * PAY.len(), 2, start, |state, action| {
        let (free, priority) = (state / PAY.len(), state % PAY.len());
        let accepted = action == 1 && free > 0;
        let free = free - usize::from(accepted);
        let reward = if accepted { PAY[priority] } else { 0.0 };
        let outcomes = freed(SERVERS - free).into_iter().enumerate().flat_map(|(k, p)| {
            (0..PAY.len()).map(move |next| ModelOutcome {
                probability: p / PAY.len() as f64,
                next: (free + k) * PAY.len() + next,
                reward,
                terminated: false,
            })
        });
        outcomes.collect()
    });
    ModelEnv::new(model, Arc::new(scene))
}

/// The state's place in a table of priorities by free servers.
fn scene(state: usize) -> Scene {
    Scene::grid(PAY.len(), SERVERS + 1, |row, column| {
        let paint = if column == 0 { Paint::Faint } else { Paint::Ground };
        (paint, if column == 0 { ['1', '2', '4', '8'][row] } else { ' ' })
    })
    .with_agent(state % PAY.len(), state / PAY.len())
}

pub(crate) fn entry() -> Entry {
    Entry::new(
        "AccessControl",
        "let customers to ten servers, or wait for better ones; it never ends",
        |_| Ok(Kind::states(env())),
    )
    .documented(include_str!("access_control.rs"))
    .actions(&["reject", "accept"])
}
