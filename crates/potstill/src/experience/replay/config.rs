//! The configuration of a replay buffer, and its memory use.

use thiserror::Error;

/// The ends of episodes that are stored with a step; 0 without one.
pub(super) const TERMINATED: u8 = 1;
pub(super) const TRUNCATED: u8 = 2;

/// The shape of actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionShape {
    /// Indices below `n`.
    Discrete {
        /// The number of actions.
        n: usize,
    },
    /// Vectors.
    Continuous {
        /// The number of components.
        width: usize,
    },
}

impl ActionShape {
    /// Components per action.
    pub fn width(self) -> usize {
        match self {
            ActionShape::Discrete { .. } => 1,
            ActionShape::Continuous { width } => width,
        }
    }
}

/// The configuration of a replay buffer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReplayConfig {
    /// Number of transitions.
    pub capacity: usize,
    /// Copies of the environment, which store one transition each at a time.
    pub copies: usize,
    /// Components of an observation.
    pub features: usize,
    /// Frames in the stack of an observation, the newest last; 1 without stacking. Each frame is stored once.
    pub frames: usize,
    /// True if all components of observations are whole numbers from 0 to 255, and are stored in a byte each.
    pub is_bytes: bool,
    /// The shape of actions.
    pub actions: ActionShape,
    /// Rewards in a return before it bootstraps (Sutton and Barto 2018, equation 7.1).
    pub n_step: usize,
    /// The discount of a step, 0 to 1.
    pub gamma: f64,
    /// The exponent of prioritized sampling: 0 is uniform, 1 in proportion to TD errors; `None` for a buffer
    /// without priorities.
    pub alpha: Option<f64>,
    /// True if the final observations of terminated episodes are kept too, for learners that look at them
    /// although their values count for nothing: as part of a batch that is normalised. Otherwise they read as
    /// those before them.
    pub keep_terminal: bool,
    /// True if the transitions were recorded before the run: they are no part of its state, and are stored anew before
    /// that is restored.
    pub is_data: bool,
    /// Bytes of observations beyond which they are stored in a memory-mapped file.
    pub memory_limit: u64,
}

impl ReplayConfig {
    /// Uniform sampling of `n` discrete actions, with returns of one step and a discount of 0.99, in memory up to 4 GB.
    pub fn new(capacity: usize, features: usize, n: usize) -> Self {
        Self {
            capacity,
            copies: 1,
            features,
            frames: 1,
            is_bytes: false,
            actions: ActionShape::Discrete { n },
            n_step: 1,
            gamma: 0.99,
            alpha: None,
            keep_terminal: false,
            is_data: false,
            memory_limit: 4_000_000_000,
        }
    }

    /// Returns true if the final frame of an episode with this ending is kept.
    pub(super) fn keeps_final(&self, ending: u8) -> bool {
        ending == TRUNCATED || (self.keep_terminal && ending == TERMINATED)
    }

    /// Rows that can be sampled; a row has one transition of each copy.
    pub(super) fn rows(&self) -> usize {
        self.capacity.div_ceil(self.copies)
    }

    /// Stored transitions: those that are sampled, and those needed only by frame stacks.
    pub(super) fn slots(&self) -> usize {
        self.rows().saturating_add(self.frames - 1).saturating_mul(self.copies)
    }

    /// Bytes of a frame.
    pub(super) fn frame_bytes(&self) -> usize {
        self.features / self.frames * if self.is_bytes { 1 } else { 4 }
    }

    /// Bytes of all observations, and of the rest.
    pub(super) fn bytes(&self) -> (u64, u64) {
        let slots = self.slots() as u64;
        // Action, reward, ending, frames before it, and index of a final frame; then a tree of as many leaves as nodes.
        let each = 4 * self.actions.width() as u64 + 4 + 1 + 1 + 4;
        let tree = match self.alpha {
            Some(_) => slots.checked_next_power_of_two().unwrap_or(u64::MAX).saturating_mul(16),
            None => 0,
        };
        let frames = slots.saturating_add(self.copies as u64).saturating_mul(self.frame_bytes() as u64);
        (frames, slots.saturating_mul(each).saturating_add(tree))
    }

    /// Bytes of a full buffer, without the final frames of episodes; and whether observations are
    /// stored in a file.
    pub fn memory(&self) -> (u64, bool) {
        let (frames, rest) = self.bytes();
        (frames.saturating_add(rest), frames > self.memory_limit)
    }
}

/// A replay buffer that cannot be allocated.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// It exceeds the limit.
    #[error("{capacity} transitions take {gigabytes:.0} GB; give a smaller buffer")]
    TooLarge {
        /// The transitions.
        capacity: usize,
        /// Their size, in units of 10^9 bytes.
        gigabytes: f64,
    },
    /// Its file cannot be created.
    #[error(
        "no file of {gigabytes:.1} GB for the buffer in {folder}: {source}; set TMPDIR, or give a larger memory_limit or a smaller buffer"
    )]
    File {
        /// Its size, in units of 10^9 bytes.
        gigabytes: f64,
        /// The folder that was tried.
        folder: String,
        /// The reason.
        source: std::io::Error,
    },
}
