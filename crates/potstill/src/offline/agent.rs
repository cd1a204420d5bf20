//! The agent that learners from recorded transitions share: it keeps the data, draws minibatches, and scales
//! observations.
//!
//! A step is one update. Actions of a box are numbers from -1 to 1 inside, as for
//! [off-policy learners](crate::actor_critic::off_policy).
//!
//! ```
//! use potstill::agent::Agent;
//! use potstill::core::Streams;
//! use potstill::deep::TaskSpec;
//! use potstill::offline::{Cql, CqlSettings};
//!
//! let task = TaskSpec { data: Some(1000), ..TaskSpec::new(4, 2, 8000, Streams::new(1)) };
//! let mut agent = Cql::new(&CqlSettings::default(), &task)?;
//! // An update for each step, which none can be made of without data.
//! assert_eq!(agent.tick(), 1);
//! assert!(agent.update().is_err());
//! # Ok::<(), potstill::experience::ReplayError>(())
//! ```

use crate::actor_critic::off_policy::{Rates, check_bounds, from_units, to_units};
use crate::agent::{Agent, LearnError, Measurements, checked_rewards};
use crate::algorithm::{Learning, Task};
use crate::config::{ConfigError, Settings, other_defaults, refuse_batch_norm, settings};
use crate::deep::TaskSpec;
use crate::deep::task::{check_pass, size};
use crate::experience::{
    ActionShape, Batch, ElementOf, ReplayBuffer, ReplayConfig, ReplayError, Steps, StoredAction,
};
use crate::metrics::catalogue;
use crate::model::{ControlPolicy, Model};
use crate::optimizer::{OptimizerConfig, refuse_counts};
use crate::policy::Schedule;
use crate::targets::argmax;
use potstill_core::math::tanh;
use potstill_core::snapshot::Flat;
use potstill_core::{Pcg64, Restorable, snapshot};
use potstill_env::Space;
use potstill_env::wrappers::RunningMoments;
use potstill_nn::{Ends, Network, NetworkSpec};

settings! {
    /// The hyperparameters of learners from recorded transitions.
    pub struct OfflineConfig {
        /// Step size of the optimisers, a number or a schedule over updates. Source: the authors' code of TD3+BC, IQL
        learning_rate: Schedule = 3e-4, in NotNegative;
        /// Transitions per update. Source: the authors' code of TD3+BC, IQL, CQL
        batch_size: u64 = 256, in Batch;
        /// Discount. Source: the authors' code of TD3+BC, IQL, CQL
        gamma: f64 = 0.99, in Unit;
        /// Polyak coefficient of the target networks, which move after each update. Source: the authors' code of
        /// TD3+BC, IQL, CQL
        tau: f64 = 0.005, in PositiveUnit;
        /// Architecture of the networks. Source: the authors' code of TD3+BC, IQL
        net_arch: NetworkSpec = "mlp:256,256", in Any;
        /// Architecture of the critics' networks, if it is another
        critic_net_arch: Option<NetworkSpec> = None, in Any;
        /// Subtracts the mean of the recorded observations and divides by their standard deviation, which 0.001 is
        /// added to. The saved model has both in its first layer, and takes raw observations. Source: Fujimoto and Gu
        /// 2021, section 5
        normalize_observations: bool = false, in Any;
        /// Gigabytes of observations beyond which they are stored in a file (in TMPDIR, or /var/tmp). Source: what
        /// many machines have to spare
        memory_limit: f64 = 4.0, in NotNegative;
    }
}

other_defaults! {
    /// The keys of the optimisers and the initial weights, without a limit of the gradient's norm, as in the papers'
    /// code.
    OfflineOptimizer: OptimizerConfig = OptimizerConfig {
        max_grad_norm: f64::INFINITY,
        ..OptimizerConfig::default()
    }
}

/// The deviation that is added to that of each feature (Fujimoto and Gu 2021, section 5).
const DEVIATION: f64 = 1e-3;

/// The refusal to start from a model where observations are scaled by the data.
const SCALED_ALREADY: &str = "a model has its input scaling in its weights, and this run would scale again; give normalize_observations=false";

impl OfflineConfig {
    /// The architecture of the critics' networks.
    pub fn critic_arch(&self) -> &NetworkSpec {
        self.critic_net_arch.as_ref().unwrap_or(&self.net_arch)
    }

    fn data<A: OfflineActions + ?Sized>(&self, task: &TaskSpec) -> ReplayConfig {
        ReplayConfig {
            capacity: task.data.and_then(|count| usize::try_from(count).ok()).unwrap_or(1).max(1),
            copies: 1,
            features: task.inputs.count(),
            frames: task.frames,
            is_bytes: task.is_bytes,
            actions: A::shape(&task.action_space),
            n_step: 1,
            gamma: self.gamma,
            alpha: None,
            keep_terminal: false,
            is_data: true,
            memory_limit: (self.memory_limit * 1e9) as u64,
        }
    }

    /// Refuses settings that go neither together nor with the task.
    fn check<L: OfflineLearner>(
        &self,
        optimizer: &OptimizerConfig,
        rates: Rates<(&'static str, Schedule)>,
        task: &TaskSpec,
    ) -> Result<(), ConfigError> {
        let policy = Ends::new(task.inputs.count(), task.actions);
        let networks = [
            ("net_arch", &self.net_arch, policy, rates.policy),
            (self.critic_key(), self.critic_arch(), L::critic_ends(task), rates.critic),
        ];
        for (key, spec, ends, (of_rate, rate)) in &networks {
            if spec.noisy || spec.dueling {
                let reason =
                    format!("{spec}: noise on weights and dueling are for online learners of values");
                return Err(ConfigError::value(key, reason));
            }
            refuse_batch_norm(key, spec)?;
            refuse_counts(of_rate, *rate)?;
            optimizer.check((key, spec, ends), *rate)?;
            check_pass("batch_size", self.batch_size, (spec, ends, 1))?;
        }
        if self.normalize_observations && !self.net_arch.stages.is_empty() {
            let reason = "is for features; images are on one scale already".to_owned();
            return Err(ConfigError::value("normalize_observations", reason));
        }
        Ok(())
    }

    fn critic_key(&self) -> &'static str {
        if self.critic_net_arch.is_some() { "critic_net_arch" } else { "net_arch" }
    }
}

/// Actions that are learned offline: discrete ones, or those of a bounded box.
pub trait OfflineActions: StoredAction + std::fmt::Debug + 'static {
    /// The shape in which they are stored.
    fn shape(space: &Space) -> ActionShape;

    /// Replaces the content of `stored` by recorded actions as they are stored.
    fn encode(space: &Space, actions: &[ElementOf<Self>], stored: &mut Vec<ElementOf<Self>>);

    /// The greedy actions of a policy's outputs.
    fn greedy(space: &Space, outputs: &[f32], actions: &mut [ElementOf<Self>]);

    /// The model of a policy's network.
    fn model(policy: Network, space: &Space) -> Model;

    /// The network of a model of this kind of actions.
    fn network(model: &Model) -> Option<&Network>;
}

impl OfflineActions for usize {
    fn shape(space: &Space) -> ActionShape {
        ActionShape::Discrete { n: space.discrete().expect("discrete actions") }
    }

    fn encode(_: &Space, actions: &[usize], stored: &mut Vec<usize>) {
        stored.clear();
        stored.extend_from_slice(actions);
    }

    fn greedy(_: &Space, outputs: &[f32], actions: &mut [usize]) {
        let rows = outputs.chunks_exact(outputs.len() / actions.len());
        actions.iter_mut().zip(rows).for_each(|(action, row)| *action = argmax(row));
    }

    fn model(policy: Network, _: &Space) -> Model {
        Model::Network(policy)
    }

    fn network(model: &Model) -> Option<&Network> {
        match model {
            Model::Network(network) => Some(network),
            _ => None,
        }
    }
}

impl OfflineActions for [f32] {
    fn shape(space: &Space) -> ActionShape {
        ActionShape::Continuous { width: space.features() }
    }

    fn encode(space: &Space, actions: &[f32], stored: &mut Vec<f32>) {
        to_units(space, actions, stored);
    }

    fn greedy(space: &Space, outputs: &[f32], actions: &mut [f32]) {
        actions.iter_mut().zip(outputs).for_each(|(unit, &y)| *unit = tanh(y));
        from_units(space, actions);
    }

    fn model(policy: Network, space: &Space) -> Model {
        Model::Control(ControlPolicy::new(policy, space))
    }

    fn network(model: &Model) -> Option<&Network> {
        match model {
            Model::Control(policy) => Some(policy.network()),
            _ => None,
        }
    }
}

/// The part of an agent that is an algorithm's own: its networks and its update.
pub trait OfflineLearner: Restorable + std::fmt::Debug + Send + Sized + 'static {
    /// Its actions.
    type Actions: OfflineActions + ?Sized;
    /// Its settings, with those that all share.
    type Settings: Settings + Clone + Default;
    /// True if an update looks at the action that was taken after a transition.
    const NEEDS_NEXT_ACTIONS: bool = false;
    /// True if the outputs of its model are estimated returns, and not preferences among actions.
    const LEARNS_VALUES: bool = false;

    /// The settings that all share.
    fn shared(settings: &Self::Settings) -> &OfflineConfig;

    /// The keys of the optimisers.
    fn optimizer(settings: &Self::Settings) -> &OptimizerConfig;

    /// The step sizes of the policy and of the critics, with the keys that set them.
    fn learning_rates(settings: &Self::Settings) -> Rates<(&'static str, Schedule)> {
        let rate = ("learning_rate", Self::shared(settings).learning_rate);
        Rates { policy: rate, critic: rate }
    }

    /// The inputs and the outputs of a critic's network.
    fn critic_ends(task: &TaskSpec) -> Ends;

    /// A learner that has learned nothing.
    fn new(settings: &Self::Settings, task: &TaskSpec) -> Self;

    /// The update of a minibatch; actions of a box are from -1 to 1.
    ///
    /// # Errors
    /// If a loss or a gradient is not finite; that network is unchanged, and those that the update has not
    /// come to.
    fn learn(&mut self, batch: &Batch<Self::Actions>, rates: Rates) -> Result<Measurements, LearnError>;

    /// The outputs of the policy: the greedy action is the largest, or their hyperbolic tangent is the action.
    fn outputs(&mut self, observations: &[f32]) -> &[f32];

    /// A copy of the policy's network.
    fn policy(&self) -> Network;

    /// Takes over the parameters of a policy's network of the same form.
    fn copy_policy(&mut self, policy: &Network);

    /// Updates so far.
    fn updates(&self) -> u64;

    /// The age of the target networks, and their drift, if there are any.
    fn lag(&self) -> Option<(u64, f64)>;
}

/// An agent that learns from recorded transitions.
#[derive(Debug)]
pub struct Offline<L: OfflineLearner> {
    config: OfflineConfig,
    rates: Rates<Schedule>,
    learner: L,
    data: ReplayBuffer<L::Actions>,
    /// Mean and variance of the recorded observations, if they are scaled by them.
    moments: Option<RunningMoments>,
    space: Space,
    steps: u64,
    sampling: Pcg64,
    batch: Batch<L::Actions>,
    stored: Vec<ElementOf<L::Actions>>,
    /// Observations that are acted on, as they are seen.
    seen: Vec<f32>,
}

snapshot! {
    impl[L: OfflineLearner] Restorable for Offline<L> {
        saved: learner via Flat, data, steps, sampling;
        built: config, rates, moments, space, batch, stored, seen;
    }
}

impl<L: OfflineLearner> Offline<L> {
    /// The agent after all checks of its settings.
    ///
    /// # Errors
    /// If the settings go neither together nor with the task.
    pub(super) fn learning(
        settings: &L::Settings,
        task: &Task<'_>,
    ) -> Result<Learning<L::Actions>, ConfigError> {
        let config = L::shared(settings);
        if task.spec.action_space().discrete().is_none() {
            check_bounds(task)?;
        }
        let task = TaskSpec::of(task, &config.net_arch)?;
        config.check::<L>(L::optimizer(settings), L::learning_rates(settings), &task)?;
        let (bytes, in_file) = config.data::<L::Actions>(&task).memory();
        let place = if in_file { ", observations in a file" } else { "" };
        let count = task.data.unwrap_or_default();
        let about = format!("data: {count} transitions, {}{place}", size(bytes));
        let agent =
            Self::new(settings, &task).map_err(|error| ConfigError::value("data", error.to_string()))?;
        Ok(Learning { agent: Box::new(agent), copies: None, about: Some(about), warning: None })
    }

    /// An agent with these settings, for as many transitions as the task has.
    ///
    /// # Errors
    /// If there is not enough memory for the data.
    ///
    /// # Panics
    /// If the actions are of another kind than the task's, or a network does not fit.
    pub fn new(settings: &L::Settings, task: &TaskSpec) -> Result<Self, ReplayError> {
        let config = L::shared(settings);
        let Rates { policy, critic } = L::learning_rates(settings);
        let of_run = |(_, schedule): (&str, Schedule)| schedule.of_run(task.total_steps);
        Ok(Self {
            learner: L::new(settings, task),
            data: ReplayBuffer::new(config.data::<L::Actions>(task))?,
            moments: config.normalize_observations.then(|| RunningMoments::new(task.inputs.count())),
            space: task.action_space.clone(),
            steps: 0,
            sampling: task.streams.stream("replay"),
            batch: Batch::default(),
            stored: Vec::new(),
            seen: Vec::new(),
            rates: Rates { policy: of_run(policy), critic: of_run(critic) },
            config: config.clone(),
        })
    }

    /// The networks.
    pub fn learner(&self) -> &L {
        &self.learner
    }

    /// The step sizes after so many steps.
    fn rates(&self, steps: u64) -> Rates {
        Rates { policy: self.rates.policy.at(steps, 1), critic: self.rates.critic.at(steps, 1) }
    }
}

/// Subtracts the mean of each feature, and divides by its deviation.
fn scale(moments: &RunningMoments, observations: &mut [f32]) {
    let (mean, variance) = (moments.mean(), moments.variance());
    for observation in observations.chunks_exact_mut(mean.len()) {
        for ((x, mean), variance) in observation.iter_mut().zip(mean).zip(variance) {
            *x = ((f64::from(*x) - mean) / (variance.sqrt() + DEVIATION)) as f32;
        }
    }
}

impl<L: OfflineLearner> Agent for Offline<L> {
    type Observation = [f32];
    type Action = L::Actions;

    /// Acts greedily.
    fn act(&mut self, observations: &[f32], actions: &mut [ElementOf<L::Actions>]) {
        self.seen.clear();
        self.seen.extend_from_slice(observations);
        if let Some(moments) = &self.moments {
            scale(moments, &mut self.seen);
        }
        L::Actions::greedy(&self.space, self.learner.outputs(&self.seen), actions);
    }

    fn observe(&mut self, steps: &Steps<'_, [f32], L::Actions>) -> Result<u64, LearnError> {
        self.store(steps)?;
        Ok(self.tick())
    }

    fn store(&mut self, steps: &Steps<'_, [f32], L::Actions>) -> Result<(), LearnError> {
        checked_rewards(steps.rewards)?;
        if let Some(moments) = &mut self.moments {
            moments.observe(steps.observations);
        }
        L::Actions::encode(&self.space, steps.actions, &mut self.stored);
        self.data.push(&Steps { actions: &self.stored, ..*steps });
        Ok(())
    }

    fn tick(&mut self) -> u64 {
        self.steps += 1;
        1
    }

    fn update(&mut self) -> Result<Measurements, LearnError> {
        if self.data.is_empty() {
            return Err(LearnError::NothingObserved);
        }
        self.data.sample(self.config.batch_size as usize, &mut self.sampling, &mut self.batch);
        if L::NEEDS_NEXT_ACTIONS {
            self.data.add_next_actions(&mut self.batch);
        }
        if let Some(moments) = &self.moments {
            scale(moments, &mut self.batch.observations);
            scale(moments, &mut self.batch.next_observations);
        }
        let rates = self.rates(self.steps.saturating_sub(1));
        self.learner.learn(&self.batch, rates)
    }

    fn model(&self) -> Model {
        let mut policy = self.learner.policy();
        if let Some(moments) = &self.moments {
            let deviations: Vec<f64> = moments.variance().iter().map(|v| v.sqrt() + DEVIATION).collect();
            policy.fold_input_scaling(moments.mean(), &deviations);
        }
        L::Actions::model(policy, &self.space)
    }

    fn start_from(&mut self, model: &Model) -> Result<(), String> {
        if self.moments.is_some() {
            return Err(SCALED_ALREADY.to_owned());
        }
        let own = self.model();
        let same = |network: &Network| (network.spec().clone(), *network.ends());
        match (L::Actions::network(model), L::Actions::network(&own)) {
            (Some(theirs), Some(ours)) if same(theirs) == same(ours) => {
                self.learner.copy_policy(theirs);
                Ok(())
            }
            _ => Err(model.misfit(&own)),
        }
    }

    fn learns_values(&self) -> bool {
        L::LEARNS_VALUES
    }

    fn diagnostics(&self) -> Measurements {
        let measured = Measurements::of(catalogue::LEARNING_RATE, self.rates(self.steps).policy)
            .with(catalogue::N_UPDATES, self.learner.updates() as f64);
        match self.learner.lag() {
            Some((age, drift)) => measured
                .with(catalogue::TEACHER_STALENESS, age as f64)
                .with(catalogue::TEACHER_DISTANCE, drift),
            None => measured,
        }
    }
}
