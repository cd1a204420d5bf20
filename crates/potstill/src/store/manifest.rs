//! Manifests: the list of files with lengths and checksums, which makes damage detectable.
//!
//! A manifest is one line of JSON that ends with the CRC-32C of everything before it. CRC-32C detects every
//! single flipped bit and every burst of up to 32; a truncated file is detected by its length.

use super::sums::{BLOCK_BYTES, Sums};
use serde_json::{Map, Value, json};

/// The version of the format that is written, and the only one so far.
const FORMAT: u64 = 1;

/// A manifest that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ManifestError {
    /// It is damaged: the reason, with the position.
    Damaged(String),
    /// It is intact, but of an unknown format: both versions.
    Format(String),
}

/// The expected state of a file, or of the beginning of an append-only file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileMark {
    /// Its name.
    pub name: String,
    /// The length in bytes, of the file or its beginning.
    pub bytes: u64,
    /// One CRC-32C for each block of 4096 bytes; a single one for an append-only file.
    checksums: Vec<u32>,
    grows: bool,
}

impl FileMark {
    /// The mark of a file with these contents.
    pub fn whole(name: &str, contents: &[u8]) -> Self {
        let mut sums = Sums::new(None);
        sums.add(contents);
        Self::of_sums(name, sums)
    }

    /// The mark of a file that was read in pieces.
    pub(super) fn of_sums(name: &str, sums: Sums) -> Self {
        Self { name: name.to_owned(), bytes: sums.bytes, checksums: sums.blocks, grows: false }
    }

    /// The length of the beginning that the mark of an append-only file is of.
    pub(super) fn beginning(&self) -> Option<u64> {
        self.grows.then_some(self.bytes)
    }

    /// The mark of the first `bytes` of an append-only file, whose CRC-32C is `checksum`.
    pub fn growing(name: &str, bytes: u64, checksum: u32) -> Self {
        Self { name: name.to_owned(), bytes, checksums: vec![checksum], grows: true }
    }

    /// The checksum of an append-only file.
    pub(super) fn checksum(&self) -> u32 {
        self.checksums.first().copied().unwrap_or(0)
    }

    /// Compares contents with the mark.
    ///
    /// # Errors
    /// The difference, with its position.
    pub fn check(&self, contents: &[u8]) -> Result<(), String> {
        let mut sums = Sums::new(self.beginning());
        sums.add(contents);
        self.compare(&sums)
    }

    /// Compares a file that was read in pieces with the mark.
    ///
    /// # Errors
    /// The difference, with its position.
    pub(super) fn compare(&self, sums: &Sums) -> Result<(), String> {
        let found = sums.bytes;
        if found < self.bytes {
            return Err(format!("is cut off after {found} of {} bytes", self.bytes));
        }
        if self.grows {
            let damaged = sums.beginning != self.checksum();
            return if damaged {
                Err(format!("is damaged in its first {} bytes", self.bytes))
            } else {
                Ok(())
            };
        }
        if found > self.bytes {
            return Err(format!("has {found} bytes, expected {}", self.bytes));
        }
        let damaged = sums.blocks.iter().zip(&self.checksums).position(|(found, expected)| found != expected);
        damaged.map_or(Ok(()), |i| {
            let from = (i * BLOCK_BYTES) as u64;
            let to = found.min(from + BLOCK_BYTES as u64);
            Err(format!("is damaged between byte {from} and {to}"))
        })
    }

    fn to_json(&self) -> Value {
        // Eight hexadecimal digits each, without separators: a large file has many.
        let checksums: String = self.checksums.iter().map(|crc| format!("{crc:08x}")).collect();
        json!({ "name": self.name, "bytes": self.bytes, "grows": self.grows, "crc32c": checksums })
    }

    fn from_json(value: &Value) -> Option<Self> {
        let digits = value["crc32c"].as_str()?;
        let (eights, rest) = digits.as_bytes().as_chunks::<8>();
        let crc = |eight: &[u8; 8]| u32::from_str_radix(std::str::from_utf8(eight).ok()?, 16).ok();
        let mark = Self {
            name: value["name"].as_str()?.to_owned(),
            bytes: value["bytes"].as_u64()?,
            checksums: eights.iter().map(crc).collect::<Option<_>>()?,
            grows: value["grows"].as_bool()?,
        };
        let blocks = if mark.grows { 1 } else { mark.bytes.div_ceil(BLOCK_BYTES as u64) };
        // A name is that of a file beside the manifest, never a path out of the folder.
        let inside = !mark.name.is_empty()
            && !mark.name.contains(['/', '\\'])
            && mark.name != "."
            && mark.name != "..";
        (rest.is_empty() && inside && mark.checksums.len() as u64 == blocks).then_some(mark)
    }
}

/// The files of a folder, and further data.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Manifest {
    /// The files.
    pub files: Vec<FileMark>,
    /// Further data, as JSON.
    pub about: Map<String, Value>,
}

impl Manifest {
    /// The mark of a file.
    pub fn file(&self, name: &str) -> Option<&FileMark> {
        self.files.iter().find(|file| file.name == name)
    }

    /// Serialises the manifest.
    pub fn write(&self) -> Vec<u8> {
        let files: Vec<Value> = self.files.iter().map(FileMark::to_json).collect();
        let body = json!({
            "format": FORMAT,
            "potstill": env!("CARGO_PKG_VERSION"),
            "about": self.about,
            "files": files,
        });
        let mut text = body.to_string();
        text.pop();
        let ending = ending(&text);
        (text + &ending).into_bytes()
    }

    /// Parses the bytes that [`write`](Self::write) returns.
    ///
    /// # Errors
    /// If they are damaged or of an unknown format. Never panics, whatever the bytes.
    pub fn read(bytes: &[u8]) -> Result<Self, ManifestError> {
        let damaged = |reason: String| Err(ManifestError::Damaged(reason));
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                return damaged(format!("is damaged: no text after byte {}", error.valid_up_to()));
            }
        };
        let length = ending("").len();
        let split = text.len().checked_sub(length).filter(|&at| text.is_char_boundary(at));
        let Some((body, end)) = split.map(|at| text.split_at(at)) else {
            return damaged(format!("is cut off after {} bytes", bytes.len()));
        };
        if end != ending(body) {
            let found = bytes.len();
            return damaged(format!(
                "is damaged or cut off in its {found} bytes: its own checksum does not agree"
            ));
        }
        let value: Value = match serde_json::from_str(text) {
            Ok(value) => value,
            Err(error) => return damaged(format!("is no JSON: {error}")),
        };
        match value["format"].as_u64() {
            Some(FORMAT) => {}
            Some(found) => {
                let writer = value["potstill"].as_str().unwrap_or("?").to_owned();
                let version = env!("CARGO_PKG_VERSION");
                return Err(ManifestError::Format(format!(
                    "has format {found}, written by potstill {writer}; potstill {version} reads format {FORMAT}"
                )));
            }
            None => return damaged("names no format".to_owned()),
        }
        let files =
            value["files"].as_array().and_then(|files| files.iter().map(FileMark::from_json).collect());
        let about = value["about"].as_object().cloned();
        match (files, about) {
            (Some(files), Some(about)) => Ok(Self { files, about }),
            _ => damaged("does not list its files".to_owned()),
        }
    }
}

/// The end of the JSON object: its checksum.
fn ending(body: &str) -> String {
    format!(",\"crc32c\":\"{:08x}\"}}", crc32c::crc32c(body.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        let contents: Vec<u8> = (0..10_000_u32).map(|i| (i % 251) as u8).collect();
        let files = vec![FileMark::whole("state.safetensors", &contents), FileMark::growing("log", 3, 7)];
        let about = json!({ "step": 12, "words": "a \"b\" é" }).as_object().unwrap().clone();
        Manifest { files, about }
    }

    #[test]
    fn it_reads_back_and_is_json() {
        let bytes = manifest().write();
        assert_eq!(Manifest::read(&bytes).unwrap(), manifest());
        let value: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(value["about"]["step"], 12);
    }

    #[test]
    fn every_flipped_bit_and_every_truncation_is_found() {
        let bytes = manifest().write();
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(Manifest::read(&damaged).is_err(), "bit {bit}");
        }
        for length in 0..bytes.len() {
            assert!(Manifest::read(&bytes[..length]).is_err(), "{length} bytes");
        }
    }

    #[test]
    fn damage_has_a_place() {
        let contents: Vec<u8> = (0..10_000_u32).map(|i| (i % 251) as u8).collect();
        let mark = FileMark::whole("a", &contents);
        let check = |contents: &[u8], expected: Result<(), &str>| {
            assert_eq!(mark.check(contents), expected.map_err(str::to_owned));
        };
        check(&contents, Ok(()));
        let mut damaged = contents.clone();
        damaged[5000] ^= 4;
        check(&damaged, Err("is damaged between byte 4096 and 8192"));
        damaged.swap(5000, 9000);
        check(&contents[..9999], Err("is cut off after 9999 of 10000 bytes"));
        check(&[&contents[..], b"x"].concat(), Err("has 10001 bytes, expected 10000"));
        let log = FileMark::growing("log", 4, crc32c::crc32c(b"abcd"));
        assert_eq!(log.check(b"abcdefg"), Ok(()));
        assert_eq!(log.check(b"abxdefg"), Err("is damaged in its first 4 bytes".to_owned()));
        assert_eq!(log.check(b"abc"), Err("is cut off after 3 of 4 bytes".to_owned()));
    }

    #[test]
    fn another_format_names_both_versions() {
        let text = String::from_utf8(manifest().write()).unwrap();
        let body = text[..text.len() - ending("").len()].replace("\"format\":1", "\"format\":2");
        let ManifestError::Format(error) =
            Manifest::read((body.clone() + &ending(&body)).as_bytes()).unwrap_err()
        else {
            panic!("it is whole")
        };
        assert!(
            error.contains("format 2, written by potstill 0.1.0; potstill 0.1.0 reads format 1"),
            "{error}"
        );
    }

    #[test]
    fn a_name_that_leads_out_of_the_folder_is_refused() {
        for name in ["../a", "", "a/b", ".", ".."] {
            let files = vec![FileMark::whole(name, b"x")];
            assert!(Manifest::read(&Manifest { files, ..manifest() }.write()).is_err(), "{name}");
        }
    }
}
