//! Algorithms that keep one value per state and action.
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::env::registry::find;
//! use potstill::tabular::{Sarsa, TabularConfig};
//! use potstill::train::Trainer;
//!
//! let streams = Streams::new(1);
//! let env = find("CliffWalking-v1").unwrap().make_states().unwrap();
//! let mut trainer = Trainer::new(Sarsa::new(TabularConfig::default(), 48, 4, streams), env, streams);
//! let _ = trainer.run(20_000, None, &mut ())?;
//! // Beside the goal, down leads into it.
//! let q = trainer.agent().q();
//! assert_eq!(q.row(35).iter().position(|&v| v == -1.0), Some(2));
//! # Ok::<(), potstill::train::TrainError>(())
//! ```

pub mod double_q_learning;
pub mod expected_sarsa;
pub mod lambda;
pub mod monte_carlo;
pub mod n_step;
pub mod q_learning;
pub mod sarsa;

pub use double_q_learning::DoubleQLearning;
pub use lambda::{Lambda, LambdaConfig, LambdaKind};
pub use monte_carlo::{MonteCarlo, MonteCarloKind};
pub use n_step::{NStep, NStepConfig, NStepKind};
pub use q_learning::QLearning;
pub use sarsa::Sarsa;

use crate::config::settings;

settings! {
    /// The hyperparameters that all tabular algorithms share.
    pub struct TabularConfig {
        /// Step size alpha. Source: 0.5, with which Sutton and Barto 2018, Example 6.6 is commonly reproduced
        learning_rate: f64 = 0.5, in PositiveUnit;
        /// Discount. Source: Sutton and Barto 2018, Example 6.6 (undiscounted)
        gamma: f64 = 1.0, in Unit;
        /// Probability of exploring in the behaviour policy. Source: Sutton and Barto 2018, Example 6.6
        epsilon: f64 = 0.1, in Unit;
        /// The value that every state and action starts from. Source: 0, as commonly
        initial_value: f64 = 0.0, in Finite;
    }
}
