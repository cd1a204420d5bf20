//! Estimates with their doubts, the one number that may be claimed of them, and the gate of a pipeline.
//!
//! **The rule.** An estimate is trusted if it has an interval. Of importance sampling that takes an effective
//! sample size of [10 episodes](super::EPISODES_MIN), of values that the data support the policy's actions.
//! If two trusted intervals have no number in common, the estimators disagree and no number is claimed. Else
//! it is the trusted one with the narrowest interval.
//!
//! ```
//! use potstill::evaluation::{Gate, Numbers};
//!
//! let gate: Gate = "lower_bound > behaviour".parse()?;
//! let numbers = Numbers { estimate: 3.0, lower_bound: 2.5, upper_bound: 3.5, behaviour: 2.0, ..Numbers::default() };
//! assert!(gate.accepts(&numbers));
//! assert!("lowest > behaviour".parse::<Gate>().is_err());
//! # Ok::<(), String>(())
//! ```

use crate::train::statistics::Estimate;
use std::fmt;
use std::str::FromStr;

/// An off-policy estimator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Estimator {
    /// Ordinary importance sampling.
    Ordinary,
    /// Weighted importance sampling.
    Weighted,
    /// Importance sampling per decision.
    PerDecision,
    /// Weighted importance sampling per decision.
    WeightedPerDecision,
    /// The doubly robust estimator.
    DoublyRobust,
    /// The weighted doubly robust estimator.
    WeightedDoublyRobust,
    /// Fitted Q evaluation.
    FittedQ,
    /// The value under the counted model.
    CountedModel,
}

impl Estimator {
    /// All of them: those of [`WEIGHTED`](Self::WEIGHTED), and those without weights.
    pub const ALL: [Self; 8] = [
        Self::Ordinary,
        Self::Weighted,
        Self::PerDecision,
        Self::WeightedPerDecision,
        Self::DoublyRobust,
        Self::WeightedDoublyRobust,
        Self::FittedQ,
        Self::CountedModel,
    ];

    /// Those with weights.
    pub const WEIGHTED: [Self; 6] = [
        Self::Ordinary,
        Self::Weighted,
        Self::PerDecision,
        Self::WeightedPerDecision,
        Self::DoublyRobust,
        Self::WeightedDoublyRobust,
    ];

    /// Its name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ordinary => "importance_sampling",
            Self::Weighted => "weighted_importance_sampling",
            Self::PerDecision => "per_decision",
            Self::WeightedPerDecision => "weighted_per_decision",
            Self::DoublyRobust => "doubly_robust",
            Self::WeightedDoublyRobust => "weighted_doubly_robust",
            Self::FittedQ => "fitted_q_evaluation",
            Self::CountedModel => "counted_model",
        }
    }

    /// Its name in sentences and tables.
    pub fn title(self) -> &'static str {
        match self {
            Self::Ordinary => "importance sampling",
            Self::Weighted => "weighted importance sampling",
            Self::PerDecision => "per decision",
            Self::WeightedPerDecision => "weighted per decision",
            Self::DoublyRobust => "doubly robust",
            Self::WeightedDoublyRobust => "weighted doubly robust",
            Self::FittedQ => "fitted Q evaluation",
            Self::CountedModel => "counted model",
        }
    }
}

/// The estimate of an estimator.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimated {
    /// The estimator.
    pub estimator: Estimator,
    /// Its estimate of the value; it has an interval if it is trusted.
    pub estimate: Estimate,
    /// The effective number of episodes; `None` of estimators without weights.
    pub effective_sample_size: Option<f64>,
    /// The reason for which it is not trusted.
    pub doubt: Option<String>,
}

/// Differences of intervals that are rounding.
const ROUNDING: f64 = 1e-9;

/// The number that may be claimed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict<'a> {
    /// All trusted estimators agree: the one with the narrowest interval.
    Agreed(&'a Estimated),
    /// The intervals of these two have no number in common.
    Disagreed(&'a Estimated, &'a Estimated),
    /// No estimator is trusted.
    Untrusted,
}

impl<'a> Verdict<'a> {
    /// The verdict on estimates.
    pub fn of(estimates: &'a [Estimated]) -> Self {
        let trusted = || estimates.iter().filter_map(|one| Some((one, one.estimate.interval?)));
        let above = trusted().max_by(|(_, a), (_, b)| a.0.total_cmp(&b.0));
        let below = trusted().min_by(|(_, a), (_, b)| a.1.total_cmp(&b.1));
        let narrowest = trusted().min_by(|(_, a), (_, b)| (a.1 - a.0).total_cmp(&(b.1 - b.0)));
        match (above, below, narrowest) {
            (Some((above, (low, _))), Some((below, (_, high))), _)
                if low - high > ROUNDING * (low.abs() + high.abs()) =>
            {
                Self::Disagreed(above, below)
            }
            (_, _, Some((one, _))) => Self::Agreed(one),
            _ => Self::Untrusted,
        }
    }
}

/// The numbers that a [`Gate`] compares.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Numbers {
    /// The claimed number, and the ends of its interval.
    pub estimate: f64,
    /// The lower end.
    pub lower_bound: f64,
    /// The upper end.
    pub upper_bound: f64,
    /// The mean return of the behaviour, and the ends of its interval.
    pub behaviour: f64,
    /// The lower end.
    pub behaviour_lower: f64,
    /// The upper end.
    pub behaviour_upper: f64,
    /// The effective sample size; NaN if it does not apply.
    pub effective_sample_size: f64,
}

/// A name, and the number that it stands for.
type Named = (&'static str, fn(&Numbers) -> f64);
/// A sign, and the comparison that it stands for.
type Comparison = (&'static str, fn(f64, f64) -> bool);

/// The names of the [`Numbers`].
const NAMES: [Named; 7] = [
    ("estimate", |numbers| numbers.estimate),
    ("lower_bound", |numbers| numbers.lower_bound),
    ("upper_bound", |numbers| numbers.upper_bound),
    ("behaviour", |numbers| numbers.behaviour),
    ("behaviour_lower", |numbers| numbers.behaviour_lower),
    ("behaviour_upper", |numbers| numbers.behaviour_upper),
    ("effective_sample_size", |numbers| numbers.effective_sample_size),
];

/// The comparisons; a longer one before its beginning.
const COMPARISONS: [Comparison; 4] =
    [(">=", |a, b| a >= b), ("<=", |a, b| a <= b), (">", |a, b| a > b), ("<", |a, b| a < b)];

/// A side of a comparison.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Side {
    /// An index of [`NAMES`].
    Name(usize),
    Number(f64),
}

impl Side {
    fn value(self, numbers: &Numbers) -> f64 {
        match self {
            Self::Name(index) => NAMES[index].1(numbers),
            Self::Number(number) => number,
        }
    }
}

/// A condition for a policy to be accepted: `NAME > NAME` or `NAME > NUMBER`, also with `>=`, `<` or `<=`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gate {
    left: Side,
    /// An index of [`COMPARISONS`].
    comparison: usize,
    right: Side,
}

impl Gate {
    /// Returns true if the numbers fulfil the condition; no comparison with NaN does.
    pub fn accepts(&self, numbers: &Numbers) -> bool {
        let [left, right] = self.sides(numbers);
        COMPARISONS[self.comparison].1(left, right)
    }

    /// The values of both sides.
    pub fn sides(&self, numbers: &Numbers) -> [f64; 2] {
        [self.left.value(numbers), self.right.value(numbers)]
    }
}

impl FromStr for Gate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = NAMES.map(|(name, _)| name).join(", ");
        let form = || format!("write NAME > NAME or NAME > NUMBER (or >=, <, <=), with the names {names}");
        let found = COMPARISONS.iter().position(|(sign, _)| text.contains(sign)).ok_or_else(form)?;
        let (left, right) = text.split_once(COMPARISONS[found].0).ok_or_else(form)?;
        let side = |word: &str| {
            let name = NAMES.iter().position(|(name, _)| *name == word).map(Side::Name);
            let number = || word.parse().ok().filter(|number: &f64| number.is_finite()).map(Side::Number);
            name.or_else(number).ok_or_else(form)
        };
        Ok(Self { left: side(left.trim())?, comparison: found, right: side(right.trim())? })
    }
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = |side: Side| match side {
            Side::Name(index) => NAMES[index].0.to_owned(),
            Side::Number(number) => number.to_string(),
        };
        write!(f, "{} {} {}", side(self.left), COMPARISONS[self.comparison].0, side(self.right))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimated(estimator: Estimator, value: f64, interval: Option<(f64, f64)>) -> Estimated {
        Estimated {
            estimator,
            estimate: Estimate { value, interval },
            effective_sample_size: None,
            doubt: None,
        }
    }

    #[test]
    fn one_number_is_claimed_where_trusted_estimates_agree() {
        use Estimator::{DoublyRobust, FittedQ, Weighted};
        let (wide, narrow) =
            (estimated(Weighted, 4.0, Some((1.0, 7.0))), estimated(FittedQ, 2.0, Some((1.5, 2.5))));
        let other = estimated(DoublyRobust, 5.0, Some((3.0, 6.0)));
        let touching = estimated(DoublyRobust, 3.0, Some((2.5 + 1e-12, 3.0)));
        let none = estimated(Estimator::Ordinary, 9.0, None);
        let all = [wide.clone(), narrow.clone(), none.clone()];
        assert_eq!(Verdict::of(&all), Verdict::Agreed(&narrow));
        let all = [wide, narrow.clone(), other.clone()];
        assert_eq!(Verdict::of(&all), Verdict::Disagreed(&other, &narrow));
        assert_eq!(Verdict::of(&[narrow.clone(), touching.clone()]), Verdict::Agreed(&touching));
        assert_eq!(Verdict::of(&[none]), Verdict::Untrusted);
        assert_eq!(Verdict::of(&[]), Verdict::Untrusted);
    }

    #[test]
    fn gates_compare_names_and_numbers() {
        let numbers = Numbers {
            estimate: 3.0,
            lower_bound: 2.0,
            upper_bound: 4.0,
            behaviour: 2.0,
            behaviour_lower: 1.0,
            behaviour_upper: 2.5,
            effective_sample_size: f64::NAN,
        };
        let check = |text: &str, written: &str, expected: bool| {
            let gate: Gate = text.parse().unwrap();
            assert_eq!((gate.to_string(), gate.accepts(&numbers)), (written.to_owned(), expected), "{text}");
        };
        check("lower_bound > behaviour", "lower_bound > behaviour", false);
        check("lower_bound>=behaviour", "lower_bound >= behaviour", true);
        check("  estimate <4e0 ", "estimate < 4", true);
        check("upper_bound <= -1.5", "upper_bound <= -1.5", false);
        check("estimate > behaviour_upper", "estimate > behaviour_upper", true);
        check("behaviour_lower < behaviour", "behaviour_lower < behaviour", true);
        check("effective_sample_size > 0", "effective_sample_size > 0", false);
        for wrong in ["", "estimate", "estimate > best", "estimate > inf", "estimate = 3", "1 > > 2"] {
            let expected = "write NAME > NAME or NAME > NUMBER (or >=, <, <=), with the names estimate, lower_bound, \
                            upper_bound, behaviour, behaviour_lower, behaviour_upper, effective_sample_size";
            assert_eq!(wrong.parse::<Gate>().unwrap_err(), expected, "{wrong}");
        }
    }
}
