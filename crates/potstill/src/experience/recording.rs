//! Recorded episodes: a dataset of what somebody did, to learn from without acting.
//!
//! A file has one JSON object per line. The first says what was recorded: `{"potstill":"recording","version":1,"env":ID,"observation_space":"Discrete(48)",
//! "action_space":"Discrete(4)"}`. Each line after it is an episode: `{"observations":[36,24],"actions":[0],"rewards":[-1.0],"ending":"truncated"}`, with one observation
//! more than there are actions and rewards. Observations are numbered states; a tuple is its number.
//!
//! ```
//! use potstill::experience::{Ending, Episode, Recording, Trajectory};
//!
//! let mut walk: Trajectory<usize> = Trajectory::starting_at(36);
//! walk.push(0, -1.0, 24);
//! let mut recording = Recording::new("CliffWalking-v1", &"Discrete(48)", &"Discrete(4)");
//! recording.episodes.push(Episode { trajectory: walk, ending: Ending::Truncated });
//! assert_eq!(Recording::parse(&recording.text()), Ok(recording));
//! ```

use super::{Ending, Episode, Trajectory};
use potstill_core::{Restorable, Snapshot, SnapshotError, Value as StateValue};
use potstill_env::{Env, EnvError, Outcome, Space};
use serde_json::{Value, json};
use std::fmt::Display;
use std::sync::Arc;

/// The version that this program writes.
const VERSION: u64 = 1;

/// Episodes, and where they were lived through.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    /// The environment's id.
    pub env: String,
    /// Its observation space, in words.
    pub observation_space: String,
    /// Its action space, in words.
    pub action_space: String,
    /// The episodes.
    pub episodes: Vec<Episode<usize>>,
}

impl Recording {
    /// A recording of nothing yet.
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

    /// An episode's line.
    pub fn line(episode: &Episode<usize>) -> String {
        let trajectory = &episode.trajectory;
        let episode = json!({
            "observations": trajectory.observations(),
            "actions": trajectory.actions(),
            "rewards": trajectory.rewards(),
            "ending": match episode.ending {
                Ending::Terminated => "terminated",
                Ending::Truncated => "truncated",
            },
        });
        format!("{episode}\n")
    }

    /// The whole file.
    pub fn text(&self) -> String {
        self.episodes.iter().fold(self.head(), |text, episode| text + &Self::line(episode))
    }

    /// The number of transitions.
    pub fn steps(&self) -> usize {
        self.episodes.iter().map(|episode| episode.trajectory.steps()).sum()
    }

    /// Reads a file's text.
    ///
    /// # Errors
    /// If it is no recording: the line, and what is wrong with it.
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

    /// Whether all states and actions are below these numbers; if not, which is not.
    ///
    /// # Errors
    /// If one is not.
    pub fn check(&self, states: usize, actions: usize) -> Result<(), String> {
        for (i, Episode { trajectory, .. }) in self.episodes.iter().enumerate() {
            if let Some(state) = trajectory.observations().iter().find(|&&state| state >= states) {
                return Err(format!("episode {}: observation {state} of {states}", i + 1));
            }
            if let Some(action) = trajectory.actions().iter().find(|&&action| action >= actions) {
                return Err(format!("episode {}: action {action} of {actions}", i + 1));
            }
        }
        Ok(())
    }

    /// All pairs of state and action, in the order in which they were met.
    pub fn pairs(&self) -> impl Iterator<Item = (usize, usize)> {
        self.episodes.iter().flat_map(|episode| {
            let trajectory = &episode.trajectory;
            trajectory.observations().iter().copied().zip(trajectory.actions().iter().copied())
        })
    }
}

fn episode(value: &Value) -> Result<Episode<usize>, String> {
    let list = |key: &str| value[key].as_array().ok_or_else(|| format!("`{key}` is missing or no list"));
    let whole = |key: &str, item: &Value| {
        let number = item.as_u64().and_then(|n| usize::try_from(n).ok());
        number.ok_or_else(|| format!("`{key}` holds {item}, which is no whole number"))
    };
    let (observations, actions, rewards) = (list("observations")?, list("actions")?, list("rewards")?);
    if actions.is_empty() || observations.len() != actions.len() + 1 || rewards.len() != actions.len() {
        let (o, a, r) = (observations.len(), actions.len(), rewards.len());
        return Err(format!("{o} observations, {a} actions and {r} rewards; one observation more is needed"));
    }
    let mut trajectory = Trajectory::starting_at(whole("observations", &observations[0])?);
    for ((action, reward), next) in actions.iter().zip(rewards).zip(&observations[1..]) {
        let reward =
            reward.as_f64().ok_or_else(|| format!("`rewards` holds {reward}, which is no number"))?;
        trajectory.push(whole("actions", action)?, reward, whole("observations", next)?);
    }
    let ending = match value["ending"].as_str() {
        Some("terminated") => Ending::Terminated,
        Some("truncated") => Ending::Truncated,
        _ => return Err(format!("`ending` is {}, not \"terminated\" or \"truncated\"", value["ending"])),
    };
    Ok(Episode { trajectory, ending })
}

/// A recording as an environment: who does what was done sees what was seen. After the last episode comes the first again.
#[derive(Clone, Debug)]
pub struct RecordedEnv {
    recording: Arc<Recording>,
    states: usize,
    actions: usize,
    /// The episode that runs, and the steps taken in it.
    episode: usize,
    step: usize,
    is_new: bool,
}

impl RecordedEnv {
    /// A recording in an environment of so many states and actions, which it was [checked](Recording::check) for.
    ///
    /// # Panics
    /// If it holds no episode.
    pub fn new(recording: Arc<Recording>, states: usize, actions: usize) -> Self {
        assert!(!recording.episodes.is_empty(), "something was recorded");
        Self { recording, states, actions, episode: 0, step: 0, is_new: true }
    }
}

impl Env for RecordedEnv {
    type Observation = usize;
    type Action = usize;

    fn observation_space(&self) -> Space {
        Space::Discrete { n: self.states }
    }

    fn action_space(&self) -> Space {
        Space::Discrete { n: self.actions }
    }

    fn reset(&mut self, _: Option<u64>, observation: &mut usize) {
        if !std::mem::replace(&mut self.is_new, false) {
            self.episode = (self.episode + 1) % self.recording.episodes.len();
        }
        self.step = 0;
        *observation = self.recording.episodes[self.episode].trajectory.observations()[0];
    }

    fn step(&mut self, action: usize, observation: &mut usize) -> Result<Outcome, EnvError> {
        let Episode { trajectory, ending } = &self.recording.episodes[self.episode];
        let Some(&done) = trajectory.actions().get(self.step) else { return Err(EnvError::EpisodeOver) };
        if action != done {
            return Err(EnvError::Action {
                action: action.to_string(),
                space: Space::Discrete { n: self.actions },
            });
        }
        let reward = trajectory.rewards()[self.step];
        self.step += 1;
        *observation = trajectory.observations()[self.step];
        let is_last = self.step == trajectory.steps();
        let ends = |this: Ending| is_last && *ending == this;
        Ok(Outcome { reward, terminated: ends(Ending::Terminated), truncated: ends(Ending::Truncated) })
    }

    /// What has been cannot be otherwise.
    fn reseed(&mut self, _: u64) {}
}

impl Restorable for RecordedEnv {
    fn snapshot(&self) -> Snapshot {
        Snapshot::new()
            .with("episode", StateValue::U64(self.episode as u64))
            .with("step", StateValue::U64(self.step as u64))
            .with("is_new", StateValue::Bool(self.is_new))
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        self.episode = snapshot.index("episode", self.recording.episodes.len())?;
        self.step = snapshot.index("step", self.recording.episodes[self.episode].trajectory.steps() + 1)?;
        self.is_new = snapshot.bool("is_new")?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "{\"potstill\":\"recording\",\"version\":1,\"env\":\"E\",\"observation_space\":\"Discrete(9)\",\"action_space\":\"Discrete(2)\"}\n";

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let check = |text: &str, expected: &str| {
            let error = Recording::parse(text).unwrap_err();
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
        let recording = Recording::parse(&format!("{HEAD}{whole}")).unwrap();
        assert_eq!(recording.check(1, 2), Err("episode 1: observation 1 of 1".to_owned()));
        assert_eq!(recording.check(2, 0), Err("episode 1: action 0 of 0".to_owned()));
        assert_eq!((recording.check(2, 1), recording.steps()), (Ok(()), 1));
    }

    #[test]
    fn what_was_done_brings_what_was_seen() {
        let text = "{\"observations\":[3,1,2],\"actions\":[0,1],\"rewards\":[0.5,-1],\"ending\":\"terminated\"}\n\
                    {\"observations\":[4,5],\"actions\":[1],\"rewards\":[2],\"ending\":\"truncated\"}\n";
        let recording = Arc::new(Recording::parse(&format!("{HEAD}{text}")).unwrap());
        assert_eq!(recording.pairs().collect::<Vec<_>>(), [(3, 0), (1, 1), (4, 1)]);
        let (mut env, mut state) = (RecordedEnv::new(recording, 9, 2), 0);
        for _ in 0..2 {
            env.reset(None, &mut state);
            assert_eq!(state, 3);
            assert!(env.step(1, &mut state).is_err(), "that was not done");
            let outcome = |reward, terminated, truncated| Ok(Outcome { reward, terminated, truncated });
            assert_eq!((env.step(0, &mut state), state), (outcome(0.5, false, false), 1));
            assert_eq!((env.step(1, &mut state), state), (outcome(-1.0, true, false), 2));
            assert_eq!(env.step(1, &mut state), Err(EnvError::EpisodeOver));
            env.reset(Some(9), &mut state);
            assert_eq!((env.step(1, &mut state), state), (outcome(2.0, false, true), 5));
        }
    }
}
