//! Minari's data sets (version 0.5.4): a folder with `data/metadata.json` and the episodes, in one of two
//! layouts.
//!
//! | layout | episode `i` |
//! |---|---|
//! | Arrow | `data/i/part-0.arrow`, whose last row of all columns but the observations is padding, and `data/i/metadata.json` |
//! | HDF5 | the group `episode_i` of `data/main_data.hdf5`, with the metadata as attributes |
//!
//! | Minari's space | here |
//! |---|---|
//! | `Discrete` | indices from 0, whatever its start |
//! | `Tuple` of `Discrete`, `MultiDiscrete` | one index, the last part running fastest |
//! | `Box` of any type | vectors in single precision |
//! | `MultiBinary` | bytes |
//!
//! Others are refused by name, and so are pictures in JPEG. Infos are not read. The metadata, with the spaces
//! as they were, is written again.
//!
//! | file | content |
//! |---|---|
//! | `mod.rs` | folders and metadata |
//! | `env_spec.rs` | environments of Gymnasium |
//! | `form.rs` | spaces, and their values in columns |
//! | `steps.rs` | flags, rewards and metadata of an episode |
//! | `arrow_layout.rs`, `hdf5_layout.rs` | the two layouts |
//!
//! ```
//! use potstill::data::OfflineDataset;
//! use potstill::data::episodes::minari::{Layout, write};
//! use potstill::env::Space;
//! use potstill::experience::Trajectory;
//!
//! let mut walk: Trajectory<usize> = Trajectory::starting_at(36);
//! walk.push(0, -1.0, 24);
//! let mut data = OfflineDataset::new("CliffWalking-v1", Space::Discrete { n: 48 }, Space::Discrete { n: 4 });
//! data.push(&walk, [false, true], None)?;
//! let mut files = Vec::new();
//! write(&data, "cliff/short-v0", Layout::Arrow, &mut |path, _| {
//!     files.push(path.to_owned());
//!     Ok(())
//! }).unwrap();
//! assert!(files.contains(&"data/0/part-0.arrow".to_owned()));
//! # Ok::<(), String>(())
//! ```

mod arrow_layout;
mod env_spec;
mod form;
#[cfg(feature = "hdf5")]
mod hdf5_layout;
mod steps;

use super::super::content::Content;
use super::super::reader::{Data, Head, Reader};
use super::super::source::DataOptions;
use super::OfflineDataset;
use env_spec::env_spec;
use form::{Form, NotFinite, python_json};
use potstill_env::Space;
use serde_json::{Map, Value, json};
use std::io;
use steps::METADATA;

pub use steps::Put;

/// The version of Minari whose data sets are written.
const VERSION: &str = "0.5.4";
/// The file of the HDF5 layout.
#[cfg(feature = "hdf5")]
const HDF5_FILE: &str = "main_data.hdf5";
/// The key of the environment's id with its options, which Minari does not know.
const ENV: &str = "potstill_env";
/// The key of the environment's specification, a text with JSON.
const ENV_SPEC: &str = "env_spec";

/// The format.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Minari;

impl Reader for Minari {
    fn name(&self) -> &'static str {
        "minari"
    }

    fn summary(&self) -> &'static str {
        "a Minari data set"
    }

    fn recognizes(&self, head: &Head<'_>) -> bool {
        let Head::Folder(files) = head else { return false };
        files.iter().any(|file| file == "data/metadata.json")
    }

    fn read(&self, content: &dyn Content, options: &DataOptions) -> Result<Data, String> {
        read(&*content.file("data"), options.memory).map(Data::episodes)
    }
}

/// The layout of the numbers of a data set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// A file for each episode.
    #[default]
    Arrow,
    /// One file, which needs the feature `hdf5`.
    Hdf5,
}

impl Layout {
    /// The layout of this name.
    ///
    /// If it is none, or this build does not have it.
    pub fn parse(name: &str) -> Result<Self, String> {
        match name {
            "arrow" => Ok(Self::Arrow),
            "hdf5" if cfg!(feature = "hdf5") => Ok(Self::Hdf5),
            "hdf5" => Err(WITHOUT_HDF5.to_owned()),
            _ => Err(format!("layout={name}: expected arrow or hdf5")),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Arrow => "arrow",
            Self::Hdf5 => "hdf5",
        }
    }
}

/// The refusal of a build without the feature.
const WITHOUT_HDF5: &str = "it is in HDF5, which this build does not read or write; build with the feature hdf5 (cargo install \
                            potstill-cli --features hdf5), or use Minari's Arrow layout (data_format=\"arrow\")";

/// The forms of observations and actions by the metadata of a data set.
fn forms(metadata: &Map<String, Value>) -> Result<[Form; 2], String> {
    let has_jpeg = metadata.get("jpeg_encoding") != Some(&Value::Bool(false));
    let form = |what: &str| {
        let key = format!("{what}_space");
        match metadata.get(&key).and_then(Value::as_str) {
            Some(description) => Form::parse(description, has_jpeg)
                .map_err(|reason| format!("{METADATA}: its {what}s are {reason}")),
            None => Err(format!(
                "{METADATA}: it has no `{key}`, which data sets of Minari before 0.5 may leave out; load and save it with a \
                 newer one"
            )),
        }
    };
    Ok([form("observation")?, form("action")?])
}

/// Reads the data set in a folder `data`, of which each column holds at most so many bytes in memory.
fn read(folder: &dyn Content, memory: usize) -> Result<OfflineDataset, String> {
    let mut metadata = steps::metadata(folder, METADATA)?;
    let [observations, actions] = forms(&metadata)?;
    let episodes = metadata.get("total_episodes").and_then(Value::as_u64);
    let episodes = episodes.ok_or_else(|| format!("{METADATA}: it has no `total_episodes`"))?;
    let spec = metadata.get(ENV_SPEC).and_then(Value::as_str).unwrap_or_default();
    let spec = python_json(spec, NotFinite::Null).unwrap_or_default();
    let env = metadata.remove(ENV).unwrap_or_else(|| spec["id"].clone());
    let spaces = (observations.space.clone(), actions.space.clone());
    let mut data = OfflineDataset::below(memory, env.as_str().unwrap_or_default(), spaces.0, spaces.1);
    let forms = [observations, actions];
    match metadata.get("data_format").and_then(Value::as_str) {
        Some("arrow") => arrow_layout::read(folder, episodes, &forms, &mut data)?,
        #[cfg(feature = "hdf5")]
        Some("hdf5") => {
            let file = folder
                .file(HDF5_FILE)
                .bytes()
                .map_err(|error| format!("{HDF5_FILE}: it cannot be read: {error}"));
            hdf5_layout::read(file?, episodes, &forms, &mut data)
                .map_err(|reason| format!("{HDF5_FILE}: {reason}"))?;
        }
        #[cfg(not(feature = "hdf5"))]
        Some("hdf5") => return Err(WITHOUT_HDF5.to_owned()),
        other => {
            let other = other.unwrap_or("none");
            return Err(format!(
                "its data_format is {other}, which is not read; convert it with Minari to arrow or hdf5"
            ));
        }
    }
    if data.episodes.is_empty() {
        return Err("it holds no episode".to_owned());
    }
    // What is known from the data itself.
    for key in ["total_episodes", "total_steps", "data_format", "jpeg_encoding", "dataset_size"] {
        metadata.remove(key);
    }
    data.metadata = metadata;
    Ok(data)
}

/// Writes a data set of this name, such as `cartpole/random-v0`, file by file.
///
/// If `put` refuses a file, or the layout needs a feature that this build does not have.
pub fn write(data: &OfflineDataset, id: &str, layout: Layout, put: &mut Put<'_>) -> io::Result<()> {
    let form = |key: &str, space: &Space| {
        // As they were, if the data has come from Minari.
        let known = data.metadata.get(key).and_then(Value::as_str);
        let known = known.and_then(|description| Form::parse(description, false).ok());
        known.filter(|form| form.space == *space).unwrap_or_else(|| Form::of(space))
    };
    let observations = form("observation_space", &data.observation_space);
    let forms = [observations, form("action_space", &data.action_space)];
    let mut bytes = 0;
    let mut counted = |path: &str, contents: &[u8]| {
        bytes += contents.len();
        put(&format!("data/{path}"), contents)
    };
    match layout {
        Layout::Arrow => arrow_layout::write(data, &forms, &mut counted)?,
        #[cfg(feature = "hdf5")]
        Layout::Hdf5 => counted(HDF5_FILE, &hdf5_layout::write(data, &forms).map_err(io::Error::other)?)?,
        #[cfg(not(feature = "hdf5"))]
        Layout::Hdf5 => return Err(io::Error::new(io::ErrorKind::InvalidInput, WITHOUT_HDF5)),
    }
    let mut about = json!({
        "total_episodes": data.episodes.len(),
        "total_steps": data.steps(),
        "data_format": layout.name(),
        "jpeg_encoding": false,
        "observation_space": forms[0].description,
        "action_space": forms[1].description,
        "dataset_size": (bytes as f64 / 1e5).round() / 10.0,
        "dataset_id": id,
    });
    let known = about.as_object_mut().expect("an object");
    if !data.env.is_empty() {
        known.insert(ENV.to_owned(), data.env.clone().into());
    }
    if let Some(spec) = env_spec(&data.env).filter(|_| !data.metadata.contains_key(ENV_SPEC)) {
        known.insert(ENV_SPEC.to_owned(), spec.into());
    }
    for (key, value) in &data.metadata {
        known.entry(key).or_insert_with(|| value.clone());
    }
    known.insert("minari_version".to_owned(), VERSION.into());
    put(&format!("data/{METADATA}"), about.to_string().as_bytes())
}
