//! Pruners: trials that do not look promising are stopped early.
//!
//! Successive halving (Jamieson and Talwalkar 2016) runs the trials of a bracket for a part of their length,
//! goes on with the best third for three times as long, and so on to the whole length. Hyperband (Li et al.
//! 2018) takes brackets in turn that begin with parts of different lengths, from the shortest to the whole,
//! which hedges against scores that say little at the start. Lengths are counted in evaluations, and the
//! trials of a rung are compared when all have reached it.
//!
//! Differences from the papers: the number of trials of a bracket is that of table 1 of Li et al.,
//! `floor((s_max + 1) / (s + 1)) eta^s`; their algorithm 1 rounds up before it multiplies, which gives 34
//! trials where the table has 27.

use crate::config::words;
use std::ops::Range;

/// The share of trials that go on from a rung is one in so many: `eta`, of which Li et al. recommend 3 or 4.
pub(super) const ETA: usize = 3;
/// Finished trials without which no median is taken, and the part of their length before which none is: RL
/// Baselines3 Zoo's.
const MEDIAN_OF: usize = 5;
const WARM_UP: usize = 3;

words! {
    /// The rule by which trials are stopped early.
    pub enum Pruner: "none, median, halving or hyperband" {
        /// Every trial is run to its end.
        None = "none",
        /// A trial is stopped if its best evaluation so far is below the median of the finished trials of
        /// earlier rounds at the same evaluation (Golovin et al. 2017), from a third of their length on.
        Median = "median",
        /// Successive halving, in brackets that begin with the shortest part.
        Halving = "halving",
        /// Successive halving, in brackets from the shortest part to the whole length.
        Hyperband = "hyperband",
    }
}

/// Trials that are compared with each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bracket {
    /// Their numbers.
    pub trials: Range<usize>,
    /// The evaluations after which the better ones go on; the last rung is their end.
    pub rungs: Vec<usize>,
}

/// The brackets of Hyperband, for a length of so many units: for each the number of trials, and the units of
/// each rung.
///
/// ```
/// let brackets = potstill::tuning::hyperband(81);
/// // Li et al. 2018, table 1: s = 4 and s = 1.
/// assert_eq!(brackets[0], (81, vec![1, 3, 9, 27, 81]));
/// assert_eq!(brackets[3], (6, vec![27, 81]));
/// ```
pub fn hyperband(length: usize) -> Vec<(usize, Vec<usize>)> {
    let powers = std::iter::successors(Some(1_usize), |power| power.checked_mul(ETA));
    let powers: Vec<usize> = powers.take_while(|power| *power <= length.max(1)).collect();
    let of = |s: usize| {
        let rungs = powers[..=s].iter().rev().map(|power| length / power).collect();
        (powers.len() / (s + 1) * powers[s], rungs)
    };
    (0..powers.len()).rev().map(of).collect()
}

impl Pruner {
    /// Returns true if it compares trials at rungs, which needs a length that is known and the same for all.
    pub fn has_rungs(self) -> bool {
        matches!(self, Self::Halving | Self::Hyperband)
    }

    /// The brackets of so many trials of so many evaluations; the last one has the trials that are left.
    pub fn brackets(self, trials: usize, evaluations: usize) -> Vec<Bracket> {
        let table = match self {
            Self::None | Self::Median => vec![(trials.max(1), Vec::new())],
            Self::Halving => vec![hyperband(evaluations).swap_remove(0)],
            Self::Hyperband => hyperband(evaluations),
        };
        let mut brackets = Vec::new();
        let mut first = 0;
        for (size, rungs) in table.iter().cycle() {
            if first >= trials {
                break;
            }
            let end = (first + size).min(trials);
            // The end is no rung.
            let rungs = rungs[..rungs.len().saturating_sub(1)].to_vec();
            brackets.push(Bracket { trials: first..end, rungs });
            first = end;
        }
        brackets
    }
}

/// The number of trials that go on from a rung, of so many.
pub(super) fn promoted(trials: usize) -> usize {
    (trials / ETA).max(1)
}

/// The cost above which a trial is stopped after each evaluation, from the costs of the evaluations of
/// finished trials: the median, or none. After the last of its evaluations, whose number is 0 if it is not known before, a trial is
/// finished.
pub(super) fn medians(finished: &[Vec<f64>], evaluations: usize) -> Vec<Option<f64>> {
    let length = finished.iter().map(Vec::len).max().unwrap_or_default();
    let last = if evaluations > 0 { evaluations } else { length };
    let median = |evaluation: usize| {
        let mut costs: Vec<f64> =
            finished.iter().filter_map(|costs| costs.get(evaluation).copied()).collect();
        if costs.len() < MEDIAN_OF || evaluation + 1 < length.div_ceil(WARM_UP) || evaluation + 1 >= last {
            return None;
        }
        costs.sort_by(f64::total_cmp);
        let middle = costs.len() / 2;
        Some(if costs.len() % 2 == 1 { costs[middle] } else { 0.5 * (costs[middle - 1] + costs[middle]) })
    };
    (0..length).map(median).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_are_those_of_the_paper() {
        // Li et al. 2018, table 1: R = 81, eta = 3; for each s from 4 to 0 the trials and units of each rung.
        let table: [&[(usize, usize)]; 5] = [
            &[(81, 1), (27, 3), (9, 9), (3, 27), (1, 81)],
            &[(27, 3), (9, 9), (3, 27), (1, 81)],
            &[(9, 9), (3, 27), (1, 81)],
            &[(6, 27), (2, 81)],
            &[(5, 81)],
        ];
        let brackets = hyperband(81);
        assert_eq!(brackets.len(), table.len());
        for ((trials, rungs), expected) in brackets.into_iter().zip(table) {
            let counts = std::iter::successors(Some(trials), |trials| Some(promoted(*trials)));
            let found: Vec<(usize, usize)> = counts.zip(rungs).collect();
            assert_eq!(found, expected);
        }
        // 20 evaluations: 20 / 9 and 20 / 3 in whole ones.
        assert_eq!(hyperband(20), [(9, vec![2, 6, 20]), (3, vec![6, 20]), (3, vec![20])]);
        assert_eq!(hyperband(1), [(1, vec![1])]);
    }

    #[test]
    fn trials_are_dealt_to_brackets_in_turn() {
        let check = |pruner: Pruner, trials: usize, expected: &[(Range<usize>, &[usize])]| {
            let brackets = pruner.brackets(trials, 20);
            let found: Vec<_> =
                brackets.iter().map(|bracket| (bracket.trials.clone(), &*bracket.rungs)).collect();
            assert_eq!(found, expected, "{pruner}");
        };
        check(Pruner::None, 5, &[(0..5, &[])]);
        check(Pruner::Median, 5, &[(0..5, &[])]);
        check(Pruner::Halving, 20, &[(0..9, &[2, 6]), (9..18, &[2, 6]), (18..20, &[2, 6])]);
        check(Pruner::Hyperband, 16, &[(0..9, &[2, 6]), (9..12, &[6]), (12..15, &[]), (15..16, &[2, 6])]);
    }

    #[test]
    fn medians_need_five_trials_and_a_third_of_the_length_and_stop_nothing_at_its_end() {
        let finished: Vec<Vec<f64>> =
            (0..6).map(|i| (0..7).map(|k| f64::from(10 * i + k)).collect()).collect();
        // Of 0, 10, ..., 50 at the first evaluation the median would be 25.
        let expected = [None, None, Some(27.0), Some(28.0), Some(29.0), Some(30.0), None];
        assert_eq!(medians(&finished, 7), expected);
        assert_eq!(medians(&finished, 0), expected);
        // Those that have ended early, at a goal.
        assert_eq!(medians(&finished, 9)[6], Some(31.0));
        assert_eq!(medians(&finished[..5], 9)[6], Some(26.0));
        assert_eq!(medians(&finished[..4], 7), [None; 7]);
    }
}
