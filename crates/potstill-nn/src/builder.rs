//! The plan of a network from its specification and interface.

use crate::interface::{Head, Inputs, Interface};
use crate::linear::Linear;
use crate::plan::{BatchNorm, Kind, Op, Pad, Part, Plan, Pool, Weights};
use crate::spec::{Activation, NetworkSpec};
use crate::stage::Stage;
use std::ops::Range;

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
    batch_norm: bool,
    batch_renorm: bool,
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

    /// A linear operation; one that is `hidden` has a nonlinearity behind it.
    fn linear(
        &mut self,
        (name, is_hidden): (String, bool),
        layer: Linear,
        flattened: Option<Inputs>,
        from: Range<usize>,
        to: Range<usize>,
    ) {
        let noisy = self.noisy && layer.kernel == 1 && layer.points() == 1;
        let noise = noisy.then_some(self.plan.noise);
        let has_biases = !(is_hidden && self.batch_norm);
        let offset = self.plan.parameters;
        let weights = Weights { layer, offset, has_biases, noise, flattened, mixed_with: None };
        self.plan.parameters += weights.length() * if noisy { 2 } else { 1 };
        if noisy {
            self.plan.noise += layer.patch() + layer.outputs;
        }
        self.push(Kind::Linear(weights), from, to, name);
    }

    /// Normalisation, if there is any; `name` gives its name.
    fn normalised(
        &mut self,
        name: impl FnOnce(&mut Self) -> String,
        shape: Inputs,
        rows: Range<usize>,
    ) -> Range<usize> {
        if !(self.layer_norm || self.batch_norm) {
            return rows;
        }
        let to = self.rows(rows.len());
        let kind = if self.layer_norm {
            let offset = self.plan.parameters;
            self.plan.parameters += 2 * rows.len();
            Kind::Norm { offset, stats: self.rows(2).start, shape }
        } else {
            self.batch_norm(shape.channels, false)
        };
        let name = name(self);
        self.push(kind, rows, to, name)
    }

    /// Batch normalisation of so many channels, or renormalisation.
    fn batch_norm(&mut self, channels: usize, is_renorm: bool) -> Kind {
        let (offset, stats) = (self.plan.parameters, self.plan.statistics);
        self.plan.parameters += 2 * channels;
        self.plan.statistics += 2 * channels;
        Kind::BatchNorm(BatchNorm { channels, offset, stats, is_renorm })
    }

    /// Batch renormalisation of the inputs of a dense layer, if there is any.
    fn renormalised(&mut self, rows: Range<usize>) -> Range<usize> {
        if !self.batch_renorm {
            return rows;
        }
        let (to, kind) = (self.rows(rows.len()), self.batch_norm(rows.len(), true));
        let name = self.name();
        self.push(kind, rows, to, name)
    }

    /// The nonlinearity.
    fn activated(&mut self, name: String, shape: Inputs, rows: Range<usize>) -> Range<usize> {
        let to = self.rows(rows.len());
        self.push(Kind::Activation(self.activation, shape), rows, to, name)
    }

    /// Normalisation, if there is any, and the nonlinearity.
    fn rectified(&mut self, shape: Inputs, rows: Range<usize>) -> Range<usize> {
        let rows = self.normalised(Self::name, shape, rows);
        let name = self.name();
        self.activated(name, shape, rows)
    }

    /// A dense hidden layer.
    fn hidden(&mut self, from: Range<usize>, flattened: Option<Inputs>, units: usize) -> Range<usize> {
        let from = self.renormalised(from);
        let to = self.rows(units);
        let name = self.name();
        self.linear((name, true), Linear::dense(from.len(), units), flattened, from, to.clone());
        self.rectified(units.into(), to)
    }

    /// A convolution without its nonlinearity: the shape of its outputs, and their rows.
    fn convolution(
        &mut self,
        name: impl FnOnce(&mut Self) -> String,
        (shape, mut rows): (Inputs, Range<usize>),
        (outputs, kernel, stride, padding): (usize, usize, usize, usize),
    ) -> (Inputs, Range<usize>) {
        let Inputs { height, width, channels, .. } = shape;
        let (high, wide) = (height + 2 * padding, width + 2 * padding);
        if padding > 0 {
            let to = self.rows(high * wide * channels);
            let pad = Pad { height, width, channels, padding };
            rows = self.push(Kind::Pad(pad), rows, to, String::new());
        }
        let layer = Linear { height: high, width: wide, channels, kernel, stride, outputs };
        let shape = Inputs::from([layer.out_height(), layer.out_width(), outputs]);
        let to = self.rows(shape.count());
        let name = name(self);
        self.linear((name, true), layer, None, rows, to.clone());
        (shape, to)
    }

    /// A residual block, with the names of PyTorch's `BasicBlock`.
    fn residual(
        &mut self,
        (shape, rows): (Inputs, Range<usize>),
        (channels, stride): (usize, usize),
    ) -> (Inputs, Range<usize>) {
        let block = self.name();
        let name = |part: &str| {
            let name = format!("{block}.{part}");
            move |_: &mut Self| name
        };
        let first = (channels, 3, stride, 1);
        let (inner, mut units) = self.convolution(name("conv1"), (shape, rows.clone()), first);
        units = self.normalised(name("bn1"), inner, units);
        units = self.activated(format!("{block}.relu"), inner, units);
        let (to_shape, mut sum) = self.convolution(name("conv2"), (inner, units), (channels, 3, 1, 1));
        sum = self.normalised(name("bn2"), to_shape, sum);
        let mut other = rows;
        if to_shape != shape {
            let (_, projected) =
                self.convolution(name("downsample.0"), (shape, other), (channels, 1, stride, 0));
            other = self.normalised(name("downsample.1"), to_shape, projected);
        }
        let to = self.rows(sum.len());
        let sum = self.push(Kind::Add { other: other.start, adds: false }, sum, to, String::new());
        (to_shape, self.activated(block, to_shape, sum))
    }

    /// A layer over an image.
    fn stage(
        &mut self,
        stage: Stage,
        (shape, rows): (Inputs, Range<usize>),
    ) -> Result<(Inputs, Range<usize>), String> {
        let Inputs { height, width, channels, .. } = shape;
        let is_point = (height, width) == (1, 1);
        let (window, padding) = (stage.window(height, width), stage.padding());
        let is_wide = window[0] > height + 2 * padding || window[1] > width + 2 * padding;
        // What is one point wide cannot be halved.
        let is_halved = matches!(stage, Stage::Residual { stride, .. } if stride > height || stride > width);
        if is_wide || is_halved {
            return Err(format!(
                "`{stage}` does not fit into an image of {height} x {width} points{}",
                if is_point { "; features have mlp" } else { "" }
            ));
        }
        Ok(match stage {
            Stage::Conv { channels, kernel, stride, padding } => {
                let form = (channels, kernel, stride, padding);
                let (shape, to) = self.convolution(Self::name, (shape, rows), form);
                (shape, self.rectified(shape, to))
            }
            Stage::Residual { channels, stride } => self.residual((shape, rows), (channels, stride)),
            Stage::MaxPool(_) | Stage::AvgPool(_) | Stage::GlobalAvgPool => {
                let (out_height, out_width) = (height / window[0], width / window[1]);
                let is_max = matches!(stage, Stage::MaxPool(_));
                let shape = Inputs::from([out_height, out_width, channels]);
                let to = self.rows(shape.count());
                let name = self.name();
                let pool = Pool { width, channels, window, out_height, out_width, is_max };
                (shape, self.push(Kind::Pool(pool), rows, to, name))
            }
        })
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
        let from = self.renormalised(from);
        if !heads.is_empty() {
            for head in heads {
                let to = self.rows(head.outputs);
                let layer = Linear::dense(from.len(), head.outputs);
                self.linear((head.name.clone(), false), layer, flattened, from.clone(), to.clone());
                self.mark_output();
                self.plan.heads.push(to);
            }
            return;
        }
        let Some(hidden) = hidden else {
            let to = self.rows(ends.outputs());
            let name = self.name();
            self.linear((name, false), Linear::dense(from.len(), to.len()), flattened, from, to.clone());
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
            let name = self.name();
            self.linear((name, false), Linear::dense(units.len(), outputs), None, units, to);
            self.mark_output();
        }
        let to = self.rows(ends.outputs());
        let kind = Kind::Dueling { choices: ends.choices, atoms };
        self.push(kind, both, to.clone(), String::new());
        self.plan.heads.push(to);
    }
}

impl Plan {
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
        let is_alone = !spec.layer_norm && !spec.noisy && !matches!(ends.head, Head::Implicit { .. });
        if spec.batch_norm && !is_alone {
            let reason = "batchnorm cannot be beside layernorm, noisy, or quantiles at probabilities that are asked for";
            return Err(reason.to_owned());
        }
        if spec.batch_renorm.is_some()
            && (!is_alone || spec.batch_norm || spec.dueling || !spec.stages.is_empty())
        {
            let reason = "batchrenorm is of dense layers: it cannot be beside convolutions, layernorm, \
                          batchnorm, dueling, noisy, or quantiles at probabilities that are asked for";
            return Err(reason.to_owned());
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
            batch_norm: spec.batch_norm,
            batch_renorm: spec.batch_renorm.is_some(),
            activation: spec.activation,
            prefix: String::new(),
            count: 0,
        };
        let mut shape = Inputs::from([height, width, frames * channels]);
        let mut rows = b.rows(shape.count());
        let has_blocks = spec.stages.iter().any(|stage| matches!(stage, Stage::Residual { .. }));
        if has_blocks && shape.height * shape.width == 1 {
            return Err("it learns images, and these are features; features have mlp".to_owned());
        }
        for &stage in &spec.stages {
            let (side, is_image) = (Stage::smallest_side(&spec.stages), height * width > 1);
            (shape, rows) = b.stage(stage, (shape, rows)).map_err(|reason| match side {
                Some(side) if is_image => format!(
                    "{reason}: its layers need {side} x {side} points at least, the image has {height} x {width}; \
                     enlarge it, or write smaller layers, such as cnn:16x3,128"
                ),
                _ => reason,
            })?;
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
        let is_taken = |rows: &Range<usize>| {
            after.iter().any(|later| {
                let skips = matches!(later.kind, Kind::Add { other, .. } if other == rows.start);
                later.from == *rows || skips
            })
        };
        op.adds = is_taken(&op.from);
        op.is_first = op.from.start == 0;
        if let Kind::Add { other, adds } = &mut op.kind {
            *adds = is_taken(&(*other..*other + op.from.len()));
        }
    }
    // Behind zeros around the inputs there are these, whose gradient is computed on demand too.
    if let [Op { kind: Kind::Pad(_), to, .. }, second, ..] = &mut part.ops[..] {
        second.is_first = second.from == *to;
    }
    let is_norm = |i: &usize| matches!(part.ops[*i].kind, Kind::BatchNorm(_));
    part.batch_norms = (0..part.ops.len()).filter(is_norm).collect();
    part
}
