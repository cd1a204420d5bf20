//! Keys that were given and have no effect under the other settings.

use crate::algorithm::schedules;
use crate::config::{Origin, Resolved, Settings};

/// The keys that a decision tree has: its data, its teachers, the weight of these, and its checkpoints.
const OF_TREES: [&str; 22] = [
    "data",
    "data_crc32c",
    "test",
    "test_samples",
    "split_seed",
    "validation_samples",
    "seed",
    "net_arch",
    "teacher",
    "teacher_crc32c",
    "teacher_weights",
    "teacher_unlabelled",
    "teacher_mean",
    "student",
    "unlabelled",
    "unlabelled_crc32c",
    "alpha",
    "control",
    "from",
    "from_crc32c",
    "checkpoint_freq",
    "checkpoints_kept",
];

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
    let form = ["student", "net_arch"].into_iter().find_map(|key| {
        let form = settings.get(key)?.as_str()?.to_owned();
        form.starts_with("tree:").then_some((key, form))
    });
    let mut remarks: Vec<String> = Vec::new();
    for key in given {
        if let Some((form_key, form)) = &form
            && !OF_TREES.contains(&key.name)
        {
            remarks.push(format!("`{}` has no effect with {form_key}={form}; it is of networks", key.name));
            continue;
        }
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
