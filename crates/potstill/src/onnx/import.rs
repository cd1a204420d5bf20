//! The part of a graph that is a chain of layers, as a network of this crate.
//!
//! A scaling before a layer or behind it (standardised inputs, batch normalisation, `Mul` and `Add` of
//! constants) is folded into the layer's weights, and two products without a nonlinearity between them become
//! one.

use super::graph::{Graph, Step};
use super::op::{Op, affine};
use super::residual::{Block, Blocks};
use super::tensor::{Tensor, count};
use super::trees::PostTransform;
use potstill_nn::spec::Stage;
use potstill_nn::{Activation, Ends, Inputs, Network, NetworkSpec};

/// A layer as the file has it.
#[derive(Clone, Debug, PartialEq)]
enum Layer {
    /// Weights `outputs x inputs`, and biases.
    Dense {
        weights: Vec<f32>,
        bias: Vec<f32>,
    },
    /// Weights `outputs x channels x kernel x kernel`, and biases.
    Conv {
        kernel: usize,
        stride: usize,
        padding: usize,
        weights: Vec<f32>,
        bias: Vec<f32>,
    },
    /// `factor x + shift`, of everything, or of each feature or channel.
    Scale {
        factor: Vec<f32>,
        shift: Vec<f32>,
    },
    Norm {
        gain: Vec<f32>,
        bias: Vec<f32>,
        epsilon: f32,
    },
    Activation(Activation),
    Pool {
        is_max: bool,
        side: usize,
    },
    /// The mean of all points.
    GlobalMean,
    Residual(Block),
    /// Of so many points at each channel.
    Flatten {
        points: usize,
    },
}

/// Layers in a file, at most: a network has at most sixteen of each kind.
const LAYERS_MAX: usize = 200;
/// Units of a layer, at most, as in a specification that is written.
const UNITS_MAX: usize = 16_384;

/// The chain of a graph, from its input on.
struct Chain<'a> {
    graph: &'a Graph,
    /// The shape of each value for `rows` rows.
    shapes: &'a [Vec<usize>],
    rows: usize,
    users: Vec<Vec<usize>>,
    value: usize,
    layers: Vec<Layer>,
    /// Rows, columns and channels of the input, if it is taken as an image.
    image: Option<[usize; 3]>,
    /// The image has its channels last, since it has not been turned yet.
    is_raw: bool,
}

/// The network of a graph, whose input is an image with the channels first if `channels_first`.
///
/// # Errors
/// The first node that it cannot have.
pub(super) fn network(
    graph: &Graph,
    inputs: &[Vec<usize>],
    shapes: &[Vec<usize>],
    rows: usize,
    channels_first: bool,
) -> Result<Network, String> {
    let ([input], [shape]) = (&graph.inputs[..], inputs) else {
        return Err("it has several inputs, and a network has one".to_owned());
    };
    if input.is_integer {
        return Err(format!("its input `{}` is of integers", input.name));
    }
    let mut users = vec![Vec::new(); graph.constants.len()];
    for (i, step) in graph.steps.iter().enumerate() {
        for &value in step.inputs.iter().flatten() {
            if users[value].last() != Some(&i) {
                users[value].push(i);
            }
        }
    }
    let image = match shape[..] {
        [channels, height, width] => Some([height, width, channels]),
        _ => None,
    };
    let mut chain =
        Chain { graph, shapes, rows, users, value: input.value, layers: Vec::new(), image, is_raw: true };
    while chain.value != graph.target {
        chain.advance()?;
        if chain.layers.len() > LAYERS_MAX {
            return Err("it has more layers than a network".to_owned());
        }
    }
    assembled(&folded(chain.layers)?, shape, chain.image, channels_first)
}

impl<'a> Chain<'a> {
    fn constant(&self, value: usize) -> Option<&'a Tensor> {
        self.graph.constants[value].as_ref()
    }

    /// The shape of a value without the batch.
    fn shape(&self, value: usize) -> &'a [usize] {
        self.shapes[value].get(1..).unwrap_or_default()
    }

    /// The one step that takes a value.
    fn only_user(&self, value: usize) -> Option<&'a Step> {
        match self.users[value][..] {
            [only] => Some(&self.graph.steps[only]),
            _ => None,
        }
    }

    /// Takes the next step, or the few that are one nonlinearity.
    fn advance(&mut self) -> Result<(), String> {
        let steps = &self.graph.steps;
        match self.users[self.value][..] {
            [] => Err("its output does not follow from its input".to_owned()),
            [only] => self.take(&steps[only]),
            [a, b] if self.shape(self.value).len() == 3 => {
                let blocks = Blocks { graph: self.graph, users: &self.users };
                let block = blocks.block(self.value, self.shape(self.value)[0], [a, b]);
                match block {
                    Some((block, value)) => {
                        self.is_raw = false;
                        self.layers.push(Layer::Residual(block));
                        self.value = value;
                        Ok(())
                    }
                    None => self.take_nonlinearity(a, b),
                }
            }
            [a, b] => self.take_nonlinearity(a, b),
            [_, second, ..] => Err(no_layer(&steps[second])),
        }
    }

    /// Takes the steps that are one nonlinearity.
    fn take_nonlinearity(&mut self, a: usize, b: usize) -> Result<(), String> {
        let found = self.gate(a, b).or_else(|| self.gate(b, a));
        let found = found.or_else(|| self.gelu(a, b)).or_else(|| self.gelu(b, a));
        let (activation, value) = found.ok_or_else(|| no_layer(&self.graph.steps[b]))?;
        self.layers.push(Layer::Activation(activation));
        self.value = value;
        Ok(())
    }

    /// `x Sigmoid(x)`.
    fn gate(&self, sigmoid: usize, product: usize) -> Option<(Activation, usize)> {
        let (sigmoid, product) = (&self.graph.steps[sigmoid], &self.graph.steps[product]);
        let is_sigmoid = matches!(&sigmoid.op, Op::Unary { op, .. } if op == "Sigmoid");
        let is_product = matches!(&product.op, Op::Binary { op, .. } if op == "Mul");
        let both = [Some(self.value), Some(sigmoid.output)];
        let takes_both = both.iter().all(|value| product.inputs.contains(value));
        (is_sigmoid && is_product && takes_both && self.only_user(sigmoid.output).is_some())
            .then_some((Activation::Silu, product.output))
    }

    /// The factor by which a step multiplies everything, or what it adds.
    fn number(&self, step: &Step, wanted: &str) -> Option<f32> {
        let Op::Binary { op, .. } = &step.op else { return None };
        let constant = step.inputs.iter().flatten().find_map(|&value| self.constant(value))?;
        let values = constant.as_floats().ok().filter(|values| values.len() == 1)?;
        match (op.as_str(), wanted) {
            ("Div", "Mul") if step.inputs[0].is_some_and(|value| self.constant(value).is_none()) => {
                Some(1.0 / values[0])
            }
            _ if op == wanted => Some(values[0]),
            _ => None,
        }
    }

    /// `x (1 + Erf(x / sqrt 2)) / 2`, with the half before the product or behind it.
    fn gelu(&self, scaled: usize, product: usize) -> Option<(Activation, usize)> {
        let near =
            |value: Option<f32>, expected: f32| value.is_some_and(|value| (value - expected).abs() < 1e-6);
        let scaled = &self.graph.steps[scaled];
        if !near(self.number(scaled, "Mul"), std::f32::consts::FRAC_1_SQRT_2) {
            return None;
        }
        let erf = self.only_user(scaled.output)?;
        let sum = self.only_user(erf.output)?;
        if !matches!(&erf.op, Op::Unary { op, .. } if op == "Erf") || !near(self.number(sum, "Add"), 1.0) {
            return None;
        }
        let (end, other) = (self.only_user(sum.output)?, &self.graph.steps[product]);
        if !matches!(&end.op, Op::Binary { op, .. } if op == "Mul") {
            return None;
        }
        if end.output == other.output {
            let half = self.only_user(end.output)?;
            return near(self.number(half, "Mul"), 0.5).then_some((Activation::Gelu, half.output));
        }
        let is_half = near(self.number(other, "Mul"), 0.5) && end.inputs.contains(&Some(other.output));
        is_half.then_some((Activation::Gelu, end.output))
    }

    fn take(&mut self, step: &'a Step) -> Result<(), String> {
        let (from, to) = (self.shape(self.value), self.shape(step.output));
        let is_image = from.len() == 3;
        let layer = match &step.op {
            Op::Identity | Op::CastFloat => None,
            Op::Unary { op, .. } => Some(Layer::Activation(match op.as_str() {
                "Relu" => Activation::Relu,
                "Tanh" => Activation::Tanh,
                "Gelu" => Activation::Gelu,
                _ => return Err(no_layer(step)),
            })),
            Op::Dense(dense) if from.len() == 1 => {
                let [weights, bias] = dense.parameters();
                Some(Layer::Dense { weights, bias })
            }
            Op::Linear { dense, post: PostTransform::None, is_binary: false, .. } if from.len() == 1 => {
                let [weights, bias] = dense.parameters();
                Some(Layer::Dense { weights, bias })
            }
            Op::Gemm { alpha, beta, transposed: [false, transposed] } if from.len() == 1 => {
                let constants: Vec<Option<&Tensor>> =
                    step.inputs[1..].iter().map(|&value| self.constant(value?)).collect();
                let weights = constants.first().copied().flatten().ok_or_else(|| no_layer(step))?;
                let bias = constants.get(1).copied().flatten();
                let (weights, bias, _, _) = affine(weights, bias, *transposed, *alpha, *beta)?;
                Some(Layer::Dense { weights, bias })
            }
            Op::Conv(convolution) if is_image => {
                self.is_raw = false;
                let window = &convolution.window;
                let ([kernel, other], [stride, other_stride]) = (window.kernel, window.stride);
                let padding = window.even_padding().filter(|&padding| padding < kernel);
                let is_square = kernel == other && stride == other_stride;
                let Some(padding) = padding.filter(|_| is_square && convolution.groups == 1) else {
                    return Err(format!(
                        "{} has uneven padding, dilation, groups or windows that are no squares, which a network has not",
                        step.about
                    ));
                };
                let (weights, bias) = (convolution.weights.clone(), convolution.bias.clone());
                Some(Layer::Conv { kernel, stride, padding, weights, bias })
            }
            Op::Pool(pool) if is_image => {
                self.is_raw = false;
                let [side, other] = pool.window.kernel;
                if !pool.window.is_plain() || side != other || pool.window.stride != [side; 2] {
                    return Err(format!("{} has windows that are no squares side by side", step.about));
                }
                Some(Layer::Pool { is_max: pool.is_max, side })
            }
            Op::GlobalPool { is_max } if is_image && from[1] == from[2] => {
                self.is_raw = false;
                Some(Layer::Pool { is_max: *is_max, side: from[1] })
            }
            Op::GlobalPool { is_max: false } if is_image => {
                self.is_raw = false;
                Some(Layer::GlobalMean)
            }
            Op::BatchNorm { scale, shift } => {
                Some(Layer::Scale { factor: scale.clone(), shift: shift.clone() })
            }
            Op::Scaler { offset, scale } => {
                let n = offset.len().max(scale.len()).max(1);
                let of = |list: &[f32], i: usize, none: f32| {
                    *list.get(i.min(list.len().max(1) - 1)).unwrap_or(&none)
                };
                let factor: Vec<f32> = (0..n).map(|i| of(scale, i, 1.0)).collect();
                let shift = (0..n).map(|i| -of(offset, i, 0.0) * factor[i]).collect();
                Some(Layer::Scale { factor, shift })
            }
            Op::Binary { op, .. } => Some(self.scale(op, step)?),
            Op::LayerNorm { axis, epsilon } if *axis == 1 || *axis == -(from.len() as i64) => {
                let list =
                    |i: usize| self.constant(step.inputs.get(i).copied().flatten()?).map(Tensor::to_floats);
                let gain = list(1).ok_or_else(|| no_layer(step))?;
                let bias = list(2).unwrap_or_else(|| vec![0.0; gain.len()]);
                Some(Layer::Norm { gain, bias, epsilon: *epsilon })
            }
            Op::Transpose { order: Some(order) }
                if order[..] == [0, 3, 1, 2] && self.is_raw && self.is_first(step) =>
            {
                self.image = Some([from[0], from[1], from[2]]);
                self.is_raw = false;
                None
            }
            Op::Reshape { .. } | Op::Flatten { .. } | Op::Squeeze { .. } | Op::Unsqueeze { .. } => {
                self.reshape(step, from, to)?
            }
            _ => return Err(no_layer(step)),
        };
        self.layers.extend(layer);
        self.value = step.output;
        Ok(())
    }

    /// Nothing but a common scaling lies before a step.
    fn is_first(&self, _: &Step) -> bool {
        self.layers.iter().all(|layer| matches!(layer, Layer::Scale { factor, .. } if factor.len() == 1))
    }

    fn reshape(&mut self, step: &Step, from: &[usize], to: &[usize]) -> Result<Option<Layer>, String> {
        let same_rows = self.shapes[step.output].first() == Some(&self.rows);
        match (from, to) {
            _ if from == to && same_rows => Ok(None),
            (&[channels, height, width], &[n]) if same_rows && n == channels * height * width => {
                // An image that is still as it came is flattened in the order of the input.
                let points = if self.is_raw && self.is_first(step) { 0 } else { height * width };
                Ok((points > 0).then_some(Layer::Flatten { points }))
            }
            (&[n], &[1, height, width]) if same_rows && n == height * width && self.is_first(step) => {
                self.image = Some([height, width, 1]);
                self.is_raw = false;
                Ok(None)
            }
            _ => Err(no_layer(step)),
        }
    }

    /// A sum, difference, product or quotient with a constant.
    fn scale(&self, op: &str, step: &Step) -> Result<Layer, String> {
        let is_behind = step.inputs[0] == Some(self.value);
        let other = step.inputs[usize::from(is_behind)].and_then(|value| self.constant(value));
        let constant = other.ok_or_else(|| no_layer(step))?;
        let from = self.shape(self.value);
        // For each feature, or each channel of an image.
        let along = count(from.get(1..).unwrap_or_default()).map(|points| points > 1).unwrap_or(false);
        let inner = constant.shape.iter().skip_while(|&&n| n == 1).count();
        let values = constant.as_floats().map_err(|_| no_layer(step))?.to_vec();
        let fits = match values.len() {
            1 => true,
            n if from.len() == 1 => n == from[0] && inner == 1 && constant.shape.last() == Some(&n),
            n if along && !self.is_raw => {
                n == from[0] && constant.shape.iter().rev().position(|&length| length == n) == Some(2)
            }
            _ => false,
        };
        if !fits || (self.shape(step.output) != from) {
            return Err(no_layer(step));
        }
        let ones = vec![1.0; values.len()];
        let zeros = vec![0.0; values.len()];
        let negative = |list: &[f32]| list.iter().map(|value| -value).collect::<Vec<_>>();
        let (factor, shift) = match (op, is_behind) {
            ("Add", _) => (ones, values),
            ("Sub", true) => (ones, negative(&values)),
            ("Sub", false) => (negative(&ones), values),
            ("Mul", _) => (values, zeros),
            ("Div", true) => (values.iter().map(|value| 1.0 / value).collect(), zeros),
            _ => return Err(no_layer(step)),
        };
        Ok(Layer::Scale { factor, shift })
    }
}

fn no_layer(step: &Step) -> String {
    format!("{} is no layer of a network here", step.about)
}

/// The factor and the shift before the next layer.
type Pending = Option<(Vec<f32>, Vec<f32>)>;

/// An element of a list, of which one element stands for all.
fn of(list: &[f32], i: usize) -> f32 {
    list[if list.len() == 1 { 0 } else { i }]
}

/// Folds scalings into the layers before or behind them.
fn folded(layers: Vec<Layer>) -> Result<Vec<Layer>, String> {
    let mut all: Vec<Layer> = Vec::new();
    let mut pending: Pending = None;
    for mut layer in layers {
        match &mut layer {
            Layer::Scale { factor, shift } => {
                match all.last_mut() {
                    Some(Layer::Dense { weights, bias } | Layer::Conv { weights, bias, .. })
                        if pending.is_none() =>
                    {
                        let patch = weights.len() / bias.len();
                        for (o, row) in weights.chunks_exact_mut(patch).enumerate() {
                            row.iter_mut().for_each(|w| *w *= of(factor, o));
                            bias[o] = bias[o] * of(factor, o) + of(shift, o);
                        }
                    }
                    _ => {
                        let (f, s) = pending.take().unwrap_or_else(|| (vec![1.0], vec![0.0]));
                        let n = f.len().max(factor.len());
                        let factors = (0..n).map(|i| of(&f, i) * of(factor, i)).collect();
                        let shifts = (0..n).map(|i| of(factor, i) * of(&s, i) + of(shift, i)).collect();
                        pending = Some((factors, shifts));
                    }
                }
                continue;
            }
            Layer::Flatten { points } => {
                if let Some((f, s)) = &mut pending {
                    for list in [f, s].into_iter().filter(|list| list.len() > 1) {
                        *list = list.iter().flat_map(|&value| std::iter::repeat_n(value, *points)).collect();
                    }
                }
            }
            Layer::Pool { is_max, .. } => {
                if *is_max && pending.as_ref().is_some_and(|(f, _)| f.iter().any(|&f| f <= 0.0)) {
                    return Err("it scales by a negative number before a pool of greatest values".to_owned());
                }
            }
            Layer::Dense { weights, bias } | Layer::Conv { weights, bias, .. } => {
                let patch = weights.len() / bias.len();
                if let Some((f, s)) = pending.take() {
                    // Weights of a channel lie together.
                    let taps = if f.len() == 1 { patch } else { patch / f.len() };
                    if taps == 0 || (f.len() > 1 && taps * f.len() != patch) {
                        return Err("it scales features that its next layer does not take".to_owned());
                    }
                    for (row, bias) in weights.chunks_exact_mut(patch).zip(&mut *bias) {
                        let mut sum = f64::from(*bias);
                        for (i, w) in row.iter_mut().enumerate() {
                            sum += f64::from(*w) * f64::from(of(&s, i / taps));
                            *w *= of(&f, i / taps);
                        }
                        *bias = sum as f32;
                    }
                }
            }
            Layer::Norm { .. } | Layer::Activation(_) | Layer::Residual(_) if pending.is_some() => {
                return Err("it scales between two nonlinearities without a layer between".to_owned());
            }
            Layer::Norm { .. } | Layer::Activation(_) | Layer::Residual(_) | Layer::GlobalMean => {}
        }
        let is_pooled_conv = matches!(&all[..], [.., Layer::Conv { .. }, Layer::Pool { is_max: true, .. }]);
        if is_pooled_conv && matches!(layer, Layer::Activation(Activation::Relu | Activation::Tanh)) {
            // The greatest of increasing values is the value of the greatest.
            all.insert(all.len() - 1, layer);
            continue;
        }
        match (all.last_mut(), &layer) {
            // Two products in a row are one.
            (Some(Layer::Dense { weights: first, bias: before }), Layer::Dense { weights, bias }) => {
                let (middle, inputs) = (before.len(), first.len() / before.len());
                if weights.len() != middle * bias.len() {
                    return Err("it has two layers that do not fit".to_owned());
                }
                let mut product = vec![0.0_f64; bias.len() * inputs];
                let mut sums: Vec<f64> = bias.iter().copied().map(f64::from).collect();
                for (o, row) in weights.chunks_exact(middle).enumerate() {
                    for (m, &w) in row.iter().enumerate() {
                        sums[o] += f64::from(w) * f64::from(before[m]);
                        let out = &mut product[o * inputs..][..inputs];
                        out.iter_mut()
                            .zip(&first[m * inputs..])
                            .for_each(|(p, &x)| *p += f64::from(w) * f64::from(x));
                    }
                }
                *first = product.into_iter().map(|value| value as f32).collect();
                *before = sums.into_iter().map(|value| value as f32).collect();
            }
            _ => all.push(layer),
        }
    }
    match pending {
        None => Ok(all),
        Some(_) => Err("it ends in a scaling without a layer before it".to_owned()),
    }
}

/// The network of these layers.
fn assembled(
    layers: &[Layer],
    input: &[usize],
    image: Option<[usize; 3]>,
    channels_first: bool,
) -> Result<Network, String> {
    let mut spec = NetworkSpec::mlp(&[]);
    let (mut activation, mut norms, mut rectified) = (None, Vec::new(), 0);
    let mut outputs = None;
    let mut parameters: Vec<Vec<f32>> = Vec::new();
    for (i, layer) in layers.iter().enumerate() {
        let next = [layers.get(i + 1), layers.get(i + 2)];
        let is_rectified = matches!(
            next,
            [Some(Layer::Activation(_)), _] | [Some(Layer::Norm { .. }), Some(Layer::Activation(_))]
        );
        match layer {
            Layer::Conv { kernel, stride, padding, bias, .. }
                if is_rectified && outputs.is_none() && spec.hidden.is_empty() =>
            {
                let (channels, kernel, stride, padding) = (bias.len(), *kernel, *stride, *padding);
                spec.stages.push(Stage::Conv { channels, kernel, stride, padding });
            }
            Layer::Conv { .. } => {
                return Err("it has a convolution without a nonlinearity behind it".to_owned());
            }
            Layer::Dense { bias, .. } if outputs.is_some() || bias.len() > UNITS_MAX => {
                return Err(format!("it has a layer of {} units, or one behind its outputs", bias.len()));
            }
            Layer::Dense { bias, .. } if is_rectified => spec.hidden.push(bias.len()),
            Layer::Dense { bias, .. } => outputs = Some(bias.len()),
            Layer::Pool { is_max, side } => {
                spec.stages.push(if *is_max { Stage::MaxPool(*side) } else { Stage::AvgPool(*side) });
            }
            Layer::GlobalMean => spec.stages.push(Stage::GlobalAvgPool),
            Layer::Residual(Block { channels, stride, activation: own, .. })
                if outputs.is_none() && spec.hidden.is_empty() =>
            {
                if *activation.get_or_insert(*own) != *own {
                    return Err("it has nonlinearities of two kinds".to_owned());
                }
                spec.stages.push(Stage::Residual { channels: *channels, stride: *stride });
            }
            Layer::Residual(_) => return Err("it has a residual block behind a dense layer".to_owned()),
            Layer::Norm { epsilon, .. } => norms.push(*epsilon),
            Layer::Activation(of) => {
                let is_behind = matches!(
                    i.checked_sub(1).map(|i| &layers[i]),
                    Some(Layer::Dense { .. } | Layer::Conv { .. } | Layer::Norm { .. })
                );
                if !is_behind || *activation.get_or_insert(*of) != *of {
                    return Err(
                        "it has nonlinearities of two kinds, or one without a layer before it".to_owned()
                    );
                }
                rectified += 1;
            }
            Layer::Flatten { .. } | Layer::Scale { .. } => {}
        }
        match layer {
            Layer::Conv { weights, bias, .. } | Layer::Dense { weights, bias } => {
                parameters.extend([weights.clone(), bias.clone()]);
            }
            Layer::Norm { gain, bias, .. } => parameters.extend([gain.clone(), bias.clone()]),
            Layer::Residual(block) => parameters.extend(block.parameters.iter().cloned()),
            _ => {}
        }
    }
    if parameters.iter().flatten().any(|value| !value.is_finite()) {
        return Err("it holds a weight that is not finite".to_owned());
    }
    let outputs = outputs.ok_or("it does not end in a layer of outputs")?;
    spec.activation = activation.unwrap_or(Activation::Relu);
    if let Some(&epsilon) = norms.first() {
        if norms.len() != rectified || norms.iter().any(|&other| other != epsilon) {
            return Err("it has layer normalisation before some nonlinearities only".to_owned());
        }
        (spec.layer_norm, spec.layer_norm_epsilon) = (true, epsilon);
    }
    // The limits, and what else is refused, are those of a specification that is written.
    let spec: NetworkSpec =
        spec.to_string().parse().map_err(|error: potstill_nn::spec::SpecError| error.reason)?;
    let features: usize = input.iter().product();
    let inputs = match image.filter(|_| !spec.stages.is_empty()) {
        Some(image) => Inputs::from(image),
        None => Inputs::from(features),
    };
    if spec.stages.is_empty() && channels_first {
        turn_columns(&mut parameters, input, layers);
    }
    let ends = Ends::new(inputs, outputs);
    spec.check(&ends)?;
    let mut network = spec.zeroed(&ends);
    let mut tensors = network.tensors();
    if tensors.len() != parameters.len()
        || tensors.iter().zip(&parameters).any(|(t, p)| t.data.len() != p.len())
    {
        return Err("its layers do not fit into each other".to_owned());
    }
    for (tensor, parameters) in tensors.iter_mut().zip(parameters) {
        tensor.data = parameters;
    }
    network.load_tensors(&tensors).map_err(|error| error.to_string())?;
    Ok(network)
}

/// Orders the weights of the first layer over an image with the channels first by points. One that has been
/// turned before it was flattened has none.
fn turn_columns(parameters: &mut [Vec<f32>], input: &[usize], layers: &[Layer]) {
    let &[channels, height, width] = input else { return };
    let points = height * width;
    let is_turned = layers.iter().any(|layer| matches!(layer, Layer::Flatten { .. }));
    if let (Some(weights), false) = (parameters.first_mut(), is_turned) {
        for row in weights.chunks_exact_mut(points * channels) {
            let first = row.to_vec();
            for c in 0..channels {
                for point in 0..points {
                    row[point * channels + c] = first[c * points + point];
                }
            }
        }
    }
}
