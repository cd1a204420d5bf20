//! Fitted Q iteration (Ernst, Geurts and Wehenkel 2005, figure 1) with a network (Riedmiller 2005, figure
//! 1): a sequence of supervised regressions over the same recorded transitions.
//!
//! `Q_0 = 0`; for `k = 1, 2, ...` fit `Q_k(s, a)` to `r + gamma max_a' Q_{k-1}(s', a')` by least squares.
//! `Q_k` is the value of the best policy with `k` steps to go, if every action was recorded and the fit is
//! exact: with a table it is value iteration on the transitions as they were counted
//! (`potstill/tests/offline.rs`). Off-policy, offline, model-free.
//!
//! Deep Q-learning is the same with a short regression between the copies of its target network. As there,
//! nothing keeps the policy near the recorded actions: see [`cql`](super::cql) and [`bcq`](super::bcq) for
//! that.
//!
//! Differences from the papers: a regression is `updates_per_iteration` gradient steps on minibatches, whose
//! step size falls to 0 within it, where Ernst et al. grow trees and Riedmiller takes whole sweeps of Rprop; it
//! begins at the parameters of the one before, with the moments of its optimiser; a run of a number of steps
//! that is no multiple of theirs ends within a regression.
//!
//! ```
//! use potstill::actor_critic::off_policy::Rates;
//! use potstill::core::Streams;
//! use potstill::deep::TaskSpec;
//! use potstill::experience::Batch;
//! use potstill::offline::{FqiLearner, FqiSettings, OfflineLearner};
//!
//! // One state, whose action is worth 1 each time, for ever.
//! let mut batch: Batch = Batch::default();
//! (batch.observations, batch.next_observations) = (vec![1.0], vec![1.0]);
//! (batch.actions, batch.returns, batch.discounts) = (vec![0], vec![1.0], vec![0.5]);
//! let mut settings = FqiSettings::default();
//! settings.0.updates_per_iteration = 300;
//! let mut learner = FqiLearner::new(&settings, &TaskSpec::new(1, 1, 900, Streams::new(1)));
//! let rates = Rates { policy: 0.0, critic: 0.001 };
//! for expected in [1.0, 1.5, 1.75] {
//!     (0..300).for_each(|_| _ = learner.learn(&batch, rates).unwrap());
//!     assert!((learner.outputs(&[1.0])[0] - expected).abs() < 0.01);
//! }
//! ```

use super::agent::{Offline, OfflineConfig, OfflineLearner, OfflineOptimizer};
use super::choice_critics::{ChoiceCritic, choice_ends};
use crate::actor_critic::off_policy::Rates;
use crate::agent::{LearnError, Measurements};
use crate::algorithm::{Algorithm, Builder, DataKind, PolicyKind, Unused, recipe_without};
use crate::config::{Need, other_defaults, settings};
use crate::deep::TaskSpec;
use crate::experience::Batch;
use crate::metrics::catalogue;
use crate::optimizer::OptimizerConfig;
use crate::targets::bellman_max;
use potstill_core::snapshot;
use potstill_nn::loss::Regression;
use potstill_nn::{Ends, Network};

settings! {
    /// The hyperparameters of fitted Q iteration.
    pub struct FqiConfig {
        /// Gradient steps of a regression, in which the step size falls to 0. Source: enough for CartPole's
        /// data
        updates_per_iteration: u64 = 100, in AtLeastOne;
    }
}

other_defaults! {
    /// The shared keys with a step size of 0.001.
    FqiShared: OfflineConfig = OfflineConfig { learning_rate: 1e-3.into(), ..OfflineConfig::default() }
}

/// All settings of fitted Q iteration.
pub type FqiSettings = (FqiConfig, (FqiShared, OfflineOptimizer));

/// The agent of fitted Q iteration.
pub type Fqi = Offline<FqiLearner>;

/// The keys that count for nothing.
const UNUSED: Unused = &[
    ("critic_net_arch", &[Need::Never("the policy is greedy in the critic's values")]),
    (
        "tau",
        &[Need::Never("each regression has fixed targets, from the network that the last one has fitted")],
    ),
];

/// The descriptor.
pub const ALGORITHM: Algorithm = Algorithm {
    name: "fqi",
    family: "offline",
    policy: Some(PolicyKind::Off),
    data: DataKind::Offline,
    is_model_based: Some(false),
    summary: "fitted Q iteration: a regression to the targets of the one before, again and again",
    source: "Ernst, Geurts and Wehenkel 2005; Riedmiller 2005, figure 1",
    file: file!(),
    builder: Builder::Features(|| recipe_without(UNUSED, Fqi::learning)),
    presets: &[],
    smoke: &[
        "env=CartPole-v1 data=random:400 steps=300 net_arch=mlp:8 batch_size=16 eval_freq=100 eval_episodes=2",
        "env=Acrobot-v1 data=random:700 steps=200 net_arch=mlp:8 batch_size=16 updates_per_iteration=30 gamma=0.9 \
         eval_freq=0 normalize_observations=true",
    ],
};

/// The network of fitted Q iteration, and the one that gives its targets.
#[derive(Clone, Debug)]
pub struct FqiLearner {
    updates_per_iteration: u64,
    /// `Q_k` as it is fitted, and `Q_{k-1}` as its target network.
    critic: ChoiceCritic,
    /// True if there is a `Q_{k-1}` that is not 0.
    has_values: bool,
    y: Vec<f32>,
}

snapshot! {
    impl Restorable for FqiLearner {
        saved: critic, has_values;
        built: updates_per_iteration, y;
    }
}

impl OfflineLearner for FqiLearner {
    type Actions = usize;
    type Settings = FqiSettings;
    const LEARNS_VALUES: bool = true;

    fn shared((_, (FqiShared(config), _)): &FqiSettings) -> &OfflineConfig {
        config
    }

    fn optimizer((_, (_, OfflineOptimizer(optimizer))): &FqiSettings) -> &OptimizerConfig {
        optimizer
    }

    fn critic_ends(task: &TaskSpec) -> Ends {
        choice_ends(task)
    }

    fn new(settings: &FqiSettings, task: &TaskSpec) -> Self {
        let updates_per_iteration = settings.0.updates_per_iteration;
        let mut rng = task.streams.stream("initialisation");
        let (config, optimizer) = (Self::shared(settings), Self::optimizer(settings));
        let copied = (updates_per_iteration, 1.0);
        let critic = ChoiceCritic::new(config, optimizer, copied, task, &mut rng);
        Self { updates_per_iteration, critic, has_values: false, y: Vec::new() }
    }

    fn learn(&mut self, batch: &Batch, rates: Rates) -> Result<Measurements, LearnError> {
        let Self { updates_per_iteration, critic, has_values, y } = self;
        let Batch { returns: r, discounts, next_observations: s_next, .. } = batch;
        let done = critic.updates() % *updates_per_iteration;
        // y = r + gamma max_a' Q_{k-1}(s', a')
        if *has_values {
            bellman_max(r, discounts, critic.target_values(s_next), y);
        } else {
            y.clear();
            y.extend_from_slice(r);
        }
        let rate = rates.critic * (1.0 - done as f64 / *updates_per_iteration as f64);
        let step = critic.step(rate, batch, (Regression::SquaredError, y), |_, _| 0.0)?;
        // Q_{k-1} = Q_k, at the end of a regression
        critic.tick();
        *has_values |= done + 1 == *updates_per_iteration;
        Ok(Measurements::of(catalogue::LOSS, step.loss)
            .with(catalogue::Q_VALUES, step.mean_value)
            .with(catalogue::GRADIENT_NORM, step.gradient_norm))
    }

    fn outputs(&mut self, observations: &[f32]) -> &[f32] {
        self.critic.values().predict(observations)
    }

    fn policy(&self) -> Network {
        self.critic.network().clone()
    }

    fn copy_policy(&mut self, policy: &Network) {
        self.critic.copy_from(policy);
        self.has_values = true;
    }

    fn updates(&self) -> u64 {
        self.critic.updates()
    }

    fn lag(&self) -> Option<(u64, f64)> {
        Some(self.critic.lag())
    }
}
