//! A budget of bytes or of time for a student, and the students that fit in it.

use super::checks::usage;
use super::datasets::{DataSources, split_of};
use super::latency::costs;
use super::sources::peek;
use super::teachers::Teacher;
use crate::config::{Layer, PARAMETERS_MAX};
use crate::data::Dataset;
use crate::distill::{ClassifierTrainer, FitConfig, StudentForm};
use crate::error::Error;
use crate::jobs::Parts;
use potstill_core::Streams;
use potstill_nn::NetworkSpec;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The most that a student may take.
///
/// ```
/// use potstill::run::Budget;
///
/// assert_eq!("16KiB".parse(), Ok(Budget::Bytes(16_384.0)));
/// assert_eq!("1.5 MB".parse(), Ok(Budget::Bytes(1_500_000.0)));
/// assert_eq!("20us".parse(), Ok(Budget::Microseconds(20.0)));
/// assert!("20".parse::<Budget>().unwrap_err().contains("16KiB"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Budget {
    /// Bytes of the model file.
    Bytes(f64),
    /// Median microseconds for a row, measured here.
    Microseconds(f64),
}

impl FromStr for Budget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // Unit, bytes or microseconds, factor.
        const UNITS: [(&str, bool, f64); 9] = [
            ("kib", true, 1024.0),
            ("mib", true, 1_048_576.0),
            ("kb", true, 1e3),
            ("mb", true, 1e6),
            ("us", false, 1.0),
            ("\u{b5}s", false, 1.0),
            ("\u{3bc}s", false, 1.0),
            ("ms", false, 1e3),
            ("b", true, 1.0),
        ];
        let lower = text.trim().to_lowercase();
        let number = UNITS.iter().find_map(|(unit, is_bytes, factor)| {
            let number = lower.strip_suffix(unit)?.trim().parse::<f64>().ok()?;
            Some((number * factor, is_bytes))
        });
        match number {
            Some((most, true)) if most.is_finite() && most > 0.0 => Ok(Self::Bytes(most)),
            Some((most, false)) if most.is_finite() && most > 0.0 => Ok(Self::Microseconds(most)),
            _ => Err("write bytes, as in 16KiB, or a time for a row, as in 20us".to_owned()),
        }
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "{bytes} bytes"),
            Self::Microseconds(time) => write!(f, "{time} us a row"),
        }
    }
}

/// The widest hidden layer that is tried.
const WIDTH_MAX: usize = 1024;
/// The samples that latencies are measured on.
const MEASURED: usize = 64;

/// Data that students learn from, enough of it to build them and to measure what they take.
pub(crate) struct Costs {
    parts: Parts,
    budget: Budget,
}

impl Costs {
    /// The data of the student that layers ask for.
    ///
    /// # Errors
    /// If data or teacher cannot be read, or the teacher is a policy.
    pub(crate) fn open(layers: &[Layer], budget: Budget) -> Result<Self, Error> {
        let Teacher::Classes(teachers) = Teacher::open(peek(layers, "teacher").unwrap_or_default())? else {
            return Err(usage("--budget is for students of data; a policy's sizes are given with --student"));
        };
        let (data, layers) = DataSources::open(layers, &teachers.trained_on())?;
        let mut parts = data.parts(&split_of(&layers), teachers.preprocessing())?;
        let few: Vec<usize> = (0..parts.train.labelled().min(MEASURED)).collect();
        parts.train = Arc::new(parts.train.select(&few));
        Ok(Self { parts, budget })
    }

    /// The cost of a student, in the unit of the budget; none if there is no such student.
    pub(crate) fn of(&self, student: &str) -> Option<f64> {
        let spec: NetworkSpec = student.parse().ok()?;
        let form = StudentForm::new(&spec, &self.parts.train).ok()?;
        form.parameters().ok().filter(|&parameters| parameters <= PARAMETERS_MAX)?;
        let data = self.parts.train.clone();
        // One minibatch of all.
        let fit = FitConfig { batch_size: data.len() as u64, ..FitConfig::default() };
        let trainer = ClassifierTrainer::new(fit, &spec, data, None, Streams::new(0));
        let costs = costs(&trainer.predictor(&self.parts.preprocessing), &self.parts.train);
        match self.budget {
            Budget::Bytes(_) => costs["bytes"].as_f64(),
            Budget::Microseconds(_) => costs["latency_us"]["p50"].as_f64(),
        }
    }

    /// Returns true if a student fits.
    pub(crate) fn fits(&self, student: &str) -> bool {
        let (Budget::Bytes(most) | Budget::Microseconds(most)) = self.budget;
        self.of(student).is_some_and(|cost| cost <= most)
    }

    /// Students that fit, of every usual form: widths of powers of two, and the largest width, or table, of each form.
    pub(crate) fn ladder(&self) -> Vec<String> {
        let mut all: Vec<String> =
            ["mlp".to_owned()].into_iter().filter(|linear| self.fits(linear)).collect();
        let data: &Dataset = &self.parts.train;
        let forms: &[fn(usize) -> String] = match (data.is_texts(), data.shape[0] * data.shape[1] > 1) {
            (true, _) => {
                all.clear();
                &[
                    |n| format!("text:{n}x4"),
                    |n| format!("text:{n}x8"),
                    |n| format!("text:{n}x8,16"),
                    |n| format!("text:{n}x16"),
                ]
            }
            (_, true) => &[
                |n| format!("mlp:{n}"),
                |n| format!("mlp:{n},{n}"),
                |n| format!("cnn:{n}x3s2,{}x3s2", 2 * n),
            ],
            _ => &[|n| format!("mlp:{n}"), |n| format!("mlp:{n},{n}")],
        };
        for form in forms {
            let (first, most) = if data.is_texts() { (256, 1 << 16) } else { (2, WIDTH_MAX) };
            let powers = std::iter::successors(Some(first), |n| Some(2 * n)).take_while(|n| *n <= most);
            let fitting: Vec<usize> = powers.take_while(|&n| self.fits(&form(n))).collect();
            all.extend(fitting.iter().map(|&n| form(n)));
            let Some(&largest) = fitting.last().filter(|_| !data.is_texts()) else { continue };
            // Between the last power that fits and the next one.
            let (mut low, mut high) = (largest, 2 * largest);
            while high - low > 1 {
                let middle = usize::midpoint(low, high);
                if self.fits(&form(middle)) { low = middle } else { high = middle }
            }
            if low > largest && low <= most {
                all.push(form(low));
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_have_units() {
        let check = |text: &str, expected: Option<Budget>| assert_eq!(text.parse().ok(), expected, "{text}");
        check("16KiB", Some(Budget::Bytes(16_384.0)));
        check("0.5 mib", Some(Budget::Bytes(524_288.0)));
        check("64kB", Some(Budget::Bytes(64_000.0)));
        check("800B", Some(Budget::Bytes(800.0)));
        check("20us", Some(Budget::Microseconds(20.0)));
        check("20 \u{b5}s", Some(Budget::Microseconds(20.0)));
        check("1.5ms", Some(Budget::Microseconds(1500.0)));
        for wrong in ["", "16", "KiB", "-1KiB", "0us", "infus", "nanKiB", "1e400b", "5 minutes"] {
            check(wrong, None);
        }
    }
}
