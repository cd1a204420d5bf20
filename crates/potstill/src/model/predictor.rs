//! A network that predicts a class or a number from the rows of a data frame.

use crate::data::Preprocessing;
use potstill_core::{Restorable, Snapshot, SnapshotError};
use potstill_nn::Network;
use std::sync::Arc;

/// A network behind the preprocessing that it was trained with.
#[derive(Clone, Debug, PartialEq)]
pub struct Predictor {
    network: Network,
    preprocessing: Arc<Preprocessing>,
}

impl Predictor {
    /// A predictor.
    ///
    /// # Errors
    /// If the network has other inputs or outputs: the reason.
    pub fn new(network: Network, preprocessing: Arc<Preprocessing>) -> Result<Self, String> {
        let inputs: usize = preprocessing.shape().iter().product();
        let outputs = preprocessing.classes().len().max(1);
        if (network.inputs(), network.outputs()) != (inputs, outputs) {
            let (found, out) = (network.inputs(), network.outputs());
            return Err(format!(
                "the network maps {found} to {out}, but its preprocessing gives {inputs} inputs and {outputs} outputs"
            ));
        }
        Ok(Self { network, preprocessing })
    }

    /// The network.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The preprocessing.
    pub fn preprocessing(&self) -> &Arc<Preprocessing> {
        &self.preprocessing
    }
}

impl Restorable for Predictor {
    fn snapshot(&self) -> Snapshot {
        self.network.snapshot()
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        self.network.restore(snapshot)
    }
}
