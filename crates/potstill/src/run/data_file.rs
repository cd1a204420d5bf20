//! The door to a file of `--data`: it is opened, recognised, and refused if it holds something else than is learned from.

use super::checks::usage;
use crate::data::{self, Data};
use crate::error::Error;
use crate::store;
use std::path::Path;

/// A refusal of a file of data, in one line.
pub(super) fn refused(file: &str, reason: impl std::fmt::Display) -> Error {
    usage(format!("--data {file}: {reason}"))
}

/// The contents of a file that `pick` takes, and their CRC-32C. `learner` says for the others what is learned from.
pub(super) fn read_data<T>(
    file: &str,
    learner: &str,
    pick: impl FnOnce(Data) -> Result<T, Data>,
) -> Result<(T, u32), Error> {
    let bytes = store::read_file(Path::new(file))?;
    let data = data::read(&bytes).map_err(|reason| refused(file, reason))?;
    let picked =
        pick(data).map_err(|other| refused(file, format!("it holds {}; {learner}", other.kind())))?;
    Ok((picked, crc32c::crc32c(&bytes)))
}
