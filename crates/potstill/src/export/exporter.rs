//! The trait of a format for models.

use crate::model::Model;

/// A file format for trained models.
pub trait Exporter: Sync {
    /// The name in `potstill export --to NAME`.
    fn name(&self) -> &'static str;

    /// The ending of a file's name, without the dot.
    fn extension(&self) -> &'static str;

    /// One line on the format and the models it can hold.
    fn summary(&self) -> &'static str;

    /// Checks that the format can hold a model.
    ///
    /// # Errors
    /// If it cannot, with the reason.
    fn takes(&self, model: &Model) -> Result<(), String>;

    /// The bytes of the file. The model is one that the format [takes](Self::takes).
    fn write(&self, model: &Model) -> Vec<u8>;
}
