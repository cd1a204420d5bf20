//! Wrappers that make features of other observations.

use crate::{Env, EnvError, Observation, Outcome, Scene, Space};
use potstill_core::{State, StateError, Stateful, Value};

/// A numbered state as a vector with a 1 in its place.
#[derive(Clone, Debug)]
pub struct OneHot<E> {
    env: E,
    state: usize,
}

impl<E: Env<Observation = usize>> OneHot<E> {
    /// Around an environment with numbered states.
    pub fn new(env: E) -> Self {
        Self { env, state: 0 }
    }

    fn show(&self, observation: &mut [f32]) {
        observation.fill(0.0);
        observation[self.state] = 1.0;
    }
}

impl<E: Env<Observation = usize>> Env for OneHot<E> {
    type Observation = [f32];
    type Action = E::Action;

    forward!(action_space);
    forward!(scene);

    fn observation_space(&self) -> Space {
        let states = self.env.observation_space().discrete().expect("numbered states");
        Space::Box { low: vec![0.0; states], high: vec![1.0; states] }
    }

    fn reset(&mut self, seed: Option<u64>, observation: &mut [f32]) {
        self.env.reset(seed, &mut self.state);
        self.show(observation);
    }

    fn step(&mut self, action: E::Action, observation: &mut [f32]) -> Result<Outcome, EnvError> {
        let outcome = self.env.step(action, &mut self.state)?;
        self.show(observation);
        Ok(outcome)
    }
}

impl<E: Env<Observation = usize>> Stateful for OneHot<E> {
    fn state(&self) -> State {
        State::new().with_part("env", &self.env).with("state", Value::U64(self.state as u64))
    }

    fn restore(&mut self, state: &State) -> Result<(), StateError> {
        self.state = state.index("state", self.env.observation_space().discrete().unwrap_or(0))?;
        state.restore_part("env", &mut self.env)
    }
}

/// Planes of zeros and ones as features, for agents that learn from those.
#[derive(Clone, Debug)]
pub struct Features<E> {
    env: E,
    planes: Vec<u8>,
}

impl<E: Env<Observation = [u8]>> Features<E> {
    /// Around an environment with planes.
    pub fn new(env: E) -> Self {
        let planes = <[u8]>::buffer(&env.observation_space());
        Self { env, planes }
    }

    fn show(&self, observation: &mut [f32]) {
        for (feature, &square) in observation.iter_mut().zip(&self.planes) {
            *feature = f32::from(square);
        }
    }
}

impl<E: Env<Observation = [u8]>> Env for Features<E> {
    type Observation = [f32];
    type Action = E::Action;

    forward!(action_space);
    forward!(scene);

    fn observation_space(&self) -> Space {
        Space::Box { low: vec![0.0; self.planes.len()], high: vec![1.0; self.planes.len()] }
    }

    fn reset(&mut self, seed: Option<u64>, observation: &mut [f32]) {
        self.env.reset(seed, &mut self.planes);
        self.show(observation);
    }

    fn step(&mut self, action: E::Action, observation: &mut [f32]) -> Result<Outcome, EnvError> {
        let outcome = self.env.step(action, &mut self.planes)?;
        self.show(observation);
        Ok(outcome)
    }
}

impl<E: Stateful> Stateful for Features<E> {
    fn state(&self) -> State {
        State::new().with_part("env", &self.env).with("planes", Value::U8s(self.planes.clone()))
    }

    fn restore(&mut self, state: &State) -> Result<(), StateError> {
        self.planes.read(state, "planes")?;
        state.restore_part("env", &mut self.env)
    }
}
