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
        self.check_flags(out, metric)?;
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

    /// Refuses what a kind of file has no use for: a page has every chart, and .csv the numbers as recorded.
    fn check_flags(&self, out: &Path, metric: Option<&str>) -> Result<(), Error> {
        let (view, given) = (&self.view, self.view.title.is_some());
        let of_chart = [("--metric", metric.is_some()), ("--title", given), ("--size", view.size.is_some())];
        let of_curves = [
            ("--axis", view.axis.is_some()),
            ("--center", view.center.is_some()),
            ("--smooth", view.smooth > 1),
        ];
        let (flags, why) = match out.extension().and_then(|extension| extension.to_str()) {
            Some("html") => (of_chart.to_vec(), "a page has every chart, each with its title"),
            Some("csv") => ([of_chart, of_curves].concat(), "the numbers are those of the records"),
            _ => return Ok(()),
        };
        match flags.iter().find(|(_, is_given)| *is_given) {
            Some((flag, _)) => {
                Err(usage(format!("{flag} has no effect with --out {}: {why}", out.display())))
            }
            None => Ok(()),
        }
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
