//! Monte Carlo control: learns from the returns of whole episodes, without bootstrapping (Sutton and Barto
//! 2018, chapter 5).
//!
//! - On-policy, first visit (box of section 5.4): `Q(S, A)` is the mean of the returns that followed the first visits of the pair; the policy is
//!   epsilon-greedy on it.
//! - Off-policy, every visit, weighted importance sampling (box of section 5.7): from the end backwards `C(S, A) <- C(S, A) + W`,
//!   `Q(S, A) <- Q(S, A) + W / C(S, A) [G - Q(S, A)]`, `W <- W / b(A|S)`, until an action is not the one of the greedy target policy.
//!
//! Both learn at the end of an episode, and are model-free. Differences from the book: the return after a
//! truncated episode is the greedy value of its last observation, the only estimate of the rest. `alpha` is
//! not used: the values are sample averages.
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::tabular::{MonteCarlo, MonteCarloKind, TabularConfig};
//!
//! let agent = MonteCarlo::new(MonteCarloKind::OnPolicy, &TabularConfig::default(), 704, 2, Streams::new(1));
//! assert_eq!(agent.q().states(), 704);
//! ```

use super::TabularConfig;
use super::records::records;
use crate::agent::table_of_actions;
use crate::agent::{Agent, LearnError, checked_length, checked_target};
use crate::algorithm::{
    Algorithm, Builder, DataKind, PolicyKind, TabularAgent, Task, Unused, recipe_without,
};
use crate::config::{ConfigError, Need};
use crate::experience::Steps;
use crate::model::QTable;
use crate::policy::{Behaviour, Policy};
use potstill_core::{Streams, snapshot};

/// The key without use.
pub(super) const MEANS: Unused = &[("alpha", &[Need::Never("the values are means of returns")])];

/// The descriptor of monte-carlo.
pub const ON_POLICY: Algorithm = Algorithm {
    name: "monte-carlo",
    family: "tabular",
    policy: Some(PolicyKind::On),
    data: DataKind::Online,
    is_model_based: Some(false),
    summary: "action values as means of the returns after first visits",
    source: "Sutton and Barto 2018, section 5.4",
    file: file!(),
    builder: Builder::States(|| recipe_without(MEANS, build_on_policy)),
    presets: &[],
    smoke: &["env=Blackjack-v1 steps=1500 log_interval=100"],
};

/// The descriptor of off-policy-monte-carlo.
pub const OFF_POLICY: Algorithm = Algorithm {
    name: "off-policy-monte-carlo",
    family: "tabular",
    policy: Some(PolicyKind::Off),
    data: DataKind::Both,
    is_model_based: Some(false),
    summary: "the greedy policy's values, by weighted importance sampling",
    source: "Precup et al. 2000; Sutton and Barto 2018, section 5.7",
    file: file!(),
    builder: Builder::States(|| recipe_without(MEANS, build_off_policy)),
    presets: &[],
    smoke: &["env=FrozenLake-v1 steps=1500 epsilon=0.5 log_interval=40"],
};

fn build_on_policy(config: &TabularConfig, task: &Task<'_>) -> Result<TabularAgent, ConfigError> {
    let behaviour = config.behaviour_in(task)?;
    let agent =
        MonteCarlo::new(MonteCarloKind::OnPolicy, config, task.states(), task.actions(), task.streams);
    Ok(Box::new(agent.with_behaviour(behaviour)))
}

fn build_off_policy(config: &TabularConfig, task: &Task<'_>) -> Result<TabularAgent, ConfigError> {
    let behaviour = config.behaviour_in(task)?;
    let agent =
        MonteCarlo::new(MonteCarloKind::OffPolicy, config, task.states(), task.actions(), task.streams);
    Ok(Box::new(agent.with_behaviour(behaviour)))
}

/// The algorithm, by its box in the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MonteCarloKind {
    /// On-policy first-visit Monte Carlo control, section 5.4.
    OnPolicy,
    /// Off-policy Monte Carlo control with weighted importance sampling, section 5.7.
    OffPolicy,
}

/// The Monte Carlo control agent.
#[derive(Clone, Debug)]
pub struct MonteCarlo {
    kind: MonteCarloKind,
    gamma: f64,
    behaviour: Behaviour,
    q: QTable,
    /// `C(s, a)`: the number of averaged returns, or the sum of their weights.
    weights: QTable,
    /// State, action, reward, and the behaviour policy's probability of the action.
    episode: Vec<(usize, usize, f64, f64)>,
}

/// The first of the greedy actions.
fn first_greedy(values: &[f64]) -> usize {
    let best = Policy::Greedy.state_value(values);
    values.iter().position(|&value| value == best).unwrap_or(0)
}

impl MonteCarlo {
    /// An agent with an epsilon-greedy behaviour policy.
    pub fn new(
        kind: MonteCarloKind,
        config: &TabularConfig,
        states: usize,
        actions: usize,
        streams: Streams,
    ) -> Self {
        Self {
            kind,
            gamma: config.gamma,
            behaviour: config.behaviour(states, actions, streams),
            q: QTable::new(states, actions, config.initial_value),
            weights: QTable::new(states, actions, 0.0),
            episode: Vec::new(),
        }
    }

    /// Replaces the behaviour policy.
    #[must_use]
    pub fn with_behaviour(self, behaviour: Behaviour) -> Self {
        Self { behaviour, ..self }
    }

    /// Action values as learned so far.
    pub fn q(&self) -> &QTable {
        &self.q
    }

    fn learn_episode(&mut self, mut g: f64) -> Result<(), LearnError> {
        let mut first_visits: std::collections::BTreeMap<(usize, usize), usize> = Default::default();
        if self.kind == MonteCarloKind::OnPolicy {
            for (i, &(state, action, ..)) in self.episode.iter().enumerate().rev() {
                first_visits.insert((state, action), i);
            }
        }
        let mut weight = 1.0;
        for (i, &(state, action, reward, probability)) in self.episode.iter().enumerate().rev() {
            g = checked_target(reward + self.gamma * g)?;
            if self.kind == MonteCarloKind::OnPolicy && first_visits[&(state, action)] != i {
                continue;
            }
            self.weights.add(state, action, weight);
            let share = weight / self.weights.row(state)[action];
            self.q.update(state, action, g, share);
            if self.kind == MonteCarloKind::OffPolicy {
                if action != first_greedy(self.q.row(state)) {
                    break;
                }
                weight = checked_target(weight / probability)?;
            }
        }
        self.episode.clear();
        Ok(())
    }
}

impl Agent for MonteCarlo {
    type Observation = usize;
    type Action = usize;

    fn act(&mut self, states: &[usize], actions: &mut [usize]) {
        let state = states[0];
        actions[0] = self.behaviour.act(state, self.q.row(state));
    }

    fn observe(&mut self, steps: &Steps<'_, usize>) -> Result<u64, LearnError> {
        let step = steps.single();
        let (state, action) = (*step.observation, *step.action);
        let probability = self.behaviour.probabilities(state, self.q.row(state))[action];
        self.behaviour.record_visit(state, action);
        self.episode.push((state, action, step.reward, probability));
        checked_length(self.episode.len())?;
        if step.terminated {
            self.learn_episode(0.0)?;
        } else if step.truncated {
            self.learn_episode(Policy::Greedy.state_value(self.q.row(*step.next_observation)))?;
        }
        Ok(0)
    }

    table_of_actions!();
}

snapshot! {
    impl Restorable for MonteCarlo {
        saved: q, weights, behaviour, episode as "steps" via records(
            usize::MAX / 2,
            [q.states(), q.actions()],
            "numbers",
            |(state, action, reward, probability)| ([state, action], [reward, probability]),
            |[state, action], [reward, probability]| (state, action, reward, probability),
        );
        built: kind, gamma;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::EPISODE_STEPS_MAX;
    use crate::experience::Transition;

    fn learn(agent: &mut MonteCarlo, steps: &[(usize, usize, f64)]) {
        for (i, &(state, action, reward)) in steps.iter().enumerate() {
            let terminated = i + 1 == steps.len();
            let (observation, next_observation) = (&state, &0);
            let step = Transition {
                observation,
                action: &action,
                reward,
                next_observation,
                terminated,
                truncated: false,
            };
            agent.observe(&Steps::of(&step)).unwrap();
        }
    }

    #[test]
    fn an_episode_without_an_end_is_told() {
        let mut agent =
            MonteCarlo::new(MonteCarloKind::OnPolicy, &TabularConfig::default(), 2, 2, Streams::new(0));
        let (observation, next_observation) = (&0, &0);
        let (action, reward, terminated, truncated) = (0, -1.0, false, false);
        let step =
            Transition { observation, action: &action, reward, next_observation, terminated, truncated };
        (0..EPISODE_STEPS_MAX).for_each(|_| _ = agent.observe(&Steps::of(&step)).unwrap());
        let error = agent.observe(&Steps::of(&step)).unwrap_err().to_string();
        assert!(error.starts_with("an episode of 1000000 steps has not ended"), "{error}");
    }

    #[test]
    fn first_visits_by_hand() {
        let config = TabularConfig { gamma: 0.5, ..TabularConfig::default() };
        let mut agent = MonteCarlo::new(MonteCarloKind::OnPolicy, &config, 2, 2, Streams::new(0));
        // The return of the first visit of (0, 1): 1 + 0.5 (2 + 0.5 * 4) = 3; of (1, 0): 2 + 0.5 * 4 = 4.
        learn(&mut agent, &[(0, 1, 1.0), (1, 0, 2.0), (0, 1, 4.0)]);
        assert_eq!(agent.q.values(), [0.0, 3.0, 4.0, 0.0]);
        // The mean of 3 and 7.
        learn(&mut agent, &[(0, 1, 7.0)]);
        assert_eq!(agent.q.values(), [0.0, 5.0, 4.0, 0.0]);
    }

    #[test]
    fn weights_by_hand() {
        let config = TabularConfig { epsilon: 0.5.into(), ..TabularConfig::default() };
        let mut agent = MonteCarlo::new(MonteCarloKind::OffPolicy, &config, 2, 2, Streams::new(0));
        // All values are 0: each action had 0.5. From the end: Q(1, 0) = 4 by weight 1, then Q(0, 1) = 5 by weight 2.
        learn(&mut agent, &[(0, 1, 1.0), (1, 0, 4.0)]);
        assert_eq!(
            (agent.q.values(), agent.weights.values()),
            (&[0.0, 5.0, 4.0, 0.0][..], &[0.0, 2.0, 1.0, 0.0][..])
        );
        // Action 1 in state 1 is not greedy: earlier steps have a weight of 0.
        learn(&mut agent, &[(0, 1, 1.0), (1, 1, -1.0)]);
        assert_eq!(agent.q.values(), [0.0, 5.0, 4.0, -1.0]);
        // Greedy actions with 0.75 each: weight 1, then 4 / 3. (2 * 5 + 4/3 * 3) / (2 + 4/3)
        learn(&mut agent, &[(0, 1, 1.0), (1, 0, 2.0)]);
        assert!((agent.q.row(1)[0] - 3.0).abs() < 1e-12);
        assert!(
            (agent.q.row(0)[1] - (10.0 + 4.0 / 3.0 * 3.0) / (2.0 + 4.0 / 3.0)).abs() < 1e-12,
            "{:?}",
            agent.q
        );
    }
}
