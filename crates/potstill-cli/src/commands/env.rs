//! `potstill env` and `potstill envs`.

use super::common::{Command, Environment, Output, commands, count};
use crate::{environments, output};
use clap::Args;
use potstill::Error;
use potstill::commands::{check_environment, trace_actions, trace_env};
use potstill::run::{Observer, find_environment};

/// List, explain, trace and check environments
#[derive(Debug, Args)]
pub(crate) struct Env {
    #[command(subcommand)]
    command: EnvCommand,
}

impl Command for Env {
    fn run(self, observer: &dyn Observer) -> Result<bool, Error> {
        self.command.run(observer)
    }
}

commands! { EnvCommand:
    List(List),
    Show(Show),
    Trace(Trace),
    Check(Check),
}

/// List the environments with their spaces, limits and options
#[derive(Debug, Args)]
pub(crate) struct List {
    /// One environment, to be explained as `env show` does
    #[arg(value_name = "ID")]
    id: Option<String>,
    #[command(flatten)]
    output: Output,
}

impl Command for List {
    fn run(self, observer: &dyn Observer) -> Result<bool, Error> {
        if let Some(id) = self.id {
            return Show { id, set: Vec::new(), output: self.output }.run(observer);
        }
        self.output.finish(&environments::list_json(), |_| environments::list());
        Ok(true)
    }
}

/// List the environments; the same as `env list`
#[derive(Debug, Args)]
pub(crate) struct Envs {
    /// One environment, to be explained as `env show` does
    #[arg(value_name = "ID")]
    id: Option<String>,
    #[command(flatten)]
    output: Output,
}

impl Command for Envs {
    fn run(self, observer: &dyn Observer) -> Result<bool, Error> {
        List { id: self.id, output: self.output }.run(observer)
    }
}

/// Explain an environment: spaces, rewards, ends, and options with their defaults
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The environment, with options if it is to have some
    #[arg(value_name = "ID")]
    id: String,
    /// An option of the environment; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    #[command(flatten)]
    output: Output,
}

impl Command for Show {
    fn run(self, _: &dyn Observer) -> Result<bool, Error> {
        let spec = find_environment(&self.id, &self.set)?;
        self.output.finish(&environments::page_json(&spec), |_| environments::page(&spec));
        Ok(true)
    }
}

/// Reset with a seed, play actions, and print observations and rewards
#[derive(Debug, Args)]
pub(crate) struct Trace {
    #[command(flatten)]
    environment: Environment,
    /// Seed of the reset
    #[arg(long, value_name = "S", default_value_t = 0, value_parser = count(0, u64::MAX))]
    seed: u64,
    /// A file with one JSON list of actions, or random:N
    #[arg(long, value_name = "FILE|random:N")]
    actions: String,
    /// Print one JSON object per line: the reset, then each step
    #[arg(long)]
    json: bool,
}

impl Command for Trace {
    fn run(self, _: &dyn Observer) -> Result<bool, Error> {
        let spec = find_environment(&self.environment.env, &self.environment.set)?;
        let trace = trace_env(&spec, self.seed, &trace_actions(&self.actions)?)?;
        output::trace(&spec, &trace, self.json);
        Ok(true)
    }
}

/// Check that an environment follows the Gymnasium API
#[derive(Debug, Args)]
pub(crate) struct Check {
    #[command(flatten)]
    environment: Environment,
    #[command(flatten)]
    output: Output,
}

impl Command for Check {
    fn run(self, _: &dyn Observer) -> Result<bool, Error> {
        let spec = find_environment(&self.environment.env, &self.environment.set)?;
        let verdicts = check_environment(&spec);
        self.output.finish(&output::verdicts_json(&spec, &verdicts), |_| output::verdicts(&verdicts));
        Ok(verdicts.iter().all(|verdict| verdict.broken.is_none()))
    }
}
