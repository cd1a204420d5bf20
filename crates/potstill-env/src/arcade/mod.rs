//! Five arcade games on 10 x 10 squares in the spirit of MinAtar (Young and Tian 2019, arXiv 1903.03176),
//! written from their published rules and compared with the package in tests.
//!
//! An observation is planes of zeros and ones, `(row * 10 + column) * channels + channel`.
//!
//! ```
//! use potstill_env::{Env, registry::find};
//!
//! let mut env = find("MinAtar/Breakout-v1")?.make_planes().unwrap();
//! let mut planes = [0; 400];
//! env.reset(Some(1), &mut planes);
//! // Three rows of bricks, a ball and its trail in one place, and a paddle.
//! assert_eq!(planes.iter().filter(|&&square| square == 1).count(), 30 + 2 + 1);
//! # Ok::<(), potstill_env::EnvError>(())
//! ```
//!
//! # Options
//!
//! | option | meaning | default | example |
//! |---|---|---|---|
//! | `sticky_action_prob` | the probability that the last action is repeated: 0 to 1 (Machado et al. 2018) | 0.1 | 0 |
//! | `difficulty_ramping` | the game becomes harder with time, if it can: `true` or `false` | `true` | `false` |
//! | `full_action_set` | all six actions, also those that do nothing: `true` or `false` | `false` | `true` |

pub mod asterix;
pub mod breakout;
pub mod freeway;
mod game;
pub mod seaquest;
pub mod space_invaders;

pub use game::{Arcade, Game, Move, Planes, Played, SIDE, Visit};

use crate::registry::Entry;

/// The environments of this family in the registry.
pub(crate) fn entries() -> Vec<Entry> {
    vec![asterix::entry(), breakout::entry(), freeway::entry(), seaquest::entry(), space_invaders::entry()]
}
