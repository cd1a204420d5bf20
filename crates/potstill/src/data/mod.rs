//! Data from before the run: labelled samples, and recorded episodes of any spaces.
//!
//! | module | content |
//! |---|---|
//! | [`labelled`] | labelled samples, in training and test parts |
//! | [`recording`] | recorded episodes, and the environment that replays them |
//! | [`reader`] | the trait of a file format, and the data that it is read to |
//!
//! Each format has a file of its own and an entry of [`READERS`]; [`read`] finds it by the content of the file.
//!
//! ```
//! use potstill::data::{self, Data, Dataset, Recording};
//!
//! let digits = Dataset::by_name("digits").unwrap();
//! assert_eq!((digits.len(), digits.features, digits.classes), (1797, 64, 10));
//!
//! let walk = r#"{"potstill":"recording","version":1,"env":"CliffWalking-v1",
//!     "observation_space":"Discrete(48)","action_space":"Discrete(4)"}"#.replace('\n', "")
//!     + "\n{\"observations\":[36,24],\"actions\":[0],\"rewards\":[-1.0],\"ending\":\"truncated\"}\n";
//! assert_eq!(data::read(walk.as_bytes()), Recording::parse(&walk).map(Data::Episodes));
//! assert!(data::read(b"\x89PNG").unwrap_err().starts_with("its format is not known; known: a recording"));
//! ```

mod json_lines;
pub mod labelled;
pub mod reader;
pub mod recording;

pub use labelled::Dataset;
pub use reader::{Data, Reader};
pub use recording::{RecordedEnv, Recording};

/// All formats of files.
pub const READERS: [&dyn Reader; 1] = [&json_lines::JsonLines];

/// Reads a file in the format that its content says it has.
///
/// # Errors
/// If no format is recognized, or the file is damaged: the place and the reason.
pub fn read(bytes: &[u8]) -> Result<Data, String> {
    if bytes.is_empty() {
        return Err("it is empty".to_owned());
    }
    match READERS.into_iter().find(|reader| reader.recognizes(bytes)) {
        Some(reader) => reader.read(bytes),
        None => {
            let known = READERS.map(Reader::summary).join(", ");
            Err(format!("its format is not known; known: {known}"))
        }
    }
}
