//! The trait of a format for models.

use crate::model::Model;

/// The meaning of a network's outputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Purpose {
    /// Values of actions.
    #[default]
    Values,
    /// Logits of actions.
    Policy,
    /// Logits of classes.
    Classes,
}

/// The origin of a model, for formats that have a place for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// The meaning of the outputs, if the model is a network.
    pub purpose: Purpose,
    /// Keys and values: environment or data, algorithm, checksum of the run's model.
    pub metadata: Vec<(String, String)>,
}

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

    /// A sentence on each respect in which the file may give other answers than the model.
    fn warnings(&self, _model: &Model) -> Vec<String> {
        Vec::new()
    }

    /// The bytes of the file. The model is one that the format [takes](Self::takes).
    fn write(&self, model: &Model, about: &About) -> Vec<u8>;
}
