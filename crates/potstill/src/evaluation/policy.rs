//! The probabilities of a policy over the outputs of a model.

use crate::model::{Model, QTable};
use crate::policy::Policy;
use potstill_nn::Workspace;

/// Observations in one pass of a network.
pub(super) const PASS: usize = 1024;

/// The probability of each action in each state, `states x actions`: as the policy draws over the values of a
/// table. An action that a state has not got has probability 0.
pub fn table_probabilities(table: &QTable, policy: Policy) -> Vec<f64> {
    let of_state = |state: usize| {
        let mut probabilities = policy.probabilities(table.row(state));
        probabilities.resize(table.actions(), 0.0);
        probabilities
    };
    (0..table.states()).flat_map(of_state).collect()
}

/// The probability of each action at each observation, `observations x actions`: as the policy draws over the
/// outputs of a network or a linear model.
///
/// # Panics
/// If the model has no values or logits of vectors of `features` numbers.
pub fn feature_probabilities(
    model: &Model,
    policy: Policy,
    observations: &[f32],
    features: usize,
) -> Vec<f64> {
    let mut probabilities = Vec::new();
    match model {
        Model::Linear(linear) => {
            let (mut active, mut values) = (vec![0; linear.coder().tilings()], vec![0.0; linear.actions()]);
            for observation in observations.chunks_exact(features) {
                linear.values(observation, &mut active, &mut values);
                probabilities.extend(policy.probabilities(&values));
            }
        }
        model => {
            let network = model.network().expect("a network of values or logits");
            let (mut workspace, mut values) = (Workspace::default(), Vec::new());
            for part in observations.chunks(PASS * features) {
                let samples = part.len() / features;
                let outputs = network.predict(part, &mut workspace);
                network.means(samples, outputs, &mut values);
                let rows = values.chunks_exact(values.len() / samples);
                probabilities.extend(rows.flat_map(|row| policy.probabilities(row)));
            }
        }
    }
    probabilities
}
