//! Batch-constrained Q-learning for discrete actions (Fujimoto, Conti, Ghavamzadeh and Pineau 2019): deep Q-learning among
//! the actions that the data are likely to have.
//!
//! Algorithm 1: a network with two outputs for each action, its value `Q(s, a)` and a logit of `G(a|s)`, which imitates the
//! data. Sample a minibatch; `a' = argmax Q(s', a')` over the actions with `G(a'|s') / max G(.|s') > share`; regress
//! `Q(s, a)` to `y = r + gamma Q'(s', a')` by the Huber loss, beside the cross-entropy of `G` with the recorded action; move
//! the target network by `tau`. It acts by the same constraint. Off-policy, offline, model-free.
//!
//! Differences from the paper: a moving average as the target network, in place of a copy every 8,000 updates; both outputs
//! share all hidden layers, as in its networks of images; an action of exactly the share is taken.
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::deep::TaskSpec;
//! use potstill::nn::Head;
//! use potstill::offline::{BcqLearner, BcqSettings, OfflineLearner};
//!
//! let task = TaskSpec::new(4, 3, 200, Streams::new(1));
//! let policy = BcqLearner::new(&BcqSettings::default(), &task).policy();
//! // A value and a logit for each action.
//! assert!(matches!(policy.ends().head, Head::Constrained { .. }));
//! assert_eq!((policy.ends().choices, policy.outputs()), (3, 6));
//! ```

use super::agent::{Offline, OfflineConfig, OfflineLearner, OfflineOptimizer};
use super::learned::Learned;
use crate::actor_critic::off_policy::Rates;
use crate::agent::{LearnError, Measurements};
use crate::algorithm::{Algorithm, Builder, DataKind, PolicyKind, Unused, recipe_without};
use crate::config::{Need, other_defaults, settings};
use crate::deep::TaskSpec;
use crate::deep::dqn::td_loss;
use crate::experience::Batch;
use crate::metrics::catalogue;
use crate::optimizer::OptimizerConfig;
use crate::targets::bellman_double;
use crate::teacher::Teacher;
use potstill_core::math::ln_f64;
use potstill_core::snapshot;
use potstill_nn::loss::{Chosen, cross_entropy, regression_at};
use potstill_nn::{Ends, Head, Network};

settings! {
    /// The hyperparameters of BCQ.
    pub struct BcqConfig {
        /// Least probability of an action by the imitation of the data, as a share of the most probable one's: 0 is deep
        /// Q-learning, 1 imitation. Source: Fujimoto et al. 2019, table 1
        threshold: f64 = 0.3, in Unit;
        /// Weight of the mean squared logit of the imitation. Source: the authors' code
        logit_penalty: f64 = 0.01, in NotNegative;
        /// Threshold of the Huber loss between quadratic and linear; 0 for the squared error. Source: Fujimoto et al. 2019,
        /// equation 5
        huber_delta: f64 = 1.0, in NotNegative;
    }
}

other_defaults! {
    /// The shared keys with a step size of 0.001.
    BcqShared: OfflineConfig = OfflineConfig { learning_rate: 1e-3.into(), ..OfflineConfig::default() }
}

/// All settings of BCQ.
pub type BcqSettings = (BcqConfig, (BcqShared, OfflineOptimizer));

/// The BCQ agent for discrete actions.
pub type Bcq = Offline<BcqLearner>;

const UNUSED: Unused = &[("critic_net_arch", &[Need::Never("values and imitation are of one network")])];

/// The descriptor.
pub const ALGORITHM: Algorithm = Algorithm {
    name: "bcq",
    family: "offline",
    policy: Some(PolicyKind::Off),
    data: DataKind::Offline,
    is_model_based: Some(false),
    summary: "batch-constrained Q-learning: among the actions that the data are likely to have",
    source: "Fujimoto, Conti, Ghavamzadeh and Pineau 2019, Algorithm 1",
    file: file!(),
    builder: Builder::Features(|| recipe_without(UNUSED, Bcq::learning)),
    presets: &[],
    smoke: &[
        "env=CartPole-v1 data=random:400 steps=300 net_arch=mlp:8 batch_size=16 eval_freq=100 eval_episodes=2",
        "env=Acrobot-v1 data=random:700 steps=200 net_arch=mlp:8 batch_size=16 threshold=0.7 huber_delta=0 \
         logit_penalty=0.5 tau=0.1 eval_freq=0",
    ],
};

/// The network of BCQ, and its target network.
#[derive(Clone, Debug)]
pub struct BcqLearner {
    config: BcqConfig,
    /// `Q` and the logits of `G`.
    network: Learned,
    /// `Q'`.
    target: Teacher,
    /// `Q(s', .)` of the actions that are likely enough.
    q_select: Vec<f32>,
    q_next: Vec<f32>,
    y: Vec<f32>,
    /// The places of the recorded actions' values.
    places: Vec<usize>,
    errors: Vec<f32>,
    logits: Vec<f32>,
    d_logits: Vec<f32>,
    d_outputs: Vec<f32>,
    acting: Vec<f32>,
}

snapshot! {
    impl Restorable for BcqLearner {
        saved: network, target;
        built: config, q_select, q_next, y, places, errors, logits, d_logits, d_outputs, acting;
    }
}

impl BcqLearner {
    fn ends(settings: &BcqSettings, task: &TaskSpec) -> Ends {
        let ln_share = ln_f64(settings.0.threshold) as f32;
        Ends { head: Head::Constrained { ln_share }, ..Ends::new(task.inputs, task.actions) }
    }
}

impl OfflineLearner for BcqLearner {
    type Actions = usize;
    type Settings = BcqSettings;
    const LEARNS_VALUES: bool = true;

    fn shared((_, (BcqShared(config), _)): &BcqSettings) -> &OfflineConfig {
        config
    }

    fn optimizer((_, (_, OfflineOptimizer(optimizer))): &BcqSettings) -> &OptimizerConfig {
        optimizer
    }

    fn critic_ends(task: &TaskSpec) -> Ends {
        Ends { head: Head::Constrained { ln_share: 0.0 }, ..Ends::new(task.inputs, task.actions) }
    }

    fn new(settings: &BcqSettings, task: &TaskSpec) -> Self {
        let (shared, optimizer) = (Self::shared(settings), Self::optimizer(settings));
        let mut rng = task.streams.stream("initialisation");
        let network = Learned::new(&shared.net_arch, &Self::ends(settings, task), optimizer, task, &mut rng);
        let target = Teacher::target_network(network.network(), 1, shared.tau as f32);
        let [q_select, q_next, y, errors, logits, d_logits, d_outputs, acting] = [const { Vec::new() }; 8];
        Self {
            config: settings.0.clone(),
            network,
            target: target.with_workers(task.workers.clone()),
            q_select,
            q_next,
            y,
            places: Vec::new(),
            errors,
            logits,
            d_logits,
            d_outputs,
            acting,
        }
    }

    fn learn(&mut self, batch: &Batch, rates: Rates) -> Result<Measurements, LearnError> {
        let Self {
            config,
            network,
            target,
            q_select,
            q_next,
            y,
            places,
            errors,
            logits,
            d_logits,
            d_outputs,
            ..
        } = self;
        let Batch { observations: s, actions: a, returns: r, discounts, next_observations: s_next, .. } =
            batch;
        // a' = argmax Q(s', a') over the actions with G(a'|s') >= share max G(.|s')
        network.means(s_next, q_select);
        // y = r + gamma Q'(s', a')
        q_next.clear();
        q_next.extend(target.outputs(s_next).iter().step_by(2));
        bellman_double(r, discounts, q_next, q_select, y);
        // L = huber(Q(s, a) - y) - ln G(a|s) + penalty mean logit^2
        let outputs = network.forward(s);
        places.clear();
        places.extend(a.iter().map(|action| 2 * action));
        errors.resize(a.len(), 0.0);
        d_outputs.resize(outputs.len(), 0.0);
        let chosen = Chosen { indices: places, weights: &[] };
        let of_values = regression_at(td_loss(config.huber_delta), outputs, chosen, y, errors, d_outputs);
        let of_chosen = outputs.chunks_exact(outputs.len() / a.len()).zip(&*places);
        let mean_value = of_chosen.map(|(row, &place)| f64::from(row[place])).sum::<f64>() / a.len() as f64;
        logits.clear();
        logits.extend(outputs.iter().skip(1).step_by(2));
        d_logits.resize(logits.len(), 0.0);
        let of_imitation = cross_entropy(logits, a, d_logits);
        let penalty = config.logit_penalty / logits.len() as f64;
        let squares: f64 = logits.iter().map(|&z| f64::from(z) * f64::from(z)).sum();
        for ((d, of_logit), z) in d_outputs.iter_mut().skip(1).step_by(2).zip(d_logits).zip(&*logits) {
            *d = *of_logit + (2.0 * penalty) as f32 * z;
        }
        let loss = f64::from(of_values) + f64::from(of_imitation) + penalty * squares;
        let seen: [(&str, &[f32]); 5] = [
            ("observation", s),
            ("reward", r),
            ("next observation", s_next),
            ("target network's parameter", target.network().parameters()),
            ("target", y),
        ];
        network.step(rates.critic, &**d_outputs, loss, &seen)?;
        // Q' = tau Q + (1 - tau) Q'
        target.tick(1, network.network());
        Ok(Measurements::of(catalogue::LOSS, loss)
            .with(catalogue::HARD_LOSS, f64::from(of_imitation))
            .with(catalogue::Q_VALUES, mean_value)
            .with(catalogue::GRADIENT_NORM, network.gradient_norm()))
    }

    fn outputs(&mut self, observations: &[f32]) -> &[f32] {
        self.network.means(observations, &mut self.acting);
        &self.acting
    }

    fn policy(&self) -> Network {
        self.network.network().clone()
    }

    fn copy_policy(&mut self, policy: &Network) {
        self.network.network_mut().copy_from(policy);
        self.target.copy_from(policy);
    }

    fn updates(&self) -> u64 {
        self.network.updates()
    }

    fn lag(&self) -> Option<(u64, f64)> {
        Some((self.target.age(), self.target.drift(self.network.network()).unwrap_or_default()))
    }
}
