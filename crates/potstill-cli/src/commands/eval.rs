//! `potstill eval`.

use super::common::{Command, Output, Threads, count};
use crate::output;
use clap::Args;
use potstill::Error;
use potstill::commands::{EvaluateRequest, evaluate};
use potstill::run::Observer;
use std::path::{Path, PathBuf};

/// Evaluate a run, or each of several seeds: a policy over episodes, a classifier over its test samples
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  potstill eval runs/student --episodes 1000 --seed 7")]
pub(crate) struct Eval {
    /// The run directory, or a folder of seeds
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// The environment to play in, in place of the one that the policy was trained in
    #[arg(long, value_name = "ID")]
    env: Option<String>,
    /// Episodes to play
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = count(1, 1_000_000))]
    episodes: u64,
    /// Seed of the episodes
    #[arg(long, value_name = "S", default_value_t = 0, value_parser = count(0, u64::MAX))]
    seed: u64,
    #[command(flatten)]
    threads: Threads,
    #[command(flatten)]
    output: Output,
}

impl Command for Eval {
    fn reads(&self) -> Vec<&Path> {
        vec![&self.run]
    }

    fn run(self, _: &dyn Observer) -> Result<bool, Error> {
        let Self { run, env, episodes, seed, threads, output } = self;
        let request = EvaluateRequest { run, env, episodes, seed, threads: threads.count() };
        output.finish(&evaluate(&request)?, output::evaluation);
        Ok(true)
    }
}
