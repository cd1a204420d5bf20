//! The cost of online tuning: the score of the policy that is picked among offline runs, by the rollouts spent on the choice.
//!
//! The protocol of Jackson, Berdica, Liesen, Whiteson and Foerster 2025 ("A Clean Slate for Offline Reinforcement Learning",
//! NeurIPS, section 4): scores of offline methods are those of settings that were picked by playing, which takes rollouts that
//! nobody counts. Here a bandit counts them: the one with the highest upper confidence bound (UCB1) plays its next rollout, and
//! the one with the best mean so far is the one that would be deployed. Beside it, the choices that take no rollout.
//!
//! Differences from the paper: one environment, and methods and their settings are picked at once.

use super::book::chart;
use super::offline::{Learned, cart_pole_sets, discrete, learn};
use super::result::{Column, Reproduction, Runs, mean_curve, nowhere, series};
use crate::algorithm::Algorithm;
use crate::error::Error;
use crate::evaluation::{Estimator, Evaluated, EvaluationOptions, FittedQConfig, RecordedBy, evaluate};
use crate::policy::Policy;
use crate::run::watched_map;
use crate::train::statistics::mean;
use potstill_core::{Pcg64, Streams, math};
use potstill_env::registry;
use std::collections::BTreeMap;

/// The methods with the settings among which one policy is picked.
const POLICIES: [(&str, &str); 12] = [
    ("bc", ""),
    ("dqn", "target_update_interval=1 huber_delta=0 max_grad_norm=inf"),
    ("cql", "cql_alpha=0.1"),
    ("cql", "cql_alpha=1"),
    ("cql", "cql_alpha=10"),
    ("bcq", "threshold=0.1"),
    ("bcq", "threshold=0.3"),
    ("bcq", "threshold=0.6"),
    ("iql", "expectile=0.7 beta=3"),
    ("iql", "expectile=0.7 beta=10"),
    ("iql", "expectile=0.9 beta=3"),
    ("iql", "expectile=0.9 beta=10"),
];

/// The rollouts of a search.
const ROLLOUTS: usize = 200;
/// Searches, over which the score is averaged.
const SEARCHES: u64 = 1000;
/// The greatest return, by which returns are divided.
const GREATEST: f64 = 500.0;
/// The weight of the bonus for policies with few rollouts, as in the paper.
const EXPLORATION: f64 = 2.0;
/// Updates of fitted Q evaluation for each policy.
const UPDATES: u64 = 4000;

/// Scaled returns of the rollouts of each policy.
struct Arms(Vec<Vec<f64>>);

impl Arms {
    fn means(&self) -> Vec<f64> {
        self.0.iter().map(|returns| mean(returns)).collect()
    }

    /// The mean return of the policy that is picked after 1, 2, ... rollouts of one search.
    fn search(&self, rollouts: usize, rng: &mut Pcg64) -> Vec<f64> {
        let (count, means) = (self.0.len(), self.means());
        // Among equals none is preferred by its place.
        let mut order: Vec<usize> = (0..count).collect();
        rng.shuffle(&mut order);
        let (mut sums, mut counts) = (vec![0.0; count], vec![0_u64; count]);
        let mut picked = Vec::with_capacity(rollouts);
        for spent in 0..rollouts {
            let log = f64::from(math::ln(spent as f32));
            let bound = |arm: usize| match counts[arm] {
                0 => f64::INFINITY,
                n => sums[arm] / n as f64 + EXPLORATION * (log / n as f64).sqrt(),
            };
            let arm = greatest(&order, bound);
            sums[arm] += self.0[arm][rng.below(self.0[arm].len())];
            counts[arm] += 1;
            let seen = |arm: usize| match counts[arm] {
                0 => f64::NEG_INFINITY,
                n => sums[arm] / n as f64,
            };
            picked.push(means[greatest(&order, seen)]);
        }
        picked
    }
}

/// The first item with the greatest score.
fn greatest(order: &[usize], score: impl Fn(usize) -> f64) -> usize {
    let first = |best: usize, &item: &usize| if score(item) > score(best) { item } else { best };
    order.iter().skip(1).fold(order[0], first)
}

/// The choices on one data set.
#[derive(Default)]
struct Choices {
    /// The mean return of the picked policy after 1, 2, ... rollouts, of each seed.
    curves: Vec<Vec<f64>>,
    /// Of each seed the mean return of all policies, of the one with the highest estimate by fitted Q
    /// evaluation, of the one with the highest estimate among those whose actions the data support, and the
    /// greatest.
    any: Vec<f64>,
    estimated: Vec<f64>,
    supported: Vec<f64>,
    best: Vec<f64>,
}

/// An estimate by fitted Q evaluation.
#[derive(Clone, Copy)]
struct Guess {
    value: f64,
    /// True if the data support the policy's actions.
    is_supported: bool,
}

/// The policies of a seed on one data set, and their estimates by fitted Q evaluation.
fn policies(
    data: &crate::data::OfflineDataset,
    spec: &registry::Spec,
    seed: u64,
    runs: &Runs<'_>,
) -> Result<(Arms, Vec<Guess>), Error> {
    let all = watched_map(runs.observer, "policies", POLICIES.len(), runs.request.threads, |i| {
        let new = discrete(&Algorithm::find(POLICIES[i].0)?.builder).expect("discrete actions");
        let Learned { model, returns, .. } = learn::<usize>((POLICIES[i], new), data, spec, seed, runs)?;
        let options = EvaluationOptions {
            // The estimates alone.
            replicates: 0,
            fits: 0,
            fitted_q: FittedQConfig { updates: UPDATES, ..FittedQConfig::new(0.99) },
            ..EvaluationOptions::new(0.99, Streams::new(seed))
        };
        let evaluated = Evaluated { model: &model, policy: Policy::Greedy, time_limit: 500 };
        let evaluation = evaluate(data, evaluated, RecordedBy::Unknown, &options)
            .map_err(|error| crate::run::usage(error.to_string()))?;
        let of_q = evaluation.estimates.iter().find(|one| one.estimator == Estimator::FittedQ);
        let scaled = returns.iter().map(|one| one / GREATEST).collect::<Vec<_>>();
        let value = of_q.expect("it applies").estimate.value;
        Ok::<_, Error>((scaled, Guess { value, is_supported: evaluation.coverage.supports_policy() }))
    });
    let (returns, estimates) = all.into_iter().collect::<Result<Vec<_>, Error>>()?.into_iter().unzip();
    Ok((Arms(returns), estimates))
}

/// The curves of all data sets.
pub(super) fn reproduce(runs: &Runs<'_>) -> Result<Reproduction, Error> {
    let spec = registry::find("CartPole-v1").map_err(|error| crate::run::usage(error.to_string()))?;
    let mut found: BTreeMap<&str, Choices> = BTreeMap::new();
    for i in 0..runs.count as u64 {
        let seed = runs.request.seed.wrapping_add(i);
        let streams = Streams::new(seed);
        for set in cart_pole_sets(&spec, streams) {
            let (name, data) = set?;
            let (arms, guesses) = policies(&data, &spec, seed, runs)?;
            let means = arms.means();
            let order: Vec<usize> = (0..means.len()).collect();
            let searches: Vec<Vec<f64>> = (0..SEARCHES)
                .map(|search| arms.search(ROLLOUTS, &mut streams.indexed("comparison", search)))
                .collect();
            let choices = found.entry(name).or_default();
            let unscaled = |value: f64| value * GREATEST;
            choices.curves.push(mean_curve(&searches).into_iter().map(unscaled).collect());
            choices.any.push(unscaled(mean(&means)));
            choices.estimated.push(unscaled(means[greatest(&order, |i| guesses[i].value)]));
            let supported: Vec<usize> = order.iter().copied().filter(|&i| guesses[i].is_supported).collect();
            // If there are none, no choice is better than any.
            let score = |supported: &[usize]| means[greatest(supported, |i| guesses[i].value)];
            choices.supported.push(unscaled(if supported.is_empty() {
                mean(&means)
            } else {
                score(&supported)
            }));
            choices.best.push(unscaled(means[greatest(&order, |i| means[i])]));
        }
    }
    let (mut claims, mut beside, mut lines) = (Vec::new(), Vec::new(), Vec::new());
    let open = (f64::NEG_INFINITY, f64::INFINITY);
    for name in ["random", "mixed", "medium", "expert"] {
        let Choices { curves, any, estimated, supported, best } = &found[name];
        let after = |rollouts: usize| curves.iter().map(|curve| curve[rollouts - 1]).collect::<Vec<_>>();
        for (what, values) in [
            ("any of the policies", any.clone()),
            ("the one that fitted Q evaluation prefers", estimated.clone()),
            ("the one that it prefers among those that the data support", supported.clone()),
            ("picked by 12 rollouts", after(12)),
            ("picked by 50 rollouts", after(50)),
            ("picked by 200 rollouts", after(200)),
        ] {
            let claim = runs.claim(format!("{name} data: {what}"), open, "measured", values);
            claims.push(claim.within((0.0, GREATEST)));
        }
        beside.push(Column { name: format!("{name} data: the best policy"), values: best.clone() });
        let curve = mean_curve(curves);
        lines.push(series(name, curve.iter().enumerate().map(|(i, y)| ((i + 1) as f64, *y)).collect()));
        let level = mean(supported);
        let ends = vec![(1.0, level), (ROLLOUTS as f64, level)];
        lines.push(series(&format!("{name}, without a rollout"), ends));
    }
    Ok(Reproduction {
        name: "offline-tuning",
        source: "Jackson et al. 2025, the cost of online tuning",
        setting: format!(
            "CartPole-v1; {} policies on the data of `offline`, 100 episodes each; {SEARCHES} searches of {ROLLOUTS} \
             rollouts for each of {} seeds from {} on",
            POLICIES.len(),
            runs.count,
            runs.request.seed
        ),
        runs: runs.count,
        seed: runs.request.seed,
        claims,
        beside,
        charts: vec![chart(
            "CartPole-v1: return of the picked policy",
            ["rollouts spent on the choice", "mean return"],
            lines,
        )],
        maps: Vec::new(),
        note: "Nobody has published these numbers: the claims are measurements. Fitted Q evaluation takes no rollout; the level \
               lines are the mean return of the policy whose estimate is the highest, at a discount of 0.99, among those of whose actions \
               at most a fifth are hardly ever recorded.",
        data: None,
        out: nowhere(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_tries_every_policy_once_and_then_settles_on_the_best() {
        let arms = Arms(vec![vec![0.2], vec![0.9], vec![0.5, 0.7]]);
        let searches: Vec<Vec<f64>> =
            (0..600).map(|i| arms.search(100, &mut Streams::new(1).indexed("test", i))).collect();
        let curve = mean_curve(&searches);
        // The first rollout is of a policy at random, and after two the better of two is picked: (0.9 x 2 + 0.6) / 3.
        assert!((curve[0] - 1.7 / 3.0).abs() < 0.05, "{}", curve[0]);
        assert!((curve[1] - 0.8).abs() < 0.03, "{}", curve[1]);
        assert!(curve[2..].iter().all(|value| (value - 0.9).abs() < 1e-9), "{curve:?}");
    }
}
