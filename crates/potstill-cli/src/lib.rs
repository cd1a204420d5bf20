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
//!     let pole = Entry::new("MyPole-v0", "keep a pole upright", |_| Ok(Factory::new(CartPole::default)));
//!     potstill_cli::main_with([pole.actions(&["left", "right"]).time_limit(200)])
//! }
//! ```
//!
//! Results go to stdout, progress and errors to stderr. Exit codes: 0 success, 1 the work failed or stdout
//! refused the results, 2 the command line, a configuration or an input file is wrong, 3 stopped with work
//! unsaved, 129, 130 or 143 stopped by SIGHUP, SIGINT or SIGTERM after saving.
#![forbid(unsafe_code)]
// What a stream refuses must not be a panic: `output` writes to both.
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod canvas;
mod commands;
mod complete;
mod dashboard;
mod environments;
mod game_keys;
mod gymnasium;
mod keys;
mod output;
mod progress;
mod refusal;
mod root;
mod signals;
mod sweep;

use canvas::Canvas;
use commands::{Cli, Command};
use dashboard::Dashboard;
use potstill::Error;
use potstill::env::Scene;
use potstill::env::registry::{Entry, register};
use potstill::run::Observer;
use potstill::store::unchecked;
use progress::Bar;
use signals::Signals;
use std::ffi::OsString;
use std::process::ExitCode;

/// The rendering of a scene as lines of characters without colours, at most 80 columns and 24 rows, each with its line
/// break.
///
/// ```
/// use potstill::env::{Env, registry::find};
///
/// let mut env = find("CliffWalking-v1").unwrap().make_states().unwrap();
/// env.reset(Some(0), &mut 0);
/// let text = potstill_cli::scene_text(&env.scene().unwrap());
/// assert!(text.ends_with("@@xCxCxCxCxCxCxCxCxCxC+G\n"));
/// ```
pub fn scene_text(scene: &Scene) -> String {
    Canvas::draw(scene, 80, 24, false).lines().into_iter().map(|line| line + "\n").collect()
}

/// Runs the command line of this process with further environments, and returns its exit code. If one of them
/// cannot be [registered](register), that is the error, and nothing is run.
pub fn main_with(environments: impl IntoIterator<Item = Entry>) -> ExitCode {
    match environments.into_iter().try_for_each(register) {
        Ok(()) => main(),
        Err(error) => {
            output::tell(&format!("error: {error}"));
            ExitCode::from(2)
        }
    }
}

/// Runs the command line of this process, and returns its exit code.
pub fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    ExitCode::from(run_arguments(&arguments))
}

/// Runs a command line, whose first argument is the name of the program, and returns its exit code, from 0 to 255: for
/// programs whose own arguments are others, such as an interpreter.
///
/// ```
/// assert_eq!(potstill_cli::run_arguments(&["potstill".into(), "--version".into()]), 0);
/// assert_eq!(potstill_cli::run_arguments(&["potstill".into(), "still".into()]), 2);
/// ```
pub fn run_arguments(arguments: &[OsString]) -> u8 {
    if let Some(name) = arguments.first() {
        output::set_name(name);
    }
    gymnasium::find();
    let command = match Cli::from_arguments(arguments) {
        Ok(cli) => cli.command,
        Err(Ok(advice)) => {
            output::tell(&format!("error: {advice}"));
            return 2;
        }
        Err(Err(words)) => {
            // Help of a command without arguments is told as an error; either may be refused.
            if words.use_stderr() {
                let _ = words.print();
            } else {
                output::to_stdout(|_| words.print());
            }
            return told_all(words.exit_code() as u8);
        }
    };
    let signals = if command.saves() { Signals::watch() } else { Signals::default() };
    told_all(match run(command, signals.clone()) {
        Ok(true) => 0,
        Ok(false) => 1,
        Err(error) => {
            let stopped = matches!(
                error,
                Error::Interrupted { .. } | Error::Paused { .. } | Error::Halted { .. } | Error::Abandoned
            );
            let is_saved = stopped && error.exit_code() != Error::UNSAVED;
            output::tell(&if stopped { error.to_string() } else { format!("error: {error}") });
            if is_saved { signals.exit_code() } else { error.exit_code() }
        }
    })
}

/// The exit code, or 1 if stdout refused a part of the results.
fn told_all(code: u8) -> u8 {
    let refused = output::refused();
    if let Some(error) = &refused {
        output::tell(&format!("error: cannot write to stdout: {error}"));
    }
    if refused.is_some() && code == 0 { 1 } else { code }
}

/// Runs a command under the dashboard or a progress bar.
fn run(command: impl Command, signals: Signals) -> Result<bool, Error> {
    let unchecked: Vec<String> = command.reads().into_iter().filter_map(unchecked).collect();
    let observer: Box<dyn Observer> =
        if command.tui() { Box::new(Dashboard::new(signals)?) } else { Box::new(Bar::new(signals)) };
    let done = command.run(&*observer)?;
    // An error says enough of a run that is not whole.
    unchecked.iter().for_each(|what| output::tell(&format!("warning: {what}")));
    Ok(done)
}
