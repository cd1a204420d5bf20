//! The linear-quadratic regulator by actor-critics, whose answer Riccati's equation gives.

use super::book::chart;
use super::deep::trained;
use super::result::{Claim, Reproduction, Runs, nowhere, series};
use crate::algorithm::Algorithm;
use crate::error::Error;
use crate::jobs::Outcome;
use crate::metrics::catalogue;
use crate::model::Model;
use crate::run::watched_map;
use crate::train::statistics::{Center, mean};
use potstill_core::math::exp_f64;
use potstill_nn::Workspace;
use std::f64::consts::{E, PI};
use toml::{Table, Value};

/// The optimal acceleration is `-(K_1 position + K_2 velocity)`.
const K: [f64; 2] = [2.652_718_362, 2.422_848_294];
/// The largest acceleration: what an action of 1 is.
const SCALE: f64 = 6.0;
const GAMMA: f64 = 0.99;
/// The weight of the entropy for SAC.
const ALPHA: f64 = 0.1;
/// The standard deviation of the optimal policy with that entropy: `sqrt(alpha / (2 (R + gamma B' P B)))`.
const STD: f64 = 0.620_877_912;
const STEPS: u64 = 20_000;
/// The last part of a run, whose entropy is measured.
const LAST: u64 = 4000;
/// Starts in each direction of the grid, from -1 to 1.
const GRID: usize = 11;

const SHARED: &str = "
env = 'LinearQuadratic:max_episode_steps=10'
steps = 20_000
eval_freq = 0
gamma = 0.99
net_arch = 'mlp:64,64'
learning_rate = 'linear:0.001:0:run'
batch_size = 128
learning_starts = 500
";

/// An algorithm and its own settings.
const ALGORITHMS: [(&str, &str); 3] =
    [("ddpg", "noise_std = 0.1"), ("td3", "noise_std = 0.1"), ("sac", "ent_coef = 0.1")];

/// The numbers of a run.
struct Run {
    /// The mean cost of its policy from the starts of a grid.
    cost: f64,
    /// The standard deviation of actions, of a stochastic policy.
    std: Option<f64>,
}

/// The mean discounted cost of a policy, which writes an acceleration for each state, from the starts of a grid.
fn cost(policy: &mut dyn FnMut(&[f32], &mut [f32])) -> f64 {
    let at = |i: usize| 2.0 * i as f64 / (GRID - 1) as f64 - 1.0;
    let mut states: Vec<[f64; 2]> = (0..GRID * GRID).map(|i| [at(i / GRID), at(i % GRID)]).collect();
    let (mut sum, mut weight) = (0.0, 1.0);
    let mut actions = vec![0.0; states.len()];
    // What comes later weighs less than 1e-4.
    for _ in 0..1000 {
        let seen: Vec<f32> = states.iter().flatten().map(|&x| x as f32).collect();
        policy(&seen, &mut actions);
        for ([x, v], u) in states.iter_mut().zip(&actions) {
            let u = f64::from(*u);
            sum += weight * (*x * *x + 0.1 * *v * *v + 0.1 * u * u);
            (*x, *v) = (*x + 0.1 * *v + 0.005 * u, *v + 0.1 * u);
        }
        weight *= GAMMA;
    }
    sum / states.len() as f64
}

/// The cost of the linear policy with these gains.
fn cost_of_gains([position, velocity]: [f64; 2]) -> f64 {
    cost(&mut |states, actions| {
        for (state, action) in states.chunks_exact(2).zip(actions) {
            *action = -(position * f64::from(state[0]) + velocity * f64::from(state[1])) as f32;
        }
    })
}

fn run(algorithm: &str, own: &str, seed: u64, runs: &Runs<'_>) -> Result<Run, Error> {
    let mut values: Table = format!("{SHARED}\n{own}").parse().expect("settings");
    values.insert("seed".to_owned(), Value::Integer(seed as i64));
    let mut entropies = Vec::new();
    let Outcome { model, .. } = trained(Algorithm::find(algorithm)?, None, values, runs, &mut |record| {
        entropies.extend(record.get(catalogue::ENTROPY).filter(|_| record.step > STEPS - LAST));
    })?;
    let Model::Control(policy) = model else { panic!("a policy for a box") };
    let mut workspace = Workspace::default();
    let cost = cost(&mut |states, actions| policy.act(states, actions, &mut workspace));
    // The entropy of a normal number is ln(s sqrt(2 pi e)); the hyperbolic tangent is nearly straight here.
    let deviation = |entropy: f64| SCALE * exp_f64(entropy) / (2.0 * PI * E).sqrt();
    Ok(Run { cost, std: (!entropies.is_empty()).then(|| deviation(mean(&entropies))) })
}

/// The regulator.
pub(super) fn reproduce(runs: &Runs<'_>) -> Result<Reproduction, Error> {
    let (mut claims, mut lines) = (Vec::new(), Vec::new());
    let least = cost_of_gains(K);
    for (algorithm, own) in ALGORITHMS {
        let all = watched_map(runs.observer, algorithm, runs.count, runs.request.threads, |i| {
            run(algorithm, own, runs.request.seed.wrapping_add(i as u64), runs)
        });
        let all = all.into_iter().collect::<Result<Vec<Run>, Error>>()?;
        let mut claim = |what: String, expected, from, values: Vec<f64>| {
            let measured = Center::Mean.estimate(&values);
            claims.push(Claim { what, expected, from, measured, is_reach: true, values });
        };
        let costs: Vec<f64> = all.iter().map(|run| run.cost / least).collect();
        let points = costs.iter().enumerate().map(|(i, &cost)| (i as f64, cost)).collect();
        lines.push(series(algorithm, points));
        claim(format!("{algorithm}: cost over the least"), (1.0, 1.25), "Riccati: 1", costs);
        if algorithm == "sac" {
            let values = all.iter().map(|run| run.std.unwrap_or(f64::NAN)).collect();
            let from = "sqrt(alpha / (2 (R + gamma B' P B))): 0.6209";
            claim(format!("{algorithm}: deviation of actions"), (0.9 * STD, 1.1 * STD), from, values);
        }
    }
    Ok(Reproduction {
        name: "lqr",
        source: "the linear-quadratic regulator, by Riccati's equation",
        setting: format!(
            "LinearQuadratic in episodes of ten steps, {STEPS} steps, {} seeds from {} on, networks of 64 and 64 units; SAC with a temperature of {ALPHA}; the cost is \
             that of the last model, exactly, from a grid of {GRID} x {GRID} starts",
            runs.count, runs.request.seed
        ),
        runs: runs.count,
        seed: runs.request.seed,
        claims,
        beside: Vec::new(),
        charts: vec![chart(
            "Cost of the policies of each seed over the least",
            ["run", "cost over the least"],
            lines,
        )],
        maps: Vec::new(),
        note: "The least cost is that of the policy of Riccati's gains, 2.6527 of the position and 2.4228 of the velocity.",
        data: None,
        out: nowhere(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The mean cost is the trace of the value matrix times the mean square of the starts.
    #[test]
    fn the_least_cost_is_riccatis() {
        let trace = 8.727_515_571 + 2.674_803_001;
        assert!((trace / 3.0 - 3.800_772_857_f64).abs() < 1e-8);
        // Eleven starts from -1 to 1 have the mean square 0.4.
        let least = cost_of_gains(K);
        assert!((least / (0.4 * trace) - 1.0).abs() < 1e-5, "{least}");
        for by in [0.9, 1.1] {
            assert!(cost_of_gains([by * K[0], K[1]]) > least && cost_of_gains([K[0], by * K[1]]) > least);
        }
    }
}
