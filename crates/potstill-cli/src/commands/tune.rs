//! `potstill tune`.

use super::common::{Command, Common, Settings, Tui, count};
use super::train::preset_help;
use crate::keys::{KeyFlags, Training};
use crate::output;
use clap::Args;
use potstill::Error;
use potstill::commands::{TuneRequest, tune};
use potstill::run::{Observer, Sources};
use potstill::tuning::{Pruner, Sampler};
use std::path::PathBuf;

/// Search settings of an algorithm in rounds of trials, and run the best again with new seeds
#[derive(Debug, Args)]
#[command(after_help = "\
Ranges: log:A:B and uniform:A:B (numbers), int:A:B and int-log:A:B (whole
numbers), or values as in a|b|c. DIR/journal.log is read by Optuna.

Examples:
  potstill tune dqn --env CartPole-v1 --steps 50k --prune hyperband \\
    --search learning_rate=log:1e-4:1e-2 --search 'net_arch=mlp:64|mlp:256,256'
  potstill tune classifier --data digits --search batch_size=int-log:16:256
  potstill resume runs/dqn-CartPole-v1-tune         after Ctrl-C, or a crash")]
pub(crate) struct Tune {
    /// The algorithm (see `potstill algos`); may be left out if --config names it
    #[arg(value_name = "ALGO", required_unless_present = "config")]
    algorithm: Option<String>,
    #[command(flatten)]
    keys: KeyFlags<Training>,
    /// A key that is searched, with its range; repeated for each
    #[arg(long, value_name = "KEY=RANGE", required = true)]
    search: Vec<String>,
    /// Number of trials
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = count(1, 10_000))]
    trials: u64,
    /// Trials that are proposed at once, on any number of threads
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = count(1, 10_000))]
    round: u64,
    /// The source of proposals: random, quasi-random or tpe
    #[arg(long, value_name = "NAME", default_value_t = Sampler::Tpe)]
    sampler: Sampler,
    /// The rule by which trials are stopped early: none, median, halving or hyperband
    #[arg(long, value_name = "NAME", default_value_t = Pruner::None)]
    prune: Pruner,
    /// New seeds with which the best trial is run again
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = count(1, 1000))]
    winner_seeds: u64,
    #[arg(long, value_name = "NAME", help = preset_help())]
    preset: Option<String>,
    /// A TOML file of settings, such as the config.toml of a run
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    tui: Tui,
    #[command(flatten)]
    common: Common,
}

impl Command for Tune {
    fn saves(&self) -> bool {
        true
    }

    fn tui(&self) -> bool {
        self.tui.tui
    }

    fn run(self, observer: &dyn Observer) -> Result<bool, Error> {
        let flags = self.keys.table();
        let request = TuneRequest {
            algorithm: self.algorithm.unwrap_or_default(),
            preset: self.preset,
            sources: Sources { config: self.config, flags, set: self.settings.set },
            search: self.search,
            trials: self.trials,
            round: self.round,
            sampler: self.sampler,
            prune: self.prune,
            winner_seeds: self.winner_seeds,
            threads: self.common.threads.count(),
            out: self.common.out,
        };
        let result = tune(&request, observer)?;
        self.common.output.finish(&result, output::run);
        Ok(true)
    }
}
