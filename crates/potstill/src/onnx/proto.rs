//! The messages of ONNX files (`onnx.proto`), as far as they are read or written here.

use super::wire::{CUT, Field, Reader, Writer};
use std::borrow::Cow;

/// Types of elements, by their numbers in `TensorProto.DataType`.
pub(crate) mod dtype {
    pub(crate) const FLOAT: i64 = 1;
    pub(crate) const UINT8: i64 = 2;
    pub(crate) const INT8: i64 = 3;
    pub(crate) const UINT16: i64 = 4;
    pub(crate) const INT16: i64 = 5;
    pub(crate) const INT32: i64 = 6;
    pub(crate) const INT64: i64 = 7;
    pub(crate) const STRING: i64 = 8;
    pub(crate) const BOOL: i64 = 9;
    pub(crate) const FLOAT16: i64 = 10;
    pub(crate) const DOUBLE: i64 = 11;
    pub(crate) const UINT32: i64 = 12;
    pub(crate) const UINT64: i64 = 13;
    pub(crate) const BFLOAT16: i64 = 16;
}

/// `ModelProto`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ModelProto<'a> {
    pub(crate) ir_version: i64,
    pub(crate) producer: [String; 2],
    /// Domain and version.
    pub(crate) opsets: Vec<(String, i64)>,
    pub(crate) metadata: Vec<(String, String)>,
    pub(crate) graph: GraphProto<'a>,
}

/// `GraphProto`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct GraphProto<'a> {
    pub(crate) name: String,
    pub(crate) nodes: Vec<NodeProto<'a>>,
    pub(crate) initializers: Vec<TensorProto<'a>>,
    pub(crate) inputs: Vec<ValueInfo>,
    pub(crate) outputs: Vec<ValueInfo>,
}

/// `NodeProto`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct NodeProto<'a> {
    pub(crate) name: String,
    pub(crate) op: String,
    pub(crate) domain: String,
    pub(crate) inputs: Vec<String>,
    pub(crate) outputs: Vec<String>,
    pub(crate) attributes: Vec<(String, Attribute<'a>)>,
}

/// The value of an `AttributeProto`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Attribute<'a> {
    Float(f32),
    Integer(i64),
    Text(String),
    Tensor(TensorProto<'a>),
    Floats(Vec<f32>),
    Integers(Vec<i64>),
    Texts(Vec<String>),
    /// A graph, a type, or several of what may be one.
    Other,
}

/// `TensorProto`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct TensorProto<'a> {
    pub(crate) name: String,
    pub(crate) dims: Vec<i64>,
    pub(crate) dtype: i64,
    pub(crate) raw: Option<Cow<'a, [u8]>>,
    pub(crate) floats: Vec<f32>,
    pub(crate) doubles: Vec<f64>,
    /// Integers of any type, and the bits of half precision.
    pub(crate) integers: Vec<i64>,
    pub(crate) texts: Vec<String>,
    /// Keys and values of data in another file.
    pub(crate) external: Vec<(String, String)>,
    pub(crate) is_external: bool,
}

/// A dimension: its length, or its name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Dimension {
    /// A fixed length.
    Length(usize),
    /// A length that is known only when the model is run, such as the batch's.
    Symbol(String),
}

/// `ValueInfoProto` of a tensor.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ValueInfo {
    pub(crate) name: String,
    /// 0 for what is no tensor: a sequence or a map.
    pub(crate) dtype: i64,
    /// `None` if the file does not say.
    pub(crate) shape: Option<Vec<Dimension>>,
}

/// Calls `read` for each field of a message.
fn each<'a>(
    bytes: &'a [u8],
    mut read: impl FnMut(u64, Field<'a>) -> Result<(), String>,
) -> Result<(), String> {
    let mut reader = Reader::new(bytes);
    while let Some((number, field)) = reader.next()? {
        read(number, field)?;
    }
    Ok(())
}

/// Two texts, as fields 1 and 2 of `StringStringEntryProto`.
fn pair(bytes: &[u8]) -> Result<(String, String), String> {
    let mut entry = (String::new(), String::new());
    each(bytes, |number, field| {
        match number {
            1 => entry.0 = field.text()?,
            2 => entry.1 = field.text()?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(entry)
}

impl<'a> ModelProto<'a> {
    /// Reads a file.
    ///
    /// # Errors
    /// If the bytes are no model.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, String> {
        let (mut model, mut graph) = (Self::default(), None);
        each(bytes, |number, field| {
            match number {
                1 => model.ir_version = field.integer()?,
                2 => model.producer[0] = field.text()?,
                3 => model.producer[1] = field.text()?,
                7 => graph = Some(GraphProto::read(field.bytes()?)?),
                8 => model.opsets.push(opset(field.bytes()?)?),
                14 => model.metadata.push(pair(field.bytes()?)?),
                _ => {}
            }
            Ok(())
        })?;
        model.graph = graph.ok_or(CUT)?;
        Ok(model)
    }

    /// The bytes of the file.
    pub(crate) fn write(&self) -> Vec<u8> {
        let mut w = Writer::default();
        w.integer(1, self.ir_version);
        w.raw(2, self.producer[0].as_bytes());
        w.raw(3, self.producer[1].as_bytes());
        w.message(7, |w| self.graph.write(w));
        for (domain, version) in &self.opsets {
            w.message(8, |w| {
                w.raw(1, domain.as_bytes());
                w.integer(2, *version);
            });
        }
        for (key, value) in &self.metadata {
            w.message(14, |w| {
                w.raw(1, key.as_bytes());
                w.raw(2, value.as_bytes());
            });
        }
        w.bytes
    }
}

fn opset(bytes: &[u8]) -> Result<(String, i64), String> {
    let mut id = (String::new(), 0);
    each(bytes, |number, field| {
        match number {
            1 => id.0 = field.text()?,
            2 => id.1 = field.integer()?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(id)
}

impl<'a> GraphProto<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, String> {
        let mut graph = Self::default();
        each(bytes, |number, field| {
            match number {
                1 => graph.nodes.push(NodeProto::read(field.bytes()?)?),
                2 => graph.name = field.text()?,
                5 => graph.initializers.push(TensorProto::read(field.bytes()?)?),
                11 => graph.inputs.push(ValueInfo::read(field.bytes()?)?),
                12 => graph.outputs.push(ValueInfo::read(field.bytes()?)?),
                15 => return Err("it has sparse initialisers, which are not read".to_owned()),
                _ => {}
            }
            Ok(())
        })?;
        Ok(graph)
    }

    fn write(&self, w: &mut Writer) {
        self.nodes.iter().for_each(|node| w.message(1, |w| node.write(w)));
        w.raw(2, self.name.as_bytes());
        self.initializers.iter().for_each(|tensor| w.message(5, |w| tensor.write(w)));
        self.inputs.iter().for_each(|value| w.message(11, |w| value.write(w)));
        self.outputs.iter().for_each(|value| w.message(12, |w| value.write(w)));
    }
}

impl<'a> NodeProto<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, String> {
        let mut node = Self::default();
        each(bytes, |number, field| {
            match number {
                1 => node.inputs.push(field.text()?),
                2 => node.outputs.push(field.text()?),
                3 => node.name = field.text()?,
                4 => node.op = field.text()?,
                5 => node.attributes.push(Attribute::read(field.bytes()?)?),
                7 => node.domain = field.text()?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(node)
    }

    fn write(&self, w: &mut Writer) {
        self.inputs.iter().for_each(|name| w.raw(1, name.as_bytes()));
        self.outputs.iter().for_each(|name| w.raw(2, name.as_bytes()));
        w.raw(3, self.name.as_bytes());
        w.raw(4, self.op.as_bytes());
        for (name, value) in &self.attributes {
            w.message(5, |w| {
                w.raw(1, name.as_bytes());
                value.write(w);
            });
        }
        if !self.domain.is_empty() {
            w.raw(7, self.domain.as_bytes());
        }
    }
}

impl<'a> Attribute<'a> {
    /// Name and value. Old files leave the type out, and then the field that is there decides.
    fn read(bytes: &'a [u8]) -> Result<(String, Self), String> {
        let (mut name, mut kind, mut found) = (String::new(), 0, Self::Other);
        let (mut floats, mut integers, mut texts) = (Vec::new(), Vec::new(), Vec::new());
        each(bytes, |number, field| {
            match number {
                1 => name = field.text()?,
                2 => match field {
                    Field::Fixed32(word) => found = Self::Float(f32::from_le_bytes(word)),
                    _ => return Err(CUT.to_owned()),
                },
                3 => found = Self::Integer(field.integer()?),
                4 => found = Self::Text(field.text()?),
                5 => found = Self::Tensor(TensorProto::read(field.bytes()?)?),
                7 => field.floats(&mut floats)?,
                8 => field.integers(&mut integers)?,
                9 => texts.push(field.text()?),
                20 => kind = field.integer()?,
                _ => {}
            }
            Ok(())
        })?;
        let value = match (kind, found) {
            (6, _) => Self::Floats(floats),
            (7, _) => Self::Integers(integers),
            (8, _) => Self::Texts(texts),
            // Values of 0 are left out by writers of `proto3`.
            (1, Self::Other) => Self::Float(0.0),
            (2, Self::Other) => Self::Integer(0),
            (3, Self::Other) => Self::Text(String::new()),
            (0, Self::Other) if !floats.is_empty() => Self::Floats(floats),
            (0, Self::Other) if !integers.is_empty() => Self::Integers(integers),
            (0, Self::Other) if !texts.is_empty() => Self::Texts(texts),
            (_, found) => found,
        };
        Ok((name, value))
    }

    /// Everything but the name.
    fn write(&self, w: &mut Writer) {
        let kind = match self {
            Self::Float(value) => {
                w.float(2, *value);
                1
            }
            Self::Integer(value) => {
                w.integer(3, *value);
                2
            }
            Self::Text(text) => {
                w.raw(4, text.as_bytes());
                3
            }
            Self::Tensor(tensor) => {
                w.message(5, |w| tensor.write(w));
                4
            }
            Self::Floats(values) => {
                w.floats(7, values);
                6
            }
            Self::Integers(values) => {
                w.integers(8, values);
                7
            }
            Self::Texts(texts) => {
                texts.iter().for_each(|text| w.raw(9, text.as_bytes()));
                8
            }
            Self::Other => return,
        };
        w.integer(20, kind);
    }
}

impl<'a> TensorProto<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, String> {
        let mut tensor = Self::default();
        each(bytes, |number, field| {
            match number {
                1 => field.integers(&mut tensor.dims)?,
                2 => tensor.dtype = field.integer()?,
                3 => return Err("a tensor in segments, which are not read".to_owned()),
                4 => field.floats(&mut tensor.floats)?,
                5 | 7 | 11 => field.integers(&mut tensor.integers)?,
                6 => tensor.texts.push(field.text()?),
                8 => tensor.name = field.text()?,
                9 => tensor.raw = Some(Cow::Borrowed(field.bytes()?)),
                10 => field.doubles(&mut tensor.doubles)?,
                13 => tensor.external.push(pair(field.bytes()?)?),
                14 => tensor.is_external = field.integer()? == 1,
                _ => {}
            }
            Ok(())
        })?;
        Ok(tensor)
    }

    /// The tensor, whose numbers are always raw; texts never are.
    fn write(&self, w: &mut Writer) {
        w.integers(1, &self.dims);
        w.integer(2, self.dtype);
        self.texts.iter().for_each(|text| w.raw(6, text.as_bytes()));
        w.raw(8, self.name.as_bytes());
        if self.dtype != dtype::STRING {
            w.raw(9, self.raw.as_deref().unwrap_or_default());
        }
    }
}

impl ValueInfo {
    fn read(bytes: &[u8]) -> Result<Self, String> {
        let mut value = Self::default();
        each(bytes, |number, field| {
            match number {
                1 => value.name = field.text()?,
                // TypeProto, and tensor_type in it.
                2 => each(field.bytes()?, |number, field| match number {
                    1 => value.read_tensor(field.bytes()?),
                    _ => Ok(()),
                })?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(value)
    }

    fn read_tensor(&mut self, bytes: &[u8]) -> Result<(), String> {
        each(bytes, |number, field| {
            match number {
                1 => self.dtype = field.integer()?,
                2 => {
                    let mut shape = Vec::new();
                    each(field.bytes()?, |number, field| {
                        if number == 1 {
                            shape.push(dimension(field.bytes()?)?);
                        }
                        Ok(())
                    })?;
                    self.shape = Some(shape);
                }
                _ => {}
            }
            Ok(())
        })
    }

    fn write(&self, w: &mut Writer) {
        w.raw(1, self.name.as_bytes());
        w.message(2, |w| {
            w.message(1, |w| {
                w.integer(1, self.dtype);
                w.message(2, |w| {
                    for dimension in self.shape.iter().flatten() {
                        w.message(1, |w| match dimension {
                            Dimension::Length(length) => w.integer(1, *length as i64),
                            Dimension::Symbol(name) => w.raw(2, name.as_bytes()),
                        });
                    }
                });
            });
        });
    }
}

fn dimension(bytes: &[u8]) -> Result<Dimension, String> {
    let mut dimension = Dimension::Symbol(String::new());
    each(bytes, |number, field| {
        match number {
            1 => {
                let length = field.integer()?;
                // Some exporters write -1 or 0 for a length that is not known.
                if let Some(length) = usize::try_from(length).ok().filter(|&length| length > 0) {
                    dimension = Dimension::Length(length);
                }
            }
            2 => dimension = Dimension::Symbol(field.text()?),
            _ => {}
        }
        Ok(())
    })?;
    Ok(dimension)
}

impl NodeProto<'_> {
    /// The node in messages: its operator, and its name if it has one.
    pub(crate) fn about(&self) -> String {
        let domain =
            if is_default_domain(&self.domain) { String::new() } else { format!("{}.", self.domain) };
        match (self.name.as_str(), self.outputs.first()) {
            ("", Some(output)) => format!("{domain}{} (which makes `{output}`)", self.op),
            ("", None) => format!("{domain}{}", self.op),
            (name, _) => format!("{domain}{} (node `{name}`)", self.op),
        }
    }

    pub(crate) fn attribute(&self, name: &str) -> Option<&Attribute<'_>> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// An integer attribute, or its default.
    pub(crate) fn integer(&self, name: &str, default: i64) -> i64 {
        match self.attribute(name) {
            Some(Attribute::Integer(value)) => *value,
            _ => default,
        }
    }

    /// A float attribute, or its default.
    pub(crate) fn float(&self, name: &str, default: f32) -> f32 {
        match self.attribute(name) {
            Some(Attribute::Float(value)) => *value,
            _ => default,
        }
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        match self.attribute(name) {
            Some(Attribute::Text(text)) => text,
            _ => "",
        }
    }

    pub(crate) fn integers(&self, name: &str) -> Option<&[i64]> {
        match self.attribute(name) {
            Some(Attribute::Integers(values)) => Some(values),
            _ => None,
        }
    }

    pub(crate) fn floats(&self, name: &str) -> Option<&[f32]> {
        match self.attribute(name) {
            Some(Attribute::Floats(values)) => Some(values),
            _ => None,
        }
    }

    pub(crate) fn texts(&self, name: &str) -> Option<&[String]> {
        match self.attribute(name) {
            Some(Attribute::Texts(values)) => Some(values),
            _ => None,
        }
    }
}

/// Returns true for the operators of ONNX itself, not those of `ai.onnx.ml`.
pub(crate) fn is_default_domain(domain: &str) -> bool {
    domain.is_empty() || domain == "ai.onnx"
}
