//! Exact models from Python: Gymnasium's `P`, a list of outcomes for each state and action.

use crate::errors::{Class, caught};
use potstill::env::registry::{Entry, Factory, register};
use potstill::env::{ModelEnv, ModelOutcome, Paint, Painter, Scene, TransitionModel};
use pyo3::prelude::*;
use std::sync::Arc;

/// One outcome: probability, next state, reward, terminated.
type Outcome = (f64, usize, f64, bool);

/// Checks what a model asserts; the error is the reason.
fn check(outcomes: &[Vec<Vec<Outcome>>], start: &[f64]) -> Result<(), String> {
    let states = outcomes.len();
    let is_distribution = |probabilities: &mut dyn Iterator<Item = f64>| {
        let sum = probabilities.fold(0.0, |sum, p| if p >= 0.0 { sum + p } else { f64::NAN });
        (sum - 1.0).abs() < 1e-9
    };
    let actions = outcomes.first().map_or(0, Vec::len);
    if actions == 0 {
        return Err("there is no state, or no action in state 0".to_owned());
    }
    if start.len() != states || !is_distribution(&mut start.iter().copied()) {
        return Err(format!("start: write {states} probabilities that sum to 1"));
    }
    for (state, of_state) in outcomes.iter().enumerate() {
        if of_state.len() != actions {
            return Err(format!("state {state} has {} actions, state 0 has {actions}", of_state.len()));
        }
        for (action, of_pair) in of_state.iter().enumerate() {
            let place = format!("state {state}, action {action}");
            if let Some((p, ..)) = of_pair.iter().find(|outcome| outcome.0.is_nan() || outcome.0 < 0.0) {
                return Err(format!("a probability of {place} is {p}"));
            }
            if !is_distribution(&mut of_pair.iter().map(|outcome| outcome.0)) {
                return Err(format!("the probabilities of {place} do not sum to 1"));
            }
            if let Some((_, next, ..)) = of_pair.iter().find(|outcome| outcome.1 >= states) {
                return Err(format!("{place} leads to state {next}; there are {states} states"));
            }
            if let Some((_, _, reward, _)) = of_pair.iter().find(|outcome| !outcome.2.is_finite()) {
                return Err(format!("a reward of {place} is {reward}"));
            }
        }
    }
    Ok(())
}

/// Registers the environment of an exact model: `outcomes[state][action]` is a list of outcomes, and `start` has the
/// probability of each state as the first of an episode.
///
/// # Errors
/// If it is no model; the message names the state and the action.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "a value of Python is extracted as an owned one")]
pub(crate) fn register_model(id: &str, outcomes: Vec<Vec<Vec<Outcome>>>, start: Vec<f64>) -> PyResult<()> {
    caught(|| {
        let refused = |reason: String| Class::Input.with(format!("P: {reason}"));
        check(&outcomes, &start).map_err(refused)?;
        let (states, actions) = (outcomes.len(), outcomes[0].len());
        let start =
            start.iter().enumerate().filter(|(_, p)| **p > 0.0).map(|(state, p)| (*p, state)).collect();
        let outcome = |&(probability, next, reward, terminated): &Outcome| ModelOutcome {
            probability,
            next,
            reward,
            terminated,
        };
        let model = TransitionModel::new(states, actions, start, |state, action| {
            outcomes[state][action].iter().map(outcome).collect()
        });
        let columns = (states as f64).sqrt().ceil() as usize;
        let painter: Painter = Arc::new(move |state| {
            let square = |row: usize, column: usize| match row * columns + column < states {
                true => (Paint::Ground, '.'),
                false => (Paint::Ink, '#'),
            };
            let scene = Scene::grid(states.div_ceil(columns), columns, square);
            scene.with_agent(state / columns, state % columns)
        });
        let env = ModelEnv::new(model, painter);
        let id: &'static str = Box::leak(id.to_owned().into_boxed_str());
        let entry = Entry::new(id, "an exact model of Python", move |_| {
            let env = env.clone();
            Ok(Factory::new(move || env.clone()))
        });
        register(entry).map_err(|error| Class::Input.with(error.to_string()))
    })
}
