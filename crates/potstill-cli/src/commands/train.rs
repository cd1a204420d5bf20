//! `potstill train`.

use super::common::{Command, Common, Settings, Tui, count};
use crate::keys::{KeyFlags, Training};
use crate::output;
use clap::Args;
use potstill::Error;
use potstill::algorithm::ALGORITHMS;
use potstill::commands::{TrainRequest, train};
use potstill::run::{Observer, Sources};
use std::path::PathBuf;

/// Train an algorithm in an environment or on a dataset; `train ALGO --help` lists its settings, each a flag
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  potstill train sarsa --env CliffWalking-v1 --episodes 500 --alpha 0.1
  potstill train sarsa --env CliffWalking-v1 --episodes 500 --seeds 10
  potstill train dqn --env CartPole-v1 --steps 50k --gamma 0.98,0.99    a sweep
  potstill train dqn --env CartPole-v1 --steps 20k --from runs/teacher
  potstill train dqn --help              all settings of dqn, with their sources")]
pub(crate) struct Train {
    /// The algorithm (see `potstill algos`); may be left out if --config names it
    #[arg(value_name = "ALGO", required_unless_present = "config")]
    algorithm: Option<String>,
    #[command(flatten)]
    keys: KeyFlags<Training>,
    /// Number of seeds, from --seed on; one folder with one run each
    #[arg(long, value_name = "N", value_parser = count(1, 100_000))]
    seeds: Option<u64>,
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

pub(super) fn preset_help() -> String {
    let with_presets = ALGORITHMS.iter().filter_map(|algorithm| {
        let names: Vec<_> = algorithm.presets.iter().map(|preset| preset.name).collect();
        (!names.is_empty()).then(|| format!("{} for {}", output::any_of(names), algorithm.name))
    });
    format!(
        "Published hyperparameters by name, or none for the plain defaults [default: the first with values for the \
         environment]: {}",
        with_presets.collect::<Vec<_>>().join(", ")
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
        let flags = self.keys.table();
        let request = TrainRequest {
            algorithm: self.algorithm.unwrap_or_default(),
            preset: self.preset,
            sources: Sources { config: self.config, flags, set: self.settings.set },
            seeds: self.seeds,
            threads: self.common.threads.count(),
            out: self.common.out,
        };
        let result = train(&request, observer)?;
        self.common.output.finish(&result, output::run);
        Ok(result["failed"].is_null())
    }
}
