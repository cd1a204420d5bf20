//! The environments by their Gymnasium id, with Gymnasium's options.
//!
//! The arcade games are also found by their name alone: `Breakout` is `MinAtar/Breakout-v1`. Options follow
//! the id: `FrozenLake-v1:is_slippery=false,map_name=8x8`. Every environment has `max_episode_steps`, a
//! number or `none`, and the options of the [`wrappers`](crate::wrappers), which are applied in this order:
//! `sticky_actions=P`, `action_repeat=N`, `clip_reward=LOW:HIGH`, `bins=N`, `one_hot=true`, `frame_stack=N`;
//! so a stack holds what the agent observes. A value with a comma stands in quotation marks ([`id`]).
//!
//! ```
//! use potstill_env::registry::find;
//!
//! let spec = find("CartPole-v1")?;
//! assert_eq!((spec.time_limit_steps, spec.reward_threshold), (Some(500), Some(475.0)));
//! assert!(spec.make_features().is_some() && spec.make_states().is_none());
//! let short = find("CartPole-v1:max_episode_steps=20")?;
//! assert_eq!(short.time_limit_steps, Some(20));
//! assert!(find("CartPole-v7").is_err() && find("CartPole-v1:gravity=1").is_err());
//! # Ok::<(), potstill_env::EnvError>(())
//! ```
//!
//! Programs [`register`] environments of their own, each an [`Entry`], before anything else. From then on
//! they are found as those are.

mod checked;
mod documentation;
mod entry;
mod factory;
mod general_options;
pub mod id;
mod options;
pub mod recorded;

pub use documentation::{EnvOption, Part, Section, sections};
pub use entry::Entry;
pub use factory::{BoxEnv, BoxVecEnv, ControlEnv, Factory, FeatureEnv, Kind, PlaneEnv, StateEnv, Visitor};
pub use general_options::GENERAL_OPTIONS;
pub(crate) use options::OWN_MAPS;
pub use options::Options;

use crate::wrappers::Features;
use crate::{Autoreset, Env, EnvError, Space};
use crate::{arcade, book, box2d_envs, classic_control, gridworld, toy_text};
use checked::caught;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

/// One environment, with its options.
#[derive(Clone, Debug)]
pub struct Spec {
    /// Gymnasium's id, then the given options, as written.
    pub id: String,
    /// The task in a few words.
    pub summary: &'static str,
    /// Its discrete actions in words, in their order.
    pub actions: &'static [&'static str],
    /// The names of the numbers of its actions in a box, in their order; empty if they have none.
    pub controls: &'static [&'static str],
    /// Its own options; every environment has [`GENERAL_OPTIONS`] as well.
    pub options: &'static [EnvOption],
    /// Its documentation, to be taken apart by [`sections`]; empty if there is none.
    pub documentation: &'static str,
    /// Steps after which an episode is truncated.
    pub time_limit_steps: Option<u64>,
    /// The mean return that counts as solved.
    pub reward_threshold: Option<f64>,
    /// `true` if transitions or starts are random.
    pub stochastic: bool,
    kind: Kind,
}

/// The entries by id: those of all families, and those that the program registered.
static ENTRIES: LazyLock<RwLock<Vec<&'static Entry>>> = LazyLock::new(|| {
    let families = [
        toy_text::entries(),
        book::entries(),
        gridworld::entries(),
        classic_control::entries(),
        box2d_envs::entries(),
        arcade::entries(),
    ];
    let mut entries: Vec<&'static Entry> = families.into_iter().flatten().map(kept).collect();
    entries.sort_unstable_by_key(|entry| entry.id);
    RwLock::new(entries)
});

/// An entry is there for as long as the program.
fn kept(entry: Entry) -> &'static Entry {
    Box::leak(Box::new(entry))
}

fn entries() -> Vec<&'static Entry> {
    ENTRIES.read().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Adds an environment to those that [`find`] finds. One outside of this program takes the place of an earlier one of its id.
///
/// # Errors
/// If its id is known already or is none, or an option or a limit of it cannot be.
pub fn register(entry: Entry) -> Result<(), EnvError> {
    let refused = |reason| EnvError::Registration { id: entry.id.to_owned(), reason };
    entry.check(GENERAL_OPTIONS.iter().map(|option| &*option.name)).map_err(refused)?;
    let mut entries = ENTRIES.write().unwrap_or_else(PoisonError::into_inner);
    let names = |known: &&&Entry| [known.id, known.short()].contains(&entry.id);
    if let Some(place) = entries.iter().position(|known| known.id == entry.id)
        && id::namespace(entry.id).is_some()
    {
        entries[place] = kept(entry);
        return Ok(());
    }
    if let Some(known) = entries.iter().find(names) {
        return Err(refused(format!("there is {} already; give it an id of its own", known.id)));
    }
    let place = entries.partition_point(|known| known.id < entry.id);
    entries.insert(place, kept(entry));
    Ok(())
}

/// The way to the environments of a namespace: constructs the entry of a name behind it; an error is the reason.
pub type Resolve = dyn Fn(&str) -> Result<Entry, String> + Send + Sync;

/// The ways to environments outside of this program.
static RESOLVERS: RwLock<BTreeMap<&'static str, Arc<Resolve>>> = RwLock::new(BTreeMap::new());

/// Says how the environments of one of the [`NAMESPACES`](id::NAMESPACES) are reached; replaces what was said before. Such an
/// environment is registered when it is first looked for.
///
/// # Panics
/// If there is no such namespace.
pub fn resolve_namespace(
    namespace: &str,
    resolve: impl Fn(&str) -> Result<Entry, String> + Send + Sync + 'static,
) {
    let known = id::NAMESPACES.into_iter().find(|known| *known == namespace).expect("a namespace");
    RESOLVERS.write().unwrap_or_else(PoisonError::into_inner).insert(known, Arc::new(resolve));
}

/// Returns true if it was said how the environments of a namespace are reached.
pub fn is_resolved(namespace: &str) -> bool {
    RESOLVERS.read().unwrap_or_else(PoisonError::into_inner).contains_key(namespace)
}

/// The entry of an environment outside of this program, registered from now on.
fn resolved(namespace: &'static str, name: &str) -> Result<&'static Entry, EnvError> {
    let refused = |reason| EnvError::Option { id: name.to_owned(), reason };
    if namespace == id::RECORDED {
        let registered = register(recorded::entry(name));
        return known(name).ok_or_else(|| registered.expect_err("it is not registered"));
    }
    let resolver = RESOLVERS.read().unwrap_or_else(PoisonError::into_inner).get(namespace).cloned();
    let resolve = resolver
        .ok_or_else(|| refused(format!("this program does not reach environments of `{namespace}`")))?;
    let entry =
        caught("its construction", || resolve(&name[namespace.len()..])).flatten().map_err(refused)?;
    assert_eq!(entry.id, name, "a resolver gives the entry that it was asked for");
    let registered = register(entry);
    // Another thread may have been first.
    known(name).ok_or_else(|| registered.expect_err("it is not registered"))
}

fn known(name: &str) -> Option<&'static Entry> {
    entries().into_iter().find(|entry| entry.id == name || entry.short() == name)
}

/// The ids of all environments, without those outside of this program.
pub fn ids() -> impl Iterator<Item = &'static str> {
    entries().into_iter().map(|entry| entry.id).filter(|id| id::namespace(id).is_none())
}

/// All environments that can be constructed with their default options.
pub fn all() -> impl Iterator<Item = Spec> {
    ids().filter_map(|id| find(id).ok())
}

/// The environment with this id and these options.
///
/// # Errors
/// If there is none, it has no such option, or an option has no such value.
pub fn find(id: &str) -> Result<Spec, EnvError> {
    let (name, given) = id::split(id);
    let entry = match (known(name), id::namespace(name)) {
        (Some(entry), _) => entry,
        (None, Some(namespace)) => resolved(namespace, name)?,
        (None, None) => return Err(EnvError::Unknown { id: name.to_owned() }),
    };
    caught("its construction", || entry.spec(given))
        .flatten()
        .map_err(|reason| EnvError::Option { id: name.to_owned(), reason })
}

/// Characters of an id in a title.
const TITLE_MAX: usize = 60;

/// An id for titles and tables: a long one, such as one that holds a map, is cut.
pub fn in_short(id: &str) -> String {
    match id.char_indices().nth(TITLE_MAX - 3) {
        Some((end, _)) if id.chars().count() > TITLE_MAX => format!("{}...", &id[..end]),
        _ => id.to_owned(),
    }
}

impl Entry {
    fn spec(&'static self, given: &str) -> Result<Spec, String> {
        let mut options = Options::parse(given)?;
        let time_limit_steps = options.limit("max_episode_steps", self.time_limit_steps)?;
        let mut kind = (self.make)(&mut options)?;
        kind.check()?;
        kind.set_time_limit(time_limit_steps);
        let stochastic = kind.is_stochastic() || options.is_given("sticky_actions");
        let kind = general_options::wrapped(kind, &mut options)?;
        options.finish(self.options.iter().chain(GENERAL_OPTIONS).map(|option| &*option.name))?;
        let mut spec = Spec {
            id: if given.is_empty() { self.id.to_owned() } else { format!("{}:{given}", self.id) },
            summary: self.summary,
            actions: self.actions,
            controls: self.controls,
            options: &self.options,
            documentation: self.documentation,
            time_limit_steps,
            reward_threshold: self.reward_threshold,
            stochastic,
            kind,
        };
        if let Some(n) = spec.action_space().discrete() {
            // Some actions come with an option.
            let names = [self.actions, self.full_actions].into_iter().find_map(|names| names.get(..n));
            spec.actions = match names {
                None if !self.actions.is_empty() => {
                    let names = self.actions.len();
                    return Err(format!("it has {n} actions, but {names} names of actions"));
                }
                names => names.unwrap_or_default(),
            };
        }
        Ok(spec)
    }
}

impl Spec {
    /// A user's own environment, for everything that takes a `Spec`. `actions` names its discrete actions in
    /// their order (empty for a box), and an episode is truncated after `time_limit_steps`.
    ///
    /// It is not registered: [`find`] does not find its id, and no run directory can name it; see
    /// [`register`].
    ///
    /// ```
    /// use potstill_env::registry::{Factory, Spec};
    /// use potstill_env::{CartPole, trace::{Actions, trace}};
    ///
    /// let poles = Factory::new(CartPole::default);
    /// let spec = Spec::custom("ShortPole", "keep a pole upright", &["left", "right"], Some(5), poles);
    /// let steps = trace(&spec, 1, &Actions::Random(100))?.steps;
    /// assert_eq!((steps.len(), steps[4].outcome.truncated), (5, true));
    /// # Ok::<(), potstill_env::EnvError>(())
    /// ```
    ///
    /// # Panics
    /// If the time limit is 0.
    pub fn custom(
        id: impl Into<String>,
        summary: &'static str,
        actions: &'static [&'static str],
        time_limit_steps: Option<u64>,
        factory: impl Into<Kind>,
    ) -> Self {
        assert_ne!(time_limit_steps, Some(0), "an episode has at least one step");
        let mut kind = factory.into();
        kind.set_time_limit(time_limit_steps);
        Self {
            id: id.into(),
            summary,
            actions,
            controls: &[],
            options: &[],
            documentation: "",
            time_limit_steps,
            reward_threshold: None,
            stochastic: kind.is_stochastic(),
            kind,
        }
    }

    /// The id without options.
    pub fn name(&self) -> &str {
        id::split(&self.id).0
    }

    /// Returns false if only [recorded transitions](recorded) of the environment are at hand.
    pub fn is_playable(&self) -> bool {
        id::namespace(&self.id) != Some(id::RECORDED)
    }

    /// The number of stacked observations of the option `frame_stack`; 1 without it.
    pub fn frames(&self) -> usize {
        let given = id::options(id::split(&self.id).1).unwrap_or_default();
        let value = given.iter().find_map(|option| match option.value {
            id::Given::Text(value) if option.key == "frame_stack" => Some(value),
            _ => None,
        });
        value.and_then(|frames| frames.trim().parse().ok()).unwrap_or(1)
    }

    /// The environment, if its states are discrete.
    pub fn make_states(&self) -> Option<StateEnv> {
        match &self.kind {
            Kind::States(factory) => Some(factory.one()),
            _ => None,
        }
    }

    /// The environment, if its observations are vectors of features, or planes that can be used as features.
    pub fn make_features(&self) -> Option<FeatureEnv> {
        match &self.kind {
            Kind::Features(factory) => Some(factory.one()),
            Kind::Planes(factory) => Some(Box::new(Features::new(factory.one()))),
            _ => None,
        }
    }

    /// The environment, if its observations are planes of zeros and ones, or images.
    pub fn make_planes(&self) -> Option<PlaneEnv> {
        match &self.kind {
            Kind::Planes(factory) => Some(factory.one()),
            _ => None,
        }
    }

    /// The environment, if its actions are vectors of numbers.
    pub fn make_control(&self) -> Option<ControlEnv> {
        match &self.kind {
            Kind::Control(factory) => Some(factory.one()),
            _ => None,
        }
    }

    /// Copies of the environment, if its states are discrete.
    pub fn make_vec_states(&self, copies: usize, autoreset: Autoreset) -> Option<BoxVecEnv<usize>> {
        match &self.kind {
            Kind::States(factory) => Some(factory.many(copies, autoreset)),
            _ => None,
        }
    }

    /// Copies of the environment, if its observations are vectors of features.
    pub fn make_vec_features(&self, copies: usize, autoreset: Autoreset) -> Option<BoxVecEnv<f32>> {
        match &self.kind {
            Kind::Features(factory) => Some(factory.many(copies, autoreset)),
            _ => None,
        }
    }

    /// Copies of the environment, if its observations are planes of zeros and ones, or images.
    pub fn make_vec_planes(&self, copies: usize, autoreset: Autoreset) -> Option<BoxVecEnv<u8>> {
        match &self.kind {
            Kind::Planes(factory) => Some(factory.many(copies, autoreset)),
            _ => None,
        }
    }

    /// Copies of the environment, if its observations and actions are vectors of numbers.
    pub fn make_vec_control(&self, copies: usize, autoreset: Autoreset) -> Option<BoxVecEnv<f32, [f32]>> {
        match &self.kind {
            Kind::Control(factory) => Some(factory.many(copies, autoreset)),
            _ => None,
        }
    }

    /// Applies an operation to the environment, whatever its kind.
    pub fn visit<V: Visitor>(&self, visitor: V) -> V::Output {
        self.kind.visit(visitor)
    }

    /// The observation space.
    pub fn observation_space(&self) -> Space {
        self.spaces().0
    }

    /// The action space.
    pub fn action_space(&self) -> Space {
        self.spaces().1
    }

    fn spaces(&self) -> (Space, Space) {
        self.kind.spaces()
    }

    /// Returns true if the environment has an exact model.
    pub fn has_model(&self) -> bool {
        self.make_states().is_some_and(|env| env.model().is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_id_is_cut() {
        let check = |id: &str, expected: &str| assert_eq!(in_short(id), expected);
        check("CartPole-v1", "CartPole-v1");
        check(&"ä".repeat(60), &"ä".repeat(60));
        check(&"ä".repeat(61), &format!("{}...", "ä".repeat(57)));
    }
}
