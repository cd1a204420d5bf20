//! `potstill compare`.

use super::common::{Command, Output};
use super::looks::Looks;
use crate::output;
use clap::Args;
use potstill::Error;
use potstill::commands::Comparison;
use potstill::run::Observer;
use std::path::{Path, PathBuf};

/// Compare runs: one table, the learning curves, and over seeds the probability of improvement
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  potstill compare runs/sarsa runs/q-learning
  potstill compare runs/sweep                     every run of a sweep")]
pub(crate) struct Compare {
    /// Run directories, folders of seeds, or folders of either
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<PathBuf>,
    #[command(flatten)]
    looks: Looks,
    #[command(flatten)]
    output: Output,
}

impl Command for Compare {
    fn reads(&self) -> Vec<&Path> {
        self.runs.iter().map(PathBuf::as_path).collect()
    }

    fn run(self, _: &dyn Observer) -> Result<bool, Error> {
        let comparison = Comparison::read(&self.runs)?.with(self.looks.view());
        self.output.finish(&comparison.json(), |_| output::comparison(&comparison));
        Ok(true)
    }
}
