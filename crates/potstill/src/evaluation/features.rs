//! Evaluation of a policy of discrete actions at vectors of features.

use super::assessment::{
    Coverage, Evaluated, Evaluation, RecordedBy, entropy, judged, never, weighted_estimates,
};
use super::bootstrap::intervals;
use super::fits::{Halves, NEEDS_DISCOUNT, Values, behaviour_value, rest, scaled, whole_episodes};
use super::fitted_q::Inputs;
use super::importance::{Logged, effective_sample_size, tail_index};
use super::options::{EvaluationError, EvaluationOptions};
use super::policy::feature_probabilities;
use super::verdict::Estimator;
use crate::data::OfflineDataset;
use crate::model::Model;
use crate::policy::Policy;
use crate::train::statistics::Estimate;
use potstill_core::math::ln_f64;

/// The tail index of weights above which importance sampling is not trusted.
const TAIL_MAX: f64 = 0.7;
/// The share of the most probable action's probability below which an action is not supported by the data.
const SUPPORT: f64 = 0.1;

/// Evaluates a policy over the outputs of a network or a linear model.
pub(super) fn evaluate(
    data: &OfflineDataset,
    evaluated: Evaluated<'_>,
    recorded_by: RecordedBy<'_>,
    options: &EvaluationOptions<'_>,
) -> Result<Evaluation, EvaluationError> {
    let refuse = |reason: &str| EvaluationError::Data(reason.to_owned());
    let typed =
        (data.observations().typed::<f32>(), data.actions().typed::<usize>(), data.action_space().discrete());
    let (Some(observations), Some(actions), Some(count)) = typed else {
        return Err(refuse("its observations are not vectors of features, or its actions not discrete"));
    };
    let (features, episodes) = (data.observation_space().features(), data.episodes());
    // Of whole episodes alone the return is known.
    let whole = whole_episodes(episodes)?;
    let halves = Halves::new(episodes.len(), options.streams);
    let target = feature_probabilities(evaluated.model, evaluated.policy, observations, features);
    let behaviour = match recorded_by {
        RecordedBy::Unknown => {
            let models = halves.cloned::<usize>(data, options)?;
            let softmax = Policy::Softmax { temperature: 1.0 };
            halves.judged(episodes, observations, features, |half, part| {
                feature_probabilities(&models[half], softmax, part, features)
            })
        }
        RecordedBy::Random => vec![1.0 / count as f64; target.len()],
        RecordedBy::Policy(Model::Table(_) | Model::Control(_), _) => {
            return Err(refuse("the policy that is said to have recorded it is of another kind"));
        }
        RecordedBy::Policy(model, policy) => feature_probabilities(model, policy, observations, features),
    };
    let mut logged = Vec::with_capacity(whole.len());
    for &i in &whole {
        let mut episode =
            Logged { rewards: data.rewards()[episodes[i].range()].to_vec(), ..Logged::default() };
        for (t, step) in episodes[i].range().enumerate() {
            let at = (step + i) * count + actions[step];
            if behaviour[at] == 0.0 {
                return Err(never(i, t));
            }
            episode.ratios.push(target[at] / behaviour[at]);
        }
        logged.push(episode);
    }
    let scaled = scaled(observations, features);
    let inputs = Inputs {
        width: features,
        at_policy: scaled.clone(),
        weights: target.iter().map(|p| *p as f32).collect(),
        at_data: Vec::new(),
        chosen: actions.to_vec(),
    };
    let values = Values::new(inputs, data, &halves, options)?;
    for (&i, episode) in whole.iter().zip(&mut logged) {
        if let Some(values) = &values {
            let first = episodes[i].first_step + i;
            episode.q = values.halves.q[episodes[i].range()].to_vec();
            episode.v = values.halves.v[first..=first + episodes[i].steps].to_vec();
            if episodes[i].terminated {
                episode.v[episodes[i].steps] = 0.0;
            }
        } else {
            (episode.q, episode.v) = (vec![0.0; episodes[i].steps], vec![0.0; episodes[i].steps + 1]);
        }
    }
    let gamma = options.gamma;
    let of =
        |sample: &[usize]| weighted_estimates(&sample.iter().map(|&i| &logged[i]).collect::<Vec<_>>(), gamma);
    let point = of(&(0..logged.len()).collect::<Vec<_>>());
    let intervals = intervals(logged.len(), options, of)?;
    let size = effective_sample_size(logged.iter().map(Logged::ratio));
    let tail = tail_index(logged.iter().map(Logged::ratio)).filter(|&index| index > TAIL_MAX);
    let tail = tail.map(|index| format!("the tail index of the weights is {index:.2}, above {TAIL_MAX}"));
    let mut inapplicable = Vec::new();
    let mut estimates = Vec::new();
    for (&estimator, (value, interval)) in Estimator::WEIGHTED.iter().zip(point.into_iter().zip(intervals)) {
        let needs_values = matches!(estimator, Estimator::DoublyRobust | Estimator::WeightedDoublyRobust);
        if !needs_values || values.is_some() {
            estimates.push(judged(estimator, Estimate { value, interval }, Some(size), tail.as_deref()));
        }
    }
    // Observations at which an action was recorded.
    let rows =
        || episodes.iter().enumerate().flat_map(|(i, episode)| episode.range().map(move |step| step + i));
    let at = |list: &'_ [f64], row: usize| list[row * count..][..count].to_vec();
    let unsupported = rows().map(|row| {
        let (pi, b) = (at(&target, row), at(&behaviour, row));
        let most = b.iter().copied().fold(0.0, f64::max);
        pi.iter().zip(&b).filter(|(_, b)| **b < SUPPORT * most).map(|(pi, _)| pi).sum::<f64>()
    });
    let unsupported = unsupported.sum::<f64>() / data.steps() as f64;
    match &values {
        Some(values) => estimates.push(values.judged(unsupported)),
        None => inapplicable.push((
            vec![Estimator::DoublyRobust, Estimator::WeightedDoublyRobust, Estimator::FittedQ],
            NEEDS_DISCOUNT.to_owned(),
        )),
    }
    let remarks = rest(episodes, &whole, gamma).map(|rest| {
        format!(
            "truncated episodes go on in values and in the behaviour's return, but not in importance sampling: there a \
             discount of {rest:.2} is left"
        )
    });
    let entropies: f64 = rows().map(|row| entropy(&at(&behaviour, row))).sum();
    Ok(Evaluation {
        behaviour: behaviour_value(data, &whole, &scaled, options)?,
        probabilities: recorded_by.words("behaviour cloning, of each half of the episodes by the other"),
        estimates,
        inapplicable,
        cut_off: episodes.len() - whole.len(),
        horizon: None,
        coverage: Coverage {
            pairs: None,
            action_entropy: Some([entropies / data.steps() as f64, ln_f64(count as f64)]),
            unsupported,
            mean_q: values.map(|values| values.mean_q),
        },
        remarks: remarks.into_iter().collect(),
    })
}
