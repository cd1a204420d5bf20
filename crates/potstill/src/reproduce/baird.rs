//! Baird's star: values that are linear, bootstrapped and learned off-policy diverge, unless they are kept
//! low.
//!
//! Seven states with two actions: one goes to any of the first six alike, the other to the seventh. All
//! rewards are 0, so that all values are. The behaviour takes the second action once in seven times; a
//! sweep is a step along the gradient of all 49 transitions, whose targets follow at once.

use super::book::{chart, runs_and_seed};
use super::result::{Claim, Reproduction, Runs, nowhere, series};
use crate::actor_critic::off_policy::Rates;
use crate::config::Auto;
use crate::deep::TaskSpec;
use crate::error::Error;
use crate::experience::Batch;
use crate::offline::{CqlLearner, CqlSettings, OfflineLearner};
use crate::optimizer::OptimizerKind;
use crate::train::TrainError;
use potstill_core::{Streams, math};

const STATES: usize = 7;
const FEATURES: usize = 8;
const GAMMA: f32 = 0.99;
const SWEEPS: u64 = 4000;
/// Sweeps between points of the figure.
const EVERY: u64 = 20;
const RATE: f64 = 0.05;
/// The growth of the largest value in the second half of the sweeps, above which a run counts as divergent.
const GROWTH: f64 = 10.0;
/// The first weights of both actions, of each feature and of the bias.
const START: [f32; FEATURES + 1] = [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 10.0, 1.0, 0.0];
/// Weights of the conservative term, with the largest value after all sweeps by
/// `testdata/numpy/make_baird.py`.
const ALPHAS: [(f64, f64); 3] = [(0.0, 21_828_154.2), (1.0, 1_132_212.5), (5.0, 18.999_955)];

fn features(state: usize) -> [f32; FEATURES] {
    let mut x = [0.0; FEATURES];
    if state < 6 {
        (x[state], x[7]) = (2.0, 1.0);
    } else {
        (x[6], x[7]) = (1.0, 2.0);
    }
    x
}

/// A transition from each state to each.
fn transitions() -> Batch {
    let mut batch = Batch::default();
    for (state, next) in (0..STATES * STATES).map(|i| (i / STATES, i % STATES)) {
        batch.observations.extend(features(state));
        batch.next_observations.extend(features(next));
        batch.actions.push(usize::from(next == 6));
        batch.returns.push(0.0);
        batch.discounts.push(GAMMA);
    }
    batch
}

/// The largest magnitude of a value after every so many sweeps.
fn values(alpha: f64, start: [f32; FEATURES + 1]) -> Result<Vec<(f64, f64)>, TrainError> {
    let mut settings = CqlSettings::default();
    (settings.0.cql_alpha, settings.0.huber_delta) = (Auto::Number(alpha), 0.0);
    let (shared, optimizer) = (&mut settings.1.0.0, &mut settings.1.1.0);
    (shared.net_arch, shared.tau) = ("mlp".parse().expect("a linear network"), 1.0);
    (optimizer.optimizer, optimizer.momentum) = (OptimizerKind::Sgd, 0.0);
    let task = TaskSpec { data: Some(1), ..TaskSpec::new(FEATURES, 2, SWEEPS, Streams::new(0)) };
    let mut learner = CqlLearner::new(&settings, &task);
    let mut network = learner.policy();
    let weights = start.iter().flat_map(|&weight| [weight; 2]);
    network.update_parameters(|own| own.iter_mut().zip(weights).for_each(|(own, weight)| *own = weight));
    learner.copy_policy(&network);
    let (batch, mut points) = (transitions(), Vec::new());
    let states: Vec<f32> = (0..STATES).flat_map(features).collect();
    for sweep in 0..=SWEEPS {
        if sweep % EVERY == 0 {
            let largest =
                learner.outputs(&states).iter().fold(0.0_f64, |most, q| most.max(f64::from(q.abs())));
            points.push((sweep as f64, largest));
        }
        if sweep < SWEEPS {
            let learned = learner.learn(&batch, Rates { policy: 0.0, critic: RATE });
            learned.map_err(|source| TrainError::Learn { step: sweep, source })?;
        }
    }
    Ok(points)
}

/// The learner with a weight of the conservative term.
fn name(alpha: f64) -> String {
    if alpha == 0.0 { "Q-learning".to_owned() } else { format!("CQL, alpha {alpha}") }
}

pub(super) fn reproduce(runs: &Runs<'_>) -> Result<Reproduction, Error> {
    let (mut claims, mut lines) = (Vec::new(), Vec::new());
    for (alpha, expected) in ALPHAS {
        let name = name(alpha);
        let points = values(alpha, START)?;
        let (_, last) = points[points.len() - 1];
        claims.push(Claim::computed(
            format!("{name}: largest value after {SWEEPS} sweeps; all are 0"),
            // Single precision here, double there.
            (0.99 * expected, 1.01 * expected),
            "a second program",
            last,
        ));
        let magnitude =
            |(sweep, value): (f64, f64)| (sweep, math::ln_f64(1.0 + value) / std::f64::consts::LN_10);
        lines.push(series(&name, points.into_iter().map(magnitude).collect()));
    }
    // From any weights the same.
    for (alpha, diverges) in [(0.0, 1.0), (5.0, 0.0)] {
        let name = name(alpha);
        let found = runs.of(&name, |streams| {
            let mut rng = streams.stream("initialisation");
            let points = values(alpha, START.map(|_| rng.uniform(-10.0, 10.0) as f32))?;
            let [half, end] = [points.len() / 2, points.len() - 1].map(|place| points[place].1);
            Ok(f64::from(end > GROWTH * half))
        })?;
        let what = format!("{name}: share of runs from random weights that grow tenfold in the last half");
        claims.push(runs.claim(what, (diverges, diverges), "Baird 1995", found).within((0.0, 1.0)));
    }
    let (count, seed) = runs_and_seed(runs);
    Ok(Reproduction {
        name: "baird",
        source: "Baird 1995; Sutton and Barto 2018, example 11.1; Kumar et al. 2020",
        setting: format!(
            "seven states, nine features with the bias, discount {GAMMA}, sweeps of gradient descent with a step size of {RATE} \
             over one transition from each state to each; every run draws its first weights from -10 to 10"
        ),
        runs: count,
        seed,
        claims,
        beside: Vec::new(),
        charts: vec![chart(
            "log10 of one and the largest value, by sweeps",
            ["sweep", "log10(1 + |Q|)"],
            lines,
        )],
        maps: Vec::new(),
        note: "A conservative term that is too weak only slows the divergence. One that is strong enough ends it, at values that are \
               wrong: the data's action is worth 19 more than the other, and both should be worth 0. Expectiles near to the mean (IQL) \
               do not diverge either (potstill/tests/offline.rs).",
        data: None,
        out: nowhere(),
    })
}
