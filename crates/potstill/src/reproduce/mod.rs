//! `potstill reproduce`: published results, measured and compared with their expected values.
//!
//! Expected values come from publications, from exact solutions, or from a second program that shares no code
//! with this one (`testdata/reproductions/second_route.py`). A claim agrees if its 95 % interval over runs
//! overlaps the expected range.
//!
//! ```
//! use potstill::reproduce::{ReproduceRequest, reproduce};
//! use potstill::run::Quiet;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let root = tempfile::tempdir()?;
//! let out = Some(root.path().join("windy"));
//! let request = ReproduceRequest { name: "windy".to_owned(), runs: Some(20), threads: 1, out, ..Default::default() };
//! let reproduction = reproduce(&request, &Quiet)?;
//! let shortest = &reproduction.claims[0];
//! assert_eq!((shortest.measured.value, shortest.agrees()), (15.0, true));
//! assert!(root.path().join("windy/README.md").is_file());
//! # Ok(())
//! # }
//! ```

mod baird;
mod bandits;
mod blackjack;
mod book;
mod car_rental;
mod cliff;
mod community;
mod corridor;
mod deep;
mod double_q;
mod dyna_maze;
mod few_labels;
mod finished;
mod folder;
mod gambler;
mod hinton_mnist;
mod hinton_temperature;
mod importance_sampling;
mod lqr;
mod missing_class;
mod mnist;
mod model_compression;
mod mountain_car;
mod offline;
mod offline_tuning;
mod ppo_details;
mod random_walk;
mod result;
mod small_gridworld;
mod state_aggregation;
mod text;
mod votes;
mod windy;

pub(crate) use cliff::{CliffWalk, walk_the_cliff};
pub(crate) use result::mean_curve;
pub use result::{Claim, Column, ReproduceRequest, Reproduction};

use crate::config::ConfigError;
use crate::error::Error;
use crate::run::{Observer, usage};
use crate::store::RunDir;
use finished::Finished;
use result::Runs;

/// A published result that can be reproduced.
#[derive(Clone, Copy)]
pub struct Published {
    /// The name in `potstill reproduce NAME`.
    pub name: &'static str,
    /// The algorithms that it is about.
    pub algorithms: &'static [&'static str],
    /// Runs of each algorithm, if their number is not given.
    pub runs: u64,
    /// The time that so many runs take on one core, about.
    pub takes: &'static str,
    /// The data that the user has to give with `--data`, as it is written in a command.
    pub data: Option<&'static str>,
    measure: fn(&Runs<'_>) -> Result<Reproduction, Error>,
}

/// Every published result that can be reproduced.
#[rustfmt::skip]
pub const RESULTS: [Published; 35] = [
    Published { name: "bandits", algorithms: &["q-learning", "gradient-bandit"], runs: 2000, takes: "40 s", data: None, measure: bandits::reproduce },
    Published { name: "small-gridworld", algorithms: &["value-iteration", "monte-carlo-prediction"], runs: 200, takes: "1 s", data: None, measure: small_gridworld::reproduce },
    Published { name: "car-rental", algorithms: &["policy-iteration", "value-iteration"], runs: 2000, takes: "4 s", data: None, measure: car_rental::reproduce },
    Published { name: "gambler", algorithms: &["value-iteration"], runs: 1000, takes: "1 s", data: None, measure: gambler::reproduce },
    Published { name: "blackjack", algorithms: &["monte-carlo-prediction", "q-learning"], runs: 20, takes: "8 s", data: None, measure: blackjack::reproduce },
    Published { name: "random-walk", algorithms: &["td-prediction", "n-step-td-prediction"], runs: 1000, takes: "4 s", data: None, measure: random_walk::reproduce },
    Published { name: "state-aggregation", algorithms: &["gradient-monte-carlo", "semi-gradient-td"], runs: 10, takes: "30 s", data: None, measure: state_aggregation::reproduce },
    Published { name: "mountain-car", algorithms: &["semi-gradient-sarsa"], runs: 100, takes: "20 s", data: None, measure: mountain_car::reproduce },
    Published { name: "cliff", algorithms: &["sarsa", "q-learning", "expected-sarsa"], runs: 500, takes: "2 s", data: None, measure: cliff::reproduce },
    Published { name: "dyna-maze", algorithms: &["dyna-q"], runs: 2000, takes: "8 s", data: None, measure: dyna_maze::reproduce },
    Published { name: "double-q", algorithms: &["q-learning", "double-q-learning"], runs: 10_000, takes: "2 s", data: None, measure: double_q::reproduce },
    Published { name: "windy", algorithms: &["sarsa"], runs: 500, takes: "1 s", data: None, measure: windy::reproduce },
    Published { name: "corridor", algorithms: &["reinforce"], runs: 100, takes: "20 s", data: None, measure: corridor::reproduce },
    Published { name: "dqn", algorithms: &["dqn", "qr-dqn", "c51", "pqn"], runs: 10, takes: "1.5 hours", data: None, measure: deep::control },
    Published { name: "actor-critic", algorithms: &["ppo", "a2c"], runs: 20, takes: "15 minutes", data: None, measure: deep::policies },
    Published { name: "continuous", algorithms: &["sac", "td3", "ddpg"], runs: 10, takes: "1 hour", data: None, measure: deep::continuous },
    Published { name: "lqr", algorithms: &["ddpg", "td3", "sac"], runs: 10, takes: "10 minutes", data: None, measure: lqr::reproduce },
    Published { name: "ppo-details", algorithms: &["ppo"], runs: 20, takes: "30 minutes", data: None, measure: ppo_details::reproduce },
    Published { name: "landers", algorithms: &["ppo", "a2c", "dqn"], runs: 10, takes: "20 minutes", data: None, measure: deep::landers },
    Published { name: "walkers", algorithms: &["ppo"], runs: 5, takes: "1 hour", data: None, measure: deep::walkers },
    Published { name: "walkers-zoo", algorithms: &["a2c", "ppo"], runs: 5, takes: "1 hour", data: None, measure: deep::walkers_zoo },
    Published { name: "walkers-replay", algorithms: &["qr-dqn", "sac", "td3"], runs: 5, takes: "30 hours", data: None, measure: deep::walkers_replay },
    Published { name: "offline", algorithms: &["bc", "dqn", "cql", "bcq", "iql", "td3", "td3-bc", "rebrac"], runs: 5, takes: "6 minutes", data: None, measure: offline::reproduce },
    Published { name: "offline-tuning", algorithms: &["bc", "dqn", "cql", "bcq", "iql"], runs: 5, takes: "20 minutes", data: None, measure: offline_tuning::reproduce },
    Published { name: "importance-sampling", algorithms: &[], runs: 200, takes: "5 minutes", data: None, measure: importance_sampling::reproduce },
    Published { name: "baird", algorithms: &["cql"], runs: 20, takes: "2 s", data: None, measure: baird::reproduce },
    Published { name: "arcade", algorithms: &["pqn"], runs: 10, takes: "5 hours", data: None, measure: deep::arcade },
    Published { name: "arcade-dqn", algorithms: &["dqn"], runs: 1, takes: "4.5 hours", data: None, measure: deep::arcade_dqn },
    Published { name: "hinton-mnist", algorithms: &["classifier"], runs: 5, takes: "2.5 hours", data: Some(mnist::DATA), measure: hinton_mnist::reproduce },
    Published { name: "hinton-temperature", algorithms: &["classifier"], runs: 10, takes: "2 hours", data: Some(mnist::DATA), measure: hinton_temperature::reproduce },
    Published { name: "missing-class", algorithms: &["classifier"], runs: 5, takes: "1.5 hours", data: Some(mnist::DATA), measure: missing_class::reproduce },
    Published { name: "community", algorithms: &["classifier"], runs: 3, takes: "1.2 hours", data: Some(mnist::DATA), measure: community::reproduce },
    Published { name: "few-labels", algorithms: &["classifier"], runs: 5, takes: "2.5 hours", data: Some(mnist::DATA), measure: few_labels::reproduce },
    Published { name: "model-compression", algorithms: &["classifier"], runs: 5, takes: "1 hour", data: Some("FOLDER"), measure: model_compression::reproduce },
    Published { name: "text", algorithms: &["classifier"], runs: 10, takes: "30 s", data: Some("FOLDER"), measure: text::reproduce },
];

/// The runs of a quick version.
const QUICK_RUNS: u64 = 3;

/// The names of the results.
pub fn results() -> impl Iterator<Item = &'static str> {
    RESULTS.iter().map(|result| result.name)
}

/// Refuses a request without the data that its result needs, or with data that it does not take.
fn check_data(published: &Published, request: &ReproduceRequest) -> Result<(), Error> {
    let name = published.name;
    match (published.data, &request.data) {
        (Some(data), None) => Err(usage(format!(
            "`{name}` is measured on data that do not come with the program; give --data {data}"
        ))),
        (None, None) if request.quick => {
            Err(usage(format!("`{name}` has no quick version; give --runs N for fewer runs")))
        }
        (None, Some(_)) => Err(usage(format!("`{name}` is measured without data; leave --data out"))),
        _ => Ok(()),
    }
}

/// Measures a result and writes it to a folder. The finished runs of deep learning are kept in the folder if it is stopped, and the
/// same request continues with the others; into a complete folder it writes again what follows from the runs in `raw.csv`.
///
/// # Errors
/// If there is no such result, the folder cannot be used, or it is stopped.
pub fn reproduce(request: &ReproduceRequest, observer: &dyn Observer) -> Result<Reproduction, Error> {
    let known = RESULTS.iter().find(|result| result.name == request.name);
    let published = known.ok_or_else(|| ConfigError::unknown("result", &request.name, None, results()))?;
    check_data(published, request)?;
    let Published { name, runs, measure, data, .. } = published;
    let dir = match &request.out {
        Some(out) if out.join(finished::FILE).is_file() => RunDir::recover(out)?,
        // A complete one is written again from its numbers, for example with other statistics.
        Some(out) if deep::is_long(name) && out.join(finished::RAW).is_file() => RunDir::recover(out)?,
        out => RunDir::create(out.as_deref(), &format!("reproduce-{name}"))?,
    };
    let finished = Finished::read(&dir)?;
    let usual = if request.quick { QUICK_RUNS } else { *runs };
    let count = request.runs.unwrap_or(usual) as usize;
    let written =
        measure(&Runs { request, observer, count, finished: &finished }).and_then(|mut reproduction| {
            reproduction.out = dir.path().to_owned();
            reproduction.data =
                data.map(|data| format!("{data}{}", if request.quick { " --quick" } else { "" }));
            for (name, text) in folder::files(&reproduction) {
                dir.write(&name, text.as_bytes())?;
            }
            dir.remove(finished::FILE)?;
            Ok(reproduction)
        });
    match (written, finished.count()) {
        (Err(error), 0) => {
            if finished.is_empty() {
                dir.clone().discard();
            }
            Err(error)
        }
        (Err(Error::Abandoned), kept) => Err(Error::Halted { out: dir.path().to_owned(), kept }),
        (written, _) => written,
    }
}
