//! `potstill resume`.

use super::common::{Command, Output, Threads, Tui};
use crate::output;
use clap::Args;
use potstill::Error;
use potstill::commands::{ResumeRequest, resume};
use potstill::run::Observer;
use std::path::{Path, PathBuf};

/// Continue a run that was stopped or has crashed, with the same result as without the interruption
#[derive(Debug, Args)]
pub(crate) struct Resume {
    /// The run directory, or a folder of seeds
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// Train beyond the run's original length: the new number of steps. (A DQN's exploration schedule is
    /// relative to it, so the result differs from that of a run that began with this number.)
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    steps: Option<u64>,
    /// The new number of seeds of a folder of seeds
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=100_000))]
    seeds: Option<u64>,
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

    fn reads(&self) -> Vec<&Path> {
        vec![&self.run]
    }

    fn run(self, observer: &dyn Observer) -> Result<bool, Error> {
        let Self { run, steps, seeds, fallback, threads, output, .. } = self;
        let request = ResumeRequest { run, steps, seeds, fallback, threads: threads.count() };
        output.finish(&resume(&request, observer)?, output::run);
        Ok(true)
    }
}
