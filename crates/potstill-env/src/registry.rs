//! The environments by their Gymnasium id.
//!
//! ```
//! use potstill_env::registry::find;
//!
//! let spec = find("CartPole-v1").unwrap();
//! assert_eq!((spec.time_limit_steps, spec.reward_threshold), (Some(500), Some(475.0)));
//! assert!(spec.make_features().is_some() && spec.make_states().is_none());
//! assert!(find("CartPole-v7").is_none());
//! ```

use crate::{CartPole, CliffWalking, Env, Guarded, Space};

/// An environment with discrete actions, behind a pointer.
pub type BoxEnv<O> = Box<dyn Env<Observation = O, Action = usize>>;

/// An environment with discrete observations.
pub type StateEnv = BoxEnv<usize>;

/// An environment with a vector of features for its observation.
pub type FeatureEnv = BoxEnv<[f32]>;

/// One registered environment.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// Gymnasium's id.
    pub id: &'static str,
    /// What the task is.
    pub summary: &'static str,
    /// Steps after which an episode is truncated.
    pub time_limit_steps: Option<u64>,
    /// The mean return that counts as solved.
    pub reward_threshold: Option<f64>,
    /// Whether transitions or starts are random.
    pub stochastic: bool,
    make: Make,
}

#[derive(Clone, Copy, Debug)]
enum Make {
    States(fn(Option<u64>) -> StateEnv),
    Features(fn(Option<u64>) -> FeatureEnv),
}

/// Every environment there is, by id.
pub static REGISTRY: [Spec; 2] = [
    Spec {
        id: "CartPole-v1",
        summary: "keep a pole upright on a cart",
        time_limit_steps: Some(500),
        reward_threshold: Some(475.0),
        stochastic: true,
        make: Make::Features(|limit| Box::new(Guarded::new(CartPole::default(), limit))),
    },
    Spec {
        id: "CliffWalking-v1",
        summary: "walk along a cliff to the goal",
        time_limit_steps: None,
        reward_threshold: None,
        stochastic: false,
        make: Make::States(|limit| Box::new(Guarded::new(CliffWalking::default(), limit))),
    },
];

/// The environment with this id.
pub fn find(id: &str) -> Option<&'static Spec> {
    REGISTRY.iter().find(|spec| spec.id == id)
}

impl Spec {
    /// The environment, if its observations are discrete.
    pub fn make_states(&self) -> Option<StateEnv> {
        match self.make {
            Make::States(make) => Some(make(self.time_limit_steps)),
            Make::Features(_) => None,
        }
    }

    /// The environment, if its observations are vectors of features.
    pub fn make_features(&self) -> Option<FeatureEnv> {
        match self.make {
            Make::States(_) => None,
            Make::Features(make) => Some(make(self.time_limit_steps)),
        }
    }

    /// The observation space.
    pub fn observation_space(&self) -> Space {
        match self.make {
            Make::States(make) => make(None).observation_space(),
            Make::Features(make) => make(None).observation_space(),
        }
    }

    /// The action space.
    pub fn action_space(&self) -> Space {
        match self.make {
            Make::States(make) => make(None).action_space(),
            Make::Features(make) => make(None).action_space(),
        }
    }
}
