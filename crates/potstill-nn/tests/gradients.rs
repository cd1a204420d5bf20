//! Every loss and layer against central differences in double precision.
//!
//! The references below are written from the formulas, in `f64` and without the engine, so that they check
//! values as well as gradients.

use potstill_core::Pcg64;
use potstill_nn::loss::{
    Blend, Chosen, Regression, cross_entropy, distillation, regression_at, temperature_kl,
};
use potstill_nn::{
    Activation, Ends, Head, Initialisation, Inputs, Interface, Level, Network, NetworkSpec, Optimiser, Rule,
    Upstream, Workers, Workspace, loss,
};

/// `(f(x + h) - f(x - h)) / 2h` in each coordinate.
fn differences(x: &[f64], f: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    const H: f64 = 1e-5;
    let mut moved = x.to_vec();
    (0..x.len())
        .map(|i| {
            moved[i] = x[i] + H;
            let above = f(&moved);
            moved[i] = x[i] - H;
            let below = f(&moved);
            moved[i] = x[i];
            (above - below) / (2.0 * H)
        })
        .collect()
}

fn widen(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&v| f64::from(v)).collect()
}

fn close(got: &[f32], expected: &[f64], what: &str) {
    let scale = expected.iter().fold(1e-3, |scale: f64, e| scale.max(e.abs()));
    for (i, (g, e)) in got.iter().zip(expected).enumerate() {
        assert!((f64::from(*g) - e).abs() <= 2e-5 * scale, "{what}: gradient {i} is {g}, not {e}");
    }
}

fn near(value: f32, expected: f64, temperature: f64) {
    let slack = 1e-6 * expected.abs();
    assert!((f64::from(value) - expected).abs() <= slack, "{value} is not {expected} at T = {temperature}");
}

fn noise(length: usize, spread: f64, rng: &mut Pcg64) -> Vec<f32> {
    (0..length).map(|_| rng.uniform(-spread, spread) as f32).collect()
}

fn log_softmax(z: &[f64], temperature: f64) -> Vec<f64> {
    let highest = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let log_sum = z.iter().map(|z| ((z - highest) / temperature).exp()).sum::<f64>().ln();
    z.iter().map(|z| (z - highest) / temperature - log_sum).collect()
}

fn reference_ce(z: &[f64], labels: &[usize], classes: usize) -> f64 {
    let rows = z.chunks(classes).zip(labels);
    rows.map(|(row, &label)| -log_softmax(row, 1.0)[label]).sum::<f64>() / labels.len() as f64
}

fn reference_kl(teacher: &[f64], student: &[f64], classes: usize, t: f64) -> f64 {
    let rows = teacher.chunks(classes).zip(student.chunks(classes)).map(|(teacher, student)| {
        let (p, q) = (log_softmax(teacher, t), log_softmax(student, t));
        p.iter().zip(&q).map(|(p, q)| p.exp() * (p - q)).sum::<f64>()
    });
    t * t * rows.sum::<f64>() / (student.len() / classes) as f64
}

#[test]
fn losses() {
    let mut rng = Pcg64::new(1);
    for trial in 0..60 {
        let (samples, classes) = (1 + rng.below(5), 2 + rng.below(6));
        let student = noise(samples * classes, 4.0, &mut rng);
        let teacher = noise(samples * classes, 4.0, &mut rng);
        let labels: Vec<usize> = (0..samples).map(|_| rng.below(classes)).collect();
        let targets = noise(samples, 4.0, &mut rng);
        let (wide, wide_teacher) = (widen(&student), widen(&teacher));
        let t = [0.5, 1.0, 4.0, 20.0][trial % 4];
        let alpha = [0.0, 0.25, 0.5, 1.0][trial / 4 % 4];
        let mut gradient = vec![f32::NAN; student.len()];

        for kind in
            [Regression::SquaredError, Regression::Huber { delta: 1.0 }, Regression::Huber { delta: 2.5 }]
        {
            let reference = |q: &[f64]| {
                let errors = (0..samples).map(|i| q[i * classes + labels[i]] - f64::from(targets[i]));
                let each = errors.map(|e: f64| match kind {
                    Regression::SquaredError => e * e,
                    Regression::Huber { delta } if e.abs() <= f64::from(delta) => 0.5 * e * e,
                    Regression::Huber { delta } => f64::from(delta) * (e.abs() - 0.5 * f64::from(delta)),
                });
                each.sum::<f64>() / samples as f64
            };
            let chosen = Chosen { indices: &labels, weights: &[] };
            let errors = &mut vec![0.0; samples];
            let value = regression_at(kind, &student, chosen, &targets, errors, &mut gradient);
            close(&[value], &[reference(&wide)], "regression value");
            close(&gradient, &differences(&wide, reference), "regression");
        }

        let value = cross_entropy(&student, &labels, &mut gradient);
        close(&[value], &[reference_ce(&wide, &labels, classes)], "cross-entropy value");
        close(&gradient, &differences(&wide, |z| reference_ce(z, &labels, classes)), "cross-entropy");

        let value = temperature_kl(t as f32, &teacher, &student, samples, &mut gradient);
        near(value, reference_kl(&wide_teacher, &wide, classes, t), t);
        close(&gradient, &differences(&wide, |z| reference_kl(&wide_teacher, z, classes, t)), "KL");

        let blend = Blend { alpha: alpha as f32, temperature: t as f32 };
        let reference = |z: &[f64]| {
            alpha * reference_kl(&wide_teacher, z, classes, t)
                + (1.0 - alpha) * reference_ce(z, &labels, classes)
        };
        let value = distillation(blend, &teacher, &student, &labels, &mut gradient);
        near(value, reference(&wide), t);
        close(&gradient, &differences(&wide, reference), "distillation");
    }
}

/// The network from its tensors, in double precision: `y = W x + b`, layer by layer.
fn reference_forward(network: &Network, parameters: &[f64], batch: &[f64]) -> Vec<f64> {
    let spec = network.spec();
    let mut widths = vec![network.inputs()];
    widths.extend(&spec.hidden);
    widths.push(network.outputs());
    let mut outputs = Vec::new();
    for sample in batch.chunks(network.inputs()) {
        let (mut x, mut offset) = (sample.to_vec(), 0);
        for (layer, pair) in widths.windows(2).enumerate() {
            let (inputs, units) = (pair[0], pair[1]);
            let weights = &parameters[offset..offset + inputs * units];
            let biases = &parameters[offset + inputs * units..][..units];
            offset += (inputs + 1) * units;
            x = (0..units)
                .map(|o| biases[o] + (0..inputs).map(|i| x[i] * weights[i * units + o]).sum::<f64>())
                .collect();
            if layer + 2 < widths.len() {
                for value in &mut x {
                    *value = match spec.activation {
                        Activation::Relu => value.max(0.0),
                        Activation::Tanh => value.tanh(),
                        other => panic!("no reference of {other}"),
                    };
                }
            }
        }
        outputs.extend(x);
    }
    outputs
}

#[test]
fn layers() {
    let mut rng = Pcg64::new(2);
    for spec in ["mlp", "mlp:7", "mlp:9,4", "mlp:7:tanh", "mlp:5,18:tanh", "mlp:3,3,3"] {
        for samples in [1, 2, 7] {
            let spec: NetworkSpec = spec.parse().unwrap();
            let network = spec.build(4, 3, &mut rng);
            let batch = noise(samples * 4, 2.0, &mut rng);
            let d_outputs = noise(samples * 3, 1.0, &mut rng);
            let mut workspace = Workspace::default();
            // A bigger batch before leaves stale values in the buffers, which must not be read.
            network.forward(&noise(9 * 4, 2.0, &mut rng), &mut workspace);

            let outputs = network.forward(&batch, &mut workspace).to_vec();
            let (wide, wide_batch) = (widen(network.parameters()), widen(&batch));
            close(&outputs, &reference_forward(&network, &wide, &wide_batch), "outputs");

            let mut gradient = vec![f32::NAN; wide.len()];
            network.backward(&d_outputs, &mut workspace, &mut gradient);
            let scalar = |parameters: &[f64]| {
                let outputs = reference_forward(&network, parameters, &wide_batch);
                outputs.iter().zip(&d_outputs).map(|(y, &d)| y * f64::from(d)).sum::<f64>()
            };
            close(&gradient, &differences(&wide, scalar), &spec.to_string());
        }
    }
}

/// Networks with every layer there is.
const EVERY: [(&str, [usize; 3]); 15] = [
    ("mlp", [1, 1, 5]),
    ("mlp:33,17", [1, 1, 5]),
    ("mlp:65:tanh", [1, 1, 70]),
    ("mlp:7,20:gelu:layernorm", [1, 1, 3]),
    ("mlp:9:silu", [1, 1, 4]),
    ("mlp:18,6:dueling", [1, 1, 4]),
    ("mlp:5:dueling:noisy:layernorm", [1, 1, 4]),
    ("mlp:8,6:noisy", [1, 1, 4]),
    ("cnn:5x3,7", [6, 5, 2]),
    ("cnn:18x2s2,max2,6:tanh", [9, 8, 3]),
    ("cnn:4x2,avg2,3x2:silu", [7, 6, 1]),
    ("cnn:3x2,6:layernorm", [4, 4, 2]),
    ("cnn:6x3,8:dueling", [5, 5, 2]),
    ("cnn:4x3,9,5:noisy", [4, 4, 3]),
    ("cnn:res4,res6s2,gap,5:tanh", [4, 4, 3]),
];

const HEADS: [Head; 4] = [
    Head::Values,
    Head::Categorical { atoms: 5, low: -1.0, high: 1.0 },
    Head::Quantile { quantiles: 4 },
    Head::Implicit { cosines: 6 },
];

/// Every network with every head, with noise on it.
fn every(mut work: impl FnMut(&str, &mut Network, &mut Pcg64)) {
    let mut rng = Pcg64::new(3);
    for (spec, inputs) in EVERY {
        for head in HEADS {
            let spec: NetworkSpec = spec.parse().unwrap();
            let ends = Ends { head, ..Ends::new(inputs, 3) };
            if let (Err(_), Head::Implicit { .. }) = (spec.check(&ends), head) {
                // No state features to multiply with the embedding of a probability.
                assert!(spec.hidden.len() < 2);
                continue;
            }
            let mut network = spec.initialised(&ends, Initialisation::Pytorch, &mut rng);
            network.draw_noise(&mut rng);
            work(&format!("{spec} {head:?}"), &mut network, &mut rng);
        }
    }
}

/// A difference quotient is no gradient at a kink of the loss. Single precision is imprecise, so the whole
/// gradient is measured along random directions.
#[test]
fn every_network_along_random_directions() {
    every(|name, network, rng| {
        // Without ReLU there are fewer bends; its own gradient is held elsewhere.
        let mut spec = network.spec().clone();
        if spec.activation == Activation::Relu {
            spec.activation = Activation::Tanh;
        }
        let network = &mut spec.initialised(network.ends(), Initialisation::Pytorch, rng);
        network.draw_noise(rng);
        let (samples, width) = (3, network.outputs());
        let batch = noise(samples * network.inputs(), 1.0, rng);
        let taus = noise(samples * 2, 0.5, rng).iter().map(|x| x + 0.5).collect::<Vec<_>>();
        let is_implicit = matches!(network.ends().head, Head::Implicit { .. });
        let outputs_each = if is_implicit { 2 * width } else { width };
        let d_outputs = noise(samples * outputs_each, 1.0, rng);
        let mut workspace = Workspace::default();
        let loss = |network: &Network, batch: &[f32], workspace: &mut Workspace| -> f64 {
            let outputs = match is_implicit {
                true => network.forward_at(batch, &taus, workspace),
                false => network.forward(batch, workspace),
            };
            outputs.iter().zip(&d_outputs).map(|(&y, &d)| f64::from(y) * f64::from(d)).sum()
        };
        loss(network, &batch, &mut workspace);
        let mut gradient = vec![f32::NAN; network.parameters().len()];
        let mut d_inputs = vec![f32::NAN; batch.len()];
        network.backward_from(
            Upstream::from(&*d_outputs),
            &mut workspace,
            Some(&mut gradient),
            Some(&mut d_inputs),
        );
        let mut alone = vec![f32::NAN; batch.len()];
        assert_eq!(
            network.backward_from(Upstream::from(&*d_outputs), &mut workspace, None, Some(&mut alone)),
            0.0
        );
        assert_eq!(alone, d_inputs, "{name}: with and without the parameters");
        let start = network.parameters().to_vec();
        let moved = |from: &[f32], h: f32, direction: &[f32]| -> Vec<f32> {
            from.iter().zip(direction).map(|(x, d)| x + h * d).collect()
        };
        const H: f32 = 3e-4;
        let misses = |measured: f64, gradient: &[f32], direction: &[f32]| {
            let expected: f64 =
                gradient.iter().zip(direction).map(|(&g, &d)| f64::from(g) * f64::from(d)).sum();
            // Those of the probabilities have ReLU whatever is asked for.
            let slack = if is_implicit { 5e-2 } else { 3e-3 };
            u32::from((measured - expected).abs() > slack * (1.0 + expected.abs()))
        };
        let (mut of_parameters, mut of_inputs) = (0, 0);
        let mut other = Pcg64::new(4);
        for _ in 0..8 {
            let direction = noise(batch.len(), 1.0, &mut other);
            let mut along = |h: f32| loss(network, &moved(&batch, h, &direction), &mut workspace);
            let measured = (along(H) - along(-H)) / (2.0 * f64::from(H));
            of_inputs += misses(measured, &d_inputs, &direction);
        }
        for _ in 0..8 {
            let direction = noise(start.len(), 1.0, rng);
            let mut along = |h: f32| {
                network.update_parameters(|p| p.copy_from_slice(&moved(&start, h, &direction)));
                loss(network, &batch, &mut workspace)
            };
            let measured = (along(H) - along(-H)) / (2.0 * f64::from(H));
            of_parameters += misses(measured, &gradient, &direction);
        }
        // A step may cross a bend of a maximum.
        assert!(of_parameters <= 2 && of_inputs <= 2, "{name}: {of_parameters} and {of_inputs} of 8");
    });
}

#[test]
fn ways_levels_and_threads_give_the_same_bits() {
    every(|name, network, rng| {
        let samples = 37;
        let batch = noise(samples * network.inputs(), 1.0, rng);
        let mut outputs = Vec::new();
        let mut gradients = Vec::new();
        for level in Level::all() {
            for threads in [1, 3] {
                let mut workspace = Workspace::at(level, Workers::new(threads));
                // A bigger batch before leaves stale values in the buffers, which must not be read.
                network.forward(&[&*batch, &*batch].concat(), &mut workspace);
                outputs.push(network.forward(&batch, &mut workspace).to_vec());
                let d_outputs: Vec<f32> = outputs[0].iter().map(|y| y * 0.3 - 0.1).collect();
                let mut gradient = vec![f32::NAN; network.parameters().len()];
                let mut d_inputs = vec![f32::NAN; batch.len()];
                network.backward_from(
                    Upstream::from(&*d_outputs),
                    &mut workspace,
                    Some(&mut gradient),
                    Some(&mut d_inputs),
                );
                gradients.push([gradient, d_inputs].concat());
                let alone = batch.chunks(network.inputs());
                outputs.push(alone.flat_map(|x| network.predict(x, &mut workspace).to_vec()).collect());
            }
        }
        assert!(outputs.windows(2).all(|pair| pair[0] == pair[1]), "{name}: outputs");
        assert!(gradients.windows(2).all(|pair| pair[0] == pair[1]), "{name}: gradients");
    });
}

/// As big as it must be for the threads to be called.
#[test]
fn threads_give_the_same_bits_for_much_work() {
    let network = "mlp:128,128".parse::<NetworkSpec>().unwrap().build(9, 4, &mut Pcg64::new(1));
    let batch = noise(64 * 9, 1.0, &mut Pcg64::new(2));
    let pass = |threads: usize| {
        let mut workspace = Workspace::new(Workers::new(threads));
        let outputs = network.forward(&batch, &mut workspace).to_vec();
        let mut gradient = vec![f32::NAN; network.parameters().len()];
        network.backward(&outputs, &mut workspace, &mut gradient);
        let rules = [
            Rule::ADAM,
            Rule::RAdam { beta1: 0.9, beta2: 0.99, epsilon: 1e-8 },
            Rule::Sgd { momentum: 0.9, nesterov: true },
            Rule::Rmsprop { alpha: 0.9, epsilon: 0.01, centred: true },
        ];
        let steps = rules.map(|rule| {
            let mut parameters = network.parameters().to_vec();
            let mut optimiser = Optimiser::new(rule, parameters.len());
            for _ in 0..3 {
                optimiser.step(0.1, &mut parameters, &gradient, workspace.workers());
            }
            let moved = parameters.iter().zip(network.parameters()).filter(|(a, b)| a != b).count();
            // All but those of dead units.
            assert!(moved > parameters.len() / 2 && parameters.iter().all(|x| x.is_finite()));
            parameters
        });
        (outputs, gradient, steps)
    };
    let alone = pass(1);
    assert!([2, 3, 5].into_iter().all(|threads| pass(threads) == alone));
}

/// The same of several heads, a tap, free parameters and the inputs, at every level.
#[test]
fn levels_and_threads_give_the_same_bits_for_heads_taps_and_inputs() {
    let interface = Interface::of_heads(9, &[("policy", 6), ("value", 1)]).with_free("log_std", 6, 0.0);
    let spec: NetworkSpec = "mlp:128,128:tanh".parse().unwrap();
    let network = spec.initialised(&interface, Initialisation::Orthogonal, &mut Pcg64::new(1));
    let (samples, mut rng) = (67, Pcg64::new(2));
    let batch = noise(samples * 9, 1.0, &mut rng);
    let (d_outputs, d_units) = (noise(samples * 7, 1.0, &mut rng), noise(samples * 128, 1.0, &mut rng));
    let tap = network.tap("1").unwrap();
    let pass = |level: Level, threads: usize| {
        let mut workspace = Workspace::at(level, Workers::new(threads));
        // A bigger batch before leaves stale values in the buffers, which must not be read.
        network.forward(&[&*batch, &*batch].concat(), &mut workspace);
        let outputs = network.forward(&batch, &mut workspace).to_vec();
        let mut units = vec![f32::NAN; samples * 128];
        network.activations(tap, &workspace, &mut units);
        let upstream = Upstream { outputs: &d_outputs, free: &[0.5; 6], taps: &[(tap, &d_units)] };
        let (mut gradient, mut d_inputs) =
            (vec![f32::NAN; network.parameters().len()], vec![f32::NAN; batch.len()]);
        let length =
            network.backward_from(upstream, &mut workspace, Some(&mut gradient), Some(&mut d_inputs));
        assert!(gradient.iter().chain(&d_inputs).all(|g| g.is_finite()));
        (outputs, units, gradient, d_inputs, length)
    };
    let first = pass(Level::all()[0], 1);
    for level in Level::all() {
        for threads in [1, 2, 3, 5] {
            assert!(pass(level, threads) == first, "{} with {threads} threads", level.name());
        }
    }
}

#[test]
fn means_are_those_of_the_distributions() {
    let softmax = |logits: [f64; 3]| {
        let sum: f64 = logits.iter().map(|z| z.exp()).sum();
        logits.map(|z| z.exp() / sum)
    };
    let mean = loss::softmax_mean(&[0.5, -1.0, 2.0], -10.0, 10.0);
    let p = softmax([0.5, -1.0, 2.0]);
    assert!((f64::from(mean) - 10.0 * (p[2] - p[0])).abs() < 1e-5);
    every(|name, network, rng| {
        let batch = noise(2 * network.inputs(), 1.0, rng);
        let outputs = network.predict(&batch, &mut Workspace::default()).to_vec();
        let mut means = Vec::new();
        network.means(2, &outputs, &mut means);
        assert_eq!(means.len(), 6, "{name}");
        let expected: f32 = match network.ends().head {
            Head::Values => outputs[4],
            Head::Categorical { .. } => loss::softmax_mean(&outputs[20..25], -1.0, 0.5),
            Head::Quantile { .. } => outputs[16..20].iter().sum::<f32>() / 4.0,
            Head::Implicit { .. } => (32..64).map(|tau| outputs[tau * 3 + 1]).sum::<f32>() / 32.0,
            Head::Constrained { .. } => unreachable!("held by hand"),
        };
        assert!((means[4] - expected).abs() < 1e-6, "{name}: {} {expected}", means[4]);
    });
}

#[test]
fn improbable_choices_have_no_value() {
    let spec: NetworkSpec = "mlp".parse().unwrap();
    let check = |share: f32, expected: [f32; 3]| {
        let ends = Ends { head: Head::Constrained { ln_share: share.ln() }, ..Ends::new(1, 3) };
        let mut means = Vec::new();
        // Values 1, 2, 3 and probabilities of 1, 0.5 and 0.25 of the largest.
        let outputs = [1.0, 0.0, 2.0, 0.5_f32.ln(), 3.0, 0.25_f32.ln()];
        spec.zeroed(&ends).means(1, &outputs, &mut means);
        assert_eq!(means, expected, "{share}");
    };
    let none = f32::NEG_INFINITY;
    check(0.0, [1.0, 2.0, 3.0]);
    check(0.3, [1.0, 2.0, none]);
    check(0.6, [1.0, none, none]);
    check(1.0, [1.0, none, none]);
}

#[test]
fn initialisations_have_the_spread_they_say() {
    let ends = Ends::new(300, 200);
    let of = |how: Initialisation| {
        "mlp:400".parse::<NetworkSpec>().unwrap().initialised(&ends, how, &mut Pcg64::new(5))
    };
    let check = |how: Initialisation, largest: Option<f64>, deviation: f64| {
        let network = of(how);
        let weights = &network.parameters()[..300 * 400];
        let widest = weights.iter().fold(0.0_f64, |m, &w| m.max(f64::from(w.abs())));
        let squares: f64 = weights.iter().map(|&w| f64::from(w) * f64::from(w)).sum();
        let found = (squares / weights.len() as f64).sqrt();
        assert!((found / deviation - 1.0).abs() < 0.01, "{how:?}: {found} {deviation}");
        assert!(largest.is_none_or(|bound| widest <= bound && widest > 0.99 * bound), "{how:?}: {widest}");
    };
    let (third, bound) = (3.0_f64.sqrt(), 1.0 / 300.0_f64.sqrt());
    check(Initialisation::Pytorch, Some(bound), bound / third);
    let bound = (6.0_f64 / 700.0).sqrt();
    check(Initialisation::Xavier, Some(bound), bound / third);
    check(Initialisation::Kaiming, None, (2.0_f64 / 300.0).sqrt());
    // Truncated at two deviations of the normal number, whose own is larger by 1 / 0.8796 (scipy.stats.truncnorm).
    let check_truncated = |how: Initialisation, variance: f64| {
        check(how, Some(2.0 * variance.sqrt() / 0.879_625_66 * (1.0 + 1e-6)), variance.sqrt());
    };
    check_truncated(Initialisation::LecunNormal, 1.0 / 300.0);
    check_truncated(Initialisation::HeNormal, 2.0 / 300.0);
    // The outputs have 400 inputs, and Flax's default with either; biases are 0.
    let network = of(Initialisation::HeNormal);
    let (hidden, outputs) = network.parameters().split_at(301 * 400);
    let squares: f64 = outputs[..400 * 200].iter().map(|&w| f64::from(w) * f64::from(w)).sum();
    assert!((squares / 80_000.0 * 400.0 - 1.0).abs() < 0.02, "{squares}");
    assert!(hidden[300 * 400..].iter().chain(&outputs[400 * 200..]).all(|&bias| bias == 0.0));
    // Rows of length sqrt 2, each orthogonal to the others.
    let network = of(Initialisation::Orthogonal);
    let row = |i: usize| &network.parameters()[i * 400..][..400];
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum::<f64>();
    assert!((dot(row(7), row(7)) - 2.0).abs() < 1e-5 && dot(row(7), row(299)).abs() < 1e-5);
}

/// The frames of a stack are the channels of one image: so are their gradients.
#[test]
fn inputs_of_a_stack_have_the_gradients_of_channels() {
    let (frames, height, width, channels) = (3, 4, 5, 2);
    let mut rng = Pcg64::new(9);
    let spec: NetworkSpec = "cnn:4x3,6:tanh".parse().unwrap();
    let stack = Inputs { frames, height, width, channels };
    let stacked = spec.build(stack, 2, &mut rng);
    let mut flat = spec.zeroed(&Ends::new([height, width, frames * channels], 2));
    flat.update_parameters(|p| p.copy_from_slice(stacked.parameters()));
    let samples = 19;
    let batch = noise(samples * stack.count(), 1.0, &mut rng);
    // Number `i` of a sample in one order, at its place in the other.
    let place = |i: usize| {
        let (frame, point, channel) =
            (i / (height * width * channels), i / channels % (height * width), i % channels);
        (point * frames + frame) * channels + channel
    };
    let reordered = |batch: &[f32]| {
        let mut other = vec![0.0; batch.len()];
        for (i, &x) in batch.iter().enumerate() {
            other[i / stack.count() * stack.count() + place(i % stack.count())] = x;
        }
        other
    };
    let d_inputs = |network: &Network, batch: &[f32]| {
        let (mut workspace, mut d_inputs) = (Workspace::default(), vec![f32::NAN; batch.len()]);
        let outputs = network.forward(batch, &mut workspace).to_vec();
        network.backward_from(Upstream::from(&*outputs), &mut workspace, None, Some(&mut d_inputs));
        d_inputs
    };
    assert_eq!(reordered(&d_inputs(&stacked, &batch)), d_inputs(&flat, &reordered(&batch)));
}

/// Each number of the gradient is one chain of sums, also of more samples than are summed over in one go.
#[test]
fn gradients_of_many_samples_are_one_chain() {
    let spec: NetworkSpec = "mlp".parse().unwrap();
    for samples in [1, 512, 513, 1100] {
        let mut rng = Pcg64::new(samples as u64);
        let network = spec.initialised(&Ends::new(3, 18), Initialisation::Pytorch, &mut rng);
        let mut draw = |count: usize| (0..count).map(|_| rng.normal() as f32).collect::<Vec<f32>>();
        let (x, d) = (draw(3 * samples), draw(18 * samples));
        let (mut workspace, mut gradient) = (Workspace::default(), vec![0.0; network.parameters().len()]);
        network.forward(&x, &mut workspace);
        network.backward_from(Upstream::from(&*d), &mut workspace, Some(&mut gradient), None);
        for (i, found) in gradient[..3 * 18].iter().enumerate() {
            let chain = |sum: f32, s: usize| x[s * 3 + i / 18].mul_add(d[s * 18 + i % 18], sum);
            assert_eq!(*found, (0..samples).fold(0.0, chain), "{samples} samples, weight {i}");
        }
    }
}
