//! The Dyna maze (Sutton and Barto 2018, Example 8.1 and figure 8.2).

use super::result::{Reproduction, Runs, about, mean_curve, nowhere, series};
use crate::error::Error;
use crate::planning::{DynaQ, MazeConfig, PlanningStepsConfig};
use crate::report::LineChart;
use crate::train::{TrainError, Trainer};
use potstill_core::Streams;
use potstill_env::registry;

const EPISODES: usize = 50;
/// Planning steps, and steps of episode 5 by the second program: mean and standard error.
const PLANNED: [(u64, (f64, f64)); 3] = [(0, (268.94, 2.00)), (5, (23.62, 0.19)), (50, (17.15, 0.09))];
/// Steps of a uniform random walk from the start to the goal, from the linear equations of the maze.
const RANDOM_WALK: f64 = 868.725_428;

fn run(planning_steps: u64, streams: Streams) -> Result<Vec<f64>, TrainError> {
    let spec = registry::find("DynaMaze").expect("it is registered");
    let config = (MazeConfig::default().0, PlanningStepsConfig { planning_steps });
    let agent = DynaQ::new(config, 54, 4, streams);
    let mut trainer = Trainer::new(agent, spec.make_states().expect("its states are discrete"), streams);
    Ok(trainer.run_episodes(EPISODES)?.iter().map(|episode| episode.steps as f64).collect())
}

pub(super) fn reproduce(runs: &Runs<'_>) -> Result<Reproduction, Error> {
    let (mut claims, mut lines) = (Vec::new(), Vec::new());
    for (n, (mean, error)) in PLANNED {
        let lengths = runs.of(&format!("the maze: {n} planning steps"), |streams| run(n, streams))?;
        let of_episode = |episode: usize| lengths.iter().map(|run| run[episode - 1]).collect();
        if n == 0 {
            claims.push(runs.claim(
                "steps of episode 1, for any planning: a random walk",
                (RANDOM_WALK, RANDOM_WALK),
                "exact",
                of_episode(1),
            ));
        }
        claims.push(runs.claim(
            format!("steps of episode 5, {n} planning steps"),
            about(mean, error),
            "a second program",
            of_episode(5),
        ));
        let curve = mean_curve(&lengths).into_iter().enumerate().skip(1);
        lines.push(series(&format!("{n} planning steps"), curve.map(|(i, y)| (i as f64 + 1.0, y)).collect()));
    }
    lines.push(series("the shortest way", vec![(2.0, 14.0), (50.0, 14.0)]));
    let chart = LineChart {
        title: "Steps of an episode while learning".to_owned(),
        x_label: "episode".to_owned(),
        y_label: "steps".to_owned(),
        series: lines,
        y_range: Some((0.0, 800.0)),
    };
    Ok(Reproduction {
        name: "dyna-maze",
        source: "Sutton and Barto 2018, figure 8.2",
        setting: "alpha 0.1, gamma 0.95, epsilon 0.1, 50 episodes".to_owned(),
        runs: runs.count,
        seed: runs.request.seed,
        claims,
        beside: Vec::new(),
        charts: vec![chart],
        maps: Vec::new(),
        note: "As in the book's figure, of which 30 runs are shown, the first episode is left out of the chart, and more planning comes \
               to the short way in fewer episodes: with 50 steps in about three, without planning in about twenty-five. The book's first \
               episode has about 1,700 steps; with equal values broken at random it is a random walk of 869.",
        data: None,
        out: nowhere(),
    })
}
