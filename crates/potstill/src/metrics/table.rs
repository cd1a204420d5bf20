//! Records as comma-separated values.

use super::catalogue::EPISODES;
use super::record_line::Line;

/// The lines of a log as comma-separated values, with one column per name; missing values are empty.
///
/// ```
/// use potstill::metrics::csv;
///
/// assert_eq!(csv("{\"step\":10,\"train/loss\":0.5}\n{\"step\":20,\"eval/mean_reward\":3}\n"),
///     "step,train/loss,eval/mean_reward\n10,0.5,\n20,,3\n");
/// ```
pub fn csv(text: &str) -> String {
    let mut table = WideTable::default();
    text.lines().for_each(|line| table.see(line));
    text.lines().fold(table.head(), |all, line| all + &table.row(line))
}

/// The records of one run as a table with a row for each line of its log, in two passes over the lines: the first finds
/// the columns.
#[derive(Clone, Debug, Default)]
pub(crate) struct WideTable {
    line: Line,
    /// All names but the step, once the head has been asked for.
    names: Vec<String>,
}

impl WideTable {
    /// Finds the columns of a line.
    pub(crate) fn see(&mut self, text: &str) {
        self.line.read(text);
    }

    /// The head, with the columns of all lines so far.
    pub(crate) fn head(&mut self) -> String {
        self.names = self.line.names.iter().filter(|name| *name != "step").cloned().collect();
        format!("step,{}\n", self.names.join(","))
    }

    /// The row of a line; none, as an empty text, if it is no JSON object.
    pub(crate) fn row(&mut self, text: &str) -> String {
        if !self.line.read(text) {
            return String::new();
        }
        let cells = std::iter::once("step").chain(self.names.iter().map(String::as_str));
        let cell = |name| self.line.number(name).map_or(String::new(), |value| value.to_string());
        cells.map(cell).collect::<Vec<_>>().join(",") + "\n"
    }
}

/// The records of several runs as one table, with a row for each value: run, seed, step, episode, metric, value. The
/// episode is the number of those that had ended.
///
/// ```
/// use potstill::metrics::LongTable;
///
/// let mut table = LongTable::default();
/// table.begin("sarsa", 7);
/// assert_eq!(LongTable::HEAD, "run,seed,step,episode,metric,value\n");
/// let line = "{\"step\":10,\"time/episodes\":1,\"rollout/ep_rew\":-3}";
/// assert_eq!(table.rows(line), "sarsa,7,10,1,rollout/ep_rew,-3\n");
/// ```
#[derive(Clone, Debug, Default)]
pub struct LongTable {
    /// Run and seed of the rows that follow.
    head: String,
    line: Line,
    episode: f64,
}

impl LongTable {
    /// The names of the columns.
    pub const HEAD: &str = "run,seed,step,episode,metric,value\n";

    /// Begins with the records of another run.
    pub fn begin(&mut self, run: &str, seed: u64) {
        (self.head, self.episode) = (format!("{},{seed}", quoted(run)), 0.0);
    }

    /// The rows of the next line of a log; none of a line that is no JSON object.
    pub fn rows(&mut self, text: &str) -> String {
        let Self { head, line, episode } = self;
        if !line.read(text) {
            return String::new();
        }
        *episode = line.number(EPISODES).unwrap_or(*episode);
        let step = line.number("step").map_or(String::new(), |step| step.to_string());
        let row = |&(index, value): &(usize, Option<f64>)| {
            let name = &line.names[index];
            let value = value.filter(|_| name != "step" && name != EPISODES)?;
            Some(format!("{head},{step},{episode},{},{value}\n", quoted(name)))
        };
        line.values.iter().filter_map(row).collect()
    }
}

/// A field of a CSV file, in quotation marks where it needs them; so do blanks around it, which some readers drop.
pub(crate) fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) || text.trim() != text {
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
        let mut rows = table.rows("{\"step\":5,\"time/episodes\":2,\"x\":1.5,\"y\":null}");
        rows += &table.rows("{\"step\":6,\"eval/mean_reward\":-2}");
        table.begin("c", 4);
        rows += &table.rows("{\"x\":1");
        rows += &table.rows("{\"step\":1,\"x\":7}");
        let expected =
            "\"a, \"\"b\"\"\",3,5,2,x,1.5\n\"a, \"\"b\"\"\",3,6,2,eval/mean_reward,-2\nc,4,1,0,x,7\n";
        assert_eq!(rows, expected);
    }
}
