//! Tabular algorithms: one value per state and action.
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::env::registry::find;
//! use potstill::tabular::{Sarsa, TabularConfig};
//! use potstill::train::{Trainer, Training};
//!
//! let streams = Streams::new(1);
//! let env = find("CliffWalking-v1").unwrap().make_states().unwrap();
//! let mut trainer = Trainer::new(Sarsa::new(TabularConfig::default(), 48, 4, streams), env, streams);
//! trainer.run(20_000, None, &mut ())?;
//! // Beside the goal, down leads into it.
//! let q = trainer.agent().q();
//! assert_eq!(q.row(35).iter().position(|&v| v == -1.0), Some(2));
//! # Ok::<(), potstill::train::TrainError>(())
//! ```

pub mod double_q_learning;
pub mod expected_sarsa;
pub mod gradient_bandit;
pub mod lambda;
pub mod monte_carlo;
pub mod n_step;
pub mod n_step_prediction;
pub mod prediction;
pub mod q_learning;
pub mod r_learning;
pub(crate) mod records;
pub mod sarsa;
pub mod speedy_q_learning;
mod traces;

pub use double_q_learning::DoubleQLearning;
pub use gradient_bandit::{GradientBandit, GradientBanditConfig};
pub use lambda::{Lambda, LambdaConfig, LambdaKind};
pub use monte_carlo::{MonteCarlo, MonteCarloKind};
pub use n_step::{NStep, NStepConfig, NStepKind};
pub use n_step_prediction::NStepPrediction;
pub use prediction::{MonteCarloPrediction, PredictionConfig, TdPrediction};
pub use q_learning::QLearning;
pub use r_learning::{RLearning, RLearningConfig};
pub use sarsa::Sarsa;
pub use speedy_q_learning::SpeedyQLearning;

use crate::algorithm::Task;
use crate::config::{ConfigError, settings};
use crate::policy::{Behaviour, Exploration, ExplorationRule, Policy, Schedule};
use potstill_core::Streams;

settings! {
    /// The hyperparameters that all tabular algorithms share.
    pub struct TabularConfig {
        /// Step size alpha, a number or a schedule; 1/n counts the updates of the value. Source: 0.5, with which Sutton and Barto 2018, Example 6.6 is commonly reproduced
        alpha (once learning_rate): Schedule = 0.5, in PositiveUnit;
        /// Discount. Source: Sutton and Barto 2018, Example 6.6 (undiscounted)
        gamma: f64 = 1.0, in Unit;
        /// Exploration of the behaviour policy. Source: Sutton and Barto 2018, Example 6.6
        exploration: Exploration = Exploration::EpsilonGreedy, in Any, needs Unset("data");
        /// Probability of exploring, if epsilon-greedy; a number or a schedule; 1/n counts the visits of the state. Source: Sutton and Barto 2018, Example 6.6
        epsilon: Schedule = 0.1, in Unit, needs Unset("data"), needs Is("exploration", &["epsilon-greedy"]);
        /// Temperature of the softmax, if boltzmann, in units of the return; a number or a schedule. Source:
        /// 1, where rewards are of about that size
        temperature: Schedule = 1.0, in Positive, needs Unset("data"), needs Is("exploration", &["boltzmann"]);
        /// Weight of the upper confidence bound, if ucb, in units of the return. Source: 2, with which Sutton
        /// and Barto 2018, figure 2.4 is drawn
        ucb_c: f64 = 2.0, in NotNegative, needs Unset("data"), needs Is("exploration", &["ucb"]);
        /// Initial value of every state and action. Source: 0, as commonly
        initial_value: f64 = 0.0, in Finite, needs Unset("from");
    }
}

impl TabularConfig {
    /// The behaviour policy of the settings, on the learner's own values.
    pub fn behaviour(&self, states: usize, actions: usize, streams: Streams) -> Behaviour {
        let rule = match self.exploration {
            Exploration::EpsilonGreedy => ExplorationRule::EpsilonGreedy { epsilon: self.epsilon },
            Exploration::Boltzmann => ExplorationRule::Boltzmann { temperature: self.temperature },
            Exploration::Ucb => ExplorationRule::Ucb { c: self.ucb_c },
            Exploration::Uniform => ExplorationRule::EpsilonGreedy { epsilon: Schedule::Constant(1.0) },
        };
        Behaviour::new(rule, states, actions, streams)
    }

    /// The behaviour policy in a task, where another agent or a recording may act.
    ///
    /// # Errors
    /// If returns are infinite: `gamma` is 1 and no episode ends.
    pub fn behaviour_in(&self, task: &Task<'_>) -> Result<Behaviour, ConfigError> {
        task.check_discount(self.gamma)?;
        Ok(task.behaviour(self.behaviour(task.states(), task.actions(), task.streams)))
    }
}

settings! {
    /// The target policy of off-policy algorithms with a choice.
    pub struct TargetConfig {
        /// Probability of exploring in the target policy; 0 is greedy. Source: Watkins 1989
        target_epsilon: f64 = 0.0, in Unit;
    }
}

impl TargetConfig {
    /// The target policy: greedy, or epsilon-greedy.
    pub fn policy(&self) -> Policy {
        match self.target_epsilon {
            0.0 => Policy::Greedy,
            epsilon => Policy::EpsilonGreedy { epsilon },
        }
    }
}
