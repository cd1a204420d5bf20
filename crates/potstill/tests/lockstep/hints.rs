//! Hints with regressors and attention transfer: a student of convolutions beside a naive program that computes the whole
//! loss in double precision, and its gradient by central differences.

use super::network::softmax;
use potstill::core::{Pcg64, Streams};
use potstill::data::Dataset;
use potstill::distill::{ClassifierTrainer, FitConfig, HintConfig, SoftTargets};
use potstill::nn::{Network, NetworkSpec};
use potstill::optimizer::{OptimizerConfig, OptimizerKind};
use std::sync::Arc;

const SIDE: usize = 4;
const CLASSES: usize = 3;
const SAMPLES: usize = 7;
const RATE: f64 = 0.05;
const TEMPERATURE: f64 = 3.0;
const ALPHA: f64 = 0.7;

/// A convolution of one channel, tanh, a dense layer, tanh, and a dense layer.
struct Shape {
    kernel: usize,
    channels: usize,
    units: usize,
}

impl Shape {
    fn points(&self) -> usize {
        (SIDE - self.kernel + 1).pow(2)
    }

    fn sizes(&self) -> [usize; 6] {
        let Self { kernel, channels, units, .. } = *self;
        let flat = self.points() * channels;
        [channels * kernel * kernel, channels, units * flat, units, CLASSES * units, CLASSES]
    }
}

/// The numbers of all tensors, one after the other, in PyTorch's layouts.
fn numbers(network: &Network) -> Vec<f64> {
    network.tensors().iter().flat_map(|tensor| tensor.data.iter().map(|&x| f64::from(x))).collect()
}

/// Convolution (channels x points), dense layer and logits of a sample.
fn layers(shape: &Shape, parameters: &[f64], x: &[f32]) -> [Vec<f64>; 3] {
    let mut rest = parameters;
    let [w, b, w_dense, b_dense, w_out, b_out] = shape.sizes().map(|size| {
        let (part, after) = rest.split_at(size);
        rest = after;
        part
    });
    let (kernel, width) = (shape.kernel, SIDE - shape.kernel + 1);
    let mut conv = Vec::new();
    for c in 0..shape.channels {
        for point in 0..shape.points() {
            let mut sum = b[c];
            for k in 0..kernel * kernel {
                let (row, column) = (point / width + k / kernel, point % width + k % kernel);
                sum += w[c * kernel * kernel + k] * f64::from(x[row * SIDE + column]);
            }
            conv.push(sum.tanh());
        }
    }
    let dense = |w: &[f64], b: &[f64], x: &[f64]| -> Vec<f64> {
        w.chunks(x.len()).zip(b).map(|(w, b)| b + w.iter().zip(x).map(|(w, x)| w * x).sum::<f64>()).collect()
    };
    let hidden: Vec<f64> = dense(w_dense, b_dense, &conv).into_iter().map(f64::tanh).collect();
    let logits = dense(w_out, b_out, &hidden);
    [conv, hidden, logits]
}

/// `1/2 |u - (W v + b)|^2` of the channels of one point.
fn hint(teacher: &[f64], student: &[f64], regressor: &[f64]) -> f64 {
    let (w, b) = regressor.split_at(teacher.len() * student.len());
    let rows = w.chunks(student.len()).zip(b).zip(teacher);
    let error =
        |((w, b), u): ((&[f64], &f64), &f64)| u - b - w.iter().zip(student).map(|(w, v)| w * v).sum::<f64>();
    rows.map(|row| 0.5 * error(row).powi(2)).sum()
}

/// The sums of squares over channels at each point, of length 1.
fn attention(conv: &[f64], points: usize) -> Vec<f64> {
    let mut map: Vec<f64> =
        (0..points).map(|p| conv.iter().skip(p).step_by(points).map(|x| x * x).sum()).collect();
    let length = map.iter().map(|q| q * q).sum::<f64>().sqrt();
    map.iter_mut().for_each(|q| *q /= length);
    map
}

/// The channels of a point.
fn at(conv: &[f64], points: usize, point: usize) -> Vec<f64> {
    conv.iter().skip(point).step_by(points).copied().collect()
}

struct Naive {
    teacher: (Shape, Vec<f64>),
    shape: Shape,
    /// Parameters of the student, then of the two regressors.
    parameters: Vec<f64>,
    regressors: [usize; 2],
    /// Weights of hints and attention.
    weights: [f64; 2],
}

impl Naive {
    /// The mean loss of all samples.
    fn loss(&self, parameters: &[f64], data: &Dataset) -> f64 {
        let count = self.shape.sizes().iter().sum();
        let (own, regressors) = parameters.split_at(count);
        let (first, second) = regressors.split_at(self.regressors[0]);
        let points = self.shape.points();
        let of = |i: usize| {
            let [their_conv, their_hidden, their_logits] =
                layers(&self.teacher.0, &self.teacher.1, data.input(i));
            let [conv, hidden, logits] = layers(&self.shape, own, data.input(i));
            let soften = |z: &[f64]| softmax(&z.iter().map(|z| z / TEMPERATURE).collect::<Vec<_>>());
            let (p, q) = (soften(&their_logits), soften(&logits));
            let kl: f64 = p.iter().zip(&q).map(|(p, q)| p * (p / q).ln()).sum();
            let hard = -softmax(&logits)[data.labels[i]].ln();
            let maps = attention(&their_conv, points).into_iter().zip(attention(&conv, points));
            let of_maps: f64 = maps.map(|(a, b)| 0.5 * (a - b).powi(2)).sum();
            let of_points: f64 =
                (0..points).map(|p| hint(&at(&their_conv, points, p), &at(&conv, points, p), first)).sum();
            ALPHA * TEMPERATURE * TEMPERATURE * kl
                + (1.0 - ALPHA) * hard
                + self.weights[0] * (of_points + hint(&their_hidden, &hidden, second))
                + self.weights[1] * of_maps
        };
        (0..data.len()).map(of).sum::<f64>() / data.len() as f64
    }

    /// A step of gradient descent.
    fn step(&mut self, data: &Dataset) {
        const H: f64 = 1e-5;
        let mut moved = self.parameters.clone();
        let slopes: Vec<f64> = (0..moved.len())
            .map(|i| {
                let start = moved[i];
                let [above, below] = [start + H, start - H].map(|x| {
                    moved[i] = x;
                    self.loss(&moved, data)
                });
                moved[i] = start;
                (above - below) / (2.0 * H)
            })
            .collect();
        self.parameters.iter_mut().zip(slopes).for_each(|(p, slope)| *p -= RATE * slope);
    }
}

#[test]
fn a_student_of_hidden_layers_learns_as_the_definition_does() {
    let mut rng = Pcg64::new(3);
    let inputs: Vec<f32> = (0..SAMPLES * SIDE * SIDE).map(|_| rng.normal() as f32).collect();
    let data = Arc::new(Dataset {
        shape: [SIDE, SIDE, 1],
        features: SIDE * SIDE,
        classes: CLASSES,
        inputs: inputs.into(),
        texts: Vec::new(),
        labels: (0..SAMPLES).map(|i| i * 5 % CLASSES).collect(),
        values: Vec::new(),
    });
    let spec: NetworkSpec = "cnn:3x2,6:tanh".parse().unwrap();
    let teacher = spec.build([SIDE, SIDE, 1], CLASSES, &mut rng);
    let optimizer =
        OptimizerConfig { optimizer: OptimizerKind::Sgd, momentum: 0.0, ..OptimizerConfig::student() };
    let fit = FitConfig { batch_size: SAMPLES as u64, learning_rate: RATE.into(), ..FitConfig::default() };
    for (hint, attention) in [(0.5, 8.0), (2.0, 0.0)] {
        let config = HintConfig {
            hint: Some("1:1,4:4".to_owned()),
            hint_weight: hint.into(),
            attention: Some("1:1".to_owned()),
            attention_weight: attention.into(),
        };
        let soft = SoftTargets::frozen(teacher.clone(), TEMPERATURE as f32, ALPHA as f32);
        let student = "cnn:2x2,4:tanh".parse().unwrap();
        let trainer = ClassifierTrainer::with(
            (fit.clone(), optimizer.clone()),
            &student,
            data.clone(),
            Some(soft),
            Streams::new(1),
        );
        let mut trainer = trainer.with_hints(&config, teacher.clone(), &optimizer, Streams::new(1)).unwrap();
        let learned = |trainer: &ClassifierTrainer| {
            let regressors: Vec<Vec<f64>> = trainer.regressors().map(numbers).collect();
            let sizes = [regressors[0].len(), regressors[1].len()];
            assert_eq!((regressors.len(), sizes), (2, [2 * 3 + 3, 4 * 6 + 6]));
            ([numbers(trainer.student()), regressors.concat()].concat(), sizes)
        };
        let (parameters, regressors) = learned(&trainer);
        let mut naive = Naive {
            teacher: (Shape { kernel: 2, channels: 3, units: 6 }, numbers(&teacher)),
            shape: Shape { kernel: 2, channels: 2, units: 4 },
            parameters,
            regressors,
            weights: [hint, attention],
        };
        for step in 0..6 {
            let expected = naive.loss(&naive.parameters, &data);
            let loss = trainer.epoch().unwrap();
            assert!((loss - expected).abs() < 1e-5 * expected, "step {step}: {loss} {expected}");
            naive.step(&data);
            let (own, _) = learned(&trainer);
            for (i, (a, b)) in own.iter().zip(&naive.parameters).enumerate() {
                assert!((a - b).abs() < 2e-6, "step {step}: parameter {i} is {a}, not {b}");
            }
        }
        let of_hints = trainer.hint_loss().unwrap();
        assert!(of_hints > 0.0 && of_hints < trainer.epoch().unwrap());
    }
}
