//! A single run, from its settings to a run directory.
//!
//! `prepare` turns settings into a [job](crate::jobs), `execute` runs it: it saves checkpoints, writes
//! records, and continues from an earlier process's checkpoint.
//!
//! ```
//! use potstill::run::find_environment;
//!
//! let lake = find_environment("FrozenLake-v1", &["is_slippery=false".to_owned()])?;
//! assert_eq!(lake.id, "FrozenLake-v1:is_slippery=false");
//! # Ok::<(), potstill::Error>(())
//! ```

mod actions;
mod answerer;
mod budget;
mod checks;
mod classifiers;
mod curves;
mod data_file;
mod datasets;
mod episodes;
mod execute;
mod features;
mod fit;
mod folds;
mod foreign;
mod headline;
mod idle_keys;
mod imported;
mod judgement;
mod labels;
mod latency;
mod lessons;
mod observer;
mod origins;
mod overlap;
mod pause;
pub(crate) mod policy_maps;
mod pooled_figures;
mod prepare;
mod prepared;
mod quality_blocks;
mod recorded_teacher;
mod report;
mod resume;
mod seeds;
mod sources;
mod spread;
mod start;
mod subject;
mod summary;
mod tabular;
mod teachers;
mod together;
mod transitions;
mod value_teachers;
mod work;

pub use budget::Budget;
pub use checks::find_environment;
pub use classifiers::classifier_table;
pub use fit::{FitRequest, Fitted, Lesson, fit};
pub use headline::headline;
pub use imported::{ImportedPolicy, import_policy};
pub use observer::{Observer, Quiet, RunSource};
pub use prepare::player;
pub use sources::Sources;
pub use subject::{check_environment, model_so_far, model_with_origin};
pub use summary::summary_of;

pub(crate) use answerer::Answerer;
pub(crate) use budget::Costs;
pub(crate) use checks::{check_out, check_playable, find_env, usage};
pub(crate) use data_file::{absolute_place, is_random, name_of, place_of};
pub(crate) use datasets::{OpenData, Opened, split_of};
pub(crate) use episodes::{EpisodesOut, OpenEpisodes};
pub(crate) use execute::{create, discard_on_error, execute, note_irreproducible};
pub(crate) use folds::OutOfFold;
pub(crate) use headline::lead;
pub(crate) use labels::distillation_head;
pub(crate) use latency::costs;
pub(crate) use observer::watched_map;
pub(crate) use pause::{as_it_is, paused};
pub(crate) use pooled_figures::family_blocks;
pub(crate) use prepare::{prepare_distillation, prepare_train, train_head, train_settings};
pub(crate) use prepared::PreparedRun;
pub(crate) use report::{Reader, asked_axis, curves, over_time, run_page, without_folders};
pub(crate) use resume::{Continuation, Recipe, continue_run, policy_at};
pub(crate) use seeds::{are_copies, without_intervals};
pub(crate) use seeds::{continue_family, is_family, train_seeds};
pub(crate) use sources::peek;
pub(crate) use spread::spread;
pub(crate) use subject::Subject;
pub(crate) use summary::{center_over_seeds, read_summary, seed_runs};
pub(crate) use teachers::{Record, Teacher, Teachers, places, teacher_layer};
pub(crate) use together::Together;
pub(crate) use transitions::recorded_episodes;
pub(crate) use work::Work;
