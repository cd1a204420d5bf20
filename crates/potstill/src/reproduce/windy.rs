//! The windy gridworld (Sutton and Barto 2018, Example 6.5).

use super::result::{Claim, Reproduction, Runs, about, mean_curve, nowhere, series};
use crate::error::Error;
use crate::planning::{EpsilonSoftConfig, Planner, PlanningConfig, ValueIteration};
use crate::report::LineChart;
use crate::tabular::{Sarsa, TabularConfig};
use crate::train::{TrainError, Trainer};
use potstill_core::Streams;
use potstill_env::{Env, registry};

const STEPS: u64 = 8000;

/// The results of a run.
struct Run {
    /// The steps at which episodes ended.
    ends: Vec<u64>,
    /// Episodes after each hundred steps.
    finished: Vec<f64>,
}

fn environment() -> registry::StateEnv {
    let spec = registry::find("WindyGridworld").expect("it is registered");
    spec.make_states().expect("its states are discrete")
}

fn run(streams: Streams) -> Result<Run, TrainError> {
    let agent = Sarsa::new(TabularConfig::default(), 70, 4, streams);
    let mut trainer = Trainer::new(agent, environment(), streams);
    let (mut ends, mut finished) = (Vec::new(), Vec::new());
    while trainer.steps() < STEPS {
        if trainer.step()?.episode.is_some() {
            ends.push(trainer.steps());
        }
        if trainer.steps().is_multiple_of(100) {
            finished.push(trainer.episodes() as f64);
        }
    }
    Ok(Run { ends, finished })
}

/// The expected length of an episode of the optimal epsilon-soft policy, from the exact model.
fn best_length(epsilon: f64) -> f64 {
    let model = environment().model().expect("the grid has one");
    let planner = ValueIteration::new(model, &PlanningConfig::default());
    let mut planner = planner.epsilon_soft(&EpsilonSoftConfig { epsilon });
    while !planner.is_done() {
        planner.sweep();
    }
    -planner.start_value()
}

/// The mean length of the whole episodes after 6,000 steps; NaN if there is none.
fn late_length(run: &Run) -> f64 {
    let late: Vec<u64> = run.ends.iter().copied().filter(|&end| end > 6000).collect();
    match late[..] {
        [first, .., last] => (last - first) as f64 / (late.len() - 1) as f64,
        _ => f64::NAN,
    }
}

pub(super) fn reproduce(runs: &Runs<'_>) -> Result<Reproduction, Error> {
    let all = runs.of("the windy grid: sarsa", run)?;
    let episodes = all.iter().map(|run| run.ends.len() as f64).collect();
    let late = all.iter().map(late_length).collect();
    let claims = vec![
        Claim::computed("steps of the shortest way", (15.0, 15.0), "the book", best_length(0.0)),
        Claim::computed(
            "steps of the best way while exploring with 0.1",
            (16.5, 17.5),
            "the book: about 17",
            best_length(0.1),
        ),
        runs.claim("episodes in 8,000 steps", about(159.82, 0.43), "a second program", episodes),
        runs.claim(
            "steps of an episode while learning, after 6,000 steps",
            about(25.92, 0.11),
            "a second program",
            late,
        ),
    ];
    let finished: Vec<Vec<f64>> = all.iter().map(|run| run.finished.clone()).collect();
    let curve = mean_curve(&finished).into_iter().enumerate();
    let chart = LineChart {
        title: "Episodes finished".to_owned(),
        x_label: "step".to_owned(),
        y_label: "episodes".to_owned(),
        series: vec![
            series("SARSA", curve.map(|(i, y)| (100.0 * (i as f64 + 1.0), y)).collect()),
            series("expected at the end", vec![(7900.0, 159.8), (8000.0, 159.8)]),
        ],
        y_range: None,
    };
    Ok(Reproduction {
        name: "windy",
        source: "Sutton and Barto 2018, Example 6.5",
        setting: "SARSA, alpha 0.5, epsilon 0.1, gamma 1, 8,000 steps".to_owned(),
        runs: runs.count,
        seed: runs.request.seed,
        claims,
        beside: Vec::new(),
        charts: vec![chart],
        maps: Vec::new(),
        note: "The curve gets steeper as the goal is reached faster. The book says that exploration keeps the length of an episode at about \
               17 steps, two more than the shortest way. That is what the best policy that explores comes to; while a step size of 0.5 still \
               moves the values it is 26, here as in a second program.",
        data: None,
        out: nowhere(),
    })
}
