//! Networks: a closed set of layers over one flat vector of parameters.
//!
//! A target network is a copy of that vector, an EMA teacher one fused pass over it, a checkpoint one slice of it.
//!
//! ```
//! use potstill_core::Streams;
//! use potstill_nn::{NetworkSpec, Workspace};
//!
//! let spec: NetworkSpec = "mlp:8,4:tanh".parse()?;
//! let network = spec.build(3, 2, &mut Streams::new(1).stream("initialisation"));
//! assert_eq!(network.parameters().len(), 3 * 8 + 8 + 8 * 4 + 4 + 4 * 2 + 2);
//! let mut workspace = Workspace::default();
//! // Two samples of three features, two outputs each.
//! assert_eq!(network.forward(&[0.1, 0.2, 0.3, 0.4, 0.5, 0.6], &mut workspace).len(), 4);
//! # Ok::<(), potstill_nn::network::SpecError>(())
//! ```

use crate::kernels::{self, Panel, Start, Strided};
use potstill_core::{Pcg64, State, StateError, Stateful, Value};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// The nonlinearity between dense layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// `max(x, 0)`.
    Relu,
    /// The hyperbolic tangent.
    Tanh,
}

impl Activation {
    const ALL: [(&'static str, Activation); 2] = [("relu", Activation::Relu), ("tanh", Activation::Tanh)];
}

impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Activation::ALL.iter().find(|(_, a)| a == self).map(|(name, _)| *name);
        f.write_str(name.expect("every activation has a name"))
    }
}

/// The form of a network, without the sizes of its ends: `mlp:64,64` or `mlp:64,64:tanh`; `mlp` alone is linear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkSpec {
    /// Units of each hidden layer.
    pub hidden: Vec<usize>,
    /// The nonlinearity after each hidden layer.
    pub activation: Activation,
}

/// A network specification that does not parse.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{reason} in network `{spec}`; write `mlp:64,64` or `mlp:64,64:tanh`")]
pub struct SpecError {
    /// The specification as written.
    pub spec: String,
    /// What is wrong.
    pub reason: String,
}

/// Hidden layers and units are bounded so that a typing error is a message and not an allocation.
const HIDDEN_LAYERS_MAX: usize = 16;
const UNITS_MAX: usize = 16_384;

impl FromStr for NetworkSpec {
    type Err = SpecError;

    fn from_str(spec: &str) -> Result<Self, SpecError> {
        let fail = |reason: String| SpecError { spec: spec.to_owned(), reason };
        let mut parts = spec.split(':');
        let family = parts.next().unwrap_or_default();
        if family != "mlp" {
            return Err(fail(format!("unknown family `{family}`")));
        }
        let hidden = match parts.next() {
            None => Vec::new(),
            Some(list) => list
                .split(',')
                .map(|units| match units.trim().parse::<usize>() {
                    Ok(units @ 1..=UNITS_MAX) => Ok(units),
                    _ => Err(fail(format!("`{units}` is not a number of units from 1 to {UNITS_MAX}"))),
                })
                .collect::<Result<Vec<_>, _>>()?,
        };
        if hidden.len() > HIDDEN_LAYERS_MAX {
            return Err(fail(format!("more than {HIDDEN_LAYERS_MAX} hidden layers")));
        }
        let activation = match parts.next() {
            None => Activation::Relu,
            Some(name) => Activation::ALL
                .iter()
                .find(|(known, _)| *known == name)
                .map(|&(_, activation)| activation)
                .ok_or_else(|| fail(format!("unknown activation `{name}` (relu or tanh)")))?,
        };
        match parts.next() {
            None => Ok(Self { hidden, activation }),
            Some(rest) => Err(fail(format!("unexpected `:{rest}`"))),
        }
    }
}

impl fmt::Display for NetworkSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("mlp")?;
        for (i, units) in self.hidden.iter().enumerate() {
            write!(f, "{}{units}", if i == 0 { ':' } else { ',' })?;
        }
        if self.activation != Activation::Relu && !self.hidden.is_empty() {
            write!(f, ":{}", self.activation)?;
        }
        Ok(())
    }
}

impl NetworkSpec {
    fn widths(&self, inputs: usize, outputs: usize) -> Vec<usize> {
        [&[inputs], self.hidden.as_slice(), &[outputs]].concat()
    }

    /// The number of parameters between these ends; `None` if it overflows.
    pub fn parameters(&self, inputs: usize, outputs: usize) -> Option<usize> {
        self.widths(inputs, outputs)
            .windows(2)
            .try_fold(0_usize, |sum, pair| pair[0].checked_add(1)?.checked_mul(pair[1])?.checked_add(sum))
    }

    /// The network with zero parameters, ready to be filled.
    pub fn zeroed(&self, inputs: usize, outputs: usize) -> Network {
        assert!(inputs > 0 && outputs > 0, "a network has inputs and outputs");
        let widths = self.widths(inputs, outputs);
        let mut layers = Vec::new();
        let mut length = 0;
        for (i, pair) in widths.windows(2).enumerate() {
            if i > 0 {
                layers.push(Layer::Activation(self.activation));
            }
            layers.push(Layer::Dense { inputs: pair[0], outputs: pair[1], offset: length });
            length += (pair[0] + 1) * pair[1];
        }
        Network { spec: self.clone(), inputs, outputs, layers, parameters: vec![0.0; length] }
    }

    /// The network with PyTorch's default initialisation: weights and biases uniform within `1 / sqrt(inputs)` of 0.
    pub fn build(&self, inputs: usize, outputs: usize, rng: &mut Pcg64) -> Network {
        let mut network = self.zeroed(inputs, outputs);
        for layer in &network.layers {
            if let Layer::Dense { inputs, outputs, offset } = *layer {
                let bound = 1.0 / (inputs as f64).sqrt();
                for parameter in &mut network.parameters[offset..offset + (inputs + 1) * outputs] {
                    *parameter = rng.uniform(-bound, bound) as f32;
                }
            }
        }
        network
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Layer {
    /// Weights of `inputs x outputs` row by row at `offset`, then the biases. One row per input, so that the lanes of a vector
    /// run along the outputs for one sample as well as for many.
    Dense {
        inputs: usize,
        outputs: usize,
        offset: usize,
    },
    Activation(Activation),
}

/// One named tensor in PyTorch's layout: `0.weight` of `[outputs, inputs]`, `0.bias` of `[outputs]`, named as in `nn.Sequential`.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// The name.
    pub name: String,
    /// The length of each dimension, slowest first.
    pub shape: Vec<usize>,
    /// The elements, row by row.
    pub data: Vec<f32>,
}

/// A feed-forward network: its form and its flat parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    spec: NetworkSpec,
    inputs: usize,
    outputs: usize,
    layers: Vec<Layer>,
    parameters: Vec<f32>,
}

/// What a forward pass leaves for the backward pass, reused from batch to batch so that a step allocates nothing.
#[derive(Clone, Debug, Default)]
pub struct Workspace {
    /// The output of each layer for the whole batch.
    outputs: Vec<Vec<f32>>,
    /// The gradient in the output, then in the input, of the layer at hand.
    d_output: Vec<f32>,
    d_input: Vec<f32>,
    transposed: Vec<f32>,
    panel: Panel,
}

fn sized(buffer: &mut Vec<f32>, length: usize) -> &mut [f32] {
    if buffer.len() < length {
        buffer.resize(length, 0.0);
    }
    &mut buffer[..length]
}

impl Network {
    /// The form.
    pub fn spec(&self) -> &NetworkSpec {
        &self.spec
    }

    /// Features of one input.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Outputs of one sample.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// All parameters.
    pub fn parameters(&self) -> &[f32] {
        &self.parameters
    }

    /// All parameters, to be changed.
    pub fn parameters_mut(&mut self) -> &mut [f32] {
        &mut self.parameters
    }

    fn batch_size(&self, batch: &[f32]) -> usize {
        assert!(batch.len().is_multiple_of(self.inputs), "a batch of whole samples");
        batch.len() / self.inputs
    }

    /// The outputs, `samples x outputs`, for a batch of `samples x inputs`.
    pub fn forward<'w>(&self, batch: &[f32], workspace: &'w mut Workspace) -> &'w [f32] {
        let samples = self.batch_size(batch);
        let Workspace { outputs: activations, panel, .. } = workspace;
        activations.resize_with(self.layers.len(), Vec::new);
        let mut width = self.inputs;
        for (i, layer) in self.layers.iter().enumerate() {
            let (before, after) = activations.split_at_mut(i);
            let input = before.last().map_or(batch, |previous| &previous[..samples * width]);
            match *layer {
                Layer::Dense { inputs, outputs, offset } => {
                    let (weights, biases) = self.dense(inputs, outputs, offset);
                    let a = Strided { data: input, row: inputs, column: 1 };
                    let output = sized(&mut after[0], samples * outputs);
                    kernels::matmul(
                        (samples, inputs, outputs),
                        a,
                        weights,
                        Start::Row(biases),
                        output,
                        panel,
                    );
                    width = outputs;
                }
                Layer::Activation(activation) => {
                    let output = sized(&mut after[0], samples * width);
                    output.copy_from_slice(input);
                    match activation {
                        Activation::Relu => kernels::relu(output),
                        Activation::Tanh => kernels::tanh(output),
                    }
                }
            }
        }
        let last = activations.last().expect("a network has a layer");
        &last[..samples * self.outputs]
    }

    fn dense(&self, inputs: usize, outputs: usize, offset: usize) -> (&[f32], &[f32]) {
        self.parameters[offset..offset + (inputs + 1) * outputs].split_at(inputs * outputs)
    }

    /// The gradient in the parameters, given the batch of the last [`forward`](Network::forward) through `workspace` and
    /// the gradient of the loss in its outputs.
    pub fn backward(
        &self,
        batch: &[f32],
        d_outputs: &[f32],
        workspace: &mut Workspace,
        gradient: &mut [f32],
    ) {
        let samples = self.batch_size(batch);
        assert_eq!(d_outputs.len(), samples * self.outputs, "one gradient per output");
        assert_eq!(gradient.len(), self.parameters.len(), "one gradient per parameter");
        let Workspace { outputs: activations, d_output, d_input, transposed, panel } = workspace;
        sized(d_output, d_outputs.len()).copy_from_slice(d_outputs);
        let mut width = self.outputs;
        for (i, layer) in self.layers.iter().enumerate().rev() {
            match *layer {
                Layer::Dense { inputs, outputs, offset } => {
                    let input = if i == 0 { batch } else { &activations[i - 1][..samples * inputs] };
                    let d_sums = &d_output[..samples * outputs];
                    let (d_weights, d_biases) =
                        gradient[offset..offset + (inputs + 1) * outputs].split_at_mut(inputs * outputs);
                    let input_transposed = Strided { data: input, row: 1, column: inputs };
                    kernels::matmul(
                        (inputs, samples, outputs),
                        input_transposed,
                        d_sums,
                        Start::Zero,
                        d_weights,
                        panel,
                    );
                    kernels::column_sums(outputs, d_sums, d_biases);
                    if i > 0 {
                        let (weights, _) = self.dense(inputs, outputs, offset);
                        let transposed = sized(transposed, weights.len());
                        kernels::transpose(inputs, outputs, weights, transposed);
                        let a = Strided { data: d_sums, row: outputs, column: 1 };
                        let d_input = sized(d_input, samples * inputs);
                        kernels::matmul(
                            (samples, outputs, inputs),
                            a,
                            transposed,
                            Start::Zero,
                            d_input,
                            panel,
                        );
                    }
                    std::mem::swap(d_output, d_input);
                    width = inputs;
                }
                Layer::Activation(activation) => {
                    let output = &activations[i][..samples * width];
                    let d_output = &mut d_output[..samples * width];
                    match activation {
                        Activation::Relu => kernels::relu_backward(output, d_output),
                        Activation::Tanh => kernels::tanh_backward(output, d_output),
                    }
                }
            }
        }
    }

    /// The parameters by name, in PyTorch's layout.
    pub fn tensors(&self) -> Vec<Tensor> {
        let mut tensors = Vec::new();
        for (i, layer) in self.layers.iter().enumerate() {
            if let Layer::Dense { inputs, outputs, offset } = *layer {
                let (weights, biases) = self.dense(inputs, outputs, offset);
                let mut data = vec![0.0; weights.len()];
                kernels::transpose(inputs, outputs, weights, &mut data);
                tensors.push(Tensor { name: format!("{i}.weight"), shape: vec![outputs, inputs], data });
                tensors.push(Tensor {
                    name: format!("{i}.bias"),
                    shape: vec![outputs],
                    data: biases.to_vec(),
                });
            }
        }
        tensors
    }

    /// Takes the parameters from tensors with the names and shapes of [`tensors`](Network::tensors), in any order.
    ///
    /// # Errors
    /// If one is missing, left over, or has another shape. The network is then unchanged.
    pub fn load_tensors(&mut self, tensors: &[Tensor]) -> Result<(), TensorError> {
        let mut expected = self.tensors();
        if let Some(extra) = tensors.iter().find(|t| expected.iter().all(|e| e.name != t.name)) {
            return Err(TensorError::Unexpected { name: extra.name.clone(), network: self.spec.to_string() });
        }
        for slot in &mut expected {
            let found = tensors
                .iter()
                .find(|t| t.name == slot.name)
                .ok_or_else(|| TensorError::Missing { name: slot.name.clone() })?;
            if found.shape != slot.shape || found.data.len() != slot.data.len() {
                return Err(TensorError::Shape {
                    name: slot.name.clone(),
                    expected: slot.shape.clone(),
                    got: found.shape.clone(),
                });
            }
            slot.data.clone_from(&found.data);
        }
        let mut expected = expected.iter();
        for layer in &self.layers {
            if let Layer::Dense { inputs, outputs, offset } = *layer {
                let (weights, biases) =
                    self.parameters[offset..offset + (inputs + 1) * outputs].split_at_mut(inputs * outputs);
                kernels::transpose(outputs, inputs, &expected.next().expect("a weight").data, weights);
                biases.copy_from_slice(&expected.next().expect("a bias").data);
            }
        }
        Ok(())
    }
}

/// Tensors that are not those of the network.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TensorError {
    /// A tensor of the network is not there.
    #[error("tensor `{name}` is missing")]
    Missing {
        /// Its name.
        name: String,
    },
    /// A tensor that the network does not have.
    #[error("tensor `{name}` does not belong to the network {network}")]
    Unexpected {
        /// Its name.
        name: String,
        /// The network's form.
        network: String,
    },
    /// A tensor of another shape.
    #[error("tensor `{name}` has shape {got:?}, expected {expected:?}")]
    Shape {
        /// Its name.
        name: String,
        /// The shape needed.
        expected: Vec<usize>,
        /// The shape found.
        got: Vec<usize>,
    },
}

impl Stateful for Network {
    fn state(&self) -> State {
        State::new().with("parameters", Value::F32s(self.parameters.clone()))
    }

    fn restore(&mut self, state: &State) -> Result<(), StateError> {
        let length = self.parameters.len();
        self.parameters.copy_from_slice(state.f32s("parameters", length)?);
        Ok(())
    }
}
