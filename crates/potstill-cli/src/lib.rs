//! The `potstill` command: parse, call the library, show progress, print, exit.
//!
//! A library, so that a program of a few lines can be a `potstill` of its own, with its own environments:
//!
//! ```no_run
//! use potstill::env::CartPole;
//! use potstill::env::registry::{Entry, Factory};
//! use std::process::ExitCode;
//!
//! fn main() -> ExitCode {
//!     let make = |_: &mut _| Ok(Factory::new(CartPole::default));
//!     let pole = Entry::new("MyPole-v0", "keep a pole upright", make).actions(&["left", "right"]);
//!     potstill_cli::main_with([pole.time_limit(200)])
//! }
//! ```
//!
//! Results go to stdout, progress and errors to stderr. Exit codes: 0 success, 1 the work failed, 2 the
//! command line, a configuration or an input file is wrong, 130 or 143 stopped by SIGINT or SIGTERM after
//! saving.
#![forbid(unsafe_code)]

mod canvas;
mod commands;
mod dashboard;
mod environments;
mod output;
mod progress;
mod signals;

use commands::{Cli, Command};
use dashboard::Dashboard;
use potstill::Error;
use potstill::env::registry::{Entry, register};
use potstill::run::Observer;
use progress::Bar;
use signals::Signals;
use std::process::ExitCode;

/// Runs the command line of this process with further environments, and returns its exit code. If one of them
/// cannot be [registered](register), that is the error, and nothing is run.
pub fn main_with(environments: impl IntoIterator<Item = Entry>) -> ExitCode {
    match environments.into_iter().try_for_each(register) {
        Ok(()) => main(),
        Err(error) => {
            report(&format!("error: {error}"));
            ExitCode::from(2)
        }
    }
}

/// Prints a line to stderr. If it is closed, nothing can be reported.
fn report(words: &str) {
    let _ = output::line(&mut std::io::stderr(), &in_the_name_of(&output::program(), words));
}

/// The words with the commands in them under this program's name: the library calls the command `potstill`.
fn in_the_name_of(program: &str, words: &str) -> String {
    let name = std::path::Path::new(program).file_stem().and_then(|name| name.to_str());
    words.replace("`potstill ", &format!("`{} ", name.unwrap_or("potstill")))
}

/// Runs the command line of this process, and returns its exit code.
pub fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    let Cli { command } = match Cli::from_arguments(&arguments) {
        Ok(cli) => cli,
        Err(Ok(advice)) => {
            report(&format!("error: {advice}"));
            return ExitCode::from(2);
        }
        Err(Err(error)) => error.exit(),
    };
    let signals = if command.saves() { Signals::watch() } else { Signals::default() };
    match run(command, signals.clone()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let stopped =
                matches!(error, Error::Interrupted { .. } | Error::Halted { .. } | Error::Abandoned);
            report(&if stopped { error.to_string() } else { format!("error: {error}") });
            ExitCode::from(if stopped { signals.exit_code() } else { error.exit_code() })
        }
    }
}

/// Runs a command under the dashboard or a progress bar.
fn run(command: impl Command, signals: Signals) -> Result<bool, Error> {
    let observer: Box<dyn Observer> =
        if command.tui() { Box::new(Dashboard::new(signals)?) } else { Box::new(Bar::new(signals)) };
    command.run(&*observer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_of_another_name_tells_its_own_commands() {
        let words = "run is stopped; `potstill resume run` continues it";
        let expected = "run is stopped; `mazes resume run` continues it";
        assert_eq!(in_the_name_of("target/release/mazes", words), expected);
        assert_eq!(in_the_name_of("/usr/bin/potstill", words), words);
        assert_eq!(in_the_name_of("", words), words);
    }
}
