//! Files read piece by piece, in memory that does not grow with them.

use super::manifest::FileMark;
use super::sums::Sums;
use super::{RunDir, StoreError, io_error};
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// Bytes of a piece.
const PIECE_BYTES: usize = 64 * 1024;
/// The longest line in bytes; what is longer, as in a damaged file without line ends, comes as several.
const LINE_BYTES: u64 = 1 << 20;

/// Reads a line, with its end, or as much of it as a line may have; returns its bytes.
fn read_line(file: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<usize> {
    line.clear();
    file.take(LINE_BYTES).read_until(b'\n', line)
}

impl RunDir {
    /// Calls `each` with the lines of a text file, and compares the file with the manifest. Bytes that are not UTF-8
    /// become replacement characters.
    ///
    /// # Errors
    /// If it does not exist, is damaged, or cannot be read.
    pub fn lines(&self, name: &str, mut each: impl FnMut(&str)) -> Result<(), StoreError> {
        let manifest = self.manifest()?;
        let mark = manifest.file(name);
        let path = self.path.join(name);
        let mut sums = Sums::new(mark.and_then(FileMark::beginning));
        let read = |file: Box<dyn Read>| {
            let mut file = BufReader::with_capacity(PIECE_BYTES, file);
            let mut line = Vec::new();
            while read_line(&mut file, &mut line)? > 0 {
                if mark.is_some() {
                    sums.add(&line);
                }
                each(String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']));
            }
            Ok(())
        };
        self.disk.open(&path).and_then(read).map_err(|error| self.missing_or(error, name, mark.is_some()))?;
        mark.map_or(Ok(()), |mark| self.compared(mark, &sums))
    }

    /// Calls `each` with the lines of a text file that is not in the manifest yet; of a file that is not there with
    /// none.
    pub(crate) fn lines_unchecked(&self, name: &str, mut each: impl FnMut(&str)) {
        let Ok(file) = self.disk.open(&self.path.join(name)) else { return };
        let mut file = BufReader::with_capacity(PIECE_BYTES, file);
        let mut line = Vec::new();
        while read_line(&mut file, &mut line).is_ok_and(|bytes| bytes > 0) {
            each(String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']));
        }
    }

    /// Compares a file with its mark.
    ///
    /// # Errors
    /// If it does not exist, is damaged, or cannot be read.
    pub fn check(&self, mark: &FileMark) -> Result<(), StoreError> {
        if mark.name == super::names::CONFIG {
            // An edited configuration is told apart from a damaged one.
            return self.read(&mark.name).map(|_| ());
        }
        let path = self.path.join(&mark.name);
        let sums = self.sums(&path, mark.beginning());
        let sums = sums.map_err(|error| self.missing_or(error, &mark.name, true))?;
        self.compared(mark, &sums)
    }

    /// The mark of a file as it is.
    pub(super) fn mark(&self, name: &str) -> Result<FileMark, StoreError> {
        let path = self.path.join(name);
        let sums = self.sums(&path, None).map_err(io_error("read", &path))?;
        Ok(FileMark::of_sums(name, sums))
    }

    fn sums(&self, path: &Path, beginning: Option<u64>) -> io::Result<Sums> {
        let mut file = self.disk.open(path)?;
        let (mut sums, mut piece) = (Sums::new(beginning), vec![0; PIECE_BYTES]);
        loop {
            match file.read(&mut piece)? {
                0 => return Ok(sums),
                bytes => sums.add(&piece[..bytes]),
            }
        }
    }

    fn compared(&self, mark: &FileMark, sums: &Sums) -> Result<(), StoreError> {
        mark.compare(sums).map_err(|reason| self.damaged(&mark.name, reason))
    }

    /// The error of a file that cannot be read; the absence of one that is listed is damage.
    fn missing_or(&self, error: io::Error, name: &str, is_listed: bool) -> StoreError {
        match error.kind() {
            io::ErrorKind::NotFound if is_listed => self.damaged(name, "is missing".to_owned()),
            _ => io_error("read", &self.path.join(name))(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::names;

    #[test]
    fn a_file_in_pieces_is_the_file_as_a_whole() {
        let root = tempfile::tempdir().unwrap();
        let dir = RunDir::create(Some(&root.path().join("run")), "run").unwrap();
        for size in [0, 1, 4095, 4096, 4097, 200_000] {
            let contents: Vec<u8> = (0..size).map(|i| (i % 251) as u8).collect();
            dir.write("a", &contents).unwrap();
            let whole = FileMark::whole("a", &contents);
            assert_eq!(dir.mark("a").unwrap(), whole, "{size}");
            dir.check(&whole).unwrap();
            let half = contents.len() / 2;
            let growing = FileMark::growing("a", half as u64, crc32c::crc32c(&contents[..half]));
            dir.check(&growing).unwrap();
            if size > 1 {
                let mut damaged = contents.clone();
                damaged[half - half / 2] ^= 1;
                dir.write("a", &damaged).unwrap();
                for mark in [&whole, &growing] {
                    let error = dir.check(mark).unwrap_err().to_string();
                    assert!(error.contains(&mark.check(&damaged).unwrap_err()), "{error}");
                }
            }
        }
    }

    #[test]
    fn lines_are_read_and_checked() {
        let root = tempfile::tempdir().unwrap();
        let dir = RunDir::create(Some(&root.path().join("run")), "run").unwrap();
        let read = || {
            let mut lines = Vec::new();
            dir.lines(names::METRICS, |line| lines.push(line.to_owned())).map(|()| lines)
        };
        assert!(read().unwrap_err().to_string().starts_with("cannot read "));
        dir.write(names::METRICS, b"a\r\n\nb\xff\nlast").unwrap();
        assert_eq!(read().unwrap(), ["a", "", "b\u{fffd}", "last"]);
        dir.seal(&[names::METRICS], true).unwrap();
        assert_eq!(read().unwrap().len(), 4);
        dir.write(names::METRICS, b"a\r\n\nb\xff\nlest").unwrap();
        assert!(read().unwrap_err().to_string().contains("is damaged between byte 0 and 11"));
        // A file without line ends is bounded, and none of its bytes is lost.
        dir.write(names::METRICS, &vec![b'x'; 2_500_000]).unwrap();
        dir.seal(&[names::METRICS], true).unwrap();
        let lengths: Vec<usize> = read().unwrap().iter().map(String::len).collect();
        assert_eq!(lengths, [1_048_576, 1_048_576, 402_848]);
        dir.remove(names::METRICS).unwrap();
        assert!(read().unwrap_err().to_string().contains("is missing"));
        let mut none = true;
        dir.lines_unchecked(names::METRICS, |_| none = false);
        assert!(none);
    }
}
