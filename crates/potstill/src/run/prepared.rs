//! A run that is ready to begin.

use super::checks::usage;
use crate::algorithm::{NamedSchedule, schedules, vanishing};
use crate::config::Settings;
use crate::error::Error;
use crate::jobs::{Job, StoreConfig};
use crate::train::Actors;
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

/// The name of a run's folder: one folder, also if the environment's name or the file of the data has several parts.
pub(crate) fn folder_name(work: &str, on: &str, seed: u64) -> String {
    let on = on.rsplit(['/', '\\']).find(|part| !part.is_empty()).unwrap_or_default();
    // A colon has a meaning of its own in paths of some systems.
    let on = on.replace(':', "-");
    format!("{work}-{on}-seed{seed}")
}

impl PreparedRun {
    /// A run of an algorithm, or of `distill`, on this environment or dataset, with this seed.
    pub(crate) fn of(
        work: &str,
        (on, seed): (&str, u64),
        config: String,
        store: StoreConfig,
        job: Box<dyn Job>,
    ) -> Self {
        Self {
            name: folder_name(work, on, seed),
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

    /// Lets actors step the copies of its environment.
    ///
    /// # Errors
    /// If it has none, its learner does not go with actors, or they do not start.
    pub(crate) fn step_elsewhere(&mut self, actors: Box<dyn Actors>) -> Result<(), Error> {
        let refused = |reason| usage(format!("actors: {reason}"));
        self.job.step_elsewhere(actors, &self.config).map_err(refused)
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

    /// Adds warnings.
    pub(crate) fn with_warnings(mut self, warnings: Vec<String>) -> Self {
        self.warnings.extend(warnings);
        self
    }

    /// Adds a warning, if there is one.
    pub(crate) fn with_warning(mut self, warning: Option<String>) -> Self {
        self.warnings.extend(warning);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_has_one_folder() {
        for (on, expected) in [
            ("CartPole-v1", "pqn-CartPole-v1-seed3"),
            ("MinAtar/Breakout-v1", "pqn-Breakout-v1-seed3"),
            ("../data/wine.csv", "pqn-wine.csv-seed3"),
            ("data/", "pqn-data-seed3"),
        ] {
            assert_eq!(folder_name("pqn", on, 3), expected);
        }
    }
}
