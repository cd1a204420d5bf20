//! `potstill report`.

use super::common::{Command, Output};
use crate::output;
use clap::Args;
use potstill::Error;
use potstill::commands::report;
use potstill::run::Observer;
use std::path::{Path, PathBuf};

/// Write the report.html of a run again
#[derive(Debug, Args)]
pub(crate) struct Report {
    /// The run directory, a folder of seeds, or a folder of runs such as a sweep, which are compared
    #[arg(value_name = "RUN")]
    run: PathBuf,
    #[command(flatten)]
    output: Output,
}

impl Command for Report {
    fn reads(&self) -> Vec<&Path> {
        vec![&self.run]
    }

    fn run(self, _: &dyn Observer) -> Result<bool, Error> {
        let out = report(&self.run)?;
        self.output.finish(&output::written("report", &out), |_| output::path(&out));
        Ok(true)
    }
}
