//! Environments given by their dynamics: the trait, and one environment of it.

use crate::{Env, EnvError, Outcome, Row, Scene, Space};
use potstill_core::snapshot::Codec;
use potstill_core::{Pcg64, Snapshot, SnapshotError, Value, snapshot};
use std::fmt;

/// The result of one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moved<const S: usize> {
    /// The state after it.
    pub state: [f64; S],
    /// The reward.
    pub reward: f64,
    /// `true` if the state is terminal.
    pub terminated: bool,
}

/// The dynamics of an environment: `S` numbers of state in double precision, as in Gymnasium, and
/// observations of `O` numbers.
pub trait Dynamics<const S: usize, const O: usize>: Clone + fmt::Debug + Send + Sync + 'static {
    /// `usize` for discrete actions, `[f32]` for forces.
    type Action: Row + ?Sized;

    /// The width of an action: 1 to 8 numbers.
    const ACTION_WIDTH: usize = 1;

    /// The observation space.
    fn observation_space(&self) -> Space;

    /// The action space.
    fn action_space(&self) -> Space;

    /// A starting state.
    fn start(&self, rng: &mut Pcg64) -> [f64; S];

    /// One step. Without branches, so that a loop of it becomes vector code; to be marked
    /// `#[inline(always)]`.
    fn step(&self, state: [f64; S], action: &Self::Action) -> Moved<S>;

    /// The observation of a state. To be marked `#[inline(always)]`.
    fn observe(&self, state: [f64; S]) -> [f32; O];

    /// The rendering of a state.
    fn scene(&self, state: [f64; S]) -> Scene;
}

/// One copy of an environment, without a time limit.
#[derive(Clone, Debug)]
pub struct Single<D, const S: usize, const O: usize> {
    dynamics: D,
    action_space: Space,
    physics: [f64; S],
    rng: Pcg64,
}

impl<D: Dynamics<S, O>, const S: usize, const O: usize> Single<D, S, O> {
    /// An environment with these dynamics.
    pub fn new(dynamics: D) -> Self {
        Self { action_space: dynamics.action_space(), dynamics, physics: [0.0; S], rng: Pcg64::new(0) }
    }

    /// The state, in double precision.
    pub fn physics(&self) -> [f64; S] {
        self.physics
    }
}

impl<D: Dynamics<S, O> + Default, const S: usize, const O: usize> Default for Single<D, S, O> {
    fn default() -> Self {
        Self::new(D::default())
    }
}

impl<D: Dynamics<S, O>, const S: usize, const O: usize> Env for Single<D, S, O> {
    type Observation = [f32];
    type Action = D::Action;

    fn observation_space(&self) -> Space {
        self.dynamics.observation_space()
    }

    fn action_space(&self) -> Space {
        self.action_space.clone()
    }

    fn reset(&mut self, seed: Option<u64>, observation: &mut [f32]) {
        if let Some(seed) = seed {
            self.rng = Pcg64::new(seed);
        }
        self.physics = self.dynamics.start(&mut self.rng);
        observation.copy_from_slice(&self.dynamics.observe(self.physics));
    }

    #[inline]
    fn step(&mut self, action: &D::Action, observation: &mut [f32]) -> Result<Outcome, EnvError> {
        if !action.is_in(&self.action_space) {
            return Err(EnvError::Action { action: action.text(), space: self.action_space() });
        }
        let Moved { state, reward, terminated } = self.dynamics.step(self.physics, action);
        self.physics = state;
        observation.copy_from_slice(&self.dynamics.observe(state));
        Ok(Outcome { reward, terminated, truncated: false })
    }

    fn reseed(&mut self, seed: u64) {
        self.rng = Pcg64::new(seed);
    }

    fn scene(&self) -> Option<Scene> {
        Some(self.dynamics.scene(self.physics))
    }
}

snapshot! {
    impl[D: Dynamics<S, O>, const S: usize, const O: usize] Restorable for Single<D, S, O> {
        saved: physics via Numbers, rng;
        built: dynamics, action_space;
    }
}

/// An array of numbers is saved as a list.
pub(crate) struct Numbers;

impl<const S: usize> Codec<[f64; S]> for Numbers {
    fn save(&self, numbers: &[f64; S], name: &str, snapshot: &mut Snapshot) {
        snapshot.insert(name, Value::F64s(numbers.to_vec()));
    }

    fn load(&self, numbers: &mut [f64; S], name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        numbers.copy_from_slice(snapshot.f64s(name, S)?);
        Ok(())
    }
}
