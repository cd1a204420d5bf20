//! Schedules of hyperparameters over a run.
//!
//! Written as a number, or as `linear:FROM:TO:OVER`, `exponential:FROM:TO:SCALE`, `1/n` or `1/n^POWER`. OVER and
//! SCALE are steps, or relative to the run: `run` for its length, `0.5run` for half of it.

use crate::config::{Range, Setting};
use potstill_core::math::{exp_f64, ln_f64};
use potstill_core::written;
use potstill_core::{Snapshot, SnapshotError, snapshot};
use std::fmt;
use std::str::FromStr;

/// The length of a schedule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Span {
    /// So many steps, at least 1.
    Steps(f64),
    /// A share of the run, above 0 and up to 1.
    Run(f64),
}

impl Span {
    /// The length in steps.
    ///
    /// # Panics
    /// If it is relative to a run.
    #[inline]
    fn steps(self) -> f64 {
        match self {
            Span::Steps(steps) => steps,
            Span::Run(_) => panic!("a schedule relative to the run: give it the run's length with `of_run`"),
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Span::Steps(steps) => write!(f, "{steps}"),
            Span::Run(1.0) => write!(f, "run"),
            Span::Run(share) => write!(f, "{share}run"),
        }
    }
}

/// A number as a function of the step of the run, or of a visit count. In Rust a number becomes a constant
/// one by `into`, and text any other by `parse`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Schedule {
    /// A constant.
    Constant(f64),
    /// Linear interpolation over a number of steps, constant afterwards.
    Linear {
        /// The value at the start.
        from: f64,
        /// The value at the end.
        to: f64,
        /// Steps between them.
        over: Span,
    },
    /// `to + (from - to) exp(-steps / scale)`.
    Exponential {
        /// The value at the start.
        from: f64,
        /// The limit.
        to: f64,
        /// The time constant, in steps.
        scale: Span,
    },
    /// `1 / n^power`, with `n` = 1, 2, ...: for an exploration rate or a temperature the visits of the state,
    /// for a step size the updates of the value ([`StepSizes`]). With power 1 a step size makes sample
    /// averages.
    Harmonic {
        /// The exponent: 1 for sample averages; learning converges above 0.5 and up to 1 (Robbins and Monro
        /// 1951).
        power: f64,
    },
}

impl Schedule {
    /// A straight line from one value to another over a number of steps.
    pub fn linear(from: f64, to: f64, over: f64) -> Self {
        Schedule::Linear { from, to, over: Span::Steps(over) }
    }

    /// The value after `steps` steps of the run, at the `n`-th visit.
    ///
    /// # Panics
    /// If it is relative to a run whose length it was not [given](Schedule::of_run).
    #[inline]
    pub fn at(self, steps: u64, n: u64) -> f64 {
        match self {
            Schedule::Constant(value) => value,
            Schedule::Linear { from, to, over } => {
                let (steps, over) = (steps as f64, over.steps());
                if steps >= over { to } else { from + (to - from) * (steps / over) }
            }
            Schedule::Exponential { from, to, scale } => {
                to + (from - to) * exp_f64(-(steps as f64) / scale.steps())
            }
            Schedule::Harmonic { power: 1.0 } => 1.0 / n.max(1) as f64,
            Schedule::Harmonic { power } => exp_f64(-power * ln_f64(n.max(1) as f64)),
        }
    }

    /// The schedule in a run of so many steps: what is relative to the run becomes a number of steps.
    #[must_use]
    pub fn of_run(self, steps: u64) -> Self {
        let known = |span: Span| match span {
            Span::Run(share) => Span::Steps(share * steps as f64),
            steps @ Span::Steps(_) => steps,
        };
        match self {
            Schedule::Linear { from, to, over } => Schedule::Linear { from, to, over: known(over) },
            Schedule::Exponential { from, to, scale } => {
                Schedule::Exponential { from, to, scale: known(scale) }
            }
            other => other,
        }
    }

    /// Returns true if it is relative to the length of a run.
    pub fn is_relative(self) -> bool {
        let (Schedule::Linear { over: span, .. } | Schedule::Exponential { scale: span, .. }) = self else {
            return false;
        };
        matches!(span, Span::Run(_))
    }

    /// The step from which on the value is less than a millionth of its first, if there is one.
    ///
    /// # Panics
    /// As [`at`](Schedule::at).
    pub fn vanishes_at(self) -> Option<u64> {
        /// A value below this share of the first counts as none.
        const NOTHING: f64 = 1e-6;
        match self {
            Schedule::Linear { from, to, over } if to.abs() <= NOTHING * from.abs() => {
                Some(over.steps().ceil() as u64)
            }
            Schedule::Exponential { from, to, scale } if to.abs() <= NOTHING * from.abs() => {
                Some((-ln_f64(NOTHING) * scale.steps()).ceil() as u64)
            }
            _ => None,
        }
    }

    /// Returns true if it depends on visit counts.
    pub fn counts(self) -> bool {
        matches!(self, Schedule::Harmonic { .. })
    }
}

impl From<f64> for Schedule {
    fn from(value: f64) -> Self {
        Schedule::Constant(value)
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Schedule::Constant(value) => write!(f, "{value}"),
            Schedule::Linear { from, to, over } => write!(f, "linear:{from}:{to}:{over}"),
            Schedule::Exponential { from, to, scale } => write!(f, "exponential:{from}:{to}:{scale}"),
            Schedule::Harmonic { power: 1.0 } => write!(f, "1/n"),
            Schedule::Harmonic { power } => write!(f, "1/n^{power}"),
        }
    }
}

impl FromStr for Schedule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "expected a number, linear:FROM:TO:STEPS (or linear:FROM:TO:run), exponential:FROM:TO:STEPS, 1/n or 1/n^POWER, got `{text}`"
            )
        };
        let number = |word: &str| written::number(word).filter(|x| x.is_finite()).ok_or_else(wrong);
        if let Some(power) = text.strip_prefix("1/n") {
            let power =
                if power.is_empty() { 1.0 } else { number(power.strip_prefix('^').ok_or_else(wrong)?)? };
            return if power > 0.0 && power <= 1.0 {
                Ok(Schedule::Harmonic { power })
            } else {
                Err(format!("the power in `{text}` must be above 0 and up to 1"))
            };
        }
        let words: Vec<&str> = text.split(':').collect();
        match words[..] {
            [value] => Ok(Schedule::Constant(number(value)?)),
            [kind @ ("linear" | "exponential"), from, to, span] => {
                let (from, to) = (number(from)?, number(to)?);
                let span = match span.strip_suffix("run") {
                    Some("") => Span::Run(1.0),
                    Some(share) => Span::Run(number(share)?),
                    None => {
                        let steps = written::whole(span).map(|steps| steps as f64);
                        Span::Steps(steps.map_or_else(|| number(span), Ok)?)
                    }
                };
                match span {
                    Span::Steps(steps) if steps < 1.0 => {
                        Err(format!("the steps in `{text}` must be 1 or above"))
                    }
                    Span::Run(share) if !(share > 0.0 && share <= 1.0) => {
                        Err(format!("the share of the run in `{text}` must be above 0 and up to 1"))
                    }
                    span if kind == "linear" => Ok(Schedule::Linear { from, to, over: span }),
                    span => Ok(Schedule::Exponential { from, to, scale: span }),
                }
            }
            _ => Err(wrong()),
        }
    }
}

impl Setting for Schedule {
    type Literal = f64;
    const KIND: &'static str = "number or schedule";

    fn literal(literal: f64) -> Self {
        Schedule::Constant(literal)
    }

    fn from_toml(value: &toml::Value) -> Result<Self, String> {
        match value {
            toml::Value::String(text) => text.parse(),
            number => f64::from_toml(number).map(Schedule::Constant),
        }
    }

    fn to_toml(&self) -> Option<toml::Value> {
        Some(match self {
            Schedule::Constant(value) => toml::Value::Float(*value),
            other => toml::Value::String(other.to_string()),
        })
    }

    fn check(&self, range: Range) -> Result<(), &'static str> {
        match *self {
            Schedule::Constant(value) => range.check(value),
            // A step size may fall to 0, which it reaches when the run is over.
            Schedule::Linear { from, to: 0.0, .. } | Schedule::Exponential { from, to: 0.0, .. }
                if range == Range::PositiveUnit =>
            {
                range.check(from)
            }
            Schedule::Linear { from, to, .. } | Schedule::Exponential { from, to, .. } => {
                range.check(from).and_then(|()| range.check(to))
            }
            Schedule::Harmonic { .. } => range.check(1.0),
        }
    }
}

/// The step size of each value by a schedule, with a count of updates per value.
#[derive(Clone, Debug)]
pub struct StepSizes {
    schedule: Schedule,
    /// Updates of each value; empty if the schedule does not count.
    updates: Vec<u64>,
}

impl StepSizes {
    /// Step sizes for a table of so many values.
    pub fn new(schedule: Schedule, numbers: usize) -> Self {
        Self { schedule, updates: vec![0; if schedule.counts() { numbers } else { 0 }] }
    }

    /// Counts an update of value `i`.
    #[inline]
    pub fn count(&mut self, i: usize) {
        if let Some(updates) = self.updates.get_mut(i) {
            *updates += 1;
        }
    }

    /// The step size of value `i` in an update of step `steps` of the run, counted from 1: the first step has the
    /// schedule's first value.
    #[inline]
    pub fn of(&self, i: usize, steps: u64) -> f64 {
        self.schedule.at(steps.saturating_sub(1), self.updates.get(i).copied().unwrap_or(1))
    }

    /// Counts an update of value `i`, and returns its step size as [`of`](StepSizes::of).
    #[inline]
    pub fn next(&mut self, i: usize, steps: u64) -> f64 {
        self.count(i);
        self.of(i, steps)
    }

    /// Accepts checkpoints of potstill 0.1's first algorithms, which had no schedules.
    fn accept_absence(&mut self, name: &str, _: &Snapshot) -> Result<(), SnapshotError> {
        if self.updates.is_empty() { Ok(()) } else { Err(SnapshotError::Missing { path: name.to_owned() }) }
    }
}

snapshot! {
    impl Restorable for StepSizes {
        saved: updates;
        built: schedule;
        absent: Self::accept_absence;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_by_hand() {
        let check = |text: &str, at: [(u64, u64); 3], expected: [f64; 3]| {
            let schedule: Schedule = text.parse().unwrap();
            assert_eq!(schedule.to_string(), text);
            for ((steps, n), expected) in at.into_iter().zip(expected) {
                let value = schedule.at(steps, n);
                assert!((value - expected).abs() < 1e-7, "{text} {steps} {n}: {value}");
            }
        };
        check("0.25", [(0, 1), (10, 3), (99, 7)], [0.25; 3]);
        check("linear:1:0.2:50", [(0, 1), (25, 1), (60, 1)], [1.0, 0.6, 0.2]);
        // 0.1 + 0.9 / e
        check("exponential:1:0.1:100", [(0, 1), (100, 1), (100_000, 1)], [1.0, 0.431_091_497_054_3, 0.1]);
        // The half of a run of 100 steps.
        let half: Schedule = "linear:1:0:0.5run".parse().unwrap();
        assert_eq!((half.to_string().as_str(), half.is_relative()), ("linear:1:0:0.5run", true));
        assert_eq!(half.of_run(100), Schedule::linear(1.0, 0.0, 50.0));
        let whole: Schedule = "exponential:1:0.1:run".parse().unwrap();
        assert_eq!(whole.to_string(), "exponential:1:0.1:run");
        assert_eq!(whole.of_run(100), "exponential:1:0.1:100".parse().unwrap());
        check("1/n", [(0, 1), (9, 2), (9, 4)], [1.0, 0.5, 0.25]);
        // 4^-0.8
        check("1/n^0.8", [(0, 1), (0, 4), (0, 32)], [1.0, 0.329_876_977_7, 0.0625]);
    }

    #[test]
    fn the_first_step_has_the_full_step_size_and_the_last_is_not_zero() {
        let mut sizes = StepSizes::new(Schedule::linear(0.5, 0.0, 4.0), 1);
        let all = [1, 2, 3, 4].map(|step| sizes.next(0, step));
        assert_eq!(all, [0.5, 0.375, 0.25, 0.125]);
    }

    #[test]
    fn a_schedule_vanishes_by_hand() {
        let check = |text: &str, expected: Option<u64>| {
            assert_eq!(text.parse::<Schedule>().unwrap().vanishes_at(), expected, "{text}");
        };
        check("linear:1:0:50", Some(50));
        check("linear:1:0.1:50", None);
        // 100 ln 10^6 = 1381.55
        check("exponential:1:0:100", Some(1382));
        check("exponential:1:0.1:100", None);
        check("0.1", None);
        check("1/n", None);
    }

    #[test]
    fn what_is_no_schedule_is_told() {
        let check = |text: &str, expected: &str| {
            let error = text.parse::<Schedule>().unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        };
        check("fast", "expected a number, linear:FROM:TO:STEPS");
        check("linear:1:0", "got `linear:1:0`");
        check("linear:1:0:0", "the steps in `linear:1:0:0` must be 1 or above");
        check("1/n^2", "the power in `1/n^2` must be above 0 and up to 1");
        check("linear:1:0:2run", "the share of the run in `linear:1:0:2run` must be above 0 and up to 1");
        check("linear:1:0:nanrun", "got `linear:1:0:nanrun`");
        check("1/nn", "got `1/nn`");
        check("inf", "got `inf`");
    }
}
