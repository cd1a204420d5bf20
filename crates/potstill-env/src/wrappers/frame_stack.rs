//! Stacking of the last observations.

use crate::space::{Element, Elements};
use crate::{Env, EnvError, Outcome, Row, Scene, Space};
use potstill_core::snapshot;

/// The last observations one after the other, the newest at the end; at the start of an episode the first is
/// repeated for missing ones (Mnih et al. 2015; Gymnasium's `FrameStackObservation`).
#[derive(Clone, Debug)]
pub struct FrameStack<E: Env> {
    env: E,
    frames: usize,
    stack: <E::Observation as ToOwned>::Owned,
}

impl<T, E> FrameStack<E>
where
    [T]: Row<Element = T> + ToOwned<Owned = Vec<T>>,
    T: Element,
    E: Env<Observation = [T]>,
{
    /// Stacks `frames` observations.
    ///
    /// # Panics
    /// If `frames` is 0.
    pub fn new(env: E, frames: usize) -> Self {
        assert!(frames > 0, "a stack has at least one frame");
        let stack = vec![T::default(); frames * env.observation_space().features()];
        Self { env, frames, stack }
    }
}

impl<T, E> Env for FrameStack<E>
where
    [T]: Row<Element = T> + ToOwned<Owned = Vec<T>>,
    T: Element,
    E: Env<Observation = [T]>,
{
    type Observation = [T];
    type Action = E::Action;

    forward!(action_space);
    forward!(scene);
    forward!(is_retriable);
    forward!(reseed);
    forward!(raw_reward);

    fn observation_space(&self) -> Space {
        match self.env.observation_space() {
            Space::Box { low, high } => {
                Space::Box { low: low.repeat(self.frames), high: high.repeat(self.frames) }
            }
            Space::MultiBinary { shape } => Space::MultiBinary { shape: [vec![self.frames], shape].concat() },
            Space::Image { frames, height, width, channels } => {
                Space::Image { frames: self.frames * frames, height, width, channels }
            }
            numbered => unreachable!("{numbered} is no space of arrays"),
        }
    }

    fn reset(&mut self, seed: Option<u64>, observation: &mut [T]) {
        let length = self.stack.len() / self.frames;
        self.env.reset(seed, &mut self.stack[..length]);
        for frame in 1..self.frames {
            self.stack.copy_within(..length, frame * length);
        }
        observation.copy_from_slice(&self.stack);
    }

    fn step(&mut self, action: &E::Action, observation: &mut [T]) -> Result<Outcome, EnvError> {
        let length = self.stack.len() / self.frames;
        let newest = observation.len() - length;
        let outcome = self.env.step(action, &mut observation[newest..])?;
        self.stack.copy_within(length.., 0);
        self.stack[newest..].copy_from_slice(&observation[newest..]);
        observation.copy_from_slice(&self.stack);
        Ok(outcome)
    }
}

snapshot! {
    impl[T: Element, E: Env<Observation = [T]>] Restorable for FrameStack<E>
    where [[T]: Row<Element = T> + ToOwned<Owned = Vec<T>>] {
        saved: env, stack via Elements;
        built: frames;
    }
}
