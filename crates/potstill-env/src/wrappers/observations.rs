//! Wrappers that turn other observations into features, and features into discrete states.

use crate::{Env, EnvError, Outcome, Row, Scene, Space};
use potstill_core::snapshot::below;
use potstill_core::{Restorable, snapshot};

/// A discrete state as a one-hot vector.
#[derive(Clone, Debug)]
pub struct OneHot<E> {
    env: E,
    state: usize,
}

impl<E: Env<Observation = usize>> OneHot<E> {
    /// Wraps an environment with discrete states.
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
    forward!(is_retriable);
    forward!(reseed);
    forward!(raw_reward);

    fn observation_space(&self) -> Space {
        let states = self.env.observation_space().discrete().expect("discrete states");
        Space::Box { low: vec![0.0; states], high: vec![1.0; states] }
    }

    fn reset(&mut self, seed: Option<u64>, observation: &mut [f32]) {
        self.env.reset(seed, &mut self.state);
        self.show(observation);
    }

    fn step(&mut self, action: &E::Action, observation: &mut [f32]) -> Result<Outcome, EnvError> {
        let outcome = self.env.step(action, &mut self.state)?;
        self.show(observation);
        Ok(outcome)
    }
}

snapshot! {
    impl[E: Env<Observation = usize>] Restorable for OneHot<E> {
        saved: env, state via below(env.observation_space().discrete().unwrap_or(0));
    }
}

/// Features as discrete states: the range of each is split into equal bins. A feature without bounds is split
/// on the scale of `x / (1 + |x|)`, so that the outermost bins are unbounded.
#[derive(Clone, Debug)]
pub struct Discretize<E> {
    env: E,
    bins: usize,
    features: Vec<f32>,
    /// The bounds of each feature; `None` for an unbounded one.
    bounds: Vec<Option<(f32, f32)>>,
}

impl<E: Env<Observation = [f32]>> Discretize<E> {
    /// Wraps an environment with features.
    ///
    /// # Panics
    /// If `bins` is 0, or the number of boxes overflows.
    pub fn new(env: E, bins: usize) -> Self {
        let Space::Box { low, high } = env.observation_space() else { panic!("features") };
        assert!(bins > 0 && bins.checked_pow(low.len() as u32).is_some(), "boxes that can be counted");
        let is_far = |x: f32| x.abs() > 1e6;
        let bounds = low.iter().zip(&high).map(|(&l, &h)| (!is_far(l) && !is_far(h)).then_some((l, h)));
        Self { features: vec![0.0; low.len()], bounds: bounds.collect(), env, bins }
    }

    fn state_of(&self) -> usize {
        self.features.iter().zip(&self.bounds).fold(0, |state, (&x, bounds)| {
            let share = match *bounds {
                Some((low, high)) => (x - low) / (high - low),
                None if x.is_infinite() => 0.5 + 0.5 * x.signum(),
                None => 0.5 + 0.5 * x / (1.0 + x.abs()),
            };
            // Casts saturate; NaN falls into the first.
            let bin = ((share * self.bins as f32) as usize).min(self.bins - 1);
            state * self.bins + bin
        })
    }
}

impl<E: Env<Observation = [f32]>> Env for Discretize<E> {
    type Observation = usize;
    type Action = E::Action;

    forward!(action_space);
    forward!(scene);
    forward!(is_retriable);
    forward!(reseed);
    forward!(raw_reward);

    fn observation_space(&self) -> Space {
        Space::Discrete { n: self.bins.pow(self.bounds.len() as u32) }
    }

    fn reset(&mut self, seed: Option<u64>, observation: &mut usize) {
        self.env.reset(seed, &mut self.features);
        *observation = self.state_of();
    }

    fn step(&mut self, action: &E::Action, observation: &mut usize) -> Result<Outcome, EnvError> {
        let outcome = self.env.step(action, &mut self.features)?;
        *observation = self.state_of();
        Ok(outcome)
    }
}

snapshot! {
    impl[E: Restorable] Restorable for Discretize<E> {
        saved: env;
        built: bins, features, bounds;
    }
}

/// Planes of zeros and ones, or the bytes of images, as features, for agents that learn from those. The space of images
/// stays theirs.
#[derive(Clone, Debug)]
pub struct Features<E> {
    env: E,
    planes: Vec<u8>,
}

impl<E: Env<Observation = [u8]>> Features<E> {
    /// Wraps an environment with planes.
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
    forward!(is_retriable);
    forward!(reseed);
    forward!(raw_reward);

    fn observation_space(&self) -> Space {
        match self.env.observation_space() {
            space @ Space::Image { .. } => space,
            space => Space::uniform(space.features(), 0.0, 1.0),
        }
    }

    fn reset(&mut self, seed: Option<u64>, observation: &mut [f32]) {
        self.env.reset(seed, &mut self.planes);
        self.show(observation);
    }

    fn step(&mut self, action: &E::Action, observation: &mut [f32]) -> Result<Outcome, EnvError> {
        let outcome = self.env.step(action, &mut self.planes)?;
        self.show(observation);
        Ok(outcome)
    }
}

snapshot! {
    impl[E: Restorable] Restorable for Features<E> {
        saved: env, planes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CartPole;

    #[test]
    fn boxes_by_hand() {
        // The position is cut at 0 (from -4.8 to 4.8), the velocity, without bounds, at 0, and so are the
        // others.
        let mut env = Discretize::new(CartPole::default(), 2);
        assert_eq!(env.observation_space(), Space::Discrete { n: 16 });
        let mut check = |features: [f32; 4], expected| {
            env.features.copy_from_slice(&features);
            assert_eq!(env.state_of(), expected, "{features:?}");
        };
        check([-1.0, -1.0, -0.1, -1.0], 0);
        check([-1.0, -1.0, -0.1, 1.0], 1);
        check([1.0, -1.0, 0.1, -1.0], 10);
        check([9.0, f32::INFINITY, 0.1, 1e30], 15);
        check([f32::NAN, -1.0, -0.1, -1.0], 0);
        // In four parts: -1.2 lies in the second quarter; x / (1 + |x|) = 0.6 in the last.
        let mut env = Discretize::new(CartPole::default(), 4);
        env.features = vec![-1.2, 1.5, 0.0, 0.5];
        assert_eq!(env.state_of(), ((4 + 3) * 4 + 2) * 4 + 2);
    }
}
