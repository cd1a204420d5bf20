//! `potstill distill`.

use super::common::{Command, Common, Settings, Tui};
use crate::keys::{Distillation, KeyFlags};
use crate::output;
use clap::Args;
use potstill::Error;
use potstill::commands::{DistillRequest, distill};
use potstill::run::{Observer, Sources};
use std::path::PathBuf;

/// Distil a trained run into a smaller student
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  potstill distill --teacher runs/teacher --student mlp:16 --env CartPole-v1
  potstill distill --teacher runs/wide --student mlp:10 --data digits")]
pub(crate) struct Distill {
    #[command(flatten)]
    keys: KeyFlags<Distillation>,
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
