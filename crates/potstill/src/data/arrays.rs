//! NumPy's arrays (`.npy`, `.npz`) and safetensors as data: one array of inputs, one of labels.
//!
//! Arrays of one dimension are numbers or words. Those of two are vectors; of three images or arrays of one channel; of four
//! have the channels last if the last dimension is at most four, else first. Bytes of three or four dimensions are images.
//! Without `inputs=` and `label=` the arrays `inputs`, `x`, `X`, `data` or `images`, and `labels`, `label`, `y`, `Y`, `targets` or
//! `target` are taken.
//!
//! An array `logits`, `probabilities` or `votes` of two dimensions is a teacher's answers, a column for each
//! class: of the names in the array `classes`, in its order, or 0, 1 and so on, which stand for the classes
//! of the data in their order. `data_crc32c` and `teacher_crc32c`, of one number each, are the checksums of
//! what it has answered and of itself.

use super::content::{Content, Unpacked, read_below, unreadable};
use super::episodes::npz::{self, NumberArray};
use super::episodes::raw::half;
use super::frame::{Column, DataFrame, Values};
use super::preprocessing::{DATA_CHECKSUM, TEACHER_CHECKSUM, is_answer};
use super::reader::{Data, Head, Reader};
use super::source::DataOptions;
use crate::words::counted;
use flate2::read::DeflateDecoder;
use potstill_core::Stored;
use potstill_core::pages::Plain;
use rawzip::{CompressionMethod, ZipArchive};
use safetensors::{Dtype, SafeTensors};
use std::collections::BTreeMap;
use std::io::Read;

const INPUTS: [&str; 5] = ["inputs", "x", "X", "data", "images"];
const LABELS: [&str; 6] = ["labels", "label", "y", "Y", "targets", "target"];

/// Arrays of answers, and the columns that they become.
const ANSWERS: [(&str, &str); 3] = [("logits", "logit"), ("probabilities", "p"), ("votes", "votes")];
/// The array of the names of the classes.
const CLASSES: &str = "classes";
/// The most bytes of an array.
const BYTES_MAX: u64 = 1 << 33;
/// Channels that are looked for in the last dimension.
const CHANNELS_MAX: usize = 4;

/// The elements of an array, before their shape is.
#[derive(Clone, Debug, PartialEq)]
enum Elements {
    Bytes(Stored<u8>),
    Numbers(Stored<f64>),
    Words(Vec<String>),
}

/// An array as a file has it.
#[derive(Clone, Debug, PartialEq)]
struct Array {
    shape: Vec<usize>,
    elements: Elements,
    /// True if its numbers are floating-point ones.
    is_float: bool,
}

/// A single NumPy array.
#[derive(Clone, Copy, Debug)]
pub(super) struct Npy;

/// Several NumPy arrays in a zip file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Npz;

/// Several arrays in a safetensors file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tensors;

const NPY: &[u8] = b"\x93NUMPY";

impl Reader for Npy {
    fn name(&self) -> &'static str {
        "npy"
    }

    fn summary(&self) -> &'static str {
        "a NumPy array"
    }

    fn recognizes(&self, head: &Head<'_>) -> bool {
        matches!(head, Head::File(bytes) if bytes.starts_with(NPY))
    }

    fn read(&self, content: &dyn Content, options: &DataOptions) -> Result<Data, String> {
        if options.is_of_answers {
            return Err("a single array does not say which kind of answers it holds; save it with \
                        numpy.savez(FILE, probabilities=ARRAY, classes=NAMES), or logits= or votes="
                .to_owned());
        }
        let array = npy_from(content.inflated().map_err(unreadable)?, options.memory)?;
        // One array has the inputs, unless it is of words.
        let name = options.inputs.as_deref().unwrap_or("inputs");
        DataFrame::new(vec![Column::new(name, array.values()?)]).map(Data::rows)
    }
}

impl Reader for Npz {
    fn name(&self) -> &'static str {
        "npz"
    }

    fn summary(&self) -> &'static str {
        "NumPy arrays in an npz file"
    }

    fn recognizes(&self, head: &Head<'_>) -> bool {
        // A zip file whose first entry is an array.
        matches!(head, Head::File(bytes) if bytes.starts_with(b"PK\x03\x04")
            && bytes.get(30..).is_some_and(|name| name.windows(4).take(256).any(|end| end == b".npy")))
    }

    fn read(&self, content: &dyn Content, options: &DataOptions) -> Result<Data, String> {
        let bytes = bytes_of(content, options)?;
        let damaged = |error: rawzip::Error| format!("it is no whole zip file: {error}");
        let archive = ZipArchive::from_slice(&bytes[..]).map_err(damaged)?;
        let mut names = Vec::new();
        let mut places = Vec::new();
        for entry in archive.entries() {
            let entry = entry.map_err(damaged)?;
            let Ok(path) = std::str::from_utf8(entry.file_path().as_bytes()).map(str::to_owned) else {
                continue;
            };
            if let Some(name) = path.strip_suffix(".npy") {
                names.push(name.to_owned());
                places.push((entry.wayfinder(), entry.compression_method()));
            }
        }
        let read = |name: &str| -> Result<Array, String> {
            let at = names.iter().position(|other| other == name).ok_or("it is gone")?;
            let (wayfinder, method) = &places[at];
            let entry = archive.get_entry(*wayfinder).map_err(damaged)?;
            let array = match *method {
                CompressionMethod::STORE => npy_from(entry.verifying_reader(entry.data()), options.memory),
                CompressionMethod::DEFLATE => {
                    let packed = entry.data().len() as u64;
                    let unpacked = Unpacked::new(DeflateDecoder::new(entry.data()), || packed);
                    npy_from(entry.verifying_reader(unpacked), options.memory)
                }
                other => Err(format!("its compression, {other:?}, is not known; write it with numpy.savez")),
            };
            array.map_err(|reason| format!("array `{name}`: {reason}"))
        };
        if npz::are_episodes(&names) && options.inputs.is_none() {
            let numbers =
                |name: &str| read(name)?.numbers().map_err(|reason| format!("array `{name}`: {reason}"));
            return npz::read(&names, numbers, options.memory).map(Data::episodes);
        }
        chosen(&names, options, read)
    }
}

impl Reader for Tensors {
    fn name(&self) -> &'static str {
        "safetensors"
    }

    fn summary(&self) -> &'static str {
        "arrays in a safetensors file"
    }

    fn recognizes(&self, head: &Head<'_>) -> bool {
        // The length of a header, and a JSON object.
        matches!(head, Head::File(bytes) if bytes.get(8) == Some(&b'{') && bytes[5..8] == [0, 0, 0])
    }

    fn read(&self, content: &dyn Content, options: &DataOptions) -> Result<Data, String> {
        let bytes = bytes_of(content, options)?;
        let file = SafeTensors::deserialize(&bytes)
            .map_err(|error| format!("it is no whole safetensors file: {error}"))?;
        let mut names: Vec<String> = file.names().into_iter().map(ToString::to_string).collect();
        names.sort();
        let told = told(&bytes);
        let beside = told.keys().filter(|name| !names.contains(*name)).cloned().collect::<Vec<_>>();
        names.extend(beside);
        chosen(&names, options, |name| {
            if let (Some(array), Err(_)) = (told.get(name), file.tensor(name)) {
                return Ok(array.clone());
            }
            let view = file.tensor(name).map_err(|error| error.to_string())?;
            let descriptor = match view.dtype() {
                Dtype::BOOL => "|b1",
                Dtype::U8 => "|u1",
                Dtype::I8 => "|i1",
                Dtype::U16 => "<u2",
                Dtype::I16 => "<i2",
                Dtype::U32 => "<u4",
                Dtype::I32 => "<i4",
                Dtype::U64 => "<u8",
                Dtype::I64 => "<i8",
                Dtype::F16 => "<f2",
                Dtype::F32 => "<f4",
                Dtype::F64 => "<f8",
                other => return Err(format!("array `{name}` is of {other:?}; write it as F32")),
            };
            let elements = Element::parse(descriptor)?.read(view.data(), options.memory);
            Ok(Array { shape: view.shape().to_vec(), elements, is_float: false })
        })
    }
}

/// The names of classes, and the checksums, that a safetensors file of a teacher's answers has in its metadata.
fn told(bytes: &[u8]) -> BTreeMap<String, Array> {
    let header = SafeTensors::read_metadata(bytes).map(|(_, header)| header);
    let metadata = header.ok().and_then(|header| header.metadata().clone()).unwrap_or_default();
    let checksum = |text: &String| {
        let number: u32 = text.parse().ok()?;
        let elements = Elements::Numbers(vec![f64::from(number)].into());
        Some(Array { shape: vec![1], elements, is_float: false })
    };
    let classes = |text: &String| {
        let names: Vec<String> = serde_json::from_str(text).ok()?;
        Some(Array { shape: vec![names.len()], elements: Elements::Words(names), is_float: false })
    };
    let named = |name: &str, array: Option<Array>| Some((name.to_owned(), array?));
    [
        named(CLASSES, metadata.get(CLASSES).and_then(classes)),
        named(DATA_CHECKSUM, metadata.get(DATA_CHECKSUM).and_then(checksum)),
        named(TEACHER_CHECKSUM, metadata.get(TEACHER_CHECKSUM).and_then(checksum)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn bytes_of(content: &dyn Content, options: &DataOptions) -> Result<Stored<u8>, String> {
    content.inflated().and_then(|mut reader| read_below(options.memory, &mut reader)).map_err(unreadable)
}

/// The arrays of inputs, labels and names among several.
fn chosen(
    names: &[String],
    options: &DataOptions,
    read: impl Fn(&str) -> Result<Array, String>,
) -> Result<Data, String> {
    let has = |name: &str| names.iter().any(|other| other == name);
    let named = |given: &Option<String>, usual: &[&'static str]| -> Result<Option<String>, String> {
        match given {
            Some(name) if has(name) => Ok(Some(name.clone())),
            Some(name) => Err(format!("it has no array `{name}`; it has {}", names.join(", "))),
            None => Ok(usual.iter().find(|name| has(name)).map(|name| (*name).to_owned())),
        }
    };
    let inputs = match options.is_of_answers {
        // Inputs beside them are not read.
        true => named(&options.inputs, &[])?,
        false => named(&options.inputs, &INPUTS)?,
    };
    let answers = ANSWERS.iter().find(|(name, _)| has(name) && inputs.as_deref() != Some(name));
    if inputs.is_none() && answers.is_none() {
        let names = names.join(", ");
        return Err(match options.is_of_answers {
            true => {
                format!("it has no array `probabilities`, `logits` or `votes` of answers; it has {names}")
            }
            false => format!("which array has the inputs? add :inputs=NAME,label=NAME; it has {names}"),
        });
    }
    let is_regression = options.target.is_some();
    let label = match is_regression {
        true => named(&options.target, &[])?,
        false => named(&options.label, &LABELS)?,
    };
    let id = named(&options.id, &[])?;
    let mut columns = Vec::new();
    let is_named = options.label.is_some() || is_regression;
    for name in [inputs, label.clone(), id].into_iter().flatten() {
        let values = read(&name)?.values()?;
        // What was found without being named has the name that is looked for.
        let name = if Some(&name) == label.as_ref() && !is_named { "label" } else { &name };
        columns.push(Column::new(name, values));
    }
    if let Some((name, kind)) = answers {
        let classes = if has(CLASSES) { Some(read(CLASSES)?.values()?) } else { None };
        let answers = read(name)?.answers(kind, classes.as_ref());
        columns.extend(answers.map_err(|reason| format!("array `{name}`: {reason}"))?);
        if options.is_of_answers {
            refuse_nan(&columns).map_err(|reason| format!("array `{name}`: {reason}"))?;
        }
        let rows = columns.last().map_or(0, |column| column.values.rows());
        for name in [DATA_CHECKSUM, TEACHER_CHECKSUM].into_iter().filter(|name| has(name)) {
            let Values::Numbers(numbers) = read(name)?.values()? else {
                return Err(format!("array `{name}`: it is no number"));
            };
            let [checksum] = numbers.as_slice() else {
                return Err(format!("array `{name}`: it has {} numbers, not one", numbers.len()));
            };
            columns.push(Column::new(name, Values::Numbers(vec![*checksum; rows].into())));
        }
    }
    DataFrame::new(columns).map(Data::rows)
}

/// Refuses answers that are not a number: an array has no empty places, by which the most probable classes
/// alone could be given.
fn refuse_nan(columns: &[Column]) -> Result<(), String> {
    for column in columns.iter().filter(|column| is_answer(&column.name)) {
        let Values::Numbers(numbers) = &column.values else { continue };
        if let Some(row) = numbers.iter().position(|x| x.is_nan()) {
            let name = &column.name;
            return Err(format!(
                "row {}, {name}: nan is no answer; to give those of the most probable classes alone, write a \
                 table with empty cells",
                row + 1
            ));
        }
    }
    Ok(())
}

impl Array {
    /// The array as numbers.
    fn numbers(self) -> Result<NumberArray, String> {
        let Self { shape, elements, is_float } = self;
        let numbers = match elements {
            Elements::Numbers(numbers) => numbers,
            Elements::Bytes(bytes) => converted(&bytes, f64::from),
            Elements::Words(_) => return Err("it has words, no numbers".to_owned()),
        };
        Ok(NumberArray { shape, numbers, is_float })
    }

    /// A teacher's answers as columns, one for each class.
    fn answers(self, kind: &str, classes: Option<&Values>) -> Result<Vec<Column>, String> {
        let [rows, count] = *self.shape.as_slice() else {
            return Err(format!(
                "its shape is {:?}; answers have two dimensions, rows and classes",
                self.shape
            ));
        };
        if let Some(names) = classes.map(Values::rows).filter(|&names| names != count) {
            let (columns, names) = (counted(count, "column"), counted(names, "name"));
            return Err(format!("it has {columns}, but `{CLASSES}` has {names}"));
        }
        let numbers = match self.elements {
            Elements::Numbers(numbers) => numbers,
            Elements::Bytes(bytes) => converted(&bytes, f64::from),
            Elements::Words(_) => return Err("it has words, no numbers".to_owned()),
        };
        let column = |class: usize| {
            let name = classes.map_or_else(|| Some(class.to_string()), |names| names.text(class));
            let values = (0..rows).map(|row| numbers[row * count + class]).collect();
            Column::new(&format!("{kind}({})", name.unwrap_or_default()), Values::Numbers(values))
        };
        Ok((0..count).map(column).collect())
    }

    /// The array as a column.
    fn values(self) -> Result<Values, String> {
        let Self { shape, elements, .. } = self;
        let sides = match *shape.as_slice() {
            [_] => None,
            [_, width] => Some([1, 1, width]),
            [_, height, width] => Some([height, width, 1]),
            [_, height, width, channels] if channels <= CHANNELS_MAX => Some([height, width, channels]),
            [_, channels, height, width] => Some([height, width, channels]),
            _ => {
                return Err(format!("its shape {shape:?} is none of rows; one to four dimensions are known"));
            }
        };
        let is_channels_first = matches!(*shape.as_slice(), [_, _, _, last] if last > CHANNELS_MAX);
        match (elements, sides) {
            (Elements::Numbers(numbers), None) => Ok(Values::Numbers(numbers)),
            (Elements::Bytes(bytes), None) => Ok(Values::Numbers(converted(&bytes, f64::from))),
            (Elements::Words(words), None) => {
                let mut values = Values::words();
                words.iter().for_each(|word| values.push_word(Some(word)));
                Ok(values)
            }
            (Elements::Words(_), Some(_)) => Err("words have one dimension".to_owned()),
            (_, Some(sides)) if sides.contains(&0) => Err(format!("its shape is {shape:?}")),
            (Elements::Bytes(bytes), Some(sides)) if shape.len() > 2 => {
                let bytes = if is_channels_first { channels_last(&bytes, sides) } else { bytes };
                Ok(Values::Images { shape: sides, white: u8::MAX, bytes })
            }
            (Elements::Bytes(bytes), Some(sides)) => {
                Ok(Values::Arrays { shape: sides, numbers: converted(&bytes, f32::from) })
            }
            (Elements::Numbers(numbers), Some(sides)) => {
                let numbers = converted(&numbers, |x| x as f32);
                let numbers = if is_channels_first { channels_last(&numbers, sides) } else { numbers };
                Ok(Values::Arrays { shape: sides, numbers })
            }
        }
    }
}

/// Images of channels before rows, with the channels last.
fn channels_last<T: Plain>(images: &Stored<T>, [height, width, channels]: [usize; 3]) -> Stored<T> {
    let points = height * width;
    let mut turned = Stored::below(images.limit());
    for image in images.chunks_exact(points * channels) {
        let point = |point: usize| (0..channels).map(move |channel| channel * points + point);
        (0..points).flat_map(point).for_each(|i| turned.push(image[i]));
    }
    turned
}

/// Numbers of another type, below the same limit.
fn converted<T: Plain, U: Plain>(numbers: &Stored<T>, number: impl Fn(T) -> U) -> Stored<U> {
    let mut converted = Stored::below(numbers.limit());
    converted.reserve(numbers.len());
    numbers.iter().for_each(|&x| converted.push(number(x)));
    converted
}

/// The type of an element.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Element {
    Bool,
    Unsigned(usize),
    Signed(usize),
    Float(usize),
    /// UTF-32 of so many characters.
    Unicode(usize),
    /// So many bytes of text.
    Text(usize),
}

impl Element {
    /// The type that NumPy's descriptor names.
    fn parse(descriptor: &str) -> Result<Self, String> {
        let unknown = || {
            let advice = if descriptor.contains('O') {
                "objects are Python's own; convert it with .astype(str) or .astype(\"float32\")"
            } else {
                "write it as little-endian numbers, with .astype(\"<f4\")"
            };
            format!("its type is `{descriptor}`; {advice}")
        };
        let (order, rest) = descriptor.split_at_checked(1).ok_or_else(unknown)?;
        let (kind, size) = rest.split_at_checked(1).ok_or_else(unknown)?;
        let size: usize = size.parse().map_err(|_| unknown())?;
        let is_known = order == "|" || order == "<" || (order == "=" && cfg!(target_endian = "little"));
        match (kind, size) {
            _ if !is_known => Err(unknown()),
            ("b", 1) => Ok(Self::Bool),
            ("u", 1 | 2 | 4 | 8) => Ok(Self::Unsigned(size)),
            ("i", 1 | 2 | 4 | 8) => Ok(Self::Signed(size)),
            ("f", 2 | 4 | 8) => Ok(Self::Float(size)),
            ("U", 1..=4096) => Ok(Self::Unicode(size)),
            ("S", 1..=16_384) => Ok(Self::Text(size)),
            _ => Err(unknown()),
        }
    }

    /// Bytes of an element.
    fn size(self) -> usize {
        match self {
            Self::Bool => 1,
            Self::Unsigned(size) | Self::Signed(size) | Self::Float(size) | Self::Text(size) => size,
            Self::Unicode(length) => 4 * length,
        }
    }

    /// The elements of these bytes, at most `limit` bytes of them in memory.
    fn read(self, bytes: &[u8], limit: usize) -> Elements {
        let wide = |bytes: &[u8]| {
            let mut wide = [0; 8];
            wide[..bytes.len()].copy_from_slice(bytes);
            u64::from_le_bytes(wide)
        };
        let numbers = |number: &dyn Fn(&[u8]) -> f64| {
            let mut numbers = Stored::below(limit);
            numbers.reserve(bytes.len() / self.size());
            bytes.chunks_exact(self.size()).for_each(|element| numbers.push(number(element)));
            Elements::Numbers(numbers)
        };
        let words = |word: &dyn Fn(&[u8]) -> String| {
            let trimmed = |bytes: &[u8]| word(bytes).trim_end_matches('\0').to_owned();
            Elements::Words(bytes.chunks_exact(self.size()).map(trimmed).collect())
        };
        match self {
            Self::Unsigned(1) => {
                let mut all = Stored::below(limit);
                all.extend_from_slice(bytes);
                Elements::Bytes(all)
            }
            Self::Bool | Self::Unsigned(_) => numbers(&|x| wide(x) as f64),
            Self::Signed(size) => {
                let unused = 64 - 8 * size as u32;
                numbers(&|x| ((wide(x) << unused) as i64 >> unused) as f64)
            }
            Self::Float(2) => numbers(&|x| half(wide(x) as u16)),
            Self::Float(4) => numbers(&|x| f64::from(f32::from_bits(wide(x) as u32))),
            Self::Float(_) => numbers(&|x| f64::from_bits(wide(x))),
            Self::Unicode(_) => words(&|x| {
                let points = x.as_chunks::<4>().0.iter().map(|&point| u32::from_le_bytes(point));
                points.map(|point| char::from_u32(point).unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
            }),
            Self::Text(_) => words(&|x| String::from_utf8_lossy(x).into_owned()),
        }
    }
}

/// The array that a reader gives, at most `limit` bytes of it in memory.
fn npy_from(mut reader: impl Read, limit: usize) -> Result<Array, String> {
    let cut = |_| "it is cut off".to_owned();
    let mut head = [0; 8];
    reader.read_exact(&mut head).map_err(cut)?;
    if !head.starts_with(NPY) {
        return Err("it is no NumPy array".to_owned());
    }
    let length = match head[6] {
        1 => {
            let mut length = [0; 2];
            reader.read_exact(&mut length).map_err(cut)?;
            usize::from(u16::from_le_bytes(length))
        }
        2 | 3 => {
            let mut length = [0; 4];
            reader.read_exact(&mut length).map_err(cut)?;
            u32::from_le_bytes(length) as usize
        }
        version => return Err(format!("its version, {version}, is not known")),
    };
    if length > 1 << 16 {
        return Err(format!("its header has {length} bytes"));
    }
    let mut header = vec![0; length];
    reader.read_exact(&mut header).map_err(cut)?;
    let header = String::from_utf8(header).map_err(|_| "its header is no text".to_owned())?;
    let (element, shape) = parse_header(&header)?;
    let count = shape.iter().try_fold(element.size(), |product, &side| product.checked_mul(side));
    let count = count.filter(|&count| count as u64 <= BYTES_MAX);
    let count = count.ok_or_else(|| format!("its shape {shape:?} is more than {BYTES_MAX} bytes"))?;
    let bytes = read_below(limit, &mut reader.by_ref().take(count as u64 + 1)).map_err(unreadable)?;
    if bytes.len() != count {
        let found = if bytes.len() > count { "more".to_owned() } else { bytes.len().to_string() };
        return Err(format!("its shape {shape:?} is of {count} bytes, but there are {found}"));
    }
    Ok(Array { elements: element.read(&bytes, limit), shape, is_float: matches!(element, Element::Float(_)) })
}

/// Reads `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }`.
fn parse_header(header: &str) -> Result<(Element, Vec<usize>), String> {
    let value = |key: &str| {
        let after = header.split_once(&format!("'{key}':")).map(|(_, rest)| rest.trim_start());
        after.ok_or_else(|| format!("its header has no `{key}`"))
    };
    let descriptor = value("descr")?;
    let descriptor = descriptor.strip_prefix('\'').and_then(|rest| rest.split_once('\''));
    let (descriptor, _) = descriptor.ok_or("it has fields with names; write each as an array of its own")?;
    let element = Element::parse(descriptor)?;
    let sides = value("shape")?.strip_prefix('(').and_then(|rest| rest.split_once(')'));
    let (sides, _) = sides.ok_or("its header has no shape")?;
    let sides = sides.split(',').map(str::trim).filter(|side| !side.is_empty());
    let shape = sides.map(|side| side.parse().map_err(|_| format!("its shape has `{side}`")));
    let shape = shape.collect::<Result<Vec<usize>, String>>()?;
    if value("fortran_order")?.starts_with("True") && shape.len() > 1 {
        return Err("its numbers lie column by column; write it with numpy.ascontiguousarray".to_owned());
    }
    Ok((element, shape))
}

#[cfg(test)]
mod tests {
    use super::super::content::Bytes;
    use super::*;

    fn npy(bytes: &[u8]) -> Result<Array, String> {
        npy_from(bytes, usize::MAX)
    }

    /// An array as NumPy writes it.
    fn file(descriptor: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let header = format!("{{'descr': '{descriptor}', 'fortran_order': False, 'shape': {shape}, }}\n");
        let length = (header.len() as u16).to_le_bytes();
        [NPY, &[1, 0], &length, header.as_bytes(), data].concat()
    }

    #[test]
    fn arrays_become_columns() {
        let check =
            |bytes: Vec<u8>, expected: Values| assert_eq!(npy(&bytes).unwrap().values(), Ok(expected));
        check(
            file("<i2", "(3,)", &[1, 0, 255, 255, 0, 128]),
            Values::Numbers(vec![1.0, -1.0, -32768.0].into()),
        );
        check(file("|b1", "(2,)", &[0, 1]), Values::Numbers(vec![0.0, 1.0].into()));
        // numpy.float16: 1, -2, the largest, the smallest, the smallest normal one.
        check(
            file("<f2", "(5,)", &[0x00, 0x3c, 0x00, 0xc0, 0xff, 0x7b, 0x01, 0x00, 0x00, 0x04]),
            Values::Numbers(vec![1.0, -2.0, 65504.0, 5.960_464_477_539_063e-8, 6.103_515_625e-5].into()),
        );
        check(file("|u1", "(2,)", &[7, 255]), Values::Numbers(vec![7.0, 255.0].into()));
        check(
            file("<f4", "(1, 2)", &[0, 0, 128, 63, 0, 0, 0, 192]),
            Values::Arrays { shape: [1, 1, 2], numbers: vec![1.0, -2.0].into() },
        );
        check(
            file("|u1", "(1, 2, 2)", &[1, 2, 3, 4]),
            Values::Images { shape: [2, 2, 1], white: 255, bytes: vec![1, 2, 3, 4].into() },
        );
        // Two channels of five points each, as PyTorch has them.
        let bytes = vec![1, 6, 2, 7, 3, 8, 4, 9, 5, 10];
        check(
            file("|u1", "(1, 2, 1, 5)", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
            Values::Images { shape: [1, 5, 2], white: 255, bytes: bytes.into() },
        );
        let mut words = Values::words();
        ["ab", "c"].into_iter().for_each(|word| words.push_word(Some(word)));
        check(file("<U2", "(2,)", &[97, 0, 0, 0, 98, 0, 0, 0, 99, 0, 0, 0, 0, 0, 0, 0]), words.clone());
        check(file("|S2", "(2,)", b"abc\0"), words);
    }

    #[test]
    fn damage_is_told() {
        let check = |bytes: Vec<u8>, expected: &str| {
            assert_eq!(npy(&bytes).and_then(Array::values).err().as_deref(), Some(expected));
        };
        check(b"\x93NUMPY".to_vec(), "it is cut off");
        check(file("<f4", "(3,)", &[0; 8]), "its shape [3] is of 12 bytes, but there are 8");
        check(file("<f4", "(1,)", &[0; 8]), "its shape [1] is of 4 bytes, but there are more");
        check(
            file("|O", "(1,)", &[]),
            "its type is `|O`; objects are Python's own; convert it with .astype(str) or .astype(\"float32\")",
        );
        check(
            file(">f4", "(1,)", &[0; 4]),
            "its type is `>f4`; write it as little-endian numbers, with .astype(\"<f4\")",
        );
        check(
            file("<f8", "(99999999999, 99999999999)", &[]),
            "its shape [99999999999, 99999999999] is more than 8589934592 bytes",
        );
        check(
            file("<f4", "(1, 1, 1, 1, 1)", &[0; 4]),
            "its shape [1, 1, 1, 1, 1] is none of rows; one to four dimensions are known",
        );
    }

    #[test]
    fn answers_become_columns() {
        let array = |descriptor: &str, shape: &str, data: &[u8]| npy(&file(descriptor, shape, data));
        let check = |names: &[&str], classes: &[u8], expected: Result<&[&str], &str>| {
            let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
            let read = |name: &str| match name {
                "classes" => array("|S2", &format!("({},)", classes.len() / 2), classes),
                "data_crc32c" => array("<u4", "(1,)", &[7, 0, 0, 0]),
                _ => array("<f2", "(1, 2)", &[0x00, 0x3c, 0x00, 0xc0]),
            };
            let data = chosen(&names, &DataOptions::default(), read);
            let found = data.map(|data| match data {
                Data::Samples(samples) => samples
                    .rows
                    .columns()
                    .iter()
                    .map(|c| format!("{} {:?}", c.name, c.values.text(0)))
                    .collect(),
                Data::Episodes(_) => Vec::new(),
            });
            let expected = expected.map(|names| names.iter().map(|&name| name.to_owned()).collect());
            assert_eq!(found, expected.map_err(str::to_owned));
        };
        check(
            &["logits", "classes", "data_crc32c"],
            b"no",
            Err("array `logits`: it has 2 columns, but `classes` has 1 name"),
        );
        check(
            &["logits", "classes", "data_crc32c"],
            b"noya",
            Ok(&["logit(no) Some(\"1\")", "logit(ya) Some(\"-2\")", "data_crc32c Some(\"7\")"]),
        );
        check(&["probabilities"], b"", Ok(&["p(0) Some(\"1\")", "p(1) Some(\"-2\")"]));
        check(&["other"], b"", Err("which array has the inputs? add :inputs=NAME,label=NAME; it has other"));
    }

    #[test]
    fn arrays_that_are_no_answers_are_refused() {
        let options = DataOptions { is_of_answers: true, ..DataOptions::default() };
        let check = |name: &str, data: &[u8], expected: &str| {
            let read = |name: &str| match name {
                "classes" => npy(&file("|S2", "(2,)", b"noya")),
                _ => npy(&file("<f2", "(2, 2)", data)),
            };
            let found = chosen(&[name.to_owned(), "classes".to_owned()], &options, read);
            assert_eq!(found.err().as_deref(), Some(expected));
        };
        // 1 and -2; 1 and no number.
        let (row, nan) = ([0x00, 0x3c, 0x00, 0xc0], [0x00, 0x3c, 0x01, 0x7e]);
        check(
            "probabilities",
            &[row, nan].concat(),
            "array `probabilities`: row 2, p(ya): nan is no answer; to give those of the most probable \
             classes alone, write a table with empty cells",
        );
        let none = "it has no array `probabilities`, `logits` or `votes` of answers; it has x, classes";
        check("x", &[row, row].concat(), none);
        let single = Npy.read(&Bytes(&file("<f2", "(1, 2)", &row)), &options);
        let told = "a single array does not say which kind of answers it holds; save it with \
                    numpy.savez(FILE, probabilities=ARRAY, classes=NAMES), or logits= or votes=";
        assert_eq!(single.err().as_deref(), Some(told));
    }

    #[test]
    fn a_single_array_has_inputs_alone() {
        let data = Npy.read(&Bytes(&file("<f4", "(1, 1)", &[0; 4])), &DataOptions::default());
        let Ok(Data::Samples(samples)) = data else { panic!("{data:?}") };
        assert_eq!(samples.rows.columns()[0].name, "inputs");
    }
}
