//! Recorded episodes as a file: one JSON object per line, as [`Recording::text`] writes it.

use super::reader::{Data, Reader};
use super::recording::Recording;

/// The format.
#[derive(Clone, Copy, Debug)]
pub(super) struct JsonLines;

impl Reader for JsonLines {
    fn summary(&self) -> &'static str {
        "a recording of `potstill play --record`"
    }

    fn recognizes(&self, bytes: &[u8]) -> bool {
        bytes.trim_ascii_start().starts_with(b"{")
    }

    fn read(&self, bytes: &[u8]) -> Result<Data, String> {
        let text = std::str::from_utf8(bytes).map_err(|error| format!("it is no text: {error}"))?;
        Recording::parse(text).map(Data::Episodes)
    }
}
