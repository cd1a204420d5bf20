//! The command line: one file per command with its flags and its output.
//!
//! A new command is a file here, and a line in two lists below.

mod algos;
mod bench;
mod common;
mod compare;
mod completions;
mod config;
mod data;
mod distill;
mod env;
mod eval;
mod evaluate_offline;
mod export;
mod looks;
mod man;
mod play;
mod plot;
mod predict;
mod quickstart;
mod report;
mod reproduce;
mod resume;
mod runs;
mod show;
mod train;
mod tune;

pub(crate) use common::Command;

use crate::{keys, refusal, root};
use clap::{CommandFactory, FromArgMatches, Parser};
use common::commands;
use std::ffi::OsString;

/// Train a teacher, distil a student, ship it.
#[derive(Debug, Parser)]
#[command(
    name = "potstill",
    version,
    arg_required_else_help = true,
    after_help = "\
Examples:
  potstill quickstart                        the tour, half a minute
  potstill train q-learning --env CliffWalking-v1 --episodes 500
  potstill train dqn --help                  its settings, each a flag
  potstill env show FrozenLake-v1            an environment and its options"
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Commands,
}

impl Cli {
    /// Parses a command line. The error is a message in one line, or clap's own help and version.
    pub(crate) fn from_arguments(arguments: &[OsString]) -> Result<Self, Result<String, clap::Error>> {
        root::set(Self::command);
        let arguments = &as_flags(arguments);
        let command = keys::shown(Self::command(), arguments);
        let parsed = command
            .clone()
            .try_get_matches_from(arguments)
            .and_then(|matches| Self::from_arg_matches(&matches));
        parsed.map_err(|error| refusal::line(&error, &command, arguments).ok_or(error))
    }
}

/// The arguments with flags for the words `help` and `version`: `help train dqn` asks for `train dqn --help`.
fn as_flags(arguments: &[OsString]) -> Vec<OsString> {
    match arguments {
        [me, word] if word == "version" => vec![me.clone(), "--version".into()],
        [me, word, of @ ..] if word == "help" && !of.is_empty() => {
            [std::slice::from_ref(me), of, &["--help".into()]].concat()
        }
        _ => arguments.to_vec(),
    }
}

commands! { Commands:
    Quickstart(quickstart::Quickstart),
    Train(train::Train),
    Tune(tune::Tune),
    Distill(distill::Distill),
    Resume(resume::Resume),
    Eval(eval::Eval),
    EvaluateOffline(evaluate_offline::EvaluateOffline),
    Predict(predict::Predict),
    Compare(compare::Compare),
    Plot(plot::Plot),
    Report(report::Report),
    Export(export::Export),
    Show(show::Show),
    Runs(runs::Runs),
    Config(config::Config),
    Data(data::Data),
    Env(env::Env),
    Play(play::Play),
    Reproduce(reproduce::Reproduce),
    Bench(bench::Bench),
    Envs(env::Envs),
    Algos(algos::Algos),
    Completions(completions::Completions),
    Man(man::Man),
    Complete(completions::Complete),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::complete::candidates;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn examples_fit_a_terminal() {
        fn check(command: &clap::Command) {
            let examples = command.get_after_help().map_or_else(String::new, ToString::to_string);
            for line in examples.lines() {
                assert!(line.chars().count() <= 80, "{}: {line}", command.get_name());
            }
            command.get_subcommands().for_each(check);
        }
        check(&Cli::command());
    }

    #[test]
    fn help_is_a_word_too() {
        let check = |line: &str, expected: &str| {
            let words = |line: &str| line.split(' ').map(OsString::from).collect::<Vec<_>>();
            assert_eq!(as_flags(&words(line)), words(expected));
        };
        check("potstill help", "potstill help");
        check("potstill help train dqn", "potstill train dqn --help");
        check("potstill version", "potstill --version");
        check("potstill train help", "potstill train help");
    }

    #[test]
    fn what_may_follow_is_offered() {
        root::set(Cli::command);
        let check = |line: &str, expected: &[&str]| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            let found = candidates(&words);
            for word in expected {
                assert!(found.iter().any(|found| found == word), "{word} after `{line}`: {found:?}");
            }
        };
        let none = |line: &str, unexpected: &str| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            assert!(!candidates(&words).iter().any(|word| word == unexpected), "{unexpected} after `{line}`");
        };
        check("tr", &["train"]);
        check("train ", &["dqn", "sarsa"]);
        check("train dqn --learning-r", &["--learning-rate"]);
        check("train dqn --", &["--double", "--env", "--tui", "--help"]);
        none("train dqn --", "--alpha");
        check("train sarsa --", &["--alpha"]);
        check("train sarsa --alpha 0.1 --env Cliff", &["CliffWalking-v1"]);
        check("train sarsa --env=Cliff", &["--env=CliffWalking-v1"]);
        check("train dqn --preset ", &["zoo", "cleanrl"]);
        check("tune ", &["dqn", "sarsa"]);
        check("tune dqn --", &["--double", "--search", "--prune"]);
        check("tune dqn --search net", &["net_arch="]);
        check("tune dqn --prune ", &["hyperband", "halving"]);
        check("tune dqn --sampler ", &["tpe", "quasi-random"]);
        check("train dqn --set net", &["net_arch="]);
        check("train dqn --optimizer ", &["adam", "sgd"]);
        check("train dqn --double ", &["true", "false"]);
        check("env sh", &["show"]);
        check("env show ", &["CartPole-v1"]);
        check("config ", &["dqn"]);
        check("reproduce ", &["cliff"]);
        check("completions ", &["bash", "zsh", "fish"]);
        check("bench dqn --workload ", &["matched"]);
        none("train dqn ", "sarsa");
    }
}
