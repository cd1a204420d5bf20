//! `potstill algos`.

use super::common::{Command, Output};
use crate::output;
use clap::Args;
use potstill::Error;
use potstill::run::Observer;

/// List the algorithms
#[derive(Debug, Args)]
pub(crate) struct Algos {
    #[command(flatten)]
    output: Output,
}

impl Command for Algos {
    fn run(self, _: &dyn Observer) -> Result<bool, Error> {
        self.output.finish(&output::algos_json(), |_| output::algos());
        Ok(true)
    }
}
