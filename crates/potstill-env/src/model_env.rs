//! An environment that is simulated from its model.

use crate::model::{ModelOutcome, TransitionModel};
use crate::{Env, EnvError, Outcome, Scene, Space, StateMap};
use potstill_core::snapshot::{OnlyIf, below};
use potstill_core::{Pcg64, snapshot};
use std::fmt;
use std::sync::Arc;

/// Gymnasium's `categorical_sample`: the first index at which the running sum of probabilities exceeds one
/// uniform draw.
pub(crate) fn categorical(probabilities: impl Iterator<Item = f64>, rng: &mut Pcg64) -> usize {
    let (draw, mut sum) = (rng.unit(), 0.0);
    // Rounding may leave the sum a little below 1; NumPy's argmax then gives the first.
    probabilities
        .enumerate()
        .find_map(|(i, p)| {
            sum += p;
            (sum > draw).then_some(i)
        })
        .unwrap_or(0)
}

/// Draws the environment in a state.
pub type Painter = Arc<dyn Fn(usize) -> Scene + Send + Sync>;

/// Makes the tables of the states.
pub(crate) type Mapper = Arc<dyn Fn() -> Vec<StateMap> + Send + Sync>;

/// An environment that is simulated from its model. If the model is stochastic, each reset and each step
/// draws one number, as in Gymnasium.
#[derive(Clone)]
pub struct ModelEnv {
    model: Arc<TransitionModel>,
    stochastic: bool,
    painter: Painter,
    mapper: Option<Mapper>,
    pub(crate) state: usize,
    pub(crate) rng: Pcg64,
}

impl ModelEnv {
    /// An environment of this model; `painter` renders a state.
    pub fn new(model: impl Into<Arc<TransitionModel>>, painter: Painter) -> Self {
        let model = model.into();
        let (stochastic, state) = (model.is_stochastic(), model.start()[0].1);
        Self { model, stochastic, painter, mapper: None, state, rng: Pcg64::new(0) }
    }

    /// The same with tables of its states.
    #[must_use]
    pub(crate) fn with_state_maps(self, mapper: Mapper) -> Self {
        Self { mapper: Some(mapper), ..self }
    }
}

impl fmt::Debug for ModelEnv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelEnv").field("state", &self.state).finish_non_exhaustive()
    }
}

impl Env for ModelEnv {
    type Observation = usize;
    type Action = usize;

    fn observation_space(&self) -> Space {
        Space::Discrete { n: self.model.states() }
    }

    fn action_space(&self) -> Space {
        Space::Discrete { n: self.model.actions() }
    }

    fn reset(&mut self, seed: Option<u64>, observation: &mut usize) {
        if let Some(seed) = seed {
            self.rng = Pcg64::new(seed);
        }
        let start = self.model.start();
        let i = if self.stochastic { categorical(start.iter().map(|s| s.0), &mut self.rng) } else { 0 };
        self.state = start[i].1;
        *observation = self.state;
    }

    #[inline]
    fn step(&mut self, &action: &usize, observation: &mut usize) -> Result<Outcome, EnvError> {
        if action >= self.model.actions() {
            return Err(EnvError::Action { action: action.to_string(), space: self.action_space() });
        }
        let outcomes = self.model.outcomes(self.state, action);
        let i = match self.stochastic {
            true => categorical(outcomes.iter().map(|o| o.probability), &mut self.rng),
            false => 0,
        };
        let ModelOutcome { next, reward, terminated, .. } = outcomes[i];
        self.state = next;
        *observation = next;
        Ok(Outcome { reward, terminated, truncated: false })
    }

    fn reseed(&mut self, seed: u64) {
        self.rng = Pcg64::new(seed);
    }

    fn model(&self) -> Option<Arc<TransitionModel>> {
        Some(self.model.clone())
    }

    fn is_stochastic(&self) -> bool {
        self.stochastic
    }

    fn state_maps(&self) -> Vec<StateMap> {
        self.mapper.as_ref().map(|maps| maps()).unwrap_or_default()
    }

    fn scene(&self) -> Option<Scene> {
        Some((self.painter)(self.state))
    }

    fn scene_of(&self, &state: &usize) -> Option<Scene> {
        (state < self.model.states()).then(|| (self.painter)(state))
    }
}

snapshot! {
    impl Restorable for ModelEnv {
        saved: state via below(model.states()), rng via OnlyIf(*stochastic);
        built: model, stochastic, painter, mapper;
    }
}
