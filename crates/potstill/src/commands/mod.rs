//! The commands of the command line as library functions, with one file per command.
//!
//! ```
//! use potstill::commands::{TrainRequest, train};
//! use potstill::run::{Quiet, Sources};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let root = tempfile::tempdir()?;
//! let request = TrainRequest {
//!     algorithm: "q-learning".to_owned(),
//!     sources: Sources { set: vec!["env=CliffWalking-v1".to_owned(), "episodes=500".to_owned()], ..Sources::default() },
//!     out: Some(root.path().join("walk")),
//!     threads: 1,
//!     ..TrainRequest::default()
//! };
//! let summary = train(&request, &Quiet)?;
//! assert_eq!(summary["episodes"], 500);
//! assert!(root.path().join("walk/model.safetensors").is_file());
//! # Ok(())
//! # }
//! ```

mod bench;
mod bench_deep;
mod bench_distill;
mod bench_policies;
mod compare;
mod config;
mod data;
mod distill;
mod env;
mod episodes;
mod eval;
mod evaluate_offline;
mod export;
mod group;
mod import;
mod munge;
mod play;
mod plot;
mod predict;
mod record;
mod report;
mod resume;
mod runs;
mod search;
mod search_page;
mod sweep;
mod train;
mod trial;
mod tune;
mod tuner;

pub use bench::{BenchRequest, bench_env, bench_tabular};
pub use bench_deep::{TRAININGS, UPDATES, bench_dqn};
pub use bench_distill::{DistillBench, bench_distill};
pub use bench_policies::{POLICY_WORKLOADS, bench_policies};
pub use compare::{Comparison, View};
pub use config::{RunKind, check_settings, config_file, config_schema, run_kinds};
pub use data::show_data;
pub use distill::{DistillRequest, distill};
pub use env::{check_environment, trace_actions, trace_env};
pub use episodes::{convert_data, filter_data, merge_data, split_data};
pub use eval::{EvaluateRequest, evaluate, evaluate_unless};
pub use evaluate_offline::{
    EvaluateOfflineRequest, RecordedByRequest, evaluate_offline, evaluation_words, title_of, written,
};
pub use export::{ExportRequest, export, export_model};
pub use import::{ImportRequest, import};
pub use munge::{MungeRequest, munge};
#[cfg(test)]
pub(crate) use play::first_scene;
pub use play::{Play, PlayedStep, check_recording, play_at_random, play_run, write_recording};
pub use predict::{PredictRequest, predict};
pub use record::{RecordRequest, record};
pub use report::{is_folder_of_runs, is_search, page, report};
pub use resume::{ResumeRequest, resume, resume_with_actors};
pub use runs::{RunEntry, RunStatus, list};
pub use search_page::search_words;
pub use train::{TrainRequest, train, train_with_actors};
pub use tune::{TuneRequest, tune};
