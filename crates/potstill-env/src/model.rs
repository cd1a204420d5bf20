//! Exact models of environments with numbered states, and environments that are defined by their model.
//!
//! Gymnasium calls it `P`: the outcomes of every state and action with their probabilities. Planners work on
//! it, and environments such as the frozen lake are simulated from it.
//!
//! ```
//! use potstill_env::{Env, registry::find};
//!
//! let cliff = find("CliffWalkingSlippery-v1")?.make_states().unwrap();
//! let model = cliff.model().unwrap();
//! // On slippery ground a step up from the start may also lead against the edge, or into the cliff and back.
//! let outcomes: Vec<_> = model.outcomes(36, 0).iter().map(|o| (o.probability, o.next, o.reward)).collect();
//! assert_eq!(outcomes, [(1.0 / 3.0, 36, -1.0), (1.0 / 3.0, 24, -1.0), (1.0 / 3.0, 36, -100.0)]);
//! # Ok::<(), potstill_env::EnvError>(())
//! ```

use crate::{Env, EnvError, Outcome, Scene, Space};
use potstill_core::{Pcg64, Restorable, Snapshot, SnapshotError, Value};
use std::fmt;
use std::sync::Arc;

/// One outcome of an action.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ModelOutcome {
    /// The probability.
    pub probability: f64,
    /// The state that follows.
    pub next: usize,
    /// The reward.
    pub reward: f64,
    /// `true` if `next` is terminal.
    pub terminated: bool,
}

impl ModelOutcome {
    /// An outcome with probability 1.
    pub fn certain(next: usize, reward: f64, terminated: bool) -> Self {
        Self { probability: 1.0, next, reward, terminated }
    }
}

/// The transition probabilities and rewards of every state and action, and the distribution of starting
/// states.
#[derive(Clone, Debug, PartialEq)]
pub struct TransitionModel {
    actions: usize,
    /// The index of the first outcome of each pair of state and action; one more at the end.
    first: Vec<usize>,
    outcomes: Vec<ModelOutcome>,
    /// States in which an episode can start, with their probabilities and the sums of those.
    start: Vec<(f64, usize)>,
}

impl TransitionModel {
    /// A model of `states` x `actions`, each pair asked for its outcomes. `start` holds probabilities and
    /// states.
    ///
    /// # Panics
    /// If probabilities are negative or do not sum to 1, or a state is not below `states`.
    pub fn new(
        states: usize,
        actions: usize,
        start: Vec<(f64, usize)>,
        mut outcomes_of: impl FnMut(usize, usize) -> Vec<ModelOutcome>,
    ) -> Self {
        let sums_to_one = |probabilities: &mut dyn Iterator<Item = f64>| {
            let sum = probabilities.fold(0.0, |sum, p| if p >= 0.0 { sum + p } else { f64::NAN });
            (sum - 1.0).abs() < 1e-9
        };
        assert!(sums_to_one(&mut start.iter().map(|&(p, _)| p)), "{start:?}");
        assert!(start.iter().all(|&(_, s)| s < states));
        let (mut first, mut outcomes) = (vec![0], Vec::new());
        for state in 0..states {
            for action in 0..actions {
                let of_pair = outcomes_of(state, action);
                assert!(sums_to_one(&mut of_pair.iter().map(|o| o.probability)), "{state} {action}");
                assert!(of_pair.iter().all(|o| o.next < states), "{state} {action}");
                outcomes.extend(of_pair);
                first.push(outcomes.len());
            }
        }
        Self { actions, first, outcomes, start }
    }

    /// The number of states.
    pub fn states(&self) -> usize {
        (self.first.len() - 1) / self.actions
    }

    /// The number of actions.
    pub fn actions(&self) -> usize {
        self.actions
    }

    /// The starting states: probability and state.
    pub fn start(&self) -> &[(f64, usize)] {
        &self.start
    }

    /// The outcomes of `action` in `state`. Those of a terminal state have no meaning.
    #[inline]
    pub fn outcomes(&self, state: usize, action: usize) -> &[ModelOutcome] {
        let pair = state * self.actions + action;
        &self.outcomes[self.first[pair]..self.first[pair + 1]]
    }

    /// Tells whether any transition or start is random.
    pub fn is_stochastic(&self) -> bool {
        self.start.len() > 1 || self.outcomes.len() > self.first.len() - 1
    }
}

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

/// An environment that is simulated from its model. If the model is stochastic, each reset and each step
/// draws one number, as in Gymnasium.
#[derive(Clone)]
pub struct ModelEnv {
    model: Arc<TransitionModel>,
    stochastic: bool,
    painter: Painter,
    pub(crate) state: usize,
    pub(crate) rng: Pcg64,
}

impl ModelEnv {
    /// An environment of this model; `painter` renders a state.
    pub fn new(model: impl Into<Arc<TransitionModel>>, painter: Painter) -> Self {
        let model = model.into();
        let (stochastic, state) = (model.is_stochastic(), model.start[0].1);
        Self { model, stochastic, painter, state, rng: Pcg64::new(0) }
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
        let start = &self.model.start;
        let i = if self.stochastic { categorical(start.iter().map(|s| s.0), &mut self.rng) } else { 0 };
        self.state = start[i].1;
        *observation = self.state;
    }

    #[inline]
    fn step(&mut self, &action: &usize, observation: &mut usize) -> Result<Outcome, EnvError> {
        if action >= self.model.actions {
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

    fn scene(&self) -> Option<Scene> {
        Some((self.painter)(self.state))
    }

    fn scene_of(&self, &state: &usize) -> Option<Scene> {
        (state < self.model.states()).then(|| (self.painter)(state))
    }
}

impl Restorable for ModelEnv {
    fn snapshot(&self) -> Snapshot {
        let state = Snapshot::new().with("state", Value::U64(self.state as u64));
        if self.stochastic { state.with_part("rng", &self.rng) } else { state }
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        self.state = snapshot.index("state", self.model.states())?;
        if self.stochastic { snapshot.restore_part("rng", &mut self.rng) } else { Ok(()) }
    }
}
