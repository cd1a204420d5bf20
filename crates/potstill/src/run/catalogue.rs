//! The algorithms by name, in the words of the field.

use crate::config::ConfigError;

/// What an algorithm learns from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learns {
    /// An environment with discrete observations.
    States,
    /// An environment with features.
    Features,
    /// A labelled dataset.
    Labels,
}

impl Learns {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Learns::States => "environments with discrete observations",
            Learns::Features => "environments with features",
            Learns::Labels => "labelled datasets",
        }
    }
}

/// One algorithm.
#[derive(Clone, Copy, Debug)]
pub struct Algorithm {
    /// The name on the command line.
    pub name: &'static str,
    /// What it learns from.
    pub learns: Learns,
    /// On- or off-policy, online or offline, model-based or model-free.
    pub kind: &'static str,
    /// What it does, in one line.
    pub summary: &'static str,
    /// Where it comes from.
    pub source: &'static str,
}

/// Every algorithm that `train` takes.
pub const ALGORITHMS: [Algorithm; 4] = [
    Algorithm {
        name: "q-learning",
        learns: Learns::States,
        kind: "off-policy, online, model-free",
        summary: "learn the greedy policy's values while exploring",
        source: "Watkins 1989; Sutton and Barto 2018, section 6.5",
    },
    Algorithm {
        name: "sarsa",
        learns: Learns::States,
        kind: "on-policy, online, model-free",
        summary: "learn the values of the policy that explores",
        source: "Rummery and Niranjan 1994; Sutton and Barto 2018, section 6.4",
    },
    Algorithm {
        name: "dqn",
        learns: Learns::Features,
        kind: "off-policy, online, model-free",
        summary: "Q-learning with a network, a replay buffer and a target network as teacher",
        source: "Mnih et al. 2015, Algorithm 1",
    },
    Algorithm {
        name: "classifier",
        learns: Learns::Labels,
        kind: "supervised",
        summary: "fit a network to labels, as a teacher for distillation",
        source: "cross-entropy and Adam (Kingma and Ba 2015)",
    },
];

impl Algorithm {
    /// The algorithm with this name.
    ///
    /// # Errors
    /// If there is none, with the nearest name.
    pub fn find(name: &str) -> Result<&'static Self, ConfigError> {
        ALGORITHMS
            .iter()
            .find(|algorithm| algorithm.name == name)
            .ok_or_else(|| ConfigError::unknown("algorithm", name, None, ALGORITHMS.iter().map(|a| a.name)))
    }
}
