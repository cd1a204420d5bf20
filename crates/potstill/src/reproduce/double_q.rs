//! Maximisation bias (Sutton and Barto 2018, Example 6.7 and figure 6.5).

use super::result::{Claim, Reproduction, Runs, about, mean_curve, nowhere, series};
use crate::agent::Agent;
use crate::error::Error;
use crate::model::QTable;
use crate::report::LineChart;
use crate::tabular::{DoubleQLearning, QLearning, TabularConfig};
use crate::train::statistics::mean;
use crate::train::{TrainError, Trainer};
use potstill_core::Streams;
use potstill_env::book::maximization_bias::{CHOICES, MaximizationBias};

const EPISODES: usize = 300;
/// A range of episodes, and the share of left actions in it by the second program: mean and standard error
/// for Q-learning and for Double Q-learning.
type Window = (usize, usize, (f64, f64), (f64, f64));

const WINDOWS: [Window; 4] = [
    (1, 5, (0.567, 0.003), (0.497, 0.002)),
    (11, 20, (0.922, 0.001), (0.353, 0.003)),
    (91, 110, (0.458, 0.004), (0.091, 0.002)),
    (281, 300, (0.122, 0.002), (0.069, 0.001)),
];

/// For each episode 1 if its first action was left, else 0.
fn run<A: Agent<Observation = usize, Action = usize>>(
    agent: A,
    streams: Streams,
) -> Result<Vec<f64>, TrainError> {
    let mut trainer = Trainer::new(agent, Box::new(MaximizationBias::default()), streams);
    // An episode to the left has one step more.
    Ok(trainer.run_episodes(EPISODES)?.iter().map(|episode| f64::from(u8::from(episode.steps > 1))).collect())
}

pub(super) fn reproduce(runs: &Runs<'_>) -> Result<Reproduction, Error> {
    let config = || TabularConfig { alpha: 0.1.into(), ..TabularConfig::default() };
    let table = || QTable::ragged(&CHOICES, 0.0);
    let single = runs.of("the bias: q-learning", |streams| {
        run(
            QLearning::new(config(), CHOICES.len(), CHOICES[1], streams).with_initial_values(table()),
            streams,
        )
    })?;
    let double = runs.of("the bias: double-q-learning", |streams| {
        run(
            DoubleQLearning::new(config(), CHOICES.len(), CHOICES[1], streams).with_initial_values(table()),
            streams,
        )
    })?;
    let mut claims = Vec::new();
    for (first, last, of_single, of_double) in WINDOWS {
        for (name, lefts, (expected, error)) in
            [("Q-learning", &single, of_single), ("Double Q-learning", &double, of_double)]
        {
            claims.push(runs.claim(
                format!("{name}, share of left in episodes {first} to {last}"),
                about(expected, error),
                "a second program",
                lefts.iter().map(|run| mean(&run[first - 1..last])).collect(),
            ));
        }
    }
    claims.push(Claim::computed(
        "the best epsilon-greedy policy's share of left",
        (0.05, 0.05),
        "the book",
        0.1 / CHOICES[0] as f64,
    ));
    let curve = |lefts: &[Vec<f64>]| {
        let shares = mean_curve(lefts).into_iter().enumerate();
        shares.map(|(i, share)| (i as f64 + 1.0, 100.0 * share)).collect()
    };
    let points = |which: fn(&Window) -> f64| {
        let middle = |window: &Window| 0.5 * (window.0 + window.1) as f64;
        WINDOWS.iter().map(|window| (middle(window), 100.0 * which(window))).collect()
    };
    let chart = LineChart {
        title: "Episodes that begin to the left, which is worse".to_owned(),
        x_label: "episode".to_owned(),
        y_label: "%".to_owned(),
        series: vec![
            series("Q-learning", curve(&single)),
            series("Double Q-learning", curve(&double)),
            series("expected of Q-learning", points(|window| window.2.0)),
            series("expected of Double Q-learning", points(|window| window.3.0)),
            series("optimal", vec![(1.0, 5.0), (300.0, 5.0)]),
        ],
        y_range: Some((0.0, 100.0)),
    };
    Ok(Reproduction {
        name: "double-q",
        source: "Sutton and Barto 2018, figure 6.5",
        setting: "alpha 0.1, epsilon 0.1, gamma 1, 300 episodes, ten actions in the state on the left"
            .to_owned(),
        runs: runs.count,
        seed: runs.request.seed,
        claims,
        beside: Vec::new(),
        charts: vec![chart],
        maps: Vec::new(),
        note: "Q-learning takes the best of ten noisy estimates for the best of ten values and goes left far more often than it should; with \
               two tables, one chooses and the other judges. The expected curves are known at four places, joined by lines.",
        data: None,
        out: nowhere(),
    })
}
