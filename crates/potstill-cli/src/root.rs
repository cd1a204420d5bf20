//! The whole command line, for commands that tell about it.

use std::sync::OnceLock;

/// The function that builds the command line.
static BUILD: OnceLock<fn() -> clap::Command> = OnceLock::new();

/// Sets the function that builds the command line, once in a process.
pub(crate) fn set(build: fn() -> clap::Command) {
    // The same function every time.
    let _ = BUILD.set(build);
}

/// The command line; a bare one before it is set.
pub(crate) fn command() -> clap::Command {
    BUILD.get().map_or_else(|| clap::Command::new("potstill"), |build| build())
}
