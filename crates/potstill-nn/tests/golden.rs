//! Losses, networks and Adam against PyTorch in double precision; `testdata/pytorch` made the numbers.

use potstill_nn::loss::{Blend, Regression, cross_entropy, distillation, regression_at, temperature_kl};
use potstill_nn::network::Tensor;
use potstill_nn::optim::clip_norm;
use potstill_nn::{Adam, AdamConfig, NetworkSpec, Workspace};
use serde_json::Value;

fn cases(text: &str, key: &str) -> Vec<Value> {
    let file: Value = serde_json::from_str(text).unwrap();
    file[key].as_array().unwrap().clone()
}

fn doubles(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn floats(value: &Value) -> Vec<f32> {
    doubles(value).into_iter().map(|v| v as f32).collect()
}

fn indices(value: &Value) -> Vec<usize> {
    value.as_array().unwrap().iter().map(|v| v.as_u64().unwrap() as usize).collect()
}

/// Equal to `tolerance` relative to the largest of the expected values.
fn close(got: &[f32], expected: &[f64], tolerance: f64, what: &Value) {
    assert_eq!(got.len(), expected.len());
    let scale = expected.iter().fold(1e-30, |scale: f64, e| scale.max(e.abs()));
    for (g, e) in got.iter().zip(expected) {
        assert!((f64::from(*g) - e).abs() <= tolerance * scale, "{g} is not {e}: {what}");
    }
}

#[test]
fn losses_and_their_gradients() {
    let cases = cases(include_str!("../../../testdata/pytorch/losses.json"), "cases");
    assert_eq!(cases.len(), 41);
    for case in &cases {
        let number = |key: &str| case[key].as_f64().unwrap() as f32;
        let samples = case["samples"].as_u64().unwrap() as usize;
        let mut gradient = vec![f32::NAN; case["gradient"].as_array().unwrap().len()];
        let value = match case["loss"].as_str().unwrap() {
            kind @ ("mse_at" | "huber_at") => {
                let kind = match kind {
                    "mse_at" => Regression::SquaredError,
                    _ => Regression::Huber { delta: number("delta") },
                };
                let (actions, targets) = (indices(&case["actions"]), floats(&case["targets"]));
                regression_at(kind, &floats(&case["outputs"]), &actions, &targets, &mut gradient)
            }
            "cross_entropy" => {
                cross_entropy(&floats(&case["logits"]), &indices(&case["labels"]), &mut gradient)
            }
            "temperature_kl" => {
                let (teacher, student) = (floats(&case["teacher"]), floats(&case["student"]));
                temperature_kl(number("temperature"), &teacher, &student, samples, &mut gradient)
            }
            "distillation" => {
                let blend = Blend { alpha: number("alpha"), temperature: number("temperature") };
                let (teacher, student) = (floats(&case["teacher"]), floats(&case["student"]));
                distillation(blend, &teacher, &student, &indices(&case["labels"]), &mut gradient)
            }
            other => panic!("no loss is named {other}"),
        };
        // The KL at a high temperature is a small difference of larger terms, which T^2 magnifies again.
        let expected = case["value"].as_f64().unwrap();
        let slack = case["temperature"].as_f64().map_or(0.0, |t| 2e-7 * t * t);
        assert!((f64::from(value) - expected).abs() <= 2e-6 * expected.abs() + slack, "{value}: {case}");
        close(&gradient, &doubles(&case["gradient"]), 2e-5, case);
    }
}

#[test]
fn forward_and_backward_passes() {
    let cases = cases(include_str!("../../../testdata/pytorch/network.json"), "cases");
    assert_eq!(cases.len(), 3);
    for case in &cases {
        let size = |key: &str| case[key].as_u64().unwrap() as usize;
        let spec: NetworkSpec = case["spec"].as_str().unwrap().parse().unwrap();
        let mut network = spec.zeroed(size("inputs"), size("outputs"));
        let tensors: Vec<Tensor> = case["tensors"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, t)| Tensor {
                name: name.clone(),
                shape: indices(&t["shape"]),
                data: floats(&t["data"]),
            })
            .collect();
        network.load_tensors(&tensors).unwrap();
        let batch = floats(&case["batch"]);
        let mut workspace = Workspace::default();
        close(network.forward(&batch, &mut workspace), &doubles(&case["output"]), 1e-6, case);

        let mut gradient = vec![f32::NAN; network.parameters().len()];
        network.backward(&batch, &floats(&case["d_output"]), &mut workspace, &mut gradient);
        // Read as parameters, the gradient has names and PyTorch's layout too.
        network.parameters_mut().copy_from_slice(&gradient);
        for tensor in network.tensors() {
            close(&tensor.data, &doubles(&case["gradients"][&tensor.name]), 2e-6, case);
        }
    }
}

#[test]
fn adam_steps() {
    let cases = cases(include_str!("../../../testdata/pytorch/adam.json"), "cases");
    assert_eq!(cases.len(), 4);
    for case in &cases {
        let config = AdamConfig {
            learning_rate: case["lr"].as_f64().unwrap(),
            beta1: case["betas"][0].as_f64().unwrap(),
            beta2: case["betas"][1].as_f64().unwrap(),
            epsilon: case["eps"].as_f64().unwrap(),
        };
        let mut parameters = floats(&case["initial"]);
        let mut adam = Adam::new(config, parameters.len());
        for step in case["steps"].as_array().unwrap() {
            adam.step(&mut parameters, &floats(&step["gradient"]));
            close(&parameters, &doubles(&step["parameters"]), 1e-6, step);
        }
    }
}

#[test]
fn gradient_clipping() {
    let cases = cases(include_str!("../../../testdata/pytorch/adam.json"), "clip");
    assert_eq!(cases.len(), 5);
    for case in &cases {
        let mut gradient = floats(&case["gradient"]);
        let norm = clip_norm(&mut gradient, case["max_norm"].as_f64().unwrap());
        close(&[norm as f32], &[case["norm"].as_f64().unwrap()], 1e-6, case);
        close(&gradient, &doubles(&case["clipped"]), 1e-6, case);
    }
}
