//! `potstill resume`.

use super::common::{Command, Output, Threads, Tui, count};
use crate::output;
use clap::Args;
use potstill::Error;
use potstill::commands::{ResumeRequest, resume};
use potstill::run::Observer;
use std::path::{Path, PathBuf};

/// Continue a run that was stopped or has crashed, with the same result as without the interruption
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  potstill resume runs/pole                      to the bytes of an unbroken run
  potstill resume runs/pole --steps 100k         beyond its original length
  potstill train dqn --from runs/pole ...        with other settings, as another")]
pub(crate) struct Resume {
    /// The run directory, a folder of seeds, or that of a sweep or a search
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// Train beyond the run's original length: the new number of steps. (What is relative to it, such as a DQN's
    /// exploration, goes back to where a run of that length would be.)
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = count(1, u64::MAX))]
    steps: Option<u64>,
    /// The new number of seeds of a folder of seeds
    #[arg(long, value_name = "N", value_parser = count(1, 100_000))]
    seeds: Option<u64>,
    /// With --steps: keep schedules relative to the original length, so that exploration and step size do not go back
    #[arg(long, requires = "steps")]
    keep_schedules: bool,
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
        let Self { run, steps, seeds, keep_schedules, fallback, threads, output, .. } = self;
        let request = ResumeRequest { run, steps, seeds, keep_schedules, fallback, threads: threads.count() };
        let result = resume(&request, observer)?;
        output.finish(&result, output::run);
        Ok(result["failed"].is_null())
    }
}
