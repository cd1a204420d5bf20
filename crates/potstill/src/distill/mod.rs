//! Knowledge distillation: a student learns from a trained teacher.
//!
//! | module | content |
//! |---|---|
//! | [`classifier`] | a classifier from labels, from a teacher's logits, or from both (Hinton et al. 2015) |
//! | [`augmentation`] | shifts and flips of images, mixtures of samples |
//! | [`regression`] | numbers from labels, from a teacher's values, or from both |
//! | [`values`] | a teacher's values beside the labels of a regression |
//! | [`student`] | the parts of a student of classes: a network, of texts behind a bag of their n-grams |
//! | [`munge`] | more rows for a transfer set, from a table that has few (MUNGE, Bucila et al. 2006) |
//! | [`tree`] | a decision tree of labels, of a teacher's probabilities, or of both |
//! | [`policy`] | a small policy from a DQN's action values (Rusu et al. 2015) |
//! | [`answers`] | recorded answers of a teacher: probabilities, logits, votes |
//! | [`chat`] | the answers of a language model as those of a classifier |
//! | [`source`] | the teacher's logits, computed by a network or recorded |
//! | [`ensemble`] | the mean of several teachers' softened outputs |
//! | [`hints`] | hidden layers of a teacher that its student imitates: hints and maps of attention |
//! | [`soft_targets`] | soft targets beside labels: keys, blended loss, balance of its terms |
//! | [`quality`] | measures of a classifier: error, likelihood, calibration, confusion |
//! | [`divergence`] | divergences of the student from the teacher: equations and sources |
//! | [`collector`] | the policy that visits the states of a transfer set |
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::distill::{ClassifierTrainer, FitConfig, SoftTargets, classifier::error_rate};
//! use potstill::data::Dataset;
//! use std::sync::Arc;
//!
//! let (train, test) = Dataset::digits().split(500, &mut Streams::new(0).stream("split"));
//! let train = Arc::new(train);
//! let fit = |spec: &str, epochs, soft| -> Result<_, Box<dyn std::error::Error>> {
//!     let config = FitConfig { epochs, ..FitConfig::default() };
//!     let mut trainer = ClassifierTrainer::new(config, &spec.parse()?, train.clone(), soft, Streams::new(1));
//!     while trainer.epochs() < epochs {
//!         trainer.epoch()?;
//!     }
//!     Ok(trainer.student().clone())
//! };
//! let teacher = fit("mlp:64", 10, None)?;
//! let soft = SoftTargets::frozen(teacher, 4.0, 0.9);
//! let student = fit("mlp:8", 30, Some(soft))?;
//! assert!(error_rate(&student, &test) < 0.2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod answers;
pub mod augmentation;
pub mod chat;
pub mod classifier;
pub mod collector;
pub mod divergence;
pub mod ensemble;
pub mod hints;
pub mod munge;
pub mod policy;
pub mod quality;
pub mod regression;
pub mod soft_targets;
pub mod source;
mod spelling;
pub mod student;
pub mod tree;
pub mod values;
mod world;

pub use answers::{AnswerKind, Answers};
pub use classifier::{ClassifierTrainer, FitConfig};
pub use collector::Collector;
pub use divergence::Divergence;
pub use ensemble::EnsembleMean;
pub use hints::HintConfig;
pub use policy::{PolicyDistillConfig, PolicyDistiller, PolicyDivergence};
pub use soft_targets::{DivergenceKind, SoftTargets, SoftTargetsConfig};
pub use source::{Samples, Source};
pub use student::StudentForm;
pub use tree::{TreeGrower, TreeTargets};
pub use values::{ValueTargets, ValueTargetsConfig};
pub use world::World;
