//! Residual blocks of a graph: two convolutions of 3 x 3 points whose sum with their input, or with a convolution of one
//! point of it, goes through a nonlinearity.

use super::graph::{Graph, Step};
use super::op::Op;
use potstill_nn::Activation;

/// A block as the file has it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Block {
    pub(super) channels: usize,
    pub(super) stride: usize,
    pub(super) activation: Activation,
    /// Weights and biases: of the two convolutions, then of that of the input, if there is one.
    pub(super) parameters: Vec<Vec<f32>>,
}

/// A convolution with what is folded into it, and the value that it gives.
struct Convolved {
    stride: usize,
    weights: Vec<f32>,
    bias: Vec<f32>,
    value: usize,
}

/// A graph, and the steps that take each of its values.
pub(super) struct Blocks<'a> {
    pub(super) graph: &'a Graph,
    pub(super) users: &'a [Vec<usize>],
}

impl Blocks<'_> {
    /// The block behind a value of so many channels that these two steps take, and the value that it gives; none if it is no
    /// block of a network here.
    pub(super) fn block(&self, value: usize, channels: usize, [a, b]: [usize; 2]) -> Option<(Block, usize)> {
        self.of(value, channels, a, b).or_else(|| self.of(value, channels, b, a))
    }

    fn of(&self, value: usize, channels: usize, inner: usize, other: usize) -> Option<(Block, usize)> {
        let steps = &self.graph.steps;
        let first = self.convolution(&steps[inner], 3, 1)?;
        let (activation, hidden) = nonlinearity(self.only_user(first.value)?)?;
        let second = self.convolution(self.only_user(hidden)?, 3, 1).filter(|second| second.stride == 1)?;
        let sum = self.only_user(second.value)?;
        let to = second.bias.len();
        let projected = match is_sum(sum) && sum.inputs.contains(&Some(value)) {
            true => None,
            false => Some(self.convolution(&steps[other], 1, 0)?),
        };
        let skips = projected.as_ref().map_or(value, |projected| projected.value);
        let joins = is_sum(sum) && [skips, second.value].iter().all(|v| sum.inputs.contains(&Some(*v)));
        // A block here has a convolution of its input where the shape changes, and nowhere else.
        let is_same_shape = first.stride == 1 && to == channels;
        let fits = projected.as_ref().map_or(is_same_shape, |projected| {
            !is_same_shape && projected.stride == first.stride && projected.bias.len() == to
        });
        let (behind, output) = nonlinearity(self.only_user(sum.output)?)?;
        if !(joins && fits && behind == activation && (projected.is_none() || self.is_only(skips))) {
            return None;
        }
        let stride = first.stride;
        let mut parameters = vec![first.weights, first.bias, second.weights, second.bias];
        parameters.extend(projected.into_iter().flat_map(|projected| [projected.weights, projected.bias]));
        Some((Block { channels: to, stride, activation, parameters }, output))
    }

    /// The one step that takes a value.
    fn only_user(&self, value: usize) -> Option<&Step> {
        match self.users[value][..] {
            [only] if value != self.graph.target => Some(&self.graph.steps[only]),
            _ => None,
        }
    }

    fn is_only(&self, value: usize) -> bool {
        self.only_user(value).is_some()
    }

    /// A convolution of square patches of this side with so many zeros around the image, and batch normalisation behind it.
    fn convolution(&self, step: &Step, kernel: usize, padding: usize) -> Option<Convolved> {
        let Op::Conv(convolution) = &step.op else { return None };
        let (window, [stride, other]) = (&convolution.window, convolution.window.stride);
        let is_ours = window.kernel == [kernel; 2]
            && window.even_padding() == Some(padding)
            && stride == other
            && convolution.groups == 1;
        if !is_ours {
            return None;
        }
        let (mut weights, mut bias) = (convolution.weights.clone(), convolution.bias.clone());
        let mut value = step.output;
        if let Some(Step { op: Op::BatchNorm { scale, shift }, output, .. }) = self.only_user(value) {
            let patch = weights.len() / bias.len();
            for (o, row) in weights.chunks_exact_mut(patch).enumerate() {
                row.iter_mut().for_each(|w| *w *= scale[o]);
                bias[o] = bias[o] * scale[o] + shift[o];
            }
            value = *output;
        }
        Some(Convolved { stride, weights, bias, value })
    }
}

fn is_sum(step: &Step) -> bool {
    matches!(&step.op, Op::Binary { op, .. } if op == "Add")
}

/// The nonlinearity that a step is, and the value that it gives.
fn nonlinearity(step: &Step) -> Option<(Activation, usize)> {
    let Op::Unary { op, .. } = &step.op else { return None };
    let activation = match op.as_str() {
        "Relu" => Activation::Relu,
        "Tanh" => Activation::Tanh,
        "Gelu" => Activation::Gelu,
        _ => return None,
    };
    Some((activation, step.output))
}
