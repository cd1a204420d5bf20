//! `potstill plot`.

use super::common::{Command, Output};
use crate::output;
use clap::Args;
use potstill::Error;
use potstill::commands::Comparison;
use potstill::run::Observer;
use std::path::{Path, PathBuf};

/// Draw the curves of runs into a file: .svg, .png, .html, or .csv for the numbers of one run
#[derive(Debug, Args)]
pub(crate) struct Plot {
    /// Run directories, or folders of seeds
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<PathBuf>,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The metric, such as train/loss [default: the return or test error]
    #[arg(long, value_name = "NAME")]
    metric: Option<String>,
    #[command(flatten)]
    output: Output,
}

impl Command for Plot {
    fn reads(&self) -> Vec<&Path> {
        self.runs.iter().map(PathBuf::as_path).collect()
    }

    fn run(self, _: &dyn Observer) -> Result<bool, Error> {
        Comparison::read(&self.runs)?.plot(&self.out, self.metric.as_deref())?;
        self.output.finish(&output::written("plot", &self.out), |_| output::path(&self.out));
        Ok(true)
    }
}
