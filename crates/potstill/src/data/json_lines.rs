//! JSON lines: an object a row, with numbers, words, truths or nothing under the names of the columns; also a JSON array
//! of such objects, as pandas writes it (`to_json(orient="records")`).
//!
//! An object of numbers under `p`, `logit` (or `logp`) or `votes` is a teacher's answers: `{"p": {"good": 0.9, "bad": 0.1}}` is the
//! columns `p(good)` and `p(bad)`; a class that it lacks has no votes, or is not among the most probable.

use super::content::{Content, unreadable};
use super::frame::{Column, DataFrame, Values};
use super::reader::{Data, Head, Reader};
use super::record::Record;
use super::source::DataOptions;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::io::{BufRead, Read};

/// The format.
#[derive(Clone, Copy, Debug)]
pub(super) struct JsonLines;

/// The longest line.
const LINE_MAX: u64 = 1 << 26;
/// The names of answers, and those of their columns.
const ANSWERS: [(&str, &str); 4] = [("p", "p"), ("logit", "logit"), ("logp", "logit"), ("votes", "votes")];

impl Reader for JsonLines {
    fn name(&self) -> &'static str {
        "jsonl"
    }

    fn summary(&self) -> &'static str {
        "JSON lines, an object a row"
    }

    fn recognizes(&self, head: &Head<'_>) -> bool {
        let Head::File(bytes) = head else { return false };
        let text = without_mark(bytes).trim_ascii_start();
        text.starts_with(b"{") || is_array(text)
    }

    fn read(&self, content: &dyn Content, options: &DataOptions) -> Result<Data, String> {
        if is_array(without_mark(&content.head().map_err(unreadable)?).trim_ascii_start()) {
            return array(content, options);
        }
        let mut reader = content.inflated().map_err(unreadable)?;
        let (mut rows, mut line) = (Rows::new(options), Vec::new());
        for number in 1_u64.. {
            line.clear();
            let length = (&mut reader).take(LINE_MAX).read_until(b'\n', &mut line).map_err(unreadable)?;
            if length == 0 {
                break;
            }
            let text = without_mark(&line).trim_ascii();
            if text.is_empty() {
                continue;
            }
            let row: Record = serde_json::from_slice(text)
                .map_err(|error| format!("line {number}: {}", no_json(text, "object", &error)))?;
            rows.push(&row.0).map_err(|reason| format!("line {number}: {reason}"))?;
        }
        DataFrame::new(rows.columns()).map(Data::rows)
    }
}

/// The fault of a text that is not the JSON that is needed: Python's `json` writes words for numbers that are
/// not finite.
fn no_json(text: &[u8], needed: &str, error: &serde_json::Error) -> String {
    let line = text.split(|&byte| byte == b'\n').nth(error.line().saturating_sub(1)).unwrap_or_default();
    let ends_at = |word: &&str| {
        let mut begins = error.column().saturating_sub(2)..=error.column();
        begins.any(|begin| line.get(begin..).is_some_and(|rest| rest.starts_with(word.as_bytes())))
    };
    match ["-Infinity", "Infinity", "NaN"].into_iter().find(ends_at) {
        Some(word) => format!("{word} is no JSON; write null, or leave the name out"),
        None => format!("it is no JSON {needed}: {error}"),
    }
}

/// Returns true for the beginning of an array of objects.
fn is_array(text: &[u8]) -> bool {
    text.strip_prefix(b"[").is_some_and(|rest| rest.trim_ascii_start().starts_with(b"{"))
}

/// Reads an array of objects, each a row.
fn array(content: &dyn Content, options: &DataOptions) -> Result<Data, String> {
    let bytes = content.bytes().map_err(unreadable)?;
    let text = without_mark(&bytes);
    let all: Vec<Record> =
        serde_json::from_slice(text).map_err(|error| no_json(text, "array of objects", &error))?;
    let mut rows = Rows::new(options);
    for (i, row) in all.iter().enumerate() {
        rows.push(&row.0).map_err(|reason| format!("row {}: {reason}", i + 1))?;
    }
    DataFrame::new(rows.columns()).map(Data::rows)
}

fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

/// Rows that are read one after the other.
struct Rows<'a> {
    count: usize,
    columns: Vec<Column>,
    places: HashMap<String, usize>,
    /// The column of texts.
    text: Option<&'a str>,
    /// The most bytes of a column in memory.
    limit: usize,
}

/// Columns among which the memory is divided, since their number is known at the end.
const COLUMNS_USUAL: usize = 16;

impl<'a> Rows<'a> {
    fn new(options: &'a DataOptions) -> Self {
        let (text, limit) = (options.text.as_deref(), options.memory / COLUMNS_USUAL);
        Self { count: 0, columns: Vec::new(), places: HashMap::new(), text, limit }
    }

    fn push(&mut self, row: &Map<String, Value>) -> Result<(), String> {
        let is_nested = |(name, value): (&String, &Value)| {
            value.is_array() || value.is_object() && ANSWERS.iter().all(|(answer, _)| answer != name)
        };
        if self.count == 0 && !row.is_empty() && row.iter().all(is_nested) {
            return Err(
                "its columns are lists; write an object a row (of pandas to_json(orient=\"records\"))"
                    .to_owned(),
            );
        }
        for (name, value) in row {
            match (value, ANSWERS.iter().find(|(answer, _)| answer == name)) {
                (Value::Object(answers), Some((_, kind))) => {
                    for (class, value) in answers {
                        self.set(&format!("{kind}({class})"), value)?;
                    }
                }
                _ => self.set(name, value)?,
            }
        }
        self.count += 1;
        let count = self.count;
        self.columns.iter_mut().for_each(|column| fill(column, count));
        Ok(())
    }

    /// Sets the value of the row that is being read.
    fn set(&mut self, name: &str, value: &Value) -> Result<(), String> {
        let wrong = |expected: &str| Err(format!("`{name}` is {value}; {expected}"));
        if self.text == Some(name) && !(value.is_string() || value.is_null()) {
            return wrong("a text is needed");
        }
        let place = match self.places.get(name) {
            Some(&place) => place,
            None => {
                let values = match value {
                    // The kind is known with the first value.
                    Value::Null => return Ok(()),
                    Value::Number(_) => Values::numbers_below(self.limit),
                    Value::String(_) | Value::Bool(_) => Values::words_below(self.limit),
                    Value::Array(_) | Value::Object(_) => return wrong("numbers, words and truths are read"),
                };
                self.places.insert(name.to_owned(), self.columns.len());
                self.columns.push(Column::new(name, values));
                self.columns.len() - 1
            }
        };
        let column = &mut self.columns[place];
        fill(column, self.count);
        match (&mut column.values, value) {
            (_, Value::Null) => {}
            (Values::Numbers(numbers), Value::Number(number)) => {
                numbers.push(
                    number
                        .as_f64()
                        .filter(|x| x.is_finite())
                        .ok_or_else(|| format!("`{name}` is {number}"))?,
                );
            }
            (words @ Values::Words(_), Value::String(word)) => words.push_word(Some(word)),
            (words @ Values::Words(_), Value::Bool(truth)) => {
                words.push_word(Some(if *truth { "true" } else { "false" }));
            }
            (Values::Numbers(_), _) => return wrong("it was a number before"),
            _ => return wrong("it was text before"),
        }
        Ok(())
    }

    fn columns(self) -> Vec<Column> {
        self.columns
    }
}

/// Fills a column up to so many rows: nothing, or no votes.
fn fill(column: &mut Column, rows: usize) {
    let is_of_votes = super::preprocessing::is_answer(&column.name) && column.name.starts_with("votes");
    match &mut column.values {
        Values::Numbers(numbers) => {
            numbers.resize(rows.max(numbers.len()), if is_of_votes { 0.0 } else { f64::NAN });
        }
        words => (words.rows()..rows).for_each(|_| words.push_word(None)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::content::Bytes;
    use super::*;

    fn frame(text: &str) -> Result<DataFrame, String> {
        let options = DataOptions { text: Some("review".to_owned()), ..DataOptions::default() };
        JsonLines.read(&Bytes(text.as_bytes()), &options).map(|data| match data {
            Data::Samples(samples) => samples.rows,
            Data::Episodes(_) => panic!("no episodes"),
        })
    }

    #[test]
    fn objects_become_rows() {
        let text = "\u{feff}{\"text\":\"so, so\",\"stars\":3,\"votes\":{\"good\":2,\"bad\":1}}\r\n\n\
                    {\"stars\":null,\"text\":\"no\",\"new\":true,\"votes\":{\"bad\":4}}\n{\"stars\":5}";
        let frame = frame(text).unwrap();
        let column = |name: &str| frame.columns()[frame.find(name).unwrap()].values.clone();
        let texts = |name: &str| (0..3).map(|row| column(name).text(row)).collect::<Vec<_>>();
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(texts("text"), [some("so, so"), some("no"), None]);
        assert_eq!(texts("stars"), [some("3"), None, some("5")]);
        assert_eq!(texts("new"), [None, some("true"), None]);
        assert_eq!(column("votes(good)"), Values::Numbers(vec![2.0, 0.0, 0.0].into()));
        assert_eq!(column("votes(bad)"), Values::Numbers(vec![1.0, 4.0, 0.0].into()));
    }

    #[test]
    fn damage_is_told() {
        let check =
            |text: &str, expected: &str| assert_eq!(frame(text).err().as_deref(), Some(expected), "{text}");
        check("", "it has no rows");
        check("{\"a\":1}\n{\"a\":\"x\"}", "line 2: `a` is \"x\"; it was a number before");
        check("{\"a\":\"x\"}\n{\"a\":1}", "line 2: `a` is 1; it was text before");
        check("{\"review\":5}", "line 1: `review` is 5; a text is needed");
        check("{\"b\":1,\"review\":{\"a\":1}}", "line 1: `review` is {\"a\":1}; a text is needed");
        check(
            "{\"review\":\"\\ud800\"}",
            "line 1: it is no JSON object: unexpected end of hex escape at line 1 column 18",
        );
        check("{\"b\":1,\"a\":[1,2]}", "line 1: `a` is [1,2]; numbers, words and truths are read");
        let nested =
            "line 1: its columns are lists; write an object a row (of pandas to_json(orient=\"records\"))";
        check("{\"a\":[1,2],\"b\":[3,4]}", nested);
        check("{\"a\":{\"0\":1},\"b\":{\"0\":3}}", nested);
        check(
            "{\"a\":1,\"a\":2}",
            "line 1: it is no JSON object: the name `a` stands twice at line 1 column 13",
        );
        check("{\"a\":1", "line 1: it is no JSON object: EOF while parsing an object at line 1 column 6");
        check("{\"a\":NaN}", "line 1: NaN is no JSON; write null, or leave the name out");
        check("{\"a\": -Infinity}", "line 1: -Infinity is no JSON; write null, or leave the name out");
    }
}
