//! A fixed random linear policy for a box of actions: `a = squash(W s + b)`, with `W` and `b` drawn once and never changed.
//!
//! Searching among such policies is a strong baseline on simple control tasks (Mania, Guy and Recht 2018,
//! "Simple random search provides a competitive approach to reinforcement learning"); a single draw is a
//! lower bound that a learner must exceed.
//!
//! Differences from the paper: one policy is drawn and kept; theirs is the start of a search.
//!
//! ```
//! use potstill::agent::Agent;
//! use potstill::baseline::RandomLinear;
//! use potstill::core::Streams;
//! use potstill::env::registry::find;
//!
//! let actions = find("Pendulum-v1").unwrap().action_space();
//! let mut policy = RandomLinear::new(3, &actions, Streams::new(1));
//! let mut torque = [0.0];
//! policy.act(&[1.0, 0.0, 0.5], &mut torque);
//! assert!((-2.0..=2.0).contains(&torque[0]));
//! ```

use crate::agent::{Agent, LearnError};
use crate::algorithm::{Algorithm, Builder, DataKind, Learning, PolicyKind, Task, recipe};
use crate::config::{ConfigError, settings};
use crate::experience::Steps;
use crate::model::{ControlPolicy, Model};
use potstill_core::{Streams, snapshot};
use potstill_env::Space;
use potstill_nn::{Ends, NetworkSpec, Workspace};

settings! {
    /// The keys of a fixed random linear policy.
    pub struct RandomLinearConfig {
        /// Copies of the environment, stepped together
        num_envs: u64 = 1, in Copies;
    }
}

/// The descriptor.
pub const ALGORITHM: Algorithm = Algorithm {
    name: "random-linear",
    family: "baseline",
    policy: Some(PolicyKind::On),
    data: DataKind::Online,
    is_model_based: Some(false),
    summary: "act by a fixed random linear policy, without learning",
    source: "the start of a random search, Mania, Guy and Recht 2018",
    file: file!(),
    builder: Builder::Control(|| recipe(build)),
    presets: &[],
    smoke: &[
        "env=Pendulum-v1 steps=700 eval_freq=300 eval_episodes=2 log_interval=1",
        "env=MountainCarContinuous-v0:sticky_actions=0.2,max_episode_steps=90 steps=700 \
         eval_freq=300 eval_episodes=2 num_envs=3",
    ],
};

fn build(config: &RandomLinearConfig, task: &Task<'_>) -> Result<Learning<[f32]>, ConfigError> {
    let features = task.spec.observation_space().features();
    let agent = RandomLinear::new(features, &task.spec.action_space(), task.streams);
    let copies = (config.num_envs > 1).then_some(config.num_envs as usize);
    Ok(Learning { agent: Box::new(agent), copies, about: None, warning: None })
}

/// A fixed random linear policy.
#[derive(Clone, Debug)]
pub struct RandomLinear {
    policy: ControlPolicy,
    workspace: Workspace,
}

impl RandomLinear {
    /// A policy from observations of `features` numbers to a bounded box of actions, with weights from the
    /// stream `initialisation`.
    ///
    /// # Panics
    /// If the action space is not a bounded box.
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

    fn start_from(&mut self, model: &Model) -> Result<(), String> {
        match model {
            Model::Control(policy) if parts(policy) == parts(&self.policy) => {
                self.policy = policy.clone();
                Ok(())
            }
            other => Err(format!(
                "it has learned {}; this run has a linear policy for a box of actions",
                other.shape()
            )),
        }
    }
}

/// The bounds of the actions, and the form of the network.
fn parts(policy: &ControlPolicy) -> (&[f32], &[f32], &NetworkSpec, &Ends) {
    let network = policy.network();
    (policy.low(), policy.high(), network.spec(), network.ends())
}

snapshot! {
    impl Restorable for RandomLinear {
        saved: policy;
        built: workspace;
    }
}
