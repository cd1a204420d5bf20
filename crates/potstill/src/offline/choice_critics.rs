//! Critics of discrete actions, which give the values of all of them at once, with their target networks.

use super::agent::OfflineConfig;
use super::learned::Learned;
use crate::actor_critic::critics::{CriticStep, Critics};
use crate::agent::LearnError;
use crate::deep::TaskSpec;
use crate::experience::{Batch, StoredAction};
use crate::optimizer::OptimizerConfig;
use crate::teacher::Teacher;
use potstill_core::{Pcg64, Restorable, snapshot};
use potstill_nn::Ends;
use potstill_nn::loss::{Chosen, Regression, regression_at};

/// Two critics of recorded actions, and their target networks.
pub trait TwinCritics: Restorable + Clone + std::fmt::Debug + Send + 'static {
    /// The actions that they value.
    type Actions: StoredAction + ?Sized;

    /// Critics with different weights.
    fn twins(config: &OfflineConfig, optimizer: &OptimizerConfig, task: &TaskSpec, rng: &mut Pcg64) -> Self;

    /// The inputs and the outputs of one.
    fn ends(task: &TaskSpec) -> Ends;

    /// The least of the target networks' values of the recorded actions of a batch.
    fn least(&mut self, batch: &Batch<Self::Actions>) -> &[f32];

    /// A gradient step of both along `sum_i mean (Q_i(s, a) - y)^2`, after which the target networks move.
    ///
    /// # Errors
    /// If a loss or a gradient is not finite. That critic is unchanged, and the target networks.
    fn regress(
        &mut self,
        learning_rate: f64,
        batch: &Batch<Self::Actions>,
        y: &[f32],
    ) -> Result<TwinStep, LearnError>;

    /// Updates so far.
    fn updates(&self) -> u64;

    /// The age of the target networks, and their drift.
    fn lag(&self) -> Option<(u64, f64)>;
}

/// The measurements of a gradient step of both critics.
#[derive(Clone, Copy, Debug)]
pub struct TwinStep {
    /// The sum of the losses.
    pub loss: f64,
    /// The mean of the first critic's values of recorded actions, before the step.
    pub mean_value: f64,
    /// The norm of the gradient.
    pub gradient_norm: f64,
}

impl TwinCritics for Critics<2> {
    type Actions = [f32];

    fn twins(config: &OfflineConfig, optimizer: &OptimizerConfig, task: &TaskSpec, rng: &mut Pcg64) -> Self {
        Critics::new(config.critic_arch(), optimizer, Some((1, config.tau)), task, rng)
    }

    fn ends(task: &TaskSpec) -> Ends {
        crate::actor_critic::critics::critic_ends(task)
    }

    fn least(&mut self, batch: &Batch<[f32]>) -> &[f32] {
        self.target_values(&batch.observations, &batch.actions)
    }

    fn regress(
        &mut self,
        learning_rate: f64,
        batch: &Batch<[f32]>,
        y: &[f32],
    ) -> Result<TwinStep, LearnError> {
        let CriticStep { loss, mean_value, gradient_norm } = self.step(learning_rate, batch, y, 1.0)?;
        self.tick();
        Ok(TwinStep { loss, mean_value, gradient_norm })
    }

    fn updates(&self) -> u64 {
        Critics::updates(self)
    }

    fn lag(&self) -> Option<(u64, f64)> {
        Critics::lag(self)
    }
}

/// Two critics `Q_i(s, .)` of all discrete actions.
#[derive(Clone, Debug)]
pub struct ChoiceCritics {
    critics: [ChoiceCritic; 2],
    least: Vec<f32>,
}

/// A critic of all discrete actions, and its target network.
#[derive(Clone, Debug)]
pub(super) struct ChoiceCritic {
    values: Learned,
    target: Teacher,
    errors: Vec<f32>,
    d_values: Vec<f32>,
}

snapshot! {
    impl Restorable for ChoiceCritic {
        saved: values, target;
        built: errors, d_values;
    }
}

snapshot! {
    impl Restorable for ChoiceCritics {
        saved: critics as "critic";
        built: least;
    }
}

impl ChoiceCritic {
    /// A critic whose target network moves by `tau` after every so many [ticks](Self::tick).
    pub(super) fn new(
        config: &OfflineConfig,
        optimizer: &OptimizerConfig,
        (every, tau): (u64, f64),
        task: &TaskSpec,
        rng: &mut Pcg64,
    ) -> Self {
        let values = Learned::new(config.critic_arch(), &choice_ends(task), optimizer, task, rng);
        let target = Teacher::target_network(values.network(), every, tau as f32);
        let target = target.with_workers(task.workers.clone());
        Self { values, target, errors: Vec::new(), d_values: Vec::new() }
    }

    pub(super) fn values(&mut self) -> &mut Learned {
        &mut self.values
    }

    pub(super) fn network(&self) -> &potstill_nn::Network {
        self.values.network()
    }

    /// Takes over the parameters of a network of this form, in the target network too.
    pub(super) fn copy_from(&mut self, network: &potstill_nn::Network) {
        self.values.network_mut().copy_from(network);
        self.target.copy_from(network);
    }

    /// `Q'(s, .)`, `samples x actions`.
    pub(super) fn target_values(&mut self, observations: &[f32]) -> &[f32] {
        self.target.outputs(observations)
    }

    /// A gradient step along the mean loss of `Q(s, a) - y`, beside what `penalty` adds: a loss of all
    /// values `Q(s, .)`, whose gradient it adds to theirs.
    ///
    /// # Errors
    /// If the loss or the gradient is not finite. The critic is unchanged.
    pub(super) fn step(
        &mut self,
        learning_rate: f64,
        batch: &Batch,
        (regression, y): (Regression, &[f32]),
        penalty: impl FnOnce(&[f32], &mut [f32]) -> f64,
    ) -> Result<TwinStep, LearnError> {
        let Self { values, target, errors, d_values } = self;
        let q = values.forward(&batch.observations);
        errors.resize(y.len(), 0.0);
        d_values.resize(q.len(), 0.0);
        let chosen = Chosen { indices: &batch.actions, weights: &[] };
        let loss = f64::from(regression_at(regression, q, chosen, y, errors, d_values));
        let loss = loss + penalty(q, d_values);
        let rows = q.chunks_exact(q.len() / y.len());
        let of_chosen = rows.zip(&batch.actions).map(|(row, &action)| f64::from(row[action]));
        let mean_value = of_chosen.sum::<f64>() / y.len() as f64;
        let seen: [(&str, &[f32]); 5] = [
            ("observation", &batch.observations),
            ("reward", &batch.returns),
            ("next observation", &batch.next_observations),
            ("target network's parameter", target.network().parameters()),
            ("target", y),
        ];
        values.step(learning_rate, &**d_values, loss, &seen)?;
        Ok(TwinStep { loss, mean_value, gradient_norm: values.gradient_norm() })
    }

    /// Moves the target network.
    pub(super) fn tick(&mut self) {
        self.target.tick(1, self.values.network());
    }

    pub(super) fn updates(&self) -> u64 {
        self.values.updates()
    }

    /// The age of the target network, and its drift.
    pub(super) fn lag(&self) -> (u64, f64) {
        (self.target.age(), self.target.drift(self.values.network()).unwrap_or_default())
    }
}

/// The inputs of a critic, and a value for each action.
pub(super) fn choice_ends(task: &TaskSpec) -> Ends {
    Ends::new(task.inputs, task.actions)
}

impl TwinCritics for ChoiceCritics {
    type Actions = usize;

    fn twins(config: &OfflineConfig, optimizer: &OptimizerConfig, task: &TaskSpec, rng: &mut Pcg64) -> Self {
        let critics = [(); 2].map(|()| ChoiceCritic::new(config, optimizer, (1, config.tau), task, rng));
        Self { critics, least: Vec::new() }
    }

    fn ends(task: &TaskSpec) -> Ends {
        choice_ends(task)
    }

    fn least(&mut self, batch: &Batch) -> &[f32] {
        let Self { critics, least } = self;
        least.clear();
        least.resize(batch.actions.len(), f32::INFINITY);
        for critic in critics {
            let values = critic.target_values(&batch.observations);
            let rows = values.chunks_exact(values.len() / batch.actions.len());
            for ((least, row), &action) in least.iter_mut().zip(rows).zip(&batch.actions) {
                // NaN is kept, and refused where it is learned from.
                if row[action] < *least || row[action].is_nan() {
                    *least = row[action];
                }
            }
        }
        least
    }

    fn regress(&mut self, learning_rate: f64, batch: &Batch, y: &[f32]) -> Result<TwinStep, LearnError> {
        let [first, second] = &mut self.critics;
        let one = first.step(learning_rate, batch, (Regression::SquaredError, y), |_, _| 0.0)?;
        let two = second.step(learning_rate, batch, (Regression::SquaredError, y), |_, _| 0.0)?;
        first.tick();
        second.tick();
        let gradient_norm = one.gradient_norm.hypot(two.gradient_norm);
        Ok(TwinStep { loss: one.loss + two.loss, mean_value: one.mean_value, gradient_norm })
    }

    fn updates(&self) -> u64 {
        self.critics[0].updates()
    }

    fn lag(&self) -> Option<(u64, f64)> {
        let [(age, one), (_, two)] = self.critics.each_ref().map(ChoiceCritic::lag);
        Some((age, one.max(two)))
    }
}
