//! `potstill plot`.

use super::common::{Command, Output, number};
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
    /// The range of the vertical axis [default: nearly all points]
    #[arg(long, value_name = "LOW:HIGH", value_parser = range, allow_hyphen_values = true)]
    ylim: Option<(f64, f64)>,
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
        let view =
            View { title: self.title.clone(), size: self.size, y_range: self.ylim, ..self.looks.view() };
        Comparison::read(&self.runs)?.with(view).plot(&self.out, self.metric.as_deref())?;
        self.output.finish(&output::written("plot", &self.out), |_| output::path(&self.out));
        Ok(true)
    }
}

/// A parser of a range, `-100:0`.
fn range(text: &str) -> Result<(f64, f64), String> {
    let ends = text.split_once(':').and_then(|(low, high)| Some((number(low).ok()?, number(high).ok()?)));
    let ends = ends.filter(|(low, high)| low < high && low.is_finite() && high.is_finite());
    ends.ok_or_else(|| "write LOW:HIGH, such as -100:0".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_has_two_ends_in_order() {
        let wrong = || Err("write LOW:HIGH, such as -100:0".to_owned());
        for (text, expected) in [
            ("-100:0", Ok((-100.0, 0.0))),
            ("0.5:1e3", Ok((0.5, 1000.0))),
            ("0:-100", wrong()),
            ("1:1", wrong()),
            ("5", wrong()),
            ("nan:1", wrong()),
        ] {
            assert_eq!(range(text), expected, "{text}");
        }
    }
}
