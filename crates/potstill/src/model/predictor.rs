//! A network that predicts a class or a number from the rows of a data frame.

use super::text_bag::TextBag;
use crate::data::{DataFrame, Dataset, Preprocessing};
use potstill_core::{Restorable, Snapshot, SnapshotError, Value};
use potstill_nn::{Network, NetworkSpec};
use std::sync::Arc;

/// A network behind the preprocessing that it was trained with; of texts, behind a bag of their n-grams.
#[derive(Clone, Debug, PartialEq)]
pub struct Predictor {
    network: Network,
    preprocessing: Arc<Preprocessing>,
    bag: Option<TextBag>,
}

impl Predictor {
    /// A predictor of numbers.
    ///
    /// # Errors
    /// If the network has other inputs or outputs: the reason.
    pub fn new(network: Network, preprocessing: Arc<Preprocessing>) -> Result<Self, String> {
        Self::with_bag(network, preprocessing, None)
    }

    /// A predictor of texts, if it has a bag.
    ///
    /// # Errors
    /// If the network has other inputs or outputs, or a bag is missing or too many: the reason.
    pub fn with_bag(
        network: Network,
        preprocessing: Arc<Preprocessing>,
        bag: Option<TextBag>,
    ) -> Result<Self, String> {
        let inputs = match (&bag, preprocessing.text()) {
            (None, None) => preprocessing.shape().iter().product(),
            (Some(bag), Some(_)) => bag.table().width(),
            (None, Some(text)) => {
                return Err(format!("its column `{text}` has texts, but it has no n-grams"));
            }
            (Some(_), None) => return Err("it has n-grams, but no column of texts".to_owned()),
        };
        let outputs = preprocessing.classes().len().max(1);
        if (network.inputs(), network.outputs()) != (inputs, outputs) {
            let (found, out) = (network.inputs(), network.outputs());
            return Err(format!(
                "the network maps {found} to {out}, but its preprocessing gives {inputs} inputs and {outputs} outputs"
            ));
        }
        Ok(Self { network, preprocessing, bag })
    }

    /// The network.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The preprocessing.
    pub fn preprocessing(&self) -> &Arc<Preprocessing> {
        &self.preprocessing
    }

    /// The same network behind a preprocessing of as many inputs and classes.
    #[cfg(feature = "disk")]
    pub(crate) fn with_preprocessing(&self, preprocessing: Preprocessing) -> Self {
        Self { preprocessing: Arc::new(preprocessing), ..self.clone() }
    }

    /// The bag of n-grams before the network, of texts.
    pub fn bag(&self) -> Option<&TextBag> {
        self.bag.as_ref()
    }

    /// The form, with that of the bag.
    pub fn spec(&self) -> NetworkSpec {
        NetworkSpec { bag: self.bag.as_ref().map(|bag| *bag.spec()), ..self.network.spec().clone() }
    }

    /// The number of parameters, those of the bag included.
    pub fn parameters(&self) -> usize {
        self.network.parameters().len() + self.of_bag().len()
    }

    /// The parameters of the bag; none without one.
    pub fn of_bag(&self) -> &[f32] {
        self.bag.as_ref().map_or(&[], |bag| bag.table().parameters())
    }

    /// The network's inputs for these rows, `rows x inputs of the network`.
    ///
    /// # Errors
    /// If a column is missing or of another kind, or a value is missing: where.
    pub fn inputs(&self, frame: &DataFrame, rows: &[usize]) -> Result<Vec<f32>, String> {
        match &self.bag {
            None => self.preprocessing.encode(frame, rows),
            Some(bag) => {
                let texts = self.preprocessing.texts(frame, rows)?;
                Ok(bag.means(texts.iter().map(|text| &**text)))
            }
        }
    }

    /// The samples as the network takes them: the same, or the means of texts.
    pub fn embedded(&self, data: &Arc<Dataset>) -> Arc<Dataset> {
        match &self.bag {
            None => Arc::clone(data),
            Some(bag) => {
                let means = bag.means(data.texts.iter().map(|text| &**text));
                Arc::new(data.embedded(bag.table().width(), means))
            }
        }
    }
}

/// The branch of a bag in a snapshot.
const EMBEDDING: &str = "embedding";

impl Restorable for Predictor {
    fn snapshot(&self) -> Snapshot {
        let mut snapshot = self.network.snapshot();
        if let Some(bag) = &self.bag {
            snapshot.insert(EMBEDDING, Value::Tree(bag.snapshot()));
        }
        snapshot
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        self.network.restore(snapshot)?;
        self.bag.as_mut().map_or(Ok(()), |bag| bag.restore(snapshot.tree(EMBEDDING)?))
    }
}
