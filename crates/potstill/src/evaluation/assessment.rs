//! The question and the answer of an evaluation: the policies, and the estimates with their doubts.

use super::bootstrap::EPISODES_MIN;
use super::doubly_robust::{doubly_robust, weighted_doubly_robust};
use super::importance::{Logged, ordinary, per_decision, weighted, weighted_per_decision};
use super::options::EvaluationError;
use super::verdict::{Estimated, Estimator};
use crate::model::Model;
use crate::policy::Policy;
use crate::train::statistics::Estimate;
use potstill_core::math::ln_f64;

/// The [unsupported](Coverage::unsupported) share above which values are not trusted.
pub(super) const UNSUPPORTED_MAX: f64 = 0.2;

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
    /// The source of the probabilities, in words; `estimated` says how they are where the policy is not
    /// known.
    pub(super) fn words(&self, estimated: &str) -> String {
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
    /// On a table, the probability that an episode of the policy comes to a pair that was not recorded; else
    /// the share of the policy's actions at recorded observations that the behaviour hardly ever takes.
    pub unsupported: f64,
    /// The mean of `Q` on recorded actions, and on the policy's at the same observations.
    pub mean_q: Option<[f64; 2]>,
}

impl Coverage {
    /// Returns true if the data support the policy's actions well enough for values to be trusted.
    pub fn supports_policy(&self) -> bool {
        self.unsupported <= UNSUPPORTED_MAX
    }
}

/// The estimates of [`Estimator::WEIGHTED`], in this order.
pub(super) fn weighted_estimates(episodes: &[&Logged], gamma: f64) -> Vec<f64> {
    if episodes.is_empty() {
        return vec![f64::NAN; Estimator::WEIGHTED.len()];
    }
    let estimators: [fn(&[&Logged], f64) -> f64; 6] =
        [ordinary, weighted, per_decision, weighted_per_decision, doubly_robust, weighted_doubly_robust];
    estimators.map(|estimator| estimator(episodes, gamma)).to_vec()
}

/// The estimate of an estimator with weights, which is trusted if it has an interval, enough effective
/// episodes, and nothing else is against it.
pub(super) fn judged(
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
pub(super) fn entropy(probabilities: &[f64]) -> f64 {
    probabilities.iter().filter(|p| **p > 0.0).map(|p| -p * ln_f64(*p)).sum::<f64>().max(0.0)
}

/// The refusal of an action to which the policy that is said to have recorded it gives probability 0.
pub(super) fn never(episode: usize, step: usize) -> EvaluationError {
    let (episode, step) = (episode + 1, step + 1);
    EvaluationError::Data(format!(
        "episode {episode}, step {step}: the policy that is said to have recorded it never takes its action there"
    ))
}
