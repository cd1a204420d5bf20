//! The start of a run from an earlier one: from the weights of its model, or from its whole state.

use super::checks::{bad, usage};
use super::prepared::PreparedRun;
use super::sources::peek;
use super::subject::{learned, learned_purpose};
use crate::config::{Layer, Origin};
use crate::error::Error;
use crate::export::Purpose;
use crate::model::Model;
use crate::store::{Checkpoint, RunDir, StoreError, names, snapshot_file};
use crate::words::counted;
use potstill_core::{Restorable, Snapshot, Value as SavedValue};
use potstill_nn::NetworkSpec;
use std::path::PathBuf;
use toml::{Table, Value};

/// The start of a run from an earlier one.
pub(super) struct Start {
    /// The directory of the earlier run.
    run: PathBuf,
    kept: Kept,
    /// The checksum of the model file, or of the state.
    crc32c: u32,
}

/// The part of a run that another starts from.
enum Kept {
    /// The parameters of its best model, and the critics that it has learned with, if it is an offline run.
    Weights { model: Box<Model>, purpose: Purpose, critics: Option<Critics> },
    /// The state of its newest checkpoint, with its environment and its steps.
    State { state: Box<Snapshot>, env: Option<String>, step: u64 },
}

/// The critics of a run.
struct Critics {
    /// The part of its state that has them.
    saved: Snapshot,
    spec: NetworkSpec,
    /// The discount that they were learned with.
    gamma: Option<Value>,
}

impl Start {
    /// Reads the run that the settings name; none if they name none, or the run in `dir` has started already.
    pub(super) fn read(layers: &[Layer], dir: Option<&RunDir>) -> Result<Option<Self>, Error> {
        let given = |key: &str| layers.iter().rev().find_map(|layer| layer.values.get(key));
        let Some(run) = peek(layers, "from") else {
            return match given("keep").or(given("from_crc32c")) {
                Some(_) => {
                    Err(usage("`keep` and `from_crc32c` say what is taken of another run: give --from RUN"))
                }
                None => Ok(None),
            };
        };
        if let Some(dir) = dir.filter(|dir| dir.has(names::CONFIG))
            && !Checkpoint::steps(dir)?.is_empty()
        {
            return Ok(None);
        }
        let path = std::path::absolute(run).unwrap_or_else(|_| run.into());
        let from = RunDir::open_model(&path)?;
        let keeps_state = peek(layers, "keep") == Some("state");
        let (kept, crc32c) = if keeps_state {
            read_state(&from)?
        } else {
            let (model, crc32c) = learned(&from)?;
            let purpose = learned_purpose(&from);
            let critics = critics_beside(&model, &from);
            (Kept::Weights { model: Box::new(model), purpose, critics }, crc32c)
        };
        let known = given("from_crc32c").and_then(Value::as_integer);
        if known.is_some_and(|known| known != i64::from(crc32c)) {
            let what = if keeps_state { "state" } else { "model" };
            return Err(bad(
                "from",
                format!(
                    "{run} has another {what} now than when this configuration was written; leave out from_crc32c to start from it"
                ),
            ));
        }
        Ok(Some(Self { run: path, kept, crc32c }))
    }

    /// The settings that record the start.
    pub(super) fn layer(&self) -> Layer {
        let mut values = Table::new();
        values.insert("from".to_owned(), self.run.display().to_string().into());
        values.insert("from_crc32c".to_owned(), Value::Integer(self.crc32c.into()));
        Layer { origin: Origin::Program("of the run that it starts from"), values }
    }

    /// Puts the run into the state that it starts from.
    pub(super) fn apply(&self, mut plan: PreparedRun) -> Result<PreparedRun, Error> {
        let run = self.run.display();
        match &self.kept {
            Kept::Weights { model, purpose, critics } => {
                if *purpose == Purpose::Policy
                    && matches!(**model, Model::Network(_))
                    && plan.job.learns_values()
                {
                    let reason = "it has learned preferences among actions, which are no estimates of returns: go on \
                                  with a learner of policies (ppo, a2c), or give this one no start";
                    return Err(bad("from", format!("{run}: {reason}")));
                }
                plan.job.start_from(model).map_err(|reason| bad("from", format!("{run}: {reason}")))?;
                let own: Table = plan.config.parse().unwrap_or_default();
                let same = critics.as_ref().filter(|critics| critics.gamma.as_ref() == own.get("gamma"));
                let are_taken =
                    same.is_some_and(|critics| plan.job.take_over_critics(&critics.saved, &critics.spec));
                if matches!(**model, Model::Control(_)) && !are_taken {
                    let warning = format!(
                        "--from {run}: the policy is taken over; critics, if there are any, begin anew"
                    );
                    plan = plan.with_warning(Some(warning));
                }
            }
            Kept::State { state, env, step } => {
                let config: Table = plan.config.parse().unwrap_or_default();
                let own = config.get("env").and_then(Value::as_str);
                if own != env.as_deref() {
                    let (own, theirs) = (own.unwrap_or("a dataset"), env.as_deref().unwrap_or("a dataset"));
                    return Err(bad(
                        "keep",
                        format!(
                            "the state of {run} is one of {theirs}, this run is in {own}; --keep weights takes the weights alone"
                        ),
                    ));
                }
                plan.job.restore(state.as_ref()).map_err(|error| bad("keep", format!(
                    "the state of {run} does not fit these settings: {error}; --keep weights takes the weights alone"
                )))?;
                if plan.job.is_over() {
                    return Err(usage(format!(
                        "{run} has done {}, which count: nothing is left to do; give more than that \
                         (--steps, --episodes or --epochs)",
                        counted(step, "step")
                    )));
                }
            }
        }
        plan.start = Some(plan.job.snapshot());
        Ok(plan)
    }
}

/// The critics of an offline run in a box of actions. Offline runs keep their last model, so that the
/// newest checkpoint has its critics; those of observations that were scaled for them would mislead.
fn critics_beside(model: &Model, from: &RunDir) -> Option<Critics> {
    let Model::Control(_) = model else { return None };
    let config: Table = from.read_text(names::CONFIG).ok()?.parse().ok()?;
    let is_scaled = config.get("normalize_observations").and_then(Value::as_bool) == Some(true);
    if !config.contains_key("data") || is_scaled {
        return None;
    }
    let state = Checkpoint::newest(from, false).ok()??.state;
    let spec = ["critic_net_arch", "net_arch"].iter().find_map(|key| config.get(*key)?.as_str())?;
    let (saved, spec) = (branch_with(&state, "critic-0")?.clone(), spec.parse().ok()?);
    Some(Critics { saved, spec, gamma: config.get("gamma").cloned() })
}

/// The branch of a state that holds a value of this name.
fn branch_with<'a>(state: &'a Snapshot, name: &str) -> Option<&'a Snapshot> {
    if state.contains(name) {
        return Some(state);
    }
    state.iter().find_map(|(_, value)| match value {
        SavedValue::Tree(tree) => branch_with(tree, name),
        _ => None,
    })
}

/// The state of a run's newest checkpoint.
fn read_state(from: &RunDir) -> Result<(Kept, u32), Error> {
    let Some(checkpoint) = Checkpoint::newest(from, false)? else {
        return Err(
            StoreError::Unfinished { path: from.path().to_owned(), missing: names::CHECKPOINTS }.into()
        );
    };
    let crc32c = crc32c::crc32c(&snapshot_file::write(&checkpoint.state));
    let config: Table =
        String::from_utf8_lossy(&from.read_unchecked(names::CONFIG)?).parse().unwrap_or_default();
    let env = config.get("env").and_then(Value::as_str).map(str::to_owned);
    let (state, step) = (Box::new(checkpoint.state), checkpoint.step);
    Ok((Kept::State { state, env, step }, crc32c))
}
