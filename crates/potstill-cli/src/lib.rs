//! The `potstill` command: parse, call the library, show progress, print, exit.
//!
//! A library, so that a program of a few lines can be a `potstill` of its own: it calls [`main`].
//!
//! Results go to stdout, progress and errors to stderr. Exit codes: 0 success, 1 the work failed, 2 the
//! command line, a configuration or an input file is wrong, 130 or 143 stopped by SIGINT or SIGTERM after
//! saving.
#![forbid(unsafe_code)]

mod canvas;
mod commands;
mod dashboard;
mod output;
mod progress;
mod signals;

use clap::Parser;
use commands::{Cli, Command};
use dashboard::Dashboard;
use potstill::Error;
use potstill::run::Observer;
use progress::Bar;
use signals::Signals;
use std::process::ExitCode;

/// Runs the command line of this process, and returns its exit code.
pub fn main() -> ExitCode {
    let Cli { command } = Cli::parse();
    let signals = if command.saves() { Signals::watch() } else { Signals::default() };
    match run(command, signals.clone()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let stopped =
                matches!(error, Error::Interrupted { .. } | Error::Halted { .. } | Error::Abandoned);
            let words = if stopped { error.to_string() } else { format!("error: {error}") };
            // With stderr closed, the error cannot be reported.
            let _ = output::line(&mut std::io::stderr(), &words);
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
