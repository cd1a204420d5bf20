//! The bytes that data is read from: a file, or the files of a folder.
//!
//! ```
//! use potstill::data::{Bytes, Content};
//! use std::io::Read;
//!
//! let mut text = String::new();
//! Bytes(b"a,b\n1,2\n").inflated()?.read_to_string(&mut text)?;
//! assert_eq!(text, "a,b\n1,2\n");
//! # Ok::<(), std::io::Error>(())
//! ```

use flate2::bufread::MultiGzDecoder;
use potstill_core::Stored;
use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

/// The first bytes of a gzip file.
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// The bytes that a format is recognized by.
const HEAD: u64 = 1 << 16;

/// The content of a file, or of a folder of files. It can be read again from its beginning.
pub trait Content {
    /// Opens the file.
    ///
    /// # Errors
    /// If it cannot be read.
    fn open(&self) -> io::Result<Box<dyn Read + '_>>;

    /// The paths of the files of a folder and of its folders, relative to it, with `/`, sorted; none of a file. A folder below
    /// these, whose files are not read, ends with `/`.
    ///
    /// # Errors
    /// If the folder cannot be read.
    fn files(&self) -> io::Result<Option<Vec<String>>> {
        Ok(None)
    }

    /// A file of the folder.
    ///
    /// # Panics
    /// If it is no folder.
    fn file(&self, path: &str) -> Box<dyn Content + '_> {
        panic!("{path} in a file that is no folder")
    }

    /// Opens the file, and decompresses it if it is compressed with gzip.
    ///
    /// # Errors
    /// If it cannot be read.
    fn inflated(&self) -> io::Result<Box<dyn BufRead + '_>> {
        let packed = Rc::new(Cell::new(0));
        let counted = Counted { reader: self.open()?, count: Rc::clone(&packed) };
        let mut reader = BufReader::with_capacity(1 << 16, counted);
        match reader.fill_buf()?.starts_with(&GZIP) {
            true => {
                let unpacked = Unpacked::new(MultiGzDecoder::new(reader), move || packed.get());
                Ok(Box::new(BufReader::with_capacity(1 << 16, unpacked)))
            }
            false => Ok(Box::new(reader)),
        }
    }

    /// The first 64 KiB, decompressed.
    ///
    /// # Errors
    /// If they cannot be read.
    fn head(&self) -> io::Result<Vec<u8>> {
        let mut head = Vec::new();
        self.inflated()?.take(HEAD).read_to_end(&mut head)?;
        Ok(head)
    }

    /// All bytes, decompressed.
    ///
    /// # Errors
    /// If they cannot be read.
    fn bytes(&self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.inflated()?.read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// Unpacked bytes that are read whatever they came from.
const FREE: u64 = 1 << 28;
/// Unpacked bytes for each packed one above which a file is taken for one that is made to fill memory. Arrays of zeros reach
/// 1,032, MNIST's images 5.
const RATIO_MAX: u64 = 200;

/// A reader whose bytes are counted.
struct Counted<R> {
    reader: R,
    count: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(into)?;
        self.count.set(self.count.get() + count as u64);
        Ok(count)
    }
}

/// A decoder that refuses a file of few bytes that unpacks to very many, on the way.
pub(super) struct Unpacked<R, P> {
    reader: R,
    /// The packed bytes that were read so far.
    packed: P,
    count: u64,
}

impl<R: Read, P: Fn() -> u64> Unpacked<R, P> {
    pub(super) fn new(reader: R, packed: P) -> Self {
        Self { reader, packed, count: 0 }
    }
}

impl<R: Read, P: Fn() -> u64> Read for Unpacked<R, P> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(into)?;
        self.count += count as u64;
        if self.count > FREE && self.count / RATIO_MAX > (self.packed)() {
            return Err(io::Error::other(format!(
                "it unpacks to more than {RATIO_MAX} times its size, as files do that are made to fill memory; if it is \
                 right, unpack it first"
            )));
        }
        Ok(count)
    }
}

/// All that a reader has; at most `limit` bytes of it in memory.
pub(super) fn read_below(limit: usize, reader: &mut dyn Read) -> io::Result<Stored<u8>> {
    let (mut bytes, mut part) = (Stored::below(limit), vec![0; 1 << 16]);
    loop {
        match reader.read(&mut part) {
            Ok(0) => return Ok(bytes),
            Ok(count) => bytes.extend_from_slice(&part[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// The reason for which data cannot be read.
#[expect(clippy::needless_pass_by_value, reason = "it is given to `map_err`")]
pub(super) fn unreadable(error: io::Error) -> String {
    format!("it cannot be read: {error}")
}

/// Content that is in memory already.
#[derive(Clone, Copy, Debug)]
pub struct Bytes<'a>(pub &'a [u8]);

impl Content for Bytes<'_> {
    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_file_that_fills_memory_is_refused() {
        let check = |packed: u64, length: u64, is_read: bool| {
            let mut unpacked = Unpacked::new(io::repeat(0).take(length), || packed);
            let result = io::copy(&mut unpacked, &mut io::sink());
            assert_eq!(result.is_ok(), is_read, "{packed} to {length}");
        };
        check(1, FREE, true);
        check(1, FREE + 1, false);
        check(FREE / RATIO_MAX, FREE + 1, true);
        check(FREE / RATIO_MAX, FREE + 2 * RATIO_MAX, false);
        check(FREE, 2 * FREE, true);
    }
}
