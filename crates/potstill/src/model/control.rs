//! Deterministic policies for a box of actions.

use super::actor::Actor;
use potstill_core::math::tanh;
use potstill_core::{Pcg64, snapshot};
use potstill_env::Space;
use potstill_nn::{Network, Workspace};

/// The way from a network's output to an action within its bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// `low + (high - low) (tanh(y) + 1) / 2`: the bounds are finite, and never left.
    Squashed,
    /// `min(max(y, low), high)`.
    Clipped,
}

/// The number from `low` to `high` that `unit` from -1 to 1 stands for.
pub(crate) fn from_unit(unit: f32, low: f32, high: f32) -> f32 {
    // Rounding must not leave the box.
    (low + (high - low) * (0.5 * (unit + 1.0))).clamp(low, high)
}

/// The number from -1 to 1 that stands for `x` from `low` to `high`; 0 if these are equal.
pub(crate) fn to_unit(x: f32, low: f32, high: f32) -> f32 {
    if low == high { 0.0 } else { (2.0 * ((x - low) / (high - low)) - 1.0).clamp(-1.0, 1.0) }
}

/// A deterministic policy for a box of actions: a network with an output `y_i` for each component of the action, which is
/// squashed or clipped into its bounds.
///
/// ```
/// use potstill::core::Streams;
/// use potstill::env::Space;
/// use potstill::model::{Actor, ControlActor, ControlPolicy};
/// use potstill::nn::NetworkSpec;
///
/// let torque = Space::Box { low: vec![-2.0], high: vec![2.0] };
/// let linear: NetworkSpec = "mlp".parse().unwrap();
/// let network = linear.build(3, 1, &mut Streams::new(1).stream("initialisation"));
/// let policy = ControlPolicy::new(network, &torque);
/// let mut action = [0.0];
/// ControlActor::new(&policy).act(&[1.0, 0.0, 0.5], &mut action, &mut Streams::new(1).stream("actor"));
/// assert!(action[0] > -2.0 && action[0] < 2.0);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ControlPolicy {
    network: Network,
    bound: Bound,
    low: Vec<f32>,
    high: Vec<f32>,
}

snapshot! {
    impl Restorable for ControlPolicy {
        saved: network;
        built: bound, low, high;
    }
}

impl ControlPolicy {
    /// The policy of a network whose outputs are squashed into a space of actions.
    ///
    /// # Panics
    /// If the space is not a bounded box with a component for each output of the network.
    pub fn new(network: Network, actions: &Space) -> Self {
        Self::with(Bound::Squashed, network, actions)
    }

    /// The policy of a network whose outputs come within the bounds of a space of actions in this way.
    ///
    /// # Panics
    /// If the space is not a box with a component for each output of the network, or outputs are squashed and it is not
    /// bounded.
    pub fn with(bound: Bound, network: Network, actions: &Space) -> Self {
        let Space::Box { low, high } = actions else { panic!("a box of actions, not {actions}") };
        assert_eq!(network.outputs(), low.len(), "an output for each component");
        let is_bounded = low.iter().chain(high).all(|bound| bound.is_finite());
        assert!(is_bounded || bound == Bound::Clipped, "a bounded box");
        Self { network, bound, low: low.clone(), high: high.clone() }
    }

    /// The way from the network's outputs to actions.
    pub fn bound(&self) -> Bound {
        self.bound
    }

    /// Returns true if another policy has the same form: network, bounds, and the way to them.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let (ours, theirs) = (&self.network, &other.network);
        (ours.spec(), ours.ends(), self.bound) == (theirs.spec(), theirs.ends(), other.bound)
            && (&self.low, &self.high) == (&other.low, &other.high)
    }

    /// The network.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The lowest value of each component of an action.
    pub fn low(&self) -> &[f32] {
        &self.low
    }

    /// The highest value of each component of an action.
    pub fn high(&self) -> &[f32] {
        &self.high
    }

    /// Writes the actions for a batch of observations, `samples x features` and `samples x components`.
    pub fn act(&self, observations: &[f32], actions: &mut [f32], workspace: &mut Workspace) {
        let outputs = self.network.predict(observations, workspace);
        let width = self.low.len();
        for (action, y) in actions.chunks_exact_mut(width).zip(outputs.chunks_exact(width)) {
            for i in 0..width {
                let (low, high) = (self.low[i], self.high[i]);
                action[i] = match self.bound {
                    Bound::Squashed => from_unit(tanh(y[i]), low, high),
                    Bound::Clipped => y[i].clamp(low, high),
                };
            }
        }
    }
}

/// A [`ControlPolicy`] with its buffers.
#[derive(Clone, Debug)]
pub struct ControlActor<'a> {
    policy: &'a ControlPolicy,
    workspace: Workspace,
}

impl<'a> ControlActor<'a> {
    /// An actor of a policy.
    pub fn new(policy: &'a ControlPolicy) -> Self {
        Self { policy, workspace: Workspace::default() }
    }
}

impl Actor<[f32], [f32]> for ControlActor<'_> {
    fn act(&mut self, observation: &[f32], action: &mut [f32], _: &mut Pcg64) {
        self.policy.act(observation, action, &mut self.workspace);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_and_actions_are_inverse() {
        for (unit, low, high, action) in
            [(-1.0, -2.0, 2.0, -2.0), (0.5, -2.0, 2.0, 1.0), (0.0, 0.0, 10.0, 5.0), (1.0, -0.1, 0.3, 0.3)]
        {
            assert_eq!((from_unit(unit, low, high), to_unit(action, low, high)), (action, unit));
        }
        assert_eq!((from_unit(0.7, 3.0, 3.0), to_unit(3.0, 3.0, 3.0)), (3.0, 0.0));
    }

    #[test]
    fn actions_by_hand() {
        let space = Space::Box { low: vec![-1.0, 0.0, 2.0], high: vec![1.0, 10.0, 2.0] };
        let mut network = potstill_nn::NetworkSpec::mlp(&[]).zeroed(&potstill_nn::Ends::new(2, 3));
        // y = (x_0, x_1, 0) plus biases (0.5, 0, 0); weights are stored one row per input.
        network.update_parameters(|parameters| {
            parameters.copy_from_slice(&[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.5, 0.0, 0.0]);
        });
        let policy = ControlPolicy::new(network, &space);
        let mut actions = [0.0; 6];
        policy.act(&[0.5, 0.0, 40.0, -40.0], &mut actions, &mut Workspace::default());
        // tanh(1) = 0.761594156; 10 (tanh(0) + 1) / 2 = 5; at the extremes it is the bound itself.
        let expected = [0.761_594_2, 5.0, 2.0, 1.0, 0.0, 2.0];
        assert!(actions.iter().zip(expected).all(|(a, e)| (a - e).abs() < 1e-6), "{actions:?}");
        let policy = ControlPolicy::with(Bound::Clipped, policy.network().clone(), &space);
        policy.act(&[0.25, 7.0, 40.0, -40.0], &mut actions, &mut Workspace::default());
        assert_eq!(actions, [0.75, 7.0, 2.0, 1.0, 0.0, 2.0]);
    }
}
