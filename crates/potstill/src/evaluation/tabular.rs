//! Evaluation on tables: everything is counted, and counted again in each sample of the bootstrap.
//!
//! The rest of an episode after a pair without a record counts 0 in all estimates. It could be anything, so
//! that intervals reach as far as the lowest and the highest recorded rest of an episode would take them. A
//! sample of the bootstrap lacks more pairs than the data do; without this its estimates lie to one side of
//! the value.

use super::assessment::{
    Coverage, Evaluated, Evaluation, RecordedBy, UNSUPPORTED_MAX, entropy, judged, never, weighted_estimates,
};
use super::bootstrap::intervals;
use super::fits::whole_episodes;
use super::importance::{Logged, effective_sample_size};
use super::moments::Moments;
use super::options::{EvaluationError, EvaluationOptions};
use super::policy::table_probabilities;
use super::tables::{Counts, Sweeps, Walks, propagated};
use super::verdict::Estimator;
use crate::data::OfflineDataset;
use crate::model::{Model, QTable};
use crate::train::statistics::{Center, Estimate};
use potstill_core::math::ln_f64;

/// A policy on the recorded episodes of a table.
struct Tabular<'a> {
    walks: &'a Walks,
    target: Vec<f64>,
    /// The probabilities of the behaviour, if it is known.
    known: Option<Vec<f64>>,
    gamma: f64,
    horizon: usize,
    /// The lowest and the highest recorded return of the rest of an episode.
    rests: [f64; 2],
}

/// Everything that a sample of episodes says.
struct Sample<'a> {
    counts: Counts<'a>,
    behaviour: Vec<f64>,
    sweeps: Sweeps,
    logged: Vec<Logged>,
}

impl<'a> Tabular<'a> {
    fn sample(&self, episodes: &[usize]) -> Sample<'a> {
        let counts = self.walks.count(episodes);
        let behaviour = self.known.clone().unwrap_or_else(|| counts.behaviour());
        let sweeps = counts.fitted_q(&self.target, self.gamma, self.horizon);
        let whole = |&&episode: &&usize| {
            let record = self.walks.episodes()[episode];
            record.terminated || record.truncated
        };
        let logged =
            episodes.iter().filter(whole).map(|&episode| self.logged(episode, &behaviour, &sweeps)).collect();
        Sample { counts, behaviour, sweeps, logged }
    }

    fn logged(&self, episode: usize, behaviour: &[f64], sweeps: &Sweeps) -> Logged {
        let rewards = self.walks.rewards(episode).to_vec();
        let actions = self.walks.actions();
        let mut logged = Logged { rewards, ..Logged::default() };
        for (t, pair) in self.walks.pairs(episode).enumerate() {
            let steps = self.horizon - t;
            logged.ratios.push(self.target[pair] / behaviour[pair]);
            logged.q.push(sweeps.q(steps)[pair]);
            logged.v.push(sweeps.v(steps)[pair / actions]);
        }
        let steps = self.horizon - logged.rewards.len();
        logged.v.push(self.walks.cut(episode).map_or(0.0, |state| sweeps.v(steps)[state]));
        logged
    }
}

impl Sample<'_> {
    /// The estimates of [`Estimator::WEIGHTED`] and of fitted Q evaluation.
    fn estimates(&self, tabular: &Tabular<'_>) -> Vec<f64> {
        let mut estimates = weighted_estimates(&self.logged.iter().collect::<Vec<_>>(), tabular.gamma);
        estimates.push(self.counts.start_value(self.sweeps.v(tabular.horizon)));
        estimates
    }

    /// The same with the lowest rest after unrecorded pairs, and then with the highest.
    fn bounds(&self, tabular: &Tabular<'_>) -> Vec<f64> {
        let estimates = self.estimates(tabular);
        let unrecorded = self.counts.unrecorded(&tabular.target, tabular.gamma, tabular.horizon);
        let with = |rest: f64| estimates.iter().map(move |estimate| estimate + unrecorded * rest);
        tabular.rests.into_iter().flat_map(with).collect()
    }

    /// The effective sample size: the one that is seen, or the expected one under the counted model if that
    /// is smaller.
    fn effective_sample_size(&self, tabular: &Tabular<'_>) -> f64 {
        let seen = effective_sample_size(self.logged.iter().map(Logged::ratio));
        // The behaviour takes no action that was not recorded; the ratio of such a one would be infinite.
        let behaviour = self.counts.behaviour();
        let both = behaviour.iter().zip(&self.behaviour).zip(&tabular.target);
        let possible: Vec<f64> =
            both.map(|((seen, known), pi)| if *seen > 0.0 && *known > 0.0 { *pi } else { 0.0 }).collect();
        let moments = Moments::of(
            &self.counts.model(),
            [&self.behaviour, &possible],
            (tabular.gamma, tabular.horizon),
            &Sweeps::zero(tabular.walks.states(), tabular.walks.actions()),
        );
        let expected = self.logged.len() as f64 / moments.squared_ratio;
        seen.min(expected)
    }
}

/// Evaluates a policy over the values of a table.
pub(super) fn evaluate(
    data: &OfflineDataset,
    (table, evaluated): (&QTable, Evaluated<'_>),
    recorded_by: RecordedBy<'_>,
    options: &EvaluationOptions<'_>,
) -> Result<Evaluation, EvaluationError> {
    let refuse = |reason: &str| EvaluationError::Data(reason.to_owned());
    let walks = &Walks::new(data).ok_or_else(|| refuse("its states and actions are not those of a table"))?;
    let (states, actions) = (walks.states(), walks.actions());
    whole_episodes(data.episodes())?;
    let uniform = || vec![1.0 / actions as f64; states * actions];
    let known = match recorded_by {
        RecordedBy::Unknown => None,
        RecordedBy::Random => Some(uniform()),
        RecordedBy::Policy(Model::Table(table), policy) => Some(table_probabilities(table, policy)),
        RecordedBy::Policy(..) => {
            return Err(refuse("the policy that is said to have recorded it has no table"));
        }
    };
    if let Some(known) = &known {
        for episode in 0..walks.episodes().len() {
            if let Some(step) = walks.pairs(episode).position(|pair| known[pair] == 0.0) {
                return Err(never(episode, step));
            }
        }
    }
    // Returns of truncated episodes are those of so many steps.
    let longest = walks.episodes().iter().map(|episode| episode.steps).max().unwrap_or(1);
    let is_truncated = walks.episodes().iter().any(|episode| episode.truncated);
    let horizon = if is_truncated { longest } else { longest.max(evaluated.time_limit) };
    let gamma = options.gamma;
    let target = table_probabilities(table, evaluated.policy);
    let tabular = Tabular { walks, target, known, gamma, horizon, rests: walks.rests(gamma) };
    let all: Vec<usize> = (0..walks.episodes().len()).collect();
    let sample = tabular.sample(&all);
    let mut values = sample.estimates(&tabular);
    let bounds = intervals(all.len(), options, |episodes| tabular.sample(episodes).bounds(&tabular))?;
    let (lowest, highest) = bounds.split_at(values.len());
    let mut intervals: Vec<Option<(f64, f64)>> = lowest
        .iter()
        .zip(highest)
        .map(|(lowest, highest)| Some((lowest.as_ref()?.0, highest.as_ref()?.1)))
        .collect();
    // On tables the value under the counted model is that of fitted Q evaluation in every sample.
    values.push(propagated(&sample.counts.model(), &tabular.target, gamma, horizon));
    intervals.push(intervals[intervals.len() - 1]);
    let unrecorded = sample.counts.unrecorded(&tabular.target, 1.0, horizon);
    let against = (unrecorded > UNSUPPORTED_MAX).then(|| {
        let percent = 100.0 * unrecorded;
        format!("in {percent:.0} % of its episodes the policy takes an action where it was never recorded")
    });
    let size = sample.effective_sample_size(&tabular);
    let estimates = Estimator::ALL.iter().zip(values.into_iter().zip(intervals)).map(
        |(&estimator, (value, interval))| {
            let size = Estimator::WEIGHTED.contains(&estimator).then_some(size);
            judged(estimator, Estimate { value, interval }, size, against.as_deref())
        },
    );
    let returns: Vec<f64> = sample.logged.iter().map(|episode| episode.discounted_return(gamma)).collect();
    let of_pairs = sample.counts.of_pairs();
    let weighted = |of: &dyn Fn(usize) -> f64| {
        of_pairs.iter().enumerate().map(|(pair, count)| count * of(pair)).sum::<f64>() / data.steps() as f64
    };
    let (counted, q, v) = (sample.counts.behaviour(), sample.sweeps.q(horizon), sample.sweeps.v(horizon));
    let entropies: Vec<f64> = counted.chunks_exact(actions).map(entropy).collect();
    let recorded = of_pairs.iter().filter(|count| **count > 0.0).count();
    let visited =
        of_pairs.chunks_exact(actions).filter(|counts| counts.iter().any(|count| *count > 0.0)).count();
    Ok(Evaluation {
        behaviour: Center::Mean.estimate(&returns),
        probabilities: recorded_by.words("shares of counts"),
        estimates: estimates.collect(),
        inapplicable: Vec::new(),
        cut_off: all.len() - returns.len(),
        horizon: Some(horizon),
        coverage: Coverage {
            pairs: Some([[visited, states], [recorded, states * actions]]),
            action_entropy: Some([weighted(&|pair| entropies[pair / actions]), ln_f64(actions as f64)]),
            unsupported: unrecorded,
            mean_q: Some([weighted(&|pair| q[pair]), weighted(&|pair| v[pair / actions])]),
        },
        remarks: Vec::new(),
    })
}
