//! Parsing of an environment's options, `key=value,key=value`.

use super::id::{self, Given};
use potstill_core::written;
use std::ops::RangeInclusive;

/// The hint where a map was given to an environment that does not take it.
pub(crate) const OWN_MAPS: &str = "; for maps of your own: Gridworld-v0:desc=@maze.txt";

/// Given options, each to be taken once.
pub struct Options<'a> {
    given: Vec<(&'a str, &'a str)>,
}

impl<'a> Options<'a> {
    /// Parses the text after the colon of an id.
    pub(super) fn parse(text: &'a str) -> Result<Self, String> {
        let mut given: Vec<(&str, &str)> = Vec::new();
        for option in id::options(text)? {
            let (key, value) = match option.value {
                Given::Text(value) => (option.key, value),
                Given::File(_) => {
                    return Err(format!("`{}`: the text of the file is needed here", option.written));
                }
            };
            if given.iter().any(|(other, _)| *other == key) {
                return Err(format!("option `{key}` is given twice"));
            }
            given.push((key, value));
        }
        Ok(Self { given })
    }

    /// Options that stand elsewhere, each key once.
    pub(crate) fn of(given: Vec<(&'a str, &'a str)>) -> Self {
        Self { given }
    }

    /// Returns true if an option was given and has not been taken yet.
    pub(super) fn is_given(&self, key: &str) -> bool {
        self.given.iter().any(|(name, _)| *name == key)
    }

    /// The value of an option, if it was given.
    pub fn take(&mut self, key: &str) -> Option<&'a str> {
        let i = self.given.iter().position(|(name, _)| *name == key)?;
        Some(self.given.remove(i).1)
    }

    /// Takes all options but some, of an environment whose own are not known.
    pub(super) fn take_all_but(&mut self, is_left: impl Fn(&str) -> bool) -> Vec<(&'a str, &'a str)> {
        let (left, taken) = std::mem::take(&mut self.given).into_iter().partition(|(key, _)| is_left(key));
        self.given = left;
        taken
    }

    /// Takes a flag, `true` or `false`.
    ///
    /// # Errors
    /// If it is neither.
    pub fn flag(&mut self, key: &str, default: bool) -> Result<bool, String> {
        match self.take(key) {
            None => Ok(default),
            Some(text) => written::truth(text).ok_or_else(|| format!("{key}={text}: write true or false")),
        }
    }

    /// Takes a number in a range.
    ///
    /// # Errors
    /// If it is not a number, or out of range.
    pub fn number(&mut self, key: &str, default: f64, range: RangeInclusive<f64>) -> Result<f64, String> {
        let Some(text) = self.take(key) else { return Ok(default) };
        let number = written::number(text).filter(|number| range.contains(number));
        number
            .ok_or_else(|| format!("{key}={text}: write a number from {} to {}", range.start(), range.end()))
    }

    /// Takes a whole number in a range; `None` if it was not given.
    ///
    /// # Errors
    /// If it is not a whole number, or out of range.
    pub fn whole(&mut self, key: &str, range: RangeInclusive<u64>) -> Result<Option<u64>, String> {
        let Some(text) = self.take(key) else { return Ok(None) };
        let number = written::whole(text).filter(|number| range.contains(number));
        number.map(Some).ok_or_else(|| {
            format!("{key}={text}: write a whole number from {} to {}", range.start(), range.end())
        })
    }

    /// Takes a number of steps, or `none`.
    pub(super) fn limit(&mut self, key: &str, default: Option<u64>) -> Result<Option<u64>, String> {
        if self.given.contains(&(key, "none")) {
            self.take(key);
            return Ok(None);
        }
        Ok(self.whole(key, 1..=1_000_000_000_000)?.or(default))
    }

    /// Checks that every given option was taken.
    pub(super) fn finish<'n>(self, known: impl Iterator<Item = &'n str>) -> Result<(), String> {
        match self.given.first() {
            None => Ok(()),
            Some((key, _)) => {
                let known: Vec<&str> = known.collect();
                let hint = if *key == "desc" { OWN_MAPS } else { "" };
                Err(format!("there is no option `{key}`; there is {}{hint}", known.join(", ")))
            }
        }
    }
}
