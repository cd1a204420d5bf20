//! The random walk: TD(0) beside Monte Carlo (Sutton and Barto 2018, Example 6.2), and n-step TD (figure 7.2).

use super::book::{NUMPY, chart, rms, runs_and_seed, solved, states, uniform};
use super::result::{Claim, Reproduction, Runs, about, mean_curve, nowhere, series};
use crate::agent::Agent;
use crate::error::Error;
use crate::planning::Planner;
use crate::report::LineChart;
use crate::tabular::{NStepConfig, NStepPrediction, PredictionConfig, TdPrediction};
use crate::train::statistics::mean;
use crate::train::{TrainError, Trainer};
use potstill_core::Streams;

const FIVE: &str = "RandomWalk";
const NINETEEN: &str = "RandomWalk:states=19,left_reward=-1";
const EPISODES: usize = 100;
/// Episodes over which figure 7.2 averages the error.
const FIRST: usize = 10;
/// Longer than any episode: constant-alpha Monte Carlo.
const WHOLE: u64 = 1_000_000;

/// Method and step size of figure 6.2, with the error after 100 episodes and its mean over them: mean and standard error.
#[rustfmt::skip]
#[expect(clippy::type_complexity, reason = "a table")]
const FIGURE_6_2: [(bool, f64, (f64, f64), (f64, f64)); 7] = [
    (true, 0.05, (0.035383, 0.000258), (0.079095, 0.000121)),
    (true, 0.1, (0.056393, 0.000371), (0.068829, 0.000164)),
    (true, 0.15, (0.070246, 0.000430), (0.075679, 0.000182)),
    (false, 0.01, (0.097574, 0.000366), (0.151103, 0.000189)),
    (false, 0.02, (0.082840, 0.000627), (0.125691, 0.000272)),
    (false, 0.03, (0.093861, 0.000764), (0.122219, 0.000298)),
    (false, 0.04, (0.107800, 0.000858), (0.126418, 0.000303)),
];

/// Length of the return and step size, with the mean error of the first ten episodes: mean and standard error.
const FIGURE_7_2: [(u64, usize, (f64, f64)); 6] = [
    (1, 8, (0.344546, 0.000440)),
    (2, 6, (0.277381, 0.000942)),
    (4, 4, (0.263246, 0.001135)),
    (8, 3, (0.285108, 0.001248)),
    (16, 2, (0.322394, 0.001243)),
    (32, 1, (0.363813, 0.001181)),
];

/// The error of an agent's values after each episode.
fn errors<A: Agent<Observation = usize, Action = usize>>(
    agent: A,
    (id, episodes): (&str, usize),
    values: fn(&A) -> &[f64],
    truth: &[f64],
    streams: Streams,
) -> Result<Vec<f64>, TrainError> {
    let mut trainer = Trainer::new(agent, states(id), streams);
    let mut error_of = |_| {
        trainer.run_episodes(1)?;
        Ok(rms(&values(trainer.agent())[..truth.len()], truth))
    };
    (0..episodes).map(&mut error_of).collect()
}

fn figure_6_2(runs: &Runs<'_>, claims: &mut Vec<Claim>) -> Result<LineChart, Error> {
    let truth: Vec<f64> = (1..6).map(|i| f64::from(i) / 6.0).collect();
    let mut lines = Vec::new();
    for (is_td, alpha, last, whole) in FIGURE_6_2 {
        let name = format!("{}, alpha {alpha}", if is_td { "TD(0)" } else { "Monte Carlo" });
        let all = runs.of(&format!("five states: {name}"), |streams| {
            let (alpha, initial_value) = (alpha.into(), 0.5);
            let config = PredictionConfig { alpha, initial_value, ..PredictionConfig::default() };
            let policy = uniform(7, 2, streams);
            if is_td {
                let agent = TdPrediction::new(&config, 0.0, policy);
                return errors(agent, (FIVE, EPISODES), TdPrediction::v, &truth, streams);
            }
            let agent = NStepPrediction::new(&config, &NStepConfig { n: WHOLE }, policy);
            errors(agent, (FIVE, EPISODES), NStepPrediction::v, &truth, streams)
        })?;
        let after = all.iter().map(|run| run[EPISODES - 1]).collect();
        claims.push(runs.claim(
            format!("{name}: RMS error after 100 episodes"),
            about(last.0, last.1),
            NUMPY,
            after,
        ));
        let means = all.iter().map(|run| mean(run)).collect();
        claims.push(runs.claim(
            format!("{name}: mean RMS error of 100 episodes"),
            about(whole.0, whole.1),
            NUMPY,
            means,
        ));
        let curve = mean_curve(&all).into_iter().enumerate();
        lines.push(series(&name, curve.map(|(i, y)| (i as f64 + 1.0, y)).collect()));
    }
    let labels = ["episode", "RMS error over five states"];
    Ok(chart("TD(0) and constant-alpha Monte Carlo, figure 6.2", labels, lines))
}

fn figure_7_2(runs: &Runs<'_>, claims: &mut Vec<Claim>) -> Result<LineChart, Error> {
    let truth: Vec<f64> = (-9..10).map(|i| f64::from(i) / 10.0).collect();
    let mut lines = Vec::new();
    for (n, claimed, expected) in FIGURE_7_2 {
        let mut line = Vec::new();
        for tenths in 1..=10 {
            let alpha = tenths as f64 / 10.0;
            let all = runs.of(&format!("19 states: n {n}, alpha {alpha}"), |streams| {
                let config = PredictionConfig { alpha: alpha.into(), ..PredictionConfig::default() };
                let agent = NStepPrediction::new(&config, &NStepConfig { n }, uniform(21, 2, streams));
                Ok(mean(&errors(agent, (NINETEEN, FIRST), NStepPrediction::v, &truth, streams)?))
            })?;
            line.push((alpha, mean(&all)));
            if tenths == claimed {
                let what = format!("n {n}, alpha {alpha}: mean RMS error of 10 episodes");
                claims.push(runs.claim(what, about(expected.0, expected.1), NUMPY, all));
            }
        }
        lines.push(series(&format!("n = {n}"), line));
    }
    let labels = ["alpha", "mean RMS error of 10 episodes"];
    Ok(LineChart { y_range: Some((0.2, 0.6)), ..chart("n-step TD on 19 states, figure 7.2", labels, lines) })
}

pub(super) fn reproduce(runs: &Runs<'_>) -> Result<Reproduction, Error> {
    let exact = solved(FIVE, 1.0, 1.0);
    let value = |state: usize| exact.values().v()[state];
    let mut claims = vec![
        Claim::computed("true value of A", (1.0 / 6.0, 1.0 / 6.0), "the book", value(0)),
        Claim::computed("true value of E", (5.0 / 6.0, 5.0 / 6.0), "the book", value(4)),
    ];
    let charts = vec![figure_6_2(runs, &mut claims)?, figure_7_2(runs, &mut claims)?];
    let (count, seed) = runs_and_seed(runs);
    Ok(Reproduction {
        name: "random-walk",
        source: "Sutton and Barto 2018, Example 6.2 and figure 7.2",
        setting: "td-prediction and n-step-td-prediction of the uniformly random policy; initial value 0.5 of five states, 0 of 19".to_owned(),
        runs: count,
        seed,
        claims,
        beside: Vec::new(),
        charts,
        maps: Vec::new(),
        note: "As in the book, TD(0) is better than Monte Carlo with every step size of the figure, and returns of about four steps are better than \
               either extreme. Points above 0.6 in the second figure are drawn at its edge.",
        data: None,
        out: nowhere(),
    })
}
