//! Exact models against numbers from elsewhere.

use potstill_core::Pcg64;
use potstill_env::registry::find;
use potstill_env::{Env, TransitionModel};
use std::collections::BTreeMap;
use std::sync::Arc;

fn model(id: &str) -> Arc<TransitionModel> {
    find(id).unwrap().make_states().unwrap().model().unwrap()
}

/// Sweeps over all states until the values converge; `of_actions` combines the values of the actions.
fn solve(model: &TransitionModel, gamma: f64, of_actions: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    let mut values = vec![0.0; model.states()];
    loop {
        let mut moved = 0.0_f64;
        for state in 0..model.states() {
            let of_action = |action: usize| {
                let outcomes = model.outcomes(state, action).iter();
                let after = |next: usize, terminated: bool| if terminated { 0.0 } else { values[next] };
                outcomes.map(|o| o.probability * (o.reward + gamma * after(o.next, o.terminated))).sum()
            };
            let of_all: Vec<f64> = (0..model.actions()).map(of_action).collect();
            let value = of_actions(&of_all);
            moved = moved.max((value - values[state]).abs());
            values[state] = value;
        }
        if moved < 1e-13 {
            return values;
        }
    }
}

fn best(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

fn at_start(model: &TransitionModel, values: &[f64]) -> f64 {
    model.start().iter().map(|&(probability, state)| probability * values[state]).sum()
}

#[test]
fn start_values_of_the_best_policy() {
    let check = |id: &str, gamma: f64, expected: f64, digits: f64| {
        let model = model(id);
        let value = at_start(&model, &solve(&model, gamma, best));
        assert!((value - expected).abs() < digits, "{id} {gamma}: {value}");
    };
    check("CliffWalking-v1", 1.0, -13.0, 1e-12);
    check("FrozenLake-v1", 0.99, 0.542025932, 1e-9);
    check("FrozenLake-v1", 1.0, 0.823529412, 1e-9);
    check("FrozenLake8x8-v1", 0.99, 0.414640362, 1e-9);
    // By exact fractions over the endless deck.
    check("Blackjack-v1:sab=false", 1.0, -0.046_555_977, 1e-9);
    check("Taxi-v4", 1.0, 7.93, 1e-9);
    check("Taxi-v4", 0.99, 6.327464, 1e-6);
    check("DynaMaze", 0.95, 0.5133420833, 1e-10);
    check("WindyGridworld", 1.0, -15.0, 1e-12);
    check("WindyGridworld:kings_moves=true", 1.0, -7.0, 1e-12);
}

#[test]
fn a_random_walk_through_the_maze() {
    let maze = model("DynaMaze");
    // Steps to the goal are the return of -1 each: rewards and goal as in the maze, 0 and 1, count for
    // nothing here.
    let counted =
        TransitionModel::new(maze.states(), maze.actions(), maze.start().to_vec(), |state, action| {
            let outcomes = maze.outcomes(state, action).iter();
            outcomes.map(|o| potstill_env::ModelOutcome { reward: -1.0, ..*o }).collect()
        });
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let steps = -at_start(&counted, &solve(&counted, 1.0, mean));
    assert!((steps - 868.725428).abs() < 1e-5, "{steps}");
}

/// Random transitions agree with the model: chi-squared over the outcomes of each pair that was visited often
/// enough.
#[test]
fn blackjack_deals_as_its_model_says() {
    let mut env = find("Blackjack-v1:sab=false").unwrap().make_states().unwrap();
    let model = env.model().unwrap();
    let mut seen: BTreeMap<(usize, usize), Vec<f64>> = BTreeMap::new();
    let mut starts = vec![0.0; model.states()];
    let (mut rng, mut state, games) = (Pcg64::new(5), 0, 400_000);
    env.reset(Some(1), &mut state);
    for _ in 0..games {
        starts[state] += 1.0;
        loop {
            let (before, action) = (state, rng.below(2));
            let outcome = env.step(&action, &mut state).unwrap();
            let outcomes = model.outcomes(before, action);
            let same = |o: &potstill_env::ModelOutcome| {
                (o.next, o.reward, o.terminated) == (state, outcome.reward, outcome.terminated)
            };
            let i = outcomes.iter().position(same).expect("an outcome of the model");
            seen.entry((before, action)).or_insert_with(|| vec![0.0; outcomes.len()])[i] += 1.0;
            if outcome.done() {
                break;
            }
        }
        env.reset(None, &mut state);
    }
    let (mut chi_squared, mut freedom) = (0.0, 0.0);
    let mut add = |counts: &[f64], probabilities: Vec<f64>| {
        let n: f64 = counts.iter().sum();
        if probabilities.iter().all(|p| n * p >= 10.0) {
            chi_squared +=
                counts.iter().zip(&probabilities).map(|(c, p)| (c - n * p).powi(2) / (n * p)).sum::<f64>();
            freedom += counts.len() as f64 - 1.0;
        }
    };
    for ((state, action), counts) in &seen {
        add(counts, model.outcomes(*state, *action).iter().map(|o| o.probability).collect());
    }
    let counts: Vec<f64> = model.start().iter().map(|&(_, state)| starts[state]).collect();
    add(&counts, model.start().iter().map(|&(probability, _)| probability).collect());
    // Five standard deviations of chi-squared about its mean.
    assert!(freedom > 1000.0, "{freedom}");
    assert!((chi_squared - freedom).abs() < 5.0 * (2.0_f64 * freedom).sqrt(), "{chi_squared} {freedom}");
}

#[test]
fn what_the_observation_does_not_tell_has_no_model() {
    let check = |id: &str, expected: bool| assert_eq!(find(id).unwrap().has_model(), expected, "{id}");
    check("Blackjack-v1", false);
    check("Blackjack-v1:sab=false,natural=true", false);
    check("Blackjack-v1:sab=false", true);
    check("Taxi-v4:fickle_passenger=true", false);
    check("Taxi-v4:is_rainy=true", true);
}

#[test]
fn bad_options_get_one_clear_line() {
    let check = |id: &str, expected: &str| assert_eq!(find(id).unwrap_err().to_string(), expected);
    check("FrozenLake-v2", "there is no environment `FrozenLake-v2`");
    check(
        "CartPole-v1:x=1",
        "CartPole-v1: there is no option `x`; there is sutton_barto_reward, max_episode_steps, bins, one_hot, frame_stack, sticky_actions, action_repeat, clip_reward",
    );
    check("CartPole-v1:x", "CartPole-v1: `x`: write options as key=value,key=value");
    check(
        "CartPole-v1:max_episode_steps=0",
        "CartPole-v1: max_episode_steps=0: write a whole number from 1 to 1000000000000",
    );
    check("Pendulum-v1:g=NaN", "Pendulum-v1: g=NaN: write a number from -1000000 to 1000000");
    check("Taxi-v4:is_rainy=maybe", "Taxi-v4: is_rainy=maybe: write true or false");
    check("Taxi-v4:is_rainy=true,is_rainy=true", "Taxi-v4: option `is_rainy` is given twice");
    check(
        "FrozenLake-v1:desc=SF/HX",
        "FrozenLake-v1: desc: row 2 column 2 is 'X'; a map is made of S (start), F (frozen), H (hole), G (goal)",
    );
    check("FrozenLake-v1:desc=SF/FF", "FrozenLake-v1: desc: the map has no goal (G)");
    check("FrozenLake-v1:desc=SG,size=4", "FrozenLake-v1: give one of map_name, desc and size");
    check("FrozenLake-v1:map_name=5x5", "FrozenLake-v1: map_name=5x5: there is 4x4 and 8x8");
    check(
        "FrozenLake-v1:reward_schedule=1:2",
        "FrozenLake-v1: reward_schedule=1:2: write three numbers, such as 1:0:0",
    );
}
