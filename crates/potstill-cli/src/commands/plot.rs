//! `potstill plot`.

use super::common::{Command, Output};
use super::looks::Looks;
use crate::output;
use clap::Args;
use potstill::Error;
use potstill::commands::{Comparison, View};
use potstill::report::Size;
use potstill::run::Observer;
use std::path::{Path, PathBuf};

/// Draw the curves of runs into a file: .svg, .png, .pdf, .html, or .csv for the numbers
#[derive(Debug, Args)]
pub(crate) struct Plot {
    /// Run directories, folders of seeds, or folders of either
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<PathBuf>,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The metric, such as train/loss [default: the return or test error]
    #[arg(long, value_name = "NAME")]
    metric: Option<String>,
    /// The title of the chart [default: the metric's]
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// The size of the chart in points, of which a .png has two pixels each [default: 720x320]
    #[arg(long, value_name = "WxH")]
    size: Option<Size>,
    #[command(flatten)]
    looks: Looks,
    #[command(flatten)]
    output: Output,
}

impl Command for Plot {
    fn reads(&self) -> Vec<&Path> {
        self.runs.iter().map(PathBuf::as_path).collect()
    }

    fn run(self, _: &dyn Observer) -> Result<bool, Error> {
        let view = View { title: self.title.clone(), size: self.size, ..self.looks.view() };
        Comparison::read(&self.runs)?.with(view).plot(&self.out, self.metric.as_deref())?;
        self.output.finish(&output::written("plot", &self.out), |_| output::path(&self.out));
        Ok(true)
    }
}
