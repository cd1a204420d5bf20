//! The operations of a network over rows of units, and the places of their parameters. `builder` makes them of a
//! specification.

use crate::interface::Inputs;
use crate::linear::Linear;
use crate::spec::Activation;
use std::ops::Range;

/// Points side by side that become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pool {
    pub(crate) width: usize,
    pub(crate) channels: usize,
    /// Rows and columns of points.
    pub(crate) window: [usize; 2],
    pub(crate) out_height: usize,
    pub(crate) out_width: usize,
    pub(crate) is_max: bool,
}

/// The parameters of a linear operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Weights {
    pub(crate) layer: Linear,
    /// Weights of `patch x outputs` row by row at this place, then the biases; one row per input, so that the
    /// lanes of a vector run along the outputs for one sample. Noisy ones are means, and deviations follow in
    /// the same order.
    pub(crate) offset: usize,
    /// Is false before a batch normalisation, which would take biases away again.
    pub(crate) has_biases: bool,
    /// The place of its noise: `inputs` factors, then `outputs`.
    pub(crate) noise: Option<usize>,
    /// The shape of the image that its inputs were, which PyTorch flattens channel by channel.
    pub(crate) flattened: Option<Inputs>,
    /// The shape of the image that its outputs are multiplied with, which is flattened too.
    pub(crate) mixed_with: Option<Inputs>,
}

impl Weights {
    /// Weights and biases, deviations apart.
    pub(crate) fn length(&self) -> usize {
        (self.layer.patch() + usize::from(self.has_biases)) * self.layer.outputs
    }
}

/// Zeros around an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pad {
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) channels: usize,
    /// Points on each side.
    pub(crate) padding: usize,
}

/// Batch normalisation of each channel over samples and points, or batch renormalisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BatchNorm {
    pub(crate) channels: usize,
    /// Gains, then biases, at this place among the parameters.
    pub(crate) offset: usize,
    /// Means, then variances, at this place among the statistics.
    pub(crate) stats: usize,
    /// Is true for batch renormalisation, which stands before a dense layer and not behind one.
    pub(crate) is_renorm: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    Linear(Weights),
    /// An image with zeros around it, for the convolution behind it.
    Pad(Pad),
    /// Gains, then biases, at this place; then where mean and deviation of a sample are kept.
    Norm {
        offset: usize,
        stats: usize,
        /// The image's shape.
        shape: Inputs,
    },
    BatchNorm(BatchNorm),
    /// A nonlinearity of units of this shape.
    Activation(Activation, Inputs),
    Pool(Pool),
    /// The sum with other rows of the part, from this one on: a connection that skips layers. `adds` is true if an
    /// operation after it has given a gradient to these already.
    Add {
        other: usize,
        adds: bool,
    },
    /// One value, and what each choice adds to it, to values.
    Dueling {
        choices: usize,
        atoms: usize,
    },
    /// The product with rows of the part before, from this one on: where a probability meets a sample.
    Mix {
        before: usize,
    },
}

/// An operation from some rows to others.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Op {
    pub(crate) kind: Kind,
    pub(crate) from: Range<usize>,
    pub(crate) to: Range<usize>,
    /// Is true if an operation after it has given a gradient to the same rows already.
    pub(crate) adds: bool,
    /// Is true if its input is that of the network, with zeros around it or without, whose gradient is computed on demand.
    pub(crate) is_first: bool,
    /// Is true if its outputs are those of the network, or of one of its streams.
    pub(crate) is_output: bool,
    /// Its transposed gradients begin here, among those of its part.
    pub(crate) transposed: usize,
    /// The name of its parameters, as in `nn.Sequential`.
    pub(crate) name: String,
}

/// A part of a network that is computed once per sample, or once per sample and probability.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Part {
    pub(crate) ops: Vec<Op>,
    /// Rows of all units, the inputs first.
    pub(crate) rows: usize,
    /// Rows of transposed gradients.
    pub(crate) transposed: usize,
    /// The batch normalisations among the operations.
    pub(crate) batch_norms: Vec<usize>,
}

/// The operations of a network.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Plan {
    pub(crate) trunk: Part,
    /// The part that depends on the probability that is asked for; empty if nothing does.
    pub(crate) quantile: Part,
    pub(crate) parameters: usize,
    /// Running means and variances of batch normalisations.
    pub(crate) statistics: usize,
    /// The rows of each head's outputs, in the last part.
    pub(crate) heads: Vec<Range<usize>>,
    /// The places of the free parameters, behind those of the layers.
    pub(crate) free: Vec<Range<usize>>,
    /// Factors of noise.
    pub(crate) noise: usize,
}

impl Part {
    /// The batch normalisation that this operation is.
    pub(crate) fn batch_norm(&self, op: usize) -> Option<&BatchNorm> {
        match &self.ops.get(op)?.kind {
            Kind::BatchNorm(norm) => Some(norm),
            _ => None,
        }
    }
}

impl Plan {
    /// All operations, in the order in which their parameters lie.
    pub(crate) fn ops(&self) -> impl Iterator<Item = &Op> {
        self.trunk.ops.iter().chain(&self.quantile.ops)
    }

    /// The batch normalisations.
    pub(crate) fn batch_norms(&self) -> impl Iterator<Item = &BatchNorm> {
        self.trunk.batch_norms.iter().filter_map(|&op| self.trunk.batch_norm(op))
    }

    /// Weights with noise on them; the factors of their rows, one for each input and 1 for the biases, as of
    /// an input that is 1; and those of their outputs.
    pub(crate) fn noisy<'a>(
        &'a self,
        noise: &'a [f32],
    ) -> impl Iterator<Item = (&'a Weights, impl Iterator<Item = &'a f32>, &'a [f32])> {
        self.ops().filter_map(|op| {
            let Kind::Linear(weights) = &op.kind else { return None };
            let (inputs, outputs) = (weights.layer.patch(), weights.layer.outputs);
            let (of_inputs, of_outputs) = noise[weights.noise?..][..inputs + outputs].split_at(inputs);
            Some((weights, of_inputs.iter().chain(&[1.0]), of_outputs))
        })
    }
}
