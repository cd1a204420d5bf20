//! Data sets of episodes that an option names: read from and written to JSON lines, npz files and Minari's
//! folders.

use super::data_file::{MINARI, absolute_place, other_kind, path_of, read_data, refused};
use crate::data::episodes::minari::{self, Layout};
use crate::data::episodes::{write_lines, write_npz};
use crate::data::source::place_and_options;
use crate::data::{self, Data, DataSource, OfflineDataset};
use crate::error::Error;
use crate::store;
use std::path::Path;

/// A data set of episodes that was read.
pub(crate) struct OpenEpisodes {
    /// The source as it is kept in `config.toml`: with an absolute path.
    pub(crate) source: String,
    /// The episodes.
    pub(crate) data: OfflineDataset,
    /// The CRC-32C of the file, or of the numbers of a folder.
    pub(crate) checksum: u32,
}

impl OpenEpisodes {
    /// Reads the data set of an option. `learner` says for other data what is learned from.
    ///
    /// If there is none, it is damaged, or holds no episodes.
    pub(crate) fn open(option: &'static str, given: &str, learner: &str) -> Result<Self, Error> {
        let wrong = |reason: String| refused(option, given, reason);
        let source = DataSource::parse(given, &data::formats()).map_err(wrong)?;
        let data = match read_data((option, given), &source)? {
            Data::Episodes(data) => *data,
            other => return Err(other_kind(option, given, other.kind(), learner)),
        };
        let path = path_of(&source).map_err(wrong)?;
        let checksum = match path.is_file() {
            true => crc32c::crc32c(&store::read_file(&path)?),
            false => data.checksum(),
        };
        Ok(Self { source: absolute_place(given), data, checksum })
    }
}

/// A place that episodes are written to.
pub(crate) struct EpisodesOut<'a> {
    given: &'a str,
    kind: Kind<'a>,
}

enum Kind<'a> {
    Lines,
    Npz,
    Minari(&'a str, Layout),
}

impl<'a> EpisodesOut<'a> {
    /// Reads a place: `minari:NAMESPACE/name-v0`, perhaps with `:layout=hdf5` behind it, a file that ends in
    /// `.npz`, or another one for JSON lines. Files that are read are refused, and a data set of Minari that
    /// exists.
    ///
    /// If it is no place, or nothing can be written there.
    pub(crate) fn open(option: &str, given: &'a str, read: &[&Path]) -> Result<Self, Error> {
        let wrong = |reason: String| refused(option, given, reason);
        let (format, rest) = DataSource::without_format(given, &[MINARI]);
        if format.is_none() {
            store::check_output(Path::new(given), read)?;
            let is_npz = Path::new(given).extension().is_some_and(|end| end == "npz");
            return Ok(Self { given, kind: if is_npz { Kind::Npz } else { Kind::Lines } });
        }
        let (id, options) = place_and_options(rest);
        let layout = match options.split_once('=') {
            None => Layout::default(),
            Some(("layout", name)) => Layout::parse(name).map_err(wrong)?,
            Some((key, _)) => return Err(wrong(format!("no option `{key}`; the option is layout"))),
        };
        let folder = store::minari_folder(id).map_err(wrong)?;
        if folder.symlink_metadata().is_ok() {
            return Err(wrong(format!(
                "{} exists; choose another name or version, or remove it",
                folder.display()
            )));
        }
        Ok(Self { given, kind: Kind::Minari(id, layout) })
    }

    /// Writes a data set to a place, unless it holds the same already, as after a kill behind this write.
    ///
    /// If there is another one, or the disk cannot be written.
    pub(crate) fn write_once(option: &'static str, given: &str, data: &OfflineDataset) -> Result<(), Error> {
        match EpisodesOut::open(option, given, &[]) {
            Ok(place) => place.write(data),
            Err(error) => match OpenEpisodes::open(option, given, "a data set is written there") {
                Ok(there) if there.data.checksum() == data.checksum() => Ok(()),
                _ => Err(error),
            },
        }
    }

    /// Writes a data set; nothing is left of it if that fails.
    ///
    /// If the disk cannot be written.
    pub(crate) fn write(&self, data: &OfflineDataset) -> Result<(), Error> {
        let path = Path::new(self.given);
        match self.kind {
            Kind::Lines => store::write_pieces(path, |to| Ok(write_lines(data, to)?))?,
            Kind::Npz => store::write_pieces(path, |to| Ok(write_npz(data, to)?))?,
            Kind::Minari(id, layout) => {
                let folder =
                    store::minari_folder(id).map_err(|reason| refused("--out", self.given, reason))?;
                // A path has the name of its folder.
                let name = match store::is_path(id) {
                    true => folder.file_name().and_then(|name| name.to_str()).unwrap_or(id),
                    false => id,
                };
                store::write_new_folder(&folder, |put| minari::write(data, name, layout, put))?;
                if let Some((namespace, _)) = id.rsplit_once('/').filter(|_| !store::is_path(id)) {
                    let about = folder.with_file_name("namespace_metadata.json");
                    if !namespace.is_empty() && !about.exists() {
                        store::write_file(&about, b"{}")?;
                    }
                }
            }
        }
        Ok(())
    }
}
