//! Saving and restoring a replay buffer, also from the first format of checkpoints.

use super::actions::StoredAction;
use super::buffer::{Priorities, ReplayBuffer};
use super::config::ReplayConfig;
use super::frames::bytes_below;
use crate::experience::{Steps, Transition};
use potstill_core::{Restorable, Snapshot, SnapshotError, Value};

impl<A: StoredAction + ?Sized> Restorable for ReplayBuffer<A> {
    fn snapshot(&self) -> Snapshot {
        let slots = self.stored * self.config.copies;
        let mut snapshot = Snapshot::new()
            .with("stored", Value::U64(self.stored as u64))
            .with("cursor", Value::U64(self.cursor as u64));
        if !self.config.is_data {
            snapshot.insert("actions", A::save(&self.actions[..slots * self.config.actions.width()]));
            snapshot.insert("rewards", Value::F32s(self.rewards[..slots].to_vec()));
            snapshot.insert("endings", Value::U8s(self.endings[..slots].to_vec()));
            let finals = final_slots(&self.config, &self.endings[..slots]);
            self.observations.save(slots, &finals, &mut snapshot);
        }
        if let Some(Priorities { tree, highest }) = &self.priorities {
            let priorities = (0..slots).map(|slot| tree.get(slot)).collect();
            snapshot.insert("priorities", Value::F64s(priorities));
            snapshot.insert("highest", Value::F64(*highest));
        }
        snapshot
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        if snapshot.contains("next_observations") {
            return self.restore_first_format(snapshot);
        }
        let rows = self.rows();
        let stored = snapshot.index("stored", rows + 1)?;
        let cursor = checked_cursor(snapshot, stored, rows)?;
        let slots = stored * self.config.copies;
        let can_be_sampled = stored >= self.config.n_step;
        if self.config.is_data && (stored, cursor) != (self.stored, self.cursor) {
            let reason = format!("{stored} where the data have {} transitions", self.stored);
            return Err(SnapshotError::invalid("stored", reason));
        }
        if !self.config.is_data {
            self.restore_transitions(snapshot, slots)?;
        }
        if let Some(priorities) = &mut self.priorities {
            priorities.load(snapshot, slots, self.endings.len(), can_be_sampled)?;
        }
        (self.stored, self.cursor) = (stored, cursor);
        Ok(())
    }
}

/// The slots with a final frame.
fn final_slots(config: &ReplayConfig, endings: &[u8]) -> Vec<usize> {
    (0..endings.len()).filter(|&slot| config.keeps_final(endings[slot])).collect()
}

/// The cursor of a ring of `capacity` rows, of which `stored` are in use.
fn checked_cursor(snapshot: &Snapshot, stored: usize, capacity: usize) -> Result<usize, SnapshotError> {
    let cursor = snapshot.index("cursor", capacity)?;
    if stored < capacity && cursor != stored {
        let reason = format!("{cursor} in a ring that holds {stored} and is not full");
        return Err(SnapshotError::invalid("cursor", reason));
    }
    Ok(cursor)
}

impl Priorities {
    fn load(
        &mut self,
        snapshot: &Snapshot,
        slots: usize,
        all_slots: usize,
        can_be_sampled: bool,
    ) -> Result<(), SnapshotError> {
        let priorities = snapshot.f64s("priorities", slots)?;
        if let Some(bad) = priorities.iter().find(|p| !(p.is_finite() && **p >= 0.0)) {
            return Err(SnapshotError::invalid("priorities", format!("{bad}")));
        }
        let highest = snapshot.f64("highest")?;
        if !(highest.is_finite() && highest > 0.0) {
            return Err(SnapshotError::invalid("highest", format!("{highest}")));
        }
        let total: f64 = priorities.iter().sum();
        if can_be_sampled && !(total.is_finite() && total > 0.0) {
            return Err(SnapshotError::invalid("priorities", format!("their sum is {total}")));
        }
        let all = priorities.iter().chain(std::iter::repeat(&0.0));
        (0..all_slots).zip(all).for_each(|(slot, &p)| self.tree.set(slot, p));
        self.highest = highest;
        Ok(())
    }
}

impl<A: StoredAction + ?Sized> ReplayBuffer<A> {
    fn restore_transitions(&mut self, snapshot: &Snapshot, slots: usize) -> Result<(), SnapshotError> {
        let actions = A::load(snapshot, slots, self.config.actions)?;
        let endings = snapshot.u8s("endings", slots)?;
        bytes_below("endings", endings, 3)?;
        let rewards = snapshot.f32s("rewards", slots)?;
        self.observations.load(slots, &final_slots(&self.config, endings), snapshot)?;
        self.actions[..actions.len()].copy_from_slice(&actions);
        self.rewards[..slots].copy_from_slice(rewards);
        self.endings[..slots].copy_from_slice(endings);
        Ok(())
    }

    /// Restores a checkpoint of the first format, which stored the next observation of every transition and
    /// did not mark truncated episodes.
    fn restore_first_format(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        let ReplayConfig {
            capacity, copies, frames, features, actions: shape, n_step, alpha, is_bytes, ..
        } = self.config;
        if (copies, frames, n_step, alpha, is_bytes) != (1, 1, 1, None, false) {
            let reason = "they are of a checkpoint that knew nothing but transitions of one copy";
            return Err(SnapshotError::invalid("next_observations", reason));
        }
        self.stored = 0;
        let len = snapshot.index("len", capacity + 1)?;
        let cursor = checked_cursor(snapshot, len, capacity)?;
        let observations = snapshot.f32s("observations", len * features)?;
        let next = snapshot.f32s("next_observations", len * features)?;
        let actions = A::load(snapshot, len, shape)?;
        let actions: Vec<A::Element> = actions.into_iter().map(A::unpack).collect();
        let rewards = snapshot.f32s("rewards", len)?;
        let terminated = snapshot.u8s("terminated", len)?;
        let oldest = if len < capacity { 0 } else { cursor };
        for i in (0..len).map(|i| (oldest + i) % capacity) {
            let (place, following) = (i * features..(i + 1) * features, (i + 1) % capacity);
            let seen = observations.get(following * features..(following + 1) * features);
            let goes_on = following != cursor && seen == Some(&next[place.clone()]);
            let step = Transition {
                observation: &observations[place.clone()],
                action: A::from_slice(&actions[i * shape.width()..][..shape.width()]),
                reward: f64::from(rewards[i]),
                next_observation: &next[place],
                terminated: terminated[i] != 0,
                truncated: !goes_on,
            };
            // The ring continues at its cursor.
            self.cursor = i;
            self.push(&Steps::of(&step));
        }
        Ok(())
    }
}
