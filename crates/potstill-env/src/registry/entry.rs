//! The entry of an environment in the registry.

use super::factory::Kind;
use super::options::Options;

/// The registry entry of an environment: properties that no option changes, and its constructor.
pub(crate) struct Entry {
    pub(crate) id: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) actions: &'static [&'static str],
    pub(crate) options: &'static [(&'static str, &'static str)],
    pub(crate) time_limit_steps: Option<u64>,
    pub(crate) reward_threshold: Option<f64>,
    pub(crate) make: fn(&mut Options<'_>) -> Result<Kind, String>,
}
