//! The observations of a replay buffer: frame stacks, with each frame stored once.

use super::config::{ReplayConfig, ReplayError};
use potstill_core::{Pages, Snapshot, SnapshotError, Value};

/// Limit of the file's size, in bytes.
const FILE_MAX: u64 = 1 << 42;

/// The location of a frame.
#[derive(Clone, Copy)]
pub(super) enum Frame {
    /// With the transition of a slot.
    Slot(usize),
    /// The newest frame of a copy, in which no action was taken yet.
    Newest(usize),
    /// The final frame of an episode, whose last step is in this slot.
    Final(usize),
}

/// A frame per slot of the ring, the newest frame of each copy, and the final frames of episodes that are
/// bootstrapped from or looked at.
#[derive(Clone, Debug)]
pub(super) struct FrameStore {
    config: ReplayConfig,
    /// One frame per slot, then the newest of each copy.
    frames: Pages,
    /// Frames before a slot's that belong to its stack.
    frames_before: Vec<u8>,
    /// The index of the frame after a slot among `final_frames`, counted from 1; 0 after others.
    final_index: Vec<u32>,
    final_frames: Vec<u8>,
    /// Indices of `final_frames` that no slot refers to any more.
    free_finals: Vec<u32>,
    /// Frames before the newest of each copy's running episode, at most those of a stack.
    running: Vec<u8>,
    /// Buffer of a frame.
    scratch: Vec<u8>,
}

impl FrameStore {
    pub(super) fn new(config: ReplayConfig) -> Result<Self, ReplayError> {
        let ReplayConfig { capacity, copies, .. } = config;
        let ((bytes, rest), slots) = (config.bytes(), config.slots());
        let too_large = || ReplayError::TooLarge { capacity, gigabytes: bytes as f64 / 1e9 };
        if bytes > FILE_MAX {
            return Err(ReplayError::TooLarge {
                capacity,
                gigabytes: bytes.saturating_add(rest) as f64 / 1e9,
            });
        }
        let length = usize::try_from(bytes).map_err(|_| too_large())?;
        let frames = if config.memory().1 {
            Pages::in_file(length).map_err(|source| ReplayError::File {
                gigabytes: bytes as f64 / 1e9,
                folder: potstill_core::pages::temporary_folder().display().to_string(),
                source,
            })?
        } else {
            Pages::in_memory(length).map_err(|_| too_large())?
        };
        // Expected number of final frames; the list grows beyond it.
        let ends = (slots / 16 + 1).min(1024);
        Ok(Self {
            frames,
            frames_before: vec![0; slots],
            final_index: vec![0; slots],
            final_frames: Vec::with_capacity(ends * config.frame_bytes()),
            free_finals: Vec::with_capacity(ends),
            running: vec![0; copies],
            scratch: vec![0; config.frame_bytes()],
            config,
        })
    }

    #[cfg(test)]
    pub(super) fn is_file(&self) -> bool {
        self.frames.is_file()
    }

    fn slots(&self) -> usize {
        self.frames_before.len()
    }

    /// The slot of the same copy one row earlier.
    fn before(&self, slot: usize) -> usize {
        (slot + self.slots() - self.config.copies) % self.slots()
    }

    /// Stores both observations of a transition. `next` is the true final observation if the episode `ended`
    /// with it; its frame is kept if `keeps_final`.
    pub(super) fn store(
        &mut self,
        slot: usize,
        (observation, next): (&[f32], &[f32]),
        ended: bool,
        keeps_final: bool,
    ) {
        let (length, copy) = (self.config.frame_bytes(), slot % self.config.copies);
        let mut frame = std::mem::take(&mut self.scratch);
        self.pack(observation, &mut frame);
        self.frames[slot * length..][..length].copy_from_slice(&frame);
        self.frames_before[slot] = self.running[copy];
        let old = std::mem::take(&mut self.final_index[slot]);
        if old > 0 {
            self.free_finals.push(old - 1);
        }
        let reach = self.config.frames as u8 - 1;
        self.running[copy] = if ended { 0 } else { (self.running[copy] + 1).min(reach) };
        self.pack(next, &mut frame);
        if keeps_final {
            self.final_index[slot] = self.keep_final(&frame) + 1;
        }
        // The next step of this copy begins with it, unless that begins another episode.
        let newest = (self.slots() + copy) * length;
        self.frames[newest..][..length].copy_from_slice(&frame);
        self.scratch = frame;
    }

    fn keep_final(&mut self, frame: &[u8]) -> u32 {
        match self.free_finals.pop() {
            Some(index) => {
                self.final_frames[index as usize * frame.len()..][..frame.len()].copy_from_slice(frame);
                index
            }
            None => {
                self.final_frames.extend_from_slice(frame);
                (self.final_frames.len() / frame.len()) as u32 - 1
            }
        }
    }

    /// Writes the newest frame of an observation as bytes.
    fn pack(&self, observation: &[f32], to: &mut [u8]) {
        let newest = &observation[observation.len() - observation.len() / self.config.frames..];
        if self.config.is_bytes {
            to.iter_mut().zip(newest).for_each(|(byte, &x)| *byte = x as u8);
        } else {
            let words = to.as_chunks_mut::<4>().0;
            words.iter_mut().zip(newest).for_each(|(word, x)| *word = x.to_le_bytes());
        }
    }

    fn frame(&self, frame: Frame) -> &[u8] {
        let length = self.config.frame_bytes();
        match frame {
            Frame::Slot(slot) => &self.frames[slot * length..][..length],
            Frame::Newest(copy) => &self.frames[(self.slots() + copy) * length..][..length],
            Frame::Final(slot) => {
                &self.final_frames[(self.final_index[slot] as usize - 1) * length..][..length]
            }
        }
    }

    /// Appends the observation of a slot.
    pub(super) fn read(&self, slot: usize, to: &mut Vec<f32>) {
        self.unpack(Frame::Slot(slot), self.before(slot), usize::from(self.frames_before[slot]), to);
    }

    /// Appends the observation after the transition of a slot, whose newest frame is `next`.
    pub(super) fn read_next(&self, slot: usize, next: Frame, to: &mut Vec<f32>) {
        let available = usize::from(self.frames_before[slot]) + 1;
        self.unpack(next, slot, available.min(self.config.frames - 1), to);
    }

    /// Appends the observation whose newest frame is given; the `available` earlier frames end with the slot
    /// `previous`. The first frame of an episode is repeated for missing ones.
    fn unpack(&self, newest: Frame, mut previous: usize, available: usize, to: &mut Vec<f32>) {
        let ReplayConfig { frames, features, is_bytes, .. } = self.config;
        let (start, length) = (to.len(), features / frames);
        to.resize(start + features, 0.0);
        let (mut frame, mut left) = (newest, available);
        for to in to[start..].rchunks_exact_mut(length) {
            let bytes = self.frame(frame);
            if is_bytes {
                to.iter_mut().zip(bytes).for_each(|(x, &byte)| *x = f32::from(byte));
            } else {
                let words = bytes.as_chunks::<4>().0;
                to.iter_mut().zip(words).for_each(|(x, &word)| *x = f32::from_le_bytes(word));
            }
            if left > 0 {
                frame = Frame::Slot(previous);
                previous = self.before(previous);
                left -= 1;
            }
        }
    }

    /// Adds the frames of the first `slots` slots to a snapshot; `with_final` are those of them with a final
    /// frame.
    pub(super) fn save(&self, slots: usize, with_final: &[usize], snapshot: &mut Snapshot) {
        let length = self.config.frame_bytes();
        let finals = with_final.iter().flat_map(|&slot| self.frame(Frame::Final(slot)).to_vec());
        snapshot.insert("frames", Value::U8s(self.frames[..slots * length].to_vec()));
        snapshot.insert("newest", Value::U8s(self.frames[self.slots() * length..].to_vec()));
        snapshot.insert("ages", Value::U8s(self.frames_before[..slots].to_vec()));
        snapshot.insert("running", Value::U8s(self.running.clone()));
        snapshot.insert("final_slots", Value::U64s(with_final.iter().map(|&slot| slot as u64).collect()));
        snapshot.insert("finals", Value::U8s(finals.collect()));
    }

    /// Restores what [`save`](Self::save) added.
    pub(super) fn load(
        &mut self,
        slots: usize,
        with_final: &[usize],
        snapshot: &Snapshot,
    ) -> Result<(), SnapshotError> {
        let ReplayConfig { copies, frames, .. } = self.config;
        let length = self.config.frame_bytes();
        let (before, running) = (snapshot.u8s("ages", slots)?, snapshot.u8s("running", copies)?);
        bytes_below("ages", before, frames)?;
        bytes_below("running", running, frames)?;
        if snapshot.indices("final_slots", with_final.len(), slots.max(1))? != with_final {
            return Err(SnapshotError::invalid("final_slots", "not those of the ends of episodes"));
        }
        let finals = snapshot.u8s("finals", with_final.len() * length)?;
        let (kept, newest) =
            (snapshot.u8s("frames", slots * length)?, snapshot.u8s("newest", copies * length)?);
        let start = self.slots() * length;
        self.frames[..kept.len()].copy_from_slice(kept);
        self.frames[start..].copy_from_slice(newest);
        self.frames_before[..slots].copy_from_slice(before);
        self.running.copy_from_slice(running);
        self.final_index.fill(0);
        with_final.iter().enumerate().for_each(|(i, &slot)| self.final_index[slot] = i as u32 + 1);
        self.final_frames = finals.to_vec();
        self.free_finals.clear();
        Ok(())
    }
}

/// Refuses bytes that are not below a bound.
pub(super) fn bytes_below(name: &str, bytes: &[u8], bound: usize) -> Result<(), SnapshotError> {
    match bytes.iter().find(|&&byte| usize::from(byte) >= bound) {
        None => Ok(()),
        Some(byte) => Err(SnapshotError::invalid(name, format!("{byte} is not below {bound}"))),
    }
}
