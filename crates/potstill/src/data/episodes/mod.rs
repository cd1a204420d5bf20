//! Data sets of episodes of any spaces, in flat columns: what offline learners read, and recorders write.
//!
//! | file | content |
//! |---|---|
//! | `mod.rs` | the data set: columns, episodes, transitions, checks |
//! | `rows.rs` | columns of observations and actions |
//! | `lines.rs` | JSON lines, as `potstill play --record FILE` writes them |
//! | `minari/` | Minari's folders: metadata and spaces, and two layouts of the numbers |
//! | `arrow.rs`, `flat_buffer.rs` | Arrow's IPC files, and the tables that describe their columns |
//! | `recorder.rs` | a data set that grows while its episodes are played |
//! | `raw.rs` | numbers as files have them |
//! | `npz.rs` | the arrays of d3rlpy in an npz file |
//! | `selection.rs` | parts of a data set, and several as one |
//! | `statistics.rs` | the numbers that describe a data set |
//!
//! A data set of `E` episodes and `T` steps has `T` rewards, `T` rows of actions, and `T + E` rows of
//! observations: one more than steps in each episode.
//!
//! ```
//! use potstill::data::OfflineDataset;
//! use potstill::env::Space;
//! use potstill::experience::Trajectory;
//!
//! let (seen, done) = (Space::uniform(3, -8.0, 8.0), Space::uniform(1, -2.0, 2.0));
//! let mut data = OfflineDataset::new("Pendulum-v1", seen, done);
//! let mut swing: Trajectory<[f32], [f32]> = Trajectory::starting_at(vec![1.0, 0.0, 0.5]);
//! swing.push(vec![-2.0], -0.25, vec![0.75, 0.5, 0.0]);
//! swing.push(vec![1.5], -0.5, vec![0.5, 0.5, 1.0]);
//! data.push(&swing, [false, true], Some(7))?;
//!
//! let transitions = data.transitions::<[f32], [f32]>().expect("boxes of numbers");
//! let last = transitions.get(1);
//! assert_eq!((last.observation, last.action, last.reward), (&[0.75, 0.5, 0.0][..], &[1.5][..], -0.5));
//! assert_eq!((last.next_observation, last.terminated, last.truncated), (&[0.5, 0.5, 1.0][..], false, true));
//! assert!(data.transitions::<usize, [f32]>().is_none(), "observations are no indices");
//! # Ok::<(), String>(())
//! ```

mod arrow;
mod flat_buffer;
pub(super) mod lines;
pub mod minari;
pub(super) mod npz;
pub(super) mod raw;
mod recorder;
mod rows;
mod selection;
mod statistics;

pub use lines::write as write_lines;
pub use npz::write as write_npz;
pub use recorder::EpisodeRecorder;
pub use rows::Rows;
pub use selection::EpisodeFilter;
pub use statistics::{Spread, Statistics};

use crate::experience::{Trajectory, Transition};
use potstill_core::Stored;
use potstill_env::registry::recorded;
use potstill_env::{Row, Space};
use serde_json::{Map, Value};
use std::borrow::Borrow;
use std::ops::Range;

/// The place of an episode in a data set, and its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpisodeRecord {
    /// The number of steps before it.
    pub first_step: usize,
    /// Its steps, at least one.
    pub steps: usize,
    /// True if it ended in a terminal state.
    pub terminated: bool,
    /// True if it was truncated, as by a time limit. Neither flag is set if the recording was cut off.
    pub truncated: bool,
    /// The seed of its reset, if it is known.
    pub seed: Option<u64>,
}

/// Episodes of an environment, with its spaces. Every episode has a step, every number is finite, and every
/// index is one of its space.
#[derive(Clone, Debug, PartialEq)]
pub struct OfflineDataset {
    env: String,
    observation_space: Space,
    action_space: Space,
    observations: Rows,
    actions: Rows,
    rewards: Stored<f64>,
    episodes: Vec<EpisodeRecord>,
    /// Everything else that a file says of the data, under Minari's names: `author`, `algorithm_name`, `description`,
    /// ...
    pub metadata: Map<String, Value>,
}

impl OfflineDataset {
    /// No episodes of an environment with these spaces, to be held in memory. `env` is empty if it is not
    /// known.
    pub fn new(env: &str, observation_space: Space, action_space: Space) -> Self {
        Self::below(usize::MAX, env, observation_space, action_space)
    }

    /// The same, of which each column holds at most so many bytes in memory, and is in a file above them.
    pub fn below(memory_bytes: usize, env: &str, observation_space: Space, action_space: Space) -> Self {
        Self {
            env: env.to_owned(),
            observations: Rows::of(&observation_space, memory_bytes),
            actions: Rows::of(&action_space, memory_bytes),
            observation_space,
            action_space,
            rewards: Stored::below(memory_bytes),
            episodes: Vec::new(),
            metadata: Map::new(),
        }
    }

    /// No episodes of the same environment, with the same metadata.
    fn emptied(&self) -> Self {
        let memory = self.rewards.limit();
        let (observations, actions) = (self.observation_space.clone(), self.action_space.clone());
        Self { metadata: self.metadata.clone(), ..Self::below(memory, &self.env, observations, actions) }
    }

    /// The environment's id; empty if it is not known.
    pub fn env(&self) -> &str {
        &self.env
    }

    /// The id of an [environment that is not at hand](recorded), with the spaces of the data. A component
    /// of the actions without bounds has the least and the greatest recorded value as its bounds.
    pub fn recorded_env(&self) -> String {
        let mut actions = self.action_space.clone();
        if let Space::Box { low, high } = &mut actions {
            let recorded = self.actions.typed::<f32>().expect("the type of the space");
            let width = low.len();
            for (i, (low, high)) in low.iter_mut().zip(high).enumerate() {
                let column = || recorded.iter().skip(i).step_by(width).copied();
                let (least, greatest) =
                    (column().fold(f32::INFINITY, f32::min), column().fold(f32::NEG_INFINITY, f32::max));
                // One value alone still needs an extent.
                let extent = if least < greatest { 0.0 } else { 1.0 };
                *low = if low.is_finite() { *low } else { least - extent };
                *high = if high.is_finite() { *high } else { greatest + extent };
            }
        }
        recorded::id(&self.env, &self.observation_space, &actions)
    }

    /// Returns true if a component of the actions has no bounds.
    pub fn has_unbounded_actions(&self) -> bool {
        let Space::Box { low, high } = &self.action_space else { return false };
        low.iter().chain(high).any(|bound| bound.is_infinite())
    }

    /// The space of observations.
    pub fn observation_space(&self) -> &Space {
        &self.observation_space
    }

    /// The space of actions.
    pub fn action_space(&self) -> &Space {
        &self.action_space
    }

    /// The observations, one more than steps in each episode.
    pub fn observations(&self) -> &Rows {
        &self.observations
    }

    /// The actions.
    pub fn actions(&self) -> &Rows {
        &self.actions
    }

    /// The rewards.
    pub fn rewards(&self) -> &[f64] {
        &self.rewards
    }

    /// The episodes.
    pub fn episodes(&self) -> &[EpisodeRecord] {
        &self.episodes
    }

    /// The number of steps of all episodes.
    pub fn steps(&self) -> usize {
        self.rewards.len()
    }

    /// The undiscounted return of each episode.
    pub fn returns(&self) -> impl Iterator<Item = f64> + '_ {
        self.episodes.iter().map(|episode| self.rewards[episode.range()].iter().sum())
    }

    /// Appends an episode; `flags` are whether it terminated and whether it was truncated.
    ///
    /// If it has no step, a number that is not finite, or an index outside of its space: which.
    ///
    /// If its rows are of other types or lengths than those of the spaces.
    pub fn push<O: Row + ?Sized, A: Row + ?Sized>(
        &mut self,
        trajectory: &Trajectory<O, A>,
        flags: [bool; 2],
        seed: Option<u64>,
    ) -> Result<(), String> {
        let observations = self.observations.typed_mut::<O::Element>().expect("the type of the space");
        for row in trajectory.observations() {
            observations.extend_from_slice(Borrow::<O>::borrow(row).as_slice());
        }
        let actions = self.actions.typed_mut::<A::Element>().expect("the type of the space");
        for row in trajectory.actions() {
            actions.extend_from_slice(Borrow::<A>::borrow(row).as_slice());
        }
        self.rewards.extend_from_slice(trajectory.rewards());
        self.end_episode(flags, seed)
    }

    /// Makes an episode of the numbers that were appended to the columns since the last one ended; if it is
    /// refused, they are removed.
    fn end_episode(&mut self, [terminated, truncated]: [bool; 2], seed: Option<u64>) -> Result<(), String> {
        let first_step = self.episodes.last().map_or(0, |last| last.first_step + last.steps);
        let steps = self.rewards.len() - first_step;
        let number = self.episodes.len() + 1;
        if steps == 0 {
            return Err(format!("episode {number} has no step"));
        }
        let record = EpisodeRecord { first_step, steps, terminated, truncated, seed };
        self.episodes.push(record);
        self.check_last().inspect_err(|_| {
            self.episodes.pop();
            let [width, action_width] = self.widths();
            self.observations.truncate((first_step + self.episodes.len()) * width);
            self.actions.truncate(first_step * action_width);
            self.rewards.resize(first_step, 0.0);
        })
    }

    /// Checks that the numbers of the last episode are finite, and indices in their spaces.
    fn check_last(&self) -> Result<(), String> {
        let (number, record) = (self.episodes.len(), self.episodes[self.episodes.len() - 1]);
        let (observations, actions) = (self.observation_range(number - 1), self.action_range(number - 1));
        let of_rows = (self.observations.numbers(), self.actions.numbers());
        assert_eq!(of_rows, (observations.end, actions.end), "whole rows, one observation more than steps");
        let bad = |step: usize, what: &str| Err(format!("episode {number}, step {}: {what}", step + 1));
        if let Some(step) = self.rewards[record.range()].iter().position(|reward| !reward.is_finite()) {
            let reward = self.rewards[record.first_step + step];
            return bad(step, &format!("its reward is {reward}, which is not finite"));
        }
        let columns = [
            ("observation", &self.observations, observations, &self.observation_space),
            ("action", &self.actions, actions, &self.action_space),
        ];
        for (what, rows, range, space) in columns {
            let width = space.features();
            if let Some(at) = rows.first_not_finite(range.clone()) {
                let component = (at - range.start) % width + 1;
                let value = rows.number(at);
                return bad(
                    (at - range.start) / width,
                    &format!("number {component} of its {what} is {value}"),
                );
            }
            // Elements of a table: an index outside of it would end a program.
            if let (Rows::Indices(indices), Some(count)) = (rows, space.discrete())
                && let Some(step) = indices[range.clone()].iter().position(|&index| index >= count)
            {
                let index = indices[range.start + step];
                return bad(step, &format!("its {what} {index} is not in {space}"));
            }
        }
        Ok(())
    }

    /// The count of numbers of an observation, and of an action.
    fn widths(&self) -> [usize; 2] {
        [self.observation_space.features(), self.action_space.features()]
    }

    /// The numbers of an episode's observations.
    fn observation_range(&self, episode: usize) -> Range<usize> {
        let EpisodeRecord { first_step, steps, .. } = self.episodes[episode];
        let (first_row, width) = (first_step + episode, self.observation_space.features());
        first_row * width..(first_row + steps + 1) * width
    }

    /// The numbers of an episode's actions.
    fn action_range(&self, episode: usize) -> Range<usize> {
        let (range, width) = (self.episodes[episode].range(), self.action_space.features());
        range.start * width..range.end * width
    }

    /// The transitions, if observations and actions are of these types.
    pub fn transitions<O: Row + ?Sized, A: Row + ?Sized>(&self) -> Option<Transitions<'_, O, A>> {
        Some(Transitions {
            observations: self.observations.typed()?,
            actions: self.actions.typed()?,
            widths: self.widths(),
            rewards: &self.rewards,
            episodes: &self.episodes,
        })
    }

    /// Checks that all observations and actions are in the spaces of an environment.
    ///
    /// If the data is of other spaces, or an observation or action is outside of them: the episode, the step
    /// and the reason.
    pub fn check(&self, env: &str, observation_space: &Space, action_space: &Space) -> Result<(), String> {
        let columns = [
            ("observation", &self.observations, &self.observation_space, observation_space),
            ("action", &self.actions, &self.action_space, action_space),
        ];
        // Of an unknown environment the data shows no more of a set than its largest element.
        let is_known = !self.env.is_empty();
        let fits = |ours: &Space, theirs: &Space| {
            ours.discrete().is_some() == theirs.discrete().is_some()
                && ours.features() == theirs.features()
                && (!is_known || ours.discrete() == theirs.discrete())
        };
        if !columns.iter().all(|(_, _, ours, theirs)| fits(ours, theirs)) {
            let of = if is_known { &self.env } else { "an environment that is not known" };
            let ours = format!("{}, {}", self.observation_space, self.action_space);
            return Err(format!(
                "it was recorded in {of} ({ours}); {env} has {observation_space}, {action_space}"
            ));
        }
        for episode in 0..self.episodes.len() {
            let ranges = [self.observation_range(episode), self.action_range(episode)];
            for ((what, rows, _, space), range) in columns.iter().zip(ranges) {
                let width = space.features();
                for (step, at) in range.step_by(width).enumerate() {
                    if let Some(reason) = rows.outside(at..at + width, space) {
                        let (number, step) = (episode + 1, step + 1);
                        return Err(format!("episode {number}, step {step}: {what} {reason}"));
                    }
                }
            }
        }
        Ok(())
    }

    /// The same episodes with the spaces of their environment, in place of those that the data were
    /// described with. Numbered observations become one-hot vectors if the environment's are
    /// (`one_hot=true`).
    ///
    /// If an observation or action is outside of them: as [`check`](Self::check).
    pub fn in_environment(
        self,
        env: &str,
        observation_space: &Space,
        action_space: &Space,
    ) -> Result<Self, String> {
        let data = match (self.observation_space.discrete(), observation_space) {
            (Some(n), Space::Box { low, high })
                if (n == low.len() || self.env.is_empty() && n < low.len())
                    && low.iter().all(|&x| x == 0.0)
                    && high.iter().all(|&x| x == 1.0) =>
            {
                self.one_hot(low.len())
            }
            _ => self,
        };
        data.check(env, observation_space, action_space)?;
        let space = |rows: &Rows, own: &Space, theirs: &Space| {
            let is_same_kind =
                std::mem::discriminant(rows) == std::mem::discriminant(&Rows::of(theirs, usize::MAX));
            if is_same_kind { theirs.clone() } else { own.clone() }
        };
        let observation_space = space(&data.observations, &data.observation_space, observation_space);
        let action_space = space(&data.actions, &data.action_space, action_space);
        Ok(Self { observation_space, action_space, ..data })
    }

    /// The same episodes with a vector of so many numbers for each numbered observation, 0 but for a 1 at
    /// its number.
    fn one_hot(self, states: usize) -> Self {
        let observation_space = Space::uniform(states, 0.0, 1.0);
        let mut observations = Rows::of(&observation_space, self.rewards.limit());
        let vectors = observations.typed_mut::<f32>().expect("the type of a box");
        for &state in self.observations.typed::<usize>().expect("numbered observations") {
            vectors.extend_from_slice(&vec![0.0; state]);
            vectors.push(1.0);
            vectors.extend_from_slice(&vec![0.0; states - state - 1]);
        }
        Self { observation_space, observations, ..self }
    }

    /// The CRC-32C of all episodes: of their numbers and ends, not of seeds and metadata. It is the same in
    /// every format that keeps the numbers.
    #[cfg(feature = "disk")]
    pub fn checksum(&self) -> u32 {
        let mut sum = 0;
        let mut take = |part: &[u8]| sum = crc32c::crc32c_append(sum, part);
        for episode in &self.episodes {
            take(&(episode.steps as u64).to_le_bytes());
            take(&[u8::from(episode.terminated), u8::from(episode.truncated)]);
        }
        self.rewards.iter().for_each(|reward| take(&reward.to_le_bytes()));
        self.observations.for_each_part(&mut take);
        self.actions.for_each_part(&mut take);
        sum
    }
}

impl EpisodeRecord {
    /// Its steps among those of all episodes.
    pub fn range(&self) -> Range<usize> {
        self.first_step..self.first_step + self.steps
    }
}

/// The transitions of a data set whose observations and actions are of these types.
#[derive(Debug)]
pub struct Transitions<'a, O: Row + ?Sized, A: Row + ?Sized> {
    observations: &'a [O::Element],
    actions: &'a [A::Element],
    /// Numbers of an observation, and of an action.
    widths: [usize; 2],
    rewards: &'a [f64],
    episodes: &'a [EpisodeRecord],
}

impl<'a, O: Row + ?Sized + 'a, A: Row + ?Sized + 'a> Transitions<'a, O, A> {
    /// Their number.
    pub fn len(&self) -> usize {
        self.rewards.len()
    }

    /// Returns true if there are none.
    pub fn is_empty(&self) -> bool {
        self.rewards.is_empty()
    }

    /// A transition by its number among the steps of all episodes. The last one of an episode that did not
    /// terminate counts as truncated, also if the recording was cut off there: targets bootstrap from its
    /// next observation.
    ///
    /// If there are fewer.
    pub fn get(&self, step: usize) -> Transition<'a, O, A> {
        let episode = self.episodes.partition_point(|episode| episode.first_step <= step) - 1;
        self.at(episode, step - self.episodes[episode].first_step)
    }

    /// The transitions of an episode, in their order.
    pub fn of_episode(&self, episode: usize) -> impl Iterator<Item = Transition<'a, O, A>> + '_ {
        (0..self.episodes[episode].steps).map(move |step| self.at(episode, step))
    }

    fn at(&self, episode: usize, step: usize) -> Transition<'a, O, A> {
        let record = self.episodes[episode];
        let (at, [width, action_width]) = (record.first_step + step, self.widths);
        let observation = |row: usize| O::from_slice(&self.observations[row * width..(row + 1) * width]);
        let is_last = step + 1 == record.steps;
        Transition {
            observation: observation(at + episode),
            action: A::from_slice(&self.actions[at * action_width..(at + 1) * action_width]),
            reward: self.rewards[at],
            next_observation: observation(at + episode + 1),
            terminated: is_last && record.terminated,
            truncated: is_last && (record.truncated || !record.terminated),
        }
    }
}

impl<O: Row + ?Sized, A: Row + ?Sized> Clone for Transitions<'_, O, A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<O: Row + ?Sized, A: Row + ?Sized> Copy for Transitions<'_, O, A> {}

/// A space that a file describes, if it has elements that can be counted, and not too many numbers.
fn checked_space(space: Space) -> Result<Space, String> {
    let is_counted = |sizes: &[usize], most: usize| {
        let product = sizes.iter().try_fold(1_usize, |product, &size| product.checked_mul(size));
        match product {
            Some(0) => Err("which has no element".to_owned()),
            Some(product) if !sizes.is_empty() && product <= most => Ok(()),
            _ => Err("which has too many elements".to_owned()),
        }
    };
    match &space {
        Space::Discrete { n } => is_counted(&[*n], usize::MAX / 2)?,
        Space::Tuple { sizes } => is_counted(sizes, usize::MAX / 2)?,
        Space::MultiBinary { shape } => is_counted(shape, Space::FEATURES_MAX)?,
        &Space::Image { frames, height, width, channels } => {
            is_counted(&[frames, height, width, channels], Space::FEATURES_MAX)?;
        }
        Space::Box { low, high } => {
            is_counted(&[low.len()], Space::FEATURES_MAX)?;
            if let Some(i) =
                low.iter().zip(high).position(|(low, high)| low.is_nan() || high.is_nan() || low > high)
            {
                return Err(format!("whose component {} is from {} to {}", i + 1, low[i], high[i]));
            }
        }
    }
    Ok(space)
}
