//! `potstill resume`.

use super::common::{Command, Output, Threads, Tui};
use crate::output;
use clap::Args;
use potstill::Error;
use potstill::commands::{ResumeRequest, resume};
use potstill::run::Observer;
use std::path::PathBuf;

/// Go on with a run that was stopped or has crashed, to the result it would have had
#[derive(Debug, Args)]
pub(crate) struct Resume {
    /// The run directory, or a folder of seeds
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// Train further than the run was to go: the new number of steps. (A DQN's exploration schedule is relative to it, so the
    /// result is not that of a run that began with this number.)
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    steps: Option<u64>,
    /// Pass over damaged checkpoints to an older one
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
