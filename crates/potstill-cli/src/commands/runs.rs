//! `potstill runs`.

use super::common::{Command, Output};
use crate::output;
use clap::Args;
use potstill::Error;
use potstill::commands::list;
use potstill::run::Observer;
use std::path::PathBuf;

/// List runs with status, score and time; of seeds the mean, or the interquartile mean of runs of a number of steps
#[derive(Debug, Args)]
pub(crate) struct Runs {
    /// The folder of runs
    #[arg(value_name = "FOLDER", default_value = "runs")]
    folder: PathBuf,
    #[command(flatten)]
    output: Output,
}

impl Command for Runs {
    fn run(self, _: &dyn Observer) -> Result<bool, Error> {
        let runs = list(&self.folder)?;
        self.output.finish(&output::runs_json(&runs), |_| output::runs(&runs));
        Ok(true)
    }
}
