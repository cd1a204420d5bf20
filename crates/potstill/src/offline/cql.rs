//! Conservative Q-learning (Kumar, Zhou, Tucker and Levine 2020): Q-learning from recorded transitions, which
//! lowers the values of actions that were not recorded. For discrete actions it is deep Q-learning, for a box
//! of them SAC.
//!
//! Equation 4, CQL(H), discrete: sample a minibatch; regress `Q(s, a)` to `y = r + gamma max_a' Q'(s', a')`,
//! beside `alpha (ln sum_a exp Q(s, a) - Q(s, a_recorded))`; move the target network by `tau`. Off-policy,
//! offline, model-free.
//!
//! In a box the sum over actions becomes an integral, which is estimated from `n_actions` uniform ones, as
//! many of the policy and as many of the policy in the next state, each value less the logarithm of the
//! density that its action was drawn from (appendix F): regress both critics to `y = r + gamma min_i Q'_i(s',
//! a')`, `a' ~ pi(.|s')`, beside `alpha` times that soft maximum less `Q_i(s, a_recorded)`; policy and
//! temperature learn as in [SAC](crate::actor_critic::sac). With a `cql_threshold` (equation 30) `alpha` is
//! multiplied by a number that rises while the difference is above the threshold.
//!
//! Defaults in a box: `cql_alpha` of 5, step sizes of 0.0001 (policy, temperature, multiplier) and 0.0003
//! (critics), 256-256, batches of 256 and a `tau` of 0.005 are d3rlpy 2.8's; ten actions of each kind are
//! d3rlpy's, CORL's and the paper's; no multiplier, no entropy in `y`, and a drawn `a'` are CORL's. d3rlpy
//! has a multiplier with a threshold of 10 and takes the mean as `a'`; CORL has an `alpha` of 10, a step size
//! of 0.00003 for the policy, three hidden layers, and scales observations.
//!
//! The largest value is no lower bound where the data prefer good actions: the term raises the values of recorded
//! actions, too. On FrozenLake, with half of the actions those of the optimal policy and the others even, the value of
//! the start is 5.58 with `alpha` = 2, where the optimum is 0.542 (`potstill/tests/offline.rs`).
//!
//! Differences from the paper, discrete: a Huber loss of a mean, where its discrete experiments extend
//! QR-DQN, with a moving average as the target network; with `huber_delta=0` the squared error has no half,
//! so that `alpha` counts half as much against it as in equation 4. In a box: the squared error has no half
//! either (as in d3rlpy and CORL); the policy begins to ascend at once, without steps of imitation.
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
use super::control_cql::ControlCqlLearner;
use super::cql_config::{CqlConfig, CqlSettings, CqlShared};
use crate::actor_critic::off_policy::Rates;
use crate::agent::{LearnError, Measurements};
use crate::algorithm::{Algorithm, Builder, DataKind, PolicyKind, Unused, recipe_without};
use crate::config::{Auto, Need};
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

/// Weight of the conservative term for discrete actions.
const ALPHA: f64 = 1.0;

/// The CQL agent for discrete actions.
pub type Cql = Offline<CqlLearner>;
/// The CQL agent for a box of actions.
pub type ControlCql = Offline<ControlCqlLearner>;

const OF_A_BOX: &[Need] = &[Need::Never("it is for a box of actions")];
const OF_CHOICES: &[Need] = &[Need::Never("it is for discrete actions")];

/// The keys that count for nothing with discrete actions.
const UNUSED: Unused = &[
    ("critic_net_arch", &[Need::Never("the policy is greedy in the critic's values")]),
    ("n_actions", OF_A_BOX),
    ("cql_threshold", OF_A_BOX),
    ("ent_coef", OF_A_BOX),
    ("policy_learning_rate", OF_A_BOX),
    ("critic_learning_rate", OF_A_BOX),
];

/// The keys that count for nothing in a box.
const UNUSED_IN_A_BOX: Unused = &[
    ("huber_delta", OF_CHOICES),
    ("double", OF_CHOICES),
    (
        "learning_rate",
        &[Need::Never("in a box of actions there are policy_learning_rate and critic_learning_rate")],
    ),
];

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
    builder: Builder::Policy(
        || recipe_without(UNUSED, Cql::learning),
        || recipe_without(UNUSED_IN_A_BOX, ControlCql::learning),
    ),
    presets: &[],
    smoke: &[
        "env=CartPole-v1 data=random:400 steps=300 net_arch=mlp:8 batch_size=16 eval_freq=100 eval_episodes=2",
        "env=Acrobot-v1 data=random:700 steps=200 net_arch=mlp:8:layernorm batch_size=16 double=true huber_delta=0 \
         normalize_observations=true cql_alpha=0.1 tau=0.1 eval_freq=0 optimizer=rmsprop",
        "env=Pendulum-v1:max_episode_steps=70 data=random:400 steps=200 net_arch=mlp:8 batch_size=16 n_actions=3 \
         eval_freq=100 eval_episodes=2",
        "env=MountainCarContinuous-v0 data=random:1200 steps=150 net_arch=mlp:8 batch_size=16 eval_freq=0 n_actions=2 \
         cql_alpha=1 cql_threshold=-1.0 ent_coef=0.1 critic_learning_rate=linear:0.01:0:run normalize_observations=true \
         critic_net_arch=mlp:9:layernorm",
    ],
};

/// The network of CQL for discrete actions, and its target network.
#[derive(Clone, Debug)]
pub struct CqlLearner {
    config: CqlConfig,
    alpha: f64,
    critic: ChoiceCritic,
    y: Vec<f32>,
    q_select: Vec<f32>,
    d_penalty: Vec<f32>,
}

snapshot! {
    impl Restorable for CqlLearner {
        saved: critic via Flat;
        built: config, alpha, y, q_select, d_penalty;
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
            critic: ChoiceCritic::new(
                Self::shared(settings),
                Self::optimizer(settings),
                (1, Self::shared(settings).tau),
                task,
                &mut rng,
            ),
            config: settings.0.clone(),
            alpha: match settings.0.cql_alpha {
                Auto::Number(alpha) => alpha,
                Auto::Auto => ALPHA,
            },
            y: Vec::new(),
            q_select: Vec::new(),
            d_penalty: Vec::new(),
        }
    }

    fn learn(&mut self, batch: &Batch, rates: Rates) -> Result<Measurements, LearnError> {
        let Self { config, alpha, critic, y, q_select, d_penalty } = self;
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
        let alpha = *alpha;
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
