//! The part of a file's graph that an output needs, with constants computed.

use super::op::{Op, is_classifier};
use super::proto::{
    Attribute, Dimension, GraphProto, ModelProto, NodeProto, ValueInfo, dtype, is_default_domain,
};
use super::run::{Budget, Limits};
use super::tensor::{External, Tensor};
use std::collections::{HashMap, HashSet};

/// The oldest operators: before, broadcasting was another.
const OPSET_MIN: i64 = 7;

/// An operator, its inputs and its output by their places among the values.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) op: Op,
    pub(crate) inputs: Vec<Option<usize>>,
    pub(crate) output: usize,
    /// The node in messages.
    pub(crate) about: String,
}

/// An input of numbers.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    pub(crate) name: String,
    pub(crate) value: usize,
    /// Without the batch. `None` for a length that the file does not say.
    pub(crate) shape: Vec<Option<usize>>,
    pub(crate) is_integer: bool,
    /// The words of an input of texts, of which it takes the one-hot code; empty for numbers.
    pub(crate) levels: Vec<String>,
    /// True if these are all the words that the file takes.
    pub(crate) is_strict: bool,
}

/// The steps from some inputs to one value.
#[derive(Clone, Debug)]
pub(crate) struct Graph {
    pub(crate) inputs: Vec<Input>,
    pub(crate) steps: Vec<Step>,
    /// Known values; `None` for those that steps compute.
    pub(crate) constants: Vec<Option<Tensor>>,
    pub(crate) target: usize,
    /// The name of the output.
    pub(crate) output: String,
    /// The number of rows, if the file fixes it.
    pub(crate) batch: Option<usize>,
    /// Lists of class labels that the file has.
    pub(crate) labels: Vec<Vec<String>>,
}

/// The places of values by name.
#[derive(Default)]
struct Values {
    places: HashMap<String, usize>,
    constants: Vec<Option<Tensor>>,
}

impl Values {
    fn place(&mut self, name: &str) -> usize {
        if let Some(&place) = self.places.get(name) {
            return place;
        }
        self.places.insert(name.to_owned(), self.constants.len());
        self.constants.push(None);
        self.constants.len() - 1
    }
}

/// A node that only makes a map of what is behind it, or hands it on.
fn passed<'a>(graph: &'a GraphProto<'_>, makers: &HashMap<&str, usize>, mut name: &'a str) -> &'a str {
    for _ in 0..graph.nodes.len() {
        let Some(node) = makers.get(name).map(|&i| &graph.nodes[i]) else { break };
        match (node.op.as_str(), node.inputs.first()) {
            ("ZipMap", Some(input)) => name = input,
            _ => break,
        }
    }
    name
}

/// The name of the output of numbers, and of the value that it is.
fn chosen<'a>(
    graph: &'a GraphProto<'_>,
    makers: &HashMap<&str, usize>,
    wanted: Option<&str>,
) -> Result<(&'a str, &'a str), String> {
    let named = |name: &str| graph.outputs.iter().find(|output| output.name == name);
    let list = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if let Some(wanted) = wanted {
        let all: Vec<&str> = graph.outputs.iter().map(|output| output.name.as_str()).collect();
        let output = named(wanted)
            .ok_or_else(|| format!("it has no output `{wanted}`; its outputs are {}", list(&all)))?;
        return Ok((&output.name, passed(graph, makers, &output.name)));
    }
    let is_number = |of: i64| matches!(of, dtype::FLOAT | dtype::DOUBLE | dtype::FLOAT16 | dtype::BFLOAT16);
    let numbers: Vec<(&str, &str)> = graph
        .outputs
        .iter()
        .map(|output| (output.name.as_str(), passed(graph, makers, &output.name), output.dtype))
        .filter(|(name, value, of)| is_number(*of) || (*of == 0 && name != value))
        .map(|(name, value, _)| (name, value))
        .collect();
    let preferred = ["logits", "probabilities", "q_values", "values"];
    let by_name = preferred.iter().find_map(|wanted| numbers.iter().find(|(name, _)| name == wanted));
    match (&numbers[..], by_name) {
        ([], _) if graph.outputs.iter().any(|output| output.dtype == 0) => {
            Err("its outputs are sequences or maps; export it with zipmap=False".to_owned())
        }
        ([], _) => Err("it has no output of numbers".to_owned()),
        ([only], _) => Ok(*only),
        (_, Some(found)) => Ok(*found),
        (several, None) => {
            let of_probabilities: Vec<_> = several.iter().filter(|(name, _)| name.contains("prob")).collect();
            match of_probabilities[..] {
                [only] => Ok(*only),
                _ => {
                    let names: Vec<&str> = several.iter().map(|(name, _)| *name).collect();
                    Err(format!("it has several outputs of numbers ({}); name one", list(&names)))
                }
            }
        }
    }
}

/// The nodes that a value needs.
fn needed(graph: &GraphProto<'_>, makers: &HashMap<&str, usize>, target: &str) -> HashSet<usize> {
    let (mut nodes, mut open) = (HashSet::new(), vec![target]);
    while let Some(name) = open.pop() {
        if let Some(&i) = makers.get(name)
            && nodes.insert(i)
        {
            open.extend(graph.nodes[i].inputs.iter().filter(|name| !name.is_empty()).map(String::as_str));
        }
    }
    nodes
}

/// The encoder of a column of words, whose one-hot code is the input in its place.
struct Coded<'a> {
    words: &'a [String],
    /// True if the encoder takes no other words.
    is_strict: bool,
    /// The one-hot code.
    output: &'a str,
    /// The encoder, and the nodes before it.
    nodes: Vec<usize>,
}

/// The encoders of words by the names of their inputs of texts, which nothing else takes.
fn coded_words<'a>(graph: &'a GraphProto<'a>, nodes: &HashSet<usize>) -> HashMap<&'a str, Coded<'a>> {
    let texts = graph.inputs.iter().filter(|input| input.dtype == dtype::STRING);
    texts.filter_map(|input| Some((input.name.as_str(), coded(graph, nodes, input)?))).collect()
}

/// Nodes from an input of words to its code, at most.
const CODERS_MAX: usize = 4;

fn coded<'a>(graph: &'a GraphProto<'a>, nodes: &HashSet<usize>, input: &'a ValueInfo) -> Option<Coded<'a>> {
    if !matches!(input.shape.as_deref(), Some([_] | [_, Dimension::Length(1)])) {
        return None;
    }
    let (mut value, mut replaced) = (&input.name, Vec::new());
    for _ in 0..CODERS_MAX {
        let mut takers = nodes.iter().copied().filter(|&i| graph.nodes[i].inputs.contains(value));
        let (taker, None) = (takers.next()?, takers.next()) else { return None };
        let node = &graph.nodes[taker];
        replaced.push(taker);
        let [output] = node.outputs.as_slice() else { return None };
        if node.op == "OneHotEncoder" {
            let words = node.texts("cats_strings").filter(|words| !words.is_empty())?;
            return Some(Coded { words, is_strict: node.integer("zeros", 1) == 0, output, nodes: replaced });
        }
        if !picks_only_column(graph, node) {
            return None;
        }
        value = output;
    }
    None
}

/// Returns true if a node picks the first column, as scikit-learn's converter does before an encoder of one.
fn picks_only_column(graph: &GraphProto<'_>, node: &NodeProto<'_>) -> bool {
    let is_picker = match node.op.as_str() {
        "Gather" => matches!(node.integer("axis", 0), 1 | -1),
        op => op == "ArrayFeatureExtractor",
    };
    let index = node.inputs.get(1).and_then(|name| graph.initializers.iter().find(|own| own.name == *name));
    let is_first = index.is_some_and(|index| {
        let read = Tensor::read(index, &mut |_, _, _| Err(String::new()));
        read.is_ok_and(|read| read.shape == [1] && read.as_integers().is_ok_and(|index| index == [0]))
    });
    is_picker && is_first
}

/// Class labels that nodes have as attributes, or that an output of labels picks from.
fn labels(proto: &ModelProto<'_>) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    for (key, value) in &proto.metadata {
        if key == "classes"
            && let Ok(list) = serde_json::from_str::<Vec<String>>(value)
        {
            all.push(list);
        }
    }
    for node in &proto.graph.nodes {
        if let Some(texts) = node.texts("classlabels_strings").filter(|texts| !texts.is_empty()) {
            all.push(texts.to_vec());
        }
        let integers = node.integers("classlabels_int64s").or_else(|| node.integers("classlabels_ints"));
        if let Some(integers) = integers.filter(|integers| !integers.is_empty()) {
            all.push(integers.iter().map(ToString::to_string).collect());
        }
        if node.op == "ArrayFeatureExtractor"
            && let Some(classes) =
                proto.graph.initializers.iter().find(|tensor| node.inputs.first() == Some(&tensor.name))
        {
            if !classes.texts.is_empty() {
                all.push(classes.texts.clone());
            } else if let Ok(tensor) = Tensor::read(classes, &mut |_, _, _| Err(String::new()))
                && let Ok(integers) = tensor.as_integers()
            {
                all.push(integers.iter().map(ToString::to_string).collect());
            }
        }
    }
    all
}

impl Graph {
    /// Reads a file.
    ///
    /// # Errors
    /// If it is damaged, or the output needs what cannot be evaluated.
    pub(crate) fn read(
        proto: &ModelProto<'_>,
        wanted: Option<&str>,
        limits: Limits,
        external: &mut External<'_>,
    ) -> Result<Self, String> {
        let graph = &proto.graph;
        let opset =
            proto.opsets.iter().filter(|(domain, _)| is_default_domain(domain)).map(|(_, version)| *version);
        let opset = opset.max().unwrap_or(1);
        // A file may have operators of `ai.onnx.ml` alone.
        if opset < OPSET_MIN && graph.nodes.iter().any(|node| is_default_domain(&node.domain)) {
            return Err(format!(
                "its operators are of opset {opset}, and those from {OPSET_MIN} on are read; convert it"
            ));
        }
        let mut makers = HashMap::new();
        for (i, node) in graph.nodes.iter().enumerate() {
            for output in node.outputs.iter().filter(|output| !output.is_empty()) {
                if makers.insert(output.as_str(), i).is_some() {
                    return Err(format!("two nodes make `{output}`"));
                }
            }
        }
        let (output, target) = chosen(graph, &makers, wanted)?;
        let nodes = needed(graph, &makers, target);
        let mut values = Values::default();
        let mut budget = Budget::new(limits, 1);
        let used: HashSet<&str> =
            nodes.iter().flat_map(|&i| graph.nodes[i].inputs.iter().map(String::as_str)).collect();
        for tensor in graph.initializers.iter().filter(|tensor| used.contains(tensor.name.as_str())) {
            let place = values.place(&tensor.name);
            let read = Tensor::read(tensor, external)?;
            budget.keep(read.len()).map_err(|reason| format!("tensor `{}` {reason}", tensor.name))?;
            values.constants[place] = Some(read);
        }
        let coded = coded_words(graph, &nodes);
        let (mut inputs, mut batch) = (Vec::new(), None);
        for input in graph.inputs.iter().filter(|input| used.contains(input.name.as_str())) {
            let encoder = coded.get(input.name.as_str());
            let value = values.place(encoder.map_or(&input.name, |encoder| encoder.output));
            if values.constants[value].is_some() {
                // Old files list their initialisers as inputs too.
                continue;
            }
            let name = &input.name;
            let is_integer = match input.dtype {
                dtype::FLOAT | dtype::DOUBLE | dtype::FLOAT16 | dtype::BFLOAT16 => false,
                dtype::INT64 | dtype::INT32 | dtype::INT8 | dtype::UINT8 | dtype::BOOL => true,
                dtype::STRING if encoder.is_some() => false,
                dtype::STRING => {
                    return Err(format!(
                        "its input `{name}` takes texts, which are read as the words of one column before a \
                         OneHotEncoder alone; export it with an input for each column"
                    ));
                }
                _ => return Err(format!("its input `{name}` is no tensor of numbers")),
            };
            let Some([first, rest @ ..]) = input.shape.as_deref() else {
                return Err(format!("its input `{name}` has no shape with a batch"));
            };
            if let Dimension::Length(rows) = first {
                if batch.is_some_and(|batch| batch != *rows) {
                    return Err("its inputs have batches of different sizes".to_owned());
                }
                batch = Some(*rows);
            }
            let length = |dimension: &Dimension| match dimension {
                Dimension::Length(length) => Some(*length),
                Dimension::Symbol(_) => None,
            };
            let levels = encoder.map_or_else(Vec::new, |encoder| encoder.words.to_vec());
            let hot = (!levels.is_empty()).then_some(Some(levels.len()));
            inputs.push(Input {
                name: name.clone(),
                value,
                shape: rest.iter().map(length).chain(hot).collect(),
                is_integer,
                levels,
                is_strict: encoder.is_some_and(|encoder| encoder.is_strict),
            });
        }
        if inputs.is_empty() {
            return Err(format!("its output `{output}` depends on no input"));
        }
        let mut defined: HashSet<usize> = inputs.iter().map(|input| input.value).collect();
        let mut steps: Vec<Step> = Vec::new();
        let coders: HashSet<usize> = coded.values().flat_map(|coded| coded.nodes.iter().copied()).collect();
        let kept = graph.nodes.iter().enumerate().filter(|(i, _)| nodes.contains(i) && !coders.contains(i));
        for (_, node) in kept {
            let failed = |reason: String| format!("{} {reason}", node.about());
            let step = read_node(node, opset, &mut values, &defined, &mut budget).map_err(failed)?;
            let Some(mut step) = step else { continue };
            defined.insert(step.output);
            let given: Vec<Option<&Tensor>> =
                step.inputs.iter().map(|&place| values.constants[place?].as_ref()).collect();
            let is_constant =
                step.inputs.iter().zip(&given).all(|(place, known)| place.is_none() || known.is_some());
            if is_constant {
                let value = step.op.run(&given, &mut budget).map_err(failed)?;
                values.constants[step.output] = Some(value);
                continue;
            }
            // Their constants are in the operator.
            if matches!(step.op, Op::Dense(_) | Op::Conv(_) | Op::BatchNorm { .. }) {
                step.inputs.truncate(1);
            }
            steps.push(step);
        }
        let target = values.place(target);
        let labels = labels(proto);
        let mut read = Self {
            inputs,
            steps,
            constants: values.constants,
            target,
            output: output.to_owned(),
            batch,
            labels,
        };
        read.prune();
        Ok(read)
    }

    /// Removes steps and constants that the target does not need.
    pub(crate) fn prune(&mut self) {
        let mut wanted = vec![false; self.constants.len()];
        wanted[self.target] = true;
        let mut kept = Vec::new();
        for step in self.steps.drain(..).rev() {
            if wanted[step.output] {
                step.inputs.iter().flatten().for_each(|&place| wanted[place] = true);
                kept.push(step);
            }
        }
        kept.reverse();
        self.steps = kept;
        for (constant, wanted) in self.constants.iter_mut().zip(wanted) {
            if !wanted {
                *constant = None;
            }
        }
    }

    /// The step that makes a value: the last one, for a target.
    pub(crate) fn maker(&mut self, value: usize) -> Option<&mut Step> {
        self.steps.iter_mut().rev().find(|step| step.output == value)
    }
}

/// The step of a node; `None` for a constant, which is noted.
fn read_node(
    node: &NodeProto<'_>,
    opset: i64,
    values: &mut Values,
    defined: &HashSet<usize>,
    budget: &mut Budget,
) -> Result<Option<Step>, String> {
    let scores = usize::from(node.domain == "ai.onnx.ml" && is_classifier(&node.op));
    let output = node.outputs.get(scores).filter(|name| !name.is_empty()).ok_or("has no output")?;
    let inputs: Vec<Option<usize>> =
        node.inputs.iter().map(|name| (!name.is_empty()).then(|| values.place(name))).collect();
    for (place, name) in inputs.iter().zip(&node.inputs) {
        if let Some(place) = place
            && !defined.contains(place)
            && values.constants[*place].is_none()
        {
            return Err(format!("takes `{name}`, which nothing before it makes"));
        }
    }
    let output = values.place(output);
    if node.op == "Constant" && is_default_domain(&node.domain) {
        let value = match node.attributes.first() {
            Some((_, Attribute::Tensor(tensor))) => {
                Tensor::read(tensor, &mut |_, _, _| Err("lies in another file".to_owned()))?
            }
            Some((_, Attribute::Float(value))) => Tensor::floats(Vec::new(), vec![*value]),
            Some((_, Attribute::Integer(value))) => Tensor::integers(Vec::new(), vec![*value]),
            Some((_, Attribute::Floats(list))) => Tensor::floats(vec![list.len()], list.clone()),
            Some((_, Attribute::Integers(list))) => Tensor::integers(vec![list.len()], list.clone()),
            _ => return Err("holds no numbers".to_owned()),
        };
        values.constants[output] = Some(value);
        return Ok(None);
    }
    let known: Vec<Option<&Tensor>> = inputs.iter().map(|&place| values.constants[place?].as_ref()).collect();
    // An operator may have its own copy of its constants.
    known.iter().flatten().try_for_each(|constant| budget.keep(constant.len()))?;
    let op = Op::read(node, opset, &known)?;
    Ok(Some(Step { op, inputs, output, about: node.about() }))
}
