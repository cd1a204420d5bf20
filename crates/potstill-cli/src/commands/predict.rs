//! `potstill predict`.

use super::common::{Command, Output};
use crate::output;
use clap::Args;
use potstill::Error;
use potstill::commands::{PredictRequest, predict};
use potstill::run::Observer;
use std::path::{Path, PathBuf};

/// Predict classes or values of new rows with a trained classifier or regression
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  potstill predict runs/student --data new.csv --out predictions.csv
  potstill predict runs/student --data new.csv:id=customer --out predictions.csv
  potstill predict forest.onnx --data new.csv --out predictions.csv")]
pub(crate) struct Predict {
    /// The run directory, or an ONNX file, perhaps with options
    #[arg(value_name = "RUN|FILE")]
    model: String,
    /// The rows: a file or folder as for training, with or without the column to predict
    #[arg(long, value_name = "SOURCE")]
    data: String,
    /// The CSV file to write: row, prediction, and the probability of each class; an existing one is replaced
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    output: Output,
}

impl Command for Predict {
    fn reads(&self) -> Vec<&Path> {
        vec![Path::new(&self.model)]
    }

    fn run(self, observer: &dyn Observer) -> Result<bool, Error> {
        let Self { model, data, out, output } = self;
        output.finish(&predict(&PredictRequest { model, data, out }, observer)?, output::summary);
        Ok(true)
    }
}
