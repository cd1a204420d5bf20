//! Every loss and layer against central differences in double precision.
//!
//! The references below are written from the formulas, in `f64` and without the engine, so that they check values as
//! well as gradients.

use potstill_core::Pcg64;
use potstill_nn::loss::{Blend, Regression, cross_entropy, distillation, regression_at, temperature_kl};
use potstill_nn::{Activation, Network, NetworkSpec, Workspace};

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

/// The value of a KL at a high temperature is a small difference of larger terms, which `T^2` magnifies again.
fn near(value: f32, expected: f64, temperature: f64) {
    let slack = 2e-6 * expected.abs() + 3e-7 * (1.0 + temperature * temperature);
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
            let value = regression_at(kind, &student, &labels, &targets, &mut gradient);
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
            network.backward(&batch, &d_outputs, &mut workspace, &mut gradient);
            let scalar = |parameters: &[f64]| {
                let outputs = reference_forward(&network, parameters, &wide_batch);
                outputs.iter().zip(&d_outputs).map(|(y, &d)| y * f64::from(d)).sum::<f64>()
            };
            close(&gradient, &differences(&wide, scalar), &spec.to_string());
        }
    }
}

#[test]
fn one_sample_and_a_batch_give_the_same_bits() {
    let network = "mlp:33,17".parse::<NetworkSpec>().unwrap().build(5, 3, &mut Pcg64::new(3));
    let batch = noise(11 * 5, 1.0, &mut Pcg64::new(4));
    let together = network.forward(&batch, &mut Workspace::default()).to_vec();
    let alone: Vec<f32> =
        batch.chunks(5).flat_map(|x| network.forward(x, &mut Workspace::default()).to_vec()).collect();
    assert_eq!(together, alone);
}
