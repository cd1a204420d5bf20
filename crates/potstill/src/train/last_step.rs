//! The last step of training: its events, and what is still to be done of it if training was stopped in its middle.

use crate::agent::{Agent, LearnError, Measurements};
use crate::experience::Ending;
use crate::metrics::catalogue::Metric;
use potstill_core::snapshot::Codec;
use potstill_core::{Snapshot, SnapshotError, Value};

/// A finished episode.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EpisodeEnd {
    /// The undiscounted return.
    pub episode_return: f64,
    /// Its length.
    pub steps: u64,
    /// The reason of its end.
    pub ending: Ending,
}

/// The check for a stop request, between pieces of work: cheap, and true from the request on.
pub type Stop<'a> = dyn Fn() -> bool + Sync + 'a;

/// The check of a caller that never asks to stop.
pub(super) const NEVER: &Stop<'static> = &|| false;

/// The last step of training.
#[derive(Clone, Debug, Default)]
pub struct LastStep {
    /// The steps before it.
    pub(super) before: u64,
    /// Updates that were due after it, and those of them that are still to be made.
    pub(super) due: u64,
    pub(super) left: u64,
    /// The measurements of its updates, each the mean over them.
    pub(super) measured: Measurements,
    /// The episodes that ended with it.
    pub(super) ended: Vec<EpisodeEnd>,
    /// True if an evaluation is still to be made.
    pub(super) is_to_be_evaluated: bool,
    /// True if a callback has broken.
    pub(super) has_broken: bool,
}

impl LastStep {
    /// No step so far, of one or of several copies.
    pub(super) fn of_copies(copies: usize) -> Self {
        Self { ended: Vec::with_capacity(copies), ..Self::default() }
    }

    /// Returns true if nothing of the step is still to be done.
    pub fn is_complete(&self) -> bool {
        self.left == 0 && !self.is_to_be_evaluated
    }

    /// Begins the step after `before` steps.
    #[inline]
    pub(super) fn begin(&mut self, before: u64, due: u64) {
        (self.before, self.due, self.left, self.has_broken) = (before, due, due, false);
        if due > 0 {
            self.measured = Measurements::default();
        }
        self.ended.clear();
    }

    /// Makes the updates that are still to be made. Returns false if it was stopped between two of them.
    #[inline]
    pub(super) fn update<A: Agent>(&mut self, agent: &mut A, stop: &Stop<'_>) -> Result<bool, LearnError> {
        while self.left > 0 {
            agent.update()?.iter().for_each(|(name, value)| self.measured.add(name, value / self.due as f64));
            self.left -= 1;
            if self.left > 0 && stop() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The codec of a step, which is saved only if something of it is still to be done.
pub(super) struct IfStopped;

impl Codec<LastStep> for IfStopped {
    fn save(&self, step: &LastStep, name: &str, snapshot: &mut Snapshot) {
        if step.is_complete() {
            return;
        }
        let of = |number: fn(&EpisodeEnd) -> u64| Value::U64s(step.ended.iter().map(number).collect());
        let returns = step.ended.iter().map(|episode| episode.episode_return).collect();
        let mut branch = Snapshot::new()
            .with("before", Value::U64(step.before))
            .with("due", Value::U64(step.due))
            .with("left", Value::U64(step.left))
            .with("is_to_be_evaluated", Value::Bool(step.is_to_be_evaluated))
            .with("has_broken", Value::Bool(step.has_broken))
            .with("returns", Value::F64s(returns))
            .with("lengths", of(|episode| episode.steps))
            .with("truncated", of(|episode| u64::from(episode.ending == Ending::Truncated)));
        ByName.save(&step.measured, "measured", &mut branch);
        snapshot.insert(name, Value::Tree(branch));
    }

    fn load(&self, step: &mut LastStep, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        let copies = step.ended.capacity();
        *step = LastStep::of_copies(copies);
        if !snapshot.contains(name) {
            return Ok(());
        }
        let branch = snapshot.tree(name)?;
        (step.before, step.due) = (branch.counter("before")?, branch.u64("due")?);
        step.left = branch.u64("left")?;
        step.is_to_be_evaluated = branch.bool("is_to_be_evaluated")?;
        step.has_broken = branch.bool("has_broken")?;
        let returns = branch.array("returns")?;
        let (lengths, truncated) =
            (branch.u64s("lengths", returns.len())?, branch.u64s("truncated", returns.len())?);
        if step.left > step.due {
            return Err(SnapshotError::invalid("left", format!("{} of {} updates", step.left, step.due)));
        }
        step.ended.extend(returns.iter().zip(lengths).zip(truncated).map(|((&value, &steps), &cut)| {
            let ending = if cut == 0 { Ending::Terminated } else { Ending::Truncated };
            EpisodeEnd { episode_return: value, steps, ending }
        }));
        ByName.load(&mut step.measured, "measured", branch)
    }
}

/// The codec of measurements: their names in their order, and their values.
pub(crate) struct ByName;

impl Codec<Measurements> for ByName {
    fn save(&self, measured: &Measurements, name: &str, snapshot: &mut Snapshot) {
        let names: Vec<&str> = measured.iter().map(|(name, _)| name).collect();
        let values = measured.iter().map(|(_, value)| value).collect();
        let branch = Snapshot::new()
            .with("names", Value::U8s(names.join("\n").into_bytes()))
            .with("values", Value::F64s(values));
        snapshot.insert(name, Value::Tree(branch));
    }

    fn load(
        &self,
        measured: &mut Measurements,
        name: &str,
        snapshot: &Snapshot,
    ) -> Result<(), SnapshotError> {
        let branch = snapshot.tree(name)?;
        let bytes = branch.bytes("names")?;
        let names = std::str::from_utf8(bytes).map_err(|_| SnapshotError::invalid("names", "is no text"))?;
        *measured = Measurements::default();
        let values = branch.array("values")?;
        if names.lines().count() != values.len() || values.len() > crate::agent::MEASUREMENTS_MAX {
            return Err(SnapshotError::invalid("names", format!("are not {}", values.len())));
        }
        for (name, &value) in names.lines().zip(values) {
            let metric = Metric::find(name);
            let metric =
                metric.ok_or_else(|| SnapshotError::invalid("names", format!("`{name}` is none")))?;
            measured.add(metric.name, value);
        }
        Ok(())
    }
}
