//! The space of a search: the values that may be proposed for each key.

use crate::config::toml_value;
use potstill_core::math::{exp_f64, ln_f64};
use potstill_core::written;
use serde_json::{Value, json};
use std::str::FromStr;
use toml::{Table, Value as Toml};

/// The largest integer up to which all are exact as a number in double precision.
const INTEGER_MAX: u64 = 1 << 53;

/// The values that may be proposed for a key. A value is a number in double precision: of a choice its index.
#[derive(Clone, Debug, PartialEq)]
pub enum Domain {
    /// Numbers between two others, which belong to them.
    Float {
        /// The lowest.
        low: f64,
        /// The highest.
        high: f64,
        /// True if their logarithms are evenly spread.
        log: bool,
    },
    /// Whole numbers between two others, which belong to them.
    Integer {
        /// The lowest.
        low: u64,
        /// The highest.
        high: u64,
        /// True if their logarithms are evenly spread.
        log: bool,
    },
    /// One of several values, as they are written.
    Choice(Vec<String>),
}

/// The scale on which the numbers of a domain are evenly spread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scale {
    /// The ends; of whole numbers half a unit beyond the first and the last.
    pub(super) low: f64,
    pub(super) high: f64,
    is_log: bool,
    /// The first and the last whole number.
    whole: Option<(f64, f64)>,
    /// The first and the last number.
    ends: (f64, f64),
}

impl Scale {
    /// The place of a number on the scale.
    pub(super) fn place(&self, x: f64) -> f64 {
        if self.is_log { ln_f64(x) } else { x }
    }

    /// The number at a place: of whole numbers the nearest.
    pub(super) fn number(&self, z: f64) -> f64 {
        let x = if self.is_log { exp_f64(z) } else { z };
        match self.whole {
            Some((first, last)) => x.round().clamp(first, last),
            None => x.clamp(self.ends.0, self.ends.1),
        }
    }

    /// The places at which whole numbers become this one; none of numbers that are not whole.
    pub(super) fn cell(&self, x: f64) -> Option<(f64, f64)> {
        self.whole.map(|_| (self.place(x - 0.5), self.place(x + 0.5)))
    }
}

impl Domain {
    /// The scale of numbers; none of a choice.
    pub(super) fn scale(&self) -> Option<Scale> {
        let of = |low: f64, high: f64, is_log: bool, whole: Option<(f64, f64)>, ends: (f64, f64)| {
            let [low, high] = if is_log { [ln_f64(low), ln_f64(high)] } else { [low, high] };
            Some(Scale { low, high, is_log, whole, ends })
        };
        match *self {
            Self::Float { low, high, log } => of(low, high, log, None, (low, high)),
            Self::Integer { low, high, log } => {
                let (first, last) = (low as f64, high as f64);
                of(first - 0.5, last + 0.5, log, Some((first, last)), (first, last))
            }
            Self::Choice(_) => None,
        }
    }

    /// The value at a point of the unit interval, over which its domain is evenly spread.
    pub fn at(&self, u: f64) -> f64 {
        match (self, self.scale()) {
            (Self::Choice(choices), _) => (u * choices.len() as f64).floor().min(choices.len() as f64 - 1.0),
            (_, Some(scale)) => scale.number(scale.low + u * (scale.high - scale.low)),
            (_, None) => unreachable!("numbers have a scale"),
        }
    }

    /// A value as a setting.
    pub fn setting(&self, value: f64) -> Toml {
        match self {
            Self::Float { .. } => Toml::Float(value),
            Self::Integer { .. } => Toml::Integer(value as i64),
            Self::Choice(choices) => toml_value(&choices[value as usize]),
        }
    }

    /// The first and the last value; of a choice all.
    pub fn samples(&self) -> Vec<f64> {
        match self {
            Self::Float { low, high, .. } => vec![*low, *high],
            Self::Integer { low, high, .. } => vec![*low as f64, *high as f64],
            Self::Choice(choices) => (0..choices.len()).map(|choice| choice as f64).collect(),
        }
    }

    /// Returns true for a value that may be proposed.
    pub(super) fn contains(&self, value: f64) -> bool {
        match self {
            Self::Float { low, high, .. } => (*low..=*high).contains(&value),
            Self::Integer { low, high, .. } => {
                value.fract() == 0.0 && (*low as f64..=*high as f64).contains(&value)
            }
            Self::Choice(choices) => value.fract() == 0.0 && (0.0..choices.len() as f64).contains(&value),
        }
    }

    /// The distribution as Optuna writes it.
    pub(super) fn distribution(&self) -> Value {
        match self {
            Self::Float { low, high, log } => json!({
                "name": "FloatDistribution",
                "attributes": { "step": null, "low": low, "high": high, "log": log },
            }),
            Self::Integer { low, high, log } => json!({
                "name": "IntDistribution",
                "attributes": { "log": log, "step": 1, "low": low, "high": high },
            }),
            Self::Choice(choices) => {
                json!({ "name": "CategoricalDistribution", "attributes": { "choices": choices } })
            }
        }
    }
}

impl FromStr for Domain {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const FORMS: &str =
            "log:A:B or uniform:A:B (numbers), int:A:B or int-log:A:B (whole numbers), or values as in a|b|c";
        let (kind, ends) = text.split_once(':').unwrap_or_default();
        let is_whole = kind.starts_with("int");
        let is_log = kind.ends_with("log");
        if !["log", "uniform", "int", "int-log"].contains(&kind) {
            let choices: Vec<String> = text.split('|').map(|choice| choice.trim().to_owned()).collect();
            return match choices.len() {
                0 | 1 => Err(format!("write {FORMS}, got `{text}`")),
                _ if choices.iter().any(String::is_empty) => Err(format!("a value is missing in `{text}`")),
                _ => Ok(Self::Choice(choices)),
            };
        }
        let Some((low, high)) = ends.split_once(':') else {
            return Err(format!("write {kind}:A:B with two numbers, got `{text}`"));
        };
        let domain = if is_whole {
            let end = |text: &str| {
                let number = written::whole(text).filter(|number| *number <= INTEGER_MAX);
                number.ok_or_else(|| format!("expected a whole number from 0 to 2^53, got `{text}`"))
            };
            Self::Integer { low: end(low)?, high: end(high)?, log: is_log }
        } else {
            let end = |text: &str| {
                let number = written::number(text).filter(|number| number.is_finite());
                number.ok_or_else(|| format!("expected a number, got `{text}`"))
            };
            Self::Float { low: end(low)?, high: end(high)?, log: is_log }
        };
        let first_and_last = domain.samples();
        if first_and_last[0] >= first_and_last[1] {
            return Err(format!("the first number must be below the second, got `{text}`"));
        }
        if is_log && first_and_last[0] <= 0.0 {
            return Err(format!("a logarithmic range begins above 0, got `{text}`"));
        }
        Ok(domain)
    }
}

/// A key with its domain.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// The key.
    pub key: String,
    /// The values that may be proposed.
    pub domain: Domain,
    /// The domain as it is written.
    pub text: String,
}

/// The space of a search: its keys with their domains.
#[derive(Clone, Debug, PartialEq)]
pub struct Space(Vec<Parameter>);

impl Space {
    /// A space from texts `KEY=DOMAIN`.
    ///
    /// # Errors
    /// If there is none, a key stands twice, or a domain is wrong.
    pub fn parse(texts: &[String]) -> Result<Self, String> {
        let mut parameters: Vec<Parameter> = Vec::new();
        for text in texts {
            let Some((key, domain)) = text.split_once('=') else {
                return Err(format!(
                    "--search {text}: write --search KEY=RANGE, as in learning_rate=log:1e-4:1e-2"
                ));
            };
            // As flags have them.
            let (key, text) = (key.trim().replace('-', "_"), domain.trim().to_owned());
            if parameters.iter().any(|parameter| parameter.key == key) {
                return Err(format!("`{key}` (--search): one key is given twice"));
            }
            let domain = text.parse().map_err(|reason| format!("`{key}` (--search): {reason}"))?;
            parameters.push(Parameter { key, domain, text });
        }
        if parameters.is_empty() {
            return Err(
                "nothing is searched; give --search KEY=RANGE, as in learning_rate=log:1e-4:1e-2".to_owned()
            );
        }
        Ok(Self(parameters))
    }

    /// Its keys with their domains.
    pub fn parameters(&self) -> &[Parameter] {
        &self.0
    }

    /// The settings of a value for each key.
    pub fn table(&self, values: &[f64]) -> Table {
        let pairs = self.0.iter().zip(values);
        pairs.map(|(parameter, value)| (parameter.key.clone(), parameter.domain.setting(*value))).collect()
    }

    /// The first value of each key, and for each further value those that differ from them by it: every end
    /// of a range and every choice once.
    pub fn samples(&self) -> Vec<Vec<f64>> {
        let values: Vec<Vec<f64>> = self.0.iter().map(|parameter| parameter.domain.samples()).collect();
        let first: Vec<f64> = values.iter().map(|values| values[0]).collect();
        let mut samples = vec![first.clone()];
        for (i, values) in values.iter().enumerate() {
            for value in &values[1..] {
                let mut sample = first.clone();
                sample[i] = *value;
                samples.push(sample);
            }
        }
        samples
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_are_written_as_kind_and_ends_or_as_choices() {
        let check = |text: &str, expected: Result<Domain, &str>| {
            assert_eq!(text.parse::<Domain>(), expected.map_err(str::to_owned), "{text}");
        };
        check("log:1e-4:1e-2", Ok(Domain::Float { low: 1e-4, high: 1e-2, log: true }));
        check("uniform:-1:0.5", Ok(Domain::Float { low: -1.0, high: 0.5, log: false }));
        check("int:0:1k", Ok(Domain::Integer { low: 0, high: 1000, log: false }));
        check("int-log:16:512", Ok(Domain::Integer { low: 16, high: 512, log: true }));
        let choices = ["mlp:64", "mlp:256,256"].map(str::to_owned).to_vec();
        check("mlp:64|mlp:256,256", Ok(Domain::Choice(choices)));
        check("log:1e-2:1e-4", Err("the first number must be below the second, got `log:1e-2:1e-4`"));
        check("log:0:1", Err("a logarithmic range begins above 0, got `log:0:1`"));
        check("int-log:0:8", Err("a logarithmic range begins above 0, got `int-log:0:8`"));
        check("log:1e-4", Err("write log:A:B with two numbers, got `log:1e-4`"));
        check("log:a:b", Err("expected a number, got `a`"));
        check("uniform:0:inf", Err("expected a number, got `inf`"));
        check("int:1:2.5", Err("expected a whole number from 0 to 2^53, got `2.5`"));
        check("a||b", Err("a value is missing in `a||b`"));
        check(
            "lgo:1:2",
            Err(
                "write log:A:B or uniform:A:B (numbers), int:A:B or int-log:A:B (whole numbers), or values as in a|b|c, got `lgo:1:2`",
            ),
        );
    }

    #[test]
    fn the_unit_interval_is_spread_over_a_domain() {
        let check = |text: &str, pairs: &[(f64, f64)]| {
            let domain: Domain = text.parse().unwrap();
            for (u, expected) in pairs {
                let value = domain.at(*u);
                assert!((value - expected).abs() <= 1e-12 * expected.abs(), "{text} at {u}: {value}");
                assert!(domain.contains(value));
            }
        };
        check("uniform:2:4", &[(0.0, 2.0), (0.25, 2.5), (1.0, 4.0)]);
        check("log:1e-4:1e-2", &[(0.0, 1e-4), (0.5, 1e-3), (1.0, 1e-2)]);
        // Each of four numbers has a quarter.
        check("int:1:4", &[(0.0, 1.0), (0.2499, 1.0), (0.2501, 2.0), (0.7501, 4.0), (1.0, 4.0)]);
        // ln 0.5 to ln 8.5: from 1.5, at ln 3 / ln 17 = 0.3878, it is 2.
        check("int-log:1:8", &[(0.0, 1.0), (0.3877, 1.0), (0.3878, 2.0), (1.0, 8.0)]);
        check("a|b|c", &[(0.0, 0.0), (0.334, 1.0), (0.999, 2.0), (1.0, 2.0)]);
    }

    #[test]
    fn a_space_has_each_key_once() {
        let check = |texts: &[&str], expected: &str| {
            let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
            assert!(Space::parse(&texts).unwrap_err().starts_with(expected), "{texts:?}");
        };
        check(&[], "nothing is searched; give --search KEY=RANGE");
        check(&["gamma"], "--search gamma: write --search KEY=RANGE");
        check(&["gamma=uniform:0:1", "gamma=0.9|0.99"], "`gamma` (--search): one key is given twice");
        check(&["learning-rate=log:0:1"], "`learning_rate` (--search): a logarithmic range begins above 0");
        let texts = ["a=uniform:0:1", "b=x|y|z"].map(str::to_owned);
        let samples = Space::parse(&texts).unwrap().samples();
        assert_eq!(samples, [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 2.0]]);
    }
}
