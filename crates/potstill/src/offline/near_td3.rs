//! TD3 whose policy stays near to recorded actions: the learner of [TD3+BC](super::td3_bc) and
//! [ReBRAC](super::rebrac), which differ in their [`Nearness`].

use super::agent::{OfflineConfig, OfflineLearner, OfflineOptimizer};
use crate::actor_critic::critics::critic_ends;
use crate::actor_critic::deterministic::Anchor;
use crate::actor_critic::off_policy::{OffPolicyLearner, Rates};
use crate::actor_critic::td3::{Td3Config, Td3Learner};
use crate::agent::{LearnError, Measurements};
use crate::config::Settings;
use crate::deep::TaskSpec;
use crate::experience::Batch;
use crate::optimizer::OptimizerConfig;
use potstill_core::snapshot;
use potstill_core::snapshot::Flat;
use potstill_nn::{Ends, Network};

/// A paper's distance from recorded actions, with its settings.
pub trait Nearness: Settings + Clone + Default + std::fmt::Debug + Send + 'static {
    /// The shared settings, with the paper's defaults.
    type Shared: Settings + Clone + Default;
    /// True if targets depend on the action that was recorded after a transition.
    const NEEDS_NEXT_ACTIONS: bool;

    /// The shared settings.
    fn shared(shared: &Self::Shared) -> &OfflineConfig;

    /// The distance that the policy pays for, against the value that it ascends.
    fn anchor<'a>(&self, batch: &'a Batch<[f32]>) -> Anchor<'a>;

    /// Lowers the target networks' values of next actions.
    fn penalise(&self, _values: &mut [f32], _next_actions: &[f32], _batch: &Batch<[f32]>) {}
}

/// The networks of TD3, from recorded transitions.
#[derive(Clone, Debug)]
pub struct NearTd3<N> {
    nearness: N,
    td3: Td3Learner,
}

snapshot! {
    impl[N: Nearness] Restorable for NearTd3<N> {
        saved: td3 via Flat;
        built: nearness;
    }
}

impl<N: Nearness> OfflineLearner for NearTd3<N> {
    type Actions = [f32];
    type Settings = (N, (Td3Config, (N::Shared, OfflineOptimizer)));
    const NEEDS_NEXT_ACTIONS: bool = N::NEEDS_NEXT_ACTIONS;

    fn shared((_, (_, (shared, _))): &Self::Settings) -> &OfflineConfig {
        N::shared(shared)
    }

    fn optimizer((_, (_, (_, OfflineOptimizer(optimizer)))): &Self::Settings) -> &OptimizerConfig {
        optimizer
    }

    fn critic_ends(task: &TaskSpec) -> Ends {
        critic_ends(task)
    }

    fn new(settings: &Self::Settings, task: &TaskSpec) -> Self {
        let (shared, optimizer) = (Self::shared(settings), Self::optimizer(settings));
        let (nearness, (config, _)) = settings.clone();
        let forms = (&shared.net_arch, shared.critic_arch());
        Self { nearness, td3: Td3Learner::of(config, forms, shared.tau, optimizer, task) }
    }

    fn learn(&mut self, batch: &Batch<[f32]>, rates: Rates) -> Result<Measurements, LearnError> {
        let Self { nearness, td3 } = self;
        let penalise = |values: &mut [f32], actions: &[f32]| nearness.penalise(values, actions, batch);
        td3.learn_near(batch, rates, penalise, Some(nearness.anchor(batch)))
    }

    fn outputs(&mut self, observations: &[f32]) -> &[f32] {
        self.td3.outputs(observations)
    }

    fn policy(&self) -> Network {
        self.td3.policy_network().clone()
    }

    fn copy_policy(&mut self, policy: &Network) {
        self.td3.copy_policy(policy).expect("a policy that takes over any of its form");
    }

    fn updates(&self) -> u64 {
        self.td3.updates()
    }

    fn lag(&self) -> Option<(u64, f64)> {
        self.td3.lag()
    }
}
