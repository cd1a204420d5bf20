//! The tree-structured Parzen estimator (Bergstra et al. 2011, "Algorithms for hyper-parameter optimization",
//! section 4).
//!
//! Trials are split by their cost `y` at a quantile `y*`, and each key has two densities: `l(x)` of the
//! values of trials with `y < y*`, and `g(x)` of the others. The expected improvement grows with `l(x) /
//! g(x)`: of candidates that are drawn from `l`, the one with the largest ratio is proposed. Keys are
//! independent of each other.
//!
//! A density is a mixture: a truncated normal around each observed value, as wide as the farther of its two
//! neighbours is away, and one over the whole range, the prior. Of choices it is the counts of observations,
//! with the prior spread over all choices.
//!
//! Differences from the paper: constants and widths are those of Optuna 5.0 (Watanabe 2023,
//! arXiv:2304.11127), against which the densities are tested. `y*` is the best tenth, at most 25 trials,
//! where the paper has the best 15 %; old observations weigh less from 25 on; widths have a lower bound that
//! falls with the number of observations. There is no tree: a search has no key that exists only with some
//! value of another.

use super::space::{Domain, Scale};
use potstill_core::Pcg64;
use potstill_core::math::{erfc_f64, exp_f64, ln_f64, sqrt_f64};

/// Candidates that are drawn from `l`, of which the best is proposed.
const CANDIDATES: usize = 24;
/// Most trials below `y*`.
const BELOW_MAX: usize = 25;
/// Newest observations that weigh 1.
const RECENT: usize = 25;
/// Largest number of kernels that narrows the lower bound of widths.
const NARROWEST: f64 = 100.0;

/// The number of trials below `y*`, of so many.
pub(super) fn below(trials: usize) -> usize {
    trials.div_ceil(10).min(BELOW_MAX)
}

/// Proposes a value, given those of trials below and above `y*`, each in the order of time.
pub(super) fn propose(domain: &Domain, below: &[f64], above: &[f64], rng: &mut Pcg64) -> f64 {
    let (l, g) = (Parzen::new(domain, below), Parzen::new(domain, above));
    let mut best = (f64::NEG_INFINITY, 0.0);
    for _ in 0..CANDIDATES {
        let x = l.sample(rng);
        let ratio = ln_f64(l.density(x)) - ln_f64(g.density(x));
        if ratio > best.0 {
            best = (ratio, x);
        }
    }
    best.1
}

/// The density of observed values.
#[derive(Clone, Debug)]
enum Parzen {
    /// The probability of each choice.
    Choices(Vec<f64>),
    /// A mixture of normal distributions, truncated to a scale.
    Numbers { scale: Scale, kernels: Vec<Kernel> },
}

/// A truncated normal distribution with its weight in a mixture.
#[derive(Clone, Copy, Debug)]
struct Kernel {
    weight: f64,
    mu: f64,
    sigma: f64,
}

impl Parzen {
    fn new(domain: &Domain, observed: &[f64]) -> Self {
        let mut weights = weights(observed.len());
        // The prior's.
        weights.push(1.0);
        let total: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|weight| *weight /= total);
        match (domain, domain.scale()) {
            (Domain::Choice(choices), _) => Self::Choices(probabilities(choices.len(), observed, &weights)),
            (_, Some(scale)) => Self::Numbers { scale, kernels: kernels(&scale, observed, &weights) },
            (_, None) => unreachable!("numbers have a scale"),
        }
    }

    /// The probability of a choice or a whole number; the density of another number, on its scale.
    fn density(&self, x: f64) -> f64 {
        match self {
            Self::Choices(probabilities) => probabilities[x as usize],
            Self::Numbers { scale, kernels } => {
                let of_kernel = |kernel: &Kernel| {
                    let Kernel { weight, mu, sigma } = *kernel;
                    let standard = |z: f64| (z - mu) / sigma;
                    let inside = mass(standard(scale.low), standard(scale.high));
                    let of_x = match scale.cell(x) {
                        Some((left, right)) => mass(standard(left), standard(right)),
                        None => normal(standard(scale.place(x))) / sigma,
                    };
                    weight * of_x / inside
                };
                kernels.iter().map(of_kernel).sum()
            }
        }
    }

    fn sample(&self, rng: &mut Pcg64) -> f64 {
        match self {
            Self::Choices(probabilities) => drawn(probabilities.iter().copied(), rng) as f64,
            Self::Numbers { scale, kernels } => {
                let Kernel { mu, sigma, .. } =
                    kernels[drawn(kernels.iter().map(|kernel| kernel.weight), rng)];
                // A mean lies within the ends and a width is at most their distance: at least a third is
                // accepted.
                loop {
                    let z = mu + sigma * rng.normal();
                    if (scale.low..=scale.high).contains(&z) {
                        return scale.number(z);
                    }
                }
            }
        }
    }
}

/// The weights of so many observations in the order of time: 1 of the newest, and a ramp of the others.
fn weights(count: usize) -> Vec<f64> {
    let old = count.saturating_sub(RECENT);
    let first = 1.0 / count.max(1) as f64;
    let ramp = (0..old).map(|i| first + (1.0 - first) * i as f64 / (old.max(2) - 1) as f64);
    ramp.chain((old..count).map(|_| 1.0)).collect()
}

/// The probabilities of choices: each observation, and the prior, with its weight.
fn probabilities(choices: usize, observed: &[f64], weights: &[f64]) -> Vec<f64> {
    let kernels = observed.len() + 1;
    let even = 1.0 / kernels as f64;
    // An observation counts 1 for its choice, and all have the prior's share on top.
    let all = 1.0 + choices as f64 * even;
    let of_choice = |choice: usize| {
        let of_kernel = |(i, weight): (usize, &f64)| match observed.get(i) {
            Some(value) => weight * (even + f64::from(*value as usize == choice)) / all,
            None => weight / choices as f64,
        };
        weights.iter().enumerate().map(of_kernel).sum()
    };
    (0..choices).map(of_choice).collect()
}

/// The kernels around observed values, and the prior's.
fn kernels(scale: &Scale, observed: &[f64], weights: &[f64]) -> Vec<Kernel> {
    let width = scale.high - scale.low;
    let narrowest = width / (2.0 + observed.len() as f64).min(NARROWEST);
    let places: Vec<f64> = observed.iter().map(|x| scale.place(*x)).collect();
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_by(|a, b| places[*a].total_cmp(&places[*b]));
    let mut sigmas = vec![0.0; places.len()];
    for (rank, &i) in order.iter().enumerate() {
        let before = rank.checked_sub(1).map(|rank| places[i] - places[order[rank]]);
        let after = order.get(rank + 1).map(|next| places[*next] - places[i]);
        let sigma = match (before, after) {
            (Some(before), Some(after)) => before.max(after),
            // The ends of the range are no neighbours, but of a single observation.
            (Some(only), None) | (None, Some(only)) => only,
            (None, None) => (places[i] - scale.low).max(scale.high - places[i]),
        };
        sigmas[i] = sigma.clamp(narrowest, width);
    }
    let prior = Kernel { weight: weights[places.len()], mu: 0.5 * (scale.low + scale.high), sigma: width };
    let around = places.iter().zip(sigmas).zip(weights);
    around.map(|((mu, sigma), weight)| Kernel { weight: *weight, mu: *mu, sigma }).chain([prior]).collect()
}

/// An index, drawn with these probabilities.
fn drawn(probabilities: impl ExactSizeIterator<Item = f64>, rng: &mut Pcg64) -> usize {
    let last = probabilities.len() - 1;
    let mut rest = rng.unit();
    let mut index = 0;
    for probability in probabilities {
        rest -= probability;
        if rest < 0.0 {
            break;
        }
        index += 1;
    }
    index.min(last)
}

/// The density of the standard normal distribution.
fn normal(x: f64) -> f64 {
    exp_f64(-0.5 * x * x) / sqrt_f64(2.0 * std::f64::consts::PI)
}

/// The probability of an interval under the standard normal distribution.
fn mass(a: f64, b: f64) -> f64 {
    let below = |x: f64| 0.5 * erfc_f64(-x * std::f64::consts::FRAC_1_SQRT_2);
    // In the right tail by symmetry, where probabilities near 1 would cancel.
    if a > 0.0 { below(-a) - below(-b) } else { below(b) - below(a) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn numbers(values: &Value) -> Vec<f64> {
        values.as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
    }

    #[test]
    fn densities_are_optunas() {
        let golden: Value =
            serde_json::from_str(include_str!("../../../../testdata/optuna/tpe.json")).unwrap();
        let cases = golden["densities"].as_array().unwrap();
        assert_eq!(cases.len(), 14);
        for case in cases {
            let text = case["domain"].as_str().unwrap();
            let parzen = Parzen::new(&text.parse().unwrap(), &numbers(&case["observed"]));
            for (x, expected) in numbers(&case["at"]).into_iter().zip(numbers(&case["log_density"])) {
                let found = ln_f64(parzen.density(x));
                let error = (found - expected).abs() / expected.abs().max(1.0);
                assert!(error < 1e-9, "{text} at {x}: {found} for {expected}");
            }
        }
    }

    #[test]
    fn the_split_and_the_weights_are_optunas() {
        let golden: Value =
            serde_json::from_str(include_str!("../../../../testdata/optuna/tpe.json")).unwrap();
        for case in golden["weights"].as_array().unwrap() {
            let trials = case["trials"].as_u64().unwrap() as usize;
            assert_eq!(below(trials) as u64, case["below"].as_u64().unwrap(), "{trials}");
            let expected = numbers(&case["weights"]);
            let found = weights(trials);
            assert_eq!(found.len(), expected.len());
            for (weight, expected) in found.iter().zip(expected) {
                assert!((weight - expected).abs() < 1e-12, "of {trials}: {weight} for {expected}");
            }
        }
    }

    #[test]
    fn samples_have_the_density_that_they_are_drawn_from() {
        let check = |text: &str, observed: &[f64], edges: &[f64]| {
            let domain: Domain = text.parse().unwrap();
            let parzen = Parzen::new(&domain, observed);
            let mut rng = Pcg64::new(7);
            const DRAWS: usize = 40_000;
            let draws: Vec<f64> = (0..DRAWS).map(|_| parzen.sample(&mut rng)).collect();
            for ends in edges.windows(2) {
                let share =
                    draws.iter().filter(|x| (ends[0]..ends[1]).contains(x)).count() as f64 / DRAWS as f64;
                // Simpson's rule on the scale; of whole numbers and choices a sum.
                let expected = match domain.scale().filter(|scale| scale.cell(ends[0]).is_none()) {
                    None => (ends[0] as u64..ends[1] as u64).map(|x| parzen.density(x as f64)).sum::<f64>(),
                    Some(scale) => {
                        let (low, high) = (scale.place(ends[0]), scale.place(ends[1]));
                        let h = (high - low) / 200.0;
                        let at = |i: usize| parzen.density(scale.number(low + i as f64 * h));
                        let inner: f64 = (1..200).map(|i| if i % 2 == 1 { 4.0 } else { 2.0 } * at(i)).sum();
                        (at(0) + inner + at(200)) * h / 3.0
                    }
                };
                // Five standard errors of a share.
                assert!(
                    (share - expected).abs() < 5.0 * 0.5 / 200.0,
                    "{text}, {ends:?}: {share} for {expected}"
                );
            }
        };
        check("uniform:0:10", &[2.0, 3.0, 9.5], &[0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        check("log:1e-4:1e-2", &[2e-4, 3e-4], &[1e-4, 2e-4, 5e-4, 1e-3, 1e-2]);
        check("int-log:1:64", &[2.0, 2.0, 60.0], &[1.0, 2.0, 3.0, 10.0, 65.0]);
        check("a|b|c", &[2.0, 2.0, 0.0], &[0.0, 1.0, 2.0, 3.0]);
    }

    #[test]
    fn the_best_region_is_proposed() {
        let domain: Domain = "uniform:0:1".parse().unwrap();
        let above: Vec<f64> = (0..20).map(|i| f64::from(i) / 20.0).collect();
        let near = (0..200).filter(|&seed| {
            let x = propose(&domain, &[0.3, 0.32], &above, &mut Pcg64::new(seed));
            (0.2..0.42).contains(&x)
        });
        // Over the whole range they would be 44.
        let near = near.count();
        assert!(near > 180, "{near}");
        // A choice that only bad trials have is not proposed.
        let domain: Domain = "a|b".parse().unwrap();
        let bad = (0..200).filter(|&seed| propose(&domain, &[1.0], &[0.0; 9], &mut Pcg64::new(seed)) == 0.0);
        assert_eq!(bad.count(), 0);
    }
}
