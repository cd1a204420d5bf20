//! Offline learners against the fixed points of their updates, which another program computed from the exact model: the
//! slippery 4x4 lake, a discount of 0.99, and data of every state and action in the proportion of a behaviour.

use potstill::actor_critic::off_policy::Rates;
use potstill::config::Auto;
use potstill::core::{Restorable, Snapshot, Streams, Value};
use potstill::deep::TaskSpec;
use potstill::env::TransitionModel;
use potstill::env::registry::find;
use potstill::experience::Batch;
use potstill::nn::Workspace;
use potstill::offline::{
    CqlLearner, CqlSettings, FqiLearner, FqiSettings, IqlLearner, IqlSettings, OfflineConfig, OfflineLearner,
};
use potstill::optimizer::{OptimizerConfig, OptimizerKind};
use std::sync::Arc;

const STATES: usize = 16;
const ACTIONS: usize = 4;
const GAMMA: f64 = 0.99;

fn lake() -> Arc<TransitionModel> {
    find("FrozenLake-v1").unwrap().make_states().unwrap().model().unwrap()
}

/// `Q(s, .)` of the optimal policy with so many steps to go: sweeps of value iteration.
fn optimal_values(model: &TransitionModel, sweeps: u32) -> Vec<[f64; ACTIONS]> {
    let mut q = vec![[0.0; ACTIONS]; STATES];
    for _ in 0..sweeps {
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
    optimal_values(model, 5000).iter().map(count).collect()
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
fn regressions_are_sweeps_of_value_iteration() {
    let model = lake();
    let check = |half_optimal: bool, iterations: u32, expected: f64| {
        let batch = data(&model, &counts(&model, half_optimal));
        let (mut settings, updates) = (FqiSettings::default(), 300);
        settings.0.updates_per_iteration = updates;
        settings.1.0.0 = tabular();
        let mut learner = FqiLearner::new(&settings, &task());
        for _ in 0..u64::from(iterations) * updates {
            learner.learn(&batch, Rates { policy: 0.0, critic: 0.02 }).unwrap();
        }
        let exact = optimal_values(&model, iterations);
        let start = exact[0].iter().copied().fold(0.0, f64::max);
        assert!((start - expected).abs() < 1e-9, "{iterations}: {start}");
        for (state, exact) in exact.iter().enumerate() {
            // The data have no transition from a terminal state.
            if model.outcomes(state, 0).iter().all(|o| o.terminated && o.next == state) {
                continue;
            }
            for (found, exact) in outputs(&learner, state).iter().zip(exact) {
                assert!(
                    (f64::from(*found) - exact).abs() < 1e-3,
                    "{half_optimal} {iterations} {state}: {found} {exact}"
                );
            }
        }
    };
    check(false, 1, 0.0);
    check(false, 8, 0.017_749_466_141);
    check(true, 20, 0.174_236_391_230);
    check(false, 60, 0.461_125_955_892);
}

#[test]
fn conservative_values_are_those_of_the_fixed_point() {
    let model = lake();
    let check = |half_optimal: bool, alpha: f64, expected: f64| {
        let batch = data(&model, &counts(&model, half_optimal));
        let mut settings = CqlSettings::default();
        // The fixed point has half the squared error.
        (settings.0.cql_alpha, settings.0.huber_delta) = (Auto::Number(2.0 * alpha), 0.0);
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

/// The value at a path of names, to be replaced.
fn replaced(state: &Snapshot, path: &str, change: &dyn Fn(&Value) -> Value) -> Snapshot {
    let (first, rest) = path.split_once('/').map_or((path, None), |(first, rest)| (first, Some(rest)));
    assert!(state.contains(first), "{path} in {:?}", state.iter().map(|(name, _)| name).collect::<Vec<_>>());
    let mut copy = Snapshot::new();
    for (name, value) in state.iter() {
        copy.insert(
            name,
            match (name == first, rest, value) {
                (false, ..) => value.clone(),
                (true, None, value) => change(value),
                (true, Some(rest), Value::Tree(tree)) => Value::Tree(replaced(tree, rest, change)),
                (true, Some(_), _) => panic!("{path}: {name} is no tree"),
            },
        );
    }
    copy
}

/// Baird's star: seven states, whose behaviour goes to each of the first six alike, and once in seven times
/// to the last; all rewards are 0. Values are linear in nine features, the last of which is the bias, and
/// bootstrap from what they learn off-policy: the deadly triad.
mod star {
    use super::*;

    const STATES: usize = 7;
    const START: [f32; 9] = [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 10.0, 1.0, 0.0];

    fn features(state: usize) -> [f32; 8] {
        let mut x = [0.0; 8];
        if state < 6 {
            (x[state], x[7]) = (2.0, 1.0);
        } else {
            (x[6], x[7]) = (1.0, 2.0);
        }
        x
    }

    fn transitions() -> Batch {
        let mut batch = Batch::default();
        for state in 0..STATES {
            for next in 0..STATES {
                batch.observations.extend(features(state));
                batch.next_observations.extend(features(next));
                batch.actions.push(usize::from(next == 6));
                batch.returns.push(0.0);
                batch.discounts.push(GAMMA as f32);
            }
        }
        batch
    }

    /// The largest magnitude of a value after 4,000 sweeps of gradient descent, from the same weights for
    /// both actions.
    fn largest<L: OfflineLearner<Actions = usize>>(
        settings: &L::Settings,
        networks: &[(&str, usize)],
        values: impl Fn(&mut L) -> Vec<f32>,
    ) -> f64 {
        let task = TaskSpec { data: Some(1), ..TaskSpec::new(8, 2, 1, Streams::new(1)) };
        let mut learner = L::new(settings, &task);
        let mut state = learner.snapshot();
        for &(path, outputs) in networks {
            let weights = START.iter().flat_map(|&w| vec![w; outputs]).collect();
            state = replaced(&state, path, &|_| Value::F32s(Clone::clone(&weights)));
        }
        learner.restore(&state).unwrap();
        let batch = transitions();
        for _ in 0..4000 {
            learner.learn(&batch, Rates { policy: 0.0, critic: 0.05 }).unwrap();
        }
        values(&mut learner).iter().fold(0.0, |largest, q| largest.max(f64::from(q.abs())))
    }

    fn sgd() -> OptimizerConfig {
        OptimizerConfig {
            optimizer: OptimizerKind::Sgd,
            momentum: 0.0,
            max_grad_norm: f64::INFINITY,
            ..OptimizerConfig::default()
        }
    }

    #[test]
    fn q_learning_diverges_and_enough_conservatism_does_not() {
        // `testdata/numpy/make_baird.py` has computed them.
        let check = |alpha: f64, expected: f64| {
            let mut settings = CqlSettings::default();
            (settings.0.cql_alpha, settings.0.huber_delta) = (Auto::Number(alpha), 0.0);
            (settings.1.0.0, settings.1.1.0) = (tabular(), sgd());
            let parts = [("values/network/parameters", 2), ("target/copy/parameters", 2)];
            let all: Vec<f32> = (0..STATES).flat_map(features).collect();
            let values = |learner: &mut CqlLearner| learner.outputs(&all).to_vec();
            let found = largest(&settings, &parts, values);
            assert!((found / expected - 1.0).abs() < 1e-2, "{alpha}: {found} {expected}");
        };
        check(0.0, 21_828_154.2);
        check(1.0, 1_132_212.5);
        check(5.0, 18.999_955);
    }

    #[test]
    fn expectiles_near_to_the_maximum_diverge_and_those_near_to_the_mean_do_not() {
        let check = |expectile: f64, expected: f64| {
            let mut settings = IqlSettings::default();
            settings.0.expectile = expectile;
            (settings.1.0, settings.1.1.0) = (tabular(), sgd());
            let names: Vec<String> = (0..2)
                .flat_map(|i| {
                    ["values/network", "target/copy"].map(|of| format!("critics/critic-{i}/{of}/parameters"))
                })
                .collect();
            let mut parts = vec![("value/network/parameters", 1)];
            parts.extend(names.iter().map(|name| (&**name, 2)));
            let values = |learner: &mut IqlLearner<usize>| {
                let state = learner.snapshot();
                let critic = state.tree("critics").unwrap().tree("critic-0").unwrap().tree("values").unwrap();
                let weights = critic.tree("network").unwrap().f32s("parameters", 18).unwrap().to_vec();
                let q = |state: usize, action: usize| -> f32 {
                    let x = features(state);
                    weights[16 + action] + (0..8).map(|i| x[i] * weights[2 * i + action]).sum::<f32>()
                };
                (0..STATES).flat_map(|state| [q(state, 0), q(state, 1)]).collect()
            };
            let found = largest(&settings, &parts, values);
            assert!((found / expected - 1.0).abs() < 1e-2, "{expectile}: {found} {expected}");
        };
        check(0.7, 2.300_08);
        check(0.99, 162_414.6);
    }
}

/// Three updates of each learner against PyTorch; `testdata/pytorch/make_offline.py` made the numbers.
mod golden {
    use super::*;
    use potstill::config::{Setting, Settings, toml_value};
    use potstill::core::Pcg64;
    use potstill::env::Space;
    use potstill::experience::ElementOf;
    use potstill::offline::{BcqLearner, ControlCqlLearner, RebracLearner, Td3BcLearner};
    use serde_json::Value as Json;

    const FEATURES: usize = 3;
    const CHOICES: usize = 3;
    const WIDTH: usize = 2;

    fn numbers(of: &Json) -> Vec<f32> {
        of.as_array().unwrap().iter().map(|x| x.as_f64().unwrap() as f32).collect()
    }

    /// The numbers of a network, or the logarithm of a number that is learned.
    fn array(path: &str) -> String {
        let name = if matches!(path, "temperature" | "multiplier") { "log-0" } else { "parameters" };
        format!("{path}/{name}")
    }

    fn check<L: OfflineLearner>(case: &Json, act: fn(&Json) -> Vec<ElementOf<L::Actions>>) {
        let mut settings = L::Settings::default();
        let words = case["settings"].as_str().unwrap().split_whitespace();
        for (key, value) in words.map(|word| word.split_once('=').unwrap()) {
            settings.set(key, &toml_value(value)).unwrap().unwrap();
        }
        let sgd = [("optimizer", OptimizerKind::Sgd.to_toml().unwrap()), ("momentum", 0.0.into())];
        sgd.iter().for_each(|(key, value)| settings.set(key, value).unwrap().unwrap());
        let action_space = Space::uniform(WIDTH, -1.0, 1.0);
        let mut task = TaskSpec { data: Some(1), ..TaskSpec::new(FEATURES, CHOICES, 1, Streams::new(1)) };
        if case["actions"] == "box" {
            task = TaskSpec { action_space, actions: WIDTH, ..task };
        }
        let mut learner = L::new(&settings, &task);
        let mut state = learner.snapshot();
        for (path, before) in case["before"].as_object().unwrap() {
            state = replaced(&state, &array(path), &|value| match value {
                Value::F64(_) => Value::F64(f64::from(numbers(before)[0])),
                _ => Value::F32s(numbers(before)),
            });
        }
        for (path, seed) in case["streams"].as_object().unwrap() {
            let stream = Pcg64::new(seed.as_u64().unwrap()).snapshot();
            state = replaced(&state, path, &|_| Value::Tree(stream.clone()));
        }
        learner.restore(&state).unwrap();
        let of = |key: &str| numbers(&case["batch"][key]);
        let mut batch = Batch::<L::Actions>::default();
        (batch.observations, batch.next_observations) = (of("observations"), of("next_observations"));
        (batch.returns, batch.discounts) = (of("returns"), of("discounts"));
        batch.actions = act(&case["batch"]["actions"]);
        if case["actions"] == "box" {
            batch.next_actions = act(&case["batch"]["next_actions"]);
            batch.has_next_action = of("has_next_action").iter().map(|&has| has == 1.0).collect();
        }
        let rate = |key: &str| case["rates"][key].as_f64().unwrap();
        let rates = Rates { policy: rate("policy"), critic: rate("critic") };
        (0..case["updates"].as_u64().unwrap()).for_each(|_| _ = learner.learn(&batch, rates).unwrap());
        let found = learner.snapshot();
        for (path, after) in case["after"].as_object().unwrap() {
            let expected = numbers(after);
            replaced(&found, &array(path), &|value| {
                let found = match value {
                    Value::F64(number) => vec![*number as f32],
                    Value::F32s(numbers) => numbers.clone(),
                    _ => panic!("{path}: numbers"),
                };
                assert_eq!(found.len(), expected.len(), "{path}");
                for (i, (found, expected)) in found.iter().zip(&expected).enumerate() {
                    let what = || format!("{} {}: {path}", case["algorithm"], case["settings"]);
                    assert!((found - expected).abs() < 1e-5, "{}, {i}: {found}, and {expected}", what());
                }
                value.clone()
            });
        }
    }

    fn choices(of: &Json) -> Vec<usize> {
        numbers(of).iter().map(|&x| x as usize).collect()
    }

    #[test]
    fn updates_are_pytorchs() {
        let text = include_str!("../../../testdata/pytorch/offline.json");
        let cases: Json = serde_json::from_str(text).unwrap();
        let cases = cases["cases"].as_array().unwrap();
        assert_eq!(cases.len(), 13);
        for case in cases {
            match (case["algorithm"].as_str().unwrap(), case["actions"].as_str().unwrap()) {
                ("cql", "choices") => check::<CqlLearner>(case, choices),
                ("cql", _) => check::<ControlCqlLearner>(case, numbers),
                ("bcq", _) => check::<BcqLearner>(case, choices),
                ("iql", "choices") => check::<IqlLearner<usize>>(case, choices),
                ("iql", _) => check::<IqlLearner<[f32]>>(case, numbers),
                ("td3-bc", _) => check::<Td3BcLearner>(case, numbers),
                ("rebrac", _) => check::<RebracLearner>(case, numbers),
                (other, _) => panic!("{other}"),
            }
        }
    }
}
