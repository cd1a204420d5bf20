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

/// A parser of whole numbers in a range, as people write them: `100k`, `1e5`, `100_000`.
pub(crate) fn count(
    low: u64,
    high: u64,
) -> impl Fn(&str) -> Result<u64, String> + Clone + Send + Sync + 'static {
    move |text| {
        let number = potstill::core::written::whole(text).filter(|number| (low..=high).contains(number));
        number.ok_or_else(|| match high {
            u64::MAX => format!("write a whole number from {low} on"),
            _ => format!("write a whole number from {low} to {high}"),
        })
    }
}

/// A parser of numbers, as people write them.
pub(crate) fn number(text: &str) -> Result<f64, String> {
    potstill::core::written::number(text).ok_or_else(|| "write a number".to_owned())
}

/// A parser of seeds.
pub(crate) fn seed(text: &str) -> Result<u64, String> {
    count(0, i64::MAX as u64)(text)
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
    #[arg(long, value_name = "N", value_parser = count(1, 1024))]
    pub(crate) threads: Option<u64>,
}

impl Threads {
    /// The given number, or one per core.
    pub(crate) fn count(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        self.threads.map_or_else(cores, |threads| threads as usize)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_whole_numbers_in_their_range() {
        let check = |text: &str, expected: Result<u64, &str>| {
            assert_eq!(count(1, 1024)(text), expected.map_err(str::to_owned), "{text}");
        };
        check("1e3", Ok(1000));
        check("1k", Ok(1000));
        check("0", Err("write a whole number from 1 to 1024"));
        check("2k", Err("write a whole number from 1 to 1024"));
        check("few", Err("write a whole number from 1 to 1024"));
        assert_eq!(count(0, u64::MAX)("-1"), Err("write a whole number from 0 on".to_owned()));
    }
}
