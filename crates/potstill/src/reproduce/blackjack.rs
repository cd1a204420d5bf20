//! Blackjack (Sutton and Barto 2018, figures 5.1 and 5.2).

use super::book::{NUMPY, backup, chart, exact_model, runs_and_seed, solved, states};
use super::result::{Claim, Reproduction, Runs, nowhere, series};
use crate::error::Error;
use crate::model::QTable;
use crate::planning::{Planner, reachable};
use crate::policy::{Behaviour, ExplorationRule, Schedule};
use crate::report::GridChart;
use crate::run::policy_maps;
use crate::tabular::{MonteCarloPrediction, PredictionConfig, QLearning, TabularConfig};
use crate::targets;
use crate::train::statistics::mean;
use crate::train::{TrainError, Trainer};
use potstill_core::Streams;
use potstill_env::registry;

/// The book's rule for a dealt 21, and the game with an exact model.
const BOOK: &str = "Blackjack-v1";
const EXACT: &str = "Blackjack-v1:sab=false";
const STATES: usize = 704;
/// Episodes of the two columns of figure 5.1.
const FEW: usize = 10_000;
const MANY: usize = 500_000;
/// Episodes of control.
const LEARNED: usize = 1_000_000;

/// States as they are claimed: sum, dealer's card and usable ace, and the exact value of sticking on 20 and 21 alone.
const VALUES: [(usize, usize, usize, f64); 5] = [
    (20, 10, 0, 0.434_957_754),
    (20, 1, 0, 0.146_094_839),
    (19, 10, 0, -0.744_343_583),
    (12, 10, 0, -0.570_513_536),
    (13, 10, 1, -0.317_932_784),
];
/// The lowest sum to stick on in figure 5.2, by the dealer's card from the ace to ten: without and with a usable ace.
const FIGURE_5_2: [[usize; 10]; 2] =
    [[17, 13, 13, 12, 12, 12, 17, 17, 17, 17], [19, 18, 18, 18, 18, 18, 18, 18, 19, 19]];

fn state(sum: usize, card: usize, ace: usize) -> usize {
    (sum * 11 + card) * 2 + ace
}

/// Estimates of sticking on 20 and 21 alone after few and after many episodes, and the mean return of these.
fn predicted(streams: Streams) -> Result<([Vec<f64>; 2], f64), TrainError> {
    let policy = (0..STATES).flat_map(|state| if state / 22 >= 20 { [1.0, 0.0] } else { [0.0, 1.0] });
    let behaviour = Behaviour::new(ExplorationRule::Given(policy.collect()), STATES, 2, streams);
    let agent = MonteCarloPrediction::new(&PredictionConfig::default(), behaviour);
    let mut trainer = Trainer::new(agent, states(BOOK), streams);
    let mut returns = Vec::with_capacity(MANY);
    let mut until = |episodes: usize| -> Result<Vec<f64>, TrainError> {
        let played = trainer.run_episodes(episodes)?;
        returns.extend(played.iter().map(|episode| episode.episode_return));
        Ok(trainer.agent().v().to_vec())
    };
    let estimates = [until(FEW)?, until(MANY - FEW)?];
    Ok((estimates, mean(&returns)))
}

/// Action values of Q-learning with sample averages from random play.
fn learned(streams: Streams) -> Result<QTable, TrainError> {
    let alpha = Schedule::Harmonic { power: 0.8 };
    let config = TabularConfig { alpha, epsilon: 1.0.into(), ..TabularConfig::default() };
    let mut trainer = Trainer::new(QLearning::new(config, STATES, 2, streams), states(EXACT), streams);
    for _ in 0..LEARNED {
        trainer.run_episodes(1)?;
    }
    Ok(trainer.agent().q().clone())
}

/// The expected return of the greedy policy of these values, on the model.
fn worth(q: &QTable) -> f64 {
    let model = exact_model(EXACT);
    let (mut v, states) = (vec![0.0; STATES], reachable(&model));
    // A hand has at most 21 cards: after as many sweeps the values are exact.
    for _ in 0..22 {
        for &state in &states {
            let row = q.row(state);
            let action = usize::from(row[1] > row[0]);
            v[state] = backup(&model, 1.0, &v, (state, action));
        }
    }
    model.start().iter().map(|&(p, state)| p * v[state]).sum()
}

fn maps(id: &str, table: &QTable, title: &str) -> Vec<GridChart> {
    let spec = registry::find(id).expect("it is registered");
    let maps = policy_maps::maps(&spec, table, None).into_iter();
    let titled = |map: GridChart| {
        let ace = map.title.split_once(": ").map_or(String::new(), |(_, ace)| format!(", {ace}"));
        GridChart { title: format!("{title}{ace}"), ..map }
    };
    maps.map(titled).collect()
}

pub(super) fn reproduce(runs: &Runs<'_>) -> Result<Reproduction, Error> {
    let best = solved(EXACT, 1.0, 0.0);
    let sticks = |sum, card, ace| best.values().best(state(sum, card, ace)).0 == 0;
    let agrees = |&(sum, card, ace): &(usize, usize, usize)| {
        sticks(sum, card, ace) == (sum >= FIGURE_5_2[ace][card - 1])
    };
    let decisions = (12..22).flat_map(|sum| (1..11).flat_map(move |card| [(sum, card, 0), (sum, card, 1)]));
    let agreeing = decisions.filter(agrees).count();
    let mut claims = vec![
        Claim::computed(
            "decisions, of 200, of the best policy as in figure 5.2",
            (200.0, 200.0),
            "the book",
            agreeing as f64,
        ),
        Claim::computed(
            "expected return of the best policy, without the rule for a dealt 21",
            (-0.046_555_978, -0.046_555_976),
            "exact fractions",
            best.start_value(),
        ),
    ];
    let all = runs.of("blackjack: stick on 20", predicted)?;
    for (sum, card, ace, value) in VALUES {
        let with = if ace == 1 { ", usable ace" } else { "" };
        let what = format!("sum {sum} against {card}{with}: estimate after {MANY} episodes");
        let estimates = all.iter().map(|([_, many], _)| many[state(sum, card, ace)]).collect();
        claims.push(runs.claim(what, (value, value), NUMPY, estimates));
    }
    let returns = all.iter().map(|(_, mean)| *mean).collect();
    // Of the exact return, 0.00344 comes from the rule for a dealt 21.
    claims.push(runs.claim(
        "mean return of sticking on 20",
        (-0.350_111_146, -0.350_111_146),
        NUMPY,
        returns,
    ));
    let tables = runs.of("blackjack: Q-learning", learned)?;
    let worths: Vec<f64> = tables.iter().map(worth).collect();
    claims.push(runs.claim(
        "expected return of what Q-learning finds",
        (-0.0475, -0.046_555_9),
        "the best less 0.001",
        worths,
    ));
    let curve = |episodes: usize, which: usize| {
        let point = |sum: usize| (sum as f64, all[0].0[which][state(sum, 10, 0)]);
        series(&format!("after {episodes} episodes"), (12..22).map(point).collect())
    };
    let optimal = |sum: usize| (sum as f64, targets::max(&best.values().backups(state(sum, 10, 0))));
    let lines = vec![
        curve(FEW, 0),
        curve(MANY, 1),
        series("the best policy, exact", (12..22).map(optimal).collect()),
    ];
    let estimate = |which: usize| QTable::from_values(1, all[0].0[which].clone());
    let title = |episodes| format!("Estimated value of sticking on 20 after {episodes} episodes");
    let mut charts = maps(BOOK, &estimate(0), &title(FEW));
    charts.extend(maps(BOOK, &estimate(1), &title(MANY)));
    charts.extend(maps(EXACT, &best.values().q(), "Best value, and stick or hit (figure 5.2)"));
    let (count, seed) = runs_and_seed(runs);
    Ok(Reproduction {
        name: "blackjack",
        source: "Sutton and Barto 2018, figures 5.1 and 5.2",
        setting: format!(
            "first-visit Monte Carlo prediction of sticking on 20 and 21; Q-learning with alpha 1/n^0.8 from {LEARNED} random games"
        ),
        runs: count,
        seed,
        claims,
        beside: Vec::new(),
        charts: vec![chart(
            "Value against a ten, without a usable ace",
            ["the player's sum", "value"],
            lines,
        )],
        maps: charts,
        note: "The estimates that are drawn are those of the first seed, figure 5.1's; the best values and policy are computed on the exact model. \
               The book finds its policy by Monte Carlo with exploring starts; that of the model is the same in all 200 decisions of the \
               figure. The closest of them, a hand of 16 against a ten, hangs on a few thousandths of a unit, so that learned policies \
               differ from the best in some decisions and hardly in their return.",
        data: None,
        out: nowhere(),
    })
}
