//! The environment that a policy is distilled in, by the kind of its actions: how networks act there, and the distance
//! between the actions of a teacher and of a student.

use crate::model::{Actor, Bound, ControlActor, ControlPolicy, Model, NetworkActor, play_unless};
use crate::policy::Policy;
use potstill_core::math::tanh;
use potstill_core::{Pcg64, Streams};
use potstill_env::registry::{ControlEnv, Spec};
use potstill_env::{EnvError, FeatureEnv, Row, Space};
use potstill_nn::Network;

/// An environment, and the way from a network's outputs to its actions.
pub enum World {
    /// Discrete actions: the best output is chosen.
    Choices(FeatureEnv),
    /// Actions of a box: outputs are squashed or clipped.
    Control {
        /// The environment.
        env: ControlEnv,
        /// The way from outputs to actions, which is the teacher's.
        bound: Bound,
        /// The box.
        space: Space,
    },
}

impl From<FeatureEnv> for World {
    fn from(env: FeatureEnv) -> Self {
        Self::Choices(env)
    }
}

/// Half the width of a component of a box; 1 if that is not finite.
fn half_width(low: f32, high: f32) -> f32 {
    let half = 0.5 * (high - low);
    if half.is_finite() && half > 0.0 { half } else { 1.0 }
}

impl World {
    /// An environment with actions of a box, to which outputs come in this way.
    pub fn control(env: ControlEnv, bound: Bound) -> Self {
        Self::Control { space: env.action_space(), env, bound }
    }

    /// The environment of a teacher, if a network is its policy there.
    pub fn of(teacher: &Model, spec: &Spec) -> Option<Self> {
        match teacher {
            Model::Network(_) => spec.make_features().map(Self::Choices),
            Model::Control(policy) => spec.make_control().map(|env| Self::control(env, policy.bound())),
            _ => None,
        }
    }

    /// The model of a network that acts here.
    pub(crate) fn model(&self, network: &Network) -> Model {
        match self {
            Self::Choices(_) => Model::Network(network.clone()),
            Self::Control { bound, space, .. } => {
                Model::Control(ControlPolicy::with(*bound, network.clone(), space))
            }
        }
    }

    /// Appends the states in which a network acts in an episode, with a random action now and then; false if it was
    /// stopped before.
    ///
    /// # Errors
    /// If the environment refuses a step.
    pub(crate) fn play(
        &mut self,
        stop: &(dyn Fn() -> bool + Sync),
        network: &Network,
        epsilon: f64,
        seed: u64,
        rng: &mut Pcg64,
        states: &mut Vec<f32>,
    ) -> Result<bool, EnvError> {
        match self {
            Self::Choices(env) => {
                let mut actor = NetworkActor::new(network, Policy::EpsilonGreedy { epsilon });
                visited(stop, env, &mut actor, seed, rng, states)
            }
            Self::Control { env, bound, space } => {
                let policy = ControlPolicy::with(*bound, network.clone(), space);
                let mut actor = Exploring { actor: ControlActor::new(&policy), policy: &policy, epsilon };
                visited(stop, env, &mut actor, seed, rng, states)
            }
        }
    }

    /// The states of an episode that a network plays with a seed, without random actions; `None` if it was stopped.
    ///
    /// # Errors
    /// If the environment refuses a step.
    pub fn states_of(
        &mut self,
        stop: &(dyn Fn() -> bool + Sync),
        network: &Network,
        seed: u64,
    ) -> Result<Option<Vec<f32>>, EnvError> {
        let (mut rng, mut states) = (Streams::new(seed).stream("actor"), Vec::new());
        Ok(self.play(stop, network, 0.0, seed, &mut rng, &mut states)?.then_some(states))
    }

    /// The loss of actions of a box: half the squared distance between the actions of a teacher and of a student with these
    /// outputs, in units of half the width of the box, summed over components and averaged over samples; and its gradient with
    /// respect to the student's outputs. Two normal policies of one deviation have this divergence, but for a factor.
    /// `None` for discrete actions.
    pub(crate) fn squared_distance(&self, teacher: &[f32], student: &[f32], d: &mut [f32]) -> Option<f32> {
        let Self::Control { bound, space: Space::Box { low, high }, .. } = self else { return None };
        let samples = (student.len() / low.len()) as f32;
        let mut sum = 0.0;
        for (i, ((y, of_teacher), d)) in student.iter().zip(teacher).zip(d).enumerate() {
            let (low, high) = (low[i % low.len()], high[i % high.len()]);
            let (error, slope) = match bound {
                Bound::Squashed => {
                    let unit = tanh(*y);
                    (unit - tanh(*of_teacher), 1.0 - unit * unit)
                }
                // The student's outputs are not clipped: beyond a bound they would not learn.
                Bound::Clipped => {
                    let half = half_width(low, high);
                    ((y - of_teacher.clamp(low, high)) / half, 1.0 / half)
                }
            };
            sum += 0.5 * error * error;
            *d = error * slope / samples;
        }
        Some(sum / samples)
    }

    /// The root mean squared distance between the actions of two networks, in units of half the width of the box; `None` for
    /// discrete actions.
    pub fn distance(&self, a: &Network, b: &Network, states: &[f32]) -> Option<f64> {
        let Self::Control { bound, space, .. } = self else { return None };
        let Space::Box { low, high } = space else { return None };
        let [a, b] = [a, b].map(|network| {
            let policy = ControlPolicy::with(*bound, network.clone(), space);
            let mut actions = vec![0.0; states.len() / network.inputs() * low.len()];
            policy.act(states, &mut actions, &mut potstill_nn::Workspace::default());
            actions
        });
        let squares = a.iter().zip(&b).enumerate().map(|(i, (a, b))| {
            let error = f64::from((a - b) / half_width(low[i % low.len()], high[i % low.len()]));
            error * error
        });
        Some((squares.sum::<f64>() / a.len().max(1) as f64).sqrt())
    }
}

/// Appends the states of an episode; the last, in which no action is taken, is none of them.
fn visited<A: Row + ?Sized>(
    stop: &(dyn Fn() -> bool + Sync),
    env: &mut potstill_env::BoxEnv<[f32], A>,
    actor: &mut impl Actor<[f32], A>,
    seed: u64,
    rng: &mut Pcg64,
    states: &mut Vec<f32>,
) -> Result<bool, EnvError> {
    let Some(episode) = play_unless(stop, env, actor, seed, rng)? else { return Ok(false) };
    let steps = episode.trajectory.steps();
    for state in &episode.trajectory.observations()[..steps] {
        states.extend_from_slice(state);
    }
    Ok(true)
}

/// A policy with a uniformly random action of its box now and then; of a box without bounds there is none.
struct Exploring<'a> {
    actor: ControlActor<'a>,
    policy: &'a ControlPolicy,
    epsilon: f64,
}

impl Actor<[f32], [f32]> for Exploring<'_> {
    fn act(&mut self, observation: &[f32], action: &mut [f32], rng: &mut Pcg64) {
        self.actor.act(observation, action, rng);
        if self.epsilon > 0.0 && rng.unit() < self.epsilon {
            for ((a, &low), &high) in action.iter_mut().zip(self.policy.low()).zip(self.policy.high()) {
                if (high - low).is_finite() {
                    *a = (rng.uniform(f64::from(low), f64::from(high)) as f32).clamp(low, high);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use potstill_env::registry;

    #[test]
    fn distances_by_hand() {
        let env = || registry::find("Pendulum-v1").unwrap().make_control().unwrap();
        let mut d = [0.0; 2];
        // Torques from -2 to 2. Clipped: 3 is 2, so that 1 is half a unit away, and -0.5 three quarters from -2.
        let world = World::control(env(), Bound::Clipped);
        let loss = world.squared_distance(&[3.0, -2.0], &[1.0, -0.5], &mut d);
        assert_eq!((loss, d), (Some((0.125 + 0.281_25) / 2.0), [-0.125, 0.1875]));
        // Squashed: tanh(0) = 0 from tanh(20) = 1.
        let world = World::control(env(), Bound::Squashed);
        let loss = world.squared_distance(&[20.0, 0.0], &[0.0, 0.0], &mut d);
        assert_eq!((loss, d), (Some(0.25), [-0.5, 0.0]));
        let choices = World::Choices(registry::find("CartPole-v1").unwrap().make_features().unwrap());
        assert_eq!(choices.squared_distance(&[1.0], &[0.0], &mut d), None);
    }
}
