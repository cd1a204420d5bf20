//! `potstill show`.

use super::common::Command;
use crate::output;
use clap::Args;
use potstill::Error;
use potstill::commands::{Comparison, is_folder_of_runs, is_search, page};
use potstill::run::Observer;
use std::path::{Path, PathBuf};

/// Show a run in the terminal: results, learning curves, and maps of values and visits
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The run directory, a folder of seeds or of a search, or a folder of runs such as a sweep, which are compared
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// Print one JSON object and nothing else: the summary and the maps
    #[arg(long)]
    json: bool,
}

impl Command for Show {
    fn reads(&self) -> Vec<&Path> {
        vec![&self.run]
    }

    fn run(self, _: &dyn Observer) -> Result<bool, Error> {
        if self.json && is_folder_of_runs(&self.run) {
            output::print(&Comparison::read(&[self.run])?.json().to_string());
            return Ok(true);
        }
        let page = page(&self.run)?;
        if self.json {
            output::print(&output::shown_json(&self.run, &page)?.to_string());
        } else {
            output::page(&page, !is_folder_of_runs(&self.run) || is_search(&self.run));
        }
        Ok(true)
    }
}
