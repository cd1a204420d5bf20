//! Vector environments that step their copies one after the other, for any environment.

use super::{Autoreset, Batch, VecEnv, check_actions};
use crate::{Env, EnvError, Outcome, Row, Space};
use potstill_core::snapshot;

/// The element of an environment's observations.
type ElementOf<E> = <<E as Env>::Observation as Row>::Element;

/// Copies of an environment, stepped one after the other in one thread. The copies should be
/// [`Guarded`](crate::Guarded).
#[derive(Clone, Debug)]
pub struct SyncVec<E: Env> {
    envs: Vec<E>,
    action_space: Space,
    is_reset: bool,
    batch: Batch<ElementOf<E>>,
}

impl<E: Env> SyncVec<E> {
    /// `copies` environments.
    ///
    /// # Panics
    /// If there is none.
    pub fn new(copies: usize, autoreset: Autoreset, make: impl Fn() -> E) -> Self {
        assert!(copies > 0, "a vector environment has at least one copy");
        let envs: Vec<E> = (0..copies).map(|_| make()).collect();
        let features = envs[0].observation_space().features();
        let mut batch = Batch::new(copies, features, autoreset);
        if envs[0].raw_reward().is_some() {
            batch.keep_raw_rewards();
        }
        Self { action_space: envs[0].action_space(), batch, is_reset: false, envs }
    }

    /// The copies.
    pub fn envs(&self) -> &[E] {
        &self.envs
    }
}

impl<E: Env> VecEnv for SyncVec<E> {
    type Element = ElementOf<E>;
    type Action = E::Action;

    fn single_observation_space(&self) -> Space {
        self.envs[0].observation_space()
    }

    fn single_action_space(&self) -> Space {
        self.action_space.clone()
    }

    fn autoreset(&self) -> Autoreset {
        self.batch.autoreset
    }

    fn reset(&mut self, seed: Option<u64>) -> &Batch<Self::Element> {
        let first = !self.is_reset;
        self.is_reset = true;
        self.batch.clear();
        let rows = self.batch.observations.chunks_exact_mut(self.batch.features);
        for (i, (env, row)) in self.envs.iter_mut().zip(rows).enumerate() {
            let seed = seed.or(first.then_some(0)).map(|seed| seed.wrapping_add(i as u64));
            env.reset(seed, E::Observation::from_mut_slice(row));
        }
        &self.batch
    }

    fn step(&mut self, actions: &[<E::Action as Row>::Element]) -> Result<&Batch<Self::Element>, EnvError> {
        check_actions::<E::Action>(actions, self.envs.len(), &self.action_space, self.is_reset)?;
        let width = self.action_space.features();
        for (i, (env, action)) in self.envs.iter_mut().zip(actions.chunks_exact(width)).enumerate() {
            let batch = &mut self.batch;
            let features = batch.features;
            let row = &mut batch.observations[i * features..(i + 1) * features];
            let was_done = batch.terminated[i] || batch.truncated[i];
            let is_reset = was_done && batch.autoreset == Autoreset::NextStep;
            let outcome = if is_reset {
                env.reset(None, E::Observation::from_mut_slice(row));
                Outcome { reward: 0.0, terminated: false, truncated: false }
            } else {
                env.step(E::Action::from_slice(action), E::Observation::from_mut_slice(row))?
            };
            batch.rewards[i] = outcome.reward;
            if let Some(raw) = batch.raw_rewards.get_mut(i) {
                // The step that only resets has none.
                *raw = if is_reset { 0.0 } else { env.raw_reward().unwrap_or(outcome.reward) };
            }
            batch.terminated[i] = outcome.terminated;
            batch.truncated[i] = outcome.truncated;
            if outcome.done() && batch.autoreset == Autoreset::SameStep {
                batch.keep_final(i);
                let row = &mut batch.observations[i * features..(i + 1) * features];
                env.reset(None, E::Observation::from_mut_slice(row));
            }
        }
        Ok(&self.batch)
    }

    fn batch(&self) -> &Batch<Self::Element> {
        &self.batch
    }
}

snapshot! {
    impl[E: Env] Restorable for SyncVec<E> {
        saved: batch, is_reset, envs as "env";
        built: action_space;
    }
}
