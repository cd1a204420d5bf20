//! The trait of a format that data is read from.
//!
//! ```
//! use potstill::data::{Head, READERS};
//!
//! let recognized = |bytes: &[u8]| READERS.iter().find(|reader| reader.recognizes(&Head::File(bytes))).map(|r| r.name());
//! assert_eq!(recognized(b"{\"potstill\":\"recording\"}"), Some("recording"));
//! assert_eq!(recognized(b"a,b,label\n1,2,x\n"), Some("csv"));
//! assert_eq!(recognized(b"\0\0\x08\x03"), Some("idx"));
//! ```

use super::content::Content;
use super::episodes::OfflineDataset;
use super::frame::DataFrame;
use super::source::DataOptions;

/// Rows of samples, with those to test on if the format has them apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Samples {
    /// The rows.
    pub rows: DataFrame,
    /// The rows to test on, if they are apart.
    pub test: Option<DataFrame>,
}

/// Data that was read from a file.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// Samples, labelled or not.
    Samples(Samples),
    /// Recorded episodes.
    Episodes(Box<OfflineDataset>),
}

impl Data {
    /// Samples without a test part.
    pub(super) fn rows(rows: DataFrame) -> Self {
        Self::Samples(Samples { rows, test: None })
    }

    /// Recorded episodes.
    pub(super) fn episodes(data: OfflineDataset) -> Self {
        Self::Episodes(Box::new(data))
    }

    /// Its kind, in words.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Samples(_) => "samples",
            Self::Episodes(_) => "recorded episodes",
        }
    }
}

/// The beginning of a file, or the files of a folder, by which a format is recognized.
#[derive(Clone, Copy, Debug)]
pub enum Head<'a> {
    /// The first bytes, decompressed.
    File(&'a [u8]),
    /// The paths of the files, sorted.
    Folder(&'a [String]),
}

/// A format that data is read from.
pub trait Reader: Sync {
    /// The name, which may be written before a path: `csv:FILE`.
    fn name(&self) -> &'static str;

    /// One line on the format, for lists and messages: "a recording of `potstill play --record`".
    fn summary(&self) -> &'static str;

    /// Returns true if the content says that it is of this format. Its name is not asked.
    fn recognizes(&self, head: &Head<'_>) -> bool;

    /// The data of a file or folder.
    ///
    /// # Errors
    /// If it is damaged: the place and the reason.
    fn read(&self, content: &dyn Content, options: &DataOptions) -> Result<Data, String>;
}
