//! A fixed random linear policy for a box of actions: `a = squash(W s + b)`, with `W` and `b` drawn once and never changed.
//!
//! Searching among such policies is a baseline that simple control tasks do not withstand (Mania, Guy and Recht 2018, "Simple random search
//! provides a competitive approach to reinforcement learning"); one draw is a floor that a learner must leave behind.

use crate::agent::{Agent, LearnError};
use crate::config::settings;
use crate::experience::Steps;
use crate::model::{ControlPolicy, Model};
use potstill_core::{Streams, snapshot};
use potstill_env::Space;
use potstill_nn::{NetworkSpec, Workspace};

settings! {
    /// The keys of a fixed random linear policy.
    pub struct RandomLinearConfig {
        /// Copies of the environment that are acted in together
        num_envs: u64 = 1, in Copies;
    }
}

/// A fixed random linear policy.
#[derive(Clone, Debug)]
pub struct RandomLinear {
    policy: ControlPolicy,
    workspace: Workspace,
}

impl RandomLinear {
    /// A policy from `features` numbers to a bounded box of actions, with weights from the stream `initialisation`.
    ///
    /// # Panics
    /// If the space of actions is no bounded box.
    pub fn new(features: usize, actions: &Space, streams: Streams) -> Self {
        let mut rng = streams.stream("initialisation");
        let network = NetworkSpec::mlp(&[]).build(features, actions.features(), &mut rng);
        Self { policy: ControlPolicy::new(network, actions), workspace: Workspace::default() }
    }
}

impl Agent for RandomLinear {
    type Observation = [f32];
    type Action = [f32];

    fn act(&mut self, observations: &[f32], actions: &mut [f32]) {
        self.policy.act(observations, actions, &mut self.workspace);
    }

    fn observe(&mut self, _: &Steps<'_, [f32], [f32]>) -> Result<u64, LearnError> {
        Ok(0)
    }

    fn model(&self) -> Model {
        Model::Control(self.policy.clone())
    }
}

snapshot! {
    impl Restorable for RandomLinear {
        saved: policy;
        built: workspace;
    }
}
