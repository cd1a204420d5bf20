//! The schedules among the settings of a run, and their resolution against its length.

use crate::config::{ConfigError, Setting, Settings};
use crate::policy::Schedule;

/// A setting that changes over the run, by key.
pub(crate) type NamedSchedule = (&'static str, Schedule);

/// The settings that are schedules themselves.
pub(super) fn written(settings: &dyn Settings) -> Vec<NamedSchedule> {
    let keys = settings.keys().into_iter().filter(|key| key.kind == Schedule::KIND);
    keys.filter_map(|key| Some((key.name, Schedule::from_toml(&settings.get(key.name)?).ok()?))).collect()
}

/// Gives schedules that are relative to the run its length in steps.
///
/// # Errors
/// If there is one, and the length is not known.
pub(super) fn resolve(settings: &mut dyn Settings, steps: Option<u64>) -> Result<(), ConfigError> {
    for (key, schedule) in written(settings).into_iter().filter(|(_, schedule)| schedule.is_relative()) {
        let Some(steps) = steps else {
            let reason = format!(
                "{schedule} is relative to the steps of the run; give --steps N instead of --episodes, or schedule_steps=N"
            );
            return Err(ConfigError::value(key, reason));
        };
        let value = schedule.of_run(steps).to_toml().expect("a schedule is set");
        settings.set(key, &value).expect("a key of these settings").expect("a schedule in its range");
    }
    Ok(())
}
