//! Keys that were given and have no effect under the other settings.

use crate::config::{Origin, Resolved, Settings};
use toml::Value;

/// Keys, the key that they need, its values with which they have an effect, and an example of these.
type Rule = (&'static [&'static str], &'static str, fn(&Value) -> bool, &'static str);

fn is_true(value: &Value) -> bool {
    value.as_bool() == Some(true)
}

fn is_one_of(value: &Value, words: &[&str]) -> bool {
    value.as_str().is_some_and(|word| words.contains(&word))
}

const EXPLORATION: &[&str] = &["exploration_initial_eps", "exploration_final_eps", "exploration_fraction"];

const RULES: &[Rule] = &[
    (&["stop_at_return", "eval_episodes"], "eval_freq", |v| v.as_integer() != Some(0), "eval_freq=2500"),
    (&["prioritized_alpha", "prioritized_beta"], "prioritized", is_true, "prioritized=true"),
    (
        &["munchausen_alpha", "munchausen_temperature", "munchausen_clip"],
        "munchausen",
        is_true,
        "munchausen=true",
    ),
    (EXPLORATION, "noisy", |v| !is_true(v), "noisy=false"),
    (
        EXPLORATION,
        "net_arch",
        |v| v.as_str().is_none_or(|spec| !spec.contains(":noisy")),
        "a network without noise",
    ),
    (&["weight_decay"], "optimizer", |v| is_one_of(v, &["adamw"]), "optimizer=adamw"),
    (&["momentum"], "optimizer", |v| is_one_of(v, &["rmsprop", "sgd"]), "optimizer=rmsprop or sgd"),
    (&["centered"], "optimizer", |v| is_one_of(v, &["rmsprop"]), "optimizer=rmsprop"),
    (&["nesterov"], "optimizer", |v| is_one_of(v, &["sgd"]), "optimizer=sgd"),
    (&["optimizer_eps"], "optimizer", |v| !is_one_of(v, &["sgd"]), "optimizer=adam or rmsprop"),
];

/// The rules of distillation; those of a classifier and of a policy have no value in common.
const DISTILLATION: &[Rule] = &[
    (
        &["temperature"],
        "divergence",
        |v| !is_one_of(v, &["logit-mse", "logit-mse-centred", "mse", "nll"]),
        "divergence=kl",
    ),
    (
        &["decoupled_target", "decoupled_others"],
        "divergence",
        |v| is_one_of(v, &["decoupled"]),
        "divergence=decoupled",
    ),
    (&["dist_inter", "dist_intra"], "divergence", |v| is_one_of(v, &["dist"]), "divergence=dist"),
];

/// A warning about keys that were given by hand and have no effect, in one line. Those of a file do not count, since a
/// run's own file has every key, but for one without a default.
pub(super) fn idle_keys<S: Settings>(resolved: &Resolved<S>) -> Option<String> {
    let is_given = |key: &str| match resolved.origin(key) {
        Some(Origin::Set | Origin::CommandLine) => true,
        Some(Origin::File(_)) => key == "stop_at_return",
        _ => false,
    };
    let mut remarks = Vec::new();
    for (keys, needed, has_effect, example) in RULES.iter().chain(DISTILLATION) {
        let Some(value) = resolved.settings.get(needed).filter(|value| !has_effect(value)) else { continue };
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        for key in keys.iter().filter(|key| is_given(key)) {
            remarks.push(format!("`{key}` has no effect with {needed}={value}; it needs {example}"));
        }
    }
    (!remarks.is_empty()).then(|| remarks.join("; "))
}
