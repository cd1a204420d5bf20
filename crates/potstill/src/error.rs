//! One error for a whole run, and the exit code that it means.

use crate::config::ConfigError;
use crate::export::safetensors::ModelError;
use crate::store::StoreError;
use crate::train::TrainError;
use std::path::PathBuf;
use thiserror::Error;

/// Why a run ended without a result.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The command line or a configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A path is wrong, or the disk refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A model file is wrong.
    #[error("{}: {source}", .path.display())]
    Model {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ModelError,
    },
    /// Training failed.
    #[error("training stopped at {0}")]
    Train(#[from] TrainError),
}

impl Error {
    /// 2 if the command line, a configuration or an input file is wrong, 1 if the work failed.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Config(_) | Error::Model { .. } => 2,
            Error::Store(error) if error.is_input() => 2,
            Error::Store(_) | Error::Train(_) => 1,
        }
    }
}
