//! Samplers: proposals of values for the trials of a search.

use super::halton::Halton;
use super::space::{Parameter, Space};
use super::tpe;
use crate::config::words;
use potstill_core::Streams;
use std::cmp::Ordering;

/// Evaluated trials from which on values are learned from them.
const STARTUP: usize = 10;

words! {
    /// The source of proposals.
    pub enum Sampler: "random, quasi-random or tpe" {
        /// Independent random values (Bergstra and Bengio 2012).
        Random = "random",
        /// Points of a randomised Halton sequence, which fill the space evenly.
        QuasiRandom = "quasi-random",
        /// The tree-structured Parzen estimator, which learns from earlier trials; random values for the
        /// first ten.
        Tpe = "tpe",
    }
}

/// The standing of a trial among others: the better one is less.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Standing {
    /// It was run to its end, with this cost: the score, so that less is better.
    Finished(f64),
    /// It has so many evaluations, of which the best has this cost.
    Evaluated(usize, f64),
    /// It failed.
    Failed,
    /// It has not been evaluated yet.
    Pending,
}

impl Standing {
    /// The order of trials: finished ones by their cost, then those with more evaluations, of equally many
    /// those with less cost, then those that failed.
    pub fn order(&self, other: &Self) -> Ordering {
        let class = |standing: &Self| match standing {
            Self::Finished(_) => 0,
            Self::Evaluated(..) => 1,
            Self::Failed => 2,
            Self::Pending => 3,
        };
        match (self, other) {
            (Self::Finished(a), Self::Finished(b)) => a.total_cmp(b),
            (Self::Evaluated(i, a), Self::Evaluated(j, b)) => j.cmp(i).then(a.total_cmp(b)),
            _ => class(self).cmp(&class(other)),
        }
    }
}

/// The values of a trial, with its standing.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// A value for each key of the space.
    pub values: Vec<f64>,
    /// Its standing.
    pub standing: Standing,
}

impl Sampler {
    /// Proposes the values of trial `number` of a search, given the trials before it. Trials under way count
    /// as bad ones (Optuna's constant liar), so that those of a round differ; without that, rounds of eight
    /// learn little.
    pub fn propose(self, space: &Space, streams: Streams, number: u64, trials: &[Observation]) -> Vec<f64> {
        let parameters = space.parameters();
        let mut rng = streams.indexed("proposals", number);
        let mut random = || parameters.iter().map(|parameter| parameter.domain.at(rng.unit())).collect();
        match self {
            Self::Random => random(),
            Self::QuasiRandom => {
                let point = Halton::new(parameters.len(), &mut streams.stream("permutations")).point(number);
                parameters.iter().zip(point).map(|(parameter, u)| parameter.domain.at(u)).collect()
            }
            Self::Tpe => {
                let known = trials.iter().filter(|trial| trial.standing != Standing::Pending).count();
                if known < STARTUP {
                    return random();
                }
                let mut best: Vec<usize> = (0..trials.len()).collect();
                best.sort_by(|a, b| trials[*a].standing.order(&trials[*b].standing));
                best.truncate(tpe::below(known));
                let column = |i: usize, is_below: bool| -> Vec<f64> {
                    let of = trials.iter().enumerate().filter(|(trial, _)| best.contains(trial) == is_below);
                    of.map(|(_, trial)| trial.values[i]).collect()
                };
                let propose = |(i, parameter): (usize, &Parameter)| {
                    tpe::propose(&parameter.domain, &column(i, true), &column(i, false), &mut rng)
                };
                parameters.iter().enumerate().map(propose).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trials_stand_by_length_then_cost() {
        use Standing::{Evaluated, Failed, Finished, Pending};
        let sorted = [
            Finished(-3.0),
            Finished(1.0),
            Evaluated(9, 5.0),
            Evaluated(9, 6.0),
            Evaluated(3, -9.0),
            Failed,
            Pending,
        ];
        for (i, a) in sorted.iter().enumerate() {
            for (j, b) in sorted.iter().enumerate() {
                assert_eq!(a.order(b), i.cmp(&j), "{a:?} {b:?}");
            }
        }
    }

    /// The cost of two numbers and a choice: lowest, 0, at 0.003, 40 and `b`.
    fn cost(values: &[f64]) -> f64 {
        let rate = 0.5 * potstill_core::math::ln_f64(values[0] / 0.003);
        let units = (values[1] - 40.0) / 40.0;
        rate * rate + units * units + f64::from(values[2] != 1.0)
    }

    /// The lowest cost of 48 trials in rounds of 8.
    fn lowest(sampler: Sampler, seed: u64) -> f64 {
        let texts = ["rate=log:1e-5:1e-1", "units=int:1:256", "kind=a|b|c"].map(str::to_owned);
        let space = Space::parse(&texts).unwrap();
        let mut trials: Vec<Observation> = Vec::new();
        for round in 0..6 {
            for i in 0..8 {
                let values = sampler.propose(&space, Streams::new(seed), round * 8 + i, &trials);
                trials.push(Observation { values, standing: Standing::Pending });
            }
            for trial in &mut trials {
                trial.standing = Standing::Finished(cost(&trial.values));
            }
        }
        trials.iter().map(|trial| cost(&trial.values)).fold(f64::INFINITY, f64::min)
    }

    #[test]
    fn what_is_learned_beats_chance() {
        const SEEDS: u64 = 100;
        let of = |sampler| (0..SEEDS).map(|seed| lowest(sampler, seed)).collect::<Vec<f64>>();
        let [random, tpe] = [Sampler::Random, Sampler::Tpe].map(of);
        let mean = |costs: &[f64]| costs.iter().sum::<f64>() / SEEDS as f64;
        let wins = tpe.iter().zip(&random).filter(|(tpe, random)| tpe < random).count();
        // Over eight blocks of a hundred seeds: means from 0.11 to 0.19 and from 0.44 to 0.56, 77 to 89 wins.
        // With trials under way left out, the means of TPE are from 0.34 to 0.47.
        assert!(mean(&tpe) < 0.5 * mean(&random), "{} {}", mean(&tpe), mean(&random));
        assert!(wins > 70, "{wins}");
    }

    #[test]
    fn a_proposal_depends_on_seed_number_and_earlier_trials_alone() {
        let space = Space::parse(&["x=uniform:0:1".to_owned(), "y=a|b".to_owned()]).unwrap();
        let known: Vec<Observation> = (0..12)
            .map(|i| Observation {
                values: vec![f64::from(i) / 12.0, f64::from(i % 2)],
                standing: Standing::Finished(f64::from(i)),
            })
            .collect();
        for sampler in [Sampler::Random, Sampler::QuasiRandom, Sampler::Tpe] {
            let of = |seed, number| sampler.propose(&space, Streams::new(seed), number, &known);
            assert_eq!(of(1, 12), of(1, 12), "{sampler}");
            assert_ne!(of(1, 12), of(2, 12), "{sampler}");
            assert_ne!(of(1, 12), of(1, 13), "{sampler}");
        }
        assert_eq!("quasi-random".parse(), Ok(Sampler::QuasiRandom));
        assert!(
            "bayes".parse::<Sampler>().unwrap_err().starts_with("expected random, quasi-random or tpe, got")
        );
    }
}
