//! The sizes and kinds of a replay buffer, and the memory that they take.

use thiserror::Error;

/// The actions that a replay buffer holds.
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
    /// Numbers per action.
    pub fn width(self) -> usize {
        match self {
            ActionShape::Discrete { .. } => 1,
            ActionShape::Continuous { width } => width,
        }
    }
}

/// The sizes and kinds of a replay buffer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReplayConfig {
    /// Transitions.
    pub capacity: usize,
    /// Copies of the environment that they come from, one of each at a time.
    pub copies: usize,
    /// Numbers of an observation.
    pub features: usize,
    /// Frames that an observation is a stack of, the newest last; 1 if it is none. Each frame is kept once.
    pub frames: usize,
    /// Whether all numbers of an observation are whole, from 0 to 255: they then take a byte each.
    pub is_bytes: bool,
    /// The actions.
    pub actions: ActionShape,
    /// Steps whose rewards are added up before the bootstrap (Sutton and Barto 2018, equation 7.1).
    pub n_step: usize,
    /// The discount of a step.
    pub gamma: f64,
    /// The exponent of priorities, if there are any: 0 is uniform, 1 in proportion to errors.
    pub alpha: Option<f64>,
    /// Bytes beyond which observations are kept in a file instead of memory.
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
            memory_limit: 4_000_000_000,
        }
    }

    /// Rows, of one transition of each copy, that can be sampled.
    pub(super) fn rows(&self) -> usize {
        self.capacity.div_ceil(self.copies)
    }

    /// Transitions that there is room for: those that are sampled, and those that only the stacks of these reach back to.
    pub(super) fn slots(&self) -> usize {
        self.rows().saturating_add(self.frames - 1).saturating_mul(self.copies)
    }

    /// Bytes of a frame.
    pub(super) fn frame_bytes(&self) -> usize {
        self.features / self.frames * if self.is_bytes { 1 } else { 4 }
    }

    /// Bytes of all observations, and of everything else.
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

    /// Bytes that a buffer of this kind takes when full, without the final frames of truncated episodes; and whether observations are
    /// kept in a file.
    pub fn memory(&self) -> (u64, bool) {
        let (frames, rest) = self.bytes();
        (frames.saturating_add(rest), frames > self.memory_limit)
    }
}

/// A buffer for which there is no room.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// It would take more than there can be.
    #[error("{capacity} transitions take {gigabytes:.0} GB; give a smaller buffer")]
    TooLarge {
        /// The transitions.
        capacity: usize,
        /// Their size, in units of 10^9 bytes.
        gigabytes: f64,
    },
    /// There is no file for it.
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
