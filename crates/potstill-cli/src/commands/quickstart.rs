//! `potstill quickstart`.

use super::common::{Command, Common, seed};
use crate::output;
use clap::Args;
use potstill::Error;
use potstill::quickstart::{QuickstartRequest, quickstart};
use potstill::run::Observer;

/// The tour: cliff walk, DQN teacher to tiny student, digits teacher to student, one report
#[derive(Debug, Args)]
pub(crate) struct Quickstart {
    /// Seed of all random streams
    #[arg(long, default_value_t = 0, value_parser = seed)]
    seed: u64,
    #[command(flatten)]
    common: Common,
}

impl Command for Quickstart {
    fn saves(&self) -> bool {
        true
    }

    fn run(self, observer: &dyn Observer) -> Result<bool, Error> {
        let Common { out, threads, output } = self.common;
        let request = QuickstartRequest { seed: self.seed, threads: threads.count(), out };
        let summary = quickstart(&request, observer, &mut |act| {
            if !output.json {
                output::act(act);
            }
        })?;
        output.finish(&summary, output::quickstart);
        Ok(true)
    }
}
