//! The constructor of an algorithm by its input, with the settings that it takes.

use super::schedules::resolve;
use super::task::Task;
use crate::agent::Agent;
use crate::config::{ConfigError, Key, Need, Setting, Settings};
use crate::planning::{Planner, PlanningConfig};
use potstill_env::Space;
use potstill_nn::NetworkSpec;
use std::fmt;
use toml::Value;

/// An agent for discrete observations and actions.
pub type TabularAgent = Box<dyn Agent<Observation = usize, Action = usize>>;

/// The input of an algorithm, and its constructor.
#[derive(Clone, Copy)]
pub enum Builder {
    /// An environment with discrete observations and actions.
    States(Constructor<TabularAgent>),
    /// The exact model of such an environment.
    Model(Constructor<(PlanningConfig, Box<dyn Planner>)>),
    /// An environment with features and discrete actions.
    Features(Constructor<Learning<usize>>),
    /// An environment with features and a box of actions.
    Control(Constructor<Learning<[f32]>>),
    /// An environment with features: discrete actions, or a box of them.
    Policy(Constructor<Learning<usize>>, Constructor<Learning<[f32]>>),
    /// A labelled dataset.
    Labels(fn() -> Box<dyn Settings>),
}

/// A function that gives an algorithm's default settings, from which it can be built.
pub type Constructor<T> = fn() -> Box<dyn Recipe<T>>;

/// Settings from which something can be built for a task.
pub trait Recipe<T>: Settings + Send {
    /// Builds the agent, the planner or the learner.
    ///
    /// # Errors
    /// If the settings go neither together nor with the task; the message names the key and the reason.
    fn build(&self, task: &Task<'_>) -> Result<T, ConfigError>;
}

/// An agent for features, with its memory use and its copies of the environment.
pub struct Learning<A: ?Sized + 'static> {
    /// The agent.
    pub agent: Box<dyn Agent<Observation = [f32], Action = A>>,
    /// The number of copies of the environment that it acts in together; `None` for a single environment.
    pub copies: Option<usize>,
    /// A line on its memory, for the user.
    pub about: Option<String>,
    /// A warning that so short a run makes no update.
    pub warning: Option<String>,
}

/// The default settings `S` with a function that builds from them.
pub fn recipe<S, T>(build: fn(&S, &Task<'_>) -> Result<T, ConfigError>) -> Box<dyn Recipe<T>>
where
    S: Settings + Default + Clone + Send + 'static,
    T: 'static,
{
    recipe_without(&[], build)
}

/// Keys that an algorithm shares with others, but has no use for, with the reason.
pub type Unused = &'static [(&'static str, &'static [Need])];

/// The same as [`recipe`] for an algorithm that has no use for some of its keys.
pub fn recipe_without<S, T>(
    unused: Unused,
    build: fn(&S, &Task<'_>) -> Result<T, ConfigError>,
) -> Box<dyn Recipe<T>>
where
    S: Settings + Default + Clone + Send + 'static,
    T: 'static,
{
    Box::new(Recipes { settings: S::default(), unused, build })
}

struct Recipes<S, T> {
    settings: S,
    unused: Unused,
    build: fn(&S, &Task<'_>) -> Result<T, ConfigError>,
}

impl<S: Settings, T> Settings for Recipes<S, T> {
    fn keys(&self) -> Vec<Key> {
        let needs =
            |key: &Key| self.unused.iter().find(|(name, _)| *name == key.name).map(|(_, needs)| *needs);
        self.settings
            .keys()
            .into_iter()
            .map(|key| Key { needs: needs(&key).unwrap_or(key.needs), ..key })
            .collect()
    }

    fn set(&mut self, key: &str, value: &Value) -> Option<Result<(), String>> {
        self.settings.set(key, value)
    }

    fn get(&self, key: &str) -> Option<Value> {
        self.settings.get(key)
    }
}

impl<S: Settings + Clone + Send, T> Recipe<T> for Recipes<S, T> {
    fn build(&self, task: &Task<'_>) -> Result<T, ConfigError> {
        let mut settings = self.settings.clone();
        resolve(&mut settings, task.schedule_steps.or(task.steps))?;
        if matches!(task.spec.observation_space(), Space::Image { .. }) {
            scale_images(&mut settings);
        }
        (self.build)(&settings, task)
    }
}

/// Divides the inputs of networks by 255, unless they are divided by another number: the bytes of images become numbers
/// from 0 to 1.
fn scale_images(settings: &mut dyn Settings) {
    for key in settings.keys().into_iter().filter(|key| key.kind == NetworkSpec::KIND) {
        let spec = settings.get(key.name).and_then(|value| NetworkSpec::from_toml(&value).ok());
        if let Some(spec) = spec.filter(|spec| spec.input_divisor == 1) {
            let value = NetworkSpec { input_divisor: 255, ..spec }.to_toml().expect("a network is set");
            settings.set(key.name, &value).expect("a key of these settings").expect("a network");
        }
    }
}

impl Builder {
    /// The constructor of an algorithm for discrete observations.
    pub fn states(&self) -> Option<Constructor<TabularAgent>> {
        match self {
            Builder::States(constructor) => Some(*constructor),
            _ => None,
        }
    }

    /// The input in words.
    pub fn words(&self) -> &'static str {
        match self {
            Builder::States(_) => "environments with discrete observations",
            Builder::Model(_) => "exact models of environments with discrete observations",
            Builder::Features(_) => "environments with features",
            Builder::Control(_) => "environments with features and a box of actions",
            Builder::Policy(..) => "environments with features, discrete actions or a box of them",
            Builder::Labels(_) => "labelled datasets",
        }
    }

    /// The kinds of the observation space and the action space; none for a dataset.
    pub fn spaces(&self) -> Option<(&'static str, &'static str)> {
        match self {
            Builder::States(_) | Builder::Model(_) => Some(("discrete", "discrete")),
            Builder::Features(_) => Some(("box", "discrete")),
            Builder::Control(_) => Some(("box", "box")),
            Builder::Policy(..) => Some(("box", "discrete or box")),
            Builder::Labels(_) => None,
        }
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}
