//! A run that is ready to begin.

use crate::algorithm::Algorithm;
use crate::jobs::{Job, StoreConfig};
use potstill_core::Snapshot;

/// Everything that is needed to begin a run, or to continue it.
pub(crate) struct PreparedRun {
    /// A name for the run directory.
    pub(crate) name: String,
    /// `config.toml`.
    pub(crate) config: String,
    /// The environment or dataset, and the seed.
    pub(crate) place: String,
    pub(crate) store: StoreConfig,
    pub(crate) job: Box<dyn Job>,
    /// The model file of another run, which is copied into this one under this name.
    pub(crate) copy: Option<(&'static str, Vec<u8>)>,
    /// The state of its first checkpoint, if it does not start from nothing.
    pub(crate) start: Option<Snapshot>,
}

impl PreparedRun {
    /// A training run of this algorithm on this environment or dataset, with this seed.
    pub(crate) fn of(
        algorithm: &Algorithm,
        (on, seed): (&str, u64),
        config: String,
        store: StoreConfig,
        job: Box<dyn Job>,
    ) -> Self {
        Self {
            name: format!("{}-{on}-seed{seed}", algorithm.name),
            place: format!("{on}, seed {seed}"),
            config,
            store,
            job,
            copy: None,
            start: None,
        }
    }
}
