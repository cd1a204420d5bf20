//! Recorded episodes, for offline learning.
//!
//! A file has one JSON object per line. The first describes the environment:
//! `{"potstill":"recording","version":1,"env":ID,"observation_space":"Discrete(48)",
//! "action_space":"Discrete(4)"}`. Each further line is an episode:
//! `{"observations":[36,24],"actions":[0],"rewards":[-1.0],"ending":"truncated"}`, with one observation more
//! than actions and rewards. An element of a discrete space, or of a tuple, is its index; one of a box is a
//! list of numbers, also if it has a single component.
//!
//! ```
//! use potstill::data::Recording;
//! use potstill::experience::{Ending, Episode, Trajectory};
//!
//! let mut walk: Trajectory<usize> = Trajectory::starting_at(36);
//! walk.push(0, -1.0, 24);
//! let mut recording: Recording = Recording::new("CliffWalking-v1", &"Discrete(48)", &"Discrete(4)");
//! recording.episodes.push(Episode { trajectory: walk, ending: Ending::Truncated });
//! assert_eq!(Recording::parse(&recording.text()), Ok(recording));
//!
//! let mut swing: Trajectory<[f32], [f32]> = Trajectory::starting_at(vec![1.0, 0.0, 0.5]);
//! swing.push(vec![-2.0], -0.25, vec![0.75, 0.5, 0.0]);
//! let mut recording: Recording<[f32], [f32]> = Recording::new("Pendulum-v1", &"Box(3)", &"Box(1)");
//! recording.episodes.push(Episode { trajectory: swing, ending: Ending::Truncated });
//! assert!(recording.text().ends_with("\"actions\":[[-2.0]],\"rewards\":[-0.25],\"ending\":\"truncated\"}\n"));
//! assert_eq!(Recording::parse(&recording.text()), Ok(recording));
//! ```

use crate::experience::{Ending, Episode, Steps, Trajectory, each_transition};
use potstill_core::snapshot::below;
use potstill_core::{Streams, snapshot};
use potstill_env::space::Element;
use potstill_env::{BoxEnv, Env, EnvError, Outcome, Row, Space};
use serde_json::{Value, json};
use std::borrow::{Borrow, BorrowMut};
use std::fmt::Display;
use std::sync::Arc;

/// The version of the format that is written.
const VERSION: u64 = 1;

/// An observation or an action as JSON: a number or a list of numbers.
fn to_json<R: Row + ?Sized>(row: &R) -> Value {
    let number = |number: &R::Element| {
        let wide = number.wide();
        if wide.fract() == 0.0 && R::Element::IS_WHOLE { json!(wide as u64) } else { json!(wide) }
    };
    match row.as_slice() {
        [index] if R::IS_INDEX => number(index),
        row => row.iter().map(number).collect(),
    }
}

/// Reads an observation or an action from JSON; the error is the expected form.
fn from_json<R: Row + ?Sized>(value: &Value) -> Result<R::Owned, &'static str> {
    let number = |value: &Value| value.as_f64().and_then(R::Element::narrow);
    if R::IS_INDEX {
        let index = number(value).ok_or("which is no whole number")?;
        return Ok(R::from_slice(&[index]).to_owned());
    }
    let row: Option<Vec<R::Element>> = value.as_array().and_then(|list| list.iter().map(number).collect());
    Ok(R::from_slice(&row.ok_or("which is no list of numbers")?).to_owned())
}

/// Recorded episodes, with the spaces of their environment.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording<O: Row + ?Sized = usize, A: Row + ?Sized = usize> {
    /// The environment's id.
    pub env: String,
    /// Its observation space, as text.
    pub observation_space: String,
    /// Its action space, as text.
    pub action_space: String,
    /// The episodes.
    pub episodes: Vec<Episode<O, A>>,
}

impl<O: Row + ?Sized, A: Row + ?Sized> Recording<O, A> {
    /// A recording without episodes.
    pub fn new(env: &str, observation_space: &dyn Display, action_space: &dyn Display) -> Self {
        Self {
            env: env.to_string(),
            observation_space: observation_space.to_string(),
            action_space: action_space.to_string(),
            episodes: Vec::new(),
        }
    }

    /// The first line of the file.
    pub fn head(&self) -> String {
        let head = json!({
            "potstill": "recording",
            "version": VERSION,
            "env": self.env,
            "observation_space": self.observation_space,
            "action_space": self.action_space,
        });
        format!("{head}\n")
    }

    /// The line of an episode.
    pub fn line(episode: &Episode<O, A>) -> String {
        let trajectory = &episode.trajectory;
        let observations = trajectory.observations().iter().map(|row| to_json::<O>(row.borrow()));
        let actions = trajectory.actions().iter().map(|row| to_json::<A>(row.borrow()));
        let episode = json!({
            "observations": observations.collect::<Value>(),
            "actions": actions.collect::<Value>(),
            "rewards": trajectory.rewards(),
            "ending": match episode.ending {
                Ending::Terminated => "terminated",
                Ending::Truncated => "truncated",
            },
        });
        format!("{episode}\n")
    }

    /// The text of the file.
    pub fn text(&self) -> String {
        self.episodes.iter().fold(self.head(), |text, episode| text + &Self::line(episode))
    }

    /// The number of transitions.
    pub fn steps(&self) -> usize {
        self.episodes.iter().map(|episode| episode.trajectory.steps()).sum()
    }

    /// Parses the text of a file.
    ///
    /// # Errors
    /// If it is not a recording: the line and the reason.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let at = |i: usize| move |reason: String| format!("line {}: {reason}", i + 1);
        let object = |line: &str| -> Result<Value, String> {
            serde_json::from_str(line).map_err(|error| format!("it is no JSON: {error}"))
        };
        let (first, head) = lines.next().ok_or("it is empty")?;
        let head = object(head).map_err(at(first))?;
        if head["potstill"] != "recording" {
            return Err("line 1: it does not begin as a recording of `potstill play --record`".to_owned());
        }
        if head["version"] != VERSION {
            return Err(format!("line 1: its version is {}; this program reads {VERSION}", head["version"]));
        }
        let word = |key: &str| {
            let word = head[key].as_str().map(str::to_owned);
            word.ok_or_else(|| format!("line 1: `{key}` is missing or no text"))
        };
        let mut recording = Self::new(&word("env")?, &word("observation_space")?, &word("action_space")?);
        for (i, line) in lines {
            let episode = object(line).and_then(|value| episode(&value)).map_err(at(i))?;
            recording.episodes.push(episode);
        }
        if recording.episodes.is_empty() {
            return Err("it holds no episode".to_owned());
        }
        Ok(recording)
    }

    /// The undiscounted return of each episode.
    pub fn returns(&self) -> impl Iterator<Item = f64> {
        self.episodes.iter().map(|episode| episode.trajectory.initial_return(1.0).0)
    }

    /// Calls a function with each transition, in their order.
    ///
    /// # Errors
    /// Those of the function, which end the walk.
    pub fn each_transition<E>(&self, each: impl FnMut(&Steps<'_, O, A>) -> Result<(), E>) -> Result<(), E> {
        each_transition(&self.episodes, each)
    }

    /// Keeps this share of the episodes, those of the highest returns, of which there is at least one.
    pub fn keep_top(&mut self, share: f64) {
        let kept = ((share * self.episodes.len() as f64).ceil() as usize).clamp(1, self.episodes.len());
        let mut returns: Vec<(usize, f64)> = self.returns().enumerate().collect();
        // Of equal ones the first.
        returns.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let mut is_kept = vec![false; returns.len()];
        returns[..kept].iter().for_each(|&(i, _)| is_kept[i] = true);
        let mut is_kept = is_kept.into_iter();
        self.episodes.retain(|_| is_kept.next() == Some(true));
    }

    /// Records uniformly random actions, so many steps in all; the last episode is cut off.
    ///
    /// # Errors
    /// If the environment refuses a step, whose number is beside the reason.
    pub fn at_random(
        id: &str,
        mut env: BoxEnv<O, A>,
        steps: u64,
        streams: Streams,
    ) -> Result<Self, (u64, EnvError)> {
        let (observations, actions) = (env.observation_space(), env.action_space());
        let mut recording = Self::new(id, &observations, &actions);
        let mut rng = streams.stream("actions");
        let mut observation = O::buffer(&observations);
        env.reset(Some(streams.seed_for("environment", 0)), observation.borrow_mut());
        let mut trajectory = Trajectory::starting_at(observation.clone());
        for step in 1..=steps {
            let action = A::sample(&actions, &mut rng);
            let outcome =
                env.step(action.borrow(), observation.borrow_mut()).map_err(|error| (step, error))?;
            trajectory.push(action, outcome.reward, observation.clone());
            let ending = Ending::of(outcome).or((step == steps).then_some(Ending::Truncated));
            if let Some(ending) = ending {
                env.reset(None, observation.borrow_mut());
                let next = Trajectory::starting_at(observation.clone());
                let trajectory = std::mem::replace(&mut trajectory, next);
                recording.episodes.push(Episode { trajectory, ending });
            }
        }
        Ok(recording)
    }

    /// Checks that all observations and actions are in these spaces.
    ///
    /// # Errors
    /// If one is not: the episode and the reason.
    pub fn check(&self, observations: &Space, actions: &Space) -> Result<(), String> {
        for (i, Episode { trajectory, .. }) in self.episodes.iter().enumerate() {
            let outside = |what: &str, reason: String| format!("episode {}: {what} {reason}", i + 1);
            for row in trajectory.observations() {
                if let Some(reason) = Borrow::<O>::borrow(row).outside(observations) {
                    return Err(outside("observation", reason));
                }
            }
            for row in trajectory.actions() {
                if let Some(reason) = Borrow::<A>::borrow(row).outside(actions) {
                    return Err(outside("action", reason));
                }
            }
        }
        Ok(())
    }
}

impl Recording {
    /// All pairs of state and action, in the order of the visits.
    pub fn pairs(&self) -> impl Iterator<Item = (usize, usize)> {
        self.episodes.iter().flat_map(|episode| {
            let trajectory = &episode.trajectory;
            trajectory.observations().iter().copied().zip(trajectory.actions().iter().copied())
        })
    }
}

fn episode<O: Row + ?Sized, A: Row + ?Sized>(value: &Value) -> Result<Episode<O, A>, String> {
    let list = |key: &str| value[key].as_array().ok_or_else(|| format!("`{key}` is missing or no list"));
    fn row<R: Row + ?Sized>(key: &str, item: &Value) -> Result<R::Owned, String> {
        from_json::<R>(item).map_err(|reason| format!("`{key}` holds {item}, {reason}"))
    }
    let (observations, actions, rewards) = (list("observations")?, list("actions")?, list("rewards")?);
    if actions.is_empty() || observations.len() != actions.len() + 1 || rewards.len() != actions.len() {
        let (o, a, r) = (observations.len(), actions.len(), rewards.len());
        return Err(format!("{o} observations, {a} actions and {r} rewards; one observation more is needed"));
    }
    let mut trajectory = Trajectory::starting_at(row::<O>("observations", &observations[0])?);
    for ((action, reward), next) in actions.iter().zip(rewards).zip(&observations[1..]) {
        let reward =
            reward.as_f64().ok_or_else(|| format!("`rewards` holds {reward}, which is no number"))?;
        trajectory.push(row::<A>("actions", action)?, reward, row::<O>("observations", next)?);
    }
    let ending = match value["ending"].as_str() {
        Some("terminated") => Ending::Terminated,
        Some("truncated") => Ending::Truncated,
        _ => return Err(format!("`ending` is {}, not \"terminated\" or \"truncated\"", value["ending"])),
    };
    Ok(Episode { trajectory, ending })
}

/// A recording as an environment: the recorded actions lead to the recorded observations and rewards, and any
/// other action is refused. The first episode follows the last.
#[derive(Clone, Debug)]
pub struct RecordedEnv<O: Row + ?Sized = usize, A: Row + ?Sized = usize> {
    recording: Arc<Recording<O, A>>,
    observation_space: Space,
    action_space: Space,
    /// The running episode, and the steps taken in it.
    episode: usize,
    step: usize,
    is_new: bool,
}

impl<O: Row + ?Sized, A: Row + ?Sized> RecordedEnv<O, A> {
    /// A recording in an environment with these spaces, for which it was [checked](Recording::check).
    ///
    /// # Panics
    /// If it has no episode.
    pub fn new(recording: Arc<Recording<O, A>>, observation_space: Space, action_space: Space) -> Self {
        assert!(!recording.episodes.is_empty(), "something was recorded");
        Self { recording, observation_space, action_space, episode: 0, step: 0, is_new: true }
    }

    fn show(&self, observation: &mut O) {
        let seen = &self.recording.episodes[self.episode].trajectory.observations()[self.step];
        observation.as_mut_slice().copy_from_slice(Borrow::<O>::borrow(seen).as_slice());
    }
}

impl<O: Row + ?Sized, A: Row + ?Sized> Env for RecordedEnv<O, A> {
    type Observation = O;
    type Action = A;

    fn observation_space(&self) -> Space {
        self.observation_space.clone()
    }

    fn action_space(&self) -> Space {
        self.action_space.clone()
    }

    fn reset(&mut self, _: Option<u64>, observation: &mut O) {
        if !std::mem::replace(&mut self.is_new, false) {
            self.episode = (self.episode + 1) % self.recording.episodes.len();
        }
        self.step = 0;
        self.show(observation);
    }

    fn step(&mut self, action: &A, observation: &mut O) -> Result<Outcome, EnvError> {
        let Episode { trajectory, ending } = &self.recording.episodes[self.episode];
        let Some(recorded) = trajectory.actions().get(self.step) else { return Err(EnvError::EpisodeOver) };
        if action.as_slice() != Borrow::<A>::borrow(recorded).as_slice() {
            return Err(EnvError::Action { action: action.text(), space: self.action_space() });
        }
        let reward = trajectory.rewards()[self.step];
        self.step += 1;
        let is_last = self.step == trajectory.steps();
        let ends = |this: Ending| is_last && *ending == this;
        let (terminated, truncated) = (ends(Ending::Terminated), ends(Ending::Truncated));
        self.show(observation);
        Ok(Outcome { reward, terminated, truncated })
    }

    /// Replay is deterministic.
    fn reseed(&mut self, _: u64) {}
}

snapshot! {
    impl[O: Row + ?Sized, A: Row + ?Sized] Restorable for RecordedEnv<O, A> {
        saved:
            episode via below(recording.episodes.len()),
            step via below(recording.episodes[*episode].trajectory.steps() + 1),
            is_new;
        built: recording, observation_space, action_space;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "{\"potstill\":\"recording\",\"version\":1,\"env\":\"E\",\"observation_space\":\"Discrete(9)\",\"action_space\":\"Discrete(2)\"}\n";

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let check = |text: &str, expected: &str| {
            let error = Recording::<usize>::parse(text).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        };
        check("", "it is empty");
        check("nonsense", "line 1: it is no JSON: ");
        check("{}", "line 1: it does not begin as a recording");
        check(&HEAD.replace(":1,", ":2,"), "line 1: its version is 2; this program reads 1");
        check(&HEAD.replace("\"env\":\"E\",", ""), "line 1: `env` is missing or no text");
        check(HEAD, "it holds no episode");
        let episode = |text: &str, expected: &str| check(&format!("{HEAD}\n{text}\n"), expected);
        episode("{", "line 3: it is no JSON: ");
        episode("{\"observations\":[0,1]}", "line 3: `actions` is missing or no list");
        episode(
            "{\"observations\":[0],\"actions\":[0],\"rewards\":[0]}",
            "line 3: 1 observations, 1 actions and 1 rewards; one observation more is needed",
        );
        let whole = "{\"observations\":[0,1],\"actions\":[0],\"rewards\":[0.5],\"ending\":\"truncated\"}";
        for (from, to, expected) in [
            ("[0,1]", "[0,-1]", "line 3: `observations` holds -1, which is no whole number"),
            ("[0],\"r", "[1.5],\"r", "line 3: `actions` holds 1.5, which is no whole number"),
            ("[0.5]", "[\"much\"]", "line 3: `rewards` holds \"much\", which is no number"),
            ("truncated", "over", "line 3: `ending` is \"over\", not \"terminated\" or \"truncated\""),
        ] {
            episode(&whole.replace(from, to), expected);
        }
        let recording = Recording::<usize>::parse(&format!("{HEAD}{whole}")).unwrap();
        let check = |states: usize, actions: usize| {
            recording.check(&Space::Discrete { n: states }, &Space::Discrete { n: actions })
        };
        assert_eq!(check(1, 2), Err("episode 1: observation 1 is not in Discrete(1)".to_owned()));
        assert_eq!(check(2, 0), Err("episode 1: action 0 is not in Discrete(0)".to_owned()));
        assert_eq!((check(2, 1), recording.steps()), (Ok(()), 1));
    }

    #[test]
    fn what_was_done_brings_what_was_seen() {
        let text = "{\"observations\":[3,1,2],\"actions\":[0,1],\"rewards\":[0.5,-1],\"ending\":\"terminated\"}\n\
                    {\"observations\":[4,5],\"actions\":[1],\"rewards\":[2],\"ending\":\"truncated\"}\n";
        let recording = Arc::new(Recording::<usize>::parse(&format!("{HEAD}{text}")).unwrap());
        assert_eq!(recording.pairs().collect::<Vec<_>>(), [(3, 0), (1, 1), (4, 1)]);
        let (mut env, mut state) =
            (RecordedEnv::new(recording, Space::Discrete { n: 9 }, Space::Discrete { n: 2 }), 0);
        for _ in 0..2 {
            env.reset(None, &mut state);
            assert_eq!(state, 3);
            assert!(env.step(&1, &mut state).is_err(), "that was not done");
            let outcome = |reward, terminated, truncated| Ok(Outcome { reward, terminated, truncated });
            assert_eq!((env.step(&0, &mut state), state), (outcome(0.5, false, false), 1));
            assert_eq!((env.step(&1, &mut state), state), (outcome(-1.0, true, false), 2));
            assert_eq!(env.step(&1, &mut state), Err(EnvError::EpisodeOver));
            env.reset(Some(9), &mut state);
            assert_eq!((env.step(&1, &mut state), state), (outcome(2.0, false, true), 5));
        }
    }
}
