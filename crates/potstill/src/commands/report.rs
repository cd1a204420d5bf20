//! `potstill show` and `potstill report`: the page of one run.

use super::compare::{Comparison, family_page};
use super::group::DEPTH_MAX;
use super::search_page;
use super::sweep::Sweep;
use super::tuner::Tuner;
use crate::error::Error;
use crate::report::{Block, Page};
use crate::run::{Reader, run_page, seed_runs};
use crate::store::{self, RunDir, StoreError, names, runs_in};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Returns true for a folder that is no run, but holds some: a sweep, or `runs/`.
pub fn is_folder_of_runs(folder: &Path) -> bool {
    !folder.join(names::CONFIG).is_file() && !runs_in(folder, DEPTH_MAX).is_empty()
}

/// Returns true for the folder of a search that is finished.
pub fn is_search(folder: &Path) -> bool {
    [names::SWEEP, names::TUNE].iter().any(|name| folder.join(name).is_file())
        && folder.join(names::WINNER).join(names::SUMMARY).is_file()
}

/// Writes the report of a run (of a folder of seeds: statistics over them; of a folder of runs: their comparison) again,
/// and returns its path.
///
/// # Errors
/// If the folder is not a run, or a file in it is damaged.
pub fn report(run: &Path) -> Result<PathBuf, Error> {
    let out = run.join(names::REPORT);
    if is_folder_of_runs(run) {
        store::write_file(&out, page(run)?.html().as_bytes())?;
        return Ok(out);
    }
    let dir = RunDir::hold(run)?;
    let page = checked_page(&dir, run, Reader::Anywhere)?;
    dir.rewrite(names::REPORT, page.html().as_bytes())?;
    Ok(out)
}

/// The report of a run (of a folder of seeds: statistics over them; of a folder of runs: their comparison).
///
/// # Errors
/// If the folder is not a run, or a file in it is damaged.
pub fn page(run: &Path) -> Result<Page, Error> {
    if is_folder_of_runs(run) {
        let search = match Sweep::finished(run)? {
            None => Tuner::finished(run)?,
            search => search,
        };
        return match search {
            Some(search) => search_page::page(&run.join(names::WINNER), &search),
            None => Ok(Comparison::read(&[run.to_owned()])?.page()),
        };
    }
    checked_page(&RunDir::open(run)?, run, Reader::Here)
}

/// The result of a command; if it is one of several seeds, or of a search in rounds, their report is written beside it,
/// as each run has its own.
pub(super) fn with_report(result: Value) -> Result<Value, Error> {
    if let Some(folder) =
        result["out"].as_str().filter(|_| result["seeds"].is_number() || result["tune"].is_object())
    {
        report(Path::new(folder))?;
    }
    Ok(result)
}

fn checked_page(dir: &RunDir, run: &Path, reader: Reader) -> Result<Page, Error> {
    let mut lost = None;
    for mark in &dir.manifest()?.files {
        match (&*mark.name, dir.check(mark)) {
            // The report itself is made again, and TensorBoard's file is not looked at.
            (names::REPORT | names::EVENTS, _) | (_, Ok(_)) => {}
            (names::METRICS, Err(error @ StoreError::Damaged { .. })) => lost = Some(error.to_string()),
            (_, Err(error)) => return Err(error.into()),
        }
    }
    let is_family = !seed_runs(run).is_empty();
    let mut page = if is_family { family_page(run)? } else { run_page(dir, reader) };
    if let Some(lost) = lost.filter(|_| !is_family) {
        page.blocks.retain(|block| !matches!(block, Block::Lines(_)));
        page.blocks.insert(1.min(page.blocks.len()), Block::Text(format!("Without curves: {lost}.")));
    }
    Ok(page)
}
