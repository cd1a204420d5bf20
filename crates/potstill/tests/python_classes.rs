//! `python/potstill/algorithms.py`, a class of Python for each algorithm, follows from the descriptors.
//!
//! `POTSTILL_BLESS="reason in one line" cargo nextest run --workspace -E 'binary(python_classes)'` writes it.

use potstill::algorithm::{ALGORITHMS, Algorithm};
use potstill::commands::{RunKind, run_kinds};
use potstill::config::Key;
use potstill::env::registry::{EnvOption, GENERAL_OPTIONS};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use toml::Value;

const HEAD: &str = r#""""The algorithms as classes, each with its settings as keywords. Written by a test from their descriptors
(`crates/potstill/tests/python_classes.rs`), not by hand.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from potstill.algorithm import Algorithm

"#;

/// Columns of a line of documentation.
const COLUMNS: usize = 116;

/// Names that are not words with a capital letter.
const NAMES: [(&str, &str); 17] = [
    ("a2c", "A2C"),
    ("c51", "C51"),
    ("crossq", "CrossQ"),
    ("ddpg", "DDPG"),
    ("dqn", "DQN"),
    ("iqn", "IQN"),
    ("mcts", "MCTS"),
    ("pqn", "PQN"),
    ("ppo", "PPO"),
    ("qr", "QR"),
    ("reinforce", "REINFORCE"),
    ("sac", "SAC"),
    ("sarsa", "SARSA"),
    ("td", "TD"),
    ("td3", "TD3"),
    ("q", "Q"),
    ("n", "N"),
];

/// Keys that are arguments of the base class or of `learn`.
const TAKEN: [&str; 4] = ["env", "seed", "steps", "episodes"];

/// Words of Python, which keywords cannot be.
const RESERVED: [&str; 2] = ["from", "lambda"];

fn class_name(algorithm: &str) -> String {
    let word = |word: &str| match NAMES.iter().find(|(name, _)| *name == word) {
        Some((_, name)) => (*name).to_owned(),
        None => word[..1].to_uppercase() + &word[1..],
    };
    algorithm.split('-').map(word).collect()
}

/// The name of a key as a keyword: one that is a word of Python ends with an underscore.
fn keyword(key: &Key) -> String {
    if RESERVED.contains(&key.name) { format!("{}_", key.name) } else { key.name.to_owned() }
}

/// Returns true if users set the key; checksums are written by runs.
fn is_argument(name: &str) -> bool {
    !TAKEN.contains(&name) && !name.ends_with("_crc32c")
}

fn python_type(key: &Key) -> &'static str {
    match key.kind {
        "true or false" => "bool",
        "integer" => "int",
        "number" => "float",
        "number or schedule" => "float | str | Callable[[float], float]",
        "number or auto" => "float | str",
        "path" => "str | os.PathLike[str]",
        _ => "Any",
    }
}

/// The type of an option of every environment, by its example.
fn option_type(option: &EnvOption) -> &'static str {
    match &*option.example {
        "true" => "bool",
        example if example.parse::<u64>().is_ok() => "int",
        example if example.parse::<f64>().is_ok() => "float",
        _ => "str | tuple[float, float]",
    }
}

/// A paragraph with a hanging indentation.
fn paragraph(text: &str, first: &str, further: &str) -> String {
    let mut lines = vec![first.to_owned()];
    for (i, word) in text.split_whitespace().enumerate() {
        let line = lines.last_mut().unwrap();
        if i > 0 && line.chars().count() + 1 + word.chars().count() > COLUMNS {
            lines.push(format!("{further}{word}"));
        } else {
            if i > 0 {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.join("\n") + "\n"
}

fn documented(key: &Key, default: Option<&Value>) -> String {
    let mut help = key.help.trim().trim_end_matches('.').replace('\\', "\\\\");
    let range = key.range.words();
    if !range.is_empty() {
        write!(help, " ({range})").unwrap();
    }
    if let Some(default) = default {
        write!(help, "; default {default}").unwrap();
    }
    paragraph(&format!("{}: {help}.", keyword(key)), "            ", "                ")
}

fn class(algorithm: &Algorithm, kind: &RunKind) -> String {
    let keys: BTreeMap<&str, _> = kind.keys.iter().map(|(key, default)| (key.name, (key, default))).collect();
    let keys: Vec<_> = keys.into_values().filter(|(key, _)| is_argument(key.name)).collect();
    let mut text = format!("\n\nclass {}(Algorithm):\n", class_name(algorithm.name));
    let summary = algorithm.summary.trim_end_matches('.');
    let summary = format!("{}{}.", summary[..1].to_uppercase(), &summary[1..]);
    text += &paragraph(&summary, "    \"\"\"", "    ");
    text += "\n";
    text += &paragraph(&format!("Source: {}.", algorithm.source.trim_end_matches('.')), "    ", "    ");
    text += "    \"\"\"\n\n";
    writeln!(text, "    name = {:?}\n", algorithm.name).unwrap();
    text += "    def __init__(\n        self,\n        policy: Any = \"MlpPolicy\",\n        env: Any = None,\n        *,\n";
    for (key, _) in &keys {
        writeln!(text, "        {}: {} | None = None,", keyword(key), python_type(key)).unwrap();
    }
    for option in GENERAL_OPTIONS {
        writeln!(text, "        {}: {} | None = None,", option.name, option_type(option)).unwrap();
    }
    text += "        policy_kwargs: Mapping[str, Any] | None = None,\n";
    text += "        tensorboard_log: str | os.PathLike[str] | None = None,\n";
    text += "        verbose: int = 0,\n        seed: int | None = None,\n        device: str = \"auto\",\n";
    text += "        preset: str | None = None,\n        out: str | os.PathLike[str] | None = None,\n";
    text += "        threads: int | None = None,\n    ) -> None:\n";
    text += "        \"\"\"Args, beside those of `Algorithm`; None leaves a setting to the preset, or else to its default.\n\n";
    text += "        Args:\n";
    for (key, default) in &keys {
        text += &documented(key, default.as_ref());
    }
    text += "        \"\"\"\n";
    text += "        arguments = {name: value for name, value in locals().items() if name not in (\"self\", \"__class__\")}\n";
    text += "        super().__init__(**arguments)\n";
    text
}

#[test]
fn the_classes_of_python_are_those_of_the_algorithms() {
    let kinds = run_kinds();
    let learners = ALGORITHMS.iter().filter(|algorithm| algorithm.family != "supervised");
    let mut names = Vec::new();
    let mut classes = String::new();
    for algorithm in learners {
        let kind = kinds.iter().find(|kind| kind.name == algorithm.name).unwrap();
        names.push(class_name(algorithm.name));
        classes += &class(algorithm, kind);
    }
    let list: Vec<String> = names.iter().map(|name| format!("    {name:?},\n")).collect();
    let text = format!("{HEAD}__all__ = [\n{}]\n{classes}", list.concat());
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../python/potstill/algorithms.py");
    if std::env::var_os("POTSTILL_BLESS").is_some() {
        fs::write(&file, &text).unwrap();
    }
    let written = fs::read_to_string(&file).unwrap_or_default();
    assert!(written == text, "python/potstill/algorithms.py is not what the descriptors say; bless it");
}
