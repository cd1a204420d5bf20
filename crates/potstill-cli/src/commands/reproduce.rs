//! `potstill reproduce`.

use super::common::{Command, Common, count};
use crate::output;
use clap::Args;
use potstill::Error;
use potstill::reproduce::{ReproduceRequest, reproduce, results};
use potstill::run::Observer;

#[derive(Debug, Args)]
#[command(about = about())]
pub(crate) struct Reproduce {
    /// Name of the result [default: a list of all]
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// List the results, with how long each takes
    #[arg(long, conflicts_with_all = ["name", "runs", "data", "quick", "out"])]
    list: bool,
    /// Runs of each algorithm [default: as many as the result has, or more]
    #[arg(long, value_name = "N", value_parser = count(2, 1_000_000))]
    runs: Option<u64>,
    /// Seed of the first run
    #[arg(long, value_name = "S", default_value_t = 0, value_parser = count(0, u64::MAX))]
    seed: u64,
    /// Data to measure on, of a result that needs some [see --list]
    #[arg(long, value_name = "SOURCE")]
    data: Option<String>,
    /// Measure a small version of a result on data: some of the samples, few epochs
    #[arg(long)]
    quick: bool,
    #[command(flatten)]
    common: Common,
}

fn about() -> String {
    format!("Measure published results and compare them with expected values: {}", output::any_of(results()))
}

impl Command for Reproduce {
    fn saves(&self) -> bool {
        true
    }

    fn run(self, observer: &dyn Observer) -> Result<bool, Error> {
        let Self { name, runs, seed, data, quick, common: Common { out, threads, output }, .. } = self;
        let Some(name) = name.filter(|_| !self.list) else {
            output.finish(&output::results_json(), |_| output::results());
            return Ok(true);
        };
        let request = ReproduceRequest { name, runs, seed, threads: threads.count(), data, quick, out };
        let reproduction = reproduce(&request, observer)?;
        output.finish(&reproduction.json(), |_| output::reproduction(&reproduction));
        Ok(reproduction.agrees())
    }
}
