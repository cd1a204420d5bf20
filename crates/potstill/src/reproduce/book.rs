//! The parts that the book's course shares: environments, walks under a random policy, backups on a model.

use super::result::Runs;
use crate::planning::{EpsilonSoftConfig, Planner, PlanningConfig, ValueIteration};
use crate::policy::{Behaviour, ExplorationRule};
use crate::report::{LineChart, Series};
use potstill_core::Streams;
use potstill_env::registry::{self, StateEnv};
use potstill_env::{Env, EnvError, TransitionModel};
use std::sync::Arc;

/// The expected values that the program in NumPy gave.
pub(super) const NUMPY: &str = "a second program";

pub(super) fn states(id: &str) -> StateEnv {
    registry::find(id).expect("it is registered").make_states().expect("its states are discrete")
}

pub(super) fn exact_model(id: &str) -> Arc<TransitionModel> {
    states(id).model().expect("it has a model")
}

/// The uniformly random policy.
pub(super) fn uniform(states: usize, actions: usize, streams: Streams) -> Behaviour {
    let rule = ExplorationRule::EpsilonGreedy { epsilon: 1.0.into() };
    Behaviour::new(rule, states, actions, streams)
}

/// The optimal values, or those of the uniformly random policy with an `epsilon` of 1.
pub(super) fn solved(id: &str, gamma: f64, epsilon: f64) -> ValueIteration {
    let config = PlanningConfig { gamma, ..PlanningConfig::default() };
    let planner = ValueIteration::new(exact_model(id), &config);
    let mut planner = planner.epsilon_soft(&EpsilonSoftConfig { epsilon });
    while !planner.is_done() {
        planner.sweep();
    }
    planner
}

/// The expected return of an action, if states are worth `v`.
pub(super) fn backup(model: &TransitionModel, gamma: f64, v: &[f64], (state, action): (usize, usize)) -> f64 {
    let after = |next: usize, terminated: bool| if terminated { 0.0 } else { gamma * v[next] };
    let outcomes = model.outcomes(state, action).iter();
    outcomes.map(|o| o.probability * (o.reward + after(o.next, o.terminated))).sum()
}

/// The return of an episode of a policy, discounted and cut after some steps.
pub(super) fn play(
    env: &mut StateEnv,
    policy: &dyn Fn(usize) -> usize,
    (seed, gamma, steps): (Option<u64>, f64, usize),
) -> Result<f64, EnvError> {
    let (mut state, mut sum, mut discount) = (0, 0.0, 1.0);
    env.reset(seed, &mut state);
    for _ in 0..steps {
        let outcome = env.step(&policy(state), &mut state)?;
        sum += discount * outcome.reward;
        discount *= gamma;
        if outcome.done() {
            break;
        }
    }
    Ok(sum)
}

/// The square root of the mean squared difference.
pub(super) fn rms(v: &[f64], truth: &[f64]) -> f64 {
    let squares: f64 = v.iter().zip(truth).map(|(v, t)| (v - t) * (v - t)).sum();
    (squares / truth.len() as f64).sqrt()
}

/// A chart of these lines.
pub(super) fn chart(title: &str, [x_label, y_label]: [&str; 2], series: Vec<Series>) -> LineChart {
    LineChart {
        title: title.to_owned(),
        x_label: x_label.to_owned(),
        y_label: y_label.to_owned(),
        series,
        y_range: None,
    }
}

/// The runs as a reproduction's fields take them.
pub(super) fn runs_and_seed(runs: &Runs<'_>) -> (usize, u64) {
    (runs.count, runs.request.seed)
}
