//! `potstill data`.

use super::common::{Command, Output, Threads, commands, count};
use crate::output;
use clap::Args;
use potstill::Error;
use potstill::commands::{ImportRequest, MungeRequest, import, munge, show_data};
use potstill::distill::munge::MungeConfig;
use potstill::report::Table;
use potstill::run::Observer;
use potstill::words::counted;
use serde_json::Value;
use std::path::PathBuf;

/// Look at data before training
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

/// Show rows, columns, classes and missing values of a data source
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  potstill data show flowers.csv:label=species
  potstill data show mnist:FOLDER")]
pub(crate) struct Show {
    /// The data: digits, a file or a folder, with options
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

/// Columns and classes as tables.
fn show(result: &Value) {
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
        let range = column["range"].as_array().map(|range| match (number(&range[0]), number(&range[1])) {
            (low, high) if low == high => format!("{low} in all rows"),
            (low, high) => format!("{low} to {high}"),
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

/// A number, without a point if it is whole.
fn number(value: &Value) -> String {
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
