//! `potstill train`.

use super::common::{Command, Common, Settings, Tui, any_of, key_flags};
use crate::output;
use clap::Args;
use potstill::Error;
use potstill::algorithm::ALGORITHMS;
use potstill::commands::{TrainRequest, train};
use potstill::data::labelled::DATASETS;
use potstill::run::{Observer, Sources};
use std::path::PathBuf;

/// Train an algorithm in an environment or on a dataset
#[derive(Debug, Args)]
pub(crate) struct Train {
    /// The algorithm (see `potstill algos`)
    #[arg(value_name = "ALGO")]
    algorithm: String,
    #[command(flatten)]
    run: RunKeys,
    /// Number of seeds, from --seed on; one folder with one run each
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=100_000))]
    seeds: Option<u64>,
    #[command(flatten)]
    deep: DeepKeys,
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

key_flags! { RunKeys:
    /// The environment (see `potstill envs`)
    #[arg(long, value_name = "ID")]
    env: String,
    #[arg(long, value_name = "NAME|FILE", help = data_help())]
    data: String,
    /// Steps of the environment
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    steps: u64,
    /// Episodes, instead of steps
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    episodes: u64,
    /// Seed of all random streams [default: 0]
    #[arg(long, value_name = "S", allow_negative_numbers = true)]
    seed: u64,
}

key_flags! { DeepKeys:
    /// Copies of the environment of a deep algorithm, stepped together [default: 1, or 32 for pqn]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    num_envs: u64,
    /// Gigabytes of replayed observations beyond which they are stored in a file instead of memory [default:
    /// 4]
    #[arg(long, value_name = "GB", allow_negative_numbers = true)]
    memory_limit: f64,
}

fn preset_help() -> String {
    let with_presets = ALGORITHMS.iter().filter_map(|algorithm| {
        let names: Vec<_> = algorithm.presets.iter().map(|preset| preset.name).collect();
        (!names.is_empty()).then(|| format!("{} for {}", any_of(names), algorithm.name))
    });
    format!("Published hyperparameters by name: {}", with_presets.collect::<Vec<_>>().join(", "))
}

fn data_help() -> String {
    format!(
        "The dataset: {} for a classifier; a file of recorded episodes (see `potstill play --record`) to learn from \
         without acting",
        any_of(DATASETS)
    )
}

impl Command for Train {
    fn saves(&self) -> bool {
        true
    }

    fn tui(&self) -> bool {
        self.tui.tui
    }

    fn run(self, observer: &dyn Observer) -> Result<bool, Error> {
        let mut flags = self.run.table();
        flags.extend(self.deep.table());
        let request = TrainRequest {
            algorithm: self.algorithm,
            preset: self.preset,
            sources: Sources { config: self.config, flags, set: self.settings.set },
            seeds: self.seeds,
            threads: self.common.threads.count(),
            out: self.common.out,
        };
        self.common.output.finish(&train(&request, observer)?, output::run);
        Ok(true)
    }
}
