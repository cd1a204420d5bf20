//! Recorded episodes as a file: one JSON object per line, as [`Recording::text`] writes it.

use super::content::Content;
use super::reader::{Data, Head, Reader};
use super::recording::Recording;
use super::source::DataOptions;

/// The format.
#[derive(Clone, Copy, Debug)]
pub(super) struct JsonLines;

impl Reader for JsonLines {
    fn name(&self) -> &'static str {
        "recording"
    }

    fn summary(&self) -> &'static str {
        "a recording of `potstill play --record`"
    }

    fn recognizes(&self, head: &Head<'_>) -> bool {
        matches!(head, Head::File(bytes) if bytes.trim_ascii_start().starts_with(b"{"))
    }

    fn read(&self, content: &dyn Content, _: &DataOptions) -> Result<Data, String> {
        let bytes = content.bytes().map_err(|error| format!("it cannot be read: {error}"))?;
        let text = String::from_utf8(bytes).map_err(|error| format!("it is no text: {error}"))?;
        Recording::parse(&text).map(Data::Episodes)
    }
}
