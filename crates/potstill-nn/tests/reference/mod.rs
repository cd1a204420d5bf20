//! The network as plain loops in double precision, one sample at a time, from its specification and its tensors in
//! PyTorch's names and layout: the oracle of the fast one. Images are channel by channel. It has no noise and no
//! implicit quantiles.

use potstill_nn::{Activation, Interface, NetworkSpec, spec::Stage};
use std::collections::BTreeMap;

/// Numbers by the names of tensors or layers.
pub(crate) type Named = BTreeMap<String, Vec<f64>>;

/// A square that moves over an image; a dense layer has one of one point.
#[derive(Clone, Copy)]
struct Window {
    shape: [usize; 3],
    side: usize,
    stride: usize,
    /// Points of zeros on each side.
    padding: usize,
    outputs: usize,
}

enum Layer {
    Linear(Window),
    Norm(f64),
    Activation(Activation),
    /// The maximum, or the mean, of each square of a channel.
    Pool(Window, bool),
}

type Layers = Vec<(String, Layer)>;

impl Window {
    fn out(&self) -> [usize; 3] {
        let [_, height, width] =
            self.shape.map(|length| (length + 2 * self.padding).saturating_sub(self.side) / self.stride + 1);
        [self.outputs, height, width]
    }

    /// Calls `work` with every output, the weight and the input that it is a product of, and its channel.
    fn each(&self, is_pool: bool, mut work: impl FnMut(usize, usize, usize, usize)) {
        let ([channels, height, width], [outputs, rows, columns]) = (self.shape, self.out());
        for (o, p) in (0..outputs).flat_map(|o| (0..rows * columns).map(move |p| (o, p))) {
            for c in if is_pool { o..o + 1 } else { 0..channels } {
                for k in 0..self.side * self.side {
                    let y = (p / columns * self.stride + k / self.side).wrapping_sub(self.padding);
                    let x = (p % columns * self.stride + k % self.side).wrapping_sub(self.padding);
                    if y >= height || x >= width {
                        continue;
                    }
                    let weight = (o * channels + c) * self.side * self.side + k;
                    work(o * rows * columns + p, weight, (c * height + y) * width + x, o);
                }
            }
        }
    }
}

/// An activation and its derivative.
fn activation(kind: Activation, x: f64) -> (f64, f64) {
    let s = 1.0 / (1.0 + (-x).exp());
    // Phi(x) = 1/2 + phi(x) (x + x^3/3 + x^5/(3 5) + ...).
    let density = (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let terms =
        (1..400).scan(x, |term, n| Some(std::mem::replace(term, *term * x * x / f64::from(2 * n + 1))));
    match kind {
        Activation::Relu => (x.max(0.0), if x > 0.0 { 1.0 } else { 0.0 }),
        Activation::Tanh => (x.tanh(), 1.0 - x.tanh() * x.tanh()),
        Activation::Silu => (x * s, s * (1.0 + x * (1.0 - s))),
        Activation::Gelu => {
            let phi = 0.5 + density * terms.sum::<f64>();
            (x * phi, phi + x * density)
        }
    }
}

/// The numbers with mean 0 and variance 1, and their deviation before, with a guard against 0.
fn normalised(x: &[f64], epsilon: f64) -> (Vec<f64>, f64) {
    let mean = x.iter().sum::<f64>() / x.len() as f64;
    let variance = x.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / x.len() as f64;
    let deviation = (variance + epsilon).sqrt();
    (x.iter().map(|x| (x - mean) / deviation).collect(), deviation)
}

pub(crate) struct Reference {
    tensors: Named,
    /// The layers that all outputs share, then those of each stream or head.
    trunk: Layers,
    branches: Vec<Layers>,
    /// With streams: choices and atoms.
    dueling: Option<(usize, usize)>,
}

impl Reference {
    pub(crate) fn new(spec: &NetworkSpec, interface: &Interface, tensors: Named) -> Self {
        let add = |layers: &mut Layers, prefix: &str, layer: Layer, is_hidden: bool| {
            let norm =
                (is_hidden && spec.layer_norm).then_some(Layer::Norm(f64::from(spec.layer_norm_epsilon)));
            let after = is_hidden.then_some(Layer::Activation(spec.activation));
            for layer in [Some(layer), norm, after].into_iter().flatten() {
                layers.push((format!("{prefix}{}", layers.len()), layer));
            }
        };
        let dense = |shape: [usize; 3], outputs| {
            Layer::Linear(Window {
                shape: [shape.iter().product(), 1, 1],
                side: 1,
                stride: 1,
                padding: 0,
                outputs,
            })
        };
        let (ends, mut trunk) = (interface.ends, Vec::new());
        let mut shape = [ends.inputs.channels, ends.inputs.height, ends.inputs.width];
        for stage in &spec.stages {
            let (side, stride, padding, outputs) = match *stage {
                Stage::Conv { channels, kernel, stride, padding } => (kernel, stride, padding, channels),
                Stage::MaxPool(side) | Stage::AvgPool(side) => (side, side, 0, shape[0]),
                Stage::GlobalAvgPool | Stage::Residual { .. } => {
                    panic!("the program for these is testdata/numpy/make_residual.py")
                }
            };
            let (window, is_conv) =
                (Window { shape, side, stride, padding, outputs }, matches!(stage, Stage::Conv { .. }));
            let pool = Layer::Pool(window, matches!(stage, Stage::MaxPool(_)));
            add(&mut trunk, "", if is_conv { Layer::Linear(window) } else { pool }, is_conv);
            shape = window.out();
        }
        if !spec.stages.is_empty() {
            // `nn.Flatten` is a number and nothing else.
            trunk.push((
                trunk.len().to_string(),
                Layer::Pool(Window { shape, side: 1, stride: 1, padding: 0, outputs: shape[0] }, true),
            ));
        }
        let (sizes, stream) = spec.hidden.split_at(spec.hidden.len() - usize::from(spec.dueling));
        for &units in sizes {
            add(&mut trunk, "", dense(shape, units), true);
            shape = [units, 1, 1];
        }
        let (atoms, last) = (ends.head.atoms(), trunk.len().to_string());
        let stream = |prefix: &str, outputs: usize| {
            let mut layers = Vec::new();
            add(&mut layers, prefix, dense(shape, stream[0]), true);
            add(&mut layers, prefix, dense([stream[0], 1, 1], outputs), false);
            layers
        };
        let branches = match (spec.dueling, &*interface.heads) {
            (true, _) => vec![stream("value.", atoms), stream("advantage.", ends.outputs())],
            (false, []) => vec![vec![(last, dense(shape, ends.outputs()))]],
            (false, heads) => heads.iter().map(|h| vec![(h.name.clone(), dense(shape, h.outputs))]).collect(),
        };
        Self { tensors, trunk, branches, dueling: spec.dueling.then_some((ends.choices, atoms)) }
    }

    fn tensor(&self, layer: &str, part: &str) -> &[f64] {
        &self.tensors[&format!("{layer}.{part}")]
    }

    fn layer_forward(&self, (name, layer): &(String, Layer), x: &[f64]) -> Vec<f64> {
        match layer {
            Layer::Linear(window) => {
                let (w, b) = (self.tensor(name, "weight"), self.tensor(name, "bias"));
                let points = window.out()[1] * window.out()[2];
                let mut y: Vec<f64> = (0..b.len() * points).map(|y| b[y / points]).collect();
                window.each(false, |to, weight, from, _| y[to] += w[weight] * x[from]);
                y
            }
            Layer::Norm(epsilon) => {
                let parameters = self.tensor(name, "weight").iter().zip(self.tensor(name, "bias"));
                normalised(x, *epsilon)
                    .0
                    .iter()
                    .zip(parameters)
                    .map(|(x, (gain, bias))| x * gain + bias)
                    .collect()
            }
            Layer::Activation(kind) => x.iter().map(|&x| activation(*kind, x).0).collect(),
            Layer::Pool(window, is_max) => {
                let share = 1.0 / (window.side * window.side) as f64;
                let mut y =
                    vec![if *is_max { f64::NEG_INFINITY } else { 0.0 }; window.out().iter().product()];
                window.each(true, |to, _, from, _| {
                    y[to] = if *is_max { y[to].max(x[from]) } else { y[to] + share * x[from] };
                });
                y
            }
        }
    }

    /// The gradient with respect to the input `x`; those with respect to the tensors are added to `sums`.
    fn layer_backward(&self, at: &(String, Layer), x: &[f64], d_y: &[f64], sums: &mut Named) -> Vec<f64> {
        let (mut d_x, name) = (vec![0.0; x.len()], &at.0);
        let [mut d_w, mut d_b] = ["weight", "bias"].map(|part| {
            let tensor = self.tensors.get(&format!("{name}.{part}"));
            vec![0.0; tensor.map_or(0, Vec::len)]
        });
        match &at.1 {
            Layer::Linear(window) => {
                let w = self.tensor(name, "weight");
                let points = window.out()[1] * window.out()[2];
                d_y.iter().enumerate().for_each(|(y, d)| d_b[y / points] += d);
                window.each(false, |to, weight, from, _| {
                    d_w[weight] += d_y[to] * x[from];
                    d_x[from] += d_y[to] * w[weight];
                });
            }
            Layer::Norm(epsilon) => {
                let (normal, deviation) = normalised(x, *epsilon);
                let d: Vec<f64> =
                    d_y.iter().zip(self.tensor(name, "weight")).map(|(d, gain)| d * gain).collect();
                let mean = d.iter().sum::<f64>() / x.len() as f64;
                let along = d.iter().zip(&normal).map(|(d, x)| d * x).sum::<f64>() / x.len() as f64;
                d_x = d.iter().zip(&normal).map(|(d, x)| (d - mean - x * along) / deviation).collect();
                (d_w, d_b) = (d_y.iter().zip(&normal).map(|(d, x)| d * x).collect(), d_y.to_vec());
            }
            Layer::Activation(kind) => {
                d_x = x.iter().zip(d_y).map(|(&x, d)| activation(*kind, x).1 * d).collect();
            }
            Layer::Pool(window, is_max) => {
                let (mut y, share) = (self.layer_forward(at, x), 1.0 / (window.side * window.side) as f64);
                window.each(true, |to, _, from, _| {
                    if !is_max {
                        d_x[from] += share * d_y[to];
                    } else if x[from] == y[to] {
                        // The first largest has it all.
                        d_x[from] += d_y[to];
                        y[to] = f64::NAN;
                    }
                });
            }
        }
        for (part, d) in [("weight", d_w), ("bias", d_b)] {
            let sum = sums.entry(format!("{name}.{part}")).or_insert_with(|| vec![0.0; d.len()]);
            sum.iter_mut().zip(d).for_each(|(sum, d)| *sum += d);
        }
        d_x
    }

    /// The input of each layer, and the last one's output.
    fn trace(&self, layers: &Layers, x: &[f64]) -> Vec<Vec<f64>> {
        let mut trace = vec![x.to_vec()];
        for layer in layers {
            trace.push(self.layer_forward(layer, trace.last().unwrap()));
        }
        trace
    }

    /// The outputs of each head for one sample, and the activations of the layers that all share.
    pub(crate) fn forward(&self, x: &[f64]) -> (Vec<Vec<f64>>, Named) {
        let trunk = self.trace(&self.trunk, x);
        let end = |layers| self.trace(layers, trunk.last().unwrap()).pop().unwrap();
        let mut ends: Vec<Vec<f64>> = self.branches.iter().map(end).collect();
        if let Some((choices, atoms)) = self.dueling {
            let (v, a) = (&ends[0], &ends[1]);
            let mean = |atom: usize| a.iter().skip(atom).step_by(atoms).sum::<f64>() / choices as f64;
            ends = vec![(0..a.len()).map(|i| v[i % atoms] + a[i] - mean(i % atoms)).collect()];
        }
        let names = self.trunk.iter().map(|(name, _)| name.clone());
        (ends, names.zip(trunk.into_iter().skip(1)).collect())
    }

    /// The gradient with respect to one sample, given those with respect to each head's outputs and to activations of
    /// the layers that all share; those with respect to the tensors are added to `sums`.
    pub(crate) fn backward(
        &self,
        x: &[f64],
        d_heads: &[Vec<f64>],
        taps: &Named,
        sums: &mut Named,
    ) -> Vec<f64> {
        let (trunk, mut d_ends) = (self.trace(&self.trunk, x), d_heads.to_vec());
        if let Some((choices, atoms)) = self.dueling {
            let d = &d_heads[0];
            let v: Vec<f64> = (0..atoms).map(|atom| d.iter().skip(atom).step_by(atoms).sum()).collect();
            d_ends = vec![v.clone(), (0..d.len()).map(|i| d[i] - v[i % atoms] / choices as f64).collect()];
        }
        let mut d_x = vec![0.0; trunk.last().unwrap().len()];
        for (layers, mut d) in self.branches.iter().zip(d_ends) {
            let trace = self.trace(layers, trunk.last().unwrap());
            for (layer, x) in layers.iter().zip(&trace).rev() {
                d = self.layer_backward(layer, x, &d, sums);
            }
            d_x.iter_mut().zip(d).for_each(|(sum, d)| *sum += d);
        }
        for (layer, x) in self.trunk.iter().zip(&trunk).rev() {
            let tap = taps.get(&layer.0).into_iter().flatten();
            d_x.iter_mut().zip(tap).for_each(|(sum, d)| *sum += d);
            d_x = self.layer_backward(layer, x, &d_x, sums);
        }
        d_x
    }
}
