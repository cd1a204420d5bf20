//! The command line: one file per command with its flags and its output.
//!
//! A new command is a file here, and a line in two lists below.

mod algos;
mod bench;
mod common;
mod compare;
mod config;
mod distill;
mod env;
mod eval;
mod export;
mod looks;
mod play;
mod plot;
mod quickstart;
mod report;
mod reproduce;
mod resume;
mod runs;
mod show;
mod train;

pub(crate) use common::Command;

use clap::Parser;
use common::commands;

/// Train a teacher, distil a student, ship it.
#[derive(Debug, Parser)]
#[command(name = "potstill", version, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Commands,
}

commands! { Commands:
    Quickstart(quickstart::Quickstart),
    Train(train::Train),
    Distill(distill::Distill),
    Resume(resume::Resume),
    Eval(eval::Eval),
    Compare(compare::Compare),
    Plot(plot::Plot),
    Report(report::Report),
    Export(export::Export),
    Show(show::Show),
    Runs(runs::Runs),
    Config(config::Config),
    Env(env::Env),
    Play(play::Play),
    Reproduce(reproduce::Reproduce),
    Bench(bench::Bench),
    Envs(env::Envs),
    Algos(algos::Algos),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
