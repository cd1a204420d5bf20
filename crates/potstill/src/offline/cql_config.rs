//! The settings of CQL, for discrete actions as for a box.

use super::agent::{OfflineConfig, OfflineOptimizer};
use crate::config::{Auto, other_defaults, settings};
use crate::policy::Schedule;

settings! {
    /// The hyperparameters of CQL.
    pub struct CqlConfig {
        /// Weight of the conservative term; auto is 1 for discrete actions and 5 in a box. Source: Kumar et
        /// al. 2020, appendix F; d3rlpy
        cql_alpha: Auto = Auto::Auto, in NotNegative;
        /// Threshold of the Huber loss between quadratic and linear; 0 for the squared error. Source: Kumar
        /// et al. 2020, section 6, where it is that of QR-DQN
        huber_delta: f64 = 1.0, in NotNegative;
        /// Selects the next action with the online network (double DQN). Source: van Hasselt, Guez and Silver
        /// 2016
        double: bool = false, in Any;
        /// Actions of each of three kinds that the values in a box are lowered at. Source: Kumar et al. 2020,
        /// appendix F; d3rlpy; CORL
        n_actions: u64 = 10, in AtLeastOne;
        /// Difference of soft maximum and recorded value above which the weight of the conservative term
        /// rises, and below which it falls, in a box; a fixed weight if it is not given. Source: Kumar et al.
        /// 2020, equation 30
        cql_threshold: Option<f64> = None, in Finite;
        /// Temperature of the policy in a box; auto learns it. Source: Haarnoja et al. 2018b, section 5
        ent_coef: Auto = Auto::Auto, in NotNegative;
        /// Step size of the policy in a box, of its temperature and of a weight that is learned. Source:
        /// d3rlpy
        policy_learning_rate: Schedule = 1e-4, in NotNegative;
        /// Step size of the critics in a box. Source: d3rlpy; CORL
        critic_learning_rate: Schedule = 3e-4, in NotNegative;
    }
}

other_defaults! {
    /// The shared keys with a step size of 0.001.
    CqlShared: OfflineConfig = OfflineConfig { learning_rate: 1e-3.into(), ..OfflineConfig::default() }
}

/// All settings of CQL.
pub type CqlSettings = (CqlConfig, (CqlShared, OfflineOptimizer));
