//! ONNX: a graph of operators for the runtimes of other languages and devices.
//!
//! Operators of opset 17, the first dimension symbolic, initialisers under PyTorch's names in PyTorch's
//! layout.
//!
//! | model | input | outputs |
//! |---|---|---|
//! | classifier | `input`: features, or rows, columns and channels of an image; with words each column by its name | `logits`, `probabilities`, `label` |
//! | regression | the same | `value` |
//! | network of action values | `observation` | `q_values`, `action` |
//! | policy for a box of actions | `observation` | `action` |
//! | linear model of tiles | `observation` | `q_values`, `action` |
//! | table | `state` (integers) | `q_values`, `action`; `values` if it has one per state |
//!
//! Distributions over values become their means, as when the policy acts: of 32 quantiles for an implicit
//! one. Noisy layers are their means; batch normalisations are folded into the layers before them. `label` and `action` are the first of equal maxima, as here. The
//! metadata hold what [`About`] says.
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::export::{About, Purpose, onnx};
//! use potstill::model::Model;
//! use potstill::nn::{NetworkSpec, Workspace};
//!
//! let spec: NetworkSpec = "mlp:8:gelu".parse()?;
//! let network = spec.build(4, 3, &mut Streams::new(1).stream("initialisation"));
//! let about = About { purpose: Purpose::Classes, ..About::default() };
//! let bytes = onnx::write(&Model::Network(network.clone()), &about);
//! // It reads back as the network that it was.
//! let read = potstill::onnx::Model::read(&bytes)?;
//! let inputs = [0.1, -0.2, 0.3, 0.4];
//! let mut workspace = Workspace::default();
//! let again = read.to_network()?;
//! let logits = network.predict(&inputs, &mut workspace).to_vec();
//! assert!(logits.iter().zip(again.predict(&inputs, &mut workspace)).all(|(a, b)| (a - b).abs() < 1e-6));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use super::exporter::{About, Exporter, Purpose};
use crate::data::Preprocessing;
use crate::data::preprocessing::{Encoding, Scaling};
use crate::model::{ControlPolicy, DecisionTree, LinearModel, Model, Predictor, QTable, TreeNode};
use crate::onnx::{ElementType, GraphBuilder, Setting};
use potstill_nn::spec::Stage;
use potstill_nn::{Activation, Head, Inputs, Network, NetworkSpec, TAUS, Tensor};
use serde_json::json;

/// The format as one of the [list](super::EXPORTERS).
#[derive(Clone, Copy, Debug)]
pub struct Onnx;

impl Exporter for Onnx {
    fn name(&self) -> &'static str {
        "onnx"
    }

    fn extension(&self) -> &'static str {
        "onnx"
    }

    fn summary(&self) -> &'static str {
        "a graph for ONNX runtimes, with labels or actions as outputs"
    }

    fn takes(&self, model: &Model) -> Result<(), String> {
        let network = match model {
            Model::Table(_) | Model::Linear(_) => return Ok(()),
            Model::Network(network) => network,
            Model::Control(policy) => policy.network(),
            Model::Predictor(predictor) => {
                takes_rows(predictor.preprocessing())?;
                let Some(network) = predictor.network() else { return Ok(()) };
                network
            }
        };
        match network.interface().free.first() {
            None => Ok(()),
            Some(free) => Err(format!(
                "its parameters `{}` belong to no layer, and have no place in the graph",
                free.name
            )),
        }
    }

    fn write(&self, model: &Model, about: &About) -> Vec<u8> {
        write(model, about)
    }
}

/// Serialises a model to the bytes of a file. The model is one that the format [takes](Exporter::takes).
pub fn write(model: &Model, about: &About) -> Vec<u8> {
    write_behind(model, about, |graph| match model {
        Model::Table(_) => graph.input("state", ElementType::Integer, &[]),
        Model::Linear(linear) => {
            graph.input("observation", ElementType::Float, &[linear.coder().bounds().len()])
        }
        Model::Network(network) => network_input(graph, network, about.purpose),
        Model::Control(policy) => network_input(graph, policy.network(), Purpose::Values),
        Model::Predictor(predictor) => {
            let rows = rows_input(graph, predictor.preprocessing());
            match predictor.network().map(|network| network.ends().inputs) {
                // A network of dense layers takes an image as a vector, and so does a tree.
                Some(Inputs { height: 1, width: 1, channels, .. }) => {
                    graph.reshape(&rows, &[-1, channels as i64])
                }
                None => graph.reshape(&rows, &[-1, predictor.input_count() as i64]),
                Some(_) => rows,
            }
        }
    })
}

/// The same behind a preprocessing that is part of the graph: `inputs` declares the inputs of the file, adds
/// the nodes that make of them what the model takes, and returns that value.
///
/// ```
/// use potstill::core::Streams;
/// use potstill::export::{About, Purpose, onnx};
/// use potstill::model::Model;
/// use potstill::nn::NetworkSpec;
/// use potstill::onnx::{ElementType, Kind};
///
/// let network = NetworkSpec::mlp(&[]).build(2, 3, &mut Streams::new(1).stream("initialisation"));
/// let about = About { purpose: Purpose::Classes, ..About::default() };
/// // Raw numbers are standardised inside the file.
/// let bytes = onnx::write_behind(&Model::Network(network), &about, |graph| {
///     let raw = graph.input("input", ElementType::Float, &[2]);
///     let mean = graph.floats("preprocessing.mean", &[2], &[10.0, 20.0]);
///     let deviation = graph.floats("preprocessing.deviation", &[2], &[2.0, 4.0]);
///     let centred = graph.node("Sub", &[&raw, &mean], &[]);
///     graph.node("Div", &[&centred, &deviation], &[])
/// });
/// let read = potstill::onnx::Model::read(&bytes)?;
/// assert_eq!((read.inputs(), read.classes(), read.kind()), (2, 3, Kind::Logits));
/// # Ok::<(), String>(())
/// ```
pub fn write_behind(
    model: &Model,
    about: &About,
    inputs: impl FnOnce(&mut GraphBuilder) -> String,
) -> Vec<u8> {
    let mut graph = GraphBuilder::new("potstill");
    let x = inputs(&mut graph);
    match model {
        Model::Table(table) => write_table(&mut graph, table, &x),
        Model::Linear(linear) => write_linear(&mut graph, linear, &x),
        Model::Network(network) => write_network(&mut graph, network, about.purpose, &x),
        Model::Control(policy) => write_control(&mut graph, policy, &x),
        Model::Predictor(predictor) => write_predictor(&mut graph, predictor, &x),
    }
    let mut metadata = about.metadata.clone();
    if let Model::Predictor(predictor) = model {
        let columns: Vec<&str> = predictor.preprocessing().inputs().iter().map(Encoding::column).collect();
        metadata.push(("columns".to_owned(), json!(columns).to_string()));
        metadata.push(("classes".to_owned(), json!(predictor.preprocessing().classes()).to_string()));
    }
    graph.finish(&metadata)
}

/// The logits of a classifier with its classes, or the value of a regression.
fn write_predictor(graph: &mut GraphBuilder, predictor: &Predictor, x: &str) {
    let is_of_classes = !predictor.preprocessing().classes().is_empty();
    let outputs = match (predictor.network(), predictor.tree()) {
        (Some(network), _) if is_of_classes => return write_network(graph, network, Purpose::Classes, x),
        (Some(network), _) => {
            let network = network.without_batch_norm();
            let mut walk = Walk::new(graph, &network);
            let features = walk.trunk(x);
            walk.outputs(&features)
        }
        (None, Some(tree)) => write_tree(graph, tree, x),
        (None, None) => unreachable!("a predictor is a network or a tree"),
    };
    match is_of_classes {
        true => write_classes(graph, &outputs, predictor.preprocessing().classes().len()),
        false => write_value(graph, predictor.preprocessing(), &outputs),
    }
}

/// The outputs of a decision tree. The tree has an operator of its own, whose leaves add to each output.
fn write_tree(graph: &mut GraphBuilder, tree: &DecisionTree, x: &str) -> String {
    let nodes = tree.nodes();
    let ids: Vec<i64> = (0..nodes.len() as i64).collect();
    let split = |node: &TreeNode| match node {
        TreeNode::Split { feature, threshold, next } => (*feature as i64, *threshold, next.map(|n| n as i64)),
        TreeNode::Leaf { .. } => (0, 0.0, [0, 0]),
    };
    let modes = nodes.iter().map(|node| match node {
        TreeNode::Split { .. } => "BRANCH_LEQ".to_owned(),
        TreeNode::Leaf { .. } => "LEAF".to_owned(),
    });
    let splits: Vec<(i64, f32, [i64; 2])> = nodes.iter().map(split).collect();
    let leaves = nodes.iter().zip(&ids).flat_map(|(node, &id)| match node {
        TreeNode::Leaf { outputs } => outputs.iter().enumerate().map(|(i, &x)| (id, i as i64, x)).collect(),
        TreeNode::Split { .. } => Vec::new(),
    });
    let leaves: Vec<(i64, i64, f32)> = leaves.collect();
    let integers = |list: Vec<i64>| Setting::Integers(list);
    let settings = [
        ("n_targets", integer(tree.outputs() as i64)),
        ("nodes_treeids", integers(vec![0; nodes.len()])),
        ("nodes_nodeids", integers(ids.clone())),
        ("nodes_featureids", integers(splits.iter().map(|split| split.0).collect())),
        ("nodes_values", Setting::Floats(splits.iter().map(|split| split.1).collect())),
        ("nodes_modes", Setting::Texts(modes.collect())),
        ("nodes_truenodeids", integers(splits.iter().map(|split| split.2[0]).collect())),
        ("nodes_falsenodeids", integers(splits.iter().map(|split| split.2[1]).collect())),
        ("target_treeids", integers(vec![0; leaves.len()])),
        ("target_nodeids", integers(leaves.iter().map(|leaf| leaf.0).collect())),
        ("target_ids", integers(leaves.iter().map(|leaf| leaf.1).collect())),
        ("target_weights", Setting::Floats(leaves.iter().map(|leaf| leaf.2).collect())),
    ];
    graph.node("ai.onnx.ml.TreeEnsembleRegressor", &[x], &settings)
}

/// The value of a regression in the unit of the data, as `value`, `batch x 1`.
fn write_value(graph: &mut GraphBuilder, preprocessing: &Preprocessing, outputs: &str) {
    let center = preprocessing.value(0.0);
    let mean = graph.doubles("target.mean", &[], &[center]);
    let deviation = graph.doubles("target.deviation", &[], &[preprocessing.value(1.0) - center]);
    let wide = graph.node("Cast", &[outputs], &[("to", integer(11))]);
    let spread = graph.node("Mul", &[&wide, &deviation], &[]);
    let value = graph.node("Add", &[&spread, &mean], &[]);
    let value = graph.node("Cast", &[&value], &[("to", integer(1))]);
    graph.output(&value, "value", ElementType::Float, &[1]);
}

/// Checks that rows of these columns can be the inputs of a graph: numbers and words, one vector, or one image or array.
fn takes_rows(preprocessing: &Preprocessing) -> Result<(), String> {
    for encoding in preprocessing.inputs() {
        if let Encoding::Text { column } = encoding {
            return Err(format!(
                "its column `{column}` has texts, and no standard operator of ONNX hashes their n-grams; export it to safetensors"
            ));
        }
    }
    let is_single =
        |encoding: &Encoding| matches!(encoding, Encoding::Number { .. } | Encoding::Category { .. });
    match preprocessing.inputs() {
        [_] => Ok(()),
        several if several.iter().all(is_single) => Ok(()),
        _ => Err("its columns are images or arrays beside others; one alone can be the input of a graph"
            .to_owned()),
    }
}

/// The raw rows as the inputs of a graph, and the nodes that encode them: numbers in the order of the columns, or an image of bytes
/// as numbers, in the input `input`. With words among them each column is an input of its own name, `batch x 1`.
fn rows_input(graph: &mut GraphBuilder, preprocessing: &Preprocessing) -> String {
    let is_of_words = |encoding: &Encoding| matches!(encoding, Encoding::Category { .. });
    if preprocessing.inputs().iter().any(is_of_words) {
        return column_inputs(graph, preprocessing);
    }
    let mut scaling = Vec::new();
    for encoding in preprocessing.inputs() {
        match encoding {
            Encoding::Number { scaling: one, .. } => scaling.push(*one),
            Encoding::Array { scaling: all, .. } => scaling.extend_from_slice(all),
            Encoding::Image { white, .. } => {
                scaling.push(Scaling { mean: 0.0, deviation: f64::from(*white) });
            }
            Encoding::Category { .. } => unreachable!("encoded column by column"),
            Encoding::Text { .. } => unreachable!("refused before"),
        }
    }
    let shape = preprocessing.shape();
    let shape: &[usize] = if shape[..2] == [1, 1] { &shape[2..] } else { &shape };
    let raw = graph.input("input", ElementType::Float, shape);
    match scaling.is_empty() {
        true => raw,
        false => scaled(graph, &raw, "preprocessing", &scaling),
    }
}

/// Numbers and words, each column an input: `batch x 1` numbers, or `batch x 1` texts that become one-hot.
fn column_inputs(graph: &mut GraphBuilder, preprocessing: &Preprocessing) -> String {
    let mut parts = Vec::new();
    for (i, encoding) in preprocessing.inputs().iter().enumerate() {
        parts.push(match encoding {
            Encoding::Category { column, levels } => {
                let words = graph.input(column, ElementType::Text, &[1]);
                let levels_of = [("cats_strings", Setting::Texts(levels.clone())), ("zeros", integer(1))];
                let hot = graph.node("ai.onnx.ml.OneHotEncoder", &[&words], &levels_of);
                graph.reshape(&hot, &[-1, levels.len() as i64])
            }
            Encoding::Number { column, scaling } => {
                let numbers = graph.input(column, ElementType::Float, &[1]);
                scaled(graph, &numbers, &format!("preprocessing.{i}"), &[*scaling])
            }
            Encoding::Image { .. } | Encoding::Array { .. } | Encoding::Text { .. } => {
                unreachable!("refused before")
            }
        });
    }
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match parts.as_slice() {
        [one] => (*one).to_owned(),
        several => graph.node("Concat", several, &[("axis", integer(1))]),
    }
}

/// Numbers scaled in double precision, as in training; a missing one, NaN, becomes the mean. The constants have this prefix.
fn scaled(graph: &mut GraphBuilder, raw: &str, prefix: &str, scaling: &[Scaling]) -> String {
    let sides: &[usize] = if scaling.len() == 1 { &[] } else { &[scaling.len()] };
    let means: Vec<f64> = scaling.iter().map(|scaling| scaling.mean).collect();
    let deviations: Vec<f64> = scaling.iter().map(|scaling| scaling.deviation).collect();
    let means = graph.doubles(&format!("{prefix}.mean"), sides, &means);
    let deviations = graph.doubles(&format!("{prefix}.deviation"), sides, &deviations);
    let wide = graph.node("Cast", &[raw], &[("to", integer(11))]);
    let centred = graph.node("Sub", &[&wide, &means], &[]);
    let scaled = graph.node("Div", &[&centred, &deviations], &[]);
    // What is not a number is not equal to itself.
    let present = graph.node("Equal", &[&scaled, &scaled], &[]);
    let zero = graph.doubles("preprocessing.missing", &[], &[0.0]);
    let filled = graph.node("Where", &[&present, &scaled, &zero], &[]);
    graph.node("Cast", &[&filled], &[("to", integer(1))])
}

/// The input of a network as its observations are: frames (if there are several), rows, columns, channels.
fn network_input(graph: &mut GraphBuilder, network: &Network, purpose: Purpose) -> String {
    let Inputs { frames, height, width, channels } = network.ends().inputs;
    let shape = match (frames, height * width) {
        (1, 1) => vec![channels],
        (1, _) => vec![height, width, channels],
        _ => vec![frames, height, width, channels],
    };
    let name = if purpose == Purpose::Classes { "input" } else { "observation" };
    graph.input(name, ElementType::Float, &shape)
}

fn integer(value: i64) -> Setting {
    Setting::Integer(value)
}

/// The first of the greatest values of each row.
fn write_best(graph: &mut GraphBuilder, values: &str, name: &str) {
    let settings = [("axis", integer(1)), ("keepdims", integer(0)), ("select_last_index", integer(0))];
    let best = graph.node("ArgMax", &[values], &settings);
    graph.output(&best, name, ElementType::Integer, &[]);
}

fn write_table(graph: &mut GraphBuilder, table: &QTable, state: &str) {
    let actions = table.actions();
    let q = graph.doubles("q", &[table.states(), actions], table.values());
    let row = graph.node("Gather", &[&q, state], &[("axis", integer(0))]);
    write_values(graph, &row, actions);
}

/// Values in double precision, which decide on the action before they are rounded.
fn write_values(graph: &mut GraphBuilder, values: &str, actions: usize) {
    let rounded = graph.node("Cast", &[values], &[("to", integer(1))]);
    let name = if actions == 1 { "values" } else { "q_values" };
    graph.output(&rounded, name, ElementType::Float, &[actions]);
    if actions > 1 {
        write_best(graph, values, "action");
    }
}

/// Tile coding in integers and the sum of the active weights, as [`crate::tile_coding`] computes them.
fn write_linear(graph: &mut GraphBuilder, linear: &LinearModel, x: &str) {
    let (coder, actions) = (linear.coder(), linear.actions());
    let (tiles, tilings, features) = (coder.tiles(), coder.tilings(), coder.features());
    let dimensions = coder.bounds().len();
    let parts = tiles * tilings;
    let (low, width): (Vec<f64>, Vec<f64>) =
        coder.bounds().iter().map(|(low, high)| (*low, high - low)).unzip();
    let x = graph.node("Cast", &[x], &[("to", integer(11))]);
    let low = graph.doubles("tiles.low", &[dimensions], &low);
    let width = graph.doubles("tiles.width", &[dimensions], &width);
    let count = graph.doubles("tiles.parts", &[], &[parts as f64]);
    let x = graph.node("Sub", &[&x, &low], &[]);
    let x = graph.node("Mul", &[&x, &count], &[]);
    let x = graph.node("Div", &[&x, &width], &[]);
    let zero = graph.doubles("tiles.first", &[], &[0.0]);
    let x = graph.node("Clip", &[&x, &zero, &count], &[]);
    let x = graph.node("Cast", &[&x], &[("to", integer(7))]);
    let x = graph.reshape(&x, &[-1, 1, dimensions as i64]);
    // Each tiling's displacement, its tiles, and the number of its tile.
    let displacements: Vec<i64> = (0..tilings)
        .flat_map(|tiling| (0..dimensions).map(move |i| (tiling * (1 + 2 * i) % tilings) as i64))
        .collect();
    let places: Vec<i64> = (0..dimensions).rev().map(|i| ((tiles + 1) as i64).pow(i as u32)).collect();
    let first: Vec<i64> = (0..tilings).map(|tiling| (tiling * (features / tilings)) as i64).collect();
    let displacements = graph.integers("tiles.displacements", &[tilings, dimensions], &displacements);
    let x = graph.node("Add", &[&x, &displacements], &[]);
    let count = graph.integers("tiles.tilings", &[], &[tilings as i64]);
    let x = graph.node("Div", &[&x, &count], &[]);
    let places = graph.integers("tiles.places", &[dimensions], &places);
    let x = graph.node("Mul", &[&x, &places], &[]);
    let last = graph.integers("axis_2", &[1], &[2]);
    let x = graph.node("ReduceSum", &[&x, &last], &[("keepdims", integer(0))]);
    let first = graph.integers("tiles.offsets", &[tilings], &first);
    let x = graph.node("Add", &[&x, &first], &[]);
    let weights: Vec<f64> = (0..features)
        .flat_map(|feature| (0..actions).map(move |action| (feature, action)))
        .map(|(feature, action)| linear.weights()[linear.index(action, feature)])
        .collect();
    let weights = graph.doubles("w", &[features, actions], &weights);
    let active = graph.node("Gather", &[&weights, &x], &[("axis", integer(0))]);
    let axis = graph.integers("axis_1", &[1], &[1]);
    let values = graph.node("ReduceSum", &[&active, &axis], &[("keepdims", integer(0))]);
    write_values(graph, &values, actions);
}

fn write_network(graph: &mut GraphBuilder, network: &Network, purpose: Purpose, x: &str) {
    let network = &network.without_batch_norm();
    let mut walk = Walk::new(graph, network);
    let features = walk.trunk(x);
    let heads = &network.interface().heads;
    if !heads.is_empty() {
        for head in heads {
            let outputs = walk.dense(&head.name, &features);
            walk.graph.output(&outputs, &head.name, ElementType::Float, &[head.outputs]);
        }
        return;
    }
    let outputs = walk.outputs(&features);
    let choices = network.ends().choices;
    if purpose == Purpose::Values {
        graph.output(&outputs, "q_values", ElementType::Float, &[choices]);
        return write_best(graph, &outputs, "action");
    }
    write_classes(graph, &outputs, choices);
}

/// Logits, probabilities and the class.
fn write_classes(graph: &mut GraphBuilder, logits: &str, classes: usize) {
    graph.output(logits, "logits", ElementType::Float, &[classes]);
    let probabilities = graph.node("Softmax", &[logits], &[("axis", integer(1))]);
    graph.output(&probabilities, "probabilities", ElementType::Float, &[classes]);
    write_best(graph, logits, "label");
}

/// `low + (high - low) (tanh(y) + 1) / 2`, within the box.
fn write_control(graph: &mut GraphBuilder, policy: &ControlPolicy, x: &str) {
    let network = policy.network().without_batch_norm();
    let mut walk = Walk::new(graph, &network);
    let features = walk.trunk(x);
    let y = walk.outputs(&features);
    let n = policy.low().len();
    let y = graph.node("Tanh", &[&y], &[]);
    let one = graph.floats("action.one", &[], &[1.0]);
    let y = graph.node("Add", &[&y, &one], &[]);
    let half: Vec<f32> =
        policy.low().iter().zip(policy.high()).map(|(low, high)| 0.5 * (high - low)).collect();
    let half = graph.floats("action.half_width", &[n], &half);
    let y = graph.node("Mul", &[&y, &half], &[]);
    let low = graph.floats("action.low", &[n], policy.low());
    let high = graph.floats("action.high", &[n], policy.high());
    let y = graph.node("Add", &[&y, &low], &[]);
    let y = graph.node("Max", &[&y, &low], &[]);
    let y = graph.node("Min", &[&y, &high], &[]);
    graph.output(&y, "action", ElementType::Float, &[n]);
}

/// The layers of a network in the order of `nn.Sequential`, whose numbers are the names of their tensors.
struct Walk<'a> {
    graph: &'a mut GraphBuilder,
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

impl<'a> Walk<'a> {
    fn new(graph: &'a mut GraphBuilder, network: &'a Network) -> Self {
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

    fn dense(&mut self, layer: &str, x: &str) -> String {
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
    fn trunk(&mut self, x: &str) -> String {
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
    fn outputs(&mut self, x: &str) -> String {
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
