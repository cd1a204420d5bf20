//! State aggregation on a random walk of a thousand states (Sutton and Barto 2018, figures 9.1 and 9.2).

use super::book::{chart, runs_and_seed, solved, states, uniform};
use super::result::{Claim, Reproduction, Runs, mean_curve, nowhere, series};
use crate::error::Error;
use crate::linear::{AggregationConfig, LinearPrediction, LinearPredictionKind};
use crate::planning::Planner;
use crate::tabular::PredictionConfig;
use crate::train::{TrainError, Trainer};
use potstill_core::Streams;

const WALK: &str = "RandomWalk:states=1000,reach=100,left_reward=-1";
const STATES: usize = 1000;
const EPISODES: usize = 100_000;
/// Ten times that of figure 9.1, with which the groups at the ends are not quite at their limits after as many episodes.
const MONTE_CARLO_ALPHA: f64 = 2e-4;
const TD_ALPHA: f64 = 1e-3;
/// The TD fixed point and the best approximation in the first, the fifth and the last group.
#[rustfmt::skip]
const FIXED: [(usize, f64, f64); 3] = [
    (0, -0.693_223_935, -0.830_052_539),
    (4, -0.000_943_496, -0.086_689_242),
    (9, 0.730_534_961, 0.830_052_538),
];

/// The value of each group after the walks.
fn groups(kind: LinearPredictionKind, alpha: f64, streams: Streams) -> Result<Vec<f64>, TrainError> {
    let config = PredictionConfig { alpha: alpha.into(), ..PredictionConfig::default() };
    let policy = uniform(STATES + 2, 2, streams);
    let agent = LinearPrediction::new(kind, &config, &AggregationConfig::default(), policy);
    let mut trainer = Trainer::new(agent.expect("a constant step size"), states(WALK), streams);
    trainer.run_episodes(EPISODES)?;
    Ok((0..10).map(|group| trainer.agent().value(100 * group)).collect())
}

pub(super) fn reproduce(runs: &Runs<'_>) -> Result<Reproduction, Error> {
    let exact = solved(WALK, 1.0, 1.0);
    let truth = &exact.values().v()[..STATES];
    let mc = runs.of("a thousand states: gradient Monte Carlo", |streams| {
        groups(LinearPredictionKind::MonteCarlo, MONTE_CARLO_ALPHA, streams)
    })?;
    let td = runs.of("a thousand states: semi-gradient TD(0)", |streams| {
        groups(LinearPredictionKind::Td { lambda: 0.0 }, TD_ALPHA, streams)
    })?;
    let from = "the linear equations, NumPy";
    let of_group = |all: &[Vec<f64>], group: usize| all.iter().map(|run| run[group]).collect();
    let mut claims = vec![
        Claim::computed("true value of state 1", (-0.921_960_460, -0.921_960_461), from, truth[0]),
        Claim::computed("true value of state 750", (0.470_813_545, 0.470_813_546), from, truth[749]),
    ];
    claims[0].expected = (-0.921_960_461, -0.921_960_460);
    for (group, of_td, of_mc) in FIXED {
        let states = format!("states {} to {}", 100 * group + 1, 100 * group + 100);
        claims.push(runs.claim(
            format!("TD(0), value of {states}"),
            (of_td, of_td),
            from,
            of_group(&td, group),
        ));
        claims.push(runs.claim(
            format!("Monte Carlo, value of {states}"),
            (of_mc, of_mc),
            from,
            of_group(&mc, group),
        ));
    }
    let stairs = |all: &[Vec<f64>]| {
        let values = mean_curve(all).into_iter().enumerate();
        values.flat_map(|(i, y)| [(100.0 * i as f64 + 1.0, y), (100.0 * i as f64 + 100.0, y)]).collect()
    };
    let truth = truth.iter().enumerate().map(|(i, &v)| (i as f64 + 1.0, v)).collect();
    let lines = vec![
        series("true value", truth),
        series("gradient Monte Carlo, figure 9.1", stairs(&mc)),
        series("semi-gradient TD(0), figure 9.2", stairs(&td)),
    ];
    let (count, seed) = runs_and_seed(runs);
    Ok(Reproduction {
        name: "state-aggregation",
        source: "Sutton and Barto 2018, figures 9.1 and 9.2",
        setting: format!(
            "ten groups of 100 states, {EPISODES} episodes; Monte Carlo with alpha {MONTE_CARLO_ALPHA}, TD(0) with alpha {TD_ALPHA}"
        ),
        runs: count,
        seed,
        claims,
        beside: Vec::new(),
        charts: vec![chart("A thousand states in ten groups", ["state", "value"], lines)],
        maps: Vec::new(),
        note: "Monte Carlo converges to the groups' best approximation, weighted by their visits, TD(0) to the fixed point of its projected \
               equation, which is further from the true values at the ends, as in the book. With constant step sizes values go on moving \
               about their limits; means over seeds do not.",
        data: None,
        out: nowhere(),
    })
}
