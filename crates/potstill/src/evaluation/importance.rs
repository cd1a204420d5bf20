//! Importance sampling (Precup, Sutton and Singh 2000): returns of the behaviour's episodes, weighted by the
//! ratio of the probabilities that both policies give to their actions.
//!
//! With the ratio `rho_t = pi(a_t|s_t) / b(a_t|s_t)` of a step, `rho_{0:t}` their product up to it and `n`
//! episodes:
//!
//! | estimator | value | |
//! |---|---|---|
//! | [ordinary] | `1/n sum_i rho_i G_i` | unbiased |
//! | [weighted] | `sum_i rho_i G_i / sum_i rho_i` | biased, consistent, of far lower variance |
//! | [per decision](per_decision) | `1/n sum_i sum_t gamma^t rho_{0:t} r_t` | unbiased: a reward does not depend on later actions |
//! | [weighted per decision](weighted_per_decision) | `sum_t gamma^t sum_i rho_{0:t} r_t / sum_i rho_{0:t}` | biased, consistent |
//!
//! An episode that was truncated ends there: its return is what was recorded, the return within the time
//! limit.
//!
//! Differences from the paper: the weighted per-decision estimator divides by the weights of each step
//! (Thomas 2015, section 3.9), where an ended episode keeps its last ratio, not by one sum for all steps; the
//! latter is not consistent.

use potstill_core::math::{exp_f64, ln_f64};

/// An episode as estimators see it: the ratios of its actions and its rewards, and estimates of values where
/// there are any.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Logged {
    /// `pi(a|s) / b(a|s)` of each step.
    pub ratios: Vec<f64>,
    /// The reward of each step.
    pub rewards: Vec<f64>,
    /// Estimates of `Q(s, a)` of each step.
    pub q: Vec<f64>,
    /// Estimates of `V(s)` of each state, one more than steps: 0 after a terminal one.
    pub v: Vec<f64>,
}

impl Logged {
    /// The ratio of the whole episode.
    pub fn ratio(&self) -> f64 {
        self.ratios.iter().product()
    }

    /// The discounted return.
    pub fn discounted_return(&self, gamma: f64) -> f64 {
        self.rewards.iter().rev().fold(0.0, |after, reward| reward + gamma * after)
    }
}

/// Ordinary importance sampling.
///
/// # Panics
/// If there is no episode.
pub fn ordinary(episodes: &[&Logged], gamma: f64) -> f64 {
    let weighted = episodes.iter().map(|episode| match episode.ratio() {
        0.0 => 0.0,
        rho => rho * episode.discounted_return(gamma),
    });
    weighted.sum::<f64>() / count(episodes)
}

/// Weighted importance sampling; 0 / 0 if all ratios are 0.
pub fn weighted(episodes: &[&Logged], gamma: f64) -> f64 {
    let ratios: f64 = episodes.iter().map(|episode| episode.ratio()).sum();
    ordinary(episodes, gamma) * count(episodes) / ratios
}

/// Importance sampling per decision.
///
/// # Panics
/// If there is no episode.
pub fn per_decision(episodes: &[&Logged], gamma: f64) -> f64 {
    let of_episode = |episode: &&Logged| {
        let (mut weight, mut sum) = (1.0, 0.0);
        for (rho, reward) in episode.ratios.iter().zip(&episode.rewards) {
            // weight = gamma^t rho_{0:t}
            weight *= rho;
            if weight == 0.0 {
                break;
            }
            sum += weight * reward;
            weight *= gamma;
        }
        sum
    };
    episodes.iter().map(of_episode).sum::<f64>() / count(episodes)
}

/// Weighted importance sampling per decision; 0 / 0 if all ratios of the first step are 0.
pub fn weighted_per_decision(episodes: &[&Logged], gamma: f64) -> f64 {
    let sums = sums_of_ratios(episodes);
    let mut sum = 0.0;
    for episode in episodes {
        let (mut rho, mut discount) = (1.0, 1.0);
        for (t, (ratio, reward)) in episode.ratios.iter().zip(&episode.rewards).enumerate() {
            rho *= ratio;
            if rho == 0.0 {
                break;
            }
            sum += discount * rho / sums[t] * reward;
            discount *= gamma;
        }
    }
    if sums.first().is_some_and(|&first| first == 0.0) { f64::NAN } else { sum }
}

/// `sum_i rho_{0:t}` of each step `t` of the longest episode, where an ended episode keeps its last ratio.
pub(super) fn sums_of_ratios(episodes: &[&Logged]) -> Vec<f64> {
    let longest = episodes.iter().map(|episode| episode.ratios.len()).max().unwrap_or(0);
    let (mut sums, mut ended) = (vec![0.0; longest], vec![0.0; longest + 1]);
    for episode in episodes {
        let mut rho = 1.0;
        for (ratio, sum) in episode.ratios.iter().zip(&mut sums) {
            rho *= ratio;
            if rho == 0.0 {
                break;
            }
            *sum += rho;
        }
        ended[episode.ratios.len()] += rho;
    }
    let mut kept = 0.0;
    for (sum, ended) in sums.iter_mut().zip(&ended) {
        kept += ended;
        *sum += kept;
    }
    sums
}

/// The effective sample size `(sum w)^2 / sum w^2` of weights (Kish 1965); 0 if all are 0.
pub fn effective_sample_size(weights: impl Iterator<Item = f64> + Clone) -> f64 {
    // Squares of huge weights overflow.
    let greatest = weights.clone().fold(0.0, f64::max);
    if greatest == 0.0 {
        return 0.0;
    }
    let (sum, squares) = weights.fold((0.0, 0.0), |(sum, squares), weight| {
        let share = weight / greatest;
        (sum + share, squares + share * share)
    });
    sum * sum / squares
}

/// The index `k` of the tail of weights: a generalised Pareto distribution is fitted to the largest `3
/// sqrt(n)` of them, at most a fifth (Vehtari, Simpson, Gelman, Yao and Gabry 2024; the fit of Zhang and
/// Stephens 2009). Moments from `1 / k` on are infinite; above 0.7 the weights that matter are too rare for
/// an estimate. `None` of fewer than five positive weights in the tail.
pub fn tail_index(weights: impl Iterator<Item = f64>) -> Option<f64> {
    let mut sorted: Vec<f64> = weights.collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let tail = (sorted.len() as f64 / 5.0).min(3.0 * (sorted.len() as f64).sqrt()).ceil() as usize;
    let (below, largest) = sorted.split_at(sorted.len() - tail);
    let cutoff = *below.last()?;
    let x: Vec<f64> = largest.iter().map(|weight| weight - cutoff).filter(|x| *x > 0.0).collect();
    if x.len() < 5 {
        return None;
    }
    let n = x.len() as f64;
    let points = 30 + n.sqrt() as usize;
    let (quartile, greatest) = (x[(n / 4.0 + 0.5) as usize - 1], x[x.len() - 1]);
    let index = |b: f64| x.iter().map(|x| ln_f64(1.0 - b * x)).sum::<f64>() / n;
    let scales: Vec<f64> = (1..=points)
        .map(|j| 1.0 / greatest + (1.0 - (points as f64 / (j as f64 - 0.5)).sqrt()) / (3.0 * quartile))
        .collect();
    let likelihoods: Vec<f64> = scales
        .iter()
        .map(|&b| {
            let k = index(b);
            n * (ln_f64(-b / k) - k - 1.0)
        })
        .collect();
    let posterior = |own: f64| 1.0 / likelihoods.iter().map(|other| exp_f64(other - own)).sum::<f64>();
    let b: f64 = scales.iter().zip(&likelihoods).map(|(b, own)| b * posterior(*own)).sum();
    // Ten observations of 0.5, which is a weak prior.
    Some((n * index(b) + 10.0 * 0.5) / (n + 10.0))
}

pub(super) fn count(episodes: &[&Logged]) -> f64 {
    assert!(!episodes.is_empty(), "an episode");
    episodes.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimates_by_hand() {
        let episode = |ratios: &[f64], rewards: &[f64]| Logged {
            ratios: ratios.to_vec(),
            rewards: rewards.to_vec(),
            ..Logged::default()
        };
        let episodes =
            [episode(&[2.0, 0.5], &[1.0, 4.0]), episode(&[0.5], &[8.0]), episode(&[0.0, 3.0], &[1.0, 1.0])];
        let all: Vec<&Logged> = episodes.iter().collect();
        let check = |estimator: fn(&[&Logged], f64) -> f64, expected: f64| {
            let value = estimator(&all, 0.5);
            assert!((value - expected).abs() < 1e-12, "{value} {expected}");
        };
        // Returns 1 + 0.5 x 4 = 3, 8 and 1.5 with ratios 1, 0.5 and 0.
        check(ordinary, (3.0 + 4.0) / 3.0);
        check(weighted, 7.0 / 1.5);
        // 2 x 1 + 0.5 x 1 x 4 = 4 and 0.5 x 8 = 4.
        check(per_decision, 8.0 / 3.0);
        // Step 0 has the weights 2, 0.5 and 0, step 1 those of 1, 0.5 (kept) and 0.
        check(weighted_per_decision, (2.0 + 4.0) / 2.5 + 0.5 * 4.0 / 1.5);
        assert_eq!(effective_sample_size([1.0, 0.5, 0.0].into_iter()), 1.5 * 1.5 / 1.25);
        assert_eq!(effective_sample_size([1e200, 1e200].into_iter()), 2.0);
        assert_eq!(effective_sample_size([0.0].into_iter()), 0.0);
        // No episode is the policy's.
        let none = [&episodes[2]];
        assert_eq!((ordinary(&none, 1.0), per_decision(&none, 1.0)), (0.0, 0.0));
        assert!(weighted(&none, 1.0).is_nan() && weighted_per_decision(&none, 1.0).is_nan());
    }

    #[test]
    fn the_tail_of_weights_has_an_index() {
        // Quantiles of Pareto distributions, whose index is 1 / alpha; of exponential weights it is 0, and
        // the prior draws all towards 0.5. A second program, in Python, gives these numbers.
        let check = |quantile: fn(f64) -> f64, expected: f64| {
            let weights = (0..1000).map(|i| quantile((f64::from(i) + 0.5) / 1000.0));
            let found = tail_index(weights).unwrap();
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        };
        check(|p| (1.0 - p).powi(-1), 0.931_073_024);
        check(|p| (1.0 - p).powf(-0.5), 0.497_085_961);
        check(|p| -ln_f64(1.0 - p), 0.063_030_080);
        assert_eq!(tail_index([0.0; 100].into_iter()), None);
        assert_eq!(tail_index([].into_iter()), None);
    }
}
