//! Experience replay (Lin 1992; Mnih et al. 2015): a ring of transitions, sampled uniformly or by priority (Schaul et al. 2016), with returns of
//! one step or more.
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::experience::{Batch, ReplayBuffer, ReplayConfig, Steps, Transition};
//!
//! let mut replay = ReplayBuffer::new(ReplayConfig::new(1000, 1, 2))?;
//! for reward in [1.0, 2.0] {
//!     let (observation, next_observation) = (&[0.0_f32][..], &[1.0_f32][..]);
//!     replay.push(&Steps::of(&Transition { observation, action: 1, reward, next_observation, terminated: false, truncated: true }));
//! }
//! let mut batch = Batch::default();
//! replay.sample(8, &mut Streams::new(1).stream("replay"), &mut batch);
//! assert_eq!((batch.returns.len(), batch.next_observations.len()), (8, 8));
//! // A cut episode has a value after it.
//! assert!(batch.discounts.iter().all(|&discount| discount == 0.99));
//! # Ok::<(), potstill::experience::ReplayError>(())
//! ```

use super::{Steps, SumTree};
use potstill_core::{Pages, Pcg64, Restorable, Snapshot, SnapshotError, Value, math};
use thiserror::Error;

/// What a buffer is to hold.
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
    /// Whether all numbers are whole, from 0 to 255: they then take a byte each.
    pub is_bytes: bool,
    /// The number of actions.
    pub choices: usize,
    /// Steps whose rewards are added up before the rest is estimated (Sutton and Barto 2018, equation 7.1).
    pub n_step: usize,
    /// The discount of a step.
    pub gamma: f64,
    /// The exponent of priorities, if there are any: 0 is uniform, 1 in proportion to errors.
    pub alpha: Option<f64>,
    /// Bytes beyond which observations are kept in a file instead of memory.
    pub memory_limit: u64,
}

impl ReplayConfig {
    /// Uniform, with returns of one step and a discount of 0.99, in memory up to 4 GB.
    pub fn new(capacity: usize, features: usize, choices: usize) -> Self {
        Self {
            capacity,
            copies: 1,
            features,
            frames: 1,
            is_bytes: false,
            choices,
            n_step: 1,
            gamma: 0.99,
            alpha: None,
            memory_limit: 4_000_000_000,
        }
    }

    fn rows(&self) -> usize {
        self.capacity.div_ceil(self.copies)
    }

    /// Transitions that there is room for: those that are sampled, and those that only the stacks of these reach back to.
    fn slots(&self) -> usize {
        self.rows().saturating_add(self.frames - 1).saturating_mul(self.copies)
    }

    /// Bytes of a frame.
    fn frame_bytes(&self) -> usize {
        self.features / self.frames * if self.is_bytes { 1 } else { 4 }
    }

    /// Bytes of all observations, and of everything else.
    fn bytes(&self) -> (u64, u64) {
        let slots = self.slots() as u64;
        // Action, reward, how it ended, age, and place of a final frame; then a tree of as many leaves as nodes.
        let each = 4 + 4 + 1 + 1 + 4;
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

/// A buffer that cannot be had.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// It would take more than there can be.
    #[error("{capacity} transitions take {gigabytes:.0} GB; give a smaller buffer")]
    TooLarge {
        /// The transitions.
        capacity: usize,
        /// What they take, in units of 10^9 bytes.
        gigabytes: f64,
    },
    /// There is no file for it.
    #[error(
        "no file of {gigabytes:.1} GB for the buffer in {folder}: {source}; set TMPDIR, or give a larger memory_limit or a smaller buffer"
    )]
    File {
        /// Its size, in units of 10^9 bytes.
        gigabytes: f64,
        /// Where it was to be.
        folder: String,
        /// Why.
        source: std::io::Error,
    },
}

/// The largest file that is tried, and the most that everything but observations may take in memory.
const FILE_MAX: u64 = 1 << 42;
const REST_MAX: u64 = 1 << 34;

const TERMINATED: u8 = 1;
const TRUNCATED: u8 = 2;

/// A ring of transitions with vector observations. When full, the oldest make room.
///
/// An observation is kept once, though it is the next one of the transition before it; the true final observation of a truncated episode
/// is kept apart. One *row* holds a transition of each copy.
#[derive(Clone, Debug)]
pub struct ReplayBuffer {
    config: ReplayConfig,
    /// Where the next row goes, and how many there are.
    cursor: usize,
    stored: usize,
    /// A frame per slot, then the newest of each copy, which nothing has been done in yet.
    frames: Pages,
    actions: Vec<u32>,
    rewards: Vec<f32>,
    endings: Vec<u8>,
    /// Frames before a slot's that belong to its stack.
    ages: Vec<u8>,
    /// Where the frame after a truncated slot is among `finals`, counted from 1; 0 after others.
    final_of: Vec<u32>,
    finals: Vec<u8>,
    free: Vec<u32>,
    /// Steps of the running episode of each copy, as far as they matter.
    running: Vec<u8>,
    /// Room for a frame.
    frame: Vec<u8>,
    priorities: Option<Priorities>,
}

#[derive(Clone, Debug)]
struct Priorities {
    tree: SumTree,
    /// The highest that was ever given, which a new transition gets.
    highest: f64,
}

/// Added to an error, so that nothing is never seen again.
const PRIORITY_EPSILON: f64 = 1e-6;

/// A batch drawn from a [`ReplayBuffer`], reused from draw to draw.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// `samples x features`.
    pub observations: Vec<f32>,
    /// `samples x features`: what was seen after the last step of the return. After a terminal state it means nothing.
    pub next_observations: Vec<f32>,
    /// One per sample.
    pub actions: Vec<usize>,
    /// One per sample: the discounted sum of its rewards.
    pub returns: Vec<f32>,
    /// One per sample: what the value of the next observation is multiplied with; 0 after a terminal state.
    pub discounts: Vec<f32>,
    /// Drawn by priority, one per sample: by how much its update is to be weighed down; else empty.
    pub weights: Vec<f32>,
    /// Where the samples are, for [`ReplayBuffer::set_errors`].
    slots: Vec<usize>,
}

/// Where a frame is.
#[derive(Clone, Copy)]
enum Frame {
    Slot(usize),
    Final(u32),
}

impl ReplayBuffer {
    /// An empty ring.
    ///
    /// # Errors
    /// If there is no room for it.
    ///
    /// # Panics
    /// If a size is 0, or observations are no stacks of so many frames.
    pub fn new(config: ReplayConfig) -> Result<Self, ReplayError> {
        let ReplayConfig { capacity, copies, features, frames, choices, n_step, .. } = config;
        assert!(capacity > 0 && copies > 0 && features > 0 && choices > 0, "a buffer of something");
        assert!((1..256).contains(&frames) && features.is_multiple_of(frames), "stacks of whole frames");
        assert!(n_step > 0, "a return of a step or more");
        let (bytes, rest) = config.bytes();
        if bytes > FILE_MAX || rest > REST_MAX || config.slots() >= u32::MAX as usize {
            let gigabytes = (bytes.saturating_add(rest)) as f64 / 1e9;
            return Err(ReplayError::TooLarge { capacity, gigabytes });
        }
        let slots = config.slots();
        // Cut episodes that are expected; more are a growing list.
        let ends = (slots / 16 + 1).min(1024);
        let pages = if config.memory().1 {
            Pages::in_file(bytes as usize).map_err(|source| ReplayError::File {
                gigabytes: bytes as f64 / 1e9,
                folder: potstill_core::pages::temporary_folder().display().to_string(),
                source,
            })?
        } else {
            Pages::in_memory(bytes as usize)
                .map_err(|_| ReplayError::TooLarge { capacity, gigabytes: bytes as f64 / 1e9 })?
        };
        Ok(Self {
            cursor: 0,
            stored: 0,
            frames: pages,
            actions: vec![0; slots],
            rewards: vec![0.0; slots],
            endings: vec![0; slots],
            ages: vec![0; slots],
            final_of: vec![0; slots],
            finals: Vec::with_capacity(ends * config.frame_bytes()),
            free: Vec::with_capacity(ends),
            running: vec![0; copies],
            frame: vec![0; config.frame_bytes()],
            priorities: config.alpha.map(|_| Priorities { tree: SumTree::new(slots), highest: 1.0 }),
            config,
        })
    }

    /// What it is to hold.
    pub fn config(&self) -> &ReplayConfig {
        &self.config
    }

    /// The number of transitions that can be sampled.
    pub fn len(&self) -> usize {
        self.window().1 * self.config.copies
    }

    /// Whether none can be sampled.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn rows(&self) -> usize {
        self.endings.len() / self.config.copies
    }

    /// The first row that can be sampled, and how many follow: not those whose return is not complete, nor those that are only kept for
    /// the stacks of others.
    fn window(&self) -> (usize, usize) {
        let kept = self.stored.min(self.config.rows());
        let count = kept.saturating_sub(self.config.n_step - 1);
        // Who can sample everything need not know where the ring begins.
        let first = if count == self.stored { 0 } else { (self.cursor + self.rows() - kept) % self.rows() };
        (first, count)
    }

    /// The slot of a copy so many rows after another.
    fn after(&self, slot: usize, rows: usize) -> usize {
        (slot + rows * self.config.copies) % self.endings.len()
    }

    fn before(&self, slot: usize) -> usize {
        self.after(slot, self.rows() - 1)
    }

    fn bytes_of(&self, frame: Frame) -> &[u8] {
        let length = self.config.frame_bytes();
        match frame {
            Frame::Slot(slot) => &self.frames[slot * length..][..length],
            Frame::Final(index) => &self.finals[index as usize * length..][..length],
        }
    }

    /// The newest frame of an observation, as it is kept.
    fn write(&self, observation: &[f32], to: &mut [u8]) {
        let newest = &observation[observation.len() - observation.len() / self.config.frames..];
        if self.config.is_bytes {
            to.iter_mut().zip(newest).for_each(|(byte, &x)| *byte = x as u8);
        } else {
            let words = to.as_chunks_mut::<4>().0;
            words.iter_mut().zip(newest).for_each(|(word, x)| *word = x.to_le_bytes());
        }
    }

    /// Appends the observation whose newest frame this is; before it lie the frame of `previous` and as many before that, in all
    /// `available`.
    fn read(&self, newest: Frame, mut previous: usize, available: usize, to: &mut Vec<f32>) {
        let ReplayConfig { frames, features, is_bytes, .. } = self.config;
        let (start, length) = (to.len(), features / frames);
        to.resize(start + features, 0.0);
        let (mut frame, mut left) = (newest, available);
        for to in to[start..].rchunks_exact_mut(length) {
            let bytes = self.bytes_of(frame);
            if is_bytes {
                to.iter_mut().zip(bytes).for_each(|(x, &byte)| *x = f32::from(byte));
            } else {
                let words = bytes.as_chunks::<4>().0;
                to.iter_mut().zip(words).for_each(|(x, &word)| *x = f32::from_le_bytes(word));
            }
            // The first frame of an episode stands for those before it.
            if left > 0 {
                frame = Frame::Slot(previous);
                previous = self.before(previous);
                left -= 1;
            }
        }
    }

    /// Stores a transition of each copy.
    ///
    /// # Panics
    /// If they are not of this kind.
    pub fn push(&mut self, steps: &Steps<'_>) {
        let ReplayConfig { copies, features, frames, .. } = self.config;
        assert_eq!(
            (steps.observations.len(), steps.actions.len()),
            (copies * features, copies),
            "one kind of observation, and one of each copy"
        );
        let length = self.config.frame_bytes();
        let mut frame = std::mem::take(&mut self.frame);
        for copy in 0..copies {
            let slot = self.cursor * copies + copy;
            let place = copy * features..(copy + 1) * features;
            self.write(&steps.observations[place.clone()], &mut frame);
            self.frames[slot * length..][..length].copy_from_slice(&frame);
            self.actions[slot] = steps.actions[copy] as u32;
            self.rewards[slot] = steps.rewards[copy] as f32;
            self.ages[slot] = self.running[copy];
            let old = std::mem::take(&mut self.final_of[slot]);
            if old > 0 {
                self.free.push(old - 1);
            }
            let ended = steps.terminated[copy] || steps.truncated[copy];
            self.running[copy] = if ended { 0 } else { (self.running[copy] + 1).min(frames as u8 - 1) };
            self.write(&steps.next_observations[place], &mut frame);
            self.endings[slot] = match (steps.terminated[copy], steps.truncated[copy]) {
                (true, _) => TERMINATED,
                (false, true) => {
                    self.final_of[slot] = self.keep_final(&frame) + 1;
                    TRUNCATED
                }
                (false, false) => 0,
            };
            // What the next step of this copy begins with, unless it is that of a new episode.
            let newest = (self.endings.len() + copy) * length;
            self.frames[newest..][..length].copy_from_slice(&frame);
        }
        self.frame = frame;
        self.cursor = (self.cursor + 1) % self.rows();
        self.stored = (self.stored + 1).min(self.rows());
        self.open_and_close();
    }

    fn keep_final(&mut self, frame: &[u8]) -> u32 {
        match self.free.pop() {
            Some(index) => {
                self.finals[index as usize * frame.len()..][..frame.len()].copy_from_slice(frame);
                index
            }
            None => {
                self.finals.extend_from_slice(frame);
                (self.finals.len() / frame.len()) as u32 - 1
            }
        }
    }

    /// After a row was pushed: the row whose returns are complete now can be sampled, the one that has fallen out of the window no more.
    fn open_and_close(&mut self) {
        let (rows, copies) = (self.rows(), self.config.copies);
        let (window, n_step) = (self.config.rows(), self.config.n_step);
        let Some(Priorities { tree, highest }) = &mut self.priorities else { return };
        let row = |age: usize| (self.cursor + rows - 1 - age) % rows;
        let mut fill = |row: usize, priority: f64| {
            (0..copies).for_each(|copy| tree.set(row * copies + copy, priority));
        };
        fill(row(0), 0.0);
        if window < self.stored {
            fill(row(window), 0.0);
        }
        if n_step <= self.stored.min(window) {
            fill(row(n_step - 1), *highest);
        }
    }

    /// Draws transitions, with replacement: uniformly, or by priority, one from each of as many equal parts of the total (Schaul et al. 2016,
    /// section 3.3), with weights as [`sample_weighted`](Self::sample_weighted) gives them for `beta` 0.
    ///
    /// # Panics
    /// If there is none.
    pub fn sample(&self, samples: usize, rng: &mut Pcg64, batch: &mut Batch) {
        self.sample_weighted(samples, 0.0, rng, batch);
    }

    /// The same, with importance weights `(N P(i))^-beta`, over the largest of the batch, if there are priorities (Schaul et al. 2016, section
    /// 3.4).
    ///
    /// # Panics
    /// If there is none.
    pub fn sample_weighted(&self, samples: usize, beta: f64, rng: &mut Pcg64, batch: &mut Batch) {
        let (first, rows) = self.window();
        let (copies, count) = (self.config.copies, self.len());
        let Batch { observations, next_observations, actions, returns, discounts, weights, slots } = batch;
        for list in [&mut *observations, next_observations, returns, discounts, weights] {
            list.clear();
        }
        actions.clear();
        slots.clear();
        assert!(rows > 0, "a draw from nothing");
        if let Some(Priorities { tree, .. }) = &self.priorities {
            let share = tree.total() / samples as f64;
            slots.extend((0..samples).map(|k| tree.find((k as f64 + rng.unit()) * share)));
            // (N P / smallest N P)^-beta: the largest weight is 1.
            let lowest = slots.iter().map(|&slot| tree.get(slot)).fold(f64::INFINITY, f64::min);
            let weight = |slot: &usize| math::exp_f64(-beta * math::ln_f64(tree.get(*slot) / lowest)) as f32;
            weights.extend(slots.iter().map(weight));
        } else {
            slots.extend((0..samples).map(|_| {
                let drawn = rng.below(count);
                (first * copies + drawn) % self.endings.len()
            }));
        }
        for &slot in &*slots {
            self.read(Frame::Slot(slot), self.before(slot), usize::from(self.ages[slot]), observations);
            actions.push(self.actions[slot] as usize);
            let (mut sum, mut discount, mut last) = (0.0, 1.0, slot);
            for k in 0..self.config.n_step {
                last = self.after(slot, k);
                sum += discount * f64::from(self.rewards[last]);
                discount *= self.config.gamma;
                if self.endings[last] != 0 {
                    break;
                }
            }
            returns.push(sum as f32);
            let is_terminal = self.endings[last] == TERMINATED;
            discounts.push(if is_terminal { 0.0 } else { discount as f32 });
            let is_newest = last / copies == (self.cursor + self.rows() - 1) % self.rows();
            let next = match self.endings[last] {
                TERMINATED => Frame::Slot(last),
                TRUNCATED => Frame::Final(self.final_of[last] - 1),
                _ if is_newest => Frame::Slot(self.endings.len() + last % copies),
                _ => Frame::Slot(self.after(last, 1)),
            };
            let age = usize::from(self.ages[last]) + 1;
            self.read(next, last, age.min(self.config.frames - 1), next_observations);
        }
    }

    /// Gives the transitions of the last batch priorities by their errors: `(|error| + 1e-6)^alpha`. Nothing happens if there are none.
    pub fn set_errors(&mut self, batch: &Batch, errors: &[f32]) {
        let (Some(Priorities { tree, highest }), Some(alpha)) = (&mut self.priorities, self.config.alpha)
        else {
            return;
        };
        for (&slot, &error) in batch.slots.iter().zip(errors) {
            let size = f64::from(error.abs()) + PRIORITY_EPSILON;
            let priority = math::exp_f64(alpha * math::ln_f64(size));
            *highest = highest.max(priority);
            tree.set(slot, priority);
        }
    }
}

impl Restorable for ReplayBuffer {
    fn snapshot(&self) -> Snapshot {
        let slots = self.stored * self.config.copies;
        let length = self.config.frame_bytes();
        let newest = self.endings.len() * length;
        let kept: Vec<usize> = (0..slots).filter(|&slot| self.final_of[slot] > 0).collect();
        let finals =
            kept.iter().flat_map(|&slot| self.bytes_of(Frame::Final(self.final_of[slot] - 1)).to_vec());
        let state = Snapshot::new()
            .with("stored", Value::U64(self.stored as u64))
            .with("cursor", Value::U64(self.cursor as u64))
            .with("frames", Value::U8s(self.frames[..slots * length].to_vec()))
            .with("newest", Value::U8s(self.frames[newest..].to_vec()))
            .with("actions", Value::U64s(self.actions[..slots].iter().map(|&a| u64::from(a)).collect()))
            .with("rewards", Value::F32s(self.rewards[..slots].to_vec()))
            .with("endings", Value::U8s(self.endings[..slots].to_vec()))
            .with("ages", Value::U8s(self.ages[..slots].to_vec()))
            .with("running", Value::U8s(self.running.clone()))
            .with("final_slots", Value::U64s(kept.iter().map(|&slot| slot as u64).collect()))
            .with("finals", Value::U8s(finals.collect()));
        match &self.priorities {
            None => state,
            Some(Priorities { tree, highest }) => state
                .with("priorities", Value::F64s((0..slots).map(|slot| tree.get(slot)).collect()))
                .with("highest", Value::F64(*highest)),
        }
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        if snapshot.contains("next_observations") {
            return self.restore_first_format(snapshot);
        }
        let ReplayConfig { copies, frames, choices, .. } = self.config;
        let (rows, length) = (self.rows(), self.config.frame_bytes());
        let stored = snapshot.index("stored", rows + 1)?;
        let cursor = snapshot.index("cursor", rows)?;
        if stored < rows && cursor != stored {
            let reason = format!("{cursor} in a ring that holds {stored} and is not full");
            return Err(SnapshotError::invalid("cursor", reason));
        }
        let slots = stored * copies;
        let actions = snapshot.indices("actions", slots, choices)?;
        let below =
            |name: &str, bytes: &[u8], bound: usize| match bytes.iter().find(|&&b| usize::from(b) >= bound) {
                None => Ok(()),
                Some(byte) => Err(SnapshotError::invalid(name, format!("{byte} is not below {bound}"))),
            };
        let (endings, ages, running) =
            (snapshot.u8s("endings", slots)?, snapshot.u8s("ages", slots)?, snapshot.u8s("running", copies)?);
        below("endings", endings, 3)?;
        below("ages", ages, frames)?;
        below("running", running, frames)?;
        let kept: Vec<usize> = (0..slots).filter(|&slot| endings[slot] == TRUNCATED).collect();
        if snapshot.indices("final_slots", kept.len(), slots.max(1))? != kept {
            return Err(SnapshotError::invalid("final_slots", "not those of the truncated episodes"));
        }
        let finals = snapshot.u8s("finals", kept.len() * length)?;
        let (frames, newest) =
            (snapshot.u8s("frames", slots * length)?, snapshot.u8s("newest", copies * length)?);
        let rewards = snapshot.f32s("rewards", slots)?;
        if let Some(Priorities { tree, highest }) = &mut self.priorities {
            let priorities = snapshot.f64s("priorities", slots)?;
            if let Some(bad) = priorities.iter().find(|p| !(p.is_finite() && **p >= 0.0)) {
                return Err(SnapshotError::invalid("priorities", format!("{bad}")));
            }
            let given = snapshot.f64("highest")?;
            if !(given.is_finite() && given > 0.0) {
                return Err(SnapshotError::invalid("highest", format!("{given}")));
            }
            let total: f64 = priorities.iter().sum();
            if stored >= self.config.n_step && !(total.is_finite() && total > 0.0) {
                return Err(SnapshotError::invalid("priorities", format!("their sum is {total}")));
            }
            let rest = std::iter::repeat(&0.0);
            (0..self.endings.len())
                .zip(priorities.iter().chain(rest))
                .for_each(|(slot, &p)| tree.set(slot, p));
            *highest = given;
        }
        (self.stored, self.cursor) = (stored, cursor);
        let start = self.endings.len() * length;
        self.frames[..frames.len()].copy_from_slice(frames);
        self.frames[start..].copy_from_slice(newest);
        self.actions.iter_mut().zip(actions).for_each(|(to, action)| *to = action as u32);
        self.rewards[..slots].copy_from_slice(rewards);
        self.endings[..slots].copy_from_slice(endings);
        self.ages[..slots].copy_from_slice(ages);
        self.running.copy_from_slice(running);
        self.final_of.fill(0);
        kept.iter().enumerate().for_each(|(i, &slot)| self.final_of[slot] = i as u32 + 1);
        self.finals = finals.to_vec();
        self.free.clear();
        Ok(())
    }
}

impl ReplayBuffer {
    /// Checkpoints once kept the next observation of every transition, and did not say whether an episode had been cut.
    fn restore_first_format(&mut self, state: &Snapshot) -> Result<(), SnapshotError> {
        let ReplayConfig { capacity, copies, frames, features, choices, n_step, alpha, is_bytes, .. } =
            self.config;
        if (copies, frames, n_step, alpha, is_bytes) != (1, 1, 1, None, false) {
            let reason = "they are of a checkpoint that knew nothing but transitions of one copy";
            return Err(SnapshotError::invalid("next_observations", reason));
        }
        self.stored = 0;
        let len = state.index("len", capacity + 1)?;
        let cursor = state.index("cursor", capacity)?;
        let observations = state.f32s("observations", len * features)?;
        let next = state.f32s("next_observations", len * features)?;
        let actions = state.indices("actions", len, choices)?;
        let rewards = state.f32s("rewards", len)?;
        let terminated = state.u8s("terminated", len)?;
        if len < capacity && cursor != len {
            let reason = format!("{cursor} in a ring that holds {len} and is not full");
            return Err(SnapshotError::invalid("cursor", reason));
        }
        let oldest = if len < capacity { 0 } else { cursor };
        for i in (0..len).map(|i| (oldest + i) % capacity) {
            let (place, following) = (i * features..(i + 1) * features, (i + 1) % capacity);
            let seen = observations.get(following * features..(following + 1) * features);
            let goes_on = following != cursor && seen == Some(&next[place.clone()]);
            let step = super::Transition {
                observation: &observations[place.clone()],
                action: actions[i],
                reward: f64::from(rewards[i]),
                next_observation: &next[place],
                terminated: terminated[i] != 0,
                truncated: !goes_on,
            };
            // The ring goes on where it was.
            self.cursor = i;
            self.push(&Steps::of(&step));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Transition;
    use super::*;

    /// Step `i` of a copy sees `i`, and then `i + 1`, or at an end `i + 0.5`; episodes have five steps.
    fn push(buffer: &mut ReplayBuffer, i: usize) {
        let ends = i % 5 == 4;
        let next = if ends { i as f32 + 0.5 } else { i as f32 + 1.0 };
        let frames = buffer.config().frames;
        let first = i / 5 * 5;
        // A stack reaches back to the beginning of the episode, which stands for what was before.
        let stack = |newest: f32, last: usize| -> Vec<f32> {
            let back = (1..frames).map(|k| (last + 1).saturating_sub(k).max(first) as f32);
            let mut stack: Vec<f32> = std::iter::once(newest).chain(back).collect();
            stack.reverse();
            stack
        };
        let observation = match i.checked_sub(1) {
            Some(last) if i > first => stack(i as f32, last),
            _ => vec![i as f32; frames],
        };
        buffer.push(&Steps::of(&Transition {
            observation: &observation,
            action: i % 7,
            reward: -(i as f64),
            next_observation: &stack(next, i),
            terminated: ends && i % 10 == 4,
            truncated: ends && i % 10 == 9,
        }));
    }

    fn config(capacity: usize) -> ReplayConfig {
        ReplayConfig { gamma: 0.5, ..ReplayConfig::new(capacity, 1, 7) }
    }

    /// Every sample is what it was when it was pushed, with the return of `n` steps by hand.
    fn check(config: ReplayConfig, pushed: usize) {
        let mut buffer = ReplayBuffer::new(config).unwrap();
        let (mut batch, mut rng) = (Batch::default(), Pcg64::new(1));
        let (frames, n) = (config.frames, config.n_step);
        for count in 1..=pushed {
            push(&mut buffer, count - 1);
            let oldest = count.saturating_sub(config.capacity);
            assert_eq!(buffer.len(), (count - oldest).saturating_sub(n - 1), "{config:?} {count}");
            if buffer.is_empty() {
                continue;
            }
            buffer.sample_weighted(40, 0.4, &mut rng, &mut batch);
            for k in 0..40 {
                let observation = &batch.observations[k * frames..(k + 1) * frames];
                let i = observation[frames - 1] as usize;
                assert!((oldest..=count - n).contains(&i));
                let (first, last) = (i / 5 * 5, (i / 5 * 5 + 4).min(i + n - 1));
                let back = |j: usize| (i.saturating_sub(j)).max(first) as f32;
                assert!((0..frames).all(|j| observation[frames - 1 - j] == back(j)), "{observation:?}");
                assert_eq!(batch.actions[k], i % 7);
                let powers = (i..=last).map(|j| -(j as f64) * 0.5_f64.powi((j - i) as i32));
                assert_eq!(f64::from(batch.returns[k]), powers.sum::<f64>());
                let ends = last % 5 == 4;
                let discount = if ends && last % 10 == 4 { 0.0 } else { 0.5_f32.powi((last + 1 - i) as i32) };
                assert_eq!(batch.discounts[k], discount);
                if discount > 0.0 {
                    let next = &batch.next_observations[k * frames..(k + 1) * frames];
                    let newest = if ends { last as f32 + 0.5 } else { last as f32 + 1.0 };
                    assert_eq!(next[frames - 1], newest);
                    let back = |j: usize| (last + 1).saturating_sub(j).max(first) as f32;
                    assert!((1..frames).all(|j| next[frames - 1 - j] == back(j)), "{i} {next:?}");
                }
            }
        }
    }

    #[test]
    fn samples_are_what_was_pushed() {
        for capacity in [1, 3, 4, 17, 100] {
            for n_step in [1, 2, 3, 7] {
                for alpha in [None, Some(0.6)] {
                    for frames in [1, 2, 4] {
                        if n_step <= capacity {
                            let config = ReplayConfig { n_step, alpha, ..config(capacity) };
                            check(ReplayConfig { frames, features: frames, ..config }, 60);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn bytes_and_files_hold_the_same() {
        let mut drawn = Vec::new();
        for (is_bytes, memory_limit) in [(false, u64::MAX), (true, u64::MAX), (false, 0), (true, 0)] {
            let config = ReplayConfig { is_bytes, memory_limit, frames: 2, features: 2, ..config(30) };
            let mut buffer = ReplayBuffer::new(config).unwrap();
            assert_eq!(buffer.frames.is_file(), memory_limit == 0);
            (0..44).for_each(|i| push(&mut buffer, i));
            let mut batch = Batch::default();
            buffer.sample(100, &mut Pcg64::new(3), &mut batch);
            // Halves are no whole numbers.
            batch.next_observations.iter_mut().for_each(|x| *x = x.floor());
            drawn.push((batch.observations, batch.next_observations, batch.returns));
        }
        assert!(drawn.windows(2).all(|pair| pair[0] == pair[1]));
        // A stack of four frames of bytes takes a sixteenth of four frames of numbers.
        let one = ReplayConfig { features: 400, ..ReplayConfig::new(100_000, 400, 6) };
        let four = ReplayConfig { features: 1600, frames: 4, is_bytes: true, ..one };
        assert_eq!((one.memory().0 / 1_000_000, four.memory().0 / 1_000_000), (161, 41));
    }

    #[test]
    fn copies_are_kept_apart() {
        let mut buffer = ReplayBuffer::new(ReplayConfig { copies: 2, n_step: 2, ..config(8) }).unwrap();
        for i in 0..20 {
            let x = i as f32;
            buffer.push(&Steps {
                observations: &[x, 100.0 + x],
                actions: &[0, 1],
                rewards: &[1.0, 10.0],
                next_observations: &[x + 1.0, 101.0 + x],
                terminated: &[false, i % 3 == 2],
                truncated: &[false, false],
            });
        }
        let mut batch = Batch::default();
        buffer.sample(200, &mut Pcg64::new(1), &mut batch);
        for k in 0..200 {
            let x = batch.observations[k];
            let last = x >= 100.0 && (x as usize - 100) % 3 == 2;
            let expected = match (x < 100.0, last) {
                (true, _) => (0, 1.5),
                (false, false) => (1, 15.0),
                (false, true) => (1, 10.0),
            };
            assert_eq!((batch.actions[k], batch.returns[k]), expected);
            assert!(batch.discounts[k] == 0.0 || batch.next_observations[k] == x + 2.0);
            assert_eq!(batch.discounts[k] == 0.0, x >= 100.0 && !(x as usize - 100).is_multiple_of(3));
        }
    }

    #[test]
    fn uniform_draws_are_uniform() {
        let mut buffer = ReplayBuffer::new(config(4)).unwrap();
        (0..10).for_each(|i| push(&mut buffer, i));
        let (mut batch, mut counts) = (Batch::default(), [0_u32; 10]);
        buffer.sample(4000, &mut Pcg64::new(1), &mut batch);
        batch.observations.iter().for_each(|&i| counts[i as usize] += 1);
        // Within five standard deviations (137) of 1,000.
        assert_eq!(counts[..6], [0; 6]);
        assert!(counts[6..].iter().all(|&c| (863..=1137).contains(&c)), "{counts:?}");
    }

    #[test]
    fn draws_follow_priorities_and_weights_undo_them() {
        let mut buffer = ReplayBuffer::new(ReplayConfig { alpha: Some(0.5), ..config(4) }).unwrap();
        (0..4).for_each(|i| push(&mut buffer, i));
        let (mut batch, mut rng) = (Batch::default(), Pcg64::new(2));
        // At first all are equal; then errors of 1, 4, 9 and 16 have priorities of 1, 2, 3 and 4.
        buffer.sample(64, &mut rng, &mut batch);
        let errors: Vec<f32> = batch.observations.iter().map(|&i| (i + 1.0) * (i + 1.0)).collect();
        assert_eq!(batch.weights, [1.0; 64]);
        buffer.set_errors(&batch, &errors);
        let mut counts = [0.0; 4];
        for _ in 0..100 {
            buffer.sample_weighted(100, 1.0, &mut rng, &mut batch);
            for (&i, &weight) in batch.observations.iter().zip(&batch.weights) {
                counts[i as usize] += 1.0;
                assert!((weight - 1.0 / (i + 1.0)).abs() < 1e-5, "{i} {weight}");
            }
        }
        // Strata leave less spread than 10,000 draws of their own, whose five deviations are 245.
        (0..4).for_each(|i| assert!((counts[i] - 1000.0 * (i + 1) as f64).abs() < 245.0, "{counts:?}"));
    }

    #[test]
    fn a_restored_ring_goes_on_where_it_was() {
        for alpha in [None, Some(0.6)] {
            for pushed in [0, 3, 4, 7, 23] {
                let config = ReplayConfig { alpha, n_step: 2, frames: 2, features: 2, ..config(9) };
                let mut buffer = ReplayBuffer::new(config).unwrap();
                (0..pushed).for_each(|i| push(&mut buffer, i));
                let mut copy = ReplayBuffer::new(config).unwrap();
                copy.restore(&buffer.snapshot()).unwrap();
                let (mut a, mut b) = (Batch::default(), Batch::default());
                for i in pushed..pushed + 6 {
                    push(&mut buffer, i);
                    push(&mut copy, i);
                    if !buffer.is_empty() {
                        buffer.sample(5, &mut Pcg64::new(i as u64), &mut a);
                        copy.sample(5, &mut Pcg64::new(i as u64), &mut b);
                        assert_eq!((&a.observations, &a.returns), (&b.observations, &b.returns));
                        assert_eq!(a.next_observations, b.next_observations);
                        buffer.set_errors(&a, &[0.1, 5.0, 2.0, 0.0, 1.0]);
                        copy.set_errors(&b, &[0.1, 5.0, 2.0, 0.0, 1.0]);
                    }
                    assert_eq!(buffer.snapshot(), copy.snapshot());
                }
            }
        }
    }

    #[test]
    fn what_cannot_be_had_is_refused() {
        let error = ReplayBuffer::new(ReplayConfig::new(usize::MAX, 4, 2)).unwrap_err();
        assert!(error.to_string().ends_with("GB; give a smaller buffer"), "{error}");
    }
}
