//! Experience: transition, trajectory, episode, return.
//!
//! - A [`Transition`] is one step: state, action, reward, next state, and whether the episode ended there.
//! - A [`Trajectory`] is a run of steps `S0, A0, R1, S1, A1, R2, ...`, finished or not.
//! - An [`Episode`] is a trajectory from a reset to its [`Ending`].
//! - A [`Return`] is the discounted sum of the rewards after a state (Sutton and Barto 2018, equation 3.8).
//!
//! ```
//! use potstill::experience::{Return, Trajectory};
//!
//! let mut walk: Trajectory<usize> = Trajectory::starting_at(36);
//! walk.push(0, -1.0, 24);
//! walk.push(1, -1.0, 25);
//! assert_eq!(walk.returns(0.5), [Return(-1.5), Return(-1.0)]);
//! ```

pub mod replay;
pub mod sum_tree;

pub use replay::{ActionShape, Batch, ReplayBuffer, ReplayConfig, ReplayError, StoredAction};
pub use sum_tree::SumTree;

use potstill_env::{Outcome, Row};

/// One number of an observation or an action.
pub type ElementOf<T> = <T as Row>::Element;

/// One step, with borrowed observations.
#[derive(Debug)]
pub struct Transition<'a, O: ?Sized, A: ?Sized = usize> {
    /// `S_t`.
    pub observation: &'a O,
    /// `A_t`.
    pub action: &'a A,
    /// `R_{t+1}`.
    pub reward: f64,
    /// `S_{t+1}`; on the last step of an episode its true final observation, never that of the next reset.
    pub next_observation: &'a O,
    /// True if `S_{t+1}` is terminal: its value is 0, and targets do not bootstrap from it.
    pub terminated: bool,
    /// True if the episode was truncated after this step; targets bootstrap from `S_{t+1}`.
    pub truncated: bool,
}

/// One step of each of several copies of an environment.
#[derive(Debug)]
pub struct Steps<'a, O: Row + ?Sized, A: Row + ?Sized = usize> {
    /// `copies x width`.
    pub observations: &'a [ElementOf<O>],
    /// `copies x width`.
    pub actions: &'a [ElementOf<A>],
    /// One per copy.
    pub rewards: &'a [f64],
    /// `copies x width`; on the last step of an episode its true final observation.
    pub next_observations: &'a [ElementOf<O>],
    /// One per copy.
    pub terminated: &'a [bool],
    /// One per copy.
    pub truncated: &'a [bool],
}

impl<'a, O: Row + ?Sized, A: Row + ?Sized> Steps<'a, O, A> {
    /// A batch of one step.
    pub fn of(step: &'a Transition<'_, O, A>) -> Self {
        let Transition { observation, action, reward, next_observation, terminated, truncated } = step;
        Self {
            observations: observation.as_slice(),
            actions: action.as_slice(),
            rewards: std::slice::from_ref(reward),
            next_observations: next_observation.as_slice(),
            terminated: std::slice::from_ref(terminated),
            truncated: std::slice::from_ref(truncated),
        }
    }

    /// The number of copies.
    pub fn copies(&self) -> usize {
        self.rewards.len()
    }

    /// The step of the only copy.
    ///
    /// # Panics
    /// If there are several.
    #[inline]
    pub fn single(&self) -> Transition<'a, O, A> {
        assert_eq!(self.copies(), 1, "a step of one copy");
        Transition {
            observation: O::from_slice(self.observations),
            action: A::from_slice(self.actions),
            reward: self.rewards[0],
            next_observation: O::from_slice(self.next_observations),
            terminated: self.terminated[0],
            truncated: self.truncated[0],
        }
    }
}

/// The reason of an episode's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// By a terminal state.
    Terminated,
    /// By truncation, such as a time limit.
    Truncated,
}

impl Ending {
    /// The ending of an episode after this outcome, if it ends. Termination takes precedence over truncation.
    pub fn of(outcome: Outcome) -> Option<Self> {
        match outcome {
            Outcome { terminated: true, .. } => Some(Ending::Terminated),
            Outcome { truncated: true, .. } => Some(Ending::Truncated),
            Outcome { .. } => None,
        }
    }
}

/// A sequence of steps, with one observation more than actions and rewards.
#[derive(Clone, Debug, PartialEq)]
pub struct Trajectory<O: Row + ?Sized, A: Row + ?Sized = usize> {
    observations: Vec<O::Owned>,
    actions: Vec<A::Owned>,
    rewards: Vec<f64>,
}

impl<O: Row + ?Sized, A: Row + ?Sized> Trajectory<O, A> {
    /// An empty trajectory from its first observation.
    pub fn starting_at(observation: O::Owned) -> Self {
        Self { observations: vec![observation], actions: Vec::new(), rewards: Vec::new() }
    }

    /// Appends `A_t`, `R_{t+1}`, `S_{t+1}`.
    pub fn push(&mut self, action: A::Owned, reward: f64, next_observation: O::Owned) {
        self.actions.push(action);
        self.rewards.push(reward);
        self.observations.push(next_observation);
    }

    /// The number of steps.
    pub fn steps(&self) -> usize {
        self.actions.len()
    }

    /// `S_0, S_1, ...`, one more than there are steps.
    pub fn observations(&self) -> &[O::Owned] {
        &self.observations
    }

    /// `A_0, A_1, ...`.
    pub fn actions(&self) -> &[A::Owned] {
        &self.actions
    }

    /// `R_1, R_2, ...`.
    pub fn rewards(&self) -> &[f64] {
        &self.rewards
    }

    /// `G_t` for each step.
    pub fn returns(&self, gamma: f64) -> Vec<Return> {
        let mut after = 0.0;
        let mut returns: Vec<Return> = self
            .rewards
            .iter()
            .rev()
            .map(|reward| {
                after = reward + gamma * after;
                Return(after)
            })
            .collect();
        returns.reverse();
        returns
    }

    /// `G_0`, the return of the whole trajectory; 0 if it has no step.
    pub fn initial_return(&self, gamma: f64) -> Return {
        Return(self.rewards.iter().rev().fold(0.0, |after, reward| reward + gamma * after))
    }
}

/// A trajectory from a reset to its end.
#[derive(Clone, Debug, PartialEq)]
pub struct Episode<O: Row + ?Sized, A: Row + ?Sized = usize> {
    /// The steps.
    pub trajectory: Trajectory<O, A>,
    /// The reason of its end.
    pub ending: Ending,
}

/// A discounted sum of rewards.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Return(pub f64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn returns_are_those_of_the_book() {
        // Sutton and Barto 2018, Exercise 3.8: gamma 0.5, rewards -1, 2, 6, 3, 2.
        let mut trajectory: Trajectory<usize> = Trajectory::starting_at(0);
        for (t, reward) in [-1.0, 2.0, 6.0, 3.0, 2.0].into_iter().enumerate() {
            trajectory.push(0, reward, t + 1);
        }
        assert_eq!(trajectory.returns(0.5), [2.0, 6.0, 8.0, 4.0, 2.0].map(Return));
        assert_eq!(trajectory.initial_return(0.5), Return(2.0));
        assert_eq!((trajectory.steps(), trajectory.observations().len()), (5, 6));
    }

    #[test]
    fn a_terminal_state_counts_before_a_time_limit() {
        let check = |terminated, truncated, expected| {
            assert_eq!(Ending::of(Outcome { reward: 0.0, terminated, truncated }), expected);
        };
        check(false, false, None);
        check(true, false, Some(Ending::Terminated));
        check(false, true, Some(Ending::Truncated));
        check(true, true, Some(Ending::Terminated));
    }
}
