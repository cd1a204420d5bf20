//! Recorded episodes, for comparison with other implementations.
//!
//! ```
//! use potstill_env::registry::find;
//! use potstill_env::trace::{Actions, trace};
//!
//! // Up, along the edge, and down to the goal.
//! let walk = [&[0.0][..], &[1.0; 11], &[2.0]].concat().into_iter().map(|a| vec![a]).collect();
//! let traced = trace(&find("CliffWalking-v1")?, 1, &Actions::Given(walk))?;
//! assert_eq!((&traced.start[..], traced.steps.len()), (&[36.0][..], 13));
//! assert!(traced.steps[12].outcome.terminated);
//! # Ok::<(), potstill_env::EnvError>(())
//! ```

use crate::registry::{Factory, Spec, Visitor};
use crate::space::{Element, row_text};
use crate::{Env, EnvError, Outcome, Row, Space};
use potstill_core::Streams;
use std::borrow::{Borrow, BorrowMut};

/// The actions of an episode.
#[derive(Clone, Debug, PartialEq)]
pub enum Actions {
    /// The numbers of each action.
    Given(Vec<Vec<f64>>),
    /// A count of actions, uniformly at random from the stream `actions` of the seed.
    Random(usize),
}

/// An episode, from its reset to its end or to that of the actions.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// The observation after the reset: the numbers of an array, the parts of a tuple, or one number.
    pub start: Vec<f64>,
    /// The steps.
    pub steps: Vec<TraceStep>,
}

/// One step of an episode.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceStep {
    /// The numbers of the action.
    pub action: Vec<f64>,
    /// The observation after it, as in [`Trace::start`].
    pub observation: Vec<f64>,
    /// The reward and the ends of the step.
    pub outcome: Outcome,
    /// The reward before it was changed for learning ([`Env::raw_reward`]).
    pub raw_reward: f64,
}

/// Resets an environment with a seed and plays actions until they or the episode end.
///
/// # Errors
/// If an action is outside the environment's action space.
pub fn trace(spec: &Spec, seed: u64, actions: &Actions) -> Result<Trace, EnvError> {
    spec.visit(Tracer { seed, actions })
}

/// Plays one episode of uniformly random actions, the same as [`Actions::Random`], and keeps none of its steps. Returns
/// its number of steps and its return, which is `None` if it has not ended after `steps_max` steps.
///
/// # Errors
/// If the environment refuses a step.
pub fn random_return(spec: &Spec, seed: u64, steps_max: usize) -> Result<(usize, Option<f64>), EnvError> {
    spec.visit(AtRandom { seed, steps_max })
}

struct AtRandom {
    seed: u64,
    steps_max: usize,
}

impl Visitor for AtRandom {
    type Output = Result<(usize, Option<f64>), EnvError>;

    fn visit<O: Row + ?Sized + 'static, A: Row + ?Sized + 'static>(
        self,
        factory: &Factory<O, A>,
    ) -> Self::Output {
        let mut env = factory.one();
        let (mut observation, space) = (O::buffer(&env.observation_space()), env.action_space());
        let mut rng = Streams::new(self.seed).stream("actions");
        env.reset(Some(self.seed), observation.borrow_mut());
        let mut sum = 0.0;
        for steps in 1..=self.steps_max {
            let outcome = env.step(A::sample(&space, &mut rng).borrow(), observation.borrow_mut())?;
            sum += env.raw_reward().unwrap_or(outcome.reward);
            if outcome.done() {
                return Ok((steps, Some(sum)));
            }
        }
        Ok((self.steps_max, None))
    }
}

struct Tracer<'a> {
    seed: u64,
    actions: &'a Actions,
}

fn seen<O: Row + ?Sized>(observation: &O, space: &Space) -> Vec<f64> {
    match (space, observation.as_slice()) {
        (Space::Tuple { .. }, &[index]) => {
            space.parts(index.wide() as usize).into_iter().map(|part| part as f64).collect()
        }
        (_, row) => row.iter().map(|number| number.wide()).collect(),
    }
}

impl Visitor for Tracer<'_> {
    type Output = Result<Trace, EnvError>;

    fn visit<O: Row + ?Sized + 'static, A: Row + ?Sized + 'static>(
        self,
        factory: &Factory<O, A>,
    ) -> Result<Trace, EnvError> {
        let mut env = factory.one();
        let (observations, space) = (env.observation_space(), env.action_space());
        let actions: Box<dyn Iterator<Item = A::Owned>> = match self.actions {
            // Drawn one by one: an episode may end long before so many.
            Actions::Random(n) => {
                let mut rng = Streams::new(self.seed).stream("actions");
                let space = space.clone();
                Box::new((0..*n).map(move |_| A::sample(&space, &mut rng)))
            }
            Actions::Given(numbers) => {
                let refused =
                    |numbers: &[f64]| EnvError::Action { action: row_text(numbers), space: space.clone() };
                let action = |n: &Vec<f64>| A::from_numbers(n, &space).ok_or_else(|| refused(n));
                Box::new(numbers.iter().map(action).collect::<Result<Vec<_>, _>>()?.into_iter())
            }
        };
        let mut observation = O::buffer(&observations);
        env.reset(Some(self.seed), observation.borrow_mut());
        let mut traced = Trace { start: seen::<O>(observation.borrow(), &observations), steps: Vec::new() };
        for action in actions {
            let outcome = env.step(action.borrow(), observation.borrow_mut())?;
            let observation = seen::<O>(observation.borrow(), &observations);
            let raw_reward = env.raw_reward().unwrap_or(outcome.reward);
            traced.steps.push(TraceStep {
                action: action.borrow().numbers(),
                observation,
                outcome,
                raw_reward,
            });
            if outcome.done() {
                break;
            }
        }
        Ok(traced)
    }
}
