//! Jack's car rental (Sutton and Barto 2018, Example 4.2, figure 4.2 and exercise 4.7).

use super::book::{NUMPY, backup, chart, exact_model, play, runs_and_seed, solved, states};
use super::result::{Claim, Reproduction, Runs, nowhere, series};
use crate::error::Error;
use crate::planning::{Planner, ValueIteration};
use crate::report::GridChart;
use crate::run::policy_maps;
use crate::train::TrainError;
use potstill_core::Streams;
use potstill_env::{TransitionModel, registry};

const BOOK: &str = "CarRental";
const EXERCISE: &str = "CarRental:free_shuttle=true,parking_fee=true";
const PLAYED: &str = "CarRental:random_income=true";
const GAMMA: f64 = 0.9;
/// Numbers of cars at a place, and the state with ten at each.
const CARS: usize = 21;
const MIDDLE: usize = 10 * CARS + 10;
/// Days of which the discounted income is summed up; 0.9 to this power is 7e-10.
const DAYS: usize = 200;

/// The optimal moves with the fewest cars, by the second program: a row for each number of cars at the first
/// place, a letter for each at the second; `a` to `e` are one to five cars back.
#[rustfmt::skip]
const FIGURE_4_2: [&str; CARS] = [
    "00000000aabbbcccccddd",
    "000000000aaabbbbbcccc",
    "00000000000aaaaabbbbb",
    "000000000000000aaaaab",
    "0000000000000000000aa",
    "111000000000000000000",
    "221100000000000000000",
    "322110000000000000000",
    "332211000000000000000",
    "433221000000000000000",
    "443321000000000000000",
    "544321100000000000000",
    "554322100000000000000",
    "554332100000000000000",
    "554432100000000000000",
    "555432100000000000000",
    "555432110000000000000",
    "555432211000000000000",
    "555433221111000000000",
    "555443322221111100000",
    "555544333322222111000",
];

/// The same for exercise 4.7.
#[rustfmt::skip]
const EXERCISE_4_7: [&str; CARS] = [
    "0000000aabbcccdeddeee",
    "10000000aabbbcdecdddd",
    "110000000aaabcdeccccc",
    "11110000000abcdebbbbb",
    "11111000000abcdaaaaaa",
    "11111100000abc000000a",
    "21111111000ab00000000",
    "22111111100ab00000000",
    "32211111110a000000000",
    "33221111110a000000000",
    "433211111101000000000",
    "443221111111111111111",
    "543322222102222222220",
    "54433333110a333333110",
    "55444441110a111111110",
    "55555511110a111111110",
    "55443211110a111111110",
    "55543211110a111111110",
    "55543221110a111111110",
    "55543321110a111111110",
    "555443211101111111110",];

/// The cars that a letter of a table moves.
fn moved(letter: u8) -> i64 {
    match letter {
        b'0'..=b'5' => i64::from(letter - b'0'),
        _ => -i64::from(letter - b'a' + 1),
    }
}

fn expected_move(table: &[&str; CARS], state: usize) -> i64 {
    moved(table[state / CARS].as_bytes()[state % CARS])
}

/// The fewest cars of the best moves.
fn best_move(worth: impl Fn(usize) -> f64) -> i64 {
    let values: Vec<f64> = (0..11).map(worth).collect();
    let best = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let moves = (-5..=5).zip(values).filter(|(_, value)| *value > best - 1e-7).map(|(cars, _)| cars);
    moves.min_by_key(|cars: &i64| cars.abs()).expect("the best is one of them")
}

fn action(cars: i64) -> usize {
    (cars + 5) as usize
}

/// The values of a policy, by sweeps until they converge.
fn evaluated(model: &TransitionModel, policy: &[i64]) -> Vec<f64> {
    let mut v = vec![0.0; CARS * CARS];
    loop {
        let mut change: f64 = 0.0;
        for state in 0..v.len() {
            let value = backup(model, GAMMA, &v, (state, action(policy[state])));
            change = change.max((std::mem::replace(&mut v[state], value) - value).abs());
        }
        if change < 1e-9 {
            return v;
        }
    }
}

/// The policies of policy iteration, from that without any moves to the stable one.
fn policies(model: &TransitionModel) -> Vec<(Vec<i64>, Vec<f64>)> {
    let mut policy = vec![0; CARS * CARS];
    let mut found = Vec::new();
    loop {
        let v = evaluated(model, &policy);
        let improved: Vec<i64> = (0..v.len())
            .map(|state| {
                let worth = |action| backup(model, GAMMA, &v, (state, action));
                let best = best_move(worth);
                let is_better = worth(action(best)) > worth(action(policy[state])) + 1e-7;
                if is_better { best } else { policy[state] }
            })
            .collect();
        found.push((policy, v));
        if improved == found[found.len() - 1].0 {
            return found;
        }
        policy = improved;
    }
}

/// The states in which a planner's best move is that of a table.
fn agreeing(planner: &ValueIteration, table: &[&str; CARS]) -> f64 {
    let values = planner.values();
    let agrees =
        |state: &usize| best_move(|action| values.backup(*state, action)) == expected_move(table, *state);
    (0..CARS * CARS).filter(agrees).count() as f64
}

/// The discounted income of [`DAYS`] from ten cars at each place.
fn income(policy: &(dyn Fn(usize) -> usize + Sync), streams: Streams) -> Result<f64, TrainError> {
    let seed = Some(streams.seed_for("environment", 0));
    play(&mut states(PLAYED), policy, (seed, GAMMA, DAYS)).map_err(TrainError::Play)
}

fn map(planner: &ValueIteration, id: &str, title: &str) -> GridChart {
    let spec = registry::find(id).expect("it is registered");
    GridChart { title: title.to_owned(), ..policy_maps::maps(&spec, &planner.values().q(), None).remove(0) }
}

pub(super) fn reproduce(runs: &Runs<'_>) -> Result<Reproduction, Error> {
    let (book, exercise) = (solved(BOOK, GAMMA, 0.0), solved(EXERCISE, GAMMA, 0.0));
    let iterations = policies(&exact_model(BOOK));
    let exact = |what: &str, (planner, state): (&ValueIteration, usize), expected: f64| {
        // Printed here with seven decimals.
        Claim::computed(what, (expected - 1e-6, expected + 1e-6), NUMPY, planner.values().v()[state])
    };
    let states_of = |what: &str, planner, table, from| {
        Claim::computed(what, (441.0, 441.0), from, agreeing(planner, table))
    };
    let mut claims = vec![
        exact("value without cars", (&book, 0), 421.414_063_4),
        exact("value with ten cars at each place", (&book, MIDDLE), 574.948_324_0),
        exact("value with twenty cars at each place", (&book, CARS * CARS - 1), 636.989_606_8),
        states_of("states, of 441, with the best move of figure 4.2", &book, &FIGURE_4_2, "the book; NumPy"),
        Claim::computed(
            "improvements of policy iteration, from no moves",
            (4.0, 4.0),
            "the book, figure 4.2",
            (iterations.len() - 1) as f64,
        ),
        exact("exercise 4.7: value with ten cars at each place", (&exercise, MIDDLE), 580.963_973_1),
        states_of("exercise 4.7: states, of 441, with the best move", &exercise, &EXERCISE_4_7, NUMPY),
    ];
    let best = |state: usize| action(expected_move(&FIGURE_4_2, state));
    let with_moves = runs.of("the car rental: the best moves", |streams| income(&best, streams))?;
    let without = runs.of("the car rental: no moves", |streams| income(&|_| action(0), streams))?;
    let income_of =
        |what: &str, value: f64, all| runs.claim(what, (value, value), "the values above, by play", all);
    claims.push(income_of(
        "discounted income of 200 days, played with the best moves",
        574.948_324,
        with_moves,
    ));
    claims.push(income_of("the same without moves", 550.749_376, without));
    let line = |(i, (policy, _)): (usize, &(Vec<i64>, Vec<f64>))| {
        let moves = (0..CARS).map(|first| (first as f64, policy[first * CARS] as f64)).collect();
        series(&format!("policy {i}"), moves)
    };
    let labels = ["cars at the first place, none at the second", "cars moved to the second place"];
    let (count, seed) = runs_and_seed(runs);
    Ok(Reproduction {
        name: "car-rental",
        source: "Sutton and Barto 2018, Example 4.2, figure 4.2 and exercise 4.7",
        setting: "gamma 0.9; policy iteration on the exact model, and 200 days of play for each run"
            .to_owned(),
        runs: count,
        seed,
        claims,
        beside: Vec::new(),
        charts: vec![chart(
            "Policies of policy iteration",
            labels,
            iterations.iter().enumerate().map(line).collect(),
        )],
        maps: vec![
            map(&book, BOOK, "Value, and cars moved to the second place (figure 4.2)"),
            map(&exercise, EXERCISE, "The same with the free shuttle and the parking fee of exercise 4.7"),
        ],
        note: "The figures are computed. Income is drawn from customers and returns in play, and its mean is the computed value: environment and \
               model are one. Of moves that are equally good the one with the fewest cars is shown.",
        data: None,
        out: nowhere(),
    })
}
