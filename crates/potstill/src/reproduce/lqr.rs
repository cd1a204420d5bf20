//! The linear-quadratic regulator by actor-critics, whose answer Riccati's equation gives.

use super::result::{Claim, Reproduction, Runs, nowhere, series};
use crate::algorithm::Algorithm;
use crate::config::{Layer, Origin};
use crate::error::Error;
use crate::jobs::Outcome;
use crate::metrics::catalogue;
use crate::model::Model;
use crate::report::LineChart;
use crate::run::{prepare_train, watched_map};
use crate::train::statistics::{Center, mean};
use potstill_core::math::exp_f64;
use std::f64::consts::{E, PI};
use toml::{Table, Value};

/// The optimal acceleration is `-(K_1 position + K_2 velocity)`.
const K: [f64; 2] = [2.652_718_362, 2.422_848_294];
/// The largest acceleration: what an action of 1 is.
const SCALE: f64 = 20.0;
const GAMMA: f64 = 0.99;
/// The weight of the entropy for SAC.
const ALPHA: f64 = 0.1;
/// The standard deviation of the optimal policy with that entropy: `sqrt(alpha / (2 (R + gamma B' P B)))`.
const STD: f64 = 0.620_877_912;
const STEPS: u64 = 40_000;
/// The last part of a run, whose entropy is measured.
const LAST: u64 = 8000;

const SHARED: &str = "
env = 'LinearQuadratic:max_episode_steps=20'
steps = 40_000
eval_freq = 0
gamma = 0.99
net_arch = 'mlp'
critic_net_arch = 'mlp:64,64'
initialization = 'orthogonal'
learning_rate = 'linear:0.0003:0:run'
critic_learning_rate = 'linear:0.003:0:run'
batch_size = 128
learning_starts = 500
tau = 0.01
";

/// An algorithm and its own settings.
const ALGORITHMS: [(&str, &str); 3] = [
    ("ddpg", "noise_std = 0.05"),
    ("td3", "noise_std = 0.05\ntarget_noise = 0.02\ntarget_noise_clip = 0.05"),
    ("sac", "ent_coef = 0.1"),
];

/// The linear policy of a run.
struct Run {
    k: [f64; 2],
    /// The mean cost, of exact costs from a grid of starts.
    cost: f64,
    /// The standard deviation of actions, of a stochastic policy.
    std: Option<f64>,
}

/// The mean discounted cost of `20 tanh(w x + b)` from starts on a grid.
fn cost(w: &[f64]) -> f64 {
    const GRID: i32 = 10;
    let mut costs = Vec::new();
    for i in -GRID..=GRID {
        for j in -GRID..=GRID {
            let (mut x, mut v) = (f64::from(i) / f64::from(GRID), f64::from(j) / f64::from(GRID));
            let (mut sum, mut weight) = (0.0, 1.0);
            for _ in 0..2000 {
                let u = SCALE * (w[0] * x + w[1] * v + w[2]).tanh();
                sum += weight * (x * x + 0.1 * v * v + 0.1 * u * u);
                (x, v) = (x + 0.1 * v + 0.005 * u, v + 0.1 * u);
                weight *= GAMMA;
            }
            costs.push(sum);
        }
    }
    mean(&costs)
}

fn run(algorithm: &str, own: &str, seed: u64, runs: &Runs<'_>) -> Result<Run, Error> {
    let mut values: Table = format!("{SHARED}\n{own}").parse().expect("settings");
    values.insert("seed".to_owned(), Value::Integer(seed as i64));
    let layers = [Layer { origin: Origin::Program("of the reproduction"), values }];
    let mut job = prepare_train(Algorithm::find(algorithm)?, &layers, 1, None)?.job;
    let stop = || runs.observer.stop_requested();
    let mut entropies = Vec::new();
    while !job.is_over() {
        if stop() {
            return Err(Error::Abandoned);
        }
        job.advance(job.steps() + 1000, &stop, &mut |record| {
            let entropy = record.get(catalogue::ENTROPY).filter(|_| record.step > STEPS - LAST);
            entropies.extend(entropy);
            Ok(())
        })?;
    }
    let Outcome { model, .. } = job.finish(&stop)?.ok_or(Error::Abandoned)?;
    let Model::Control(policy) = model else { panic!("a policy for a box") };
    let w: Vec<f64> = policy.network().parameters().iter().map(|&w| f64::from(w)).collect();
    // The entropy of a normal number is ln(s sqrt(2 pi e)); the hyperbolic tangent is nearly straight here.
    let deviation = |entropy: f64| SCALE * exp_f64(entropy) / (2.0 * PI * E).sqrt();
    let std = (!entropies.is_empty()).then(|| deviation(mean(&entropies)));
    Ok(Run { k: [0, 1].map(|i: usize| -SCALE * w[i]), cost: cost(&w), std })
}

/// The regulator.
pub(super) fn reproduce(runs: &Runs<'_>) -> Result<Reproduction, Error> {
    let (mut claims, mut lines) = (Vec::new(), Vec::new());
    let best = cost(&[-K[0] / SCALE, -K[1] / SCALE, 0.0]);
    for (algorithm, own) in ALGORITHMS {
        let all = watched_map(runs.observer, algorithm, runs.count, runs.request.threads, |i| {
            run(algorithm, own, runs.request.seed.wrapping_add(i as u64), runs)
        });
        let all = all.into_iter().collect::<Result<Vec<Run>, Error>>()?;
        let mut claim = |what: String, expected, from, of: &dyn Fn(&Run) -> f64| {
            let values: Vec<f64> = all.iter().map(of).collect();
            let measured = Center::Mean.estimate(&values);
            claims.push(Claim { what, expected, from, measured, is_reach: true, values });
        };
        let near = |x: f64| (0.8 * x, 1.25 * x);
        claim(format!("{algorithm}: gain of the position"), near(K[0]), "Riccati: 2.6527", &|run| run.k[0]);
        claim(format!("{algorithm}: gain of the velocity"), near(K[1]), "Riccati: 2.4228", &|run| run.k[1]);
        claim(format!("{algorithm}: cost over the least"), (1.0, 1.05), "1", &|run| run.cost / best);
        if algorithm == "sac" {
            let what = format!("{algorithm}: standard deviation of actions");
            claim(what, near(STD), "sqrt(alpha / (2 (R + gamma B' P B))): 0.6209", &|run| {
                run.std.unwrap_or(f64::NAN)
            });
        }
        lines.push(series(algorithm, all.iter().map(|run| (run.k[0], run.k[1])).collect()));
    }
    lines.push(series("Riccati", vec![(K[0], K[1])]));
    Ok(Reproduction {
        name: "lqr",
        source: "the linear-quadratic regulator, by Riccati's equation",
        setting: format!(
            "LinearQuadratic, {STEPS} steps, linear policies, {} seeds from {} on; SAC with a temperature of {ALPHA}",
            runs.count, runs.request.seed
        ),
        runs: runs.count,
        seed: runs.request.seed,
        claims,
        beside: Vec::new(),
        charts: vec![LineChart {
            title: "Gains of position and velocity, a point for each seed".to_owned(),
            x_label: "gain of the position".to_owned(),
            y_label: "gain of the velocity".to_owned(),
            series: lines,
            y_range: None,
        }],
        maps: Vec::new(),
        note: "A policy is 20 tanh(w x), whose slope at the origin is the gain. The critics are networks of two layers: what differs from \
               Riccati's gains is their error.",
        data: None,
        out: nowhere(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cost of the optimal gains is Riccati's mean `tr(P) / 3` over uniform starts, but for the tangent.
    #[test]
    fn the_least_cost_is_riccatis() {
        let (p1, p2) = (8.727_515_571, 2.674_803_001);
        assert!(((p1 + p2) / 3.0 - 3.800_772_857_f64).abs() < 1e-8);
        // Twenty-one starts from -1 to 1 have the mean square 11 / 30.
        let found = cost(&[-K[0] / SCALE, -K[1] / SCALE, 0.0]);
        assert!((found / (11.0 / 30.0 * (p1 + p2)) - 1.0).abs() < 2e-3, "{found}");
        // Other gains cost more.
        for by in [0.9, 1.1] {
            assert!(cost(&[-K[0] * by / SCALE, -K[1] * by / SCALE, 0.0]) > found * 1.001);
        }
    }
}
