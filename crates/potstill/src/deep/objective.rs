//! The statistic of the return that DQN and its distributional variants learn of each action.

use super::update::Update;
use crate::algorithm::Unused;
use crate::config::Need;
use potstill_nn::Head;
use std::fmt;
use std::sync::Arc;

/// A statistic of the return of each action: its mean, or a representation of its distribution.
#[derive(Clone, Debug)]
pub struct Objective(Option<Arc<dyn Distribution>>);

/// The keys of DQN that are for means, which agents that learn a distribution have no use for.
pub(super) const OF_MEANS: Unused = &[
    ("huber_delta", &[Need::Never("the loss is that of a distribution")]),
    ("munchausen_alpha", &[Need::Never("munchausen is a target of means")]),
    ("munchausen_temperature", &[Need::Never("munchausen is a target of means")]),
    ("munchausen_clip", &[Need::Never("munchausen is a target of means")]),
];

/// A representation of the distribution of the return.
pub(super) trait Distribution: fmt::Debug + Send + Sync {
    /// The network's head.
    fn head(&self) -> Head;

    /// The random probabilities of a sample in the largest pass; 1 if the network takes none.
    fn taus(&self) -> usize {
        1
    }

    /// The loss of one update; leaves its gradient with respect to the online network's outputs in the buffers.
    fn loss(&self, update: Update<'_>) -> f32;
}

impl Objective {
    /// The mean: the action value `Q(s, a)`.
    pub const MEAN: Self = Self(None);

    /// A distribution.
    pub(super) fn of(distribution: impl Distribution + 'static) -> Self {
        Self(Some(Arc::new(distribution)))
    }

    /// The representation of the distribution; `None` for the mean.
    pub(super) fn distribution(&self) -> Option<&dyn Distribution> {
        self.0.as_deref()
    }

    /// The network's head.
    pub(super) fn head(&self) -> Head {
        self.distribution().map_or(Head::Values, Distribution::head)
    }

    /// The random probabilities of a sample in the largest pass; 1 if the network takes none.
    pub(super) fn taus(&self) -> usize {
        self.distribution().map_or(1, Distribution::taus)
    }
}
