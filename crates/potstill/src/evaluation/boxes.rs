//! Evaluation of a deterministic policy in a box of actions, by its values alone: it has no density, so that
//! there are no ratios.

use super::assessment::{Coverage, Evaluation};
use super::fits::{Halves, NEEDS_DISCOUNT, Values, behaviour_value, scaled, whole_episodes};
use super::fitted_q::Inputs;
use super::options::{EvaluationError, EvaluationOptions};
use super::verdict::Estimator;
use crate::data::OfflineDataset;
use crate::model::{ControlPolicy, Model};
use potstill_nn::Workspace;

/// The deviations of recorded actions from cloned ones within which an action is supported by the data.
const DEVIATIONS: f64 = 2.0;

/// Evaluates a deterministic policy.
pub(super) fn evaluate(
    data: &OfflineDataset,
    control: &ControlPolicy,
    options: &EvaluationOptions<'_>,
) -> Result<Evaluation, EvaluationError> {
    let refuse = |reason: &str| EvaluationError::Data(reason.to_owned());
    let (Some(observations), Some(recorded)) =
        (data.observations().typed::<f32>(), data.actions().typed::<f32>())
    else {
        return Err(refuse("its observations are not vectors of features, or its actions not of a box"));
    };
    if control.low().iter().chain(control.high()).any(|bound| !bound.is_finite()) {
        return Err(refuse(
            "its actions are of a box without bounds, which behaviour cloning does not imitate",
        ));
    }
    let (features, width, episodes) =
        (data.observation_space().features(), control.low().len(), data.episodes());
    let whole = whole_episodes(episodes)?;
    let halves = Halves::new(episodes.len(), options.streams);
    let models = halves.cloned::<[f32]>(data, options)?;
    let acted = |policy: &ControlPolicy, part: &[f32]| {
        let mut actions = vec![0.0; part.len() / features * width];
        let (mut workspace, pass) = (Workspace::default(), super::policy::PASS);
        for (part, actions) in part.chunks(pass * features).zip(actions.chunks_mut(pass * width)) {
            policy.act(part, actions, &mut workspace);
        }
        actions
    };
    let actions = acted(control, observations);
    let cloned = halves.judged(episodes, observations, features, |half, part| {
        let Model::Control(policy) = &models[half] else { unreachable!("cloned in a box") };
        acted(policy, part).into_iter().map(f64::from).collect()
    });
    // The observation of each step.
    let rows: Vec<usize> = episodes
        .iter()
        .enumerate()
        .flat_map(|(i, episode)| episode.range().map(move |step| step + i))
        .collect();
    let deviation = |i: usize| {
        let squares = rows.iter().enumerate().map(|(step, row)| {
            let error = f64::from(recorded[step * width + i]) - cloned[row * width + i];
            error * error
        });
        (squares.sum::<f64>() / rows.len() as f64).sqrt()
    };
    let deviations: Vec<f64> = (0..width).map(deviation).collect();
    let is_far = |row: usize| {
        (0..width).any(|i| {
            (f64::from(actions[row * width + i]) - cloned[row * width + i]).abs() > DEVIATIONS * deviations[i]
        })
    };
    let unsupported = rows.iter().filter(|&&row| is_far(row)).count() as f64 / rows.len() as f64;

    let scaled_observations = scaled(observations, features);
    // The policy's actions on the scale of the recorded ones.
    let scaled_actions = scaled(&[recorded, &actions].concat(), width);
    let (of_data, of_policy) = scaled_actions.split_at(recorded.len());
    let joined =
        |row: usize, action: &[f32]| [&scaled_observations[row * features..][..features], action].concat();
    let of_row = |(row, action): (usize, &[f32])| joined(row, action);
    let inputs = Inputs {
        width: features + width,
        at_policy: of_policy.chunks_exact(width).enumerate().flat_map(of_row).collect(),
        weights: vec![1.0; rows.len() + episodes.len()],
        at_data: rows
            .iter()
            .zip(of_data.chunks_exact(width))
            .flat_map(|(&row, action)| joined(row, action))
            .collect(),
        chosen: vec![0; rows.len()],
    };
    let values = Values::new(inputs, data, &halves, options)?;
    let deterministic =
        "a deterministic policy in a box of actions has no density, so that there are no ratios";
    let mut inapplicable = vec![(Estimator::WEIGHTED.to_vec(), deterministic.to_owned())];
    if values.is_none() {
        inapplicable.push((vec![Estimator::FittedQ], NEEDS_DISCOUNT.to_owned()));
    }
    Ok(Evaluation {
        behaviour: behaviour_value(data, &whole, &scaled_observations, options)?,
        probabilities: "behaviour cloning, of each half of the episodes by the other".to_owned(),
        estimates: values.iter().map(|values| values.judged(unsupported)).collect(),
        inapplicable,
        cut_off: episodes.len() - whole.len(),
        horizon: None,
        coverage: Coverage { unsupported, mean_q: values.map(|values| values.mean_q), ..Coverage::default() },
        remarks: Vec::new(),
    })
}
