//! Train a teacher, distil a student, ship it.
//!
//! potstill is one toolkit for two things that are the same thing: a network learns from targets that another source of
//! knowledge produces. In knowledge distillation the source is a trained model, in deep Q-learning the target network, in
//! Q-learning the Bellman backup itself. The rooms, in reading order:
//!
//! | module | what is there |
//! |---|---|
//! | [`experience`] | transition, trajectory, episode, return; replay buffer; datasets |
//! | [`policy`] | greedy, epsilon-greedy, softmax; behaviour and target policy are values of one type |
//! | [`targets`] | the equations: temporal-difference targets, soft targets |
//! | [`teacher`] | the spine: producer, refresh, view, inputs |
//! | [`agent`], [`model`] | the shape that all algorithms share, and what they leave behind |
//! | [`tabular`] | Q-learning, SARSA, and what came of them: expected, double, n-step, with traces; Monte Carlo |
//! | [`deep`] | DQN |
//! | [`distill`] | a classifier's and a policy's student |
//! | [`train`] | the one loop, evaluation, statistics |
//! | [`config`] | what a key means, presets |
//! | [`store`], [`export`], [`report`] | run directories and checkpoints, model files, pictures |
//! | [`metrics`] | what a run measures, and who keeps it |
//! | [`jobs`], [`run`], [`commands`] | work that can be stopped and resumed; whole runs; what each command does |
//! | [`quickstart`] | the tour |
#![forbid(unsafe_code)]

pub mod agent;
pub mod algorithm;
pub mod baseline;
pub mod commands;
pub mod config;
pub mod data;
pub mod deep;
pub mod distill;
pub mod error;
pub mod experience;
pub mod export;
pub mod jobs;
pub mod metrics;
pub mod model;
pub mod optimizer;
pub mod planning;
pub mod policy;
pub mod quickstart;
pub mod report;
pub mod reproduce;
pub mod run;
pub mod store;
pub mod tabular;
pub mod targets;
pub mod teacher;
pub mod train;

pub use error::Error;
pub use potstill_core as core;
pub use potstill_env as env;
pub use potstill_nn as nn;
