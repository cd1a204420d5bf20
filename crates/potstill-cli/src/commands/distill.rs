//! `potstill distill`.

use super::common::{Command, Common, Output, Settings, Threads, Tui, commands, count};
use crate::keys::{Distillation, KeyFlags};
use crate::output;
use clap::Args;
use potstill::Error;
use potstill::commands::{DistillRequest, RecordRequest, distill, record};
use potstill::config::Setting;
use potstill::distill::EnsembleMean;
use potstill::run::{Budget, Observer, Sources};
use std::path::PathBuf;

/// Distil a trained run into a smaller student
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "\
Examples:
  potstill distill --teacher runs/teacher --student mlp:16 --env CartPole-v1
  potstill distill --teacher runs/wide --student mlp:10 --data digits
  potstill distill --teacher forest.onnx --student mlp:8 --data F.csv:label=kind
  potstill distill --teacher A.csv --student mlp:8,mlp:32 --temperature 1,4 ...
  potstill distill --teacher A.csv --budget 16KiB --data F.csv      a search
  potstill distill --teacher A.csv --data F.csv:label=kind --unlabelled G.csv \\
    --teacher-unlabelled B.csv --student mlp:8    answers to F and to G")]
pub(crate) struct Distill {
    #[command(subcommand)]
    command: Option<DistillCommand>,
    #[command(flatten)]
    keys: KeyFlags<Distillation>,
    /// Number of seeds, from --seed on; one folder with one run each
    #[arg(long, value_name = "N", value_parser = count(1, 100_000))]
    seeds: Option<u64>,
    /// Search for the best student that takes no more: bytes of its file, as in 16KiB, or the time of a row, as in 20us;
    /// among those of --student, or among usual forms
    #[arg(long, value_name = "SIZE|TIME")]
    budget: Option<Budget>,
    /// A TOML file of settings
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    tui: Tui,
    #[command(flatten)]
    common: Common,
}

impl Command for Distill {
    fn saves(&self) -> bool {
        self.command.is_none()
    }

    fn tui(&self) -> bool {
        self.tui.tui
    }

    fn run(self, observer: &dyn Observer) -> Result<bool, Error> {
        if let Some(command) = self.command {
            return command.run(observer);
        }
        let sources = Sources { config: self.config, flags: self.keys.table(), set: self.settings.set };
        let Common { out, threads, output } = self.common;
        let Self { seeds, budget, .. } = self;
        let request = DistillRequest { sources, seeds, budget, threads: threads.count(), out };
        let result = distill(&request, observer)?;
        output.finish(&result, output::run);
        Ok(result["failed"].is_null())
    }
}

commands! { DistillCommand:
    Record(Record),
}

/// Write a teacher's answers to a file, for students of the same data
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  potstill distill record --teacher forest.onnx --data F.csv:label=k --out A.csv
  potstill distill record --teacher runs/wide --folds 5 --out a.safetensors")]
pub(crate) struct Record {
    /// The teacher: a run directory, an ONNX file, or several, separated by commas
    #[arg(long, value_name = "TEACHER")]
    teacher: String,
    /// Weights of several teachers, as in 2,1
    #[arg(long, value_name = "WEIGHTS")]
    teacher_weights: Option<String>,
    /// Mean of several teachers: geometric or arithmetic
    #[arg(long, value_name = "MEAN", default_value = "geometric", value_parser = mean)]
    teacher_mean: EnsembleMean,
    /// The rows to answer [default: those of the teacher's run]
    #[arg(long, value_name = "SOURCE")]
    data: Option<String>,
    /// Answer each training row of the run by a network that has not learned it, trained on the other parts of so many
    #[arg(long, value_name = "PARTS", value_parser = count(2, 1000))]
    folds: Option<u64>,
    /// Write half precision (.safetensors)
    #[arg(long)]
    half: bool,
    /// The file to write: FILE.csv or FILE.safetensors
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    threads: Threads,
    #[command(flatten)]
    output: Output,
}

fn mean(text: &str) -> Result<EnsembleMean, String> {
    EnsembleMean::from_toml(&text.into())
}

impl Command for Record {
    fn run(self, observer: &dyn Observer) -> Result<bool, Error> {
        let Self { teacher, teacher_weights, teacher_mean, data, folds, half, out, threads, output } = self;
        let folds = folds.map(|folds| folds as usize);
        let (weights, mean, threads) = (teacher_weights, teacher_mean, threads.count());
        let request = RecordRequest { teacher, weights, mean, data, folds, half, out, threads };
        output.finish(&record(&request, observer)?, output::summary);
        Ok(true)
    }
}
