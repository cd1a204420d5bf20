//! Experience replay (Lin 1992; Mnih et al. 2015): a ring of transitions, sampled uniformly.
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::experience::{Batch, ReplayBuffer, Transition};
//!
//! let mut replay = ReplayBuffer::new(1000, 1, 2);
//! for reward in [1.0, 2.0] {
//!     let (observation, next_observation) = (&[0.0_f32][..], &[1.0_f32][..]);
//!     replay.push(&Transition { observation, action: 1, reward, next_observation, terminated: false, truncated: true });
//! }
//! let mut batch = Batch::default();
//! replay.sample(8, &mut Streams::new(1).stream("replay"), &mut batch);
//! assert_eq!((batch.rewards.len(), batch.next_observations.len()), (8, 8));
//! // A cut episode has a value after it.
//! assert!(batch.terminated.iter().all(|terminated| !terminated));
//! ```

use super::Transition;
use potstill_core::{Pcg64, State, StateError, Stateful, Value};

/// A ring of transitions with vector observations. When full, the oldest transition makes room.
///
/// The next observation is stored with its transition, so that a truncated step keeps its true final observation.
#[derive(Clone, Debug)]
pub struct ReplayBuffer {
    capacity: usize,
    features: usize,
    /// The number of actions there are.
    choices: usize,
    /// Where the next transition goes.
    cursor: usize,
    observations: Vec<f32>,
    next_observations: Vec<f32>,
    actions: Vec<usize>,
    rewards: Vec<f32>,
    terminated: Vec<bool>,
}

/// A batch drawn from a [`ReplayBuffer`], reused from draw to draw.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// `samples x features`.
    pub observations: Vec<f32>,
    /// `samples x features`.
    pub next_observations: Vec<f32>,
    /// One per sample.
    pub actions: Vec<usize>,
    /// One per sample.
    pub rewards: Vec<f32>,
    /// One per sample: whether there is nothing to bootstrap from. False for a truncated step.
    pub terminated: Vec<bool>,
}

impl ReplayBuffer {
    /// An empty ring. It takes memory as it fills.
    ///
    /// # Panics
    /// If `capacity`, `features` or `choices` (the number of actions) is 0.
    pub fn new(capacity: usize, features: usize, choices: usize) -> Self {
        assert!(capacity > 0 && features > 0 && choices > 0, "a buffer of something");
        Self {
            capacity,
            features,
            choices,
            cursor: 0,
            observations: Vec::new(),
            next_observations: Vec::new(),
            actions: Vec::new(),
            rewards: Vec::new(),
            terminated: Vec::new(),
        }
    }

    /// The number of transitions stored.
    pub fn len(&self) -> usize {
        self.actions.len()
    }

    /// Whether nothing is stored.
    pub fn is_empty(&self) -> bool {
        self.actions.is_empty()
    }

    /// Stores a transition.
    pub fn push(&mut self, transition: &Transition<'_, [f32]>) {
        let Transition { observation, action, reward, next_observation, terminated, .. } = *transition;
        assert_eq!(
            (observation.len(), next_observation.len()),
            (self.features, self.features),
            "one kind of observation"
        );
        if self.len() < self.capacity {
            self.observations.extend_from_slice(observation);
            self.next_observations.extend_from_slice(next_observation);
            self.actions.push(action);
            self.rewards.push(reward as f32);
            self.terminated.push(terminated);
        } else {
            let place = self.cursor * self.features..(self.cursor + 1) * self.features;
            self.observations[place.clone()].copy_from_slice(observation);
            self.next_observations[place].copy_from_slice(next_observation);
            self.actions[self.cursor] = action;
            self.rewards[self.cursor] = reward as f32;
            self.terminated[self.cursor] = terminated;
        }
        self.cursor = (self.cursor + 1) % self.capacity;
    }

    /// Draws transitions uniformly, with replacement.
    ///
    /// # Panics
    /// If the buffer is empty.
    pub fn sample(&self, samples: usize, rng: &mut Pcg64, batch: &mut Batch) {
        let Batch { observations, next_observations, actions, rewards, terminated } = batch;
        observations.clear();
        next_observations.clear();
        actions.clear();
        rewards.clear();
        terminated.clear();
        for _ in 0..samples {
            let i = rng.below(self.len());
            let place = i * self.features..(i + 1) * self.features;
            observations.extend_from_slice(&self.observations[place.clone()]);
            next_observations.extend_from_slice(&self.next_observations[place]);
            actions.push(self.actions[i]);
            rewards.push(self.rewards[i]);
            terminated.push(self.terminated[i]);
        }
    }
}

impl Stateful for ReplayBuffer {
    fn state(&self) -> State {
        State::new()
            .with("len", Value::U64(self.len() as u64))
            .with("cursor", Value::U64(self.cursor as u64))
            .with("observations", Value::F32s(self.observations.clone()))
            .with("next_observations", Value::F32s(self.next_observations.clone()))
            .with("actions", Value::U64s(self.actions.iter().map(|&a| a as u64).collect()))
            .with("rewards", Value::F32s(self.rewards.clone()))
            .with("terminated", Value::U8s(self.terminated.iter().map(|&t| u8::from(t)).collect()))
    }

    fn restore(&mut self, state: &State) -> Result<(), StateError> {
        let len = state.index("len", self.capacity + 1)?;
        let cursor = state.index("cursor", self.capacity)?;
        if len < self.capacity && cursor != len {
            return Err(StateError::invalid(
                "cursor",
                format!("{cursor} in a ring that holds {len} and is not full"),
            ));
        }
        let actions = state.u64s("actions", len)?;
        if let Some(action) = actions.iter().find(|&&action| action >= self.choices as u64) {
            return Err(StateError::invalid("actions", format!("{action} of {} actions", self.choices)));
        }
        self.cursor = cursor;
        self.observations = state.f32s("observations", len * self.features)?.to_vec();
        self.next_observations = state.f32s("next_observations", len * self.features)?.to_vec();
        self.actions = actions.iter().map(|&a| a as usize).collect();
        self.rewards = state.f32s("rewards", len)?.to_vec();
        self.terminated = state.u8s("terminated", len)?.iter().map(|&t| t != 0).collect();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(buffer: &mut ReplayBuffer, i: usize) {
        buffer.push(&Transition {
            observation: [i as f32].as_slice(),
            action: i,
            reward: -(i as f64),
            next_observation: [i as f32 + 0.5].as_slice(),
            terminated: i.is_multiple_of(2),
            truncated: false,
        });
    }

    #[test]
    fn keeps_the_newest_and_keeps_each_transition_together() {
        let mut buffer = ReplayBuffer::new(4, 1, 8);
        (0..10).for_each(|i| push(&mut buffer, i));
        let (mut batch, mut rng) = (Batch::default(), Pcg64::new(1));
        buffer.sample(4000, &mut rng, &mut batch);
        let mut counts = [0_u32; 10];
        for k in 0..4000 {
            let i = batch.actions[k];
            counts[i] += 1;
            assert_eq!((batch.observations[k], batch.next_observations[k]), (i as f32, i as f32 + 0.5));
            assert_eq!((batch.rewards[k], batch.terminated[k]), (-(i as f32), i % 2 == 0));
        }
        // Uniform over the newest four: within five standard deviations (137) of 1,000.
        assert_eq!(counts[..6], [0; 6]);
        assert!(counts[6..].iter().all(|&c| (863..=1137).contains(&c)), "{counts:?}");
    }

    #[test]
    fn a_restored_ring_goes_on_where_it_was() {
        for pushed in [0, 3, 4, 7] {
            let mut buffer = ReplayBuffer::new(4, 1, 8);
            (0..pushed).for_each(|i| push(&mut buffer, i));
            let mut copy = ReplayBuffer::new(4, 1, 8);
            copy.restore(&buffer.state()).unwrap();
            for i in 20..23 {
                push(&mut buffer, i);
                push(&mut copy, i);
            }
            assert_eq!(buffer.state(), copy.state());
        }
    }
}
