//! Wrappers that change actions.

use crate::{Env, EnvError, Outcome, Row, Scene, Space};
use potstill_core::snapshot::Codec;
use potstill_core::{Pcg64, Restorable, Snapshot, SnapshotError, Streams, Value, snapshot};
use std::borrow::{Borrow, BorrowMut};
use std::marker::PhantomData;

/// Repeats each action a number of times, or until the episode is over, and sums the rewards. The
/// observations in between are skipped.
#[derive(Clone, Debug)]
pub struct ActionRepeat<E> {
    env: E,
    times: u32,
}

impl<E> ActionRepeat<E> {
    /// Takes each action `times` times.
    ///
    /// # Panics
    /// If `times` is 0.
    pub fn new(env: E, times: u32) -> Self {
        assert!(times > 0, "an action is taken at least once");
        Self { env, times }
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
        let mut sum = 0.0;
        for time in 1.. {
            let outcome = self.env.step(action, observation)?;
            sum += outcome.reward;
            if outcome.done() || time == self.times {
                return Ok(Outcome { reward: sum, ..outcome });
            }
        }
        unreachable!("an action is taken at least once")
    }
}

snapshot! {
    impl[E: Restorable] Restorable for ActionRepeat<E> {
        saved: env;
        built: times;
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
    /// The last action taken; kept over the end of an episode so that the next one allocates nothing.
    last: Option<<E::Action as ToOwned>::Owned>,
    /// True if the last action is of this episode.
    has_last: bool,
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
        Self { env, action_space, repeat_action_probability, last: None, has_last: false, rng }
    }
}

impl<E: Env> Env for StickyActions<E> {
    type Observation = E::Observation;
    type Action = E::Action;

    forward!(observation_space);
    forward!(action_space);
    forward!(scene);
    forward!(scene_of);

    fn reset(&mut self, seed: Option<u64>, observation: &mut E::Observation) {
        if let Some(seed) = seed {
            self.rng = Streams::new(seed).stream("sticky");
        }
        self.has_last = false;
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
        if self.has_last
            && let Some(last) = &self.last
            && rng.unit() < self.repeat_action_probability
        {
            let outcome = self.env.step(last.borrow(), observation)?;
            self.rng = rng;
            return Ok(outcome);
        }
        let outcome = self.env.step(action, observation)?;
        match &mut self.last {
            Some(last) => last.borrow_mut().as_mut_slice().copy_from_slice(action.as_slice()),
            None => self.last = Some(action.to_owned()),
        }
        self.has_last = true;
        self.rng = rng;
        Ok(outcome)
    }
}

snapshot! {
    impl[E: Env] Restorable for StickyActions<E> {
        saved: last via LastAction::<E::Action>::new(action_space, *has_last), has_last as "last" via IsPresent, env, rng;
        built: action_space, repeat_action_probability;
    }
}

/// The codec of an action of this space, which is saved if there was one.
struct LastAction<'a, A: ?Sized> {
    space: &'a Space,
    is_known: bool,
    kind: PhantomData<A>,
}

impl<'a, A: ?Sized> LastAction<'a, A> {
    fn new(space: &'a Space, is_known: bool) -> Self {
        Self { space, is_known, kind: PhantomData }
    }
}

impl<A: Row + ?Sized> Codec<Option<A::Owned>> for LastAction<'_, A> {
    fn save(&self, last: &Option<A::Owned>, name: &str, snapshot: &mut Snapshot) {
        let Some(last) = last.as_ref().filter(|_| self.is_known) else { return };
        let numbers = last.borrow().numbers();
        snapshot
            .insert(name, if let [number] = numbers[..] { Value::F64(number) } else { Value::F64s(numbers) });
    }

    fn load(
        &self,
        last: &mut Option<A::Owned>,
        name: &str,
        snapshot: &Snapshot,
    ) -> Result<(), SnapshotError> {
        *last = None;
        if snapshot.contains(name) {
            let numbers = match self.space.features() {
                1 => vec![snapshot.f64(name)?],
                width => snapshot.f64s(name, width)?.to_vec(),
            };
            let action = A::from_numbers(&numbers, self.space);
            *last = Some(action.ok_or_else(|| SnapshotError::invalid(name, "it is no action"))?);
        }
        Ok(())
    }
}

/// The codec of a flag that is not saved: another value of its name is there, or it is not.
struct IsPresent;

impl Codec<bool> for IsPresent {
    fn save(&self, _: &bool, _: &str, _: &mut Snapshot) {}

    fn load(&self, flag: &mut bool, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        *flag = snapshot.contains(name);
        Ok(())
    }
}
