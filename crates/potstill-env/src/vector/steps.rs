//! Copies that are stepped in several places: their steps, as they are sent, and their states, joined and split.
//!
//! ```
//! use potstill_core::Restorable;
//! use potstill_env::vector::{VecSteps, join_states, split_state};
//! use potstill_env::{Autoreset, VecEnv, registry::find};
//!
//! let make = |copies| find("CartPole-v1").unwrap().make_vec_features(copies, Autoreset::SameStep).unwrap();
//! let mut whole = make(5);
//! whole.reset(Some(7));
//! // The first two copies go on elsewhere.
//! let states = split_state(&whole.snapshot(), &[2, 3])?;
//! let mut first = make(2);
//! first.restore(&states[0])?;
//! let mut sent: VecSteps<f32, usize> = VecSteps::new(2, 4, 1);
//! sent.push(&[0, 1], first.step(&[0, 1]).unwrap());
//! // Their step is put among those of the others.
//! let mut batch = whole.batch().clone();
//! let mut received: VecSteps<f32, usize> = VecSteps::read(&sent.snapshot(), (2, 4, 1))?;
//! assert_eq!(received.take(0, &mut batch), [0, 1]);
//! whole.step(&[0, 1, 0, 0, 0]).unwrap();
//! assert_eq!(batch.observation(1), whole.batch().observation(1));
//! # Ok::<(), potstill_core::SnapshotError>(())
//! ```

use super::{Autoreset, Batch};
use crate::space::Element;
use potstill_core::snapshot::{Codec, Field, OfLength};
use potstill_core::{Snapshot, SnapshotError, Value};

/// Consecutive steps of some copies in the autoreset mode [`SameStep`](Autoreset::SameStep): the actions and the results of each. They
/// are taken out in their order.
#[derive(Clone, Debug, PartialEq)]
pub struct VecSteps<T, E> {
    copies: usize,
    /// Numbers of an observation.
    features: usize,
    /// Numbers of an action.
    width: usize,
    /// `steps x copies x width`.
    actions: Vec<E>,
    /// `steps x copies x features`.
    observations: Vec<T>,
    rewards: Vec<f64>,
    /// Empty if rewards are not changed for learning.
    raw_rewards: Vec<f64>,
    terminated: Vec<bool>,
    truncated: Vec<bool>,
    /// The final observations of the episodes that ended, in their order.
    finals: Vec<T>,
    /// Steps that were taken out, and final observations.
    taken: usize,
    finals_taken: usize,
}

impl<T: Element, E: Element> VecSteps<T, E> {
    /// No steps of so many copies, with observations of `features` numbers and actions of `width` numbers.
    pub fn new(copies: usize, features: usize, width: usize) -> Self {
        Self {
            copies,
            features,
            width,
            actions: Vec::new(),
            observations: Vec::new(),
            rewards: Vec::new(),
            raw_rewards: Vec::new(),
            terminated: Vec::new(),
            truncated: Vec::new(),
            finals: Vec::new(),
            taken: 0,
            finals_taken: 0,
        }
    }

    /// Adds a step: the actions of all copies, row after row, and their results.
    ///
    /// # Panics
    /// If they are not of as many copies, or the next episodes did not start in the same step.
    pub fn push(&mut self, actions: &[E], batch: &Batch<T>) {
        assert_eq!((batch.len(), batch.features), (self.copies, self.features), "a step of these copies");
        assert_eq!(actions.len(), self.copies * self.width, "an action for each copy");
        assert_eq!(batch.autoreset, Autoreset::SameStep, "episodes follow each other without a gap");
        self.actions.extend_from_slice(actions);
        self.observations.extend_from_slice(&batch.observations);
        self.rewards.extend_from_slice(&batch.rewards);
        self.raw_rewards.extend_from_slice(&batch.raw_rewards);
        self.terminated.extend_from_slice(&batch.terminated);
        self.truncated.extend_from_slice(&batch.truncated);
        (0..self.copies)
            .filter_map(|i| batch.final_observation(i))
            .for_each(|row| self.finals.extend_from_slice(row));
    }

    /// Steps that were not taken out.
    pub fn left(&self) -> usize {
        self.rewards.len() / self.copies - self.taken
    }

    /// Takes out the next step: writes its results into those of the copies from `first` on, and returns their actions.
    ///
    /// # Panics
    /// If no step is left, or `batch` has too few copies or other observations.
    pub fn take(&mut self, first: usize, batch: &mut Batch<T>) -> &[E] {
        assert!(self.left() > 0, "a step is left");
        let (copies, features) = (self.copies, self.features);
        assert_eq!(batch.features, features, "the same observations");
        let from = self.taken * copies;
        let here = from..from + copies;
        let rows = |first: usize, numbers: usize| first * numbers..(first + copies) * numbers;
        batch.observations[rows(first, features)].copy_from_slice(&self.observations[rows(from, features)]);
        batch.rewards[first..first + copies].copy_from_slice(&self.rewards[here.clone()]);
        batch.terminated[first..first + copies].copy_from_slice(&self.terminated[here.clone()]);
        batch.truncated[first..first + copies].copy_from_slice(&self.truncated[here.clone()]);
        if !batch.raw_rewards.is_empty() {
            batch.raw_rewards[first..first + copies].copy_from_slice(&self.raw_rewards[here]);
        }
        for i in first..first + copies {
            if batch.done(i) {
                let row = batch.row(i);
                let last = &self.finals[self.finals_taken * features..(self.finals_taken + 1) * features];
                batch.finals[row].copy_from_slice(last);
                self.finals_taken += 1;
            }
        }
        self.taken += 1;
        &self.actions[rows(from, self.width)]
    }

    /// All steps as named values.
    pub fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot::new()
            .with("steps", Value::U64((self.rewards.len() / self.copies) as u64))
            .with("has_raw_rewards", Value::Bool(!self.raw_rewards.is_empty()))
            .with("actions", E::to_value(&self.actions))
            .with("observations", T::to_value(&self.observations))
            .with("final_observations", T::to_value(&self.finals));
        self.rewards.save("rewards", &mut snapshot);
        self.raw_rewards.save("raw_rewards", &mut snapshot);
        self.terminated.save("terminated", &mut snapshot);
        self.truncated.save("truncated", &mut snapshot);
        snapshot
    }

    /// Reads the steps of so many copies, with observations and actions of so many numbers.
    ///
    /// # Errors
    /// If a value is missing, or of another kind or length.
    pub fn read(
        snapshot: &Snapshot,
        (copies, features, width): (usize, usize, usize),
    ) -> Result<Self, SnapshotError> {
        let mut read = Self::new(copies, features, width);
        let steps = snapshot.counter("steps")? as usize;
        let rows = steps.checked_mul(copies).filter(|rows| rows.checked_mul(features.max(width)).is_some());
        let rows = rows.ok_or_else(|| SnapshotError::invalid("steps", format!("{steps} are too many")))?;
        // Of the length of their array before the others get room.
        OfLength(rows).load(&mut read.rewards, "rewards", snapshot)?;
        let raw = if snapshot.bool("has_raw_rewards")? { rows } else { 0 };
        OfLength(raw).load(&mut read.raw_rewards, "raw_rewards", snapshot)?;
        OfLength(rows).load(&mut read.terminated, "terminated", snapshot)?;
        OfLength(rows).load(&mut read.truncated, "truncated", snapshot)?;
        let ends = read.terminated.iter().zip(&read.truncated).filter(|(a, b)| **a || **b).count();
        read.actions.resize(rows * width, E::default());
        E::read(&mut read.actions, snapshot, "actions")?;
        read.observations.resize(rows * features, T::default());
        T::read(&mut read.observations, snapshot, "observations")?;
        read.finals.resize(ends * features, T::default());
        T::read(&mut read.finals, snapshot, "final_observations")?;
        Ok(read)
    }
}

/// The place of a copy's own branch in the list of those, `env-3` for one.
fn place(name: &str) -> Option<(&str, usize)> {
    let (list, place) = name.rsplit_once('-')?;
    Some((list, place.parse().ok()?))
}

/// The state of a vector environment from those of its parts, in their order.
///
/// # Errors
/// If they are not states of vector environments of one kind.
pub fn join_states(parts: &[Snapshot]) -> Result<Snapshot, SnapshotError> {
    let mut whole = Snapshot::new();
    let Some(first) = parts.first() else { return Ok(whole) };
    for (name, value) in first.iter() {
        let others = |i: usize| {
            let found = parts[i].iter().find(|(other, _)| *other == name);
            found.map(|(_, value)| value).ok_or_else(|| SnapshotError::Missing { path: name.to_owned() })
        };
        let values = (0..parts.len()).map(others);
        let joined = match value {
            // Copies are numbered through, below.
            Value::Tree(_) if place(name).is_some() => continue,
            Value::Tree(_) => {
                let branches: Result<Vec<Snapshot>, _> =
                    parts.iter().map(|part| part.tree(name).cloned()).collect();
                Value::Tree(join_states(&branches?)?)
            }
            // Some copy's episode ended, or all were reset.
            Value::Bool(_) => {
                let flags: Result<Vec<bool>, _> = parts.iter().map(|part| part.bool(name)).collect();
                Value::Bool(flags?.contains(&true))
            }
            Value::U64(_) | Value::F64(_) => value.clone(),
            _ => values.collect::<Result<Vec<_>, _>>()?.into_iter().skip(1).try_fold(
                value.clone(),
                |all, more| {
                    appended(all, more)
                        .ok_or_else(|| SnapshotError::invalid(name, "is of another kind in a part"))
                },
            )?,
        };
        whole.insert(name, joined);
    }
    let mut lists: Vec<(&str, usize)> = Vec::new();
    for part in parts {
        let begin = lists.clone();
        for (name, value) in part.iter().filter(|(_, value)| matches!(value, Value::Tree(_))) {
            let Some((list, i)) = place(name) else { continue };
            let offset = begin.iter().find(|(known, _)| *known == list).map_or(0, |(_, count)| *count);
            whole.insert(&format!("{list}-{}", offset + i), value.clone());
            match lists.iter_mut().find(|(known, _)| *known == list) {
                Some((_, count)) => *count += 1,
                None => lists.push((list, 1)),
            }
        }
    }
    Ok(whole)
}

/// An array with another of its kind behind it.
fn appended(array: Value, more: &Value) -> Option<Value> {
    Some(match (array, more) {
        (Value::U8s(a), Value::U8s(b)) => Value::U8s([a, b.clone()].concat()),
        (Value::U64s(a), Value::U64s(b)) => Value::U64s([a, b.clone()].concat()),
        (Value::F32s(a), Value::F32s(b)) => Value::F32s([a, b.clone()].concat()),
        (Value::F64s(a), Value::F64s(b)) => Value::F64s([a, b.clone()].concat()),
        _ => return None,
    })
}

/// The states of parts with so many copies each, from that of a vector environment with as many in all.
///
/// # Errors
/// If it is no state of so many copies.
pub fn split_state(whole: &Snapshot, counts: &[usize]) -> Result<Vec<Snapshot>, SnapshotError> {
    let copies: usize = counts.iter().sum();
    let mut parts = vec![Snapshot::new(); counts.len()];
    let firsts: Vec<usize> = (0..counts.len()).map(|part| counts[..part].iter().sum()).collect();
    for (name, value) in whole.iter() {
        if let (Value::Tree(branch), Some((list, i))) = (value, place(name)) {
            let part = firsts.iter().rposition(|first| *first <= i).filter(|_| i < copies);
            let part =
                part.ok_or_else(|| SnapshotError::invalid(name, format!("there are {copies} copies")))?;
            parts[part].insert(&format!("{list}-{}", i - firsts[part]), Value::Tree(branch.clone()));
            continue;
        }
        if let Value::Tree(branch) = value {
            for (part, branch) in parts.iter_mut().zip(split_state(branch, counts)?) {
                part.insert(name, Value::Tree(branch));
            }
            continue;
        }
        for ((part, &first), &count) in parts.iter_mut().zip(&firsts).zip(counts) {
            let cut = |length: usize| {
                let each = length.checked_div(copies).filter(|each| each * copies == length);
                let each =
                    each.ok_or_else(|| SnapshotError::invalid(name, format!("is not of {copies} copies")))?;
                Ok::<_, SnapshotError>(first * each..(first + count) * each)
            };
            part.insert(
                name,
                match value {
                    Value::U8s(array) => Value::U8s(array[cut(array.len())?].to_vec()),
                    Value::U64s(array) => Value::U64s(array[cut(array.len())?].to_vec()),
                    Value::F32s(array) => Value::F32s(array[cut(array.len())?].to_vec()),
                    Value::F64s(array) => Value::F64s(array[cut(array.len())?].to_vec()),
                    scalar => scalar.clone(),
                },
            );
        }
    }
    Ok(parts)
}
