//! Arrow's IPC files (format version 5), as far as recorded episodes need them: columns of integers,
//! floating-point numbers and truth values, lists of fixed size of these, and structures, in uncompressed
//! record batches.
//!
//! A file is `ARROW1`, messages, a footer with the places of the record batches, its length, and `ARROW1`. A
//! message is its metadata, a FlatBuffer, and a body with the buffers of all columns one after another: for
//! each a bitmap of what is not missing, which may be empty, and the values.
//!
//! Source: Apache Arrow's columnar format, `Schema.fbs`, `Message.fbs` and `File.fbs`.

use super::flat_buffer::{Field, Table, Vector, Writer};
use super::raw::{NumberKind, Raw};

const MAGIC: &[u8] = b"ARROW1";
/// Marks the beginning of a message.
const CONTINUATION: [u8; 4] = [0xff; 4];
/// The version of the metadata, V5.
const VERSION: i16 = 4;
/// `MessageHeader`.
const SCHEMA: u8 = 1;
const RECORD_BATCH: u8 = 3;
/// `Type`.
const INT: u8 = 2;
const FLOATING_POINT: u8 = 3;
const BOOL: u8 = 6;
const STRUCT: u8 = 13;
const FIXED_SIZE_LIST: u8 = 16;
/// The names of the others, for messages.
const OTHERS: [(u8, &str); 9] = [
    (1, "null"),
    (4, "binary"),
    (5, "text"),
    (7, "decimal"),
    (8, "date"),
    (10, "timestamp"),
    (12, "list"),
    (15, "fixed-size binary"),
    (17, "map"),
];
/// The most columns of a file, with those in them, and the deepest nesting.
const COLUMNS_MAX: usize = 1024;
const DEPTH_MAX: usize = 8;

/// The type of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    /// Numbers, or truth values.
    Number(NumberKind),
    /// So many values of a kind.
    List { length: usize, item: Box<Kind> },
    /// Columns by name.
    Struct(Vec<(String, Kind)>),
    /// Any other.
    Other(&'static str),
}

/// A column of a record batch.
#[derive(Clone, Debug)]
pub(super) enum Column<'a> {
    /// The numbers of all rows, and their count in a row.
    Numbers(Raw<'a>, usize),
    /// Columns by name.
    Struct(Vec<(String, Column<'a>)>),
}

/// The record batches of a file: of each, the columns of these names, in their order.
///
/// If it is damaged, one of the columns is missing, or it or one before it is of a type that is not read.
pub(super) fn read<'a, const N: usize>(
    bytes: &'a [u8],
    names: [&str; N],
) -> Result<Vec<[Column<'a>; N]>, String> {
    let cut = || "it is cut off".to_owned();
    let damaged = || "it is damaged: its parts do not fit together".to_owned();
    if !bytes.starts_with(MAGIC) {
        return Err("it is no Arrow file".to_owned());
    }
    let rest = bytes.strip_suffix(MAGIC).filter(|rest| rest.len() >= 12).ok_or_else(cut)?;
    let (rest, length) = rest.split_last_chunk::<4>().ok_or_else(cut)?;
    let length = usize::try_from(i32::from_le_bytes(*length)).map_err(|_| damaged())?;
    let footer = rest.len().checked_sub(length).and_then(|start| rest.get(start..)).ok_or_else(damaged)?;
    let footer = Table::root(footer).ok_or_else(damaged)?;
    let fields = footer.table(1).and_then(|schema| schema.vector(1)).ok_or_else(damaged)?;
    let mut budget = COLUMNS_MAX;
    let columns = (0..fields.length)
        .map(|i| column(fields.table(i).ok_or_else(damaged)?, DEPTH_MAX, &mut budget))
        .collect::<Result<Vec<_>, String>>()?;
    let Some(batches) = footer.vector(3) else { return Ok(Vec::new()) };
    let mut read = Vec::new();
    for i in 0..batches.length {
        let place = |at: usize| batches.i64(i, 24, at).and_then(|x| usize::try_from(x).ok());
        let metadata = batches.i32(i, 24, 8).and_then(|x| usize::try_from(x).ok());
        let (start, metadata, body) =
            (place(0).ok_or_else(damaged)?, metadata.ok_or_else(damaged)?, place(16).ok_or_else(damaged)?);
        let part = |from: usize, length: usize| {
            from.checked_add(length).and_then(|end| bytes.get(from..end)).ok_or_else(damaged)
        };
        let head = part(start, metadata)?;
        let head = head.strip_prefix(&CONTINUATION).unwrap_or(head).get(4..).ok_or_else(damaged)?;
        let body = part(start + metadata, body)?;
        read.push(batch(head, body, &columns, names)?);
    }
    Ok(read)
}

/// The name and type of a column.
fn column(field: Table<'_>, depth: usize, budget: &mut usize) -> Result<(String, Kind), String> {
    let damaged = || "it is damaged: a column has no type".to_owned();
    *budget = budget.checked_sub(1).ok_or_else(|| format!("it has more than {COLUMNS_MAX} columns"))?;
    let depth =
        depth.checked_sub(1).ok_or_else(|| format!("its columns are nested deeper than {DEPTH_MAX}"))?;
    let name = field.text(0).unwrap_or_default().to_owned();
    let about = field.table(3);
    let mut children = || -> Result<Vec<(String, Kind)>, String> {
        let Some(children) = field.vector(5) else { return Ok(Vec::new()) };
        (0..children.length).map(|i| column(children.table(i).ok_or_else(damaged)?, depth, budget)).collect()
    };
    // A dictionary has the type of its values, and stores indices.
    if field.table(4).is_some() {
        return Ok((name, Kind::Other("dictionary")));
    }
    let kind = match field.u8(2) {
        INT => {
            let about = about.ok_or_else(damaged)?;
            match about.i32(0) {
                bits @ (8 | 16 | 32 | 64) => {
                    Kind::Number(NumberKind::Int { bytes: bits as usize / 8, is_signed: about.u8(1) == 1 })
                }
                _ => return Err(damaged()),
            }
        }
        FLOATING_POINT => match about.ok_or_else(damaged)?.i16(0) {
            precision @ 0..=2 => Kind::Number(NumberKind::Float { bytes: 2 << precision }),
            _ => return Err(damaged()),
        },
        BOOL => Kind::Number(NumberKind::Bool),
        STRUCT => Kind::Struct(children()?),
        FIXED_SIZE_LIST => {
            let length = usize::try_from(about.ok_or_else(damaged)?.i32(0)).map_err(|_| damaged())?;
            let (_, item) = children()?.pop().ok_or_else(damaged)?;
            Kind::List { length, item: Box::new(item) }
        }
        other => {
            Kind::Other(OTHERS.iter().find(|(known, _)| *known == other).map_or("unknown", |(_, name)| name))
        }
    };
    Ok((name, kind))
}

/// The columns of a record batch that are asked for.
fn batch<'a, const N: usize>(
    head: &[u8],
    body: &'a [u8],
    columns: &[(String, Kind)],
    names: [&str; N],
) -> Result<[Column<'a>; N], String> {
    let damaged = || "it is damaged: its parts do not fit together".to_owned();
    let message = Table::root(head).filter(|message| message.u8(1) == RECORD_BATCH).ok_or_else(damaged)?;
    let batch = message.table(2).ok_or_else(damaged)?;
    if batch.table(3).is_some() {
        return Err(
            "it is compressed, which is not read; write it without compression, as Minari does".to_owned()
        );
    }
    let (nodes, buffers) = (batch.vector(1).ok_or_else(damaged)?, batch.vector(2).ok_or_else(damaged)?);
    let mut cursor = Cursor { body, nodes, buffers, node: 0, buffer: 0 };
    let mut found = [const { None }; N];
    for (name, kind) in columns {
        if found.iter().all(Option::is_some) {
            break;
        }
        let column = cursor.column(kind).map_err(|reason| format!("column `{name}` {reason}"))?;
        if let Some(i) = names.iter().position(|asked| asked == name) {
            found[i] = Some(column);
        }
    }
    if let Some(i) = found.iter().position(Option::is_none) {
        return Err(format!("it has no column `{}`", names[i]));
    }
    Ok(found.map(|column| column.expect("all were found")))
}

/// The lengths and buffers of a record batch, which are read in the order of the columns.
struct Cursor<'a, 'b> {
    body: &'a [u8],
    nodes: Vector<'b>,
    buffers: Vector<'b>,
    node: usize,
    buffer: usize,
}

impl<'a> Cursor<'a, '_> {
    /// The next buffer.
    fn buffer(&mut self) -> Option<&'a [u8]> {
        let place = |at: usize| usize::try_from(self.buffers.i64(self.buffer, 16, at)?).ok();
        let (start, length) = (place(0)?, place(8)?);
        self.buffer += 1;
        self.body.get(start..start.checked_add(length)?)
    }

    /// The next column.
    fn column(&mut self, kind: &Kind) -> Result<Column<'a>, String> {
        let damaged = || "is damaged: its parts do not fit together".to_owned();
        if let Kind::Other(name) = kind {
            return Err(format!("is of type {name}, which is not read"));
        }
        let length = self.nodes.i64(self.node, 16, 0).and_then(|length| usize::try_from(length).ok());
        let (length, missing) = (length.ok_or_else(damaged)?, self.nodes.i64(self.node, 16, 8));
        self.node += 1;
        if missing.ok_or_else(damaged)? != 0 {
            return Err("has missing values, which are not read".to_owned());
        }
        // The bitmap of what is not missing.
        self.buffer().ok_or_else(damaged)?;
        match kind {
            Kind::Number(NumberKind::Bool) => {
                let bits =
                    self.buffer().filter(|bits| bits.len() >= length.div_ceil(8)).ok_or_else(damaged)?;
                let truths: Vec<u8> = (0..length).map(|i| bits[i / 8] >> (i % 8) & 1).collect();
                Ok(Column::Numbers(Raw::new(NumberKind::Bool, truths), 1))
            }
            Kind::Number(number) => {
                let size = length.checked_mul(number.size()).ok_or_else(damaged)?;
                let bytes = self.buffer().and_then(|bytes| bytes.get(..size)).ok_or_else(damaged)?;
                Ok(Column::Numbers(Raw::new(*number, bytes), 1))
            }
            Kind::List { length: width, item } => match self.column(item)? {
                Column::Numbers(raw, 1) if Some(raw.count()) == length.checked_mul(*width) => {
                    Ok(Column::Numbers(raw, *width))
                }
                Column::Numbers(_, 1) => Err(damaged()),
                _ => Err("has lists of something else than numbers, which are not read".to_owned()),
            },
            Kind::Struct(columns) => {
                let columns = columns.iter().map(|(name, kind)| Ok((name.clone(), self.column(kind)?)));
                Ok(Column::Struct(columns.collect::<Result<_, String>>()?))
            }
            Kind::Other(_) => unreachable!("refused above"),
        }
    }
}

impl<'a> Column<'a> {
    /// Its numbers, or those of its columns, of which each row has so many.
    ///
    /// # Errors
    /// If it has another count.
    pub(super) fn into_parts(self, width: usize) -> Result<Vec<Raw<'a>>, String> {
        match self {
            Self::Numbers(raw, own) if own == width => Ok(vec![raw]),
            Self::Numbers(_, own) => Err(format!("it has {own} in a row, not {width}")),
            Self::Struct(columns) => {
                let parts = columns.into_iter().map(|(_, column)| column.into_parts(width));
                Ok(parts.collect::<Result<Vec<_>, String>>()?.concat())
            }
        }
    }

    /// The count of its rows.
    pub(super) fn rows(&self) -> usize {
        match self {
            Self::Numbers(_, 0) => 0,
            Self::Numbers(raw, width) => raw.count() / width,
            Self::Struct(columns) => columns.first().map_or(0, |(_, column)| column.rows()),
        }
    }
}

/// A column that is written.
pub(super) struct Written<'a> {
    pub(super) name: &'a str,
    /// The count of numbers in a row, if they are a list.
    pub(super) list: Option<usize>,
    /// The numbers, or the columns of a structure with their names.
    pub(super) values: WrittenValues<'a>,
}

/// The values of a column that is written.
pub(super) enum WrittenValues<'a> {
    Numbers(&'a Raw<'a>),
    Struct(Vec<(String, &'a Raw<'a>)>),
}

/// A file of one record batch of so many rows.
pub(super) fn write(columns: &[Written<'_>], rows: usize) -> Vec<u8> {
    let mut file = [MAGIC, &[0, 0]].concat();
    let mut writer = Writer::new();
    let header = writer.table(0, &[Field::I16(VERSION), Field::U8(SCHEMA), Field::Pointer, Field::I64(0)]);
    write_schema(&mut writer, header[0], columns);
    append_message(&mut file, writer);

    let mut body = Body::default();
    columns.iter().for_each(|column| body.column(column, rows));
    let mut writer = Writer::new();
    let length = body.bytes.len() as i64;
    let header =
        writer.table(0, &[Field::I16(VERSION), Field::U8(RECORD_BATCH), Field::Pointer, Field::I64(length)]);
    let batch = writer.table(header[0], &[Field::I64(rows as i64), Field::Pointer, Field::Pointer]);
    writer.structures(batch[0], &body.nodes, 2);
    writer.structures(batch[1], &body.buffers, 2);
    let start = file.len();
    append_message(&mut file, writer);
    let metadata = file.len() - start;
    file.extend_from_slice(&body.bytes);
    // The end of the stream.
    file.extend_from_slice(&CONTINUATION);
    file.extend_from_slice(&[0; 4]);

    let mut writer = Writer::new();
    let footer = writer.table(0, &[Field::I16(VERSION), Field::Pointer, Field::Pointer, Field::Pointer]);
    write_schema(&mut writer, footer[0], columns);
    writer.structures(footer[1], &[], 3);
    writer.structures(footer[2], &[start as i64, metadata as i64, length], 3);
    let footer = writer.finish();
    file.extend_from_slice(&footer);
    file.extend_from_slice(&(footer.len() as u32).to_le_bytes());
    file.extend_from_slice(MAGIC);
    file
}

/// Appends the metadata of a message.
fn append_message(file: &mut Vec<u8>, writer: Writer) {
    let metadata = writer.finish();
    file.extend_from_slice(&CONTINUATION);
    file.extend_from_slice(&(metadata.len() as u32).to_le_bytes());
    file.extend_from_slice(&metadata);
}

/// Writes the schema that a pointer leads to.
fn write_schema(writer: &mut Writer, pointer: usize, columns: &[Written<'_>]) {
    let schema = writer.table(pointer, &[Field::Default, Field::Pointer]);
    let places = writer.pointers(schema[0], columns.len());
    for (column, place) in columns.iter().zip(places) {
        match (&column.values, column.list) {
            (WrittenValues::Numbers(raw), None) => write_field(writer, place, column.name, raw.kind),
            (WrittenValues::Numbers(raw), Some(width)) => {
                let about = [Field::I32(width as i32)];
                let children = write_nested(writer, place, column.name, (FIXED_SIZE_LIST, &about), 1);
                write_field(writer, children[0], "item", raw.kind);
            }
            (WrittenValues::Struct(parts), _) => {
                let children = write_nested(writer, place, column.name, (STRUCT, &[]), parts.len());
                for ((name, raw), place) in parts.iter().zip(children) {
                    write_field(writer, place, name, raw.kind);
                }
            }
        }
    }
}

/// Writes the description of a column of numbers.
fn write_field(writer: &mut Writer, pointer: usize, name: &str, kind: NumberKind) {
    let (id, about) = match kind {
        NumberKind::Int { bytes, is_signed } => {
            (INT, vec![Field::I32(8 * bytes as i32), Field::U8(u8::from(is_signed))])
        }
        NumberKind::Float { bytes } => (FLOATING_POINT, vec![Field::I16(bytes.ilog2() as i16 - 1)]),
        NumberKind::Bool => (BOOL, Vec::new()),
    };
    write_nested(writer, pointer, name, (id, &about), 0);
}

/// Writes the description of a column with so many columns in it. Returns the places of their pointers.
fn write_nested(
    writer: &mut Writer,
    pointer: usize,
    name: &str,
    (id, about): (u8, &[Field]),
    children: usize,
) -> Vec<usize> {
    let fields =
        [Field::Pointer, Field::U8(1), Field::U8(id), Field::Pointer, Field::Default, Field::Pointer];
    let places = writer.table(pointer, &fields);
    writer.text(places[0], name);
    writer.table(places[1], about);
    writer.pointers(places[2], children)
}

/// The body of a record batch, with the lengths and places of its parts.
#[derive(Default)]
struct Body {
    bytes: Vec<u8>,
    /// Rows, and missing ones, of each column.
    nodes: Vec<i64>,
    /// Places and lengths.
    buffers: Vec<i64>,
}

impl Body {
    fn column(&mut self, column: &Written<'_>, rows: usize) {
        match (&column.values, column.list) {
            (WrittenValues::Numbers(raw), None) => self.numbers(raw, rows),
            (WrittenValues::Numbers(raw), Some(width)) => {
                self.node(rows);
                self.numbers(raw, rows * width);
            }
            (WrittenValues::Struct(parts), _) => {
                self.node(rows);
                parts.iter().for_each(|(_, raw)| self.numbers(raw, rows));
            }
        }
    }

    /// A column of so many rows, none of which is missing.
    fn node(&mut self, rows: usize) {
        self.nodes.extend([rows as i64, 0]);
        self.buffer(&[]);
    }

    fn numbers(&mut self, raw: &Raw<'_>, rows: usize) {
        assert_eq!(raw.count(), rows, "as many numbers as rows");
        self.node(rows);
        match raw.kind {
            NumberKind::Bool => {
                let bits = |truths: &[u8]| truths.iter().rev().fold(0, |byte, truth| byte << 1 | truth);
                self.buffer(&raw.bytes.chunks(8).map(bits).collect::<Vec<u8>>());
            }
            _ => self.buffer(&raw.bytes),
        }
    }

    fn buffer(&mut self, bytes: &[u8]) {
        self.buffers.extend([self.bytes.len() as i64, bytes.len() as i64]);
        self.bytes.extend_from_slice(bytes);
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An episode of FrozenLake of 12 steps, written by Minari 0.5.4 with pyarrow 26.
    const LAKE: &[u8] = include_bytes!("../../../../../testdata/fuzz/minari/valid-lake.arrow");

    fn numbers(column: &Column<'_>) -> Vec<f64> {
        let Column::Numbers(raw, _) = column else { panic!("numbers") };
        let mut numbers = Vec::new();
        raw.for_each(0..raw.count(), |x| numbers.push(x));
        numbers
    }

    #[test]
    fn what_is_written_is_read() {
        let floats: Vec<u8> = (0..6).flat_map(|i| (i as f32 + 0.5).to_le_bytes()).collect();
        let floats = Raw::new(NumberKind::Float { bytes: 4 }, floats);
        let whole: Vec<u8> = [-1_i64, 5, 7].iter().flat_map(|x| x.to_le_bytes()).collect();
        let whole = Raw::new(NumberKind::Int { bytes: 8, is_signed: true }, whole);
        let truths = Raw::new(NumberKind::Bool, vec![1, 0, 1]);
        let parts = vec![("0".to_owned(), &whole), ("1".to_owned(), &truths)];
        let file = write(
            &[
                Written { name: "lists", list: Some(2), values: WrittenValues::Numbers(&floats) },
                Written { name: "parts", list: None, values: WrittenValues::Struct(parts) },
                Written { name: "truths", list: None, values: WrittenValues::Numbers(&truths) },
            ],
            3,
        );
        let batches = read(&file, ["truths", "lists", "parts"]).unwrap();
        let [truths, lists, Column::Struct(parts)] = &batches[0] else { panic!("{batches:?}") };
        assert_eq!((numbers(truths), truths.rows()), (vec![1.0, 0.0, 1.0], 3));
        assert_eq!((numbers(lists), lists.rows()), (vec![0.5, 1.5, 2.5, 3.5, 4.5, 5.5], 3));
        assert_eq!((numbers(&parts[0].1), numbers(&parts[1].1)), (vec![-1.0, 5.0, 7.0], vec![1.0, 0.0, 1.0]));
        assert_eq!(read(&file, ["other"]).unwrap_err(), "it has no column `other`");
    }

    #[test]
    fn damage_is_told() {
        let check = |bytes: &[u8], expected: &str| {
            assert_eq!(read(bytes, ["observations", "infos"]).map(|_| ()).unwrap_err(), expected);
        };
        check(b"PAR1", "it is no Arrow file");
        check(b"ARROW1", "it is cut off");
        check(&LAKE[..LAKE.len() - 1], "it is cut off");
        check(&[&LAKE[..LAKE.len() / 2], MAGIC].concat(), "it is damaged: its parts do not fit together");
    }
}
