//! The layers of a network as operators of ONNX.

use crate::onnx::{GraphBuilder, Setting};
use potstill_nn::spec::Stage;
use potstill_nn::{Activation, Head, Inputs, Network, NetworkSpec, TAUS, Tensor};

/// The layers of a network in the order of `nn.Sequential`, whose numbers are the names of their tensors.
pub(super) struct Layers<'a> {
    pub(super) graph: &'a mut GraphBuilder,
    network: &'a Network,
    spec: &'a NetworkSpec,
    tensors: Vec<Tensor>,
    /// Names begin so, and how many layers have had it.
    prefix: String,
    count: usize,
    /// The quantile part has its own nonlinearity, and no normalisation.
    activation: Activation,
    layer_norm: bool,
}

impl<'a> Layers<'a> {
    pub(super) fn new(graph: &'a mut GraphBuilder, network: &'a Network) -> Self {
        let spec = network.spec();
        Self {
            graph,
            network,
            spec,
            tensors: network.tensors(),
            prefix: String::new(),
            count: 0,
            activation: spec.activation,
            layer_norm: spec.layer_norm,
        }
    }

    fn name(&mut self) -> String {
        self.count += 1;
        format!("{}{}", self.prefix, self.count - 1)
    }

    /// A parameter as an initialiser; of a noisy layer, its mean.
    fn parameter(&mut self, layer: &str, part: &str, shape: Option<&[usize]>) -> String {
        let names = [format!("{layer}.{part}"), format!("{layer}.{part}_mu")];
        let found = self.tensors.iter().find(|tensor| names.contains(&tensor.name));
        let tensor = found.unwrap_or_else(|| panic!("a tensor {}", names[0]));
        self.graph.floats(&tensor.name, shape.unwrap_or(&tensor.shape), &tensor.data)
    }

    pub(super) fn dense(&mut self, layer: &str, x: &str) -> String {
        let (w, b) = (self.parameter(layer, "weight", None), self.parameter(layer, "bias", None));
        self.graph.node("Gemm", &[x, &w, &b], &[("transB", integer(1))])
    }

    fn convolution(
        &mut self,
        layer: &str,
        x: &str,
        from: usize,
        (to, kernel, stride, padding): (usize, usize, usize, usize),
    ) -> String {
        let w = self.parameter(layer, "weight", Some(&[to, from, kernel, kernel]));
        let b = self.parameter(layer, "bias", None);
        let square = |side: usize| Setting::Integers(vec![side as i64; 2]);
        let mut settings = vec![("kernel_shape", square(kernel)), ("strides", square(stride))];
        if padding > 0 {
            settings.push(("pads", Setting::Integers(vec![padding as i64; 4])));
        }
        self.graph.node("Conv", &[x, &w, &b], &settings)
    }

    /// Layer normalisation.
    fn normalised(&mut self, layer: &str, x: &str) -> String {
        let (gain, bias) = (self.parameter(layer, "weight", None), self.parameter(layer, "bias", None));
        let settings = [("axis", integer(1)), ("epsilon", Setting::Float(self.spec.layer_norm_epsilon))];
        self.graph.node("LayerNormalization", &[x, &gain, &bias], &settings)
    }

    /// Layer normalisation, if there is any, and the nonlinearity.
    fn rectified(&mut self, mut x: String) -> String {
        if self.layer_norm {
            let layer = self.name();
            x = self.normalised(&layer, &x);
        }
        self.name();
        self.activated(&x)
    }

    /// A residual block.
    fn residual(&mut self, x: &str, from: usize, (to, stride): (usize, usize)) -> String {
        let block = self.name();
        let mut layer = |x: &str, conv: &str, norm: &str, from: usize, form: (usize, usize, usize, usize)| {
            let y = self.convolution(&format!("{block}.{conv}"), x, from, form);
            if self.layer_norm { self.normalised(&format!("{block}.{norm}"), &y) } else { y }
        };
        let inner = layer(x, "conv1", "bn1", from, (to, 3, stride, 1));
        let other = match (from, stride) {
            (from, 1) if from == to => x.to_owned(),
            _ => layer(x, "downsample.0", "downsample.1", from, (to, 1, stride, 0)),
        };
        let inner = self.activated(&inner);
        let y = self.convolution(&format!("{block}.conv2"), &inner, to, (to, 3, 1, 1));
        let y = if self.layer_norm { self.normalised(&format!("{block}.bn2"), &y) } else { y };
        let sum = self.graph.node("Add", &[&y, &other], &[]);
        self.activated(&sum)
    }

    /// The nonlinearity.
    fn activated(&mut self, x: &str) -> String {
        let graph = &mut *self.graph;
        match self.activation {
            Activation::Relu => graph.node("Relu", &[x], &[]),
            Activation::Tanh => graph.node("Tanh", &[x], &[]),
            Activation::Silu => {
                let gate = graph.node("Sigmoid", &[x], &[]);
                graph.node("Mul", &[x, &gate], &[])
            }
            Activation::Gelu => {
                let root = graph.floats("gelu.sqrt_2", &[], &[std::f32::consts::SQRT_2]);
                let (one, half) =
                    (graph.floats("gelu.one", &[], &[1.0]), graph.floats("gelu.half", &[], &[0.5]));
                let y = graph.node("Div", &[x, &root], &[]);
                let y = graph.node("Erf", &[&y], &[]);
                let y = graph.node("Add", &[&y, &one], &[]);
                let y = graph.node("Mul", &[x, &y], &[]);
                graph.node("Mul", &[&y, &half], &[])
            }
        }
    }

    fn hidden(&mut self, x: &str) -> String {
        let layer = self.name();
        let y = self.dense(&layer, x);
        self.rectified(y)
    }

    /// The input as the first layer takes it: divided, frames among the channels, and channels before points
    /// for convolutions.
    fn prepared(&mut self, x: &str) -> String {
        let Inputs { frames, height, width, channels } = self.network.ends().inputs;
        let mut x = x.to_owned();
        if self.spec.input_divisor != 1 {
            let divisor = self.graph.floats("divide", &[], &[self.spec.input_divisor as f32]);
            x = self.graph.node("Div", &[&x, &divisor], &[]);
        }
        let mut transpose = |x: &str, order: &[i64]| {
            self.graph.node("Transpose", &[x], &[("perm", Setting::Integers(order.to_vec()))])
        };
        let is_image = height * width > 1 || frames > 1;
        match (self.spec.stages.is_empty(), frames) {
            (true, 1) if !is_image => x,
            (true, 1) => self.graph.node("Flatten", &[&x], &[("axis", integer(1))]),
            (true, _) => {
                x = transpose(&x, &[0, 2, 3, 1, 4]);
                self.graph.node("Flatten", &[&x], &[("axis", integer(1))])
            }
            (false, 1) if !is_image => self.graph.reshape(&x, &[-1, channels as i64, 1, 1]),
            (false, 1) => transpose(&x, &[0, 3, 1, 2]),
            (false, _) => {
                x = transpose(&x, &[0, 1, 4, 2, 3]);
                self.graph.reshape(&x, &[-1, (frames * channels) as i64, height as i64, width as i64])
            }
        }
    }

    /// All layers before the last hidden one of dueling streams, or before the outputs.
    pub(super) fn trunk(&mut self, x: &str) -> String {
        let mut x = self.prepared(x);
        let Inputs { frames, channels, .. } = self.network.ends().inputs;
        let mut channels = frames * channels;
        for stage in &self.spec.stages {
            match *stage {
                Stage::Conv { channels: to, kernel, stride, padding } => {
                    let layer = self.name();
                    x = self.convolution(&layer, &x, channels, (to, kernel, stride, padding));
                    x = self.rectified(x);
                    channels = to;
                }
                Stage::Residual { channels: to, stride } => {
                    x = self.residual(&x, channels, (to, stride));
                    channels = to;
                }
                Stage::GlobalAvgPool => {
                    self.name();
                    x = self.graph.node("GlobalAveragePool", &[&x], &[]);
                }
                Stage::MaxPool(side) | Stage::AvgPool(side) => {
                    self.name();
                    let is_max = matches!(stage, Stage::MaxPool(_));
                    let op = if is_max { "MaxPool" } else { "AveragePool" };
                    let square = Setting::Integers(vec![side as i64; 2]);
                    x = self.graph.node(op, &[&x], &[("kernel_shape", square.clone()), ("strides", square)]);
                }
            }
        }
        if !self.spec.stages.is_empty() {
            self.name();
            x = self.graph.node("Flatten", &[&x], &[("axis", integer(1))]);
        }
        let shared = self.spec.hidden.len() - usize::from(self.spec.dueling);
        let Head::Implicit { cosines } = self.network.ends().head else {
            return (0..shared).fold(x, |x, _| self.hidden(&x));
        };
        // The last hidden layer comes behind the product with the cosines, if features are left before it.
        let is_behind = !self.spec.dueling && shared > 0 && !(shared == 1 && self.spec.stages.is_empty());
        x = (0..shared - usize::from(is_behind)).fold(x, |x, _| self.hidden(&x));
        x = self.mixed(&x, cosines);
        if is_behind { self.hidden(&x) } else { x }
    }

    /// Features times those of the cosines of each probability: `batch * 32 x features`.
    fn mixed(&mut self, features: &str, cosines: usize) -> String {
        let cosine = |tau: usize, i: usize| {
            let angle = std::f64::consts::PI * i as f64 * (tau as f64 + 0.5) / TAUS as f64;
            potstill_core::math::cos(angle) as f32
        };
        let table: Vec<f32> = (0..TAUS).flat_map(|tau| (0..cosines).map(move |i| cosine(tau, i))).collect();
        let table = self.graph.floats("quantile.cosines", &[TAUS, cosines], &table);
        let of_layers = (std::mem::replace(&mut self.prefix, "quantile.".to_owned()), self.count);
        (self.count, self.layer_norm, self.activation) = (0, false, Activation::Relu);
        let of_taus = self.hidden(&table);
        (self.prefix, self.count) = of_layers;
        (self.layer_norm, self.activation) = (self.spec.layer_norm, self.spec.activation);
        let units = self.tensors.iter().find(|tensor| tensor.name.starts_with("quantile.0.bias"));
        let units = units.expect("the layer over the cosines").data.len() as i64;
        let features = self.graph.reshape(features, &[-1, 1, units]);
        let mixed = self.graph.node("Mul", &[&features, &of_taus], &[]);
        self.graph.reshape(&mixed, &[-1, units])
    }

    /// The value of each choice, `batch x choices`, or the mean of its distribution.
    pub(super) fn outputs(&mut self, x: &str) -> String {
        let outputs = if self.spec.dueling {
            self.dueling(x)
        } else {
            {
                let layer = self.name();
                self.dense(&layer, x)
            }
        };
        let choices = self.network.ends().choices as i64;
        let mean = |graph: &mut GraphBuilder, x: &str, axis: i64| {
            graph.node(
                "ReduceMean",
                &[x],
                &[("axes", Setting::Integers(vec![axis])), ("keepdims", integer(0))],
            )
        };
        match self.network.ends().head {
            Head::Values => outputs,
            Head::Categorical { atoms, low, high } => {
                let rows = self.graph.reshape(&outputs, &[-1, choices, atoms as i64]);
                let rows = self.graph.node("Softmax", &[&rows], &[("axis", integer(2))]);
                let gap = (high - low) / (atoms - 1) as f64;
                let support: Vec<f32> = (0..atoms).map(|i| (low + gap * i as f64) as f32).collect();
                let support = self.graph.floats("support", &[atoms], &support);
                self.graph.node("MatMul", &[&rows, &support], &[])
            }
            Head::Quantile { quantiles } => {
                let rows = self.graph.reshape(&outputs, &[-1, choices, quantiles as i64]);
                mean(self.graph, &rows, 2)
            }
            Head::Implicit { .. } => {
                let rows = self.graph.reshape(&outputs, &[-1, TAUS as i64, choices]);
                mean(self.graph, &rows, 1)
            }
            Head::Constrained { ln_share } => {
                let rows = self.graph.reshape(&outputs, &[-1, choices, 2]);
                let [values, logits] = [0, 1].map(|i| {
                    let index = self.graph.integers(["of_values", "of_logits"][i as usize], &[], &[i]);
                    self.graph.node("Gather", &[&rows, &index], &[("axis", integer(2))])
                });
                let settings = [("axes", Setting::Integers(vec![1])), ("keepdims", integer(1))];
                let highest = self.graph.node("ReduceMax", &[&logits], &settings);
                let below = self.graph.node("Sub", &[&logits, &highest], &[]);
                let share = self.graph.floats("ln_share", &[1], &[ln_share]);
                let is_likely = self.graph.node("GreaterOrEqual", &[&below, &share], &[]);
                let none = self.graph.floats("none", &[1], &[f32::NEG_INFINITY]);
                self.graph.node("Where", &[&is_likely, &values, &none], &[])
            }
        }
    }

    /// Two streams: the value, and what each choice adds to it, less its mean (Wang et al. 2016, equation 9).
    fn dueling(&mut self, x: &str) -> String {
        let [value, advantages] = ["value.", "advantage."].map(|stream| {
            (self.prefix, self.count) = (stream.to_owned(), 0);
            let units = self.hidden(x);
            let layer = self.name();
            self.dense(&layer, &units)
        });
        let (choices, atoms) = (self.network.ends().choices as i64, self.network.ends().head.atoms() as i64);
        let graph = &mut *self.graph;
        let value = graph.reshape(&value, &[-1, 1, atoms]);
        let advantages = graph.reshape(&advantages, &[-1, choices, atoms]);
        let settings = [("axes", Setting::Integers(vec![1])), ("keepdims", integer(1))];
        let mean = graph.node("ReduceMean", &[&advantages], &settings);
        let base = graph.node("Sub", &[&value, &mean], &[]);
        let values = graph.node("Add", &[&advantages, &base], &[]);
        graph.reshape(&values, &[-1, choices * atoms])
    }
}

/// An attribute that is an integer.
pub(super) const fn integer(value: i64) -> Setting {
    Setting::Integer(value)
}
