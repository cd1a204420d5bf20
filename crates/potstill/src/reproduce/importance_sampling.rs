//! Off-policy evaluation beside its exact errors: the lake and the cliff, six pairs of policies.
//!
//! The mean and the deviation of one episode's estimate by importance sampling follow by dynamic
//! programming; a second program has computed them too. Policies are optimal with probability `1 -
//! epsilon`, where equal actions share it, and uniformly random with `epsilon`.

use super::book::{NUMPY, chart, exact_model, runs_and_seed, solved, states};
use super::result::{Claim, Column, Reproduction, Runs, nowhere, series};
use crate::data::OfflineDataset;
use crate::error::Error;
use crate::evaluation::{
    EPISODES_MIN, Estimator, Evaluated, EvaluationError, EvaluationOptions, Moments, RecordedBy, Sweeps,
    evaluate, table_probabilities,
};
use crate::experience::Ending;
use crate::model::{Model, ModelActor, QTable, play};
use crate::planning::Planner;
use crate::policy::Policy;
use crate::train::TrainError;
use crate::train::statistics::mean;
use potstill_core::{Streams, math};
use potstill_env::Env;

const EPISODES: u64 = 1000;
/// Samples of the bootstrap for an interval.
const REPLICATES: u64 = 200;

/// A task: its name in claims, the environment's id, the discount, and the steps of an episode.
struct Task {
    name: &'static str,
    id: &'static str,
    gamma: f64,
    horizon: usize,
}

const LAKE: Task =
    Task { name: "lake", id: "FrozenLake-v1:max_episode_steps=100", gamma: 0.99, horizon: 100 };
const CLIFF: Task =
    Task { name: "cliff", id: "CliffWalking-v1:max_episode_steps=30", gamma: 1.0, horizon: 30 };

/// Policies by their `epsilon`, with the numbers of the second program.
struct Pair {
    task: Task,
    behaviour: f64,
    target: f64,
    /// The value of the target.
    value: f64,
    /// The deviations of one episode's estimate, ordinary and per decision.
    deviations: [f64; 2],
}

const PAIRS: [Pair; 6] = [
    Pair { task: LAKE, behaviour: 0.2, target: 0.1, value: 0.302_476_666, deviations: [1.168_416; 2] },
    Pair { task: LAKE, behaviour: 0.3, target: 0.1, value: 0.302_476_666, deviations: [21.832_451; 2] },
    Pair { task: LAKE, behaviour: 0.5, target: 0.1, value: 0.302_476_666, deviations: [334_094.885; 2] },
    Pair {
        task: CLIFF,
        behaviour: 0.2,
        target: 0.1,
        value: -50.060_642_465,
        deviations: [69.412_118, 49.664_146],
    },
    Pair {
        task: CLIFF,
        behaviour: 0.3,
        target: 0.2,
        value: -99.675_294_203,
        deviations: [122.107_690, 92.656_728],
    },
    Pair {
        task: CLIFF,
        behaviour: 0.5,
        target: 0.1,
        value: -50.060_642_465,
        deviations: [1_195.431_818, 162.555_479],
    },
];

/// The errors of the second program's estimates from 200 times 1,000 episodes of the lake's last pair.
const ERRORS: [(Estimator, f64); 3] =
    [(Estimator::Weighted, 0.167), (Estimator::WeightedPerDecision, 0.193), (Estimator::FittedQ, 0.0251)];
/// The data sets that they are of.
const SETS: f64 = 200.0;
/// The tolerance of such an error with as many: three of its own standard errors, about.
const TOLERANCE: f64 = 0.15;

/// The estimates of a data set.
struct Estimates {
    values: Vec<f64>,
    /// For each estimator whether its interval holds the value; none if it has no interval.
    covers: Vec<Option<bool>>,
}

impl Pair {
    fn title(&self) -> String {
        format!("{}, epsilon {} to {}", self.task.name, self.behaviour, self.target)
    }

    /// The episodes of the behaviour.
    fn recorded(&self, table: &Model, streams: Streams) -> Result<OfflineDataset, TrainError> {
        let mut env = states(self.task.id);
        let mut data = OfflineDataset::new(self.task.id, env.observation_space(), env.action_space());
        let policy = Policy::EpsilonGreedy { epsilon: self.behaviour };
        let (mut actor, mut rng) = (ModelActor::new(table, policy), streams.stream("behaviour"));
        for episode in 0..EPISODES {
            let seed = streams.seed_for("environment", episode);
            let played = play(&mut env, &mut actor, seed, &mut rng).map_err(TrainError::Play)?;
            let flags = [played.ending == Ending::Terminated, played.ending == Ending::Truncated];
            data.push(&played.trajectory, flags, Some(seed)).expect("an environment of this program");
        }
        Ok(data)
    }

    fn estimates(&self, table: &Model, streams: Streams) -> Result<Estimates, TrainError> {
        let data = self.recorded(table, streams)?;
        let policy = Policy::EpsilonGreedy { epsilon: self.target };
        let evaluated = Evaluated { model: table, policy, time_limit: self.task.horizon };
        let behaviour = RecordedBy::Policy(table, Policy::EpsilonGreedy { epsilon: self.behaviour });
        let options =
            EvaluationOptions { replicates: REPLICATES, ..EvaluationOptions::new(self.task.gamma, streams) };
        let found = evaluate(&data, evaluated, behaviour, &options).map_err(|error| match error {
            EvaluationError::Train(error) => error,
            EvaluationError::Data(reason) => unreachable!("recorded by this policy: {reason}"),
            EvaluationError::Stopped => unreachable!("nothing stops it"),
        })?;
        let of = |estimator: &Estimator| found.estimates.iter().find(|one| one.estimator == *estimator);
        let estimates =
            || Estimator::ALL.iter().map(|one| of(one).expect("a table has all estimators").estimate);
        let holds = |(low, high): (f64, f64)| low <= self.value && self.value <= high;
        Ok(Estimates {
            values: estimates().map(|estimate| estimate.value).collect(),
            covers: estimates().map(|estimate| estimate.interval.map(holds)).collect(),
        })
    }
}

/// The root mean square error of estimates.
fn error(values: &[f64], truth: f64) -> f64 {
    mean(&values.iter().map(|value| (value - truth) * (value - truth)).collect::<Vec<_>>()).sqrt()
}

pub(super) fn reproduce(runs: &Runs<'_>) -> Result<Reproduction, Error> {
    let (mut claims, mut beside) = (Vec::new(), Vec::new());
    let mut lines: Vec<Vec<(f64, f64)>> = vec![Vec::new(); Estimator::ALL.len()];
    for (number, pair) in PAIRS.iter().enumerate() {
        let Task { id, gamma, horizon, .. } = pair.task;
        let q = solved(id, gamma, 0.0).values().q();
        // Actions that are equal but for rounding share the probability of the best.
        let rounded = q.values().iter().map(|q| (q * 1e9).round() / 1e9).collect();
        let table = QTable::from_values(q.actions(), rounded);
        let [behaviour, target] = [pair.behaviour, pair.target]
            .map(|epsilon| table_probabilities(&table, Policy::EpsilonGreedy { epsilon }));
        let zero = Sweeps::zero(table.states(), table.actions());
        let exact = Moments::of(&exact_model(id), [&behaviour, &target], (gamma, horizon), &zero);
        let title = pair.title();
        let within = |expected: f64, error: f64| (expected - error, expected + error);
        let [ordinary, decision] = pair.deviations;
        let rounding = |deviation: f64| if deviation > 1e5 { 1e-3 } else { 1e-6 };
        for (what, expected, digits, computed) in [
            ("exact value of the target", pair.value, 1e-9, exact.value),
            (
                "exact deviation of one episode, ordinary",
                ordinary,
                rounding(ordinary),
                exact.ordinary_deviation,
            ),
            (
                "exact deviation of one episode, per decision",
                decision,
                rounding(decision),
                exact.per_decision_deviation,
            ),
        ] {
            claims.push(Claim::computed(
                format!("{title}: {what}"),
                within(expected, digits),
                NUMPY,
                computed,
            ));
        }
        let table = Model::Table(table);
        let found = runs.of(&title, |streams| pair.estimates(&table, streams))?;
        let column = |i: usize| found.iter().map(|one| one.values[i]).collect::<Vec<f64>>();
        // Below an effective sample size of 10 there is no interval, and a standard error says nothing.
        let is_seen = EPISODES as f64 / exact.squared_ratio >= EPISODES_MIN as f64;
        let all = (found.len() as f64 * EPISODES as f64).sqrt();
        for (estimator, deviation) in [
            (Estimator::Ordinary, exact.ordinary_deviation),
            (Estimator::PerDecision, exact.per_decision_deviation),
        ] {
            let place = Estimator::ALL.iter().position(|one| *one == estimator).expect("one of all");
            let standard_errors = (mean(&column(place)) - pair.value) / (deviation / all);
            if is_seen {
                // 99.9 % of normal numbers.
                claims.push(Claim::computed(
                    format!(
                        "{title}: mean by {}, in exact standard errors from the value",
                        estimator.title()
                    ),
                    (-3.3, 3.3),
                    "the central limit theorem",
                    standard_errors,
                ));
            }
        }
        for (i, estimator) in Estimator::ALL.into_iter().enumerate() {
            let values = column(i);
            let seen = error(&values, pair.value);
            lines[i].push((number as f64 + 1.0, magnitude(seen)));
            let expected = ERRORS.iter().find(|(known, _)| number == 2 && *known == estimator);
            if let Some((_, expected)) = expected {
                let tolerance = TOLERANCE * (SETS / found.len() as f64).sqrt();
                let about = (expected * (1.0 - tolerance), expected * (1.0 + tolerance));
                let what = format!("{title}: root mean square error of {}", estimator.title());
                claims.push(Claim::computed(what, about, NUMPY, seen));
            }
            beside.push(Column { name: format!("{title}: {}", estimator.title()), values });
        }
        let has_interval = |one: &Estimates| f64::from(one.covers[0].is_some());
        let share = if is_seen { (0.9, 1.0) } else { (0.0, 0.1) };
        let held = |one: &Estimates| {
            mean(&one.covers.iter().flatten().map(|&held| f64::from(held)).collect::<Vec<_>>())
        };
        let shares = [
            (
                "share of sets in which importance sampling has an interval",
                share,
                "the exact effective sample size",
                found.iter().map(has_interval).collect::<Vec<_>>(),
            ),
            (
                "share of all trusted intervals that hold the value",
                (0.93, 1.0),
                "95 % are asked",
                found.iter().map(held).collect(),
            ),
        ];
        for (what, expected, from, values) in shares {
            claims.push(runs.claim(format!("{title}: {what}"), expected, from, values).within((0.0, 1.0)));
        }
        // The deviation as all of these episodes show it.
        let what =
            format!("{title}: deviation of one episode's estimate as {} sets show it, ordinary", found.len());
        let seen = error(&column(0), mean(&column(0))) * (EPISODES as f64).sqrt();
        claims.push(Claim::computed(what, (f64::NEG_INFINITY, f64::INFINITY), "", seen));
    }
    let named = |(estimator, points): (Estimator, Vec<(f64, f64)>)| series(estimator.title(), points);
    let (count, seed) = runs_and_seed(runs);
    Ok(Reproduction {
        name: "importance-sampling",
        source: "Precup, Sutton and Singh 2000; Thomas and Brunskill 2016; exact moments by dynamic programming",
        setting: format!(
            "the slippery 4x4 lake (discount 0.99, 100 steps) and the cliff (no discount, 30 steps); policies are \
             optimal but for random actions with probability epsilon, of the behaviour and of the target; {EPISODES} \
             recorded episodes for each run"
        ),
        runs: count,
        seed,
        claims,
        beside,
        charts: vec![chart(
            "Error of each estimator: log10 of the root mean square error, for the six pairs in their order",
            ["pair", "log10 of the error"],
            Estimator::ALL.into_iter().zip(lines).map(named).collect(),
        )],
        maps: Vec::new(),
        note: "A standard error that is measured is worth nothing where the exact one comes from ratios that are huge and rare: on the lake \
               with epsilon 0.5 to 0.1 the exact deviation is 334,095, and no sample of any size that was tried shows it. There the effective \
               sample size is below 10, and importance sampling has no interval.",
        data: None,
        out: nowhere(),
    })
}

/// The logarithm to base 10.
fn magnitude(x: f64) -> f64 {
    math::ln_f64(x) / std::f64::consts::LN_10
}
