//! The ring of transitions: storage, sampling, n-step returns, priorities.

use super::actions::StoredAction;
use super::config::{ReplayConfig, ReplayError, TERMINATED, TRUNCATED};
use super::frames::{Frame, FrameStore};
use crate::experience::{Steps, SumTree};
use potstill_core::{Pcg64, math};

/// Limit of the memory of everything but observations, in bytes.
const REST_MAX: u64 = 1 << 34;

/// Added to an error, so that every transition keeps a positive probability (Schaul et al. 2016, section 3.3).
const PRIORITY_EPSILON: f64 = 1e-6;

/// A ring of transitions with vector observations. When it is full, the oldest are overwritten.
///
/// One *row* holds a transition of each copy; a *slot* is the place of one transition, `row * copies + copy`.
#[derive(Clone, Debug)]
pub struct ReplayBuffer<A: StoredAction + ?Sized = usize> {
    pub(super) config: ReplayConfig,
    /// The row that is written next.
    pub(super) cursor: usize,
    /// The number of stored rows.
    pub(super) stored: usize,
    pub(super) observations: FrameStore,
    /// `slots x width`.
    pub(super) actions: Vec<A::Stored>,
    pub(super) rewards: Vec<f32>,
    /// [`TERMINATED`], [`TRUNCATED`] or 0.
    pub(super) endings: Vec<u8>,
    pub(super) priorities: Option<Priorities>,
}

#[derive(Clone, Debug)]
pub(super) struct Priorities {
    pub(super) tree: SumTree,
    /// The highest priority so far, which new transitions get.
    pub(super) highest: f64,
}

/// A minibatch drawn from a [`ReplayBuffer`], reused from draw to draw.
#[derive(Clone, Debug)]
pub struct Batch<A: StoredAction + ?Sized = usize> {
    /// `s`, `samples x features`.
    pub observations: Vec<f32>,
    /// `s'`, `samples x features`: the observation after the last step of the return; arbitrary after a
    /// terminal state.
    pub next_observations: Vec<f32>,
    /// `a`, `samples x width`.
    pub actions: Vec<A::Element>,
    /// `G`, the discounted sum of the rewards, one per sample.
    pub returns: Vec<f32>,
    /// `gamma^n`, the factor of the next state's value, one per sample; 0 after a terminal state.
    pub discounts: Vec<f32>,
    /// The importance-sampling weight of each sample, if drawn by priority; else empty.
    pub weights: Vec<f32>,
    /// `A_{t+1}`, `samples x width`, and whether there is one, if [they were asked for](ReplayBuffer::add_next_actions).
    pub next_actions: Vec<A::Element>,
    /// False for the last step of an episode, whose next action is arbitrary.
    pub has_next_action: Vec<bool>,
    /// The slots of the samples, for [`ReplayBuffer::set_priorities`].
    slots: Vec<usize>,
}

impl<A: StoredAction + ?Sized> Default for Batch<A> {
    fn default() -> Self {
        Self {
            observations: Vec::new(),
            next_observations: Vec::new(),
            actions: Vec::new(),
            returns: Vec::new(),
            discounts: Vec::new(),
            weights: Vec::new(),
            next_actions: Vec::new(),
            has_next_action: Vec::new(),
            slots: Vec::new(),
        }
    }
}

impl<A: StoredAction + ?Sized> ReplayBuffer<A> {
    /// An empty buffer.
    ///
    /// # Errors
    /// If there is not enough memory for it.
    ///
    /// # Panics
    /// If a size is 0, `features` is not a multiple of `frames`, or actions of the type `A` have another
    /// shape.
    pub fn new(config: ReplayConfig) -> Result<Self, ReplayError> {
        let ReplayConfig { capacity, copies, features, frames, n_step, .. } = config;
        assert!(capacity > 0 && copies > 0 && features > 0, "a buffer of something");
        assert!(A::has_shape(config.actions), "actions of one shape");
        assert!((1..256).contains(&frames) && features.is_multiple_of(frames), "stacks of whole frames");
        assert!(n_step > 0, "a return of a step or more");
        let (bytes, rest) = config.bytes();
        let slots = config.slots();
        if rest > REST_MAX || slots >= u32::MAX as usize {
            return Err(ReplayError::TooLarge {
                capacity,
                gigabytes: bytes.saturating_add(rest) as f64 / 1e9,
            });
        }
        Ok(Self {
            cursor: 0,
            stored: 0,
            observations: FrameStore::new(config)?,
            actions: vec![A::Stored::default(); slots * config.actions.width()],
            rewards: vec![0.0; slots],
            endings: vec![0; slots],
            priorities: config.alpha.map(|_| Priorities { tree: SumTree::new(slots), highest: 1.0 }),
            config,
        })
    }

    /// The configuration.
    pub fn config(&self) -> &ReplayConfig {
        &self.config
    }

    /// The number of transitions that can be sampled.
    pub fn len(&self) -> usize {
        self.window().1 * self.config.copies
    }

    /// Returns true if no transition can be sampled.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn rows(&self) -> usize {
        self.endings.len() / self.config.copies
    }

    /// The first row that can be sampled, and their number. Rows without a complete return are left out, and
    /// rows that serve only the frame stacks of others.
    fn window(&self) -> (usize, usize) {
        let kept = self.stored.min(self.config.rows());
        let count = kept.saturating_sub(self.config.n_step - 1);
        // If every row can be sampled, the beginning of the ring does not matter.
        let first = if count == self.stored { 0 } else { (self.cursor + self.rows() - kept) % self.rows() };
        (first, count)
    }

    /// The slot of the same copy `rows` rows later.
    fn after(&self, slot: usize, rows: usize) -> usize {
        (slot + rows * self.config.copies) % self.endings.len()
    }

    /// Stores a transition of each copy.
    ///
    /// # Panics
    /// If the shapes differ from those of the configuration.
    pub fn push(&mut self, steps: &Steps<'_, [f32], A>) {
        let ReplayConfig { copies, features, actions, .. } = self.config;
        let width = actions.width();
        assert_eq!(
            (steps.observations.len(), steps.actions.len()),
            (copies * features, copies * width),
            "an observation and an action of each copy"
        );
        for copy in 0..copies {
            let slot = self.cursor * copies + copy;
            let (terminated, truncated) = (steps.terminated[copy], steps.truncated[copy]);
            let row = copy * features..(copy + 1) * features;
            let seen = (&steps.observations[row.clone()], &steps.next_observations[row]);
            let ending = match (terminated, truncated) {
                (true, _) => TERMINATED,
                (false, true) => TRUNCATED,
                (false, false) => 0,
            };
            self.observations.store(slot, seen, ending != 0, self.config.keeps_final(ending));
            let stored = self.actions[slot * width..][..width].iter_mut();
            stored.zip(&steps.actions[copy * width..]).for_each(|(to, &number)| *to = A::pack(number));
            self.rewards[slot] = steps.rewards[copy] as f32;
            self.endings[slot] = ending;
        }
        self.cursor = (self.cursor + 1) % self.rows();
        self.stored = (self.stored + 1).min(self.rows());
        self.advance_window();
    }

    /// Gives a priority to the row whose returns are now complete, and removes that of the row that left the
    /// window.
    fn advance_window(&mut self) {
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

    /// Samples transitions with replacement: uniformly, or by priority with one sample from each of as many
    /// equal parts of the total (stratified; Schaul et al. 2016, section 3.3), with weights as
    /// [`sample_weighted`](Self::sample_weighted) gives them for `beta` 0.
    ///
    /// # Panics
    /// If it is empty.
    pub fn sample(&self, samples: usize, rng: &mut Pcg64, batch: &mut Batch<A>) {
        self.sample_weighted(samples, 0.0, rng, batch);
    }

    /// Samples transitions with importance-sampling weights `(N P(i))^-beta`, divided by the largest of the
    /// batch, if there are priorities (Schaul et al. 2016, section 3.4).
    ///
    /// # Panics
    /// If it is empty.
    pub fn sample_weighted(&self, samples: usize, beta: f64, rng: &mut Pcg64, batch: &mut Batch<A>) {
        self.draw_slots(samples, beta, rng, batch);
        let Batch { observations, next_observations, actions, returns, discounts, slots, .. } = batch;
        for list in [&mut *observations, next_observations, returns, discounts] {
            list.clear();
        }
        actions.clear();
        let width = self.config.actions.width();
        for &slot in &*slots {
            self.observations.read(slot, observations);
            actions.extend(self.actions[slot * width..][..width].iter().map(|&number| A::unpack(number)));
            let (g, discount, last) = self.n_step_return(slot);
            returns.push(g);
            discounts.push(discount);
            self.observations.read_next(last, self.next_frame(last), next_observations);
        }
    }

    /// Adds the action that was taken after each transition of a batch, where its episode goes on.
    pub fn add_next_actions(&self, batch: &mut Batch<A>) {
        let Batch { next_actions, has_next_action, slots, .. } = batch;
        next_actions.clear();
        has_next_action.clear();
        let width = self.config.actions.width();
        for &slot in &*slots {
            let is_newest = slot / self.config.copies == (self.cursor + self.rows() - 1) % self.rows();
            let goes_on = self.endings[slot] == 0 && !is_newest;
            let next = if goes_on { self.after(slot, 1) } else { slot };
            has_next_action.push(goes_on);
            let actions = &self.actions[next * width..][..width];
            next_actions.extend(actions.iter().map(|&number| A::unpack(number)));
        }
    }

    /// Samples slots and their importance-sampling weights.
    fn draw_slots(&self, samples: usize, beta: f64, rng: &mut Pcg64, batch: &mut Batch<A>) {
        let (first, rows) = self.window();
        assert!(rows > 0, "a draw from nothing");
        let Batch { weights, slots, .. } = batch;
        weights.clear();
        slots.clear();
        if let Some(Priorities { tree, .. }) = &self.priorities {
            let share = tree.total() / samples as f64;
            slots.extend((0..samples).map(|k| tree.find((k as f64 + rng.unit()) * share)));
            // (N P / smallest N P)^-beta: the largest weight is 1.
            let lowest = slots.iter().map(|&slot| tree.get(slot)).fold(f64::INFINITY, f64::min);
            let weight = |slot: &usize| math::exp_f64(-beta * math::ln_f64(tree.get(*slot) / lowest)) as f32;
            weights.extend(slots.iter().map(weight));
        } else {
            let (copies, count) = (self.config.copies, self.len());
            let slot = |drawn: usize| (first * copies + drawn) % self.endings.len();
            slots.extend((0..samples).map(|_| slot(rng.below(count))));
        }
    }

    /// The n-step return `G` from a slot, shorter if the episode ends; the discount of the next value; and
    /// the last slot.
    fn n_step_return(&self, slot: usize) -> (f32, f32, usize) {
        let (mut g, mut discount, mut last) = (0.0, 1.0, slot);
        for k in 0..self.config.n_step {
            last = self.after(slot, k);
            g += discount * f64::from(self.rewards[last]);
            discount *= self.config.gamma;
            if self.endings[last] != 0 {
                break;
            }
        }
        let is_terminal = self.endings[last] == TERMINATED;
        (g as f32, if is_terminal { 0.0 } else { discount as f32 }, last)
    }

    /// The newest frame of the observation after a transition.
    fn next_frame(&self, slot: usize) -> Frame {
        let copies = self.config.copies;
        let is_newest = slot / copies == (self.cursor + self.rows() - 1) % self.rows();
        match self.endings[slot] {
            ending if self.config.keeps_final(ending) => Frame::Final(slot),
            TERMINATED => Frame::Slot(slot),
            _ if is_newest => Frame::Newest(slot % copies),
            _ => Frame::Slot(self.after(slot, 1)),
        }
    }

    /// Sets the priorities of the transitions of a batch from their TD errors, one per sample: `(|error| +
    /// 1e-6)^alpha`. Does nothing without priorities.
    ///
    /// # Panics
    /// If there are priorities, and not one error per sample.
    pub fn set_priorities(&mut self, batch: &Batch<A>, errors: &[f32]) {
        let (Some(Priorities { tree, highest }), Some(alpha)) = (&mut self.priorities, self.config.alpha)
        else {
            return;
        };
        assert_eq!(errors.len(), batch.slots.len(), "one error per sample");
        for (&slot, &error) in batch.slots.iter().zip(errors) {
            let size = f64::from(error.abs()) + PRIORITY_EPSILON;
            let priority = math::exp_f64(alpha * math::ln_f64(size));
            *highest = highest.max(priority);
            tree.set(slot, priority);
        }
    }
}
