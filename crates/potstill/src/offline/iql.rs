//! Implicit Q-learning (Kostrikov, Nair and Levine 2022): values of recorded actions alone, from which an expectile of
//! the value of a state is learned, and a policy by imitation that is weighted with advantages.
//!
//! Algorithm 1, with the order of its code: `u = min_i Q'_i(s, a) - V(s)`; a gradient step of `V` along `|tau - 1(u < 0)| u^2`
//! (equation 5); one of the policy along `exp(beta u) ln pi(a|s)` (equation 7), with the weight cut at 100; one of
//! both critics towards `r + gamma V(s')` (equation 6), whose target networks then move. No value of an action that was not
//! recorded is ever asked for. Off-policy, offline, model-free.
//!
//! Differences from the paper:
//! - A constant step size, where the paper's policy has a cosine to 0: give `learning_rate=cosine:0.0003:0:run`, for all
//!   networks.
//! - With `deterministic`, the weighted squared error of the policy's action instead of its density.
//! - Discrete actions have critics that give the values of all actions, and a softmax as policy.
//!
//! ```
//! use potstill::actor_critic::off_policy::Rates;
//! use potstill::core::Streams;
//! use potstill::deep::TaskSpec;
//! use potstill::experience::Batch;
//! use potstill::offline::{IqlLearner, IqlSettings, OfflineLearner};
//!
//! // Two actions in one state, with rewards of 0 and 1.
//! let mut batch: Batch = Batch::default();
//! (batch.observations, batch.next_observations) = (vec![1.0; 2], vec![0.0; 2]);
//! (batch.actions, batch.returns, batch.discounts) = (vec![0, 1], vec![0.0, 1.0], vec![0.0; 2]);
//! let task = TaskSpec::new(1, 2, 200, Streams::new(1));
//! let mut learner = IqlLearner::<usize>::new(&IqlSettings::default(), &task);
//! let rates = Rates { policy: 0.01, critic: 0.01 };
//! (0..600).for_each(|_| _ = learner.learn(&batch, rates).unwrap());
//! // The expectile 0.7 of both, and a policy that prefers the better one.
//! assert!((learner.values(&[1.0])[0] - 0.7).abs() < 0.1);
//! let logits = learner.outputs(&[1.0]);
//! assert!(logits[1] > logits[0]);
//! ```

use super::agent::{Offline, OfflineActions, OfflineConfig, OfflineLearner, OfflineOptimizer};
use super::choice_critics::{ChoiceCritics, TwinCritics};
use super::imitation::{Choices, Control, Density, Imitated, Imitator};
use super::learned::Learned;
use crate::actor_critic::critics::Critics;
use crate::actor_critic::off_policy::Rates;
use crate::agent::{LearnError, Measurements};
use crate::algorithm::{Algorithm, Builder, DataKind, PolicyKind, recipe};
use crate::config::settings;
use crate::deep::TaskSpec;
use crate::experience::Batch;
use crate::metrics::catalogue;
use crate::optimizer::OptimizerConfig;
use crate::targets::bellman_values;
use potstill_core::math::exp_f64;
use potstill_core::{Pcg64, snapshot};
use potstill_nn::{Ends, Network};

settings! {
    /// The hyperparameters of IQL.
    pub struct IqlConfig {
        /// Expectile of the value of a state: 0.5 is the mean over recorded actions, 1 their maximum. Source: Kostrikov et
        /// al. 2022, section 5.2
        expectile: f64 = 0.7, in BelowOne;
        /// Weight of the advantage in the exponent, an inverse temperature. Source: Kostrikov et al. 2022, section 5.2
        beta: f64 = 3.0, in NotNegative;
        /// Largest weight of a recorded action. Source: the authors' code
        weight_max: f64 = 100.0, in Positive;
        /// Learns the policy in a box of actions by a weighted squared error, without a density
        deterministic: bool = false, in Any;
    }
}

/// All settings of IQL.
pub type IqlSettings = (IqlConfig, (OfflineConfig, OfflineOptimizer));

/// The IQL agent.
pub type Iql<A> = Offline<IqlLearner<A>>;

/// The descriptor.
pub const ALGORITHM: Algorithm = Algorithm {
    name: "iql",
    family: "offline",
    policy: Some(PolicyKind::Off),
    data: DataKind::Offline,
    is_model_based: Some(false),
    summary: "implicit Q-learning: expectiles of recorded values, and imitation weighted by advantages",
    source: "Kostrikov, Nair and Levine 2022, Algorithm 1",
    file: file!(),
    builder: Builder::Policy(|| recipe(Iql::<usize>::learning), || recipe(Iql::<[f32]>::learning)),
    presets: &[],
    smoke: &[
        "env=CartPole-v1 data=random:400 steps=300 net_arch=mlp:8 batch_size=16 eval_freq=100 eval_episodes=2",
        "env=Pendulum-v1 data=random:500 steps=200 net_arch=mlp:8 batch_size=16 eval_freq=0 \
         normalize_observations=true critic_net_arch=mlp:9:layernorm expectile=0.9 beta=10",
        "env=MountainCarContinuous-v0 data=random:1200 steps=150 net_arch=mlp:8 batch_size=16 eval_freq=0 \
         deterministic=true",
    ],
};

/// A kind of actions with the critics and the policy of IQL.
pub trait Valued: Imitated {
    /// Its critics.
    type Critics: TwinCritics<Actions = Self>;

    /// The policy with these settings.
    fn imitator(settings: &IqlSettings, task: &TaskSpec, rng: &mut Pcg64) -> Self::Imitator;
}

impl Valued for usize {
    type Critics = ChoiceCritics;

    fn imitator((_, (shared, optimizer)): &IqlSettings, task: &TaskSpec, rng: &mut Pcg64) -> Choices {
        Choices::new((shared, &optimizer.0), 0.0, task, rng)
    }
}

impl Valued for [f32] {
    type Critics = Critics<2>;

    fn imitator((own, (shared, optimizer)): &IqlSettings, task: &TaskSpec, rng: &mut Pcg64) -> Control {
        let density = if own.deterministic { Density::Deterministic } else { Density::Normal };
        Control::new((shared, &optimizer.0), density, task, rng)
    }
}

/// The networks of IQL.
#[derive(Clone, Debug)]
pub struct IqlLearner<A: Valued + ?Sized> {
    config: IqlConfig,
    /// `pi`.
    policy: A::Imitator,
    /// `Q_1`, `Q_2` and `Q'_1`, `Q'_2`.
    critics: A::Critics,
    /// `V`.
    value: Learned,
    advantages: Vec<f32>,
    weights: Vec<f32>,
    d_values: Vec<f32>,
    y: Vec<f32>,
}

snapshot! {
    impl[A: Valued + ?Sized] Restorable for IqlLearner<A> {
        saved: policy, critics, value;
        built: config, advantages, weights, d_values, y;
    }
}

impl<A: Valued + ?Sized> IqlLearner<A> {
    /// `V(s)` of a batch of observations.
    pub fn values(&mut self, observations: &[f32]) -> &[f32] {
        self.value.predict(observations)
    }
}

/// The mean of `|tau - 1(u < 0)| u^2` over the samples, and its gradient with respect to `V(s)`, where `u` is a value less `V(s)`
/// (equation 5).
fn expectile_loss(tau: f64, advantages: &[f32], d_values: &mut Vec<f32>) -> f64 {
    d_values.clear();
    let mut loss = 0.0;
    for &u in advantages {
        let weight = if u < 0.0 { 1.0 - tau } else { tau };
        loss += weight * f64::from(u) * f64::from(u);
        d_values.push((-2.0 * weight * f64::from(u) / advantages.len() as f64) as f32);
    }
    loss / advantages.len() as f64
}

impl<A: Valued + OfflineActions + ?Sized> OfflineLearner for IqlLearner<A> {
    type Actions = A;
    type Settings = IqlSettings;

    fn shared((_, (config, _)): &IqlSettings) -> &OfflineConfig {
        config
    }

    fn optimizer((_, (_, OfflineOptimizer(optimizer))): &IqlSettings) -> &OptimizerConfig {
        optimizer
    }

    fn critic_ends(task: &TaskSpec) -> Ends {
        A::Critics::ends(task)
    }

    fn new(settings: &IqlSettings, task: &TaskSpec) -> Self {
        let (shared, optimizer) = (Self::shared(settings), Self::optimizer(settings));
        let mut rng = task.streams.stream("initialisation");
        Self {
            policy: A::imitator(settings, task, &mut rng),
            critics: A::Critics::twins(shared, optimizer, task, &mut rng),
            value: Learned::new(shared.critic_arch(), &Ends::new(task.inputs, 1), optimizer, task, &mut rng),
            config: settings.0.clone(),
            advantages: Vec::new(),
            weights: Vec::new(),
            d_values: Vec::new(),
            y: Vec::new(),
        }
    }

    fn learn(&mut self, batch: &Batch<A>, rates: Rates) -> Result<Measurements, LearnError> {
        let Self { config, policy, critics, value, advantages, weights, d_values, y } = self;
        let Batch { observations: s, actions: a, returns: r, discounts, next_observations: s_next, .. } =
            batch;
        // u = min_i Q'_i(s, a) - V(s)
        let q = critics.least(batch);
        advantages.clear();
        advantages.extend(q.iter().zip(value.forward(s)).map(|(q, v)| q - v));
        // L_V = mean |tau - 1(u < 0)| u^2
        let value_loss = expectile_loss(config.expectile, advantages, d_values);
        value.step(
            rates.critic,
            &**d_values,
            value_loss,
            &[("observation", s), ("advantage", advantages)],
        )?;
        // L_pi = -mean exp(beta (min_i Q'_i(s, a) - V(s))) ln pi(a|s)
        weights.clear();
        weights.extend(q.iter().zip(value.predict(s)).map(|(q, v)| {
            exp_f64((config.beta * f64::from(q - v)).min(LN_WEIGHT_MAX)).min(config.weight_max) as f32
        }));
        let actor_loss = policy.imitate(rates.policy, s, a, weights)?;
        // L_Q = sum_i mean (r + gamma V(s') - Q_i(s, a))^2
        bellman_values(r, discounts, value.predict(s_next), y);
        let step = critics.regress(rates.critic, batch, y)?;
        Ok(Measurements::of(catalogue::CRITIC_LOSS, step.loss)
            .with(catalogue::ACTOR_LOSS, actor_loss)
            .with(catalogue::VALUE_LOSS, value_loss)
            .with(catalogue::Q_VALUES, step.mean_value)
            .with(catalogue::GRADIENT_NORM, step.gradient_norm))
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
        self.critics.updates()
    }

    fn lag(&self) -> Option<(u64, f64)> {
        self.critics.lag()
    }
}

/// The logarithm of the largest weight that is computed before it is cut.
const LN_WEIGHT_MAX: f64 = 80.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expectiles_by_hand() {
        let mut gradient = Vec::new();
        // 0.7 x 4 and 0.3 x 1, halved; the derivatives -0.7 x 2 x 2 / 2 and 0.3 x 2 x 1 / 2.
        assert!((expectile_loss(0.7, &[2.0, -1.0], &mut gradient) - 1.55).abs() < 1e-12);
        assert!(gradient.iter().zip([-1.4, 0.3]).all(|(d, e): (&f32, f32)| (d - e).abs() < 1e-6));
    }
}
