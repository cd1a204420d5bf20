//! Off-policy evaluation: the value of a policy from episodes that another one has recorded, before it acts.
//!
//! | file | content |
//! |---|---|
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
//! The value is the mean discounted return. Voloshin et al. 2021 compare these estimators: which one is the best depends on
//! the horizon, on how far the policies are apart and on how right the values can be, so that several are computed, and
//! [what they agree on](verdict) counts.
//!
//! The probabilities of recorded actions are those of the behaviour, if it [is known](RecordedBy), or are estimated: shares
//! of counts on tables, else behaviour cloning, where a half of the episodes is judged by the network of the other half.
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

pub mod bootstrap;
mod boxes;
pub mod doubly_robust;
mod features;
mod fits;
mod fitted_q;
pub mod importance;
pub mod moments;
pub mod policy;
pub mod tables;
mod tabular;
pub mod verdict;

pub use fitted_q::FittedQConfig;
pub use moments::Moments;
pub use tables::{Sweeps, Walks};
pub use verdict::{Estimated, Estimator, Gate, Numbers, Verdict};

use crate::data::OfflineDataset;
use crate::model::Model;
use crate::policy::Policy;
use crate::train::TrainError;
use crate::train::statistics::Estimate;
use bootstrap::EPISODES_MIN;
use doubly_robust::{doubly_robust, weighted_doubly_robust};
use importance::{Logged, ordinary, per_decision, weighted, weighted_per_decision};
use potstill_core::Streams;
use potstill_core::math::ln_f64;
use thiserror::Error;

/// The [unsupported](Coverage::unsupported) share above which values are not trusted.
const UNSUPPORTED_MAX: f64 = 0.2;

/// The settings of an evaluation.
#[derive(Clone, Debug)]
pub struct EvaluationOptions {
    /// Discount of the returns.
    pub gamma: f64,
    /// Samples of the bootstrap.
    pub replicates: u64,
    /// Samples of the bootstrap to which networks are fitted again.
    pub fits: u64,
    /// The settings of these fits.
    pub fitted_q: FittedQConfig,
    /// Random streams.
    pub streams: Streams,
    /// Threads to use. Results do not depend on their number.
    pub threads: usize,
}

impl EvaluationOptions {
    /// The defaults for a discount.
    pub fn new(gamma: f64, streams: Streams) -> Self {
        Self { gamma, replicates: 1000, fits: 10, fitted_q: FittedQConfig::default(), streams, threads: 1 }
    }
}

/// A policy that is evaluated.
#[derive(Clone, Copy, Debug)]
pub struct Evaluated<'a> {
    /// The model of values, logits or actions.
    pub model: &'a Model,
    /// The policy over its outputs; a deterministic policy for a box acts by itself.
    pub policy: Policy,
    /// Steps after which an episode is truncated where the data have no truncated one.
    pub time_limit: usize,
}

/// The policy that has recorded a data set.
#[derive(Clone, Copy, Debug)]
pub enum RecordedBy<'a> {
    /// Not known: its probabilities are estimated.
    Unknown,
    /// Uniformly random actions.
    Random,
    /// This policy over the outputs of this model.
    Policy(&'a Model, Policy),
}

impl RecordedBy<'_> {
    /// The source of the probabilities, in words; `estimated` says how they are where the policy is not known.
    fn words(&self, estimated: &str) -> String {
        match self {
            Self::Unknown => estimated.to_owned(),
            Self::Random => "uniformly random actions".to_owned(),
            Self::Policy(..) => "the policy that was named".to_owned(),
        }
    }
}

/// The evaluation of a policy.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// The mean return of the behaviour.
    pub behaviour: Estimate,
    /// The source of the probabilities of recorded actions.
    pub probabilities: String,
    /// The estimates.
    pub estimates: Vec<Estimated>,
    /// Estimators that do not apply, with the reason.
    pub inapplicable: Vec<(Vec<Estimator>, String)>,
    /// Episodes that the recording cut off, which count for values alone.
    pub cut_off: usize,
    /// The length of an episode in steps, if it is limited.
    pub horizon: Option<usize>,
    /// The coverage of the data.
    pub coverage: Coverage,
    /// Remarks on what the numbers are of.
    pub remarks: Vec<String>,
}

/// The coverage of states and actions by the data.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    /// Recorded states and pairs of state and action of a table, each with the number that there are.
    pub pairs: Option<[[usize; 2]; 2]>,
    /// The mean entropy of the behaviour's actions in a state, in nats, and the largest that it could be.
    pub action_entropy: Option<[f64; 2]>,
    /// On a table, the probability that an episode of the policy comes to a pair that was not recorded; else the share
    /// of the policy's actions at recorded observations that the behaviour hardly ever takes.
    pub unsupported: f64,
    /// The mean of `Q` on recorded actions, and on the policy's at the same observations.
    pub mean_q: Option<[f64; 2]>,
}

/// The reason for which there is no evaluation.
#[derive(Debug, Error)]
pub enum EvaluationError {
    /// The data cannot be used: the reason.
    #[error("{0}")]
    Data(String),
    /// A network could not be fitted.
    #[error(transparent)]
    Train(#[from] TrainError),
}

/// Evaluates a policy by episodes of its environment's spaces.
///
/// # Errors
/// If the data are of another kind than the model's, a policy that is said to have recorded them gives a recorded action
/// probability 0, or a fit fails.
pub fn evaluate(
    data: &OfflineDataset,
    evaluated: Evaluated<'_>,
    recorded_by: RecordedBy<'_>,
    options: &EvaluationOptions,
) -> Result<Evaluation, EvaluationError> {
    match evaluated.model {
        Model::Table(table) => tabular::evaluate(data, (table, evaluated), recorded_by, options),
        Model::Control(control) => boxes::evaluate(data, control, options),
        Model::Linear(_) | Model::Network(_) | Model::Predictor(_) => {
            features::evaluate(data, evaluated, recorded_by, options)
        }
    }
}

/// The estimates of [`Estimator::WEIGHTED`], in this order.
fn weighted_estimates(episodes: &[&Logged], gamma: f64) -> Vec<f64> {
    if episodes.is_empty() {
        return vec![f64::NAN; Estimator::WEIGHTED.len()];
    }
    let estimators: [fn(&[&Logged], f64) -> f64; 6] =
        [ordinary, weighted, per_decision, weighted_per_decision, doubly_robust, weighted_doubly_robust];
    estimators.map(|estimator| estimator(episodes, gamma)).to_vec()
}

/// The estimate of an estimator with weights, which is trusted if it has an interval, enough effective episodes, and nothing
/// else is against it.
fn judged(
    estimator: Estimator,
    estimate: Estimate,
    effective_sample_size: Option<f64>,
    against: Option<&str>,
) -> Estimated {
    let few = effective_sample_size.filter(|&size| size < EPISODES_MIN as f64);
    let doubt = match (few, against) {
        (Some(size), _) => Some(format!("an effective sample size of {size:.2}, below {EPISODES_MIN}")),
        (None, Some(reason)) => Some(reason.to_owned()),
        (None, None) if estimate.interval.is_none() => Some(format!("fewer than {EPISODES_MIN} episodes")),
        (None, None) => None,
    };
    let interval = if doubt.is_none() { estimate.interval } else { None };
    Estimated { estimator, estimate: Estimate { interval, ..estimate }, effective_sample_size, doubt }
}

/// The entropy of a distribution, in nats.
fn entropy(probabilities: &[f64]) -> f64 {
    probabilities.iter().filter(|p| **p > 0.0).map(|p| -p * ln_f64(*p)).sum::<f64>().max(0.0)
}

/// The refusal of an action to which the policy that is said to have recorded it gives probability 0.
fn never(episode: usize, step: usize) -> EvaluationError {
    let (episode, step) = (episode + 1, step + 1);
    EvaluationError::Data(format!(
        "episode {episode}, step {step}: the policy that is said to have recorded it never takes its action there"
    ))
}
