//! Tables of text: a row a line, values separated by commas, semicolons, tabs or bars (RFC 4180), perhaps compressed.
//!
//! The first line names the columns. A column whose values are all numbers holds numbers, any other words. Blanks around a
//! value do not count; a value of nothing, `NA`, `N/A`, `NaN`, `null`, `None` or `?` is missing. Numbers are those of Rust and
//! Python, without grouping.

use super::content::{Content, unreadable};
use super::frame::{Column, DataFrame, Values};
use super::preprocessing::is_answer;
use super::reader::{Data, Head, Reader};
use super::rows::Rows;
use super::source::DataOptions;
use crate::words::counted;
use std::io::Read;

/// The format.
#[derive(Clone, Copy, Debug)]
pub(super) struct Csv;

const DELIMITERS: [u8; 4] = *b",;\t|";
const MISSING: [&[u8]; 9] = [b"", b"NA", b"N/A", b"NaN", b"nan", b"null", b"NULL", b"None", b"?"];

impl Reader for Csv {
    fn name(&self) -> &'static str {
        "csv"
    }

    fn summary(&self) -> &'static str {
        "a table of text, such as CSV"
    }

    fn recognizes(&self, head: &Head<'_>) -> bool {
        match head {
            Head::File(bytes) => {
                let line = first_line(bytes);
                !bytes.contains(&0)
                    && (delimiter(line).is_some() || is_name(line) || no_names(line).is_some())
            }
            Head::Folder(_) => false,
        }
    }

    fn read(&self, content: &dyn Content, options: &DataOptions) -> Result<Data, String> {
        let head = content.head().map_err(unreadable)?;
        let first = first_line(&head);
        if let Some(reason) = no_names(first) {
            return Err(reason);
        }
        let delimiter = delimiter(first).unwrap_or(b',');
        let mut kinds = Vec::new();
        // Most columns of words begin with one.
        let mut rows_max = FIRST_ROWS;
        loop {
            let reader = content.inflated().map_err(unreadable)?;
            match columns(reader, delimiter, (options, rows_max), &mut kinds)? {
                Some(columns) => return DataFrame::new(columns).map(Data::rows),
                // A column of numbers has a word further down: from the beginning.
                None => rows_max = u64::MAX,
            }
        }
    }
}

fn first_line(bytes: &[u8]) -> &[u8] {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    // An end of line in quotation marks is part of a name.
    let mut is_quoted = false;
    let end = text.iter().position(|&byte| {
        is_quoted ^= byte == b'"';
        !is_quoted && (byte == b'\n' || byte == b'\r')
    });
    &text[..end.unwrap_or(text.len())]
}

/// The most frequent delimiter of a line, outside of quotation marks.
fn delimiter(line: &[u8]) -> Option<u8> {
    let mut is_quoted = false;
    let mut counts = [0_usize; DELIMITERS.len()];
    for &byte in line {
        is_quoted ^= byte == b'"';
        if let Some(i) = DELIMITERS.iter().position(|&delimiter| delimiter == byte && !is_quoted) {
            counts[i] += 1;
        }
    }
    // The first of equals.
    let most = counts.into_iter().max().filter(|&most| most > 0)?;
    counts.iter().position(|&count| count == most).map(|i| DELIMITERS[i])
}

/// The reason for which a first line has no names of columns.
fn no_names(line: &[u8]) -> Option<String> {
    if line.trim_ascii_start().starts_with(b"#") {
        return Some("line 1 is a comment; remove the lines before the names of the columns".to_owned());
    }
    let separates = line.strip_prefix(b"sep=").is_some_and(|rest| rest.len() <= 1);
    separates.then(|| "line 1 is a note on separators for Excel; remove it".to_owned())
}

/// Returns true for the name of a single column: letters, digits and what joins them.
fn is_name(line: &[u8]) -> bool {
    let joins = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | ' ' | '"' | '(' | ')');
    let name = std::str::from_utf8(line).unwrap_or_default().trim();
    !name.is_empty() && name.chars().all(joins)
}

/// Rows after which reading begins again, if a column has turned out to hold words by then.
const FIRST_ROWS: u64 = 1000;

/// The kind of a column's values.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Numbers,
    Words,
}

/// Reads all rows; none if a column of numbers was found to hold words, which `kinds` then says. After so many rows with one it
/// does not go on.
fn columns(
    reader: impl Read,
    delimiter: u8,
    (options, rows_max): (&DataOptions, u64),
    kinds: &mut Vec<Kind>,
) -> Result<Option<Vec<Column>>, String> {
    let mut rows = Rows::new(reader, delimiter)?;
    if !rows.advance()? {
        return Err("it is empty".to_owned());
    }
    let has_header = options.header;
    let names = header(&rows, has_header)?;
    let is_text: Vec<bool> = names.iter().map(|name| Some(name) == options.text.as_ref()).collect();
    let is_of_answers: Vec<bool> =
        names.iter().map(|name| options.is_of_answers && is_answer(name)).collect();
    kinds.resize(names.len(), Kind::Numbers);
    kinds.iter_mut().zip(&is_text).filter(|(_, is_text)| **is_text).for_each(|(kind, _)| *kind = Kind::Words);
    let known = kinds.clone();
    let limit = options.memory / names.len().max(1);
    let empty = |kind: &Kind| match kind {
        Kind::Numbers => Values::numbers_below(limit),
        Kind::Words => Values::words_below(limit),
    };
    let mut values: Vec<Values> = known.iter().map(empty).collect();
    let mut is_more = !has_header || rows.advance()?;
    // A column of numbers has turned out to hold words.
    let (mut count, mut has_words) = (0_u64, false);
    while is_more {
        let line = rows.line();
        if rows.len() != names.len() {
            return Err(format!(
                "line {line}: {}, but {}; is a value with a delimiter in it without quotation marks?",
                counted(rows.len(), "value"),
                match names.len() {
                    1 => "there is 1 column".to_owned(),
                    columns => format!("there are {columns} columns"),
                }
            ));
        }
        for (i, field) in rows.values().enumerate() {
            let field = field.trim_ascii();
            if is_of_answers[i] && field.eq_ignore_ascii_case(b"nan") {
                return Err(format!(
                    "line {line}, column `{}`: nan is no answer; leave the cell empty if the class is not \
                     among the most probable ones that are known",
                    names[i]
                ));
            }
            match &mut values[i] {
                Values::Numbers(numbers) => match number(field) {
                    Some(x) if x.is_infinite() => {
                        return Err(format!("line {line}, column `{}`: {x} is not finite", names[i]));
                    }
                    Some(x) => numbers.push(x),
                    None => {
                        (kinds[i], has_words) = (Kind::Words, true);
                        numbers.push(f64::NAN);
                    }
                },
                words => {
                    let text = || std::str::from_utf8(field).map_err(|_| not_utf8(line));
                    // An empty text is one, and `None` too.
                    let is_missing = !is_text[i] && MISSING.contains(&field);
                    words.push_word(if is_missing { None } else { Some(text()?) });
                }
            }
        }
        count += 1;
        is_more = (count < rows_max || !has_words) && rows.advance()?;
    }
    if has_words {
        return Ok(None);
    }
    let column = |(name, values): (String, Values)| Column { name, values };
    Ok(Some(names.into_iter().zip(values).map(column).collect()))
}

fn not_utf8(line: u64) -> String {
    format!("line {line}: its text is not UTF-8; save it as UTF-8")
}

/// The names of the columns.
fn header(first: &Rows<impl Read>, has_header: bool) -> Result<Vec<String>, String> {
    if !has_header {
        return Ok((1..=first.len()).map(|i| format!("column{i}")).collect());
    }
    if first.values().all(|field| number(field.trim_ascii()).is_some_and(|x| !x.is_nan())) {
        return Err(
            "line 1: all names of columns are numbers; if it has no names, add header=false".to_owned()
        );
    }
    let name = |(i, field): (usize, &[u8])| match std::str::from_utf8(field) {
        Ok(name) => {
            let name = name.trim();
            Ok(if name.is_empty() { format!("column{}", i + 1) } else { name.to_owned() })
        }
        Err(_) => Err(not_utf8(1)),
    };
    first.values().enumerate().map(name).collect()
}

/// The number that a field is: NaN if it is missing, none if it is a word.
fn number(field: &[u8]) -> Option<f64> {
    if let Some(x) = short_decimal(field) {
        return Some(x);
    }
    if MISSING.contains(&field) {
        return Some(f64::NAN);
    }
    let text = std::str::from_utf8(field).ok()?;
    text.parse().ok().filter(|x: &f64| !x.is_nan())
}

/// A decimal number of at most fifteen digits and without exponent, which one division of exact numbers rounds correctly.
///
/// All digits are taken at once, as the bytes of a word (Lemire 2021, "Number parsing at a gigabyte per second"): a loop
/// over them would be mispredicted at nearly every value.
fn short_decimal(field: &[u8]) -> Option<f64> {
    const WORD: usize = size_of::<u128>();
    const POWERS: [f64; WORD] =
        [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];
    let of_each = |byte: u8| u128::from_le_bytes([byte; WORD]);
    let is_negative = field.first() == Some(&b'-');
    let digits = &field[usize::from(is_negative)..];
    if digits.len() > WORD {
        return None;
    }
    let mut padded = [b'0'; WORD];
    padded[WORD - digits.len()..].copy_from_slice(digits);
    // Each byte less the digit 0; the first byte is the lowest.
    let mut word = u128::from_le_bytes(padded) ^ of_each(b'0');
    let (mut count, mut decimals) = (digits.len(), 0);
    let apart = word ^ of_each(b'.' ^ b'0');
    let points = apart.wrapping_sub(of_each(1)) & !apart & of_each(0x80);
    if points != 0 {
        // Digits before the point move over it.
        let point = points.trailing_zeros() / 8;
        let before = (1 << (8 * point)) - 1;
        word = (word & !before & !(0xff << (8 * point))) | ((word & before) << 8);
        decimals = WORD - 1 - point as usize;
        count -= 1;
    }
    let above_nine = (word | (word & of_each(0x7f)).wrapping_add(of_each(0x76))) & of_each(0x80);
    if above_nine != 0 || !(1..WORD).contains(&count) {
        return None;
    }
    let mantissa = 100_000_000 * eight_digits(word as u64) + eight_digits((word >> 64) as u64);
    let x = mantissa as f64 / POWERS[decimals];
    Some(f64::from_bits(x.to_bits() | u64::from(is_negative) << 63))
}

/// The number of eight digits, one in each byte, the first in the lowest.
const fn eight_digits(digits: u64) -> u64 {
    const PAIRS: u64 = 0x0000_00ff_0000_00ff;
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
    let first = (pairs & PAIRS).wrapping_mul(0x000f_4240_0000_0064);
    let second = ((pairs >> 16) & PAIRS).wrapping_mul(0x0000_2710_0000_0001);
    first.wrapping_add(second) >> 32
}

#[cfg(test)]
mod tests {
    use super::super::content::Bytes;
    use super::*;

    fn frame(text: &str, options: &DataOptions) -> Result<DataFrame, String> {
        Csv.read(&Bytes(text.as_bytes()), options).map(|data| match data {
            Data::Samples(samples) => samples.rows,
            Data::Episodes(_) => panic!("{text:?} has no episodes"),
        })
    }

    #[test]
    fn numbers_are_those_of_the_standard_library() {
        for text in [
            "0",
            "-0",
            "1",
            "-1.5",
            ".5",
            "5.",
            "123456789.012345",
            "0.1",
            "999999999999999",
            "1234567890123456",
            "-123456789012.345",
            "0.00000000000001",
            "9.87654321",
            "1e300",
            "-2E-3",
        ] {
            let expected: f64 = text.parse().unwrap();
            assert_eq!(number(text.as_bytes()).map(f64::to_bits), Some(expected.to_bits()), "{text}");
        }
        for text in ["", "NA", "?", "nan", "NaN"] {
            assert!(number(text.as_bytes()).is_some_and(f64::is_nan), "{text}");
        }
        for text in [
            "-", ".", "1,5", "abc", "1.2.3", "0x10", "1_000", "--1", "1.2.", "..1", "1/2", "1:2", "+-1",
            "\u{b1}1",
        ] {
            assert_eq!(number(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn tables_are_read_however_they_are_written() {
        let check = |text: &str, expected: [[&str; 2]; 2]| {
            let frame =
                frame(text, &DataOptions::default()).unwrap_or_else(|error| panic!("{text:?}: {error}"));
            let names: Vec<&str> = frame.columns().iter().map(|column| column.name.as_str()).collect();
            assert_eq!(names, ["a", "b"], "{text:?}");
            for (row, expected) in expected.iter().enumerate() {
                let found: Vec<_> = frame.columns().iter().map(|column| column.values.text(row)).collect();
                let expected: Vec<_> =
                    expected.iter().map(|text| (*text != "-").then(|| text.to_string())).collect();
                assert_eq!(found, expected, "{text:?}, row {row}");
            }
            assert_eq!(frame.rows(), 2, "{text:?}");
        };
        check("a,b\n1,x\n2,y\n", [["1", "x"], ["2", "y"]]);
        check("a,b\r\n1,x\r\n2,y", [["1", "x"], ["2", "y"]]);
        check("\u{feff}a,b\n1,x\n\n2,y\n\n", [["1", "x"], ["2", "y"]]);
        check("\u{feff}\"a\",b\n1,x\n2,y\n", [["1", "x"], ["2", "y"]]);
        check("a;b\n1,5;x\n2,5;y\n", [["1,5", "x"], ["2,5", "y"]]);
        check("a\tb\n1\tx y\n2\tz\n", [["1", "x y"], ["2", "z"]]);
        check("a , b\n 1 , x\n 2 , y \n", [["1", "x"], ["2", "y"]]);
        check("a,b\n1,\"x,y\"\n2,\"he said \"\"no\"\"\"\n", [["1", "x,y"], ["2", "he said \"no\""]]);
        check("a,b\n1,\"x\ny\"\n2,z\n", [["1", "x\ny"], ["2", "z"]]);
        // The last byte of this letter is that of a mark of the order of bytes.
        check("a\tb\n1\t\u{43f}\"q\" r\n2\tz\n", [["1", "\u{43f}\"q\" r"], ["2", "z"]]);
        check("a,b\n,x\nNA,?\n", [["-", "x"], ["-", "-"]]);
        // A word after a number: a column of words, with the numbers as they were written.
        check("a,b\n007,1\nx,2\n", [["007", "1"], ["x", "2"]]);
    }

    #[test]
    fn a_damaged_table_is_told_with_its_place() {
        let check = |text: &str, expected: &str| {
            assert_eq!(frame(text, &DataOptions::default()).err().as_deref(), Some(expected), "{text:?}");
        };
        check("", "it is empty");
        check("a,b\n", "it has no rows");
        check("# by me\na,b\n1,2\n", "line 1 is a comment; remove the lines before the names of the columns");
        check("sep=;\na;b\n1;2\n", "line 1 is a note on separators for Excel; remove it");
        check(
            "a,b\n1,2\n3\n",
            "line 3: 1 value, but there are 2 columns; is a value with a delimiter in it without quotation marks?",
        );
        check("a,b\n1,inf\n", "line 2, column `b`: inf is not finite");
        check("1,2\n3,4\n", "line 1: all names of columns are numbers; if it has no names, add header=false");
        check("a,a\n3,4\n", "columns 1 and 2 are both named `a`; rename one");
        let open = "its quotation mark is not closed; write \"\" for one in a value that begins with one";
        check("a,b\n1,x\n2,\"y\n3,z\n", &format!("line 3: {open}"));
        check("a,b\n1,\"x\ny\"\n2,\"y\n", &format!("line 4: {open}"));
        let more = "a value goes on behind its closing quotation mark; write \"\" for one inside of a value";
        check("a\tb\n1\t\"so\n2\tla\n3\t\"no, no\n4\t5\n", &format!("line 4: {more}"));
        check("a,b\n1,\"he said \"no\"\"\n", &format!("line 2: {more}"));
    }

    #[test]
    fn texts_are_taken_as_they_are() {
        let options = DataOptions { text: Some("review".to_owned()), ..DataOptions::default() };
        let frame = frame("review,stars\n12,1\nNA,2\n,3\n\"so, so\nla \u{1F600}\",NA\n", &options).unwrap();
        let texts: Vec<_> = (0..4).map(|row| frame.columns()[0].values.text(row)).collect();
        assert_eq!(texts, ["12", "NA", "", "so, so\nla \u{1F600}"].map(|text| Some(text.to_owned())));
        assert_eq!((frame.columns()[0].values.missing(), frame.columns()[1].values.missing()), (0, 1));
    }

    #[test]
    fn columns_without_names_are_counted() {
        let options = DataOptions { header: false, ..DataOptions::default() };
        let frame = frame("T,2,8\nI,5,12\n", &options).unwrap();
        assert_eq!(frame.columns()[2].name, "column3");
        assert_eq!(frame.columns()[0].values.text(1).as_deref(), Some("I"));
        assert_eq!(frame.columns()[2].values, Values::Numbers(vec![8.0, 12.0].into()));
    }
}
