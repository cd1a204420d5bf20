//! `potstill data`.

use super::common::{Command, Output, Threads, commands, count, number};
use crate::output;
use clap::Args;
use potstill::Error;
use potstill::commands::{
    ImportRequest, MungeRequest, convert_data, filter_data, import, merge_data, munge, show_data, split_data,
};
use potstill::data::episodes::EpisodeFilter;
use potstill::distill::munge::MungeConfig;
use potstill::report::Table;
use potstill::run::Observer;
use potstill::words::counted;
use serde_json::Value;
use std::path::PathBuf;

/// Look at data before training, and divide, filter and convert recorded episodes
#[derive(Debug, Args)]
pub(crate) struct Data {
    #[command(subcommand)]
    command: DataCommand,
}

impl Command for Data {
    fn run(self, observer: &dyn Observer) -> Result<bool, Error> {
        self.command.run(observer)
    }
}

commands! { DataCommand:
    Show(Show),
    Import(Import),
    Munge(MungeArgs),
    Convert(Convert),
    Split(Split),
    Merge(Merge),
    Filter(Filter),
}

/// Write recorded episodes in another format
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  potstill data convert walks.jsonl --out minari:walks/random-v0
  potstill data convert minari:D4RL/pen/human-v2 --out pen.npz
  potstill data convert walks.jsonl --out minari:walks/random-v1:layout=hdf5")]
pub(crate) struct Convert {
    /// The episodes: minari:NAMESPACE/name-v0, a file of JSON lines, or a .npz file with d3rlpy's arrays
    #[arg(value_name = "SOURCE")]
    source: String,
    #[command(flatten)]
    out: Place,
    #[command(flatten)]
    output: Output,
}

// A part of commands: a doc comment would replace the command's own.
#[derive(Debug, Args)]
struct Place {
    /// The place to write to: minari:NAMESPACE/name-v0, perhaps with :layout=hdf5, a .npz file, or another file for JSON
    /// lines
    #[arg(long, value_name = "PLACE")]
    out: String,
}

impl Command for Convert {
    fn run(self, _: &dyn Observer) -> Result<bool, Error> {
        self.output.finish(&convert_data(&self.source, &self.out.out)?, output::summary);
        Ok(true)
    }
}

/// Divide recorded episodes into parts, at random
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  potstill data split minari:pole/random-v0 --shares 0.9,0.1 \\
      --out minari:pole/train-v0 --out minari:pole/test-v0")]
pub(crate) struct Split {
    /// The episodes
    #[arg(value_name = "SOURCE")]
    source: String,
    /// The share of the episodes in each part
    #[arg(long, value_name = "S,S", value_delimiter = ',', required = true, value_parser = number)]
    shares: Vec<f64>,
    /// Seed of the division
    #[arg(long, value_name = "N", default_value = "0", value_parser = count(0, u64::MAX))]
    seed: u64,
    /// The place of a part; once for each share
    #[arg(long, value_name = "PLACE", required = true)]
    out: Vec<String>,
    #[command(flatten)]
    output: Output,
}

impl Command for Split {
    fn run(self, _: &dyn Observer) -> Result<bool, Error> {
        let result = split_data(&self.source, &self.shares, self.seed, &self.out)?;
        self.output.finish(&result, parts);
        Ok(true)
    }
}

/// Join recorded episodes of one environment
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  potstill data merge minari:pole/medium-v0 minari:pole/expert-v0 \\
      --out minari:pole/medium-expert-v0")]
pub(crate) struct Merge {
    /// The episodes, in this order
    #[arg(value_name = "SOURCE", required = true, num_args = 2..)]
    sources: Vec<String>,
    #[command(flatten)]
    out: Place,
    #[command(flatten)]
    output: Output,
}

impl Command for Merge {
    fn run(self, _: &dyn Observer) -> Result<bool, Error> {
        self.output.finish(&merge_data(&self.sources, &self.out.out)?, output::summary);
        Ok(true)
    }
}

/// Keep some of recorded episodes, by their returns and lengths
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  potstill data filter minari:pole/random-v0 --top 0.1 \\
      --out minari:pole/best-v0")]
pub(crate) struct Filter {
    /// The episodes
    #[arg(value_name = "SOURCE")]
    source: String,
    /// The share of the episodes with the greatest returns, of those that the other conditions keep
    #[arg(long, value_name = "SHARE", value_parser = number)]
    top: Option<f64>,
    /// The least return
    #[arg(long, value_name = "R", allow_negative_numbers = true, value_parser = number)]
    return_min: Option<f64>,
    /// The greatest return
    #[arg(long, value_name = "R", allow_negative_numbers = true, value_parser = number)]
    return_max: Option<f64>,
    /// The fewest steps
    #[arg(long, value_name = "N", value_parser = count(0, u64::MAX))]
    steps_min: Option<u64>,
    /// The most steps
    #[arg(long, value_name = "N", value_parser = count(0, u64::MAX))]
    steps_max: Option<u64>,
    #[command(flatten)]
    out: Place,
    #[command(flatten)]
    output: Output,
}

impl Command for Filter {
    fn run(self, _: &dyn Observer) -> Result<bool, Error> {
        let Self { source, top, return_min, return_max, steps_min, steps_max, out, output } = self;
        let filter = EpisodeFilter { top, return_min, return_max, steps_min, steps_max };
        output.finish(&filter_data(&source, &filter, &out.out)?, output::summary);
        Ok(true)
    }
}

/// Parts of a data set as a table.
fn parts(result: &Value) {
    let Some(parts) = result["parts"].as_array() else { return output::summary(result) };
    let row = |part: &Value| {
        let text = |key: &str| part[key].as_str().map_or_else(|| number_text(&part[key]), str::to_owned);
        ["out", "episodes", "steps", "mean_return"].map(text).to_vec()
    };
    let head = ["part", "episodes", "steps", "mean return"].map(str::to_owned).to_vec();
    output::print(Table { head, rows: parts.iter().map(row).collect() }.text().trim_end());
}

/// Make a teacher's recorded answers of a language model's
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  potstill data import batch.jsonl --classes good=good|great,bad --out a.csv
  potstill distill --teacher a.csv:id=id --data reviews.csv:id=review_id ...")]
pub(crate) struct Import {
    /// Chat completions, one JSON object a line, or the results of a batch
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The classes, with the words that spell each: CLASS=WORD|WORD,CLASS
    #[arg(long, value_name = "CLASSES")]
    classes: String,
    /// The least share of an answer's probability that must spell a class; with less it counts as missing
    #[arg(long, value_name = "SHARE", default_value = "0.5", value_parser = share)]
    coverage: f64,
    /// The CSV file to write: id, and the probability of each class, or its votes; an existing one is replaced
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    output: Output,
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "expected a number from 0 to 1".to_owned())
}

impl Command for Import {
    fn run(self, _: &dyn Observer) -> Result<bool, Error> {
        let Self { file, classes, coverage, out, output } = self;
        let request = ImportRequest { file, classes, coverage, out };
        output.finish(&import(&request)?, output::imported);
        Ok(true)
    }
}

/// Make more rows for a transfer set of a table that has few (MUNGE)
///
/// Each new row is a training row that has exchanged attributes with its nearest neighbour. A teacher that answers
/// live, or your own program, then says what it makes of them.
#[derive(Debug, Args)]
#[command(after_help = "\
Source: Bucila, Caruana and Niculescu-Mizil 2006, Algorithm 1.

Examples:
  potstill data munge few.csv:label=species --size 20k --out more.csv
  potstill distill --teacher forest.onnx --data few.csv:label=species \\
      --unlabelled more.csv --student mlp:32 --out runs/mimic")]
pub(crate) struct MungeArgs {
    /// The table, with options; the rows that a run holds out for its test have no part in it
    #[arg(value_name = "SOURCE")]
    source: String,
    /// Rows to make
    #[arg(long, value_name = "N", value_parser = count(1, 1 << 28))]
    size: u64,
    /// Probability with which a row exchanges an attribute with its nearest neighbour
    #[arg(long, value_name = "P", default_value = "0.5")]
    swap_probability: f64,
    /// Numbers are drawn around the neighbour's, with a standard deviation of the distance divided by this
    #[arg(long, value_name = "S", default_value = "1")]
    local_variance: f64,
    /// Leave drawn values of whole numbers as they are, as the paper does, instead of rounding them
    #[arg(long)]
    continuous: bool,
    /// Rows that the run will hold out for its test; 0 if its test rows are in another file
    #[arg(long, value_name = "N", value_parser = count(0, u64::MAX))]
    test_samples: Option<u64>,
    /// Seed of the split into training and test rows
    #[arg(long, value_name = "N", default_value = "0")]
    split_seed: u64,
    /// Seed of what is drawn
    #[arg(long, value_name = "N", default_value = "0")]
    seed: u64,
    /// The CSV file to write, for --unlabelled
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    threads: Threads,
    #[command(flatten)]
    output: Output,
}

impl Command for MungeArgs {
    fn run(self, observer: &dyn Observer) -> Result<bool, Error> {
        let Self { source, size, swap_probability, local_variance, continuous, .. } = self;
        let config = MungeConfig { swap_probability, local_variance, is_continuous: continuous };
        let Self { test_samples, split_seed, seed, out, threads, output, .. } = self;
        let threads = threads.count();
        let request =
            MungeRequest { data: source, size, config, test_samples, split_seed, seed, out, threads };
        output.finish(&munge(&request, observer)?, output::summary);
        Ok(true)
    }
}

/// Show rows, columns, classes and missing values of a data source, or returns, lengths and actions of recorded episodes
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  potstill data show flowers.csv:label=species
  potstill data show mnist:FOLDER
  potstill data show minari:pole/random-v0")]
pub(crate) struct Show {
    /// The data: digits, a file or a folder, with options, or minari:NAMESPACE/name-v0
    #[arg(value_name = "SOURCE")]
    source: String,
    #[command(flatten)]
    output: Output,
}

impl Command for Show {
    fn run(self, _: &dyn Observer) -> Result<bool, Error> {
        self.output.finish(&show_data(&self.source)?, show);
        Ok(true)
    }
}

/// Columns and classes, or episodes, as tables.
fn show(result: &Value) {
    if result["episodes"].is_number() {
        return show_episodes(result);
    }
    let list = |key: &str| result[key].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => shortened(text),
        other => other.to_string(),
    };
    let test = result["test_rows"].as_u64().map(|rows| format!(", and {rows} to test on"));
    let (rows, columns) = (&result["rows"], list("columns"));
    let (rows, width) = (counted(rows, "row"), counted(columns.len(), "column"));
    output::print(&format!("{rows}{}, {width}\n", test.unwrap_or_default()));
    let row = |column: &Value| {
        let range = column["range"].as_array().map(|range| {
            match (whole_number(&range[0]), whole_number(&range[1])) {
                (low, high) if low == high => format!("{low} in all rows"),
                (low, high) => format!("{low} to {high}"),
            }
        });
        let shown = range.unwrap_or_else(|| text(&column["example"]));
        let kind = match column["role"].as_str() {
            Some(role) => format!("{} ({role})", text(&column["kind"])),
            None => text(&column["kind"]),
        };
        vec![text(&column["name"]), kind, text(&column["missing"]), shown]
    };
    let head = ["column", "values", "missing", "range or example"].map(str::to_owned).to_vec();
    output::print(Table { head, rows: columns.iter().map(row).collect() }.text().trim_end());
    for warning in list("warnings").iter().filter_map(Value::as_str) {
        output::tell(&format!("warning: {warning}"));
    }
    let classes = list("classes");
    if !classes.is_empty() {
        let row = |class: &Value| vec![text(&class["name"]), text(&class["rows"])];
        let head = ["class", "rows"].map(str::to_owned).to_vec();
        let rows = classes.iter().map(row).collect();
        output::print(&format!("\n{}", Table { head, rows }.text().trim_end()));
    }
}

/// Recorded episodes as tables.
fn show_episodes(result: &Value) {
    let text = |key: &str| result[key].as_str().unwrap_or_default();
    let env = if text("env").is_empty() { "an environment that is not known" } else { text("env") };
    let (episodes, steps) = (counted(&result["episodes"], "episode"), counted(&result["steps"], "step"));
    output::print(&format!("{episodes} of {env}, {steps}\n"));
    let spread = |name: &str, key: &str| {
        let numbers =
            ["mean", "min", "q25", "median", "q75", "max"].map(|part| number_text(&result[key][part]));
        [vec![name.to_owned()], numbers.to_vec()].concat()
    };
    let head = ["", "mean", "min", "25 %", "median", "75 %", "max"].map(str::to_owned).to_vec();
    let rows = vec![spread("return", "returns"), spread("length", "lengths")];
    output::print(&format!("{}\n", Table { head, rows }.text().trim_end()));
    let line = |name: &str, words: String| vec![name.to_owned(), words];
    let endings = format!(
        "{} terminated, {} truncated, {} cut off",
        result["terminated"], result["truncated"], result["cut_off"]
    );
    let mut rows = vec![line("endings", endings)];
    for (name, key) in [("observations", "observation_space"), ("actions", "action_space")] {
        let side = |side: &str| {
            result[key][side].as_array().map(|bounds| bounds.iter().map(number_text).collect::<Vec<_>>())
        };
        let space = result[key]["space"].as_str().unwrap_or_default();
        rows.push(line(
            name,
            match (side("low"), side("high")) {
                (Some(low), Some(high)) if low.len() <= BOUNDS_SHOWN => {
                    format!("{space}, from {} to {}", low.join(" "), high.join(" "))
                }
                _ => space.to_owned(),
            },
        ));
    }
    if let Some(entropy) = result["action_entropy"].as_f64() {
        let counts = result["action_counts"].as_array().cloned().unwrap_or_default();
        let largest = (counts.len() as f64).ln();
        rows.push(line("action entropy", format!("{entropy:.4} of at most {largest:.4} nats")));
        if counts.len() <= BOUNDS_SHOWN {
            let counts: Vec<String> = counts.iter().map(Value::to_string).collect();
            rows.push(line("times each", counts.join(" ")));
        }
    }
    if let Some(moments) = result["action_moments"].as_array().filter(|moments| moments.len() <= BOUNDS_SHOWN)
    {
        let moments: Vec<String> =
            moments.iter().map(|of| format!("{} +- {}", number_text(&of[0]), number_text(&of[1]))).collect();
        rows.push(line("action mean", moments.join(", ")));
    }
    rows.push(line("seeds", format!("of {} known", counted(&result["seeds"], "episode"))));
    for (name, key) in [("policy", "algorithm_name"), ("about", "description")] {
        if let Some(words) = result["metadata"][key].as_str() {
            rows.push(line(name, shortened(words)));
        }
    }
    rows.push(line("crc32c", text("crc32c").to_owned()));
    let head = vec![String::new(), String::new()];
    output::print(Table { head, rows }.text().trim());
    for warning in result["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        output::tell(&format!("warning: {warning}"));
    }
}

/// Components whose bounds are shown.
const BOUNDS_SHOWN: usize = 8;

/// A number, in short; `null` is no bound.
fn number_text(value: &Value) -> String {
    match value.as_f64() {
        Some(x) if x.fract() == 0.0 && x.abs() < 1e15 => format!("{x:.0}"),
        Some(x) => format!("{x:.3}"),
        None => "-".to_owned(),
    }
}

/// A number, without a point if it is whole.
fn whole_number(value: &Value) -> String {
    value.as_f64().map_or_else(|| value.to_string(), |x| x.to_string())
}

/// The beginning of a long text, in one line.
fn shortened(text: &str) -> String {
    const LENGTH: usize = 40;
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LENGTH + 1).collect();
    match line.chars().count() > LENGTH {
        true => format!("{}...", line.chars().take(LENGTH - 3).collect::<String>()),
        false => line,
    }
}
