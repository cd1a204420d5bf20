//! The algorithms by name, in the words of the field.

use crate::config::ConfigError;

/// What an algorithm learns from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learns {
    /// An environment with discrete observations.
    States,
    /// The exact model of one.
    Model,
    /// An environment with features.
    Features,
    /// An environment with features whose actions are vectors.
    Control,
    /// A labelled dataset.
    Labels,
}

impl Learns {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Learns::States => "environments with discrete observations",
            Learns::Model => "exact models of environments with discrete observations",
            Learns::Features => "environments with features",
            Learns::Control => "environments with features and a box of actions",
            Learns::Labels => "labelled datasets",
        }
    }

    /// The observations and the actions that there must be; none where nobody acts.
    pub fn spaces(self) -> Option<(&'static str, &'static str)> {
        match self {
            Learns::States | Learns::Model => Some(("discrete", "discrete")),
            Learns::Features => Some(("box", "discrete")),
            Learns::Control => Some(("box", "box")),
            Learns::Labels => None,
        }
    }
}

/// Whose values are learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyKind {
    /// The policy's that acts.
    On,
    /// Another's.
    Off,
}

/// Whether it learns while it acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataKind {
    /// While acting.
    Online,
    /// From what there is.
    Offline,
    /// Either.
    Both,
}

/// One algorithm.
#[derive(Clone, Copy, Debug)]
pub struct Algorithm {
    /// The name on the command line.
    pub name: &'static str,
    /// What it belongs to: tabular, prediction, planning, deep or supervised.
    pub family: &'static str,
    /// What it learns from.
    pub learns: Learns,
    /// Whose values it learns; none where nobody's are.
    pub policy: Option<PolicyKind>,
    /// Whether it learns while it acts.
    pub data: DataKind,
    /// Whether it has a model of the world; none where there is no world.
    pub is_model_based: Option<bool>,
    /// What it does, in one line.
    pub summary: &'static str,
    /// Where it comes from.
    pub source: &'static str,
}

/// Every algorithm that `train` takes.
pub const ALGORITHMS: [Algorithm; 31] = [
    Algorithm {
        name: "q-learning",
        family: "tabular",
        learns: Learns::States,
        policy: Some(PolicyKind::Off),
        data: DataKind::Both,
        is_model_based: Some(false),
        summary: "learn the greedy policy's values while exploring",
        source: "Watkins 1989; Sutton and Barto 2018, section 6.5",
    },
    Algorithm {
        name: "sarsa",
        family: "tabular",
        learns: Learns::States,
        policy: Some(PolicyKind::On),
        data: DataKind::Online,
        is_model_based: Some(false),
        summary: "learn the values of the policy that explores",
        source: "Rummery and Niranjan 1994; Sutton and Barto 2018, section 6.4",
    },
    Algorithm {
        name: "expected-sarsa",
        family: "tabular",
        learns: Learns::States,
        policy: Some(PolicyKind::On),
        data: DataKind::Online,
        is_model_based: Some(false),
        summary: "SARSA with the mean over the next action instead of the one drawn",
        source: "van Seijen et al. 2009; Sutton and Barto 2018, section 6.6",
    },
    Algorithm {
        name: "double-q-learning",
        family: "tabular",
        learns: Learns::States,
        policy: Some(PolicyKind::Off),
        data: DataKind::Both,
        is_model_based: Some(false),
        summary: "Q-learning with two tables, against the maximum's bias",
        source: "van Hasselt 2010; Sutton and Barto 2018, section 6.7",
    },
    Algorithm {
        name: "speedy-q-learning",
        family: "tabular",
        learns: Learns::States,
        policy: Some(PolicyKind::Off),
        data: DataKind::Both,
        is_model_based: Some(false),
        summary: "Q-learning from two successive tables, with steps that stay large",
        source: "Azar et al. 2011",
    },
    Algorithm {
        name: "r-learning",
        family: "tabular",
        learns: Learns::States,
        policy: Some(PolicyKind::Off),
        data: DataKind::Both,
        is_model_based: Some(false),
        summary: "the best average reward of a task that never ends",
        source: "Schwartz 1993; Sutton and Barto 1998, figure 6.16",
    },
    Algorithm {
        name: "n-step-sarsa",
        family: "tabular",
        learns: Learns::States,
        policy: Some(PolicyKind::On),
        data: DataKind::Online,
        is_model_based: Some(false),
        summary: "SARSA that looks n steps ahead",
        source: "Sutton and Barto 2018, section 7.2",
    },
    Algorithm {
        name: "off-policy-n-step-sarsa",
        family: "tabular",
        learns: Learns::States,
        policy: Some(PolicyKind::Off),
        data: DataKind::Both,
        is_model_based: Some(false),
        summary: "n-step SARSA of the greedy policy, by importance sampling",
        source: "Sutton and Barto 2018, section 7.3",
    },
    Algorithm {
        name: "tree-backup",
        family: "tabular",
        learns: Learns::States,
        policy: Some(PolicyKind::Off),
        data: DataKind::Both,
        is_model_based: Some(false),
        summary: "n steps ahead without importance sampling",
        source: "Precup et al. 2000; Sutton and Barto 2018, section 7.5",
    },
    Algorithm {
        name: "sarsa-lambda",
        family: "tabular",
        learns: Learns::States,
        policy: Some(PolicyKind::On),
        data: DataKind::Online,
        is_model_based: Some(false),
        summary: "SARSA with eligibility traces: accumulating, replacing or dutch",
        source: "Rummery 1995; van Seijen et al. 2016; Sutton and Barto 2018, section 12.7",
    },
    Algorithm {
        name: "q-lambda",
        family: "tabular",
        learns: Learns::States,
        policy: Some(PolicyKind::Off),
        data: DataKind::Both,
        is_model_based: Some(false),
        summary: "Q-learning with traces that end where it explores",
        source: "Watkins 1989; Sutton and Barto 2018, section 12.10",
    },
    Algorithm {
        name: "monte-carlo",
        family: "tabular",
        learns: Learns::States,
        policy: Some(PolicyKind::On),
        data: DataKind::Online,
        is_model_based: Some(false),
        summary: "the means of the returns after first visits",
        source: "Sutton and Barto 2018, section 5.4",
    },
    Algorithm {
        name: "off-policy-monte-carlo",
        family: "tabular",
        learns: Learns::States,
        policy: Some(PolicyKind::Off),
        data: DataKind::Both,
        is_model_based: Some(false),
        summary: "the greedy policy's returns, by weighted importance sampling",
        source: "Precup et al. 2000; Sutton and Barto 2018, section 5.7",
    },
    Algorithm {
        name: "td-prediction",
        family: "prediction",
        learns: Learns::States,
        policy: Some(PolicyKind::On),
        data: DataKind::Both,
        is_model_based: Some(false),
        summary: "the values of states under a given policy, step by step: TD(0)",
        source: "Sutton 1988; Sutton and Barto 2018, section 6.1",
    },
    Algorithm {
        name: "td-lambda-prediction",
        family: "prediction",
        learns: Learns::States,
        policy: Some(PolicyKind::On),
        data: DataKind::Both,
        is_model_based: Some(false),
        summary: "the same with eligibility traces: TD(lambda)",
        source: "Sutton 1988; Sutton and Barto 2018, section 12.2",
    },
    Algorithm {
        name: "monte-carlo-prediction",
        family: "prediction",
        learns: Learns::States,
        policy: Some(PolicyKind::On),
        data: DataKind::Both,
        is_model_based: Some(false),
        summary: "the same from whole episodes, by first visits",
        source: "Sutton and Barto 2018, section 5.1",
    },
    Algorithm {
        name: "dyna-q",
        family: "planning",
        learns: Learns::States,
        policy: Some(PolicyKind::Off),
        data: DataKind::Both,
        is_model_based: Some(true),
        summary: "Q-learning that also learns from a model it learns",
        source: "Sutton 1990; Sutton and Barto 2018, section 8.2",
    },
    Algorithm {
        name: "dyna-q-plus",
        family: "planning",
        learns: Learns::States,
        policy: Some(PolicyKind::Off),
        data: DataKind::Both,
        is_model_based: Some(true),
        summary: "Dyna-Q that looks again at what it has not tried for long",
        source: "Sutton 1990; Sutton and Barto 2018, section 8.3",
    },
    Algorithm {
        name: "prioritized-sweeping",
        family: "planning",
        learns: Learns::States,
        policy: Some(PolicyKind::Off),
        data: DataKind::Both,
        is_model_based: Some(true),
        summary: "plan first where the values would move most",
        source: "Moore and Atkeson 1993; Sutton and Barto 2018, section 8.4",
    },
    Algorithm {
        name: "mcts",
        family: "planning",
        learns: Learns::States,
        policy: None,
        data: DataKind::Online,
        is_model_based: Some(true),
        summary: "search in copies of the environment before each step (UCT)",
        source: "Kocsis and Szepesvari 2006; Sutton and Barto 2018, section 8.11",
    },
    Algorithm {
        name: "value-iteration",
        family: "planning",
        learns: Learns::Model,
        policy: None,
        data: DataKind::Offline,
        is_model_based: Some(true),
        summary: "sweep over an exact model until the best values stay",
        source: "Bellman 1957; Sutton and Barto 2018, section 4.4",
    },
    Algorithm {
        name: "policy-iteration",
        family: "planning",
        learns: Learns::Model,
        policy: None,
        data: DataKind::Offline,
        is_model_based: Some(true),
        summary: "judge a policy on an exact model, improve it, and again",
        source: "Howard 1960; Sutton and Barto 2018, section 4.3",
    },
    Algorithm {
        name: "modified-policy-iteration",
        family: "planning",
        learns: Learns::Model,
        policy: None,
        data: DataKind::Offline,
        is_model_based: Some(true),
        summary: "the same, judging for a few sweeps only",
        source: "Puterman and Shin 1978",
    },
    Algorithm {
        name: "dqn",
        family: "deep",
        learns: Learns::Features,
        policy: Some(PolicyKind::Off),
        data: DataKind::Online,
        is_model_based: Some(false),
        summary: "Q-learning with a network, a replay buffer and a target network as teacher",
        source: "Mnih et al. 2015, Algorithm 1",
    },
    Algorithm {
        name: "c51",
        family: "deep",
        learns: Learns::Features,
        policy: Some(PolicyKind::Off),
        data: DataKind::Online,
        is_model_based: Some(false),
        summary: "DQN that learns the return's distribution, as probabilities of fixed values",
        source: "Bellemare, Dabney and Munos 2017, Algorithm 1",
    },
    Algorithm {
        name: "qr-dqn",
        family: "deep",
        learns: Learns::Features,
        policy: Some(PolicyKind::Off),
        data: DataKind::Online,
        is_model_based: Some(false),
        summary: "DQN that learns the return's distribution, as quantiles",
        source: "Dabney et al. 2018, Algorithm 1",
    },
    Algorithm {
        name: "iqn",
        family: "deep",
        learns: Learns::Features,
        policy: Some(PolicyKind::Off),
        data: DataKind::Online,
        is_model_based: Some(false),
        summary: "DQN that learns the return's distribution, as a function of the probability",
        source: "Dabney, Ostrovski, Silver and Munos 2018",
    },
    Algorithm {
        name: "rainbow",
        family: "deep",
        learns: Learns::Features,
        policy: Some(PolicyKind::Off),
        data: DataKind::Online,
        is_model_based: Some(false),
        summary: "C51, double, dueling, prioritised, n-step and noisy, all at once",
        source: "Hessel et al. 2018",
    },
    Algorithm {
        name: "pqn",
        family: "deep",
        learns: Learns::Features,
        policy: Some(PolicyKind::Off),
        data: DataKind::Online,
        is_model_based: Some(false),
        summary: "Q-learning from many copies at a time, without replay or target network",
        source: "Gallici et al. 2024, Algorithm 1",
    },
    Algorithm {
        name: "random-linear",
        family: "baseline",
        learns: Learns::Control,
        policy: Some(PolicyKind::On),
        data: DataKind::Online,
        is_model_based: Some(false),
        summary: "act by a linear policy that is drawn once and never changed",
        source: "the start of a random search, Mania, Guy and Recht 2018",
    },
    Algorithm {
        name: "classifier",
        family: "supervised",
        learns: Learns::Labels,
        policy: None,
        data: DataKind::Offline,
        is_model_based: None,
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

    /// `on-policy` or `off-policy`.
    pub fn policy_words(&self) -> Option<&'static str> {
        self.policy.map(|policy| match policy {
            PolicyKind::On => "on-policy",
            PolicyKind::Off => "off-policy",
        })
    }

    /// `online`, `offline`, or either.
    pub fn data_words(&self) -> &'static str {
        match self.data {
            DataKind::Online => "online",
            DataKind::Offline => "offline",
            DataKind::Both => "online or offline",
        }
    }

    /// `model-based` or `model-free`.
    pub fn model_words(&self) -> Option<&'static str> {
        self.is_model_based.map(|based| if based { "model-based" } else { "model-free" })
    }

    /// All of it in one line.
    pub fn kind(&self) -> String {
        let words = [Some(self.family), self.policy_words(), Some(self.data_words()), self.model_words()];
        words.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}
