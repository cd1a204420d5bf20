//! Five arcade games on 10 x 10 squares in the spirit of MinAtar (Young and Tian 2019, arXiv 1903.03176),
//! written from their published rules and compared with the package in tests.
//!
//! An observation is planes of zeros and ones, `(row * 10 + column) * channels + channel`. With
//! `sticky_action_prob` (0.1) the last action is repeated instead of the one chosen (Machado et al. 2018);
//! with `difficulty_ramping` the games that can become harder do.
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

pub mod asterix;
pub mod breakout;
pub mod freeway;
mod game;
pub mod seaquest;
pub mod space_invaders;

pub(crate) use game::MOVES;
pub use game::{Arcade, Game, Move, Planes, Played, SIDE, Visit};

use crate::registry::entry::Entry;

/// The environments of this family in the registry.
pub(crate) static ENTRIES: &[&Entry] =
    &[&asterix::ENTRY, &breakout::ENTRY, &freeway::ENTRY, &seaquest::ENTRY, &space_invaders::ENTRY];
