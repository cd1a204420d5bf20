//! The rows of a table of text (RFC 4180), one after the other.
//!
//! A value that begins with a quotation mark ends at the next single one, and may hold delimiters, ends of lines and marks
//! that are written twice; marks inside of other values are text. A mark that is not closed, and text behind one that is,
//! are refused: a reader that forgives them takes the rest of the file for one value. Empty lines are no rows.

use super::content::unreadable;
use memchr::{memchr, memchr_iter, memchr2, memchr3};
use std::io::Read;

const BUFFER_BYTES: usize = 1 << 18;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A reader of rows, which holds the latest one.
pub(super) struct Rows<R> {
    reader: R,
    delimiter: u8,
    /// Bytes of the file; those of `start..filled` come after the latest row.
    buffer: Vec<u8>,
    start: usize,
    filled: usize,
    is_end: bool,
    /// The line of the next byte.
    next_line: u64,
    is_after_return: bool,
    /// The line of the latest row, and where its values begin and end in the buffer.
    line: u64,
    values: Vec<(usize, usize)>,
}

impl<R: Read> Rows<R> {
    pub(super) fn new(reader: R, delimiter: u8) -> Result<Self, String> {
        let mut rows = Self {
            reader,
            delimiter,
            buffer: vec![0; BUFFER_BYTES],
            start: 0,
            filled: 0,
            is_end: false,
            next_line: 1,
            is_after_return: false,
            line: 1,
            values: Vec::new(),
        };
        while rows.filled < BYTE_ORDER_MARK.len() && !rows.is_end {
            rows.fill()?;
        }
        if rows.buffer[..rows.filled].starts_with(BYTE_ORDER_MARK) {
            rows.start = BYTE_ORDER_MARK.len();
        }
        Ok(rows)
    }

    /// The line in which the latest row begins, from 1.
    pub(super) const fn line(&self) -> u64 {
        self.line
    }

    /// The number of values of the latest row.
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// The values of the latest row, without their quotation marks.
    pub(super) fn values(&self) -> impl Iterator<Item = &[u8]> {
        self.values.iter().map(|&(from, to)| &self.buffer[from..to])
    }

    /// Reads the next row; false at the end.
    ///
    /// # Errors
    /// If the file cannot be read or a quotation mark stands in a wrong place: the line, and why.
    pub(super) fn advance(&mut self) -> Result<bool, String> {
        if !self.skip_ends_of_lines()? {
            return Ok(false);
        }
        let (length, has_marks) = loop {
            let rest = &self.buffer[self.start..self.filled];
            // The end of the line is that of the row, unless a value in marks holds it.
            let line = memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
            let found = match memchr(b'"', &rest[..line]) {
                None => (line < rest.len()).then_some((line, false)).ok_or(None),
                Some(_) => end_of_row(rest, self.delimiter).map(|end| (end, true)),
            };
            match found {
                Ok(found) => break found,
                Err(None) if self.is_end => break (rest.len(), memchr(b'"', rest).is_some()),
                Err(Some(opened)) if self.is_end => {
                    let line = self.next_line + lines(&rest[..opened]);
                    return Err(format!(
                        "line {line}: its quotation mark is not closed; write \"\" for one in a value that begins with one"
                    ));
                }
                Err(_) => self.fill()?,
            }
        };
        self.line = self.next_line;
        self.values.clear();
        let (from, to) = (self.start, self.start + length);
        self.start = to;
        match has_marks {
            false => self.split(from, to),
            true => self.split_quoted(from, to)?,
        }
        Ok(true)
    }

    /// Skips to the first byte of the next row; false if there is none.
    fn skip_ends_of_lines(&mut self) -> Result<bool, String> {
        loop {
            if self.start == self.filled {
                if self.is_end {
                    return Ok(false);
                }
                self.fill()?;
                continue;
            }
            match self.buffer[self.start] {
                b'\n' => self.next_line += u64::from(!self.is_after_return),
                b'\r' => self.next_line += 1,
                _ => {
                    self.is_after_return = false;
                    return Ok(true);
                }
            }
            self.is_after_return = self.buffer[self.start] == b'\r';
            self.start += 1;
        }
    }

    /// Reads more bytes behind those that are left.
    fn fill(&mut self) -> Result<(), String> {
        self.buffer.copy_within(self.start..self.filled, 0);
        (self.start, self.filled) = (0, self.filled - self.start);
        if self.filled == self.buffer.len() {
            self.buffer.resize(2 * self.filled, 0);
        }
        let count = self.reader.read(&mut self.buffer[self.filled..]).map_err(unreadable)?;
        self.filled += count;
        self.is_end = count == 0;
        Ok(())
    }

    fn split(&mut self, from: usize, to: usize) {
        let mut begin = from;
        for end in memchr_iter(self.delimiter, &self.buffer[from..to]) {
            self.values.push((begin, from + end));
            begin = from + end + 1;
        }
        self.values.push((begin, to));
    }

    /// Splits a row with quotation marks, which are removed in their place.
    fn split_quoted(&mut self, mut from: usize, end: usize) -> Result<(), String> {
        loop {
            let next = |from: usize, bytes: &[u8]| {
                memchr(self.delimiter, &bytes[from..end]).map_or(end, |length| from + length)
            };
            let (begin, to, after) = match self.buffer[from..end].first() {
                Some(b'"') => {
                    let (begin, mut to) = (from + 1, from + 1);
                    from = begin;
                    // Until a mark that is not one of two.
                    while let Some(length) = memchr(b'"', &self.buffer[from..end]) {
                        self.next_line += lines(&self.buffer[from..from + length]);
                        self.buffer.copy_within(from..from + length, to);
                        (from, to) = (from + length + 1, to + length);
                        if self.buffer[from..end].first() != Some(&b'"') {
                            break;
                        }
                        self.buffer[to] = b'"';
                        (from, to) = (from + 1, to + 1);
                    }
                    let after = next(from, &self.buffer);
                    // Blanks around a value do not count.
                    if !self.buffer[from..after].trim_ascii().is_empty() {
                        return Err(format!(
                            "line {}: a value goes on behind its closing quotation mark; write \"\" for one inside of a value",
                            self.next_line
                        ));
                    }
                    (begin, to, after)
                }
                _ => {
                    let after = next(from, &self.buffer);
                    (from, after, after)
                }
            };
            self.values.push((begin, to));
            if after == end {
                return Ok(());
            }
            from = after + 1;
        }
    }
}

/// The number of lines that end in these bytes.
fn lines(bytes: &[u8]) -> u64 {
    memchr_iter(b'\n', bytes).count() as u64
}

/// The length of the row that these bytes begin with.
///
/// # Errors
/// If they end before it does: the place of the quotation mark that is open, if one is.
fn end_of_row(bytes: &[u8], delimiter: u8) -> Result<usize, Option<usize>> {
    let mut at = 0;
    loop {
        if bytes.get(at) == Some(&b'"') {
            let opened = at;
            at += 1;
            loop {
                at += memchr(b'"', &bytes[at..]).ok_or(Some(opened))? + 1;
                match bytes.get(at) {
                    Some(b'"') => at += 1,
                    _ => break,
                }
            }
        }
        at += memchr3(delimiter, b'\n', b'\r', &bytes[at..]).ok_or(None)?;
        if bytes[at] != delimiter {
            return Ok(at);
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reader that gives a few bytes at a time.
    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            let count = self.0.len().min(self.1).min(into.len());
            into[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    /// The rows, each with its line, or the fault after them.
    fn read(text: &str, bytes_at_once: usize) -> (Vec<(u64, Vec<String>)>, Option<String>) {
        let mut rows = Rows::new(Slow(text.as_bytes(), bytes_at_once), b',').unwrap();
        let mut all: Vec<(u64, Vec<String>)> = Vec::new();
        loop {
            match rows.advance() {
                Ok(true) => {
                    let values = rows.values().map(|value| String::from_utf8(value.to_vec()).unwrap());
                    all.push((rows.line(), values.collect()));
                    assert_eq!(rows.len(), all.last().unwrap().1.len());
                }
                Ok(false) => return (all, None),
                Err(fault) => return (all, Some(fault)),
            }
        }
    }

    #[test]
    fn rows_are_those_of_the_standard_in_pieces_of_any_size() {
        let check = |text: &str, expected: &[(u64, &[&str])]| {
            for bytes_at_once in [1, 2, 3, 5, usize::MAX] {
                let (rows, fault) = read(text, bytes_at_once);
                let rows: Vec<(u64, Vec<&str>)> = rows
                    .iter()
                    .map(|(line, row)| (*line, row.iter().map(String::as_str).collect()))
                    .collect();
                let expected: Vec<_> = expected.iter().map(|(line, row)| (*line, row.to_vec())).collect();
                assert_eq!((rows, fault), (expected, None), "{text:?}, {bytes_at_once}");
            }
        };
        check("", &[]);
        check("\n\r\n\n", &[]);
        check("a", &[(1, &["a"])]);
        check("a,b\nc,d", &[(1, &["a", "b"]), (2, &["c", "d"])]);
        check("a,b\r\nc,d\r\n", &[(1, &["a", "b"]), (2, &["c", "d"])]);
        check("a\rb\r\r\n\nc", &[(1, &["a"]), (2, &["b"]), (5, &["c"])]);
        check("\u{feff}a,\n,", &[(1, &["a", ""]), (2, &["", ""])]);
        check("\u{feff}\"a\",b", &[(1, &["a", "b"])]);
        check("\"a,\"\"b\"\"\r\nc\" ,d\n,\"\"\n", &[(1, &["a,\"b\"\r\nc", "d"]), (3, &["", ""])]);
        check("6\" pipe,it is \"\"\nx,\"\"\"\"", &[(1, &["6\" pipe", "it is \"\""]), (2, &["x", "\""])]);
        check("a,\"b\"", &[(1, &["a", "b"])]);
        check("a,b\"", &[(1, &["a", "b\""])]);
    }

    #[test]
    fn a_misplaced_mark_is_refused_with_its_line() {
        let check = |text: &str, rows: usize, expected: &str| {
            for bytes_at_once in [1, 2, 3, 5, usize::MAX] {
                let (found, fault) = read(text, bytes_at_once);
                let fault = fault.unwrap_or_default();
                assert!(fault.starts_with(expected), "{text:?}, {bytes_at_once}: {fault}");
                assert_eq!(found.len(), rows, "{text:?}, {bytes_at_once}");
            }
        };
        check("a\n\"b", 1, "line 2: its quotation mark is not closed");
        check("\"a\"\"\n\n", 0, "line 1: its quotation mark is not closed");
        check("a,\"b\nc\",\"d\n", 0, "line 2: its quotation mark is not closed");
        check("\"a\"b\nc", 0, "line 1: a value goes on behind");
        check("a\n\"b\nc\" d,e\n", 1, "line 3: a value goes on behind");
    }

    #[test]
    fn a_row_may_be_longer_than_the_buffer() {
        let long = "x".repeat(3 * BUFFER_BYTES);
        let (rows, fault) = read(&format!("a,b\n\"{long},\",{long}\nc,d"), 1 << 16);
        assert_eq!(fault, None);
        assert_eq!(rows[1], (2, vec![format!("{long},"), long]));
        assert_eq!(rows[2], (3, vec!["c".to_owned(), "d".to_owned()]));
    }
}
