//! Behaviour cloning (Pomerleau 1991): a policy that imitates recorded actions, by supervised learning.
//!
//! Sample a minibatch of observations and the actions taken there, and take a gradient step along `-ln pi(a|s)` for
//! discrete actions, or along the squared error of the policy's action in a box. Rewards count for nothing, unless
//! `top_fraction` keeps the episodes of the highest returns alone. Offline, model-free.
//!
//! Discrete actions are hard labels, so that cloning is distillation from a teacher of whom nothing but the actions is
//! known: the loss is that of a student of recorded probabilities. With the teacher's probabilities or values, distil
//! (`potstill distill`).
//!
//! Differences from the paper, which drives a car: networks and optimiser are those of the other learners here.
//!
//! ```
//! use potstill::actor_critic::off_policy::Rates;
//! use potstill::core::Streams;
//! use potstill::deep::TaskSpec;
//! use potstill::experience::Batch;
//! use potstill::offline::{BcLearner, BcSettings, OfflineLearner};
//!
//! let mut batch: Batch = Batch::default();
//! (batch.observations, batch.actions, batch.returns) = (vec![1.0], vec![1], vec![0.0]);
//! let task = TaskSpec::new(1, 2, 200, Streams::new(1));
//! let mut learner = BcLearner::<usize>::new(&BcSettings::default(), &task);
//! let rates = Rates { policy: 0.01, critic: 0.0 };
//! let losses: Vec<f64> = (0..50)
//!     .map(|_| learner.learn(&batch, rates).unwrap().get("train/loss").unwrap())
//!     .collect();
//! assert!(losses[49] < 0.1 * losses[0]);
//! ```

use super::agent::{Offline, OfflineActions, OfflineConfig, OfflineLearner, OfflineOptimizer};
use super::imitation::{Choices, Control, Density, Imitated, Imitator};
use crate::actor_critic::off_policy::Rates;
use crate::agent::{LearnError, Measurements};
use crate::algorithm::{Algorithm, Builder, DataKind, PolicyKind, Unused, recipe_without};
use crate::config::{Need, other_defaults, settings};
use crate::deep::TaskSpec;
use crate::experience::Batch;
use crate::metrics::catalogue;
use crate::optimizer::OptimizerConfig;
use potstill_core::snapshot::Flat;
use potstill_core::{Pcg64, snapshot};
use potstill_nn::{Ends, Network};

settings! {
    /// The hyperparameters of behaviour cloning.
    pub struct BcConfig {
        /// Share of the probability that is spread evenly over all actions, if they are discrete. Source: Szegedy et al.
        /// 2016, section 7, which has 0.1
        label_smoothing: f64 = 0.0, in BelowOne;
    }
}

other_defaults! {
    /// The shared keys with a step size of 0.001.
    BcShared: OfflineConfig = OfflineConfig { learning_rate: 1e-3.into(), ..OfflineConfig::default() }
}

/// All settings of behaviour cloning.
pub type BcSettings = (BcConfig, (BcShared, OfflineOptimizer));

/// The agent of behaviour cloning.
pub type Bc<A> = Offline<BcLearner<A>>;

/// The keys that count for nothing: there are no values.
const UNUSED: Unused = &[
    ("gamma", &[Need::Never("there are no values")]),
    ("tau", &[Need::Never("there is no target network")]),
    ("critic_net_arch", &[Need::Never("there is no critic")]),
];

/// The descriptor.
pub const ALGORITHM: Algorithm = Algorithm {
    name: "bc",
    family: "offline",
    policy: Some(PolicyKind::Off),
    data: DataKind::Offline,
    is_model_based: Some(false),
    summary: "behaviour cloning: imitates recorded actions by supervised learning",
    source: "Pomerleau 1991",
    file: file!(),
    builder: Builder::Policy(
        || recipe_without(UNUSED, Bc::<usize>::learning),
        || recipe_without(UNUSED, Bc::<[f32]>::learning),
    ),
    presets: &[],
    smoke: &[
        "env=CartPole-v1 data=random:400 steps=300 net_arch=mlp:8 batch_size=16 top_fraction=0.5 \
         label_smoothing=0.1 eval_freq=100 eval_episodes=2",
        "env=Pendulum-v1 data=random:400:1 steps=200 net_arch=mlp:8 batch_size=16 eval_freq=0 \
         normalize_observations=true learning_rate=linear:0.01:0:run",
    ],
};

/// The policy of behaviour cloning.
#[derive(Clone, Debug)]
pub struct BcLearner<A: Imitated + ?Sized> {
    policy: A::Imitator,
    weights: Vec<f32>,
}

snapshot! {
    impl[A: Imitated + ?Sized] Restorable for BcLearner<A> {
        saved: policy via Flat;
        built: weights;
    }
}

/// A kind of actions that is cloned.
pub trait Cloned: Imitated {
    /// The policy with these settings.
    fn imitator(settings: &BcSettings, task: &TaskSpec, rng: &mut Pcg64) -> Self::Imitator;
}

impl Cloned for usize {
    fn imitator((own, (shared, optimizer)): &BcSettings, task: &TaskSpec, rng: &mut Pcg64) -> Choices {
        Choices::new((&shared.0, &optimizer.0), own.label_smoothing, task, rng)
    }
}

impl Cloned for [f32] {
    fn imitator((_, (shared, optimizer)): &BcSettings, task: &TaskSpec, rng: &mut Pcg64) -> Control {
        Control::new((&shared.0, &optimizer.0), Density::Deterministic, task, rng)
    }
}

impl<A: Cloned + OfflineActions + ?Sized> OfflineLearner for BcLearner<A> {
    type Actions = A;
    type Settings = BcSettings;

    fn shared((_, (BcShared(config), _)): &BcSettings) -> &OfflineConfig {
        config
    }

    fn optimizer((_, (_, OfflineOptimizer(optimizer))): &BcSettings) -> &OptimizerConfig {
        optimizer
    }

    fn critic_ends(task: &TaskSpec) -> Ends {
        Ends::new(task.inputs, task.actions)
    }

    fn new(settings: &BcSettings, task: &TaskSpec) -> Self {
        let mut rng = task.streams.stream("initialisation");
        Self { policy: A::imitator(settings, task, &mut rng), weights: Vec::new() }
    }

    fn learn(&mut self, batch: &Batch<A>, rates: Rates) -> Result<Measurements, LearnError> {
        self.weights.resize(batch.returns.len(), 1.0);
        let loss = self.policy.imitate(rates.policy, &batch.observations, &batch.actions, &self.weights)?;
        Ok(Measurements::of(catalogue::LOSS, loss)
            .with(catalogue::GRADIENT_NORM, self.policy.gradient_norm()))
    }

    fn outputs(&mut self, observations: &[f32]) -> &[f32] {
        self.policy.outputs(observations)
    }

    fn policy(&self) -> Network {
        self.policy.network()
    }

    fn copy_policy(&mut self, policy: &Network) {
        self.policy.copy_from(policy);
    }

    fn updates(&self) -> u64 {
        self.policy.updates()
    }

    fn lag(&self) -> Option<(u64, f64)> {
        None
    }
}
