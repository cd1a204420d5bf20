//! Quotation marks in tables of text (RFC 4180), watched on their way into the parser, which forgives all: a mark that is not closed
//! would silently take the rest of the file for one value.

use std::cell::RefCell;
use std::io::{self, Read};

/// The place of the next byte.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    /// Outside of quotation marks.
    Outside,
    /// In a value in quotation marks.
    Inside,
    /// Behind a mark inside of such a value: its end, or the first of two.
    Behind,
}

/// The quotation marks of a table, as far as it was read.
#[derive(Debug)]
pub(super) struct QuotationMarks {
    delimiter: u8,
    place: Place,
    /// The byte before the next one, and the number of bytes before it.
    before: u8,
    seen: u64,
    /// The line of the next byte, and that of the last mark that opened a value.
    line: u64,
    opened: u64,
    fault: Option<String>,
}

impl QuotationMarks {
    pub(super) fn new(delimiter: u8) -> Self {
        Self { delimiter, place: Place::Outside, before: b'\n', seen: 0, line: 1, opened: 1, fault: None }
    }

    /// # Errors
    /// If a mark is in a wrong place: the line, and why; at the end also if one is not closed.
    pub(super) fn check(&self, is_end: bool) -> Result<(), String> {
        match &self.fault {
            Some(fault) => Err(fault.clone()),
            None if is_end && self.place == Place::Inside => Err(format!(
                "line {}: its quotation mark is not closed; write \"\" for one in a value that begins with one",
                self.opened
            )),
            None => Ok(()),
        }
    }

    fn watch(&mut self, mut bytes: &[u8]) {
        while let Some(&first) = bytes.first() {
            if self.place == Place::Behind {
                (bytes, self.seen) = (&bytes[1..], self.seen + 1);
                self.behind(first);
                continue;
            }
            let mark = bytes.iter().position(|&byte| byte == b'"').unwrap_or(bytes.len());
            self.line += bytes[..mark].iter().map(|&byte| u64::from(byte == b'\n')).sum::<u64>();
            self.before = bytes[..mark].last().copied().unwrap_or(self.before);
            self.seen += mark as u64;
            if mark == bytes.len() {
                return;
            }
            let is_behind_bom = self.before == BOM_END && self.seen == 3;
            if self.place == Place::Inside {
                self.place = Place::Behind;
            } else if is_behind_bom || [self.delimiter, b'\n', b'\r'].contains(&self.before) {
                (self.place, self.opened) = (Place::Inside, self.line);
            }
            (self.before, self.seen) = (b'"', self.seen + 1);
            bytes = &bytes[mark + 1..];
        }
    }

    /// Takes the byte behind a mark in a value.
    fn behind(&mut self, byte: u8) {
        self.before = byte;
        match byte {
            b'"' => self.place = Place::Inside,
            b'\n' => (self.place, self.line) = (Place::Outside, self.line + 1),
            b'\r' => self.place = Place::Outside,
            _ if byte == self.delimiter => self.place = Place::Outside,
            // Blanks around a value do not count.
            b' ' | b'\t' => {}
            _ => {
                self.place = Place::Outside;
                self.fault.get_or_insert(format!(
                    "line {}: a value goes on behind its closing quotation mark; write \"\" for one inside of a value",
                    self.line
                ));
            }
        }
    }
}

/// The last byte of the mark of the order of bytes that some programs begin with.
const BOM_END: u8 = 0xbf;

/// A reader whose quotation marks are watched.
pub(super) struct Watched<'a, R> {
    pub(super) reader: R,
    pub(super) marks: &'a RefCell<QuotationMarks>,
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(into)?;
        self.marks.borrow_mut().watch(&into[..count]);
        Ok(count)
    }
}
