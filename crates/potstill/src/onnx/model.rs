//! A model of an ONNX file, as a teacher.

use super::build::PRODUCER;
use super::graph::Graph;
use super::import;
use super::op::{Norm, Op};
use super::proto::ModelProto;
use super::run::{Budget, Limits};
use super::tensor::{Data, External, Tensor};
use super::trees::PostTransform;
use potstill_nn::{Network, Workers, Workspace};
use std::fmt;

/// The meaning of a model's answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Logits: their softmax has the probabilities of the classes.
    Logits,
    /// Probabilities of the classes.
    Probabilities,
    /// Values of actions, or of a regression.
    Values,
}

/// A model of an ONNX file: a network of this crate's kernels if it is a chain of layers, and otherwise
/// evaluated operator by operator.
///
/// Rows of inputs are features; images lie point by point with the channels last, as everywhere in this
/// crate, whatever the file's order. The answers are the logits before a final softmax, if there is one.
/// Labels (`ArgMax` and maps of scikit-learn's exports) are not evaluated.
#[derive(Clone)]
pub struct Model {
    graph: Graph,
    limits: Limits,
    /// The shape of each input, without the batch.
    shapes: Vec<Vec<usize>>,
    /// Numbers of a row.
    width: usize,
    classes: usize,
    kind: Kind,
    metadata: Vec<(String, String)>,
    is_own: bool,
    /// Rows of an evaluation.
    rows: usize,
    /// The place of each number of a row, if the file has the channels first.
    order: Vec<usize>,
    network: Result<Box<Network>, String>,
    workspace: Workspace,
    values: Vec<Option<Tensor>>,
    answers: Vec<f32>,
}

/// Elements of all tensors of an evaluation, about.
const ELEMENTS: usize = 1 << 22;
/// Characters of a message, at most: a file may have names without end.
const MESSAGE_MAX: usize = 400;
/// Rows of an evaluation, at most.
const ROWS_MAX: usize = 1024;

impl Model {
    /// Reads the bytes of a file that is complete in itself.
    ///
    /// # Errors
    /// If the bytes are no ONNX file, or an operator cannot be evaluated: the reason names it.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        Self::read_with(bytes, None, Limits::default(), &mut |name, _, _| {
            Err(format!("has its data in {name}, which is to be read beside it"))
        })
    }

    /// Reads the bytes of a file: the output of this name, within these limits, and with a function that
    /// reads data in other files by their name, offset and length.
    ///
    /// # Errors
    /// As [`read`](Self::read), or if the name or the data are not there.
    pub fn read_with(
        bytes: &[u8],
        output: Option<&str>,
        limits: Limits,
        external: &mut External<'_>,
    ) -> Result<Self, String> {
        Self::read_all(bytes, output, limits, external).map_err(|reason| one_line(&reason))
    }

    fn read_all(
        bytes: &[u8],
        output: Option<&str>,
        limits: Limits,
        external: &mut External<'_>,
    ) -> Result<Self, String> {
        let proto = ModelProto::read(bytes)?;
        let mut graph = Graph::read(&proto, output, limits, external)?;
        let kind = without_tail(&mut graph);
        let shapes = input_shapes(&graph)?;
        let width = shapes
            .iter()
            .map(|shape| super::tensor::count(shape))
            .try_fold(0_usize, |sum, n| sum.checked_add(n?));
        let width =
            width.filter(|&width| width > 0 && width <= limits.elements).ok_or("its inputs are too large")?;
        // This crate's own files have the channels last, and do not always turn them.
        let is_own = proto.producer[0] == PRODUCER;
        let order = if is_own { Vec::new() } else { channels_first(&graph, &shapes) };
        let mut model = Self {
            values: vec![None; graph.constants.len()],
            graph,
            limits,
            shapes,
            width,
            classes: 0,
            kind: kind.unwrap_or(Kind::Logits),
            metadata: proto.metadata,
            is_own,
            rows: 1,
            order,
            network: Err(String::new()),
            workspace: Workspace::default(),
            answers: Vec::new(),
        };
        let rows = model.graph.batch.unwrap_or(1);
        let zeros =
            rows.checked_mul(width).filter(|&n| n <= limits.elements).ok_or("its batch is too large")?;
        let probed = model.evaluate(&vec![0.0; zeros], rows)?;
        model.classes = probed.len() / rows;
        if model.classes == 0 || !probed.len().is_multiple_of(rows) {
            let output = &model.graph.output;
            return Err(format!("its output `{output}` has shape {:?} for {rows} rows", probed.shape));
        }
        let elements: usize = model.values.iter().flatten().map(Tensor::len).sum();
        let of_values: Vec<Vec<usize>> = model
            .values
            .iter()
            .map(|value| value.as_ref().map(|value| value.shape.clone()).unwrap_or_default())
            .collect();
        model.network =
            import::network(&model.graph, &model.shapes, &of_values, rows, !model.order.is_empty())
                .map(Box::new);
        model.rows = match model.graph.batch {
            Some(rows) => rows,
            None => {
                // Some files fix the batch without saying so.
                let three = model.evaluate(&vec![0.0; 3 * width], 3);
                let is_fixed = three.is_ok_and(|answers| answers.len() == 3 * model.classes);
                if is_fixed { (ELEMENTS / elements.max(1)).clamp(1, ROWS_MAX) } else { 1 }
            }
        };
        model.values.iter_mut().for_each(|value| *value = None);
        if kind.is_none() {
            let name = model.graph.output.to_lowercase();
            model.kind = match model.graph.maker(model.graph.target).map(|step| &step.op) {
                Some(Op::Concat { .. } | Op::Normalizer(_)) => Kind::Probabilities,
                _ if name.contains("prob") => Kind::Probabilities,
                _ if model.classes == 1 || ["q_values", "values", "action"].contains(&name.as_str()) => {
                    Kind::Values
                }
                _ => Kind::Logits,
            };
        }
        Ok(model)
    }

    /// Computes the answers with these threads.
    #[must_use]
    pub fn with_workers(mut self, workers: &Workers) -> Self {
        for step in &mut self.graph.steps {
            match &mut step.op {
                Op::Dense(dense) | Op::Linear { dense, .. } => dense.share(workers),
                Op::Conv(convolution) => _ = convolution.dense().map(|dense| dense.share(workers)),
                _ => {}
            }
        }
        self.workspace = Workspace::new(workers.clone());
        self
    }

    /// Numbers of a row of inputs.
    pub fn inputs(&self) -> usize {
        self.width
    }

    /// The shape of each input as the file has it, without the batch.
    pub fn shapes(&self) -> &[Vec<usize>] {
        &self.shapes
    }

    /// The names of the inputs.
    pub fn input_names(&self) -> Vec<&str> {
        self.graph.inputs.iter().map(|input| input.name.as_str()).collect()
    }

    /// The words of each input: an input of texts takes their one-hot code, all 0 for another word; none of an input of numbers.
    pub fn levels(&self) -> Vec<&[String]> {
        self.graph.inputs.iter().map(|input| input.levels.as_slice()).collect()
    }

    /// The strictness of each input: true if it takes no other words than its [levels](Self::levels).
    pub fn takes_no_other_words(&self) -> Vec<bool> {
        self.graph.inputs.iter().map(|input| input.is_strict).collect()
    }

    /// Numbers of a row of answers: classes, actions or targets.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The classes' names, if the file has them.
    pub fn labels(&self) -> Option<&[String]> {
        self.graph.labels.iter().find(|labels| labels.len() == self.classes).map(Vec::as_slice)
    }

    /// The meaning of the answers.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns true if this crate has written the file.
    pub fn is_own(&self) -> bool {
        self.is_own
    }

    /// Keys and values that the file has about itself.
    pub fn metadata(&self) -> &[(String, String)] {
        &self.metadata
    }

    /// The answers to rows of inputs: `rows x classes` for `rows x inputs`.
    ///
    /// # Errors
    /// If the inputs are not that many, or they lead to what cannot be computed: the reason names the node.
    pub fn answers(&mut self, inputs: &[f32], rows: usize) -> Result<&[f32], String> {
        if rows.checked_mul(self.width) != Some(inputs.len()) {
            return Err(format!("rows x inputs is {rows} x {}, not {}", self.width, inputs.len()));
        }
        if rows > 0
            && let Ok(network) = &self.network
        {
            return Ok(network.predict(inputs, &mut self.workspace));
        }
        let mut answers = std::mem::take(&mut self.answers);
        answers.clear();
        for part in inputs.chunks(self.rows * self.width) {
            let rows = part.len() / self.width;
            // A fixed batch is filled up.
            let filled = if self.graph.batch.is_some() { self.rows } else { rows };
            let mut padded = part.to_vec();
            padded.resize(filled * self.width, 0.0);
            let own = self.evaluate(&padded, filled).map_err(|reason| one_line(&reason))?;
            let own = own.to_floats();
            if own.len() != filled * self.classes {
                return Err(format!("{} answers for {filled} rows of {} classes", own.len(), self.classes));
            }
            answers.extend_from_slice(&own[..rows * self.classes]);
        }
        self.answers = answers;
        Ok(&self.answers)
    }

    /// The network, which can be trained further and exported. An image lies point by point with the channels
    /// last.
    ///
    /// # Errors
    /// If the file is no chain of layers that a network can have: the reason names the first node that is
    /// none.
    pub fn to_network(&self) -> Result<Network, String> {
        self.network.as_deref().cloned().map_err(|reason| one_line(reason))
    }

    /// Computes all values for some rows.
    fn evaluate(&mut self, inputs: &[f32], rows: usize) -> Result<Tensor, String> {
        let Self { graph, shapes, values, order, width, limits, .. } = self;
        let mut budget = Budget::new(*limits, rows);
        values.iter_mut().for_each(|value| *value = None);
        let mut from = 0;
        for (input, shape) in graph.inputs.iter().zip(shapes) {
            let own: usize = shape.iter().product();
            let mut data = Vec::with_capacity(rows * own);
            for row in inputs.chunks_exact(*width) {
                let row = &row[from..from + own];
                match order.is_empty() {
                    true => data.extend_from_slice(row),
                    false => data.extend(order.iter().map(|&place| row[place])),
                }
            }
            from += own;
            let data = match input.is_integer {
                true => Data::Integers(data.into_iter().map(|value| value as i64).collect()),
                false => Data::Floats(data),
            };
            values[input.value] = Some(Tensor { shape: [&[rows], &shape[..]].concat(), data });
        }
        for step in &mut graph.steps {
            let given: Vec<Option<&Tensor>> = step
                .inputs
                .iter()
                .map(|&place| values[place?].as_ref().or(graph.constants[place?].as_ref()))
                .collect();
            let value =
                step.op.run(&given, &mut budget).map_err(|reason| format!("{} {reason}", step.about))?;
            values[step.output] = Some(value);
        }
        let target = values[graph.target].clone().or_else(|| graph.constants[graph.target].clone());
        target.ok_or_else(|| format!("nothing makes its output `{}`", graph.output))
    }
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nodes: Vec<&str> = self.graph.steps.iter().map(|step| step.about.as_str()).collect();
        f.debug_struct("Model")
            .field("inputs", &self.shapes)
            .field("classes", &self.classes)
            .field("nodes", &nodes)
            .finish()
    }
}

/// Returns true if a file that begins so may be an ONNX model: its first field is the version of the format.
#[cfg(feature = "disk")]
pub(crate) fn is_model(head: &[u8]) -> bool {
    matches!(head, [0x08, version, next, ..] if (1..=64).contains(version) && next >> 3 != 0)
}

/// A message without the line breaks and control characters of names in a file.
fn one_line(reason: &str) -> String {
    reason.chars().take(MESSAGE_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The target without a final softmax, and its meaning if that says so.
fn without_tail(graph: &mut Graph) -> Option<Kind> {
    let (mut kind, is_of_logits) = (None, graph.output == "logits");
    for _ in 0..graph.steps.len() {
        let target = graph.target;
        let Some(step) = graph.maker(target) else { break };
        let before = step.inputs.first().copied().flatten();
        if matches!(step.op, Op::Normalizer(Norm::L1)) {
            // A softmax has the sum 1 already.
            match before.and_then(|value| graph.maker(value)).map(|step| &step.op) {
                Some(Op::Linear { post: PostTransform::Softmax, .. } | Op::Softmax { .. }) => {
                    graph.target = before?;
                }
                _ => break,
            }
            continue;
        }
        match &mut step.op {
            Op::Identity | Op::CastFloat => graph.target = before?,
            // The axis of classes is the last.
            Op::Softmax { axis: 1 | -1, .. } => {
                kind = Some(Kind::Logits);
                graph.target = before?;
                break;
            }
            Op::Trees(trees) => {
                trees.transforms = !trees.has_logits();
                kind = Some(match (trees.is_classifier, trees.has_logits()) {
                    // Sums of leaves that their name says to be logits, as this crate's own files have them.
                    (false, _) if is_of_logits => Kind::Logits,
                    (false, _) => Kind::Values,
                    (true, false) if trees.has_probabilities() => Kind::Probabilities,
                    _ => Kind::Logits,
                });
                break;
            }
            Op::Linear { post, is_classifier, .. } => {
                kind = Some(match (*is_classifier, *post) {
                    (false, _) => Kind::Values,
                    (true, PostTransform::Logistic) => Kind::Probabilities,
                    (true, _) => Kind::Logits,
                });
                if *post == PostTransform::Softmax {
                    *post = PostTransform::None;
                }
                break;
            }
            _ => break,
        }
    }
    graph.prune();
    kind
}

/// The shapes of the inputs; a number of features that the file does not say is that of the first operator
/// that has one.
fn input_shapes(graph: &Graph) -> Result<Vec<Vec<usize>>, String> {
    let shape = |input: &super::graph::Input| {
        let known: Option<Vec<usize>> = input.shape.iter().copied().collect();
        let taken = |step: &super::graph::Step| {
            if step.inputs.first() != Some(&Some(input.value)) {
                return None;
            }
            match &step.op {
                Op::Dense(dense) | Op::Linear { dense, .. } => Some(dense.inputs()),
                Op::Trees(trees) => Some(trees.features),
                Op::Scaler { offset, .. } => Some(offset.len()).filter(|&n| n > 1),
                _ => None,
            }
        };
        let features = || (input.shape.len() == 1).then(|| graph.steps.iter().find_map(taken)).flatten();
        known.or_else(|| features().map(|n| vec![n])).ok_or_else(|| {
            format!(
                "its input `{}` has lengths other than the batch that it does not say; export it with them",
                input.name
            )
        })
    };
    graph.inputs.iter().map(shape).collect()
}

/// The places of a row's numbers, if the file takes images with the channels first: it does unless it turns
/// them itself.
fn channels_first(graph: &Graph, shapes: &[Vec<usize>]) -> Vec<usize> {
    let ([input], [shape]) = (&graph.inputs[..], shapes) else { return Vec::new() };
    let &[channels, height, width] = &shape[..] else { return Vec::new() };
    let mut value = input.value;
    for step in &graph.steps {
        if !step.inputs.contains(&Some(value)) {
            continue;
        }
        match &step.op {
            Op::Transpose { .. } => return Vec::new(),
            Op::Unary { .. } | Op::Binary { .. } | Op::CastFloat | Op::Identity => value = step.output,
            _ => break,
        }
    }
    if channels == 1 {
        return Vec::new();
    }
    let pixels = height * width;
    (0..channels).flat_map(|c| (0..pixels).map(move |pixel| pixel * channels + c)).collect()
}
