//! Parity with the real Gymnasium: same seed, same actions, same trajectory. Needs Python; `cargo xtask test` provides it.

use potstill_core::{Pcg64, Streams};
use potstill_env::registry::{REGISTRY, Spec, find};
use potstill_env::{Env, Outcome, Space};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

const SEEDS: u64 = 200;
/// One unit in the last place of a single-precision number up to 4: our cosine and NumPy's may differ in the last bit of a
/// double, before an observation is rounded.
const TOLERANCE: f64 = 3e-7;

struct Gymnasium {
    process: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Gymnasium {
    fn start() -> Self {
        let python = std::env::var("POTSTILL_PYTHON").expect("set by `cargo xtask test`");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/gymnasium/trace.py");
        let mut command = Command::new(python);
        let mut process = command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (requests, answers) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        Self { process, requests, answers: BufReader::new(answers) }
    }

    fn ask(&mut self, request: &Value) -> Value {
        writeln!(self.requests, "{request}").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }
}

impl Drop for Gymnasium {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Random actions, now and then one action for a while, so that episodes end in different ways.
fn actions(space: &Space, length: usize, rng: &mut Pcg64) -> Vec<usize> {
    let n = space.discrete().unwrap();
    let (mut last, mut actions) = (0, Vec::with_capacity(length));
    for _ in 0..length {
        if rng.unit() < 0.8 {
            last = rng.below(n);
        }
        actions.push(last);
    }
    actions
}

/// Observation after the reset and after each step, and the outcome of each step.
fn trace(spec: &Spec, seed: u64, actions: &[usize]) -> (Vec<Vec<f64>>, Vec<Outcome>) {
    let (mut observations, mut outcomes) = (Vec::new(), Vec::new());
    if let Some(mut env) = spec.make_states() {
        let mut s = 0;
        env.reset(Some(seed), &mut s);
        observations.push(vec![s as f64]);
        for &action in actions {
            outcomes.push(env.step(action, &mut s).unwrap());
            observations.push(vec![s as f64]);
            if outcomes.last().unwrap().done() {
                break;
            }
        }
    } else {
        let mut env = spec.make_features().unwrap();
        let mut x = vec![0.0; spec.observation_space().features()];
        let wide = |x: &[f32]| x.iter().map(|&v| f64::from(v)).collect();
        env.reset(Some(seed), &mut x);
        observations.push(wide(&x));
        for &action in actions {
            outcomes.push(env.step(action, &mut x).unwrap());
            observations.push(wide(&x));
            if outcomes.last().unwrap().done() {
                break;
            }
        }
    }
    (observations, outcomes)
}

fn check(gymnasium: &mut Gymnasium, spec: &Spec, seed: u64, actions: &[usize]) -> (usize, f64) {
    let expected = gymnasium.ask(&json!({ "env": spec.id, "seed": seed, "actions": actions }));
    let (observations, outcomes) = trace(spec, seed, actions);
    let rewards: Vec<f64> = outcomes.iter().map(|o| o.reward).collect();
    let terminated: Vec<bool> = outcomes.iter().map(|o| o.terminated).collect();
    let truncated: Vec<bool> = outcomes.iter().map(|o| o.truncated).collect();
    assert_eq!(json!(rewards), expected["rewards"], "{} seed {seed}", spec.id);
    assert_eq!(json!(terminated), expected["terminated"], "{} seed {seed}", spec.id);
    assert_eq!(json!(truncated), expected["truncated"], "{} seed {seed}", spec.id);
    let theirs = expected["observations"].as_array().unwrap();
    assert_eq!(observations.len(), theirs.len());
    let mut worst = 0.0_f64;
    for (ours, theirs) in observations.iter().zip(theirs) {
        for (our, their) in ours.iter().zip(theirs.as_array().unwrap()) {
            worst = worst.max((our - their.as_f64().unwrap()).abs());
        }
    }
    assert!(worst <= TOLERANCE, "{} seed {seed}: observations differ by {worst}", spec.id);
    (outcomes.len(), worst)
}

#[test]
#[ignore = "needs Gymnasium: run `cargo xtask test`"]
fn trajectories_are_those_of_gymnasium() {
    let mut gymnasium = Gymnasium::start();
    for spec in &REGISTRY {
        let (mut steps, mut worst) = (0, 0.0_f64);
        for seed in 0..SEEDS {
            let actions = actions(&spec.action_space(), 600, &mut Streams::new(seed).stream("actions"));
            let (more, difference) = check(&mut gymnasium, spec, seed, &actions);
            (steps, worst) = (steps + more, worst.max(difference));
        }
        println!("{}: {SEEDS} seeds, {steps} steps, largest difference {worst:e}", spec.id);
    }
}

#[test]
#[ignore = "needs Gymnasium: run `cargo xtask test`"]
fn a_long_episode_is_truncated_as_in_gymnasium() {
    // A controller that balances: push towards where the pole falls. Random actions never get as far as the time limit.
    let (mut gymnasium, spec) = (Gymnasium::start(), find("CartPole-v1").unwrap());
    let (mut truncated, mut worst) = (0, 0.0_f64);
    for seed in 0..40 {
        let (mut env, mut x, mut actions) = (spec.make_features().unwrap(), [0.0; 4], Vec::new());
        env.reset(Some(seed), &mut x);
        loop {
            actions.push(usize::from(0.1 * x[0] + 0.3 * x[1] + 3.0 * x[2] + x[3] > 0.0));
            let outcome = env.step(actions[actions.len() - 1], &mut x).unwrap();
            truncated += u32::from(outcome.truncated);
            if outcome.done() {
                break;
            }
        }
        worst = worst.max(check(&mut gymnasium, spec, seed, &actions).1);
    }
    println!("CartPole-v1: {truncated} of 40 episodes reach the time limit, largest difference {worst:e}");
    assert!(truncated >= 30, "{truncated}");
}

#[test]
#[ignore = "needs Gymnasium: run `cargo xtask test`"]
fn spaces_limits_and_thresholds_are_those_of_gymnasium() {
    let mut gymnasium = Gymnasium::start();
    for spec in &REGISTRY {
        let expected = gymnasium.ask(&json!({ "env": spec.id, "describe": true }));
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
                Space::Box { low, high } => {
                    json!({ "kind": "box", "shape": [low.len()], "low": side(&low), "high": side(&high) })
                }
            };
            assert_eq!(&ours, theirs, "{}", spec.id);
        }
    }
}
