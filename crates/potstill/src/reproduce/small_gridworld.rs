//! The small gridworld (Sutton and Barto 2018, Example 4.1 and figure 4.1).

use super::book::{backup, chart, exact_model, runs_and_seed, solved, states, uniform};
use super::result::{Claim, Reproduction, Runs, nowhere, series};
use crate::error::Error;
use crate::model::QTable;
use crate::planning::Planner;
use crate::report::GridChart;
use crate::run::policy_maps;
use crate::tabular::{MonteCarloPrediction, PredictionConfig};
use crate::train::statistics::mean;
use crate::train::{TrainError, Trainer};
use potstill_core::Streams;
use potstill_env::{TransitionModel, registry};

const ID: &str = "SmallGridworld";
const STATES: usize = 16;
const EPISODES: usize = 1000;
/// The sweeps that the figure shows.
const SHOWN: [usize; 5] = [1, 2, 3, 10, 1000];
/// States beside the corner, two and three steps away from it, with their values in the figure.
const VALUES: [(usize, f64); 3] = [(1, -14.0), (2, -20.0), (3, -22.0)];

/// A sweep of iterative policy evaluation of the random policy, from one array into another, as the figure has it.
fn sweep(model: &TransitionModel, v: &[f64]) -> Vec<f64> {
    let value = |state: usize| (0..4).map(|action| backup(model, 1.0, v, (state, action))).sum::<f64>() / 4.0;
    (0..STATES).map(|state| if state % (STATES - 1) == 0 { 0.0 } else { value(state) }).collect()
}

/// Values after some sweeps, and the greedy policy for them.
fn map(model: &TransitionModel, v: &[f64], sweeps: usize) -> GridChart {
    let q = (0..STATES).flat_map(|state| (0..4).map(move |action| (state, action)));
    let table = QTable::from_values(4, q.map(|pair| backup(model, 1.0, v, pair)).collect());
    let spec = registry::find(ID).expect("it is registered");
    let mut map = policy_maps::maps(&spec, &table, None).remove(0);
    for (square, &value) in map.squares.iter_mut().zip(v).filter(|(square, _)| square.value.is_some()) {
        square.value = Some(value);
    }
    GridChart {
        title: format!("Values of the random policy after {sweeps} sweeps, and a greedy action"),
        ..map
    }
}

/// First-visit estimates of the random policy's values, and the mean length of its episodes.
fn walk(streams: Streams) -> Result<(Vec<f64>, f64), TrainError> {
    let agent = MonteCarloPrediction::new(&PredictionConfig::default(), uniform(STATES, 4, streams));
    let mut trainer = Trainer::new(agent, states(ID), streams);
    let lengths: Vec<f64> =
        trainer.run_episodes(EPISODES)?.iter().map(|episode| episode.steps as f64).collect();
    Ok((trainer.agent().v().to_vec(), mean(&lengths)))
}

pub(super) fn reproduce(runs: &Runs<'_>) -> Result<Reproduction, Error> {
    let model = exact_model(ID);
    let (exact, best) = (solved(ID, 1.0, 1.0), solved(ID, 1.0, 0.0));
    let mut claims = Vec::new();
    for (state, value) in VALUES {
        let computed = exact.values().v()[state];
        claims.push(Claim::computed(format!("value of state {state}"), (value, value), "the book", computed));
    }
    let of_best = best.values().v()[3];
    claims.push(Claim::computed("best value of state 3: three steps", (-3.0, -3.0), "by hand", of_best));
    let (mut v, mut curves, mut maps) = (vec![0.0; STATES], vec![vec![(0.0, 0.0)]; VALUES.len()], Vec::new());
    for k in 1..=SHOWN[4] {
        v = sweep(&model, &v);
        if k <= 200 {
            curves.iter_mut().zip(VALUES).for_each(|(curve, (state, _))| curve.push((k as f64, v[state])));
        }
        if SHOWN.contains(&k) {
            maps.push(map(&model, &v, k));
        }
        // The figure's numbers after two, three and ten sweeps, rounded there to one decimal.
        let printed = match k {
            2 => (-1.75, 1),
            3 => (-2.9375, 2),
            10 => (-6.137_969_970_703_125, 1),
            _ => continue,
        };
        let what = format!("value of state {} after {k} sweeps", printed.1);
        claims.push(Claim::computed(
            what,
            (printed.0, printed.0),
            "NumPy; rounded in the book",
            v[printed.1],
        ));
    }
    let all = runs.of("the small gridworld: Monte Carlo", walk)?;
    for (state, value) in VALUES {
        let estimates = all.iter().map(|(v, _)| v[state]).collect();
        claims.push(runs.claim(
            format!("Monte Carlo estimate of state {state}"),
            (value, value),
            "exact",
            estimates,
        ));
    }
    let lengths = all.iter().map(|(_, length)| *length).collect();
    // The values of all fourteen states sum up to -256.
    let length = 256.0 / 14.0;
    claims.push(runs.claim("steps of a random episode", (length, length), "exact", lengths));
    let lines = VALUES.iter().zip(curves).map(|((state, _), curve)| series(&format!("state {state}"), curve));
    let (count, seed) = runs_and_seed(runs);
    Ok(Reproduction {
        name: "small-gridworld",
        source: "Sutton and Barto 2018, Example 4.1 and figure 4.1",
        setting: format!("the uniformly random policy, undiscounted; Monte Carlo over {EPISODES} episodes"),
        runs: count,
        seed,
        claims,
        beside: Vec::new(),
        charts: vec![chart(
            "Values of the random policy while they are swept",
            ["sweep", "value"],
            lines.collect(),
        )],
        maps,
        note: "The figure and the maps are computed, by sweeps from one array into another, as the book's figure has them. After three sweeps the \
               greedy policy is the best one already. value-iteration with epsilon=1 evaluates the random policy too, in place; first-visit \
               estimates have the exact values for their mean.",
        data: None,
        out: nowhere(),
    })
}
