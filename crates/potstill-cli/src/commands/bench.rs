//! `potstill bench`.

use super::common::{Command, Environment, Output, Threads, commands, count, number};
use crate::output;
use clap::Args;
use potstill::Error;
use potstill::commands::{
    BenchRequest, DistillBench, POLICY_WORKLOADS, TRAININGS, UPDATES, bench_distill, bench_dqn, bench_env,
    bench_policies, bench_tabular,
};
use potstill::config::ConfigError;
use potstill::run::{Observer, find_environment};

/// Measure the speed on this machine
#[derive(Debug, Args)]
pub(crate) struct Bench {
    #[command(subcommand)]
    command: BenchCommand,
}

impl Command for Bench {
    fn run(self, observer: &dyn Observer) -> Result<bool, Error> {
        self.command.run(observer)
    }
}

commands! { BenchCommand:
    Env(Env),
    Dqn(Dqn),
    ActorCritic(ActorCritic),
    Tabular(Tabular),
    Distill(Distill),
}

/// Steps per second of many copies of an environment with random actions, resets included
#[derive(Debug, Args)]
pub(crate) struct Env {
    #[command(flatten)]
    environment: Environment,
    /// Copies of the environment
    #[arg(long, value_name = "N", default_value_t = 1024, value_parser = count(1, 1_000_000))]
    num_envs: u64,
    /// Threads that share the copies
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = count(1, 1024))]
    threads: u64,
    #[command(flatten)]
    time: Time,
    #[command(flatten)]
    output: Output,
}

impl Command for Env {
    fn run(self, observer: &dyn Observer) -> Result<bool, Error> {
        let (num_envs, threads) = (self.num_envs as usize, self.threads as usize);
        let request = BenchRequest { num_envs, threads, seconds: self.time.checked()? };
        let spec = find_environment(&self.environment.env, &self.environment.set)?;
        self.output.finish(&bench_env(&spec, &request, observer), output::summary);
        Ok(true)
    }
}

/// Time of training runs for which others have published times, and of single updates of networks
#[derive(Debug, Args)]
pub(crate) struct Dqn {
    #[arg(long, value_name = "NAME", default_value = "matched", help = workload_help())]
    workload: String,
    #[command(flatten)]
    output: Output,
}

fn workload_help() -> String {
    let (trainings, updates) = (output::any_of(TRAININGS), output::any_of(UPDATES));
    format!("The workload: {trainings} (whole trainings), {updates} (single updates)")
}

impl Command for Dqn {
    fn run(self, observer: &dyn Observer) -> Result<bool, Error> {
        self.output.finish(&bench_dqn(&self.workload, observer)?, output::summary);
        Ok(true)
    }
}

/// Time of training runs of policies for which times of other programs are known
#[derive(Debug, Args)]
pub(crate) struct ActorCritic {
    #[arg(long, value_name = "NAME", default_value = "matched", help = policies_help())]
    workload: String,
    /// Steps of the environment [default: those of the workload]
    #[arg(long, value_name = "N", value_parser = count(1, u64::MAX))]
    steps: Option<u64>,
    /// Threads to use [default: those of the workload, 1 or 2]; results do not depend on their number
    #[arg(long, value_name = "N", value_parser = count(1, 1024))]
    threads: Option<u64>,
    #[command(flatten)]
    output: Output,
}

fn policies_help() -> String {
    format!("The workload: {}", output::any_of(POLICY_WORKLOADS))
}

impl Command for ActorCritic {
    fn run(self, observer: &dyn Observer) -> Result<bool, Error> {
        let Self { workload, steps, threads, output } = self;
        let threads = threads.map(|threads| threads as usize);
        output.finish(&bench_policies(&workload, (steps, threads), observer)?, output::summary);
        Ok(true)
    }
}

/// Time of an epoch of an 800-800 student under a 1200-1200 teacher, on images of MNIST's size
#[derive(Debug, Args)]
pub(crate) struct Distill {
    /// Samples of an epoch
    #[arg(long, value_name = "N", default_value_t = 60_000, value_parser = count(1, 1_000_000))]
    samples: u64,
    /// Epochs, of which the median is taken
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = count(1, 1000))]
    epochs: u64,
    /// Compute the teacher's outputs once, before the first epoch
    #[arg(long)]
    recorded: bool,
    #[command(flatten)]
    threads: Threads,
    #[command(flatten)]
    output: Output,
}

impl Command for Distill {
    fn run(self, observer: &dyn Observer) -> Result<bool, Error> {
        let request = DistillBench {
            threads: self.threads.count(),
            samples: self.samples as usize,
            epochs: self.epochs as usize,
            live: !self.recorded,
        };
        self.output.finish(&bench_distill(&request, observer)?, output::summary);
        Ok(true)
    }
}

/// Updates per second of a tabular algorithm, on one core
#[derive(Debug, Args)]
pub(crate) struct Tabular {
    /// The algorithm
    #[arg(value_name = "ALGO", default_value = "q-learning")]
    algorithm: String,
    /// The environment
    #[arg(long, value_name = "ID", default_value = "CliffWalking-v1")]
    env: String,
    #[command(flatten)]
    time: Time,
    #[command(flatten)]
    output: Output,
}

impl Command for Tabular {
    fn run(self, observer: &dyn Observer) -> Result<bool, Error> {
        let measured = bench_tabular(&self.algorithm, &self.env, self.time.checked()?, observer)?;
        self.output.finish(&measured, output::summary);
        Ok(true)
    }
}

#[derive(Debug, Args)]
struct Time {
    /// Duration of the measurement, in seconds
    #[arg(long, value_name = "S", default_value_t = 2.0, value_parser = number)]
    seconds: f64,
}

impl Time {
    fn checked(&self) -> Result<f64, ConfigError> {
        let seconds = self.seconds;
        match (0.05..=3600.0).contains(&seconds) {
            true => Ok(seconds),
            false => {
                Err(ConfigError::Usage(format!("--seconds {seconds}: write a number from 0.05 to 3600")))
            }
        }
    }
}
