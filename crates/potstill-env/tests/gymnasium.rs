//! Parity with the real Gymnasium: same seed, same actions, same trajectory. Needs Python; `cargo xtask test`
//! provides it.

mod oracle;

use oracle::Oracle;
use potstill_core::{Pcg64, Streams};
use potstill_env::registry::{Spec, find};
use potstill_env::toy_text::frozen_lake::generate_map;
use potstill_env::trace::{Actions, Trace, trace};
use potstill_env::{Env, Row, Space};
use serde_json::{Value, json};
use std::borrow::Borrow;

/// Random and scripted actions each.
const SEEDS: u64 = 200;
/// A dealt 21 against a dealer's drawn one is rare.
const HANDS: u64 = 4000;

/// A comparison with Gymnasium: our id with options, Gymnasium's options, the longest trace, and the
/// tolerance of observations.
struct Case {
    ours: &'static str,
    theirs: &'static str,
    length: usize,
    parity: Parity,
}

/// The agreement of two trajectories with equal seed and actions.
#[derive(Clone, Copy)]
enum Parity {
    /// Every number is the same.
    Exact,
    /// Every flag is the same; rewards and observations are as near as [`NEAR`], except where an observation
    /// is rounded to the other neighbour in single precision, in this many of a million.
    Near { roundings_per_million: f64 },
    /// As `Near` for so many steps; after them the system is chaotic, and the smallest difference in the last
    /// place grows.
    Chaotic { steps: usize },
}

const NEAR: f64 = 1e-9;

const fn case(ours: &'static str, theirs: &'static str, length: usize, parity: Parity) -> Case {
    Case { ours, theirs, length, parity }
}

const CASES: &[Case] = &[
    case("CliffWalking-v1", "{}", 3000, Parity::Exact),
    case("CliffWalkingSlippery-v1", "{}", 3000, Parity::Exact),
    case("FrozenLake-v1", "{}", 100, Parity::Exact),
    case("FrozenLake-v1:is_slippery=false", r#"{"is_slippery": false}"#, 100, Parity::Exact),
    case("FrozenLake-v1:success_rate=0.7", r#"{"success_rate": 0.7}"#, 100, Parity::Exact),
    case("FrozenLake-v1:map_name=8x8", r#"{"map_name": "8x8"}"#, 100, Parity::Exact),
    case(
        "FrozenLake-v1:reward_schedule=5:-1:-0.1",
        r#"{"reward_schedule": [5, -1, -0.1]}"#,
        100,
        Parity::Exact,
    ),
    case(
        "FrozenLake-v1:desc=SFS/FFF/FHG/FFF",
        r#"{"desc": ["SFS", "FFF", "FHG", "FFF"]}"#,
        100,
        Parity::Exact,
    ),
    case("FrozenLake8x8-v1", "{}", 200, Parity::Exact),
    case("Taxi-v4", "{}", 200, Parity::Exact),
    case("Taxi-v4:is_rainy=true", r#"{"is_rainy": true}"#, 200, Parity::Exact),
    case(
        "Taxi-v4:is_rainy=true,rainy_probability=0.5,fickle_passenger=true,fickle_probability=0.9",
        r#"{"is_rainy": true, "rainy_probability": 0.5, "fickle_passenger": true, "fickle_probability": 0.9}"#,
        200,
        Parity::Exact,
    ),
    case("Taxi-v4:fickle_passenger=true", r#"{"fickle_passenger": true}"#, 200, Parity::Exact),
    case("Blackjack-v1", "{}", 30, Parity::Exact),
    case("Blackjack-v1:sab=false", r#"{"sab": false}"#, 30, Parity::Exact),
    case("Blackjack-v1:sab=false,natural=true", r#"{"sab": false, "natural": true}"#, 30, Parity::Exact),
    case("CartPole-v1", "{}", 500, Parity::Near { roundings_per_million: 5.0 }),
    case(
        "CartPole-v1:sutton_barto_reward=true",
        r#"{"sutton_barto_reward": true}"#,
        500,
        Parity::Near { roundings_per_million: 5.0 },
    ),
    case("MountainCar-v0", "{}", 200, Parity::Near { roundings_per_million: 5.0 }),
    case("MountainCarContinuous-v0", "{}", 999, Parity::Near { roundings_per_million: 5.0 }),
    case("Pendulum-v1", "{}", 200, Parity::Near { roundings_per_million: 5.0 }),
    case("Acrobot-v1", "{}", 500, Parity::Chaotic { steps: 100 }),
];

/// Counts over many traces.
#[derive(Default)]
struct Seen {
    steps: usize,
    numbers: usize,
    roundings: usize,
    worst: f64,
}

fn numbers(values: &Value) -> Vec<f64> {
    values.as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
}

impl Case {
    fn check(&self, gymnasium: &mut Oracle, spec: &Spec, seed: u64, actions: &[f64], seen: &mut Seen) {
        let options: Value = serde_json::from_str(self.theirs).unwrap();
        let request = json!({ "env": spec.name(), "options": options, "seed": seed, "actions": actions });
        let expected = gymnasium.ask(&request);
        let given = Actions::Given(actions.iter().map(|&number| vec![number]).collect());
        let Trace { start, steps } = trace(spec, seed, &given).unwrap();
        let steps = match self.parity {
            Parity::Chaotic { steps: limit } if steps.len() > limit => &steps[..limit],
            _ => {
                assert_eq!(
                    steps.len(),
                    expected["rewards"].as_array().unwrap().len(),
                    "{} seed {seed}",
                    self.ours
                );
                &steps[..]
            }
        };
        let place = |step: usize| format!("{} seed {seed} step {step}", self.ours);
        let ours = std::iter::once(&start).chain(steps.iter().map(|step| &step.observation));
        for (i, (ours, theirs)) in ours.zip(expected["observations"].as_array().unwrap()).enumerate() {
            let theirs = numbers(theirs);
            assert_eq!(ours.len(), theirs.len());
            for (our, their) in ours.iter().zip(theirs) {
                let difference = (our - their).abs();
                seen.numbers += 1;
                seen.worst = seen.worst.max(difference);
                match self.parity {
                    Parity::Exact => assert_eq!(*our, their, "{}", place(i)),
                    _ if difference <= NEAR => {}
                    // The next number of single precision.
                    _ => {
                        seen.roundings += 1;
                        assert!(
                            difference <= f64::from(f32::EPSILON) * our.abs(),
                            "{}: {our} {their}",
                            place(i)
                        );
                    }
                }
            }
        }
        let rewards = numbers(&expected["rewards"]);
        for (i, step) in steps.iter().enumerate() {
            let difference = (step.outcome.reward - rewards[i]).abs();
            seen.worst = seen.worst.max(difference);
            let near = if matches!(self.parity, Parity::Exact) { 0.0 } else { NEAR };
            assert!(difference <= near, "{}: reward {} {}", place(i + 1), step.outcome.reward, rewards[i]);
            assert_eq!(json!(step.outcome.terminated), expected["terminated"][i], "{}", place(i + 1));
            assert_eq!(json!(step.outcome.truncated), expected["truncated"][i], "{}", place(i + 1));
        }
        seen.steps += steps.len();
    }
}

/// Random actions; scripted ones are each repeated for a random time, so that episodes take other paths and
/// end in other places.
fn actions<A: Row + ?Sized + 'static>(
    space: &Space,
    length: usize,
    scripted: bool,
    rng: &mut Pcg64,
) -> Vec<f64> {
    let (mut last, mut actions) = (A::sample(space, rng), Vec::with_capacity(length));
    for _ in 0..length {
        if !scripted || rng.unit() < 0.15 {
            last = A::sample(space, rng);
        }
        actions.extend(last.borrow().numbers());
    }
    actions
}

/// A controller that balances: it pushes towards the side to which the pole falls. Random actions never reach
/// the time limit.
fn balancing(spec: &Spec, seed: u64) -> Vec<f64> {
    let (mut env, mut x, mut actions) = (spec.make_features().unwrap(), [0.0; 4], Vec::new());
    env.reset(Some(seed), &mut x);
    loop {
        let action = usize::from(0.1 * x[0] + 0.3 * x[1] + 3.0 * x[2] + x[3] > 0.0);
        actions.push(action as f64);
        if env.step(&action, &mut x).unwrap().done() {
            return actions;
        }
    }
}

#[test]
#[ignore = "needs Gymnasium: run `cargo xtask test`"]
fn trajectories_are_those_of_gymnasium() {
    let mut gymnasium = Oracle::start("gymnasium/trace.py");
    for case in CASES {
        let spec = find(case.ours).unwrap();
        let space = spec.action_space();
        let mut seen = Seen::default();
        let seeds = if spec.name() == "Blackjack-v1" { HANDS } else { SEEDS };
        for seed in 0..seeds {
            for script in ["random", "scripted"] {
                let mut rng = Streams::new(seed).stream(script);
                let scripted = script == "scripted";
                let actions = match space.discrete() {
                    Some(_) if scripted && spec.name() == "CartPole-v1" => balancing(&spec, seed),
                    Some(_) => actions::<usize>(&space, case.length, scripted, &mut rng),
                    None => actions::<[f32]>(&space, case.length, scripted, &mut rng),
                };
                case.check(&mut gymnasium, &spec, seed, &actions, &mut seen);
            }
        }
        let Seen { steps, numbers, roundings, worst } = seen;
        println!(
            "{}: {seeds} seeds x 2, {steps} steps, {numbers} numbers seen, {roundings} rounded the other way, \
             largest difference {worst:e}",
            case.ours
        );
        if let Parity::Near { roundings_per_million } = case.parity {
            assert!(
                roundings as f64 <= roundings_per_million * (numbers as f64 / 1e6).max(1.0),
                "{}",
                case.ours
            );
        }
    }
}

#[test]
#[ignore = "needs Gymnasium: run `cargo xtask test`"]
fn models_are_those_of_gymnasium() {
    let mut gymnasium = Oracle::start("gymnasium/trace.py");
    let mut models = 0;
    for case in CASES {
        let spec = find(case.ours).unwrap();
        let Some(model) = spec.make_states().and_then(|env| env.model()) else { continue };
        let options: Value = serde_json::from_str(case.theirs).unwrap();
        let expected = gymnasium.ask(&json!({ "env": spec.name(), "options": options, "model": true }));
        if expected.is_null() {
            assert_eq!(spec.name(), "Blackjack-v1");
            continue;
        }
        let ours = (0..model.states()).map(|state| {
            let of = |action| model.outcomes(state, action);
            let outcomes = (0..model.actions()).map(|action| {
                of(action).iter().map(|o| (o.probability, o.next, o.reward, o.terminated)).collect::<Vec<_>>()
            });
            outcomes.collect::<Vec<_>>()
        });
        type Outcomes = Vec<Vec<Vec<(f64, usize, f64, bool)>>>;
        let theirs: Outcomes = serde_json::from_value(expected["model"].clone()).unwrap();
        assert!(ours.eq(theirs), "{}", case.ours);
        let mut start = vec![0.0; model.states()];
        model.start().iter().for_each(|&(probability, state)| start[state] = probability);
        assert_eq!(json!(start), expected["start"], "{}", case.ours);
        models += 1;
    }
    println!("{models} models are equal");
    assert_eq!(models, 11);
}

#[test]
#[ignore = "needs Gymnasium: run `cargo xtask test`"]
fn generated_maps_are_those_of_gymnasium() {
    let mut gymnasium = Oracle::start("gymnasium/trace.py");
    for (size, frozen) in [(2, 0.5), (4, 0.8), (8, 0.8), (8, 0.62), (13, 0.7), (20, 1.0)] {
        for seed in 0..50 {
            let ours = generate_map(size, frozen, seed).unwrap();
            let rows: Vec<String> = ours.into_iter().map(|row| String::from_utf8(row).unwrap()).collect();
            let theirs = gymnasium.ask(&json!({ "map": { "size": size, "p": frozen, "seed": seed } }));
            assert_eq!(json!(rows), theirs, "{size} {frozen} {seed}");
        }
    }
}

#[test]
#[ignore = "needs Gymnasium: run `cargo xtask test`"]
fn spaces_limits_and_thresholds_are_those_of_gymnasium() {
    let mut gymnasium = Oracle::start("gymnasium/trace.py");
    for case in CASES {
        let spec = find(case.ours).unwrap();
        let options: Value = serde_json::from_str(case.theirs).unwrap();
        let expected = gymnasium.ask(&json!({ "env": spec.name(), "options": options, "describe": true }));
        assert_eq!(json!(spec.time_limit_steps), expected["max_episode_steps"], "{}", spec.id);
        assert_eq!(json!(spec.reward_threshold), expected["reward_threshold"], "{}", spec.id);
        for (ours, theirs) in [
            (spec.observation_space(), &expected["observation_space"]),
            (spec.action_space(), &expected["action_space"]),
        ] {
            let side = |values: &[f32]| -> Vec<Value> {
                let number =
                    |&v: &f32| if v.is_finite() { json!(f64::from(v)) } else { json!(format!("{v}")) };
                values.iter().map(number).collect()
            };
            let ours = match ours {
                Space::Discrete { n } => json!({ "kind": "discrete", "n": n, "start": 0 }),
                Space::Tuple { sizes } => json!({ "kind": "tuple", "sizes": sizes }),
                Space::Box { low, high } => {
                    json!({ "kind": "box", "shape": [low.len()], "low": side(&low), "high": side(&high) })
                }
                Space::MultiBinary { shape } => json!({ "kind": "multi-binary", "shape": shape }),
                Space::Image { .. } => panic!("Gymnasium's own environments have no images here"),
            };
            assert_eq!(&ours, theirs, "{}", spec.id);
        }
    }
}
