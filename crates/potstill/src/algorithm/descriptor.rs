//! The description of an algorithm in the words of the field.

use super::builder::Builder;

/// The relation of the policy whose values are learned to the one that acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyKind {
    /// On-policy: they are the same.
    On,
    /// Off-policy: they differ.
    Off,
}

/// The relation of learning to acting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataKind {
    /// Online: it learns while it acts.
    Online,
    /// Offline: it learns from data or a model that it is given.
    Offline,
    /// Both: it learns online or offline.
    Both,
}

/// Published hyperparameters.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// The name of the source.
    pub name: &'static str,
    /// TOML: the values for every environment, and a table of further values for each environment.
    pub text: &'static str,
}

/// An algorithm, as its own file declares it.
#[derive(Clone, Copy, Debug)]
pub struct Algorithm {
    /// The name on the command line.
    pub name: &'static str,
    /// The family: tabular, prediction, linear, planning, deep, actor-critic, offline, baseline or supervised.
    pub family: &'static str,
    /// The policy whose values it learns; none for planners and classifiers.
    pub policy: Option<PolicyKind>,
    /// The data that it learns from.
    pub data: DataKind,
    /// The use of a model of the environment; none where there is no environment.
    pub is_model_based: Option<bool>,
    /// A description in one line.
    pub summary: &'static str,
    /// The papers and the sections of books that define it.
    pub source: &'static str,
    /// The file that implements it, from the root of the repository; `file!()`.
    pub file: &'static str,
    /// Its input, its keys, and its constructor with everything that it refuses.
    pub builder: Builder,
    /// Published hyperparameters.
    pub presets: &'static [Preset],
    /// Settings of short runs that together execute all of it, as `key=value` words. The suites of tests run each: it is deterministic, it
    /// continues from any checkpoint, and after a kill, to the same bytes.
    pub smoke: &'static [&'static str],
}

impl Algorithm {
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

    /// The classification in one line, such as `tabular, on-policy, online, model-free`.
    pub fn kind(&self) -> String {
        let words = [Some(self.family), self.policy_words(), Some(self.data_words()), self.model_words()];
        words.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}
