//! The task of a deep agent.

use crate::algorithm::Task;
use crate::config::ConfigError;
use crate::policy::{Schedule, Span};
use potstill_core::Streams;
use potstill_env::Space;
use potstill_env::registry::Spec;
use potstill_nn::{Ends, Inputs, NetworkSpec, Workers};

/// The largest memory of a forward and a backward pass, in bytes.
pub(crate) const PASS_BYTES_MAX: u64 = 1 << 33;

/// The spaces of an environment, the length of the run, its seeds and its threads.
#[derive(Clone, Debug)]
pub struct TaskSpec {
    /// The shape of an observation.
    pub inputs: Inputs,
    /// Frames in the stack of an observation; 1 without stacking.
    pub frames: usize,
    /// True if all components of observations are whole numbers from 0 to 255.
    pub is_bytes: bool,
    /// The number of actions, or of components of an action of a box.
    pub actions: usize,
    /// The space of the actions.
    pub action_space: Space,
    /// Steps that schedules are relative to: usually those of the whole run, of all copies together.
    pub total_steps: u64,
    /// The random streams of the run.
    pub streams: Streams,
    /// Worker threads. Results do not depend on their number.
    pub workers: Workers,
}

impl TaskSpec {
    /// A task with vectors of features, on one thread.
    pub fn new(features: usize, actions: usize, total_steps: u64, streams: Streams) -> Self {
        let inputs = Inputs::from(features);
        let workers = Workers::default();
        let action_space = Space::Discrete { n: actions };
        Self { inputs, frames: 1, is_bytes: false, actions, action_space, total_steps, streams, workers }
    }

    /// The exploration rate of a run: from one value to another over a share of it.
    pub(super) fn exploration(&self, from: f64, to: f64, share: f64) -> Schedule {
        Schedule::Linear { from, to, over: Span::Run(share) }.of_run(self.total_steps)
    }

    /// The task of a run in which a network of this form learns.
    ///
    /// # Errors
    /// If the run has no given number of steps, by which schedules are relative.
    pub fn of(task: &Task<'_>, net_arch: &NetworkSpec) -> Result<Self, ConfigError> {
        let Some(steps) = task.steps else {
            let name = task.algorithm;
            return Err(ConfigError::Usage(format!(
                "`{name}` needs --steps N (its schedules are relative to them)"
            )));
        };
        let (space, action_space) = (task.spec.observation_space(), task.spec.action_space());
        // More threads than cores would only wait for each other.
        let threads = task.threads.min(std::thread::available_parallelism().map_or(1, usize::from));
        Ok(Self {
            inputs: inputs(task.spec, net_arch),
            frames: task.spec.frames(),
            is_bytes: space.is_bytes(),
            actions: action_space.discrete().unwrap_or_else(|| action_space.features()),
            action_space,
            total_steps: task.schedule_steps.unwrap_or(steps),
            streams: task.streams,
            workers: Workers::new(threads),
        })
    }
}

/// The network's inputs: planes and images as an image if the network has convolutions, else features.
fn inputs(spec: &Spec, net_arch: &NetworkSpec) -> Inputs {
    let space = spec.observation_space();
    match space.shape()[..] {
        _ if !space.is_bytes() || net_arch.stages.is_empty() => space.features().into(),
        [height, width, channels] => Inputs { frames: 1, height, width, channels },
        [frames, height, width, channels] => Inputs { frames, height, width, channels },
        _ => space.features().into(),
    }
}

/// Refuses a pass over `samples` with `taus` probabilities each, the value of `key`, if it takes too much memory.
pub(crate) fn check_pass(
    key: &str,
    samples: u64,
    (spec, ends, taus): (&NetworkSpec, &Ends, usize),
) -> Result<(), ConfigError> {
    let bytes = spec.pass_bytes(ends, samples as usize, taus).ok().flatten();
    if bytes.is_none_or(|bytes| bytes as u64 > PASS_BYTES_MAX) {
        let limit = size(PASS_BYTES_MAX);
        return Err(ConfigError::value(
            key,
            format!("{samples} samples at a time need more than {limit} here"),
        ));
    }
    Ok(())
}

/// A warning that a run ends before its first update, at step `first`, because of the keys `why`.
pub(crate) fn warning(task: &Task<'_>, copies: u64, first: u64, why: &str) -> Option<String> {
    let steps = task.steps?;
    // Copies are stepped together.
    (steps.next_multiple_of(copies) < first)
        .then(|| format!("nothing is learned in {steps} steps: the first update is at step {first} ({why})"))
}

/// Bytes in the unit that suits them.
pub(crate) fn size(bytes: u64) -> String {
    let units = [(1e9, "GB"), (1e6, "MB"), (1e3, "kB")];
    let (unit, name) = units.into_iter().find(|(unit, _)| bytes as f64 >= *unit).unwrap_or((1.0, "bytes"));
    format!("{:.1} {name}", bytes as f64 / unit)
}
