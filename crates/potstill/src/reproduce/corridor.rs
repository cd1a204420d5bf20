//! The short corridor with REINFORCE (Sutton and Barto 2018, Example 13.1, figures 13.1 and 13.2).

use super::book::chart;
use super::result::{Claim, Reproduction, Runs, about, mean_curve, nowhere, series};
use crate::actor_critic::{Reinforce, ReinforceConfig, ReinforceOptimizer};
use crate::agent::Agent;
use crate::deep::TaskSpec;
use crate::error::Error;
use crate::model::Model;
use crate::optimizer::{OptimizerConfig, OptimizerKind};
use crate::train::statistics::mean;
use crate::train::{TrainError, Trainer};
use potstill_core::Streams;
use potstill_core::math::ln_f64;
use potstill_env::book::short_corridor::expected_return;
use potstill_env::registry;
use potstill_nn::{Ends, NetworkSpec};

const EPISODES: usize = 1000;
const ENV: &str = "ShortCorridor:one_hot=true,max_episode_steps=1000";
/// The probability of right with which learning begins.
const RIGHT: f64 = 0.05;
/// The first and the last episode of three windows.
const WINDOWS: [(usize, usize); 3] = [(1, 10), (91, 110), (901, 1000)];
/// The best probability of right is `2 - sqrt(2)`.
const BEST: f64 = 2.0 - std::f64::consts::SQRT_2;

/// A line of the figures.
struct Line {
    name: &'static str,
    /// The step sizes of the policy and of the baseline.
    alpha: f64,
    baseline: Option<f64>,
    /// The mean returns of the windows and their standard errors by the second program.
    expected: [(f64, f64); 3],
}

const LINES: [Line; 3] = [
    Line {
        name: "REINFORCE, alpha 2^-13",
        alpha: 1.0 / 8192.0,
        baseline: None,
        expected: [(-81.4, 2.9), (-38.7, 4.2), (-19.8, 4.2)],
    },
    Line {
        name: "REINFORCE, alpha 2^-14",
        alpha: 1.0 / 16384.0,
        baseline: None,
        expected: [(-79.5, 0.95), (-45.33, 0.49), (-15.14, 0.073)],
    },
    Line {
        name: "with baseline, alpha 2^-9 and 2^-6",
        alpha: 1.0 / 512.0,
        baseline: Some(1.0 / 64.0),
        expected: [(-58.8, 2.1), (-12.25, 0.12), (-12.00, 0.056)],
    },
];

/// The returns of the episodes of a run.
fn run(line: &Line, streams: Streams) -> Result<Vec<f64>, TrainError> {
    let net_arch: NetworkSpec = "mlp".parse().expect("a network");
    // A network on the number 1 has a weight and a bias for each preference, and both move.
    let config = ReinforceConfig {
        learning_rate: (line.alpha / 2.0).into(),
        batch_size: Some(1),
        gamma: 1.0,
        baseline: line.baseline.is_some(),
        vf_coef: line.baseline.map_or(1.0, |alpha| alpha / line.alpha),
        net_arch: net_arch.clone(),
        ..ReinforceConfig::default()
    };
    let optimizer =
        OptimizerConfig { optimizer: OptimizerKind::Sgd, momentum: 0.0, ..ReinforceOptimizer::default().0 };
    let mut agent = Reinforce::<usize>::new((config, optimizer), &TaskSpec::new(1, 2, 1, streams));
    let mut policy = net_arch.zeroed(&Ends::new(1, 2));
    let preference = (ln_f64(RIGHT / (1.0 - RIGHT)) / 2.0) as f32;
    policy.update_parameters(|p| p[2..].copy_from_slice(&[-preference, preference]));
    agent.start_from(&Model::Network(policy)).expect("its own form");
    let env = registry::find(ENV).expect("it is registered").make_features().expect("features");
    let mut trainer = Trainer::new(agent, env, streams);
    Ok(trainer.run_episodes(EPISODES)?.iter().map(|episode| episode.episode_return).collect())
}

pub(super) fn reproduce(runs: &Runs<'_>) -> Result<Reproduction, Error> {
    let best = expected_return(BEST);
    let (mut claims, mut all) = (Vec::new(), Vec::new());
    for line in &LINES {
        let returns = runs.of(&format!("the corridor: {}", line.name), |streams| run(line, streams))?;
        for ((first, last), (expected, error)) in WINDOWS.into_iter().zip(line.expected) {
            claims.push(runs.claim(
                format!("{}, mean return of episodes {first} to {last}", line.name),
                about(expected, error),
                "a second program",
                returns.iter().map(|run| mean(&run[first - 1..last])).collect(),
            ));
        }
        let curve = mean_curve(&returns).into_iter().enumerate().map(|(i, y)| (i as f64 + 1.0, y));
        all.push(series(line.name, curve.collect()));
    }
    claims.push(Claim::computed("the best policy's return", (-11.66, -11.65), "-11.6, the book", best));
    all.push(series("the best policy", vec![(1.0, best), (EPISODES as f64, best)]));
    let by_probability = (1..200).map(|i| f64::from(i) / 200.0);
    let exact = by_probability.map(|p| (p, expected_return(p))).filter(|(_, y)| *y > -100.0).collect();
    Ok(Reproduction {
        name: "corridor",
        source: "Sutton and Barto 2018, Example 13.1, figures 13.1 and 13.2",
        setting: format!(
            "gamma 1, {EPISODES} episodes of at most 1000 steps; right begins with a probability of {RIGHT}"
        ),
        runs: runs.count,
        seed: runs.request.seed,
        claims,
        beside: Vec::new(),
        charts: vec![
            chart("Return of an episode, mean over runs", ["episode", "return"], all),
            chart(
                "Exact return by the probability of right",
                ["probability of right", "return"],
                vec![series("exact", exact)],
            ),
        ],
        maps: Vec::new(),
        note: "The best deterministic policies never arrive; a stochastic one does in 11.66 steps. The book does not say with which \
               probabilities it begins. Steps are those of the boxes, one after the other within an episode.",
        data: None,
        out: nowhere(),
    })
}
