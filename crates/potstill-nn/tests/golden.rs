//! Losses, networks and optimisers against PyTorch in double precision; `testdata/pytorch` made the numbers.

use potstill_nn::loss::{
    Blend, Chosen, Layout, QuantileOutputs, Regression, categorical_at, cross_entropy, distillation,
    quantile_at, regression_at, temperature_kl,
};
use potstill_nn::optim::{clip_value, norm, shrinking};
use potstill_nn::{Ends, Head, Network, NetworkSpec, Optimiser, Rule, Tensor, Upstream, Workers, Workspace};
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
                let chosen = Chosen { indices: &actions, weights: &[] };
                let errors = &mut vec![f32::NAN; samples];
                regression_at(kind, &floats(&case["outputs"]), chosen, &targets, errors, &mut gradient)
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

/// The network of a case, with its tensors.
fn network(case: &Value, ends: &Ends) -> Network {
    let spec: NetworkSpec = case["spec"].as_str().unwrap().parse().unwrap();
    let mut network = spec.zeroed(ends);
    let tensors = case["tensors"].as_object().unwrap().iter();
    let tensors: Vec<Tensor> = tensors
        .map(|(name, t)| Tensor { name: name.clone(), shape: indices(&t["shape"]), data: floats(&t["data"]) })
        .collect();
    network.load_tensors(&tensors).unwrap();
    network
}

/// Outputs and gradients are those of the case; `d_batch` is that with respect to the inputs.
fn check(mut network: Network, batch: &[f32], d_batch: Option<&[f64]>, tolerance: f64, case: &Value) {
    let mut workspace = Workspace::default();
    let outputs = doubles(&case["output"]);
    close(network.forward(batch, &mut workspace), &outputs, tolerance, case);
    let mut gradient = vec![f32::NAN; network.parameters().len()];
    let mut d_inputs = vec![f32::NAN; batch.len()];
    let d_outputs = floats(&case["d_output"]);
    let length = network.backward_from(
        Upstream::from(&*d_outputs),
        &mut workspace,
        Some(&mut gradient),
        Some(&mut d_inputs),
    );
    if let Some(d_batch) = d_batch {
        close(&d_inputs, d_batch, 2.0 * tolerance, case);
    }
    assert!((length - norm(&gradient)).abs() <= 1e-12 * length, "{length}: {case}");
    close(network.predict(batch, &mut workspace), &outputs, tolerance, case);
    // Read as parameters, the gradient has names and PyTorch's layout too.
    network.update_parameters(|parameters| parameters.copy_from_slice(&gradient));
    for tensor in network.tensors() {
        close(&tensor.data, &doubles(&case["gradients"][&tensor.name]), 2.0 * tolerance, case);
    }
}

/// Images channel by channel to images point by point.
fn point_by_point<T: Copy>(batch: &[T], [channels, height, width]: [usize; 3]) -> Vec<T> {
    let points = height * width;
    let picture =
        |picture: &[T]| (0..picture.len()).map(|i| picture[i % channels * points + i / channels]).collect();
    batch.chunks(channels * points).flat_map(|one: &[T]| -> Vec<T> { picture(one) }).collect()
}

#[test]
fn forward_and_backward_passes() {
    let cases = cases(include_str!("../../../testdata/pytorch/network.json"), "cases");
    assert_eq!(cases.len(), 3);
    for case in &cases {
        let size = |key: &str| case[key].as_u64().unwrap() as usize;
        let network = network(case, &Ends::new(size("inputs"), size("outputs")));
        // PyTorch was not asked for the gradient with respect to the inputs here; `every_layer` has it.
        check(network, &floats(&case["batch"]), None, 1e-6, case);
    }
}

#[test]
fn every_layer() {
    let cases = cases(include_str!("../../../testdata/pytorch/layers.json"), "cases");
    assert_eq!(cases.len(), 11);
    for case in &cases {
        let (inputs, outputs) = (indices(&case["inputs"]), case["outputs"].as_u64().unwrap() as usize);
        let (batch, d_batch) = (floats(&case["batch"]), doubles(&case["d_input"]));
        match *inputs.as_slice() {
            [features] => {
                check(network(case, &Ends::new(features, outputs)), &batch, Some(&d_batch), 2e-6, case);
            }
            [channels, height, width] => {
                let network = network(case, &Ends::new([height, width, channels], outputs));
                let shape = [channels, height, width];
                let (batch, d_batch) = (point_by_point(&batch, shape), point_by_point(&d_batch, shape));
                check(network, &batch, Some(&d_batch), 2e-6, case);
            }
            _ => panic!("inputs {inputs:?}"),
        }
    }
}

#[test]
fn streams_and_noise() {
    let cases = cases(include_str!("../../../testdata/pytorch/layers.json"), "heads");
    assert_eq!(cases.len(), 4);
    for case in &cases {
        let size = |key: &str| case[key].as_u64().map(|n| n as usize);
        let choices = size("actions").or(size("outputs")).unwrap();
        let head = match size("atoms") {
            None => Head::Values,
            Some(atoms) => Head::Categorical { atoms, low: 0.0, high: 1.0 },
        };
        let inputs = indices(&case["inputs"])[0];
        let mut network = network(case, &Ends { head, ..Ends::new(inputs, choices) });
        if let Some(noise) = case["noise"].as_object() {
            let factors =
                noise.values().flat_map(|layer| [floats(&layer["in"]), floats(&layer["out"])].concat());
            network.set_noise(&factors.collect::<Vec<_>>());
        }
        check(network, &floats(&case["batch"]), Some(&doubles(&case["d_input"])), 3e-6, case);
    }
}

#[test]
fn optimiser_steps() {
    let adam = cases(include_str!("../../../testdata/pytorch/adam.json"), "cases");
    let others = cases(include_str!("../../../testdata/pytorch/optimisers.json"), "cases");
    assert_eq!((adam.len(), others.len()), (4, 8));
    for case in adam.iter().chain(&others) {
        let number = |key: &str| case[key].as_f64().unwrap_or_default();
        let rate = number("lr");
        let rule = match case["optimiser"].as_str() {
            Some("sgd") => {
                Rule::Sgd { momentum: number("momentum"), nesterov: case["nesterov"].as_bool().unwrap() }
            }
            Some("rmsprop") => Rule::Rmsprop {
                alpha: number("alpha"),
                epsilon: number("eps"),
                centred: case["centered"].as_bool().unwrap(),
            },
            None | Some("adam" | "adamw") => Rule::Adam {
                beta1: case["betas"][0].as_f64().unwrap(),
                beta2: case["betas"][1].as_f64().unwrap(),
                epsilon: number("eps"),
                weight_decay: number("weight_decay"),
            },
            Some("radam") => Rule::RAdam {
                beta1: case["betas"][0].as_f64().unwrap(),
                beta2: case["betas"][1].as_f64().unwrap(),
                epsilon: number("eps"),
            },
            Some(other) => panic!("no optimiser is named {other}"),
        };
        let mut parameters = floats(&case["initial"]);
        let mut optimiser = Optimiser::new(rule, parameters.len());
        for step in case["steps"].as_array().unwrap() {
            optimiser.step(rate, &mut parameters, &floats(&step["gradient"]), &Workers::default());
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
        let norm = norm(&gradient);
        let shrink = shrinking(norm, case["max_norm"].as_f64().unwrap());
        gradient.iter_mut().for_each(|g| *g *= shrink);
        close(&[norm as f32], &[case["norm"].as_f64().unwrap()], 1e-6, case);
        close(&gradient, &doubles(&case["clipped"]), 1e-6, case);
    }
}

#[test]
fn gradient_clipping_by_value() {
    let cases = cases(include_str!("../../../testdata/pytorch/optimisers.json"), "clip_value");
    assert_eq!(cases.len(), 4);
    for case in &cases {
        let mut gradient = floats(&case["gradient"]);
        clip_value(&mut gradient, case["clip"].as_f64().unwrap() as f32);
        close(&gradient, &doubles(&case["clipped"]), 1e-7, case);
    }
}

#[test]
fn categorical_losses() {
    let cases = cases(include_str!("../../../testdata/pytorch/distributional.json"), "categorical");
    assert_eq!(cases.len(), 3);
    for case in &cases {
        let atoms = case["atoms"].as_u64().unwrap() as usize;
        let (indices, logits) = (indices(&case["chosen"]), floats(&case["logits"]));
        let weights = if case["weights"].is_null() { Vec::new() } else { floats(&case["weights"]) };
        let chosen = Chosen { indices: &indices, weights: &weights };
        let (mut errors, mut gradient) = (vec![f32::NAN; indices.len()], vec![f32::NAN; logits.len()]);
        let targets = floats(&case["targets"]);
        let value = categorical_at(atoms, &logits, chosen, &targets, &mut errors, &mut gradient);
        close(&[value], &[case["value"].as_f64().unwrap()], 2e-6, case);
        close(&gradient, &doubles(&case["gradient"]), 2e-6, case);
        // The divergence is the cross-entropy less the target's own entropy.
        let entropy = |row: &[f64]| -row.iter().filter(|&&m| m > 0.0).map(|m| m * m.ln()).sum::<f64>();
        let targets = doubles(&case["targets"]);
        let divergences: Vec<f64> = targets
            .chunks(atoms)
            .zip(doubles(&case["losses"]))
            .map(|(row, loss)| loss - entropy(row))
            .collect();
        close(&errors, &divergences, 2e-6, case);
    }
}

#[test]
fn quantile_losses() {
    let cases = cases(include_str!("../../../testdata/pytorch/distributional.json"), "quantile");
    assert_eq!(cases.len(), 4);
    for case in &cases {
        let size = |key: &str| case[key].as_u64().unwrap() as usize;
        let (choices, quantiles) = (size("actions"), size("quantiles"));
        let (indices, outputs) = (indices(&case["chosen"]), floats(&case["outputs"]));
        let weights = if case["weights"].is_null() { Vec::new() } else { floats(&case["weights"]) };
        let chosen = Chosen { indices: &indices, weights: &weights };
        let (taus, targets) = (floats(&case["taus"]), floats(&case["targets"]));
        let kappa = case["kappa"].as_f64().unwrap() as f32;
        let gradients = doubles(&case["gradient"]);
        // Quantiles of a choice side by side, or choices of a quantile.
        let swapped = |values: &[f64]| -> Vec<f64> {
            let each = choices * quantiles;
            let place = |i: usize| i / each * each + i % choices * quantiles + i % each / choices;
            (0..values.len()).map(|i| values[place(i)]).collect()
        };
        let wide: Vec<f64> = outputs.iter().map(|&x| f64::from(x)).collect();
        let other: Vec<f32> = swapped(&wide).iter().map(|&x| x as f32).collect();
        let layouts = [
            (Layout { parts: quantiles, choice: quantiles, part: 1 }, outputs, gradients.clone()),
            (Layout { parts: quantiles, choice: 1, part: choices }, other, swapped(&gradients)),
        ];
        for (layout, outputs, gradients) in layouts {
            let (mut errors, mut gradient) = (vec![f32::NAN; indices.len()], vec![f32::NAN; outputs.len()]);
            let quantiles = QuantileOutputs { outputs: &outputs, taus: &taus, layout };
            let value = quantile_at(kappa, quantiles, chosen, &targets, &mut errors, &mut gradient);
            close(&[value], &[case["value"].as_f64().unwrap()], 2e-6, case);
            close(&errors, &doubles(&case["losses"]), 2e-6, case);
            close(&gradient, &gradients, 2e-6, case);
        }
    }
}
