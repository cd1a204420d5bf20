//! The environments by their Gymnasium id, with Gymnasium's options.
//!
//! The arcade games are found by their name alone, too: `Breakout` is `MinAtar/Breakout-v1`. Options follow the id: `FrozenLake-v1:is_slippery=false,map_name=8x8`. Every environment has
//! `max_episode_steps`, a number or `none`, and those of the [`wrappers`](crate::wrappers), which lie around it in this order: `sticky_actions=P`,
//! `action_repeat=N`, `clip_reward=LOW:HIGH`, `bins=N`, `one_hot=true`, `frame_stack=N`; so a stack is of what the agent sees.
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

mod options;

pub use options::Options;

use crate::arcade::asterix::Asterix;
use crate::arcade::breakout::Breakout;
use crate::arcade::freeway::Freeway;
use crate::arcade::seaquest::Seaquest;
use crate::arcade::space_invaders::SpaceInvaders;
use crate::arcade::{Arcade, Game};
use crate::book::{access_control, dyna_maze, windy_gridworld};
use crate::classic_control::acrobot::AcrobotRules;
use crate::classic_control::cart_pole::CartPoleRules;
use crate::classic_control::mountain_car::{MountainCarContinuousRules, MountainCarRules};
use crate::classic_control::pendulum::PendulumRules;
use crate::classic_control::{Dynamics, Single};
use crate::toy_text::blackjack::Blackjack;
use crate::toy_text::cliff_walking;
use crate::toy_text::frozen_lake::{Lake, MAP_4X4, MAP_8X8, generate_map, parse_map};
use crate::toy_text::taxi::Taxi;
use crate::vector::{Lanes, SyncVec};
use crate::wrappers::{ActionRepeat, ClipReward, Discretize, Features, FrameStack, OneHot, StickyActions};
use crate::{Autoreset, Env, EnvError, Guarded, Row, Space, VecEnv};
use std::fmt;
use std::sync::Arc;

/// An environment behind a pointer, with numbered actions unless said otherwise.
pub type BoxEnv<O, A = usize> = Box<dyn Env<Observation = O, Action = A>>;

/// An environment with numbered states.
pub type StateEnv = BoxEnv<usize>;

/// An environment with a vector of features for its observation.
pub type FeatureEnv = BoxEnv<[f32]>;

/// An environment with planes of zeros and ones for its observation.
pub type PlaneEnv = BoxEnv<[u8]>;

/// An environment with features whose actions are vectors, such as forces.
pub type ControlEnv = BoxEnv<[f32], [f32]>;

/// A vector environment behind a pointer.
pub type BoxVecEnv<T, A = usize> = Box<dyn VecEnv<Element = T, Action = A>>;

/// One environment, with its options.
#[derive(Clone, Debug)]
pub struct Spec {
    /// Gymnasium's id, then the options that were given, as they were.
    pub id: String,
    /// What the task is.
    pub summary: &'static str,
    /// Its numbered actions in words, in their order.
    pub actions: &'static [&'static str],
    /// Its options, with what they mean.
    pub options: &'static [(&'static str, &'static str)],
    /// Steps after which an episode is truncated.
    pub time_limit_steps: Option<u64>,
    /// The mean return that counts as solved.
    pub reward_threshold: Option<f64>,
    /// Whether transitions or starts are random.
    pub stochastic: bool,
    make: Make,
}

/// How one environment, or many, are made, with a time limit or without.
pub struct Factory<O: Row + ?Sized, A: Row + ?Sized> {
    one: Arc<dyn Fn(Option<u64>) -> BoxEnv<O, A> + Send + Sync>,
    #[expect(clippy::type_complexity, reason = "said once")]
    many: Arc<dyn Fn(usize, Autoreset, Option<u64>) -> BoxVecEnv<O::Element, A> + Send + Sync>,
    time_limit_steps: Option<u64>,
}

impl<O: Row + ?Sized, A: Row + ?Sized> Factory<O, A> {
    /// One environment.
    pub fn one(&self) -> BoxEnv<O, A> {
        (self.one)(self.time_limit_steps)
    }

    /// Many copies.
    pub fn many(&self, copies: usize, autoreset: Autoreset) -> BoxVecEnv<O::Element, A> {
        (self.many)(copies, autoreset, self.time_limit_steps)
    }
}

impl<O: Row + ?Sized, A: Row + ?Sized> Clone for Factory<O, A> {
    fn clone(&self) -> Self {
        Self { one: self.one.clone(), many: self.many.clone(), time_limit_steps: self.time_limit_steps }
    }
}

impl<O: Row + ?Sized + 'static, A: Row + ?Sized + 'static> Factory<O, A> {
    /// Of worlds that are stepped one by one.
    fn of<E>(world: impl Fn() -> E + Send + Sync + Clone + 'static) -> Self
    where
        E: Env<Observation = O, Action = A> + 'static,
    {
        let copies = world.clone();
        Self {
            one: Arc::new(move |limit| Box::new(Guarded::new(world(), limit))),
            many: Arc::new(move |n, autoreset, limit| {
                Box::new(SyncVec::new(n, autoreset, || Guarded::new(copies(), limit)))
            }),
            time_limit_steps: None,
        }
    }
}

impl<O: Row + ?Sized + 'static, A: Row + ?Sized + 'static> Factory<O, A> {
    /// Of these environments within something.
    fn within<P>(
        self,
        wrap: impl Fn(BoxEnv<O, A>) -> BoxEnv<P, A> + Send + Sync + Clone + 'static,
    ) -> Factory<P, A>
    where
        P: Row + ?Sized + 'static,
    {
        let (one, many) = (self.one.clone(), self.one);
        let around_copies = wrap.clone();
        Factory {
            one: Arc::new(move |limit| wrap(one(limit))),
            many: Arc::new(move |n, autoreset, limit| {
                Box::new(SyncVec::new(n, autoreset, || around_copies(many(limit))))
            }),
            time_limit_steps: self.time_limit_steps,
        }
    }
}

impl<A: Row + ?Sized + 'static> Factory<[f32], A> {
    /// Of worlds that are stepped side by side.
    fn of_dynamics<D, const S: usize, const O: usize>(dynamics: D) -> Self
    where
        D: Dynamics<S, O, Action = A>,
    {
        let copies = dynamics.clone();
        Self {
            one: Arc::new(move |limit| Box::new(Guarded::new(Single::new(dynamics.clone()), limit))),
            many: Arc::new(move |n, autoreset, limit| {
                Box::new(Lanes::new(copies.clone(), n, autoreset, limit))
            }),
            time_limit_steps: None,
        }
    }
}

/// The kinds of environments, by what is seen and done.
#[derive(Clone)]
enum Make {
    States(Factory<usize, usize>),
    Features(Factory<[f32], usize>),
    Planes(Factory<[u8], usize>),
    Control(Factory<[f32], [f32]>),
}

impl fmt::Debug for Make {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Make::States(_) => "States",
            Make::Features(_) => "Features",
            Make::Planes(_) => "Planes",
            Make::Control(_) => "Control",
        })
    }
}

/// What can be done with an environment of whatever kind.
pub trait Visitor {
    /// What comes of it.
    type Output;

    /// Does it.
    fn visit<O: Row + ?Sized + 'static, A: Row + ?Sized + 'static>(
        self,
        factory: &Factory<O, A>,
    ) -> Self::Output;
}

/// Of one environment: what is the same whatever its options, and how to make it with them.
struct Entry {
    id: &'static str,
    summary: &'static str,
    actions: &'static [&'static str],
    options: &'static [(&'static str, &'static str)],
    time_limit_steps: Option<u64>,
    reward_threshold: Option<f64>,
    make: fn(&mut Options<'_>) -> Result<Make, String>,
}

/// Every environment there is, by id.
static ENTRIES: &[Entry] = &[
    Entry {
        id: "AccessControl",
        summary: "let customers to ten servers, or wait for better ones; it never ends",
        actions: &["reject", "accept"],
        options: &[],
        time_limit_steps: None,
        reward_threshold: None,
        make: |_| Ok(states(access_control::world())),
    },
    Entry {
        id: "Acrobot-v1",
        summary: "swing the end of two links over a line",
        actions: &["left", "none", "right"],
        options: &[],
        time_limit_steps: Some(500),
        reward_threshold: Some(-100.0),
        make: |_| Ok(Make::Features(Factory::of_dynamics(AcrobotRules))),
    },
    Entry {
        id: "Blackjack-v1",
        summary: "come closer to 21 than the dealer",
        actions: &["stick", "hit"],
        options: &[
            ("natural", "a game won by a dealt 21 gives 1.5: true or false"),
            ("sab", "Sutton and Barto's rule for a dealt 21: true (default) or false"),
        ],
        time_limit_steps: None,
        reward_threshold: None,
        make: |options| {
            let (natural, sab) = (options.flag("natural", false)?, options.flag("sab", true)?);
            Ok(states(Blackjack::new(natural, sab)))
        },
    },
    Entry {
        id: "CartPole-v1",
        summary: "keep a pole upright on a cart",
        actions: &["left", "right"],
        options: &[("sutton_barto_reward", "0 for each step and -1 for a fall: true or false")],
        time_limit_steps: Some(500),
        reward_threshold: Some(475.0),
        make: |options| {
            let sutton_barto_reward = options.flag("sutton_barto_reward", false)?;
            Ok(Make::Features(Factory::of_dynamics(CartPoleRules { sutton_barto_reward })))
        },
    },
    Entry {
        id: "CliffWalking-v1",
        summary: "walk along a cliff to the goal",
        actions: &["up", "right", "down", "left"],
        options: &[("is_slippery", "a step may go to either side: true or false")],
        time_limit_steps: None,
        reward_threshold: None,
        make: |options| cliff(options, false),
    },
    Entry {
        id: "CliffWalkingSlippery-v1",
        summary: "walk along a cliff on slippery ground",
        actions: &["up", "right", "down", "left"],
        options: &[("is_slippery", "a step may go to either side: true or false")],
        time_limit_steps: None,
        reward_threshold: None,
        make: |options| cliff(options, true),
    },
    Entry {
        id: "DynaMaze",
        summary: "find the way through a maze",
        actions: &["up", "right", "down", "left"],
        options: &[],
        time_limit_steps: None,
        reward_threshold: None,
        make: |_| Ok(states(dyna_maze::world())),
    },
    Entry {
        id: "FrozenLake-v1",
        summary: "cross a frozen lake, 4 x 4",
        actions: &["left", "down", "right", "up"],
        options: LAKE_OPTIONS,
        time_limit_steps: Some(100),
        reward_threshold: Some(0.70),
        make: |options| lake(options, MAP_4X4),
    },
    Entry {
        id: "FrozenLake8x8-v1",
        summary: "cross a frozen lake, 8 x 8",
        actions: &["left", "down", "right", "up"],
        options: LAKE_OPTIONS,
        time_limit_steps: Some(200),
        reward_threshold: Some(0.85),
        make: |options| lake(options, MAP_8X8),
    },
    Entry {
        id: "MinAtar/Asterix-v1",
        summary: "gather gold, and keep away from enemies",
        actions: &["none", "left", "up", "right", "down"],
        options: ARCADE_OPTIONS,
        time_limit_steps: None,
        reward_threshold: None,
        make: arcade::<Asterix>,
    },
    Entry {
        id: "MinAtar/Breakout-v1",
        summary: "break bricks with a ball",
        actions: &["none", "left", "right"],
        options: ARCADE_OPTIONS,
        time_limit_steps: None,
        reward_threshold: None,
        make: arcade::<Breakout>,
    },
    Entry {
        id: "MinAtar/Freeway-v1",
        summary: "cross a road with eight lanes",
        actions: &["none", "up", "down"],
        options: ARCADE_OPTIONS,
        time_limit_steps: None,
        reward_threshold: None,
        make: arcade::<Freeway>,
    },
    Entry {
        id: "MinAtar/Seaquest-v1",
        summary: "rescue divers, shoot, and come up for air",
        actions: MOVES,
        options: ARCADE_OPTIONS,
        time_limit_steps: None,
        reward_threshold: None,
        make: arcade::<Seaquest>,
    },
    Entry {
        id: "MinAtar/SpaceInvaders-v1",
        summary: "shoot aliens before they arrive",
        actions: &["none", "left", "right", "fire"],
        options: ARCADE_OPTIONS,
        time_limit_steps: None,
        reward_threshold: None,
        make: arcade::<SpaceInvaders>,
    },
    Entry {
        id: "MountainCar-v0",
        summary: "rock a weak car out of a valley",
        actions: &["left", "none", "right"],
        options: &[("goal_velocity", "the velocity needed at the goal: a number")],
        time_limit_steps: Some(200),
        reward_threshold: Some(-110.0),
        make: |options| {
            let goal_velocity = options.number("goal_velocity", 0.0, -1.0..=1.0)?;
            Ok(Make::Features(Factory::of_dynamics(MountainCarRules { goal_velocity })))
        },
    },
    Entry {
        id: "MountainCarContinuous-v0",
        summary: "rock a weak car out of a valley with any force",
        actions: &[],
        options: &[("goal_velocity", "the velocity needed at the goal: a number")],
        time_limit_steps: Some(999),
        reward_threshold: Some(90.0),
        make: |options| {
            let goal_velocity = options.number("goal_velocity", 0.0, -1.0..=1.0)?;
            Ok(Make::Control(Factory::of_dynamics(MountainCarContinuousRules { goal_velocity })))
        },
    },
    Entry {
        id: "Pendulum-v1",
        summary: "swing a pendulum up and keep it there",
        actions: &[],
        options: &[("g", "the acceleration of gravity: a number")],
        time_limit_steps: Some(200),
        reward_threshold: None,
        make: |options| {
            let g = options.number("g", 10.0, -1e6..=1e6)?;
            Ok(Make::Control(Factory::of_dynamics(PendulumRules { g })))
        },
    },
    Entry {
        id: "Taxi-v4",
        summary: "fetch a passenger and bring them to their place",
        actions: &["down", "up", "right", "left", "pick up", "drop off"],
        options: &[
            ("is_rainy", "a move may go to either side: true or false"),
            ("rainy_probability", "with which it does not, in the rain: 0 to 1 (default 0.8)"),
            ("fickle_passenger", "the passenger may change their mind once: true or false"),
            ("fickle_probability", "with which they do, if fickle: 0 to 1 (default 0.3)"),
        ],
        time_limit_steps: Some(200),
        reward_threshold: Some(8.0),
        make: |options| {
            let mut chance = |flag, key, default| {
                let (given, p) = (options.flag(flag, false)?, options.number(key, default, 0.0..=1.0)?);
                Ok::<_, String>(given.then_some(p))
            };
            let rain = chance("is_rainy", "rainy_probability", 0.8)?;
            let taxi = Taxi::new(rain, chance("fickle_passenger", "fickle_probability", 0.3)?);
            Ok(states(taxi))
        },
    },
    Entry {
        id: "WindyGridworld",
        summary: "cross a grid with a wind from below",
        actions: &["up", "right", "down", "left", "up right", "down right", "down left", "up left"],
        options: &[
            ("kings_moves", "diagonal steps as well: true or false"),
            ("stochastic_wind", "the wind varies by one square: true or false"),
        ],
        time_limit_steps: None,
        reward_threshold: None,
        make: |options| {
            let kings_moves = options.flag("kings_moves", false)?;
            Ok(states(windy_gridworld::world(kings_moves, options.flag("stochastic_wind", false)?)))
        },
    },
];

/// The full action set of the arcade games.
const MOVES: &[&str] = &["none", "left", "up", "right", "down", "fire"];

const ARCADE_OPTIONS: &[(&str, &str)] = &[
    ("sticky_action_prob", "the probability that the last action is repeated: 0 to 1 (default 0.1)"),
    ("difficulty_ramping", "the game becomes harder with time, if it can: true (default) or false"),
    ("full_action_set", "all six actions, also those that do nothing: true or false"),
];

fn arcade<G: Game>(options: &mut Options<'_>) -> Result<Make, String> {
    let sticky = options.number("sticky_action_prob", 0.1, 0.0..=1.0)?;
    let ramping = options.flag("difficulty_ramping", true)?;
    let full = options.flag("full_action_set", false)?;
    Ok(Make::Planes(Factory::of(move || Arcade::<G>::new(sticky, ramping, full))))
}

/// A world with numbered states.
fn states<E: Env<Observation = usize, Action = usize> + Clone + Sync + 'static>(world: E) -> Make {
    Make::States(Factory::of(move || world.clone()))
}

/// The options that every environment has.
pub const GENERAL_OPTIONS: &[(&str, &str)] = &[
    ("max_episode_steps", "steps after which an episode is truncated: a number or none"),
    ("bins", "features as numbered states, each cut into so many boxes: 1 to 1000"),
    ("one_hot", "numbered states as features: true or false"),
    ("frame_stack", "so many observations one after the other: 1 to 64"),
    ("sticky_actions", "the probability that the last action is repeated: 0 to 1"),
    ("action_repeat", "steps that an action is taken for: 1 to 1000"),
    ("clip_reward", "the range that rewards are cut to, such as -1:1"),
];

/// What the general options put around an environment.
fn wrapped(make: Make, options: &mut Options<'_>) -> Result<Make, String> {
    let mut make = altered_as_asked(make, options)?;
    if let Some(bins) = options.whole("bins", 1..=1000)? {
        let Make::Features(factory) = make else {
            return Err(format!("bins={bins}: it has no features with numbered actions"));
        };
        let features = factory.one().observation_space().features() as u32;
        let boxes = bins.checked_pow(features).filter(|boxes| *boxes <= 1_000_000);
        if boxes.is_none() {
            return Err(format!(
                "bins={bins}: {bins} to the power of {features} boxes; at most a million are held"
            ));
        }
        make = Make::States(factory.within(move |env| Box::new(Discretize::new(env, bins as usize))));
    }
    if options.flag("one_hot", false)? {
        make = match make {
            Make::States(factory) => Make::Features(factory.within(|env| Box::new(OneHot::new(env)))),
            _ => return Err("one_hot=true: its states are not numbered".to_owned()),
        };
    }
    let Some(n) = options.whole("frame_stack", 1..=64)? else { return Ok(make) };
    let n = n as usize;
    Ok(match make {
        Make::States(_) => {
            let reason = "its states are numbered; with one_hot=true they are features";
            return Err(format!("frame_stack={n}: {reason}"));
        }
        Make::Features(factory) => {
            Make::Features(factory.within(move |env| Box::new(FrameStack::new(env, n))))
        }
        Make::Planes(factory) => Make::Planes(factory.within(move |env| Box::new(FrameStack::new(env, n)))),
        Make::Control(factory) => Make::Control(factory.within(move |env| Box::new(FrameStack::new(env, n)))),
    })
}

fn altered_as_asked(make: Make, options: &mut Options<'_>) -> Result<Make, String> {
    let sticky = options.number("sticky_actions", 0.0, 0.0..=1.0)?;
    let repeat = options.whole("action_repeat", 1..=1000)?.unwrap_or(1) as u32;
    let clip = match options.take("clip_reward") {
        None => None,
        Some(text) => {
            let range = text.split_once(':').and_then(|(low, high)| {
                let range: (f64, f64) = (low.parse().ok()?, high.parse().ok()?);
                (range.0 <= range.1).then_some(range)
            });
            let how = "write two numbers, the lower first, such as -1:1";
            Some(range.ok_or_else(|| format!("clip_reward={text}: {how}"))?)
        }
    };
    if (sticky, repeat, clip) == (0.0, 1, None) {
        return Ok(make);
    }
    Ok(match make {
        Make::States(factory) => Make::States(altered(factory, sticky, repeat, clip)),
        Make::Features(factory) => Make::Features(altered(factory, sticky, repeat, clip)),
        Make::Planes(factory) => Make::Planes(altered(factory, sticky, repeat, clip)),
        Make::Control(factory) => Make::Control(altered(factory, sticky, repeat, clip)),
    })
}

/// The wrappers that change what is done and rewarded, as far as they are asked for.
fn altered<O: Row + ?Sized + 'static, A: Row + ?Sized + 'static>(
    factory: Factory<O, A>,
    sticky: f64,
    repeat: u32,
    clip: Option<(f64, f64)>,
) -> Factory<O, A> {
    factory.within(move |mut env| {
        if sticky > 0.0 {
            env = Box::new(StickyActions::new(env, sticky));
        }
        if repeat > 1 {
            env = Box::new(ActionRepeat::new(env, repeat));
        }
        if let Some((low, high)) = clip {
            env = Box::new(ClipReward::new(env, low, high));
        }
        env
    })
}

const LAKE_OPTIONS: &[(&str, &str)] = &[
    ("is_slippery", "a step may go to either side: true (default) or false"),
    ("success_rate", "the probability that it does not, on slippery ice: 0 to 1 (default 1/3)"),
    ("map_name", "4x4 or 8x8"),
    ("desc", "a map, its rows separated by /, such as SFFF/FHFH/FFFH/HFFG"),
    ("size", "the side of a generated map: 2 to 256"),
    ("frozen", "how much of a generated map is frozen: 0 to 1 (default 0.8)"),
    ("map_seed", "the seed of a generated map (default 0)"),
    ("reward_schedule", "the rewards of goal, hole and ice (default 1:0:0)"),
];

fn lake(options: &mut Options<'_>, map: &str) -> Result<Make, String> {
    let size = options.whole("size", 2..=256)?;
    let frozen = options.number("frozen", 0.8, 0.0..=1.0)?;
    let map_seed = options.whole("map_seed", 0..=u64::MAX)?.unwrap_or(0);
    let map = match (options.take("map_name"), options.take("desc"), size) {
        (None, None, None) => parse_map(map)?,
        (Some("4x4"), None, None) => parse_map(MAP_4X4)?,
        (Some("8x8"), None, None) => parse_map(MAP_8X8)?,
        (Some(other), None, None) => return Err(format!("map_name={other}: there is 4x4 and 8x8")),
        (None, Some(rows), None) => parse_map(rows).map_err(|reason| format!("desc: {reason}"))?,
        (None, None, Some(size)) => generate_map(size as usize, frozen, map_seed)?,
        _ => return Err("give one of map_name, desc and size".to_owned()),
    };
    let mut lake = Lake::new(map);
    lake.is_slippery = options.flag("is_slippery", true)?;
    lake.success_rate = options.number("success_rate", lake.success_rate, 0.0..=1.0)?;
    if let Some(text) = options.take("reward_schedule") {
        let rewards: Option<Vec<f64>> = text
            .split(':')
            .map(|reward| reward.parse().ok().filter(|reward: &f64| reward.is_finite()))
            .collect();
        lake.reward_schedule = rewards
            .and_then(|rewards| rewards.try_into().ok())
            .ok_or_else(|| format!("reward_schedule={text}: write three numbers, such as 1:0:0"))?;
    }
    Ok(states(lake.world()))
}

fn cliff(options: &mut Options<'_>, is_slippery: bool) -> Result<Make, String> {
    Ok(states(cliff_walking::world(options.flag("is_slippery", is_slippery)?)))
}

/// The ids of all environments.
pub fn ids() -> impl Iterator<Item = &'static str> {
    ENTRIES.iter().map(|entry| entry.id)
}

/// All environments, with their default options.
pub fn all() -> impl Iterator<Item = Spec> {
    ids().map(|id| find(id).expect("defaults are in order"))
}

/// The environment with this id and these options.
///
/// # Errors
/// If there is none, it has no such option, or an option has no such value.
pub fn find(id: &str) -> Result<Spec, EnvError> {
    let (name, given) = id.split_once(':').unwrap_or((id, ""));
    let entry = ENTRIES
        .iter()
        .find(|entry| entry.id == name || entry.short() == name)
        .ok_or_else(|| EnvError::Unknown { id: name.to_owned() })?;
    entry.spec(given).map_err(|reason| EnvError::Option { id: name.to_owned(), reason })
}

impl Entry {
    /// What stands between the family and the version, for the arcade games: `Breakout`.
    fn short(&self) -> &str {
        self.id.strip_prefix("MinAtar/").and_then(|rest| rest.split('-').next()).unwrap_or(self.id)
    }

    fn spec(&self, given: &str) -> Result<Spec, String> {
        let mut options = Options::parse(given)?;
        let time_limit_steps = options.limit("max_episode_steps", self.time_limit_steps)?;
        let mut make = (self.make)(&mut options)?;
        match &mut make {
            Make::States(factory) => factory.time_limit_steps = time_limit_steps,
            Make::Features(factory) => factory.time_limit_steps = time_limit_steps,
            Make::Planes(factory) => factory.time_limit_steps = time_limit_steps,
            Make::Control(factory) => factory.time_limit_steps = time_limit_steps,
        }
        let is_certain = |make: &Make| match make {
            Make::States(factory) => factory.one().model().is_some_and(|model| !model.is_stochastic()),
            _ => false,
        };
        let stochastic = !is_certain(&make) || options.is_given("sticky_actions");
        let make = wrapped(make, &mut options)?;
        let known = self.options.iter().chain(GENERAL_OPTIONS).map(|(name, _)| *name);
        options.finish(known)?;
        let mut spec = Spec {
            id: if given.is_empty() { self.id.to_owned() } else { format!("{}:{given}", self.id) },
            summary: self.summary,
            actions: self.actions,
            options: self.options,
            time_limit_steps,
            reward_threshold: self.reward_threshold,
            stochastic,
            make,
        };
        if let Some(n) = spec.action_space().discrete() {
            // Some actions come with an option.
            spec.actions = self.actions.get(..n).unwrap_or(MOVES);
        }
        Ok(spec)
    }
}

impl Spec {
    /// The id without options.
    pub fn name(&self) -> &str {
        self.id.split(':').next().unwrap_or(&self.id)
    }

    /// Observations that are seen one after the other, as the option `frame_stack` says; 1 without it.
    pub fn frames(&self) -> usize {
        let options = self.id.split_once(':').map_or("", |(_, options)| options);
        let value = options.split(',').find_map(|option| option.trim().strip_prefix("frame_stack="));
        value.and_then(|frames| frames.trim().parse().ok()).unwrap_or(1)
    }

    /// The environment, if its states are numbered.
    pub fn make_states(&self) -> Option<StateEnv> {
        match &self.make {
            Make::States(factory) => Some(factory.one()),
            _ => None,
        }
    }

    /// The environment, if its observations are vectors of features, or planes that can be taken for them.
    pub fn make_features(&self) -> Option<FeatureEnv> {
        match &self.make {
            Make::Features(factory) => Some(factory.one()),
            Make::Planes(factory) => Some(Box::new(Features::new(factory.one()))),
            _ => None,
        }
    }

    /// The environment, if its observations are planes of zeros and ones.
    pub fn make_planes(&self) -> Option<PlaneEnv> {
        match &self.make {
            Make::Planes(factory) => Some(factory.one()),
            _ => None,
        }
    }

    /// The environment, if its action is a number.
    pub fn make_control(&self) -> Option<ControlEnv> {
        match &self.make {
            Make::Control(factory) => Some(factory.one()),
            _ => None,
        }
    }

    /// Copies of the environment, if its states are numbered.
    pub fn make_vec_states(&self, copies: usize, autoreset: Autoreset) -> Option<BoxVecEnv<usize>> {
        match &self.make {
            Make::States(factory) => Some(factory.many(copies, autoreset)),
            _ => None,
        }
    }

    /// Copies of the environment, if its observations are vectors of features.
    pub fn make_vec_features(&self, copies: usize, autoreset: Autoreset) -> Option<BoxVecEnv<f32>> {
        match &self.make {
            Make::Features(factory) => Some(factory.many(copies, autoreset)),
            _ => None,
        }
    }

    /// Copies of the environment, if its observations are planes of zeros and ones.
    pub fn make_vec_planes(&self, copies: usize, autoreset: Autoreset) -> Option<BoxVecEnv<u8>> {
        match &self.make {
            Make::Planes(factory) => Some(factory.many(copies, autoreset)),
            _ => None,
        }
    }

    /// Copies of the environment, if its observations are vectors of features and its actions vectors.
    pub fn make_vec_control(&self, copies: usize, autoreset: Autoreset) -> Option<BoxVecEnv<f32, [f32]>> {
        match &self.make {
            Make::Control(factory) => Some(factory.many(copies, autoreset)),
            _ => None,
        }
    }

    /// Does something with the environment, whatever its kind.
    pub fn visit<V: Visitor>(&self, visitor: V) -> V::Output {
        match &self.make {
            Make::States(factory) => visitor.visit(factory),
            Make::Features(factory) => visitor.visit(factory),
            Make::Planes(factory) => visitor.visit(factory),
            Make::Control(factory) => visitor.visit(factory),
        }
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
        struct Spaces;
        impl Visitor for Spaces {
            type Output = (Space, Space);
            fn visit<O: Row + ?Sized + 'static, A: Row + ?Sized + 'static>(
                self,
                factory: &Factory<O, A>,
            ) -> (Space, Space) {
                let env = factory.one();
                (env.observation_space(), env.action_space())
            }
        }
        self.visit(Spaces)
    }

    /// Whether the environment gives its exact model.
    pub fn has_model(&self) -> bool {
        self.make_states().is_some_and(|env| env.model().is_some())
    }
}
