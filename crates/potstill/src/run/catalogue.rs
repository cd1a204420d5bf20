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
pub const ALGORITHMS: [Algorithm; 13] = [
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
        name: "expected-sarsa",
        learns: Learns::States,
        kind: "on-policy, online, model-free",
        summary: "SARSA with the mean over the next action instead of the one drawn",
        source: "van Seijen et al. 2009; Sutton and Barto 2018, section 6.6",
    },
    Algorithm {
        name: "double-q-learning",
        learns: Learns::States,
        kind: "off-policy, online, model-free",
        summary: "Q-learning with two tables, against the maximum's bias",
        source: "van Hasselt 2010; Sutton and Barto 2018, section 6.7",
    },
    Algorithm {
        name: "n-step-sarsa",
        learns: Learns::States,
        kind: "on-policy, online, model-free",
        summary: "SARSA that looks n steps ahead",
        source: "Sutton and Barto 2018, section 7.2",
    },
    Algorithm {
        name: "off-policy-n-step-sarsa",
        learns: Learns::States,
        kind: "off-policy, online, model-free",
        summary: "n-step SARSA of the greedy policy, by importance sampling",
        source: "Sutton and Barto 2018, section 7.3",
    },
    Algorithm {
        name: "tree-backup",
        learns: Learns::States,
        kind: "off-policy, online, model-free",
        summary: "n steps ahead without importance sampling",
        source: "Precup et al. 2000; Sutton and Barto 2018, section 7.5",
    },
    Algorithm {
        name: "sarsa-lambda",
        learns: Learns::States,
        kind: "on-policy, online, model-free",
        summary: "SARSA with eligibility traces: accumulating, replacing or dutch",
        source: "Rummery 1995; van Seijen et al. 2016; Sutton and Barto 2018, section 12.7",
    },
    Algorithm {
        name: "q-lambda",
        learns: Learns::States,
        kind: "off-policy, online, model-free",
        summary: "Q-learning with traces that end where it explores",
        source: "Watkins 1989; Sutton and Barto 2018, section 12.10",
    },
    Algorithm {
        name: "monte-carlo",
        learns: Learns::States,
        kind: "on-policy, online, model-free",
        summary: "the means of the returns after first visits",
        source: "Sutton and Barto 2018, section 5.4",
    },
    Algorithm {
        name: "off-policy-monte-carlo",
        learns: Learns::States,
        kind: "off-policy, online, model-free",
        summary: "the greedy policy's returns, by weighted importance sampling",
        source: "Precup et al. 2000; Sutton and Barto 2018, section 5.7",
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
