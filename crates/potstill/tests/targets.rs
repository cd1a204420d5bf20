//! Targets against PyTorch in double precision; `testdata/pytorch/make_layers.py` made the numbers.

use potstill::targets::{Munchausen, MunchausenValues, Support, argmax, categorical_projection, munchausen};
use serde_json::Value;

fn cases(key: &str) -> Vec<Value> {
    let file: Value =
        serde_json::from_str(include_str!("../../../testdata/pytorch/distributional.json")).unwrap();
    file[key].as_array().unwrap().clone()
}

fn floats(value: &Value) -> Vec<f32> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap() as f32).collect()
}

fn indices(value: &Value) -> Vec<usize> {
    value.as_array().unwrap().iter().map(|v| v.as_u64().unwrap() as usize).collect()
}

fn close(got: &[f32], expected: &Value, case: &Value) {
    let expected = floats(expected);
    assert_eq!(got.len(), expected.len());
    let scale = expected.iter().fold(1e-30_f32, |scale, e| scale.max(e.abs()));
    for (g, e) in got.iter().zip(&expected) {
        assert!((g - e).abs() <= 3e-6 * scale, "{g} is not {e}: {case}");
    }
}

/// `gamma`, or 0 after a terminal state.
fn discounts(case: &Value) -> Vec<f32> {
    let gamma = case["gamma"].as_f64().unwrap() as f32;
    indices(&case["terminated"]).iter().map(|&terminated| if terminated == 1 { 0.0 } else { gamma }).collect()
}

#[test]
fn categorical() {
    let cases = cases("categorical");
    assert_eq!(cases.len(), 3);
    for case in &cases {
        let size = |key: &str| case[key].as_u64().unwrap() as usize;
        let (atoms, actions) = (size("atoms"), size("actions"));
        let number = |key: &str| case[key].as_f64().unwrap() as f32;
        let support = Support { atoms, low: number("v_min"), high: number("v_max") };
        let logits = floats(&case["next_logits"]);
        let gap = (support.high - support.low) / (atoms - 1) as f32;
        let means: Vec<f32> =
            logits.chunks(atoms).map(|row| potstill::nn::loss::softmax_mean(row, support.low, gap)).collect();
        let best: Vec<usize> = means.chunks(actions).map(argmax).collect();
        assert_eq!(best, indices(&case["next_actions"]), "{case}");
        let mut probabilities = Vec::new();
        for (row, &a) in logits.chunks(actions * atoms).zip(&best) {
            let mut row = row[a * atoms..(a + 1) * atoms].to_vec();
            potstill::nn::loss::softmax(1.0, &mut row);
            probabilities.extend(row);
        }
        let mut targets = Vec::new();
        let rewards = floats(&case["rewards"]);
        categorical_projection(support, &rewards, &discounts(case), &probabilities, &mut targets);
        close(&targets, &case["targets"], case);
    }
}

#[test]
fn munchausens() {
    let cases = cases("munchausen");
    assert_eq!(cases.len(), 2);
    for case in &cases {
        let number = |key: &str| case[key].as_f64().unwrap() as f32;
        let rule =
            Munchausen { alpha: number("alpha"), temperature: number("temperature"), clip: number("clip") };
        let (rewards, chosen) = (floats(&case["rewards"]), indices(&case["chosen"]));
        let (q, next) = (floats(&case["q"]), floats(&case["next_q"]));
        let values = MunchausenValues { here: &q, next: &next, next_policy: &next };
        let mut targets = Vec::new();
        munchausen(rule, &rewards, &discounts(case), &chosen, values, &mut targets);
        close(&targets, &case["targets"], case);
    }
}
