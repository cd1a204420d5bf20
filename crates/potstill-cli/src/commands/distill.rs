//! `potstill distill`.

use super::common::{Command, Common, Settings, Tui, key_flags};
use crate::output;
use clap::Args;
use potstill::Error;
use potstill::commands::{DistillRequest, distill};
use potstill::run::{Observer, Sources};
use std::path::PathBuf;

/// Distil a trained run into a smaller student
#[derive(Debug, Args)]
pub(crate) struct Distill {
    #[command(flatten)]
    keys: Keys,
    /// A TOML file of settings
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    tui: Tui,
    #[command(flatten)]
    common: Common,
}

key_flags! { Keys:
    /// The teacher's run directory
    #[arg(long, value_name = "RUN")]
    teacher: String,
    /// The student's network, such as mlp:16 or mlp:32,32:tanh
    #[arg(long, value_name = "SPEC")]
    student: String,
    /// The environment, if the teacher is a policy
    #[arg(long, value_name = "ID")]
    env: String,
    /// The dataset, if the teacher is a classifier
    #[arg(long, value_name = "NAME")]
    data: String,
    /// Temperature of the softmax
    #[arg(long, value_name = "T", allow_negative_numbers = true)]
    temperature: f64,
    /// Weight of the soft targets, 0 to 1; the labels have the rest
    #[arg(long, value_name = "A", allow_negative_numbers = true)]
    alpha: f64,
    /// Seed of all random streams [default: 0]
    #[arg(long, value_name = "S", allow_negative_numbers = true)]
    seed: u64,
}

impl Command for Distill {
    fn saves(&self) -> bool {
        true
    }

    fn tui(&self) -> bool {
        self.tui.tui
    }

    fn run(self, observer: &dyn Observer) -> Result<bool, Error> {
        let sources = Sources { config: self.config, flags: self.keys.table(), set: self.settings.set };
        let Common { out, threads, output } = self.common;
        let request = DistillRequest { sources, threads: threads.count(), out };
        output.finish(&distill(&request, observer)?, output::run);
        Ok(true)
    }
}
