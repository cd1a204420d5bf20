//! Common parts of commands: the trait, the lists of commands and of flags that set keys, and shared flags.

use crate::output;
use clap::Args;
use potstill::Error;
use potstill::run::Observer;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// A command with its flags.
pub(crate) trait Command {
    /// Returns true if a signal lets the command save a checkpoint and stop; otherwise signals end the
    /// process as usual.
    fn saves(&self) -> bool {
        false
    }

    /// Returns true if the command shows the dashboard.
    fn tui(&self) -> bool {
        false
    }

    /// The run directories that the command reads.
    fn reads(&self) -> Vec<&Path> {
        Vec::new()
    }

    /// Runs the command, and prints its results. Returns `false` if a check found errors.
    ///
    /// # Errors
    /// If it fails, or is stopped.
    fn run(self, observer: &dyn Observer) -> Result<bool, Error>;
}

/// Declares a list of commands, in the order in which `--help` shows them.
macro_rules! commands {
    ($list:ident: $($name:ident($command:ty),)*) => {
        #[derive(Debug, clap::Subcommand)]
        pub(crate) enum $list {
            $($name($command),)*
        }

        impl $crate::commands::common::Command for $list {
            fn saves(&self) -> bool {
                match self {
                    $(Self::$name(command) => command.saves(),)*
                }
            }

            fn tui(&self) -> bool {
                match self {
                    $(Self::$name(command) => command.tui(),)*
                }
            }

            fn reads(&self) -> Vec<&std::path::Path> {
                match self {
                    $(Self::$name(command) => command.reads(),)*
                }
            }

            fn run(self, observer: &dyn potstill::run::Observer) -> Result<bool, potstill::Error> {
                match self {
                    $(Self::$name(command) => command.run(observer),)*
                }
            }
        }
    };
}
pub(crate) use commands;

/// Declares flags that set the key of the same name.
macro_rules! key_flags {
    ($name:ident: $($(#[$attribute:meta])* $key:ident: $type:ty,)*) => {
        #[derive(Debug, clap::Args)]
        pub(crate) struct $name {
            $($(#[$attribute])* $key: Option<$type>,)*
        }

        impl $name {
            /// The flags that were given, by key.
            pub(crate) fn table(self) -> toml::Table {
                let given = [$((stringify!($key), self.$key.map($crate::commands::common::KeyValue::toml)),)*];
                given.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
            }
        }
    };
}
pub(crate) use key_flags;

/// A flag's value in TOML.
pub(crate) trait KeyValue {
    fn toml(self) -> toml::Value;
}

impl KeyValue for String {
    fn toml(self) -> toml::Value {
        self.into()
    }
}

impl KeyValue for f64 {
    fn toml(self) -> toml::Value {
        self.into()
    }
}

impl KeyValue for u64 {
    /// An integer beyond TOML's 63 bits becomes text, which every integer key refuses by name.
    fn toml(self) -> toml::Value {
        i64::try_from(self).map_or_else(|_| self.to_string().into(), toml::Value::Integer)
    }
}

// The structs below are parts of commands: a doc comment on one would replace the command's own.

#[derive(Debug, Args)]
pub(crate) struct Output {
    /// Print one JSON object and nothing else
    #[arg(long)]
    pub(crate) json: bool,
}

impl Output {
    /// Prints one JSON object, or text.
    pub(crate) fn finish(&self, result: &Value, words: impl FnOnce(&Value)) {
        if self.json {
            output::print(&result.to_string());
        } else {
            words(result);
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Threads {
    /// Threads to use; results do not depend on their number [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
}

impl Threads {
    /// The given number, or one per core.
    pub(crate) fn count(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        self.threads.map_or_else(cores, usize::from)
    }
}

#[derive(Debug, Args)]
pub(crate) struct Common {
    /// The run directory to create [default: a new one under runs/]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) threads: Threads,
    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct Tui {
    /// Show a dashboard of the run; q or Ctrl-C saves and stops it
    #[arg(long, conflicts_with = "json")]
    pub(crate) tui: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Settings {
    /// A setting, which takes precedence over all other sources; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Environment {
    /// The environment (see `potstill env list`)
    #[arg(long, value_name = "ID")]
    pub(crate) env: String,
    /// An option of the environment; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
}

/// Names in a sentence: `a, b or c`.
pub(crate) fn any_of<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [some @ .., last] => format!("{} or {last}", some.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_a_sentence() {
        for (names, expected) in [(&["a"][..], "a"), (&["a", "b"], "a or b"), (&["a", "b", "c"], "a, b or c")]
        {
            assert_eq!(any_of(names.iter().copied()), expected);
        }
    }

    #[test]
    fn a_number_beyond_toml_is_told_as_it_was_written() {
        assert_eq!(7_u64.toml(), toml::Value::Integer(7));
        assert_eq!(u64::MAX.toml(), toml::Value::String("18446744073709551615".to_owned()));
    }
}
