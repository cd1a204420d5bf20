//! The exact quality of a learned policy: policy evaluation on the environment's model instead of a mean over
//! episodes.
//!
//! cargo run --release -p potstill --example exact_values
//!
//! Environments with discrete states give their model: for each state and action the next states, with probabilities and
//! rewards. With it, the value of a policy is the solution of the Bellman equation (Sutton and Barto 2018, equation 4.4).

use potstill::core::Streams;
use potstill::env::registry::{StateEnv, find};
use potstill::env::{Env, TransitionModel};
use potstill::planning::{Planner, PlanningConfig, ValueIteration};
use potstill::tabular::{QLearning, TabularConfig};
use potstill::targets::argmax;
use potstill::train::{Trainer, Training};

const GAMMA: f64 = 0.99;

fn make_env() -> StateEnv {
    find("FrozenLake-v1").expect("it is registered").make_states().expect("its states are discrete")
}

/// Iterative policy evaluation (Sutton and Barto 2018, section 4.1): the value of the start under `policy`, which names an
/// action for each state.
fn value_of(model: &TransitionModel, policy: &[usize]) -> f64 {
    let mut values = vec![0.0; model.states()];
    loop {
        let mut change: f64 = 0.0;
        for (state, &action) in policy.iter().enumerate() {
            let outcomes = model.outcomes(state, action).iter();
            // No bootstrap after a terminal state.
            let value: f64 = outcomes
                .map(|o| o.probability * (o.reward + if o.terminated { 0.0 } else { GAMMA * values[o.next] }))
                .sum();
            change = change.max((value - values[state]).abs());
            values[state] = value;
        }
        if change < 1e-12 {
            return model.start().iter().map(|&(probability, state)| probability * values[state]).sum();
        }
    }
}

/// Compares a policy that Q-learning finds with the optimal one.
pub(crate) fn main() {
    let model = make_env().model().expect("an environment with discrete states has a model");

    // The optimal values, by value iteration.
    let config = PlanningConfig { gamma: GAMMA, ..PlanningConfig::default() };
    let mut planner = ValueIteration::new(model.clone(), &config);
    while !planner.is_done() {
        planner.sweep();
    }
    let best = planner.start_value();

    // Q-learning has no model, only experience. On slippery ice a value is a mean, so its step sizes decrease.
    let streams = Streams::new(1);
    let config = TabularConfig {
        alpha: "1/n^0.6".parse().expect("a schedule"),
        gamma: GAMMA,
        epsilon: 0.5.into(),
        ..TabularConfig::default()
    };
    let (states, actions) = (model.states(), model.actions());
    let mut trainer = Trainer::new(QLearning::new(config, states, actions, streams), make_env(), streams);
    trainer.run(200_000, None, &mut ()).expect("the environment takes every action");
    let q = trainer.agent().q();
    let greedy: Vec<usize> = (0..states)
        .map(|state| {
            let row: Vec<f32> = q.row(state).iter().map(|&value| value as f32).collect();
            argmax(&row)
        })
        .collect();
    let learned = value_of(&model, &greedy);

    let right = value_of(&model, &vec![2; states]);
    println!("value of the start: best {best:.6}, learned {learned:.6}, always to the right {right:.6}");
    // A program that shares no code with this one gives the same number: 0.542025932.
    assert!((best - 0.542_026).abs() < 1e-6, "{best}");
    assert!(learned <= best + 1e-9 && learned > 0.9 * best, "{learned}");
}
