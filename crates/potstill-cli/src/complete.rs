//! Completion of command lines: the words that may stand at the end of one.
//!
//! The scripts of the shells only call `potstill complete WORDS`, so that what is offered is what there is: the flags of
//! the algorithm on the line, environments, presets, runs. clap's own dynamic completion is declared unstable, and knows
//! neither.

use crate::keys;
use crate::root;
use clap::{Arg, ArgAction, Command};
use potstill::algorithm::{ALGORITHMS, Algorithm};
use potstill::commands::{TRAININGS, UPDATES, run_kinds};
use potstill::config::Setting;
use potstill::data::digits::DATASETS;
use potstill::env::registry;
use potstill::export::EXPORTERS;
use potstill::reproduce::results;
use potstill::store;
use potstill::tuning::{Pruner, Sampler};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Depth to which runs are looked for in `runs/`.
const DEPTH_MAX: usize = 3;

/// The words that may stand in place of the last of these, which follow the program's name.
pub(crate) fn candidates(words: &[String]) -> Vec<String> {
    let arguments: Vec<OsString> =
        ["potstill"].into_iter().chain(words.iter().map(String::as_str)).map(OsString::from).collect();
    let root = keys::shown(root::command(), &arguments);
    let (last, before) = match words.split_last() {
        Some((last, before)) => (last.as_str(), before),
        None => ("", [].as_slice()),
    };
    let algorithm = keys::named_algorithm(&arguments);
    let mut command = &root;
    let mut position = 0;
    let mut expects: Option<&Arg> = None;
    for word in before {
        if expects.take().is_some() {
            continue;
        }
        if let Some(flag) = word.strip_prefix("--") {
            expects = value_of(command, flag);
        } else if let Some(subcommand) = command.find_subcommand(word) {
            (command, position) = (subcommand, 0);
        } else {
            position += 1;
        }
    }
    let mut found: Vec<String> = if let Some(flag) = expects {
        values(flag, algorithm)
    } else if let Some((flag, _)) = last.strip_prefix("--").and_then(|flag| flag.split_once('=')) {
        let of = value_of(command, flag).map_or(Vec::new(), |flag| values(flag, algorithm));
        of.into_iter().map(|value| format!("--{flag}={value}")).collect()
    } else if last.starts_with('-') {
        let flags = command.get_arguments().filter(|flag| !flag.is_hide_set());
        flags.filter_map(Arg::get_long).map(|flag| format!("--{flag}")).chain(["--help".to_owned()]).collect()
    } else {
        let subcommands = command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set());
        let names = subcommands.map(|subcommand| subcommand.get_name().to_owned());
        let mut positionals = command.get_positionals();
        let last = command.get_positionals().last().filter(|last| last.get_action().takes_values());
        let positional =
            positionals.nth(position).or(last.filter(|last| matches!(last.get_action(), ArgAction::Append)));
        names.chain(positional.map_or(Vec::new(), |argument| values(argument, algorithm))).collect()
    };
    found.retain(|word| word.starts_with(last));
    found.sort();
    found.dedup();
    found
}

/// The flag of this name, if a value follows it.
fn value_of<'a>(command: &'a Command, flag: &str) -> Option<&'a Arg> {
    let is_named = |arg: &&Arg| {
        arg.get_long() == Some(flag) || arg.get_all_aliases().is_some_and(|aliases| aliases.contains(&flag))
    };
    command.get_arguments().find(is_named).filter(|arg| arg.get_action().takes_values())
}

/// The values of an argument, as far as they can be listed.
fn values(argument: &Arg, algorithm: Option<&Algorithm>) -> Vec<String> {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let placeholder =
        argument.get_value_names().and_then(|names| names.first()).map_or("", |name| name.as_str());
    match (argument.get_id().as_str(), placeholder) {
        ("env", _) | (_, "ID") => registry::ids().map(str::to_owned).collect(),
        ("algorithm", _) => {
            let names: Vec<&str> = ALGORITHMS.iter().map(|algorithm| algorithm.name).collect();
            owned(&names)
        }
        ("preset", _) => algorithm.map_or(Vec::new(), |algorithm| {
            algorithm.presets.iter().map(|preset| preset.name.to_owned()).collect()
        }),
        ("set" | "search", _) => algorithm.map_or(Vec::new(), |algorithm| {
            let kinds = run_kinds();
            let kind = kinds.iter().find(|kind| kind.name == algorithm.name);
            kind.map_or(Vec::new(), |kind| {
                kind.keys.iter().map(|(key, _)| format!("{}=", key.name)).collect()
            })
        }),
        ("data", _) => owned(&DATASETS),
        ("sampler", _) => alternatives(Sampler::KIND),
        ("prune", _) => alternatives(Pruner::KIND),
        ("workload", _) => TRAININGS.iter().chain(UPDATES.iter()).map(|name| (*name).to_owned()).collect(),
        ("to", _) => EXPORTERS.iter().map(|exporter| exporter.name().to_owned()).collect(),
        ("name", "NAME") => results().map(str::to_owned).collect(),
        ("shell", _) => {
            argument.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect()
        }
        (_, "RUN") => runs(),
        (_, "true|false") => owned(&["true", "false"]),
        (key, "WORD") => words_of(key, algorithm),
        _ => Vec::new(),
    }
}

/// The words of a key that is a choice of some.
fn words_of(key: &str, algorithm: Option<&Algorithm>) -> Vec<String> {
    let kinds = run_kinds();
    let of = kinds.iter().filter(|kind| algorithm.is_none_or(|algorithm| algorithm.name == kind.name));
    let kind =
        of.flat_map(|kind| &kind.keys).find(|(known, _)| known.name == key).map_or("", |(key, _)| key.kind);
    if kind == "text" {
        return Vec::new();
    }
    alternatives(kind)
}

/// The words of a choice of some, as in `a, b or c`.
fn alternatives(kind: &str) -> Vec<String> {
    kind.split(", ").flat_map(|words| words.split(" or ")).map(str::to_owned).collect()
}

/// The run directories under `runs/`.
fn runs() -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![(PathBuf::from("runs"), 0)];
    while let Some((folder, depth)) = folders.pop() {
        // A folder that cannot be listed has nothing to offer.
        for path in store::folders(&folder).unwrap_or_default() {
            if has_run(&path) {
                found.push(path.display().to_string());
            }
            if depth < DEPTH_MAX {
                folders.push((path, depth + 1));
            }
        }
    }
    found
}

fn has_run(path: &Path) -> bool {
    [store::names::CONFIG, store::names::SWEEP, store::names::TUNE]
        .iter()
        .any(|file| path.join(file).is_file())
}
