//! The entry of an environment in the registry.

use super::documentation::{self, EnvOption};
use super::factory::Kind;
use super::general_options::GENERAL_OPTIONS;
use super::id::namespace;
use super::options::Options;
use crate::replayed::{self, Constructed};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// The constructor of an environment from its options.
type Make = dyn Fn(&mut Options<'_>) -> Result<Kind, String> + Send + Sync;

/// Keys and values of options.
type GivenTexts = Vec<(String, String)>;

/// The registry entry of an environment: its id, its documentation, and its constructor. Everything but id,
/// summary and constructor may be left out.
///
/// ```
/// use potstill_env::registry::{Entry, Factory, find, register};
/// use potstill_env::toy_text::cliff_walking;
///
/// let entry = Entry::new("Edge-v0", "walk along an edge", |options| {
///     let is_wet = options.flag("is_wet", false)?;
///     Ok(Factory::new(move || cliff_walking::env(is_wet)))
/// });
/// register(
///     entry
///         .actions(&["up", "right", "down", "left"])
///         .option("is_wet", "a step may go to either side: true or false", "false")
///         .time_limit(500),
/// )?;
///
/// assert_eq!(find("Edge-v0")?.time_limit_steps, Some(500));
/// assert!(!find("Edge-v0")?.stochastic && find("Edge-v0:is_wet=true")?.stochastic);
/// assert!(find("Edge-v0:is_dry=true").is_err());
/// # Ok::<(), potstill_env::EnvError>(())
/// ```
pub struct Entry {
    pub(super) id: &'static str,
    pub(super) summary: &'static str,
    pub(super) documentation: &'static str,
    pub(super) actions: &'static [&'static str],
    /// The names of the actions if an option adds some.
    pub(super) full_actions: &'static [&'static str],
    pub(super) controls: &'static [&'static str],
    pub(super) options: Vec<EnvOption>,
    pub(super) time_limit_steps: Option<u64>,
    pub(super) reward_threshold: Option<f64>,
    pub(super) make: Box<Make>,
}

impl Entry {
    /// An environment with this id (Gymnasium's are of the form `Name-v0`), the task in a few words, and its
    /// constructor, which takes the options that it knows; each has a default. An error is shown to the user:
    /// it names the option and the values that are allowed, as those of [`Options`] do.
    pub fn new<K: Into<Kind>>(
        id: &'static str,
        summary: &'static str,
        make: impl Fn(&mut Options<'_>) -> Result<K, String> + Send + Sync + 'static,
    ) -> Self {
        Self {
            id,
            summary,
            documentation: "",
            actions: &[],
            full_actions: &[],
            controls: &[],
            options: Vec::new(),
            time_limit_steps: None,
            reward_threshold: None,
            make: Box::new(move |options| Ok(make(options)?.into())),
        }
    }

    /// An environment outside of this program with an id of a [namespace](super::id::NAMESPACES), constructed from its options,
    /// each a key and a value, by a function that is called for each environment that is played.
    pub fn of_foreign(
        id: &str,
        construct: impl Fn(&[(String, String)]) -> Result<Constructed, String> + Send + Sync + 'static,
    ) -> Self {
        // An environment with its options is looked for many times, and constructing one may take long.
        let known: Mutex<Vec<(GivenTexts, Kind)>> = Mutex::default();
        let construct = Arc::new(construct);
        // As long as the program, as its entry is.
        let id = Box::leak(id.to_owned().into_boxed_str());
        Self::new(id, "an environment outside of this program", move |options| {
            let owned = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
            let is_general = |key: &str| GENERAL_OPTIONS.iter().any(|option| option.name == key);
            let given: GivenTexts = options.take_all_but(is_general).into_iter().map(owned).collect();
            // Not locked while it constructs, which may look for environments itself.
            let known = || known.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((_, kind)) = known().iter().find(|(options, _)| *options == given) {
                return Ok(kind.clone());
            }
            let (construct, options) = (construct.clone(), given.clone());
            let kind = replayed::kind(move || construct(&options))?;
            known().push((given, kind.clone()));
            Ok::<Kind, String>(kind)
        })
    }

    /// Documentation in Markdown, or a source file whose module documentation (`//!`) it is:
    /// `include_str!("corridor.rs")`. Its headings are "Action space", "Observation space", "Rewards",
    /// "Starting state", "Episode end", "Options" and "Source". A table under "Options" with the columns
    /// option, meaning, default and example declares options as [`option`](Entry::option) does.
    #[must_use]
    pub fn documented(mut self, text: &'static str) -> Self {
        self.documentation = text;
        self.options_of(text)
    }

    /// Adds the options in the table of a text.
    pub(crate) fn options_of(mut self, text: &str) -> Self {
        self.options.extend(documentation::options(text));
        self
    }

    /// The names of discrete actions, in their order. An environment whose options change the number of its
    /// actions names the most of them.
    #[must_use]
    pub fn actions(mut self, names: &'static [&'static str]) -> Self {
        self.actions = names;
        self
    }

    /// The names of the actions if an option adds others than at the end.
    pub(crate) fn full_actions(mut self, names: &'static [&'static str]) -> Self {
        self.full_actions = names;
        self
    }

    /// The names of the numbers of an action in a box, in their order.
    #[must_use]
    pub fn controls(mut self, names: &'static [&'static str]) -> Self {
        self.controls = names;
        self
    }

    /// Declares an option that the constructor takes. `default` may be empty.
    #[must_use]
    pub fn option(mut self, name: &'static str, meaning: &'static str, default: &'static str) -> Self {
        self.options.push(EnvOption::new(name, meaning, default, default));
        self
    }

    /// Another default and example of an option than the documentation gives, which several environments
    /// share.
    pub(crate) fn with_default(mut self, name: &str, default: &'static str, example: &'static str) -> Self {
        let option = self.options.iter_mut().find(|option| option.name == name).expect("a declared option");
        (option.default, option.example) = (default.into(), example.into());
        self
    }

    /// Steps after which an episode is truncated. Every environment has the option `max_episode_steps`, which
    /// takes precedence.
    #[must_use]
    pub fn time_limit(mut self, steps: u64) -> Self {
        self.time_limit_steps = Some(steps);
        self
    }

    /// The mean return that counts as solved.
    #[must_use]
    pub fn reward_threshold(mut self, mean_return: f64) -> Self {
        self.reward_threshold = Some(mean_return);
        self
    }

    /// The time limit and the mean return that counts as solved, if there are any.
    #[must_use]
    pub fn limits(mut self, steps: Option<u64>, mean_return: Option<f64>) -> Self {
        (self.time_limit_steps, self.reward_threshold) = (steps, mean_return);
        self
    }

    /// The name without family and version, for the arcade games: `Breakout`.
    pub(super) fn short(&self) -> &str {
        self.id.strip_prefix("MinAtar/").and_then(|rest| rest.split('-').next()).unwrap_or(self.id)
    }

    /// Checks what a user has written; the error is the reason.
    pub(super) fn check<'a>(&'a self, general: impl Iterator<Item = &'a str>) -> Result<(), String> {
        let namespace = namespace(self.id);
        let marks = if namespace.is_some() { "-_./:" } else { "-_./" };
        let in_name = |c: char| c.is_ascii_alphanumeric() || marks.contains(c);
        let name = &self.id[namespace.map_or(0, str::len)..];
        if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) || !name.chars().all(in_name) {
            return Err("an id begins with a letter or a digit and is made of letters, digits, `-`, `_`, `.` and `/`, such as Corridor-v0".to_owned());
        }
        let mut names: Vec<&str> = general.collect();
        for option in &self.options {
            let name = &*option.name;
            let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if name.is_empty() || !name.chars().all(is_name) {
                return Err(format!("option `{name}`: a name is made of letters, digits and `_`"));
            }
            if names.contains(&name) {
                return Err(format!("option `{name}` is declared twice, or every environment has it"));
            }
            names.push(name);
        }
        if self.time_limit_steps == Some(0) {
            return Err("its time limit is 0; an episode has at least one step".to_owned());
        }
        if self.reward_threshold.is_some_and(|threshold| !threshold.is_finite()) {
            return Err("its reward threshold is not finite".to_owned());
        }
        Ok(())
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("id", &self.id).finish_non_exhaustive()
    }
}
