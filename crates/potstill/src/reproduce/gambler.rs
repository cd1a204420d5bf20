//! The gambler's problem (Sutton and Barto 2018, Example 4.3 and figure 4.3).

use super::book::{NUMPY, chart, exact_model, play, runs_and_seed, solved, states};
use super::result::{Claim, Reproduction, Runs, nowhere, series};
use crate::error::Error;
use crate::planning::{Planner, PlanningConfig, ValueIteration};
use crate::train::TrainError;
use crate::train::statistics::mean;
use potstill_core::Streams;
use potstill_env::book::gambler::GOAL;

const ID: &str = "Gambler";
const GAMES: u64 = 50;
/// The sweeps that the figure shows, with the sums of all values after them.
const SHOWN: [(u64, f64); 4] =
    [(1, 28.433_024), (2, 36.794_410_254_3), (3, 38.827_148_756_6), (32, 39.507_295_907_2)];
/// The chance of the best policy from a uniformly drawn capital.
const BEST: f64 = 0.399_063_595_02;

/// The smallest of the best stakes, as the figure has them.
fn book_stake(capital: usize) -> usize {
    match capital {
        50 => 50,
        25 | 75 => 25,
        _ => (capital % 25).min(25 - capital % 25),
    }
}

/// The share of games that are won with these stakes.
fn won(stake: fn(usize) -> usize, streams: Streams) -> Result<f64, TrainError> {
    let mut env = states(ID);
    let mut game = |i: u64| {
        let seed = (i == 0).then(|| streams.seed_for("environment", 0));
        play(&mut env, &|capital| stake(capital) - 1, (seed, 1.0, usize::MAX)).map_err(TrainError::Play)
    };
    Ok(mean(&(0..GAMES).map(&mut game).collect::<Result<Vec<_>, _>>()?))
}

pub(super) fn reproduce(runs: &Runs<'_>) -> Result<Reproduction, Error> {
    let mut planner = ValueIteration::new(exact_model(ID), &PlanningConfig::default());
    let (mut claims, mut lines) = (Vec::new(), Vec::new());
    let curve = |v: &[f64]| (1..GOAL).map(|capital| (capital as f64, v[capital])).collect::<Vec<_>>();
    for (sweep, sum) in SHOWN {
        while planner.sweeps() < sweep {
            planner.sweep();
        }
        let v = planner.values().v();
        let what = format!("sum of the values after sweep {sweep}");
        // Printed here with ten decimals.
        claims.push(Claim::computed(what, (sum - 1e-9, sum + 1e-9), NUMPY, v[1..GOAL].iter().sum()));
        lines.push(series(&format!("sweep {sweep}"), curve(v)));
    }
    let planner = solved(ID, 1.0, 0.0);
    let v = planner.values().v();
    lines.push(series("final", curve(v)));
    for (capital, value, how) in
        [(25, 0.16, "by hand: 0.4 x 0.4"), (50, 0.4, "by hand"), (75, 0.64, "by hand: 0.4 + 0.6 x 0.4")]
    {
        claims.push(Claim::computed(
            format!("chance of winning from {capital}"),
            (value, value),
            how,
            v[capital],
        ));
    }
    let stake = |capital: usize| {
        let backups = planner.values().backups(capital);
        let best = backups.iter().copied().fold(0.0, f64::max);
        1 + backups.iter().position(|&value| value > best - 1e-9).expect("the best is one of them")
    };
    let agreeing = (1..GOAL).filter(|&capital| stake(capital) == book_stake(capital)).count();
    claims.push(Claim::computed(
        "capitals, of 99, with the book's stake, the smallest of the best",
        (99.0, 99.0),
        "the book, figure 4.3",
        agreeing as f64,
    ));
    let bold = runs.of("the gambler: the best stakes", |streams| won(book_stake, streams))?;
    let timid = runs.of("the gambler: stakes of 1", |streams| won(|_| 1, streams))?;
    claims.push(runs.claim("share of games won with the best stakes", (BEST, BEST), NUMPY, bold));
    // The mean of (1.5^s - 1) / (1.5^100 - 1) over s: a geometric sum.
    claims.push(runs.claim(
        "share of games won with stakes of 1",
        (2.0 / 99.0, 2.0 / 99.0),
        "by hand: 2/99",
        timid,
    ));
    let stakes = (1..GOAL).map(|capital| (capital as f64, stake(capital) as f64)).collect();
    let (count, seed) = runs_and_seed(runs);
    Ok(Reproduction {
        name: "gambler",
        source: "Sutton and Barto 2018, Example 4.3 and figure 4.3",
        setting: format!(
            "heads with probability 0.4; value iteration, and {GAMES} games from a random capital for each run"
        ),
        runs: count,
        seed,
        claims,
        beside: Vec::new(),
        charts: vec![
            chart("Chance of winning, by sweeps of value iteration", ["capital", "value"], lines),
            chart("The smallest of the best stakes", ["capital", "stake"], vec![series("stake", stakes)]),
        ],
        maps: Vec::new(),
        note: "The figures are computed. Many stakes are equally good; the book shows one family of policies, here it is the smallest stake of \
               those that are best up to rounding. potstill train value-iteration --env Gambler finds the same values, and potstill show \
               draws them by tens and units.",
        data: None,
        out: nowhere(),
    })
}
