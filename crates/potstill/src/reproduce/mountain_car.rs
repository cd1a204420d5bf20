//! The mountain car (Sutton and Barto 2018, Example 10.1, figures 10.1 and 10.2).

use super::book::{NUMPY, chart, runs_and_seed};
use super::result::{Reproduction, Runs, about, mean_curve, nowhere, series};
use crate::error::Error;
use crate::linear::{LinearConfig, SemiGradientSarsa};
use crate::model::LinearModel;
use crate::report::{GridChart, LineChart, Square};
use crate::targets;
use crate::tile_coding::TileCoder;
use crate::train::statistics::mean;
use crate::train::{TrainError, Trainer};
use potstill_core::Streams;
use potstill_env::registry;

const EPISODES: usize = 500;
/// Positions and velocities, which eight by eight tiles divide.
const BOUNDS: [(f64, f64); 2] = [(-1.2, 0.6), (-0.07, 0.07)];

/// Step sizes, with the steps of the first episode, of the first 50 and of the last 100: mean and standard error.
#[rustfmt::skip]
const FIGURE_10_2: [(f64, [(f64, f64); 3]); 3] = [
    (0.1, [(3418.7, 87.0), (554.09, 0.64), (138.46, 0.25)]),
    (0.2, [(2478.8, 59.5), (395.91, 0.40), (125.15, 0.41)]),
    (0.5, [(1583.6, 40.4), (276.79, 0.34), (116.71, 0.20)]),
];

/// The steps of each episode, and the model after them.
fn drive(alpha: f64, streams: Streams) -> Result<(Vec<f64>, LinearModel), TrainError> {
    let spec = registry::find("MountainCar-v0:max_episode_steps=none").expect("it is registered");
    let config = LinearConfig { alpha: alpha.into(), ..LinearConfig::default() };
    let coder = TileCoder::new(BOUNDS.to_vec(), 8, 8).expect("two dimensions are few");
    let agent = SemiGradientSarsa::new(&config, coder, 3, streams);
    let mut trainer =
        Trainer::new(agent, spec.make_features().expect("its observations are numbers"), streams);
    let steps = trainer.run_episodes(EPISODES)?.iter().map(|episode| episode.steps as f64).collect();
    Ok((steps, trainer.agent().q().clone()))
}

/// Figure 10.1: the steps to the goal that the values promise.
fn cost_to_go(model: &LinearModel) -> GridChart {
    let velocities: Vec<f64> = (-7..=7).rev().map(|i| 0.01 * f64::from(i)).collect();
    let positions: Vec<f64> = (-12..=5).map(|i| 0.1 * f64::from(i)).collect();
    let (mut active, mut values) = (vec![0; 8], vec![0.0; 3]);
    let mut square = |position: f64, velocity: f64| {
        model.values(&[position, velocity], &mut active, &mut values);
        Square { value: Some(0.0 - targets::max(&values)), ..Square::default() }
    };
    let places = velocities.iter().flat_map(|&v| positions.iter().map(move |&x| (x, v)));
    GridChart {
        title: "Cost to go after 500 episodes, figure 10.1".to_owned(),
        columns: positions.len(),
        squares: places.map(|(x, v)| square(x, v)).collect(),
        is_count: false,
        row_names: velocities.iter().map(|v| format!("{v:.2}")).collect(),
        column_names: positions.iter().map(|x| format!("{x:.1}")).collect(),
        labels: ["velocity", "position"].map(str::to_owned),
    }
}

pub(super) fn reproduce(runs: &Runs<'_>) -> Result<Reproduction, Error> {
    let (mut claims, mut lines, mut maps) = (Vec::new(), Vec::new(), Vec::new());
    for (alpha, expected) in FIGURE_10_2 {
        let all = runs.of(&format!("the mountain car: alpha {alpha}/8"), |streams| drive(alpha, streams))?;
        let spans = [
            ("the first episode", 0..1),
            ("an episode, of the first 50", 0..50),
            ("an episode, of 401 to 500", 400..500),
        ];
        for ((what, span), (value, error)) in spans.into_iter().zip(expected) {
            let steps = all.iter().map(|(steps, _)| mean(&steps[span.clone()])).collect();
            claims.push(runs.claim(
                format!("alpha {alpha}/8: steps of {what}"),
                about(value, error),
                NUMPY,
                steps,
            ));
        }
        let curves: Vec<Vec<f64>> = all.iter().map(|(steps, _)| steps.clone()).collect();
        let curve = mean_curve(&curves).into_iter().enumerate();
        lines.push(series(&format!("alpha {alpha}/8"), curve.map(|(i, y)| (i as f64 + 1.0, y)).collect()));
        maps = vec![cost_to_go(&all[0].1)];
    }
    let (count, seed) = runs_and_seed(runs);
    Ok(Reproduction {
        name: "mountain-car",
        source: "Sutton and Barto 2018, figures 10.1 and 10.2",
        setting: "semi-gradient-sarsa, epsilon 0, gamma 1, 8 tilings of 8 x 8, 500 episodes without a limit"
            .to_owned(),
        runs: count,
        seed,
        claims,
        beside: Vec::new(),
        charts: vec![LineChart {
            y_range: Some((100.0, 1000.0)),
            ..chart("Steps of an episode while learning, figure 10.2", ["episode", "steps"], lines)
        }],
        maps,
        note: "The tiles divide the positions from -1.2 to 0.6, as Gymnasium bounds them; the book's end at 0.5 \
               (bounds=-1.2:0.5/-0.07:0.07). The first episodes are beyond the figure and drawn at its edge. The map is of the first seed with the largest step size: \
               the steps to the goal that the learned values promise.",
        data: None,
        out: nowhere(),
    })
}
