//! Exact models of environments with discrete states, and environments that are defined by their model.
//!
//! Gymnasium calls it `P`: the outcomes of every state and action with their probabilities. Planners work on
//! it, and environments such as the frozen lake are simulated from it.
//!
//! ```
//! use potstill_env::{Env, registry::find};
//!
//! let cliff = find("CliffWalkingSlippery-v1")?.make_states().unwrap();
//! let model = cliff.model().unwrap();
//! // On slippery ground a step up from the start may also lead against the edge, or into the cliff and back.
//! let outcomes: Vec<_> = model.outcomes(36, 0).iter().map(|o| (o.probability, o.next, o.reward)).collect();
//! assert_eq!(outcomes, [(1.0 / 3.0, 36, -1.0), (1.0 / 3.0, 24, -1.0), (1.0 / 3.0, 36, -100.0)]);
//! # Ok::<(), potstill_env::EnvError>(())
//! ```

/// One outcome of an action.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ModelOutcome {
    /// The probability.
    pub probability: f64,
    /// The state that follows.
    pub next: usize,
    /// The reward.
    pub reward: f64,
    /// `true` if `next` is terminal.
    pub terminated: bool,
}

impl ModelOutcome {
    /// An outcome with probability 1.
    pub fn certain(next: usize, reward: f64, terminated: bool) -> Self {
        Self { probability: 1.0, next, reward, terminated }
    }
}

/// The transition probabilities and rewards of every state and action, and the distribution of starting
/// states.
#[derive(Clone, Debug, PartialEq)]
pub struct TransitionModel {
    actions: usize,
    /// The index of the first outcome of each pair of state and action; one more at the end.
    first: Vec<usize>,
    outcomes: Vec<ModelOutcome>,
    /// States in which an episode can start, with their probabilities and the sums of those.
    start: Vec<(f64, usize)>,
}

impl TransitionModel {
    /// A model of `states` x `actions`, each pair asked for its outcomes. `start` holds probabilities and
    /// states.
    ///
    /// # Panics
    /// If there is no state or no action, a probability is negative, those of a pair or of the starts do not sum
    /// to 1, a reward is not finite, or a state is not below `states`; the message names the pair.
    pub fn new(
        states: usize,
        actions: usize,
        start: Vec<(f64, usize)>,
        mut outcomes_of: impl FnMut(usize, usize) -> Vec<ModelOutcome>,
    ) -> Self {
        let sums_to_one = |probabilities: &mut dyn Iterator<Item = f64>| {
            let sum = probabilities.fold(0.0, |sum, p| if p >= 0.0 { sum + p } else { f64::NAN });
            (sum - 1.0).abs() < 1e-9
        };
        assert!(states > 0 && actions > 0, "a model has states and actions, not {states} and {actions}");
        let is_distribution = sums_to_one(&mut start.iter().map(|&(p, _)| p));
        assert!(is_distribution, "the probabilities of the starts do not sum to 1");
        assert!(
            start.iter().all(|&(_, s)| s < states),
            "a start is not below {states}, the number of states"
        );
        let (mut first, mut outcomes) = (vec![0], Vec::new());
        for state in 0..states {
            for action in 0..actions {
                let of_pair = outcomes_of(state, action);
                let is_distribution = sums_to_one(&mut of_pair.iter().map(|o| o.probability));
                assert!(
                    is_distribution,
                    "the probabilities of state {state}, action {action} do not sum to 1"
                );
                let leads_out = of_pair.iter().any(|o| o.next >= states);
                assert!(
                    !leads_out,
                    "state {state}, action {action} leads to a state that is not below {states}"
                );
                let is_finite = of_pair.iter().all(|o| o.reward.is_finite());
                assert!(is_finite, "a reward of state {state}, action {action} is not finite");
                outcomes.extend(of_pair);
                first.push(outcomes.len());
            }
        }
        Self { actions, first, outcomes, start }
    }

    /// The number of states.
    pub fn states(&self) -> usize {
        (self.first.len() - 1) / self.actions
    }

    /// The number of actions.
    pub fn actions(&self) -> usize {
        self.actions
    }

    /// The starting states: probability and state.
    pub fn start(&self) -> &[(f64, usize)] {
        &self.start
    }

    /// The outcomes of `action` in `state`. Those of a terminal state have no meaning.
    #[inline]
    pub fn outcomes(&self, state: usize, action: usize) -> &[ModelOutcome] {
        let pair = state * self.actions + action;
        &self.outcomes[self.first[pair]..self.first[pair + 1]]
    }

    /// Returns true if any transition or start is random.
    pub fn is_stochastic(&self) -> bool {
        self.start.len() > 1 || self.outcomes.len() > self.first.len() - 1
    }
}
