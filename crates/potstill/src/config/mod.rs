//! Configuration keys, and the resolution of a run's values: default < preset < `--config` < command line <
//! `--set`.
//!
//! Each key is declared in one place, a `settings!` block: its name, type, default with source, range and
//! help. Parsing, checking, the resolved `config.toml` and its round trip follow from that.
//!
//! ```
//! use potstill::config::{Layer, Origin, read_toml, resolve};
//! use potstill::deep::DqnConfig;
//!
//! let file = Origin::File("run.toml".to_owned());
//! let values = read_toml("gamma = 0.9", file.clone())?;
//! let resolved = resolve::<DqnConfig>(&[Layer { origin: file, values }])?;
//! assert_eq!((resolved.settings.gamma, resolved.settings.batch_size), (0.9, 32));
//!
//! let values = read_toml("gama = 0.9", Origin::Set)?;
//! let error = resolve::<DqnConfig>(&[Layer { origin: Origin::Set, values }]).unwrap_err();
//! assert_eq!(error.to_string(), "unknown key `gama` (--set); did you mean `gamma`?");
//! # Ok::<(), potstill::config::ConfigError>(())
//! ```

mod auto;
mod elsewhere;
mod error;
mod need;
mod network;
mod resolve;
mod setting;
mod student;

pub use auto::Auto;
pub use elsewhere::name_here;
pub use error::{ConfigError, Origin, nearest};
pub use need::Need;
#[cfg(feature = "disk")]
pub(crate) use network::PARAMETERS_MAX;
pub(crate) use network::{check_network, refuse_batch_norm};
pub use resolve::{Layer, Resolved, read_toml, resolve, resolve_onto, toml_value};
pub use setting::{Key, Range, Setting, Settings};
pub(crate) use setting::{checked, other_defaults, settings, words};
pub use student::{Impurity, StudentSpec, TreeSpec};
