//! The ten-armed testbed (Sutton and Barto 2018, figures 2.2 to 2.6 and exercise 2.5).

use super::book::{NUMPY, chart, runs_and_seed};
use super::result::{Claim, Reproduction, Runs, about, mean_curve, nowhere, series};
use crate::agent::Agent;
use crate::algorithm::TabularAgent;
use crate::error::Error;
use crate::policy::{Exploration, Schedule};
use crate::report::{LineChart, Series};
use crate::tabular::{GradientBandit, GradientBanditConfig, QLearning, TabularConfig};
use crate::train::statistics::mean;
use crate::train::{TrainError, Trainer};
use potstill_core::Streams;
use potstill_env::Guarded;
use potstill_env::book::bandit::Bandit;

const ARMS: usize = 10;
const STEPS: usize = 1000;
/// Steps of a nonstationary problem, as exercise 2.5 wants.
const LONG: usize = 10_000;
/// Steps in a point of a curve.
const BLOCK: usize = 10;

/// A method on a kind of problem.
#[derive(Clone, Copy)]
struct Method {
    name: &'static str,
    agent: Learner,
    /// The mean of the arms' values.
    mean: f64,
    /// The standard deviation of their steps.
    walk: f64,
}

#[derive(Clone, Copy)]
enum Learner {
    Values { alpha: Schedule, epsilon: f64, initial_value: f64, ucb: Option<f64> },
    Gradient { alpha: f64, baseline: bool },
}

const AVERAGES: Schedule = Schedule::Harmonic { power: 1.0 };
const TENTH: Schedule = Schedule::Constant(0.1);

impl Method {
    const fn values(name: &'static str, alpha: Schedule, epsilon: f64) -> Self {
        let agent = Learner::Values { alpha, epsilon, initial_value: 0.0, ucb: None };
        Self { name, agent, mean: 0.0, walk: 0.0 }
    }

    const fn optimistic(name: &'static str, initial_value: f64) -> Self {
        let agent = Learner::Values { alpha: TENTH, epsilon: 0.0, initial_value, ucb: None };
        Self { name, agent, mean: 0.0, walk: 0.0 }
    }

    const fn ucb(name: &'static str, c: f64) -> Self {
        let agent = Learner::Values { alpha: AVERAGES, epsilon: 0.0, initial_value: 0.0, ucb: Some(c) };
        Self { name, agent, mean: 0.0, walk: 0.0 }
    }

    const fn gradient(name: &'static str, alpha: f64, baseline: bool, mean: f64) -> Self {
        Self { name, agent: Learner::Gradient { alpha, baseline }, mean, walk: 0.0 }
    }

    const fn walking(self) -> Self {
        Self { walk: 0.01, ..self }
    }

    fn build(self, streams: Streams) -> TabularAgent {
        match self.agent {
            Learner::Gradient { alpha, baseline } => {
                let config = GradientBanditConfig { alpha: alpha.into(), baseline };
                Box::new(GradientBandit::new(&config, ARMS, streams))
            }
            Learner::Values { alpha, epsilon, initial_value, ucb } => {
                let exploration = if ucb.is_some() { Exploration::Ucb } else { Exploration::EpsilonGreedy };
                let config = TabularConfig {
                    alpha,
                    initial_value,
                    exploration,
                    epsilon: epsilon.into(),
                    ucb_c: ucb.unwrap_or_default(),
                    ..TabularConfig::default()
                };
                Box::new(QLearning::new(config, 1, ARMS, streams))
            }
        }
    }
}

/// Mean reward and share of the best arm, in blocks of steps.
struct Pulls {
    rewards: Vec<f64>,
    best: Vec<f64>,
}

/// Pulls the arms of the problem that has the number of the seed.
fn pull(method: Method, steps: usize, streams: Streams) -> Result<Pulls, TrainError> {
    let bandit = Bandit::new(ARMS, streams.seed(), method.mean, method.walk);
    let values = bandit.values();
    let best = (0..ARMS).max_by(|&a, &b| values[a].total_cmp(&values[b])).expect("there are arms");
    let mut trainer = Trainer::new(method.build(streams), Box::new(Guarded::new(bandit, None)), streams);
    let (mut pulls, mut before) = (Pulls { rewards: Vec::new(), best: Vec::new() }, 0);
    for _ in 0..steps / BLOCK {
        let episodes = trainer.run_episodes(BLOCK)?;
        pulls.rewards.push(mean(&episodes.iter().map(|episode| episode.episode_return).collect::<Vec<_>>()));
        let visits = trainer.agent().visits().expect("a table counts them")[best];
        pulls.best.push((visits - before) as f64 / BLOCK as f64);
        before = visits;
    }
    Ok(pulls)
}

/// The mean of the last tenth of a curve.
fn late(curve: &[f64]) -> f64 {
    mean(&curve[curve.len() - curve.len() / 10..])
}

fn points(curves: &[Vec<f64>]) -> Vec<(f64, f64)> {
    let curve = mean_curve(curves).into_iter().enumerate();
    curve.map(|(i, y)| (BLOCK as f64 * (i as f64 + 0.5), y)).collect()
}

/// The methods that are measured, with the reward and the share of the best arm that are expected in the last tenth: mean and standard
/// error.
#[rustfmt::skip]
#[expect(clippy::type_complexity, reason = "a table")]
static METHODS: [(Method, (f64, f64), (f64, f64)); 12] = [
    (Method::values("greedy", AVERAGES, 0.0), (1.0361, 0.0062), (0.3595, 0.0048)),
    (Method::values("epsilon 0.01", AVERAGES, 0.01), (1.3122, 0.0064), (0.5898, 0.0048)),
    (Method::values("epsilon 0.1", AVERAGES, 0.1), (1.3662, 0.0056), (0.7995, 0.0029)),
    (Method::optimistic("optimistic values of 5", 5.0), (1.4939, 0.0061), (0.8578, 0.0032)),
    (Method::values("epsilon 0.1, alpha 0.1", TENTH, 0.1), (1.3475, 0.0056), (0.7561, 0.0031)),
    (Method::ucb("UCB, c 2", 2.0), (1.4992, 0.0061), (0.8559, 0.0022)),
    (Method::gradient("gradient, alpha 0.1", 0.1, true, 4.0), (5.5112, 0.0060), (0.8492, 0.0033)),
    (Method::gradient("gradient, alpha 0.4", 0.4, true, 4.0), (5.4374, 0.0063), (0.7120, 0.0045)),
    (Method::gradient("alpha 0.1, without baseline", 0.1, false, 4.0), (5.2172, 0.0070), (0.4963, 0.0049)),
    (Method::gradient("alpha 0.4, without baseline", 0.4, false, 4.0), (4.7845, 0.0080), (0.2752, 0.0045)),
    (Method::values("nonstationary, sample averages", AVERAGES, 0.1).walking(), (1.0563, 0.0146), (f64::NAN, 0.0)),
    (Method::values("nonstationary, alpha 0.1", TENTH, 0.1).walking(), (1.3171, 0.0119), (f64::NAN, 0.0)),
];

/// The mean reward of UCB with c 1 over all steps: mean and standard error.
const UCB_1: (f64, f64) = (1.4896, 0.0059);
/// Powers of two for the parameter of each method in figure 2.6.
const STUDY: [(&str, i32, i32); 4] = [
    ("epsilon-greedy", -7, -2),
    ("gradient bandit, alpha", -5, 1),
    ("UCB, c", -4, 2),
    ("optimistic, initial value", -2, 2),
];

fn studied(name: &str, parameter: f64) -> Method {
    match name {
        "epsilon-greedy" => Method::values("", AVERAGES, parameter),
        "gradient bandit, alpha" => Method::gradient("", parameter, true, 0.0),
        "UCB, c" => Method::ucb("", parameter),
        _ => Method::optimistic("", parameter),
    }
}

/// Figure 2.6: the mean reward of a thousand steps, by the parameter of each method; and that of UCB with c 1.
fn parameter_study(runs: &Runs<'_>) -> Result<(LineChart, Vec<f64>), Error> {
    let (mut lines, mut of_ucb) = (Vec::new(), Vec::new());
    for (name, first, last) in STUDY {
        let mut line = Vec::new();
        for power in first..=last {
            // Exact: a power of two.
            let parameter = f64::from_bits(((1023 + power) as u64) << 52);
            let what = format!("the testbed: {name} {parameter}");
            let rewards =
                runs.of(&what, |streams| Ok(mean(&pull(studied(name, parameter), STEPS, streams)?.rewards)))?;
            line.push((f64::from(power), mean(&rewards)));
            if (name, power) == ("UCB, c", 0) {
                of_ucb = rewards;
            }
        }
        lines.push(series(name, line));
    }
    let labels = ["parameter, as a power of 2", "mean reward of 1,000 steps"];
    Ok((chart("Parameter study, figure 2.6", labels, lines), of_ucb))
}

pub(super) fn reproduce(runs: &Runs<'_>) -> Result<Reproduction, Error> {
    let (mut claims, mut rewards, mut best): (Vec<Claim>, Vec<Series>, Vec<Series>) =
        (Vec::new(), Vec::new(), Vec::new());
    for (method, reward, share) in METHODS {
        let steps = if method.walk > 0.0 { LONG } else { STEPS };
        let all =
            runs.of(&format!("the testbed: {}", method.name), |streams| pull(method, steps, streams))?;
        let last = format!("{}: of the last {} steps", method.name, steps / 10);
        let of_rewards = all.iter().map(|pulls| late(&pulls.rewards)).collect();
        claims.push(runs.claim(format!("{last}, mean reward"), about(reward.0, reward.1), NUMPY, of_rewards));
        if method.walk == 0.0 {
            let of_best = all.iter().map(|pulls| late(&pulls.best)).collect();
            claims.push(runs.claim(
                format!("{last}, share of the best arm"),
                about(share.0, share.1),
                NUMPY,
                of_best,
            ));
        }
        rewards.push(series(
            method.name,
            points(&all.iter().map(|pulls| pulls.rewards.clone()).collect::<Vec<_>>()),
        ));
        best.push(series(method.name, points(&all.into_iter().map(|pulls| pulls.best).collect::<Vec<_>>())));
    }
    let (study, of_ucb) = parameter_study(runs)?;
    claims.push(runs.claim(
        "UCB, c 1: mean reward of all 1,000 steps",
        about(UCB_1.0, UCB_1.1),
        NUMPY,
        of_ucb,
    ));
    let pick = |lines: &[Series], methods: &[usize]| methods.iter().map(|&i| lines[i].clone()).collect();
    let figure = |title: &str, y_label, lines| chart(title, ["step", y_label], lines);
    let (reward, share) = ("mean reward", "share of the best arm");
    let (count, seed) = runs_and_seed(runs);
    Ok(Reproduction {
        name: "bandits",
        source: "Sutton and Barto 2018, figures 2.2 to 2.6 and exercise 2.5",
        setting: "ten arms, a problem for each seed; 1,000 steps, 10,000 if nonstationary".to_owned(),
        runs: count,
        seed,
        claims,
        beside: Vec::new(),
        charts: vec![
            figure("Sample averages, figure 2.2: reward", reward, pick(&rewards, &[0, 1, 2])),
            figure("Sample averages, figure 2.2: best arm", share, pick(&best, &[0, 1, 2])),
            figure("Optimistic values, figure 2.3", share, pick(&best, &[3, 4])),
            figure("Upper confidence bounds, figure 2.4", reward, pick(&rewards, &[5, 2])),
            figure("Gradient bandit about a mean of 4, figure 2.5", share, pick(&best, &[6, 8, 7, 9])),
            study,
            figure("Values that walk, exercise 2.5", reward, pick(&rewards, &[10, 11])),
        ],
        maps: Vec::new(),
        note: "The curves are means over ten steps, by which the spikes of the book's figures 2.3 and 2.4 at step 11 are flatter. Sample averages \
               are q-learning with alpha=1/n on the environment Bandit, whose episodes are single pulls; the others differ in initial_value, \
               exploration=ucb and alpha; gradient-bandit is an algorithm of its own.",
        data: None,
        out: nowhere(),
    })
}
