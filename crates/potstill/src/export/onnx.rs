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
//! | policy of a choice of actions: its logits | `observation` | `logits`, `probabilities`, `action` |
//! | policy for a box of actions | `observation` | `action` |
//! | linear model of tiles | `observation` | `q_values`, `action` |
//! | table | `state` (integers) | `q_values`, `action`; `values` if it has one per state |
//!
//! Distributions over values become their means, as when the policy acts: of 32 quantiles for an implicit
//! one. Noisy layers are their means; batch normalisations are folded into the layers before them. `label`
//! and `action` are the first of equal maxima, as here. `label` is the class as the data has it, a text or a
//! whole number (the place among the outputs of a network without names of classes). The metadata hold what
//! [`About`] says, and the names of the classes in their order as a JSON list under `classes`.
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
use super::onnx_layers::{Layers, integer};
use crate::data::Preprocessing;
use crate::data::preprocessing::{Encoding, Scaling, is_numbered};
use crate::model::{Bound, ControlPolicy, DecisionTree, LinearModel, Model, Predictor, QTable, TreeNode};
use crate::onnx::{ElementType, GraphBuilder, Setting};
use potstill_nn::{Inputs, Network};
use serde_json::json;

/// The rounding of an input, in deviations of its column, above which it is warned of.
const COARSE: f64 = 1e-3;

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
            // The deviations of a policy's actions are free parameters, of which a deterministic one has no use.
            Model::Table(_) | Model::Linear(_) | Model::Control(_) => return Ok(()),
            Model::Network(network) => network,
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

    fn warnings(&self, model: &Model) -> Vec<String> {
        let Model::Predictor(predictor) = model else { return Vec::new() };
        let encodings = predictor.preprocessing().inputs().iter();
        encodings
            .filter_map(|encoding| match encoding {
                Encoding::Number { column, scaling } => coarse(column, *scaling),
                _ => None,
            })
            .collect()
    }

    fn write(&self, model: &Model, about: &About) -> Vec<u8> {
        write(model, about)
    }
}

/// A warning if a column's numbers lie so far from zero that single precision, which the graph takes, does not tell them apart.
fn coarse(column: &str, Scaling { mean, deviation }: Scaling) -> Option<String> {
    // Half of the distance of neighbouring numbers, in deviations.
    let rounding = mean.abs() * f64::from(f32::EPSILON) / 2.0 / deviation;
    (rounding > COARSE).then(|| {
        format!(
            "column `{column}`: the file takes single precision, which rounds its numbers around {mean:e} by up to {rounding:.1e} \
             of their deviation, and `potstill predict` does not; learn from their differences from some number"
        )
    })
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
        Model::Network(network) => write_network(&mut graph, network, (about.purpose, &[]), &x),
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
    let classes = predictor.preprocessing().classes();
    let outputs = match (predictor.network(), predictor.tree()) {
        (Some(network), _) if !classes.is_empty() => {
            return write_network(graph, network, (Purpose::Classes, classes), x);
        }
        (Some(network), _) => {
            let network = network.without_batch_norm();
            let mut layers = Layers::new(graph, &network);
            let features = layers.trunk(x);
            layers.outputs(&features)
        }
        (None, Some(tree)) => write_tree(graph, tree, x),
        (None, None) => unreachable!("a predictor is a network or a tree"),
    };
    match classes {
        [] => write_value(graph, predictor.preprocessing(), &outputs),
        classes => write_classes(graph, &outputs, classes.len(), classes),
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

/// The place of the first of the greatest values of each row.
fn best(graph: &mut GraphBuilder, values: &str) -> String {
    let settings = [("axis", integer(1)), ("keepdims", integer(0)), ("select_last_index", integer(0))];
    graph.node("ArgMax", &[values], &settings)
}

/// The same as an output.
fn write_best(graph: &mut GraphBuilder, values: &str, name: &str) {
    let best = best(graph, values);
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

fn write_network(
    graph: &mut GraphBuilder,
    network: &Network,
    (purpose, classes): (Purpose, &[String]),
    x: &str,
) {
    let network = &network.without_batch_norm();
    let mut layers = Layers::new(graph, network);
    let features = layers.trunk(x);
    let heads = &network.interface().heads;
    if !heads.is_empty() {
        for head in heads {
            let outputs = layers.dense(&head.name, &features);
            layers.graph.output(&outputs, &head.name, ElementType::Float, &[head.outputs]);
        }
        return;
    }
    let outputs = layers.outputs(&features);
    let choices = network.ends().choices;
    match purpose {
        Purpose::Values => {
            graph.output(&outputs, "q_values", ElementType::Float, &[choices]);
            write_best(graph, &outputs, "action");
        }
        Purpose::Policy => {
            write_probabilities(graph, &outputs, choices);
            write_best(graph, &outputs, "action");
        }
        Purpose::Classes => write_classes(graph, &outputs, choices, classes),
    }
}

/// Logits and their softmax.
fn write_probabilities(graph: &mut GraphBuilder, logits: &str, outputs: usize) {
    graph.output(logits, "logits", ElementType::Float, &[outputs]);
    let probabilities = graph.node("Softmax", &[logits], &[("axis", integer(1))]);
    graph.output(&probabilities, "probabilities", ElementType::Float, &[outputs]);
}

/// Logits, probabilities and the class: one of these, a text or a number, or its place if they have no names.
fn write_classes(graph: &mut GraphBuilder, logits: &str, outputs: usize, classes: &[String]) {
    write_probabilities(graph, logits, outputs);
    if is_numbered(classes) {
        return write_best(graph, logits, "label");
    }
    let place = best(graph, logits);
    let number = |class: &String| class.parse::<i64>().ok().filter(|number| number.to_string() == *class);
    let (of, names) = match classes.iter().map(number).collect::<Option<Vec<_>>>() {
        Some(numbers) => (ElementType::Integer, graph.integers("target.classes", &[numbers.len()], &numbers)),
        None => (ElementType::Text, graph.texts("target.classes", classes)),
    };
    let label = graph.node("Gather", &[&names, &place], &[("axis", integer(0))]);
    graph.output(&label, "label", of, &[]);
}

/// `low + (high - low) (tanh(y) + 1) / 2`, or `y`, within the box.
fn write_control(graph: &mut GraphBuilder, policy: &ControlPolicy, x: &str) {
    let network = policy.network().without_batch_norm();
    let mut layers = Layers::new(graph, &network);
    let features = layers.trunk(x);
    let y = layers.outputs(&features);
    let n = policy.low().len();
    let low = graph.floats("action.low", &[n], policy.low());
    let high = graph.floats("action.high", &[n], policy.high());
    let y = match policy.bound() {
        Bound::Clipped => y,
        Bound::Squashed => {
            let y = graph.node("Tanh", &[&y], &[]);
            let one = graph.floats("action.one", &[], &[1.0]);
            let y = graph.node("Add", &[&y, &one], &[]);
            let half: Vec<f32> =
                policy.low().iter().zip(policy.high()).map(|(low, high)| 0.5 * (high - low)).collect();
            let half = graph.floats("action.half_width", &[n], &half);
            let y = graph.node("Mul", &[&y, &half], &[]);
            graph.node("Add", &[&y, &low], &[])
        }
    };
    let y = graph.node("Max", &[&y, &low], &[]);
    let y = graph.node("Min", &[&y, &high], &[]);
    graph.output(&y, "action", ElementType::Float, &[n]);
}
