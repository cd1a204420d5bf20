//! The columns of a Parquet table, read with the crate `parquet`.

use super::caught::caught;
use super::episodes::raw::half;
use super::frame::{Column, Values};
use super::preprocessing::is_answer;
use super::source::DataOptions;
use parquet::basic::{ConvertedType, LogicalType};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;
use potstill_core::Stored;

/// Rows that are decoded at a time.
const BATCH: usize = 1 << 14;
/// The most bytes of a table, decompressed.
const BYTES_MAX: i64 = 1 << 33;
/// The name of a column that pandas makes of an index.
const INDEX: &str = "__index_level_";

/// The columns of a file, of which at most as many bytes as the options say are held in memory, beside the file itself.
///
/// # Errors
/// If it is damaged, or has other than flat columns of numbers, truths and text.
pub(super) fn table(bytes: Vec<u8>, options: &DataOptions) -> Result<Vec<Column>, String> {
    caught(|| columns(bytes, options))
}

fn columns(bytes: Vec<u8>, options: &DataOptions) -> Result<Vec<Column>, String> {
    let file = SerializedFileReader::new(bytes::Bytes::from(bytes)).map_err(|error| damaged(&error))?;
    let metadata = file.metadata();
    let (mut size, mut rows) = (0_i64, 0_i64);
    for group in metadata.row_groups() {
        (size, rows) = (
            size.saturating_add(group.total_byte_size().max(0)),
            rows.saturating_add(group.num_rows().max(0)),
        );
    }
    if size > BYTES_MAX || rows > BYTES_MAX {
        return Err(format!("it says that it has {rows} rows of {size} bytes, more than {BYTES_MAX}"));
    }
    let schema = metadata.file_metadata().schema_descr();
    let limit = options.memory / schema.num_columns().max(1);
    let mut columns = Vec::new();
    for (i, descriptor) in schema.columns().iter().enumerate() {
        let name = descriptor.path().string();
        if name.starts_with(INDEX) {
            continue;
        }
        let refuses_nan = options.is_of_answers && is_answer(&name);
        let values = column(&file, i, descriptor, (limit, refuses_nan));
        let values = values.map_err(|reason| format!("column `{name}`: {reason}"))?;
        columns.push(Column::new(&name, values));
    }
    Ok(columns)
}

fn damaged(error: &ParquetError) -> String {
    let text = error.to_string();
    match text.contains("Disabled feature") {
        true => {
            format!("its compression is not in this build ({text}); write it with compression=\"snappy\"")
        }
        false => format!("it is damaged: {text}"),
    }
}

/// The values of a column, of all parts of the file; at most `limit` bytes of them in memory.
fn column(
    file: &SerializedFileReader<bytes::Bytes>,
    place: usize,
    descriptor: &ColumnDescriptor,
    (limit, refuses_nan): (usize, bool),
) -> Result<Values, String> {
    if descriptor.max_rep_level() > 0 {
        return Err("it has lists; only single values are read, one column for each".to_owned());
    }
    let mut values: Option<Values> = None;
    for group in 0..file.num_row_groups() {
        let group = file.get_row_group(group).map_err(|error| damaged(&error))?;
        let reader = group.get_column_reader(place).map_err(|error| damaged(&error))?;
        part(reader, descriptor, &mut Sink { values: &mut values, limit, refuses_nan })?;
    }
    values.ok_or_else(|| "it has no rows".to_owned())
}

/// The values of a column that is being read: none before its first part.
struct Sink<'a> {
    values: &'a mut Option<Values>,
    /// The most bytes in memory.
    limit: usize,
    /// True for a teacher's answers, of which one that is not a number is no missing one.
    refuses_nan: bool,
}

impl Sink<'_> {
    fn numbers(&mut self) -> Result<&mut Stored<f64>, String> {
        let limit = self.limit;
        match self.values.get_or_insert_with(|| Values::numbers_below(limit)) {
            Values::Numbers(numbers) => Ok(numbers),
            _ => Err("it changes its kind".to_owned()),
        }
    }

    fn words(&mut self) -> Result<&mut Values, String> {
        let limit = self.limit;
        match self.values.get_or_insert_with(|| Values::words_below(limit)) {
            words @ Values::Words(_) => Ok(words),
            _ => Err("it changes its kind".to_owned()),
        }
    }
}

/// Reads the values of a column in a part of the file.
fn part(reader: ColumnReader, descriptor: &ColumnDescriptor, sink: &mut Sink<'_>) -> Result<(), String> {
    let is_decimal = matches!(descriptor.logical_type_ref(), Some(LogicalType::Decimal { .. }))
        || descriptor.converted_type() == ConvertedType::DECIMAL;
    let scale = if is_decimal { descriptor.type_scale() } else { 0 };
    let unit = (0..scale.clamp(0, 300)).fold(1.0, |unit, _| unit * 10.0);
    let unsigned = matches!(
        descriptor.converted_type(),
        ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32 | ConvertedType::UINT_64
    ) || matches!(descriptor.logical_type_ref(), Some(LogicalType::Integer(kind)) if !kind.is_signed);
    let is_half = matches!(descriptor.logical_type_ref(), Some(LogicalType::Float16));
    match reader {
        ColumnReader::BoolColumnReader(reader) => {
            words(reader, descriptor, sink, |&truth| Ok(if truth { "true" } else { "false" }.to_owned()))
        }
        ColumnReader::Int32ColumnReader(reader) => numbers(reader, descriptor, sink, |&x| {
            Ok(if unsigned { f64::from(x as u32) } else { f64::from(x) / unit })
        }),
        ColumnReader::Int64ColumnReader(reader) => numbers(reader, descriptor, sink, |&x| {
            Ok(if unsigned { x as u64 as f64 } else { x as f64 / unit })
        }),
        ColumnReader::FloatColumnReader(reader) => numbers(reader, descriptor, sink, |&x| Ok(f64::from(x))),
        ColumnReader::DoubleColumnReader(reader) => numbers(reader, descriptor, sink, |&x| Ok(x)),
        ColumnReader::ByteArrayColumnReader(reader) if is_decimal => {
            numbers(reader, descriptor, sink, |x| Ok(decimal(x.data()) / unit))
        }
        ColumnReader::ByteArrayColumnReader(reader) => words(reader, descriptor, sink, |bytes| {
            let text = std::str::from_utf8(bytes.data());
            text.map(str::to_owned).map_err(|_| "it has bytes that are no UTF-8 text".to_owned())
        }),
        ColumnReader::FixedLenByteArrayColumnReader(reader) if is_decimal => {
            numbers(reader, descriptor, sink, |x| Ok(decimal(x.data()) / unit))
        }
        ColumnReader::FixedLenByteArrayColumnReader(reader) if is_half => {
            numbers(reader, descriptor, sink, |x| match *x.data() {
                [low, high] => Ok(half(u16::from_le_bytes([low, high]))),
                _ => Err("a half precision number has two bytes".to_owned()),
            })
        }
        ColumnReader::FixedLenByteArrayColumnReader(_) => {
            Err("it has bytes of a fixed length; numbers and text are read".to_owned())
        }
        ColumnReader::Int96ColumnReader(_) => {
            Err("it has times of an old form (INT96); write them as numbers".to_owned())
        }
    }
}

/// A whole number in two's complement, the most significant byte first.
fn decimal(bytes: &[u8]) -> f64 {
    let negative = bytes.first().is_some_and(|&byte| byte >= 0x80);
    let magnitude = bytes.iter().fold(0.0, |sum: f64, &byte| sum * 256.0 + f64::from(byte));
    let whole = (0..bytes.len()).fold(1.0, |power: f64, _| power * 256.0);
    if negative { magnitude - whole } else { magnitude }
}

/// Calls `take` with every value of a column, or nothing where there is none.
fn each<T: DataType>(
    mut reader: ColumnReaderImpl<T>,
    descriptor: &ColumnDescriptor,
    mut take: impl FnMut(Option<&T::T>) -> Result<(), String>,
) -> Result<(), String> {
    let present = descriptor.max_def_level();
    let (mut levels, mut values) = (Vec::new(), Vec::new());
    loop {
        levels.clear();
        values.clear();
        let (rows, ..) = reader
            .read_records(BATCH, Some(&mut levels), None, &mut values)
            .map_err(|error| damaged(&error))?;
        if rows == 0 {
            return Ok(());
        }
        let mut values = values.iter();
        let missing = || "it is damaged: a value is missing".to_owned();
        for row in 0..rows {
            let is_present = present == 0 || levels.get(row) == Some(&present);
            take(if is_present { Some(values.next().ok_or_else(missing)?) } else { None })?;
        }
    }
}

fn numbers<T: DataType>(
    reader: ColumnReaderImpl<T>,
    descriptor: &ColumnDescriptor,
    sink: &mut Sink<'_>,
    number: impl Fn(&T::T) -> Result<f64, String>,
) -> Result<(), String> {
    let refuses_nan = sink.refuses_nan;
    let all = sink.numbers()?;
    let mut numbers = Vec::with_capacity(BATCH);
    each(reader, descriptor, |value| {
        let x = value.map_or(Ok(f64::NAN), &number)?;
        if refuses_nan && value.is_some() && x.is_nan() {
            return Err(format!(
                "row {}: nan is no answer; leave it out (null) if the class is not among the most probable ones that are known",
                all.len() + numbers.len() + 1
            ));
        }
        if x.is_infinite() {
            return Err(format!("row {}: it is {x}", all.len() + numbers.len() + 1));
        }
        numbers.push(x);
        if numbers.len() == BATCH {
            all.extend_from_slice(&numbers);
            numbers.clear();
        }
        Ok(())
    })?;
    all.extend_from_slice(&numbers);
    Ok(())
}

fn words<T: DataType>(
    reader: ColumnReaderImpl<T>,
    descriptor: &ColumnDescriptor,
    sink: &mut Sink<'_>,
    word: impl Fn(&T::T) -> Result<String, String>,
) -> Result<(), String> {
    let all = sink.words()?;
    each(reader, descriptor, |value| {
        let word = value.map(&word).transpose()?;
        all.push_word(word.as_deref());
        Ok(())
    })
}
