//! Learned models: a table of action values, a linear model or a network, the actors made of them, and the episodes that they
//! play.
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::env::registry::find;
//! use potstill::model::{QTable, TableActor, play};
//! use potstill::policy::Policy;
//!
//! // A table that prefers action 0, up, everywhere: the episode is truncated.
//! let table = QTable::from_values(4, [0.0, -1.0, -1.0, -1.0].repeat(48));
//! let mut env = find("CliffWalking-v1").unwrap().make_states().unwrap();
//! let mut actor = TableActor::new(&table, Policy::Greedy);
//! let episode = play(&mut env, &mut actor, 0, &mut Streams::new(0).stream("actor"))?;
//! assert_eq!(episode.trajectory.steps(), 1000);
//! # Ok::<(), potstill::env::EnvError>(())
//! ```

mod actor;
mod control;
mod linear;
mod predictor;
mod table;
pub mod text_bag;
pub mod tree;

pub use actor::Actor;
pub use control::{Bound, ControlActor, ControlPolicy};
pub(crate) use control::{from_unit, to_unit};
pub use linear::{LinearActor, LinearModel};
pub use predictor::Predictor;
pub use table::QTable;
pub use text_bag::TextBag;
pub use tree::{DecisionTree, TreeNode};

use crate::experience::{Ending, Episode, Trajectory};
use crate::policy::Policy;
use potstill_core::{Pcg64, Restorable, Snapshot, SnapshotError};
use potstill_env::{BoxEnv, Env, EnvError, Row, Space};
use potstill_nn::{Network, Workspace};
use std::borrow::{Borrow, BorrowMut};
use std::ops::ControlFlow;

/// Steps after which an episode without a time limit is truncated: in discrete states a greedy policy may
/// walk in a circle, whereas games are long and terminate.
pub fn longest_episode(observations: &Space) -> usize {
    if observations.discrete().is_some() { 1000 } else { 10_000 }
}

/// A learned model, independent of its algorithm.
#[derive(Clone, Debug, PartialEq)]
pub enum Model {
    /// One value per state and action.
    Table(QTable),
    /// One weight per action and tile.
    Linear(LinearModel),
    /// A network: action values of a vector of features, or logits of an input.
    Network(Network),
    /// A deterministic policy for a box of actions.
    Control(ControlPolicy),
    /// A network that predicts a class or a number from the rows of a data frame.
    Predictor(Predictor),
}

impl Model {
    /// The number of parameters.
    pub fn parameters(&self) -> usize {
        match self {
            Model::Table(table) => table.values().len(),
            Model::Linear(linear) => linear.weights().len(),
            Model::Network(network) => network.parameters().len(),
            Model::Control(policy) => policy.network().parameters().len(),
            Model::Predictor(predictor) => predictor.parameters(),
        }
    }

    /// Returns true if all parameters are finite.
    pub fn is_finite(&self) -> bool {
        match self {
            Model::Table(table) => table.values().iter().all(|v| v.is_finite()),
            Model::Linear(linear) => linear.weights().iter().all(|w| w.is_finite()),
            Model::Network(network) => learned(network).all(|v| v.is_finite()),
            Model::Control(policy) => learned(policy.network()).all(|v| v.is_finite()),
            Model::Predictor(predictor) => predictor.is_finite(),
        }
    }

    /// The kind and the shape in words.
    pub fn shape(&self) -> String {
        match self {
            Model::Table(table) if table.actions() == 1 => {
                format!("a table of {} state values", table.states())
            }
            Model::Table(table) => {
                format!("a table of {} states x {} actions", table.states(), table.actions())
            }
            Model::Linear(linear) => {
                format!("weights of {} tiles x {} actions", linear.coder().features(), linear.actions())
            }
            Model::Network(network) => network_shape(network),
            Model::Predictor(predictor) => predictor_shape(predictor),
            Model::Control(policy) => {
                let bound = match policy.bound() {
                    Bound::Squashed => "squashed",
                    Bound::Clipped => "clipped",
                };
                format!(
                    "a policy for a box of {} actions, {}, {bound} into the box",
                    policy.low().len(),
                    network_shape(policy.network())
                )
            }
        }
    }

    /// Copies the values of a table into another of the same shape.
    ///
    /// # Errors
    /// If the model is no such table; the reason has both shapes.
    pub(crate) fn copy_to_table(&self, table: &mut QTable) -> Result<(), String> {
        match self {
            Model::Table(own) if (own.states(), own.actions()) == (table.states(), table.actions()) => {
                table.copy_values(own);
                Ok(())
            }
            _ => Err(misfit(self, &Model::Table(table.clone()).shape())),
        }
    }

    /// Copies the weights of a linear model into another over the same tiles.
    ///
    /// # Errors
    /// If the model is no such one; the reason has both shapes.
    pub(crate) fn copy_to_linear(&self, linear: &mut LinearModel) -> Result<(), String> {
        match self {
            Model::Linear(own) if (own.coder(), own.actions()) == (linear.coder(), linear.actions()) => {
                linear.weights_mut().copy_from_slice(own.weights());
                Ok(())
            }
            _ => Err(misfit(self, &Model::Linear(linear.clone()).shape())),
        }
    }

    /// Copies the parameters of a network into another of the same architecture.
    ///
    /// # Errors
    /// If the model is no such network; the reason has both architectures.
    pub(crate) fn copy_to_network(&self, network: &mut Network) -> Result<(), String> {
        match self.network().filter(|_| self.bag().is_none()) {
            Some(own) if (own.spec(), own.ends()) == (network.spec(), network.ends()) => {
                network.copy_from(own);
                Ok(())
            }
            _ => Err(misfit(self, &network_shape(network))),
        }
    }

    /// Copies the parameters of a bag of n-grams and the network behind it into others of the same form.
    ///
    /// # Errors
    /// If the model is no such predictor; the reason has both forms.
    pub(crate) fn copy_to_texts(&self, bag: &mut TextBag, network: &mut Network) -> Result<(), String> {
        let same = |own: &&TextBag| own.spec() == bag.spec() && own.table().width() == bag.table().width();
        match (self.bag().filter(same), self.network()) {
            (Some(own), Some(behind))
                if (behind.spec(), behind.ends()) == (network.spec(), network.ends()) =>
            {
                bag.table_mut().parameters_mut().copy_from_slice(own.table().parameters());
                network.copy_from(behind);
                Ok(())
            }
            _ => Err(misfit(self, &format!("a bag of n-grams before {}", network_shape(network)))),
        }
    }

    /// The bag of n-grams before a predictor's network.
    fn bag(&self) -> Option<&TextBag> {
        match self {
            Model::Predictor(predictor) => predictor.bag(),
            _ => None,
        }
    }

    /// The network of action values, of logits, or of a predictor.
    pub fn network(&self) -> Option<&Network> {
        match self {
            Model::Network(network) => Some(network),
            Model::Predictor(predictor) => predictor.network(),
            Model::Table(_) | Model::Linear(_) | Model::Control(_) => None,
        }
    }

    /// The network of a policy, for discrete actions or for those of a box.
    pub fn policy_network(&self) -> Option<&Network> {
        match self {
            Model::Network(network) => Some(network),
            Model::Control(policy) => Some(policy.network()),
            Model::Predictor(_) | Model::Table(_) | Model::Linear(_) => None,
        }
    }
}

/// All numbers that a network has learned.
fn learned(network: &Network) -> impl Iterator<Item = &f32> {
    network.parameters().iter().chain(network.statistics())
}

/// The reason for which a model cannot be taken over, with both shapes.
fn misfit(model: &Model, own: &str) -> String {
    format!("it has learned {}; this run learns {own}", model.shape())
}

impl Model {
    /// The reason for which it cannot be taken over by a learner of `own`.
    pub(crate) fn misfit(&self, own: &Model) -> String {
        misfit(self, &own.shape())
    }
}

fn predictor_shape(predictor: &Predictor) -> String {
    match (predictor.network(), predictor.tree()) {
        (Some(network), _) => match predictor.spec().filter(|spec| spec.bag.is_some()) {
            Some(spec) => format!("a network {spec} of texts and {} outputs", network.outputs()),
            None => network_shape(network),
        },
        (None, tree) => {
            let leaves = tree.map_or(0, DecisionTree::leaves);
            format!("a tree of {leaves} leaves over {} inputs", predictor.input_count())
        }
    }
}

fn network_shape(network: &Network) -> String {
    let (spec, inputs, outputs) = (network.spec(), network.inputs(), network.outputs());
    format!("a network {spec} of {inputs} inputs and {outputs} outputs")
}

impl Restorable for Model {
    fn snapshot(&self) -> Snapshot {
        match self {
            Model::Table(table) => table.snapshot(),
            Model::Linear(linear) => linear.snapshot(),
            Model::Network(network) => network.snapshot(),
            Model::Control(policy) => policy.snapshot(),
            Model::Predictor(predictor) => predictor.snapshot(),
        }
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        match self {
            Model::Table(table) => table.restore(snapshot),
            Model::Linear(linear) => linear.restore(snapshot),
            Model::Network(network) => network.restore(snapshot),
            Model::Control(policy) => policy.restore(snapshot),
            Model::Predictor(predictor) => predictor.restore(snapshot),
        }
    }
}

/// A policy over the values of a table.
#[derive(Clone, Copy, Debug)]
pub struct TableActor<'a> {
    table: &'a QTable,
    policy: Policy,
}

impl<'a> TableActor<'a> {
    /// `policy` over the values of `table`.
    pub fn new(table: &'a QTable, policy: Policy) -> Self {
        Self { table, policy }
    }
}

impl Actor<usize> for TableActor<'_> {
    fn act(&mut self, &state: &usize, action: &mut usize, rng: &mut Pcg64) {
        *action = self.policy.sample(self.table.row(state), rng);
    }
}

/// A policy over the outputs of a network.
#[derive(Clone, Debug)]
pub struct NetworkActor<'a> {
    network: &'a Network,
    policy: Policy,
    workspace: Workspace,
    values: Vec<f32>,
}

impl<'a> NetworkActor<'a> {
    /// `policy` over the outputs of `network`.
    pub fn new(network: &'a Network, policy: Policy) -> Self {
        Self { network, policy, workspace: Workspace::default(), values: Vec::new() }
    }
}

impl Actor<[f32]> for NetworkActor<'_> {
    fn act(&mut self, observation: &[f32], action: &mut usize, rng: &mut Pcg64) {
        let outputs = self.network.predict(observation, &mut self.workspace);
        self.network.means(1, outputs, &mut self.values);
        *action = self.policy.sample(&self.values, rng);
    }
}

/// A policy over a model of any kind.
#[derive(Clone, Debug)]
pub enum ModelActor<'a> {
    /// A policy over a table.
    Table(TableActor<'a>),
    /// A policy over a linear model.
    Linear(LinearActor<'a>),
    /// A policy over a network.
    Network(NetworkActor<'a>),
    /// A policy for a box of actions.
    Control(ControlActor<'a>),
}

impl<'a> ModelActor<'a> {
    /// The greedy policy of a model.
    pub fn greedy(model: &'a Model) -> Self {
        Self::new(model, Policy::Greedy)
    }

    /// A policy over the values of a model; a [`Model::Control`] ignores it and acts by itself.
    ///
    /// # Panics
    /// If the model is a decision tree, which is no policy.
    pub fn new(model: &'a Model, policy: Policy) -> Self {
        match model {
            Model::Table(table) => Self::Table(TableActor::new(table, policy)),
            Model::Linear(linear) => Self::Linear(LinearActor::new(linear, policy)),
            Model::Network(network) => Self::Network(NetworkActor::new(network, policy)),
            Model::Predictor(predictor) => {
                let network = predictor.network().expect("a tree is no policy");
                Self::Network(NetworkActor::new(network, policy))
            }
            Model::Control(control) => Self::Control(ControlActor::new(control)),
        }
    }
}

impl Actor<usize> for ModelActor<'_> {
    /// # Panics
    /// If the model is not a table.
    fn act(&mut self, state: &usize, action: &mut usize, rng: &mut Pcg64) {
        let Self::Table(actor) = self else { panic!("only a table acts on discrete states") };
        actor.act(state, action, rng);
    }
}

impl Actor<[f32]> for ModelActor<'_> {
    /// # Panics
    /// If the model is not one of action values for features.
    fn act(&mut self, observation: &[f32], action: &mut usize, rng: &mut Pcg64) {
        match self {
            Self::Network(actor) => actor.act(observation, action, rng),
            Self::Linear(actor) => actor.act(observation, action, rng),
            Self::Table(_) | Self::Control(_) => panic!("only linear models and networks act on features"),
        }
    }
}

impl Actor<[f32], [f32]> for ModelActor<'_> {
    /// # Panics
    /// If the model is not a policy for a box of actions.
    fn act(&mut self, observation: &[f32], action: &mut [f32], rng: &mut Pcg64) {
        let Self::Control(actor) = self else { panic!("only a control policy acts in a box") };
        actor.act(observation, action, rng);
    }
}

/// The return and length of an episode.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Played {
    /// The undiscounted return.
    pub episode_return: f64,
    /// Its length.
    pub steps: u64,
    /// The reason of its end.
    pub ending: Ending,
}

/// Plays one episode from a seed, truncated after the [longest](longest_episode) length. Calls `seen` with
/// the first observation (with neither action nor reward) and with each step; `None` if it breaks.
///
/// # Errors
/// If the environment refuses a step.
fn play_watched<O: Row + ?Sized, A: Row + ?Sized>(
    env: &mut BoxEnv<O, A>,
    actor: &mut impl Actor<O, A>,
    seed: u64,
    rng: &mut Pcg64,
    mut seen: impl FnMut(Option<(&A::Owned, f64)>, &O::Owned) -> ControlFlow<()>,
) -> Result<Option<Played>, EnvError> {
    let space = env.observation_space();
    let longest = longest_episode(&space) as u64;
    let (mut observation, mut action) = (O::buffer(&space), A::buffer(&env.action_space()));
    env.reset(Some(seed), observation.borrow_mut());
    if seen(None, &observation).is_break() {
        return Ok(None);
    }
    let (mut rewards, mut steps) = (Vec::new(), 0);
    loop {
        actor.act(observation.borrow(), action.borrow_mut(), rng);
        let outcome = env.step(action.borrow(), observation.borrow_mut())?;
        let raw_reward = env.raw_reward().unwrap_or(outcome.reward);
        if !(raw_reward.is_finite() && Row::is_finite(observation.borrow())) {
            let (action, seen) = (A::text(action.borrow()), O::text(observation.borrow()));
            let reason =
                format!("after action {action} it gave the reward {raw_reward} and the observation {seen}");
            return Err(EnvError::Failed { reason });
        }
        if seen(Some((&action, outcome.reward)), &observation).is_break() {
            return Ok(None);
        }
        rewards.push(raw_reward);
        steps += 1;
        let cut = steps == longest;
        if let Some(ending) = Ending::of(outcome).or(cut.then_some(Ending::Truncated)) {
            // From the last to the first, the order of the recursive definition.
            let episode_return = rewards.iter().rev().fold(0.0, |after, reward| reward + after);
            return Ok(Some(Played { episode_return, steps, ending }));
        }
    }
}

/// Plays one episode from a seed, truncated after the [longest](longest_episode) length, and returns only its return and length.
///
/// # Errors
/// If the environment refuses a step.
pub fn play_out<O: Row + ?Sized, A: Row + ?Sized>(
    env: &mut BoxEnv<O, A>,
    actor: &mut impl Actor<O, A>,
    seed: u64,
    rng: &mut Pcg64,
) -> Result<Played, EnvError> {
    let played = play_watched(env, actor, seed, rng, |_, _| ControlFlow::Continue(()))?;
    Ok(played.expect("nothing stops it"))
}

/// Steps of an episode between two looks at the stop request.
const LOOK_STEPS: u64 = 64;

/// The same as [`play_out`]; `None` if it was stopped before the end of the episode.
pub(crate) fn play_out_unless<O: Row + ?Sized, A: Row + ?Sized>(
    stop: &(dyn Fn() -> bool + Sync),
    env: &mut BoxEnv<O, A>,
    actor: &mut impl Actor<O, A>,
    seed: u64,
    rng: &mut Pcg64,
) -> Result<Option<Played>, EnvError> {
    let mut steps = 0_u64;
    play_watched(env, actor, seed, rng, |_, _| {
        steps += 1;
        let stops = steps.is_multiple_of(LOOK_STEPS) && stop();
        if stops { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
}

/// Plays one episode from a seed, truncated after the [longest](longest_episode) length.
///
/// # Errors
/// If the environment refuses a step.
pub fn play<O: Row + ?Sized, A: Row + ?Sized>(
    env: &mut BoxEnv<O, A>,
    actor: &mut impl Actor<O, A>,
    seed: u64,
    rng: &mut Pcg64,
) -> Result<Episode<O, A>, EnvError> {
    Ok(play_unless(&|| false, env, actor, seed, rng)?.expect("nothing stops it"))
}

/// The same as [`play`]; `None` if it was stopped before the end of the episode.
pub(crate) fn play_unless<O: Row + ?Sized, A: Row + ?Sized>(
    stop: &(dyn Fn() -> bool + Sync),
    env: &mut BoxEnv<O, A>,
    actor: &mut impl Actor<O, A>,
    seed: u64,
    rng: &mut Pcg64,
) -> Result<Option<Episode<O, A>>, EnvError> {
    let mut trajectory: Option<Trajectory<O, A>> = None;
    let played = play_watched(env, actor, seed, rng, |step, observation| {
        match (step, &mut trajectory) {
            (Some((action, reward)), Some(trajectory)) => {
                trajectory.push(action.clone(), reward, observation.clone());
                if (trajectory.steps() as u64).is_multiple_of(LOOK_STEPS) && stop() {
                    return ControlFlow::Break(());
                }
            }
            _ => trajectory = Some(Trajectory::starting_at(observation.clone())),
        }
        ControlFlow::Continue(())
    })?;
    Ok(played.map(|played| {
        let trajectory = trajectory.expect("an episode has a first observation");
        Episode { trajectory, ending: played.ending }
    }))
}
