//! The trait of a format that data is read from.
//!
//! ```
//! use potstill::data::READERS;
//!
//! let recordings = READERS[0];
//! assert!(recordings.recognizes(b"{\"potstill\":\"recording\"}") && !recordings.recognizes(b"a,b,label"));
//! assert_eq!(recordings.summary(), "a recording of `potstill play --record`");
//! ```

use super::labelled::Dataset;
use super::recording::Recording;

/// Data that was read from a file.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// Labelled samples.
    Labelled(Dataset),
    /// Recorded episodes of discrete observations and actions.
    Episodes(Recording),
}

impl Data {
    /// Its kind, in words.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Labelled(_) => "labelled samples",
            Self::Episodes(_) => "recorded episodes",
        }
    }
}

/// A file format that data is read from.
pub trait Reader: Sync {
    /// One line on the format, for lists and messages: "a recording of `potstill play --record`".
    fn summary(&self) -> &'static str;

    /// Returns true if a file of these bytes says that it is of this format. Its name is not asked.
    fn recognizes(&self, bytes: &[u8]) -> bool;

    /// The data of a file.
    ///
    /// # Errors
    /// If the file is damaged: the place and the reason.
    fn read(&self, bytes: &[u8]) -> Result<Data, String>;
}
