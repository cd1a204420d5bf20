//! Small networks in double precision with hand-written gradients: linear, dueling, and implicit quantiles, all of them
//! also noisy. Parameters lie as the library's: layer by layer, a row for each input, then the biases; the deviations of
//! a noisy layer after its means.

use potstill::core::Pcg64;
use potstill::optimizer::{OptimizerConfig, OptimizerKind};
use std::f64::consts::PI;

/// Gradient descent without momentum, and with a limit of the gradient that is never reached.
pub(crate) fn plain_sgd() -> OptimizerConfig {
    OptimizerConfig {
        optimizer: OptimizerKind::Sgd,
        momentum: 0.0,
        max_grad_norm: 1e9,
        ..OptimizerConfig::default()
    }
}

/// The largest value of the first of equals.
pub(crate) fn argmax(values: &[f64]) -> usize {
    (0..values.len()).fold(0, |best, i| if values[i] > values[best] { i } else { best })
}

pub(crate) fn softmax(values: &[f64]) -> Vec<f64> {
    let highest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = values.iter().map(|v| (v - highest).exp()).collect();
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|w| w / sum).collect()
}

/// A dense layer: its sizes, and the places of its parameters and its noise.
#[derive(Clone, Copy)]
struct Dense {
    inputs: usize,
    outputs: usize,
    parameters: usize,
    noise: Option<usize>,
}

/// The form of a network.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Form {
    /// `mlp`.
    Linear,
    /// `mlp:units`, dueling: each stream has a hidden layer.
    Dueling { units: usize },
    /// `mlp:units` with an embedding of probabilities, which is multiplied with the hidden layer.
    Implicit { units: usize, cosines: usize },
    /// Both, `mlp:units,units`.
    DuelingImplicit { units: usize, cosines: usize },
}

/// The outputs of a head: one layer, or a value and advantages.
#[derive(Clone)]
enum Head {
    Plain(Dense),
    Dueling { hidden: [Dense; 2], outputs: [Dense; 2] },
}

#[derive(Clone)]
pub(crate) struct Net {
    pub(crate) p: Vec<f64>,
    noise: Vec<f64>,
    /// Hidden layer and embedding, of implicit quantiles.
    mix: Option<[Dense; 2]>,
    head: Head,
    atoms: usize,
    choices: usize,
}

pub(crate) fn doubles(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&v| f64::from(v)).collect()
}

fn relu(values: &[f64]) -> Vec<f64> {
    values.iter().map(|v| v.max(0.0)).collect()
}

/// The gradient before a rectifier.
fn relu_backward(outputs: &[f64], d: &[f64]) -> Vec<f64> {
    outputs.iter().zip(d).map(|(y, d)| if *y > 0.0 { *d } else { 0.0 }).collect()
}

/// A count of parameters and of noise, from which layers take their places.
struct Places {
    is_noisy: bool,
    parameters: usize,
    noise: usize,
}

impl Places {
    fn dense(&mut self, inputs: usize, outputs: usize) -> Dense {
        let noise = self.is_noisy.then_some(self.noise);
        let layer = Dense { inputs, outputs, parameters: self.parameters, noise };
        self.parameters += (inputs + 1) * outputs * if self.is_noisy { 2 } else { 1 };
        self.noise += if self.is_noisy { inputs + outputs } else { 0 };
        layer
    }
}

impl Net {
    /// A network with these parameters: `inputs` features, `choices` distributions of `atoms` numbers.
    pub(crate) fn new(
        form: Form,
        is_noisy: bool,
        (inputs, choices, atoms): (usize, usize, usize),
        p: &[f32],
    ) -> Self {
        let mut places = Places { is_noisy, parameters: 0, noise: 0 };
        let mut features = inputs;
        let mix = match form {
            Form::Implicit { units, cosines } | Form::DuelingImplicit { units, cosines } => {
                features = units;
                Some([places.dense(inputs, units), places.dense(cosines, units)])
            }
            _ => None,
        };
        let outputs = choices * atoms;
        let head = match form {
            Form::Dueling { units } | Form::DuelingImplicit { units, .. } => Head::Dueling {
                hidden: [places.dense(features, units), places.dense(features, units)],
                outputs: [places.dense(units, atoms), places.dense(units, outputs)],
            },
            _ => Head::Plain(places.dense(features, outputs)),
        };
        assert_eq!(p.len(), places.parameters, "{form:?}");
        let p = p.iter().map(|&p| f64::from(p)).collect();
        Self { p, noise: vec![0.0; places.noise], mix, head, atoms, choices }
    }

    /// Noise as `sgn(z) sqrt |z|` (Fortunato et al. 2018, section 3.1b).
    pub(crate) fn draw_noise(&mut self, rng: &mut Pcg64) {
        for factor in &mut self.noise {
            let z = rng.normal() as f32;
            *factor = f64::from(z.abs().sqrt().copysign(z));
        }
    }

    /// The noise on the weight from input `i` (the biases, after the last) to output `o`; 0 without any.
    fn noise_at(&self, layer: Dense, i: usize, o: usize) -> f64 {
        layer.noise.map_or(0.0, |at| {
            let of_input = if i < layer.inputs { self.noise[at + i] } else { 1.0 };
            of_input * self.noise[at + layer.inputs + o]
        })
    }

    fn weight(&self, layer: Dense, i: usize, o: usize) -> f64 {
        let place = layer.parameters + i * layer.outputs + o;
        let deviation = layer.noise.map_or(0.0, |_| self.p[place + (layer.inputs + 1) * layer.outputs]);
        self.p[place] + deviation * self.noise_at(layer, i, o)
    }

    fn apply(&self, layer: Dense, x: &[f64]) -> Vec<f64> {
        let of = |o: usize| {
            let products = x.iter().enumerate().map(|(i, x)| x * self.weight(layer, i, o));
            self.weight(layer, layer.inputs, o) + products.sum::<f64>()
        };
        (0..layer.outputs).map(of).collect()
    }

    /// Adds the gradient with respect to a layer's parameters, and returns that with respect to its input.
    fn backward(&self, layer: Dense, x: &[f64], d: &[f64], gradient: &mut [f64]) -> Vec<f64> {
        for i in 0..=layer.inputs {
            let x = x.get(i).copied().unwrap_or(1.0);
            for (o, d) in d.iter().enumerate() {
                let place = layer.parameters + i * layer.outputs + o;
                gradient[place] += d * x;
                if layer.noise.is_some() {
                    let deviations = (layer.inputs + 1) * layer.outputs;
                    gradient[place + deviations] += d * x * self.noise_at(layer, i, o);
                }
            }
        }
        let of = |i: usize| d.iter().enumerate().map(|(o, d)| d * self.weight(layer, i, o)).sum();
        (0..layer.inputs).map(of).collect()
    }

    /// `cos(pi i tau)` for `i` = 0, 1, ... (Dabney et al. 2018b, equation 4).
    fn cosines(&self, tau: f64) -> Vec<f64> {
        let count = self.mix.map_or(0, |[_, embedding]| embedding.inputs);
        (0..count).map(|i| (PI * i as f64 * tau).cos()).collect()
    }

    /// The inputs of the head: the input, or its features times the embedding of the probability.
    fn features(&self, x: &[f64], tau: f64) -> [Vec<f64>; 3] {
        let Some([hidden, embedding]) = self.mix else { return [x.to_vec(), Vec::new(), Vec::new()] };
        let h = relu(&self.apply(hidden, x));
        let e = relu(&self.apply(embedding, &self.cosines(tau)));
        [h.iter().zip(&e).map(|(h, e)| h * e).collect(), h, e]
    }

    /// The outputs at a probability, which only implicit quantiles depend on.
    pub(crate) fn forward_at(&self, x: &[f32], tau: f64) -> Vec<f64> {
        self.outputs(&doubles(x), tau)
    }

    /// The same for inputs in double precision.
    pub(crate) fn outputs(&self, x: &[f64], tau: f64) -> Vec<f64> {
        let [features, ..] = self.features(x, tau);
        match &self.head {
            Head::Plain(layer) => self.apply(*layer, &features),
            Head::Dueling { hidden, outputs } => {
                let stream = |i: usize| self.apply(outputs[i], &relu(&self.apply(hidden[i], &features)));
                let (value, advantages) = (stream(0), stream(1));
                // Wang et al. 2016, equation 9.
                let of = |k: usize| {
                    let atom = k % self.atoms;
                    let mean =
                        advantages.iter().skip(atom).step_by(self.atoms).sum::<f64>() / self.choices as f64;
                    value[atom] + advantages[k] - mean
                };
                (0..advantages.len()).map(of).collect()
            }
        }
    }

    pub(crate) fn forward(&self, x: &[f32]) -> Vec<f64> {
        self.forward_at(x, 0.0)
    }

    /// Adds the gradient with respect to the parameters, from that with respect to the outputs.
    pub(crate) fn add_gradient_at(&self, x: &[f32], tau: f64, d: &[f64], gradient: &mut [f64]) {
        self.add_gradients(&doubles(x), tau, d, gradient);
    }

    /// The same for inputs in double precision; the gradient with respect to the inputs of the head.
    pub(crate) fn add_gradients(&self, x: &[f64], tau: f64, d: &[f64], gradient: &mut [f64]) -> Vec<f64> {
        let [features, h, e] = self.features(x, tau);
        let d_features = match &self.head {
            Head::Plain(layer) => self.backward(*layer, &features, d, gradient),
            Head::Dueling { hidden, outputs } => {
                let sum = |atom: usize| d.iter().skip(atom).step_by(self.atoms).sum::<f64>();
                let d_value: Vec<f64> = (0..self.atoms).map(sum).collect();
                let d_advantages: Vec<f64> = d
                    .iter()
                    .enumerate()
                    .map(|(k, d)| d - d_value[k % self.atoms] / self.choices as f64)
                    .collect();
                let mut total = vec![0.0; features.len()];
                for (i, d) in [d_value, d_advantages].iter().enumerate() {
                    let units = relu(&self.apply(hidden[i], &features));
                    let d = relu_backward(&units, &self.backward(outputs[i], &units, d, gradient));
                    let d = self.backward(hidden[i], &features, &d, gradient);
                    total.iter_mut().zip(d).for_each(|(total, d)| *total += d);
                }
                total
            }
        };
        let Some([hidden, embedding]) = self.mix else { return d_features };
        let times =
            |other: &[f64]| -> Vec<f64> { d_features.iter().zip(other).map(|(d, y)| d * y).collect() };
        self.backward(hidden, x, &relu_backward(&h, &times(&e)), gradient);
        self.backward(embedding, &self.cosines(tau), &relu_backward(&e, &times(&h)), gradient);
        d_features
    }

    pub(crate) fn add_gradient(&self, x: &[f32], d: &[f64], gradient: &mut [f64]) {
        self.add_gradient_at(x, 0.0, d, gradient);
    }

    /// A step of plain gradient descent.
    pub(crate) fn descend(&mut self, rate: f64, gradient: &[f64]) {
        self.p.iter_mut().zip(gradient).for_each(|(p, g)| *p -= rate * g);
    }

    pub(crate) fn assert_is(&self, parameters: &[f32], what: &str) {
        for (i, (theirs, ours)) in parameters.iter().zip(&self.p).enumerate() {
            let distance = (f64::from(*theirs) - ours).abs();
            assert!(distance < 2e-4, "{what}: parameter {i} is {theirs}, and {ours} in double precision");
        }
    }
}
