//! Statistics over seeds and episodes, with 95 % confidence intervals.
//!
//! ```
//! use potstill::train::statistics::Center;
//!
//! // One bad seed of eight moves the mean, not the interquartile mean.
//! let returns = [500.0, 498.0, 500.0, 499.0, 500.0, 497.0, 500.0, 9.0];
//! let estimate = Center::Iqm.estimate(&returns);
//! let (low, high) = estimate.interval.unwrap();
//! assert!((estimate.value - 499.25).abs() < 1e-9 && low <= estimate.value && estimate.value <= high);
//! // Two values are too few for an interval.
//! assert_eq!(Center::Mean.estimate(&[9.28, 9.30]).interval, None);
//! ```

use super::interval;
use std::fmt;
use std::str::FromStr;

pub(crate) use super::interval::student_quantile;
pub use super::moments::{interquartile_mean, mean, standard_deviation};

/// A statistic and its 95 % confidence interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The statistic of the sample.
    pub value: f64,
    /// The ends of the interval; `None` if the sample is too small for one.
    pub interval: Option<(f64, f64)>,
}

impl Estimate {
    /// A number that is computed, not drawn.
    pub fn exact(value: f64) -> Self {
        Self { value, interval: Some((value, value)) }
    }

    /// The estimate in another unit.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        let ends = |(low, high): (f64, f64)| {
            if factor < 0.0 { (high * factor, low * factor) } else { (low * factor, high * factor) }
        };
        Self { value: self.value * factor, interval: self.interval.map(ends) }
    }

    /// The estimate of a number that lies between two bounds: so does its interval.
    #[must_use]
    pub fn within(self, (low, high): (f64, f64)) -> Self {
        let ends = |(from, to): (f64, f64)| (from.clamp(low, high), to.clamp(low, high));
        Self { interval: self.interval.map(ends), ..self }
    }

    /// The lower end of the interval.
    pub fn low(&self) -> Option<f64> {
        self.interval.map(|(low, _)| low)
    }

    /// The upper end of the interval.
    pub fn high(&self) -> Option<f64> {
        self.interval.map(|(_, high)| high)
    }

    /// The value and its interval as text: `54.5 [52.3, 56.2]`, or `9.3 (no interval)`.
    pub fn text(&self, decimals: usize) -> String {
        let value = self.value;
        match self.interval {
            Some((low, high)) => format!("{value:.decimals$} [{low:.decimals$}, {high:.decimals$}]"),
            None => format!("{value:.decimals$} (no interval)"),
        }
    }
}

/// The center of a sample.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Center {
    /// The arithmetic mean.
    Mean,
    /// The interquartile mean.
    #[default]
    Iqm,
}

impl Center {
    /// The center of the values.
    ///
    /// # Panics
    /// If there is no value.
    pub fn of(self, values: &[f64]) -> f64 {
        match self {
            Center::Mean => mean(values),
            Center::Iqm => interquartile_mean(values),
        }
    }

    /// The center of the values with its 95 % interval, from three values up.
    ///
    /// # Panics
    /// If there is no value.
    pub fn estimate(self, values: &[f64]) -> Estimate {
        let interval = match self {
            Center::Mean => interval::of_mean(values),
            Center::Iqm => interval::of_interquartile_mean(values),
        };
        Estimate { value: self.of(values), interval }
    }

    /// Its name in titles and tables.
    pub fn name(self) -> &'static str {
        match self {
            Center::Mean => "mean",
            Center::Iqm => "IQM",
        }
    }
}

impl fmt::Display for Center {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Center {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "mean" => Ok(Center::Mean),
            "iqm" | "IQM" => Ok(Center::Iqm),
            _ => Err("write mean or iqm".to_owned()),
        }
    }
}

/// The mean of the differences `first - second` of pairs, with its 95 % interval.
///
/// # Panics
/// If there is no pair, or the lists have different lengths.
pub fn paired_difference(first: &[f64], second: &[f64]) -> Estimate {
    assert_eq!(first.len(), second.len(), "pairs");
    let differences: Vec<f64> = first.iter().zip(second).map(|(a, b)| a - b).collect();
    Center::Mean.estimate(&differences)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_has_words() {
        let estimate = Estimate { value: -54.46, interval: Some((-56.0, -52.3)) };
        assert_eq!(estimate.text(1), "-54.5 [-56.0, -52.3]");
        assert_eq!(estimate.times(-100.0).interval, Some((5230.0, 5600.0)));
        assert_eq!(Center::Mean.estimate(&[9.28, 9.30]).text(1), "9.3 (no interval)");
        assert_eq!(paired_difference(&[3.0, 5.0], &[1.0, 1.0]), Estimate { value: 3.0, interval: None });
        assert_eq!(("mean".parse(), "iqm".parse()), (Ok(Center::Mean), Ok(Center::Iqm)));
        assert!("median".parse::<Center>().is_err());
    }
}
