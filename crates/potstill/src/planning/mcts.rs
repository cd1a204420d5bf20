//! Monte Carlo tree search (Coulom 2006) with upper confidence bounds (UCT: Kocsis and Szepesvari 2006):
//! before each step, many episodes are simulated in a copy of the environment from its present state, and a
//! tree collects their returns. Online, model-based: the copy is the model.
//!
//! One simulation: selection of the highest `Q(s, a) + c R sqrt(ln N(s) / N(s, a))`, with `R` the range of
//! the returns so far, untried actions first; expansion by one leaf; a uniformly random rollout; and a backup
//! of the return along the path (Sutton and Barto 2018, section 8.11). Then the action with the most visits
//! is taken.
//!
//! Differences from the papers: the exploration term is in units of `R`, where theirs has returns between 0 and 1. Each copy has
//! its own random stream, so the search does not see the environment's future chance. It does see the hidden
//! part of the state: in Blackjack, the dealer's card.
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::env::registry::find;
//! use potstill::planning::{Mcts, MctsConfig};
//! use potstill::train::Trainer;
//!
//! let (streams, maze) = (Streams::new(1), find("DynaMaze").unwrap());
//! let config = MctsConfig { gamma: 0.95, simulations: 300, horizon: 200, ..MctsConfig::default() };
//! let agent = Mcts::new(config, maze.make_states().unwrap(), streams);
//! let mut trainer = Trainer::new(agent, maze.make_states().unwrap(), streams);
//! let episode = loop {
//!     if let Some(episode) = trainer.step()?.episode { break episode }
//! };
//! // Nothing was learned before; the shortest path has 14 steps, a random walk takes 869.
//! assert!(episode.steps < 100, "{episode:?}");
//! # Ok::<(), potstill::train::TrainError>(())
//! ```

use crate::agent::{Agent, LearnError, checked_target};
use crate::algorithm::{Algorithm, BehaviourSource, Builder, DataKind, TabularAgent, Task, recipe};
use crate::config::{ConfigError, settings};
use crate::experience::Steps;
use crate::model::{Model, QTable};
use potstill_core::math::ln_f64;
use potstill_core::snapshot::{Codec, Field};
use potstill_core::{Pcg64, Restorable, Snapshot, SnapshotError, Streams, snapshot};
use potstill_env::{Env, StateEnv};

settings! {
    /// The hyperparameters of the search.
    pub struct MctsConfig {
        /// Discount. Source: 1, undiscounted
        gamma: f64 = 1.0, in Unit;
        /// Simulated episodes before each step. Source: 200, enough for the small environments here
        simulations: u64 = 200, in Batch;
        /// Longest simulated episode, in steps; what would follow counts as 0. Source: 100, the time limit of FrozenLake-v1
        horizon: u64 = 100, in Batch;
        /// Weight of the upper confidence bound, in units of the range of the returns. Source: sqrt(2),
        /// Kocsis and Szepesvari 2006 for returns from 0 to 1
        ucb_c: f64 = 1.414, in NotNegative;
    }
}

/// A state in the search tree.
#[derive(Clone, Debug)]
struct Node {
    /// `N(s)`.
    visits: u64,
    /// `N(s, a)` and the sum of the returns of each action.
    actions: Vec<(u64, f64)>,
    /// Observed transitions: action, next state, index of its node.
    children: Vec<(usize, usize, usize)>,
}

impl Node {
    fn new(actions: usize) -> Self {
        Self { visits: 0, actions: vec![(0, 0.0); actions], children: Vec::new() }
    }
}

/// Simulated steps of a piece of a search.
const PIECE_STEPS: u64 = 50_000;

/// The part of a search that is done.
#[derive(Clone, Debug)]
struct Begun {
    simulations: u64,
    /// The random numbers before it.
    search: Pcg64,
}

/// The descriptor.
pub const ALGORITHM: Algorithm = Algorithm {
    name: "mcts",
    family: "planning",
    policy: None,
    data: DataKind::Online,
    is_model_based: Some(true),
    summary: "search in copies of the environment before each step (UCT)",
    source: "Kocsis and Szepesvari 2006; Sutton and Barto 2018, section 8.11",
    file: file!(),
    builder: Builder::States(|| recipe(build)),
    presets: &[],
    smoke: &["env=FrozenLake-v1 steps=1000 simulations=8"],
};

fn build(config: &MctsConfig, task: &Task<'_>) -> Result<TabularAgent, ConfigError> {
    task.check_discount(config.gamma)?;
    if !matches!(task.source, BehaviourSource::Own) {
        return Err(ConfigError::value("behaviour", "has no use here: the search chooses each action"));
    }
    let copy = task.spec.make_states().expect("discrete observations");
    Ok(Box::new(Mcts::new(config.clone(), copy, task.streams)))
}

/// The Monte Carlo tree search agent.
pub struct Mcts {
    config: MctsConfig,
    /// The copy of the environment that is simulated.
    copy: StateEnv,
    tree: Vec<Node>,
    /// The action that the last search chose.
    chosen: usize,
    /// The lowest and the highest return so far.
    range: (f64, f64),
    /// `Q(s, a)` at the root of the last search in each state.
    q: QTable,
    visits: Vec<u64>,
    search: Pcg64,
    /// A search that is not complete.
    begun: Option<Begun>,
    /// Node, action and reward of each step of a simulation; reused from simulation to simulation.
    path: Vec<(Option<usize>, usize, f64)>,
}

impl Mcts {
    /// An agent that searches in copies of this environment.
    ///
    /// # Panics
    /// If the spaces are not discrete.
    pub fn new(config: MctsConfig, copy: StateEnv, streams: Streams) -> Self {
        let states = copy.observation_space().discrete().expect("discrete states");
        let actions = copy.action_space().discrete().expect("discrete actions");
        Self {
            config,
            copy,
            tree: Vec::new(),
            chosen: 0,
            range: (f64::INFINITY, f64::NEG_INFINITY),
            q: QTable::new(states, actions, 0.0),
            visits: vec![0; states * actions],
            search: streams.stream("search"),
            begun: None,
            path: Vec::new(),
        }
    }

    fn choose(&mut self, node: usize) -> usize {
        let node = &self.tree[node];
        let untried: Vec<usize> = (0..node.actions.len()).filter(|&a| node.actions[a].0 == 0).collect();
        if !untried.is_empty() {
            return untried[self.search.below(untried.len())];
        }
        let (low, high) = self.range;
        let spread = if high > low { high - low } else { 1.0 };
        let log = ln_f64(node.visits as f64);
        let bound =
            |&(n, sum): &(u64, f64)| sum / n as f64 + self.config.ucb_c * spread * (log / n as f64).sqrt();
        let bounds = node.actions.iter().map(bound).enumerate();
        bounds.max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0))).map_or(0, |(action, _)| action)
    }

    /// Simulates one episode from the present state of the copy.
    fn simulate(&mut self) -> Result<(), LearnError> {
        let (mut node, mut state) = (Some(0), 0);
        self.path.clear();
        for _ in 0..self.config.horizon {
            let action = match node {
                Some(node) => self.choose(node),
                None => self.search.below(self.q.actions()),
            };
            let outcome = self.copy.step(&action, &mut state)?;
            self.path.push((node, action, outcome.reward));
            if outcome.done() {
                break;
            }
            node = node.and_then(|at| {
                let children = &self.tree[at].children;
                let known =
                    children.iter().find(|child| (child.0, child.1) == (action, state)).map(|child| child.2);
                if known.is_none() {
                    // A leaf; a random rollout follows.
                    let leaf = self.tree.len();
                    self.tree.push(Node::new(self.q.actions()));
                    self.tree[at].children.push((action, state, leaf));
                }
                known
            });
        }
        let mut g = 0.0;
        for &(node, action, reward) in self.path.iter().rev() {
            g = checked_target(reward + self.config.gamma * g)?;
            if let Some(node) = node {
                let node = &mut self.tree[node];
                node.visits += 1;
                node.actions[action].0 += 1;
                node.actions[action].1 += g;
                self.range = (self.range.0.min(g), self.range.1.max(g));
            }
        }
        Ok(())
    }
}

impl Agent for Mcts {
    type Observation = usize;
    type Action = usize;

    fn search(&mut self, env: &StateEnv) -> Result<bool, LearnError> {
        let now = env.snapshot();
        if self.begun.is_none() {
            self.begun = Some(Begun { simulations: 0, search: self.search.clone() });
            self.tree.clear();
            self.tree.push(Node::new(self.q.actions()));
            self.range = (f64::INFINITY, f64::NEG_INFINITY);
        }
        let mut simulated = 0;
        while let Some(begun) =
            self.begun.as_mut().filter(|begun| begun.simulations < self.config.simulations)
        {
            if simulated >= PIECE_STEPS {
                return Ok(false);
            }
            begun.simulations += 1;
            self.copy.restore(&now).expect("a copy of the same environment");
            self.copy.reseed(self.search.next_u64());
            self.simulate()?;
            simulated += 1 + self.path.len() as u64;
        }
        self.begun = None;
        let root = &self.tree[0].actions;
        let best = (0..root.len()).max_by(|&a, &b| root[a].0.cmp(&root[b].0).then(b.cmp(&a)));
        self.chosen = best.unwrap_or(0);
        Ok(true)
    }

    fn act(&mut self, states: &[usize], actions: &mut [usize]) {
        let state = states[0];
        for (action, &(n, sum)) in
            self.tree.first().into_iter().flat_map(|root| root.actions.iter().enumerate())
        {
            if n > 0 {
                self.q.set(state, action, sum / n as f64);
            }
        }
        actions[0] = self.chosen;
    }

    fn observe(&mut self, steps: &Steps<'_, usize>) -> Result<u64, LearnError> {
        let step = steps.single();
        self.visits[self.q.pair(*step.observation, *step.action)] += 1;
        Ok(0)
    }

    fn model(&self) -> Model {
        Model::Table(self.q.clone())
    }

    fn visits(&self) -> Option<&[u64]> {
        Some(&self.visits)
    }
}

// The tree is rebuilt before each step, so it is no part of a snapshot; a search that is not complete begins again.
snapshot! {
    impl Restorable for Mcts {
        saved: q, visits, search via BeforeSearch(begun.as_ref().map(|begun| begun.search.clone()));
        built: config, copy, tree, chosen, range, path, begun;
        then: Self::begin_again;
    }
}

impl Mcts {
    fn begin_again(&mut self) -> Result<(), SnapshotError> {
        self.begun = None;
        Ok(())
    }
}

/// The codec of the random numbers of the search: those before the search that has begun, if there is one.
struct BeforeSearch(Option<Pcg64>);

impl Codec<Pcg64> for BeforeSearch {
    fn save(&self, search: &Pcg64, name: &str, snapshot: &mut Snapshot) {
        self.0.as_ref().unwrap_or(search).save(name, snapshot);
    }

    fn load(&self, search: &mut Pcg64, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        search.load(name, snapshot)
    }
}
