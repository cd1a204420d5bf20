//! `potstill quickstart`: the tour in three acts, one report.
//!
//! | act | content |
//! |---|---|
//! | `cliff` | on-policy and off-policy: SARSA and Q-learning on the cliff walk |
//! | `policy` | a DQN teacher and a much smaller student |
//! | `digits` | the information that soft targets have and labels do not |
//!
//! ```
//! use potstill::quickstart::{QuickstartRequest, quickstart};
//! use potstill::run::Quiet;
//!
//! # fn tour() -> Result<(), potstill::Error> {
//! let request = QuickstartRequest { seed: 0, threads: 2, out: None };
//! let summary = quickstart(&request, &Quiet, &mut |act| println!("{}", act.text))?;
//! println!("{}", summary["policy"]["student"]["mean_return"]);
//! # Ok(())
//! # }
//! ```

mod act;
mod cliff;
mod digits;
mod policy;

pub use act::{Act, QuickstartRequest};

use crate::error::Error;
use crate::report::{Block, Page};
use crate::run::Observer;
use crate::store::{RunDir, names};
use act::stop_if_asked;
use serde_json::{Map, Value, json};
use std::time::Instant;

type Play = fn(&QuickstartRequest, &RunDir, &dyn Observer) -> Result<Act, Error>;

/// Runs the three acts; calls `show` with each as it ends. Returns the summary that is also written to the
/// run directory.
///
/// # Errors
/// If the output folder cannot be used, or an act fails.
pub fn quickstart(
    request: &QuickstartRequest,
    observer: &dyn Observer,
    show: &mut dyn FnMut(&Act),
) -> Result<Value, Error> {
    let dir = RunDir::create(request.out.as_deref(), "quickstart")?;
    play(request, &dir, observer, show).map_err(|error| {
        dir.clone().discard();
        // The tour begins again: its runs are not worth resuming.
        if matches!(error, Error::Interrupted { .. }) { Error::Abandoned } else { error }
    })
}

fn play(
    request: &QuickstartRequest,
    dir: &RunDir,
    observer: &dyn Observer,
    show: &mut dyn FnMut(&Act),
) -> Result<Value, Error> {
    let started = Instant::now();
    let mut summary = Map::new();
    summary.insert("command".to_owned(), json!("quickstart"));
    summary.insert("seed".to_owned(), json!(request.seed));
    let mut blocks = Vec::new();
    for act in [cliff::act as Play, policy::act, digits::act] {
        stop_if_asked(observer)?;
        let act = act(request, dir, observer)?;
        show(&act);
        summary.insert(act.name.to_owned(), act.numbers);
        blocks.push(Block::Heading(act.title.to_owned()));
        blocks.extend(act.blocks);
    }
    summary.insert("seconds".to_owned(), json!(started.elapsed().as_secs_f64()));
    let summary = Value::Object(summary);
    dir.write(names::SUMMARY, format!("{summary:#}\n").as_bytes())?;
    let page = Page {
        title: "potstill quickstart".to_owned(),
        lead: format!(
            "Train a teacher, distil a student, compare them. Seed {}; the same seed gives the same numbers.",
            request.seed
        ),
        blocks,
    };
    dir.write(names::REPORT, page.html().as_bytes())?;
    let mut summary = summary;
    summary["out"] = json!(dir.path().display().to_string());
    Ok(summary)
}
