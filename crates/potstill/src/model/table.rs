//! A table of action values.

use crate::targets::step_towards;
use potstill_core::snapshot;

/// `Q(s, a)` for every state and action.
#[derive(Clone, Debug, PartialEq)]
pub struct QTable {
    actions: usize,
    values: Vec<f64>,
    /// The number of actions of each state, if it differs between states.
    choices: Option<Box<[usize]>>,
}

impl QTable {
    /// A table with one value everywhere.
    pub fn new(states: usize, actions: usize, initial_value: f64) -> Self {
        Self::from_values(actions, vec![initial_value; states * actions])
    }

    /// A table of these values, `states x actions`.
    ///
    /// # Panics
    /// If they do not fill whole rows.
    pub fn from_values(actions: usize, values: Vec<f64>) -> Self {
        assert!(
            actions > 0 && !values.is_empty() && values.len().is_multiple_of(actions),
            "a table of whole rows"
        );
        Self { actions, values, choices: None }
    }

    /// A table with one value everywhere, for states with different numbers of actions.
    ///
    /// # Panics
    /// If a state has none.
    pub fn ragged(choices: &[usize], initial_value: f64) -> Self {
        assert!(!choices.contains(&0), "an action in every state");
        let actions = choices.iter().copied().max().unwrap_or(0);
        Self { choices: Some(choices.into()), ..Self::new(choices.len(), actions, initial_value) }
    }

    /// The number of actions.
    pub fn actions(&self) -> usize {
        self.actions
    }

    /// The number of states.
    pub fn states(&self) -> usize {
        self.values.len() / self.actions
    }

    /// All values, `states x actions`.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Takes the values of a table of the same shape.
    pub(super) fn copy_values(&mut self, other: &Self) {
        self.values.copy_from_slice(&other.values);
    }

    /// The index of `Q(s, a)` in the [values](Self::values).
    #[inline]
    pub fn pair(&self, state: usize, action: usize) -> usize {
        state * self.actions + action
    }

    /// The values of all actions in a state.
    pub fn row(&self, state: usize) -> &[f64] {
        let actions = self.choices.as_ref().map_or(self.actions, |choices| choices[state]);
        &self.values[self.pair(state, 0)..][..actions]
    }

    /// Adds to `Q(s, a)`.
    pub fn add(&mut self, state: usize, action: usize, more: f64) {
        let pair = self.pair(state, action);
        self.values[pair] += more;
    }

    /// Sets `Q(s, a)`.
    pub fn set(&mut self, state: usize, action: usize, value: f64) {
        let pair = self.pair(state, action);
        self.values[pair] = value;
    }

    /// Moves `Q(s, a)` towards a target by the step size `alpha`.
    pub fn update(&mut self, state: usize, action: usize, target: f64, alpha: f64) {
        let pair = self.pair(state, action);
        let value = &mut self.values[pair];
        *value = step_towards(*value, target, alpha);
    }
}

snapshot! {
    impl Restorable for QTable {
        saved: values;
        built: actions, choices;
    }
}
