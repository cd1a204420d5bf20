//! Keys that were given and have no effect under the other settings.

use crate::algorithm::schedules;
use crate::config::{Origin, Resolved, Settings};

/// A warning about keys that were given by hand and have no effect, in one line. Those of a file do not count, since a
/// run's own file has every key, but for one without a default.
pub(super) fn idle_keys<S: Settings>(resolved: &Resolved<S>) -> Option<String> {
    let settings = &resolved.settings;
    let is_given = |key: &str| match resolved.origin(key) {
        Some(Origin::Set | Origin::CommandLine) => true,
        Some(Origin::File(_)) => key == "stop_at_return",
        _ => false,
    };
    let given = settings.keys().into_iter().filter(|key| is_given(key.name));
    let mut remarks: Vec<String> = Vec::new();
    for key in given {
        let unmet = key.needs.iter().find_map(|need| need.unmet(|key| settings.get(key)));
        if let Some(reason) = unmet {
            remarks.push(format!("`{}` has no effect{reason}", key.name));
        }
        if key.name == "schedule_steps" && schedules(settings, 1) == schedules(settings, 2) {
            let needed = "it needs a setting that is relative to the run, such as linear:FROM:TO:run";
            remarks.push(format!("`schedule_steps` has no effect with constant settings; {needed}"));
        }
    }
    (!remarks.is_empty()).then(|| remarks.join("; "))
}

#[cfg(test)]
mod tests {
    use crate::algorithm::ALGORITHMS;
    use crate::config::{Key, Settings};
    use crate::distill::{FitConfig, PolicyDistillConfig, SoftTargetsConfig};
    use crate::optimizer::StudentOptimizer;
    use crate::run::prepare::train_settings;

    #[test]
    fn keys_that_others_need_exist() {
        let trained = ALGORITHMS.iter().flat_map(|algorithm| train_settings(algorithm).keys());
        let students = (PolicyDistillConfig::default(), StudentOptimizer::default()).keys();
        let classifiers = (SoftTargetsConfig::default(), FitConfig::default()).keys();
        let all: Vec<Key> = trained.chain(students).chain(classifiers).collect();
        let mut checked = 0;
        for key in &all {
            for needed in key.needs.iter().filter_map(|need| need.key()) {
                assert!(all.iter().any(|key| key.name == needed), "`{}` needs `{needed}`", key.name);
                checked += 1;
            }
        }
        assert!(checked > 0);
    }
}
