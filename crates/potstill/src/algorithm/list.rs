//! The list of all algorithms.

use super::descriptor::Algorithm;
use crate::actor_critic::{a2c, crossq, ddpg, one_step, ppo, reinforce, sac, td3};
use crate::baseline::random_linear;
use crate::config::ConfigError;
use crate::deep::{c51, dqn, iqn, pqn, qr_dqn, rainbow};
use crate::distill::{classifier, regression};
use crate::linear::{prediction as linear_prediction, semi_gradient_sarsa};
use crate::offline::{bc, bcq, cql, fqi, iql, rebrac, td3_bc};
use crate::planning::{dyna_q, mcts, policy_iteration, prioritized_sweeping, value_iteration};
use crate::tabular::{
    double_q_learning, expected_sarsa, gradient_bandit, lambda, monte_carlo, n_step, n_step_prediction,
    prediction, q_learning, r_learning, sarsa, speedy_q_learning,
};

/// Every algorithm that `train` takes, in the order in which it is shown.
pub static ALGORITHMS: &[&Algorithm] = &[
    &q_learning::ALGORITHM,
    &sarsa::ALGORITHM,
    &expected_sarsa::ALGORITHM,
    &double_q_learning::ALGORITHM,
    &speedy_q_learning::ALGORITHM,
    &r_learning::ALGORITHM,
    &gradient_bandit::ALGORITHM,
    &n_step::SARSA,
    &n_step::OFF_POLICY_SARSA,
    &n_step::TREE_BACKUP,
    &lambda::SARSA_LAMBDA,
    &lambda::Q_LAMBDA,
    &monte_carlo::ON_POLICY,
    &monte_carlo::OFF_POLICY,
    &prediction::TD,
    &prediction::TD_LAMBDA,
    &n_step_prediction::ALGORITHM,
    &prediction::MONTE_CARLO,
    &linear_prediction::TD,
    &linear_prediction::MONTE_CARLO,
    &semi_gradient_sarsa::ALGORITHM,
    &dyna_q::DYNA_Q,
    &dyna_q::DYNA_Q_PLUS,
    &prioritized_sweeping::ALGORITHM,
    &mcts::ALGORITHM,
    &value_iteration::ALGORITHM,
    &policy_iteration::POLICY_ITERATION,
    &policy_iteration::MODIFIED,
    &dqn::ALGORITHM,
    &c51::ALGORITHM,
    &qr_dqn::ALGORITHM,
    &iqn::ALGORITHM,
    &rainbow::ALGORITHM,
    &pqn::ALGORITHM,
    &reinforce::ALGORITHM,
    &one_step::ALGORITHM,
    &a2c::ALGORITHM,
    &ppo::ALGORITHM,
    &ddpg::ALGORITHM,
    &td3::ALGORITHM,
    &sac::ALGORITHM,
    &crossq::ALGORITHM,
    &bc::ALGORITHM,
    &bcq::ALGORITHM,
    &cql::ALGORITHM,
    &fqi::ALGORITHM,
    &iql::ALGORITHM,
    &td3_bc::ALGORITHM,
    &rebrac::ALGORITHM,
    &random_linear::ALGORITHM,
    &classifier::ALGORITHM,
    &regression::ALGORITHM,
];

impl Algorithm {
    /// The algorithm of this name.
    ///
    /// # Errors
    /// If there is none; the message suggests the nearest name.
    pub fn find(name: &str) -> Result<&'static Self, ConfigError> {
        let found = ALGORITHMS.iter().find(|algorithm| algorithm.name == name);
        found.copied().ok_or_else(|| {
            if name.starts_with("distil") {
                let words =
                    "a student is trained by its own command: `potstill distill --teacher RUN --student SPEC`";
                return ConfigError::Usage(words.to_owned());
            }
            ConfigError::unknown("algorithm", name, None, ALGORITHMS.iter().map(|algorithm| algorithm.name))
        })
    }
}
