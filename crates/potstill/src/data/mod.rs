//! Data from before the run: samples of any kind, and recorded episodes of any spaces.
//!
//! | module | content |
//! |---|---|
//! | [`source`] | `--data` as it is written: a place, and options |
//! | [`content`] | the bytes of a file, or the files of a folder |
//! | [`reader`] | the trait of a format, and the data that it is read to |
//! | [`frame`] | rows as they stand in a file, column by column |
//! | [`preprocessing`] | the way from rows to inputs and targets, fitted on training rows |
//! | [`labelled`] | samples for a network, in training and test parts |
//! | [`text`] | hashed n-grams of texts |
//! | [`digits`] | the data that comes with the crate |
//! | [`episodes`] | data sets of episodes of any spaces: JSON lines, Minari's folders, npz |
//! | [`recording`] | recorded episodes one by one, and the environment that replays them |
//!
//! Each format has a file of its own and an entry of [`READERS`]; [`read`] finds it by the content of the file.
//!
//! ```
//! use potstill::data::{self, Bytes, Data, DataOptions, Dataset, Recording};
//!
//! let digits = Dataset::by_name("digits").unwrap();
//! assert_eq!((digits.len(), digits.features, digits.classes), (1797, 64, 10));
//!
//! let walk = r#"{"potstill":"recording","version":1,"env":"CliffWalking-v1",
//!     "observation_space":"Discrete(48)","action_space":"Discrete(4)"}"#.replace('\n', "")
//!     + "\n{\"observations\":[36,24],\"actions\":[0],\"rewards\":[-1.0],\"ending\":\"truncated\"}\n";
//! let read = |bytes: &[u8]| data::read(&Bytes(bytes), None, &DataOptions::default());
//! assert_eq!(read(walk.as_bytes()), Recording::parse(&walk).map(|walk: Recording| Data::Episodes(walk.dataset().into())));
//! assert!(read(b"\x01\x02\x03").unwrap_err().starts_with("its format is not known; known: a recording"));
//! ```

#[cfg(feature = "disk")]
mod adopted;
mod arrays;
#[cfg(any(feature = "hdf5", feature = "parquet"))]
mod caught;
pub mod content;
mod csv;
pub mod digits;
#[cfg(feature = "disk")]
pub(crate) mod doubts;
mod encoding;
pub mod episodes;
pub mod frame;
mod idx;
mod json_lines;
pub mod labelled;
mod parquet;
#[cfg(feature = "parquet")]
mod parquet_table;
mod pictures;
pub mod preprocessing;
pub mod reader;
mod record;
pub mod recording;
mod rows;
pub mod source;
pub mod text;
mod unknown;

pub use content::{Bytes, Content};
pub use encoding::Encoding;
pub use episodes::{EpisodeRecord, OfflineDataset, Transitions};

pub use frame::{Column, DataFrame, Values};
pub use labelled::Dataset;
pub use preprocessing::Preprocessing;
pub use reader::{Data, Head, Reader, Samples};
pub use recording::{RecordedEnv, Recording};
pub use source::{DataOptions, DataSource};

/// All formats; a table of text, which has no mark of its own, is the last.
pub const READERS: [&dyn Reader; 12] = [
    &episodes::lines::Lines,
    &episodes::minari::Minari,
    &json_lines::JsonLines,
    &idx::Idx,
    &idx::Mnist,
    &pictures::Cifar,
    &pictures::Pictures,
    &arrays::Npy,
    &arrays::Npz,
    &arrays::Tensors,
    &parquet::Parquet,
    &csv::Csv,
];

/// The names of all formats.
pub fn formats() -> Vec<&'static str> {
    READERS.map(Reader::name).to_vec()
}

/// Reads data in the format with this name, or in the one that the content says it has.
///
/// # Errors
/// If no format is recognized, or the data is damaged: the place and the reason.
pub fn read(content: &dyn Content, format: Option<&str>, options: &DataOptions) -> Result<Data, String> {
    let files = content.files().map_err(content::unreadable)?;
    let bytes = match &files {
        Some(_) => Vec::new(),
        None => content.head().map_err(content::unreadable)?,
    };
    let head = match &files {
        Some(files) if files.is_empty() => return Err("the folder is empty".to_owned()),
        Some(files) => Head::Folder(files),
        None if bytes.is_empty() => return Err("it is empty".to_owned()),
        None => Head::File(&bytes),
    };
    if let (Head::File(bytes), None) = (&head, format)
        && let Some(advice) = unknown::advice(bytes)
    {
        return Err(advice.to_owned());
    }
    let found = READERS.into_iter().find(|reader| match format {
        Some(format) => reader.name() == format,
        None => reader.recognizes(&head),
    });
    match found {
        Some(reader) => reader.read(content, options),
        None => {
            // Some have commas.
            let [first @ .., last] = READERS.map(Reader::summary);
            Err(format!("its format is not known; known: {}; or {last}", first.join("; ")))
        }
    }
}
