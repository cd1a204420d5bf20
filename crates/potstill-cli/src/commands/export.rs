//! `potstill export`.

use super::common::{Command, Output};
use crate::output;
use clap::Args;
use potstill::Error;
use potstill::commands::{ExportRequest, export};
use potstill::export::EXPORTERS;
use potstill::run::Observer;
use std::path::{Path, PathBuf};

/// Export the model of a run to a file for other programs
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// The run directory
    #[arg(value_name = "RUN")]
    run: PathBuf,
    #[arg(long, value_name = "NAME", help = format_help())]
    to: Option<String>,
    /// The file to write; an existing one is not overwritten
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    output: Output,
}

fn format_help() -> String {
    let formats = EXPORTERS.map(|exporter| format!("{} ({})", exporter.name(), exporter.summary()));
    format!("The format, by default that of the file's ending: {}", formats.join(", "))
}

impl Command for Export {
    fn reads(&self) -> Vec<&Path> {
        vec![&self.run]
    }

    fn run(self, observer: &dyn Observer) -> Result<bool, Error> {
        let Self { run, to, out, output } = self;
        let request = ExportRequest { run, to, out };
        output.finish(&export(&request, observer)?, |_| output::path(&request.out));
        Ok(true)
    }
}
