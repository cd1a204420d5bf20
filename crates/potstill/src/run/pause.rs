//! Several runs that were asked to stop, told as one.

use super::summary::read_summary;
use crate::error::Error;
use crate::store::{Checkpoint, RunDir, names};
use crate::words::counted;
use serde_json::Value;
use std::path::Path;
use toml::Table;

/// The outcome of a run that is to stop before it goes on: its result if it is finished, or the step of its newest
/// checkpoint.
pub(crate) fn as_it_is(run: &Path) -> Result<Value, Error> {
    let mut step = None;
    if run.join(names::CONFIG).is_file() {
        let dir = RunDir::open(run)?;
        if dir.is_finished()? {
            return read_summary(&dir);
        }
        step = Checkpoint::peek(&dir)?.map(|newest| newest.step);
    }
    Err(Error::Interrupted { run: run.to_owned(), step: step.unwrap_or_default(), saved: step })
}

/// The error of runs of which some were stopped; none if there are none. `parts` are the runs in words.
pub(crate) fn paused(dir: &RunDir, outcomes: &[Result<Value, Error>], parts: &str) -> Option<Error> {
    let (mut step, mut saved, mut finished, mut is_stopped) = (0, 0, 0, false);
    // The steps of all, as far as they are known.
    let mut taken = Some(0);
    for outcome in outcomes {
        let (now, kept) = match outcome {
            Ok(summary) => {
                finished += 1;
                taken = taken.and_then(|taken| Some(taken + summary["steps"].as_u64()?));
                continue;
            }
            Err(Error::Interrupted { step, saved, .. }) => (*step, saved.unwrap_or(0).min(*step)),
            Err(Error::Paused { step, saved, .. }) => (*step, *saved),
            Err(_) => continue,
        };
        (is_stopped, step, saved) = (true, step + now, saved + kept);
        taken = taken.map(|taken| taken + now);
    }
    let count = outcomes.len();
    let done = format!("{finished} of {count} {parts} done");
    let goal = dir.read_unchecked(names::CONFIG).ok().and_then(|config| {
        let config: Table = String::from_utf8_lossy(&config).parse().ok()?;
        u64::try_from(config.get("steps")?.as_integer()?).ok()?.checked_mul(count as u64)
    });
    let progress = match (taken, goal) {
        (Some(taken), Some(goal)) => format!("at {taken} of {}, {done}", counted(goal, "step")),
        (Some(taken), None) if taken > 0 => format!("at {}, {done}", counted(taken, "step")),
        _ => format!("with {done}"),
    };
    is_stopped.then(|| Error::Paused { run: dir.path().to_owned(), progress, step, saved })
}
