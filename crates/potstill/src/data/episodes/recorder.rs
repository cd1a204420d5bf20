//! Episodes that become a data set while they are played.

use super::{OfflineDataset, lines, write_lines};
use crate::experience::{ElementOf, Steps, Trajectory, Transition};
use potstill_core::{Pcg64, Restorable, Snapshot, SnapshotError, Value};
use potstill_env::space::Element;
use potstill_env::{BoxEnv, Env, EnvError, Row, Space};
use std::borrow::{Borrow, BorrowMut};

/// A recorder of the steps of one or several copies of an environment.
pub struct EpisodeRecorder<O: Row + ?Sized, A: Row + ?Sized> {
    data: OfflineDataset,
    /// The running episode of each copy.
    running: Vec<Option<Trajectory<O, A>>>,
    /// The seed of the running episodes, if it is known.
    seed: Option<u64>,
}

impl<O: Row + ?Sized, A: Row + ?Sized> EpisodeRecorder<O, A> {
    /// Nothing recorded so far of an environment with this id and these spaces.
    pub fn new(id: &str, observation_space: Space, action_space: Space) -> Self {
        let data = OfflineDataset::new(id, observation_space, action_space);
        Self { data, running: Vec::new(), seed: None }
    }

    /// The ended episodes.
    pub fn data(&self) -> &OfflineDataset {
        &self.data
    }

    /// The ended episodes, to be described.
    pub fn data_mut(&mut self) -> &mut OfflineDataset {
        &mut self.data
    }

    /// The ended episodes, and the running ones as cut off.
    ///
    /// # Errors
    /// If a running one has a number that is not finite, or is not in its space: which.
    pub fn finished(&self) -> Result<OfflineDataset, String> {
        let mut data = self.data.clone();
        cut_off(&mut data, &self.running, self.seed)?;
        Ok(data)
    }

    /// The ended episodes alone.
    pub fn into_data(self) -> OfflineDataset {
        self.data
    }

    /// Forgets what runs, for episodes with this seed.
    pub fn begin(&mut self, seed: u64) {
        self.running.clear();
        self.seed = Some(seed);
    }

    /// Records a step of every copy. An episode begins with the first, and with that after its last.
    ///
    /// # Errors
    /// If an episode has a number that is not finite, or is not in its space: which.
    pub fn observe(&mut self, steps: &Steps<'_, O, A>) -> Result<(), String> {
        let Self { data, running, seed } = self;
        let copies = steps.copies();
        running.resize_with(copies, || None);
        let rows = |list: &[ElementOf<O>], i: usize| -> O::Owned {
            let width = list.len() / copies;
            O::from_slice(&list[i * width..][..width]).to_owned()
        };
        let width = steps.actions.len() / copies;
        for (i, running) in running.iter_mut().enumerate() {
            let mut episode =
                running.take().unwrap_or_else(|| Trajectory::starting_at(rows(steps.observations, i)));
            let action = A::from_slice(&steps.actions[i * width..][..width]).to_owned();
            episode.push(action, steps.rewards[i], rows(steps.next_observations, i));
            let flags = [steps.terminated[i], steps.truncated[i]];
            if flags == [false; 2] {
                *running = Some(episode);
            } else {
                data.push(&episode, flags, *seed)?;
            }
        }
        Ok(())
    }

    /// Plays so many steps in an environment by a policy, from a seed on or from where its random numbers
    /// are. An episode that then still runs is cut off.
    ///
    /// # Errors
    /// If the environment refuses a step, whose number is beside the reason.
    ///
    /// # Panics
    /// If a number is not finite, or not in its space.
    pub fn play(
        &mut self,
        env: &mut BoxEnv<O, A>,
        seed: Option<u64>,
        steps: u64,
        mut policy: impl FnMut(&O) -> A::Owned,
    ) -> Result<(), (u64, EnvError)> {
        let mut observation = O::buffer(&env.observation_space());
        env.reset(seed, observation.borrow_mut());
        for step in 1..=steps {
            let (before, action) = (observation.clone(), policy(observation.borrow()));
            let outcome =
                env.step(action.borrow(), observation.borrow_mut()).map_err(|error| (step, error))?;
            let transition = Transition {
                observation: before.borrow(),
                action: action.borrow(),
                reward: outcome.reward,
                next_observation: observation.borrow(),
                terminated: outcome.terminated,
                truncated: outcome.truncated,
            };
            self.observe(&Steps::of(&transition)).unwrap_or_else(|reason| panic!("{reason}"));
            if outcome.done() && step < steps {
                env.reset(None, observation.borrow_mut());
            }
        }
        cut_off(&mut self.data, &self.running, self.seed).unwrap_or_else(|reason| panic!("{reason}"));
        self.running.clear();
        Ok(())
    }

    /// Plays so many steps of uniformly random actions.
    ///
    /// # Errors
    /// As [`play`](Self::play).
    pub fn play_at_random(
        &mut self,
        env: &mut BoxEnv<O, A>,
        seed: u64,
        steps: u64,
        mut rng: Pcg64,
    ) -> Result<(), (u64, EnvError)> {
        let actions = env.action_space();
        self.play(env, Some(seed), steps, |_| A::sample(&actions, &mut rng))
    }
}

/// Adds running episodes as ones that the recording cut off.
fn cut_off<O: Row + ?Sized, A: Row + ?Sized>(
    data: &mut OfflineDataset,
    running: &[Option<Trajectory<O, A>>],
    seed: Option<u64>,
) -> Result<(), String> {
    running.iter().flatten().try_for_each(|episode| data.push(episode, [false; 2], seed))
}

/// The ended episodes as JSON lines, and the running ones as numbers.
impl<O: Row + ?Sized, A: Row + ?Sized> Restorable for EpisodeRecorder<O, A> {
    fn snapshot(&self) -> Snapshot {
        let mut state = Snapshot::new().with("copies", Value::U64(self.running.len() as u64));
        if !self.data.episodes().is_empty() {
            let mut lines = Vec::new();
            write_lines(&self.data, &mut lines).expect("memory can be written to");
            state.insert("episodes", Value::U8s(lines));
        }
        for (i, episode) in self.running.iter().enumerate() {
            let Some(episode) = episode else { continue };
            let observations: Vec<O::Element> = joined::<O>(episode.observations());
            let branch = Snapshot::new()
                .with("observations", O::Element::to_value(&observations))
                .with("actions", A::Element::to_value(&joined::<A>(episode.actions())))
                .with("rewards", Value::F64s(episode.rewards().to_vec()));
            state.insert(&format!("running-{i}"), Value::Tree(branch));
        }
        state
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        let (observations, actions) =
            (self.data.observation_space().clone(), self.data.action_space().clone());
        let empty = || OfflineDataset::new(self.data.env(), observations.clone(), actions.clone());
        let data = match snapshot.contains("episodes") {
            false => empty(),
            true => lines::read(snapshot.bytes("episodes")?, usize::MAX)
                .map_err(|reason| SnapshotError::invalid("episodes", reason))?,
        };
        if (data.observation_space(), data.action_space()) != (&observations, &actions) {
            return Err(SnapshotError::invalid("episodes", "are of other spaces"));
        }
        let [width, action_width] = [observations.features(), actions.features()];
        let mut running = Vec::new();
        for i in 0..snapshot.index("copies", COPIES_MAX)? {
            let name = format!("running-{i}");
            running.push(match snapshot.contains(&name) {
                false => None,
                true => {
                    let branch = snapshot.tree(&name)?;
                    let rewards = branch.array("rewards")?;
                    let mut seen = vec![O::Element::default(); (rewards.len() + 1) * width];
                    let mut done = vec![A::Element::default(); rewards.len() * action_width];
                    O::Element::read(&mut seen, branch, "observations")?;
                    A::Element::read(&mut done, branch, "actions")?;
                    let mut rows = seen.chunks_exact(width).map(|row| O::from_slice(row).to_owned());
                    let mut episode = Trajectory::starting_at(rows.next().expect("a row more than rewards"));
                    for ((next, action), reward) in rows.zip(done.chunks_exact(action_width)).zip(rewards) {
                        episode.push(A::from_slice(action).to_owned(), *reward, next);
                    }
                    Some(episode)
                }
            });
        }
        (self.data, self.running) = (data, running);
        Ok(())
    }
}

/// More copies than an environment has.
const COPIES_MAX: usize = 1 << 24;

/// Rows one after the other.
fn joined<R: Row + ?Sized>(rows: &[R::Owned]) -> Vec<R::Element> {
    rows.iter().flat_map(|row| Borrow::<R>::borrow(row).as_slice().to_vec()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn episodes_of_copies_end_one_by_one() {
        let mut recorder =
            EpisodeRecorder::<usize, usize>::new("", Space::Discrete { n: 9 }, Space::Discrete { n: 2 });
        let mut step = |observations: [usize; 2], next: [usize; 2], ends: [bool; 2]| {
            let steps = Steps {
                observations: &observations,
                actions: &[0, 1],
                rewards: &[1.0, 2.0],
                next_observations: &next,
                terminated: &ends,
                truncated: &[false; 2],
            };
            recorder.observe(&steps).unwrap();
        };
        step([0, 4], [1, 5], [false, true]);
        step([1, 4], [2, 6], [true, false]);
        step([0, 6], [8, 7], [false, true]);
        // The first copy's second episode still runs.
        let mut other =
            EpisodeRecorder::<usize, usize>::new("", Space::Discrete { n: 9 }, Space::Discrete { n: 2 });
        other.restore(&recorder.snapshot()).unwrap();
        assert_eq!(other.finished(), recorder.finished());
        let cut = *recorder.finished().unwrap().episodes().last().unwrap();
        assert_eq!((cut.steps, cut.terminated, cut.truncated), (1, false, false));
        let data = recorder.data();
        assert_eq!(data.episodes().iter().map(|episode| episode.steps).collect::<Vec<_>>(), [1, 2, 2]);
        assert_eq!(data.returns().collect::<Vec<_>>(), [2.0, 2.0, 4.0]);
        let transitions = data.transitions::<usize, usize>().unwrap();
        let seen: Vec<_> =
            (0..5).map(|i| (*transitions.get(i).observation, *transitions.get(i).next_observation)).collect();
        assert_eq!(seen, [(4, 5), (0, 1), (1, 2), (4, 6), (6, 7)]);
    }
}
