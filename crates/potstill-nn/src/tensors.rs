//! Parameters by name, in PyTorch's layout.

use crate::interface::Inputs;
use crate::network::Network;
use crate::plan::{BatchNorm, Kind, Op, Weights};
use thiserror::Error;

/// The running statistics of a batch normalisation, in PyTorch's words.
const RUNNING_MEAN: &str = "running_mean";
const RUNNING_VARIANCE: &str = "running_var";

/// One named tensor in PyTorch's layout: `0.weight` of `[outputs, inputs]`, `0.bias` of `[outputs]`, named as
/// in `nn.Sequential`.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// The name.
    pub name: String,
    /// The length of each dimension, slowest first.
    pub shape: Vec<usize>,
    /// The elements, row by row.
    pub data: Vec<f32>,
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
    /// A variance below 0.
    #[error("tensor `{name}` holds a variance below 0")]
    Variance {
        /// Its name.
        name: String,
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

/// The places of a tensor's elements among the parameters, or among the running statistics behind them.
struct Layout {
    name: String,
    shape: Vec<usize>,
    places: Vec<usize>,
}

/// Number `i` of an image flattened channel by channel is this number of one flattened point by point.
fn point_by_point(shape: Option<Inputs>, i: usize) -> usize {
    match shape {
        None => i,
        Some(Inputs { height, width, channels, .. }) => {
            let points = height * width;
            (i % points) * channels + i / points
        }
    }
}

fn linear_layouts(op: &Op, weights: &Weights, suffixes: [&str; 2], offset: usize) -> Vec<Layout> {
    let Weights { layer, flattened, mixed_with, .. } = weights;
    let (outputs, kernel, channels) = (layer.outputs, layer.kernel, layer.channels);
    let output = |o: usize| point_by_point(*mixed_with, o);
    let is_conv = kernel > 1 || layer.height * layer.width > 1;
    let shape = if is_conv { vec![outputs, channels, kernel, kernel] } else { vec![outputs, channels] };
    let taps = kernel * kernel;
    let row = |k: usize| match is_conv {
        true => k % taps * channels + k / taps,
        false => point_by_point(*flattened, k),
    };
    let patch = layer.patch();
    let places = (0..outputs).flat_map(|o| (0..patch).map(move |k| (o, k)));
    let places = places.map(|(o, k)| offset + row(k) * outputs + output(o)).collect();
    let biases = (0..outputs).map(|o| offset + patch * outputs + output(o)).collect();
    let [weight, bias] = suffixes;
    let mut both = vec![Layout { name: format!("{}.{weight}", op.name), shape, places }];
    if weights.has_biases {
        both.push(Layout { name: format!("{}.{bias}", op.name), shape: vec![outputs], places: biases });
    }
    both
}

fn layouts(network: &Network) -> Vec<Layout> {
    let mut all = Vec::new();
    for op in network.plan().ops() {
        match &op.kind {
            Kind::Linear(weights) if weights.noise.is_some() => {
                let offset = weights.offset;
                all.extend(linear_layouts(op, weights, ["weight_mu", "bias_mu"], offset));
                let offset = offset + weights.length();
                all.extend(linear_layouts(op, weights, ["weight_sigma", "bias_sigma"], offset));
            }
            Kind::Linear(weights) => {
                all.extend(linear_layouts(op, weights, ["weight", "bias"], weights.offset));
            }
            Kind::Norm { offset, shape, .. } => {
                let Inputs { height, width, channels, .. } = *shape;
                let shape_of =
                    if height * width > 1 { vec![channels, height, width] } else { vec![channels] };
                for (i, part) in ["weight", "bias"].into_iter().enumerate() {
                    let offset = offset + i * op.from.len();
                    let places = (0..op.from.len()).map(|k| offset + point_by_point(Some(*shape), k));
                    all.push(Layout {
                        name: format!("{}.{part}", op.name),
                        shape: shape_of.clone(),
                        places: places.collect(),
                    });
                }
            }
            Kind::BatchNorm(BatchNorm { channels, offset, stats, .. }) => {
                let behind = network.parameters().len() + stats;
                let parts = [
                    ("weight", *offset),
                    ("bias", offset + channels),
                    (RUNNING_MEAN, behind),
                    (RUNNING_VARIANCE, behind + channels),
                ];
                all.extend(parts.map(|(part, first)| Layout {
                    name: format!("{}.{part}", op.name),
                    shape: vec![*channels],
                    places: (first..first + channels).collect(),
                }));
            }
            _ => {}
        }
    }
    let free = network.interface().free.iter().zip(&network.plan().free);
    all.extend(free.map(|(free, places)| Layout {
        name: free.name.clone(),
        shape: vec![free.length],
        places: places.clone().collect(),
    }));
    all
}

impl Network {
    /// The parameters and running statistics by name, in PyTorch's layout. A network without streams, noise
    /// and probabilities is an `nn.Sequential` of `Conv2d`, `LayerNorm` or batch normalisations,
    /// nonlinearities, pools, torchvision's `BasicBlock`, `Flatten` and `Linear`, whose images are channel by
    /// channel. Layers before a batch normalisation have no biases.
    pub fn tensors(&self) -> Vec<Tensor> {
        let numbers = [self.parameters(), self.statistics()].concat();
        let tensor = |layout: Layout| Tensor {
            data: layout.places.iter().map(|&place| numbers[place]).collect(),
            name: layout.name,
            shape: layout.shape,
        };
        layouts(self).into_iter().map(tensor).collect()
    }

    /// Sets the parameters from tensors with the names and shapes of [`tensors`](Network::tensors), in any
    /// order.
    ///
    /// # Errors
    /// If one is missing, left over, or has another shape. The network is then unchanged.
    pub fn load_tensors(&mut self, tensors: &[Tensor]) -> Result<(), TensorError> {
        let layouts = layouts(self);
        if let Some(extra) = tensors.iter().find(|t| layouts.iter().all(|layout| layout.name != t.name)) {
            return Err(TensorError::Unexpected {
                name: extra.name.clone(),
                network: self.spec().to_string(),
            });
        }
        let mut loaded = [self.parameters(), self.statistics()].concat();
        for layout in &layouts {
            let found = tensors
                .iter()
                .find(|t| t.name == layout.name)
                .ok_or_else(|| TensorError::Missing { name: layout.name.clone() })?;
            if found.shape != layout.shape || found.data.len() != layout.places.len() {
                return Err(TensorError::Shape {
                    name: layout.name.clone(),
                    expected: layout.shape.clone(),
                    got: found.shape.clone(),
                });
            }
            if layout.name.ends_with(RUNNING_VARIANCE) && found.data.iter().any(|&variance| variance < 0.0) {
                return Err(TensorError::Variance { name: layout.name.clone() });
            }
            layout.places.iter().zip(&found.data).for_each(|(&place, &x)| loaded[place] = x);
        }
        let (parameters, statistics) = loaded.split_at(self.parameters().len());
        self.statistics_mut().copy_from_slice(statistics);
        self.update_parameters(|own| own.copy_from_slice(parameters));
        Ok(())
    }
}
