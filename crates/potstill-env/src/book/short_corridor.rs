//! `ShortCorridor`: three states that look alike, in one of which the actions are exchanged (Sutton and Barto 2018,
//! Example 13.1).
//!
//! A policy that depends on nothing but what it sees must be stochastic to be good. One that goes right with the
//! probability `p` has the expected return `(2 p - 4) / (p (1 - p))` from the start, at best `-6 - 4 sqrt(2)`, about
//! -11.66, for `p = 2 - sqrt(2)`, about 0.59; one that always goes left, or always right, never arrives.
//!
//! ```
//! use potstill_env::{Env, book::short_corridor::ShortCorridor};
//!
//! let (mut env, mut seen) = (ShortCorridor::default(), 0);
//! env.reset(None, &mut seen);
//! let ends = [1, 0, 1].map(|action| env.step(&action, &mut seen).unwrap().terminated);
//! assert_eq!(ends, [false, false, true]);
//! ```
//!
//! # Action space
//!
//! `Discrete(2)`: 0 left, 1 right.
//!
//! # Observation space
//!
//! `Discrete(1)`: 0, whichever the state.
//!
//! # Rewards
//!
//! -1 for every step.
//!
//! # Starting state
//!
//! The left end of the corridor. A step to the left stays there; right leads on to the second state, in which left
//! leads right and right leads left; the third leads to the goal by right.
//!
//! # Episode end
//!
//! Terminates at the goal. There is no time limit, and some policies need one (`max_episode_steps`).
//!
//! # Options
//!
//! Only the [general ones](crate::registry::GENERAL_OPTIONS).
//!
//! # Source
//!
//! The book; it is not in Gymnasium.

use crate::registry::{Entry, Kind};
use crate::{Env, EnvError, Outcome, Paint, Scene, Space};
use potstill_core::snapshot;
use potstill_core::snapshot::below;

/// The states that are no goal.
const STATES: usize = 3;
/// The state whose actions are exchanged.
const EXCHANGED: usize = 1;

/// The corridor.
#[derive(Clone, Debug, Default)]
pub struct ShortCorridor {
    /// From the left; [`STATES`] is the goal.
    state: usize,
}

/// The expected return of a policy that goes right with the probability `p`, in (0, 1), whatever it sees.
pub fn expected_return(p: f64) -> f64 {
    (2.0 * p - 4.0) / (p * (1.0 - p))
}

impl Env for ShortCorridor {
    type Observation = usize;
    type Action = usize;

    fn observation_space(&self) -> Space {
        Space::Discrete { n: 1 }
    }

    fn action_space(&self) -> Space {
        Space::Discrete { n: 2 }
    }

    fn reset(&mut self, _: Option<u64>, observation: &mut usize) {
        (self.state, *observation) = (0, 0);
    }

    fn step(&mut self, &action: &usize, observation: &mut usize) -> Result<Outcome, EnvError> {
        if action > 1 {
            return Err(EnvError::Action { action: action.to_string(), space: self.action_space() });
        }
        let goes_right = (action == 1) != (self.state == EXCHANGED);
        self.state = if goes_right { self.state + 1 } else { self.state.saturating_sub(1) };
        *observation = 0;
        Ok(Outcome { reward: -1.0, terminated: self.state == STATES, truncated: false })
    }

    fn reseed(&mut self, _: u64) {}

    fn is_stochastic(&self) -> bool {
        false
    }

    fn scene(&self) -> Option<Scene> {
        let scene = Scene::grid(1, STATES + 1, |_, column| match column {
            EXCHANGED => (Paint::Danger, 'x'),
            STATES => (Paint::Goal, 'G'),
            _ => (Paint::Ground, ' '),
        });
        Some(scene.with_agent(0, self.state))
    }
}

snapshot! {
    impl Restorable for ShortCorridor {
        saved: state via below(STATES + 1);
    }
}

pub(crate) fn entry() -> Entry {
    let about = "walk a corridor whose three states look alike";
    Entry::new("ShortCorridor", about, |_| Ok(Kind::states(ShortCorridor::default())))
        .documented(include_str!("short_corridor.rs"))
        .actions(&["left", "right"])
}

#[cfg(test)]
mod tests {
    use super::*;
    use potstill_core::Pcg64;

    #[test]
    fn the_second_state_exchanges_the_actions() {
        let check = |actions: &[usize], states: &[usize]| {
            let mut env = ShortCorridor::default();
            env.reset(None, &mut 0);
            let step = |action: &usize| {
                env.step(action, &mut 0).unwrap();
                env.state
            };
            assert_eq!(actions.iter().map(step).collect::<Vec<_>>(), states, "{actions:?}");
        };
        check(&[0, 0, 1, 1, 1, 0], &[0, 0, 1, 0, 1, 2]);
        check(&[1, 0, 0, 0, 1], &[1, 2, 1, 2, 3]);
    }

    #[test]
    fn returns_have_their_exact_mean() {
        // The solution of the three equations of Bellman; at the best probability -(6 + 4 sqrt(2)).
        assert_eq!(expected_return(0.5), -12.0);
        assert!((expected_return(2.0 - f64::sqrt(2.0)) + 6.0 + 4.0 * f64::sqrt(2.0)).abs() < 1e-12);
        let mut rng = Pcg64::new(7);
        let mut episode = |p: f64| {
            let mut env = ShortCorridor::default();
            env.reset(None, &mut 0);
            (1..).find(|_| env.step(&usize::from(rng.unit() < p), &mut 0).unwrap().terminated).unwrap()
        };
        for p in [0.3, 0.59] {
            let steps: Vec<f64> = (0..20_000).map(|_| f64::from(episode(p))).collect();
            let mean = steps.iter().sum::<f64>() / 20_000.0;
            let variance = steps.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / 20_000.0;
            // Five standard errors.
            let error = (variance / 20_000.0).sqrt();
            assert!((mean + expected_return(p)).abs() < 5.0 * error, "{mean} for {p}");
        }
    }
}
