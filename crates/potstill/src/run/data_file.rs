//! The door to a file of `--data`: it is opened, recognised, and refused if it holds something else than is learned from.

use super::checks::usage;
use crate::data::{self, Data, DataSource};
use crate::error::Error;
use crate::store::DataFile;
use std::path::Path;

/// A refusal of a file of data that an option such as `--data` has named, in one line.
pub(super) fn refused(option: &str, file: &str, reason: impl std::fmt::Display) -> Error {
    usage(format!("{option} {file}: {reason}"))
}

/// The contents of a data source that `pick` takes. `learner` says for the others what is learned from.
pub(super) fn read_data<T>(
    (option, given): (&str, &str),
    source: &DataSource<'_>,
    learner: &str,
    pick: impl FnOnce(Data) -> Result<T, Data>,
) -> Result<T, Error> {
    let file = DataFile::new(Path::new(source.place));
    let data =
        data::read(&file, source.format, &source.options).map_err(|reason| refused(option, given, reason))?;
    pick(data).map_err(|other| refused(option, given, format!("it holds {}; {learner}", other.kind())))
}
