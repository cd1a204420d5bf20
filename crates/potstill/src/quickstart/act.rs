//! An act of the tour, and helpers of all acts.

use crate::error::Error;
use crate::report::Block;
use crate::run::Observer;
use serde_json::Value;
use std::path::PathBuf;

/// A request to run the tour.
#[derive(Clone, Debug)]
pub struct QuickstartRequest {
    /// The seed of all random streams.
    pub seed: u64,
    /// Threads to use. Results do not depend on their number.
    pub threads: usize,
    /// The run directory to create.
    pub out: Option<PathBuf>,
}

/// One act: its numbers, its text for the terminal, its part of the report.
#[derive(Clone, Debug)]
pub struct Act {
    /// The key of its numbers in the summary.
    pub name: &'static str,
    /// The heading.
    pub title: &'static str,
    /// Its numbers.
    pub numbers: Value,
    /// For the terminal.
    pub text: String,
    /// For the report.
    pub blocks: Vec<Block>,
}

pub(super) fn stop_if_asked(observer: &dyn Observer) -> Result<(), Error> {
    if observer.stop_requested() { Err(Error::Abandoned) } else { Ok(()) }
}
