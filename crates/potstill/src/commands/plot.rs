//! `potstill plot`: the curves of runs as a file.

use super::compare::Comparison;
use crate::error::Error;
use crate::metrics::{LongTable, csv};
use crate::report::Size;
use crate::run::usage;
use crate::store::{self, RunDir, names};
use std::path::Path;

impl Comparison {
    /// Writes an image, a page or a table, depending on the extension of `out`.
    ///
    /// # Errors
    /// If the extension is unknown, the runs do not have the metric, or the disk cannot be written.
    pub fn plot(&self, out: &Path, metric: Option<&str>) -> Result<(), Error> {
        let size = self.view.size.unwrap_or(Size::WIDE);
        let chart = || self.main_chart(metric);
        let contents = match out.extension().and_then(|extension| extension.to_str()) {
            Some("svg") => chart()?.svg_file_of(size).into_bytes(),
            Some("png") => chart()?.png_of(size, 2.0),
            Some("pdf") => chart()?.pdf(size),
            Some("html") => self.page().html().into_bytes(),
            Some("csv") => self.csv()?.into_bytes(),
            _ => {
                let out = out.display();
                return Err(usage(format!(
                    "--out {out}: the name must end in .svg, .png, .pdf, .html or .csv"
                )));
            }
        };
        Ok(store::write_file(out, &contents)?)
    }

    /// The records as comma-separated values: of one run a column for each metric, of several a row for each value.
    fn csv(&self) -> Result<String, Error> {
        if let [group] = &self.groups[..]
            && let [run] = &group.runs[..]
        {
            return Ok(csv(&RunDir::open(&run.path)?.read_text(names::METRICS)?));
        }
        let mut table = LongTable::default();
        for group in &self.groups {
            for run in &group.runs {
                let dir = RunDir::open(&run.path)?;
                if dir.has(names::METRICS) {
                    table.begin(&group.label, run.seed);
                    dir.lines(names::METRICS, |line| table.add(line))?;
                }
            }
        }
        Ok(table.text())
    }
}
