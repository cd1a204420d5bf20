//! `potstill show` and `potstill report`: the page of one run.

use super::compare::Comparison;
use crate::error::Error;
use crate::report::Page;
use crate::run::{run_page, seed_runs};
use crate::store::{RunDir, names};
use std::path::{Path, PathBuf};

/// Writes the report of a run (of a folder of seeds: statistics over them) again, and returns its path.
///
/// # Errors
/// If the folder is not a run, or a file in it is damaged.
pub fn report(run: &Path) -> Result<PathBuf, Error> {
    let dir = RunDir::hold(run)?;
    let page = checked_page(&dir, run)?;
    dir.rewrite(names::REPORT, page.html().as_bytes())?;
    Ok(run.join(names::REPORT))
}

/// The report of a run (of a folder of seeds: statistics over them).
///
/// # Errors
/// If the folder is not a run, or a file in it is damaged.
pub fn page(run: &Path) -> Result<Page, Error> {
    checked_page(&RunDir::open(run)?, run)
}

fn checked_page(dir: &RunDir, run: &Path) -> Result<Page, Error> {
    // All but the report itself, which is made again.
    for mark in dir.manifest()?.files.iter().filter(|mark| mark.name != names::REPORT) {
        dir.check(mark)?;
    }
    Ok(match seed_runs(run).as_slice() {
        [] => run_page(dir),
        _ => Comparison::read(&[run.to_owned()])?.page(),
    })
}
