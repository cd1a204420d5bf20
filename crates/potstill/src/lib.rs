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
//! | [`actor_critic`] | policy gradient: A2C, PPO; DDPG, TD3, SAC, CrossQ |
//! | [`offline`] | networks that learn from recorded transitions alone, one paper per file |
//! | [`distill`] | knowledge distillation of classifiers and of policies |
//! | [`train`] | the training loop, evaluation, statistics |
//! | [`evaluation`] | off-policy evaluation: the value of a policy from recorded episodes |
//! | [`config`] | configuration keys with type, range and source |
//! | [`store`], [`export`], [`report`] | run directories and checkpoints, model files, charts |
//! | [`onnx`] | ONNX files: their writer, and a reader that makes networks and frozen teachers of them |
//! | [`metrics`] | the metrics of a run and their writers |
//! | [`error`] | the error of a whole run, and its exit code |
//! | [`jobs`], [`run`], [`commands`] | interruptible, resumable jobs; whole runs; the commands |
//! | [`tuning`] | search of settings: proposals, pruning, the journal for Optuna |
//! | [`shell`], [`words`] | words of commands that are printed to be pasted, and of messages |
//! | [`reproduce`] | published results, measured beside what is expected |
//! | [`quickstart`] | the tour |
//!
//! Q-learning on the cliff walk, an algorithm and an environment in one loop:
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::env::registry::find;
//! use potstill::tabular::{QLearning, TabularConfig};
//! use potstill::train::{Trainer, Training};
//!
//! let env = find("CliffWalking-v1").unwrap().make_states().unwrap();
//! let agent = QLearning::new(TabularConfig::default(), 48, 4, Streams::new(1));
//! let mut trainer = Trainer::new(agent, env, Streams::new(1));
//! trainer.run(20_000, None, &mut ())?;
//! // From the start, state 36, up and along the edge are thirteen steps, each of which costs 1.
//! let best = trainer.agent().q().row(36).iter().copied().fold(f64::NEG_INFINITY, f64::max);
//! assert_eq!(best.round(), -13.0);
//! # Ok::<(), potstill::train::TrainError>(())
//! ```
//!
//! Whole runs, with a directory, checkpoints and a report, are started by [`commands`]; the tutorials are in
//! `crates/potstill/examples`.
//!
//! Modules that need files and a clock come with the feature `disk`, which is on by default: `store`, `error`, `jobs`, `run`,
//! `tuning`, `commands`, `reproduce`, `quickstart`, and the sinks of `metrics`. Without it the algorithms and the training loops build for
//! WebAssembly.
#![forbid(unsafe_code)]

pub mod actor_critic;
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
pub mod evaluation;
pub mod experience;
pub mod export;
#[cfg(feature = "disk")]
pub mod jobs;
pub mod linear;
pub mod metrics;
pub mod model;
pub mod offline;
pub mod onnx;
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
pub mod tuning;
pub mod words;

#[cfg(feature = "disk")]
pub use error::Error;
pub use potstill_core as core;
pub use potstill_env as env;
pub use potstill_nn as nn;
