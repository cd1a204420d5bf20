//! The environments of Sutton and Barto's book against its tables and figures, and against exact numbers of a
//! program in NumPy (`testdata/reproductions/book.py`).

use potstill::env::Env;
use potstill::env::registry::{StateEnv, find};
use potstill::planning::{
    EpsilonSoftConfig, Planner, PlanningConfig, PolicyIteration, StateValues, ValueIteration,
};

fn environment(id: &str) -> StateEnv {
    find(id).unwrap().make_states().unwrap()
}

/// The optimal values, or with `epsilon` 1 those of the uniformly random policy.
fn solved(id: &str, gamma: f64, epsilon: f64) -> ValueIteration {
    let model = environment(id).model().unwrap();
    let config = PlanningConfig { gamma, tolerance: 1e-13, ..PlanningConfig::default() };
    let mut planner = ValueIteration::new(model, &config).epsilon_soft(&EpsilonSoftConfig { epsilon });
    while !planner.is_done() {
        planner.sweep();
    }
    planner
}

fn check_values(id: &str, values: &StateValues, expected: &[(usize, f64)]) {
    for &(state, expected) in expected {
        let value = values.v()[state];
        assert!((value - expected).abs() < 1e-7, "{id}, state {state}: {value}");
    }
}

#[test]
fn the_small_gridworld_has_the_values_of_figure_4_1() {
    let planner = solved("SmallGridworld", 1.0, 1.0);
    // The figure's last grid, row by row.
    let figure = [0, -14, -20, -22, -14, -18, -20, -20, -20, -20, -18, -14, -22, -20, -14, 0];
    let expected: Vec<(usize, f64)> = figure.map(f64::from).into_iter().enumerate().collect();
    check_values("SmallGridworld", planner.values(), &expected);
    // The optimal values are the distances to the nearer corner.
    let best = [0, -1, -2, -3, -1, -2, -3, -2, -2, -3, -2, -1, -3, -2, -1, 0];
    let expected: Vec<(usize, f64)> = best.map(f64::from).into_iter().enumerate().collect();
    check_values("SmallGridworld", solved("SmallGridworld", 1.0, 0.0).values(), &expected);
}

#[test]
fn the_random_walks_have_the_values_of_the_book() {
    let check = |id: &str, expected: &[(usize, f64)]| {
        check_values(id, solved(id, 1.0, 1.0).values(), expected);
    };
    let sixths: Vec<(usize, f64)> = (0..5).map(|i| (i, (i + 1) as f64 / 6.0)).collect();
    check("RandomWalk", &sixths);
    let tenths: Vec<(usize, f64)> = (0..19).map(|i| (i, (i as f64 - 9.0) / 10.0)).collect();
    check("RandomWalk:states=19,left_reward=-1", &tenths);
    // From the linear equations in NumPy.
    check(
        "RandomWalk:states=1000,reach=100,left_reward=-1",
        &[(0, -0.921_960_460_5), (99, -0.754_176_957_2), (499, -0.000_943_495_7), (749, 0.470_813_545_2)],
    );
}

/// The smallest of the best stakes, figure 4.3: in each quarter up to 12 and down again, and a quarter, half or
/// quarter at 25, 50 and 75.
fn figure_4_3(capital: usize) -> usize {
    match capital {
        50 => 50,
        25 | 75 => 25,
        _ => (capital % 25).min(25 - capital % 25),
    }
}

#[test]
fn the_gambler_has_the_values_and_the_policy_of_figure_4_3() {
    let check = |id: &str, expected: &[(usize, f64)]| {
        let planner = solved(id, 1.0, 0.0);
        check_values(id, planner.values(), expected);
        planner
    };
    // Bold play by hand: 0.4 at 50, 0.4 of that at 25, 0.4 + 0.6 * 0.4 at 75; the others from NumPy.
    let expected = [
        (50, 0.4),
        (25, 0.16),
        (75, 0.64),
        (1, 0.002_065_624_8),
        (10, 0.043_463_497_5),
        (51, 0.403_098_437_2),
        (99, 0.964_332_967_2),
    ];
    let planner = check("Gambler", &expected);
    for capital in 1..100 {
        let backups = planner.values().backups(capital);
        let best = backups.iter().copied().fold(0.0, f64::max);
        let stake = 1 + backups.iter().position(|&value| value > best - 1e-9).unwrap();
        assert_eq!(stake, figure_4_3(capital), "{capital}");
    }
    check("Gambler:p_h=0.25", &[(50, 0.25), (25, 0.0625), (75, 0.4375), (10, 0.007_085_020_2)]);
    // A fair chance above a half: timid play, 1 - (9/11)^s over 1 - (9/11)^100.
    check("Gambler:p_h=0.55", &[(1, 0.181_818_182_2), (10, 0.865_569_369_0), (50, 0.999_956_099_1)]);
}

/// The optimal moves of figure 4.2 in the corners, and of exercise 4.7: cars at the places, and the move.
#[test]
fn the_car_rental_has_the_values_and_the_policy_of_figure_4_2() {
    let check = |id: &str, values: &[(usize, f64)], moves: &[([usize; 2], i64)], moved: i64| {
        let model = environment(id).model().unwrap();
        let config = PlanningConfig { gamma: 0.9, tolerance: 1e-11, ..PlanningConfig::default() };
        let mut planner = PolicyIteration::modified(model, &config, &Default::default());
        while !planner.is_done() {
            planner.sweep();
        }
        check_values(id, planner.values(), values);
        let best = |state: usize| {
            let backups = planner.values().backups(state);
            let best = backups.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let moves = (-5..=5).zip(backups).filter(|(_, value)| *value > best - 1e-6);
            moves.map(|(cars, _)| cars).min_by_key(|cars: &i64| cars.abs()).unwrap()
        };
        for &([first, second], expected) in moves {
            assert_eq!(best(first * 21 + second), expected, "{id} {first} {second}");
        }
        assert_eq!((0..441).map(best).sum::<i64>(), moved, "{id}");
    };
    let (none, all, middle) = (0, 440, 10 * 21 + 10);
    check(
        "CarRental",
        &[(none, 421.414_063_395_7), (middle, 574.948_323_984_4), (all, 636.989_606_803_5)],
        &[([20, 0], 5), ([10, 10], 0), ([0, 20], -4), ([5, 0], 1), ([20, 17], 1), ([0, 8], -1), ([0, 7], 0)],
        274,
    );
    check(
        "CarRental:free_shuttle=true,parking_fee=true",
        &[(none, 429.946_304_963_4), (middle, 580.963_973_104_3), (all, 603.536_700_920_3)],
        &[([20, 0], 5), ([10, 10], 0), ([0, 20], -5), ([4, 15], -1), ([20, 20], 0)],
        300,
    );
}

/// Sampled rewards have the model's expectation.
#[test]
fn the_income_of_a_day_has_its_expectation() {
    let model = environment("CarRental").model().unwrap();
    let mut env = environment("CarRental:random_income=true");
    assert!(env.model().is_none());
    let (mut state, mut differences) = (0, Vec::new());
    env.reset(Some(1), &mut state);
    for day in 0..40_000 {
        let (before, action) = (state, day % 11);
        let reward = env.step(&action, &mut state).unwrap().reward;
        let outcomes = model.outcomes(before, action);
        assert!(outcomes.iter().any(|o| o.next == state && o.probability > 0.0));
        differences.push(reward - outcomes[0].reward);
    }
    let mean = differences.iter().sum::<f64>() / 40_000.0;
    let variance = differences.iter().map(|d| d * d).sum::<f64>() / 40_000.0;
    // Five standard errors; the income of a day has a deviation of about 20.
    assert!(mean.abs() < 5.0 * (variance / 40_000.0).sqrt() && variance > 300.0, "{mean} {variance}");
}

/// The policy of figure 5.2: the lowest sum to stick on, by the dealer's card from the ace to ten.
#[test]
fn blackjack_has_the_policy_of_figure_5_2() {
    let planner = solved("Blackjack-v1:sab=false", 1.0, 0.0);
    let check = |ace: usize, expected: [usize; 10]| {
        let lowest = |card: usize| {
            let sticks = |sum: usize| planner.values().best((sum * 11 + card) * 2 + ace).0 == 0;
            let lowest = (12..22).find(|&sum| sticks(sum)).unwrap();
            assert!((lowest..22).all(sticks), "{ace} {card}");
            lowest
        };
        assert_eq!(std::array::from_fn(|i| lowest(i + 1)), expected, "{ace}");
    };
    check(0, [17, 13, 13, 12, 12, 12, 17, 17, 17, 17]);
    check(1, [19, 18, 18, 18, 18, 18, 18, 18, 19, 19]);
}
