//! `potstill config`.

use super::common::Command;
use crate::output;
use clap::{ArgGroup, Args};
use potstill::Error;
use potstill::commands::{config_file, config_schema};
use potstill::run::Observer;

/// Print a commented configuration file of an algorithm, or the schema of all
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").required(true).args(["algorithm", "schema"])))]
#[command(after_help = "\
Examples:
  potstill config dqn > dqn.toml
  potstill train --config dqn.toml")]
pub(crate) struct Config {
    /// The algorithm, or distill-policy or distill-classifier
    #[arg(value_name = "ALGO")]
    algorithm: Option<String>,
    /// Print a JSON schema for editors
    #[arg(long)]
    schema: bool,
}

impl Command for Config {
    fn run(self, _: &dyn Observer) -> Result<bool, Error> {
        let text = match self.algorithm {
            Some(algorithm) if !self.schema => config_file(&algorithm)?,
            _ => format!("{:#}", config_schema()),
        };
        output::print(text.trim_end());
        Ok(true)
    }
}
