//! Data from before the run: labelled samples, and recorded episodes of any spaces.
//!
//! | module | content |
//! |---|---|
//! | [`labelled`] | labelled samples, in training and test parts |
//! | [`recording`] | recorded episodes, and the environment that replays them |
//!
//! Each reader has a file of its own, and recognises its format by the file's content.
//!
//! ```
//! use potstill::data::Dataset;
//!
//! let digits = Dataset::by_name("digits").unwrap();
//! assert_eq!((digits.len(), digits.features, digits.classes), (1797, 64, 10));
//! ```

pub mod labelled;
pub mod recording;

pub use labelled::Dataset;
pub use recording::{RecordedEnv, Recording};
