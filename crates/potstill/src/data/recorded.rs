//! Recorded episodes as a file: one JSON object per line, as [`Recording::text`] writes it.

use super::content::{Content, unreadable};
use super::reader::{Data, Head, Reader};
use super::recording::Recording;
use super::source::DataOptions;

/// The format.
#[derive(Clone, Copy, Debug)]
pub(super) struct Recorded;

impl Reader for Recorded {
    fn name(&self) -> &'static str {
        "recording"
    }

    fn summary(&self) -> &'static str {
        "a recording of `potstill play --record`"
    }

    fn recognizes(&self, head: &Head<'_>) -> bool {
        let Head::File(bytes) = head else { return false };
        let first = bytes.split(|&byte| byte == b'\n').find(|line| !line.trim_ascii().is_empty());
        let says = |word: &[u8]| first.is_some_and(|line| line.windows(word.len()).any(|part| part == word));
        first.is_some_and(|line| line.trim_ascii_start().starts_with(b"{"))
            && says(b"\"potstill\"")
            && says(b"\"recording\"")
    }

    fn read(&self, content: &dyn Content, _: &DataOptions) -> Result<Data, String> {
        let bytes = content.bytes().map_err(unreadable)?;
        let text = String::from_utf8(bytes).map_err(|error| format!("it is no text: {error}"))?;
        Recording::parse(&text).map(Data::Episodes)
    }
}
