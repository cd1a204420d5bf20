//! Conservative Q-learning (Kumar, Zhou, Tucker and Levine 2020), for discrete actions: deep Q-learning from recorded
//! transitions, which lowers the values of actions that were not recorded.
//!
//! Equation 4, CQL(H): sample a minibatch; regress `Q(s, a)` to `y = r + gamma max_a' Q'(s', a')`, beside `alpha (ln sum_a
//! exp Q(s, a) - Q(s, a_recorded))`; move the target network by `tau`. Off-policy, offline, model-free.
//!
//! The largest value is no lower bound where the data prefer good actions: the term raises the values of recorded
//! actions, too. On FrozenLake, with half of the actions those of the optimal policy and the others even, the value of
//! the start is 5.58 with `alpha` = 2, where the optimum is 0.542 (`potstill/tests/offline.rs`).
//!
//! Differences from the paper: a Huber loss of a mean, where its discrete experiments extend QR-DQN, with a moving average as
//! the target network; with `huber_delta=0` the squared error has no half, so that `alpha` counts half as much against it as in
//! equation 4.
//!
//! ```
//! use potstill::actor_critic::off_policy::Rates;
//! use potstill::core::Streams;
//! use potstill::deep::TaskSpec;
//! use potstill::experience::Batch;
//! use potstill::offline::{CqlLearner, CqlSettings, OfflineLearner};
//!
//! let mut batch: Batch = Batch::default();
//! (batch.observations, batch.next_observations) = (vec![1.0], vec![0.0]);
//! (batch.actions, batch.returns, batch.discounts) = (vec![1], vec![1.0], vec![0.0]);
//! let mut learner = CqlLearner::new(&CqlSettings::default(), &TaskSpec::new(1, 2, 200, Streams::new(1)));
//! let rates = Rates { policy: 0.0, critic: 0.01 };
//! (0..200).for_each(|_| _ = learner.learn(&batch, rates).unwrap());
//! // The reward was 1; the value of the action that was not recorded falls.
//! let q = learner.outputs(&[1.0]);
//! assert!(q[1] > 0.9 && q[0] < 0.0);
//! ```

use super::agent::{Offline, OfflineConfig, OfflineLearner, OfflineOptimizer};
use super::choice_critics::{ChoiceCritic, choice_ends};
use crate::actor_critic::off_policy::Rates;
use crate::agent::{LearnError, Measurements};
use crate::algorithm::{Algorithm, Builder, DataKind, PolicyKind, Unused, recipe_without};
use crate::config::{Need, other_defaults, settings};
use crate::deep::TaskSpec;
use crate::deep::dqn::td_loss;
use crate::experience::Batch;
use crate::metrics::catalogue;
use crate::optimizer::OptimizerConfig;
use crate::targets::{bellman_double, bellman_max};
use potstill_core::snapshot;
use potstill_core::snapshot::Flat;
use potstill_nn::loss::cross_entropy;
use potstill_nn::{Ends, Network};

settings! {
    /// The hyperparameters of CQL.
    pub struct CqlConfig {
        /// Weight of the conservative term. Source: Kumar et al. 2020, appendix F
        cql_alpha: f64 = 1.0, in NotNegative;
        /// Threshold of the Huber loss between quadratic and linear; 0 for the squared error. Source: Kumar et al. 2020,
        /// section 6, where it is that of QR-DQN
        huber_delta: f64 = 1.0, in NotNegative;
        /// Selects the next action with the online network (double DQN). Source: van Hasselt, Guez and Silver 2016
        double: bool = false, in Any;
    }
}

other_defaults! {
    /// The shared keys with a step size of 0.001.
    CqlShared: OfflineConfig = OfflineConfig { learning_rate: 1e-3.into(), ..OfflineConfig::default() }
}

/// All settings of CQL.
pub type CqlSettings = (CqlConfig, (CqlShared, OfflineOptimizer));

/// The CQL agent for discrete actions.
pub type Cql = Offline<CqlLearner>;

const UNUSED: Unused = &[("critic_net_arch", &[Need::Never("the policy is greedy in the critic's values")])];

/// The descriptor.
pub const ALGORITHM: Algorithm = Algorithm {
    name: "cql",
    family: "offline",
    policy: Some(PolicyKind::Off),
    data: DataKind::Offline,
    is_model_based: Some(false),
    summary: "conservative Q-learning: lowers the values of actions that were not recorded",
    source: "Kumar et al. 2020, equation 4",
    file: file!(),
    builder: Builder::Features(|| recipe_without(UNUSED, Cql::learning)),
    presets: &[],
    smoke: &[
        "env=CartPole-v1 data=random:400 steps=300 net_arch=mlp:8 batch_size=16 eval_freq=100 eval_episodes=2",
        "env=Acrobot-v1 data=random:700 steps=200 net_arch=mlp:8:layernorm batch_size=16 double=true huber_delta=0 \
         normalize_observations=true cql_alpha=0.1 tau=0.1 eval_freq=0 optimizer=rmsprop",
    ],
};

/// The network of CQL, and its target network.
#[derive(Clone, Debug)]
pub struct CqlLearner {
    config: CqlConfig,
    critic: ChoiceCritic,
    y: Vec<f32>,
    q_select: Vec<f32>,
    d_penalty: Vec<f32>,
}

snapshot! {
    impl Restorable for CqlLearner {
        saved: critic via Flat;
        built: config, y, q_select, d_penalty;
    }
}

impl OfflineLearner for CqlLearner {
    type Actions = usize;
    type Settings = CqlSettings;
    const LEARNS_VALUES: bool = true;

    fn shared((_, (CqlShared(config), _)): &CqlSettings) -> &OfflineConfig {
        config
    }

    fn optimizer((_, (_, OfflineOptimizer(optimizer))): &CqlSettings) -> &OptimizerConfig {
        optimizer
    }

    fn critic_ends(task: &TaskSpec) -> Ends {
        choice_ends(task)
    }

    fn new(settings: &CqlSettings, task: &TaskSpec) -> Self {
        let mut rng = task.streams.stream("initialisation");
        Self {
            critic: ChoiceCritic::new(Self::shared(settings), Self::optimizer(settings), task, &mut rng),
            config: settings.0.clone(),
            y: Vec::new(),
            q_select: Vec::new(),
            d_penalty: Vec::new(),
        }
    }

    fn learn(&mut self, batch: &Batch, rates: Rates) -> Result<Measurements, LearnError> {
        let Self { config, critic, y, q_select, d_penalty } = self;
        let Batch { actions: a, returns: r, discounts, next_observations: s_next, .. } = batch;
        // y = r + gamma max_a' Q'(s', a')
        if config.double {
            q_select.clear();
            q_select.extend_from_slice(critic.values().predict(s_next));
            bellman_double(r, discounts, critic.target_values(s_next), q_select, y);
        } else {
            bellman_max(r, discounts, critic.target_values(s_next), y);
        }
        // ln sum_a exp Q(s, a) - Q(s, a_recorded) is the cross-entropy of the softmax of the values.
        let alpha = config.cql_alpha;
        let mut gap = 0.0;
        let step = critic.step(rates.critic, batch, (td_loss(config.huber_delta), y), |q, d_q| {
            d_penalty.resize(q.len(), 0.0);
            gap = f64::from(cross_entropy(q, a, d_penalty));
            d_q.iter_mut().zip(&*d_penalty).for_each(|(d, penalty)| *d += alpha as f32 * penalty);
            alpha * gap
        })?;
        // Q' = tau Q + (1 - tau) Q'
        critic.tick();
        Ok(Measurements::of(catalogue::LOSS, step.loss)
            .with(catalogue::CONSERVATIVE_GAP, gap)
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
    }

    fn updates(&self) -> u64 {
        self.critic.updates()
    }

    fn lag(&self) -> Option<(u64, f64)> {
        Some(self.critic.lag())
    }
}
