//! Actors: the stepping of a run's copies of its environment in other processes, and the messages between them and the
//! learner.
//!
//! An order goes to each actor: the state of its copies and the policy to act by. Its answer has the steps that it has taken, and
//! the state after them. An actor keeps nothing that its next order does not say, so that one that was lost is replaced by sending
//! its order to another.

use crate::agent::Agent;
use crate::experience::ElementOf;
use crate::model::Model;
use crate::policy::Policy;
use potstill_core::{Pcg64, Restorable, Snapshot, SnapshotError, Streams, Value};
use potstill_env::registry::BoxVecEnv;
use potstill_env::space::Element;
use potstill_env::vector::VecSteps;
use potstill_nn::{Network, Workspace};

/// The actors of a run, as its learner reaches them. Errors are reasons, for the user.
pub trait Actors: Send {
    /// Starts the actors of a run with this `config.toml` in so many copies of its environment. Returns the number of copies of each;
    /// they have the copies in this order.
    ///
    /// # Errors
    /// If they do not start.
    fn start(&mut self, config: &str, copies: usize) -> Result<Vec<usize>, String>;

    /// Sends each actor its order.
    ///
    /// # Errors
    /// If they cannot be reached.
    fn order(&mut self, orders: Vec<Snapshot>) -> Result<(), String>;

    /// The answers, in the order of the actors; `None` if they are not all there within a tenth of a second or so.
    ///
    /// # Errors
    /// If an actor fails.
    fn answers(&mut self) -> Result<Option<Vec<Snapshot>>, String>;

    /// Steps of each copy that are played ahead, by the model before the steps that are learned from meanwhile. `None` for rounds
    /// that are part of the training as if all was done in one process.
    fn ahead(&self) -> Option<u64>;
}

/// An actor, as its process reaches it.
pub trait Play: Send {
    /// Carries out an order, and returns the answer.
    ///
    /// # Errors
    /// If the order is none for this run, or the environment fails; the reason, for the user.
    fn play(&mut self, order: &Snapshot) -> Result<Snapshot, String>;
}

/// The policy of an order.
pub(super) enum ActBy<'a> {
    /// The learner, for the next steps, in which it is fixed.
    Learner(Snapshot),
    /// The action values of a model, with this exploration rate.
    Values(&'a Network, f64),
}

/// The names of the values in orders and answers.
const STEPS: &str = "steps";
const PART: &str = "part";
const ENVS: &str = "envs";
const EXPLORATION: &str = "exploration";
const LEARNER: &str = "learner";
const NETWORK: &str = "network";
const EPSILON: &str = "epsilon";

/// The state of an actor's part before its first order: of its copies, and of its stream if it acts by values.
pub(super) fn first_part(envs: Snapshot, exploration: Option<&Pcg64>) -> Snapshot {
    let part = Snapshot::new().with(ENVS, Value::Tree(envs));
    match exploration {
        Some(rng) => part.with_part(EXPLORATION, rng),
        None => part,
    }
}

/// The state of the copies of a part.
pub(super) fn envs_of(part: &Snapshot) -> Result<&Snapshot, SnapshotError> {
    part.tree(ENVS)
}

/// The order to take so many steps of a part.
pub(super) fn order(steps: u64, part: &Snapshot, by: &ActBy<'_>) -> Snapshot {
    let order = Snapshot::new().with(STEPS, Value::U64(steps)).with(PART, Value::Tree(part.clone()));
    match by {
        ActBy::Learner(learner) => order.with(LEARNER, Value::Tree(learner.clone())),
        ActBy::Values(network, epsilon) => {
            order.with_part(NETWORK, *network).with(EPSILON, Value::F64(*epsilon))
        }
    }
}

/// The steps in an answer, and the part after them.
pub(super) fn answer<T: Element, E: Element>(
    answer: &Snapshot,
    shape: (usize, usize, usize),
) -> Result<(VecSteps<T, E>, Snapshot), SnapshotError> {
    Ok((VecSteps::read(answer.tree(STEPS)?, shape)?, answer.tree(PART)?.clone()))
}

/// Some copies of the environment of a run, with a learner of its settings that acts in all of them.
pub struct Player<A: Agent, T = f32> {
    agent: A,
    envs: BoxVecEnv<T, A::Action>,
    /// The index of its first copy in the run.
    first: usize,
    /// The observations of all copies of the run, of which those elsewhere are 0.
    observations: Vec<f32>,
    actions: Vec<ElementOf<A::Action>>,
    /// The part after the last answer.
    part: Option<Snapshot>,
    exploration: Pcg64,
    workspace: Workspace,
    values: Vec<f32>,
}

impl<A: Agent<Observation = [f32]>, T: Element + Into<f32>> Player<A, T> {
    /// The copies from `first` on of a run with so many copies.
    pub fn new(agent: A, envs: BoxVecEnv<T, A::Action>, first: usize, copies: usize) -> Self {
        let features = envs.batch().features();
        let width = envs.single_action_space().features();
        Self {
            agent,
            first,
            observations: vec![0.0; copies * features],
            actions: vec![ElementOf::<A::Action>::default(); copies * width],
            part: None,
            exploration: Streams::new(0).stream(EXPLORATION),
            workspace: Workspace::default(),
            values: Vec::new(),
            envs,
        }
    }

    /// Puts the part into the state of an order, if it is not.
    fn restore(&mut self, part: &Snapshot) -> Result<(), SnapshotError> {
        if self.part.as_ref() != Some(part) {
            part.restore_part(ENVS, &mut self.envs)?;
            if part.contains(EXPLORATION) {
                part.restore_part(EXPLORATION, &mut self.exploration)?;
            }
        }
        // Whatever fails from here on leaves another state.
        self.part = None;
        Ok(())
    }

    /// The network of an order of values, and its exploration rate; none if the learner acts.
    fn values_of(&mut self, order: &Snapshot) -> Result<Option<(Network, f64)>, SnapshotError> {
        if order.contains(LEARNER) {
            order.restore_part(LEARNER, &mut self.agent)?;
            return Ok(None);
        }
        let Model::Network(mut network) = self.agent.model() else {
            return Err(SnapshotError::invalid(NETWORK, "the algorithm learns no network of action values"));
        };
        order.restore_part(NETWORK, &mut network)?;
        Ok(Some((network, order.f64(EPSILON)?)))
    }

    fn taken(&mut self, order: &Snapshot) -> Result<Snapshot, String> {
        let wrong = |error: SnapshotError| format!("the order does not fit: {error}");
        let steps = order.counter(STEPS).map_err(wrong)?;
        order.tree(PART).and_then(|part| self.restore(part)).map_err(wrong)?;
        let values = self.values_of(order).map_err(wrong)?;
        let (copies, features) = (self.envs.num_envs(), self.envs.batch().features());
        let width = self.envs.single_action_space().features();
        let own = self.first * features..(self.first + copies) * features;
        let own_actions = self.first * width..(self.first + copies) * width;
        let mut taken = VecSteps::new(copies, features, width);
        for _ in 0..steps {
            let seen = &mut self.observations[own.clone()];
            seen.iter_mut().zip(&self.envs.batch().observations).for_each(|(to, &x)| *to = x.into());
            match &values {
                // The draws of all copies, in their order, of which those elsewhere are not used.
                None => self.agent.act(&self.observations, &mut self.actions),
                Some((network, epsilon)) => {
                    network.means(copies, network.predict(seen, &mut self.workspace), &mut self.values);
                    let choices = self.values.len() / copies;
                    let policy = Policy::EpsilonGreedy { epsilon: *epsilon };
                    let rows = self.values.chunks_exact(choices);
                    for (action, row) in self.actions[own_actions.clone()].iter_mut().zip(rows) {
                        let choice = policy.sample(row, &mut self.exploration);
                        *action = ElementOf::<A::Action>::narrow(choice as f64).expect("a choice");
                    }
                }
            }
            let actions = &self.actions[own_actions.clone()];
            let batch = self.envs.step(actions).map_err(|error| error.to_string())?;
            taken.push(actions, batch);
        }
        let rng = values.is_some().then_some(&self.exploration);
        let part = first_part(self.envs.snapshot(), rng);
        self.part = Some(part.clone());
        Ok(Snapshot::new().with(STEPS, Value::Tree(taken.snapshot())).with(PART, Value::Tree(part)))
    }
}

impl<A: Agent<Observation = [f32]>, T: Element + Into<f32>> Play for Player<A, T> {
    fn play(&mut self, order: &Snapshot) -> Result<Snapshot, String> {
        self.taken(order)
    }
}
