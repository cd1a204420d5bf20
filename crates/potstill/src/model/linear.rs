//! Action values that are linear in the tiles of an observation.

use super::actor::Actor;
use crate::policy::Policy;
use crate::tile_coding::TileCoder;
use potstill_core::{Pcg64, snapshot};

/// Linear action values: `q(s, a) = sum of w(a, i)` over the active tiles `i` of `s`.
///
/// ```
/// use potstill::model::LinearModel;
/// use potstill::tile_coding::TileCoder;
///
/// let coder = TileCoder::new(vec![(0.0, 1.0)], 2, 1)?;
/// let model = LinearModel::new(coder, 2, 0.5);
/// let mut values = [0.0; 2];
/// model.values(&[0.75_f32], &mut [0], &mut values);
/// assert_eq!(values, [0.5, 0.5]);
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct LinearModel {
    coder: TileCoder,
    actions: usize,
    /// `actions x features`.
    weights: Vec<f64>,
}

impl LinearModel {
    /// A model with one value everywhere.
    ///
    /// # Panics
    /// If there is no action.
    pub fn new(coder: TileCoder, actions: usize, initial_value: f64) -> Self {
        let weight = initial_value / coder.tilings() as f64;
        let weights = vec![weight; actions * coder.features()];
        Self::from_weights(coder, actions, weights)
    }

    /// A model of these weights, `actions x features`.
    ///
    /// # Panics
    /// If there is no action, or not a weight for each action and feature.
    pub fn from_weights(coder: TileCoder, actions: usize, weights: Vec<f64>) -> Self {
        assert!(actions > 0 && weights.len() == actions * coder.features(), "a weight for each feature");
        Self { coder, actions, weights }
    }

    /// The features.
    pub fn coder(&self) -> &TileCoder {
        &self.coder
    }

    /// The number of actions.
    pub fn actions(&self) -> usize {
        self.actions
    }

    /// All weights, `actions x features`.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// All weights, to write to.
    pub fn weights_mut(&mut self) -> &mut [f64] {
        &mut self.weights
    }

    /// The index of the weight of a feature of an action.
    #[inline]
    pub fn index(&self, action: usize, feature: usize) -> usize {
        action * self.coder.features() + feature
    }

    /// The value of an action where these features are active.
    #[inline]
    pub fn value(&self, action: usize, active: &[usize]) -> f64 {
        active.iter().map(|&feature| self.weights[self.index(action, feature)]).sum()
    }

    /// Writes the active features of an observation, as many as tilings, and the value of each action.
    pub fn values<V: Copy + Into<f64>>(&self, observation: &[V], active: &mut [usize], values: &mut [f64]) {
        self.coder.encode(observation, active);
        for (action, value) in values.iter_mut().enumerate() {
            *value = self.value(action, active);
        }
    }
}

snapshot! {
    impl Restorable for LinearModel {
        saved: weights;
        built: coder, actions;
    }
}

/// A policy over the values of a linear model.
#[derive(Clone, Debug)]
pub struct LinearActor<'a> {
    model: &'a LinearModel,
    policy: Policy,
    active: Vec<usize>,
    values: Vec<f64>,
}

impl<'a> LinearActor<'a> {
    /// `policy` over the values of `model`.
    pub fn new(model: &'a LinearModel, policy: Policy) -> Self {
        let (active, values) = (vec![0; model.coder.tilings()], vec![0.0; model.actions]);
        Self { model, policy, active, values }
    }
}

impl Actor<[f32]> for LinearActor<'_> {
    fn act(&mut self, observation: &[f32], action: &mut usize, rng: &mut Pcg64) {
        self.model.values(observation, &mut self.active, &mut self.values);
        *action = self.policy.sample(&self.values, rng);
    }
}
