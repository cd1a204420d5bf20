//! Batch normalisation, renormalisation and residual blocks, against double-precision programs and against
//! themselves.

use potstill_core::{Pcg64, Restorable};
use potstill_nn::{
    Dropout, Ends, Initialisation, Interface, Level, Network, NetworkSpec, Tensor, Upstream, Workers,
    Workspace,
};
use serde_json::Value;

fn doubles(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn floats(value: &Value) -> Vec<f32> {
    doubles(value).into_iter().map(|v| v as f32).collect()
}

fn sizes(value: &Value) -> Vec<usize> {
    value.as_array().unwrap().iter().map(|v| v.as_u64().unwrap() as usize).collect()
}

/// Equal to `tolerance` relative to the largest of the expected values.
fn close(got: &[f32], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(got.len(), expected.len(), "{what}");
    let scale = expected.iter().fold(1e-3, |scale: f64, e| scale.max(e.abs()));
    for (i, (g, e)) in got.iter().zip(expected).enumerate() {
        assert!((f64::from(*g) - e).abs() <= tolerance * scale, "{what}: number {i} is {g}, not {e}");
    }
}

/// Images channel by channel to images point by point.
fn point_by_point<T: Copy>(batch: &[T], inputs: &[usize]) -> Vec<T> {
    let &[channels, height, width] = inputs else { return batch.to_vec() };
    let points = height * width;
    let one =
        |one: &[T]| -> Vec<T> { (0..one.len()).map(|i| one[i % channels * points + i / channels]).collect() };
    batch.chunks(channels * points).flat_map(one).collect()
}

fn ends(inputs: &[usize], outputs: usize) -> Ends {
    match *inputs {
        [features] => Ends::new(features, outputs),
        [channels, height, width] => Ends::new([height, width, channels], outputs),
        _ => panic!("inputs {inputs:?}"),
    }
}

const OFF: Dropout = Dropout { inputs: 0.0, hidden: 0.0 };

#[test]
fn passes_and_gradients_are_those_of_the_definition() {
    let files = [
        (include_str!("../../../testdata/numpy/residual.json"), 1e-5),
        // Corrections of up to 5 in single precision.
        (include_str!("../../../testdata/numpy/renorm.json"), 3e-5),
    ];
    let files = files.map(|(text, slack)| (serde_json::from_str::<Value>(text).unwrap(), slack));
    let cases =
        files.iter().flat_map(|(file, slack)| file["cases"].as_array().unwrap().iter().map(|c| (c, *slack)));
    let cases: Vec<(&Value, f64)> = cases.collect();
    assert_eq!(cases.len(), 8);
    for (case, slack) in cases {
        let (inputs, name) = (sizes(&case["inputs"]), case["spec"].as_str().unwrap());
        let spec: NetworkSpec = name.parse().unwrap();
        let mut network = spec.zeroed(&ends(&inputs, case["outputs"].as_u64().unwrap() as usize));
        let tensors = case["tensors"].as_object().unwrap().iter();
        let tensors: Vec<Tensor> = tensors
            .map(|(name, t)| Tensor {
                name: name.clone(),
                shape: sizes(&t["shape"]),
                data: floats(&t["data"]),
            })
            .collect();
        network.load_tensors(&tensors).unwrap();
        let batch = point_by_point(&floats(&case["batch"]), &inputs);
        let d_outputs = floats(&case["d_output"]);
        for (mode, is_training) in [("training", true), ("frozen", false)] {
            let (expected, what) = (&case[mode], format!("{name}, {mode}"));
            let mut workspace = Workspace::default();
            let outputs = match is_training {
                true => network.forward_training(&batch, OFF, &mut Pcg64::new(1), &mut workspace),
                false => network.forward(&batch, &mut workspace),
            };
            close(outputs, &doubles(&expected["output"]), 3e-6, &what);
            let mut gradient = vec![f32::NAN; network.parameters().len()];
            let mut d_inputs = vec![f32::NAN; batch.len()];
            let upstream = Upstream::from(&*d_outputs);
            network.backward_from(upstream, &mut workspace, Some(&mut gradient), Some(&mut d_inputs));
            let d_batch = point_by_point(&doubles(&expected["d_input"]), &inputs);
            close(&d_inputs, &d_batch, slack, &what);
            // Read as parameters, the gradient has names and PyTorch's layout too.
            let mut named = network.clone();
            named.update_parameters(|parameters| parameters.copy_from_slice(&gradient));
            for Tensor { name, data, .. } in named.tensors().iter().filter(|t| !t.name.contains("running")) {
                close(data, &doubles(&expected["gradients"][name]), slack, &format!("{what}, {name}"));
            }
            let mut moved = network.clone();
            if is_training {
                moved.update_statistics(&workspace);
            }
            let running = expected["running"].as_object().unwrap();
            assert_eq!(running.is_empty(), !is_training || !spec.has_statistics());
            for Tensor { name, data, .. } in moved.tensors().iter().filter(|t| running.contains_key(&t.name))
            {
                close(data, &doubles(&running[name]), 1e-6, &format!("{what}, {name}"));
            }
        }
    }
}

const SPECS: [(&str, [usize; 3]); 9] = [
    ("mlp:20,8:batchnorm", [1, 1, 5]),
    ("mlp:20,8:batchrenorm", [1, 1, 5]),
    ("mlp:20,8:tanh:batchrenorm=7", [1, 1, 5]),
    ("mlp::batchrenorm=0", [1, 1, 5]),
    ("cnn:4x3p1,max2,6:batchnorm:gelu", [6, 5, 2]),
    ("cnn:4x3p1,res4,res18s2,gap:batchnorm", [5, 7, 3]),
    ("cnn:res3,res5s2,gap,4:layernorm:tanh", [4, 4, 3]),
    ("cnn:res2s2,avg2,9:silu", [6, 6, 1]),
    ("resnet8", [8, 8, 1]),
];

/// A network with parameters and running statistics that are not those of the beginning.
fn network(spec: &str, inputs: [usize; 3], rng: &mut Pcg64) -> Network {
    let spec: NetworkSpec = spec.parse().unwrap();
    let mut network = spec.initialised(&Ends::new(inputs, 3), Initialisation::Pytorch, rng);
    network.update_parameters(|all| all.iter_mut().for_each(|w| *w += 0.1 * rng.normal() as f32));
    let mut workspace = Workspace::default();
    for _ in 0..10 {
        let batch = noise(20 * network.inputs(), rng);
        network.forward_training(&batch, OFF, rng, &mut workspace);
        network.update_statistics(&workspace);
    }
    network
}

fn noise(length: usize, rng: &mut Pcg64) -> Vec<f32> {
    (0..length).map(|_| rng.normal() as f32).collect()
}

/// All of a training step: outputs, statistics, gradient with respect to parameters and inputs.
fn step(network: &Network, batch: &[f32], workspace: &mut Workspace) -> Vec<f32> {
    let outputs = network
        .forward_training(batch, Dropout { inputs: 0.1, hidden: 0.2 }, &mut Pcg64::new(8), workspace)
        .to_vec();
    let d_outputs: Vec<f32> = outputs.iter().map(|y| 0.3 * y - 0.1).collect();
    let mut gradient = vec![f32::NAN; network.parameters().len()];
    let mut d_inputs = vec![f32::NAN; batch.len()];
    network.backward_from((&*d_outputs).into(), workspace, Some(&mut gradient), Some(&mut d_inputs));
    let mut moved = network.clone();
    moved.update_statistics(workspace);
    [outputs, gradient, d_inputs, moved.statistics().to_vec()].concat()
}

#[test]
fn ways_levels_and_threads_give_the_same_bits() {
    let mut rng = Pcg64::new(4);
    for (spec, inputs) in SPECS {
        let network = network(spec, inputs, &mut rng);
        let batch = noise(53 * network.inputs(), &mut rng);
        let (mut steps, mut outputs) = (Vec::new(), Vec::new());
        for level in Level::all() {
            for threads in [1, 2, 3] {
                let mut workspace = Workspace::at(level, Workers::new(threads));
                // A bigger batch before leaves stale values in the buffers, which must not be read.
                step(&network, &[&*batch, &*batch].concat(), &mut workspace);
                steps.push(step(&network, &batch, &mut workspace));
                outputs.push(network.forward(&batch, &mut workspace).to_vec());
                outputs.push(network.predict(&batch, &mut workspace).to_vec());
                let alone = batch.chunks(network.inputs());
                outputs.push(alone.flat_map(|x| network.predict(x, &mut workspace).to_vec()).collect());
            }
        }
        assert!(steps.iter().flatten().all(|x| x.is_finite()), "{spec}");
        assert!(steps.windows(2).all(|pair| pair[0] == pair[1]), "{spec}: steps");
        assert!(outputs.windows(2).all(|pair| pair[0] == pair[1]), "{spec}: outputs");
    }
}

#[test]
fn a_prediction_in_parts_is_that_of_all() {
    // 300 kB of units for each sample, so that some hundred are computed at a time.
    let mut rng = Pcg64::new(5);
    let network = network("cnn:40x3p1,res40,gap:batchnorm", [16, 16, 1], &mut rng);
    let batch = noise(400 * network.inputs(), &mut rng);
    let mut workspace = Workspace::new(Workers::new(2));
    let all = network.forward(&batch, &mut workspace).to_vec();
    assert_eq!(network.predict(&batch, &mut workspace), all);
    assert_eq!(workspace.outputs(), all);
}

#[test]
fn folded_networks_answer_as_before() {
    let mut rng = Pcg64::new(6);
    for (spec, inputs) in SPECS {
        let network = network(spec, inputs, &mut rng);
        let folded = network.without_batch_norm();
        assert!(!folded.spec().has_statistics() && folded.statistics().is_empty());
        let batch = noise(20 * network.inputs(), &mut rng);
        let mut workspace = Workspace::default();
        let expected: Vec<f64> =
            network.predict(&batch, &mut workspace).iter().map(|&y| f64::from(y)).collect();
        close(folded.predict(&batch, &mut workspace), &expected, 3e-6, spec);
    }
}

#[test]
fn heads_behind_a_renormalisation_are_folded_and_taken_apart() {
    let mut rng = Pcg64::new(9);
    let interface = Interface::of_heads(3, &[("mean", 2), ("log_std", 4)]);
    let spec: NetworkSpec = "mlp:6:batchrenorm=2".parse().unwrap();
    let mut network = spec.initialised(&interface, Initialisation::Pytorch, &mut rng);
    let (mut workspace, batch) = (Workspace::default(), noise(20 * 3, &mut rng));
    for _ in 0..3 {
        network.forward_training(&noise(60, &mut rng), OFF, &mut rng, &mut workspace);
        network.update_statistics(&workspace);
    }
    let outputs = network.predict(&batch, &mut workspace).to_vec();
    let own = &outputs[network.head_range("log_std", 20)];
    let head = network.of_head("log_std");
    assert_eq!(head.predict(&batch, &mut workspace), own);
    let own: Vec<f64> = own.iter().map(|&y| f64::from(y)).collect();
    close(head.without_batch_norm().predict(&batch, &mut workspace), &own, 3e-6, "a head, folded");
    let folded = network.without_batch_norm();
    let all: Vec<f64> = outputs.iter().map(|&y| f64::from(y)).collect();
    close(folded.predict(&batch, &mut workspace), &all, 3e-6, "all heads, folded");
}

/// One weight of 1 behind a renormalisation, and a batch of two numbers.
#[test]
fn corrections_by_hand() {
    let network = |spec: &str| {
        let mut network = spec.parse::<NetworkSpec>().unwrap().build(1, 1, &mut Pcg64::new(1));
        network.update_parameters(|p| p.copy_from_slice(&[1.0, 0.0, 1.0, 0.0]));
        network
    };
    let check = |network: &mut Network, batch: [f32; 2], expected: [f64; 2], statistics: [f64; 2]| {
        let mut workspace = Workspace::default();
        let outputs = network.forward_training(&batch, OFF, &mut Pcg64::new(1), &mut workspace);
        close(outputs, &expected, 1e-6, &format!("{batch:?}"));
        network.update_statistics(&workspace);
        close(network.statistics(), &statistics, 1e-6, &format!("{batch:?}"));
    };
    // Running mean 0 and variance 1, whose deviation is sqrt(1.001) = 1.0004999. Of 1 and 3 mean and variance
    // are 2 and 1: r = 1 and d = 1.9990006, so that the running deviation divides 1 and 3.
    let mut renormalised = network("mlp::batchrenorm=0");
    check(&mut renormalised, [1.0, 3.0], [0.9995004, 2.9985011], [0.02, 1.0]);
    // Of 101 and 103: d = 5 and not 102, r = 1; of -10 and 10: r = 3 and not 10, d = -0.02 / 1.0005.
    check(&mut network("mlp::batchrenorm=0"), [101.0, 103.0], [4.0004996, 5.9995004], [1.02, 1.0]);
    check(&mut renormalised, [-10.0, 10.0], [-3.0199750, 2.9799950], [0.0198, 1.99]);
    // Plain for one batch: 1 below and above the mean.
    let mut warming = network("mlp::batchrenorm=1");
    check(&mut warming, [1.0, 3.0], [-0.9995004, 0.9995004], [0.02, 1.0]);
    // Then (1 - 0.02) / 1.0005 and (3 - 0.02) / 1.0005.
    let mut restored = network("mlp::batchrenorm=1");
    restored.restore(&warming.snapshot()).unwrap();
    let mut copied = network("mlp::batchrenorm=1");
    copied.copy_from(&warming);
    for mut network in [warming, restored, copied] {
        check(&mut network, [1.0, 3.0], [0.9795104, 2.9785111], [0.0398, 1.0]);
    }
}

#[test]
fn running_statistics_are_copied_averaged_saved_and_named() {
    let mut rng = Pcg64::new(7);
    let [a, b] = [(); 2].map(|()| network("resnet8", [8, 8, 1], &mut rng));
    // Nine normalisations of 16, 32 and 64 channels, two of them of inputs that skip a block.
    let channels = 16 * 3 + 32 * 3 + 64 * 3;
    assert_eq!(a.statistics().len(), 2 * channels);
    // Weights, gains and biases, and the dense layer.
    let weights = 9 * (16 + 2 * 16 * 16 + 16 * 32 + 32 * 32 + 32 * 64 + 64 * 64) + 16 * 32 + 32 * 64;
    assert_eq!(a.parameters().len(), weights + 2 * channels + 64 * 3 + 3);
    assert_eq!(a.spec().check(a.ends()), Ok(a.parameters().len()));
    assert_eq!(a.spec().statistics(a.ends()), Ok(2 * channels));
    assert_ne!(a.statistics(), b.statistics());
    let mut mean = a.clone();
    mean.polyak_update(&b, 0.25);
    for ((mean, a), b) in mean.statistics().iter().zip(a.statistics()).zip(b.statistics()) {
        assert!((mean - (0.75 * a + 0.25 * b)).abs() <= 1e-6 * (1.0 + mean.abs()));
    }
    mean.polyak_update(&b, 1.0);
    assert_eq!(mean, b);
    let mut restored = a.clone();
    restored.restore(&b.snapshot()).unwrap();
    assert_eq!(restored, b);
    restored = a.spec().zeroed(a.ends());
    restored.load_tensors(&a.tensors()).unwrap();
    assert_eq!(restored, a);
    restored.copy_from(&b);
    assert_eq!(restored, b);
    let names: Vec<String> = a.tensors().into_iter().map(|tensor| tensor.name).collect();
    for name in ["0.weight", "1.running_mean", "3.conv2.weight", "4.bn1.bias", "5.downsample.1.running_var"] {
        assert!(names.iter().any(|other| other == name), "{name} is not in {names:?}");
    }
    assert!(names.last().unwrap() == "8.bias" && !names.iter().any(|name| name == "0.bias"));
    let mut wrong = a.tensors();
    wrong.iter_mut().find(|tensor| tensor.name == "1.running_var").unwrap().data[3] = -0.5;
    let error = restored.load_tensors(&wrong).unwrap_err();
    assert_eq!(error.to_string(), "tensor `1.running_var` holds a variance below 0");
    assert_eq!(restored, b);
}

#[test]
fn what_cannot_be_built_is_told() {
    let check = |spec: &str, inputs: [usize; 3], expected: &str| {
        let spec: NetworkSpec = spec.parse().unwrap();
        assert_eq!(spec.check(&Ends::new(inputs, 3)), Err(expected.to_owned()), "{spec}");
    };
    check("resnet8", [1, 1, 30], "it learns images, and these are features; features have mlp");
    let small = |stage: &str, at: &str, least: usize, has: &str| {
        format!(
            "`{stage}` does not fit into an image of {at} points: its layers need {least} x {least} points at least, the \
             image has {has}; enlarge it, or write smaller layers, such as cnn:16x3,128"
        )
    };
    check("resnet20", [2, 9, 3], &small("res64s2", "1 x 5", 3, "2 x 9"));
    check("cnn:res4s2,res4s3,gap", [4, 4, 1], &small("res4s3", "2 x 2", 5, "4 x 4"));
    // (8 - 1) x 4 + 8 = 36, 8 = (3 - 1) x 2 + 4, 3 = 0 x 1 + 3.
    check("cnn:32x8s4,64x4s2,64x3,512", [35, 40, 4], &small("64x3", "2 x 3", 36, "35 x 40"));
    check("cnn:4x3p1,max2,avg3", [5, 5, 1], &small("avg3", "2 x 2", 6, "5 x 5"));
    assert!(
        "cnn:32x8s4,64x4s2,64x3,512"
            .parse::<NetworkSpec>()
            .unwrap()
            .check(&Ends::new([36, 36, 4], 2))
            .is_ok()
    );
    assert!("cnn:4x3p1,max2,avg3".parse::<NetworkSpec>().unwrap().check(&Ends::new([6, 6, 1], 2)).is_ok());
    let beside =
        "batchnorm cannot be beside layernorm, noisy, or quantiles at probabilities that are asked for";
    check("mlp:8:layernorm:batchnorm", [1, 1, 4], beside);
    check("mlp:8:batchnorm:noisy", [1, 1, 4], beside);
    let of_dense = "batchrenorm is of dense layers: it cannot be beside convolutions, layernorm, batchnorm, \
                    dueling, noisy, or quantiles at probabilities that are asked for";
    for options in ["layernorm", "dueling", "noisy"] {
        check(&format!("mlp:8:{options}:batchrenorm"), [1, 1, 4], of_dense);
    }
    check("mlp:8:batchnorm:batchrenorm=3", [1, 1, 4], of_dense);
    check("cnn:4x3,8:batchrenorm", [4, 4, 1], of_dense);
    assert!("resnet8".parse::<NetworkSpec>().unwrap().check(&Ends::new([3, 3, 1], 2)).is_ok());
}

#[test]
#[should_panic(expected = "more than one number in each channel")]
fn one_number_has_no_deviation() {
    let network = "mlp:4:batchnorm".parse::<NetworkSpec>().unwrap().build(3, 2, &mut Pcg64::new(1));
    network.forward_training(&[1.0; 3], OFF, &mut Pcg64::new(1), &mut Workspace::default());
}
