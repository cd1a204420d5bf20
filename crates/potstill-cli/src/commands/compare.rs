//! `potstill compare`.

use super::common::{Command, Output};
use crate::output;
use clap::Args;
use potstill::Error;
use potstill::commands::Comparison;
use potstill::run::Observer;
use std::path::{Path, PathBuf};

/// Compare runs: one table and the learning curves; seeds as interquartile mean with 95 % intervals
#[derive(Debug, Args)]
pub(crate) struct Compare {
    /// Run directories, or folders of seeds
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<PathBuf>,
    #[command(flatten)]
    output: Output,
}

impl Command for Compare {
    fn reads(&self) -> Vec<&Path> {
        self.runs.iter().map(PathBuf::as_path).collect()
    }

    fn run(self, _: &dyn Observer) -> Result<bool, Error> {
        let comparison = Comparison::read(&self.runs)?;
        self.output.finish(&comparison.json(), |_| output::comparison(&comparison));
        Ok(true)
    }
}
