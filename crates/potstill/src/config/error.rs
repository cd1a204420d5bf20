//! Configuration errors, and the origin of values.

use super::elsewhere::name_here;
use std::fmt;
use thiserror::Error;

/// The origin of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A preset, by name.
    Preset(String),
    /// A file given with `--config`.
    File(String),
    /// A flag of its own.
    CommandLine,
    /// A `--set` option.
    Set,
    /// The program itself, with the reason.
    Program(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Preset(name) => write!(f, "preset {name}"),
            Origin::File(path) => write!(f, "{path}"),
            Origin::CommandLine => write!(f, "command line"),
            Origin::Set => write!(f, "--set"),
            Origin::Program(reason) => write!(f, "{reason}"),
        }
    }
}

/// A command line or configuration that cannot be run.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// An unknown name.
    #[error("unknown {what} `{name}`{}; {}", at(.origin), suggestion(.nearest.as_deref(), .known))]
    Unknown {
        /// The kind of name.
        what: &'static str,
        /// The name.
        name: String,
        /// Its origin.
        origin: Option<Origin>,
        /// The most similar known name, if there is one.
        nearest: Option<String>,
        /// All known names.
        known: Vec<String>,
    },
    /// A value of the wrong kind or out of range.
    #[error("`{key}`{}: {reason}", at(.origin))]
    Value {
        /// The key.
        key: String,
        /// Its origin.
        origin: Option<Origin>,
        /// The reason.
        reason: String,
    },
    /// Text that is not TOML.
    #[error("{origin} is not valid TOML: {reason}")]
    Syntax {
        /// Its origin.
        origin: Origin,
        /// The parser's message, with line and column.
        reason: String,
    },
    /// Options that exclude each other, or a missing one.
    #[error("{0}")]
    Usage(String),
}

fn at(origin: &Option<Origin>) -> String {
    origin.as_ref().map(|origin| format!(" ({origin})")).unwrap_or_default()
}

fn suggestion(nearest: Option<&str>, known: &[String]) -> String {
    match nearest {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => format!("known: {}", known.join(", ")),
    }
}

impl ConfigError {
    /// A value that does not go with the others.
    pub fn value(key: &str, reason: impl Into<String>) -> Self {
        Self::Value { key: key.to_owned(), origin: None, reason: reason.into() }
    }

    /// An unknown name, with the most similar known one, if any.
    pub fn unknown<'a>(
        what: &'static str,
        name: &str,
        origin: Option<Origin>,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let known: Vec<String> = known.into_iter().map(str::to_owned).collect();
        let names: Vec<&str> = known.iter().map(String::as_str).collect();
        let elsewhere = name_here(name, &names).map(str::to_owned);
        let nearest = elsewhere.or_else(|| nearest(name, names.iter().copied()));
        Self::Unknown { what, name: name.to_owned(), origin, nearest, known }
    }
}

/// The most similar of some names, if one is similar.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let likeness = |candidate: &str| {
        strsim::normalized_damerau_levenshtein(&name.to_lowercase(), &candidate.to_lowercase())
    };
    let nearest = known.max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    // Below this similarity a suggestion is noise.
    nearest.filter(|candidate| likeness(candidate) > 0.5).map(str::to_owned)
}
