//! Recorded episodes one by one, and the environment that replays them.
//!
//! ```
//! use potstill::data::Recording;
//! use potstill::env::Space;
//! use potstill::experience::{Ending, Episode, Trajectory};
//!
//! let mut walk: Trajectory<usize> = Trajectory::starting_at(36);
//! walk.push(0, -1.0, 24);
//! let (states, actions) = (Space::Discrete { n: 48 }, Space::Discrete { n: 4 });
//! let mut recording: Recording = Recording::new("CliffWalking-v1", &states, &actions);
//! recording.episodes.push(Episode { trajectory: walk, ending: Ending::Truncated });
//! assert_eq!(Recording::parse(&recording.text()), Ok(recording));
//!
//! let mut swing: Trajectory<[f32], [f32]> = Trajectory::starting_at(vec![1.0, 0.0, 0.5]);
//! swing.push(vec![-2.0], -0.25, vec![0.75, 0.5, 0.0]);
//! let (states, actions) = (Space::uniform(3, -8.0, 8.0), Space::uniform(1, -2.0, 2.0));
//! let mut recording: Recording<[f32], [f32]> = Recording::new("Pendulum-v1", &states, &actions);
//! recording.episodes.push(Episode { trajectory: swing, ending: Ending::Truncated });
//! assert!(recording.text().ends_with("\"actions\":[[-2.0]],\"rewards\":[-0.25],\"ending\":\"truncated\"}\n"));
//! assert_eq!(Recording::parse(&recording.text()), Ok(recording));
//! ```

use super::episodes::{OfflineDataset, lines};
use crate::experience::{Ending, Episode, Trajectory};
use potstill_core::snapshot;
use potstill_core::snapshot::below;
use potstill_env::{Env, EnvError, Outcome, Row, Space};
use std::borrow::Borrow;
use std::sync::Arc;

/// Recorded episodes, with the spaces of their environment.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording<O: Row + ?Sized = usize, A: Row + ?Sized = usize> {
    /// The environment's id.
    pub env: String,
    /// Its observation space.
    pub observation_space: Space,
    /// Its action space.
    pub action_space: Space,
    /// The episodes.
    pub episodes: Vec<Episode<O, A>>,
}

impl<O: Row + ?Sized, A: Row + ?Sized> Recording<O, A> {
    /// A recording without episodes.
    pub fn new(env: &str, observation_space: &Space, action_space: &Space) -> Self {
        Self {
            env: env.to_owned(),
            observation_space: observation_space.clone(),
            action_space: action_space.clone(),
            episodes: Vec::new(),
        }
    }

    /// The text of a file of JSON lines.
    pub fn text(&self) -> String {
        let mut text = Vec::new();
        lines::write(&self.dataset(), &mut text).expect("memory is written to");
        String::from_utf8(text).expect("JSON is text")
    }

    /// The number of transitions.
    pub fn steps(&self) -> usize {
        self.episodes.iter().map(|episode| episode.trajectory.steps()).sum()
    }

    /// Parses the text of a file of JSON lines.
    ///
    /// # Errors
    /// If it is not a recording: the line and the reason. If its observations or actions are of other types.
    pub fn parse(text: &str) -> Result<Self, String> {
        Self::of(&lines::read(text.as_bytes(), usize::MAX)?)
    }

    /// The episodes of a data set, one by one.
    ///
    /// # Errors
    /// If its observations or actions are of other types.
    pub fn of(data: &OfflineDataset) -> Result<Self, String> {
        let (observations, actions) = (data.observation_space(), data.action_space());
        let kind = |is_index: bool| if is_index { "elements of a set" } else { "arrays" };
        let transitions = data.transitions::<O, A>().ok_or_else(|| {
            let (seen, done) = (kind(O::IS_INDEX), kind(A::IS_INDEX));
            format!(
                "it has observations in {observations} and actions in {actions}; {seen} and {done} are needed"
            )
        })?;
        let mut recording = Self::new(data.env(), observations, actions);
        for (i, record) in data.episodes().iter().enumerate() {
            let mut steps = transitions.of_episode(i).peekable();
            let first = steps.peek().expect("every episode has a step").observation.to_owned();
            let mut trajectory = Trajectory::starting_at(first);
            for step in steps {
                trajectory.push(step.action.to_owned(), step.reward, step.next_observation.to_owned());
            }
            let ending = if record.terminated { Ending::Terminated } else { Ending::Truncated };
            recording.episodes.push(Episode { trajectory, ending });
        }
        Ok(recording)
    }

    /// The same episodes in flat columns.
    ///
    /// # Panics
    /// If an episode has no step, or a number that is not finite or not in its space.
    pub fn dataset(&self) -> OfflineDataset {
        let (observations, actions) = (self.observation_space.clone(), self.action_space.clone());
        let mut data = OfflineDataset::new(&self.env, observations, actions);
        for Episode { trajectory, ending } in &self.episodes {
            let flags = [*ending == Ending::Terminated, *ending == Ending::Truncated];
            data.push(trajectory, flags, None).unwrap_or_else(|reason| panic!("{reason}"));
        }
        data
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
