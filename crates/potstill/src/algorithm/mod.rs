//! The descriptor that each algorithm declares in its own file, and the list of all of them.
//!
//! The command's tables, help and configuration files, the presets, and the suites for determinism, resumption, kills and allocation
//! follow from the list.
//!
//! ```
//! use potstill::algorithm::{ALGORITHMS, Algorithm, Task};
//! use potstill::core::Streams;
//! use potstill::env::registry::find;
//!
//! let sarsa = Algorithm::find("sarsa")?;
//! assert_eq!(sarsa.kind(), "tabular, on-policy, online, model-free");
//! assert!(ALGORITHMS.iter().any(|algorithm| algorithm.name == sarsa.name));
//!
//! // Any algorithm by name: its settings, then its agent for a task.
//! let spec = find("CliffWalking-v1").unwrap();
//! let mut settings = sarsa.builder.states().unwrap()();
//! settings.set("epsilon", &0.2.into()).unwrap().unwrap();
//! let agent = settings.build(&Task::new(sarsa.name, &spec, Streams::new(1)))?;
//! assert_eq!(agent.visits().map(<[u64]>::len), Some(48 * 4));
//! # Ok::<(), potstill::config::ConfigError>(())
//! ```

mod builder;
mod descriptor;
mod list;
mod presets;
#[cfg(feature = "disk")]
mod schedule_warnings;
mod schedules;
mod task;

pub use builder::{Builder, Constructor, Learning, Recipe, TabularAgent, Unused, recipe, recipe_without};
pub use descriptor::{Algorithm, DataKind, PolicyKind, Preset};
pub use list::ALGORITHMS;
pub use presets::published;
#[cfg(feature = "disk")]
pub(crate) use schedule_warnings::{schedules, setbacks, vanishing};
#[cfg(feature = "disk")]
pub(crate) use schedules::NamedSchedule;
pub use task::{BehaviourSource, Task};
