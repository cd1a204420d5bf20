//! A run that is ready to begin.

use crate::algorithm::{Algorithm, NamedSchedule, schedules, vanishing};
use crate::config::Settings;
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
    /// The settings that change over the run.
    pub(crate) schedules: Vec<NamedSchedule>,
    /// Warnings about its settings, before it begins.
    pub(crate) warnings: Vec<String>,
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
            schedules: Vec::new(),
            warnings: Vec::new(),
            start: None,
        }
    }

    /// Notes the settings that change over the run, and warns of those that come to nothing before its end. Schedules
    /// are relative to `relative_to` steps; the run has `steps`, if that is known.
    pub(crate) fn with_schedules(
        self,
        settings: &dyn Settings,
        relative_to: Option<u64>,
        steps: Option<u64>,
    ) -> Self {
        let schedules = relative_to.or(steps).map(|steps| schedules(settings, steps)).unwrap_or_default();
        let warning = steps.and_then(|steps| vanishing(&schedules, steps));
        Self { schedules, ..self }.with_warning(warning)
    }

    /// Adds a warning, if there is one.
    pub(crate) fn with_warning(mut self, warning: Option<String>) -> Self {
        self.warnings.extend(warning);
        self
    }
}
