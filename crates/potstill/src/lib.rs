//! Train a teacher, distil a student, ship it.
//!
//! potstill is one toolkit for two instances of one idea: a network learns from targets that another source
//! of knowledge produces. In knowledge distillation the source is a trained model, in deep Q-learning the
//! target network, in Q-learning the Bellman backup itself. The modules, in reading order:
//!
//! | module | content |
//! |---|---|
//! | [`experience`] | transition, trajectory, episode, return; replay buffer |
//! | [`data`] | labelled samples, recorded episodes |
//! | [`policy`] | greedy, epsilon-greedy, softmax; schedules; the behaviour policy |
//! | [`targets`] | the equations: temporal-difference targets, soft targets |
//! | [`teacher`] | the source of targets: a frozen network or a target network |
//! | [`optimizer`] | the keys of optimisers, and the guarded gradient step |
//! | [`tile_coding`] | observations as tiles of displaced grids |
//! | [`agent`], [`model`] | the trait of all algorithms, and the models that they learn |
//! | [`algorithm`] | the descriptor of each algorithm, and the list of all |
//! | [`baseline`] | policies that learn nothing |
//! | [`tabular`] | Q-learning, SARSA and their variants: expected, double, n-step, with traces; Monte Carlo |
//! | [`linear`] | semi-gradient SARSA and TD with tile coding and state aggregation |
//! | [`planning`] | dynamic programming on exact models; Dyna-Q, prioritized sweeping, tree search |
//! | [`deep`] | DQN and its variants: C51, QR-DQN, IQN, Rainbow; PQN |
//! | [`distill`] | knowledge distillation of classifiers and of policies |
//! | [`train`] | the training loop, evaluation, statistics |
//! | [`config`] | configuration keys with type, range and source |
//! | [`store`], [`export`], [`report`] | run directories and checkpoints, model files, charts |
//! | [`metrics`] | the metrics of a run and their writers |
//! | [`error`] | the error of a whole run, and its exit code |
//! | [`jobs`], [`run`], [`commands`] | interruptible, resumable jobs; whole runs; the commands |
//! | [`shell`] | words of commands that are printed to be pasted |
//! | [`reproduce`] | published results, measured beside what is expected |
//! | [`quickstart`] | the tour |
//!
//! Modules that need files and a clock come with the feature `disk`, which is on by default: `store`, `error`, `jobs`, `run`,
//! `commands`, `reproduce`, `quickstart`, and the sinks of `metrics`. Without it the algorithms and the training loops build for
//! WebAssembly.
#![forbid(unsafe_code)]

pub mod agent;
pub mod algorithm;
pub mod baseline;
#[cfg(feature = "disk")]
pub mod commands;
pub mod config;
pub mod data;
pub mod deep;
pub mod distill;
#[cfg(feature = "disk")]
pub mod error;
pub mod experience;
pub mod export;
#[cfg(feature = "disk")]
pub mod jobs;
pub mod linear;
pub mod metrics;
pub mod model;
pub mod optimizer;
pub mod planning;
pub mod policy;
#[cfg(feature = "disk")]
pub mod quickstart;
pub mod report;
#[cfg(feature = "disk")]
pub mod reproduce;
#[cfg(feature = "disk")]
pub mod run;
pub mod shell;
#[cfg(feature = "disk")]
pub mod store;
pub mod tabular;
pub mod targets;
pub mod teacher;
pub mod tile_coding;
pub mod train;

#[cfg(feature = "disk")]
pub use error::Error;
pub use potstill_core as core;
pub use potstill_env as env;
pub use potstill_nn as nn;
