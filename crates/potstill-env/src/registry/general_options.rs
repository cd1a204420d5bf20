//! The options of every environment, and their wrappers.

use super::documentation::EnvOption;
use super::factory::{Factory, Kind};
use super::options::Options;
use crate::wrappers::{ActionRepeat, ClipReward, Discretize, FrameStack, OneHot, StickyActions};
use crate::{Env, Row};

/// The options of every environment.
pub const GENERAL_OPTIONS: &[EnvOption] = &[
    EnvOption::new(
        "max_episode_steps",
        "steps after which an episode is truncated: a number or none",
        "that of the environment",
        "100",
    ),
    EnvOption::new("bins", "features as discrete states, by the number of bins of each: 1 to 1000", "", "8"),
    EnvOption::new("one_hot", "discrete states as features: true or false", "false", "true"),
    EnvOption::new("frame_stack", "the number of observations in a stack: 1 to 64", "1", "4"),
    EnvOption::new("sticky_actions", "the probability that the last action is repeated: 0 to 1", "0", "0.25"),
    EnvOption::new("action_repeat", "steps that an action is taken for: 1 to 1000", "1", "4"),
    EnvOption::new(
        "clip_reward",
        "the range that rewards are cut to for learning; returns are of the raw ones",
        "",
        "-1:1",
    ),
];

/// Adds the wrappers of the general options.
pub(super) fn wrapped(kind: Kind, options: &mut Options<'_>) -> Result<Kind, String> {
    let mut kind = altered_as_asked(kind, options)?;
    if let Some(bins) = options.whole("bins", 1..=1000)? {
        let Kind::Features(factory) = kind else {
            return Err(format!("bins={bins}: it has no features with discrete actions"));
        };
        let features = factory.one().observation_space().features() as u32;
        let boxes = bins.checked_pow(features).filter(|boxes| *boxes <= 1_000_000);
        if boxes.is_none() {
            return Err(format!(
                "bins={bins}: {bins} to the power of {features} boxes; at most a million are held"
            ));
        }
        kind = Kind::States(factory.within(move |env| Box::new(Discretize::new(env, bins as usize))));
    }
    if options.flag("one_hot", false)? {
        kind = match kind {
            Kind::States(factory) => Kind::Features(factory.within(|env| Box::new(OneHot::new(env)))),
            _ => return Err("one_hot=true: its states are not discrete".to_owned()),
        };
    }
    let Some(n) = options.whole("frame_stack", 1..=64)? else { return Ok(kind) };
    let n = n as usize;
    Ok(match kind {
        Kind::States(_) => {
            let reason = "its states are discrete; with one_hot=true they are features";
            return Err(format!("frame_stack={n}: {reason}"));
        }
        Kind::Features(factory) => {
            Kind::Features(factory.within(move |env| Box::new(FrameStack::new(env, n))))
        }
        Kind::Planes(factory) => Kind::Planes(factory.within(move |env| Box::new(FrameStack::new(env, n)))),
        Kind::Control(factory) => Kind::Control(factory.within(move |env| Box::new(FrameStack::new(env, n)))),
    })
}

fn altered_as_asked(kind: Kind, options: &mut Options<'_>) -> Result<Kind, String> {
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
        return Ok(kind);
    }
    Ok(match kind {
        Kind::States(factory) => Kind::States(altered(factory, sticky, repeat, clip)),
        Kind::Features(factory) => Kind::Features(altered(factory, sticky, repeat, clip)),
        Kind::Planes(factory) => Kind::Planes(altered(factory, sticky, repeat, clip)),
        Kind::Control(factory) => Kind::Control(altered(factory, sticky, repeat, clip)),
    })
}

/// Adds the wrappers of actions and rewards that the options ask for.
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
