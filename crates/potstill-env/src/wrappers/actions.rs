//! Wrappers that change actions.

use crate::{Env, EnvError, Outcome, Row, Scene, Space};
use potstill_core::snapshot::Codec;
use potstill_core::{Pcg64, Restorable, Snapshot, SnapshotError, Streams, Value, snapshot};
use std::borrow::{Borrow, BorrowMut};

/// Repeats each action a number of times, or until the episode is over, and sums the rewards. The
/// observations in between are skipped.
#[derive(Clone, Debug)]
pub struct ActionRepeat<E> {
    env: E,
    times: u32,
    /// The sum of the raw rewards, if those inside are changed.
    raw: Option<f64>,
}

impl<E: Env> ActionRepeat<E> {
    /// Takes each action `times` times.
    ///
    /// # Panics
    /// If `times` is 0.
    pub fn new(env: E, times: u32) -> Self {
        assert!(times > 0, "an action is taken at least once");
        Self { raw: env.raw_reward(), env, times }
    }
}

impl<E: Env> Env for ActionRepeat<E> {
    type Observation = E::Observation;
    type Action = E::Action;

    forward!(observation_space);
    forward!(action_space);
    forward!(reset);
    forward!(scene);
    forward!(reseed);
    forward!(scene_of);

    fn step(&mut self, action: &E::Action, observation: &mut E::Observation) -> Result<Outcome, EnvError> {
        let (mut sum, mut raw) = (0.0, 0.0);
        for time in 1.. {
            let outcome = self.env.step(action, observation)?;
            sum += outcome.reward;
            if self.raw.is_some() {
                raw += self.env.raw_reward().unwrap_or(outcome.reward);
                self.raw = Some(raw);
            }
            if outcome.done() || time == self.times {
                return Ok(Outcome { reward: sum, ..outcome });
            }
        }
        unreachable!("an action is taken at least once")
    }

    fn raw_reward(&self) -> Option<f64> {
        self.raw
    }
}

snapshot! {
    impl[E: Restorable] Restorable for ActionRepeat<E> {
        saved: env;
        built: times, raw;
    }
}

/// Repeats the last action of the episode, with some probability, instead of taking the chosen one (Machado
/// et al. 2018). It draws from its own stream, `sticky` of the seed, and leaves that of the environment
/// alone.
#[derive(Clone, Debug)]
pub struct StickyActions<E: Env> {
    env: E,
    action_space: Space,
    repeat_action_probability: f64,
    last: LastAction<E::Action>,
    rng: Pcg64,
}

impl<E: Env> StickyActions<E> {
    /// Repeats with this probability.
    ///
    /// # Panics
    /// If it is not a probability.
    pub fn new(env: E, repeat_action_probability: f64) -> Self {
        assert!((0.0..=1.0).contains(&repeat_action_probability), "{repeat_action_probability}");
        let (action_space, rng) = (env.action_space(), Streams::new(0).stream("sticky"));
        Self { env, action_space, repeat_action_probability, last: LastAction::default(), rng }
    }
}

impl<E: Env> Env for StickyActions<E> {
    type Observation = E::Observation;
    type Action = E::Action;

    forward!(observation_space);
    forward!(action_space);
    forward!(scene);
    forward!(is_retriable);
    forward!(raw_reward);
    forward!(scene_of);

    fn reset(&mut self, seed: Option<u64>, observation: &mut E::Observation) {
        if let Some(seed) = seed {
            self.rng = Streams::new(seed).stream("sticky");
        }
        self.last.is_known = false;
        self.env.reset(seed, observation);
    }

    fn reseed(&mut self, seed: u64) {
        self.rng = Streams::new(seed).stream("sticky");
        self.env.reseed(seed);
    }

    fn step(&mut self, action: &E::Action, observation: &mut E::Observation) -> Result<Outcome, EnvError> {
        if !action.is_in(&self.action_space) {
            return Err(EnvError::Action { action: action.text(), space: self.action_space.clone() });
        }
        // A refused step does not advance the random stream.
        let mut rng = self.rng.clone();
        if let Some(last) = self.last.known()
            && rng.unit() < self.repeat_action_probability
        {
            let outcome = self.env.step(last, observation)?;
            self.rng = rng;
            return Ok(outcome);
        }
        let outcome = self.env.step(action, observation)?;
        self.last.set(action);
        self.rng = rng;
        Ok(outcome)
    }
}

snapshot! {
    impl[E: Env] Restorable for StickyActions<E> {
        saved: last via ActionOf(action_space), env, rng;
        built: action_space, repeat_action_probability;
    }
}

/// The last action taken.
#[derive(Clone, Debug)]
struct LastAction<A: Row + ?Sized> {
    /// Kept over the end of an episode so that the next one allocates nothing.
    action: Option<A::Owned>,
    /// True if the action is of this episode.
    is_known: bool,
}

impl<A: Row + ?Sized> Default for LastAction<A> {
    fn default() -> Self {
        Self { action: None, is_known: false }
    }
}

impl<A: Row + ?Sized> LastAction<A> {
    /// The last action of this episode, if there is one.
    fn known(&self) -> Option<&A> {
        self.action.as_ref().filter(|_| self.is_known).map(Borrow::borrow)
    }

    fn set(&mut self, action: &A) {
        match &mut self.action {
            Some(last) => last.borrow_mut().as_mut_slice().copy_from_slice(action.as_slice()),
            None => self.action = Some(action.to_owned()),
        }
        self.is_known = true;
    }
}

/// The codec of a last action of this space, which is saved if it is known.
struct ActionOf<'a>(&'a Space);

impl<A: Row + ?Sized> Codec<LastAction<A>> for ActionOf<'_> {
    fn save(&self, last: &LastAction<A>, name: &str, snapshot: &mut Snapshot) {
        let Some(action) = last.known() else { return };
        let numbers = action.numbers();
        snapshot
            .insert(name, if let [number] = numbers[..] { Value::F64(number) } else { Value::F64s(numbers) });
    }

    fn load(&self, last: &mut LastAction<A>, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        *last = LastAction::default();
        if snapshot.contains(name) {
            let numbers = match self.0.features() {
                1 => vec![snapshot.f64(name)?],
                width => snapshot.f64s(name, width)?.to_vec(),
            };
            let action = A::from_numbers(&numbers, self.0);
            last.set(action.ok_or_else(|| SnapshotError::invalid(name, "it is no action"))?.borrow());
        }
        Ok(())
    }
}
