//! The work that runs do: the training of an algorithm, or a distillation.

use super::datasets::{DataSources, split_of};
use super::labels::{DISTILL, distillation_head};
use super::prepare::{
    prepare_distillation, prepare_headed, prepare_headed_distillation, prepare_train, train_head,
    train_settings, with_checksum,
};
use super::prepared::PreparedRun;
use super::sources::peek;
use super::teachers::Teacher;
use crate::algorithm::{Algorithm, Builder};
use crate::config::{Layer, Origin, Settings};
use crate::error::Error;
use crate::jobs::{ClassDistillation, PolicyDistillation, ValueDistillation};
use toml::Value;

/// The work of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Work {
    /// The training of an algorithm.
    Train(&'static Algorithm),
    /// A distillation.
    Distill,
}

/// The teacher that layers name.
fn teacher(layers: &[Layer]) -> Result<Teacher, Error> {
    Teacher::open(peek(layers, "teacher").unwrap_or_default())
}

impl Work {
    /// Its name: that of the algorithm, or of the command.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Train(algorithm) => algorithm.name,
            Self::Distill => DISTILL,
        }
    }

    /// The command that does it.
    pub(crate) fn command(self) -> &'static str {
        match self {
            Self::Train(_) => "train",
            Self::Distill => DISTILL,
        }
    }

    /// The keys above the settings in a configuration file.
    pub(crate) fn head(self) -> Vec<(&'static str, Value)> {
        match self {
            Self::Train(algorithm) => train_head(algorithm.name),
            Self::Distill => distillation_head(),
        }
    }

    /// The default settings; those of a distillation depend on its teacher.
    ///
    /// # Errors
    /// If the teacher cannot be read.
    pub(crate) fn settings(self, layers: &[Layer]) -> Result<Box<dyn Settings>, Error> {
        Ok(match self {
            Self::Train(algorithm) => train_settings(algorithm),
            Self::Distill => match teacher(layers)? {
                Teacher::Policy(_) => Box::<PolicyDistillation>::default(),
                Teacher::Classes(teachers) if teachers.has_values() => Box::<ValueDistillation>::default(),
                Teacher::Classes(_) => Box::<ClassDistillation>::default(),
            },
        })
    }

    /// The number of samples that a search holds out to choose by, unless it is told, and the checksums of what it learns from; none
    /// without data.
    ///
    /// # Errors
    /// If data or teacher cannot be read.
    pub(crate) fn searched(self, layers: &[Layer]) -> Result<Option<(u64, Layer)>, Error> {
        let (data, layers) = match self {
            Self::Train(algorithm) if matches!(algorithm.builder, Builder::Labels(_)) => {
                DataSources::open(layers, &[])?
            }
            Self::Train(_) => return Ok(None),
            Self::Distill => match teacher(layers)? {
                Teacher::Policy(_) => return Ok(None),
                Teacher::Classes(teachers) => {
                    let (data, layers) = DataSources::open(layers, &teachers.trained_on())?;
                    let (teacher, layers) = Teacher::Classes(teachers).with_unlabelled(&layers)?;
                    (data, with_checksum(&teacher, &layers)?)
                }
            },
        };
        let sums = layers.iter().flat_map(|layer| &layer.values).filter(|(key, _)| key.ends_with("_crc32c"));
        let values = sums.map(|(key, sum)| (key.clone(), sum.clone())).collect();
        let layer = Layer { origin: Origin::Program("of a search"), values };
        Ok(Some((data.validation_samples(&split_of(&layers)), layer)))
    }

    /// Prepares a run.
    ///
    /// # Errors
    /// If a key or value is wrong, or values exclude each other.
    pub(crate) fn prepare(self, layers: &[Layer], threads: usize) -> Result<PreparedRun, Error> {
        match self {
            Self::Train(algorithm) => prepare_train(algorithm, layers, threads, None),
            Self::Distill => prepare_distillation(teacher(layers)?, layers, threads, None),
        }
    }

    /// Prepares a run with further keys above its settings.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare).
    pub(crate) fn prepare_with(
        self,
        further: (&'static str, Value),
        layers: &[Layer],
        threads: usize,
    ) -> Result<PreparedRun, Error> {
        let head = [self.head(), vec![further]].concat();
        match self {
            Self::Train(algorithm) => prepare_headed(algorithm, &head, layers, threads, None),
            Self::Distill => prepare_headed_distillation(teacher(layers)?, &head, layers, threads),
        }
    }
}
