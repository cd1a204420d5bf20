//! Fits that evaluations of networks share: to all episodes, to halves of them and to samples of the
//! bootstrap.

use super::assessment::{UNSUPPORTED_MAX, judged};
use super::bootstrap::{EPISODES_MIN, resampled};
use super::fitted_q::{Fitted, Inputs, Problem};
use super::options::{EvaluationError, EvaluationOptions, FITS, FittedQConfig};
use super::verdict::{Estimated, Estimator};
use crate::agent::{Agent, LearnError};
use crate::data::OfflineDataset;
use crate::data::episodes::EpisodeRecord;
use crate::deep::TaskSpec;
use crate::experience::Steps;
use crate::model::Model;
use crate::offline::bc::Cloned;
use crate::offline::{Bc, BcSettings};
use crate::policy::{Schedule, Span};
use crate::train::statistics::{Center, Estimate, mean, standard_deviation, student_quantile};
use crate::train::{TrainError, parallel_map};
use potstill_core::Streams;
use potstill_core::math::{exp_f64, ln_f64};

/// The share of a value that may be missing for want of updates.
const MISSING_MAX: f64 = 0.02;
/// The discount of a cut above which what follows it counts.
const REST: f64 = 0.01;

/// The episodes whose return is known: those that the recording did not cut off.
///
/// # Errors
/// If there are none.
pub(super) fn whole_episodes(episodes: &[EpisodeRecord]) -> Result<Vec<usize>, EvaluationError> {
    let is_whole = |&i: &usize| episodes[i].terminated || episodes[i].truncated;
    let whole: Vec<usize> = (0..episodes.len()).filter(is_whole).collect();
    if whole.is_empty() {
        let reason = "every episode was cut off by the recording, so that no return is known";
        return Err(EvaluationError::Data(reason.to_owned()));
    }
    Ok(whole)
}

/// The reason for which values of episodes without a limit are not fitted.
pub(super) const NEEDS_DISCOUNT: &str = "values of episodes without a limit need gamma below 1";

/// The greatest discount that is left at the end of a truncated one of these episodes, if it counts.
pub(super) fn rest(episodes: &[EpisodeRecord], whole: &[usize], gamma: f64) -> Option<f64> {
    let truncated = whole.iter().filter(|&&i| !episodes[i].terminated);
    let rest = truncated.map(|&i| exp_f64(episodes[i].steps as f64 * ln_f64(gamma))).fold(0.0, f64::max);
    (rest > REST && gamma < 1.0).then_some(rest)
}

/// The mean discounted return of whole episodes, where truncated ones go on with the behaviour's fitted value
/// if that counts.
pub(super) fn behaviour_value(
    data: &OfflineDataset,
    whole: &[usize],
    scaled: &[f32],
    options: &EvaluationOptions<'_>,
) -> Result<Estimate, EvaluationError> {
    let (episodes, rewards, gamma) = (data.episodes(), data.rewards(), options.gamma);
    let values = match rest(episodes, whole, gamma) {
        None => None,
        Some(_) => {
            let observations = rewards.len() + episodes.len();
            let inputs = Inputs {
                width: scaled.len() / observations,
                at_policy: scaled.to_vec(),
                weights: vec![1.0; observations],
                at_data: Vec::new(),
                chosen: vec![0; rewards.len()],
            };
            let all: Vec<usize> = (0..episodes.len()).collect();
            let problem = Problem::new(inputs, rewards, episodes, gamma);
            Some(problem.fit(&all, options, options.streams)?)
        }
    };
    let of_episode = |&i: &usize| {
        let cut = match &values {
            Some(fitted) if !episodes[i].terminated => {
                fitted.v[episodes[i].first_step + i + episodes[i].steps]
            }
            _ => 0.0,
        };
        rewards[episodes[i].range()].iter().rev().fold(cut, |after, reward| reward + gamma * after)
    };
    let returns: Vec<f64> = whole.iter().map(of_episode).collect();
    let estimate = Center::Mean.estimate(&returns);
    // Of fits that are not finished the error is no sampling error.
    let is_finished = values.is_none() || options.fitted_q.missing_share(gamma) <= MISSING_MAX;
    Ok(Estimate { interval: estimate.interval.filter(|_| is_finished), ..estimate })
}

/// Features less their mean, divided by their deviation.
pub(super) fn scaled(rows: &[f32], width: usize) -> Vec<f32> {
    let moments = |i: usize| {
        let column = || rows.iter().skip(i).step_by(width).map(|&x| f64::from(x));
        let count = (rows.len() / width) as f64;
        let mean = column().sum::<f64>() / count;
        (mean, (column().map(|x| (x - mean) * (x - mean)).sum::<f64>() / count).sqrt() + 1e-3)
    };
    let moments: Vec<(f64, f64)> = (0..width).map(moments).collect();
    let scale = |(x, (mean, deviation)): (&f32, &(f64, f64))| ((f64::from(*x) - mean) / deviation) as f32;
    rows.iter().zip(moments.iter().cycle()).map(scale).collect()
}

fn failed(source: LearnError) -> EvaluationError {
    TrainError::Learn { step: 0, source }.into()
}

/// The halves of the episodes, each of which is judged by what was learned from the other.
pub(super) struct Halves {
    second: Vec<bool>,
}

impl Halves {
    /// A division at random. Streams: `folds`.
    pub(super) fn new(episodes: usize, streams: Streams) -> Self {
        let mut order: Vec<usize> = (0..episodes).collect();
        streams.stream("folds").shuffle(&mut order);
        let mut second = vec![false; episodes];
        order.iter().skip(episodes.div_ceil(2)).for_each(|&episode| second[episode] = true);
        Self { second }
    }

    /// The half of an episode, 0 or 1.
    fn of(&self, episode: usize) -> usize {
        usize::from(self.second[episode])
    }

    /// The episodes of the other half; all, if it has none.
    fn others(&self, half: usize) -> Vec<usize> {
        let others: Vec<usize> = (0..self.second.len()).filter(|&episode| self.of(episode) != half).collect();
        if others.is_empty() { (0..self.second.len()).collect() } else { others }
    }

    /// For each half a model of behaviour cloning that has learned from the other.
    pub(super) fn cloned<A: Cloned + ?Sized>(
        &self,
        data: &OfflineDataset,
        options: &EvaluationOptions<'_>,
    ) -> Result<[Model; 2], EvaluationError> {
        let models = parallel_map(2, options.threads, |half| {
            let streams = Streams::new(options.streams.seed_for("folds", half as u64));
            clone_behaviour::<A>(data, &self.others(half), streams, options)
        });
        let models = models.into_iter().collect::<Result<Vec<Model>, EvaluationError>>()?;
        Ok(models.try_into().expect("two halves"))
    }

    /// The results of `of` for all observations, each with the half that its episode is in.
    pub(super) fn judged(
        &self,
        episodes: &[EpisodeRecord],
        observations: &[f32],
        features: usize,
        of: impl Fn(usize, &[f32]) -> Vec<f64>,
    ) -> Vec<f64> {
        let of_episode = |(i, episode): (usize, &EpisodeRecord)| {
            let first = episode.first_step + i;
            of(self.of(i), &observations[first * features..][..(episode.steps + 1) * features])
        };
        episodes.iter().enumerate().flat_map(of_episode).collect()
    }
}

/// A model of the recorded actions of some episodes.
fn clone_behaviour<A: Cloned + ?Sized>(
    data: &OfflineDataset,
    episodes: &[usize],
    streams: Streams,
    options: &EvaluationOptions<'_>,
) -> Result<Model, EvaluationError> {
    let FittedQConfig { net_arch, batch_size, learning_rate, .. } = &options.fitted_q;
    let updates = options.fitted_q.cloning_updates();
    let transitions = data.transitions::<[f32], A>().expect("checked: the types of the spaces");
    let steps = episodes.iter().map(|&episode| data.episodes()[episode].steps as u64).sum();
    let (features, actions) = (data.observation_space().features(), data.action_space());
    let task = TaskSpec {
        data: Some(steps),
        action_space: actions.clone(),
        ..TaskSpec::new(features, actions.discrete().unwrap_or(actions.features()), updates, streams)
    };
    let mut settings = BcSettings::default();
    let shared = &mut settings.1.0.0;
    shared.net_arch = net_arch.clone();
    shared.batch_size = *batch_size as u64;
    shared.normalize_observations = true;
    shared.learning_rate = Schedule::Linear { from: *learning_rate, to: 0.0, over: Span::Run(1.0) };
    let mut agent =
        Bc::<A>::new(&settings, &task).map_err(|error| EvaluationError::Data(error.to_string()))?;
    for &episode in episodes {
        for transition in transitions.of_episode(episode) {
            agent.store(&Steps::of(&transition)).map_err(failed)?;
        }
    }
    for update in 0..updates {
        for _ in 0..agent.tick() {
            agent.update().map_err(failed)?;
        }
        options.watch.after(update)?;
    }
    Ok(agent.model())
}

/// Values of the policy: fitted to all episodes, to halves, and to samples of the bootstrap.
pub(super) struct Values {
    estimate: Estimate,
    /// The reason for which the fits are not finished.
    unfinished: Option<String>,
    /// Of each episode by the fit to the other half.
    pub(super) halves: Fitted,
    /// The mean of `Q` on recorded actions and on the policy's.
    pub(super) mean_q: [f64; 2],
}

impl Values {
    /// The values; `None` with a discount of 1. The interval is Student's, of the deviation over the samples.
    pub(super) fn new(
        inputs: Inputs,
        data: &OfflineDataset,
        halves: &Halves,
        options: &EvaluationOptions<'_>,
    ) -> Result<Option<Self>, EvaluationError> {
        if options.gamma >= 1.0 {
            return Ok(None);
        }
        let episodes = data.episodes();
        let problem = Problem::new(inputs, data.rewards(), episodes, options.gamma);
        let all: Vec<usize> = (0..episodes.len()).collect();
        // All episodes, each half, and the samples.
        let fits = parallel_map((FITS + options.fits) as usize, options.threads, |i| {
            let streams = Streams::new(options.streams.seed_for("bootstrap", i as u64));
            let sample = match i {
                0 => all.clone(),
                1 | 2 => halves.others(i - 1),
                _ => resampled(all.len(), options.streams, i as u64),
            };
            let fitted = problem.fit(&sample, options, streams)?;
            let (low, high) = problem.bounds();
            let value = problem.start_value(&fitted, &sample).clamp(low, high);
            // Of the samples the start value is enough.
            Ok((value, (i < 3).then_some(fitted)))
        });
        let mut fits = fits.into_iter().collect::<Result<Vec<_>, EvaluationError>>()?;
        let of_samples: Vec<f64> = fits.split_off(3).into_iter().map(|(value, _)| value).collect();
        let value = fits[0].0;
        let mut fitted = fits.into_iter().filter_map(|(_, fitted)| fitted);
        let (Some(of_all), Some(mut joined), Some(second)) = (fitted.next(), fitted.next(), fitted.next())
        else {
            unreachable!("three fits")
        };
        for (i, episode) in episodes.iter().enumerate().filter(|(i, _)| halves.of(*i) == 1) {
            joined.q[episode.range()].copy_from_slice(&second.q[episode.range()]);
            let rows = episode.first_step + i..=episode.first_step + i + episode.steps;
            joined.v[rows.clone()].copy_from_slice(&second.v[rows]);
        }
        let starts =
            episodes.iter().enumerate().flat_map(|(i, episode)| episode.range().map(move |step| step + i));
        let of_policy: Vec<f64> = starts.map(|row| of_all.v[row]).collect();
        let enough = of_samples.len() > 1 && episodes.len() >= EPISODES_MIN;
        let interval = enough.then(|| {
            let half = student_quantile(of_samples.len() - 1) * standard_deviation(&of_samples);
            (value - half, value + half)
        });
        let estimate = Estimate { value, interval }.within(problem.bounds());
        let missing = options.fitted_q.missing_share(options.gamma);
        let unfinished = (missing > MISSING_MAX).then(|| {
            let (updates, percent) = (options.fitted_q.updates, 100.0 * missing);
            format!(
                "{updates} updates are too few with this discount: {percent:.0} % of a value may be missing"
            )
        });
        Ok(Some(Self { estimate, unfinished, halves: joined, mean_q: [mean(&of_all.q), mean(&of_policy)] }))
    }

    /// Their estimate, which is trusted if the data support the policy's actions.
    pub(super) fn judged(&self, unsupported: f64) -> Estimated {
        let against = (unsupported > UNSUPPORTED_MAX).then(|| {
            let percent = 100.0 * unsupported;
            format!("{percent:.0} % of the policy's actions are hardly ever recorded where it takes them")
        });
        let against = against.or_else(|| self.unfinished.clone());
        judged(Estimator::FittedQ, self.estimate, None, against.as_deref())
    }
}
