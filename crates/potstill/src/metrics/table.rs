//! Records as comma-separated values.

use super::catalogue::EPISODES;
use super::record_line::Line;
use std::fmt::Write;

/// The lines of a log as comma-separated values, with one column per name; missing values are empty.
///
/// ```
/// use potstill::metrics::csv;
///
/// assert_eq!(csv("{\"step\":10,\"train/loss\":0.5}\n{\"step\":20,\"eval/mean_reward\":3}\n"),
///     "step,train/loss,eval/mean_reward\n10,0.5,\n20,,3\n");
/// ```
pub fn csv(text: &str) -> String {
    let mut line = Line::default();
    text.lines().for_each(|text| _ = line.read(text));
    let names: Vec<String> = line.names.iter().filter(|name| *name != "step").cloned().collect();
    let mut table = format!("step,{}\n", names.join(","));
    for text in text.lines() {
        if line.read(text) {
            let cells = std::iter::once("step").chain(names.iter().map(String::as_str));
            let cells: Vec<String> = cells
                .map(|name| line.number(name).map_or(String::new(), |value| value.to_string()))
                .collect();
            table += &cells.join(",");
            table.push('\n');
        }
    }
    table
}

/// The records of several runs as one table, with a row for each value: run, seed, step, episode, metric, value. The
/// episode is the number of those that had ended.
///
/// ```
/// use potstill::metrics::LongTable;
///
/// let mut table = LongTable::default();
/// table.begin("sarsa", 7);
/// table.add("{\"step\":10,\"time/episodes\":1,\"rollout/ep_rew\":-3}");
/// assert_eq!(table.text(), "run,seed,step,episode,metric,value\nsarsa,7,10,1,rollout/ep_rew,-3\n");
/// ```
#[derive(Clone, Debug, Default)]
pub struct LongTable {
    rows: String,
    /// Run and seed of the rows that follow.
    head: String,
    line: Line,
    episode: f64,
}

impl LongTable {
    /// Begins with the records of another run.
    pub fn begin(&mut self, run: &str, seed: u64) {
        (self.head, self.episode) = (format!("{},{seed}", quoted(run)), 0.0);
    }

    /// Adds a line of a log; one that is no JSON object is skipped.
    pub fn add(&mut self, text: &str) {
        let Self { rows, head, line, episode } = self;
        if !line.read(text) {
            return;
        }
        *episode = line.number(EPISODES).unwrap_or(*episode);
        let step = line.number("step").map_or(String::new(), |step| step.to_string());
        for &(index, value) in &line.values {
            let name = &line.names[index];
            if let Some(value) = value.filter(|_| name != "step" && name != EPISODES) {
                let _ = writeln!(rows, "{head},{step},{episode},{},{value}", quoted(name));
            }
        }
    }

    /// The table.
    pub fn text(self) -> String {
        format!("run,seed,step,episode,metric,value\n{}", self.rows)
    }
}

/// A cell, in quotes if it needs them.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_values_are_empty_cells() {
        let text = "{\"a\":7}\n{\"step\":1,\"a\":0.5}\nnonsense\n{\"step\":3,\"a\":null,\"b\":2}\n{\"st";
        assert_eq!(csv(text), "step,a,b\n,7,\n1,0.5,\n3,,2\n");
    }

    #[test]
    fn a_long_table_has_a_row_for_each_value() {
        let mut table = LongTable::default();
        table.begin("a, \"b\"", 3);
        table.add("{\"step\":5,\"time/episodes\":2,\"x\":1.5,\"y\":null}");
        table.add("{\"step\":6,\"eval/mean_reward\":-2}");
        table.begin("c", 4);
        table.add("{\"x\":1");
        table.add("{\"step\":1,\"x\":7}");
        let rows = "\"a, \"\"b\"\"\",3,5,2,x,1.5\n\"a, \"\"b\"\"\",3,6,2,eval/mean_reward,-2\nc,4,1,0,x,7\n";
        assert_eq!(table.text(), format!("run,seed,step,episode,metric,value\n{rows}"));
    }
}
