//! The door to a file of `--data`: it is opened, recognised, and refused if it holds something else than is learned from.

use super::checks::usage;
use crate::data::source::place_and_options;
use crate::data::{self, Data, DataSource};
use crate::error::Error;
use crate::store::{self, DataFile};
use std::path::{Path, PathBuf};

/// A refusal of a file of data that an option such as `--data` has named, in one line.
pub(super) fn refused(option: &str, file: &str, reason: impl std::fmt::Display) -> Error {
    usage(format!("{option} {file}: {reason}"))
}

/// The format whose places are ids of data sets.
pub(super) const MINARI: &str = "minari";

/// Returns true if the place of a source in this format is the id of a data set of Minari, and no path.
pub(super) fn is_id(format: Option<&str>, place: &str) -> bool {
    format == Some(MINARI) && !store::is_path(place)
}

/// Returns true if there is something at the place of a source, or ought to be by its name.
pub(super) fn is_there(source: &DataSource<'_>) -> bool {
    is_id(source.format, source.place) || Path::new(source.place).exists()
}

/// The path of a data source.
pub(super) fn path_of(source: &DataSource<'_>) -> Result<PathBuf, String> {
    match is_id(source.format, source.place) {
        true => store::minari_folder(source.place),
        false => Ok(PathBuf::from(source.place)),
    }
}

/// The refusal of a data source that holds something else than `learner` says is learned from.
pub(super) fn other_kind(option: &str, given: &str, kind: &str, learner: &str) -> Error {
    refused(option, given, format!("it holds {kind}; {learner}"))
}

/// The contents of a data source.
pub(super) fn read_data((option, given): (&str, &str), source: &DataSource<'_>) -> Result<Data, Error> {
    let told = |reason| refused(option, given, reason);
    let path = path_of(source).map_err(told)?;
    if is_id(source.format, source.place) && !path.is_dir() {
        let path = path.display();
        return Err(told(format!(
            "there is no such data set, {path}; `minari download {}` gets one of Minari's own",
            source.place
        )));
    }
    data::read(&DataFile::new(&path), source.format, &source.options).map_err(told)
}

/// `FORMAT:PLACE:key=value`, of data or of a model, in its three parts.
fn around_place(given: &str) -> [&str; 3] {
    if Path::new(given).exists() {
        return ["", given, ""];
    }
    let (_, rest) = DataSource::without_format(given, &data::formats());
    let (place, _) = place_and_options(rest);
    [&given[..given.len() - rest.len()], place, &rest[place.len()..]]
}

/// The path in a source of data or of a model.
pub(crate) fn place_of(given: &str) -> &Path {
    Path::new(around_place(given)[1])
}

/// The beginning of data that are made by uniformly random actions.
pub(super) const RANDOM: &str = "random:";

/// Returns true if a source of data is uniformly random actions.
pub(crate) fn is_random(given: &str) -> bool {
    given.starts_with(RANDOM)
}

/// A source with an absolute path.
pub(crate) fn absolute_place(given: &str) -> String {
    if is_random(given) {
        return given.to_owned();
    }
    let [format, place, options] = around_place(given);
    if is_id(format.strip_suffix(':'), place) {
        return given.to_owned();
    }
    let absolute = std::path::absolute(place).ok();
    format!("{format}{}{options}", absolute.as_deref().and_then(Path::to_str).unwrap_or(place))
}

/// The name of a data source: that of its file or folder, without the ending and the options.
pub(crate) fn name_of(source: &str) -> String {
    let place = DataSource::parse(source, &data::formats()).map_or(source, |parsed| parsed.place);
    Path::new(place).file_stem().and_then(|name| name.to_str()).unwrap_or("data").to_owned()
}
