//! Search of settings: the space, proposals of values, pruning, the state of a search, and its journal for
//! Optuna.
//!
//! A search proceeds in rounds. The proposals of a round depend on the seed and on the trials of earlier
//! rounds alone, and what a trial is compared with is known before its round begins: the number of threads
//! and interruptions change nothing.
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::tuning::{Sampler, Space};
//!
//! let space = Space::parse(&["learning_rate=log:1e-4:1e-2".to_owned(), "net_arch=mlp:64|mlp:256,256".to_owned()])?;
//! let values = Sampler::QuasiRandom.propose(&space, Streams::new(1), 0, &[]);
//! let table = space.table(&values);
//! assert!((1e-4..=1e-2).contains(&table["learning_rate"].as_float().unwrap()));
//! assert!(["mlp:64", "mlp:256,256"].contains(&table["net_arch"].as_str().unwrap()));
//! # Ok::<(), String>(())
//! ```

mod halton;
mod journal;
mod pruner;
mod sampler;
mod space;
mod study;
mod tpe;

pub use halton::Halton;
pub use journal::Journal;
pub use pruner::{Bracket, Pruner, hyperband};
pub use sampler::{Observation, Sampler, Standing};
pub use space::{Domain, Parameter, Space};
pub use study::{Ending, Pause, Plan, Round, State, Study, Trial};
