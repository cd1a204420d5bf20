//! `potstill plot`: the curves of runs as a file.

use super::compare::Comparison;
use crate::error::Error;
use crate::metrics::{LongTable, WideTable};
use crate::report::Size;
use crate::run::usage;
use crate::store::{self, PieceError, RunDir, names};
use std::io::Write;
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
            Some("csv") => return Ok(store::write_pieces(out, |to| self.write_csv(to))?),
            _ => {
                let out = out.display();
                return Err(usage(format!(
                    "--out {out}: the name must end in .svg, .png, .pdf, .html or .csv"
                )));
            }
        };
        Ok(store::write_file(out, &contents)?)
    }

    /// Writes the records as comma-separated values: of one run a column for each metric, of several a row for each
    /// value.
    fn write_csv(&self, to: &mut dyn Write) -> Result<(), PieceError> {
        if let [group] = &self.groups[..]
            && let [run] = &group.runs[..]
        {
            let (dir, mut table) = (RunDir::open(&run.path)?, WideTable::default());
            dir.lines(names::METRICS, |line| table.see(line))?;
            to.write_all(table.head().as_bytes())?;
            return write_lines(&dir, to, |line| table.row(line));
        }
        to.write_all(LongTable::HEAD.as_bytes())?;
        let mut table = LongTable::default();
        for group in &self.groups {
            for run in &group.runs {
                let dir = RunDir::open(&run.path)?;
                if dir.has(names::METRICS) {
                    table.begin(&group.label, run.seed);
                    write_lines(&dir, to, |line| table.rows(line))?;
                }
            }
        }
        Ok(())
    }
}

/// Writes what becomes of each line of a log.
fn write_lines(
    dir: &RunDir,
    to: &mut dyn Write,
    mut rows: impl FnMut(&str) -> String,
) -> Result<(), PieceError> {
    let mut written = Ok(());
    dir.lines(names::METRICS, |line| {
        if written.is_ok() {
            written = to.write_all(rows(line).as_bytes());
        }
    })?;
    Ok(written?)
}
