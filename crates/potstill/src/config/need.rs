//! The other keys that a key depends on: it has no effect unless they have certain values.

use toml::Value;

/// A condition under which a key has an effect. A key that does not exist, or has no value, fulfils those on its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// This key has one of these values.
    Is(&'static str, &'static [&'static str]),
    /// This key has a value above a bound.
    Above(&'static str, u32),
    /// The text of this key does not contain a part.
    Lacks(&'static str, &'static str),
    /// This key is set.
    Set(&'static str),
    /// This key is not set.
    Unset(&'static str),
    /// None: the key has no effect in this algorithm, for this reason.
    Never(&'static str),
}

impl Need {
    /// The other key.
    pub fn key(self) -> Option<&'static str> {
        match self {
            Need::Is(key, _) | Need::Above(key, _) | Need::Lacks(key, _) => Some(key),
            Need::Set(key) | Need::Unset(key) => Some(key),
            Need::Never(_) => None,
        }
    }

    /// The reason for which a key with this need has no effect where others have these values; none if it has one.
    pub fn unmet(self, value: impl Fn(&str) -> Option<Value>) -> Option<String> {
        let found = self.key().and_then(value);
        let text =
            found.as_ref().map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        let number =
            found.as_ref().and_then(|value| value.as_float().or(value.as_integer().map(|n| n as f64)));
        match (self, text) {
            (Need::Never(reason), _) => Some(format!(": {reason}")),
            (Need::Is(key, values), Some(text)) if !values.contains(&&*text) => {
                Some(format!(" with {key}={text}; it needs {key}={}", values.join(" or ")))
            }
            (Need::Above(key, bound), Some(text))
                if number.is_some_and(|number| number <= f64::from(bound)) =>
            {
                Some(format!(" with {key}={text}; it needs {key} above {bound}"))
            }
            (Need::Lacks(key, part), Some(text)) if text.contains(part) => {
                Some(format!(" with {key}={text}; it needs one without {part}"))
            }
            (Need::Set(key), None) => Some(format!(" without {key}")),
            (Need::Unset(key), Some(_)) => Some(format!(" with {key}")),
            _ => None,
        }
    }
}
