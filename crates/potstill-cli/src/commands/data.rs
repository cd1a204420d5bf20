//! `potstill data`.

use super::common::{Command, Output, commands};
use crate::output;
use clap::Args;
use potstill::Error;
use potstill::commands::show_data;
use potstill::report::Table;
use potstill::run::Observer;
use serde_json::Value;

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
    output::print(&format!("{rows} rows{}, {} columns\n", test.unwrap_or_default(), columns.len()));
    let row = |column: &Value| {
        let range = column["range"].as_array().map(|range| format!("{} to {}", range[0], range[1]));
        let shown = range.unwrap_or_else(|| text(&column["example"]));
        vec![text(&column["name"]), text(&column["kind"]), text(&column["missing"]), shown]
    };
    let head = ["column", "values", "missing", "range or example"].map(str::to_owned).to_vec();
    output::print(Table { head, rows: columns.iter().map(row).collect() }.text().trim_end());
    let classes = list("classes");
    if !classes.is_empty() {
        let row = |class: &Value| vec![text(&class["name"]), text(&class["rows"])];
        let head = ["class", "rows"].map(str::to_owned).to_vec();
        let rows = classes.iter().map(row).collect();
        output::print(&format!("\n{}", Table { head, rows }.text().trim_end()));
    }
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
