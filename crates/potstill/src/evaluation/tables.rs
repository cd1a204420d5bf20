//! Recorded episodes of discrete states and actions, counted: behaviour, model and values of a policy.
//!
//! - [`Counts::behaviour`]: the share of each action in a state.
//! - [`Counts::fitted_q`]: fitted Q evaluation (Le, Voloshin and Yue 2019, Algorithm 3), whose regression on
//!   a table is the mean of the targets of each pair.
//! - [`Counts::model`]: the model whose probabilities are shares of counts, and [`propagated`], the value of
//!   a policy under it from the distribution of states step by step. On tables it is the number of fitted Q
//!   evaluation.
//!
//! A pair without a record counts as an end without reward, which is a guess; [`Counts::unrecorded`] is the
//! weight that it has.

use crate::data::episodes::EpisodeRecord;
use crate::data::{OfflineDataset, Transitions};
use potstill_env::{ModelOutcome, TransitionModel};

/// The recorded episodes of a table.
#[derive(Clone, Debug)]
pub struct Walks {
    states: usize,
    actions: usize,
    /// The different transitions, in the order of their pairs.
    kinds: Vec<Kind>,
    /// The first kind of each pair; one more at the end.
    first: Vec<usize>,
    /// The kind of each step, and its reward.
    steps: Vec<usize>,
    rewards: Vec<f64>,
    /// The first state of each episode.
    starts: Vec<usize>,
    episodes: Vec<EpisodeRecord>,
}

/// A transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    pair: usize,
    next: usize,
    terminated: bool,
}

impl Walks {
    /// The episodes of a data set; `None` if its observations or actions are no indices.
    pub fn new(data: &OfflineDataset) -> Option<Self> {
        let transitions: Transitions<'_, usize, usize> = data.transitions()?;
        let (states, actions) = (data.observation_space().discrete()?, data.action_space().discrete()?);
        let of_step = |step: usize| {
            let seen = transitions.get(step);
            Kind {
                pair: seen.observation * actions + seen.action,
                next: *seen.next_observation,
                terminated: seen.terminated,
            }
        };
        let all: Vec<Kind> = (0..data.steps()).map(of_step).collect();
        let mut kinds = all.clone();
        kinds.sort_unstable();
        kinds.dedup();
        let first =
            (0..=states * actions).map(|pair| kinds.partition_point(|kind| kind.pair < pair)).collect();
        let index = |kind: &Kind| kinds.binary_search(kind).expect("every kind is there");
        Some(Self {
            steps: all.iter().map(index).collect(),
            starts: data
                .episodes()
                .iter()
                .map(|episode| *transitions.get(episode.first_step).observation)
                .collect(),
            rewards: data.rewards().to_vec(),
            episodes: data.episodes().to_vec(),
            states,
            actions,
            kinds,
            first,
        })
    }

    /// The number of states.
    pub fn states(&self) -> usize {
        self.states
    }

    /// The number of actions.
    pub fn actions(&self) -> usize {
        self.actions
    }

    /// The episodes.
    pub fn episodes(&self) -> &[EpisodeRecord] {
        &self.episodes
    }

    /// The pairs of state and action of an episode's steps, as indices `state * actions + action`.
    pub fn pairs(&self, episode: usize) -> impl Iterator<Item = usize> + '_ {
        self.steps[self.episodes[episode].range()].iter().map(|&kind| self.kinds[kind].pair)
    }

    /// The rewards of an episode.
    pub fn rewards(&self, episode: usize) -> &[f64] {
        &self.rewards[self.episodes[episode].range()]
    }

    /// The lowest and the highest discounted return from a step on.
    pub fn rests(&self, gamma: f64) -> [f64; 2] {
        let mut bounds = [f64::INFINITY, f64::NEG_INFINITY];
        for episode in &self.episodes {
            self.rewards[episode.range()].iter().rev().fold(0.0, |after, reward| {
                let rest = reward + gamma * after;
                bounds = [bounds[0].min(rest), bounds[1].max(rest)];
                rest
            });
        }
        bounds
    }

    /// The last state of an episode; `None` if it is terminal.
    pub fn cut(&self, episode: usize) -> Option<usize> {
        let last = self.kinds[self.steps[self.episodes[episode].range().end - 1]];
        (!last.terminated).then_some(last.next)
    }

    /// The counts of episodes, each as often as it is in the sample.
    pub fn count(&self, sample: &[usize]) -> Counts<'_> {
        let (mut of_kind, mut rewards) = (vec![0.0; self.kinds.len()], vec![0.0; self.kinds.len()]);
        let mut starts = vec![0.0; self.states];
        for &episode in sample {
            starts[self.starts[episode]] += 1.0 / sample.len() as f64;
            let range = self.episodes[episode].range();
            for (&kind, reward) in self.steps[range.clone()].iter().zip(&self.rewards[range]) {
                of_kind[kind] += 1.0;
                rewards[kind] += reward;
            }
        }
        let of_pair =
            (0..self.states * self.actions).map(|pair| of_kind[self.of_pair(pair)].iter().sum()).collect();
        Counts { walks: self, of_kind, rewards, of_pair, starts }
    }

    /// The kinds of a pair.
    fn of_pair(&self, pair: usize) -> std::ops::Range<usize> {
        self.first[pair]..self.first[pair + 1]
    }
}

/// Counts of transitions and sums of their rewards.
#[derive(Clone, Debug)]
pub struct Counts<'a> {
    walks: &'a Walks,
    of_kind: Vec<f64>,
    rewards: Vec<f64>,
    of_pair: Vec<f64>,
    /// The share of each state among the first ones.
    starts: Vec<f64>,
}

impl Counts<'_> {
    /// The visits of each pair, `states x actions`.
    pub fn of_pairs(&self) -> &[f64] {
        &self.of_pair
    }

    /// The share of each action in a state, `states x actions`; 0 in a state without a record.
    pub fn behaviour(&self) -> Vec<f64> {
        let of_state = |counts: &[f64]| {
            let sum: f64 = counts.iter().sum();
            counts.iter().map(|count| if sum == 0.0 { 0.0 } else { count / sum }).collect::<Vec<f64>>()
        };
        self.of_pair.chunks_exact(self.walks.actions).flat_map(of_state).collect()
    }

    /// Fitted Q evaluation of the policy with these probabilities, `states x actions`: from `Q = 0`, the mean
    /// of `r + gamma sum_a pi(a|s') Q(s', a)` over the transitions of each pair, again and again. The `k`-th
    /// is the value of `k` steps.
    pub fn fitted_q(&self, policy: &[f64], gamma: f64, horizon: usize) -> Sweeps {
        Sweeps::until(horizon, (policy, self.walks.actions), |pair, v| {
            let target = |kind: usize| {
                let Kind { next, terminated, .. } = self.walks.kinds[kind];
                let after = if terminated { 0.0 } else { gamma * v[next] };
                self.rewards[kind] + self.of_kind[kind] * after
            };
            match self.of_pair[pair] {
                0.0 => 0.0,
                count => self.walks.of_pair(pair).map(target).sum::<f64>() / count,
            }
        })
    }

    /// The discounted probability that an episode of a policy comes to a pair without a record.
    pub fn unrecorded(&self, policy: &[f64], gamma: f64, horizon: usize) -> f64 {
        let sweeps = Sweeps::until(horizon, (policy, self.walks.actions), |pair, v| {
            let after = |kind: usize| {
                let Kind { next, terminated, .. } = self.walks.kinds[kind];
                if terminated { 0.0 } else { self.of_kind[kind] * gamma * v[next] }
            };
            match self.of_pair[pair] {
                0.0 => 1.0,
                count => self.walks.of_pair(pair).map(after).sum::<f64>() / count,
            }
        });
        self.start_value(sweeps.v(horizon))
    }

    /// The mean of values over the first states.
    pub fn start_value(&self, values: &[f64]) -> f64 {
        self.starts.iter().zip(values).map(|(share, value)| share * value).sum()
    }

    /// The model whose probabilities are the shares of counts. A pair without a record ends the episode,
    /// without reward.
    pub fn model(&self) -> TransitionModel {
        let starts = self.starts.iter().enumerate().filter(|(_, share)| **share > 0.0);
        let starts = starts.map(|(state, share)| (*share, state)).collect();
        let actions = self.walks.actions;
        TransitionModel::new(self.walks.states, actions, starts, |state, action| {
            let pair = state * actions + action;
            if self.of_pair[pair] == 0.0 {
                return vec![ModelOutcome::certain(state, 0.0, true)];
            }
            let recorded = self.walks.of_pair(pair).filter(|&kind| self.of_kind[kind] > 0.0);
            let outcome = |kind: usize| {
                let (Kind { next, terminated, .. }, count) = (self.walks.kinds[kind], self.of_kind[kind]);
                let (probability, reward) = (count / self.of_pair[pair], self.rewards[kind] / count);
                ModelOutcome { probability, next, reward, terminated }
            };
            recorded.map(outcome).collect()
        })
    }
}

/// The values of fitted Q evaluation sweep by sweep: with `k` steps to go, or fewer where nothing moves any
/// more.
#[derive(Clone, Debug, PartialEq)]
pub struct Sweeps {
    q: Vec<Vec<f64>>,
    v: Vec<Vec<f64>>,
}

impl Sweeps {
    /// Values of 0.
    pub fn zero(states: usize, actions: usize) -> Self {
        Self { q: vec![vec![0.0; states * actions]], v: vec![vec![0.0; states]] }
    }

    /// The exact values of the policy with these probabilities, `states x actions`, under a model.
    pub fn of_model(model: &TransitionModel, policy: &[f64], gamma: f64, horizon: usize) -> Self {
        let actions = model.actions();
        Self::until(horizon, (policy, actions), |pair, v| {
            let value = |outcome: &ModelOutcome| {
                let after = if outcome.terminated { 0.0 } else { gamma * v[outcome.next] };
                outcome.probability * (outcome.reward + after)
            };
            model.outcomes(pair / actions, pair % actions).iter().map(value).sum()
        })
    }

    /// The values of as many steps, where `backup` is that of a pair from the values of one step less.
    fn until(
        horizon: usize,
        (policy, actions): (&[f64], usize),
        backup: impl Fn(usize, &[f64]) -> f64,
    ) -> Self {
        let mut sweeps = Self::zero(policy.len() / actions, actions);
        for _ in 0..horizon {
            let last = sweeps.v.len() - 1;
            let q: Vec<f64> = (0..policy.len()).map(|pair| backup(pair, &sweeps.v[last])).collect();
            let has_moved = |(new, old): (&f64, &f64)| (new - old).abs() > 1e-13 * old.abs().max(1.0);
            if !q.iter().zip(&sweeps.q[last]).any(has_moved) {
                break;
            }
            let of_state = |(q, pi): (&[f64], &[f64])| q.iter().zip(pi).map(|(q, p)| p * q).sum();
            sweeps.v.push(q.chunks_exact(actions).zip(policy.chunks_exact(actions)).map(of_state).collect());
            sweeps.q.push(q);
        }
        sweeps
    }

    /// `Q(s, a)` with so many steps to go, `states x actions`.
    pub fn q(&self, steps: usize) -> &[f64] {
        &self.q[steps.min(self.q.len() - 1)]
    }

    /// `V(s)` with so many steps to go.
    pub fn v(&self, steps: usize) -> &[f64] {
        &self.v[steps.min(self.v.len() - 1)]
    }
}

/// The mean discounted return of a policy with these probabilities, `states x actions`, under a model: the
/// rewards on the way of the distribution of states, step by step.
pub fn propagated(model: &TransitionModel, policy: &[f64], gamma: f64, horizon: usize) -> f64 {
    let (states, actions) = (model.states(), model.actions());
    let mut here = vec![0.0; states];
    model.start().iter().for_each(|&(p, state)| here[state] += p);
    let (mut value, mut discount) = (0.0, 1.0);
    for _ in 0..horizon {
        let mut there = vec![0.0; states];
        for (state, &share) in here.iter().enumerate().filter(|(_, share)| **share > 0.0) {
            for action in (0..actions).filter(|action| policy[state * actions + action] > 0.0) {
                for outcome in model.outcomes(state, action) {
                    let p = share * policy[state * actions + action] * outcome.probability;
                    value += discount * p * outcome.reward;
                    if !outcome.terminated {
                        there[outcome.next] += p;
                    }
                }
            }
        }
        here = there;
        discount *= gamma;
    }
    value
}
