//! The writer of ONNX files: a graph that grows node by node.

use super::proto::{Attribute, Dimension, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfo, dtype};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The version of the operators: the first with layer normalisation, and old enough for the runtimes of small
/// devices.
pub const OPSET: i64 = 17;
/// The producer that files name.
pub(crate) const PRODUCER: &str = "potstill";
/// The version of the file format, the one of that time.
const IR_VERSION: i64 = 9;

/// The type of a tensor's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElementType {
    /// Single precision.
    Float,
    /// Double precision.
    Double,
    /// Integers of 64 bits.
    Integer,
    /// Text.
    Text,
}

impl ElementType {
    fn number(self) -> i64 {
        match self {
            ElementType::Float => dtype::FLOAT,
            ElementType::Double => dtype::DOUBLE,
            ElementType::Integer => dtype::INT64,
            ElementType::Text => dtype::STRING,
        }
    }
}

/// An attribute of a node.
#[derive(Clone, Debug, PartialEq)]
pub enum Setting {
    /// An integer.
    Integer(i64),
    /// Several integers.
    Integers(Vec<i64>),
    /// A number.
    Float(f32),
    /// Several numbers.
    Floats(Vec<f32>),
    /// A text.
    Text(String),
    /// Several texts.
    Texts(Vec<String>),
}

/// A graph that grows node by node, in the order of computation, and becomes an ONNX file of opset 17. Values
/// are named by the texts that its functions return. The same calls give the same bytes.
///
/// ```
/// use potstill::onnx::{ElementType, GraphBuilder, Kind, Model};
///
/// let mut graph = GraphBuilder::new("halved");
/// let x = graph.input("x", ElementType::Float, &[2]);
/// let half = graph.floats("half", &[], &[0.5]);
/// let y = graph.node("Mul", &[&x, &half], &[]);
/// graph.output(&y, "y", ElementType::Float, &[2]);
/// let bytes = graph.finish(&[]);
/// let mut model = Model::read(&bytes)?;
/// assert_eq!(model.answers(&[1.0, 2.0], 1)?, [0.5, 1.0]);
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug)]
pub struct GraphBuilder {
    graph: GraphProto<'static>,
    /// Nodes of each operator, which are numbered.
    counts: BTreeMap<String, usize>,
    uses_ml: bool,
}

/// The name of the symbolic first dimension.
const BATCH: &str = "batch";

impl GraphBuilder {
    /// An empty graph.
    pub fn new(name: &str) -> Self {
        let graph = GraphProto { name: name.to_owned(), ..GraphProto::default() };
        Self { graph, counts: BTreeMap::new(), uses_ml: false }
    }

    fn value(name: &str, of: ElementType, shape: &[usize]) -> ValueInfo {
        let batch = [Dimension::Symbol(BATCH.to_owned())];
        let shape = batch.into_iter().chain(shape.iter().map(|&length| Dimension::Length(length)));
        ValueInfo { name: name.to_owned(), dtype: of.number(), shape: Some(shape.collect()) }
    }

    /// An input of shape `batch x shape`.
    pub fn input(&mut self, name: &str, of: ElementType, shape: &[usize]) -> String {
        self.graph.inputs.push(Self::value(name, of, shape));
        name.to_owned()
    }

    fn constant(&mut self, name: &str, of: ElementType, shape: &[usize], raw: Vec<u8>) -> String {
        let bytes = shape.iter().product::<usize>() * if of == ElementType::Float { 4 } else { 8 };
        assert_eq!(raw.len(), bytes, "{name}: the data fill the shape");
        self.initializer(
            name,
            of,
            shape,
            TensorProto { raw: Some(Cow::Owned(raw)), ..TensorProto::default() },
        )
    }

    fn initializer(
        &mut self,
        name: &str,
        of: ElementType,
        shape: &[usize],
        data: TensorProto<'static>,
    ) -> String {
        // Constants are shared by name: the same scaling may be asked for twice.
        if self.graph.initializers.iter().all(|known| known.name != name) {
            self.graph.initializers.push(TensorProto {
                name: name.to_owned(),
                dims: shape.iter().map(|&length| length as i64).collect(),
                dtype: of.number(),
                ..data
            });
        }
        name.to_owned()
    }

    /// A constant of texts, as [`floats`](Self::floats), in one dimension.
    pub fn texts(&mut self, name: &str, texts: &[String]) -> String {
        let data = TensorProto { texts: texts.to_vec(), ..TensorProto::default() };
        self.initializer(name, ElementType::Text, &[texts.len()], data)
    }

    /// A constant in single precision. A second one of the same name is the first.
    ///
    /// # Panics
    /// If the data do not fill the shape.
    pub fn floats(&mut self, name: &str, shape: &[usize], data: &[f32]) -> String {
        let raw = data.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant(name, ElementType::Float, shape, raw)
    }

    /// A constant in double precision, as [`floats`](Self::floats).
    ///
    /// # Panics
    /// If the data do not fill the shape.
    pub fn doubles(&mut self, name: &str, shape: &[usize], data: &[f64]) -> String {
        let raw = data.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant(name, ElementType::Double, shape, raw)
    }

    /// A constant of integers, as [`floats`](Self::floats).
    ///
    /// # Panics
    /// If the data do not fill the shape.
    pub fn integers(&mut self, name: &str, shape: &[usize], data: &[i64]) -> String {
        let raw = data.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant(name, ElementType::Integer, shape, raw)
    }

    /// A node of an operator of ONNX, or of `ai.onnx.ml` if that stands before its name and a dot. Returns
    /// its output.
    pub fn node(&mut self, op: &str, inputs: &[&str], settings: &[(&str, Setting)]) -> String {
        let (domain, op) = op.rsplit_once('.').unwrap_or(("", op));
        self.uses_ml |= !domain.is_empty();
        let count = self.counts.entry(op.to_lowercase()).or_default();
        let name = format!("{}_{count}", op.to_lowercase());
        *count += 1;
        let attribute = |(name, setting): &(&str, Setting)| {
            let value = match setting.clone() {
                Setting::Integer(value) => Attribute::Integer(value),
                Setting::Integers(values) => Attribute::Integers(values),
                Setting::Float(value) => Attribute::Float(value),
                Setting::Floats(values) => Attribute::Floats(values),
                Setting::Text(text) => Attribute::Text(text),
                Setting::Texts(texts) => Attribute::Texts(texts),
            };
            ((*name).to_owned(), value)
        };
        self.graph.nodes.push(NodeProto {
            name: name.clone(),
            op: op.to_owned(),
            domain: domain.to_owned(),
            inputs: inputs.iter().map(|&name| name.to_owned()).collect(),
            outputs: vec![name.clone()],
            attributes: settings.iter().map(attribute).collect(),
        });
        name
    }

    /// The same rows in another shape; -1 stands for what is left.
    pub fn reshape(&mut self, x: &str, shape: &[i64]) -> String {
        let name: Vec<String> = shape.iter().map(ToString::to_string).collect();
        let to = self.integers(&format!("shape_{}", name.join("_")), &[shape.len()], shape);
        self.node("Reshape", &[x, &to], &[])
    }

    /// An output of this name and of shape `batch x shape`, from a value.
    pub fn output(&mut self, value: &str, name: &str, of: ElementType, shape: &[usize]) {
        self.graph.nodes.push(NodeProto {
            name: format!("{name}_output"),
            op: "Identity".to_owned(),
            inputs: vec![value.to_owned()],
            outputs: vec![name.to_owned()],
            ..NodeProto::default()
        });
        self.graph.outputs.push(Self::value(name, of, shape));
    }

    /// The bytes of the file, with these keys and values as its metadata.
    pub fn finish(self, metadata: &[(String, String)]) -> Vec<u8> {
        let mut opsets = vec![(String::new(), OPSET)];
        if self.uses_ml {
            opsets.push(("ai.onnx.ml".to_owned(), 3));
        }
        let model = ModelProto {
            ir_version: IR_VERSION,
            producer: [PRODUCER.to_owned(), env!("CARGO_PKG_VERSION").to_owned()],
            opsets,
            metadata: metadata.to_vec(),
            graph: self.graph,
        };
        model.write()
    }
}
