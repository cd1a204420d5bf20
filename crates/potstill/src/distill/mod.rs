//! Distillation: a student learns from a trained teacher.
//!
//! | module | what is there |
//! |---|---|
//! | [`classifier`] | a classifier from labels, from a teacher's logits, or from both (Hinton et al. 2015) |
//! | [`policy`] | a small policy from a DQN's action values (Rusu et al. 2015) |

pub mod classifier;
pub mod policy;

pub use classifier::{ClassifierTrainer, FitConfig, SoftTargets, SoftTargetsConfig};
pub use policy::{PolicyDistillConfig, PolicyDistiller};
