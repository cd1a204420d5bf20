//! Offline learners against the fixed points of their updates, which another program computed from the exact model: the
//! slippery 4x4 lake, a discount of 0.99, and data of every state and action in the proportion of a behaviour.

use potstill::actor_critic::off_policy::Rates;
use potstill::core::Streams;
use potstill::deep::TaskSpec;
use potstill::env::TransitionModel;
use potstill::env::registry::find;
use potstill::experience::Batch;
use potstill::nn::Workspace;
use potstill::offline::{CqlLearner, CqlSettings, IqlLearner, IqlSettings, OfflineConfig, OfflineLearner};
use std::sync::Arc;

const STATES: usize = 16;
const ACTIONS: usize = 4;
const GAMMA: f64 = 0.99;

fn lake() -> Arc<TransitionModel> {
    find("FrozenLake-v1").unwrap().make_states().unwrap().model().unwrap()
}

/// `Q(s, .)` of the optimal policy.
fn optimal_values(model: &TransitionModel) -> Vec<[f64; ACTIONS]> {
    let mut q = vec![[0.0; ACTIONS]; STATES];
    for _ in 0..5000 {
        let best: Vec<f64> =
            q.iter().map(|q: &[f64; ACTIONS]| q.iter().copied().fold(0.0, f64::max)).collect();
        for (state, q) in q.iter_mut().enumerate() {
            for (action, q) in q.iter_mut().enumerate() {
                let value = |o: &potstill::env::ModelOutcome| {
                    o.probability * (o.reward + if o.terminated { 0.0 } else { GAMMA * best[o.next] })
                };
                *q = model.outcomes(state, action).iter().map(value).sum();
            }
        }
    }
    q
}

/// The frequency of each action in a state, in twenty-fourths: even, or half by the optimal policy.
fn counts(model: &TransitionModel, half_optimal: bool) -> Vec<[usize; ACTIONS]> {
    let count = |q: &[f64; ACTIONS]| {
        let best = q.iter().copied().fold(0.0, f64::max);
        let ties = q.iter().filter(|&&q| best - q < 1e-9).count();
        q.map(|q| match half_optimal {
            false => 6,
            true if best - q < 1e-9 => 3 + 12 / ties,
            true => 3,
        })
    };
    optimal_values(model).iter().map(count).collect()
}

/// One row for each outcome of each recorded action, of states from which an episode goes on; observations are indicators.
fn data(model: &TransitionModel, counts: &[[usize; ACTIONS]]) -> Batch {
    let mut batch = Batch::default();
    let indicator = |state: usize| (0..STATES).map(move |other| if other == state { 1.0 } else { 0.0 });
    for (state, counts) in counts.iter().enumerate() {
        // A terminal state leads to itself.
        if model.outcomes(state, 0).iter().all(|o| o.terminated && o.next == state) {
            continue;
        }
        for (action, count) in counts.iter().enumerate() {
            for outcome in model.outcomes(state, action) {
                let rows = (outcome.probability * 3.0).round() as usize * count / 3;
                for _ in 0..rows {
                    batch.observations.extend(indicator(state));
                    batch.next_observations.extend(indicator(outcome.next));
                    batch.actions.push(action);
                    batch.returns.push(outcome.reward as f32);
                    batch.discounts.push(if outcome.terminated { 0.0 } else { GAMMA as f32 });
                }
            }
        }
    }
    batch
}

fn task() -> TaskSpec {
    TaskSpec { data: Some(1), ..TaskSpec::new(STATES, ACTIONS, 1, Streams::new(1)) }
}

/// Linear networks over the indicators, whose targets follow at once.
fn tabular() -> OfflineConfig {
    OfflineConfig { net_arch: "mlp".parse().unwrap(), tau: 1.0, ..OfflineConfig::default() }
}

/// Updates with all of the data until nothing moves.
fn learn<L: OfflineLearner<Actions = usize>>(learner: &mut L, batch: &Batch, updates: u32) {
    for t in 0..updates {
        // From 0.03 to a ten thousandth of it.
        let rate = 0.03 * (1e-4_f64).powf(f64::from(t) / f64::from(updates));
        learner.learn(batch, Rates { policy: rate, critic: rate }).unwrap();
    }
}

/// The outputs of a policy's network in a state.
fn outputs<L: OfflineLearner>(learner: &L, state: usize) -> Vec<f32> {
    let observation: Vec<f32> = (0..STATES).map(|other| if other == state { 1.0 } else { 0.0 }).collect();
    learner.policy().predict(&observation, &mut Workspace::default()).to_vec()
}

#[test]
fn conservative_values_are_those_of_the_fixed_point() {
    let model = lake();
    let check = |half_optimal: bool, alpha: f64, expected: f64| {
        let batch = data(&model, &counts(&model, half_optimal));
        let mut settings = CqlSettings::default();
        // The fixed point has half the squared error.
        (settings.0.cql_alpha, settings.0.huber_delta) = (2.0 * alpha, 0.0);
        settings.1.0.0 = tabular();
        let mut learner = CqlLearner::new(&settings, &task());
        learn(&mut learner, &batch, 8000);
        let value = outputs(&learner, 0).into_iter().map(f64::from).fold(f64::MIN, f64::max);
        assert!(
            (value - expected).abs() < 2e-3 * expected.max(0.1),
            "{half_optimal} {alpha}: {value} {expected}"
        );
    };
    check(false, 0.0, 0.542_025_932);
    check(false, 0.01, 0.508_439_801);
    check(false, 0.1, 0.319_601_130);
    check(false, 1.0, 0.061_793_350);
    check(true, 0.01, 0.730_007_377);
    check(true, 0.1, 2.063_038_658);
    check(true, 1.0, 5.582_223_417);
}

#[test]
fn expectiles_and_weighted_policies_are_those_of_the_fixed_point() {
    let model = lake();
    let batch = data(&model, &counts(&model, false));
    let check = |expectile: f64, beta: f64, expected: f64, of_policy: Option<f64>| {
        let mut settings = IqlSettings::default();
        (settings.0.expectile, settings.0.beta) = (expectile, beta);
        settings.1.0 = tabular();
        let mut learner = IqlLearner::<usize>::new(&settings, &task());
        learn(&mut learner, &batch, 8000);
        let value = f64::from(learner.values(&batch.observations)[0]);
        assert!((value - expected).abs() < 2e-3 * expected.max(0.05), "{expectile}: {value} {expected}");
        if let Some(expected) = of_policy {
            let policy: Vec<Vec<f64>> = (0..STATES).map(|state| softmax(&outputs(&learner, state))).collect();
            let value = value_of(&model, &policy);
            assert!((value - expected).abs() < 1e-2 * expected, "{expectile} {beta}: {value} {expected}");
        }
    };
    check(0.5, 3.0, 0.012_356_137, None);
    check(0.7, 3.0, 0.031_058_493, Some(0.016_882));
    check(0.7, 10.0, 0.031_058_493, Some(0.026_854));
    check(0.9, 3.0, 0.115_389_149, None);
    check(0.95, 3.0, 0.212_107_949, None);
}

fn softmax(logits: &[f32]) -> Vec<f64> {
    let of: Vec<f64> = logits.iter().map(|&z| f64::from(z).exp()).collect();
    let sum: f64 = of.iter().sum();
    of.iter().map(|p| p / sum).collect()
}

/// The value of the start under a policy.
fn value_of(model: &TransitionModel, policy: &[Vec<f64>]) -> f64 {
    let mut v = [0.0; STATES];
    for _ in 0..5000 {
        v = std::array::from_fn(|state| {
            let of = |action: usize| -> f64 {
                let outcomes = model.outcomes(state, action).iter();
                let value = |o: &potstill::env::ModelOutcome| {
                    o.probability * (o.reward + if o.terminated { 0.0 } else { GAMMA * v[o.next] })
                };
                outcomes.map(value).sum()
            };
            (0..ACTIONS).map(|action| policy[state][action] * of(action)).sum()
        });
    }
    v[0]
}
