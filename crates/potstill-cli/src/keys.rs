//! Settings as flags: every key of every kind of run, from its declaration.

use clap::builder::Str;
use clap::{Arg, ArgAction, ArgMatches, Args, FromArgMatches};
use potstill::algorithm::{ALGORITHMS, Algorithm};
use potstill::commands::{RunKind, run_kinds};
use potstill::config::{Key, toml_value};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::marker::PhantomData;

/// The kinds of runs that a command starts.
pub(crate) trait Kinds {
    /// The name of the command.
    const COMMAND: &'static str;

    fn includes(kind: &RunKind) -> bool;

    fn all() -> Vec<RunKind> {
        run_kinds().into_iter().filter(|kind| Self::includes(kind)).collect()
    }
}

/// Every algorithm that `train` takes.
#[derive(Debug)]
pub(crate) struct Training;

impl Kinds for Training {
    const COMMAND: &'static str = "train";

    fn includes(kind: &RunKind) -> bool {
        !kind.distils()
    }
}

/// Both kinds of distillation.
#[derive(Debug)]
pub(crate) struct Distillation;

impl Kinds for Distillation {
    const COMMAND: &'static str = "distill";

    fn includes(kind: &RunKind) -> bool {
        kind.distils()
    }
}

/// The flags that set keys, with their values as given.
#[derive(Debug)]
pub(crate) struct KeyFlags<K> {
    given: BTreeMap<&'static str, toml::Value>,
    kinds: PhantomData<K>,
}

impl<K> KeyFlags<K> {
    /// The flags that were given, by key.
    pub(crate) fn table(self) -> toml::Table {
        self.given.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }
}

/// The keys of some kinds of runs, each once.
pub(crate) fn keys_of(kinds: &[RunKind]) -> BTreeMap<&'static str, Key> {
    kinds.iter().flat_map(|kind| &kind.keys).map(|(key, _)| (key.name, *key)).collect()
}

impl<K: Kinds> FromArgMatches for KeyFlags<K> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut flags = Self { given: BTreeMap::new(), kinds: PhantomData };
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        for (name, key) in keys_of(&K::all()) {
            if let Ok(Some(text)) = matches.try_get_one::<String>(name) {
                // Text stays text, whatever it looks like.
                let is_text = key.kind == "text";
                self.given
                    .insert(name, if is_text { toml::Value::String(text.clone()) } else { toml_value(text) });
            }
        }
        Ok(())
    }
}

impl<K: Kinds> Args for KeyFlags<K> {
    fn augment_args(command: clap::Command) -> clap::Command {
        let keys = keys_of(&K::all());
        keys.values().fold(command, |command, key| {
            // A former name may be another algorithm's present one.
            let once = key.once.filter(|once| !keys.contains_key(once));
            let arg = flag(&Key { once, ..*key });
            // The form of a network has the name that it has in `distill`, too.
            let is_student = key.name == "net_arch" && !keys.contains_key("student");
            command.arg(if is_student { arg.alias("student") } else { arg })
        })
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

/// The help of a key that means another thing to each kind of learner, before its algorithm is known.
const DATA: &str = "What to learn from without an environment: a dataset by name (digits), a file of labelled samples \
                    (.csv, .jsonl), or recorded episodes (potstill play --record)";

/// Keys that stand in the help of a command even before its algorithm is known.
const ALWAYS_SHOWN: [&str; 8] =
    ["env", "data", "steps", "episodes", "seed", "num_envs", "teacher", "student"];

/// The flag of a key; hidden until [`shown`] has said of which algorithm it is one.
fn flag(key: &Key) -> Arg {
    let mut flag = Arg::new(key.name)
        .long(long(key.name))
        .value_name(placeholder(key))
        .help(if key.name == "data" { DATA.to_owned() } else { first_line(key.help) })
        .hide(!ALWAYS_SHOWN.contains(&key.name))
        .allow_negative_numbers(true);
    for other in [Some(key.name), key.once].into_iter().flatten().filter(|name| *name != long(key.name)) {
        flag = flag.alias(other);
    }
    if key.kind == "true or false" {
        flag = flag.num_args(0..=1).default_missing_value("true");
    }
    flag.action(ArgAction::Set)
}

/// The flag of a key without its dashes.
fn long(key: &str) -> Str {
    key.replace('_', "-").into()
}

fn placeholder(key: &Key) -> &'static str {
    match (key.name, key.kind) {
        ("env", _) => "ID",
        ("data", _) => "NAME|FILE",
        ("record", _) => "PLACE",
        ("teacher" | "behaviour" | "from", _) => "RUN",
        ("test" | "unlabelled" | "teacher_unlabelled", _) => "FILE",
        (_, "network") => "SPEC",
        (_, "integer") => "N",
        (_, "number") => "X",
        (_, "number or schedule") => "X|SCHEDULE",
        (_, "number or auto") => "X|auto",
        (_, "true or false") => "true|false",
        _ => "WORD",
    }
}

/// The help of a key in one paragraph.
fn first_line(help: &str) -> String {
    help.lines().map(str::trim).collect::<Vec<_>>().join(" ").trim().to_owned()
}

/// The help of a key with its range and default.
fn explained(key: &Key, default: Option<&toml::Value>) -> String {
    let mut about = first_line(key.help);
    let range = key.range.words();
    if !range.is_empty() {
        about += &format!(" ({range})");
    }
    if !matches!(
        key.kind,
        "number" | "integer" | "text" | "network" | "true or false" | "number or schedule" | "number or auto"
    ) {
        about += &format!(" ({})", key.kind);
    }
    if let Some(default) = default {
        let default = default.as_str().map_or_else(|| default.to_string(), str::to_owned);
        about += &format!(" [default: {default}]");
    }
    about
}

/// The commands that train an algorithm, with the first words of their help.
const TRAINERS: [(&str, &str); 2] = [(Training::COMMAND, "Train"), ("tune", "Search settings of")];

/// Returns true for the name of a command that trains an algorithm, whose settings are its flags.
pub(crate) fn is_trainer(command: &str) -> bool {
    TRAINERS.iter().any(|(trainer, _)| *trainer == command)
}

/// The algorithm that a command line names after `train` or `tune`.
pub(crate) fn named_algorithm(arguments: &[OsString]) -> Option<&'static Algorithm> {
    let mut words = arguments.iter().skip(1).filter_map(|word| word.to_str());
    words.find(|word| is_trainer(word))?;
    words.find_map(|word| ALGORITHMS.iter().copied().find(|algorithm| algorithm.name == word))
}

/// The command with the help of the algorithm that its arguments name: its keys with their defaults.
pub(crate) fn shown(command: clap::Command, arguments: &[OsString]) -> clap::Command {
    let command = command.mut_subcommand(Distillation::COMMAND, |distill| {
        let kinds = Distillation::all();
        let Some((policy, on_data)) = kinds.split_first() else { return distill };
        let of = |kind: &RunKind, name: &str| kind.keys.iter().any(|(key, _)| key.name == name);
        kinds.iter().flat_map(|kind| &kind.keys).fold(distill, |distill, (key, default)| {
            let heading = match (of(policy, key.name), on_data.iter().any(|kind| of(kind, key.name))) {
                (true, false) => "Settings of a policy's student",
                (false, true) => "Settings of a student on data",
                _ => "Settings",
            };
            revealed(distill, key, default.as_ref(), heading)
        })
    });
    let Some(algorithm) = named_algorithm(arguments) else { return command };
    let name = algorithm.name;
    let Some(kind) = Training::all().into_iter().find(|kind| kind.name == name) else { return command };
    TRAINERS.iter().fold(command, |command, (trainer, verb)| {
        command.mut_subcommand(trainer, |train| {
            let heading = format!("Settings of {name}");
            let train = kind
                .keys
                .iter()
                .fold(train, |train, (key, default)| revealed(train, key, default.as_ref(), &heading));
            let is_key = |name: &str| kind.keys.iter().any(|(key, _)| key.name == name);
            let strange = |name: &&&str| !is_key(name);
            let train = ALWAYS_SHOWN.iter().filter(strange).fold(train, |train, name| {
                if train.get_arguments().any(|arg| arg.get_id() == *name) {
                    return train.mut_arg(name, |flag| flag.hide(true));
                }
                train
            });
            train.about(format!("{verb} {name}: {}. {}", algorithm.summary, algorithm.source))
        })
    })
}

/// Shows a flag in the help, with its range and default; not those that a program writes for itself.
fn revealed(
    command: clap::Command,
    key: &Key,
    default: Option<&toml::Value>,
    heading: &str,
) -> clap::Command {
    let about = explained(key, default);
    let is_own = key.name.ends_with("_crc32c");
    command.mut_arg(key.name, |flag| flag.hide(is_own).help(about).help_heading(heading.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_a_flag_of_its_command() {
        for (kinds, command) in [
            (Training::all(), KeyFlags::<Training>::augment_args(clap::Command::new("train"))),
            (Distillation::all(), KeyFlags::<Distillation>::augment_args(clap::Command::new("distill"))),
        ] {
            assert!(kinds.len() >= 2);
            for (key, _) in kinds.iter().flat_map(|kind| &kind.keys) {
                let flag = command.get_arguments().find(|flag| flag.get_id() == key.name);
                assert_eq!(flag.unwrap().get_long(), Some(&*key.name.replace('_', "-")), "{}", key.name);
            }
        }
    }

    #[test]
    fn the_named_algorithm_is_the_first_after_train() {
        let check = |line: &str, expected: Option<&str>| {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            assert_eq!(named_algorithm(&words).map(|algorithm| algorithm.name), expected, "{line}");
        };
        check("potstill train dqn --help", Some("dqn"));
        check("potstill train --env CartPole-v1 dqn", Some("dqn"));
        check("potstill train dnq", None);
        check("potstill tune --trials 9 dqn", Some("dqn"));
        check("potstill config dqn", None);
        check("potstill", None);
    }
}
