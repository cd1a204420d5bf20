//! Off-policy evaluation: the value of a policy from episodes that another one has recorded, before it acts.
//!
//! | file | content |
//! |---|---|
//! | `assessment.rs`, `options.rs` | the policies of an evaluation and its result; its settings |
//! | `importance.rs` | importance sampling: ordinary, weighted, per decision |
//! | `doubly_robust.rs` | doubly robust estimates, weighted or not |
//! | `fitted_q.rs` | fitted Q evaluation with networks |
//! | `tables.rs` | counts: behaviour, fitted Q evaluation and the counted model on tables |
//! | `moments.rs` | exact mean and deviation of one episode's estimate on a model |
//! | `bootstrap.rs` | intervals over episodes |
//! | `verdict.rs` | the number that may be claimed, and the gate of a pipeline |
//! | `fits.rs` | networks that are fitted to all episodes, to halves, and to samples of the bootstrap |
//! | `policy.rs` | probabilities of a policy over the outputs of a model |
//! | `tabular.rs`, `features.rs`, `boxes.rs` | all of it for tables, for discrete actions at features, for boxes of actions |
//!
//! The value is the mean discounted return. Voloshin et al. 2021 compare these estimators: which one is the
//! best depends on the horizon, on how far the policies are apart and on how right the values can be, so that
//! several are computed, and what they [agree on](Verdict) counts.
//!
//! The probabilities of recorded actions are those of the behaviour, if it [is known](RecordedBy), or are
//! estimated: shares of counts on tables, else behaviour cloning, where a half of the episodes is judged by
//! the network of the other half.
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::data::OfflineDataset;
//! use potstill::env::Space;
//! use potstill::evaluation::{Estimator, Evaluated, EvaluationOptions, RecordedBy, Verdict, evaluate};
//! use potstill::experience::Trajectory;
//! use potstill::model::{Model, QTable};
//! use potstill::policy::Policy;
//!
//! // One state, whose action 1 is rewarded, 60 times action 0 and 40 times action 1.
//! let mut data = OfflineDataset::new("", Space::Discrete { n: 1 }, Space::Discrete { n: 2 });
//! for i in 0..100 {
//!     let action = usize::from(i % 5 > 2);
//!     let mut walk: Trajectory<usize> = Trajectory::starting_at(0);
//!     walk.push(action, action as f64, 0);
//!     data.push(&walk, [true, false], None)?;
//! }
//! let model = Model::Table(QTable::from_values(2, vec![0.0, 1.0]));
//! let policy = Policy::EpsilonGreedy { epsilon: 0.2 };
//! let evaluated = Evaluated { model: &model, policy, time_limit: 1 };
//! let options = EvaluationOptions::new(1.0, Streams::new(1));
//! let evaluation = evaluate(&data, evaluated, RecordedBy::Unknown, &options)?;
//! assert!((evaluation.behaviour.value - 0.4).abs() < 1e-12);
//! let Verdict::Agreed(headline) = Verdict::of(&evaluation.estimates) else { panic!() };
//! assert!((headline.estimate.value - 0.9).abs() < 1e-12);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod assessment;
mod bootstrap;
mod boxes;
mod doubly_robust;
mod features;
mod fits;
mod fitted_q;
mod importance;
mod moments;
mod options;
mod policy;
mod tables;
mod tabular;
mod verdict;

pub use assessment::{Coverage, Evaluated, Evaluation, RecordedBy};
pub use bootstrap::{EPISODES_MIN, intervals};
pub use doubly_robust::{doubly_robust, weighted_doubly_robust};
pub use importance::{
    Logged, effective_sample_size, ordinary, per_decision, tail_index, weighted, weighted_per_decision,
};
pub use moments::Moments;
pub use options::{EvaluationError, EvaluationOptions, FittedQConfig, Watch};
pub use policy::{feature_probabilities, table_probabilities};
pub use tables::{Counts, Sweeps, Walks, propagated};
pub use verdict::{Estimated, Estimator, Gate, Numbers, Verdict};

use crate::data::OfflineDataset;
use crate::model::Model;

/// Evaluates a policy by episodes of its environment's spaces.
///
/// # Errors
/// If the data are of another kind than the model's, a policy that is said to have recorded them gives a
/// recorded action probability 0, or a fit fails.
pub fn evaluate(
    data: &OfflineDataset,
    evaluated: Evaluated<'_>,
    recorded_by: RecordedBy<'_>,
    options: &EvaluationOptions<'_>,
) -> Result<Evaluation, EvaluationError> {
    match evaluated.model {
        Model::Table(table) => tabular::evaluate(data, (table, evaluated), recorded_by, options),
        Model::Control(control) => boxes::evaluate(data, control, options),
        Model::Linear(_) | Model::Network(_) | Model::Predictor(_) => {
            features::evaluate(data, evaluated, recorded_by, options)
        }
    }
}
