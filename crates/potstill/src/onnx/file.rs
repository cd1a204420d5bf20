//! Models in files, whose data may lie in further files beside them.

use super::model::Model;
use super::run::Limits;
use crate::store::{self, StoreError};
use std::path::Path;
use thiserror::Error;

/// A file that is no model that can be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// A file that cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Content that is no ONNX model, or none that can be evaluated.
    #[error("{path}: {reason}")]
    Model {
        /// The file.
        path: String,
        /// The missing or wrong part.
        reason: String,
    },
}

impl Model {
    /// Reads a file, and the output of this name if one is given. Weights in a second file, as PyTorch's
    /// exporter writes them, are read from the same folder or below it.
    ///
    /// # Errors
    /// As [`read_with`](Self::read_with), or if a file cannot be read.
    pub fn open(path: &Path, output: Option<&str>) -> Result<Self, OpenError> {
        Self::of_file(path, &store::read_file(path)?, output).map(|(model, _)| model)
    }

    /// Reads the bytes of a file at this path, beside which further data may lie: how many bytes of it were read, too.
    pub(crate) fn of_file(
        path: &Path,
        bytes: &[u8],
        output: Option<&str>,
    ) -> Result<(Self, usize), OpenError> {
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut beside = 0;
        let mut external = |name: &str, offset: u64, length: usize| {
            beside += length;
            store::read_part_within(folder, name, offset, length)
                .map_err(|reason| format!("has data in `{name}`, {reason}"))
        };
        Self::read_with(bytes, output, Limits::default(), &mut external)
            .map(|model| (model, beside))
            .map_err(|reason| OpenError::Model { path: path.display().to_string(), reason })
    }
}
