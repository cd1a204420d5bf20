//! The command line, in one place.

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;
use toml::{Table, Value};

/// Train a teacher, distil a student, ship it.
#[derive(Debug, Parser)]
#[command(name = "potstill", version, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The tour: cliff walk, DQN teacher to tiny student, digits teacher to student, one report
    Quickstart {
        /// Seed of everything
        #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
        seed: u64,
        #[command(flatten)]
        common: Common,
    },
    /// Train an algorithm in an environment or on a dataset
    Train {
        /// The algorithm (see `potstill algos`)
        #[arg(value_name = "ALGO")]
        algorithm: String,
        /// The environment (see `potstill envs`)
        #[arg(long, value_name = "ID")]
        env: Option<String>,
        /// The dataset: digits for a classifier; a file of recorded episodes (see `potstill play --record`) to learn from without acting
        #[arg(long, value_name = "NAME|FILE")]
        data: Option<String>,
        /// Steps in the environment
        #[arg(long, value_name = "N", allow_negative_numbers = true)]
        steps: Option<u64>,
        /// Episodes, instead of steps
        #[arg(long, value_name = "N", allow_negative_numbers = true)]
        episodes: Option<u64>,
        /// Seed of all random streams [default: 0]
        #[arg(long, value_name = "S", allow_negative_numbers = true)]
        seed: Option<u64>,
        /// Train so many seeds, from --seed on, into one folder with one run each
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=100_000))]
        seeds: Option<u64>,
        /// Copies of the environment that a deep algorithm acts in together [default: 1, or 32 for pqn]
        #[arg(long, value_name = "N", allow_negative_numbers = true)]
        num_envs: Option<u64>,
        /// Gigabytes of replayed observations beyond which they are kept in a file instead of memory [default: 4]
        #[arg(long, value_name = "GB", allow_negative_numbers = true)]
        memory_limit: Option<f64>,
        /// Published hyperparameters by name: zoo, cleanrl or minatar for dqn, zoo for qr-dqn, cleanrl for c51, cleanrl or purejaxql for pqn
        #[arg(long, value_name = "NAME")]
        preset: Option<String>,
        /// A TOML file of settings, such as the config.toml of a run
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// One setting, over all else; may be repeated
        #[arg(long, value_name = "KEY=VALUE")]
        set: Vec<String>,
        /// Watch the run on a dashboard; q or Ctrl-C saves and stops it
        #[arg(long, conflicts_with = "json")]
        tui: bool,
        #[command(flatten)]
        common: Common,
    },
    /// Distil a trained run into a smaller student
    Distill {
        /// The teacher's run directory
        #[arg(long, value_name = "RUN")]
        teacher: Option<String>,
        /// The student's network, such as mlp:16 or mlp:32,32:tanh
        #[arg(long, value_name = "SPEC")]
        student: Option<String>,
        /// The environment, if the teacher is a policy
        #[arg(long, value_name = "ID")]
        env: Option<String>,
        /// The dataset, if the teacher is a classifier
        #[arg(long, value_name = "NAME")]
        data: Option<String>,
        /// Temperature of the softmax
        #[arg(long, value_name = "T", allow_negative_numbers = true)]
        temperature: Option<f64>,
        /// Weight of the soft targets against the labels, 0 to 1
        #[arg(long, value_name = "A", allow_negative_numbers = true)]
        alpha: Option<f64>,
        /// Seed of all random streams [default: 0]
        #[arg(long, value_name = "S", allow_negative_numbers = true)]
        seed: Option<u64>,
        /// A TOML file of settings
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// One setting, over all else; may be repeated
        #[arg(long, value_name = "KEY=VALUE")]
        set: Vec<String>,
        /// Watch the run on a dashboard; q or Ctrl-C saves and stops it
        #[arg(long, conflicts_with = "json")]
        tui: bool,
        #[command(flatten)]
        common: Common,
    },
    /// Go on with a run that was stopped or has crashed, to the result it would have had
    Resume {
        /// The run directory, or a folder of seeds
        #[arg(value_name = "RUN")]
        run: PathBuf,
        /// Train further than the run was to go: the new number of steps. (A DQN's exploration schedule is relative to it, so the
        /// result is not that of a run that began with this number.)
        #[arg(long, value_name = "N", allow_negative_numbers = true)]
        steps: Option<u64>,
        /// Pass over damaged checkpoints to an older one
        #[arg(long)]
        fallback: bool,
        /// Threads to use; the result does not depend on it [default: all cores]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
        threads: Option<u16>,
        /// Watch the run on a dashboard; q or Ctrl-C saves and stops it
        #[arg(long, conflicts_with = "json")]
        tui: bool,
        /// Print one JSON object and nothing else
        #[arg(long)]
        json: bool,
    },
    /// Evaluate a run: a policy over episodes, a classifier over its test samples
    Eval {
        /// The run directory
        #[arg(value_name = "RUN")]
        run: PathBuf,
        /// Episodes to play
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
        episodes: u64,
        /// Seed of the episodes
        #[arg(long, value_name = "S", default_value_t = 0)]
        seed: u64,
        /// Threads to use; the result does not depend on it [default: all cores]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
        threads: Option<u16>,
        /// Print one JSON object and nothing else
        #[arg(long)]
        json: bool,
    },
    /// Compare runs: one table and the learning curves; seeds as interquartile mean with 95 % intervals
    Compare {
        /// Run directories, or folders of seeds
        #[arg(value_name = "RUN", required = true)]
        runs: Vec<PathBuf>,
        /// Print one JSON object and nothing else
        #[arg(long)]
        json: bool,
    },
    /// Draw the curves of runs into a file: .svg, .png, .html, or .csv for the numbers of one run
    Plot {
        /// Run directories, or folders of seeds
        #[arg(value_name = "RUN", required = true)]
        runs: Vec<PathBuf>,
        /// The file to write
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// What to draw, such as train/loss [default: the return or test error]
        #[arg(long, value_name = "NAME")]
        metric: Option<String>,
        /// Print one JSON object and nothing else
        #[arg(long)]
        json: bool,
    },
    /// Write the report.html of a run again
    Report {
        /// The run directory, or a folder of seeds
        #[arg(value_name = "RUN")]
        run: PathBuf,
        /// Print one JSON object and nothing else
        #[arg(long)]
        json: bool,
    },
    /// Show a run in the terminal: what came out, its curves, and maps of values and visits
    Show {
        /// The run directory, or a folder of seeds
        #[arg(value_name = "RUN")]
        run: PathBuf,
        /// Print one JSON object and nothing else: the summary and the maps
        #[arg(long)]
        json: bool,
    },
    /// List a folder of runs: how it is with each, its score and time
    Runs {
        /// The folder
        #[arg(value_name = "FOLDER", default_value = "runs")]
        folder: PathBuf,
        /// Print one JSON object and nothing else
        #[arg(long)]
        json: bool,
    },
    /// Print a commented configuration file of an algorithm, or the schema of all
    Config {
        /// The algorithm, or distill-policy or distill-classifier
        #[arg(value_name = "ALGO", required_unless_present = "schema")]
        algorithm: Option<String>,
        /// Print a JSON schema for editors
        #[arg(long, conflicts_with = "algorithm")]
        schema: bool,
    },
    /// Look at environments: list, trace, check
    Env {
        #[command(subcommand)]
        command: EnvCommand,
    },
    /// Watch an environment, or the policy of a run in its own, in the terminal
    Play {
        /// The run directory; its greedy policy plays
        #[arg(value_name = "RUN", required_unless_present = "env")]
        run: Option<PathBuf>,
        /// The environment, played at random or with --keys
        #[arg(long, value_name = "ID", conflicts_with = "run")]
        env: Option<String>,
        /// An option of the environment; may be repeated
        #[arg(long, value_name = "KEY=VALUE", requires = "env")]
        set: Vec<String>,
        /// Episodes to play
        #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
        episodes: u64,
        /// Seed of the first episode; the next have the seeds after it
        #[arg(long, value_name = "S", default_value_t = 0)]
        seed: u64,
        /// Steps per second on a terminal
        #[arg(long, value_name = "F", default_value_t = 10.0)]
        fps: f64,
        /// Play yourself: arrows, space, digits, or the first letter of an action; q ends
        #[arg(long, conflicts_with = "json")]
        keys: bool,
        /// The probability of any action instead of the run's
        #[arg(long, value_name = "P", default_value_t = 0.0, conflicts_with = "env")]
        epsilon: f64,
        /// Write what was lived through to this file, one episode per line, to learn from it (`potstill train q-learning --data FILE`); shows
        /// nothing but the result
        #[arg(long, value_name = "FILE", conflicts_with = "keys")]
        record: Option<PathBuf>,
        /// Write the last picture to this .svg file
        #[arg(long, value_name = "FILE")]
        svg: Option<PathBuf>,
        /// Print one JSON object and nothing else
        #[arg(long)]
        json: bool,
    },
    /// Measure published results beside what is expected: cliff, dyna-maze, double-q, windy, dqn, arcade or arcade-dqn
    Reproduce {
        /// The result
        #[arg(value_name = "NAME")]
        name: String,
        /// Runs of each algorithm [default: as many as the result has, or more]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(2..=1_000_000))]
        runs: Option<u64>,
        /// Seed of the first run
        #[arg(long, value_name = "S", default_value_t = 0)]
        seed: u64,
        #[command(flatten)]
        common: Common,
    },
    /// Measure how fast things are here
    Bench {
        #[command(subcommand)]
        command: BenchCommand,
    },
    /// The environments there are; the same as `env list`
    Envs {
        /// Print one JSON object and nothing else
        #[arg(long)]
        json: bool,
    },
    /// The algorithms there are
    Algos {
        /// Print one JSON object and nothing else
        #[arg(long)]
        json: bool,
    },
}

/// What can be done with environments.
#[derive(Debug, Subcommand)]
pub(crate) enum EnvCommand {
    /// The environments there are, with their spaces, limits and options
    List {
        /// Print one JSON object and nothing else
        #[arg(long)]
        json: bool,
    },
    /// Reset with a seed, play actions, and print what happens
    Trace {
        #[command(flatten)]
        world: World,
        /// Seed of the reset
        #[arg(long, value_name = "S", default_value_t = 0)]
        seed: u64,
        /// A file with one JSON list of actions, or random:N
        #[arg(long, value_name = "FILE|random:N")]
        actions: String,
        /// Print one JSON object per line: the reset, then each step
        #[arg(long)]
        json: bool,
    },
    /// Hold an environment against the rules
    Check {
        #[command(flatten)]
        world: World,
        /// Print one JSON object and nothing else
        #[arg(long)]
        json: bool,
    },
}

/// What can be measured.
#[derive(Debug, Subcommand)]
pub(crate) enum BenchCommand {
    /// Steps per second of many copies of an environment, at random, new episodes included
    Env {
        #[command(flatten)]
        world: World,
        /// Copies of the environment
        #[arg(long, value_name = "N", default_value_t = 1024, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
        num_envs: u64,
        /// Threads that share the copies
        #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1024))]
        threads: u16,
        /// How long to measure
        #[arg(long, value_name = "S", default_value_t = 2.0)]
        seconds: f64,
        /// Print one JSON object and nothing else
        #[arg(long)]
        json: bool,
    },
    /// The time of trainings that others have published times for, and of single updates of networks
    Dqn {
        /// What to run: matched, purejaxrl, zoo or pqn (whole trainings), update, minatar or nature (single updates)
        #[arg(long, value_name = "NAME", default_value = "matched")]
        workload: String,
        /// Print one JSON object and nothing else
        #[arg(long)]
        json: bool,
    },
    /// Updates per second of an algorithm for numbered states, on one core
    Tabular {
        /// The algorithm
        #[arg(value_name = "ALGO", default_value = "q-learning")]
        algorithm: String,
        /// The environment
        #[arg(long, value_name = "ID", default_value = "CliffWalking-v1")]
        env: String,
        /// How long to measure
        #[arg(long, value_name = "S", default_value_t = 2.0)]
        seconds: f64,
        /// Print one JSON object and nothing else
        #[arg(long)]
        json: bool,
    },
}

/// An environment with its options.
#[derive(Debug, Args)]
pub(crate) struct World {
    /// The environment (see `potstill env list`)
    #[arg(long, value_name = "ID")]
    pub(crate) env: String,
    /// An option of the environment; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
}

impl Command {
    /// Whether to show the dashboard.
    pub(crate) fn tui(&self) -> bool {
        match self {
            Self::Train { tui, .. } | Self::Distill { tui, .. } | Self::Resume { tui, .. } => *tui,
            _ => false,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Common {
    /// The run directory to make [default: a new one under runs/]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Threads to use; the result does not depend on it [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Print one JSON object and nothing else
    #[arg(long)]
    pub(crate) json: bool,
}

impl Common {
    pub(crate) fn threads(&self) -> usize {
        threads(self.threads)
    }
}

/// The number of threads asked for, or one per core.
pub(crate) fn threads(asked: Option<u16>) -> usize {
    asked.map_or_else(|| std::thread::available_parallelism().map_or(1, usize::from), usize::from)
}

/// A number as TOML has it. One beyond TOML's 63 bits becomes text, which every integer key refuses by name.
pub(crate) fn integer(n: u64) -> Value {
    i64::try_from(n).map_or_else(|_| Value::String(n.to_string()), Value::Integer)
}

/// The flags that were given, by key.
pub(crate) fn flags<const N: usize>(given: [(&str, Option<Value>); N]) -> Table {
    given.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
}
