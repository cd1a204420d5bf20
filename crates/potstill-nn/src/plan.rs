//! The operations of a network over rows of units, and the places of their parameters.

use crate::interface::{Head, Inputs, Interface};
use crate::linear::Linear;
use crate::spec::{Activation, NetworkSpec, Stage};
use std::ops::Range;

/// A square of points that becomes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pool {
    pub(crate) width: usize,
    pub(crate) channels: usize,
    pub(crate) side: usize,
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
        (self.layer.patch() + 1) * self.layer.outputs
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
    Activation(Activation),
    Pool(Pool),
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
}

/// The operations of a network.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Plan {
    pub(crate) trunk: Part,
    /// The part that depends on the probability that is asked for; empty if nothing does.
    pub(crate) quantile: Part,
    pub(crate) parameters: usize,
    /// The rows of each head's outputs, in the last part.
    pub(crate) heads: Vec<Range<usize>>,
    /// The places of the free parameters, behind those of the layers.
    pub(crate) free: Vec<Range<usize>>,
    /// Factors of noise.
    pub(crate) noise: usize,
}

/// Numbers of an input or output, at most: beyond, sizes would overflow.
const ENDS_MAX: usize = 1 << 24;

/// Cosines of a probability, at most.
const COSINES_MAX: usize = 1 << 16;

struct Builder {
    plan: Plan,
    /// The part that operations are added to.
    part: Part,
    noisy: bool,
    layer_norm: bool,
    activation: Activation,
    /// Names begin so, and how many modules have had it.
    prefix: String,
    count: usize,
}

impl Builder {
    fn rows(&mut self, count: usize) -> Range<usize> {
        let from = self.part.rows;
        self.part.rows += count;
        from..self.part.rows
    }

    fn name(&mut self) -> String {
        self.count += 1;
        format!("{}{}", self.prefix, self.count - 1)
    }

    fn push(&mut self, kind: Kind, from: Range<usize>, to: Range<usize>, name: String) -> Range<usize> {
        let transposed = self.part.transposed;
        if let Kind::Linear(weights) = &kind {
            self.part.transposed += weights.layer.points() * weights.layer.padded();
        }
        let op = Op {
            kind,
            from,
            to: to.clone(),
            adds: false,
            is_first: false,
            is_output: false,
            transposed,
            name,
        };
        self.part.ops.push(op);
        to
    }

    fn linear(&mut self, layer: Linear, flattened: Option<Inputs>, from: Range<usize>, to: Range<usize>) {
        let name = self.name();
        self.named_linear(name, layer, flattened, from, to);
    }

    fn named_linear(
        &mut self,
        name: String,
        layer: Linear,
        flattened: Option<Inputs>,
        from: Range<usize>,
        to: Range<usize>,
    ) {
        let noisy = self.noisy && layer.kernel == 1 && layer.points() == 1;
        let noise = noisy.then_some(self.plan.noise);
        let weights = Weights { layer, offset: self.plan.parameters, noise, flattened, mixed_with: None };
        self.plan.parameters += weights.length() * if noisy { 2 } else { 1 };
        if noisy {
            self.plan.noise += layer.patch() + layer.outputs;
        }
        self.push(Kind::Linear(weights), from, to, name);
    }

    /// Layer normalisation, if there is any, and the nonlinearity.
    fn rectified(&mut self, shape: Inputs, mut rows: Range<usize>) -> Range<usize> {
        if self.layer_norm {
            let offset = self.plan.parameters;
            self.plan.parameters += 2 * rows.len();
            let to = self.rows(rows.len());
            let stats = self.rows(2).start;
            let name = self.name();
            rows = self.push(Kind::Norm { offset, stats, shape }, rows, to, name);
        }
        let to = self.rows(rows.len());
        let name = self.name();
        self.push(Kind::Activation(self.activation), rows, to, name)
    }

    /// A dense hidden layer.
    fn hidden(&mut self, from: Range<usize>, flattened: Option<Inputs>, units: usize) -> Range<usize> {
        let to = self.rows(units);
        self.linear(Linear::dense(from.len(), units), flattened, from, to.clone());
        self.rectified(units.into(), to)
    }

    fn mark_output(&mut self) {
        self.part.ops.last_mut().expect("an operation").is_output = true;
    }

    /// The outputs, from the last hidden layer.
    fn outputs(
        &mut self,
        Interface { ends, heads, .. }: &Interface,
        from: Range<usize>,
        flattened: Option<Inputs>,
        hidden: Option<usize>,
    ) {
        let atoms = ends.head.atoms();
        if !heads.is_empty() {
            for head in heads {
                let to = self.rows(head.outputs);
                let layer = Linear::dense(from.len(), head.outputs);
                self.named_linear(head.name.clone(), layer, flattened, from.clone(), to.clone());
                self.mark_output();
                self.plan.heads.push(to);
            }
            return;
        }
        let Some(hidden) = hidden else {
            let to = self.rows(ends.outputs());
            self.linear(Linear::dense(from.len(), to.len()), flattened, from, to.clone());
            self.mark_output();
            self.plan.heads.push(to);
            return;
        };
        // Two streams; what they end in lies side by side.
        let streams = [("value.", atoms), ("advantage.", ends.outputs())];
        let units = streams.map(|(prefix, _)| {
            (self.prefix, self.count) = (prefix.to_owned(), 0);
            (self.hidden(from.clone(), flattened, hidden), self.count)
        });
        let both = self.rows(atoms + ends.outputs());
        let mut start = both.start;
        for ((prefix, outputs), (units, count)) in streams.into_iter().zip(units) {
            (self.prefix, self.count) = (prefix.to_owned(), count);
            let to = start..start + outputs;
            start = to.end;
            self.linear(Linear::dense(units.len(), outputs), None, units, to);
            self.mark_output();
        }
        let to = self.rows(ends.outputs());
        let kind = Kind::Dueling { choices: ends.choices, atoms };
        self.push(kind, both, to.clone(), String::new());
        self.plan.heads.push(to);
    }
}

impl Plan {
    /// All operations, in the order in which their parameters lie.
    pub(crate) fn ops(&self) -> impl Iterator<Item = &Op> {
        self.trunk.ops.iter().chain(&self.quantile.ops)
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

    /// The plan of a network of this form with this interface; or why there is none.
    pub(crate) fn new(spec: &NetworkSpec, interface: &Interface) -> Result<Self, String> {
        if spec.bag.is_some() {
            return Err(
                "a bag of n-grams learns from texts; name their column, --data FILE:text=NAME".to_owned()
            );
        }
        let ends = &interface.ends;
        interface.check()?;
        if spec.dueling && !interface.heads.is_empty() {
            return Err("dueling has two streams into one head, and cannot have several".to_owned());
        }
        let Inputs { frames, height, width, channels } = ends.inputs;
        let product = |numbers: &[usize]| numbers.iter().try_fold(1_usize, |all, &n| all.checked_mul(n));
        let sizes =
            [product(&[frames, height, width, channels]), product(&[ends.choices, ends.head.atoms()])];
        if !sizes.iter().all(|size| size.is_some_and(|size| (1..=ENDS_MAX).contains(&size))) {
            return Err(format!("it must have from 1 to {ENDS_MAX} inputs and outputs"));
        }
        if let Head::Implicit { cosines } = ends.head {
            if !(1..=COSINES_MAX).contains(&cosines) {
                return Err(format!("it must have from 1 to {COSINES_MAX} cosines"));
            }
            if spec.stages.is_empty() && spec.hidden.len() < if spec.dueling { 2 } else { 1 } {
                let reason = "a probability meets features, for which there must be one hidden layer, or two with dueling";
                return Err(reason.to_owned());
            }
        }
        if spec.dueling && spec.hidden.is_empty() {
            return Err("dueling needs a hidden layer, which its two streams have each".to_owned());
        }
        let mut b = Builder {
            plan: Plan::default(),
            part: Part::default(),
            noisy: spec.noisy,
            layer_norm: spec.layer_norm,
            activation: spec.activation,
            prefix: String::new(),
            count: 0,
        };
        let mut shape = Inputs::from([height, width, frames * channels]);
        let mut rows = b.rows(shape.count());
        for stage in &spec.stages {
            let Inputs { height, width, channels, .. } = shape;
            let (side, padding) = match *stage {
                Stage::Conv { kernel, padding, .. } => (kernel, padding),
                Stage::MaxPool(side) | Stage::AvgPool(side) => (side, 0),
            };
            if side > height + 2 * padding || side > width + 2 * padding {
                return Err(format!(
                    "`{stage}` does not fit into an image of {height} x {width} points{}",
                    if (height, width) == (1, 1) { "; features have mlp" } else { "" }
                ));
            }
            match *stage {
                Stage::Conv { channels: outputs, kernel, stride, padding } => {
                    let (height, width) = (height + 2 * padding, width + 2 * padding);
                    if padding > 0 {
                        let pad = Pad { height: shape.height, width: shape.width, channels, padding };
                        let to = b.rows(height * width * channels);
                        rows = b.push(Kind::Pad(pad), rows, to, String::new());
                    }
                    let layer = Linear { height, width, channels, kernel, stride, outputs };
                    shape = [layer.out_height(), layer.out_width(), outputs].into();
                    let to = b.rows(shape.count());
                    b.linear(layer, None, rows, to.clone());
                    rows = b.rectified(shape, to);
                }
                Stage::MaxPool(side) | Stage::AvgPool(side) => {
                    let (out_height, out_width) = (height / side, width / side);
                    let is_max = matches!(stage, Stage::MaxPool(_));
                    shape = [out_height, out_width, channels].into();
                    let to = b.rows(shape.count());
                    let name = b.name();
                    let pool = Pool { width, channels, side, out_height, out_width, is_max };
                    rows = b.push(Kind::Pool(pool), rows, to, name);
                }
            }
            if b.part.rows > ENDS_MAX {
                return Err("its images are too large".to_owned());
            }
        }
        let mut flattened = None;
        if !spec.stages.is_empty() {
            // `nn.Flatten` has a number too.
            b.name();
            flattened = Some(shape);
        }
        let (hidden, stream) = match spec.hidden.split_last() {
            Some((&last, rest)) if spec.dueling => (rest, Some(last)),
            _ => (&*spec.hidden, None),
        };
        if let Head::Implicit { cosines } = ends.head {
            // The features before the last hidden layer meet the probability.
            let (last, before) = match hidden.split_last() {
                Some((&last, rest)) if stream.is_none() && !(rest.is_empty() && spec.stages.is_empty()) => {
                    (Some(last), rest)
                }
                _ => (None, hidden),
            };
            for &units in before {
                rows = b.hidden(rows, flattened.take(), units);
            }
            let trunk = std::mem::take(&mut b.part);
            let mut cosine_rows = b.rows(cosines);
            let (prefix, count, norm) = (std::mem::take(&mut b.prefix), b.count, b.layer_norm);
            (b.prefix, b.count, b.layer_norm) = ("quantile.".to_owned(), 0, false);
            let activation = std::mem::replace(&mut b.activation, Activation::Relu);
            cosine_rows = b.hidden(cosine_rows, None, rows.len());
            if let Some(Op { kind: Kind::Linear(weights), .. }) = b.part.ops.first_mut() {
                weights.mixed_with = flattened;
            }
            (b.prefix, b.count, b.layer_norm, b.activation) = (prefix, count, norm, activation);
            let to = b.rows(rows.len());
            let mut features = b.push(Kind::Mix { before: rows.start }, cosine_rows, to, String::new());
            if let Some(units) = last {
                features = b.hidden(features, flattened.take(), units);
            }
            b.outputs(interface, features, flattened, stream);
            b.plan.quantile = finished(std::mem::take(&mut b.part));
            b.plan.trunk = finished(trunk);
        } else {
            for &units in hidden {
                rows = b.hidden(rows, flattened.take(), units);
            }
            b.outputs(interface, rows, flattened, stream);
            b.plan.trunk = finished(std::mem::take(&mut b.part));
        }
        for free in &interface.free {
            if !(1..=ENDS_MAX).contains(&free.length) {
                return Err(format!("`{}` must have from 1 to {ENDS_MAX} numbers", free.name));
            }
            let from = b.plan.parameters;
            b.plan.parameters += free.length;
            b.plan.free.push(from..b.plan.parameters);
        }
        Ok(b.plan)
    }
}

/// Notes which operations share rows.
fn finished(mut part: Part) -> Part {
    for i in 0..part.ops.len() {
        let (before, after) = part.ops.split_at_mut(i + 1);
        let op = &mut before[i];
        op.adds = after.iter().any(|later| later.from == op.from);
        op.is_first = op.from.start == 0;
    }
    // Behind zeros around the inputs there are these, whose gradient is computed on demand too.
    if let [Op { kind: Kind::Pad(_), to, .. }, second, ..] = &mut part.ops[..] {
        second.is_first = second.from == *to;
    }
    part
}
