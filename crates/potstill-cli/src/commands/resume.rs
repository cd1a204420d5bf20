//! `potstill resume`.

use super::common::{Command, Output, Threads, Tui, count};
use crate::output;
use clap::Args;
use potstill::Error;
use potstill::commands::{ResumeRequest, resume};
use potstill::run::Observer;
use std::path::PathBuf;

/// Continue a run that was stopped or has crashed, with the same result as without the interruption
#[derive(Debug, Args)]
pub(crate) struct Resume {
    /// The run directory, or a folder of seeds
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// Train beyond the run's original length: the new number of steps. (A DQN's exploration schedule is
    /// relative to it, so the result differs from that of a run that began with this number.)
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = count(1, u64::MAX))]
    steps: Option<u64>,
    /// Skip damaged checkpoints, and use an older one
    #[arg(long)]
    fallback: bool,
    #[command(flatten)]
    threads: Threads,
    #[command(flatten)]
    tui: Tui,
    #[command(flatten)]
    output: Output,
}

impl Command for Resume {
    fn saves(&self) -> bool {
        true
    }

    fn tui(&self) -> bool {
        self.tui.tui
    }

    fn run(self, observer: &dyn Observer) -> Result<bool, Error> {
        let Self { run, steps, fallback, threads, output, .. } = self;
        let request = ResumeRequest { run, steps, fallback, threads: threads.count() };
        output.finish(&resume(&request, observer)?, output::run);
        Ok(true)
    }
}
