//! The exact mean and deviation of one episode's estimate, by dynamic programming on a model.
//!
//! Of an episode with the ratio `rho` and the return `G`, ordinary importance sampling has the mean `E[rho
//! G]`, the value of the evaluated policy, and the second moment `E[rho^2 G^2]`. With a ratio `w` and a
//! reward `r` of the first step,
//!
//! ```text
//! E[rho^2]     = E[w^2 E[rho'^2]]
//! E[rho^2 G]   = E[w^2 (r E[rho'^2] + gamma E[rho'^2 G'])]
//! E[rho^2 G^2] = E[w^2 (r^2 E[rho'^2] + 2 gamma r E[rho'^2 G'] + gamma^2 E[rho'^2 G'^2])]
//! ```
//!
//! where the primes are of the rest of the episode from the next state on. A doubly robust estimate is `X = v
//! + w (r + gamma X' - q)` with `E[X'] = V(s')`; without values it is importance sampling per decision.
//!
//! `n / E[rho^2]` is the effective sample size that `n` episodes are expected to have. The one that is seen
//! may be far larger: where the deviation comes from ratios that are huge and rare, a sample without them
//! looks well.

use super::tables::Sweeps;
use potstill_env::TransitionModel;

/// Exact moments of the estimates from one episode.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moments {
    /// The value of the behaviour.
    pub behaviour_value: f64,
    /// The value of the evaluated policy, the mean of all these estimates.
    pub value: f64,
    /// `E[rho^2]`.
    pub squared_ratio: f64,
    /// The standard deviation of ordinary importance sampling.
    pub ordinary_deviation: f64,
    /// The standard deviation of importance sampling per decision.
    pub per_decision_deviation: f64,
    /// The standard deviation of the doubly robust estimate.
    pub doubly_robust_deviation: f64,
}

/// Moments from a state on.
#[derive(Clone, Copy, Default)]
struct Rest {
    behaviour_value: f64,
    value: f64,
    /// `E[rho^2]`, `E[rho^2 G]`, `E[rho^2 G^2]`.
    squares: [f64; 3],
    /// `E[X^2]` per decision, and doubly robust.
    per_decision: f64,
    doubly_robust: f64,
}

/// After the end: a ratio of 1 and no reward.
const END: Rest = Rest {
    behaviour_value: 0.0,
    value: 0.0,
    squares: [1.0, 0.0, 0.0],
    per_decision: 0.0,
    doubly_robust: 0.0,
};

impl Moments {
    /// The moments of episodes of at most `horizon` steps, of policies with these probabilities, `states x
    /// actions`. The estimated values of the doubly robust estimate are those of `sweeps`.
    ///
    /// # Panics
    /// If the shapes differ, or the behaviour never takes an action that the evaluated policy takes.
    pub fn of(
        model: &TransitionModel,
        [behaviour, target]: [&[f64]; 2],
        (gamma, horizon): (f64, usize),
        sweeps: &Sweeps,
    ) -> Self {
        let (states, actions) = (model.states(), model.actions());
        assert!(behaviour.len() == states * actions && target.len() == states * actions, "states x actions");
        let mut rest = vec![END; states];
        for steps in 1..=horizon {
            let (q, v) = (sweeps.q(steps), sweeps.v(steps));
            let of_state = |state: usize| {
                let mut sum = Rest::default();
                for action in 0..actions {
                    let pair = state * actions + action;
                    let (b, pi) = (behaviour[pair], target[pair]);
                    if b == 0.0 {
                        assert!(pi == 0.0, "the behaviour never takes action {action} in state {state}");
                        continue;
                    }
                    let w = pi / b;
                    for outcome in model.outcomes(state, action) {
                        let next = if outcome.terminated { END } else { rest[outcome.next] };
                        let (p, r) = (b * outcome.probability, outcome.reward);
                        let [m0, m1, m2] = next.squares;
                        sum.behaviour_value += p * (r + gamma * next.behaviour_value);
                        sum.value += p * w * (r + gamma * next.value);
                        sum.squares[0] += p * w * w * m0;
                        sum.squares[1] += p * w * w * (r * m0 + gamma * m1);
                        sum.squares[2] +=
                            p * w * w * (r * r * m0 + 2.0 * gamma * r * m1 + gamma * gamma * m2);
                        // X = c + w gamma X'
                        let second = |c: f64, next_square: f64| {
                            p * (c * c
                                + 2.0 * c * w * gamma * next.value
                                + w * w * gamma * gamma * next_square)
                        };
                        sum.per_decision += second(w * r, next.per_decision);
                        sum.doubly_robust += second(v[state] + w * (r - q[pair]), next.doubly_robust);
                    }
                }
                sum
            };
            rest = (0..states).map(of_state).collect();
        }
        let mean = |of: &dyn Fn(&Rest) -> f64| {
            model.start().iter().map(|&(p, state)| p * of(&rest[state])).sum::<f64>()
        };
        let value = mean(&|rest| rest.value);
        let deviation = |of: &dyn Fn(&Rest) -> f64| (mean(of) - value * value).max(0.0).sqrt();
        Self {
            behaviour_value: mean(&|rest| rest.behaviour_value),
            value,
            squared_ratio: mean(&|rest| rest.squares[0]),
            ordinary_deviation: deviation(&|rest| rest.squares[2]),
            per_decision_deviation: deviation(&|rest| rest.per_decision),
            doubly_robust_deviation: deviation(&|rest| rest.doubly_robust),
        }
    }
}
