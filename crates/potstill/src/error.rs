//! The error of a whole run, and its exit code.
//!
//! ```
//! use potstill::commands::{TrainRequest, train};
//! use potstill::run::Quiet;
//!
//! let request = TrainRequest { algorithm: "q-lerning".to_owned(), ..TrainRequest::default() };
//! let error = train(&request, &Quiet).unwrap_err();
//! assert_eq!(error.exit_code(), 2);
//! assert_eq!(error.to_string(), "unknown algorithm `q-lerning`; did you mean `q-learning`?");
//! ```

use crate::config::ConfigError;
use crate::export::safetensors::ModelError;
use crate::shell;
use crate::store::{StoreError, names};
use crate::train::TrainError;
use std::path::PathBuf;
use thiserror::Error;

/// The reason for which a run ended without a result.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The command line or a configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A path is wrong, or the disk cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A model file is wrong.
    #[error("{}: {source}", .path.display())]
    Model {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: ModelError,
    },
    /// The disk failed during the work. The run can be resumed.
    #[error(transparent)]
    Disk(StoreError),
    /// The environment or the learner failed.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// Training failed. The run directory has the details.
    #[error("training stopped in {place}, at {source}; see {}", .run.join(names::FAILURE).display())]
    Failed {
        /// The run directory.
        run: PathBuf,
        /// The environment or dataset, and the seed.
        place: String,
        /// The reason.
        source: Box<TrainError>,
    },
    /// No trial of a search has a result.
    #[error("all {trials} trials of {} failed; the first: {reason}", .folder.display())]
    Fruitless {
        /// The folder of the search.
        folder: PathBuf,
        /// The number of trials.
        trials: usize,
        /// The reason for which the first failed.
        reason: String,
    },
    /// The run was asked to stop. It can be resumed.
    #[error("stopped at step {step}{}; `potstill resume {}` continues it", as_of(.saved), shell::path(.run))]
    Interrupted {
        /// The run directory.
        run: PathBuf,
        /// The steps so far.
        step: u64,
        /// The step of the newest checkpoint.
        saved: Option<u64>,
    },
    /// Several runs in one folder were asked to stop. They can be resumed.
    #[error("stopped {progress}{}; `potstill resume {}` continues them", kept_of(*.step, *.saved), shell::path(.run))]
    Paused {
        /// The folder.
        run: PathBuf,
        /// The parts that are done, in words: `with 1 of 3 seeds done`.
        progress: String,
        /// The steps so far of the runs that were stopped, all together.
        step: u64,
        /// The steps of their newest checkpoints, all together.
        saved: u64,
    },
    /// A measurement of many runs was asked to stop; those that were finished are kept.
    #[error("stopped; {kept} finished runs are kept, and the same command with --out {} continues", shell::path(.out))]
    Halted {
        /// The folder.
        out: PathBuf,
        /// The number of finished runs.
        kept: usize,
    },
    /// Work that cannot be resumed was asked to stop.
    #[error("stopped; nothing was kept")]
    Abandoned,
}

fn as_of(step: &Option<u64>) -> String {
    match step {
        Some(step) => format!(", saved as of step {step}"),
        None => ", not saved: it will begin again".to_owned(),
    }
}

fn kept_of(step: u64, saved: u64) -> String {
    match saved {
        _ if saved >= step => ", all saved".to_owned(),
        0 => ", not saved: they will begin again".to_owned(),
        _ => format!(", {saved} of {step} steps saved"),
    }
}

impl Error {
    /// The exit code of a run that has ended with work that was not saved.
    pub const UNSAVED: u8 = 3;

    /// 2 if the command line, a configuration or an input file is wrong, 1 if the work failed, 130 if it was stopped and saved,
    /// [`UNSAVED`](Self::UNSAVED) if it was stopped and something was lost.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Config(_) | Error::Model { .. } => 2,
            Error::Store(error) if error.is_input() => 2,
            Error::Store(_)
            | Error::Disk(_)
            | Error::Train(_)
            | Error::Failed { .. }
            | Error::Fruitless { .. } => 1,
            Error::Interrupted { step, saved, .. } if *step > 0 && *saved != Some(*step) => Self::UNSAVED,
            Error::Paused { step, saved, .. } if saved < step => Self::UNSAVED,
            Error::Abandoned => Self::UNSAVED,
            Error::Interrupted { .. } | Error::Paused { .. } | Error::Halted { .. } => 130,
        }
    }
}
